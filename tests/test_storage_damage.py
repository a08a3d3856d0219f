"""A damaged, foreign or malicious file is one sentence, quickly, and never anything else."""

import contextlib
import json
import math
import os
import re
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scratchwork as sw
from scratchwork import preprocessing as prep
from scratchwork.errors import FileFormatError, MissingFileError
from scratchwork.storage.models import checksum

X = np.random.default_rng(0).normal(size=(30, 4))


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The bytes of a model file that has a bit of everything."""
    layers = [
        sw.Dense(6, weight_regularizer=sw.L2(1e-3), weight_constraint=sw.MaxNorm(3.0)),
        sw.BatchNorm(),
        sw.Dropout(0.2),
        sw.Sequential([sw.LayerNorm(), sw.Scale(), sw.Reshape((2, 3)), sw.Flatten()]),
        sw.Dense(3),
    ]
    model = sw.Model(sw.Sequential(layers), preprocessing=[prep.Standardize(), prep.PCA(4)], feature_names=list("abcd"))
    y = np.array(["ä", "b", "c"])[np.arange(30) % 3]
    model.fit(X, y, loss="SoftmaxCrossEntropy", optimizer="adam", epochs=1, progress=False)
    path = tmp_path_factory.mktemp("good") / "model.safetensors"
    sw.save(model, path)
    return path.read_bytes()


@pytest.fixture
def attempt(tmp_path):
    """Loads these bytes: what comes is either a thing that works, or the text of one of the two errors."""

    def load(content):
        path = tmp_path / "model.safetensors"
        path.write_bytes(content)
        return loaded(path)

    return load


def loaded(path):
    try:
        return sw.load(path)
    except (FileFormatError, MissingFileError) as error:
        text = str(error)
        assert text.startswith(str(path))
        assert "\n" not in text
        assert len(text) < 800
        return text


def parts(content):
    end = 8 + struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8:end]), content[end:]


def assembled(header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def with_document(content, document, arrays=None):
    """The file with another description (text or object) and a checksum that is right."""
    header, data = parts(content)
    text = document if isinstance(document, str) else json.dumps(document)
    metadata = header.pop("__metadata__")
    metadata |= {"document": text, "checksum": checksum(header, text, data)}
    return assembled({"__metadata__": metadata, **header}, data)


def document_of(content):
    return json.loads(parts(content)[0]["__metadata__"]["document"])


def test_the_tools_of_this_file_keep_a_good_file_good(good, attempt):
    assert isinstance(attempt(good), sw.Model)
    assert isinstance(attempt(with_document(good, document_of(good))), sw.Model)


def test_a_truncated_file(good, attempt):
    for length in [*range(0, len(good), 64), len(good) - 1]:
        assert "safetensors" in attempt(good[:length])
    assert isinstance(attempt(good + b"\0"), str)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_bits_that_turned_over(good, attempt, data):
    damaged = bytearray(good)
    for place in data.draw(st.lists(st.integers(0, len(good) * 8 - 1), min_size=1, max_size=4, unique=True)):
        damaged[place // 8] ^= 1 << place % 8
    assert isinstance(attempt(bytes(damaged)), str)


def test_every_byte_of_the_arrays_counts(good, attempt):
    _, data = parts(good)
    for place in range(len(good) - len(data), len(good), 41):
        damaged = bytearray(good)
        damaged[place] ^= 1
        assert "its checksum is not that of its content" in attempt(bytes(damaged))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_bytes_that_never_were_a_file(attempt, content):
    assert isinstance(attempt(content), str)


def places(value, way=()):
    """The ways to all entries of a JSON document."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*way, key)
        yield from places(child, (*way, key))


JUNK = st.sampled_from([
    None, True, -1, 0, 1.5, 10**12, 10**30, 2**62, math.nan, math.inf, "x", "", [], {}, [[]], {"a": 1}, [1] * 100, "Dense",
    {"type": "Dense", "config": {"units": 3}}, {"type": "Sequential", "config": {"layers": []}}, {"type": "dict", "config": {}},
    {"type": "L2", "config": {"strength": "much"}}, "he_normal", ["ä", "ä", "c"],
])  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_description_with_something_else_in_it(good, attempt, data):
    document = document_of(good)
    *way, last = data.draw(st.sampled_from(list(places(document))))
    holder = document
    for key in way:
        holder = holder[key]
    if data.draw(st.booleans()):
        holder[last] = data.draw(JUNK)
    else:
        del holder[last]
    thing = attempt(with_document(good, document))
    if isinstance(thing, sw.Model):  # what is taken works, or says why not
        with contextlib.suppress(sw.ScratchworkError):
            thing.predict(X)


def edited(good, change):
    document = document_of(good)
    change(document, document["network"]["config"]["layers"])
    return with_document(good, document)


def put(*way, value):
    def change(document, layers):
        holder = layers if isinstance(way[0], int) else document
        for key in way[:-1]:
            holder = holder[key]
        holder[way[-1]] = value

    return change


EDITS = {
    "units 10**12": (put(0, "config", "units", value=10**12), "holds no more than 30 numbers"),
    "units 10**9": (put(4, "config", "units", value=10**9), "holds no more than"),
    "units negative": (put(0, "config", "units", value=-1), "whole number of units"),
    "units float": (put(0, "config", "units", value=6.0), "whole number of units"),
    "units text": (put(0, "config", "units", value="6"), "whole number of units"),
    "rate 1": (put(2, "config", "rate", value=1), "rate"),
    "rows of 10**9": (put("in_shape", value=[10**9]), "holds no more than"),
    "rows of 2**200": (put("in_shape", value=[2**61, 2**61, 2**61]), "flat rows"),
    "rows of 10**5 axes": (put("in_shape", value=[9] * 10**5), "in_shape"),
    "rows of no axes": (put("in_shape", value=[]), "in_shape"),
    "rows of -4": (put("in_shape", value=[-4]), "no whole numbers"),
    "a reshape of 10**4 axes": (put(3, "config", "layers", 2, "config", "shape", value=[9] * 10**4), "Reshape"),
    "a norm on 10**9": (lambda d, layers: (d.update(in_shape=[10**9]), layers.insert(0, layers[1])), "holds no more than"),
    "float16": (put("dtype", value="float16"), "no network"),
    "an unknown layer": (put(0, "type", value="Dens"), "speaks of 'Dens'.*did you mean 'Dense'"),
    "a module path": (put(0, "type", value="os.system"), "speaks of 'os.system'"),
    "an unknown setting": (put(0, "config", "colour", value=1), "unknown setting 'colour'"),
    "no layer": (put("network", value={"type": "L2", "config": {"strength": 1}}), "no network"),
    "a layer less": (lambda d, layers: layers.pop(), "not part of the network"),
    "a layer more": (lambda d, layers: layers.append(layers[4]), "holds no more than 0 numbers"),
    "another width": (put(4, "config", "units", value=2), "the network needs float32 of"),
    "another kind": (put("kind", value="recipe"), "no model"),
    "labels twice": (put("labels", value=["a", "a", "b"]), "each once"),
    "labels too few": (put("labels", value=["a", "b"]), "2 labels and the network 3 outputs"),
    "an unknown link": (put("link", value="log"), "task or link"),
    "an unknown transformer": (put("preprocessing", "steps", 0, "name", value="Standardise"), "did you mean 'Standardize'"),
    "steps are no list": (put("preprocessing", "steps", value=3), "list of transformers"),
    "a record that is none": (put("record", value=[1]), "record"),
    "a title of numbers": (put("target_name", value=3), "target name"),
}


@pytest.mark.parametrize(("change", "words"), EDITS.values(), ids=EDITS.keys())
def test_descriptions_that_do_not_fit(change, words, good, attempt):
    tracemalloc.start()
    try:
        text = attempt(edited(good, change))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert re.search(words, text), text
    assert peak < 200e6


@pytest.mark.parametrize("depth", [50, 400, 900, 10**5])
def test_a_description_that_is_nested_without_end(depth, good, attempt):
    inner = '{"type":"Sequential","config":{"layers":[' * depth + "]}}" * depth
    assert isinstance(attempt(with_document(good, "[" * depth + "]" * depth)), str)
    assert isinstance(attempt(with_document(good, json.dumps(document_of(good)).replace('"ReLU"', inner))), sw.Model | str)
    document = json.dumps({**document_of(good), "network": "HERE"}).replace('"HERE"', inner)
    assert isinstance(attempt(with_document(good, document)), str)
    assert isinstance(attempt(assembled(b'{"a":' * depth + b"1" + b"}" * depth, b"")), str)


def arrays_changed(good, change):
    from safetensors.numpy import load, save

    arrays = load(good)
    change(arrays)
    header, data = parts(save(arrays))
    metadata = parts(good)[0]["__metadata__"]
    return assembled({"__metadata__": {**metadata, "checksum": checksum(header, metadata["document"], data)}, **header}, data)


ARRAYS = {
    "missing": (lambda a: a.pop("network.4.bias"), "'network.4.bias' is missing"),
    "more": (lambda a: a.update({"network.9.weight": np.ones(2)}), "'network.9.weight' is not part of the network"),
    "reshaped": (
        lambda a: a.update({"network.4.weight": np.ones((3, 6), np.float32)}),
        r"is float32 of \(3, 6\), the network needs",
    ),
    "retyped": (lambda a: a.update({"network.4.bias": np.ones(3)}), "is float64 of"),
    "NaN": (lambda a: a["network.4.bias"].__setitem__(0, np.nan), "'network.4.bias' holds NaN"),
    "a statistic": (lambda a: a["buffers.1.running_var"].__setitem__(0, np.inf), "'buffers.1.running_var' holds NaN"),
    "a state": (lambda a: a.pop("preprocessing.0.mean_"), "the state of Standardize"),
    "a state's shape": (lambda a: a.update({"preprocessing.0.mean_": np.ones(9)}), "the state of Standardize.*is damaged"),
}


@pytest.mark.parametrize(("change", "words"), ARRAYS.values(), ids=ARRAYS.keys())
def test_arrays_that_do_not_fit(change, words, good, attempt):
    text = attempt(arrays_changed(good, change))
    assert re.search(words, text), text


def test_foreign_and_newer_files(good, attempt):
    from safetensors.numpy import save

    foreign = save({"a": np.ones(3)})
    assert "of another program" in attempt(foreign)
    assert "of another program" in attempt(save({"a": np.ones(3)}, {"format": "pt"}))
    header, data = parts(good)
    for version, words in (("99", "newer than this version reads"), ("0", "damaged"), ("-1", "damaged"), ("one", "damaged")):
        metadata = {**header["__metadata__"], "format_version": version}
        assert words in attempt(assembled({**header, "__metadata__": metadata}, data))
    for content in (b"\x89PNG\r\n\x1a\n" + b"\0" * 99, b"PK\x03\x04" + b"\0" * 99, b"{}", b"\x80\x04\x95", b""):
        assert "no safetensors file" in attempt(content)
    for length in (2**63, 2**64 - 1, len(good), 10**9):
        assert "truncated" in attempt(struct.pack("<Q", length) + good[8:])


def test_of_a_large_foreign_file_only_the_header_is_read(tmp_path):
    path = tmp_path / "large.safetensors"
    with path.open("wb") as file:
        file.write(assembled({"a": {"dtype": "F32", "shape": [10**9], "data_offsets": [0, 4 * 10**9]}}, b""))
        file.truncate(4 * 10**9)  # a hole: it takes no room on the disk
    tracemalloc.start()
    assert "of another program" in loaded(path)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()
    with path.open("r+b") as file:
        file.write(struct.pack("<Q", 10**9) + b"{")
    assert "more than 16777216 are refused" in loaded(path)


def test_a_file_that_is_longer_than_its_arrays_is_not_read(good, tmp_path, attempt):
    path = tmp_path / "long.safetensors"
    path.write_bytes(good)
    os.truncate(path, 2**40)
    with pytest.raises(
        FileFormatError, match=r"^\S+ is damaged or truncated: its arrays need \d+ bytes, and it has 1099511\d+"
    ):
        sw.load(path)
    assert "its arrays need" in attempt(good + b"\0")


def test_files_that_are_not_there(good, tmp_path, monkeypatch):
    (tmp_path / "digits.safetensors").write_bytes(good)
    (tmp_path / "run").mkdir()
    assert f"is not there: did you mean {tmp_path / 'digits.safetensors'}?" in loaded(tmp_path / "digit.safetensors")
    assert "is not there: a model file was expected" in loaded(tmp_path / "none" / "x.safetensors")
    assert "is a folder: give the file inside it" in loaded(tmp_path / "run")
    (tmp_path / "run" / "model.safetensors").write_bytes(good)
    assert f"is a folder: did you mean {tmp_path / 'run' / 'model.safetensors'}?" in loaded(tmp_path / "run")
    os.mkfifo(tmp_path / "pipe")
    assert "is no regular file" in loaded(tmp_path / "pipe")
    assert "cannot be read" in loaded(tmp_path / ("x" * 300))

    def refuse(self, *arguments, **settings):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    assert "cannot be read: Permission denied" in loaded(tmp_path / "digits.safetensors")
