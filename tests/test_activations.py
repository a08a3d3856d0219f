"""Activations: literal equations, full Jacobians, PyTorch's numbers, extreme inputs, kinks."""

import math

import numpy as np
import pytest

from layer_checks import GOLDEN, assert_keeps_the_rules, assert_right_backward
from scratchwork.errors import ConfigurationError
from scratchwork.layers import ELU, GELU, SELU, LeakyReLU, Linear, Mish, ReLU, Sigmoid, SiLU, Softplus, Step, Tanh
from scratchwork.layers.activations import Activation
from scratchwork.layers.special import sigmoid

SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717

# layer, f and f′ of one number, written from the docstrings in plain Python
EQUATIONS = [
    (Linear(), lambda x: x, lambda x: 1.0),
    (Step(), lambda x: 1.0 if x > 0 else 0.0, lambda x: 0.0),
    (Sigmoid(), lambda x: 1 / (1 + math.exp(-x)), lambda x: math.exp(-x) / (1 + math.exp(-x)) ** 2),
    (Tanh(), lambda x: (math.exp(x) - math.exp(-x)) / (math.exp(x) + math.exp(-x)), lambda x: 1 / math.cosh(x) ** 2),
    (ReLU(), lambda x: max(x, 0.0), lambda x: 1.0 if x > 0 else 0.0),
    (LeakyReLU(), lambda x: x if x > 0 else 0.01 * x, lambda x: 1.0 if x > 0 else 0.01),
    (LeakyReLU(0.25), lambda x: x if x > 0 else 0.25 * x, lambda x: 1.0 if x > 0 else 0.25),
    (LeakyReLU(0), lambda x: max(x, 0.0), lambda x: 1.0 if x > 0 else 0.0),
    (ELU(), lambda x: x if x > 0 else math.exp(x) - 1, lambda x: 1.0 if x > 0 else math.exp(x)),
    (ELU(0.7), lambda x: x if x > 0 else 0.7 * (math.exp(x) - 1), lambda x: 1.0 if x > 0 else 0.7 * math.exp(x)),
    (
        SELU(),
        lambda x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * (math.exp(x) - 1)),
        lambda x: SELU_SCALE * (1.0 if x > 0 else SELU_ALPHA * math.exp(x)),
    ),
    (Softplus(), lambda x: math.log(1 + math.exp(x)), lambda x: 1 / (1 + math.exp(-x))),
]
IDS = [repr(layer) for layer, _, _ in EQUATIONS]
GRID = np.array([[-12.0, -3.3, -1.0, -0.5, -1e-3, 0.0], [-0.0, 1e-3, 0.5, 1.0, 2.7, 12.0]])
ALL = [layer for layer, _, _ in EQUATIONS] + [GELU(), GELU(approximate="tanh"), SiLU(), Mish()]


@pytest.mark.parametrize(("layer", "f", "slope"), EQUATIONS, ids=IDS)
def test_the_equations_as_written(layer, f, slope):
    y, cache = layer.forward(GRID)
    dy = np.random.default_rng(0).normal(size=GRID.shape)
    dx = layer.backward(dy, cache)
    np.testing.assert_allclose(y, np.vectorize(f)(GRID), rtol=2e-13, atol=1e-15)
    np.testing.assert_allclose(dx, dy * np.vectorize(slope)(GRID), rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("layer", [layer for layer in ALL if not isinstance(layer, Step)], ids=repr)
def test_the_full_jacobian(layer):
    x = np.random.default_rng(1).normal(size=(2, 3))  # no number within 1e-5 of a kink
    assert np.abs(x).min() > 1e-2
    assert_right_backward(layer, x)


@pytest.mark.parametrize("layer", ALL, ids=repr)
@pytest.mark.parametrize("shape", [(4, 3), (1, 1), (3, 2, 4), (5,)])
def test_the_rules_of_every_layer(layer, shape):
    assert_keeps_the_rules(layer, np.random.default_rng(2).normal(size=shape))


@pytest.mark.parametrize("name", sorted(GOLDEN["elementwise"]))
def test_as_in_pytorch(name):
    constructors = {layer.__name__: layer for layer in (ELU, GELU, SELU, LeakyReLU, Mish, ReLU, Sigmoid, SiLU, Softplus, Tanh)}
    layers = {"LeakyReLU(0.3)": LeakyReLU(0.3), "ELU(0.7)": ELU(0.7), "GELU(approximate='tanh')": GELU(approximate="tanh")}
    layer = layers[name] if name in layers else constructors[name]()
    golden = {key: np.array(value) for key, value in GOLDEN["elementwise"][name].items()}
    y, cache = layer.forward(golden["x"])
    np.testing.assert_allclose(y, golden["y"], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(layer.backward(golden["dy"], cache), golden["dx"], rtol=1e-7, atol=1e-13)
    y, cache = layer.forward(golden["x"].astype(np.float32))
    np.testing.assert_allclose(y, golden["y"], rtol=1e-6, atol=2e-6)
    np.testing.assert_allclose(layer.backward(golden["dy"].astype(np.float32), cache), golden["dx"], rtol=1e-5, atol=5e-6)


# what is left of each at −1e4 and 1e4: (y, y′) left, (y, y′) right
EXTREMES = {
    "Sigmoid": ((0, 0), (1, 0)),
    "Tanh": ((-1, 0), (1, 0)),
    "ReLU": ((0, 0), (1e4, 1)),
    "LeakyReLU": ((-100, 0.01), (1e4, 1)),
    "ELU": ((-1, 0), (1e4, 1)),
    "SELU": ((-SELU_SCALE * SELU_ALPHA, 0), (SELU_SCALE * 1e4, SELU_SCALE)),
    "Softplus": ((0, 0), (1e4, 1)),
    "GELU": ((0, 0), (1e4, 1)),
    "SiLU": ((0, 0), (1e4, 1)),
    "Mish": ((0, 0), (1e4, 1)),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "layer",
    [Sigmoid(), Tanh(), ReLU(), LeakyReLU(), ELU(), SELU(), Softplus(), GELU(), GELU(approximate="tanh"), SiLU(), Mish()],
    ids=repr,
)
def test_extreme_inputs_neither_warn_nor_overflow(layer, dtype):
    (left, left_slope), (right, right_slope) = EXTREMES[type(layer).__name__]
    largest = float(np.finfo(dtype).max) * (0.9 if isinstance(layer, SELU) else 1.0)  # its slope is 1.05
    for size in (1e4, 1e15, largest):
        y, cache = layer.forward(np.array([[-size, size]], dtype))
        dx = layer.backward(np.ones((1, 2), dtype), cache)
        if size == 1e4:
            np.testing.assert_allclose(y, [[left, right]], rtol=1e-6, atol=1e-6)
        assert np.isfinite(y).all()
        np.testing.assert_allclose(dx, [[left_slope, right_slope]], rtol=1e-6, atol=2e-7)


@pytest.mark.parametrize("layer", ALL, ids=repr)
def test_nan_is_not_hidden(layer):
    y, _ = layer.forward(np.array([[np.nan, 1.0]]))
    assert np.isnan(y[0, 0])
    assert np.isfinite(y[0, 1])


def test_values_at_the_kinks():
    zero = np.array([[0.0, -0.0]])
    slopes = {"ReLU": 0.0, "LeakyReLU": 0.01, "ELU": 1.0, "SELU": SELU_SCALE * SELU_ALPHA, "Step": 0.0}
    for layer in (ReLU(), LeakyReLU(), ELU(), SELU(), Step()):
        y, cache = layer.forward(zero)
        np.testing.assert_array_equal(y, [[0.0, 0.0]])
        np.testing.assert_allclose(layer.backward(np.ones((1, 2)), cache), slopes[type(layer).__name__], rtol=1e-15)
    np.testing.assert_array_equal(ELU(0.3).backward(np.ones((1, 2)), ELU(0.3).forward(zero)[1]), 0.3)


def test_small_values_keep_their_digits():
    x = np.array([-30.0, -20.0, -10.0, -1e-9])
    np.testing.assert_allclose(sigmoid(x), [1 / (1 + math.exp(-v)) for v in x], rtol=1e-15)
    np.testing.assert_allclose(sigmoid(x.astype(np.float32)), [1 / (1 + math.exp(-v)) for v in x], rtol=3e-7)
    y, cache = Softplus().forward(x[None])
    np.testing.assert_allclose(y[0], [math.log1p(math.exp(v)) for v in x], rtol=1e-15)
    np.testing.assert_allclose(Softplus().backward(np.ones((1, 4)), cache)[0], [1 / (1 + math.exp(-v)) for v in x], rtol=1e-15)
    np.testing.assert_allclose(ELU().forward(x[None])[0][0], [math.expm1(v) for v in x], rtol=1e-15)


def test_selu_keeps_mean_zero_and_variance_one():
    # ∫ f(x) N(x) dx by the trapezoidal rule, which is exact to rounding for such functions away from the kink
    x = np.linspace(-12, 12, 240_001)
    density = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi) * (x[1] - x[0])
    y, _ = SELU().forward(x)
    assert abs((y * density).sum()) < 1e-8
    assert abs((y**2 * density).sum() - 1) < 1e-8


def test_the_cache_of_an_activation_is_its_output():
    x = np.random.default_rng(0).normal(size=(2, 3))
    for layer in (Sigmoid(), Tanh(), ReLU(), LeakyReLU(), ELU(), SELU(), Softplus()):
        y, cache = layer.forward(x)
        assert cache is y


def test_hyper_parameters():
    assert LeakyReLU().config() == {"negative_slope": 0.01}
    assert repr(LeakyReLU(0.2)) == "LeakyReLU(negative_slope=0.2)"
    assert repr(ELU()) == "ELU()"
    assert SELU().config() == ReLU().config() == {}
    for wrong in (-0.1, 1, 1.5, math.nan, math.inf, "0.1", None, True, [0.1]):
        with pytest.raises(ConfigurationError, match="negative_slope"):
            LeakyReLU(wrong)
    for wrong in (0, -1.0, math.nan, math.inf, "1", None, True):
        with pytest.raises(ConfigurationError, match="alpha"):
            ELU(wrong)


def test_activation_is_the_common_base():
    assert all(isinstance(layer, Activation) for layer in ALL)
    assert ReLU().build((3, 4), np.random.default_rng(0), np.float32) == (3, 4)
