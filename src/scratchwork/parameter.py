"""Parameters: a value, its gradient, and the one flat vector in which a network keeps them all.

An optimizer need not know about layers: it sees one long vector of values and one of gradients. So the parameters
of a network are *views* into two flat arrays. The layer writes `weight.grad[...]`, the optimizer walks the flat vector
in blocks that fit the cache, a checkpoint is one array. Parameters that decay (weights) stand before those that do
not (biases, gains), so that "all weights" is one slice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from .arrays import Array
from .errors import ConfigurationError, ShapeError
from .regularizers import Constraint, Regularizer, check_rules


class Parameter:
    """An array that training changes.

    value        the numbers
    grad         ∂L/∂value of the last backward, of the same shape; overwritten by every backward, never added to; assigning
                 to it writes the numbers into the array that is there, for the optimizer reads no other
    decay        whether regularization and weight decay apply by default: True for weights, False for biases and gains
    regularizer  this parameter's own penalty, in place of the one given to `fit`
    constraint   projected onto after every step
    learning_rate_factor   multiplies the optimizer's learning rate for this parameter; ≥ 0, and 0 keeps it as it is

    An array of the same shape and type that is assigned to `value` is written into the one that is there, too; any other
    takes its place, and `flatten` moves it into the network's vector.
    """

    __slots__ = ("_grad", "_value", "constraint", "decay", "learning_rate_factor", "regularizer")

    def __init__(
        self,
        value: Array,
        *,
        decay: bool = True,
        regularizer: Regularizer | None = None,
        constraint: Constraint | None = None,
        learning_rate_factor: float = 1.0,
    ) -> None:
        check_rules(regularizer, constraint, "the parameter's ")
        self._value: Array = value
        self._grad: Array = np.zeros(value.shape, value.dtype)
        self.decay = decay
        self.regularizer = regularizer
        self.constraint = constraint
        self.learning_rate_factor = float(learning_rate_factor)

    @property
    def value(self) -> Array:
        return self._value

    @value.setter
    def value(self, value: Array) -> None:
        if value is self._value:  # what `parameter.value *= 2` ends with
            return
        if isinstance(value, np.ndarray) and (value.shape, value.dtype) == (self._value.shape, self._value.dtype):
            self._value[...] = value
        else:
            self._value = np.asarray(value)

    @property
    def grad(self) -> Array:
        return self._grad

    @grad.setter
    def grad(self, grad: Array) -> None:
        if grad is self._grad:
            return
        if np.shape(grad) != self._value.shape:
            raise ShapeError(f"a gradient has the shape of its parameter, {self._value.shape}; received {np.shape(grad)}")
        if self._grad.shape == self._value.shape:
            self._grad[...] = grad
        else:  # a value of another shape was put in its place
            self._grad = np.array(grad, self._value.dtype)

    def move_to(self, value: Array, grad: Array) -> None:
        """From now on these two arrays are the parameter."""
        self._value, self._grad = value, grad

    def __repr__(self) -> str:
        return f"Parameter(shape={self.value.shape}, dtype={self.value.dtype}, decay={self.decay})"


@dataclass(eq=False)
class FlatParameters:
    """All parameters of a network as one vector of values and one of gradients.

    `parameters[i]` lives in `value[slices[i]]`; the first `n_decay` numbers belong to parameters that decay.
    """

    parameters: list[Parameter]
    slices: list[slice]
    value: Array
    grad: Array
    n_decay: int

    def holds(self, parameters: Sequence[Parameter]) -> bool:
        """Whether exactly these parameters still live here (a copy or a rebuild takes them elsewhere)."""
        if len(parameters) != len(self.parameters):
            return False
        pairs = zip(parameters, self.parameters, strict=True)
        return all(p is q and p.value.base is self.value and p.grad.base is self.grad for p, q in pairs)


def flatten(parameters: Sequence[Parameter], dtype: DTypeLike | None = None) -> FlatParameters:
    """Move `parameters` into one flat vector; afterwards their `value` and `grad` are views into it.

    The vector has the `dtype` of the network, whatever an array has that somebody put in a parameter's place; None takes
    that of the first parameter.

    Raises ConfigurationError for a parameter that stands there twice, as two views would each want to be the parameter.
    """
    ordered = [p for p in parameters if p.decay] + [p for p in parameters if not p.decay]
    if len({id(p) for p in ordered}) < len(ordered):
        raise ConfigurationError("a parameter stands in the network twice: every layer needs parameters of its own")
    if dtype is None:
        dtype = ordered[0].value.dtype if ordered else np.float32
    size = sum(p.value.size for p in ordered)
    value, grad = np.empty(size, dtype), np.zeros(size, dtype)
    slices, start = [], 0
    for parameter in ordered:
        place = slice(start, start + parameter.value.size)
        shape = parameter.value.shape
        value[place] = parameter.value.reshape(-1)
        if parameter.grad.shape == shape:  # another value was put in its place otherwise, and the gradient is of the old one
            grad[place] = parameter.grad.reshape(-1)
        parameter.move_to(value[place].reshape(shape), grad[place].reshape(shape))
        slices.append(place)
        start = place.stop
    n_decay = sum(p.value.size for p in ordered if p.decay)
    return FlatParameters(list(ordered), slices, value, grad, n_decay)
