"""Tables of numbers as text: comma, semicolon or tab, with or without a header, packed with gzip or not."""

import os
import re
from array import array
from collections.abc import Sequence
from itertools import islice
from typing import NoReturn

import numpy as np

from ..arrays import Array, Shape
from ..errors import CellError, ConfigurationError, DataError, UnknownNameError
from .cells import MISSING, CellFile, is_number, looks_like_header, open_cells
from .columns import brief
from .dataset import Dataset, Task, as_features, encode_target

TARGET_NAMES = ("label", "target", "class", "y")
"""Column names that are taken for the target where none is given; otherwise it is the last column."""

MNIST_COLUMNS = 1 + 28 * 28
ROWS_AT_A_TIME = 512


def read_csv(
    path: str | os.PathLike[str],
    target: str | int | bool | None = None,
    *,
    features: Sequence[str] | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    task: Task = "auto",
) -> Dataset:
    """A table of numbers from a CSV file; UTF-8, with or without a byte order mark, any line ends, gzip or not.

    Parameters
    ----------
    path : path
        The file. Kaggle's digits (`label,pixel0,…`) are recognized as images.
    target : str, int, False or None
        Which column is to be predicted: its name, or its number from 0 (negative from the end). None takes the column called
        label, target, class or y, and otherwise the last. False reads rows without a target, for prediction.
        A file without header that has 785 columns starts with its label: that is how MNIST is passed around.
    features : names, optional
        Which columns are features, in this order; all others but the target are skipped. By default all but the target.
    header : bool, optional
        Whether the first row holds names. By default it does where `target` or `features` are names, or where some column
        has text in the first row and a number in the second.
    delimiter : str, optional
        One character; by default the one of tab, semicolon and comma that cuts the first lines evenly.
    task : "auto", "classification" or "regression"
        What a numeric target is; "auto" takes whole numbers with at most 20 values, or in a column called label or class, for
        classes. A text target is always classes, named in sorted order.

    Raises
    ------
    MissingFileError
        When there is no such file.
    FileFormatError
        When the file is no text, or has rows of different lengths (with the line number).
    DataError
        When a cell is missing or not a number (a `CellError`, with line and column), or there are no rows.
    UnknownNameError
        When a column named does not exist; the nearest name is proposed.

    Numerics
    --------
    Numbers are read as float64, and given as float32 where that holds all of them exactly (pixels, small counts).
    """
    if header is None and any(not is_position(name) for name in [target or 0, *(features or ())]):
        header = True
    with open_cells(path, looks_like_header if header is None else header, delimiter) as table:
        goal = target_column(table.names, target, table.path, named=table.named)
        wanted = feature_columns(table.names, features, goal, table.path)
        x, texts, numbers = _columns(table, wanted, goal)
    names = tuple(table.names[i] for i in wanted)
    headless_mnist = not table.named and table.width == MNIST_COLUMNS and goal == 0
    y, labels, y_name = None, None, "y"
    if goal is not None:
        y_name = table.names[goal] if table.named else "y"
        known = headless_mnist or (table.named and y_name.lower() in ("label", "class"))
        y, labels = encode_target(_target_values(table, goal, texts, numbers, task), y_name, task, named_label=known)
    shape = (28, 28) if headless_mnist else image_shape_of(names)
    return Dataset(x, y, table.path.name.split(".")[0], names, y_name, labels, shape, source=str(table.path))


# From rows to columns


def target_column(
    names: Sequence[str], target: str | int | bool | None, path: os.PathLike[str], *, named: bool = True
) -> int | None:
    """Which column is the target: the one asked for, or one called like a target, or the last; None for False."""
    if target is False:
        return None
    if target is not None and target is not True:
        return column_number(names, target, "target", path)
    lower = [name.lower() for name in names]
    found = next((lower.index(name) for name in TARGET_NAMES if name in lower), None)
    if found is None:
        found = 0 if not named and len(names) == MNIST_COLUMNS else len(names) - 1
    return found


def feature_columns(
    names: Sequence[str], features: Sequence[str] | None, goal: int | None, path: os.PathLike[str]
) -> list[int]:
    """Which columns are predicted from: those asked for, or all but the target."""
    if features is None:
        wanted = [i for i in range(len(names)) if i != goal]
    else:
        wanted = _numbers_of(names, features, path)
        if len(set(wanted)) < len(wanted) or goal in wanted:
            raise ConfigurationError(f"{path}: `features` holds a column twice, or the target")
    if not wanted:
        raise DataError(
            f"{path} has a single column, {brief(names[0])!r}, and no feature beside the target: "
            "is the delimiter another one than tab, semicolon or comma?"
        )
    return wanted


def _numbers_of(names: Sequence[str], features: Sequence[str], path: os.PathLike[str]) -> list[int]:
    """The numbers of the columns with these names; one error for all that are not there."""
    found: list[int] = []
    absent: list[tuple[str, UnknownNameError]] = []
    for name in features:
        try:
            found.append(column_number(names, name, "feature", path))
        except UnknownNameError as error:
            absent.append((name, error))
    if len(absent) > 1:
        shown = ", ".join(repr(brief(str(name))) for name, _ in absent[:8]) + (", …" if len(absent) > 8 else "")
        there = ", ".join(brief(known) for known in names[:10]) + (", …" if len(names) > 10 else "")
        raise UnknownNameError(f"{path} lacks {len(absent)} columns: {shown}. It has {len(names)} columns: {there}")
    if absent:
        raise absent[0][1]
    return found


def column_number(names: Sequence[str], name: str | int, what: str, path: os.PathLike[str]) -> int:
    """The number of the column with this name, or with this number from 0."""
    if isinstance(name, str):
        if name in names:
            return names.index(name)
        alike = [i for i, known in enumerate(names) if known.lower() == name.strip().lower()]
        if len(alike) == 1:
            return alike[0]
    width = len(names)
    try:
        number = int(name)
    except (TypeError, ValueError):
        number = width
    if -width <= number < width:
        return number % width
    import difflib

    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    meant = f"did you mean {close[0]!r}? " if close else ""
    shown = ", ".join(brief(known) for known in names[:10]) + (", …" if width > 10 else "")
    raise UnknownNameError(f"{path} has no {what} column {name!r}: {meant}It has {width} columns: {shown}")


def _columns(table: CellFile, wanted: list[int], goal: int | None) -> tuple[Array, list[str], Sequence[int]]:
    """The features as numbers, the cells of the target as text, and the line of each row."""
    whole = wanted == [i for i in range(table.width) if i != goal]  # then no row need be put together cell by cell
    pieces: list[Array] = []
    texts: list[str] = []
    lines = array("q")  # a list of Python's numbers would take four times as much
    while rows := list(islice(table.rows, ROWS_AT_A_TIME)):
        for line, row in rows:
            if len(row) != table.width:
                table.refuse_width(line, row)
            lines.append(line)
            if goal is not None:
                text = row[goal].strip()
                if text.lower() in MISSING:
                    raise CellError(f"{table.place(line, goal)}: the target is missing; fill it in or remove the row")
                texts.append(text)
                if whole:
                    del row[goal]
        cells = [row for _, row in rows] if whole else [[row[i] for i in wanted] for _, row in rows]
        pieces.append(_numbers(table, cells, lines[-len(rows) :], wanted))
    if not pieces:
        raise DataError(f"{table.path} is empty: a header, and no row after it")
    return np.concatenate(pieces), texts, lines


def _numbers(table: CellFile, cells: list[list[str]], lines: Sequence[int], columns: list[int]) -> Array:
    try:
        values = np.array(cells, np.float64)
    except ValueError:
        _refuse_cell(table, cells, lines, columns)
    # Python's own numbers may have underscores, and 2024_11 in a table is no number: one search per row finds them.
    if not np.isfinite(values).all() or any("_" in "".join(row) for row in cells):
        _refuse_cell(table, cells, lines, columns)
    return as_features(values)


def _refuse_cell(table: CellFile, cells: list[list[str]], lines: Sequence[int], columns: list[int]) -> NoReturn:
    """The error for the first cell that is not a finite number."""
    line, column, text = next(
        (line, column, cell.strip())
        for line, row in zip(lines, cells, strict=True)
        for column, cell in zip(columns, row, strict=True)
        if not (is_number(cell) and np.isfinite(float(cell)))
    )
    place = table.place(line, column)
    if text.lower() in MISSING:
        raise CellError(f"{place}: a value is missing; fill it in or remove the row")
    if is_number(text):
        raise DataError(f"{place}: {brief(text)!r} is not a finite number; replace it or remove the row")
    if is_number(text.replace(",", ".", 1)):
        raise CellError(f"{place}: {brief(text)!r} is not a number; write decimals with a point")
    raise CellError(
        f"{place}: {brief(text)!r} is text where a number belongs; leave the column out, or read the table with load_data"
    )


def _target_values(table: CellFile, goal: int, texts: list[str], lines: Sequence[int], task: Task) -> Array:
    """The target as numbers where every cell is one, otherwise as text."""
    numeric = {text: is_number(text) for text in set(texts)}
    if all(numeric.values()):
        return np.array(texts, np.float64)
    row = next(i for i, text in enumerate(texts) if not numeric[text])
    if task == "regression" or (task == "auto" and any(numeric.values())):
        raise DataError(
            f"{table.place(lines[row], goal)}: the target {brief(texts[row])!r} is not a number, as others are; correct it, "
            "or ask for classes with task='classification'"
        )
    return np.array(texts)


# Small questions


def is_position(name: str | int) -> bool:
    """Whether a column is asked for by its number, or by the name that columns without names are given."""
    return not isinstance(name, str) or is_number(name.removeprefix("column "))


def image_shape_of(names: tuple[str, ...]) -> Shape | None:
    """(H, W) where the columns are called like the pixels of a square image, pixel0 … or 1x1 …; otherwise None."""
    side = round(len(names) ** 0.5)
    pixel = re.compile(r"(pixel|px)[_ ]?\d+|\d+x\d+", re.IGNORECASE)
    if side < 2 or side * side != len(names) or not all(pixel.fullmatch(name) for name in names):
        return None
    return side, side
