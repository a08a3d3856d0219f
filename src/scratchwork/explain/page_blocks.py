"""Each block of a walkthrough as HTML: equations as MathML, arrays as aligned numbers, heat maps and boxes."""

from __future__ import annotations

import math
from html import escape

import numpy as np

from ..arrays import Shape
from .cells import Cell, Grid, grid_of, headings, numbered
from .document import (
    Block,
    Equation,
    ImageProduct,
    Numbers,
    Product,
    Prose,
    Quoted,
    Rewritten,
    Table,
)
from .drawings import heat_map_of, image_product, product
from .heatmaps import extent_of
from .rounding import rounded
from .wording import SHORT, equals, in_pieces, math_of, named, prose

BETWEEN = {False: "…", True: "⋮"}


class Blocks:
    """Turns blocks into HTML; `quiz` folds every result away, and rows as long as a `picture` are drawn in its shape.

    It remembers which source was quoted already.
    """

    def __init__(self, *, quiz: bool = False, picture: Shape | None = None) -> None:
        self.quiz, self.picture = quiz, picture
        self._quoted: dict[tuple[str, str, int], str] = {}

    def html(self, block: Block) -> str:
        """One block; adjacent small arrays stand side by side, see `all_of`."""
        match block:
            case Prose():
                inside = f"<p>{prose(block.text)}</p>"
                return self.fold("the answer in words", inside) if block.role == "result" else inside
            case Equation():
                return self._equation(block)
            case Numbers():
                inside = numbers(block, self.picture)
                return self.fold(f"compute {named(block)}, then look", inside) if block.role == "result" else inside
            case Product():
                return product(block)
            case Quoted():
                return self._quoted_source(block)
            case Rewritten():
                return self._rewritten(block)
            case ImageProduct():
                return image_product(block, self.fold)
            case Table():
                return self._table(block)

    def all_of(self, blocks: tuple[Block, ...]) -> str:
        """The blocks of a section, neighbouring arrays in one line where there is room."""
        found: list[str] = []
        side_by_side: list[str] = []
        for block in (*blocks, None):
            if isinstance(block, Numbers):
                side_by_side.append(self.html(block))
                continue
            if side_by_side:
                found.append(f'<div class="row">{"".join(side_by_side)}</div>')
                side_by_side = []
            if block is not None:
                found.append(self.html(block))
        return "\n".join(found)

    def fold(self, question: str, inside: str) -> str:
        """What a quiz hides: behind a fold that opens with the mouse and the keyboard, without a script."""
        if not self.quiz:
            return inside
        return f'<details class="answer"><summary>{question}</summary>{inside}</details>'

    def _equation(self, block: Equation) -> str:
        """In general on one line; below it with numbers, what comes out beside them where there is room."""
        general = "" if block.general is None else f'<div class="eq general">{math_of(block.general)}</div>'
        result = "" if block.result is None else in_pieces(equals(block.result))
        tag = "span" if len(block.note) <= SHORT else "div"
        note = f'<{tag} class="note">{prose(block.note)}</{tag}>' if block.note else ""
        if block.with_numbers is None and not result:
            return general + (f'<p class="note">{prose(block.note)}</p>' if note else "")
        numbers = "" if block.with_numbers is None else in_pieces(block.with_numbers)
        if self.quiz and result:
            result = f'<details class="answer inline"><summary>= ?</summary>{result}</details>'
        return f'{general}<div class="eq put-in">{numbers} {result} {note}</div>'

    def _quoted_source(self, block: Quoted) -> str:
        path = escape(block.file).replace("/", "/<wbr>")
        where = f'{escape(block.function)} in <span class="path">{path}</span>, line {block.first_line}'
        key = (block.file, block.function, block.first_line)
        if key in self._quoted:
            return f'<p class="note">The lines that ran: <a href="#{self._quoted[key]}">{where}</a>, quoted above.</p>'
        self._quoted[key] = anchor = f"source-{len(self._quoted) + 1}"
        lines = "\n".join(_source_line(number, line) for number, line in numbered(block))
        return (
            f'<details class="source" id="{anchor}" open><summary>The lines that ran: {where}</summary>'
            f"<pre><code>{lines}</code></pre></details>"
        )

    def _rewritten(self, block: Rewritten) -> str:
        here = "".join(self._equation(equation) for equation in block.here)
        return (
            '<div class="ways">'
            f'<div class="naive"><h4>As it is written</h4><div class="eq">{math_of(block.naive)}</div></div>'
            f'<div class="stable"><h4>As it is computed</h4><div class="eq">{math_of(block.stable)}</div></div></div>'
            f'<p class="fails">{prose(block.fails)}</p>{here}'
        )

    def _table(self, block: Table) -> str:
        if self.quiz and block.hidden:
            asked = "?".join(f" {escape(block.head[column])}" for column in block.hidden)
            return table(block, hide=True) + self.fold(f"the table with{asked}", table(block))
        return table(block)


def numbers(block: Numbers, picture: Shape | None = None) -> str:
    """An array: its numbers in brackets, of a large one the corners beside a heat map of all of it."""
    grid = grid_of(block.array)
    caption = named(block) + (f" {prose(block.note)}" if block.note else "")
    inside = matrix(block, grid)
    if not grid.whole:
        inside = f'<div class="row">{heat_map_of(block, picture)}{inside}</div>'
    return f'<figure class="numbers {block.role}"><figcaption>{caption}</figcaption>{inside}</figure>'


def matrix(block: Numbers, grid: Grid) -> str:
    """The numbers that are shown, each with its index and with all its digits for who reads the page by program."""
    extent = extent_of(np.asarray(block.array, np.float64))
    above, before = headings(block, grid)
    head = ""
    if above is not None:
        corner = "<td></td>" if before is not None else ""
        names = "".join(f'<th scope="col">{escape(name)}</th>' for name in above)
        head = f"<thead><tr>{corner}{names}</tr></thead>"
    rows = []
    for i, row in enumerate(grid.cells):
        label = "" if before is None else f'<th scope="row">{escape(before[i])}</th>'
        cells = "".join(_cell(cell, extent, grid.rows[i] is None) for cell in row)
        rows.append(f"<tr>{label}{cells}</tr>")
    shape = ",".join(map(str, np.shape(block.array)))
    return (
        f'<div class="scroll"><table class="m" data-name="{escape(block.name)}" data-shape="{shape}">'
        f"{head}<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(cell: Cell | None, extent: float, between_rows: bool) -> str:
    if cell is None:
        return f'<td class="gap">{BETWEEN[between_rows]}</td>'
    pad = f'<span class="pad" aria-hidden="true">{cell.padding}</span>' if cell.padding else ""
    place = ",".join(map(str, cell.index))
    share = min(1.0, abs(cell.value) / extent) if math.isfinite(cell.value) else 0.0
    kind = "p" if cell.value > 0 else "n"
    tint = f' class="{kind}" style="--s:{share:.2f}"' if share >= 0.005 else ""
    full = repr(cell.value)
    title = f' title="{full}"' if full.removesuffix(".0") != cell.text.replace("−", "-") else ""
    return f'<td{tint} data-i="{place}" data-value="{full}"{title}>{cell.text}{pad}</td>'


def table(block: Table, *, hide: bool = False) -> str:
    """A table of words and numbers; with `hide` a question mark stands where a result belongs."""
    words = [all(isinstance(row[i], str) for row in block.rows) for i in range(len(block.head))]
    kinds = [' class="word"' if word else "" for word in words]
    head = "".join(f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(block.head, kinds, strict=True))
    rows = []
    for i, row in enumerate(block.rows):
        cells = []
        for j, value in enumerate(row):
            kind = kinds[j]
            if hide and j in block.hidden:
                cells.append(f"<td{kind}>?</td>")
            elif isinstance(value, str):
                cells.append(f"<td{kind}>{prose(value)}</td>")
            else:
                cells.append(f'<td{kind} data-i="{i},{j}" data-value="{float(value)!r}">{rounded(value)}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    caption = f"<caption>{prose(block.caption)}</caption>" if block.caption else ""
    name = f' data-name="{escape(block.name)}"' if not hide else ""
    return (
        f'<div class="scroll"><table class="grid"{name}>{caption}<thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _source_line(number: int | None, line: str) -> str:
    if number is None:
        return '<span class="ln">⋮</span>'
    code, mark, comment = line.partition("  # ")
    if not mark and line.lstrip().startswith("#"):
        code, comment = line[: len(line) - len(line.lstrip())], line.lstrip()
    text = escape(code, quote=False)
    if mark or comment:
        text += f'<span class="rem">{escape(mark + comment, quote=False)}</span>'
    return f'<span class="ln">{number}</span>{text}'
