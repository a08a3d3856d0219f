"""Writes layers.json: what PyTorch gives, forward and backward in float64, for the layers that both have.

Run with an interpreter that has PyTorch: `python tests/golden/make_layers.py`.
"""

import json
from pathlib import Path

import torch
from torch import nn

torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(20)

ELEMENTWISE = {
    "Sigmoid": nn.Sigmoid(),
    "Tanh": nn.Tanh(),
    "ReLU": nn.ReLU(),
    "LeakyReLU": nn.LeakyReLU(),
    "LeakyReLU(0.3)": nn.LeakyReLU(0.3),
    "ELU": nn.ELU(),
    "ELU(0.7)": nn.ELU(0.7),
    "SELU": nn.SELU(),
    "Softplus": nn.Softplus(),
    "GELU": nn.GELU(),
    "GELU(approximate='tanh')": nn.GELU(approximate="tanh"),
    "SiLU": nn.SiLU(),
    "Mish": nn.Mish(),
}


def numbers(tensor: torch.Tensor) -> list:
    return tensor.detach().tolist()


def random(*shape: int) -> torch.Tensor:
    """Random numbers of few digits, so that the file stays short and the input is exact."""
    return (torch.randn(*shape, generator=generator) * 2).round(decimals=2)


def pass_through(module, x: torch.Tensor, dy: torch.Tensor) -> dict:
    """y and all gradients for one input and one cotangent."""
    x = x.clone().requires_grad_()
    module.zero_grad()
    y = module(x)
    y.backward(dy)
    result = {"x": numbers(x), "dy": numbers(dy), "y": numbers(y), "dx": numbers(x.grad)}
    if getattr(module, "weight", None) is not None:
        result |= {"dgamma": numbers(module.weight.grad), "dbeta": numbers(module.bias.grad)}
    return result


class LastAxis(nn.Module):
    """BatchNorm1d with the channel in the last axis instead of the second one."""

    def __init__(self, norm: nn.BatchNorm1d) -> None:
        super().__init__()
        self.norm = norm

    @property
    def weight(self) -> nn.Parameter:
        return self.norm.weight

    @property
    def bias(self) -> nn.Parameter:
        return self.norm.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x) if x.ndim == 2 else self.norm(x.movedim(-1, 1)).movedim(1, -1)


def set_gain(module) -> dict:
    with torch.no_grad():
        module.weight.copy_(random(*module.weight.shape))
        module.bias.copy_(random(*module.bias.shape))
    return {"gamma": numbers(module.weight), "beta": numbers(module.bias)}


def batch_norm(*shape: int) -> dict:
    """Three training batches, then prediction; PyTorch's momentum 0.1 is our 0.9."""
    module = LastAxis(nn.BatchNorm1d(shape[-1], momentum=0.1, eps=1e-5))
    result = set_gain(module)
    result["training"] = []
    for _ in range(3):
        entry = pass_through(module, random(*shape) + 1, random(*shape))
        entry |= {"running_mean": numbers(module.norm.running_mean), "running_var": numbers(module.norm.running_var)}
        result["training"].append(entry)
    module.eval()
    result["prediction"] = pass_through(module, random(*shape), random(*shape))
    return result


def layer_norm(*shape: int) -> dict:
    module = nn.LayerNorm(shape[-1], eps=1e-5)
    return set_gain(module) | pass_through(module, random(*shape) + 1, random(*shape))


if __name__ == "__main__":
    grid = torch.tensor([[-19.5, -6.0, -3.3, -1.0, -0.5, -0.01], [0.0, 0.01, 0.5, 1.0, 2.7, 19.5]])
    golden = {
        "made_with": f"torch {torch.__version__}",
        "elementwise": {name: pass_through(module, grid, random(2, 6)) for name, module in ELEMENTWISE.items()},
        "Softmax": [
            pass_through(nn.Softmax(-1), random(3, 5), random(3, 5)),
            pass_through(nn.Softmax(-1), random(2, 2, 3), random(2, 2, 3)),
        ],
        "BatchNorm": [batch_norm(5, 3), batch_norm(3, 4, 2)],
        "LayerNorm": [layer_norm(3, 4), layer_norm(2, 3, 4)],
    }
    Path(__file__).with_name("layers.json").write_text(json.dumps(golden, indent=None, separators=(", ", ": ")) + "\n")
