"""What data must be before anything is trained on it: one clear error, before any work."""

from typing import Any

import numpy as np

from ..arrays import Array, numeric_array, require_finite
from ..errors import DataError, ShapeError
from ..sparse_rows import RowsOf, is_sparse, sparse_rows


def check_x(x: Any, name: str = "x") -> Array:
    """`x` as an array of finite numbers with at least one row and one feature; images (N, H, W, …) are welcome.

    >>> check_x([[1.0, float("nan")]])
    Traceback (most recent call last):
    scratchwork.errors.DataError: x holds NaN at row 0, column 1 (1 such value in all): remove or fill them first
    """
    array = numeric_array(x, name)
    if array.ndim == 0:
        raise ShapeError(f"{name} is a single number: rows of features have the shape (N, D)")
    if len(array) == 0:
        raise DataError(f"{name} is empty: there is no row to work on")
    if array.ndim == 1:
        raise ShapeError(
            f"{name} of shape {array.shape} has one axis, and rows of features have two, (N, D): "
            f"{name}.reshape(-1, 1) for one feature, {name}.reshape(1, -1) for one row"
        )
    if array.size == 0:
        raise DataError(f"{name} of shape {array.shape} is empty: its rows have no features")
    require_finite(array, name)
    return array


def check_features(x: Any, name: str = "x") -> RowsOf:
    """`check_x` for who can use sparse rows, too: those are given as `SparseRows`."""
    if not is_sparse(x):
        return check_x(x, name)
    rows = sparse_rows(x, name)
    if not all(rows.shape):
        raise DataError(f"{name} of shape {rows.shape} is empty: its rows have no features, or there are none")
    return rows


def check_y(y: Any, rows: int, name: str = "y", x_name: str = "x") -> Array:
    """`y` as an array of finite numbers, with one entry for each of `rows` rows."""
    array = numeric_array(y, name)
    if array.ndim == 0:
        raise ShapeError(f"{name} is a single number: there must be one target per row of {x_name}")
    if len(array) != rows:
        raise ShapeError(f"{x_name} has {rows:,} rows and {name} has {len(array):,}: every row needs exactly one target")
    if array.size == 0:
        raise DataError(f"{name} of shape {array.shape} is empty: there is no target to learn")
    require_finite(array, name)
    return array


def check_pair(x: Any, y: Any, x_name: str = "x", y_name: str = "y") -> tuple[Array, Array]:
    """`x` and `y` as arrays of finite numbers of the same length."""
    rows = check_x(x, x_name)
    return rows, check_y(y, len(rows), y_name, x_name)


def check_classes(y: Array, name: str = "y") -> None:
    """Raise DataError where class numbers, or one-hot rows, are all of one class: there is nothing to tell apart.

    Call it on the targets of a classification that is about to be trained; a validation set may well be of one class.
    """
    if y.ndim == 2 and y.shape[1] > 1:
        y = y.argmax(axis=1)
    flat = y.reshape(-1)
    if flat.size and bool((flat == flat[0]).all()):
        raise DataError(
            f"{name} holds one class only ({np.asarray(flat[0]).item()}): a classifier needs rows of at least two classes"
        )
