"""Every reader under damaged files: it reads, or raises one printable sentence; the same targets as benchmarks/fuzz."""

import base64
import json

import numpy as np
import pytest
from benchmarks.fuzz import craft, seeds
from benchmarks.fuzz.found import FOUND
from benchmarks.fuzz.run import READERS, RESULT
from benchmarks.fuzz.targets import TARGETS, Harness, WrongOutcomeError, check_sentence
from hypothesis import given, settings
from hypothesis import strategies as st

import scratchwork as sw
from scratchwork.errors import FileFormatError
from source_code import ROOT


@pytest.fixture(scope="module")
def harness(tmp_path_factory):
    """The harness of a reader, made once."""
    made = {}

    def of(reader):
        if reader not in made:
            made[reader] = Harness(reader, tmp_path_factory.mktemp(reader))
        return made[reader]

    yield of
    for one in made.values():
        one.close()


@st.composite
def inputs(draw, seeds):
    """A seed with bytes changed, put in, taken out, or cut: of scripts and files alike; now and then bytes of no seed."""
    held = bytearray(draw(st.sampled_from(seeds)))
    if draw(st.integers(0, 9)) == 0:
        held[1:] = draw(st.binary(max_size=60))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(1, max(1, len(held) - 1)))
        match draw(st.integers(0, 4)):
            case 0 | 1:
                held[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case 2:
                held[at:at] = draw(st.binary(min_size=1, max_size=8))
            case 3:
                del held[at : at + draw(st.integers(1, 8))]
            case 4:
                held[at : at + 4] = draw(st.sampled_from([b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"]))
    return bytes(held)


def fuzz(harness, examples):
    seeds = harness.seeds()

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None)
    @given(inputs(seeds))
    def run(data):
        harness(data)

    run()


@pytest.mark.parametrize("reader", TARGETS)
def test_a_damaged_file_is_read_or_refused_in_one_sentence(reader, harness):
    fuzz(harness(reader), 300)


@pytest.mark.slow
@pytest.mark.parametrize("reader", TARGETS)
def test_many_damaged_files(reader, harness):
    fuzz(harness(reader), 5000)


@pytest.mark.parametrize("reader", TARGETS)
def test_the_fuzzer_begins_with_files_that_are_read(reader, harness):
    """Seeds that are all refused would test the first line of a reader and no more."""
    one = harness(reader)
    read = [seed[0] for seed in one.seeds() if one(seed)]
    assert 0 in read
    assert len(read) > len(one.seeds()) / 5


@pytest.mark.parametrize("found", FOUND, ids=lambda found: f"{found.reader}: {found.was[:40]}")
def test_what_was_found_stays_repaired(found, harness):
    harness(found.reader)(base64.b64decode(found.input))


def test_an_onnx_file_with_numbers_that_no_float32_holds(tmp_path):
    """Found by the fuzzer: they went into the network with a warning."""
    import onnx

    proto = onnx.ModelProto.FromString(seeds.onnx_files()[1])
    tensor = next(one for one in proto.graph.initializer if len(one.dims) == 2)
    tensor.raw_data = np.full(tuple(tensor.dims), 1e300).tobytes()
    tensor.data_type = onnx.TensorProto.DOUBLE
    (tmp_path / "m.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(FileFormatError, match="too large for float32"):
        sw.from_onnx(tmp_path / "m.onnx")


def test_pillow_keeps_its_remarks_to_itself(harness, capfd):
    (found,) = (one for one in FOUND if one.reader == "images")
    harness("images")(base64.b64decode(found.input))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("text", ["", "two\nlines", "\x1b[2J", "a\u202eb", "x" * 1001])
def test_sentences_that_are_none(text):
    with pytest.raises(WrongOutcomeError):
        check_sentence(text)


def test_the_harness_can_fail(tmp_path, monkeypatch):
    def broken(path):
        raise KeyError("whatever")

    one = Harness("idx", tmp_path)
    monkeypatch.setattr(one, "ways", [one.ways[0].__class__("file", bytes, broken, list)])
    with pytest.raises(KeyError):
        one(b"\0abc")
    one.close()


def test_scripts_change_a_document_and_leave_the_junk_alone():
    before = json.dumps(craft.JUNK)
    document = {"a": [1, {"b": "c"}], "d": 2.5}
    changed = [
        craft.edited(json.loads(json.dumps(document)), bytes([what, 0, where, 9])) for what in range(8) for where in range(4)
    ]
    assert sum(one != document for one in changed) > 20
    assert json.dumps(craft.JUNK) == before


def test_the_record_is_of_these_readers():
    record = json.loads(RESULT.read_text(encoding="utf-8"))
    assert set(record["readers"]) == set(READERS) == set(TARGETS)
    assert record["executions"] == sum(entry["executions"] for entry in record["readers"].values())
    assert record["open"] == 0
    page = (ROOT / "docs" / "robustness.md").read_text(encoding="utf-8")
    assert f"| {record['executions']:,} |" in page


def test_the_page_has_the_sizes():
    record = json.loads(RESULT.with_name("sizes.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "robustness.md").read_text(encoding="utf-8")
    assert f"| {record['refused']} of {record['cases']} |" in page
