"""CIFAR-10 batches, binary and Python, made by hand."""

import pickle
import struct

import numpy as np
import pytest

from scratchwork.data.cifar import CIFAR10_LABELS, load_cifar10, read_cifar
from scratchwork.errors import FileFormatError, MissingFileError


def images(n: int, seed: int = 0) -> tuple[np.ndarray, list[int]]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, 3072), dtype=np.uint8), rng.integers(0, 10, n).tolist()


def binary(pixels: np.ndarray, labels: list[int]) -> bytes:
    return b"".join(bytes([label]) + row.tobytes() for label, row in zip(labels, pixels, strict=True))


def as_python_2_wrote_it(pixels: np.ndarray, labels: list[int]) -> bytes:
    """The instructions, one by one, that Python 2's cPickle wrote into the published files (protocol 2)."""

    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value if len(value) < 256 else b"T" + struct.pack("<i", len(value)) + value

    def whole(value: int) -> bytes:
        return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)

    data = pixels.tobytes()
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\4cnumpy\nndarray\nq\5K\0\x85U\1b\x87Rq\6"
        + b"(K\1"
        + whole(len(pixels))
        + whole(3072)
        + b"\x86cnumpy\ndtype\nq\7U\2u1K\0K\1\x87Rq\x08"
        + b"(K\3U\1|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89"
        + text(data)
        + b"tb"
    )
    listed = b"]q\x09(" + b"".join(whole(label) for label in labels) + b"e"
    names = b"]q\x0a(" + b"".join(text(b"leptodactylus_pentadactylus_s_000004.png") for _ in labels) + b"e"
    start = b"\x80\2}q\1(" + text(b"batch_label") + b"q\2" + text(b"training batch 1 of 5")
    return start + text(b"labels") + listed + text(b"data") + array + text(b"filenames") + names + b"u."


def test_the_instructions_are_those_of_python_2():
    pixels, labels = images(2)
    read = pickle.loads(as_python_2_wrote_it(pixels, labels), encoding="bytes")  # our own bytes, to check the test itself
    assert np.array_equal(read[b"data"], pixels)
    assert read[b"labels"] == labels


@pytest.mark.parametrize("kind", ["bin", "python 2", *range(pickle.HIGHEST_PROTOCOL + 1)])
def test_every_way_in_which_a_batch_is_written(tmp_path, kind):
    pixels, labels = images(3)
    path = tmp_path / ("data_batch_1.bin" if kind == "bin" else "data_batch_1")
    if kind == "bin":
        path.write_bytes(binary(pixels, labels))
    elif kind == "python 2":
        path.write_bytes(as_python_2_wrote_it(pixels, labels))
    else:
        path.write_bytes(pickle.dumps({b"data": pixels, b"labels": labels, b"filenames": [b"a", b"b", b"c"]}, protocol=kind))
    data = read_cifar(path)
    assert data.x.shape == (3, 3072)
    assert data.x.dtype == np.float32
    assert data.y.tolist() == labels
    assert data.labels == CIFAR10_LABELS
    pictures = data.x.reshape(3, 32, 32, 3)
    planes = pixels.reshape(3, 3, 32, 32)
    for row, column, colour in [(0, 0, 0), (0, 1, 0), (1, 0, 2), (31, 31, 1)]:
        assert pictures[2, row, column, colour] == planes[2, colour, row, column]


@pytest.mark.parametrize("inside", ["", "cifar-10-batches-py", "cifar-10-batches-bin"])
def test_a_folder_of_batches(tmp_path, inside):
    folder = tmp_path / inside
    folder.mkdir(exist_ok=True)
    ending = ".bin" if "bin" in inside else ""
    parts = {}
    for name in ("data_batch_1", "data_batch_3", "test_batch"):
        pixels, labels = parts[name] = images(4, seed=len(parts))
        content = binary(pixels, labels) if ending else pickle.dumps({"data": pixels, "labels": labels}, protocol=2)
        (folder / (name + ending)).write_bytes(content)
    data = read_cifar(tmp_path)
    assert data.y.tolist() == parts["data_batch_1"][1] + parts["data_batch_3"][1]
    assert data.y_test.tolist() == parts["test_batch"][1]
    assert repr(data) == "Dataset 'cifar10': 8 rows × 3072 features (float32), images 32×32×3, 10 classes, 4 test rows"
    (folder / f"test_batch{ending}").unlink()
    assert read_cifar(tmp_path).x_test is None
    assert len(load_cifar10(tmp_path)) == 8


def test_where_cifar_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("SCRATCHWORK_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    with pytest.raises(MissingFileError, match="CIFAR-10 is not here"):
        load_cifar10()
    (tmp_path / "cifar10").mkdir()
    (tmp_path / "cifar10" / "data_batch_1.bin").write_bytes(binary(*images(2)))
    assert len(load_cifar10()) == 2


@pytest.mark.parametrize("length", [0, 1, 3072, 3074, 2 * 3073 - 1])
def test_a_binary_batch_of_the_wrong_length(tmp_path, length):
    path = tmp_path / "data_batch_1.bin"
    path.write_bytes(bytes(length))
    with pytest.raises(FileFormatError, match="whole number of records of 3,073 bytes"):
        read_cifar(path)


def test_labels_that_are_no_classes(tmp_path):
    pixels, _ = images(2)
    (tmp_path / "data_batch_1.bin").write_bytes(binary(pixels, [3, 10]))
    with pytest.raises(FileFormatError, match="label 10 at image 1"):
        read_cifar(tmp_path)
    path = tmp_path / "data_batch_1"
    for labels, message in [
        ([1, -1], "label -1"),
        ([1], "2 images and 1 labels"),
        (["a", 1], "whole numbers"),
        ([2**70, 1], "whole"),
    ]:
        path.write_bytes(pickle.dumps({"data": pixels, "labels": labels}, protocol=2))
        with pytest.raises(FileFormatError, match=message):
            read_cifar(path)


@pytest.mark.parametrize(
    "batch", [[1, 2], {"labels": [1]}, {"data": np.zeros((2, 5), np.uint8), "labels": [1, 2]}, {"data": [1], "labels": [1]}]
)
def test_arrays_that_are_no_batch(tmp_path, batch):
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps(batch, protocol=2))
    with pytest.raises(FileFormatError, match="no CIFAR-10 batch"):
        read_cifar(tmp_path)


def test_nothing_there(tmp_path):
    with pytest.raises(MissingFileError, match="holds no CIFAR-10 batches"):
        read_cifar(tmp_path)
    with pytest.raises(MissingFileError, match="there is no file"):
        read_cifar(tmp_path / "none")
    (tmp_path / "test_batch.bin").write_bytes(binary(*images(1)))
    with pytest.raises(MissingFileError, match="to train on"):
        read_cifar(tmp_path)


def test_a_file_far_too_large_is_not_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("scratchwork.data.cifar.MOST", 1000)
    (tmp_path / "data_batch_1.bin").write_bytes(bytes(3073))
    with pytest.raises(FileFormatError, match="more than 1,000 bytes"):
        read_cifar(tmp_path)
