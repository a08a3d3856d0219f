"""How long one row takes: the prepared call beside three lines of NumPy, PyTorch, ONNX Runtime and scikit-learn.

    python benchmarks/latency.py [--calls 20000] [--blocks 40]

Needs torch, onnx, onnxruntime and scikit-learn. Every way is a process of its own with one thread; they take turns in
blocks of calls with a rest in between, on 64 rows in turn, each call timed alone by perf_counter_ns (whose own cost, some
40 ns, is in every figure). Median and 99th percentile over all calls; the outputs of all ways that give some must agree.
"""

import argparse
import gc
import math
import os
import sys
from typing import Any

import numpy as np

from machine import describe_machine, one_line, write_result
from rivals.predicting import BATCH_OF_ONE, CALLS
from rivals.task import Task
from rivals.turns import Clock, Side

NETS = ("784-128-10", "64-32-10")
OURS, RIVAL = "scratchwork prepared", "ONNX Runtime"
ROWS, WARM_UP = 64, 500


def child(name: str, task: Task, calls: int) -> None:
    """Blocks of calls for ever; a block reports its nanoseconds through the clock."""
    call = CALLS[name](task)
    shape = (ROWS, 1, task.sizes[0]) if name in BATCH_OF_ONE else (ROWS, task.sizes[0])
    rows = list(np.random.default_rng(1).random(shape, np.float32))
    outputs = np.ravel(call(rows[0])).astype(np.float64).tolist()
    clock = Clock()
    clock.begin()
    gc.disable()
    from time import perf_counter_ns as now

    while True:
        for i in range(WARM_UP):
            call(rows[i % ROWS])
        times = [0] * calls
        for i in range(calls):
            row = rows[i % ROWS]
            started = now()
            call(row)
            times[i] = now() - started
        clock.report({"nanoseconds": times, "outputs": outputs})


def summary(side: Side) -> dict[str, Any]:
    """Median and tail in microseconds."""
    times = np.concatenate([turn["nanoseconds"] for turn in side.turns]) / 1e3
    p50, p99, p999 = np.percentile(times, [50, 99, 99.9])
    return {"median": p50, "p99": p99, "p99.9": p999, "slowest": float(times.max()), "calls": len(times)}


def measure(net: str, calls: int, blocks: int) -> dict[str, Any]:
    """All ways on one net, in turns."""
    here = [sys.executable, __file__, "--net", net, "--calls", str(math.ceil(calls / blocks)), "--side"]
    sides = {name: Side(name, [*here, name], one_thread=True) for name in CALLS}
    for _ in range(blocks):
        for side in sides.values():
            side.turn()
    for side in sides.values():
        side.end()
    ran = {name: side for name, side in sides.items() if not side.failure}
    expected = ran["NumPy, three lines"].turns[0]["outputs"]
    same = [name for name, side in ran.items() if len(side.turns[0]["outputs"]) == len(expected)]
    for name in same:
        np.testing.assert_allclose(ran[name].turns[0]["outputs"], expected, rtol=1e-4, atol=1e-5, err_msg=name)
    return {
        "net": net,
        "microseconds": {name: summary(side) for name, side in ran.items()},
        "failed": {name: side.failure for name, side in sides.items() if side.failure},
        "same_outputs": same,
    }


def main() -> int:
    """Measure both nets, print the tables, write them; 1 where the goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20_000, help="of each way on each net")
    parser.add_argument("--blocks", type=int, default=40)
    for hidden in ("--side", "--net"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.side:
        child(a.side, Task("", a.net, 1, 1), a.calls)
        return 0
    machine = describe_machine(["torch", "onnx", "onnxruntime", "scikit-learn"])
    results, reached = [], True
    for net in NETS:
        result = measure(net, a.calls, a.blocks)
        results.append(result)
        print(f"{net:<22} {'median':>9} {'p99':>9} {'p99.9':>9}  microseconds")
        for name, found in result["microseconds"].items():
            print(f"{name:<22} {found['median']:9.2f} {found['p99']:9.2f} {found['p99.9']:9.2f}")
        for name, reason in result["failed"].items():
            print(f"{name:<22} failed: {reason}")
        times = result["microseconds"]
        result["goal"] = f"median and p99 below those of {RIVAL}"
        result["reached"] = OURS in times and all(times[OURS][q] < times[RIVAL][q] for q in ("median", "p99"))
        print(f"goal, {result['goal']}: {'reached' if result['reached'] else 'missed'}\n", flush=True)
        reached &= result["reached"]
    print(one_line(machine))
    if a.calls >= 20_000:
        path = write_result("latency", {"machine": machine, "nets": results})
        print(f"written to {os.path.relpath(path)}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
