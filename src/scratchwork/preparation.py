"""Everything that is checked and put in place before the first step, so that bad input is one sentence and costs nothing."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array, numeric_array, require_finite
from .data.checks import check_classes, check_pair
from .data.splits import split_indices
from .errors import ConfigurationError, DataError, ShapeError, look_up
from .losses import LOSSES, Loss
from .metrics import resolve_metric
from .optimizers import OPTIMIZERS, Optimizer
from .second_order import LBFGS
from .sequential import Sequential

Metric: TypeAlias = Callable[[Array, Array, Array | None], float]
NARROW = (np.dtype(np.uint8), np.dtype(np.float16), np.dtype(np.int8))  # kept as they are, converted batch by batch


@dataclass(frozen=True)
class Rows:
    """Inputs, prepared targets and weights of one part of the data."""

    x: Array
    target: Array
    weight: Array | None = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Array) -> "Rows":
        """Some of the rows."""
        return Rows(self.x[rows], self.target[rows], None if self.weight is None else self.weight[rows])


@dataclass(frozen=True)
class Data:
    """The training part, and the validation part where there is one."""

    training: Rows
    validation: Rows | None


def prepare_data(
    network: Sequential,
    loss: Loss,
    x: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    validation_data: tuple[Any, ...] | None,
    validation_split: float,
    seed: int,
) -> Data:
    """Check all arrays against each other, the loss and the network; build the network for `x` where it is not built."""
    inputs, targets = check_pair(x, y)
    if validation_data is not None and validation_split:
        raise ConfigurationError("give either validation_data or validation_split, not both")
    if not 0 <= validation_split < 1:
        raise ConfigurationError(f"validation_split is the fraction held out, 0 <= split < 1; received {validation_split!r}")
    fresh = not network.built
    if fresh:
        network.build(inputs.shape[1:], rng=seed)
    try:
        training = _rows(network, loss, inputs, targets, sample_weight, "")
        if loss.task == "multiclass" or (loss.task == "attributes" and network.out_shape == (1,)):
            check_classes(training.target)
        validation = None
        if validation_data is not None:
            if not isinstance(validation_data, tuple | list) or len(validation_data) not in (2, 3):
                raise ConfigurationError("validation_data is a tuple (x, y) or (x, y, sample_weight)")
            x_val, y_val = check_pair(validation_data[0], validation_data[1], "validation x", "validation y")
            weights = validation_data[2] if len(validation_data) == 3 else None
            validation = _rows(network, loss, x_val, y_val, weights, "validation ")
        elif validation_split:
            kept, held = split_indices(as_classes(training.target, loss.task), validation_split, seed=seed)
            training, validation = training.take(kept), training.take(held)
    except Exception:
        if fresh:
            network.shapes = []  # a network built for data that was refused would refuse the mended data
        raise
    return Data(training, validation)


def _rows(network: Sequential, loss: Loss, x: Array, y: Array, weight: ArrayLike | None, prefix: str) -> Rows:
    if x.shape[1:] != network.in_shape:
        raise ShapeError(
            f"the network was built for rows of shape {network.in_shape}, {prefix}x has rows of shape {x.shape[1:]}"
        )
    if len(network.out_shape) != 1:
        raise ShapeError(f"the network gives rows of shape {network.out_shape}, a loss needs flat rows: end with Flatten()")
    target = loss.prepare(y, network.out_shape[0], name=f"{prefix}y")
    weights = None
    if weight is not None:
        weights = numeric_array(weight, f"{prefix}sample_weight", np.float64)
        if weights.shape != (len(x),):
            raise ShapeError(f"{prefix}sample_weight needs one number per row, shape ({len(x)},); received {weights.shape}")
        require_finite(weights, f"{prefix}sample_weight")
        if weights.min() < 0 or not weights.any():
            raise DataError(f"{prefix}sample_weight needs numbers of at least 0, and not all 0")
    if x.dtype not in NARROW:
        x = np.ascontiguousarray(x, dtype=network.dtype)
    return Rows(x, target, weights)


def as_classes(target: Array, task: str | None) -> Array:
    """What a split is stratified by: class numbers where rows have one class each, else the targets as they are."""
    if task in ("regression", None) or (task == "attributes" and target.ndim == 2 and target.shape[1] > 1):
        return target.astype(np.float64, copy=False)
    if task == "attributes":
        return (target.reshape(-1) > 0).astype(np.int64)
    return target.argmax(axis=1) if target.ndim == 2 and target.shape[1] > 1 else target.reshape(-1)


def resolve_loss(loss: Loss | str) -> Loss:
    """A loss from itself or from its name."""
    if isinstance(loss, str):
        return look_up(loss, LOSSES, "loss")()
    if isinstance(loss, type) and issubclass(loss, Loss):
        raise ConfigurationError(f"loss is the class {loss.__name__}: write {loss.__name__}() to make one")
    if not isinstance(loss, Loss):
        raise ConfigurationError(f"loss is {loss!r}, which is no Loss: write for example SoftmaxCrossEntropy()")
    return loss


def resolve_optimizer(optimizer: Optimizer | LBFGS | str) -> Optimizer | LBFGS:
    """An optimizer from itself or from its name."""
    if isinstance(optimizer, str):
        found: Any = look_up(optimizer, {**OPTIMIZERS, "LBFGS": LBFGS}, "optimizer")
        return found()  # type: ignore[no-any-return]
    if isinstance(optimizer, type):
        raise ConfigurationError(f"optimizer is the class {optimizer.__name__}: write {optimizer.__name__}() to make one")
    if not isinstance(optimizer, Optimizer | LBFGS):
        raise ConfigurationError(f"optimizer is {optimizer!r}, which is no Optimizer: write for example Adam(1e-3)")
    return optimizer


def resolve_metrics(metrics: Iterable[str | Any] | Mapping[str, Any] | str, loss: Loss) -> dict[str, Metric]:
    """Names and functions as a dict name -> function(prediction, target, weight), bound to what the loss predicts."""
    if isinstance(metrics, str):
        metrics = [metrics]
    if isinstance(metrics, Mapping):
        return {str(name): resolve_metric(metric, loss) for name, metric in metrics.items()}
    named: dict[str, Metric] = {}
    for metric in metrics:
        bound = resolve_metric(metric, loss)
        named[bound.name] = bound
    return named


def check_counts(epochs: int, batch_size: int | None, rows: int) -> int:
    """The number of rows in a batch: the whole set for None."""
    for name, value in (("epochs", epochs), ("batch_size", rows if batch_size is None else batch_size)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ConfigurationError(f"{name} is a whole number of at least 1; received {value!r}")
    return rows if batch_size is None else min(int(batch_size), rows)


__all__ = ["Data", "Rows", "as_classes", "check_counts", "prepare_data", "resolve_loss", "resolve_metrics", "resolve_optimizer"]
