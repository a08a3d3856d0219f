"""The process in which a submission runs: loads it, makes the checks, and writes each to a file at once.

`grading.sandbox` starts it as `python -m scratchwork.grading.worker JOB`, with the job as JSON; nobody else should.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .choosing import grade_program
from .hints import Book
from .loading import Program, ProgramError, load
from .report import Check

MEBIBYTE = 2**20


def main(text: str) -> int:
    """Do one job."""
    job = json.loads(text)
    _limit(int(job["memory"]), float(job["seconds"]))
    file = Path(job["path"])
    sys.path.insert(0, str(file.parent))
    sys.argv = [str(file)]
    sys.setrecursionlimit(2000)
    warnings.simplefilter("ignore")
    started = time.monotonic()
    with Path(job["answers"]).open("a", encoding="utf-8") as answers:

        def tell(event: dict[str, Any]) -> None:
            answers.write(json.dumps(event, default=_plain) + "\n")
            answers.flush()

        def write(check: Check) -> None:
            tell({"check": asdict(check), "doing": f"the check after “{check.name}”"})

        share = float(job["seconds"])
        tell({"started": True})
        book = Book(write)
        try:
            program = load(
                file, definitions_only=job["definitions_only"], statement_seconds=share / 10, seconds=max(share / 5, 0.5)
            )
        except ProgramError as error:
            book.error("the file can be loaded", file.name, error, 5.0)
            tell({"done": True})
            return 0
        tell({"loaded": True, "doing": "the first check"})
        program.seconds = max(share / 8, 0.2)
        program.hurry = lambda: max(share - (time.monotonic() - started), 0.05)
        _quiet(program)
        try:
            style, take = grade_program(program, book, job["style"])
        except Exception as error:  # a submission that is stranger than we thought: what was found so far counts
            lines = traceback.extract_tb(error.__traceback__)
            place = f"{Path(lines[-1].filename).name}:{lines[-1].lineno}"
            tell({"note": f"a check could not go on: {type(error).__name__}: {error} ({place})"})
            style, take = job["style"], (0, len(book.checks))
        for note in [*program.notes[:5], *book.notes]:
            tell({"note": note})
        tell({"style": style, "take": take, "done": True})
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the process ends
    os._exit(0)  # threads and exit handlers of the submission do not matter any more


def _quiet(program: Program) -> None:
    """Undo what a program may have set for everybody."""
    np.seterr(all="ignore")
    np.set_printoptions()
    warnings.simplefilter("ignore")
    vars(program.module).pop("_sw_begin_", None)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)


def _limit(memory: int, seconds: float) -> None:
    """Limits that the system keeps for us, where it has such."""
    try:
        import resource
    except ImportError:
        return
    used = 0
    try:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (OSError, ValueError):
        used = 512 * MEBIBYTE
    limits = [
        (resource.RLIMIT_AS, used + memory * MEBIBYTE),
        (resource.RLIMIT_FSIZE, 64 * MEBIBYTE),
        (resource.RLIMIT_CPU, int(seconds) + 5),
        (resource.RLIMIT_CORE, 0),
    ]
    for kind, limit in limits:
        try:
            hard = resource.getrlimit(kind)[1]
            resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
        except (ValueError, OSError):
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
