"""The compiled path's exponentials against Python's decimal arithmetic: digits, limits, order, and what has no digits."""

import math
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from numba import njit

from scratchwork.engine.compiling import LOOSE
from scratchwork.engine.exponential import exp, expm1
from scratchwork.engine.kernels_activation import tanh

DTYPES = [np.float32, np.float64]
EXP = 1.2  # units in the last place; below 1 where the processor rounds a multiply-add once
Array = Any


# Compiled like the kernels, whose sums may be taken in another order: (y + s) − s must not become y all the same.


@njit(fastmath=LOOSE)
def exps(x, y):
    for i in range(x.size):
        y[i] = exp(x[i])


@njit(fastmath=LOOSE)
def expm1s(x, y):
    for i in range(x.size):
        y[i] = expm1(x[i])


@njit(fastmath=LOOSE)
def tanhs(x, y):
    for i in range(x.size):
        y[i] = tanh(x[i])


def of(function: Any, x: Array) -> Array:
    y = np.empty_like(x)
    function(x, y)
    return y


def one_less(x: Decimal) -> Decimal:
    return x.exp() - 1


def ratio(x: Decimal) -> Decimal:
    e = (2 * x).exp()
    return (e - 1) / (e + 1)


TRUE = {exps: Decimal.exp, expm1s: one_less, tanhs: ratio}


def units(function: Any, x: Array) -> Array:
    """How many units in the last place of the true value each result is off."""
    found = of(function, x)
    with localcontext(prec=80):
        true = [TRUE[function](Decimal(float(v))) for v in x]
        unit = np.spacing(np.abs(np.array([float(t) for t in true])).astype(x.dtype))
        return np.array(
            [float(abs(Decimal(float(y)) - t) / Decimal(float(u))) for y, t, u in zip(found, true, unit, strict=True)]
        )


def ends(dtype: Any) -> tuple[float, float]:
    """(ln of the smallest normal number, ln of the largest number)."""
    limits = np.finfo(dtype)
    return math.log(float(limits.smallest_normal)), math.log(float(limits.max))


def range_of(dtype: Any, count: int = 3000) -> Array:
    """Numbers over the whole range, around 0, and small ones of every size."""
    rng, (low, high) = np.random.default_rng(0), ends(dtype)
    small = 10.0 ** rng.uniform(-30, 0, count) * rng.choice([-1, 1], count)
    return np.concatenate([rng.uniform(low * 0.999, high * 0.999, count), rng.uniform(-2, 2, count), small]).astype(dtype)


def neighbours(x: float, dtype: Any, count: int = 300) -> Array:
    """The numbers of this precision next to x, in order."""
    middle = np.array(abs(x), dtype).view(np.int32 if dtype == np.float32 else np.int64)
    around = (middle + np.arange(-count, count + 1)).astype(middle.dtype).view(dtype)
    return around if x > 0 else -around[::-1]


# -- digits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("function", "most"), [(exps, EXP), (expm1s, 2.0), (tanhs, 3.0)], ids=["exp", "expm1", "tanh"])
def test_digits(function, most, dtype):
    x = range_of(dtype)
    wrong = units(function, x)
    assert wrong.max() < most, (x[wrong.argmax()], wrong.max())
    assert wrong.max() > 0.4  # the comparison sees something


@pytest.mark.parametrize(("function", "most"), [(np.exp, EXP), (np.expm1, 2.0), (np.tanh, 3.0)], ids=["exp", "expm1", "tanh"])
def test_digits_of_millions_in_single_precision(function, most):
    """Every 2011th number there is, against NumPy in double precision."""
    x = np.arange(0, 2**32, 2011, dtype=np.uint32).view(np.float32)
    low, high = ends(np.float32)
    x = x[(x > low) & (x < high) & (np.abs(x) > 1e-37)]
    found = of({np.exp: exps, np.expm1: expm1s, np.tanh: tanhs}[function], x)
    true = function(x.astype(np.float64))
    wrong = np.abs(found - true) / np.spacing(np.abs(true).astype(np.float32))
    assert x.size > 1_000_000
    assert wrong.max() < most


@pytest.mark.parametrize("dtype", DTYPES)
def test_digits_where_the_power_of_two_changes(dtype):
    """x = (k + ½) ln 2 and its neighbours: the remainder is largest there, and of either sign."""
    last = 126 if dtype == np.float32 else 1021
    for k in (-last, -64, -2, -1, 0, 1, 2, 64, last - 1):
        x = neighbours((k + 0.5) * math.log(2), dtype, 20)
        assert units(exps, x).max() < EXP
        assert units(expm1s, x).max() < 2


# -- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_upper_end(dtype):
    """The last number with a finite exponential has one, the next is infinite, and there is no NaN between."""
    x = neighbours(ends(dtype)[1], dtype)
    with localcontext(prec=80):
        largest = Decimal(float(np.finfo(dtype).max))
        finite = np.array([Decimal(float(v)).exp() <= largest for v in x])
    assert 0 < finite.sum() < x.size
    for function in (exps, expm1s):
        found = of(function, x)
        assert np.array_equal(np.isfinite(found), finite)
        assert (found[~finite] == np.inf).all()
        assert (np.diff(found[finite]) >= 0).all()
        assert units(function, x[finite]).max() < 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_lower_end(dtype):
    """As long as the result is a normal number it has its digits; below it is 0."""
    x = neighbours(ends(dtype)[0], dtype)
    with localcontext(prec=80):
        smallest = Decimal(float(np.finfo(dtype).smallest_normal))
        normal = np.array([Decimal(float(v)).exp() >= smallest for v in x])
    assert 0 < normal.sum() < x.size
    found = of(exps, x)
    assert (found[~normal] == 0).all()
    assert units(exps, x[normal]).max() < EXP
    assert (np.diff(found) >= 0).all()
    assert (of(expm1s, x) == -1).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_has_no_digits(dtype):
    limits = np.finfo(dtype)
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan, limits.max, -limits.max, 2 * ends(dtype)[0]], dtype)
    nan, inf = np.nan, np.inf
    assert np.array_equal(of(exps, x), np.array([1, 1, inf, 0, nan, nan, inf, 0, 0], dtype), equal_nan=True)
    assert np.array_equal(of(expm1s, x), np.array([0, 0, inf, -1, nan, nan, inf, -1, -1], dtype), equal_nan=True)
    assert np.array_equal(of(tanhs, x), np.array([0, 0, 1, -1, nan, nan, 1, -1, -1], dtype), equal_nan=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_denormal_numbers(dtype):
    """e^x is 1; of x itself, which e^x - 1 and tanh x are, at most the last bit is lost."""
    least = np.finfo(dtype).smallest_subnormal
    x = np.concatenate(
        [least * np.arange(1, 50, dtype=dtype), np.geomspace(least, np.finfo(dtype).smallest_normal, 40, dtype=dtype)]
    )
    for signed in (x, -x):
        assert (of(exps, signed) == 1).all()
        assert (np.abs(of(expm1s, signed) - signed) <= least).all()
        assert (np.abs(of(tanhs, signed) - signed) <= 2 * least).all()


# -- order -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_they_never_fall_by_more_than_rounding(dtype):
    """On a grid over the whole range; steps are larger than a unit in the last place, so that none may be backwards."""
    low, high = ends(dtype)
    x = np.linspace(low - 1, high + 1, 400_000, dtype=dtype)
    assert (np.diff(x) > 0).all()
    y = of(exps, x)
    y = y[: int(np.isinf(y).argmax())]
    assert 390_000 < y.size < x.size
    assert (np.diff(y) >= 0).all()
    for function in (expm1s, tanhs):
        y = of(function, np.linspace(-30, 30, 400_000, dtype=dtype))
        assert (np.diff(y) >= -2 * np.spacing(np.abs(y[1:]))).all()


# -- tanh ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_tanh_is_odd_and_stays_within_one(dtype):
    x = np.concatenate([range_of(dtype), np.linspace(0, 30, 10_000, dtype=dtype)])
    y = of(tanhs, x)
    assert np.array_equal(of(tanhs, -x), -y)
    assert np.abs(y).max() == 1
    assert (of(tanhs, np.linspace(25, 1e4, 1000, dtype=dtype)) == 1).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_tanh_of_small_numbers_is_the_number(dtype):
    """(e²ˣ − 1)/(e²ˣ + 1) with exp would have no digit here."""
    x = np.geomspace(np.finfo(dtype).smallest_normal * 4, 1e-4 if dtype == np.float32 else 1e-9, 5000, dtype=dtype)
    assert (np.abs(of(tanhs, x) - x) <= 2 * np.spacing(x)).all()
