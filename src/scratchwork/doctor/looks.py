"""A look at a network in training, on a copy of it: what every layer does to some rows, forward and backward."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays import Array
from ..history import Run
from ..layers import Layer
from ..losses import Loss
from ..preparation import Rows
from ..sequential import Sequential
from ..sparse_rows import SparseRows, fed, in_dtype
from .roles import Role, role_of

FLAT_END = 0.01
"""How close to an end of its range, as a share of it, an activation is where its slope is below 0.01 (sigmoid), 0.04 (tanh)."""
ALMOST_ALL = 0.95
WATCHED = 256  # rows, the same in every look


@dataclass(frozen=True)
class LayerLook:
    """One layer: the size of ∂L/∂output (0 below the first weights), and which units do nothing for any of the rows."""

    name: str
    layer: str
    kind: str
    gradient: float
    idle: Array | None = None  # a ReLU's units that are never above 0, others' that are at their ends for nearly all rows
    weight: float = 0.0
    weight_gradient: float = 0.0

    @property
    def where(self) -> str:
        """Place and name, as findings say it."""
        return f"layer {self.name}, {self.layer}"


@dataclass(frozen=True)
class Look:
    """One moment of a run: after how many steps, the loss on the same rows every time, and every layer."""

    step: int
    epoch: int
    loss: float
    layers: tuple[LayerLook, ...]
    prediction: Array = field(repr=False)

    @property
    def hidden(self) -> tuple[LayerLook, ...]:
        """All layers but those of the output."""
        return self.layers[:-1]


def chained(network: Sequential, prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """Every layer with its place, those of an inner Sequential in theirs."""
    for index, layer in enumerate(network.layers):
        if isinstance(layer, Sequential):
            yield from chained(layer, f"{prefix}{index}.")
        else:
            yield f"{prefix}{index}", layer


def some_rows(rows: Rows, most: int) -> Rows:
    """No more than so many rows, evenly spread over all of them."""
    if len(rows) <= most:
        return rows
    return rows.take(np.unique(np.linspace(0, len(rows) - 1, most).astype(np.int64)))


def numbers(x: Any, dtype: Any) -> Any:
    """Rows as a network takes them."""
    return in_dtype(x, dtype, "x") if isinstance(x, SparseRows) else x.astype(dtype, copy=False)


class Shadow:
    """A copy of the network that follows it, and on which anything may be tried: the run itself is never touched."""

    def __init__(self, network: Sequential, loss: Loss) -> None:
        self.network, self.loss = copy.deepcopy(network), loss
        self.network.flat()
        self._called: dict[str, str] = {}  # what its layers are called: a repr takes as long as a small look
        self._roles: dict[str, Role] = {}

    def follow(self, run: Run) -> list[Array]:
        """Become what the run's network is now; returns a snapshot of it."""
        snapshot = run.snapshot()
        self.become(snapshot)
        self.network.steps_seen = run.network.steps_seen
        return snapshot

    def become(self, snapshot: list[Array]) -> None:
        """Become what a snapshot of the same network says."""
        self.network.flat().value[...] = snapshot[0]
        for (_, buffer), saved in zip(self.network.buffers(), snapshot[1:], strict=True):
            buffer[...] = saved

    def value(self, rows: Rows, step: int) -> float:
        """The loss of some rows, as training computes it, with the masks of that step."""
        prediction, _ = self.network.forward(numbers(rows.x, self.network.dtype), training=True, step=step)
        return float(self.loss.value_and_grad(prediction, rows.target, rows.weight)[0])

    def look(self, rows: Rows, step: int, epoch: int) -> Look:
        """Forward and backward through every layer on these rows."""
        x = numbers(rows.x, self.network.dtype)
        walked: list[tuple[str, Layer, Any, Array]] = []
        for name, layer in chained(self.network):
            x, cache = layer.forward(fed(x, layer.takes_sparse()), training=True, step=max(self.network.steps_seen, 1))
            walked.append((name, layer, cache, x))
        value, gradient = self.loss.value_and_grad(x, rows.target, rows.weight)
        first = next((i for i, (_, layer, _, _) in enumerate(walked) if next(layer.parameters(), None)), 0)
        seen: list[LayerLook] = []
        for position in range(len(walked) - 1, first - 1, -1):
            name, layer, cache, y = walked[position]
            below: Any = layer.backward(gradient, cache, need_dx=position > first)
            seen.append(self._looked_at(name, layer, y, _root_mean_square(gradient) * len(y)))
            gradient = below
        below_all = [self._looked_at(name, layer, y, 0.0) for name, layer, _, y in walked[:first]]
        return Look(step, epoch, float(value), (*below_all, *reversed(seen)), x)

    def _looked_at(self, name: str, layer: Layer, y: Array, pull: float) -> LayerLook:
        weights = [parameter for _, parameter in layer.parameters()]
        size, slope = _norm([p.value for p in weights]), _norm([p.grad for p in weights])
        if name not in self._called:
            self._called[name], self._roles[name] = repr(layer), role_of(layer)
        role = self._roles[name]
        return LayerLook(name, self._called[name], KINDS.get(role.kind, "other"), pull, idle_units(role, y), size, slope)


KINDS = {"relu": "relu", "bounded": "bounded", "product": "weights"}
"""What a look calls the roles of layers; all others are "other"."""


def idle_units(role: Role, y: Array) -> Array | None:
    """Which units hand no gradient on, for these rows; None for layers that always do."""
    if role.kind == "relu":
        return np.asarray(~(y > 0).any(axis=0)).reshape(-1)
    if role.kind != "bounded":
        return None
    room = FLAT_END * (role.high - role.low)
    at_end = np.asarray(((y < role.low + room) | (y > role.high - room)).mean(axis=0) >= ALMOST_ALL)
    return at_end.reshape(-1)


def _norm(arrays: list[Array]) -> float:
    return math.sqrt(sum(float(np.vdot(array, array).real) for array in arrays))


def _root_mean_square(y: Array) -> float:
    flat = y.reshape(-1)
    return math.sqrt(float(np.vdot(flat, flat)) / max(flat.size, 1))
