"""Losses on numbers: their equations in Python floats, which constant they prefer, and their kinks."""

import math

import numpy as np
import pytest

from scratchwork.errors import ConfigurationError, DataError, ShapeError
from scratchwork.losses import Huber, Loss, MeanAbsoluteError, MeanSquaredError, Poisson, Quantile, SumSquaredError

P = [[0.3, -1.2, 2.0], [1.5, 0.1, -0.5], [-2.0, 0.7, 0.1], [0.2, 0.4, 1.0]]
T = [[0.0, 1.0, 2.5], [2.0, 0.0, -3.0], [1.0, 0.0, 0.0], [0.0, 0.3, 0.5]]
COUNTS = [[0, 1, 2], [2, 0, 3], [1, 0, 0], [0, 3, 5]]
RATES = [[0.3, 1.2, 2.0], [1.5, 0.1, 0.5], [2.0, 0.7, 0.1], [0.2, 0.4, 1.0]]
WEIGHT = [1.0, 0.5, 2.0, 0.0]


def huber(e, d):
    return e * e / 2 if abs(e) <= d else d * (abs(e) - d / 2)


def pinball(e, q):  # e = t − p
    return max(q * e, (q - 1) * e)


def named(part):
    """The loss alone: the name of a function has an address in it, which is another in each process of pytest-xdist."""
    return repr(part) if isinstance(part, Loss) else ""


# loss, predictions, targets, e(p, t) and ∂e/∂p of one element, whether a row's elements are averaged
WRITTEN = [
    (MeanSquaredError(), P, T, lambda p, t: (p - t) ** 2, lambda p, t: 2 * (p - t), True),
    (SumSquaredError(), P, T, lambda p, t: (p - t) ** 2, lambda p, t: 2 * (p - t), False),
    (MeanAbsoluteError(), P, T, lambda p, t: abs(p - t), lambda p, t: math.copysign(1, p - t), True),
    (Huber(), P, T, lambda p, t: huber(p - t, 1), lambda p, t: max(-1, min(1, p - t)), True),
    (Huber(0.4), P, T, lambda p, t: huber(p - t, 0.4), lambda p, t: max(-0.4, min(0.4, p - t)), True),
    (Quantile(), P, T, lambda p, t: pinball(t - p, 0.5), lambda p, t: -0.5 if t > p else 0.5, True),
    (Quantile(0.9), P, T, lambda p, t: pinball(t - p, 0.9), lambda p, t: -0.9 if t > p else 1 - 0.9, True),
    (Poisson(), P, COUNTS, lambda f, t: math.exp(f) - t * f, lambda f, t: math.exp(f) - t, True),
    (
        Poisson(log_input=False),
        RATES,
        COUNTS,
        lambda p, t: p - t * math.log(p + 1e-8),
        lambda p, t: 1 - t / (p + 1e-8),
        True,
    ),
]


@pytest.mark.parametrize(("loss", "p", "t", "term", "slope", "average"), WRITTEN, ids=named)
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("outputs", [1, 3])
def test_equations_as_written(loss, p, t, term, slope, average, weight, outputs):
    w, share = weight or [1.0] * 4, outputs if average else 1
    value, grad = loss.value_and_grad(np.array(p)[:, :outputs], np.array(t)[:, :outputs], weight)
    rows = [sum(term(p[n][k], t[n][k]) for k in range(outputs)) / share for n in range(4)]
    assert math.isclose(value, sum(w[n] * rows[n] for n in range(4)) / sum(w), rel_tol=1e-13)
    expected = [[w[n] / sum(w) * slope(p[n][k], t[n][k]) / share for k in range(outputs)] for n in range(4)]
    np.testing.assert_allclose(grad, expected, rtol=1e-12, atol=1e-16)


def test_the_articles_sum_of_squares():
    """Σ (y − ŷ)² over everything; weights multiply rows and are not normalized."""
    value, grad = SumSquaredError(reduction="sum").value_and_grad(np.array(P), np.array(T))
    assert math.isclose(value, sum((P[n][k] - T[n][k]) ** 2 for n in range(4) for k in range(3)), rel_tol=1e-14)
    np.testing.assert_allclose(grad, 2 * (np.array(P) - np.array(T)))
    value, grad = SumSquaredError(reduction="sum").value_and_grad(np.array(P), np.array(T), WEIGHT)
    assert math.isclose(value, sum(WEIGHT[n] * (P[n][k] - T[n][k]) ** 2 for n in range(4) for k in range(3)), rel_tol=1e-14)
    np.testing.assert_allclose(grad, 2 * (np.array(P) - np.array(T)) * np.array(WEIGHT)[:, None])


def test_the_lecture_notes_mean_of_squares():
    """One row of outputs: 1/n Σ (yᵢ − yᵢ*)², and its derivative 2/n (y − y*)."""
    value, grad = MeanSquaredError().value_and_grad(np.array([[0.0, 1.0, 0.5]]), np.array([[0.0, 0.0, 1.0]]))
    assert math.isclose(value, (0 + 1 + 0.25) / 3, rel_tol=1e-15)
    np.testing.assert_allclose(grad, [[0.0, 2 / 3, -1 / 3]], rtol=1e-15)


@pytest.mark.parametrize("loss", [loss for loss, *_ in WRITTEN], ids=repr)
def test_a_flat_target_is_one_column(loss):
    p, t = np.array(RATES)[:, :1], np.array(COUNTS)[:, 1]
    column = loss.value_and_grad(p, t[:, None])
    for flat in (loss.value_and_grad(p, t), loss.value_and_grad(p[:, 0], t)):
        assert flat[0] == column[0]
        np.testing.assert_array_equal(flat[1].reshape(-1, 1), column[1])
    assert loss.prepare(t, 1).shape == (4, 1)
    with pytest.raises(ShapeError):
        loss.value_and_grad(p[:, 0], t[:, None])


@pytest.mark.parametrize(("loss", "best"), [(MeanSquaredError(), 3.6), (MeanAbsoluteError(), 2.0), (Quantile(0.7), 4.0)])
def test_which_constant_is_best(loss, best):
    """The mean, the median, the quantile: the loss over constants is least there."""
    t = np.array([0.0, 1.0, 2.0, 5.0, 10.0]) if best != 4.0 else np.array([0.0, 1, 2, 3, 4, 5, 6]) - 0.0
    grid = np.linspace(-1, 11, 1201)
    values = [loss.value_and_grad(np.full((len(t), 1), c), t)[0] for c in grid]
    assert abs(grid[int(np.argmin(values))] - best) < 1e-9


def test_kinks():
    one = np.array([[1.0]])
    assert MeanAbsoluteError().value_and_grad(one, one)[1] == 0.0
    assert Quantile(0.9).value_and_grad(one, one)[1] == 0.0
    for sign in (1.0, -1.0):  # at |e| = δ both branches meet
        value, grad = Huber(2.0).value_and_grad(one + 2 * sign, one)
        assert value == 2.0
        assert grad == 2.0 * sign


def test_several_quantiles_share_one_target():
    loss = Quantile([0.1, 0.5, 0.9])
    assert loss.q == (0.1, 0.5, 0.9)
    p, t = np.array(P), np.array([0.0, 1.0, -1.0, 0.5])
    table = np.repeat(t[:, None], 3, axis=1)
    whole = loss.value_and_grad(p, table)
    for form in (t, t[:, None], loss.prepare(t, 3), loss.prepare(t[:, None], 3)):
        value, grad = loss.value_and_grad(p, form)
        assert value == whole[0]
        np.testing.assert_array_equal(grad, whole[1])
    single = [Quantile(q).value_and_grad(p[:, [k]], t)[0] for k, q in enumerate(loss.q)]
    assert math.isclose(whole[0], sum(single) / 3, rel_tol=1e-14)
    with pytest.raises(ConfigurationError, match="one output per quantile"):
        loss.prepare(t, 2)
    with pytest.raises(ConfigurationError, match="one output per quantile"):
        loss.value_and_grad(p[:, :2], t)
    with pytest.raises(ShapeError):
        Quantile(0.5).value_and_grad(p, t)


def test_half_the_absolute_error_is_the_median_pinball():
    half, absolute = (
        Quantile(0.5).value_and_grad(np.array(P), np.array(T)),
        MeanAbsoluteError().value_and_grad(np.array(P), np.array(T)),
    )
    assert math.isclose(2 * half[0], absolute[0], rel_tol=1e-15)
    np.testing.assert_allclose(2 * half[1], absolute[1])


def test_poisson_meets_extremes_without_a_warning():
    value, grad = Poisson().value_and_grad(np.array([[1e4]], np.float32), np.array([3]))
    assert value == math.inf
    assert grad[0, 0] == math.inf
    value, grad = Poisson().value_and_grad(np.array([[-1e4]], np.float32), np.array([3]))
    assert value == 3e4
    assert grad[0, 0] == -3.0
    value, grad = Poisson(log_input=False).value_and_grad(np.array([[0.0], [-1.0]]), np.array([0, 0]))
    assert value == -0.5
    value, grad = Poisson(log_input=False).value_and_grad(np.array([[0.0]]), np.array([2]))
    assert math.isclose(value, -2 * math.log(1e-8), rel_tol=1e-12)
    assert math.isclose(grad[0, 0], 1 - 2e8, rel_tol=1e-12)


def test_poisson_is_for_counts():
    for call in (lambda: Poisson().prepare([0, 1, -2], 1), lambda: Poisson().value_and_grad(np.zeros((3, 1)), [0, 1, -2])):
        with pytest.raises(DataError, match="negative count at row 2"):
            call()
    assert Poisson().link == "exp"
    assert Poisson(log_input=False).link == "identity"


def test_an_overflowing_error_is_an_infinite_loss():
    value, _ = MeanSquaredError().value_and_grad(np.array([[1e30]], np.float32), np.array([0.0]))
    assert value == math.inf


@pytest.mark.parametrize("delta", [0.0, -1.0, math.nan, math.inf, "1", None])
def test_delta_is_positive(delta):
    with pytest.raises(ConfigurationError, match="delta as a positive number"):
        Huber(delta=delta)


@pytest.mark.parametrize("q", [0.0, 1.0, -0.1, math.nan, (), (0.5, 1.0), ("0.5",), True])
def test_q_is_between_zero_and_one(q):
    with pytest.raises(ConfigurationError, match="0 < q < 1"):
        Quantile(q)


@pytest.mark.parametrize("reduction", ["none", "total", None])
def test_reduction_is_mean_or_sum(reduction):
    with pytest.raises(ConfigurationError, match="'mean' or 'sum'"):
        SumSquaredError(reduction=reduction)
