"""One call for all data: by name, or by what lies at a path."""

import gzip
import pickle

import numpy as np
import pytest
from PIL import Image

import scratchwork.data
from mnist_server import packed, small_files
from scratchwork.data import BUILT_IN, READERS, load
from scratchwork.errors import DataError, FileFormatError, MissingFileError

TABLE = "a,b,kind\n1,2,x\n3,4,y\n5,6,x\n"
BATCH = {"data": np.zeros((3, 3072), np.uint8), "labels": [1, 2, 3]}


@pytest.mark.parametrize("name", sorted(set(BUILT_IN) - {"mnist", "cifar10"}))
def test_every_built_in_set_by_its_name(name):
    assert load(name).name == name
    assert load(name.upper().replace("_", "-")).name == name


def test_the_seed_reaches_the_sets_that_are_drawn():
    assert not np.array_equal(load("moons", seed=1).x, load("moons", seed=2).x)
    assert np.array_equal(load("digits", seed=1).x, load("digits", seed=2).x)


@pytest.mark.parametrize("name", ["table.csv", "table.tsv", "table.txt", "table", "table.csv.gz"])
def test_tables_under_any_name(tmp_path, name):
    content = TABLE.replace(",", "\t") if name.endswith("tsv") else TABLE
    (tmp_path / name).write_bytes(gzip.compress(content.encode()) if name.endswith("gz") else content.encode())
    data = load(tmp_path / name)
    assert data.labels == ("x", "y")
    assert load(str(tmp_path / name), target="a", features=["b"], task="regression").y.tolist() == [1, 3, 5]
    assert load(tmp_path / name, target=False, features=["b", "a"]).x.tolist() == [[2, 1], [4, 3], [6, 5]]


def test_an_archive_an_idx_pair_and_a_batch(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.ones((3, 2)), y=[0, 1, 0])
    np.savez(tmp_path / "b.npz", x=np.ones((3, 2)), y=[0, 1, 0])
    (tmp_path / "b.npz").rename(tmp_path / "b.bin")
    assert len(load(tmp_path / "a.npz")) == len(load(tmp_path / "b.bin")) == 3
    for name, content in packed(small_files()).items():
        (tmp_path / name).write_bytes(content)
    assert load(tmp_path / "t10k-images-idx3-ubyte.gz").x.shape == (10, 16)
    (tmp_path / "data_batch_2").write_bytes(pickle.dumps(BATCH, 2))
    assert load(tmp_path / "data_batch_2").name == "cifar10"


def test_folders_by_what_is_in_them(tmp_path):
    for name, content in small_files().items():
        (tmp_path / "idx").mkdir(exist_ok=True)
        (tmp_path / "idx" / name).write_bytes(content)
    (tmp_path / "cifar").mkdir()
    (tmp_path / "cifar" / "data_batch_1").write_bytes(pickle.dumps(BATCH, 2))
    for name in ("a", "b"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        Image.new("L", (2, 2)).save(tmp_path / "pictures" / name / "1.png")
    (tmp_path / "nothing").mkdir()
    assert load(tmp_path / "idx").image_shape == (4, 4)
    assert load(tmp_path / "cifar").image_shape == (32, 32, 3)
    assert load(tmp_path / "pictures").image_shape == (2, 2)
    with pytest.raises(FileFormatError, match="holds nothing that is known"):
        load(tmp_path / "nothing")


def test_a_path_is_not_taken_for_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").write_text(TABLE)
    assert len(load("digits")) == 1797
    assert len(load("./digits")) == 3
    assert len(load(tmp_path / "digits")) == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("digts", "'digts' is neither a built-in set nor a path that exists: did you mean 'digits'"),
        ("MNST", "did you mean 'mnist'"),
        ("quite something else", "Known: article_rows, blobs"),
        ("none.csv", "there is no file or folder none.csv"),
        ("some/where", "there is no file or folder some/where"),
        ("", "there is no|neither|folder"),
        ("a\0b", "neither a built-in set nor a path"),
        ("x" * 5000, "neither a built-in set nor a path"),
    ],
)
def test_a_name_or_path_that_is_not_there(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((MissingFileError, FileFormatError), match=message):
        load(name)


def test_what_is_no_path_at_all():
    with pytest.raises(DataError, match="a path is text"):
        load(3)


def test_a_foreign_file_gets_one_error(tmp_path):
    for content in (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", bytes(range(256)), b"", gzip.compress(b"")):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises((FileFormatError, DataError)):
            load(tmp_path / "file")


def test_the_public_names_are_there():
    assert all(hasattr(scratchwork.data, name) for name in scratchwork.data.__all__)
    assert set(READERS) == {"cifar", "csv", "idx", "images", "npz"}
