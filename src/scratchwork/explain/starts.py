"""What an initializer draws, shown on a small matrix, and measured on a large one: its spread, and what it does to a signal."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import Array
from ..initializers import Constant, Initializer, Normal, Ones, Orthogonal, Sparse, Uniform, VarianceScaling, Zeros
from .document import Block, Equation, Prose, Section, Table
from .formula import Number
from .notation import put_in, read
from .parts import shown
from .rounding import rounded
from .sources import source_of

SMALL = (4, 3)
LARGE = (300, 200)
DEPTH = 10
WIDTH = 100


def initializer_sections(rule: Initializer, name: str) -> list[Section]:
    """A small matrix, then what is measured on a large one."""
    return [_example(rule, name), _check(rule)]


def _fans(rule: VarianceScaling, shape: tuple[int, int]) -> tuple[str, float]:
    n_in, n_out = shape
    if rule.mode == "fan_in":
        return "n_in", float(n_in)
    return ("n_out", float(n_out)) if rule.mode == "fan_out" else ("(n_in + n_out) / 2", (n_in + n_out) / 2)


def spread_of(rule: Any, shape: tuple[int, int]) -> float | None:
    """The standard deviation that the numbers ought to have; None where there is no such number."""
    if isinstance(rule, VarianceScaling):
        return math.sqrt(rule.scale / _fans(rule, shape)[1])
    if isinstance(rule, Normal):
        return float(rule.std)
    if isinstance(rule, Uniform):
        return float(rule.limit / math.sqrt(3.0))
    if isinstance(rule, Orthogonal):
        return float(rule.gain / math.sqrt(max(shape)))
    if isinstance(rule, Sparse):
        return float(rule.std * math.sqrt(min(rule.inputs, shape[0]) / shape[0]))
    return 0.0 if isinstance(rule, Zeros | Ones | Constant) else None


def _equations(rule: Any, shape: tuple[int, int]) -> list[Block]:
    """The distribution in general, and with the numbers of this shape."""
    if isinstance(rule, VarianceScaling):
        text, n = _fans(rule, shape)
        variance = rule.scale / n
        blocks: list[Block] = [
            Equation(
                read("Var(w) = s / n"), put_in("Var(w) = s / n", {"s": rule.scale, "n": n}), Number(variance), f"n = {text}"
            )
        ]
        if rule.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            right = put_in("a = √(3 · v)", {"v": variance})
            return [*blocks, Equation(read('w "uniform in" [−a, a]')), Equation(read("a = √(3 s / n)"), right, Number(limit))]
        return [*blocks, Equation(read('w "normal, with mean" 0 "and standard deviation" √(s / n)'))]
    if isinstance(rule, Normal):
        return [Equation(read('w "normal, with mean" 0 "and standard deviation" d'), put_in("d = x", {"x": float(rule.std)}))]
    if isinstance(rule, Uniform):
        return [Equation(read('w "uniform in" [−a, a]'), put_in("a = x", {"x": float(rule.limit)}))]
    if isinstance(rule, Orthogonal):
        return [
            Equation(
                read("W^T W = a^2 I"),
                put_in("a = x", {"x": float(rule.gain)}),
                note="where there are no fewer rows than columns",
            )
        ]
    if isinstance(rule, Sparse):
        words = f"Each neuron gets {rule.inputs} inputs by lot, with normal weights; all other weights are 0."
        drawn = read('w "normal, with mean" 0 "and standard deviation" d')
        return [Prose(words), Equation(drawn, put_in("d = x", {"x": float(rule.std)}))]
    value = {"Zeros": 0.0, "Ones": 1.0}.get(type(rule).__name__, getattr(rule, "value", None))
    return [] if value is None else [Equation(read("w = c"), put_in("w = x", {"x": float(value)}))]


def _example(rule: Initializer, name: str) -> Section:
    drawn = rule(SMALL, np.random.default_rng(0), np.float64)
    blocks: list[Block] = [
        Prose(f"The weights of a layer of {SMALL[0]} inputs and {SMALL[1]} neurons, with seed 0:"),
        *_equations(rule, SMALL),
        shown("example", "weight", drawn, "W", result=True, note=f"{name}, shape {SMALL[0]} × {SMALL[1]}"),
        *source_of(type(rule).__call__),
    ]
    return Section("A small matrix", "example", "example", tuple(blocks))


def _check(rule: Initializer) -> Section:
    drawn = rule(LARGE, np.random.default_rng(0), np.float64)
    wanted = spread_of(rule, LARGE)
    rows: list[tuple[str | float, ...]] = [
        ("mean", float(drawn.mean()), float(drawn.mean()) if isinstance(rule, Ones | Constant) else 0.0),
        ("standard deviation", float(drawn.std()), "—" if wanted is None else wanted),
        ("smallest", float(drawn.min()), "—"),
        ("largest", float(drawn.max()), "—"),
    ]
    through = _through(rule)
    blocks: list[Block] = [
        Prose(f"An initializer has no derivative to check. It is measured, on {LARGE[0]} × {LARGE[1]} numbers with seed 0."),
        Table("check", ("of the weights", "measured", "expected"), tuple(rows), "", hidden=(1,)),
        Prose(
            f"What it does to a signal: {DEPTH} layers of {WIDTH} ReLU neurons with such weights, rows of spread 1 going in. "
            "Where the spread dies out or explodes, nothing can be learned."
        ),
        Table(
            "through", ("layer", "spread of its outputs"), tuple((float(i), s) for i, s in enumerate(through)), "", hidden=(1,)
        ),
        Prose(_verdict(through), "result"),
    ]
    return Section("Measured", "check", "check", tuple(blocks))


def _through(rule: Initializer) -> list[float]:
    """The root mean square of the outputs of ten layers."""
    rng = np.random.default_rng(1)
    x: Array = rng.normal(size=(200, WIDTH))
    found = []
    for _ in range(DEPTH):
        with np.errstate(all="ignore"):
            x = np.maximum(x @ rule((WIDTH, WIDTH), rng, np.float64), 0.0)
            found.append(float(np.sqrt(np.mean(x * x))))
    return found


def _verdict(through: list[float]) -> str:
    first, last = through[0], through[-1]
    if last == 0.0 or last < first / 20:
        return f"From {rounded(first)} to {rounded(last)}: the signal dies out on its way through ReLU layers."
    if last > 20 * first:
        return f"From {rounded(first)} to {rounded(last)}: the signal explodes."
    return f"From {rounded(first)} to {rounded(last)}: the signal keeps its size."
