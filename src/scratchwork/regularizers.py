"""Penalties on the weights, and the constraint that projects them.

A penalty R(w) is part of the loss that is reported and its gradient is added to the gradient of the loss. A constraint
is no part of the loss: it projects the weights back after the optimizer's step.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from .arrays import Array
from .errors import ConfigurationError


class Regularizer(ABC):
    """A penalty on a parameter."""

    biases: bool

    @abstractmethod
    def inplace_add_gradient(self, value: Array, grad: Array) -> float:
        """Add ∂R/∂value to `grad` and return R(value): value and gradient from one place."""


class Constraint(ABC):
    """A set to which a parameter is brought back after each step."""

    @abstractmethod
    def inplace_project(self, value: Array) -> None:
        """Move `value` to the nearest point of the set."""
