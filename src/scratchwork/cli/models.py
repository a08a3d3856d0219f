"""Saved models, and the data that they are shown: columns found by name, and the rows that were held out."""

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import data
from ..data import Dataset
from ..errors import ConfigurationError, DataError, FileFormatError, MissingFileError, UnknownNameError
from ..model import Model
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
) -> Dataset:
    """The data with the columns that the model was trained on; without targets for `with_target=False` where it can be.

    Columns of a CSV file are found by the names that they had in training. Where the file, or the model, knows no names,
    they are taken as they come, if there are as many as the model needs.
    """
    task: Any = "regression" if model.task == "regression" else "classification"
    if Path(name).is_dir() or is_built_in(name):
        return data.load(name, data_dir=data_dir, seed=_seed_of(model, name))
    names = model.feature_names
    named = names is not None and not _nameless(names)
    goal: Any = (target or model.target_name) if with_target else False
    if named:
        try:
            return data.load(name, target=goal, features=names, task=task)
        except (UnknownNameError, DataError) as error:
            if (found := _by_position(model, name, target, task, with_target=with_target)) is not None:
                return found
            raise error from None
    found = _by_position(model, name, target, task, with_target=with_target)
    return data.load(name, target=target, task=task) if found is None else found


def _by_position(model: Model, name: str, target: str | None, task: Any, *, with_target: bool) -> Dataset | None:
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


def choose_part(model: Model, dataset: Dataset, part: str) -> tuple[Part, str]:
    """The rows that were asked for, and what they are; `auto` takes those held out from training where they are known."""
    targets = np.zeros(len(dataset.x), np.float32) if dataset.y is None else dataset.y
    every = Part.whole(dataset.x, targets)
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


def _split_of(model: Model, dataset: Dataset) -> tuple[float, int] | None:
    """(test fraction, seed) of the training, where this is its data and some rows were held out."""
    origin = model.record.get("data")
    if not isinstance(origin, dict) or dataset.y is None or origin.get("rows") != fingerprint(dataset.x):
        return None
    fraction, seed = origin.get("test_fraction"), origin.get("seed")
    if not isinstance(fraction, float) or not isinstance(seed, int):
        return None
    return (fraction, seed) if 0 < fraction < 1 and seed >= 0 else None
