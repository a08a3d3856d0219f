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

from .consequences import CODE, CONSEQUENCES, DATA, FUTILE, HIDDEN, ORDER, ROOT, UNRELATED

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
    broken = {finding.where for finding in once.values() if finding.code == "SW201"}
    once = {key: _beside_a_pole(finding, broken) for key, finding in once.items()}
    seen = {finding.code for finding in once.values() if finding.alarm and not _minor(finding)}
    if any(finding.alarm and _unrelated(finding) for finding in once.values()):
        seen.add(UNRELATED)
    if any(finding.alarm and _as_a_cause(finding) for finding in once.values()):
        seen.add(ROOT)
    kept = [_demoted(finding, seen) for finding in once.values()]
    return tuple(sorted(kept, key=_place))  # stable: what was found first stands first


def _place(finding: Finding) -> tuple[bool, int]:
    """Alarms before notes; a number that was bad before the first step explains all that comes after."""
    code = "SW1002" if _unrelated(finding) else "SW601" if _flat_end(finding) else finding.code
    code = "SW1604" if _minor(finding) else "SW701" if _as_a_cause(finding) else code
    return not finding.alarm, -1 if _in_the_data(finding) else ORDER.index(code)


def _in_the_data(finding: Finding) -> bool:
    where = (finding.where or "").removeprefix("validation ")
    return finding.code == "SW201" and finding.step is None and where in ("x", "y", "the input batch x")


def _unrelated(finding: Finding) -> bool:
    """SW501 that the rows alone have shown, without the network: no symptom, but the cause of what comes of it."""
    return finding.code == "SW501" and ("doubt" in finding.evidence or finding.where == "x")


def _as_a_cause(finding: Finding) -> bool:
    """SW1602 that a trial, or the rows themselves, have shown to be why nothing is learned."""
    return finding.code == "SW1602" and ("loss_without" in finding.evidence or "contradicted" in finding.evidence)


def _flat_end(finding: Finding) -> bool:
    """SW501 of a last layer that never has a slope, whatever its bounds are."""
    return finding.code == "SW501" and finding.evidence.get("flat_end") is True


def _minor(finding: Finding) -> bool:
    """A last batch of one row: worth a warning, and the cause of nothing else."""
    return finding.code == "SW1403" and finding.severity == WARNING


def _beside_a_pole(finding: Finding, broken: set[str | None]) -> Finding:
    """A few wrong entries in the gradient of a layer that gives what is not finite: there, differences say nothing."""
    few = finding.evidence.get("pattern") in ("some entries", "unknown", "not finite")
    if finding.code != "SW601" or not finding.alarm or not few or finding.where not in broken:
        return finding
    evidence = {**finding.evidence, "consequence_of": "SW201"}
    return replace(finding, severity=NOTE, evidence=evidence, cause=f"{finding.cause} (follows from SW201)")


def _demoted(finding: Finding, seen: set[str]) -> Finding:
    """The finding as a note where a cause of it was found as well."""
    if not finding.alarm or _in_the_data(finding):
        return finding
    known = frozenset({*DATA, *CODE}) if _unrelated(finding) else CONSEQUENCES.get(finding.code, frozenset())
    if _as_a_cause(finding) or _flat_end(finding):
        known = frozenset({*DATA, *CODE}) - {"SW601"}
    causes = known & seen
    if ROOT in seen and finding.code in HIDDEN:
        cause = "SW1602"
    elif causes:
        cause = min(causes, key=ORDER.index)
    elif UNRELATED in seen and finding.code in FUTILE:
        cause = "SW501"
    else:
        return finding
    evidence = {**finding.evidence, "consequence_of": cause}
    return replace(finding, severity=NOTE, evidence=evidence, cause=f"{finding.cause} (follows from {cause})")
