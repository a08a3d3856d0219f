"""Running somebody's program beside our own process: limited in time, memory and files, and with nothing to talk to.

The submission runs in a process of its own (`grading.worker`), in an empty folder, without standard input and output, in a
session that is ended as a whole. The worker writes each check to a file as soon as it is made, so that a submission that
crashes, hangs or ends the process in the middle still has the checks that came before. This keeps accidents of students
from harming the teacher's machine; it is no prison for programs that mean harm.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError, MissingFileError
from .hints import HINTS
from .report import Check, Grade

STYLES = ("auto", "classes", "layers", "functions", "dictionary")
FIRST_SHARE = 0.6
"""The part of the time after which a submission that still loads is ended, and loaded again without what runs in it."""


def run_apart(path: str | os.PathLike[str], *, style: str, seconds: float, memory: int) -> Grade:
    """Grade one file in a process of its own; whatever happens there, a Grade comes back."""
    file = Path(path)
    if style not in STYLES:
        raise ConfigurationError(f"unknown style {style!r}: known are {', '.join(STYLES)}")
    if not seconds > 0 or not memory > 0:
        raise ConfigurationError(f"seconds and memory must be positive; received {seconds!r} and {memory!r}")
    if not file.is_file():
        raise MissingFileError(f"there is no file {file}: give the path of a Python file")
    start = time.monotonic()
    events, ending = _attempt(file, style, seconds * FIRST_SHARE, memory, definitions_only=False)
    if ending is not None and not any("loaded" in event for event in events):
        left = max(seconds - (time.monotonic() - start), 0.3 * seconds)
        note = f"its import {ending[1]}, so only its functions and classes were loaded"
        events, ending = _attempt(file, style, left, memory, definitions_only=True)
        events.append({"note": note})
    return _grade(file, events, ending, time.monotonic() - start)


def _grade(file: Path, events: list[dict[str, Any]], ending: tuple[str, str] | None, seconds: float) -> Grade:
    checks = [Check.from_json(event["check"]) for event in events if "check" in event]
    notes = [event["note"] for event in events if "note" in event]
    style = next((event["style"] for event in reversed(events) if "style" in event), "unknown")
    dropped = [event["take"] for event in events if "take" in event]
    if dropped:
        checks = checks[slice(*dropped[-1])]
    if ending is not None:
        doing = next((event["doing"] for event in reversed(events) if "doing" in event), "loading the file")
        sentence = f"the program {ending[1]} while {doing}"
        checks.append(Check("the program keeps running", file.name, False, ending[0], sentence, HINTS.get(ending[0], ""), 5.0))
    if not checks:
        sentence = "nothing in this file looks like a network, a layer or a loss"
        checks = [Check("something to grade", file.name, None, "nothing to grade", sentence, HINTS["nothing to grade"], 5.0)]
    return Grade(str(file), style, tuple(checks), seconds, tuple(dict.fromkeys(notes)))


def _attempt(
    file: Path, style: str, seconds: float, memory: int, *, definitions_only: bool
) -> tuple[list[dict[str, Any]], tuple[str, str] | None]:
    """(events, how it ended): None at the end of an orderly one, else a diagnosis and a few words."""
    with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as folder:
        answers, empty = Path(folder) / "answers.jsonl", Path(folder) / "empty"
        empty.mkdir()
        job = {"path": str(file.resolve()), "style": style, "seconds": seconds, "memory": memory, "answers": str(answers)}
        job["definitions_only"] = definitions_only
        process = subprocess.Popen(
            [sys.executable, "-m", "scratchwork.grading.worker", json.dumps(job)],
            cwd=empty,
            env=_surroundings(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            status: int | None = process.wait(timeout=seconds + 2.0)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _end(process)
        events = _events(answers)
    if any("done" in event for event in events):
        return events, None
    if not events and status is not None:
        raise ConfigurationError(f"the process that grades could not start (status {status}): is {sys.executable} whole?")
    if status is None:
        return events, ("hangs", f"did not end within {seconds:.0f} s")
    if status == -signal.SIGKILL or status == -getattr(signal, "SIGXCPU", -1):
        return events, ("out of memory", "was ended by the system, for its memory or its time,")
    if status < 0:
        return events, ("does not run", f"crashed the interpreter (signal {-status})")
    if any("error" in event for event in events):
        return events, ("does not run", next(event["error"] for event in events if "error" in event))
    return events, ("exits", f"ended the process by itself (status {status})")


def _surroundings() -> dict[str, str]:
    """The environment of a submission: ours, with pictures that open no window and one thread per product."""
    source = str(Path(__file__).resolve().parents[2])
    paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "ignore",
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "Agg",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started."""
    with contextlib.suppress(OSError, AttributeError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        process.kill()
    process.wait()


def _events(path: Path) -> list[dict[str, Any]]:
    """What the worker wrote, up to where it was ended."""
    found = []
    try:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            event = json.loads(line)
            if isinstance(event, dict):
                found.append(event)
    except (OSError, ValueError):
        pass
    return found


def grade(
    path_or_module: str | os.PathLike[str] | types.ModuleType, style: str = "auto", *, seconds: float = 30.0, memory: int = 2048
) -> Grade:
    """Marks for the network in a Python file (or notebook): 0 to 100, every check, and hints.

    The file is run, in a process of its own that is ended after `seconds` and may take `memory` MiB; nothing of it runs here.

    Parameters
    ----------
    path_or_module : path or module
        The file; of a module its file.
    style : str
        "auto", or which of the styles it is written in: "classes" (forward(inputs), backward(dvalues) and an optimizer),
        "layers" (forward(input), backward(output_gradient, learning_rate)), "functions" (init_params, forward_prop,
        backward_prop, update_params), "dictionary" (loss(X, y) that returns the gradients of a dictionary of parameters).
    seconds : float > 0
        The time that all of it may take.
    memory : int > 0
        MiB that it may take beyond those of Python itself.

    Raises
    ------
    MissingFileError
        Where there is no such file. What is wrong with the program itself is never raised: it is in the Grade.
    """
    if isinstance(path_or_module, types.ModuleType):
        file = getattr(path_or_module, "__file__", None)
        if not file:
            raise ConfigurationError(f"the module {path_or_module.__name__} comes from no file: give the path of one")
        path_or_module = file
    return run_apart(path_or_module, style=style, seconds=seconds, memory=memory)
