"""Rules that turn a gradient into a step: frozen hyper-parameters, a state, and an update in place.

A rule knows nothing of layers. It is handed a piece of the flat parameter vector, the same piece of the gradient and of
its own state, and changes value and state in place. The training loop walks the vector in pieces that fit the cache.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from .arrays import Array

State: TypeAlias = dict[str, Array]
Schedule: TypeAlias = Callable[[int], float]


@dataclasses.dataclass(frozen=True)
class Optimizer(ABC):
    """A first-order rule.

    learning_rate is a positive number, or a schedule: a function of the number of steps already taken.
    """

    learning_rate: float | Schedule

    @abstractmethod
    def init(self, value: Array) -> State:
        """The state for parameters like `value`: a dict of arrays of its shape and dtype (empty for plain descent)."""

    @abstractmethod
    def update(self, value: Array, grad: Array, state: State, *, step: int, learning_rate: float) -> None:
        """Take step number `step` (1 for the first) in place on `value` and `state`; `grad` is only read."""
