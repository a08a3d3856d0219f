"""Bits that are a function of seed, step and element: the reference's numbers, and no pattern that a simple test finds."""

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.randomness import GAMMA, keep_mask, mix, random_bits

MASK = 2**64 - 1
# The first outputs of the reference implementation in C (Vigna, splitmix64.c), seeded with 0 and with 1234567.
REFERENCE = {
    0: [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC],
    1234567: [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431],
}


@pytest.mark.parametrize("seed", REFERENCE)
def test_the_stream_is_that_of_splitmix64(seed):
    assert [mix((seed + i * GAMMA) & MASK) for i in range(1, 5)] == REFERENCE[seed]


def literal(seed, step, rows, columns):
    """The head of the file, word by word."""
    key = mix((mix(seed) + step) & MASK)
    bits = np.empty((rows, columns), np.uint32)
    for row in range(rows):
        for column in range(columns):
            i = row * columns + column
            word = mix((key + GAMMA * (1 + i // 2)) & MASK)
            bits[row, column] = word & 0xFFFFFFFF if i % 2 == 0 else word >> 32
    return bits


@pytest.mark.parametrize(("seed", "step"), [(0, 0), (7, 1), (2**64 - 1, 10**9), (2**63, 3)])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (4, 2)])
def test_bits_are_the_documented_function(seed, step, shape):
    assert np.array_equal(random_bits(seed, step, shape), literal(seed, step, *shape))


def test_the_split_of_the_shape_does_not_matter():
    whole = random_bits(3, 4, (60,))
    assert whole.dtype == np.uint32
    for shape in ((60, 1), (5, 12), (12, 5), (3, 4, 5)):
        assert np.array_equal(random_bits(3, 4, shape).reshape(-1), whole)
    assert np.array_equal(random_bits(3, 4, (7, 5)), random_bits(3, 4, (12, 5))[:7])  # a row's bits: not of how many there are
    assert random_bits(3, 4, (0, 5)).shape == (0, 5)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9, 1 - 1e-12])
def test_the_share_of_what_is_dropped(rate):
    n = 400_000
    dropped = n - int(keep_mask(1, 2, (n,), rate).sum())
    assert abs(dropped - rate * n) <= 4.5 * np.sqrt(n * rate * (1 - rate)) + 1


def correlation(a, b):
    return abs(float(np.corrcoef(a.reshape(-1).astype(float), b.reshape(-1).astype(float))[0, 1]))


def test_neighbours_are_independent():
    rows, columns = 1000, 333
    bound = 4.5 / np.sqrt(rows * columns)
    bits = random_bits(0, 1, (rows, columns))
    assert correlation(bits[1:], bits[:-1]) < bound
    assert correlation(bits[:, 1:], bits[:, :-1]) < bound
    for seed, step in ((0, 2), (1, 1), (2, 0), (1, 0), (2**32, 1)):
        other = random_bits(seed, step, (rows, columns))
        assert correlation(bits, other) < bound
        same = np.count_nonzero((bits > 2**31) == (other > 2**31)) / bits.size
        assert abs(same - 0.5) < bound


def test_every_bit_is_as_often_set_as_not():
    bits = random_bits(5, 5, (100_000,))
    for place in range(32):
        assert abs(np.count_nonzero(bits & np.uint32(1 << place)) / bits.size - 0.5) < 4.5 * 0.5 / np.sqrt(bits.size)


def test_columns_of_the_mask_have_no_favourites():
    mask = keep_mask(11, 3, (4000, 64), 0.3)
    spread = np.sqrt(0.3 * 0.7 / 4000)
    assert np.abs(mask.mean(axis=0) - 0.7).max() < 5 * spread
    assert np.abs(mask.mean(axis=1) - 0.7).max() < 5 * np.sqrt(0.3 * 0.7 / 64)


def test_two_dropouts_of_a_network_and_two_steps_have_masks_of_their_own():
    network = sw.Sequential([sw.Dropout(0.5), sw.Dropout(0.5)])
    network.build(4000, rng=0)
    x = np.ones((1, 4000), np.float32)
    first, second = (layer.forward(x, training=True, step=1)[0] for layer in network.layers)
    again = network[0].forward(x, training=True, step=2)[0]
    assert correlation(first, second) < 0.08
    assert correlation(first, again) < 0.08
    assert np.array_equal(first, network[0].forward(x, training=True, step=1)[0])
