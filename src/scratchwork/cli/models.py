"""Saved models, and the data that they are shown: columns found by name, and the rows that were held out."""

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import data
from ..data import AnyData, Dataset, Table, TableData
from ..data.table_data import why_no_numbers
from ..errors import ConfigurationError, DataError, FileFormatError, MissingFileError, UnknownNameError
from ..model import Model
from ..preprocessing import TableEncoder
from ..sequential import Sequential
from ..storage import load
from .building import Part, fingerprint, held_out_rows
from .runs import MODEL

PART_NAMES = {"auto": None, "test": None, "train": None, "all": None}


def load_any(name: str) -> tuple[Model | Sequential, Path]:
    """The model or network in a file, or in a run folder, and the path of the file."""
    path = Path(name)
    if path.is_dir():
        if not (path / MODEL).is_file():
            raise MissingFileError(f"{path} holds no {MODEL}: it is not the folder of a run that was finished")
        path = path / MODEL
    return load(path), path


def load_model(name: str) -> Model:
    """The model in a file or run folder; a bare network is refused, because it knows no labels."""
    thing, path = load_any(name)
    if not isinstance(thing, Model):
        raise FileFormatError(f"{path} holds a network without preprocessing and labels: save a Model of it")
    return thing


def load_for(
    model: Model, name: str, *, target: str | None = None, data_dir: str | None = None, with_target: bool = True
) -> AnyData:
    """The data with the columns that the model was trained on; without targets for `with_target=False` where it can be.

    Columns of a CSV file are found by the names that they had in training. Where the file, or the model, knows no names,
    they are taken as they come, if there are as many as the model needs.
    """
    task: Any = "regression" if model.task == "regression" else "classification"
    encoder = table_encoder(model)
    if encoder is not None and Path(name).is_file() and not is_built_in(name) and Path(name).suffix != ".npz":
        goal: Any = (target or model.target_name) if with_target else False
        return load_rows(encoder, name, goal, task)
    if Path(name).is_dir() or is_built_in(name):
        return data.load(name, data_dir=data_dir, seed=_seed_of(model, name))
    names = model.feature_names
    goal = (target or model.target_name) if with_target else False
    if names is not None and not _nameless(names):
        try:
            return _numbers(data.load_data(name, target=goal, features=names, task=task), name, goal, names, task)
        except (UnknownNameError, DataError) as error:
            if (found := _by_position(model, name, target, task, with_target=with_target)) is not None:
                return found
            raise error from None
    found = _by_position(model, name, target, task, with_target=with_target)
    return data.load(name, target=target, task=task) if found is None else found


def _numbers(found: AnyData, name: str, goal: Any, names: Sequence[str], task: Any) -> Dataset:
    """Rows of complete numbers, which a model that knows no table needs; else the error that names the cell."""
    if isinstance(found, Dataset):
        return found
    data.load(name, target=goal, features=names, task=task)
    raise DataError(f"{name}: {why_no_numbers(found.x)}, and the model was trained on tables of complete numbers")


def table_encoder(model: Model) -> TableEncoder | None:
    """What turns the columns of a table into numbers, where the model takes tables."""
    first = model.preprocessing.steps[0] if model.preprocessing.steps else None
    return first if isinstance(first, TableEncoder) else None


def load_rows(encoder: TableEncoder, name: str, goal: Any, task: Any) -> TableData:
    """The columns that a model of tables was trained on, whatever their order, as the kinds that they had then.

    `goal` is the target's name, or False. Rows without a target are left out where there is one. In a file without names
    the columns are taken as they come, if there are as many as the model needs; a target is the last.
    """
    names = [str(column) for column in encoder.feature_names_in_]
    used = [column for column in names if column not in encoder.dropped_]
    there, named = data.column_names(name, used)
    called = None
    if not named and not set(used) <= set(there):
        goal = "y" if goal is None else goal
        called = [*names, *([] if goal is False else [str(goal)])]
        if len(called) != len(there):
            raise DataError(f"{name} has no names of columns, and {len(there)} columns where the model needs {len(called)}")
        there = tuple(called)
    if not set(used) <= set(there):  # the encoder says it: it knows which names are alike
        _check_table(encoder, Table(there, tuple(np.empty(0) for _ in there)), name)
    kinds = {column: encoder.kinds_[column] for column in used}
    features = [column for column in names if column in there]
    found = data.load_table(name, goal, features=features, task=task, kinds=kinds, names=called)
    _check_table(encoder, found.x, name)
    return found


def _check_table(encoder: TableEncoder, table: Table, name: str) -> None:
    """The encoder's error about columns that are absent or of another kind, with the file's name."""
    try:
        encoder.transform(table.take(slice(0, 1)))
    except DataError as error:
        raise DataError(f"{name}: {error}") from None


def _by_position(model: Model, name: str, target: str | None, task: Any, *, with_target: bool) -> AnyData | None:
    """The columns as they come; None where there are not as many as the model needs, or other names than in training."""
    names = model.feature_names or []
    for goal in [target] if with_target else [False, None]:
        with contextlib.suppress(DataError, UnknownNameError):
            found = data.load(name, target=goal, task=task)
            if found.x.shape[1] == len(names) and (_nameless(names) or _nameless(found.feature_names)):
                return found
    return None


def _nameless(names: Sequence[str]) -> bool:
    """Whether these are the names that readers give to columns without any."""
    return all(re.fullmatch(r"(column |x)\d+", name) for name in names)


def is_built_in(name: str) -> bool:
    """Whether the name is that of a built-in set."""
    return name.lower().replace("-", "_") in data.BUILT_IN


def _seed_of(model: Model, name: str) -> int:
    """Sets that are drawn at random are drawn as they were for the training."""
    origin = model.record.get("data", {})
    seed = origin.get("seed", 0) if isinstance(origin, dict) and origin.get("name") == name else 0
    return seed if isinstance(seed, int) and seed >= 0 else 0


def choose_part(model: Model, dataset: AnyData, part: str) -> tuple[Part, str]:
    """The rows that were asked for, and what they are; `auto` takes those held out from training where they are known."""
    targets = np.zeros(len(dataset.x), np.float32) if dataset.y is None else dataset.y
    every = Part.whole(dataset.x, targets, dataset.rows)
    if dataset.x_test is not None and dataset.y_test is not None and part != "all":
        return (
            (every, "the training part") if part == "train" else (Part.whole(dataset.x_test, dataset.y_test), "the test part")
        )
    split = _split_of(model, dataset)
    if part == "all" or (part == "auto" and split is None):
        return every, "all rows"
    if split is None:
        raise ConfigurationError(f"{dataset.name} is not what the model was trained on: which rows were held out is not known")
    kept, held = held_out_rows(targets, *split)
    rows, name = (kept, "the rows of training") if part == "train" else (held, "the rows held out from training")
    return every.take(rows), name


def _split_of(model: Model, dataset: AnyData) -> tuple[float, int] | None:
    """(test fraction, seed) of the training, where this is its data and some rows were held out."""
    origin = model.record.get("data")
    if not isinstance(origin, dict) or dataset.y is None or origin.get("rows") != fingerprint(dataset.x):
        return None
    fraction, seed = origin.get("test_fraction"), origin.get("seed")
    if not isinstance(fraction, float) or not isinstance(seed, int):
        return None
    return (fraction, seed) if 0 < fraction < 1 and seed >= 0 else None
