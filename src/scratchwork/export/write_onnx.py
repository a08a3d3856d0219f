"""A model as an ONNX graph: preprocessing, network, probabilities and labels in one file, for batches of any size."""

import json
from itertools import count
from typing import Any

import numpy as np

from .._version import __version__
from ..arrays import Array
from ..data.table import Table
from ..errors import ConfigurationError, MissingDependencyError
from ..preprocessing.encodings import LIMIT, Boolean, Category, Encoding, Number
from . import operations as ops
from .onnx_parts import ML, PLAIN, WITH_GELU, Graph
from .subject import Subject


def refusal(step: ops.Step) -> str:
    """Why this target cannot write a step; "" where it can."""
    if isinstance(step.operation, ops.Columns):
        dates = [encoding.name for encoding in step.operation.encodings if encoding.kind == "date"]
        if dates:
            return f"ONNX knows no dates, and column {dates[0]!r} holds them"
        empty = [e.name for e in step.operation.encodings if isinstance(e, Category) and "" in e.categories]
        if empty:
            return f"ONNX has empty texts for missing ones, and in column {empty[0]!r} an empty text is a category"
    return ""


def onnx_bytes(subject: Subject, tolerance: float) -> bytes:
    """The content of the file."""
    try:
        from onnx import TensorProto, checker, helper
    except ImportError:
        raise MissingDependencyError("an ONNX export needs onnx: pip install 'scratchwork[onnx]'") from None
    graph = Graph(["x"] if subject.columns is None else input_names(subject))
    kinds = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE}
    x, inputs = _inputs(subject, graph)
    scores = _steps(graph, subject.steps, x)
    values = _steps(graph, subject.link_steps, scores)
    if subject.value_count > subject.outputs:
        one = graph.constant(1.0, subject.dtype)
        values = graph.node("Concat", graph.node("Sub", one, values), values, axis=1)
    head = subject.head
    shape: list[str | int | None] = ["N", subject.value_count] if head.kind != "numbers" else ["N", *subject.out_shape]
    outputs = [helper.make_tensor_value_info(head.values, kinds[subject.dtype], shape)]
    if head.kind != "numbers":
        outputs.insert(0, _label(subject, graph, scores))
    graph.node("Identity", values, output=head.values)
    opset, ir = WITH_GELU if graph.gelu else PLAIN
    made = helper.make_graph(graph.nodes, "scratchwork", inputs, outputs, graph.constants)
    sets = [helper.make_opsetid("", opset)] + [helper.make_opsetid("ai.onnx.ml", ML)] * graph.ml
    model = helper.make_model(
        made, opset_imports=sets, ir_version=ir, producer_name="scratchwork", producer_version=__version__
    )
    helper.set_model_props(model, _metadata(subject, tolerance))
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _inputs(subject: Subject, graph: Graph) -> tuple[str, list[Any]]:
    """The name of the rows, and the inputs of the graph."""
    from onnx import TensorProto, helper

    if subject.columns is not None:
        inputs, names = [], input_names(subject)
        for name, encoding in zip(names, subject.columns.encodings, strict=True):
            kind = TensorProto.STRING if isinstance(encoding, Category) else TensorProto.FLOAT
            inputs.append(helper.make_tensor_value_info(name, kind, ["N", 1]))
        parts = [
            part for name, entry in zip(names, subject.columns.encodings, strict=True) for part in _column(graph, name, entry)
        ]
        return (graph.node("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]), inputs
    first = subject.steps[0].operation if subject.steps else None
    if isinstance(first, ops.Categories) and isinstance(first.values[0], str):
        return "x", [helper.make_tensor_value_info("x", TensorProto.STRING, ["N", 1])]
    wide = subject.dtype == "float64"
    inputs = [helper.make_tensor_value_info("x", TensorProto.DOUBLE if wide else TensorProto.FLOAT, ["N", *subject.in_shape])]
    before = bool(subject.steps) and subject.steps[0].dtype == "float64" and not wide
    return (graph.cast("x", "float64") if before else "x"), inputs


def input_names(subject: Subject) -> list[str]:
    """One input for each column, called as it is; "x0" or so where a name is empty or that of an output."""
    assert subject.columns is not None
    taken, names = {"label", subject.head.values, ""}, [encoding.name for encoding in subject.columns.encodings]
    used = taken | set(names)
    for index, name in enumerate(names):
        if name in taken:
            names[index] = next(free for k in count(index) if (free := f"x{k}") not in used)
            used.add(names[index])
    return names


def feeds(x: Any, subject: Subject) -> dict[str, Array]:
    """Rows as the inputs of the graph."""
    if not isinstance(x, Table):
        kind = np.float64 if subject.dtype == "float64" else np.float32
        return {"x": x.astype(object) if x.dtype.kind == "U" else x.astype(kind)}
    assert subject.columns is not None
    given = {}
    for name, encoding in zip(input_names(subject), subject.columns.encodings, strict=True):
        column = x[encoding.name]
        if isinstance(encoding, Category):
            column = np.array(["" if value is None else value for value in column.tolist()], object)
        else:
            column = column.astype(np.float32)
        given[name] = column[:, None]
    return given


def _steps(graph: Graph, steps: tuple[ops.Step, ...], x: str) -> str:
    for step in steps:
        x = _step(graph, step, x)
    return x


def _step(graph: Graph, step: ops.Step, x: str) -> str:
    """The nodes of one operation, and the name of their result."""
    operation, dtype = step.operation, step.dtype
    match operation:
        case ops.Product():
            graph.scaled = True
            weight = graph.constant(operation.weight, dtype)
            if operation.bias is None:
                return graph.node("MatMul", x, weight)
            return graph.node("Gemm", x, weight, graph.constant(operation.bias, dtype))
        case ops.Features():
            if operation.norm is not None and len(step.in_shape) == 1 and _is_mild(operation):
                return _batch_norm(graph, operation, x, dtype)
            for operator, entry in (
                ("Sub", operation.subtract),
                ("Div", operation.divide),
                ("Mul", operation.multiply),
                ("Add", operation.add),
            ):
                x = x if entry is None else graph.node(operator, x, graph.constant(entry, dtype))
            return x
        case ops.Elementwise():
            return graph.function(operation.function, x, operation.parameter, dtype)
        case ops.Softmax():
            return graph.node("Softmax", x, axis=-1)
        case ops.Normalize():
            return _normalize(graph, operation, x, dtype)
        case ops.Reshaped():
            return graph.node("Reshape", x, graph.constant([0, *operation.shape], np.int64))
        case ops.Together():
            members = [_steps(graph, member, x) for member in operation.members]
            return graph.node("Concat", *members, axis=1)
        case ops.Mean():
            size = step.out_shape[0]
            parts = graph.node("Reshape", x, graph.constant([0, operation.parts, size], np.int64))
            return _mean(graph, parts, 1, operation.parts, dtype, keep=False)
        case ops.Categories():
            return _categories(graph, operation, x, dtype)
        case ops.Columns():
            return x  # the inputs are these columns
        case ops.Convert():
            return graph.cast(x, dtype)


def _is_mild(operation: ops.Features) -> bool:
    """Whether x · factor + (β − mean · factor), which runtimes make of a BatchNormalization, loses no digits."""
    assert operation.norm is not None
    mean, (_, variance, eps) = np.asarray(operation.subtract, np.float64), operation.norm
    return bool((np.abs(mean) <= 8.0 * np.sqrt(variance.astype(np.float64) + eps)).all())


def _batch_norm(graph: Graph, operation: ops.Features, x: str, dtype: str) -> str:
    assert operation.norm is not None
    gamma, variance, eps = operation.norm
    arrays = [graph.constant(array, dtype) for array in (gamma, operation.add, operation.subtract, variance)]
    return graph.node("BatchNormalization", x, *arrays, epsilon=eps)


def _mean(graph: Graph, x: str, axis: int, count: int, dtype: str, *, keep: bool) -> str:
    """By a sum, whose operator has the same form in all operator sets."""
    total = graph.node("ReduceSum", x, graph.constant([axis], np.int64), keepdims=int(keep))
    return graph.node("Mul", total, graph.constant(1.0 / count, dtype))


def _normalize(graph: Graph, operation: ops.Normalize, x: str, dtype: str) -> str:
    """The operator behind a product; on raw numbers its formula, for runtimes take E[x²] − E[x]², which may cancel there."""
    if graph.scaled:
        numbers = (graph.constant(array, dtype) for array in (operation.gamma, operation.beta))
        return graph.node("LayerNormalization", x, *numbers, axis=-1, epsilon=operation.eps)
    count = operation.gamma.size
    centered = graph.node("Sub", x, _mean(graph, x, -1, count, dtype, keep=True))
    variance = _mean(graph, graph.node("Mul", centered, centered), -1, count, dtype, keep=True)
    root = graph.node("Sqrt", graph.node("Add", variance, graph.constant(operation.eps, dtype)))
    scaled = graph.node("Mul", graph.node("Div", centered, root), graph.constant(operation.gamma, dtype))
    return graph.node("Add", scaled, graph.constant(operation.beta, dtype))


def _categories(graph: Graph, operation: ops.Categories, x: str, dtype: str) -> str:
    """A column of zeros and ones per category."""
    if isinstance(operation.values[0], str):
        return _one_hot(graph, x, [str(value) for value in operation.values], dtype)
    return graph.cast(graph.node("Equal", x, graph.constant([operation.values], "float64")), dtype)


def _one_hot(graph: Graph, x: str, texts: list[str], dtype: str) -> str:
    index = _place(graph, x, texts)
    return graph.cast(graph.node("Equal", index, graph.constant([list(range(len(texts)))], np.int64)), dtype)


def _place(graph: Graph, x: str, texts: list[str], unknown: int = -1) -> str:
    """The number of a text among these, −1 for an empty one, else `unknown`."""
    keys = [*texts] if "" in texts else [*texts, ""]
    numbers = [*range(len(texts)), -1][: len(keys)]
    return graph.node("LabelEncoder", x, domain="ai.onnx.ml", keys_strings=keys, values_int64s=numbers, default_int64=unknown)


def _column(graph: Graph, name: str, encoding: Encoding) -> list[str]:
    """One column of a table as columns of numbers in float64; NaN, or an empty text, is a missing value."""

    def c(value: Any) -> str:
        return graph.constant(value, "float64")

    if isinstance(encoding, Category):
        texts = list(encoding.categories)
        if encoding.two:
            both = _one_hot(graph, name, texts, "float64")
            return [graph.node("MatMul", both, c([[-1.0], [1.0]]))]
        if not encoding.other:
            return [_one_hot(graph, name, texts, "float64")]
        index = _place(graph, name, texts, unknown=len(texts))
        return [graph.cast(graph.node("Equal", index, graph.constant([list(range(len(texts) + 1))], np.int64)), "float64")]
    x = graph.cast(name, "float64")
    gaps = graph.node("IsNaN", x)
    if isinstance(encoding, Boolean):
        sign = graph.node("Sub", graph.node("Mul", x, c(2.0)), c(1.0))
        return [graph.node("Where", gaps, c(0.0), sign)]
    if not isinstance(encoding, Number):
        raise ConfigurationError(f"column {encoding.name!r} of kind {encoding.kind} cannot be written in ONNX")
    parts = []
    if not encoding.constant:
        filled = graph.node("Where", gaps, c(encoding.fill), x)
        scaled = graph.node("Div", graph.node("Sub", filled, c(encoding.center)), c(encoding.scale))
        parts.append(graph.function("smooth_clip", scaled, LIMIT, "float64") if encoding.clipped else scaled)
    if encoding.missing:
        parts.append(graph.cast(gaps, "float64"))
    return parts


def _label(subject: Subject, graph: Graph, scores: str) -> Any:
    """The output "label": the class as it is called, or yes and no for each attribute."""
    from onnx import TensorProto, helper

    head = subject.head
    if head.kind == "attributes":
        graph.node("Greater", scores, graph.constant(head.threshold, subject.dtype), output="label")
        return helper.make_tensor_value_info("label", TensorProto.BOOL, ["N", subject.outputs])
    if head.kind == "classes":
        index = graph.node("ArgMax", scores, axis=1, keepdims=0)
    else:
        above = graph.cast(graph.node("Greater", scores, graph.constant(head.threshold, subject.dtype)), "int64")
        index = graph.node("Reshape", above, graph.constant([-1], np.int64))
    labels, kind = head.labels, TensorProto.INT64
    if labels is None or (list(labels) == list(range(len(labels))) and not isinstance(labels[0], bool)):
        graph.node("Identity", index, output="label")
    else:
        if isinstance(labels[0], str):
            names, kind = graph.texts([str(label) for label in labels]), TensorProto.STRING
        elif isinstance(labels[0], bool):
            names, kind = graph.constant(labels, np.bool_), TensorProto.BOOL
        else:
            if not all(-(2**63) <= label < 2**63 for label in labels):
                raise ConfigurationError("a label cannot be exported to onnx: it is no 64-bit number; nothing was written")
            names = graph.constant(labels, np.int64)
        graph.node("Gather", names, index, output="label")
    return helper.make_tensor_value_info("label", kind, ["N"])


def _metadata(subject: Subject, tolerance: float) -> dict[str, str]:
    """What an application may show: text by name, and the golden rows as JSON."""
    head, golden = subject.head, subject.golden
    given = {name: _plain(array) for name, array in feeds(golden.x, subject).items()}
    found = {
        "kind": head.kind,
        "link": head.link,
        "labels": head.labels,
        "feature_names": subject.feature_names,
        "target_name": subject.target_name,
        "golden": {
            "inputs": given,
            head.values: golden.values.tolist(),
            "tolerance": tolerance,
        },
    }
    return {name: json.dumps(value) for name, value in found.items() if value is not None}


def _plain(array: Array) -> Any:
    """Nested lists, with None for NaN, which JSON does not have."""
    if array.dtype.kind == "f" and np.isnan(array).any():
        return [[None if value != value else value for value in row] for row in array.tolist()]
    return array.tolist()
