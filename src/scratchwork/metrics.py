"""Metrics: numbers for people, where a loss is a number for the optimizer.

Each is a function ``(prediction, target, weight=None) -> float``; the prediction is what the network gives, one row per
example, and the target anything that the loss takes: labels, one-hot or soft rows, yes-or-no matrices, numbers.
Weights are averaged with, as in the losses: a weight of 2 is the row twice (and where all are 0, a mean is 0).

=================  ====================================================  ========================  ============
name               what                                                  for                       better
=================  ====================================================  ========================  ============
accuracy           share of right decisions                              classes, attributes       larger
balanced_accuracy  mean recall of the classes                            classes, attributes       larger
precision          how much of what was called c is c, mean over c       classes, attributes       larger
recall             how much of what is c was called c, mean over c       classes, attributes       larger
f1                 harmonic mean of the two per class, mean over c       classes, attributes       larger
top_3, top_5       share of rows whose class is among the k best         classes                   larger
roc_auc            chance that a yes outranks a no                       classes, attributes       larger
log_loss           mean of −log probability of the truth                 classes, attributes       smaller
mse, rmse, mae     squared, root of squared, absolute error              numbers                   smaller
r2                 share of the variance that is explained               numbers                   larger
=================  ====================================================  ========================  ============

What a number of the prediction means depends on the loss it was trained with: `resolve_metric` binds a metric to a loss
(logits are turned into probabilities where a metric wants them), and refuses one that does not fit its task.

Decisions. With two or more columns, one per class, the class is the largest (the first of equals). With one column, or
with ``attributes=True`` for several independent ones, each column is a yes where it is above `threshold`: 0 for logits and
hinge scores, 0.5 for probabilities. Accuracy and its kin are then means over attributes, not the share of rows in which
all are right.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array
from .errors import ConfigurationError, DataError, ShapeError, look_up
from .losses.base import Loss, apply_link, float_array, paired, row_weights
from .losses.targets import class_targets, one_hot

Metric: TypeAlias = Callable[..., float]


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
    scores = _scores(prediction)
    if _is_attributes(scores, attributes):
        said, true = _yes_or_no(scores, target, threshold)
        return _mean((said == true).mean(axis=1), weight)
    return _mean(scores.argmax(axis=1) == _labels(scores, target), weight)


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
    scores = _scores(prediction)
    if not _is_attributes(scores, attributes):
        return _macro_recall(_confusion(scores.argmax(axis=1), _labels(scores, target), scores.shape[1], weight))
    said, true = _yes_or_no(scores, target, threshold)
    tables = [_confusion(said[:, k].astype(int), true[:, k].astype(int), 2, weight) for k in range(said.shape[1])]
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


def top_k_accuracy(prediction: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None, *, k: int = 5) -> float:
    """The share of rows whose class is among the k largest outputs (of equals the first, so k = 1 is the accuracy).

    >>> top_k_accuracy([[3.0, 2.0, 1.0]], [1], k=2)
    1.0
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ConfigurationError(f"top_k_accuracy needs a whole number k of at least 1; received {k!r}")
    scores = _scores(prediction)
    if scores.shape[1] < 2:
        raise ConfigurationError("top_k_accuracy ranks classes and needs one output per class: use accuracy for one output")
    labels = _labels(scores, target)
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    first = np.arange(scores.shape[1]) < labels[:, None]
    ahead = ~(scores <= own) | ((scores == own) & first)  # not (≤): a NaN ranks ahead and never makes a hit
    return _mean(ahead.sum(axis=1) < k, weight)


def top_3(prediction: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None) -> float:
    """`top_k_accuracy` with k = 3."""
    return top_k_accuracy(prediction, target, weight, k=3)


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
    scores = _scores(prediction)
    if _is_attributes(scores, attributes):
        _, yes = _yes_or_no(scores, target, 0.0)
    else:
        yes = _labels(scores, target)[:, None] == np.arange(scores.shape[1])
    w = _shares(weight, len(scores))
    areas = [_area(scores[:, k], yes[:, k], w) for k in range(scores.shape[1])]
    defined = [area for area in areas if area is not None]
    return float(np.mean(defined)) if defined else math.nan


def log_loss(prediction: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None, *, attributes: bool = False) -> float:
    """−Σ_c t_c log p_c averaged over rows, from *probabilities*; for attributes the mean over them.

    Probabilities are cut to [ε, 1 − ε], ε = 2.2e-16, so that one impossible row costs 36 and not infinity.

    >>> round(log_loss([[0.25, 0.75]], [1]), 4)
    0.2877
    """
    p = _scores(prediction).astype(np.float64)
    if (p < 0).any() or (p > 1 + 1e-3).any():
        raise DataError(
            "log_loss takes probabilities, and the prediction has numbers outside 0..1: apply softmax or sigmoid first"
        )
    eps = float(np.finfo(np.float64).eps)
    p = np.clip(p, eps, 1 - eps)
    if _is_attributes(p, attributes):
        _, yes = paired(p, target)
        yes = (yes + 1) / 2 if (yes < 0).any() else yes
        return _mean(-(yes * np.log(p) + (1 - yes) * np.log1p(-p)).mean(axis=1), weight)
    truth = _matched(p, class_targets(target, p.shape[1], "target"))
    shares = one_hot(truth, p.shape[1], np.float64) if truth.ndim == 1 else truth
    return _mean(-np.einsum("nc,nc->n", shares, np.log(p)), weight)


def mse(prediction: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Mean squared error: (pₙₖ − tₙₖ)² averaged over outputs and rows.

    >>> mse([[1.0], [3.0]], [1.0, 1.0])
    2.0
    """
    p, t = _numbers(prediction, target)
    return _mean(((p - t) ** 2).mean(axis=1), weight)


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
    return _mean(np.abs(p - t).mean(axis=1), weight)


def r2(prediction: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The coefficient of determination, 1 − Σ wₙ (pₙ − tₙ)² / Σ wₙ (tₙ − t̄)², t̄ the weighted mean; averaged over outputs.

    1 is perfect, 0 is what the mean would do, below 0 is worse than that. An output whose target is constant counts 1 if
    predicted exactly and else 0.

    >>> r2([[1.0], [2.0], [3.0]], [1.0, 2.0, 3.0])
    1.0
    """
    p, t = _numbers(prediction, target)
    w = _shares(weight, len(p))[:, None]
    total = w.sum()
    centre = (w * t).sum(axis=0) / total if total > 0 else t.mean(axis=0)
    left, spread = (w * (p - t) ** 2).sum(axis=0), (w * (t - centre) ** 2).sum(axis=0)
    varies = spread > 1e-28 * (w * t**2).sum(axis=0)  # below that it is the rounding of the mean
    scores = (left == 0).astype(np.float64)
    scores[varies] = 1 - left[varies] / spread[varies]
    return float(scores.mean())


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
        return _confusion(said, _matched(said, class_targets(target, classes, "target")), classes, weight)
    scores = _scores(prediction)
    if scores.shape[1] == 1:
        yes, true = _yes_or_no(scores, target, threshold)
        return _confusion(yes[:, 0].astype(int), true[:, 0].astype(int), 2, weight)
    return _confusion(scores.argmax(axis=1), _labels(scores, target), scores.shape[1], weight)


METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "precision": precision,
    "recall": recall,
    "f1": f1,
    "top_3": top_3,
    "top_5": top_5,
    "roc_auc": roc_auc,
    "log_loss": log_loss,
    "mse": mse,
    "rmse": rmse,
    "mae": mae,
    "r2": r2,
}

LARGER_IS_BETTER: frozenset[str] = frozenset(METRICS) - {"log_loss", "mse", "rmse", "mae"}
"""Names of metrics that early stopping should see rise; losses and all other metrics should fall."""

_DECISIONS = {"accuracy", "balanced_accuracy", "precision", "recall", "f1"}
_PROBABILITIES = {"roc_auc", "log_loss"}
_FITTING = {
    "multiclass": _DECISIONS | _PROBABILITIES | {"top_3", "top_5"},
    "attributes": _DECISIONS | _PROBABILITIES,
    "regression": {"mse", "rmse", "mae", "r2"},
}


@dataclasses.dataclass(frozen=True)
class BoundMetric:
    """A metric that knows what the predictions mean; call it with ``(prediction, target, weight=None)``.

    name     its key in the history
    link     applied to the prediction first; None leaves it as it is
    options  further arguments of the function
    """

    name: str
    function: Metric
    link: str | None = None
    options: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def larger_is_better(self) -> bool:
        """Whether a larger value is better; metrics of your own are taken to be better when smaller."""
        return self.name in LARGER_IS_BETTER

    def __call__(self, prediction: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None) -> float:
        if self.link is not None:
            prediction = apply_link(float_array(prediction).astype(np.float64), self.link)
        # a function of somebody's own may take two arguments only
        arguments = (prediction, target) if weight is None else (prediction, target, weight)
        return float(self.function(*arguments, **self.options))


def resolve_metric(metric: str | Metric, loss: Loss | None = None) -> BoundMetric:
    """The metric with this name, or this function, bound to what the predictions of `loss` mean.

    A function of your own, also a `functools.partial` of one of these, is called with the network's outputs as they are.
    Without a `loss`, or with one that names no task, so are all, and nothing is refused.

    Raises UnknownNameError for a name that is in no table, ConfigurationError for a metric that does not fit the loss.

    >>> from scratchwork.losses import MeanSquaredError, SigmoidBinaryCrossEntropy
    >>> resolve_metric("accuracy", SigmoidBinaryCrossEntropy())([[-2.0], [3.0]], [0, 1])
    1.0
    >>> resolve_metric("accuracy", MeanSquaredError())
    Traceback (most recent call last):
    scratchwork.errors.ConfigurationError: accuracy does not fit MeanSquaredError(), a loss for regression: use one of mae, ...
    """
    if isinstance(metric, BoundMetric):
        return metric
    function = metric if callable(metric) else look_up(metric, METRICS, "metric")
    # a metric that functools.partial has given arguments goes by its own name, and is bound already
    name = getattr(getattr(function, "func", function), "__name__", type(function).__name__)
    if METRICS.get(name) is not function:
        return BoundMetric(name, function)
    if loss is None or loss.task is None:
        return BoundMetric(name, function)
    if loss.task not in _FITTING:
        raise ConfigurationError(f"{loss!r} has the task {loss.task!r}: a loss is for {', '.join(_FITTING)}, or None")
    if name not in _FITTING[loss.task]:
        fitting = ", ".join(sorted(_FITTING[loss.task]))
        raise ConfigurationError(
            f"{name} does not fit {loss!r}, a loss for {loss.task}: use one of {fitting}, or give a function of your own"
        )
    if name == "log_loss" and loss.link is None:
        raise ConfigurationError(
            f"log_loss needs probabilities and {loss!r} gives scores: use accuracy, or a cross-entropy loss"
        )
    options: dict[str, Any] = {}
    if loss.task == "attributes":
        options["attributes"] = True
        if name in _DECISIONS and loss.link == "identity":
            options["threshold"] = 0.5
    # within one column ranks are those of the logits, and a sigmoid would only round them together
    by_scores = name in _DECISIONS | {"top_3", "top_5"} or (name == "roc_auc" and loss.task == "attributes")
    return BoundMetric(name, function, None if by_scores else loss.link, options)


def _scores(prediction: ArrayLike) -> Array:
    """The prediction as a float matrix; a flat one is a single column."""
    scores = float_array(prediction)
    if scores.ndim == 1:
        scores = scores[:, None]
    if scores.ndim != 2 or scores.size == 0:
        raise ShapeError(f"a metric needs predictions of shape (N, outputs), with at least one row; received {scores.shape}")
    return scores


def _is_attributes(scores: Array, attributes: bool) -> bool:
    return attributes or scores.shape[1] == 1


def _labels(scores: Array, target: ArrayLike) -> Array:
    """The true classes of `scores` (N, C) as int64; soft rows count as their largest class."""
    truth = _matched(scores, class_targets(target, scores.shape[1], "target"))
    return truth if truth.ndim == 1 else truth.argmax(axis=1)


def _matched(prediction: Array, target: Array) -> Array:
    if len(prediction) != len(target):
        raise ShapeError(f"prediction has {len(prediction)} rows and target {len(target)}: they need one target per row")
    return target


def _yes_or_no(scores: Array, target: ArrayLike, threshold: float) -> tuple[Array, Array]:
    """Decisions and truth as Booleans (N, K); a truth above ½ is a yes, which is right for 0 and 1, for ±1 and for shares."""
    _, truth = paired(scores, target)
    if np.isnan(truth).any() or float(truth.min()) < -1 or float(truth.max()) > 1:
        raise DataError("target of a yes-or-no metric holds other numbers than 0 and 1, -1 and 1, or shares between 0 and 1")
    return scores > threshold, truth > 0.5


def _numbers(prediction: ArrayLike, target: ArrayLike) -> tuple[Array, Array]:
    prediction = float_array(prediction)
    p, t = paired(prediction, target)
    return p.astype(np.float64), t.astype(np.float64)


def _shares(weight: ArrayLike | None, rows: int) -> Array:
    """wₙ / Σw as a float64 vector."""
    scale = row_weights(None if weight is None else np.asarray(weight), rows, np.dtype(np.float64))
    return np.full(rows, scale) if isinstance(scale, float) else scale[:, 0]


def _mean(values: Array, weight: ArrayLike | None) -> float:
    if weight is None:
        return float(np.mean(values, dtype=np.float64))
    return float(np.dot(_shares(weight, len(values)), values.astype(np.float64)))


def _confusion(said: Array, true: Array, classes: int, weight: ArrayLike | None) -> Array:
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
    scores = _scores(prediction)
    if _is_attributes(scores, attributes):
        said, true = _yes_or_no(scores, target, threshold)
        w = _shares(weight, len(said))
        return w @ (said & true), w @ said, w @ true, np.ones(said.shape[1], bool)
    table = _confusion(scores.argmax(axis=1), _labels(scores, target), scores.shape[1], weight)
    called, actual = table.sum(axis=0), table.sum(axis=1)
    return np.diagonal(table), called, actual, (called + actual) > 0


def _macro(part: Array, whole: Array, occurs: Array) -> float:
    """The mean of part / whole over what occurs; 0/0 counts 0."""
    shares = np.zeros(len(part))
    np.divide(part, whole, out=shares, where=whole > 0)
    return float(shares[occurs].mean()) if occurs.any() else 0.0


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
