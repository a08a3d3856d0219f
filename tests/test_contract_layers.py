"""What every layer promises, whatever it computes."""

import numpy as np
import pytest

import scratchwork as sw
from cases import LAYER_CASES
from scratchwork.storage.configs import decode, encode, known_classes

layers = pytest.mark.parametrize("case", LAYER_CASES, ids=lambda case: case.name)
modes = pytest.mark.parametrize("training", [True, False], ids=["training", "prediction"])
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def run(layer, x, dy_seed=5, *, training=True, step=1, need_dx=True):
    """(y, dx, gradients) of one forward and backward with a random cotangent."""
    y, cache = layer.forward(x, training=training, step=step)
    dy = np.random.default_rng(dy_seed).normal(size=y.shape).astype(y.dtype)
    dx = layer.backward(dy, cache, need_dx=need_dx)
    return y, dx, {name: parameter.grad.copy() for name, parameter in layer.parameters()}


@layers
def test_build_tells_the_shape_that_forward_gives(case):
    layer = case.make()
    shape = layer.build(case.in_shape, np.random.default_rng(0), np.float64)
    assert shape == (case.out_shape or case.in_shape)
    for n in (1, 5):
        y, dx, _ = run(layer, case.rows(n))
        assert y.shape == (n, *shape)
        assert dx.shape == (n, *case.in_shape)


@layers
@modes
@dtypes
def test_the_dtype_is_kept(case, training, dtype):
    layer = case.built(dtype)
    y, dx, grads = run(layer, case.rows(3, dtype), training=training)
    assert y.dtype == dx.dtype == dtype
    assert all(grad.dtype == dtype for grad in grads.values())


@layers
@modes
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool])
def test_whole_numbers_are_taken_as_what_they_are(case, training, dtype):
    x = np.ceil(np.abs(case.rows(3))).astype(dtype)
    expected, expected_cache = case.built().forward(x.astype(np.float64), training=training, step=1)
    layer = case.built()
    y, cache = layer.forward(x, training=training, step=1)
    np.testing.assert_array_equal(y, expected)
    dy = np.random.default_rng(5).normal(size=y.shape)
    np.testing.assert_array_equal(layer.backward(dy, cache), case.built().backward(dy, expected_cache))


@layers
@modes
def test_arguments_are_not_written_to(case, training):
    layer = case.built()
    x = case.rows(4)
    kept = x.copy()
    y, cache = layer.forward(x, training=training, step=1)
    dy = np.random.default_rng(0).normal(size=y.shape)
    dy_kept, y_kept = dy.copy(), y.copy()
    layer.backward(dy, cache)
    assert np.array_equal(x, kept)
    assert np.array_equal(dy, dy_kept)
    assert np.array_equal(y, y_kept)


@layers
@modes
def test_two_forwards_may_interleave(case, training):
    first, second = case.rows(4, seed=1), case.rows(4, seed=2)
    expected = run(case.built(), first, training=training)
    layer = case.built()
    y, cache = layer.forward(first, training=training, step=1)
    layer.forward(second, training=training, step=2)
    dy = np.random.default_rng(5).normal(size=y.shape)
    dx = layer.backward(dy, cache)
    assert np.array_equal(dx, expected[1])
    for name, parameter in layer.parameters():
        assert np.array_equal(parameter.grad, expected[2][name])


@layers
@modes
def test_gradients_do_not_depend_on_whether_dx_is_needed(case, training):
    _, dx, with_dx = run(case.built(), case.rows(4), training=training)
    _, none, without = run(case.built(), case.rows(4), training=training, need_dx=False)
    assert dx is not None
    assert none is None
    assert with_dx.keys() == without.keys()
    assert all(np.array_equal(with_dx[name], without[name]) for name in with_dx)


@layers
def test_backward_overwrites_gradients(case):
    layer = case.built()
    for _, parameter in layer.parameters():
        parameter.grad[...] = np.nan
    _, _, grads = run(layer, case.rows(4))
    assert all(np.isfinite(grad).all() for grad in grads.values())


@layers
@modes
def test_backward_is_linear_in_the_cotangent(case, training):
    layer = case.built()
    y, cache = layer.forward(case.rows(4), training=training, step=1)
    a, b = np.random.default_rng(0).normal(size=(2, *y.shape))
    separate = 2 * layer.backward(a, cache) - 3 * layer.backward(b, cache)
    np.testing.assert_allclose(layer.backward(2 * a - 3 * b, cache), separate, rtol=1e-9, atol=1e-11)


@layers
def test_rows_do_not_touch_each_other_in_prediction(case):
    layer = case.built()
    x = case.rows(5)
    whole, _ = layer.forward(x)
    for i in range(5):
        np.testing.assert_allclose(layer.forward(x[i : i + 1])[0][0], whole[i], rtol=1e-12, atol=1e-15)


@layers
@modes
def test_strides_do_not_matter(case, training):
    x = case.rows(6)
    wide = np.repeat(x, 2, axis=-1)[..., ::2]
    backwards = np.ascontiguousarray(x[::-1])[::-1]
    turned = np.asfortranarray(x)
    expected = run(case.built(), x, training=training)
    for view in (wide, backwards, turned):
        y, dx, _ = run(case.built(), view, training=training)
        np.testing.assert_allclose(y, expected[0], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(dx, expected[1], rtol=1e-12, atol=1e-14)


@layers
@modes
@pytest.mark.parametrize("rows", [1, 6])
def test_the_gradient_is_right(case, training, rows):
    layer = case.built()
    report = sw.check_gradients(layer, x=case.rows(rows), training=training)
    assert report.ok, str(report)
    assert all(row.checks > 0 for row in report.rows)


@layers
def test_config_makes_the_same_layer_again(case):
    layer = case.make()
    again = decode(encode(layer), known_classes())
    assert type(again) is type(layer)
    assert repr(again) == repr(layer)
    assert encode(again) == encode(layer)


@layers
def test_the_step_decides_the_draw(case):
    layer = case.built()
    x = case.rows(50)
    once, twice = (layer.forward(x, training=True, step=7)[0] for _ in range(2))
    assert np.array_equal(once, twice)


@layers
def test_saved_and_loaded_it_predicts_the_same(case, tmp_path):
    network = sw.Sequential([case.make()])
    network.build(case.in_shape, 4, np.float64)
    x = case.rows(6)
    network.forward(x, training=True, step=1)  # running statistics move
    sw.save(network, tmp_path / "network.safetensors")
    again = sw.load(tmp_path / "network.safetensors")
    assert np.array_equal(again.predict(x), network.predict(x))
    assert np.array_equal(again.forward(x, training=True, step=3)[0], network.forward(x, training=True, step=3)[0])


def test_every_layer_has_a_case():
    missing = set(sw.layers.LAYERS.values()) - {type(case.make()) for case in LAYER_CASES}
    assert not missing
