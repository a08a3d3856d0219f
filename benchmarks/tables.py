"""Writes the tables of README.md and of the pages from benchmarks/results, between markers, so that no figure is typed.

python benchmarks/tables.py          write them
python benchmarks/tables.py --check  exit 1 where a page differs from the results (a test does the same)
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
    return "\n".join(
        [*lines, "", f"Microseconds. `{result.get('script', 'benchmarks/latency.py')}`; {one_line(result['machine'])}."]
    )


def estimators(result: dict[str, Any]) -> str:
    """Seconds of `fit` beside MLPClassifier, and microseconds of a single row."""
    lines = [
        "| data | fit, s | MLPClassifier, s | times faster | goal | epochs | accuracy | one row, µs |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in result["sets"]:
        ours, theirs, (low, high) = row["scratchwork"], row["scikit_learn"], row["ratio_range"]
        lines.append(
            f"| {row['set']} | {ours['seconds']:.3f} | {theirs['seconds']:.3f} | {row['ratio']:.2f} ({low:.2f} to {high:.2f}) "
            f"| {row['goal']:g} | {ours['epochs']:.0f} and {theirs['epochs']:.0f} "
            f"| {ours['accuracy']:.4f} and {theirs['accuracy']:.4f} | {ours['row']:.0f} and {theirs['row']:.0f} |"
        )
    return "\n".join([*lines, "", f"`benchmarks/speed_estimators.py`; {one_line(result['machine'])}."])


def tabular(result: dict[str, Any]) -> str:
    """Scores and seconds of RealMLP here and in pytabkit, and of scikit-learn's methods."""
    heads = [
        "table",
        "rows × columns",
        "splits",
        "RealMLP here",
        "pytabkit",
        "difference ± paired s.e.",
        "MLP",
        "trees",
        "linear",
    ]
    heads += ["fit here, s", "pytabkit, s", "share"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for row in result["sets"]:
        ours, theirs, *others = (row["methods"][name] for name in METHODS)
        cells = [row["set"], f"{row['rows']:,} × {row['columns']}", f"{row['splits']} × {row['seeds']}"]
        cells += [f"{method['score']:.4f} ± {method['standard_error']:.4f}" for method in (ours, theirs)]
        cells += [f"{row['difference']:+.4f} ± {row['paired_standard_error']:.4f}", *(f"{m['score']:.4f}" for m in others)]
        cells += [f"{ours['seconds']:.2f}", f"{theirs['seconds']:.2f}", f"{row['time_ratio']:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    within = sum(row["score_reached"] for row in result["sets"])
    faster = sum(row["time_reached"] for row in result["sets"])
    count = len(result["sets"])
    told = f"Score at least pytabkit's less its standard error: {within} of {count}; in less than half of its time: {faster}."
    return "\n".join([*lines, "", told, f"`benchmarks/tabular.py`; {one_line(result['machine'])}."])


def ensemble(result: dict[str, Any]) -> str:
    """Sixteen small networks at once beside one of them."""
    lines = [
        "| path, batch, epochs | one, ms | 16 in turn, ms | 16 at once, ms | at once / one | goal | in turn / at once |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in result["results"]:
        took = {side: 1e3 * seconds for side, seconds in row["seconds"].items()}
        lines.append(
            f"| {row['engine']}, {row['batch']}, {row['epochs']} | {took[row['best_of_one']]:.1f} | {took['in turn']:.0f} "
            f"| {took['at once']:.0f} | {row['at_once_by_one']:.1f} | < {result['goal']:g} | {row['in_turn_by_at_once']:.1f} |"
        )
    bagging = ", ".join(
        f"{seconds:.1f} s at batch {batch}" for batch, seconds in result["bagging_seconds"].items() if seconds is not None
    )
    told = f"BaggingClassifier(MLPClassifier) takes {bagging}." if bagging else ""
    return "\n".join([*lines, "", f"{told} `benchmarks/ensemble.py`; {one_line(result['machine'])}."])


def walkthrough(result: dict[str, Any]) -> str:
    """Pages: how large, how soon made, and what a browser says of them."""
    lines = ["| network | page | made in | wider than the screen | complaints | requests |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {row['page']} | {row['bytes'] / 1000:.0f} kB | {row['seconds']:.2f} s | {row['overflow']} px "
        f"| {row['console']} | {row['requests']} |"
        for row in result["pages"]
    ]
    widths = ", ".join(map(str, result["widths"]))
    told = f"In {result['browser']}, {widths} px wide, light and dark."
    return "\n".join([*lines, "", f"{told} `benchmarks/photographs.py`; {one_line(result['machine'])}."])


def doctor(result: dict[str, Any]) -> str:
    """Recall and right causes by condition, and the false alarms by name."""
    lines = ["| condition | runs | data sets | found | right cause first |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['condition']} {row['title']} | {row['runs']} | {row['sets']} | {row['recall']:.2f} "
        f"| {row['right_first']:.2f} |"
        for row in result["conditions"]
    ]
    lines.append(f"| all | {result['faulty_runs']} | | {result['recall']:.2f} | {result['right_first']:.2f} |")
    false, well = result["false_alarms"], result["healthy_runs"]
    told = f"False alarms: {len(false)} of {well} healthy runs ({len(false) / max(well, 1):.1%})"
    told += "".join(f"; {name[3:]}: {', '.join(codes)}" for name, codes in false.items())
    half = f"The {result['half']} half, {result['seconds']:.0f} s in all"
    return "\n".join([*lines, "", f"{told}. {half}. `benchmarks/doctor`; {one_line(result['machine'])}."])


def doctor_cost(result: dict[str, Any]) -> str:
    """The same training with the doctor and without."""
    lines = [
        "| network | path | epochs | without, s | with / without | in processor time | bits |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['run']} | {row['engine']} | {row['epochs']:,} | {row['seconds_without']:.2f} | {row['ratio']:.3f} "
        f"| {row['ratio_of_processor_time']:.3f} | {'the same' if row['same_bits'] else 'OTHERS'} |"
        for row in result["results"]
    ]
    return "\n".join(
        [*lines, "", f"Goal: at most {result['goal']:g}. `benchmarks/doctor_cost.py`; {one_line(result['machine'])}."]
    )


def grading(result: dict[str, Any]) -> str:
    """Mistakes found and named, and complaints about correct programs, by style."""
    lines = [
        "| style | mistakes | found | right diagnosis | correct programs | complaints | s a program |",
        "|---|---|---|---|---|---|---|",
    ]
    for style, row in result["styles"].items():
        found, right = (f"{row[key]} ({row[key] / max(row['mistakes'], 1):.0%})" for key in ("found", "right_diagnosis"))
        each = f"{row['seconds'] / max(row['files'], 1):.1f}"
        lines.append(f"| {style} | {row['mistakes']} | {found} | {right} | {row['correct']} | {row['complaints']} | {each} |")
    return "\n".join([*lines, "", f"The {result['half']} half. `benchmarks/grading`; {one_line(result['machine'])}."])


METHODS = ("scratchwork", "pytabkit", "MLP", "HistGradientBoosting", "linear")
Table = tuple[str, Callable[[dict[str, Any]], str]]
PAGES: dict[str, dict[str, Table]] = {
    "README.md": {
        "speed": ("speed_numpy.json", speed),
        "compiled": ("speed_compiled.json", compiled),
        "latency": ("latency.json", latency),
        "accuracy": ("mnist_accuracy.json", accuracy),
    },
    "docs/estimators.md": {
        "estimators": ("speed_estimators.json", estimators),
        "ensemble": ("ensemble.json", ensemble),
    },
    "docs/export.md": {"exports": ("export_latency.json", latency)},
    "docs/walkthrough.md": {"walkthrough": ("walkthrough.json", walkthrough)},
    "docs/doctor.md": {
        "doctor": ("doctor.json", doctor),
        "doctor_first": ("doctor_first_look.json", doctor),
        "doctor_cost": ("doctor_cost.json", doctor_cost),
    },
    "docs/grade.md": {"grading": ("grading.json", grading), "grading_first": ("grading_first_look.json", grading)},
    "docs/tabular.md": {"tabular": ("tabular.json", tabular)},
}
"""The tables of each page: their names, the results they are made from, and what makes them."""


def with_tables(text: str, page: str) -> str:
    """`text` with every marked table made anew."""
    for name, (file, table) in PAGES[page].items():
        made = table(json.loads((RESULTS / file).read_text(encoding="utf-8")))
        begin, end = f"<!-- table: {name} -->", "<!-- end of table -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        assert pattern.search(text), f"{page} has no place {begin}"
        text = pattern.sub(lambda _, made=made, begin=begin, end=end: f"{begin}\n{made}\n{end}", text)
    return text


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check, changed = parser.parse_args().check, False
    for page in PAGES:
        before = (ROOT / page).read_text(encoding="utf-8")
        after = with_tables(before, page)
        changed |= after != before
        if not check:
            (ROOT / page).write_text(after, encoding="utf-8")
    return int(check and changed)


if __name__ == "__main__":
    sys.exit(main())
