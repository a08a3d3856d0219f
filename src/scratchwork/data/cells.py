"""Text files as rows of cells: any line ends, three delimiters, quotes, gzip, and bounds for what is no table."""

import io
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import NoReturn, TypeAlias

from ..errors import ConfigurationError, DataError, FileFormatError
from .columns import brief
from .reading import MAX_BYTES, existing_file, open_binary, require_modest

DELIMITERS = "\t;,"
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-"})
MAX_LINE = 1 << 24
MOST_COLUMNS = 1_000_000
GUESSED_LINES, GUESSED_CHARACTERS = 20, 1 << 20
"""The delimiter is guessed by so many lines, or fewer where they are long."""
Row: TypeAlias = tuple[int, list[str]]
"""The line that a row begins in, and its cells."""

Header: TypeAlias = bool | Callable[[list[str], list[str] | None], bool]
"""Whether the first row holds names, or a function that decides by the first two rows."""


@dataclass(frozen=True)
class CellFile:
    """A file of which the names have been read: every row is still to come."""

    path: Path
    names: list[str]
    named: bool
    rows: Iterator[Row]

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.names)

    def place(self, line: int, column: int) -> str:
        """Where a cell stands, as an error says it."""
        name = f" ({brief(self.names[column])!r})" if self.named else ""
        return f"{self.path}, line {line}, column {column + 1}{name}"

    def refuse_width(self, line: int, row: list[str]) -> NoReturn:
        """The error for a row that has more or fewer cells than there are columns."""
        raise FileFormatError(
            f"{self.path}, line {line}: {len(row)} cell{'s' * (len(row) != 1)} where {self.width} belong; "
            "every row needs as many as the first"
        )


@contextmanager
def open_cells(path: str | os.PathLike[str], header: Header, delimiter: str | None = None) -> Iterator[CellFile]:
    """The rows of a text file in UTF-8, unpacked where it is a gzip file; the delimiter is guessed where it is None."""
    path = existing_file(path)
    require_modest(path)
    with open_binary(path, unzip=True) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
        lines = _text_lines(text, path)
        first = []
        for line in islice(lines, GUESSED_LINES):
            first.append(line)
            if sum(map(len, first)) > GUESSED_CHARACTERS:
                break
        cut = _guess_delimiter(first) if delimiter is None else delimiter
        yield _opened(path, _rows(chain(first, lines), cut, path), header)


def _text_lines(text: io.TextIOWrapper, path: Path) -> Iterator[str]:
    """The lines of a text file; one clear error where it is no text, or unfolds to more than can be meant."""
    left = MAX_BYTES
    try:
        while line := text.readline(MAX_LINE):
            left -= len(line)
            if "\0" in line or left < 0 or len(line) == MAX_LINE:
                _refuse_text(path, line, left)
            yield line
    except UnicodeDecodeError as error:
        if error.object[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise FileFormatError(f"{path} is saved as UTF-16 text; save it as 'CSV UTF-8'") from None
        raise FileFormatError(
            f"{path} is no UTF-8 text (byte 0x{error.object[error.start]:02X}): save it as 'CSV UTF-8'"
        ) from None


def _refuse_text(path: Path, line: str, left: int) -> NoReturn:
    if "\0" in line:
        raise FileFormatError(f"{path} holds zero bytes: it is a binary file, or UTF-16 text, and no CSV file in UTF-8")
    if left < 0:
        raise FileFormatError(f"{path} unfolds to more than {MAX_BYTES:,} characters; at most so many are read")
    raise FileFormatError(f"{path} has a line of more than {MAX_LINE:,} characters: it is no table")


def _guess_delimiter(lines: list[str]) -> str:
    """The delimiter that cuts most lines into as many cells as the first; a comma where none does."""
    bare = [re.sub(r'"[^"]*"', "", line) for line in lines if line.strip()]
    for delimiter in DELIMITERS:
        counts = [line.count(delimiter) for line in bare]
        if counts and counts[0] and 2 * counts.count(counts[0]) > len(counts):
            return delimiter
    return ","


def _rows(lines: Iterable[str], delimiter: str, path: Path) -> Iterator[Row]:
    """(line number, cells) of each row that is not blank."""
    import csv

    try:
        # after a comma a space may stand before the quote of a cell that holds commas
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    except TypeError:
        raise ConfigurationError(f"delimiter is one character; received {delimiter!r}") from None
    line = 1
    try:
        for cells in reader:
            if len(cells) > 1 or (cells and cells[0].strip()):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise FileFormatError(f"{path}, line {line}: the quotes do not match ({error})") from None


def _opened(path: Path, rows: Iterator[Row], header: Header) -> CellFile:
    start = list(islice(rows, 2))
    if not start:
        raise DataError(f"{path} is empty: there is no row in it")
    line, first = start[0]
    if len(first) > MOST_COLUMNS:
        raise FileFormatError(f"{path}, line {line}: {len(first):,} columns; at most {MOST_COLUMNS:,} are read")
    named = header if isinstance(header, bool) else header(first, start[1][1] if len(start) > 1 else None)
    if not named:
        return CellFile(path, [f"column {i + 1}" for i in range(len(first))], False, chain(start, rows))
    names = [cell.strip() or f"column {i + 1}" for i, cell in enumerate(first)]
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise FileFormatError(f"{path}, line {line}: two columns are called {brief(twice)!r}; give each a name of its own")
    return CellFile(path, names, True, chain(start[1:], rows))


def looks_like_header(first: list[str], second: list[str] | None) -> bool:
    """Text above a number names it; text alone in a file is a header without rows."""
    if second is None:
        return not any(is_number(cell) for cell in first)
    pairs = zip(first, second, strict=False)
    return any(not is_number(above) and above.strip().lower() not in MISSING and is_number(below) for above, below in pairs)


def is_number(cell: str) -> bool:
    """Whether a cell is a number; Python's own may have underscores, and 2024_11 in a table is none."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell
