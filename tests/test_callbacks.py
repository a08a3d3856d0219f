"""Four hooks, in their order and number, whatever happens; stopping at the best epoch; learning rates that fall."""

import errno
import io
import json
import os
import shutil

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.errors import ConfigurationError, DivergedError, MissingFileError, StorageError, UnknownNameError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3))
Y = (X[:, 0] > 0).astype(int)


class Log(sw.Callback):
    """Writes down every call, with epoch and step."""

    def __init__(self, calls=None, name=""):
        self.calls, self.name = ([] if calls is None else calls), name

    def on_fit_begin(self, run):
        self.calls.append((self.name + "begin", run.epoch, run.step))

    def on_batch_end(self, run):
        self.calls.append((self.name + "batch", run.epoch, run.step))

    def on_epoch_end(self, run):
        self.calls.append((self.name + "epoch", run.epoch, run.step))

    def on_fit_end(self, run):
        self.calls.append((self.name + "end", run.epoch, run.step))
        self.stopped = run.history.stopped


def fit(*callbacks, network=None, **settings):
    network = network or sw.Sequential([sw.Dense(4), sw.BatchNorm(), sw.Tanh(), sw.Dense(2)])
    usual = {"loss": "SoftmaxCrossEntropy", "optimizer": sw.Adam(0.01), "epochs": 2, "batch_size": 8, "progress": False}
    return sw.fit(network, X, Y, callbacks=list(callbacks), **(usual | settings))


def scripted(values):
    """A metric of one's own that says these numbers, one per epoch, and the callback that shows the weights then."""
    values = iter(values)

    def score(prediction, target):
        return next(values)

    return score


def test_hooks_come_in_order():
    log = Log()
    fit(log)
    steps = [("begin", 0, 0)]
    for epoch in (1, 2):
        steps += [("batch", epoch, 3 * (epoch - 1) + k) for k in (1, 2, 3)] + [("epoch", epoch, 3 * epoch)]
    assert log.calls == [*steps, ("end", 2, 6)]
    assert log.stopped == "epochs"


def test_callbacks_are_called_in_the_order_of_the_list():
    calls = []
    fit(Log(calls, "a "), Log(calls, "b "), epochs=1, batch_size=None)
    assert [name for name, *_ in calls] == [f"{n} {hook}" for hook in ("begin", "batch", "epoch", "end") for n in "ab"]


def test_a_hook_set_on_the_object_is_called_too():
    callback, seen = sw.Callback(), []
    callback.on_epoch_end = lambda run: seen.append(run.epoch)
    fit(callback)
    assert seen == [1, 2]


@pytest.mark.parametrize("hook", ["on_fit_begin", "on_batch_end", "on_epoch_end", "on_fit_end"])
def test_an_error_in_a_callback_comes_out_and_every_end_is_called(hook):
    class Failing(sw.Callback):
        pass

    def fail(self, run):
        raise ZeroDivisionError("mine")

    setattr(Failing, hook, fail)
    first, last = Log(), Log()
    with pytest.raises(ZeroDivisionError, match="mine"):
        fit(first, Failing(), last)
    assert [log.calls[-1][0] for log in (first, last)] == ["end", "end"]
    assert [name for name, *_ in first.calls].count("end") == 1
    assert first.stopped == ("epochs" if hook == "on_fit_end" else "error")


def test_the_end_is_called_when_training_diverges():
    log = Log()
    with pytest.raises(DivergedError):
        fit(log, optimizer=sw.SGD(1e30), epochs=50)
    assert log.calls[-1][0] == "end"
    assert log.stopped == "error"


def test_a_callback_may_write_into_parameters_and_not_move_them():
    def shrink(run):
        run.network[0].weight.value *= 0.5
        run.network[0].bias.value = np.ones(2, np.float32)

    network = sw.Sequential([sw.Dense(2)])
    fit(sw.Monitor(shrink), network=network)
    assert (network[0].bias.value == 1).all()
    network = sw.Sequential([sw.Sequential([sw.Dense(2)]), sw.Dense(2)])
    with pytest.raises(ConfigurationError, match="a callback moved the parameters elsewhere"):
        fit(sw.Monitor(lambda run: run.network[0].flat()), network=network)


@pytest.mark.parametrize("hook", ["on_fit_begin", "on_batch_end", "on_epoch_end"])
def test_setting_stop_ends_the_run(hook):
    class Enough(sw.Callback):
        pass

    setattr(Enough, hook, lambda self, run: setattr(run, "stop", "enough"))
    log = Log()
    history = fit(Enough(), log, epochs=5)
    assert history.stopped == log.stopped == "enough"
    assert log.calls[-1] == ("end", *{"on_fit_begin": (0, 0), "on_batch_end": (1, 1), "on_epoch_end": (1, 3)}[hook])
    assert history.epochs == (0 if hook == "on_fit_begin" else 1)


def test_the_run_shows_what_is_going_on():
    seen = []
    fit(
        sw.Monitor(
            lambda run: seen.append((run.epoch, run.history["loss"][-1], run.learning_rate, run.rows, run.steps_per_epoch))
        )
    )
    assert [(epoch, *rest) for epoch, _, *rest in seen] == [(1, 0.01, 20, 3), (2, 0.01, 20, 3)]


# -- early stopping ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "mode", "patience", "delta", "best", "epochs"),
    [
        ([3, 2, 1, 2, 3, 4, 5], "min", 2, 0.0, 3, 5),
        ([1, 2, 3, 3, 3, 9], "max", 2, 0.0, 3, 5),
        ([1, 1, 1], "min", 1, 0.0, 1, 2),
        ([5, 4.9, 4.8, 4.7, 0], "min", 3, 0.5, 1, 4),
        ([1, 2, 3, 4], "max", 3, 0.0, 4, 4),
        ([float("nan"), 2, float("nan"), float("nan")], "min", 2, 0.0, 2, 4),
        ([float("inf"), 2, 3, 4], "min", 2, 0.0, 2, 4),
    ],
)
def test_early_stopping_waits_and_restores(values, mode, patience, delta, best, epochs):
    states = []
    keep = sw.Monitor(lambda run: states.append(run.snapshot()))
    stopping = sw.EarlyStopping("score", mode=mode, patience=patience, min_delta=delta)
    network = sw.Sequential([sw.Dense(4), sw.BatchNorm(), sw.Tanh(), sw.Dense(2)])
    history = fit(keep, stopping, network=network, epochs=len(values), metrics={"score": scripted(values)})
    assert (history.best_epoch, history.epochs) == (best, epochs)
    assert history.stopped == ("early stopping" if epochs < len(values) or best + patience == epochs else "epochs")
    now = [network.flat().value, *(buffer for _, buffer in network.buffers())]
    assert len(now) == 3
    for array, kept in zip(now, states[best - 1], strict=True):
        assert np.array_equal(array, kept)
    assert not np.array_equal(states[best - 1][1], states[best - 2][1])  # running means, too, are those of that epoch


def test_the_best_weights_may_be_left_out():
    network, states = sw.Sequential([sw.Dense(2)]), []
    keep = sw.Monitor(lambda run: states.append(run.snapshot()[0]))
    stopping = sw.EarlyStopping("score", mode="min", patience=2, restore_best=False)
    fit(keep, stopping, network=network, epochs=9, metrics={"score": scripted(range(9))})
    assert len(states) == 3
    assert np.array_equal(network.flat().value, states[-1])


def test_the_best_weights_come_back_after_an_error_too():
    network, states = sw.Sequential([sw.Dense(2)]), []
    keep = sw.Monitor(lambda run: states.append(run.snapshot()[0]))
    stopping = sw.EarlyStopping("loss")
    with pytest.raises(DivergedError):
        fit(keep, stopping, network=network, optimizer=sw.SGD(lambda step: 0.1 if step < 7 else 1e300), epochs=50)
    assert np.array_equal(network.flat().value, states[stopping.best_epoch - 1])
    assert np.isfinite(network.flat().value).all()


def test_one_object_serves_two_runs():
    stopping = sw.EarlyStopping("score", mode="min", patience=1)
    for values, epochs in (([1, 2, 0], 2), ([5, 4, 3, 6], 4)):
        assert fit(stopping, epochs=9, metrics={"score": scripted(values)}).epochs == epochs


@pytest.mark.parametrize("metrics", [["accuracy"], {"right": "accuracy"}])
def test_the_direction_of_the_library_s_metrics_is_known_by_any_name(metrics):
    name = "val_" + ("accuracy" if isinstance(metrics, list) else "right")
    stopping = sw.EarlyStopping(name, patience=5)
    history = fit(stopping, epochs=12, metrics=metrics, validation_data=(X, Y), optimizer=sw.SGD(0.1))
    assert stopping.best == max(history[name][: history.best_epoch + 5])
    stopping = sw.EarlyStopping("val_loss", patience=5)
    history = fit(stopping, epochs=12, validation_data=(X, Y))
    assert stopping.best == min(history["val_loss"])


def test_a_metric_of_one_s_own_needs_a_mode():
    for callback in (sw.EarlyStopping("gain"), sw.ReduceOnPlateau("gain")):
        with pytest.raises(ConfigurationError, match=r"'gain', a metric of your own: say mode='max' or mode='min'"):
            fit(callback, metrics={"gain": lambda prediction, target: 0.0})


@pytest.mark.parametrize("make", [sw.EarlyStopping, sw.ReduceOnPlateau])
def test_an_entry_that_will_not_be_there_is_an_error_before_the_first_step(make):
    log = Log()
    with pytest.raises(ConfigurationError, match=r"'val_loss' and there is no validation data: .*\(monitor='loss'\)"):
        fit(log, make())
    with pytest.raises(UnknownNameError, match="did you mean 'val_loss'"):
        fit(log, make("val_los"), validation_data=(X, Y))
    network = sw.Sequential([sw.Dense(2)])
    with pytest.raises(ConfigurationError):
        fit(make(), network=network)
    assert not network.built
    assert not [call for call in log.calls if call[0] == "batch"]


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (sw.EarlyStopping, {"patience": 0}),
        (sw.EarlyStopping, {"patience": 2.5}),
        (sw.EarlyStopping, {"patience": "3"}),
        (sw.EarlyStopping, {"min_delta": -1}),
        (sw.EarlyStopping, {"min_delta": float("nan")}),
        (sw.EarlyStopping, {"mode": "up"}),
        (sw.ReduceOnPlateau, {"factor": 1.0}),
        (sw.ReduceOnPlateau, {"factor": "half"}),
        (sw.ReduceOnPlateau, {"min_factor": -1}),
        (sw.ReduceOnPlateau, {"patience": True}),
        (sw.Monitor, {"function": None}),
    ],
)
def test_settings_out_of_range(make, settings):
    with pytest.raises(ConfigurationError):
        make(**settings)


# -- the others ----------------------------------------------------------------------------------------------------


def test_the_learning_rate_falls_on_a_plateau():
    values = [5, 4, 4, 4, 4, 3, 3, 3, 3]
    reduce = sw.ReduceOnPlateau("score", factor=0.1, patience=2, min_factor=0.05, mode="min")
    history = fit(reduce, optimizer=sw.SGD(1e-3), epochs=9, metrics={"score": scripted(values)})
    np.testing.assert_allclose(history["learning_rate"], [1e-3] * 4 + [1e-4] * 4 + [5e-5], rtol=1e-12)
    with pytest.raises(ConfigurationError, match="LBFGS has none"):
        fit(sw.ReduceOnPlateau("loss"), optimizer="lbfgs")


def test_the_file_grows_with_every_epoch(tmp_path):
    path, lengths = tmp_path / "history.jsonl", []
    path.write_text("old\n")
    history = fit(sw.HistoryFile(path), sw.Monitor(lambda run: lengths.append(len(path.read_text().splitlines()))), epochs=3)
    assert lengths == [1, 2, 3]
    assert path.read_text() == history.to_json_lines()
    assert [json.loads(line)["epoch"] for line in path.read_text().splitlines()] == [1, 2, 3]


def test_a_file_that_cannot_be_written_is_said_before_the_first_step(tmp_path):
    log = Log()
    with pytest.raises(MissingFileError, match=r"folder .* is not there"):
        fit(log, sw.HistoryFile(tmp_path / "none" / "history.jsonl"))
    with pytest.raises(StorageError, match="cannot write"):
        fit(log, sw.HistoryFile(tmp_path))
    assert not [call for call in log.calls if call[0] == "batch"]


class Failing(sw.Callback):
    """Does something to the file after these epochs."""

    def __init__(self, **after):
        self.after = after

    def on_epoch_end(self, run):
        self.after.get(f"epoch{run.epoch}", lambda: None)()


def test_a_full_disk_costs_lines_only_until_it_has_room_again(tmp_path, monkeypatch, capsys):
    path, limit = tmp_path / "history.jsonl", []

    class Full(io.TextIOWrapper):
        def write(self, text):
            if limit:
                super().write(text[:10])
                self.flush()
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(text)

    def opened(name, how, **settings):
        return Full(open(name, how + "b"), encoding="utf-8", newline="")

    monkeypatch.setattr("scratchwork.callbacks.open", opened, raising=False)
    sizes = []
    disk = Failing(epoch2=lambda: limit.append(1), epoch4=lambda: sizes.append(path.read_text()), epoch5=limit.clear)
    history = fit(sw.HistoryFile(path), disk, epochs=7)
    assert history.epochs == 7
    assert path.read_text() == history.to_json_lines()
    assert len(sizes[0].splitlines()) == 2, "no half of a line"
    assert sizes[0].endswith("\n")
    assert capsys.readouterr().err.count("No space left") == 1

    history = fit(sw.HistoryFile(path), Failing(epoch3=lambda: limit.append(1)), epochs=5)
    assert history.epochs == 5, "a full disk in the end takes no training away"
    assert path.read_text() == "".join(history.to_json_lines().splitlines(keepends=True)[:3])
    assert "training goes on" in capsys.readouterr().err


def test_a_file_that_somebody_took_away_is_written_again(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    path = folder / "history.jsonl"
    history = fit(sw.HistoryFile(path), Failing(epoch2=lambda: shutil.rmtree(folder), epoch3=folder.mkdir), epochs=5)
    assert path.read_text() == history.to_json_lines()
    history = fit(sw.HistoryFile(path), Failing(epoch2=path.unlink), epochs=4)
    assert path.read_text() == history.to_json_lines()
