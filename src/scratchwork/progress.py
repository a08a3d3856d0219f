"""What a person sees while training runs: a bar where there is a terminal and rich, plain lines elsewhere."""

import math
import os
import sys
import time
from typing import Any

from .callbacks import Callback
from .history import Run

PATIENCE = 2.0  # seconds: what is over sooner shows nothing
LINE_EVERY = 1.0  # seconds between two plain lines at the start; later they come more rarely
LONG_EPOCH = 10.0  # seconds within one epoch after which a plain line comes in its middle
REDRAW = 0.1  # seconds between two drawings of the bar


class Progress(Callback):
    """Shows epoch, loss, metrics and the time left on stderr, once a run takes longer than `patience`.

    In a terminal (with rich) it is one line that is drawn anew, at most ten times a second; elsewhere, as in a log file,
    plain lines: one a second, and after ten seconds one for each further tenth of the time. The last line stays.

    Parameters
    ----------
    patience : float ≥ 0
        Seconds before anything is shown.
    """

    every_batch = False  # to be asked now and then is enough: the compiled path need not stop after every step

    def __init__(self, *, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._started = self._shown = 0.0
        self._shows = False  # whether anything was shown, so that an end is owed
        self._last_line = ""
        self._bar: Any = None

    def on_fit_begin(self, run: Run) -> None:
        self._started = self._shown = time.monotonic()
        self._shows, self._last_line, self._bar = False, "", None

    def on_batch_end(self, run: Run) -> None:
        now = time.monotonic()
        if now - self._shown < REDRAW or now - self._started < self.patience:
            return
        if not self._shows:
            self._shows = True
            self._bar = _opened_bar(run)
        if self._bar is not None:
            self._shown = now
            self._advance(run, now)
        elif now - self._shown >= self._pause(now, LONG_EPOCH):
            self._line(run, now)

    def on_epoch_end(self, run: Run) -> None:
        now = time.monotonic()
        if self._bar is not None or now - self._started < self.patience:
            return
        first = run.epoch == 1 and self.patience == 0
        if first or now - self._shown >= self._pause(now, LINE_EVERY):
            if not self._shows:
                self._shows = True
                self._bar = _opened_bar(run)
            if self._bar is None:
                self._line(run, now)

    def on_fit_end(self, run: Run) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        if self._shows or self.patience == 0:
            seconds = time.monotonic() - self._started
            line = f"{_epoch(run, run.history.epochs)}  {last_numbers(run)}  {seconds:.1f} s{_path(run)}"
            if run.history.epochs and line.rpartition("  ")[0] != self._last_line.rpartition("  ")[0]:
                _write(line)

    def _pause(self, now: float, least: float) -> float:
        return max(least, 0.1 * (now - self._started))

    def _line(self, run: Run, now: float) -> None:
        self._shown = now
        within = run.steps - (run.epoch - 1) * run.steps_per_epoch
        part = "" if run.history.epochs == run.epoch else f" ({100 * within // run.steps_per_epoch} %)"
        self._last_line = f"{_epoch(run)}{part}  {last_numbers(run)}  {now - self._started:.1f} s{_path(run)}"
        _write(self._last_line)

    def _advance(self, run: Run, now: float) -> None:
        done = run.steps / max(run.epochs * run.steps_per_epoch, 1)
        left = (now - self._started) * (1 / done - 1) if done else 0.0
        self._bar.update(
            self._bar.task_ids[0], completed=done, epoch=_epoch(run), numbers=last_numbers(run), left=_duration(left)
        )


def _opened_bar(run: Run) -> Any:
    """A started bar of rich's, or None where there is no terminal that could redraw a line, or no rich."""
    stream = sys.stderr
    if stream is None or not stream.isatty() or os.environ.get("TERM", "") in ("dumb", "unknown"):
        return None
    import shutil  # with it come the packers of archives

    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn
    except ImportError:
        return None
    room = (
        shutil.get_terminal_size().columns
        - len(_epoch(run))
        - len("loss 0.1234 val 0.1234  accuracy 0.123 val 0.123  99 min left")
    )
    bar = Progress(
        TextColumn("{task.fields[epoch]}", markup=False),
        BarColumn(bar_width=min(max(room - 3, 3), 30)),
        TextColumn("{task.fields[numbers]}", markup=False),
        TextColumn("{task.fields[left]}", markup=False),
        console=Console(file=stream),
        transient=True,
    )
    bar.add_task("", total=1.0, epoch=_epoch(run), numbers=last_numbers(run), left="")
    bar.start()
    return bar


def _write(line: str) -> None:
    if sys.stderr is not None:
        print(line, file=sys.stderr, flush=True)


def _epoch(run: Run, epoch: int | None = None) -> str:
    return f"epoch {run.epoch or 1 if epoch is None else epoch:>{len(str(run.epochs))}}/{run.epochs}"


def _path(run: Run) -> str:
    return "" if run.engine == "numpy" else f", {run.engine}"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{math.ceil(seconds)} s left"
    return f"{seconds / 60:.0f} min left" if seconds < 5970 else f"{seconds / 3600:.1f} h left"


def last_numbers(run: Run) -> str:
    """The last epoch's losses and metrics, each with its validation twin, short enough for a line.

    >>> from types import SimpleNamespace
    >>> history = {"loss": [0.51234], "accuracy": [0.9], "val_loss": [0.6], "val_accuracy": [0.875], "seconds": [0.1]}
    >>> last_numbers(SimpleNamespace(history=history))
    'loss 0.5123 val 0.6000  accuracy 0.900 val 0.875'
    """
    history = run.history
    if not len(history):
        return f"loss {_short('loss', run.batch_loss)}"
    known = list(history)
    names = [name for name in known if not name.startswith("val_") and name not in ("learning_rate", "seconds")]
    parts = []
    for name in names[:2]:
        text = f"{name} {_short(name, history[name][-1])}"
        if f"val_{name}" in known:
            text += f" val {_short(name, history[f'val_{name}'][-1])}"
        parts.append(text)
    return "  ".join(parts)


def _short(name: str, value: float) -> str:
    if not math.isfinite(value) or abs(value) >= 1e4 or (0 < abs(value) < 1e-3):
        return f"{value:.3g}"
    return f"{value:.4f}" if name == "loss" else f"{value:.3f}"
