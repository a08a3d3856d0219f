"""The command line on tables: any columns, gaps, names, classes with commas; train, evaluate, predict, show, data."""

import csv
import gzip
import io
import json
from datetime import datetime

import numpy as np
import pyarrow.feather
import pyarrow.parquet
import pytest

import scratchwork as sw
from scratchwork import data
from scratchwork.cli import main
from scratchwork.cli.building import fingerprint
from scratchwork.cli.comparison import Comparison, comparison_text
from scratchwork.cli.job import Job
from scratchwork.cli.report import as_known
from scratchwork.cli.settings import resolve
from scratchwork.errors import CellError, DataError, DivergedError
from scratchwork.preprocessing import TableEncoder

QUICK = ["--no-pictures", "--quiet"]
HIGH, LOW = "high, or very", "niedrig – klein"
FEATURES = ["name", "age", "hours", "city", "member", "since", "zip"]


def rows_of_people(count=400, seed=0):
    """Numbers, text, booleans, dates and a name, each with gaps; classes with a comma and beyond ASCII."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        age, hours = int(rng.integers(18, 70)), round(float(rng.normal(38, 6)), 1)
        city = ["Rome", "Zürich", "Paris, TX"][int(rng.integers(3))]
        member, day = bool(rng.random() < 0.5), np.datetime64("2019-01-01") + int(rng.integers(900))
        salary = 500.0 * age + 200.0 * hours + 6000.0 * (city == "Rome") + 4000.0 * member + float(rng.normal(0, 500))
        cells = {
            "name": f"Person {i}", "age": age, "hours": hours, "city": city, "member": "yes" if member else "no",
            "since": str(day), "zip": 10000 + int(rng.integers(5)),
            "salary": round(salary, 2), "income": HIGH if salary > 34_000 else LOW, "rich": str(salary > 34_000),
            "children": int(rng.integers(4)),
        }  # fmt: skip
        for column in ("age", "city", "member", "since"):
            if rng.random() < 0.05:
                cells[column] = ""
        if i % 40 == 39:
            cells |= {"salary": "", "income": "?", "rich": "NA"}
        rows.append(cells)
    return rows


def write(path, rows, columns=None, opened=open):
    columns = columns or list(rows[0])
    with opened(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([row[column] for column in columns] for row in rows)
    return str(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """people.csv, and runs on it: classes, and numbers."""
    place = tmp_path_factory.mktemp("people")
    write(place / "people.csv", rows_of_people(), [*FEATURES, "income"])
    write(place / "salaries.csv", rows_of_people(), [*FEATURES, "salary"])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        assert main(["train", "people.csv", "--target", "income", *QUICK, "--out", "classes"]) == 0
        assert main(["train", "salaries.csv", "--target", "salary", *QUICK, "--out", "numbers"]) == 0
    return place


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def output(capsys, *words):
    capsys.readouterr()
    assert main(list(words)) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def failure(capsys, *words, status=1):
    assert main(list(words)) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("scratchwork: error: ")
    assert err.count("\n") == 1
    return err


def parsed(text):
    return list(csv.DictReader(io.StringIO(text)))


# train


def test_the_whole_job_on_a_table(here, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: name)
    out = output(capsys, "train", "people.csv", "--target", "income", "--out", str(tmp_path / "run"))
    lines = out.splitlines()
    assert lines[0] == "data      people: 390 rows of 7 columns, 2 classes of income"
    assert lines[1].strip() == "10 rows without income left out"
    assert "281 rows to train on, 31 to compare epochs on, 78 held out" in out
    assert "columns   3 numbers, 1 boolean, 1 category, 1 date → " in out
    assert "missing cells in age, city, member, since" in out
    assert "left out: name (names or ids, nearly every row has its own)" in out
    table = out[out.index("network   linear model") : out.index("baseline:")]
    for title in ("accuracy", "balanced accuracy", "log loss", "AUC"):
        assert f"\n{title} " in table
    told = lines[: next(i for i, line in enumerate(lines) if line.startswith("run folder"))]
    assert max(map(len, told)) <= 80
    names = sorted(file.name for file in (tmp_path / "run").iterdir() if file.suffix == ".png")
    assert names == ["confusion-matrix.png", "learning-curve.png"]


def test_what_is_written_about_classes(here):
    test = json.loads((here / "classes" / "test.json").read_text())
    assert test["accuracy"] > 0.8 > 0.65 > test["baseline"]["accuracy"]
    assert test["roc_auc"] > 0.9
    assert test["baseline"]["roc_auc"] == 0.5
    assert test["baseline"]["balanced_accuracy"] == 0.5
    assert test["linear"]["accuracy"] > 0.8
    assert set(test["linear"]) == {"accuracy", "balanced_accuracy", "log_loss", "roc_auc"}
    model = sw.load(here / "classes" / "model.safetensors")
    assert model.labels == [HIGH, LOW]
    assert model.feature_names == FEATURES
    assert model.record["stopped"] == "early stopping" or model.record["epochs"] == 300


def test_the_baseline_is_the_majority_with_the_shares_of_the_training_rows(here):
    job = Job("people.csv", data.load_data("people.csv"), resolve("table", {"epochs": 1}))
    job.train([])
    from scratchwork.cli.comparison import compare

    result, part, _ = job.measured()
    found = compare(job, part, result)
    share = (job.parts.train.y == 0).mean()
    truth = part.y == 0
    assert found.baseline["log_loss"] == pytest.approx(-np.where(truth, np.log(share), np.log(1 - share)).mean())
    assert found.baseline["accuracy"] == max(truth.mean() if share > 0.5 else 0, (~truth).mean() if share <= 0.5 else 0)
    # the linear model saw the same rows as the network sees them, and has no hidden layer
    linear, _ = job.linear()
    assert [type(layer).__name__ for layer in linear.network.layers] == ["Dense"]
    assert linear.network.in_shape == job.model.network.in_shape


def test_a_regression_in_its_own_unit(here, capsys):
    test = json.loads((here / "numbers" / "test.json").read_text())
    assert test["r2"] > 0.8
    assert test["linear"]["r2"] > 0.9  # the truth is linear
    assert abs(test["baseline"]["r2"]) < 0.1
    assert test["baseline"]["rmse"] > 2 * test["rmse"]
    out = output(capsys, "evaluate", "numbers", "salaries.csv")
    assert "10 rows without salary left out" in out
    assert f"rmse {test['rmse']:.4g}   mae {test['mae']:.4g}" in out
    out = output(capsys, "train", "salaries.csv", "--no-pictures", "--epochs", "2", "--out", "short", "--force")
    assert "RMSE " in out
    assert "R² " in out
    assert "The network is not better than the linear model" in out
    assert "the mean of the training rows" in out


def test_the_honest_lines():
    values = {"accuracy": 0.8, "log_loss": 0.5}
    job = Job("people.csv", data.load_data("people.csv"), resolve("table", {}))

    def said(linear, base):
        return "\n".join(comparison_text(job, Comparison(values, linear, base, "about", "log_loss")))

    better, worse = {"accuracy": 0.9, "log_loss": 0.4}, {"accuracy": 0.9, "log_loss": 0.6}
    assert "not better" not in said(worse, worse)
    assert "not better than the linear model" in said(better, worse)
    assert "not better than the linear model" in said(values, worse)
    assert "not better than the baseline" not in said(better, worse)
    assert "tell nothing\nabout income" in said(worse, better)
    assert "linear" not in said(None, worse)


def test_a_linear_model_that_fails_or_is_interrupted_leaves_the_rest(here, monkeypatch, capsys, tmp_path):
    def failing(self):
        raise DivergedError("it went too far")

    for number, fails in enumerate((failing, lambda self: (self.model, _interrupted()))):
        monkeypatch.setattr(Job, "linear", fails)
        words = ["train", "people.csv", "--no-pictures", "--epochs", "1", "--out", str(tmp_path / f"{number}")]
        out = output(capsys, *words)
        assert "There is no linear model to compare with" in out
        assert ("it went too far", "it was interrupted")[number] in out
        assert "linear" not in json.loads((tmp_path / f"{number}" / "test.json").read_text())


def _interrupted():
    history = sw.History()
    history.stopped = "interrupted"
    return history


def test_a_plain_table_of_numbers_is_compared_too_and_images_are_not(here, capsys, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 2)).round(3)
    rows = [{"a": a, "b": b, "kind": "up" if a > b else "down"} for a, b in x.tolist()]
    write(here / "plain.csv", rows)
    out = output(capsys, "train", "plain.csv", "--out", str(tmp_path / "a"))
    assert "80 rows of 2 numbers, 2 classes" in out
    assert "network   linear model       baseline" in out
    assert (tmp_path / "a" / "decision-boundary.png").is_file()
    assert isinstance(sw.load(tmp_path / "a" / "model.safetensors").preprocessing.steps[0], sw.preprocessing.Standardize)
    out = output(capsys, "train", "digits", "--epochs", "1", "--hidden", "4", "--no-pictures", "--out", str(tmp_path / "b"))
    assert "baseline" not in out + (tmp_path / "b" / "test.json").read_text()
    out = output(capsys, "train", "plain.csv", "--hidden", "none", "--no-pictures", "--out", str(tmp_path / "c"))
    assert "network       baseline" in out


@pytest.mark.parametrize(
    ("target", "flags", "task", "labels"),
    [
        ("rich", [], "multiclass", ["False", "True"]),
        ("children", [], "multiclass", [0, 1, 2, 3]),
        ("children", ["--task", "regression"], "regression", None),
        ("children", ["--loss", "poisson"], "regression", None),
        ("zip", ["--loss", "mae"], "regression", None),
        ("age", [], "regression", None),
        ("age", ["--loss", "softmax-cross-entropy"], "multiclass", list(range(18, 70))),
        ("income", ["--loss", "hinge"], "multiclass", [HIGH, LOW]),
        ("income", ["--loss", "sigmoid-binary-cross-entropy"], "attributes", [HIGH, LOW]),
        ("member", ["--preprocessing", "robust"], "multiclass", ["no", "yes"]),
        (
            "city",
            ["--preprocessing", "minmax", "--features", "age,hours,member"],
            "multiclass",
            ["Paris, TX", "Rome", "Zürich"],
        ),
    ],
)
def test_the_target_decides_and_can_be_overruled(here, target, flags, task, labels, tmp_path, capsys):
    file = write(tmp_path / "people.csv", rows_of_people())
    words = ["train", file, "--target", target, *QUICK, "--epochs", "2", *flags]
    assert main([*words, "--out", str(tmp_path / "a")]) == 0, capsys.readouterr().err
    model = sw.load(tmp_path / "a" / "model.safetensors")
    assert model.task == task
    assert model.labels == labels
    assert main(["evaluate", str(tmp_path / "a"), file]) == 0
    assert main(["predict", str(tmp_path / "a"), file]) == 0
    test = json.loads((tmp_path / "a" / "test.json").read_text())
    assert {"linear", "baseline"} <= set(test)
    if task != "regression":
        assert test.get("roc_auc") is not None
        assert ("log_loss" in test) == ("hinge" not in flags)


def test_codes_that_are_numbers(here, tmp_path, capsys):
    words = ["train", "people.csv", *QUICK, "--epochs", "1", "--categories", "zip", "--out", str(tmp_path / "a")]
    assert main(words) == 0
    encoder = sw.load(tmp_path / "a" / "model.safetensors").preprocessing.steps[0]
    assert isinstance(encoder, TableEncoder)
    assert encoder.kinds_["zip"] == "category"
    assert "zip=10003" in encoder.get_feature_names_out()
    assert output(capsys, "predict", str(tmp_path / "a"), "people.csv").count("\n") == 401
    again = ["train", "people.csv", *QUICK, "--config", str(tmp_path / "a" / "config.json"), "--out", str(tmp_path / "b")]
    assert main(again) == 0
    one, other = (sw.load(tmp_path / name / "model.safetensors") for name in "ab")
    np.testing.assert_array_equal(one.network.layers[0].weight.value, other.network.layers[0].weight.value)


def test_preprocessing_sees_the_training_rows_only():
    job = Job("people.csv", data.load_data("people.csv"), resolve("table", {"epochs": 1}))
    parts = [job.parts.train, job.parts.validation, job.parts.test]
    rows = np.concatenate([part.rows for part in parts])
    assert len(set(rows.tolist())) == len(rows) == 390
    assert not any(row % 40 == 39 for row in rows)  # those have no income
    job.train([])
    again = TableEncoder().fit(job.parts.train.x)
    assert job.model.preprocessing.steps[0].state()["encodings_json_"].tobytes() == again.state()["encodings_json_"].tobytes()


# Files of other kinds


@pytest.mark.parametrize("name", ["people.csv.gz", "people.parquet", "people.feather"])
def test_the_same_table_in_other_files(here, name, tmp_path, capsys):
    path = tmp_path / name
    table = data.read_table("people.csv")
    columns = {column: pyarrow.array(table[column], from_pandas=True) for column in table}
    columns["member"] = pyarrow.array([None if v != v else bool(v) for v in table["member"].tolist()])
    if name.endswith("gz"):
        path.write_bytes(gzip.compress((here / "people.csv").read_bytes()))
    elif name.endswith("parquet"):
        pyarrow.parquet.write_table(pyarrow.table(columns), path)
    else:
        pyarrow.feather.write_feather(pyarrow.table(columns), path)
    assert main(["train", str(path), "--target", "income", *QUICK, "--out", str(tmp_path / "a")]) == 0
    one, other = sw.load(here / "classes" / "model.safetensors"), sw.load(tmp_path / "a" / "model.safetensors")
    np.testing.assert_array_equal(one.network.layers[0].weight.value, other.network.layers[0].weight.value)
    assert output(capsys, "predict", "classes", str(path)) == output(capsys, "predict", str(tmp_path / "a"), "people.csv")
    assert "the rows held out from training, 78 rows" in output(capsys, "evaluate", "classes", str(path))


def test_parquet_of_numbers_is_a_plain_data_set(here, tmp_path):
    path = tmp_path / "n.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"a": [1.5, 2.5, 3.5], "y": [0, 1, 0]}), path)
    found = data.load(path)
    assert found.x.tolist() == [[1.5], [2.5], [3.5]]
    assert found.labels == ("0", "1")
    pyarrow.parquet.write_table(pyarrow.table({"a": [1.5, None, 3.5], "y": [0, 1, 0]}), path)
    with pytest.raises(DataError, match=r"column 'a' lacks a value in row 1 .* load_data"):
        data.load(path)
    assert data.load_data(path).x.names == ("a",)


# predict


def test_predictions_are_labels_in_the_order_of_the_rows(here, capsys, tmp_path):
    rows = parsed(output(capsys, "predict", "classes/model.safetensors", "people.csv", "--proba"))
    assert list(rows[0]) == ["row", "prediction", f"p_{HIGH}", f"p_{LOW}"]
    assert [row["row"] for row in rows] == [str(i) for i in range(400)]
    model, table = sw.load(here / "classes" / "model.safetensors"), data.read_table("people.csv")
    assert [row["prediction"] for row in rows] == model.predict(table).tolist()
    np.testing.assert_allclose([float(row[f"p_{HIGH}"]) for row in rows], model.predict_proba(table)[:, 0], rtol=1e-6)
    assert {row["prediction"] for row in rows} == {HIGH, LOW}
    out = tmp_path / "predictions.csv"
    assert "400 predictions in" in output(capsys, "predict", "classes", "people.csv", "--out", str(out))
    assert [row["prediction"] for row in parsed(out.read_text(encoding="utf-8"))] == [row["prediction"] for row in rows]


def test_the_part_that_was_held_out(here, capsys):
    assert output(capsys, "predict", "classes", "people.csv", "--part", "test").count("\n") == 79
    job = Job("people.csv", data.load_data("people.csv"), resolve("table", {}))
    kept = parsed(output(capsys, "predict", "classes", "people.csv", "--part", "test", "--keep", "name"))
    assert [row["name"] for row in kept] == [f"Person {row}" for row in job.parts.test.rows]


def test_columns_in_any_order_beside_others(here, capsys):
    expected = output(capsys, "predict", "classes", "people.csv")
    rows = [row | {"extra": "x", "member": row["member"].upper()} for row in rows_of_people()]
    write(here / "turned.csv", rows, ["extra", *reversed(FEATURES)])
    assert output(capsys, "predict", "classes", "turned.csv") == expected
    write(here / "fewer.csv", rows, [name for name in FEATURES if name != "name"])  # what was left out may be absent
    assert output(capsys, "predict", "classes", "fewer.csv") == expected


def test_unknown_categories_and_missing_cells(here, capsys):
    rows = rows_of_people(6)
    rows[0] |= {"city": "Atlantis"}
    rows[1] |= dict.fromkeys(FEATURES, "")
    rows[2] |= {"hours": "NA", "zip": "?"}  # no training row lacked these
    rows[3] |= {"since": "2035/1/5"}
    for row in rows[4:]:
        row["member"] = "true"
    write(here / "strange.csv", rows, FEATURES)
    said = parsed(output(capsys, "predict", "classes", "strange.csv", "--proba"))
    assert len(said) == 6
    assert all(0 <= float(row[f"p_{HIGH}"]) <= 1 for row in said)
    write(here / "single.csv", rows[:1], FEATURES)
    alone = parsed(output(capsys, "predict", "classes", "single.csv", "--proba"))[0]
    assert alone["prediction"] == said[0]["prediction"]
    assert float(alone[f"p_{HIGH}"]) == pytest.approx(float(said[0][f"p_{HIGH}"]), rel=1e-5)


def test_columns_that_only_look_different_are_read_as_in_training(here, capsys):
    """City is text in training: codes alone are still text, and yes-or-no written as 1 and 0 still boolean."""
    rows = rows_of_people(4)
    for i, row in enumerate(rows):
        row |= {"city": f"{i}", "member": i % 2}
    write(here / "codes.csv", rows, FEATURES)
    assert len(parsed(output(capsys, "predict", "classes", "codes.csv"))) == 4


def test_a_table_without_names(here, capsys):
    lines = (here / "salaries.csv").read_text(encoding="utf-8").splitlines()
    (here / "bare.csv").write_text("\n".join(line.rpartition(",")[0] for line in lines[1:]), encoding="utf-8")
    assert output(capsys, "predict", "numbers", "bare.csv") == output(capsys, "predict", "numbers", "salaries.csv")
    (here / "narrow.csv").write_text("1,2\n3,4\n")
    assert "has no names of columns, and 2 columns where the model needs 7" in failure(
        capsys, "predict", "numbers", "narrow.csv"
    )


def test_kept_columns(here, capsys, tmp_path):
    rows = [row | {"id": f"00{i}", "note": " a, b"} for i, row in enumerate(rows_of_people(20))]
    write(here / "ids.csv", rows, ["id", *FEATURES, "note"])
    said = parsed(output(capsys, "predict", "classes", "ids.csv", "--keep", "id,Note", "--proba"))
    assert list(said[0]) == ["row", "id", "note", "prediction", f"p_{HIGH}", f"p_{LOW}"]
    assert [row["id"] for row in said] == [f"00{i}" for i in range(20)]
    assert said[0]["note"] == " a, b"
    words = ["predict", "classes", "ids.csv", "--keep", "id,age,since", "--proba", "--out"]
    output(capsys, *words, str(tmp_path / "p.parquet"))
    table = pyarrow.parquet.read_table(tmp_path / "p.parquet")
    assert table.column_names == ["row", "id", "age", "since", "prediction", f"p_{HIGH}", f"p_{LOW}"]
    assert table["id"].to_pylist() == [row["id"] for row in said]
    assert table["prediction"].to_pylist() == [row["prediction"] for row in said]
    output(capsys, *words, str(tmp_path / "p.csv.gz"))
    assert [row["id"] for row in parsed(gzip.decompress((tmp_path / "p.csv.gz").read_bytes()).decode())][:2] == ["000", "001"]
    parquet = str(tmp_path / "p.parquet")
    pyarrow.parquet.write_table(pyarrow.table({"id": [7, None], "since": [datetime(2020, 1, 2), None]}), parquet)
    assert data.raw_columns(parquet, ["id", "since"]) == {"id": ["7.0", ""], "since": ["2020-01-02T00:00:00", ""]}


def test_a_plain_table_keeps_columns_too(here, capsys):
    rows = [{"id": f"n{i}", "a": float(i), "kind": "up" if i % 3 else "down"} for i in range(30)]
    write(here / "plainer.csv", rows, ["a", "kind"])
    assert main(["train", "plainer.csv", *QUICK, "--epochs", "1", "--out", "plainer", "--force"]) == 0
    write(here / "with-ids.csv", rows, ["id", "a"])
    said = parsed(output(capsys, "predict", "plainer", "with-ids.csv", "--keep", "id"))
    assert [row["id"] for row in said] == [row["id"] for row in rows]


def test_one_row_in_detail(here, capsys):
    out = output(capsys, "predict", "classes", "people.csv", "--row", "38")
    assert "name Person 38" in out
    assert "city" in out
    assert "prediction " in out
    assert "right" in out or "it is" in out
    out = output(capsys, "predict", "classes", "people.csv", "--row", "39")  # it has no income
    assert "name Person 39" in out
    assert "it is" not in out
    assert "name Person 40" in output(capsys, "predict", "classes", "people.csv", "--row", "40")  # of the file, not of the rest
    assert "truth" in output(capsys, "predict", "numbers", "salaries.csv", "--row", "40")
    assert max(map(len, out.splitlines())) <= 80


# evaluate, show, data


def test_the_held_out_rows_are_found_again(here, capsys):
    test = json.loads((here / "classes" / "test.json").read_text())
    out = output(capsys, "evaluate", "classes", "people.csv")
    assert out.startswith("people: the rows held out from training, 78 rows\n10 rows without income left out\n")
    assert f"accuracy {test['accuracy']:.4g}   balanced accuracy {test['balanced_accuracy']:.4g}" in out
    assert f"roc auc {test['roc_auc']:.4g}" in out
    rows = [row | {"hours": row["hours"] + 1} for row in rows_of_people()]
    write(here / "other.csv", rows, [*FEATURES, "income"])
    assert "other: all rows, 390 rows" in output(capsys, "evaluate", "classes", "other.csv")
    write(here / "renamed.csv", [row | {"wealth": row["income"]} for row in rows_of_people(50)], [*FEATURES, "wealth"])
    assert "renamed: all rows, 49 rows" in output(capsys, "evaluate", "classes", "renamed.csv", "--target", "wealth")
    write(here / "couple.csv", rows[:2], [*FEATURES, "income"])  # as many classes as rows are no mistake here
    assert "couple: all rows, 2 rows" in output(capsys, "evaluate", "classes", "couple.csv")


def test_labels_of_a_file_as_those_of_the_model():
    assert as_known(("1", "2"), ["1", "2", "3+"]) == ["1", "2"]  # text, and not class numbers
    assert as_known(("1", "2"), [1, 2]) == [1, 2]
    assert as_known(("False", "True"), ["false", "true"]) == ["false", "true"]
    assert as_known(("a", "B"), ["a", "A", "B"]) == ["a", "B"]


def test_the_fingerprint_is_that_of_the_values():
    table = data.as_table({"a": [1, 2], "b": ["x", None], "c": [True, False], "d": np.array(["2020-01-01", "NaT"], "M8[us]")})
    same = data.Table(table.names, (table["a"].astype(float), table["b"], table["c"].astype(float), table["d"]), table.kinds)
    assert fingerprint(table) == fingerprint(same)
    for name, value in (("a", [1, 3]), ("b", ["x", "None"]), ("c", [True, True])):
        other = {column: table[column] for column in table} | {name: value}
        assert fingerprint(data.as_table(other)) != fingerprint(table)


def test_show_tells_what_each_column_becomes(here, capsys):
    out = output(capsys, "show", "classes")
    assert "7 columns of 281 rows as" in out
    for word in ("column", "becomes", "left out: names or ids", "−1 or +1", "3 columns 0/1", "time, month, weekday"):
        assert word in out
    assert "high, or very, niedrig" in out
    assert max(map(len, out.splitlines())) <= 80


def test_data_describes_a_table(here, capsys):
    out = output(capsys, "data", "people.csv", "--target", "income", "--row", "3")
    for word in ("390 rows of 7 columns", "10 rows without income", "category", "3 different", "18 to 69", "Person 3"):
        assert word in out
    assert max(map(len, out.splitlines())) <= 80
    assert "salary: from" in output(capsys, "data", "salaries.csv")


# What cannot be done is one sentence


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["train", "people.csv", "--target", "incme"], 1, "no target column 'incme': did you mean 'income'?"),
        (
            ["train", "people.csv", "--target", "name"],
            1,
            "the target 'name' of people cannot be learned as classes: each of the 400",
        ),
        (["train", "people.csv", "--target", "since"], 1, "the target 'since' of people.csv holds dates"),
        (["train", "people.csv", "--loss", "mse"], 2, "are text: a regression loss needs numbers"),
        (["train", "people.csv", "--task", "regression"], 1, "which is no number, and a regression needs numbers"),
        (["train", "salaries.csv", "--task", "classification"], 1, "salary holds fractions"),
        (["train", "people.csv", "--features", "age,nothing,nowhere"], 1, "lacks 2 columns: 'nothing', 'nowhere'"),
        (["train", "people.csv", "--features", "name"], 1, "no column can be learned from: 'name' was left out because"),
        (["train", "people.csv", "--preprocessing", "scale"], 2, "a table takes standardize"),
        (["train", "digits", "--categories", "zip"], 2, "digits is none"),
        (["predict", "classes", "salaries.csv", "--keep", "nmae"], 1, "did you mean 'name'"),
        (["predict", "classes", "digits"], 1, ""),
        (["predict", "classes", "people.csv", "--keep", "name", "--row", "1"], 2, "--keep"),
        (["predict", "classes", "people.csv", "--row", "1", "--picture", "x.png"], 1, "this model takes a table"),
        (["evaluate", "classes", "salaries.csv"], 1, "no target column 'income'"),
        (["evaluate", "classes", "salaries.csv", "--target", "salary"], 1, "fractions"),
        (["evaluate", "numbers", "people.csv", "--target", "income"], 1, "no number"),
        (["predict", "classes", "nowhere.csv"], 1, "there is no file or folder nowhere.csv"),
    ],
)
def test_mistakes(words, status, told, capsys, here):
    before = sorted(file.name for file in here.iterdir())
    assert told in failure(capsys, *words, status=status)
    assert sorted(file.name for file in here.iterdir()) == before


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a,city,y\n", "is empty: a header, and no row after it"),
        ("a,city,y\n1,Rome,\n2,Oslo,NA\n", "the target 'y' of t.csv is missing in every row"),
        ("a,city,y\n1,Rome,u\n2,Oslo,v\n", "each of the 2 rows has a class of its own"),
        ("a,city,y\n1,Rome,1.5\n2,Oslo,2.5\n", "2 rows with a target, too few to hold some out"),
        ("a,city,y\n1,Rome,u\n2,Oslo,u\n3,Rome,u\n", "holds one class only ('u')"),
        ("a,city,y\n1,Rome,7.5\n2,Oslo,7.5\n3,Rome,7.5\n", "is 7.5 in every row"),
        ("a,city,y\n1,Rome,u\n2,Oslo\n", "line 3: 2 cells where 3 belong"),
        ("a,city,y\ninf,Rome,u\n2,Oslo,v\n3,Oslo,v\n", "line 2, column 1 ('a'): 'inf' is not a finite number"),
        ("a,city,y\n1,Rome,u\ninf,Oslo,v\n3,Oslo,v\n", "column 'a' holds an infinity in row 1"),
        ("a,city,y\n1,Rome,inf\n2,Oslo,2\n3,Oslo,3\n", "the target 'y' of t.csv holds an infinity"),
        ("a,a,y\n1,Rome,u\n", "two columns are called 'a'"),
        ("a,y\n" + "".join(f"{i % 3},{i}.5\n" for i in range(30)) + "x,about 7\n", "'about 7', which is no number"),
    ],
)
def test_tables_that_cannot_be_learned(content, told, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(content)
    assert told in failure(capsys, "train", "t.csv", "--no-pictures")
    assert [file.name for file in tmp_path.iterdir()] == ["t.csv"]


def test_two_rows_are_learned_where_none_is_held_out(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("a,city,y\n1,Rome,u\n2,Oslo,v\n")
    words = ["train", "t.csv", *QUICK, "--test-fraction", "0", "--validation-fraction", "0", "--epochs", "200"]
    assert main(words) == 0
    assert json.loads((tmp_path / "runs" / "t-1" / "test.json").read_text())["accuracy"] == 1.0


def test_wrong_columns_are_all_named(here, capsys):
    rows = rows_of_people(5)
    write(here / "lacks.csv", [row | {"Hour": row["hours"]} for row in rows], ["name", "age", "Hour", "member", "zip", "since"])
    err = failure(capsys, "predict", "classes", "lacks.csv", "--out", "nothing.csv")
    assert "lacks.csv: the table lacks the columns 'hours' (is it 'Hour'?), 'city'" in err
    write(here / "words.csv", [row | {"age": "old"} for row in rows], FEATURES)
    assert "words.csv, line 2, column 2 ('age'): 'old' is not a number" in failure(capsys, "predict", "classes", "words.csv")
    (here / "header.csv").write_text(",".join(FEATURES) + "\n")
    assert "is empty" in failure(capsys, "predict", "classes", "header.csv")
    write(here / "twice.csv", [row | {"prediction": 1} for row in rows], [*FEATURES, "prediction"])
    err = failure(capsys, "predict", "classes", "twice.csv", "--keep", "prediction", status=2)
    assert "--keep prediction: the output has a column of that name" in err


def test_numbers_for_a_model_of_complete_numbers(here, capsys):
    rows = [{"a": float(i), "b": float(i * i), "kind": "up" if i % 3 else "down"} for i in range(30)]
    write(here / "complete.csv", rows)
    assert main(["train", "complete.csv", *QUICK, "--epochs", "1", "--out", "complete", "--force"]) == 0
    rows[4]["kind"] = ""
    write(here / "unanswered.csv", rows)
    assert "1 row without kind left out" in output(capsys, "evaluate", "complete", "unanswered.csv")
    rows[7]["b"] = ""
    write(here / "gaps.csv", rows, ["a", "b"])
    assert "gaps.csv, line 9, column 2 ('b'): a value is missing" in failure(capsys, "predict", "complete", "gaps.csv")
    with pytest.raises(CellError):
        data.load("gaps.csv")
