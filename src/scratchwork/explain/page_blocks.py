"""Each block of a walkthrough as HTML: equations as MathML, arrays as aligned numbers, heat maps and boxes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from html import escape

import numpy as np

from ..arrays import Shape
from .cells import Cell, Grid, grid_of, headings, numbered, shape_text
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
    laid_out,
)
from .formula import RELATIONS, SIGNS, Formula, Operator, Row, flat
from .heatmaps import brightness, data_uri, drawn_size, extent_of, heat_map, signed_picture
from .rounding import rounded

SHORT = 28
"""Characters of a formula that are not broken, and of a note that stands beside it: they fit on a phone."""
EMPHASIS = re.compile(r"(?<![\w*])\*(\w[^*\n]{0,60}?)\*(?![\w*])")
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


def prose(text: str) -> str:
    """Plain text as HTML; what stands in `backticks` is code, and *this* is emphasized."""
    parts = escape(text, quote=False).split("`")
    if len(parts) % 2 == 0:  # a backtick without its partner is a backtick
        parts[-2:] = ["`".join(parts[-2:])]
    return "".join(f"<code>{part}</code>" if i % 2 else EMPHASIS.sub(r"<em>\1</em>", part) for i, part in enumerate(parts))


def plain(text: str) -> str:
    """The same without its marks, for a terminal."""
    return EMPHASIS.sub(r"\1", text).replace("`", "")


def math_of(formula: Formula) -> str:
    """A formula on a line of its own."""
    return f'<math display="block">{formula.mathml()}</math>'


def in_pieces(formula: Formula) -> str:
    """A formula with numbers: one piece where it is short, else one for each term, so that lines break between them."""
    groups: list[list[Formula]] = [[]]
    for part in flat(formula.parts) if isinstance(formula, Row) else (formula,):
        if isinstance(part, Operator) and part.sign in RELATIONS | SIGNS and groups[-1]:
            groups.append([])
        groups[-1].append(part)
    if len(groups) > 1 and formula.box().width <= SHORT:
        groups = [[part for group in groups for part in group]]
    pieces = ("".join(part.mathml() for part in group) for group in groups)
    return " ".join(f'<math displaystyle="true">{_infix(piece)}</math>' for piece in pieces)


def _infix(piece: str) -> str:
    """A sign at the beginning of a piece stands between two terms all the same."""
    return (
        '<mo form="infix" lspace="0" rspace="0.25em">' + piece.removeprefix("<mo>")
        if piece.startswith("<mo>")
        else f"<mrow>{piece}</mrow>"
    )


def equals(result: Formula) -> Formula:
    """= result, where it does not begin with a relation itself."""
    first = result.parts[0] if isinstance(result, Row) and result.parts else result
    if isinstance(first, Operator) and first.sign in RELATIONS:
        return result
    return Row((Operator("="), result))


def named(block: Numbers) -> str:
    """What an array is called, and its shape."""
    symbol = block.symbol or block.name.rsplit("/", 1)[-1]
    return f"<b>{escape(symbol)}</b> <span>({shape_text(np.shape(block.array))})</span>"


def numbers(block: Numbers, picture: Shape | None = None) -> str:
    """An array: its numbers in brackets, of a large one the corners beside a heat map of all of it."""
    grid = grid_of(block.array)
    caption = named(block) + (f" {prose(block.note)}" if block.note else "")
    inside = matrix(block, grid)
    if not grid.whole:
        inside = f'<div class="row">{_heat_map(block, picture)}{inside}</div>'
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


def _heat_map(block: Numbers, picture: Shape | None) -> str:
    array = np.asarray(block.array, np.float64)
    if picture is not None and array.size == math.prod(picture):  # a row of pixels, or the gradient of one
        array = array.reshape(picture).sum(axis=2) if len(picture) == 3 else array.reshape(picture)
    rows, columns = laid_out(array).shape
    width, height = drawn_size((rows, columns))
    symbol = block.symbol or block.name.rsplit("/", 1)[-1]
    words = f"Heat map of {symbol}, {rows} by {columns} numbers; full colour is {rounded(extent_of(array))} away from 0"
    return (
        f'<img class="map-img" src="{heat_map(array)}" width="{width}" height="{height}" '
        f'alt="{escape(words)}" title="{escape(words)}">'
    )


def product(block: Product) -> str:
    """Matrices as boxes whose sides grow with the logarithm of their lengths; the lengths that must agree stand out."""
    shapes = [(name, _two(shape)) for name, shape in (*block.factors, block.result)]
    top = 34.0
    height = max(_side(shape[0]) for _, shape in shapes)
    x, drawn, last = 14.0 + 7.0 * len(f"{shapes[0][1][0]:,}"), [], len(shapes) - 1
    for i, (name, (rows, columns)) in enumerate(shapes):
        wide, tall = _side(columns), _side(rows)
        y = top + (height - tall) / 2
        inner_left, inner_top = ("size inner" if agrees else "size" for agrees in (0 < i < last, i < last - 1))
        made = ' class="made"' if i == last else ""
        drawn.append(
            f'<rect{made} x="{x:.0f}" y="{y:.0f}" width="{wide:.0f}" height="{tall:.0f}" rx="2"/>'
            f'<text class="{inner_top}" x="{x + wide / 2:.0f}" y="{y - 5:.0f}">{columns:,}</text>'
            f'<text class="{inner_left}" x="{x - 6:.0f}" y="{y + tall / 2 + 4:.0f}" '
            f'style="text-anchor:end">{rows:,}</text>'
            f'<text x="{x + wide / 2:.0f}" y="{top + height + 18:.0f}">{escape(name)}</text>'
        )
        x += wide
        if i < last:
            sign = "=" if i == last - 1 else "·"
            drawn.append(f'<text x="{x + 14:.0f}" y="{top + height / 2 + 5:.0f}" style="font-size:16px">{sign}</text>')
            x += 28 + 7.0 * len(f"{shapes[i + 1][1][0]:,}") + 6
    words = " times ".join(f"{name} {r} by {c}" for name, (r, c) in shapes[:-1])
    name, (rows, columns) = shapes[-1]
    words += f" gives {name} {rows} by {columns}"
    width, tall = x + 30, top + height + 26
    return (
        f'<div class="product"><svg role="img" aria-label="{escape(words)}" width="{width:.0f}" height="{tall:.0f}" '
        f'viewBox="0 0 {width:.0f} {tall:.0f}">{"".join(drawn)}</svg></div>'
    )


def _two(shape: Shape) -> tuple[int, int]:
    if len(shape) == 0:
        return 1, 1
    return (1, shape[0]) if len(shape) == 1 else (math.prod(shape[:-1]), shape[-1])


def _side(length: int) -> float:
    return 16.0 + 8.0 * math.log2(max(length, 1))


def image_product(block: ImageProduct, hide: Callable[[str, str], str]) -> str:
    """The input, the weights laid out like it, and their product entry by entry, as three pictures."""
    image = np.asarray(block.image, np.float64)
    height, width = image.shape[:2]
    neuron, _, words = block.neuron.partition(": ")
    pictures = [
        ("", data_uri(brightness(image)), "the input", f"{height} by {width} pixels"),
        (" signed", _signed(block.weights), f"the weights of {neuron}", "vermilion above 0, blue below"),
        (" signed", _signed(block.product), "their product, entry by entry", "what speaks for the neuron, and against it"),
    ]
    side = 176 / max(height, width)
    drawn = [
        f'<figure class="picture{kind}"><img src="{source}" width="{round(side * width)}" height="{round(side * height)}" '
        f'alt="Picture of {escape(title)}: {text}"><figcaption>{escape(title)}</figcaption></figure>'
        for kind, source, title, text in pictures
    ]
    number = f'<b data-name="{escape(block.name)}/total" data-value="{float(block.total)!r}">{rounded(block.total)}</b>'
    words = words or f"the sum of the product is {rounded(block.total)}; the bias comes on top of it"
    sentence = prose(words[0].upper() + words[1:] + ".").replace(rounded(block.total), number, 1)
    return (
        f'<div class="pictures">{drawn[0]}<span class="sign">·</span>{drawn[1]}<span class="sign">=</span>{drawn[2]}</div>'
        f"{hide('the sum of the product', f'<p>{sentence}</p>')}"
    )


def _signed(values: object) -> str:
    array = np.asarray(values, np.float64)
    if array.ndim == 3:  # colours: what the three channels weigh together
        array = array.sum(axis=2)
    return signed_picture(array)


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
