"""Checkpoints: everything that a run needs to go on as though nothing had happened, in one file that is whole or not there.

A checkpoint is written beside its place, flushed to the disk and renamed, the newest few are kept, and each carries a
checksum. Whoever loads looks at the newest, and where that is damaged at the one before.
"""

import json
import math
import re
import sys
import zlib
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Array
from ..callbacks import Callback
from ..errors import ConfigurationError, FileFormatError, MissingFileError, ScratchworkError, StorageError
from ..history import Part, Run
from ..second_order import LBFGS
from .files import atomic_write_bytes, to_json
from .models import read_arrays, to_bytes

KIND = "checkpoint"
NAME = re.compile(r"step-(\d{12})\.checkpoint")
WHEN_IT_FAILS = ("go on", "stop")


class Checkpoints:
    """Where a run leaves its checkpoints, how often, how many, and what happens where one cannot be written.

    Parameters
    ----------
    folder : path
        Made where it is not there.
    every : int ≥ 1, optional
        Steps between two checkpoints; None: one after every epoch.
    keep : int ≥ 1
        How many of the newest stay; the default of 3 leaves two to fall back on.
    on_error : "go on" or "stop"
        What a full disk or a folder that has vanished means for the training. The last good checkpoint stays in any case.

    Raises
    ------
    ConfigurationError
        For settings outside their ranges.
    """

    def __init__(
        self, folder: str | PathLike[str], *, every: int | None = None, keep: int = 3, on_error: str = "go on"
    ) -> None:
        for name, count in (("every", every), ("keep", keep)):
            if count is None and name == "every":
                continue
            if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
                raise ConfigurationError(f"Checkpoints needs a whole number as {name}, at least 1; received {count!r}")
        if on_error not in WHEN_IT_FAILS:
            raise ConfigurationError(f"on_error is 'go on' or 'stop'; received {on_error!r}")
        if not isinstance(folder, str | PathLike):
            raise ConfigurationError(f"checkpoint is the path of a folder, or Checkpoints(folder); received {folder!r}")
        self.folder, self.every, self.keep, self.on_error = Path(folder), every, int(keep), on_error

    def files(self) -> list[Path]:
        """The checkpoints in the folder, the newest first."""
        try:
            found = [path for path in self.folder.iterdir() if NAME.fullmatch(path.name)]
        except OSError:
            return []
        return sorted(found, reverse=True)

    def write(self, step: int, document: dict[str, Any], arrays: dict[str, Array]) -> None:
        """Write one checkpoint and remove those that are too old; StorageError where that cannot be."""
        content = to_bytes(arrays, to_json({"kind": KIND, **document}))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise StorageError(f"cannot make the folder {self.folder}: {problem.strerror or problem}") from problem
        atomic_write_bytes(self.folder / f"step-{step:012d}.checkpoint", content)
        for old in self.files()[self.keep :]:
            try:
                old.unlink(missing_ok=True)
            except OSError as problem:
                raise StorageError(f"cannot remove the old checkpoint {old}: {problem.strerror or problem}") from problem

    def newest(self) -> tuple[dict[str, Any], dict[str, Array], Path] | None:
        """The newest checkpoint that is whole, and its file; None where there is none at all.

        A damaged one is passed over, and stderr says so. FileFormatError where all are damaged.
        """
        damaged = []
        for path in self.files():
            try:
                document, arrays = read_arrays(path)
                if document.get("kind") != KIND:
                    raise FileFormatError(f"{path} is no checkpoint")
            except (FileFormatError, MissingFileError) as error:
                damaged.append(path)
                print(f"scratchwork: {error}; going back to the checkpoint before it", file=sys.stderr, flush=True)
                continue
            return document, arrays, path
        if damaged:
            raise FileFormatError(f"all {len(damaged)} checkpoints in {self.folder} are damaged: begin anew elsewhere")
        return None


class Checkpointing(Callback):
    """The callback that writes checkpoints of a run, and hands one back to a run that goes on.

    It comes before all other callbacks: what they do at the end of a run is not for the checkpoint.
    """

    def __init__(self, checkpoints: Checkpoints, others: Sequence[Callback], fingerprint: dict[str, Any]) -> None:
        self.checkpoints, self.others, self.fingerprint = checkpoints, list(others), fingerprint
        self._states: list[dict[str, Any]] = []
        self._written = -1
        self._said = False

    def resume(self, run: Run) -> bool:
        """Put the newest checkpoint into a run that is about to begin; False where there is none."""
        found = self.checkpoints.newest()
        if found is None:
            return False
        document, arrays, path = found
        self._require_same(document, path)
        try:
            self._put_back(run, document, arrays)
        except ScratchworkError:
            raise
        except Exception as error:  # the file is whole, and not what this version writes
            raise FileFormatError(f"{path} cannot be used: {error}") from error
        return True

    def _require_same(self, document: dict[str, Any], path: Path) -> None:
        before = document.get("fingerprint")
        if not isinstance(before, dict):
            raise FileFormatError(f"{path} cannot be used: it does not say what it is a checkpoint of")
        for name, value in self.fingerprint.items():
            if before.get(name) != value:
                raise ConfigurationError(
                    f"{path} belongs to another run: its {name} was {before.get(name)!r}, and now is {value!r}; resume with "
                    "what the run began with, or give another folder"
                )

    def _put_back(self, run: Run, document: dict[str, Any], arrays: dict[str, Array]) -> None:
        network = run.network
        run.restore([arrays["value"], *(arrays[f"buffer{i}"] for i, _ in enumerate(network.buffers()))])
        for name, array in run.state.items():
            array[...] = arrays[f"state.{name}"]
        network.epochs_seen, network.steps_seen = int(document["epochs_seen"]), int(document["steps_seen"])
        run.epoch, run.step, run.first_step = (int(document[name]) for name in ("epoch", "step", "first_step"))
        run.learning_rate_factor, run.stop = float(document["learning_rate_factor"]), document["stop"]
        run.learning_rate, run.batch_loss = (_number(document[name]) for name in ("learning_rate", "batch_loss"))
        run.history.columns = {name: [_number(value) for value in column] for name, column in document["history"].items()}
        run.history.best_epoch = document["best_epoch"]
        part = document["part"]
        predictions = [arrays["predictions"]] if "predictions" in arrays else []
        run.part = Part(int(part["steps"]), float(part["total"]), float(part["weight"]), predictions)
        self._states = []
        for number, state in enumerate(document["callbacks"]):
            own = {name: arrays[f"callback{number}.{name}"] for name in state["arrays"]}
            self._states.append({name: _number(value) for name, value in state["values"].items()} | own)
        self._written = run.step

    def hand_over(self) -> None:
        """Give the other callbacks what they remembered; after their `on_fit_begin`."""
        for callback, state in zip(self.others, self._states, strict=False):
            if state:
                callback.load_state(state)

    def at_batch_end(self, run: Run) -> None:
        """After all other callbacks have seen the step."""
        if self.checkpoints.every is not None and run.step % self.checkpoints.every == 0:
            self.write(run)

    def at_epoch_end(self, run: Run) -> None:
        """After all other callbacks have seen the epoch."""
        if self.checkpoints.every is None or run.stop is not None:
            self.write(run)

    def on_fit_end(self, run: Run) -> None:
        if run.stop == "interrupted" and run.step != self._written and math.isfinite(run.batch_loss):
            run.stop = None  # for the run that goes on
            try:
                self.write(run)
            finally:
                run.stop = "interrupted"

    def write(self, run: Run) -> None:
        """A checkpoint of this moment; where it cannot be written, what `on_error` says."""
        document, arrays = captured(run, self.others)
        try:
            self.checkpoints.write(run.step, {**document, "fingerprint": self.fingerprint}, arrays)
            self._written, self._said = run.step, False
        except (StorageError, MissingFileError) as error:
            if self.checkpoints.on_error == "stop":
                raise
            if not self._said:
                print(f"scratchwork: no checkpoint at step {run.step}: {error}; training goes on", file=sys.stderr, flush=True)
            self._said = True


def captured(run: Run, callbacks: Sequence[Callback]) -> tuple[dict[str, Any], dict[str, Array]]:
    """Everything that a run is made of at this moment, as a JSON document and arrays."""
    network, part = run.network, run.part
    value, *buffers = run.snapshot()
    arrays = {"value": value, **{f"buffer{i}": buffer for i, buffer in enumerate(buffers)}}
    arrays |= {f"state.{name}": array for name, array in run.state.items()}
    if part.predictions:
        arrays["predictions"] = np.concatenate(part.predictions)
    states = []
    for number, callback in enumerate(callbacks):
        state = callback.state()
        own = {name: array for name, array in state.items() if isinstance(array, np.ndarray)}
        arrays |= {f"callback{number}.{name}": array for name, array in own.items()}
        values = {name: _plain(entry) for name, entry in state.items() if name not in own}
        states.append({"values": values, "arrays": sorted(own)})
    document = {
        "epochs_seen": network.epochs_seen,
        "steps_seen": network.steps_seen,
        "epoch": run.epoch,
        "step": run.step,
        "first_step": run.first_step,
        "learning_rate_factor": run.learning_rate_factor,
        "learning_rate": _plain(run.learning_rate),
        "batch_loss": _plain(run.batch_loss),
        "stop": run.stop,
        "best_epoch": run.history.best_epoch,
        "history": {name: [_plain(value) for value in column] for name, column in run.history.columns.items()},
        "part": {"steps": part.steps, "total": part.total, "weight": part.weight},
        "callbacks": states,
    }
    return document, arrays


def fingerprint(run: Run, data: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """What must be the same for a run to go on: the network, the rules, the rows, and which path computes."""
    parts = [rows for rows in (data.training, data.validation) if rows is not None]
    return {
        "network": repr(run.network),
        "input shape": list(run.network.in_shape),
        "type of numbers": run.network.dtype.name,
        "loss": repr(run.loss),
        "optimizer": repr(run.optimizer),
        "engine": run.engine,
        "rows": [f"{len(rows)} rows, checksum {checksum(rows):08x}" for rows in parts],
        **settings,
    }


def checksum(rows: Any) -> int:
    """CRC-32 of inputs, targets and weights."""
    found = 0
    x = (rows.x.indptr, rows.x.indices, rows.x.data) if hasattr(rows.x, "indptr") else (rows.x,)
    for array in (*x, rows.target, rows.weight):
        if array is not None:
            found = zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, found)
    return found


NOT_FINITE: dict[str, float] = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def _plain(value: Any) -> Any:
    """A number as JSON can write it, which knows no NaN and no infinity: their names stand for them."""
    if isinstance(value, float | np.floating) and not math.isfinite(value):
        return {"number": json.dumps(float(value))}
    return value


def _number(value: Any) -> Any:
    """The inverse."""
    return NOT_FINITE[value["number"]] if isinstance(value, dict) and set(value) == {"number"} else value


class Afterwards(Callback):
    """The last of all callbacks: when it is called, every other one has seen the step, or the epoch."""

    every_batch = False  # the compiled path comes back at every multiple of `every`, and need not do so in between

    def __init__(self, first: Checkpointing) -> None:
        self.first = first

    def on_batch_end(self, run: Run) -> None:
        self.first.at_batch_end(run)

    def on_epoch_end(self, run: Run) -> None:
        self.first.at_epoch_end(run)


def checkpointing(
    run: Run, data: Any, hooks: Sequence[Callback], wanted: Any, every: int | None, resume: bool, settings: dict[str, Any]
) -> tuple[Checkpointing, Afterwards]:
    """The first and the last callback of a run with checkpoints, after the run was put where an earlier one had come to."""
    if wanted is None:
        asked = "every= says how often one is written" if every is not None else "resume=True goes on from one"
        raise ConfigurationError(f"checkpoints need a folder, and {asked}: give checkpoint=FOLDER")
    if isinstance(wanted, Checkpoints) and every is not None:
        raise ConfigurationError("every is given twice: Checkpoints(folder, every=...) has its own")
    checkpoints = wanted if isinstance(wanted, Checkpoints) else Checkpoints(wanted, every=every)
    if isinstance(run.optimizer, LBFGS):
        raise ConfigurationError("LBFGS keeps its curvature inside SciPy: checkpoints need another optimizer")
    if not resume and checkpoints.files():
        raise ConfigurationError(
            f"{checkpoints.folder} holds the checkpoints of a run: resume=True goes on with it, and another folder begins anew"
        )
    first = Checkpointing(checkpoints, hooks, fingerprint(run, data, settings))
    run.pause_every = checkpoints.every
    if resume:
        first.resume(run)
    return first, Afterwards(first)
