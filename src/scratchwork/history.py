"""What training leaves behind, and what it shows while it runs."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import Array
from .errors import ConfigurationError, look_up
from .losses import Loss
from .parameter import Parameter
from .sequential import Sequential

if TYPE_CHECKING:
    from .metrics import BoundMetric
    from .optimizers import Optimizer
    from .second_order import LBFGS


class History(Mapping[str, list[float]]):
    """One number per epoch under each name: `history["loss"]`, `history["val_accuracy"]`, ...

    loss                     mean over the training rows as they were met, each batch before its update; with its penalties
    <metric>                 over the same predictions, all of an epoch at once
    val_loss, val_<metric>   over the validation rows after the epoch
    learning_rate            of the epoch's last step
    seconds                  of the epoch, validation included

    An epoch that Ctrl-C cut short is no entry; one that a callback ended is, with the batches that it had.

    `stopped` says why training ended: "epochs", "converged" or "evaluations" (L-BFGS: by itself, or by its limit of them),
    "early stopping", "interrupted", "error", or the reason a callback gave; `best_epoch` (from 1) is set by early stopping.
    Where several networks were trained at once (`fit_many`), `members` holds a history of each. `findings` is what the doctor
    saw (`fit(..., doctor=True)`), the likeliest cause first.
    """

    def __init__(self) -> None:
        self.columns: dict[str, list[float]] = {}
        self.stopped = "epochs"
        self.best_epoch: int | None = None
        self.members: list[History] = []
        self.findings: list[Any] = []

    def append(self, row: Mapping[str, float]) -> None:
        """Add one epoch."""
        for name, value in row.items():
            self.columns.setdefault(name, []).append(float(value))

    @property
    def epochs(self) -> int:
        """How many epochs were completed."""
        return max((len(values) for values in self.columns.values()), default=0)

    def rows(self) -> Iterator[dict[str, float]]:
        """The epochs one by one, each with its number from 1."""
        for index in range(self.epochs):
            yield {"epoch": index + 1, **{name: values[index] for name, values in self.columns.items()}}

    def to_json_lines(self, first: int = 0) -> str:
        """One JSON object per epoch and line, of the epochs after the `first` ones."""
        return "".join(map(json_line, islice(self.rows(), first, None)))

    def last_json_line(self) -> str:
        """The line of the last epoch alone."""
        return json_line({"epoch": self.epochs, **{name: values[-1] for name, values in self.columns.items()}})

    def __getitem__(self, name: str) -> list[float]:
        return look_up(name, self.columns, "history entry")

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __repr__(self) -> str:
        last = {name: f"{values[-1]:.4g}" for name, values in self.columns.items() if values}
        return f"History({self.epochs} epochs, stopped: {self.stopped}, last: {last})"


def json_line(row: Mapping[str, float]) -> str:
    """One epoch as a line of JSON, which knows no NaN and no infinity: null stands for them."""
    return json.dumps({name: value if math.isfinite(value) else None for name, value in row.items()}) + "\n"


@dataclass
class Part:
    """How far an epoch has come: its steps, the weighted sum of their losses, and what metrics need of them."""

    steps: int = 0
    total: float = 0.0
    weight: float = 0.0
    predictions: list[Array] = field(default_factory=list)  # of the rows met so far, where there are metrics

    def add(self, loss: float, weight: float) -> None:
        """One step more."""
        self.steps += 1
        self.total += loss * weight
        self.weight += weight

    @property
    def loss(self) -> float:
        """The mean loss of the steps so far; NaN before the first."""
        return self.total / self.weight if self.weight else float("nan")


@dataclass
class Run:
    """The state of a training run that callbacks see; setting `stop` to a reason ends it after the present step.

    step counts the updates from 1, those before this run included where `fit` goes on from a `TrainingState`; epoch counts
    those of this run from 1; `learning_rate_factor` multiplies what the schedule gives.
    """

    network: Sequential
    loss: Loss
    optimizer: "Optimizer | LBFGS"
    epochs: int
    steps_per_epoch: int
    rows: int
    history: History = field(default_factory=History)
    epoch: int = 0
    step: int = 0
    first_step: int = 0  # updates before this run
    batch_loss: float = float("nan")
    learning_rate: float = float("nan")
    learning_rate_factor: float = 1.0
    engine: str = "numpy"
    stop: str | None = None
    state: dict[str, Array] = field(default_factory=dict)  # the optimizer's, one entry per flat vector
    metrics: Mapping[str, "BoundMetric"] = field(default_factory=dict)  # by their names in the history
    validated: bool = False  # whether there is validation data
    part: Part = field(default_factory=Part)  # of the epoch that is under way
    pause_every: int | None = None  # a number of steps after whose multiples the compiled path comes back to Python
    looks: tuple[int, ...] = ()  # single steps, in ascending order, after which it comes back too

    @property
    def steps(self) -> int:
        """How many updates this run has made."""
        return self.step - self.first_step

    @property
    def over(self) -> bool:
        """Whether there is no further epoch to come, and none that was begun and has steps left."""
        return self.stop is not None or (self.epoch >= self.epochs and not self.part.steps)

    @property
    def entries(self) -> list[str]:
        """The names that the history will have."""
        measured = ["loss", *self.metrics]
        return [*measured, *(f"val_{name}" for name in measured if self.validated), "learning_rate", "seconds"]

    def snapshot(self) -> list[Array]:
        """A copy of all that the network learned: parameters in the order of its flat vector, and buffers (running means)."""
        value = np.concatenate([parameter.value.reshape(-1) for parameter in self._ordered()])
        return [value, *(buffer.copy() for _, buffer in self.network.buffers())]

    def restore(self, snapshot: list[Array]) -> None:
        """Put a snapshot back."""
        mine = self.snapshot()
        if [array.shape for array in mine] != [array.shape for array in snapshot]:
            raise ConfigurationError("what is to be put back belongs to another network")
        start = 0
        for parameter in self._ordered():
            size = parameter.value.size
            parameter.value[...] = snapshot[0][start : start + size].reshape(parameter.value.shape)
            start += size
        for (_, buffer), saved in zip(self.network.buffers(), snapshot[1:], strict=True):
            buffer[...] = saved

    def _ordered(self) -> list[Parameter]:
        """The parameters one by one: where several networks are trained at once, each has a flat vector of its own."""
        parameters = [parameter for _, parameter in self.network.parameters()]
        return [p for p in parameters if p.decay] + [p for p in parameters if not p.decay]

    def monitored(self, name: str) -> float:
        """The last epoch's value of a history entry, by name."""
        return self.history[name][-1]

    def describe(self) -> dict[str, Any]:
        """Epoch, step and the last numbers, for displays."""
        return {"epoch": self.epoch, "epochs": self.epochs, "step": self.step, "loss": self.batch_loss}


@dataclass
class TrainingState:
    """What `fit` needs beside the network to go on as though it had never stopped: `fit(..., state=state)` once and again.

    ::

        state = TrainingState()
        fit(network, x, y, epochs=3, state=state, ...)
        fit(network, x, y, epochs=4, state=state, ...)      the same bits as one call with epochs=7

    step                  updates so far: where the schedule and Adam's corrections stand
    learning_rate_factor  what plateaus have reduced the learning rate by
    optimizer             the optimizer's arrays by name, one number for each parameter

    The network itself counts its epochs and draws, so the shuffling and the dropout masks go on in any case. L-BFGS keeps
    nothing that could be continued: each call begins with a new memory of curvature.

    >>> import scratchwork as sw
    >>> rows, state = sw.data.xor(), TrainingState()
    >>> network = sw.Sequential([sw.Dense(2)])
    >>> settings = dict(loss=sw.SoftmaxCrossEntropy(), optimizer=sw.Adam(0.1), epochs=2, state=state)
    >>> _ = sw.fit(network, rows.x, rows.y, **settings), sw.fit(network, rows.x, rows.y, **settings)
    >>> state.step, sorted(state.optimizer)
    (4, ['m', 'v'])
    """

    step: int = 0
    learning_rate_factor: float = 1.0
    optimizer: dict[str, Array] = field(default_factory=dict)

    def resume(self, run: Run) -> None:
        """Let a run that is about to begin go on from here; ConfigurationError where its optimizer is of another kind."""
        if self.step == 0:
            return
        mine = {name: array.shape for name, array in self.optimizer.items()}
        wanted = {name: array.shape for name, array in run.state.items()}
        if mine != wanted:
            raise ConfigurationError(
                f"the state holds {mine or 'no arrays'} of the optimizer before, and {run.optimizer!r} on this network needs "
                f"{wanted or 'none'}: give a new TrainingState()"
            )
        run.step = run.first_step = self.step
        run.learning_rate_factor = self.learning_rate_factor
        for name, array in self.optimizer.items():
            run.state[name][...] = array

    def keep(self, run: Run) -> None:
        """Remember where a run has come to."""
        self.step, self.learning_rate_factor = run.step, run.learning_rate_factor
        self.optimizer = {name: array.copy() for name, array in run.state.items()}
