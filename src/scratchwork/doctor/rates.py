"""The learning rate, judged by what steps did to the loss of their own batches, and by short trials with others."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays import Array
from ..optimizers import Optimizer
from .findings import Finding, found
from .record import Record
from .trials import Trials

LEARNED = 0.5
NOTHING = 0.05  # of the loss at chance
LOWER, HIGHER = (0.1, 0.01, 0.001), tuple(10.0**k for k in range(1, 7))
BETTER = 0.85  # times the loss of the run


def learning_rate(record: Record, skill: float) -> list[Finding]:
    """SW301 or SW302, with the rate that did best in the trials."""
    if not isinstance(record.updater.optimizer, Optimizer) or not record.pairs or not math.isfinite(record.chance.loss):
        return []
    return too_high(record, skill) or too_low(record, skill)


def too_high(record: Record, skill: float) -> list[Finding]:
    """SW301: steps raise the loss of their own batch, and fewer steps at a lower rate come lower."""
    rises = [pair.after > 1.01 * pair.before for pair in record.pairs]
    ratio = max(pair.ratio for pair in record.pairs)
    losses = np.array(record.run.history.columns.get("loss", [math.nan]))
    end = record.looks[-1].loss
    worse = end > 1.2 * min(losses.min(), record.looks[0].loss)
    leapt = any(after.loss > 10 * before.loss for before, after in itertools.pairwise(record.looks))
    violent = leapt or any(pair.ratio > 0.5 and rise for pair, rise in zip(record.pairs, rises, strict=True))
    if not violent and skill > NOTHING and ((skill > LEARNED and not worse) or (np.mean(rises) < 0.25 and ratio < 0.1)):
        return []
    trials = record.trials
    same = trials.loss_after(record.start)
    lower = {factor: trials.loss_after(record.start, factor=factor) for factor in LOWER}
    best = min(lower, key=lambda factor: lower[factor])
    if not lower[best] < BETTER * min(same, end):
        return []
    rate = record.peak_rate
    cause = (
        f"{sum(rises)} of {len(rises)} measured steps raised the loss of their own batch, and a step moved the weights by "
        f"up to {100 * ratio:.2g} %; {trials.steps} steps at {best:g} times the rate come to a loss of {lower[best]:.4g}, "
        f"the run came to {end:.4g}"
    )
    numbers: dict[str, Any] = {
        "learning_rate": rate,
        "proposed": rate * best,
        "update_to_weight": ratio,
        "steps_that_raised_the_loss": sum(rises),
        "steps_measured": len(rises),
        "loss": end,
        "loss_at_proposed": lower[best],
        "loss_of_the_same_trial": same,
    }
    step = next((pair.step for pair, rise in zip(record.pairs, rises, strict=True) if rise), record.pairs[0].step)
    return [found("SW301", cause, f"a learning rate of {rate * best:.2g} instead of {rate:.2g}", step=step, **numbers)]


def better_rate(trials: Trials, start: list[Array]) -> tuple[float, dict[float, float]]:
    """Which of the higher rates does best, and what each comes to; none is tried after two that did worse."""
    tried: dict[float, float] = {}
    for factor in HIGHER:
        tried[factor] = trials.loss_after(start, factor=factor)
        if sorted(tried, key=lambda factor: tried[factor])[0] * 100 <= factor:
            break
    return min(tried, key=lambda factor: tried[factor]), tried


def too_low(record: Record, skill: float) -> list[Finding]:
    """SW302: the weights hardly move, and the same steps at a higher rate come far lower."""
    ratio = float(np.median([pair.ratio for pair in record.pairs]))
    begin, end = record.looks[0].loss, record.looks[-1].loss
    if ratio > 3e-4 or skill > LEARNED or not end < 1.2 * begin:
        return []
    trials, rate = record.trials, record.peak_rate
    last = record.pairs[-1].rate
    if last < 1e-3 * rate:  # a schedule that has stopped the run: what if it had not?
        trials = replace(trials, rate=rate)
    same = trials.loss_after(record.start)
    best, higher = better_rate(trials, record.start)
    if same < BETTER * end and last < 1e-3 * rate:
        return [_schedule_stopped(record, trials, same, rate, last)]
    if not higher[best] < min(BETTER * min(same, end), (1.0 - NOTHING) * record.chance.loss):
        return []  # also where the other rates only come to chance
    cause = (
        f"a step moves the weights by {100 * ratio:.2g} % (median), and the loss went from {begin:.4g} to {end:.4g}; "
        f"{trials.steps} steps at {best:g} times the rate come to {higher[best]:.4g}"
    )
    numbers: dict[str, Any] = {
        "learning_rate": rate,
        "proposed": rate * best,
        "update_to_weight": ratio,
        "loss": end,
        "loss_at_proposed": higher[best],
        "loss_of_the_same_trial": same,
    }
    return [found("SW302", cause, f"a learning rate of {rate * best:.2g} instead of {rate:.2g}", **numbers)]


def _schedule_stopped(record: Record, trials: Trials, same: float, rate: float, last: float) -> Finding:
    end = record.looks[-1].loss
    cause = (
        f"the schedule has brought the learning rate from {rate:.2g} to {last:.2g} while the loss was {end:.4g}: "
        f"{trials.steps} steps at {rate:.2g} throughout come to {same:.4g}"
    )
    numbers: dict[str, Any] = {"learning_rate": last, "proposed": rate, "loss": end, "loss_at_proposed": same}
    return found("SW302", cause, "a schedule that falls more slowly: it counts steps, and not epochs", **numbers)
