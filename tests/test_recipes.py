"""The recipes run, say what the source got, and their page shows the numbers that were measured."""

import dataclasses
import importlib.util
import json
import re

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.errors import ConfigurationError, MissingFileError, UnknownNameError
from scratchwork.recipes import RECIPES, Result, Row, base, linear, run, walkthrough
from source_code import ROOT, SOURCE


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_runs_quickly_and_prints_on_80_columns(name, tmp_path, capfd):
    result = run(name, quick=True, out=tmp_path / "pictures" / "new")
    assert result.name == name
    text = str(result)
    assert max(len(line) for line in text.splitlines() if not line.startswith("picture: ")) <= 80
    assert result.title.split()[0] in text
    assert "Quick:" in text
    kinds = [row.kind for row in result.rows]
    assert kinds == sorted(kinds, key=["source", "varied", "well"].index)
    assert {"source", "well"} <= set(kinds)
    for row in result.rows:
        assert np.isfinite(row.values).all()
    for path in result.pictures:
        assert path.read_bytes().startswith(b"\x89PNG")
        assert str(path) in text
    assert sorted(path.name for path in (tmp_path / "pictures" / "new").iterdir()) == sorted(p.name for p in result.pictures)
    assert capfd.readouterr().err == ""
    json.dumps(result.to_json())


def test_pictures_are_drawn_where_there_is_something_to_see():
    drawn = {path.stem for path in SOURCE.glob("recipes/*.py") if "setup.picture(" in path.read_text(encoding="utf-8")}
    assert {"spirals", "sine", "xor", "linear", "initializers"} <= drawn


def test_a_recipe_gives_the_same_numbers_again_and_others_with_another_seed():
    def numbers(seed):
        return [row.values for row in run("math-notes", quick=True, seed=seed).rows]

    assert numbers(0) == numbers(0)
    assert numbers(0) != numbers(1)


def test_no_picture_without_a_folder(monkeypatch):
    monkeypatch.setattr("scratchwork.pictures.save_picture", lambda *_: pytest.fail("drawn"))
    assert run("spirals", quick=True).pictures == ()


def test_every_recipe_has_a_file_and_a_line():
    files = {path.stem for path in SOURCE.glob("recipes/*.py")} - {"__init__", "base"}
    assert {name.replace("-", "_") for name in RECIPES} == files
    assert all(0 < len(line) <= 80 for line in RECIPES.values())
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCE.glob("recipes/*.py")}
    assert max(lengths.values()) <= 250


def test_unknown_names_and_seeds():
    with pytest.raises(UnknownNameError, match="unknown recipe 'spiral': did you mean 'spirals'"):
        run("spiral")
    assert run("Math_Notes", quick=True).name == "math-notes"
    with pytest.raises(ConfigurationError, match="seed"):
        run("xor", seed=-1)
    with pytest.raises(ConfigurationError, match="seed"):
        run("xor", seed=True)


def test_a_folder_that_cannot_be_made_costs_no_work(tmp_path, monkeypatch):
    monkeypatch.setattr("scratchwork.fit", lambda *_, **__: pytest.fail("trained"))
    (tmp_path / "file").write_text("")
    with pytest.raises(sw.errors.StorageError, match="cannot be made"):
        run("xor", out=tmp_path / "file" / "folder")


def test_mnist_that_is_nowhere_is_one_clear_error(tmp_path, monkeypatch):
    def no_download(name, *, data_dir):
        return sw.data.load_mnist(data_dir, download=False)

    monkeypatch.setenv("SCRATCHWORK_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("scratchwork.data.load", no_download)
    with pytest.raises(MissingFileError, match="MNIST is not here"):
        run("math-notes", data_dir=tmp_path)


def test_the_walkthrough_reads_kaggles_columns(tmp_path):
    rng = np.random.default_rng(0)
    table = np.column_stack([rng.integers(0, 10, 60), rng.integers(0, 256, (60, 784))])
    header = ",".join(["label", *(f"pixel{i}" for i in range(784))])
    np.savetxt(tmp_path / "train.csv", table, fmt="%d", delimiter=",", header=header, comments="")
    result = run("walkthrough", data_dir=tmp_path / "train.csv", quick=True)
    assert {row.measure for row in result.rows} == {"development accuracy"}  # Kaggle's file has no labelled test part


def test_the_walkthrough_has_its_41_000_and_1_000_rows(monkeypatch):
    many = sw.data.Dataset(
        np.arange(60_000, dtype=np.float32)[:, None], np.arange(60_000) % 10, labels=tuple("0123456789"),
        x_test=np.zeros((2, 1), np.float32), y_test=np.zeros(2, np.int64),
    )  # fmt: skip
    monkeypatch.setattr(walkthrough, "rows_of_mnist", lambda setup: many)
    x, y, x_dev, y_dev, _ = walkthrough._rows(base.Setup("walkthrough"))
    assert (len(x), len(y), len(x_dev), len(y_dev)) == (41_000, 41_000, 1_000, 1_000)
    assert not np.intersect1d(x, x_dev).size
    assert np.array_equal(x[:, 0] % 10, y)


def test_the_walkthrough_names_what_its_source_printed():
    result = run("walkthrough", quick=True)
    assert [row.stated for row in result.rows if row.kind == "source"] == ["0.696"]
    [table] = result.details
    assert len(table.splitlines()) == 1 + len(walkthrough.CELLS)
    assert table.splitlines()[1].split() == ["randn", "(as", "printed)", "/", "255", "0.1", *table.splitlines()[1].split()[6:]]


def test_a_table_shows_one_line_per_measure():
    rows = (
        Row(
            "source",
            "a setting whose name is so long that it has to be cut into two lines or even more of them",
            "first",
            (0.5,),
        ),
        Row("source", "short", "second", (0.25, 0.75), stated="0.4"),
        Row("well", "short", "second", (1.0,), digits=1),
    )
    text = Result("name", "Title", rows).table()
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(r"^short +second +0\.4 +0\.500 ± 0\.354$", text, re.MULTILINE)
    assert re.search(r"\n\nshort +second +- +1\.0$", text)


# -- the page ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("recipes_benchmark", ROOT / "benchmarks" / "recipes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_shows_what_was_measured(benchmark):
    results = json.loads(benchmark.RESULTS.read_text(encoding="utf-8"))
    page = benchmark.PAGE.read_text(encoding="utf-8")
    assert list(results) == list(RECIPES)
    assert benchmark.with_tables(page, results) == page
    changed = json.loads(json.dumps(results))
    changed["xor"]["rows"][0]["here"] = "0.123456"
    assert benchmark.with_tables(page, changed) != page


def test_the_words_of_the_page_are_those_of_the_recipes(benchmark):
    """Remarks may be edited without running for half an hour: `benchmarks/recipes.py --tables` takes them over."""
    for name, result in json.loads(benchmark.RESULTS.read_text(encoding="utf-8")).items():
        assert benchmark.with_words(name, result) == result


def test_the_goal_of_the_walkthrough_was_reached(benchmark):
    results = json.loads(benchmark.RESULTS.read_text(encoding="utf-8"))
    [well] = [row for row in results["walkthrough"]["rows"] if row["kind"] == "well"]
    assert well["measure"] == "test accuracy"
    assert len(well["values"]) == 5
    assert np.mean(well["values"]) >= 0.94


def test_results_are_immutable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        run("article", quick=True).seconds = 0.0


def test_the_linear_classifiers_take_cifar10_where_it_is(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("data_batch_1.bin", "test_batch.bin"):
        records = rng.integers(0, 256, (40, 3073), dtype=np.uint8)
        records[:, 0] = np.arange(40) % 10
        (tmp_path / name).write_bytes(records.tobytes())
    setup = base.Setup("linear", out=tmp_path, quick=True)
    rows = linear._classifiers(setup, sw.data.load_cifar10(tmp_path), "CIFAR-10")
    assert [row.setting for row in rows if row.kind == "source"][::2] == [
        "CIFAR-10, softmax: gradient descent",
        "CIFAR-10, hinge: gradient descent",
        "CIFAR-10, squared hinge: gradient descent",
    ]
    assert {path.name for path in setup.pictures} >= {"linear-cifar-10-hinge.png"}


def test_ctrl_c_ends_a_recipe_and_not_only_its_present_training(monkeypatch):
    interrupted = sw.History()
    interrupted.stopped = "interrupted"
    monkeypatch.setattr("scratchwork.fit", lambda *_, **__: interrupted)
    with pytest.raises(KeyboardInterrupt):
        run("xor", quick=True)
