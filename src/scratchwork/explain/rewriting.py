"""Formulas that are computed in another way than they are written down, and the number at which the naive way fails.

Both ways are really computed, in the dtype of the network: on this row's numbers, and where those are harmless, on the
nearest that are not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ..arrays import Array
from .document import Block, Equation, Rewritten
from .formula import Formula, Number
from .notation import Value, put_in, read, row
from .parts import Context, between, plain_sum
from .rounding import rounded
from .trace import Step

Function: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True)
class Way:
    """A function of one number computed in two ways.

    fails    x at which the naive one fails in float32 and in float64, and why
    """

    naive: str
    stable: str
    compute_naive: Function
    compute_stable: Function
    fails: tuple[float, float]
    why: str


def _exp_ratio(x: Array) -> Any:
    return np.exp(x) / (1 + np.exp(x))


def _sigmoid(x: Array) -> Any:
    return 1 / (1 + np.exp(-x))


def _softplus(x: Array) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _mish(x: Array) -> Any:
    e = np.exp(np.minimum(x, 40))
    return x * (e * (e + 2) / (e * (e + 2) + 2))


_OVERFLOW = "exp(x) is larger than the largest number there is, and ∞/∞ is no number"
WAYS: dict[str, Way] = {
    "Sigmoid": Way("exp(x) / (1 + exp(x))", "1 / (1 + exp(−x))", _exp_ratio, _sigmoid, (89.0, 710.0), _OVERFLOW),
    "SiLU": Way(
        "x · exp(x) / (1 + exp(x))",
        "x · 1 / (1 + exp(−x))",
        lambda x: x * _exp_ratio(x),
        lambda x: x * _sigmoid(x),
        (89.0, 710.0),
        _OVERFLOW,
    ),
    "Tanh": Way(
        "(exp(x) − exp(−x)) / (exp(x) + exp(−x))",
        "tanh(x)",
        lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
        np.tanh,
        (89.0, 710.0),
        _OVERFLOW,
    ),
    "Softplus": Way(
        "log(1 + exp(x))",
        "max(x, 0) + log1p(exp(−|x|))",
        lambda x: np.log(1 + np.exp(x)),
        _softplus,
        (89.0, 710.0),
        "exp(x) is larger than the largest number there is",
    ),
    "ELU": Way("exp(x) − 1", "expm1(x)", lambda x: np.exp(x) - 1, np.expm1, (-1e-9, -1e-17), "1 swallows the digits of x"),
    "SELU": Way("exp(x) − 1", "expm1(x)", lambda x: np.exp(x) - 1, np.expm1, (-1e-9, -1e-17), "1 swallows the digits of x"),
    "Mish": Way(
        "x · tanh(log(1 + exp(x)))",
        "x · n / (n + 2)",
        lambda x: x * np.tanh(np.log(1 + np.exp(x))),
        _mish,
        (-20.0, -40.0),
        "1 + exp(x) rounds to 1",
    ),
}
"""Activations that are rewritten, by the name of the class."""


def layer_rewritten(step: Step, context: Context) -> list[Block]:
    """The stable form of a layer's formula beside the naive one, where there are two."""
    kind = type(step.layer).__name__
    x = step.x[step.row].astype(context.dtype)
    if kind == "Softmax":
        return [softmax_rewritten(x.reshape(-1, x.shape[-1])[0], context.dtype)]
    if kind in ("BatchNorm", "LayerNorm"):
        rows = step.x.reshape(-1, step.x.shape[-1]).astype(context.dtype)
        return [_variance(rows[:, 0] if kind == "BatchNorm" else x.reshape(-1, x.shape[-1])[0], context.dtype)]
    if kind not in WAYS:
        return []
    flat = x.reshape(-1)
    if kind in ("ELU", "SELU"):  # the side on which it is used
        flat = flat[flat < 0]
    return [_one_number(WAYS[kind], flat, context.dtype)]


def _one_number(way: Way, x: Array, dtype: np.dtype[Any]) -> Rewritten:
    with np.errstate(all="ignore"):
        naive, stable = way.compute_naive(x), way.compute_stable(x)
        wrong = np.flatnonzero(~np.isclose(naive, stable, rtol=1e-2, atol=0.0))
        at = np.asarray(x[wrong[0]] if wrong.size else _trouble(way.fails, dtype), dtype)
        came, right, number = float(way.compute_naive(at)), float(way.compute_stable(at)), rounded(float(at))
    begin = f"At x = {number} of this very row" if wrong.size else f"This row's numbers are harmless. At x = {number}"
    sentence = (
        f"{begin} the naive formula gives {rounded(came)} in {dtype}, because {way.why}; the one that ran gives "
        f"{rounded(right)}."
    )
    letters: dict[str, Value] = {"x": float(at), "n": "n"}
    here = (
        Equation(None, put_in(way.naive, letters), Number(came), "naive"),
        Equation(None, put_in(way.stable, letters), Number(right), "as it is computed"),
    )
    return Rewritten(read(way.naive), read(way.stable), sentence, here)


def _trouble(fails: tuple[float, float], dtype: np.dtype[Any]) -> float:
    return fails[0] if dtype == np.float32 else fails[1]


def softmax_rewritten(x: Array, dtype: np.dtype[Any]) -> Rewritten:
    """exp(x) / Σ exp(x), and the same with the maximum taken out."""
    limit = 88.7 if dtype == np.float32 else 709.7
    top, i = float(x.max()), int(np.argmax(x))
    with np.errstate(all="ignore"):
        naive = np.exp(x) / np.exp(x).sum()
        stable = np.exp(x - x.max()) / np.exp(x - x.max()).sum()
        moved = (x - x.max() + np.asarray(np.ceil(limit) + 1, dtype)).astype(dtype)
        broken = float((np.exp(moved) / np.exp(moved).sum())[i])
    if not np.isfinite(naive).all() or not np.allclose(naive, stable, rtol=1e-2):
        sentence = (
            f"x = {rounded(top)} of this very row: exp(x) is beyond {dtype} (its limit is {limit}), so that the naive formula "
            f"gives {rounded(float(naive[i]))}; the one that ran gives {rounded(float(stable[i]))}."
        )
    else:
        shift = float(moved[i]) - top
        sentence = (
            f"This row's scores are harmless. Add {rounded(shift)} to each of them, which changes no probability: "
            f"exp({rounded(float(moved[i]))}) is ∞ in {dtype}, whose limit is exp({limit}), and the naive formula gives "
            f"{rounded(broken)}. Taking the maximum m out of numerator and denominator changes nothing either, and leaves no "
            f"exponent above 0: it gives {rounded(float(stable[i]))}."
        )
    below = row(*between([put_in("exp(x)", {"x": float(v)}) for v in x])) if x.size <= 8 else read("Σ_j exp(x_j)")
    here = [
        Equation(None, _share(put_in("exp(x)", {"x": top}), below), Number(float(naive[i])), "naive"),
        Equation(
            None,
            _share(put_in("exp(x − m)", {"x": top, "m": top}), Number(float(np.exp(x - x.max()).sum()))),
            Number(float(stable[i])),
            "as it is computed",
        ),
    ]
    return Rewritten(read("exp(x_i) / Σ_j exp(x_j)"), read("exp(x_i − m) / Σ_j exp(x_j − m)"), sentence, tuple(here))


def _share(above: Formula, below: Formula) -> Formula:
    return put_in("{a} / {b}", {"a": above, "b": below})


def _variance(x: Array, dtype: np.dtype[Any]) -> Rewritten:
    """The mean of the squares minus the square of the mean, and the other order."""
    far = np.asarray([1e4, 1e8][dtype != np.float32], dtype)
    pair = np.array([far - 1, far + 1], dtype)
    with np.errstate(all="ignore"):
        naive = float((x * x).mean() - x.mean() * x.mean())
        stable = float(((x - x.mean()) ** 2).mean())
        broken = float((pair * pair).mean() - pair.mean() * pair.mean())
    fails = stable > 0 and abs(naive - stable) > 1e-2 * stable
    begin = "With this very column" if fails else "These numbers are harmless. With two others"
    where = "" if fails else f", {rounded(float(pair[0]))} and {rounded(float(pair[1]))}, whose variance is 1"
    came = naive if fails else broken
    sentence = (
        f"{begin}{where}, the naive formula gives {rounded(came)} in {dtype}: where the mean is large beside the spread, the "
        "two squares share all the digits that can be kept, and their difference has none left. So the mean goes out first."
    )
    here = (
        Equation(None, row(plain_sum(x * x / x.size), "−", put_in("m^2", {"m": float(x.mean())})), Number(naive), "naive"),
        Equation(None, plain_sum((x - x.mean()) ** 2 / x.size), Number(stable), "as it is computed"),
    )
    return Rewritten(read("mean(x^2) − mean(x)^2"), read("mean((x − mean(x))^2)"), sentence, here)


def log_softmax_rewritten(z: Array, true: int, dtype: np.dtype[Any]) -> Rewritten:
    """−log of a softmax, and the logarithm of the sum alone."""
    z = z.astype(dtype)
    gap = 110.0 if dtype == np.float32 else 800.0

    def naive(z: Array, true: int) -> float:
        with np.errstate(all="ignore"):
            shares = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
            return float(-np.log(shares[true]))

    def stable(z: Array, true: int) -> float:
        return float(z.max() + np.log(np.exp(z - z.max()).sum()) - z[true])

    came, right = naive(z, true), stable(z, true)
    if not np.isclose(came, right, rtol=1e-2, atol=1e-6):
        sentence = (
            f"On this very row: the probability of the truth has rounded to {'0' if came > 1 else '1'} in {dtype}, and the "
            f"naive formula gives {rounded(came)} where the loss is {rounded(right)}."
        )
    else:
        far = np.array([0.0, gap], dtype)
        sentence = (
            f"This row's logits are harmless. With the logits 0 and {gap:.0f} and the truth in the first, its probability "
            f"rounds to 0 in {dtype}, and the naive formula gives −log 0 = {rounded(naive(far, 0))}; the loss is "
            f"{rounded(stable(far, 0))}."
        )
    m, total = float(z.max()), float(np.exp(z - z.max()).sum())
    here = (
        Equation(None, put_in("−log(p)", {"p": float(np.exp(z[true] - z.max()) / total)}), Number(came), "naive"),
        Equation(None, put_in("m + log(S) − z", {"m": m, "S": total, "z": float(z[true])}), Number(right), "as it is computed"),
    )
    return Rewritten(read("−log(exp(z_y) / Σ_j exp(z_j))"), read("m + log(Σ_j exp(z_j − m)) − z_y"), sentence, here)


def logistic_rewritten(f: float, yes: float, dtype: np.dtype[Any]) -> Rewritten:
    """−log of a sigmoid, and softplus."""
    trouble = np.asarray(20.0 if dtype == np.float32 else 40.0, dtype)
    with np.errstate(all="ignore"):
        at = np.asarray(f, dtype)
        p = 1 / (1 + np.exp(-at))
        came = float(-np.log(p)) if yes == 1 else float(-(yes * np.log(p) + (1 - yes) * np.log(1 - p)))
        right = float(yes * _softplus(-at) + (1 - yes) * _softplus(at))
        broken = float(-np.log(1 - 1 / (1 + np.exp(-trouble))))
    if not np.isclose(came, right, rtol=1e-2, atol=0.0):
        sentence = (
            f"On this very row, at f = {rounded(float(at))}, the naive formula gives {rounded(came)} in {dtype}; the loss is "
            f"{rounded(right)}."
        )
    else:
        sentence = (
            f"This row's logit is harmless. At f = {rounded(float(trouble))} with the truth 0 the sigmoid rounds to 1 in "
            f"{dtype}, and −log(1 − 1) = {rounded(broken)}; the loss is {rounded(float(_softplus(trouble)))}."
        )
    letters: dict[str, Any] = {"f": float(at), "y": float(yes)}
    here = (
        Equation(None, put_in("−(y · log(σ(f)) + (1 − y) · log(1 − σ(f)))", letters), Number(came), "naive"),
        Equation(None, put_in("y · softplus(−f) + (1 − y) · softplus(f)", letters), Number(right), "as it is computed"),
    )
    return Rewritten(
        read("−(y log(σ(f)) + (1 − y) log(1 − σ(f)))"), read("y softplus(−f) + (1 − y) softplus(f)"), sentence, here
    )


def log_rewritten(p: float, eps: float, dtype: np.dtype[Any]) -> Rewritten:
    """−log p, and its tangent below eps."""
    tangent = float(1.0 - np.log(eps))
    q = "with q = max(p, ε), the tangent of −log at ε for every p below it"
    if p <= 0:
        sentence = (
            f"On this very row the true class has probability 0: −log 0 = ∞; the second form ({q}) gives {rounded(tangent)}."
        )
    else:
        sentence = (
            f"This row's p = {rounded(p)} is harmless. A softmax in {dtype} gives exactly 0 to a class that is far below "
            f"the best, and −log 0 = ∞; the second form ({q}) gives {rounded(tangent)}."
        )
    return Rewritten(read("−log(p)"), read("−log(q) − (p − q) / q"), sentence)
