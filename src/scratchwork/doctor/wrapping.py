"""SW104: whole numbers that left the range of a narrow type and came in again at its other end.

What is left of it are numbers. On the circle of 256 they tell two things: a picture's background and its neighbour on the
circle are black and white, and not two greys; and where there is no background, a photograph's neighbouring pixels are alike,
unless one of them has gone round.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..arrays import Array
from ..sparse_rows import SparseRows
from .findings import Finding, found
from .patient import Patient

ROWS = 512
END = 16  # of 256 values: what counts as near an end
BACKGROUND = 0.2  # the least share of all numbers that makes one value a background
UNEVEN = 1.5  # times more on one side of the background than on the other
ALIKE = 2.5  # times more at one end than at the other, at most: those that went round were neighbours
DIVISORS = (1.0, 255.0, 128.0, 127.0, 256.0, 127.5)


def wrapped(patient: Patient) -> Iterator[Finding]:
    """SW104 of the inputs, and of targets that are whole numbers."""
    for name, given in (("x", patient.given_x), ("y", patient.given_y)):
        rows = _rows(given)
        if rows is None:
            continue
        columns = _gap(rows) if rows.dtype.kind in "iu" and rows.shape[1] < END else None
        circle = _on_the_circle(rows) if name == "x" and rows.shape[1] >= END else None
        finding = columns or (None if circle is None else _background(circle) or _photographs(circle))
        if finding is not None:
            cause, evidence = finding
            fix = f"{name}.astype(np.float32) before calculating with it"
            yield found("SW104", cause, fix, where=name, **evidence)


def _rows(given: Any) -> Array | None:
    """Up to 512 rows of numbers, flat; None for what has none."""
    if given is None or isinstance(given, SparseRows) or hasattr(given, "tocsr"):
        return None
    array = np.asarray(given)
    if array.ndim == 0 or array.dtype.kind not in "iuf" or array.size == 0:
        return None
    chosen = np.linspace(0, len(array) - 1, min(len(array), ROWS)).astype(int)
    rows = array[chosen].reshape(len(chosen), -1)
    return rows if np.isfinite(rows).all() else None


def _on_the_circle(rows: Array) -> Array | None:
    """Numbers that were bytes as int64 in 0..255, also after a division and a subtraction; None where they are no bytes, or
    not of all sizes."""
    some = rows.reshape(-1)[:: max(rows.size // 4096, 1)]
    values = some if len(np.unique(some)) > 256 else np.unique(rows)  # most numbers of other kinds are told apart by a few
    if not 2 <= len(values) <= 256:
        return None
    values = values.astype(np.float64)
    low, span = float(values[0]), float(values[-1] - values[0])
    steps = np.diff(values)
    for divisor in DIVISORS if rows.dtype.kind == "f" else (1.0,):
        numbers = values * divisor
        if _whole(numbers) and round(numbers[0]) >= -128 and round(numbers[-1]) <= 255 and 192 <= span * divisor <= 255.5:
            if numbers[0] < -0.5 and numbers[-1] > 127.5:
                continue
            return np.rint(rows * divisor).astype(np.int64) + (128 if numbers[0] < -0.5 else 0)
    step = float(steps.min())
    if not (rows.dtype.kind == "f" and 192 <= span / step <= 255.5 and _whole((values - low) / step)):
        return None
    return np.rint((rows - low) / step).astype(np.int64)


def _whole(numbers: Array) -> bool:
    return float(np.abs(numbers - np.rint(numbers)).max()) <= 6e-3


def _background(values: Array) -> tuple[str, dict[str, Any]] | None:
    """A background in the middle, whose two neighbours have nothing to do with each other, while the two ends go together."""
    shares = np.bincount(values.reshape(-1), minlength=256) / values.size
    mode = int(shares.argmax())
    if shares[mode] < BACKGROUND or not END < mode < 256 - END:
        return None
    below, above = float(shares[mode - END : mode].sum()), float(shares[mode + 1 : mode + 1 + END].sum())
    low, high = float(shares[:END].sum()), float(shares[-END:].sum())
    uneven = max(below, above) > UNEVEN * min(below, above) + 1e-3
    joined = min(low, high) > 2e-3 and max(low, high) < ALIKE * min(low, high)
    turned = (values - mode) % 256
    if not (uneven and joined) or _jump(turned) > 0.95 * _jump(_strangers(turned)):
        return None
    cause = f"{shares[mode]:.0%} of the numbers are {mode} of 0..255, a background in the middle; {above:.1%} are just above "
    cause += f"it and {below:.1%} just below, and the two ends are alike: numbers left the range of a byte"
    return cause, {"background": mode, "share": float(shares[mode]), "above": above, "below": below, "low": low, "high": high}


def _photographs(values: Array) -> tuple[str, dict[str, Any]] | None:
    """Neighbours that are far apart, and near on the circle; what is cut off at 0 and at 255 is left out."""
    shares = np.bincount(values.reshape(-1), minlength=256) / values.size
    low, high = float(shares[1:END].sum()), float(shares[-END:-1].sum())
    if min(low, high) < 0.02 or max(low, high) > ALIKE * min(low, high):
        return None
    left, right = values[:, :-1], values[:, 1:]
    inner = (left > 0) & (left < 255) & (right > 0) & (right < 255)
    far = np.abs(left - right)[inner]
    near = np.minimum(far, 256 - far)
    if far.size == 0 or (far > 128).mean() < 0.04 or near.mean() > 0.65 * far.mean():
        return None
    across = float(np.median(near[far > 128]))
    strangers = _strangers(values)
    apart = np.abs(np.diff(strangers, axis=1))
    if across > 55 or near.mean() > 0.8 * np.minimum(apart, 256 - apart).mean():
        return None
    cause = f"neighbouring numbers are {far.mean():.0f} apart on average, and {near.mean():.0f} on a circle of 256: numbers "
    cause += "beyond one end of a byte's range came in again at the other"
    return cause, {"jump": far.mean(), "jump_on_the_circle": near.mean(), "low": low, "high": high}


def _strangers(values: Array) -> Array:
    """The same numbers with the columns in another order."""
    return values[:, np.random.default_rng(0).permutation(values.shape[1])]


def _jump(values: Array) -> float:
    """How far neighbours are apart, on average."""
    return float(np.abs(np.diff(values, axis=1)).mean())


def _gap(rows: Array) -> tuple[str, dict[str, Any]] | None:
    """For columns of a table in a narrow type: values close to both ends of the type, with the gap in the middle."""
    if rows.dtype.itemsize > 2 or len(rows) < 30:
        return None
    low, high = int(np.iinfo(rows.dtype).min), int(np.iinfo(rows.dtype).max)
    period = high - low + 1
    for column in range(rows.shape[1]):
        values = np.unique(rows[:, column].astype(np.int64))
        if len(values) < 12 or values[0] > low + period // 16 or values[-1] < high - period // 16:
            continue
        gaps = np.diff(values)
        widest = int(gaps.argmax())
        spread = np.delete(gaps, widest)
        over = int(values[0]) + period - int(values[-1])  # the step from the highest value round to the lowest
        inner = float(np.median(spread)) if spread.size else 0.0
        both = min(widest + 1, len(values) - widest - 1) >= 4
        if both and gaps[widest] > period // 5 and over <= max(6 * inner, 3 * float(spread.max()), 2):
            cause = f"column {column} has values {low}..{int(values[widest])} and {int(values[widest + 1])}..{high} and none "
            cause += f"between: numbers beyond {high} came in again at {low}"
            return cause, {"column": column, "gap": int(gaps[widest]), "lowest": int(values[0]), "highest": int(values[-1])}
    return None
