"""Layers that change the shape of rows, or the size of features, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from ..arrays import Array, Shape
from ..errors import ConfigurationError, ShapeError
from ..parameter import Parameter
from .base import Layer, not_built, rate_factor, real_number

Cache: TypeAlias = Shape


class Flatten(Layer):
    """Writes each row's numbers in one line, the last axis running fastest: what a `Dense` layer takes.

    ::

        Forward    y = x with its shape changed
        Backward   dx = dy with its shape changed back
        Shapes     x (N, H, W, ...)   y (N, H·W·...)

    Examples
    --------
    >>> import numpy as np
    >>> Flatten().build((28, 28), np.random.default_rng(0), np.float32)
    (784,)
    """

    def build(self, in_shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Shape:
        return (math.prod(in_shape),)

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Cache]:
        return x.reshape(x.shape[0], math.prod(x.shape[1:])), x.shape

    def backward(self, dy: Array, cache: Cache, *, need_dx: bool = True) -> Array | None:
        return dy.reshape(cache) if need_dx else None


class Reshape(Layer):
    """Gives rows another shape with the same numbers in the same order.

    ::

        Forward    y = x with its shape changed
        Backward   dx = dy with its shape changed back
        Shapes     x (N, ...)   y (N, *shape)

    Parameters
    ----------
    shape : sequence of int, or one int
        The shape of output rows, without the batch axis. One of the numbers may be −1: what is left over.

    Raises
    ------
    ConfigurationError
        When `shape` holds anything but whole numbers of at least 1 and at most one −1.
    ShapeError
        When rows do not have as many numbers as `shape`.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Reshape((28, -1))
    >>> layer.build((784,), np.random.default_rng(0), np.float32)
    (28, 28)
    >>> layer.forward(np.zeros((5, 784)))[0].shape
    (5, 28, 28)
    """

    def __init__(self, shape: Sequence[int] | int) -> None:
        sizes = (shape,) if isinstance(shape, int | np.integer) else shape
        if (
            not isinstance(sizes, Sequence | np.ndarray)
            or not all(map(_is_size, sizes))
            or list(sizes).count(-1) > 1
            or len(sizes) > 63
        ):
            raise ConfigurationError(
                f"Reshape needs a shape of whole numbers of at least 1, one of which may be -1; received {shape!r}"
            )
        self.shape = tuple(int(size) for size in sizes)

    def build(self, in_shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Shape:
        return self._out_shape(in_shape)

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Cache]:
        return x.reshape(x.shape[0], *self._out_shape(x.shape[1:])), x.shape

    def backward(self, dy: Array, cache: Cache, *, need_dx: bool = True) -> Array | None:
        return dy.reshape(cache) if need_dx else None

    def _out_shape(self, in_shape: Shape) -> Shape:
        """`shape` for rows of `in_shape`, with a number in place of −1."""
        size, known = math.prod(in_shape), math.prod(number for number in self.shape if number != -1)
        if size % known if -1 in self.shape else size != known:
            raise ShapeError(f"rows of shape {in_shape} hold {size} numbers, which do not fit into the shape {self.shape}")
        return tuple(size // known if number == -1 else number for number in self.shape)


def _is_size(number: object) -> bool:
    whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
    return whole and (number == -1 or number >= 1)  # type: ignore[operator]


class Scale(Layer):
    """Multiplies each feature with a learned factor.

    ::

        Forward    y = x ⊙ γ
        Backward   dx = dy ⊙ γ      dγ = Σₙ dyₙ ⊙ xₙ
        Shapes     x, y (N, D) or (N, ..., D)   γ (D,)

    The factors start at 1, so a new layer changes nothing, and weight decay leaves them alone.

    Parameters
    ----------
    learning_rate_factor : float ≥ 0
        Multiplies the optimizer's learning rate for γ: 6 in RealMLP (Holzmüller, Grinsztajn, Steinwart, 2024).

    Raises
    ------
    ConfigurationError
        When the factor is negative.
    ShapeError
        When the last axis of x has another length than the layer was built for.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Scale()
    >>> layer.build((3,), np.random.default_rng(0), np.float64)
    (3,)
    >>> y, cache = layer.forward(np.array([[1.0, 2.0, 3.0]]))
    >>> y
    array([[1., 2., 3.]])
    >>> dx = layer.backward(np.array([[10.0, 10.0, -10.0]]), cache)
    >>> layer.gamma.grad
    array([ 10.,  20., -30.])
    """

    gamma: Parameter | None = None

    def __init__(self, *, learning_rate_factor: float = 1.0) -> None:
        self.learning_rate_factor = rate_factor(learning_rate_factor, "Scale needs learning_rate_factor")

    def build(self, in_shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Shape:
        if not in_shape:
            raise ShapeError("Scale needs rows of at least one axis, shape (N, D); was built for rows of shape ()")
        self.gamma = Parameter(np.ones(in_shape[-1], dtype), decay=False, learning_rate_factor=self.learning_rate_factor)
        return in_shape

    def parameters(self) -> Iterator[tuple[str, Parameter]]:
        if self.gamma is not None:
            yield "gamma", self.gamma

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Array]:
        if self.gamma is None:
            raise not_built(self)
        if x.ndim < 2 or x.shape[-1] != self.gamma.value.size:
            raise ShapeError(f"expected x of shape (N, ..., {self.gamma.value.size}), received {x.shape}")
        return x * self.gamma.value, x

    def backward(self, dy: Array, cache: Array, *, need_dx: bool = True) -> Array | None:
        if self.gamma is None:
            raise not_built(self)
        np.add.reduce(dy * cache, axis=tuple(range(dy.ndim - 1)), out=self.gamma.grad)
        return dy * self.gamma.value if need_dx else None


class Rescaling(Layer):
    """A fixed factor and offset for every number: pixels 0 to 255 into 0 to 1, inside the network.

    ::

        Forward    y = f x + o
        Backward   dx = f dy
        Shapes     x, y of any shape

    As the first layer it lets data stay uint8 in memory: `fit` and `predict` convert batch by batch. Nothing is learned;
    `Scale` is the layer whose factors are.

    Parameters
    ----------
    factor : float
        f, finite.
    offset : float
        o, finite.

    Examples
    --------
    >>> import numpy as np
    >>> Rescaling(1 / 255).forward(np.array([[0.0, 51.0, 255.0]]))[0]
    array([[0. , 0.2, 1. ]])
    """

    def __init__(self, factor: float, offset: float = 0.0) -> None:
        self.factor = real_number(factor, np.isfinite, "Rescaling needs a finite factor")
        self.offset = real_number(offset, np.isfinite, "Rescaling needs a finite offset")

    def build(self, in_shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Shape:
        return in_shape

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, None]:
        y: Array = np.multiply(x, self.factor)
        if self.offset:
            y += self.offset
        return y, None

    def backward(self, dy: Array, cache: None, *, need_dx: bool = True) -> Array | None:
        return dy * self.factor if need_dx else None
