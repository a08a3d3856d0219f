"""Softmax alone: the walkthrough's numbers, the whole Jacobian, PyTorch's numbers, scores of 10,000."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layer_checks import GOLDEN, assert_keeps_the_rules, assert_right_backward, jacobian
from scratchwork.errors import ShapeError
from scratchwork.layers import Softmax


def test_the_worked_example_of_the_walkthrough():
    y, _ = Softmax().forward(np.array([[1.3, 5.1, 2.2, 0.7, 1.1]]))
    assert y.round(2).tolist() == [[0.02, 0.90, 0.05, 0.01, 0.02]]
    assert abs(y.sum() - 1) < 1e-15


def test_the_equations_as_written():
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    y, cache = Softmax().forward(x)
    dx = Softmax().backward(dy, cache)
    for n in range(3):
        total = sum(math.exp(value) for value in x[n])
        p = [math.exp(value) / total for value in x[n]]
        full = [[p[i] * ((i == j) - p[j]) for j in range(4)] for i in range(4)]
        np.testing.assert_allclose(y[n], p, rtol=1e-14)
        np.testing.assert_allclose(dx[n], [sum(dy[n, i] * full[i][j] for i in range(4)) for j in range(4)], rtol=1e-13)


@pytest.mark.parametrize("shape", [(3, 4), (1, 3), (2, 1), (2, 2, 3), (4,)])
def test_the_full_jacobian(shape):
    assert_right_backward(Softmax(), np.random.default_rng(1).normal(size=shape))


def test_the_jacobian_is_no_diagonal_and_sees_one_row_only():
    layer, x = Softmax(), np.random.default_rng(2).normal(size=(2, 3))
    full = jacobian(lambda: layer.forward(x)[0], x)
    assert np.abs(full[:3, 3:]).max() == 0
    assert np.abs(full[:3, :3] - np.diag(np.diag(full[:3, :3]))).max() > 0.01


@pytest.mark.parametrize(
    "wrong",
    [
        lambda dy, y: np.zeros_like(dy),
        lambda dy, y: dy * y * (1 - y),
        lambda dy, y: y * (dy - (dy * y).sum()),
        lambda dy, y: 1.001 * y * (dy - (dy * y).sum(-1, keepdims=True)),
    ],
    ids=["zero", "diagonal", "summed over rows", "times 1.001"],
)
def test_the_check_rejects_a_wrong_backward(wrong):
    class Broken(Softmax):
        def backward(self, dy, cache, *, need_dx=True):
            return wrong(dy, cache)

    with pytest.raises(AssertionError):
        assert_right_backward(Broken(), np.random.default_rng(1).normal(size=(3, 4)))


@pytest.mark.parametrize("shape", [(4, 3), (1, 1), (3, 2, 4), (2, 100)])  # 100: the maximum of long rows
def test_the_rules_of_every_layer(shape):
    assert_keeps_the_rules(Softmax(), np.random.default_rng(2).normal(size=shape))


@pytest.mark.parametrize("golden", GOLDEN["Softmax"], ids=["2 axes", "3 axes"])
def test_as_in_pytorch(golden):
    y, cache = Softmax().forward(np.array(golden["x"]))
    np.testing.assert_allclose(y, golden["y"], rtol=1e-13)
    np.testing.assert_allclose(Softmax().backward(np.array(golden["dy"]), cache), golden["dx"], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_scores(dtype):
    x = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1e4, 1e4, -1e4]], dtype)
    y, cache = Softmax().forward(x)
    np.testing.assert_allclose(y, [[1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [0.5, 0.5, 0]], rtol=1e-6)
    assert np.isfinite(Softmax().backward(np.full_like(x, 1e4), cache)).all()


@pytest.mark.parametrize("columns", [10, 63, 64, 100])
def test_the_maximum_is_found_wherever_it_stands(columns):
    y, _ = Softmax().forward(1e4 * np.eye(columns))
    np.testing.assert_array_equal(y, np.eye(columns))


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=80), st.floats(-1e3, 1e3))
def test_probabilities_whatever_the_scores(scores, shift):
    x = np.array([scores])
    y, _ = Softmax().forward(x)
    assert (y >= 0).all()
    assert abs(y.sum() - 1) < 1e-12
    np.testing.assert_allclose(Softmax().forward(x + shift)[0], y, rtol=1e-9, atol=1e-11)


def test_one_bad_row_stays_alone():
    y, _ = Softmax().forward(np.array([[np.nan, 1.0], [0.0, 0.0]]))
    assert np.isnan(y[0]).all()
    np.testing.assert_array_equal(y[1], [0.5, 0.5])


def test_single_numbers_have_no_axis_to_sum_over():
    with pytest.raises(ShapeError, match="at least one axis"):
        Softmax().build((), np.random.default_rng(0), np.float32)
