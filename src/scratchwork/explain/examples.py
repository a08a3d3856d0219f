"""Small rows with simple numbers, one for every layer, loss and optimizer: what their pages are worked out on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import layers, losses, optimizers
from ..arrays import Array
from ..losses import Loss
from ..sequential import Sequential

LINE = np.array([[-2.0, -0.5, 0.5, 2.0]])
THREE = np.array([[1.0, 10.0], [3.0, 20.0], [8.0, 60.0]])
SCORES = np.array([[1.3, 5.1, 2.2, 0.7, 1.1]])

LAYER_EXAMPLES: dict[str, tuple[Callable[[], layers.Layer], Array]] = {
    "Dense": (lambda: layers.Dense(2), np.array([[1.0, 2.0, 3.0]])),
    "Linear": (layers.Linear, LINE),
    "Step": (layers.Step, LINE),
    "Sigmoid": (layers.Sigmoid, LINE),
    "Tanh": (layers.Tanh, LINE),
    "ReLU": (layers.ReLU, LINE),
    "LeakyReLU": (lambda: layers.LeakyReLU(0.1), LINE),
    "ELU": (layers.ELU, LINE),
    "SELU": (layers.SELU, LINE),
    "Softplus": (layers.Softplus, LINE),
    "GELU": (layers.GELU, LINE),
    "SiLU": (layers.SiLU, LINE),
    "Mish": (layers.Mish, LINE),
    "Softmax": (layers.Softmax, SCORES),
    "Dropout": (lambda: layers.Dropout(0.5), np.array([[1.0, 2.0, 3.0, 4.0]])),
    "BatchNorm": (layers.BatchNorm, THREE),
    "LayerNorm": (layers.LayerNorm, np.array([[1.0, 3.0, 8.0]])),
    "Flatten": (layers.Flatten, np.array([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]])),
    "Reshape": (lambda: layers.Reshape((2, 3)), np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])),
    "Scale": (layers.Scale, np.array([[1.0, 2.0, 3.0]])),
    "Rescaling": (lambda: layers.Rescaling(1 / 255), np.array([[0.0, 51.0, 255.0]])),
    "Parallel": (lambda: layers.Parallel([layers.Dense(2), layers.Dense(2)]), np.array([[1.0, 2.0]])),
    "Average": (lambda: layers.Average(2), np.array([[1.0, 2.0, 3.0, 6.0]])),
}
"""A layer and a batch for every name in LAYERS; the first row is shown."""

NETWORK_EXAMPLE: tuple[Callable[[], layers.Layer], Array] = (
    lambda: Sequential([layers.Dense(2), layers.Tanh(), layers.Dense(1)]),
    np.array([[1.0, 2.0]]),
)

NUMBERS = (np.array([[1.0, 2.5]]), np.array([[1.5, 0.0]]))
LOSS_EXAMPLES: dict[str, tuple[Callable[[], Loss], Array, Any]] = {
    "SoftmaxCrossEntropy": (losses.SoftmaxCrossEntropy, SCORES, np.array([1])),
    "CategoricalCrossEntropy": (losses.CategoricalCrossEntropy, np.array([[0.2, 0.7, 0.1]]), np.array([1])),
    "SigmoidBinaryCrossEntropy": (losses.SigmoidBinaryCrossEntropy, np.array([[1.5, -0.5]]), np.array([[1.0, 1.0]])),
    "MulticlassHinge": (lambda: losses.MulticlassHinge(10.0), np.array([[13.0, -7.0, 11.0]]), np.array([0])),
    "SquaredHinge": (lambda: losses.SquaredHinge(10.0), np.array([[13.0, -7.0, 11.0]]), np.array([0])),
    "BinaryHinge": (losses.BinaryHinge, np.array([[2.0, 0.5]]), np.array([[1.0, -1.0]])),
    "MeanSquaredError": (losses.MeanSquaredError, *NUMBERS),
    "SumSquaredError": (losses.SumSquaredError, *NUMBERS),
    "MeanAbsoluteError": (losses.MeanAbsoluteError, *NUMBERS),
    "Huber": (losses.Huber, *NUMBERS),
    "Quantile": (lambda: losses.Quantile(0.9), *NUMBERS),
    "Poisson": (losses.Poisson, np.array([[0.5, 1.0]]), np.array([[2.0, 3.0]])),
}
"""A loss, a prediction and a target for every name in LOSSES."""

OPTIMIZER_EXAMPLES: dict[str, Callable[[], Any]] = {
    "GradientDescent": lambda: optimizers.GradientDescent(0.1),
    "SGD": lambda: optimizers.SGD(0.1, momentum=0.9),
    "AdaGrad": lambda: optimizers.AdaGrad(0.5),
    "RMSProp": lambda: optimizers.RMSProp(0.1),
    "Adam": lambda: optimizers.Adam(0.1),
    "AdamW": lambda: optimizers.AdamW(0.1, weight_decay=0.1),
}
"""A rule with settings that show what it does in three steps, by the name of the class."""


class _Pull(Loss):
    """Σ u ⊙ y: what makes ∂L/∂y a vector of our choice."""

    def __init__(self, u: Array) -> None:
        self.u = u

    def value_and_grad(self, prediction: Array, target: Array, weight: Array | None = None) -> tuple[float, Array]:
        u = self.u[: len(prediction)]
        return float((u * prediction).sum()), u.copy()


def cotangent(y: Array) -> Loss:
    """A loss whose gradient for outputs like `y` is 1, −2, 0.5, … (with ones alone a softmax would have nothing to show)."""
    return _Pull(np.resize(np.array([1.0, -2.0, 0.5, 3.0, -1.0]), y.shape))
