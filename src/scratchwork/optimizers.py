"""Rules that turn a gradient into a step: frozen hyper-parameters, a state, and an update in place.

A rule knows nothing of layers. It is handed a piece of the flat parameter vector, the same piece of the gradient and of
its own state, and changes value and state in place. The training loop walks the vector in pieces that fit the cache. All
arithmetic is element by element, so it does not matter to a single bit where the vector is cut.

In the equations w is the value, g the gradient, η the learning rate of the step, t the step (1 for the first); all
operations are per element. Defaults, and where ε stands, are those of PyTorch unless a docstring says otherwise.

Numerics: a moment that no gradient feeds any more (an input pixel that is rarely lit) decays for ever, and once below
10⁻³⁸ it is a *denormal* float32, which never reaches zero (0.9 times the smallest one rounds to itself) and on which
many processors compute slowly. So at every 64th step what is below 10⁴ times the smallest normal number is set to zero
(first moments) or to that bound (squares). In float32 the bound is 1.2·10⁻³⁴; it changes √v by at most 1.1·10⁻¹⁷,
beside an ε of 10⁻⁸. This depends on the step alone, so it is the same however the vector is cut.
"""

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from numbers import Real
from typing import Any, TypeAlias

import numpy as np

from .arrays import Array
from .errors import ConfigurationError

State: TypeAlias = dict[str, Array]
LearningRate: TypeAlias = float | Callable[[int], float]

FLUSH_EVERY = 64


@dataclasses.dataclass(frozen=True)
class Optimizer(ABC):
    """A first-order rule. One of your own is a frozen dataclass with `init` and `update`.

    learning_rate is a positive number, or a schedule: a function of the number of steps already taken.
    """

    learning_rate: LearningRate

    def __post_init__(self) -> None:
        _require_learning_rate(self)

    @abstractmethod
    def init(self, value: Array) -> State:
        """The state for parameters like `value`: a dict of arrays of its shape and dtype (empty for plain descent)."""

    @abstractmethod
    def update(self, value: Array, grad: Array, state: State, *, step: int, learning_rate: float) -> None:
        """Take step number `step` (1 for the first) in place on `value` and `state`; `grad` is only read."""

    def learning_rate_at(self, step: int) -> float:
        """The learning rate after `step` updates: 0 for the first, which is the one that `update` calls step 1."""
        return _rate(self.learning_rate, step)

    def without_decay(self) -> "Optimizer":
        """The same rule for parameters that do not decay (biases, gains): itself, where the rule has no decay."""
        return self

    def config(self) -> dict[str, Any]:
        """The settings by the names of `__init__`: with them the same rule can be made again."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


@dataclasses.dataclass(frozen=True)
class GradientDescent(Optimizer):
    """The step of the textbook, straight downhill.

    ::

        w ← w − η g

    On all rows at once (`batch_size=None`) this is gradient descent, on mini-batches it is stochastic; `SGD` adds momentum.

    Parameters
    ----------
    learning_rate : float > 0, or a schedule

    References
    ----------
    Cauchy (1847), "Méthode générale pour la résolution des systèmes d'équations simultanées".

    Examples
    --------
    >>> w = np.array([1.0, 2.0])
    >>> GradientDescent(0.5).update(w, np.array([2.0, -1.0]), {}, step=1, learning_rate=0.5)
    >>> w
    array([0. , 2.5])
    """

    learning_rate: LearningRate = 0.1

    def init(self, value: Array) -> State:
        return {}

    def update(self, value: Array, grad: Array, state: State, *, step: int, learning_rate: float) -> None:
        value -= learning_rate * grad


@dataclasses.dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum where asked, and a learning rate that may decay.

    ::

        plain      w ← w − η g
        momentum   u ← μ u + g      w ← w − η u
        Nesterov   u ← μ u + g      w ← w − η (g + μ u)
        decay      η(t) = learning_rate / (1 + decay · (t − 1))

    The velocity u holds gradients and not steps: where η changes, all of the velocity counts at the new rate. Some write
    u ← μ u − η g, w ← w + u, which is the same as long as η stays.

    Parameters
    ----------
    learning_rate : float > 0, or a schedule
    momentum : float, 0 ≤ μ < 1
        The share of the velocity that is kept; 0.9 averages over about ten steps, and the step grows tenfold.
    nesterov : bool
        Look ahead: the gradient's own part is counted once more; needs momentum.
    decay : float ≥ 0
        Inverse-time decay per step, short for `schedules.InverseTime(learning_rate, decay)`; for a number only.

    References
    ----------
    Polyak (1964), "Some methods of speeding up the convergence of iteration methods".
    Sutskever, Martens, Dahl, Hinton (2013), "On the importance of initialization and momentum in deep learning", ICML;
    for Nesterov's momentum the variant that needs the gradient at w alone.

    Examples
    --------
    >>> rule, w = SGD(0.1, momentum=0.5), np.array([1.0])
    >>> state = rule.init(w)
    >>> for step in (1, 2):
    ...     rule.update(w, np.array([1.0]), state, step=step, learning_rate=rule.learning_rate_at(step - 1))
    >>> w  # 1 − 0.1·1 − 0.1·(0.5·1 + 1)
    array([0.75])
    """

    learning_rate: LearningRate = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    decay: float = 0.0

    def __post_init__(self) -> None:
        _require_learning_rate(self)
        _require_share(self, "momentum")
        _require_number(self, "decay", least=0.0)
        if self.nesterov and not self.momentum:
            raise ConfigurationError("SGD with nesterov=True needs a momentum > 0, such as 0.9")
        if self.decay and callable(self.learning_rate):
            raise ConfigurationError("SGD has a schedule as learning_rate and a decay too: give one of the two")

    def learning_rate_at(self, step: int) -> float:
        return _rate(self.learning_rate, step) / (1.0 + self.decay * step)

    def init(self, value: Array) -> State:
        return {"velocity": np.zeros_like(value)} if self.momentum else {}

    def update(self, value: Array, grad: Array, state: State, *, step: int, learning_rate: float) -> None:
        if not self.momentum:
            value -= learning_rate * grad
            return
        velocity, mu = state["velocity"], float(self.momentum)
        velocity *= mu
        velocity += grad
        if self.nesterov:
            change = mu * velocity
            change += grad
            change *= learning_rate
        else:
            change = learning_rate * velocity
        value -= change
        if step % FLUSH_EVERY == 0:
            _inplace_flush(velocity)


@dataclasses.dataclass(frozen=True)
class AdaGrad(Optimizer):
    """A learning rate per parameter, divided by the length of all its gradients so far.

    ::

        s ← s + g²      w ← w − η g / (√s + ε)

    Parameters that seldom get a gradient keep large steps. s only grows, so all steps shrink like 1/√t.

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
        _require_learning_rate(self)
        _require_number(self, "eps", least=1e-30)

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
        _require_learning_rate(self)
        _require_share(self, "rho")
        _require_number(self, "eps", least=1e-30)

    def init(self, value: Array) -> State:
        return {"squares": np.zeros_like(value)}

    def update(self, value: Array, grad: Array, state: State, *, step: int, learning_rate: float) -> None:
        squares, rho = state["squares"], float(self.rho)
        fresh = grad * grad
        fresh *= 1.0 - rho
        squares *= rho
        squares += fresh
        _inplace_divided_step(value, grad, squares, learning_rate, float(self.eps))
        if step % FLUSH_EVERY == 0:
            _inplace_floor(squares)


@dataclasses.dataclass(frozen=True)
class Adam(Optimizer):
    """Momentum divided by the root mean square, both freed of the bias of starting at zero.

    ::

        m ← β₁ m + (1 − β₁) g           m̂ = m / (1 − β₁ᵗ)
        v ← β₂ v + (1 − β₂) g²          v̂ = v / (1 − β₂ᵗ)
        w ← w − η m̂ / (√v̂ + ε)

    A step is about η long in every coordinate, whatever the size of the gradients.

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
    passes over the arrays are saved. The paper proposes the same order of computation at the end of its section 2.

    References
    ----------
    Kingma, Ba (2015), "Adam: a method for stochastic optimization", ICLR, algorithm 1.

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
        _require_learning_rate(self)
        _require_share(self, "beta1")
        _require_share(self, "beta2")
        _require_number(self, "eps", least=1e-30)

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
        _require_learning_rate(self)
        _require_share(self, "beta1")
        _require_share(self, "beta2")
        _require_number(self, "eps", least=1e-30)
        _require_number(self, "weight_decay", least=0.0)

    def without_decay(self) -> Optimizer:
        return dataclasses.replace(self, weight_decay=0.0)

    def init(self, value: Array) -> State:
        return {"m": np.zeros_like(value), "v": np.zeros_like(value)}

    def update(self, value: Array, grad: Array, state: State, *, step: int, learning_rate: float) -> None:
        if self.weight_decay:
            value *= 1.0 - learning_rate * float(self.weight_decay)
        _inplace_adam(value, grad, state, step, learning_rate, float(self.beta1), float(self.beta2), float(self.eps))


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "gradient_descent": GradientDescent,
    "sgd": SGD,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adam": Adam,
    "adamw": AdamW,
}


def inplace_clip_by_value(grad: Array, limit: float) -> None:
    """Cut every component of `grad` to [−limit, limit]; its direction may change.

    >>> grad = np.array([0.5, -3.0])
    >>> inplace_clip_by_value(grad, 1.0)
    >>> grad
    array([ 0.5, -1. ])
    """
    np.clip(grad, -float(limit), float(limit), out=grad)


def inplace_clip_by_global_norm(grad: Array, limit: float) -> float:
    """Shorten `grad` to the length `limit` where it is longer, keeping its direction; returns the length it had.

    A gradient with a NaN or an infinity stays as it is, to be found out; the length returned is then not finite either.

    Reference: Pascanu, Mikolov, Bengio (2013), "On the difficulty of training recurrent neural networks", ICML.

    >>> grad = np.array([3.0, -4.0])
    >>> inplace_clip_by_global_norm(grad, 1.0), grad
    (5.0, array([ 0.6, -0.8]))
    """
    norm = _length(grad)
    if limit < norm < math.inf:
        grad *= float(limit) / norm
    return norm


def _inplace_adam(
    value: Array, grad: Array, state: State, step: int, learning_rate: float, beta1: float, beta2: float, eps: float
) -> None:
    m, v = state["m"], state["v"]
    fresh = (1.0 - beta1) * grad
    m *= beta1
    m += fresh
    np.multiply(grad, grad, out=fresh)
    fresh *= 1.0 - beta2
    v *= beta2
    v += fresh
    root = math.sqrt(1.0 - beta2**step)
    _inplace_divided_step(value, m, v, learning_rate * root / (1.0 - beta1**step), eps * root, fresh)
    if step % FLUSH_EVERY == 0:
        _inplace_flush(m)
        _inplace_floor(v)


def _inplace_divided_step(
    value: Array, direction: Array, squares: Array, learning_rate: float, eps: float, out: Array | None = None
) -> None:
    """w ← w − η direction / (√squares + ε); `out` is room for the step, where there is some."""
    change = np.sqrt(squares, out=out)
    change += eps
    np.divide(direction, change, out=change)
    change *= learning_rate
    value -= change


def _inplace_flush(moment: Array) -> None:
    """Set what is nearly denormal to zero (see the head of this file)."""
    moment[np.abs(moment) < _nearly_denormal(moment)] = 0.0


def _inplace_floor(squares: Array) -> None:
    """Lift what is nearly denormal: zero would divide by ε alone, and make a leap where ε is tiny too."""
    np.maximum(squares, _nearly_denormal(squares), out=squares)


def _nearly_denormal(array: Array) -> float:
    return 1e4 * float(np.finfo(array.dtype).smallest_normal)


def _length(vector: Array) -> float:
    """‖vector‖₂, also where the squares overflow or vanish; pieces, because BLAS would share a long sum among threads."""
    flat = vector.reshape(-1)
    with np.errstate(over="ignore", invalid="ignore"):
        pieces = (flat[start : start + 16384] for start in range(0, flat.size, 16384))
        squares = sum(float(np.dot(piece, piece)) for piece in pieces)
    if 1e-30 < squares < math.inf:
        return math.sqrt(squares)
    largest = float(np.max(np.abs(flat), initial=0.0))
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    return largest * float(np.linalg.norm(flat.astype(np.float64) / largest))


def _rate(learning_rate: LearningRate, step: int) -> float:
    return float(learning_rate(step) if callable(learning_rate) else learning_rate)


def _require_learning_rate(rule: Optimizer) -> None:
    rate: Any = rule.learning_rate
    scheduled = callable(rate)
    if scheduled:
        try:
            rate = rate(0)
        except TypeError as error:
            raise ConfigurationError(
                f"{type(rule).__name__} was given {rule.learning_rate!r} as learning_rate, which does not take a step number "
                f"({error}): give a positive number, or a schedule such as InverseTime(0.1, decay=1e-3)"
            ) from None
    number = not isinstance(rate, bool) and isinstance(rate, Real) and math.isfinite(rate)
    if not number or rate < 0 or (rate == 0 and not scheduled):
        raise ConfigurationError(f"{type(rule).__name__} needs a learning_rate > 0, or a schedule; received {rate!r}")


def _require_share(rule: Optimizer, name: str) -> None:
    _require_number(rule, name, least=0.0, below=1.0)


def _require_number(rule: Optimizer, name: str, *, least: float, below: float = math.inf) -> None:
    value: Any = getattr(rule, name)
    if isinstance(value, bool) or not isinstance(value, Real) or not least <= float(value) < below:
        wanted = f">= {least:g}" + (f" and < {below:g}" if below < math.inf else "")
        raise ConfigurationError(f"{type(rule).__name__} needs a number {name} {wanted}; received {value!r}")
