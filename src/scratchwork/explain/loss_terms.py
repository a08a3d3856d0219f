"""Pages of the losses that look at each output by itself: their terms and slopes, with the numbers of this row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array
from ..losses import Huber, Poisson, Quantile, SigmoidBinaryCrossEntropy
from ..losses.targets import signs
from .document import Block, Equation
from .formula import Bracketed, Formula, Fraction, Number
from .notation import cases, put_in, read, row
from .parts import Context, chosen, plain_sum, worked
from .rewriting import logistic_rewritten
from .trace import Trace


@dataclass(frozen=True)
class Term:
    """A loss of one output, e, and its slope, e': in general, and at one prediction p and target t."""

    term: Callable[[Any], list[Formula]]
    slope: Callable[[Any], list[Formula]]
    at: Callable[[Any, float, float], tuple[str, str]]
    letters: Callable[[Any, int], dict[str, float]] = lambda loss, k: {}
    remark: Callable[[Any, float, float], str] = lambda loss, p, t: ""


def _texts(*texts: str) -> Callable[[Any], list[Formula]]:
    return lambda loss: [read(text) for text in texts]


def _quantile(loss: Any, k: int) -> float:
    return float(loss.q[k]) if isinstance(loss.q, tuple) else float(loss.q)


def _positive_weight(loss: Any, k: int) -> float:
    pi = loss.positive_weight
    return 1.0 if pi is None else float(pi[k]) if isinstance(pi, tuple) else float(pi)


def _huber(loss: Huber, p: float, t: float) -> tuple[str, str]:
    if abs(p - t) <= loss.delta:
        return "½ · (p − t)^2", "p − t"
    return "δ · (|p − t| − δ / 2)", "δ" if p > t else "−δ"


def _pinball(loss: Quantile, p: float, t: float) -> tuple[str, str]:
    if t > p:
        return "q · (t − p)", "−q"
    return "(q − 1) · (t − p)", "1 − q" if t < p else "0"


def _poisson(loss: Poisson, p: float, t: float) -> tuple[str, str]:
    return ("exp(p) − t · p", "exp(p) − t") if loss.log_input else ("p − t · log(p + ε)", "1 − t / (p + ε)")


def _hinge(loss: Any, p: float, t: float) -> tuple[str, str]:
    return "max(0, Δ − t · p)", "−t" if loss.margin - t * p > 0 else "0"


_SQUARE = Term(_texts("e_k = (p_k − t_k)^2"), _texts("e'_k = 2 (p_k − t_k)"), lambda loss, p, t: ("(p − t)^2", "2 · (p − t)"))

TERMS: dict[str, Term] = {
    "MeanSquaredError": _SQUARE,
    "SumSquaredError": _SQUARE,
    "MeanAbsoluteError": Term(
        _texts("e_k = |p_k − t_k|"), _texts("e'_k = sign(p_k − t_k)"), lambda loss, p, t: ("|p − t|", "sign(p − t)")
    ),
    "Huber": Term(
        lambda loss: [cases("e_k", ("½ (p_k − t_k)^2", "|p_k − t_k| ≤ δ"), ("δ (|p_k − t_k| − δ / 2)", ""))],
        _texts("e'_k = clip(p_k − t_k, −δ, δ)"),
        _huber,
        lambda loss, k: {"δ": loss.delta},
    ),
    "Quantile": Term(
        _texts("e_k = max(q (t_k − p_k), (q − 1) (t_k − p_k))"),
        lambda loss: [cases("e'_k", ("−q", "t_k > p_k"), ("1 − q", "t_k < p_k"), ("0", ""))],
        _pinball,
        lambda loss, k: {"q": _quantile(loss, k)},
    ),
    "Poisson": Term(
        lambda loss: [read("e_k = exp(p_k) − t_k p_k" if loss.log_input else "e_k = p_k − t_k log(p_k + ε)")],
        lambda loss: [read("e'_k = exp(p_k) − t_k" if loss.log_input else "e'_k = 1 − t_k / (p_k + ε)")],
        _poisson,
        lambda loss, k: {"ε": 1e-8},
    ),
    "SigmoidBinaryCrossEntropy": Term(
        _texts("e_k = π t_k softplus(−p_k) + (1 − t_k) softplus(p_k)", "softplus(f) = log(1 + exp(f))"),
        _texts("e'_k = (1 − t_k + π t_k) σ(p_k) − π t_k", "σ(f) = 1 / (1 + exp(−f))"),
        lambda loss, p, t: ("π · t · softplus(−p) + (1 − t) · softplus(p)", "(1 − t + π · t) · σ(p) − π · t"),
        lambda loss, k: {"π": _positive_weight(loss, k)},
    ),
    "BinaryHinge": Term(
        _texts("e_k = max(0, Δ − t_k p_k)"),
        lambda loss: [cases("e'_k", ("−t_k", "Δ − t_k p_k > 0"), ("0", ""))],
        _hinge,
        lambda loss, k: {"Δ": loss.margin},
        lambda loss, p, t: "inside the margin" if loss.margin - t * p > 0 else "right by more than the margin: costs nothing",
    ),
}
"""Every such loss by the name of its class."""


def elementwise(done: Trace, context: Context) -> list[Block]:
    """The terms of this row's outputs, what they come to, and the slope of each."""
    loss: Any
    loss, target, _ = done.judged
    kind = TERMS[type(loss).__name__]
    p = done.prediction[done.row].reshape(-1)
    t = _targets(loss, target)[done.row]
    t = np.broadcast_to(t, p.shape)
    k = p.size
    blocks: list[Block] = [Equation(formula) for formula in kind.term(loss)]
    values, _ = loss.terms(p[None].copy(), np.ascontiguousarray(t[None]))
    for (i,) in chosen(p.shape, context.wanted(done.steps[-1])):
        letters = {**kind.letters(loss, i), "p": p[i], "t": t[i]}
        right, _slope = kind.at(loss, float(p[i]), float(t[i]))
        note = kind.remark(loss, float(p[i]), float(t[i]))
        blocks.append(worked("e", (i,), right, letters, values[0, i], note))
    mean = loss.over_outputs == "mean"
    total = plain_sum(values[0])
    right_side: Formula = row(Fraction(Number(1.0), Number(float(k))), "·", Bracketed(total)) if mean else total
    blocks.append(
        Equation(read("ℓ = {1 / K} Σ_k e_k" if mean else "ℓ = Σ_k e_k"), row("ℓ", "=", right_side), Number(done.row_value))
    )
    return blocks


def elementwise_gradient(done: Trace, context: Context) -> list[Block]:
    """The slope of each output, and the shares that the averages leave of it."""
    loss: Any
    loss, target, gradient = done.judged
    kind = TERMS[type(loss).__name__]
    p, t = done.prediction[done.row].reshape(-1), _targets(loss, target)[done.row]
    t = np.broadcast_to(t, p.shape)
    blocks: list[Block] = [Equation(formula) for formula in kind.slope(loss)]
    parts = [str(count) for count, used in _divisors(loss, p.size, len(done.x)) if used]
    names = [name for name, (_, used) in zip("KN", _divisors(loss, p.size, len(done.x)), strict=True) if used]
    blocks.append(Equation(read("∂L / ∂p_k = e'_k" + (f" / ({' '.join(names)})" if names else ""))))
    slopes = gradient[done.row].reshape(-1)
    for (i,) in chosen(p.shape, context.wanted(done.steps[-1])):
        _, slope = kind.at(loss, float(p[i]), float(t[i]))
        right = put_in(slope, {**kind.letters(loss, i), "p": p[i], "t": t[i]})
        if parts:
            right = put_in("(s) / {d}", {"s": right, "d": read(" · ".join(parts))})
        blocks.append(worked("∂p", (i,), right, {}, slopes[i]))
    return blocks


def elementwise_rewritten(done: Trace, context: Context) -> list[Block]:
    """For the logistic loss the naive formula, which takes the logarithm of a sigmoid."""
    if not isinstance(done.loss, SigmoidBinaryCrossEntropy) or done.target is None:
        return []
    p, t = done.prediction[done.row].reshape(-1), _targets(done.loss, done.target)[done.row]
    worst = int(np.argmax(np.where(t > 0.5, -p, p)))
    return [logistic_rewritten(float(p[worst]), float(t[worst]), context.dtype)]


def _divisors(loss: Any, outputs: int, rows: int) -> list[tuple[int, bool]]:
    """K and N, each with whether it divides and is not 1."""
    return [
        (outputs, loss.over_outputs == "mean" and outputs > 1),
        (rows, loss.over_batch == "mean" and rows > 1),
    ]


def _targets(loss: Any, target: Array) -> Array:
    """The targets as the terms see them: a matrix; for the hinge of signs."""
    matrix = np.asarray(target, np.float64).reshape(len(target), -1)
    return signs(matrix, "y") if type(loss).__name__ == "BinaryHinge" else matrix
