"""What every side of a benchmark trains: rows, nets, and the weights that all of them start from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import scratchwork as sw

SEED = 0
LEARNING_RATE = 1e-3
Parts = list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]  # weight (in, out) and bias (out,) of each layer


@dataclass(frozen=True)
class Task:
    """One row of a table: which data, which net, how large the batches."""

    data: str
    net: str
    batch: int
    threads: int = 2
    data_dir: str | None = None

    @property
    def sizes(self) -> list[int]:
        """784-128-10 as numbers."""
        return [int(size) for size in self.net.split("-")]

    @property
    def pixels(self) -> np.ndarray[Any, Any]:
        """The 60,000 training images of MNIST as rows of uint8."""
        return sw.data.load("mnist", data_dir=self.data_dir).x.astype(np.uint8)

    @property
    def rows(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """float32 rows (MNIST in 0..1) and int64 labels; 3,000 rows of two spirals, 1,797 of the digits."""
        if self.data == "mnist":
            labels = sw.data.load("mnist", data_dir=self.data_dir).y
            return (self.pixels / np.float32(255)).astype(np.float32), labels.astype(np.int64)
        if self.data == "spirals":
            data = sw.data.spirals(per_class=1500, classes=2)
            return data.x.astype(np.float32), data.y.astype(np.int64)
        data = sw.data.load("digits")
        return (data.x.reshape(len(data.x), -1) / np.float32(16)).astype(np.float32), data.y.astype(np.int64)

    def network(self, *before: sw.Layer) -> sw.Sequential:
        """Layers without parameters, then Dense and ReLU in turn and a last Dense, built with the seed."""
        first, *hidden, last = self.sizes
        layers = [layer for units in hidden for layer in (sw.Dense(units), sw.ReLU())]
        network = sw.Sequential([*before, *layers, sw.Dense(last)])
        network.build((first,), SEED)
        return network

    def weights(self) -> Parts:
        """The numbers with which that network starts."""
        values = [parameter.value.copy() for _, parameter in self.network().parameters()]
        return list(zip(values[::2], values[1::2], strict=True))


def torch_network(parts: Parts) -> Any:
    """The same net in PyTorch; its weights lie the other way round."""
    import torch

    modules: list[Any] = []
    for weight, bias in parts:
        linear = torch.nn.Linear(*weight.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.T.copy()))
            linear.bias.copy_(torch.from_numpy(bias))
        modules += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*modules[:-1])


def write_onnx(parts: Parts, path: Path) -> None:
    """The same net as an ONNX file (opset 17): Gemm and Relu."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, numbers, value = [], [], "x"
    for i, (weight, bias) in enumerate(parts):
        numbers += [numpy_helper.from_array(weight, f"W{i}"), numpy_helper.from_array(bias, f"b{i}")]
        nodes.append(helper.make_node("Gemm", [value, f"W{i}", f"b{i}"], [f"z{i}"]))
        value = f"z{i}"
        if i < len(parts) - 1:
            nodes.append(helper.make_node("Relu", [value], [f"a{i}"]))
            value = f"a{i}"
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width])
        for name, width in (("x", parts[0][0].shape[0]), (value, parts[-1][0].shape[1]))
    ]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], numbers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
