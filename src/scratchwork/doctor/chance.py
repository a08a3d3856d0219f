"""What a network would get that has learned nothing but the shares of the classes, or the mean of the targets."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..arrays import Array
from ..losses import Loss
from ..preparation import Rows


@dataclass(frozen=True)
class Chance:
    """The loss of the best constant output, and for classes their shares."""

    loss: float
    shares: Array | None  # of the classes; None for numbers and for several attributes

    @property
    def majority(self) -> float:
        """The share of the largest class; NaN where there are no classes."""
        return math.nan if self.shares is None else float(self.shares.max())

    def skill(self, loss: float) -> float:
        """How much of it is gone: 0 at chance, 1 at a loss of 0 (for squared errors it is R²)."""
        return 1.0 - loss / self.loss if self.loss > 0 and math.isfinite(loss) else -math.inf


def classes_of(rows: Rows, loss: Loss) -> Array | None:
    """Class numbers, where each row has one class."""
    target = rows.target
    if loss.task == "multiclass":
        labels: Array = target if target.ndim == 1 else target.argmax(axis=1)
        return labels.astype(np.int64)
    if loss.task == "attributes" and target.reshape(len(target), -1).shape[1] == 1:
        return (target.reshape(-1) > 0.5).astype(np.int64)
    return None


def predicted_classes(prediction: Array, loss: Loss) -> Array:
    """The class that each row of outputs decides for."""
    flat = prediction.reshape(len(prediction), -1)
    if flat.shape[1] > 1:
        chosen: Array = flat.argmax(axis=1)
        return chosen
    return (flat[:, 0] > (0.5 if loss.link == "identity" else 0.0)).astype(np.int64)


def chance_of(rows: Rows, loss: Loss, outputs: int) -> Chance:
    """The best that a constant output gets on these rows."""
    labels, weight = classes_of(rows, loss), rows.weight
    shares = None
    if labels is not None:
        counts = np.bincount(labels, weights=weight, minlength=2 if outputs == 1 else outputs)
        shares = counts / max(float(counts.sum()), 1e-300)
    candidates = [constant for constant in _constants(rows, loss, outputs, shares) if np.isfinite(constant).all()]
    if shares is not None and rows.target.ndim == 1:  # one row of each class, as often as it stands there
        rows = Rows(np.zeros((len(shares), 1)), np.arange(len(shares)), shares)
    values = [_value(rows, loss, constant) for constant in candidates]
    return Chance(min((value for value in values if math.isfinite(value)), default=math.nan), shares)


def _constants(rows: Rows, loss: Loss, outputs: int, shares: Array | None) -> list[Array]:
    nothing = np.zeros(outputs)
    target = rows.target
    if loss.task == "multiclass":
        assert shares is not None
        mean = shares if target.ndim == 1 else np.average(target, axis=0, weights=rows.weight)
        return [nothing, mean if loss.link == "identity" else np.log(np.maximum(mean, 1e-7))]
    matrix = target.reshape(len(target), -1).astype(np.float64)
    mean = np.average(matrix, axis=0, weights=rows.weight)
    if loss.link == "sigmoid":
        share = np.clip(mean, 1e-7, 1 - 1e-7)
        return [np.log(share / (1 - share))]
    if loss.task == "attributes":
        return [nothing, np.ones(outputs), -np.ones(outputs)]
    if loss.link == "exp":
        return [np.log(np.maximum(mean, 1e-7))]
    constants = [mean, np.median(matrix, axis=0)]
    return [np.broadcast_to(constant, (outputs,)) if constant.size == 1 else constant for constant in constants]


def _value(rows: Rows, loss: Loss, constant: Array) -> float:
    if constant.shape != (constant.size,):
        return math.nan
    prediction = np.ascontiguousarray(np.broadcast_to(constant, (len(rows), constant.size)))
    return float(loss.value_and_grad(prediction, rows.target, rows.weight)[0])
