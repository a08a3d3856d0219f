"""Two calls of fit that hand on their state are one longer call, bit for bit, and every parameter has its own rate."""

import numpy as np
import pytest

import scratchwork as sw
from cases import OPTIMIZER_CASES
from scratchwork.errors import ConfigurationError
from two_paths import require_agreement

engines = pytest.mark.parametrize("engine", ["numpy", "compiled"])


def made():
    return sw.Sequential([sw.Dense(8), sw.BatchNorm(), sw.ReLU(), sw.Dropout(0.3), sw.Dense(3)])


def trained(network, *epochs, engine="numpy", optimizer=None, **settings):
    rows, state = sw.data.blobs(50, classes=3, seed=2), sw.TrainingState()
    rule = optimizer or sw.Adam(sw.Cosine(0.05, 40))
    for count in epochs:
        sw.fit(network, rows.x, rows.y, loss="SoftmaxCrossEntropy", optimizer=rule, epochs=count, batch_size=16,
               engine=engine, progress=False, state=state, **settings)  # fmt: skip
    return network, state


@engines
@pytest.mark.parametrize("make", OPTIMIZER_CASES.values(), ids=OPTIMIZER_CASES.keys())
def test_two_calls_are_one(engine, make):
    whole, once = trained(made(), 5, engine=engine, optimizer=make())
    parts, often = trained(made(), 2, 1, 2, engine=engine, optimizer=make())
    assert np.array_equal(whole.flat().value, parts.flat().value)
    assert [buffer.tolist() for _, buffer in whole.buffers()] == [buffer.tolist() for _, buffer in parts.buffers()]
    assert once.step == often.step == 5 * 10
    assert all(np.array_equal(once.optimizer[name], often.optimizer[name]) for name in once.optimizer)


def test_without_a_state_the_optimizer_starts_afresh():
    rows = sw.data.blobs(50, classes=3, seed=2)
    network, _ = trained(made(), 2)
    other, state = trained(made(), 2)
    settings = {"loss": "SoftmaxCrossEntropy", "optimizer": sw.Adam(0.05), "batch_size": 16, "progress": False}
    sw.fit(network, rows.x, rows.y, epochs=1, **settings)
    sw.fit(other, rows.x, rows.y, epochs=1, state=state, **settings)
    assert not np.array_equal(network.flat().value, other.flat().value)


def test_a_reduced_learning_rate_stays_reduced():
    rows, state = sw.data.blobs(50, classes=3, seed=2), sw.TrainingState()
    network = made()
    settings = {"loss": "SoftmaxCrossEntropy", "optimizer": sw.SGD(1e-9), "progress": False, "state": state}
    sw.fit(network, rows.x, rows.y, epochs=4, callbacks=[sw.ReduceOnPlateau("loss", patience=1, factor=0.5)], **settings)
    assert state.learning_rate_factor < 1.0
    history = sw.fit(network, rows.x, rows.y, epochs=1, **settings)
    assert history["learning_rate"][-1] == 1e-9 * state.learning_rate_factor


def test_the_state_of_another_optimizer_is_refused():
    rows = sw.data.blobs(50, classes=3, seed=2)
    network, state = trained(made(), 1)
    with pytest.raises(ConfigurationError, match="TrainingState"):
        sw.fit(network, rows.x, rows.y, loss="SoftmaxCrossEntropy", optimizer=sw.SGD(0.1), state=state, progress=False)
    with pytest.raises(ConfigurationError, match="TrainingState"):
        sw.fit(network, rows.x, rows.y, loss="SoftmaxCrossEntropy", optimizer=sw.SGD(0.1), state={}, progress=False)


@engines
@pytest.mark.parametrize("make", OPTIMIZER_CASES.values(), ids=OPTIMIZER_CASES.keys())
def test_a_factor_multiplies_the_rate_of_its_parameter_alone(engine, make):
    rows = sw.data.blobs(50, classes=3, seed=2)
    rule, settings = make(), {"loss": "SoftmaxCrossEntropy", "epochs": 1, "batch_size": None, "progress": False}
    moved = {}
    for factor in (0.0, 1.0, 0.25):
        layers = [sw.Scale(learning_rate_factor=factor), sw.Dense(3, bias_learning_rate_factor=factor)]
        network = sw.Sequential(layers)
        network.build((2,), rng=1, dtype=np.float64)
        before = {name: parameter.value.copy() for name, parameter in network.parameters()}
        sw.fit(network, rows.x, rows.y, optimizer=rule, engine=engine, **settings)
        moved[factor] = {name: parameter.value - before[name] for name, parameter in network.parameters()}
    for name in ("0.gamma", "1.bias"):
        assert not moved[0.0][name].any()
        assert moved[1.0][name].any()
        assert moved[0.25][name] == pytest.approx(0.25 * moved[1.0][name], rel=1e-9)
    assert np.array_equal(moved[0.25]["1.weight"], moved[1.0]["1.weight"])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_both_paths_know_the_factors(dtype):
    rng = np.random.default_rng(0)
    layers = [
        sw.Scale(learning_rate_factor=6.0), sw.Dense(9, weight_learning_rate_factor=0.5, bias_learning_rate_factor=0.1),
        sw.Tanh(), sw.Dense(3),
    ]  # fmt: skip
    network = sw.Sequential(layers)
    network.build((6,), rng=5, dtype=dtype)
    settings = {"loss": sw.SoftmaxCrossEntropy(), "optimizer": sw.AdamW(0.01, weight_decay=0.1)}
    require_agreement(network, rng.normal(size=(24, 6)), np.arange(24) % 3, **settings)


@pytest.mark.parametrize("factor", [-0.1, float("nan"), float("inf"), "much", True])
def test_what_is_no_factor_is_refused(factor):
    for make in (lambda: sw.Scale(learning_rate_factor=factor), lambda: sw.Dense(3, weight_learning_rate_factor=factor)):
        with pytest.raises(ConfigurationError, match="learning_rate_factor >= 0"):
            make()


def test_early_stopping_without_patience_and_with_the_last_of_equals():
    values = iter([0.5, 0.3, 0.4, 0.3, 0.6])
    rows = sw.data.blobs(30, classes=2, seed=1)
    for ties, best in (("first", 2), ("last", 4)):
        values = iter([0.5, 0.3, 0.4, 0.3, 0.6])
        network, weights = sw.Sequential([sw.Dense(2)]), []
        remember = sw.Monitor(lambda run, weights=weights: weights.append(run.network.flat().value.copy()))
        stopping = sw.EarlyStopping("score", mode="min", patience=None, ties=ties)
        history = sw.fit(
            network, rows.x, rows.y, loss="SoftmaxCrossEntropy", optimizer="adam", epochs=5, progress=False,
            metrics={"score": lambda p, t, values=values: next(values)}, callbacks=[remember, stopping],
        )  # fmt: skip
        assert (history.epochs, history.stopped, history.best_epoch) == (5, "epochs", best)
        assert np.array_equal(network.flat().value, weights[best - 1])
    with pytest.raises(ConfigurationError, match="ties"):
        sw.EarlyStopping(ties="both")
