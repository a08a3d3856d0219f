"""NumPy archives, right, damaged and hostile."""

import io
import zipfile

import numpy as np
import pytest

from scratchwork.data.npz import read_npz
from scratchwork.errors import DataError, FileFormatError, MissingFileError

X = np.arange(12.0).reshape(4, 3)
Y = np.array([2, 5, 2, 5])


@pytest.fixture
def archive(tmp_path):
    def write(**arrays):
        path = tmp_path / "data.npz"
        np.savez_compressed(path, **arrays)
        return path

    return write


def hand_made(path, header: str, body: bytes = b"", method=zipfile.ZIP_DEFLATED):
    """An archive whose one array declares what we like."""
    line = header.encode() + b"\n"
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("x.npy", b"\x93NUMPY\1\0" + len(line).to_bytes(2, "little") + line + body)
    return path


@pytest.mark.parametrize(
    "names", [("x", "y"), ("X", "Y"), ("data", "target"), ("images", "labels"), ("b", "a"), ("arr_0", "arr_1")]
)
def test_x_and_y_by_name_or_by_shape(archive, names):
    data = read_npz(archive(**{names[1]: Y, names[0]: X}))
    assert np.array_equal(data.x, X)
    assert data.y.tolist() == [0, 1, 0, 1]
    assert data.labels == ("2", "5")
    assert data.name == "data"


def test_a_test_part_is_encoded_with_the_training_part(archive):
    images = np.zeros((3, 4, 4), np.uint8)
    data = read_npz(
        archive(
            x_train=images,
            y_train=np.array(["dog", "cat", "dog"]),
            x_test=images[:2],
            y_test=np.array(["owl", "cat"]),
        )
    )
    assert data.x.shape == (3, 16)
    assert data.x.dtype == np.float32
    assert data.image_shape == (4, 4)
    assert data.labels == ("cat", "dog", "owl")
    assert data.y.tolist() == [1, 0, 1]
    assert data.y_test.tolist() == [2, 0]


def test_rows_alone_amounts_and_odd_layouts(archive):
    assert read_npz(archive(x=X)).y is None
    assert read_npz(archive(x=X, y=Y / 3)).labels is None
    assert read_npz(archive(x=X, y=Y), task="regression").labels is None
    assert np.array_equal(read_npz(archive(x=np.asfortranarray(X), y=Y)).x, X)
    assert np.array_equal(read_npz(archive(x=X.astype(">f8"), y=Y)).x, X)
    assert read_npz(archive(x=X.astype(">f4"), y=Y)).x.dtype.isnative
    assert read_npz(archive(x=X, y=np.eye(4))).y.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X, "y": Y[:3]}, "its rows are 4"),
        ({"x": X, "y": np.array(3)}, "its rows are 4"),
        ({"a": X, "b": X, "c": X}, "holds a, b, c: call the rows x"),
        ({"x": X.astype(str), "y": Y}, "text where numbers belong"),
        ({"x": np.zeros((2, 2, 2, 9)), "y": Y[:2]}, "neither rows"),
        ({"x": X, "y": Y, "x_test": X}, "holds x_test alone"),
        ({"x": X, "y": Y, "x_test": X[:, :2], "y_test": Y}, "not of the kind"),
        ({"x": X, "y": Y, "x_test": X, "y_test": Y.astype(str)}, "not of the kind"),
        ({"x": X, "y": np.array([0.5, np.nan, 1, 1])}, "NaN"),
        ({}, "holds no arrays"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(archive, arrays, message):
    with pytest.raises(DataError, match=message):
        read_npz(archive(**arrays))


def test_objects_are_never_unpickled(archive):
    with pytest.raises(FileFormatError, match="objects are never unpickled"):
        read_npz(archive(x=np.array([{"a": 1}, None], object), y=Y[:2]))
    with pytest.raises(FileFormatError, match="where numbers or text belong"):
        read_npz(archive(x=np.zeros(3, [("a", "f4")])))


@pytest.mark.parametrize(
    ("header", "body", "message"),
    [
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}", b"\0" * 80, "declares the shape"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (4,)}", b"\0" * 80, "declares the shape"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (-10, -1)}", b"\0" * 80, "declares the shape"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"cos\nsystem\n", "never unpickled"),
        ("{'descr': 'nonsense', 'fortran_order': False, 'shape': (1,)}", b"\0", "damaged"),
        ("__import__('os').getcwd()", b"", "damaged"),
        ("(" * 5000, b"", "damaged"),
    ],
)
def test_headers_that_lie(tmp_path, header, body, message):
    with pytest.raises(FileFormatError, match=message):
        read_npz(hand_made(tmp_path / "a.npz", header, body))


def test_a_zip_bomb_is_refused_by_its_declared_size(tmp_path, monkeypatch):
    path = hand_made(tmp_path / "a.npz", "{'descr': '|u1', 'fortran_order': False, 'shape': (50000000,)}", bytes(50_000_000))
    assert path.stat().st_size < 100_000
    monkeypatch.setattr("scratchwork.data.npz.MAX_BYTES", 10_000_000)
    with pytest.raises(FileFormatError, match="unfolds to more than"):
        read_npz(path)


def test_other_packings_and_encrypted_members_are_refused(tmp_path):
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (3,)}"
    with pytest.raises(FileFormatError, match="NumPy does not write"):
        read_npz(hand_made(tmp_path / "a.npz", header, b"abc", zipfile.ZIP_BZIP2))
    content = bytearray(hand_made(tmp_path / "b.npz", header, b"abc").read_bytes())
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "b.npz").write_bytes(content)
    with pytest.raises(FileFormatError, match="encrypted"):
        read_npz(tmp_path / "b.npz")


def test_a_foreign_cut_or_missing_file(tmp_path, archive):
    whole = archive(x=X, y=Y).read_bytes()
    path = tmp_path / "cut.npz"
    for content in (b"", b"hello", whole[: len(whole) // 2], whole[:-1]):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match="no NumPy archive"):
            read_npz(path)
    buffer = io.BytesIO()
    np.save(buffer, X)
    path.write_bytes(buffer.getvalue())
    with pytest.raises(FileFormatError, match="no NumPy archive"):
        read_npz(path)
    with pytest.raises(MissingFileError):
        read_npz(tmp_path / "none.npz")
