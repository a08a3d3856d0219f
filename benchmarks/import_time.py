"""How long `import scratchwork` takes above `import numpy`: fresh processes, one of each in turn, so that a busy moment of
the machine hits both, and the median of the differences, so that a few bad moments do not count.

    python benchmarks/import_time.py [--pairs 21]
"""

import argparse
import os
import statistics
import subprocess
import sys
from typing import Any

from machine import describe_machine, one_line, write_result

GOAL_MILLISECONDS = 50.0
STATEMENTS = {"numpy": "import numpy", "scratchwork": "import scratchwork"}
CLOCK = "import time; start = time.perf_counter(); {statement}; print(time.perf_counter() - start)"


def import_milliseconds(statement: str) -> float:
    """The time of one import statement in a fresh process, without the start of Python itself.

    The process may write bytecode, as pip does when it installs: else every import would compile the source again.
    """
    program = CLOCK.format(statement=statement)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    return float(done.stdout) * 1e3


def measure(pairs: int) -> dict[str, Any]:
    """The times of both statements in turn, after one round that fills the disk cache and writes the bytecode."""
    times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for round_number in range(pairs + 1):
        for name, statement in STATEMENTS.items():
            elapsed = import_milliseconds(statement)
            if round_number:
                times[name].append(elapsed)
    above = [ours - numpy for ours, numpy in zip(times["scratchwork"], times["numpy"], strict=True)]
    quartiles = statistics.quantiles(above, n=4)
    return {
        "pairs": pairs,
        "median_milliseconds": {name: round(statistics.median(values), 1) for name, values in times.items()},
        "above_numpy_milliseconds": round(statistics.median(above), 1),
        "above_numpy_quartiles": [round(quartiles[0], 1), round(quartiles[2], 1)],
        "goal_milliseconds": GOAL_MILLISECONDS,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=21, help="pairs of fresh processes, at least 15 (default 21)")
    pairs = parser.parse_args().pairs
    if pairs < 15:
        parser.error("at least 15 pairs, or the median says little")
    machine = describe_machine()
    result = measure(pairs)
    for name, value in result["median_milliseconds"].items():
        print(f"import {name:<12} {value:7.1f} ms")
    low, high = result["above_numpy_quartiles"]
    print(f"above numpy         {result['above_numpy_milliseconds']:7.1f} ms   (quartiles {low} to {high}, {pairs} pairs)")
    print(f"goal           at most {GOAL_MILLISECONDS:4.1f} ms")
    print(one_line(machine))
    print(f"written to {os.path.relpath(write_result('import_time', {**result, 'machine': machine}))}")
    return 0 if result["above_numpy_milliseconds"] <= GOAL_MILLISECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
