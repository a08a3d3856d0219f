"""Files that claim what they do not hold, bombs, and ways out of a folder: one sentence, in no time, for next to no memory."""

import json
import subprocess
import sys

import pytest
from benchmarks.fuzz.sizes import MOST_MEGABYTES, MOST_SECONDS, RESULT, cases

from source_code import ROOT

SLOWER = 5  # times what is promised: tests share their processor with others


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What became of each case, every one in a process of its own."""
    into = tmp_path_factory.mktemp("sizes") / "rows.json"
    command = [sys.executable, "-m", "benchmarks.fuzz.sizes", "--into", into]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    return {row["case"]: row for row in json.loads(into.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("name", cases())
def test_it_is_refused_in_one_sentence(name, outcomes):
    found = outcomes[name]
    assert found["outcome"] == "refused", found
    assert found["said"]
    assert "\n" not in found["said"]
    assert found["seconds"] < SLOWER * MOST_SECONDS, found
    assert found["megabytes"] < MOST_MEGABYTES, found
    assert not found["ran"], "code in the file was run"


def test_the_record_holds_these_cases():
    record = json.loads(RESULT.read_text(encoding="utf-8"))
    assert [row["case"] for row in record["rows"]] == list(cases())
    assert record["refused"] == record["cases"]


def test_a_child_that_dies_is_no_refusal(tmp_path):
    """The measurement can fail."""
    program = (
        "import os, pathlib; from benchmarks.fuzz.sizes import attempt\n"
        f"found = attempt('x', lambda path: os._exit(3), lambda folder: folder, pathlib.Path({str(tmp_path / 'a')!r}))\n"
        "assert found['outcome'] == 'the process died' and not found['good'], found\n"
        "found = attempt('x', lambda path: bytearray(3 * 10**8), lambda folder: folder, "
        f"pathlib.Path({str(tmp_path / 'b')!r}))\n"
        "assert found['megabytes'] > 200 and not found['good'], found\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
