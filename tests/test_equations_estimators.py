"""The equations in the docstrings of ensembles and estimators, letter by letter in float64."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from equation_rows import Row, transcribed
from scratchwork import Dense, Sequential
from scratchwork.averaging import average, combined
from scratchwork.estimators.calibration import best_temperature, conformal_margin
from scratchwork.estimators.settings import InverseScaling
from scratchwork.estimators.stopping import Convergence

RNG = np.random.default_rng(12)


def close(actual: object, expected: object, rtol: float = 1e-10) -> None:
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=1e-12)


def softmax(z):
    return [math.exp(zj) / sum(math.exp(zi) for zi in z) for zj in z]


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def mean_of_links() -> None:
    for link, outputs in (("softmax", 3), ("sigmoid", 2), (None, 2)):
        networks = [Sequential([Dense(outputs)]) for _ in range(4)]
        for seed, network in enumerate(networks):
            network.build((5,), rng=seed, dtype=np.float64)
        x = RNG.normal(size=(6, 5))
        y = np.zeros((6, outputs))
        for network in networks:
            for n, z in enumerate(network.predict(x)):
                y[n] += np.array(softmax(z) if link == "softmax" else [sigmoid(v) for v in z] if link == "sigmoid" else z) / 4
        close(average(networks, link).predict(x), y)


def mean_probability_as_a_logit() -> None:
    z = RNG.normal(size=(3, 5, 4))
    mean = [[sum(softmax(z[k, n])[j] for k in range(3)) / 3 for j in range(4)] for n in range(5)]
    close(combined(list(z), "softmax"), np.log(mean))
    p = np.array([[sum(sigmoid(z[k, n, j]) for k in range(3)) / 3 for j in range(4)] for n in range(5)])
    close(combined(list(z), "sigmoid"), np.log(p) - np.log(1 - p))
    close(combined(list(z), None), sum(z[k] for k in range(3)) / 3)


def least_loss_among_temperatures() -> None:
    z, w = RNG.normal(size=(40, 3)) * 4, RNG.integers(1, 4, 40).astype(float)
    y = (z + 4 * RNG.normal(size=z.shape)).argmax(axis=1)  # right in many rows, not in all

    def loss(t):
        each = [[-math.log(softmax(row / t)[c]) for c in range(3)] for row in z]
        rows = sum(w[n] * each[n][y[n]] for n in range(40))
        any_class = sum(sum(losses) / 3 for losses in each) / 40
        return (rows + any_class) / (sum(w) + 1)

    found = best_temperature(z, y, "softmax", w)
    assert loss(found) <= min(loss(found * factor) for factor in (0.9, 0.99, 1.01, 1.1))
    z = RNG.normal(size=(30, 2)) * 4
    y = z + 3 * RNG.normal(size=z.shape) > 0

    def of_attributes(t):
        def one(v, c):
            return -math.log(sigmoid(v / t) if c else 1 - sigmoid(v / t))

        rows = sum(one(z[n, k], y[n, k]) for n, k in np.ndindex(30, 2))
        return (rows + sum((one(v, 0) + one(v, 1)) / 2 for v in z.reshape(-1)) / 30) / 31

    found = best_temperature(z, y, "sigmoid")
    assert of_attributes(found) <= min(of_attributes(found * factor) for factor in (0.9, 0.99, 1.01, 1.1))


def smallest_that_covers() -> None:
    low, high, target = RNG.normal(size=25), RNG.normal(size=25) + 2, RNG.normal(size=25) + 1
    errors = sorted(max(low[n] - target[n], target[n] - high[n]) for n in range(25))
    for coverage in (0.5, 0.8, 0.9):
        close(conformal_margin(low, high, target, coverage), errors[math.ceil(26 * coverage) - 1])
    assert conformal_margin(low, high, target, 0.99) == math.inf


def power_of_the_rows() -> None:
    for t in (0, 1, 7, 1000):
        close(InverseScaling(0.3, 0.4, rows=32)(t), 0.3 / (1 + t * 32) ** 0.4)


def improvement_beyond_tol() -> None:
    for larger in (False, True):
        values = RNG.normal(size=30).cumsum() * (0.2 if larger else -0.2)
        callback, count = Convergence("m", 0.1, math.inf, larger=larger), 0
        for t, value in enumerate(values):
            callback.on_epoch_end(SimpleNamespace(monitored=lambda name, value=value: value))
            before = values[:t]
            better = t == 0 or (not value < max(before) + 0.1 if larger else not value > min(before) - 0.1)
            count = 0 if better else count + 1
            assert callback.count == count


WRITTEN: dict[str, tuple[Row, ...]] = {
    "average": (mean_of_links,),
    "combined": (mean_probability_as_a_logit,),
    "best_temperature": (least_loss_among_temperatures,),
    "conformal_margin": (smallest_that_covers,),
    "InverseScaling": (power_of_the_rows,),
    "Convergence": (improvement_beyond_tol,),
}


@pytest.mark.parametrize(("name", "check"), transcribed(WRITTEN), ids=lambda part: part if isinstance(part, str) else "")
def test_the_equation(name, check):
    check()
