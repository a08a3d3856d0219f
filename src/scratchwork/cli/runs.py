"""The folder that a training run leaves: chosen before training, made once every check has passed, never half-written."""

import contextlib
import os
import re
from pathlib import Path
from typing import Any

from ..callbacks import Callback, HistoryFile
from ..errors import DivergedError, StorageError
from ..history import Run
from ..storage.checkpoints import Checkpoints
from ..storage.files import write_json

CONFIG, MANIFEST, HISTORY, MODEL, TEST = "config.json", "manifest.json", "history.jsonl", "model.safetensors", "test.json"
CHECKPOINTS, DOCTOR = "checkpoints", "doctor.json"
PICTURES = ("learning-curve", "confusion-matrix", "worst-mistakes", "weights", "decision-boundary", "fit")
FILES = (CONFIG, MANIFEST, HISTORY, MODEL, TEST, DOCTOR, *(f"{name}.png" for name in PICTURES))
RUNS = "runs"


class RunFolder(Callback):
    """Where a run's files go. As a callback it makes the folder when training begins, and keeps the history in it.

    Whatever is written before the model is saved is removed by `discard`, so that a run that fails leaves nothing but its
    checkpoints, if there are some to go on from.
    """

    def __init__(self, path: Path, config: dict[str, Any] | None = None, *, resumed: bool = False) -> None:
        self.path, self.resumed = path, resumed
        self.config: dict[str, Any] = config or {}
        self.manifest: dict[str, Any] = {}
        self._begun = False
        self.kept = False  # once the model is saved, nothing is taken back
        self._made: list[Path] = []  # folders that are ours to remove, the innermost last
        self._history = HistoryFile(path / HISTORY)

    def on_fit_begin(self, run: Run) -> None:
        self._made = self._made or make_folders(self.path)
        self._begun = True
        self.manifest["engine"] = run.engine
        if not self.resumed:
            for name in FILES:  # of a run that --force gave up
                (self.path / name).unlink(missing_ok=True)
            write_json(self.path / MANIFEST, self.manifest)
            write_json(self.path / CONFIG, self.config)
        self._history.on_fit_begin(run)

    def on_epoch_end(self, run: Run) -> None:
        self._history.on_epoch_end(run)

    def on_fit_end(self, run: Run) -> None:
        self._history.on_fit_end(run)

    @property
    def checkpoints(self) -> Path:
        """Where the checkpoints of the run go, and lie until it has come to its end."""
        return self.path / CHECKPOINTS

    def make(self) -> None:
        """Make the folder; of a run that --force gave up, the checkpoints go, unless it is still at work."""
        self._made = make_folders(self.path)
        if not self.resumed and self.checkpoints.is_dir():
            self.forget_checkpoints()

    def forget_checkpoints(self) -> None:
        """Remove them: the run has come to its end, or is given up."""
        place = Checkpoints(self.checkpoints)
        if not self.checkpoints.is_dir():
            return
        place.open()  # refuses where a run is writing
        try:
            for path in place.files():
                path.unlink(missing_ok=True)
        finally:
            place.close()
        with contextlib.suppress(OSError):
            self.checkpoints.rmdir()

    def discard(self, error: BaseException) -> bool:
        """Remove what a failed run has written; True where checkpoints stay, since it can go on from them."""
        if self.kept or (self.resumed and not isinstance(error, DivergedError)):
            return False
        if not isinstance(error, DivergedError) and Checkpoints(self.checkpoints).files():
            return self._begun
        with contextlib.suppress(OSError):
            if self._begun:
                self.forget_checkpoints()
                for name in (CONFIG, MANIFEST, HISTORY):
                    (self.path / name).unlink(missing_ok=True)
            for folder in (self.checkpoints, *reversed(self._made)):
                if folder.is_dir():
                    folder.rmdir()
        return False

    def files(self) -> list[str]:
        """The files of the run that are there, in their usual order."""
        return [name for name in FILES if (self.path / name).is_file()]


def choose_folder(out: str | None, name: str, *, force: bool) -> Path:
    """The folder of the run, checked: free or forced, and in a place that can be written to."""
    path = Path(out) if out is not None else _next_folder(name)
    if path.exists() and not path.is_dir():
        raise StorageError(f"{path} is a file: --out names the folder of the run")
    held = next((entry for entry in (MODEL, CONFIG, HISTORY) if (path / entry).exists()), None)
    if held and not force and (Checkpoints(path / CHECKPOINTS).files() or (held != MODEL and (path / MANIFEST).exists())):
        raise StorageError(
            f"{path} holds a run that has not come to its end: --resume {path} goes on with it; or give another --out, or "
            "--force to overwrite it"
        )
    if held and not force:
        raise StorageError(f"{path} holds a run already ({held}): give another --out, or --force to overwrite it")
    above = path
    while not above.exists():
        above = above.parent
    if not above.is_dir():
        raise StorageError(f"{path} cannot be made: {above} is a file")
    if not os.access(above, os.W_OK | os.X_OK):
        raise StorageError(f"{above} cannot be written to: give another --out, or change its permissions")
    return path


def make_folders(path: Path) -> list[Path]:
    """Make the folder and those above it; those that were not there before, outermost first."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"the folder {path} cannot be made: {error.strerror or error}") from error
    return missing[::-1]


def _next_folder(name: str) -> Path:
    """runs/NAME-1, or the first number that is free and above all that are taken."""
    stem = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "data"
    runs = Path(RUNS)
    taken = [0]
    with contextlib.suppress(OSError):
        found = (re.fullmatch(re.escape(stem) + r"-(\d{1,9})", entry.name) for entry in runs.iterdir())
        taken += [int(match[1]) for match in found if match]
    return runs / f"{stem}-{max(taken) + 1}"
