"""Tables in files: CSV whose columns are typed by looking at every cell, Parquet and Arrow."""

import os
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from ..arrays import Array
from ..errors import DataError, UnknownNameError, nearest_name
from .arrow_files import holds_arrow, read_arrow
from .cells import MISSING, CellFile, Header, is_number, looks_like_header, open_cells
from .columns import KINDS, MICROSECONDS, brief, date_of_text, short, truth_of_text
from .reading import existing_file
from .table import Table

ROWS_AT_A_TIME = 4096
WORDS = (frozenset({"true", "false"}), frozenset({"yes", "no"}))
"""What a column of booleans is written in: one pair of words, in any case."""

NO_NUMBER = re.compile(r"^[+-]?0[0-9]|_|[^\x00-\x7f]", re.MULTILINE)
"""Codes such as 00123, and what Python alone takes for a number: 2024_11, Arabic digits."""

WHOLE = re.compile(r"[+-]?[0-9]{1,15}(\n[+-]?[0-9]{1,15})*")


def read_table(
    path: str | os.PathLike[str],
    names: Sequence[str] | None = None,
    *,
    kinds: Mapping[str, str] | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
) -> Table:
    """A Table from a CSV, Parquet, Arrow or Feather file: told apart by what the file holds, not by its name.

    In a CSV file (UTF-8; comma, semicolon or tab; gzip or not) every cell of a column is looked at:

    =========  =====================================================================================================
    number     every cell is one: 12, -0.5, 1e3; not 007, which is the code of something and stays text
    boolean    true and false, or yes and no, in any case
    date       2024-05-31 or 2024/05/31, with a time (12:30, 12:30:59.5) after a space or T, and a zone (Z, +02:00) or
               not; dates in another order may be two different days, and stay text
    category   everything else: text, without the blanks around it
    =========  =====================================================================================================

    Missing cells are empty, or one of NA, N/A, NaN, null, none, ? and - in any case; they fit every kind.

    Parameters
    ----------
    path : path
    names : sequence of str, optional
        The columns wanted, in this order; for a CSV file without a header row, what its columns are called.
    kinds : dict of str to "number", "boolean", "category" or "date", optional
        What columns are to be, such as those of the table that a model was trained on; what does not fit is an error with
        its line. Names that the file does not have are ignored.
    header : bool, optional
        Whether the first row of a CSV file holds names. By default it does where no cell in it is a number, or where some
        column has text there and a number in the next row.
    delimiter : str, optional
        One character; by default the one of tab, semicolon and comma that cuts the first lines evenly.

    Raises
    ------
    MissingFileError
        When there is no such file.
    FileFormatError
        When the file is damaged, no text, or has rows of different lengths (with the line number).
    DataError
        When there is no row, or a cell does not fit the kind that is asked for.
    MissingDependencyError
        For Parquet and Arrow where pyarrow or narwhals is missing.

    Numerics
    --------
    Numbers are float64; int64 where every cell is a whole number of at most 15 digits. The file is read a second time where
    a column changes its kind after some thousand rows, so that text and numbers need not be kept both.
    """
    path = existing_file(path)
    for name, kind in (kinds or {}).items():
        if kind not in KINDS:
            raise UnknownNameError(f"unknown kind {kind!r} for column {name!r}: {nearest_name(str(kind), KINDS)}")
    if holds_arrow(path):
        table = read_arrow(path)
        table = table.with_kinds({name: kind for name, kind in (kinds or {}).items() if name in table})
        return table if names is None else table.select([str(name) for name in names])
    wanted = None if names is None else [str(name) for name in names]
    return _of_text(path, wanted, dict(kinds or {}), header, delimiter)


# Text


def _of_text(path: Path, names: list[str] | None, kinds: dict[str, str], header: bool | None, delimiter: str | None) -> Table:
    named = named_by(names) if header is None else header
    with open_cells(path, named, delimiter) as file:
        called = _called(file, names)
        columns = [_Column(kinds.get(name)) for name in called]
        _read(file, columns)
    if any(column.restart for column in columns):  # once more, now that all kinds are known
        columns = [_Column(column.kind) for column in columns]
        with open_cells(path, named, delimiter) as file:
            _read(file, columns)
    arrays, found = zip(*(column.result() for column in columns), strict=True)
    table = Table(tuple(called), arrays, found)
    return table if names is None else table.select(names)


def named_by(names: list[str] | None) -> Header:
    """How a header row is told from data: it holds the names asked for, or no number, or text above a number."""

    def decide(first: list[str], second: list[str] | None) -> bool:
        cells = [cell.strip() for cell in first]
        if names is not None:
            return set(names) <= set(cells)
        return not any(is_number(cell) for cell in cells) or looks_like_header(first, second)

    return decide


def _called(file: CellFile, names: list[str] | None) -> list[str]:
    if file.named or names is None:
        return file.names
    if len(names) != file.width:
        raise DataError(
            f"{file.path} has {file.width} columns and {len(names)} names were given; where its first row holds names, "
            f"they are others: {', '.join(map(short, file.names[:5]))}"
        )
    return names


def _read(file: CellFile, columns: list["_Column"]) -> None:
    lines: list[int] = []
    while rows := list(islice(file.rows, ROWS_AT_A_TIME)):
        lines = [line for line, _ in rows]
        for line, row in rows:
            if len(row) != file.width:
                file.refuse_width(line, row)
        for i, cells in enumerate(zip(*(row for _, row in rows), strict=True)):
            bad = columns[i].add([cell.strip() for cell in cells])
            if bad is not None:
                _refuse(file, lines[bad], i, cells[bad], str(columns[i].wanted))
    if not lines:
        raise DataError(f"{file.path} is empty: a header, and no row after it")


def _refuse(file: CellFile, line: int, column: int, cell: str, kind: str) -> NoReturn:
    what = {"number": "a number", "boolean": "a boolean (true or false, yes or no)", "date": "a date such as 2024-05-31"}
    raise DataError(f"{file.place(line, column)}: {brief(cell.strip())!r} is not {what[kind]}, which the column is to hold")


class _Column:
    """What is known of a column after some rows: its kind, and its values so far.

    `kind` is also "true" or "yes" for a boolean in these words, until it is done.
    """

    def __init__(self, wanted: str | None) -> None:
        self.wanted = wanted
        self.kind = wanted
        self.restart = False
        self.whole = True
        self.pieces: list[Any] = []
        self.seen: dict[str, str | None] = {}

    def add(self, cells: list[str]) -> int | None:
        """Take more cells; the number of the first that does not fit the kind asked for, or None."""
        if self.kind == "number" and self._added(cells):
            return None
        known = [cell if cell.lower() not in MISSING else None for cell in cells]
        kind = self.wanted or kind_of_cells(known)
        if self.kind is None and kind is not None:
            self.kind = kind
            self.pieces = [_values(kind, [None] * len(piece), self) for piece in self.pieces]
        elif kind not in (None, self.kind):
            self.kind, self.restart, self.pieces = "category", True, []
        if self.restart:
            return None
        try:
            self.pieces.append([None] * len(cells) if self.kind is None else _values(self.kind, known, self))
        except ValueError:
            return next(i for i, cell in enumerate(known) if cell is not None and not _fits(str(self.kind), cell))
        return None

    def _added(self, cells: list[str]) -> bool:
        """Whether the cells were numbers, every one: then they need not be looked at singly."""
        text = "\n".join(cells)
        if NO_NUMBER.search(text):
            return False
        try:
            values = np.array(list(map(float, cells)))
        except ValueError:
            return False
        self.whole = self.whole and WHOLE.fullmatch(text) is not None
        self.pieces.append(values)
        return True

    def result(self) -> tuple[Array, str]:
        """The whole column, and its kind."""
        if self.kind is None:
            return np.full(sum(map(len, self.pieces)), np.nan), "number"
        values: Array = np.concatenate(self.pieces)
        self.pieces = []
        if self.kind == "number" and self.whole:
            return values.astype(np.int64), "number"
        if self.kind in ("true", "yes", "boolean"):
            return values if np.isnan(values).any() else values.astype(np.bool_), "boolean"
        return values, self.kind


def kind_of_cells(cells: Sequence[str | None]) -> str | None:
    """The kind of some cells ("true" or "yes" for booleans in these words), None being missing; None where all are."""
    known = [cell for cell in cells if cell is not None]
    if not known:
        return None
    words = {cell.lower() for cell in known[:100]}
    for pair in WORDS:
        if words <= pair and {cell.lower() for cell in known} <= pair:
            return "true" if "true" in pair else "yes"
    for kind in ("number", "date"):
        if _fits(kind, known[0]):
            try:
                _values(kind, known, None)
            except ValueError:
                return "category"
            return kind
    return "category"


def _values(kind: str, cells: Sequence[str | None], column: "_Column | None") -> Any:
    """Cells as the values of a kind; ValueError where one does not fit."""
    if kind == "number":
        return _numbers(cells, column)
    if kind == "date":
        return np.array(["NaT" if cell is None else date_of_text(cell) for cell in cells], MICROSECONDS)
    if kind == "category":
        seen = {} if column is None else column.seen
        texts = np.empty(len(cells), object)
        texts[:] = [None if cell is None else seen.setdefault(cell, cell) for cell in cells]
        return texts
    return np.array([np.nan if cell is None else truth_of_text(cell) for cell in cells])


def _numbers(cells: Sequence[str | None], column: "_Column | None") -> Array:
    text = "\n".join(cell for cell in cells if cell is not None)
    asked = column is not None and column.wanted is not None
    if NO_NUMBER.search(text) and not (asked and "_" not in text and text.isascii()):
        raise ValueError("a code, or no number at all")
    values = np.array([np.nan if cell is None else float(cell) for cell in cells])
    if column is not None and column.whole:
        column.whole = None not in cells and WHOLE.fullmatch(text) is not None
    return values


def _fits(kind: str, cell: str) -> bool:
    try:
        _values(kind, [cell], None)
    except ValueError:
        return False
    return True
