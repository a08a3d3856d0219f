"""Metrics of scores and probabilities: how high the truth was ranked, and how likely it was said to be."""

import math

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..errors import ConfigurationError, DataError
from ..losses.base import paired
from ..losses.targets import class_targets, one_hot
from .base import as_scores, is_attributes, same_rows, true_labels, weight_shares, weighted_mean, yes_or_no


def top_k_accuracy(prediction: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None, *, k: int = 5) -> float:
    """The share of rows whose class is among the k largest outputs (of equals the first, so k = 1 is the accuracy).

    >>> top_k_accuracy([[3.0, 2.0, 1.0]], [1], k=2)
    1.0
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ConfigurationError(f"top_k_accuracy needs a whole number k of at least 1; received {k!r}")
    scores = as_scores(prediction)
    if scores.shape[1] < 2:
        raise ConfigurationError("top_k_accuracy ranks classes and needs one output per class: use accuracy for one output")
    labels = true_labels(scores, target)
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    first = np.arange(scores.shape[1]) < labels[:, None]
    ahead = ~(scores <= own) | ((scores == own) & first)  # not (≤): a NaN ranks ahead and never makes a hit
    return weighted_mean(ahead.sum(axis=1) < k, weight)


def top_5(prediction: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None) -> float:
    """`top_k_accuracy` with k = 5."""
    return top_k_accuracy(prediction, target, weight, k=5)


def roc_auc(prediction: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None, *, attributes: bool = False) -> float:
    """The chance that a random yes is ranked above a random no: the area under the ROC curve, from ranks.

    ::

        AUC = Σ_{i yes, j no} wᵢ wⱼ ([sᵢ > sⱼ] + ½ [sᵢ = sⱼ]) / (Σ_{i yes} wᵢ · Σ_{j no} wⱼ)

    With several classes the mean over classes of c against the rest (macro), on probabilities: rows are compared with one
    another, for which raw logits are no measure. A column without a yes or without a no has no ranks to compare and is
    left out; NaN where none is left, or where a score is NaN.

    References: Hanley, McNeil (1982), "The meaning and use of the area under a receiver operating characteristic (ROC)
    curve", Radiology 143, 29–36.

    >>> roc_auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    """
    scores = as_scores(prediction)
    if is_attributes(scores, attributes):
        _, yes = yes_or_no(scores, target, 0.0)
    else:
        yes = true_labels(scores, target)[:, None] == np.arange(scores.shape[1])
    w = weight_shares(weight, len(scores))
    areas = [_area(scores[:, k], yes[:, k], w) for k in range(scores.shape[1])]
    defined = [area for area in areas if area is not None]
    return float(np.mean(defined)) if defined else math.nan


def log_loss(prediction: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None, *, attributes: bool = False) -> float:
    """−Σ_c t_c log p_c averaged over rows, from *probabilities*; for attributes the mean over them.

    Probabilities are cut to [ε, 1 − ε], ε = 2.2e-16, so that one impossible row costs 36 and not infinity.

    >>> round(log_loss([[0.25, 0.75]], [1]), 4)
    0.2877
    """
    p = as_scores(prediction).astype(np.float64)
    if (p < 0).any() or (p > 1 + 1e-3).any():
        raise DataError(
            "log_loss takes probabilities, and the prediction has numbers outside 0..1: apply softmax or sigmoid first"
        )
    eps = float(np.finfo(np.float64).eps)
    p = np.clip(p, eps, 1 - eps)
    if is_attributes(p, attributes):
        _, yes = paired(p, target)
        yes = (yes + 1) / 2 if (yes < 0).any() else yes
        return weighted_mean(-(yes * np.log(p) + (1 - yes) * np.log1p(-p)).mean(axis=1), weight)
    truth = same_rows(p, class_targets(target, p.shape[1], "target"))
    shares = one_hot(truth, p.shape[1], np.float64) if truth.ndim == 1 else truth
    return weighted_mean(-np.einsum("nc,nc->n", shares, np.log(p)), weight)


def _area(scores: Array, yes: Array, w: Array) -> float | None:
    """The area under one column's curve from weights per distinct score, ties counting half; None where it is undefined."""
    if np.isnan(scores).any():
        return math.nan
    values, place = np.unique(scores, return_inverse=True)
    up = np.bincount(place, weights=w * yes, minlength=len(values))
    down = np.bincount(place, weights=w * ~yes, minlength=len(values))
    pairs = up.sum() * down.sum()
    if pairs == 0:
        return None
    below = np.cumsum(down) - down
    return float(np.dot(up, below + 0.5 * down) / pairs)
