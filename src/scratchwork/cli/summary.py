"""What `train` says: before the training what will be done, after it what came out and where it is."""

import shlex
import textwrap

import numpy as np

from ..data import AnyData, TableData
from ..data.kinds import missing_in
from ..history import History
from ..preprocessing import TableEncoder
from .arguments import program, shorter
from .building import Part, peak_rate
from .comparison import Comparison, comparison_text
from .job import Job
from .report import Answers, Result, measures_line, mistakes_text
from .runs import RunFolder
from .tables import FIVE_SEED_MEAN

KIND_WORDS = {
    "number": ("number", "numbers"),
    "boolean": ("boolean", "booleans"),
    "category": ("category", "categories"),
    "date": ("date", "dates"),
}


def introduction(job: Job) -> str:
    """A few lines about what will be done."""
    settings, dataset, parts = job.settings, job.dataset, job.parts
    training, net = settings.training, settings.network
    held = [f"{len(parts.train):,} rows to train on"]
    held += [f"{len(parts.validation):,} to compare epochs on"] if parts.validation is not None else []
    held += [f"{len(parts.test):,} held out"] if parts.test is not None else []
    widths = [job.inputs, *net.hidden, job.outputs]
    extras = [net.activation] if net.hidden else ["linear"]
    extras += ["batch normalization"] if net.batch_norm and net.hidden else []
    extras += [f"input dropout {net.input_dropout:g}"] if net.input_dropout else []
    extras += [f"dropout {net.dropout:g}"] if net.dropout and net.hidden else []
    all_rows = not training.batch_size or training.optimizer == "lbfgs"
    how = [training.optimizer]
    if training.optimizer != "lbfgs":
        rate = f"{peak_rate(training):g}"
        constant = training.schedule == "constant"
        how.append(f"learning rate {rate}" if constant else f"{training.schedule.replace('_', '-')} up to {rate}")
    how.append("all rows at once" if all_rows else f"batches of {training.batch_size}")
    how += [f"{training.epochs} epoch{'s' * (training.epochs != 1)}", f"seed {training.seed}"]
    lines = [
        f"data      {describe(dataset)}",
        *left_out(dataset),
        f"          {', '.join(held)}",
        *(columns_lines(job, dataset) if isinstance(dataset, TableData) else []),
        f"network   {' → '.join(map(str, widths))}, {', '.join(extras)}",
        f"loss      {job.loss!r}",
        f"training  {', '.join(how)}",
        "",
    ]
    return "\n".join(lines)


def left_out(dataset: AnyData) -> list[str]:
    """The line about rows that could not be used."""
    count = dataset.without_target
    return [f"          {count:,} row{'s' * (count != 1)} without {_short(dataset.target_name)} left out"] if count else []


def columns_lines(job: Job, dataset: TableData) -> list[str]:
    """What kinds of columns there are, what is missing, and what is not used."""
    encoder = next(step for step in job.model.preprocessing.steps if isinstance(step, TableEncoder))
    used = [kind for name, kind in encoder.kinds_.items() if name not in encoder.dropped_]
    counted = [
        f"{used.count(kind)} {one if used.count(kind) == 1 else many}"
        for kind, (one, many) in KIND_WORDS.items()
        if kind in used
    ]
    gaps = {
        name: int(np.count_nonzero(missing_in(column))) for name, column in zip(dataset.x.names, dataset.x.columns, strict=True)
    }
    holes = [name for name, count in gaps.items() if count and name not in encoder.dropped_]
    text = [f"{', '.join(counted)} → {job.inputs} inputs"]
    if holes:
        cells = sum(gaps[name] for name in holes)
        text.append(f"{cells:,} missing cell{'s' * (cells != 1)} in {_listed(holes)}")
    by_reason: dict[str, list[str]] = {"only numbers the rows": list(dataset.counting)} if dataset.counting else {}
    for name, reason in encoder.dropped_.items():
        by_reason.setdefault(reason, []).append(name)
    text += [f"left out: {_listed(names)} ({reason})" for reason, names in by_reason.items()]
    lines = [line for entry in text for line in textwrap.wrap(entry, 69, subsequent_indent="  ")]
    return [f"{'columns' if i == 0 else '':<10}{line}" for i, line in enumerate(lines)]


def _listed(names: list[str], most: int = 6) -> str:
    shown = ", ".join(map(_short, names[:most]))
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def _short(name: str) -> str:
    plain = " ".join(name.split())
    return plain if len(plain) <= 30 else plain[:29] + "…"


def conclusion(
    job: Job,
    history: History,
    result: Result,
    part: Part,
    on: str,
    *,
    standard: bool,
    quiet: bool,
    comparison: Comparison | None = None,
) -> str:
    """The figure of this seed, beside simpler models, and for classes the confusion matrix and the worst mistakes."""
    lines = [] if quiet else [""]
    if history.stopped == "interrupted":
        whole = f"{history.epochs} whole epoch{'s' * (history.epochs != 1)}"
        lines += [f"Interrupted after {whole}: this is what was learned until then.", ""]
    elif history.stopped == "early stopping":
        lines += [f"Stopped after epoch {history.epochs}: epoch {history.best_epoch} was the best, and is kept.", ""]
    answers = result.answers
    if answers is None:
        lines.append(f"{on}: {measures_line(result.measures)}")
    else:
        lines += _accuracy(job, result.measures["accuracy"], answers, on, standard)
    if on == "training":
        lines.append("No row was held out: these are the rows that were trained on.")
    if comparison is not None and not quiet:
        lines += ["", *comparison_text(job, comparison)]
    if answers is None or quiet:
        return "\n".join(lines)
    from ..pictures import text_confusion

    lines += ["", text_confusion(answers.confusion, job.model.labels), ""]
    wrong = len(answers) - answers.right
    if wrong:
        lines += [f"The worst of {wrong:,} mistakes:" if wrong > 1 else "The one mistake:", ""]
        lines.append(mistakes_text(job.model, job.dataset, part, answers))
    else:
        lines.append("No mistakes.")
    return "\n".join(lines)


def _accuracy(job: Job, accuracy: float, answers: Answers, on: str, standard: bool) -> list[str]:
    figure = f"{on} accuracy {accuracy:.4f}"
    lines = [f"{figure}   ({answers.right:,} of {len(answers):,} right, seed {job.settings.training.seed})"]
    if standard and on == "test" and job.name in FIVE_SEED_MEAN:
        mean, where = FIVE_SEED_MEAN[job.name]
        lines.append(f"{f'{mean:.4f}':>{len(figure)}}   (mean of seeds 0 to 4: {where})")
    return lines


def describe(dataset: AnyData) -> str:
    """digits: 1,797 images of 8×8, 10 classes."""
    rows = len(dataset) + (0 if dataset.x_test is None else len(dataset.x_test))
    if dataset.image_shape is not None:
        what = f"{rows:,} images of {'×'.join(map(str, dataset.image_shape))}"
    elif isinstance(dataset, TableData):
        count = len(dataset.x.names)
        what = f"{rows:,} row{'s' * (rows != 1)} of {count} column{'s' * (count != 1)}"
    else:
        count = dataset.x.shape[1]
        what = f"{rows:,} rows of {count} number{'s' * (count != 1)}"
    if isinstance(dataset, TableData) and dataset.labels is not None:
        target = f"{len(dataset.labels)} classes of {_short(dataset.target_name)}"
    else:
        target = f"{len(dataset.labels)} classes" if dataset.labels is not None else f"to predict {_short(dataset.target_name)}"
    return f"{dataset.name}: {what}, {target}"


def farewell(folder: RunFolder, job: Job, path: str, data_dir: str | None, row: int, *, quiet: bool) -> str:
    """Where everything is, and what to try next."""
    place = shorter(folder.path)
    if quiet:
        return f"run folder {place}"
    lines, line = ["", f"run folder  {place}"], " " * 11
    for name in folder.files():
        if len(line) + len(name) + 1 > 79:
            lines.append(line)
            line = " " * 11
        line += f" {name}"
    lines.append(line)
    command = ["predict" if job.dataset.labels is not None else "evaluate", place, path]
    command += ["--row", str(row)] if job.dataset.labels is not None else []
    if job.settings.data.target is not None and job.dataset.labels is None:
        command += ["--target", job.settings.data.target]
    command += ["--data-dir", shorter(data_dir)] if data_dir is not None else []
    lines += ["", f"try next    {program()} {shlex.join(command)}"]
    lines.append(f"            {program()} show {shlex.quote(place)}")
    return "\n".join(lines)
