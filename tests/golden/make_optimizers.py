"""Writes optimizers.json: ten steps of PyTorch's optimizers in float64, for test_optimizers.py.

Needs PyTorch (`pip install torch==2.13.0`), which the tests do not: python tests/golden/make_optimizers.py
"""

import json
from pathlib import Path

import torch

START = [1.5, -0.5, 0.25, 3.0, -2.0]
CASES = {
    "SGD(0.1)": lambda w: torch.optim.SGD(w, lr=0.1),
    "SGD(0.05, momentum=0.9)": lambda w: torch.optim.SGD(w, lr=0.05, momentum=0.9),
    "SGD(0.05, momentum=0.9, nesterov=True)": lambda w: torch.optim.SGD(w, lr=0.05, momentum=0.9, nesterov=True),
    "AdaGrad(0.1)": lambda w: torch.optim.Adagrad(w, lr=0.1),
    "RMSProp(0.01)": lambda w: torch.optim.RMSprop(w, lr=0.01),
    "RMSProp(0.01, rho=0.9)": lambda w: torch.optim.RMSprop(w, lr=0.01, alpha=0.9),
    "Adam(0.1)": lambda w: torch.optim.Adam(w, lr=0.1),
    "Adam(0.1, beta1=0.8, beta2=0.95, eps=1e-3)": lambda w: torch.optim.Adam(w, lr=0.1, betas=(0.8, 0.95), eps=1e-3),
    "AdamW(0.1)": lambda w: torch.optim.AdamW(w, lr=0.1),
    "AdamW(0.1, weight_decay=0.3)": lambda w: torch.optim.AdamW(w, lr=0.1, weight_decay=0.3),
}


def ten_steps(make):
    """The gradient and the parameters after it, for each step on a smooth function that couples neighbours."""
    w = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer, gradients, values = make([w]), [], []
    for _ in range(10):
        optimizer.zero_grad()
        loss = torch.sum(0.3 * w**2 + torch.sin(2.0 * w)) + 0.1 * torch.sum((w[1:] - w[:-1] ** 2) ** 2)
        loss.backward()
        gradients.append(w.grad.tolist())
        optimizer.step()
        values.append(w.tolist())
    return {"gradients": gradients, "values": values}


if __name__ == "__main__":
    golden = {"torch": torch.__version__, "start": START, "cases": {name: ten_steps(make) for name, make in CASES.items()}}
    Path(__file__).with_name("optimizers.json").write_text(json.dumps(golden, indent=1) + "\n")
