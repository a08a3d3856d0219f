"""Processes that are killed, and a disk that fails at every single operation: nothing is lost, and not a bit differs."""

import json
import os

import pytest
from benchmarks.kills import ENGINES, break_every_operation, kill_again_and_again

import checkpointed
from faults import CUT, WAYS, Disk, in_a_process_of_its_own
from scratchwork.errors import FileFormatError, StorageError
from scratchwork.storage.checkpoints import Checkpoints
from scratchwork.storage.files import atomic_write_bytes
from scratchwork.storage.models import read_arrays
from source_code import ROOT


def test_whatever_fails_a_good_checkpoint_is_left_and_the_bits_are_the_same():
    found = break_every_operation("numpy", 15, quick=True)
    assert not found.lost
    assert found.operations > 15
    assert set(found.by_way) == set(WAYS)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_with_many_checkpoints_on_both_paths(engine):
    found = break_every_operation(engine, 6)
    assert not found.lost
    assert {"mkdir", "create", "write", "fsync", "replace", "open", "unlink"} == set(found.by_operation)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_killed_training_process_goes_on_with_the_same_bits(engine):
    found = kill_again_and_again(engine, 12, seed=1)
    assert found.kills >= 12
    assert found.most_kills_of_one_run > 1
    assert not found.different


def test_the_disk_fails_as_it_should(tmp_path):
    """Without the flush, a power cut would leave half a file under the right name: the tests above can fail."""
    target = tmp_path / "inside" / "file.checkpoint"
    target.parent.mkdir()

    def write():
        atomic_write_bytes(target, b"0123456789")

    with Disk(tmp_path / "inside").at_work() as disk:
        write()
    assert disk.done == ["create", "write", "open", "fsync", "replace", "open", "fsync"]
    for number, name in enumerate(disk.done):
        target.write_bytes(b"before")
        with Disk(tmp_path / "inside", number, "ENOSPC").at_work():
            if number < 5:
                with pytest.raises((StorageError, OSError)):
                    write()
            else:
                write()  # the rename has happened: the file is whole either way
        assert target.read_bytes() == (b"before" if number < 5 else b"0123456789"), name
        assert os.listdir(target.parent) == ["file.checkpoint"]


def test_power_that_goes_takes_what_was_not_flushed(tmp_path):
    folder = tmp_path / "inside"
    folder.mkdir()

    def careless():
        with Disk(folder, 3, "power cut").at_work() as disk:
            with disk.opened_for_writing(folder / "new", "wb") as file:
                file.write(b"0123456789")
            os.replace(folder / "new", folder / "file")
            os.open(folder, os.O_RDONLY)
            os.mkdir(folder / "more")

    assert in_a_process_of_its_own(careless) == CUT
    assert (folder / "file").read_bytes() == b"01234"


def test_checkpoints_without_the_flush_would_be_found_out(monkeypatch, tmp_path):
    monkeypatch.setattr("scratchwork.storage.files._flush", lambda path: None)
    lost = []
    for number in range(8):
        place = tmp_path / str(number)
        work = Disk(place, number, "power cut")

        def run(work=work, place=place):
            with work.at_work():
                checkpointed.outcome(Checkpoints(place, every=15))

        in_a_process_of_its_own(run)
        for path in Checkpoints(place).files():
            try:
                read_arrays(path)
            except FileFormatError:
                lost.append(path)
    assert lost


def test_the_page_tells_what_was_measured():
    found = json.loads((ROOT / "benchmarks" / "results" / "kills.json").read_text())
    page = (ROOT / "docs" / "robustness.md").read_text()
    kills, faults = found["kills_survived"], found["faults_survived"]
    assert f"| {kills:,} of {kills:,} |" in page
    assert f"| {found['kills_while_writing_a_checkpoint']:,} |" in page
    assert f"| {faults:,} of {faults:,} |" in page
