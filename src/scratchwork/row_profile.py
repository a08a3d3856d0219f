"""What training rows looked like: a few numbers for each feature, kept with a model, to hold later rows against them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .arrays import Array, Shape
from .data.table import Table
from .preprocessing import Chain
from .sparse_rows import SparseRows

SAMPLE = 1024  # rows
MOST_FEATURES = 4096  # of wider rows, so many that are evenly spread
SPARSE_SAMPLE, SPARSE_FEATURES = 512, 1024  # of sparse rows, which are mostly zeros
QUANTILES = 17  # of all numbers together
DIGITS = 6
FEATURE_NUMBERS = ("mean", "spread", "low", "high")
SUMMARIES = ("quantiles", "distances", "sizes")
CLIPPED = 25.0  # (five standard deviations)²: one number that is far off does not stand for a whole row
LEAST_SPREAD = 0.02  # of a feature's range, or of the range of all where a feature is constant


@dataclass(frozen=True)
class RowProfile:
    """Mean, standard deviation and range of each feature of the rows that a model was trained on.

    `distances` are the mean, the 0.99 quantile and the largest of how far training rows themselves are from the mean row; see
    `distance`. `sizes` are the least, median and largest root mean square of a row.

    >>> profile = RowProfile.of(np.array([[0.0, 10.0], [1.0, 30.0], [2.0, 20.0]]))
    >>> profile.mean.tolist(), profile.high.tolist(), profile.constant
    ([1.0, 20.0], [2.0, 30.0], 0)
    """

    shape: Shape
    dtype: str
    rows: int
    features: Array  # which numbers of a flat row are described
    mean: Array
    spread: Array
    low: Array
    high: Array
    quantiles: Array
    distances: Array
    sizes: Array

    @classmethod
    def of(cls, rows: Any, count: int | None = None) -> RowProfile | None:
        """The profile of rows of finite numbers, some of `count` in all; None for what has none, such as text."""
        count, shape = len(rows) if count is None else count, tuple(int(size) for size in rows.shape[1:])
        if not len(rows) or rows.dtype.kind not in "buif" or not math.prod(shape):
            return None
        sparse, width, dtype = isinstance(rows, SparseRows), math.prod(shape), str(rows.dtype)
        most = SPARSE_FEATURES if sparse else MOST_FEATURES
        features = np.arange(width) if width <= most else np.linspace(0, width - 1, most).astype(np.int64)
        flat = picked(rows[sampled(len(rows), SPARSE_SAMPLE if sparse else SAMPLE)], features)
        if not np.isfinite(flat).all():
            return None
        values = flat.reshape(-1)
        values = values[:: max(1, values.size // 65536)]
        quantiles = np.quantile(values, np.linspace(0, 1, QUANTILES))
        mean, spread, low, high = map(rounded, (flat.mean(axis=0), flat.std(axis=0), flat.min(axis=0), flat.max(axis=0)))
        sizes = rounded(np.quantile(size_of(flat), [0.0, 0.5, 1.0]))
        profile = cls(shape, dtype, count, features, mean, spread, low, high, rounded(quantiles), np.zeros(3), sizes)
        apart = profile.distance(flat)
        return replace(profile, distances=rounded(np.array([apart.mean(), *np.quantile(apart, [0.99, 1.0])])))

    @property
    def constant(self) -> int:
        """How many features were the same in all rows."""
        return int((self.low == self.high).sum())

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest number of all."""
        return float(self.low.min()), float(self.high.max())

    @property
    def scale(self) -> Array:
        """What a difference is divided by, feature by feature."""
        low, high = self.range
        width = np.where(self.high > self.low, self.high - self.low, (high - low) or max(abs(high), 1.0))
        scale: Array = np.maximum(self.spread, LEAST_SPREAD * width)
        return np.maximum(scale, 1e-30)

    def chosen(self, rows: Any) -> Array:
        """The described numbers of rows, as a matrix of float64."""
        return picked(rows, self.features)

    def distance(self, flat: Array, which: Array | None = None) -> Array:
        """How far each row is from the mean row: the mean over features of ((x − mean) / scale)², each at most 25.

        `which` of the features count, given as booleans; None: all.
        """
        z = (flat - self.mean) / self.scale
        squares = np.minimum(z * z, CLIPPED)
        apart: Array = (squares if which is None else squares[:, which]).mean(axis=1)
        return apart

    def to_json(self) -> dict[str, Any]:
        """All of it as what JSON knows."""
        whole = len(self.features) == math.prod(self.shape)
        lists = {name: getattr(self, name).tolist() for name in (*FEATURE_NUMBERS, *SUMMARIES)}
        features = None if whole else self.features.tolist()
        return {"shape": list(self.shape), "dtype": self.dtype, "rows": self.rows, "features": features, **lists}

    @classmethod
    def from_json(cls, document: Any) -> RowProfile:
        """The inverse; ValueError, KeyError or TypeError for anything else."""
        shape = tuple(int(size) for size in document["shape"])
        width = math.prod(shape)
        named = document["features"]
        features = np.arange(width) if named is None and width <= MOST_FEATURES else np.array(named, dtype=np.int64)
        numbers = [np.array(document[name], dtype=np.float64) for name in FEATURE_NUMBERS]
        summaries = [np.array(document[name], dtype=np.float64) for name in SUMMARIES]
        right = all(array.shape == features.shape and np.isfinite(array).all() for array in numbers)
        right = right and features.ndim == 1 and 0 < features.size <= MOST_FEATURES and min(shape, default=1) > 0
        right = right and bool((features >= 0).all() and (features < width).all())
        right = right and [array.size for array in summaries] == [QUANTILES, 3, 3]
        if not right or not all(np.isfinite(array).all() for array in summaries):
            raise ValueError("the profile of its training rows has the wrong form")
        return cls(shape, str(document["dtype"]), int(document["rows"]), features, *numbers, *summaries)


def encoded(rows: Any, preprocessing: Chain) -> Any:
    """A table as the first step of its preprocessing makes numbers of it; other rows as they are."""
    encoder: Any = preprocessing.steps[0] if isinstance(rows, Table) else None
    return rows if encoder is None else encoder.transform(rows)


def profile_of(rows: Any, preprocessing: Chain) -> RowProfile | None:
    """What raw rows look like: an array, sparse rows, or a table that its encoder makes numbers of."""
    which = sampled(len(rows))
    some = rows.take(which) if isinstance(rows, Table) else rows[which]
    return RowProfile.of(encoded(some, preprocessing), len(rows))


def rounded(array: Array) -> Array:
    """The numbers with six digits, as a file holds them."""
    return np.array([float(f"{value:.{DIGITS}g}") for value in array.tolist()])


def size_of(flat: Array) -> Array:
    """The root mean square of each row."""
    size: Array = np.sqrt((flat * flat).mean(axis=1))
    return size


def sampled(count: int, most: int = SAMPLE) -> Array:
    """Which of so many rows are looked at: evenly spread ones."""
    chosen: Array = np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))
    return chosen


def picked(rows: Any, features: Array) -> Array:
    """Some numbers of each row, as a matrix of float64; sparse rows are not filled for it."""
    if not isinstance(rows, SparseRows):
        flat: Array = rows.reshape(len(rows), -1)[:, features]
        return flat.astype(np.float64)
    place = np.minimum(np.searchsorted(features, rows.indices), len(features) - 1)
    hit = features[place] == rows.indices
    owner = np.repeat(np.arange(len(rows)), np.diff(rows.indptr))
    matrix: Array = np.zeros((len(rows), len(features)))
    np.add.at(matrix, (owner[hit], place[hit]), rows.data[hit])
    return matrix
