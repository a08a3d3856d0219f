"""The tables of README.md are made from the measured results: nobody types a figure."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def test_the_readme_shows_what_was_measured():
    done = subprocess.run([sys.executable, ROOT / "benchmarks" / "tables.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, "python benchmarks/tables.py writes the tables anew\n" + done.stderr


@pytest.mark.parametrize(
    "name",
    [
        "speed_numpy",
        "speed_compiled",
        "latency",
        "memory",
        "busy",
        "start",
        "mnist_accuracy",
        "digits_accuracy",
        "import_time",
        "speed_estimators",
        "tabular",
        "ensemble",
        "doctor",
        "doctor_first_look",
        "doctor_cost",
        "grading",
        "grading_first_look",
        "walkthrough",
    ],
)
def test_every_result_says_on_which_machine(name):
    result = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    assert {"processor", "cores", "python", "numpy", "date"} <= set(result["machine"])
