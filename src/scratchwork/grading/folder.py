"""A folder of submissions as a table of marks: one bad file never stops the others."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path

from ..errors import DataError, MissingFileError, ScratchworkError, printable
from .report import Check, Grade
from .sandbox import run_apart

COLUMNS = ("file", "marks", "style", "passed", "checks", "failed", "diagnosis", "first departure", "hint", "seconds")
SUFFIXES = (".py", ".ipynb")


def submissions(folder: str | os.PathLike[str]) -> list[Path]:
    """The Python files and notebooks in a folder and below it, by name, without hidden ones and caches."""
    top = Path(folder)
    if not top.is_dir():
        raise MissingFileError(f"there is no folder {top}")
    found = [path for path in sorted(top.rglob("*")) if path.suffix in SUFFIXES and path.is_file()]
    found = [path for path in found if not any(part.startswith((".", "__")) for part in path.relative_to(top).parts)]
    if not found:
        raise DataError(f"there is no Python file in {top}")
    return found


def grade_folder(
    folder: str | os.PathLike[str],
    style: str = "auto",
    *,
    seconds: float = 30.0,
    memory: int = 2048,
    each: Callable[[Grade], None] | None = None,
) -> list[Grade]:
    """Grade all submissions in a folder, one after the other; `each` is called with every Grade as it comes."""
    grades = []
    for path in submissions(folder):
        try:
            grade = run_apart(path, style=style, seconds=seconds, memory=memory)
        except (ScratchworkError, OSError) as error:
            check = Check("the file can be loaded", path.name, False, "does not run", printable(str(error)), "", 5.0)
            grade = Grade(str(path), "unknown", (check,))
        grades.append(grade)
        if each is not None:
            each(grade)
    return grades


def write_csv(grades: list[Grade], folder: str | os.PathLike[str] = "") -> str:
    """The table of marks as CSV, with file names relative to `folder`."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for grade in grades:
        first = grade.failed[0] if grade.failed else None
        name = os.path.relpath(grade.path, folder) if folder else grade.path
        departure = "" if grade.departure is None else str(grade.departure)
        cells = [name, grade.marks, grade.style, "yes" if grade.passed else "no", len(grade.asked), len(grade.failed)]
        told = ["; ".join(grade.diagnoses), departure or (first.sentence if first else ""), first.hint if first else ""]
        table.writerow([_cell(cell) for cell in [*cells, *told, f"{grade.seconds:.1f}"]])
    return text.getvalue()


def _cell(value: object) -> str:
    """Text that no spreadsheet takes for a formula."""
    text = printable(str(value))
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
