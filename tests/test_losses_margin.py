"""Hinges: their equations in Python floats, the article's printed numbers, and their kinks."""

import math

import numpy as np
import pytest

from scratchwork.errors import ConfigurationError, DataError
from scratchwork.losses import BinaryHinge, MulticlassHinge, SquaredHinge

S = [[0.3, -1.2, 2.0], [1.5, 0.0, -0.5], [-2.0, 0.7, 0.1], [0.0, 0.0, 1.0]]
LABELS = [2, 1, 1, 0]
WEIGHT = [1.0, 0.5, 2.0, 0.0]


@pytest.mark.parametrize("margin", [1.0, 2.5])
@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_multiclass_hinges_as_written(margin, power, weight):
    loss = (MulticlassHinge if power == 1 else SquaredHinge)(margin=margin)
    value, grad = loss.value_and_grad(np.array(S), np.array(LABELS), weight)
    w = weight or [1.0] * 4
    total, expected = 0.0, np.zeros((4, 3))
    for n, (s, y) in enumerate(zip(S, LABELS, strict=True)):
        for j in range(3):
            m = max(0.0, s[j] - s[y] + margin)
            if j != y and m > 0:
                total += w[n] * m**power
                slope = w[n] * (1.0 if power == 1 else 2 * m) / sum(w)
                expected[n, j] += slope
                expected[n, y] -= slope
    assert math.isclose(value, total / sum(w), rel_tol=1e-14)
    np.testing.assert_allclose(grad, expected, rtol=1e-14, atol=1e-16)


def test_the_articles_term_that_is_cut_to_zero():
    """Scores 13, −7, 11 and a margin of 10: max(0, −7 − 13 + 10) + max(0, 11 − 13 + 10) = 0 + 8."""
    scores, label = np.array([[13.0, -7.0, 11.0]]), np.array([0])
    assert -7 - 13 + 10 < 0
    value, grad = MulticlassHinge(margin=10.0).value_and_grad(scores, label)
    assert value == 8.0
    assert grad.tolist() == [[-1.0, 0.0, 1.0]]
    value, grad = SquaredHinge(margin=10.0).value_and_grad(scores, label)
    assert value == 64.0
    assert grad.tolist() == [[-16.0, 0.0, 16.0]]
    assert MulticlassHinge(margin=10.0).value_and_grad(scores[:, :2], label)[0] == 0.0


@pytest.mark.parametrize("loss", [MulticlassHinge(), SquaredHinge()])
def test_a_margin_of_one_does_not_tell_far_from_near(loss):
    for scores in ([10.0, -100.0, -100.0], [10.0, 9.0, 9.0]):
        value, grad = loss.value_and_grad(np.array([scores]), np.array([0]))
        assert value == 0.0
        assert not grad.any()  # at [10, 9, 9] the margin is met exactly: the kink has gradient 0


def test_the_article_on_the_cat_that_scores_too_low():
    """Cat −96.8, dog 437.9, ship 61.95: both wrong classes exceed the right one by far."""
    value, grad = MulticlassHinge().value_and_grad(np.array([[-96.8, 437.9, 61.95]]), np.array([0]))
    assert math.isclose(value, (437.9 + 96.8 + 1) + (61.95 + 96.8 + 1), rel_tol=1e-14)
    assert grad.tolist() == [[-2.0, 1.0, 1.0]]


@pytest.mark.parametrize("margin", [1.0, 2.0])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_binary_hinge_as_written(margin, weight):
    y = [[1, -1, 1], [-1, -1, 1], [1, 1, -1], [-1, 1, 1]]
    value, grad = BinaryHinge(margin).value_and_grad(np.array(S), np.array(y), weight)
    w = weight or [1.0] * 4
    terms = [[max(0.0, margin - y[n][k] * S[n][k]) for k in range(3)] for n in range(4)]
    assert math.isclose(value, sum(w[n] * sum(terms[n]) for n in range(4)) / sum(w), rel_tol=1e-14)
    expected = [[-y[n][k] * (terms[n][k] > 0) * w[n] / sum(w) for k in range(3)] for n in range(4)]
    np.testing.assert_allclose(grad, expected, rtol=1e-14)


def test_zero_and_one_are_minus_one_and_one():
    bits = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 1]])
    for form in (bits, bits.astype(bool), bits.astype(np.float32), 2 * bits - 1):
        value, grad = BinaryHinge().value_and_grad(np.array(S), form)
        expected, same = BinaryHinge().value_and_grad(np.array(S), 2.0 * bits - 1)
        assert value == expected
        np.testing.assert_array_equal(grad, same)
        assert BinaryHinge().prepare(form, 3).tolist() == (2.0 * bits - 1).tolist()


def test_the_form_is_decided_for_the_whole_array():
    assert BinaryHinge().prepare([1, 1, 1], 1).tolist() == [[1.0], [1.0], [1.0]]
    assert BinaryHinge().prepare([0, 0, 0], 1).tolist() == [[-1.0], [-1.0], [-1.0]]
    for mixture in ([-1, 0, 1], [0, 1, 2], [0.5, 1, 0], [-2, 1, 1]):
        with pytest.raises(DataError, match="not a mixture"):
            BinaryHinge().prepare(mixture, 1)
        with pytest.raises(DataError, match="not a mixture"):
            BinaryHinge().value_and_grad(np.zeros((3, 1)), np.array(mixture))


def test_kinks_have_gradient_zero():
    assert BinaryHinge().value_and_grad(np.array([[1.0, -1.0]]), np.array([[1, -1]]))[1].tolist() == [[0.0, 0.0]]
    assert MulticlassHinge().value_and_grad(np.array([[1.0, 0.0]]), np.array([0]))[1].tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("loss", [MulticlassHinge, SquaredHinge, BinaryHinge])
@pytest.mark.parametrize("margin", [0.0, -1.0, math.inf, math.nan, "1", None, True])
def test_the_margin_is_positive(loss, margin):
    with pytest.raises(ConfigurationError, match="margin as a positive number"):
        loss(margin=margin)


@pytest.mark.parametrize("loss", [MulticlassHinge(), SquaredHinge()])
def test_one_score_or_shared_rows_are_no_multiclass_hinge(loss):
    with pytest.raises(ConfigurationError, match="use BinaryHinge"):
        loss.prepare([0, 1], 1)
    with pytest.raises(ConfigurationError, match="use BinaryHinge"):
        loss.value_and_grad(np.zeros((2, 1)), np.array([0, 1]))
    with pytest.raises(DataError, match="one class per row"):
        loss.prepare([[0.5, 0.5]], 2)
    with pytest.raises(DataError, match="one class per row"):
        loss.value_and_grad(np.zeros((1, 2)), np.array([[0.5, 0.5]]))
