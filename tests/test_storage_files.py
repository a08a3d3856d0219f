"""A file is written whole or not at all, whatever goes wrong and whenever."""

import contextlib
import errno
import io
import json
import os
import resource
import stat
from pathlib import Path

import numpy as np
import pytest

from scratchwork.errors import DataError, MissingFileError, ScratchworkError, StorageError
from scratchwork.storage import files
from scratchwork.storage.files import atomic_write, atomic_write_bytes, atomic_write_text, to_json, write_json

AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def failing(code: int):
    def fail(*arguments, **keywords):
        raise OSError(code, os.strerror(code))

    return fail


def test_a_new_file_and_nothing_else(tmp_path):
    atomic_write_bytes(tmp_path / "a.bin", b"\x00\r\n\xff")
    atomic_write_text(tmp_path / "b.txt", "Σ = 1\n")
    assert content(tmp_path) == {"a.bin": b"\x00\r\n\xff", "b.txt": "Σ = 1\n".encode()}


def test_the_target_is_untouched_until_the_block_ends(tmp_path):
    target = tmp_path / "model.safetensors"
    target.write_bytes(b"old")
    with atomic_write(target) as temporary:
        assert temporary.parent == tmp_path.resolve()
        assert temporary.suffix == ".safetensors"  # writers such as matplotlib choose the format by it
        temporary.write_bytes(b"new")
        assert target.read_bytes() == b"old"
    assert content(tmp_path) == {"model.safetensors": b"new"}


def test_two_writers_do_not_meet(tmp_path):
    with atomic_write(tmp_path / "a") as first, atomic_write(tmp_path / "a") as second:
        assert first != second
        first.write_bytes(b"first")
        second.write_bytes(b"second")
    assert content(tmp_path) == {"a": b"first"}  # the inner block ended, and was replaced, before the outer


def test_the_longest_name_has_room(tmp_path):
    name = "n" * 251 + ".txt"
    atomic_write_text(tmp_path / name, "x")
    assert content(tmp_path) == {name: b"x"}


@pytest.mark.parametrize("problem", [RuntimeError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interruption_leaves_the_old_file_and_no_other(tmp_path, problem):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(problem), atomic_write(target) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise problem
    assert content(tmp_path) == {"a.txt": b"old"}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("function", ["open", "fsync", "replace"])
@pytest.mark.parametrize("existed", [True, False])
def test_a_failing_system_call_is_one_sentence_and_leaves_the_folder_as_it_was(tmp_path, monkeypatch, function, code, existed):
    target = tmp_path / "a.txt"
    if existed:
        target.write_text("old")
    before = content(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(files.os, function, failing(code))
        with pytest.raises(StorageError, match=r"cannot write .*a\.txt: ") as caught:
            atomic_write_text(target, "new")
    assert caught.value.errno == code
    assert str(caught.value).count("\n") == 0
    assert "Errno" not in str(caught.value)
    assert content(tmp_path) == before


def test_a_disk_that_fills_up_while_writing(tmp_path, monkeypatch):
    class Full(io.FileIO):
        def write(self, data):
            super().write(bytes(data)[:2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    monkeypatch.setattr(files, "open", Full, raising=False)
    with pytest.raises(StorageError, match=r"cannot write .*a\.bin: the disk is full; free some space") as caught:
        atomic_write_bytes(target, b"new and longer")
    assert isinstance(caught.value, ScratchworkError)
    assert isinstance(caught.value, OSError)
    assert caught.value.errno == errno.ENOSPC
    assert content(tmp_path) == {"a.bin": b"old"}


def test_a_limit_that_the_system_enforces_in_the_middle_of_the_file(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(StorageError, match="larger than is allowed"):
            atomic_write_bytes(tmp_path / "a", b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert content(tmp_path) == {}


def test_an_error_that_is_not_about_this_file_passes_through(tmp_path):
    with pytest.raises(FileNotFoundError, match="elsewhere") as caught, atomic_write(tmp_path / "a"):
        (tmp_path / "elsewhere").read_bytes()
    assert not isinstance(caught.value, StorageError)
    refused = PermissionError(errno.EACCES, "denied", str(tmp_path / "elsewhere"))
    with pytest.raises(PermissionError) as caught, atomic_write(tmp_path / "a"):
        raise refused
    assert caught.value is refused
    cut = ConnectionResetError(errno.ECONNRESET, "connection reset by peer")
    with pytest.raises(ConnectionResetError) as caught, atomic_write(tmp_path / "a"):
        raise cut
    assert caught.value is cut
    assert content(tmp_path) == {}


def test_a_writer_that_removed_its_file_is_an_error(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "a") as temporary:
        temporary.unlink()
    assert content(tmp_path) == {"a": b"old"}


def test_the_content_is_on_the_disk_before_the_rename_and_the_rename_after(tmp_path, monkeypatch):
    order = []
    fsync, replace = os.fsync, os.replace

    def seen_fsync(descriptor):
        order.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def seen_replace(source, target):
        order.append("rename")
        replace(source, target)

    monkeypatch.setattr(files.os, "fsync", seen_fsync)
    monkeypatch.setattr(files.os, "replace", seen_replace)
    atomic_write_text(tmp_path / "a", "x")
    assert order == ["file", "rename", "folder"]


def test_a_missing_folder_is_not_created(tmp_path):
    with pytest.raises(MissingFileError, match=r"the folder .*nowhere is not there; create it first"):
        atomic_write_text(tmp_path / "nowhere" / "a.txt", "x")
    assert content(tmp_path) == {}


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="is not a folder"):
        atomic_write_text(tmp_path / "file" / "a.txt", "x")


def test_a_folder_in_the_place_of_the_file(tmp_path):
    (tmp_path / "runs").mkdir()
    with pytest.raises(StorageError, match=r"cannot write .*runs: it is a folder; give the name of a file"):
        atomic_write_text(tmp_path / "runs", "x")
    assert (tmp_path / "runs").is_dir()
    assert list(tmp_path.rglob("*")) == [tmp_path / "runs"]


def test_a_pipe_or_device_is_not_replaced(tmp_path):
    """Not tried on a real device: where root runs the test and the check is broken, the system's would be gone."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match="a device or a pipe"):
        atomic_write_text(tmp_path / "pipe", "x")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_protected_file_and_a_protected_folder(tmp_path, monkeypatch):
    target = tmp_path / "a.txt"
    target.write_text("old")
    target.chmod(0o444)
    if AS_ROOT:  # root may write everything, so say what the system would say to anybody else
        monkeypatch.setattr(files.os, "access", lambda path, mode: False)
    with pytest.raises(StorageError, match="write-protected"):
        atomic_write_text(target, "new")
    monkeypatch.undo()
    tmp_path.chmod(0o555)
    try:
        if AS_ROOT:
            monkeypatch.setattr(files.os, "open", failing(errno.EACCES))
        with pytest.raises(StorageError, match="no permission"):
            atomic_write_text(tmp_path / "b.txt", "new")
    finally:
        tmp_path.chmod(0o755)
    assert content(tmp_path) == {"a.txt": b"old"}


def test_permissions_follow_the_umask_or_the_file_that_was_there(tmp_path):
    old_mask = os.umask(0o027)
    try:
        atomic_write_text(tmp_path / "new", "x")
        (tmp_path / "private").touch()
        (tmp_path / "private").chmod(0o600)
        with atomic_write(tmp_path / "private") as temporary:
            assert stat.S_IMODE(temporary.stat().st_mode) == 0o600  # private from the first byte on
    finally:
        os.umask(old_mask)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o600


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "deep" / "real.txt")
    atomic_write_text(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert content(tmp_path / "deep") == {"real.txt": b"new"}


def test_a_relative_path_and_a_later_change_of_folder(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    with contextlib.chdir(tmp_path), atomic_write("a.txt") as temporary:
        temporary.write_text("x")
        os.chdir(tmp_path / "sub")
    assert (tmp_path / "a.txt").read_text() == "x"


def test_json_is_strict_and_written_whole(tmp_path):
    value = {"loss": np.float32(0.5), "sizes": np.arange(3), "path": Path("a") / "b", "name": "Σ", "flag": np.bool_(True)}
    write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"loss": 0.5, "sizes": [0, 1, 2], "path": "a/b", "name": "Σ", "flag": True}
    assert text.endswith("}\n")
    assert "Σ" in text
    assert to_json([1, {"a": None}]) == '[1, {"a": null}]'


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"x": object()}, np.array([np.nan]), {"x": {1, 2}}])
def test_what_json_cannot_hold_is_refused_before_the_file_is_touched(tmp_path, value):
    (tmp_path / "a.json").write_text("old")
    with pytest.raises(DataError, match="cannot be written as JSON"):
        write_json(tmp_path / "a.json", value)
    assert content(tmp_path) == {"a.json": b"old"}
