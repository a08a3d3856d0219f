"""Models of every task and preprocessing in every format: verified when written, and read again by those who will use them."""

import ast
import ctypes
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import scratchwork as sw
from export_models import HOSTILE, MODELS, REFUSED, TABLE, X, model_of
from scratchwork.errors import ConfigurationError, StorageError
from scratchwork.export import c_text, read_json, verification, write_c, write_python
from scratchwork.export.subject import subject_of

TARGETS = {"onnx": sw.export.to_onnx, "python": sw.export.to_python, "c": sw.export.to_c, "json": sw.export.to_json}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", MODELS)
def test_every_model_says_the_same_in_every_format(name, target, tmp_path):
    path = tmp_path / f"a file's {target}"
    if (name, target) in REFUSED:
        with pytest.raises(ConfigurationError, match=rf"(?s)cannot be exported to {target}.*nothing was written"):
            TARGETS[target](model_of(name), path)
        assert not list(tmp_path.iterdir())
        return
    report = TARGETS[target](model_of(name), path)
    assert report.verified_by
    assert report.largest_difference <= 1e-5
    assert report.size == path.stat().st_size
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert f"{report.rows} rows run by {report.verified_by}" in str(report)


# ONNX, by its runtime


def session_of(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def test_onnx_takes_one_row_and_many_and_none(tmp_path):
    model = model_of("classes")
    sw.export.to_onnx(model, tmp_path / "model.onnx")
    session = session_of(tmp_path / "model.onnx")
    for rows in (X[:1], X, X[:0]):
        label, probabilities = session.run(["label", "probabilities"], {"x": rows.astype(np.float32)})
        assert list(label) == list(model.predict(rows.astype(np.float32))) if len(rows) else not len(label)
        np.testing.assert_allclose(probabilities, model.predict_proba(rows.astype(np.float32)), atol=1e-5)


def test_onnx_says_what_it_is(tmp_path):
    sw.export.to_onnx(model_of("table"), tmp_path / "model.onnx")
    proto = onnx.load(tmp_path / "model.onnx")
    assert (proto.ir_version, proto.opset_import[0].version, proto.producer_name) == (8, 17, "scratchwork")
    told = {entry.key: json.loads(entry.value) for entry in proto.metadata_props}
    assert told["labels"] == sorted(HOSTILE)
    assert len(told["golden"]["probabilities"]) == len(told["golden"]["inputs"]["gaps"]) == 8
    assert {entry.name for entry in proto.graph.input} == set(TABLE) - {"same"}
    network = sw.Sequential([sw.GELU()])
    network.build((2,))
    sw.export.to_onnx(network, tmp_path / "gelu.onnx")
    proto = onnx.load(tmp_path / "gelu.onnx")
    assert (proto.ir_version, proto.opset_import[0].version) == (9, 20)


def test_onnx_of_a_table_takes_missing_and_unknown_values(tmp_path):
    model = model_of("table")
    sw.export.to_onnx(model, tmp_path / "model.onnx")
    rows = {name: list(column[:4]) for name, column in TABLE.items()}
    rows['c"'], rows["two"], rows["many"] = ["never seen", None, "x", "y*/"], ["w", "u", None, "v"], ["?", None, "w0", "w1"]
    rows["gaps"][2] = None
    kinds = {"n*/": np.float32, "gaps": np.float32, "only gaps": np.float32, "flag": np.float32}
    fed = {}
    for name, column in rows.items():
        if name in kinds:
            fed[name] = np.array([[np.nan if value is None else value] for value in column], np.float32)
        elif name != "same":
            fed[name] = np.array([["" if value is None else value] for value in column], object)
    found = session_of(tmp_path / "model.onnx").run(["probabilities"], fed)[0]
    np.testing.assert_allclose(found, model.predict_proba(rows), atol=1e-5)


# Python, in a process that sees NumPy alone

HIDES = """
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("scratchwork", "scipy", "onnx", "safetensors"):
            raise ImportError(name)
sys.meta_path.insert(0, Nothing())
sys.path.insert(0, sys.argv[1])
import model
rows = [[0.0, 1000.0, 0.0, 5.0, 0.0], [1.0, 990.0, -100.0, 5.01, 2.0]]
print(ascii(model.predict(rows).tolist()), model.predict_proba(rows).shape, model.check() <= 1e-5)
"""


def test_python_needs_numpy_alone(tmp_path):
    model = model_of("classes")
    sw.export.to_python(model, tmp_path / "model.py")
    command = [sys.executable, "-I", "-B", "-W", "error", "-c", HIDES, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    rows = [[0.0, 1000.0, 0.0, 5.0, 0.0], [1.0, 990.0, -100.0, 5.01, 2.0]]
    assert done.stdout.strip() == f"{model.predict(rows).tolist()!a} (2, 3) True"
    checked = subprocess.run([sys.executable, "-I", tmp_path / "model.py"], capture_output=True, text=True, timeout=60)
    assert checked.stdout.startswith("8 golden rows, largest difference")
    text = (tmp_path / "model.py").read_text(encoding="ascii")
    assert not any(word in text for word in ("pickle", "eval(", "exec(", "import scratchwork"))


# C, by its compiler


def compiled(path: Path, *flags: str) -> Path:
    program = path.with_suffix(".bin")
    command = [
        "gcc",
        "-std=c99",
        "-O2",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
        *flags,
        str(path),
        "-o",
        str(program),
        "-lm",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return program


@pytest.mark.parametrize("name", ["ensemble", "table", "robust table", "images", "attributes", "float64"])
def test_c_is_clean_under_the_sanitizers(name, tmp_path):
    sw.export.to_c(model_of(name), tmp_path / "model.c")
    program = compiled(tmp_path / "model.c", "-DMODEL_CHECK", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    done = subprocess.run([program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "golden rows, largest difference" in done.stdout


def test_c_as_a_library(tmp_path):
    model = model_of("classes")
    sw.export.to_c(model, tmp_path / "model.c")
    library = ctypes.CDLL(str(compiled(tmp_path / "model.c", "-shared", "-fPIC")))
    row, values = np.array(X[3], np.float32), np.zeros(3, np.float32)
    library.model_predict(row.ctypes.data_as(ctypes.c_void_p), values.ctypes.data_as(ctypes.c_void_p))
    np.testing.assert_allclose(values, model.predict_proba(row[None])[0], atol=1e-5)
    index = library.model_class(row.ctypes.data_as(ctypes.c_void_p))
    labels = (ctypes.c_char_p * 3).in_dll(library, "model_labels")
    assert model.predict(row[None])[0].encode().split(b"\0")[0] == labels[index]


def test_c_with_much_between_its_layers_keeps_it_off_the_stack(tmp_path):
    network = sw.Sequential([sw.Dense(100_000), sw.ReLU(), sw.Dense(1)])
    network.build((1,))
    assert "static float t" in write_c.c_source(subject_of(network), 1e-5)


# JSON, by a reader


@pytest.mark.parametrize("readable", [False, True])
def test_json_can_be_read_by_others(readable, tmp_path):
    model = model_of("classes")
    sw.export.to_json(model, tmp_path / "model.json", readable=readable)
    document = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    assert (document["format"], document["version"]) == ("scratchwork-export", 1)
    assert ("base64" in json.dumps(document)) != readable
    values, labels = read_json.calculate(document, document["golden"]["x"])
    np.testing.assert_allclose(values, document["golden"]["values"], atol=1e-6)
    assert labels == [document["output"]["labels"][i] for i in document["golden"]["labels"]]
    assert labels == list(model.predict(np.array(document["golden"]["x"])))


# What goes wrong


@pytest.mark.parametrize("target", TARGETS)
def test_an_export_that_says_something_else_is_not_written(target, tmp_path, monkeypatch):
    model = model_of("classes")
    subject = subject_of(model)
    assert len(subject.checked) == 64

    def wrong(thing, x=None):  # the numbers written are those of another network
        other = sw.Model(
            sw.Sequential([sw.Dense(3)]),
            preprocessing=model.preprocessing,
            labels=model.labels,
            task="multiclass",
            link="softmax",
        )
        other.network.build((5,), 5)
        found = subject_of(other)
        return type(found)(**{**vars(found), "checked": subject.checked, "golden": subject.golden})

    monkeypatch.setattr("scratchwork.export.base.subject_of", wrong)
    path = tmp_path / "model"
    path.write_text("before")
    with pytest.raises(ConfigurationError, match="nothing was written"):
        TARGETS[target](model, path)
    assert path.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1


def test_labels_that_differ_are_found():
    subject = subject_of(model_of("classes"))
    right = verification.named(subject.checked, subject)
    assert verification.compared(subject, (subject.checked.values, right), "test", 1e-5) == 0
    with pytest.raises(ConfigurationError, match="the label"):
        verification.compared(subject, (subject.checked.values, right[1:] + right[:1]), "test", 1e-5)
    with pytest.raises(ConfigurationError, match="differs from predict by inf"):
        verification.compared(subject, (subject.checked.values * np.nan, right), "test", 1e-5)


def test_where_nothing_can_run_it_the_report_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    for target in ("c", "onnx"):
        report = TARGETS[target](model_of("classes"), tmp_path / target)
        assert (report.verified_by, report.largest_difference, report.rows) == ("", None, 0)
        assert "not verified" in str(report)
        assert (tmp_path / target).exists()


def test_onnx_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(sw.ScratchworkError, match=r"scratchwork\[onnx\]"):
        sw.export.to_onnx(model_of("classes"), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_to(tmp_path):
    with pytest.raises(StorageError):
        sw.export.to_json(model_of("classes"), tmp_path)


def test_rows_of_ones_own_are_checked_and_carried(tmp_path):
    report = sw.export.to_json(model_of("classes"), tmp_path / "model.json", x=X[:5])
    document = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    assert report.rows == 5
    np.testing.assert_allclose(document["golden"]["x"], X[:5], rtol=1e-6)


def test_an_estimator_is_exported_as_its_model(tmp_path):
    with pytest.warns(UserWarning, match="Maximum iterations"):
        estimator = sw.Classifier(hidden_layer_sizes=(8,), max_iter=3, random_state=0).fit(X, X[:, 0] > 0)
    report = sw.export.to_python(estimator, tmp_path / "model.py")
    assert report.verified_by == "python -I"


@pytest.mark.parametrize("text", [*HOSTILE, "%s %n", "??/", "a\\", "*/", "\ud800", ""])
def test_any_text_can_be_written_in_c_and_python(text):
    literal = c_text.literal(text)
    assert literal.isascii()
    assert "\n" not in literal
    assert not any(mark in literal[1:-1] for mark in ('"', "?", "%"))
    plain = c_text.said(text)
    assert "*/" not in plain
    assert "\\" not in plain
    assert "\n" not in plain
    assert ast.literal_eval(write_python._literal(text)) == text
