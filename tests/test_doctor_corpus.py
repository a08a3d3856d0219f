"""The corpus of the doctor: every case can be built, the halves are those that were frozen, what is healthy is healthy."""

from collections import Counter

import numpy as np
import pytest
from benchmarks.doctor import cases
from benchmarks.doctor.run import TITLES, Outcome, table
from benchmarks.doctor.situation import score, train

from scratchwork.doctor import CODES, Diagnosis
from scratchwork.doctor.findings import found

FROZEN = "b0639c0dba1e6c05"  # the halves, drawn before any detector was tuned: see benchmarks/doctor/cases.py


def test_there_are_as_many_cases_as_promised():
    every = cases.all_cases()
    counts = Counter(case.condition for case in every)
    assert len({case.name for case in every}) == len(every)
    assert counts[0] >= 150
    assert len(every) - counts[0] >= 250
    assert set(counts) == {0, *TITLES}
    for condition in TITLES:
        mine = [case for case in every if case.condition == condition]
        assert len(mine) >= 16, condition
        assert len({case.problem for case in mine}) >= 5, condition
        assert len({case.fault for case in mine}) >= 5, condition


def test_what_the_cases_expect_are_codes_of_the_doctor():
    for case in cases.all_cases():
        assert set(case.codes) <= set(CODES), case.name
        assert not case.codes if case.condition == 0 else CODES[case.codes[0]].condition == case.condition, case.name


def test_the_halves_are_those_that_were_frozen():
    halves = cases.halves()
    assert cases.digest() == FROZEN
    assert sorted(case.name for half in halves.values() for case in half) == sorted(case.name for case in cases.all_cases())
    for condition in (0, *TITLES):
        of_half = {half: [case for case in mine if case.condition == condition] for half, mine in halves.items()}
        assert abs(len(of_half["tuning"]) - len(of_half["report"])) <= 1, condition
        unseen = {case.fault for case in of_half["report"]} - {case.fault for case in of_half["tuning"]}
        assert unseen, condition  # kinds of faults that nobody tuned on


def test_every_case_can_be_built_and_has_its_fault():
    """The faults assert by themselves what their construction promises; the same case twice is the same run."""
    for case in cases.all_cases():
        run = case.situation()
        assert len(run.x) == len(run.y), case.name
        assert run.network.built is False or case.condition == 0, case.name
    again = cases.all_cases()[7]
    assert np.array_equal(again.situation().x, again.situation().x)


def is_healthy(case: cases.Case) -> str:
    """What is not well with a run that is told to be; "" where all is."""
    run = case.situation()
    history, _ = train(run)
    wanted = run.problem.reached if run.reached is None else run.reached
    reached = (run.measure or score)(run)
    if reached < wanted:
        return f"{case.name} reaches {reached:.3f} of {wanted}"
    curve = history.columns.get("val_loss", [0.0])
    if history.stopped != "early stopping" and min(curve) > 0 and curve[-1] > 1.5 * min(curve) + 0.05 * curve[0]:
        return f"{case.name} overfits: {min(curve):.3f} became {curve[-1]:.3f}"
    return ""


WELL = [case for case in cases.all_cases() if case.condition == 0]


def test_healthy_runs_are_healthy():
    assert [problem for case in WELL[::8] if (problem := is_healthy(case))] == []


@pytest.mark.slow
def test_all_healthy_runs_are_healthy():
    assert [problem for case in WELL if (problem := is_healthy(case))] == []


def test_the_table_counts():
    faulty, well = next(case for case in cases.all_cases() if case.condition == 3), WELL[0]
    right = found(faulty.codes[0], "too high", "lower it")
    outcomes = [
        Outcome(faulty, Diagnosis([right]), {"diagnose": 0.1}),
        Outcome(faulty, Diagnosis([right, found("SW104", "wrapped", "use floats")]), {"diagnose": 0.3}),
        Outcome(faulty, Diagnosis(), {"diagnose": 0.2}),
        Outcome(well, Diagnosis([right]), {"diagnose": 0.1}),
        Outcome(well, Diagnosis([found("SW1604", "64 threads", "use one")]), {"diagnose": 0.1}),
    ]
    result = table(outcomes)
    (row,) = result["conditions"]
    assert (row["condition"], row["runs"]) == (3, 3)
    assert row["recall"] == pytest.approx(2 / 3)
    assert row["right_first"] == pytest.approx(1 / 3)
    assert result["false_alarms"] == {well.name: [faulty.codes[0]]}
    assert (result["healthy_runs"], result["healthy_runs_with_notes"]) == (2, 1)
    assert result["slowest_diagnose_seconds"] == pytest.approx(0.3)
