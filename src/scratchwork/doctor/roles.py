"""What a layer does, whoever wrote it: a rectifier, an activation with two flat ends, shares, a product with weights.

The library's layers are known by their class. Those of somebody's own are handed some numbers, on a copy, and are known by what
they give.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import numpy as np

from ..arrays import Array
from ..errors import ScratchworkError
from ..layers import ELU, SELU, Dense, Layer, ReLU, Sigmoid, Softmax, Softplus, Step, Tanh
from .patient import is_foreign

FAR = 60.0
WIDTH = 4  # features of the rows that a layer is tried with
FEW_NUMBERS = 4
WIDEST = 2048  # features of which a matrix is read off
BROKEN = (ArithmeticError, ValueError, TypeError, IndexError, AttributeError, ScratchworkError)  # what others' code may raise


@dataclass(frozen=True)
class Role:
    """What a layer does: "relu", "bounded" (two flat ends), "shares", "product" or "other"; and between which numbers.

    `each` is whether it treats every number by itself.
    """

    kind: str = "other"
    low: float = -math.inf
    high: float = math.inf
    each: bool = False


KNOWN: dict[type[Layer], Role] = {
    ReLU: Role("relu", 0.0, each=True),
    Sigmoid: Role("bounded", 0.0, 1.0, each=True),
    Tanh: Role("bounded", -1.0, 1.0, each=True),
    Softmax: Role("shares", 0.0, 1.0),
    Dense: Role("product"),
    Softplus: Role("other", 0.0, each=True),
    ELU: Role("other", -1.0, each=True),
    SELU: Role("other", -1.7581, each=True),
}


def role_of(layer: Layer) -> Role:
    """What a layer does."""
    if not is_foreign(layer):
        return KNOWN.get(type(layer), Role())
    if layer.sublayers():
        return Role()
    arrays = [parameter.value for _, parameter in layer.parameters()]
    if arrays:
        return Role("product") if any(array.ndim > 1 and array.size for array in arrays) else Role()
    try:
        with np.errstate(all="ignore"):
            return _tried(copy.deepcopy(layer))
    except BROKEN:
        return Role()


def _tried(layer: Layer) -> Role:
    grid = np.unique(np.concatenate([np.linspace(-8.0, 8.0, 65), [-FAR, -0.5 * FAR, 0.5 * FAR, FAR]]))
    rng = np.random.default_rng(41)
    places = rng.integers(2, len(grid) - 2, (64, WIDTH))
    alone = np.asarray(layer.forward(np.repeat(grid[:, None], WIDTH, axis=1))[0])
    mixed = np.asarray(layer.forward(grid[places])[0])
    if alone.shape != (len(grid), WIDTH) or mixed.shape != places.shape or not np.isfinite(mixed).all():
        return Role()
    if (mixed >= 0).all() and np.allclose(mixed.sum(axis=1), 1.0, atol=1e-4):
        return Role("shares", 0.0, 1.0)
    curve = alone[:, 0]
    if not np.allclose(mixed, curve[places], rtol=1e-5, atol=1e-6):
        return Role()
    low, high = float(curve.min()), float(curve.max())
    left, right = abs(curve[0] - curve[1]) < 1e-6, abs(curve[-1] - curve[-2]) < 1e-6
    bounds = (low if left else -math.inf), (high if right else math.inf)
    below, near = curve[grid <= 0], curve[np.abs(grid) <= 1.0]
    if left and not below.any() and np.array_equal(curve[grid > 0], grid[grid > 0].astype(curve.dtype)):
        return Role("relu", *bounds, each=True)
    rises = bool((np.diff(near) > 1e-3 * (high - low)).all()) and bool((np.diff(curve) >= 0).all())
    return Role("bounded" if left and right and rises else "other", *bounds, each=True)


def without_slope(layer: Layer) -> bool:
    """Whether a layer gives a few numbers alone, such as a sign, so that its derivative is 0 nearly everywhere."""
    if not is_foreign(layer):
        return isinstance(layer, Step)
    if layer.sublayers() or any(True for _ in layer.parameters()):
        return False
    grid = np.repeat(np.linspace(-8.0, 8.0, 65)[:, None], WIDTH, axis=1)
    try:
        with np.errstate(all="ignore"):
            curve = np.asarray(copy.deepcopy(layer).forward(grid)[0])
    except BROKEN:
        return False
    return curve.shape == grid.shape and 1 < len(np.unique(curve)) <= FEW_NUMBERS  # one alone is a softmax of one


def matrix_of(layer: Layer, width: int | None = None) -> Array | None:
    """The weights (D, units) of a product, as they act on rows of `width` numbers however they are laid out; None of others."""
    arrays = [parameter.value for _, parameter in layer.parameters()]
    flat = next((array for array in arrays if array.ndim == 2 and array.size), None)
    if flat is None or not is_foreign(layer) or width is None or width > WIDEST or width not in flat.shape:
        return flat
    rows = np.concatenate([np.zeros((1, width)), np.eye(width)]).astype(flat.dtype)
    try:
        with np.errstate(all="ignore"):
            y = np.asarray(copy.deepcopy(layer).forward(rows)[0])
    except BROKEN:
        return flat
    return y[1:] - y[:1] if y.ndim == 2 and len(y) == len(rows) and np.isfinite(y).all() else flat


def fan_in(layer: Layer) -> tuple[Array, int] | None:
    """The kernel of a product of somebody's own, and how many numbers each of its units sums up, as its biases tell."""
    arrays = [parameter.value for _, parameter in layer.parameters()]
    kernels = [array for array in arrays if array.ndim > 1 and array.size]
    biases = [array for array in arrays if array.ndim == 1 and array.size]
    if len(kernels) != 1 or len(biases) != 1 or biases[0].size not in kernels[0].shape:
        return None
    return kernels[0], kernels[0].size // biases[0].size
