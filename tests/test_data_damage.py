"""Files that were damaged at random: whatever is in them, a reader returns data or raises one of the library's errors."""

import contextlib
import gzip
import io
import pickle
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from scratchwork.data import READERS, load
from scratchwork.errors import ScratchworkError


def npz(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(buffer, kind)
    return buffer.getvalue()


IDX = b"\0\0\x08\x03" + struct.pack(">3I", 5, 4, 4) + bytes(80)
CSV = '\ufeffa,b,"c c",label\r\n'.encode() + b"".join(b'%d,%.2f,%d,"k%d"\r\n' % (i, i / 3, i * i, i % 3) for i in range(12))
BATCH = {"data": np.ones((2, 3072), np.uint8), "labels": [1, 2], "filenames": ["a", "b"]}

WHOLE = {
    "idx": ("idx", IDX),
    "idx gz": ("idx", gzip.compress(IDX)),
    "csv": ("csv", CSV),
    "csv gz": ("csv", gzip.compress(CSV)),
    "csv semicolon": ("csv", b"1;2;3\n4;5;6\n7;8;9\n"),
    "npz": ("npz", npz(x=np.arange(12.0).reshape(4, 3), y=np.array(["a", "b", "a", "b"]))),
    "cifar 0": ("cifar", pickle.dumps(BATCH, 0)),
    "cifar 2": ("cifar", pickle.dumps(BATCH, 2)),
    "cifar 5": ("cifar", pickle.dumps(BATCH, 5)),
    "png": ("images", picture("PNG")),
    "jpeg": ("images", picture("JPEG")),
    "gif": ("images", picture("GIF")),
    "tiff": ("images", picture("TIFF")),
}


@st.composite
def damaged(draw, content: bytes) -> bytes:
    """The content cut, with bytes changed, inserted or taken out; the first 200 bytes are hit more often than the rest."""
    held = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(min(len(held), draw(st.sampled_from([200, 10**9]))) - 1, 0)))
        match draw(st.sampled_from(["cut", "change", "change", "insert", "remove"])):
            case "cut":
                del held[at:]
            case "change":
                held[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case "insert":
                held[at:at] = draw(st.binary(min_size=1, max_size=6))
            case "remove":
                del held[at : at + draw(st.integers(1, 8))]
    return bytes(held)


def place(folder, kind: str, content: bytes):
    """Where a reader of this kind finds the content."""
    if kind != "images":
        path = folder / "file"
        path.write_bytes(content)
        return path
    (folder / "pictures" / "class").mkdir(parents=True, exist_ok=True)
    (folder / "pictures" / "class" / "image.png").write_bytes(content)
    return folder / "pictures"


@pytest.mark.parametrize("name", WHOLE)
def test_the_whole_file_is_read(tmp_path, name):
    kind, content = WHOLE[name]
    READERS[kind](place(tmp_path, kind, content))


@pytest.mark.parametrize("name", WHOLE)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_gives_data_or_one_of_our_errors(tmp_path, name, data):
    kind, content = WHOLE[name]
    path = place(tmp_path, kind, data.draw(damaged(content)))
    for read in (READERS[kind], load):
        with contextlib.suppress(ScratchworkError):
            read(path)


@pytest.mark.parametrize("name", ["idx gz", "npz", "cifar 2", "csv gz"])
def test_a_file_cut_anywhere_is_refused(tmp_path, name):
    kind, content = WHOLE[name]
    for length in range(0, len(content) - 1, max(len(content) // 60, 1)):
        path = place(tmp_path, kind, content[:length])
        with pytest.raises(ScratchworkError):
            READERS[kind](path)
