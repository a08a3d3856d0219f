"""`scratchwork train DATA`: the main job, from data to a run folder and a report."""

import argparse
import shlex
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from .. import data
from ..data import AnyData
from ..errors import DataError, MissingFileError, ScratchworkError
from ..losses import LOSSES
from ..progress import Progress
from ..storage import Checkpoints, save
from ..storage.files import write_json
from .arguments import checked, program, shorter
from .building import CLASSES
from .comparison import compare
from .job import Job
from .manifest import Request, changed, checksums, find_run, last_checkpoint, written_before
from .report import can_draw, draw_pictures
from .runs import DOCTOR, FILES, MANIFEST, MODEL, TEST, RunFolder, choose_folder
from .settings import SECTIONS, DataSettings, Overrides, SettingsError, flag_of, read_config, resolve, whole
from .summary import conclusion, farewell, introduction
from .tables import DATA_DEFAULTS

SECONDS = 10.0
"""Between two checkpoints, where no number of steps is asked for: a run that is killed loses no more than that."""

DESCRIPTION = """Train a network on DATA and leave a run folder with its settings
(config.json), its history (history.jsonl), the model (model.safetensors), the
measures on the held-out rows (test.json), pictures, and all that its bits may
depend on (manifest.json: versions, machine, data, command).

DATA is a built-in set (scratchwork data lists them), a table in a CSV (also
.gz), Parquet or Arrow file, an npz file, a folder with the MNIST or CIFAR-10
files, or a folder of images, in one folder per class. A part of the training
rows is set aside to compare epochs on; the test part is looked at once, at the
end. Preprocessing is fitted on training rows only.

The columns of a table may be numbers, booleans, text and dates, with missing
values; each becomes numbers in its own way (scratchwork show MODEL tells how),
and names or ids are left out. Text, booleans and few whole numbers as a target
are classes, other numbers amounts, unless --task or --loss says otherwise; rows
without a target are left out. The result stands beside that of a linear model
and of a baseline on the same rows, so that one sees whether the network earns
its keep.

Settings come from defaults that suit the data, then from --config FILE.toml
with the tables [data], [network] and [training], then from flags; config.json
of a run may be given to --config too, and repeats it.

While it trains, the run leaves a checkpoint every ten seconds. After a kill, a
power cut or Ctrl-C, --resume RUN_FOLDER goes on from the newest, and comes to
the same model, bit for bit, as a run that was never interrupted."""

EPILOG = """examples:
  scratchwork train people.csv --target income
  scratchwork train prices.parquet --target price --loss huber --patience 30
  scratchwork train shops.csv.gz --target sales --categories zip,store
  scratchwork train digits
  scratchwork train digits --hidden none --epochs 20        a linear classifier
  scratchwork train mnist --data-dir ~/data/mnist --hidden 800
  scratchwork train spirals --activation tanh --l2 1e-4 --out runs/spirals-tanh
  scratchwork train --resume runs/mnist-1        goes on with a run that was cut

Ctrl-C ends training cleanly: what was learned so far is saved and reported,
and the exit status is 130; --resume goes on from there."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags, most of them made from the fields of the settings."""
    parser.add_argument("data", metavar="DATA", nargs="?", help="a built-in set or a path (not with --resume)")
    parser.add_argument("--config", metavar="FILE", help="settings from a TOML file, or from a run's config.json")
    parser.add_argument("--data-dir", metavar="FOLDER", help="where mnist and cifar10 are looked for first, and put")
    for section, kind in SECTIONS.items():
        group = parser.add_argument_group(f"[{section}]")
        for one in fields(kind):
            _add_setting(group, one)
    group = parser.add_argument_group("output")
    group.add_argument("--out", metavar="RUN_FOLDER", help="folder of the run (default: runs/DATA-1, -2, ...)")
    group.add_argument("--force", action="store_true", help="overwrite the run that the folder holds")
    group.add_argument("--resume", metavar="RUN_FOLDER", help="go on with a run that was interrupted or killed")
    group.add_argument(
        "--checkpoint-every",
        type=checked(whole(1, "none")),
        metavar="STEPS",
        help="steps between two checkpoints, or none (default: ten seconds); changes no bit",
    )
    group.add_argument("--doctor", action="store_true", help="look for what goes wrong while it trains, and say it")
    group.add_argument("--no-pictures", action="store_true", help="leave the PNG files out")
    group.add_argument("--quiet", action="store_true", help="print the result only, without progress")


def _add_setting(group: Any, one: Any) -> None:
    name, check, tuned = one.name, one.metadata["check"], DATA_DEFAULTS["digits"].get(one.name, one.default)
    defaults = [] if one.default is None and name != "learning_rate" else [f"default {_shown(one)}"]
    defaults += [f"digits: {_shown(one, tuned)}"] if tuned != one.default else []
    text = (one.metadata["help"] + (f" ({'; '.join(defaults)})" if defaults else "")).replace("%", "%%")
    if isinstance(one.default, bool):
        group.add_argument(flag_of(name), action=argparse.BooleanOptionalAction, default=None, help=text)
    else:
        group.add_argument(flag_of(name), type=checked(check), default=None, metavar=one.metadata["show"], help=text)


def _shown(one: Any, value: Any = None) -> str:
    """A value as it would be typed."""
    value = one.default if value is None else value
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "auto"
    if one.name == "patience" and value == 0:
        return "none"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def run(options: argparse.Namespace) -> int:
    """Check everything, train, save, report; 0, or 130 after Ctrl-C."""
    if options.resume is not None:
        return resume(options)
    if options.data is None:
        raise SettingsError("which DATA? Give a built-in set or a path, or --resume RUN_FOLDER")
    request = Request(options.data, options.data_dir, overrides_from(options))
    folder = RunFolder(choose_folder(options.out, Path(options.data).name.split(".")[0], force=options.force))
    job, kind = prepared(request)
    folder.config, folder.manifest = job.config(), written_before(request, job, options.arguments)
    return carry_out(request, job, kind, folder, options)


def resume(options: argparse.Namespace) -> int:
    """Go on with a run; data and settings are its own."""
    given = overrides_from(options)
    others = [flag for flag in ("--config", "--out", "--force") if getattr(options, flag[2:])]
    wrong = ["DATA"] if options.data is not None else [*others, *map(flag_of, given)]
    if wrong:
        raise SettingsError(f"--resume goes on with what the run began with: leave {wrong[0]} out")
    found = find_run(options.resume)
    folder = RunFolder(found.path, resumed=True)
    if found.ended:
        folder.forget_checkpoints()
        print(f"{shorter(found.path)} has come to its end: nothing is left to do")
        return 0
    request = found.request
    if options.data_dir is not None:
        request = Request(request.data, options.data_dir, request.overrides, request.settings)
    job, kind = prepared(request)
    now = written_before(request, job, options.arguments)
    folder.manifest = found.manifest | {"resumed": [*found.manifest.get("resumed", []), now]}
    if not options.quiet:
        step = last_checkpoint(found)
        where = f"from step {step}" if step else "from the beginning, since it has no checkpoint yet"
        print(f"going on with {shorter(found.path)} {where}\n")
        for line in changed(found.manifest, now | {"engine": found.manifest.get("engine")}):
            print(f"not as it was: {line}")
    return carry_out(request, job, kind, folder, options)


def prepared(request: Request) -> tuple[Job, str]:
    """The data, checked and divided, with the network for it; and which defaults suit it."""
    overrides, known = request.overrides, request.settings
    wanted = resolve("", overrides).data if known is None else known.data
    dataset = load(request.data, wanted, request.data_dir, overrides)
    kind = kind_of(request.data, dataset)
    return Job(request.data, dataset, resolve(kind, overrides) if known is None else known), kind


def carry_out(request: Request, job: Job, kind: str, folder: RunFolder, options: argparse.Namespace) -> int:
    """Train, save, report."""
    checkpointing = checkpoints_of(job, folder, options.checkpoint_every)
    no_pictures = "" if options.no_pictures else can_draw()
    if not options.quiet:
        print(introduction(job), flush=True)
        if no_pictures:
            print(no_pictures)
    try:
        folder.make()
        showing = [] if options.quiet else [Progress(patience=0.0)]
        history = job.train([folder, *showing], doctor=options.doctor, **checkpointing)
        result, part, on = job.measured()
        job.model.record |= {"data": job.origin(), "measured_on": on, "result": result.finite()}
        save(job.model, folder.path / MODEL)
        folder.kept = True
    except BaseException as error:
        for finding in getattr(error, "findings", ()):  # of a run that diverged
            print(f"doctor: {finding.line()}", file=sys.stderr)
        if folder.discard(error) and sys.stderr is not None:
            print(f"scratchwork: {going_on(folder)}", file=sys.stderr)
        raise
    write_json(folder.path / TEST, {"on": on, **result.to_dict()})
    interrupted = history.stopped == "interrupted"
    comparison = compare(job, part, result) if kind == "table" and not interrupted else None
    if comparison is not None:
        write_json(folder.path / TEST, {"on": on, **result.to_dict(), **comparison.to_dict()})
    standard = set(request.overrides) <= {"seed"}
    report = conclusion(job, history, result, part, on, standard=standard, quiet=options.quiet, comparison=comparison)
    print(report, flush=True)
    if options.doctor:
        print(f"{told(folder.path / DOCTOR, history.findings)}\n", flush=True)
    if not options.no_pictures and not no_pictures:
        draw_pictures(folder.path, job.model, job.dataset, part, result, history)
    results = checksums(folder.path, [name for name in FILES if name != MANIFEST])
    write_json(folder.path / MANIFEST, folder.manifest | {"stopped": history.stopped, "results": results})
    wrong: Any = result.answers.worst()[:1] if result.answers is not None else []
    row = int(part.rows[wrong[0] if len(wrong) else 0])
    print(farewell(folder, job, request.data, request.data_dir, row, quiet=options.quiet))
    if not interrupted:
        folder.forget_checkpoints()
        return 0
    if checkpointing:
        print(f"            {program()} train --resume {shlex.quote(shorter(folder.path))}   goes on")
    return 130


def told(path: Path, findings: list[Any]) -> str:
    """What the doctor saw, written down and as a text."""
    from ..doctor import Diagnosis

    diagnosis = Diagnosis(findings)
    write_json(path, diagnosis.to_dict())
    return f"doctor    {diagnosis}"


def going_on(folder: RunFolder) -> str:
    """How to go on with a run that has checkpoints."""
    place = shlex.quote(shorter(folder.path))
    return f"what was learned so far is kept: {program()} train --resume {place} goes on from there"


def checkpoints_of(job: Job, folder: RunFolder, every: int | None) -> dict[str, Any]:
    """What `fit` is told about checkpoints."""
    if job.settings.training.optimizer == "lbfgs":
        if every:
            raise SettingsError("lbfgs keeps no checkpoints, since its curvature could not go on: leave --checkpoint-every out")
        if folder.resumed:
            raise ScratchworkError(f"{folder.path} was trained with lbfgs, which keeps no checkpoints: begin it anew")
        return {}
    if every == 0 and not folder.resumed:
        return {}
    place = folder.checkpoints
    checkpoints = Checkpoints(place, every=every) if every else Checkpoints(place, seconds=SECONDS)
    return {"checkpoint": checkpoints, "resume": folder.resumed}


def overrides_from(options: argparse.Namespace) -> Overrides:
    """What the file and then the flags ask for."""
    found = read_config(options.config) if options.config else {}
    for kind in SECTIONS.values():
        for one in fields(kind):
            value = getattr(options, one.name)
            if value is not None:
                found[one.name] = value
    return found


def load(name: str, wanted: DataSettings, data_dir: str | None, overrides: Overrides) -> AnyData:
    """The data with its targets; a folder that is not there is an error also where the data would be elsewhere."""
    if data_dir is not None and not Path(data_dir).is_dir() and Path(data_dir).exists():
        raise MissingFileError(f"--data-dir {data_dir} is a file and no folder")
    chosen = wanted.target or wanted.features or wanted.categories
    if chosen and (kind_of_built_in(name) or Path(name).is_dir() or Path(name).suffix == ".npz"):
        raise SettingsError(f"--target, --features and --categories choose columns of a table in a file, and {name} is none")
    task: Any = wanted.task
    if task == "auto" and overrides.get("loss", "auto") != "auto" and LOSSES[overrides["loss"]].task in CLASSES:
        task = "classification"  # many whole numbers are classes where the loss says so
    dataset = data.load_data(
        name,
        target=wanted.target,
        features=wanted.features,
        task=task,
        kinds=dict.fromkeys(wanted.categories or (), "category"),
        data_dir=data_dir,
        seed=overrides.get("seed", 0),
    )
    if dataset.y is None:
        raise DataError(f"{name} holds rows without a target: there is nothing to learn from")
    if not len(dataset):
        raise DataError(f"{name} holds no rows")
    return dataset


def kind_of(name: str, dataset: AnyData) -> str:
    """Which defaults suit the data: those of a built-in set, of images, or of a table."""
    return kind_of_built_in(name) or ("images" if dataset.image_shape is not None else "table")


def kind_of_built_in(name: str) -> str | None:
    """The name of a built-in set as its defaults are called; None for a path."""
    plain = name.lower().replace("-", "_")
    return plain if plain in data.BUILT_IN else None
