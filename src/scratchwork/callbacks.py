"""What may happen around the training loop: four hooks, and the callbacks people ask for first."""

import contextlib
import math
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from .arrays import Array
from .errors import ConfigurationError, MissingFileError, StorageError, look_up
from .history import Run
from .layers.base import real_number
from .metrics import LARGER_IS_BETTER, METRICS
from .second_order import LBFGS

Mode: TypeAlias = Literal["min", "max"] | None


class Callback:
    """Four moments of a run; override those you need. Each receives the `Run`; set `run.stop` to a reason to end it.

    on_fit_begin   before the first step, after every check
    on_batch_end   after each update
    on_epoch_end   after validation, with the epoch's numbers in `run.history`
    on_fit_end     always, also after an interruption or an error

    One that remembers something from epoch to epoch says so in `state` and takes it back in `load_state`, so that a run that
    was killed goes on with it.
    """

    def on_fit_begin(self, run: Run) -> None:
        """Before the first step."""

    def on_batch_end(self, run: Run) -> None:
        """After each update."""

    def on_epoch_end(self, run: Run) -> None:
        """After each epoch and its validation."""

    def on_fit_end(self, run: Run) -> None:
        """At the end, however it came."""

    def state(self) -> dict[str, Any]:
        """What is remembered: numbers, texts, lists of them, and arrays, by name."""
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        """Remember what another one of the same settings gave; called after `on_fit_begin`."""


def checked_callbacks(callbacks: Iterable[Callback] | None) -> list[Callback]:
    """The callbacks as a list, or a ConfigurationError that says what is none."""
    if isinstance(callbacks, Callback) or not isinstance(callbacks, Iterable | None):
        raise ConfigurationError(f"callbacks is a list, write callbacks=[...]; received {callbacks!r}")
    listed = list(callbacks or ())
    for callback in listed:
        if isinstance(callback, type) and issubclass(callback, Callback):
            raise ConfigurationError(f"the callback {callback.__name__} is a class: write {callback.__name__}() to make one")
        if not isinstance(callback, Callback):
            raise ConfigurationError(f"{callback!r} is no Callback: write Monitor(function) to call a function every epoch")
    return listed


def hooked(callbacks: list[Callback], hook: str) -> list[Callable[[Run], None]]:
    """The methods of those callbacks that have a `hook` of their own: what is not overridden costs nothing."""
    methods = [getattr(callback, hook) for callback in callbacks]
    return [method for method in methods if getattr(method, "__func__", None) is not getattr(Callback, hook)]


def grows(run: Run, monitor: str, mode: Mode, owner: Callback) -> bool:
    """Whether larger values of the history entry `monitor` are better.

    Losses fall; the metrics of the library know their direction; for a metric of somebody's own `mode` has to say it.
    ConfigurationError where it does not, and for an entry that this run will not have.
    """
    name = type(owner).__name__
    if monitor not in run.entries:
        if monitor.startswith("val_") and not run.validated:
            raise ConfigurationError(
                f"{name} watches {monitor!r} and there is no validation data: give validation_data or validation_split, "
                f"or {name}(monitor={monitor.removeprefix('val_')!r})"
            )
        look_up(monitor, {entry: entry for entry in run.entries if entry.lower() != monitor.lower()}, f"entry for {name}")
    if mode is not None:
        return mode == "max"
    metric = run.metrics.get(monitor.removeprefix("val_"))
    if metric is not None and METRICS.get(metric.name) is not getattr(metric.function, "func", metric.function):
        raise ConfigurationError(f"{name} watches {monitor!r}, a metric of your own: say mode='max' or mode='min'")
    return metric is not None and metric.name in LARGER_IS_BETTER


def is_better(value: float, than: float, larger: bool, min_delta: float = 0.0) -> bool:
    """Whether `value` improves on `than` by more than `min_delta`; any number improves on NaN."""
    gain = value - than if larger else than - value
    return gain > min_delta or (math.isnan(than) and not math.isnan(value))


def _require_patience(owner: Callback, patience: Any, mode: Any) -> None:
    """Refuse what is no number of epochs to wait, or no direction."""
    name = type(owner).__name__
    if isinstance(patience, bool) or not isinstance(patience, int | np.integer) or patience < 1:
        raise ConfigurationError(f"{name} needs a patience of at least 1 epoch, a whole number; received {patience!r}")
    if mode not in ("min", "max", None):
        raise ConfigurationError(f"{name} has the mode 'min', 'max' or None; received {mode!r}")


class EarlyStopping(Callback):
    """Stops when a monitored number has not improved for `patience` epochs, and puts the best epoch's weights back.

    Parameters
    ----------
    monitor : str
        An entry of the history; "val_loss" by default.
    patience : int ≥ 1, or None
        How many epochs without improvement are waited for; None never stops, and only puts the best epoch back.
    min_delta : float ≥ 0
        What counts as improvement must exceed this.
    mode : "min", "max" or None
        Which way is better; None knows it for losses and for the library's metrics, and asks for it for your own.
    restore_best : bool
        Put back parameters and buffers of the best epoch at the end, also when training ends for another reason.
    ties : "first" or "last"
        Which of several epochs with the same best value counts: the later one has seen more, where the value is a
        coarse one such as an accuracy. With "last" a tie also counts as improvement for `patience`.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        *,
        patience: int | None = 10,
        min_delta: float = 0.0,
        mode: Mode = None,
        restore_best: bool = True,
        ties: Literal["first", "last"] = "first",
    ) -> None:
        _require_patience(self, 1 if patience is None else patience, mode)
        if ties not in ("first", "last"):
            raise ConfigurationError(f"EarlyStopping has ties='first' or ties='last'; received {ties!r}")
        self.ties = ties
        self.min_delta = real_number(min_delta, lambda least: 0 <= least < math.inf, "EarlyStopping needs min_delta >= 0")
        self.patience = None if patience is None else int(patience)
        self.monitor, self.mode, self.restore_best = str(monitor), mode, bool(restore_best)
        self.best = float("nan")
        self.best_epoch = 0
        self._best_weights: list[Array] | None = None
        self._larger = False

    def on_fit_begin(self, run: Run) -> None:
        self._larger = grows(run, self.monitor, self.mode, self)
        self.best, self.best_epoch, self._best_weights = float("nan"), 0, None

    def on_epoch_end(self, run: Run) -> None:
        value = run.monitored(self.monitor)
        better = is_better(value, self.best, self._larger, self.min_delta) or (self.ties == "last" and value == self.best)
        if self.best_epoch == 0 or better:
            self.best, self.best_epoch = value, run.epoch
            run.history.best_epoch = run.epoch
            if self.restore_best:
                self._best_weights = run.snapshot()
        elif self.patience is not None and run.epoch - self.best_epoch >= self.patience:
            run.stop = "early stopping"

    def state(self) -> dict[str, Any]:
        weights = {f"weights{i}": array for i, array in enumerate(self._best_weights or ())}
        return {"best": self.best, "best_epoch": self.best_epoch, **weights}

    def load_state(self, state: dict[str, Any]) -> None:
        self.best, self.best_epoch = float(state["best"]), int(state["best_epoch"])
        weights = [state[f"weights{i}"] for i in range(len(state) - 2)]
        self._best_weights = weights or None

    def on_fit_end(self, run: Run) -> None:
        if self._best_weights is not None:
            run.restore(self._best_weights)
            self._best_weights = None


class ReduceOnPlateau(Callback):
    """Multiplies the learning rate by `factor` whenever the monitored number has not improved for `patience` epochs.

    Parameters
    ----------
    monitor : str
        An entry of the history.
    factor : float, 0 < factor < 1
    patience : int ≥ 1
        Epochs to wait, counted again after each reduction.
    min_factor : float, 0 ≤ min_factor ≤ 1
        The product of all reductions does not fall below this.
    mode : "min", "max" or None
        Which way is better, as for `EarlyStopping`.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        *,
        factor: float = 0.5,
        patience: int = 5,
        min_factor: float = 1e-3,
        mode: Mode = None,
    ) -> None:
        _require_patience(self, patience, mode)
        self.factor = real_number(factor, lambda factor: 0 < factor < 1, "ReduceOnPlateau needs 0 < factor < 1")
        self.min_factor = real_number(min_factor, lambda least: 0 <= least <= 1, "ReduceOnPlateau needs 0 <= min_factor <= 1")
        self.monitor, self.patience, self.mode = str(monitor), int(patience), mode
        self.best, self._since, self._larger = float("nan"), 0, False

    def on_fit_begin(self, run: Run) -> None:
        if isinstance(run.optimizer, LBFGS):
            raise ConfigurationError("ReduceOnPlateau lowers a learning rate, and LBFGS has none: leave it out")
        self.best, self._since, self._larger = float("nan"), 0, grows(run, self.monitor, self.mode, self)

    def state(self) -> dict[str, Any]:
        return {"best": self.best, "since": self._since}

    def load_state(self, state: dict[str, Any]) -> None:
        self.best, self._since = float(state["best"]), int(state["since"])

    def on_epoch_end(self, run: Run) -> None:
        value = run.monitored(self.monitor)
        if is_better(value, self.best, self._larger):
            self.best, self._since = value, 0
            return
        self._since += 1
        if self._since >= self.patience:
            run.learning_rate_factor = max(run.learning_rate_factor * self.factor, self.min_factor)
            self._since = 0


class Monitor(Callback):
    """Calls `function(run)` after every epoch: for a print, a plot, a stop of one's own."""

    def __init__(self, function: Callable[[Run], None]) -> None:
        if not callable(function):
            raise ConfigurationError(f"Monitor calls a function of the run; received {function!r}")
        self.function = function

    def on_epoch_end(self, run: Run) -> None:
        self.function(run)


class HistoryFile(Callback):
    """Appends each epoch to a file of JSON lines as it ends, so that a killed run leaves its curve behind.

    Where that fails in the middle of a run, as on a full disk, stderr says so once, training goes on, and the lines that are
    missing are written as soon as it is possible again.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._epochs = self._size = 0  # of the lines that are in the file
        self._said = False

    def on_fit_begin(self, run: Run) -> None:
        if not self.path.parent.is_dir():
            raise MissingFileError(f"cannot write {self.path}: the folder {self.path.parent} is not there; create it first")
        try:
            self._epochs = self._size = 0
            self._write(run, "w")  # of a run that goes on, the epochs that it has behind it
        except OSError as problem:
            raise StorageError(f"cannot write {self.path}: {problem.strerror or problem}") from problem
        self._said = False

    def on_epoch_end(self, run: Run) -> None:
        try:
            if self._size != (self.path.stat().st_size if self.path.exists() else 0):  # somebody took it away
                self._epochs = self._size = 0
            self._write(run, "a" if self._epochs else "w")
            self._said = False
        except OSError as problem:
            with contextlib.suppress(OSError):  # no half of a line
                os.truncate(self.path, self._size)
            if not self._said:
                print(
                    f"scratchwork: cannot write {self.path}: {problem.strerror or problem}; training goes on", file=sys.stderr
                )
            self._said = True

    def on_fit_end(self, run: Run) -> None:
        if self._said:
            self.on_epoch_end(run)

    def _write(self, run: Run, how: str) -> None:
        missing = run.history.epochs - self._epochs
        text = run.history.last_json_line() if missing == 1 else run.history.to_json_lines(self._epochs)
        with open(self.path, how, encoding="utf-8", newline="") as lines:
            lines.write(text)
        self._epochs, self._size = run.history.epochs, self._size + len(text.encode())
