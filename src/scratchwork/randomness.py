"""Counter-based random bits: the same element of the same mask, whoever computes it and in which order.

A generator with a state gives numbers that depend on how many were drawn before. Here a random word is a *function*
of where it is used, so a dropout mask is the same on every path (NumPy, compiled), thread count and resumed run:

    key   = mix(mix(seed) + step)
    word  = mix(key + γ·(1 + ⌊i/2⌋))      i = row·columns + column
    bits  = low half of the word where i is even, high half where it is odd

with mix the finalizer of SplitMix64 and γ = 0x9E3779B97F4A7C15, so that a key's words are the stream of SplitMix64
started at that key. One word serves two elements: 32 bits decide a probability to 2.3·10⁻¹⁰.

References: Steele, Lea, Flood (2014), "Fast splittable pseudorandom number generators", OOPSLA; the finalizer is
variant 13 of D. Stafford. Salmon, Moraes, Dror, Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3", for the idea.
"""

import sys

import numpy as np

from .arrays import Array

GAMMA = 0x9E3779B97F4A7C15
_MASK = 0xFFFFFFFFFFFFFFFF


def mix(word: int) -> int:
    """The SplitMix64 finalizer on one 64-bit word.

    >>> hex(mix(0x9E3779B97F4A7C15))
    '0xe220a8397b1dcdaf'
    """
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _MASK
    return word ^ (word >> 31)


def random_bits(seed: int, step: int, shape: tuple[int, ...]) -> Array:
    """32 random bits for every element of `shape`, as uint32.

    seed   which stream (a layer draws its own when it is built), 0 to 2⁶⁴ − 1
    step   which draw of that stream
    """
    size = int(np.prod(shape))
    key = mix((mix(seed & _MASK) + step) & _MASK)
    words = np.arange(1, size // 2 + 2, dtype=np.uint64)
    words *= np.uint64(GAMMA)
    words += np.uint64(key)
    words ^= words >> np.uint64(30)
    words *= np.uint64(0xBF58476D1CE4E5B9)
    words ^= words >> np.uint64(27)
    words *= np.uint64(0x94D049BB133111EB)
    words ^= words >> np.uint64(31)
    if sys.byteorder == "big":  # the low half comes first, on every machine
        return words.byteswap().view(np.uint32).byteswap()[:size].reshape(shape)
    return words.view(np.uint32)[:size].reshape(shape)


def keep_mask(seed: int, step: int, shape: tuple[int, ...], rate: float) -> Array:
    """A boolean mask that is False with probability `rate`, 0 ≤ rate < 1."""
    threshold = np.uint32(min(round(rate * 2**32), 2**32 - 1))
    return random_bits(seed, step, shape) >= threshold
