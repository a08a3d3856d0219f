"""Everything that is checked and put in place before the first step, so that bad input is one sentence and costs nothing."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array, converted, numeric_array, require_finite
from .data.checks import check_classes, check_features, check_y
from .data.splits import split_indices
from .errors import ConfigurationError, DataError, ShapeError, look_up
from .layers import Sigmoid, Softmax
from .losses import LOSSES, Loss
from .metrics import BoundMetric, resolve_metric
from .optimizers import OPTIMIZERS, Optimizer
from .second_order import LBFGS, minimizer
from .sequential import Sequential, is_seed
from .sparse_rows import RowsOf, SciPySparse, SparseRows, in_dtype

Metric: TypeAlias = Callable[[Array, Array, Array | None], float]
Parts: TypeAlias = tuple[Any, Any, Any]
TAKEN = ("loss", "learning_rate", "seconds", "epoch")  # entries of the history that are no metrics
NARROW = (np.dtype(np.uint8), np.dtype(np.float16), np.dtype(np.int8))  # kept as they are, converted batch by batch


@dataclass(frozen=True)
class Rows:
    """Inputs, prepared targets and weights of one part of the data."""

    x: RowsOf
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
    x: ArrayLike | SciPySparse,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    validation_data: tuple[Any, ...] | None,
    validation_split: float,
    seed: int,
    *,
    part: bool = False,
) -> Data:
    """Check all arrays against each other, the loss and the network; build the network for `x` where it is not built.

    `part` says that these are some of the rows only, so that one class is no mistake.
    """
    given = validation_parts(validation_data, validation_split)
    warn_of_a_second_link(network, loss)
    inputs = check_features(x)
    targets = check_y(y, len(inputs))
    if not network.built:
        network.build(inputs.shape[1:], rng=seed)
    training = _rows(network, loss, inputs, targets, sample_weight, "")
    one_class_each = loss.task == "multiclass" and training.target.ndim == 1  # rows shared between classes say more
    if not part and (one_class_each or (loss.task == "attributes" and network.out_shape == (1,))):
        check_classes(training.target)
    validation = None
    if given is not None:
        x_val = check_features(given[0], "validation x")
        y_val = check_y(given[1], len(x_val), "validation y", "validation x")
        validation = _rows(network, loss, x_val, y_val, given[2], "validation ")
    elif validation_split:
        kept, held = held_out(training.target, loss, validation_split, seed)
        training, validation = training.take(kept), training.take(held)
        for rows, name in ((training, "training"), (validation, "validation")):
            if rows.weight is not None and not rows.weight.any():
                raise DataError(f"the {name} part of the split has rows of sample_weight 0 only: leave such rows out of x")
    return Data(training, validation)


@contextmanager
def unbuilt_on_error(network: Sequential) -> Iterator[None]:
    """Leaves a network that came unbuilt unbuilt: built for data that was refused, it would refuse the mended data."""
    fresh = not network.built
    try:
        yield
    except BaseException:
        if fresh and not network.epochs_seen:
            network.shapes = []
        raise


def warn_of_a_second_link(network: Sequential, loss: Loss) -> None:
    """Warn where the last layer already does what the loss is going to do: it trains, slowly and to a worse end."""
    last = list(network.leaves())[-1]
    doubled = {"softmax": Softmax, "sigmoid": Sigmoid}.get(loss.link or "")
    if doubled is not None and isinstance(last, doubled):
        instead = "CategoricalCrossEntropy()" if loss.link == "softmax" else "MeanSquaredError()"
        warnings.warn(
            f"{loss!r} takes logits and the network ends in {last!r}, so that the {loss.link} is taken twice: "
            f"leave that layer out, or use {instead}",
            stacklevel=4,  # at the call of fit
        )


def validation_parts(validation_data: Any, validation_split: Any) -> Parts | None:
    """The validation data as (x, y, weight or None), after both settings were checked."""
    number = isinstance(validation_split, float | int | np.number) and not isinstance(validation_split, bool)
    if not number or not 0 <= validation_split < 1:
        raise ConfigurationError(f"validation_split is the fraction held out, 0 <= split < 1; received {validation_split!r}")
    if validation_data is None:
        return None
    if validation_split:
        raise ConfigurationError("give either validation_data or validation_split, not both")
    if not isinstance(validation_data, tuple | list) or len(validation_data) not in (2, 3):
        raise ConfigurationError("validation_data is a tuple (x, y) or (x, y, sample_weight)")
    x, y, *rest = validation_data
    return x, y, rest[0] if rest else None


def held_out(target: Array, loss: Loss, fraction: float, seed: int) -> tuple[Array, Array]:
    """(kept, held out): the row numbers of a split that is stratified where rows have one class each."""
    try:
        return split_indices(as_classes(target, loss.task), fraction, seed=seed)
    except DataError as error:
        raise DataError(str(error).replace("pass stratify=False", "give validation_data")) from error


def check_weights(weight: ArrayLike | None, rows: int, prefix: str = "") -> Array | None:
    """Row weights as float64: one finite number of at least 0 per row, not all 0."""
    if weight is None:
        return None
    weights = numeric_array(weight, f"{prefix}sample_weight", np.float64)
    if weights.shape != (rows,):
        raise ShapeError(f"{prefix}sample_weight needs one number per row, shape ({rows},); received {weights.shape}")
    require_finite(weights, f"{prefix}sample_weight")
    if weights.min() < 0 or not weights.any():
        raise DataError(f"{prefix}sample_weight needs numbers of at least 0, and not all 0")
    with np.errstate(over="ignore"):
        if not np.isfinite(weights.sum()):
            raise DataError(
                f"{prefix}sample_weight holds numbers so large that their sum is infinite: divide them by the largest"
            )
    return weights


def _rows(network: Sequential, loss: Loss, x: RowsOf, y: Array, weight: ArrayLike | None, prefix: str) -> Rows:
    network.check_rows(x, f"{prefix}x")
    if len(network.out_shape) != 1:
        raise ShapeError(f"the network gives rows of shape {network.out_shape}, a loss needs flat rows: end with Flatten()")
    target = loss.prepare(y, network.out_shape[0], name=f"{prefix}y")
    if target.dtype.kind == "f":
        converted(target, network.dtype, f"{prefix}y")  # said here, and not as a loss that is infinite
    if isinstance(x, SparseRows):
        x = in_dtype(x, network.dtype, f"{prefix}x")
    elif x.dtype not in NARROW:
        x = np.ascontiguousarray(converted(x, network.dtype, f"{prefix}x"))
    return Rows(x, target, check_weights(weight, len(x), prefix))


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
        found: Any = look_up(optimizer, {**OPTIMIZERS, "lbfgs": LBFGS}, "optimizer")
        optimizer = found()
    if isinstance(optimizer, type):
        raise ConfigurationError(f"optimizer is the class {optimizer.__name__}: write {optimizer.__name__}() to make one")
    if not isinstance(optimizer, Optimizer | LBFGS):
        raise ConfigurationError(f"optimizer is {optimizer!r}, which is no Optimizer: write for example Adam(1e-3)")
    if isinstance(optimizer, LBFGS):
        minimizer()  # whether SciPy is there is better known now than after the first hook
    return optimizer


def resolve_metrics(metrics: Iterable[str | Any] | Mapping[str, Any] | str | None, loss: Loss) -> dict[str, BoundMetric]:
    """Names and functions as a dict name -> function(prediction, target, weight), bound to what the loss predicts."""
    if isinstance(metrics, str) or callable(metrics):
        metrics = [metrics]
    if isinstance(metrics, Mapping):
        pairs = [(str(name), resolve_metric(metric, loss)) for name, metric in metrics.items()]
    else:
        pairs = [(bound.name, bound) for bound in (resolve_metric(metric, loss) for metric in metrics or ())]
    named: dict[str, BoundMetric] = {}
    for name, metric in pairs:
        if name in TAKEN or name.startswith("val_") or name in named:
            why = "is there twice" if name in named else "is another entry of the history"
            raise ConfigurationError(f"the metric name {name!r} {why}: give metrics={{name: function}} with another name")
        named[name] = metric
    return named


def check_counts(epochs: int, batch_size: int | None, threads: int | None, seed: int) -> None:
    """Raise ConfigurationError for what is no whole number in its range."""
    for name, value in (("epochs", epochs), ("batch_size", batch_size), ("threads", threads)):
        if value is None and name != "epochs":
            continue
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ConfigurationError(
                f"{name} is a whole number of at least 1{'' if name == 'epochs' else ', or None'}; received {value!r}"
            )
    check_seed(seed)


def check_seed(seed: int) -> None:
    """Raise ConfigurationError for what is no seed."""
    if not is_seed(seed):
        raise ConfigurationError(f"seed is a whole number of at least 0; received {seed!r}")
