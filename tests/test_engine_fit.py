"""fit with engine="compiled" is fit: the same history, hooks, errors and interruptions, and a word where it cannot be."""

import os
import subprocess
import sys
import textwrap
import threading
from typing import Any

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.engine import choice
from scratchwork.engine import threads as crews
from scratchwork.engine.interpreter import run_steps
from scratchwork.errors import ConfigurationError, DivergedError, MissingDependencyError
from scratchwork.progress import Progress
from two_paths import Watch, distance, require_same_bits, require_same_numbers, trained

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 6))
Y = (X[:, 0] + 0.3 * RNG.normal(size=90) > 0).astype(int) + (X[:, 1] > 0.5)
PATHS = ("numpy", "compiled")


@pytest.fixture(autouse=True)
def as_many_threads_as_asked_for(monkeypatch):
    """Networks as small as those of these tests would take one."""
    monkeypatch.setattr(crews, "SMALL", 0)
    monkeypatch.setattr(crews, "SHORT", 0)


def net(*between: sw.Layer, dtype: Any = np.float64, outputs: int = 3) -> sw.Sequential:
    network = sw.Sequential([sw.Dense(70), sw.Tanh(), *between, sw.Dense(outputs)])
    network.build(6, 0, dtype)
    return network


def run(network: sw.Sequential, x: Any = X, y: Any = Y, **settings: Any) -> sw.History:
    usual: dict[str, Any] = {"loss": sw.SoftmaxCrossEntropy(), "optimizer": sw.SGD(0.1), "epochs": 3, "batch_size": 16}
    usual |= {"engine": "auto", "progress": False}
    return sw.fit(network, x, y, **(usual | settings))


def both(make: Any = net, x: Any = X, y: Any = Y, **settings: Any) -> tuple[Any, Any]:
    usual = {"loss": sw.SoftmaxCrossEntropy(), "optimizer": sw.SGD(0.1)}
    wanted, found = (trained(make(), x, y, engine=engine, **(usual | settings)) for engine in PATHS)
    require_same_numbers(found, wanted, 1e-11)
    return wanted, found


def python(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A program in a process of its own, where a warning is an error."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        capture_output=True, text=True, timeout=200, env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment},
    )  # fmt: skip


# -- which path ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("engine", "taken"), [("auto", "compiled"), ("numpy", "numpy"), ("compiled", "compiled")])
def test_the_engine_s_names(engine, taken):
    watch = Watch()
    run(net(), engine=engine, callbacks=[watch], epochs=1)
    assert watch.run.engine == taken


@pytest.mark.parametrize("engine", ["Compiled", "numba", "", None, 3])
def test_another_name_is_an_error(engine):
    with pytest.raises(ConfigurationError, match="engine is one of 'auto', 'numpy', 'compiled'; received"):
        run(net(), engine=engine)


class OwnLayer(sw.Tanh):
    """A layer of somebody's own; also what inherits may mean something else."""


class OwnLoss(sw.MeanSquaredError):
    """A loss of somebody's own."""


class OwnRule(sw.SGD):
    """An optimizer of somebody's own."""


class OwnPenalty(sw.L2):
    """A penalty of somebody's own."""


class OwnLimit(sw.MaxNorm):
    """A constraint of somebody's own."""


UNKNOWN: dict[str, tuple[Any, dict[str, Any]]] = {
    "OwnLayer": (lambda: net(OwnLayer()), {}),
    "OwnLoss": (net, {"loss": OwnLoss(), "y": X[:, :3]}),
    "OwnRule": (net, {"optimizer": OwnRule(0.1)}),
    "OwnPenalty": (net, {"regularizer": OwnPenalty(0.1)}),
    "OwnLimit": (net, {"constraint": OwnLimit(1.0)}),
    "LBFGS": (net, {"optimizer": sw.LBFGS()}),
    "Poisson": (
        lambda: net(sw.Softplus()),
        {"loss": sw.Poisson(log_input=False), "y": np.ones((90, 3)), "optimizer": sw.SGD(1e-9)},
    ),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_it_does_not_know_is_one_error_under_compiled(name):
    make, settings = UNKNOWN[name]
    network, hooks = make(), []
    before = network.flat().value.copy()
    with pytest.raises(
        ConfigurationError, match=rf"^the compiled path does not know .*{name}.*engine='auto' or 'numpy'$"
    ) as caught:
        run(network, engine="compiled", callbacks=[sw.Monitor(hooks.append)], **settings)
    assert "\n" not in str(caught.value)
    assert np.array_equal(network.flat().value, before)
    assert not hooks


@pytest.mark.parametrize("name", [name for name in UNKNOWN if name != "Poisson"])
def test_what_it_does_not_know_runs_on_numpy_under_auto(name):
    make, settings = UNKNOWN[name]
    found, wanted, watch = make(), make(), Watch()
    run(found, callbacks=[watch], **settings)
    run(wanted, engine="numpy", **settings)
    assert watch.run.engine == "numpy"
    assert np.array_equal(found.flat().value, wanted.flat().value)


def test_a_fall_back_is_said_once(capsys, monkeypatch):
    monkeypatch.setattr(choice, "_told", set())
    for _ in range(3):
        run(net(OwnLayer()), epochs=1, progress=True)
    said = capsys.readouterr().err
    assert said.count("the compiled path does not know the layer OwnLayer()") == 1
    assert said.count("\n") == 1
    run(net(OwnLayer()), epochs=1, progress=False)
    run(net(), epochs=1, progress=True)
    assert capsys.readouterr().err == ""


def test_a_refused_network_is_left_unbuilt():
    network = sw.Sequential([sw.Dense(3), OwnLayer()])
    with pytest.raises(ConfigurationError, match="OwnLayer"):
        run(network, engine="compiled")
    assert not network.built


# -- without Numba ---------------------------------------------------------------------------------------------------

WITHOUT_NUMBA = """
    import sys
    class Hidden:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in ("numba", "llvmlite"):
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    sys.meta_path.insert(0, Hidden())
    import numpy as np, scratchwork as sw
    x, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    settings = dict(loss="SoftmaxCrossEntropy", optimizer="Adam", epochs=2)
    taken = []
    class Watch(sw.Callback):
        def on_fit_begin(self, run): taken.append(run.engine)
"""


def test_without_numba_auto_is_silent_and_compiled_says_what_to_install():
    program = """
    sw.fit(sw.Sequential([sw.Dense(2)]), x, y, engine="auto", callbacks=[Watch()], **settings)
    try:
        sw.fit(sw.Sequential([sw.Dense(2)]), x, y, engine="compiled", **settings)
    except sw.ScratchworkError as error:
        print(taken, type(error).__name__, error)
    """
    done = python(textwrap.dedent(WITHOUT_NUMBA) + textwrap.dedent(program))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout == "['numpy'] MissingDependencyError engine='compiled' needs numba: pip install 'scratchwork[fast]'\n"


def test_a_numba_that_cannot_be_loaded_is_said_once_and_done_without(tmp_path):
    """Numba refuses to be imported beside a NumPy that is newer than itself."""
    (tmp_path / "numba.py").write_text("raise ImportError('Numba needs NumPy 9.8 or less')")
    program = """
    import numpy as np, scratchwork as sw
    x, y = np.eye(4), np.arange(4) % 2
    settings = dict(loss="SoftmaxCrossEntropy", optimizer="Adam", epochs=2)
    for _ in range(2):
        sw.fit(sw.Sequential([sw.Dense(2)]), x, y, engine="auto", **settings)
    try:
        sw.fit(sw.Sequential([sw.Dense(2)]), x, y, engine="compiled", **settings)
    except sw.ScratchworkError as error:
        print(type(error).__name__, error)
    """
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = python(program, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("the compiled path cannot be loaded (Numba needs NumPy 9.8 or less), so NumPy's is taken\n") == 1
    assert done.stdout.startswith("MissingDependencyError engine='compiled' cannot load what it needs (Numba needs NumPy 9.8")


@pytest.mark.parametrize("name", choice.NEEDED)
def test_each_library_that_is_missing_is_named(name, monkeypatch):
    there = choice.importlib.util.find_spec
    monkeypatch.setattr(choice.importlib.util, "find_spec", lambda wanted: None if wanted == name else there(wanted))
    with pytest.raises(MissingDependencyError, match=rf"^engine='compiled' needs {name}: pip install 'scratchwork\[fast\]'$"):
        run(net(), engine="compiled")
    watch = Watch()
    run(net(), callbacks=[watch])
    assert watch.run.engine == "numpy"


def test_numba_is_not_imported_before_it_has_something_to_do():
    program = """
    import sys, numpy as np, scratchwork as sw
    x, y = np.eye(4), np.arange(4) % 2
    network = sw.Sequential([sw.Dense(2)])
    sw.fit(network, x, y, loss="SoftmaxCrossEntropy", optimizer="Adam", engine="numpy")
    network.predict(x)
    print("numba" in sys.modules)
    sw.fit(network, x, y, loss="SoftmaxCrossEntropy", optimizer="Adam")
    print("numba" in sys.modules)
    """
    assert python(program).stdout == "False\nTrue\n"


# -- the same history ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 16, 30, 89, 90, 500, None])
def test_histories_are_equal(size):
    metrics = ["accuracy", "balanced_accuracy"]
    wanted, _ = both(batch_size=size, metrics=metrics, validation_split=0.2, optimizer=sw.Adam(sw.Cosine(0.01, 60)))
    names = ["loss", *metrics, "val_loss", *(f"val_{name}" for name in metrics), "learning_rate", "seconds"]
    assert list(wanted.history) == names


@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_see_every_row_with_its_own_target_and_weight(weighted):
    """A metric of one's own gets the same arrays: predictions before each update, targets and weights in the same order."""
    seen: list[Any] = []

    def spy(prediction, target, weight=None):
        seen.append((prediction.copy(), target.copy(), None if weight is None else weight.copy()))
        return 0.0

    weight = RNG.uniform(0.5, 2.0, 90) if weighted else None
    both(metrics={"spy": spy}, sample_weight=weight, epochs=2)
    wanted, found = seen[:2], seen[2:]
    for one, other in zip(found, wanted, strict=True):
        assert distance(one[0], other[0]) < 1e-11
        assert np.array_equal(one[1], other[1])
        assert (one[2] is None and other[2] is None) or np.array_equal(one[2], other[2])


def test_weights_and_penalties_are_in_the_history():
    weight = np.where(np.arange(90) % 3, 1.0, 4.0)
    validation = (X[:20], Y[:20], weight[:20])
    both(sample_weight=weight, regularizer=sw.L2(0.1), validation_data=validation, metrics=["accuracy"])


def test_numbers_as_targets():
    both(lambda: net(outputs=2), y=X[:, :2] ** 2, loss=sw.Huber(), metrics=["r2"])
    both(lambda: net(outputs=1), y=X[:, 0] ** 2, loss=sw.MeanSquaredError(), validation_split=0.3)


def test_soft_and_one_hot_rows_as_targets():
    both(y=np.eye(3)[Y], metrics=["accuracy"])
    both(y=RNG.dirichlet(np.ones(3), 90))
    both(lambda: net(outputs=1), y=(Y > 0).astype(int), loss=sw.SigmoidBinaryCrossEntropy(), metrics=["accuracy"])


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.float16, np.int64, bool, np.float64, ">f8"])
@pytest.mark.parametrize("size", [16, None])
def test_every_kind_of_number_trains_alike(dtype, size):
    x = RNG.integers(0, 2, (90, 6)) if dtype is bool else RNG.integers(0 if dtype is np.uint8 else -90, 100, (90, 6))
    x = x / 64 if dtype in (np.float16, np.float64) else x
    expected, narrow = net(dtype=np.float32), net(dtype=np.float32)
    run(expected, x.astype(np.float32), Y, batch_size=size, optimizer=sw.SGD(1e-4), engine="compiled")
    run(narrow, x.astype(dtype), Y, batch_size=size, optimizer=sw.SGD(1e-4), engine="compiled")
    assert np.array_equal(narrow.flat().value, expected.flat().value)
    assert np.isfinite(expected.flat().value).all()


def test_every_number_of_half_precision_is_read():
    """All 63488 finite numbers of 16 bits, denormal ones and −0 too, through the running mean of one row."""
    bits = np.arange(2**16, dtype=np.uint16).view(np.float16)
    numbers = bits[np.isfinite(bits)][: 2 * 31744].reshape(2, -1)
    network = sw.Sequential([sw.BatchNorm(momentum=0.5), sw.Dense(1, weight_initializer="zeros")])
    network.build(numbers.shape[1], 0, np.float64)
    run(network, numbers, np.zeros(2), loss="MeanSquaredError", batch_size=2, epochs=1, engine="compiled", shuffle=False)
    wanted = numbers.astype(np.float64).mean(axis=0)
    assert np.array_equal(network[0].running_mean, 0.5 * wanted)


def test_rows_of_any_shape_and_place_in_memory():
    def make():
        network = sw.Sequential([sw.Flatten(), sw.Dense(3)])
        network.build((2, 3), 0, np.float64)
        return network

    expected = trained(make(), X.reshape(90, 2, 3), Y, engine="compiled", loss=sw.SoftmaxCrossEntropy(), optimizer="Adam")
    frozen = X.reshape(90, 2, 3).copy()
    frozen.flags.writeable = False
    for x in (frozen, np.asfortranarray(frozen), np.repeat(frozen, 2, axis=0)[::2], frozen.tolist()):
        found = trained(make(), x, Y, engine="compiled", loss=sw.SoftmaxCrossEntropy(), optimizer="Adam")
        require_same_bits(found, expected)


def test_rows_on_disk(tmp_path):
    np.save(tmp_path / "x.npy", X.astype(np.float32))
    np.save(tmp_path / "y.npy", Y)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r"), np.load(tmp_path / "y.npy", mmap_mode="r")
    expected, found = net(dtype=np.float32), net(dtype=np.float32)
    run(expected, X.astype(np.float32), Y, engine="compiled")
    count = len(run_steps.signatures)
    run(found, *mapped, engine="compiled")
    assert np.array_equal(found.flat().value, expected.flat().value)
    assert len(run_steps.signatures) == count


def test_x_and_y_are_not_written_to_and_not_needed_afterwards():
    x, y = X.astype(np.float32), Y.copy()
    network = net(dtype=np.float32)
    run(network, x, y, engine="compiled", metrics=["accuracy"])
    assert np.array_equal(x, X.astype(np.float32))
    assert np.array_equal(y, Y)
    expected = network.predict(X)
    x[...], y[...] = np.nan, 0
    assert np.array_equal(network.predict(X), expected)


def test_denormal_numbers_are_as_before_afterwards():
    """Flush-to-zero belongs to the steps alone: the caller's thread has its denormal numbers again."""
    run(net(), engine="compiled", threads=2)
    assert np.float64(5e-324) * np.float64(1.0) == 5e-324
    assert (np.full(99, 1e-310) / 2).min() > 0
    with pytest.raises(DivergedError):
        run(net(dtype=np.float32), engine="compiled", optimizer=sw.SGD(1e300))
    assert (np.full(99, 1e-310) / 2).min() > 0


# -- orders, masks and steps go on -----------------------------------------------------------------------------------


@pytest.mark.parametrize("paths", [("compiled", "compiled"), ("numpy", "compiled"), ("compiled", "numpy")], ids="-".join)
def test_runs_go_on_where_the_last_one_ended(paths):
    """Two calls of fit with SGD are one: new orders, new masks, running statistics; also when the path changes in between."""
    at_once, in_turns = (net(sw.Dropout(0.3), sw.BatchNorm()) for _ in range(2))
    run(at_once, epochs=4, engine="numpy")
    for engine in paths:
        run(in_turns, epochs=2, engine=engine)
    assert (in_turns.epochs_seen, in_turns.steps_seen) == (at_once.epochs_seen, at_once.steps_seen) == (4, 24)
    assert distance(in_turns.flat().value, at_once.flat().value) < 1e-11
    for (_, one), (_, other) in zip(in_turns.buffers(), at_once.buffers(), strict=True):
        assert distance(one, other) < 1e-11


def test_without_shuffling():
    both(shuffle=False)


def test_predictions_after_training_are_those_of_the_parameters():
    network = net(sw.BatchNorm())
    run(network, engine="compiled")
    value = network.flat().value.copy()
    again = net(sw.BatchNorm())
    again.flat().value[...] = value
    for (_, buffer), (_, learned) in zip(again.buffers(), network.buffers(), strict=True):
        buffer[...] = learned
    assert np.array_equal(again.predict(X), network.predict(X))


# -- hooks -----------------------------------------------------------------------------------------------------------


class Steps(sw.Callback):
    """Writes down what each hook sees."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_fit_begin(self, run: Any) -> None:
        self.seen.append(("begin", run.step, run.epoch))

    def on_batch_end(self, run: Any) -> None:
        self.seen.append(
            ("batch", run.step, run.epoch, round(run.batch_loss, 9), round(run.learning_rate, 12), run.network.steps_seen)
        )

    def on_epoch_end(self, run: Any) -> None:
        self.seen.append(("epoch", run.step, run.epoch, round(run.history["loss"][-1], 9)))

    def on_fit_end(self, run: Any) -> None:
        self.seen.append(("end", run.step, run.history.stopped))


def test_every_hook_comes_as_often_and_sees_the_same():
    watches = Steps(), Steps()
    for engine, watch in zip(PATHS, watches, strict=True):
        run(net(), engine=engine, callbacks=[watch], optimizer=sw.Adam(sw.Cosine(0.01, 18)))
    assert watches[1].seen == watches[0].seen
    assert [entry[0] for entry in watches[1].seen].count("batch") == 3 * 6


def test_an_instance_with_a_hook_of_its_own_is_called_every_step():
    calls = []
    callback = sw.Callback()
    callback.on_batch_end = lambda run: calls.append(run.step)  # type: ignore[method-assign]
    run(net(), engine="compiled", callbacks=[callback])
    assert calls == list(range(1, 19))


def test_the_learning_rate_may_change_after_any_step():
    class Halve(sw.Callback):
        def on_batch_end(self, run):
            run.learning_rate_factor *= 0.9

    both(callbacks=[Halve()])


def test_the_learning_rate_may_change_after_an_epoch():
    class Halve(sw.Callback):
        def on_epoch_end(self, run):
            run.learning_rate_factor *= 0.5

    wanted, _ = both(callbacks=[Halve()])
    assert wanted.history["learning_rate"] == [0.1, 0.05, 0.025, 0.0125]
    both(callbacks=[sw.ReduceOnPlateau("loss", patience=1, factor=0.1)])


@pytest.mark.parametrize("hook", ["on_fit_begin", "on_batch_end", "on_epoch_end"])
def test_a_callback_may_write_into_the_parameters(hook):
    def shrink(run):
        run.network[0].weight.value *= 0.9
        run.network[2].bias.value[...] = 0.5

    callback = sw.Callback()
    setattr(callback, hook, shrink)
    both(callbacks=[callback])


@pytest.mark.parametrize("hook", ["on_batch_end", "on_epoch_end"])
@pytest.mark.parametrize("engine", PATHS)
def test_a_callback_that_moves_the_parameters_is_told_so(hook, engine):
    callback = sw.Callback()
    setattr(callback, hook, lambda run: run.network[2].flat())
    with pytest.raises(ConfigurationError, match="a callback moved the parameters elsewhere"):
        run(net(sw.Sequential([sw.Dense(4)])), engine=engine, callbacks=[callback])


@pytest.mark.parametrize("reason", ["enough", "interrupted"])
@pytest.mark.parametrize("at", [1, 6, 8])
def test_a_callback_ends_the_run_within_an_epoch(reason, at):
    class Enough(sw.Callback):
        def on_batch_end(self, run):
            if run.step == at:
                run.stop = reason

    weight = RNG.uniform(1, 2, 90)
    wanted, found = both(callbacks=[Enough()], metrics=["accuracy"], sample_weight=weight, validation_split=0.1)
    assert wanted.history.stopped == found.history.stopped == reason
    assert wanted.history.epochs == found.history.epochs


def test_early_stopping_puts_the_same_weights_back():
    stopping = [sw.EarlyStopping(patience=2), sw.EarlyStopping(patience=2)]
    outcomes = []
    for engine, callback in zip(PATHS, stopping, strict=True):
        settings = {"loss": "SoftmaxCrossEntropy", "optimizer": sw.Adam(0.05), "epochs": 60, "validation_split": 0.4}
        outcomes.append(trained(net(), X, Y, engine=engine, callbacks=[callback], **settings))
    wanted, found = outcomes
    assert found.history.stopped == wanted.history.stopped == "early stopping"
    assert found.history.best_epoch == wanted.history.best_epoch
    assert found.history.epochs == wanted.history.epochs < 60
    assert distance(found.value, wanted.value) < 1e-8


def test_an_error_in_a_callback_comes_through_and_the_network_still_trains():
    def broken(run):
        raise RuntimeError("mine")

    ends = Steps()
    network = net()
    with pytest.raises(RuntimeError, match="mine"):
        run(network, engine="compiled", callbacks=[sw.Monitor(broken), ends])
    assert ends.seen[-1] == ("end", 6, "error")
    assert run(network, engine="compiled").epochs == 3
    others = [thread for thread in threading.enumerate() if thread.name != "scratchwork helper"]  # those sleep, and stay
    assert len(others) <= 2


def test_from_a_thread_that_is_not_the_main_one():
    found = []
    thread = threading.Thread(target=lambda: found.append(run(net(), engine="compiled", threads=2)))
    thread.start()
    thread.join(60)
    assert found[0]["loss"] == run(net(), engine="compiled")["loss"]


def test_two_runs_at_once():
    """Each has its own memory and counters; the threads of one do not wait for those of the other."""
    networks = [net(sw.Dropout(0.2)) for _ in range(4)]
    threads = [
        threading.Thread(target=run, args=(n,), kwargs={"engine": "compiled", "threads": 2, "epochs": 20}) for n in networks
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    alone = net(sw.Dropout(0.2))
    run(alone, engine="compiled", threads=2, epochs=20)
    for network in networks:
        assert np.array_equal(network.flat().value, alone.flat().value)


# -- interruption ----------------------------------------------------------------------------------------------------

INTERRUPTED = """
    import os, signal, threading, time
    import numpy as np, scratchwork as sw
    x, y = np.random.default_rng(0).normal(size=(20000, 100)).astype(np.float32), np.arange(20000) % 2
    network = sw.Sequential([sw.Dense(200), sw.ReLU(), sw.Dense(2)])
    settings = dict(loss="SoftmaxCrossEntropy", optimizer="Adam", batch_size=32, engine="compiled", progress=False)
    sw.fit(network, x[:64], y[:64], epochs=1, **settings)
    pressed = []
    def press():
        pressed.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)
    class Press(sw.Callback):
        def on_fit_begin(self, run):
            threading.Timer(0.3, press).start()
    before = network.flat().value.copy()
    history = sw.fit(network, x, y, epochs=10**6, callbacks=[Press()], threads=2, **settings)
    print(history.stopped, np.isfinite(network.flat().value).all(), (network.flat().value != before).any())
    print(time.perf_counter() - pressed[0])
"""


def test_ctrl_c_ends_the_run_soon_and_keeps_what_was_learned():
    done = python(INTERRUPTED)
    assert done.returncode == 0, done.stderr
    said, seconds = done.stdout.splitlines()
    assert said == "interrupted True True"
    assert float(seconds) < 2.0  # control comes back every twentieth of a second; machines that test are busy


# -- errors ----------------------------------------------------------------------------------------------------------


def overflowing() -> sw.Sequential:
    network = net(sw.Sequential([sw.Dense(4)]))
    network[2][0].weight.value[...] = 1e308
    return network


def spoiled() -> sw.Sequential:
    network = net()
    network[2].bias.value[1] = np.nan
    return network


def heavy() -> sw.Sequential:
    network = net()
    network[2].weight.value[...] = 1e200
    return network


def masked() -> sw.Sequential:
    """Overflows only where the mask keeps an input, whose factor of 20 is too much."""
    network = sw.Sequential([sw.Dropout(0.95), sw.Dense(3)])
    network.build(6, 0, np.float64)
    network[1].weight.value[...] = 0.0
    return network


def steep() -> sw.Sequential:
    """The forward is finite and the gradient is not; it is NaN where an infinite slope meets an input of 0."""
    network = sw.Sequential([sw.Dense(70, use_bias=False), sw.Dense(3)])
    network.build(6, 0, np.float64)
    network[1].weight.value[...] = 1.7e308 * np.sign(network[1].weight.value)
    return network


def single(*between: sw.Layer) -> sw.Sequential:
    """In float32 a rate of 1e300 is infinite."""
    return net(*between, dtype=np.float32)


def normalized() -> sw.Sequential:
    network = sw.Sequential([sw.BatchNorm(), sw.Dense(3)])
    network.build(6, 0, np.float32)
    return network


def jump(after: int) -> sw.SGD:
    return sw.SGD(lambda step: 0.1 if step < after else 1e300)


STEEP = {"x": X * 1e-300 * (np.arange(6) > 0), "batch_size": 1}
DIVERGING: dict[str, tuple[Any, dict[str, Any]]] = {
    "layer 2, Sequential": (overflowing, {}),
    "bias of layer 2": (spoiled, {}),
    "at epoch 1, step 6: the first array that is not finite is weight of layer 0": (single, {"optimizer": jump(4)}),
    "at epoch 2, step 9: ": (single, {"optimizer": jump(7)}),
    "stopped being finite at epoch 3, step 18": (single, {"optimizer": jump(17)}),
    "the penalty of the regularizer": (heavy, {"x": X * 1e-200, "regularizer": sw.L2(1.0)}),
    "running_var of layer 0, BatchNorm": (normalized, {"x": X * 1e25}),
    "the output of layer 0, Dropout": (masked, {"x": np.full((90, 6), 1e307), "batch_size": 2}),
    "weight of layer 0": (steep, STEEP),
    "weight of layer 0, Dense(70, use_bias=False)": (steep, {**STEEP, "clip_value": 1.0}),
    "weight of layer 0, Dense(70, use": (steep, {**STEEP, "clip_norm": 1.0}),
    "weight of layer 0, Dense(70": (steep, {**STEEP, "optimizer": sw.Adam()}),
    "the loss itself, whose inputs are finite": (single, {"loss": sw.MeanSquaredError(), "y": 1e25 * X[:, :3]}),
}


@pytest.mark.parametrize("named", DIVERGING)
def test_a_run_that_diverges_is_the_same_sentence_on_both_paths(named):
    make, settings = DIVERGING[named]
    texts = []
    for engine in PATHS:
        with pytest.raises(DivergedError) as caught:
            run(make(), engine=engine, **settings)
        texts.append(str(caught.value))
    assert texts[1] == texts[0]
    assert named in texts[0]


def test_the_step_that_diverged_is_found_within_a_long_stretch():
    """Thousands of steps lie between two returns to Python: the one that went wrong is named all the same."""
    x = np.tile(X, (40, 1))
    x[3000:] = 1e308
    text = []
    for engine in PATHS:
        network = sw.Sequential([sw.Dense(70), sw.ReLU(), sw.Dense(3)])
        network.build(6, 0, np.float64)
        with pytest.raises(DivergedError) as caught:
            run(network, x, np.tile(Y, 40), engine=engine, shuffle=False, batch_size=2, optimizer=sw.SGD(1e-3), epochs=2)
        text.append(f"{caught.value} {network.steps_seen}")
    assert text[1] == text[0]
    assert "at epoch 1, step 1501: " in text[0]


def test_a_run_that_diverged_leaves_a_network_that_can_be_mended():
    network = single()
    start = network.flat().value.copy()
    with pytest.raises(DivergedError):
        run(network, engine="compiled", optimizer=jump(3))
    network.flat().value[...] = start
    assert run(network, engine="compiled")["loss"][-1] < 1.2


@pytest.mark.parametrize("settings", [{"threads": 0}, {"threads": 1.5}, {"threads": True}, {"batch_size": 0}, {"epochs": 0}])
def test_settings_that_mean_nothing(settings):
    with pytest.raises(ConfigurationError):
        run(net(), engine="compiled", **settings)


@pytest.mark.parametrize("threads", [1, 2, 7, 64, None])
def test_any_number_of_threads(threads):
    expected, found = net(), net()
    run(expected, engine="compiled", threads=1)
    run(found, engine="compiled", threads=threads)
    assert np.array_equal(found.flat().value, expected.flat().value)


def test_one_thread_goes_on_alone_where_the_others_are_kept_waiting(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(crews.time, "monotonic", lambda: clock[0])
    crew = crews.Crew(2)
    crew.note(2, 0.001)
    assert crew.size() == 2
    crew.note(2, 0.0024)  # slower, but no slower than one thread
    assert crew.size() == 2
    crew.note(2, 0.005)
    assert crew.size() == 1
    clock[0] += crews.SHORTEST
    assert crew.size() == 2
    crew.note(2, 0.005)  # still: it waits longer before the next try
    clock[0] += crews.SHORTEST
    assert crew.size() == 1
    clock[0] += crews.SHORTEST
    crew.note(2, 0.001)
    assert crew.size() == 2


def test_a_crew_of_one_stays_one():
    crew = crews.Crew(1)
    crew.note(1, 0.001)
    crew.note(1, 1.0)
    assert crew.size() == 1


@pytest.mark.parametrize(("settings", "told"), [({}, False), ({"progress": True}, True), ({"callbacks": [Progress()]}, True)])
def test_whoever_shows_progress_is_told_of_the_compilation(monkeypatch, settings, told):
    seen = []
    monkeypatch.setattr(choice, "machine_for", lambda *_, tell, **__: seen.append(tell))
    run(net(), **settings)
    assert seen == [told]
