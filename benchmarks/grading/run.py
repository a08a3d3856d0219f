"""Grades every program of the corpus through `scratchwork.grade`, as anybody would, and counts what it finds.

python -m benchmarks.grading.run --half tuning    the half that the grader may be improved with
python -m benchmarks.grading.run --half report    the half that the published figures are of
python -m benchmarks.grading.run --half all

Each program, with its mistake or without, is a file with a name that says nothing in a folder of its own. The table goes to the
terminal and, with the name of the half, to benchmarks/results/grading.json.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import scratchwork as sw

from ..machine import describe_machine, write_result
from .corpus import HALF, HALVES, PROGRAMS, STYLES, Mistake
from .mistakes import MISTAKES

SYNONYMS = {"not summed over rows": "bias axis", "summed over everything": "bias axis"}
"""What the grader calls a mistake -> what the table does, where two words mean the same."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--half", choices=(*HALVES, "all"), default="tuning")
    parser.add_argument("--only", default="", help="programs whose name holds this")
    parser.add_argument("--seconds", type=float, default=30.0, help="time limit of each program")
    parser.add_argument("--missed", action="store_true", help="print each that was missed, with what was said")
    given = parser.parse_args(arguments)
    half = HALVES if given.half == "all" else (given.half,)
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for row in graded(Path(folder), half, given.only, given.seconds) if print_row(row, given.missed)]
    figures = summary(rows)
    print(table(figures))
    if not given.only:
        result = {"half": given.half, **figures, "rows": rows, "machine": describe_machine()}
        print(f"written to {write_result('grading', result)}")
    return 0


def graded(folder: Path, halves: Sequence[str], only: str, seconds: float) -> Iterator[dict[str, Any]]:
    for name, path in PROGRAMS.items():
        if HALF[name] not in halves or only not in name:
            continue
        yield grade_one(folder, name, None, path.read_text(encoding="utf-8"), seconds)
        for mistake in MISTAKES:
            if mistake.program == name:
                yield grade_one(folder, name, mistake, mistake.source(), seconds)


def grade_one(folder: Path, program: str, mistake: Mistake | None, source: str, seconds: float) -> dict[str, Any]:
    """One row: what was there and what was said. A grader that raises has found nothing."""
    path = folder / (mistake.stem() if mistake else f"program_{len(list(folder.iterdir()))}") / "my_net.py"
    path.parent.mkdir()
    path.write_text(source, encoding="utf-8")
    start, said, remarks, error = time.perf_counter(), (), (), None
    grade = None
    try:
        grade = sw.grade(path, seconds=seconds)
        said = tuple(check.diagnosis or check.name for check in grade.checks if check.passed is False)
        remarks = tuple(check.diagnosis for check in grade.remarks)
    except Exception as problem:  # a complaint of the grader about itself is a row too
        error = f"{type(problem).__name__}: {problem}"
    if mistake and not said:  # a weakness that costs no marks is found where it is what was put in
        said = tuple(remark for remark in remarks if remark in mistake.expected)
    first = SYNONYMS.get(said[0], said[0]) if said else None
    return {
        "program": program,
        "style": program.partition("/")[0],
        "half": HALF[program],
        "mistake": mistake.name if mistake else None,
        "expected": list(mistake.expected) if mistake else [],
        "said": list(said),
        "remarks": list(remarks),
        "failed": bool(said),
        "right": first in mistake.expected if mistake else not said and error is None,
        "style_found": grade.style if grade is not None else None,
        "marks": grade.marks if grade is not None else None,
        "asked": sum(check.passed is not None for check in grade.checks) if grade is not None else 0,
        "error": error,
        "seconds": round(time.perf_counter() - start, 2),
    }


def print_row(row: dict[str, Any], missed: bool) -> bool:
    """True, after a line about a row that is not as it should be."""
    if missed and not row["right"]:
        with contextlib.suppress(BrokenPipeError):
            what = row["mistake"] or "(correct)"
            expected = f"expected {row['expected'][0]!r}, " if row["expected"] else ""
            print(f"{row['program']}: {what}: {expected}said {row['said'] or row['error'] or 'nothing'}", flush=True)
    return True


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Counts per style and in all."""
    figures = {}
    for style in (*STYLES, "all"):
        mine = [row for row in rows if style in (row["style"], "all")]
        wrong, right = [row for row in mine if row["mistake"]], [row for row in mine if not row["mistake"]]
        figures[style] = {
            "mistakes": len(wrong),
            "found": sum(row["failed"] for row in wrong),
            "right_diagnosis": sum(row["right"] for row in wrong),
            "correct": len(right),
            "complaints": sum(not row["right"] for row in right),
            "style_recognised": sum(row["style_found"] == row["style"] for row in mine),
            "files": len(mine),
            "seconds": round(sum(row["seconds"] for row in mine), 1),
        }
    return {"styles": figures}


def table(figures: dict[str, Any]) -> str:
    lines = [f"{'style':12}{'mistakes':>9}{'found':>14}{'diagnosis':>14}{'correct':>9}{'complaints':>12}{'s a file':>10}"]
    for style, counts in figures["styles"].items():
        total = counts["mistakes"]
        found, right = (f"{counts[key]} ({counts[key] / max(1, total):.0%})" for key in ("found", "right_diagnosis"))
        each = counts["seconds"] / max(1, counts["files"])
        lines.append(f"{style:12}{total:>9}{found:>14}{right:>14}{counts['correct']:>9}{counts['complaints']:>12}{each:>10.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
