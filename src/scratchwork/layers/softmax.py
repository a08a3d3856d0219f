"""Softmax as a layer of its own, with its whole Jacobian."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from ..arrays import Array, Shape, floats
from ..errors import ShapeError
from .base import Layer

Cache: TypeAlias = Array


class Softmax(Layer):
    """Turns each row of scores into probabilities: positive, with sum 1, along the last axis.

    ::

        Forward    yᵢ = exp(xᵢ) / Σⱼ exp(xⱼ)
        Jacobian   ∂yᵢ/∂xⱼ = yᵢ (δᵢⱼ − yⱼ)
        Backward   dx = y ⊙ (dy − Σⱼ dyⱼ yⱼ)
        Shapes     x, y (N, C) or (N, ..., C)

    Every output depends on every input of its row, so the backward is a product with the full Jacobian; it needs C
    numbers and not C², because the Jacobian is diag(y) − y yᵀ.

    To *train* a classifier leave this layer out and let `SoftmaxCrossEntropy` take the scores: softmax and logarithm
    together are exact where a probability that has rounded to 0 or 1 is not. With this layer goes `CategoricalCrossEntropy`.

    Numerics
    --------
    exp(x) overflows at x = 89 in float32. The row's maximum is subtracted first, which changes nothing (numerator and
    denominator get the same factor) and leaves no exponent above 0.

    Raises
    ------
    ShapeError
        When rows have no axis to sum over.

    References
    ----------
    Bridle (1990), "Probabilistic interpretation of feedforward classification network outputs, with relationships to
    statistical pattern recognition", in Neurocomputing, Springer.

    Examples
    --------
    >>> import numpy as np
    >>> y, cache = Softmax().forward(np.array([[1.3, 5.1, 2.2, 0.7, 1.1]]))
    >>> y.round(2)
    array([[0.02, 0.9 , 0.05, 0.01, 0.02]])
    >>> Softmax().backward(np.ones((1, 5)), cache).round(12) + 0.0  # the sum of a row is always 1: no way to change it
    array([[0., 0., 0., 0., 0.]])
    """

    def build(self, in_shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Shape:
        if not in_shape:
            raise ShapeError("Softmax needs rows of at least one axis, shape (N, C); was built for single numbers, shape (N,)")
        return in_shape

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Cache]:
        x = floats(x)
        columns = np.asfortranarray(x) if x.shape[-1] < 64 else x  # short rows: the maximum runs down whole columns at once
        y: Array = np.subtract(x, np.maximum.reduce(columns, axis=-1, keepdims=True))
        np.exp(y, out=y)
        y /= np.add.reduce(y, axis=-1, keepdims=True)
        return y, y

    def backward(self, dy: Array, cache: Cache, *, need_dx: bool = True) -> Array | None:
        if not need_dx:
            return None
        y = cache
        dx: Array = np.subtract(dy, np.vecdot(dy, y)[..., None])
        dx *= y
        return dx
