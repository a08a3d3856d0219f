"""Conditions 7, 8 and 15 before the first step: weights, activations and gradients of the network as it starts.

A forward and a backward pass of a few hundred rows measure all of it. Whether it matters is tried out where that can be in
doubt: a network that starts unusually and learns is healthy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..arrays import Array
from ..layers import BatchNorm, Layer, LayerNorm, LeakyReLU
from ..parameter import Parameter
from ..sequential import Sequential
from .attempts import BROKEN, Attempts
from .findings import Finding, found
from .looks import FLAT_END
from .patient import Patient, is_foreign, leaves, place
from .roles import fan_in, matrix_of, role_of
from .rows_given import alike

ROWS = 256
DEAD, MANY_DEAD = 0.9, 0.6  # share of a layer's units
SATURATED = 0.5
FAR_OUT = 8.0  # root mean square of what a sigmoid or tanh is given: that far out nothing needs to be tried
VANISHED, GROWN = 1e-3, 1e3  # spread of the last hidden product's output relative to the first's input
LARGE = 50.0  # where the first loss is far above chance, too
VANISHED_GRADIENT = 1e-4
EXPLODED_GRADIENT = 1e4
SLOPES = "ReLU() in place of the sigmoids, BatchNorm() between the layers, or fewer layers"


@dataclass(frozen=True)
class Seen:
    """One leaf at the start: what it gives, and ∂L/∂ of its first weights."""

    name: str
    layer: Layer
    given: Array
    gave: Array

    @property
    def where(self) -> str:
        """Place and name."""
        return place(self.name, self.layer)


def probe(patient: Patient, attempts: Attempts) -> Iterator[Finding]:
    """Equal columns, spread by layer, dead and saturated units, gradients by layer."""
    x: Any = patient.sample.x
    if not isinstance(x, np.ndarray):
        yield from equal_columns(patient)
        return
    seen = _seen(patient, x[:ROWS])
    equal = list(equal_columns(patient))
    yield from equal
    if not attempts.usable or alike(x):
        return
    dead, saturated = list(_dead(seen, attempts)), list(_saturated(seen, attempts))
    alive = not equal and not dead  # where units are dead, nothing gets through either way
    if alive:
        yield from _spread(patient, seen, attempts)
    yield from [*dead, *saturated]
    if alive:
        yield from _gradients(patient, attempts)


def _seen(patient: Patient, x: Array) -> list[Seen]:
    from .rows_apart import Reached

    network = patient.copy()
    reached = Reached(network, x)
    return [
        Seen(name, layer, reached.given[name], reached.gave[name])
        for name, layer in leaves(network)
        if name in reached.gave and reached.gave[name].dtype.kind == "f"
    ]


def equal_columns(patient: Patient) -> Iterator[Finding]:
    """SW701: units with the same weights get the same gradients and stay one unit for ever."""
    products = [(name, layer) for name, layer in leaves(patient.network) if matrix_of(layer) is not None]
    widths = _widths(patient)
    for name, layer in products[:-1]:
        weight = matrix_of(layer, widths.get(name))
        assert weight is not None
        units = weight.shape[1]
        if units < 2 or (_beside(patient, name) and not weight.any()):
            continue
        some = weight[:, :2048] if weight.shape[0] <= 4096 else weight[:4096, :2048]
        distinct = len(np.unique(some, axis=1).T) if some.size < 200_000 else _distinct(some)
        if distinct > 0.5 * some.shape[1]:
            continue
        value = f"all weights are {float(weight.flat[0]):g}" if float(np.ptp(weight)) == 0 else f"{distinct} different columns"
        cause = f"of {units} units only {distinct} start with weights of their own ({value}): equal units learn the same"
        fix = 'weight_initializer="he_normal"'
        yield found("SW701", cause, fix, where=place(name, layer), units=units, distinct=distinct, value=float(weight.flat[0]))


def _distinct(weight: Array) -> int:
    """How many columns are different, by two random sums of each."""
    sums = np.random.default_rng(1).normal(size=(2, len(weight))) @ weight.astype(np.float64)
    return len(np.unique(np.round(sums, 9), axis=1).T)


def _beside(patient: Patient, name: str) -> bool:
    """Whether it stands inside another layer that is no chain: beside a branch that has weights, zeros are no fault."""
    outer: Layer = patient.network
    for index in name.split(".")[:-1]:
        outer = outer.sublayers()[int(index)]
        if not isinstance(outer, Sequential):
            return True
    return False


def _widths(patient: Patient) -> dict[str, int]:
    """How many numbers a row has that enters a product of somebody's own, whose weights may be laid out either way."""
    x: Any = patient.sample.x
    if not isinstance(x, np.ndarray) or not any(is_foreign(layer) for _, layer in leaves(patient.network)):
        return {}
    return {one.name: one.given.shape[1] for one in _seen(patient, x[:2]) if one.given.ndim == 2}


def _dead(seen: list[Seen], attempts: Attempts) -> Iterator[Finding]:
    """SW801: units of a ReLU that are 0 for every row get no gradient, ever."""
    for one in seen:
        if role_of(one.layer).kind != "relu" or one.gave.ndim != 2 or one.gave.shape[1] < 2 or len(one.gave) < 20:
            continue
        dead = (one.gave <= 0).all(axis=0)
        share = float(dead.mean())
        if share < MANY_DEAD or (share < DEAD and not _cured(attempts)):
            continue
        largest = float(one.given[:, dead].max())
        cause = f"{int(dead.sum())} of {dead.size} units are 0 for all of {len(one.gave)} rows: their inputs are "
        cause += f"{largest:.3g} at most"
        fix = "biases that start at 0, inputs around 0, or LeakyReLU()"
        yield found("SW801", cause, fix, where=one.where, dead=int(dead.sum()), units=dead.size, share=share, since="the start")


def _saturated(seen: list[Seen], attempts: Attempts) -> Iterator[Finding]:
    """SW802: hidden sigmoids and tanhs at their ends, where their slope is almost 0."""
    for one in seen[:-1]:
        role = role_of(one.layer)
        if role.kind != "bounded" or len(one.gave) < 20:
            continue
        flat, room = one.gave.reshape(len(one.gave), -1), FLAT_END * (role.high - role.low)
        ends = (flat < role.low + room) | (flat > role.high - room)
        stuck = ends.mean(axis=0) > 0.75
        share = float(stuck.mean())
        size = float(np.sqrt(np.mean(np.square(one.given))))
        if share < SATURATED or not np.isfinite(size) or (size < FAR_OUT and not _cured(attempts)):
            continue
        cause = f"{int(stuck.sum())} of {stuck.size} units are at an end of {one.layer!r} for most of {len(flat)} rows; what "
        cause += f"they are given has a root mean square of {size:.3g}"
        fix = 'weight_initializer="glorot_normal", biases of 0 and scaled inputs'
        yield found(
            "SW802", cause, fix, where=one.where, saturated=int(stuck.sum()), units=stuck.size, share=share, since="the start"
        )


def _cured(attempts: Attempts) -> bool:
    """Whether fresh weights make a clear difference to what the network learns."""
    given, fresh = attempts.run(), attempts.run(fresh=True)
    if fresh.end < min(0.85 * given.end, 0.97):
        return True
    if given.end > 0.97 and attempts.compression > 1.5:
        factor = min(attempts.compression, 30.0)
        return attempts.run(factor=factor, fresh=True).end < 0.85 * attempts.run(factor=factor).end
    return False


def _spread(patient: Patient, seen: list[Seen], attempts: Attempts) -> Iterator[Finding]:
    """SW702 and SW703: how far rows are apart after each product but the last, compared with what enters the first."""
    products = [one for one in seen if role_of(one.layer).kind == "product"]
    if any(_beside(patient, one.name) for one in products):
        return  # they do not follow each other
    if len(products) < 2 or any(isinstance(one.layer, BatchNorm | LayerNorm) or _unknown(one.layer) for one in seen):
        return
    spreads = [_rows_apart(products[0].given), *(_rows_apart(one.gave) for one in products)]
    if spreads[0] <= 0 or not np.isfinite(spreads).all():
        return
    steps = [later / max(before, 1e-300) for before, later in pairwise(spreads)]
    least, most = min(spreads[1:-1]) / min(spreads[0], 1.0), max(spreads[1:]) / spreads[0]
    evidence: dict[str, Any] = {"spread_entering": spreads[0], "spread_by_layer": spreads[1:]}
    told = ", ".join(f"{value:.2g}" for value in spreads)
    fix = 'weight_initializer="he_normal" ("glorot_normal" with tanh)'
    falls = least < VANISHED or (max(steps[:-1]) < 0.1 and least < 0.02 and _cured(attempts))
    if falls and not _contracting(seen):
        worst = products[int(np.argmin(steps[:-1]))]
        yield found("SW702", f"the spread of activations falls from layer to layer: {told}", fix, where=worst.where, **evidence)
    elif falls:
        yield from _vanishing(patient, least, told, evidence, products[0].where)
    elif most > GROWN or max(steps) > 10.0 or (most > LARGE and attempts.run().start > 100.0):
        given, fresh = attempts.run(), attempts.run(fresh=True)
        lost = given.start > 20.0 and (most > GROWN or fresh.start < 0.2 * given.start)
        if lost or _cured(attempts):
            worst = products[int(np.argmax(steps))]
            cause = (
                f"the spread of activations grows from layer to layer: {told}; the first loss is {given.start:.3g} of chance"
            )
            yield found("SW703", cause, fix, where=worst.where, first_loss=given.start, **evidence)


def _unknown(layer: Layer) -> bool:
    """Whether it is a layer of somebody's own that may normalize, as far as one can tell."""
    role = role_of(layer)
    return is_foreign(layer) and not role.each and role.kind == "other"


def _vanishing(patient: Patient, least: float, told: str, evidence: dict[str, Any], where: str) -> Iterator[Finding]:
    """SW1501 for layers that make every signal small whatever their weights are: forward, and so backward."""
    sizes = _gradient_sizes(patient)
    if sizes:
        evidence = {**evidence, "gradients": sizes}
        told += "; gradients by layer: " + ", ".join(f"{size:.1e}" for size in sizes)
    cause = f"a signal shrinks to {least:.1e} on its way through weights of the usual size, and so do gradients; spread by "
    cause += f"layer: {told}"
    yield found("SW1501", cause, SLOPES, where=where, **evidence)


def _contracting(seen: list[Seen]) -> bool:
    """Whether weights of the usual size vanish, too: then it is the sigmoids, and SW1501 says so."""
    for one in seen:
        value = matrix_of(one.layer)
        if value is not None:
            given = fan_in(one.layer) if is_foreign(one.layer) else None
            if float(value.std()) * np.sqrt(given[1] if given else value.shape[0]) < 0.4:
                return False
    return True


def _rows_apart(h: Array) -> float:
    flat = h.reshape(len(h), -1).astype(np.float64)
    return float(np.sqrt(np.mean(flat.var(axis=0))))


def _gradient_sizes(patient: Patient) -> list[float]:
    """The root mean square of ∂L/∂W of each product, from the first; empty where it cannot be told."""
    network, rows = patient.copy(), patient.sample
    x: Any = rows.x[:ROWS]
    weight = None if rows.weight is None else rows.weight[:ROWS]
    try:
        with np.errstate(all="ignore"):
            prediction, caches = network.forward(x, training=True, step=1)
            _, slope = patient.loss.value_and_grad(prediction, rows.target[:ROWS], weight)
            network.backward(slope, caches, need_dx=False)
    except BROKEN:
        return []
    weights = [entry for _, layer in leaves(network) if (entry := _weights(layer)) is not None]
    sizes = [float(np.sqrt(np.mean(np.square(weight.grad.astype(np.float64))))) for weight in weights]
    through = all(weight.value.any() for weight in weights[1:])  # zeros at the end hold gradients back for one step only
    return sizes if through and np.isfinite(sizes).all() else []


def _weights(layer: Layer) -> Parameter | None:
    if role_of(layer).kind != "product":
        return None
    return next((parameter for _, parameter in layer.parameters() if parameter.value.ndim > 1), None)


def _gradients(patient: Patient, attempts: Attempts) -> Iterator[Finding]:
    """SW1501 and SW1502: the size of the gradient at each product, relative to the last one's."""
    sizes = _gradient_sizes(patient)
    if len(sizes) < 3 or not sizes[-1] > 0:
        return
    ratio = sizes[0] / sizes[-1]
    told = ", ".join(f"{size:.1e}" for size in sizes)
    evidence: dict[str, Any] = {"gradients": sizes, "ratio": ratio}
    name, layer = next((name, layer) for name, layer in leaves(patient.network) if _weights(layer) is not None)
    cause = f"gradients by layer, from the first: {told}; the first gets {ratio:.1e} times what the last gets"
    small = ratio < VANISHED_GRADIENT or (ratio < 10 * VANISHED_GRADIENT and len(sizes) >= 5)
    if small and (ratio < 1e-2 * VANISHED_GRADIENT or _stays(attempts)):
        rectified = any(isinstance(layer, LeakyReLU) or role_of(layer).kind == "relu" for _, layer in leaves(patient.network))
        fix = 'BatchNorm() between the layers, weight_initializer="he_normal"' if rectified else SLOPES
        yield found("SW1501", cause, fix, where=place(name, layer), **evidence)
    elif (ratio > EXPLODED_GRADIENT or sizes[0] > 1e6 * max(patient.chance.loss, 1e-12)) and _stays(attempts):
        yield found("SW1502", cause, 'weight_initializer="he_normal", or clip_norm=1.0', where=place(name, layer), **evidence)


def _stays(attempts: Attempts) -> bool:
    """Whether the network learns nothing in a trial, also of larger steps."""
    factor = min(attempts.compression, 100.0)
    return attempts.run().end > 0.95 and (factor < 1.5 or attempts.run(factor=factor).end > 0.9)
