"""Smooth gates: x times a number between 0 and 1 that grows with x, so that the input decides how much of it passes."""

import math
from typing import TypeAlias

import numpy as np

from ..arrays import Array
from ..errors import ConfigurationError
from .activations import Activation
from .special import erf, sigmoid

Cache: TypeAlias = tuple[Array, Array]

_CUBIC = 0.044715  # of the tanh approximation, as printed in the paper
_ROOT_2_OVER_PI = math.sqrt(2.0 / math.pi)
_ONE_OVER_ROOT_2PI = 1.0 / math.sqrt(2.0 * math.pi)
_ONE_OVER_ROOT_2 = 1.0 / math.sqrt(2.0)


class GELU(Activation):
    """The Gaussian error linear unit: x times the probability that a standard normal number is below x.

    ::

        Forward    y = x Φ(x)                       Φ(x) = ½ (1 + erf(x/√2))
        Backward   dx = dy ⊙ (Φ(x) + x φ(x))        φ(x) = exp(−x²/2) / √(2π)
        Shapes     x, y of any shape

        approximate="tanh":
        Forward    y = ½ x (1 + t)                  t = tanh(u),  u = √(2/π) (x + 0.044715 x³)
        Backward   dx = dy ⊙ ½ (1 + t + x (1 − t²) u′)            u′ = √(2/π) (1 + 3·0.044715 x²)

    Numerics
    --------
    The powers of x are taken of x cut to ±20, where Φ is 0 or 1 and x φ(x) below 1e-85: no x can overflow them. Far to the
    left 1 + erf loses digits, and from x = −8.4 on (−5.5 in float32) it is 0; the error of y there is below 1e-15 (1e-7).

    Parameters
    ----------
    approximate : "none" or "tanh"
        The definition, or the approximation of the paper (within 5e-4 of it), which many published networks were trained with.

    References
    ----------
    Hendrycks, Gimpel (2016), "Gaussian error linear units (GELUs)", arXiv:1606.08415.

    Examples
    --------
    >>> import numpy as np
    >>> GELU().forward(np.array([[-99.0, -1.0, 0.0, 1.0, 9.0]]))[0].round(4) + 0.0
    array([[ 0.    , -0.1587,  0.    ,  0.8413,  9.    ]])
    """

    def __init__(self, *, approximate: str = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ConfigurationError(f"GELU needs approximate='none' or 'tanh'; received {approximate!r}")
        self.approximate = approximate

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Cache]:
        if self.approximate == "tanh":
            near = np.clip(x, -20.0, 20.0)
            gate = np.tanh(_ROOT_2_OVER_PI * (near + _CUBIC * near * near * near))
        else:
            gate = erf(x * _ONE_OVER_ROOT_2)
        gate += 1.0
        gate *= 0.5
        return x * gate, (x, gate)

    def backward(self, dy: Array, cache: Cache, *, need_dx: bool = True) -> Array | None:
        if not need_dx:
            return None
        x, gate = cache
        near = np.clip(x, -20.0, 20.0)
        square = near * near
        if self.approximate == "tanh":  # ½ (1 − t²) = 2 g (1 − g) for the gate g = ½ (1 + t)
            slope = 2.0 * gate * (1.0 - gate) * _ROOT_2_OVER_PI * (1.0 + 3.0 * _CUBIC * square)
        else:
            slope = _ONE_OVER_ROOT_2PI * np.exp(-0.5 * square)
        dx: Array = dy * (gate + near * slope)
        return dx


class SiLU(Activation):
    """The sigmoid linear unit, also called swish: x times the sigmoid of x.

    ::

        Forward    y = x σ(x)                              σ(x) = 1 / (1 + exp(−x))
        Backward   dx = dy ⊙ (σ(x) + y (1 − σ(x)))
        Shapes     x, y of any shape

    Numerics
    --------
    The sigmoid keeps its small values to the last digit and does not overflow (see `Sigmoid`).

    References
    ----------
    Elfwing, Uchibe, Doya (2018), "Sigmoid-weighted linear units for neural network function approximation in
    reinforcement learning", Neural Networks 107, 3–11.

    Examples
    --------
    >>> import numpy as np
    >>> SiLU().forward(np.array([[-99.0, -1.0, 0.0, 1.0, 9.0]]))[0].round(4) + 0.0
    array([[ 0.    , -0.2689,  0.    ,  0.7311,  8.9989]])
    """

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Cache]:
        gate = sigmoid(x)
        y = x * gate
        return y, (y, gate)

    def backward(self, dy: Array, cache: Cache, *, need_dx: bool = True) -> Array | None:
        if not need_dx:
            return None
        y, gate = cache
        dx: Array = dy * (gate + y * (1.0 - gate))
        return dx


class Mish(Activation):
    """x times the hyperbolic tangent of its softplus: close to `SiLU`, with a slightly deeper dip below zero.

    ::

        Forward    y = x tanh(log(1 + exp(x)))           = x n / (n + 2)          with e = exp(x), n = e (e + 2)
        Backward   dx = dy ⊙ (n / (n + 2) + 4 x e (1 + e) / (n + 2)²)
        Shapes     x, y of any shape

    (tanh(log a) = (a² − 1) / (a² + 1), and for a = 1 + e the numerator is n.)

    Numerics
    --------
    The second form needs one exponential and subtracts nothing, so no digits cancel. x is cut at 40 in e and in the slope:
    there the factor is 1 to the last bit, and e² cannot overflow.

    References
    ----------
    Misra (2019), "Mish: a self regularized non-monotonic activation function", arXiv:1908.08681.

    Examples
    --------
    >>> import numpy as np
    >>> Mish().forward(np.array([[-99.0, -1.0, 0.0, 1.0, 9.0]]))[0].round(4) + 0.0
    array([[ 0.    , -0.3034,  0.    ,  0.8651,  9.    ]])
    """

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Cache]:
        e = np.exp(np.minimum(x, 40.0))
        n = e * (e + 2.0)
        return x * (n / (n + 2.0)), (x, e)

    def backward(self, dy: Array, cache: Cache, *, need_dx: bool = True) -> Array | None:
        if not need_dx:
            return None
        x, e = cache
        n = e * (e + 2.0)
        slope = np.minimum(x, 40.0) * (4.0 * e / (n + 2.0)) * ((1.0 + e) / (n + 2.0))
        dx: Array = dy * (n / (n + 2.0) + slope)
        return dx
