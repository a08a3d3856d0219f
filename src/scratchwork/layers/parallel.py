"""Several networks side by side on the same rows, and the mean of what they give: an ensemble as two layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from ..arrays import Array, Shape, floats
from ..errors import ConfigurationError, NotBuiltError, ShapeError
from ..parameter import Parameter
from .base import Layer

Caches: TypeAlias = list[Any]


class Parallel(Layer):
    """Gives the same rows to K networks and puts their outputs side by side.

    ::

        Forward    y = [f₁(x), f₂(x), ..., f_K(x)]       columns k·C to (k+1)·C are network k's, counted from 0
        Backward   dx = Σₖ (∂fₖ/∂x)ᵀ dyₖ                  dyₖ: those columns of dy
        Shapes     x (N, ...)   fₖ(x) (N, C)   y (N, K·C)

    With `Average` behind it, an ensemble: `scratchwork.average` makes one of trained networks.

    Parameters
    ----------
    networks : sequence of Layer
        Sequentials or single layers, each object once; all give flat rows of the same width C.

    Raises
    ------
    ConfigurationError
        When `networks` is no list, is empty, or holds something that is no layer.
    ShapeError
        When they do not all give flat rows of one width.

    Examples
    --------
    >>> import numpy as np
    >>> from scratchwork import ReLU, Tanh
    >>> both = Parallel([ReLU(), Tanh()])
    >>> both.build((2,), np.random.default_rng(0), np.float64)
    (4,)
    >>> both.forward(np.array([[0.0, -1.0]]))[0].round(2)
    array([[ 0.  ,  0.  ,  0.  , -0.76]])
    """

    width = 0  # C, known once it is built

    def __init__(self, networks: Iterable[Layer]) -> None:
        if isinstance(networks, Layer | str) or not isinstance(networks, Iterable):
            raise ConfigurationError(f"Parallel takes a list of networks, Parallel([...]); received {networks!r}")
        self.networks = list(networks)
        if not self.networks:
            raise ConfigurationError("Parallel needs at least one network, received none")
        for index, network in enumerate(self.networks):
            if not isinstance(network, Layer):
                raise ConfigurationError(f"network {index} of Parallel is {network!r}, which is no Layer")
        leaves = [id(leaf) for network in self.networks for leaf in network.leaves()]
        if len(set(leaves)) < len(leaves):
            raise ConfigurationError("a layer stands in the networks of Parallel twice: make a second one")

    def build(self, in_shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Shape:
        generators = rng.spawn(len(self.networks))
        return self.joined(
            [network.build(in_shape, generator, dtype) for network, generator in zip(self.networks, generators, strict=True)]
        )

    def joined(self, shapes: Sequence[Shape]) -> Shape:
        """The shape of output rows where the networks' are `shapes`: what `build` ends with, for networks built before."""
        if len(shapes[0]) != 1 or len(set(shapes)) > 1:
            raise ShapeError(f"Parallel needs networks that give flat rows of one width; theirs are of the shapes {shapes}")
        self.width = shapes[0][0]
        return (len(self.networks) * self.width,)

    def sublayers(self) -> Sequence[Layer]:
        return self.networks

    def takes_sparse(self) -> bool:
        return all(network.takes_sparse() for network in self.networks)

    def parameters(self) -> Iterator[tuple[str, Parameter]]:
        for index, network in enumerate(self.networks):
            for name, parameter in network.parameters():
                yield f"{index}.{name}", parameter

    def buffers(self) -> Iterator[tuple[str, Array]]:
        for index, network in enumerate(self.networks):
            for name, buffer in network.buffers():
                yield f"{index}.{name}", buffer

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Caches]:
        if not self.width:
            raise NotBuiltError("Parallel is not built yet: call fit(), or build(in_shape) with the shape of one input row")
        results = [network.forward(x, training=training, step=step) for network in self.networks]
        return np.concatenate([y for y, _ in results], axis=1), [cache for _, cache in results]

    def backward(self, dy: Array, cache: Caches, *, need_dx: bool = True) -> Array | None:
        width = self.width
        if dy.ndim != 2 or dy.shape[1] != len(self.networks) * width:
            raise ShapeError(f"expected dy of shape (N, {len(self.networks) * width}), received {dy.shape}")
        total: Array | None = None
        for k, (network, kept) in enumerate(zip(self.networks, cache, strict=True)):
            part = np.ascontiguousarray(dy[:, k * width : (k + 1) * width])
            dx = network.backward(part, kept, need_dx=need_dx)
            if dx is not None:
                total = dx if total is None else total + dx
        return total

    def __repr__(self) -> str:
        alike = {repr(network) for network in self.networks}
        if len(alike) == 1 < len(self.networks):  # thirty networks on one line are no description
            return f"Parallel([{alike.pop()}, ...], {len(self.networks)} alike)"
        return f"Parallel({self.networks!r})"


class Average(Layer):
    """The mean of K parts of each row: what an ensemble predicts from what its members give.

    ::

        Forward    y = (1/K) Σₖ xₖ         xₖ the k-th C columns of x, k = 0, ..., K − 1
        Backward   dx = (dy, ..., dy) / K
        Shapes     x (N, K·C)   y (N, C)

    The mean of probabilities is a probability. The mean of logits is something else: where classes are predicted, each
    member ends in `Softmax` or `Sigmoid`.

    Parameters
    ----------
    parts : int ≥ 1
        K.

    Raises
    ------
    ConfigurationError
        When `parts` is not a whole number of at least 1.
    ShapeError
        When rows are not flat, or not K parts of the same width.

    Examples
    --------
    >>> import numpy as np
    >>> Average(2).forward(np.array([[1.0, 2.0, 3.0, 6.0]]))[0]
    array([[2., 4.]])
    """

    def __init__(self, parts: int) -> None:
        if isinstance(parts, bool) or not isinstance(parts, int | np.integer) or parts < 1:
            raise ConfigurationError(f"Average needs a whole number of parts, at least 1; received {parts!r}")
        self.parts = int(parts)

    def build(self, in_shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Shape:
        if len(in_shape) != 1 or in_shape[0] % self.parts:
            raise ShapeError(f"Average({self.parts}) takes flat rows of {self.parts} equal parts; received rows of {in_shape}")
        return (in_shape[0] // self.parts,)

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, None]:
        if x.ndim != 2 or x.shape[1] % self.parts:
            raise ShapeError(f"expected x of shape (N, {self.parts}·C), received {x.shape}")
        x = floats(x)
        y: Array = np.add.reduce(x.reshape(len(x), self.parts, x.shape[1] // self.parts), axis=1)
        y *= 1.0 / self.parts
        return y, None

    def backward(self, dy: Array, cache: None, *, need_dx: bool = True) -> Array | None:
        return np.tile(dy * (1.0 / self.parts), (1, self.parts)) if need_dx else None
