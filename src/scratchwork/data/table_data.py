"""A table to learn from: columns of any kind, and one of them as the target."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

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
    """

    x: Table
    y: Array | None
    name: str = "data"
    target_name: str = "y"
    labels: tuple[str, ...] | None = None
    source: str = ""
    rows: Array | None = None
    without_target: int = 0
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


def read_table_data(
    path: str | os.PathLike[str],
    target: str | int | bool | None = None,
    *,
    features: Sequence[str] | None = None,
    task: Task = "auto",
    kinds: Mapping[str, str] | None = None,
) -> AnyData:
    """A table from a CSV, Parquet or Arrow file with one column as the target; rows that lack it are left out.

    Where every feature is a complete number in every row, the result is a `Dataset` as `read_csv` gives it, otherwise a
    `TableData`.

    Parameters
    ----------
    path, target, features, task
        As in `read_csv`. Text and booleans as a target are classes, called as the file writes them.
    kinds : dict of str to kind, optional
        What columns are, where they do not look like it: see `read_table`.

    Raises
    ------
    MissingFileError, FileFormatError, UnknownNameError
        As `read_csv` and `read_table` do.
    DataError
        When no row has a target, when it is text that differs in nearly every row, holds dates, or mixes amounts and
        text; when a number among the features is infinite.
    """
    path = existing_file(path)
    asked = [name for name in (target, *(features or ())) if name is not None and not isinstance(name, bool)]
    header = True if any(not is_position(name) for name in asked) else None
    arrow = holds_arrow(path)
    table = read_arrow(path) if arrow else None
    names = table.names if table is not None else _csv_names(path, header)
    goal = target_column(names, target, path, named=not names[0].startswith("column "))
    wanted = [names[i] for i in feature_columns(names, features, goal, path)]
    chosen = {name: kind for name, kind in (kinds or {}).items() if name in wanted}
    if table is not None:
        table = table.with_kinds(chosen)
    else:  # the target as text: its classes are to be called as the file calls them
        table = read_table(path, header=header, kinds=chosen if goal is None else chosen | {names[goal]: "category"})
    rows = None
    if goal is not None:
        missing = missing_in(table[names[goal]])
        if missing.all():
            raise DataError(f"the target {short(names[goal])} of {path} is missing in every row: there is nothing to learn")
        rows = np.flatnonzero(~missing) if missing.any() else None
    lacking = 0 if rows is None else len(table) - len(rows)
    table = table if rows is None else table.take(rows)
    x = table.select(wanted)
    _check_finite(x, rows, path)
    y, labels, y_name = None, None, "y"
    if goal is not None:
        y_name = names[goal]
        y, labels = _target(table[y_name], table.kind(y_name), y_name, path, task, text=not arrow)
    name, source = path.name.split(".")[0], str(path)
    if why_no_numbers(x) is None:
        numbers = as_features(np.column_stack(x.columns))
        shape = image_shape_of(tuple(wanted))
        return Dataset(numbers, y, name, tuple(wanted), y_name, labels, shape, source=source, rows=rows, without_target=lacking)
    return TableData(x, y, name, y_name, labels, source, rows, lacking)


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
        found = [table.names[column_number(table.names, name, "", path)] for name in names]
        table = table.select(list(dict.fromkeys(found)))
        return {name: ["" if gap else _text(v) for v, gap in zip(table[name].tolist(), missing_in(table[name]), strict=True)]
                for name in table.names}  # fmt: skip
    with open_cells(path, named_by(None)) as file:
        places = [column_number(file.names, name, "", path) for name in names]
        columns: dict[str, list[str]] = {file.names[place]: [] for place in places}
        for line, row in file.rows:
            if len(row) != file.width:
                file.refuse_width(line, row)
            for place in places:
                columns[file.names[place]].append(row[place])
    return columns


def _text(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _csv_names(path: Path, header: bool | None) -> tuple[str, ...]:
    with open_cells(path, named_by(None) if header is None else header) as file:
        return tuple(file.names)


def _check_finite(table: Table, rows: Array | None, path: Path) -> None:
    for name, column in zip(table.names, table.columns, strict=True):
        if column.dtype.kind == "f" and np.isinf(column).any():
            row = int(np.isinf(column).argmax())
            row = row if rows is None else int(rows[row])
            raise DataError(
                f"{path}: column {short(name)} holds an infinity in row {row} (from 0): put a number there, or empty the cell"
            )


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
    """Refuse text that cannot be meant as classes, or where a regression is asked for."""
    different = set(cells)
    odd = next((cell for cell in cells if kind_of_cells([cell]) != "number"), None)
    amounts = sum(kind_of_cells([cell]) == "number" for cell in different)
    if odd is not None and (task == "regression" or (2 * amounts > len(different) > MOST_GUESSED_CLASSES)):
        others = ", as others are: correct or empty the cell" if amounts else ", which a regression needs"
        raise DataError(f"{what} holds {short(odd)}, which is no number{others}")
    own = len(different) == len(cells) or (len(cells) > MOST_GUESSED_CLASSES and 2 * len(different) > len(cells))
    if own and len(cells) > 1:
        many = "every row has a text of its own" if len(different) == len(cells) else f"{len(different):,} different texts"
        raise DataError(
            f"{what} cannot be learned as classes: {many} in {len(cells):,} rows; is it the right column? "
            "(--target names another)"
        )
