"""From settings and data to what is trained: the parts of the rows, the network, the loss, the optimizer."""

import hashlib
import itertools
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import data
from ..arrays import Array
from ..data import AnyData, Table, TableData
from ..engine.choice import blas_threads
from ..errors import ConfigurationError, DataError
from ..layers import Dense, Softmax
from ..losses import LOSSES, CategoricalCrossEntropy, Loss
from ..model import Model
from ..perceptron import perceptron
from ..preprocessing import Rescale, SmoothClip, TableEncoder, Transformer
from ..regularizers import L1, L2, ElasticNet, MaxNorm
from ..second_order import LBFGS
from ..sequential import Sequential
from .settings import Settings, SettingsError, TrainingSettings
from .tables import LEARNING_RATES, OPTIMIZER_NAMES, PREPROCESSING, SCHEDULE_NAMES

CLASSES = ("multiclass", "attributes")


@dataclass(frozen=True)
class Part:
    """Some rows (an array or a Table) with their targets (class numbers, or numbers), and which rows of the data they are."""

    x: Any
    y: Array
    rows: Array

    @classmethod
    def whole(cls, x: Array | Table, y: Array, rows: Array | None = None) -> "Part":
        """All rows; `rows` where they have other numbers than 0, 1, 2, ..."""
        return cls(x, y, np.arange(len(x)) if rows is None else rows)

    def take(self, rows: Array) -> "Part":
        """Some of the rows."""
        x = self.x.take(rows) if isinstance(self.x, Table) else self.x[rows]
        return Part(x, self.y[rows], self.rows[rows])

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Parts:
    """The rows that are trained on, those that epochs are compared on, and those held out; either may be None."""

    train: Part
    validation: Part | None
    test: Part | None


def divide(dataset: AnyData, settings: Settings) -> Parts:
    """The three parts of the data; the seed decides which row goes where, and classes keep their shares."""
    assert dataset.y is not None
    rest, test = Part.whole(dataset.x, dataset.y, dataset.rows), None
    seed = settings.training.seed
    if settings.data.test_fraction or settings.data.validation_fraction:
        _require_repetition(dataset)
    parts = 1 + bool(settings.data.validation_fraction) + bool(settings.data.test_fraction and dataset.x_test is None)
    if len(rest) < parts:
        raise DataError(
            f"{dataset.name} has {len(rest)} row{'s' * (len(rest) != 1)} with a target, too few to hold some out: "
            "find more, or give --test-fraction 0 --validation-fraction 0"
        )
    if dataset.x_test is not None and dataset.y_test is not None:
        test = Part.whole(dataset.x_test, dataset.y_test)
    elif settings.data.test_fraction:
        rest, test = _held_out(rest, settings.data.test_fraction, seed)
    if not settings.data.validation_fraction:
        return Parts(rest, None, test)
    train, validation = _held_out(rest, settings.data.validation_fraction, seed)
    return Parts(train, validation, test)


def _held_out(part: Part, fraction: float, seed: int) -> tuple[Part, Part]:
    kept, held = held_out_rows(part.y, fraction, seed)
    return part.take(kept), part.take(held)


def held_out_rows(y: Array, fraction: float, seed: int) -> tuple[Array, Array]:
    """(kept, held out) row numbers: stratified; the rows of a class that has only one are all kept."""
    if y.ndim != 1 or y.dtype.kind not in "iu":
        return data.split_indices(y, fraction, seed=seed)
    common = np.flatnonzero(np.bincount(y)[y] > 1)
    if len(common) < 2:
        raise DataError(f"no class of the {len(y)} rows has two, so none can be held out: is the target column the right one?")
    _, held = data.split_indices(y[common], fraction, seed=seed)
    mask = np.ones(len(y), bool)
    mask[common[held]] = False
    return np.flatnonzero(mask), np.flatnonzero(~mask)


def fingerprint(x: Array | Table) -> str:
    """A short hash of all rows: the same for the same data, wherever its file lies."""
    if isinstance(x, Table):
        digest = hashlib.blake2b(repr((x.names, x.kinds)).encode(), digest_size=8)
        for column in x.columns:
            text = column.dtype == object
            digest.update(repr(column.tolist()).encode() if text else np.ascontiguousarray(column, _plain(column)).data)
        return digest.hexdigest()
    digest = hashlib.blake2b(str((x.shape, x.dtype.name)).encode(), digest_size=8)
    digest.update(np.ascontiguousarray(x).data)
    return digest.hexdigest()


def _plain(column: Array) -> str:
    """Numbers of any width, and booleans with gaps or without, as one type; dates as whole numbers."""
    return "<i8" if column.dtype.kind == "M" else "<f8"


def plain_labels(labels: tuple[str, ...]) -> list[Any]:
    """Class names as whole numbers where all of them are such, as "0" ... "9": people compare predictions with numbers."""
    numbers = [int(label) if label.lstrip("-").isdecimal() and len(label) < 18 else None for label in labels]
    plain = [str(number) for number in numbers] == list(labels)
    return list(numbers) if plain else list(labels)


def choose_loss(dataset: AnyData, settings: Settings) -> Loss:
    """The loss that was asked for, or the one that the target asks for."""
    name = settings.training.loss
    if name == "auto":
        name = "MeanSquaredError" if dataset.labels is None else "SoftmaxCrossEntropy"
    kind = LOSSES[name]
    smooth = {"label_smoothing": settings.training.label_smoothing} if settings.training.label_smoothing else {}
    loss = kind(**smooth) if name in ("SoftmaxCrossEntropy", "CategoricalCrossEntropy") else kind()
    if loss.task in CLASSES and dataset.labels is None:
        raise SettingsError(f"{name} is for classes, and the target {dataset.target_name!r} of {dataset.name} is numbers")
    return loss


def require_variety(dataset: AnyData) -> None:
    """DataError for a target that is the same in every row."""
    y, where = np.asarray(dataset.y), f"the target {dataset.target_name!r} of {dataset.name}"
    if len(y) == 1:
        raise DataError(f"{where} has a value in one row only: there is nothing to learn from one")
    if len(y) and bool((y == y[0]).all()):
        if dataset.labels is not None:
            only = dataset.labels[int(y[0])]
            raise DataError(f"{where} holds one class only ({only!r}): there is nothing to tell apart, two are needed")
        raise DataError(f"{where} is {y.flat[0]:g} in every row: there is nothing to learn")


def _require_repetition(dataset: AnyData) -> None:
    """DataError for classes that are names or amounts in truth: most rows have one of their own."""
    y = np.asarray(dataset.y)
    if dataset.labels is None or len(y) < 2:
        return
    classes = len(np.unique(y))
    if classes == len(y) or (len(y) > 20 and 2 * classes > len(y)):
        own = "has a class of its own" if classes == len(y) else f"has one of {classes:,} classes"
        raise DataError(
            f"the target {dataset.target_name!r} of {dataset.name} cannot be learned as classes: each of the {len(y):,} rows "
            f"{own}; is it the right column? (--target names another, --task regression takes numbers as amounts)"
        )


def as_amounts(dataset: AnyData) -> AnyData:
    """A data set of classes that are numbers as one of amounts, for a loss of the regression kind."""
    if dataset.labels is None or dataset.y is None:
        return dataset
    try:
        values = np.array([float(label) for label in dataset.labels], np.float32)
    except ValueError:
        raise SettingsError(f"the classes of {dataset.name} are text: a regression loss needs numbers") from None
    if isinstance(dataset, TableData):
        return replace(dataset, y=values[dataset.y], labels=None)
    y_test = None if dataset.y_test is None else values[dataset.y_test]
    return replace(dataset, y=values[dataset.y], y_test=y_test, labels=None)


def build_network(settings: Settings, outputs: int, loss: Loss) -> Sequential:
    """The layers, not built yet: Dense, activation and what goes with them for each hidden size, and one more Dense."""
    net = settings.network
    network = perceptron(
        net.hidden,
        outputs,
        activation=net.activation,
        dropout=net.dropout,
        input_dropout=net.input_dropout,
        batch_norm=net.batch_norm,
        initializer=None if net.initializer == "auto" else net.initializer,
    )
    if isinstance(loss, CategoricalCrossEntropy):
        network.layers.append(Softmax())
    return network


def build_model(dataset: AnyData, settings: Settings, loss: Loss, train: Part) -> Model:
    """A Model that has learned nothing yet: network, preprocessing and names."""
    if dataset.labels is not None:
        count = len(dataset.labels)
        if count < 2 or len(np.unique(train.y)) < 2:
            only = dataset.labels[train.y[0]]
            raise DataError(
                f"the training rows of {dataset.name} hold one class only ({only!r}): there is nothing to tell apart"
            )
        if loss.task == "attributes" and count != 2:
            raise ConfigurationError(f"{type(loss).__name__} tells two classes apart, and {dataset.name} has {count}")
    return Model(
        build_network(settings, count_outputs(dataset, loss), loss),
        preprocessing=build_preprocessing(settings, dataset, train),
        labels=None if dataset.labels is None else plain_labels(dataset.labels),
        feature_names=dataset.feature_names,
        target_name=dataset.target_name,
        image_shape=dataset.image_shape,
    )


def count_outputs(dataset: AnyData, loss: Loss) -> int:
    """One output per class or per number to be predicted; one for a loss that tells two classes apart by a sign."""
    assert dataset.y is not None
    if dataset.labels is not None:
        return len(dataset.labels) if loss.task == "multiclass" else 1
    return 1 if dataset.y.ndim == 1 else int(dataset.y.shape[1])


def build_preprocessing(settings: Settings, dataset: AnyData, train: Part) -> list[Transformer]:
    """What is done to rows first; nothing but the training part is looked at."""
    name = settings.data.preprocessing
    if isinstance(dataset, TableData):
        return _table_preprocessing(name, settings.data.categories or ())
    if name == "auto":
        name = "scale" if dataset.image_shape is not None else "standardize"
    if name == "scale":
        largest = float(np.abs(train.x).max()) if train.x.size else 1.0
        return [Rescale(1.0 / largest)] if math.isfinite(largest) and largest > 0 else []
    return _named_preprocessing(name)


def _named_preprocessing(name: str) -> list[Transformer]:
    make = PREPROCESSING[name]
    return [] if make is None else [make(), *([SmoothClip()] if name == "robust" else [])]


def _table_preprocessing(name: str, categories: tuple[str, ...]) -> list[Transformer]:
    """A table becomes numbers first; standardize and robust are done to its columns of numbers, others to all of them."""
    if name == "scale":
        raise SettingsError("--preprocessing scale is for images and numbers: a table takes standardize, robust or none")
    kinds = dict.fromkeys(categories, "category") or None
    if name in ("auto", "standardize", "robust"):
        return [TableEncoder("robust" if name == "robust" else "standardize", kinds=kinds)]
    return [TableEncoder("none", kinds=kinds), *_named_preprocessing(name)]


def build_optimizer(settings: Settings, rows: int) -> Any:
    """The rule with its learning rate or schedule."""
    training = settings.training
    make = OPTIMIZER_NAMES[training.optimizer]
    if make is None:
        return LBFGS()
    size = rows if training.batch_size == 0 else min(training.batch_size, rows)
    steps = training.epochs * math.ceil(rows / max(size, 1))
    return make(SCHEDULE_NAMES[training.schedule](peak_rate(training), steps))


def peak_rate(training: TrainingSettings) -> float:
    """The learning rate, at its greatest where a schedule changes it."""
    return LEARNING_RATES[training.optimizer] if training.learning_rate is None else training.learning_rate


def choose_threads(settings: Settings, inputs: int, outputs: int, rows: int) -> int | None:
    """Threads for matrix products: those asked for; else one for small steps where threadpoolctl can set it; else as it is."""
    sizes = (inputs, *settings.network.hidden, outputs)
    per_row = sum(before * after for before, after in itertools.pairwise(sizes))
    batch = min(settings.training.batch_size or rows, rows)
    return blas_threads(settings.training.engine, settings.training.threads, batch * per_row)


def fit_settings(settings: Settings, loss: Loss, threads: int | None) -> dict[str, Any]:
    """The rest of what `Model.fit` is called with."""
    training = settings.training
    regularizer: Any = None
    if training.l1 and training.l2:
        regularizer = ElasticNet(training.l1, training.l2)
    elif training.l1 or training.l2:
        regularizer = L1(training.l1) if training.l1 else L2(training.l2)
    return {
        "epochs": training.epochs,
        "batch_size": training.batch_size or None,
        "metrics": ["accuracy"] if loss.task in CLASSES else ["r2"],
        "regularizer": regularizer,
        "constraint": None if training.max_norm is None else MaxNorm(training.max_norm),
        "clip_norm": training.clip_norm,
        "threads": threads,
        "engine": training.engine,
        "seed": training.seed,
    }


@dataclass(frozen=True)
class TargetScale:
    """Targets as they are trained on: mean 0 and variance 1, so that no learning rate depends on their unit."""

    mean: Array
    deviation: Array

    @classmethod
    def of(cls, y: Array) -> "TargetScale":
        """From the targets of the training rows."""
        with np.errstate(all="ignore"):
            deviation = y.astype(np.float64).std(axis=0)
            mean = y.astype(np.float64).mean(axis=0)
        return cls(mean, np.where((deviation > 0) & np.isfinite(deviation), deviation, 1.0))

    def apply(self, y: Array) -> Array:
        """Targets in units of the deviation."""
        return (y - self.mean) / self.deviation

    def fold_into(self, network: Sequential) -> None:
        """Make the last layer give the original unit: σ (x W + b) + μ = x (σ W) + (σ b + μ), exactly an affine layer again."""
        last = network.layers[-1]
        assert isinstance(last, Dense)
        assert last.weight is not None
        assert last.bias is not None
        last.weight.value *= self.deviation.astype(last.weight.value.dtype)
        last.bias.value[...] = last.bias.value * self.deviation + self.mean


def scales_targets(loss: Loss) -> bool:
    """Whether the loss is one of errors in the target's own unit, which may be changed for training."""
    return loss.task == "regression" and loss.link == "identity"
