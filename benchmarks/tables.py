"""Writes the tables of README.md from the results in benchmarks/results, between markers, so that no figure is typed.

python benchmarks/tables.py          write them
python benchmarks/tables.py --check  exit 1 where README.md differs from the results (a test does the same)
"""

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from machine import one_line

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def speed(result: dict[str, Any]) -> str:
    """Seconds per epoch beside PyTorch."""
    lines = ["| net, batch | scratchwork, s/epoch | PyTorch eager, s/epoch | times faster | goal |", "|---|---|---|---|---|"]
    for row in result["rows"]:
        low, high = row["ratio_range"]
        lines.append(
            f"| {row['net']}, {row['batch']} | {row['scratchwork_seconds']:.3f} | {row['torch_seconds']:.3f} "
            f"| {row['ratio']:.2f} ({low:.2f} to {high:.2f}) | {row['goal']:g} |"
        )
    return "\n".join([*lines, "", f"`benchmarks/speed_numpy.py`; {one_line(result['machine'])}."])


def accuracy(result: dict[str, Any]) -> str:
    """Test accuracy on MNIST, mean and spread of the seeds."""
    lines = ["| net | test accuracy, mean ± s.d. of 5 seeds | goal | settings |", "|---|---|---|---|"]
    for name, row in result["nets"].items():
        assert len(row["seeds"]) == 5, "the table says five seeds"
        lines.append(f"| {name} | {row['mean']:.4f} ± {row['std']:.4f} | {row['goal']} | {row['settings']} |")
    return "\n".join([*lines, "", f"`benchmarks/mnist_accuracy.py`; {one_line(result['machine'])}."])


def compiled(result: dict[str, Any]) -> str:
    """Seconds per epoch of the compiled path beside the fastest rival, PyTorch and the products alone; goals in brackets."""
    heads = [
        "net, batch",
        "scratchwork",
        "fastest rival",
        "PyTorch eager",
        "products alone",
        "× fastest",
        "× PyTorch",
        "of products",
    ]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for row in result["rows"]:
        seconds, ratios, fastest = row["seconds"], row["ratios"]["scratchwork"], row["fastest_rival"]
        ours = [f"{row['net']}, {row['batch']}", *(f"{seconds[name]:.3g}" for name in ("scratchwork",))]
        rivals = [f"{seconds[fastest]:.3g} ({fastest})", f"{seconds['torch eager']:.3g}", f"{seconds['products']:.3g}"]
        shares = [
            f"{ratios[name]['median']:.2f} ({row[goal]:g})"
            for name, goal in ((fastest, "goal_fastest"), ("torch eager", "goal_eager"))
        ]
        limit = f" (≤ {row['goal_products']:g})" if row["goal_products"] else ""
        shares.append(f"{1 / ratios['products']['median']:.2f}{limit}")
        lines.append("| " + " | ".join([*ours, *rivals, *shares]) + " |")
    worst = max(row["loss_difference_to_torch_eager"]["scratchwork"] for row in result["rows"])
    lines += ["", f"Loss curves differ from PyTorch's by {worst:.1e} at most. `benchmarks/speed_compiled.py`;"]
    return "\n".join([*lines, f"{one_line(result['machine'])}."])


def latency(result: dict[str, Any]) -> str:
    """Microseconds for a single row."""
    lines = ["| one row | " + " | ".join(f"{net['net']}, median | p99" for net in result["nets"]) + " |"]
    lines.append("|---" * (1 + 2 * len(result["nets"])) + "|")
    for name in result["nets"][0]["microseconds"]:
        times = [net["microseconds"][name] for net in result["nets"]]
        lines.append(f"| {name} | " + " | ".join(f"{found['median']:.1f} | {found['p99']:.1f}" for found in times) + " |")
    return "\n".join([*lines, "", f"Microseconds. `benchmarks/latency.py`; {one_line(result['machine'])}."])


TABLES: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "speed": ("speed_numpy.json", speed),
    "compiled": ("speed_compiled.json", compiled),
    "latency": ("latency.json", latency),
    "accuracy": ("mnist_accuracy.json", accuracy),
}


def with_tables(text: str) -> str:
    """`text` with every marked table made anew."""
    for name, (file, table) in TABLES.items():
        made = table(json.loads((RESULTS / file).read_text(encoding="utf-8")))
        begin, end = f"<!-- table: {name} -->", "<!-- end of table -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        assert pattern.search(text), f"README.md has no place {begin}"
        text = pattern.sub(lambda _, made=made, begin=begin, end=end: f"{begin}\n{made}\n{end}", text)
    return text


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    readme = ROOT / "README.md"
    before = readme.read_text(encoding="utf-8")
    after = with_tables(before)
    if parser.parse_args().check:
        return int(after != before)
    readme.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
