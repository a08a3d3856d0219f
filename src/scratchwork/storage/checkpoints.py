"""A folder of checkpoints: each is whole or not there, the newest few are kept, and a damaged one is passed over.

A checkpoint is written beside its place, flushed to the disk and renamed, and the folder is flushed too; each carries a
checksum. Whoever loads looks at the newest, and where that is damaged at the one before.
"""

import contextlib
import errno
import os
import re
import sys
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..arrays import Array
from ..errors import ConfigurationError, FileFormatError, MissingFileError, StorageError
from .files import atomic_write_bytes, flush_folder, to_json
from .models import read_arrays, to_bytes

KIND = "checkpoint"
NAME = re.compile(r"step-(\d{12})\.checkpoint")
UNFINISHED = re.compile(r"\.unfinished-[0-9a-f]{12}\.checkpoint")
WHEN_IT_FAILS = ("go on", "stop")

Used = TypeVar("Used")


class Checkpoints:
    """Where a run leaves its checkpoints, how often, how many, and what happens where one cannot be written.

    ::

        sw.fit(..., checkpoint="run/checkpoints", every=500)                    every 500 steps
        sw.fit(..., checkpoint=sw.Checkpoints("run/checkpoints", seconds=60))   after a minute at the earliest
        sw.fit(..., checkpoint="run/checkpoints", resume=True)                  goes on, or begins where there is none

    How often they are written changes no bit of what is learned. A run that has ended, or that Ctrl-C has ended, leaves one
    in any case.

    Parameters
    ----------
    folder : path
        Made where it is not there. One run at a time: a second one that wants to write there is refused.
    every : int ≥ 1, optional
        Steps between two checkpoints; None: one after every epoch, or as `seconds` says.
    seconds : float > 0, optional
        One as soon as so many seconds have passed since the last, in the middle of an epoch too; in place of `every`.
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
        self,
        folder: str | PathLike[str],
        *,
        every: int | None = None,
        seconds: float | None = None,
        keep: int = 3,
        on_error: str = "go on",
    ) -> None:
        for name, count in (("every", every), ("keep", keep)):
            if count is None and name == "every":
                continue
            if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
                raise ConfigurationError(f"Checkpoints needs a whole number as {name}, at least 1; received {count!r}")
        if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0):
            raise ConfigurationError(f"Checkpoints needs a number of seconds above 0; received {seconds!r}")
        if every is not None and seconds is not None:
            raise ConfigurationError("Checkpoints come after so many steps, or after so many seconds: give one of the two")
        if on_error not in WHEN_IT_FAILS:
            raise ConfigurationError(f"on_error is 'go on' or 'stop'; received {on_error!r}")
        if not isinstance(folder, str | PathLike) or not str(folder) or "\0" in str(folder):
            raise ConfigurationError(f"checkpoint is the path of a folder, or Checkpoints(folder); received {folder!r}")
        self.folder, self.keep, self.on_error = Path(folder), int(keep), on_error
        self.every, self.seconds = None if every is None else int(every), None if seconds is None else float(seconds)
        self._damaged: set[Path] = set()
        self._lock: int | None = None

    def files(self) -> list[Path]:
        """The checkpoints in the folder, the newest first."""
        try:
            found = [path for path in self.folder.iterdir() if NAME.fullmatch(path.name)]
        except OSError:
            return []
        return sorted(found, reverse=True)

    def open(self) -> None:
        """Make the folder, keep other runs out of it, and remove what a killed one has left half-written.

        StorageError where the folder cannot be made; ConfigurationError where another run is writing there.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise ConfigurationError(f"checkpoints need a folder, and {self.folder} is a file: give another place")
        self._make_folder()
        self._lock = self._locked()
        with contextlib.suppress(OSError):
            for path in self.folder.iterdir():
                if UNFINISHED.fullmatch(path.name):
                    path.unlink()

    def close(self) -> None:
        """Let other runs in."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def write(self, step: int, document: dict[str, Any], arrays: dict[str, Array]) -> None:
        """Write one checkpoint and remove those that are too old; StorageError where that cannot be."""
        content = to_bytes(arrays, to_json({"kind": KIND, **document}))
        path = self.folder / f"step-{step:012d}.checkpoint"
        try:
            self._make_folder()
            atomic_write_bytes(path, content)
        except (StorageError, MissingFileError):
            raise
        except OSError as problem:
            raise StorageError(f"cannot write {path}: {problem.strerror or problem}") from problem
        self._damaged.discard(path)
        # Later steps than this one are no part of the run: what could not be read, before it went back to an earlier one.
        older = [old for old in self.files() if old <= path and old not in self._damaged]
        for old in {*self.files()} - {*older[: self.keep]}:
            with contextlib.suppress(OSError):  # the next one tries again: the checkpoint is there, and that counts
                old.unlink()
                self._damaged.discard(old)

    def newest(self, use: Callable[[dict[str, Any], dict[str, Array], Path], Used] | None = None) -> Any:
        """The newest checkpoint that is whole: (document, arrays, path), or what `use` makes of them; None where none is.

        One that is damaged, or of which `use` says FileFormatError, is passed over, and stderr says so; FileFormatError where
        all are.
        """
        files, problems = self.files(), list[str]()
        for path in files:
            try:
                document, arrays = read_arrays(path)
                if document.get("kind") != KIND:
                    raise FileFormatError(f"{path} is no checkpoint")
                found = (document, arrays, path) if use is None else use(document, arrays, path)
            except (FileFormatError, MissingFileError, MemoryError) as error:
                problems.append(str(error) or f"{path} does not fit into memory")
                self._damaged.add(path)
                continue
            for problem in problems:
                print(f"scratchwork: {problem}; going back to {path.name}", file=sys.stderr, flush=True)
            return found
        if problems:
            count = f"all {len(files)} checkpoints" if len(files) > 1 else "the only checkpoint"
            raise FileFormatError(f"{count} in {self.folder} cannot be used ({problems[0]}): begin anew in another folder")
        return None

    def _make_folder(self) -> None:
        missing = [folder for folder in (self.folder, *self.folder.parents) if not folder.exists()]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise StorageError(f"cannot make the folder {self.folder}: {problem.strerror or problem}") from problem
        for folder in reversed(missing):  # else a power cut could take the folder, with all that lies in it
            flush_folder(folder.parent)

    def _locked(self) -> int | None:
        """A lock that ends with this process, however it ends; None where the system has no such thing."""
        try:
            import fcntl
        except ImportError:
            return None
        try:
            descriptor = os.open(self.folder, os.O_RDONLY)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            os.close(descriptor)
            if problem.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise ConfigurationError(
                    f"another run is writing its checkpoints into {self.folder}: wait for its end, or give another folder"
                ) from None
            return None  # a file system without locks
        return descriptor
