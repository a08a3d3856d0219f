"""Metrics of numbers: how far predictions are from their targets."""

import math

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..losses.base import float_array, paired
from .base import weight_shares, weighted_mean


def mse(prediction: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Mean squared error: (pₙₖ − tₙₖ)² averaged over outputs and rows.

    >>> mse([[1.0], [3.0]], [1.0, 1.0])
    2.0
    """
    p, t = _numbers(prediction, target)
    return weighted_mean(((p - t) ** 2).mean(axis=1), weight)


def rmse(prediction: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None) -> float:
    """√mse, in the units of the target; with several outputs the root of their common mean.

    >>> rmse([[1.0], [5.0]], [1.0, 1.0], [3, 1])
    2.0
    """
    return math.sqrt(mse(prediction, target, weight))


def mae(prediction: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Mean absolute error: |pₙₖ − tₙₖ| averaged over outputs and rows.

    >>> mae([[1.0], [3.0]], [1.0, 1.0])
    1.0
    """
    p, t = _numbers(prediction, target)
    return weighted_mean(np.abs(p - t).mean(axis=1), weight)


def r2(prediction: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The coefficient of determination, 1 − Σ wₙ (pₙ − tₙ)² / Σ wₙ (tₙ − t̄)², t̄ the weighted mean; averaged over outputs.

    1 is perfect, 0 is what the mean would do, below 0 is worse than that. An output whose target is constant counts 1 if
    predicted exactly and else 0.

    >>> r2([[1.0], [2.0], [3.0]], [1.0, 2.0, 3.0])
    1.0
    """
    p, t = _numbers(prediction, target)
    w = weight_shares(weight, len(p))[:, None]
    total = w.sum()
    centre = (w * t).sum(axis=0) / total if total > 0 else t.mean(axis=0)
    left, spread = (w * (p - t) ** 2).sum(axis=0), (w * (t - centre) ** 2).sum(axis=0)
    varies = spread > 1e-28 * (w * t**2).sum(axis=0)  # below that it is the rounding of the mean
    scores = (left == 0).astype(np.float64)
    scores[varies] = 1 - left[varies] / spread[varies]
    return float(scores.mean())


def _numbers(prediction: ArrayLike, target: ArrayLike) -> tuple[Array, Array]:
    return paired(float_array(prediction).astype(np.float64), target)
