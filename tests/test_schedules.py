"""Schedules at steps whose rate is known, exact at both ends, and refused settings."""

import inspect
import math

import pytest

from scratchwork import schedules
from scratchwork.errors import ConfigurationError
from scratchwork.schedules import (
    SCHEDULES,
    Constant,
    Cosine,
    CosLog,
    Exponential,
    InverseTime,
    OneCycle,
    Schedule,
    StepDecay,
    WarmUp,
)

EXAMPLES = [
    Constant(0.3),
    InverseTime(0.3, decay=0.01),
    StepDecay(0.3, every=7, factor=0.1),
    Exponential(0.3, decay=0.01),
    Cosine(0.3, steps=100, final=0.007),
    WarmUp(5, then=0.3),
    WarmUp(5, then=Cosine(0.3, steps=50, final=0.1)),
    OneCycle(0.3, steps=100),
]


def test_constant():
    assert [Constant(0.1)(step) for step in (0, 1, 10**6)] == [0.1, 0.1, 0.1]


def test_inverse_time_is_the_decay_of_the_slides():
    schedule = InverseTime(1.0, decay=1e-3)
    assert schedule(0) == 1.0
    assert schedule(1000) == pytest.approx(0.5)
    assert schedule(10_000) == pytest.approx(1 / 11)
    assert InverseTime(0.3, decay=0.0)(10**9) == 0.3


def test_step_decay():
    schedule = StepDecay(0.8, every=3, factor=0.5)
    assert [schedule(step) for step in range(8)] == pytest.approx([0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2])
    assert StepDecay(0.8, every=3)(10**6) == 0.0  # underflow, without an error


def test_exponential():
    schedule = Exponential(0.5, decay=0.1)
    assert schedule(0) == 0.5
    assert schedule(10) == pytest.approx(0.5 / math.e)
    assert schedule(11) / schedule(10) == pytest.approx(math.exp(-0.1))
    assert schedule(10**6) == 0.0


def test_cosine():
    schedule = Cosine(0.3, steps=120, final=0.1)
    assert schedule(0) == 0.3
    assert schedule(40) == pytest.approx(0.1 + 0.2 * 0.75)
    assert schedule(60) == pytest.approx(0.2)
    assert schedule(80) == pytest.approx(0.1 + 0.2 * 0.25)
    assert schedule(120) == 0.1
    assert schedule(10**9) == 0.1


def test_warm_up():
    schedule = WarmUp(4, then=Exponential(1.0, decay=0.1))
    assert [schedule(step) for step in range(4)] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert schedule(4) == 1.0
    assert schedule(14) == pytest.approx(1 / math.e)
    assert WarmUp(1, then=0.5)(0) == 0.25
    assert WarmUp(1, then=0.5)(1) == 0.5
    assert WarmUp(2, then=lambda step: 3.0 + step)(5) == 6.0


def test_one_cycle():
    schedule = OneCycle(0.5, steps=200, warm_up=0.25, divisor=10.0, final_divisor=100.0)
    assert schedule(0) == 0.05
    assert schedule(25) == pytest.approx((0.05 + 0.5) / 2)
    assert schedule(50) == 0.5
    assert schedule(125) == pytest.approx((0.5 + 0.0005) / 2)
    assert schedule(200) == pytest.approx(0.0005, rel=1e-12)
    assert schedule(10**6) == schedule(200)
    rates = [schedule(step) for step in range(220)]
    assert max(rates) == 0.5
    assert rates[:51] == sorted(rates[:51])
    assert rates[50:] == sorted(rates[50:], reverse=True)
    assert OneCycle(0.5, steps=10, warm_up=0.0)(0) == 0.5
    assert OneCycle(0.5, steps=1)(0) == 0.02


def test_cos_log_is_four_waves_that_double():
    schedule = CosLog(0.5, steps=1500)
    assert [schedule(step) for step in (0, 100, 300, 700, 1500, 10**9)] == pytest.approx([0.0] * 6, abs=1e-15)
    for wave in range(4):
        begin, end = 100 * (2**wave - 1), 100 * (2 ** (wave + 1) - 1)
        rates = [schedule(step) for step in range(begin, end + 1)]
        top = rates.index(max(rates))
        assert begin + top == pytest.approx(100 * (2 ** (wave + 0.5) - 1), abs=1)
        assert max(rates) == pytest.approx(0.5, rel=1e-3)
        assert rates[: top + 1] == sorted(rates[: top + 1])
        assert rates[top:] == sorted(rates[top:], reverse=True)
    assert CosLog(0.5, steps=1)(0) == CosLog(0.5, steps=1)(1) == 0.0


@pytest.mark.parametrize("steps", [1, 7, 256, 98765])
@pytest.mark.parametrize("cycles", [1, 3, 4, 30])
def test_cos_log_stays_between_0_and_its_peak(steps, cycles):
    schedule = CosLog(0.04, steps, cycles)
    rates = [schedule(step) for step in range(0, steps + 2, max(1, steps // 97))]
    assert all(type(rate) is float and 0.0 <= rate <= 0.04 for rate in rates)


@pytest.mark.parametrize("schedule", EXAMPLES, ids=repr)
def test_rates_are_positive_python_floats_and_start_exactly(schedule):
    rates = [schedule(step) for step in range(100)]
    assert all(type(rate) is float and 0 < rate <= 0.3 for rate in rates)
    first = {WarmUp: 0.3 * (1 / 6), OneCycle: 0.3 / 25}.get(type(schedule), 0.3)
    assert rates[0] == first
    assert rates == [schedule(step) for step in range(100)]


@pytest.mark.parametrize("schedule", [*EXAMPLES, CosLog(0.3, steps=50, cycles=3)], ids=repr)
def test_config_makes_the_same_schedule(schedule):
    assert type(schedule)(**schedule.config()) == schedule
    assert all(f"{name}={value!r}" in repr(schedule) for name, value in schedule.config().items())


def test_table_names_every_schedule():
    found = {c for _, c in inspect.getmembers(schedules, inspect.isclass) if issubclass(c, Schedule)} - {Schedule}
    assert set(SCHEDULES.values()) == found


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Constant(0.0), "value > 0"),
        (lambda: Constant("0.1"), "received '0.1'"),
        (lambda: InverseTime(-0.1, 0.1), "initial > 0"),
        (lambda: InverseTime(0.1, -0.1), "decay >= 0"),
        (lambda: InverseTime(0.1, math.nan), "decay >= 0"),
        (lambda: StepDecay(0.1, every=0), "whole number of steps every, at least 1"),
        (lambda: StepDecay(0.1, every=2.5), "whole number"),
        (lambda: StepDecay(0.1, every=2, factor=1.5), "factor > 0 and <= 1"),
        (lambda: StepDecay(0.1, every=2, factor=0.0), "factor > 0 and <= 1"),
        (lambda: Exponential(0.1, decay=-1.0), "decay >= 0"),
        (lambda: Cosine(0.1, steps=0), "whole number of steps, at least 1"),
        (lambda: Cosine(0.1, steps=True), "whole number of steps"),
        (lambda: Cosine(0.1, steps=10, final=-0.1), "final >= 0"),
        (lambda: WarmUp(0, then=0.1), "at least 1"),
        (lambda: WarmUp(5, then=-0.1), "then > 0"),
        (lambda: WarmUp(5, then="0.1"), "then > 0"),
        (lambda: OneCycle(0.0, steps=10), "peak > 0"),
        (lambda: OneCycle(0.1, steps=10, warm_up=1.0), "warm_up >= 0 and < 1"),
        (lambda: OneCycle(0.1, steps=10, divisor=0.5), "divisor >= 1"),
        (lambda: OneCycle(0.1, steps=10, final_divisor=0.0), "final_divisor >= 1"),
        (lambda: CosLog(0.0, steps=10), "peak > 0"),
        (lambda: CosLog(0.1, steps=0), "whole number of steps, at least 1"),
        (lambda: CosLog(0.1, steps=10, cycles=2.5), "whole number of cycles, at least 1"),
    ],
)
def test_settings_out_of_range(make, told):
    with pytest.raises(ConfigurationError, match=told):
        make()


def test_the_settings_of_one_of_ones_own_are_its_arguments():
    class Mine(Schedule):
        def __init__(self, first):
            self.first = first

        def __call__(self, step):
            return self.first / (step + 1)

    assert Mine(0.5).config() == {"first": 0.5}
