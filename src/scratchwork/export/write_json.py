"""A model as one JSON file: operations, numbers, the meaning of the outputs and rows to check a reader with."""

import base64
import dataclasses
from typing import Any

import numpy as np

from .._version import __version__
from ..arrays import Array
from ..data.table import Table
from ..storage.files import to_json
from .operations import Columns, Convert, Elementwise, Reshaped, Step, Together
from .subject import Subject

FORMAT = "scratchwork-export"
VERSION = 1


def json_text(subject: Subject, tolerance: float, *, readable: bool = False) -> str:
    """The text of the file; `readable` writes arrays as lists of numbers, and not as base64."""
    head = subject.head
    document = {
        "format": FORMAT,
        "version": VERSION,
        "made_by": f"scratchwork {__version__}",
        "input": {
            "shape": subject.in_shape,
            "columns": None if subject.columns is None else [encoding.name for encoding in subject.columns.encodings],
            "feature_names": subject.feature_names,
        },
        "output": {
            "kind": head.kind,
            "link": head.link,
            "values": head.values,
            "labels": head.labels,
            "threshold": head.threshold,
            "target_name": subject.target_name,
        },
        "steps": [described(step, readable=readable) for step in subject.steps],
        "link_steps": [described(step, readable=readable) for step in subject.link_steps],
        "golden": {
            "tolerance": tolerance,
            "x": _rows(subject.golden.x),
            "values": subject.golden.values,
            "labels": subject.golden.labels,
        },
    }
    return to_json(document, indent=1 if readable else None) + "\n"


def _rows(x: Any) -> Any:
    if not isinstance(x, Table):
        return x
    columns = {}
    for name, column in zip(x.names, x.columns, strict=True):
        texts = column.dtype.kind == "M"
        columns[name] = [
            None if value is None or value != value else str(value) if texts else value
            for value in (column if texts else column.tolist())
        ]
    return columns


def described(step: Step, *, readable: bool) -> dict[str, Any]:
    """A step as JSON has it."""
    operation = step.operation
    entry: dict[str, Any] = {
        "place": step.place,
        "operation": type(operation).__name__,
        "dtype": step.dtype,
        "shape": step.out_shape,
    }
    if isinstance(operation, Together):
        entry["members"] = [[described(part, readable=readable) for part in member] for member in operation.members]
    elif isinstance(operation, Columns):
        entry["columns"] = [{"kind": encoding.kind, **dataclasses.asdict(encoding)} for encoding in operation.encodings]
    elif not isinstance(operation, Reshaped | Convert):  # which say nothing that "shape" and "dtype" do not
        for name, value in vars(operation).items():
            if name == "norm":  # says nothing that the others do not
                continue
            entry[name] = array(value, readable=readable) if isinstance(value, np.ndarray) else value
        if isinstance(operation, Elementwise) and not operation.parameter:
            del entry["parameter"]
    return entry


def array(values: Array, *, readable: bool) -> dict[str, Any]:
    """An array: its shape, its type, and its numbers as a flat list or as the base64 of their little-endian bytes."""
    kind = "float64" if values.dtype == np.float64 else "float32"
    entry: dict[str, Any] = {"shape": list(values.shape), "dtype": kind}
    if readable:
        entry["numbers"] = values.reshape(-1).tolist()
    else:
        flat = np.ascontiguousarray(values, kind.replace("float64", "<f8").replace("float32", "<f4"))
        entry["base64"] = base64.b64encode(flat.tobytes()).decode("ascii")
    return entry
