"""MNIST: where it is looked for, what is believed, and downloads from a server on this machine."""

import gzip
import hashlib
import os
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

from mnist_server import Mirror, packed, serving, small_files, stand_in
from scratchwork.data import load, mnist
from scratchwork.data.download import cache_folder, content_sha256, fetch
from scratchwork.data.mnist import load_mnist, read_idx_folder, read_idx_pair
from scratchwork.errors import DownloadError, FileFormatError, MissingDependencyError, MissingFileError
from source_code import ROOT


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No folder of this machine is looked in, no mirror of the world is asked, and no proxy stands in between."""
    monkeypatch.delenv("SCRATCHWORK_DATA", raising=False)
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setattr(mnist, "MIRRORS", ())


@pytest.fixture
def contents(monkeypatch):
    files = small_files()
    stand_in(monkeypatch, files)
    return files


def put(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def leftovers(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def check(data, contents):
    assert data.x.shape == (20, 16)
    assert data.x.dtype == np.float32
    assert data.x[3].tolist() == list(contents["train-images-idx3-ubyte"][16 + 48 : 16 + 64])
    assert data.y.tolist() == [k % 10 for k in range(20)]
    assert data.y_test.tolist() == list(range(10))
    assert data.image_shape == (4, 4)
    assert data.labels == tuple("0123456789")


# Where it is found


@pytest.mark.parametrize(
    "place", ["data_dir", "data_dir/mnist", "variable", "variable/mnist", "cache/scratchwork", "cache/scratchwork/mnist"]
)
@pytest.mark.parametrize("form", ["gz", "plain"])
def test_it_is_found_in_every_place(tmp_path, monkeypatch, contents, place, form):
    put(tmp_path / place, packed(contents) if form == "gz" else contents)
    monkeypatch.setenv("SCRATCHWORK_DATA", str(tmp_path / "variable"))
    check(load_mnist(tmp_path / "data_dir", download=False), contents)
    check(load("mnist", data_dir=tmp_path / "data_dir", download=False), contents)


def test_the_order_of_the_places(tmp_path, monkeypatch, contents):
    good = put(tmp_path / "good", contents)
    bad = put(tmp_path / "bad", dict.fromkeys(contents, b"nonsense"))
    monkeypatch.setenv("SCRATCHWORK_DATA", str(bad))
    check(load_mnist(good, download=False), contents)
    monkeypatch.setenv("SCRATCHWORK_DATA", str(good))
    put(tmp_path / "cache" / "scratchwork", dict.fromkeys(contents, b"nonsense"))
    check(load_mnist(download=False), contents)
    with pytest.raises(FileFormatError, match="bad"):
        load_mnist(bad, download=False)


def test_files_are_found_one_by_one_and_under_the_names_of_unpackers(tmp_path, monkeypatch, contents):
    names = list(contents)
    put(tmp_path / "one", {names[0].replace("-idx", ".idx"): contents[names[0]]})
    put(tmp_path / "two", packed({name: contents[name] for name in names[1:]}))
    monkeypatch.setenv("SCRATCHWORK_DATA", str(tmp_path / "two"))
    check(load_mnist(tmp_path / "one", download=False), contents)


def test_it_is_nowhere(tmp_path, contents):
    with pytest.raises(MissingFileError, match=r"no train-images-idx3-ubyte and no train-labels.* in .*data_dir") as caught:
        load_mnist(tmp_path / "data_dir", download=False)
    assert str(cache_folder()) in str(caught.value)
    assert not (tmp_path / "data_dir").exists()
    put(tmp_path, {name: content for name, content in contents.items() if "t10k-labels" not in name})
    with pytest.raises(MissingFileError, match="no t10k-labels-idx1-ubyte"):
        load_mnist(tmp_path, download=False)


# What is believed


@pytest.mark.parametrize("form", ["gz", "plain"])
def test_a_file_that_is_another_one_is_an_error_and_stays(tmp_path, contents, form):
    others = small_files(seed=1)
    wrong = {**contents, "train-images-idx3-ubyte": others["train-images-idx3-ubyte"]}
    put(tmp_path, packed(wrong) if form == "gz" else wrong)
    before = leftovers(tmp_path)
    with pytest.raises(FileFormatError, match=r"train-images.* is not the file of MNIST .*holds 20×4×4 numbers"):
        load_mnist(tmp_path)
    assert leftovers(tmp_path) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cut off"),
        (b"\0\0\x08\x03\0\0\0\1", "cut off in its header"),
        (b"<html>not found</html>", "magic number"),
        (b"\0\0\x08\x01\0\0\0\5abcd", "wrong length"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\4abcd", mtime=0)[:-9], "cut off"),
    ],
)
def test_a_damaged_file_is_told_by_its_damage(tmp_path, contents, content, message):
    put(tmp_path, {**contents, "t10k-labels-idx1-ubyte": content})
    with pytest.raises(FileFormatError, match=message) as caught:
        load_mnist(tmp_path)
    assert "t10k-labels" in str(caught.value)


def test_one_flipped_bit_is_found(tmp_path, contents):
    flipped = bytearray(contents["train-images-idx3-ubyte"])
    flipped[100] ^= 1
    put(tmp_path, {**contents, "train-images-idx3-ubyte": bytes(flipped)})
    with pytest.raises(FileFormatError, match="checksum is another"):
        load_mnist(tmp_path)


def test_the_content_is_checked_and_not_the_packing(tmp_path):
    for level in (1, 9):
        (tmp_path / "a.gz").write_bytes(gzip.compress(b"abc" * 1000, level))
        assert content_sha256(tmp_path / "a.gz", 3000) == hashlib.sha256(b"abc" * 1000).hexdigest()
    (tmp_path / "a").write_bytes(b"abc" * 1000)
    assert content_sha256(tmp_path / "a.gz", 3000) == content_sha256(tmp_path / "a", 3000)
    assert content_sha256(tmp_path / "a", 2999) is None
    assert content_sha256(tmp_path / "a", 3001) is None


# Other sets in the same files


def test_a_folder_of_files_of_ones_own(tmp_path):
    files = small_files(seed=5)
    data = read_idx_folder(put(tmp_path / "letters", files))
    assert data.name == "letters"
    check(data, files)
    check(load(tmp_path / "letters"), files)
    for name in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (tmp_path / "letters" / name).unlink()
    assert load(tmp_path / "letters").x_test is None
    pair = read_idx_pair(tmp_path / "letters" / "train-images-idx3-ubyte")
    assert pair.x.shape == (20, 16)
    assert np.array_equal(load(tmp_path / "letters" / "train-labels-idx1-ubyte").y, pair.y)


def test_parts_that_do_not_belong_together(tmp_path):
    files = small_files()
    other = small_files(train=7)
    put(tmp_path, {**files, "train-labels-idx1-ubyte": other["train-labels-idx1-ubyte"]})
    with pytest.raises(FileFormatError, match=r"20 training images and labels of shape \(7,\)"):
        load(tmp_path)
    put(tmp_path, {**files, "train-labels-idx1-ubyte": files["train-images-idx3-ubyte"]})
    with pytest.raises(FileFormatError, match="do not belong together"):
        load(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(MissingFileError, match="no train-labels-idx1-ubyte"):
        load(tmp_path)
    put(tmp_path, files)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(MissingFileError, match="no t10k-labels-idx1-ubyte"):
        load(tmp_path)


# Downloads


def test_the_right_files_are_downloaded_once(tmp_path, monkeypatch, contents):
    with serving(Mirror(packed(contents))) as mirror:
        monkeypatch.setattr(mnist, "MIRRORS", (mirror.address,))
        told = []
        check(load_mnist(progress=lambda *step: told.append(step)), contents)
        assert len(mirror.asked) == 4
        check(load_mnist(), contents)
        assert len(mirror.asked) == 4
    folder = cache_folder() / "mnist"
    assert leftovers(folder) == sorted(packed(contents))
    name, seen, total = told[-1]
    assert (name, seen, total) == ("t10k-labels-idx1-ubyte.gz", len(packed(contents)[name]), len(packed(contents)[name]))
    assert (folder / name).stat().st_mode & 0o044 == 0o044 or os.name == "nt"


def test_a_data_dir_is_where_they_are_kept(tmp_path, monkeypatch, contents):
    with serving(Mirror(packed(contents))) as mirror:
        monkeypatch.setattr(mnist, "MIRRORS", (mirror.address,))
        check(load("mnist", data_dir=tmp_path / "here"), contents)
    assert leftovers(tmp_path) == sorted(f"here{os.sep}{name}" for name in packed(contents))


def test_a_server_that_unpacks_on_the_way_is_fine(tmp_path, monkeypatch, contents):
    with serving(Mirror({f"{name}.gz": content for name, content in contents.items()})) as mirror:
        monkeypatch.setattr(mnist, "MIRRORS", (mirror.address,))
        check(load_mnist(), contents)
        check(load_mnist(download=False), contents)


WRONG = packed(small_files(seed=9))


@pytest.mark.parametrize(
    ("mirror", "message"),
    [
        (Mirror(WRONG), "wrong checksum"),
        (Mirror({}), "the server answers 404 Not Found"),
        (Mirror(packed(small_files()), cut_after=50), "the connection was cut"),
        (Mirror(packed(small_files()), cut_after=50, tell_length=False), "damaged or cut off"),
        (Mirror(small_files() | packed(small_files()), cut_after=0), "the connection was cut"),
        (Mirror(dict.fromkeys(WRONG, b"<html>hello</html>")), "wrong checksum"),
        (Mirror(dict.fromkeys(WRONG, b"x" * 200_000)), "far larger"),
    ],
)
def test_what_goes_wrong_is_said_and_leaves_nothing(tmp_path, monkeypatch, contents, mirror, message):
    with serving(mirror):
        monkeypatch.setattr(mnist, "MIRRORS", (mirror.address,))
        with pytest.raises(DownloadError, match=message) as caught:
            load_mnist()
    assert mirror.address in str(caught.value)
    assert leftovers(tmp_path) == []
    assert not (cache_folder() / "mnist").exists()


def test_the_next_mirror_is_asked(tmp_path, monkeypatch, contents):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        dead = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        with serving(Mirror(WRONG)) as wrong, serving(Mirror({})) as empty, serving(Mirror(packed(contents))) as right:
            monkeypatch.setattr(mnist, "MIRRORS", (dead, wrong.address, empty.address, right.address))
            check(load_mnist(), contents)
            assert [len(mirror.asked) for mirror in (wrong, empty, right)] == [4, 2, 2]  # its labels are the right ones
            with pytest.raises(DownloadError, match=r"no connection.*404"):
                fetch("a", (dead, empty.address), tmp_path / "new", sha256="", size=1, progress=False)
    assert leftovers(cache_folder()) == sorted(f"mnist{os.sep}{name}" for name in packed(contents))


def test_an_interrupt_leaves_nothing(tmp_path, contents):
    def stop(*_):
        raise KeyboardInterrupt

    file = mnist.FILES["x"]
    with serving(Mirror(packed(contents))) as mirror, pytest.raises(KeyboardInterrupt):
        fetch(f"{file.name}.gz", (mirror.address,), tmp_path, sha256=file.sha256, size=file.size, progress=stop)
    assert leftovers(tmp_path) == []


def test_a_folder_that_cannot_be_made(tmp_path, contents):
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot be made"):
        fetch("a", ("http://127.0.0.1:9/",), tmp_path / "file" / "in", sha256="", size=1)


def test_what_was_there_is_not_replaced_by_a_failure(tmp_path, contents):
    (tmp_path / "a").write_text("old")
    with serving(Mirror({"a": b"new"})) as mirror, pytest.raises(DownloadError):
        fetch("a", (mirror.address,), tmp_path, sha256="0" * 64, size=3)
    assert (tmp_path / "a").read_text() == "old"
    assert leftovers(tmp_path) == ["a"]


def test_a_long_download_is_drawn_on_a_terminal(tmp_path, monkeypatch, capsys, contents):
    monkeypatch.setattr("scratchwork.data.download.QUIET_SECONDS", 0.0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    file = mnist.FILES["y"]
    with serving(Mirror(packed(contents))) as mirror:
        fetch(f"{file.name}.gz", (mirror.address,), tmp_path, sha256=file.sha256, size=file.size)
    assert "train-labels-idx1-ubyte.gz  0.0 of 0.0 MB" in capsys.readouterr().err


def test_without_pooch_the_error_says_how_to_get_it(monkeypatch, contents):
    monkeypatch.setitem(sys.modules, "pooch", None)
    monkeypatch.setattr(mnist, "MIRRORS", ("http://127.0.0.1:9/",))
    with pytest.raises(MissingDependencyError, match=r"pip install 'scratchwork\[data\]'"):
        load_mnist()


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", "XDG_CACHE_HOME", "set/scratchwork"),
        ("darwin", "XDG_CACHE_HOME", "set/scratchwork"),
        ("win32", "LOCALAPPDATA", "set/scratchwork"),
        ("linux", None, "~/.cache/scratchwork"),
        ("darwin", None, "~/Library/Caches/scratchwork"),
        ("win32", None, "~/AppData/Local/scratchwork"),
    ],
)
def test_the_cache_folder_of_each_system(monkeypatch, platform, variable, expected):
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name)
    if variable:
        monkeypatch.setenv(variable, "set")
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_folder() == Path(expected).expanduser()


# The real files, where they are


@pytest.mark.slow
def test_the_real_mnist():
    places = [Path(os.environ["SCRATCHWORK_DATA"])] if os.environ.get("SCRATCHWORK_DATA") else []
    places.append(ROOT.parent / "shared" / "data")
    folder = next(
        (p for place in places for p in (place, place / "mnist") if (p / "train-images-idx3-ubyte.gz").is_file()), None
    )
    if folder is None:
        pytest.skip("the MNIST files are not here")
    data = load_mnist(folder, download=False)
    assert data.x.shape == (60_000, 784)
    assert data.x_test.shape == (10_000, 784)
    assert np.bincount(data.y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(data.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert (data.x.min(), data.x.max()) == (0, 255)
    assert data.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert repr(data).endswith("images 28×28, 10 classes, 10,000 test rows")
