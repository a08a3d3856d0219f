"""Targets and losses: what `y` holds, as the numbers that a network is trained on, and the loss that suits it."""

from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from ..arrays import Array
from ..errors import ConfigurationError, DataError
from ..labels import plain_label
from ..layers import Softmax
from ..losses import (
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
)
from ..sequential import Sequential

CLASS_LOSSES = ("auto", "log_loss", "hinge", "squared_hinge")
NUMBER_LOSSES: dict[str, type[Loss]] = {
    "squared_error": MeanSquaredError,
    "absolute_error": MeanAbsoluteError,
    "huber": Huber,
    "poisson": Poisson,
    "quantile": Quantile,
}


def learn_classes(estimator: Any, y: Array, *, goes_on: bool, incremental: bool, classes: Any) -> Array:
    """Labels as class numbers, or a matrix of 0 and 1; an estimator that begins learns its `classes_`."""
    check_classification_targets(y)
    kind = type_of_target(y, input_name="y")
    if kind == "multiclass-multioutput":
        raise DataError("y has several columns of classes; a matrix of 0 and 1 (multilabel) is what one network can learn")
    multilabel = kind == "multilabel-indicator"
    found = np.arange(y.shape[1]) if multilabel else unique_labels(y)
    if goes_on:
        _require_known(estimator, found, multilabel, classes, incremental=incremental)
    else:
        estimator.classes_ = found if classes is None or multilabel else unique_labels(np.asarray(classes))
        estimator.multilabel_ = multilabel
        if incremental and not multilabel and len(unknown := np.setdiff1d(found, estimator.classes_)):
            raise DataError(f"y holds {plain_label(unknown[0])!r}, which is not among classes={estimator.classes_}")
    if not incremental and not multilabel and len(found) < 2:
        raise DataError(f"y holds one class only ({plain_label(found[0])!r}): a classifier needs rows of at least two classes")
    return encoded_classes(y, estimator.classes_, "y", multilabel=multilabel)


def _require_known(estimator: Any, found: Array, multilabel: bool, classes: Any, *, incremental: bool) -> None:
    if classes is not None and not np.array_equal(unique_labels(np.asarray(classes)), estimator.classes_):
        raise DataError(f"classes={np.asarray(classes)} is not the same as on the first call: {estimator.classes_}")
    if multilabel != estimator.multilabel_:
        raise DataError("y is multilabel in one call and holds one class per row in another")
    if not incremental and not np.array_equal(found, estimator.classes_):
        raise DataError(
            "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
            f"Previously got {estimator.classes_}, `y` has {found}"
        )
    if len(np.setdiff1d(found, estimator.classes_)):
        raise DataError(f"`y` has classes not in `self.classes_`. `self.classes_` has {estimator.classes_}. 'y' has {found}.")


def encoded_classes(y: Any, classes: Array, name: str, *, multilabel: bool) -> Array:
    """Class numbers (N,), or for multilabel 0.0 and 1.0 in one column per label."""
    y = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
    if multilabel:
        if y.ndim != 2 or y.shape[1] != len(classes):
            raise DataError(f"{name} needs one column for each of the {len(classes)} labels; received {y.shape}")
        return np.asarray(y != 0, np.float64)
    y = y.reshape(-1)
    index = np.searchsorted(classes, y)
    index[index == len(classes)] = 0
    if not (same := classes[index] == y).all():
        raise DataError(f"{name} holds the class {plain_label(y[~same][0])!r}, which the classifier does not know")
    return np.asarray(index, np.int64)


def classification_loss(loss: Any, classes: int, network: Sequential | None, *, multilabel: bool) -> tuple[Loss, int]:
    """The loss, and how many outputs the network needs for it."""
    if isinstance(loss, Loss):
        one = loss.task == "attributes" and not multilabel
        if loss.task == "regression" or (loss.task == "multiclass" and multilabel) or (one and classes > 2):
            raise ConfigurationError(f"{loss!r} does not fit {'labels' if multilabel else 'classes'} as y has them")
        return loss, 1 if one else classes
    if loss not in CLASS_LOSSES:
        raise ConfigurationError(f"loss is one of {', '.join(CLASS_LOSSES)}, or a Loss; received {loss!r}")
    outputs = network.out_shape[0] if network is not None else 0
    if loss == "squared_hinge" or (loss == "hinge" and not multilabel and (classes > 2 or outputs > 1)):
        if multilabel:
            raise ConfigurationError("squared_hinge is for one class per row: take loss='hinge' for multilabel")
        return SquaredHinge() if loss == "squared_hinge" else MulticlassHinge(), classes
    if loss == "hinge":
        return BinaryHinge(), classes if multilabel else 1
    if multilabel:
        return SigmoidBinaryCrossEntropy(), classes
    if network is not None and isinstance(list(network.leaves())[-1], Softmax):
        return CategoricalCrossEntropy(), classes
    return (SoftmaxCrossEntropy(), classes) if classes > 2 or outputs == 2 else (SigmoidBinaryCrossEntropy(), 1)


def regression_loss(loss: Any, quantile: Any, targets: int) -> tuple[Loss, int]:
    """The loss, and how many outputs the network needs for it: one per target, or one per target and quantile."""
    if isinstance(loss, Loss):
        if loss.task not in ("regression", None):
            raise ConfigurationError(f"{loss!r} is for classes: a Regressor takes a loss on numbers")
        return loss, targets
    if not isinstance(loss, str) or loss not in NUMBER_LOSSES:
        raise ConfigurationError(f"loss is one of {', '.join(NUMBER_LOSSES)}, or a Loss; received {loss!r}")
    if loss != "quantile":
        return NUMBER_LOSSES[loss](), targets
    several = tuple(quantile) if np.ndim(quantile) else (quantile,)
    return Quantile(several * targets if np.ndim(quantile) else quantile), targets * len(several)
