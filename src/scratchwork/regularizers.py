"""Penalties on the weights, and the constraint that projects them.

A penalty R(w) is part of the loss that is reported and its gradient is added to the gradient of the loss. A constraint
is no part of the loss: it projects the weights back after the optimizer's step. Biases are left alone unless asked: they
do not multiply the data, so a large one does not make the output hang on a single input.
"""

import inspect
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from .arrays import Array
from .errors import ConfigurationError


class Regularizer(ABC):
    """A penalty on a parameter.

    One of your own needs `inplace_add_gradient`, for arrays of any shape: training hands it flat pieces of a parameter,
    so R has to be a sum over the numbers. `biases` says whether biases and gains are penalized too.
    """

    biases: bool = False

    @abstractmethod
    def inplace_add_gradient(self, value: Array, grad: Array) -> float:
        """Add ∂R/∂value to `grad` and return R(value): value and gradient from one place."""

    def penalty(self, value: Array) -> float:
        """R(value) alone; nothing is changed."""
        return self.inplace_add_gradient(value, np.zeros_like(value))

    def config(self) -> dict[str, Any]:
        """The settings by the names of `__init__`: with them the same penalty can be made again."""
        return _settings(self)


@dataclass(frozen=True)
class L1(Regularizer):
    """The sum of absolute values, which pulls weights that are of little use to zero, however small they are already.

    ::

        R(w) = λ Σ|wᵢ|      ∂R/∂wᵢ = λ sign(wᵢ), and 0 at the kink wᵢ = 0

    The minimum has exact zeros. Gradient steps seldom land on them: they swing around 0 by about ηλ, so count what is
    smaller than that as zero.

    Parameters
    ----------
    strength : float ≥ 0
        λ.
    biases : bool
        Also on parameters that do not decay by default (biases, gains).

    Examples
    --------
    >>> grad = np.zeros(3)
    >>> L1(0.5).inplace_add_gradient(np.array([2.0, 0.0, -4.0]), grad), grad
    (3.0, array([ 0.5,  0. , -0.5]))
    """

    strength: float
    biases: bool = False

    def __post_init__(self) -> None:
        _require_strength(self, "strength")

    def inplace_add_gradient(self, value: Array, grad: Array) -> float:
        pull = np.sign(value)
        pull *= self.strength
        grad += pull
        return _dot(pull, value)


@dataclass(frozen=True)
class L2(Regularizer):
    """Half the sum of squares: a pull towards zero in proportion to the weight, so that all inputs are used a little.

    ::

        R(w) = ½ λ Σ wᵢ²      ∂R/∂wᵢ = λ wᵢ

    With plain gradient descent this is *weight decay*: w ← (1 − ηλ) w − η ∂L/∂w. With Adam it is not, because Adam
    rescales the pull along with the rest of the gradient: see `AdamW`.

    Parameters
    ----------
    strength : float ≥ 0
        λ. Without the ½ that is here, as some write it, the same pull is had at half the strength.
    biases : bool
        Also on parameters that do not decay by default (biases, gains).

    References
    ----------
    Krogh, Hertz (1991), "A simple weight decay can improve generalization", NIPS 4.

    Examples
    --------
    Two weight vectors with the same product with [1, 1, 1, 1]; Σw² is 1 for one and 0.25 for the other. R is half of
    that for λ = 1, and Σw² itself for λ = 2:

    >>> one, four = np.array([1.0, 0.0, 0.0, 0.0]), np.array([0.25, 0.25, 0.25, 0.25])
    >>> L2(2.0).penalty(one), L2(2.0).penalty(four)
    (1.0, 0.25)
    >>> L2(1.0).penalty(one), L2(1.0).penalty(four)
    (0.5, 0.125)
    """

    strength: float
    biases: bool = False

    def __post_init__(self) -> None:
        _require_strength(self, "strength")

    def inplace_add_gradient(self, value: Array, grad: Array) -> float:
        pull = value * self.strength
        grad += pull
        return 0.5 * _dot(pull, value)


@dataclass(frozen=True)
class ElasticNet(Regularizer):
    """L1 and L2 together: few large weights, and without L1's arbitrary choice among inputs that say the same.

    ::

        R(w) = λ₁ Σ|wᵢ| + ½ λ₂ Σ wᵢ²      ∂R/∂wᵢ = λ₁ sign(wᵢ) + λ₂ wᵢ, and 0 at wᵢ = 0

    Parameters
    ----------
    l1, l2 : float ≥ 0
        λ₁ and λ₂.
    biases : bool
        Also on parameters that do not decay by default (biases, gains).

    References
    ----------
    Zou, Hastie (2005), "Regularization and variable selection via the elastic net", JRSS B 67.

    Examples
    --------
    >>> grad = np.zeros(2)
    >>> ElasticNet(l1=1.0, l2=2.0).inplace_add_gradient(np.array([3.0, -1.0]), grad), grad
    (14.0, array([ 7., -3.]))
    """

    l1: float
    l2: float
    biases: bool = False

    def __post_init__(self) -> None:
        _require_strength(self, "l1")
        _require_strength(self, "l2")

    def inplace_add_gradient(self, value: Array, grad: Array) -> float:
        return L1(self.l1).inplace_add_gradient(value, grad) + L2(self.l2).inplace_add_gradient(value, grad)


class Constraint(ABC):
    """A set to which a parameter is brought back after each step."""

    @abstractmethod
    def inplace_project(self, value: Array) -> None:
        """Move `value` to the nearest point of the set."""

    def config(self) -> dict[str, Any]:
        """The settings by the names of `__init__`: with them the same constraint can be made again."""
        return _settings(self)


@dataclass(frozen=True)
class MaxNorm(Constraint):
    """No neuron's incoming weight vector may be longer than `limit`.

    ::

        w ← w · min(1, limit / ‖w‖₂)      for each column w of the weights (in, out)

    The weights cannot blow up, even at a large learning rate, because every step ends with the projection.

    Parameters
    ----------
    limit : float > 0
        3 or 4 are usual.
    axis : int
        The axis along which one vector lies: 0 for the weights (in, out) of the library.

    Notes
    -----
    Columns that are short enough keep their bits. A projected one may exceed the limit by a rounding error.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov (2014), "Dropout: a simple way to prevent neural networks
    from overfitting", JMLR 15.

    Examples
    --------
    >>> w = np.array([[3.0, 0.1], [4.0, 0.2]])
    >>> MaxNorm(1.0).inplace_project(w)
    >>> w
    array([[0.6, 0.1],
           [0.8, 0.2]])
    """

    limit: float
    axis: int = 0

    def __post_init__(self) -> None:
        if not _is_number(self.limit) or not 0 < self.limit < math.inf:
            raise ConfigurationError(f"MaxNorm needs a limit > 0 for the length of a weight vector; received {self.limit!r}")
        if isinstance(self.axis, bool) or not isinstance(self.axis, int | np.integer):
            raise ConfigurationError(
                f"MaxNorm needs a whole number as its axis, 0 for weights (in, out); received {self.axis!r}"
            )

    def inplace_project(self, value: Array) -> None:
        rows = np.moveaxis(value, self.axis, -1)  # a view: one vector per row
        lengths = np.sqrt(np.einsum("...i,...i->...", rows, rows))
        if not lengths.max(initial=0.0) > self.limit:
            return
        if np.isinf(lengths).any():  # the squares overflowed
            lengths = np.linalg.norm(rows.astype(np.float64), axis=-1)
        shrink = self.limit / np.maximum(lengths, self.limit)  # exactly 1, which changes no bits, for the short ones
        rows *= shrink.astype(value.dtype)[..., np.newaxis]


REGULARIZERS: dict[str, type[Regularizer]] = {"l1": L1, "l2": L2, "elastic_net": ElasticNet}
CONSTRAINTS: dict[str, type[Constraint]] = {"max_norm": MaxNorm}


def check_rules(regularizer: Any, constraint: Any, prefix: str = "") -> None:
    """Raise ConfigurationError for a penalty or a constraint that is none, such as a class or a name."""
    for value, kind, name, example in (
        (regularizer, Regularizer, "regularizer", "L2(1e-4)"),
        (constraint, Constraint, "constraint", "MaxNorm(3.0)"),
    ):
        if value is not None and not isinstance(value, kind):
            raise ConfigurationError(f"{prefix}{name} is {value!r}, which is no {kind.__name__}: write for example {example}")


def _dot(a: Array, b: Array) -> float:
    """Σ aᵢ bᵢ over all elements, without a temporary where they lie side by side."""
    return float(np.dot(a.reshape(-1), b.reshape(-1)))


def _settings(rule: Regularizer | Constraint) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in inspect.signature(type(rule)).parameters}


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _require_strength(rule: Regularizer, name: str) -> None:
    value = getattr(rule, name)
    if not _is_number(value) or not 0 <= value < math.inf:
        raise ConfigurationError(f"{type(rule).__name__} needs a number {name} >= 0; received {value!r}")
