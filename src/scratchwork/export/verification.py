"""An export is run before it gets its name: its answers beside those of `predict`, by whoever will run it later."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ..arrays import Array
from ..data.table import Table
from ..errors import ConfigurationError
from .subject import Rows, Subject

TOLERANCE = 1e-5
SECONDS = 600

Found: TypeAlias = tuple[Array, list[Any] | None]
"""What an export said: its values (N, ...), and its labels, as `named` has them."""


@dataclass(frozen=True)
class Report:
    """What was written, and how it was checked.

    path                 the file
    target               "onnx", "python", "c" or "json"
    size                 in bytes
    verified_by          what ran the export, or "" where that is not installed
    rows                 how many rows were compared
    largest_difference   |export − predict| / max(1, |predict|), the largest; None where nothing could run it
    """

    path: Path
    target: str
    size: int
    verified_by: str
    rows: int
    largest_difference: float | None

    def __str__(self) -> str:
        checked = (
            f"{self.rows} rows run by {self.verified_by} differ from predict by {self.largest_difference:.1e} at most"
            if self.verified_by
            else f"not verified: {MISSING.get(self.target, 'nothing that runs it')} is not installed here"
        )
        return f"{self.path}: {self.size:,} bytes; {checked}"


MISSING = {"onnx": "onnxruntime", "c": "a C compiler (gcc, clang or cc)"}


def named(rows: Rows, subject: Subject) -> list[Any] | None:
    """The labels of rows as `predict` gives them."""
    labels = subject.head.labels
    if rows.labels is None:
        return None
    if labels is None or rows.labels.ndim > 1:
        return list(rows.labels.tolist())
    return [labels[index] for index in rows.labels.tolist()]


def compared(subject: Subject, found: Found, target: str, tolerance: float) -> float:
    """The largest difference to what the model predicts; ConfigurationError where it is too large, or labels differ."""
    wanted, (values, labels) = subject.checked.values, found
    values = np.asarray(values).reshape(wanted.shape)
    largest = float(np.max(difference(values, wanted), initial=0.0))
    if not largest <= tolerance:
        raise ConfigurationError(
            f"the {target} export differs from predict by {largest:.1e} of max(1, |value|), more than {tolerance:g}: "
            "nothing was written; tolerance= (--tolerance) allows more"
        )
    expected = named(subject.checked, subject)
    if expected is not None and labels is not None:
        sure = decided(subject, tolerance)
        wrong = [row for row in range(len(expected)) if sure[row] and _plain(labels[row]) != expected[row]]
        if wrong:
            raise ConfigurationError(
                f"the {target} export gives row {wrong[0]} the label {labels[wrong[0]]!r} and predict {expected[wrong[0]]!r}: "
                "nothing was written"
            )
    return largest


def difference(values: Array, wanted: Array) -> Array:
    """|values − wanted| / max(1, |wanted|), one by one; 0 where both are the same infinity."""
    values, wanted = np.asarray(values, np.float64), np.asarray(wanted, np.float64)
    with np.errstate(invalid="ignore"):
        found = np.abs(values - wanted) / np.maximum(1.0, np.abs(wanted))
    result: Array = np.where(values == wanted, 0.0, found)
    return np.where(np.isnan(result), np.inf, result)


def decided(subject: Subject, tolerance: float) -> Array:
    """Rows whose label no rounding can change."""
    values, head = subject.checked.values.astype(np.float64), subject.head
    flat = values.reshape(len(values), -1)
    if head.kind == "classes" and flat.shape[1] > 1:
        two = np.sort(flat, axis=1)[:, -2:]
        sure: Array = two[:, 1] - two[:, 0] > 4 * tolerance
        return sure
    middle = 0.5 if head.link is not None else head.threshold
    return np.asarray((np.abs(flat - middle) > 4 * tolerance).all(axis=1))


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


# The four that run exports

PROGRAM = """
import importlib.machinery, importlib.util, json, sys
loader = importlib.machinery.SourceFileLoader("exported", sys.argv[1])
model = importlib.util.module_from_spec(importlib.util.spec_from_loader("exported", loader))
loader.exec_module(model)
with open(sys.argv[2], encoding="utf-8") as file:
    x = json.load(file)
model.check()
values, said = model.values(x), model.predict(x)
print(json.dumps([values.tolist(), said.tolist()]))
"""


def run_python(path: Path, subject: Subject) -> tuple[str, Found]:
    """In a Python process of its own that sees nothing but what is installed (`python -I`)."""
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.json"
        rows.write_text(json.dumps(_json_rows(subject.checked.x)), encoding="utf-8")
        command = [sys.executable, "-I", "-B", "-W", "error", "-c", PROGRAM, str(path), str(rows)]
        done = _run(command, "python")
    values, said = json.loads(done)
    return "python -I", (np.array(values, np.float64), said if subject.checked.labels is not None else None)


def _json_rows(x: Any) -> Any:
    if not isinstance(x, Table):
        return x[:, 0].tolist() if x.dtype.kind == "U" else x.tolist()
    columns = {}
    for name, column in zip(x.names, x.columns, strict=True):
        if column.dtype.kind == "M":
            columns[name] = [None if np.isnat(value) else str(value) for value in column]
        else:
            columns[name] = [None if value is None or value != value else value for value in column.tolist()]
    return columns


def run_c(path: Path, subject: Subject) -> tuple[str, Found] | None:
    """Compiled with every warning an error, and run as a program that reads rows and writes values."""
    compiler = next((found for name in ("gcc", "clang", "cc") if (found := shutil.which(name))), None)
    if compiler is None:
        return None
    from .write_c import float_rows

    with tempfile.TemporaryDirectory() as folder:
        program, source = Path(folder) / "program", Path(folder) / "program.c"
        shutil.copyfile(path, Path(folder) / "model.c")  # under a name that C can say
        source.write_text(C_PROGRAM.replace("{say}", C_SAYS[subject.head.kind]), encoding="ascii")
        flags = ["-std=c99", "-O1", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"]
        _run([compiler, *flags, str(source), "-o", str(program), "-lm"], "c")
        rows = np.ascontiguousarray(float_rows(subject.checked.x, subject), np.float32)
        raw = _run([str(program)], "c", rows.tobytes())
    width = subject.value_count
    numbers = np.frombuffer(raw, np.float32).reshape(len(subject.checked), width + subject.outputs)
    values, said = numbers[:, :width], numbers[:, width:].astype(np.int64)
    names = subject.head.labels
    labels: list[Any] | None = None
    if subject.head.kind == "attributes":
        labels = (said > 0).tolist()
    elif subject.checked.labels is not None:
        labels = [index if names is None else names[index] for index in said[:, 0].tolist()]
    return Path(compiler).name, (values, labels)


C_PROGRAM = """
#define MODEL_CHECK
#define main model_check_main
#include "model.c"
#undef main
int main(void)
{
    static float x[MODEL_INPUTS], y[MODEL_VALUES], said[MODEL_OUTPUTS];
    double worst = model_check();
    if (!(worst <= MODEL_TOLERANCE)) {
        fprintf(stderr, "its golden rows differ by %.1e of max(1, |value|)\\n", worst);
        return 1;
    }
    while (fread(x, sizeof x, 1, stdin) == 1) {
        model_predict(x, y);
        {say}
        if (fwrite(y, sizeof y, 1, stdout) != 1 || fwrite(said, sizeof said, 1, stdout) != 1) return 1;
    }
    return 0;
}
"""

C_SAYS = {
    "numbers": "said[0] = 0.0f;",
    "classes": "said[0] = (float)model_class(x);",
    "two": "said[0] = (float)model_class(x);",
    "attributes": """{
            int i, yes[MODEL_OUTPUTS];
            model_decide(x, yes);
            for (i = 0; i < MODEL_OUTPUTS; i++) said[i] = (float)yes[i];
        }""",
}


def run_onnx(path: Path, subject: Subject) -> tuple[str, Found] | None:
    """By ONNX Runtime on the processor, after the checker of `onnx` has gone through the graph."""
    try:
        import onnxruntime  # type: ignore[import-untyped]
    except ImportError:
        return None
    from .write_onnx import feeds

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        given = feeds(subject.checked.x, subject)
        outputs = dict(zip([output.name for output in session.get_outputs()], session.run(None, given), strict=True))
    except Exception as error:  # the runtime has exceptions of its own, which it does not export
        raise ConfigurationError(f"ONNX Runtime refuses the export: {' '.join(str(error).split())[:200]}") from error
    said = outputs.get("label")
    return f"onnxruntime {onnxruntime.__version__}", (outputs[subject.head.values], None if said is None else said.tolist())


def run_json(path: Path, subject: Subject) -> tuple[str, Found]:
    """Read back, and calculated from what stands in the file alone."""
    from .read_json import calculate

    document = json.loads(path.read_text(encoding="utf-8"))
    return "a reader of the file", calculate(document, _json_rows(subject.checked.x))


RUNNERS: dict[str, Callable[[Path, Subject], tuple[str, Found] | None]] = {
    "python": run_python,
    "c": run_c,
    "onnx": run_onnx,
    "json": run_json,
}


def _run(command: list[str], target: str, given: bytes = b"") -> bytes:
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(f"the {target} export could not be verified: {error}; nothing was written") from error
    if done.returncode:
        lines = [" ".join(line.split()) for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        ended = lines[-1] if lines else f"it ended with status {done.returncode}"
        said = next((line for line in lines if "error:" in line), ended)[:300]  # a compiler's first one
        raise ConfigurationError(f"the {target} export fails its own check, and nothing was written: {said}")
    return done.stdout
