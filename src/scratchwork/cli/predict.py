"""`scratchwork predict MODEL DATA`: predictions as CSV, or one row in detail."""

import argparse
import contextlib
import csv
import io
import sys
from collections.abc import Iterator
from typing import Any, TextIO

import numpy as np

from ..arrays import Array
from ..data import Dataset
from ..errors import ConfigurationError, DataError, ScratchworkError
from ..model import Model
from ..storage.files import atomic_write
from .arguments import checked
from .building import CLASSES, Part, plain_labels
from .models import PART_NAMES, choose_part, load_for, load_model
from .report import amounts, check_columns, class_confidence
from .settings import SettingsError, name_in, whole

DESCRIPTION = """Predict with a saved model, row by row, as CSV: the row's number from 0 and
the prediction, with --proba also the probability of every class. It goes to
the terminal, or with --out to a file, which is there whole or not at all.

A CSV file may hold the target or not; columns are found by the names that
they had in training. --row shows one row in detail: its picture as text where
rows are images, and what the model makes of it."""

EPILOG = """examples:
  scratchwork predict runs/flowers-1 new.csv --out predictions.csv --proba
  scratchwork predict runs/digits-1 digits --part test | head
  scratchwork predict runs/digits-1 digits --row 3
  scratchwork predict runs/digits-1 digits --row 3 --picture three.png"""

ROWS_AT_A_TIME = 4096


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL, DATA and where to."""
    parser.add_argument("model", metavar="MODEL", help="a model file, or the folder of a run")
    parser.add_argument("data", metavar="DATA", help="a built-in set or a path")
    parser.add_argument("--out", metavar="FILE", help="write CSV to this file (default: print it)")
    parser.add_argument("--proba", action="store_true", help="a column with the probability of each class too")
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
    if options.row is not None and (options.out is not None or options.proba):
        raise SettingsError("--row shows one row; --out and --proba are for all of them")
    model = load_model(options.model)
    if options.proba and model.task not in CLASSES:
        raise ConfigurationError("--proba: a model that predicts numbers has no probabilities")
    dataset = _load(model, options.data, options.data_dir, one_row=options.row is not None)
    check_columns(model, dataset)
    part, _ = choose_part(model, dataset, options.part or ("all" if dataset.x_test is None else "test"))
    if options.row is not None:
        return _show_row(model, dataset, part, options)
    if options.out is None:
        _write(sys.stdout, model, part.x, proba=options.proba)
        return 0
    with atomic_write(options.out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        _write(file, model, part.x, proba=options.proba)
    print(f"{len(part):,} predictions in {options.out}")
    return 0


def _load(model: Model, name: str, data_dir: str | None, *, one_row: bool) -> Dataset:
    """The rows; for one row in detail with its answer, where the data holds it."""
    if one_row:
        with contextlib.suppress(ScratchworkError):
            return load_for(model, name, data_dir=data_dir)
    return load_for(model, name, data_dir=data_dir, with_target=False)


def _write(file: TextIO, model: Model, x: Array, *, proba: bool) -> None:
    writer = csv.writer(file, lineterminator="\n")
    names = [str(label) for label in model.labels or []]
    outputs = model.network.out_shape[0]
    if model.task == "regression" and outputs > 1:
        writer.writerow(["row", *(f"prediction{i}" for i in range(outputs))])
    else:
        writer.writerow(["row", "prediction", *([f"p_{name}" for name in names] if proba else [])])
    for number, cells in enumerate(_predicted(model, x, proba=proba)):
        writer.writerow([number, *cells])


def _predicted(model: Model, x: Array, *, proba: bool) -> Iterator[list[Any]]:
    for start in range(0, len(x), ROWS_AT_A_TIME):
        rows = x[start : start + ROWS_AT_A_TIME]
        said = model.predict(rows)
        chances = model.predict_proba(rows) if proba else None
        for index in range(len(rows)):
            cells = [_cell(value) for value in np.atleast_1d(said[index])]
            yield cells if chances is None else [*cells, *(_cell(value) for value in chances[index])]


def _cell(value: Any) -> Any:
    """A number as short as tells it from its float32 neighbours; labels as they are."""
    return f"{value:.9g}" if isinstance(value, float | np.floating) else value


def _show_row(model: Model, dataset: Dataset, part: Part, options: argparse.Namespace) -> int:
    from .. import pictures

    if options.row >= len(part):
        raise DataError(f"there is no row {options.row}: {dataset.name} has {len(part):,} rows, numbered from 0")
    x = part.x[options.row : options.row + 1]
    truth = _truth(model, dataset, part, options.row)
    image = dataset.image_shape
    out = io.StringIO()
    if image is not None:
        print(pictures.text_image(x[0], image_shape=image, width=76), "", sep="\n", file=out)
    else:
        pairs = [f"{name} {value:g}" for name, value in zip(dataset.feature_names, x[0].tolist(), strict=True)]
        print(", ".join(pairs[:12]) + (", ..." if len(pairs) > 12 else ""), "", sep="\n", file=out)
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


def _show_classes(model: Model, x: Array, truth: Any, out: TextIO) -> None:
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


def _truth(model: Model, dataset: Dataset, part: Part, row: int) -> Any:
    """The label or number of a row in the terms of the model; None where it is not known."""
    if dataset.y is None or part.y.ndim != 1:
        return None
    if model.task not in CLASSES:
        return float(amounts(dataset, part.y)[row])
    if dataset.labels is None:
        return None
    label = plain_labels(dataset.labels)[int(part.y[row])]
    return label if label in (model.labels or []) else None
