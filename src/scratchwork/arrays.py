"""What the library calls an array, and the one way in for arrays that come from outside."""

import math
import sys
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .errors import DataError

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Shape: TypeAlias = tuple[int, ...]


def numeric_array(values: ArrayLike, name: str, dtype: DTypeLike | None = None) -> Array:
    """`values` as an array of numbers, or one clear DataError: text, ragged rows and objects are refused.

    With a `dtype` the result has it (no copy where it has it already); without, booleans, integers and floats keep theirs.
    """
    if values is None:
        raise DataError(f"{name} is None where numbers belong")
    if hasattr(values, "toarray"):
        raise DataError(
            f"{name} is a sparse matrix, which fit and predict of a network take and this does not: give {name}.toarray()"
        )
    masked = sys.modules.get("numpy.ma")  # not loaded before there is a masked array
    if masked is not None and masked.is_masked(values):  # as a plain array it would show what was hidden
        raise DataError(f"{name} has masked entries: remove or fill them first")
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{name} has rows of different lengths: every row needs the same number of values") from error
    if array.dtype == object:
        try:
            if any(isinstance(value, str | bytes) for value in array.flat):  # "1.5" would be converted without a word
                raise TypeError
            array = array.astype(np.float64)
        except (TypeError, ValueError, OverflowError):
            raise DataError(f"{name} holds objects that are not numbers: encode text and missing values first") from None
    if array.dtype.kind not in "buif":
        kind = {"U": "text", "T": "text", "S": "text", "c": "complex numbers", "M": "dates", "m": "durations"}
        found = kind.get(array.dtype.kind, f"values of type {array.dtype}")
        raise DataError(f"{name} holds {found} where numbers belong: encode it as numbers first")
    return array if dtype is None else converted(array, dtype, name)


def converted(array: Array, dtype: DTypeLike, name: str) -> Array:
    """`array` in a float dtype, without a copy where it has it; DataError for finite numbers that are too large for it."""
    with np.errstate(over="ignore"):
        result: Array = array.astype(dtype, copy=False)
    narrowed = array.size and array.dtype.kind == "f" and result.dtype.itemsize < array.dtype.itemsize
    if narrowed and not (math.isfinite(result.max()) and math.isfinite(result.min())):
        lost = np.isinf(result) & np.isfinite(array)
        if lost.any():
            largest = float(np.abs(array[lost]).max())
            raise DataError(f"{name} holds {largest:.3g}, which is too large for {result.dtype}: rescale it first")
    return result


def floats(x: Array) -> Array:
    """`x` itself where it holds floats; whole numbers and booleans as float64, which can take an exp or a mean in place."""
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def require_finite(array: Array, name: str) -> None:
    """Raise DataError naming the first NaN or infinity in `array`."""
    if array.dtype.kind != "f":
        return
    with np.errstate(over="ignore", invalid="ignore"):  # one pass without a temporary; an overflow is looked at closely below
        if np.isfinite(np.dot(flat := array.reshape(-1), flat)):
            return
    finite = np.isfinite(array)
    if finite.all():
        return
    where = tuple(int(i) for i in np.unravel_index(int(np.argmin(finite)), array.shape))
    count = int(array.size - np.count_nonzero(finite))
    kind = "NaN" if np.isnan(array[where]) else "an infinity"
    place = f"row {where[0]}" if where else "its only place"
    place += f", column {where[1]}" if len(where) == 2 else ""
    raise DataError(f"{name} holds {kind} at {place} ({count} such value{'s' * (count > 1)} in all): remove or fill them first")
