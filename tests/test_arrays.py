"""What comes in from outside is numbers, finite ones, or one clear sentence."""

import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from scratchwork.arrays import converted, numeric_array, require_finite
from scratchwork.errors import DataError

REFUSED = {
    "text": (["a", "b"], "text"),
    "digits as text": (["1", "2"], "text"),
    "bytes": ([b"a"], "text"),
    "variable-width text": (np.array(["a"], np.dtypes.StringDType()), "text"),
    "text among objects": (np.array(["1.5", 2], object), "objects that are not numbers"),
    "objects": ([object()], "objects that are not numbers"),
    "a dict": ({"a": 1}, "objects that are not numbers"),
    "too large for any float": ([10**400], "objects that are not numbers"),
    "ragged": ([[1, 2], [3]], "different lengths"),
    "complex": ([1j], "complex numbers"),
    "dates": (np.array(["2024-01-01"], "datetime64[D]"), "dates"),
    "durations": (np.array([1], "timedelta64[s]"), "durations"),
    "records": (np.zeros(2, [("a", float)]), "values of type"),
    "None": (None, "None where numbers belong"),
    "sparse": (type("Sparse", (), {"toarray": None})(), r"sparse matrix.*give x.toarray\(\)"),
    "masked": (np.ma.masked_array([1.0, 2.0], [False, True]), "masked"),
}


@pytest.mark.parametrize(("values", "word"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_number_is_refused_by_name(values, word):
    with pytest.raises(DataError, match=f"^x .*{word}"):
        numeric_array(values, "x")


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64, np.uint64, np.float16, np.float32, np.float64, ">f4"])
def test_numbers_keep_their_type_and_are_not_copied(dtype):
    array = np.zeros(3, dtype)
    assert numeric_array(array, "x") is array
    assert numeric_array(array, "x", np.float32).dtype == np.float32


def test_lists_and_objects_that_are_numbers_pass():
    assert numeric_array([[1, 2], (3, 4)], "x").tolist() == [[1, 2], [3, 4]]
    assert numeric_array(np.array([1, 2.5, True, Decimal("0.5"), Fraction(1, 4)], object), "x").tolist() == [
        1,
        2.5,
        1,
        0.5,
        0.25,
    ]
    assert numeric_array([10**30], "x").tolist() == [1e30]
    assert np.isnan(numeric_array([1.0, None], "x")[1])  # a missing value: require_finite says where
    unmasked = np.ma.masked_array([1.0, 2.0], [False, False])
    assert numeric_array(unmasked, "x").tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array([[1.0, 2.0], [3.0, np.nan]]), r"x holds NaN at row 1, column 1 \(1 such value in all\)"),
        (np.array([[np.inf, 2.0], [3.0, np.nan]]), r"an infinity at row 0, column 0 \(2 such values in all\)"),
        (np.array([0.0, -np.inf], np.float32), r"an infinity at row 1 \(1"),
        (np.full((2, 3, 4), np.nan, np.float16), r"NaN at row 0 \(24"),
        (np.array(np.nan), "NaN at its only place"),
        (np.array([[1.0, np.nan]]).T[::-1], "NaN at row 0, column 0"),
    ],
)
def test_the_first_value_that_is_not_finite_is_named(array, words):
    with pytest.raises(DataError, match=words):
        require_finite(array, "x")


def test_large_finite_numbers_pass_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for array in (np.full(9, 1e200), np.full(9, 3e38, np.float32), np.full(9, 6e4, np.float16), np.zeros((0, 3))):
            require_finite(array, "x")
        require_finite(np.arange(3), "x")


def test_a_narrower_type_refuses_what_it_cannot_hold():
    with pytest.raises(DataError, match="x holds 1e\\+39, which is too large for float32"):
        converted(np.array([1.0, -1e39]), np.float32, "x")
    narrow = converted(np.array([1.0, np.inf, np.nan, 1e-60]), np.float32, "x")  # these are somebody else's business
    assert narrow.dtype == np.float32
    np.testing.assert_array_equal(narrow, [1.0, np.inf, np.nan, 0.0])
    same = np.ones(3, np.float32)
    assert converted(same, np.float32, "x") is same
    assert converted(np.array([2**62]), np.float32, "x").tolist() == [2.0**62]
