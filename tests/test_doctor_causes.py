"""Causes before what follows from them, where both are found: contradicting rows, poles, flat ends, small batches."""

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.doctor.findings import Diagnosis, found
from scratchwork.layers import Layer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(320, 6))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


class Curve(Layer):
    """y = f(x) with the slope that is given."""

    def __init__(self, f, slope):
        self.f, self.slope = f, slope

    def build(self, in_shape, rng, dtype):
        return in_shape

    def forward(self, x, *, training=False, step=0):
        return self.f(x), x

    def backward(self, dy, cache, *, need_dx=True):
        return dy * self.slope(cache)


def diagnosed(network, x=X, y=Y, loss="SoftmaxCrossEntropy", **settings):
    return sw.diagnose(network, x, y, loss=loss, optimizer=sw.Adam(1e-2), **settings)


def network(*layers, outputs=2):
    return sw.Sequential([sw.Dense(16), *layers, sw.ReLU(), sw.Dense(outputs)])


def test_rows_that_are_the_same_and_have_other_classes_are_the_cause():
    places = RNG.integers(0, 40, 320)
    diagnosis = diagnosed(network(), X[places], RNG.integers(0, 2, 320))
    assert diagnosis.first.code == "SW1602"
    assert diagnosis.first.evidence["contradicted"] > 0.9


@pytest.mark.parametrize("classes", [Y, np.where(Y, Y, RNG.integers(0, 2, 320) * RNG.integers(0, 2, 320))])
def test_rows_that_come_again_with_the_same_class_or_nearly_are_no_contradiction(classes):
    places = RNG.integers(0, 40, 320)
    few = (X > 0).astype(float)  # 64 different rows, whose classes follow from them more or less
    assert "SW1602" not in diagnosed(network(), X[places], Y[places]).codes
    assert "SW1602" not in diagnosed(network(), few, classes).codes


def test_a_slope_that_is_not_finite_is_a_number_that_is_not_finite():
    root = Curve(lambda x: np.sqrt(np.maximum(x, 0)), lambda x: 0.5 / np.sqrt(np.maximum(x, 0)))
    with np.errstate(all="ignore"):
        diagnosis = diagnosed(network(root))
    assert diagnosis.first.code == "SW201"
    assert diagnosis.first.where.startswith("layer 1")


def test_beside_a_pole_differences_accuse_nobody():
    slope = found("SW601", "some entries", "mend it", where="layer 1", pattern="some entries")
    assert Diagnosis([slope]).ok is False
    both = Diagnosis([slope, found("SW201", "not finite", "look there", where="layer 1")])
    assert [(one.code, one.severity) for one in both] == [("SW201", "error"), ("SW601", "note")]
    elsewhere = Diagnosis([slope, found("SW201", "not finite", "look there", where="layer 2")])
    assert elsewhere.first.code == "SW601"


def test_a_last_layer_without_a_slope_comes_before_its_bounds():
    sign = Curve(np.sign, lambda x: np.zeros_like(x))
    ends = sw.Sequential([sw.Dense(16), sw.ReLU(), sw.Dense(1), sign])
    assert diagnosed(ends, y=3 * X[:, 0], loss="MeanSquaredError").first.code == "SW501"


def test_a_last_batch_of_one_row_is_a_warning_and_the_cause_of_nothing():
    normalized = network(sw.BatchNorm())
    (finding,) = diagnosed(normalized, X[:289], Y[:289], batch_size=32)
    assert (finding.code, finding.severity) == ("SW1403", "warning")
    assert "drop_last" in finding.fix
    assert diagnosed(normalized, X[:288], Y[:288], batch_size=32).findings == ()
    rate = found("SW301", "too high", "lower it")
    assert [one.severity for one in Diagnosis([finding, rate])] == ["error", "warning"]


def test_rows_that_are_alike_in_what_varies_most_are_not_the_same():
    rare = np.zeros((320, 40))
    rare[RNG.integers(0, 320, 30), RNG.integers(0, 30, 30)] = 18.0  # pixels that are hardly ever lit, standardized
    rows = np.hstack([rare, X])
    assert "SW1602" not in diagnosed(network(), rows, RNG.integers(0, 2, 320)).codes
