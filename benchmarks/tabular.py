"""RealMLP here beside pytabkit's, scikit-learn's MLP, HistGradientBoosting and a linear model: score and time of fit.

    python benchmarks/tabular.py [--sets iris,...] [--minutes 12] [--fresh]

Needs torch (`pip install torch==2.13.0` first), pytabkit, statsmodels, scikit-learn, pandas and the compiled path. The tables
are those of tabular_sets.py. Each method is a process of its own, warmed up by two small fits; fit by fit they take turns.
All get the same splits: a fifth of the rows is for the score (accuracy, or R²), the rest for fitting, and both RealMLPs choose
their epoch on the same fifth of that. The score of a split is the mean over its seeds. Both RealMLPs run with the number of
threads (one, or all cores) that was faster in a short fit on the set's first split; the rest as they come. Seconds are those
of `fit` alone.

Every fit is a line of the log in runs/, so that a run that was stopped goes on where it ended; --fresh forgets the log.
The goal: on each set our mean score is at least theirs minus one standard error of theirs (s.d. over the splits / √splits;
the paired one, of the differences, stands beside it), in less than half of their time.
"""

import argparse
import itertools
import json
import math
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from machine import describe_machine, one_line, usable_cores, write_result
from tabular_sets import SETS, TableSet, split

LOG = Path(__file__).resolve().parent.parent / "runs" / "tabular.jsonl"
OURS, THEIRS = "scratchwork", "pytabkit"
METHODS = (OURS, THEIRS, "MLP", "HistGradientBoosting", "linear")
PROBE = 8  # epochs of the fit that compares numbers of threads
GOAL = 0.5  # of their time
REST = 0.1  # seconds before each fit: idle threads of the one before spin for a while


# The child's end ----------------------------------------------------------------------------------------------------


def ours(task: str, seed: int, threads: int | None, epochs: int) -> Any:
    """The estimator of this library; its validation part is given to fit."""
    from scratchwork.estimators import TabularClassifier, TabularRegressor

    kind = TabularClassifier if task == "classification" else TabularRegressor
    return kind(random_state=seed, threads=threads, max_iter=epochs, engine="compiled")


def theirs(task: str, seed: int, threads: int | None, epochs: int) -> Any:
    """pytabkit's, silenced."""
    import logging

    for name in ("lightning", "lightning.pytorch", "pytorch_lightning", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    from pytabkit import RealMLP_TD_S_Classifier, RealMLP_TD_S_Regressor

    kind = RealMLP_TD_S_Classifier if task == "classification" else RealMLP_TD_S_Regressor
    return kind(random_state=seed, n_threads=threads, n_epochs=epochs, device="cpu")


def of_scikit_learn(name: str, task: str, seed: int) -> Any:
    """One-hot categories and standardized numbers before the network and the linear model; trees take columns as they are."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    classes = task == "classification"
    if name == "HistGradientBoosting":
        trees = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
        return trees(categorical_features="from_dtype", random_state=seed)
    encoded = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include="category")),
        (StandardScaler(), make_column_selector(dtype_exclude="category")),
        sparse_threshold=0.0,
    )
    if name == "MLP":
        return make_pipeline(encoded, (MLPClassifier if classes else MLPRegressor)(random_state=seed))
    return make_pipeline(encoded, LogisticRegression(max_iter=1000) if classes else Ridge())


def one_fit(
    method: str, data: TableSet, number: int, seed: int, *, threads: int | None = None, epochs: int = 256
) -> dict[str, Any]:
    """Fit on one split; the score, a second measure (log-loss or RMSE), and the seconds of fit."""
    from sklearn.metrics import log_loss, root_mean_squared_error

    x, y = data.load()
    part = split(len(x), number)
    fitted_on = np.concatenate([part.training, part.validation])
    train, target, settings = x.iloc[fitted_on], y[fitted_on], dict[str, Any]()
    if method == OURS:
        model = ours(data.task, 10 * number + seed, threads, epochs)
        train, target = x.iloc[part.training], y[part.training]
        settings = {"validation_data": (x.iloc[part.validation], y[part.validation])}
    elif method == THEIRS:
        model = theirs(data.task, 10 * number + seed, threads, epochs)
        settings = {"val_idxs": np.arange(len(part.training), len(fitted_on))}
    else:
        model = of_scikit_learn(method, data.task, 10 * number + seed)
    started = time.perf_counter()
    model.fit(train, target, **settings)
    seconds = time.perf_counter() - started
    test, truth = x.iloc[part.test], y[part.test]
    if data.task == "classification":
        other = log_loss(truth, model.predict_proba(test).astype(float), labels=model.classes_)
    else:
        other = root_mean_squared_error(truth, model.predict(test).astype(float))
    return {"score": float(model.score(test, truth)), "other": float(other), "seconds": seconds}


def child(method: str) -> None:
    """Fit what the parent's lines ask for, until it hangs up."""
    warnings.filterwarnings("ignore")
    sets = {data.name: data for data in SETS}
    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    for warm in ("iris", "diabetes"):
        one_fit(method, sets[warm], 0, 0, epochs=4)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        wanted = json.loads(line)
        found = one_fit(method, sets[wanted.pop("set")], **wanted)
        print(json.dumps(found), file=answers, flush=True)


# The parent's end ---------------------------------------------------------------------------------------------------


class Worker:
    """A method in a process of its own, started when it is first needed."""

    def __init__(self, method: str, errors: Any) -> None:
        self.method = method
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--child", method],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        self._line()

    def fit(self, data: TableSet, **settings: Any) -> dict[str, Any]:
        """One fit over there."""
        assert self.process.stdin
        time.sleep(REST)
        wanted = {"set": data.name, **settings}
        self.process.stdin.write(json.dumps(wanted) + "\n")
        self.process.stdin.flush()
        found: dict[str, Any] = json.loads(self._line())
        return found

    def end(self) -> None:
        """Hang up."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def _line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.method} ended: see {LOG.with_suffix('.errors')}")
        return line


Key = tuple[str, int, int, str]


class Log:
    """All fits so far, by (set, split, seed, method); every new one is a line of a file."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows = path, dict[Key, dict[str, Any]]()
        path.parent.mkdir(exist_ok=True)
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            row = json.loads(line)
            self.rows[row["set"], row["number"], row["seed"], row["method"]] = row

    def add(self, key: Key, found: dict[str, Any]) -> None:
        """A fit that is over."""
        row = dict(zip(("set", "number", "seed", "method"), key, strict=True)) | found
        self.rows[key] = row
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def best_threads(worker: Worker, data: TableSet) -> int:
    """One thread or all cores: which is faster in a short fit."""
    seconds = {
        count: worker.fit(data, number=0, seed=0, threads=count, epochs=PROBE)["seconds"]
        for count in sorted({1, usable_cores()})
    }
    return min(seconds, key=lambda count: seconds[count])


def order(data: TableSet) -> Iterator[tuple[int, int, str]]:
    """(split, seed, method): the methods take turns, and another one begins each time."""
    for number, seed in itertools.product(range(data.splits), range(data.seeds)):
        first = (number * data.seeds + seed) % len(METHODS)
        for method in (*METHODS[first:], *METHODS[:first]):
            yield number, seed, method


def measure(sets: list[TableSet], log: Log, until: float) -> bool:
    """All fits that the log does not hold yet, until the time is over; whether none is left."""
    with open(log.path.with_suffix(".errors"), "w", encoding="utf-8") as errors:
        workers: dict[str, Worker] = {}
        try:
            for data in sets:
                threads: dict[str, int] = {}
                for number, seed, method in order(data):
                    key = data.name, number, seed, method
                    if key in log.rows:
                        continue
                    if time.monotonic() > until:
                        return False
                    if method not in workers:
                        workers[method] = Worker(method, errors)
                    if method in (OURS, THEIRS) and method not in threads:
                        first = log.rows.get((data.name, 0, 0, method))
                        threads[method] = first["threads"] if first else best_threads(workers[method], data)
                    found = workers[method].fit(data, number=number, seed=seed, threads=threads.get(method))
                    log.add(key, found | {"threads": threads.get(method)})
                print(line_of(summary(data, log)), flush=True)
        finally:
            for worker in workers.values():
                worker.end()
    return True


# What came out ------------------------------------------------------------------------------------------------------


def mean_and_error(values: list[float]) -> tuple[float, float]:
    """Mean, and its standard error over the splits."""
    return float(np.mean(values)), float(np.std(values, ddof=1) / math.sqrt(len(values)))


def summary(data: TableSet, log: Log) -> dict[str, Any]:
    """Scores and seconds of all methods on a set, and what the goal says about them."""
    x, _ = data.load()
    methods, scores = {}, {}
    for method in METHODS:
        found = [[log.rows[data.name, number, seed, method] for seed in range(data.seeds)] for number in range(data.splits)]
        scores[method] = [float(np.mean([row["score"] for row in rows])) for rows in found]
        every = [row for rows in found for row in rows]
        score, error = mean_and_error(scores[method])
        methods[method] = {
            "score": score,
            "standard_error": error,
            "log_loss_or_rmse": float(np.mean([row["other"] for row in every])),
            "seconds": float(np.mean([row["seconds"] for row in every])),
            "threads": every[0]["threads"],
            "scores": scores[method],
            "seconds_each": [row["seconds"] for row in every],
        }
    one, other = methods[OURS], methods[THEIRS]
    difference, paired = mean_and_error([a - b for a, b in zip(scores[OURS], scores[THEIRS], strict=True)])
    return {
        "set": data.name,
        "task": data.task,
        "source": data.source,
        "rows": len(x),
        "columns": x.shape[1],
        "splits": data.splits,
        "seeds": data.seeds,
        "methods": methods,
        "difference": difference,
        "paired_standard_error": paired,
        "time_ratio": one["seconds"] / other["seconds"],
        "score_reached": bool(difference >= -other["standard_error"]),
        "time_reached": bool(one["seconds"] < GOAL * other["seconds"]),
    }


def line_of(found: dict[str, Any]) -> str:
    """A set as a line of text."""
    scores = " ".join(f"{found['methods'][name]['score']:8.4f}" for name in METHODS)
    seconds = " ".join(f"{found['methods'][name]['seconds']:8.2f}" for name in METHODS)
    missed = "".join(f" {goal} missed" for goal in ("score", "time") if not found[f"{goal}_reached"])
    error = found["methods"][THEIRS]["standard_error"]
    return f"{found['set']:<22}{scores}  s.e. {error:.4f} difference {found['difference']:+.4f}  seconds {seconds}{missed}"


def main() -> int:
    """Measure what is missing; print, and write the result when all is there. 1 where the goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default=",".join(data.name.replace(",", "") for data in SETS), help="separated by commas")
    parser.add_argument("--minutes", type=float, default=math.inf)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--child", choices=METHODS, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.child:
        child(a.child)
        return 0
    if a.fresh:
        LOG.unlink(missing_ok=True)
    sets = [data for data in SETS if data.name.replace(",", "") in a.sets.split(",")]
    machine = describe_machine(["torch", "pytabkit", "scikit-learn", "statsmodels", "numba"])
    print(f"{'':<22}" + " ".join(f"{name[:8]:>8}" for name in METHODS))
    log = Log(LOG)
    if not measure(sets, log, time.monotonic() + 60 * a.minutes):
        print("the time is over: call again to go on")
        return 1
    found = [summary(data, log) for data in sets]
    reached = all(row["score_reached"] and row["time_reached"] for row in found)
    print(f"goal: {'reached' if reached else 'missed'}\n{one_line(machine)}")
    if len(sets) == len(SETS):
        path = write_result(
            "tabular", {"machine": machine, "goal": f"score ≥ theirs − s.e.; time < {GOAL} × theirs", "sets": found}
        )
        print(f"written to {os.path.relpath(path)}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
