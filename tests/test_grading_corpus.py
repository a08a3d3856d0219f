"""The corpus of programs that the grader is measured with: it holds what it says, and its halves stay what they were."""

import ast
import collections
import json
from pathlib import Path

import pytest
from benchmarks.grading.corpus import HALF, PROGRAMS, SEED, STYLES
from benchmarks.grading.mistakes import MISTAKES
from benchmarks.grading.verify import verify_correct, verify_mistake

MANIFEST = json.loads((Path(__file__).parents[1] / "benchmarks" / "grading" / "manifest.json").read_text(encoding="utf-8"))


def test_there_are_programs_and_mistakes_of_every_style_in_both_halves():
    programs = collections.Counter((name.partition("/")[0], HALF[name]) for name in PROGRAMS)
    mistakes = collections.Counter((mistake.style, mistake.half) for mistake in MISTAKES)
    assert programs == {(style, half): 3 for style in STYLES for half in ("tuning", "report")}
    assert all(mistakes[key] >= 15 for key in programs)
    assert len(MISTAKES) >= 180


def test_the_halves_are_those_that_were_frozen_before_the_first_grading():
    assert MANIFEST["seed"] == SEED
    assert {entry["program"]: entry["half"] for entry in MANIFEST["programs"]} == HALF


def test_the_manifest_names_every_mistake_with_what_is_expected():
    listed = [(e["program"], m["name"], tuple(m["expected"])) for e in MANIFEST["programs"] for m in e["mistakes"]]
    assert sorted(listed) == sorted((mistake.program, mistake.name, mistake.expected) for mistake in MISTAKES)
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_correct_program_computes_what_the_reference_does(name):
    assert verify_correct(name, PROGRAMS[name].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_mistake_of_a_program_changes_its_numbers(name):
    mine = [mistake for mistake in MISTAKES if mistake.program == name]
    assert {mistake.name: verify_mistake(mistake) for mistake in mine} == {mistake.name: "" for mistake in mine}


def test_a_program_with_a_mistake_is_no_correct_one():
    """The verification of correct programs can fail: it finds each of the mistakes in a gradient."""
    signs = [mistake for mistake in MISTAKES if mistake.expected == ("sign",)]
    assert len(signs) > 5
    for mistake in signs:
        assert any("gradient" in problem for problem in verify_correct(mistake.program, mistake.source())), mistake


def test_programs_need_numpy_and_nothing_else():
    for path in PROGRAMS.values():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not isinstance(node, ast.ImportFrom), path
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= {"numpy", "sys"}, path
