"""Orders and portions of an epoch."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchwork.data.batches import batch_slices, epoch_order
from scratchwork.errors import ConfigurationError


@given(n=st.integers(0, 200), seed=st.integers(0, 2**40), epoch=st.integers(0, 1000))
def test_an_order_holds_every_row_once(n, seed, epoch):
    assert sorted(epoch_order(n, seed, epoch).tolist()) == list(range(n))


def test_no_epoch_and_no_seed_repeats_an_order():
    orders = {tuple(epoch_order(50, seed, epoch)) for seed, epoch in itertools.product(range(5), range(40))}
    assert len(orders) == 200


def test_an_order_depends_on_seed_and_epoch_alone():
    first = epoch_order(100, 3, 7)
    np.random.default_rng(0).random(5)
    epoch_order(100, 3, 6)
    assert np.array_equal(epoch_order(100, 3, 7), first)


def test_an_order_is_what_the_documentation_says():
    assert np.array_equal(epoch_order(9, 4, 2), np.random.default_rng([4, 2]).permutation(9))


@pytest.mark.parametrize(("seed", "epoch"), [(-1, 0), (0, -1)])
def test_negative_seeds_and_epochs_are_refused(seed, epoch):
    with pytest.raises(ConfigurationError, match="at least 0"):
        epoch_order(3, seed, epoch)


@given(n=st.integers(0, 300), size=st.integers(1, 400))
def test_portions_hold_every_row_once_and_only_the_last_is_short(n, size):
    slices = batch_slices(n, size)
    assert [row for part in slices for row in range(part.start, part.stop)] == list(range(n))
    assert all(part.stop - part.start == size for part in slices[:-1])
    assert all(part.stop > part.start for part in slices)


def test_none_takes_all_rows_at_once():
    assert batch_slices(7, None) == [slice(0, 7)]


@pytest.mark.parametrize("size", [0, -1, 2.5, True])
def test_a_batch_size_that_is_none_is_refused(size):
    with pytest.raises(ConfigurationError, match="batch_size"):
        batch_slices(10, size)
