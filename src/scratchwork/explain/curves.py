"""Pages of the activations: each element alone, its function and its derivative with the numbers of this row."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..layers import ELU, GELU, SELU, Layer, LeakyReLU
from .document import Block, Equation
from .formula import Formula
from .notation import cases, read
from .parts import Context, chosen, shown, worked
from .trace import Step

Sides: TypeAlias = tuple[str, str]


def _nothing(layer: Any) -> dict[str, float]:
    return {}


@dataclass(frozen=True)
class Curve:
    """A function of one number: equations in general, and the right-hand sides that hold at one x."""

    forward: Callable[[Any], list[Formula]]
    backward: Callable[[Any], list[Formula]]
    at: Callable[[Any, float, float], Sides]
    constants: Callable[[Any], dict[str, float]] = _nothing


def _same(*texts: str) -> Callable[[Any], list[Formula]]:
    return lambda layer: [read(text) for text in texts]


def _always(forward: str, backward: str) -> Callable[[Any, float, float], Sides]:
    return lambda layer, x, y: (forward, backward)


def _split(right: Sides, left: Sides) -> Callable[[Any, float, float], Sides]:
    return lambda layer, x, y: right if x > 0 else left


def _gelu(layer: GELU, x: float, y: float) -> Sides:
    if layer.approximate == "tanh":
        return (
            "½ x · (1 + tanh(√(2 / π) · (x + 0.044715 x^3)))",
            "dy · ½ (1 + t + x (1 − t^2) · √(2 / π) · (1 + 3 · 0.044715 x^2))",
        )
    return "x · ½ (1 + erf(x / √2))", "dy · (½ (1 + erf(x / √2)) + x · exp(−x^2 / 2) / √(2 π))"


def _gelu_forward(layer: GELU) -> list[Formula]:
    if layer.approximate == "tanh":
        return [read("y = ½ x (1 + t)"), read("t = tanh(√(2 / π) · (x + 0.044715 x^3))")]
    return [read("y = x Φ(x)"), read("Φ(x) = ½ (1 + erf(x / √2))")]


def _gelu_backward(layer: GELU) -> list[Formula]:
    if layer.approximate == "tanh":
        return [read("dx = dy ⊙ ½ (1 + t + x (1 − t^2) u')"), read("u' = √(2 / π) · (1 + 3 · 0.044715 x^2)")]
    return [read("dx = dy ⊙ (Φ(x) + x φ(x))"), read("φ(x) = exp(−x^2 / 2) / √(2 π)")]


def _gelu_constants(layer: GELU) -> dict[str, float]:
    return {"π": math.pi}


CURVES: dict[str, Curve] = {
    "Linear": Curve(_same("y = x"), _same("dx = dy"), _always("x", "dy")),
    "Step": Curve(
        lambda layer: [cases("y", ("1", "x > 0"), ("0", ""))],
        _same("dx = 0"),
        lambda layer, x, y: ("1" if x > 0 else "0", "0"),
    ),
    "Sigmoid": Curve(
        _same("y = σ(x) = 1 / (1 + exp(−x))"), _same("dx = dy ⊙ y (1 − y)"), _always("1 / (1 + exp(−x))", "dy · y · (1 − y)")
    ),
    "Tanh": Curve(
        _same("y = tanh(x) = (exp(x) − exp(−x)) / (exp(x) + exp(−x))"),
        _same("dx = dy ⊙ (1 − y^2)"),
        _always("tanh(x)", "dy · (1 − y^2)"),
    ),
    "Softplus": Curve(
        _same("y = log(1 + exp(x)) = max(x, 0) + log1p(exp(−|x|))"),
        _same("dx = dy ⊙ σ(x)", "σ(x) = 1 − exp(−y)"),
        _always("max(x, 0) + log1p(exp(−|x|))", "dy · (1 − exp(−y))"),
    ),
    "ReLU": Curve(
        _same("y = max(x, 0)"),
        lambda layer: [cases("dx", ("dy", "y > 0"), ("0", ""))],
        lambda layer, x, y: ("max(x, 0)", "dy · 1" if y > 0 else "dy · 0"),
    ),
    "LeakyReLU": Curve(
        lambda layer: [cases("y", ("x", "x > 0"), ("α x", ""))],
        lambda layer: [cases("dx", ("dy", "y > 0"), ("α dy", ""))],
        _split(("x", "dy · 1"), ("α · x", "α · dy")),
        lambda layer: {"α": _slope(layer)},
    ),
    "ELU": Curve(
        lambda layer: [cases("y", ("x", "x > 0"), ("α (exp(x) − 1)", ""))],
        lambda layer: [cases("dx", ("dy", "y > 0"), ("dy ⊙ (y + α)", ""))],
        _split(("x", "dy · 1"), ("α · expm1(x)", "dy · (y + α)")),
        lambda layer: {"α": _alpha(layer)},
    ),
    "SELU": Curve(
        lambda layer: [cases("y", ("λ x", "x > 0"), ("λ α (exp(x) − 1)", ""))],
        lambda layer: [cases("dx", ("λ dy", "y > 0"), ("dy ⊙ (y + λ α)", ""))],
        _split(("λ · x", "λ · dy"), ("λ · α · expm1(x)", "dy · (y + λ · α)")),
        lambda layer: {"λ": SELU.scale, "α": SELU.alpha},
    ),
    "GELU": Curve(_gelu_forward, _gelu_backward, _gelu, _gelu_constants),
    "SiLU": Curve(
        _same("y = x σ(x)", "σ(x) = 1 / (1 + exp(−x))"),
        _same("dx = dy ⊙ (σ(x) + y (1 − σ(x)))"),
        _always("x · 1 / (1 + exp(−x))", "dy · (σ(x) + y · (1 − σ(x)))"),
    ),
    "Mish": Curve(
        _same("y = x tanh(log(1 + exp(x))) = x n / (n + 2)", "n = e (e + 2)", "e = exp(x)"),
        _same("dx = dy ⊙ (n / (n + 2) + (4 x e (1 + e)) / (n + 2)^2)"),
        _always("x · tanh(log(1 + exp(x)))", "dy · (n / (n + 2) + (4 · x · e · (1 + e)) / (n + 2)^2)"),
    ),
}
"""Every activation by the name of its class."""


def _slope(layer: LeakyReLU) -> float:
    return layer.negative_slope


def _alpha(layer: ELU) -> float:
    return layer.alpha


def _letters(layer: Layer, curve: Curve, x: float, y: float, dy: float) -> dict[str, float]:
    """The numbers that stand for the letters of an equation at one x."""
    letters = {"x": x, "y": y, "dy": dy, **curve.constants(layer)}
    if isinstance(layer, GELU):
        letters["t"] = math.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3))
    if type(layer).__name__ == "Mish":
        letters["e"] = math.exp(min(x, 40.0))
        letters["n"] = letters["e"] * (letters["e"] + 2.0)
    return letters


def forward(step: Step, context: Context) -> list[Block]:
    """An activation's forward: its equation, some entries worked out, all of them."""
    curve, x, y = _curve(step.layer), step.x[step.row], step.y[step.row]
    blocks: list[Block] = [Equation(formula) for formula in curve.forward(step.layer)]
    blocks.append(shown(f"forward/{step.path}", "x", x, "x"))
    for place in chosen(y.shape, context.wanted(step)):
        at, out = float(x[place]), float(y[place])
        right, _ = curve.at(step.layer, at, out)
        blocks.append(worked("y", place, right, _letters(step.layer, curve, at, out, 0.0), out, _remark(step.layer, at)))
    return blocks


def backward(step: Step, context: Context) -> list[Block]:
    """An activation's backward: its derivative, some entries worked out, all of them."""
    all_dy, all_dx = step.flow
    curve, x, y = _curve(step.layer), step.x[step.row], step.y[step.row]
    dy, dx = all_dy[step.row], all_dx[step.row]
    blocks: list[Block] = [Equation(formula) for formula in curve.backward(step.layer)]
    for place in chosen(y.shape, context.wanted(step)):
        at, out, slope = float(x[place]), float(y[place]), float(dy[place])
        _, right = curve.at(step.layer, at, out)
        letters = _letters(step.layer, curve, at, out, slope)
        blocks.append(worked("dx", place, right, letters, dx[place], _remark(step.layer, at)))
    return blocks


def _curve(layer: Layer) -> Curve:
    for kind in type(layer).__mro__:
        if kind.__name__ in CURVES:
            return CURVES[kind.__name__]
    raise LookupError(f"{type(layer).__name__} has no page of its own")


def _remark(layer: Layer, x: float) -> str:
    if type(layer).__name__ in ("ReLU", "LeakyReLU", "ELU", "SELU", "Step"):
        return "x > 0" if x > 0 else "x is not above 0"
    return ""
