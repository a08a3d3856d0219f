"""Pages of penalties, of the constraint, of learning-rate schedules and of L-BFGS: what they do to a few simple numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ScratchworkError
from ..regularizers import L1, L2, ElasticNet, MaxNorm, Regularizer
from ..schedules import Constant, Cosine, CosLog, Exponential, InverseTime, OneCycle, Schedule, StepDecay, WarmUp
from ..second_order import LBFGS
from .document import Block, Equation, Prose, Section, Table
from .formula import Number
from .notation import put_in, read, row
from .parts import between, flat_row, shown, squares_of, worked
from .rounding import rounded
from .sources import quotations, source_of, watched

WEIGHTS = np.array([2.0, -0.5, 0.1])
PENALTIES: dict[str, Regularizer] = {"L1": L1(0.1), "L2": L2(0.1), "ElasticNet": ElasticNet(0.1, 0.2)}
SCHEDULES: dict[str, Schedule] = {
    "Constant": Constant(0.1),
    "InverseTime": InverseTime(0.1, decay=0.01),
    "StepDecay": StepDecay(0.1, every=100),
    "Exponential": Exponential(0.1, decay=0.01),
    "Cosine": Cosine(0.1, steps=1000),
    "WarmUp": WarmUp(100, then=0.1),
    "OneCycle": OneCycle(0.1, steps=1000),
    "CosLog": CosLog(0.1, steps=1000),
}
MOMENTS = (0, 1, 10, 50, 100, 101, 200, 500, 900, 1000)


def penalty_sections(rule: Any) -> list[Section]:
    """A penalty and its gradient on three weights, and the gradient against differences."""
    strength = {"λ": rule.strength} if not isinstance(rule, ElasticNet) else {"λ₁": rule.l1, "λ₂": rule.l2}
    sizes = [put_in("|w|", {"w": float(w)}) for w in WEIGHTS]
    grad = np.zeros(3)
    value, ran = watched(rule.inplace_add_gradient, WEIGHTS.copy(), grad)
    if isinstance(rule, L1):
        texts, right = ("R = λ Σ_i |w_i|", "∂R / ∂w_i = λ sign(w_i)"), "λ · sign(w)"
        total = put_in("λ · (s)", {**strength, "s": flat_row(*between(sizes))})
    elif isinstance(rule, L2):
        texts, right = ("R = ½ λ Σ_i w_i^2", "∂R / ∂w_i = λ w_i"), "λ · w"
        total = put_in("½ · λ · (s)", {**strength, "s": squares_of(WEIGHTS)})
    else:
        texts, right = ("R = λ₁ Σ_i |w_i| + ½ λ₂ Σ_i w_i^2", "∂R / ∂w_i = λ₁ sign(w_i) + λ₂ w_i"), "λ₁ · sign(w) + λ₂ · w"
        sums = {**strength, "s": flat_row(*between(sizes)), "q": squares_of(WEIGHTS)}
        total = put_in("λ₁ · (s) + ½ · λ₂ · (q)", sums)
    blocks: list[Block] = [
        shown("example", "weight", WEIGHTS, "w"),
        Equation(read(texts[0]), row("R", "=", total), Number(float(value))),
        Equation(read(texts[1])),
        *(worked("g", (i,), right, {**strength, "w": WEIGHTS[i]}, grad[i]) for i in range(3)),
        shown("example", "grad", grad, "∂R/∂w", result=True, note="added to the gradient of the loss"),
        *quotations(rule.inplace_add_gradient, ran),
    ]
    rows: list[tuple[str | float, ...]] = []
    for i in range(3):
        moved = np.zeros(3)
        moved[i] = 1e-5
        slope = (rule.penalty(WEIGHTS + moved) - rule.penalty(WEIGHTS - moved)) / 2e-5
        rows.append((f"w{i}", float(grad[i]), slope, abs(float(grad[i]) - slope)))
    head = ("weight", "gradient", "difference quotient", "difference")
    check = Table("check", head, tuple(rows), "the gradient against (R(w + h) − R(w − h)) / 2h", hidden=(1, 2, 3))
    return [
        Section(f"Three weights, {rule!r}", "example", "example", tuple(blocks)),
        Section("Checked by differences", "check", "check", (check,)),
    ]


def constraint_sections(rule: MaxNorm) -> list[Section]:
    """Two neurons' weights, one too long and one short enough."""
    before = np.array([[3.0, 0.1], [4.0, 0.2]])
    after = before.copy()
    _, ran = watched(rule.inplace_project, after)
    blocks: list[Block] = [
        shown("example", "weight", before, "W", note="one column for each neuron"),
        Equation(read("w ← w · min(1, c / n)"), row("c", "=", float(rule.limit)), note="n is the length of a neuron's column"),
    ]
    for j in range(2):
        length = float(np.linalg.norm(before[:, j]))
        blocks.append(worked("n", (j,), put_in("√(s)", {"s": squares_of(before[:, j])}), {}, length))
        letters = {"w": float(before[0, j]), "c": float(rule.limit), "n": length}
        blocks.append(worked("w", (0, j), "w · min(1, c / n)", letters, after[0, j]))
    blocks += [shown("example", "after", after, "W after it", result=True), *quotations(rule.inplace_project, ran)]
    rows = tuple((f"neuron {j}", float(np.linalg.norm(before[:, j])), float(np.linalg.norm(after[:, j]))) for j in range(2))
    check = Table(
        "check", ("", "length before", "length after"), rows, f"no length is above {rounded(rule.limit)}", hidden=(2,)
    )
    return [
        Section(f"Two neurons, {rule!r}", "example", "example", tuple(blocks)),
        Section("Checked", "check", "check", (check,)),
    ]


def schedule_sections(rule: Schedule) -> list[Section]:
    """The rate at a few steps."""
    rows = tuple((float(step), float(rule(step))) for step in MOMENTS)
    words = f"{rule!r}: the learning rate of the update that follows so many others."
    blocks: list[Block] = [
        Prose(words),
        Table("rates", ("steps so far", "learning rate η"), rows, "", hidden=(1,)),
        *source_of(type(rule).__call__),
    ]
    return [Section("The rate, step by step", "example", "example", tuple(blocks))]


def lbfgs_sections(rule: LBFGS) -> list[Section]:
    """Its iterations down the valley on which the other optimizers are shown."""
    scales, w = np.array([1.0, 10.0]), np.array([1.0, 2.0])
    rows: list[tuple[str | float, ...]] = [(0.0, 1.0, 2.0, 20.5)]

    def function(value: Any) -> tuple[float, Any]:
        w[...] = value
        return float(0.5 * np.sum(scales * value * value)), scales * value

    def after(iteration: int, height: float) -> bool:
        rows.append((float(iteration), float(w[0]), float(w[1]), height))
        return iteration >= 10

    blocks: list[Block] = [
        Prose("Down a valley that is ten times steeper in one direction than in the other:"),
        Equation(read("f(w) = ½ w_0^2 + 5 w_1^2"), note="its gradient is g = (w₀, 10 w₁)"),
        Equation(read("w ← w − α H g"), note="H estimates the inverse of the second derivatives; α comes from a line search"),
        Equation(read("s_k = w_{k+1} − w_k"), note="H is made of the last steps s and what the gradient changed along them, y"),
        Equation(read("y_k = g_{k+1} − g_k")),
    ]
    try:
        rule.minimize(function, np.array([1.0, 2.0]), after)
    except ScratchworkError as error:
        return [Section("Its iterations", "example", "example", (*blocks, Prose(str(error))))]
    table = Table("steps", ("iteration", "w₀", "w₁", "f(w)"), tuple(rows), "where they lead", hidden=(1, 2, 3))
    slope = float(np.abs(scales * w).max())
    check = Prose(f"At a minimum the gradient is 0. Here its largest entry has become {rounded(slope)}.", "result")
    return [
        Section("Its iterations", "example", "example", (*blocks, table)),
        Section("Checked", "check", "check", (check,)),
    ]
