"""The way of every export: what cannot be written is named, the file is written beside, run, and renamed."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..layers.base import real_number
from ..storage.files import atomic_write
from . import write_c, write_json, write_onnx, write_python
from .operations import Step, Together
from .subject import Subject, subject_of
from .verification import RUNNERS, TOLERANCE, Report, compared


@dataclass(frozen=True)
class Target:
    """A kind of file: its suffix, what makes its content, and why it cannot write a step ("" where it can)."""

    suffix: str
    write: Callable[..., bytes]
    refusal: Callable[[Step], str]


def _nothing(step: Step) -> str:
    return ""


TARGETS = {
    "onnx": Target(".onnx", write_onnx.onnx_bytes, write_onnx.refusal),
    "python": Target(
        ".py", lambda subject, tolerance: write_python.python_source(subject, tolerance).encode("ascii"), _nothing
    ),
    "c": Target(".c", lambda subject, tolerance: write_c.c_source(subject, tolerance).encode("ascii"), write_c.refusal),
    "json": Target(
        ".json", lambda subject, tolerance, **how: write_json.json_text(subject, tolerance, **how).encode(), _nothing
    ),
}
"""What can be exported to."""


def to_onnx(model: Any, path: str | PathLike[str], *, x: Any = None, tolerance: float = TOLERANCE) -> Report:
    """Write an ONNX graph: inputs as the raw rows are, outputs "label" and "probabilities" ("scores", "values", "outputs").

    Parameters
    ----------
    model : Model, Sequential or trained estimator
    path : str or path
    x : rows, optional
        Raw rows to check with, of which the file carries a few; made up where they are not given.
    tolerance : float
        How far the export may be from `predict`, relative to max(1, |value|).

    Raises
    ------
    ConfigurationError
        Something cannot be exported, or the export does not say what `predict` says; nothing is written.
    MissingDependencyError
        The package `onnx` is not installed.
    StorageError, MissingFileError
        The file cannot be written.
    """
    return _exported(model, path, "onnx", x, tolerance)


def to_python(model: Any, path: str | PathLike[str], *, x: Any = None, tolerance: float = TOLERANCE) -> Report:
    """Write one Python file that needs NumPy alone, with `predict` and `predict_proba`; parameters as in `to_onnx`."""
    return _exported(model, path, "python", x, tolerance)


def to_c(model: Any, path: str | PathLike[str], *, x: Any = None, tolerance: float = TOLERANCE) -> Report:
    """Write one C99 file with `model_predict` and `model_class`, without allocation; parameters as in `to_onnx`."""
    return _exported(model, path, "c", x, tolerance)


def to_json(
    model: Any, path: str | PathLike[str], *, x: Any = None, tolerance: float = TOLERANCE, readable: bool = False
) -> Report:
    """Write operations and numbers as JSON, as base64 or (`readable`) as lists of numbers; parameters as in `to_onnx`."""
    return _exported(model, path, "json", x, tolerance, readable=readable)


def _exported(model: Any, path: str | PathLike[str], name: str, x: Any, tolerance: float, **how: Any) -> Report:
    target = TARGETS[name]
    tolerance = real_number(tolerance, lambda most: 0.0 < most < math.inf, "an export needs a finite tolerance > 0")
    subject = subject_of(model, x)
    require_exportable(subject, name)
    with atomic_write(path) as temporary:
        temporary.write_bytes(target.write(subject, tolerance, **how))
        size = temporary.stat().st_size
        ran = RUNNERS[name](temporary, subject)
        largest = None if ran is None else compared(subject, ran[1], name, tolerance)
    return Report(Path(path), name, size, "" if ran is None else ran[0], 0 if ran is None else len(subject.checked), largest)


def require_exportable(subject: Subject, name: str) -> None:
    """Raise ConfigurationError naming the first step that this target cannot write."""
    for step in every_step(subject.steps):
        reason = TARGETS[name].refusal(step)
        if reason:
            raise ConfigurationError(f"{step.place} cannot be exported to {name}: {reason}; nothing was written")


def every_step(steps: tuple[Step, ...]) -> Iterator[Step]:
    """The steps, and those inside them."""
    for step in steps:
        yield step
        if isinstance(step.operation, Together):
            for member in step.operation.members:
                yield from every_step(member)
