"""Losses, penalties and initial weights as users write them, each with one mistake."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

import scratchwork as sw
from scratchwork.arrays import Array
from scratchwork.initializers import Initializer


class MyCrossEntropy(sw.Loss):
    """Softmax and cross-entropy: "naive" overflows, "axis" normalizes over the batch, "log" meets log 0; "" is right."""

    task = "multiclass"
    link = "softmax"

    def __init__(self, mistake: str = "") -> None:
        self.mistake = mistake

    def prepare(self, target: Any, outputs: int, name: str = "y") -> Array:
        return np.eye(outputs, dtype=np.float32)[np.asarray(target)]

    def value_and_grad(self, prediction: Array, target: Array, weight: Array | None = None) -> tuple[float, Array]:
        z, n = prediction, len(prediction)
        axis = 0 if self.mistake == "axis" else 1
        with np.errstate(all="ignore"):
            e = np.exp(z if self.mistake == "naive" else z - z.max(axis=axis, keepdims=True))
            p = e / e.sum(axis=axis, keepdims=True)
            if self.mistake == "log":
                p = np.where(p < 0.02, p.dtype.type(0), p)  # rounded, for shorter files
                return float(-(target * np.log(p)).sum() / n), (p - target) / n
            safe = np.log(p) if self.mistake == "naive" else np.log(np.maximum(p, 1e-30))
            value = float(-(target * safe).sum() / n)
        grad = (p - target) / n
        if self.mistake == "axis":
            total = target.sum(axis=0, keepdims=True)
            grad = (p * total - target) / n
        elif self.mistake == "sign":
            grad = -grad
        elif self.mistake == "sum":  # the value is the mean over the rows, the gradient their sum
            grad = grad * n
        elif self.mistake == "classes":
            grad = grad / z.shape[1]
        return value, grad.astype(z.dtype)


class MySquaredError(sw.Loss):
    """The squared error: "broadcast" subtracts (N,) from (N, 1), "axis" averages over the wrong axis first; "" is right."""

    task = "regression"
    link = "identity"

    def __init__(self, mistake: str = "") -> None:
        self.mistake = mistake

    def prepare(self, target: Any, outputs: int, name: str = "y") -> Array:
        return np.asarray(target, np.float32)

    def value_and_grad(self, prediction: Array, target: Array, weight: Array | None = None) -> tuple[float, Array]:
        p, n = prediction, len(prediction)
        if self.mistake == "broadcast":
            error = p - target.reshape(-1)  # (N, 1) − (N,) is a table of N × N
            return float((error**2).mean()), (2 * error.mean(axis=1, keepdims=True) / n).astype(p.dtype)
        t = target.reshape(p.shape)
        error = p - t
        if self.mistake == "axis":  # the mean over the batch is taken before the square
            mean = error.mean(axis=0, keepdims=True)
            return float((mean**2).mean()), np.broadcast_to(2 * mean / n / p.shape[1], p.shape).astype(p.dtype)
        if self.mistake == "variance":
            error = p - t.mean(axis=0, keepdims=True)
        value, grad = float((error**2).mean()), 2 * error / error.size
        factor = {"sign": -1.0, "half": 0.5, "sum": float(n)}.get(self.mistake, 1.0)
        return value, (grad * factor).astype(p.dtype)


class MyPenalty(sw.regularizers.Regularizer):
    """½ λ Σ w²: in the loss, and (where nothing was forgotten) in the gradient."""

    def __init__(self, strength: float, mistake: str = "") -> None:
        self.strength, self.mistake = strength, mistake

    def inplace_add_gradient(self, value: Array, grad: Array) -> float:
        if self.mistake == "sign":
            grad -= value * self.strength
        elif self.mistake != "no gradient":
            grad += value * self.strength
        return 0.5 * self.strength * float((value * value).sum())


@dataclasses.dataclass(frozen=True)
class MyWeights(Initializer):
    """Weights as some first programs have them: "uniform" in 0..1, "one column" repeated, "arange", "nan", "standard"."""

    kind: str
    scale: float = 1.0

    def __call__(self, shape: Any, rng: np.random.Generator, dtype: Any) -> Array:
        if self.kind == "uniform":
            return (rng.random(shape) * self.scale).astype(dtype)
        if self.kind == "one column":
            return np.tile((rng.standard_normal((shape[0], 1)) * self.scale), (1, shape[1])).astype(dtype)
        if self.kind == "few columns":
            columns = rng.standard_normal((shape[0], 2)) * self.scale
            return columns[:, np.arange(shape[1]) % 2].astype(dtype)
        if self.kind == "nan":
            weight = rng.standard_normal(shape) * self.scale / np.sqrt(shape[0])
            weight.flat[len(weight) // 2] = np.nan
            return weight.astype(dtype)
        if self.kind == "negative":
            return (-np.abs(rng.standard_normal(shape)) * self.scale).astype(dtype)
        return (rng.standard_normal(shape) * self.scale).astype(dtype)
