"""What was seen of a run: looks at the network, and steps that were measured."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ..arrays import Array
from ..epochs import row_order
from ..history import Run
from ..optimizers import Optimizer
from ..preparation import Data, Rows
from ..updates import Updater
from .chance import Chance
from .looks import Look, Shadow
from .trials import Pair, Trials


@dataclass
class Record:
    """All that was seen of a run."""

    run: Run
    updater: Updater
    data: Data
    size: int
    seed: int | None
    threads: int | None
    rows: Rows
    shadow: Shadow
    chance: Chance
    start: list[Array]
    looks: list[Look] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    last: tuple[int, list[Array], dict[str, Array]] | None = None  # (step, weights, optimizer's arrays) of the last look

    @property
    def trials(self) -> Trials:
        """What counterfactuals start from."""
        steps = max(self.run.steps, 1)
        return Trials.of(self.shadow, self.updater, self.data.training, self.size, steps, self.rows)

    @property
    def peak_rate(self) -> float:
        """The largest learning rate of the run, where a schedule goes up first."""
        rule, run = self.updater.optimizer, self.run
        if not isinstance(rule, Optimizer):
            return math.nan
        steps = np.unique(np.linspace(run.first_step, max(run.step - 1, run.first_step), 65).astype(np.int64))
        return max(rule.learning_rate_at(int(step)) for step in steps)

    def batch(self, step: int) -> Rows:
        """The rows of the step that follows `step` updates."""
        run, count = self.run, step - self.run.first_step
        epoch = run.network.epochs_seen - run.epoch + count // run.steps_per_epoch
        order = row_order(len(self.data.training), self.size, self.seed, epoch, run.steps_per_epoch)
        return self.data.training.take(order[count % run.steps_per_epoch * self.size :][: self.size])
