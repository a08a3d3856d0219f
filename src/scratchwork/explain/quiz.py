"""A document for a learner who computes first: no line gives away what the line above asked for.

Behind `m = 0.1 · 0.4812 = ?` the next line must not read `0.04812 / (1 − 0.9)`. So within a section every number that an
earlier equation asked for is written as the letter that stands for it.
"""

from __future__ import annotations

import re
from dataclasses import replace

from .document import Block, Document, Equation, Prose, Rewritten, Section
from .formula import Bracketed, Formula, Number, Operator, Row, flat
from .notation import mapped
from .rounding import rounded

DIGITS = 3
"""A number with fewer digits that count, such as 0.5 or 2, may as well be a setting: it stays."""


def quizzed(document: Document) -> Document:
    """The document with letters for the numbers that it asks for, in the section in which it does."""
    return replace(document, sections=tuple(_section(section) for section in document.sections))


def _section(section: Section) -> Section:
    known: dict[str, Formula] = {}
    blocks: list[Block] = []
    for block in section.blocks:
        blocks.append(_asked(block, known))
        if isinstance(block, Equation) and isinstance(block.result, Number):
            written, left = rounded(block.result.value), _left(block.with_numbers) or _left(block.general)
            read = _read_in(block.with_numbers)
            secret = telling(written) and written not in read and (read or block.general is not None)  # no db = dy
            if left is not None and secret:
                known.setdefault(written, left)
    return replace(section, blocks=tuple(blocks))


def _asked(block: Block, known: dict[str, Formula]) -> Block:
    if isinstance(block, Equation):
        return replace(block, with_numbers=_lettered(block.with_numbers, known), note=_blanked(block.note, known))
    if isinstance(block, Rewritten):
        here = tuple(replace(e, with_numbers=_lettered(e.with_numbers, known)) for e in block.here)
        return replace(block, here=here, fails=_blanked(block.fails, known))
    if isinstance(block, Prose) and block.role == "given":
        return replace(block, text=_blanked(block.text, known))
    return block


def _lettered(formula: Formula | None, known: dict[str, Formula]) -> Formula | None:
    if formula is None or not known:
        return formula

    def letter(part: Formula) -> Formula | None:
        number = part.inside if isinstance(part, Bracketed) else part  # a letter needs no brackets around its sign
        return known.get(rounded(number.value)) if isinstance(number, Number) else None

    return mapped(formula, letter)


def _blanked(text: str, known: dict[str, Formula]) -> str:
    for written in known:
        text = re.sub(rf"(?<![\d.]){re.escape(written)}(?![\d×])", "?", text)
    return text


def _read_in(formula: Formula | None) -> set[str]:
    """The numbers that a question shows: one that is its own answer, as in 1 · 0.068, hides nothing."""
    found: set[str] = set()

    def note(part: Formula) -> Formula | None:
        if isinstance(part, Number):
            found.add(rounded(part.value))
        return None

    if formula is not None:
        mapped(formula, note)
    return found


def _left(formula: Formula | None) -> Formula | None:
    """What stands before the first equals sign: one letter with its indices."""
    parts = list(flat(formula.parts)) if isinstance(formula, Row) else []
    if len(parts) > 1 and isinstance(parts[1], Operator) and parts[1].sign in ("=", "←"):
        return parts[0]
    return None


def telling(written: str) -> bool:
    """Whether a number is written with enough digits to be known again.

    >>> telling("0.04812"), telling("0.5"), telling("−12")
    (True, False, False)
    """
    mantissa = written.lstrip("−").partition("×")[0].replace(".", "").lstrip("0")
    return len(mantissa.rstrip("0")) >= DIGITS
