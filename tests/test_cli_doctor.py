"""`scratchwork doctor RUN`, `train --doctor`, and what `predict` says of rows that are not like those of training."""

import csv
import json

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.cli import main
from scratchwork.doctor import CODES

QUICK = ["--no-pictures", "--quiet"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys, *words):
    status = main(list(words))
    out, err = capsys.readouterr()
    return status, out, err


def test_a_healthy_run(capsys):
    assert main(["train", "digits", "--hidden", "32", "--out", "run", *QUICK]) == 0
    capsys.readouterr()
    status, out, err = said(capsys, "doctor", "run")
    assert (status, err) == (0, "")
    assert "nothing found" in out
    assert "its model" in out


def test_a_bad_run_as_text_and_as_json(capsys):
    main(["train", "digits", "--hidden", "32", "--epochs", "6", "--learning-rate", "1e-9", "--out", "run", *QUICK])
    capsys.readouterr()
    status, out, _ = said(capsys, "doctor", "run")
    assert "SW302" in out
    assert max(map(len, out.splitlines())) <= 80 or "/" in out
    again, text, _ = said(capsys, "doctor", "run", "--json")
    document = json.loads(text)
    assert again == status
    assert not document["ok"]
    assert document["findings"][0]["code"] == "SW302"
    assert all(finding["code"] in CODES for finding in document["findings"])
    assert status == int(any(finding["severity"] == "error" for finding in document["findings"]))


def test_what_training_saw_is_kept_and_said_again(here, capsys):
    words = ["train", "digits", "--hidden", "32", "--epochs", "4", "--optimizer", "sgd", "--learning-rate", "30"]
    status, out, _ = said(capsys, *words, "--doctor", "--out", "run", *QUICK)
    assert status == 0
    assert "SW301" in out
    document = json.loads((here / "run" / "doctor.json").read_text())
    assert document["findings"][0]["code"] == "SW301"
    assert "doctor.json" in json.loads((here / "run" / "manifest.json").read_text())["results"]
    status, out, _ = said(capsys, "doctor", "run")
    assert status == 1
    assert "what was seen while it trained" in out
    (here / "run" / "doctor.json").write_text('{"findings": [{"code": "SW1"}]}')
    assert main(["doctor", "run"]) == 1  # a file of somebody else's is not believed, and the rest still is
    capsys.readouterr()


def test_training_with_the_doctor_has_the_same_bits(here, capsys):
    for name, extra in (("one", []), ("two", ["--doctor"])):
        assert main(["train", "digits", "--hidden", "16", "--epochs", "3", "--out", name, *extra, *QUICK]) == 0
    capsys.readouterr()
    assert (here / "one" / "model.safetensors").read_bytes() == (here / "two" / "model.safetensors").read_bytes()
    assert main(["rerun", "two", "--quiet"]) == 0


def test_a_run_that_diverges_says_why(capsys):
    words = ["train", "sine", "--optimizer", "sgd", "--learning-rate", "1e6", "--epochs", "50", "--doctor", "--out", "run"]
    status, _, err = said(capsys, *words, "--activation", "relu", "--clip-norm", "none", *QUICK)
    assert status == 1
    lines = err.splitlines()
    assert any(line.startswith("doctor: SW") for line in lines)
    assert lines[-1].startswith("scratchwork: error: the loss became")


def table(path, x, y):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "price"])
        writer.writerows([*row, value] for row, value in zip(x.tolist(), y.tolist(), strict=True))


def test_a_table_whose_file_moved_or_is_gone(here, capsys):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2)) * [1, 50]
    table("rows.csv", x, x @ [1.0, 0.1])
    assert main(["train", "rows.csv", "--target", "price", "--epochs", "30", "--out", "run", *QUICK]) == 0
    capsys.readouterr()
    status, out, _ = said(capsys, "doctor", "run")
    assert status == 0
    assert "its model" in out
    (here / "rows.csv").rename(here / "moved.csv")
    status, out, _ = said(capsys, "doctor", "run", "moved.csv")
    assert status == 0
    assert "its model" in out
    status, out, _ = said(capsys, "doctor", "run")
    assert status == 0
    assert "not at its data" in out
    status, _, err = said(capsys, "doctor", "run", "nowhere.csv")
    assert status == 1
    assert "nowhere.csv" in err


def test_predict_warns_on_stderr_and_predicts_all_the_same(here, capsys):
    assert main(["train", "digits", "--hidden", "16", "--epochs", "2", "--out", "run", *QUICK]) == 0
    rows = sw.data.digits()
    np.savez("right.npz", x=rows.x, y=rows.y)
    np.savez("turned.npz", x=16 - rows.x, y=rows.y)
    capsys.readouterr()
    status, _, err = said(capsys, "predict", "run", "right.npz", "--out", "right.csv")
    assert (status, err) == (0, "")
    status, _, err = said(capsys, "predict", "run", "turned.npz", "--out", "turned.csv")
    assert status == 0
    assert "SW1201" in err
    assert len(err.splitlines()) == 1
    assert len((here / "turned.csv").read_text().splitlines()) == len(rows.x) + 1
    status, out, err = said(capsys, "predict", "run", "turned.npz", "--row", "3")
    assert "SW1201" in err
    assert "prediction" in out


def test_no_run_is_one_sentence(capsys):
    status, out, err = said(capsys, "doctor", "nothing-here")
    assert (status, out) == (1, "")
    assert err.startswith("scratchwork: error: there is no run folder")
