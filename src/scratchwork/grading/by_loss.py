"""A network that shows nothing but its loss: loss(params, X, y) -> (loss, gradients), without a way to ask for the scores.

Which network it is can still be told: it is the one whose loss has the same value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np

from ..arrays import Array
from .known import LOSSES, scales
from .loading import ProgramError
from .reading import Reading, build, choices
from .subject import Subject
from .tasks import Task, make_task, rows_for


def read_by_loss(subject: Subject, own_loss: Callable[[Task], float | None], features: int, outputs: int) -> Reading | None:
    """The network of the program's parameters whose loss is the program's; None where it does not run."""
    sizes = [size for _, array in subject.parameters for size in array.shape]
    made = build(subject, (), "linear")
    if made is None:
        return None
    net, weights, biases, way = made
    unknown: tuple[Reading, str, str] | None = None
    text = subject.source("loss")
    hot_first = not re.search(r"arange|range\(", text)
    for layout in ("rows", "columns"):
        subject.layout = layout
        task = make_task(rows_for(*sizes, features, outputs), features, outputs)
        for form in ("hot", "labels") if hot_first else ("labels", "hot"):
            subject.form = form
            try:
                value = own_loss(task)
            except ProgramError:
                continue
            if value is None:
                continue
            if unknown is None:
                silent = Reading(task, None, weights, biases, way, np.zeros((len(task.x), outputs)), "", [])
                unknown = silent, layout, form
            for hidden, kind in choices(len(weights)):
                net.hidden, net.output = hidden, kind
                output = net.forward(task.x)
                if fits(output, kind, task.hot, value):
                    return Reading(task, net, weights, biases, way, output, "", [])
    if unknown is None:
        return None
    reading, subject.layout, subject.form = unknown
    return reading


def possible_scores(subject: Subject, task: Task) -> Iterator[Array]:
    """What the last layer would give with each of the known activations in the layers before it."""
    made = build(subject, (), "linear")
    if made is not None:
        net = made[0]
        for hidden, kind in choices(len(net.weights)):
            if kind == "linear":
                net.hidden, net.output = hidden, kind
                yield net.forward(task.x)


def fits(output: Array, kind: str, hot: Array, value: float) -> bool:
    """Whether some known loss of these outputs has this value."""
    for form in LOSSES.values():
        if kind not in form.outputs:
            continue
        with np.errstate(all="ignore"):
            total = form.value(output, hot)
        for scale in scales(*output.shape, half="square" in form.name or "squared" in form.name):
            if np.isfinite(total) and abs(value - scale * total) <= 1e-6 * max(abs(scale * total), 1e-9):
                return True
    return False


def output_now(subject: Subject, reading: Reading, x: Array) -> Array:
    """The outputs of such a network at the parameters of now."""
    made = build(subject, (), "linear")
    if made is None or reading.net is None:
        raise ProgramError("not understood", "its network is not known")
    net = made[0]
    net.hidden, net.output = reading.net.hidden, reading.net.output
    return net.forward(x)
