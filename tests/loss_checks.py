"""What the tests of the losses share: a case for every loss, central differences, PyTorch's golden vectors.

Written without `scratchwork.check_gradients` on purpose: two checkers that do not know of each other.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scratchwork.arrays import Array
from scratchwork.losses import (
    BinaryHinge,
    CategoricalCrossEntropy,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    MulticlassHinge,
    Poisson,
    Quantile,
    SigmoidBinaryCrossEntropy,
    SoftmaxCrossEntropy,
    SquaredHinge,
    SumSquaredError,
)

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "losses.json").read_text())


def labels(rng: np.random.Generator, n: int, k: int) -> Array:
    return rng.integers(0, k, n)


def one_hot(rng: np.random.Generator, n: int, k: int) -> Array:
    return np.eye(k)[rng.integers(0, k, n)]


def soft(rng: np.random.Generator, n: int, k: int) -> Array:
    return rng.dirichlet(np.ones(k), n)


def bits(rng: np.random.Generator, n: int, k: int) -> Array:
    return rng.integers(0, 2, (n, k))


def signs(rng: np.random.Generator, n: int, k: int) -> Array:
    return 2 * rng.integers(0, 2, (n, k)) - 1


def uniform(rng: np.random.Generator, n: int, k: int) -> Array:
    return rng.uniform(size=(n, k))


def normal(rng: np.random.Generator, n: int, k: int) -> Array:
    return 2 * rng.normal(size=(n, k))


def counts(rng: np.random.Generator, n: int, k: int) -> Array:
    return rng.poisson(2.0, (n, k))


def positive(rng: np.random.Generator, n: int, k: int) -> Array:
    return rng.uniform(0.1, 3.0, (n, k))


Maker = Callable[[np.random.Generator, int, int], Array]


@dataclass(frozen=True)
class Case:
    """A loss with makers of predictions and targets (rng, rows, outputs); `least` outputs that make sense."""

    loss: Loss
    prediction: Maker
    target: Maker
    least: int = 1
    only: int | None = None

    def widths(self) -> list[int]:
        return [self.only] if self.only else [width for width in (1, 2, 3) if width >= self.least]

    def __str__(self) -> str:
        return f"{self.loss!r} {self.target.__name__}"


CASES = [
    *(Case(SoftmaxCrossEntropy(), normal, target, 2) for target in (labels, one_hot, soft)),
    Case(SoftmaxCrossEntropy(label_smoothing=0.1), normal, labels, 2),
    Case(SoftmaxCrossEntropy(label_smoothing=0.3), normal, soft, 2),
    Case(SoftmaxCrossEntropy(class_weight={0: 3.0}), normal, labels, 2),
    Case(SoftmaxCrossEntropy(0.2, (0.5, 2.0, 1.0)), normal, soft, only=3),
    *(Case(CategoricalCrossEntropy(), soft, target, 2) for target in (labels, one_hot, soft)),
    Case(CategoricalCrossEntropy(label_smoothing=0.1, class_weight={1: 0.25}), soft, labels, 2),
    Case(CategoricalCrossEntropy(eps=0.2), soft, soft, 2),
    Case(SigmoidBinaryCrossEntropy(), normal, bits),
    Case(SigmoidBinaryCrossEntropy(), normal, uniform),
    Case(SigmoidBinaryCrossEntropy(positive_weight=2.5), normal, uniform),
    Case(SigmoidBinaryCrossEntropy(positive_weight=(2.0, 0.5, 1.0)), normal, bits, only=3),
    Case(MulticlassHinge(), normal, labels, 2),
    Case(MulticlassHinge(2.5), normal, one_hot, 2),
    Case(SquaredHinge(), normal, labels, 2),
    Case(SquaredHinge(0.5), normal, one_hot, 2),
    Case(BinaryHinge(), normal, signs),
    Case(BinaryHinge(2.0), normal, bits),
    Case(MeanSquaredError(), normal, normal),
    Case(SumSquaredError(), normal, normal),
    Case(SumSquaredError("sum"), normal, normal),
    Case(MeanAbsoluteError(), normal, normal),
    Case(Huber(), normal, normal),
    Case(Huber(0.4), normal, normal),
    Case(Quantile(), normal, normal),
    Case(Quantile(0.9), normal, normal),
    Case(Quantile((0.1, 0.5, 0.9)), normal, normal, only=3),
    Case(Poisson(), normal, counts),
    Case(Poisson(log_input=False), positive, counts),
]

SHAPED_CASES = [(case, rows, width) for case in CASES for rows in (1, 5) for width in case.widths()]


def slopes(loss: Loss, prediction: Array, target: Array, weight: Array | None = None, h: float = 1e-6) -> Array:
    """∂L/∂prediction by central differences in float64."""
    grad = np.zeros(prediction.shape)
    for index in np.ndindex(prediction.shape):
        above, below = prediction.copy(), prediction.copy()
        above[index] += h
        below[index] -= h
        difference = loss.value_and_grad(above, target, weight)[0] - loss.value_and_grad(below, target, weight)[0]
        grad[index] = difference / (2 * h)
    return grad
