"""Normalization: every feature over the batch, or every row over its features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from ..arrays import Array, Shape, floats
from ..errors import ShapeError
from ..parameter import Parameter
from .base import Layer, not_built, real_number

BatchCache: TypeAlias = tuple[Array, Array, bool]
RowCache: TypeAlias = tuple[Array, Array]


class Normalization(Layer):
    """What both have: a learned gain γ and offset β per feature of the last axis, without weight decay."""

    gamma: Parameter | None = None
    beta: Parameter | None = None

    def _build_gain(self, in_shape: Shape, dtype: DTypeLike) -> None:
        if not in_shape:
            raise ShapeError(f"{type(self).__name__} needs rows of at least one axis, (N, D); was built for rows of shape ()")
        self.gamma = Parameter(np.ones(in_shape[-1], dtype), decay=False)
        self.beta = Parameter(np.zeros(in_shape[-1], dtype), decay=False)

    def _gain(self, x: Array) -> tuple[Parameter, Parameter]:
        """γ and β, which must be as many as the features of `x` (or of dy)."""
        if self.gamma is None or self.beta is None:
            raise not_built(self)
        if x.ndim < 2 or x.shape[-1] != self.gamma.value.size:
            raise ShapeError(f"expected x of shape (N, ..., {self.gamma.value.size}), received {x.shape}")
        return self.gamma, self.beta

    def parameters(self) -> Iterator[tuple[str, Parameter]]:
        if self.gamma is not None:
            yield "gamma", self.gamma
        if self.beta is not None:
            yield "beta", self.beta


class BatchNorm(Normalization):
    """Batch normalization: gives every feature mean 0 and variance 1 over the batch, then a learned gain and offset.

    ::

        Training     μ = 1/M Σₘ xₘ      σ² = 1/M Σₘ (xₘ − μ)²      x̂ = (x − μ) / √(σ² + eps)      y = γ x̂ + β
        Backward     dβ = Σₘ dyₘ      dγ = Σₘ dyₘ x̂ₘ
                     dx = γ / √(σ² + eps) · (dy − dβ/M − x̂ dγ/M)
        Prediction   the same with the running mean and variance for μ and σ², which do not depend on x:
                     dx = γ / √(σ² + eps) · dy
        Running      running = momentum · running + (1 − momentum) · batch, after every training forward
        Shapes       x, y (N, D) with M = N, or (N, ..., D) with M the product of all axes but the last

    The two subtracted terms of dx come through μ and σ², in which every x of the batch has a part. Rows are therefore
    *not* treated alone in training: a row's output depends on the batch it is in.

    The forward divides by the biased variance (1/M). The running variance takes the unbiased one, σ² M/(M − 1), for it
    stands for the whole data, as in algorithm 2 of the paper and in PyTorch.

    A batch of one (M = 1) has x̂ = 0, so y = β and dx = 0; it moves the running mean, and not the running variance, about
    which it says nothing.

    Parameters
    ----------
    momentum : float, 0 ≤ momentum < 1
        The share of the running value that is *kept*. PyTorch's `momentum` is the share that is replaced: its default of
        0.1 is 0.9 here.
    eps : float > 0
        Added to the variance, so that a constant feature is not divided by zero.

    Raises
    ------
    ShapeError
        When the last axis of x has another length than the layer was built for.

    Numerics
    --------
    The mean is summed in float64 and subtracted before squaring: E[x²] − E[x]² would cancel to noise, or below zero,
    where the mean is large against the spread.

    References
    ----------
    Ioffe, Szegedy (2015), "Batch normalization: accelerating deep network training by reducing internal covariate
    shift", ICML, algorithms 1 and 2.

    Examples
    --------
    >>> import numpy as np
    >>> layer = BatchNorm(eps=1e-12)
    >>> layer.build((1,), np.random.default_rng(0), np.float64)
    (1,)
    >>> x = np.array([[1.0], [3.0], [5.0]])
    >>> layer.forward(x, training=True)[0].round(4)
    array([[-1.2247],
           [ 0.    ],
           [ 1.2247]])
    >>> layer.running_mean, layer.running_var  # 0.9·0 + 0.1·3 and 0.9·1 + 0.1·4
    (array([0.3]), array([1.3]))
    """

    running_mean: Array | None = None
    running_var: Array | None = None

    def __init__(self, *, momentum: float = 0.9, eps: float = 1e-5) -> None:
        needs = "BatchNorm needs a momentum with 0 <= momentum < 1, the share that is kept"
        self.momentum = real_number(momentum, lambda momentum: 0.0 <= momentum < 1.0, needs)
        self.eps = real_number(eps, lambda eps: 0.0 < eps < np.inf, "BatchNorm needs a finite eps > 0")

    def build(self, in_shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Shape:
        self._build_gain(in_shape, dtype)
        self.running_mean = np.zeros(in_shape[-1], dtype)
        self.running_var = np.ones(in_shape[-1], dtype)
        return in_shape

    def buffers(self) -> Iterator[tuple[str, Array]]:
        if self.running_mean is not None and self.running_var is not None:
            yield "running_mean", self.running_mean
            yield "running_var", self.running_var

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, BatchCache]:
        gamma, beta = self._gain(x)
        if self.running_mean is None or self.running_var is None:
            raise not_built(self)
        rows = floats(x).reshape(-1, x.shape[-1])
        count = len(rows)
        mean, var = self.running_mean, self.running_var
        if training:
            mean = (np.add.reduce(rows, axis=0, dtype=np.float64) / count).astype(rows.dtype)
        x_hat: Array = np.subtract(rows, mean)
        if training:
            var = np.add.reduce(x_hat * x_hat, axis=0) / count
            _inplace_follow(self.running_mean, mean, self.momentum)
            if count > 1:
                _inplace_follow(self.running_var, var * (count / (count - 1)), self.momentum)
        inverse_std = 1.0 / np.sqrt(var + self.eps)
        x_hat *= inverse_std
        y: Array = np.multiply(x_hat, gamma.value)
        y += beta.value
        return y.reshape(x.shape), (x_hat, inverse_std, training)

    def backward(self, dy: Array, cache: BatchCache, *, need_dx: bool = True) -> Array | None:
        gamma, beta = self._gain(dy)
        x_hat, inverse_std, training = cache
        rows = dy.reshape(x_hat.shape)
        np.add.reduce(rows, axis=0, out=beta.grad)
        np.add.reduce(rows * x_hat, axis=0, out=gamma.grad)
        if not need_dx:
            return None
        if not training:
            dx: Array = rows * (gamma.value * inverse_std)
            return dx.reshape(dy.shape)
        count = len(rows)
        dx = x_hat * (gamma.grad / -count)
        dx += rows
        dx -= beta.grad / count
        dx *= gamma.value * inverse_std
        return dx.reshape(dy.shape)


def _inplace_follow(running: Array, batch: Array, momentum: float) -> None:
    """Move a running statistic towards that of a batch."""
    running *= momentum
    running += (1.0 - momentum) * batch


class LayerNorm(Normalization):
    """Layer normalization: gives every row mean 0 and variance 1 over its features, then a learned gain and offset.

    ::

        Forward    μ = 1/D Σᵢ xᵢ      σ² = 1/D Σᵢ (xᵢ − μ)²      x̂ = (x − μ) / √(σ² + eps)      y = γ x̂ + β
        Backward   dβ = Σₙ dyₙ      dγ = Σₙ dyₙ x̂ₙ      g = γ dy
                   dx = (g − 1/D Σᵢ gᵢ − x̂ · 1/D Σᵢ gᵢ x̂ᵢ) / √(σ² + eps)
        Shapes     x, y (N, D) or (N, ..., D); μ, σ² one per row of the last axis; γ, β (D,)

    Rows are treated alone, in training and prediction alike: there are no running statistics, and a batch may be one row.

    Parameters
    ----------
    eps : float > 0
        Added to the variance, so that a constant row is not divided by zero.

    Raises
    ------
    ShapeError
        When the last axis of x has another length than the layer was built for.

    Numerics
    --------
    The mean is subtracted before squaring: E[x²] − E[x]² would cancel where the mean is large against the spread.

    References
    ----------
    Ba, Kiros, Hinton (2016), "Layer normalization", arXiv:1607.06450.

    Examples
    --------
    >>> import numpy as np
    >>> layer = LayerNorm(eps=1e-12)
    >>> layer.build((3,), np.random.default_rng(0), np.float64)
    (3,)
    >>> layer.forward(np.array([[1.0, 3.0, 5.0], [10.0, 30.0, 50.0]]))[0].round(4)
    array([[-1.2247,  0.    ,  1.2247],
           [-1.2247,  0.    ,  1.2247]])
    """

    def __init__(self, *, eps: float = 1e-5) -> None:
        self.eps = real_number(eps, lambda eps: 0.0 < eps < np.inf, "LayerNorm needs a finite eps > 0")

    def build(self, in_shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Shape:
        self._build_gain(in_shape, dtype)
        return in_shape

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, RowCache]:
        features = x.shape[-1]
        gamma, beta = self._gain(x)
        x_hat: Array = np.subtract(x, np.add.reduce(x, axis=-1, keepdims=True) / features)
        var = np.vecdot(x_hat, x_hat)[..., None] / features
        inverse_std = 1.0 / np.sqrt(var + self.eps)
        x_hat *= inverse_std
        y: Array = np.multiply(x_hat, gamma.value)
        y += beta.value
        return y, (x_hat, inverse_std)

    def backward(self, dy: Array, cache: RowCache, *, need_dx: bool = True) -> Array | None:
        gamma, beta = self._gain(dy)
        x_hat, inverse_std = cache
        rows = tuple(range(dy.ndim - 1))
        np.add.reduce(dy, axis=rows, out=beta.grad)
        np.add.reduce(dy * x_hat, axis=rows, out=gamma.grad)
        if not need_dx:
            return None
        features = dy.shape[-1]
        g: Array = dy * gamma.value
        mean_g = np.add.reduce(g, axis=-1, keepdims=True) / features
        mean_g_x_hat = np.vecdot(g, x_hat)[..., None] / features
        dx = g
        dx -= mean_g
        dx -= x_hat * mean_g_x_hat
        dx *= inverse_std
        return dx
