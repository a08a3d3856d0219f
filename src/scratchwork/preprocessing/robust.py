"""Scaling that a few wild numbers cannot spoil: by quartiles in place of moments, and far values drawn in smoothly."""

import math
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..errors import DataError
from ..layers.base import real_number
from .base import PIECE, Axes, Transformer, mapped, moments, rows_like, training_rows


class RobustScale(Transformer):
    """Moves every feature's median to 0 and gives the middle half of its values a width of 1.

    ::

        Forward   y = (x − m) / s,  and 0 where s = 0      m = q(½)
                  s = q(¾) − q(¼),  and where that is 0:  s = ½ (max − min)
        Inverse   x = y s + m
        Shapes    x, y (N, ...)   m, s (...)
        q(p)      with x₀ ≤ x₁ ≤ … sorted, t = (N − 1) p and i = ⌊t⌋:   q(p) = x_i + (t − i)(x_{i+1} − x_i)

    A mean and a standard deviation follow every outlier; half of the values may be wild before a median is, a quarter
    before a quartile is. Where more than half of the values are the same (a rare category as 0 and 1) the quartiles may
    agree, and half of the range takes their place. A feature that is constant over the training rows has taught nothing:
    it becomes 0 for all rows, also for later ones that differ, and the inverse gives its one value back.

    Numerics
    --------
    (x − m) / s and not x · (1/s): 1/s is infinite for the smallest s.

    References
    ----------
    Holzmüller, Grinsztajn, Steinwart (2024), "Better by default: strong pre-tuned MLPs and boosted trees on tabular data".

    Examples
    --------
    >>> scale = RobustScale().fit([[0.0, 7.0], [1.0, 7.0], [2.0, 7.0], [3.0, 7.0], [1e9, 7.0]])
    >>> scale.median_, scale.scale_
    (array([2., 7.]), array([2., 0.]))
    >>> scale.transform([[4.0, 7.0], [0.0, 8.0]])
    array([[ 1.,  0.],
           [-1.,  0.]])
    """

    learned: ClassVar[Axes] = {"median_": ("...",), "scale_": ("...",)}
    median_: Array
    scale_: Array

    def fit(self, x: ArrayLike) -> "RobustScale":
        x = training_rows(x)
        flat = x.reshape(len(x), -1)
        median, scale = np.empty(flat.shape[1]), np.empty(flat.shape[1])
        width = max(1, PIECE // len(flat))
        for start in range(0, flat.shape[1], width):  # a few columns at a time: quantiles sort a copy
            columns = flat[:, start : start + width].astype(np.float64)
            with np.errstate(over="ignore", invalid="ignore"):
                low, middle, high = np.quantile(columns, (0.25, 0.5, 0.75), axis=0, overwrite_input=True)
                spread = high - low
                whole = columns.max(axis=0) - columns.min(axis=0)
            median[start : start + width] = middle
            scale[start : start + width] = np.where(spread > 0, spread, 0.5 * whole)
        if not (np.isfinite(scale).all() and np.isfinite(median).all()):
            raise DataError("x holds numbers whose differences are beyond float64, about 1e308: rescale it first")
        self.median_, self.scale_ = median.reshape(x.shape[1:]), scale.reshape(x.shape[1:])
        return self

    def transform(self, x: ArrayLike) -> Array:
        self.require_fitted()
        constant = self.scale_ == 0
        scale = np.where(constant, 1.0, self.scale_)

        def forward(piece: Array) -> Array:
            piece -= self.median_
            piece /= scale
            return np.multiply(piece, 0.0, out=piece, where=constant)  # and not assigned, so that NaN is passed on here too

        return mapped(rows_like(x, self.median_.shape), forward)

    def inverse_transform(self, y: ArrayLike) -> Array:
        self.require_fitted()

        def backward(piece: Array) -> Array:
            piece *= self.scale_
            return np.add(piece, self.median_, out=piece)

        return mapped(rows_like(y, self.median_.shape, "y"), backward)


class SmoothClip(Transformer):
    """Draws far values in towards ±limit and leaves those near 0 as they are, without the corner that cutting off has.

    ::

        Forward   y = x / √(1 + (x/c)²)      c = limit, so that |y| < c, and y ≈ x where |x| ≪ c
        Inverse   x = y / √(1 − (y/c)²)      ±∞ at y = ±c, NaN beyond
        Shapes    x, y of any shape

    Nothing is learned; an infinite x gives NaN. After `RobustScale` the outliers of a feature keep their order and lose
    their weight.

    Parameters
    ----------
    limit : float > 0

    Raises
    ------
    ConfigurationError
        When the limit is not above 0, or not finite.

    Numerics
    --------
    The root is `hypot(1, x/c)`: (x/c)² is infinite in float64 from x/c = 1.4·10¹⁵⁴ on, and y would be 0 there instead of c.
    The inverse divides by √((1 − y/c)(1 + y/c)), which keeps its digits near ±c. A large x is so near to c that rounding
    makes it c itself, at x ≈ 10⁴ c in float32 and 10⁸ c in float64; the inverse of that is infinite.

    References
    ----------
    Holzmüller, Grinsztajn, Steinwart (2024), "Better by default: strong pre-tuned MLPs and boosted trees on tabular data",
    with limit 3.

    Examples
    --------
    >>> SmoothClip(3.0).transform([[0.1, 4.0, -1e200]]).round(3)
    array([[ 0.1,  2.4, -3. ]])
    >>> SmoothClip(3.0).inverse_transform([[2.4]]).round(12)
    array([[4.]])
    """

    def __init__(self, limit: float = 3.0) -> None:
        self.limit = real_number(limit, lambda limit: 0 < limit < math.inf, "SmoothClip needs a finite limit > 0")

    def fit(self, x: ArrayLike) -> "SmoothClip":
        return self

    def transform(self, x: ArrayLike) -> Array:
        def forward(piece: Array) -> Array:
            piece /= np.hypot(1.0, piece / self.limit)
            return piece

        return mapped(np.atleast_1d(rows_like(x, None)), forward)

    def inverse_transform(self, y: ArrayLike) -> Array:
        def backward(piece: Array) -> Array:
            share = piece / self.limit
            with np.errstate(divide="ignore"):
                piece /= np.sqrt((1.0 - share) * (1.0 + share))
            return piece

        return mapped(np.atleast_1d(rows_like(y, None, "y")), backward)


def center_and_scale(x: Array, *, robust: bool = False) -> tuple[float, float]:
    """Mean and deviation, or median and the distance of the quartiles, of numbers that are not all the same.

    Numerics: beyond 1e±100 they are taken in units of the largest, whose square would not fit in float64.
    """
    largest = float(np.abs(x).max())
    unit = 1.0 if 1e-100 < largest < 1e100 else largest
    units = (x / unit)[:, None]
    if robust:
        scaler = RobustScale().fit(units)
        return float(scaler.median_[0]) * unit, float(scaler.scale_[0]) * unit or largest
    mean, variance = moments(units)
    return float(mean[0]) * unit, math.sqrt(variance[0]) * unit or largest
