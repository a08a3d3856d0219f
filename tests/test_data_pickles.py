"""The reader of pickles that runs nothing: what it builds, and what it refuses."""

import codecs
import collections
import datetime
import os
import pickle
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from scratchwork.data import pickles
from scratchwork.data.pickles import read_pickled_arrays
from scratchwork.errors import FileFormatError

HERE = Path("batch")
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Calls:
    """Pickles to an instruction to call something."""

    def __init__(self, function, *arguments):
        self.how = (function, arguments)

    def __reduce__(self):
        return self.how


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_values_come_back(protocol):
    value = {
        "text": "é☃\n'\\",
        b"bytes": b"\0\xff",
        "numbers": [0, 1, 255, 256, 65536, -1, -(2**40), 2**80, 0.5, -1e300],
        "others": [None, True, False, (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], {}, [[1], {"a": {}}]],
        "twice": ["same"] * 3,
    }
    assert read_pickled_arrays(pickle.dumps(value, protocol), HERE) == value


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dtype", ["u1", "i1", "<i2", ">i4", "<i8", "f2", "<f4", ">f8", "?"])
def test_arrays_come_back(protocol, dtype):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    value = {"c": array, "fortran": np.asfortranarray(array), "again": array, "empty": array[:0], "one": array[0, 0, :1]}
    read = read_pickled_arrays(pickle.dumps(value, protocol), HERE)
    for name, expected in value.items():
        assert np.array_equal(read[name], expected)
        assert read[name].dtype == array.dtype.newbyteorder("=")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_array_alone_and_arrays_in_a_list(protocol):
    array = np.arange(3)
    assert np.array_equal(read_pickled_arrays(pickle.dumps(array, protocol), HERE), array)
    assert np.array_equal(read_pickled_arrays(pickle.dumps([array], protocol), HERE)[0], array)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "value",
    [
        Calls(os.system, "echo run > ran"),
        Calls(eval, "open('ran', 'w').close()"),
        Calls(exec, "open('ran', 'w').close()"),
        Calls(subprocess.Popen, "echo run > ran", -1, None, None, None, None, None, True, True),
        Calls(getattr, "text", "upper"),
        Calls(np.fromfile, "secret"),
        Calls(np.zeros, 10**12),
        Calls(bytearray, 10**12),
        Calls(codecs.encode, "a" * 100, "rot13"),
        Calls(codecs.decode, b"a", "zlib"),
        np.array([{"a": 1}], object),
        np.zeros(2, [("a", "f4"), ("b", object)]),
        np.array(["text"]),
        np.array(["2020-01-01"], "M8[D]"),
        np.float64(1.0),
        np.dtype("O"),
        collections.OrderedDict(a=1),
        {1, 2},
        1j,
        datetime.date(2020, 1, 1),
    ],
)
def test_everything_else_is_refused_and_nothing_runs(protocol, value, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileFormatError, match=r"nothing else is unpickled|damaged"):
        read_pickled_arrays(pickle.dumps({"data": value}, protocol), HERE)
    assert list(tmp_path.iterdir()) == []


HEAD = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85U\1btR"
DTYPE = b"cnumpy\ndtype\n(U\2u1K\0K\1tR(K\3U\1|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"


@pytest.mark.parametrize(
    "program",
    [
        b"cos\nsystem\n(S'echo run > ran'\ntR.",
        b"(S'echo run > ran'\nios\nsystem\n.",
        b"(cos\nsystem\nS'echo run > ran'\no.",
        b"cos\nsystem\nS'echo run > ran'\n\x85\x81.",
        b"\x80\2cposix\nsystem\n.",
        b"Pnumber\n.",
        b"S'x'\nQ.",
        b"\x82\1.",
        b"(K\1K\2e.",
        b"K\1K\2a.",
        b"}(K\1u.",
        b"}((K\1tK\2u.",
        b"}K\1K\2K\3s.",
        b"a.",
        b"t.",
        b"R.",
        b"b.",
        b"h\5.",
        b"(.",
        b"K\1K\2.",
        b".",
        b"K\1",
        b"",
        b"\xff.",
        b"I" + b"9" * 5000 + b"\n.",
        b"\x8a\xff\xff\xff\xff.",
        b"B\xff\xff\xff\x7fabc.",
        b"\x8e" + b"\xff" * 8 + b".",
        b"\x8c\3\xff\xff\xff.",
        HEAD + b"(K\1(K\5t" + DTYPE + b"\x89U\4abcdtb.",
        HEAD + b"(K\1(J\xff\xff\xff\xffJ\xfc\xff\xff\xfft" + DTYPE + b"\x89U\4abcdtb.",
        HEAD + b"(K\1(\x8a\x08\0\0\0\0\0\0\0\1t" + DTYPE + b"\x89U\4abcdtb.",
        HEAD + b"(K\1(" + b"K\1" * 70 + b"t" + DTYPE + b"\x89U\1atb.",
        HEAD + b"(K\1(U\1at" + DTYPE + b"\x89U\4abcdtb.",
        HEAD + b"(K\1(K\4tU\2u1\x89U\4abcdtb.",
        HEAD + b"}b.",
        b"cnumpy\ndtype\n(U\2O8K\0K\1tR.",
        b"cnumpy\ndtype\n(U\3V99K\0K\1tR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cos\nsystem\nK\0\x85U\1btR.",
    ],
)
def test_programs_written_by_hand(program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileFormatError):
        read_pickled_arrays(program, HERE)
    assert list(tmp_path.iterdir()) == []


def test_the_hand_made_array_is_read_when_it_is_right():
    assert read_pickled_arrays(HEAD + b"(K\1(K\4t" + DTYPE + b"\x89U\4abcdtb.", HERE).tolist() == [97, 98, 99, 100]


def test_an_array_of_another_size_than_it_declares():
    with pytest.raises(FileFormatError, match=r"declares the shape \(5,\) and holds 4 bytes"):
        read_pickled_arrays(HEAD + b"(K\1(K\5t" + DTYPE + b"\x89U\4abcdtb.", HERE)


@pytest.mark.parametrize("program", [HEAD + b".", HEAD + b"\x85.", b"]" + HEAD + b"a.", b"}K\1" + DTYPE + b"s.", b"](a."])
def test_nothing_half_built_comes_out(program):
    with pytest.raises(FileFormatError):
        read_pickled_arrays(program, HERE)


def test_a_list_that_holds_itself_has_an_end():
    read = read_pickled_arrays(b"]q\0h\0a.", HERE)
    assert read[0] is read


def test_small_files_do_not_grow_large(monkeypatch):
    text = b"X" + (100_000).to_bytes(4, "little") + b"a" * 100_000 + b"q\0"
    copies = b"".join(b"c_codecs\nencode\nh\0U\6latin1\x86R" for _ in range(1000))
    with pytest.raises(FileFormatError, match="several times its own size"):
        read_pickled_arrays(b"(" + text + copies + b"t.", HERE)
    monkeypatch.setattr(pickles, "MOST_INSTRUCTIONS", 1000)
    with pytest.raises(FileFormatError, match="more than 1,000 instructions"):
        read_pickled_arrays(b"]" * 5000 + b".", HERE)


def test_tuples_that_hold_each_other_do_not_take_for_ever():
    doubled = b")q\0" + b"".join(b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86q" + bytes([i + 1]) for i in range(100))
    start = time.monotonic()
    with pytest.raises(FileFormatError, match="keys"):
        read_pickled_arrays(b"}(" + doubled + b"h\x64K\1u.", HERE)
    assert time.monotonic() - start < 5
