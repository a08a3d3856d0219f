"""What the doctor says: a finding, a diagnosis that puts findings in causal order, and the table of all codes.

The number of a code is the condition that it belongs to, and two more digits: SW101 and SW104 are the first condition.
A code never changes its meaning; what is no longer found leaves its number unused.
"""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

WIDTH = 80
ERROR, WARNING, NOTE = "error", "warning", "note"


class Code(NamedTuple):
    """What stands behind a code."""

    condition: int
    title: str
    severity: str


CODES: dict[str, Code] = {
    code: Code(int(code[2:-2]), title, severity)
    for code, title, severity in [
        ("SW101", "inputs not scaled", WARNING),
        ("SW102", "regression targets not scaled", WARNING),
        ("SW103", "inputs in mixed units", WARNING),
        ("SW104", "integers wrapped around", ERROR),
        ("SW201", "a number that is not finite", ERROR),
        ("SW301", "learning rate too high", ERROR),
        ("SW302", "learning rate too low", WARNING),
        ("SW401", "wrong axis, or a silent broadcast", ERROR),
        ("SW402", "rows influence each other", ERROR),
        ("SW501", "stuck at chance", ERROR),
        ("SW601", "wrong hand-written gradient", ERROR),
        ("SW701", "columns of weights that start equal", ERROR),
        ("SW702", "activations vanish from layer to layer", WARNING),
        ("SW703", "activations grow from layer to layer", WARNING),
        ("SW801", "dead ReLUs", WARNING),
        ("SW802", "saturated units", WARNING),
        ("SW901", "softmax or sigmoid twice", ERROR),
        ("SW902", "softmax on one output", ERROR),
        ("SW903", "a bounded layer before a regression output", ERROR),
        ("SW904", "squared error on class numbers", WARNING),
        ("SW905", "outputs that the loss does not take", ERROR),
        ("SW1001", "labels do not fit the outputs", ERROR),
        ("SW1002", "labels are constant", ERROR),
        ("SW1003", "labels or rows are no numbers", ERROR),
        ("SW1004", "imbalance that hides behind accuracy", WARNING),
        ("SW1101", "data in order and not shuffled", WARNING),
        ("SW1102", "batches repeated", WARNING),
        ("SW1201", "inputs inverted", ERROR),
        ("SW1202", "inputs shifted", ERROR),
        ("SW1203", "inputs not like those of training", ERROR),
        ("SW1301", "overfitting", WARNING),
        ("SW1302", "the same rows in training and validation", WARNING),
        ("SW1303", "scored on the rows of training", WARNING),
        ("SW1401", "prediction that is not repeatable", ERROR),
        ("SW1402", "prediction depends on the rest of the batch", ERROR),
        ("SW1403", "batch normalization of a batch of one row", ERROR),
        ("SW1501", "gradients vanish from layer to layer", WARNING),
        ("SW1502", "gradients explode from layer to layer", WARNING),
        ("SW1601", "regularization so strong that weights die", ERROR),
        ("SW1602", "cannot fit fifty rows", WARNING),
        ("SW1603", "stopped too early", WARNING),
        ("SW1604", "more threads than help", NOTE),
    ]
}

DATA = ("SW1003", "SW104", "SW1001", "SW1002")
CODE = ("SW401", "SW1401", "SW402", "SW601", "SW1402", "SW1403")
DESIGN = ("SW902", "SW901", "SW905", "SW903", "SW904")
UNITS = ("SW101", "SW103", "SW102")
START = ("SW701", "SW703", "SW702")
ORDER: tuple[str, ...] = (
    *DATA,
    *CODE,
    *DESIGN,
    *UNITS,
    *START,
    *("SW1201", "SW1203", "SW1202"),  # at predict: nothing above in training explains them
    *("SW1303", "SW1302"),
    *("SW1102", "SW1101", "SW1601", "SW301", "SW302"),
    *("SW802", "SW1502", "SW1501", "SW201", "SW801"),
    *("SW1602", "SW1004", "SW501", "SW1301", "SW1603", "SW1604"),
)
"""Root causes before what follows from them: one order for every diagnosis."""

_FAULTS = frozenset({*DATA, *CODE, *DESIGN, *UNITS, *START}) - {"SW1401", "SW1402"}
_SLOW = frozenset({"SW1102", "SW1101", "SW1601", "SW301", "SW302"})
CONSEQUENCES: dict[str, frozenset[str]] = {
    "SW402": frozenset({"SW401", "SW1401"}),
    "SW1402": frozenset({"SW401", "SW402", "SW1401"}),
    "SW601": frozenset({"SW401", "SW402"}),
    "SW102": frozenset({"SW903"}),
    "SW301": _FAULTS - {"SW904"},
    "SW302": _FAULTS - {"SW904"} | {"SW1601"},
    "SW702": frozenset({"SW701"}),
    "SW703": frozenset({"SW101", "SW103"}),
    "SW201": _FAULTS | {"SW301", "SW1502", "SW1601"},
    "SW1502": _FAULTS | {"SW301"},
    "SW1501": _FAULTS | {"SW301", "SW1601", "SW802"},
    "SW801": _FAULTS | {"SW301", "SW1601"},
    "SW802": _FAULTS | {"SW301"},
    "SW501": _FAULTS | _SLOW | {"SW1602", "SW1502", "SW1501", "SW201", "SW801", "SW802", "SW1004"},
    "SW1602": _FAULTS | _SLOW | {"SW1502", "SW1501", "SW201", "SW801", "SW802"},
    "SW1601": frozenset({"SW701", "SW902"}),
    "SW1004": frozenset({"SW1002", "SW902"}),
    "SW1301": frozenset({"SW1101", "SW301", "SW1402", "SW1401"}),
    "SW1302": frozenset({"SW1303"}),
    "SW1603": _FAULTS | _SLOW | {"SW501", "SW1501"},
}
"""What each finding may merely follow from: where one of these is found too, the finding becomes a note."""
UNRELATED = "SW501 of the rows"
FUTILE = frozenset({"SW302", "SW1602", "SW1301", "SW1603"})
"""What comes of targets that do not follow from the inputs, whatever the network does."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, with the numbers that say so.

    `evidence` holds measured numbers by name (all JSON-able), `path` the questions that were asked one after the other and
    their answers where the cause was narrowed down, `step` the step of training at which it was seen, None before it.
    """

    code: str
    severity: str
    cause: str
    fix: str
    evidence: dict[str, Any] = field(default_factory=dict)
    where: str | None = None
    step: int | None = None
    path: tuple[str, ...] = ()

    @property
    def condition(self) -> int:
        """The number of the condition that the code belongs to."""
        return CODES[self.code].condition

    @property
    def title(self) -> str:
        """The code's title, the same for every finding of it."""
        return CODES[self.code].title

    @property
    def alarm(self) -> bool:
        """Whether it is more than a note."""
        return self.severity != NOTE

    def line(self) -> str:
        """Code, place, cause and fix on one line, as training prints it."""
        when = "" if self.step is None else f" (step {self.step})"
        place = f" {self.where}:" if self.where else ""
        return f"{self.code} {self.severity}{when}:{place} {self.cause}. Fix: {self.fix}."

    def to_dict(self) -> dict[str, Any]:
        """All of it as what JSON knows."""
        return {
            "code": self.code,
            "condition": self.condition,
            "title": self.title,
            "severity": self.severity,
            "cause": self.cause,
            "fix": self.fix,
            "where": self.where,
            "step": self.step,
            "evidence": self.evidence,
            "path": list(self.path),
        }

    def __str__(self) -> str:
        head = f"{self.code} {self.severity}: {self.title}"
        parts = [("", head)]
        if self.where or self.step is not None:
            steps = [] if self.step is None else [f"step {self.step}"]
            parts.append(("where  ", ", ".join([*([self.where] if self.where else []), *steps])))
        parts += [("cause  ", self.cause), *(("  asked ", asked) for asked in self.path), ("fix    ", self.fix)]
        lines = []
        for label, text in parts:
            indent = "" if not label else "  "
            hang = " " * (len(indent) + len(label))
            lines += textwrap.wrap(text, WIDTH, initial_indent=indent + label, subsequent_indent=hang or "  ")
        return "\n".join(lines)


def found(
    code: str,
    cause: str,
    fix: str,
    *,
    where: str | None = None,
    step: int | None = None,
    path: Iterable[str] = (),
    severity: str | None = None,
    **evidence: Any,
) -> Finding:
    """A Finding of this code, with the code's usual severity; keyword arguments are its evidence, NumPy's numbers too."""
    plain = {name: jsonable(value) for name, value in evidence.items()}
    return Finding(code, severity or CODES[code].severity, cause, fix, plain, where, step, tuple(path))


def jsonable(value: Any) -> Any:
    """A value as strict JSON knows it: NumPy's numbers and arrays as Python's, and what is not finite as its name."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): jsonable(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


@dataclass(frozen=True)
class Diagnosis:
    """Findings, the likeliest cause first. Each (code, where) stands once; what follows from another one is a note.

    `a + b` is the diagnosis of both: for example what was seen before training and what was seen during it.

    >>> before = Diagnosis([found("SW101", "inputs reach 255", "divide x by 255", largest=255.0)])
    >>> during = Diagnosis([found("SW201", "the loss became nan", "lower the learning rate", step=3)])
    >>> [(finding.code, finding.severity) for finding in (during + before).findings]
    [('SW101', 'warning'), ('SW201', 'note')]
    """

    findings: tuple[Finding, ...] = ()

    def __init__(self, findings: Iterable[Finding] = ()) -> None:
        object.__setattr__(self, "findings", _in_causal_order(findings))

    @property
    def ok(self) -> bool:
        """True where nothing but notes was found."""
        return not any(finding.alarm for finding in self.findings)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of all findings, notes too, in their order and each once."""
        return tuple(dict.fromkeys(finding.code for finding in self.findings))

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """The findings that are more than notes."""
        return tuple(finding for finding in self.findings if finding.alarm)

    @property
    def first(self) -> Finding | None:
        """The likeliest cause, or None."""
        return self.findings[0] if self.findings else None

    def to_dict(self) -> dict[str, Any]:
        """{"ok": ..., "findings": [...]} of what JSON knows."""
        return {"ok": self.ok, "findings": [finding.to_dict() for finding in self.findings]}

    def to_json(self, indent: int | None = None) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def __add__(self, other: Diagnosis) -> Diagnosis:
        if not isinstance(other, Diagnosis):
            return NotImplemented
        return Diagnosis([*self.findings, *other.findings])

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __str__(self) -> str:
        if not self.findings:
            return "nothing found"
        counts = [(sum(f.severity == kind for f in self.findings), kind) for kind in (ERROR, WARNING, NOTE)]
        head = ", ".join(f"{count} {kind}{'s' * (count != 1)}" for count, kind in counts if count)
        return "\n\n".join([f"found: {head}", *map(str, self.findings)])


def _in_causal_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    once: dict[tuple[str, str | None], Finding] = {}
    for finding in findings:
        key = (finding.code, finding.where)
        if key not in once or (finding.alarm and not once[key].alarm and "consequence_of" not in once[key].evidence):
            once[key] = finding
    seen = {finding.code for finding in once.values() if finding.alarm}
    if any(finding.alarm and _unrelated(finding) for finding in once.values()):
        seen.add(UNRELATED)
    kept = [_demoted(finding, seen) for finding in once.values()]
    return tuple(sorted(kept, key=_place))  # stable: what was found first stands first


def _place(finding: Finding) -> tuple[bool, int]:
    """Alarms before notes; a number that was bad before the first step explains all that comes after."""
    code = "SW1002" if _unrelated(finding) else finding.code
    return not finding.alarm, -1 if _in_the_data(finding) else ORDER.index(code)


def _in_the_data(finding: Finding) -> bool:
    where = (finding.where or "").removeprefix("validation ")
    return finding.code == "SW201" and finding.step is None and where in ("x", "y", "the input batch x")


def _unrelated(finding: Finding) -> bool:
    """SW501 that the rows alone have shown, without the network: no symptom, but the cause of what comes of it."""
    return finding.code == "SW501" and ("doubt" in finding.evidence or finding.where == "x")


def _demoted(finding: Finding, seen: set[str]) -> Finding:
    """The finding as a note where a cause of it was found as well."""
    if not finding.alarm or _in_the_data(finding):
        return finding
    known = frozenset({*DATA, *CODE}) if _unrelated(finding) else CONSEQUENCES.get(finding.code, frozenset())
    causes = known & seen
    if causes:
        cause = min(causes, key=ORDER.index)
    elif UNRELATED in seen and finding.code in FUTILE:
        cause = "SW501"
    else:
        return finding
    evidence = {**finding.evidence, "consequence_of": cause}
    return replace(finding, severity=NOTE, evidence=evidence, cause=f"{finding.cause} (follows from {cause})")
