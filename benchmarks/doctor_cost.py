"""What `fit(..., doctor=True)` costs: the same training with and without, in turns, on both paths.

    python benchmarks/doctor_cost.py [--data-dir FOLDER] [--rounds 15] [--write]

784-128-10 on MNIST (or on as many random pixels, where its files are not there) and a small net on the 8x8 digits, in
runs of about half a second or more. Each round trains without, with, with and without, each from the same start, so that
what slows the machine down slows both; the figure is the median over the rounds of (with + with) / (without + without).
Also whether the bits are the same, and what is added to a run of a few milliseconds, where a share says little.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import scratchwork as sw
from scratchwork.engine.choice import missing

sys.path.insert(0, str(Path(__file__).parent))
from machine import describe_machine, one_line, write_result

GOAL = 1.05


def mnist(folder: str | None) -> tuple[Any, Any, str]:
    """Pixels and labels, and where they come from."""
    try:
        rows = sw.data.load("mnist", data_dir=folder)
        return rows.x, rows.y, "MNIST"
    except sw.ScratchworkError:
        rng = np.random.default_rng(0)
        labels = rng.integers(0, 10, 60000)
        patterns = rng.integers(0, 256, (10, 784))
        return (patterns[labels] // 2 + rng.integers(0, 128, (60000, 784))).astype(np.uint8), labels, "random pixels"


def settings(folder: str | None) -> dict[str, dict[str, Any]]:
    """The runs: name -> what is trained."""
    pixels, labels, source = mnist(folder)
    digits = sw.data.digits()
    return {
        f"784-128-10, {source}": {
            "x": pixels,
            "y": labels,
            "layers": lambda: [sw.Rescaling(1 / 255), sw.Dense(128), sw.ReLU(), sw.Dense(10)],
            "fit": {"batch_size": 128},
            "epochs": {"numpy": 4, "compiled": 6},
        },
        "64-32-10, digits": {
            "x": (digits.x / 16).astype(np.float32),
            "y": digits.y,
            "layers": lambda: [sw.Dense(32), sw.ReLU(), sw.Dense(10)],
            "fit": {"batch_size": 32},
            "epochs": {"numpy": 150, "compiled": 1500},
        },
        "2-16-16-3, spirals": {
            "x": sw.data.spirals(100, seed=0).x,
            "y": sw.data.spirals(100, seed=0).y,
            "layers": lambda: [sw.Dense(16), sw.ReLU(), sw.Dense(16), sw.ReLU(), sw.Dense(3)],
            "fit": {"batch_size": 32},
            "epochs": {"numpy": 500, "compiled": 5000},
        },
    }


def trained(run: dict[str, Any], engine: str, doctor: bool, **changes: Any) -> tuple[Any, bytes, list[str]]:
    """(seconds by the clock and of the processor, the weights, codes of the findings) of one training."""
    network = sw.Sequential(run["layers"]())
    network.build(run["x"].shape[1:], rng=0)
    told = {**run["fit"], "epochs": run["epochs"][engine], **changes}
    started, worked = time.perf_counter(), time.process_time()
    history = sw.fit(
        network, run["x"], run["y"], loss=sw.SoftmaxCrossEntropy(), optimizer=sw.Adam(1e-3), engine=engine, threads=1,
        progress=False, doctor=doctor, **told,
    )  # fmt: skip
    seconds = np.array([time.perf_counter() - started, time.process_time() - worked])
    return seconds, network.flat().value.tobytes(), [finding.code for finding in history.findings if finding.alarm]


def measured(run: dict[str, Any], engine: str, rounds: int) -> dict[str, Any]:
    """The ratio, over so many rounds, and what else is to be known."""
    without, bits, _ = trained(run, engine, False)
    _, same, alarms = trained(run, engine, True)  # both once beforehand: compiled, imported
    ratios, base = [], [without]
    for _ in range(rounds):
        turns = [trained(run, engine, doctor)[0] for doctor in (False, True, True, False)]
        ratios.append((turns[1] + turns[2]) / (turns[0] + turns[3]))
        base += [turns[0], turns[3]]
    short = [trained(run, engine, doctor, epochs=1)[0] for _ in range(rounds) for doctor in (False, True)]
    return {
        "ratio": float(np.median(ratios, axis=0)[0]),
        "ratio_of_processor_time": float(np.median(ratios, axis=0)[1]),
        "ratios": sorted(float(ratio[0]) for ratio in ratios),
        "seconds_without": float(np.median(base, axis=0)[0]),
        "same_bits": bits == same,
        "alarms": alarms,
        "added_to_one_epoch_seconds": float(np.median([b[0] - a[0] for a, b in zip(short[::2], short[1::2], strict=True)])),
    }


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", metavar="FOLDER")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--write", action="store_true", help="benchmarks/results/doctor_cost.json")
    options = parser.parse_args()
    machine = describe_machine()
    results = []
    for name, run in settings(options.data_dir).items():
        for engine in ("numpy",) if missing() else ("numpy", "compiled"):
            found = measured(run, engine, options.rounds)
            results.append({"run": name, "engine": engine, "epochs": run["epochs"][engine], **found})
            epochs, bits = run["epochs"][engine], "same bits" if found["same_bits"] else "OTHER BITS"
            print(
                f"{name:20} {engine:9}{epochs:5} epochs "
                f"{found['seconds_without']:7.3f} s   with the doctor x {found['ratio']:.3f}"
                f" (processor x {found['ratio_of_processor_time']:.3f}), one epoch "
                f"+ {1e3 * found['added_to_one_epoch_seconds']:.1f} ms, {bits}",
                flush=True,
            )
    print(one_line(machine))
    if options.write:
        write_result("doctor_cost", {"machine": machine, "goal": GOAL, "results": results})


if __name__ == "__main__":
    main()
