"""One column of a table as numbers for a network: what each kind of column becomes, and back."""

import math
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..arrays import Array
from ..data.columns import MICROSECONDS, short
from ..data.kinds import missing_in
from ..errors import DataError
from .robust import center_and_scale

LIMIT = 3.0
"""How far robust numbers are drawn in: see `SmoothClip`."""

DAY = 86_400.0
FEW = 10
"""Text with so few different values is never taken for names, however few rows there are."""

OWN = 0.9
"""Text of which so many rows have a value of their own is taken for names or ids."""


@dataclass(frozen=True)
class Encoding(ABC):
    """What a column was found to be, and the numbers it becomes. `missing` counts the training rows without a value."""

    kind: ClassVar[str]
    name: str
    missing: int

    @abstractmethod
    def outputs(self) -> list[str]:
        """The names of the numbers that it becomes."""

    @abstractmethod
    def write(self, column: Array, out: Array, start: int) -> None:
        """The numbers of some rows, (n, outputs), into `out`; `start` is the first row, for errors."""

    @abstractmethod
    def read(self, y: Array) -> Array:
        """The column that belongs to the numbers of some rows."""

    @abstractmethod
    def told(self) -> tuple[str, str]:
        """What the column becomes and what stands for a missing value, in a few words."""

    def valid(self) -> bool:
        """Whether the numbers go together, for what comes from a file."""
        return True


@dataclass(frozen=True)
class Number(Encoding):
    """(x − center) / scale, drawn in smoothly where `clipped`; constant columns keep only their 0/1 of what is missing."""

    kind = "number"
    fill: float
    center: float
    scale: float
    clipped: bool
    constant: bool

    def outputs(self) -> list[str]:
        value = [] if self.constant else [self.name]
        return value + [f"{self.name} missing"] * (self.missing > 0)

    def write(self, column: Array, out: Array, start: int) -> None:
        x = column.astype(np.float64)
        gaps = np.isnan(x)
        if np.isinf(x).any():
            raise DataError(
                f"column {short(self.name)} holds an infinity at row {start + int(np.isinf(x).argmax())}: "
                "replace it by a number, or by a missing value"
            )
        if self.missing:
            out[:, -1] = gaps
        if self.constant:
            return
        x[gaps] = self.fill
        with np.errstate(over="ignore"):
            y = (x - self.center) / self.scale if np.abs(x).max(initial=0) < 1e307 else _far(x, self.center, self.scale)
            if self.clipped:
                y = np.clip(y, -1e300, 1e300)
                y /= np.hypot(1.0, y / LIMIT)
            out[:, 0] = y
        if not np.isfinite(out[:, 0]).all():
            row = int(np.isfinite(out[:, 0]).argmin())
            raise DataError(f"column {short(self.name)}, row {start + row}: {x[row]:.3g} is too far from the training rows")

    def read(self, y: Array) -> Array:
        x = np.full(len(y), self.center) if self.constant else y[:, 0].astype(np.float64)
        if not self.constant:
            if self.clipped:
                share = np.clip(x / LIMIT, -1.0, 1.0)
                with np.errstate(divide="ignore"):
                    x = x / np.sqrt((1.0 - share) * (1.0 + share))
            x = _back(x, self.center, self.scale)
        if self.missing:
            x[y[:, -1] > 0.5] = np.nan
        return x

    def told(self) -> tuple[str, str]:
        plain = self.center == 0 and self.scale == 1
        moved = "x" if plain else f"(x {'−' if self.center >= 0 else '+'} {abs(self.center):.5g}) / {self.scale:.5g}"
        becomes = "only whether it is missing" if self.constant else moved + (", clipped" if self.clipped else "")
        return becomes, f"{self.fill:.5g}" + (", and 0/1" if self.missing else "")

    def valid(self) -> bool:
        return all(map(math.isfinite, (self.fill, self.center, self.scale))) and self.scale > 0 and bool(self.outputs())


@dataclass(frozen=True)
class Boolean(Encoding):
    """−1 for no and +1 for yes; 0 where it is missing."""

    kind = "boolean"

    def outputs(self) -> list[str]:
        return [self.name]

    def write(self, column: Array, out: Array, start: int) -> None:
        x = column.astype(np.float64)
        out[:, 0] = np.where(np.isnan(x), 0.0, 2.0 * x - 1.0)

    def read(self, y: Array) -> Array:
        column = np.where(y[:, 0] == 0, np.nan, y[:, 0] > 0)
        return column if np.isnan(column).any() else column.astype(np.bool_)

    def told(self) -> tuple[str, str]:
        return "−1 or +1", "0"


@dataclass(frozen=True)
class Category(Encoding):
    """A column of 0 and 1 per category, or one of ±1 for two; all 0 where it is missing."""

    kind = "category"
    categories: tuple[str, ...]
    other: bool

    @property
    def two(self) -> bool:
        """Whether one column of ±1 tells the categories apart."""
        return len(self.categories) == 2 and not self.other

    def outputs(self) -> list[str]:
        if self.two:
            return [f"{self.name}={self.categories[1]}"]
        return [f"{self.name}={category}" for category in self.categories] + [f"{self.name} (other)"] * self.other

    def write(self, column: Array, out: Array, start: int) -> None:
        place = {category: i for i, category in enumerate(self.categories)} | {None: -1}
        unknown = len(self.categories) if self.other else -1
        index = np.fromiter((place.get(value, unknown) for value in column.tolist()), np.intp, len(column))
        if self.two:
            out[:, 0] = np.array([-1.0, 1.0, 0.0])[index]  # −1, for missing and unknown, is the last
            return
        out[...] = 0.0
        known = np.flatnonzero(index >= 0)
        out[known, index[known]] = 1.0

    def read(self, y: Array) -> Array:
        names = np.array([*self.categories, *[None] * (1 + self.other)], object)
        index = y.argmax(axis=1) if not self.two else (y[:, 0] > 0).astype(np.intp)
        nothing = y[:, 0] == 0 if self.two else y.max(axis=1) <= 0
        column: Array = names[np.where(nothing, len(names) - 1, index)]
        return column

    def told(self) -> tuple[str, str]:
        count = len(self.categories)
        if self.two:
            return f"−1 {self.categories[0]}, +1 {self.categories[1]}", "0"
        columns = f"{count} column{'s' * (count > 1)} 0/1"
        return columns + (" and one for all others" if self.other else ""), "all 0"

    def valid(self) -> bool:
        return 0 < len(self.categories) == len(set(self.categories))


@dataclass(frozen=True)
class Date(Encoding):
    """Seconds as a standardized number, and angles: of the month, the weekday and the time of day, where they vary."""

    kind = "date"
    center: float
    scale: float
    parts: tuple[str, ...]
    constant: bool

    PARTS: ClassVar[tuple[str, ...]] = ("month", "weekday", "hour")

    def outputs(self) -> list[str]:
        angles = [f"{self.name} {part} {wave}" for part in self.parts for wave in ("sin", "cos")]
        return [self.name] * (not self.constant) + angles + [f"{self.name} missing"] * (self.missing > 0)

    def write(self, column: Array, out: Array, start: int) -> None:
        gaps = np.isnat(column)
        dates = np.where(gaps, np.datetime64(0, "us"), column)
        if not self.constant:
            out[:, 0] = (_seconds(dates) - self.center) / self.scale
        for i, part in enumerate(self.parts):
            angle = 2.0 * math.pi * turns(dates, part)
            first = 2 * i + (not self.constant)
            out[:, first], out[:, first + 1] = np.sin(angle), np.cos(angle)
        out[gaps] = 0.0
        if self.missing:
            out[:, -1] = gaps

    def read(self, y: Array) -> Array:
        seconds = np.full(len(y), self.center) if self.constant else y[:, 0] * self.scale + self.center
        limit = 9.2e12  # seconds that microseconds in 64 bits can hold
        dates = np.rint(np.clip(seconds, -limit, limit) * 1e6).astype(np.int64).astype(MICROSECONDS)
        if self.missing:
            dates[y[:, -1] > 0.5] = np.datetime64("NaT")
        return dates

    def told(self) -> tuple[str, str]:
        parts = [*["time"] * (not self.constant), *self.parts]
        return ", ".join(parts) or "only whether it is missing", "all 0" + (", and 0/1" if self.missing else "")

    def valid(self) -> bool:
        known = all(part in self.PARTS for part in self.parts) and len(set(self.parts)) == len(self.parts)
        return known and math.isfinite(self.center) and math.isfinite(self.scale) and self.scale > 0 and bool(self.outputs())


@dataclass(frozen=True)
class LeftOut(Encoding):
    """A column that the network does not see, and why."""

    kind = "left out"
    was: str
    reason: str

    def outputs(self) -> list[str]:
        return []

    def write(self, column: Array, out: Array, start: int) -> None:
        """There is nothing to write."""

    def read(self, y: Array) -> Array:
        return np.full(len(y), np.nan)

    def told(self) -> tuple[str, str]:
        return f"left out: {self.reason}", ""


ENCODINGS: dict[str, type[Encoding]] = {kind.kind: kind for kind in (Number, Boolean, Category, Date, LeftOut)}


# Finding the encoding of a column in the training rows


def found_encoding(name: str, column: Array, kind: str, *, numbers: str, most: int, certain: bool) -> Encoding:
    """The encoding for a column of the training rows; `certain` where somebody said that it is of this kind."""
    gaps = missing_in(column)
    missing = int(np.count_nonzero(gaps))
    if missing == len(column):
        return LeftOut(name, missing, kind, "no row has a value")
    known = column[~gaps] if missing else column
    if kind == "category":
        return _category(name, missing, known.tolist(), most, certain)
    if kind == "number" and np.isinf(known).any():
        row = int(np.isinf(column).argmax())
        raise DataError(f"column {short(name)} holds an infinity at row {row}: replace it by a number, or by a missing value")
    if not missing and (known == known[0]).all():
        return LeftOut(name, missing, kind, "every row has the same value")
    if kind == "boolean":
        return Boolean(name, missing)
    return _number(name, missing, known, numbers) if kind == "number" else _date(name, missing, known)


def _category(name: str, missing: int, values: list[str], most: int, certain: bool) -> Encoding:
    counts = Counter(values)
    if len(counts) == 1 and not missing:
        return LeftOut(name, missing, "category", "every row has the same value")
    if not certain and len(counts) > FEW and len(counts) >= OWN * len(values):
        return LeftOut(name, missing, "category", "names or ids, nearly every row has its own")
    if len(counts) <= most:
        return Category(name, missing, tuple(sorted(counts)), False)
    frequent = sorted(counts, key=lambda value: (-counts[value], value))[: most - 1]
    return Category(name, missing, tuple(sorted(frequent)), True)


def _number(name: str, missing: int, known: Array, how: str) -> Encoding:
    x = known.astype(np.float64)
    constant = bool((x == x[0]).all())
    if constant:
        return Number(name, missing, float(x[0]), float(x[0]), 1.0, False, True)
    center, scale = (0.0, 1.0) if how == "none" else center_and_scale(x, robust=how == "robust")
    if not math.isfinite(scale):
        raise DataError(f"column {short(name)} spans more than float64 holds, about 1.8e308: rescale it first")
    return Number(name, missing, _median(x), center, scale, how == "robust", False)


def _median(x: Array) -> float:
    low, high = np.quantile(x, 0.5, method="lower"), np.quantile(x, 0.5, method="higher")
    return float(0.5 * low + 0.5 * high)


def _date(name: str, missing: int, known: Array) -> Encoding:
    seconds = _seconds(known)
    constant = bool((known == known[0]).all())
    center, scale = (float(seconds[0]), 1.0) if constant else center_and_scale(seconds)
    turned = {part: turns(known, part) for part in Date.PARTS}
    parts = tuple(part for part, angle in turned.items() if (angle != angle[0]).any())
    return Date(name, missing, center, scale, parts, constant)


def _seconds(dates: Array) -> Array:
    return dates.astype(np.int64) / 1e6


def turns(dates: Array, part: str) -> Array:
    """How far a cycle has gone, from 0 to 1: the month in its year, the weekday in its week, the time in its day."""
    if part == "month":
        months: Array = dates.astype("datetime64[M]").astype(np.int64) % 12 / 12
        return months
    if part == "weekday":  # 1970-01-01 was a Thursday, and Monday is 0
        days: Array = (dates.astype("datetime64[D]").astype(np.int64) + 3) % 7 / 7
        return days
    return np.mod(dates.astype(np.int64), int(DAY * 1e6)) / (DAY * 1e6)


def _far(x: Array, center: float, scale: float) -> Array:
    """(x − center) / scale where the difference alone could be beyond float64."""
    halves: Any = (0.5 * x - 0.5 * center) / (0.5 * scale)
    result: Array = halves
    return result


def _back(y: Array, center: float, scale: float) -> Array:
    """y scale + center; where rounding takes the largest numbers beyond float64, the largest that it holds."""
    with np.errstate(over="ignore", invalid="ignore"):
        x: Array = y * scale + center
    if not np.isfinite(x).all():
        half = np.finfo(np.float64).max / 2
        with np.errstate(over="ignore"):
            x = 2.0 * np.clip(y * (0.5 * scale) + 0.5 * center, -half, half)
    return x
