"""Dropout, in the form that scales while training and in the first one, which scales at prediction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from ..arrays import Array, Shape, floats
from ..errors import NotBuiltError
from ..randomness import keep_mask
from .base import Layer, real_number

Cache: TypeAlias = tuple[Array | None, float]


class Dropout(Layer):
    """Sets each input to zero with probability `rate` while training, so that no unit can lean on another.

    ::

        m ~ Bernoulli(1 − rate), drawn per element
        Inverted, training     y = x ⊙ m / (1 − rate)     dx = dy ⊙ m / (1 − rate)
        Inverted, prediction   y = x                      dx = dy
        Vanilla, training      y = x ⊙ m                  dx = dy ⊙ m
        Vanilla, prediction    y = (1 − rate) x           dx = (1 − rate) dy
        Shapes                 x, y of any shape

    In both forms E[y] while training equals y at prediction.

    Parameters
    ----------
    rate : float, 0 ≤ rate < 1
        The probability of *dropping* an element.
    inverted : bool
        True scales while training and leaves prediction untouched; False is the first, "vanilla" form.

    Notes
    -----
    The mask is a function of the layer's seed (drawn when it is built), the step and the element
    (`scratchwork.randomness`): the same `step` gives the same mask, which is also what makes its gradient checkable.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov (2014), "Dropout: a simple way to prevent neural networks
    from overfitting", JMLR 15 (vanilla; that the factor may be moved to training is noted there too).

    Examples
    --------
    >>> import numpy as np
    >>> layer = Dropout(0.5)
    >>> layer.build((8,), np.random.default_rng(0), np.float64)
    (8,)
    >>> y, _ = layer.forward(np.ones((1, 8)), training=True, step=1)
    >>> sorted(set(y[0].tolist()))
    [0.0, 2.0]
    >>> layer.forward(np.ones((1, 2)))[0]
    array([[1., 1.]])
    """

    seed: Array | None = None

    def __init__(self, rate: float, *, inverted: bool = True) -> None:
        needs = "Dropout needs a rate with 0 <= rate < 1, the probability of dropping"
        self.rate = real_number(rate, lambda rate: 0.0 <= rate < 1.0, needs)
        self.inverted = bool(inverted)

    def build(self, in_shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Shape:
        self.seed = rng.integers(0, 2**64, size=1, dtype=np.uint64)
        return in_shape

    def buffers(self) -> Iterator[tuple[str, Array]]:
        if self.seed is not None:
            yield "seed", self.seed

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Cache]:
        scale = 1.0 if self.inverted else 1.0 - self.rate
        if not training or self.rate == 0.0:
            return (x if scale == 1.0 else x * scale), (None, scale)
        if self.seed is None:
            raise NotBuiltError(f"{self!r} has no seed yet: call fit(), or build(in_shape) with the shape of one input row")
        x = floats(x)
        mask = keep_mask(int(self.seed[0]), step, x.shape, self.rate)
        y: Array = np.multiply(x, mask, dtype=x.dtype)
        if self.inverted:
            y *= (scale := 1.0 / (1.0 - self.rate))
        else:
            scale = 1.0
        return y, (mask, scale)

    def backward(self, dy: Array, cache: Cache, *, need_dx: bool = True) -> Array | None:
        if not need_dx:
            return None
        mask, scale = cache
        dx: Array = dy if mask is None else np.multiply(dy, mask, dtype=dy.dtype)
        return dx if scale == 1.0 else dx * scale
