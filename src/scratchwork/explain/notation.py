"""Formulas as one writes them in a docstring, read into trees, and numbers put in for their letters.

>>> read("y = 1 / (1 + exp(−x))").text()
'y = 1 / (1 + exp(−x))'
>>> put_in(read("y = 1 / (1 + exp(−x))"), {"x": -0.5, "y": "y₀"}).text()
'y₀ = 1 / (1 + exp(−(−0.5)))'

Side by side means a product; a quotient takes the one thing before the bar and the one after it, so that longer ones stand in
brackets (which the bar then replaces); braces group without being seen: `x_{n,i}`, `{a + b} / c`. Words stand in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from ..arrays import Array
from .formula import (
    RELATIONS,
    TIMES,
    Big,
    Bracketed,
    Call,
    Cases,
    Formula,
    Fraction,
    Matrix,
    Number,
    Operator,
    Power,
    Root,
    Row,
    Sub,
    Symbol,
    Words,
)
from .rounding import SUBSCRIPTS, SUPERSCRIPTS

Value: TypeAlias = "float | str | Formula"

_LOWERED = {chr(value) if isinstance(value, int) else value: chr(key) for key, value in SUBSCRIPTS.items()}
_RAISED = {chr(value) if isinstance(value, int) else value: chr(key) for key, value in SUPERSCRIPTS.items()}
_LOWERED["₋"] = _RAISED["⁻"] = "−"
_TOKEN = re.compile(
    r"\s*(?:"
    r'(?P<words>"[^"]*")'
    r"|(?P<number>\d+(?:\.\d+)?(?:e-?\d+)?|½)"
    r"|(?P<name>log1p|expm1|(?![ΣΠ])∂?[A-Za-zΑ-Ωα-ωϕℓ∇][A-Za-zΑ-Ωα-ω]*[\u0302\u0303\u0304']*|∞)"
    rf"|(?P<lowered>[{''.join(_LOWERED)}]+)"
    rf"|(?P<raised>[{''.join(_RAISED)}]+)"
    r"|(?P<sign>\S)"
    r")"
)
_OPEN = {"(": ")", "[": "]", "{": "}", "|": "|", "‖": "‖", "⌊": "⌋"}
_BIG = ("Σ", "Π")


@lru_cache(maxsize=1024)
def read(text: str) -> Formula:
    """The formula that `text` writes down."""
    tokens = [(match.lastgroup or "", match.group(match.lastgroup or 0)) for match in _TOKEN.finditer(text.strip())]
    reader = _Reader(text, tokens)
    formula = reader.sequence(())
    if reader.at < len(tokens):
        raise ValueError(f"{text!r} has an unexpected {tokens[reader.at][1]!r}")
    return formula


class _Reader:
    """Recursive descent over the tokens of one formula."""

    def __init__(self, text: str, tokens: list[tuple[str, str]]) -> None:
        self.text, self.tokens, self.at = text, tokens, 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("", "")

    def take(self) -> tuple[str, str]:
        token = self.peek()
        self.at += 1
        return token

    def sequence(self, ends: Sequence[str]) -> Formula:
        """Everything up to one of `ends`, which is taken too."""
        parts: list[Formula] = []
        while self.at < len(self.tokens):
            kind, sign = self.peek()
            if kind == "sign" and (sign in ends or sign in ")]}"):
                break
            if kind == "sign" and sign == "/":
                self.take()
                below = self.unit()
                if isinstance(below, Big):  # a sum takes what it sums along
                    below = Row((below, self.unit()))
                parts[-1] = Fraction(_bare(parts[-1]), _bare(below))
            elif kind == "sign" and sign not in _OPEN and sign not in ("√", *_BIG):
                self.take()
                first = not parts or isinstance(parts[-1], Operator)
                parts.append(Operator("−" if sign == "-" else sign, prefix=first and sign in "−-+"))
            else:
                if parts and not isinstance(parts[-1], Operator | Big):
                    parts.append(Operator(TIMES))
                parts.append(self.unit())
        if ends and self.take()[1] not in ends:
            raise ValueError(f"{self.text!r} has a bracket without its end")
        if not parts:
            raise ValueError(f"{self.text!r} has nothing where a formula belongs")
        return parts[0] if len(parts) == 1 else Row(tuple(parts))

    def unit(self) -> Formula:
        """One thing with its indices and exponents."""
        formula = self.primary()
        while True:
            kind, sign = self.peek()
            if kind == "lowered":
                self.take()
                formula = _indexed(formula, read(" ".join(_LOWERED[letter] for letter in sign)))
            elif kind == "raised":
                self.take()
                formula = Power(formula, _exponent("".join(_RAISED[letter] for letter in sign)))
            elif kind == "sign" and sign in "_^":
                self.take()
                part = self.primary()
                formula = _indexed(formula, part) if sign == "_" else Power(formula, part)
            elif kind == "sign" and sign == "(" and isinstance(formula, Symbol | Sub | Power) and self._called(formula):
                self.take()
                formula = Call(formula, self.sequence((")",)))
            else:
                return formula

    def _called(self, formula: Formula) -> bool:
        """Whether a bracket after this name is that of a function: where the name is known as one."""
        name = formula
        while isinstance(name, Sub | Power):
            name = name.base
        return isinstance(name, Symbol) and name.name in FUNCTIONS

    def primary(self) -> Formula:
        kind, text = self.take()
        if kind == "number":
            return Number(0.5 if text == "½" else float(text), text)
        if kind == "name":
            return Symbol(text)
        if kind == "words":
            return Words(text[1:-1])
        if text == "√":
            return Root(_bare(self.unit()))
        if text in _BIG:
            below: Formula = Words("")
            if self.peek()[0] == "lowered" or self.peek()[1] == "_":
                lowered = self.take()
                below = self.primary() if lowered[1] == "_" else read(" ".join(_LOWERED[x] for x in lowered[1]))
            return Big(text, below)
        if text in _OPEN:
            inside = self.sequence((_OPEN[text],))
            return inside if text == "{" else Bracketed(inside, text, _OPEN[text])
        raise ValueError(f"{self.text!r} has an unexpected {text or 'end'!r}")


FUNCTIONS = frozenset(("exp", "expm1", "log", "log1p", "tanh", "max", "min", "sign", "erf", "clip", "σ", "Φ", "φ", "softplus",
                       "softmax", "g", "h", "mean", "U", "N", "Var", "f", "Bernoulli", "R"))  # fmt: skip


def _exponent(text: str) -> Formula:
    return Symbol("T") if text == "T" else read(text)


def _indexed(formula: Formula, index: Formula) -> Formula:
    if isinstance(formula, Big):
        return replace(formula, below=index)
    if isinstance(index, Row):  # indices side by side, such as i j, are no product
        index = Row(tuple(part for part in index.parts if part != Operator(TIMES)))
    return Sub(formula, index)


def _bare(part: Formula) -> Formula:
    """Without the round brackets that a bar or a root makes needless."""
    return part.inside if isinstance(part, Bracketed) and part.left == "(" else part


# -- putting in ------------------------------------------------------------------------------------------------------


def as_formula(value: Value) -> Formula:
    """A number, a text to be read, or a formula, as a formula."""
    if isinstance(value, Formula):
        return value
    return read(value) if isinstance(value, str) else Number(float(value))


def mapped(formula: Formula, change: Callable[[Formula], Formula | None]) -> Formula:
    """The tree with every node replaced for which `change` gives another; below a replaced node nothing is looked at."""
    new = change(formula)
    if new is not None:
        return new
    parts: dict[str, Any] = {}
    for field in fields(formula):  # type: ignore[arg-type]
        value = getattr(formula, field.name)
        parts[field.name] = _mapped_value(value, change)
    return _tidied(replace(formula, **parts))  # type: ignore[type-var]


def _mapped_value(value: Any, change: Callable[[Formula], Formula | None]) -> Any:
    if isinstance(value, Formula):
        return mapped(value, change)
    if isinstance(value, tuple):
        return tuple(_mapped_value(entry, change) for entry in value)
    return value


def put_in(formula: Formula | str, values: Mapping[str, Value]) -> Formula:
    """`formula` with other parts for its letters: numbers get brackets where they need them, and products a visible sign."""
    table = {read(name): as_formula(value) for name, value in values.items()}

    def change(part: Formula) -> Formula | None:
        whole = isinstance(part, Sub) or (isinstance(part, Power) and part.exponent == Symbol("T"))
        return table.get(part, part if whole else None)  # x in x_i is no x

    return mapped(as_formula(formula), change)


def _tidied(formula: Formula) -> Formula:
    """Brackets around negative numbers after a sign or under an exponent, and dots between numbers."""
    if isinstance(formula, Power) and (_needs_brackets(formula.base) or "×" in _first_line(formula.base)):
        return replace(formula, base=Bracketed(formula.base))
    if not isinstance(formula, Row):
        return formula
    parts: list[Formula] = []
    for i, part in enumerate(formula.parts):
        before = formula.parts[i - 1] if i else None
        after = formula.parts[i + 1] if i + 1 < len(formula.parts) else None
        if part == Operator(TIMES) and (_ends_with_number(before) or isinstance(after, Number | Bracketed)):
            part = Operator("·")
        freely = before is None or (isinstance(before, Operator) and before.sign in RELATIONS | {",", ";"})
        freely = freely or (isinstance(before, Words) and before.words.endswith(": "))
        if _needs_brackets(part) and not freely:
            part = Bracketed(part)
        parts.append(part)
    return Row(tuple(parts))


def _ends_with_number(part: Formula | None) -> bool:
    return isinstance(part, Number) or (isinstance(part, Bracketed) and isinstance(part.inside, Number))


def _needs_brackets(part: Formula) -> bool:
    if isinstance(part, Number):
        return part.value < 0 or (part.value == 0 and part.box().lines[0].startswith("−"))
    return False


def _first_line(part: Formula) -> str:
    return part.box().lines[0] if isinstance(part, Number) else ""


# -- arrays ----------------------------------------------------------------------------------------------------------


def matrix(array: Array, most: int = 4) -> Matrix:
    """An array as a matrix (a vector as one row), with … for what lies between the first and last of many."""
    table = np.asarray(array, dtype=np.float64)
    table = table.reshape(1, -1) if table.ndim < 2 else table.reshape(-1, table.shape[-1])
    rows, columns = (_places(length, most) for length in table.shape)
    return Matrix(tuple(tuple(_cell(table, i, j) for j in columns) for i in rows))


def _places(length: int, most: int) -> list[int | None]:
    return list(range(length)) if length <= most else [0, 1, None, length - 1]


def _cell(table: Array, i: int | None, j: int | None) -> Formula:
    if i is not None and j is not None:
        return Number(float(table[i, j]))
    return Words("⋱" if i is None and j is None else "⋮" if i is None else "⋯")


def cases(name: str, *rows: tuple[str, str]) -> Formula:
    """`name` = value by value, each under its condition; the last condition may be empty, for "otherwise".

    >>> cases("y", ("x", "x > 0"), ("α x", "")).text()
    'y = { x  if x > 0; α x  otherwise'
    """
    made = tuple((read(value), row(Words("if "), read(when)) if when else Words("otherwise")) for value, when in rows)
    return Row((read(name), Operator("="), Cases(made)))


def index_text(place: Sequence[int]) -> str:
    """Indices as they stand below a letter: 3, or 3,1."""
    return ",".join(map(str, place))


def entry(name: str, place: Sequence[int]) -> Formula:
    """A letter with the indices of one entry; the letter alone where there are none."""
    return Sub(read(name), Words(index_text(place))) if place else read(name)


def row(*parts: Value) -> Formula:
    """Parts side by side; texts are read, except for single signs."""
    made = [Operator(part) if isinstance(part, str) and part in _SIGNS else as_formula(part) for part in parts]
    return _tidied(Row(tuple(made)))


_SIGNS = frozenset("=≈+−·⊙←→,…×") | {TIMES}
