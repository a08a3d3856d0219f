"""What may happen around the training loop: four hooks, and the callbacks people ask for first."""

import math
from collections.abc import Callable
from pathlib import Path

from .arrays import Array
from .errors import ConfigurationError
from .history import Run, json_line
from .metrics import LARGER_IS_BETTER


class Callback:
    """Four moments of a run; override those you need. Each receives the `Run`; set `run.stop` to a reason to end it.

    on_fit_begin   before the first step, after every check
    on_batch_end   after each update
    on_epoch_end   after validation, with the epoch's numbers in `run.history`
    on_fit_end     always, also after an interruption or an error
    """

    def on_fit_begin(self, run: Run) -> None:
        """Before the first step."""

    def on_batch_end(self, run: Run) -> None:
        """After each update."""

    def on_epoch_end(self, run: Run) -> None:
        """After each epoch and its validation."""

    def on_fit_end(self, run: Run) -> None:
        """At the end, however it came."""


def hooked(callbacks: list[Callback], hook: str) -> list[Callable[[Run], None]]:
    """The bound methods of those callbacks that override `hook`: what is not overridden costs nothing."""
    return [getattr(c, hook) for c in callbacks if getattr(type(c), hook) is not getattr(Callback, hook)]


def is_better(value: float, than: float, monitor: str, min_delta: float = 0.0) -> bool:
    """Whether `value` improves on `than` by more than `min_delta`; accuracies grow, losses and errors fall."""
    name = monitor.removeprefix("val_")
    gain = value - than if name in LARGER_IS_BETTER else than - value
    return gain > min_delta or (math.isnan(than) and not math.isnan(value))


class EarlyStopping(Callback):
    """Stops when a monitored number has not improved for `patience` epochs, and puts the best epoch's weights back.

    Parameters
    ----------
    monitor : str
        An entry of the history; "val_loss" by default.
    patience : int ≥ 1
        How many epochs without improvement are waited for.
    min_delta : float ≥ 0
        What counts as improvement must exceed this.
    restore_best : bool
        Put back parameters and buffers of the best epoch at the end, also when training ends for another reason.
    """

    def __init__(
        self, monitor: str = "val_loss", *, patience: int = 10, min_delta: float = 0.0, restore_best: bool = True
    ) -> None:
        if patience < 1:
            raise ConfigurationError(f"EarlyStopping needs a patience of at least 1 epoch; received {patience!r}")
        if not min_delta >= 0:
            raise ConfigurationError(f"EarlyStopping needs min_delta >= 0; received {min_delta!r}")
        self.monitor, self.patience, self.min_delta, self.restore_best = monitor, patience, min_delta, restore_best
        self.best = float("nan")
        self.best_epoch = 0
        self._best_weights: list[Array] | None = None

    def on_fit_begin(self, run: Run) -> None:
        self.best, self.best_epoch, self._best_weights = float("nan"), 0, None

    def on_epoch_end(self, run: Run) -> None:
        value = run.monitored(self.monitor)
        if self.best_epoch == 0 or is_better(value, self.best, self.monitor, self.min_delta):
            self.best, self.best_epoch = value, run.epoch
            run.history.best_epoch = run.epoch
            if self.restore_best:
                self._best_weights = run.snapshot()
        elif run.epoch - self.best_epoch >= self.patience:
            run.stop = "early stopping"

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
    min_factor : float
        The product of all reductions does not fall below this.
    """

    def __init__(self, monitor: str = "val_loss", *, factor: float = 0.5, patience: int = 5, min_factor: float = 1e-3) -> None:
        if not 0 < factor < 1:
            raise ConfigurationError(f"ReduceOnPlateau needs 0 < factor < 1; received {factor!r}")
        if patience < 1:
            raise ConfigurationError(f"ReduceOnPlateau needs a patience of at least 1 epoch; received {patience!r}")
        self.monitor, self.factor, self.patience, self.min_factor = monitor, factor, patience, min_factor
        self.best, self._since = float("nan"), 0

    def on_fit_begin(self, run: Run) -> None:
        self.best, self._since = float("nan"), 0

    def on_epoch_end(self, run: Run) -> None:
        value = run.monitored(self.monitor)
        if is_better(value, self.best, self.monitor):
            self.best, self._since = value, 0
            return
        self._since += 1
        if self._since >= self.patience:
            run.learning_rate_factor = max(run.learning_rate_factor * self.factor, self.min_factor)
            self._since = 0


class Monitor(Callback):
    """Calls `function(run)` after every epoch: for a print, a plot, a stop of one's own."""

    def __init__(self, function: Callable[[Run], None]) -> None:
        self.function = function

    def on_epoch_end(self, run: Run) -> None:
        self.function(run)


class HistoryFile(Callback):
    """Appends each epoch to a file of JSON lines as it ends, so that a killed run leaves its curve behind."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def on_fit_begin(self, run: Run) -> None:
        self.path.write_text("", encoding="utf-8")

    def on_epoch_end(self, run: Run) -> None:
        *_, last = run.history.rows()
        with self.path.open("a", encoding="utf-8") as lines:
            lines.write(json_line(last))
