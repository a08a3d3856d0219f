"""What a walkthrough consists of, apart from how it looks: a title and sections of blocks.

Every array that is shown has a stable name such as `forward/1/y`, `backward/0/weight.grad` or `update/0/weight/m`, so that
a reader (and a test) finds its numbers again on the page. What has the role "result" is what a quiz hides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from ..arrays import Array, Shape
from .formula import Formula

Role: TypeAlias = Literal["given", "result"]
Kind: TypeAlias = Literal["input", "forward", "loss", "backward", "update", "subject", "example", "check"]
WHOLE = 8
"""The most rows and columns of an array that is shown whole."""
CORNER = 3
"""How many rows and columns are shown in each corner of a larger one."""


@dataclass(frozen=True)
class Prose:
    """A paragraph of plain text; `role` "result" where it tells a number that a quiz hides."""

    text: str
    role: Role = "given"


@dataclass(frozen=True)
class Equation:
    """An equation in general, then with this row's numbers put in, then what comes out (hidden by a quiz)."""

    general: Formula | None
    with_numbers: Formula | None = None
    result: Formula | None = None
    note: str = ""


@dataclass(frozen=True)
class Numbers:
    """An array to show under its name: small ones whole, larger ones as a heat map with the numbers of the corners.

    `symbol` is what the equations call it. `columns` and `rows` name the entries, where they have names (one for each
    or none at all).
    """

    name: str
    array: Array
    role: Role = "given"
    note: str = ""
    symbol: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Product:
    """A product with the shapes of its factors and of its result, to be drawn as boxes."""

    factors: tuple[tuple[str, Shape], ...]
    result: tuple[str, Shape]


@dataclass(frozen=True)
class Quoted:
    """Lines of source that ran. `file` is short: from the package's name on, or the file's own name.

    `numbers` are the numbers of the lines in the file: branches that were not taken, and docstrings, are left out, so that
    there may be gaps. Where it is empty the lines follow each other from `first_line` on.
    """

    file: str
    function: str
    first_line: int
    lines: tuple[str, ...]
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Rewritten:
    """A formula that is computed another way than it is written down, and where the first way would have failed.

    `here` are both ways with numbers (of this row, or of the one at which the naive way fails); `fails` is the sentence
    that tells the number at which it fails and what would have come out.
    """

    naive: Formula
    stable: Formula
    fails: str
    here: tuple[Equation, ...] = ()


@dataclass(frozen=True)
class ImageProduct:
    """Three pictures: the input image, the weights of one neuron laid out like it, and their product, entry by entry.

    Each is (H, W) or (H, W, 3); `neuron` says which one it is, `total` is the sum of the product.
    """

    name: str
    image: Array
    weights: Array
    product: Array
    neuron: str
    total: float


@dataclass(frozen=True)
class Table:
    """A small table: cells are words or numbers. The columns in `hidden` are results, which a quiz hides."""

    name: str
    head: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]
    caption: str = ""
    hidden: tuple[int, ...] = ()


Block: TypeAlias = Prose | Equation | Numbers | Product | Quoted | Rewritten | ImageProduct | Table


@dataclass(frozen=True)
class Section:
    """A step: its heading, the anchor that links lead to, what kind of step it is, and its blocks."""

    title: str
    anchor: str
    kind: Kind
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """A whole page. `summary` is a sentence or two for the top."""

    title: str
    sections: tuple[Section, ...]
    summary: tuple[Prose, ...] = field(default=())


def laid_out(array: Array) -> Array:
    """The array as rows and columns: a single number is 1 by 1, a vector one row, more axes are folded into the rows."""
    array = np.asarray(array)
    return array.reshape(1, -1) if array.ndim < 2 else array.reshape(-1, array.shape[-1])


def shown_positions(length: int) -> list[int]:
    """Which rows (or columns) of so many have their numbers shown: all of few, the first and last of many.

    >>> shown_positions(3), shown_positions(20)
    ([0, 1, 2], [0, 1, 2, 17, 18, 19])
    """
    if length <= WHOLE:
        return list(range(length))
    return [*range(CORNER), *range(length - CORNER, length)]


def shown_entries(array: Array) -> list[tuple[tuple[int, ...], float]]:
    """(index in the array, value) of each entry whose number is shown, in reading order."""
    array = np.asarray(array)
    table = laid_out(array)
    found = []
    for i in shown_positions(table.shape[0]):
        for j in shown_positions(table.shape[1]):
            place = np.unravel_index(i * table.shape[1] + j, array.shape) if array.ndim else ()
            found.append((tuple(int(k) for k in place), float(table[i, j])))
    return found
