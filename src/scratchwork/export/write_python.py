"""A model as one Python file that needs NumPy alone: code first, numbers as base64 text behind it."""

import base64
from typing import Any

import numpy as np

from .._version import __version__
from ..arrays import Array
from ..data.table import Table
from . import operations as ops
from . import python_parts as parts
from .subject import Rows, Subject


def python_source(subject: Subject, tolerance: float) -> str:
    """The text of the file."""
    writer = _Writer()
    body = writer.function("scores", subject.steps)
    link = writer.lines(subject.link_steps)
    if subject.head.kind == "two" and subject.head.link is not None:
        link.append("    x = np.concatenate([1 - x, x], axis=1)")
    columns = subject.columns
    head = subject.head
    constants = {
        "IN_SHAPE": repr(subject.in_shape),
        "LABELS": _literal(head.labels),
        "THRESHOLD": repr(head.threshold),
        "FEATURE_NAMES": _literal(subject.feature_names),
        "FIRST_DTYPE": "np.float64" if subject.steps and subject.steps[0].dtype == "float64" else f"np.{subject.dtype}",
        "TOLERANCE": repr(tolerance),
    }
    if head.kind == "numbers":
        constants["SINGLE"] = repr(head.values == "values" and subject.outputs == 1)
    if columns is not None:
        constants["COLUMNS"] = "[\n" + "".join(f"    {_literal(_column(entry))},\n" for entry in columns.encodings) + "]"
    helpers = [parts.HELPERS[name] for name in parts.HELPERS if name in writer.needed]
    if columns is not None:
        helpers.insert(0, parts.TABLE)
    rows = parts.ROWS_OF_TABLE if columns is not None else parts.ROWS_OF_TEXT if _text(subject) else parts.ROWS
    sections = [
        parts.HEAD.replace("{version}", __version__).replace("{layers}", _layers(subject)),
        "\n".join(f"{name} = {value}" for name, value in constants.items()),
        parts.ARRAY,
        *helpers,
        rows,
        *writer.functions,
        body,
        parts.LINKED.replace("{values}", head.values).replace("{lines}", "\n".join([*link, "    return x"])),
        *[parts.PROBABILITIES] * (head.values == "probabilities"),
        parts.PREDICT[head.kind],
        parts.CHECK,
        "# The numbers of the model, little-endian, as base64.\n" + "\n".join(writer.data),
        "# Rows, and what the model that was exported said about them.\n" + _golden(subject.golden, writer),
        parts.MAIN,
    ]
    return "\n\n\n".join(section.strip("\n") for section in sections) + "\n"


def _layers(subject: Subject) -> str:
    return "\n".join(f"    {ascii(place)[1:-1]}".replace('"', "'") for place in subject.description)


def _text(subject: Subject) -> bool:
    first = subject.steps[0].operation if subject.steps else None
    return isinstance(first, ops.Categories) and isinstance(first.values[0], str)


def _literal(value: Any) -> str:
    """Text, whole numbers, booleans, None and lists and dicts of them, as ASCII that Python reads."""
    if isinstance(value, str):
        return ascii(value)
    if isinstance(value, list | tuple):
        inside = ", ".join(map(_literal, value))
        return f"[{inside}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(name)}: {_literal(entry)}" for name, entry in value.items()) + "}"
    return repr(value)


def _column(encoding: Any) -> dict[str, Any]:
    return {"kind": encoding.kind, **vars(encoding)}


class _Writer:
    def __init__(self) -> None:
        self.needed: set[str] = set()
        self.functions: list[str] = []
        self.data: list[str] = []

    def array(self, array: Array) -> str:
        """The name of a constant that holds these numbers."""
        array = np.asarray(array)
        name = f"A{len(self.data)}"
        kind = "<f8" if array.dtype == np.float64 else "<f4"
        text = base64.b64encode(np.ascontiguousarray(array, kind).tobytes()).decode("ascii")
        lines = "\n".join(text[start : start + 120] for start in range(0, len(text), 120))
        self.data.append(f'{name} = array("{kind}", {array.shape!r}, """\n{lines}\n""")')
        return name

    def number(self, value: Array | float) -> str:
        """An array's name, or a number as Python reads it."""
        return repr(float(value)) if isinstance(value, float | int) else self.array(value)

    def helper(self, name: str) -> str:
        """The name of a helper, which is then part of the file."""
        self.needed.add(name)
        return name

    def function(self, name: str, steps: tuple[ops.Step, ...]) -> str:
        """A function of rows that is these steps."""
        told = '    """What the last layer gives, for rows as `rows_of` makes them."""' if name == "scores" else ""
        return "\n".join(line for line in [f"def {name}(x):", told, *self.lines(steps), "    return x"] if line)

    def lines(self, steps: tuple[ops.Step, ...]) -> list[str]:
        """Their statements; each place is said once."""
        lines, said = [], ""
        for step in steps:
            if step.place != said:
                said = step.place
                lines.append(f"    # {ascii(said)[1:-1]}")
            lines.append(f"    x = {self.expression(step)}")
        return lines

    def expression(self, step: ops.Step) -> str:
        """One operation on `x`."""
        operation = step.operation
        match operation:
            case ops.Product():
                product = f"x @ {self.array(operation.weight)}"
                return product if operation.bias is None else f"{product} + {self.array(operation.bias)}"
            case ops.Features():
                return self.features(operation)
            case ops.Elementwise():
                parameter = f", {operation.parameter!r}" if operation.parameter else ""
                return f"{self.helper(operation.function)}(x{parameter})"
            case ops.Softmax():
                return f"{self.helper('softmax')}(x)"
            case ops.Normalize():
                gamma, beta = self.array(operation.gamma), self.array(operation.beta)
                return f"{self.helper('normalize')}(x, {operation.eps!r}) * {gamma} + {beta}"
            case ops.Reshaped():
                return f"x.reshape(len(x), *{operation.shape!r})"
            case ops.Together():
                names = []
                for member in operation.members:
                    names.append(f"part{len(self.functions)}")
                    self.functions.append("")  # its place, before those inside it
                    place = len(self.functions) - 1
                    self.functions[place] = self.function(names[-1], member)
                return f"np.concatenate([{', '.join(f'{name}(x)' for name in names)}], axis=1)"
            case ops.Mean():
                return f"x.reshape(len(x), {operation.parts}, -1).mean(axis=1)"
            case ops.Categories():
                return f"(x == np.array({_literal(operation.values)})).astype(np.float32)"
            case ops.Columns():
                return "encoded(x)"
            case ops.Convert():
                return f"x.astype(np.{operation.dtype})"

    def features(self, operation: ops.Features) -> str:
        """(x - a) / b * c + d, as far as they are there."""
        text = "x"
        if operation.subtract is not None:
            text = f"({text} - {self.number(operation.subtract)})"
        if operation.divide is not None:
            text = f"{text} / {self.number(operation.divide)}"
        if operation.multiply is not None:
            text = f"{text} * {self.number(operation.multiply)}"
        if operation.add is not None:
            text = f"{text} + {self.number(operation.add)}"
        return text


def _golden(rows: Rows, writer: _Writer) -> str:
    if isinstance(rows.x, Table):
        columns = {name: _plain(column) for name, column in zip(rows.x.names, rows.x.columns, strict=True)}
        x = _literal(columns)
    elif rows.x.dtype.kind == "U":
        x = _literal(rows.x[:, 0].tolist())
    else:
        x = _inline(rows.x)
    labels = "None" if rows.labels is None else _literal(rows.labels.tolist())
    return f"GOLDEN_X = {x}\nGOLDEN_VALUES = {_inline(rows.values)}\nGOLDEN_LABELS = {labels}"


def _plain(column: Array) -> list[Any]:
    """Cells as literals: None for what is missing, dates as text."""
    if column.dtype.kind == "M":
        return [None if np.isnat(value) else str(value) for value in column]
    return [None if value is None or value != value else value for value in column.tolist()]


def _inline(array: Array) -> str:
    kind = "<f8" if array.dtype == np.float64 else "<f4"
    text = base64.b64encode(np.ascontiguousarray(array, kind).tobytes()).decode("ascii")
    return f'array("{kind}", {array.shape!r}, "{text}")'
