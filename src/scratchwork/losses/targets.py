"""What may stand for the truth: labels, one-hot and soft rows, yes or no, numbers. Each is checked whole, once.

`Loss.prepare` calls these before training; `value_and_grad` calls them for targets that are not yet in the prepared form.
"""

from typing import Any

import numpy as np

from ..arrays import Array, numeric_array, require_finite
from ..errors import ConfigurationError, DataError, ShapeError
from .base import float_array

INT64 = np.dtype(np.int64)
TOLERANCE = 1e-3  # how far the sum of a soft row may be from 1: three printed decimals


def class_targets(target: Any, classes: int, name: str, *, soft: bool = True) -> Array:
    """Labels as int64 (N,), or with `soft` also float rows (N, C) that sum to 1; exact one-hot rows become labels.

    Accepts whole numbers 0..C−1 of shape (N,) or (N, 1), of any numeric type, and matrices (N, C).
    """
    array = numeric_array(target, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] != classes):
        raise ShapeError(
            f"{name} has shape {array.shape} where the network has {classes} outputs: "
            f"give labels of shape (N,) or one-hot rows of shape (N, {classes})"
        )
    _require_rows(array, name)
    require_finite(array, name)
    return _labels(array, classes, name) if array.ndim == 1 else _rows_of_shares(array, name, soft)


def binary_targets(target: Any, outputs: int, name: str, *, signed: bool = False) -> Array:
    """A float matrix (N, K) of 0..1, or with `signed` of exactly −1 and 1 (from ±1, or from 0 and 1)."""
    array = regression_targets(target, outputs, name)
    low, high = float(array.min()), float(array.max())
    if signed:
        return signs(array, name)
    if low < 0 or high > 1:
        odd = low if low < 0 else high
        cause = (
            "for -1 and 1 use BinaryHinge, or turn -1 into 0"
            if low == -1
            else "one class of several is a job for SoftmaxCrossEntropy"
        )
        raise DataError(f"{name} holds {odd:g} at {_place(array == odd)} where 0, 1 or a share between them belongs: {cause}")
    return array


def signs(array: Array, name: str) -> Array:
    """±1 from ±1, or from 0 and 1: decided for the whole array, by whether there is any negative number."""
    signed = bool((array < 0).any())
    good = (np.abs(array) == 1) if signed else (array == 0) | (array == 1)
    if not good.all():
        odd = array[np.unravel_index(int(np.argmin(good)), good.shape)]
        raise DataError(f"{name} holds {odd:g} at {_place(~good)}: a hinge takes -1 and 1, or 0 and 1, not a mixture")
    return array if signed else 2 * array - 1


def regression_targets(target: Any, outputs: int, name: str) -> Array:
    """A finite float matrix (N, K); (N,) becomes (N, 1) where the network has one output. Floats keep their type."""
    array = numeric_array(target, name)
    if array.ndim == 1 and outputs == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] != outputs:
        wanted = "(N,) or (N, 1)" if outputs == 1 else f"(N, {outputs})"
        plural = "s" * (outputs != 1)
        raise ShapeError(
            f"{name} has shape {array.shape} where the network has {outputs} output{plural}: give it shape {wanted}"
        )
    _require_rows(array, name)
    require_finite(array, name)
    return float_array(array)


def class_scores(prediction: Any, advice: str) -> Array:
    """`prediction` as a float matrix (N, C) with C ≥ 2; `advice` is what to do about a single column."""
    scores = float_array(prediction)
    if scores.ndim != 2:
        raise ShapeError(f"expected a prediction of shape (N, C), one column per class; received {scores.shape}")
    require_classes(scores.shape[1], advice)
    if scores.shape[0] == 0:
        raise DataError("a loss needs at least one row; the prediction has none")
    return scores


def require_classes(outputs: int, advice: str) -> None:
    """Raise ConfigurationError where there are not two outputs to choose between."""
    if outputs < 2:
        raise ConfigurationError(advice)


def matched_classes(scores: Array, target: Any, *, soft: bool = True) -> Array:
    """`target` for one batch of `scores` (N, C): int64 labels or a float matrix, checked against its rows and classes."""
    rows, classes = scores.shape
    if isinstance(target, np.ndarray) and target.ndim == 1 and target.dtype == INT64:
        if target.shape[0] == rows and int(np.maximum.reduce(target.view(np.uint64))) >= classes:  # negative: huge as unsigned
            raise _label_error(target, classes, "target")
    else:
        target = class_targets(target, classes, "target", soft=soft)
    if target.shape[0] != rows:
        raise ShapeError(f"prediction has {rows} rows and target {target.shape[0]}: they need one target per row")
    return target  # type: ignore[no-any-return]


def one_hot(labels: Array, classes: int, dtype: Any) -> Array:
    """Rows (N, C) with a 1 at each label."""
    rows = np.zeros((len(labels), classes), dtype)
    rows[np.arange(len(labels)), labels] = 1
    return rows


def _labels(array: Array, classes: int, name: str) -> Array:
    if array.dtype.kind == "f":
        whole = array == np.floor(array)
        if not whole.all():
            row = int(np.argmin(whole))
            raise DataError(f"{name} holds {array[row]:g} at row {row} where a class label, a whole number, belongs")
    if not 0 <= array.min() <= array.max() < classes:
        raise _label_error(array, classes, name)
    return array.astype(np.int64, copy=False)


def _label_error(labels: Array, classes: int, name: str) -> DataError:
    """Which label, in which row, and the likely cause."""
    low, high = int(labels.min()), int(labels.max())
    odd = low if low < 0 else high
    row = int(np.argmax(labels == odd))
    if low == 1 and high == classes:
        cause = "labels that start at 1? subtract 1 from all"
    elif low == -1 and high == 1:
        cause = "-1 and 1 are targets of BinaryHinge; turn them into 0 and 1 here"
    elif low < 0:
        cause = "a mark for a missing label? leave such rows out"
    else:
        cause = f"the last layer needs {high + 1} outputs for labels 0 to {high}"
    return DataError(
        f"{name} holds label {odd} at row {row} where the {classes} outputs stand for labels 0 to {classes - 1}: {cause}"
    )


def _rows_of_shares(array: Array, name: str, soft: bool) -> Array:
    matrix = float_array(array)
    sums = np.add.reduce(matrix, axis=1)
    good = (np.abs(sums - 1) <= TOLERANCE) & (np.minimum.reduce(matrix, axis=1) >= 0)
    if not good.all():
        row = int(np.argmin(good))
        found = "holds a negative share" if float(matrix[row].min()) < 0 else f"sums to {sums[row]:g}"
        raise DataError(
            f"row {row} of {name} {found} where a row holds the shares of its classes and sums to 1: "
            "for several yes-or-no attributes use SigmoidBinaryCrossEntropy or BinaryHinge"
        )
    labels = matrix.argmax(axis=1)
    if np.count_nonzero(matrix) == len(matrix) and (matrix[np.arange(len(matrix)), labels] == 1).all():
        return np.asarray(labels, np.int64)
    if not soft:
        raise DataError(
            f"{name} holds rows shared between classes, and a hinge needs one class per row: give labels or one-hot rows"
        )
    return matrix


def _require_rows(array: Array, name: str) -> None:
    if array.shape[0] == 0:
        raise DataError(f"{name} is empty: there is nothing to compare with")


def _place(where: Array) -> str:
    row, column = np.unravel_index(int(np.argmax(where)), where.shape)
    return f"row {row}" + (f", column {column}" if where.shape[1] > 1 else "")
