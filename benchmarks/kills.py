"""Kills training processes at random moments, breaks the disk under them, and compares what comes of it bit for bit.

    python benchmarks/kills.py [--kills 200]

One run has dropout, batch normalization, a schedule, early stopping, a plateau, weights, metrics and validation. It is
started, killed with SIGKILL after a random time, started again, and so on until it has come to its end; then its model
file and its history are compared with those of a run that was never interrupted and wrote no checkpoints. Most processes
are forks of one that has everything imported, some are started anew as `python tests/checkpointed.py`. Then every single
operation on a file of such a run fails in each of six ways. Writes benchmarks/results/kills.json.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a fork does not take threads along
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from benchmarks.machine import describe_machine, one_line, write_result  # noqa: E402

import checkpointed  # noqa: E402
from faults import CUT, WAYS, Disk, in_a_process_of_its_own  # noqa: E402
from scratchwork.errors import StorageError  # noqa: E402
from scratchwork.storage.checkpoints import Checkpoints  # noqa: E402

ENGINES = ("numpy", "compiled")
OWN_PYTHON = 0.1  # the share of the processes that are started anew


@dataclass
class Kills:
    """What happened to the processes of one path."""

    kills: int = 0
    own_processes: int = 0  # of them started as a Python of their own
    while_writing_a_checkpoint: int = 0  # a file that had not got its name yet was left behind
    before_the_first: int = 0  # no checkpoint was there yet
    runs: int = 0  # that came to their end
    most_kills_of_one_run: int = 0
    different: list[str] = field(default_factory=list)


@dataclass
class Faults:
    """What happened to runs on a disk that fails."""

    operations: int = 0  # of a run that nothing happens to
    faults: int = 0
    by_way: dict[str, int] = field(default_factory=dict)
    by_operation: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)  # no loadable checkpoint, or other bits


def started(place: Path, engine: str, every: int, *, anew: bool) -> int:
    """The number of a process that trains."""
    if anew:
        command = [sys.executable, checkpointed.__file__, str(place), engine, str(every)]
        return os.posix_spawn(sys.executable, command, os.environ)
    child = os.fork()
    if child == 0:
        try:
            checkpointed.main(place, engine, every)
            os._exit(0)
        except BaseException:
            os._exit(1)
    return child


def kill_again_and_again(engine: str, wanted: int, seed: int = 0) -> Kills:
    """Runs that are killed until so many kills have been made and the last run has come to its end."""
    found, chance = Kills(), random.Random(f"{engine} {seed}")
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole"
        whole.mkdir()
        checkpointed.main(whole, engine, 0)  # also compiles whatever is to be compiled
        answer = results(whole)
        checkpointed.main(whole, engine, 1)
        while found.kills < wanted:
            place, every, before = Path(folder) / f"run{found.runs}", chance.choice([1, 1, 2, 3]), found.kills
            place.mkdir()
            while not one_attempt(place, engine, every, chance, found):
                pass
            found.runs += 1
            found.most_kills_of_one_run = max(found.most_kills_of_one_run, found.kills - before)
            if results(place) != answer:
                found.different.append(f"run {found.runs}, every {every}")
            shutil.rmtree(place)
    return found


def one_attempt(place: Path, engine: str, every: int, chance: random.Random, found: Kills) -> bool:
    """A process that is killed after a random time; True where it came to its end before."""
    anew = chance.random() < OWN_PYTHON
    process = started(place, engine, every, anew=anew)
    wait = chance.uniform(0.0, 0.25)
    if anew:  # what it imports takes as long as it takes: the time counts from when it has begun to write
        seen, deadline = len(list(place.rglob("*"))), time.monotonic() + 20
        while time.monotonic() < deadline and len(list(place.rglob("*"))) <= seen and not ended(process):
            time.sleep(0.002)
    time.sleep(wait)
    os.kill(process, signal.SIGKILL)  # one that has ended is still there until its status is fetched
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if status == 0:
        return True
    if status != -signal.SIGKILL:
        raise RuntimeError(f"a run ended by itself with status {status}")
    found.kills += 1
    found.own_processes += anew
    found.while_writing_a_checkpoint += bool(list(place.glob("checkpoints/.unfinished-*")))
    found.before_the_first += not Checkpoints(place / "checkpoints").files()
    return False


def ended(process: int) -> bool:
    """Whether it has come to its end, without fetching its status."""
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def results(place: Path) -> tuple[bytes, bytes]:
    """The bytes of the model file, and those of the history without its clock."""
    return (place / "model.safetensors").read_bytes(), (place / "history.json").read_bytes()


def break_every_operation(engine: str, every: int, *, quick: bool = False) -> Faults:
    """For each operation on the files of a run and each way to fail: whether a good checkpoint is left, and the same bits."""
    found = Faults()
    wanted = checkpointed.outcome(None, engine)
    with tempfile.TemporaryDirectory() as folder:
        with Disk(Path(folder) / "count").at_work() as disk:
            checkpointed.outcome(Checkpoints(Path(folder) / "count", every=every, keep=2), engine)
        found.operations = len(disk.done)
        for way in WAYS:
            for number in range(found.operations):
                place = Path(folder) / f"{way}-{number}"
                both = ("stop", "go on") if not way.startswith("power") else ("stop",)
                for on_error in both[number % len(both) :][:1] if quick else both:
                    told = f"{way} at operation {number} ({disk.done[number]}), {on_error}"
                    found.lost += [f"{told}: {loss}" for loss in break_one(place, engine, every, number, way, on_error, wanted)]
                    found.faults += 1
                    found.by_way[way] = found.by_way.get(way, 0) + 1
                    found.by_operation[disk.done[number]] = found.by_operation.get(disk.done[number], 0) + 1
                    shutil.rmtree(place, ignore_errors=True)
    return found


def break_one(place: Path, engine: str, every: int, number: int, way: str, on_error: str, wanted: Any) -> list[str]:
    """What was lost by one fault: nothing."""
    checkpoints = Checkpoints(place, every=every, keep=2, on_error=on_error)
    disk = Disk(place, number, way)

    def work() -> None:
        with disk.at_work(), silent():
            checkpointed.outcome(checkpoints, engine)

    losses = []
    if way.startswith("power"):
        status = in_a_process_of_its_own(work)
        if status != CUT:
            losses.append(f"the process ended with status {status}")
    else:
        try:
            work()
        except StorageError:
            losses += [] if on_error == "stop" else ["training did not go on"]
        finally:
            checkpoints.close()
    last_good = len([name for name in disk.done[:number] if name == "replace"])
    files = Checkpoints(place).files()
    with silent():
        if files and Checkpoints(place).newest() is None:
            losses.append("no checkpoint can be loaded")
        if not files and last_good > 1:
            losses.append("there is no checkpoint")
        if checkpointed.outcome(Checkpoints(place, every=every), engine) != wanted:
            losses.append("other bits")
    return losses


@contextlib.contextmanager
def silent() -> Any:
    """Without the lines on stderr, which are meant here."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        yield


def main() -> int:
    """Everything, and the file of results; 0 where nothing was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="of training processes, in all (default 200)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    machine, begun = describe_machine(["numba"]), time.monotonic()
    kills = {engine: kill_again_and_again(engine, -(-options.kills // 2), options.seed) for engine in ENGINES}
    for engine, found in kills.items():
        print(f"{engine}: {asdict(found)}", flush=True)
    faults = {engine: break_every_operation(engine, 4) for engine in ENGINES}
    for engine, broken in faults.items():
        print(f"{engine}: {asdict(broken)}", flush=True)
    lost = [loss for found in kills.values() for loss in found.different] + [
        loss for one in faults.values() for loss in one.lost
    ]
    write_result("kills", {
        "machine": machine,
        "command": "python benchmarks/kills.py",
        "seconds": round(time.monotonic() - begun),
        "kills_survived": sum(found.kills for found in kills.values()) if not lost else None,
        "kills_while_writing_a_checkpoint": sum(found.while_writing_a_checkpoint for found in kills.values()),
        "faults_survived": sum(broken.faults for broken in faults.values()) if not lost else None,
        "kills": {engine: asdict(found) for engine, found in kills.items()},
        "faults": {engine: asdict(broken) for engine, broken in faults.items()},
    })  # fmt: skip
    print(one_line(machine))
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
