"""`scratchwork train`: the run folder, the report, and what is left behind when it fails."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import scratchwork as sw
from scratchwork import data
from scratchwork.cli import main
from scratchwork.cli.building import TargetScale, choose_threads, held_out_rows, plain_labels
from scratchwork.cli.job import Job
from scratchwork.cli.settings import resolve
from scratchwork.losses import LOSSES
from source_code import ROOT

QUICK = ["--epochs", "2", "--hidden", "8", "--no-pictures"]
RUN_FILES = ["config.json", "history.jsonl", "manifest.json", "model.safetensors", "test.json"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(path, rows=40, seed=0, target=None):
    """A CSV file of two features and a class, or a number."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 2))
    y = np.where(x[:, 0] > 0, "right", "left") if target is None else target(x)
    lines = ["height,weight,kind", *(f"{a!r},{b!r},{c}" for (a, b), c in zip(x.tolist(), y.tolist(), strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def content(run):
    """What a model file holds: its header as an object (the order of keys in it is not fixed), and the bytes of the arrays."""
    file = (run / "model.safetensors").read_bytes()
    length = int.from_bytes(file[:8], "little")
    return json.loads(file[8 : 8 + length]), file[8 + length :]


def test_the_main_job(here, capsys, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: name)  # else the lines to copy hold the path of this Python, however long
    assert main(["train", "digits", "--epochs", "4", "--hidden", "32"]) == 0
    out, err = capsys.readouterr()
    folder = here / "runs" / "digits-1"
    pictures = ["confusion-matrix.png", "learning-curve.png", "weights.png", "worst-mistakes.png"]
    assert sorted(file.name for file in folder.iterdir()) == sorted([*RUN_FILES, *pictures])
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in pictures)
    test = json.loads((folder / "test.json").read_text())
    assert f"test accuracy {test['accuracy']:.4f}   ({test['right']} of 359 right, seed 0)" in out
    assert "predicted\ntrue   0   1" in out
    assert "The worst of" in out
    assert "run folder  runs/digits-1" in out
    assert "try next" in out
    assert "predict runs/digits-1 digits --row" in out
    assert "epoch 4/4" in err
    assert max(map(len, out.splitlines())) <= 80
    assert max(map(len, err.splitlines())) <= 80
    history = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(history[0])
    assert json.loads((folder / "config.json").read_text())["settings"]["training"]["epochs"] == 4


def test_the_saved_model_is_the_one_that_was_measured(here):
    main(["train", "digits", *QUICK, "--out", "run", "--quiet"])
    model = sw.load(here / "run" / "model.safetensors")
    digits = data.digits()
    assert model.labels == list(range(10))  # numbers, as people have them in their y
    _, held = held_out_rows(digits.y, 0.2, 0)
    test = json.loads((here / "run" / "test.json").read_text())
    assert np.mean(model.predict(digits.x[held]) == digits.y[held]) == pytest.approx(test["accuracy"])
    assert np.sum(test["confusion"]) == len(held) == 359


def test_no_row_is_in_two_parts_and_preprocessing_sees_training_rows_only():
    dataset = data.blobs(30, seed=1)
    job = Job("blobs", dataset, resolve("blobs", {"epochs": 1}))
    parts = [job.parts.train, job.parts.validation, job.parts.test]
    rows = np.concatenate([part.rows for part in parts])
    assert sorted(rows.tolist()) == list(range(90))
    for part in parts:
        np.testing.assert_array_equal(part.x, dataset.x[part.rows])
    job.train([])
    np.testing.assert_allclose(job.model.preprocessing.steps[0].mean_, job.parts.train.x.mean(axis=0), rtol=1e-5)


def test_the_same_seed_gives_the_same_run_and_another_one_another(here):
    for name, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        assert main(["train", "digits", *QUICK, "--quiet", "--seed", seed, "--out", name]) == 0
    assert content(here / "a") == content(here / "b") != content(here / "c")


def test_a_run_is_repeated_from_its_config(here):
    main(["train", "digits", *QUICK, "--quiet", "--dropout", "0.1", "--out", "a"])
    assert main(["train", "digits", "--no-pictures", "--quiet", "--config", "a/config.json", "--out", "b"]) == 0
    assert content(here / "a") == content(here / "b")


def test_flags_win_over_the_file(here):
    (here / "c.toml").write_text("[training]\nepochs = 7\n[network]\nhidden = [3]\n")
    assert main(["train", "xor", "--quiet", "--no-pictures", "--config", "c.toml", "--epochs", "2", "--out", "a"]) == 0
    settings = json.loads((here / "a" / "config.json").read_text())["settings"]
    assert settings["training"]["epochs"] == 2
    assert settings["network"]["hidden"] == [3]


def test_numbering_and_overwriting(here, capsys):
    for _ in range(2):
        assert main(["train", "xor", "--quiet", "--no-pictures", "--epochs", "1"]) == 0
    assert sorted(folder.name for folder in (here / "runs").iterdir()) == ["xor-1", "xor-2"]
    before = (here / "runs/xor-1/model.safetensors").read_bytes()
    (here / "runs/xor-1/notes.txt").write_text("mine")
    (here / "runs/xor-1/weights.png").write_text("of a run before")
    capsys.readouterr()
    again = ["train", "xor", "--quiet", "--no-pictures", "--epochs", "3", "--out", "runs/xor-1"]
    assert main(again) == 1
    assert "holds a run already" in capsys.readouterr().err
    assert (here / "runs/xor-1/model.safetensors").read_bytes() == before
    assert main([*again, "--force"]) == 0
    assert (here / "runs/xor-1/model.safetensors").read_bytes() != before
    assert (here / "runs/xor-1/notes.txt").read_text() == "mine"
    assert not (here / "runs/xor-1/weights.png").exists()


def test_a_table_with_names_as_classes(here, capsys):
    assert main(["train", table(here / "people.csv"), "--epochs", "30", "--no-pictures"]) == 0
    out, _ = capsys.readouterr()
    assert "left  right" in out
    assert "row" in out or "No mistakes." in out
    model = sw.load(here / "runs" / "people-1" / "model.safetensors")
    assert model.labels == ["left", "right"]
    assert model.feature_names == ["height", "weight"]
    assert model.target_name == "kind"


def test_numbers_of_any_size_are_learned_in_their_own_unit(here):
    file = table(here / "prices.csv", rows=200, target=lambda x: 3e5 + 1e5 * (2 * x[:, 0] - x[:, 1]))
    assert main(["train", file, "--hidden", "none", "--learning-rate", "0.05", "--quiet", "--no-pictures"]) == 0
    test = json.loads((here / "runs" / "prices-1" / "test.json").read_text())
    assert test["r2"] > 0.999
    model = sw.load(here / "runs" / "prices-1" / "model.safetensors")
    assert model.predict(np.array([[0.0, 0.0], [1.0, 0.0]])) == pytest.approx([3e5, 5e5], rel=0.02)


def test_folding_the_unit_into_the_last_layer_changes_no_prediction():
    rng = np.random.default_rng(0)
    y = rng.normal(5.0, 30.0, (50, 2))
    scale = TargetScale.of(y)
    np.testing.assert_allclose(scale.apply(y).mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scale.apply(y).std(axis=0), 1)
    network = sw.Sequential([sw.Dense(4), sw.Tanh(), sw.Dense(2)])
    network.build((3,), 0, np.float64)
    x = rng.normal(size=(6, 3))
    before = network.predict(x)
    scale.fold_into(network)
    np.testing.assert_allclose(network.predict(x), before * y.std(axis=0) + y.mean(axis=0))
    assert TargetScale.of(np.full(4, 7.0)).apply(np.full(4, 7.0)).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_every_loss_by_its_name(here, loss, capsys):
    name = {"MulticlassHinge": "digits", "SquaredHinge": "digits"}.get(loss, "moons")
    name = name if LOSSES[loss].task != "regression" or loss == "Poisson" else "sine"
    assert main(["train", name, *QUICK, "--quiet", "--loss", loss, "--out", "a"]) == 0, capsys.readouterr().err
    model = sw.load("a/model.safetensors")
    assert model.task == LOSSES[loss].task
    assert main(["evaluate", "a", name]) == 0
    assert main(["predict", "a", name, "--row", "0"]) == 0


@pytest.mark.parametrize(
    "flags",
    [
        ["--optimizer", "lbfgs", "--dropout", "0"],
        ["--optimizer", "nesterov", "--schedule", "warm-up", "--clip-norm", "1"],
        ["--batch-size", "all", "--optimizer", "gradient-descent", "--schedule", "step"],
        ["--batch-norm", "--activation", "selu", "--l1", "1e-4", "--l2", "1e-4", "--max-norm", "3"],
        ["--hidden", "none", "--preprocessing", "zca", "--schedule", "exponential", "--optimizer", "adamw"],
        ["--test-fraction", "0", "--validation-fraction", "0", "--initializer", "orthogonal", "--schedule", "inverse-time"],
        ["--patience", "1", "--preprocessing", "none", "--threads", "1", "--schedule", "cosine"],
    ],
)
def test_flags_do_what_they_say(here, flags, capsys):
    assert main(["train", "blobs", "--epochs", "3", "--no-pictures", *flags]) == 0, capsys.readouterr().err
    config = json.loads((here / "runs" / "blobs-1" / "config.json").read_text())
    told = " ".join([config["loss"], config["optimizer"], *config["network"], *config["preprocessing"]])
    for flag, word in [
        ("--batch-norm", "BatchNorm"), ("selu", "SELU"), ("zca", "zca"), ("lbfgs", "LBFGS"), ("adamw", "AdamW"),
        ("warm-up", "WarmUp"), ("orthogonal", "Orthogonal"), ("inverse-time", "InverseTime"), ("cosine", "Cosine"),
    ]:  # fmt: skip
        if flag in flags:
            assert word in told
    if "0" in flags and "--test-fraction" in flags:
        assert config["rows"] == {"train": 300, "validation": 0, "test": 0}
        assert "these are the rows that were trained on" in capsys.readouterr().out


def test_pictures_suit_the_data(here):
    for name, drawn in (("moons", "decision-boundary.png"), ("sine", "fit.png")):
        assert main(["train", name, "--epochs", "1", "--quiet", "--out", name]) == 0
        assert (here / name / drawn).is_file()
        assert (here / name / "learning-curve.png").is_file()


def test_without_matplotlib_the_run_says_so_and_goes_on(here, monkeypatch, capsys):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "matplotlib" else found(name, *rest))
    assert main(["train", "digits", "--epochs", "1", "--hidden", "4"]) == 0
    assert "need matplotlib" in capsys.readouterr().out
    assert sorted(file.name for file in (here / "runs" / "digits-1").iterdir()) == RUN_FILES


def test_the_seed_decides_which_rows_are_held_out_and_classes_keep_their_shares():
    y = np.repeat([0, 1, 2], [100, 50, 10])
    held = [held_out_rows(y, 0.2, seed)[1].tolist() for seed in (0, 0, 1)]
    assert held[0] == held[1] != held[2]
    assert np.bincount(y[held[2]]).tolist() == [20, 10, 2]


def test_a_class_with_one_row_stays_in_training():
    y = np.array([0] * 10 + [1] * 10 + [2])
    kept, held = held_out_rows(y, 0.2, 0)
    assert 20 in kept
    assert len(held) == 4
    assert sorted([*kept, *held]) == list(range(21))


def test_labels_that_are_numbers_become_numbers():
    assert plain_labels(("0", "1", "10")) == [0, 1, 10]
    assert plain_labels(("-1", "1")) == [-1, 1]
    for names in [("01", "1"), ("a", "1"), ("1.5", "2"), ("²", "1")]:
        assert plain_labels(names) == list(names)


def test_small_networks_get_one_thread():
    numpy = {"engine": "numpy"}
    assert choose_threads(resolve("digits", numpy), 64, 10, 1000) == 1
    assert choose_threads(resolve("digits", {"threads": 3, **numpy}), 64, 10, 1000) == 3
    assert choose_threads(resolve("digits", {"hidden": (4096, 4096), **numpy}), 64, 10, 1000) is None
    assert choose_threads(resolve("digits", {"engine": "compiled"}), 64, 10, 1000) is None  # it chooses for itself


# What fails leaves nothing behind


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a,b,kind\n1,2,x\n3,nan,y\n", "each of the 2 rows has a class of its own"),
        ("a,b,kind\n1,2,x\n3,inf,y\n", "not a finite number"),
        ("a,b,kind\n1,2,x\n3,4\n", "line 3: 2 cells where 3 belong"),
        ("a,b,kind\n1,2,x\n3,hello,3\n5,6,4", "each of the 3 rows has a class of its own"),
        ("a,b,kind\n1,2,x\n3,4,x\n5,6,x\n", "one class only ('x')"),
        ("a,b,kind\n1,2,x\n3,4,y\n5,6,z\n", "each of the 3 rows has a class of its own"),
        ("a,b,kind\n", "is empty"),
        ("", "is empty"),
        ("a,b,kind\n1,2,x\n3,4,\n", "the target 'kind' of bad has a value in one row only"),
        ("a,b,kind\n1,2,x\n3,4,\n5,6,x\n", "the target 'kind' of bad holds one class only ('x')"),
        ("a,b,kind\n1,2,\n3,4,?\n", "the target 'kind' of bad.csv is missing in every row"),
        ("a,b,price\n1,2,2.5\n3,4,2.5\n", "the target 'price' of bad is 2.5 in every row"),
        ("a,b,price\n1,2,2.5\n3,4,3.5\n", "has 2 rows with a target, too few to hold some out"),
    ],
)
def test_bad_tables(here, content, told, capsys):
    (here / "bad.csv").write_text(content)
    assert main(["train", "bad.csv", "--no-pictures"]) == 1
    out, err = capsys.readouterr()
    assert told in err
    assert out == ""
    assert err.startswith("scratchwork: error: ")
    assert err.count("\n") == 1
    assert [file.name for file in here.iterdir()] == ["bad.csv"]


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x": np.full((6, 2), np.nan), "y": np.arange(6) % 2}, "NaN"),
        ({"x": np.ones((6, 2)), "y": np.array([0.5, np.inf, 1, 2, 3, 4])}, "y holds"),
        ({"x": np.ones((6, 2)), "y": np.arange(5)}, "(5,)"),
        ({"x": np.ones((6, 2))}, "without a target"),
        ({"x": np.ones((0, 2)), "y": np.ones(0)}, "no rows"),
        ({"x": np.array([["a", "b"]] * 4), "y": np.arange(4) % 2}, "text where numbers belong"),
    ],
)
def test_bad_arrays(here, arrays, told, capsys):
    np.savez(here / "bad.npz", **arrays)
    assert main(["train", "bad.npz", "--no-pictures"]) == 1
    assert told in capsys.readouterr().err
    assert [file.name for file in here.iterdir()] == ["bad.npz"]


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["digts"], 1, "did you mean 'digits'"),
        (["nowhere.csv"], 1, "there is no file or folder nowhere.csv"),
        (["digits", "--out", "file"], 1, "is a file"),
        (["digits", "--out", "file/run"], 1, "is a file"),
        (["digits", "--config", "no.toml"], 1, "no configuration file no.toml"),
        (["digits", "--target", "kind"], 2, "digits is none"),
        (["sine", "--loss", "hinge"], 2, "is numbers"),
        (["spirals", "--loss", "binary-hinge"], 1, "two classes"),
        (["digits", "--hidden", "12,x"], 2, "layer sizes like 128,64"),
        (["digits", "--learning-rate", "-1"], 2, "above 0"),
        (["digits", "--activation", "rellu"], 2, "did you mean 'relu'"),
        (["digits", "--optimizer", "adm"], 2, "did you mean 'adam'"),
        (["digits", "--patience", "3", "--validation-fraction", "0"], 2, "--validation-fraction"),
        (["digits", "--activatoin", "relu"], 2, "did you mean '--activation'"),
        (["digits", "more"], 2, "unexpected argument 'more'"),
        ([], 2, "DATA"),
    ],
)
def test_bad_usage_and_what_is_not_there(here, words, status, told, capsys):
    (here / "file").write_text("")
    assert main(["train", *words]) == status
    out, err = capsys.readouterr()
    assert told in err
    assert out == ""
    assert err.count("\n") == 1
    assert [file.name for file in here.iterdir()] == ["file"]


def test_a_run_that_diverges_leaves_nothing(here, capsys):
    (here / "runs").mkdir()
    hot = ["--learning-rate", "1e30", "--schedule", "constant", "--optimizer", "sgd", "--quiet"]
    assert main(["train", "digits", *QUICK, *hot]) == 1
    assert "epoch 1, step" in capsys.readouterr().err
    assert list((here / "runs").iterdir()) == []
    assert main(["train", "digits", *QUICK, *hot, "--out", "deep/inside/run"]) == 1
    assert not (here / "deep").exists()


def test_a_failure_while_saving_leaves_what_it_takes_to_go_on(here, monkeypatch, capsys):
    def full_disk(model, path):
        path.with_name("config.json")  # it is there by now
        raise sw.ScratchworkError("the disk is full")

    monkeypatch.setattr("scratchwork.cli.train.save", full_disk)
    command = ["train", "xor", "--quiet", "--no-pictures", "--epochs", "1"]
    assert main([*command, "--out", "none", "--checkpoint-every", "none"]) == 1
    assert "the disk is full" in capsys.readouterr().err
    assert list(here.iterdir()) == []
    assert main(command) == 1
    told = capsys.readouterr().err
    assert "the disk is full" in told
    assert "train --resume runs/xor-1 goes on from there" in told
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert main(["train", "--resume", "runs/xor-1", "--quiet", "--no-pictures"]) == 0
    assert sorted(file.name for file in (here / "runs" / "xor-1").iterdir()) == RUN_FILES


def test_debug_shows_the_traceback(here):
    with pytest.raises(sw.ScratchworkError):
        main(["train", "nowhere.csv", "--debug"])


# Ctrl-C


def test_control_c_keeps_what_was_learned(here):
    command = [sys.executable, "-m", "scratchwork", "train", "digits", "--epochs", "100000", "--no-pictures", "--out", "run"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=here,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs are born without
    )  # fmt: skip
    history = here / "run" / "history.jsonl"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (history.is_file() and history.stat().st_size):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Interrupted after" in out
    assert "test accuracy" in out
    model = sw.load(here / "run" / "model.safetensors")
    assert model.record["stopped"] == "interrupted"
    assert sorted(file.name for file in (here / "run").iterdir()) == ["checkpoints", *RUN_FILES]


def test_a_second_control_c_before_anything_is_saved_leaves_nothing(here, monkeypatch, capsys):
    def interrupted(self, callbacks, **checkpointing):
        callbacks[0].on_fit_begin(SimpleNamespace(engine="numpy", history=sw.History()))
        assert (here / "run" / "config.json").is_file()
        raise KeyboardInterrupt

    monkeypatch.setattr(Job, "train", interrupted)
    assert main(["train", "xor", "--out", "run", "--quiet"]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert not (here / "run").exists()


# MNIST's format, and MNIST


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def test_a_folder_of_idx_files_with_its_own_test_part(here, capsys):
    digits = data.digits()
    images = digits.x.reshape(-1, 8, 8)
    (here / "mini").mkdir()
    for name, part in (("train", slice(0, 1200)), ("t10k", slice(1200, 1500))):
        write_idx(here / "mini" / f"{name}-images-idx3-ubyte", images[part])
        write_idx(here / "mini" / f"{name}-labels-idx1-ubyte", digits.y[part])
    assert main(["train", "mini", "--epochs", "5", "--no-pictures"]) == 0
    out, _ = capsys.readouterr()
    assert "1,080 rows to train on, 120 to compare epochs on, 300 held out" in out
    assert "of 300 right" in out
    assert main(["evaluate", "runs/mini-1", "mini"]) == 0
    assert "mini: the test part, 300 rows" in capsys.readouterr().out
    assert main(["evaluate", "runs/mini-1", "mini", "--part", "train"]) == 0
    assert "mini: the training part, 1,200 rows" in capsys.readouterr().out
    assert main(["predict", "runs/mini-1", "mini"]) == 0
    assert capsys.readouterr().out.count("\n") == 301


def test_damaged_idx_files(here, capsys):
    (here / "mini").mkdir()
    (here / "mini" / "train-images-idx3-ubyte").write_bytes(b"garbage!")
    (here / "mini" / "train-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 9]) + b"abc")
    assert main(["train", "mini"]) == 1
    assert "magic number" in capsys.readouterr().err
    write_idx(here / "mini" / "train-images-idx3-ubyte", np.zeros((9, 2, 2)))
    assert main(["train", "mini"]) == 1
    assert "train-labels-idx1-ubyte" in capsys.readouterr().err
    assert main(["train", "mnist", "--data-dir", "mini"]) == 1
    assert "is not the file of MNIST" in capsys.readouterr().err
    assert not (here / "runs").exists()


@pytest.mark.slow
def test_the_real_mnist(here, capsys):
    places = [Path(os.environ["SCRATCHWORK_DATA"])] if os.environ.get("SCRATCHWORK_DATA") else []
    places.append(ROOT.parent / "shared" / "data")
    folders = [folder for place in places for folder in (place, place / "mnist")]
    folder = next((folder for folder in folders if (folder / "train-images-idx3-ubyte.gz").is_file()), None)
    if folder is None:
        pytest.skip("the MNIST files are not here")
    assert main(["train", "mnist", "--data-dir", str(folder), "--epochs", "1", "--no-pictures"]) == 0
    out, _ = capsys.readouterr()
    assert "55,000 rows to train on, 5,000 to compare epochs on, 10,000 held out" in out
    assert "of 10,000 right" in out
    assert json.loads((here / "runs" / "mnist-1" / "test.json").read_text())["accuracy"] > 0.93
