"""Shifts and scales, feature by feature: what keeps inputs of different units equally important."""

import math
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..errors import ConfigurationError, look_up
from ..layers.base import real_number
from .base import Axes, Transformer, mapped, moments, rows_like, training_rows

PER = {"feature": "feature", "image": "feature", "scalar": "scalar"}


class MeanSubtraction(Transformer):
    """Moves the cloud of rows so that its centre is the origin.

    ::

        Forward   y = x − μ       μ_d = Σₙ x_nd / N  per feature,  or  μ = Σₙ Σ_d x_nd / (N·D)  the one mean of all numbers
        Inverse   x = y + μ
        Shapes    x, y (N, ...)   μ (...) per feature, () for the one mean

    Parameters
    ----------
    per : "feature", "image" or "scalar"
        "feature" subtracts each column's own mean. For images that *is* the mean image, so "image" is the same by another
        name. "scalar" subtracts one number from everything, which keeps the brightness of pixels comparable.

    Raises
    ------
    ConfigurationError
        For another `per`.

    Examples
    --------
    >>> center = MeanSubtraction().fit([[0.0, 10.0], [2.0, 30.0]])
    >>> center.mean_
    array([ 1., 20.])
    >>> center.transform([[1.0, 25.0]])
    array([[0., 5.]])
    """

    learned: ClassVar[Axes] = {"mean_": ("...",)}
    mean_: Array

    def __init__(self, per: str = "feature") -> None:
        look_up(per, PER, "choice of MeanSubtraction(per=...)")
        self.per = per

    def fit(self, x: ArrayLike) -> "MeanSubtraction":
        mean, _ = moments(training_rows(x))
        self.mean_ = np.asarray(mean.mean()) if look_up(self.per, PER, "per") == "scalar" else mean
        return self

    def transform(self, x: ArrayLike) -> Array:
        self.require_fitted()
        shape = self.mean_.shape or None
        return mapped(rows_like(x, shape), lambda piece: np.subtract(piece, self.mean_, out=piece))

    def inverse_transform(self, y: ArrayLike) -> Array:
        self.require_fitted()
        shape = self.mean_.shape or None
        return mapped(rows_like(y, shape, "y"), lambda piece: np.add(piece, self.mean_, out=piece))


class Standardize(Transformer):
    """Gives every feature mean 0 and variance 1.

    ::

        Forward   y = (x − μ) / s      s = √(σ² + eps),  and s = 1 where σ² = 0
        Inverse   x = y s + μ
        Shapes    x, y (N, ...)   μ, s (...)

    σ² is the mean squared deviation (divided by N, not N − 1), so that the training rows have variance exactly 1.

    Parameters
    ----------
    eps : float ≥ 0
        Added to the variance, in squared units of the feature. 0 (the default) is the plain formula. A pixel that is lit in
        one image of a thousand has a tiny σ, and that one image then gets a value above 30; with pixels in 0..1, eps=1e-2
        holds such features down. The variance of y is then σ²/(σ² + eps).

    Raises
    ------
    ConfigurationError
        When `eps` is negative or not finite.

    Numerics
    --------
    A constant feature becomes 0 and is never divided by its rounding error: see `moments`.

    Examples
    --------
    >>> scale = Standardize().fit([[1.0, 7.0], [3.0, 7.0]])
    >>> scale.transform([[1.0, 7.0], [5.0, 8.0]])
    array([[-1.,  0.],
           [ 3.,  1.]])
    >>> scale.inverse_transform([[-1.0, 0.0]])
    array([[1., 7.]])
    """

    learned: ClassVar[Axes] = {"mean_": ("...",), "scale_": ("...",)}
    mean_: Array
    scale_: Array

    def __init__(self, *, eps: float = 0.0) -> None:
        wanted = "Standardize needs a finite eps >= 0, added to the variance"
        self.eps = real_number(eps, lambda eps: 0 <= eps < math.inf, wanted)

    def fit(self, x: ArrayLike) -> "Standardize":
        self.mean_, variance = moments(training_rows(x))
        self.scale_ = np.where(variance > 0, np.sqrt(variance + self.eps), 1.0)
        return self

    def transform(self, x: ArrayLike) -> Array:
        self.require_fitted()

        def forward(piece: Array) -> Array:
            piece -= self.mean_
            return np.divide(piece, self.scale_, out=piece)

        return mapped(rows_like(x, self.mean_.shape), forward)

    def inverse_transform(self, y: ArrayLike) -> Array:
        self.require_fitted()

        def backward(piece: Array) -> Array:
            piece *= self.scale_
            return np.add(piece, self.mean_, out=piece)

        return mapped(rows_like(y, self.mean_.shape, "y"), backward)


class MinMax(Transformer):
    """Stretches every feature from its smallest and largest training value to `low` and `high`.

    ::

        Forward   y = (x − min) / r · (high − low) + low      r = max − min,  and r = 1 where max = min
        Inverse   x = (y − low) / (high − low) · r + min
        Shapes    x, y (N, ...)   min, r (...)

    A constant feature becomes `low`. Rows outside the training range land outside low..high: nothing is cut off, so
    that the inverse holds for them too. One outlier squeezes all other values: `Standardize` is then the better choice.

    Parameters
    ----------
    low, high : float, low < high
        The range of every feature over the training rows.

    Raises
    ------
    ConfigurationError
        When `low` is not below `high`, or one of them is not finite.

    Examples
    --------
    >>> MinMax(-1, 1).fit([[0.0], [50.0], [200.0]]).transform([[0.0], [100.0], [200.0], [300.0]]).ravel()
    array([-1.,  0.,  1.,  2.])
    """

    learned: ClassVar[Axes] = {"min_": ("...",), "range_": ("...",)}
    min_: Array
    range_: Array

    def __init__(self, low: float = 0.0, high: float = 1.0) -> None:
        self.low = real_number(low, math.isfinite, "MinMax needs finite low < high")
        self.high = real_number(high, math.isfinite, "MinMax needs finite low < high")
        if not self.low < self.high:
            raise ConfigurationError(f"MinMax needs finite low < high; received low={low!r}, high={high!r}")

    def fit(self, x: ArrayLike) -> "MinMax":
        x = training_rows(x)
        self.min_ = x.min(axis=0).astype(np.float64)
        spread = x.max(axis=0).astype(np.float64) - self.min_
        self.range_ = np.where(spread > 0, spread, 1.0)
        return self

    def transform(self, x: ArrayLike) -> Array:
        self.require_fitted()

        def forward(piece: Array) -> Array:
            piece -= self.min_
            piece /= self.range_
            piece *= self.high - self.low
            return np.add(piece, self.low, out=piece)

        return mapped(rows_like(x, self.min_.shape), forward)

    def inverse_transform(self, y: ArrayLike) -> Array:
        self.require_fitted()

        def backward(piece: Array) -> Array:
            piece -= self.low
            piece /= self.high - self.low
            piece *= self.range_
            return np.add(piece, self.min_, out=piece)

        return mapped(rows_like(y, self.min_.shape, "y"), backward)


class Rescale(Transformer):
    """The same fixed factor and offset for every number: nothing is learned.

    ::

        Forward   y = x · factor + offset
        Inverse   x = (y − offset) / factor
        Shapes    x, y of any shape

    Parameters
    ----------
    factor : float, not 0
        1/255 takes pixels 0..255 to 0..1.
    offset : float
        Added afterwards: Rescale(2/255, -1) takes pixels to −1..1.

    Raises
    ------
    ConfigurationError
        When `factor` is 0, or a number is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> Rescale(1 / 255).transform(np.array([[0, 51, 255]], np.uint8))
    array([[0. , 0.2, 1. ]], dtype=float32)
    """

    def __init__(self, factor: float, offset: float = 0.0) -> None:
        wanted = "Rescale needs a finite factor other than 0"
        self.factor = real_number(factor, lambda factor: math.isfinite(factor) and factor != 0, wanted)
        self.offset = real_number(offset, math.isfinite, "Rescale needs a finite offset")

    def fit(self, x: ArrayLike) -> "Rescale":
        return self

    def transform(self, x: ArrayLike) -> Array:
        def forward(piece: Array) -> Array:
            piece *= self.factor
            return np.add(piece, self.offset, out=piece)

        return mapped(np.atleast_1d(rows_like(x, None)), forward)

    def inverse_transform(self, y: ArrayLike) -> Array:
        def backward(piece: Array) -> Array:
            piece -= self.offset
            return np.divide(piece, self.factor, out=piece)

        return mapped(np.atleast_1d(rows_like(y, None, "y")), backward)
