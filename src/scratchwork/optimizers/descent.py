"""Straight downhill: gradient descent, alone and with momentum."""

import dataclasses

import numpy as np

from ..arrays import Array
from ..errors import ConfigurationError
from .base import LearningRate, Optimizer, State, inplace_flush, rate_at, require_learning_rate, require_number, require_share


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
        The share of the velocity that is kept; with 0.9 the steps of gradients that agree grow tenfold.
    nesterov : bool
        Look ahead: step along μ u + g, the velocity that one more update with the same gradient would give; needs momentum.
    decay : float ≥ 0
        Inverse-time decay per step, short for `schedules.InverseTime(learning_rate, decay)`; for a number only.

    References
    ----------
    Polyak (1964), "Some methods of speeding up the convergence of iteration methods".
    Sutskever, Martens, Dahl, Hinton (2013), "On the importance of initialization and momentum in deep learning", ICML.
    Bengio, Boulanger-Lewandowski, Pascanu (2013), "Advances in optimizing recurrent networks", ICASSP: Nesterov's momentum
    in the form used here, where w is the point that was looked ahead to, so that the gradient is needed at w alone.

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
        require_learning_rate(self)
        require_share(self, "momentum")
        require_number(self, "decay", least=0.0)
        if self.nesterov and not self.momentum:
            raise ConfigurationError("SGD with nesterov=True needs a momentum > 0, such as 0.9")
        if self.decay and callable(self.learning_rate):
            raise ConfigurationError("SGD has a schedule as learning_rate and a decay too: give one of the two")

    def learning_rate_at(self, step: int) -> float:
        return rate_at(self.learning_rate, step) / (1.0 + self.decay * step)

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
        inplace_flush(velocity, step)
