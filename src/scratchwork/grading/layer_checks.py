"""The checks of single layers: dense ones, activations, dropout."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..arrays import Array
from ..gradient_patterns import find_pattern
from .gradients import diagnosis_of
from .helpers import near
from .hints import Book, departure
from .known import HIDDEN, act, pull
from .loading import ProgramError
from .units import DIMS, Unit

RNG = np.random.default_rng(21)
ROWS = 7


def laid(rows: Array, layout: str) -> Array:
    """Rows as a program wants them: as they are, as columns, or one of them alone."""
    return np.array({"columns": rows.T, "column": rows[:1].T, "row": rows[:1], "vector": rows[0]}.get(layout, rows))


def back_to_rows(array: Any, layout: str) -> Array | None:
    """One row per sample again."""
    try:
        a = np.asarray(array, np.float64)
    except (TypeError, ValueError):
        return None
    if layout in ("columns", "column"):
        return a.T if a.ndim == 2 else None
    if layout == "vector":
        return a[None] if a.ndim == 1 else None
    return a if a.ndim == 2 else None


def gradient_sentence(
    book: Book, unit: Unit, name: str, given: Any, right: Array, *, otherwise: str = "", moved: bool = False, **more: Any
) -> bool:
    """One check of a gradient by its pattern."""
    pattern = find_pattern(given, right, name=name, tolerance=2e-5, **more)
    if pattern is None:
        book.passed(f"{unit.name}: gradient of {name}", unit.subject(True), 2.0)
        return True
    at = departure(unit.subject(True), f"gradient of {name}", given, right)
    kind = diagnosis_of(pattern)
    kind = otherwise if otherwise and kind in ("unknown", "some entries") else kind
    if pattern.factor is not None and moved and abs(pattern.factor * unit.rate - 1) < 1e-6:
        kind = "learning rate ignored"
    book.failed(f"{unit.name}: gradient of {name}", unit.subject(True), kind, pattern.sentence, 2.0, at)
    return False


class DenseChecks:
    """One dense layer class: its forward, its backward, whether its rows stay apart."""

    def __init__(self, unit: Unit, book: Book, single: bool, mean_of_loss: bool | None) -> None:
        self.unit, self.book, self.single, self.mean_of_loss = unit, book, single, mean_of_loss
        self.layout = "rows"
        self.names: dict[str, str] = {}

    def run(self) -> str:
        """All checks; the layout of the rows that the layer takes."""
        unit, found = self.unit, self.unit.weight
        assert found is not None
        for _, array in unit.parameters:
            array[...] = RNG.normal(size=array.shape)
        path, weight = found
        bias = unit.bias
        x = RNG.normal(size=(ROWS, DIMS["features"]))
        errors = []
        y = None
        for layout in ("rows", "columns", "column", "row", "vector"):
            try:
                handed = laid(x, layout)
                if handed.shape[0 if layout in ("columns", "column", "vector") else 1] not in weight.shape:
                    continue
                y = back_to_rows(unit.forward(handed), layout)
            except ProgramError as error:
                errors.append(error)
                continue
            if y is not None and y.shape == (len(laid_rows(x, layout)), other(weight.shape, DIMS["features"])):
                self.layout = layout
                break
        else:
            if errors:
                self.book.error(f"{unit.name}: forward", unit.subject(), errors[0], 3.0)
            elif y is not None:
                self.book.failed(f"{unit.name}: forward", unit.subject(), "wrong shape", f"its output has shape {y.shape}", 3.0)
            return self.layout
        matrix = weight if weight.shape[0] == DIMS["features"] else weight.T
        x = laid_rows(x, self.layout)
        self._forward(x, y, matrix, bias, handed)
        if unit.behind is not None:
            self._backward(x, matrix, path, bias)
        return self.layout

    def _forward(self, x: Array, y: Array, matrix: Array, bias: tuple[str, Array] | None, handed: Array) -> None:
        unit, book = self.unit, self.book
        plain = x @ matrix
        right = plain + (0.0 if bias is None else bias[1].ravel())
        if near(y, right):
            book.passed(f"{unit.name}: forward", unit.subject(), 3.0)
        elif bias is not None and near(y, plain):
            at = departure(unit.subject(), "output", y, right)
            book.failed(f"{unit.name}: forward", unit.subject(), "missing bias forward", "the bias is never added", 3.0, at)
        else:
            kind = next((k for k in HIDDEN if near(y, act(k, right))), None)
            if kind is not None:
                self.book.passed(f"{unit.name}: forward, with {kind} inside", unit.subject(), 3.0)
                self.inside = kind
            else:
                text = "its output is not x W + b"
                if mixes(unit, x, self.layout):
                    text = "changing one sample moves the outputs of the others"
                    book.failed(f"{unit.name}: rows do not influence each other", unit.subject(), "batch dependence", text, 3.0)
                    return
                book.failed(
                    f"{unit.name}: forward",
                    unit.subject(),
                    "wrong output",
                    text,
                    3.0,
                    departure(unit.subject(), "output", y, right),
                )
        if not np.array_equal(handed, laid(x, self.layout)):
            book.failed(f"{unit.name}: x is left alone", unit.subject(), "inputs changed", "forward writes to its input")

    inside = "linear"
    averages = False

    def _backward(self, x: Array, matrix: Array, path: str, bias: tuple[str, Array] | None) -> None:
        unit, book = self.unit, self.book
        z = x @ matrix + (0.0 if bias is None else bias[1].ravel())
        dy = np.random.default_rng(22).normal(size=z.shape)
        try:
            unit.forward(laid(x, self.layout))
            back = unit.backward(laid(dy, self.layout), shape=laid(x, self.layout).shape)
            if len(x) > 1 and bias is not None and self._per_sample(back.grads.get(bias[0]), bias[1]):
                raise ProgramError("does not run", "one sample at a time")
        except ProgramError as error:
            if len(x) == 1 or not (self.single and bias is not None):
                book.error(f"{unit.name}: backward", unit.subject(True), error, 4.0)
                return
            self.layout = "column" if self.layout == "columns" else "row"  # made for one sample at a time
            for _, array in unit.parameters:
                array[...] = np.random.default_rng(23).normal(size=array.shape)
            fresh = unit.weight
            assert fresh is not None
            self._backward(x[:1], fresh[1] if fresh[1].shape[0] == DIMS["features"] else fresh[1].T, path, unit.bias)
            return
        dz = pull(self.inside, z, dy)
        right_w, right_b, right_x = x.T @ dz, dz.sum(axis=0), dz @ matrix.T
        turned = matrix is not dict(unit.parameters)[path]
        value = dict(unit.parameters)[path]
        scale = self._mean_inside(back.grads.get(path), right_w.T if value.shape != right_w.shape else right_w, len(x))
        if value.shape != right_w.shape or (turned and value.shape == right_w.T.shape):
            right_w = right_w.T
        terms = {"missing activation derivative": (x.T @ dy).reshape(x.shape[1], -1)} if self.inside != "linear" else {}
        terms = {k: (v.T if v.shape != right_w.shape else v) for k, v in terms.items()}
        more: dict[str, Any] = {"batch": len(x), "moved": back.moved}
        gradient_sentence(book, unit, path, back.grads.get(path), scale * right_w, terms=terms, value=value, **more)
        if bias is not None:
            right = scale * right_b.reshape(bias[1].shape)
            everything = {"bias axis": np.full(right.shape, dz.sum())}
            given = back.grads.get(bias[0])
            gradient_sentence(book, unit, f"{bias[0]} (bias)", given, right, value=bias[1], terms=everything, **more)
        moved = back.after[path]
        moved = moved if moved.shape == matrix.shape else moved.T
        wrong = {"updated weights": dz @ moved.T, "missing activation derivative": dy @ matrix.T}
        dx = None if back.dx is None else back_to_rows(back.dx, self.layout)
        gradient_sentence(book, unit, "the inputs", dx if dx is not None else back.dx, right_x, batch=len(x), terms=wrong)
        if back.wrote:
            book.failed(
                f"{unit.name}: dy is left alone", unit.subject(True), "inputs changed", "backward writes to what it is handed"
            )
        self._again(x, dy, path, back.grads.get(path), back.moved)

    def _per_sample(self, given: Array | None, bias: Array) -> bool:
        """Whether the bias of a layer for single samples got one column for each of several."""
        return self.single and given is not None and given.size == bias.size * ROWS

    def _mean_inside(self, given: Array | None, right: Array, rows: int) -> float:
        """1/N where the layer takes the mean and the loss does not: a convention."""
        if given is None or given.shape != right.shape or rows == 1 or self.mean_of_loss:
            return 1.0
        self.averages = any(np.allclose(given, sign * right / rows, rtol=1e-4) for sign in (1, -1))
        return 1 / rows if self.averages else 1.0

    def _again(self, x: Array, dy: Array, path: str, first: Array | None, moved: bool) -> None:
        unit = self.unit
        try:
            unit.forward(laid(x, self.layout))
            second = unit.backward(laid(dy, self.layout), shape=laid(x, self.layout).shape, again=True).grads.get(path)
        except ProgramError:
            return
        zero = re.search(
            r"zero_?grad|reset_?grad|clear_?grad|grad\w*(\[\.\.\.\]|\[:\])? *= *0|grad\w*\.fill\(0|grad\w* *\*= *0",
            unit.program.text,
        )
        if (
            first is not None
            and second is not None
            and not moved
            and not zero
            and first.any()
            and np.allclose(second, 2 * first)
        ):
            text = f"a second backward doubles the gradient of {path}: it is added to the one before"
            self.book.failed(f"{unit.name}: a second backward", unit.subject(True), "accumulates", text)


def mixes(unit: Unit, x: Array, layout: str) -> bool:
    """Whether changing one row moves the outputs of the others."""
    if len(x) < 3:
        return False
    try:
        before = back_to_rows(unit.forward(laid(x, layout)), layout)
        moved = x.copy()
        moved[1] += 1.0
        after = back_to_rows(unit.forward(laid(moved, layout)), layout)
    except ProgramError:
        return False
    if before is None or after is None or before.shape != after.shape:
        return False
    return not np.allclose(np.delete(before, 1, axis=0), np.delete(after, 1, axis=0), rtol=1e-7)


def laid_rows(x: Array, layout: str) -> Array:
    """The rows that a layout hands over."""
    return x[:1] if layout in ("column", "row", "vector") else x


def other(shape: tuple[int, ...], features: int) -> int:
    """The number of units of a matrix that has this many inputs."""
    return shape[1] if shape[0] == features else shape[0]
