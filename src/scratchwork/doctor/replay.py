"""After a number that is not finite: the steps since the last look walked again in checked mode, operation by operation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array
from ..history import Run
from ..layers import Layer
from ..optimizers import Optimizer
from ..preparation import Rows
from ..sparse_rows import fed
from ..updates import Updater
from .findings import Finding, found
from .looks import Shadow, chained, numbers
from .rates import LOWER
from .record import Record

MOST_STEPS = 2000
FAR_LOWER = (1e-5, 1e-7, 1e-9, 1e-11)  # times the rate of a run that diverged
MODERATE = 1e4  # predictions that no loss needs to fail at


@dataclass(frozen=True)
class Bad:
    """The first array that is not finite: where it came to be, by which operation, from which numbers."""

    step: int
    layer: str | None
    array: str
    how: str
    largest: float
    made_by: str = "layer"  # "layer", "loss", "update" or "penalty": whose calculation it was
    weights: float = 0.0  # the largest of that layer

    @property
    def own(self) -> bool:
        """Whether a layer or the loss made it of moderate numbers: no rate of learning explains that."""
        return self.made_by in ("layer", "loss") and max(self.largest, self.weights) < MODERATE


def post_mortem(record: Record) -> list[Finding]:
    """SW201, and SW301 where the same steps at a lower rate stay finite and learn."""
    bad = first_bad(record)
    if bad is None:
        return []
    history = ", ".join(f"{look.loss:.3g} at step {look.step}" for look in record.looks[-4:])
    cause = f"the first number that is not finite is in {bad.array}, which came about {bad.how}; the loss before was {history}"
    fix = "a smaller learning rate, scaled inputs and targets, or clip_norm=1.0"
    if bad.own and bad.made_by == "layer":
        fix = "look at what that layer calculates of such numbers: a division by 0, or a root or logarithm of 0 or less"
    elif bad.own:
        fix = "a loss that is computed stably: exp of numbers minus their maximum, and no logarithm of what may round to 0"
    numbers: dict[str, Any] = {
        "step_of_the_run": bad.step,
        "array": bad.array,
        "how": bad.how,
        "largest_input": bad.largest,
        "losses": [[look.step, look.loss] for look in record.looks],
    }
    findings = [found("SW201", cause, fix, where=bad.layer, step=bad.step, **numbers)]
    return findings if bad.own else [*findings, *_rate(record)]


def _rate(record: Record) -> list[Finding]:
    rule = record.updater.optimizer
    if not isinstance(rule, Optimizer) or not math.isfinite(record.looks[0].loss):
        return []
    trials = record.trials
    begin, lower = record.looks[0].loss, dict[float, float]()
    for factor in (*LOWER, *FAR_LOWER):
        lower[factor] = trials.loss_after(record.start, factor=factor)
        if factor <= LOWER[-1] and min(lower.values()) < 0.95 * begin:
            break
    best = min(lower, key=lambda factor: lower[factor])
    if not lower[best] < 0.95 * begin:
        return []
    rate = record.run.learning_rate if math.isfinite(record.run.learning_rate) else rule.learning_rate_at(0)
    ratio = max((pair.ratio for pair in record.pairs), default=math.nan)
    cause = (
        f"the run diverged at a rate of {rate:.2g}, where a step moved the weights by up to {100 * ratio:.3g} %; "
        f"{trials.steps} steps at {best:g} times that stay finite and take the loss from {begin:.4g} to {lower[best]:.4g}"
    )
    numbers: dict[str, Any] = {
        "learning_rate": rate,
        "proposed": rate * best,
        "update_to_weight": ratio,
        "loss_at_proposed": lower[best],
    }
    return [
        found("SW301", cause, f"a learning rate of {rate * best:.2g} instead of {rate:.2g}", step=record.run.step, **numbers)
    ]


def first_bad(record: Record) -> Bad | None:
    """The steps from the last look on, walked again on a copy, until a number is not finite."""
    run, shadow = record.run, record.shadow
    if record.last is None or not isinstance(record.updater.optimizer, Optimizer):
        return _in_place(record)
    begin, weights, state = record.last
    if run.step + 1 - begin > MOST_STEPS:
        return _in_place(record)
    shadow.become(weights)
    updater = Updater(shadow.network, record.updater.optimizer, *record.updater.asked)
    for name, array in state.items():
        updater.state[name][...] = array
    again = Run(shadow.network, run.loss, run.optimizer, 1, run.steps_per_epoch, len(record.data.training), step=begin)
    again.learning_rate_factor, again.state = run.learning_rate_factor, updater.state
    draws = run.network.steps_seen - run.step  # draws of the network before this run
    for step in range(begin, run.step + 2):
        bad = checked_step(shadow, updater, again, record.batch(step), draws + step + 1)
        if bad is not None:
            return bad
    return _in_place(record)


def _in_place(record: Record) -> Bad | None:
    """The failing step alone, with the parameters that the run has now."""
    record.shadow.follow(record.run)
    updater = Updater(record.shadow.network, record.updater.optimizer, *record.updater.asked)
    run = Run(record.shadow.network, record.run.loss, record.run.optimizer, 1, 1, 1, step=record.run.step)
    run.learning_rate_factor = record.run.learning_rate_factor
    return checked_step(record.shadow, updater, run, record.batch(record.run.step), record.run.network.steps_seen)


def checked_step(shadow: Shadow, updater: Updater, run: Run, batch: Rows, draw: int) -> Bad | None:
    """One step of training with every array looked at: forward, loss, backward, update; the first bad one, or None."""
    network, step = shadow.network, run.step + 1
    x: Any = numbers(batch.x, network.dtype)
    walked: list[tuple[str, Layer, Any]] = []
    for name, parameter in network.parameters():
        if not np.isfinite(parameter.value).all():
            return Bad(step, f"layer {name.rpartition('.')[0]}", name, "before the first update", math.inf)
    for name, layer in chained(network):
        where, largest = f"layer {name}, {layer!r}", _largest(x)
        said, (x, cache) = _heard(
            lambda x=x, layer=layer: layer.forward(fed(x, layer.takes_sparse()), training=True, step=draw)
        )
        walked.append((name, layer, cache))
        if not np.isfinite(x).all():
            how = _how(said, f"inputs of up to {largest:.3g}", layer)
            return Bad(step, where, "the output", how, largest, weights=_largest_weight(layer))
    largest = _largest(x)
    said, (value, slope) = _heard(lambda: shadow.loss.value_and_grad(x, batch.target, batch.weight))
    if not math.isfinite(value) or not np.isfinite(slope).all():
        return Bad(step, repr(shadow.loss), "the loss", _how(said, f"predictions of up to {largest:.3g}"), largest, "loss")
    for name, layer, cache in reversed(walked):
        largest, dy = _largest(slope), slope
        said, slope = _heard(lambda layer=layer, dy=dy, cache=cache: layer.backward(dy, cache, need_dx=True))
        for what, array in [*((f"the gradient of {n}", p.grad) for n, p in layer.parameters()), ("the gradient dx", slope)]:
            if array is not None and not np.isfinite(array).all():
                how = _how(said, f"a gradient of up to {largest:.3g} from above", layer)
                return Bad(step, f"layer {name}, {layer!r}", what, how, largest, weights=_largest_weight(layer))
    return _checked_update(shadow, updater, run, step)


def _checked_update(shadow: Shadow, updater: Updater, run: Run, step: int) -> Bad | None:
    largest, weights = _largest(updater.flat.grad), _largest(updater.flat.value)
    run.step = step
    said, penalty = _heard(lambda: updater.step(run))
    for name, parameter in shadow.network.parameters():
        if not np.isfinite(parameter.value).all():
            numbers = f"gradients of up to {largest:.3g} and weights of up to {weights:.3g}"
            how = _how(said, numbers) + f", in the update of {updater.optimizer!r}"
            return Bad(step, f"layer {name.rpartition('.')[0]}", name, how, largest, "update")
    if not math.isfinite(penalty):
        return Bad(
            step, None, "the penalty of the regularizer", _how(said, f"weights of up to {weights:.3g}"), weights, "penalty"
        )
    return None


def _heard(act: Any) -> tuple[list[str], Any]:
    """What an operation gives, and which floating-point faults NumPy met on the way."""
    said: list[str] = []
    with np.errstate(all="call", under="ignore", call=lambda kind, flag: said.append(kind)):
        return said, act()


def _how(said: list[str], numbers: str, layer: Layer | None = None) -> str:
    faults = f"by {' and '.join(dict.fromkeys(said))} " if said else ""
    weights = "" if layer is None else _weights(layer)
    return f"{faults}from {numbers}{weights}"


def _weights(layer: Layer) -> str:
    return f" and weights of up to {_largest_weight(layer):.3g}" if next(iter(layer.parameters()), None) is not None else ""


def _largest_weight(layer: Layer) -> float:
    return max((_largest(parameter.value) for _, parameter in layer.parameters()), default=0.0)


def _largest(x: Any) -> float:
    array: Array = x.data if hasattr(x, "indptr") else x
    return float(np.abs(array).max(initial=0.0))
