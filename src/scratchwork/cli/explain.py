"""`scratchwork explain`: one row of data through a saved model with every number, or what one name of the library means."""

import argparse
import re
import textwrap
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..data import AnyData, Table
from ..errors import ConfigurationError, DataError, ScratchworkError, StorageError
from ..layers import BatchNorm
from ..losses import LOSSES
from ..model import Model
from ..optimizers import Adam
from ..sequential import Sequential
from .arguments import checked, shorter
from .building import CLASSES, fit_settings
from .manifest import find_run
from .models import PART_NAMES, choose_part, load_any, load_for
from .report import amounts, as_known, check_columns
from .runs import CONFIG, MODEL
from .settings import Settings, SettingsError, flag_of, name_in, optional, real, whole
from .tables import LEARNING_RATES, OPTIMIZER_NAMES, SHORT_LOSSES

DESCRIPTION = """Show the work. With MODEL and DATA: one row goes through the network, and a
page shows every step with this row's numbers, forward, the loss, backward,
and the update of the parameters. The page is one file that needs no network
and no script; --text prints the same for a terminal, --quiz hides every result
until you have computed it yourself.

With a NAME (a layer, loss, optimizer or initializer, such as Dense): its
equations, an example with numbers, and its gradient check, in the terminal.

The loss and the optimizer are those that the model was trained with, where it
knows them; otherwise the command says what it took. Rows without answers are
shown as far as the prediction."""

EPILOG = """examples:
  scratchwork explain runs/digits-1 digits --row 3
  scratchwork explain runs/digits-1 digits --row 3 --neuron 0:7 --out three.html
  scratchwork explain runs/flowers-1 flowers.csv --text | less
  scratchwork explain runs/flowers-1 flowers.csv --quiz
  scratchwork explain Dense
  scratchwork explain SoftmaxCrossEntropy --out softmax.html"""

BATCH = 32
"""Rows that batch statistics are taken over, where the network has any."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL and DATA, or NAME; which row, and how it is shown."""
    parser.add_argument("model", metavar="MODEL|NAME", help="a model file or the folder of a run; or a name such as Dense")
    parser.add_argument("data", metavar="DATA", nargs="?", help="a built-in set or a path")
    parser.add_argument("--row", type=checked(whole(0)), default=None, metavar="N", help="which row, from 0 (default 0)")
    parser.add_argument("--out", metavar="FILE", help="the page (default: row-N.html beside the model); .txt: as text")
    parser.add_argument("--force", action="store_true", help="overwrite the file that --out names")
    parser.add_argument("--text", action="store_true", help="print it, in 80 columns")
    parser.add_argument("--quiz", action="store_true", help="hide the results: compute them first, then look")
    parser.add_argument(
        "--neuron", type=checked(place_of_neuron), metavar="LAYER:INDEX",
        help="for images: the neuron whose weights are drawn, such as 0:7 (default 0:0)",
    )  # fmt: skip
    parser.add_argument(
        "--loss", type=checked(name_in(LOSSES, "loss", SHORT_LOSSES)), metavar="NAME", help="another loss than in training"
    )
    parser.add_argument(
        "--optimizer", type=checked(name_in(OPTIMIZER_NAMES, "optimizer")), metavar="NAME", help="another optimizer"
    )
    parser.add_argument(
        "--learning-rate", type=checked(optional(real(0, above=True))), metavar="R", help="another learning rate"
    )
    parser.add_argument(
        "--batch-size", type=checked(whole(1)), metavar="N",
        help=f"rows in the batch, from the row on (default 1, or {BATCH} where the network normalizes over the batch)",
    )  # fmt: skip
    parser.add_argument("--target", metavar="COLUMN", help="the column of a table that holds the answers (as in training)")
    parser.add_argument(
        "--part", type=checked(name_in(PART_NAMES, "part")), default=None, metavar="PART",
        help="auto, test, train or all; auto takes the rows held out from training (default all)",
    )  # fmt: skip
    parser.add_argument("--data-dir", metavar="FOLDER", help="where mnist and cifar10 are looked for first")


def place_of_neuron(value: Any) -> tuple[str, int]:
    """(layer, index) from "0:7", or from "0.1:7" for a layer inside another."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})*):(\d{1,9})", str(value).strip())
    if match is None:
        raise SettingsError(f"a layer and a neuron of it, both from 0, are needed, such as 0:7; received {value!r}")
    return match[1], int(match[2])


def run(options: argparse.Namespace) -> int:
    """Explain a name, or one row of data."""
    if options.data is None:
        return _explain_name(options)
    from .. import explain

    if options.text and options.out is not None:
        raise SettingsError("--text prints, --out writes a file: leave one out (a FILE.txt holds the text)")
    thing, path = load_any(options.model)
    rows = _rows(thing, options)
    how = _how(thing, path, rows, options)
    out = None if options.text else chosen_file(options.out, path, rows.row, force=options.force)
    told = explain.walkthrough(
        thing,
        rows.x,
        rows.y,
        loss=how.loss,
        optimizer=how.optimizer,
        regularizer=how.regularizer,
        constraint=how.constraint,
        row=rows.place,
        neuron=options.neuron,
        quiz=options.quiz,
        called=f"Row {rows.row} of {rows.name}",
    )
    if out is None:
        print(told.text(), end="")
        return 0
    told.save(out)
    print(f"row {rows.row} of {rows.name}: {shorter(out)}, {out.stat().st_size:,} bytes")
    print("\n".join(textwrap.fill(line, 80, subsequent_indent=" " * 11) for line in how.said.split("\n")))
    return 0


def _explain_name(options: argparse.Namespace) -> int:
    from ..explain import Walkthrough
    from ..explain.subjects import document_about, is_subject

    path = Path(options.model)
    if path.exists() and not is_subject(options.model):
        raise SettingsError(f"{path} is a {'folder' if path.is_dir() else 'file'}: give DATA too, of which a row is shown")
    alone = ("row", "neuron", "loss", "optimizer", "learning_rate", "batch_size", "target", "part", "data_dir")
    wrong = next((name for name in alone if getattr(options, name) is not None), None)
    if wrong is not None:
        raise SettingsError(f"{flag_of(wrong)} needs a model and DATA: scratchwork explain MODEL DATA {flag_of(wrong)} ...")
    told = Walkthrough(document_about(options.model), quiz=options.quiz)
    if options.out is None:
        print(told.text(), end="")
        return 0
    if options.text:
        raise SettingsError("--text prints, --out writes a file: leave one out (a FILE.txt holds the text)")
    out = checked_file(Path(options.out), force=options.force)
    told.save(out)
    print(f"{told.document.title} in {shorter(out)}, {out.stat().st_size:,} bytes")
    return 0


def chosen_file(asked: str | None, model: Path, row: int, *, force: bool) -> Path:
    """The file that was asked for, or one beside the model whose name is free."""
    if asked is not None:
        return checked_file(Path(asked), force=force)
    stem = f"row-{row}" if model.name == "model.safetensors" else f"{model.stem}-row-{row}"
    path = model.with_name(f"{stem}.html")
    number = 1
    while path.exists() and not force:
        number += 1
        path = model.with_name(f"{stem}-{number}.html")
    return path


def checked_file(path: Path, *, force: bool) -> Path:
    """The path, where nothing is overwritten that nobody gave up."""
    if path.exists() and not path.is_dir() and not force:
        raise StorageError(f"{path} is there already: give another --out, or --force to overwrite it")
    return path


@dataclass(frozen=True)
class Rows:
    """The batch that goes through the network: raw rows, their answers, and the place of the one that is shown."""

    x: Any
    y: Any
    place: int
    row: int
    name: str


def _rows(thing: Model | Sequential, options: argparse.Namespace) -> Rows:
    model = thing if isinstance(thing, Model) else Model(thing)
    try:
        dataset = load_for(model, options.data, target=options.target, data_dir=options.data_dir)
    except ScratchworkError:
        if options.target is not None:
            raise
        dataset = load_for(model, options.data, data_dir=options.data_dir, with_target=False)
    check_columns(model, dataset)
    part, which = choose_part(model, dataset, options.part or ("all" if dataset.x_test is None else "test"))
    row = options.row or 0
    places = np.flatnonzero(part.rows == row) if dataset.rows is not None else np.arange(len(part))[row : row + 1]
    if not len(places):
        missing = row < (int(dataset.rows[-1]) if dataset.rows is not None and len(dataset.rows) else 0)
        why = "it has no answer in the target's column" if missing else f"there are {len(part):,}, numbered from 0"
        raise DataError(f"{dataset.name} has no row {row} to show: {why}")
    place = int(places[0])
    name = dataset.name if options.part in (None, "all") else f"{dataset.name}, {which}"
    network = model.network
    size = options.batch_size or (BATCH if any(isinstance(layer, BatchNorm) for layer in network.leaves()) else 1)
    start = max(0, min(place, len(part) - size))
    wanted = np.arange(start, min(start + size, len(part)))
    x = part.x.take(wanted) if isinstance(part.x, Table) else part.x[wanted]
    y = None if dataset.y is None else _answers(thing, dataset, part.y[wanted])
    return Rows(x, y, place - start, row, name)


def _answers(thing: Model | Sequential, dataset: AnyData, y: Any) -> Any:
    """The targets in the terms of the model: names of classes, amounts, or class numbers for a bare network."""
    if not isinstance(thing, Model):
        return y
    if thing.task not in CLASSES:
        return amounts(dataset, y)
    if dataset.labels is None:
        raise ConfigurationError(f"the model tells classes apart, and the target {dataset.target_name!r} is numbers")
    return np.array(as_known(dataset.labels, thing.labels))[y]


@dataclass(frozen=True)
class How:
    """What the row is trained with, and the lines that tell where it comes from."""

    loss: Any
    optimizer: Any
    regularizer: Any
    constraint: Any
    said: str


def _how(thing: Model | Sequential, path: Path, rows: Rows, options: argparse.Namespace) -> How:
    """The loss, the optimizer and the penalties: those of the run, those that were asked for, or the usual ones."""
    from ..explain import likely_loss, remade

    record = thing.record if isinstance(thing, Model) else {}
    if rows.y is None:
        return How(None, None, None, None, "There are no answers in it: the page shows the forward alone.")
    settings = _settings_of(path)
    asked = None if options.loss is None else LOSSES[options.loss]()
    learned = remade(record.get("loss"))
    loss = asked or learned or likely_loss(thing, rows.y)
    known = "as asked for" if asked else "as in training" if learned else "which suits it: the model does not say its own"
    said = [f"loss       {loss!r}, {known}"]
    optimizer, known = _optimizer(record, options)
    said.append(f"optimizer  {optimizer!r}, {known}")
    fitting = {} if settings is None else fit_settings(settings, loss, None)
    regularizer, constraint = fitting.get("regularizer"), fitting.get("constraint")
    if regularizer is not None or constraint is not None:
        penalties = ", ".join(repr(one) for one in (regularizer, constraint) if one is not None)
        said.append(f"penalties  {penalties}, as in training")
    return How(loss, optimizer, regularizer, constraint, "\n".join(said))


def _settings_of(path: Path) -> Settings | None:
    """The settings of the run that the model lies in; None for a model of another origin."""
    if path.name != MODEL or not (path.parent / CONFIG).is_file():
        return None
    try:
        return find_run(str(path.parent)).request.settings
    except ScratchworkError:  # a config.json of something else
        return None


def _optimizer(record: dict[str, Any], options: argparse.Namespace) -> tuple[Any, str]:
    """The rule, and where it comes from."""
    from ..explain import remade

    if options.optimizer is not None:
        make = OPTIMIZER_NAMES[options.optimizer]
        if make is None:
            raise SettingsError(
                "--optimizer lbfgs: its steps come from a search over all rows, so that one row has none to show"
            )
        rate = LEARNING_RATES[options.optimizer] if options.learning_rate is None else options.learning_rate
        return make(rate), "as asked for"
    optimizer = remade(record.get("optimizer"))
    if optimizer is None:
        rate = LEARNING_RATES["adam"] if options.learning_rate is None else options.learning_rate
        return Adam(rate), "the usual one: the model does not say its own, or it has no single steps"
    if options.learning_rate is not None:
        return replace(optimizer, learning_rate=options.learning_rate), "with the learning rate that was asked for"
    return optimizer, "as in training, at its first step"
