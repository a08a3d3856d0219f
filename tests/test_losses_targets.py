"""What may stand for the truth: every form that is taken, and one clear sentence for each that is not."""

import math

import numpy as np
import pytest

from scratchwork.errors import DataError, ScratchworkError, ShapeError
from scratchwork.losses import (
    LOSSES,
    BinaryHinge,
    CategoricalCrossEntropy,
    MeanSquaredError,
    MulticlassHinge,
    SigmoidBinaryCrossEntropy,
    SoftmaxCrossEntropy,
)

CLASSES = [SoftmaxCrossEntropy(), CategoricalCrossEntropy(), MulticlassHinge()]
of_classes = pytest.mark.parametrize("loss", CLASSES, ids=repr)


@of_classes
def test_labels_become_int64(loss):
    for given in ([0, 2, 1], np.array([0, 2, 1], np.uint8), np.array([[0.0], [2.0], [1.0]]), np.eye(3)[[0, 2, 1]].tolist()):
        prepared = loss.prepare(given, 3)
        assert prepared.dtype == np.int64
        assert prepared.tolist() == [0, 2, 1]
    assert loss.prepare([True, False], 2).tolist() == [1, 0]


def test_soft_rows_stay_rows_and_keep_their_type():
    soft = np.array([[0.25, 0.75], [1.0, 0.0]], np.float32)
    prepared = SoftmaxCrossEntropy().prepare(soft, 2)
    assert prepared is soft
    assert SoftmaxCrossEntropy().prepare([[0.9995, 0.0], [0.0, 1.0]], 2).shape == (2, 2)  # nearly one-hot is not one-hot
    assert SoftmaxCrossEntropy().prepare([[0.333, 0.333, 0.334], [0.333, 0.333, 0.333]], 3).shape == (2, 3)  # printed decimals


@pytest.mark.parametrize(
    ("target", "outputs", "text"),
    [
        (
            [1, 2, 3],
            3,
            r"y holds label 3 at row 2 where the 3 outputs stand for labels 0 to 2: labels that start at 1\? subtract 1",
        ),
        ([0, 5, 1], 3, "y holds label 5 at row 1 .* the last layer needs 6 outputs"),
        ([1, 5, 1], 3, "y holds label 5 at row 1 .* the last layer needs 6 outputs"),
        ([0, -1, 1], 3, "y holds label -1 at row 1 .* BinaryHinge"),
        ([0, -100, 1], 3, "y holds label -100 at row 1 .* missing label"),
        ([0.0, 1.5, 1.0], 3, "y holds 1.5 at row 1 where a class label, a whole number, belongs"),
        ([0.0, math.nan], 3, "y holds NaN at row 1"),
        ([0.0, math.inf], 3, "y holds an infinity at row 1"),
        (["cat", "dog"], 3, "y holds text where numbers belong"),
        ([0, None], 3, "y holds NaN at row 1"),
        ([0, {}], 3, "y holds objects that are not numbers"),
        ([[0, 1], [1]], 3, "y has rows of different lengths"),
        ([1j, 0], 3, "y holds complex numbers"),
        ([], 3, "y is empty"),
        (np.zeros((0, 3)), 3, "y is empty"),
        ([[1, 0, 1], [0, 1, 0]], 3, "row 0 of y sums to 2 .* SigmoidBinaryCrossEntropy"),
        ([[0, 1, 0], [0, 0, 0]], 3, "row 1 of y sums to 0"),
        ([[1.5, -0.5, 0.0]], 3, "row 0 of y holds a negative share"),
        ([[math.nan, 0, 1]], 3, "y holds NaN at row 0, column 0"),
    ],
)
@of_classes
def test_targets_that_name_no_class(loss, target, outputs, text):
    with pytest.raises(DataError, match=text):
        loss.prepare(target, outputs)
    prediction = np.full((max(len(target), 1), outputs), 1 / outputs)
    with pytest.raises(ScratchworkError):  # the same sentence, about "target"
        loss.value_and_grad(prediction, target)


@of_classes
@pytest.mark.parametrize("target", [np.zeros((4, 2)), np.zeros((4, 4)), np.zeros((4, 3, 1)), np.zeros(()), np.zeros((1, 4))])
def test_one_hot_rows_are_as_wide_as_the_network(loss, target):
    with pytest.raises(ShapeError, match="where the network has 3 outputs"):
        loss.prepare(target, 3)


@of_classes
@pytest.mark.parametrize("label", [3, -1, 2**62, -(2**62)])
def test_labels_out_of_range_are_seen_in_each_batch(loss, label):
    with pytest.raises(DataError, match=f"target holds label {label} at row 1"):
        loss.value_and_grad(np.full((2, 3), 1 / 3), np.array([0, label]))


@of_classes
@pytest.mark.parametrize("rows", [0, 1, 3])
def test_one_target_per_row(loss, rows):
    with pytest.raises((ShapeError, DataError)):
        loss.value_and_grad(np.full((2, 3), 1 / 3), np.zeros(rows, np.int64))


def test_the_name_in_the_sentence_is_the_callers():
    with pytest.raises(DataError, match="validation labels holds label 7"):
        SoftmaxCrossEntropy().prepare([7], 3, "validation labels")


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ([0, 1, 2], "y holds 2 at row 2 where 0, 1 or a share between them belongs: one class of several"),
        ([0, 1, -1], "y holds -1 at row 2 .* for -1 and 1 use BinaryHinge"),
        ([0, 1, math.nan], "y holds NaN at row 2"),
        (["yes", "no"], "y holds text"),
        ([], "y is empty"),
    ],
)
def test_targets_that_are_no_yes_or_no(target, text):
    with pytest.raises(DataError, match=text):
        SigmoidBinaryCrossEntropy().prepare(target, 1)


def test_the_place_of_an_attribute_has_a_column():
    with pytest.raises(DataError, match="y holds 3 at row 1, column 2"):
        SigmoidBinaryCrossEntropy().prepare([[0, 1, 0], [1, 0, 3]], 3)
    with pytest.raises(DataError, match="y holds 3 at row 1, column 2"):
        BinaryHinge().prepare([[0, 1, 0], [1, 0, 3]], 3)


@pytest.mark.parametrize("loss", [SigmoidBinaryCrossEntropy(), BinaryHinge()], ids=repr)
def test_attributes_become_a_float_matrix(loss):
    assert loss.prepare([0, 1, 1], 1).shape == (3, 1)
    assert loss.prepare([[0], [1]], 1).dtype == np.float64
    assert loss.prepare(np.array([[0, 1]], np.float32), 2).dtype == np.float32
    with pytest.raises(ShapeError, match=r"y has shape \(3,\) where the network has 2 outputs: give it shape \(N, 2\)"):
        loss.prepare([0, 1, 1], 2)


@pytest.mark.parametrize("name", ["MeanSquaredError", "SumSquaredError", "MeanAbsoluteError", "Huber", "Quantile", "Poisson"])
def test_numbers_become_a_float_matrix(name):
    loss = LOSSES[name]()
    assert loss.prepare([1, 2, 3], 1).tolist() == [[1.0], [2.0], [3.0]]
    assert loss.prepare([[1, 2, 3]], 3).dtype == np.float64
    kept = np.ones((4, 2), np.float32)
    assert loss.prepare(kept, 2) is kept
    for target, outputs in [(np.ones(3), 2), (np.ones((3, 2)), 1), (np.ones((3, 2)), 3), (np.ones((3, 1, 1)), 1), (1.0, 1)]:
        with pytest.raises(ShapeError, match="give it shape"):
            loss.prepare(target, outputs)
    for target, text in [([1.0, math.nan], "NaN at row 1"), ([math.inf], "an infinity"), (["a"], "text"), ([], "empty")]:
        with pytest.raises(DataError, match=text):
            loss.prepare(target, 1)


def test_numbers_in_a_batch_are_numbers():
    with pytest.raises(DataError, match="target holds text"):
        MeanSquaredError().value_and_grad(np.zeros((2, 1)), np.array(["a", "b"]))
    with pytest.raises(DataError, match="prediction holds text"):
        MeanSquaredError().value_and_grad(np.array(["a", "b"]), np.zeros(2))
