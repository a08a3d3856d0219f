"""Predictions and targets that suit a loss, which loss a name speaks of, and what a value is that departs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..arrays import Array
from .known import LossForm, act, one_hot, scales
from .layer_checks import laid, laid_rows

OTHERS = re.compile(
    r"huber|smooth|cosh|focal|quantile|poisson|kullback|\bkl|kl_?div|contrastive|triplet|cosine|dice|wasserstein"
)
"""Losses that are not known here: nothing is said about them."""


WORDS = (
    ("squared hinge", r"squared_?hinge|hinge_?sq"),
    ("hinge", r"hinge|svm|margin"),
    ("binary cross-entropy", r"binary|bce|log_?loss|logistic"),
    ("cross-entropy", r"categorical|cross_?entropy|cce|^ce|_ce$|xent|nll|neg_?log"),
    ("absolute error", r"absolute|mae|l1"),
    ("squared error", r"mean_?squared|mse|sse|squared|quadratic|l2|sq_?err|rmse|cost|error|loss"),
)


ROWS = 7


OUTPUTS = 3


def loss_word(name: str) -> str | None:
    """Which loss a name speaks of."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    if OTHERS.search(text):
        return None
    return next((kind for kind, pattern in WORDS if re.search(pattern, text)), None)


def is_general(name: str) -> bool:
    """Whether a name says only that something is a loss: Loss, cost, SoftmaxWithLoss, compute_error."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    words = [pattern for _, pattern in WORDS[:-1]] + [r"mean_?squared|mse|sse|squared|quadratic|l2|sq_?err"]
    return not any(re.search(pattern, text) for pattern in words)


def written_loss(name: str, source: str) -> str:
    """The loss that a name like that and its source speak of, where no value fits."""
    if re.search(r"softmax", name.lower()):
        return "cross-entropy"
    if re.search(r"sigmoid", name.lower()):
        return "binary cross-entropy"
    if re.search(r"\blog\w*\(", source):
        return "binary cross-entropy" if re.search(r"\(?1(\.0?)? ?- ?\w+", source) else "cross-entropy"
    return "squared error"


@dataclass
class Sample:
    """Predictions and targets that suit a loss."""

    form: LossForm
    layout: str
    outputs: int = OUTPUTS
    p: Array = field(init=False)
    labels: Array = field(init=False)
    t: Array = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(31)
        scores = rng.normal(size=(ROWS, self.outputs))
        self.labels = np.array([2, 0, 1, 1, 2, 0, 1])[:ROWS] % max(self.outputs, 2)
        self.t = one_hot(self.labels, self.outputs) if self.outputs > 1 else self.labels[:, None].astype(float)
        name = self.form.name
        self.p = act("softmax", scores) if name == "cross-entropy" else act("sigmoid", scores) if "binary" in name else scores
        if "binary" in name and self.outputs > 1:
            self.t = (rng.random(size=self.t.shape) > 0.5).astype(float)
        if name in ("squared error", "absolute error"):
            self.t = self.t + 0.3 * rng.normal(size=self.t.shape)
        self.p, self.t = laid_rows(self.p, self.layout), laid_rows(self.t, self.layout)
        self.labels = self.labels[: len(self.p)]

    def targets(self) -> list[tuple[str, Array]]:
        """The forms in which targets may be handed over."""
        forms = [("one-hot", laid(self.t, self.layout))]
        if self.form.name in ("cross-entropy", "hinge", "squared hinge", "softmax cross-entropy") and self.outputs > 1:
            forms.append(("labels", self.labels))
        return forms


def follows_itself(value: Callable[[Array], float | None], given: Array | None, p: Array, factors: tuple[float, ...]) -> bool:
    """Whether this is the derivative of a loss that is not known here, by differences of its own values."""
    if given is None or given.shape != p.shape:
        return False
    slopes = np.zeros(p.shape)
    for index in np.ndindex(p.shape):
        values = []
        for step in (1e-5, -1e-5):
            moved = p.copy()
            moved[index] += step
            found = value(moved)
            values.append(np.nan if found is None else found)
        slopes[index] = (values[0] - values[1]) / 2e-5
    return bool(slopes.any()) and any(np.allclose(given, factor * slopes, rtol=1e-4, atol=1e-7) for factor in factors)


def fitting_scales(form: LossForm, sample: Sample, value: float) -> list[float]:
    """The scales at which this is the loss's value."""
    with np.errstate(all="ignore"):
        total = form.value(sample.p, sample.t)
    half = "squared" in form.name
    return [s for s in scales(*sample.p.shape, half=half) if abs(value - s * total) <= 1e-5 * abs(s * total) + 1e-12]


def value_mistake(form: LossForm, sample: Sample, value: float) -> tuple[str, str]:
    """(diagnosis, sentence) for a value at which the loss is not itself."""
    total = form.value(sample.p, sample.t)
    mean = total / len(sample.p)
    if fitting_scales(form, sample, -value):
        return "wrong loss", f"it is {value:.6g}, the {form.name} with the wrong sign"
    rows, outputs = sample.p.shape
    for factor in (
        rows,
        outputs,
        rows * outputs,
        1 / rows**2,
        2.0,
        2 / rows,
        1 / (2 * rows),
        1 / 2,
        2 / outputs,
        2 / (rows * outputs),
    ):
        if abs(value - factor * total) <= 1e-5 * abs(value):
            return (
                "loss scale",
                f"it is {value:.6g}, the sum of the {form.name} times {factor:.4g}; the mean over the rows is {mean:.6g}",
            )
    return "wrong loss", f"it is {value:.6g} where the mean {form.name} is {mean:.6g}"
