"""One row at a time: makers of a function that takes a float32 row and gives its outputs, one per way to do it.

The row has the shape that each likes best: (784,), or (1, 784) for those named in BATCH_OF_ONE.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .task import Task, torch_network, write_onnx

Row = np.ndarray[Any, Any]
Call = Callable[[Row], Any]


def scratchwork_prepared(task: Task) -> Call:
    """The prepared call of a network."""
    return task.network().prepared()


def scratchwork_predict(task: Task) -> Call:
    """`network.predict` of a batch of one, which checks its input each time."""
    return task.network().predict


def numpy_lines(task: Task) -> Call:
    """What a person would write who knows the net."""
    (W1, b1), (W2, b2) = task.weights()

    def call(row: Row) -> Row:
        hidden = row @ W1 + b1
        np.maximum(hidden, 0, out=hidden)
        return hidden @ W2 + b2

    return call


def torch_call(task: Task) -> Call:
    """PyTorch with one thread in inference mode; from an array and back to one, as the others."""
    import torch

    torch.set_num_threads(1)
    network = torch_network(task.weights()).eval()
    from_numpy, inference = torch.from_numpy, torch.inference_mode

    def call(row: Row) -> Row:
        with inference():
            return network(from_numpy(row)).numpy()

    return call


def onnx_runtime(task: Task) -> Call:
    """ONNX Runtime with one thread, from Python."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        write_onnx(task.weights(), path)
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    run, name = session.run, session.get_inputs()[0].name
    return lambda row: run(None, {name: row})[0]


def scikit_learn(task: Task) -> Call:
    """MLPClassifier.predict of a batch of one; two steps of training make it ready. It gives the class, not the outputs."""
    from sklearn.neural_network import MLPClassifier

    rows, classes = 2 * task.sizes[-1], task.sizes[-1]
    x = np.random.default_rng(0).random((rows, task.sizes[0]), np.float32)
    network = MLPClassifier(task.sizes[1:-1], alpha=0.0)
    for _ in range(2):
        network.partial_fit(x, np.arange(rows) % classes, classes=np.arange(classes))
    return network.predict


CALLS: dict[str, Callable[[Task], Call]] = {
    "scratchwork prepared": scratchwork_prepared,
    "scratchwork predict": scratchwork_predict,
    "NumPy, three lines": numpy_lines,
    "PyTorch": torch_call,
    "ONNX Runtime": onnx_runtime,
    "scikit-learn": scikit_learn,
}
BATCH_OF_ONE = ("scratchwork predict", "PyTorch", "ONNX Runtime", "scikit-learn")
