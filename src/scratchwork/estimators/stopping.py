"""When training has converged: as scikit-learn counts it, with a memory that outlives a call of fit."""

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
