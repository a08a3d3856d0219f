"""Do the targets follow from the inputs at all? Asked of rows held out, by three methods that need no training.

A linear fit, a linear fit on random units, and the nearest rows: where none of them gets above chance on many rows, it is not
the network that fails.
"""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Array
from .patient import Patient
from .rows_given import few_values


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
    if x is None or len(x) < 120 or few_values(patient.sample.x, len(x)):
        return None
    classes = patient.classes
    if patient.chance.majority > 0.9:
        return None
    if classes is not None:
        labels = (
            patient.sample.target.argmax(axis=1)
            if patient.sample.target.ndim == 2 and patient.sample.target.shape[1] > 1
            else None
        )
        labels = patient.sample.target.reshape(-1).astype(int) if labels is None else labels
        target = np.eye(int(labels.max()) + 1)[labels]
    else:
        target = patient.sample.target.reshape(len(x), -1).astype(np.float64)
    if target.shape[1] > 64:
        return None
    half = len(x) // 2
    centre = target[:half].mean(axis=0)
    spread = np.maximum(target[:half].std(axis=0), 1e-9)
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
    skills = [_correlation(guess, wanted) for guess in guesses]
    return max(skills), 2.2 / math.sqrt(half), len(x) - half


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
