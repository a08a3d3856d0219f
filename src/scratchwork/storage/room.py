"""A size that somebody wrote into a file must not cost memory: layers are built in the room that the file's arrays take."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import DTypeLike

from ..arrays import Array, Shape
from ..errors import FileFormatError
from ..initializers import Initializer
from ..layers import Layer, Scale
from ..layers.normalization import Normalization
from ..sequential import Sequential


@contextmanager
def room_of_the_file(network: Sequential, arrays: dict[str, Array]) -> Iterator[None]:
    """While a network is built for loading, no layer makes more numbers than the file holds for it.

    Its arrays start as zeros, since what is loaded need not be drawn first; a size that somebody wrote into a file is an
    error before it costs memory. Afterwards the layers have their own initializers again.
    """
    own: list[tuple[Layer, str, Initializer]] = []
    guarded: list[Layer] = []

    def walk(chain: Layer, prefix: str) -> None:
        for index, layer in enumerate(chain.sublayers()):
            name = f"{prefix}{index}."
            if layer.sublayers():
                walk(layer, name)
                continue
            room = sum(array.size for key, array in arrays.items() if key.startswith(f"network.{name}"))
            for attribute, value in list(vars(layer).items()):
                if isinstance(value, Initializer):
                    own.append((layer, attribute, value))
                    setattr(layer, attribute, _Room(room, value))
            if isinstance(layer, Normalization | Scale):  # these start at ones and zeros without being asked
                guarded.append(layer)
                vars(layer)["build"] = partial(_build_within, layer.build, room)

    walk(network, "")
    try:
        yield
    finally:
        for layer, attribute, value in own:
            setattr(layer, attribute, value)
        for layer in guarded:
            del vars(layer)["build"]


@dataclass(frozen=True, repr=False)
class _Room(Initializer):
    """Zeros in the place of another initializer, but not more numbers than these."""

    numbers: int
    own: Initializer

    def __repr__(self) -> str:  # a layer in an error message looks as it did when it was saved
        return repr(self.own)

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Array:
        _require_room(shape, self.numbers)
        return np.zeros(shape, dtype)


def _build_within(build: Callable[..., Shape], room: int, in_shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Shape:
    _require_room(in_shape[-1:], room)
    return build(in_shape, rng, dtype)


def _require_room(shape: Shape, room: int) -> None:
    if math.prod(shape) > room:
        raise FileFormatError(f"an array of shape {shape} is needed, and the file holds no more than {room} numbers for it")
