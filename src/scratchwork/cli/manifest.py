"""The manifest of a run: everything its bits may depend on, and what came of it; and a run read back to be repeated."""

import contextlib
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import FileFormatError, MissingFileError
from ..storage.checkpoints import Checkpoints
from ..storage.environment import DECIDES_BITS, differences, environment
from .job import Job
from .runs import CHECKPOINTS, CONFIG, MANIFEST, MODEL
from .settings import SECTIONS, Overrides, Settings, read_config

LARGEST = 2**24  # bytes of a JSON file that a run folder may hold


@dataclass(frozen=True)
class Request:
    """What a training is asked for; `settings` are those of a run that is repeated, else they follow from the overrides."""

    data: str
    data_dir: str | None
    overrides: Overrides
    settings: Settings | None = None


def written_before(request: Request, job: Job, arguments: list[str]) -> dict[str, Any]:
    """The manifest of a run that is about to begin."""
    return {
        "command": ["scratchwork", *arguments],
        "folder": str(Path.cwd()),
        "data": request.data,
        "data_dir": request.data_dir,
        "data_fingerprint": job.data_fingerprint(),
        "asked": sorted(request.overrides),
        "seed": job.settings.training.seed,
        "threads": job.threads,
        "environment": environment(),
    }


def checksums(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of each of these files that is there."""
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name in names if (path := folder / name).is_file()}


@dataclass(frozen=True)
class Found:
    """A run folder: what was asked for, what its manifest says, and whether it came to its end."""

    path: Path
    request: Request
    manifest: dict[str, Any]

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do."""
        return "results" in self.manifest and self.manifest.get("stopped") != "interrupted"

    @property
    def checkpoints(self) -> Path:
        """Where its checkpoints are."""
        return self.path / CHECKPOINTS


def find_run(name: str) -> Found:
    """The run in a folder; MissingFileError where there is none, FileFormatError where its files say nothing sensible."""
    path = Path(name)
    if path.name in (MODEL, CONFIG, MANIFEST):
        path = path.parent
    if not path.is_dir():
        raise MissingFileError(f"there is no run folder {path}: it is what train --out names, such as runs/digits-1")
    if not (path / CONFIG).is_file():
        raise MissingFileError(f"{path} holds no run: there is no {CONFIG} in it")
    document, manifest = _json(path / CONFIG), {}
    if (path / MANIFEST).is_file():
        manifest = _json(path / MANIFEST)
    values = read_config(str(path / CONFIG))
    sections = {
        section: kind(**{one.name: values.get(one.name, one.default) for one in fields(kind)})
        for section, kind in SECTIONS.items()
    }
    asked = manifest.get("asked", list(values))
    data, data_dir, folder = document.get("data"), manifest.get("data_dir"), manifest.get("folder")
    right = isinstance(data, str) and isinstance(data_dir, str | None) and isinstance(folder, str | None)
    if not right or not isinstance(asked, list):
        raise FileFormatError(f"{path} cannot be repeated: its {CONFIG} or {MANIFEST} does not say what was trained on")
    given = {key: value for key, value in values.items() if key in asked}
    return Found(path, Request(_found(data, folder), _found(data_dir, folder), given, Settings(**sections)), manifest)


def _found(name: Any, folder: str | None) -> Any:
    """A relative path from here, or from where the run was started."""
    with contextlib.suppress(OSError, ValueError):  # a name that is too long, or holds what no name can
        if name is not None and folder is not None and not Path(name).exists() and (Path(folder) / name).exists():
            return str(Path(folder) / name)
    return name


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            raise FileFormatError(f"{path} has more than {LARGEST} bytes: that is no description of a run")
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MissingFileError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{path} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise FileFormatError(f"{path} holds no description of a run")
    return document


def changed(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs between two manifests, of all that bits may depend on."""
    found = differences(before, now, ("data_fingerprint", "seed", "threads", "engine"))
    return [*found, *differences(before.get("environment"), now["environment"], ("python", *DECIDES_BITS))]


def last_checkpoint(found: Found) -> str | None:
    """The step of the newest checkpoint, for a sentence."""
    files = Checkpoints(found.checkpoints).files()
    return str(int(files[0].stem.partition("-")[2])) if files else None
