"""L1 and L2 inside of a layer class: their part of the gradient, and of the loss where the program counts it."""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np

from ..arrays import Array
from ..gradient_patterns import find_pattern
from .binding import in_float64, required
from .hints import Book, departure
from .layer_checks import laid, other
from .loading import Program, ProgramError
from .units import Unit, attempts, layout_guess


class PenaltyChecks:
    """The penalties of one program's layers; `things` are its objects, one of which may count them."""

    def __init__(self, program: Program, book: Book, things: list[Any]) -> None:
        self.program, self.book, self.things = program, book, things

    def run(self, cls: type) -> None:
        """L1 and L2 of a dense layer, where it takes their strengths."""
        names = [
            n
            for n in inspect.signature(cls).parameters
            if re.search(r"(l1|l2)$|regulariz|^lambda|^reg$|weight_decay", n.lower())
        ]
        for name in names:
            power = 1 if re.search(r"l1$", name.lower()) else 2
            bias = "bias" in name.lower()
            thing = None
            for positional, named in attempts(self.program, cls):
                try:
                    thing = self.program.call(cls, *positional, **{**named, name: 0.3})
                    break
                except ProgramError:
                    continue
            if thing is None:
                continue
            unit = Unit(self.program, in_float64(thing))
            found = unit.bias if bias else unit.weight
            if found is None or unit.behind is None:
                continue
            try:
                self._one_penalty(unit, found, name, power)
            except ProgramError as error:
                self.book.error(f"{unit.name}: {name}", unit.subject(True), error)

    def _one_penalty(self, unit: Unit, found: tuple[str, Array], name: str, power: int) -> None:
        path, value = found
        value[...] = np.random.default_rng(51).normal(size=value.shape)
        layout = layout_guess(unit)
        weight = unit.weight
        assert weight is not None
        x, dy = np.random.default_rng(52).normal(size=(7, 5)), np.zeros((7, other(weight[1].shape, 5)))
        unit.forward(laid(x, layout))
        given = unit.backward(laid(dy, layout)).grads.get(path)
        unit_slope = np.sign(value) if power == 1 else 2 * value
        term = self._penalty_value(unit, value, power)
        choices = [term] if term is not None else ([1.0] if power == 1 else [1.0, 0.5])
        title = f"{unit.name}: {name}"
        patterns = [find_pattern(given, 0.3 * c * unit_slope, name=path, tolerance=1e-5) for c in choices if c]
        if not patterns or any(p is None for p in patterns):
            self.book.passed(title, unit.subject(True), 2.0)
            return
        first = patterns[0]
        assert first is not None
        none = given is None or not np.any(given)
        kind = "missing regularizer" if none else "wrong regularizer"
        right = 0.3 * choices[0] * unit_slope
        at = departure(unit.subject(True), f"penalty's part of the gradient of {path}", given, right)
        text = (
            f"the gradient of {path} has no term of the penalty"
            if none
            else f"its penalty's gradient is wrong: {first.sentence}"
        )
        self.book.failed(title, unit.subject(True), kind, text, 2.0, at)

    def _uncounted(self, name: str, layer: str) -> bool:
        """Whether the program makes layers with a penalty, and never asks for what the loss is to have of it."""
        text = "\n".join(line.partition("#")[0] for line in self.program.text.splitlines())
        made = re.search(
            rf"\b{layer}\([^()]*(l1|l2|regulariz\w*|reg|lambda\w*|lambd|weight_decay)\w*\s*=\s*[^0\s]*0?\.?\d", text
        )
        return made is not None and len(re.findall(rf"\b{name}\b", text)) <= len(re.findall(rf"\bdef {name}\b", text))

    def _penalty_value(self, unit: Unit, value: Array, power: int) -> float | None:
        """How the program's own regularization_loss counts it: 1 for λ ΣW², ½ for half of it; None where it has none."""
        for owner in (unit.thing, *self.things):
            name = next(
                (n for n in dir(owner) if re.fullmatch(r"reg\w*_loss|penalty\w*|reg\w*_cost|l2_loss|weight_loss", n)), None
            )
            function = getattr(owner, name, None) if name else None
            if function is None or not callable(function):
                continue
            arguments = required(function)
            if len(arguments) > 1 or (not arguments and owner is not unit.thing):
                return None
            try:
                given = float(np.asarray(self.program.call(function, *([unit.thing] if arguments else []))).sum())
            except (ProgramError, TypeError, ValueError):
                return None
            whole = 0.3 * float(np.abs(value).sum() if power == 1 else (value * value).sum())
            share = given / whole
            right = min((1.0, 0.5) if power == 2 else (1.0,), key=lambda s: abs(s - share))
            title = f"{type(owner).__name__}.{name}"
            if abs(share - right) > 1e-6:
                kind = "loss without regularizer" if given == 0 else "wrong loss"
                self.book.failed("the penalty in the loss", title, kind, f"it is {given:.6g} where {whole:.6g} belongs", 1.0)
                return None
            if self._uncounted(str(name), type(unit.thing).__name__):
                text = f"{name} is never called, though layers are made that have a penalty"
                self.book.failed("the penalty in the loss", title, "loss without regularizer", text, 1.0)
            else:
                self.book.passed("the penalty in the loss", title)
            return right
        return None
