"""The checks of losses: classes with forward and backward, functions with their derivative, softmax and loss in one."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..arrays import Array
from ..gradient_patterns import Pattern, find_pattern
from .binding import required
from .gradients import diagnosis_of
from .hints import Book, departure
from .known import LOSSES, odd_softmaxes, scales, softmax_axis
from .layer_checks import back_to_rows, laid
from .loading import ProgramError
from .loss_samples import OUTPUTS, Sample, fitting_scales, follows_itself, is_general, loss_word, value_mistake, written_loss
from .subject import number_in
from .units import Unit


def gradient_check(
    book: Book, name: str, subject: str, given: Any, sample: Sample, found: list[float], label: str = ""
) -> bool:
    """The gradient that goes with a value: at one of the scales that fit it."""
    base = sample.form.gradient(sample.p, sample.t)
    rows = len(sample.p)
    best = None
    a = None if given is None else back_to_rows(given, sample.layout)
    a = given if a is None else a
    for scale in found:
        pattern = find_pattern(a, scale * base, name="the predictions", batch=rows, tolerance=2e-4, terms=_terms(sample, scale))
        if pattern is None:
            book.passed(f"{name}: gradient{label}", subject, 2.0)
            return True
        if best is None or (
            best[0].name in ("constant factor", "unknown") and pattern.name not in ("constant factor", "unknown")
        ):
            best = pattern, scale
    assert best is not None
    at = departure(subject, "gradient of the predictions", a, best[1] * base)
    told = loss_diagnosis(best[0], *sample.p.shape), best[0].sentence
    kind, sentence = sum_for_mean(best[0], best[1], *sample.p.shape) or told
    book.failed(f"{name}: gradient{label}", subject, kind, sentence, 2.0, at)
    return False


def loss_diagnosis(pattern: Pattern, rows: int, outputs: int) -> str:
    """The word for a wrong gradient of a loss: what is nothing else is a wrong formula."""
    return "wrong loss gradient" if pattern.name in ("unknown", "some entries") else diagnosis_of(pattern, rows, outputs)


def sum_for_mean(pattern: Pattern, scale: float, rows: int, outputs: int) -> tuple[str, str] | None:
    """A loss that is a sum over the rows, whose gradient is that of the mean: the value is what departs."""
    if rows == 1 and (outputs <= 2 or abs((pattern.factor or 1.0) * outputs - 1) > 1e-3):  # a half is a forgotten 2
        return None
    if pattern.factor is None or scale not in (1.0, 0.5, 1 / outputs):
        return None
    value = pattern.factor * scale
    means = [mean for mean, word in scales(rows, outputs).items() if "mean over" in word and mean < scale]
    if any(abs(value / mean - 1) < 1e-3 for mean in means):
        return "loss scale", "the value is a sum, the gradient is that of the mean"
    return None


def _terms(sample: Sample, scale: float) -> dict[str, Array]:
    p, t = sample.p, sample.t
    return {"missing activation derivative": scale * (p - t)} if "entropy" in sample.form.name else {}


SEVERAL_FORMS = re.compile(r"\.shape\) *[=!<>]=? *[12]|\.ndim|argmax")
"""What a backward says that takes labels and one-hot rows alike."""


class LossUnit:
    """A loss class of the program: its value, its gradient, and probability 0."""

    def __init__(self, unit: Unit, book: Book, layout: str, summed: bool = False) -> None:
        self.unit, self.book, self.layout = unit, book, layout
        self.summed = summed  # the layers take the mean over the rows: its gradient may be that of the sum
        self.scale: float | None = None
        self.shortcut = self.foreign = False
        self._take(loss_word(unit.name) or "squared error")
        if is_general(unit.name):
            self._by_value()

    def _take(self, word: str) -> None:
        """Take it for this loss."""
        self.form = LOSSES[word]
        self.fused = bool(re.search(r"softmax|logit", self.unit.name.lower())) and "entropy" in word

    def _by_value(self) -> None:
        """Its name says no more than that it is a loss: which one, its values say, or else its source."""
        for word in ("squared error", "cross-entropy", "binary cross-entropy", "absolute error", "hinge"):
            self._take(word)
            if self._fits(self.fused) or ("entropy" in word and self._fits(not self.fused)):
                return
        self.foreign = True
        self._take(written_loss(self.unit.name, self.unit.program.source(type(self.unit.thing))))

    def run(self) -> None:
        """All checks of it."""
        unit, book = self.unit, self.book
        done = 0
        errors = []
        if self.foreign and self._own_slope():
            book.unasked(f"{unit.name}: value", unit.subject(), "it is none of the losses that are known here")
            book.passed(f"{unit.name}: gradient, of its own value", unit.subject(True), 2.0)
            return
        if "entropy" in self.form.name and not self._fits(self.fused) and self._fits(not self.fused):
            self.fused = not self.fused
        for outputs in (OUTPUTS, 1) if "binary" in self.form.name or "error" in self.form.name else (OUTPUTS,):
            sample = Sample(self.form, self.layout, outputs)
            for label, targets in self._forms(sample):
                try:
                    done += self._one(sample, targets, f" ({label})" if len(sample.targets()) > 1 else "")
                except ProgramError as error:
                    errors.append(error)
            if done:
                break
        if not done and errors:
            book.error(f"{unit.name}: value", unit.subject(), errors[0], 2.0)

    def _own_slope(self) -> bool:
        """Whether its backward is the derivative of its own value, whatever that is."""
        for outputs in (OUTPUTS, 1):
            sample = Sample(LOSSES["squared error"], self.layout, outputs)
            targets = laid(sample.t, self.layout)
            factors = (1.0, float(len(sample.p))) if self.summed else (1.0,)
            try:
                self._value(laid(sample.p, self.layout), targets)
                dx = self.unit.backward(laid(sample.p, self.layout), true=targets).dx
                given = None if dx is None else back_to_rows(dx, self.layout)
                if follows_itself(lambda p, t=targets: self._value(laid(p, self.layout), t)[0], given, sample.p, factors):  # type: ignore[misc]
                    return True
            except ProgramError:
                continue
        return False

    def _forms(self, sample: Sample) -> list[tuple[str, Array]]:
        """The forms of targets that it is made for: one that merely can be multiplied is none of them."""
        forms = sample.targets()
        source = self.unit.program.source(type(self.unit.thing))
        if len(forms) < 2 or SEVERAL_FORMS.search(source):
            return forms
        told: dict[str, bool] = {}
        for label, targets in forms:
            try:
                value, _ = self._value(self._handed(sample), targets.copy())
            except ProgramError:
                continue
            if value is not None:
                told[label] = bool(fitting_scales(self.form, sample, value))
        if len(told) < 2 or all(told.values()):
            return forms
        if not any(told.values()):
            told = {label: (label == "labels") == bool(re.search(r"arange|range\(|eye\(|one_?hot", source)) for label in told}
        return [(label, targets) for label, targets in forms if told[label]]

    def _fits(self, fused: bool) -> bool:
        """Whether it is the cross-entropy of logits, or of probabilities."""
        kept, self.fused = self.fused, fused
        try:
            for outputs in (OUTPUTS, 1):
                sample = Sample(self.form, self.layout, outputs)
                for _, targets in sample.targets():
                    try:
                        value, _ = self._value(self._handed(sample), targets)
                    except ProgramError:
                        continue
                    if value is not None and fitting_scales(self.form, sample, value):
                        return True
        finally:
            self.fused = kept
        return False

    def _handed(self, sample: Sample) -> Array:
        """The predictions, or the logits that they come from."""
        if not self.fused:
            return laid(sample.p, self.layout)
        binary = "binary" in self.form.name
        return laid(np.log(sample.p / (1 - sample.p)) if binary else np.log(sample.p), self.layout)

    def _one(self, sample: Sample, targets: Array, label: str) -> bool:
        unit, book, _layout = self.unit, self.book, self.layout
        handed = self._handed(sample)
        kept = handed.copy(), targets.copy()
        value, per_row = self._value(handed, targets)
        if value is None:
            return False
        if not np.array_equal(kept[0], handed) or not np.array_equal(kept[1], targets):
            text = "forward writes to what it is handed"
            book.failed(f"{unit.name}: arguments are left alone", unit.subject(), "inputs changed", text)
            handed, targets = kept[0].copy(), kept[1].copy()
        found = fitting_scales(self.form, sample, value)
        if not found:
            diagnosis, sentence = self._axis(sample, value) or value_mistake(self.form, sample, value)
            at = departure(unit.subject(), "loss", value, self.form.value(sample.p, sample.t) / len(sample.p))
            book.failed(f"{unit.name}: value{label}", unit.subject(), diagnosis, sentence, 2.0, at)
            found = [1 / len(sample.p)]
        else:
            book.passed(f"{unit.name}: value{label}", unit.subject(), 2.0)
        if unit.behind is not None:
            scaled = sorted({*found, *([s * len(sample.p) for s in found] if per_row or self.summed else [])})
            self._gradient(sample, handed, targets, scaled, label)
        if "entropy" in self.form.name and not self.fused and "nothing" not in label:
            self._zero(sample, targets)
        if self.fused:
            self._large(sample, targets)
            self._small(sample, targets)
        return True

    def _value(self, p: Array, targets: Array) -> tuple[float | None, bool]:
        unit = self.unit
        if callable(getattr(unit.thing, "calculate", None)):
            result = unit.program.call(unit.thing.calculate, p, targets)
            return number_in(result), False
        result = unit.forward(p, true=targets)
        if self.fused and isinstance(result, np.ndarray) and result.shape == p.shape:
            return None, False
        return number_in(result), bool(np.ndim(result) and np.size(result) > 1)

    def _axis(self, sample: Sample, value: float) -> tuple[str, str] | None:
        """The softmax inside, over the wrong axis."""
        if not self.fused:
            return None
        return softmax_axis(np.log(sample.p), sample.t, value)

    def _gradient(self, sample: Sample, handed: Array, targets: Array, found: list[float], label: str) -> None:
        unit, book = self.unit, self.book
        given_p = laid(sample.p, self.layout)
        unit.forward(handed, true=targets)
        before = targets.copy()
        try:
            back = unit.backward(given_p, true=targets)
            if self.fused and not self._right(back.dx, sample, found):  # some take the logits once more
                again = unit.backward(handed.copy(), true=targets)
                named = re.search(r"logit|score|^z$", " ".join(required(getattr(unit.thing, str(unit.behind)))))
                back = again if named or self._right(again.dx, sample, found) else back
        except ProgramError as error:
            if not SEVERAL_FORMS.search(unit.program.source(getattr(unit.thing, str(unit.behind)))):
                raise
            book.error(f"{unit.name}: gradient{label}", unit.subject(True), error, 2.0)  # it asks for the form of its targets
            return
        if self.fused:
            a = None if back.dx is None else back_to_rows(back.dx, self.layout)
            best = None
            for scale in found:
                right = scale * (sample.p - sample.t)
                pattern = find_pattern(
                    a if a is not None else back.dx, right, name="the logits", batch=len(sample.p), tolerance=2e-4
                )
                if pattern is None:
                    self.scale = scale
                    book.passed(f"{unit.name}: gradient{label}", unit.subject(True), 2.0)
                    break
                best = pattern if best is None or best.name == "constant factor" else best
            else:
                assert best is not None
                at = departure(unit.subject(True), "gradient of the logits", a, found[0] * (sample.p - sample.t))
                told = sum_for_mean(best, found[0], *sample.p.shape) or (loss_diagnosis(best, *sample.p.shape), best.sentence)
                if told[0] == "wrong loss gradient" and self._odd_gradient(a, sample):
                    told = "softmax axis", "its softmax does not sum over the outputs of each sample"
                book.failed(f"{unit.name}: gradient{label}", unit.subject(True), *told, weight=2.0, departure=at)
        else:
            a = None if back.dx is None else back_to_rows(back.dx, self.layout)
            for scale in scales(*sample.p.shape):  # p − y: the derivative of softmax is in it already
                if (
                    "entropy" in self.form.name
                    and a is not None
                    and find_pattern(a, scale * (sample.p - sample.t), tolerance=2e-4) is None
                ):
                    self.scale, self.shortcut = scale, True
                    if scale in found:
                        book.passed(f"{unit.name}: gradient{label}, together with its activation's", unit.subject(True), 2.0)
                        return
            gradient_check(book, unit.name, unit.subject(True), back.dx, sample, found, label)
            base = sample.form.gradient(sample.p, sample.t)
            self.scale = next((s for s in found if find_pattern(a, s * base, tolerance=2e-4) is None), self.scale)
        self.scale = self.scale or found[0]
        if back.wrote or not np.array_equal(before, targets):
            text = "backward writes to what it is handed"
            book.failed(f"{unit.name}: arguments are left alone", unit.subject(True), "inputs changed", text)

    def _odd_gradient(self, a: Array | None, sample: Sample) -> bool:
        """Whether this is p − t with a softmax over the wrong axis."""
        every = [scale * (p - sample.t) for p in odd_softmaxes(np.log(sample.p)) for scale in scales(*sample.p.shape)]
        return "binary" not in self.form.name and any(find_pattern(a, wrong, tolerance=2e-4) is None for wrong in every)

    def _right(self, dx: Array | None, sample: Sample, found: list[float]) -> bool:
        """Whether this is the gradient of the logits, at one of the scales."""
        a = None if dx is None else back_to_rows(dx, self.layout)
        return any(find_pattern(a, scale * (sample.p - sample.t), tolerance=2e-4) is None for scale in found)

    def _zero(self, sample: Sample, targets: Array) -> None:
        """Probability 0 for the right class."""
        p = np.where(sample.t > 0.5, 0.0, 1.0 / max(sample.p.shape[1] - 1, 1))
        try:
            value, _ = self._value(laid(p, self.layout), targets)
        except ProgramError:
            return
        bad = value is None or not np.isfinite(value)
        text = f"the loss is {value} where the right class has probability 0"
        self.book.remark(f"{self.unit.name}: probability 0", self.unit.subject(), ("log of zero", text) if bad else None)

    def _small(self, sample: Sample, targets: Array) -> None:
        """Logits that leave the right class no probability in floating point."""
        try:
            value, _ = self._value(laid(np.where(sample.t > 0.5, -2000.0, 0.0), self.layout), targets)
        except ProgramError:
            return
        bad = value is None or not np.isfinite(value)
        text = f"the loss is {value} where the probability of the right class rounds to 0"
        self.book.remark(f"{self.unit.name}: probability 0", self.unit.subject(), ("log of zero", text) if bad else None)

    def _large(self, sample: Sample, targets: Array) -> None:
        """Logits of 5000."""
        try:
            value, _ = self._value(self._handed(sample) + (0.0 if "binary" in self.form.name else 5000.0), targets)
        except ProgramError:
            return
        bad = value is None or not np.isfinite(value)
        self.book.verdict(
            f"{self.unit.name}: large logits",
            self.unit.subject(),
            ("softmax overflow", f"logits of 5000 give {value}") if bad else None,
            2.0,
        )


def check_fused_backward(unit: Unit, book: Book, layout: str) -> None:
    """Softmax and cross-entropy as a backward alone: (p − y)/N of the outputs and the targets that it is handed."""
    sample = Sample(LOSSES["cross-entropy"], layout)
    for label, targets in sample.targets():
        try:
            back = unit.backward(laid(sample.p, layout), true=targets)
        except ProgramError:
            continue
        a = None if back.dx is None else back_to_rows(back.dx, layout)
        right = (sample.p - sample.t) / len(sample.p)
        pattern = find_pattern(a if a is not None else back.dx, right, name="the logits", batch=len(right), tolerance=2e-4)
        title = f"{unit.name}: gradient ({label})"
        if pattern is None:
            book.passed(title, unit.subject(True), 2.0)
        else:
            at = departure(unit.subject(True), "gradient of the logits", a, right)
            kind = diagnosis_of(pattern, *right.shape)
            book.failed(title, unit.subject(True), kind, pattern.sentence, weight=2.0, departure=at)
