"""`scratchwork data`: the built-in sets, or what is in a file."""

import argparse
import textwrap

import numpy as np

from .. import data
from ..arrays import Array
from ..data import AnyData, Dataset, TableData
from ..data.kinds import missing_in
from .arguments import checked
from .report import cell_text
from .settings import name_in, whole
from .summary import describe, left_out
from .tables import SET_LINES, TASK_NAMES

DESCRIPTION = """Without an argument, list the built-in sets. With one, read the data and
describe it: rows, features, classes, ranges, and one row; of a table what kind
each column is and what is missing in it; of images a picture as text. What
cannot be read is said in one sentence, with line and column for CSV."""

EPILOG = """examples:
  scratchwork data
  scratchwork data digits --row 7
  scratchwork data people.csv --target income"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """DATA and how to read it."""
    parser.add_argument("data", metavar="DATA", nargs="?", help="a built-in set or a path")
    parser.add_argument("--target", metavar="COLUMN", help="the column of a table to predict")
    parser.add_argument(
        "--task", type=checked(name_in(TASK_NAMES, "task")), default="auto", metavar="TASK",
        help="what the target is: auto, classification or regression (default auto)",
    )  # fmt: skip
    parser.add_argument("--row", type=checked(whole(0)), default=0, metavar="N", help="the row that is shown (default 0)")
    parser.add_argument("--data-dir", metavar="FOLDER", help="where mnist and cifar10 are looked for first")


def run(options: argparse.Namespace) -> int:
    """List, or describe one."""
    if options.data is None:
        wide = max(map(len, data.BUILT_IN))
        for name in data.BUILT_IN:
            print(f"{name:<{wide}}  {SET_LINES.get(name, '')}".rstrip())
        return 0
    dataset = data.load_data(options.data, target=options.target, task=options.task, data_dir=options.data_dir)
    print(text(dataset, options.row))
    return 0


def text(dataset: AnyData, row: int) -> str:
    """A description in lines of at most 80 characters."""
    lines = [describe(dataset)]
    if dataset.source:
        lines += textwrap.wrap(dataset.source, 79, initial_indent="source    ", subsequent_indent=" " * 10)
    if dataset.x_test is not None:
        lines.append(f"parts     {len(dataset.x):,} rows to train on, {len(dataset.x_test):,} to test on")
    lines += left_out(dataset)
    if isinstance(dataset, Dataset) and dataset.x.size:
        x = dataset.x
        finite = x[np.isfinite(x)]
        lines.append(f"x         {x.dtype}, from {finite.min():g} to {finite.max():g}, mean {finite.mean():.4g}")
    if dataset.y is not None and dataset.labels is not None:
        lines += ["", *_classes(dataset)]
    elif dataset.y is not None and dataset.y.size:
        y = dataset.y
        lines.append(f"y         {dataset.target_name}: from {y.min():g} to {y.max():g}, mean {y.mean():.4g}")
    if isinstance(dataset, TableData):
        lines += ["", *_table_columns(dataset, row)]
    elif dataset.image_shape is None and dataset.x.size:
        lines += ["", *_columns(dataset)]
    if isinstance(dataset, Dataset) and row < len(dataset):
        lines += ["", *_one_row(dataset, row)]
    return "\n".join(lines)


def _classes(dataset: AnyData) -> list[str]:
    assert dataset.labels is not None
    counts = np.bincount(np.asarray(dataset.y), minlength=len(dataset.labels))
    shown = [f"{_cut(label, 20)} {count:,}" for label, count in zip(dataset.labels, counts, strict=True)]
    lines, line = [], "classes  "
    for index, entry in enumerate(shown):
        if len(line) + len(entry) + 2 > 78:
            lines.append(line)
            line = " " * 9
            if len(lines) == 6:
                return [*lines, f"          and {len(shown) - index} more"]
        line += f" {entry}" + ("," if index + 1 < len(shown) else "")
    return [*lines, line]


def _columns(dataset: Dataset) -> list[str]:
    wide = min(30, max(len(name) for name in dataset.feature_names))
    lines = [f"{'feature':<{max(wide, 7)}} {'least':>12} {'mean':>12} {'largest':>12}"]
    for index, name in enumerate(dataset.feature_names[:12]):
        column = dataset.x[:, index]
        numbers = (column.min(), column.mean(dtype=np.float64), column.max())
        lines.append(f"{_cut(name, wide):<{max(wide, 7)}} " + " ".join(f"{number:>12.5g}" for number in numbers))
    if len(dataset.feature_names) > 12:
        lines.append(f"and {len(dataset.feature_names) - 12} more")
    return lines


def _table_columns(dataset: TableData, row: int) -> list[str]:
    """Kind, missing values and range of every column, and a value of it."""
    place = row if row < len(dataset) else 0
    shown = dataset.x.names[:40]
    cells = [("column", "kind", "missing", "values", f"row {place}")]
    for name in shown:
        column, kind = dataset.x[name], dataset.x.kind(name)
        gaps = missing_in(column)
        known = column[~gaps]
        cells.append(
            (
                _cut(" ".join(name.split()), 24),
                kind,
                f"{np.count_nonzero(gaps):,}",
                _range(known, kind),
                cell_text(dataset.x, name, place),
            )
        )
    wide = [max(len(line[i]) for line in cells) for i in range(4)]
    lines = [
        _cut(f"{name:<{wide[0]}}  {kind:<{wide[1]}}  {gaps:>{wide[2]}}  {values:<{min(wide[3], 30)}}  {one}".rstrip(), 80)
        for name, kind, gaps, values, one in cells
    ]
    more = len(dataset.x.names) - len(shown)
    return lines + ([f"and {more} more"] if more else [])


def _range(known: Array, kind: str) -> str:
    """From the least to the largest, or how many different ones."""
    if not len(known):
        return "none"
    if kind == "category":
        count = len(set(known.tolist()))
        return f"{count:,} different"
    if kind == "boolean":
        return f"{np.count_nonzero(known):,} yes, {np.count_nonzero(known == 0):,} no"
    if kind == "date":
        return f"{str(known.min())[:10]} to {str(known.max())[:10]}"
    return f"{known.min():g} to {known.max():g}"


def _one_row(dataset: Dataset, row: int) -> list[str]:
    answer = ""
    if dataset.y is not None:
        value = dataset.y[row]
        answer = f", {dataset.target_name} {dataset.labels[int(value)] if dataset.labels is not None else value}"
    title = f"row {row}{answer}"
    if dataset.image_shape is not None:
        from ..pictures import text_image

        return [
            title,
            *(
                f"  {line}".rstrip()
                for line in text_image(dataset.x[row], image_shape=dataset.image_shape, width=60).split("\n")
            ),
        ]
    values = ", ".join(f"{value:g}" for value in dataset.x[row, :12].tolist())
    return [f"{title}: {values}" + (", ..." if dataset.x.shape[1] > 12 else "")]


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
