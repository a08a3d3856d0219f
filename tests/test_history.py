"""One float per epoch under each name, and what a run shows of itself."""

import copy
import json
import pickle

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.errors import UnknownNameError
from scratchwork.history import History

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)


def fit(**settings):
    network = settings.pop("network", None) or sw.Sequential([sw.Dense(4), sw.Tanh(), sw.Dense(2)])
    usual = {"loss": "SoftmaxCrossEntropy", "optimizer": sw.Adam(0.01), "epochs": 3, "batch_size": 8, "progress": False}
    return sw.fit(network, settings.pop("x", X), settings.pop("y", Y), **(usual | settings))


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_the_entries_are_these_and_each_is_one_float_per_epoch(optimizer):
    def mine(prediction, target):
        return np.float32(7)

    history = fit(metrics=["accuracy", mine], validation_split=0.25, optimizer=optimizer)
    measured = ["loss", "accuracy", "mine"]
    assert list(history) == [*measured, *(f"val_{name}" for name in measured), "learning_rate", "seconds"]
    assert all(len(values) == 3 and all(type(value) is float for value in values) for values in history.values())
    assert history["val_mine"] == [7.0] * 3
    assert history["learning_rate"] == [1e-3 if optimizer == "adam" else 1.0] * 3
    assert min(history["seconds"]) > 0


def test_validation_numbers_are_those_of_the_whole_part_after_the_epoch():
    network = sw.Sequential([sw.Dense(4), sw.BatchNorm(), sw.Dropout(0.5), sw.Dense(2)])
    network.build(3, 0, np.float64)
    weight = RNG.uniform(0.5, 2, 40)
    history = fit(network=network, epochs=2, metrics=["accuracy", "roc_auc"], validation_data=(X, Y, weight))
    prediction = network.predict(X)
    value, _ = sw.SoftmaxCrossEntropy().value_and_grad(prediction, Y, weight)
    assert history["val_loss"][-1] == pytest.approx(value, rel=1e-12)
    assert history["val_accuracy"][-1] == pytest.approx(weight[prediction.argmax(1) == Y].sum() / weight.sum(), rel=1e-12)
    without, _ = sw.SoftmaxCrossEntropy().value_and_grad(prediction, Y)
    assert value != pytest.approx(without, rel=1e-6)


def test_training_metrics_are_over_all_predictions_of_the_epoch():
    network = sw.Sequential([sw.Dense(1)])
    network.build(3, 0, np.float64)
    y = X @ [1.0, -2.0, 0.5]
    weight = RNG.uniform(0.5, 2, 40)
    expected = network.predict(X)[:, 0]
    history = fit(
        network=network, y=y, loss="MeanSquaredError", metrics=["r2", "mse"], optimizer=sw.SGD(1e-12), epochs=1,
        sample_weight=weight,
    )  # fmt: skip
    mean = np.average(y, weights=weight)
    r2 = 1 - (weight * (y - expected) ** 2).sum() / (weight * (y - mean) ** 2).sum()
    assert history["r2"][0] == pytest.approx(r2, rel=1e-6)  # a mean of batches would be another number
    assert history["mse"][0] == pytest.approx(np.average((y - expected) ** 2, weights=weight), rel=1e-6)
    assert history["loss"][0] == pytest.approx(history["mse"][0], rel=1e-9)


def test_a_weight_of_two_is_the_row_twice_and_a_weight_of_zero_is_no_row():
    weight = np.array([0, 1, 2] * 13 + [1])
    networks = [sw.Sequential([sw.Dense(4), sw.Tanh(), sw.Dense(2)]) for _ in range(2)]
    for network in networks:
        network.build(3, 0, np.float64)
    repeated = np.repeat(np.arange(40), weight)
    one = fit(network=networks[0], sample_weight=weight, batch_size=None, metrics=["accuracy"])
    two = fit(network=networks[1], x=X[repeated], y=Y[repeated], batch_size=None, metrics=["accuracy"])
    np.testing.assert_allclose(networks[0].flat().value, networks[1].flat().value, rtol=1e-11)
    for name in ("loss", "accuracy"):
        np.testing.assert_allclose(one[name], two[name], rtol=1e-11)


def test_batches_without_any_weight_teach_nothing_and_do_no_harm():
    weight = np.zeros(40)
    weight[:2] = 1
    assert np.isfinite(fit(sample_weight=weight, batch_size=2, metrics=["accuracy"])["loss"]).all()
    lone = np.zeros(40)
    lone[0] = 1
    with pytest.raises(sw.ScratchworkError, match="rows of sample_weight 0 only"):
        fit(sample_weight=lone, validation_split=0.5)


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.5])
def test_the_split_is_stratified_disjoint_and_whole(fraction):
    class Keep(sw.Loss):
        task = "multiclass"

        def prepare(self, target, outputs, name="y"):
            return np.asarray(target)

        def value_and_grad(self, prediction, target, weight=None):
            seen.append((target.copy(), weight.copy()))  # the weight is the number of the row
            return 0.0, np.zeros_like(prediction)

    seen, y = [], np.repeat([0, 1, 2], [60, 30, 10])
    numbers = np.arange(1.0, 101)
    fit(x=np.zeros((100, 3)) + numbers[:, None], y=y, loss=Keep(), epochs=1, batch_size=None, sample_weight=numbers,
        validation_split=fraction, network=sw.Sequential([sw.Dense(3)]))  # fmt: skip
    (training, kept), (validation, held) = seen
    assert np.bincount(validation, minlength=3).tolist() == [60 * fraction, 30 * fraction, 10 * fraction]
    assert sorted([*kept, *held]) == numbers.tolist()
    assert len(training) + len(validation) == 100


def test_the_split_is_a_function_of_the_seed():
    def held(seed):
        network = sw.Sequential([sw.Dense(2)])
        network.build(3)
        return fit(network=network, validation_split=0.25, seed=seed, optimizer=sw.SGD(1e-12), epochs=1)["val_loss"][0]

    assert held(1) == held(1) != held(2)


def test_names_are_looked_up_with_help():
    history = fit()
    assert "loss" in history
    assert "val_loss" not in history
    assert history.get("val_loss") is None
    assert len(history) == len(list(history.items())) == 3
    with pytest.raises(UnknownNameError, match="did you mean 'loss'"):
        history["los"]


def test_rows_and_lines():
    history = History()
    assert history.epochs == 0
    assert history.to_json_lines() == ""
    history.append({"loss": np.float64(1.5), "auc": float("nan")})
    history.append({"loss": 1, "auc": float("inf")})
    assert list(history.rows())[1] == {"epoch": 2, "loss": 1.0, "auc": float("inf")}
    lines = history.to_json_lines().splitlines()
    assert [json.loads(line, parse_constant=pytest.fail) for line in lines] == [
        {"epoch": 1, "loss": 1.5, "auc": None},
        {"epoch": 2, "loss": 1.0, "auc": None},
    ]
    assert history.last_json_line().rstrip() == lines[-1]
    assert repr(history) == "History(2 epochs, stopped: epochs, last: {'loss': '1', 'auc': 'inf'})"


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))], ids=["copy", "pickle"])
def test_it_can_be_copied(clone):
    history = fit()
    other = clone(history)
    assert other == history
    assert other.stopped == "epochs"
    assert dict(other) == dict(history)
