"""A whole network where its numbers become extreme, and how its arrays begin: large logits, probability 0, shared memory."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from .by_loss import possible_scores
from .hints import Book
from .loading import ProgramError
from .names import roles_of
from .networks import NetworkChecks
from .subject import Subject

LARGE = 5000.0


def check_edges(checks: NetworkChecks) -> None:
    """The loss at logits of 5000, and where the right class has probability 0."""
    subject, reading = checks.subject, checks.reading
    if reading is None or reading.net is None or "loss" not in subject.calls:
        return
    values, name = subject.values(), checks.where("loss")
    last, softmax = reading.biases[-1], any("cross-entropy" in form.name for form, _ in checks.losses)
    if not softmax:
        return
    try:
        usual = checks.own_loss(reading.task)
        if usual is None or not np.isfinite(usual):
            return
        if reading.net.output == "linear" or not reading.output_name:  # the loss itself holds the softmax
            shifted = _at(checks, values, _all_larger(values, last, reading.weights[-1]))
            found = None
            # without a bias all logits become large, not equally so: a probability of 0 then is no fault of the softmax
            if shifted is None or np.isnan(shifted) or (last is not None and not np.isfinite(shifted)):
                found = ("softmax overflow", f"logits of 5000 make the loss {shifted}")
            checks.book.verdict("loss at large logits", name, found, 2.0)
            if found:
                return
        if last is not None:
            certain = []
            for far in (LARGE, -LARGE):
                one = values[last].copy()
                one.flat[0] += far
                certain.append(_at(checks, values, {**values, last: one}))
            bad = [value for value in certain if value is None or not np.isfinite(value)]
            text = f"the loss is {bad[0] if bad else 0} where the right class has probability 0"
            checks.book.remark("loss at probability 0", name, ("log of zero", text) if bad else None)
    except ProgramError as error:
        checks.book.unasked("loss at large logits", name, str(error))
    finally:
        subject.put(values)


def _all_larger(values: dict[str, Array], bias: str | None, weight: str) -> dict[str, Array]:
    """Parameters with which every output of a row is larger by the same number, or all of them large where there is no bias."""
    if bias is None:
        return {**values, weight: values[weight] * LARGE}
    return {**values, bias: values[bias] + LARGE}


def _at(checks: NetworkChecks, values: dict[str, Array], others: dict[str, Array]) -> float | None:
    """The program's loss with other parameters."""
    assert checks.reading is not None
    try:
        checks.subject.put(others)
        return checks.own_loss(checks.reading.task)
    finally:
        checks.subject.put(values)


def check_parts(checks: NetworkChecks) -> bool:
    """The loss of a batch is the mean (or the sum) of those of its parts, else its rows influence each other; True where so."""
    subject, reading = checks.subject, checks.reading
    if reading is None or "loss" not in subject.calls or subject.layout == "vector":
        return True
    if reading.net is None and reading.output_name:
        return True
    task, name, own = reading.task, checks.where("loss"), own_strengths(subject)
    rows = len(task.x)
    try:
        set_strength(subject, 0.0)
        whole = checks.own_loss(task)
        parts = [(len(part.x), checks.own_loss(part)) for part in (task.part(slice(0, 3)), task.part(slice(3, rows)))]
    except ProgramError:
        return True
    finally:
        for attribute, strength in own.items():
            setattr(subject.holder, attribute, strength)
    values = [value for _, value in parts if value is not None]
    if whole is None or len(values) < 2 or not np.isfinite([whole, *values]).all():
        return True
    mean, total = sum(count * (value or 0.0) for count, value in parts) / rows, sum(values)
    if any(abs(whole - right) <= 1e-4 * max(abs(whole), abs(right)) for right in (mean, total)):
        return True
    if reading.net is None:
        named = (_mixed(scores, task.hot, whole, "linear") for scores in possible_scores(subject, task))
        diagnosis = next((name for name in named if name != "batch dependence"), "batch dependence")
    else:
        diagnosis = _mixed(reading.output, task.hot, whole, reading.net.output)
    text = f"the loss of {rows} rows is {whole:.6g}, the mean of those of its parts {mean:.6g}: rows influence each other"
    checks.book.failed("rows do not influence each other", name, diagnosis, text, 3.0)
    return False


def _mixed(output: Array, hot: Array, value: float, kind: str) -> str:
    """What mixes the rows of a loss: a softmax over the wrong axis, or targets that broadcast against the outputs."""
    if kind == "linear" and output.shape == hot.shape:
        e, shifted = np.exp(output - output.max()), np.exp(output - output.max(axis=1, keepdims=True))
        for p in (e / e.sum(axis=0), e / e.sum(), shifted / shifted.sum(axis=0), shifted / shifted.sum()):
            right = np.maximum((p * hot).sum(axis=1), 1e-300)
            if any(abs(value - form) <= 1e-4 * abs(value) for form in (-np.log(right).mean(), -np.log(right).sum())):
                return "softmax axis"
    if output.shape[1] == 1:
        square = (output - hot.reshape(1, -1)) ** 2
        if any(abs(value - factor * square.mean()) <= 1e-4 * abs(value) for factor in (1.0, 0.5, len(output), len(output) / 2)):
            return "silent broadcast"
    return "batch dependence"


def check_memory(subject: Subject, book: Book) -> None:
    """No two parameters that stand in the same memory, as the program itself made them; passes in silence."""
    raw = [(path, a) for path, a in subject.raw if a.dtype.kind == "f"]
    for number, (path, a) in enumerate(raw):
        for other, b in raw[:number]:
            if a.ndim < 2 and np.shares_memory(a, b):
                name = subject.name("init") or type(subject.holder).__name__
                text = f"{other} and {path} stand in the same memory: a step of one moves the other"
                book.failed("the start of the biases", name, "shared weights", text, 2.0)
                return


def own_strengths(subject: Subject) -> dict[str, float]:
    """The attributes of a network that are the strength of a penalty."""
    if subject.holder is None:
        return {}
    numbers = {name: value for name, value in vars(subject.holder).items() if isinstance(value, int | float)}
    return {name: float(value) for name, value in numbers.items() if "reg" in roles_of(name) and not isinstance(value, bool)}


def set_strength(subject: Subject, strength: float) -> None:
    """The strength of the penalty, wherever the program takes it from."""
    subject.env.roles["reg"] = strength
    for name in own_strengths(subject):
        setattr(subject.holder, name, strength)
