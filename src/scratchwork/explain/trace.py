"""One step of training, watched: what every layer was handed and gave, forward and backward, and what the update changed.

Everything happens on a copy in float64, so that the given network stays as it is, counters and running statistics
included, and that the numbers are those of the equations to fifteen digits. The copy runs the library's own code: its layers'
`forward` and `backward`, the loss, and the `Updater` of `fit` with its penalties, learning rate factors and constraints.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import ConfigurationError
from ..gradcheck import in_float64
from ..history import Run
from ..layers import LAYERS, BatchNorm, Layer
from ..losses import Loss
from ..optimizers import Optimizer
from ..parameter import Parameter
from ..regularizers import Constraint, Regularizer
from ..sequential import Sequential
from ..updates import Updater
from .document import Quoted
from .sources import quotations, watched

MOST_ROWS = 1024
"""Of a batch in which rows influence each other, this many rows at most are taken."""


@dataclass(eq=False)
class Step:
    """One layer's part in it; arrays are whole batches, `row` is the place of the row that is shown.

    path     the layer's number, or numbers where it stands inside others: "2", "0.1"
    parts    whether it is made of other layers, which have steps of their own
    """

    path: str
    layer: Layer
    parts: bool
    row: int = 0
    x: Array = field(default_factory=lambda: np.zeros(0))
    y: Array = field(default_factory=lambda: np.zeros(0))
    cache: Any = None
    dy: Array | None = None
    dx: Array | None = None
    grads: dict[str, Array] = field(default_factory=dict)
    buffers: dict[str, tuple[Array, Array]] = field(default_factory=dict)
    forward_source: list[Quoted] = field(default_factory=list)
    backward_source: list[Quoted] = field(default_factory=list)

    @property
    def values(self) -> dict[str, Array]:
        """The layer's own parameters, as they were before the update."""
        return {name: parameter.value for name, parameter in self.layer.parameters()}

    @property
    def flow(self) -> tuple[Array, Array]:
        """dy and dx of the whole batch."""
        if self.dy is None or self.dx is None:
            raise ConfigurationError(f"layer {self.path}, {self.layer!r}: backward gave no dx, which the layers below it need")
        return self.dy, self.dx


@dataclass(eq=False)
class Change:
    """What the update did to one parameter."""

    name: str
    parameter: Parameter
    before: Array
    loss_grad: Array
    grad: Array
    after: Array
    state: dict[str, Array]
    rule: Optimizer
    rate: float
    penalty: Regularizer | None
    constraint: Constraint | None


@dataclass(eq=False)
class Trace:
    """Everything that happened to one row, and to the batch that it was in (alone, where rows do not influence each other)."""

    steps: list[Step]
    x: Array
    row: int
    alone: bool
    prediction: Array
    inference: Array
    loss: Loss | None = None
    target: Array | None = None
    value: float = 0.0
    row_value: float = 0.0
    gradient: Array | None = None
    loss_source: list[Quoted] = field(default_factory=list)
    penalty: float = 0.0
    changes: list[Change] = field(default_factory=list)
    update_source: list[Quoted] = field(default_factory=list)

    @property
    def judged(self) -> tuple[Loss, Array, Array]:
        """The loss, the prepared targets and the gradient, of a trace that has them."""
        assert self.loss is not None
        assert self.target is not None
        assert self.gradient is not None
        return self.loss, self.target, self.gradient


def trace(
    network: Sequential,
    x: Array,
    target: Array | None,
    row: int,
    *,
    loss: Loss | None = None,
    optimizer: Optimizer | None = None,
    regularizer: Regularizer | None = None,
    constraint: Constraint | None = None,
    step: int = 1,
) -> Trace:
    """One step of training on a copy of `network`; `x` and `target` are prepared, and `network` is built."""
    alone = not _rows_meet(network, x, row)
    if alone:
        x, target, row = x[row : row + 1], None if target is None else target[row : row + 1], 0
    elif len(x) > MOST_ROWS:
        start = min(max(row - MOST_ROWS // 2, 0), len(x) - MOST_ROWS)
        part = slice(start, start + MOST_ROWS)
        x, target, row = x[part], None if target is None else target[part], row - start
    double = _copied(network, x)
    inference = double.forward(x)[0][row]
    steps = [_recorded(path, layer, row) for path, layer in numbered(double)]
    prediction, caches = double.forward(x, training=True, step=step)
    for found in steps:
        _restored(found.layer)
    done = Trace(steps, x, row, alone, prediction, inference, loss, target)
    if loss is None or target is None:
        return done
    (done.value, done.gradient), ran = watched(loss.value_and_grad, prediction.copy(), target)
    done.loss_source = quotations(loss.value_and_grad, ran)
    done.row_value = loss.value_and_grad(prediction[row : row + 1].copy(), target[row : row + 1])[0]
    for found in steps:
        _record(found.layer, "backward", _backward_watcher(found))
    double.backward(done.gradient.copy(), caches, need_dx=True)
    for found in steps:
        _restored(found.layer)
        found.grads = {name: parameter.grad.copy() for name, parameter in found.layer.parameters()}
    if optimizer is not None and next(iter(double.parameters()), None) is not None:
        _update(done, double, optimizer, regularizer, constraint)
    return done


def numbered(layer: Layer, path: str = "") -> Iterator[tuple[str, Layer]]:
    """All layers inside, each with its path, those inside others before the one that they are inside."""
    for index, part in enumerate(layer.sublayers()):
        here = f"{path}.{index}" if path else str(index)
        yield from numbered(part, here)
        yield here, part


def _copied(network: Sequential, x: Array) -> Sequential:
    double = in_float64(network, x, 0)
    for (_, given), (_, parameter) in zip(network.parameters(), double.parameters(), strict=True):
        parameter.grad[...] = 0.0  # NaN there finds a backward out that forgets one; here it would be shown
        parameter.decay, parameter.learning_rate_factor = given.decay, given.learning_rate_factor
        parameter.regularizer, parameter.constraint = given.regularizer, given.constraint
    assert isinstance(double, Sequential)
    return double


def _rows_meet(network: Sequential, x: Array, row: int) -> bool:
    """Whether a row's output depends on the rows beside it, as with batch normalization or in a layer of somebody's own."""
    leaves = list(network.leaves())
    if any(isinstance(leaf, BatchNorm) for leaf in leaves):
        return True
    foreign = [leaf for leaf in leaves if type(leaf) not in LAYERS.values()]
    if not foreign or len(x) == 1:
        return False
    some = np.unique(np.concatenate([[row], np.linspace(0, len(x) - 1, 8).astype(int)]))
    together = _copied(network, x[some]).forward(x[some], training=True, step=1)[0]
    alone = _copied(network, x[row : row + 1]).forward(x[row : row + 1], training=True, step=1)[0]
    place = int(np.flatnonzero(some == row)[0])
    return not np.allclose(together[place], alone[0], rtol=1e-9, atol=1e-12, equal_nan=True)


def _recorded(path: str, layer: Layer, row: int) -> Step:
    found = Step(path, layer, bool(layer.sublayers()), row)
    _record(layer, "forward", _forward_watcher(found))
    return found


def _forward_watcher(found: Step) -> Callable[..., Any]:
    layer, original = found.layer, found.layer.forward

    def forward(x: Array, *, training: bool = False, step: int = 0) -> Any:
        before = [(name, array.copy()) for name, array in layer.buffers()]
        given = x.copy()
        result, ran = watched(original, x, training=training, step=step)
        after = [array.copy() for _, array in layer.buffers()]
        found.buffers = {name: (was, now) for (name, was), now in zip(before, after, strict=True)}
        found.forward_source = quotations(original, ran)
        if isinstance(result, tuple) and len(result) == 2:
            found.x, found.y, found.cache = given, np.array(result[0]), copy.deepcopy(result[1])
        return result

    return forward


def _backward_watcher(found: Step) -> Callable[..., Any]:
    original = found.layer.backward

    def backward(dy: Array, cache: Any, *, need_dx: bool = True) -> Array | None:
        found.dy = np.array(dy)
        dx: Array | None
        dx, ran = watched(original, dy, cache, need_dx=need_dx)
        found.backward_source = quotations(original, ran)
        found.dx = None if dx is None else np.array(dx)
        return dx

    return backward


def _record(layer: Layer, name: str, watcher: Callable[..., Any]) -> None:
    """Put a watcher before a method of this one object, the copy's."""
    object.__setattr__(layer, name, watcher)


def _restored(layer: Layer) -> None:
    for name in ("forward", "backward"):
        vars(layer).pop(name, None)


def _update(done: Trace, network: Sequential, optimizer: Optimizer, regularizer: Any, constraint: Any) -> None:
    """One step of the optimizer through the `Updater` of `fit`, and what it did to each parameter."""
    assert done.loss is not None
    updater = Updater(network, optimizer, regularizer, constraint)
    run = Run(network, done.loss, optimizer, 1, 1, len(done.x), state=updater.state)
    run.step = 1
    named = list(network.parameters())
    before = {name: (parameter.value.copy(), parameter.grad.copy()) for name, parameter in named}
    rule = optimizer if any(parameter.decay for _, parameter in named) else optimizer.without_decay()
    scratch = np.zeros(2)  # the update's own lines, seen on two numbers: the arrays below are updated once only
    _, ran = watched(rule.update, scratch, np.ones(2), rule.init(scratch), step=1, learning_rate=optimizer.learning_rate_at(0))
    done.update_source = quotations(rule.update, ran)
    done.penalty = updater.step(run)
    flat = network.flat()
    places = {id(parameter): place for parameter, place in zip(flat.parameters, flat.slices, strict=True)}
    for name, parameter in named:
        value, grad = before[name]
        place = places[id(parameter)]
        general = regularizer if regularizer is not None and (parameter.decay or regularizer.biases) else None
        projected = constraint if parameter.decay and parameter.value.ndim > 1 else None
        state = {key: array[place].reshape(value.shape).copy() for key, array in updater.state.items()}
        done.changes.append(
            Change(
                name=name,
                parameter=parameter,
                before=value,
                loss_grad=grad,
                grad=parameter.grad.copy(),
                after=parameter.value.copy(),
                state=state,
                rule=optimizer if parameter.decay else optimizer.without_decay(),
                rate=run.learning_rate * parameter.learning_rate_factor,
                penalty=parameter.regularizer or general,
                constraint=parameter.constraint or projected,
            )
        )
    for found in done.steps:  # the pages before the update show the values that forward and backward saw
        for key, (value, _) in before.items():
            prefix = f"{found.path}."
            if key.startswith(prefix) and (own := dict(found.layer.parameters()).get(key.removeprefix(prefix))) is not None:
                own.value[...] = value


def require_first_order(optimizer: Any) -> None:
    """Raise ConfigurationError for an optimizer whose step is no function of one gradient."""
    if not isinstance(optimizer, Optimizer):
        raise ConfigurationError(
            f"a walkthrough shows the update of a first-order rule such as Adam(1e-3); {optimizer!r} takes its steps from "
            "a line search over all rows, so that there is no single step of one row to show"
        )
