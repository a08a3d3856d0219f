"""`scratchwork rerun RUN`: a training run repeated, and compared bit for bit."""

import argparse
import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConfigurationError, FileFormatError, MissingFileError
from ..progress import Progress
from ..storage import save
from ..storage.models import read_arrays
from .arguments import program, shorter
from .manifest import changed, find_run, written_before
from .runs import HISTORY, MANIFEST, MODEL, RunFolder, choose_folder
from .train import prepared

DESCRIPTION = """Repeat a training run with its own data and settings, and say whether the
bits agree: those of the model file, and those of the history without its
clock. Where they do not, what differs is told: versions, BLAS, processor,
threads, the data."""

EPILOG = """examples:
  scratchwork rerun runs/digits-1
  scratchwork rerun runs/digits-1 --out runs/digits-again

exit status 0 where all bits agree, 1 where some do not. A run that was
interrupted is gone on with first: scratchwork train --resume RUN_FOLDER."""

LARGEST_HISTORY = 2**27
"""Bytes: an epoch takes some 200."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN and where to."""
    parser.add_argument("folder", metavar="RUN_FOLDER", help="what train has left")
    parser.add_argument("--out", metavar="RUN_FOLDER", help="keep the repetition there (default: it is not kept)")
    parser.add_argument("--data-dir", metavar="FOLDER", help="where mnist and cifar10 are looked for first")
    parser.add_argument("--quiet", action="store_true", help="print the result only, without progress")


def run(options: argparse.Namespace) -> int:
    """0 where the bits agree."""
    found = find_run(options.folder)
    if not found.ended:
        if not found.manifest:
            raise MissingFileError(f"{found.path} has no {MANIFEST}: it comes from an earlier version, and --config repeats it")
        raise ConfigurationError(
            f"{found.path} has not come to its end, so there is nothing to compare: {program()} train --resume {found.path}"
        )
    before = read_arrays(found.path / MODEL)
    history = read_history(found.path / HISTORY)
    request = found.request
    if options.data_dir is not None:
        request = type(request)(request.data, options.data_dir, request.overrides, request.settings)
    with place_for(options.out) as path:
        job, _ = prepared(request)
        folder = RunFolder(path)
        folder.config, folder.manifest = job.config(), written_before(request, job, options.arguments)
        try:
            folder.make()
            job.train([folder, *([] if options.quiet else [Progress()])])
            result, _, on = job.measured()
            job.model.record |= {"data": job.origin(), "measured_on": on, "result": result.finite()}
            save(job.model, path / MODEL)
            folder.kept = True
        except BaseException as error:
            folder.discard(error)
            raise
        wrong = different(before, read_arrays(path / MODEL), history, read_history(path / HISTORY))
    causes = changed(found.manifest, folder.manifest)
    print("\n".join(verdict(shorter(found.path), wrong, causes)))
    return 1 if wrong else 0


@contextlib.contextmanager
def place_for(out: str | None) -> Iterator[Path]:
    """The folder of the repetition."""
    if out is not None:
        yield choose_folder(out, "", force=False)
        return
    with tempfile.TemporaryDirectory(prefix="scratchwork-rerun-") as folder:
        yield Path(folder) / "run"


def read_history(path: Path) -> list[dict[str, Any]]:
    """The epochs of a history file, without their seconds."""
    if not path.is_file():
        raise MissingFileError(f"{path} is not there: it is the history that train has left")
    if path.stat().st_size > LARGEST_HISTORY:
        raise FileFormatError(f"{path} has more than {LARGEST_HISTORY} bytes: that is no history of a run")
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        raise MissingFileError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{path} is no file of JSON lines: {error}") from error
    if not all(isinstance(line, dict) for line in lines):
        raise FileFormatError(f"{path} is no history: one line per epoch is needed")
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def different(before: Any, now: Any, old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[str]:
    """What does not agree, one line each."""
    (document, arrays), (again, repeated) = before, now
    wrong = []
    for name in sorted(set(arrays) | set(repeated)):
        one, two = arrays.get(name), repeated.get(name)
        if one is None or two is None or one.shape != two.shape or one.dtype != two.dtype:
            wrong.append(f"{name}: another shape, or not in both")
        elif one.tobytes() != two.tobytes():
            gap = np.abs(one.astype(np.float64) - two.astype(np.float64)).max(initial=0.0)
            wrong.append(f"{name}: {np.count_nonzero(one != two)} of {one.size} numbers, by at most {gap:.3g}")
    keys = sorted(key for key in set(document) | set(again) if key != "version" and document.get(key) != again.get(key))
    wrong += [f"{key} in the description of the model" for key in keys]
    first = next((i for i, (one, two) in enumerate(zip(old, new, strict=False)) if one != two), min(len(old), len(new)))
    if old != new:
        wrong.insert(0, f"the history, from epoch {first + 1} on ({len(old)} epochs before, {len(new)} now)")
    return wrong


def verdict(name: str, wrong: list[str], causes: list[str]) -> list[str]:
    """What is said in the end."""
    also = [f"  {cause}" for cause in causes]
    if not wrong:
        lines = [f"{name}: the bits agree, of the model and of its history"]
        return [*lines, *(["although this is not as it was:", *also] if also else [])]
    shown = [f"  {line}" for line in wrong[:8]] + ([f"  and {len(wrong) - 8} more"] if len(wrong) > 8 else [])
    reason = ["what is not as it was:", *also] if also else ["nothing in the manifest differs: is the run folder changed?"]
    return [f"{name}: the bits do not agree", *shown, *reason]
