"""A table to learn from: columns of any kind, and one of them as the target."""

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ..arrays import Array
from ..errors import DataError
from .arrow_files import holds_arrow, read_arrow
from .cells import open_cells
from .columns import short
from .csv import column_number, feature_columns, image_shape_of, is_position, target_column
from .dataset import MOST_GUESSED_CLASSES, Dataset, Task, as_features, encode_target
from .kinds import PLURAL, missing_in
from .reading import existing_file
from .table import Table
from .table_files import kind_of_cells, named_by, read_table

COMMA = re.compile(r"[+-]?[0-9]+(,[0-9]+)*(\.[0-9]+)?", re.ASCII)
FEW = 10
"""Rows of which a column of whole numbers may count some by chance."""


@dataclass(frozen=True, eq=False, repr=False)
class TableData:
    """What `Dataset` is for numbers, for a table whose columns are of any kind: rows, their targets, and names.

    x              a Table of the features
    y              (N,) class numbers (int64) where `labels` is given, otherwise (N,) floats; None where there is no target
    name           what the set is called
    target_name    what y is
    labels         the class names in order, as the file writes them: class k is `labels[k]`; None for regression
    source         where it comes from
    rows           which rows of the file these are, where some were left out because they have no target
    without_target how many those are
    counting       columns of the file that only number its rows, and are no features for that
    """

    x: Table
    y: Array | None
    name: str = "data"
    target_name: str = "y"
    labels: tuple[str, ...] | None = None
    source: str = ""
    rows: Array | None = None
    without_target: int = 0
    counting: tuple[str, ...] = ()
    image_shape: None = field(default=None, init=False)
    x_test: None = field(default=None, init=False)
    y_test: None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.y is not None and len(self.y) != len(self.x):
            raise DataError(f"{self.name}: {len(self.x):,} rows and y of shape {self.y.shape} are not rows and their targets")

    def __len__(self) -> int:
        return len(self.x)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """What the columns are called."""
        return self.x.names

    @property
    def task(self) -> str:
        """`"multiclass"` where y holds class numbers, otherwise `"regression"`."""
        return "multiclass" if self.labels is not None else "regression"

    def __repr__(self) -> str:
        goal = f"{len(self.labels)} classes" if self.labels is not None else f"target {self.target_name!r}"
        told = "" if self.y is None else f", {goal}"
        return f"TableData {self.name!r}: {len(self):,} rows × {len(self.x.names)} columns{told}"


AnyData: TypeAlias = Dataset | TableData


def load_table(
    path: str | os.PathLike[str],
    target: str | int | bool | None = None,
    *,
    features: Sequence[str] | None = None,
    task: Task = "auto",
    kinds: Mapping[str, str] | None = None,
    names: Sequence[str] | None = None,
) -> TableData:
    """A table from a CSV, Parquet or Arrow file with one column as the target; rows that lack it are left out.

    Parameters
    ----------
    path, target, features, task
        As in `read_csv`. Text and booleans as a target are classes, called as the file writes them. Columns that only number
        the rows, from 0 or from 1, are features where `features` names them.
    kinds : dict of str to kind, optional
        What columns are, where they do not look like it: see `read_table`.
    names : sequence of str, optional
        What the columns of a CSV file without a header are called.

    Raises
    ------
    MissingFileError, FileFormatError, UnknownNameError
        As `read_csv` and `read_table` do.
    DataError
        When no row has a target, when it holds dates, or mixes amounts and text; when a number among the features is
        infinite, or is written with a comma.
    """
    path = existing_file(path)
    arrow = read_arrow(path) if holds_arrow(path) else None
    if arrow is not None:
        there, named = arrow.names, True
    elif names is not None:
        there, named = tuple(names), False
    else:
        asked = [name for name in (target, *(features or ())) if name is not None and not isinstance(name, bool)]
        there, named = column_names(path, [str(name) for name in asked if not is_position(name)])
    goal = target_column(there, target, path, named=named or names is not None)
    y_name = "y" if goal is None else there[goal]
    wanted = [there[i] for i in feature_columns(there, features, goal, path)]
    chosen = {name: kind for name, kind in (kinds or {}).items() if name in wanted}
    if arrow is not None:
        table = arrow.with_kinds(chosen)
    else:  # the target as text: its classes are to be called as the file calls them
        given = chosen if goal is None else chosen | {y_name: "category"}
        table = read_table(path, None if named else there, header=named, kinds=given)
    counting = () if features is not None else _counting(table.select(wanted))
    wanted = [name for name in wanted if name not in counting]
    rows = None
    if goal is not None:
        missing = missing_in(table[y_name])
        if missing.all():
            raise DataError(f"the target {short(y_name)} of {path} is missing in every row")
        rows = np.flatnonzero(~missing) if missing.any() else None
    lacking = 0 if rows is None else len(table) - len(rows)
    table = table if rows is None else table.take(rows)
    x = table.select(wanted)
    _check_numbers(x, rows, path, chosen)
    y, labels = None, None
    if goal is not None:
        y, labels = _target(table[y_name], table.kind(y_name), y_name, path, task, text=arrow is None)
    return TableData(x, y, path.name.split(".")[0], y_name, labels, str(path), rows, lacking, counting)


def column_names(path: str | os.PathLike[str], known: Collection[str] = ()) -> tuple[tuple[str, ...], bool]:
    """What the columns of a table in a file are called, and whether the file says so; `known` are names it may have."""
    path = existing_file(path)
    if holds_arrow(path):
        return read_arrow(path).names, True

    def header(first: list[str], second: list[str] | None) -> bool:
        return any(cell.strip() in known for cell in first) or guess(first, second)

    guess: Any = named_by(None)
    with open_cells(path, header) as file:
        return tuple(file.names), file.named


def as_numbers(found: TableData) -> AnyData:
    """The same as a `Dataset` where every feature is a complete number in every row."""
    if found.counting or why_no_numbers(found.x) is not None:
        return found
    names = found.x.names
    return Dataset(
        as_features(np.column_stack(found.x.columns)),
        found.y,
        found.name,
        names,
        found.target_name,
        found.labels,
        image_shape_of(names),
        source=found.source,
        rows=found.rows,
        without_target=found.without_target,
    )


def why_no_numbers(table: Table) -> str | None:
    """Which column is not a number in every row, and why; None for a table of complete numbers."""
    for name, column, kind in zip(table.names, table.columns, table.kinds, strict=True):
        if kind != "number":
            return f"column {short(name)} holds {PLURAL[kind]}"
        missing = missing_in(column)
        if missing.any():
            return f"column {short(name)} lacks a value in row {int(missing.argmax())} (from 0)"
    return None


def raw_columns(path: str | os.PathLike[str], names: Sequence[str]) -> dict[str, list[str]]:
    """Some columns of a CSV file, cell by cell as they stand there; of other tables as text."""
    path = existing_file(path)
    if holds_arrow(path):
        table = read_arrow(path)
        found = [table.names[column_number(table.names, name, "such", path)] for name in names]
        table = table.select(list(dict.fromkeys(found)))
        return {name: ["" if gap else _text(v) for v, gap in zip(table[name].tolist(), missing_in(table[name]), strict=True)]
                for name in table.names}  # fmt: skip
    _, named = column_names(path, names)
    with open_cells(path, named) as file:
        places = [column_number(file.names, name, "such", path) for name in names]
        columns: dict[str, list[str]] = {file.names[place]: [] for place in places}
        for line, row in file.rows:
            if len(row) != file.width:
                file.refuse_width(line, row)
            for place in places:
                columns[file.names[place]].append(row[place])
    return columns


def _text(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _counting(table: Table) -> tuple[str, ...]:
    """The columns that number the rows from 0 or from 1, as an index that was written with the table does."""
    count = len(table)
    found = [
        name
        for name, column in zip(table.names, table.columns, strict=True)
        if count > FEW and column.dtype == np.int64 and column[0] in (0, 1) and bool((np.diff(column) == 1).all())
    ]
    return tuple(found) if len(found) < len(table.names) else ()


def _check_numbers(table: Table, rows: Array | None, path: Path, known: Collection[str]) -> None:
    """DataError for an infinity, and for text that would be numbers, were their comma a point; `known` are text."""
    for name, column in zip(table.names, table.columns, strict=True):
        if column.dtype.kind == "f" and np.isinf(column).any():
            row = int(np.isinf(column).argmax())
            row = row if rows is None else int(rows[row])
            raise DataError(
                f"{path}: column {short(name)} holds an infinity in row {row} (from 0): put a number there, or empty the cell"
            )
        if column.dtype == object and name not in known and (cell := _comma(column.tolist())) is not None:
            raise DataError(
                f"{path}: column {short(name)} writes numbers with a comma ({short(cell)}): write decimals with a point, and "
                "thousands without anything"
            )


def _comma(cells: list[str | None]) -> str | None:
    """The first number with a comma, where every cell is a number with one or without."""
    found = None
    for cell in cells:
        if cell is not None and not COMMA.fullmatch(cell):
            return None
        found = cell if found is None and cell is not None and "," in cell else found
    return found


def _target(column: Array, kind: str, name: str, path: Path, task: Task, *, text: bool) -> tuple[Array, tuple[str, ...] | None]:
    """(y, labels) of a column without gaps; `text` where it was read as text, whatever it holds."""
    what = f"the target {short(name)} of {path}"
    if kind == "boolean":
        column = np.where(column.astype(np.bool_), "true", "false").astype(object)
    cells = column.tolist() if column.dtype == object else None
    found = (kind_of_cells(cells) if text else "category") if cells is not None else kind
    if found == "date" and (task != "classification" or cells is None):
        raise DataError(f"{what} holds dates, which are neither classes nor amounts: make a number or a class of them")
    if cells is None or found == "number":
        numbers = column.astype(np.float64)
        if not np.isfinite(numbers).all():
            raise DataError(f"{what} holds an infinity: replace it by a number, or empty the cell")
        return encode_target(numbers, name, task, named_label=name.lower() in ("label", "class"))
    _check_text(cells, what, task)
    return encode_target(np.array(cells, np.str_), name, task)


def _check_text(cells: list[str], what: str, task: Task) -> None:
    """Refuse text among amounts, and where a regression is asked for."""
    different = set(cells)
    amounts = sum(kind_of_cells([cell]) == "number" for cell in different)
    mixed = task == "auto" and 2 * amounts > len(different) > MOST_GUESSED_CLASSES
    if amounts < len(different) and (task == "regression" or mixed):
        odd = next(cell for cell in cells if kind_of_cells([cell]) != "number")
        others = "as others are: correct or empty the cell" if amounts else "and a regression needs numbers"
        raise DataError(f"{what} holds {short(odd)}, which is no number, {others}")
