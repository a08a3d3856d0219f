"""A moment of a training run as a JSON document and arrays, and back: nothing is put back before all of it was checked."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array
from ..callbacks import Callback
from ..errors import ConfigurationError, FileFormatError, ScratchworkError
from ..history import Part, Run

NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
LARGEST_COUNT = 2**62
STORABLE = "biuf"  # kinds of arrays that a file holds: booleans, whole numbers, numbers


def captured(run: Run, callbacks: Sequence[Callback]) -> tuple[dict[str, Any], dict[str, Array]]:
    """Everything that a run is made of at this moment. A run that Ctrl-C has ended is one that may go on."""
    network, part = run.network, run.part
    value, *buffers = run.snapshot()
    arrays = {"value": value, **{f"buffer{i}": buffer for i, buffer in enumerate(buffers)}}
    arrays |= {f"state.{name}": array for name, array in run.state.items()}
    if part.predictions:
        arrays["predictions"] = np.concatenate(part.predictions)
    remembered = []
    for number, callback in enumerate(with_memory(callbacks)):
        state = callback.state()
        own = {name: array for name, array in state.items() if isinstance(array, np.ndarray)}
        for name, array in own.items():
            if array.dtype.kind not in STORABLE:
                raise ConfigurationError(
                    f"{name!r} in the state of {type(callback).__name__} is an array of {array.dtype}, which no file holds"
                )
        arrays |= {f"callback{number}.{name}": array for name, array in own.items()}
        values = {name: _plain(entry) for name, entry in state.items() if name not in own}
        remembered.append({"kind": type(callback).__name__, "values": values, "arrays": sorted(own)})
    document = {
        "epochs_seen": network.epochs_seen,
        "steps_seen": network.steps_seen,
        "epoch": run.epoch,
        "step": run.step,
        "first_step": run.first_step,
        "learning_rate_factor": run.learning_rate_factor,
        "learning_rate": _plain(run.learning_rate),
        "batch_loss": _plain(run.batch_loss),
        "stop": None if run.stop == "interrupted" else run.stop,
        "best_epoch": run.history.best_epoch,
        "history": {name: _plain(column) for name, column in run.history.columns.items()},
        "part": {"steps": part.steps, "total": _plain(part.total), "weight": part.weight},
        "callbacks": remembered,
    }
    return document, arrays


def with_memory(callbacks: Sequence[Callback]) -> list[Callback]:
    """Those that have a state: the others, such as a display, may come and go between a run and its continuation."""
    return [callback for callback in callbacks if type(callback).state is not Callback.state]


@dataclass
class Moment:
    """What a checkpoint says, after every part of it was held against the run that is to go on from it."""

    snapshot: list[Array]
    state: dict[str, Array]
    counts: dict[str, int]
    numbers: dict[str, float]
    stop: str | None
    best_epoch: int | None
    columns: dict[str, list[float]]
    part: Part
    memories: list[dict[str, Any]]

    @classmethod
    def read(cls, document: dict[str, Any], arrays: dict[str, Array], run: Run, callbacks: Sequence[Callback]) -> "Moment":
        """FileFormatError where the document is not what this version writes about such a run."""
        try:
            return cls._read(document, arrays, run, callbacks)
        except ScratchworkError:
            raise
        except Exception as error:  # the file is whole, and somebody else's: whatever is wrong with it, it is the file
            raise FileFormatError(f"its description has the wrong form ({type(error).__name__}: {error})") from error

    @classmethod
    def _read(cls, document: dict[str, Any], arrays: dict[str, Array], run: Run, callbacks: Sequence[Callback]) -> "Moment":
        value, *buffers = run.snapshot()
        snapshot = [_like(arrays, "value", value)]
        snapshot += [_like(arrays, f"buffer{i}", buffer) for i, buffer in enumerate(buffers)]
        state = {name: _like(arrays, f"state.{name}", array) for name, array in run.state.items()}
        names = ("epochs_seen", "steps_seen", "epoch", "step", "first_step")
        counts = {name: _count(document[name], name) for name in names}
        numbers = {name: _number(document[name]) for name in ("learning_rate_factor", "learning_rate", "batch_loss")}
        stop, best = document["stop"], document["best_epoch"]
        if not isinstance(stop, str | None) or counts["step"] < counts["first_step"]:
            raise FileFormatError("its description has the wrong form: when it stopped, or at which step")
        part = _part(document["part"], arrays.get("predictions"), run)
        columns = {str(name): [_number(entry) for entry in column] for name, column in document["history"].items()}
        _require_history(columns, run, counts["epoch"] - (part.steps > 0))
        memories = _memories(document["callbacks"], arrays, with_memory(callbacks))
        best = None if best is None else _count(best, "best_epoch")
        return cls(snapshot, state, counts, numbers, stop, best, columns, part, memories)

    def put_back(self, run: Run) -> None:
        """Make the run what it was."""
        run.restore(self.snapshot)
        for name, array in run.state.items():
            array[...] = self.state[name]
        run.network.epochs_seen, run.network.steps_seen = self.counts["epochs_seen"], self.counts["steps_seen"]
        run.epoch, run.step, run.first_step = (self.counts[name] for name in ("epoch", "step", "first_step"))
        run.learning_rate_factor, run.stop = self.numbers["learning_rate_factor"], self.stop
        run.learning_rate, run.batch_loss = self.numbers["learning_rate"], self.numbers["batch_loss"]
        run.history.columns, run.history.best_epoch = self.columns, self.best_epoch
        run.part = self.part


def _like(arrays: dict[str, Array], name: str, mine: Array) -> Array:
    found = arrays.get(name)
    if found is None or found.shape != mine.shape or found.dtype != mine.dtype:
        what = "missing" if found is None else f"{found.dtype} of {found.shape}"
        raise FileFormatError(f"its array {name!r} is {what}, and the run needs {mine.dtype} of {mine.shape}")
    return found


def _count(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < LARGEST_COUNT:
        raise FileFormatError(f"its {name} is no count: {str(value)[:40]}")
    return value


def _part(found: dict[str, Any], predictions: Array | None, run: Run) -> Part:
    """How far the epoch was, with the predictions of the rows that it had met."""
    steps = _count(found["steps"], "steps of an epoch")
    if steps > run.steps_per_epoch or (predictions is not None) != bool(steps and run.metrics):
        raise FileFormatError(f"it stands {steps} steps into an epoch of {run.steps_per_epoch}, or its predictions are no such")
    if predictions is not None:
        fits = predictions.shape[1:] == run.network.out_shape and predictions.dtype == run.network.dtype
        if not fits or not 0 < len(predictions) <= run.rows:
            raise FileFormatError(f"its predictions are {predictions.dtype} of {predictions.shape}, not those of the network")
    return Part(steps, _number(found["total"]), _number(found["weight"]), [] if predictions is None else [predictions])


def _require_history(columns: dict[str, list[float]], run: Run, epochs: int) -> None:
    names = set(run.entries) if epochs else set()
    if set(columns) != names or any(len(column) != epochs for column in columns.values()):
        raise FileFormatError(f"its history is not that of {epochs} epochs with {', '.join(run.entries)}")


def _memories(found: list[Any], arrays: dict[str, Array], callbacks: list[Callback]) -> list[dict[str, Any]]:
    before, now = [entry["kind"] for entry in found], [type(callback).__name__ for callback in callbacks]
    if before != now:
        listed = [", ".join(map(str, names)) or "none" for names in (before, now)]
        raise ConfigurationError(f"the run had other callbacks with a memory: {listed[0]} then, {listed[1]} now")
    memories: list[dict[str, Any]] = []
    for number, entry in enumerate(found):
        own = {str(name): arrays[f"callback{number}.{name}"] for name in entry["arrays"]}
        memories.append({str(name): _restored(value) for name, value in entry["values"].items()} | own)
    return memories


def _plain(value: Any) -> Any:
    """A value as JSON can write it, which knows no NaN and no infinity: their names stand for them."""
    if isinstance(value, float | np.floating) and not math.isfinite(value):
        return {"float": str(float(value))}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return {name: _plain(entry) for name, entry in value.items()} if isinstance(value, dict) else value


def _restored(value: Any) -> Any:
    """The inverse."""
    if isinstance(value, list):
        return [_restored(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"float"} and value["float"] in NOT_FINITE:
        return NOT_FINITE[value["float"]]
    return {name: _restored(entry) for name, entry in value.items()}


def _number(value: Any) -> float:
    number = _restored(value)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise FileFormatError(f"a number is needed where it has {str(value)[:40]}")
    return float(number)
