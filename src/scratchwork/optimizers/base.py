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
import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from numbers import Real
from typing import Any, TypeAlias

import numpy as np

from ..arrays import Array
from ..errors import ConfigurationError

State: TypeAlias = dict[str, Array]
LearningRate: TypeAlias = float | Callable[[int], float]

FLUSH_EVERY = 64


@dataclasses.dataclass(frozen=True)
class Optimizer(ABC):
    """A first-order rule. One of your own is a class with `init` and `update`, and a `learning_rate`.

    learning_rate is a positive number, or a schedule: a function of the number of steps already taken.
    """

    learning_rate: LearningRate

    def __post_init__(self) -> None:
        require_learning_rate(self)

    def __init_subclass__(cls) -> None:
        if "__init__" in vars(cls):  # a plain class sets its learning_rate itself, which a frozen base would not let it
            cls.__setattr__ = object.__setattr__  # type: ignore[method-assign]

    @abstractmethod
    def init(self, value: Array) -> State:
        """The state for parameters like `value`: a dict of arrays of its shape and dtype (empty for plain descent)."""

    @abstractmethod
    def update(self, value: Array, grad: Array, state: State, *, step: int, learning_rate: float) -> None:
        """Take step number `step` (1 for the first) in place on `value` and `state`; `grad` is only read."""

    def learning_rate_at(self, step: int) -> float:
        """The learning rate after `step` updates: 0 for the first, which is the one that `update` calls step 1."""
        return rate_at(self.learning_rate, step)

    def without_decay(self) -> "Optimizer":
        """The same rule for parameters that do not decay (biases, gains): itself, where the rule has no decay."""
        return self

    def config(self) -> dict[str, Any]:
        """The settings by the names of `__init__`: with them the same rule can be made again."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}


def inplace_flush(moment: Array, step: int) -> None:
    """At every 64th step, set what is nearly denormal to zero (see the head of this file)."""
    if step % FLUSH_EVERY == 0:
        moment[np.abs(moment) < _nearly_denormal(moment)] = 0.0


def inplace_floor(squares: Array, step: int) -> None:
    """The same for squares, which are lifted: zero would divide by ε alone, and make a leap where ε is tiny too."""
    if step % FLUSH_EVERY == 0:
        np.maximum(squares, _nearly_denormal(squares), out=squares)


def _nearly_denormal(array: Array) -> float:
    return 1e4 * float(np.finfo(array.dtype).smallest_normal)


def rate_at(learning_rate: LearningRate, step: int) -> float:
    """The number itself, or what the schedule gives after `step` updates."""
    rate: Any = learning_rate(step) if callable(learning_rate) else learning_rate
    if not isinstance(rate, Real) or not 0 <= float(rate) < math.inf:
        raise ConfigurationError(f"the schedule {learning_rate!r} gives {rate!r} after {step} steps: it needs a number >= 0")
    return float(rate)


def require_learning_rate(rule: Optimizer) -> None:
    """Refuse what is neither a number > 0 nor a schedule that begins with one ≥ 0."""
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


def require_share(rule: Optimizer, name: str) -> None:
    """Refuse a setting outside 0 ≤ share < 1."""
    require_number(rule, name, least=0.0, below=1.0)


def require_number(rule: Optimizer, name: str, *, least: float, below: float = math.inf) -> None:
    """Refuse a setting that is no number with least ≤ number < below."""
    value: Any = getattr(rule, name)
    if isinstance(value, bool) or not isinstance(value, Real) or not least <= float(value) < below:
        wanted = f">= {least:g}" + (f" and < {below:g}" if below < math.inf else "")
        raise ConfigurationError(f"{type(rule).__name__} needs a number {name} {wanted}; received {value!r}")
