"""Some steps on a copy, with one thing changed: what would come of it is measured, and not guessed.

How many steps, and of how many rows, depends on the network and the rows alone, so that a diagnosis is a function of what it
is given. A run of many steps with a small learning rate is tried out as one of few steps with a large one: while it is small,
k steps go about as far as one step that is k times as long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ..arrays import Array
from ..layers import ELU, GELU, BatchNorm, Dense, Dropout, Flatten, LeakyReLU, Mish, ReLU, SiLU
from ..optimizers import Adam, inplace_clip_by_global_norm, inplace_clip_by_value
from ..preparation import Rows
from ..second_order import LBFGS
from ..sequential import Sequential
from ..sparse_rows import SparseRows
from ..updates import Updater
from .chance import chance_of, classes_of, predicted_classes
from .patient import Patient, hidden_products, is_foreign, leaves
from .roles import fan_in

STEPS = 120
LEAST_STEPS = 12
SECONDS = 0.2  # of one trial, as estimated from the sizes
JUDGED = 256  # rows that an end is measured on
BROKEN = (ArithmeticError, ValueError, TypeError, IndexError)  # what code of somebody's own may raise


@dataclass(frozen=True)
class Attempt:
    """How a trial went: the loss before and after it, as multiples of what chance would get.

    `worse` is the share of steps after which the loss of the same batch was higher, `moved` the median size of an update
    relative to the weights and `first_moved` that of the first ones, `last` the last loss before one that was not finite, and
    `broke` the step of that one; `rate` is the last and `peak` the largest learning rate. `right` is the share of rows whose
    class it gets right, NaN where there are no classes.
    """

    start: float
    end: float
    worse: float = 0.0
    moved: float = 0.0
    rate: float = 0.0
    steps: int = 0
    first_moved: float = 0.0
    last: float = math.inf
    broke: int | None = None
    right: float = math.nan
    peak: float = 0.0

    def as_right_as(self, other: Attempt) -> bool:
        """Whether it decides for the right class nearly as often, however large its loss is."""
        return self.right > 0.9 * other.right

    def good(self, level: float = 0.85) -> bool:
        """Whether it got clearly below chance."""
        return self.end <= level


@dataclass(frozen=True)
class Change:
    """What is different in a trial."""

    factor: float = 1.0
    free: bool = False  # without penalties, decay and constraints
    inputs: bool = False  # standardized
    targets: bool = False  # standardized
    fresh: bool = False  # with weights as He and Glorot would draw them
    linear_end: bool = False  # without the last layer
    fifty: bool = False  # of fifty rows alone, all at once
    undropped: bool = False  # without dropout
    reference: bool = False  # with a network of one wide hidden layer
    steady: bool = False  # with the largest learning rate of the schedule all the time


@dataclass
class Attempts:
    """Trials of one patient; each is made once."""

    patient: Patient
    done: dict[Change, Attempt] = field(default_factory=dict)

    @cached_property
    def plan(self) -> tuple[int, int]:
        """(steps, rows of a step)."""
        size = min(self.patient.settings.batch_size, len(self.patient.sample), 128)
        while size > 32 and STEPS * self._seconds(size) > SECONDS:
            size = max(size // 2, 32)
        steps = int(SECONDS / self._seconds(size))
        most = STEPS if size >= 16 else 3 * STEPS
        return min(max(steps, LEAST_STEPS), most), size

    def _seconds(self, rows: int) -> float:
        """About how long a step of so many rows takes."""
        network = self.patient.network
        weights = max(network.flat().value.size, 1)
        width = max(int(np.prod(self.patient.sample.x.shape[1:])), 1)
        return 5e-5 * len(network.layers) + 2e-8 * weights + rows * (8 * weights / 1.5e10 + 4e-9 * width)

    @property
    def dear(self) -> bool:
        """Whether the network is so large that no more than a few trials can be made."""
        steps, size = self.plan
        return steps * self._seconds(size) > 1.5 * SECONDS

    @property
    def compression(self) -> float:
        """How many steps of the run one step of a trial stands for, at least 1."""
        return max(self.patient.steps / self.plan[0], 1.0)

    @cached_property
    def usable(self) -> bool:
        """Whether there is anything to compare a trial with, and something to train."""
        chance = self.patient.chance.loss
        trained = self.patient.network.flat().value.size > 0
        return trained and math.isfinite(chance) and chance > 1e-12

    def run(self, **changes: object) -> Attempt:
        """The trial with these changes, as `Change` names them."""
        change = Change(**changes)  # type: ignore[arg-type]
        if change not in self.done:
            with np.errstate(all="ignore"):
                self.done[change] = self._run(change)
        return self.done[change]

    def _run(self, change: Change) -> Attempt:
        patient = self.patient
        steps, size = self.plan
        network, rows = patient.copy(), patient.sample
        scale = patient.chance.loss
        if change.linear_end:
            network.layers, network.shapes = network.layers[:-1], network.shapes[:-1]
        if change.fresh:
            inplace_fresh(network)
        if change.reference:
            network = _reference(network)
        if change.inputs:
            rows = with_standard_inputs(rows)
        if change.targets:
            rows, scale = self._with_standard_targets(rows)
        if change.fifty:
            rows, steps = rows.take(np.arange(min(50, len(rows)))), 3 * steps
            size = len(rows)
        judged = rows.take(np.arange(min(JUDGED, len(rows))))
        steps_of = _Steps(patient, network, change)
        try:
            start = steps_of.value(judged) / scale
            if not steps_of.walk(rows, size, steps, judged):
                return steps_of.outcome(start, math.inf, steps, scale)
            end = float(np.median([*steps_of.seen[-2:], steps_of.value(judged)])) / scale  # a spike at the end is no end
            right = steps_of.right(judged)
        except BROKEN:
            return Attempt(math.inf, math.inf, broke=0)
        return replace(steps_of.outcome(start, end if math.isfinite(end) else math.inf, steps, scale), right=right)

    def _with_standard_targets(self, rows: Rows) -> tuple[Rows, float]:
        target = rows.target.astype(np.float64)
        spread = np.maximum(target.std(axis=0), 1e-12)
        scaled = ((target - target.mean(axis=0)) / spread).astype(np.float64)
        rows = replace(rows, target=scaled)
        return rows, chance_of(rows, self.patient.loss, scaled.shape[1]).loss


def _reference(network: Sequential) -> Sequential:
    """A network for the same rows and targets with 64 units in one hidden layer."""
    wide = Sequential([Flatten(), Dense(64), ReLU(), Dense(network.out_shape[0])])
    wide.build(network.in_shape, rng=13, dtype=network.dtype)
    return wide


class _Steps:
    """The steps of a trial, which are those of training."""

    def __init__(self, patient: Patient, network: Sequential, change: Change) -> None:
        settings = patient.settings
        self.network, self.loss, self.settings = network, patient.loss, settings
        rule = Adam(5e-3) if change.reference else settings.optimizer
        if isinstance(rule, LBFGS) or rule is None:
            rule = Adam(3e-3)
        regularizer, constraint = settings.regularizer, settings.constraint
        if change.free:
            regularizer = constraint = None
            rule = rule.without_decay()
            for _, parameter in network.parameters():
                parameter.regularizer = parameter.constraint = None
        self.rule, self.factor, self.total = rule, change.factor, patient.steps
        self.updater = Updater(network, rule, regularizer, constraint)
        layers = [layer for _, layer in leaves(network)]
        self.statistics = any(
            isinstance(layer, BatchNorm) or (is_foreign(layer) and any(True for _ in layer.buffers())) for layer in layers
        )
        if change.undropped:
            for layer in layers:
                if isinstance(layer, Dropout):
                    layer.rate = 0.0
        self.steady = change.steady
        self.last = math.inf
        self.broke: int | None = None
        self.worse = self.compared = 0
        self.moved: list[float] = []
        self.seen: list[float] = []
        self.rate = self.peak = 0.0

    @property
    def median_moved(self) -> float:
        """The median of the sizes of updates, relative to the weights."""
        return float(np.median(self.moved)) if self.moved else 0.0

    def outcome(self, start: float, end: float, steps: int, scale: float) -> Attempt:
        """What is to be said of the trial."""
        worse = self.worse / max(self.compared, 1)
        first = self.moved[0] if self.moved else 0.0
        last = self.last / scale
        return Attempt(start, end, worse, self.median_moved, self.rate, steps, first, last, self.broke, peak=self.peak)

    def value(self, rows: Rows) -> float:
        """The loss of these rows: as at predict, or with batch statistics where the network has any."""
        prediction, _ = self.network.forward(rows.x, training=self.statistics, step=1)
        return float(self.loss.value_and_grad(prediction, rows.target, rows.weight)[0])

    def right(self, rows: Rows) -> float:
        """The share of rows whose class is right."""
        labels = classes_of(rows, self.loss)
        if labels is None:
            return math.nan
        prediction, _ = self.network.forward(rows.x, training=self.statistics, step=1)
        return float((predicted_classes(prediction, self.loss) == labels).mean())

    def walk(self, rows: Rows, size: int, steps: int, judged: Rows) -> bool:
        """Whether all steps could be made with finite losses; near the end the judged rows are looked at twice."""
        rng, order, at = np.random.default_rng(7), np.arange(len(rows)), 0
        for step in range(1, steps + 1):
            if at + size > len(order):
                order, at = rng.permutation(len(rows)), 0
            batch = rows.take(order[at : at + size])
            at += size
            if batch.weight is not None and not batch.weight.any():
                continue
            if not self._one(batch, step, steps):
                return False
            if steps - step in (4, 8):
                self.seen.append(self.value(judged))
        return True

    def _one(self, batch: Rows, step: int, steps: int) -> bool:
        network, loss = self.network, self.loss
        prediction, caches = network.forward(batch.x, training=True, step=step)
        before, slope = loss.value_and_grad(prediction, batch.target, batch.weight)
        if not math.isfinite(before):
            self.broke = step
            return False
        self.last = float(before)
        network.backward(slope, caches, need_dx=False)
        look = step % 4 == 0 or step == 1
        was = self.updater.flat.value.copy() if look else None
        self._update(step, steps)
        if was is not None:
            size = float(np.sqrt(np.mean(np.square(was)))) or 1e-12
            self.moved.append(float(np.sqrt(np.mean(np.square(self.updater.flat.value - was)))) / size)
            prediction, _ = network.forward(batch.x, training=True, step=step)
            after = loss.value_and_grad(prediction, batch.target, batch.weight)[0]
            self.compared += 1
            self.worse += not after <= before * (1 + 1e-6) + 1e-12
        return True

    def _update(self, step: int, steps: int) -> None:
        updater, settings = self.updater, self.settings
        if updater.penalties:
            updater.add_penalties()
        if settings.clip_value is not None:
            inplace_clip_by_value(updater.flat.grad, settings.clip_value)
        if settings.clip_norm is not None:
            inplace_clip_by_global_norm(updater.flat.grad, settings.clip_norm)
        position = step - 1
        if callable(self.rule.learning_rate):  # a schedule is walked through whole, in the steps that there are
            position = int((step - 1) * max(self.total / steps, 1.0))
        if self.steady:
            places = np.linspace(0, max(self.total - 1, 0), 200).astype(int).tolist()
            self.rate = max(self.rule.learning_rate_at(place) for place in places) * self.factor
        else:
            self.rate = self.rule.learning_rate_at(position) * self.factor
        self.peak = max(self.peak, self.rate)
        for rule, factor, value, grad, state in updater.pieces:
            rule.update(value, grad, state, step=step, learning_rate=self.rate * factor)
        for constraint, value in updater.projections:
            constraint.inplace_project(value)


def with_standard_inputs(rows: Rows) -> Rows:
    """The rows with columns of mean 0 and standard deviation 1; columns that are nearly constant are only shifted."""
    if isinstance(rows.x, SparseRows):
        return rows
    x = rows.x.astype(np.float64)
    mean, spread = x.mean(axis=0), x.std(axis=0)
    typical = float(np.sqrt(np.mean(np.square(spread)))) or 1.0
    spread = np.where(spread > 1e-9 * max(typical, float(np.abs(mean).max()) * 1e-3), spread, np.inf)
    scaled: Array = np.clip((x - mean) / spread, -8.0, 8.0).astype(rows.x.dtype)
    return replace(rows, x=scaled)


def inplace_fresh(network: Sequential) -> None:
    """Weights anew: variance 2/D before rectifiers, 1/D else; biases 0."""
    following = [layer for _, layer in leaves(network)]
    rng = np.random.default_rng(11)
    for _, dense in hidden_products(network):
        place = next(index for index, layer in enumerate(following) if layer is dense)
        rectified = any(
            isinstance(layer, ReLU | LeakyReLU | ELU | GELU | SiLU | Mish) for layer in following[place + 1 : place + 4]
        )
        assert dense.weight is not None
        value = dense.weight.value
        value[...] = rng.normal(size=value.shape) * math.sqrt((2.0 if rectified else 1.0) / value.shape[0])
        if dense.bias is not None:
            dense.bias.value[...] = 0.0
    for layer in following:
        kernel = fan_in(layer) if is_foreign(layer) else None
        if kernel is not None:
            value, entering = kernel
            value[...] = rng.normal(size=value.shape) * math.sqrt(2.0 / entering)
            for _, parameter in layer.parameters():
                if parameter.value is not value:
                    parameter.value[...] = 0.0
