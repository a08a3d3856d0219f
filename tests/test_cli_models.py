"""`scratchwork evaluate`, `predict` and `show`: saved models on data whose columns and rows are found again."""

import csv
import io
import re

import numpy as np
import pytest

import scratchwork as sw
from scratchwork import data
from scratchwork.cli import main
from scratchwork.cli.building import held_out_rows


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with runs on digits, on a table with class names, on a table of numbers, and on a table without names."""
    folder = tmp_path_factory.mktemp("trained")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3)).round(3)
    names = np.where(x[:, 0] + x[:, 1] > 0, "yes", "no")
    write(folder / "kinds.csv", ["a", "b", "c", "kind"], np.column_stack([x, names]))
    write(folder / "plain.csv", None, np.column_stack([x, names]))
    write(folder / "prices.csv", ["a", "b", "c", "price"], np.column_stack([x, 1000 * x[:, 0] + 0.5]))
    quick = ["--quiet", "--no-pictures"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["train", "digits", *quick, "--epochs", "3", "--out", "digits"]) == 0
        for name in ("kinds", "plain", "prices"):
            assert main(["train", f"{name}.csv", *quick, "--epochs", "20", "--out", name]) == 0
    return folder


@pytest.fixture(autouse=True)
def here(trained, monkeypatch):
    monkeypatch.chdir(trained)
    return trained


def write(path, header, rows):
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([*([header] if header else []), *rows])


def read(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


def output(capsys, *words):
    assert main(list(words)) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


# evaluate


def test_the_rows_held_out_from_training_are_found_again(capsys, here):
    out = output(capsys, "evaluate", "digits", "digits")
    assert out.startswith("digits: the rows held out from training, 359 rows\n")
    digits = data.digits()
    _, held = held_out_rows(digits.y, 0.2, 0)
    accuracy = np.mean(sw.load(here / "digits" / "model.safetensors").predict(digits.x[held]) == digits.y[held])
    assert f"accuracy {accuracy:.4g}" in out
    assert "of 359 wrong, the worst of them" in out
    assert max(map(len, out.splitlines())) <= 80


def test_other_parts(capsys):
    assert "the rows of training, 1,438 rows" in output(capsys, "evaluate", "digits", "digits", "--part", "train")
    assert "all rows, 1,797 rows" in output(capsys, "evaluate", "digits/model.safetensors", "digits", "--part", "all")


def test_other_data_is_evaluated_whole(capsys, here):
    rows = read(here / "kinds.csv")
    write(here / "fewer.csv", rows[0], rows[1:21])
    assert "fewer: all rows, 20 rows" in output(capsys, "evaluate", "kinds", "fewer.csv")
    (here / "other").mkdir()
    write(here / "other" / "kinds.csv", rows[0], [["9", *row[1:]] for row in rows[1:]])  # same name, same size, other rows
    assert "kinds: all rows, 60 rows" in output(capsys, "evaluate", "kinds", "other/kinds.csv")
    write(here / "other" / "copy.csv", rows[0], rows[1:])
    assert "copy: the rows held out from training, 12 rows" in output(capsys, "evaluate", "kinds", "other/copy.csv")
    assert main(["evaluate", "kinds", "fewer.csv", "--part", "train"]) == 1
    assert "not what the model was trained on" in capsys.readouterr().err


def test_a_regression_is_measured_in_the_unit_of_the_file(capsys, here):
    out = output(capsys, "evaluate", "prices", "prices.csv", "--part", "all")
    prices = data.load("prices.csv")
    said = sw.load(here / "prices" / "model.safetensors").predict(prices.x)
    assert f"rmse {np.sqrt(np.mean((said - prices.y) ** 2)):.4g}" in out


# predict


def test_predictions_as_csv(capsys, here):
    rows = table(output(capsys, "predict", "kinds", "kinds.csv", "--proba"))
    assert len(rows) == 60
    assert list(rows[0]) == ["row", "prediction", "p_no", "p_yes"]
    kinds = data.load("kinds.csv")
    model = sw.load(here / "kinds" / "model.safetensors")
    assert [row["prediction"] for row in rows] == model.predict(kinds.x).tolist()
    np.testing.assert_allclose([float(row["p_yes"]) for row in rows], model.predict_proba(kinds.x)[:, 1], rtol=1e-6)
    assert [row["row"] for row in rows] == [str(i) for i in range(60)]


def test_columns_are_found_by_name_and_the_target_may_be_missing(capsys, here):
    expected = output(capsys, "predict", "kinds", "kinds.csv")
    rows = read(here / "kinds.csv")
    write(here / "turned.csv", None, [[*reversed(row), "junk"] for row in rows])
    write(here / "bare.csv", None, [row[:3] for row in rows])
    write(here / "nameless.csv", None, [row[:3] for row in rows[1:]])
    for name in ("turned.csv", "bare.csv", "nameless.csv", "plain.csv"):
        assert output(capsys, "predict", "kinds", name) == expected
    assert output(capsys, "predict", "plain", "nameless.csv").count("\n") == 61
    priced = read(here / "prices.csv")
    write(here / "priced.csv", None, priced[1:])  # numbers only: the target is told from a feature by the count of columns
    assert output(capsys, "predict", "prices", "priced.csv") == output(capsys, "predict", "prices", "prices.csv")
    assert output(capsys, "evaluate", "plain", "kinds.csv").startswith("kinds: the rows held out")  # it is the same data


def test_a_file_is_whole_or_not_there(capsys, here, monkeypatch):
    out = output(capsys, "predict", "prices", "prices.csv", "--out", "out.csv")
    assert "60 predictions in out.csv" in out
    before = (here / "out.csv").read_text()
    assert before == output(capsys, "predict", "prices", "prices.csv")

    def cut(*arguments, **settings):
        yield [1.0]
        raise sw.ScratchworkError("cut in the middle")

    monkeypatch.setattr("scratchwork.cli.predict._predicted", cut)
    assert main(["predict", "prices", "prices.csv", "--out", "out.csv"]) == 1
    assert (here / "out.csv").read_text() == before
    assert main(["predict", "prices", "prices.csv", "--out", "new.csv"]) == 1
    assert not (here / "new.csv").exists()
    assert not [file for file in here.iterdir() if file.name.startswith(".unfinished")]


def test_one_row_in_detail(capsys, here):
    out = output(capsys, "predict", "digits", "digits", "--row", "3", "--picture", "three.png")
    assert "██" in out
    assert re.search(r"prediction \d(, which is right|; it is 3)", out)
    assert (here / "three.png").read_bytes().startswith(b"\x89PNG")
    assert re.search(
        r"prediction (yes|no)(, which is right|; it is (yes|no))", output(capsys, "predict", "kinds", "kinds.csv", "--row", "1")
    )
    assert re.search(r"prediction -?[\d.]+   truth -?[\d.]+", output(capsys, "predict", "prices", "prices.csv", "--row", "1"))


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["predict", "digits", "digits", "--row", "1797"], 1, "no row 1797"),
        (["predict", "digits", "spirals"], 1, "rows of 64 numbers, those of spirals have 2"),
        (["predict", "digits", "digits", "--picture", "x.png"], 2, "--row"),
        (["predict", "digits", "digits", "--row", "0", "--proba"], 2, "--row"),
        (["predict", "prices", "prices.csv", "--proba"], 1, "no probabilities"),
        (["predict", "prices", "prices.csv", "--row", "0", "--picture", "x.png"], 1, "predicts numbers"),
        (["predict", "kinds", "prices.csv", "--out", "no/where.csv"], 1, "is not there"),
        (["predict", "kinds", "nowhere.csv"], 1, "nowhere.csv"),
        (["evaluate", "kinds", "prices.csv"], 1, "no target column 'kind'"),
        (["evaluate", "kinds", "prices.csv", "--target", "price"], 1, "classification"),
        (["evaluate", "kinds", "kinds.csv", "--part", "tets"], 2, "did you mean 'test'"),
        (["evaluate", "nowhere", "digits"], 1, "nowhere is not there"),
        (["evaluate", "kinds.csv", "digits"], 1, "no safetensors file"),
        (["show", "."], 1, "holds no model.safetensors"),
    ],
)
def test_mistakes(words, status, told, capsys, here):
    before = sorted(file.name for file in here.iterdir())
    assert main(words) == status
    out, err = capsys.readouterr()
    assert told in err
    assert out == ""
    assert err.count("\n") == 1
    assert sorted(file.name for file in here.iterdir()) == before


def test_missing_columns_are_named(capsys, here):
    write(here / "lacks.csv", ["a", "bb", "c", "kind"], [[1, 2, 3, "yes"], [4, 5, 6, "no"]])
    assert main(["predict", "kinds", "lacks.csv"]) == 1
    assert "no feature column 'b': did you mean 'bb'?" in capsys.readouterr().err


def test_a_label_that_training_had_not(capsys, here):
    write(here / "new.csv", ["a", "b", "c", "kind"], [[1, 2, 3, "yes"], [4, 5, 6, "perhaps"]])
    assert main(["evaluate", "kinds", "new.csv"]) == 1
    assert "perhaps" in capsys.readouterr().err


# show


def test_show(capsys):
    out = output(capsys, "show", "digits")
    for word in ("Dense(256)", "(256,)", "16,640", "50,826", "0, 1, 2, 3", "Rescale", "8×8", "on test", "seed"):
        assert word in out
    assert max(map(len, out.splitlines())) <= 80


def test_show_draws_weights(capsys, here):
    assert "weights in" in output(capsys, "show", "digits", "--pictures")
    assert (here / "digits" / "weights.png").is_file()
    output(capsys, "show", "digits", "--pictures", "w.png")
    assert (here / "w.png").is_file()
    assert main(["show", "kinds", "--pictures"]) == 1
    assert "no model of images" in capsys.readouterr().err


def test_a_bare_network_is_shown_and_not_evaluated(capsys, here):
    network = sw.Sequential([sw.Dense(2)])
    network.build((3,))
    sw.save(network, here / "bare.safetensors")
    assert "without preprocessing" in output(capsys, "show", "bare.safetensors")
    assert main(["evaluate", "bare.safetensors", "kinds.csv"]) == 1
    assert "save a Model" in capsys.readouterr().err
