"""Ctrl-C in a real process, training in a thread, threads of BLAS."""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.errors import MissingDependencyError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3))
Y = (X[:, 0] > 0).astype(int)

CHILD = """
import signal, sys, time
import numpy as np
import scratchwork as sw

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell gives what it runs in the background none

class Slow(sw.Callback):
    def on_batch_end(self, run):
        if run.step == 5:
            print("ready", flush=True)
            for _ in range({naps}):  # a callback that takes its time: the first Ctrl-C does not cut it short
                time.sleep(0.01)
    def on_fit_end(self, run):
        print("end", run.history.stopped, run.step, flush=True)

x = np.random.default_rng(0).normal(size=(64, 3))
network = sw.Sequential([sw.Dense(4), sw.BatchNorm(), sw.Tanh(), sw.Dense(2)])
try:
    history = sw.fit(network, x, (x[:, 0] > 0).astype(int), loss="SoftmaxCrossEntropy", optimizer={optimizer!r}, epochs=10**6,
                     batch_size=16, callbacks=[Slow()], progress=False)
    print(history.stopped, history.epochs, len(history["loss"]) if history.epochs else 0)
    assert np.isfinite(network.predict(x)).all()
except KeyboardInterrupt:
    print("interrupted at once", flush=True)
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
assert np.isfinite(network.flat().value).all()
"""


@pytest.fixture(autouse=True)
def _usual_handler():
    """Tests that run in the background of a shell are born with Ctrl-C switched off."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def child(optimizer="adam", naps=0):
    code = textwrap.dedent(CHILD).format(optimizer=optimizer, naps=naps)
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout.readline() == "ready\n"
    return process


def finished(process):
    try:
        out, err = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    assert err == ""
    assert process.returncode == 0
    return out.splitlines()


def test_ctrl_c_ends_the_run_after_the_step():
    process = child()
    process.send_signal(signal.SIGINT)
    end, told = finished(process)
    assert end.startswith("end interrupted ")
    stopped, epochs, losses = told.split()
    assert stopped == "interrupted"
    assert epochs == losses
    assert int(end.split()[2]) // 4 == int(epochs)  # whole epochs only, of four steps each


def test_a_second_ctrl_c_interrupts_at_once():
    process = child(naps=10**6)
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)  # the callback sleeps on
    process.send_signal(signal.SIGINT)
    assert finished(process) == ["end error 5", "interrupted at once"]


def test_ctrl_c_ends_lbfgs_after_its_iteration():
    process = child("lbfgs", naps=20)
    process.send_signal(signal.SIGINT)
    end, told = finished(process)
    assert end == "end interrupted 5"
    assert told == "interrupted 5 5"


def fit(**settings):
    network = settings.pop("network", None) or sw.Sequential([sw.Dense(4), sw.Tanh(), sw.Dense(2)])
    usual = {"loss": "SoftmaxCrossEntropy", "optimizer": sw.Adam(0.01), "epochs": 3, "batch_size": 8, "progress": False}
    return network, sw.fit(network, X, Y, **(usual | settings))


def test_ctrl_c_in_the_last_step_of_an_epoch_loses_nothing():
    class Press(sw.Callback):
        def on_batch_end(self, run):
            if run.step == 6:
                signal.raise_signal(signal.SIGINT)

    _, history = fit(callbacks=[Press()])
    assert (history.stopped, history.epochs, len(history["loss"])) == ("interrupted", 2, 2)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_the_first_epoch_leaves_empty_lists():
    class Press(sw.Callback):
        def on_batch_end(self, run):
            signal.raise_signal(signal.SIGINT)

    for others in ([], [sw.EarlyStopping("val_loss")]):
        _, history = fit(callbacks=[Press(), *others], metrics=["accuracy"], validation_data=(X, Y))
        assert (history.stopped, history.epochs, history.best_epoch) == ("interrupted", 0, None)
        assert history["loss"] == history["val_accuracy"] == []
        assert history.to_json_lines() == ""
        assert repr(history) == "History(0 epochs, stopped: interrupted, last: {})"


def test_the_best_weights_come_back_after_ctrl_c():
    class Press(sw.Callback):
        def on_batch_end(self, run):
            if run.step == 5:
                signal.raise_signal(signal.SIGINT)

    states = []
    keep = sw.Monitor(lambda run: states.append(run.snapshot()[0]))
    network, history = fit(callbacks=[Press(), keep, sw.EarlyStopping("loss")])
    assert (history.stopped, history.epochs, history.best_epoch) == ("interrupted", 1, 1)
    assert np.array_equal(network.flat().value, states[0])


def test_a_handler_that_somebody_has_set_is_left_alone():
    caught = []
    before = signal.signal(signal.SIGINT, lambda *_: caught.append(1))
    try:
        _, history = fit(callbacks=[sw.Monitor(lambda run: signal.raise_signal(signal.SIGINT))])
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(caught) == 3
    assert history.stopped == "epochs"


def test_two_runs_in_threads_at_once_are_as_alone():
    alone = fit()[0].flat().value.copy()
    results = []
    threads = [threading.Thread(target=lambda: results.append(fit()[0].flat().value)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(results) == 2
    assert all(np.array_equal(value, alone) for value in results)


def test_fit_inside_a_callback_of_fit():
    """A second run inside the first has its own Ctrl-C; afterwards the first has its own again."""

    class Nested(sw.Callback):
        def on_epoch_end(self, run):
            fit(epochs=1)
            if run.epoch == 2:
                signal.raise_signal(signal.SIGINT)

    _, history = fit(callbacks=[Nested()])
    assert (history.stopped, history.epochs) == ("interrupted", 2)


def test_threads_limit_blas_while_training_and_not_after():
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def blas():
        return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]

    seen, before = [], blas()
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        around = blas()
        fit(threads=1, callbacks=[sw.Monitor(lambda run: seen.append(blas()))])
        assert blas() == around
    assert seen == [[1] * len(around)] * 3
    assert blas() == before


def test_threads_without_threadpoolctl(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    network = sw.Sequential([sw.Dense(2)])
    with pytest.raises(MissingDependencyError, match=r"threads= needs threadpoolctl: pip install 'scratchwork\[threads\]'"):
        fit(network=network, threads=1)
    assert not network.built
    fit(threads=None)
