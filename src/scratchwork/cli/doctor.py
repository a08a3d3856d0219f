"""`scratchwork doctor RUN`: what was wrong with a training run, from what it has left."""

import argparse
import copy
import json
from pathlib import Path
from typing import Any

from ..doctor import CODES, Diagnosis, Finding, diagnose, diagnose_after, diagnose_history
from ..errors import ConfigurationError, ScratchworkError
from ..history import History
from ..layers import Dense
from ..model import Model
from ..sequential import Sequential
from ..storage import load
from .arguments import shorter
from .building import Part, TargetScale, fit_settings, scales_targets
from .job import Job
from .manifest import Found, Request, find_run
from .rerun import read_history
from .runs import DOCTOR, HISTORY, MODEL
from .train import prepared

DESCRIPTION = """Examine a training run that is over, or was cut: its settings, its history, the
model that it has left, and its data once more where they can still be read (or
DATA in their place). Each finding has a code, a severity, the cause with the
measured numbers, and a fix; the likeliest cause comes first. What a run with
train --doctor saw on its way is among them."""

EPILOG = """examples:
  scratchwork doctor runs/digits-1
  scratchwork doctor runs/people-1 people.csv --json

exit status 0 where no error was found (warnings and notes are no errors), 1
where one was. The list of codes is in docs/doctor.md."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN, its data, and how to say it."""
    parser.add_argument("folder", metavar="RUN_FOLDER", help="what train has left")
    parser.add_argument("data", metavar="DATA", nargs="?", help="where its data are now (default: where they were)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--data-dir", metavar="FOLDER", help="where mnist and cifar10 are looked for first")


def run(options: argparse.Namespace) -> int:
    """Print what was found; 1 where an error is among it."""
    found = find_run(options.folder)
    diagnosis, seen = examined(found, options.data, options.data_dir)
    if options.json:
        print(json.dumps({"run": shorter(found.path), "looked_at": seen, **diagnosis.to_dict()}, indent=2, allow_nan=False))
    else:
        print(f"{shorter(found.path)}: looked at {', '.join(seen)}\n\n{diagnosis}")
    return 1 if any(finding.severity == "error" for finding in diagnosis) else 0


def examined(found: Found, data: str | None, data_dir: str | None) -> tuple[Diagnosis, list[str]]:
    """The findings of a run, and what could be looked at."""
    history, seen = history_of(found), ["its settings"]
    diagnosis = Diagnosis(recorded(found.path / DOCTOR))
    if (found.path / DOCTOR).is_file():
        seen.append("what was seen while it trained")
    request = found.request
    request = Request(data or request.data, data_dir or request.data_dir, request.overrides, request.settings)
    try:
        job = prepared(request)[0]
    except (ScratchworkError, OSError) as error:
        if data is not None:
            raise
        seen.append(f"not at its data ({error})")
        return diagnosis + diagnose_history(history, found_epochs(found)), [*seen, f"{history.epochs} epochs"]
    seen += [f"{history.epochs} epochs", f"{len(job.parts.train):,} rows"]
    settings = asked(job)
    x, y, validation = encoded(job)
    fresh = copy.deepcopy(job.model.network)
    diagnosis += diagnose(fresh, x, y, validation_data=validation, **settings)
    if not (found.path / MODEL).is_file():
        return diagnosis + diagnose_history(history, settings["epochs"]), [*seen, "no model, since it has not come to its end"]
    model = load(found.path / MODEL)
    if not isinstance(model, Model):
        raise ConfigurationError(f"{found.path / MODEL} is no model of this run")
    settings.pop("metrics")
    network = unfolded(model.network, job)
    return diagnosis + diagnose_after(network, x, y, history, validation_data=validation, **settings), [*seen, "its model"]


def history_of(found: Found) -> History:
    """The epochs, and how the run ended."""
    history = History()
    if (found.path / HISTORY).is_file():
        for line in read_history(found.path / HISTORY):
            history.append({name: float("nan") if value is None else value for name, value in line.items() if name != "epoch"})
    history.stopped = str(found.manifest.get("stopped", "interrupted"))
    if found.request.settings is not None and found.request.settings.training.patience and history.stopped != "interrupted":
        values = history.columns.get("val_loss", [])
        history.best_epoch = values.index(min(values)) + 1 if values else None
    return history


def found_epochs(found: Found) -> int | None:
    """How many epochs were asked for."""
    return None if found.request.settings is None else found.request.settings.training.epochs


def asked(job: Job) -> dict[str, Any]:
    """What both examinations are told of the training."""
    settings = fit_settings(job.settings, job.loss, job.threads)
    names = ("epochs", "batch_size", "metrics", "regularizer", "seed")
    return {"loss": job.loss, "optimizer": job.optimizer, **{name: settings[name] for name in names}}


def encoded(job: Job) -> tuple[Any, Any, tuple[Any, Any] | None]:
    """Rows and targets as the network was trained on them, and those for comparison."""
    scale = TargetScale.of(job.parts.train.y) if scales_targets(job.loss) else None
    preprocessing = job.model.preprocessing
    if not preprocessing.fitted:
        preprocessing.fit(job.parts.train.x)

    def of(part: Part) -> tuple[Any, Any]:
        y = part.y if scale is None else scale.apply(part.y)
        return preprocessing.transform(part.x), y

    held = job.parts.validation
    return (*of(job.parts.train), None if held is None else of(held))


def unfolded(network: Sequential, job: Job) -> Sequential:
    """The network in the unit of its training: what `TargetScale.fold_into` put into the last layer taken out again."""
    last = network.layers[-1]
    if scales_targets(job.loss) and isinstance(last, Dense) and last.weight is not None and last.bias is not None:
        scale = TargetScale.of(job.parts.train.y)
        last.weight.value[...] = last.weight.value / scale.deviation
        last.bias.value[...] = (last.bias.value - scale.mean) / scale.deviation
    return network


def recorded(path: Path) -> list[Finding]:
    """What a run with --doctor has written down; nothing where there is no such file, or one of somebody else's."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return [read(entry) for entry in document["findings"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def read(entry: dict[str, Any]) -> Finding:
    """A finding from what `Finding.to_dict` gave; KeyError or TypeError for anything else."""
    texts = [entry[name] for name in ("code", "severity", "cause", "fix")]
    where, step, evidence = entry["where"], entry["step"], entry["evidence"]
    right = texts[0] in CODES and isinstance(where, str | None) and isinstance(step, int | None) and isinstance(evidence, dict)
    if not right or not all(isinstance(text, str) for text in texts):
        raise TypeError("this is no finding")
    code, severity, cause, fix = texts
    return Finding(code, severity, cause, fix, evidence, where, step, tuple(map(str, entry["path"])))
