"""Principal components: fewer features, or uncorrelated ones."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..errors import ConfigurationError, DataError, look_up
from ..layers.base import real_number
from .base import Axes, Transformer, mapped, moments, pieces, rows_like, training_rows

METHODS = {"pca": "pca", "zca": "zca"}


class PCA(Transformer):
    """The coordinates of each row along the directions in which the rows vary most.

    ::

        Fit        Σ = (X − μ)ᵀ(X − μ) / N = U diag(λ) Uᵀ      λ₁ ≥ λ₂ ≥ … ≥ 0
        Forward    y = (x − μ) U_k             U_k the first k columns of U
        Inverse    x̂ = y U_kᵀ + μ
        Shapes     x (N, D)   U_k (D, k)   y (N, k)
        Cost       N·D² + O(D³) flop to fit (O(N²·D) where N < D), 2·N·D·k each way

    Over the training rows the features of y are uncorrelated, and feature i has variance λ_i. With k = D the inverse gives
    x back up to rounding, and training rows already with k = their rank; with fewer, x̂ is the projection of x on the
    plane of the k directions, the nearest point to x that k numbers can describe. Its mean squared distance to the
    training rows is the sum of the λ left out.

    Parameters
    ----------
    components : int ≥ 1, float in (0, 1], or None
        A whole number is k. A float is the fraction of the total variance that must be kept, by as few directions as it
        takes (so 1 is one direction, and 1.0 all the variance). None keeps all min(N, D) directions.

    Raises
    ------
    ConfigurationError
        For other values, and in `fit` for more components than min(N, D).
    DataError
        In `fit`, when a fraction is asked of rows that are all the same.

    Attributes
    ----------
    mean_ : (D,)
    components_ : (k, D)
        U_kᵀ, one direction per row.
    explained_variance_, explained_variance_ratio_ : (k,)
        λ, and λ as a fraction of the total variance.

    Numerics
    --------
    Σ is summed in float64 over pieces of centred rows; Σxxᵀ/N − μμᵀ would cancel when the mean is large. Eigenvalues below
    about D·1e-16·λ₁ are rounding, and negative ones are set to 0. An eigenvector has no sign of its own: here the entry of
    largest magnitude is positive, so that a refit draws the same axes.

    References
    ----------
    Pearson (1901), "On lines and planes of closest fit to systems of points in space", Philosophical Magazine 2.

    Examples
    --------
    >>> pca = PCA(1).fit([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    >>> pca.transform([[2.0, 3.0], [3.0, 4.0]]).round(3)
    array([[0.   ],
           [1.414]])
    >>> pca.inverse_transform([[0.0]])
    array([[2., 3.]])
    """

    learned: ClassVar[Axes] = {
        "mean_": ("D",),
        "components_": ("k", "D"),
        "explained_variance_": ("k",),
        "explained_variance_ratio_": ("k",),
    }
    mean_: Array
    components_: Array
    explained_variance_: Array
    explained_variance_ratio_: Array

    def __init__(self, components: int | float | None = None) -> None:
        self.components = checked_components(components, "PCA")

    def fit(self, x: ArrayLike) -> PCA:
        x = training_rows(x, ndim=2)
        self.mean_, variance, axes = principal_axes(x)
        k = number_kept(self.components, variance, x)
        total = float(variance.sum())
        self.components_ = axes[:k].copy()
        self.explained_variance_ = variance[:k].copy()
        self.explained_variance_ratio_ = self.explained_variance_ / (total or 1.0)
        return self

    def transform(self, x: ArrayLike) -> Array:
        self.require_fitted()

        def forward(piece: Array) -> Array:
            piece -= self.mean_
            rotated: Array = np.matmul(piece, self.components_.T)
            return rotated

        return mapped(rows_like(x, self.mean_.shape), forward, (len(self.components_),))

    def inverse_transform(self, y: ArrayLike) -> Array:
        self.require_fitted()

        def backward(piece: Array) -> Array:
            projected: Array = np.matmul(piece, self.components_)
            return np.add(projected, self.mean_, out=projected)

        return mapped(rows_like(y, (len(self.components_),), "y"), backward, self.mean_.shape)


class Whiten(Transformer):
    """Uncorrelated features of equal variance: the cloud of rows becomes a round ball.

    ::

        Fit           Σ = (X − μ)ᵀ(X − μ) / N = U diag(λ) Uᵀ
        PCA forward   y = (x − μ) U_k diag(λ + eps)^(−1/2)               x̂ = y diag(λ + eps)^(1/2) U_kᵀ + μ
        ZCA forward   y = (x − μ) U_k diag(λ + eps)^(−1/2) U_kᵀ          x̂ = y U_k diag(λ + eps)^(1/2) U_kᵀ + μ
        Shapes        x (N, D)   y (N, k) for PCA, (N, D) for ZCA

    The covariance of y is diag(λ/(λ + eps)) in the basis of the components: the identity, but for `eps`. Any rotation of
    whitened rows is white too. "pca" stops in the basis of the components; "zca" rotates back, which of all whitenings
    changes the rows least (in mean square), so that a whitened image still looks like an image.

    Parameters
    ----------
    method : "pca" or "zca"
    eps : float ≥ 0
        The fudge term, in squared units of the features; 1e-5 suits features of size 1, such as pixels in 0..1. It keeps
        directions of almost no variance, which hold noise, from being blown up to the size of all others; larger values
        smooth more. 0 is the plain formula, and refuses rows that have no variance in some direction.
    components : int ≥ 1, float in (0, 1], or None
        How many directions are kept, as in `PCA`. With fewer than all, the inverse gives the projection.

    Raises
    ------
    ConfigurationError
        For values outside these ranges, and in `fit` for more components than min(N, D).
    DataError
        In `fit`, with eps=0 when a kept direction has no variance.

    Numerics
    --------
    Along a direction without variance 1/√λ divides rounding error by rounding error: 1e-17 becomes a number of size 1.

    References
    ----------
    Bell, Sejnowski (1997), "The 'independent components' of natural scenes are edge filters", Vision Research 37 (ZCA).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(500, 2)) @ [[3.0, 1.0], [0.0, 0.5]]
    >>> y = Whiten("zca", eps=0).fit_transform(x)
    >>> bool(np.allclose(y.T @ y / 500, np.eye(2)))
    True
    """

    learned: ClassVar[Axes] = {"mean_": ("D",), "components_": ("k", "D"), "explained_variance_": ("k",)}
    mean_: Array
    components_: Array
    explained_variance_: Array

    def __init__(self, method: str = "pca", *, eps: float = 1e-5, components: int | float | None = None) -> None:
        self.method = look_up(method, METHODS, "whitening method")
        self.eps = real_number(eps, lambda eps: 0 <= eps < math.inf, "Whiten needs a finite eps >= 0, added to the variances")
        self.components = checked_components(components, "Whiten")

    def fit(self, x: ArrayLike) -> Whiten:
        x = training_rows(x, ndim=2)
        mean, variance, axes = principal_axes(x)
        k = number_kept(self.components, variance, x)
        if self.eps == 0 and variance[k - 1] <= variance[0] * len(mean) * np.finfo(np.float64).eps:
            rank = int(np.count_nonzero(variance > variance[0] * len(mean) * np.finfo(np.float64).eps))
            raise DataError(
                f"x of shape {x.shape} has variance in {rank} directions only, and {k} should be divided by theirs: "
                f"give eps > 0, or fewer components"
            )
        self.mean_, self.components_, self.explained_variance_ = mean, axes[:k].copy(), variance[:k].copy()
        return self

    def transform(self, x: ArrayLike) -> Array:
        self.require_fitted()
        scale = np.sqrt(self.explained_variance_ + self.eps)

        def forward(piece: Array) -> Array:
            piece -= self.mean_
            rotated: Array = np.matmul(piece, self.components_.T)
            rotated /= scale
            return np.matmul(rotated, self.components_) if self.method == "zca" else rotated

        return mapped(rows_like(x, self.mean_.shape), forward, self._width())

    def inverse_transform(self, y: ArrayLike) -> Array:
        self.require_fitted()
        scale = np.sqrt(self.explained_variance_ + self.eps)

        def backward(piece: Array) -> Array:
            rotated: Array = np.matmul(piece, self.components_.T) if self.method == "zca" else piece
            rotated *= scale
            projected: Array = np.matmul(rotated, self.components_)
            return np.add(projected, self.mean_, out=projected)

        return mapped(rows_like(y, self._width(), "y"), backward, self.mean_.shape)

    def _width(self) -> tuple[int]:
        return (len(self.mean_) if self.method == "zca" else len(self.components_),)


def checked_components(components: int | float | None, owner: str) -> int | float | None:
    """The argument `components`, as a Python number in its range."""
    if components is None:
        return None
    if isinstance(components, int | np.integer) and not isinstance(components, bool) and components >= 1:
        return int(components)
    if isinstance(components, float | np.floating) and 0 < components <= 1:
        return float(components)
    raise ConfigurationError(
        f"{owner} needs components as a whole number >= 1, a fraction of the variance in (0, 1], or None for all; "
        f"received {components!r}"
    )


def number_kept(components: int | float | None, variance: Array, x: Array) -> int:
    """k for the variances of all directions, largest first."""
    if components is None:
        return len(variance)
    if isinstance(components, int):
        if components > len(variance):
            raise ConfigurationError(
                f"{components} components were asked for, and x of shape {x.shape} has at most {len(variance)}"
            )
        return components
    total = float(variance.sum())
    if total == 0:
        raise DataError("all rows of x are the same, so there is no variance to keep a fraction of")
    enough = np.cumsum(variance) >= components * total * (1 - 1e-12)  # 1e-12: the sums round differently
    return int(np.argmax(enough)) + 1


def principal_axes(x: Array) -> tuple[Array, Array, Array]:
    """Mean (D,), variances λ (M,) from large to small, and their directions (M, D) as rows; M = min(N, D)."""
    mean, _ = moments(x)
    count, width = x.shape
    if count < width:  # N rows span at most N directions: no D × D matrix for a few large images
        _, singular, axes = np.linalg.svd(x.astype(np.float64) - mean, full_matrices=False)
        variance = singular * singular / count
    else:
        covariance = np.zeros((width, width))
        for _, piece in pieces(x, 1 << 21):
            piece -= mean
            covariance += np.matmul(piece.T, piece)
        covariance /= count
        ascending, columns = np.linalg.eigh(covariance)
        variance, axes = np.maximum(ascending[::-1], 0.0), columns.T[::-1]
    size = np.abs(axes)
    # The first entry that is largest up to rounding: of (0.7, −0.7) it is always the first that decides.
    leading = np.argmax(size >= size.max(axis=1, keepdims=True) * (1 - 1e-6), axis=1)
    signs = np.sign(axes[np.arange(len(axes)), leading])
    return mean, variance, axes * signs[:, None]
