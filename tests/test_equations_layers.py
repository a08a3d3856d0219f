"""The equations in the docstrings of the layers, letter by letter in float64."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from equation_rows import Elsewhere, Row, transcribed
from layer_checks import built, jacobian
from scratchwork.layers import (
    ELU,
    GELU,
    SELU,
    Average,
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    Mish,
    Parallel,
    Reshape,
    Softplus,
    Tanh,
)
from scratchwork.layers.special import erf
from scratchwork.sequential import Sequential

RNG = np.random.default_rng(8)
X, DY = RNG.normal(size=(5, 4)), RNG.normal(size=(5, 2))
POINTS = np.array([[-7.5, -3.0, -1.0, -0.25, 0.0, 0.25, 1.0, 3.0, 7.5]])


def close(actual: object, expected: object) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-14)


def dense() -> None:
    layer = built(Dense(2), X)
    W, b = layer.weight.value, layer.bias.value
    y, cache = layer.forward(X)
    dx = layer.backward(DY, cache)
    close(y, [[sum(X[n, i] * W[i, j] for i in range(4)) + b[j] for j in range(2)] for n in range(5)])
    close(dx, [[sum(DY[n, j] * W[i, j] for j in range(2)) for i in range(4)] for n in range(5)])
    close(layer.weight.grad, [[sum(X[n, i] * DY[n, j] for n in range(5)) for j in range(2)] for i in range(4)])
    close(layer.bias.grad, [sum(DY[n, j] for n in range(5)) for j in range(2)])


def parallel() -> None:
    layer, dy = built(Parallel([Dense(2), Sequential([Dense(3), Tanh(), Dense(2)])]), X), RNG.normal(size=(5, 4))
    one, two = layer.networks
    y, cache = layer.forward(X)
    parts = [network.forward(X) for network in (one, two)]
    close(y, [[*parts[0][0][n], *parts[1][0][n]] for n in range(5)])
    dx = layer.backward(dy, cache)
    columns = [np.array([[dy[n, k * 2 + j] for j in range(2)] for n in range(5)]) for k in range(2)]
    each = [network.backward(part, parts[k][1]) for k, (network, part) in enumerate(zip((one, two), columns, strict=True))]
    close(dx, [[sum(each[k][n, i] for k in range(2)) for i in range(4)] for n in range(5)])


def average() -> None:
    layer, x = built(Average(3), RNG.normal(size=(5, 6))), RNG.normal(size=(5, 6))
    y, cache = layer.forward(x)
    close(y, [[1 / 3 * sum(x[n, k * 2 + j] for k in range(3)) for j in range(2)] for n in range(5)])
    close(layer.backward(DY, cache), [[1 / 3 * DY[n, j] for _ in range(3) for j in range(2)] for n in range(5)])


def dropout() -> None:
    rate, x = 0.3, np.abs(RNG.normal(size=(200, 300))) + 0.1
    dy = RNG.normal(size=x.shape)
    for inverted in (True, False):
        layer = built(Dropout(rate, inverted=inverted), x)
        y, cache = layer.forward(x, training=True, step=3)
        m = (y != 0).astype(float)  # m ~ Bernoulli(1 − rate)
        assert abs(m.mean() - (1 - rate)) < 4 * math.sqrt(rate * (1 - rate) / x.size)
        close(y, x * m / (1 - rate) if inverted else x * m)
        close(layer.backward(dy, cache), dy * m / (1 - rate) if inverted else dy * m)
        y, cache = layer.forward(x)
        close(y, x if inverted else (1 - rate) * x)
        close(layer.backward(dy, cache), dy if inverted else (1 - rate) * dy)


def batch_norm_in_prediction() -> None:
    layer, dy = built(BatchNorm(eps=0.01, momentum=0.75), X), RNG.normal(size=X.shape)
    layer.forward(X, training=True)
    layer.forward(2 * X, training=True)
    y, cache = layer.forward(X)
    dx = layer.backward(dy, cache)
    for d in range(4):
        batches = [[factor * X[n, d] for n in range(5)] for factor in (1, 2)]
        running_mean, running_var = 0.0, 1.0
        for batch in batches:
            mu = sum(batch) / 5
            running_mean = 0.75 * running_mean + (1 - 0.75) * mu
            running_var = 0.75 * running_var + (1 - 0.75) * sum((v - mu) ** 2 for v in batch) / 5 * 5 / (5 - 1)
        gamma, beta = layer.gamma.value[d], layer.beta.value[d]
        close(y[:, d], [gamma * (X[n, d] - running_mean) / math.sqrt(running_var + 0.01) + beta for n in range(5)])
        close(dx[:, d], [gamma / math.sqrt(running_var + 0.01) * dy[n, d] for n in range(5)])


def changed_shape(layer: Flatten | Reshape, shape: tuple[int, ...]) -> Callable[[], None]:
    """The same numbers in the same order, the last axis running fastest; and back."""

    def check() -> None:
        x = RNG.normal(size=(2, 3, 4))
        y, cache = built(layer, x).forward(x)
        assert y.shape == (2, *shape)
        assert [number for row in y.tolist() for number in flat(row)] == [x[n, i, j] for n, i, j in np.ndindex(2, 3, 4)]
        assert np.array_equal(layer.backward(y, cache), x)

    return check


def flat(numbers: object) -> list[float]:
    return [one for part in numbers for one in flat(part)] if isinstance(numbers, list) else [numbers]


def chain_rule() -> None:
    """xᵢ = fᵢ(xᵢ₋₁), and dᵢ₋₁ = (∂fᵢ/∂xᵢ₋₁)ᵀ dᵢ with each Jacobian from differences of that layer alone."""
    network = Sequential([Dense(3), Tanh(), Dense(2)])
    network.build(4, dtype=np.float64)
    y, cache = network.forward(X[:1])
    dx = network.backward(DY[:1], cache)
    inputs = [X[:1].copy()]
    for layer in network.layers:
        inputs.append(layer.forward(inputs[-1])[0])
    close(y, inputs[-1])
    d = DY[0]
    for layer, x in zip(network.layers[::-1], inputs[-2::-1], strict=True):
        d = jacobian(lambda layer=layer, x=x: layer.forward(x)[0], x).T @ d
    np.testing.assert_allclose(dx[0], d, rtol=1e-8)


def error_function() -> None:
    """2/√π ∫₀ˣ exp(−t²) dt, by Simpson's rule."""
    for x in POINTS[0]:
        t = np.linspace(0, x, 4001)
        heights = np.exp(-(t**2))
        integral = (heights[0] + 4 * heights[1::2].sum() + 2 * heights[2:-1:2].sum() + heights[-1]) * (t[1] - t[0]) / 3
        close(erf(np.array(x)), 2 / math.sqrt(math.pi) * integral)


def forms(layer: object, *sides: Callable[[float], float], slope: Callable[[float, float], float]) -> Callable[[], None]:
    """Every further form of f that is displayed, and the derivative as it is written with the output: slope(x, y)."""

    def check() -> None:
        y, cache = layer.forward(POINTS)
        dx = layer.backward(np.full_like(POINTS, 3.0), cache)
        for f in sides:
            close(y[0], [f(x) for x in POINTS[0]])
        close(dx[0], [3.0 * slope(x, f(x)) for x in POINTS[0]])

    return check


def mish_slope(x: float, y: float) -> float:
    e = math.exp(x)
    n = e * (e + 2)
    return n / (n + 2) + 4 * x * e * (1 + e) / (n + 2) ** 2


def tanh_gelu_slope(x: float, y: float) -> float:
    u, u_slope = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3), math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)
    t = math.tanh(u)
    return 0.5 * (1 + t + x * (1 - t**2) * u_slope)


def tanh_of_softplus(x: float) -> float:
    n = math.exp(x) * (math.exp(x) + 2)
    return x * n / (n + 2)


ACTIVATION, GATE = Elsewhere("activations", "the_equations_as_written"), Elsewhere("gates", "the_equations_as_written")
L, A = 1.0507009873554805, 1.6732632423543772
TANH_GELU = forms(
    GELU(approximate="tanh"),
    lambda x: 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    slope=tanh_gelu_slope,
)

WRITTEN: dict[str, tuple[Row, ...]] = {
    "Dense": (dense,),
    "Linear": (ACTIVATION,),
    "Step": (ACTIVATION,),
    "Sigmoid": (ACTIVATION,),
    "Tanh": (ACTIVATION, forms(Tanh(), math.tanh, slope=lambda x, y: 1 - y**2)),
    "ReLU": (ACTIVATION,),
    "LeakyReLU": (ACTIVATION, forms(LeakyReLU(0.2), lambda x: max(x, 0.2 * x), slope=lambda x, y: 1.0 if y > 0 else 0.2)),
    "ELU": (
        ACTIVATION,
        forms(ELU(0.7), lambda x: x if x > 0 else 0.7 * (math.exp(x) - 1), slope=lambda x, y: 1.0 if y > 0 else y + 0.7),
    ),
    "SELU": (
        ACTIVATION,
        Elsewhere("activations", "selu_keeps_mean_zero_and_variance_one"),
        forms(
            SELU(),
            lambda x: L * x if x > 0 else L * A * (math.exp(x) - 1),
            slope=lambda x, y: L if y > 0 else y + L * A,
        ),
    ),
    "Softplus": (
        ACTIVATION,
        forms(
            Softplus(),
            lambda x: math.log(1 + math.exp(x)),
            lambda x: max(x, 0) + math.log(1 + math.exp(-abs(x))),
            slope=lambda x, y: 1 - math.exp(-y),
        ),
    ),
    "GELU": (GATE, TANH_GELU),
    "SiLU": (GATE,),
    "Mish": (GATE, forms(Mish(), lambda x: x * math.tanh(math.log(1 + math.exp(x))), tanh_of_softplus, slope=mish_slope)),
    "Softmax": (Elsewhere("softmax", "the_equations_as_written"),),
    "Dropout": (dropout,),
    "BatchNorm": (Elsewhere("normalization", "batch_norm_equations_as_written"), batch_norm_in_prediction),
    "LayerNorm": (Elsewhere("normalization", "layer_norm_equations_as_written"),),
    "Flatten": (changed_shape(Flatten(), (12,)),),
    "Reshape": (changed_shape(Reshape((2, 6)), (2, 6)),),
    "Scale": (Elsewhere("reshape", "scale_equations_as_written"),),
    "Parallel": (parallel,),
    "Average": (average,),
    "Rescaling": (Elsewhere("reshape", "rescaling_equations_as_written"),),
    "Sequential": (chain_rule,),
    "RealMLP": (
        Elsewhere("realmlp", "it_is_the_neural_tangent_parametrization"),
        Elsewhere("realmlp", "pytabkit_learns_the_same"),
        Elsewhere("realmlp", "the_published_settings"),
    ),
    "erf": (error_function,),
}


@pytest.mark.parametrize(("name", "check"), transcribed(WRITTEN), ids=lambda part: part if isinstance(part, str) else "")
def test_the_equation(name, check):
    check()
