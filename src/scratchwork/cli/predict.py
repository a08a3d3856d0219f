"""`scratchwork predict MODEL DATA`: predictions as CSV, or one row in detail."""

import argparse
import csv
import gzip
import io
import itertools
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from .. import data
from ..data import AnyData, Table
from ..data.arrow_files import need_pyarrow
from ..errors import ConfigurationError, DataError, ScratchworkError
from ..model import Model
from ..storage.files import atomic_write
from .arguments import checked
from .building import CLASSES, Part
from .models import PART_NAMES, choose_part, is_built_in, load_for, load_model
from .report import amounts, as_known, cell_text, check_columns, class_confidence
from .settings import SettingsError, name_in, whole, words

DESCRIPTION = """Predict with a saved model, row by row, as CSV: the row's number from 0 and
the prediction, with --proba also the probability of every class. It goes to
the terminal, or with --out to a file, which is there whole or not at all.

A table may hold the target or not; columns are found by the names that they
had in training, whatever their order, and others are ignored. --keep copies
some of them to the output. --row shows one row in detail: its picture as text
where rows are images, and what the model makes of it."""

EPILOG = """examples:
  scratchwork predict runs/people-1 new.csv --keep id --out predictions.csv
  scratchwork predict runs/flowers-1 new.csv --out predictions.parquet --proba
  scratchwork predict runs/digits-1 digits --part test | head
  scratchwork predict runs/digits-1 digits --row 3
  scratchwork predict runs/digits-1 digits --row 3 --picture three.png"""

ROWS_AT_A_TIME = 4096


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL, DATA and where to."""
    parser.add_argument("model", metavar="MODEL", help="a model file, or the folder of a run")
    parser.add_argument("data", metavar="DATA", help="a built-in set or a path")
    parser.add_argument("--out", metavar="FILE", help="write to this file: CSV, or .csv.gz, or .parquet (default: print CSV)")
    parser.add_argument("--proba", action="store_true", help="a column with the probability of each class too")
    parser.add_argument(
        "--keep", type=checked(words), metavar="A,B,...", help="columns of the table to copy to the output, such as its id"
    )
    parser.add_argument(
        "--part", type=checked(name_in(PART_NAMES, "part")), default=None, metavar="PART",
        help="auto, test, train or all; auto takes the rows held out from training (default all)",
    )  # fmt: skip
    parser.add_argument("--row", type=checked(whole(0)), metavar="N", help="show this row in detail, from 0")
    parser.add_argument("--picture", metavar="FILE.png", help="with --row: draw it with its prediction")
    parser.add_argument("--data-dir", metavar="FOLDER", help="where mnist and cifar10 are looked for first")


def run(options: argparse.Namespace) -> int:
    """Write predictions, or show one."""
    if options.picture is not None and options.row is None:
        raise SettingsError("--picture needs --row N, the row to draw")
    if options.row is not None and (options.out is not None or options.proba or options.keep):
        raise SettingsError("--row shows one row; --out, --proba and --keep are for all of them")
    model = load_model(options.model)
    if options.proba and model.task not in CLASSES:
        raise ConfigurationError("--proba: a model that predicts numbers has no probabilities")
    if options.row is not None:
        return _show_row(model, options)
    split = options.part in ("train", "test")  # which rows were held out is found by their targets
    dataset = load_for(model, options.data, data_dir=options.data_dir, with_target=split)
    check_columns(model, dataset)
    part, _ = choose_part(model, dataset, options.part or ("all" if dataset.x_test is None else "test"))
    warn(model, part.x)
    names = _columns(model, proba=options.proba)
    ending = "" if options.out is None else Path(options.out).suffix.lower()
    kept = _kept(options.data, options.keep, names, part, typed=ending == ".parquet") if options.keep else {}
    if options.out is None:
        _write(sys.stdout, model, part.x, kept, proba=options.proba)
        return 0
    with atomic_write(options.out) as temporary:
        if ending == ".parquet":
            _write_parquet(temporary, model, part.x, kept, proba=options.proba)
        else:
            opened: Any = gzip.open if ending == ".gz" else open
            with opened(temporary, "wt", encoding="utf-8", newline="") as file:
                _write(file, model, part.x, kept, proba=options.proba)
    print(f"{len(part):,} predictions in {options.out}")
    return 0


def warn(model: Model, rows: Any) -> None:
    """Say on stderr where rows are not like those that the model was trained on; a model of an older version knows none."""
    if model.profile is None or sys.stderr is None or not len(rows):
        return
    for finding in model.check(rows).findings:
        print(f"scratchwork: {finding.line()}", file=sys.stderr)


def _kept(name: str, keep: Sequence[str], taken: list[str], part: Part, *, typed: bool) -> dict[str, Any]:
    """Columns of the input as they stand there, or `typed` as arrays; for the rows of the part."""
    if is_built_in(name) or not Path(name).is_file() or Path(name).suffix == ".npz":
        raise SettingsError(f"--keep copies columns of a table in a file, and {name} is none")
    columns: dict[str, Any] = data.raw_columns(name, keep)
    if typed:
        table = data.read_table(name, header=data.column_names(name, keep)[1])
        columns = {column: table[column][part.rows] for column in columns}
    else:
        columns = {column: [cells[row] for row in part.rows] for column, cells in columns.items()}
    twice = [column for column in columns if column in ("row", *taken)]
    if twice:
        raise SettingsError(f"--keep {twice[0]}: the output has a column of that name already; leave it out or rename it")
    return columns


def _columns(model: Model, *, proba: bool) -> list[str]:
    """The names of the columns of predictions."""
    outputs = model.network.out_shape[0]
    if model.task == "regression" and outputs > 1:
        return [f"prediction{i}" for i in range(outputs)]
    return ["prediction", *([f"p_{label}" for label in model.labels or []] if proba else [])]


def _write(file: TextIO, model: Model, x: Any, kept: dict[str, Any], *, proba: bool) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["row", *kept, *_columns(model, proba=proba)])
    cells = zip(*kept.values(), strict=True) if kept else itertools.repeat(())
    for number, (said, beside) in enumerate(zip(_predicted(model, x, proba=proba), cells, strict=False)):
        writer.writerow([number, *beside, *said])


def _write_parquet(path: Path, model: Model, x: Any, kept: dict[str, Any], *, proba: bool) -> None:
    pyarrow = need_pyarrow("writing Parquet")
    said = model.predict(x)
    columns: dict[str, Any] = {"row": np.arange(len(said))}
    columns |= {name: pyarrow.array(values, from_pandas=True) for name, values in kept.items()}
    given = [*(said.T if said.ndim == 2 else [said]), *(model.predict_proba(x).T if proba else [])]
    columns |= dict(zip(_columns(model, proba=proba), map(pyarrow.array, given), strict=True))
    pyarrow.parquet.write_table(pyarrow.table(columns), path)


def _predicted(model: Model, x: Any, *, proba: bool) -> Iterator[list[Any]]:
    for start in range(0, len(x), ROWS_AT_A_TIME):
        rows = _slice(x, start, start + ROWS_AT_A_TIME)
        said = model.predict(rows)
        chances = model.predict_proba(rows) if proba else None
        for index in range(len(rows)):
            cells = [_cell(value) for value in np.atleast_1d(said[index])]
            yield cells if chances is None else [*cells, *(_cell(value) for value in chances[index])]


def _slice(x: Any, start: int, end: int) -> Any:
    """Some rows of an array or a Table."""
    return x.take(slice(start, end)) if isinstance(x, Table) else x[start:end]


def _cell(value: Any) -> Any:
    """A number as short as tells it from its float32 neighbours; labels as they are."""
    return f"{value:.9g}" if isinstance(value, float | np.floating) else value


def _one_row(model: Model, options: argparse.Namespace) -> tuple[AnyData, Part, int]:
    """The data with its answers where it holds them, its part, and the place of the row in it."""
    for with_target in (True, False):
        try:
            dataset = load_for(model, options.data, data_dir=options.data_dir, with_target=with_target)
        except ScratchworkError:
            if with_target:
                continue
            raise
        check_columns(model, dataset)
        part, _ = choose_part(model, dataset, options.part or ("all" if dataset.x_test is None else "test"))
        if dataset.rows is None:
            break
        place = np.flatnonzero(part.rows == options.row)
        if len(place):  # else it is one of those that have no target
            return dataset, part, int(place[0])
    if options.row >= len(part):
        raise DataError(f"there is no row {options.row}: {dataset.name} has {len(part):,} rows, numbered from 0")
    return dataset, part, options.row


def _values(dataset: AnyData, x: Any) -> list[str]:
    """The cells of one row, each with its name."""
    if isinstance(x, Table):
        return [f"{name} {cell_text(x, name, 0)}" for name in x.names]
    return [f"{name} {value:g}" for name, value in zip(dataset.feature_names, x[0].tolist(), strict=True)]


def _show_row(model: Model, options: argparse.Namespace) -> int:
    from .. import pictures

    dataset, part, row = _one_row(model, options)
    x = _slice(part.x, row, row + 1)
    warn(model, x)
    truth = _truth(model, dataset, part, row)
    image = dataset.image_shape
    if options.picture is not None and isinstance(x, Table):
        raise ConfigurationError("--picture draws images and rows of numbers; this model takes a table")
    out = io.StringIO()
    if image is not None:
        print(pictures.text_image(x[0], image_shape=image, width=76), "", sep="\n", file=out)
    else:
        pairs = _values(dataset, x)
        text = ", ".join(pairs[:12]) + (", ..." if len(pairs) > 12 else "")
        print(textwrap.fill(text, 80) if isinstance(x, Table) else text, "", sep="\n", file=out)
    if model.task not in CLASSES:
        numbers = ", ".join(f"{value:g}" for value in np.atleast_1d(model.predict(x)[0]))
        print(f"prediction {numbers}" + ("" if truth is None else f"   truth {truth:g}"), file=out)
        if options.picture is not None:
            raise ConfigurationError("--picture draws classes; this model predicts numbers")
    else:
        _show_classes(model, x, truth, out)
    if options.picture is not None:
        confidence = class_confidence(model, model.scores(x))[0]
        shown = x[0].reshape(image) if image is not None else x
        number = None if truth is None or model.labels is None else model.labels.index(truth)
        figure = pictures.digit_picture(shown, confidence, model.labels, number)
        pictures.save_picture(figure, options.picture)
        print(f"\npicture in {options.picture}", file=out)
    print(out.getvalue(), end="")
    return 0


def _show_classes(model: Model, x: Any, truth: Any, out: TextIO) -> None:
    """A bar per class, the likeliest ten where there are more."""
    confidence = class_confidence(model, model.scores(x))[0]
    labels = [str(label) for label in model.labels or range(len(confidence))]
    order = np.sort(np.argsort(-confidence, kind="stable")[:10])
    wide = max(len(labels[number]) for number in order)
    longest = float(max(confidence.max(), 1e-12))
    for number in order:
        bar = "█" * max(0, round(30 * float(confidence[number]) / longest))
        print(f"{labels[number]:>{wide}}  {confidence[number]:8.4f}  {bar}".rstrip(), file=out)
    said = model.predict(x)[0]
    verdict = "" if truth is None else (", which is right" if said == truth else f"; it is {truth}")
    print(f"\nprediction {said}{verdict}", file=out)


def _truth(model: Model, dataset: AnyData, part: Part, row: int) -> Any:
    """The label or number of a row in the terms of the model; None where it is not known."""
    if dataset.y is None or part.y.ndim != 1:
        return None
    if model.task not in CLASSES:
        return float(amounts(dataset, part.y)[row])
    if dataset.labels is None:
        return None
    label = as_known(dataset.labels, model.labels)[int(part.y[row])]
    return label if label in (model.labels or []) else None
