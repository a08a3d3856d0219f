"""What every optimizer, initializer, penalty and schedule promises, over one table of them all."""

import copy

import numpy as np
import pytest

import scratchwork as sw
from cases import CONSTRAINT_CASES, INITIALIZER_CASES, OPTIMIZER_CASES, REGULARIZER_CASES, SCHEDULE_CASES
from scratchwork.initializers import INITIALIZERS
from scratchwork.optimizers import OPTIMIZERS
from scratchwork.regularizers import CONSTRAINTS, REGULARIZERS
from scratchwork.schedules import SCHEDULES

optimizers = pytest.mark.parametrize("make", OPTIMIZER_CASES.values(), ids=OPTIMIZER_CASES.keys())
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def descend(rule, value, steps, gradient=lambda value: 2 * value):
    state = rule.init(value)
    for step in range(1, steps + 1):
        rule.update(value, gradient(value), state, step=step, learning_rate=rule.learning_rate_at(step - 1))
    return state


@optimizers
def test_it_goes_down_a_parabola(make):
    value = np.array([1.0, -2.0, 0.5])
    descend(make(), value, 400)
    assert np.abs(value).max() < 0.1


@optimizers
@dtypes
def test_dtypes_and_gradient_are_kept(make, dtype):
    rule = make()
    value, grad = np.ones(5, dtype), np.linspace(-1, 1, 5).astype(dtype)
    kept = grad.copy()
    state = rule.init(value)
    for step in range(1, 70):
        rule.update(value, grad, state, step=step, learning_rate=0.01)
    assert value.dtype == dtype
    assert all(array.dtype == dtype and array.shape == value.shape for array in state.values())
    assert np.array_equal(grad, kept)
    assert np.isfinite(value).all()


@optimizers
def test_where_the_vector_is_cut_does_not_matter(make):
    rule = make()
    rng = np.random.default_rng(0)
    whole = rng.normal(size=101).astype(np.float32)
    cut = whole.copy()
    state, parts = rule.init(whole), rule.init(cut)
    for step in range(1, 140):
        grad = rng.normal(size=101).astype(np.float32)
        rule.update(whole, grad, state, step=step, learning_rate=0.01)
        for part in (slice(0, 17), slice(17, 101)):
            rule.update(cut[part], grad[part], {k: v[part] for k, v in parts.items()}, step=step, learning_rate=0.01)
    assert np.array_equal(whole, cut)


@optimizers
def test_training_with_it_lowers_the_loss(make):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 3))
    y = (x[:, 0] + x[:, 1] > 0).astype(int)
    network = sw.Sequential([sw.Dense(8), sw.Tanh(), sw.Dense(2)])
    history = sw.fit(network, x, y, loss="SoftmaxCrossEntropy", optimizer=make(), epochs=8, batch_size=16, progress=False)
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.parametrize("initializer", INITIALIZER_CASES, ids=repr)
@dtypes
@pytest.mark.parametrize("shape", [(1, 1), (6, 4), (4, 6), (30, 1), (1, 30)])
def test_initializers_give_what_was_asked(initializer, dtype, shape):
    first = initializer(shape, np.random.default_rng(1), dtype)
    again = initializer(shape, np.random.default_rng(1), dtype)
    assert first.shape == shape
    assert first.dtype == dtype
    assert first.flags.c_contiguous
    assert first.flags.writeable
    assert np.isfinite(first).all()
    assert np.array_equal(first, again)
    assert first is not again


@pytest.mark.parametrize("regularizer", REGULARIZER_CASES, ids=repr)
@dtypes
def test_a_penalty_and_its_gradient_belong_together(regularizer, dtype):
    value = np.random.default_rng(0).normal(size=30).astype(dtype)
    grad = np.full(30, 2.0, dtype)
    kept = value.copy()
    penalty = regularizer.inplace_add_gradient(value, grad)
    assert type(penalty) is float
    assert penalty == pytest.approx(regularizer.penalty(value), rel=1e-6)
    assert np.array_equal(value, kept)
    assert grad.dtype == dtype
    for i in range(30):
        up, down = value.astype(np.float64), value.astype(np.float64)
        up[i] += 1e-6
        down[i] -= 1e-6
        numeric = (regularizer.penalty(up) - regularizer.penalty(down)) / 2e-6
        assert grad[i] - 2.0 == pytest.approx(numeric, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("constraint", CONSTRAINT_CASES, ids=repr)
@dtypes
def test_a_projection_is_one(constraint, dtype):
    value = np.random.default_rng(0).normal(size=(6, 4)).astype(dtype)
    once = value.copy()
    constraint.inplace_project(once)
    twice = once.copy()
    constraint.inplace_project(twice)
    assert once.dtype == dtype
    assert not np.array_equal(once, value)
    np.testing.assert_allclose(twice, once, rtol=1e-6)
    assert np.linalg.norm(once, axis=constraint.axis).max() <= 0.5 * (1 + 1e-6)


@pytest.mark.parametrize("case", SCHEDULE_CASES, ids=lambda case: repr(case.schedule))
def test_a_schedule_starts_and_ends_where_it_says(case):
    assert type(case.schedule(0)) is float
    assert case.schedule(0) == pytest.approx(case.first, rel=1e-12)
    assert case.schedule(10**7) == pytest.approx(case.last, abs=1e-5)
    assert case.schedule == copy.deepcopy(case.schedule)


def test_everything_has_a_case():
    assert not set(OPTIMIZERS.values()) - {type(make()) for make in OPTIMIZER_CASES.values()}
    assert not {type(i) for i in INITIALIZERS.values()} - {type(i) for i in INITIALIZER_CASES}
    assert not set(REGULARIZERS.values()) - {type(r) for r in REGULARIZER_CASES}
    assert not set(CONSTRAINTS.values()) - {type(c) for c in CONSTRAINT_CASES}
    assert not set(SCHEDULES.values()) - {type(case.schedule) for case in SCHEDULE_CASES}
