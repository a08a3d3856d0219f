"""Activations: functions of each element alone, which make a stack of affine layers more than one affine layer.

Every class states its function and its derivative, and has both as `forward` and `backward` beside each other. Where
the derivative can be had from the output y, y is all that the cache holds: the next layer keeps it anyway, so it costs
no memory. Rectifiers are in `rectifiers.py`, smooth gates with no such form in `gates.py`.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from ..arrays import Array, Shape, floats
from .base import Layer
from .special import sigmoid

Output: TypeAlias = Array  # the cache of most activations: their own output


class Activation(Layer):
    """A layer that treats each element alone: rows keep their shape, and there is nothing to build."""

    def build(self, in_shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Shape:
        return in_shape


class Linear(Activation):
    """The identity: for an output that may be any number, as in regression.

    ::

        Forward    y = x
        Backward   dx = dy
        Shapes     x, y of any shape

    It changes nothing and has no parameters (the affine layer is `Dense`): it writes "no activation here" into a network.

    Examples
    --------
    >>> import numpy as np
    >>> Linear().forward(np.array([[-2.0, 3.0]]))[0]
    array([[-2.,  3.]])
    """

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, None]:
        return x, None

    def backward(self, dy: Array, cache: None, *, need_dx: bool = True) -> Array | None:
        return dy if need_dx else None


class Step(Activation):
    """Fires or does not: the threshold unit of the first neural networks.

    ::

        Forward    y = 1 where x > 0, else 0
        Backward   dx = 0
        Shapes     x, y of any shape

    The derivative is 0 wherever it exists, and that is what `backward` returns. So gradient descent learns nothing through
    a Step: the layers below it get a gradient of zero and stay as they were initialized, while the layers above it
    learn on these fixed features. For a network that should learn as a whole, `Sigmoid` is the smooth step.

    Value at the jump: y(0) = 0, and dx = 0 there too although no derivative exists. NaN stays NaN.

    References
    ----------
    Rosenblatt (1958), "The perceptron: a probabilistic model for information storage and organization in the brain",
    Psychological Review 65, 386–408.

    Examples
    --------
    >>> import numpy as np
    >>> Step().forward(np.array([[-2.0, 0.0, 3.0]]))[0]
    array([[0., 0., 1.]])
    """

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, None]:
        y: Array = np.heaviside(x, 0.0)
        return y, None

    def backward(self, dy: Array, cache: None, *, need_dx: bool = True) -> Array | None:
        return np.zeros_like(dy) if need_dx else None


class Sigmoid(Activation):
    """The logistic function: squashes any number into (0, 1), a step made smooth.

    ::

        Forward    y = σ(x) = 1 / (1 + exp(−x))
        Backward   dx = dy ⊙ y (1 − y)
        Shapes     x, y of any shape

    Numerics
    --------
    exp(−x) overflows below x = −88.7 in float32 (−709.8 in float64); its reciprocal 0 is right, so only the warning is
    silenced. From x = 17 (37) on y rounds to 1 and the derivative to 0: the unit is saturated. Probabilities for a loss
    are better left to `SigmoidBinaryCrossEntropy`, which takes logits and loses nothing there.

    Examples
    --------
    >>> import numpy as np
    >>> Sigmoid().forward(np.array([[-1e4, 0.0, 1e4]]))[0]
    array([[0. , 0.5, 1. ]])
    """

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Output]:
        y = sigmoid(x)
        return y, y

    def backward(self, dy: Array, cache: Output, *, need_dx: bool = True) -> Array | None:
        if not need_dx:
            return None
        y = cache
        dx: Array = np.subtract(1.0, y)
        dx *= y
        dx *= dy
        return dx


class Tanh(Activation):
    """The hyperbolic tangent: squashes any number into (−1, 1), centred on zero.

    ::

        Forward    y = tanh(x) = (exp(x) − exp(−x)) / (exp(x) + exp(−x))
        Backward   dx = dy ⊙ (1 − y²)
        Shapes     x, y of any shape

    Numerics
    --------
    The quotient of exponentials is ∞/∞ for large |x|; `np.tanh` is not. Beyond |x| of 10 in float32 (19 in float64) y
    is ±1 and the derivative 0.

    References
    ----------
    LeCun, Bottou, Orr, Müller (1998), "Efficient BackProp", in Neural Networks: Tricks of the Trade (why centred on zero).

    Examples
    --------
    >>> import numpy as np
    >>> Tanh().forward(np.array([[-1e4, 0.0, 0.5]]))[0].round(4)
    array([[-1.    ,  0.    ,  0.4621]])
    """

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Output]:
        y: Array = np.tanh(floats(x))
        return y, y

    def backward(self, dy: Array, cache: Output, *, need_dx: bool = True) -> Array | None:
        if not need_dx:
            return None
        y = cache
        dx: Array = np.multiply(y, y)
        np.subtract(1.0, dx, out=dx)
        dx *= dy
        return dx


class Softplus(Activation):
    """The smooth rectifier: close to max(x, 0), positive everywhere. A positive output for a rate or a scale.

    ::

        Forward    y = log(1 + exp(x))            = max(x, 0) + log(1 + exp(−|x|))
        Backward   dx = dy ⊙ σ(x)                 σ(x) = 1 − exp(−y)
        Shapes     x, y of any shape

    Numerics
    --------
    exp(x) overflows at x = 89 in float32, and 1 + exp(x) rounds to 1 below −17; the second form with `log1p`, and `expm1` in
    the backward, keep all digits at both ends.

    References
    ----------
    Dugas, Bengio, Bélisle, Nadeau, Garcia (2001), "Incorporating second-order functional knowledge for better option
    pricing", NIPS 13.

    Examples
    --------
    >>> import numpy as np
    >>> Softplus().forward(np.array([[-1e4, 0.0, 99.0]]))[0].round(4)
    array([[ 0.    ,  0.6931, 99.    ]])
    """

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Output]:
        y: Array = np.asarray(np.abs(floats(x)))
        np.negative(y, out=y)
        np.exp(y, out=y)
        np.log1p(y, out=y)
        y += np.maximum(x, 0.0)
        return y, y

    def backward(self, dy: Array, cache: Output, *, need_dx: bool = True) -> Array | None:
        if not need_dx:
            return None
        y = cache
        dx: Array = np.asarray(np.negative(y))
        np.expm1(dx, out=dx)
        np.negative(dx, out=dx)
        dx *= dy
        return dx
