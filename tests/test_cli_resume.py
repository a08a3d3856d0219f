"""`train --resume` after kills and Ctrl-C, the manifest, and `rerun`: the same bits, or what differs."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from scratchwork.cli import main
from scratchwork.cli.manifest import find_run
from scratchwork.cli.rerun import read_history
from scratchwork.errors import FileFormatError, MissingFileError, ScratchworkError
from scratchwork.storage.checkpoints import Checkpoints
from test_cli_train import table

COMMON = ["--no-pictures", "--quiet"]
LONG = [
    "digits",
    "--epochs",
    "12",
    "--hidden",
    "32",
    "--dropout",
    "0.2",
    "--batch-norm",
    "--schedule",
    "cosine",
    "--patience",
    "6",
]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def leaves(run):
    """What must be the same: the model file, and the history without its clock."""
    lines = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    return (run / "model.safetensors").read_bytes(), [{k: v for k, v in line.items() if k != "seconds"} for line in lines]


def started(*words):
    return subprocess.Popen(
        [sys.executable, "-m", "scratchwork", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def wait_for_checkpoint(process, folder, number):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        files = Checkpoints(folder).files()
        if files and int(files[0].stem[5:]) >= number:
            return
        time.sleep(0.002)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_killed_run_goes_on_and_leaves_the_same_files(here, engine):
    settings = [*LONG, *COMMON, "--engine", engine]
    assert main(["train", *settings, "--out", "whole", "--checkpoint-every", "none"]) == 0
    for number in (30, 150):
        words = ["--resume", "run"] if (here / "run").exists() else [*settings, "--out", "run"]
        process = started("train", *words, *COMMON, "--checkpoint-every", "3")
        wait_for_checkpoint(process, here / "run" / "checkpoints", number)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        assert not (here / "run" / "model.safetensors").exists()
    assert main(["train", "--resume", "run", *COMMON]) == 0
    assert leaves(here / "run") == leaves(here / "whole")
    assert not (here / "run" / "checkpoints").exists()
    manifest = json.loads((here / "run" / "manifest.json").read_text())
    assert manifest["engine"] == engine
    assert manifest["command"][:3] == ["scratchwork", "train", "digits"]
    assert len(manifest["resumed"]) == 1, "those that were killed left no word"


def test_control_c_and_then_on(here, capsys):
    settings = ["digits", "--epochs", "150", "--patience", "none", *COMMON]
    process = started("train", *settings, "--out", "run", "--checkpoint-every", "20")
    wait_for_checkpoint(process, here / "run" / "checkpoints", 40)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "train --resume run   goes on" in out
    assert json.loads((here / "run" / "manifest.json").read_text())["stopped"] == "interrupted"
    assert main(["rerun", "run"]) == 1
    assert "has not come to its end" in capsys.readouterr().err
    assert main(["train", "digits", "--out", "run", *COMMON]) == 1
    assert "--resume run goes on with it" in capsys.readouterr().err
    assert main(["train", "--resume", "run", "--no-pictures"]) == 0
    assert "going on with run from step" in capsys.readouterr().out
    assert main(["train", *settings, "--out", "whole"]) == 0
    assert leaves(here / "run") == leaves(here / "whole")


def test_a_run_killed_before_its_first_checkpoint_begins_anew(here, capsys):
    assert main(["train", "xor", *COMMON, "--out", "run"]) == 0
    wanted = leaves(here / "run")
    manifest = json.loads((here / "run" / "manifest.json").read_text())
    for name in ("results", "stopped"):
        del manifest[name]
    (here / "run" / "manifest.json").write_text(json.dumps(manifest))
    for name in ("model.safetensors", "test.json", "history.jsonl"):
        (here / "run" / name).unlink()
    assert main(["train", "xor", "--out", "run"]) == 1
    assert "--resume run" in capsys.readouterr().err
    assert main(["train", "--resume", "run", "--no-pictures"]) == 0
    assert "from the beginning" in capsys.readouterr().out
    assert leaves(here / "run") == wanted


def test_a_table_with_a_relative_path_from_elsewhere(here, monkeypatch, capsys):
    table(here / "people.csv", rows=80)
    assert main(["train", "people.csv", "--epochs", "3", *COMMON, "--out", "run"]) == 0
    (here / "deeper").mkdir()
    monkeypatch.chdir(here / "deeper")
    assert main(["rerun", "../run", "--quiet"]) == 0
    assert "the bits agree" in capsys.readouterr().out


def test_a_run_that_has_ended_is_left_alone(here, capsys):
    assert main(["train", "xor", *COMMON, "--out", "run"]) == 0
    before = leaves(here / "run")
    assert main(["train", "--resume", "run"]) == 0
    assert "nothing is left to do" in capsys.readouterr().out
    assert leaves(here / "run") == before


def test_force_gives_up_the_checkpoints_of_the_run_before(here):
    process = started("train", *LONG, *COMMON, "--out", "run", "--checkpoint-every", "2")
    wait_for_checkpoint(process, here / "run" / "checkpoints", 20)
    assert main(["train", "xor", *COMMON, "--out", "run", "--force"]) == 1, "it is still at work"
    process.kill()
    process.communicate()
    assert main(["train", "xor", *COMMON, "--out", "run", "--force"]) == 0
    assert not (here / "run" / "checkpoints").exists()
    assert main(["rerun", "run", "--quiet"]) == 0


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["train"], 2, "which DATA?"),
        (["train", "digits", "--resume", "run"], 2, "leave DATA out"),
        (["train", "--resume", "run", "--epochs", "3"], 2, "leave --epochs out"),
        (["train", "--resume", "run", "--out", "x"], 2, "leave --out out"),
        (["train", "--resume", "run", "--config", "run/config.json"], 2, "leave --config out"),
        (["train", "--resume", "nowhere"], 1, "there is no run folder nowhere"),
        (["train", "--resume", "."], 1, "holds no run"),
        (["train", "--resume", "damaged"], 1, "is no JSON"),
        (["train", "--resume", "odd"], 1, "does not say what was trained on"),
        (["train", "digits", "--checkpoint-every", "0.5"], 2, "whole number"),
        (["train", "sine", "--optimizer", "lbfgs", "--checkpoint-every", "5"], 2, "lbfgs keeps no checkpoints"),
        (["rerun", "nowhere"], 1, "there is no run folder"),
        (["rerun", "run", "--out", "run"], 1, "holds a run already"),
        (["rerun"], 2, "RUN_FOLDER"),
    ],
)
def test_mistakes_are_one_sentence(here, words, status, told, capsys):
    assert main(["train", "xor", *COMMON, "--out", "run"]) == 0
    for name, text in (("damaged", "{"), ("odd", json.dumps({"data": 7, "settings": {}}))):
        (here / name).mkdir()
        (here / name / "config.json").write_text(text)
    capsys.readouterr()
    assert main(words) == status
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1


# rerun


def test_rerun_agrees_and_can_keep_what_it_made(here, capsys):
    assert main(["train", "digits", "--epochs", "2", *COMMON, "--out", "run"]) == 0
    assert main(["rerun", "run", "--out", "again"]) == 0
    assert "run: the bits agree, of the model and of its history" in capsys.readouterr().out
    assert leaves(here / "again") == leaves(here / "run")
    assert main(["train", "sine", "--optimizer", "lbfgs", "--epochs", "5", *COMMON, "--out", "curve"]) == 0
    assert main(["rerun", "curve", "--quiet"]) == 0


def test_rerun_says_what_differs_and_why(here, capsys):
    source = here / "people.csv"
    table(source, rows=80)
    assert main(["train", "people.csv", "--epochs", "3", *COMMON, "--out", "run"]) == 0
    table(source, rows=80, seed=1)
    manifest = here / "run" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"numpy": "', '"numpy": "0.'))
    capsys.readouterr()
    assert main(["rerun", "run", "--quiet"]) == 1
    out = capsys.readouterr().out
    assert "the bits do not agree" in out
    assert "numbers, by at most" in out
    assert "the history, from epoch 1 on" in out
    assert "data_fingerprint" in out
    assert "numpy 0." in out


def test_rerun_of_a_folder_that_somebody_changed(here, capsys):
    assert main(["train", "xor", *COMMON, "--out", "run"]) == 0
    history = here / "run" / "history.jsonl"
    history.write_text(history.read_text().replace("0.", "1.", 3))
    assert main(["rerun", "run", "--quiet"]) == 1
    assert "nothing in the manifest differs: is the run folder changed?" in capsys.readouterr().out


def test_a_history_without_end_is_not_read(here):
    path = here / "history.jsonl"
    path.write_text("{}\n")
    os.truncate(path, 2**40)
    with pytest.raises(FileFormatError, match=r"^\S+ has more than \d+ bytes: that is no history of a run"):
        read_history(path)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(MissingFileError, match="is not there"):
        read_history(path)


def test_run_folders_of_nonsense_are_one_sentence(here):
    """Whatever stands in config.json and manifest.json."""
    assert main(["train", "xor", *COMMON, "--out", "run"]) == 0
    chance = random.Random(0)
    texts = {name: (here / "run" / name).read_text() for name in ("config.json", "manifest.json")}
    odd = ["null", "[]", "7", '"text"', "{}", "1e999", '{"a": [1]}', "[" * 5000]
    for _ in range(300):
        name = chance.choice([*texts])
        document = json.loads(texts[name])
        key = chance.choice([*document])
        text = json.dumps(document).replace(json.dumps(document[key]), chance.choice(odd), 1)
        (here / "run" / name).write_text(text)
        with contextlib.suppress(ScratchworkError):
            assert find_run("run").ended in (True, False)
        (here / "run" / name).write_text(texts[name])


@pytest.mark.slow
def test_a_real_table_killed_ten_times(here):
    rows = np.random.default_rng(0).normal(size=(3000, 5))
    lines = ["a,b,c,d,e,y", *(",".join(f"{cell:.4f}" for cell in row) + f",{np.sin(row[0]) + row[1]:.4f}" for row in rows)]
    (here / "t.csv").write_text("\n".join(lines) + "\n")
    settings = ["t.csv", "--target", "y", "--epochs", "12", *COMMON]
    assert main(["train", *settings, "--out", "whole"]) == 0
    chance, kills = random.Random(1), 0
    while True:
        words = ["--resume", "run"] if (here / "run" / "config.json").exists() else [*settings, "--out", "run", "--force"]
        process = started("train", *words, *COMMON, "--checkpoint-every", "5")
        if kills < 10:
            time.sleep(chance.uniform(0.5, 2.5))
            os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=200)
        if process.returncode == 0:
            break
        kills += 1
    assert leaves(here / "run") == leaves(here / "whole")
