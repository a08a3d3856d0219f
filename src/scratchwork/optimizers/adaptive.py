"""A learning rate per parameter, from the size of its own gradients: AdaGrad, RMSProp, Adam, AdamW."""

import dataclasses
import math

import numpy as np

from ..arrays import Array
from .base import (
    LearningRate,
    Optimizer,
    State,
    inplace_floor,
    inplace_flush,
    require_learning_rate,
    require_number,
    require_share,
)


@dataclasses.dataclass(frozen=True)
class AdaGrad(Optimizer):
    """A learning rate per parameter, divided by the length of all its gradients so far.

    ::

        s ← s + g²      w ← w − η g / (√s + ε)

    Parameters that seldom get a gradient keep large steps. s only grows: with gradients of constant size the steps shrink
    like 1/√t.

    Parameters
    ----------
    learning_rate : float > 0, or a schedule
    eps : float ≥ 1e-30
        ε, outside the root.

    References
    ----------
    Duchi, Hazan, Singer (2011), "Adaptive subgradient methods for online learning and stochastic optimization", JMLR 12.

    Examples
    --------
    The first step is η in the direction of each sign, whatever the size of the gradient:

    >>> rule, w = AdaGrad(0.5), np.zeros(3)
    >>> rule.update(w, np.array([1e-4, -1.0, 1e4]), rule.init(w), step=1, learning_rate=0.5)
    >>> w.round(6)
    array([-0.5,  0.5, -0.5])
    """

    learning_rate: LearningRate = 0.01
    eps: float = 1e-10

    def __post_init__(self) -> None:
        require_learning_rate(self)
        require_number(self, "eps", least=1e-30)

    def init(self, value: Array) -> State:
        return {"squares": np.zeros_like(value)}

    def update(self, value: Array, grad: Array, state: State, *, step: int, learning_rate: float) -> None:
        squares = state["squares"]
        squares += grad * grad
        _inplace_divided_step(value, grad, squares, learning_rate, float(self.eps))


@dataclasses.dataclass(frozen=True)
class RMSProp(Optimizer):
    """AdaGrad that forgets: each gradient is divided by the root of a running mean of its squares.

    ::

        s ← ρ s + (1 − ρ) g²      w ← w − η g / (√s + ε)

    s starts at zero, so the first steps are long: 1/√(1 − ρ) times η, which is ten with the default; Adam corrects that.

    Parameters
    ----------
    learning_rate : float > 0, or a schedule
    rho : float, 0 ≤ ρ < 1
        The share of the running mean that is kept; 0.99 as in PyTorch (there `alpha`), 0.9 in Hinton's slide and in Keras.
    eps : float ≥ 1e-30
        ε, outside the root.

    References
    ----------
    Tieleman, Hinton (2012), "Lecture 6.5: rmsprop", Coursera: Neural Networks for Machine Learning.

    Examples
    --------
    >>> rule, w = RMSProp(0.01, rho=0.75), np.zeros(1)
    >>> rule.update(w, np.array([4.0]), rule.init(w), step=1, learning_rate=0.01)
    >>> w.round(6)  # −0.01 · 4 / √(0.25 · 16)
    array([-0.02])
    """

    learning_rate: LearningRate = 0.01
    rho: float = 0.99
    eps: float = 1e-8

    def __post_init__(self) -> None:
        require_learning_rate(self)
        require_share(self, "rho")
        require_number(self, "eps", least=1e-30)

    def init(self, value: Array) -> State:
        return {"squares": np.zeros_like(value)}

    def update(self, value: Array, grad: Array, state: State, *, step: int, learning_rate: float) -> None:
        squares, rho = state["squares"], float(self.rho)
        fresh = grad * grad
        fresh *= 1.0 - rho
        squares *= rho
        squares += fresh
        _inplace_divided_step(value, grad, squares, learning_rate, float(self.eps))
        inplace_floor(squares, step)


@dataclasses.dataclass(frozen=True)
class Adam(Optimizer):
    """Momentum divided by the root mean square, both freed of the bias of starting at zero.

    ::

        m ← β₁ m + (1 − β₁) g           m̂ = m / (1 − β₁ᵗ)
        v ← β₂ v + (1 − β₂) g²          v̂ = v / (1 − β₂ᵗ)
        w ← w − η m̂ / (√v̂ + ε)

    A step is about η long in a coordinate whose gradients agree in sign, whatever their size, and shorter where they do not.

    Parameters
    ----------
    learning_rate : float > 0, or a schedule
    beta1, beta2 : float, 0 ≤ β < 1
        The shares of the running means that are kept.
    eps : float ≥ 1e-30
        ε, outside the root.

    Numerics
    --------
    With r = √(1 − β₂ᵗ) the last line is w ← w − (η r / (1 − β₁ᵗ)) · m / (√v + ε r): the corrections are numbers, and two
    passes over the arrays are saved. The paper proposes the same order; its ε̂ is ε r here.

    References
    ----------
    Kingma, Ba (2015), "Adam: a method for stochastic optimization", ICLR.

    Examples
    --------
    >>> rule, w = Adam(0.5), np.zeros(3)
    >>> rule.update(w, np.array([1e-4, -1.0, 1e4]), rule.init(w), step=1, learning_rate=0.5)
    >>> w.round(3)
    array([-0.5,  0.5, -0.5])
    """

    learning_rate: LearningRate = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        require_learning_rate(self)
        require_share(self, "beta1")
        require_share(self, "beta2")
        require_number(self, "eps", least=1e-30)

    def init(self, value: Array) -> State:
        return {"m": np.zeros_like(value), "v": np.zeros_like(value)}

    def update(self, value: Array, grad: Array, state: State, *, step: int, learning_rate: float) -> None:
        _inplace_adam(value, grad, state, step, learning_rate, float(self.beta1), float(self.beta2), float(self.eps))


@dataclasses.dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam with weight decay beside the gradient instead of in it.

    ::

        w ← (1 − η λ) w, then the step of Adam

    The gradient of an L2 penalty goes through Adam's division, so weights with large gradients are hardly decayed. Here
    all weights shrink by the same share. The penalty is no part of the loss. Biases and gains do not decay.

    Parameters
    ----------
    learning_rate, beta1, beta2, eps : as for `Adam`
    weight_decay : float ≥ 0
        λ; per step the weights lose the share η λ.

    References
    ----------
    Loshchilov, Hutter (2019), "Decoupled weight decay regularization", ICLR; with η λ where they have a schedule times λ,
    as PyTorch does.

    Examples
    --------
    >>> rule, w = AdamW(0.1, weight_decay=0.5), np.array([2.0])
    >>> rule.update(w, np.array([0.0]), rule.init(w), step=1, learning_rate=0.1)
    >>> w
    array([1.9])
    """

    learning_rate: LearningRate = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        require_learning_rate(self)
        require_share(self, "beta1")
        require_share(self, "beta2")
        require_number(self, "eps", least=1e-30)
        require_number(self, "weight_decay", least=0.0)

    def without_decay(self) -> Optimizer:
        return dataclasses.replace(self, weight_decay=0.0)

    def init(self, value: Array) -> State:
        return {"m": np.zeros_like(value), "v": np.zeros_like(value)}

    def update(self, value: Array, grad: Array, state: State, *, step: int, learning_rate: float) -> None:
        if self.weight_decay:
            value *= 1.0 - learning_rate * float(self.weight_decay)
        _inplace_adam(value, grad, state, step, learning_rate, float(self.beta1), float(self.beta2), float(self.eps))


def _inplace_adam(
    value: Array, grad: Array, state: State, step: int, learning_rate: float, beta1: float, beta2: float, eps: float
) -> None:
    m, v = state["m"], state["v"]
    fresh = (1.0 - beta1) * grad  # the only temporary array: used again for g², and for the step
    m *= beta1
    m += fresh
    np.multiply(grad, grad, out=fresh)
    fresh *= 1.0 - beta2
    v *= beta2
    v += fresh
    root = math.sqrt(1.0 - beta2**step)  # r of Adam's docstring
    _inplace_divided_step(value, m, v, learning_rate * root / (1.0 - beta1**step), eps * root, out=fresh)
    inplace_flush(m, step)
    inplace_floor(v, step)


def _inplace_divided_step(
    value: Array, direction: Array, squares: Array, learning_rate: float, eps: float, out: Array | None = None
) -> None:
    """w ← w − η direction / (√squares + ε); `out` is room for the step, where there is some."""
    change = np.sqrt(squares, out=out)
    change += eps
    np.divide(direction, change, out=change)
    change *= learning_rate
    value -= change
