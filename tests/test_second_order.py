"""L-BFGS: minima that are known, float32, the callback, every way to end, and a machine without SciPy."""

import sys

import numpy as np
import pytest

from scratchwork.errors import ConfigurationError, MissingDependencyError
from scratchwork.second_order import LBFGS


def rosenbrock(w):
    a, b = 1.0 - w[0], w[1] - w[0] ** 2
    return float(a**2 + 100.0 * b**2), np.array([-2.0 * a - 400.0 * w[0] * b, 200.0 * b], w.dtype)


class Watch:
    """A callback that writes down what it sees, and stops at an iteration."""

    def __init__(self, value, stop_at=None):
        self.value, self.stop_at, self.seen, self.points = value, stop_at, [], []

    def __call__(self, iteration, loss):
        self.seen.append((iteration, loss))
        self.points.append(self.value.copy())
        return iteration == self.stop_at


@pytest.fixture
def start():
    pytest.importorskip("scipy")
    return np.array([-1.2, 1.0])


def test_finds_the_valley_of_rosenbrock(start):
    watch = Watch(start)
    LBFGS(tolerance=1e-10).minimize(rosenbrock, start, watch)
    np.testing.assert_allclose(start, [1.0, 1.0], atol=1e-4)
    assert [iteration for iteration, _ in watch.seen] == list(range(1, len(watch.seen) + 1))
    losses = [loss for _, loss in watch.seen]
    assert losses == sorted(losses, reverse=True)
    for point, loss in zip(watch.points, losses, strict=True):  # `value` holds the iterate while the callback runs
        assert rosenbrock(point)[0] == pytest.approx(loss)


def test_float32_stays_and_is_moved_in_place(start):
    value = start.astype(np.float32)
    same, dtypes = value, set()

    def function(w):
        dtypes.add(w.dtype)
        return rosenbrock(w)

    assert LBFGS().minimize(function, value) is True
    assert value is same
    assert value.dtype == np.float32
    assert dtypes == {np.dtype(np.float32)}
    assert rosenbrock(value)[0] < 1e-5


def test_a_function_that_writes_to_the_value_and_lends_its_gradient(start):
    """As the training loop does: parameters are set in place, the gradient is always the same array."""
    grad = np.empty(2)

    def function(w):
        start[...] = w
        loss, grad[...] = rosenbrock(start)
        return loss, grad

    LBFGS(tolerance=1e-10).minimize(function, start)
    np.testing.assert_allclose(start, [1.0, 1.0], atol=1e-4)


def test_limits(start):
    watch = Watch(start, stop_at=3)
    LBFGS().minimize(rosenbrock, start, watch)
    assert len(watch.seen) == 3
    best = rosenbrock(start)[0]
    assert best <= watch.seen[-1][1]
    again = np.array([-1.2, 1.0])
    watch = Watch(again)
    LBFGS(max_iterations=3).minimize(rosenbrock, again, watch)
    assert len(watch.seen) == 3
    np.testing.assert_array_equal(again, start)


def test_converges_in_few_evaluations_where_the_gradient_needs_many(start):
    """A quadratic with condition 10⁴ in 50 dimensions."""
    scale, calls = np.logspace(0, 4, 50), 0

    def function(w):
        nonlocal calls
        calls += 1
        return 0.5 * float(np.sum(scale * w**2)), scale * w

    value = np.ones(50)
    LBFGS(tolerance=1e-12).minimize(function, value)
    assert function(value)[0] < 1e-8
    assert calls < 1500


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_start_that_is_not_finite_is_reported_and_kept(start, bad):
    watch = Watch(start)
    LBFGS().minimize(lambda w: (bad, w), start, watch)
    assert [iteration for iteration, _ in watch.seen] == [0]
    assert not np.isfinite(watch.seen[0][1])
    assert start.tolist() == [-1.2, 1.0]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_function_that_fails_on_the_way_ends_with_the_best(start, bad):
    """Beyond w₀ = 0.5 there is no value: the search may come near, must not stay there, and raises nothing."""
    first = rosenbrock(start)[0]

    def function(w):
        loss, grad = rosenbrock(w)
        return (loss, grad) if w[0] < 0.5 else (bad, np.full(2, bad))

    LBFGS().minimize(function, start)
    assert np.isfinite(start).all()
    assert start[0] < 0.5
    assert rosenbrock(start)[0] < 0.3 * first


def test_a_failing_line_search_ends_quietly(start):
    """The gradient points uphill: no step can lower the function."""
    LBFGS().minimize(lambda w: (rosenbrock(w)[0], -rosenbrock(w)[1]), start)
    assert rosenbrock(start)[0] <= rosenbrock(np.array([-1.2, 1.0]))[0]


@pytest.mark.parametrize("where", ["function", "callback"])
def test_interrupted_with_the_best_point_kept(start, where):
    points = []

    def function(w):
        start[...] = w
        if where == "function" and len(points) == 12:
            raise KeyboardInterrupt
        points.append((rosenbrock(w)[0], w.copy()))
        return rosenbrock(w)

    def callback(iteration, loss):
        if where == "callback" and iteration == 5:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        LBFGS().minimize(function, start, callback)
    np.testing.assert_array_equal(start, min(points, key=lambda point: point[0])[1])


def test_without_scipy(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(MissingDependencyError, match=r"LBFGS needs SciPy.*pip install 'scratchwork\[scipy\]'"):
        LBFGS().minimize(rosenbrock, np.zeros(2))


def test_config_makes_the_same_rule():
    rule = LBFGS(max_iterations=5, memory=3, tolerance=1e-4)
    assert LBFGS(**rule.config()) == rule
    assert repr(rule) == "LBFGS(max_iterations=5, memory=3, tolerance=0.0001)"


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: LBFGS(0), "max_iterations, at least 1"),
        (lambda: LBFGS(2.5), "max_iterations"),
        (lambda: LBFGS(memory=0), "memory, at least 1"),
        (lambda: LBFGS(memory=None), "memory"),
        (lambda: LBFGS(tolerance=-1.0), "tolerance >= 0"),
        (lambda: LBFGS(tolerance="small"), "tolerance >= 0"),
    ],
)
def test_settings_out_of_range(make, told):
    with pytest.raises(ConfigurationError, match=told):
        make()


def test_limits_of_its_own():
    value = np.array([-1.2, 1.0])
    assert LBFGS(max_evaluations=5).minimize(rosenbrock, value) is False
    loose, strict = np.array([-1.2, 1.0]), np.array([-1.2, 1.0])
    assert LBFGS(tolerance=0.0, gradient_tolerance=1.0).minimize(rosenbrock, loose) is True
    assert LBFGS(tolerance=0.0, gradient_tolerance=1e-10).minimize(rosenbrock, strict) is True
    assert rosenbrock(strict)[0] < rosenbrock(loose)[0]
    for settings in ({"gradient_tolerance": -1.0}, {"max_evaluations": 0}):
        with pytest.raises(ConfigurationError, match=next(iter(settings))):
            LBFGS(**settings)
