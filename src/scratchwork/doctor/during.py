"""What is concluded from the looks that were taken at a run, when it has come to its end."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays import Array
from .causes import causes
from .curves import overfitting, stopped_early
from .findings import Finding, found
from .looks import WATCHED, LayerLook, Look, some_rows
from .order import order_of_rows
from .rates import learning_rate
from .record import Record
from .rows_given import alike
from .scores import NEARLY_ALL, decides_well, hidden_imbalance
from .stuck import stuck_at_chance

SHRUNK = (0.5, 0.9), (0.8, 0.5)  # (share of the norm that a layer's weights began with, of the loss that is left without it)
IDLE = 0.5  # share of a layer's units
LEARNED = 0.5  # of the loss at chance: who has taken that much away is not kept from learning
VANISHED, EXPLODED = 1e-3, 100.0  # ∂L/∂output of the first layer with weights, as a share of that of the last
SLOW, LONG = 0.05, 25  # of the loss at chance, and steps
LEAP = 20.0  # times the loss at chance


def conclude(record: Record) -> list[Finding]:
    """Everything that a run which ended by itself shows."""
    history, run = record.run.history, record.run
    skill = record.chance.skill(record.looks[-1].loss)
    findings = [*idle_layers(record, skill), *gradients_by_layer(record, skill), *order_of_rows(record)]
    if history.stopped != "interrupted":
        findings += weights_that_died(record, skill)
        known = {(finding.code, finding.step) for finding in findings if finding.alarm}
        rates = learning_rate(record, skill)
        if known & {("SW801", record.looks[0].step), ("SW802", record.looks[0].step), ("SW1601", record.looks[-1].step)}:
            rates = []  # no gradient passed before the first step, or a penalty took it all: another rate is no cure
        findings += rates or stuck_at_chance(record, skill, findings)
        findings += causes(record, findings)
        findings += hidden_imbalance(record)
        chance = record.chance.loss
        overfit = overfitting(history, chance, restored=history.best_epoch is not None)
        findings += overfit if overfit and not decides_well(record) else []
        early = [] if rates else stopped_early(history, history.stopped, chance, run.epochs)
        findings += early if early and not decides_well(record, NEARLY_ALL) else []
    return [*findings, *needless_threads(record)] if run.steps else findings


def idle_layers(record: Record, skill: float) -> list[Finding]:
    """SW801 and SW802: units that hand no gradient on for any of the rows; which, and since when."""
    findings: list[Finding] = []
    end = record.looks[-1]
    if alike(record.rows.x):
        return findings  # units that are the same for all rows are not idle: the rows are the same
    for position, layer in enumerate(end.layers):
        output = position == len(end.layers) - 1
        if layer.idle is None or (output and layer.kind == "bounded"):
            continue
        count, units = int(layer.idle.sum()), layer.idle.size
        first = record.looks[0].layers[position].idle
        at_start = int((layer.idle & first).sum()) if first is not None else 0
        harmful = skill < LEARNED or at_start >= IDLE * units or count == units
        if count < IDLE * units or units < 2 or not harmful:
            continue
        since, step = _since(record.looks, position)
        what = "are never above 0 for any of" if layer.kind == "relu" else "stand at an end of their range for nearly all of"
        code, name = ("SW801", "dead") if layer.kind == "relu" else ("SW802", "saturated")
        cause = (
            f"{count} of {units} units {what} the {len(record.rows)} rows that were looked at, so that no gradient passes "
            f"through them; half of these have been {name} since {since}"
        )
        fix = (
            "a smaller learning rate, scaled inputs, biases that start at 0, or LeakyReLU"
            if layer.kind == "relu"
            else "smaller first weights, scaled inputs, a smaller learning rate, or ReLU with normalization"
        )
        numbers: dict[str, Any] = {
            "units": np.flatnonzero(layer.idle)[:50],
            "count": count,
            "of": units,
            "at_start": at_start,
            "skill": skill,
        }
        findings.append(found(code, cause, fix, where=layer.where, step=step, **numbers))
    return findings


def _since(looks: list[Look], position: int) -> tuple[str, int]:
    """From which look on half of the units that are idle in the end were idle in every look."""
    now = _idle(looks[-1], position)
    held, since = now, looks[-1]
    for look in reversed(looks):
        held = held & _idle(look, position)
        if held.sum() < 0.5 * now.sum():
            break
        since = look
    return ("the start" if since.step == looks[0].step else f"step {since.step} or earlier"), since.step


def _idle(look: Look, position: int) -> Array:
    idle = look.layers[position].idle
    assert idle is not None
    return idle


def gradients_by_layer(record: Record, skill: float) -> list[Finding]:
    """SW1501 and SW1502: ∂L/∂output shrinks or grows on its way down, and learning begins late or with a leap for it."""
    looks = [look for look in record.looks if all(math.isfinite(layer.gradient) for layer in look.layers)]
    if len(looks) < 2 or any(layer.idle is not None and layer.idle.all() for layer in looks[0].hidden):
        return []  # nothing passes through such a layer, which is said
    first, chance = looks[0], record.chance
    flat = list(itertools.takewhile(lambda look: chance.skill(look.loss) < SLOW, looks))
    falls = [_fall(look) for look in flat or looks[:1]]
    early = itertools.takewhile(lambda loss: chance.skill(loss) < SLOW, record.run.history.columns.get("loss", []))
    waited = max((flat or [first])[-1].step - first.step, len(list(early)) * record.run.steps_per_epoch)
    stays = falls[1] < 10 * VANISHED if len(falls) > 1 else len(looks) == 2  # after the run there are only its two ends
    top, bottom = _ends(first)
    numbers: dict[str, Any] = {
        "ratio": falls[0],
        "by_layer": {layer.where: layer.gradient for layer in first.layers if layer.kind == "weights"},
        "steps_at_chance": waited,
    }
    there = f"from {top.gradient:.2g} at {top.where} to {bottom.gradient:.2g} at {bottom.where}"
    if falls[0] < VANISHED and stays and waited >= min(LONG, record.run.steps):
        cause = f"the gradient shrinks {there}, so that the loss stays at chance for {waited} steps or more"
        fix = "ReLU instead of sigmoid, he_normal weights, BatchNorm between the layers, or fewer layers"
        return [found("SW1501", cause, fix, where=bottom.where, step=first.step, **numbers)]
    if falls[0] > EXPLODED and (first.loss > LEAP * chance.loss or skill < 0):
        cause = f"the gradient grows {there}, and the loss begins at {first.loss:.3g}, where chance has {chance.loss:.3g}"
        fix = "smaller first weights (he_normal, glorot_uniform), clip_norm=1.0, or BatchNorm between the layers"
        return [found("SW1502", cause, fix, where=bottom.where, step=first.step, **numbers)]
    return []


def _ends(look: Look) -> tuple[LayerLook, LayerLook]:
    """The last and the first layer with weights."""
    weighted = [layer for layer in look.layers if layer.kind == "weights"] or list(look.layers)
    return weighted[-1], weighted[0]


def _fall(look: Look) -> float:
    top, bottom = _ends(look)
    return bottom.gradient / top.gradient if top.gradient > 0 else 1.0


def weights_that_died(record: Record, skill: float) -> list[Finding]:
    """SW1601: the penalty has pulled the weights to nothing, and without it the same steps do better."""
    first, end = record.looks[0], record.looks[-1]
    pairs = [(a, b) for a, b in zip(first.layers, end.layers, strict=True) if b.kind == "weights" and a.weight > 0]
    if not pairs or not regularized(record) or skill > LEARNED:
        return []
    left = [b.weight / a.weight for a, b in pairs]
    better = next((share for shrunk, share in SHRUNK if min(left) <= shrunk), None)
    if better is None:
        return []
    trials, held = record.trials, record.data.validation
    if held is not None:  # rows that no weight was made for: a penalty that does its work makes the others worse
        trials = replace(trials, judged=some_rows(held, WATCHED))
    with_it = min(trials.loss_after(record.start), record.shadow.value(trials.judged, step=1))
    without = trials.loss_after(record.start, regularized=False)
    if not without < better * with_it:
        return []
    where = pairs[int(np.argmin(left))][1]
    cause = (
        f"the weights have shrunk to {100 * min(left):.2g} % of what they were; {trials.steps} steps without the "
        f"penalty come to a loss of {without:.4g}, and with it to {with_it:.4g}"
    )
    fix = "a penalty a hundred times smaller: the regularizer, or weight_decay of the optimizer"
    numbers: dict[str, Any] = {"left": min(left), "loss": end.loss, "loss_without": without, "loss_with": with_it}
    return [found("SW1601", cause, fix, where=where.where, step=end.step, **numbers)]


def regularized(record: Record) -> bool:
    """Whether anything pulls the weights towards 0."""
    own = any(parameter.regularizer or parameter.constraint for parameter in record.updater.flat.parameters)
    decays = getattr(record.updater.optimizer, "weight_decay", 0.0)
    return bool(record.updater.asked[0] or record.updater.asked[1] or own or decays)


def needless_threads(record: Record) -> list[Finding]:
    """SW1604: threads were asked for that have no processor, or steps too small to be shared."""
    wanted = record.threads
    if wanted is None or wanted < 2:
        return []
    from ..engine.threads import SMALL, processors

    there = processors()
    flops = 6 * record.size * record.updater.flat.value.size
    if wanted > there:
        cause = f"{wanted} threads were asked for, and this process may use {there} processor{'s' * (there > 1)}"
        return [found("SW1604", cause, f"threads={there} or fewer, or None", threads=wanted, processors=there)]
    if flops < SMALL:
        cause = f"{wanted} threads were asked for, and a step of {flops / 1e6:.2g} million operations is too small to share"
        return [found("SW1604", cause, "threads=1, or a larger batch_size", threads=wanted, flops=flops)]
    return []
