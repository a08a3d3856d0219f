"""Learning rates that change: records of their settings, called with a step.

`step` is the number of updates already taken: 0 for the first update, which therefore has exactly the initial rate. A
step is one mini-batch, not one epoch: an epoch of N rows in batches of B is ⌈N/B⌉ steps, so that ten epochs of 60,000
rows in batches of 128 have 10 · 469 steps, and "halve it every two epochs" is `StepDecay(initial, every=2 * 469)`. What
has an end holds its last value from there on. Any function step -> rate will do in place of one of these, but only these
can be written to a file.
"""

import dataclasses
import inspect
import math
from abc import ABC, abstractmethod
from numbers import Real
from typing import Any

from .errors import ConfigurationError

INF = math.inf


@dataclasses.dataclass(frozen=True)
class Schedule(ABC):
    """A learning rate for every step. One of your own is a class with this `__call__`."""

    @abstractmethod
    def __call__(self, step: int) -> float:
        """The learning rate of the update that follows `step` others."""

    def config(self) -> dict[str, Any]:
        """The settings by the names of `__init__`: with them the same schedule can be made again."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}


@dataclasses.dataclass(frozen=True)
class Constant(Schedule):
    """The same rate for all steps; a plain number as learning rate means this.

    Parameters
    ----------
    value : float > 0
    """

    value: float

    def __post_init__(self) -> None:
        _require_number(self, "value", above=0.0)

    def __call__(self, step: int) -> float:
        return float(self.value)


@dataclasses.dataclass(frozen=True)
class InverseTime(Schedule):
    """A rate that falls like one over time.

    ::

        η(t) = initial / (1 + decay · t)

    Parameters
    ----------
    initial : float > 0
    decay : float ≥ 0
        Per step: after 1/decay steps the rate is half of the initial one.

    >>> InverseTime(1.0, decay=0.01)(100)
    0.5
    """

    initial: float
    decay: float

    def __post_init__(self) -> None:
        _require_number(self, "initial", above=0.0)
        _require_number(self, "decay", least=0.0)

    def __call__(self, step: int) -> float:
        return float(self.initial) / (1.0 + float(self.decay) * step)


@dataclasses.dataclass(frozen=True)
class StepDecay(Schedule):
    """A rate that drops by a factor every so many steps.

    ::

        η(t) = initial · factor^⌊t / every⌋

    Parameters
    ----------
    initial : float > 0
    every : int ≥ 1
        Steps between two drops.
    factor : float, 0 < factor ≤ 1

    >>> schedule = StepDecay(0.8, every=10)
    >>> schedule(9), schedule(10), schedule(20)
    (0.8, 0.4, 0.2)
    """

    initial: float
    every: int
    factor: float = 0.5

    def __post_init__(self) -> None:
        _require_number(self, "initial", above=0.0)
        _require_steps(self, "every")
        _require_number(self, "factor", above=0.0, most=1.0)

    def __call__(self, step: int) -> float:
        return float(self.initial) * math.pow(self.factor, step // self.every)


@dataclasses.dataclass(frozen=True)
class Exponential(Schedule):
    """A rate that falls by the same share in every step.

    ::

        η(t) = initial · exp(−decay · t)

    Parameters
    ----------
    initial : float > 0
    decay : float ≥ 0
        Per step: the rate halves every ln 2 / decay steps.

    >>> round(Exponential(1.0, decay=math.log(2) / 10)(20), 12)
    0.25
    """

    initial: float
    decay: float

    def __post_init__(self) -> None:
        _require_number(self, "initial", above=0.0)
        _require_number(self, "decay", least=0.0)

    def __call__(self, step: int) -> float:
        return float(self.initial) * math.exp(-float(self.decay) * step)


@dataclasses.dataclass(frozen=True)
class Cosine(Schedule):
    """Half a period of a cosine from the initial to the final rate: slow at first, steep halfway, slow at the end.

    ::

        η(t) = c · initial + (1 − c) · final      c = ½ (1 + cos(π · t / steps)), and 0 from t = steps on

    Parameters
    ----------
    initial : float > 0
    steps : int ≥ 1
        Where the final rate is reached: usually all steps of the training.
    final : float ≥ 0

    References
    ----------
    Loshchilov, Hutter (2017), "SGDR: stochastic gradient descent with warm restarts", ICLR; here without restarts.

    >>> schedule = Cosine(0.1, steps=100)
    >>> schedule(0), round(schedule(50), 12), schedule(100), schedule(101)
    (0.1, 0.05, 0.0, 0.0)
    """

    initial: float
    steps: int
    final: float = 0.0

    def __post_init__(self) -> None:
        _require_number(self, "initial", above=0.0)
        _require_steps(self, "steps")
        _require_number(self, "final", least=0.0)

    def __call__(self, step: int) -> float:
        return _cosine(float(self.initial), float(self.final), step, self.steps)


@dataclasses.dataclass(frozen=True)
class WarmUp(Schedule):
    """A straight rise to the initial rate of another schedule, which then takes over at its beginning.

    ::

        η(t) = then(0) · (t + 1) / (steps + 1)      for t < steps
        η(t) = then(t − steps)                      afterwards

    The first step has the rate then(0) / (steps + 1) and not zero, so that it is not wasted.

    Parameters
    ----------
    steps : int ≥ 1
        Length of the rise.
    then : schedule, or float > 0
        A number is held.

    >>> schedule = WarmUp(3, then=0.4)
    >>> [round(schedule(step), 12) for step in range(5)]
    [0.1, 0.2, 0.3, 0.4, 0.4]
    """

    steps: int
    then: Schedule | float

    def __post_init__(self) -> None:
        _require_steps(self, "steps")
        if not callable(self.then):
            _require_number(self, "then", above=0.0)

    def __call__(self, step: int) -> float:
        then = self.then if callable(self.then) else Constant(self.then)
        if step < self.steps:
            return float(then(0)) * ((step + 1) / (self.steps + 1))
        return float(then(step - self.steps))


@dataclasses.dataclass(frozen=True)
class OneCycle(Schedule):
    """Up to a peak that would be too high to start with, then down to almost nothing, along two halves of a cosine.

    ::

        initial = peak / divisor      final = initial / final_divisor      top = warm_up · steps
        η(t) rises from initial to peak for t ≤ top, falls from there to final at t = steps, and stays there

    Parameters
    ----------
    peak : float > 0
        The highest rate.
    steps : int ≥ 1
        Length of the whole cycle: all steps of the training.
    warm_up : float, 0 ≤ warm_up < 1
        The share of the steps that rise.
    divisor, final_divisor : float ≥ 1

    Notes
    -----
    Smith's momentum, which falls while the rate rises, is not part of a learning-rate schedule and is left out.

    References
    ----------
    Smith, Topin (2019), "Super-convergence: very fast training of neural networks using large learning rates". The cosine
    in place of straight lines, and the defaults, are those of PyTorch's OneCycleLR.

    >>> schedule = OneCycle(1.0, steps=100)
    >>> schedule(0), schedule(30), round(schedule(65), 3), schedule(100) == schedule(1000) == 1 / 25 / 1e4
    (0.04, 1.0, 0.5, True)
    """

    peak: float
    steps: int
    warm_up: float = 0.3
    divisor: float = 25.0
    final_divisor: float = 1e4

    def __post_init__(self) -> None:
        _require_number(self, "peak", above=0.0)
        _require_steps(self, "steps")
        _require_number(self, "warm_up", least=0.0, below=1.0)
        _require_number(self, "divisor", least=1.0)
        _require_number(self, "final_divisor", least=1.0)

    def __call__(self, step: int) -> float:
        peak, top = float(self.peak), float(self.warm_up) * self.steps
        initial = peak / float(self.divisor)
        if step < top:
            return _cosine(initial, peak, step, top)
        return _cosine(peak, initial / float(self.final_divisor), step - top, self.steps - top)


@dataclasses.dataclass(frozen=True)
class CosLog(Schedule):
    """Waves between 0 and a peak, each twice as long as the one before: many restarts early, one long decline at the end.

    ::

        η(t) = ½ peak · (1 − cos(2π log₂(1 + (2^cycles − 1) · t / steps)))      and 0 from t = steps on

    The first update has the rate 0. Wave k (from 0) ends at t = steps · (2^(k+1) − 1) / (2^cycles − 1).

    Parameters
    ----------
    peak : float > 0
        The highest rate, reached once in every wave.
    steps : int ≥ 1
        Length of all waves together: all steps of the training.
    cycles : int ≥ 1
        How many waves.

    References
    ----------
    Holzmüller, Grinsztajn, Steinwart (2024), "Better by default: strong pre-tuned MLPs and boosted trees on tabular data".

    >>> schedule = CosLog(1.0, steps=15, cycles=2)
    >>> [round(schedule(step), 3) for step in (0, 2, 5, 9, 15)]
    [0.0, 0.998, 0.0, 0.998, 0.0]
    """

    peak: float
    steps: int
    cycles: int = 4

    def __post_init__(self) -> None:
        _require_number(self, "peak", above=0.0)
        _require_steps(self, "steps")
        _require_steps(self, "cycles")

    def __call__(self, step: int) -> float:
        waves = math.log2(1.0 + (2.0**self.cycles - 1.0) * min(step / self.steps, 1.0))
        return float(self.peak) * math.sin(math.pi * math.remainder(waves, 1.0)) ** 2


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "inverse_time": InverseTime,
    "step_decay": StepDecay,
    "exponential": Exponential,
    "cosine": Cosine,
    "warm_up": WarmUp,
    "one_cycle": OneCycle,
    "cos_log": CosLog,
}


def _cosine(first: float, last: float, t: float, end: float) -> float:
    """From `first` at t = 0 to `last` at t ≥ end, both exactly."""
    share = 0.5 * (1.0 + math.cos(math.pi * min(t / end, 1.0)))
    return share * first + (1.0 - share) * last


def _require_number(
    schedule: Schedule, name: str, *, above: float = -INF, least: float = -INF, below: float = INF, most: float = INF
) -> None:
    value: Any = getattr(schedule, name)
    number = not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)
    if not number or not (above < value < below and least <= value <= most):
        bounds = ((">", above), (">=", least), ("<", below), ("<=", most))
        wanted = " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if math.isfinite(bound))
        raise ConfigurationError(f"{type(schedule).__name__} needs a number {name} {wanted}; received {value!r}")


def _require_steps(schedule: Schedule, name: str) -> None:
    value: Any = getattr(schedule, name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        what = f"steps {name}" if name == "every" else name
        raise ConfigurationError(f"{type(schedule).__name__} needs a whole number of {what}, at least 1; received {value!r}")
