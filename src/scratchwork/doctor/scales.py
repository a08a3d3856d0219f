"""Condition 1: inputs and targets whose size the network was not made for, columns in mixed units, integers that wrapped.

Sizes alone prove little: counts up to 16 train well, and so do pixels up to 255 where a normalization comes first. So what
is suspicious is tried out: some steps as it is, and some with columns of mean 0 and standard deviation 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array
from ..second_order import LBFGS
from .attempts import Attempts
from .findings import Finding, found
from .patient import Patient, place
from .wrapping import wrapped

SUSPICIOUS, EXTREME = 3.0, 40.0  # root mean square of all inputs
SUSPICIOUS_COLUMN, EXTREME_COLUMN = 10.0, 100.0  # of the largest column
TINY_ROW = 0.08  # the typical length of a row
BEYOND = 1e6
MIXED = 30.0  # largest to median column


@dataclass(frozen=True)
class Sizes:
    """How large the numbers are that reach the first product."""

    overall: float
    largest_column: float
    typical_column: float
    row: float
    low: float
    high: float
    columns: int

    @property
    def mixed(self) -> bool:
        """Whether some columns are far larger than most."""
        return self.columns > 1 and self.largest_column > MIXED * self.typical_column


def probe(patient: Patient, attempts: Attempts) -> Iterator[Finding]:
    """Inputs, targets, and integers that wrapped around."""
    yield from wrapped(patient)
    yield from _inputs(patient, attempts)
    yield from _targets(patient, attempts)


def sizes(h: Array) -> Sizes:
    """The sizes of rows (n, D)."""
    rows = h.astype(np.float64)
    columns = np.sqrt(np.mean(np.square(rows), axis=0))
    alive = columns[rows.std(axis=0) > 1e-12]
    typical = float(np.median(alive)) if alive.size else 0.0
    largest = float(alive.max()) if alive.size else 0.0
    length = float(np.median(np.sqrt(np.square(rows).sum(axis=1))))
    overall = float(np.sqrt(np.mean(np.square(rows))))
    return Sizes(overall, largest, typical, length, float(rows.min()), float(rows.max()), int(alive.size))


def beyond_all_measure(patient: Patient) -> Iterator[Finding]:
    """SW101 and SW102 without a trial, for numbers so large that nothing finite comes of them."""
    x: Any = patient.sample.x
    largest = float(np.abs(x).max()) if isinstance(x, np.ndarray) and x.size else 0.0
    if largest > BEYOND:
        cause = f"inputs reach {largest:.3g}, and nothing finite comes of them"
        yield found("SW101", cause, "standardize x: (x - mean) / standard deviation", where="x", highest=largest)
    target = patient.sample.target
    largest = float(np.abs(target).max()) if patient.loss.task == "regression" and target.size else 0.0
    if largest > BEYOND:
        cause = f"targets reach {largest:.3g}, and no finite loss comes of them"
        yield found("SW102", cause, "standardize y: (y - mean) / standard deviation", where="y", highest=largest)


def _inputs(patient: Patient, attempts: Attempts) -> Iterator[Finding]:
    h = patient.entering
    if h is None or not np.isfinite(h).all() or not attempts.usable:
        return
    size = sizes(h)
    extreme = size.overall > EXTREME or size.largest_column > EXTREME_COLUMN
    suspicious = size.overall > SUSPICIOUS or size.largest_column > SUSPICIOUS_COLUMN
    tiny = 0 < size.row < TINY_ROW
    if not (extreme or suspicious or tiny):
        return
    given, scaled = attempts.run(), attempts.run(inputs=True)
    raw = size.overall > EXTREME and not patient.normalized_after  # 0..255 is told whatever comes of it
    if not raw and not _worse(given.end, scaled.end, attempts, patient, extreme=extreme and not patient.normalized_after):
        return
    evidence: dict[str, Any] = {
        "root_mean_square": size.overall,
        "largest_column": size.largest_column,
        "typical_column": size.typical_column,
        "lowest": size.low,
        "highest": size.high,
        "loss_after": given.end,
        "loss_after_scaling": scaled.end,
        "steps": given.steps,
    }
    tried = f"after {given.steps} steps the loss is {_of_chance(given.end)}, with scaled inputs {_of_chance(scaled.end)}"
    if size.mixed and not tiny:
        cause = f"the largest column has a root mean square of {size.largest_column:.3g}, the typical one "
        cause += f"{size.typical_column:.3g}; {tried}"
        yield found("SW103", cause, "standardize the columns: preprocessing.Standardize()", where="x", **evidence)
        return
    cause = f"inputs run from {size.low:.4g} to {size.high:.4g} with a root mean square of {size.overall:.3g}; {tried}"
    pixels = size.low >= 0 and 16 < size.high <= 255
    fix = "divide x by 255" if pixels else "standardize x: (x - mean) / standard deviation of the training rows"
    yield found("SW101", cause, fix, where="x", **evidence)


def _worse(given: float, scaled: float, attempts: Attempts, patient: Patient, *, extreme: bool) -> bool:
    """Whether scaling is what is missing."""
    if extreme:
        return given > (1.15 * scaled + 0.02 if min(given, scaled) <= 0.85 else 0.85)
    if scaled > 0.8 or given <= 0.9 or attempts.compression > 30.0:
        return False  # of so long a run a trial says little
    factors = [0.1, 0.01, 3.0, 10.0, min(attempts.compression, 30.0)]
    if isinstance(patient.settings.optimizer, LBFGS):
        return False
    return all(attempts.run(factor=factor).end > 0.9 for factor in factors)


def _of_chance(loss: float) -> str:
    return f"{loss:.2f} of chance" if loss < 1e3 else f"{loss:.1e} of chance" if np.isfinite(loss) else "not finite"


def _targets(patient: Patient, attempts: Attempts) -> Iterator[Finding]:
    """SW102: the first outputs are of the size of 1, and a mean of 1000 is a long way from there."""
    loss = patient.loss
    if loss.task != "regression" or loss.link != "identity" or not attempts.usable:
        return
    target = patient.sample.target.reshape(len(patient.sample), -1).astype(np.float64)
    output = patient.copy().forward(patient.sample.x)[0].astype(np.float64)
    spread, middle = float(target.std()), float(np.abs(target.mean(axis=0)).max())
    size = float(np.sqrt(np.mean(np.square(target))))
    far = float(np.abs(output.mean(axis=0) - target.mean(axis=0)).max())
    large = size > 10.0 and (far > 3 * spread or spread > 10.0)
    small = 0 < size < 0.01
    if not (large or small) or isinstance(patient.settings.optimizer, LBFGS):
        return
    factors = sorted({1.0, attempts.compression, min(attempts.compression, 10.0)})
    hard = size > 100.0
    if hard and attempts.run().start > 4.5 and attempts.run(targets=True).good(0.9):
        factors = [1.0]  # so far away that many steps do nothing but go there
    best = min(attempts.run(factor=factor).end for factor in factors)
    scaled = min((attempts.run(factor=factor, targets=True) for factor in factors), key=lambda one: one.end)
    if scaled.end > 0.9 or best < (2 * scaled.end + 0.05 if hard else max(1.3 * scaled.end + 0.02, 0.9)):
        return
    cause = (
        f"targets have mean {float(target.mean()):.4g} and standard deviation {spread:.4g}, and the first outputs are about "
    )
    cause += f"{float(output.mean()):.2g}; after {scaled.steps} steps the loss is {_of_chance(best)}, with scaled targets "
    cause += _of_chance(scaled.end)
    fix = "standardize y: (y - mean) / standard deviation, and turn predictions back"
    evidence: dict[str, Any] = {
        "mean": float(target.mean()),
        "largest_mean": middle,
        "standard_deviation": spread,
        "first_outputs": output.mean(),
    }
    yield found("SW102", cause, fix, where="y", loss_after=best, loss_after_scaling=scaled.end, **evidence)


def where_first(patient: Patient) -> str:
    """The place of the first product, for findings."""
    layers = patient.network.layers
    index = min(patient.first_product, len(layers) - 1)
    return place(str(index), layers[index])
