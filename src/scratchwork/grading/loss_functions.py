"""The checks of loss functions and the derivatives beside them: mse and mse_prime."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array
from ..gradient_patterns import find_pattern
from .binding import required, returned_names
from .gradients import diagnosis_of
from .hints import Book, departure
from .known import LOSSES, LossForm, activation_word, is_derivative, softmax_axis
from .layer_checks import back_to_rows, laid
from .loading import Program, ProgramError
from .loss_checks import gradient_check
from .loss_samples import OUTPUTS, Sample, fitting_scales, follows_itself, is_general, loss_word, value_mistake, written_loss
from .names import is_gradient_name
from .subject import number_in
from .units import PREDICTED, TRUE


def check_loss_functions(program: Program, book: Book, layout: str, summed: bool = False) -> dict[str, tuple[float, bool]]:
    """mse and mse_prime, binary_cross_entropy and its derivative: (scale, whether the gradient is p − y) by name.

    `summed`: the layers take the mean over the rows, so the derivative may be that of the sum.
    """
    known: dict[str, tuple[float, bool]] = {}
    names = [
        n
        for n, f in program.functions.items()
        if loss_word(n) and re.search(r"loss|cost|mse|mae|bce|cce|entropy|error|hinge|sse|nll", n.lower())
    ]
    values = {
        n: program.functions[n]
        for n in names
        if not is_derivative(n) and not n.lower().startswith("d_") and len(required(program.functions[n])) == 2
    }
    primes = {
        n: program.functions[n]
        for n in names
        if (is_derivative(n) or n.lower().startswith(("d_", "delta"))) and len(required(program.functions[n])) == 2
    }
    for name, function in program.functions.items():  # called something else, with a derivative beside it
        other = next((n for n in program.functions if n != name and is_derivative(n) and bare(n) == bare(name)), None)
        if other is None or name in values or is_derivative(name) or activation_word(name) is not None or loss_word(name):
            continue
        if len(required(function)) == len(required(program.functions[other])) == 2:
            word = behaving(program, name, function, layout)
            if word is not None:
                beside = program.functions[other]
                found = check_pair(program, book, name, function, other, beside, LOSSES[word], layout, summed)
                known[name] = found or (1.0, False)
    for name, function in values.items():
        word = loss_word(name)
        assert word is not None
        if is_general(name):
            word = behaving(program, name, function, layout) or written_loss(name, program.source(function))
        prime = next(
            (n for n in primes if bare(n) == bare(name)), next(iter(primes)) if len(primes) == len(values) == 1 else None
        )
        if (
            is_general(name)
            and prime
            and not behaving(program, name, function, layout)
            and own_slope(program, function, primes[prime], layout, summed)
        ):
            book.unasked(f"{name}: value", name, "it is none of the losses that are known here")
            book.passed(f"{prime}: gradient, of its own value", prime, 2.0)
            continue
        found = check_pair(program, book, name, function, prime, primes.get(prime or ""), LOSSES[word], layout, summed)
        if found is not None:
            known[name] = found
    return known


def behaving(program: Program, name: str, function: Callable[..., Any], layout: str) -> str | None:
    """The loss that a function is by its values, whatever it is called."""
    quiet = Book(lambda check: None)
    for word in ("squared error", "binary cross-entropy", "cross-entropy", "absolute error"):
        if any(trial.found for trial in trials(program, quiet, name, function, LOSSES[word], layout)):
            return word
    return None


def own_slope(program: Program, function: Callable[..., Any], prime: Callable[..., Any], layout: str, summed: bool) -> bool:
    """Whether a derivative is that of the values of the function beside it, whatever loss that is."""
    for outputs in (OUTPUTS, 1):
        sample = Sample(LOSSES["squared error"], layout, outputs)
        targets = laid(sample.t, layout)

        def value(p: Array, targets: Array = targets) -> float | None:
            return number_in(program.call(function, *ordered(function, laid(p, layout), targets)))

        try:
            given = program.call(prime, *ordered(prime, laid(sample.p, layout), targets))
            factors = (1.0, float(len(sample.p))) if summed else (1.0,)
            if follows_itself(value, back_to_rows(given, layout), sample.p, factors):
                return True
        except ProgramError:
            continue
    return False


def bare(name: str) -> str:
    """A loss's name without what makes it that of a derivative."""
    return re.sub(r"prime|derivative|deriv|gradient|grad|backward|delta|^d_|_d$|dash|loss|_", "", name.lower())


def ordered(function: Callable[..., Any], p: Array, t: Array) -> list[Array]:
    """Prediction and target in the order in which a function takes them."""
    first, second = required(function)[:2]
    if TRUE.search(second.lower()) and not TRUE.search(first.lower()):
        return [p, t]
    if first.lower() == "y" and re.match("t", second.lower()):  # (y, t): as some books call outputs and targets
        return [p, t]
    if TRUE.search(first.lower()) or PREDICTED.search(second.lower()):
        return [t, p]
    return [p, t] if PREDICTED.search(first.lower()) else [t, p]


def check_pair(
    program: Program,
    book: Book,
    name: str,
    function: Callable[..., Any],
    prime_name: str | None,
    prime: Callable[..., Any] | None,
    form: LossForm,
    layout: str,
    summed: bool = False,
) -> tuple[float, bool] | None:
    """A loss function's value, and the derivative beside it."""
    tried = list(trials(program, book, name, function, form, layout))
    if not tried:
        return None
    one = next((trial for trial in tried if trial.found), tried[0])
    found = one.found
    if one.wrote:
        book.failed(f"{name}: arguments are left alone", name, "inputs changed", f"{name} writes to what it is handed")
    if found:
        book.passed(f"{name}: value", name, 2.0)
    else:
        right = one.sample.form.value(one.sample.p, one.sample.t) / len(one.sample.p)
        told = value_mistake(one.sample.form, one.sample, one.value)
        if "entropy" in form.name:
            scores = Sample(LOSSES["softmax cross-entropy"], layout)
            told = next(
                (
                    w
                    for t in tried
                    if t.sample.form.name == scores.form.name and (w := softmax_axis(t.sample.p, t.sample.t, t.value))
                ),
                told,
            )
        book.failed(f"{name}: value", name, *told, weight=2.0, departure=departure(name, "loss", one.value, right))
        found = [1 / len(one.sample.p)]
    if one.sample.form.name in ("cross-entropy", "binary cross-entropy"):
        zero(program, book, name, function, one.sample, one.targets)
    if prime is None or prime_name is None:
        return None
    pairs = [one, *(t for t in tried if t is not one and t.found and t.sample.outputs == 1)] if single(program) else [one]
    for trial in pairs if one.found else [one]:  # a mean over everything, and a derivative over the rows: one output alone
        every = sorted({*(trial.found or found), *(s * len(trial.sample.p) for s in trial.found if trial.per_row or summed)})
        quiet = Book(lambda check: None)
        last = _prime(program, quiet, prime_name, prime, trial.sample, trial.targets, every)
        if all(check.passed is not False for check in quiet.checks):
            break
    else:
        trial, every = one, sorted({*found, *(s * len(one.sample.p) for s in found if one.per_row or summed)})
    last = _prime(program, book, prime_name, prime, trial.sample, trial.targets, every)
    return last


def single(program: Program) -> bool:
    """Whether nothing in a program speaks of several outputs."""
    return not re.search(r"softmax|one_?hot|\beye\(|categorical|argmax", program.text.lower())


@dataclass
class Trial:
    """One way of calling a loss function, and what came out."""

    sample: Sample
    targets: Array
    value: float
    found: list[float]
    per_row: bool
    wrote: bool


def trials(
    program: Program, book: Book, name: str, function: Callable[..., Any], form: LossForm, layout: str
) -> Iterator[Trial]:
    """Probabilities and logits, one output and several, one-hot targets and labels."""
    others = {"cross-entropy": "softmax cross-entropy", "binary cross-entropy": "sigmoid cross-entropy"}
    forms = [form, *([LOSSES[others[form.name]]] if form.name in others else [])]
    for one in reversed(forms) if re.search("softmax|logit", name.lower()) else forms:
        for outputs in (OUTPUTS, 1) if one.name not in ("cross-entropy", "softmax cross-entropy") else (OUTPUTS,):
            sample = Sample(one, layout, outputs)
            for _, targets in sample.targets():
                handed = laid(sample.p, layout)
                kept, before = handed.copy(), targets.copy()
                try:
                    result = program.call(function, *ordered(function, handed, targets))
                except ProgramError as error:
                    if error.kind == "hangs":
                        book.error(f"{name}: value", name, error, 2.0)
                        return
                    continue
                value = number_in(result)
                if value is not None:
                    wrote = not np.array_equal(kept, handed) or not np.array_equal(before, targets)
                    per_row = bool(np.ndim(result) and np.size(result) > 1)
                    yield Trial(sample, before, value, fitting_scales(one, sample, value), per_row, wrote)


def zero(program: Program, book: Book, name: str, function: Callable[..., Any], sample: Sample, targets: Array) -> None:
    """Probability 0 for the right class."""
    p = np.where(sample.t > 0.5, 0.0, 1.0 / max(sample.p.shape[1] - 1, 1))
    try:
        value = number_in(program.call(function, *ordered(function, laid(p, sample.layout), targets)))
    except ProgramError:
        return
    bad = value is None or not np.isfinite(value)
    text = f"the loss is {value} where the right class has probability 0"
    book.remark(f"{name}: probability 0", name, ("log of zero", text) if bad else None)


def _prime(
    program: Program, book: Book, name: str, prime: Callable[..., Any], sample: Sample, targets: Array, found: list[float]
) -> tuple[float, bool]:
    try:
        given = np.asarray(program.call(prime, *ordered(prime, laid(sample.p, sample.layout), targets)), np.float64)
    except (ProgramError, TypeError, ValueError) as error:
        told = error if isinstance(error, ProgramError) else ProgramError("does not run", f"{name} returns no array")
        book.error(f"{name}: gradient", name, told, 2.0)
        return found[0], False
    a = back_to_rows(given, sample.layout)
    for scale in found:
        if (
            "entropy" in sample.form.name
            and a is not None
            and find_pattern(a, scale * (sample.p - sample.t), tolerance=2e-4) is None
        ):
            book.passed(f"{name}: gradient, together with its activation's", name, 2.0)
            return scale, True
    gradient_check(book, name, name, given, sample, found)
    base = sample.form.gradient(sample.p, sample.t)
    return next((s for s in found if find_pattern(a, s * base, tolerance=2e-4) is None), found[0]), False


def check_scored(program: Program, book: Book) -> None:
    """svm_loss(x, y) -> (loss, dx): its gradient against differences of its own value."""
    scores = np.random.default_rng(41).normal(size=(7, 4)) * 1.5
    labels = np.array([2, 0, 1, 3, 1, 0, 2])
    for name, function in program.functions.items():
        given, names = required(function), returned_names(program, function) or []
        if "loss" not in name.lower() or len(given) != 2 or len(names) != 2 or not is_gradient_name(names[1] or ""):
            continue
        if not TRUE.search(given[1].lower()) or not re.fullmatch(r"x|z|s|scores?|logits?|inputs?", given[0].lower()):
            continue
        try:
            slopes = np.zeros(scores.shape)
            for index in np.ndindex(scores.shape):
                values = []
                for step in (1e-5, -1e-5):
                    moved = scores.copy()
                    moved[index] += step
                    values.append(float(program.call(function, moved, labels.copy())[0]))
                slopes[index] = (values[0] - values[1]) / 2e-5
            gradient = np.asarray(program.call(function, scores.copy(), labels.copy())[1], np.float64)
        except (ProgramError, TypeError, ValueError, IndexError, KeyError):
            continue  # a form that is not known here is no mistake
        if not np.isfinite(slopes).all():
            continue
        pattern = find_pattern(gradient, slopes, name="the scores", batch=7, tolerance=1e-4)
        if pattern is None:
            book.passed(f"{name}: gradient", name)
        else:
            kind = "wrong loss gradient" if pattern.name in ("unknown", "some entries") else diagnosis_of(pattern, 7, 4)
            book.failed(f"{name}: gradient", name, kind, pattern.sentence, 2.0, departure(name, "gradient", gradient, slopes))
