"""Dropout inside of a network: is the mean kept, does backward use the mask of its forward, is nothing dropped when predicting?

The random numbers that a program draws are put back to the same state before each call, so that a mask stays what it was
and differences of the loss can be taken through it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..arrays import Array
from .loading import LEGACY, ProgramError, seed_program
from .names import plain
from .networks import NetworkChecks
from .subject import Subject
from .tasks import Task

SHARE = 0.5  # kept and dropped alike: a name need not say which of them it means
DRAWS = 160
WORDS = re.compile(r"^(keep_?(prob\w*|rate)?|prob_?keep|p_?keep|drop_?(out)?(_?(p|rate|prob\w*|ratio|share))?|p_?drop(out)?)$")


def check_noise(checks: NetworkChecks) -> None:
    """All of it, for a network that has dropout."""
    subject, book, reading = checks.subject, checks.book, checks.reading
    if reading is None or reading.net is None or book.failures:
        return
    switch = switch_of(subject)
    if switch is None:
        return
    values = subject.values()
    name = subject.name("forward") or subject.name("loss")
    try:
        if predicts_at_random(subject, reading.task, switch):
            book.failed("dropout when predicting", name, "dropout", "two predictions of the same rows differ", 2.0)
            return
        last = reading.biases[-1]
        if last is not None:  # what is added after the last mask is not scaled by it
            subject.put({**values, last: np.zeros_like(values[last])})
        with_mask = [log_odds(checks, seed, switch, on=True) for seed in range(DRAWS)]
        without = log_odds(checks, 0, switch, on=False)
        if all(np.array_equal(with_mask[0], one) for one in with_mask[1:9]):
            return
        kept = float(np.mean(with_mask, axis=0) @ without / (without @ without))
        text = f"with half of the units dropped the mean of what follows is {kept:.2f} times what it is without dropout"
        found = ("dropout not scaled", text) if kept < 0.75 else None
        book.verdict("dropout keeps the mean", name, found, 2.0)
        subject.put(values)
        check_mask(checks, switch)
    except ProgramError:
        book.unasked("dropout", name, "it could not be run with dropout here")
    finally:
        switch(False)
        subject.put(values)


def switch_of(subject: Subject) -> Callable[[bool], None] | None:
    """What turns the dropout of a network on and off; None where it has none."""
    if subject.holder is not None:
        for name, value in vars(subject.holder).items():
            if WORDS.match(name.lower()) and isinstance(value, int | float) and not isinstance(value, bool):
                holder, off = subject.holder, 1.0 if "keep" in name.lower() else 0.0
                return lambda on: setattr(holder, name, SHARE if on else off)
    for kind in ("forward", "loss"):
        for parameter in inspect.signature(subject.calls[kind]).parameters.values() if kind in subject.calls else ():
            if WORDS.match(parameter.name.lower()) and not isinstance(parameter.default, bool):
                names, off = subject.env.names, 1.0 if "keep" in plain(parameter.name) else 0.0
                key = parameter.name
                return lambda on: names.__setitem__(key, SHARE if on else off)
    return None


def seeded(subject: Subject, seed: int) -> None:
    """Put everything that a program may draw from to a state of its own."""
    seed_program(seed)
    for thing in generators(subject):
        if isinstance(thing, LEGACY):
            thing.seed(seed)
        else:
            thing.bit_generator.state = type(thing.bit_generator)(seed).state


def generators(subject: Subject) -> Iterator[Any]:
    """The generators that stand in the module, in the network or among the arguments."""
    places = [vars(subject.program.module), subject.env.names, vars(subject.holder) if subject.holder is not None else {}]
    for place in places:
        yield from (v for v in list(place.values()) if isinstance(v, np.random.Generator | LEGACY))


def predicts_at_random(subject: Subject, task: Task, switch: Callable[[bool], None]) -> bool:
    """Whether a network that keeps its own rate of dropout drops without being told that it trains."""
    if subject.holder is None or "forward" in subject.calls:
        return False  # whether a forward trains or predicts, its caller says; a loss without targets predicts
    switch(True)
    results = []
    for seed in (1, 2):
        seeded(subject, seed)
        trace = subject.forward(task)
        results.append([a.copy() for _, a in trace])
    same = all(a.shape == b.shape and np.array_equal(a, b) for a, b in zip(*results, strict=False))
    return bool(results[0]) and not same


def one_row(task: Task, label: int) -> Task:
    """Its first row, with another label."""
    return Task(task.x[:1].copy(), np.array([label]), task.classes)


def log_odds(checks: NetworkChecks, seed: int, switch: Callable[[bool], None], *, on: bool) -> Array:
    """What comes before the softmax of one row, up to a constant: linear in the units of the last hidden layer."""
    subject, reading = checks.subject, checks.reading
    assert reading is not None
    switch(on)
    if "forward" in subject.calls:
        seeded(subject, seed)
        row = checks.output(reading.task)[0]
        odds = np.log(np.maximum(row, 1e-300)) if (row > 0).all() and abs(row.sum() - 1) < 1e-6 else row
        if row.size == 1 and 0 < row[0] < 1:
            return np.asarray(np.log(row / (1 - row)))
    else:
        found = []
        for label in range(reading.output.shape[1]):
            seeded(subject, seed)
            found.append(checks.own_loss(one_row(reading.task, label)))
        if any(value is None for value in found):
            raise ProgramError("does not run", "its loss is no number")
        odds = -np.array(found, np.float64)
    return np.asarray(odds - odds.mean() if odds.size > 1 else odds)


def check_mask(checks: NetworkChecks, switch: Callable[[bool], None]) -> None:
    """The gradients through a mask that stays the same, against differences of the loss."""
    subject, book, reading = checks.subject, checks.book, checks.reading
    assert reading is not None
    if "loss" not in subject.calls or any(a.size > 2000 for _, a in subject.parameters):
        return
    name, task, rng = checks.where("backward"), reading.task, np.random.default_rng(51)
    switch(True)

    def loss() -> float:
        seeded(subject, 5)
        return float(checks.own_loss(task) or 0.0)

    seeded(subject, 5)
    gradients = subject.gradients(task)
    if gradients.moved:
        return
    told = None
    for key, array in subject.parameters:
        given = gradients.arrays.get(key)
        if given is None or given.size != array.size:
            continue
        direction, kept, ends = rng.normal(size=array.shape), array.copy(), []
        for step in (1e-6, -1e-6):
            array[...] = kept + step * direction
            ends.append(loss())
        array[...] = kept
        slope, along = (ends[0] - ends[1]) / 2e-6, float((given.reshape(array.shape) * direction).sum())
        if abs(slope - along) > 1e-3 * max(abs(slope), abs(along)) + 1e-7:
            text = f"with dropout the gradient of {key} is not that of the loss: is the same mask multiplied going back?"
            told = ("dropout", text)
            break
    book.verdict("dropout going back", name, told, 2.0)
