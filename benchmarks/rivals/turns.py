"""Sides in processes of their own that take turns: an epoch here, an epoch there, and a rest in between.

A side is a function of a Task and a Clock. It makes ready, calls `clock.begin()`, trains for ever and calls
`clock.epoch(loss)` after every epoch; the process ends when the parent hangs up.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import IO, Any

REST = 0.4  # seconds between two turns: idle BLAS and OpenMP threads spin for a while before they sleep
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def busy_seconds() -> float:
    """What all processors have spent on anything but idling, since the system started; 0 where the system does not tell."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            times = [int(word) for word in file.readline().split()[1:9]]
    except OSError:
        return 0.0
    return (sum(times) - times[3] - times[4]) / float(os.sysconf("SC_CLK_TCK"))


class Clock:
    """The child's end. A turn is `per_turn` epochs; its seconds are those of the wall, divided by that number."""

    def __init__(self, per_turn: int = 1) -> None:
        self.per_turn, self.epochs, self.started = per_turn, 0, 0.0

    def begin(self) -> None:
        """Ready; wait for the first turn."""
        print("ready", flush=True)
        self._wait()

    def epoch(self, loss: float) -> None:
        """An epoch ended with that mean loss."""
        self.epochs += 1
        if self.epochs % self.per_turn:
            return
        seconds = (time.perf_counter() - self.started) / self.per_turn
        self.report({"loss": float(loss), "seconds": seconds})

    def report(self, numbers: dict[str, Any]) -> None:
        """The turn is over; these are its numbers."""
        print(json.dumps(numbers), flush=True)
        self._wait()

    def _wait(self) -> None:
        if not sys.stdin.readline():
            sys.stdout.flush()
            os._exit(0)  # wherever the side is: nothing here is worth an orderly end
        self.started = time.perf_counter()


class Side:
    """The parent's end: a child process, what it reported, and why it stopped if it did."""

    def __init__(self, name: str, command: Sequence[str], one_thread: bool = False) -> None:
        self.name, self.turns, self.failure = name, list[dict[str, Any]](), ""
        self.disturbed: list[float] = []  # how many cores were busy in each rest: by others, or by pools that still spin
        self.errors: IO[str] = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 (end() closes it)
        environment = os.environ | (dict.fromkeys(ONE_THREAD, "1") if one_thread else {})
        environment.pop("OPENBLAS_CORETYPE", None)  # each side at its best: OpenBLAS chooses its kernels for the processor
        self.child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment
        )
        if self._line() != "ready":
            self._fail()

    def turn(self) -> None:
        """One turn, after a rest."""
        if self.failure:
            return
        before = busy_seconds()
        time.sleep(REST)
        self.disturbed.append((busy_seconds() - before) / REST)
        assert self.child.stdin
        try:
            self.child.stdin.write("\n")
            self.child.stdin.flush()
            self.turns.append(json.loads(self._line()))
        except (OSError, ValueError):
            self._fail()

    def end(self) -> None:
        """Hang up."""
        assert self.child.stdin
        assert self.child.stdout
        self.child.stdin.close()
        self.child.wait()
        self.child.stdout.close()
        self.errors.close()

    def _line(self) -> str:
        assert self.child.stdout
        return self.child.stdout.readline().strip()

    def _fail(self) -> None:
        """The last line that it wrote to stderr says why."""
        self.child.kill()
        self.child.wait()
        self.errors.seek(0)
        lines = [line.strip() for line in self.errors if line.strip()]
        self.failure = lines[-1][:300] if lines else f"ended with status {self.child.returncode}"
