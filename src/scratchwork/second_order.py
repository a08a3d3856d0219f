"""L-BFGS: for small problems on all rows at once, curvature from the history of gradients. The algorithm is SciPy's."""

import dataclasses
import math
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from .arrays import Array
from .errors import ConfigurationError, MissingDependencyError

_NO_LIMIT = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class LBFGS:
    """The limited-memory quasi-Newton method: a step is an estimate of H⁻¹g, its length comes from a line search.

    It needs a function that is the same at every call: all rows in each evaluation, no dropout. There, on problems of
    some hundred to some ten thousand parameters, it gets in tens of iterations to minima for which first-order rules need
    thousands of steps, and it has no learning rate to tune. With mini-batches use `Adam` or `SGD`.

    Parameters
    ----------
    max_iterations : int ≥ 1, optional
        None leaves the end to the tolerance and to the callback; in training, an iteration is one epoch.
    memory : int ≥ 1
        How many pairs of step and gradient change describe the curvature.
    tolerance : float ≥ 0
        Ends when no component of the gradient is larger than this, or when an iteration lowers the function by less than
        this share of it (of 1, where the function is smaller than 1).
    gradient_tolerance : float ≥ 0, optional
        Another number for the components of the gradient; None takes `tolerance`.
    max_evaluations : int ≥ 1, optional
        Of the function, of which a line search may take several.

    Raises
    ------
    MissingDependencyError
        By `minimize`, when SciPy is not installed.

    Numerics
    --------
    The vector and the gradient are handed to SciPy in float64 and to the function in the dtype of the parameters. In
    float32 the function itself is known to about 10⁻⁷ of its size, so that a line search may fail near the minimum: that
    is an end like the others.

    References
    ----------
    Byrd, Lu, Nocedal, Zhu (1995), "A limited memory algorithm for bound constrained optimization", SIAM J. Sci. Comput. 16.
    Liu, Nocedal (1989), "On the limited memory BFGS method for large scale optimization", Math. Programming 45.

    Examples
    --------
    >>> value = np.zeros(2)
    >>> LBFGS().minimize(lambda w: (float(np.sum((w - 3.0) ** 2)), 2.0 * (w - 3.0)), value)
    True
    >>> value.round(6)
    array([3., 3.])
    """

    max_iterations: int | None = None
    memory: int = 10
    tolerance: float = 1e-8
    gradient_tolerance: float | None = dataclasses.field(default=None, repr=False)
    max_evaluations: int | None = dataclasses.field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("max_iterations", "memory", "max_evaluations"):
            count: Any = getattr(self, name)
            if count is None and name != "memory":
                continue
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise ConfigurationError(f"LBFGS needs a whole number as {name}, at least 1; received {count!r}")
        for name in ("tolerance", "gradient_tolerance"):
            number: Any = self.tolerance if getattr(self, name) is None else getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, Real) or not 0 <= float(number) < math.inf:
                raise ConfigurationError(f"LBFGS needs a number {name} >= 0; received {number!r}")

    def config(self) -> dict[str, Any]:
        """The settings by the names of `__init__`: with them the same rule can be made again."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def minimize(
        self,
        function: Callable[[Array], tuple[float, Array]],
        value: Array,
        callback: Callable[[int, float], bool] | None = None,
    ) -> bool:
        """Move the vector `value` in place to the lowest point that was found; False where a limit ended the search.

        function  gives f(w) and ∂f/∂w for a vector of the shape and dtype of `value`; it may write to `value`
        callback  is called after every iteration with its number, from 1, and f there; `value` then holds that point.
                  True ends the search. A start where f is not finite is reported as iteration 0, and the search ends.

        Whatever ends it, an exception or Ctrl-C too, `value` holds the best point in the end.
        """
        scipy_minimize = minimizer()
        dtype = value.dtype
        best, best_value = math.inf, value.copy()
        iteration = 0

        def evaluate(point: Array) -> tuple[float, Array]:
            nonlocal best
            argument = point.astype(dtype)
            loss, grad = function(argument)
            if loss < best:
                best = float(loss)
                best_value[...] = point
            return float(loss), np.array(grad, dtype=np.float64)

        def after_iteration(intermediate_result: Any) -> None:
            nonlocal iteration
            iteration += 1
            value[...] = intermediate_result.x
            if callback is not None and callback(iteration, float(intermediate_result.fun)):
                raise StopIteration

        options = {
            "maxiter": self.max_iterations or _NO_LIMIT,
            "maxfun": self.max_evaluations or _NO_LIMIT,
            "maxcor": self.memory,
            "ftol": self.tolerance,
            "gtol": self.tolerance if self.gradient_tolerance is None else self.gradient_tolerance,
        }
        start, limited = value.astype(np.float64), False
        try:
            first = evaluate(start)[0]
            if math.isfinite(first):
                end = scipy_minimize(evaluate, start, jac=True, method="L-BFGS-B", callback=after_iteration, options=options)
                limited = end.status == 1
            elif callback is not None:
                callback(0, first)
        finally:
            value[...] = best_value
        return not limited


def minimizer() -> Any:
    """SciPy's minimize, or a MissingDependencyError."""
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise MissingDependencyError(
            "LBFGS needs SciPy, which is not installed: pip install 'scratchwork[scipy]', or choose Adam"
        ) from error
    return minimize
