"""What a grading found: checks with a verdict and a hint each, where the first departure is, and marks."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import printable


@dataclass(frozen=True)
class Departure:
    """Where a program departs from the library's own computation: which function, array and element, and both numbers."""

    function: str
    array: str
    element: tuple[int, ...]
    given: float | None
    right: float | None

    def __str__(self) -> str:
        place = f"{self.array}{list(self.element)}" if self.element else self.array
        given = "nothing" if self.given is None else f"{self.given:.6g}"
        right = "" if self.right is None else f", the library {self.right:.6g}"
        return f"{self.function} gives {place} = {given}{right}"


@dataclass(frozen=True)
class Check:
    """One question to a program. `passed` is None where it could not be asked."""

    name: str
    subject: str
    passed: bool | None
    diagnosis: str | None = None
    sentence: str = ""
    hint: str = ""
    weight: float = 1.0
    departure: Departure | None = None

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> Check:
        """The check that was written with `asdict`."""
        found = entry.get("departure")
        departure = Departure(**{**found, "element": tuple(found["element"])}) if found else None
        return cls(**{**entry, "departure": departure})


@dataclass(frozen=True)
class Grade:
    """Marks for one program, 0 to 100, with every check; `print(grade)` is a report for its author."""

    path: str
    style: str
    checks: tuple[Check, ...]
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether something was checked and nothing failed."""
        return bool(self.asked) and all(check.passed for check in self.asked)

    @property
    def asked(self) -> tuple[Check, ...]:
        """The checks that could be made."""
        return tuple(check for check in self.checks if check.passed is not None)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed, the one to mend first in front."""
        return tuple(check for check in self.checks if check.passed is False)

    @property
    def marks(self) -> int:
        """0 to 100: the share of the weights of the checks that passed, never 100 where one failed."""
        total = sum(check.weight for check in self.asked)
        if not total:
            return 0
        share = sum(check.weight for check in self.asked if check.passed) / total
        return 100 if self.passed else min(round(100 * share), 95)

    @property
    def diagnoses(self) -> tuple[str, ...]:
        """The names of the mistakes, the one to mend first in front."""
        return tuple(dict.fromkeys(check.diagnosis for check in self.failed if check.diagnosis))

    @property
    def remarks(self) -> tuple[Check, ...]:
        """Checks that passed with a weakness: right, but not where numbers become extreme. They cost no marks."""
        return tuple(check for check in self.checks if check.passed and check.diagnosis)

    @property
    def departure(self) -> Departure | None:
        """Where the program first departs from the library's own computation."""
        return next((check.departure for check in self.failed if check.departure is not None), None)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "path": self.path,
            "style": self.style,
            "marks": self.marks,
            "passed": self.passed,
            "diagnoses": list(self.diagnoses),
            "departure": None if self.departure is None else asdict(self.departure),
            "checks": [asdict(check) for check in self.checks],
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
        }

    def to_json(self) -> str:
        """The same as JSON."""
        return json.dumps(self.to_dict(), indent=2)

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        lines = [f"{printable(self.path)}: {self.marks} of 100 marks (style: {self.style})"]
        if self.departure is not None:
            lines += _wrapped(f"first departure: {self.departure}", "  ")
        for check in self.checks:
            verdict = {True: "ok  ", False: "FAIL", None: "--  "}[check.passed]
            lines += _wrapped(f"{verdict} {check.name}: {check.subject}", "  ")
            if check.sentence:
                lines += _wrapped(check.sentence, "       ")
            if check.passed is not None and check.hint:
                lines += _wrapped(f"hint: {check.hint}", "       ")
        for note in self.notes:
            lines += _wrapped(f"note: {note}", "  ")
        return "\n".join(lines)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(printable(text), 80, initial_indent=indent, subsequent_indent=indent + "  ") or [""]
