"""What kind a column is, which of its values are missing, and a column of one kind taken for another."""

from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import DataError, UnknownNameError, nearest_name
from .columns import KINDS, MICROSECONDS, date_of_text, short, texts_of, truth_of_text

PLURAL = {"number": "numbers", "boolean": "booleans", "category": "text", "date": "dates"}


def natural_kind(name: str, column: Array) -> str:
    """What an array in a table is where nobody says otherwise."""
    kind = {"b": "boolean", "f": "number", "i": "number", "O": "category", "M": "date"}.get(column.dtype.kind)
    if kind is None:
        raise DataError(f"column {short(name)} is {column.dtype}: as_table makes columns of what there is")
    return kind


def may_be(column: Array, kind: str) -> bool:
    """Whether an array may stand in a table as a column of this kind."""
    if kind == "number":
        return column.dtype in (np.float64, np.float32, np.int64)
    if kind == "boolean":
        known = column[~np.isnan(column)] if column.dtype == np.float64 else None
        return column.dtype == np.bool_ or (known is not None and bool(((known == 0) | (known == 1)).all()))
    if kind == "category":
        return column.dtype == object and all(type(value) is str or value is None for value in column.tolist())
    return kind == "date" and column.dtype == MICROSECONDS


def as_kind(column: Array, kind: str, wanted: str, name: str) -> Array:
    """A column of one kind as one of another, where every value allows it; otherwise one clear DataError."""
    if wanted not in KINDS:
        raise UnknownNameError(f"unknown kind of column {wanted!r}: {nearest_name(str(wanted), KINDS)}")
    if kind == wanted:
        return column
    if missing_in(column).all():
        empty: dict[str, Any] = {"category": (None, object), "date": ("NaT", MICROSECONDS)}
        value, dtype = empty.get(wanted, (np.nan, np.float64))
        return np.full(len(column), value, dtype)
    if wanted == "category" and kind == "number":
        return texts_of(_number_text(value) for value in column.tolist())
    if wanted == "category" and kind == "boolean":
        return texts_of(None if value != value else "true" if value else "false" for value in column.tolist())
    if wanted == "number" and kind == "boolean":
        return column.astype(np.float64)
    if wanted == "boolean" and kind == "number":
        numbers = column.astype(np.float64)
        if may_be(numbers, "boolean"):
            return numbers
    if kind == "category":
        return _read_text(column, wanted, name)
    raise DataError(f"column {short(name)} holds {PLURAL[kind]} where {PLURAL[wanted]} belong: convert it first")


def _read_text(column: Array, wanted: str, name: str) -> Array:
    """Text as the numbers, booleans or dates that it writes."""
    read: dict[str, Any] = {"number": float, "boolean": truth_of_text, "date": date_of_text}
    values: list[Any] = []
    for row, text in enumerate(column.tolist()):
        try:
            values.append(None if text is None else read[wanted](text.strip()))
        except ValueError:
            raise DataError(
                f"column {short(name)} holds text where {PLURAL[wanted]} belong ({short(text)} in row {row})"
            ) from None
    if wanted == "date":
        return np.array(["NaT" if value is None else value for value in values], MICROSECONDS)
    return np.array([np.nan if value is None else value for value in values])


def _number_text(value: float) -> str | None:
    """Whole numbers without a point, so that a code is the same text whether or not another row lacks one."""
    if value != value:
        return None
    return str(int(value)) if float(value).is_integer() else repr(value)


def missing_in(column: Array) -> Array:
    """Which values of a column are missing, as a mask."""
    if column.dtype == object:
        return np.fromiter((value is None for value in column.tolist()), np.bool_, len(column))
    if column.dtype.kind in "fM":
        mask: Array = np.isnat(column) if column.dtype.kind == "M" else np.isnan(column)
        return mask
    return np.zeros(len(column), np.bool_)
