"""Flatten, Reshape and Scale."""

import numpy as np
import pytest

from layer_checks import assert_keeps_the_rules, assert_right_backward, built
from scratchwork.errors import ConfigurationError, NotBuiltError, ShapeError
from scratchwork.layers import LAYERS, Flatten, Layer, Rescaling, Reshape, Scale

X = np.arange(2 * 3 * 4, dtype=np.float64).reshape(2, 3, 4) / 7


def test_flatten_keeps_the_order():
    y, cache = Flatten().forward(X)
    assert y.tolist() == [[X[n, i, j] for i in range(3) for j in range(4)] for n in range(2)]
    np.testing.assert_array_equal(Flatten().backward(y, cache), X)


@pytest.mark.parametrize(("in_shape", "out_shape"), [((3, 4), (12,)), ((5,), (5,)), ((), (1,)), ((2, 3, 4), (24,))])
def test_flatten_builds_and_gives_the_same_shape(in_shape, out_shape):
    layer = Flatten()
    assert layer.build(in_shape, np.random.default_rng(0), np.float32) == out_shape
    for rows in (0, 1, 3):
        assert layer.forward(np.zeros((rows, *in_shape)))[0].shape == (rows, *out_shape)


@pytest.mark.parametrize(
    ("shape", "in_shape", "out_shape"),
    [
        ((4, 3), (12,), (4, 3)),
        ((-1, 3), (12,), (4, 3)),
        (12, (3, 4), (12,)),
        (-1, (3, 4), (12,)),
        ([2, -1, 2], (12,), (2, 3, 2)),
    ],
)
def test_reshape_builds_and_gives_the_same_shape(shape, in_shape, out_shape):
    layer = Reshape(shape)
    assert layer.build(in_shape, np.random.default_rng(0), np.float32) == out_shape
    for rows in (0, 1, 3):
        assert layer.forward(np.zeros((rows, *in_shape)))[0].shape == (rows, *out_shape)


def test_reshape_keeps_the_order():
    y, cache = Reshape((2, 6)).forward(X)
    np.testing.assert_array_equal(y.reshape(-1), X.reshape(-1))
    np.testing.assert_array_equal(Reshape((2, 6)).backward(y, cache), X)


def test_reshape_that_does_not_fit():
    for shape in ((5, 2), (-1, 5), (24,)):
        with pytest.raises(ShapeError, match="12 numbers"):
            Reshape(shape).build((3, 4), np.random.default_rng(0), np.float32)


def test_reshape_settings():
    assert Reshape([np.int64(2), -1]).config() == {"shape": (2, -1)}
    assert Reshape(np.array([2, 3])).shape == (2, 3)
    assert repr(Reshape((28, 28))) == "Reshape((28, 28))"
    for wrong in ((-1, -1), (0, 3), (-2,), (2.5,), "28", None, (True,), 0, {2, 3}):
        with pytest.raises(ConfigurationError, match="Reshape"):
            Reshape(wrong)


def test_scale_equations_as_written():
    layer = built(Scale(), X)
    s = layer.gamma.value
    dy = np.random.default_rng(0).normal(size=X.shape)
    y, cache = layer.forward(X)
    dx = layer.backward(dy, cache)
    for n, i, j in np.ndindex(X.shape):
        assert y[n, i, j] == X[n, i, j] * s[j]
        assert dx[n, i, j] == dy[n, i, j] * s[j]
    expected = [sum(dy[n, i, j] * X[n, i, j] for n in range(2) for i in range(3)) for j in range(4)]
    np.testing.assert_allclose(layer.gamma.grad, expected, rtol=1e-12)


def test_rescaling_equations_as_written():
    layer = built(Rescaling(0.5, 3.0), X)
    dy = np.random.default_rng(0).normal(size=X.shape)
    y, cache = layer.forward(X)
    dx = layer.backward(dy, cache)
    for n, i, j in np.ndindex(X.shape):
        assert y[n, i, j] == 0.5 * X[n, i, j] + 3.0
        assert dx[n, i, j] == 0.5 * dy[n, i, j]


def test_rescaling_needs_numbers():
    for factor, offset in ((float("nan"), 0.0), (1.0, float("inf")), ("1", 0.0)):
        with pytest.raises(ConfigurationError, match="Rescaling needs"):
            Rescaling(factor, offset)


def test_scale_starts_as_the_identity_and_does_not_decay():
    layer = Scale()
    assert layer.build((3, 4), np.random.default_rng(0), np.float32) == (3, 4)
    [(name, parameter)] = layer.parameters()
    assert (name, parameter.value.tolist(), parameter.decay) == ("gamma", [1, 1, 1, 1], False)
    np.testing.assert_array_equal(layer.forward(X)[0], X)


def test_scale_errors():
    with pytest.raises(NotBuiltError, match="build"):
        Scale().forward(X)
    with pytest.raises(ShapeError, match=r"expected x of shape \(N, ..., 4\), received \(2, 3, 3\)"):
        built(Scale(), X).forward(X[..., :3])
    with pytest.raises(ShapeError, match="at least one axis"):
        Scale().build((), np.random.default_rng(0), np.float32)


@pytest.mark.parametrize("layer", [Flatten(), Reshape((4, 3)), Reshape((2, -1)), Scale()], ids=repr)
def test_the_full_jacobian_and_the_rules_of_every_layer(layer):
    assert_keeps_the_rules(layer, X)
    assert_right_backward(built(layer, X), X)


def test_the_table_of_layers():
    assert all(name == layer.__name__ and issubclass(layer, Layer) for name, layer in LAYERS.items())
    below = {Layer}
    while more := {child for parent in below for child in parent.__subclasses__()} - below:
        below |= more
    concrete = {kind for kind in below if kind.__module__.startswith("scratchwork.layers") and not kind.__abstractmethods__}
    assert concrete == set(LAYERS.values())
