"""What happens to training while another process keeps one core busy: epochs of every side, and our steps one by one.

    python benchmarks/busy.py [--data-dir FOLDER] [--turns 3] [--threads 2] [--nets 784-128-10 ...]

Every side trains quietly for some turns, then again while an endless loop is pinned to one core. Steps are timed from one
on_batch_end to the next, so control comes back to Python at every step there, as it does not in the epochs.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import scratchwork as sw
from machine import describe_machine, one_line, write_result
from rivals.task import LEARNING_RATE, SEED, Task
from rivals.training import MANY
from rivals.training import SIDES as TRAINING
from rivals.turns import Clock, Side

NETS = ("784-128-10", "784-512-512-10")
BATCH, GOAL = 128, 3.0
STEPS = "scratchwork, step by step"
SIDES = (STEPS, "scratchwork", "torch eager", "jax jit", "jax scan")


class Steps(sw.Callback):
    """Reports the seconds of every step of an epoch, from the end of one to the end of the next."""

    every_batch = True  # control comes back after every single step

    def __init__(self, clock: Clock) -> None:
        self.clock, self.ends = clock, list[float]()

    def on_batch_end(self, run: sw.Run) -> None:
        """A step is over."""
        self.ends.append(time.perf_counter())

    def on_epoch_end(self, run: sw.Run) -> None:
        """Hand over."""
        steps, self.ends = np.diff(self.ends).tolist(), []
        self.clock.report({"steps": steps, "seconds": time.perf_counter() - self.clock.started})


def step_by_step(task: Task, clock: Clock) -> None:
    """The compiled path with a callback at every step."""
    x, y = task.rows
    network = task.network()
    clock.begin()
    sw.fit(
        network, x, y, loss=sw.SoftmaxCrossEntropy(), optimizer=sw.Adam(LEARNING_RATE), epochs=MANY, batch_size=task.batch,
        callbacks=[Steps(clock)], seed=SEED, progress=False, engine="compiled", threads=task.threads,
    )  # fmt: skip


@contextmanager
def busy_core(core: int) -> Iterator[None]:
    """An endless loop in a process that is pinned to that core."""
    program = f"import os\nos.sched_setaffinity(0, {{{core}}})\nprint(flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        try:
            yield
        finally:
            other.kill()


def measure(task: Task, turns: int) -> dict[str, Any]:
    """All sides quiet, then all sides busy."""
    here = [sys.executable, __file__, "--task", json.dumps(vars(task)), "--side"]
    sides = {name: Side(name, [*here, name]) for name in SIDES}
    core = max(os.sched_getaffinity(0))

    def walk(count: int) -> None:
        for _ in range(count):
            for side in sides.values():
                side.turn()

    walk(1 + turns)  # the first is warm-up
    with busy_core(core):
        walk(turns)
    for side in sides.values():
        side.end()
    ran = {name: side for name, side in sides.items() if not side.failure}
    row: dict[str, Any] = {"net": task.net, "batch": task.batch, "threads": task.threads, "turns": turns}
    row["epochs"] = {}
    for name, side in ran.items():
        quiet, busy = ([turn["seconds"] for turn in part] for part in (side.turns[1 : 1 + turns], side.turns[1 + turns :]))
        medians = {"quiet": statistics.median(quiet), "busy": statistics.median(busy), "slowest_busy": max(busy)}
        row["epochs"][name] = {**medians, "ratio": medians["busy"] / medians["quiet"]}
    if STEPS in ran:
        quiet, busy = (
            np.concatenate([turn["steps"] for turn in part]) * 1e6
            for part in (ran[STEPS].turns[1 : 1 + turns], ran[STEPS].turns[1 + turns :])
        )
        median = float(np.median(quiet))
        row["steps_microseconds"] = {"quiet": described(quiet), "busy": described(busy)}
        row["slowest_busy_step_to_quiet_median"] = float(busy.max()) / median
        row["slowest_quiet_step_to_quiet_median"] = float(quiet.max()) / median
        row["busy_steps_beyond_goal"] = float((busy > GOAL * median).mean())
        row["quiet_steps_beyond_goal"] = float((quiet > GOAL * median).mean())
    row["failed"] = {name: side.failure for name, side in sides.items() if side.failure}
    return row


def described(times: np.ndarray[Any, Any]) -> dict[str, float]:
    """Median, tail and slowest."""
    names, marks = ("median", "p90", "p99", "p99.9"), (50, 90, 99, 99.9)
    return {**dict(zip(names, np.percentile(times, marks).tolist(), strict=True)), "slowest": float(times.max())}


def show(row: dict[str, Any]) -> None:
    """One net."""
    print(f"\n{row['net']}, batch {row['batch']}: seconds per epoch{'quiet':>12} {'busy':>8} {'slowest':>8} {'ratio':>6}")
    for name, found in row["epochs"].items():
        print(f"{name:<46} {found['quiet']:8.3f} {found['busy']:8.3f} {found['slowest_busy']:8.3f} {found['ratio']:6.2f}")
    for name, reason in row["failed"].items():
        print(f"{name}: {reason}")
    for when, found in row.get("steps_microseconds", {}).items():
        print(f"steps, {when}: " + ", ".join(f"{name} {value:.0f}" for name, value in found.items()) + " µs")
    if "slowest_busy_step_to_quiet_median" in row:
        print(
            f"slowest busy step {row['slowest_busy_step_to_quiet_median']:.1f} × quiet median (goal {GOAL:g}); "
            f"beyond: {row['busy_steps_beyond_goal']:.2%} of busy, {row['quiet_steps_beyond_goal']:.2%} of quiet",
            flush=True,
        )


def main() -> int:
    """Measure, print and write; 1 where the goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", help="folder with the files of MNIST")
    parser.add_argument("--turns", type=int, default=3, help="quiet epochs and busy epochs of each side")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--nets", nargs="+", default=list(NETS))
    for hidden in ("--side", "--task"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.side:
        side = step_by_step if a.side == STEPS else TRAINING[a.side]
        side(Task(**json.loads(a.task)), Clock())
        return 0
    if not hasattr(os, "sched_setaffinity"):
        parser.error("this system pins no process to a core")
    machine = describe_machine(["torch", "jax", "numba", "scipy"])
    rows = []
    for net in a.nets:
        rows.append(measure(Task("mnist", net, BATCH, a.threads, a.data_dir), a.turns))
        show(rows[-1])
    print(one_line(machine))
    print(f"written to {os.path.relpath(write_result('busy', {'machine': machine, 'goal': GOAL, 'rows': rows}))}")
    return 0 if all(row.get("slowest_busy_step_to_quiet_median", GOAL + 1) <= GOAL for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
