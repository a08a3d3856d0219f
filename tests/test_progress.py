"""What is shown while training runs: how often, where, and that the last line stays."""

import io
import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import scratchwork as sw
from scratchwork import progress
from scratchwork.progress import Progress, last_numbers


class Clock:
    """A time that passes as it is told to."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def make_run(epochs=3, steps=10):
    network = sw.Sequential([sw.Dense(1)])
    return sw.Run(network, sw.MeanSquaredError(), sw.Adam(), epochs, steps, 100)


def play(bar, run, clock, *, seconds_per_step, epochs=None):
    """Call the hooks as fit does."""
    bar.on_fit_begin(run)
    for epoch in range(1, (run.epochs if epochs is None else epochs) + 1):
        run.epoch = epoch
        for _ in range(run.steps_per_epoch):
            clock.now += seconds_per_step
            run.step += 1
            run.batch_loss = 0.5
            bar.on_batch_end(run)
        run.history.append({"loss": 1.0 / epoch, "val_loss": 2.0 / epoch, "learning_rate": 0.1, "seconds": 1.0})
        bar.on_epoch_end(run)
    bar.on_fit_end(run)


def test_a_short_run_says_nothing(clock, capsys):
    play(Progress(), make_run(), clock, seconds_per_step=0.01)
    assert capsys.readouterr().err == ""


def test_with_no_patience_the_first_and_the_last_line_are_there(clock, capsys):
    play(Progress(patience=0.0), make_run(epochs=50), clock, seconds_per_step=0.001)
    assert capsys.readouterr().err.splitlines() == [
        "epoch  1/50  loss 1.0000 val 2.0000  0.0 s",
        "epoch 50/50  loss 0.0200 val 0.0400  0.5 s",
    ]


def test_plain_lines_come_once_a_second_and_then_more_rarely(clock, capsys):
    play(Progress(), make_run(epochs=1000), clock, seconds_per_step=0.05)
    lines = capsys.readouterr().err.splitlines()
    seconds = [float(line.split()[-2]) for line in lines]
    gaps = np.diff(seconds)[:-1]
    assert seconds[0] >= 2.0
    assert (gaps >= 0.999).all()
    assert (gaps + 0.11 >= 0.1 * np.array(seconds[1:-1])).all()  # seconds are shown with one digit
    assert len(lines) < 70
    assert lines[-1].startswith("epoch 1000/1000  loss 0.0010 val 0.0020")


def test_a_long_epoch_is_heard_of_in_its_middle(clock, capsys):
    play(Progress(), make_run(epochs=1, steps=100), clock, seconds_per_step=1.0)
    lines = capsys.readouterr().err.splitlines()
    assert 3 <= len(lines) <= 12
    assert lines[0].startswith("epoch 1/1 (")
    assert "%)  loss 0.5000" in lines[0]


def test_the_last_line_is_not_said_twice(clock, capsys):
    play(Progress(), make_run(epochs=4), clock, seconds_per_step=0.5)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines] == ["1/4", "2/4", "3/4", "4/4"]


def test_a_run_that_is_stopped_ends_with_its_last_whole_epoch(clock, capsys):
    play(Progress(patience=0.0), make_run(epochs=100), clock, seconds_per_step=0.001, epochs=7)
    assert capsys.readouterr().err.splitlines()[-1].startswith("epoch   7/100  loss 0.1429")


def test_a_terminal_has_a_bar_that_is_drawn_at_most_ten_times_a_second(clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    updates = []
    advance = Progress._advance
    monkeypatch.setattr(Progress, "_advance", lambda self, run, now: (updates.append(now), advance(self, run, now)))
    play(Progress(patience=0.0), make_run(epochs=20, steps=100), clock, seconds_per_step=0.01)
    assert 100 < len(updates) <= 201
    assert (np.diff(updates) > 0.0999).all()
    text = terminal.getvalue()
    assert "━" in text
    assert text.rstrip().endswith("epoch 20/20  loss 0.0500 val 0.1000  20.0 s")


@pytest.mark.parametrize("setting", ["dumb terminal", "no rich"])
def test_where_no_line_can_be_redrawn_there_are_plain_lines(clock, monkeypatch, setting):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "dumb" if setting == "dumb terminal" else "xterm")
    if setting == "no rich":
        monkeypatch.setitem(sys.modules, "rich.console", None)
    play(Progress(patience=0.0), make_run(), clock, seconds_per_step=0.01)
    assert "\x1b" not in terminal.getvalue()
    assert terminal.getvalue().splitlines()[-1] == "epoch 3/3  loss 0.3333 val 0.6667  0.3 s"


def test_no_colour_where_none_is_wanted(clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    play(Progress(patience=0.0), make_run(), clock, seconds_per_step=0.1)
    assert "[3" not in terminal.getvalue()  # \x1b[3Xm and \x1b[38;...m set colours


def test_without_any_stderr(clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    play(Progress(patience=0.0), make_run(), clock, seconds_per_step=1.0)


def test_numbers_are_short_whatever_they_are():
    history = {"loss": [1e-9], "accuracy": [math.nan], "val_accuracy": [0.5], "f1": [1.0], "learning_rate": [0.1]}
    assert last_numbers(SimpleNamespace(history=history, batch_loss=0.0)) == "loss 1e-09  accuracy nan val 0.500"
    assert last_numbers(SimpleNamespace(history={}, batch_loss=12345.678)) == "loss 1.23e+04"


def test_the_time_that_is_left():
    assert progress._duration(0.2) == "1 s left"
    assert progress._duration(250) == "4 min left"
    assert progress._duration(7200) == "2.0 h left"


def test_fit_uses_it(monkeypatch, capsys):
    monkeypatch.setattr(progress.Progress.__init__, "__kwdefaults__", {"patience": 0.0})
    rows = sw.data.xor()
    network = sw.Sequential([sw.Dense(2)])
    sw.fit(network, rows.x, rows.y, loss=sw.SoftmaxCrossEntropy(), optimizer=sw.Adam(), epochs=2)
    assert "epoch 2/2" in capsys.readouterr().err
