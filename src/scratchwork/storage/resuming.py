"""Writing the checkpoints of a run while it goes on, and going on from one with the same bits."""

import math
import re
import sys
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Array
from ..callbacks import Callback
from ..errors import ConfigurationError, FileFormatError, MissingFileError, ScratchworkError, StorageError
from ..history import Run
from ..second_order import LBFGS
from .checkpoints import Checkpoints
from .environment import differences, environment
from .moments import Moment, captured, with_memory


class Checkpointing(Callback):
    """The callback that writes checkpoints of a run, and hands one back to a run that goes on.

    It comes before all other callbacks: what they do at the end of a run is not for the checkpoint.
    """

    def __init__(self, checkpoints: Checkpoints, others: Sequence[Callback], fingerprint: dict[str, Any]) -> None:
        self.checkpoints, self.others, self.fingerprint = checkpoints, others, fingerprint
        self.environment = environment()
        self._memories: list[dict[str, Any]] = []
        self._written = -1
        self._last = time.monotonic()
        self._said = False

    def open(self) -> None:
        """Have the folder ready; where it cannot be, what `on_error` says."""
        try:
            self.checkpoints.open()
        except OSError as error:
            self._failed(error, "no checkpoints")

    def resume(self, run: Run) -> None:
        """Put the newest checkpoint into a run that is about to begin; nothing where there is none."""

        def use(document: dict[str, Any], arrays: dict[str, Array], path: Path) -> Moment:
            self._require_same(document, path)
            try:
                moment = Moment.read(document, arrays, run, self.others)
            except ScratchworkError as error:
                raise type(error)(f"{path} cannot be used: {error}") from error
            if found := differences(document.get("environment"), self.environment):
                text = f"scratchwork: {path.name} was written by another system ({'; '.join(found)}): the last bits may differ"
                print(text, file=sys.stderr, flush=True)
            return moment

        moment = self.checkpoints.newest(use)
        if moment is not None:
            moment.put_back(run)
            self._memories, self._written = moment.memories, run.step

    def _require_same(self, document: dict[str, Any], path: Path) -> None:
        before = document.get("fingerprint")
        if not isinstance(before, dict):
            raise FileFormatError(f"{path} cannot be used: it does not say what it is a checkpoint of")
        for name, value in self.fingerprint.items():
            if before.get(name) != value:
                old, new = _where_different(str(before.get(name)), str(value))
                raise ConfigurationError(
                    f"{path} belongs to another run: its {name} was {old}, and now is {new}; resume with what the run began "
                    "with, or give another folder"
                )

    def hand_over(self) -> None:
        """Give the other callbacks what they remembered; after their `on_fit_begin`."""
        for callback, memory in zip(with_memory(self.others), self._memories, strict=False):
            try:
                callback.load_state(memory)
            except Exception as error:
                kind = type(callback).__name__
                raise FileFormatError(f"what the checkpoint says of {kind} cannot be used: {error!r}") from error

    def at_batch_end(self, run: Run) -> None:
        """After all other callbacks have seen the step."""
        every, seconds = self.checkpoints.every, self.checkpoints.seconds
        due = run.step % every == 0 if every is not None else seconds is not None and run.pause_every == 1
        if due and run.stop in (None, "interrupted"):  # where a callback has ended the run, the epoch's entry is still to come
            self.write(run)
        elif seconds is not None and time.monotonic() - self._last >= seconds:
            run.pause_every = 1  # the compiled path shows the parameters after the next step

    def at_epoch_end(self, run: Run) -> None:
        """After all other callbacks have seen the epoch."""
        every, seconds = self.checkpoints.every, self.checkpoints.seconds
        waited = time.monotonic() - self._last >= (seconds or 0.0)
        if run.over or (every is None and waited):
            self.write(run)

    def on_fit_end(self, run: Run) -> None:
        try:  # a second Ctrl-C may come in the middle of a step, which is no moment to go on from
            if run.history.stopped == "interrupted" and run.step != self._written and math.isfinite(run.batch_loss):
                self.write(run)
        finally:
            self.checkpoints.close()

    def write(self, run: Run) -> None:
        """A checkpoint of this moment; where it cannot be written, what `on_error` says."""
        try:
            document, arrays = captured(run, self.others)
            document |= {"fingerprint": self.fingerprint, "environment": self.environment}
            self.checkpoints.write(run.step, document, arrays)
            self._written, self._said = run.step, False
        except (StorageError, MissingFileError, MemoryError) as error:
            self._failed(error, f"no checkpoint at step {run.step}")
        run.pause_every, self._last = self.checkpoints.every, time.monotonic()

    def _failed(self, error: Exception, what: str) -> None:
        if self.checkpoints.on_error == "stop":
            raise error
        if not self._said:
            reason = " ".join(str(error).split()) or "there is not enough memory for one"
            print(f"scratchwork: {what}: {reason}; training goes on", file=sys.stderr, flush=True)
        self._said = True


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
    first.open()
    try:
        if resume:
            first.resume(run)
    except BaseException:
        checkpoints.close()
        raise
    return first, Afterwards(first)


def fingerprint(run: Run, data: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """What must be the same for a run to go on: the network, the rules, the rows, and which path computes."""
    parts = [rows for rows in (data.training, data.validation) if rows is not None]
    seeds = [buffer.tolist() for _, buffer in run.network.buffers() if buffer.dtype.kind in "iu"]
    found = {
        "network": repr(run.network),
        "input shape": list(run.network.in_shape),
        "type of numbers": run.network.dtype.name,
        "seeds of its layers": seeds,  # compiled code has them inside, so they are not put back
        "loss": repr(run.loss),
        "optimizer": repr(run.optimizer),
        "history": run.entries,
        "engine": run.engine,
        "data": [f"{len(rows)} rows, checksum {checksum(rows):08x}" for rows in parts],
        **settings,
    }
    return {name: _lasting(value) for name, value in found.items()}


def _lasting(value: Any) -> Any:
    """Without addresses in memory, which the repr of a class of somebody's own may show."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", value) if isinstance(value, str) else value


def checksum(rows: Any) -> int:
    """CRC-32 of inputs, targets and weights."""
    found = 0
    x = (rows.x.indptr, rows.x.indices, rows.x.data) if hasattr(rows.x, "indptr") else (rows.x,)
    for array in (*x, rows.target, rows.weight):
        if array is not None:
            found = zlib.crc32(repr((array.shape, array.dtype.str)).encode(), found)
            found = zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, found)
    return found


def _where_different(before: str, now: str, room: int = 60) -> tuple[str, str]:
    """Two texts, long ones cut to where they begin to differ."""
    if max(len(before), len(now)) <= 2 * room:
        return before, now
    same = next((i for i, (a, b) in enumerate(zip(before, now, strict=False)) if a != b), min(len(before), len(now)))
    start = max(0, same - room // 2)
    cut = [text[start : start + 2 * room] for text in (before, now)]
    left, right = (
        f"{'…' * (start > 0)}{part}{'…' * (start + 2 * room < len(text))}"
        for part, text in zip(cut, (before, now), strict=True)
    )
    return left, right
