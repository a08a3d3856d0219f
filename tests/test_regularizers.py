"""Penalties and max-norm: literal equations, the article's two vectors, float32, and what must stay untouched."""

import inspect
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scratchwork import regularizers
from scratchwork.errors import ConfigurationError
from scratchwork.regularizers import CONSTRAINTS, L1, L2, REGULARIZERS, Constraint, ElasticNet, MaxNorm, Regularizer

RULES = [L1(0.3), L2(0.7), ElasticNet(l1=0.2, l2=0.5)]


def literal(rule, w):
    """R(w), as the docstrings have it, in float64."""
    w = np.asarray(w, np.float64)
    if isinstance(rule, L1):
        return rule.strength * np.sum(np.abs(w))
    if isinstance(rule, L2):
        return 0.5 * rule.strength * np.sum(w**2)
    return rule.l1 * np.sum(np.abs(w)) + 0.5 * rule.l2 * np.sum(w**2)


def test_the_two_vectors_of_the_article():
    x = np.array([1.0, 1.0, 1.0, 1.0])
    one, four = np.array([1.0, 0.0, 0.0, 0.0]), np.array([0.25, 0.25, 0.25, 0.25])
    assert one @ x == four @ x == 1.0
    assert np.sum(one**2) == 1.0
    assert np.sum(four**2) == 0.25
    assert (L2(2.0).penalty(one), L2(2.0).penalty(four)) == (1.0, 0.25)  # λ = 2 undoes the ½
    assert (L2(1.0).penalty(one), L2(1.0).penalty(four)) == (0.5, 0.125)
    assert L1(1.0).penalty(one) == L1(1.0).penalty(four) == 1.0  # L1 does not tell them apart


def test_gradients_by_hand():
    w = np.array([2.0, -4.0, 0.0, -0.0])
    for rule, expected in (
        (L1(0.5), [0.5, -0.5, 0.0, 0.0]),
        (L2(0.5), [1.0, -2.0, 0.0, 0.0]),
        (ElasticNet(0.5, 0.25), [1.0, -1.5, 0.0, 0.0]),
    ):
        grad = np.zeros(4)
        rule.inplace_add_gradient(w, grad)
        assert grad.tolist() == expected


@pytest.mark.parametrize("rule", RULES, ids=repr)
@given(w=arrays(np.float64, st.integers(0, 20), elements=st.floats(-100, 100)))
@settings(max_examples=30, deadline=None)
def test_value_follows_the_equation_and_gradient_is_added(rule, w):
    before, grad = w.copy(), np.full_like(w, 7.0)
    value = rule.inplace_add_gradient(w, grad)
    assert type(value) is float
    assert value == pytest.approx(literal(rule, w), rel=1e-12, abs=1e-300)
    assert rule.penalty(w) == value
    np.testing.assert_array_equal(w, before)
    added = grad - 7.0
    for i in range(w.size):  # central differences, away from the kink
        if abs(w[i]) > 1e-3:
            h = 1e-5 * np.eye(w.size)[i]
            slope = (literal(rule, w + h) - literal(rule, w - h)) / 2e-5
            assert added[i] == pytest.approx(slope, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_float32_matrices_and_pieces(rule):
    w = np.random.default_rng(0).standard_normal((60, 50)).astype(np.float32)
    w.setflags(write=False)
    grad = np.zeros_like(w)
    whole = rule.inplace_add_gradient(w, grad)
    assert grad.dtype == np.float32
    assert whole == pytest.approx(literal(rule, w), rel=1e-5)
    flat, pieces = np.zeros(w.size, np.float32), 0.0
    for start in range(0, w.size, 700):
        pieces += rule.inplace_add_gradient(w.reshape(-1)[start : start + 700], flat[start : start + 700])
    assert pieces == pytest.approx(whole, rel=1e-5)
    np.testing.assert_array_equal(flat, grad.reshape(-1))


def test_numbers_of_numpy_do_not_widen():
    grad = np.zeros(3, np.float32)
    for rule in (L1(np.float64(0.5)), L2(np.float64(0.5)), ElasticNet(np.float64(0.5), np.float64(0.5))):
        assert type(rule.inplace_add_gradient(np.ones(3, np.float32), grad)) is float
        assert grad.dtype == np.float32


def test_a_view_that_is_not_contiguous_gets_its_gradient():
    w, grad = np.ones((4, 6)), np.zeros((4, 6))
    assert L2(2.0).inplace_add_gradient(w[:, ::2], grad[:, ::2]) == 12.0
    np.testing.assert_array_equal(grad, np.tile([2.0, 0.0], (4, 3)))


def test_gradient_descent_with_l2_is_weight_decay():
    w, rate, strength = np.array([2.0, -3.0]), 0.1, 0.5
    grad = np.zeros(2)
    L2(strength).inplace_add_gradient(w, grad)
    np.testing.assert_allclose(w - rate * grad, (1 - rate * strength) * w)


def test_biases_only_when_asked():
    assert not any(rule.biases for rule in RULES)
    assert L2(0.1, biases=True).biases
    assert L1(0.1, biases=True).biases
    assert ElasticNet(0.1, 0.1, biases=True).biases


class Quartic(Regularizer):
    """A user's own, without anything beyond the one method."""

    def inplace_add_gradient(self, value, grad):
        grad += value**3
        return float(np.sum(value**4) / 4)


def test_a_penalty_of_ones_own():
    assert Quartic().penalty(np.array([2.0])) == 4.0
    assert Quartic().biases is False
    assert Quartic().config() == {}


# Max-norm ------------------------------------------------------------------------------------------------------------


def test_only_the_columns_above_are_touched():
    w = np.random.default_rng(0).standard_normal((30, 8)).astype(np.float32)
    w *= np.array([0.1, 5.0, 0.2, 1.0, 7.0, 0.0, 0.3, 0.1], np.float32)
    before = w.copy()
    lengths = np.linalg.norm(before.astype(np.float64), axis=0)
    MaxNorm(3.0).inplace_project(w)
    assert w.dtype == np.float32
    above = lengths > 3.0
    assert above.sum() == 3
    np.testing.assert_array_equal(w[:, ~above], before[:, ~above])
    np.testing.assert_allclose(w[:, above], before[:, above] * (3.0 / lengths[above]), rtol=1e-6)
    assert np.linalg.norm(w.astype(np.float64), axis=0).max() <= 3.0 * (1 + 1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_axis(axis, dtype):
    w = np.random.default_rng(0).standard_normal((4, 5, 6)).astype(dtype)
    lengths = np.linalg.norm(w.astype(np.float64), axis=axis, keepdims=True)
    expected = w * np.minimum(1.0, 2.0 / lengths)
    MaxNorm(2.0, axis=axis).inplace_project(w)
    np.testing.assert_allclose(w, expected, rtol=1e-6)
    assert w.dtype == dtype


def test_projection_of_a_view_in_a_flat_vector():
    flat = np.full(12, 3.0, np.float32)
    MaxNorm(1.0).inplace_project(flat[2:10].reshape(4, 2))
    np.testing.assert_allclose(flat[2:10], 0.5, rtol=1e-6)
    assert flat[[0, 1, 10, 11]].tolist() == [3.0] * 4


def test_squares_that_overflow_are_projected_too():
    w = np.array([[3e30, 0.1], [4e30, 0.1]], np.float32)
    with np.errstate(over="ignore"):
        MaxNorm(1.0).inplace_project(w)
    np.testing.assert_allclose(w, [[0.6, 0.1], [0.8, 0.1]], rtol=1e-6)


def test_nothing_happens_below_the_limit():
    w = np.zeros((3, 2))
    MaxNorm(0.5).inplace_project(w)
    assert not w.any()
    empty = np.zeros((0, 2))
    MaxNorm(0.5).inplace_project(empty)


# Settings ------------------------------------------------------------------------------------------------------------


def test_tables():
    classes = {c for _, c in inspect.getmembers(regularizers, inspect.isclass) if issubclass(c, Regularizer | Constraint)}
    assert set(REGULARIZERS.values()) | set(CONSTRAINTS.values()) == classes - {Regularizer, Constraint}


@pytest.mark.parametrize("rule", [*RULES, L2(0.1, biases=True), MaxNorm(3.0), MaxNorm(2.0, axis=1)], ids=repr)
def test_config_makes_the_same_rule(rule):
    assert type(rule)(**rule.config()) == rule


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: L1(-0.1), "L1 needs a number strength >= 0"),
        (lambda: L2(math.nan), "L2 needs a number strength >= 0"),
        (lambda: L2(math.inf), "L2 needs a number strength >= 0"),
        (lambda: L2("0.1"), "received '0.1'"),
        (lambda: L2(True), "received True"),
        (lambda: ElasticNet(0.1, -0.1), "ElasticNet needs a number l2 >= 0"),
        (lambda: ElasticNet(None, 0.1), "ElasticNet needs a number l1 >= 0"),
        (lambda: MaxNorm(0.0), "limit > 0"),
        (lambda: MaxNorm(-3.0), "limit > 0"),
        (lambda: MaxNorm(3.0, axis="rows"), "whole number as its axis"),
    ],
)
def test_settings_out_of_range(make, told):
    with pytest.raises(ConfigurationError, match=told):
        make()
