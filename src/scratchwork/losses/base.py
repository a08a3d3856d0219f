"""What a loss is: its value and its gradient, from one place, so that they cannot disagree."""

import inspect
import math
from abc import ABC, abstractmethod
from typing import Any, Literal

import numpy as np

from ..arrays import Array, numeric_array
from ..errors import ConfigurationError, DataError, ShapeError
from ..layers.base import described


class Loss(ABC):
    """How wrong a batch of predictions is, as one number, and the direction in which it grows.

    The number is the mean over the batch of each row's loss, weighted where weights are given::

        L = Σₙ wₙ ℓ(pₙ, tₙ) / Σₙ wₙ

    so that a weight of 2 means exactly the row twice. Weights are ≥ 0; where all are zero, L and its gradient are 0.

    A loss of your own needs `value_and_grad`; prove it with `scratchwork.check_gradients(loss, x=prediction, y=target)`.
    Two attributes tell the rest of the library what its predictions mean:

    - `task`: "multiclass" (a row has one of C classes, one output each), "attributes" (each output is a yes or no of its
      own; one output is the binary case), "regression", or None: not said, so no metric is refused.
    - `link`: what turns outputs into probabilities or means: "softmax", "sigmoid", "exp", "identity" (they are already),
      or None where scores have no such meaning (hinges). See `apply_link`.
    """

    task: str | None = None
    link: str | None = None

    @abstractmethod
    def value_and_grad(self, prediction: Array, target: Array, weight: Array | None = None) -> tuple[float, Array]:
        """(L, ∂L/∂prediction) for a batch; neither argument is written to, and the gradient has the prediction's dtype."""

    def prepare(self, target: Any, outputs: int, name: str = "y") -> Array:
        """`target` in the form `value_and_grad` is quickest with, checked whole; `outputs` is the network's width.

        Training calls it once, before any work: labels out of range, NaN or a wrong width are one clear error here.
        """
        return np.asarray(target)

    def config(self) -> dict[str, Any]:
        """The hyper-parameters, by the names of `__init__`: with them a loss of the same kind can be made again."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def __repr__(self) -> str:
        return described(self)


class ElementwiseLoss(Loss):
    """A loss that looks at each number of the prediction by itself: ℓ(p, t) = Σₖ e(pₖ, tₖ), or the mean over k.

    A loss of this family writes down e and its slope in `terms`; shapes, weights and averages are the same for all.
    `prediction` and `target` have the same shape, and (N,) is taken for (N, 1); anything else is a ShapeError, since
    (N,) − (N, 1) would silently be an N × N table.
    """

    over_outputs: Literal["mean", "sum"] = "mean"  # how a row's terms become ℓ
    over_batch: Literal["mean", "sum"] = "mean"  # "sum" leaves the division by Σₙ wₙ out
    one_target_for_all: bool = False  # a single target column stands for every output (several quantiles)

    @abstractmethod
    def terms(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        """e(p, t) and ∂e/∂p for each element of two matrices of one shape and dtype, as new arrays."""

    # a loss that overflows is an infinite loss, which training stops on and explains: a warning would be said twice
    @np.errstate(over="ignore", invalid="ignore")
    def value_and_grad(self, prediction: Array, target: Array, weight: Array | None = None) -> tuple[float, Array]:
        prediction = float_array(prediction)
        p, t = paired(prediction, target, one_for_all=self.one_target_for_all)
        terms, grad = self.terms(p, t)
        scale = row_weights(weight, len(p), p.dtype, normalize=self.over_batch == "mean")
        if self.over_outputs == "mean":
            scale = scale / p.shape[1]
        if isinstance(scale, float):
            value = float(np.add.reduce(terms, axis=None)) * scale
        else:
            terms *= scale
            value = float(np.add.reduce(terms, axis=None))
        grad *= scale
        return value, grad.reshape(prediction.shape)


def row_weights(weight: Array | None, rows: int, dtype: np.dtype[Any], *, normalize: bool = True) -> Array | float:
    """What each row's loss is multiplied with, wₙ/Σw: the number 1/N without weights, a column vector (N, 1) with them.

    Without `normalize` it is wₙ itself, and 1 without weights.
    """
    if weight is None:
        return 1.0 / rows if normalize else 1.0
    weight = numeric_array(weight, "weight")
    if weight.shape != (rows,):
        raise ShapeError(f"weight needs one number per row, shape ({rows},); received {weight.shape}")
    total = float(weight.sum(dtype=np.float64))
    if not (math.isfinite(total) and float(weight.min()) >= 0):
        raise DataError("weight holds a negative number, a NaN or an infinity: weights are finite and at least 0")
    if not normalize:
        scaled = weight
    elif total > 0:
        scaled = weight / total
    else:
        scaled = np.zeros(rows)
    return scaled.astype(dtype)[:, None]


def float_array(prediction: Any) -> Array:
    """`prediction` as an array of floats: what a network gives is one already, lists and integers become float64."""
    if isinstance(prediction, np.ndarray) and prediction.dtype.kind == "f":
        return prediction
    array = numeric_array(prediction, "prediction")
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def paired(prediction: Array, target: Any, *, one_for_all: bool = False) -> tuple[Array, Array]:
    """Both as matrices (N, K) of the prediction's dtype, or a ShapeError: never a broadcast.

    With `one_for_all` a target (N,) or (N, 1) stands for each of the K outputs.
    """
    if not isinstance(target, np.ndarray) or target.dtype.kind not in "fiub":
        target = numeric_array(target, "target")
    shape = prediction.shape
    if target.shape != shape:
        column = len(shape) == 2 and target.shape in (shape[:1], (shape[0], 1))
        if column and shape[1] == 1:
            target = target[:, None]
        elif column and one_for_all:
            target = np.broadcast_to(target.reshape(-1, 1), shape)
        else:
            raise ShapeError(
                f"prediction of shape {shape} and target of shape {target.shape} do not match: "
                "they need the same shape, or (N, 1) and (N,)"
            )
    if prediction.size == 0:
        raise DataError(f"a loss needs at least one row and one output; prediction has shape {shape}")
    rows = shape[0] if shape else 1
    return prediction.reshape(rows, -1), target.astype(prediction.dtype, copy=False).reshape(rows, -1)


def require_setting(owner: Loss, name: str, value: Any, wanted: str, fits: bool) -> None:
    """Raise ConfigurationError where a hyper-parameter does not fit: `wanted` says in words what would."""
    if not fits:
        raise ConfigurationError(f"{type(owner).__name__} needs {name} {wanted}; received {value!r}")


def is_number(value: Any) -> bool:
    """Whether `value` is one finite real number (True and False are not numbers here)."""
    return isinstance(value, float | int | np.floating | np.integer) and not isinstance(value, bool) and math.isfinite(value)


@np.errstate(over="ignore", invalid="ignore")
def apply_link(prediction: Array, link: str | None) -> Array:
    """A network's outputs as probabilities or means, by the `link` of the loss it was trained with.

    ::

        "softmax"    exp(z) / Σ exp(z) along each row       "exp"        exp(z)
        "sigmoid"    1 / (1 + exp(−z))                      "identity"   z

    Numerics: the softmax subtracts each row's maximum first, and the sigmoid takes exp(−|z|), so that neither overflows.

    Raises ConfigurationError for None: the scores of a hinge have no probabilities.

    >>> apply_link(np.array([[0.0, 0.0]]), "softmax")
    array([[0.5, 0.5]])
    """
    z = float_array(prediction)
    if link == "identity":
        return z
    if link == "softmax":
        p: Array = np.exp(z - z.max(axis=-1, keepdims=True))
        p /= p.sum(axis=-1, keepdims=True)
        return p
    if link == "sigmoid":
        return sigmoid(z, np.exp(-np.abs(z)))
    if link == "exp":
        return np.exp(z)
    if link is None:
        raise ConfigurationError("these outputs are scores without probabilities: train with a cross-entropy loss to get them")
    raise ConfigurationError(f"unknown link {link!r}: it is softmax, sigmoid, exp, identity or None")


def sigmoid(z: Array, small: Array) -> Array:
    """σ(z) from `small` = exp(−|z|), which never overflows."""
    top: Array = np.where(z >= 0, 1.0, small)
    return top / (1.0 + small)
