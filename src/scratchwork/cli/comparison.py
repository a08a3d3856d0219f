"""The network beside a linear model and a baseline, on the same rows: whether it earns its keep."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ScratchworkError
from ..metrics import LARGER_IS_BETTER, accuracy, balanced_accuracy, log_loss, mae, r2, rmse, roc_auc
from .building import Part
from .job import Job
from .report import Result, measured

TITLES = {"roc_auc": "AUC", "rmse": "RMSE", "mae": "MAE", "r2": "R²"}


@dataclass(frozen=True)
class Comparison:
    """Measures by name of the network, of a linear model (None: the network is one, or it failed), and of the baseline."""

    network: dict[str, float]
    linear: dict[str, float] | None
    baseline: dict[str, float]
    about: str
    judged_by: str
    failed: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The entries of test.json."""
        found: dict[str, Any] = {"baseline": _finite(self.baseline) | {"what": self.about}}
        return found if self.linear is None else {"linear": _finite(self.linear), **found}


def compare(job: Job, part: Part, result: Result) -> Comparison:
    """Train the linear model, work out the baseline, and measure both on the rows that the network was measured on."""
    about, base = _baseline(job, part)
    judged_by = _judge(job, result.measures)
    if not job.settings.network.hidden:
        return Comparison(result.measures, None, base, about, judged_by)
    try:
        model, history = job.linear()
        if history.stopped == "interrupted":
            return Comparison(result.measures, None, base, about, judged_by, "it was interrupted")
        linear = measured(model, job.dataset, job.encoded(part)).measures
    except ScratchworkError as error:  # the run is good without it
        return Comparison(result.measures, None, base, about, judged_by, " ".join(str(error).split()))
    return Comparison(result.measures, linear, base, about, judged_by)


def _judge(job: Job, measures: dict[str, float]) -> str:
    """The measure that decides which is better: the one nearest to what was trained for."""
    if job.model.task == "regression":
        return "mae" if type(job.loss).__name__ == "MeanAbsoluteError" else "rmse"
    return "log_loss" if "log_loss" in measures else "accuracy"


def _baseline(job: Job, part: Part) -> tuple[str, dict[str, float]]:
    """What one knows without looking at any column: the mean, or the most frequent class and the shares of all."""
    y = job.parts.train.y
    if job.dataset.labels is None:
        mean = y.astype(np.float64).mean(axis=0)
        said = np.tile(np.atleast_1d(mean), (len(part), 1))
        truth = part.y.reshape(len(part), -1).astype(np.float64)
        value = f"always {float(mean):.4g}, " if mean.ndim == 0 else "always "
        return f"{value}the mean of the training rows", {
            "rmse": rmse(said, truth),
            "mae": mae(said, truth),
            "r2": r2(said, truth),
        }
    counts = np.bincount(y, minlength=len(job.dataset.labels))
    shares = counts / counts.sum()
    said = np.tile(shares, (len(part), 1))
    found = {"accuracy": accuracy(said, part.y), "balanced_accuracy": balanced_accuracy(said, part.y)}
    found |= {"log_loss": log_loss(said, part.y), "roc_auc": roc_auc(said, part.y)}
    most = job.dataset.labels[int(counts.argmax())]
    return f"always {most}, with the shares of the training rows", found


# As text


def comparison_text(job: Job, comparison: Comparison, width: int = 80) -> list[str]:
    """A small table, and one honest line where the network is not better."""
    columns = {"network": comparison.network, "linear model": comparison.linear, "baseline": comparison.baseline}
    shown = {name: values for name, values in columns.items() if values is not None}
    names = list(comparison.network)
    wide = max(len(_title(name)) for name in names)
    lines = [" " * wide + "".join(f"{name:>15}" for name in shown)]
    for name in names:
        cells = [_cell(name, values.get(name)) for values in shown.values()]
        lines.append(f"{_title(name):<{wide}}" + "".join(f"{cell:>15}" for cell in cells))
    about = f"baseline: {comparison.about}"
    lines += ["", about if len(about) <= width else about[: width - 1] + "…", *_verdict(job, comparison)]
    return lines


def _verdict(job: Job, comparison: Comparison) -> list[str]:
    name = comparison.judged_by
    network, base = comparison.network[name], comparison.baseline[name]
    lines = []
    if comparison.failed:
        lines += ["There is no linear model to compare with, its training failed:", comparison.failed]
    if comparison.linear is not None and not _better(name, network, comparison.linear[name]):
        told = f"{_title(name)} {_cell(name, network)}, linear {_cell(name, comparison.linear[name])}"
        lines += ["The network is not better than the linear model, which is simpler", f"and quicker ({told})."]
    if not _better(name, network, base):
        told = f"{_title(name)} {_cell(name, network)}, baseline {_cell(name, base)}"
        lines += [
            "The network is not better than the baseline: these columns tell nothing",
            f"about {job.dataset.target_name} ({told}).",
        ]
    return lines


def _better(name: str, value: float, than: float) -> bool:
    return value > than if name in LARGER_IS_BETTER else value < than


def _title(name: str) -> str:
    return TITLES.get(name, name.replace("_", " "))


def _cell(name: str, value: float | None) -> str:
    if value is None or not np.isfinite(value):
        return "-"
    return f"{value:.4g}" if name in ("rmse", "mae") else f"{value:.4f}"


def _finite(measures: dict[str, float]) -> dict[str, Any]:
    return {name: float(value) for name, value in measures.items() if np.isfinite(value)}
