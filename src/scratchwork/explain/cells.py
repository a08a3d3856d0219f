"""Numbers set in columns: the same digits as in the equations, with the decimal points below each other."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Array, Shape
from .document import Numbers, Quoted, laid_out, shown_positions
from .rounding import paddings_of, rounded


@dataclass(frozen=True)
class Cell:
    """One number as it is read, what it lacks on the right to stand below the others, and the number itself."""

    text: str
    padding: str
    value: float
    index: tuple[int, ...]


@dataclass(frozen=True)
class Grid:
    """The numbers of an array that are shown; None stands for what is left out between the corners."""

    rows: tuple[int | None, ...]
    columns: tuple[int | None, ...]
    cells: tuple[tuple[Cell | None, ...], ...]
    shape: Shape

    @property
    def whole(self) -> bool:
        """Whether every number is there."""
        return None not in self.rows and None not in self.columns


def grid_of(array: Array) -> Grid:
    """The whole of a small array, the corners of a larger one."""
    array = np.asarray(array)
    table = laid_out(array)
    rows, columns = (_with_gap(length) for length in table.shape)
    found: list[list[Cell | None]] = [[None] * len(columns) for _ in rows]
    for j, column in enumerate(columns):
        if column is None:
            continue
        texts = [None if row is None else rounded(float(table[row, column])) for row in rows]
        paddings = iter(paddings_of([text for text in texts if text is not None]))
        for i, (row, text) in enumerate(zip(rows, texts, strict=True)):
            if row is not None and text is not None:
                place = np.unravel_index(row * table.shape[1] + column, array.shape) if array.ndim else ()
                value = float(table[row, column])
                found[i][j] = Cell(text, next(paddings), value, tuple(int(k) for k in place))
    return Grid(rows, columns, tuple(map(tuple, found)), table.shape)


def _with_gap(length: int) -> tuple[int | None, ...]:
    positions = shown_positions(length)
    gap = next((i for i in range(1, len(positions)) if positions[i] != positions[i - 1] + 1), None)
    return tuple(positions) if gap is None else (*positions[:gap], None, *positions[gap:])


def headings(block: Numbers, grid: Grid) -> tuple[list[str] | None, list[str] | None]:
    """(above the columns, before the rows): the names of the entries, or their numbers where some are left out."""
    above = _named(block.columns, grid.columns, grid.shape[1], needed=not grid.whole and grid.shape[1] > 1)
    before = _named(block.rows, grid.rows, grid.shape[0], needed=not grid.whole and grid.shape[0] > 1)
    return above, before


def _named(names: Sequence[str], shown: Sequence[int | None], length: int, *, needed: bool) -> list[str] | None:
    if len(names) == length and length:
        return ["…" if place is None else str(names[place]) for place in shown]
    return ["…" if place is None else str(place) for place in shown] if needed else None


def shape_text(shape: Shape) -> str:
    """2 × 3, or "one number".

    >>> shape_text((2, 3)), shape_text((5,)), shape_text(())
    ('2 × 3', '5', 'one number')
    """
    return " × ".join(f"{length:,}" for length in shape) if shape else "one number"


def numbered(block: Quoted) -> Iterator[tuple[int | None, str]]:
    """The lines of a quotation with their numbers in the file, without the common margin; (None, "") where some are left out.

    >>> list(numbered(Quoted("a.py", "f", 7, ("    x = 1", "    return x"), (7, 9))))
    [(7, 'x = 1'), (None, ''), (9, 'return x')]
    """
    lines = textwrap.dedent("\n".join(block.lines)).split("\n")
    numbers = block.numbers or tuple(range(block.first_line, block.first_line + len(lines)))
    before = numbers[0] - 1 if numbers else 0
    for number, line in zip(numbers, lines, strict=True):
        if number != before + 1:
            yield None, ""
        yield number, line
        before = number
