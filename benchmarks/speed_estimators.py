"""Time of `fit` of Classifier beside scikit-learn's MLPClassifier, and of a single row's `predict`.

    python benchmarks/speed_estimators.py [--turns 5] [--sets digits,...]

Needs scikit-learn. Each side is a process of its own, loaded and warmed up by one fit; then they take turns, a whole fit
each, with a rest in between and another random_state in every turn. Both get the same arrays, the same split and the same
settings, scikit-learn's defaults: one hidden layer of 100, Adam at 1e-3, alpha 1e-4, batches of 200, `tol` 1e-4 over 10
epochs, both at their default number of threads. How many epochs that are is each side's own affair; they are in the table.
Accuracy is that on held-out rows, the mean over the turns.
"""

import argparse
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from machine import describe_machine, one_line, write_result
from rivals.turns import Clock, Side

GOAL, ROW_GOAL = 3.0, 60.0  # times faster; microseconds
SIDES = ("scratchwork", "scikit-learn")
Data = tuple[Any, Any, Any, Any]


def digits() -> Data:
    """1,797 images of 64 pixels, divided by 16."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return divided(X / 16.0, y)


def breast_cancer() -> Data:
    """569 rows of 30 measurements, standardized by the training rows."""
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    return standardized(*divided(X, y))


def generated() -> Data:
    """100,000 training rows of 30 features, 15 of them informative, from make_classification."""
    from sklearn.datasets import make_classification

    X, y = make_classification(120_000, 30, n_informative=15, n_redundant=5, n_clusters_per_class=8, random_state=0)
    return divided(X, y, 20_000)


def sparse() -> Data:
    """10,000 training rows of 50,000 columns like counted words: some 100 in a row, by Zipf's law; two classes."""
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(0)
    rows, columns, words = 12_000, 50_000, 100
    y = rng.integers(0, 2, rows)
    ranks = np.minimum(rng.zipf(1.3, (rows, words)), columns) - 1
    shifted = (ranks + 7 * y[:, None] * (rng.random((rows, words)) < 0.25)) % columns  # a quarter of the words tell
    index = np.repeat(np.arange(rows), words)
    X = csr_matrix((np.ones(rows * words), (index, shifted.reshape(-1))), shape=(rows, columns))
    X.sum_duplicates()
    return divided(X, y, 2_000)


def divided(X: Any, y: Any, test: int | float = 0.25) -> Data:
    """(X_train, X_test, y_train, y_test)"""
    from sklearn.model_selection import train_test_split

    return tuple(train_test_split(X, y, test_size=test, random_state=0, stratify=y))


def standardized(X_train: Any, X_test: Any, y_train: Any, y_test: Any) -> Data:
    """By the training rows."""
    mean, deviation = X_train.mean(axis=0), X_train.std(axis=0)
    return (X_train - mean) / deviation, (X_test - mean) / deviation, y_train, y_test


SETS: dict[str, tuple[Callable[[], Data], int]] = {
    "digits": (digits, 200),
    "breast cancer": (breast_cancer, 200),
    "100,000 × 30 generated": (generated, 20),
    "10,000 × 50,000 sparse": (sparse, 5),
}
"""Each with max_iter."""


def child(side: str, name: str) -> None:
    """A fit in every turn."""
    warnings.simplefilter("ignore")
    if side == "scratchwork":
        from scratchwork import Classifier as Estimator
    else:
        from sklearn.neural_network import MLPClassifier as Estimator
    make, epochs = SETS[name]
    X, X_test, y, y_test = make()
    Estimator(max_iter=1, random_state=0).fit(X, y).predict(X_test)
    clock = Clock()
    clock.begin()
    seed = 0
    while True:
        seed += 1
        started = time.perf_counter()
        model = Estimator(max_iter=epochs, random_state=seed).fit(X, y)
        seconds = time.perf_counter() - started
        row = microseconds_per_row(model, X_test)
        numbers = {"seconds": seconds, "accuracy": float(model.score(X_test, y_test)), "epochs": int(model.n_iter_)}
        clock.report({**numbers, "row": row})


def microseconds_per_row(model: Any, X_test: Any, calls: int = 300) -> float:
    """The median time of `predict` for one row, an array of one row at a time."""
    rows = [X_test[i : i + 1] for i in range(50)]
    times = []
    for call in range(calls):
        row = rows[call % len(rows)]
        started = time.perf_counter()
        model.predict(row)
        times.append(time.perf_counter() - started)
    return 1e6 * statistics.median(times)


def measure(name: str, turns: int) -> dict[str, Any]:
    """Both sides on one set, in turns."""
    here = [sys.executable, __file__, "--set", name, "--side"]
    sides = {side: Side(side, [*here, side]) for side in SIDES}
    for _ in range(turns):
        for side in sides.values():
            side.turn()
    for side in sides.values():
        side.end()
        if side.failure:
            raise SystemExit(f"{name}, {side.name}: {side.failure}")
    ours, theirs = (sides[side].turns for side in SIDES)
    ratios = sorted(b["seconds"] / a["seconds"] for a, b in zip(ours, theirs, strict=True))
    found = {
        side: {key: statistics.fmean(turn[key] for turn in sides[side].turns) for key in ("accuracy", "epochs")}
        | {key: statistics.median(turn[key] for turn in sides[side].turns) for key in ("seconds", "row")}
        for side in SIDES
    }
    errors = np.array([a["accuracy"] - b["accuracy"] for a, b in zip(ours, theirs, strict=True)])
    return {
        "set": name, "max_iter": SETS[name][1], "turns": turns, **{side.replace("-", "_"): found[side] for side in SIDES},
        "ratio": statistics.median(ratios), "ratio_range": [ratios[0], ratios[-1]], "goal": GOAL,
        "accuracy_gain": float(errors.mean()), "disturbed": max(max(side.disturbed) for side in sides.values()),
    }  # fmt: skip


def main() -> int:
    """Measure, print, write; 1 where a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--sets", default="", help="some of the sets, by the beginnings of their names")
    for hidden in ("--side", "--set"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.side:
        child(a.side, a.set)
        return 0
    chosen = [name for name in SETS if not a.sets or any(name.startswith(part) for part in a.sets.split(","))]
    machine = describe_machine(["scikit-learn", "scipy", "numba"])
    results = []
    for name in chosen:
        found = measure(name, a.turns if SETS[name][1] > 20 else max(3, a.turns // 2))
        results.append(found)
        ours, theirs = found["scratchwork"], found["scikit_learn"]
        print(
            f"{name:<24} {ours['seconds']:8.3f} s, {ours['epochs']:.0f} epochs, {ours['accuracy']:.4f}   "
            f"scikit-learn {theirs['seconds']:8.3f} s, {theirs['epochs']:.0f} epochs, {theirs['accuracy']:.4f}   "
            f"{found['ratio']:.2f} ({found['ratio_range'][0]:.2f} to {found['ratio_range'][1]:.2f}) times faster   "
            f"one row {ours['row']:.0f} and {theirs['row']:.0f} µs",
            flush=True,
        )
    print(one_line(machine))
    if chosen == list(SETS):
        path = write_result("speed_estimators", {"machine": machine, "row_goal": ROW_GOAL, "sets": results})
        print(f"written to {os.path.relpath(path)}")
    return 0 if all(row["ratio"] >= GOAL and row["scratchwork"]["row"] <= ROW_GOAL for row in results) else 1


if __name__ == "__main__":
    sys.exit(main())
