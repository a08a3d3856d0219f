"""One column of anybody's table as one of four kinds: numbers, booleans, categories (text) or dates."""

import datetime
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import DataError

KINDS = ("number", "boolean", "category", "date")
MICROSECONDS = np.dtype("datetime64[us]")
YES = frozenset({"true", "yes", "1"})
NO = frozenset({"false", "no", "0"})
DATE = re.compile(
    r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?) ?(Z|[+-]\d{2}(?::?\d{2})?)?)?", re.ASCII
)
SHOWN = 40
"""The most characters of a value or of a name that an error repeats."""


def column_of(values: Any, name: str) -> tuple[Array, str]:
    """`values` as a column of a Table, and its kind; DataError naming the column for what is none of the four.

    ===========  ===============================================  ===============================
    kind         array                                            missing
    ===========  ===============================================  ===============================
    number       float64, float32 or int64                        NaN
    boolean      bool; float64 of 0 and 1 where some are missing  NaN
    category     object array of str                              None
    date         datetime64[us], in UTC where a zone was given    NaT
    ===========  ===============================================  ===============================

    Durations and times of day become seconds, decimals and fractions become floats. Objects are looked at one by one:
    None, NaN, NaT and pandas' NA are missing; text beside numbers makes the numbers text.
    """
    if isinstance(values, str | bytes) or not (isinstance(values, Sequence | np.ndarray) or hasattr(values, "__array__")):
        raise DataError(f"column {short(name)} is {_the(values)}: a column is an array or a list with one value per row")
    if isinstance(values, np.ma.MaskedArray):
        hidden = np.ma.getmaskarray(values)
        values = values.data.astype(object)
        values[hidden] = None
    if not isinstance(values, np.ndarray) and isinstance(values, Sequence):
        return _of_objects(list(values), name)
    array = np.asarray(values)
    if array.ndim != 1:
        raise DataError(f"column {short(name)} has the shape {array.shape}: a column has one value per row")
    if array.dtype == object:
        return _of_objects(array.tolist(), name)
    return _of_array(array, name)


def _of_array(array: Array, name: str) -> tuple[Array, str]:
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "b":
        return array, "boolean"
    if kind in "iu":
        return array.astype(np.float64 if kind == "u" and size == 8 else np.int64, copy=False), "number"
    if kind == "f":
        with np.errstate(over="ignore"):
            return array.astype(np.float32 if size <= 4 else np.float64, copy=False), "number"
    if kind == "M":
        return _dates(array, name), "date"
    if kind == "m":
        return seconds_of(array), "number"
    if kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if kind in "USTO":
        return category_of(array.tolist())
    raise DataError(f"column {short(name)} holds {array.dtype}, which is neither numbers, booleans, text nor dates")


def _of_objects(values: list[Any], name: str) -> tuple[Array, str]:
    """A column of Python objects: their types say what it is."""
    values = [None if is_missing(value) else value for value in values]
    kinds = {_kind_of(kind) for kind in set(map(type, values)) - {type(None)}}
    if not kinds:
        return np.full(len(values), np.nan), "number"
    if kinds == {"text"} or (kinds <= {"text", "number", "boolean"} and "text" in kinds):
        return category_of(values)
    if kinds == {"boolean"}:
        return booleans_of(values), "boolean"
    if kinds <= {"number", "boolean"}:
        return _numbers(values), "number"
    if kinds == {"date"}:
        return _dates_of(values, name), "date"
    if kinds == {"duration"}:
        return seconds_of(np.array(values, "timedelta64[us]")), "number"
    if kinds == {"time"}:
        return np.array([np.nan if value is None else _time_of_day(value) for value in values]), "number"
    strange = next(value for value in values if value is not None and _kind_of(type(value)) is None) if None in kinds else None
    what = f"{_the(strange)}" if strange is not None else " beside ".join(sorted(f"{kind}s" for kind in kinds if kind))
    raise DataError(
        f"column {short(name)} holds {what}: a column is numbers, booleans, text or dates; leave it out or convert it first"
    )


def _kind_of(kind: type) -> str | None:
    """What a Python type counts as; None for a type that no column may hold."""
    found: str | None = None
    if issubclass(kind, str):
        found = "text"
    elif issubclass(kind, bool | np.bool_):
        found = "boolean"
    elif issubclass(kind, np.timedelta64 | datetime.timedelta):  # before numbers: NumPy counts its durations as integers
        found = "duration"
    elif issubclass(kind, Real | Decimal):
        found = "number"
    elif issubclass(kind, datetime.date | np.datetime64):
        found = "date"
    elif issubclass(kind, datetime.time):
        found = "time"
    return found


def is_missing(value: Any) -> bool:
    """Whether a single value stands for none: None, NaN, NaT, and the NA of pandas."""
    if value is None:
        return True
    if isinstance(value, float | np.floating | np.datetime64 | np.timedelta64 | Decimal):
        return bool(value != value)
    return type(value).__name__ in ("NAType", "NaTType")


def texts_of(values: Iterable[Any]) -> Array:
    """Text as an object array, with None where a value is missing; whatever else is there becomes its text."""
    listed = [value if type(value) is str else None if is_missing(value) else str(value) for value in values]
    column = np.empty(len(listed), object)
    column[:] = listed
    return column


def category_of(values: Iterable[Any]) -> tuple[Array, str]:
    """Text as a column and its kind; a column without any value is one of numbers, whatever its type might have held."""
    column = texts_of(values)
    if len(column) and all(value is None for value in column.tolist()):
        return np.full(len(column), np.nan), "number"
    return column, "category"


def booleans_of(values: list[Any]) -> Array:
    """True, False and None as bool where none is missing, otherwise as 1.0, 0.0 and NaN."""
    if None in values:
        return np.array([np.nan if value is None else float(value) for value in values])
    return np.array(values, np.bool_)


def _numbers(values: list[Any]) -> Array:
    if all(isinstance(value, int | np.integer) for value in values):
        try:
            return np.array(values, np.int64)
        except OverflowError:
            pass
    numbers = np.empty(len(values))
    for i, value in enumerate(values):
        try:
            numbers[i] = np.nan if value is None else float(value)
        except OverflowError:  # a whole number beyond 1e308
            numbers[i] = np.inf if value > 0 else -np.inf
    return numbers


def _dates(array: Array, name: str) -> Array:
    """Dates of any unit in microseconds."""
    column: Array = array.astype(MICROSECONDS, copy=False)
    coarse = np.datetime_data(array.dtype)[0] in ("Y", "M", "W", "D", "h", "m", "s", "ms")
    if coarse and not np.array_equal(column.astype(array.dtype), array, equal_nan=True):
        raise DataError(f"column {short(name)} holds a date outside the years -290,000 to 290,000, which is no date")
    return column


def _dates_of(values: list[Any], name: str) -> Array:
    try:
        return np.array([np.datetime64("NaT") if value is None else _date(value, name) for value in values], MICROSECONDS)
    except OverflowError as error:  # a zone that leads out of the years 1 to 9999
        raise DataError(f"column {short(name)} holds a date that cannot be used: {error}") from None


def _date(value: Any, name: str) -> Any:
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return _dates(np.array([value]), name)[0] if isinstance(value, np.datetime64) else np.datetime64(value, "us")


def _time_of_day(value: datetime.time) -> float:
    return 3600.0 * value.hour + 60.0 * value.minute + value.second + value.microsecond / 1e6


def seconds_of(durations: Array) -> Array:
    """Durations of any unit as float64 seconds, NaN where they are missing."""
    seconds: Array = durations / np.timedelta64(1, "s")
    return seconds


def truth_of_text(cell: str) -> float:
    """1.0 for true, yes and 1, and 0.0 for false, no and 0, in any case; ValueError for all else."""
    word = cell.lower()
    if word not in YES and word not in NO:
        raise ValueError("neither yes nor no")
    return float(word in YES)


def date_of_text(cell: str) -> datetime.datetime:
    """A date as text, in UTC where a zone stands in it: 2024-05-31 12:30+02:00; ValueError for all else."""
    found = DATE.fullmatch(cell)
    if found is None:
        raise ValueError("no date")
    year, _, month, day, time, zone = found.groups()
    text = f"{year}-{month:0>2}-{day:0>2}T{(time or '00:00').replace(',', '.')}{zone or ''}"
    value = datetime.datetime.fromisoformat(text)
    try:
        return value if value.tzinfo is None else value.astimezone(datetime.UTC).replace(tzinfo=None)
    except OverflowError:
        raise ValueError("a day before the year 1 or after 9999") from None


def short(text: str) -> str:
    """A name or value as an error shows it, in quotes and not longer than a line takes."""
    return repr(brief(text))


def brief(text: str) -> str:
    """A name, a value or a cell of a file, not longer than an error should repeat it."""
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _the(value: Any) -> str:
    """What an error calls a value that belongs in no column."""
    kind = type(value).__name__
    plain = {"str": "a text", "int": "a number", "float": "a number", "ndarray": "an array", "complex": "a complex number"}
    return plain.get(kind, kind if kind in ("NoneType", "bytes") else f"a{'n' * (kind[0] in 'aeiouAEIOU')} {kind}")
