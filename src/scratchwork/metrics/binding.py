"""Names of metrics, and a metric bound to the loss whose predictions it judges."""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ConfigurationError, look_up
from ..losses.base import Loss, apply_link, float_array
from .decisions import accuracy, balanced_accuracy, f1, precision, recall
from .ranking import log_loss, roc_auc, top_5, top_k_accuracy
from .regression import mae, mse, r2, rmse

Metric: TypeAlias = Callable[..., float]

METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "precision": precision,
    "recall": recall,
    "f1": f1,
    "top_k_accuracy": top_k_accuracy,
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
    "multiclass": _DECISIONS | _PROBABILITIES | {"top_k_accuracy", "top_5"},
    "attributes": _DECISIONS | _PROBABILITIES,
    "regression": {"mse", "rmse", "mae", "r2"},
}


@dataclasses.dataclass(frozen=True)
class BoundMetric:
    """A metric that knows what the predictions mean; call it with ``(prediction, target, weight=None)``.

    name      its key in the history
    link      applied to the prediction first; None leaves it as it is
    options   further arguments of the function
    weighted  whether the function takes weights; one that does not is called without
    """

    name: str
    function: Metric
    link: str | None = None
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    weighted: bool = True

    @property
    def larger_is_better(self) -> bool:
        """Whether a larger value is better; metrics of your own are taken to be better when smaller."""
        return self.name in LARGER_IS_BETTER

    def __call__(self, prediction: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None) -> float:
        if self.link is not None:
            prediction = apply_link(float_array(prediction).astype(np.float64), self.link)
        arguments = (prediction, target, weight) if weight is not None and self.weighted else (prediction, target)
        value = self.function(*arguments, **self.options)
        try:
            return float(value)
        except (TypeError, ValueError):
            raise ConfigurationError(f"the metric {self.name} gave {value!r} instead of one number") from None


def resolve_metric(metric: str | Metric, loss: Loss | None = None) -> BoundMetric:
    """The metric with this name, or this function, bound to what the predictions of `loss` mean.

    A function of your own, also a `functools.partial` of one of these, is called with the network's outputs as they are.
    Without a `loss`, or with one that names no task, so are all, and nothing is refused. Weights go to functions that take a
    third argument.

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
        return BoundMetric(name, function, weighted=_takes_weights(name, function))
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
    by_scores = name in _DECISIONS | {"top_k_accuracy", "top_5"} or (name == "roc_auc" and loss.task == "attributes")
    return BoundMetric(name, function, None if by_scores else loss.link, options)


def _takes_weights(name: str, function: Metric) -> bool:
    """Whether a function takes three arguments, and not only two; ConfigurationError where it takes neither."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # one written in C that does not say
        return True
    for arguments in ((0, 0, 0), (0, 0)):
        try:
            signature.bind(*arguments)
        except TypeError:
            continue
        return len(arguments) == 3
    raise ConfigurationError(
        f"the metric {name}{signature} is no function of (prediction, target) or (prediction, target, weight)"
    )
