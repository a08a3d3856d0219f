"""Small made problems whose answer is known: what one looks at while a network is being understood.

Every function takes a `seed` and gives the same rows for the same seed; where nothing is random it says so. Below, ε is a
fresh draw of N(0, 1) for each number, t runs evenly from 0 to 1 over the points of a class, K is the number of classes.
"""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Array
from ..errors import ConfigurationError
from ..layers.base import real_number
from ..sequential import is_seed
from .dataset import Dataset


def xor(seed: int = 0) -> Dataset:
    """The four rows of exclusive or: y = x₀ ⊕ x₁, the smallest problem that no linear classifier can solve.

    Nothing is random; `seed` is there so that all built-in sets are called alike.

    >>> data = xor()
    >>> data.x.tolist(), data.y.tolist()
    ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])
    """
    rows = [[0, 0], [0, 1], [1, 0], [1, 1]]
    return _classes("xor", np.array(rows), np.array([0, 1, 1, 0]), 2)


def article_rows(seed: int = 0) -> Dataset:
    """The four-row table that the training-notes article trains its two-layer sigmoid net on.

    y = x₀ ⊕ x₁ again; x₂ is always 1 and serves as the bias, which that net does not have. Nothing is random.

    >>> data = article_rows()
    >>> data.x.tolist()
    [[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]]
    >>> data.y.tolist()
    [0, 1, 1, 0]
    """
    rows = [[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]]
    return _classes("article_rows", np.array(rows), np.array([0, 1, 1, 0]), 2)


def spirals(per_class: int = 100, classes: int = 3, noise: float = 0.2, seed: int = 0) -> Dataset:
    """Arms of a spiral around the origin, one per class.

    ::

        θ = 2πk/K + 10 t + 2.5 · noise · ε        x = (t sin θ, t cos θ)        k = 0 … K−1

    Each arm turns by 10 radians, a bit more than one and a half rounds, and the arms start evenly spread, so that without
    noise none touches another but at the origin, where all begin, however many there are.
    """
    rng = _generator(seed, per_class=per_class, classes=classes, noise=noise)
    t = np.tile(np.linspace(0.0, 1.0, per_class), classes)
    y = np.repeat(np.arange(classes), per_class)
    angle = 2 * math.pi * y / classes + 10 * t + 2.5 * noise * rng.standard_normal(len(y))
    return _classes("spirals", np.column_stack([t * np.sin(angle), t * np.cos(angle)]), y, classes)


def vertical_stripes(per_class: int = 100, classes: int = 3, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Stripes side by side, one per class: the linear problem to set beside the spirals.

    ::

        x₀ = k/K + noise · ε        x₁ = ½ + noise · ε        k = 0 … K−1
    """
    rng = _generator(seed, per_class=per_class, classes=classes, noise=noise)
    y = np.repeat(np.arange(classes), per_class)
    centre = np.column_stack([y / classes, np.full(len(y), 0.5)])
    return _classes("vertical_stripes", centre + noise * rng.standard_normal(centre.shape), y, classes)


def sine(rows: int = 1000, noise: float = 0.0, seed: int = 0) -> Dataset:
    """One period of the sine, to be fitted by a regression.

    ::

        x = i / N        y = sin(2πx) + noise · ε        i = 0 … N−1
    """
    rng = _generator(seed, rows=rows, noise=noise)
    x = np.arange(rows) / rows
    y = np.sin(2 * math.pi * x) + noise * rng.standard_normal(rows)
    return Dataset(x[:, None].astype(np.float32), y.astype(np.float32), name="sine")


def moons(per_class: int = 100, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Two half circles that reach into each other.

    ::

        class 0    x = (cos πt, sin πt) + noise · ε
        class 1    x = (1 − cos πt, ½ − sin πt) + noise · ε
    """
    rng = _generator(seed, per_class=per_class, noise=noise)
    angle = math.pi * np.linspace(0.0, 1.0, per_class)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    lower = np.column_stack([1 - np.cos(angle), 0.5 - np.sin(angle)])
    x = np.concatenate([upper, lower])
    return _classes("moons", x + noise * rng.standard_normal(x.shape), np.repeat([0, 1], per_class), 2)


def circles(per_class: int = 100, noise: float = 0.05, ratio: float = 0.5, seed: int = 0) -> Dataset:
    """A circle inside another.

    ::

        x = r (cos θ, sin θ) + noise · ε        θ = 2πi/n, i = 0 … n−1        r = 1 for class 0, `ratio` for class 1
    """
    rng = _generator(seed, per_class=per_class, noise=noise)
    if not 0 < ratio < 1:
        raise ConfigurationError(f"ratio is the inner radius, between 0 and 1; received {ratio!r}")
    angle = 2 * math.pi * np.arange(per_class) / per_class
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    x = np.concatenate([ring, ratio * ring])
    return _classes("circles", x + noise * rng.standard_normal(x.shape), np.repeat([0, 1], per_class), 2)


def blobs(per_class: int = 100, classes: int = 3, noise: float = 1.0, features: int = 2, seed: int = 0) -> Dataset:
    """Round clouds, one per class, around centres drawn at random.

    ::

        centre of class k ~ U(−5, 5)ᴰ        x = centre + noise · ε
    """
    rng = _generator(seed, per_class=per_class, classes=classes, noise=noise, features=features)
    centres = rng.uniform(-5.0, 5.0, (classes, features))
    y = np.repeat(np.arange(classes), per_class)
    return _classes("blobs", centres[y] + noise * rng.standard_normal((len(y), features)), y, classes)


def _classes(name: str, x: Array, y: Array, classes: int) -> Dataset:
    labels = tuple(str(k) for k in range(classes))
    return Dataset(x.astype(np.float32), y.astype(np.int64), name=name, labels=labels)


def _generator(seed: int, *, noise: float = 0.0, **counts: int) -> np.random.Generator:
    """The random generator, once the arguments that all sets share are seen to be sensible."""
    for name, count in counts.items():
        least = 2 if name == "classes" else 1
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < least:
            raise ConfigurationError(f"{name} is a whole number of at least {least}; received {count!r}")
    real_number(noise, lambda noise: 0 <= noise < math.inf, "noise is a standard deviation, at least 0")
    if not is_seed(seed):
        raise ConfigurationError(f"seed is a whole number of at least 0; received {seed!r}")
    return np.random.default_rng(int(seed))
