"""What is refused before any work is done."""

import numpy as np
import pytest

from scratchwork.data.checks import check_classes, check_pair, check_x, check_y
from scratchwork.errors import DataError, ScratchworkError, ShapeError


def test_good_rows_come_through_untouched():
    x, y = np.ones((3, 2), np.float32), np.array([0, 1, 0])
    rows, targets = check_pair(x, y)
    assert rows is x
    assert targets is y


def test_images_and_lists_are_welcome():
    assert check_x(np.zeros((2, 4, 4, 3), np.uint8)).shape == (2, 4, 4, 3)
    assert check_x([[1, 2], [3, 4]]).shape == (2, 2)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[1.0, np.nan]], "NaN at row 0, column 1"),
        ([[np.inf, 1.0]], "infinity at row 0, column 0"),
        ([["a", "b"]], "text where numbers belong"),
        ([[1, 2], [3]], "rows of different lengths"),
        ([[1, None]], "NaN|not numbers"),
        (np.zeros((0, 4)), "x is empty"),
        (np.zeros((4, 0)), "no features"),
        ([1.0, 2.0], r"x.reshape\(-1, 1\)"),
        (3.0, "single number"),
        (np.zeros((2, 2), complex), "complex"),
    ],
)
def test_bad_rows_get_one_clear_error(x, message):
    with pytest.raises(ScratchworkError, match=message):
        check_x(x)


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        ([0, 1], ShapeError, "x has 3 rows and y has 2"),
        ([0, 1, 2, 3], ShapeError, "x has 3 rows and y has 4"),
        (["a", "b", "c"], DataError, "text where numbers belong"),
        ([0.0, np.nan, 1.0], DataError, "NaN at row 1"),
        (1, ShapeError, "single number"),
        (np.zeros((3, 0)), DataError, "empty"),
    ],
)
def test_bad_targets_get_one_clear_error(y, error, message):
    with pytest.raises(error, match=message):
        check_pair(np.ones((3, 2)), y)


def test_the_error_names_the_argument():
    with pytest.raises(ShapeError, match="validation x has 2 rows and validation y has 3"):
        check_pair(np.ones((2, 2)), [1, 2, 3], "validation x", "validation y")
    with pytest.raises(ShapeError, match="rows has 2"):
        check_y([1], 2, "targets", "rows")


@pytest.mark.parametrize("y", [np.array([3, 3, 3]), np.array([[0, 1], [0, 1]]), np.array([[1], [1]]), np.array([2])])
def test_one_class_only_is_refused(y):
    with pytest.raises(DataError, match="one class only"):
        check_classes(y)


@pytest.mark.parametrize("y", [np.array([0, 1]), np.array([[0, 1], [1, 0]]), np.array([[0.0], [1.0]])])
def test_two_classes_are_enough(y):
    check_classes(y)
