"""What every metric needs: predictions as a matrix, the truth in its form, and means with weights."""

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..errors import DataError, ShapeError
from ..losses.base import float_array, paired, row_weights
from ..losses.targets import class_targets


def as_scores(prediction: ArrayLike) -> Array:
    """The prediction as a float matrix; a flat one is a single column."""
    scores = float_array(prediction)
    if scores.ndim == 1:
        scores = scores[:, None]
    if scores.ndim != 2 or scores.size == 0:
        raise ShapeError(f"a metric needs predictions of shape (N, outputs), with at least one row; received {scores.shape}")
    return scores


def is_attributes(scores: Array, attributes: bool) -> bool:
    """Whether each column is a decision of its own, rather than the row one choice between columns."""
    return attributes or scores.shape[1] == 1


def true_labels(scores: Array, target: ArrayLike) -> Array:
    """The true classes of `scores` (N, C) as int64; soft rows count as their largest class."""
    truth = same_rows(scores, class_targets(target, scores.shape[1], "target"))
    return truth if truth.ndim == 1 else truth.argmax(axis=1)


def same_rows(prediction: Array, target: Array) -> Array:
    """`target`, or a ShapeError where it has not one row per row of the prediction."""
    if len(prediction) != len(target):
        raise ShapeError(f"prediction has {len(prediction)} rows and target {len(target)}: they need one target per row")
    return target


def yes_or_no(scores: Array, target: ArrayLike, threshold: float) -> tuple[Array, Array]:
    """Decisions and truth as Booleans (N, K); a truth above ½ is a yes, which is right for 0 and 1, for ±1 and for shares."""
    _, truth = paired(scores, target)
    if np.isnan(truth).any() or float(truth.min()) < -1 or float(truth.max()) > 1:
        raise DataError("target of a yes-or-no metric holds other numbers than 0 and 1, -1 and 1, or shares between 0 and 1")
    return scores > threshold, truth > 0.5


def weight_shares(weight: ArrayLike | None, rows: int) -> Array:
    """wₙ / Σw as a float64 vector."""
    scale = row_weights(None if weight is None else np.asarray(weight), rows, np.dtype(np.float64))
    return np.full(rows, scale) if isinstance(scale, float) else scale[:, 0]


def weighted_mean(values: Array, weight: ArrayLike | None) -> float:
    """Σ wₙ valueₙ / Σ wₙ in float64."""
    if weight is None:
        return float(np.mean(values, dtype=np.float64))
    return float(np.dot(weight_shares(weight, len(values)), values.astype(np.float64)))
