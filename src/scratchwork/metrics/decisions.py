"""Metrics of decisions: which class, yes or no."""

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..losses.base import row_weights
from ..losses.targets import class_targets
from .base import as_scores, is_attributes, same_rows, true_labels, weight_shares, weighted_mean, yes_or_no


def accuracy(
    prediction: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    threshold: float = 0.0,
    attributes: bool = False,
) -> float:
    """The share of right decisions, Σₙ wₙ [decisionₙ = truthₙ] / Σₙ wₙ; for attributes its mean over them.

    >>> accuracy([[2.0, 1.0], [0.0, 3.0]], [0, 0])
    0.5
    >>> accuracy([[-1.2], [0.3]], [0, 1])
    1.0
    """
    scores = as_scores(prediction)
    if is_attributes(scores, attributes):
        said, true = yes_or_no(scores, target, threshold)
        return weighted_mean((said == true).mean(axis=1), weight)
    return weighted_mean(scores.argmax(axis=1) == true_labels(scores, target), weight)


def balanced_accuracy(
    prediction: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    threshold: float = 0.0,
    attributes: bool = False,
) -> float:
    """The mean of each class's recall, so that rare classes count as much as common ones; 1/C by guessing.

    Over the classes that occur in `target`; a yes-or-no column has two, yes and no, and columns are averaged.

    >>> balanced_accuracy([[2.0, 1.0], [2.0, 1.0], [2.0, 1.0]], [0, 0, 1])
    0.5
    """
    scores = as_scores(prediction)
    if not is_attributes(scores, attributes):
        return _macro_recall(_table(scores.argmax(axis=1), true_labels(scores, target), scores.shape[1], weight))
    said, true = yes_or_no(scores, target, threshold)
    tables = [_table(said[:, k].astype(int), true[:, k].astype(int), 2, weight) for k in range(said.shape[1])]
    return float(np.mean([_macro_recall(table) for table in tables]))


def precision(
    prediction: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    threshold: float = 0.0,
    attributes: bool = False,
) -> float:
    """How much of what was called c is c: hits / (hits + false alarms), averaged over classes (macro).

    One column: that of the yes. Classes that are neither in the target nor called are left out; a class never called
    counts 0.

    >>> precision([[1.0], [1.0], [-1.0]], [1, 0, 1])
    0.5
    """
    hits, called, _, occurs = _counts(prediction, target, weight, threshold, attributes)
    return _macro(hits, called, occurs)


def recall(
    prediction: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    threshold: float = 0.0,
    attributes: bool = False,
) -> float:
    """How much of what is c was called c: hits / (hits + misses), averaged over classes (macro).

    One column: that of the yes. A class that was called and is not in the target counts 0; `balanced_accuracy` leaves it out.

    >>> recall([[1.0], [1.0], [-1.0]], [1, 0, 1])
    0.5
    """
    hits, _, actual, occurs = _counts(prediction, target, weight, threshold, attributes)
    return _macro(hits, actual, occurs)


def f1(
    prediction: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    threshold: float = 0.0,
    attributes: bool = False,
) -> float:
    """2 · hits / (2 · hits + false alarms + misses), the harmonic mean of precision and recall, averaged over classes.

    >>> f1([[1.0], [1.0], [-1.0]], [1, 0, 1])
    0.5
    """
    hits, called, actual, occurs = _counts(prediction, target, weight, threshold, attributes)
    return _macro(2 * hits, called + actual, occurs)


def confusion_matrix(
    prediction: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None, *, threshold: float = 0.0
) -> Array:
    """How often each class was taken for each: C × C, a row per true class and a column per predicted one.

    Counts, or sums of weights where given. A prediction of shape (N, C) has one output per class; (N, 1) gives a 2 × 2
    table of no and yes; whole numbers of shape (N,) are predicted labels already, and the table is as large as the
    largest label needs.

    >>> confusion_matrix([[2.0, 1.0], [0.0, 3.0], [0.0, 3.0]], [0, 0, 1])
    array([[1, 1],
           [0, 1]])
    """
    given = np.asarray(prediction)
    if given.ndim == 1 and given.dtype.kind in "iu":
        classes = int(max(given.max(initial=0), np.asarray(target).max(initial=0))) + 1
        said = class_targets(given, classes, "prediction")
        return _table(said, same_rows(said, class_targets(target, classes, "target")), classes, weight)
    scores = as_scores(prediction)
    if scores.shape[1] == 1:
        yes, true = yes_or_no(scores, target, threshold)
        return _table(yes[:, 0].astype(int), true[:, 0].astype(int), 2, weight)
    return _table(scores.argmax(axis=1), true_labels(scores, target), scores.shape[1], weight)


def _table(said: Array, true: Array, classes: int, weight: ArrayLike | None) -> Array:
    """Counts as int64, or sums of the weights as they are."""
    weights: Array | None = None
    if weight is not None:
        scaled = row_weights(np.asarray(weight), len(said), np.dtype(np.float64), normalize=False)
        weights = np.asarray(scaled)[:, 0]
    table = np.bincount(true * classes + said, weights=weights, minlength=classes * classes)
    return table.reshape(classes, classes)


def _macro_recall(table: Array) -> float:
    actual = table.sum(axis=1)
    return _macro(np.diagonal(table), actual, actual > 0)


def _counts(
    prediction: ArrayLike, target: ArrayLike, weight: ArrayLike | None, threshold: float, attributes: bool
) -> tuple[Array, Array, Array, Array]:
    """Per class or attribute: weight of the hits, of what was called so, of what is so; and whether it occurs at all."""
    scores = as_scores(prediction)
    if is_attributes(scores, attributes):
        said, true = yes_or_no(scores, target, threshold)
        w = weight_shares(weight, len(said))
        return w @ (said & true), w @ said, w @ true, np.ones(said.shape[1], bool)
    table = _table(scores.argmax(axis=1), true_labels(scores, target), scores.shape[1], weight)
    called, actual = table.sum(axis=0), table.sum(axis=1)
    return np.diagonal(table), called, actual, (called + actual) > 0


def _macro(part: Array, whole: Array, occurs: Array) -> float:
    """The mean of part / whole over what occurs; 0/0 counts 0."""
    shares = np.zeros(len(part))
    np.divide(part, whole, out=shares, where=whole > 0)
    return float(shares[occurs].mean()) if occurs.any() else 0.0
