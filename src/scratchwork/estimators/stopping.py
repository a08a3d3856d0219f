"""After each epoch: whether training has converged, as scikit-learn counts it, and the lines that `verbose` prints."""

from typing import Any

from ..callbacks import Callback
from ..history import Run

SLOWEST = 1e-6  # an adaptive learning rate that has come this far down ends the training


class Convergence(Callback):
    """Ends a run whose `monitor` has not become better by at least `tol` for more than `patience` epochs in a row.

    ::

        loss    lₜ > min(l₁ … lₜ₋₁) − tol    counts as no improvement
        score   sₜ < max(s₁ … sₜ₋₁) + tol    counts as no improvement

    With `adaptive` the learning rate is divided by 5 instead, until it is below 1e-6.

    Parameters
    ----------
    monitor : str
        An entry of the history.
    tol : float ≥ 0
    patience : int ≥ 1 or infinity
    larger : bool
        Whether larger values are better.
    adaptive : bool
    """

    def __init__(self, monitor: str, tol: float, patience: float, *, larger: bool = False, adaptive: bool = False) -> None:
        self.monitor, self.tol, self.patience, self.larger, self.adaptive = monitor, tol, patience, larger, adaptive
        self.best = float("-inf" if larger else "inf")
        self.count = 0
        self.converged = False

    def go_on(self, tol: float, patience: float) -> None:
        """Be asked once more, in another call of fit: what was best is kept; a run that had ended begins to count anew."""
        self.tol, self.patience = tol, patience
        if self.converged:
            self.count, self.converged = 0, False

    def state(self) -> dict[str, Any]:
        return {"best": self.best, "count": self.count, "converged": self.converged}

    def load_state(self, state: dict[str, Any]) -> None:
        self.best, self.count, self.converged = float(state["best"]), int(state["count"]), bool(state["converged"])

    def on_epoch_end(self, run: Run) -> None:
        value = run.monitored(self.monitor)
        enough = value >= self.best + self.tol if self.larger else value <= self.best - self.tol
        self.count = 0 if enough else self.count + 1
        if value > self.best if self.larger else value < self.best:
            self.best = value
        if self.count > self.patience:
            if self.adaptive and run.learning_rate > SLOWEST:
                run.learning_rate_factor /= 5.0
                self.count = 0
            else:
                run.stop, self.converged = "converged", True


class Lines(Callback):
    """Prints a line per epoch on stdout, as scikit-learn's verbose=True does, and why training ended.

    >>> from types import SimpleNamespace
    >>> epoch = SimpleNamespace(epoch=2, history={"loss": [0.7, 0.25], "val_score": [0.5, 0.75]})
    >>> Lines().on_epoch_end(epoch)
    Iteration 2, loss = 0.25000000
    Validation score: 0.750000
    """

    def on_epoch_end(self, run: Run) -> None:
        print(f"Iteration {run.epoch}, loss = {run.history['loss'][-1]:.8f}")
        if "val_score" in run.history:
            print(f"Validation score: {run.history['val_score'][-1]:f}")

    def on_fit_end(self, run: Run) -> None:
        if run.stop:
            print(f"Training ended after {run.epoch} iterations: {run.stop}.")
