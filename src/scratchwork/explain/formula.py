"""Formulas as small trees: the same one becomes MathML on a page and plain Unicode in a terminal.

A tree is made of frozen nodes. `node.mathml()` is presentation MathML without the enclosing `<math>` element, in which
every number carries its full precision in `data-value`. `node.text(width)` is plain text: one line, or several where a
matrix stands in it or the line would be longer than `width`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

from .boxes import Box, beside, fenced, joined, translated
from .rounding import SUBSCRIPTS, SUPERSCRIPTS, paddings_of, rounded

RELATIONS = frozenset("=≈≔←≤≥<>→∈≠")
SIGNS = frozenset("+−")
FACTORS = frozenset("·⊙")
HATS = {"\u0302": "^", "\u0303": "~", "\u0304": "¯"}
"""Combining marks, which MathML sets above a letter."""
TIMES = "\u2062"
"""The invisible sign of a product whose factors stand side by side."""


class Formula:
    """A node of a formula; final kinds below."""

    def mathml(self) -> str:
        """Presentation MathML, to be put inside a `<math>` element."""
        raise TypeError(f"{type(self).__name__} has no MathML")

    def box(self) -> Box:
        """The same as lines of text."""
        raise TypeError(f"{type(self).__name__} has no text")

    def text(self, width: int = 0) -> str:
        """Plain Unicode; with a `width`, lines longer than it are broken before a relation or a sign."""
        return "\n".join(line.rstrip() for line in self.box().lines)


Part: TypeAlias = "Formula | str | float | int"


@dataclass(frozen=True)
class Number(Formula):
    """A number: four digits to read, all of them in `data-value`."""

    value: float
    shown: str = ""

    def mathml(self) -> str:
        written, value = self.shown or rounded(self.value), repr(float(self.value))
        sign, body = ("<mo>−</mo>", written[1:]) if written.startswith("−") else ("", written)
        digits, _, exponent = body.partition("×10")
        inside = f"<mn>{digits}</mn>"
        if exponent:
            power = rounded(float(exponent.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-"))))
            inside += f"<mo>×</mo><msup><mn>10</mn><mn>{power}</mn></msup>"
        return f'<mrow data-value="{value}">{sign}{inside}</mrow>'

    def box(self) -> Box:
        return Box((self.shown or rounded(self.value),))


@dataclass(frozen=True)
class Symbol(Formula):
    """A name: one letter stands italic, several upright; `bold` for vectors and matrices."""

    name: str
    bold: bool = False

    def mathml(self) -> str:
        if len(self.name) > 1 and self.name[0] in "∂d" and (len(self.name) == 2 or self.name[2] in HATS or self.name == "∂ℓ"):
            rest = Symbol(self.name[1:], self.bold).mathml()  # a differential: its letter upright, what follows as alone
            return f'<mrow><mi mathvariant="normal">{self.name[0]}</mi>{rest}</mrow>'
        if len(self.name) == 2 and self.name[1] in HATS:
            return f'<mover accent="true"><mi>{self.name[0]}</mi><mo>{HATS[self.name[1]]}</mo></mover>'
        upright = ' mathvariant="normal"' if len(self.name) == 1 and self.name in "∞∂" else ""
        style = ' class="bold"' if self.bold else ""
        return f"<mi{upright}{style}>{escape(self.name)}</mi>"

    def box(self) -> Box:
        return Box((self.name,))


@dataclass(frozen=True)
class Operator(Formula):
    """A sign between two parts: =, +, −, ·, ⊙, … (spaced by its kind); one that is `prefix` stands close to what follows."""

    sign: str
    prefix: bool = False

    def mathml(self) -> str:
        form = ' form="prefix"' if self.prefix else ""
        return f"<mo{form}>{escape(self.sign)}</mo>"

    def box(self) -> Box:
        if self.sign == TIMES:
            return Box((" ",))
        return Box((f"{self.sign} " if self.sign in (",", ";") else self.sign if self.prefix else f" {self.sign} ",))


@dataclass(frozen=True)
class Words(Formula):
    """Words inside a formula, such as "if" or "otherwise"."""

    words: str

    def mathml(self) -> str:
        kept = self.words.replace(" ", "\u00a0")  # MathML takes plain spaces at an end away
        return f"<mtext>{escape(kept)}</mtext>"

    def box(self) -> Box:
        return Box((self.words,))


@dataclass(frozen=True)
class Row(Formula):
    """Parts side by side."""

    parts: tuple[Formula, ...]

    def mathml(self) -> str:
        return "<mrow>" + "".join(part.mathml() for part in self.parts) + "</mrow>"

    def box(self) -> Box:
        return beside([part.box() for part in self.parts])

    def text(self, width: int = 0) -> str:
        whole = self.box()
        if not width or whole.width <= width:
            return "\n".join(line.rstrip() for line in whole.lines)
        for before in (RELATIONS, RELATIONS | SIGNS, RELATIONS | SIGNS | FACTORS):
            lines = self._broken(width, before)
            if all(len(line) <= width for line in lines):
                break
        return "\n".join(lines)

    def _broken(self, width: int, before: frozenset[str]) -> list[str]:
        """The lines of groups that begin with a sign of `before`, as many in a line as fit."""
        groups: list[list[Box]] = [[]]
        for part in flat(self.parts):
            if isinstance(part, Operator) and part.sign in before and groups[-1]:
                groups.append([])
            groups[-1].append(part.box())
        lines: list[str] = []
        current = beside(groups[0])
        for group in groups[1:]:
            new = beside(group)
            if current.width + new.width <= width:
                current = beside([current, new])
            else:
                lines += current.lines
                current = beside([Box(("    ",)), new])
        lines += current.lines
        return [line.rstrip() for line in lines]


def flat(parts: Iterable[Formula]) -> Iterable[Formula]:
    """Parts without the rows around them."""
    for part in parts:
        if isinstance(part, Row):
            yield from flat(part.parts)
        else:
            yield part


@dataclass(frozen=True)
class Fraction(Formula):
    """One part above another, with a bar between."""

    above: Formula
    below: Formula

    def mathml(self) -> str:
        return f"<mfrac>{self.above.mathml()}{self.below.mathml()}</mfrac>"

    def box(self) -> Box:
        return beside([_closed(self.above), Box((" / ",)), _closed(self.below)])


@dataclass(frozen=True)
class Power(Formula):
    """A base with an exponent, or with any other superscript."""

    base: Formula
    exponent: Formula

    def mathml(self) -> str:
        return f"<msup>{self.base.mathml()}{self.exponent.mathml()}</msup>"

    def box(self) -> Box:
        base, exponent = _closed(self.base), self.exponent.box()
        raised = translated(exponent, SUPERSCRIPTS)
        return beside([base, raised or beside([Box(("^",)), _closed(self.exponent)])])


@dataclass(frozen=True)
class Sub(Formula):
    """A base with an index."""

    base: Formula
    index: Formula

    def mathml(self) -> str:
        return f"<msub>{self.base.mathml()}{self.index.mathml()}</msub>"

    def box(self) -> Box:
        index = Box((self.index.box().lines[0].replace(" ", ""),))
        plain = Box((f"[{index.lines[0]}]",)) if "," in index.lines[0] else beside([Box(("_",)), index])
        return beside([self.base.box(), translated(index, SUBSCRIPTS) or plain])


@dataclass(frozen=True)
class Call(Formula):
    """A function of something: exp(x)."""

    function: Formula
    inside: Formula

    def mathml(self) -> str:
        return f"<mrow>{self.function.mathml()}<mo>&#x2061;</mo><mo>(</mo>{self.inside.mathml()}<mo>)</mo></mrow>"

    def box(self) -> Box:
        return beside([self.function.box(), fenced(self.inside.box(), "(", ")")])


@dataclass(frozen=True)
class Root(Formula):
    """A square root."""

    inside: Formula

    def mathml(self) -> str:
        return f"<msqrt>{self.inside.mathml()}</msqrt>"

    def box(self) -> Box:
        return beside([Box(("√",)), _closed(self.inside)])


@dataclass(frozen=True)
class Big(Formula):
    """A large operator with what runs below it (and above): Σ, Π, max."""

    sign: str
    below: Formula
    above: Formula | None = None

    def mathml(self) -> str:
        sign = f"<mi>{self.sign}</mi>" if self.sign.isalpha() and self.sign.isascii() else f"<mo>{escape(self.sign)}</mo>"
        if self.above is None:
            return f"<munder>{sign}{self.below.mathml()}</munder>"
        return f"<munderover>{sign}{self.below.mathml()}{self.above.mathml()}</munderover>"

    def box(self) -> Box:
        index = self.below.box()
        return beside([Box((self.sign,)), translated(index, SUBSCRIPTS) or beside([Box(("_",)), index]), Box((" ",))])


@dataclass(frozen=True)
class Bracketed(Formula):
    """A part in round brackets, or in others."""

    inside: Formula
    left: str = "("
    right: str = ")"

    def mathml(self) -> str:
        return f"<mrow><mo>{escape(self.left)}</mo>{self.inside.mathml()}<mo>{escape(self.right)}</mo></mrow>"

    def box(self) -> Box:
        return fenced(self.inside.box(), self.left, self.right)


@dataclass(frozen=True)
class Matrix(Formula):
    """Rows of parts in square brackets; an elided matrix has … where rows or columns were left out."""

    rows: tuple[tuple[Formula, ...], ...]

    def mathml(self) -> str:
        paddings = self._paddings()
        body = "".join(
            "<mtr>" + "".join(f"<mtd>{_padded(c.mathml(), p)}</mtd>" for c, p in zip(row, pad, strict=True)) + "</mtr>"
            for row, pad in zip(self.rows, paddings, strict=True)
        )
        return f"<mrow><mo>[</mo><mtable>{body}</mtable><mo>]</mo></mrow>"

    def _paddings(self) -> list[tuple[str, ...]]:
        """What each cell lacks on the right, so that the decimal points of a column stand below each other."""
        columns = zip(*[[cell.box().lines[0] for cell in row] for row in self.rows], strict=True)
        return list(zip(*map(paddings_of, columns), strict=True)) or [() for _ in self.rows]

    def box(self) -> Box:
        cells = [
            [cell.box().lines[0] + " " * len(p) for cell, p in zip(row, pad, strict=True)]
            for row, pad in zip(self.rows, self._paddings(), strict=True)
        ]
        widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))] if cells else []
        lines = tuple("  ".join(f"{cell:>{widths[i]}}" for i, cell in enumerate(row)) for row in cells)
        return fenced(Box(lines or ("",), (len(lines) - 1) // 2 if lines else 0), "[", "]")


@dataclass(frozen=True)
class Cases(Formula):
    """A value by cases: rows of (value, condition)."""

    rows: tuple[tuple[Formula, Formula], ...]

    def mathml(self) -> str:
        body = "".join(f"<mtr><mtd>{a.mathml()}</mtd><mtd>{b.mathml()}</mtd></mtr>" for a, b in self.rows)
        return f'<mrow><mo>{{</mo><mtable columnalign="left left">{body}</mtable></mrow>'

    def box(self) -> Box:
        return beside([Box(("{ ",)), *joined([beside([a.box(), Box(("  ",)), b.box()]) for a, b in self.rows], "; ")])


def _padded(number: str, padding: str) -> str:
    return f"<mrow>{number}<mphantom><mn>{padding}</mn></mphantom></mrow>" if padding else number


def _closed(part: Formula) -> Box:
    """The box of a part, in brackets where it is more than one thing."""
    simple = isinstance(part, Number | Symbol | Sub | Bracketed | Matrix | Root | Call) or len(_made_of(part)) == 1
    if isinstance(part, Number) and ("×" in part.box().lines[0] or part.value < 0):
        simple = False
    return part.box() if simple else fenced(part.box(), "(", ")")


def _made_of(part: Formula) -> tuple[Formula, ...]:
    return part.parts if isinstance(part, Row) else (part, part) if isinstance(part, Fraction | Cases) else (part,)
