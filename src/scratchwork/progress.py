"""What a person sees while training runs: a bar where there is a terminal and rich, plain lines elsewhere."""

import math
import sys
import time
from typing import Any

from .callbacks import Callback
from .history import Run

PATIENCE = 2.0  # seconds: what is over sooner shows nothing


class Progress(Callback):
    """Shows epoch, loss, metrics and the time left on stderr, once a run takes longer than two seconds.

    Parameters
    ----------
    patience : float ≥ 0
        Seconds before anything is shown.
    interval : float > 0
        Seconds between two plain lines, where there is no terminal.
    """

    def __init__(self, *, patience: float = PATIENCE, interval: float = 5.0) -> None:
        self.patience, self.interval = patience, interval
        self._started = self._shown = 0.0
        self._bar: Any = None
        self._task: Any = None

    def on_fit_begin(self, run: Run) -> None:
        self._started = self._shown = time.monotonic()
        self._bar = None

    def on_batch_end(self, run: Run) -> None:
        now = time.monotonic()
        if now - self._shown < 0.1 or now - self._started < self.patience:
            return
        if self._bar is None and sys.stderr.isatty():
            self._open(run)
        if self._bar is not None:
            self._shown = now
            self._advance(run)

    def on_epoch_end(self, run: Run) -> None:
        now = time.monotonic()
        if self._bar is not None:
            self._advance(run)
        elif now - self._started >= self.patience and (now - self._shown >= self.interval or run.epoch == run.epochs):
            self._shown = now
            print(f"epoch {run.epoch}/{run.epochs}  {last_numbers(run)}", file=sys.stderr, flush=True)

    def on_fit_end(self, run: Run) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _open(self, run: Run) -> None:
        try:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
        except ImportError:
            return
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("", total=run.epochs * run.steps_per_epoch, epoch=run.epoch, epochs=run.epochs, numbers="")
        self._bar.start()

    def _advance(self, run: Run) -> None:
        numbers = last_numbers(run) if run.history.epochs else f"loss {run.batch_loss:.4f}"
        self._bar.update(self._task, completed=run.step, epoch=run.epoch, numbers=numbers)


def last_numbers(run: Run) -> str:
    """The last epoch's losses and metrics, short enough for a line."""
    parts = []
    for name in run.history:
        if name not in ("learning_rate", "seconds"):
            value = run.history[name][-1]
            parts.append(f"{name} {value:.4f}" if math.isfinite(value) and abs(value) < 1e4 else f"{name} {value:.3g}")
    return "  ".join(parts[:4])
