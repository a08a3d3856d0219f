"""`scratchwork grade`: a report, JSON, a folder as CSV, and exit statuses; the pytest helper."""

import csv
import io
import json

import pytest

from scratchwork.cli import main
from scratchwork.grading import grade_folder, write_csv
from scratchwork.grading.pytest import assert_correct
from test_grading_programs import DICTIONARY, LAYERS

WRONG = LAYERS.replace("+ self.bias\n", "\n")


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "submissions"
    (place / "deep").mkdir(parents=True)
    (place / "__pycache__").mkdir()
    (place / "anna.py").write_text(LAYERS, encoding="utf-8")
    (place / "ben.py").write_text(WRONG, encoding="utf-8")
    (place / "carl.py").write_text("def f(:", encoding="utf-8")
    (place / "deep" / "=dora.py").write_text(DICTIONARY, encoding="utf-8")
    (place / "__pycache__" / "x.py").write_text("", encoding="utf-8")
    (place / "notes.txt").write_text("no program", encoding="utf-8")
    return place


def test_a_right_program(folder, capsys):
    assert main(["grade", str(folder / "anna.py")]) == 0
    out, err = capsys.readouterr()
    assert "100 of 100 marks" in out
    assert "running" in err
    assert "in a process of its own" in err
    assert max(map(len, out.splitlines())) <= 80 or str(folder) in out


def test_a_wrong_program_says_where_and_what_to_do(folder, capsys):
    assert main(["grade", str(folder / "ben.py"), "--style", "layers"]) == 1
    out = capsys.readouterr().out
    assert "first departure: Dense.forward gives output[0, 0]" in out
    assert "hint: y = x W + b: add the bias in the forward" in out
    assert "FAIL" in out


def test_json(folder, capsys):
    assert main(["grade", str(folder / "ben.py"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["diagnoses"][0] == "missing bias forward"


def test_a_folder_as_csv(folder, tmp_path, capsys):
    target = tmp_path / "marks.csv"
    assert main(["grade", str(folder), "--out", str(target), "--seconds", "20"]) == 1
    rows = list(csv.DictReader(io.StringIO(target.read_text(encoding="utf-8"))))
    assert [row["file"] for row in rows] == ["anna.py", "ben.py", "carl.py", "deep/=dora.py"]
    assert [row["passed"] for row in rows] == ["yes", "no", "no", "yes"]
    assert [row["style"] for row in rows] == ["layers", "layers", "unknown", "dictionary"]
    assert rows[1]["diagnosis"].startswith("missing bias forward")
    assert rows[1]["hint"]
    assert rows[2]["marks"] == "0"
    assert rows[2]["diagnosis"] == "syntax error"
    assert "4 programs" in capsys.readouterr().err
    assert main(["grade", str(folder), "--out", str(tmp_path / "no" / "where.csv")]) == 1
    assert "could not be written" in capsys.readouterr().err


def test_cells_are_no_formulas(folder):
    grades = grade_folder(folder / "deep", seconds=20)
    assert write_csv(grades, folder / "deep").splitlines()[1].startswith("'=dora.py,100,")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["grade", "nothing.py"], 1, "there is no file or folder nothing.py"),
        (["grade"], 2, "PATH"),
        (["grade", "x.py", "--style", "poem"], 2, "poem"),
        (["grade", "x.py", "--seconds", "0"], 2, "seconds"),
    ],
)
def test_bad_usage(arguments, status, words, capsys):
    assert main(arguments) == status
    assert words in capsys.readouterr().err


def test_help_says_that_the_file_is_run(capsys):
    assert main(["grade", "--help"]) == 0
    assert "ARE RUN" in capsys.readouterr().out


def test_an_empty_folder(tmp_path, capsys):
    assert main(["grade", str(tmp_path)]) == 1
    assert "no Python file" in capsys.readouterr().err


def test_the_pytest_helper(folder):
    assert assert_correct(folder / "anna.py").marks == 100
    with pytest.raises(AssertionError, match="the bias is never added"):
        assert_correct(folder / "ben.py")
    assert assert_correct(folder / "ben.py", marks=10).marks < 100
