"""What a loss is: its value and its gradient, from one place, so that they cannot disagree."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import DataError, ShapeError
from ..layers.base import described


class Loss(ABC):
    """How wrong a batch of predictions is, as one number, and the direction in which it grows.

    The number is the mean over the batch of each row's loss, weighted where weights are given::

        L = Σₙ wₙ ℓ(pₙ, tₙ) / Σₙ wₙ

    so that a weight of 2 means exactly the row twice. Weights are ≥ 0; where all are zero, L and its gradient are 0.
    """

    @abstractmethod
    def value_and_grad(self, prediction: Array, target: Array, weight: Array | None = None) -> tuple[float, Array]:
        """(L, ∂L/∂prediction) for a batch; neither argument is written to, and the gradient has the prediction's dtype."""

    def prepare(self, target: Any, outputs: int, name: str = "y") -> Array:
        """`target` in the form `value_and_grad` is quickest with, checked whole; `outputs` is the network's width.

        Training calls it once, before any work: labels out of range, NaN or a wrong width are one DataError here.
        """
        return np.asarray(target)

    def __repr__(self) -> str:
        return described(self)


def row_weights(weight: Array | None, rows: int, dtype: np.dtype[Any]) -> Array | float:
    """What each row's loss is multiplied with, wₙ/Σw: the number 1/N without weights, a column vector (N, 1) with them."""
    if weight is None:
        return 1.0 / rows
    weight = np.asarray(weight)
    if weight.shape != (rows,):
        raise ShapeError(f"weight needs one number per row, shape ({rows},); received {weight.shape}")
    if weight.size and float(weight.min()) < 0:
        raise DataError("weight holds a negative number: weights are at least 0")
    total = float(weight.sum(dtype=np.float64))
    scaled = weight / total if total > 0 else np.zeros(rows)
    return scaled.astype(dtype)[:, None]
