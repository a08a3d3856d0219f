"""Cross-entropies: minus the logarithm of the probability that was given to the truth."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import ConfigurationError, DataError
from .base import ElementwiseLoss, Loss, is_number, require_setting, row_weights, sigmoid
from .targets import binary_targets, class_scores, class_targets, matched_classes, one_hot, require_classes
from .weighting import (
    ClassWeight,
    checked_class_weight,
    checked_numbers,
    checked_smoothing,
    class_factors,
    smoothed,
    times_class_weight,
)

ONE_LOGIT = (
    "softmax over one output is always 1: use SigmoidBinaryCrossEntropy with targets 0 and 1, "
    "or give the last layer one output per class"
)
ONE_PROBABILITY = (
    "one column of probabilities cannot tell classes apart: give the last layer one output per class, "
    "or drop its sigmoid and use SigmoidBinaryCrossEntropy"
)


class SoftmaxCrossEntropy(Loss):
    """Cross-entropy between labels and the softmax of *logits*: the last layer has no activation of its own.

    ::

        p = softmax(z)
        ℓ = −Σ_c t_c log p_c          with a label y:   ℓ = log Σ_c exp(z_c) − z_y
        ∂ℓ/∂z = p − t                 with a label y:   p_c − [c = y]
        smoothing   t ← (1 − ε) t + ε / C
        row weight  wₙ ← wₙ Σ_c t_c κ_c      (t before smoothing; κ = class_weight, so with a label y: κ_y)
        L = Σₙ wₙ ℓₙ / Σₙ wₙ
        Shapes      z (N, C), C ≥ 2      labels (N,) or (N, 1), one-hot or soft rows (N, C)      weight (N,)

    Parameters
    ----------
    label_smoothing : float, 0 ≤ ε < 1
        The share of each target that is spread evenly over all classes.
    class_weight : mapping or sequence of floats ≥ 0, optional
        κ, one factor per class; a mapping may name some, the others are 1. A class weight of 2 is exactly each row of
        that class twice, so κ also enters Σw (as PyTorch's does for labels; for soft rows PyTorch divides by N instead).

    Raises
    ------
    ConfigurationError
        A setting out of range; one output (softmax over one number is always 1); class weights for another number of classes.
    ShapeError, DataError
        Targets of another shape; labels outside 0..C−1; rows that do not sum to 1.

    Notes
    -----
    Numerics: exp(z) overflows float32 at z = 89 and −log(softmax) of a far class is −log(0). Here each row's maximum is
    subtracted first and the logarithm is taken of the sum alone, so that logits of ±1e4 give the exact loss and gradient.
    NaN logits give a NaN loss. Smooth everywhere: there are no kinks.

    References
    ----------
    Bridle (1990), "Probabilistic interpretation of feedforward classification network outputs, with relationships to
    statistical pattern recognition", in Neurocomputing, Springer.
    Szegedy, Vanhoucke, Ioffe, Shlens, Wojna (2016), "Rethinking the Inception architecture for computer vision", CVPR
    (label smoothing).

    Examples
    --------
    >>> value, gradient = SoftmaxCrossEntropy().value_and_grad(np.array([[0.0, 0.0]]), np.array([1]))
    >>> round(value, 4), gradient
    (0.6931, array([[ 0.5, -0.5]]))
    """

    task = "multiclass"
    link = "softmax"

    def __init__(self, label_smoothing: float = 0.0, class_weight: ClassWeight | None = None) -> None:
        self.label_smoothing = checked_smoothing(self, label_smoothing)
        self.class_weight = checked_class_weight(self, class_weight)

    def prepare(self, target: Any, outputs: int, name: str = "y") -> Array:
        require_classes(outputs, ONE_LOGIT)
        class_factors(self.class_weight, outputs)
        return class_targets(target, outputs, name)

    # an infinite logit gives a NaN loss, which training stops on and explains: a warning would be said twice
    @np.errstate(over="ignore", invalid="ignore")
    def value_and_grad(self, prediction: Array, target: Array, weight: Array | None = None) -> tuple[float, Array]:
        z = class_scores(prediction, ONE_LOGIT)
        t = matched_classes(z, target)
        rows, classes = z.shape
        if self.class_weight is not None:
            weight = times_class_weight(weight, t, self.class_weight, classes)
        if t.ndim == 1 and self.label_smoothing:
            t = one_hot(t, classes, z.dtype)
        scale = row_weights(weight, rows, z.dtype)
        per_row = scale if isinstance(scale, float) else scale[:, 0]
        # largest of each row: down the columns of a copy NumPy compares whole vectors, along short rows number by number
        shifted = np.subtract(z, np.maximum.reduce(z.T.copy(), axis=0)[:, None], order="C")
        grad = shifted  # one array all the way: shifted logits, from `_inplace_exp_and_sum` on exponentials, then w (p − t)
        if t.ndim == 1:
            true = np.arange(0, rows * classes, classes) + t  # places in the flat array: cheaper than two indices
            picked = shifted.reshape(-1).take(true)
            total = _inplace_exp_and_sum(shifted)
            row_losses = np.log(total) - picked
            grad *= (per_row / total)[:, None]
            grad.reshape(-1)[true] -= per_row
        else:
            t = smoothed(t, self.label_smoothing, z.dtype)
            mass = np.add.reduce(t, axis=1)  # 1 but for rounding and printed decimals; kept: the gradient is that of the value
            picked = np.einsum("nc,nc->n", t, shifted)
            total = _inplace_exp_and_sum(shifted)
            row_losses = mass * np.log(total) - picked
            grad *= (mass / total)[:, None]
            grad -= t
            grad *= scale
        return _total(row_losses, per_row), grad


class CategoricalCrossEntropy(Loss):
    """Cross-entropy between labels and *probabilities*, for a network that ends in `Softmax`.

    ::

        ℓ = −Σ_c t_c g(p_c)              g(p) = log p for p ≥ eps, its tangent log(eps) + p/eps − 1 below
        ∂ℓ/∂p_c = −t_c / max(p_c, eps)
        Smoothing, class weights, L   as in SoftmaxCrossEntropy
        Shapes   p (N, C), C ≥ 2      labels (N,) or (N, 1), one-hot or soft rows (N, C)      weight (N,)

    Parameters
    ----------
    eps : float, 1e-37 ≤ eps < 1
        Where the logarithm is continued by its tangent, so that p = 0 for the true class costs 1 − log(eps) ≈ 70 and not
        infinity, and the gradient is the exact derivative of the value on both sides and at eps itself.
    label_smoothing, class_weight
        As in SoftmaxCrossEntropy.

    Raises
    ------
    ConfigurationError, ShapeError
        As in SoftmaxCrossEntropy.
    DataError
        As there, and predictions outside 0..1 (logits belong to SoftmaxCrossEntropy).

    Notes
    -----
    Numerics: prefer `SoftmaxCrossEntropy` on the logits. A softmax in float32 gives exactly 0 to a class whose logit is
    104 below the largest, and then dz = p ⊙ (dp − Σ p dp) is 0 too, whatever dp is: such a row teaches nothing, while
    the loss on logits still gives p − t. NaN probabilities give a NaN loss.

    Examples
    --------
    >>> value, gradient = CategoricalCrossEntropy().value_and_grad(np.array([[0.25, 0.75]]), np.array([0]))
    >>> round(value, 4), gradient
    (1.3863, array([[-4., -0.]]))
    """

    task = "multiclass"
    link = "identity"

    def __init__(self, label_smoothing: float = 0.0, class_weight: ClassWeight | None = None, eps: float = 1e-30) -> None:
        self.label_smoothing = checked_smoothing(self, label_smoothing)
        self.class_weight = checked_class_weight(self, class_weight)
        # 1e-37: 1/eps and eps are both ordinary float32 numbers
        require_setting(self, "eps", eps, "with 1e-37 <= eps < 1", is_number(eps) and 1e-37 <= eps < 1)
        self.eps = float(eps)

    def prepare(self, target: Any, outputs: int, name: str = "y") -> Array:
        require_classes(outputs, ONE_PROBABILITY)
        class_factors(self.class_weight, outputs)
        return class_targets(target, outputs, name)

    @np.errstate(over="ignore", invalid="ignore")
    def value_and_grad(self, prediction: Array, target: Array, weight: Array | None = None) -> tuple[float, Array]:
        p = class_scores(prediction, ONE_PROBABILITY)
        t = matched_classes(p, target)
        rows, classes = p.shape
        # a thousandth of room: rounding, and the small steps of a gradient check
        if float(p.min()) < -1e-3 or float(p.max()) > 1.001:
            raise DataError(
                "CategoricalCrossEntropy takes probabilities and the prediction has numbers outside 0..1: "
                "end the network in Softmax(), or use SoftmaxCrossEntropy on its logits"
            )
        if self.class_weight is not None:
            weight = times_class_weight(weight, t, self.class_weight, classes)
        if t.ndim == 1:
            t = one_hot(t, classes, p.dtype)
        t = smoothed(t, self.label_smoothing, p.dtype)
        clipped = np.maximum(p, self.eps)
        grad = t / clipped
        logs = np.log(clipped) + (p - clipped) / clipped
        row_losses = -np.einsum("nc,nc->n", t, logs)
        scale = row_weights(weight, rows, p.dtype)
        grad *= -scale
        return _total(row_losses, scale if isinstance(scale, float) else scale[:, 0]), grad


class SigmoidBinaryCrossEntropy(ElementwiseLoss):
    """Logistic loss on *logits*: one yes-or-no output, or K independent attributes, whose losses a row adds up.

    ::

        ℓ = Σₖ [π yₖ softplus(−fₖ) + (1 − yₖ) softplus(fₖ)]      softplus(f) = log(1 + exp(f))
          = −Σₖ [π yₖ log σ(fₖ) + (1 − yₖ) log(1 − σ(fₖ))]       σ(f) = 1 / (1 + exp(−f))
        ∂ℓ/∂fₖ = (1 − yₖ + π yₖ) σ(fₖ) − π yₖ                     with π = 1:   σ(f) − y
        L = Σₙ wₙ ℓₙ / Σₙ wₙ
        Shapes   f (N, K)      y (N, K) of 0, 1 or shares between; (N,) where K = 1      weight (N,)

    The sum over attributes is that of the course notes this library follows; PyTorch's and Keras's mean is K times smaller.
    (Those notes print the gradient as y − σ(f), which is that of the log-likelihood; the loss is minus that.)

    Parameters
    ----------
    positive_weight : float > 0 or a sequence of K, optional
        π, how much a yes counts against a no, for rare attributes. It scales terms and does not enter Σw.

    Raises
    ------
    ConfigurationError
        A positive_weight that is not positive, or not one per output.
    ShapeError, DataError
        Targets of another shape, or outside 0..1 (for −1 and 1 there is `BinaryHinge`).

    Notes
    -----
    Numerics: in float32 log(1 − σ(f)) is −∞ from f = 17 on, where σ rounds to 1, and log σ(f) below f = −88.7, where
    exp(−f) overflows. Here softplus(f) = max(f, 0) + log1p(exp(−|f|)), whose exponential never overflows; ±1e4 is exact.
    NaN gives NaN. Smooth everywhere: there are no kinks.

    References
    ----------
    Cox (1958), "The regression analysis of binary sequences", Journal of the Royal Statistical Society B 20, 215–242.

    Examples
    --------
    >>> value, gradient = SigmoidBinaryCrossEntropy().value_and_grad(np.array([[0.0, 0.0]]), np.array([[0, 1]]))
    >>> round(value, 4), gradient
    (1.3863, array([[ 0.5, -0.5]]))
    """

    task = "attributes"
    link = "sigmoid"
    over_outputs = "sum"

    def __init__(self, positive_weight: float | Sequence[float] | None = None) -> None:
        if positive_weight is not None and not is_number(positive_weight):
            positive_weight = checked_numbers(self, "positive_weight", positive_weight)
        values = positive_weight if isinstance(positive_weight, tuple) else (positive_weight,)
        fits = positive_weight is None or all(value > 0 for value in values)
        require_setting(self, "positive_weight", positive_weight, "as positive numbers", fits)
        self.positive_weight = positive_weight

    def prepare(self, target: Any, outputs: int, name: str = "y") -> Array:
        self._positive_weight(outputs, np.dtype(np.float64))
        return binary_targets(target, outputs, name)

    def terms(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        f, y = prediction, target
        if float(y.min()) < 0 or float(y.max()) > 1:
            binary_targets(y, y.shape[1], "target")  # says which and where
        small = np.exp(-np.abs(f))
        yes = y * self._positive_weight(f.shape[1], f.dtype)
        no = 1.0 - y
        both = no + yes
        value = no * np.maximum(f, 0.0) + yes * np.maximum(-f, 0.0) + both * np.log1p(small)
        return value, both * sigmoid(f, small) - yes

    def _positive_weight(self, outputs: int, dtype: np.dtype[Any]) -> Array | float:
        pi = self.positive_weight
        if pi is None:
            return 1.0
        if not isinstance(pi, tuple):
            return float(pi)  # type: ignore[arg-type]
        if len(pi) != outputs:
            raise ConfigurationError(
                f"positive_weight has {len(pi)} numbers and the network {outputs} outputs: give one per output"
            )
        return np.array(pi, dtype)


@lru_cache(maxsize=32)
def _ones(size: int, dtype: np.dtype[Any]) -> Array:
    ones = np.ones(size, dtype)
    ones.flags.writeable = False
    return ones


def _inplace_exp_and_sum(shifted: Array) -> Array:
    """Replace the logits by their exponentials and return each row's sum; a product with ones is the fastest row sum."""
    np.exp(shifted, out=shifted)
    total: Array = shifted.dot(_ones(shifted.shape[1], shifted.dtype))
    return total


def _total(row_losses: Array, per_row: Array | float) -> float:
    """Σₙ scaleₙ ℓₙ."""
    if isinstance(per_row, float):
        return float(np.add.reduce(row_losses)) * per_row
    return float(np.add.reduce(row_losses * per_row))
