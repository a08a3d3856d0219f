"""Conditions 3, 5 and 16 by trial: the learning rate, the strength of penalties, and whether there is anything to learn.

The order of the questions is the decision path: does the network get below chance as it is? With smaller steps? In as many
steps as the run has? With larger ones? Without penalties? On fifty rows alone? Do the targets depend on the inputs at all?
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..layers import Dropout
from ..optimizers import OPTIMIZERS, AdamW, Optimizer
from ..second_order import LBFGS
from .attempts import Attempt, Attempts
from .dependence import dependence, standard_rows, unrelated
from .findings import Finding, found
from .patient import Patient, hidden_products, leaves, place
from .roles import without_slope

LEARNED, NOTHING = 0.85, 0.95  # of chance
LOWER = (0.1, 0.01, 0.001, 1e-4)
HIGHER = (10.0, 100.0, 1e3, 1e4, 1e5)


def probe(patient: Patient, attempts: Attempts, explained: bool) -> Iterator[Finding]:
    """Penalty, learning rate, fifty rows, chance; `explained` says that another cause was found already."""
    if not attempts.usable:
        return
    path: list[str] = []
    given = attempts.run()
    broken = list(_broken(attempts))
    yield from broken
    if broken:
        return
    path.append(f"does the loss fall in {given.steps} steps as they are? to {_shown(given.end)}")
    slopes = list(_no_slope(patient)) if given.end == given.start else []
    uphill = list(_uphill(patient, attempts))
    yield from [*slopes, *uphill]
    if slopes or uphill:
        return
    penalty = list(_penalty(patient, attempts, given, path))
    yield from penalty
    if penalty or explained:
        return
    if isinstance(patient.settings.optimizer, LBFGS) or patient.settings.optimizer is None:
        learned = given.good()
    else:
        rate = list(_rate(patient, attempts, given, path))
        yield from rate
        if rate:
            return
        learned = any(attempt.good() for attempt in attempts.done.values())
    others = list(unrelated(patient, path))
    yield from others
    narrow = [] if others else list(_narrow(patient, attempts, path))
    yield from narrow
    if not learned and not others and not narrow and not attempts.dear:
        yield from _nothing(patient, attempts, path)


def _broken(attempts: Attempts) -> Iterator[Finding]:
    """SW201 for a loss that is not finite without having grown: it is how it is computed, and not the learning rate."""
    given = attempts.run()
    if math.isfinite(given.end) or given.first_moved > 0.3:
        return
    fix = "look for log(0), exp of large numbers and division by 0; take the loss on logits"
    if not math.isfinite(given.start):
        cause = f"the loss of the first rows is {given.start} before any step, and the outputs are finite"
        yield found("SW201", cause, fix, where="the loss")
    elif given.broke is not None and given.last < 3 * max(given.start, 1.0):
        cause = (
            f"the loss is not finite in step {given.broke} of a trial, although it was {given.last:.2f} of chance before and a "
        )
        cause += f"step moves the weights by {given.moved:.1%}: the loss or a layer cannot take what it is given"
        yield found("SW201", cause, fix, where="the loss", step=given.broke, last=given.last, update_to_weight=given.moved)


def _uphill(patient: Patient, attempts: Attempts) -> Iterator[Finding]:
    """SW601 for an optimizer of somebody's own that walks up: small steps, too, make the loss of their own batch larger."""
    rule = patient.settings.optimizer
    if rule is None or isinstance(rule, LBFGS) or type(rule) in OPTIMIZERS.values():
        return
    small = attempts.run(factor=1e-3, free=True)
    if small.worse < 0.9:
        return
    cause = f"sign: {small.worse:.0%} of steps with a thousandth of the learning rate make the loss of their own batch larger"
    evidence: dict[str, Any] = {"pattern": "sign", "parameter": "update", "steps_that_made_it_worse": small.worse}
    yield found("SW601", cause, "value -= learning_rate * grad", where=f"the optimizer {rule!r}", **evidence)


def _no_slope(patient: Patient) -> Iterator[Finding]:
    """SW501 where not one weight gets a gradient."""
    network, rows = patient.copy(), patient.sample.take(np.arange(min(256, len(patient.sample))))
    prediction, caches = network.forward(rows.x, training=True, step=1)
    value, slope = patient.loss.value_and_grad(prediction, rows.target, rows.weight)
    network.backward(slope, caches, need_dx=False)
    if network.flat().grad.any() and any(p.learning_rate_factor for p in network.flat().parameters):
        return
    if value < 1e-6 * patient.chance.loss:
        return
    if network.flat().grad.any():
        cause = f"the loss is {value:.4g}, and every parameter has a learning_rate_factor of 0"
        yield found(
            "SW501", cause, "a factor of 1 for the layers that are to learn", path=["may any weight move? no"], loss=value
        )
        return
    arrives = bool(np.any(slope))
    last = list(leaves(network))[-1]
    path = [f"has the loss a gradient? {'yes' if arrives else 'no'}", "does any of it reach a weight? no"]
    cause = f"the loss is {value:.4g}, and the gradient of every weight is exactly 0"
    fix = f"leave layer {last[0]}, {last[1]!r}, out, or give it a slope" if arrives else "a loss with a slope"
    flat = arrives and without_slope(last[1])
    yield found("SW501", cause, fix, path=path, loss=value, chance=patient.chance.loss, flat_end=flat)


def _shown(end: float) -> str:
    return (
        f"{end:.2f} of chance"
        if end < 1000
        else "no, it grows without bound"
        if not math.isfinite(end)
        else f"{end:.1e} of chance"
    )


def _penalty(patient: Patient, attempts: Attempts, given: Attempt, path: list[str]) -> Iterator[Finding]:
    """SW1601: what is learned with the penalties, and what without them."""
    strength, kind = _strength(patient)
    if strength <= 0:
        return
    factors = [1.0]
    if not isinstance(patient.settings.optimizer, LBFGS):
        factors += [0.1, 10.0, min(max(attempts.compression, 1.0), 30.0)]
    bound = min((attempts.run(factor=factor) for factor in factors), key=lambda one: one.end)
    free = min((attempts.run(factor=factor, free=True) for factor in factors), key=lambda one: one.end)
    if bound.as_right_as(free):
        return
    if (bound.end > 0.9 and free.end < 0.75) or (bound.end > 0.5 and free.end < 0.3 * bound.end):
        path.append(f"without {kind}? it falls to {_shown(free.end)}")
        cause = f"with {kind} the loss of the data stays at {_shown(bound.end)}, without it falls to {_shown(free.end)}"
        evidence: dict[str, Any] = {"strength": strength, "loss_with": bound.end, "loss_without": free.end}
        fix = "a strength a hundred times smaller, such as L2(1e-4)"
        yield found("SW1601", cause, fix, steps=bound.steps, **evidence)


def _strength(patient: Patient) -> tuple[float, str]:
    """How much the penalties weigh at the start, in units of the chance loss; 0 where that is too little to matter."""
    from ..updates import Updater

    settings, network = patient.settings, patient.copy()
    updater = Updater(network, settings.optimizer or LBFGS(), settings.regularizer, settings.constraint)
    weight = updater.penalty() / patient.chance.loss if updater.penalties else 0.0
    kinds = sorted({repr(rule) for rule, _, _ in updater.penalties})
    if weight > 0.3:
        return float(weight), f"the penalty {', '.join(kinds)[:80]}"
    if updater.projections:
        return 1.0, f"the constraint {updater.projections[0][0]!r}"
    if isinstance(settings.optimizer, AdamW) and settings.optimizer.weight_decay >= 0.3:
        return float(settings.optimizer.weight_decay), f"weight_decay={settings.optimizer.weight_decay:g}"
    return 0.0, ""


def _rate(patient: Patient, attempts: Attempts, given: Attempt, path: list[str]) -> Iterator[Finding]:
    """SW301 and SW302, by trials with smaller and larger steps."""
    rate = given.peak
    if given.good() and given.start > 0.3 and given.end > 0.95 * given.start:
        yield from _too_low(attempts, given, path)  # it began below chance, and stays where it began
        return
    if given.good():
        if given.first_moved > 0.3 or (given.worse > 0.45 and given.moved > 0.2):
            lower = min((attempts.run(factor=factor) for factor in LOWER[:2]), key=lambda one: one.end)
            if lower.end < 0.5 * given.end and given.end - lower.end > 0.1 and not given.as_right_as(lower):
                yield _too_high(given, lower, path)
        return
    if callable(_rule(patient).learning_rate):
        steady = attempts.run(steady=True)
        learned = given.start - steady.end
        if given.end > 0.9 and given.rate < 1e-3 * steady.rate and learned > 0.05 and given.start - given.end < 0.4 * learned:
            yield _stops(given, steady, path)
            return
    if attempts.dear and given.end < 1.0:
        return
    slower: Attempt | None = None
    for factor in LOWER[:2] if attempts.dear else LOWER:
        trial = attempts.run(factor=factor)
        path.append(f"with a learning rate of {rate * factor:.2g}? {_shown(trial.end)}")
        if slower is None or trial.end < slower.end:
            slower = trial
        if slower.good(0.5) or (trial is not slower and slower.good(0.8)):
            break
        if given.end < 1.05 and trial.end > 0.97 and given.first_moved < 0.02:
            break  # what does not move at a tenth will not at a hundredth
    if slower is not None and (given.end > 3.0 or not given.as_right_as(slower)):
        learns = slower.good(0.85) and (given.end > NOTHING or slower.end < 0.6 * given.end)
        if learns or (slower.end < 1.0 and given.end > max(1.3 * slower.end, 1.15)):  # of noise, chance is all there is
            yield _too_high(given, slower, path)
            return
    if not attempts.dear:
        yield from _too_low(attempts, given, path)


def _rule(patient: Patient) -> Optimizer:
    rule = patient.settings.optimizer
    assert isinstance(rule, Optimizer)
    return rule


def _stops(given: Attempt, steady: Attempt, path: list[str]) -> Finding:
    """SW302 for a schedule that is over before anything was learned."""
    path.append(f"with {steady.rate:.2g} all the time? {_shown(steady.end)}")
    cause = f"the schedule falls to {given.rate:.1e} and leaves the loss at {_shown(given.end)}; with its largest rate, "
    cause += f"{steady.rate:.2g}, all the time it falls to {_shown(steady.end)}"
    proposed = rounded(steady.rate)
    evidence: dict[str, Any] = {"learning_rate": given.rate, "proposed": proposed, "loss_after": given.end}
    fix = f"learning_rate={proposed:g}, or a schedule that falls over the whole run"
    return found("SW302", cause, fix, path=path, loss_after_proposed=steady.end, **evidence)


def _too_high(given: Attempt, lower: Attempt, path: list[str]) -> Finding:
    proposed = rounded(lower.peak)
    cause = (
        f"with {given.peak:.3g} the loss is {_shown(given.end)} after {given.steps} steps, {given.worse:.0%} of which made the "
    )
    cause += f"loss of their own batch larger; the first moved the weights by {given.first_moved:.0%} of their size; with "
    cause += f"{lower.peak:.2g} the loss falls to {_shown(lower.end)}"
    evidence: dict[str, Any] = {
        "learning_rate": given.peak,
        "proposed": proposed,
        "loss_after": given.end,
        "loss_after_proposed": lower.end,
        "steps_that_made_it_worse": given.worse,
        "update_to_weight": given.first_moved,
    }
    return found("SW301", cause, f"learning_rate={proposed:g}", path=path, **evidence)


def _too_low(attempts: Attempts, given: Attempt, path: list[str]) -> Iterator[Finding]:
    """SW302: as few long steps as the run has many short ones get nowhere, and longer ones do."""
    reach = attempts.compression
    within = [1.0, *(factor for factor in (3.0, 10.0, 100.0) if factor < reach), reach]
    best = min((attempts.run(factor=factor) for factor in within), key=lambda one: one.end)
    if best.good(0.9) and best.end < 0.9 * given.start:
        return
    path.append(f"in all steps of the run? {_shown(best.end)}")
    for factor in HIGHER:
        trial = attempts.run(factor=reach * factor)
        much = best.end - trial.end > 0.1  # else it knows its task, and there is little left to learn
        if trial.end < 0.75 and much and given.start - best.end < 0.3 * (min(given.start, 1.0) - trial.end):
            proposed = rounded(given.peak * factor * max(reach**0.5, 1.0))
            path.append(f"with a learning rate {factor:g} times as large? {_shown(trial.end)}")
            cause = (
                f"with {given.peak:.2g} all steps of the run bring the loss to {_shown(best.end)} (a step moves the weights by "
            )
            cause += f"{given.moved:.1e} of their size), with {factor:g} times as much to {_shown(trial.end)}"
            evidence: dict[str, Any] = {
                "learning_rate": given.peak,
                "proposed": proposed,
                "loss_after": best.end,
                "loss_after_proposed": trial.end,
                "update_to_weight": given.moved,
            }
            yield found("SW302", cause, f"learning_rate={proposed:g}", path=path, **evidence)
            return


def rounded(rate: float) -> float:
    """1, 2 or 5 times a power of ten, the nearest below."""
    if not rate > 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(rate))
    return float(f"{max(step for step in (1, 2, 5) if step <= rate / power * 1.0001) * power:.1g}")


def _nothing(patient: Patient, attempts: Attempts, path: list[str]) -> Iterator[Finding]:
    """Nothing helped: is it the network, or are there only targets that nothing tells?"""
    given = attempts.run()
    rates = [layer.rate for _, layer in leaves(patient.network) if isinstance(layer, Dropout)]
    if max(rates, default=0.0) >= 0.5:
        whole = attempts.run(undropped=True)
        path.append(f"without dropout? {_shown(whole.end)}")
        if whole.good(0.75):
            cause = (
                f"with dropout of up to {max(rates):g} the loss stays at {_shown(given.end)}, without at {_shown(whole.end)}"
            )
            yield found(
                "SW1602", cause, "Dropout(0.2) to Dropout(0.5)", path=path, loss_after=given.end, loss_without=whole.end
            )
            return
    factors = [1.0, 0.1, *(factor for factor in (10.0, 100.0) if factor <= 10 * attempts.compression)]
    fifty = min((attempts.run(factor=factor, fifty=True, free=True) for factor in factors), key=lambda one: one.end)
    path.append(f"fifty rows alone, {fifty.steps} times? {_shown(fifty.end)}")
    if not math.isfinite(fifty.end):
        return
    if len(patient.sample) >= 20 and fifty.end > 0.93 and _fits_fifty(patient):
        stuck = [repr(layer) for _, layer in leaves(patient.network) if without_slope(layer)]
        cause = f"fifty rows, seen {fifty.steps} times with learning rates from a tenth to a hundred times the given one, "
        cause += f"leave the loss at {_shown(fifty.end)}" + (f"; {stuck[0]} has no slope" if stuck else "")
        fix = f"another layer in place of {stuck[0]}" if stuck else "more units in the narrowest layer, less dropout"
        yield found("SW1602", cause, fix, path=path, loss_after=fifty.end, steps=fifty.steps)
        return
    depends = dependence(patient)
    if depends is None:
        return
    best, _, rows = depends
    reached = min(attempt.end for attempt in attempts.done.values() if not math.isnan(attempt.end))
    if best > 0.6 and min(fifty.end, reached) > 0.8:
        path.append(f"do the targets of {rows} rows follow from the inputs, by nearest rows or a linear fit? yes: {best:.2f}")
        cause = f"the nearest rows tell the targets (correlation {best:.2f}), and fifty rows alone leave the loss of this "
        cause += f"network at {_shown(fifty.end)}: it has too few units, or no hidden layer, for what is to be learned"
        yield found("SW1602", cause, "a hidden layer, such as Dense(32), ReLU()", path=path, loss_after=fifty.end, skill=best)


def _narrow(patient: Patient, attempts: Attempts, path: list[str]) -> Iterator[Finding]:
    """SW1602 for classes that have to pass through one or two units, where a wide layer tells them apart."""
    products = hidden_products(patient.network)
    widths = [layer.units for _, layer in products[:-1]]
    outputs = patient.network.out_shape[0]
    if patient.loss.task == "regression" or not widths or min(widths) > 2 or min(widths) >= outputs:
        return
    factors = {1.0, min(attempts.compression, 30.0), 10.0}
    best = min((attempts.run(factor=factor) for factor in factors), key=lambda one: one.end)
    wide = attempts.run(reference=True, inputs=True)
    if best.end < 0.5 or wide.end > 0.5 * best.end or not wide.right > best.right + 0.15:
        return
    name, layer = products[widths.index(min(widths))]
    path = [*path, f"does a network of 64 hidden units learn the same rows? to {_shown(wide.end)}"]
    units = "1 unit" if min(widths) == 1 else f"{min(widths)} units"
    cause = f"{outputs} classes have to pass through {units}: the loss falls to {_shown(best.end)} ({best.right:.0%} right), "
    cause += f"with 64 units in the same number of steps to {_shown(wide.end)} ({wide.right:.0%})"
    yield found("SW1602", cause, "more units in the narrowest layer", where=place(name, layer), path=path, loss_after=best.end)


def _fits_fifty(patient: Patient) -> bool:
    """Whether fifty rows can be told apart at all, so that a network might fit them."""
    x = standard_rows(patient)
    if x is None:
        return False
    rows = x[:50]
    distinct = len(np.unique(rows.round(6), axis=0))
    return distinct >= 0.9 * len(rows)
