"""One network of 20-64-64-2 on 2,000 rows, and sixteen of them: at once, one after the other, and in scikit-learn's bagging.

    python benchmarks/ensemble.py [--rounds 9] [--epochs 20 60] [--batch 200 32] [--no-bagging]

All sides take turns in one process, a round is one fit of each; the table shows medians, and the medians of the ratios of
the same round. "one" is the faster of one and two threads, "at once" uses all.

one              fit of one network
in turn          sixteen fits, one after the other
at once          fit_many of sixteen
without start    the same two, from what twice as many epochs cost more: what a long run comes to
BaggingClassifier of sixteen MLPClassifiers, n_jobs=2, the same settings (once; its processes are started before)
"""

import argparse
import os
import statistics
import sys
import time
import warnings
from typing import Any

import numpy as np

import scratchwork as sw
from machine import describe_machine, one_line, usable_cores, write_result
from rivals.turns import busy_seconds

ROWS, FEATURES, NETWORKS, GOAL = 2000, 20, 16, 5.0
SIDES = ("one, 1 thread", "one, 2 threads", "at once", "at once, twice the epochs", "one, twice the epochs", "in turn")


def rows() -> tuple[Any, Any]:
    """Two classes that no line separates."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] + 0.5 * x[:, 2] > 0).astype(np.int64)


def network() -> sw.Sequential:
    """20-64-64-2."""
    return sw.Sequential([sw.Dense(64), sw.ReLU(), sw.Dense(64), sw.ReLU(), sw.Dense(2)])


def seconds(side: str, x: Any, y: Any, engine: str, batch: int, epochs: int) -> float:
    """One fit of that side."""
    settings: dict[str, Any] = {
        "loss": sw.SoftmaxCrossEntropy(), "optimizer": sw.Adam(1e-3), "batch_size": batch, "engine": engine, "progress": False,
        "epochs": 2 * epochs if "twice" in side else epochs,
    }  # fmt: skip
    networks = [network() for _ in range(1 if side.startswith("one") else NETWORKS)]
    started = time.perf_counter()
    if side.startswith("at once"):
        sw.fit_many(networks, x, y, **settings)
    else:
        for seed, alone in enumerate(networks):
            sw.fit(alone, x, y, seed=seed, threads=2 if side == "one, 2 threads" else 1, **settings)
    return time.perf_counter() - started


def measure(engine: str, batch: int, epochs: int, rounds: int) -> dict[str, Any]:
    """All sides in turns."""
    x, y = rows()
    for side in SIDES:
        seconds(side, x, y, engine, batch, 1)  # compiled, and the memory there
    before, own, began = busy_seconds(), time.process_time(), time.perf_counter()
    taken = [{side: seconds(side, x, y, engine, batch, epochs) for side in SIDES} for _ in range(rounds)]
    others = (busy_seconds() - before - (time.process_time() - own)) / (time.perf_counter() - began)
    best = min(("one, 1 thread", "one, 2 threads"), key=lambda side: statistics.median(turn[side] for turn in taken))

    def ratio(numerator: Any, denominator: Any) -> float:
        return statistics.median(numerator(turn) / denominator(turn) for turn in taken)

    return {
        "engine": engine,
        "batch": batch,
        "epochs": epochs,
        "seconds": {side: statistics.median(turn[side] for turn in taken) for side in SIDES},
        "best_of_one": best,
        "at_once_by_one": ratio(lambda turn: turn["at once"], lambda turn: turn[best]),
        "at_once_by_one_without_start": ratio(
            lambda turn: turn["at once, twice the epochs"] - turn["at once"],
            lambda turn: turn["one, twice the epochs"] - turn["one, 1 thread"],
        ),
        "in_turn_by_at_once": ratio(lambda turn: turn["in turn"], lambda turn: turn["at once"]),
        "processors_that_others_had": others,
    }


def line(one: dict[str, Any]) -> str:
    """A row of the table."""
    took = {side: f"{1e3 * seconds:.1f} ms" for side, seconds in one["seconds"].items()}
    ratios = [one[name] for name in ("at_once_by_one", "at_once_by_one_without_start", "in_turn_by_at_once")]
    return (
        f"{one['engine']:<9} {one['batch']:>3} {one['epochs']:>3} {took[one['best_of_one']]:>10} {took['in turn']:>11} "
        f"{took['at once']:>10} {ratios[0]:>15.2f} {ratios[1]:>15.2f} {ratios[2]:>19.2f} "
        f"{one['processors_that_others_had']:>8.2f}"
    )


def bagging(batch: int, epochs: int) -> float | None:
    """Seconds of scikit-learn's ensemble; None where it is not installed."""
    try:
        from sklearn.ensemble import BaggingClassifier
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier
    except ImportError:
        return None
    x, y = rows()
    warnings.simplefilter("ignore", ConvergenceWarning)
    os.environ["PYTHONWARNINGS"] = "ignore"  # of the processes that it starts

    def fitted(iterations: int) -> float:
        member = MLPClassifier((64, 64), alpha=0.0, batch_size=batch, max_iter=iterations, tol=0.0, n_iter_no_change=10**6)
        ensemble = BaggingClassifier(member, n_estimators=NETWORKS, n_jobs=2, random_state=0)
        started = time.perf_counter()
        ensemble.fit(x, y)
        return time.perf_counter() - started

    fitted(1)  # its processes are there
    return fitted(epochs)


def main() -> int:
    """Measure, print and write; 1 where the goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--epochs", type=int, nargs="+", default=[20, 60])
    parser.add_argument("--batch", type=int, nargs="+", default=[200, 32])
    parser.add_argument("--no-bagging", action="store_true")
    a = parser.parse_args()
    machine = describe_machine(["numba", "llvmlite"])
    results = []
    print("                        one    in turn    at once   at once / one   without start   in turn / at once   others")
    for engine in ("compiled", "numpy"):
        for batch in a.batch:
            for epochs in a.epochs if engine == "compiled" else a.epochs[:1]:
                one = measure(engine, batch, epochs, a.rounds if engine == "compiled" else min(a.rounds, 3))
                results.append(one)
                print(line(one), flush=True)
    rival = {} if a.no_bagging else {str(batch): bagging(batch, a.epochs[0]) for batch in a.batch}
    for batch, took in rival.items():
        print(
            f"BaggingClassifier(MLPClassifier), batch {batch}, {a.epochs[0]} epochs: " + (f"{took:.2f} s" if took else "absent")
        )
    print(one_line(machine))
    found = {"machine": machine, "networks": NETWORKS, "goal": GOAL, "results": results, "bagging_seconds": rival}
    print(f"written to {os.path.relpath(write_result('ensemble', found))}")
    print(f"{usable_cores()} processors: {NETWORKS} networks are {NETWORKS / usable_cores():g} for each")
    return 0 if all(one["at_once_by_one"] < GOAL for one in results if one["engine"] == "compiled") else 1


if __name__ == "__main__":
    sys.exit(main())
