"""Words and formulas as pieces of HTML, before they become blocks."""

from __future__ import annotations

import re
from html import escape

import numpy as np

from .cells import shape_text
from .document import Numbers
from .formula import RELATIONS, SIGNS, Formula, Operator, Row, flat

SHORT = 28
"""Characters of a formula that are not broken, and of a note that stands beside it: they fit on a phone."""


EMPHASIS = re.compile(r"(?<![\w*])\*(\w[^*\n]{0,60}?)\*(?![\w*])")


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
