"""Where a number stopped being finite: the step is walked again, array by array, in the order in which it is computed."""

from typing import Any

import numpy as np

from .errors import DivergedError
from .sequential import Sequential
from .sparse_rows import RowsOf, fed, numbers_of


def diverged(network: Sequential, x: RowsOf, *, epoch: int, step: int, loss: float) -> DivergedError:
    """The error for a loss that is not finite, naming the first array that went bad on the way to it."""
    where = _first_bad(network, x, step) or f"the loss itself, whose inputs are finite ({_largest(network, x)})"
    return _error(loss, epoch, step, where)


def penalty_diverged(network: Sequential, *, epoch: int, step: int, loss: float) -> DivergedError:
    """The error for a loss that is not finite because a penalty is not."""
    largest = max(float(np.abs(parameter.value).max()) for _, parameter in network.parameters())
    return _error(loss, epoch, step, f"the penalty of the regularizer (the largest parameter is {largest:.3g})")


def _error(loss: float, epoch: int, step: int, where: str) -> DivergedError:
    return DivergedError(
        f"the loss became {loss} at epoch {epoch}, step {step}: the first array that is not finite is {where}; "
        "try a smaller learning rate, scaled inputs, or clip_norm=1.0"
    )


def _first_bad(network: Sequential, x: RowsOf, step: int) -> str | None:
    if not np.isfinite(numbers_of(x)).all():
        return "the input batch x"
    for name, parameter in network.parameters():
        if not np.isfinite(parameter.value).all():
            when = f", after the update of step {step - 1}" if step > 1 else ", before the first update"
            return _place(network, name) + when
    for position, layer in enumerate(network.layers):
        largest = float(np.abs(numbers_of(x)).max(initial=0.0))
        given = fed(x, layer.takes_sparse())
        x, _ = layer.forward(given, training=True, step=network.steps_seen)  # the dropout masks that the step had
        if not np.isfinite(x).all():
            return f"the output of layer {position}, {layer!r}, whose largest input is {largest:.3g}"
    return None


def _largest(network: Sequential, x: RowsOf) -> str:
    prediction, _ = network.forward(x, training=True, step=network.steps_seen)
    return f"the largest prediction is {float(np.abs(prediction).max()):.3g}"


def bad_parameters(network: Sequential, *, epoch: int, step: int) -> DivergedError | None:
    """The error for parameters that went bad in the last update of an epoch, and for running statistics, or None."""
    buffers = list(network.buffers())
    if np.isfinite(network.flat().value).all() and all(np.isfinite(buffer).all() for _, buffer in buffers):
        return None
    arrays = [(name, parameter.value) for name, parameter in network.parameters()] + buffers
    for name, array in arrays:
        if not np.isfinite(array).all():
            return DivergedError(
                f"parameters stopped being finite at epoch {epoch}, step {step}: the first such array is "
                f"{_place(network, name)}; try a smaller learning rate, scaled inputs, or clip_norm=1.0"
            )
    return None


def _place(network: Sequential, name: str) -> str:
    """`1.0.weight` in words: weight of layer 1.0, Dense(3)."""
    *numbers, array = name.split(".")
    layer: Any = network
    for depth, number in enumerate(numbers):
        if not layer.sublayers():  # a layer of somebody's own with names of its own inside
            return f"{'.'.join([*numbers[depth:], array])} of layer {'.'.join(numbers[:depth])}, {layer!r}"
        layer = layer.sublayers()[int(number)]
    return f"{array} of layer {'.'.join(numbers)}, {layer!r}"
