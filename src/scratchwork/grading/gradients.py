"""Where the gradients of a network depart from the right ones, and which mistake explains it best."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from ..arrays import Array
from ..gradient_patterns import Pattern, find_pattern
from .hints import Book, departure
from .known import WRONG, LossForm, Net, scales, wrong_slopes
from .loading import ProgramError
from .networks import NetworkChecks
from .reading import read
from .starts import wrong_starts
from .subject import Found, Subject
from .tasks import Task, make_task

COST = {"constant factor": 2.0, "unknown": 4.0, "some entries": 3.5, "wrong shape": 2.0, "wrong regularizer": 3.0}
BIASES = {"not summed over rows": "bias axis", "summed over everything": "bias axis"}
NOISE = 2e-4
"""Relative: programs add ε to logarithms and denominators, and some compute in float32."""


@dataclass
class Interpretation:
    """The gradients under one reading of the loss: what is wrong with each, and how much there is to explain."""

    form: LossForm | None
    scale: float
    right: dict[str, Array]
    patterns: dict[str, Pattern] = field(default_factory=dict)
    cost: float = 0.0


def diagnosis_of(pattern: Pattern, rows: int = 0, outputs: int = 0) -> str:
    """The word of a report for a pattern's name; N times the outputs is the N of a mean over everything."""
    if pattern.name == "constant factor" and pattern.factor is not None and rows > 1:
        for number in (rows * outputs, rows * rows):
            if abs(pattern.factor / number - 1) < 1e-3:
                return "factor N"
            if abs(pattern.factor * number - 1) < 1e-3:
                return "factor 1/N"
    name = re.sub(r", (layer|way) \d+$", "", pattern.name)
    name = name.removesuffix(" of the output") if name != "activation derivative of the output" else name
    if name.startswith("derivative "):
        return "wrong activation derivative"
    return BIASES.get(name, {"transposed weights": "transposed"}.get(name, name))


class GradientChecks:
    """The gradients of one network."""

    def __init__(self, checks: NetworkChecks) -> None:
        self.checks, self.subject, self.book = checks, checks.subject, checks.book
        assert checks.reading is not None
        self.reading, self.name = checks.reading, checks.where("backward")

    @property
    def order(self) -> list[str]:
        """The parameters in the order in which a backward meets them: the last layer first."""
        pairs = list(zip(self.reading.weights, self.reading.biases, strict=True))[::-1]
        known = [name for pair in pairs for name in pair if name is not None]
        return known or [name for name, _ in self.subject.parameters]

    def run(self) -> None:
        """Ask for the gradients in each form of targets, and take the form that is explained best."""
        self.one_sample()
        best: tuple[float, str, Found, Interpretation] | None = None
        errors: list[ProgramError] = []
        forms = [self.checks.target_form, *self.checks.forms()] if self.checks.losses else self.checks.forms()
        for form in dict.fromkeys(forms):
            self.subject.form = form
            try:
                found = self.subject.gradients(self.reading.task)
            except ProgramError as error:
                errors.append(error)
                continue
            if all(array is None for array in found.arrays.values()):
                errors.append(ProgramError("does not run", f"no gradients were found in what {self.name} returns or keeps"))
                continue
            told = self.interpret(found)
            if told is not None and (best is None or told.cost < best[0] - 1e-9):
                best = (told.cost, form, found, told)
            if best is not None and best[0] == 0:
                break
        if best is None:
            self.subject.form = self.checks.target_form
            self.none_found(errors)
            return
        self.subject.form = best[1]
        self.subject.climbs = best[3].scale < 0  # error = target − prediction, and the update adds
        self.report(best[2], best[3])

    def one_sample(self) -> None:
        """A program whose backward takes a single sample keeps db = dz: then it is asked with one."""
        reading, subject = self.reading, self.subject
        if len(reading.task.x) == 1 or re.search(r"sum\(|mean\(|/ *\w*(m|n|N|size|len)", subject.source("backward")):
            return
        subject.form = "hot"
        try:
            found = subject.gradients(reading.task)
        except ProgramError:
            return
        rows = len(reading.task.x)
        wide = [a for name, a in found.arrays.items() if name in reading.biases and a is not None and rows in a.shape]
        if wide:
            self.checks.reading = self.reading = read(subject, make_task(1, *self.checks.features()), reading.output.shape[1])

    def none_found(self, errors: list[ProgramError]) -> None:
        """No form of targets gave gradients that can be looked at."""
        known = self.reading.net is not None or bool(self.reading.weights)  # else we may well have called it wrongly
        if errors and known and not str(errors[0]).startswith(("no gradients", "the argument")):
            self.book.error("gradients", self.name, errors[0], 4.0)
        else:
            self.book.unasked("gradients", self.name, str(errors[0]) if errors else "the right ones are not known here")

    def interpret(self, found: Found) -> Interpretation | None:
        """The reading of the loss that leaves least to explain."""
        candidates = self.candidates(found)
        best = None
        for one in candidates:
            self.explain(one, found)
            if best is None or one.cost < best.cost - 1e-9:
                best = one
            if best.cost == 0:
                break
        return best

    def candidates(self, found: Found) -> list[Interpretation]:
        """The right gradients under the program's own loss, or under those that go with its output."""
        net, task = self.reading.net, self.reading.task
        rows, outputs = self.reading.output.shape
        if net is None or (self.checks.losses == [] and "loss" in self.subject.calls and self.failed_loss()):
            differences = self.by_differences()
            return [] if differences is None else [Interpretation(None, 1.0, differences)]
        made = []
        if self.checks.losses:
            pairs = self.checks.losses
            if found.moved and "squared" in pairs[0][0].name:  # the 2 of the square, taken into the learning rate
                means = [scale for scale, word in scales(rows, outputs).items() if word.endswith(("rows", "everything"))]
                pairs = [*pairs, *((pairs[0][0], scale) for scale in means if (pairs[0][0], scale) not in pairs)]
        else:
            signs = (1.0, -1.0) if self.climbs(found) else (1.0,)
            every = scales(rows, outputs)
            pairs = [
                (form, s * scale)
                for s in signs
                for form in self.checks.usual()
                for scale in sorted(every, key=lambda v: v != 1 / rows)
            ]
        for form, scale in pairs:
            made.append(Interpretation(form, scale, self.gradients(net, form, scale, task)))
        return made

    def failed_loss(self) -> bool:
        """Whether the program's own loss was looked at and is none of those known."""
        return any(check.name == "loss value" and check.diagnosis for check in self.book.checks) and self.reading.net is None

    def climbs(self, found: Found) -> bool:
        """Whether the update adds what backward gives: the convention error = target − prediction."""
        if found.moved:
            return False
        text = "\n".join(line for line in self.subject.program.text.splitlines() if not line.lstrip().startswith("#"))
        rate = r"(lr|alpha|eta|learning_?rate|rate|step_?size)"
        return bool(
            re.search(rf"\+=\s*[^#\n]*\b(self\.)?{rate}\b", text)
            or re.search(rf"(\w+)\s*=\s*\1\s*\+\s*[^#\n]*\b{rate}\b", text)
        )

    def gradients(
        self, net: Net, form: LossForm, scale: float, task: Task, wrong: str = "", only: int | None = None
    ) -> dict[str, Array]:
        """The gradients that the library computes, in the program's own layout."""
        with np.errstate(all="ignore"):
            out = net.forward(task.x)
            dy = scale * form.gradient(out, task.hot)
            values = self.subject.values()
            found: dict[str, Array] = {}
            for number, pair in enumerate(net.backward(dy, wrong=wrong, only=only)):
                found.update(self.reading.place(number, pair, values))
        return found

    def by_differences(self) -> dict[str, Array] | None:
        """The gradients of the program's own loss by central differences, where nothing better is known."""
        if "loss" not in self.subject.calls:
            return None
        found = {}
        try:
            for name, array in self.subject.parameters:
                grad = np.zeros(array.shape)
                if array.size > 400:
                    return None
                for index in np.ndindex(array.shape):
                    kept = array[index]
                    values = []
                    for step in (1e-5, -1e-5):
                        array[index] = kept + step
                        value = self.checks.own_loss(self.reading.task)
                        values.append(np.nan if value is None else value)
                    array[index] = kept
                    grad[index] = (values[0] - values[1]) / 2e-5
                found[name] = grad
        except ProgramError:
            return None
        return found if all(np.isfinite(grad).all() for grad in found.values()) else None

    def explain(self, one: Interpretation, found: Found) -> None:
        """Fill in the patterns: which mistake each wrong gradient looks like."""
        rows = len(self.reading.task.x)
        wrong = {}
        for name in self.order:
            right, given = one.right[name], found.arrays.get(name)
            if rows == 1 and given is not None and given.size == right.size:
                given = np.asarray(given).reshape(right.shape)
            if find_pattern(given, right, name=self.called(name), batch=rows, tolerance=NOISE) is not None:
                wrong[name] = given
        terms = self.terms(one) if wrong else {}
        values = self.subject.values()
        first = True
        for name, given in wrong.items():
            own = {term: arrays[name] for term, arrays in terms.items()}
            pattern = find_pattern(
                given, one.right[name], name=self.called(name), batch=rows, terms=own, value=values[name], tolerance=NOISE
            )
            assert pattern is not None
            one.patterns[name] = pattern
            twofold = ", times " in pattern.sentence  # a mistake, and a factor or a sign beside it
            one.cost += COST.get(pattern.name, 1.0) + 0.3 * (not first) + twofold
            first = False

    def called(self, name: str) -> str:
        """A parameter's name for the patterns, that a bias is a bias in."""
        return f"{name} (bias)" if name in self.reading.biases else name

    def terms(self, one: Interpretation) -> dict[str, dict[str, Array]]:
        """What each usual mistake would give, for every parameter."""
        net, task = self.reading.net, self.reading.task
        if net is None or one.form is None:
            return {}
        found = {wrong: self.gradients(net, one.form, one.scale, task, wrong) for wrong in WRONG}
        hidden = len(net.weights) - 1
        usual = ("missing activation derivative", "activation derivative of the output", "activation derivative twice")
        for only in [None, *range(hidden if hidden > 1 else 0)]:
            for wrong in usual if only is not None else ():
                found[f"{wrong}, layer {only + 1}"] = self.gradients(net, one.form, one.scale, task, wrong, only)
            layer = min(only or 0, max(hidden - 1, 0))
            for name, _ in wrong_slopes(net.kinds[layer], net.z[layer]) if hidden else ():
                where = "" if only is None else f", layer {only + 1}"
                found[f"derivative {name}{where}"] = self.gradients(net, one.form, one.scale, task, f"derivative {name}", only)
        values = self.subject.values()
        net.forward(task.x)
        for turn, (diagnosis, pairs) in enumerate(wrong_starts(net, one.form, one.scale, task.hot)):
            placed = found.setdefault(f"{diagnosis}, way {turn}", {})  # one name, several ways
            for number, pair in enumerate(pairs):
                placed.update(self.reading.place(number, pair, values))
        return found

    def report(self, found: Found, told: Interpretation) -> None:
        """One check for each parameter, and for what else a backward may do wrong."""
        given = found.arrays
        if self.sum_for_mean(told):
            return
        for name in self.order:
            pattern = told.patterns.get(name)
            if pattern is None:
                self.book.passed(f"gradient of {name}", self.name, 2.0)
                continue
            diagnosis, sentence = (
                diagnosis_of(pattern, *self.reading.output.shape),
                re.sub(r" \(bias\)|, way \d+", "", pattern.sentence),
            )
            array = given.get(name)
            alike = array is not None and array.size > 1 and np.ptp(array) <= 1e-9 * abs(float(array.flat[0]))
            if diagnosis == "unknown" and name in self.reading.biases and alike:
                diagnosis, sentence = "bias axis", f"{name} gets the same number for every unit: a sum over everything"
            if array is not None and array.shape != told.right[name].shape and array.size == told.right[name].size:
                sentence += f" (shape {array.shape} where {told.right[name].shape} belongs)"
            self.book.failed(
                f"gradient of {name}", self.name, diagnosis, sentence, 2.0,
                departure(self.name, f"gradient of {name}", array, told.right[name]),
            )  # fmt: skip
        if found.changed_inputs:
            text = f"it writes to {found.changed_inputs}, which is the caller's"
            self.book.failed("x and y are left alone", self.name, "inputs changed", text)
        self.again(found)

    def sum_for_mean(self, told: Interpretation) -> bool:
        """A loss that is a sum, where every gradient is that of the mean: then the value is what departs."""
        rows, outputs = self.reading.output.shape
        factors = [told.patterns[name].factor if name in told.patterns else 1.0 for name in self.order]
        if rows == 1 or not self.checks.losses or any(f is None or abs(f / (factors[0] or 1.0) - 1) > 1e-3 for f in factors):
            return False
        now, value = told.scale, abs((factors[0] or 1.0) * told.scale)
        means = [scale for scale, word in scales(rows, outputs).items() if "mean over" in word and scale < now]
        if now not in (1.0, 0.5, 1 / outputs) or not any(abs(value / mean - 1) < 1e-3 for mean in means):
            return False
        loss = self.checks.where("loss")
        text = f"the loss is a sum over the rows, and {self.name} gives the gradient of the mean"
        self.book.failed("loss and gradient agree", loss, "loss scale", text, 3.0)
        return True

    def again(self, found: Found) -> None:
        """A second backward of the same rows gives the same gradients."""
        try:
            second = self.subject.gradients(self.reading.task)
        except ProgramError as error:
            self.book.error("a second backward gives the same", self.name, error)
            return
        for name, first in found.arrays.items():
            other = second.arrays.get(name)
            if first is None or other is None or first.shape != other.shape or not first.any():
                continue
            if np.allclose(other, 2 * first, rtol=1e-6, atol=1e-12) and not np.allclose(other, first, rtol=1e-6, atol=1e-12):
                text = f"the gradient of {name} doubles: it is added to that of the call before"
                self.book.failed("a second backward gives the same", self.name, "accumulates", text)
                return
        self.book.passed("a second backward gives the same", self.name)


def check_gradients(checks: NetworkChecks) -> None:
    """Every gradient against that of the loss, which is the program's own where it has one."""
    subject: Subject = checks.subject
    book: Book = checks.book
    if "backward" not in subject.calls and subject.style != "dictionary":
        book.unasked("gradients", checks.where("backward"), "no function for the backward pass was found")
        return
    GradientChecks(checks).run()


__all__ = ["GradientChecks", "check_gradients", "diagnosis_of"]
