"""The Dataset itself, and how features and targets are brought into form."""

import dataclasses

import numpy as np
import pytest

from scratchwork.data.dataset import Dataset, as_features, encode_target, flat_images
from scratchwork.errors import ConfigurationError, DataError


def test_the_repr_says_what_there_is():
    x = np.zeros((2000, 12), np.float32)
    y = np.zeros(2000, np.int64)
    images = Dataset(x, y, "tiles", labels=("a", "b"), image_shape=(2, 2, 3), x_test=x[:5], y_test=y[:5])
    assert repr(images) == "Dataset 'tiles': 2,000 rows × 12 features (float32), images 2×2×3, 2 classes, 5 test rows"
    assert (
        repr(Dataset(x, y / 2, "price", target_name="euro"))
        == "Dataset 'price': 2,000 rows × 12 features (float32), target 'euro'"
    )
    assert repr(Dataset(x, None, "rows")) == "Dataset 'rows': 2,000 rows × 12 features (float32)"


def test_names_are_filled_in_and_nothing_can_be_exchanged():
    x = np.zeros((2, 3))
    data = Dataset(x, None)
    assert data.feature_names == ("x0", "x1", "x2")
    assert Dataset(np.zeros((1, 4)), None, image_shape=(2, 2)).feature_names == ("pixel0", "pixel1", "pixel2", "pixel3")
    assert len(data) == 2
    assert (data.task, Dataset(x, np.array([0, 1]), labels=("a", "b")).task) == ("regression", "multiclass")
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.x = x


def test_parts_that_do_not_belong_together_are_refused():
    with pytest.raises(DataError, match="not rows and their targets"):
        Dataset(np.zeros((2, 3)), np.zeros(3))
    with pytest.raises(DataError, match="not rows"):
        Dataset(np.zeros(3), None)
    with pytest.raises(DataError, match="2 feature names for 3 features"):
        Dataset(np.zeros((2, 3)), None, feature_names=("a", "b"))


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.array([[0, 255]], np.uint8), np.float32),
        (np.array([[True]]), np.float32),
        (np.array([[2**24]]), np.float32),
        (np.array([[2**24 + 1]]), np.float64),
        (np.array([[0.5]]), np.float32),
        (np.array([[0.1]]), np.float64),
        (np.array([[0.1]], np.float32), np.float32),
        (np.array([[0.1]], np.float16), np.float32),
        (np.array([[1e300]]), np.float64),
        (np.array([[np.nan, 0.5]]), np.float32),
    ],
)
def test_float32_only_where_it_holds_every_number(values, dtype):
    features = as_features(values)
    assert features.dtype == dtype
    assert np.array_equal(features, values, equal_nan=True)


def test_images_are_laid_flat():
    assert flat_images(np.zeros((5, 2, 3)))[0].shape == (5, 6)
    assert flat_images(np.zeros((5, 2, 3)))[1] == (2, 3)
    assert flat_images(np.zeros((5, 2, 3, 3)))[1] == (2, 3, 3)
    assert flat_images(np.zeros((0, 2, 3)))[0].shape == (0, 6)
    assert flat_images(np.zeros(5))[0].shape == (5, 1)
    assert flat_images(np.zeros((5, 4)))[1] is None
    with pytest.raises(DataError, match="neither rows"):
        flat_images(np.zeros((5, 2, 3, 9)))


@pytest.mark.parametrize(
    ("values", "y", "labels"),
    [
        (["b", "a", "b"], [1, 0, 1], ("a", "b")),
        ([b"b", b"a"], [1, 0], ("a", "b")),
        ([1, -1, 1], [1, 0, 1], ("-1", "1")),
        ([10.0, 3.0, 10.0], [1, 0, 1], ("3", "10")),
        ([True, False], [1, 0], ("False", "True")),
        ([[0, 1, 0], [1, 0, 0]], [1, 0], ("0", "1", "2")),
        ([[1], [0], [1]], [1, 0, 1], ("0", "1")),
    ],
)
def test_targets_that_are_classes(values, y, labels):
    codes, names = encode_target(np.array(values))
    assert codes.tolist() == y
    assert codes.dtype == np.int64
    assert names == labels


def test_targets_that_are_amounts():
    for values in ([0.5, 1.5], np.arange(100), [[0.0, 1.0], [1.0, 1.0]]):
        y, labels = encode_target(np.array(values))
        assert labels is None
        assert np.array_equal(y, np.array(values))
        assert y.dtype.kind == "f"


def test_the_task_decides_where_numbers_could_be_both():
    values = np.arange(50) % 30
    assert encode_target(values)[1] is None
    assert len(encode_target(values, task="classification")[1]) == 30
    assert len(encode_target(values, named_label=True)[1]) == 30
    assert encode_target(np.array([0, 1, 0, 1]), task="regression")[1] is None
    with pytest.raises(DataError, match="fractions"):
        encode_target(np.array([0.5, 1.0]), task="classification")
    with pytest.raises(DataError, match=r"text .first 'a'. where a regression"):
        encode_target(np.array(["a"]), task="regression")
    with pytest.raises(ConfigurationError, match="'auto', 'classification' or 'regression'"):
        encode_target(values, task="other")
    with pytest.raises(DataError, match="NaN"):
        encode_target(np.array([1.0, np.nan]))
