"""What an exported JSON file says, calculated from the file alone: the check of every JSON export, and a reader to copy."""

import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import Array
from ..data.table import as_table
from ..layers.special import erf
from ..preprocessing.encodings import ENCODINGS


def calculate(document: dict[str, Any], x: Any) -> tuple[Array, list[Any] | None]:
    """(values, labels) for rows: lists of numbers, or for a table a dict of columns; labels are None for numbers."""
    output = document["output"]
    first = document["steps"][0] if document["steps"] else {}
    with np.errstate(all="ignore"):
        if first.get("operation") == "Columns":
            rows: Any = x
        else:
            rows = np.asarray(x)
            shape = (len(rows), *document["input"]["shape"])
            rows = rows.reshape(shape) if rows.dtype.kind == "U" else rows.astype(first.get("dtype", "float64")).reshape(shape)
        scores = run(document["steps"], rows)
        values = run(document["link_steps"], scores)
    if output["kind"] == "two" and output["link"] is not None:
        values = np.concatenate([1 - values, values], axis=1)
    if output["kind"] == "numbers":
        return values, None
    if output["kind"] == "attributes":
        return values, (scores > output["threshold"]).tolist()
    index = scores.argmax(axis=1) if output["kind"] == "classes" else (scores[:, 0] > output["threshold"]).astype(int)
    labels = output["labels"]
    return values, [i if labels is None else labels[i] for i in index.tolist()]


def run(steps: list[dict[str, Any]], x: Any) -> Array:
    """The steps one after the other."""
    for step in steps:
        x = OPERATIONS[step["operation"]](step, x)
    result: Array = x
    return result


def numbers(entry: Any) -> Any:
    """An array of the file, a plain number, or None."""
    if not isinstance(entry, dict):
        return entry
    if "numbers" in entry:
        return np.array(entry["numbers"], entry["dtype"]).reshape(entry["shape"])
    kind = {"float32": "<f4", "float64": "<f8"}[entry["dtype"]]
    return np.frombuffer(base64.b64decode(entry["base64"]), kind).reshape(entry["shape"]).astype(entry["dtype"])


def _product(step: dict[str, Any], x: Array) -> Array:
    y: Array = x @ numbers(step["weight"])
    if step["bias"] is not None:
        y = y + numbers(step["bias"])
    return y


def _features(step: dict[str, Any], x: Array) -> Array:
    subtract, divide, multiply, add = (numbers(step[name]) for name in ("subtract", "divide", "multiply", "add"))
    x = x if subtract is None else x - subtract
    x = x if divide is None else x / divide
    x = x if multiply is None else x * multiply
    return x if add is None else x + add


def _softmax(step: dict[str, Any], x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    y: Array = e / e.sum(axis=-1, keepdims=True)
    return y


def _normalize(step: dict[str, Any], x: Array) -> Array:
    centered = x - x.mean(axis=-1, keepdims=True)
    y: Array = centered / np.sqrt((centered * centered).mean(axis=-1, keepdims=True) + step["eps"])
    y = y * numbers(step["gamma"]) + numbers(step["beta"])
    return y


def _columns(step: dict[str, Any], x: dict[str, Any]) -> Array:
    kinds = {entry["name"]: entry["kind"] for entry in step["columns"]}
    table = as_table({name: list(x[name]) for name in kinds}).with_kinds(kinds)
    parts = []
    for entry in step["columns"]:
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in entry.items() if name != "kind"
        }
        encoding = ENCODINGS[entry["kind"]](**fields)
        part = np.empty((len(table), len(encoding.outputs())))
        encoding.write(table[entry["name"]], part, 0)
        parts.append(part)
    return np.concatenate(parts, axis=1)


def _gelu_tanh(x: Array) -> Array:
    z: Array = np.clip(x, -20.0, 20.0)
    return x * (0.5 * (1.0 + np.tanh(0.7978845608028654 * (z + 0.044715 * z * z * z))))


def _mish(x: Array) -> Array:
    e = np.exp(np.minimum(x, 40.0))
    n = e * (e + 2.0)
    return x * (n / (n + 2.0))


def _sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def _elu(x: Array, alpha: float) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0)))


_SCALE, _ALPHA = 1.0507009873554805, 1.6732632423543772

ELEMENTWISE: dict[str, Callable[[Array, float], Array]] = {
    "step": lambda x, p: np.heaviside(x, 0.0),
    "sigmoid": lambda x, p: _sigmoid(x),
    "tanh": lambda x, p: np.tanh(x),
    "relu": lambda x, p: np.maximum(x, 0.0),
    "leaky_relu": lambda x, p: np.where(x > 0, x, p * x),
    "elu": _elu,
    "selu": lambda x, p: _SCALE * _elu(x, _ALPHA),
    "softplus": lambda x, p: np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))),
    "gelu": lambda x, p: x * (0.5 * (1.0 + erf(x * 0.7071067811865476))),
    "gelu_tanh": lambda x, p: _gelu_tanh(x),
    "silu": lambda x, p: x * _sigmoid(x),
    "mish": lambda x, p: _mish(x),
    "smooth_clip": lambda x, p: x / np.hypot(1.0, x / p),
    "exp": lambda x, p: np.exp(x),
}

OPERATIONS: dict[str, Callable[[dict[str, Any], Any], Array]] = {
    "Product": _product,
    "Features": _features,
    "Elementwise": lambda step, x: ELEMENTWISE[step["function"]](x, step.get("parameter", 0.0)),
    "Softmax": _softmax,
    "Normalize": _normalize,
    "Reshaped": lambda step, x: x.reshape(len(x), *step["shape"]),
    "Together": lambda step, x: np.concatenate([run(member, x) for member in step["members"]], axis=1),
    "Mean": lambda step, x: x.reshape(len(x), step["parts"], -1).mean(axis=1),
    "Categories": lambda step, x: (x == np.array(step["values"])).astype(np.float64),
    "Columns": _columns,
    "Convert": lambda step, x: x.astype(step["dtype"]),
}
