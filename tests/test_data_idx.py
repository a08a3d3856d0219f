"""IDX files made by hand, right and wrong."""

import gzip
import struct
import zlib

import numpy as np
import pytest

from scratchwork.data.idx import IDX_TYPES, read_idx
from scratchwork.errors import FileFormatError, MissingFileError


def idx(code: int, shape: tuple[int, ...], numbers: bytes) -> bytes:
    return bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + numbers


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("code", IDX_TYPES)
def test_every_type_packed_or_not_whatever_the_name(tmp_path, code, packed):
    dtype = np.dtype(IDX_TYPES[code])
    values = np.arange(24).reshape(2, 3, 4).astype(dtype)
    content = idx(code, (2, 3, 4), values.tobytes())
    path = tmp_path / "numbers.dat"
    path.write_bytes(gzip.compress(content) if packed else content)
    read = read_idx(path)
    assert np.array_equal(read, values)
    assert read.dtype == dtype.newbyteorder("=")
    assert read.dtype.isnative
    assert read.flags.writeable


def test_negative_numbers_and_an_axis_of_nothing(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(idx(0x0B, (2,), struct.pack(">2h", -5, 300)))
    assert read_idx(path).tolist() == [-5, 300]
    path.write_bytes(idx(0x08, (0, 28, 28), b""))
    assert read_idx(str(path)).shape == (0, 28, 28)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cut off: .* 4 bytes of magic number, this one has 0"),
        (b"\0\0\x08", "this one has 3"),
        (b"\1\0\x08\x01" + b"\0\0\0\1\0", "magic number is 0x01000801"),
        (b"\0\0\x0a\x01" + b"\0\0\0\1\0", "magic number is 0x00000A01"),
        (b"\0\0\x08\x00", "magic number is 0x00000800"),
        (b"\0\0\x08\x09" + b"\0" * 36, "magic number is 0x00000809"),
        (b"PK\3\4 and so on", "no IDX file"),
        (b"\0\0\x08\x03" + b"\0\0\0\1", "cut off in its header: 3 axes declared, and 4 bytes follow"),
        (idx(0x08, (2, 2), b"abc"), "wrong length: its header declares 2×2 numbers of type uint8"),
        (idx(0x08, (2, 2), b"abcde"), "wrong length"),
        (idx(0x0E, (3,), b"\0" * 23), "3 numbers of type float64"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, content, message, packed):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(FileFormatError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("packed", [False, True])
def test_a_header_cannot_claim_the_memory(tmp_path, packed):
    content = idx(0x0E, (2**32 - 1,) * 8, b"\0" * 100)
    path = tmp_path / "huge"
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(FileFormatError, match="wrong length"):
        read_idx(path)


def test_a_gzip_bomb_is_unpacked_no_further_than_the_header_declares(tmp_path, monkeypatch):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = packer.compress(idx(0x08, (10,), b"\0" * 10))
    for _ in range(64):
        bomb += packer.compress(bytes(1 << 20))
    path = tmp_path / "bomb"
    path.write_bytes(bomb + packer.flush())
    taken = []
    read = gzip.GzipFile.read
    monkeypatch.setattr(gzip.GzipFile, "read", lambda self, size=-1: taken.append(size) or read(self, size))
    with pytest.raises(FileFormatError, match="10 bytes after the header, and there are more than that"):
        read_idx(path)
    assert all(0 <= size <= 11 for size in taken)


def test_a_damaged_or_cut_gzip_stream(tmp_path):
    content = gzip.compress(idx(0x08, (200,), bytes(range(200))))
    path = tmp_path / "a.gz"
    path.write_bytes(content[:-12])
    with pytest.raises(FileFormatError, match="cut off"):
        read_idx(path)
    flipped = bytearray(content)
    flipped[-6] ^= 1  # in the checksum that gzip keeps
    path.write_bytes(flipped)
    with pytest.raises(FileFormatError, match=r"cannot be read|damaged"):
        read_idx(path)


@pytest.mark.parametrize("between", [0, 512, 60_000])
def test_zeros_may_follow_a_gzip_stream(tmp_path, between):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(idx(0x08, (3,), b"\1\2")) + bytes(between) + gzip.compress(b"\3") + bytes(between))
    assert read_idx(path).tolist() == [1, 2, 3]


def test_zeros_without_end_behind_a_gzip_stream_are_not_read(tmp_path):
    path = tmp_path / "a.gz"
    with open(path, "wb") as file:
        file.write(gzip.compress(idx(0x08, (3,), b"\1\2\3")))
        file.truncate(20 << 30)  # gzip would look at every one of them
    with pytest.raises(FileFormatError, match="more than 65,536 zeros follow its gzip stream"):
        read_idx(path)


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path):
    with pytest.raises(MissingFileError, match="there is no file"):
        read_idx(tmp_path / "nothing")
    with pytest.raises(FileFormatError, match="is a folder"):
        read_idx(tmp_path)
    with pytest.raises(MissingFileError):
        read_idx("a\0b")
