"""What does a wrong gradient look like? The mistakes that people make leave patterns, and a pattern names its mistake.

Handed the array that a backward gives and the right one, `find_pattern` tries the usual suspects in turn: the sign, a
factor (N, 1/N, another number), the transpose, a bias that gets nothing, a sum over the wrong axis, a gradient that lacks
the derivative of an activation or the term of a regularizer. What fits none of them is "unknown", with how far it is apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array

TOLERANCE = 1e-5
"""Relative to the largest entry: far above the noise of float64 differences, far below any mistake."""

FIXES = {
    "sign": "turn the sign round, here or where the error (prediction − target) is formed",
    "factor N": "divide by the number of rows once, where the loss takes their mean",
    "factor 1/N": "divide by the number of rows once only",
    "constant factor": "look for a factor that is missing or there twice: the 2 of a square, a 1/2, a 1/N of another axis",
    "transposed": "turn the product round: dW = xᵀ dy where y = x W",
    "missing bias": "the gradient of a bias is the sum of dy over the rows",
    "zero": "nothing arrives here: is the result of the product assigned and returned?",
    "not finite": "look for a division by 0, a logarithm of 0 or an exponential of a large number",
    "not summed over rows": "sum over the rows, and keep one number for each unit",
    "summed over everything": "give the sum an axis: one number for each unit, not one for all of them",
    "wrong shape": "give the gradient the shape of its parameter (keepdims=True)",
    "missing activation derivative": "multiply what comes back by the derivative of the activation, act'(z)",
    "missing regularizer": "add the gradient of the penalty: 2 λ W for λ ΣW², λ W for λ/2 ΣW²",
    "wrong regularizer": "make the gradient's penalty term the derivative of the loss's: 2 λ W for λ ΣW², λ W for λ/2 ΣW²",
    "some entries": "look at how the entries that differ are computed; the others are right",
    "unknown": "compare the product with the equation, factor by factor",
}


@dataclass(frozen=True)
class Pattern:
    """One mistake: its `name`, a `sentence` with the numbers, the line that mends it, and the factor where there is one."""

    name: str
    sentence: str
    fix: str
    factor: float | None = None
    distance: float = 0.0

    def __str__(self) -> str:
        return f"{self.name}: {self.sentence}; {self.fix}"


def find_pattern(
    given: ArrayLike | None,
    right: Array,
    *,
    name: str = "weight",
    batch: int | None = None,
    terms: Mapping[str, Array] | None = None,
    value: Array | None = None,
    tolerance: float = TOLERANCE,
) -> Pattern | None:
    """What is wrong with `given` where `right` belongs; None where it is right.

    Parameters
    ----------
    given : array or None
        What a backward gives; None where it gives nothing.
    right : array
        The right gradient.
    name : str
        What the sentence calls it. A name with "bias" (or b, b1, beta) is a bias.
    batch : int, optional
        The number of rows N, for "factor N" and "factor 1/N".
    terms : mapping of name to array, optional
        What mistakes would give, computed by the caller: {"missing activation derivative": array, ...}.
    value : array, optional
        The parameter itself, to know a missing penalty by.
    tolerance : float
        What counts as equal, relative to the largest entry of `right`.

    Examples
    --------
    >>> right = np.array([[1.0, 2.0], [3.0, 5.0]])
    >>> find_pattern(right, right)
    >>> find_pattern(-right, right).name
    'sign'
    >>> print(find_pattern(32 * right, right, batch=32))
    factor N: weight is 32 times as large as it should be, the number of rows; divide by the number of rows once, ...
    >>> find_pattern(right.T, right).name
    'transposed'
    """
    right = np.asarray(right, np.float64)
    bias = is_bias(name)
    if given is None:
        return _pattern("missing bias" if bias else "zero", f"{name} gets no gradient")
    given = np.asarray(given, np.float64)
    if given.shape != right.shape:
        shape = _other_shape(given, right, name, tolerance)
        if shape is not None:
            return shape
        given = given.reshape(right.shape)
    if _close(given, right, tolerance, right):
        return None
    if not np.isfinite(given).all():
        return _pattern("not finite", f"{name} holds {np.count_nonzero(~np.isfinite(given))} numbers that are not finite")
    if not given.any():
        return _pattern("missing bias" if bias else "zero", f"{name} is 0 everywhere")
    return (
        _factor(given, right, name, batch, tolerance)
        or _turned(given, right, name, tolerance)
        or _term(given, right, name, terms or {}, tolerance)
        or _penalty(given, right, name, value, tolerance)
        or _rest(given, right, name, tolerance)
    )


def is_bias(name: str) -> bool:
    """Whether a parameter of this name is a bias: "bias", "b1", "db2", "1.bias", "beta"."""
    last = name.lower().replace("/", ".").split(".")[-1].strip("_ ")
    if "bias" in last or last == "beta":
        return True
    plain = last.removeprefix("grad").removeprefix("self").strip("_ ").removeprefix("d").strip("_")
    return plain[:1] == "b" and (len(plain) == 1 or plain[1:].strip("_[]").isdigit())


def _pattern(name: str, sentence: str, factor: float | None = None, distance: float = 1.0) -> Pattern:
    return Pattern(name, sentence, FIXES.get(name, FIXES["unknown"]), factor, distance)


def _close(a: Array, b: Array, tolerance: float, scale: Array) -> bool:
    largest = float(np.abs(scale).max()) if scale.size else 0.0
    return a.shape == b.shape and bool((np.abs(a - b) <= tolerance * largest + 1e-12).all())  # a NaN is not close


def _other_shape(given: Array, right: Array, name: str, tolerance: float) -> Pattern | None:
    """The pattern of an array of another shape; None for (1, n) in place of (n,), which does no harm."""
    shapes = f"{name} has shape {given.shape} where {right.shape} belongs"
    if given.T.shape == right.shape and given.size > max(given.shape, default=1):
        return _pattern("transposed", shapes)
    if given.size == right.size:
        rows = given.shape[-1:] == right.shape[-1:] and right.size == right.shape[-1]
        if rows or given.size == 1:
            return None
        same = _close(given.ravel(), right.ravel(), tolerance, right)
        return _pattern("wrong shape", shapes + (", with the right numbers" if same else ""))
    if given.size == 1:
        total = abs(float(given.ravel()[0]) - float(right.sum())) <= tolerance * max(float(np.abs(right).sum()), 1e-12)
        of = ": the sum over all units" if total else ""
        return _pattern("summed over everything", f"{shapes}{of}")
    for axis in range(given.ndim):
        total_of = given.sum(axis=axis)
        if total_of.size == right.size and (is_bias(name) or _close(total_of.ravel(), right.ravel(), tolerance, right)):
            return _pattern("not summed over rows", shapes)
    return _pattern("wrong shape", shapes)


def proportion(given: Array, right: Array, tolerance: float = TOLERANCE) -> float | None:
    """c where given = c · right entry by entry, else None."""
    square = float(np.sum(right * right))
    if square == 0.0:
        return None
    c = float(np.sum(given * right)) / square
    return c if c != 0.0 and _close(given, c * right, tolerance, c * right) else None


def _factor(given: Array, right: Array, name: str, batch: int | None, tolerance: float) -> Pattern | None:
    c = proportion(given, right, 10 * tolerance)
    if c is None:
        return None
    near = 100 * tolerance
    if abs(c + 1) <= near:
        return _pattern("sign", f"{name} has the wrong sign", c, 2.0)
    if batch is not None and batch > 1:
        if abs(c / batch - 1) <= near:
            return _pattern("factor N", f"{name} is {batch} times as large as it should be, the number of rows", c, abs(c - 1))
        if abs(c * batch - 1) <= near:
            return _pattern("factor 1/N", f"{name} is divided by the number of rows, {batch}, once too often", c, abs(c - 1))
    return _pattern("constant factor", f"{name} is {c:.6g} times what it should be", c, abs(c - 1))


def _turned(given: Array, right: Array, name: str, tolerance: float) -> Pattern | None:
    if right.ndim != 2 or right.shape[0] != right.shape[1] or right.shape[0] == 1:
        return None
    c = proportion(given.T, right, 10 * tolerance)
    if c is None:
        return None
    times = "" if abs(c - 1) <= 100 * tolerance else f", times {c:.6g}"
    return _pattern("transposed", f"{name} is the transpose of what it should be{times}", c, _distance(given, right))


def _term(given: Array, right: Array, name: str, terms: Mapping[str, Array], tolerance: float) -> Pattern | None:
    for term, array in terms.items():
        other = np.asarray(array, np.float64)
        if other.size != given.size:
            continue
        other = other.reshape(given.shape)
        if _close(other, right, tolerance, right):  # says nothing: the mistake makes no difference here
            continue
        c = proportion(given, other, 10 * tolerance)
        if c is not None:
            times = "" if abs(c - 1) <= 100 * tolerance else f", times {c:.6g}"
            return _pattern(term, f"{name} is what comes out with this mistake: {term}{times}", c, _distance(given, right))
    return None


def _penalty(given: Array, right: Array, name: str, value: Array | None, tolerance: float) -> Pattern | None:
    """A difference that is a multiple of the parameter (L2) or of its signs (L1)."""
    if value is None or np.size(value) != right.size or right.size < 3:
        return None
    value = np.asarray(value, np.float64).reshape(right.shape)
    missing = right - given
    noise = tolerance * float(np.abs(right).max()) / max(float(np.abs(missing).max()), 1e-300)
    for kind, direction in (("the parameter", value), ("its signs", np.sign(value))):
        c = proportion(missing, direction, max(noise, 100 * tolerance) if noise < 0.01 else 100 * tolerance)
        if c is not None:
            what = f"{name} differs by {c:.6g} times {kind}"
            which = "missing regularizer" if c > 0 else "wrong regularizer"
            return _pattern(which, f"{what}, a penalty's gradient that is " + ("not there" if c > 0 else "too much"), c)
    return None


def _rest(given: Array, right: Array, name: str, tolerance: float) -> Pattern:
    largest = float(np.abs(right).max())
    wrong = ~(np.abs(given - right) <= 10 * tolerance * largest + 1e-12)
    first = tuple(int(i) for i in np.argwhere(wrong)[0]) if wrong.any() else (0,) * right.ndim
    apart = _distance(given, right)
    place = f"at {list(first)} it is {given[first]:.6g} and should be {right[first]:.6g}"
    if right.size >= 4 and np.count_nonzero(wrong) <= right.size // 2:
        count = f"{np.count_nonzero(wrong)} of {right.size} entries of {name} are wrong"
        return _pattern("some entries", f"{count}: {place}", None, apart)
    return _pattern("unknown", f"{name} is {apart:.3g} of its length away from the right one: {place}", None, apart)


def _distance(given: Array, right: Array) -> float:
    """‖given − right‖ / ‖right‖."""
    return float(np.linalg.norm(given - right)) / max(float(np.linalg.norm(right)), 1e-300)
