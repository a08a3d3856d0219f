"""Splits: every row once, classes in proportion, decided by the seed."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchwork.data.splits import k_fold_indices, split_indices, train_test_split
from scratchwork.errors import ConfigurationError, DataError, ShapeError


def labels(counts: list[int]) -> np.ndarray:
    return np.random.default_rng(1).permutation(np.repeat(np.arange(len(counts)), counts))


@settings(deadline=None)
@given(
    counts=st.lists(st.integers(2, 60), min_size=1, max_size=8),
    fraction=st.floats(0.01, 0.5),
    seed=st.integers(0, 1000),
    stratify=st.booleans(),
)
def test_every_row_is_in_exactly_one_part(counts, fraction, seed, stratify):
    y = labels(counts)
    train, test = split_indices(y, fraction, stratify, seed)
    assert sorted([*train.tolist(), *test.tolist()]) == list(range(len(y)))
    assert len(test) == min(max(round(len(y) * fraction), 1), len(y) - 1)
    assert (np.diff(train) > 0).all()
    assert (np.diff(test) > 0).all()


@settings(deadline=None)
@given(counts=st.lists(st.integers(2, 60), min_size=1, max_size=8), fraction=st.floats(0.01, 0.5), seed=st.integers(0, 1000))
def test_each_class_gives_its_share_to_within_one_row(counts, fraction, seed):
    y = labels(counts)
    _, test = split_indices(y, fraction, True, seed)
    given_by = Counter(y[test].tolist())
    for k, count in enumerate(counts):
        assert abs(given_by[k] - count * len(test) / len(y)) < 1 + 1e-9
        assert given_by[k] < count


def test_the_largest_remainders_are_rounded_up():
    # 20, 9 and 4 of 33 rows give 6.06, 2.73 and 1.21 of ten.
    _, test = split_indices(np.repeat([0, 1, 2], [20, 9, 4]), 10 / 33)
    assert Counter(np.repeat([0, 1, 2], [20, 9, 4])[test].tolist()) == {0: 6, 1: 3, 2: 1}


def test_digits_keep_their_proportions():
    y = np.repeat(np.arange(10), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    _, test = split_indices(y, 0.2)
    assert len(test) == 359
    assert set(Counter(y[test].tolist()).values()) <= {34, 35, 36, 37}


def test_the_seed_decides():
    y = labels([30, 30])
    assert np.array_equal(split_indices(y, seed=1)[1], split_indices(y, seed=1)[1])
    assert not np.array_equal(split_indices(y, seed=1)[1], split_indices(y, seed=2)[1])


def test_fractions_and_several_columns_are_split_at_random():
    for y in (np.linspace(0, 1, 10), np.eye(10)):
        assert len(split_indices(y, 0.3)[1]) == 3


def test_text_is_stratified_too():
    y = np.array(["cat"] * 10 + ["dog"] * 10)
    assert Counter(y[split_indices(y, 0.2)[1]].tolist()) == {"cat": 2, "dog": 2}


def test_arrays_are_split_alike():
    x = np.arange(40).reshape(20, 2)
    y = np.arange(20) % 2
    x_train, x_test, y_train, y_test = train_test_split(x, y, 0.25, seed=3)
    assert (len(x_train), len(x_test)) == (15, 5)
    assert np.array_equal(x_train[:, 0] // 2 % 2, y_train)
    assert np.array_equal(x_test[:, 0] // 2 % 2, y_test)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, np.nan, True, "half"])
def test_a_fraction_outside_0_and_1_is_refused(fraction):
    with pytest.raises(ConfigurationError, match="between 0 and 1"):
        split_indices(np.zeros(10, int), fraction)


@pytest.mark.parametrize("seed", [-1, 1.5, "one", None, True])
def test_what_is_no_seed_is_refused(seed):
    for split in (split_indices, k_fold_indices):
        with pytest.raises(ConfigurationError, match="seed is a whole number"):
            split(np.arange(10) % 2, seed=seed)


def test_what_cannot_be_split_is_refused():
    with pytest.raises(DataError, match="class 2 has only one row"):
        split_indices(np.array([0, 0, 1, 1, 2]))
    with pytest.raises(DataError, match=r"class dog has only one row.*stratify=False"):
        split_indices(np.array(["cat", "cat", "dog"]))
    with pytest.raises(DataError, match="there is 1"):
        split_indices(np.array([1]))
    with pytest.raises(DataError, match="there are 0"):
        split_indices(np.array([]))
    with pytest.raises(DataError, match="would leave no training row"):
        split_indices(np.array([0, 0, 1, 1]), 0.75)
    with pytest.raises(ShapeError, match="same number of rows"):
        train_test_split(np.zeros((3, 1)), np.zeros(2))


@settings(deadline=None)
@given(
    counts=st.lists(st.integers(5, 40), min_size=1, max_size=5),
    folds=st.integers(2, 5),
    stratify=st.booleans(),
    seed=st.integers(0, 99),
)
def test_folds_hold_every_row_once_and_are_even(counts, folds, stratify, seed):
    y = labels(counts)
    parts = k_fold_indices(y, folds, stratify, seed)
    assert sorted(row for _, test in parts for row in test.tolist()) == list(range(len(y)))
    assert max(len(test) for _, test in parts) - min(len(test) for _, test in parts) <= 1
    for train, test in parts:
        assert sorted([*train.tolist(), *test.tolist()]) == list(range(len(y)))
    if stratify:
        for k in range(len(counts)):
            per_fold = [int((y[test] == k).sum()) for _, test in parts]
            assert max(per_fold) - min(per_fold) <= 1


def test_folds_are_a_sensible_number():
    for folds in (1, 11, 2.0, True):
        with pytest.raises(ConfigurationError, match="folds"):
            k_fold_indices(np.zeros(10, int), folds)
    with pytest.raises(DataError, match=r"only 2 rows.*each of the 3 folds"):
        k_fold_indices(np.array([0, 0, 0, 1, 1]), 3)
