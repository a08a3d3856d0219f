"""What every loss promises: its gradient is that of its value, weights are repetitions, arguments stay as they are."""

import inspect
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loss_checks import CASES, GOLDEN, SHAPED_CASES, slopes
from scratchwork.errors import ConfigurationError, DataError, ShapeError
from scratchwork.layers import Sigmoid, Softmax
from scratchwork.losses import (
    LOSSES,
    CategoricalCrossEntropy,
    Huber,
    Loss,
    MeanSquaredError,
    MulticlassHinge,
    Poisson,
    SigmoidBinaryCrossEntropy,
    SoftmaxCrossEntropy,
    SumSquaredError,
    apply_link,
)
from scratchwork.losses.base import paired, row_weights

every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_shape = pytest.mark.parametrize(("case", "rows", "width"), SHAPED_CASES, ids=lambda part: str(part))


def drawn(case, rows, width, seed=0):
    rng = np.random.default_rng([seed, rows, width])
    return case.prediction(rng, rows, width), case.target(rng, rows, width), rng


# The gradient is that of the value ------------------------------------------------------------------------------------


@every_shape
@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_is_the_slope_of_the_value(case, rows, width, weighted):
    prediction, target, rng = drawn(case, rows, width)
    weight = rng.uniform(0.1, 3.0, rows) if weighted else None
    value, grad = case.loss.value_and_grad(prediction, target, weight)
    assert type(value) is float
    assert math.isfinite(value)
    assert grad.shape == prediction.shape
    np.testing.assert_allclose(grad, slopes(case.loss, prediction, target, weight), rtol=2e-6, atol=2e-8)
    assert np.abs(grad).max() > 0 or value == 0  # a hinge may be satisfied; nothing else is flat


@every_shape
def test_prepared_targets_give_the_same(case, rows, width):
    prediction, target, rng = drawn(case, rows, width)
    weight = rng.uniform(0.1, 3.0, rows)
    prepared = case.loss.prepare(target, width)
    given, ready = (case.loss.value_and_grad(prediction, t, weight) for t in (target, prepared))
    assert math.isclose(given[0], ready[0], rel_tol=1e-14)
    np.testing.assert_allclose(given[1], ready[1], rtol=1e-14)
    assert prepared.dtype == np.int64 if prepared.ndim == 1 else prepared.dtype.kind == "f"
    assert prepared.shape in ((rows,), (rows, width))
    again = case.loss.prepare(prepared, width)
    assert again.dtype == prepared.dtype
    np.testing.assert_array_equal(again, prepared)


def test_the_check_would_see_a_wrong_gradient():
    class WrongSlopeError(MeanSquaredError):
        def terms(self, prediction, target):
            terms, slope = super().terms(prediction, target)
            return terms, 1.001 * slope

    prediction, target, _ = drawn(next(case for case in CASES if isinstance(case.loss, MeanSquaredError)), 5, 3)
    assert not np.allclose(
        WrongSlopeError().value_and_grad(prediction, target)[1], slopes(WrongSlopeError(), prediction, target), rtol=2e-6
    )


# Weights --------------------------------------------------------------------------------------------------------------


@every_case
@settings(max_examples=15, deadline=None)
@given(counts=st.lists(st.integers(0, 3), min_size=4, max_size=4).filter(any))
def test_a_weight_of_two_is_the_row_twice(case, counts):
    width = case.widths()[-1]
    prediction, target, _ = drawn(case, 4, width)
    value, grad = case.loss.value_and_grad(prediction, target, np.array(counts))
    twice = np.repeat(np.arange(4), counts)
    expected, parts = case.loss.value_and_grad(prediction[twice], target[twice])
    assert math.isclose(value, expected, rel_tol=1e-12, abs_tol=1e-14)
    summed = np.zeros_like(grad)
    np.add.at(summed, twice, parts)
    np.testing.assert_allclose(grad, summed, rtol=1e-12, atol=1e-14)


@every_case
def test_weights_that_are_all_zero_give_nothing(case):
    prediction, target, _ = drawn(case, 3, case.widths()[-1])
    value, grad = case.loss.value_and_grad(prediction, target, np.zeros(3))
    assert value == 0.0
    assert not grad.any()


@every_case
def test_weights_of_one_are_no_weights(case):
    prediction, target, _ = drawn(case, 5, case.widths()[-1])
    bare, ones = case.loss.value_and_grad(prediction, target), case.loss.value_and_grad(prediction, target, [1] * 5)
    assert math.isclose(bare[0], ones[0], rel_tol=1e-14)
    np.testing.assert_allclose(bare[1], ones[1], rtol=1e-14)


@pytest.mark.parametrize(
    ("weight", "error"),
    [
        ([1.0, 2.0], ShapeError),
        ([[1.0], [2.0], [3.0]], ShapeError),
        (2.0, ShapeError),
        ([1.0, -1.0, 1.0], DataError),
        ([1.0, math.nan, 1.0], DataError),
        ([1.0, math.inf, 1.0], DataError),
        (["a", "b", "c"], DataError),
    ],
)
@pytest.mark.parametrize("case", [CASES[0], CASES[5], CASES[-1]], ids=str)
def test_weights_that_are_none(case, weight, error):
    prediction, target, _ = drawn(case, 3, 3)
    with pytest.raises(error, match="weight"):
        case.loss.value_and_grad(prediction, target, weight)


def test_row_weights_are_shares():
    assert row_weights(None, 4, np.dtype(np.float32)) == 0.25
    assert row_weights(None, 4, np.dtype(np.float32), normalize=False) == 1.0
    column = row_weights(np.array([1, 3]), 2, np.dtype(np.float32))
    assert isinstance(column, np.ndarray)
    assert column.dtype == np.float32
    assert column.tolist() == [[0.25], [0.75]]


# Arrays as they come --------------------------------------------------------------------------------------------------


@every_case
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_has_the_dtype_of_the_prediction(case, dtype, weighted):
    prediction, target, rng = drawn(case, 5, case.widths()[-1])
    weight = rng.uniform(size=5) if weighted else None
    exact = case.loss.value_and_grad(prediction, target, weight)
    value, grad = case.loss.value_and_grad(prediction.astype(dtype), target, weight)
    assert grad.dtype == dtype
    assert math.isclose(value, exact[0], rel_tol=1e-5)
    np.testing.assert_allclose(grad, exact[1], rtol=1e-4, atol=1e-5)


@every_case
def test_arguments_are_not_written_to(case):
    prediction, target, rng = drawn(case, 5, case.widths()[-1])
    weight = rng.uniform(size=5)
    arguments = [prediction, target, weight]
    copies = [argument.copy() for argument in arguments]
    for argument in arguments:
        argument.flags.writeable = False
    first = case.loss.value_and_grad(prediction, target, weight)
    second = case.loss.value_and_grad(prediction, target, weight)
    case.loss.prepare(target, prediction.shape[1])
    for argument, copy in zip(arguments, copies, strict=True):
        np.testing.assert_array_equal(argument, copy)
    assert first[0] == second[0]
    np.testing.assert_array_equal(first[1], second[1])
    assert not np.shares_memory(first[1], second[1])


@every_case
def test_memory_order_does_not_matter(case):
    prediction, target, _ = drawn(case, 6, case.widths()[-1])
    value, grad = case.loss.value_and_grad(prediction, target)
    wide = np.zeros((12, 2 * prediction.shape[1]))
    wide[::2, ::2] = prediction
    for other in (np.asfortranarray(prediction), wide[::2, ::2]):
        again = case.loss.value_and_grad(other, np.asfortranarray(target))
        assert math.isclose(again[0], value, rel_tol=1e-14)
        np.testing.assert_allclose(again[1], grad, rtol=1e-13)


@every_case
@pytest.mark.parametrize("where", [(0, 0), (2, -1)])
def test_a_nan_prediction_is_a_nan_loss(case, where):
    prediction, target, _ = drawn(case, 3, case.widths()[-1])
    prediction[where] = np.nan
    assert math.isnan(case.loss.value_and_grad(prediction.astype(np.float32), target)[0])


@every_case
@pytest.mark.parametrize("sign", [1, -1])
def test_scores_of_ten_thousand(case, sign):
    """No warning (they are errors here), and numbers as in float64; probabilities and rates cannot be that large."""
    prediction, target, _ = drawn(case, 5, case.widths()[-1])
    huge = sign * 1e4 * np.sign(prediction)
    if case.loss.link == "identity" and case.loss.task == "multiclass":
        huge = (huge > 0).astype(np.float64)
    value, grad = case.loss.value_and_grad(huge.astype(np.float32), target)
    exact, exact_grad = case.loss.value_and_grad(huge, target)
    assert not math.isnan(value)
    assert not np.isnan(grad).any()
    if case.loss.link == "exp":
        return  # exp(1e4) is infinite in both
    assert math.isclose(value, exact, rel_tol=1e-5)
    np.testing.assert_allclose(grad, exact_grad, rtol=1e-4, atol=1e-7)


@every_case
@pytest.mark.parametrize("rows", [0, 4])
def test_prediction_and_target_that_do_not_belong_together(case, rows):
    width = case.widths()[-1]
    prediction, target, _ = drawn(case, 5, width)
    with pytest.raises((ShapeError, DataError)):
        case.loss.value_and_grad(prediction[:rows], target)
    with pytest.raises((ShapeError, ConfigurationError)):
        case.loss.value_and_grad(prediction[:, : width - 1], np.ones((5, width)) / width)
    with pytest.raises(ShapeError):
        case.loss.value_and_grad(prediction, np.ones((5, width + 1)))
    with pytest.raises(ShapeError):
        case.loss.value_and_grad(prediction, target[None])


@pytest.mark.parametrize(
    ("p", "t"),
    [
        ((5,), (5, 1)),
        ((5, 1), (1, 5)),
        ((5, 3), (5,)),
        ((5, 3), (5, 1)),
        ((5, 3), (3,)),
        ((5, 3), (1, 3)),
        ((5, 1), (4,)),
        ((1, 1), ()),
    ],
)
def test_nothing_is_broadcast(p, t):
    with pytest.raises(ShapeError, match="do not match"):
        paired(np.zeros(p), np.zeros(t))


def test_pairs_of_one_shape():
    p, t = paired(np.zeros((5, 1), np.float32), np.arange(5))
    assert p.shape == t.shape == (5, 1)
    assert t.dtype == np.float32
    value, grad = MeanSquaredError().value_and_grad(np.zeros((2, 3, 4)), np.ones((2, 3, 4)))
    assert value == 1.0
    assert grad.shape == (2, 3, 4)
    assert MeanSquaredError().value_and_grad([1, 2], [1, 4])[1].tolist() == [0.0, -2.0]


# Settings and names ---------------------------------------------------------------------------------------------------


@every_case
def test_a_loss_can_be_made_again_from_its_config(case):
    twin = type(case.loss)(**case.loss.config())
    assert repr(twin) == repr(case.loss)
    assert twin.config() == case.loss.config()


def test_the_table_has_every_loss_by_its_name():
    assert len(LOSSES) == 12
    assert all(name == loss.__name__ and issubclass(loss, Loss) for name, loss in LOSSES.items())
    assert {type(case.loss) for case in CASES} == set(LOSSES.values())
    for loss in LOSSES.values():
        made = loss()  # every setting has a default
        assert made.task in ("multiclass", "attributes", "regression")
        assert made.link in ("softmax", "sigmoid", "exp", "identity", None)
        assert repr(made) == f"{loss.__name__}()"
        assert list(inspect.signature(loss).parameters) == list(made.config())


def test_a_loss_of_ones_own_needs_one_method():
    class Own(Loss):
        def value_and_grad(self, prediction, target, weight=None):
            return 0.0, np.zeros_like(prediction)

    assert Own().prepare([1, 2], 1).tolist() == [1, 2]
    assert Own().task is None
    assert Own().link is None


# What PyTorch gives ---------------------------------------------------------------------------------------------------


GOLDEN_LOSSES = {
    repr(loss): loss
    for loss in (
        *(loss() for loss in LOSSES.values()),
        SoftmaxCrossEntropy(label_smoothing=0.1),
        SoftmaxCrossEntropy(label_smoothing=0.2),
        SoftmaxCrossEntropy(class_weight=[1, 2, 0.5]),
        CategoricalCrossEntropy(class_weight=[1, 2, 0.5]),
        SigmoidBinaryCrossEntropy(positive_weight=[2, 0.5, 3]),
        MulticlassHinge(margin=2.5),
        SumSquaredError(reduction="sum"),
        Huber(delta=0.4),
        Poisson(log_input=False),
    )
}


@pytest.mark.parametrize("name", GOLDEN)
def test_pytorchs_numbers(name):
    settings = name.removesuffix(", soft")
    loss = GOLDEN_LOSSES[settings]
    golden = GOLDEN[name]
    value, grad = loss.value_and_grad(np.array(golden["prediction"]), np.array(golden["target"]))
    assert math.isclose(value, golden["value"], rel_tol=1e-12)
    np.testing.assert_allclose(grad, golden["gradient"], rtol=1e-12, atol=1e-15)


# Links ----------------------------------------------------------------------------------------------------------------


def test_links_are_the_layers_of_the_same_name():
    z = np.random.default_rng(0).normal(size=(4, 3)) * 5
    np.testing.assert_allclose(apply_link(z, "softmax"), Softmax().forward(z)[0], rtol=1e-14)
    np.testing.assert_allclose(apply_link(z, "sigmoid"), Sigmoid().forward(z)[0], rtol=1e-14)
    np.testing.assert_array_equal(apply_link(z, "exp"), np.exp(z))
    assert apply_link(z, "identity") is z


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_links_do_not_overflow(link):
    z = np.array([[1e4, -1e4]], np.float32)
    p = apply_link(z, link)
    assert p.dtype == np.float32
    assert p.tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("link", [None, "probit"])
def test_links_that_are_none(link):
    with pytest.raises(ConfigurationError):
        apply_link(np.zeros((1, 2)), link)


def test_a_batch_of_lists_is_taken():
    value, _ = SoftmaxCrossEntropy().value_and_grad([[0, 0]], [1])
    assert math.isclose(value, math.log(2))
