"""What a run suffered from, asked of what it was given: code of somebody's own that is wrong, inputs that are far too large.

Nothing is asked of a run that went well.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..layers import Layer
from ..losses import LOSSES
from . import fitting_together, gradients_right, rows_apart, start
from .attempts import Attempts
from .findings import Finding, found
from .patient import Patient, Settings, is_foreign
from .record import Record
from .scales import EXTREME, EXTREME_COLUMN, Sizes, sizes

SUFFERED = frozenset({"SW201", "SW301", "SW302", "SW501", "SW801", "SW802", "SW1501", "SW1502"})
CODE = frozenset({"SW401", "SW402", "SW601"})
DESIGN = frozenset({"SW701", "SW901", "SW902", "SW905"})
LEARNS = 0.85  # of the loss at chance
BETTER = 0.75  # of the loss that the run came to


def causes(record: Record, findings: list[Finding]) -> list[Finding]:
    """What stands behind the findings of a run, where anything does."""
    codes = {finding.code for finding in findings if finding.alarm}
    if not codes & SUFFERED or not record.looks:
        return []
    patient = _began(record)
    return wrong_code(patient) or unfit(patient) or unscaled_inputs(record, codes)


def _began(record: Record) -> Patient:
    """The run as it was before its first step."""
    network = copy.deepcopy(record.shadow.network)
    network.flat().value[...] = record.start[0]
    settings = Settings(record.updater.optimizer, record.size, record.run.epochs)
    return Patient(network, record.run.loss, record.data.training, settings, given_y=record.data.training.target)


def wrong_code(patient: Patient) -> list[Finding]:
    """SW401, SW402 and SW601 of layers and losses of somebody's own."""
    if not any(is_foreign(layer) for layer in _layers(patient.network)) and type(patient.loss) in LOSSES.values():
        return []
    return _of(CODE, [*rows_apart.probe(patient), *gradients_right.probe(patient)])


def unfit(patient: Patient) -> list[Finding]:
    """SW701, SW901, SW902 and SW905: units that start equal, a last layer that the loss does not take."""
    return _of(DESIGN, [*start.equal_columns(patient), *fitting_together.probe(patient, Attempts(patient))])


def _of(codes: frozenset[str], findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.alarm and finding.code in codes]


def _layers(layer: Layer) -> Iterator[Layer]:
    for inner in layer.sublayers():
        yield inner
        yield from _layers(inner)


def unscaled_inputs(record: Record, codes: set[str]) -> list[Finding]:
    """SW101 or SW103, where something else was found and the trial with standardized inputs is free of it."""
    if codes & {"SW101", "SW103"}:
        return []
    size = _entering(record)
    if size is None or not (size.overall > EXTREME or size.largest_column > EXTREME_COLUMN):
        return []
    scaled, end = record.trials.loss_after(record.start, standardized=True), record.looks[-1].loss
    if not scaled < LEARNS * record.chance.loss or (math.isfinite(end) and "SW201" not in codes and scaled > BETTER * end):
        return []
    came = "diverged" if "SW201" in codes else f"came to {end:.4g}"
    cause = (
        f"inputs run from {size.low:.4g} to {size.high:.4g} with a root mean square of {size.overall:.3g}; with standardized "
    )
    cause += f"ones {record.trials.steps} steps come to a loss of {scaled:.4g}, while the run {came}"
    numbers: dict[str, Any] = {
        "root_mean_square": size.overall,
        "largest_column": size.largest_column,
        "typical_column": size.typical_column,
        "loss_standardized": scaled,
        "loss": end,
    }
    code = "SW103" if size.mixed else "SW101"
    return [found(code, cause, "standardize the columns: preprocessing.Standardize()", where="x", **numbers)]


def _entering(record: Record) -> Sizes | None:
    """How large the numbers are that reach the first product; None for sparse rows."""
    x: Any = record.rows.x
    if not isinstance(x, np.ndarray):
        return None
    network = record.shadow.network
    h: Any = x.astype(network.dtype)
    for layer in network.layers:
        if any(parameter.value.ndim > 1 for _, parameter in layer.parameters()):
            break
        h, _ = layer.forward(h, training=True, step=1)
    return sizes(h.reshape(len(h), -1)) if np.isfinite(h).all() else None
