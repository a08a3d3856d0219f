"""A walkthrough for a terminal: the same blocks in lines of 80 columns, without a colour or a cursor to move."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from ..arrays import Array
from ..errors import ConfigurationError
from .cells import Cell, Grid, grid_of, headings, numbered, shape_text
from .document import (
    Block,
    Document,
    Equation,
    ImageProduct,
    Numbers,
    Product,
    Prose,
    Quoted,
    Rewritten,
    Section,
    Table,
    laid_out,
)
from .formula import Formula, Row, Words
from .heatmaps import block_means, extent_of
from .page import PHASES
from .rounding import rounded
from .wording import equals, plain

ABOVE, BELOW = " ░▒▓█", " -=≡#"
"""Shades for numbers above 0, and for those below it."""

NARROWEST = 40


class Terminal:
    """Turns blocks into lines of at most `width`; with `quiz` results become a numbered "?" and are kept for the end."""

    def __init__(self, width: int = 80, *, quiz: bool = False) -> None:
        if width < NARROWEST:
            raise ConfigurationError(f"a walkthrough as text needs width >= {NARROWEST}; received {width!r}")
        self.width, self.quiz = width, quiz
        self.answers: list[tuple[str, list[str]]] = []
        self._quoted: set[tuple[str, str, int]] = set()

    def document(self, document: Document) -> str:
        """All of it, in the order of the page."""
        lines = [*self.filled(document.title), "═" * min(self.width, len(document.title)), ""]
        for paragraph in document.summary:
            lines += [*self.block(paragraph), ""]
        if self.quiz:
            lines += [*self.filled("Each ? is yours to compute; the answers stand at the end, under the same numbers."), ""]
        for kind, sections in groupby(document.sections, key=lambda section: section.kind):
            lines += ["", *self._ruled(PHASES[kind][0].upper(), "━"), *self.filled(PHASES[kind][1]), ""]
            for section in sections:
                lines += self._section(section)
        if self.answers:
            lines += ["", *self._ruled("THE ANSWERS", "━"), ""]
            for number, (question, answer) in enumerate(self.answers, start=1):
                lines += [f"?{number}  {question}"[: self.width], *answer, ""]
        return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"

    def _section(self, section: Section) -> Iterator[str]:
        yield from self._ruled(section.title, "─")
        for block, following in zip(section.blocks, (*section.blocks[1:], None), strict=True):
            yield from self.block(block)
            if not (_is_worked(block) and _is_worked(following)):
                yield ""

    def _ruled(self, title: str, rule: str) -> list[str]:
        first, *rest = textwrap.wrap(title, self.width - 4) or [""]
        return [f"{rule}{rule} {first} {rule * max(0, self.width - len(first) - 4)}"[: self.width], *rest]

    def filled(self, text: str, indent: int = 0) -> list[str]:
        """A paragraph in lines that fit."""
        blank = " " * indent
        return textwrap.wrap(text, self.width, initial_indent=blank, subsequent_indent=blank, break_long_words=True)

    def block(self, block: Block) -> list[str]:
        """The lines of one block."""
        match block:
            case Prose():
                lines = self.filled(plain(block.text))
                return self.hidden("the answer in words", lines) if block.role == "result" else lines
            case Equation():
                return self._equation(block)
            case Numbers():
                called = f"{block.symbol or block.name.rsplit('/', 1)[-1]} ({shape_text(np.shape(block.array))})"
                lines = self.numbers(block)
                if block.role == "result" and self.quiz:
                    return self.hidden(called, lines if block.note else lines[1:])
                return lines
            case Product():
                return self.filled(product_text(block), 4)
            case Quoted():
                return self._source(block)
            case Rewritten():
                return self._rewritten(block)
            case ImageProduct():
                return self._pictures(block)
            case Table():
                lines = self.table(block)
                if not (self.quiz and block.hidden):
                    return lines
                asked = ", ".join(block.head[column] for column in block.hidden)
                return [*self.table(block, hide=True), *self.hidden(asked, lines)]

    def hidden(self, question: str, lines: list[str]) -> list[str]:
        """What a quiz asks for: a numbered question mark here, the lines themselves at the end."""
        if not self.quiz:
            return lines
        self.answers.append((question, lines))
        return self.filled(f"{question} = ?{len(self.answers)}", 4)

    def formula(self, formula: Formula, indent: int) -> list[str]:
        """A formula in lines that fit; what has no sign to break it at is broken between words."""
        room = self.width - indent
        lines: list[str] = []
        for line in formula.text(room).split("\n"):
            lines += [line] if len(line) <= room else broken(line, room)
        return _indented(lines, indent)

    def _equation(self, block: Equation) -> list[str]:
        lines = [] if block.general is None else self.formula(block.general, 4)
        numbers, result = block.with_numbers, block.result
        if result is not None and self.quiz:
            self.answers.append(("what comes out", self.formula(equals(result), 2)))
            result = Words(f"?{len(self.answers)}")
        parts = [part for part in (numbers, None if result is None else equals(result)) if part is not None]
        if parts:
            lines += self.formula(Row(tuple(parts)), 6 if block.general is not None else 4)
        if block.note and parts and len(lines[-1]) + len(block.note) + 5 <= self.width:
            lines[-1] += f"   ({plain(block.note)})"
        elif block.note:
            lines += self.filled(plain(block.note), 8 if parts else 4)
        return lines

    def numbers(self, block: Numbers) -> list[str]:
        """An array in brackets under its name; of a large one the corners, and shades for all of it."""
        grid = grid_of(block.array)
        symbol = block.symbol or block.name.rsplit("/", 1)[-1]
        note = f": {plain(block.note)}" if block.note else ""
        lines = self.filled(f"{symbol} ({shape_text(np.shape(block.array))}){note}")
        if not grid.whole:
            lines += _indented(shades(np.asarray(block.array, np.float64), self.width - 4), 4)
        return lines + self._matrix(block, grid)

    def _matrix(self, block: Numbers, grid: Grid) -> list[str]:
        above, before = headings(block, grid)
        rows = [[_cell_text(cell, grid.rows[i] is None) for cell in row] for i, row in enumerate(grid.cells)]
        labels = [name[:16] for name in before] if before is not None else [""] * len(rows)
        left = max(map(len, labels)) + bool(before)
        widths = [max(len(row[j]) for row in rows) for j in range(len(grid.columns))]
        if above is not None:
            above = [name[:12] for name in above]
            widths = [max(width, len(name)) for width, name in zip(widths, above, strict=True)]
        lines: list[str] = []
        parts = _parts(widths, self.width - 8 - left)
        if above is None and len(parts) > 1:
            above = [str(column) for column in grid.columns]
        for columns in parts:
            if above is not None:
                lines.append(" " * (left + 6) + "  ".join(f"{above[j]:>{widths[j]}}" for j in columns))
            for i, row in enumerate(rows):
                opening, closing = _brackets(i, len(rows))
                cells = "  ".join(f"{row[j]:>{widths[j]}}" for j in columns)
                lines.append(f"    {labels[i]:>{max(0, left - 1)}}{' ' * bool(before)}{opening} {cells} {closing}")
        return lines

    def _source(self, block: Quoted) -> list[str]:
        where = f"{block.function} in {block.file}, line {block.first_line}"
        key = (block.file, block.function, block.first_line)
        if key in self._quoted:
            return self.filled(f"The lines that ran: {where}, quoted above.")
        self._quoted.add(key)
        room = self.width - 6
        lines = self.filled(f"The lines that ran: {where}")
        for number, line in numbered(block):
            parts = broken(line, room)
            lines += [f"{'⋮' if number is None else number:>4}  {parts[0]}", *(" " * 6 + part for part in parts[1:])]
        return lines

    def _rewritten(self, block: Rewritten) -> list[str]:
        lines = ["as it is written", *self.formula(block.naive, 4), "as it is computed", *self.formula(block.stable, 4)]
        lines += self.filled(plain(block.fails))
        for equation in block.here:
            lines += self._equation(equation)
        return lines

    def _pictures(self, block: ImageProduct) -> list[str]:
        from ..pictures import text_image

        image = np.asarray(block.image, np.float64)
        room = self.width - 4
        lines = ["the input"]
        lines += _indented(text_image(image, image_shape=image.shape, width=room).split("\n"), 4)
        neuron, _, words = block.neuron.partition(": ")
        for title, values in (
            (f"the weights of {neuron}", block.weights),
            ("their product, entry by entry", block.product),
        ):
            matrix = np.asarray(values, np.float64)
            matrix = matrix.sum(axis=2) if matrix.ndim == 3 else matrix
            factor = math.ceil(2 * matrix.shape[1] / room)  # as much smaller downwards: the picture keeps its form
            small = block_means(matrix, math.ceil(matrix.shape[0] / factor), math.ceil(matrix.shape[1] / factor))
            lines += ["", *self.filled(f"{title} (░▒▓█ above 0, -=≡# below)"), *_indented(signed_shades(small, 2), 4)]
        total = self.filled(words or f"the sum of the product is {rounded(block.total)}; the bias comes on top of it")
        return [*lines, "", *self.hidden("the sum of the product", total)]

    def table(self, block: Table, *, hide: bool = False) -> list[str]:
        """A table of words and numbers, numbers to the right; with `hide` a ? stands where a result belongs."""
        rows = [
            [
                "?" if hide and j in block.hidden else value if isinstance(value, str) else rounded(value)
                for j, value in enumerate(row)
            ]
            for row in block.rows
        ]
        words = [all(isinstance(row[j], str) for row in block.rows) for j in range(len(block.head))]
        room = self.width - 4
        widths = [max(len(plain(row[j])) for row in [list(block.head), *rows]) for j in range(len(block.head))]
        while sum(widths) + 2 * (len(widths) - 1) > room and max(widths) > 6:  # the widest column gives way
            widths[widths.index(max(widths))] -= 1
        lines = self.filled(plain(block.caption)) if block.caption else []
        for row in [list(block.head), *rows]:
            wrapped = [textwrap.wrap(plain(cell), width) or [""] for cell, width in zip(row, widths, strict=True)]
            for k in range(max(map(len, wrapped))):
                parts = [cell[k] if k < len(cell) else "" for cell in wrapped]
                cells = [f"{part:<{w}}" if word else f"{part:>{w}}" for part, w, word in zip(parts, widths, words, strict=True)]
                lines.append("    " + "  ".join(cells).rstrip())
        return lines


def broken(line: str, room: int) -> list[str]:
    """A line of code or of a formula in lines that fit, the later ones further in.

    >>> broken("    y = first + second", 16)
    ['    y = first +', '        second']
    """
    if len(line) <= room:
        return [line]
    margin = " " * min(len(line) - len(line.lstrip()), room // 2)
    return textwrap.wrap(
        line.strip(), room, initial_indent=margin, subsequent_indent=margin + "    ", break_on_hyphens=False
    ) or [""]


def product_text(block: Product) -> str:
    """The shapes of a product in one line.

    >>> product_text(Product((("x", (1, 2)), ("W", (2, 3))), ("y", (1, 3))))
    'x (1 × 2) · W (2 × 3) = y (1 × 3)'
    """
    parts = " · ".join(f"{name} ({shape_text(shape)})" for name, shape in block.factors)
    return f"{parts} = {block.result[0]} ({shape_text(block.result[1])})"


def shades(array: Array, width: int) -> list[str]:
    """A large array in a few lines of shades; each stands for one number, or for the mean of a block."""
    matrix = laid_out(array)
    repeat = 2 if matrix.shape[1] <= width // 2 else 1
    return signed_shades(block_means(matrix, 12, width // repeat), repeat)


def signed_shades(matrix: Array, repeat: int) -> list[str]:
    """A matrix in shades of one kind above 0 and of another below it, each number so many characters wide.

    >>> signed_shades(np.array([[1.0, 0.5, 0.0, -0.5, -1.0]]), 2)
    ['██▒▒  ==##']
    """
    extent = extent_of(matrix)
    return ["".join(repeat * _shade(float(value) / extent) for value in row) for row in matrix]


def _shade(share: float) -> str:
    return "?" if math.isnan(share) else (ABOVE if share > 0 else BELOW)[round(4 * min(1.0, abs(share)))]


def _cell_text(cell: Cell | None, between_rows: bool) -> str:
    if cell is None:
        return "⋮" if between_rows else "…"
    return cell.text + " " * len(cell.padding)


def _brackets(i: int, rows: int) -> tuple[str, str]:
    if rows == 1:
        return "[", "]"
    which = 0 if i == 0 else 2 if i == rows - 1 else 1
    return "⎡⎢⎣"[which], "⎤⎥⎦"[which]


def _parts(widths: Sequence[int], room: int) -> list[list[int]]:
    """The columns in as few parts as fit beside each other, about as many in each."""
    for count in range(1, len(widths) + 1):
        size = math.ceil(len(widths) / count)
        parts = [list(range(start, min(start + size, len(widths)))) for start in range(0, len(widths), size)]
        if all(sum(widths[j] + 2 for j in part) - 2 <= room for part in parts):
            return parts
    return [[j] for j in range(len(widths))]


def _is_worked(block: Block | None) -> bool:
    """Whether it is one of several lines that belong together: an equation with numbers under another one."""
    return isinstance(block, Equation) and block.general is None


def _indented(lines: Sequence[str], by: int) -> list[str]:
    return [" " * by + line for line in lines]
