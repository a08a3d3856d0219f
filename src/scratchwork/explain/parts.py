"""What the pages of layers, losses and optimizers are made of: which entries are worked out, and long sums cut short."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays import Array, Shape
from .document import Equation, Numbers
from .formula import Bracketed, Formula, Number, Operator, Row, Symbol, Words
from .notation import Value, as_formula, entry, put_in, row
from .trace import Step

WORKED = 4
"""How many entries of an array are worked out one by one."""
TERMS = 6
"""The longest sum that is written out whole."""
SPELLED = 3
"""How many terms of a longer one are: the largest."""


@dataclass(frozen=True)
class Context:
    """What all sections of a walkthrough share.

    dtype      in which the network itself computes
    neuron     (path of a layer, index) that the reader asked for
    columns    names of the entries of the first layer's x, where they have some
    outputs    names of the last layer's y
    """

    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.float32))
    neuron: tuple[str, int] | None = None
    columns: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    alone: bool = True
    rows: int = 1

    def wanted(self, step: Step) -> int | None:
        """The neuron of this layer that the reader asked for."""
        return self.neuron[1] if self.neuron is not None and self.neuron[0] == step.path else None


def chosen(shape: Shape, first: int | None = None, most: int = WORKED) -> list[tuple[int, ...]]:
    """The places of an array that are worked out: all of few, else the one that was asked for and the first ones."""
    size = int(np.prod(shape))
    order = list(range(size)) if size <= most else list(range(most - 1))
    if first is not None and first < size and size > most:
        order = [first, *(i for i in order if i != first)][:most]
    return [tuple(int(k) for k in np.unravel_index(i, shape)) if shape else () for i in order]


def shown(
    path: str, what: str, array: Array, symbol: str, *, result: bool = False, note: str = "", columns: Sequence[str] = ()
) -> Numbers:
    """An array under the name `path/what`; `columns` name its entries where there is a name for each."""
    kept = np.array(array, np.float64)
    names = tuple(columns) if kept.ndim == 1 and len(columns) == kept.size else ()
    return Numbers(f"{path}/{what}", kept, "result" if result else "given", note, symbol, names)


def worked(
    name: str, place: Sequence[int], right: Formula | str, values: Mapping[str, Value], result: float, note: str = ""
) -> Equation:
    """name_place = right with its numbers put in = result."""
    made = as_formula(right)
    if isinstance(made, Symbol):  # y = x needs no number: it is the result
        made = entry(made.name, place)
    return Equation(None, row(entry(name, place), "=", put_in(made, values)), Number(float(result)), note)


def summed(pairs: Iterable[tuple[float, float]], last: float | None = None) -> Formula:
    """a₁ · b₁ + a₂ · b₂ + …, and `last` where there is one; of many terms the largest, and what the others come to."""
    terms = [(float(a), float(b)) for a, b in pairs]
    spelled = terms
    if len(terms) > TERMS:
        size = [abs(a * b) for a, b in terms]
        largest = sorted(sorted(range(len(terms)), key=lambda i: -size[i])[:SPELLED])
        spelled = [terms[i] for i in largest]
    parts: list[Value] = []
    for a, b in spelled:
        parts += [*(["+"] if parts else []), row(a, "·", b)]
    if len(spelled) < len(terms):
        rest = [a * b for i, (a, b) in enumerate(terms) if i not in largest]
        parts += ["+", others(len(rest), sum(rest))]
    if last is not None:
        parts += ["+", last]
    return flat_row(*parts)


def plain_sum(numbers: Iterable[float]) -> Formula:
    """a₁ + a₂ + …; of many terms the largest, and what the others come to."""
    terms = [float(number) for number in numbers]
    if len(terms) <= TERMS:
        return flat_row(*between(terms))
    size = [abs(term) for term in terms]
    largest = sorted(sorted(range(len(terms)), key=lambda i: -size[i])[:SPELLED])
    rest = [float(term) for i, term in enumerate(terms) if i not in largest]
    return flat_row(*between([terms[i] for i in largest]), "+", others(len(rest), sum(rest)))


def squares_of(numbers: Iterable[float]) -> Formula:
    """a₁² + a₂² + …; of many terms the largest, and what the others come to."""
    terms = [float(number) for number in numbers]
    if len(terms) > TERMS:
        return plain_sum(term * term for term in terms)
    return flat_row(*between([put_in("a^2", {"a": term}) for term in terms]))


def between(terms: Iterable[Value], sign: str = "+") -> list[Value]:
    """Terms with a sign between them."""
    parts: list[Value] = []
    for term in terms:
        parts += [*([sign] if parts else []), term if isinstance(term, Formula | str) else float(term)]
    return parts


def others(count: int, total: float) -> Formula:
    """What the terms that were left out come to: (781 more: 0.12)."""
    return Bracketed(Row((Words(f"{count:,} more: "), Number(float(total)))))


def flat_row(*parts: Value) -> Formula:
    """A row without rows inside, so that it can be broken at every sign."""
    made: list[Formula] = []
    for part in parts:
        formula = Operator(part) if isinstance(part, str) and part in ("+", "−", "·", "=", ",") else as_formula(part)
        made += formula.parts if isinstance(formula, Row) else [formula]
    return row(*made)


def first_sentence(thing: Any) -> str:
    """What a docstring's first line says; "" where there is none of its own."""
    text = (type(thing).__doc__ or "").strip()
    return text.splitlines()[0] if text else ""


def shape_text(shape: Sequence[int]) -> str:
    """3 × 4, or "one number"."""
    return " × ".join(f"{n:,}" for n in shape) if shape else "one number"
