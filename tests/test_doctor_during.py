"""The doctor during training: each thing is said once, with its numbers, and the run has the same bits."""

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.doctor import watch
from scratchwork.engine.choice import missing
from scratchwork.errors import ConfigurationError, DivergedError

ENGINES = ["numpy"] if missing() else ["numpy", "compiled"]


@pytest.fixture(autouse=True)
def strict(monkeypatch):
    monkeypatch.setattr(watch.Watch, "strict", True)


def digits():
    rows = sw.data.digits()
    return (rows.x / 16).astype(np.float32), rows.y


def dense(*sizes, bias=0.0):
    layers = []
    for size in sizes[:-1]:
        layers += [sw.Dense(size, bias_initializer=sw.initializers.Constant(bias)), sw.ReLU()]
    return sw.Sequential([*layers, sw.Dense(sizes[-1])])


def fit(network, x, y, **settings):
    told = {"loss": sw.SoftmaxCrossEntropy(), "optimizer": sw.Adam(3e-3), "epochs": 5, "progress": False, "doctor": True}
    return sw.fit(network, x, y, **{**told, **settings})


def codes(history):
    return [finding.code for finding in history.findings]


def only(history, code):
    found = [finding for finding in history.findings if finding.code == code]
    assert len(found) == 1, codes(history)
    return found[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_healthy_run_has_nothing_and_the_same_bits(engine):
    x, y = digits()
    ends = []
    for doctor in (False, True):
        network = sw.Sequential([sw.Dense(24), sw.BatchNorm(), sw.ReLU(), sw.Dropout(0.2), sw.Dense(10)])
        if engine == "numpy":
            network.layers.insert(0, Hidden())
            network = sw.Sequential(network.layers)
        history = fit(network, x, y, doctor=doctor, engine=engine, validation_split=0.2, epochs=8, metrics=["accuracy"])
        ends.append((network.flat().value.tobytes(), [b.tobytes() for _, b in network.buffers()], history["loss"]))
        assert history.findings == []
        assert network.steps_seen == 8 * 45
    assert ends[0] == ends[1]


class Hidden(sw.Layer):
    """The identity, with noise from a generator that every training forward moves: a look at the network itself would show."""

    def __init__(self):
        self._rng = np.random.default_rng(5)

    def build(self, in_shape, rng, dtype):
        return in_shape

    def forward(self, x, *, training=False, step=0):
        return (x + self._rng.normal(0, 1e-3, x.shape).astype(x.dtype) if training else x), None

    def backward(self, dy, cache, *, need_dx=True):
        return dy


@pytest.mark.parametrize(
    "settings", [{}, {"batch_size": None}, {"optimizer": "lbfgs"}, {"drop_last": True}, {"shuffle": False}]
)
def test_every_kind_of_run_keeps_its_bits(settings):
    rows = sw.data.blobs(40, classes=3, seed=2)
    ends = []
    for doctor in (False, True):
        network = dense(8, 3)
        fit(network, rows.x, rows.y, doctor=doctor, engine="numpy", **settings)
        ends.append(network.flat().value.tobytes())
    assert ends[0] == ends[1]


def test_sparse_rows_and_weights_are_looked_at_too():
    sparse = pytest.importorskip("scipy.sparse")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    x = (rng.random((200, 30)) < 0.1) * 1.0
    x[:, 0] = y
    history = fit(dense(8, 2), sparse.csr_array(x), y, sample_weight=rng.random(200) + 0.5, epochs=30)
    assert history.findings == []


@pytest.mark.parametrize("engine", ENGINES)
def test_a_resumed_run_keeps_its_bits_and_says_nothing_twice(engine, tmp_path):
    x, y = digits()

    class Stop(sw.Callback):
        def on_epoch_end(self, run):
            if run.epoch == 3:
                raise KeyboardInterrupt

    straight = dense(16, 10)
    fit(straight, x, y, epochs=6, engine=engine)
    network, folder = dense(16, 10), tmp_path / "checkpoints"
    with pytest.raises(KeyboardInterrupt):
        fit(network, x, y, epochs=6, engine=engine, checkpoint=folder, callbacks=[Stop()])
    again = dense(16, 10)
    history = fit(again, x, y, epochs=6, engine=engine, checkpoint=folder, resume=True)
    assert again.flat().value.tobytes() == straight.flat().value.tobytes()
    assert history.epochs == 6
    assert len(set(codes(history))) == len(history.findings)


# what is not finite


@pytest.mark.parametrize("engine", ENGINES)
def test_divergence_names_array_step_and_how(engine):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 5))
    with pytest.raises(DivergedError) as caught:
        fit(dense(8, 1), x, x @ np.ones(5), loss=sw.MeanSquaredError(), optimizer=sw.SGD(30.0, momentum=0.9), engine=engine)
    by_code = {finding.code: finding for finding in caught.value.findings}
    assert {"SW201", "SW301"} <= set(by_code)
    bad = by_code["SW201"]
    assert bad.step >= 1
    assert "overflow" in bad.evidence["how"] or "invalid" in bad.evidence["how"]
    assert bad.evidence["losses"][0][0] == 0
    assert by_code["SW301"].evidence["proposed"] < 30.0


class NaiveLoss(sw.Loss):
    """A softmax that takes exp of whatever comes."""

    task, link = "multiclass", "softmax"

    def value_and_grad(self, prediction, target, weight=None):
        p = np.exp(prediction)
        p /= p.sum(axis=1, keepdims=True)
        rows = np.arange(len(p))
        value = float(-np.log(p[rows, target]).mean())
        p[rows, target] -= 1
        return value, p / len(p)


def test_a_loss_that_overflows_by_itself_is_not_the_learning_rate():
    x, y = digits()
    network = sw.Sequential([sw.Dense(16), sw.ReLU(), sw.Dense(10), sw.Rescaling(300.0)])
    with pytest.raises(DivergedError) as caught:
        fit(network, x, y, loss=NaiveLoss(), engine="numpy")
    found = caught.value.findings
    assert [finding.code for finding in found] == ["SW201"]
    assert "NaiveLoss" in found[0].where
    assert "overflow" in found[0].cause
    assert "minus their maximum" in found[0].fix


# the learning rate


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("rule", "code"), [(sw.SGD(30.0), "SW301"), (sw.Adam(2.0), "SW301"), (sw.SGD(1e-6), "SW302"), (sw.Adam(1e-8), "SW302")]
)
def test_the_learning_rate_and_one_that_is_better(rule, code, engine):
    x, y = digits()
    history = fit(dense(24, 10), x, y, optimizer=rule, engine=engine)
    found = only(history, code)
    assert history.findings[0] is found
    better = found.evidence["proposed"]
    assert (better < rule.learning_rate) == (code == "SW301")
    again = fit(dense(24, 10), x, y, optimizer=type(rule)(better), engine=engine, doctor=False)
    assert again["loss"][-1] < 0.5 * history["loss"][-1]  # the proposal is one


def test_a_schedule_that_stops_the_run():
    x, y = digits()
    history = fit(dense(24, 10), x, y, optimizer=sw.Adam(sw.Exponential(3e-3, decay=0.3)))
    assert "schedule" in only(history, "SW302").fix


# stuck


def test_stuck_at_chance_with_the_path_that_was_walked():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(3000, 4)), rng.integers(0, 3, 3000)
    history = fit(dense(4, 3), x, y, epochs=4)
    found = only(history, "SW501")
    assert found.evidence["chance"] == pytest.approx(np.log(3), abs=0.01)
    assert any("learning rate" in step for step in found.path)
    assert any("nearest other row" in step for step in found.path)
    assert all("yes" in step or "no" in step for step in found.path)


def test_labels_that_follow_are_not_stuck():
    x, y = digits()
    assert "SW501" not in codes(fit(dense(16, 10), x, y, epochs=1))


# units and gradients


@pytest.mark.parametrize("engine", ENGINES)
def test_dead_units_which_and_since_when(engine):
    x, y = digits()
    history = fit(dense(16, 16, 10, bias=-40.0), x, y, engine=engine)
    found = [finding for finding in history.findings if finding.code == "SW801"]
    assert len(found) == 2
    assert found[0].where.startswith("layer 1")
    assert found[0].evidence["units"] == list(range(16))
    assert found[0].step == 0

    class Kill(sw.Callback):
        def on_epoch_end(self, run):
            if run.epoch == 2:
                run.network.layers[0].bias.value[:12] = -100.0

    history = fit(dense(16, 10), x, y, engine=engine, epochs=9, callbacks=[Kill()])
    assert not [finding for finding in history.findings if finding.alarm]  # it has learned all the same
    history = fit(dense(16, 10), x, np.random.default_rng(0).permutation(y), engine=engine, epochs=9, callbacks=[Kill()])
    dead = only(history, "SW801")
    assert set(range(12)) <= set(dead.evidence["units"])
    assert dead.step in (2 * 57, 4 * 57)


def test_saturated_units():
    x, y = digits()
    wide = sw.initializers.Normal(30.0)
    network = sw.Sequential([sw.Dense(16, weight_initializer=wide), sw.Tanh(), sw.Dense(10)])
    found = only(fit(network, x, y, optimizer=sw.SGD(1e-3), epochs=2), "SW802")
    assert found.evidence["at_start"] >= 8


def test_vanishing_and_exploding_gradients_by_layer():
    x, y = digits()
    deep = sw.Sequential([*(part for _ in range(7) for part in (sw.Dense(16), sw.Sigmoid())), sw.Dense(10)])
    found = only(fit(deep, x, y), "SW1501")
    assert len(found.evidence["by_layer"]) == 8
    assert found.evidence["steps_at_chance"] >= 25
    huge = [sw.Dense(24, weight_initializer=sw.initializers.Normal(2.0)) for _ in range(5)]
    network = sw.Sequential([*(part for layer in huge for part in (layer, sw.ReLU())), sw.Dense(10)])
    assert "SW1502" in codes(fit(network, x, y, epochs=2))


# data and scores


@pytest.mark.parametrize("size", [16, 32])
def test_rows_in_order(size):
    x, y = digits()
    order = np.argsort(y, kind="stable")
    assert only(fit(dense(16, 10), x[order], y[order], shuffle=False, batch_size=size), "SW1101").evidence["batch_size"] == size
    assert codes(fit(dense(16, 10), x[order], y[order], batch_size=size, epochs=12)) == []
    assert codes(fit(dense(16, 10), x, y, shuffle=False, batch_size=size, epochs=12)) == []


def test_batches_repeated():
    x, y = digits()
    again = np.concatenate([np.arange(start, start + 32) for start in range(0, 640, 32) for _ in range(3)])
    assert only(fit(dense(16, 10), x[again], y[again]), "SW1102").evidence["different"] == 640
    assert only(fit(dense(16, 10), np.tile(x[:96], (8, 1)), np.tile(y[:96], 8)), "SW1102").evidence["different"] == 96
    cube = np.array(np.meshgrid(*[[0.0, 1.0]] * 3)).reshape(3, -1).T
    rows = cube[np.random.default_rng(0).integers(0, 8, 400)]  # few different rows, and no repetition
    assert "SW1102" not in codes(fit(dense(16, 2), rows, (rows.sum(axis=1) % 2).astype(int), epochs=60))


def test_imbalance_that_hides_behind_accuracy():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(900, 6))
    y = (rng.random(900) < 0.04).astype(int)
    history = fit(dense(6, 2), x, y, epochs=8, metrics=["accuracy"])
    assert history["accuracy"][-1] > 0.95
    assert only(history, "SW1004").evidence["others_found"] <= 0.1
    x[:, 0] += 6 * y
    assert codes(fit(dense(6, 2), x, y, epochs=20)) == []  # as rare, and found


def test_overfitting_but_not_where_the_best_epoch_comes_back():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(120, 30))
    y = (x[:, 0] + rng.normal(size=120) > 0).astype(int)
    told = {"validation_data": (x[60:], y[60:]), "epochs": 120, "optimizer": sw.Adam(1e-2)}
    assert only(fit(dense(64, 2), x[:60], y[:60], **told), "SW1301").evidence["best_epoch"] < 60
    stopping = [sw.EarlyStopping(patience=None)]
    assert "SW1301" not in codes(fit(dense(64, 2), x[:60], y[:60], callbacks=stopping, **told))


def test_regularization_that_kills_weights():
    x, y = digits()
    found = only(fit(dense(24, 10), x, y, regularizer=sw.L2(3.0)), "SW1601")
    assert found.evidence["loss_without"] < 0.7 * found.evidence["loss"]
    assert codes(fit(dense(24, 10), x, y, regularizer=sw.L2(1e-4))) == []


def test_stopped_too_early():
    x, y = digits()
    history = fit(dense(24, 10), x, y, epochs=2, optimizer=sw.Adam(1e-3))
    assert only(history, "SW1603").evidence["epochs"] == 2
    assert "SW1603" not in codes(fit(dense(24, 10), x, y, epochs=40))


def test_more_threads_than_there_are():
    pytest.importorskip("threadpoolctl")
    x, y = digits()
    found = only(fit(dense(16, 10), x, y, threads=64, epochs=8), "SW1604")
    assert found.severity == "note"


# how it is said


def test_findings_are_said_on_stderr_with_progress_only(capsys):
    x, y = digits()
    fit(dense(16, 10, bias=-40.0), x, y)
    assert capsys.readouterr().err == ""
    history = fit(dense(16, 10, bias=-40.0), x, y, progress=True)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("doctor: ")]
    assert len(lines) == len(history.findings) > 0
    assert "SW801" in lines[0]


def test_what_the_doctor_cannot_copy_does_not_end_a_run(monkeypatch):
    monkeypatch.setattr(watch.Watch, "strict", False)

    class Stubborn(Hidden):
        def __deepcopy__(self, memo):
            raise TypeError("not this one")

    x, y = digits()
    network = sw.Sequential([Stubborn(), sw.Dense(10)])
    assert fit(network, x, y, epochs=1).findings == []


def test_doctor_is_true_or_false():
    x, y = digits()
    with pytest.raises(ConfigurationError, match="doctor is True or False"):
        fit(dense(10), x, y, doctor="yes")
