"""The checks of a whole network: what it computes, how it behaves at the edges, and where its gradients depart."""

from __future__ import annotations

import re

import numpy as np

from ..arrays import Array
from .by_loss import output_now, read_by_loss
from .hints import Book, departure
from .known import LOSSES, LossForm, scales
from .loading import ProgramError
from .pairing import chain
from .reading import Reading, as_rows, close, forward_mistake, outputs_of, read, spread
from .subject import Subject
from .tasks import Task, make_task, rows_for


class NetworkChecks:
    """All checks of one network, in the order in which its author would mend it."""

    def __init__(self, subject: Subject, book: Book) -> None:
        self.subject, self.book = subject, book
        self.reading: Reading | None = None
        self.losses: list[tuple[LossForm, float]] = []
        self.target_form = "hot"
        self.fault: tuple[str, str] | None = None

    def run(self) -> Reading | None:
        """Forward, loss and gradients; None where the forward does not even run."""
        if not self.find_reading():
            return None
        if self.reading is not None and not self.reading.output_name:  # nothing but its loss is known
            self.check_loss()
            return self.reading
        self.check_forward()
        self.check_rows()
        self.check_large()
        self.check_loss()
        return self.reading

    # ---- forward

    def features(self) -> tuple[int, int]:
        """(inputs, outputs) by the shapes of the weights."""
        found = chain(self.subject.parameters)
        shapes = dict(self.subject.values())
        if found is None:
            matrices = [a.shape for a in shapes.values() if a.ndim == 2 and 1 not in a.shape] or [
                a.shape for a in shapes.values()
            ]
            return matrices[0][0], matrices[-1][-1]
        first, last = shapes[found[0][0]].shape, shapes[found[0][-1]].shape
        return (first[0], last[1]) if found[2] == "in, out" else (first[1], last[0])

    def layouts(self) -> list[str]:
        """How rows may lie, the likeliest first."""
        found = chain(self.subject.parameters)
        return ["rows", "columns", "vector"] if found is None or found[2] == "in, out" else ["columns", "rows", "vector"]

    def find_reading(self) -> bool:
        """Find the layout in which forward runs, best one in which it is a known network."""
        spread(self.subject)
        features, outputs = self.features()
        sizes = [size for _, array in self.subject.parameters for size in array.shape]
        errors: list[ProgramError] = []
        found: list[tuple[str, Reading]] = []
        for layout in self.layouts():
            self.subject.layout = layout
            task = make_task(1 if layout == "vector" else rows_for(*sizes, features, outputs), features, outputs)
            try:
                reading = read(self.subject, task, outputs)
            except ProgramError as error:
                errors.append(error)
                continue
            found.append((layout, reading))
            if reading.net is not None:
                break
        if not found and self.subject.style == "dictionary":
            self.reading = read_by_loss(self.subject, self.own_loss, features, outputs)
            if self.reading is not None:
                self.book.passed("forward runs", self.where("loss"))
                return True
        if not found:
            self.book.error(
                "forward runs", self.where("forward"), next((e for e in errors if e.kind != "wrong shape"), errors[0]), 3.0
            )
            return False
        self.subject.layout, self.reading = next((entry for entry in found if entry[1].net is not None), found[0])
        read(self.subject, self.reading.task, outputs)
        self.book.passed("forward runs", self.where("forward"))
        return True

    def where(self, kind: str) -> str:
        """What the program calls this, for a report."""
        return (
            self.subject.name(kind)
            or self.subject.name("loss" if kind == "backward" else "forward")
            or self.subject.name("loss")
            or kind
        )

    def check_forward(self) -> None:
        """Is it the network that its parameters say?"""
        reading, name = self.reading, self.where("forward")
        assert reading is not None
        if not np.isfinite(reading.output).all():
            self.book.failed(
                "forward is right", name, "wrong output", f"{reading.output_name} holds numbers that are not finite", 3.0
            )
            return
        if self.changed():
            self.book.failed("x is left alone", name, "inputs changed", "forward writes to the rows that it is handed", 2.0)
        if reading.net is None:
            if not reading.weights:
                self.book.unasked("forward is right", name, "its layers are none of those that are known here")
                return
            diagnosis, sentence, meant = forward_mistake(self.subject, reading)
            if meant is None and self.sampled():
                self.book.unasked("forward is right", name, "it draws random numbers")
                return
            found = departure(name, reading.output_name, reading.output, None if meant is None else meant.a[-1])
            told = sentence or f"{reading.output_name} is not what dense layers with a known activation give"
            self.book.failed("forward is right", name, diagnosis, told, 3.0, found)
            self.reading = reading
            return
        linear = [n for n, kind in enumerate(reading.net.hidden) if kind == "linear"]
        if linear:
            text = f"layer {linear[0] + 1} has no activation: its output is z itself"
            self.book.failed("forward is right", name, "missing activation", text, 3.0)
        else:
            self.book.passed("forward is right", name, 3.0)

    def changed(self) -> bool:
        """Whether forward writes to the rows that it is handed."""
        assert self.reading is not None
        try:
            self.subject.forward(self.reading.task)
        except ProgramError:
            return False
        return not np.array_equal(self.subject.env.roles["x"], self.reading.task.rows(self.subject.layout))

    def sampled(self) -> bool:
        """Whether two forwards of the same rows differ."""
        assert self.reading is not None
        try:
            first = self.subject.forward(self.reading.task)
            kept = [a.copy() for _, a in first]
            again = self.subject.forward(self.reading.task)
        except ProgramError:
            return False
        return any(
            a.shape == b.shape and not np.array_equal(a, b, equal_nan=True) for a, (_, b) in zip(kept, again, strict=False)
        )

    def output(self, task: Task) -> Array:
        """The program's output for these rows, one row each."""
        assert self.reading is not None
        if not self.reading.output_name:
            return output_now(self.subject, self.reading, task.x)
        self.subject.forward(task)
        for name, array in self.subject.trace:
            if name == self.reading.output_name:
                found = as_rows(array, len(task.x), self.subject.layout)
                if found is not None:
                    return found
        candidates = outputs_of(self.subject, task, self.reading.output.shape[1])
        if not candidates:
            raise ProgramError("wrong shape", f"{self.where('forward')} gives another shape for {len(task.x)} rows")
        return candidates[0][1]

    def check_rows(self) -> None:
        """Change one row: only its own output may move. And x stays as it was."""
        reading, name = self.reading, self.where("forward")
        assert reading is not None
        task = reading.task
        try:
            before = self.output(task)
            handed = self.subject.env.roles["x"]
            unchanged = np.array_equal(handed, task.rows(self.subject.layout))
            if unchanged:
                self.book.passed("x is left alone", name)
            if len(task.x) > 1 and not self.sampled():
                moved = Task(task.x.copy(), task.labels, task.classes)
                moved.x[2] += 1.5
                after = self.output(moved)
                others = np.delete(np.arange(len(task.x)), 2)
                mixed = not close(before[others], after[others], 1e-9)
                text = "changing sample 3 moves the outputs of the other samples"
                self.book.verdict("rows do not influence each other", name, ("batch dependence", text) if mixed else None, 2.0)
        except ProgramError as error:
            self.book.error("rows do not influence each other", name, error)

    def check_large(self) -> None:
        """Softmax at logits of a thousand."""
        reading, name = self.reading, self.where("forward")
        assert reading is not None
        net = reading.net
        if net is None or net.output != "softmax":
            return
        values = self.subject.values()
        last = reading.biases[-1]
        try:
            if last is not None:  # the same number for every output: softmax stays as it is
                self.subject.put({**values, last: values[last] + 5000.0})
            else:
                self.subject.put({**values, reading.weights[-1]: values[reading.weights[-1]] * 1e4})
            p = self.output(reading.task)
            found = None
            if not np.isfinite(p).all():
                found = ("softmax overflow", f"logits of 5000 give {'nan' if np.isnan(p).any() else 'inf'}")
            self.book.verdict("softmax at large logits", name, found, 2.0)
        except ProgramError as error:
            self.book.error("softmax at large logits", name, error)
        finally:
            self.subject.put(values)

    # ---- loss

    def forms(self) -> list[str]:
        """The forms that targets may have, the likeliest first for this program."""
        text = self.subject.source("backward") + self.subject.source("loss")
        labels = bool(re.search(r"one_?hot|np\.arange|range\(|np\.eye", text, re.IGNORECASE))
        first = ["labels", "hot"] if labels else ["hot", "labels"]
        return ["hot", "label"] if self.subject.layout == "vector" else [*first, "label row", "label column"]

    def check_loss(self) -> None:
        """Its value against the known losses; which one it is, and how it is scaled, is what the gradients must follow."""
        reading, subject = self.reading, self.subject
        assert reading is not None
        if "loss" not in subject.calls:
            return
        name, errors, values = self.where("loss"), [], []
        for form in self.forms():
            subject.form = form
            try:
                value = self.own_loss(reading.task)
            except ProgramError as error:
                errors.append(error)
                continue
            if value is None:
                continue
            values.append((form, value))
            known = self.known_losses(value)
            if known:
                self.losses, self.target_form = known, form
                self.book.passed("loss value", name, 2.0)
                return
        if not values:
            if errors and errors[0].kind in ("hangs", "exits", "out of memory"):
                self.book.error("loss value", name, errors[0], 2.0)
            else:
                self.book.unasked("loss value", name, str(errors[0]) if errors else "it returns no number")
            return
        self.target_form = subject.form = values[0][0]
        if reading.net is None:
            self.book.unasked("loss value", name, "the forward is not known, so its loss is not either")
            return
        self.fault = self.loss_mistake(values[0][1])

    def report_loss(self) -> None:
        """The loss's own mistake, once it is known that the rows of a batch do not mix in it."""
        if self.fault is not None:
            self.book.failed("loss value", self.where("loss"), *self.fault, weight=2.0)

    def own_loss(self, task: Task) -> float | None:
        """The value of the program's loss after a forward of its own."""
        subject = self.subject
        if "forward" in subject.calls:
            subject.forward(task)
            out = next((a for n, a in subject.trace if self.reading is not None and n == self.reading.output_name), None)
            return subject.loss(task, subject.trace[0][1] if out is None else out)
        return subject.loss(task, np.zeros(0))

    def usual(self) -> list[LossForm]:
        """The losses that go with the output's activation."""
        assert self.reading is not None
        net = self.reading.net
        kind = "linear" if net is None else net.output
        found = [form for form in LOSSES.values() if kind in form.outputs]
        order = {"softmax": "cross-entropy", "sigmoid": "binary cross-entropy", "linear": "softmax cross-entropy"}.get(kind, "")
        return sorted(found, key=lambda form: form.name != order)

    def known_losses(self, value: float) -> list[tuple[LossForm, float]]:
        """The (loss, scale) pairs that give this value."""
        reading = self.reading
        assert reading is not None
        rows, outputs = reading.output.shape
        found = []
        for form in self.usual():
            with np.errstate(all="ignore"):
                total = form.value(reading.output, reading.task.hot)
            known = scales(rows, outputs, half="squared" in form.name)
            found += [(form, scale) for scale in known if abs(value - scale * total) <= 1e-5 * max(abs(scale * total), 1e-9)]
        return found

    def loss_mistake(self, value: float) -> tuple[str, str]:
        """(diagnosis, sentence) for a value that no known loss has."""
        reading = self.reading
        assert reading is not None
        form = self.usual()[0]
        total = form.value(reading.output, reading.task.hot)
        rows = reading.output.shape[0]
        if not np.isfinite(value):
            return "wrong loss", f"it is {value:g} for ordinary outputs"
        known = self.known_losses(-value)
        if known:
            return "wrong loss", f"it is {value:.6g}, the {known[0][0].name} with the wrong sign"
        for one in self.usual():
            for power in (rows, rows * rows, reading.output.shape[1], len(reading.task.x[0])):
                for factor in (power, 1 / power, 1 / (rows * power)):
                    if abs(value - factor * one.value(reading.output, reading.task.hot)) <= 1e-6 * abs(value):
                        return "loss scale", f"it is {value:.6g}, which is {factor:.4g} times the sum of the {one.name}"
        return "wrong loss", f"it is {value:.6g} where the mean {form.name} of these outputs is {total / rows:.6g}"
