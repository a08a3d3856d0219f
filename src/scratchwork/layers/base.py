"""What a layer is: three verbs, and nothing that they leave behind."""

from __future__ import annotations

import inspect
import math
import numbers
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..arrays import Array, Shape
from ..errors import ConfigurationError, NotBuiltError
from ..initializers import INITIALIZERS, Initializer
from ..parameter import Parameter


class Layer(ABC):
    """A function of its input and its parameters, with its derivative beside it.

    A layer of your own needs `build`, `forward` and `backward`; with parameters also `parameters`. Prove it with
    `scratchwork.check_gradients(layer, x=x)`.

    The rules that every layer of the library keeps, and the tests check:

    - float32 stays float32 and float64 float64; whole numbers, typed by hand, count as float64 where a layer calculates.
    - `forward` never writes to `x`, `backward` never to `dy`.
    - What `backward` needs is in the cache that `forward` handed out; nothing is parked on the layer, so that two
      forwards may interleave.
    - `backward` overwrites each parameter's `grad` with ∂L/∂parameter for the `dy` = ∂L/∂y it was given.
    - The first axis is the batch and layers treat rows alone, unless they say otherwise (BatchNorm).
    - Hyper-parameters keep the names they have in `__init__`, so that `config` can read them back.
    """

    @abstractmethod
    def build(self, in_shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Shape:
        """Create the parameters for rows of shape `in_shape` (without the batch axis) and return the shape of output rows."""

    @abstractmethod
    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Any]:
        """The output for a batch, and the cache that `backward` needs.

        training  True while parameters are being fitted (dropout and batch statistics act), False for prediction
        step      which draw of the layer's random numbers; the same step gives the same mask
        """

    @abstractmethod
    def backward(self, dy: Array, cache: Any, *, need_dx: bool = True) -> Array | None:
        """∂L/∂x from dy = ∂L/∂y, writing ∂L/∂parameter to each parameter's `grad`; None where `need_dx` is False."""

    def parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(name, parameter) pairs in a fixed order: what training changes."""
        yield from ()

    def buffers(self) -> Iterator[tuple[str, Array]]:
        """(name, array) pairs that are saved but not trained, such as running means; written in place when loaded."""
        yield from ()

    def sublayers(self) -> Sequence[Layer]:
        """The layers that this one is made of, in the order of the numbers in its parameters' names; none for most."""
        return ()

    def leaves(self) -> Iterator[Layer]:
        """All layers, with those inside others in their place; of most layers the layer itself."""
        parts = self.sublayers()
        if not parts:
            yield self
        for part in parts:
            yield from part.leaves()

    def takes_sparse(self) -> bool:
        """Whether `forward` takes `SparseRows` as they are; whatever does not is handed each batch with all its zeros."""
        return False

    def config(self) -> dict[str, Any]:
        """The hyper-parameters, by the names of `__init__`: with them a layer of the same kind can be made again."""
        names = [parameter.name for parameter in hyperparameters(self)]
        for name in names:
            if not hasattr(self, name):
                raise ConfigurationError(
                    f"{self!r} does not keep its setting {name!r} under that name, so it could not be made again: write "
                    f"self.{name} = {name} in __init__, or a config() of its own"
                )
        return {name: getattr(self, name) for name in names}

    def __repr__(self) -> str:
        return described(self)


def hyperparameters(thing: Any) -> list[inspect.Parameter]:
    """The named arguments of `__init__`; none for a class without one, whose signature would read `*args, **kwargs`."""
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    arguments = list(inspect.signature(type(thing).__init__).parameters.values())[1:]
    return [argument for argument in arguments if argument.kind not in variadic]


def described(thing: Any) -> str:
    """`Dense(10, bias_initializer='zeros')`: the name, the first argument bare where it is required, what is not default."""
    parts = []
    for parameter in hyperparameters(thing):
        value = getattr(thing, parameter.name, ...)  # … of a class of somebody's own that keeps it under another name
        if parameter.default is parameter.empty:
            parts.append(repr(value))
        elif not _is_default(value, parameter.default):
            parts.append(f"{parameter.name}={value!r}")
    return f"{type(thing).__name__}({', '.join(parts)})"


def _is_default(value: Any, default: Any) -> bool:
    if isinstance(default, str) and isinstance(value, Initializer):  # what "he_normal" stands for is kept as an object
        default = INITIALIZERS.get(default)
    return value is default or bool(value == default)


def real_number(value: Any, accept: Callable[[float], bool], needs: str) -> float:
    """`value` as a float, or a ConfigurationError that begins with `needs` when it is no number or not accepted.

    >>> real_number("thin", lambda eps: eps > 0, "LayerNorm needs an eps > 0")
    Traceback (most recent call last):
    scratchwork.errors.ConfigurationError: LayerNorm needs an eps > 0; received 'thin'
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not accept(float(value)):
        raise ConfigurationError(f"{needs}; received {value!r}")
    return float(value)


def rate_factor(value: Any, needs: str) -> float:
    """`value` as the factor of a parameter's learning rate: a finite number of at least 0."""
    return real_number(value, lambda factor: 0.0 <= factor < math.inf, f"{needs} >= 0")


def not_built(layer: Layer) -> NotBuiltError:
    """The error for a layer that is used before it is built."""
    return NotBuiltError(f"{layer!r} has no parameters yet: call fit(), or build(in_shape) with the shape of one input row")
