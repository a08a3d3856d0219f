"""A model as one C99 file: no library but math.h, no allocation, every number a constant."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from .._version import __version__
from ..arrays import Array
from ..data.table import Table
from ..preprocessing.encodings import Category
from . import c_parts as parts
from . import operations as ops
from .c_steps import Writer
from .c_text import constants, said, strings
from .subject import Subject


def refusal(step: ops.Step) -> str:
    """Why this target cannot write a step; "" where it can."""
    operation = step.operation
    if isinstance(operation, ops.Categories) and isinstance(operation.values[0], str):
        return "C is given numbers, and these categories are text: TableEncoder takes their numbers"
    if isinstance(operation, ops.Columns):
        dates = [encoding.name for encoding in operation.encodings if encoding.kind == "date"]
        if dates:
            return f"C is given one float per column, which cannot hold the date of column {dates[0]!r}"
    return ""


def c_source(subject: Subject, tolerance: float) -> str:
    """The text of the file."""
    writer = Writer(subject)
    scores = writer.function(subject)
    head = subject.head
    real = writer.real
    link = writer.block(subject.link_steps, "y", in_place=True)
    second = [f"    {real} p = y[0];", "    y[0] = 1 - p;", "    y[1] = p;"]
    predict = [
        "void model_predict(const float *x, float *values)",
        "{",
        f"    {real} y[MODEL_VALUES];",
        "    int i;",
        "    scores(x, y);",
        *link,
        *(["    {", *[f"    {line}" for line in second], "    }"] if subject.value_count > subject.outputs else []),
        "    for (i = 0; i < MODEL_VALUES; i++) values[i] = (float)y[i];",
        "}",
    ]
    helpers = [text for name, text in (parts.ELEMENTWISE | parts.ROWS).items() if name in writer.needed]
    decide = parts.CLASS[head.kind].replace("{threshold}", repr(head.threshold))
    sections = [
        _comment(subject),
        "#include <math.h>",
        _macros(subject, tolerance),
        _declarations(subject),
        *(_typed(text, kind) for kind, text in writer.double_helpers()),
        *(_typed(text, real) for text in helpers),
        "\n".join(writer.data),
        *_labels(subject),
        *writer.functions,
        scores,
        "\n".join(predict),
        _typed(decide, real),
        _typed(parts.CHECK.replace("{golden}", _golden(subject)), real),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _typed(text: str, real: str) -> str:
    return text.replace("REAL", real).replace("{f}", "f" if real == "float" else "")


def _comment(subject: Subject) -> str:
    lines = [
        f"A network exported by scratchwork {__version__}. C99, math.h, no allocation.",
        "cc -std=c99 -DMODEL_CHECK this_file.c -lm makes a program that checks it.",
        "",
        *(said(place) for place in subject.description),
    ]
    return "/* " + "\n   ".join(lines).rstrip() + " */"


def _macros(subject: Subject, tolerance: float) -> str:
    found = {
        "MODEL_INPUTS": (math.prod(subject.in_shape), "floats that a row has"),
        "MODEL_OUTPUTS": (subject.outputs, "scores, what the last layer gives"),
        "MODEL_VALUES": (subject.value_count, f"{subject.head.values} that model_predict writes"),
        "MODEL_LABELS": (len(subject.head.labels or ()), "names in model_labels"),
        "MODEL_GOLDEN_ROWS": (len(subject.golden), "rows that the check compares"),
        "MODEL_TOLERANCE": (tolerance, "relative to max(1, |value|)"),
    }
    return "\n".join(f"#define {name} {value} /* {said(what)} */" for name, (value, what) in found.items())


def _declarations(subject: Subject) -> str:
    lines = [
        f"void model_predict(const float *x, float *values); /* {subject.head.values}, as predict has them */",
        parts.DECLARED[subject.head.kind],
    ]
    if subject.head.labels is not None:
        lines.append("extern const char *const model_labels[MODEL_LABELS]; /* in UTF-8 */")
    if subject.columns is not None:
        lines.append("/* x holds one float per column:")
        for index, encoding in enumerate(subject.columns.encodings):
            what = {"number": "a number, NAN where it is missing", "boolean": "1 or 0, NAN where it is missing"}.get(
                encoding.kind, f"the place of its text in model_categories_{index}, from 0; -1 where it is missing, -2 unknown"
            )
            lines.append(f"     x[{index}]  {said(encoding.name)}: {what}")
        lines[-1] += " */"
    elif subject.feature_names is not None and len(subject.feature_names) <= 100:
        lines += ["/* " + ", ".join(f"x[{i}] {said(name)}" for i, name in enumerate(subject.feature_names)) + " */"]
    return "\n".join(line for line in lines if line)


def _labels(subject: Subject) -> Iterable[str]:
    if subject.head.labels is not None:
        yield strings("model_labels", [str(label) for label in subject.head.labels])
        yield ""
    for index, encoding in enumerate(subject.columns.encodings if subject.columns else ()):
        if isinstance(encoding, Category):
            yield strings(f"model_categories_{index}", encoding.categories)


def float_rows(x: Any, subject: Subject) -> Array:
    """Rows as C is given them: one float per input, (N, MODEL_INPUTS)."""
    if not isinstance(x, Table):
        return np.asarray(x, np.float32).reshape(len(x), -1)
    assert subject.columns is not None
    columns = []
    for encoding in subject.columns.encodings:
        column = x[encoding.name]
        if isinstance(encoding, Category):
            place = {text: float(i) for i, text in enumerate(encoding.categories)} | {None: -1.0}
            columns.append(np.array([place.get(value, -2.0) for value in column.tolist()], np.float32))
        else:
            columns.append(column.astype(np.float32))
    return np.stack(columns, axis=1)


def _golden(subject: Subject) -> str:
    x = float_rows(subject.golden.x, subject)
    y = subject.golden.values.reshape(len(subject.golden), -1)
    return "\n".join([constants("model_golden_x", x, "float"), constants("model_golden_y", y, "double")])
