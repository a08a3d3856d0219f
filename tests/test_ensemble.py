"""Networks that are trained at once: each is what it would be alone, on both paths, and their average is what is measured."""

import copy
import math
import signal
import threading
from typing import Any

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.engine.threads import share
from scratchwork.errors import ConfigurationError, DataError, DivergedError, ShapeError
from scratchwork.history import TrainingState
from scratchwork.members import bootstrap_rows, member_seeds

ROWS = 90
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 6)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
WEIGHT = RNG.uniform(0.5, 2.0, ROWS)
PATHS = ["numpy", "compiled"]


@pytest.fixture(autouse=True)
def interruptible_as_in_a_terminal():
    """A shell gives what it runs in the background no Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def small() -> sw.Sequential:
    layers = [sw.Dense(20), sw.BatchNorm(), sw.ReLU(), sw.Dropout(0.2), sw.Dense(70), sw.Tanh(), sw.Dense(2)]
    return sw.Sequential(layers)


def usual(**settings: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"loss": sw.SoftmaxCrossEntropy(), "optimizer": sw.Adam(0.01), "epochs": 3, "batch_size": 16}
    return {**given, "progress": False, **settings}


def require_same(network: sw.Sequential, alone: sw.Sequential) -> None:
    assert network.flat().value.tobytes() == alone.flat().value.tobytes()
    pairs = zip(network.buffers(), alone.buffers(), strict=True)
    assert all(one.tobytes() == other.tobytes() for (_, one), (_, other) in pairs)
    assert (network.epochs_seen, network.steps_seen) == (alone.epochs_seen, alone.steps_seen)


# -- each as though it were alone ------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", PATHS)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"batch_size": None},
        {"drop_last": True, "shuffle": False},
        {"sample_weight": WEIGHT, "metrics": ["accuracy"]},
        {"regularizer": sw.L2(0.01), "constraint": sw.MaxNorm(1.0), "clip_norm": 0.5, "optimizer": sw.SGD(0.1, momentum=0.9)},
    ],
    ids=lambda settings: ", ".join(settings) or "plain",
)
@pytest.mark.parametrize("rows", ["all", "bootstrap", "folds"])
def test_every_network_is_what_it_would_be_alone_bit_for_bit(engine, settings, rows):
    seeds = [3, 1, 4]
    folds = [np.flatnonzero(np.arange(ROWS) % 3 != k) for k in range(3)]
    given = {"all": {}, "bootstrap": {"bootstrap": True}, "folds": {"rows": folds}}[rows]
    networks = [small() for _ in seeds]
    history = sw.fit_many(networks, X, Y, seeds=seeds, engine=engine, **given, **usual(**settings))
    for k, seed in enumerate(seeds):
        mine = {"all": np.arange(ROWS), "bootstrap": bootstrap_rows(ROWS, seed), "folds": folds[k]}[rows]
        own = dict(settings)
        if "sample_weight" in own:
            own["sample_weight"] = WEIGHT[mine]
        alone = small()
        expected = sw.fit(alone, X[mine], Y[mine], seed=seed, engine=engine, **usual(**own))
        require_same(networks[k], alone)
        for name in history.members[k]:
            assert history.members[k][name] == expected[name]
    for name in history.members[0]:
        assert history[name] == pytest.approx(np.mean([member[name] for member in history.members], axis=0).tolist())


@pytest.mark.parametrize("threads", [1, 2, 3, None])
def test_bits_do_not_depend_on_threads(threads):
    wanted = [small() for _ in range(5)]
    sw.fit_many(wanted, X, Y, engine="compiled", threads=1, **usual())
    networks = [small() for _ in range(5)]
    sw.fit_many(networks, X, Y, engine="compiled", threads=threads, **usual())
    for network, other in zip(networks, wanted, strict=True):
        require_same(network, other)


def test_seeds_come_from_one_and_differ():
    networks = [small() for _ in range(3)]
    sw.fit_many(networks, X, Y, seed=5, engine="numpy", **usual())
    for network, seed in zip(networks, member_seeds(5, 3), strict=True):
        alone = small()
        sw.fit(alone, X, Y, seed=seed, engine="numpy", **usual())
        require_same(network, alone)
    assert len({network.flat().value.tobytes() for network in networks}) == 3


def test_a_bootstrap_draws_with_replacement():
    drawn = bootstrap_rows(1000, 7)
    assert len(drawn) == 1000
    assert 0 <= drawn.min() <= drawn.max() < 1000
    assert abs(len(np.unique(drawn)) / 1000 - (1 - math.exp(-1))) < 0.03
    assert not np.array_equal(drawn, bootstrap_rows(1000, 8))


@pytest.mark.parametrize("engine", PATHS)
def test_networks_and_optimizers_may_differ(engine):
    """A small sweep: other sizes, other learning rates."""
    made = [sw.Sequential([sw.Dense(width), sw.ReLU(), sw.Dense(2)]) for width in (4, 70, 9)]
    alone, rates = copy.deepcopy(made), [sw.Adam(0.1), sw.Adam(0.01), sw.SGD(0.1)]
    sw.fit_many(made, X, Y, seeds=[1, 2, 3], engine=engine, **usual(optimizer=rates))
    for network, other, seed, rule in zip(made, alone, [1, 2, 3], rates, strict=True):
        sw.fit(other, X, Y, seed=seed, engine=engine, **usual(optimizer=rule))
        require_same(network, other)


@pytest.mark.parametrize("engine", PATHS)
def test_two_calls_with_states_are_one_longer_one(engine):
    whole, parts = [small() for _ in range(3)], [small() for _ in range(3)]
    states = [TrainingState() for _ in range(3)]
    sw.fit_many(whole, X, Y, engine=engine, **usual(epochs=5))
    for epochs in (2, 3):
        sw.fit_many(parts, X, Y, engine=engine, states=states, **usual(epochs=epochs))
    for network, other in zip(parts, whole, strict=True):
        require_same(network, other)


# -- the average -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "outputs"),
    [(sw.SoftmaxCrossEntropy(), 2), (sw.SigmoidBinaryCrossEntropy(), 1), (sw.MeanSquaredError(), 1), (sw.MulticlassHinge(), 2)],
    ids=repr,
)
def test_the_average_is_the_mean_of_what_each_predicts(loss, outputs, tmp_path):
    networks = [sw.Sequential([sw.Dense(8), sw.Tanh(), sw.Dense(outputs)]) for _ in range(4)]
    sw.fit_many(networks, X, Y, **usual(loss=loss))
    together = sw.average(networks, loss.link)
    linked = [sw.losses.apply_link(n.predict(X), loss.link) if loss.link else n.predict(X) for n in networks]
    np.testing.assert_allclose(together.predict(X), np.mean(linked, axis=0), rtol=1e-5, atol=1e-6)
    sw.save(together, tmp_path / "average.safetensors")
    assert np.array_equal(sw.load(tmp_path / "average.safetensors").predict(X), together.predict(X))


def test_a_model_of_an_average_gives_its_probabilities(tmp_path):
    networks = [sw.Sequential([sw.Dense(8), sw.Tanh(), sw.Dense(2)]) for _ in range(4)]
    sw.fit_many(networks, X, Y, **usual())
    together = sw.average(networks, "softmax")
    model = sw.Model(together, labels=["no", "yes"], task="multiclass", link=sw.averaged_link("softmax"))
    probabilities = np.mean([sw.losses.apply_link(network.predict(X), "softmax") for network in networks], axis=0)
    np.testing.assert_allclose(model.predict_proba(X), probabilities, rtol=1e-5)
    assert (model.predict(X) == np.array(["no", "yes"])[probabilities.argmax(axis=1)]).all()
    sw.save(model, tmp_path / "model.safetensors")
    np.testing.assert_array_equal(sw.load(tmp_path / "model.safetensors").predict_proba(X), model.predict_proba(X))
    assert sw.averaged_link("sigmoid") == "identity"
    assert [sw.averaged_link(link) for link in ("exp", "identity", None)] == ["exp", "identity", None]


def test_combined_outputs_are_the_mean_probability_in_the_units_of_the_loss():
    from scratchwork.averaging import combined

    z = [RNG.normal(size=(5, 3)) * 4 for _ in range(3)]
    softmax = np.mean([np.exp(one) / np.exp(one).sum(axis=1, keepdims=True) for one in z], axis=0)
    np.testing.assert_allclose(np.exp(combined(z, "softmax")), softmax, rtol=1e-12)
    sigmoid = np.mean([1 / (1 + np.exp(-one)) for one in z], axis=0)
    np.testing.assert_allclose(combined(z, "sigmoid"), np.log(sigmoid) - np.log1p(-sigmoid), rtol=1e-9)
    np.testing.assert_allclose(combined(z, "identity"), sum(z) / 3, rtol=1e-12)
    far = [np.array([[1e4, -1e4]]), np.array([[1e4, -1e4]])]
    assert combined(far, "softmax").tolist() == [[0.0, -2e4]]
    assert combined(far, "sigmoid").tolist() == [[1e4, -1e4]]


@pytest.mark.parametrize("engine", PATHS)
def test_validation_measures_the_average_and_stops_all_at_its_best_epoch(engine):
    networks = [small() for _ in range(3)]
    stop = sw.EarlyStopping(patience=2)
    settings = usual(epochs=60, metrics=["accuracy"], callbacks=[stop], regularizer=sw.L2(0.001))
    history = sw.fit_many(networks, X[:60], Y[:60], validation_data=(X[60:], Y[60:]), engine=engine, **settings)
    assert history.stopped == "early stopping"
    assert history.epochs == history.best_epoch + 2 == len(history.members[0]["loss"])
    mean = sw.average(networks, "softmax").predict(X[60:])
    penalty = np.mean([sum(0.0005 * (p.value**2).sum() for _, p in n.parameters() if p.decay) for n in networks])
    expected = -np.log(mean[np.arange(30), Y[60:]]).mean() + penalty
    assert history["val_loss"][history.best_epoch - 1] == pytest.approx(expected, rel=1e-5)
    assert history["val_accuracy"][history.best_epoch - 1] == pytest.approx((mean.argmax(axis=1) == Y[60:]).mean())
    assert min(history["val_loss"]) == history["val_loss"][history.best_epoch - 1]


def test_the_split_is_drawn_once_for_all():
    networks = [small() for _ in range(2)]
    history = sw.fit_many(networks, X, Y, validation_split=0.2, seed=3, **usual())
    alone = small()
    single = sw.fit(alone, X, Y, validation_split=0.2, seed=3, **usual())
    assert set(single) == set(history)


# -- callbacks, errors -----------------------------------------------------------------------------------------------


def test_callbacks_see_the_average_and_a_common_learning_rate():
    networks, seen = [small() for _ in range(2)], []
    plateau = sw.ReduceOnPlateau("loss", patience=1, factor=0.5)
    plateau.on_epoch_end = lambda run: setattr(run, "learning_rate_factor", 0.5)
    look = sw.Monitor(lambda run: seen.append((run.epoch, run.step, run.learning_rate, run.network.predict(X[:1]).sum())))
    history = sw.fit_many(networks, X, Y, callbacks=[plateau, look], **usual())
    assert [row[:3] for row in seen] == [(1, 6, 0.01), (2, 12, 0.005), (3, 18, 0.005)]
    assert [row[3] for row in seen] == pytest.approx([1.0] * 3)
    assert history["learning_rate"] == [0.01, 0.005, 0.005]


def test_a_callback_that_looks_at_batches_is_refused():
    class Batches(sw.Callback):
        def on_batch_end(self, run: Any) -> None:
            raise AssertionError

    with pytest.raises(ConfigurationError, match="Batches looks at batches"):
        sw.fit_many([small()], X, Y, callbacks=[Batches()], **usual())


@pytest.mark.parametrize("engine", PATHS)
def test_the_network_that_diverges_is_named(engine):
    networks = [sw.Sequential([sw.Dense(3), sw.Dense(1)]) for _ in range(3)]
    rules = [sw.SGD(0.01), sw.SGD(1e20), sw.SGD(0.01)]
    with pytest.raises(DivergedError, match=r"network 1 of 3: .*layer"):
        sw.fit_many(networks, X, X[:, :1], engine=engine, **usual(loss="MeanSquaredError", optimizer=rules, epochs=20))


def test_data_that_is_refused_leaves_all_networks_unbuilt():
    networks = [small() for _ in range(2)]
    with pytest.raises(DataError):
        sw.fit_many(networks, np.full_like(X, np.nan), Y, **usual())
    with pytest.raises(ConfigurationError, match="rows"):
        sw.fit_many(networks, X, Y, rows=[[0, 1], [ROWS]], **usual())
    assert not any(network.built for network in networks)
    sw.fit_many(networks, X[:, :4], Y, **usual())


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"seeds": [1]}, "one for each of the 2 networks"),
        ({"seeds": [1, -1]}, "seed"),
        ({"optimizer": [sw.Adam(0.1)]}, "one for each of the 2 networks"),
        ({"optimizer": sw.LBFGS()}, "LBFGS"),
        ({"states": [TrainingState()]}, "TrainingState"),
        ({"rows": [[0, 1]]}, "each of the 2 networks"),
        ({"rows": [[0.5], [1]]}, "whole numbers"),
        ({"rows": [[], [1]]}, "row numbers"),
        ({"rows": [[0], [1]], "bootstrap": True}, "bootstrap"),
        ({"rows": [[0], [1]], "validation_split": 0.5}, "validation_split"),
        ({"engine": "fast"}, "engine"),
    ],
)
def test_settings_that_do_not_fit(settings, text):
    with pytest.raises(ConfigurationError, match=text):
        sw.fit_many([small(), small()], X, Y, **usual(**settings))


def test_networks_that_do_not_fit():
    shared = sw.Dense(2)
    for networks, text in (
        ([], "at least one"),
        (small(), "list"),
        ([sw.Dense(2)], "Sequential"),
        ([sw.Sequential([shared]), sw.Sequential([shared])], "two networks"),
    ):
        with pytest.raises(ConfigurationError, match=text):
            sw.fit_many(networks, X, Y, **usual())
    with pytest.raises(ShapeError, match="one width"):
        sw.fit_many([sw.Sequential([sw.Dense(2)]), sw.Sequential([sw.Dense(3)])], X, Y, **usual())
    doubles = small()
    doubles.build(6, dtype=np.float64)
    with pytest.raises(ConfigurationError, match="one type of numbers"):
        sw.fit_many([small(), doubles], X, Y, **usual())


@pytest.mark.parametrize("engine", PATHS)
def test_ctrl_c_ends_after_the_present_stretch_and_keeps_what_was_learned(engine):
    networks = [small() for _ in range(3)]
    press = sw.Monitor(lambda run: signal.raise_signal(signal.SIGINT) if run.epoch == 2 else None)
    history = sw.fit_many(networks, X, Y, engine=engine, callbacks=[press], **usual(epochs=50))
    assert (history.stopped, history.epochs) == ("interrupted", 2)
    assert all(network.epochs_seen == 2 for network in networks)


# -- threads ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_share_does_all_of_it_once(threads):
    done: list[int] = []
    share(done.append, 20, threads)
    assert sorted(done) == list(range(20))


@pytest.mark.parametrize("threads", [1, 3])
def test_share_hands_on_the_error(threads):
    before = threading.active_count()

    def work(k: int) -> None:
        if k == 4:
            raise ValueError("four")

    with pytest.raises(ValueError, match="four"):
        share(work, 20, threads)
    assert threading.active_count() <= before + threads
