"""Functions that NumPy does not bring and that more than one layer needs: the error function and the logistic sigmoid."""

import numpy as np

from ..arrays import Array, floats

# Coefficients of Cody (1969) as they stand in his CALERF, highest power first.
_NEAR_TOP = (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3)
_NEAR_BOTTOM = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
_FAR_TOP = (
    *(2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1, 2.98635138197400131e2),
    *(8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3),
)
_FAR_BOTTOM = (
    *(1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3),
    *(3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
)


def erf(x: Array) -> Array:
    """The error function, erf(x) = 2/√π ∫₀ˣ exp(−t²) dt, element by element, in the dtype of `x`.

    ::

        |x| ≤ 15/32    erf(x) = x · P(x²) / Q(x²)                        P, Q of degree 4
        |x| > 15/32    erf(x) = sign(x) (1 − exp(−x²) R(|x|) / S(|x|))   R, S of degree 8

    Numerics: within 1e-15 of the true value in float64, also relative to it near zero, and within 3e-7 in float32.
    R/S was fitted up to |x| = 4 and is used as far as 6, where erf is 1 to the last bit: its product with exp(−x²), which
    is 1 − erf, is then below 2·10⁻⁸, so that an error in its ninth digit is not seen.

    References: Cody (1969), "Rational Chebyshev approximations for the error function", Math. Comp. 23, 631–637.

    >>> erf(np.array([-np.inf, -1.0, 0.0, 0.5])).round(12).tolist()
    [-1.0, -0.84270079295, 0.0, 0.520499877813]
    """
    x = np.asarray(x)
    size = np.minimum(np.abs(x), 6.0)
    squared = size * size
    near = np.copysign(size, x) * _polynomial(_NEAR_TOP, squared) / _polynomial(_NEAR_BOTTOM, squared)
    far = np.exp(-squared) * _polynomial(_FAR_TOP, size) / _polynomial(_FAR_BOTTOM, size)
    y: Array = np.where(size <= 15 / 32, near, np.copysign(1.0 - far, x))
    return y


def sigmoid(x: Array) -> Array:
    """The logistic function, 1 / (1 + exp(−x)), element by element, as a fresh array of the dtype of `x` (float64 for ints).

    Numerics: exp(−x) may overflow to ∞, whose reciprocal is the right answer 0, so nothing is done about it but to keep
    NumPy from warning. The small values keep all their digits, which ½(1 + tanh(x/2)) would lose.

    >>> sigmoid(np.array([-1e4, 0.0, 1e4])).tolist()
    [0.0, 0.5, 1.0]
    """
    y: Array = np.asarray(np.negative(floats(x)))
    with np.errstate(over="ignore", under="ignore"):
        np.exp(y, out=y)
    y += 1.0
    np.divide(1.0, y, out=y)
    return y


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    """The polynomial with these coefficients, highest power first, by Horner's rule."""
    y = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        y *= x
        y += coefficient
    return y
