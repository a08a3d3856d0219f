"""Seconds per epoch of the compiled path beside every rival on the processor, in one run.

    python benchmarks/speed_compiled.py [--data-dir FOLDER] [--turns 9] [--threads 2] [--rows 0 3] [--sides "jax scan" ...]

Needs torch==2.13.0, jax and scikit-learn beside scratchwork[fast], and a C compiler for torch.compile. Each side is a
process of its own; they take turns, with a rest in between so that idle pools sleep. All start from the same weights and
meet the same batches in the same order (except scikit-learn and the DataLoader, which draw their own), so loss curves
must agree; the largest difference to PyTorch eager is in the table. A ratio is the median over the turns of their pairs.
The first turn is warm-up. A rival that does not run is noted with its reason. Results of a run of some rows only are not
written unless --out names a file.
"""

import argparse
import json
import math
import os
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np

from machine import describe_machine, one_line, write_result
from rivals.task import Task
from rivals.training import SIDES
from rivals.turns import Clock, Side

# data, net, batch, epochs per turn, goal to the fastest rival, goal to PyTorch eager, goal to the products alone
ROWS: list[tuple[str, str, int, int, float, float, float | None]] = [
    ("mnist", "784-10-10", 64, 1, 5.0, 10.0, None),
    ("mnist", "784-128-10", 32, 1, 2.0, 6.0, 1.3),
    ("mnist", "784-128-10", 64, 1, 2.0, 4.0, 1.3),
    ("mnist", "784-128-10", 128, 1, 1.8, 3.0, 1.3),
    ("mnist", "784-128-10", 512, 1, 1.4, 1.8, 1.3),
    ("mnist", "784-512-512-10", 128, 1, 1.25, 1.6, 1.3),
    ("mnist", "784-1024-1024-10", 256, 1, 1.05, 1.05, 1.3),
    ("spirals", "2-16-2", 32, 10, 2.0, 10.0, None),
    ("digits", "64-32-10", 32, 10, 2.0, 10.0, None),
]
RIVALS = ("torch eager", "torch compile", "jax jit", "jax scan", "scikit-learn", "torch dataloader")
SLOW = ("scikit-learn", "torch dataloader")  # far behind, and need few turns to be seen there
OWN_ORDER = (*SLOW, "products")
SLOW_TURNS = 4
QUIET = 0.2  # cores that may be busy in the rests


def take_turns(task: Task, per_turn: int, turns: int, sides: list[str]) -> dict[str, Side]:
    """Start every side, then turn by turn."""
    here = [sys.executable, __file__, "--task", json.dumps(vars(task)), "--per-turn", str(per_turn), "--side"]
    children = {}
    for name in sides:
        children[name] = Side(name, [*here, name])
    for turn in range(turns):
        for name, child in children.items():
            if turn < SLOW_TURNS or name not in SLOW:
                child.turn()
    for child in children.values():
        child.end()
    return children


def seconds(side: Side) -> list[float]:
    """Of every turn but the first."""
    return [turn["seconds"] for turn in side.turns[1:]]


def ratio(ours: Side, theirs: Side) -> dict[str, Any]:
    """How many times longer they take, pair by pair."""
    pairs = sorted(b / a for a, b in zip(seconds(ours), seconds(theirs), strict=False))
    return {"median": statistics.median(pairs), "range": [pairs[0], pairs[-1]]}


def loss_difference(a: Side, b: Side) -> float:
    """The largest difference of the two loss curves."""
    return max(abs(one["loss"] - other["loss"]) for one, other in zip(a.turns, b.turns, strict=False))


def measure(task: Task, per_turn: int, turns: int, sides: list[str]) -> dict[str, Any]:
    """One row: medians of every side, and every ratio to our default side."""
    children = take_turns(task, per_turn, turns, sides)
    ran = {name: child for name, child in children.items() if not child.failure}
    row: dict[str, Any] = {"data": task.data, "net": task.net, "batch": task.batch, "threads": task.threads}
    row["epochs_per_turn"], row["turns_timed"] = per_turn, turns - 1
    row["seconds"] = {name: statistics.median(seconds(child)) for name, child in ran.items()}
    row["seconds_best"] = {name: min(seconds(child)) for name, child in ran.items()}
    row["failed"] = {name: child.failure for name, child in children.items() if child.failure}
    row["cores_busy_in_rests"] = float(np.mean([share for child in children.values() for share in child.disturbed] or [0.0]))
    rivals = {name: row["seconds"][name] for name in RIVALS if name in ran}
    row["fastest_rival"] = min(rivals, key=lambda name: rivals[name]) if rivals else None
    row["ratios"] = {
        ours: {name: ratio(ran[ours], ran[name]) for name in ran if name in RIVALS or name == "products"}
        for ours in ran
        if ours.startswith("scratchwork")
    }
    row["first_loss_and_last"] = {
        name: [child.turns[0]["loss"], child.turns[-1]["loss"]] for name, child in ran.items() if name != "products"
    }
    row["loss_difference_to_torch_eager"] = {
        name: loss_difference(child, ran["torch eager"])
        for name, child in ran.items()
        if "torch eager" in ran and name not in (*OWN_ORDER, "torch eager")
    }
    return row


def table(rows: list[dict[str, Any]]) -> str:
    """The rows in Markdown, each of our sides on a line, measured / goal."""
    sides = [*RIVALS, "products"]
    heads = [
        "net, batch",
        "ours",
        "s/epoch",
        *sides,
        "× fastest (goal)",
        "× eager (goal)",
        "/ products (goal)",
        "losses differ",
    ]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for row in rows:
        for ours, ratios in row["ratios"].items():
            cells = [f"{row['net']}, {row['batch']}", ours.removeprefix("scratchwork").strip() or "compiled"]
            cells += [f"{row['seconds'][ours]:.4g}", *(f"{row['seconds'].get(name, math.nan):.4g}" for name in sides)]
            for name, goal in ((row["fastest_rival"], "goal_fastest"), ("torch eager", "goal_eager")):
                cells.append(f"{ratios[name]['median']:.2f} ({row[goal]:g})" if name in ratios else "")
            products = ratios.get("products")
            goal = f" ({row['goal_products']:g})" if row["goal_products"] else ""
            cells.append(f"{1 / products['median']:.2f}{goal}" if products else "")
            difference = row["loss_difference_to_torch_eager"].get(ours)
            lines.append("| " + " | ".join([*cells, "" if difference is None else f"{difference:.1e}"]) + " |")
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    """The command line; --side and what follows it are for the children."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", help="folder with the four MNIST files")
    parser.add_argument("--turns", "--epochs", type=int, default=9, help="per side and row; the first is warm-up")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, nargs="+", help="numbers of rows of the table, from 0")
    parser.add_argument("--sides", nargs="+", default=list(SIDES), choices=list(SIDES))
    parser.add_argument("--out", help="name of the file in benchmarks/results")
    for hidden in ("--side", "--task", "--per-turn"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.turns < 2:
        parser.error("at least 2 turns, the first is warm-up")
    return a


def main() -> None:
    """Measure the rows, print the table as it grows and write it."""
    a = arguments()
    if a.side:
        SIDES[a.side](Task(**json.loads(a.task)), Clock(int(a.per_turn)))
        return
    machine = describe_machine(["torch", "jax", "jaxlib", "scikit-learn", "numba", "scipy"])
    rows = []
    for number in a.rows or range(len(ROWS)):
        data, net, batch, per_turn, fastest, eager, alone = ROWS[number]
        task = Task(data, net, batch, a.threads, a.data_dir)
        row = measure(task, per_turn, a.turns, a.sides)
        row |= {"goal_fastest": fastest, "goal_eager": eager, "goal_products": alone}
        rows.append(row)
        print("\n".join(table([row]).splitlines()[0 if len(rows) == 1 else 2 :]), flush=True)
        if row["cores_busy_in_rests"] > QUIET:
            print(
                f"  not quiet: {row['cores_busy_in_rests']:.2f} cores were busy while all sides rested",
                file=sys.stderr,
                flush=True,
            )
        for name, reason in row["failed"].items():
            print(f"  {name}: {reason}", file=sys.stderr, flush=True)
    print(one_line(machine))
    name = a.out or ("speed_compiled" if not a.rows and a.sides == list(SIDES) else None)
    if name:
        path = write_result(name, {"machine": machine, "rows": rows})
        print(f"written to {Path(os.path.relpath(path))}")


if __name__ == "__main__":
    main()
