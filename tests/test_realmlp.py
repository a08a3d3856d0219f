"""RealMLP: the published settings, the same function in another parametrization, and what pytabkit learns from its start."""

import copy
import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.errors import ConfigurationError
from scratchwork.initializers import Normal
from scratchwork.realmlp import CLASSIFICATION, REGRESSION, RealMLP

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "realmlp.json").read_text())
RNG = np.random.default_rng(0)

# Standardized targets have the mean 0, so that the first gradients of the last bias are rounding errors, which Adam takes for
# a direction: two correct programs differ by some thousandths.
CLOSE = 1e-2


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("settings", "activation", "peak"), [(CLASSIFICATION, sw.SELU, 0.04), (REGRESSION, sw.Mish, 0.07)])
def test_the_published_settings(settings: RealMLP, activation, peak):
    network = settings.network(10, 3)
    network.build(10, 0, np.float64)
    kinds = [type(layer) for layer in network.layers]
    assert kinds == [sw.Scale, *[sw.Dense, activation] * 3, sw.Dense]
    assert network.layers[0].gamma.learning_rate_factor == 6.0
    dense = [layer for layer in network.layers if isinstance(layer, sw.Dense)]
    assert [layer.units for layer in dense] == [256, 256, 256, 3]
    for layer, inputs in zip(dense, (10, 256, 256, 256), strict=True):
        assert layer.weight.learning_rate_factor == 1 / math.sqrt(inputs)
        assert layer.bias.learning_rate_factor == 0.1
    for layer in dense[:3]:
        assert layer.weight.value.std() * math.sqrt(len(layer.weight.value)) == pytest.approx(1.0, rel=0.05)
        assert layer.bias.value.std() == pytest.approx(1.0, rel=0.15)
    assert not dense[3].weight.value.any()
    assert not dense[3].bias.value.any()
    training = settings.training(rows=1023)
    assert training["optimizer"] == sw.Adam(sw.CosLog(peak, 3 * 256, 4), beta1=0.9, beta2=0.95)
    assert (training["epochs"], training["batch_size"], training["drop_last"]) == (256, 256, True)
    (best,) = training["callbacks"]
    assert (best.patience, best.ties, best.restore_best) == (None, "last", True)
    assert settings.training(rows=1023, validated=False)["callbacks"] == []
    assert repr(settings.preprocessing()) == "Chain([RobustScale(), SmoothClip()])"


def test_tasks_differ_in_loss_and_in_what_is_watched():
    classes, numbers = CLASSIFICATION.training(50), REGRESSION.training(50)
    assert (classes["loss"].label_smoothing, classes["callbacks"][0].monitor) == (0.1, "val_accuracy")
    assert (type(numbers["loss"]), numbers["callbacks"][0].monitor) == (sw.MeanSquaredError, "val_loss")
    assert numbers["optimizer"].learning_rate.steps == 256  # all rows in one step


@pytest.mark.parametrize("settings", [CLASSIFICATION, REGRESSION], ids=["classification", "regression"])
def test_it_is_the_neural_tangent_parametrization(settings: RealMLP):
    """x W/√D + b with W ~ N(0, 1), its factor as a layer of its own, learns the same function; ε is left out of both."""
    small = dataclasses.replace(settings, hidden=(20, 30, 10), epochs=12)
    network = small.network(5, 3)
    network.build(5, 1, np.float64)
    layers: list[sw.Layer] = []
    for layer in network.layers:
        if isinstance(layer, sw.Dense):
            inputs = len(layer.weight.value)
            layers += [sw.Rescaling(1 / math.sqrt(inputs)), sw.Dense(layer.units, bias_learning_rate_factor=0.1)]
        else:
            layers.append(copy.deepcopy(layer))
    tangent = sw.Sequential(layers)
    tangent.build(5, 1, np.float64)
    pairs = zip(
        (layer for layer in network.layers if isinstance(layer, sw.Dense)),
        (layer for layer in tangent.layers if isinstance(layer, sw.Dense)),
        strict=True,
    )
    for ours, theirs in pairs:
        theirs.weight.value[...] = ours.weight.value * math.sqrt(len(ours.weight.value))
        theirs.bias.value[...] = ours.bias.value
    x = RNG.normal(size=(90, 5))
    y = RNG.integers(0, 3, 90) if settings is CLASSIFICATION else RNG.normal(size=(90, 3))
    kinds = small.training(90, validated=False) | {"batch_size": 32, "progress": False, "seed": 2}
    kinds["optimizer"] = dataclasses.replace(kinds["optimizer"], eps=1e-30)
    start = network.predict(x)
    for each in (network, tangent):
        sw.fit(each, x, y, engine="numpy", **kinds)
    assert np.abs(network.predict(x) - start).max() > 0.05
    np.testing.assert_allclose(network.predict(x), tangent.predict(x), rtol=1e-6, atol=1e-8)


def from_the_same_start(settings: RealMLP, golden: dict[str, Any], engine: str) -> tuple[np.ndarray, sw.History]:
    """Train on the golden rows from the golden weights."""
    x, y, training = np.array(GOLDEN["x"], np.float32), np.array(golden["y"]), GOLDEN["training"]
    settings = dataclasses.replace(settings, epochs=GOLDEN["epochs"], hidden=tuple(GOLDEN["hidden"]))
    chain = settings.preprocessing().fit(x[:training])
    network = settings.network(x.shape[1], np.array(golden["outputs"]).reshape(len(x), -1).shape[1])
    network.build(x.shape[1], 0, np.float32)
    start = iter(golden["start"])
    for layer in network.layers:
        if isinstance(layer, sw.Scale):
            layer.gamma.value[...] = np.array(next(start))[0]
        elif isinstance(layer, sw.Dense):
            layer.weight.value[...] = np.array(next(start)) / math.sqrt(len(layer.weight.value))
            layer.bias.value[...] = np.array(next(start))[0]
    mean, spread = (y[:training].mean(), y[:training].std()) if settings.task == "regression" else (0, 1)
    target = y if settings.task == "classification" else ((y - mean) / spread)[:, None]
    held = (chain.transform(x[training:]), target[training:])
    kinds = settings.training(training) | {"validation_data": held, "progress": False, "engine": engine}
    history = sw.fit(network, chain.transform(x[:training]), target[:training], **kinds)
    outputs = network.predict(chain.transform(x))
    return softmax(outputs) if settings.task == "classification" else outputs[:, 0] * spread + mean, history


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("settings", [CLASSIFICATION, REGRESSION], ids=["classification", "regression"])
def test_pytabkit_learns_the_same(settings: RealMLP, engine):
    golden = GOLDEN[settings.task]
    outputs, history = from_the_same_start(settings, golden, engine)
    assert history.best_epoch == golden["best_epoch"]
    wanted = np.array(golden["outputs"])
    assert np.abs(outputs - wanted).max() < CLOSE * np.ptp(wanted)


@pytest.mark.parametrize(
    "change", [{"scale_factor": 1.0}, {"bias_factor": 1.0}, {"beta2": 0.999}, {"cycles": 3}, {"limit": 5.0}]
)
def test_another_setting_would_be_noticed(change):
    """That the comparison with pytabkit can fail: each of these is a part of the recipe that it has to see."""
    golden = GOLDEN["regression"]
    outputs, _ = from_the_same_start(dataclasses.replace(REGRESSION, **change), golden, "numpy")
    wanted = np.array(golden["outputs"])
    assert np.abs(outputs - wanted).max() > 3 * CLOSE * np.ptp(wanted)


def test_it_learns_and_starts_from_nothing():
    rows = sw.data.moons(per_class=150, noise=0.2)
    network = CLASSIFICATION.network(2, 2)
    network.build(2, 0, np.float32)
    assert not network.predict(rows.x).any()
    x = CLASSIFICATION.preprocessing().fit_transform(rows.x)
    settings = CLASSIFICATION.training(240) | {"validation_split": 0.2, "progress": False, "epochs": 64}
    history = sw.fit(network, x, rows.y, **settings)
    assert max(history["val_accuracy"]) > 0.9
    assert isinstance(CLASSIFICATION.network(2, 2).layers[1].bias_initializer, Normal)


@pytest.mark.parametrize(
    ("settings", "message"), [({"task": "ranking"}, "task='classification'"), ({"activation": "relu"}, "selu")]
)
def test_settings_outside_their_range(settings, message):
    with pytest.raises(ConfigurationError, match=message):
        RealMLP(**settings)
