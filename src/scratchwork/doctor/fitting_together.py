"""Condition 9: do the last layer, the loss and the targets fit together?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..arrays import Array
from ..layers import Dropout, Flatten, Layer, Linear, ReLU, Reshape, Sigmoid, Softmax, Softplus, Tanh
from .attempts import Attempts
from .findings import Finding, found
from .patient import Patient, is_foreign, leaves, place
from .roles import role_of

OUTSIDE = 0.02  # share of the targets that the last layer can never give


def probe(patient: Patient, attempts: Attempts) -> Iterator[Finding]:
    """Whether the last layer, the loss and the targets speak of the same thing."""
    name, last = _last(patient)
    prediction = patient.copy().forward(patient.sample.x)[0].astype(np.float64)
    if not np.isfinite(prediction).all():
        return
    task, link = patient.loss.task, patient.loss.link
    where = place(name, last)
    if task == "multiclass":
        yield from _classes(patient, attempts, prediction, last, where)
    elif task == "attributes":
        yield from _attributes(patient, prediction, last, where)
    elif task == "regression":
        if role_of(last).kind == "shares" and prediction.shape[1] == 1:
            yield found("SW902", "a softmax over one output gives 1 for every row", "leave Softmax() out", where=where)
        elif link == "identity":
            yield from _numbers(patient, last, where)


def _last(patient: Patient) -> tuple[str, Layer]:
    """The last layer that changes numbers."""
    given = list(leaves(patient.network))
    changing = [(name, layer) for name, layer in given if not isinstance(layer, Flatten | Reshape | Dropout | Linear)]
    return (changing or given)[-1]


def _shares(prediction: Array) -> bool:
    """Whether every row is shares that sum to 1."""
    positive = bool((prediction >= -1e-6).all())
    return positive and bool((np.abs(prediction.sum(axis=1) - 1.0) < 1e-3).all()) and prediction.shape[1] > 1


def _classes(patient: Patient, attempts: Attempts, prediction: Array, last: Layer, where: str) -> Iterator[Finding]:
    loss, link = patient.loss, patient.loss.link
    sums = {"smallest": prediction.min(), "largest": prediction.max(), "sum_of_a_row": prediction[0].sum()}
    if link == "softmax" and (isinstance(last, Softmax | Sigmoid) or (is_foreign(last) and _shares(prediction))):
        kind = "sigmoid" if isinstance(last, Sigmoid) else "softmax"
        cause = f"{loss!r} takes logits and applies a softmax, and the last layer has already applied a {kind}"
        yield found("SW901", cause, "leave the last activation out", where=where, **sums)
    elif link == "identity" and not _shares(prediction):
        cause = f"{loss!r} takes probabilities that sum to 1, and the outputs run from {sums['smallest']:.3g} to "
        cause += f"{sums['largest']:.3g} with a sum of {sums['sum_of_a_row']:.3g}"
        yield found("SW905", cause, "SoftmaxCrossEntropy(), or Softmax() as the last layer", where=where, **sums)
    elif link is None and isinstance(last, Softmax | Sigmoid):
        cause = f"{loss!r} wants scores that are a margin apart, and {last!r} keeps them within 0..1"
        yield found("SW903", cause, f"leave {last!r} out", where=where, **sums)
    elif link == "softmax" and (isinstance(last, Tanh | ReLU) or role_of(last).kind in ("relu", "bounded")) and attempts.usable:
        yield from _bounded_scores(patient, attempts, last, where)


def _bounded_scores(patient: Patient, attempts: Attempts, last: Layer, where: str) -> Iterator[Finding]:
    """A bound on the scores is a fault where the network learns clearly better without it."""
    if patient.network.layers[-1] is not last:
        return
    bounded, free = attempts.run(), attempts.run(linear_end=True)
    if free.end < 0.8 and free.end < 0.7 * bounded.end:
        cause = f"the scores end in {last!r}, and without it the loss falls to {free.end:.2f} of chance, not {bounded.end:.2f}"
        yield found("SW903", cause, f"leave {last!r} out", where=where, bounded=bounded.end, free=free.end)


def _attributes(patient: Patient, prediction: Array, last: Layer, where: str) -> Iterator[Finding]:
    link, low, high = patient.loss.link, float(prediction.min()), float(prediction.max())
    role = role_of(last)
    if role.kind == "shares" and prediction.shape[1] == 1:
        yield found("SW902", "a softmax over one output gives 1 for every row", "leave Softmax() out", where=where)
    elif link == "sigmoid" and isinstance(last, Sigmoid | Softmax):
        cause = f"{patient.loss!r} takes logits and applies a sigmoid, and the last layer has already applied {last!r}"
        yield found("SW901", cause, "leave the last activation out", where=where, smallest=low, largest=high)
    elif link is None and isinstance(last, ReLU | Softplus | Sigmoid | Softmax):
        cause = f"{patient.loss!r} wants scores of both signs, and {last!r} gives none below 0"
        yield found("SW903", cause, f"leave {last!r} out", where=where, smallest=low, largest=high)
    elif link == "sigmoid" and (isinstance(last, ReLU | Softplus) or role.kind == "relu"):
        cause = f"the logits end in {last!r} and are never below 0, so that no probability is below 1/2"
        yield found("SW903", cause, f"leave {last!r} out", where=where, smallest=low, largest=high)
    elif link == "sigmoid" and is_foreign(last) and low >= 0 and high <= 1 and high - low > 1e-3 and _pressed(patient):
        cause = f"{patient.loss!r} takes logits and applies a sigmoid, and the outputs are already within 0..1"
        yield found("SW901", cause, "leave the last activation out", where=where, smallest=low, largest=high)


def _pressed(patient: Patient) -> bool:
    """Whether outputs stay within 0..1 however large the inputs are."""
    x: Any = patient.sample.x
    if not isinstance(x, np.ndarray):
        return False
    with np.errstate(all="ignore"):
        far = patient.copy().forward((x * 1000.0).astype(x.dtype))[0]
    return bool(np.isfinite(far).all() and (far >= 0).all() and (far <= 1).all())


def _numbers(patient: Patient, last: Layer, where: str) -> Iterator[Finding]:
    target = patient.rows.target.reshape(len(patient.rows), -1).astype(np.float64)
    role = role_of(last)
    bounds = role.low, role.high
    if np.isfinite(bounds).any():
        spread = max(float(target.std()), 1e-12)
        outside = float(((target < bounds[0] - 0.02 * spread) | (target > bounds[1] + 0.02 * spread)).mean())
        if outside > OUTSIDE:
            low, high = float(target.min()), float(target.max())
            cause = (
                f"{last!r} gives numbers from {bounds[0]:.4g} to {bounds[1]:.4g}, and {outside:.0%} of the targets, which run "
            )
            cause += f"from {low:.3g} to {high:.3g}, lie outside"
            yield found("SW903", cause, f"leave {last!r} out", where=where, outside=outside, lowest=low, highest=high)
    if target.shape[1] == 1:
        yield from _class_numbers(patient, target[:, 0])


def _class_numbers(patient: Patient, target: Array) -> Iterator[Finding]:
    """Whole numbers 0..C-1 (or 1..C), all there, about equally often: names of classes rather than amounts."""
    values, counts = np.unique(target, return_counts=True)
    classes = len(values)
    if not 3 <= classes <= 100 or len(target) < 8 * classes or values[0] not in (0.0, 1.0):
        return
    if not np.array_equal(values, np.arange(classes) + values[0]):
        return
    shares = counts / counts.sum()
    evenness = float(-(shares * np.log(shares)).sum() / np.log(classes))
    typed = np.asarray(patient.given_y).dtype.kind in "iu"  # amounts come as floats, mostly
    if evenness < (0.75 if typed else 0.9) or ((not typed or evenness < 0.97) and _ordered(patient)):
        return  # counts are not equally often, and what lies between two of them lies between them among the rows
    cause = f"{patient.loss!r} is given {classes} whole numbers {values[0]:g}..{values[-1]:g}, each about equally often, as if "
    cause += "class 2 were between class 1 and class 3"
    fix = f"SoftmaxCrossEntropy() with Dense({classes}) at the end"
    yield found("SW904", cause, fix, where="y", classes=classes, evenness=evenness)


def _ordered(patient: Patient) -> bool:
    """Whether the numbers behave as amounts: what lies between two classes among the rows lies between them in number."""
    entering = patient.entering
    if entering is None:
        return False
    rows = entering.astype(np.float64)
    sample = patient.sample.target.reshape(-1).astype(np.float64)
    spread = rows.std(axis=0)
    rows = (rows - rows.mean(axis=0)) / np.where(spread > 1e-9, spread, np.inf)
    values = np.unique(sample)
    if len(values) < 3:
        return False
    centres = np.stack([rows[sample == value].mean(axis=0) for value in values])
    apart = np.sqrt(((centres[:, None] - centres[None]) ** 2).sum(axis=2))
    steps = np.abs(values[:, None] - values[None])
    upper = np.triu_indices(len(values), 1)
    if len(values) == 3:  # of three, only the question which one is in the middle
        return bool(apart[0, 2] > 1.4 * max(apart[0, 1], apart[1, 2]))
    first, second = np.argsort(np.argsort(apart[upper])), np.argsort(np.argsort(steps[upper]))
    return bool(np.corrcoef(first, second)[0, 1] > 0.7)
