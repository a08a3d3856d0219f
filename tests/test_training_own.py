"""Losses, metrics and schedules of one's own: what they give is looked at, and a wrong thing is named."""

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.errors import ConfigurationError

X, Y = np.random.default_rng(0).normal(size=(20, 4)), np.arange(20) % 2


class Given(sw.Loss):
    """A loss of somebody's own that gives this."""

    task = "multiclass"

    def __init__(self, *given):
        self.given = given if len(given) > 1 else given[0]

    def prepare(self, target, outputs, name="y"):
        return np.asarray(target)

    def value_and_grad(self, prediction, target, weight=None):
        return self.given

    def __repr__(self):
        return "Given()"


def fit(**settings):
    usual = {"loss": "SoftmaxCrossEntropy", "optimizer": "adam", "epochs": 1, "progress": False}
    return sw.fit(sw.Sequential([sw.Dense(2)]), X, Y, **(usual | settings))


WRONG = {
    "loss without a gradient": (
        {"loss": Given(1.0, None)},
        ConfigurationError,
        r"\(20, 2\); received \(float, array of shape \(\)",
    ),
    "loss with a wrong gradient": ({"loss": Given(1.0, np.zeros(2))}, ConfigurationError, r"received .*shape \(2,\)"),
    "loss that is one number": ({"loss": Given(1.0)}, ConfigurationError, "received float"),
    "loss per row": ({"loss": Given(np.ones(20), np.zeros((20, 2)))}, ConfigurationError, "received .ndarray"),
    "metric per row": (
        {"metrics": [lambda p, t: p[0]]},
        ConfigurationError,
        "the metric <lambda> gave .* instead of one number",
    ),
    "schedule of nothing": (
        {"optimizer": sw.SGD(lambda k: None if k else 0.1), "epochs": 2},
        ConfigurationError,
        "gives None after 1",
    ),
    "schedule uphill": ({"optimizer": sw.SGD(lambda k: 0.1 - k), "epochs": 2}, ConfigurationError, "gives -0.9 after 1 steps"),
}


@pytest.mark.parametrize(("settings", "error", "words"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_thing_is_named(settings, error, words):
    with pytest.raises(error, match=words):
        fit(**settings)


def test_a_loss_of_one_s_own_trains_and_is_the_library_s_where_it_computes_the_same():
    class Squares(sw.Loss):
        """½ Σ (p − t)² / N, without checks, weights or a task."""

        def value_and_grad(self, prediction, target, weight=None):
            difference = prediction - np.eye(2)[target]
            return 0.5 * np.sum(difference**2) / len(difference), difference / len(difference)

    class Library(sw.Loss):
        def value_and_grad(self, prediction, target, weight=None):
            value, grad = sw.MeanSquaredError().value_and_grad(prediction, np.eye(2)[target])
            return value, grad

    own, theirs = (
        fit(loss=loss, epochs=3, metrics={"error": lambda p, t: (p.argmax(1) != t).mean()}) for loss in (Squares(), Library())
    )
    np.testing.assert_allclose(own["loss"], theirs["loss"], rtol=1e-5)
    assert own["error"] == theirs["error"]
