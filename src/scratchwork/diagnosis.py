"""Where a number stopped being finite: the step is walked again, array by array, in the order in which it is computed."""

from typing import Any

import numpy as np

from .arrays import Array
from .errors import DivergedError
from .sequential import Sequential


def diverged(network: Sequential, x: Array, *, epoch: int, step: int, loss: float) -> DivergedError:
    """The error for a loss that is not finite, naming the first array that went bad on the way to it."""
    where = _first_bad(network, x, step) or f"the loss itself, whose inputs are finite ({_largest(network, x, step)})"
    return DivergedError(
        f"the loss became {loss} at epoch {epoch}, step {step}: the first array that is not finite is {where}; "
        "try a smaller learning rate, scaled inputs, or clip_norm=1.0"
    )


def _first_bad(network: Sequential, x: Array, step: int) -> str | None:
    if not np.isfinite(x).all():
        return "the input batch x"
    for name, parameter in network.parameters():
        if not np.isfinite(parameter.value).all():
            index, _, rest = name.partition(".")
            return f"{rest} of layer {index}, {network.layers[int(index)]!r}, after the update of step {step - 1}"
    for position, layer in enumerate(network.layers):
        largest = float(np.abs(x).max())
        x, _ = layer.forward(x, training=True, step=step)
        if not np.isfinite(x).all():
            return f"the output of layer {position}, {layer!r}, whose largest input is {largest:.3g}"
    return None


def _largest(network: Sequential, x: Array, step: int) -> str:
    prediction, _ = network.forward(x, training=True, step=step)
    return f"the largest prediction is {float(np.abs(prediction).max()):.3g}"


def bad_parameters(network: Sequential, *, epoch: int, step: int) -> DivergedError | None:
    """The error for parameters that went bad in the last update of an epoch, or None."""
    flat: Any = network.flat().value
    if np.isfinite(flat).all():
        return None
    for name, parameter in network.parameters():
        if not np.isfinite(parameter.value).all():
            index, _, rest = name.partition(".")
            return DivergedError(
                f"parameters stopped being finite at epoch {epoch}, step {step}: the first such array is {rest} of layer "
                f"{index}, {network.layers[int(index)]!r}; try a smaller learning rate, scaled inputs, or clip_norm=1.0"
            )
    return None
