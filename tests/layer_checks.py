"""What the tests of the layers share: a full Jacobian by differences, the rules of every layer, PyTorch's golden vectors.

Written without `scratchwork.check_gradients` on purpose: two checkers that do not know of each other.
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from scratchwork.arrays import Array
from scratchwork.layers import Layer

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "layers.json").read_text())


def built(layer: Layer, x: Array) -> Layer:
    """A copy of the layer, built for the rows of `x` in its dtype; gains and offsets moved off their neutral start."""
    layer, rng = copy.deepcopy(layer), np.random.default_rng(3)
    out_shape = layer.build(x.shape[1:], rng, x.dtype)
    assert layer.forward(x)[0].shape == (len(x), *out_shape)
    for _, parameter in layer.parameters():
        parameter.value += rng.normal(size=parameter.value.shape).astype(x.dtype)
    return layer


def jacobian(function: Callable[[], Array], argument: Array, h: float = 1e-5) -> Array:
    """∂function/∂argument by central differences, changing `argument` in place: shape (outputs, inputs), float64."""
    columns = []
    for index in np.ndindex(argument.shape):
        start = argument[index]
        argument[index] = start + h
        above = function().copy()
        argument[index] = start - h
        below = function().copy()
        argument[index] = start
        columns.append(((above - below) / (2 * h)).reshape(-1))
    return np.stack(columns, axis=1)


def assert_right_backward(layer: Layer, x: Array, *, training: bool = False, tolerance: float = 2e-9) -> None:
    """`backward` equals uᵀJ for random cotangents u, with J the full Jacobian of `forward` by x and by each parameter."""
    rng = np.random.default_rng(4)
    x = np.array(x, np.float64)

    def forward() -> Array:
        return layer.forward(x, training=training, step=1)[0]

    y, cache = layer.forward(x, training=training, step=1)
    by_x = jacobian(forward, x)
    by_parameter = {name: jacobian(forward, parameter.value) for name, parameter in layer.parameters()}
    for _ in range(3):
        u = rng.normal(size=y.shape)
        for _, parameter in layer.parameters():
            parameter.grad[...] = np.nan  # a backward that adds, or forgets, is found out
        dx = layer.backward(u, cache)
        assert dx is not None
        assert dx.shape == x.shape
        np.testing.assert_allclose(dx.reshape(-1), u.reshape(-1) @ by_x, rtol=tolerance, atol=tolerance)
        for name, parameter in layer.parameters():
            expected = u.reshape(-1) @ by_parameter[name]
            np.testing.assert_allclose(parameter.grad.reshape(-1), expected, rtol=tolerance, atol=tolerance, err_msg=name)


def assert_keeps_the_rules(layer: Layer, x: Array, *, training: bool = False) -> None:
    """Shape and dtype as promised, nothing written to, interleaved forwards, `need_dx=False`, strange memory layouts."""
    rng = np.random.default_rng(5)
    for dtype in (np.float32, np.float64):
        values = x.astype(dtype)
        fresh = built(layer, values)
        before = values.copy()
        y, cache = fresh.forward(values, training=training, step=1)
        assert y.dtype == dtype
        dy = rng.normal(size=y.shape).astype(dtype)
        dy_before = dy.copy()
        dx = fresh.backward(dy, cache)
        assert dx is not None
        assert dx.shape == values.shape
        assert dx.dtype == dtype
        np.testing.assert_array_equal(values, before)
        np.testing.assert_array_equal(dy, dy_before)
        grads = {name: parameter.grad.copy() for name, parameter in fresh.parameters()}
        for _, parameter in fresh.parameters():
            assert parameter.grad.dtype == parameter.value.dtype == dtype
            parameter.grad[...] = np.nan
        for _, buffer in fresh.buffers():
            assert buffer.dtype in (dtype, np.uint64)

        fresh.forward(values * 2 + 1, training=training, step=2)  # another forward in between changes nothing
        assert fresh.backward(dy, cache, need_dx=False) is None
        for name, parameter in fresh.parameters():
            np.testing.assert_array_equal(parameter.grad, grads[name])
        np.testing.assert_array_equal(fresh.backward(dy, cache), dx)

        # every second number of a larger array, and transposed storage: the same numbers
        wide = np.zeros((*values.shape[:-1], 2 * values.shape[-1]), dtype)
        wide[..., ::2] = values
        tolerance = 1e-5 if dtype == np.float32 else 1e-13
        for layout in (wide[..., ::2], np.asfortranarray(values)):
            again = built(layer, values)
            y_again, cache_again = again.forward(layout, training=training, step=1)
            np.testing.assert_allclose(y_again, y, rtol=tolerance, atol=tolerance)
            dx_again = again.backward(np.asfortranarray(dy), cache_again)
            np.testing.assert_allclose(dx_again, dx, rtol=tolerance, atol=tolerance)
    one = built(layer, x[:1])
    y, cache = one.forward(x[:1], training=training, step=1)
    assert np.isfinite(y).all()
    assert np.isfinite(np.asarray(one.backward(np.ones_like(y), cache))).all()
