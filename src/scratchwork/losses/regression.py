"""Losses on numbers: how far a prediction is from its target, and how much that matters."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from ..arrays import Array, numeric_array
from ..errors import ConfigurationError, DataError
from .base import ElementwiseLoss, is_number, require_setting
from .targets import regression_targets


class MeanSquaredError(ElementwiseLoss):
    """The squared error, averaged over a row's outputs and over rows: its best constant prediction is the mean.

    ::

        ℓ = 1/K Σₖ (pₖ − tₖ)²          ∂ℓ/∂pₖ = 2 (pₖ − tₖ) / K
        L = Σₙ wₙ ℓₙ / Σₙ wₙ
        Shapes   p (N, K)      t (N, K), (N,) where K = 1      weight (N,)

    Raises ShapeError for targets of another shape: (N,) − (N, 1) is never broadcast.

    Numerics: errors beyond 1e19 overflow float32 when squared, and the loss is infinite. NaN gives NaN.

    >>> MeanSquaredError().value_and_grad(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]]))
    (2.0, array([[ 0., -2.]]))
    """

    task = "regression"
    link = "identity"

    def prepare(self, target: Any, outputs: int, name: str = "y") -> Array:
        return regression_targets(target, outputs, name)

    def terms(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        error = prediction - target
        return error * error, error * 2.0


class SumSquaredError(ElementwiseLoss):
    """The squared error summed over a row's outputs; over the batch it is averaged, or totalled on request.

    ::

        ℓ = Σₖ (pₖ − tₖ)²              ∂ℓ/∂pₖ = 2 (pₖ − tₖ)
        reduction "mean"   L = Σₙ wₙ ℓₙ / Σₙ wₙ
        reduction "sum"    L = Σₙ wₙ ℓₙ
        Shapes   p (N, K)      t (N, K), (N,) where K = 1      weight (N,)

    Parameters
    ----------
    reduction : "mean" or "sum"
        "sum" is the sum of squares over the whole batch: weights multiply rows and are not normalized, and the gradient
        grows with the batch, so a learning rate belongs to one batch size.

    Raises ConfigurationError for another reduction, ShapeError for targets of another shape.

    >>> SumSquaredError().value_and_grad(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]]))
    (4.0, array([[ 0., -4.]]))
    """

    task = "regression"
    link = "identity"
    over_outputs = "sum"

    def __init__(self, reduction: Literal["mean", "sum"] = "mean") -> None:
        require_setting(self, "reduction", reduction, "'mean' or 'sum'", reduction in ("mean", "sum"))
        self.reduction = self.over_batch = reduction

    def prepare(self, target: Any, outputs: int, name: str = "y") -> Array:
        return regression_targets(target, outputs, name)

    def terms(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        error = prediction - target
        return error * error, error * 2.0


class MeanAbsoluteError(ElementwiseLoss):
    """The absolute error, averaged over a row's outputs and over rows: its best constant prediction is the median.

    ::

        ℓ = 1/K Σₖ |pₖ − tₖ|           ∂ℓ/∂pₖ = sign(pₖ − tₖ) / K
        L = Σₙ wₙ ℓₙ / Σₙ wₙ
        Shapes   p (N, K)      t (N, K), (N,) where K = 1      weight (N,)

    Raises ShapeError for targets of another shape. At the kink, p = t, the gradient is 0.

    >>> MeanAbsoluteError().value_and_grad(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]]))
    (1.0, array([[ 0. , -0.5]]))
    """

    task = "regression"
    link = "identity"

    def prepare(self, target: Any, outputs: int, name: str = "y") -> Array:
        return regression_targets(target, outputs, name)

    def terms(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        error = prediction - target
        return np.abs(error), np.sign(error)


class Huber(ElementwiseLoss):
    """Squared near the target and straight further out: an outlier pulls with a bounded force.

    ::

        e = p − t
        h(e) = e²/2 for |e| ≤ δ,   δ (|e| − δ/2) beyond
        ℓ = 1/K Σₖ h(eₖ)               ∂ℓ/∂pₖ = clip(eₖ, −δ, δ) / K
        L = Σₙ wₙ ℓₙ / Σₙ wₙ
        Shapes   p (N, K)      t (N, K), (N,) where K = 1      weight (N,)

    Parameters
    ----------
    delta : float > 0
        δ, in units of the target: where the square ends.

    Raises ConfigurationError for a delta that is not positive, ShapeError for targets of another shape.
    At |e| = δ value and slope agree from both sides; only the curvature jumps.

    References
    ----------
    Huber (1964), "Robust estimation of a location parameter", Annals of Mathematical Statistics 35, 73–101.

    >>> Huber().value_and_grad(np.array([[0.5, 3.0]]), np.array([[0.0, 0.0]]))
    (1.3125, array([[0.25, 0.5 ]]))
    """

    task = "regression"
    link = "identity"

    def __init__(self, delta: float = 1.0) -> None:
        require_setting(self, "delta", delta, "as a positive number", is_number(delta) and delta > 0)
        self.delta = float(delta)

    def prepare(self, target: Any, outputs: int, name: str = "y") -> Array:
        return regression_targets(target, outputs, name)

    def terms(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        error = prediction - target
        slope = np.clip(error, -self.delta, self.delta)
        return slope * (error - 0.5 * slope), slope  # e·e/2 inside; outside ±δ (e ∓ δ/2) = δ (|e| − δ/2)


class Quantile(ElementwiseLoss):
    """The pinball loss, whose best constant prediction is the q-quantile: 0.5 the median, 0.9 what 9 of 10 stay below.

    ::

        e = t − p
        ℓ = 1/K Σₖ max(qₖ eₖ, (qₖ − 1) eₖ)     ∂ℓ/∂pₖ = −qₖ / K for eₖ > 0,   (1 − qₖ) / K for eₖ < 0,   0 at eₖ = 0
        L = Σₙ wₙ ℓₙ / Σₙ wₙ
        Shapes   p (N, K)      t (N, K), (N,) where K = 1      weight (N,)

    Parameters
    ----------
    q : float, 0 < q < 1, or a sequence of them
        One quantile for every output; or one per output, and then a single target, (N,) or (N, 1), serves all of them.

    Raises ConfigurationError for a q outside 0..1 or another number of quantiles than outputs, ShapeError for targets
    of another shape. With q = 0.5 it is half the absolute error. At the kink, p = t, the gradient is 0. Several quantiles
    are fitted independently, so that in thin data they can cross.

    References
    ----------
    Koenker, Bassett (1978), "Regression quantiles", Econometrica 46, 33–50.

    >>> Quantile(0.9).value_and_grad(np.array([[1.0]]), np.array([2.0]))
    (0.9, array([[-0.9]]))
    >>> Quantile((0.1, 0.9)).value_and_grad(np.array([[1.0, 1.0]]), np.array([2.0]))
    (0.5, array([[-0.05, -0.45]]))
    """

    task = "regression"
    link = "identity"

    def __init__(self, q: float | Sequence[float] = 0.5) -> None:
        values: Sequence[Any] = (q,) if isinstance(q, float | int | np.floating) else tuple(q)
        fits = len(values) > 0 and all(is_number(value) and 0 < value < 1 for value in values)
        require_setting(self, "q", q, "with 0 < q < 1", fits)
        self.q = float(values[0]) if isinstance(q, float | int | np.floating) else tuple(float(value) for value in values)
        self.one_target_for_all = isinstance(self.q, tuple)

    def prepare(self, target: Any, outputs: int, name: str = "y") -> Array:
        self._check_outputs(outputs)
        array = numeric_array(target, name)
        single = array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1)
        if self.one_target_for_all and single:
            return np.repeat(regression_targets(array, 1, name), outputs, axis=1)
        return regression_targets(array, outputs, name)

    def terms(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        self._check_outputs(prediction.shape[1])
        q = np.array(self.q, prediction.dtype)
        error = target - prediction
        return np.maximum(q * error, (q - 1) * error), (error < 0) - q * (error != 0)

    def _check_outputs(self, outputs: int) -> None:
        if isinstance(self.q, tuple) and len(self.q) != outputs:
            raise ConfigurationError(
                f"Quantile has {len(self.q)} quantiles and the prediction {outputs} columns: give one output per quantile"
            )


class Poisson(ElementwiseLoss):
    """Minus the Poisson log-likelihood of counts, without the term log(t!) that no prediction changes.

    ::

        log_input          λ = exp(f)      ℓ = 1/K Σₖ (exp(fₖ) − tₖ fₖ)            ∂ℓ/∂fₖ = (exp(fₖ) − tₖ) / K
        not log_input      λ = p           ℓ = 1/K Σₖ (pₖ − tₖ log(pₖ + 1e-8))     ∂ℓ/∂pₖ = (1 − tₖ / (pₖ + 1e-8)) / K
        L = Σₙ wₙ ℓₙ / Σₙ wₙ
        Shapes   f (N, K)      t ≥ 0 (N, K), (N,) where K = 1      weight (N,)

    Parameters
    ----------
    log_input : bool
        True: the network gives log λ, any number is allowed, and `exp` turns it into the rate. False: it gives the rate
        itself, from a last layer such as Softplus that is never negative.

    Raises
    ------
    DataError
        Negative counts.
    ShapeError
        Targets of another shape.

    Notes
    -----
    Numerics: exp(f) overflows float32 at f = 89; the loss is then infinite, since so is the rate that was claimed.
    A rate below 0 has no logarithm: below p = 0 the tangent at 0 goes on, of which the gradient is exact too.

    References
    ----------
    Nelder, Wedderburn (1972), "Generalized linear models", Journal of the Royal Statistical Society A 135, 370–384.

    >>> Poisson().value_and_grad(np.array([[0.0]]), np.array([3]))
    (1.0, array([[-2.]]))
    """

    task = "regression"

    def __init__(self, log_input: bool = True) -> None:
        self.log_input = bool(log_input)
        self.link = "exp" if self.log_input else "identity"

    def prepare(self, target: Any, outputs: int, name: str = "y") -> Array:
        counts = regression_targets(target, outputs, name)
        _require_counts(counts, name)
        return counts

    def terms(self, prediction: Array, target: Array) -> tuple[Array, Array]:
        _require_counts(target, "target")
        if self.log_input:
            rate = np.exp(prediction)
            return rate - target * prediction, rate - target
        shifted = prediction + 1e-8
        clipped = np.maximum(shifted, 1e-8)
        logs = np.log(clipped) + (shifted - clipped) / clipped
        return prediction - target * logs, 1.0 - target / clipped


def _require_counts(counts: Array, name: str) -> None:
    if float(counts.min()) < 0:
        row = int(np.argmax((counts < 0).any(axis=1)))
        raise DataError(f"{name} holds a negative count at row {row}: Poisson is for numbers of events, 0 or more")
