"""Labels of any kind: read without turning one kind into another, found where they are not given, and as JSON has them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array, numeric_array, require_finite
from .data.checks import check_y
from .errors import ConfigurationError, DataError, ShapeError


def targets_of(y: ArrayLike, task: str | None, rows: int, prefix: str = "") -> Array:
    """`y` as an array with one entry per row: numbers for a regression, otherwise labels of one kind, or rows of numbers."""
    name = f"{prefix}y"
    if task in ("regression", None):
        return check_y(y, rows, name, f"{prefix}x")
    try:
        array = np.asarray(y)
        each = np.asarray(y, dtype=object).reshape(-1) if array.dtype.kind in "USTO" else ()
    except ValueError:
        array, each = numeric_array(y, name), ()  # rows of different lengths: it says so
    if len(each) and all(isinstance(label, str) for label in each):
        array = np.array(list(each), np.str_).reshape(array.shape)
    elif any(isinstance(label, str) for label in each):  # NumPy would turn 1 and nan into "1" and "nan"
        raise DataError(f"{name} mixes text and other values: every label is text, or every one is a number")
    else:
        array = numeric_array(array, name)
    if array.ndim == 0 or len(array) != rows:
        count = "is a single value" if array.ndim == 0 else f"has {len(array):,}"
        raise ShapeError(f"{prefix}x has {rows:,} rows and {name} {count}: every row needs exactly one target")
    if array.dtype.kind == "f":
        require_finite(array, name)
    return array


def found_labels(y: Array, task: str | None) -> list[Any] | None:
    """The different labels of `y`, sorted; None for rows of one-hot or soft numbers, whose columns are the classes."""
    if y.ndim == 2 and y.shape[1] > 1:
        return None
    labels = [plain_label(label) for label in np.unique(y)]
    if any(isinstance(label, float) for label in labels):
        raise DataError("y holds numbers with fractions where class labels belong: use a regression loss, or whole labels")
    if task == "attributes" and len(labels) > 2:
        raise DataError(f"y holds {len(labels)} labels where one output tells two apart: use SoftmaxCrossEntropy")
    if len(labels) < 2:
        raise DataError(f"y holds one class only ({labels[0]!r}): there is nothing to tell apart, at least two are needed")
    return labels


def checked_labels(labels: Sequence[Any]) -> list[Any]:
    """Labels of one kind, each once, as JSON can write them."""
    if isinstance(labels, str) or not isinstance(labels, Sequence | np.ndarray):
        raise ConfigurationError(f"labels is a list with one label per output; received {labels!r}")
    plain = [plain_label(label) for label in labels]
    if not all(isinstance(label, str | int) for label in plain) or len({isinstance(label, str) for label in plain}) > 1:
        raise ConfigurationError(f"labels are all text or all whole numbers; received {labels!r}")
    if len(set(plain)) < max(len(plain), 2):
        raise ConfigurationError(f"labels needs two different labels or more, each once; received {labels!r}")
    return plain


def plain_label(label: Any) -> Any:
    """A label as JSON can write it: Python's own int, float, str or bool."""
    value = label.item() if isinstance(label, np.generic) else label
    return int(value) if isinstance(value, float) and value.is_integer() else value
