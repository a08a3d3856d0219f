"""Exports of what nobody expects: names that formats use themselves, empty texts, huge numbers, odd settings."""

import numpy as np
import pytest

import scratchwork as sw
from export_models import X, model_of, trained
from scratchwork.errors import ConfigurationError, DataError, ScratchworkError, ShapeError, StorageError
from scratchwork.export import verification
from scratchwork.export.subject import subject_of

TARGETS = {"onnx": sw.export.to_onnx, "python": sw.export.to_python, "c": sw.export.to_c, "json": sw.export.to_json}
every_target = pytest.mark.parametrize("target", TARGETS)
NUMBERS, TEXTS = X[:, 0], np.array(["a", "b", "ü"], object)[np.arange(120) % 3]
ENCODER = sw.preprocessing.TableEncoder


def table_model(**columns):
    return trained(columns, TEXTS.astype(str), "SoftmaxCrossEntropy", 3, [ENCODER()])


def labelled(labels):
    network = sw.Sequential([sw.Dense(len(labels))])
    network.build((2,))
    return sw.Model(network, labels=labels, task="multiclass", link="softmax")


@pytest.mark.parametrize(
    "names",
    [("c0", "y0", "y1", "c0_"), ("label", "probabilities", "x0", "x1"), ("", "x0", "x1", "y2"), ("x", "label", "y0", "")],
)
def test_columns_with_the_names_that_a_graph_uses(names, tmp_path):
    columns = [NUMBERS, TEXTS, NUMBERS > 0, np.where(NUMBERS > 1, np.nan, NUMBERS)]
    report = sw.export.to_onnx(table_model(**dict(zip(names, columns, strict=True))), tmp_path / "model.onnx")
    assert report.verified_by


def test_an_empty_text_that_is_no_missing_one_has_no_place_in_onnx(tmp_path):
    model = table_model(n=NUMBERS, words=np.where(NUMBERS > 0, "", TEXTS))
    with pytest.raises(ConfigurationError, match="'words' an empty text is a category; nothing was written"):
        sw.export.to_onnx(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
    assert sw.export.to_c(model, tmp_path / "model.c").verified_by


@every_target
def test_columns_of_numbers_beyond_float32(target, tmp_path):
    table = table_model(n=NUMBERS * 1e200, m=NUMBERS * 1e60)
    plain = trained(X * [1e60, 1, 1e-60, 1, 1], TEXTS.astype(str), "SoftmaxCrossEntropy", 3, [sw.preprocessing.Standardize()])
    for model in (table, plain):
        assert TARGETS[target](model, tmp_path / "model").verified_by


@pytest.mark.parametrize(
    ("x", "error"),
    [
        (np.zeros((3, 4)), ShapeError), (np.zeros(5), ShapeError), (5, ShapeError), (np.zeros((0, 5)), DataError),
        ([[1, 2], [3]], DataError), ("text", DataError), ({"a": [1]}, DataError), ([[np.inf] * 5], DataError),
    ],
)  # fmt: skip
def test_rows_to_check_with_that_are_none(x, error, tmp_path):
    for model in (model_of("classes"), model_of("classes").network):
        with pytest.raises(error):
            sw.export.to_json(model, tmp_path / "model.json", x=x)


@pytest.mark.parametrize("x", [{"n": []}, {"m": [1.0]}, {"n": [np.inf]}])
def test_rows_of_a_table_that_are_none(x, tmp_path):
    with pytest.raises(DataError):
        sw.export.to_json(table_model(n=NUMBERS), tmp_path / "model.json", x=x)


@every_target
@pytest.mark.parametrize("tolerance", [0, -1.0, float("nan"), float("inf"), "1", None, True])
def test_a_tolerance_that_is_none(target, tolerance, tmp_path):
    with pytest.raises(ConfigurationError, match="finite tolerance > 0"):
        TARGETS[target](model_of("classes"), tmp_path / "model", tolerance=tolerance)


@every_target
def test_a_tolerance_of_numpy(target, tmp_path):
    assert TARGETS[target](model_of("classes"), tmp_path / "model", tolerance=np.float32(1e-3)).verified_by


@every_target
def test_half_of_a_character_has_no_place(target, tmp_path):
    encoded = table_model(n=NUMBERS, words=np.where(NUMBERS > 0, "\ud800", TEXTS))
    for model in (labelled(["a", "\ud800"]), encoded, table_model(**{"\udfff": NUMBERS})):
        with pytest.raises(ConfigurationError, match="half of a character"):
            TARGETS[target](model, tmp_path / "model")


def test_a_label_that_is_no_64_bit_number(tmp_path):
    with pytest.raises(ConfigurationError, match="64-bit"):
        sw.export.to_onnx(labelled([2**63, 1]), tmp_path / "model.onnx")
    assert sw.export.to_onnx(labelled([2**63 - 1, -(2**63)]), tmp_path / "model.onnx").verified_by


def test_a_place_with_a_zero_byte(tmp_path):
    with pytest.raises(StorageError, match="zero byte"):
        sw.export.to_json(model_of("classes"), f"{tmp_path}/a\0b")


def test_a_c_file_that_fails_its_check_says_by_how_much(tmp_path):
    path = tmp_path / "model.c"
    sw.export.to_c(model_of("classes"), path)
    subject, text = subject_of(model_of("classes")), path.read_text(encoding="ascii")
    path.write_text(text.replace("values[i] = (float)y[i]", "values[i] = 9 + (float)y[i]"), encoding="ascii")
    with pytest.raises(ScratchworkError, match=r"nothing was written: its golden rows differ by 9\."):
        verification.run_c(path, subject)
    path.write_text(text + "\nint broken = ;\n", encoding="ascii")
    with pytest.raises(ScratchworkError, match=r"nothing was written: \S+ error: "):
        verification.run_c(path, subject)
