"""Rectifiers: the identity where x is positive, and four answers to what happens where it is not.

As in `activations`, the derivative is written in terms of the output wherever that saves a second cache.
"""

import numpy as np

from ..arrays import Array
from .activations import Activation, Output
from .base import real_number


class ReLU(Activation):
    """The rectifier: lets positive numbers through and cuts the others to zero.

    ::

        Forward    y = max(x, 0)
        Backward   dx = dy where y > 0, else 0
        Shapes     x, y of any shape

    Value at the kink: the derivative at x = 0 is taken as 0. NaN stays NaN.

    A unit whose x is negative for every row gets no gradient and stays so: it is dead. `LeakyReLU` cannot die.

    References
    ----------
    Nair, Hinton (2010), "Rectified linear units improve restricted Boltzmann machines", ICML.

    Examples
    --------
    >>> import numpy as np
    >>> y, cache = ReLU().forward(np.array([[-2.0, 0.0, 3.0]]))
    >>> y
    array([[0., 0., 3.]])
    >>> ReLU().backward(np.array([[5.0, 6.0, 7.0]]), cache)
    array([[0., 0., 7.]])
    """

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Output]:
        y: Array = np.maximum(x, np.zeros(x.shape, x.dtype))  # with an array of zeros over twice as fast as with the number 0
        return y, y

    def backward(self, dy: Array, cache: Output, *, need_dx: bool = True) -> Array | None:
        if not need_dx:
            return None
        y = cache
        dx: Array = np.greater(y, 0.0).astype(dy.dtype)
        dx *= dy
        return dx


class LeakyReLU(Activation):
    """The rectifier with a small slope on the negative side, so that no unit can die.

    ::

        Forward    y = x where x > 0, else α x          = max(x, α x)
        Backward   dx = dy where y > 0, else α dy
        Shapes     x, y of any shape

    Value at the kink: the derivative at x = 0 is taken as α.

    Parameters
    ----------
    negative_slope : float, 0 ≤ α < 1
        The slope where x is negative; 0 is `ReLU`.

    References
    ----------
    Maas, Hannun, Ng (2013), "Rectifier nonlinearities improve neural network acoustic models", ICML workshop.

    Examples
    --------
    >>> import numpy as np
    >>> LeakyReLU().forward(np.array([[-2.0, 0.0, 3.0]]))[0]
    array([[-0.02,  0.  ,  3.  ]])
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        needs = "LeakyReLU needs a negative_slope with 0 <= negative_slope < 1"
        self.negative_slope = real_number(negative_slope, lambda slope: 0.0 <= slope < 1.0, needs)

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Output]:
        y: Array = np.multiply(x, self.negative_slope)
        np.maximum(x, y, out=y)
        return y, y

    def backward(self, dy: Array, cache: Output, *, need_dx: bool = True) -> Array | None:
        if not need_dx:
            return None
        y = cache
        dx: Array = np.greater(y, 0.0).astype(dy.dtype)
        np.maximum(dx, np.full(dx.shape, self.negative_slope, dx.dtype), out=dx)  # 1 stays 1, 0 becomes α; see ReLU
        dx *= dy
        return dx


class ELU(Activation):
    """The exponential linear unit: the identity on the right, a smooth approach to −α on the left.

    ::

        Forward    y = x where x > 0, else α (exp(x) − 1)
        Backward   dx = dy where y > 0, else dy ⊙ (y + α)          for α exp(x) = y + α
        Shapes     x, y of any shape

    Value at the kink: the derivative at x = 0 is taken as α (for α = 1 there is no kink).

    Numerics
    --------
    exp(x) − 1 loses all digits near 0, where `expm1` keeps them; it is taken of min(x, 0), so a large x cannot overflow.

    Parameters
    ----------
    alpha : float > 0
        How far down y goes.

    References
    ----------
    Clevert, Unterthiner, Hochreiter (2016), "Fast and accurate deep network learning by exponential linear units", ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> ELU().forward(np.array([[-1e4, -1.0, 0.0, 3.0]]))[0].round(4)
    array([[-1.    , -0.6321,  0.    ,  3.    ]])
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = real_number(alpha, lambda alpha: 0.0 < alpha < np.inf, "ELU needs a finite alpha > 0")

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Output]:
        y = _exponential_linear(x, 1.0, self.alpha)
        return y, y

    def backward(self, dy: Array, cache: Output, *, need_dx: bool = True) -> Array | None:
        return _exponential_linear_slope(cache, 1.0, self.alpha) * dy if need_dx else None


class SELU(Activation):
    """The self-normalizing unit: an ELU scaled so that mean 0 and variance 1 reproduce themselves from layer to layer.

    ::

        Forward    y = λ x where x > 0, else λ α (exp(x) − 1)      λ = 1.0507009873554805, α = 1.6732632423543772
        Backward   dx = λ dy where y > 0, else dy ⊙ (y + λ α)
        Shapes     x, y of any shape

    λ and α solve: x ~ N(0, 1) gives y of mean 0 and variance 1. It holds for weights of variance 1/D_in, so give the `Dense`
    layers the initializer "lecun_normal".

    Value at the kink: the derivative at x = 0 is taken as λ α, that of the left side.

    References
    ----------
    Klambauer, Unterthiner, Mayr, Hochreiter (2017), "Self-normalizing neural networks", NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> SELU().forward(np.array([[-1e4, -1.0, 0.0, 1.0]]))[0].round(4)
    array([[-1.7581, -1.1113,  0.    ,  1.0507]])
    """

    scale = 1.0507009873554805
    alpha = 1.6732632423543772

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Output]:
        y = _exponential_linear(x, self.scale, self.scale * self.alpha)
        return y, y

    def backward(self, dy: Array, cache: Output, *, need_dx: bool = True) -> Array | None:
        return _exponential_linear_slope(cache, self.scale, self.scale * self.alpha) * dy if need_dx else None


def _exponential_linear(x: Array, right: float, left: float) -> Array:
    """right · x where x > 0, else left · (exp(x) − 1): both halves are 0 where the other one acts, so they add up."""
    y: Array = np.asarray(np.minimum(x, 0.0))
    np.expm1(y, out=y)
    y *= left
    y += right * np.maximum(x, 0.0)
    return y


def _exponential_linear_slope(y: Array, right: float, left: float) -> Array:
    """Its derivative from its output: right where y > 0, else left · exp(x) = y + left."""
    return np.where(y > 0.0, right, y + left)
