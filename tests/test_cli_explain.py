"""`scratchwork explain`: one row through a saved model, or what a name means."""

import csv
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.cli import main


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with runs on images, on numbers with a regression, and on a table with text and gaps; and a bare network."""
    folder = tmp_path_factory.mktemp("explained")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3)).round(3)
    write(folder / "prices.csv", ["a", "b", "c", "price"], np.column_stack([x, (100 * x[:, 0] + 50).round(2)]))
    kinds = [[a, "red" if b > 0 else "blue", "" if i == 2 else c, "yes" if a > 0 else "no"] for i, (a, b, c) in enumerate(x)]
    kinds[5][3] = ""  # a row without an answer
    write(folder / "kinds.csv", ["a", "colour", "c", "kind"], kinds)
    quick = ["--quiet", "--no-pictures", "--epochs", "2"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["train", "digits", *quick, "--hidden", "12", "--out", "digits"]) == 0
        assert main(["train", "prices.csv", *quick, "--hidden", "4", "--l2", "0.01", "--out", "prices"]) == 0
        assert (
            main(["train", "kinds.csv", *quick, "--hidden", "4", "--batch-norm", "--optimizer", "sgd", "--out", "kinds"]) == 0
        )
        network = sw.Sequential([sw.Dense(3), sw.Tanh(), sw.Dense(10)])
        network.build((64,), rng=0)
        sw.save(network, "bare.safetensors")
    return folder


@pytest.fixture(autouse=True)
def here(trained, monkeypatch):
    monkeypatch.chdir(trained)
    for path in [*trained.rglob("row-*.html"), *trained.glob("*.html"), *trained.glob("*.txt")]:
        path.unlink()
    return trained


def write(path, header, rows):
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def output(capsys, *words):
    assert main(["explain", *words]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def numbers(page, name):
    table = re.search(rf'data-name="{re.escape(name)}"(.*?)</table>', page, re.DOTALL)
    assert table is not None, name
    return {place: float(value) for place, value in re.findall(r'data-i="([^"]*)" data-value="([^"]+)"', table[1])}


def test_a_page_of_one_row_of_a_run(capsys, here):
    out = output(capsys, "digits", "digits", "--row", "3", "--neuron", "0:7")
    assert out.startswith("row 3 of digits: digits/row-3.html, ")
    assert "SoftmaxCrossEntropy(label_smoothing=0.1), as in training" in out
    assert "Adam(learning_rate=OneCycle(" in out
    assert max(map(len, out.splitlines())) <= 80
    page = (here / "digits" / "row-3.html").read_text(encoding="utf-8")
    HTMLParser().feed(page)
    assert "Row 3 of digits through a 64-12-10 network" in page
    model, row = sw.load(here / "digits" / "model.safetensors"), sw.data.digits().x[3:4]
    weights, bias = (parameter.value.astype(np.float64) for _, parameter in model.network.layers[0].parameters())
    scaled = model.preprocessing.transform(row.astype(np.float64))
    np.testing.assert_allclose(numbers(page, "forward/0/y")["0"], scaled[0] @ weights[:, 0] + bias[0], atol=1e-6)
    assert "neuron 7 of layer 0" in page
    assert page.count("<img") > 3


def test_nothing_is_overwritten_silently(capsys, here):
    output(capsys, "digits", "digits", "--row", "3")
    first = (here / "digits" / "row-3.html").read_bytes()
    assert "digits/row-3-2.html" in output(capsys, "digits/model.safetensors", "digits", "--row", "3", "--quiz")
    assert (here / "digits" / "row-3.html").read_bytes() == first
    output(capsys, "bare.safetensors", "digits")
    assert (here / "bare-row-0.html").is_file()
    (here / "mine.html").write_text("mine")
    assert main(["explain", "digits", "digits", "--out", "mine.html"]) == 1
    assert "mine.html is there already" in capsys.readouterr().err
    assert (here / "mine.html").read_text() == "mine"
    output(capsys, "digits", "digits", "--out", "mine.html", "--force")
    assert "<!doctype html>" in (here / "mine.html").read_text(encoding="utf-8")


def test_the_terminal(capsys, here):
    text = output(capsys, "prices", "prices.csv", "--row", "1", "--text")
    assert max(map(len, text.splitlines())) <= 80
    for words in ("Row 1 of prices through a 3-4-1 network", "BACKWARD", "MeanSquaredError", "Standardize", "UPDATE"):
        assert words in text
    assert not list(here.rglob("row-*.html"))
    output(capsys, "prices", "prices.csv", "--row", "1", "--out", "one.txt")
    assert (here / "one.txt").read_text(encoding="utf-8") == text
    quiz = output(capsys, "prices", "prices.csv", "--row", "1", "--text", "--quiz")
    assert "?1" in quiz
    assert "THE ANSWERS" in quiz


def test_the_penalty_of_the_run_is_taken(capsys, here):
    out = output(capsys, "prices", "prices.csv")
    assert "penalties  L2(strength=0.01, biases=False), as in training" in out
    page = (here / "prices" / "row-0.html").read_text(encoding="utf-8")
    weight = sw.load(here / "prices" / "model.safetensors").network.layers[0].weight.value
    before, after = numbers(page, "backward/0/weight.grad"), numbers(page, "update/0/weight/grad")
    np.testing.assert_allclose(after["1,2"] - before["1,2"], 0.01 * float(weight[1, 2]), rtol=1e-6)


def test_a_table_with_text_and_gaps(capsys, here):
    out = output(capsys, "kinds", "kinds.csv", "--row", "2")
    assert "SGD(" in out
    page = (here / "kinds" / "row-2.html").read_text(encoding="utf-8")
    assert "missing" in page
    assert "colour" in page
    assert "batch of 32 rows" in page  # they meet in the batch normalization
    assert main(["explain", "kinds", "kinds.csv", "--row", "5"]) == 1
    assert "no row 5 to show: it has no answer" in capsys.readouterr().err
    assert "batch of 7 rows" in output(capsys, "kinds", "kinds.csv", "--row", "6", "--batch-size", "7", "--text")


def test_a_bare_network_takes_what_suits_it_and_says_so(capsys, here):
    out = output(capsys, "bare.safetensors", "digits", "--row", "9")
    assert "SoftmaxCrossEntropy(), which suits it" in " ".join(out.split())
    assert "Adam(learning_rate=0.002" in out
    assert "the usual one" in " ".join(out.split())
    out = output(
        capsys,
        "bare.safetensors",
        "digits",
        "--loss",
        "hinge",
        "--optimizer",
        "momentum",
        "--learning-rate",
        "0.5",
        "--row",
        "9",
    )
    assert "MulticlassHinge(), as asked for" in " ".join(out.split())
    assert "SGD(learning_rate=0.5, momentum=0.9" in out


def test_rows_without_answers_go_forward_only(capsys, here):
    with (here / "prices.csv").open(newline="") as file:
        rows = [row[:3] for row in csv.reader(file)]
    write(here / "new.csv", rows[0], rows[1:])
    assert "the forward alone" in output(capsys, "prices", "new.csv", "--out", "new.html")
    page = (here / "new.html").read_text(encoding="utf-8")
    assert "What it predicts" in page
    assert "backward/" not in page
    assert main(["explain", "prices", "new.csv", "--target", "price"]) == 1
    assert "price" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Dense", "softmax", "MeanSquaredError", "adam", "he_normal"])
def test_a_name_is_explained_in_the_terminal(name, capsys, here):
    text = output(capsys, name)
    assert name.lower().replace("_", "") in text.lower().replace("_", "")
    assert max(map(len, text.splitlines())) <= 80
    assert not list(here.glob("*.html"))


def test_a_name_as_a_page(capsys, here):
    assert "dense.html" in output(capsys, "Dense", "--out", "dense.html")
    assert "<!doctype html>" in (here / "dense.html").read_text(encoding="utf-8")
    assert main(["explain", "Dense", "--out", "dense.html"]) == 1
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["digits", "digits", "--row", "1797"], 1, "no row 1797"),
        (["digits", "digits", "--row", "-1"], 2, "at least 0"),
        (["digits", "digits", "--neuron", "7"], 2, "such as 0:7"),
        (["digits", "digits", "--neuron", "0:12"], 1, "no neuron 12"),
        (["digits", "digits", "--neuron", "9:0"], 1, "no layer 9"),
        (["digits", "digits", "--text", "--out", "x.html"], 2, "leave one out"),
        (["digits", "digits", "--optimizer", "lbfgs"], 2, "lbfgs"),
        (["digits", "digits", "--loss", "SoftmaxCrossEntrop"], 2, "did you mean"),
        (["digits", "digits", "--out", "no/where.html"], 1, "is not there"),
        (["digits", "spirals"], 1, "rows of 64 numbers"),
        (["digits"], 2, "give DATA too"),
        (["Dence"], 1, "Dense"),
        (["Dense", "--row", "3"], 2, "--row needs a model and DATA"),
        (["nowhere", "digits"], 1, "nowhere is not there"),
        (["prices", "prices.csv", "--target", "prise"], 1, "price"),
        (["prices", "nowhere.csv"], 1, "nowhere.csv"),
    ],
)
def test_mistakes(words, status, told, capsys, here):
    before = sorted(file.name for file in here.rglob("*"))
    assert main(["explain", *words]) == status
    out, err = capsys.readouterr()
    assert told in err
    assert out == ""
    assert err.count("\n") == 1
    assert sorted(file.name for file in here.rglob("*")) == before
