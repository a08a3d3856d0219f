"""Activations, each a plain loop over a row; see layers/activations.py, rectifiers.py and gates.py for the equations.

The usual ones have a loop of their own, which is vectorized; the others ask for every number what they are.
"""

# mypy: ignore-errors
import math

from .compiling import apart, compiled
from .exponential import exp, expm1
from .kernels import part

LINEAR, STEP, SIGMOID, TANH, RELU, LEAKY, ELU, SELU, SOFTPLUS, GELU, GELU_TANH, SILU, MISH = range(13)
ROOT_2_OVER_PI, CUBIC = math.sqrt(2 / math.pi), 0.044715
ONE_OVER_ROOT_2, ONE_OVER_ROOT_2PI = 1 / math.sqrt(2), 1 / math.sqrt(2 * math.pi)
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


@compiled
def tanh(x):
    """(e²ˣ − 1) / (e²ˣ + 1), by expm1 of −2|x|: small x keep their digits, large ones do not overflow."""
    e = expm1(-2 * abs(x))
    t = e / (e + 2)
    return -t if x > 0 else t


@compiled
def activation_value(kind, x):
    """f(x) for one number, of those that have no loop of their own."""
    if kind == STEP:
        return x * 0 + (1.0 if x > 0 else 0.0)
    if kind == SOFTPLUS:
        return math.log1p(exp(-abs(x))) + max(x, 0.0)
    if kind == GELU:
        return x * (0.5 * (1.0 + math.erf(x * ONE_OVER_ROOT_2)))
    if kind == GELU_TANH:
        near = min(max(x, -20.0), 20.0)
        return x * (0.5 * (1.0 + tanh(ROOT_2_OVER_PI * (near + CUBIC * near * near * near))))
    return x


@compiled
def activation_slope(kind, x, y):
    """f′(x) for one number, from the input or the output."""
    if kind == STEP:
        return 0.0
    if kind == SOFTPLUS:
        return -expm1(-y)
    near = min(max(x, -20.0), 20.0)
    if kind == GELU:
        return 0.5 * (1.0 + math.erf(x * ONE_OVER_ROOT_2)) + near * ONE_OVER_ROOT_2PI * exp(-0.5 * near * near)
    if kind == GELU_TANH:
        gate = 0.5 * (1.0 + tanh(ROOT_2_OVER_PI * (near + CUBIC * near * near * near)))
        return gate + near * 2.0 * gate * (1.0 - gate) * ROOT_2_OVER_PI * (1.0 + 3.0 * CUBIC * near * near)
    return 1.0


@apart
def sigmoids(x, y):
    """y = 1 / (1 + e⁻ˣ)."""
    one = x.dtype.type(1)
    for c in range(x.size):
        y[c] = one / (one + exp(-x[c]))


@apart
def tangents(x, y):
    """y = tanh x."""
    for c in range(x.size):
        y[c] = tanh(x[c])


@apart
def exponentials(x, y, scale, alpha):
    """y = s x where x > 0, else s α (eˣ − 1)."""
    left, zero = scale * alpha, x.dtype.type(0)
    for c in range(x.size):
        value = x[c]
        fallen = left * expm1(zero if value > 0 else value)
        y[c] = scale * value if value > 0 else fallen


@apart
def swishes(x, y):
    """y = x / (1 + e⁻ˣ)."""
    one = x.dtype.type(1)
    for c in range(x.size):
        y[c] = x[c] / (one + exp(-x[c]))


@apart
def mishes(x, y):
    """y = x n / (n + 2) with e = eˣ, n = e (e + 2)."""
    two, forty = x.dtype.type(2), x.dtype.type(40)
    for c in range(x.size):
        value = x[c]
        e = exp(forty if value > forty else value)
        n = e * (e + two)
        y[c] = value * (n / (n + two))


@apart
def rectify(x, y, slope):
    """y = x where x ≥ 0, else a x; NaN stays, and 0 is 0 for a = 0 also where x is −∞."""
    zero = x.dtype.type(0)
    for c in range(x.size):
        value = x[c]
        fallen = value * slope if slope != 0 else zero
        y[c] = fallen if value < 0 else value


@apart
def rectify_back(y, dy, slope):
    """dy ← dy where y > 0, else a dy."""
    zero = y.dtype.type(0)
    for c in range(y.size):
        value = dy[c]  # read before the question, so that both answers are at hand and the loop is vectorized
        fallen = value * slope if slope != 0 else zero
        dy[c] = value if y[c] > 0 else fallen


@apart
def sigmoids_back(y, dy):
    """dy ← dy y (1 − y)."""
    one = y.dtype.type(1)
    for c in range(y.size):
        dy[c] *= y[c] * (one - y[c])


@apart
def tangents_back(y, dy):
    """dy ← dy (1 − y²)."""
    one = y.dtype.type(1)
    for c in range(y.size):
        dy[c] *= one - y[c] * y[c]


@apart
def exponentials_back(y, dy, scale, alpha):
    """dy ← dy s where y > 0, else dy (y + s α)."""
    left = scale * alpha
    for c in range(y.size):
        value, low = dy[c] * scale, dy[c] * (y[c] + left)
        dy[c] = value if y[c] > 0 else low


@apart
def swishes_back(x, y, dy):
    """dy ← dy (g + y (1 − g)) with g = 1 / (1 + e⁻ˣ)."""
    one = x.dtype.type(1)
    for c in range(x.size):
        gate = one / (one + exp(-x[c]))
        dy[c] *= gate + y[c] * (one - gate)


@apart
def mishes_back(x, dy):
    """dy ← dy (n / (n + 2) + 4 x e (1 + e) / (n + 2)²)."""
    one, two, four, forty = x.dtype.type(1), x.dtype.type(2), x.dtype.type(4), x.dtype.type(40)
    for c in range(x.size):
        near = forty if x[c] > forty else x[c]
        e = exp(near)
        n = e * (e + two)
        share = one / (n + two)
        dy[c] *= n * share + near * (four * e * share) * ((one + e) * share)


@compiled
def activation(a, kind, alpha, x, y, width, r0, r1, c0, c1):
    """y = f(x)."""
    real = a.dtype.type
    for r in range(r0, r1):
        u, v = part(a, x, width, r, c0, c1), part(a, y, width, r, c0, c1)
        if kind == RELU or kind == LEAKY:
            rectify(u, v, real(alpha))
        elif kind == SIGMOID:
            sigmoids(u, v)
        elif kind == TANH:
            tangents(u, v)
        elif kind == ELU:
            exponentials(u, v, real(1), real(alpha))
        elif kind == SELU:
            exponentials(u, v, real(SELU_SCALE), real(SELU_ALPHA))
        elif kind == SILU:
            swishes(u, v)
        elif kind == MISH:
            mishes(u, v)
        else:
            for c in range(u.size):
                v[c] = activation_value(kind, u[c])


@compiled
def activation_back(a, kind, alpha, x, y, dy, width, r0, r1, c0, c1):
    """dy ← dy ⊙ f′(x)."""
    real = a.dtype.type
    for r in range(r0, r1):
        u, v, w = part(a, x, width, r, c0, c1), part(a, y, width, r, c0, c1), part(a, dy, width, r, c0, c1)
        if kind == RELU or kind == LEAKY:
            rectify_back(v, w, real(alpha))
        elif kind == SIGMOID:
            sigmoids_back(v, w)
        elif kind == TANH:
            tangents_back(v, w)
        elif kind == ELU:
            exponentials_back(v, w, real(1), real(alpha))
        elif kind == SELU:
            exponentials_back(v, w, real(SELU_SCALE), real(SELU_ALPHA))
        elif kind == SILU:
            swishes_back(u, v, w)
        elif kind == MISH:
            mishes_back(u, w)
        else:
            for c in range(w.size):
                w[c] *= activation_slope(kind, u[c], v[c])
