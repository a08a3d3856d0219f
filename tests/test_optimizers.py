"""Optimizers against their equations, against PyTorch's ten steps, and on problems with a known minimum."""

import dataclasses
import inspect
import json
import math
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchwork import optimizers
from scratchwork.errors import ConfigurationError
from scratchwork.optimizers import (
    OPTIMIZERS,
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    GradientDescent,
    Optimizer,
    RMSProp,
    base,
    inplace_clip_by_global_norm,
    inplace_clip_by_value,
)
from scratchwork.schedules import Cosine, InverseTime

RULES = [
    GradientDescent(0.1),
    SGD(0.1),
    SGD(0.05, momentum=0.9),
    SGD(0.05, momentum=0.9, nesterov=True),
    SGD(0.1, decay=0.05),
    AdaGrad(0.1),
    RMSProp(0.01),
    RMSProp(0.02, rho=0.9),
    Adam(0.1),
    Adam(0.1, beta1=0.8, beta2=0.95, eps=1e-3),
    AdamW(0.1, weight_decay=0.3),
]


def walk(rule, start, gradients, dtype=np.float64, cuts=()):
    """The values after each of the steps with the given gradients, taken piece by piece between `cuts`."""
    value = np.array(start, dtype)
    state, path = rule.init(value), []
    edges = [0, *cuts, value.size]
    for step, gradient in enumerate(gradients, start=1):
        grad = np.array(gradient, dtype)
        for begin, end in pairwise(edges):
            piece = {name: array[begin:end] for name, array in state.items()}
            rate = rule.learning_rate_at(step - 1)
            rule.update(value[begin:end], grad[begin:end], piece, step=step, learning_rate=rate)
        path.append(value.copy())
    return path


# Equations, transcribed per number in Python floats ------------------------------------------------------------------


def plain(w, gradients, rule):
    for t, g in enumerate(gradients, start=1):
        w = w - rule.learning_rate / (1 + getattr(rule, "decay", 0.0) * (t - 1)) * g
    return w


def momentum(w, gradients, rule):
    u = 0.0
    for g in gradients:
        u = rule.momentum * u + g
        w = w - rule.learning_rate * ((g + rule.momentum * u) if rule.nesterov else u)
    return w


def adagrad(w, gradients, rule):
    s = 0.0
    for g in gradients:
        s = s + g**2
        w = w - rule.learning_rate * g / (math.sqrt(s) + rule.eps)
    return w


def rmsprop(w, gradients, rule):
    s = 0.0
    for g in gradients:
        s = rule.rho * s + (1 - rule.rho) * g**2
        w = w - rule.learning_rate * g / (math.sqrt(s) + rule.eps)
    return w


def adam(w, gradients, rule):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        w = (1 - rule.learning_rate * getattr(rule, "weight_decay", 0.0)) * w
        m = rule.beta1 * m + (1 - rule.beta1) * g
        v = rule.beta2 * v + (1 - rule.beta2) * g**2
        m_hat = m / (1 - rule.beta1**t)
        v_hat = v / (1 - rule.beta2**t)
        w = w - rule.learning_rate * m_hat / (math.sqrt(v_hat) + rule.eps)
    return w


def equation_of(rule):
    if isinstance(rule, SGD) and rule.momentum:
        return momentum
    table = {GradientDescent: plain, SGD: plain, AdaGrad: adagrad, RMSProp: rmsprop, Adam: adam, AdamW: adam}
    return table[type(rule)]


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_steps_follow_the_equations(rule):
    start, gradients = [1.0, -2.0, 0.5], [[0.5, -1.0, 1e-3], [-0.25, -2.0, 0.0], [3.0, 0.1, -1e-3], [1.0, 1.0, 1.0]]
    path = walk(rule, start, gradients)
    for steps in range(1, 5):
        expected = [equation_of(rule)(w, [g[i] for g in gradients[:steps]], rule) for i, w in enumerate(start)]
        np.testing.assert_allclose(path[steps - 1], expected, rtol=1e-13)


def test_first_steps_by_hand():
    (w,) = walk(SGD(0.5), [1.0], [[0.4]])
    assert w[0] == pytest.approx(0.8)
    w = walk(SGD(0.1, momentum=0.5), [0.0], [[1.0], [1.0]])[1]
    assert w[0] == pytest.approx(-0.1 - 0.15)
    w = walk(SGD(0.1, momentum=0.5, nesterov=True), [0.0], [[1.0]])[0]
    assert w[0] == pytest.approx(-0.15)
    w = walk(AdaGrad(1.0), [0.0], [[3.0], [4.0]])[1]
    assert w[0] == pytest.approx(-1.0 - 0.8)
    (w,) = walk(RMSProp(0.01, rho=0.75), [0.0], [[4.0]])
    assert w[0] == pytest.approx(-0.02)
    (w,) = walk(Adam(0.001), [0.0, 0.0], [[1e3, -1e-3]])
    assert w == pytest.approx([-0.001, 0.001], rel=1e-4)
    (w,) = walk(AdamW(0.1, weight_decay=0.5), [2.0], [[0.0]])
    assert w[0] == pytest.approx(1.9)


# PyTorch -------------------------------------------------------------------------------------------------------------

GOLDEN = json.loads((Path(__file__).parent / "golden" / "optimizers.json").read_text())
LIKE_PYTORCH = {
    "SGD(0.1)": SGD(0.1),
    "SGD(0.05, momentum=0.9)": SGD(0.05, momentum=0.9),
    "SGD(0.05, momentum=0.9, nesterov=True)": SGD(0.05, momentum=0.9, nesterov=True),
    "AdaGrad(0.1)": AdaGrad(0.1),
    "RMSProp(0.01)": RMSProp(0.01),
    "RMSProp(0.01, rho=0.9)": RMSProp(0.01, rho=0.9),
    "Adam(0.1)": Adam(0.1),
    "Adam(0.1, beta1=0.8, beta2=0.95, eps=1e-3)": Adam(0.1, beta1=0.8, beta2=0.95, eps=1e-3),
    "AdamW(0.1)": AdamW(0.1),
    "AdamW(0.1, weight_decay=0.3)": AdamW(0.1, weight_decay=0.3),
}


def test_every_golden_case_is_tested():
    assert set(LIKE_PYTORCH) == set(GOLDEN["cases"])


@pytest.mark.parametrize("name", LIKE_PYTORCH)
def test_ten_steps_of_pytorch(name):
    case = GOLDEN["cases"][name]
    path = walk(LIKE_PYTORCH[name], GOLDEN["start"], case["gradients"])
    np.testing.assert_allclose(path, case["values"], rtol=1e-12, atol=1e-13)


# Behaviour that all rules share --------------------------------------------------------------------------------------


def parabola(w):
    return 0.5 * (w[0] ** 2 + 10.0 * w[1] ** 2), np.array([w[0], 10.0 * w[1]])


def rosenbrock(w):
    a, b = 1.0 - w[0], w[1] - w[0] ** 2
    return a**2 + 100.0 * b**2, np.array([-2.0 * a - 400.0 * w[0] * b, 200.0 * b])


STEPS = 8000
CONVERGE = [
    (GradientDescent(0.1), GradientDescent(2e-3)),
    (SGD(0.1, decay=1e-3), SGD(2e-3)),
    (SGD(0.01, momentum=0.9), SGD(5e-4, momentum=0.9)),
    (SGD(0.01, momentum=0.9, nesterov=True), SGD(5e-4, momentum=0.9, nesterov=True)),
    (AdaGrad(0.5), AdaGrad(0.5)),
    (RMSProp(InverseTime(0.01, 1e-2)), RMSProp(Cosine(0.01, STEPS))),
    (Adam(0.05), Adam(0.05)),
    (AdamW(0.05, weight_decay=1e-4), AdamW(Cosine(0.05, STEPS), weight_decay=1e-4)),
]


@pytest.mark.parametrize(("pair", "index"), list(product(CONVERGE, (0, 1))), ids=str)
def test_finds_the_minimum(pair, index):
    rule, problem, w = pair[index], (parabola, rosenbrock)[index], np.array([-1.2, 1.0])
    state = rule.init(w)
    first = problem(w)[0]
    for step in range(1, STEPS + 1):
        rule.update(w, problem(w)[1], state, step=step, learning_rate=rule.learning_rate_at(step - 1))
    assert first > 5.0
    assert problem(w)[0] < 1e-3


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept_and_the_gradient_only_read(rule, dtype):
    rng = np.random.default_rng(0)
    value, grad = rng.standard_normal(100).astype(dtype), rng.standard_normal(100).astype(dtype)
    grad.setflags(write=False)
    before, state = value.copy(), rule.init(value)
    arrays = {name: id(array) for name, array in state.items()}
    for step in (1, 2, 64):
        assert rule.update(value, grad, state, step=step, learning_rate=rule.learning_rate_at(step - 1)) is None
    assert value.dtype == dtype
    assert not np.array_equal(value, before)
    assert {name: id(array) for name, array in state.items()} == arrays
    assert all(array.dtype == dtype and array.shape == value.shape for array in state.values())


@pytest.mark.parametrize("scalar", [np.float64, np.float32, int])
def test_numpy_numbers_as_settings_do_not_widen_float32(scalar):
    value = np.ones(5, np.float32)
    for rule in (
        SGD(scalar(1), momentum=np.float64(0.5)),
        Adam(scalar(1), beta1=np.float64(0.5)),
        RMSProp(rho=np.float64(0.5)),
    ):
        rate = rule.learning_rate_at(0)
        assert type(rate) is float
        state = rule.init(value)
        rule.update(value, np.ones(5, np.float32), state, step=1, learning_rate=rate)
        assert value.dtype == np.float32
        assert all(array.dtype == np.float32 for array in state.values())


@pytest.mark.parametrize("rule", RULES, ids=repr)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_cutting_the_vector_changes_no_bit(rule, data):
    size = data.draw(st.integers(2, 70))
    cuts = sorted(data.draw(st.sets(st.integers(1, size - 1), max_size=4)))
    rng = np.random.default_rng(size)
    gradients = rng.standard_normal((66, size)) * (rng.random((66, size)) < 0.3)  # past the flush at step 64
    start = rng.standard_normal(size)
    whole = walk(rule, start, gradients, np.float32)[-1]
    pieces = walk(rule, start, gradients, np.float32, cuts)[-1]
    assert whole.tobytes() == pieces.tobytes()


@pytest.mark.parametrize(
    ("rule", "smallest"),
    [(SGD(0.1, momentum=0.9), "velocity"), (RMSProp(0.01, rho=0.9), "squares"), (Adam(0.01), "m"), (AdamW(0.01), "m")],
    ids=str,
)
def test_moments_do_not_stay_denormal(rule, smallest, monkeypatch):
    rng = np.random.default_rng(0)
    gradients = np.zeros((2048, 200))
    gradients[:3] = rng.standard_normal((3, 200))
    start = rng.standard_normal(200)

    def run():
        value = np.array(start, np.float32)
        state = rule.init(value)
        for step, gradient in enumerate(gradients.astype(np.float32), start=1):
            rule.update(value, gradient, state, step=step, learning_rate=0.01)
        return value, np.abs(state[smallest])

    tiny = np.finfo(np.float32).smallest_normal
    value, moment = run()
    assert not ((moment > 0) & (moment < tiny)).any()
    monkeypatch.setattr(base, "FLUSH_EVERY", 10**9)
    untouched, moment = run()
    assert ((moment > 0) & (moment < tiny)).all()  # what would happen: the test is about something
    assert value.tobytes() == untouched.tobytes()  # and nothing but the time is changed


def test_the_flush_reaches_no_further_than_it_says():
    state = {"m": np.array([1e-35, -1e-35, 2e-34, -1e-30], np.float32), "v": np.array([0.0, 1e-36, 2e-34, 1e-30], np.float32)}
    before = {name: array.copy() for name, array in state.items()}
    still = Adam(beta1=1 - 1e-16, beta2=1 - 1e-16)  # keeps all but nothing of what is there
    still.update(np.ones(4, np.float32), np.zeros(4, np.float32), state, step=63, learning_rate=1e-3)
    assert all(np.array_equal(state[name], before[name]) for name in state)
    still.update(np.ones(4, np.float32), np.zeros(4, np.float32), state, step=64, learning_rate=1e-3)
    bound = 1e4 * np.finfo(np.float32).smallest_normal
    assert state["m"].tolist() == [0.0, 0.0, before["m"][2], before["m"][3]]
    np.testing.assert_allclose(state["v"], [bound, bound, before["v"][2], before["v"][3]], rtol=1e-6)


def test_table_names_every_rule():
    found = {c for _, c in inspect.getmembers(optimizers, inspect.isclass) if issubclass(c, Optimizer) and c is not Optimizer}
    assert set(OPTIMIZERS.values()) == found
    assert all(isinstance(rule(), Optimizer) for rule in OPTIMIZERS.values())


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_config_makes_the_same_rule(rule):
    assert type(rule)(**rule.config()) == rule
    assert repr(rule).startswith(f"{type(rule).__name__}(learning_rate={rule.learning_rate}")
    assert hash(rule) == hash(type(rule)(**rule.config()))


def test_only_decoupled_decay_is_taken_away():
    assert AdamW(0.1, beta1=0.5, weight_decay=0.3).without_decay() == AdamW(0.1, beta1=0.5, weight_decay=0.0)
    for rule in RULES:
        if not isinstance(rule, AdamW):
            assert rule.without_decay() is rule


def test_adamw_without_decay_is_adam():
    gradients = np.random.default_rng(0).standard_normal((5, 4))
    expected = walk(Adam(0.1), np.ones(4), gradients)
    np.testing.assert_array_equal(walk(AdamW(0.1).without_decay(), np.ones(4), gradients), expected)


def test_learning_rates():
    assert Adam(0.25).learning_rate_at(1000) == 0.25
    assert Adam(lambda step: 0.5**step).learning_rate_at(3) == 0.125
    rule = SGD(0.5, decay=0.1)
    assert [rule.learning_rate_at(step) for step in range(30)] == [InverseTime(0.5, 0.1)(step) for step in range(30)]
    assert rule.learning_rate_at(0) == 0.5


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: SGD(0.0), "learning_rate > 0"),
        (lambda: SGD(-1.0), "learning_rate > 0"),
        (lambda: Adam(math.nan), "learning_rate > 0"),
        (lambda: Adam(math.inf), "learning_rate > 0"),
        (lambda: Adam("0.1"), "received '0.1'"),
        (lambda: Adam(True), "received True"),
        (lambda: Adam(Cosine), "does not take a step number"),
        (lambda: Adam(lambda: 0.1), "does not take a step number"),
        (lambda: Adam(lambda step: -0.1), "received -0.1"),
        (lambda: SGD(momentum=1.0), "momentum >= 0 and < 1"),
        (lambda: SGD(momentum=-0.1), "momentum >= 0 and < 1"),
        (lambda: SGD(nesterov=True), "momentum > 0"),
        (lambda: SGD(decay=-1e-3), "decay >= 0"),
        (lambda: SGD(Cosine(0.1, 10), decay=0.1), "one of the two"),
        (lambda: AdaGrad(eps=0.0), "eps >= 1e-30"),
        (lambda: RMSProp(rho=1.0), "rho >= 0 and < 1"),
        (lambda: RMSProp(eps=-1.0), "eps"),
        (lambda: Adam(beta1=1.0), "beta1"),
        (lambda: Adam(beta2=1.5), "beta2"),
        (lambda: Adam(beta2=math.nan), "beta2"),
        (lambda: Adam(eps=0.0), "eps"),
        (lambda: AdamW(weight_decay=-0.1), "weight_decay"),
        (lambda: AdamW(beta1="0.9"), "beta1"),
    ],
)
def test_settings_out_of_range(make, told):
    with pytest.raises(ConfigurationError, match=told):
        make()


# Clipping ------------------------------------------------------------------------------------------------------------


def test_clip_by_value():
    grad = np.array([-3.0, -0.5, 0.0, 0.5, 3.0, np.inf], np.float32)
    inplace_clip_by_value(grad, 1.0)
    assert grad.tolist() == [-1.0, -0.5, 0.0, 0.5, 1.0, 1.0]
    assert grad.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clip_by_global_norm(dtype):
    grad = np.array([3.0, -4.0], dtype)
    assert inplace_clip_by_global_norm(grad, 10.0) == 5.0
    assert grad.tolist() == [3.0, -4.0]
    assert inplace_clip_by_global_norm(grad, 2.5) == 5.0
    assert grad.tolist() == [1.5, -2.0]
    assert grad.dtype == dtype


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.floats(1e-3, 1e3), st.integers(-30, 30), st.integers(0, 1000))
def test_clipped_length(size, limit, exponent, seed):
    original = (np.random.default_rng(seed).standard_normal(size) * 10.0**exponent).astype(np.float32)
    length = float(np.linalg.norm(original.astype(np.float64)))
    grad = original.copy()
    assert inplace_clip_by_global_norm(grad, limit) == pytest.approx(length, rel=1e-5)
    expected = original.astype(np.float64) * min(1.0, limit / length)
    np.testing.assert_allclose(grad, expected, rtol=1e-5, atol=1e-37)


@pytest.mark.parametrize("size", [3.0, 1e19, 1e30, 1e38, 1e-25, 1e-38])
def test_norms_whose_squares_leave_float32(size):
    grad = np.full(40_000, size, np.float32)
    assert inplace_clip_by_global_norm(grad, 1e-40) == pytest.approx(200.0 * float(np.float32(size)), rel=1e-5)
    np.testing.assert_allclose(grad, 1e-40 / 200.0, rtol=1, atol=2e-45)


def test_norm_of_nothing_and_of_what_is_not_finite():
    assert inplace_clip_by_global_norm(np.zeros(3, np.float32), 1.0) == 0.0
    assert inplace_clip_by_global_norm(np.zeros(0, np.float32), 1.0) == 0.0
    for bad in (np.nan, np.inf):
        grad = np.array([1.0, bad, 2.0], np.float32)
        assert not math.isfinite(inplace_clip_by_global_norm(grad, 1.0))
        np.testing.assert_array_equal(grad, np.array([1.0, bad, 2.0], np.float32))


def test_a_rule_of_ones_own_may_be_any_class():
    class Mine(Optimizer):
        def __init__(self, learning_rate=0.5, power=2):
            self.learning_rate, self.power = learning_rate, power

        def init(self, value):
            return {}

        def update(self, value, grad, state, *, step, learning_rate):
            value -= learning_rate * grad**self.power

    class Inherited(Mine):
        pass

    @dataclasses.dataclass(frozen=True)
    class Frozen(Optimizer):
        power: int = 2

        init, update = Mine.init, Mine.update

    for rule in (Mine(), Inherited(), Frozen(0.5)):
        assert rule.config() == {"learning_rate": 0.5, "power": 2}
        assert type(rule)(**rule.config()).config() == rule.config()
        np.testing.assert_array_equal(walk(rule, [1.0, 2.0], [[2.0, 0.0]])[-1], [-1.0, 2.0])
    with pytest.raises(dataclasses.FrozenInstanceError):
        Frozen(0.5).power = 3
