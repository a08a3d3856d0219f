"""Counterfactuals: some steps on a copy with one setting changed, since a measured answer is better than a rule of thumb."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..arrays import Array
from ..epochs import Batches
from ..history import Run
from ..optimizers import Optimizer
from ..parameter import FlatParameters
from ..preparation import Rows
from ..sparse_rows import SparseRows
from ..updates import Updater
from .looks import WATCHED, Shadow, numbers, some_rows

LEAST, MOST = 30, 150  # steps of a trial
ROWS = 2048  # of the training rows, for all trials
ENOUGH = 200  # rows of which some can be held out


@dataclass(frozen=True)
class Pair:
    """One step, measured: how far it moved the weights, and the loss of its own batch before and after it."""

    step: int
    ratio: float
    before: float
    after: float
    rate: float


@dataclass
class Trials:
    """Where trials start from, and on what."""

    shadow: Shadow
    updater: Updater
    rows: Rows
    size: int
    steps: int
    judged: Rows  # on which the end of a trial is measured
    rate: float | None = None  # in place of a schedule

    @classmethod
    def of(cls, shadow: Shadow, updater: Updater, rows: Rows, size: int, steps: int, judged: Rows) -> Trials:
        """For a run of so many steps in batches of that size."""
        some = some_rows(rows, max(ROWS, 2 * min(size, 4096)))
        if len(some) >= ENOUGH:  # what is learned by heart is no answer: judged by rows that the trial does not see
            order = np.random.default_rng(0).permutation(len(some))
            held = min(len(some) // 4, WATCHED)
            judged, some = some.take(order[:held]), some.take(np.sort(order[held:]))
        return cls(shadow, updater, some, min(size, len(some)), min(max(steps, LEAST), MOST), judged)

    def loss_after(
        self,
        start: list[Array],
        *,
        factor: float = 1.0,
        regularized: bool = True,
        standardized: bool = False,
        state: dict[str, Array] | None = None,
        step: int = 0,
    ) -> float:
        """The loss of the judged rows after the trial; infinity where it diverges.

        factor        of the learning rate
        regularized   False leaves penalties and constraints of `fit` out, and weight decay
        standardized  with each input of mean 0 and standard deviation 1
        state, step   of the optimizer, where the trial goes on from the middle of a run
        """
        rule = self.updater.optimizer
        if not isinstance(rule, Optimizer):
            return math.nan
        if self.rate is not None:
            rule = _at(rule, self.rate)
        trial = Shadow(self.shadow.network, self.shadow.loss)
        trial.become(start)
        rows, judged = self.rows, self.judged
        if standardized:
            rows, judged = _standardized(rows, judged)
        regularizer, constraint, clip_value, clip_norm = self.updater.asked
        if not regularized:
            regularizer = constraint = None
            rule = rule.without_decay()
            for parameter in trial.network.flat().parameters:
                parameter.regularizer = parameter.constraint = None
        updater = Updater(trial.network, rule, regularizer, constraint, clip_value, clip_norm)
        for name, array in (state or {}).items():
            updater.state[name][...] = array
        per_epoch = max(len(rows) // self.size, 1)
        run = Run(trial.network, trial.loss, rule, 1, per_epoch, len(rows), step=step, state=updater.state)
        run.learning_rate_factor = factor
        if not _walked(trial, updater, run, Batches(rows, self.size, trial.network.dtype), per_epoch, self.steps):
            return math.inf
        value = trial.value(judged, step=1)
        return value if math.isfinite(value) else math.inf


def moved_by(flat: FlatParameters, before: Array, after: Array) -> float:
    """‖ΔW‖ / ‖W‖, the median over all weight matrices (or over all parameters, where there is none)."""
    weights = [place for p, place in zip(flat.parameters, flat.slices, strict=True) if p.decay] or flat.slices
    sizes = [float(np.linalg.norm(before[place])) for place in weights]
    moves = [float(np.linalg.norm(after[place] - before[place])) for place in weights]
    return float(np.median([move / size if size > 0 else math.inf for move, size in zip(moves, sizes, strict=True)]))


def one_step(trials: Trials, start: list[Array], step: int) -> Pair:
    """The first step of a trial, measured."""
    trial = Shadow(trials.shadow.network, trials.shadow.loss)
    trial.become(start)
    rule = trials.updater.optimizer
    assert isinstance(rule, Optimizer)
    updater = Updater(trial.network, rule, *trials.updater.asked)
    run = Run(trial.network, trial.loss, rule, 1, 1, len(trials.rows), step=step + 1, state=updater.state)
    batch = trials.rows.take(np.random.default_rng(0).permutation(len(trials.rows))[: trials.size])
    x = numbers(batch.x, trial.network.dtype)
    prediction, caches = trial.network.forward(x, training=True, step=1)
    before, slope = trial.loss.value_and_grad(prediction, batch.target, batch.weight)
    trial.network.backward(slope, caches, need_dx=False)
    updater.step(run)
    ratio = moved_by(updater.flat, start[0], updater.flat.value)
    return Pair(step + 1, ratio, float(before), trial.value(batch, 1), run.learning_rate)


def _at(rule: Optimizer, rate: float) -> Optimizer:
    """The rule at a constant learning rate."""
    other = copy.copy(rule)
    object.__setattr__(other, "learning_rate", rate)
    return other


def _walked(trial: Shadow, updater: Updater, run: Run, batches: Batches, per_epoch: int, steps: int) -> bool:
    """Whether so many steps could be made with finite losses."""
    network, done = trial.network, 0
    while done < steps:
        for x, target, weight in batches.epoch(1, done // per_epoch, per_epoch):
            network.steps_seen += 1
            prediction, caches = network.forward(x, training=True, step=network.steps_seen)
            value, slope = trial.loss.value_and_grad(prediction, target, weight)
            if not math.isfinite(value):
                return False
            network.backward(slope, caches, need_dx=False)
            run.step += 1
            updater.step(run)
            done += 1
            if done >= steps:
                break
    return True


def _standardized(rows: Rows, judged: Rows) -> tuple[Rows, Rows]:
    if isinstance(rows.x, SparseRows):
        return rows, judged
    x = rows.x.astype(np.float64)
    mean, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 1e-12, spread, 1.0)
    dtype: Any = np.float32 if rows.x.dtype != np.float64 else np.float64
    other = (judged.x.astype(np.float64) - mean) / spread
    return replace(rows, x=((x - mean) / spread).astype(dtype)), replace(judged, x=other.astype(dtype))
