"""Losses and optimizers from the words that a model keeps about its training: read, looked up in tables, never executed."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..errors import FileFormatError, ScratchworkError
from ..layers import Softmax
from ..losses import (
    LOSSES,
    BinaryHinge,
    CategoricalCrossEntropy,
    Loss,
    MeanSquaredError,
    MulticlassHinge,
    Poisson,
    SigmoidBinaryCrossEntropy,
    SoftmaxCrossEntropy,
)
from ..optimizers import OPTIMIZERS
from ..schedules import SCHEDULES


def remade(words: Any) -> Any | None:
    """What `Adam(learning_rate=Cosine(initial=0.01, steps=500))` speaks of; None where it is nothing that is known here.

    >>> remade("Adam(learning_rate=0.01, eps=1e-07)")
    Adam(learning_rate=0.01, beta1=0.9, beta2=0.999, eps=1e-07)
    >>> remade("__import__('os').getcwd()") is None
    True
    """
    if not isinstance(words, str) or len(words) > 4096:
        return None
    known = {kind.__name__: kind for kind in (*LOSSES.values(), *OPTIMIZERS.values(), *SCHEDULES.values())}
    try:
        node = ast.parse(words, mode="eval").body
        return _made(node, known) if isinstance(node, ast.Call) else None
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError, ScratchworkError):
        return None


def _made(node: ast.expr, known: dict[str, Any]) -> Any:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in known:
        arguments = [_made(argument, known) for argument in node.args]
        settings = {word.arg: _made(word.value, known) for word in node.keywords if word.arg is not None}
        return known[node.func.id](*arguments, **settings)
    if isinstance(node, ast.Call):
        raise FileFormatError(f"{ast.unparse(node.func)[:80]} is no loss, optimizer or schedule of this version")
    return ast.literal_eval(node)


def likely_loss(thing: Any, y: ArrayLike) -> Loss:
    """The loss that a network was probably trained with: by what its model knows, else by its last layer and the answers."""
    task, link = getattr(thing, "task", None), getattr(thing, "link", None)
    network = getattr(thing, "network", thing)
    last = network.layers[-1] if getattr(network, "layers", None) else None
    outputs = network.out_shape[0] if getattr(network, "built", False) else 0
    if task is None:
        task, link = _task(np.asarray(y), outputs)
        if task == "multiclass" and isinstance(last, Softmax):
            link = "identity"
    if task == "multiclass":
        kinds: dict[Any, type[Loss]] = {"softmax": SoftmaxCrossEntropy, "identity": CategoricalCrossEntropy}
        return kinds.get(link, MulticlassHinge)()
    if task == "attributes":
        return SigmoidBinaryCrossEntropy() if link == "sigmoid" else BinaryHinge()
    return Poisson() if link == "exp" else MeanSquaredError()


def _task(y: Array, outputs: int) -> tuple[str, str]:
    """What whole numbers or others as answers ask for, and what then turns outputs into probabilities or means."""
    if y.dtype.kind not in "iub":
        return "regression", "identity"
    if outputs != 1:
        return "multiclass", "softmax"
    return ("attributes", "sigmoid") if set(np.unique(y).tolist()) <= {0, 1} else ("regression", "identity")
