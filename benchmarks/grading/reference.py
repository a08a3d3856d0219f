"""The small networks of the corpus once more, row by row in plain float64 loops over layers: what the programs are verified by.

Nothing here is taken from the programs or from the library: forward, loss and penalty are written out, gradients are central
differences of that loss, optimizers are their textbook updates.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Params = dict[str, np.ndarray]

ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda z: np.where(z > 0, z, 0.0),
    "leaky 0.1": lambda z: np.where(z > 0, z, 0.1 * z),
    "leaky 0.2": lambda z: np.where(z > 0, z, 0.2 * z),
    "leaky 0.01": lambda z: np.where(z > 0, z, 0.01 * z),
    "tanh": lambda z: 2 / (1 + np.exp(-2 * z)) - 1,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softmax": lambda z: np.array([np.exp(row - max(row)) / sum(np.exp(row - max(row))) for row in z]),
    "none": lambda z: z,
}


def cross_entropy(outputs: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean([-np.log(row[label]) for row, label in zip(outputs, y, strict=True)]))


def binary(outputs: np.ndarray, y: np.ndarray) -> float:
    p, t = outputs.ravel(), y.ravel()
    return float(np.mean([-np.log(a if b else 1 - a) for a, b in zip(p, t, strict=True)]))


def hinge(outputs: np.ndarray, y: np.ndarray) -> float:
    rows = [sum(max(0.0, s - row[k] + 1) for j, s in enumerate(row) if j != k) for row, k in zip(outputs, y, strict=True)]
    return float(np.mean(rows))


LOSSES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "cross-entropy": cross_entropy,
    "binary": binary,
    "hinge": hinge,
    "mean square": lambda outputs, y: float(np.mean((outputs - y) ** 2)),
    "half square": lambda outputs, y: float(np.mean((outputs - y) ** 2) / 2),
}


@dataclass
class Spec:
    """What a program computes: the names of its parameters, layer by layer, and what happens between them."""

    layers: Sequence[tuple[str, str]]  # names of (weight, bias)
    activations: Sequence[str]
    loss: str
    columns: bool = False  # weights are (out, in)
    penalty: Callable[[Params, int], float] = lambda params, rows: 0.0
    rule: str = "sgd"
    settings: dict[str, float] = field(default_factory=dict)

    def forward(self, params: Params, x: np.ndarray) -> np.ndarray:
        for (weight, bias), activation in zip(self.layers, self.activations, strict=True):
            w = params[weight].T if self.columns else params[weight]
            x = ACTIVATIONS[activation](np.einsum("nd,dh->nh", x, w) + params[bias].reshape(1, -1))
        return x

    def value(self, params: Params, x: np.ndarray, y: np.ndarray) -> float:
        return LOSSES[self.loss](self.forward(params, x), y) + self.penalty(params, len(x))

    def gradients(self, params: Params, x: np.ndarray, y: np.ndarray, step: float = 1e-6) -> Params:
        """Central differences of `value` in every entry."""
        found = {}
        for name, array in params.items():
            found[name] = np.zeros_like(array)
            for index in np.ndindex(array.shape):
                moved = {key: value.copy() for key, value in params.items()}
                moved[name][index] = array[index] + step
                above = self.value(moved, x, y)
                moved[name][index] = array[index] - step
                found[name][index] = (above - self.value(moved, x, y)) / (2 * step)
        return found


class Rule:
    """One optimizer as its paper has it."""

    def __init__(self, name: str, **settings: float):
        self.name, self.settings, self.memory, self.steps = name, settings, {}, 0

    def __call__(self, params: Params, grads: Params, learning_rate: float) -> Params:
        self.steps += 1
        return {name: params[name] - self.move(name, grads[name], learning_rate) for name in params}

    def move(self, name: str, g: np.ndarray, rate: float) -> np.ndarray:
        given: Any = self.settings
        first, second = self.memory.get(name, (np.zeros_like(g), np.zeros_like(g)))
        if self.name == "sgd":
            return rate * g
        if self.name == "momentum":
            first = given["momentum"] * first + g
            move = rate * first
        elif self.name == "rmsprop":
            second = given["rho"] * second + (1 - given["rho"]) * g**2
            move = rate * g / (np.sqrt(second) + given["epsilon"])
        elif self.name == "adagrad":
            second = second + g**2
            move = rate * g / (np.sqrt(second) + given["epsilon"])
        else:
            first = 0.9 * first + 0.1 * g
            second = 0.999 * second + 0.001 * g**2
            move = rate * (first / (1 - 0.9**self.steps)) / (np.sqrt(second / (1 - 0.999**self.steps)) + given["epsilon"])
        self.memory[name] = first, second
        return move
