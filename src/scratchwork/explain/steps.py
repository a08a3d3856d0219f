"""An optimizer's first three steps down a valley, worked out, and its code held against the equations in plain Python."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..optimizers import Optimizer
from .document import Block, Equation, Prose, Section, Table
from .notation import Value, read
from .parts import worked
from .rounding import rounded
from .sources import quotations, watched
from .update_pages import rule_of

START = (1.0, 2.0)
CURVATURE = (1.0, 10.0)
STEPS = 3
CHECKED = 50


def optimizer_sections(rule: Optimizer) -> list[Section]:
    """Three steps with numbers, then the check."""
    return [_example(rule), _check(rule)]


def _example(rule: Optimizer) -> Section:
    w, scales = np.array(START), np.array(CURVATURE)
    state, known = rule.init(w), rule_of(rule)
    blocks: list[Block] = [
        Prose(f"Down a valley that is ten times steeper in one direction than in the other, with {rule!r}:"),
        Equation(read("f(w) = ½ w_0^2 + 5 w_1^2"), note="its gradient is g = (w₀, 10 w₁); both should become 0"),
    ]
    rows: list[tuple[str | float, ...]] = [(0.0, w[0], w[1], _height(w))]
    source: list[Block] = []
    for step in range(1, STEPS + 1):
        grad, before = scales * w, w.copy()
        kept = {key: array.copy() for key, array in state.items()}
        rate = rule.learning_rate_at(step - 1)
        _, ran = watched(rule.update, w, grad, state, step=step, learning_rate=rate)
        source = source or list(quotations(rule.update, ran))
        rows.append((float(step), w[0], w[1], _height(w)))
        if known is None:
            continue
        letters: dict[str, Value] = {**known.letters(rule), "η": rate, "g": grad[0], "w": before[0]}
        letters |= {LETTER.get(key, key): float(array[0]) for key, array in kept.items()}
        blocks.append(Prose(f"Step {step}, for w₀ (g = {rounded(grad[0])}):"))
        for name, right, key in known.steps(rule):
            right = right.replace("β₁^1", f"β₁^{step}").replace("β₂^1", f"β₂^{step}")
            result = float(state[key][0]) if key else _made(name, rule, state, step, w)
            blocks.append(worked(name, (0,), right, letters, result))
            letters[name] = result
    head = ("step", "w₀", "w₁", "f(w)")
    blocks.append(Table("steps", head, tuple(rows), "where the steps lead", hidden=(1, 2, 3)))
    return Section("Three steps", "example", "example", (*blocks, *source))


LETTER = {"velocity": "u", "squares": "s"}


def _height(w: Any) -> float:
    return float(0.5 * np.sum(np.array(CURVATURE) * w * w))


def _made(name: str, rule: Any, state: Any, step: int, w: Any) -> float:
    if name == "m̂":
        return float(state["m"][0] / (1.0 - rule.beta1**step))
    if name == "v̂":
        return float(state["v"][0] / (1.0 - rule.beta2**step))
    return float(w[0])


def _gradient_descent(rule: Any, w: float, g: float, s: dict[str, float], t: int) -> float:
    return float(w - rule.learning_rate * g)


def _sgd(rule: Any, w: float, g: float, s: dict[str, float], t: int) -> float:
    s["u"] = rule.momentum * s.get("u", 0.0) + g
    return float(w - rule.learning_rate * (g + rule.momentum * s["u"] if rule.nesterov else s["u"]))


def _adagrad(rule: Any, w: float, g: float, s: dict[str, float], t: int) -> float:
    s["s"] = s.get("s", 0.0) + g * g
    return float(w - rule.learning_rate * g / (math.sqrt(s["s"]) + rule.eps))


def _rmsprop(rule: Any, w: float, g: float, s: dict[str, float], t: int) -> float:
    s["s"] = rule.rho * s.get("s", 0.0) + (1 - rule.rho) * g * g
    return float(w - rule.learning_rate * g / (math.sqrt(s["s"]) + rule.eps))


def _adam(rule: Any, w: float, g: float, s: dict[str, float], t: int) -> float:
    s["m"] = rule.beta1 * s.get("m", 0.0) + (1 - rule.beta1) * g
    s["v"] = rule.beta2 * s.get("v", 0.0) + (1 - rule.beta2) * g * g
    m, v = s["m"] / (1 - rule.beta1**t), s["v"] / (1 - rule.beta2**t)
    return float(w - rule.learning_rate * m / (math.sqrt(v) + rule.eps))


def _adamw(rule: Any, w: float, g: float, s: dict[str, float], t: int) -> float:
    return _adam(rule, (1 - rule.learning_rate * rule.weight_decay) * w, g, s, t)


LITERAL: dict[str, Callable[[Any, float, float, dict[str, float], int], float]] = {
    "GradientDescent": _gradient_descent,
    "SGD": _sgd,
    "AdaGrad": _adagrad,
    "RMSProp": _rmsprop,
    "Adam": _adam,
    "AdamW": _adamw,
}
"""The equations once more, one number at a time, without any of the library's code."""


def _check(rule: Optimizer) -> Section:
    """The library's steps and those of the equations in plain Python, side by side."""
    literal = LITERAL[type(rule).__name__]
    w, state = np.array(START), rule.init(np.array(START))
    plain, kept = list(START), [{}, {}]  # type: list[float], list[dict[str, float]]
    worst, rows = 0.0, []
    for step in range(1, CHECKED + 1):
        rule.update(w, np.array(CURVATURE) * w, state, step=step, learning_rate=rule.learning_rate_at(step - 1))
        plain = [literal(rule, plain[i], CURVATURE[i] * plain[i], kept[i], step) for i in range(2)]
        worst = max(worst, *(abs(plain[i] - float(w[i])) for i in range(2)))
        if step in (1, 2, 10, CHECKED):
            rows.append((float(step), float(w[0]), plain[0], abs(plain[0] - float(w[0]))))
    words = (
        "An optimizer has no derivative to check. What can be checked is that the code does what the equations say: here both "
        f"took {CHECKED} steps, the library's array code and the equations written out in plain Python, one number at a time."
    )
    blocks: list[Block] = [
        Prose(words),
        Table("check", ("step", "w₀ of the code", "w₀ of the equations", "difference"), tuple(rows), "", hidden=(3,)),
        Prose(f"The largest difference in {CHECKED} steps is {rounded(worst)}.", "result"),
    ]
    return Section("Checked against the equations", "check", "check", tuple(blocks))
