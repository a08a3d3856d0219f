"""A model as it is exported: its steps, what its outputs mean, and rows whose answers every export carries with it."""

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array, Shape
from ..data.checks import check_x
from ..data.table import Table
from ..errors import ConfigurationError, NotBuiltError, ScratchworkError, ShapeError
from ..losses import apply_link
from ..model import Model
from ..preprocessing import OneHot, TableEncoder
from ..preprocessing.encodings import Category
from ..sequential import Sequential
from .lowering import network_steps, placed, preprocessing_steps, rows_shape
from .operations import Categories, Columns, Elementwise, Operation, Softmax, Step

GOLDEN_ROWS = 8
CHECKED_ROWS = 64
LARGEST_GOLDEN = 20_000
"""Numbers that the golden rows of one file may have: wide rows are fewer."""

LARGEST_FLOAT = float(np.finfo(np.float32).max)

LINK_OPERATIONS: dict[str, list[Operation]] = {
    "softmax": [Softmax()],
    "sigmoid": [Elementwise("sigmoid")],
    "exp": [Elementwise("exp")],
}


@dataclass(frozen=True)
class Head:
    """What the network's outputs, the scores, are turned into.

    ::

        "classes"      label = argmax of the scores             values = link(scores)
        "two"          label = 1 where the one score > t, else 0         values = [1 − link(score), link(score)]
        "attributes"   yes where a score > t, one by one        values = link(scores)
        "numbers"      no label                                 values = link(scores)

    t is ½ where the scores are probabilities already (link "identity"), and 0 otherwise. Where `link` is None, after a
    hinge loss, the values are the scores.
    """

    kind: str
    link: str | None
    values: str
    """What the values are called: "probabilities", "scores", "values" (of a regression), "outputs" (of a bare network)."""

    labels: tuple[Any, ...] | None = None
    threshold: float = 0.0


@dataclass(frozen=True, eq=False)
class Rows:
    """Raw rows, and what `predict` makes of them: `values` (N, ...) and `labels`, indices (N,) or yes and no (N, outputs)."""

    x: Any
    values: Array
    labels: Array | None

    def take(self, which: Any) -> "Rows":
        """Some of the rows."""
        x = self.x.take(which) if isinstance(self.x, Table) else self.x[which]
        return Rows(x, self.values[which], None if self.labels is None else self.labels[which])

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, eq=False)
class Subject:
    """Everything that a writer needs to know."""

    steps: tuple[Step, ...]
    link_steps: tuple[Step, ...]
    head: Head
    in_shape: Shape
    out_shape: Shape
    dtype: str
    feature_names: tuple[str, ...] | None
    target_name: str | None
    description: tuple[str, ...]
    golden: Rows
    checked: Rows

    @property
    def columns(self) -> Columns | None:
        """The columns where rows are rows of a table."""
        first = self.steps[0].operation if self.steps else None
        return first if isinstance(first, Columns) else None

    @property
    def outputs(self) -> int:
        """How many scores a row has."""
        return math.prod(self.out_shape)

    @property
    def value_count(self) -> int:
        """How many values a row has."""
        return 2 if self.head.kind == "two" and self.head.link is not None else self.outputs


def subject_of(thing: Any, x: Any = None) -> Subject:
    """What is to be exported: a Model, a built Sequential, or a trained estimator; `x`: rows to check the export with.

    Raises ConfigurationError or NotBuiltError, naming the layer, where there is something that no export can hold.
    """
    thing = thing.to_model() if hasattr(thing, "to_model") else thing
    if not isinstance(thing, Model | Sequential):
        raise ConfigurationError(f"an export takes a Model, a Sequential or a trained estimator; received {thing!r}")
    model = thing if isinstance(thing, Model) else None
    network: Sequential = thing.network if isinstance(thing, Model) else thing
    if not network.built or (model is not None and not model.preprocessing.fitted):
        raise NotBuiltError("the model has learned nothing yet: call fit, or build(in_shape), before exporting it")
    arrays = {name: parameter.value for name, parameter in network.parameters()} | dict(network.buffers())
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ConfigurationError(f"{name} holds NaN or an infinity: a model that diverged is not worth a file")
    dtype = network.dtype.name
    in_shape = network.in_shape if model is None else rows_shape(model.preprocessing, network.in_shape)
    before = () if model is None else preprocessing_steps(model.preprocessing, in_shape, dtype)
    head = _head(model, network)
    link = placed(LINK_OPERATIONS.get(head.link or "", []), f"link {head.link}", network.out_shape, dtype)
    steps = before + network_steps(network)
    _require_whole_characters(model, steps)
    checked, golden = _rows(thing, in_shape, head, x)
    return Subject(
        steps=steps,
        link_steps=link,
        head=head,
        in_shape=in_shape,
        out_shape=network.out_shape,
        dtype=dtype,
        feature_names=None if model is None or model.feature_names is None else tuple(model.feature_names),
        target_name=None if model is None else model.target_name,
        description=tuple(dict.fromkeys(step.place for step in steps)),
        golden=golden,
        checked=checked,
    )


def _head(model: Model | None, network: Sequential) -> Head:
    if model is None:
        return Head("numbers", "identity", "outputs")
    if model.task in ("regression", None):
        return Head("numbers", "exp" if model.link == "exp" else "identity", "values")
    if model.link == "softmax" and len(network.out_shape) != 1:
        raise ConfigurationError("a model of classes whose network gives no flat rows cannot be exported; nothing was written")
    called = "scores" if model.link is None else "probabilities"
    threshold = 0.5 if model.link == "identity" else 0.0
    labels = None if model.labels is None else tuple(model.labels)
    if model.task == "multiclass":
        return Head("classes", model.link, called, labels)
    kind = "two" if network.out_shape == (1,) else "attributes"
    return Head(kind, model.link, called, labels, threshold)


def _require_whole_characters(model: Model | None, steps: tuple[Step, ...]) -> None:
    """No format has a place for half of a surrogate pair."""
    texts = [] if model is None else [*(model.labels or ()), *(model.feature_names or ()), model.target_name]
    for step in steps:
        for encoding in step.operation.encodings if isinstance(step.operation, Columns) else ():
            texts += [encoding.name, *(encoding.categories if isinstance(encoding, Category) else ())]
        texts += step.operation.values if isinstance(step.operation, Categories) else ()
    try:
        "".join(text for text in texts if isinstance(text, str)).encode()
    except UnicodeEncodeError:
        raise ConfigurationError("a label or a name holds half of a character, which no file can hold") from None


# Rows to check with


def answers(thing: Model | Sequential, head: Head, x: Any) -> Rows:
    """What the library itself predicts for raw rows."""
    if isinstance(thing, Sequential):
        return Rows(x, thing.predict(x), None)
    scores = thing.scores(x)
    if head.kind == "numbers":
        return Rows(x, apply_link(scores, head.link or "identity"), None)
    values = scores if head.link is None else thing.probabilities(scores)
    if head.kind == "classes":
        return Rows(x, values, scores.argmax(axis=1))
    positive = scores > head.threshold
    return Rows(x, values, positive[:, 0].astype(np.int64) if head.kind == "two" else positive)


def _rows(thing: Model | Sequential, in_shape: Shape, head: Head, x: Any) -> tuple[Rows, Rows]:
    """Rows to check with, and the few of them that the file carries: given ones, or such as training may have seen."""
    x = plausible_rows(thing, in_shape) if x is None else _given_rows(thing, in_shape, x)
    if isinstance(x, Table):
        x = Table(x.names, tuple(map(_as_float32_says, x.columns)), x.kinds)
    elif x.dtype.kind in "fiub":
        x = _as_float32_says(x.reshape(len(x), *in_shape).astype(np.float64))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        found = answers(thing, head, x[:CHECKED_ROWS] if not isinstance(x, Table) else x.take(slice(0, CHECKED_ROWS)))
    finite = np.flatnonzero(np.isfinite(found.values.reshape(len(found), -1)).all(axis=1))
    if not len(finite):
        raise ConfigurationError("the model predicts no finite number for any row that was tried: it is not worth a file")
    few = max(1, min(GOLDEN_ROWS, LARGEST_GOLDEN // max(1, int(np.prod(in_shape)))))
    return found.take(finite), found.take(finite[:few])


def _given_rows(thing: Model | Sequential, in_shape: Shape, x: Any) -> Any:
    """Rows that somebody gave, checked as those are that are trained on."""
    rows = thing.checked_rows(x, "x") if isinstance(thing, Model) else check_x(x)
    if not isinstance(rows, Table) and math.prod(rows.shape[1:]) != math.prod(in_shape):
        raise ShapeError(f"x has rows of shape {rows.shape[1:]}, and the model takes rows of shape {in_shape}")
    return rows


def _as_float32_says(x: Array) -> Array:
    """Numbers that float32 can hold, since that is what C and ONNX are given."""
    if x.dtype.kind not in "fi":
        return x
    held = np.where(np.isinf(x), x, np.clip(x, -LARGEST_FLOAT, LARGEST_FLOAT))
    return held.astype(np.float32).astype(np.float64)


def first_step(model: Model) -> Any:
    """The first transformer of a model's preprocessing, or None."""
    return model.preprocessing.steps[0] if model.preprocessing.steps else None


def plausible_rows(thing: Model | Sequential, in_shape: Shape) -> Any:
    """Rows of the size that training may have seen: what preprocessing would turn into standard normal numbers."""
    network = thing.network if isinstance(thing, Model) else thing
    normal = np.random.default_rng(0).normal(size=(CHECKED_ROWS, *network.in_shape)).clip(-3.0, 3.0)
    normal[: min(2, CHECKED_ROWS)] *= np.array([0.0, 0.1]).reshape(2, *[1] * len(network.in_shape))
    if isinstance(thing, Sequential):
        return normal
    try:
        with np.errstate(all="ignore"):
            rows = thing.preprocessing.inverse_transform(normal)
            if isinstance(first_step(thing), TableEncoder):
                return rows
            if isinstance(first_step(thing), OneHot):
                return np.asarray(rows).reshape(-1, 1)
            rows = np.asarray(rows, np.float64)
            return np.where(np.isfinite(rows), rows, 0.0).reshape(CHECKED_ROWS, *in_shape)
    except ScratchworkError:
        return normal.reshape(CHECKED_ROWS, *in_shape)
