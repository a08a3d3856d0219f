"""Layers, losses and rules as users write them, each with one mistake; and one that is right, to compare them with.

They are what a reader of the library's own files would write: `build`, `forward`, `backward`, `parameters`. Whatever is not
said to be wrong is right, so that each run has one fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import scratchwork as sw
from scratchwork.arrays import Array


class MyDense(sw.Layer):
    """An affine layer with an activation of its own inside, as many tutorials have it; right, unless `mistake` says more."""

    def __init__(self, units: int, activation: str = "relu", mistake: str = "", factor: float = 1.0) -> None:
        self.units, self.activation, self.mistake, self.factor = units, activation, mistake, factor

    def build(self, in_shape: Any, rng: np.random.Generator, dtype: Any) -> Any:
        width = in_shape[0]
        self.weight = sw.Parameter((rng.standard_normal((width, self.units)) * np.sqrt(2 / width)).astype(dtype))
        self.bias = sw.Parameter(np.zeros(self.units, dtype), decay=False)
        return (self.units,)

    def parameters(self) -> Iterator[tuple[str, sw.Parameter]]:
        yield "weight", self.weight
        yield "bias", self.bias

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Any]:
        z = x @ self.weight.value + self.bias.value
        if self.activation == "relu":
            return np.maximum(z, 0), (x, z)
        if self.activation == "tanh":
            return np.tanh(z), (x, z)
        if self.activation == "sigmoid":
            return 1 / (1 + np.exp(-z)), (x, z)
        return z, (x, z)

    def slope(self, z: Array) -> Array | float:
        """act'(z)."""
        if self.activation == "relu":
            return (z > 0).astype(z.dtype)
        if self.activation == "tanh":
            return 1 - np.tanh(z) ** 2
        if self.activation == "sigmoid":
            y = 1 / (1 + np.exp(-z))
            return y * (1 - y)
        return 1.0

    def backward(self, dy: Array, cache: Any, *, need_dx: bool = True) -> Array | None:
        x, z = cache
        wrong, n = self.mistake, len(dy)
        dz = dy if wrong == "no derivative" else dy * self.slope(z)
        if wrong == "derivative of the output":  # y (1 − y) taken of σ'(z) once more, tanh' of y in place of z
            y = self.forward(x)[0]
            dz = dy * self.slope(y)
        dweight, dbias = x.T @ dz, dz.sum(axis=0)
        dx = dz @ self.weight.value.T
        if wrong == "sign":
            dweight = -dweight
        elif wrong == "sign of all":
            dweight, dbias, dx = -dweight, -dbias, -dx
        elif wrong == "factor N":
            dweight, dbias = dweight * n, dbias * n
        elif wrong == "1/N":  # the mean that the loss has taken already
            dweight, dbias = dweight / n, dbias / n
        elif wrong == "factor":
            dweight = dweight * self.factor
        elif wrong == "transposed weight":
            dweight = dweight.T
        elif wrong == "transposed dx":
            dx = dz @ self.weight.value
        elif wrong == "bias mean":
            dbias = dz.mean(axis=0)
        elif wrong == "bias zero":
            dbias = np.zeros_like(dbias)
        elif wrong == "bias one row":
            dbias = dz[0]
        elif wrong == "weight zero":
            dweight = np.zeros_like(dweight)
        elif wrong == "dx zero":
            dx = np.zeros_like(dx)
        elif wrong == "dx without derivative":
            dx = dy @ self.weight.value.T
        self.weight.grad[...] = dweight
        self.bias.grad[...] = dbias
        return dx if need_dx else None


class Elementwise(sw.Layer):
    """A layer without parameters that keeps the shape."""

    def build(self, in_shape: Any, rng: np.random.Generator, dtype: Any) -> Any:
        return in_shape


class MyActivation(Elementwise):
    """An activation whose `backward` may forget or mistake its derivative."""

    def __init__(self, kind: str, mistake: str = "") -> None:
        self.kind, self.mistake = kind, mistake

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Any]:
        if self.kind == "relu":
            y = np.maximum(x, 0)
        elif self.kind == "leaky":
            y = np.where(x > 0, x, x.dtype.type(0.1) * x)
        elif self.kind == "tanh":
            y = np.tanh(x)
        elif self.kind == "swish":
            y = x / (1 + np.exp(-x))
        else:
            y = 1 / (1 + np.exp(-x))
        return y, (x, y)

    def backward(self, dy: Array, cache: Any, *, need_dx: bool = True) -> Array | None:
        x, y = cache
        if self.mistake == "none":
            return dy.copy()
        if self.mistake == "sign":
            return -self._right(dy, x, y)
        if self.mistake == "plus":
            return dy * (1 + y * y) if self.kind == "tanh" else dy * y * (1 + y)
        if self.mistake == "without dy":
            return self._right(np.ones_like(dy), x, y)
        if self.mistake == "swapped":
            return dy * (x <= 0) if self.kind == "relu" else dy * np.where(x > 0, dy.dtype.type(0.1), dy.dtype.type(1))
        if self.mistake == "half":  # σ alone: the product rule's second term is missing
            return dy / (1 + np.exp(-x))
        return self._right(dy, x, y)

    def _right(self, dy: Array, x: Array, y: Array) -> Array:
        if self.kind == "relu":
            return dy * (x > 0)
        if self.kind == "leaky":
            return dy * np.where(x > 0, dy.dtype.type(1), dy.dtype.type(0.1))
        if self.kind == "tanh":
            return dy * (1 - y * y)
        if self.kind == "swish":
            s = 1 / (1 + np.exp(-x))
            return dy * (s + x * s * (1 - s))
        return dy * y * (1 - y)


class MyNormalization(Elementwise):
    """Subtracts a mean and divides by a width along `axis`: 1 is right, 0 and None mix the rows. The gradient is right."""

    def __init__(self, axis: int | None = 1, eps: float = 1e-3) -> None:
        self.axis, self.eps = axis, eps

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Any]:
        centred = x - x.mean(axis=self.axis, keepdims=True)
        width = np.sqrt((centred**2).mean(axis=self.axis, keepdims=True) + x.dtype.type(self.eps))
        return centred / width, (centred / width, width)

    def backward(self, dy: Array, cache: Any, *, need_dx: bool = True) -> Array | None:
        y, width = cache
        mean = {"axis": self.axis, "keepdims": True}
        return (dy - dy.mean(**mean) - y * (dy * y).mean(**mean)) / width


class MyCentring(Elementwise):
    """Subtracts a mean: of each row, of each column (axis 0), or of everything (None)."""

    def __init__(self, axis: int | None = 1) -> None:
        self.axis = axis

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Any]:
        return x - x.mean(axis=self.axis, keepdims=True), None

    def backward(self, dy: Array, cache: Any, *, need_dx: bool = True) -> Array | None:
        return dy - dy.mean(axis=self.axis, keepdims=True)


class MySoftmax(Elementwise):
    """exp(x) over its sum along `axis`; 0 makes each column sum to one over the batch."""

    def __init__(self, axis: int | None = 1) -> None:
        self.axis = axis

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Any]:
        e = np.exp(x - x.max(axis=self.axis, keepdims=True))
        y = e / e.sum(axis=self.axis, keepdims=True)
        return y, y

    def backward(self, dy: Array, cache: Any, *, need_dx: bool = True) -> Array | None:
        y = cache
        return y * (dy - (dy * y).sum(axis=self.axis, keepdims=True))


class MyCumulative(Elementwise):
    """A running sum along `axis`: down the features of a row it is one thing, down the rows of a batch another."""

    def __init__(self, axis: int = 1, share: float = 0.2) -> None:
        self.axis, self.share = axis, share

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Any]:
        return x + x.dtype.type(self.share) * np.cumsum(x, axis=self.axis, dtype=x.dtype), None

    def backward(self, dy: Array, cache: Any, *, need_dx: bool = True) -> Array | None:
        turned = np.flip(np.cumsum(np.flip(dy, self.axis), axis=self.axis, dtype=dy.dtype), self.axis)
        return dy + dy.dtype.type(self.share) * turned


class MyAttention(Elementwise):
    """Each row looks at all others of its batch; meant for the parts of one row."""

    def __init__(self, share: float = 0.5) -> None:
        self.share = share

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Any]:
        return x + x.dtype.type(self.share) * x.mean(axis=0, keepdims=True), None

    def backward(self, dy: Array, cache: Any, *, need_dx: bool = True) -> Array | None:
        return dy + dy.dtype.type(self.share) * dy.mean(axis=0, keepdims=True)


class MyTurn(Elementwise):
    """Puts numbers into another order: "rows" moves each row to its neighbour's place, "reshape" reads columns as rows."""

    def __init__(self, how: str) -> None:
        self.how = how

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Any]:
        if self.how == "rows":
            return np.roll(x, 1, axis=0), x.shape
        return np.ascontiguousarray(x.T).reshape(x.shape), x.shape

    def backward(self, dy: Array, cache: Any, *, need_dx: bool = True) -> Array | None:
        if self.how == "rows":
            return np.roll(dy, -1, axis=0)
        return np.ascontiguousarray(dy.reshape(cache[::-1]).T)


class MyScaling(Elementwise):
    """Divides by the norm: of each row, or of the whole batch (axis None)."""

    def __init__(self, axis: int | None = 1) -> None:
        self.axis = axis

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Any]:
        norm = np.sqrt((x * x).sum(axis=self.axis, keepdims=True) + x.dtype.type(1e-6))
        return x / norm * x.dtype.type(8), (x / norm, norm)

    def backward(self, dy: Array, cache: Any, *, need_dx: bool = True) -> Array | None:
        y, norm = cache
        return (dy - y * (dy * y).sum(axis=self.axis, keepdims=True)) / norm * dy.dtype.type(8)


class MyFormula(Elementwise):
    """A function of each number that is not finite for some: "log" of 0, "divide" by a width of 0, "exp" of much, "sqrt"."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Any]:
        with np.errstate(all="ignore"):
            if self.kind == "log":
                y = np.log(np.abs(x))
            elif self.kind == "divide":
                y = x / x.max(axis=1, keepdims=True)
            elif self.kind == "exp":
                y = np.exp(x * x.dtype.type(40))
            elif self.kind == "sqrt":  # finite itself, its derivative at 0 is not
                y = np.sqrt(np.maximum(x, 0))
            else:
                y = x ** x.dtype.type(1.5)
        return y, (x, y)

    def backward(self, dy: Array, cache: Any, *, need_dx: bool = True) -> Array | None:
        x, y = cache
        with np.errstate(all="ignore"):
            if self.kind == "log":
                return dy / x
            if self.kind == "divide":
                return dy / x.max(axis=1, keepdims=True)
            if self.kind == "exp":
                return dy * y * y.dtype.type(40)
            if self.kind == "sqrt":
                return dy * (x.dtype.type(0.5) / y)
            return dy * x.dtype.type(1.5) * np.sqrt(x)


class MyDropout(Elementwise):
    """Dropout that does not ask whether it is training."""

    def __init__(self, rate: float, kind: str = "dropout") -> None:
        self.rate, self.kind = rate, kind
        self.rng = np.random.default_rng(0)

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Any]:
        if self.kind == "noise":
            return x + (self.rng.standard_normal(x.shape) * self.rate).astype(x.dtype), None
        if self.kind == "row":  # one draw for the whole batch: a column is out, or is not
            keep = (self.rng.random((1, *x.shape[1:])) > self.rate) / (1 - self.rate)
        else:
            keep = (self.rng.random(x.shape) > self.rate) / (1 - self.rate)
        mask = keep.astype(x.dtype)
        return x * mask, mask

    def backward(self, dy: Array, cache: Any, *, need_dx: bool = True) -> Array | None:
        return dy if cache is None else dy * cache


class MyBlock(Elementwise):
    """Hands on nothing that was learned: "round" and "sign" have a derivative of 0, "stop" forgets to hand dx on."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Any]:
        return (np.sign(x) if self.kind == "sign" else np.rint(x) if self.kind == "round" else x), None

    def backward(self, dy: Array, cache: Any, *, need_dx: bool = True) -> Array | None:
        return np.zeros_like(dy)
