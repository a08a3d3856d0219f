"""Do the targets follow from the inputs at all? Asked of rows held out, by three methods that need no training.

A linear fit, a linear fit on random units, and the nearest rows: where none of them gets above chance on many rows, it is not
the network that fails.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..arrays import Array
from ..preparation import Rows
from .chance import classes_of
from .findings import Finding, found
from .patient import Patient
from .rows_given import few_values

SOME = 1024  # rows


def standard_rows(patient: Patient) -> Array | None:
    """The sample with columns of mean 0 and standard deviation 1; None for rows that are too wide to write out."""
    x = patient.sample.x
    if not isinstance(x, np.ndarray):
        return None
    flat = x.reshape(len(x), -1).astype(np.float64)
    spread = flat.std(axis=0)
    standard: Array = (flat - flat.mean(axis=0)) / np.where(spread > 1e-9, spread, np.inf)
    return standard


def dependence(patient: Patient) -> tuple[float, float, int] | None:
    """(best skill on rows held out, what accident may give, how many rows); None where it cannot be told.

    Skill is the correlation of predicted and true targets: by the nearest rows, by a linear fit, and by one on random units.
    """
    x = standard_rows(patient)
    if x is None or len(x) < 120 or patient.chance.majority > 0.9:
        return None
    if few_values(patient.sample.x, len(x)) and max(len(np.unique(column)) for column in x.T[:100]) < 0.5 * len(x):
        return None  # of a truth table, such as a parity, neighbours tell nothing
    labels = classes_of(patient.sample, patient.loss)
    if labels is not None:
        target = np.eye(int(labels.max()) + 1)[labels]
    else:
        target = patient.sample.target.reshape(len(x), -1).astype(np.float64)
    if target.shape[1] > 64:
        return None
    skills = [_skill(x, target), _skill(x[::-1], target[::-1])]
    return sum(skills) / 2, 2.0 / math.sqrt(len(x)), len(x)


def _skill(x: Array, target: Array) -> float:
    """The best correlation of three methods, learned on one half of the rows and asked of the other."""
    half = len(x) // 2
    spread = target[:half].std(axis=0)
    varying = spread > 0.05 * float(spread.max())  # a column that is almost always the same says nothing of the others
    target, spread = target[:, varying], np.maximum(spread[varying], 1e-12)
    centre = target[:half].mean(axis=0)
    known, wanted = (target[:half] - centre) / spread, (target[half:] - centre) / spread
    rng = np.random.default_rng(41)
    if x.shape[1] > 200:
        x = x @ (rng.normal(size=(x.shape[1], 200)) / math.sqrt(x.shape[1]))
    units = np.maximum(x @ (rng.normal(size=(x.shape[1], 200)) / math.sqrt(x.shape[1])) + rng.normal(size=200), 0)
    guesses = [
        _ridge(x[:half], known, x[half:]),
        _ridge(units[:half], known, units[half:]),
        _nearest(x[:half], known, x[half:]),
    ]
    return max(_correlation(guess, wanted) for guess in guesses)


def _ridge(x: Array, y: Array, other: Array) -> Array:
    penalty = 0.3 * len(x) * np.eye(x.shape[1]) * max(float(np.mean(np.square(x))), 1e-9)
    fitted: Array = other @ np.linalg.solve(x.T @ x + penalty, x.T @ y)
    return fitted


def _nearest(x: Array, y: Array, other: Array, count: int = 7) -> Array:
    apart = (other**2).sum(axis=1)[:, None] - 2 * other @ x.T + (x**2).sum(axis=1)[None]
    nearest = np.argpartition(apart, count, axis=1)[:, :count]
    found_in: Array = y[nearest].mean(axis=1)
    return found_in


def _correlation(guess: Array, wanted: Array) -> float:
    a, b = guess - guess.mean(axis=0), wanted - wanted.mean(axis=0)
    size = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / size if size > 0 else 0.0


def unrelated(patient: Patient, path: list[str]) -> Iterator[Finding]:
    """SW501 where no method tells the targets of rows held out, SW401 where they do once the numbers of x are read across."""
    depends = dependence(patient)
    if depends is None or depends[0] >= depends[1]:
        return
    best, doubt, rows = depends
    path = [*path, f"do the targets of {rows} rows follow from the inputs, by the nearest rows or a linear fit? no: {best:.2f}"]
    for code, order, how, fix in REORDERED:
        other = order(patient.rows)
        again = None if other is None else dependence(replace(patient, rows=other))
        if again is not None and again[0] > max(2 * again[1], 0.25):
            path.append(f"and {how}? yes: {again[0]:.2f}")
            cause = f"the targets do not follow from the inputs (correlation {best:.2f}), and {how} they do ({again[0]:.2f})"
            yield found(code, cause, fix, where="x", path=path, skill=best, skill_reordered=again[0], rows=rows)
            return
    cause = (
        f"no method gets above chance on rows held out (correlation {best:.3f}, by accident up to {doubt:.3f}): the targets "
    )
    cause += "do not follow from the inputs; are rows and targets in different orders?"
    fix = "look at some rows beside their targets; shuffle x and y with the same permutation"
    yield found("SW501", cause, fix, path=path, skill=best, doubt=doubt, rows=rows)


def _some(rows: Rows) -> Array:
    return np.sort(np.random.default_rng(43).permutation(len(rows) - 1)[:SOME])


def _read_across(rows: Rows) -> Rows | None:
    """Some rows as they were before `x.reshape(D, N).T` took them for columns: number k of x.T was number k of the file."""
    x, chosen = rows.x, _some(rows)
    if not isinstance(x, np.ndarray) or x.ndim != 2 or x.shape[1] * SOME > 4_000_000:
        return None
    k = chosen[:, None] * x.shape[1] + np.arange(x.shape[1])
    return Rows(x[k % len(x), k // len(x)], rows.target[chosen], None)


def _one_further(rows: Rows) -> Rows | None:
    chosen = _some(rows)
    return Rows(rows.x[chosen + 1], rows.target[chosen], None)


def _one_before(rows: Rows) -> Rows | None:
    chosen = _some(rows)
    return Rows(rows.x[chosen], rows.target[chosen + 1], None)


def _backwards(rows: Rows) -> Rows | None:
    chosen = _some(rows)
    return Rows(rows.x[chosen], rows.target[len(rows) - 1 - chosen], None)


LEFT_OUT = "look for a row that was left out of x or y alone, such as a header"
REORDERED = (
    (
        "SW401",
        _read_across,
        "with the numbers read across, x.T.reshape(x.shape),",
        "x.reshape(N, -1) in place of x.reshape(-1, N).T",
    ),
    ("SW501", _one_further, "with each target given to the next row", LEFT_OUT),
    ("SW501", _one_before, "with each target given to the row before", LEFT_OUT),
    ("SW501", _backwards, "with the targets in the opposite order", "give x and y in the same order"),
)
