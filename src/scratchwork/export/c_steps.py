"""Steps as C statements: buffers for what moves, loops over what stays, and the constants that they need."""

import math

import numpy as np

from ..arrays import Array
from ..errors import ConfigurationError
from ..preprocessing.encodings import LIMIT, Boolean, Category, Number
from . import c_parts as parts
from . import operations as ops
from .c_text import constants, number, said
from .subject import Subject

STACK = 256 * 1024
"""Bytes: beyond them the numbers between layers are static, and the functions serve one thread."""


class Writer:
    """Writes steps as statements; what they need stands before them."""

    def __init__(self, subject: Subject) -> None:
        self.real = "float" if subject.dtype == "float32" else "double"
        self.needed: set[str] = set()
        self.needed_double: set[str] = set()
        self.functions: list[str] = []
        self.data: list[str] = []
        self.names = 0
        self.bytes = 0

    def double_helpers(self) -> list[tuple[str, str]]:
        """What preprocessing needs in double where the network calculates in float: the same functions under other names."""
        wanted = [(name, text) for name, text in (parts.ELEMENTWISE | parts.ROWS).items() if name in self.needed_double]
        return [("double", text.replace(f" {parts.NAMES.get(name, name)}(", f" {_double(name)}(", 1)) for name, text in wanted]

    def array(self, array: Array, real: str) -> str:
        """The name of a constant array."""
        name = f"model_{len(self.data)}"
        self.data.append(constants(name, array, real))
        return name

    def helper(self, name: str, real: str) -> str:
        """The name of a helper in this type."""
        if real == self.real:
            self.needed.add(name)
            return parts.NAMES.get(name, name)
        self.needed_double.add(name)
        return _double(name)

    def fresh(self, size: int, real: str) -> tuple[str, str]:
        """A new buffer: its name and its declaration, in which STATIC is decided at the end."""
        self.names += 1
        self.bytes += size * (4 if real == "float" else 8)
        return f"t{self.names}", f"STATIC{real} t{self.names}[{size}];"

    def function(self, subject: Subject) -> str:
        """`scores`: rows as floats in, what the last layer gives out."""
        steps, real = subject.steps, self.real
        first = steps[0].dtype if steps else subject.dtype
        kind = "float" if first == "float32" else "double"
        size = math.prod(subject.in_shape)
        start, declared = self.fresh(size, kind)
        lines, declarations = [f"    for (i = 0; i < {size}; i++) {start}[i] = x[i];"], [declared]
        end, body, more = self.steps(steps, start, kind, protected=False)
        lines += [*body, f"    for (i = 0; i < MODEL_OUTPUTS; i++) y[i] = {end}[i];"]
        text = "\n".join(
            ["/* What the last layer gives. */", f"static void scores(const float *x, {real} *y)", "{"]
            + [f"    {line}" for line in [*declarations, *more]]
            + ["    int i;", *lines, "}"]
        )
        static = self.bytes > STACK
        note = "/* The numbers between layers are too many for a stack: one thread at a time. */\n" if static else ""
        return note + text.replace("STATIC", "static " if static else "")

    def block(self, steps: tuple[ops.Step, ...], name: str, *, in_place: bool) -> list[str]:
        """Statements that change `name` where it stands."""
        _, lines, _ = self.steps(steps, name, self.real, protected=not in_place)
        return lines

    def steps(self, steps: tuple[ops.Step, ...], x: str, kind: str, *, protected: bool) -> tuple[str, list[str], list[str]]:
        """(where the result is, statements, declarations); a protected x is left as it is."""
        lines: list[str] = []
        declarations: list[str] = []
        place = ""
        for step in steps:
            if step.place != place:
                place = step.place
                lines.append(f"    /* {said(place)} */")
            x, kind, protected = self.step(step, x, kind, protected, lines, declarations)
        return x, lines, declarations

    def step(
        self, step: ops.Step, x: str, kind: str, protected: bool, lines: list[str], declarations: list[str]
    ) -> tuple[str, str, bool]:
        """One step: where its result is, of which type, and whether that must be left alone."""
        operation, size, out = step.operation, math.prod(step.in_shape), math.prod(step.out_shape)
        if isinstance(operation, ops.Reshaped):
            return x, kind, protected
        new_kind = "float" if step.dtype == "float32" else "double"
        if isinstance(operation, ops.Convert) and new_kind == kind:
            return x, kind, protected
        moves = isinstance(operation, ops.Product | ops.Together | ops.Mean | ops.Categories | ops.Columns | ops.Convert)
        if moves or protected:
            y, declared = self.fresh(out, new_kind)
            declarations.append(declared)
        else:
            y = x
        each = f"    for (i = 0; i < {out}; i++) "
        match operation:
            case ops.Product():
                weight = self.array(operation.weight, kind)
                bias = "0" if operation.bias is None else self.array(operation.bias, kind)
                lines.append(f"    {self.helper('dense', kind)}({x}, {weight}, {bias}, {y}, {size}, {out});")
            case ops.Features():
                lines.append(f"{each}{y}[i] = {self.features(operation, f'{x}[i]', out, kind)};")
            case ops.Elementwise():
                parameter = f", {number(operation.parameter, kind)}" if operation.parameter else ""
                parameter = ", 0" if operation.function == "leaky_relu" and not parameter else parameter
                lines.append(f"{each}{y}[i] = {self.helper(operation.function, kind)}({x}[i]{parameter});")
            case ops.Softmax() | ops.Normalize():
                if y != x:
                    lines.append(f"{each}{y}[i] = {x}[i];")
                width = step.in_shape[-1]
                numbers = ""
                if isinstance(operation, ops.Normalize):
                    gamma, beta = self.array(operation.gamma, kind), self.array(operation.beta, kind)
                    numbers = f"{gamma}, {beta}, {number(operation.eps, kind)}, "
                name = self.helper("softmax" if isinstance(operation, ops.Softmax) else "normalize", kind)
                lines.append(f"    {name}({y}, {numbers}{size // width}, {width});")
            case ops.Together():
                self.together(operation, x, y, kind, out, lines, declarations)
            case ops.Mean():
                lines.append(f"{each}{{")
                lines.append(f"        int k;\n        {kind} sum = 0;")
                lines.append(f"        for (k = 0; k < {operation.parts}; k++) sum += {x}[k * {out} + i];")
                lines.append(f"        {y}[i] = sum * {number(1 / operation.parts, kind)};\n    }}")
            case ops.Categories():
                values = self.array(np.array(operation.values, np.float64), "double")
                lines.append(f"{each}{y}[i] = {x}[0] == {values}[i];")
            case ops.Columns():
                lines += [f"    {line}" for line in _columns(operation, x, y)]
            case ops.Convert():
                lines.append(f"{each}{y}[i] = ({new_kind}){x}[i];")
        return y, new_kind, False

    def together(
        self, operation: ops.Together, x: str, y: str, kind: str, out: int, lines: list[str], declarations: list[str]
    ) -> None:
        """Each member from the same x into its own part of y."""
        width = out // len(operation.members)
        for index, member in enumerate(operation.members):
            end, body, more = self.steps(member, x, kind, protected=True)
            declarations += more
            lines += [*body, f"    for (i = 0; i < {width}; i++) {y}[{index * width} + i] = {end}[i];"]

    def features(self, operation: ops.Features, x: str, out: int, kind: str) -> str:
        """(x - a) / b * c + d, as far as they are there."""

        def value(entry: Array | float) -> str:
            if isinstance(entry, float | int):
                return number(float(entry), kind)
            name = self.array(entry, kind)
            return f"{name}[i]" if entry.size == out else f"{name}[i % {entry.size}]"

        text = x
        for sign, entry in (
            ("-", operation.subtract),
            ("/", operation.divide),
            ("*", operation.multiply),
            ("+", operation.add),
        ):
            if entry is not None:
                text = f"({text} {sign} {value(entry)})" if sign == "-" else f"{text} {sign} {value(entry)}"
        return text


def _double(name: str) -> str:
    return f"{name}_double"


def _columns(operation: ops.Columns, x: str, y: str) -> list[str]:
    """One statement or a few for each column."""
    lines, place = [], 0
    for index, encoding in enumerate(operation.encodings):
        value = f"{x}[{index}]"
        lines.append(f"/* {said(encoding.name)} */")
        if isinstance(encoding, Number):
            if not encoding.constant:
                filled = f"(isnan({value}) ? {encoding.fill!r} : {value})"
                lines.append(f"{y}[{place}] = ({filled} - {encoding.center!r}) / {encoding.scale!r};")
                if encoding.clipped:
                    lines.append(f"{y}[{place}] /= hypot(1, {y}[{place}] / {LIMIT!r});")
                place += 1
            if encoding.missing:
                lines.append(f"{y}[{place}] = isnan({value}) ? 1 : 0;")
                place += 1
        elif isinstance(encoding, Boolean):
            lines.append(f"{y}[{place}] = isnan({value}) ? 0 : 2 * {value} - 1;")
            place += 1
        elif isinstance(encoding, Category):
            count = len(encoding.categories)
            if encoding.two:
                lines.append(f"{y}[{place}] = {value} == 0 ? -1 : {value} == 1 ? 1 : 0;")
                place += 1
                continue
            lines.append(f"for (i = 0; i < {count}; i++) {y}[{place} + i] = {value} == i;")
            place += count
            if encoding.other:
                known = f"{value} >= 0 && {value} < {count} && {value} == (int){value}"
                lines.append(f"{y}[{place}] = {value} == -1 || isnan({value}) || ({known}) ? 0 : 1;")
                place += 1
        else:
            raise ConfigurationError(f"column {encoding.name!r} of kind {encoding.kind} cannot be written in C")
    return lines
