"""Which known network a program's forward computes: layout of the rows, activations, and which array is the output."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..arrays import Array
from .known import HIDDEN, OUTPUT, Net, act
from .loading import ProgramError
from .names import canonical
from .pairing import chain
from .subject import Subject
from .tasks import Task

NEAR = 1e-6


@dataclass
class Reading:
    """What a forward turned out to compute; `net` is None where it is none of the networks that are known."""

    task: Task
    net: Net | None
    weights: list[str]
    biases: list[str | None]
    way: str
    output: Array
    output_name: str
    trace: list[tuple[str, Array]]

    def place(self, number: int, gradient: tuple[Array, Array], values: dict[str, Array]) -> Iterator[tuple[str, Array]]:
        """(name, array) for one layer's gradients as the program lays its parameters out."""
        dw, db = gradient
        yield self.weights[number], dw if self.way == "in, out" else dw.T
        name = self.biases[number]
        if name is not None:
            yield name, db.reshape(values[name].shape)


def as_rows(array: Array, rows: int, layout: str) -> Array | None:
    """An array of the program with one row per sample; None where it cannot be seen so."""
    a = np.asarray(array, np.float64)
    if a.ndim == 1:
        return a[:, None] if layout != "vector" and a.shape[0] == rows else a[None] if layout == "vector" else None
    if a.ndim != 2:
        return None
    if layout == "columns":
        return a.T if a.shape[1] == rows else None
    return a if a.shape[0] == rows else None


def outputs_of(subject: Subject, task: Task, classes: int) -> list[tuple[str, Array]]:
    """The arrays of a trace that may be the network's output, the likeliest first."""
    rows = len(task.x)
    found = [
        (name, a)
        for name, array in subject.trace
        if (a := as_rows(array, rows, subject.layout)) is not None and a.shape[1] == classes
    ]

    def rank(entry: tuple[str, Array]) -> tuple[int, int]:
        text = canonical(entry[0])
        words = re.search(r"^(al|yhat|ypred|pred|probs?|output|out|result|scores|logits|probabilities)$", text)
        activated = re.match(r"a(\d+)$", text)
        if words:
            return (0, 0)
        if activated:
            return (1, -int(activated.group(1)))
        if re.match(r"z\d*$", text):
            return (4, 0)
        return (2, 0)

    return sorted(found, key=rank)


def spread(subject: Subject, seed: int = 5, size: float = 1.0) -> None:
    """Parameters at which nothing hides: no zeros, no symmetry, units on both sides of their kinks."""
    rng = np.random.default_rng(seed)
    for _, array in subject.parameters:
        fan = max(min(array.shape), 1) if array.ndim == 2 and 1 not in array.shape else 1
        if array.ndim == 2 and array.size > 1000:
            fan = max(array.shape)
        array[...] = rng.normal(size=array.shape) * (
            size / np.sqrt(fan) if array.ndim == 2 and 1 not in array.shape else 0.4 * size
        )


def build(subject: Subject, hidden: tuple[str, ...], output: str) -> tuple[Net, list[str], list[str | None], str] | None:
    """The library's network with the program's parameters."""
    found = chain(subject.parameters)
    if found is None:
        return None
    weights, biases, way = found
    values = subject.values()
    matrices = [values[name] if way == "in, out" else values[name].T for name in weights]
    rows = [None if name is None else values[name].ravel() for name in biases]
    return Net(matrices, rows, hidden, output), weights, biases, way


def close(a: Array, b: Array, near: float = NEAR) -> bool:
    """Whether two arrays agree to rounding (and to the ε that programs add here and there)."""
    return a.shape == b.shape and bool((np.abs(a - b) <= near * max(1.0, float(np.abs(b).max()))).all())


def read(subject: Subject, task: Task, classes: int) -> Reading:
    """Run the forward and find the network that it computes. Raises ProgramError where it does not run."""
    subject.forward(task)
    candidates = outputs_of(subject, task, classes)
    if not candidates:
        shapes = ", ".join(f"{name} {a.shape}" for name, a in subject.trace[:6]) or "nothing"
        raise ProgramError(
            "wrong shape", f"no result of forward has a row of {classes} outputs for each of {len(task.x)} rows: {shapes}"
        )
    name, output = candidates[0]
    made = build(subject, (), "linear")
    if made is None:
        return Reading(task, None, [], [], "", output, name, subject.trace)
    net, weights, biases, way = made
    for chosen_name, chosen in (
        candidates[:2] if len(candidates) > 1 and not re.match(r"z\d*$", canonical(candidates[1][0])) else candidates[:1]
    ):
        for hidden, kind in choices(len(weights)):
            net.hidden, net.output = hidden, kind
            try:
                right = net.forward(task.x)
            except Exception:
                return Reading(task, None, weights, biases, way, output, name, subject.trace)
            if close(chosen, right):
                subject.output_name = chosen_name
                return Reading(task, net, weights, biases, way, chosen, chosen_name, subject.trace)
    return Reading(task, None, weights, biases, way, output, name, subject.trace)


def choices(count: int) -> Iterator[tuple[tuple[str, ...], str]]:
    """Activations to try, one for all hidden layers first, then mixed ones for few layers."""
    for kind in HIDDEN:
        for output in OUTPUT:
            yield (kind,) * (count - 1), output
        if count == 1:
            return
    if count in (3, 4):
        short = ("relu", "sigmoid", "tanh", "leaky relu 0.01", "linear")
        for mixed in itertools.product(short, repeat=count - 1):
            for output in OUTPUT:
                if len(set(mixed)) > 1:
                    yield mixed, output


def forward_mistake(subject: Subject, reading: Reading) -> tuple[str, str, Net | None]:
    """(diagnosis, sentence, the network that was meant) for a forward that is no known network."""
    task, output = reading.task, reading.output
    for number in range(len(reading.weights)):  # without one bias, or without all of them
        for without in ({number}, set(range(len(reading.weights)))):
            for hidden, kind in choices(len(reading.weights)):
                made = build(subject, hidden, kind)
                if made is None:
                    break
                net = made[0]
                full = Net(net.weights, list(net.biases), hidden, kind)
                net.biases = [None if n in without else b for n, b in enumerate(net.biases)]
                if close(output, net.forward(task.x)):
                    names = ", ".join(str(reading.biases[n]) for n in sorted(without))
                    full.forward(task.x)
                    return "missing bias forward", f"{names} is never added", full
    for hidden, _ in choices(len(reading.weights)):
        made = build(subject, hidden, "linear")
        if made is None:
            break
        net = made[0]
        z = net.forward(task.x)
        for axis_name, p in (
            ("the rows instead of the outputs", act("softmax", z.T).T),
            ("everything at once", np.exp(z) / np.exp(z).sum()),
        ):
            if close(output, p):
                net.output = "softmax"
                net.forward(task.x)
                return "softmax axis", f"softmax sums over {axis_name}: rows of outputs do not add up to 1", net
        unstable = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        if (
            np.isfinite(unstable).all()
            and close(output * (output.sum(axis=1, keepdims=True)), output) is False
            and close(output / np.where(output.sum(axis=1, keepdims=True) == 0, 1, output.sum(axis=1, keepdims=True)), unstable)
        ):
            net.output = "softmax"
            net.forward(task.x)
            return "wrong activation", f"the outputs are no softmax: rows add up to {output[0].sum():.4g} instead of 1", net
    return "wrong activation", "", None
