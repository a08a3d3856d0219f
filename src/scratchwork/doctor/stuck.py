"""Stuck at chance: the loss is that of the class shares alone, and which question after which question says why."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..optimizers import Optimizer
from ..sparse_rows import SparseRows
from .chance import classes_of, predicted_classes
from .findings import Finding, found
from .looks import some_rows
from .record import Record

AT_CHANCE = 0.03  # of the loss at chance taken away
NOTHING = 0.5  # where no gradient is left anywhere, less than this is being stuck
LEAST_STEPS = 20
NEIGHBOURS = 400
FEW = 3  # epochs, after which a run may merely have been too short
STILL = 0.02  # of the weights: who has gone no further than that in all steps has not begun
SOUND = 1e-3  # of the weights: what a step usually moves them by


def stuck_at_chance(record: Record, skill: float, known: list[Finding]) -> list[Finding]:
    """SW501 with the path that was walked, and the cause where a trial has shown one."""
    end = record.looks[-1]
    still = all(layer.weight_gradient < 1e-12 for layer in end.layers) and skill < NOTHING
    if record.run.steps < LEAST_STEPS or not (still or (-0.5 < skill < AT_CHANCE and _no_better(record))):
        return []
    path, causes = walk(record, [finding.code for finding in known if finding.alarm])
    what = "the entropy of the class shares" if record.chance.shares is not None else "the best constant answer"
    cause = (
        f"after {record.run.steps} steps the loss is {end.loss:.4g}, and {what} gives {record.chance.loss:.4g}: "
        f"the outputs say nothing of the inputs"
    )
    fix = causes[0].fix if causes else "the last question of the path that was answered with yes says what to change"
    numbers: dict[str, Any] = {
        "loss": end.loss,
        "chance": record.chance.loss,
        "majority": record.chance.majority,
        "skill": skill,
    }
    return [*causes, found("SW501", cause, fix, step=record.run.step, path=path, **numbers)]


def _no_better(record: Record) -> bool:
    """Whether decisions are no better than the largest class, too: a loss may be bad where answers are right."""
    labels = classes_of(record.rows, record.run.loss)
    if labels is None:
        return True
    said = predicted_classes(record.looks[-1].prediction, record.run.loss)
    right, share = float((said == labels).mean()), float(np.bincount(labels).max() / len(labels))
    return right < share + max(0.03, 2 * math.sqrt(share * (1 - share) / len(labels)))


def walk(record: Record, known: list[str]) -> tuple[list[str], list[Finding]]:
    """Questions with their answers, until one is a yes; and the findings that the yes stands for."""
    end, path = record.looks[-1], list[str]()

    def asked(question: str, yes: bool, numbers: str) -> bool:
        path.append(f"{question} {'yes' if yes else 'no'}: {numbers}")
        return yes

    spread = float(np.std(end.prediction, axis=0).mean())
    asked("do all rows get the same output?", spread < 1e-3, f"its standard deviation over the rows is {spread:.2g}")
    slopes = [layer.weight_gradient for layer in end.layers if layer.weight > 0]
    least = min(slopes, default=0.0)
    if asked("is there a layer without gradient?", least < 1e-12, f"the smallest norm of a layer's is {least:.2g}"):
        return path, []
    if asked("was a cause seen already?", bool(known), ", ".join(known) or "none"):
        return path, []
    if not isinstance(record.updater.optimizer, Optimizer):
        return path, []
    trials, near = record.trials, neighbours(record)
    empty = near is not None and near[0] <= near[1] + 0.1  # what is learned of such rows is learned by heart
    target = (0.5 if empty else 0.85) * record.chance.loss
    rate = max((pair.rate for pair in record.pairs), default=record.run.learning_rate)
    numbers: dict[str, Any]
    way, begun = _way(record, rate)
    if asked("have the weights stayed where they were?", bool(begun), f"all steps move them by {100 * way:.2g} % at most"):
        return path, begun
    if record.run.history.epochs <= FEW:
        value = trials.loss_after(record.run.snapshot())
        if asked("does it learn when it goes on?", value < target, f"{trials.steps} more steps come to {value:.4g}"):
            cause = f"after {record.run.history.epochs} epochs the loss is {end.loss:.4g}, and {path[-1].partition(': ')[2]}"
            return path, [found("SW1603", cause, "more epochs", loss=end.loss, loss_later=value)]
    for factor, code in ((0.01, "SW301"), (0.1, "SW301"), (10.0, "SW302"), (1e3, "SW302"), (1e5, "SW302")):
        value = trials.loss_after(record.start, factor=factor)
        question = f"does it learn at {factor:g} times the learning rate?"
        if asked(question, value < target, f"{trials.steps} steps come to {value:.4g}"):
            cause = f"{path[-1]}, while the run came to {end.loss:.4g}"
            fix = f"a learning rate of {rate * factor:.2g} instead of {rate:.2g}"
            numbers = {
                "learning_rate": rate,
                "proposed": rate * factor,
                "loss_at_proposed": value,
                "loss": end.loss,
            }
            return path, [found(code, cause, fix, **numbers)]
    plain = _of_size_one(record)
    value = math.inf if plain else trials.loss_after(record.start, standardized=True)
    told = "their columns are of size 1 already" if plain else f"{trials.steps} steps come to {value:.4g}"
    if asked("does it learn with standardized inputs?", value < target, told):
        cause = f"with standardized inputs {trials.steps} steps come to {value:.4g}, the run to {end.loss:.4g}"
        return path, [
            found("SW101", cause, "preprocessing.Standardize() on the inputs", loss_standardized=value, loss=end.loss)
        ]
    value = trials.loss_after(record.start, regularized=False)
    if asked("does it learn without regularization?", value < target, f"{trials.steps} steps come to {value:.4g}"):
        cause = f"without penalties {trials.steps} steps come to {value:.4g}, the run to {end.loss:.4g}"
        return path, [found("SW1601", cause, "a penalty a hundred times smaller", loss_without=value, loss=end.loss)]
    if near is not None:
        right, share = near
        question = "do the inputs say anything of the targets?"
        asked(question, right > share + 0.1, f"the nearest other row has the class of a row in {100 * right:.0f} % of cases")
    return path, []


def _way(record: Record, rate: float) -> tuple[float, list[Finding]]:
    """How far all steps can have moved the weights, as a share of them; SW302 where that is next to nothing."""
    ratio = float(np.median([pair.ratio for pair in record.pairs])) if record.pairs else math.nan
    way = ratio * record.run.steps
    if not 0 < way < STILL:
        return way, []
    factor = 10.0 ** min(6, round(math.log10(SOUND / ratio)))
    cause = f"a step moves the weights by {100 * ratio:.2g} %, and {record.run.steps} of them by {100 * way:.2g} % at most"
    fix = f"a learning rate of {rate * factor:.2g} instead of {rate:.2g}, if nothing clips the gradient"
    loss = record.looks[-1].loss
    numbers: dict[str, Any] = {"learning_rate": rate, "proposed": rate * factor, "update_to_weight": ratio, "loss": loss}
    return way, [found("SW302", cause, fix, **numbers)]


def _of_size_one(record: Record) -> bool:
    """Whether the columns have means and widths that need no standardizing; sparse rows are left as they are."""
    x = record.rows.x
    if isinstance(x, SparseRows):
        return True
    columns = x.reshape(len(x), -1).astype(np.float64)
    width, middle = columns.std(axis=0), np.abs(columns.mean(axis=0))
    varying = width[width > 0]
    return varying.size > 0 and float(np.median(varying)) > 0.2 and float(varying.max()) < 5 and float(middle.max()) < 5


def neighbours(record: Record) -> tuple[float, float] | None:
    """How often the nearest other row has the same class, and how often a row of the largest class is met."""
    rows = some_rows(record.data.training, NEIGHBOURS)
    labels = classes_of(rows, record.run.loss)
    if labels is None:
        return None
    x = (rows.x.dense() if isinstance(rows.x, SparseRows) else rows.x).reshape(len(rows), -1).astype(np.float64)
    x = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-12)
    squares = (x * x).sum(axis=1)
    distance = squares[:, None] - 2 * x @ x.T
    np.fill_diagonal(distance, np.inf)
    return float((labels[distance.argmin(axis=1)] == labels).mean()), float(np.bincount(labels).max() / len(labels))
