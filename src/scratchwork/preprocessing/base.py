"""What a transformer is, and sums over many rows that neither lose digits nor copy the data."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array, Shape, numeric_array, require_finite
from ..errors import DataError, FileFormatError, NotBuiltError, ShapeError
from ..layers.base import described, hyperparameters

PIECE = 1 << 17  # numbers per piece: one megabyte of float64, which stays in the cache


Axes: TypeAlias = Mapping[str, tuple[str, ...]]


class Transformer(ABC):
    """A change of the rows that is learned from the training part, and its inverse.

    - `fit` looks, `transform` acts; both leave `x` as it is, and `transform` always returns a new array.
    - Statistics and arithmetic are float64; the result is float64 where `x` is, float32 for all else (float32, integers).
    - `fit` refuses NaN and infinities; `transform` passes them on, so that whoever checks its result sees them.
    - Hyper-parameters keep the names they have in `__init__`; what `fit` learned ends in an underscore.
    """

    learned: ClassVar[Axes] = {}
    """The arrays that `fit` leaves, each with the names of its axes ("..." for any); equal names have equal lengths."""

    @abstractmethod
    def fit(self, x: ArrayLike) -> Self:
        """Learn from the rows of `x`, forget what was learned before, and return self."""

    @abstractmethod
    def transform(self, x: ArrayLike) -> Array:
        """The rows of `x`, changed as learned; NotBuiltError before `fit`, ShapeError for rows of another shape."""

    @abstractmethod
    def inverse_transform(self, y: ArrayLike) -> Array:
        """The rows that `transform` would have turned into `y`, up to rounding."""

    def fit_transform(self, x: ArrayLike) -> Array:
        """`fit(x).transform(x)`."""
        return self.fit(x).transform(x)

    @property
    def fitted(self) -> bool:
        """Whether there is nothing left to learn."""
        return all(hasattr(self, name) for name in self.learned)

    def config(self) -> dict[str, Any]:
        """The hyper-parameters, by the names of `__init__`, as JSON can write them."""
        return {argument.name: getattr(self, argument.name) for argument in hyperparameters(self)}

    def state(self) -> dict[str, Array]:
        """What `fit` learned, by name; `load_state` takes it back."""
        self.require_fitted()
        return {name: getattr(self, name) for name in self.learned}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Take what another object of the same kind has learned; FileFormatError where it cannot be that."""
        checked_names(self, state, self.learned)
        lengths: dict[str, Any] = {}
        for name, axes in self.learned.items():
            array = np.asarray(state[name])
            shape = (array.shape,) if axes == ("...",) else array.shape
            fits = len(shape) == len(axes) and all(
                lengths.setdefault(axis, length) == length for axis, length in zip(axes, shape, strict=True)
            )
            if not fits or array.dtype.kind != "f" or not np.isfinite(array).all():
                raise FileFormatError(f"the state of {self!r} is damaged: {name} is {array.dtype} of shape {array.shape}")
        for name in self.learned:
            setattr(self, name, np.array(state[name], np.float64))

    def require_fitted(self) -> None:
        """Raise NotBuiltError before `fit` or `load_state`."""
        if not self.fitted:
            raise NotBuiltError(f"{self!r} has learned nothing yet: call fit(x) with the training rows first")

    def __repr__(self) -> str:
        return described(self)


def checked_names(owner: Transformer, state: Mapping[str, Array], wanted: Mapping[str, Any]) -> None:
    """Raise FileFormatError where `state` does not hold exactly the `wanted` arrays."""
    if set(state) != set(wanted):
        names = ", ".join(wanted) or "no arrays"
        raise FileFormatError(f"the state of {owner!r} holds {names}; received {', '.join(sorted(state)) or 'nothing'}")


def training_rows(x: ArrayLike, ndim: int | None = None) -> Array:
    """`x` for `fit`: at least one row of numbers, all finite; with `ndim=2`, flat rows only."""
    array = numeric_array(x, "x")
    require_rows(array, ndim)
    if array.size == 0:
        raise DataError(f"x is empty, of shape {array.shape}: there is nothing to learn from")
    require_finite(array, "x")
    return array


def rows_like(x: ArrayLike, shape: Shape | None, name: str = "x") -> Array:
    """`x` for `transform`: numbers in rows of this shape (of any, for None)."""
    array = numeric_array(x, name)
    if shape is None:
        return array
    if array.shape[1:] != shape or array.ndim == 0:
        expected = ", ".join(["N", *map(str, shape)])
        raise ShapeError(f"expected {name} of shape ({expected}{',' * (not shape)}), received {array.shape}")
    return array


def require_rows(x: Array, ndim: int | None = None) -> None:
    """Raise ShapeError for what is no batch of rows, or of rows that are not flat where they must be."""
    if x.ndim < 2:
        raise ShapeError(f"expected x of shape (N, D), one row per example, received {x.shape}: x[:, None] makes one column")
    if ndim is not None and x.ndim != ndim:
        raise ShapeError(f"expected flat rows of shape (N, D), received {x.shape}: x.reshape(len(x), -1) makes rows flat")


def pieces(x: Array, numbers: int = PIECE) -> Iterator[tuple[slice, Array]]:
    """The rows of `x` as float64, a few at a time: (which rows, a copy of them that may be written to)."""
    rows = max(1, numbers // max(1, x[:1].size))
    for start in range(0, len(x), rows):
        place = slice(start, start + rows)
        yield place, x[place].astype(np.float64)


def mapped(x: Array, function: Callable[[Array], Array], row_shape: Shape | None = None) -> Array:
    """`function` of all rows, computed in float64 piece by piece; the result is float64 where `x` is, else float32."""
    dtype = np.float64 if x.dtype.kind == "f" and x.dtype.itemsize >= 8 else np.float32
    y = np.empty(x.shape if row_shape is None else (len(x), *row_shape), dtype)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is infinite in the result, for whoever checks it
        for place, piece in pieces(x):
            y[place] = function(piece)
    return y


def moments(x: Array) -> tuple[Array, Array]:
    """Mean and variance (divided by N) of every feature, in float64, in two passes over `x`.

    ::

        μ = x₀ + Σₙ (xₙ − x₀) / N        σ² = Σₙ (xₙ − μ)² / N

    Numerics: the textbook E[x²] − E[x]² in one pass loses every digit when the mean is large beside the spread (of
    1e8 ± 1 it makes 0). The first row is subtracted before summing, so that a constant feature has *exactly* its mean and
    variance 0: summing a thousand times 0.1 gives no exact 100, and its rounding error would be taken for variance.

    References: Chan, Golub, LeVeque (1983), "Algorithms for computing the sample variance: analysis and recommendations",
    The American Statistician 37 (the two-pass algorithm, and shifting by a sample).
    """
    origin = x[0].astype(np.float64)
    total, squares = np.zeros_like(origin), np.zeros_like(origin)
    with np.errstate(over="ignore", invalid="ignore"):
        for _, piece in pieces(x):
            piece -= origin
            total += piece.sum(axis=0)
        mean = origin + total / len(x)
        for _, piece in pieces(x):
            piece -= mean
            squares += np.square(piece, out=piece).sum(axis=0)
        variance = squares / len(x)
    if not np.isfinite(variance).all():
        raise DataError("x holds numbers whose squares are beyond float64, about 1e154: rescale it first")
    return mean, variance
