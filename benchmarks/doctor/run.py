"""Let the doctor look at a half of the corpus, through the public entry points alone, and write what came of it.

    python -m benchmarks.doctor.run --half tuning              every case that may be looked at while detectors are changed
    python -m benchmarks.doctor.run --half tuning --only 08    the cases with this in their names
    python -m benchmarks.doctor.run --half report --write      benchmarks/results/doctor.json, for docs/doctor.md

For each case four things are asked, as a user would, and their diagnoses are added: `sw.diagnose` before training,
`fit(..., doctor=True)`, `Model.check` of the rows for predict, and `sw.check_prediction`. A condition counts as recalled
where one of its codes is found: as an alarm, as what follows from another finding, or as a note where a note is all that
the code ever is. The right cause is first where the first finding has one of the codes that the case names.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
import traceback
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import scratchwork as sw
from scratchwork.doctor import CODES, Diagnosis, Finding

from . import cases
from .cases import Case
from .situation import Situation, arguments, train

TITLES = {
    1: "scales of inputs and targets",
    2: "numbers that are not finite",
    3: "learning rate",
    4: "axes, broadcasts, rows that mix",
    5: "stuck at chance",
    6: "wrong hand-written gradient",
    7: "initial weights",
    8: "dead and saturated units",
    9: "last layer, loss and targets",
    10: "labels",
    11: "order of the rows",
    12: "preprocessing at predict",
    13: "overfitting and splits",
    14: "predictions that repeat",
    15: "gradients by layer",
    16: "strength, size, time, threads",
}


@dataclass
class Outcome:
    """What the doctor said about a case."""

    case: Case
    diagnosis: Diagnosis
    seconds: dict[str, float] = field(default_factory=dict)
    problem: str = ""  # an entry point that raised where it should have found

    @property
    def recalled(self) -> bool:
        """Whether a code of the condition, or one that the case names, was found."""
        return any(counts(f) and (f.condition == self.case.condition or f.code in self.case.codes) for f in self.diagnosis)

    @property
    def right_first(self) -> bool:
        """Whether the likeliest cause is the one that was put in."""
        return self.diagnosis.first is not None and self.diagnosis.first.code in self.case.codes

    @property
    def alarms(self) -> list[str]:
        """The codes of findings that are more than notes."""
        return [finding.code for finding in self.diagnosis.alarms]


def counts(finding: Finding) -> bool:
    """Whether a finding says that something is wrong, and is not a remark."""
    return finding.alarm or "consequence_of" in finding.evidence or CODES[finding.code].severity == finding.severity


def examine(case: Case) -> Outcome:
    """All that the doctor says about a case, before, during and after training."""
    run, outcome = case.situation(), Outcome(case, Diagnosis())
    found: list[Finding] = []

    def ask(name: str, act: Any) -> Any:
        started = time.perf_counter()
        try:
            return act()
        except sw.ScratchworkError as error:  # training refuses, or ends: what was seen until then stands in the error
            found.extend(getattr(error, "findings", ()))
            if name != "fit":
                outcome.problem += f"{name} raised {type(error).__name__}: {error}\n"
        except Exception:
            outcome.problem += f"{name}: {traceback.format_exc(limit=-3)}\n"
        finally:
            outcome.seconds[name] = time.perf_counter() - started
        return None

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = ask("diagnose", lambda: diagnose(run))
        found += before or ()
        trained = ask("fit", lambda: train(run, doctor=True))
        if trained is not None:
            history, model = trained
            found += history.findings
            found += ask("check", lambda: model.check(run.rows_for_predict)) or ()
            found += ask("check_prediction", lambda: repeat(run)) or ()
    outcome.diagnosis = Diagnosis(found)
    return outcome


def diagnose(run: Situation) -> Diagnosis:
    """`sw.diagnose` for the situation: of rows as its preprocessing hands them to the network."""
    told = arguments(run)
    x = run.x
    if run.preprocessing:
        chain = [copy.deepcopy(step).fit(x) for step in run.preprocessing]
        rows_val, *rest = told["validation_data"]
        for step in chain:
            x, rows_val = step.transform(x), step.transform(rows_val)
        told["validation_data"] = (rows_val, *rest)
    return sw.diagnose(run.network, x, run.y, **told)


def repeat(run: Situation) -> Diagnosis:
    """`sw.check_prediction` for the network, or for the user's own function."""
    rows = run.x if run.validation_data is None else run.validation_data[0]
    for step in run.preprocessing or ():
        rows = step.transform(rows)
    subject = run.network if run.predict is None else run.predict(run.network)
    return sw.check_prediction(subject, np.asarray(rows[:64]))


def table(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Recall and right causes by condition, and the false alarms."""
    outcomes = list(outcomes)
    rows = []
    for condition, title in TITLES.items():
        mine = [outcome for outcome in outcomes if outcome.case.condition == condition]
        if not mine:
            continue
        rows.append(
            {
                "condition": condition,
                "title": title,
                "runs": len(mine),
                "sets": len({outcome.case.problem for outcome in mine}),
                "recall": sum(outcome.recalled for outcome in mine) / len(mine),
                "right_first": sum(outcome.right_first for outcome in mine) / len(mine),
            }
        )
    well = [outcome for outcome in outcomes if outcome.case.condition == 0]
    faulty = [outcome for outcome in outcomes if outcome.case.condition]
    return {
        "conditions": rows,
        "faulty_runs": len(faulty),
        "recall": sum(outcome.recalled for outcome in faulty) / max(len(faulty), 1),
        "right_first": sum(outcome.right_first for outcome in faulty) / max(len(faulty), 1),
        "healthy_runs": len(well),
        "healthy_runs_with_notes": sum(bool(outcome.diagnosis.findings) and not outcome.alarms for outcome in well),
        "false_alarms": {outcome.case.name: outcome.alarms for outcome in well if outcome.alarms},
        "raised": [outcome.case.name for outcome in outcomes if outcome.problem],
        "slowest_diagnose_seconds": max((outcome.seconds["diagnose"] for outcome in outcomes), default=0.0),
    }


def shown(result: dict[str, Any]) -> str:
    """The table for a terminal."""
    lines = [f"{'condition':<36}{'runs':>6}{'recall':>9}{'first':>9}"]
    for row in result["conditions"]:
        name = f"{row['condition']:2d} {row['title']}"
        lines.append(f"{name:<36}{row['runs']:>6}{row['recall']:>9.2f}{row['right_first']:>9.2f}")
    lines.append(f"{'all':<36}{result['faulty_runs']:>6}{result['recall']:>9.2f}{result['right_first']:>9.2f}")
    false, well = result["false_alarms"], result["healthy_runs"]
    share = len(false) / max(well, 1)
    lines.append(
        f"{well} healthy runs: {len(false)} with an alarm ({share:.1%}), {result['healthy_runs_with_notes']} with notes"
    )
    lines += [f"    {name}: {', '.join(codes)}" for name, codes in false.items()]
    lines += [f"    raised: {name}" for name in result["raised"]]
    return "\n".join(lines)


def misses(outcomes: Iterable[Outcome]) -> str:
    """Each case that went wrong, with what the doctor said instead."""
    lines = []
    for outcome in outcomes:
        case, diagnosis = outcome.case, outcome.diagnosis
        if case.condition == 0:
            kind = "FALSE ALARM" if outcome.alarms else ""
        else:
            kind = "MISSED" if not outcome.recalled else "" if outcome.right_first else "not first"
        if not kind and not outcome.problem:
            continue
        lines.append(f"{kind or 'raised':<12}{case.name}   wanted {'/'.join(case.codes) or 'nothing'}")
        lines += [f"      {f.code} {f.severity} [{f.where or ''}] {f.cause}"[:260] for f in diagnosis.findings[:5]]
        lines += [f"      !! {line}" for line in outcome.problem.splitlines()]
    return "\n".join(lines)


def main() -> int:
    """Run, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("tuning", "report"), required=True)
    parser.add_argument("--only", default="", help="cases with this in their names")
    parser.add_argument("--write", action="store_true", help="benchmarks/results/doctor.json")
    parser.add_argument("--misses", type=Path, help="a file for what went wrong; of the tuning half only")
    given = parser.parse_args()
    if given.half == "report" and (given.misses or given.only):
        parser.error("the report half is not looked at case by case")
    started, outcomes = time.perf_counter(), []
    for case in cases.of_half(given.half):
        if given.only in case.name:
            outcomes.append(examine(case))
            if sys.stderr.isatty():
                print(f"\r{len(outcomes)} ", end="", file=sys.stderr)
    result = {"half": given.half, **table(outcomes), "seconds": time.perf_counter() - started}
    print(shown(result))
    print(f"{result['seconds']:.0f} s")
    if given.misses:
        given.misses.write_text(f"{shown(result)}\n\n{misses(outcomes)}\n", encoding="utf-8")
    if given.write:
        sys.path.insert(0, str(Path(__file__).parent.parent))
        from machine import describe_machine, write_result

        write_result("doctor", {"machine": describe_machine(), "digest": cases.digest(), **result})
    return 0


if __name__ == "__main__":
    sys.exit(main())
