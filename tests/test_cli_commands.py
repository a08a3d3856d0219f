"""The program as a whole: help, exit status, streams; and the commands data, check and run."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import scratchwork as sw
from scratchwork import recipes
from scratchwork.cli import COMMANDS, main
from scratchwork.cli.arguments import program, unknown_arguments
from scratchwork.cli.check import cases
from scratchwork.data import BUILT_IN
from scratchwork.gradcheck import check_gradients
from scratchwork.layers import LAYERS
from scratchwork.losses import LOSSES


def started(*words, **settings):
    environment = {**os.environ, "COLUMNS": "80", **settings.pop("environment", {})}
    return subprocess.run(
        [sys.executable, "-m", "scratchwork", *words], capture_output=True, text=True, env=environment, timeout=60, **settings
    )


# help and status


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_the_screen_and_has_examples(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*([command] if command else []), "--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "examples:" in out
    assert max(map(len, out.splitlines())) <= 80
    for name in COMMANDS if not command else []:
        assert f"    {name}" in out


def test_help_tells_defaults(capsys):
    main(["train", "--help"])
    out = " ".join(capsys.readouterr().out.split())
    for told in (
        "(default 64; digits: 256,128)",
        "(default relu)",
        "(default auto; digits: 0.005)",
        "(default none)",
        "default 0)",
    ):
        assert told in out


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"scratchwork {sw.__version__}\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["trian"], "did you mean 'train'"),
        (["--verson"], "unknown flag --verson: did you mean '--version'?"),
        (["data", "--tarx", "1"], "unknown flag --tarx: did you mean '--target'?"),
        (["data", "--row", "x"], "whole number"),
        (["predict"], "MODEL, DATA"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(words, told, capsys):
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert err.startswith("scratchwork: error: ")
    assert err.count("\n") == 1


def test_without_a_command_there_is_help(capsys):
    assert main([]) == 2
    assert "commands:" in capsys.readouterr().out


def test_unknown_arguments():
    assert unknown_arguments(["-"], []) == "unexpected argument '-'"
    assert unknown_arguments(["--zzz=1"], ["--seed"]) == "unknown flag --zzz"


def test_an_unexpected_error_is_one_sentence_too(monkeypatch, capsys):
    def broken(options):
        raise ValueError("two\nlines")

    monkeypatch.setattr("scratchwork.cli.data.run", broken)
    assert main(["data"]) == 1
    assert "unexpected ValueError" in capsys.readouterr().err
    with pytest.raises(ValueError, match="two"):
        main(["data", "--debug"])


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 1, "not enough memory"),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
        (PermissionError(13, "Permission denied", "x.csv"), 1, "x.csv: Permission denied"),
    ],
)
def test_what_the_system_says(error, status, told, monkeypatch, capsys):
    def broken(options):
        raise error

    monkeypatch.setattr("scratchwork.cli.data.run", broken)
    assert main(["data"]) == status
    assert told in capsys.readouterr().err


# as a process


def test_starting_imports_nothing_that_is_slow():
    code = "import sys, json; from scratchwork.cli import main; main(['--help']); print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "scratchwork.cli" in loaded
    slow = {"rich", "matplotlib", "scipy", "pooch", "PIL", "requests", "threadpoolctl"}
    assert not slow & loaded
    assert not {name for name in loaded if name.startswith("scratchwork.recipes.")}


def test_python_m_scratchwork(tmp_path):
    done = started("train", "nowhere.csv", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "scratchwork: error: there is no file or folder nowhere.csv\n"


def test_a_reader_that_has_seen_enough(tmp_path):
    """The pipe is closed before anything is written: no traceback, no complaint at exit."""
    read, write = os.pipe()
    os.close(read)
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(
        [sys.executable, "-m", "scratchwork", "data"], stdout=write, stderr=subprocess.PIPE, text=True, env=buffered
    )
    os.close(write)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err == ""


def test_a_terminal_without_unicode():
    done = started("data", "digits", environment={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert "8?8" in done.stdout


def test_the_command_that_people_may_copy(monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.which", lambda name: None)
    script = tmp_path / "bin" / "scratchwork"
    script.parent.mkdir()
    script.write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(script)])
    assert program() == os.path.join("bin", "scratchwork")
    monkeypatch.setattr(sys, "argv", ["pytest"])
    assert program().endswith(" -m scratchwork")
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    assert program() == "scratchwork"


# data


def test_data_lists_every_set(capsys):
    assert main(["data"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(BUILT_IN)
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("name", sorted(set(BUILT_IN) - {"mnist", "cifar10"}))
def test_data_describes_every_set(name, capsys):
    assert main(["data", name]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{name}: ")
    assert "row 0" in out
    assert max(map(len, out.splitlines())) <= 80


def test_data_describes_a_table(tmp_path, capsys):
    header = ",".join(f"a rather long column name {i}" for i in range(20))
    rows = [",".join(["1.5"] * 20) + f",{'very' * 10} long class {i % 9}" for i in range(30)]
    (tmp_path / "wide.csv").write_text("\n".join([f"{header},kind", *rows]))
    assert main(["data", str(tmp_path / "wide.csv"), "--row", "4"]) == 0
    out = capsys.readouterr().out
    assert "and 8 more" in out
    assert "30 rows of 20 numbers, 9 classes" in out


# check


def test_check_covers_every_layer_and_every_loss_and_all_are_right(capsys):
    assert {case.name for case in cases(0) if case.kind == "layer"} == set(LAYERS)
    assert {case.name for case in cases(0) if case.kind == "loss"} == set(LOSSES)
    assert main(["check"]) == 0
    out = capsys.readouterr().out
    assert f"{len(list(cases(0)))} of {len(list(cases(0)))} right" in out
    assert "WRONG" not in out
    assert max(map(len, out.splitlines())) <= 80


def test_check_finds_a_wrong_derivative(monkeypatch, capsys):
    right = LAYERS["Tanh"].backward
    monkeypatch.setattr(LAYERS["Tanh"], "backward", lambda self, dy, cache, **rest: 1.001 * right(self, dy, cache, **rest))
    assert main(["check", "tanh", "relu"]) == 1
    out = capsys.readouterr().out
    assert "1 of 2 right, 1 WRONG" in out
    assert "backward gives" in out


def test_check_by_name(capsys):
    assert main(["check", "softmax-cross-entropy", "--verbose"]) == 0
    assert "prediction" in capsys.readouterr().out
    assert main(["check", "softmaxx"]) == 1
    assert "did you mean 'Softmax'" in capsys.readouterr().err


def test_the_inputs_of_check_reach_both_sides_of_every_kink():
    """Else a ReLU that returns x everywhere would pass."""
    for case in cases(0):
        if case.name in ("ReLU", "LeakyReLU", "ELU", "MulticlassHinge", "Huber"):
            assert case.check().ok

    class Identity(sw.ReLU):
        def forward(self, x, *, training=False, step=0):
            return x.copy(), x > 0

    assert not check_gradients(Identity(), x=np.random.default_rng(7).normal(size=(7, 6))).ok


# run


def test_run_lists_the_recipes(capsys):
    assert main(["run", "--list"]) == 0
    out = capsys.readouterr().out
    for name in recipes.RECIPES:
        assert f"{name}  " in out
    assert max(map(len, out.splitlines())) <= 80


def test_run_hands_on_what_it_is_told(monkeypatch, capsys):
    told = {}

    def run(name, **settings):
        told.update(settings, name=name)
        return "the table"

    monkeypatch.setattr(recipes, "run", run)
    assert main(["run", "XOR", "--quick", "--seed", "3", "--out", "pictures"]) == 0
    assert told == {"name": "xor", "quick": True, "seed": 3, "out": "pictures", "data_dir": None}
    assert capsys.readouterr().out == "the table\n"


def test_run_without_or_with_a_wrong_name(capsys):
    assert main(["run"]) == 2
    assert "which recipe" in capsys.readouterr().err
    assert main(["run", "spirla"]) == 1
    assert "did you mean 'spirals'" in capsys.readouterr().err
