"""What a model says about its training becomes a loss and an optimizer again, and nothing else does."""

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.explain import likely_loss, remade
from scratchwork.losses import LOSSES
from scratchwork.optimizers import OPTIMIZERS

THINGS = [
    *(kind() for kind in LOSSES.values()),
    *(kind() for kind in OPTIMIZERS.values()),
    sw.Quantile((0.1, 0.5, 0.9)),
    sw.SoftmaxCrossEntropy(label_smoothing=0.1),
    sw.Adam(sw.OneCycle(0.01, steps=100)),
    sw.SGD(sw.WarmUp(5, then=sw.Cosine(0.1, steps=50)), momentum=0.9, nesterov=True),
]


@pytest.mark.parametrize("thing", THINGS, ids=[f"{i}-{type(thing).__name__}" for i, thing in enumerate(THINGS)])
def test_there_and_back(thing):
    assert repr(remade(repr(thing))) == repr(thing)


NOTHING = [
    *(None, 3, "", "3", "'text'", "Adam", "Adam(", "Adam(rate=3)", "Adam(-1)", "print('x')", "sw.Adam()", "Dense(3)"),
    *("Adam(__import__('os'))", "Adam(*[1])", "Adam(1e-3) + 1", "Adam(lambda: 3)", "Adam(\x00)", "x" * 5000),
    *("(" * 300, "Adam(" * 200 + ")" * 200),
]


@pytest.mark.parametrize("words", NOTHING, ids=map(str, range(len(NOTHING))))
def test_what_is_nothing_known_is_nothing(words):
    assert remade(words) is None


def built(*layers: sw.Layer) -> sw.Sequential:
    network = sw.Sequential(list(layers))
    network.build((4,), rng=0)
    return network


@pytest.mark.parametrize(
    ("network", "y", "expected"),
    [
        (built(sw.Dense(3)), [0, 2], sw.SoftmaxCrossEntropy),
        (built(sw.Dense(3), sw.Softmax()), [0, 2], sw.CategoricalCrossEntropy),
        (built(sw.Dense(1)), [0, 1], sw.SigmoidBinaryCrossEntropy),
        (built(sw.Dense(1)), [0.5, 1.5], sw.MeanSquaredError),
        (built(sw.Dense(1)), [3, 7], sw.MeanSquaredError),
        (built(sw.Dense(2)), [[0.5, 1.0]], sw.MeanSquaredError),
        (sw.Model(built(sw.Dense(3)), task="multiclass", link=None), ["a"], sw.MulticlassHinge),
        (sw.Model(built(sw.Dense(3)), task="multiclass", link="identity"), ["a"], sw.CategoricalCrossEntropy),
        (sw.Model(built(sw.Dense(1)), task="attributes", link=None), ["a"], sw.BinaryHinge),
        (sw.Model(built(sw.Dense(1)), task="regression", link="exp"), [2.0], sw.Poisson),
    ],
)
def test_the_loss_that_suits(network, y, expected):
    assert type(likely_loss(network, np.asarray(y))) is expected


def test_a_model_knows_its_own():
    rows = sw.data.blobs(20, classes=2, seed=0)
    model = sw.Model(sw.Sequential([sw.Dense(2)]))
    model.fit(rows.x, rows.y, loss=sw.SoftmaxCrossEntropy(label_smoothing=0.2), optimizer=sw.RMSProp(0.02), epochs=1)
    titles = [section.title for section in sw.walkthrough(model, rows.x, rows.y).document.sections]
    assert any("SoftmaxCrossEntropy(label_smoothing=0.2)" in title for title in titles)
    assert any("RMSProp(learning_rate=0.02" in title for title in titles)
