"""Gates and the error function: literal equations and dense grids. (Jacobians and PyTorch's numbers: test_activations.)"""

import math

import numpy as np
import pytest

from scratchwork.errors import ConfigurationError
from scratchwork.layers import GELU, Mish, SiLU
from scratchwork.layers.special import erf

GRID = np.linspace(-9, 9, 3601)


def sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def gelu_slope(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2)) + x * math.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def tanh_gelu(x: float) -> float:
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def tanh_gelu_slope(x: float) -> float:
    t = math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)


def mish_slope(x: float) -> float:
    t = math.tanh(math.log1p(math.exp(x)))
    return t + x * (1 - t**2) * sigma(x)


EQUATIONS = [
    (GELU(), lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2))), gelu_slope),
    (GELU(approximate="tanh"), tanh_gelu, tanh_gelu_slope),
    (SiLU(), lambda x: x * sigma(x), lambda x: sigma(x) + x * sigma(x) * (1 - sigma(x))),
    (Mish(), lambda x: x * math.tanh(math.log1p(math.exp(x))), mish_slope),
]


@pytest.mark.parametrize(("layer", "f", "slope"), EQUATIONS, ids=[repr(row[0]) for row in EQUATIONS])
def test_the_equations_as_written(layer, f, slope):
    dy = np.random.default_rng(0).normal(size=GRID.shape)
    y, cache = layer.forward(GRID)
    np.testing.assert_allclose(y, [f(x) for x in GRID], rtol=1e-14, atol=2e-15)
    expected = np.array([slope(x) for x in GRID])
    np.testing.assert_allclose(layer.backward(dy, cache), dy * expected, rtol=1e-13, atol=2e-14)
    single, cache = layer.forward(GRID.astype(np.float32))
    np.testing.assert_allclose(single, y, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(layer.backward(dy.astype(np.float32), cache), dy * expected, rtol=1e-6, atol=5e-6)


def test_erf_on_a_dense_grid():
    x = np.concatenate([np.linspace(-7, 7, 100_001), 15 / 32 * (1 + np.linspace(-1e-14, 1e-14, 21))])
    truth = np.array([math.erf(v) for v in x])
    assert np.abs(erf(x) - truth).max() < 1e-15
    single = x.astype(np.float32)
    assert erf(single).dtype == np.float32
    assert np.abs(erf(single) - np.array([math.erf(v) for v in single])).max() < 3e-7


def test_erf_keeps_its_digits_near_zero():
    x = np.geomspace(1e-300, 1.0, 2001)
    np.testing.assert_allclose(erf(x), [math.erf(v) for v in x], rtol=1e-15)
    np.testing.assert_array_equal(erf(-x), -erf(x))


def test_erf_at_the_ends():
    np.testing.assert_array_equal(erf(np.array([np.inf, -np.inf, np.nan, 1e300, -1e300, 6.0])), [1, -1, np.nan, 1, -1, 1])
    assert np.signbit(erf(np.array(-0.0)))
    assert erf(np.array([[0.5], [1.0]])).shape == (2, 1)


def test_the_tanh_form_is_near_the_definition():
    exact, near = GELU().forward(GRID)[0], GELU(approximate="tanh").forward(GRID)[0]
    assert 1e-4 < np.abs(exact - near).max() < 5e-4


def test_hyper_parameters():
    assert GELU().config() == {"approximate": "none"}
    assert repr(GELU(approximate="tanh")) == "GELU(approximate='tanh')"
    for wrong in ("erf", True, None, 1):
        with pytest.raises(ConfigurationError, match="approximate"):
            GELU(approximate=wrong)
