"""BatchNorm and LayerNorm: literal equations, full Jacobians, PyTorch's numbers, running statistics, one row."""

import math

import numpy as np
import pytest

from layer_checks import GOLDEN, assert_keeps_the_rules, assert_right_backward, built
from scratchwork.errors import ConfigurationError, NotBuiltError, ShapeError
from scratchwork.layers import BatchNorm, LayerNorm

RNG = np.random.default_rng(0)
FLAT, DEEP = RNG.normal(size=(5, 3)) + 2, RNG.normal(size=(2, 3, 2)) * 3


def with_gain(layer, golden, shape):
    layer.build(shape[1:], np.random.default_rng(0), np.float64)
    layer.gamma.value[...], layer.beta.value[...] = golden["gamma"], golden["beta"]
    return layer


def assert_as_golden(layer, golden, *, training):
    y, cache = layer.forward(np.array(golden["x"]), training=training)
    np.testing.assert_allclose(y, golden["y"], rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(layer.backward(np.array(golden["dy"]), cache), golden["dx"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(layer.gamma.grad, golden["dgamma"], rtol=1e-11)
    np.testing.assert_allclose(layer.beta.grad, golden["dbeta"], rtol=1e-12)


def test_batch_norm_equations_as_written():
    layer, x = built(BatchNorm(eps=1e-3), FLAT), FLAT
    rng = np.random.default_rng(1)
    dy = rng.normal(size=x.shape)
    y, cache = layer.forward(x, training=True)
    dx = layer.backward(dy, cache)
    m = len(x)
    for d in range(3):
        column, grads = x[:, d].tolist(), dy[:, d].tolist()
        gamma, beta = float(layer.gamma.value[d]), float(layer.beta.value[d])
        mean = sum(column) / m
        var = sum((v - mean) ** 2 for v in column) / m
        x_hat = [(v - mean) / math.sqrt(var + 1e-3) for v in column]
        d_beta, d_gamma = sum(grads), sum(g * h for g, h in zip(grads, x_hat, strict=True))
        np.testing.assert_allclose(y[:, d], [gamma * h + beta for h in x_hat], rtol=1e-12)
        np.testing.assert_allclose([layer.beta.grad[d], layer.gamma.grad[d]], [d_beta, d_gamma], rtol=1e-12)
        expected = [
            gamma / math.sqrt(var + 1e-3) * (g - d_beta / m - h * d_gamma / m) for g, h in zip(grads, x_hat, strict=True)
        ]
        np.testing.assert_allclose(dx[:, d], expected, rtol=1e-11)
        np.testing.assert_allclose(layer.running_mean[d], 0.9 * 0 + 0.1 * mean, rtol=1e-12)
        np.testing.assert_allclose(layer.running_var[d], 0.9 * 1 + 0.1 * var * m / (m - 1), rtol=1e-12)


def test_layer_norm_equations_as_written():
    layer, x = built(LayerNorm(eps=1e-3), FLAT), FLAT
    dy = np.random.default_rng(1).normal(size=x.shape)
    y, cache = layer.forward(x)
    dx = layer.backward(dy, cache)
    gamma, beta = layer.gamma.value, layer.beta.value
    all_x_hat = []
    for n in range(len(x)):
        mean = sum(x[n]) / 3
        var = sum((v - mean) ** 2 for v in x[n]) / 3
        x_hat = [(v - mean) / math.sqrt(var + 1e-3) for v in x[n]]
        all_x_hat.append(x_hat)
        g = [gamma[i] * dy[n, i] for i in range(3)]
        mean_g, mean_gx = sum(g) / 3, sum(g[i] * x_hat[i] for i in range(3)) / 3
        np.testing.assert_allclose(y[n], [gamma[i] * x_hat[i] + beta[i] for i in range(3)], rtol=1e-12)
        expected = [(g[i] - mean_g - x_hat[i] * mean_gx) / math.sqrt(var + 1e-3) for i in range(3)]
        np.testing.assert_allclose(dx[n], expected, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(layer.beta.grad, dy.sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(layer.gamma.grad, (dy * np.array(all_x_hat)).sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize("x", [FLAT, DEEP, np.array([[1.0, -2.0], [3.0, 0.5]])], ids=["flat", "deep", "two rows"])
def test_the_full_jacobians(x):
    assert_right_backward(built(BatchNorm(), x), x, training=True, tolerance=2e-8)
    predicting = built(BatchNorm(), x)
    for _ in range(3):
        predicting.forward(x, training=True)
    assert_right_backward(predicting, x, training=False)
    assert_right_backward(built(LayerNorm(), x), x, tolerance=2e-8)


@pytest.mark.parametrize("x", [FLAT, DEEP, FLAT[:, :1]], ids=["flat", "deep", "one feature"])
@pytest.mark.parametrize("training", [False, True])
def test_the_rules_of_every_layer(x, training):
    assert_keeps_the_rules(BatchNorm(), x, training=training)
    assert_keeps_the_rules(LayerNorm(), x, training=training)


@pytest.mark.parametrize("golden", GOLDEN["BatchNorm"], ids=["flat", "deep"])
def test_batch_norm_as_in_pytorch(golden):
    layer = with_gain(BatchNorm(momentum=0.9, eps=1e-5), golden, np.shape(golden["prediction"]["x"]))
    for batch in golden["training"]:
        assert_as_golden(layer, batch, training=True)
        np.testing.assert_allclose(layer.running_mean, batch["running_mean"], rtol=1e-12)
        np.testing.assert_allclose(layer.running_var, batch["running_var"], rtol=1e-12)
    assert_as_golden(layer, golden["prediction"], training=False)


@pytest.mark.parametrize("golden", GOLDEN["LayerNorm"], ids=["flat", "deep"])
def test_layer_norm_as_in_pytorch(golden):
    assert_as_golden(with_gain(LayerNorm(eps=1e-5), golden, np.shape(golden["x"])), golden, training=False)


def test_prediction_leaves_the_running_statistics_alone_and_treats_rows_alone():
    layer = built(BatchNorm(), FLAT)
    layer.forward(FLAT, training=True)
    mean, var = layer.running_mean.copy(), layer.running_var.copy()
    together = layer.forward(FLAT)[0]
    np.testing.assert_array_equal(together[2:3], layer.forward(FLAT[2:3])[0])
    np.testing.assert_array_equal([layer.running_mean, layer.running_var], [mean, var])


def test_running_statistics_approach_those_of_the_data():
    rng = np.random.default_rng(3)
    layer = built(BatchNorm(), FLAT)
    for _ in range(500):
        layer.forward(rng.normal(loc=[1, -2, 30], scale=[1, 0.1, 5], size=(64, 3)), training=True)
    np.testing.assert_allclose(layer.running_mean, [1, -2, 30], rtol=0.1)
    np.testing.assert_allclose(layer.running_var, [1, 0.01, 25], rtol=0.2)


def test_a_prediction_backward_is_not_disturbed_by_later_training():
    layer = built(BatchNorm(), FLAT)
    _, cache = layer.forward(FLAT)
    before = layer.backward(FLAT, cache)
    grads = layer.gamma.grad.copy()
    layer.forward(FLAT * 7, training=True)
    np.testing.assert_array_equal(layer.backward(FLAT, cache), before)
    np.testing.assert_array_equal(layer.gamma.grad, grads)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_batch_of_one_row(dtype):
    x = np.array([[5.0, -3.0, 0.0]], dtype)
    layer = built(BatchNorm(), x)
    y, cache = layer.forward(x, training=True)
    np.testing.assert_array_equal(y, layer.beta.value[None])
    np.testing.assert_array_equal(layer.backward(np.ones_like(x), cache), np.zeros_like(x))
    np.testing.assert_array_equal(layer.beta.grad, np.ones(3))
    np.testing.assert_array_equal(layer.gamma.grad, np.zeros(3))
    np.testing.assert_allclose(layer.running_mean, 0.1 * x[0], rtol=1e-6)
    np.testing.assert_array_equal(layer.running_var, np.ones(3))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [BatchNorm, LayerNorm])
def test_constant_features_and_large_means(kind, dtype):
    constant = np.full((4, 3), 1e4, dtype)
    layer = built(kind(), constant)
    y, cache = layer.forward(constant, training=True)
    np.testing.assert_allclose(y, np.broadcast_to(layer.beta.value, y.shape), atol=1e-6)
    assert np.isfinite(layer.backward(constant, cache)).all()
    offset = np.random.default_rng(5).normal(size=(256, 64))
    far = (1e4 + offset).astype(dtype)  # E[x²] − E[x]² would have no correct digit in float32
    axis = 0 if kind is BatchNorm else 1
    layer = kind()
    layer.build((64,), np.random.default_rng(0), dtype)
    y, _ = layer.forward(far, training=True)
    assert np.abs(y.mean(axis=axis, dtype=np.float64)).max() < 2e-3
    np.testing.assert_allclose(y.std(axis=axis, dtype=np.float64), 1.0, atol=1e-4)


def test_what_is_trained_and_what_is_saved():
    for layer in (BatchNorm(), LayerNorm()):
        assert list(layer.parameters()) == []
        assert list(layer.buffers()) == []
        assert layer.build((4, 3), np.random.default_rng(0), np.float32) == (4, 3)
        assert [(name, p.value.tolist(), p.decay) for name, p in layer.parameters()] == [
            ("gamma", [1, 1, 1], False),
            ("beta", [0, 0, 0], False),
        ]
    layer = BatchNorm()
    layer.build((2,), np.random.default_rng(0), np.float32)
    assert [(name, value.tolist()) for name, value in layer.buffers()] == [("running_mean", [0, 0]), ("running_var", [1, 1])]
    for _, buffer in layer.buffers():
        buffer[...] = 4.0  # as when a model is loaded
    np.testing.assert_allclose(layer.forward(np.array([[8.0, 4.0]], np.float32))[0], [[2.0, 0.0]], rtol=1e-5)


def test_errors():
    for kind in (BatchNorm, LayerNorm):
        with pytest.raises(NotBuiltError, match="build"):
            kind().forward(FLAT)
        with pytest.raises(ShapeError, match=r"expected x of shape \(N, ..., 3\), received \(5, 2\)"):
            built(kind(), FLAT).forward(FLAT[:, :2])
        with pytest.raises(ShapeError, match="received"):
            built(kind(), FLAT).forward(FLAT[0])
        with pytest.raises(ShapeError, match="at least one axis"):
            kind().build((), np.random.default_rng(0), np.float32)
        for wrong in (0, -1e-5, math.nan, math.inf, "small", None, True):
            with pytest.raises(ConfigurationError, match="eps"):
                kind(eps=wrong)
    for wrong in (-0.1, 1, 1.1, math.nan, "0.9", None, False):
        with pytest.raises(ConfigurationError, match="momentum"):
            BatchNorm(momentum=wrong)
    assert BatchNorm(momentum=0, eps=1e-3).config() == {"momentum": 0.0, "eps": 1e-3}
    assert repr(BatchNorm(momentum=0.99)) == "BatchNorm(momentum=0.99)"
    assert repr(LayerNorm()) == "LayerNorm()"
