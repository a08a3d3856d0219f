"""A network at work: regularization, one update, predictions, and whether a handful of rows can be learned."""

from __future__ import annotations

import inspect
import re

import numpy as np

from ..arrays import Array
from ..gradient_patterns import proportion
from .binding import arrays_in, required
from .edges import check_edges, check_memory, own_strengths, set_strength
from .helpers import check_start
from .hints import departure
from .loading import ProgramError
from .names import plain, roles_of
from .networks import NetworkChecks
from .noise import check_noise
from .reading import spread
from .report import Departure
from .subject import Subject
from .tasks import Task
from .walks import check_walks

STATEFUL = re.compile(r"momentum|veloc|adam|rms|adagrad|beta|\bv_|_v\b|cache|moment|\.(v|m|mu)\b|\b[vm]\[")
UPHILL = re.compile(r"\+=\s*(self\.)?(lr|alpha|eta|learning_?rate|rate|step_?size)\b")
ENOUGH = 0.7
"""Learning a handful of rows: the share of its first loss that may be left."""


def check_practice(checks: NetworkChecks) -> None:
    """All of it, in the order in which it matters."""
    subject, book = checks.subject, checks.book
    check_start(subject, book)
    check_memory(subject, book)
    check_penalty(checks)
    check_edges(checks)
    if checks.reading is None or checks.reading.net is None:
        return
    check_update(checks)
    check_walks(subject, book)
    check_noise(checks)
    check_predictions(checks)
    check_learning(checks)


# ---- regularization


def penalties(subject: Subject) -> list[str]:
    """Which of its functions take the strength of a penalty."""
    return [
        kind
        for kind in ("loss", "backward")
        if kind in subject.calls and any("reg" in roles_of(name) for name in inspect.signature(subject.calls[kind]).parameters)
    ]


def check_penalty(checks: NetworkChecks) -> None:
    """The gradient of the penalty is the derivative of the one in the loss."""
    subject, book, reading = checks.subject, checks.book, checks.reading
    assert reading is not None
    takes = penalties(subject)
    own = own_strengths(subject)
    if not (takes or own) or "loss" not in subject.calls or any(a.size > 2000 for _, a in subject.parameters):
        return
    name, task, values = checks.where("backward"), reading.task, subject.values()
    try:
        found = []
        for strength in (0.0, 0.5):
            set_strength(subject, strength)
            found.append((checks.own_loss(task), subject.gradients(task).arrays))
        numeric = _penalty_slopes(checks, task)
    except ProgramError as error:
        if error.kind not in ("does not run", "not understood"):
            book.error("regularization", name, error)
        return
    finally:
        subject.env.roles["reg"] = 0.0
        for attribute, strength in own.items():
            setattr(subject.holder, attribute, strength)
        subject.put(values)
    told = None
    both = bool(own) or set(takes) >= {"loss", "backward"} or "backward" not in subject.calls
    for key, (along, direction) in numeric.items():
        a, b = found[0][1].get(key), found[1][1].get(key)
        if a is None or b is None or a.shape != b.shape or a.size != direction.size:
            continue
        given = float(((b - a).reshape(direction.shape) * direction).sum())
        if abs(given - along) <= 1e-4 * max(abs(along), abs(given)) + 1e-7:
            continue
        where = departure(name, f"penalty's part of the gradient of {key} (along a direction)", given, along)
        if abs(given) < 1e-9 and "backward" in (*takes, *(["backward"] if own or "backward" not in subject.calls else [])):
            told = ("missing regularizer", f"the loss has a penalty on {key}, its gradient has none", where)
        elif abs(along) < 1e-9 and both:
            told = ("loss without regularizer", f"the gradient of {key} has a penalty that the loss has not", where)
        elif abs(along) > 1e-9 and abs(given) > 1e-9:
            told = ("wrong regularizer", f"the penalty's gradient of {key} is {given / along:.4g} times the loss's", where)
        if told:
            break
    book.verdict("regularization", name, told[:2] if told else None, 2.0, told[2] if told else None)


def _penalty_slopes(checks: NetworkChecks, task: Task) -> dict[str, tuple[float, Array]]:
    """For each parameter a direction, and how the penalty in the loss grows along it."""
    subject, rng = checks.subject, np.random.default_rng(8)
    slopes = {}
    for name, array in subject.parameters:
        direction = rng.normal(size=array.shape) + np.sign(array)
        kept = array.copy()
        values = []
        for strength in (0.5, 0.0):
            set_strength(subject, strength)
            for step in (1e-5, -1e-5):
                array[...] = kept + step * direction
                values.append(checks.own_loss(task) or 0.0)
                array[...] = kept
        slopes[name] = ((values[0] - values[1]) - (values[2] - values[3])) / 2e-5, direction
    return slopes


# ---- one step


def check_update(checks: NetworkChecks) -> None:
    """W − learning rate · dW, with the gradients that its own backward gave."""
    subject, book, reading = checks.subject, checks.book, checks.reading
    assert reading is not None
    if "update" not in subject.calls or ("backward" not in subject.calls and subject.style != "dictionary"):
        return
    name, rate, before, own = checks.where("update"), 0.125, subject.values(), own_rates(subject)
    try:
        gradients = subject.gradients(reading.task)
        if gradients.moved or any(g is None or g.size != before[key].size for key, g in gradients.arrays.items()):
            return
        known = set_rate(subject, rate)
        subject.update(rate)
        after = subject.values()
        ignored: list[str] = []
        if known and not STATEFUL.search(subject.source("update").lower()):
            subject.put(before)
            subject.gradients(reading.task)
            set_rate(subject, 2 * rate)
            subject.update(2 * rate)
            same = {key for key, value in subject.values().items() if np.allclose(after[key], value)}
            ignored = [key for key in before if key in same and not np.array_equal(before[key], after[key])]
    except ProgramError as error:
        if error.kind != "not understood" and not asks_for_batches(subject):
            book.error("one update", name, error, 2.0)
        return
    finally:
        subject.put(before)
        for attribute, value in own.items():
            setattr(subject.holder, attribute, value)
    grads = {key: g for key, g in gradients.arrays.items() if g is not None}
    told = _update_mistake(subject, before, after, grads, rate if known else None, ignored)
    book.verdict("one update", name, told[:2] if told else None, 2.0, told[2] if told else None)


def asks_for_batches(subject: Subject) -> bool:
    """Whether its update wants rows in a form of its own (mini_batch: pairs of a row and its target)."""
    wanted = required(subject.calls["update"])
    return any(re.search("batch|data|pairs|sample|^x|^y", name.lower()) for name in wanted)


def own_rates(subject: Subject) -> dict[str, float]:
    """The attributes of a network that are its learning rate."""
    held = {} if subject.holder is None else vars(subject.holder)
    return {name: value for name, value in held.items() if "lr" in roles_of(name) and isinstance(value, int | float)}


def set_rate(subject: Subject, rate: float) -> bool:
    """Whether an update takes its learning rate from us: as an argument, or from the network, where it is then set."""
    if any("lr" in roles_of(name) for name in inspect.signature(subject.calls["update"]).parameters):
        return True
    for name in own_rates(subject):
        setattr(subject.holder, name, rate)
    return bool(own_rates(subject))


def _update_mistake(
    subject: Subject,
    before: dict[str, Array],
    after: dict[str, Array],
    grads: dict[str, Array],
    rate: float | None,
    ignored: list[str],
) -> tuple[str, str, Departure | None] | None:
    name = subject.name("update")
    stateful = bool(STATEFUL.search(subject.source("update").lower()))
    for key in before:
        moved = after[key] - before[key]
        if not moved.any() and grads[key].any():
            return "update missing", f"{name} leaves {key} as it is", None
    if ignored:
        return "learning rate ignored", f"{name} takes the same step of {ignored[0]} for another learning rate", None
    along = sum(float(((after[key] - before[key]) * grads[key].reshape(before[key].shape)).sum()) for key in before)
    uphill = along > 0
    if uphill and not subject.climbs and not re.search(r"y\w*\s*-\s*\w|target\w*\s*-", subject.source("backward")):
        return "update sign", f"{name} adds the gradients: the step goes uphill", None
    if stateful:
        return None
    for key in before:
        moved, step = after[key] - before[key], -(rate or 1.0) * grads[key].reshape(before[key].shape)
        c = proportion(moved, step, 1e-4)
        if c is None:
            text = f"{name} moves {key} by something else than learning rate times gradient"
            return "wrong update", text, departure(name, key, after[key], before[key] + step)
        if rate is None:  # a constant of its own
            continue
        if abs(abs(c) - 2) < 1e-3 and "minibatch" in map(plain, required(subject.calls["update"])):
            return "factor N", f"{name} adds up the gradients of a batch where it should take their mean", None
        if abs(abs(c) - 1) > 1e-3:
            text = f"{name} moves {key} by {c:.4g} times learning rate times gradient"
            kind = "learning rate ignored" if abs(c * rate - 1) < 1e-3 else "wrong update"
            return kind, text, departure(name, key, after[key], before[key] + step)
        if (c < 0) != uphill:
            return "update sign", f"{name} moves {key} in the other direction than the rest", None
    return None


# ---- predictions and learning


def check_predictions(checks: NetworkChecks) -> None:
    """What predict says is the largest output of each sample."""
    subject, book, reading = checks.subject, checks.book, checks.reading
    assert reading is not None
    if "predict" not in subject.calls:
        return
    name, rows = checks.where("predict"), len(reading.task.x)
    output = reading.output
    right = output.argmax(axis=1) if output.shape[1] > 1 else (output[:, 0] > 0.5).astype(int)
    try:
        subject.forward(reading.task)
        chosen = next((a for n, a in subject.trace if n == reading.output_name), None)
        if chosen is not None:
            subject.env.roles["out"] = chosen
        result = np.asarray(subject.invoke("predict", ("x", "params"), "predicted"), np.float64)
    except (ProgramError, TypeError, ValueError):
        return
    if result.size == rows and np.array_equal(result.ravel(), np.round(result.ravel())):
        same = np.array_equal(result.ravel(), right)
        text = f"sample 0 is predicted as {result.ravel()[0]:g}, its largest output is number {right[0]}"
        if output.shape[1] > 1 or (reading.net is not None and reading.net.output == "sigmoid"):
            book.verdict("predictions", name, None if same else ("wrong labels", text), 1.0)
    elif output.shape[1] > 1 and result.ndim == 1 and result.size == output.shape[1] != rows:
        text = f"{name} gives {result.size} predictions for {rows} samples: an argmax over the wrong axis"
        book.failed("predictions", name, "wrong labels", text)


def check_learning(checks: NetworkChecks) -> None:
    """From its own start, with its own update or its own training: does the loss on a few rows fall by half?"""
    subject, book, reading = checks.subject, checks.book, checks.reading
    assert reading is not None
    start = {name: a.copy() for name, a in subject.parameters}
    task = reading.task
    outcomes = []
    try:
        if "update" in subject.calls:
            outcomes = [_practise(checks, task, rate) for rate in (0.5, 0.1)]
        elif "train" in subject.calls:
            outcomes = [_train(checks, task)]
            if outcomes[0] is not None and outcomes[0][0] > outcomes[0][1] >= ENOUGH * outcomes[0][0]:  # downhill, but slowly
                outcomes.append(_train(checks, task, iterations=3000, rate=0.5))
    except ProgramError as error:
        if error.kind in ("hangs", "exits", "out of memory") and "update" in subject.calls:
            book.error("it learns a handful of rows", checks.where("train"), error)
        return
    finally:
        subject.put(start)
    known = [outcome for outcome in outcomes if outcome is not None]
    if not known:
        return
    where = checks.where("update" if "update" in subject.calls else "train")
    before, after = min(known, key=lambda pair: pair[1] / max(pair[0], 1e-12))
    text = f"the loss on {len(task.x)} rows goes from {before:.4g} to {after:.4g}"
    if after > before and "update" not in subject.calls and UPHILL.search(subject.source("train")):
        book.failed("it learns a handful of rows", where, "update sign", f"{where} adds the gradients: {text}", 3.0)
        return
    book.verdict("it learns a handful of rows", where, None if after < ENOUGH * before else ("does not learn", text), 3.0)


def _error(checks: NetworkChecks, task: Task) -> float:
    output = checks.output(task)
    form = checks.losses[0][0] if checks.losses else checks.usual()[0]
    with np.errstate(all="ignore"):
        value = form.value(output, task.hot) / len(task.x)
    return value if np.isfinite(value) else np.inf


def _practise(checks: NetworkChecks, task: Task, rate: float) -> tuple[float, float] | None:
    subject = checks.subject
    spread(subject, seed=9)
    before = _error(checks, task)
    state = subject.values()
    for _ in range(150):
        found = subject.gradients(task)
        if found.moved:
            return None
        subject.update(rate)
    after = _error(checks, task)
    subject.put(state)
    return before, after


def _train(checks: NetworkChecks, task: Task, iterations: int = 200, rate: float = 0.2) -> tuple[float, float] | None:
    """Its own training function, on these rows."""
    subject = checks.subject
    function = subject.calls["train"]
    spread(subject, seed=9)
    before = _error(checks, task)
    subject.use(task)
    env = subject.env
    env.roles.update(iterations=iterations, lr=rate)
    own = own_rates(subject)
    for name in own if iterations > 200 else ():
        setattr(subject.holder, name, rate)
    env.names.update(dict.fromkeys(("X_val", "X_test", "x_val", "x_test", "X_dev"), env.roles["x"]))
    env.names.update(dict.fromkeys(("y_val", "y_test", "Y_val", "Y_test", "Y_dev"), env.roles["y"]))
    env.names["verbose"] = False
    try:
        positional, named = env.arguments(function)
        names = inspect.signature(function).parameters
        for name in names:
            wanted = {"iterations", "lr", "rows"} & set(roles_of(name))
            if wanted and name not in named and names[name].default is not inspect.Parameter.empty:
                named[name] = env.roles[next(iter(wanted))]
        result = subject.program.call(function, *positional, **named)
    except ProgramError as error:
        if error.kind in ("does not run", "not understood"):
            return None
        raise
    finally:
        for name, value in own.items():
            setattr(subject.holder, name, value)
    subject.sync()
    if subject.holder is None:
        shapes = [a.shape for _, a in subject.parameters]
        arrays = [np.asarray(a, np.float64) for _, a in arrays_in(result, "r")]
        starts = [n for n in range(len(arrays) - len(shapes) + 1) if [a.shape for a in arrays[n : n + len(shapes)]] == shapes]
        if not starts:
            return None
        for (_, array), new in zip(subject.parameters, arrays[starts[0] :], strict=False):
            array[...] = new
    return before, _error(checks, task)
