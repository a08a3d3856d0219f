"""Hinges: a prediction costs nothing once it is right by a margin, and what it lacks otherwise."""

from typing import Any

import numpy as np

from ..arrays import Array
from .base import ElementwiseLoss, Loss, is_number, require_setting, row_weights
from .targets import binary_targets, class_scores, class_targets, matched_classes, require_classes, signs

ONE_SCORE = "a hinge over classes needs a score per class, and there is one output: use BinaryHinge, or one output per class"


class MulticlassHinge(Loss):
    """The loss of a multiclass support vector machine: every wrong class must stay `margin` below the right one.

    ::

        mⱼ = max(0, sⱼ − s_y + Δ)  for j ≠ y       ℓ = Σⱼ mⱼ
        ∂ℓ/∂sⱼ = [mⱼ > 0]                          ∂ℓ/∂s_y = −Σⱼ [mⱼ > 0]
        L = Σₙ wₙ ℓₙ / Σₙ wₙ
        Shapes   s (N, C), C ≥ 2      labels (N,) or (N, 1), or one-hot rows (N, C)      weight (N,)

    Parameters
    ----------
    margin : float > 0
        Δ, in units of the scores. As weights may grow, it mostly trades against the regularization.

    Raises
    ------
    ConfigurationError
        A margin that is not positive; one output.
    ShapeError, DataError
        Targets of another shape; labels outside 0..C−1; rows that are not one-hot.

    Notes
    -----
    At the kink, sⱼ − s_y + Δ = 0, the gradient is 0. Scores of ±1e4 are exact to rounding; NaN gives NaN.

    References
    ----------
    Weston, Watkins (1999), "Support vector machines for multi-class pattern recognition", ESANN.

    Examples
    --------
    The true class has score 13 and the margin is 10: −7 − 13 + 10 is cut to zero, 11 − 13 + 10 is 8:

    >>> MulticlassHinge(margin=10.0).value_and_grad(np.array([[13.0, -7.0, 11.0]]), np.array([0]))
    (8.0, array([[-1.,  0.,  1.]]))
    """

    task = "multiclass"
    link = None

    def __init__(self, margin: float = 1.0) -> None:
        self.margin = _margin(self, margin)

    def prepare(self, target: Any, outputs: int, name: str = "y") -> Array:
        require_classes(outputs, ONE_SCORE)
        return class_targets(target, outputs, name, soft=False)

    @np.errstate(over="ignore", invalid="ignore")
    def value_and_grad(self, prediction: Array, target: Array, weight: Array | None = None) -> tuple[float, Array]:
        missing, true = _missing(prediction, target, self.margin)
        scale = row_weights(weight, len(missing), missing.dtype)
        grad = (missing > 0).astype(missing.dtype)
        grad.reshape(-1)[true] = -np.add.reduce(grad, axis=1)
        grad *= scale
        missing *= scale
        return float(np.add.reduce(missing, axis=None)), grad


class SquaredHinge(Loss):
    """The multiclass hinge with each missing margin squared: without a kink, and harder on large violations.

    ::

        mⱼ = max(0, sⱼ − s_y + Δ)  for j ≠ y       ℓ = Σⱼ mⱼ²
        ∂ℓ/∂sⱼ = 2 mⱼ                              ∂ℓ/∂s_y = −2 Σⱼ mⱼ
        L = Σₙ wₙ ℓₙ / Σₙ wₙ
        Shapes   s (N, C), C ≥ 2      labels (N,) or (N, 1), or one-hot rows (N, C)      weight (N,)

    Parameters, Raises
        As in MulticlassHinge.

    Notes
    -----
    No kink: at mⱼ = 0 value and slope are 0 from both sides; only the curvature jumps. NaN gives NaN.

    References
    ----------
    Tang (2013), "Deep learning using linear support vector machines", arXiv:1306.0239.

    Examples
    --------
    >>> SquaredHinge(margin=10.0).value_and_grad(np.array([[13.0, -7.0, 11.0]]), np.array([0]))
    (64.0, array([[-16.,   0.,  16.]]))
    """

    task = "multiclass"
    link = None

    def __init__(self, margin: float = 1.0) -> None:
        self.margin = _margin(self, margin)

    def prepare(self, target: Any, outputs: int, name: str = "y") -> Array:
        require_classes(outputs, ONE_SCORE)
        return class_targets(target, outputs, name, soft=False)

    @np.errstate(over="ignore", invalid="ignore")
    def value_and_grad(self, prediction: Array, target: Array, weight: Array | None = None) -> tuple[float, Array]:
        missing, true = _missing(prediction, target, self.margin)
        scale = row_weights(weight, len(missing), missing.dtype)
        value = float(np.add.reduce(missing * missing * scale, axis=None))
        missing *= 2.0
        missing.reshape(-1)[true] = -np.add.reduce(missing, axis=1)
        missing *= scale
        return value, missing


class BinaryHinge(ElementwiseLoss):
    """A hinge for each yes-or-no attribute, added up over a row's attributes: a binary classifier per category.

    ::

        ℓ = Σₖ max(0, Δ − yₖ fₖ)        yₖ = ±1
        ∂ℓ/∂fₖ = −yₖ [Δ − yₖ fₖ > 0]
        L = Σₙ wₙ ℓₙ / Σₙ wₙ
        Shapes   f (N, K)      y (N, K), (N,) where K = 1      weight (N,)

    Targets are −1 and 1, or 0 and 1: ±1 where any number of the whole array is negative.

    Parameters
    ----------
    margin : float > 0
        Δ, how far beyond zero a score must be to cost nothing.

    Raises
    ------
    ConfigurationError
        A margin that is not positive.
    ShapeError, DataError
        Targets of another shape, or other numbers than ±1 or 0 and 1.

    Notes
    -----
    At the kink, Δ = y f, the gradient is 0. NaN gives NaN.

    References
    ----------
    Cortes, Vapnik (1995), "Support-vector networks", Machine Learning 20, 273–297.

    Examples
    --------
    >>> BinaryHinge().value_and_grad(np.array([[2.0, 0.5]]), np.array([[1, -1]]))
    (1.5, array([[-0.,  1.]]))
    """

    task = "attributes"
    link = None
    over_outputs = "sum"

    def __init__(self, margin: float = 1.0) -> None:
        self.margin = _margin(self, margin)

    def prepare(self, target: Any, outputs: int, name: str = "y") -> Array:
        return binary_targets(target, outputs, name, signed=True)

    def terms(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        y = signs(target, "target")
        missing = np.maximum(self.margin - y * prediction, 0.0)
        return missing, -y * (missing > 0)


def _margin(owner: Loss, margin: float) -> float:
    require_setting(owner, "margin", margin, "as a positive number", is_number(margin) and margin > 0)
    return float(margin)


def _missing(prediction: Array, target: Array, margin: float) -> tuple[Array, Array]:
    """max(0, sⱼ − s_y + Δ) with 0 at the true class, as a new array, and where in it, flat, the true classes are."""
    scores = class_scores(prediction, ONE_SCORE)
    labels = matched_classes(scores, target, soft=False)
    rows, classes = scores.shape
    true = np.arange(0, rows * classes, classes) + labels
    missing = np.subtract(scores, scores.reshape(-1).take(true)[:, None], order="C")
    missing += margin
    missing.reshape(-1)[true] = 0.0
    np.maximum(missing, 0.0, out=missing)
    return missing, true
