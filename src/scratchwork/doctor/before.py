"""The examination before training: `sw.diagnose(network, x, y, loss=..., optimizer=...)`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ConfigurationError, DataError
from ..losses import Loss
from ..optimizers import Optimizer
from ..preparation import check_counts, resolve_loss, resolve_optimizer
from ..regularizers import Constraint, Regularizer, check_rules
from ..second_order import LBFGS
from ..sequential import Sequential
from ..sparse_rows import SciPySparse
from . import fitting_together, gradients_right, learning, rows_apart, rows_given, scales, start, wrapping
from .attempts import Attempts
from .findings import ERROR, Diagnosis, Finding, found
from .intake import Refused, checked_validation, prepared, validation_findings
from .patient import Patient, Settings

EPOCHS = 10  # what `fit` makes where nothing is said


def diagnose(
    network: Sequential,
    x: ArrayLike | SciPySparse,
    y: ArrayLike,
    *,
    loss: Loss | str,
    optimizer: Optimizer | LBFGS | str | None = None,
    batch_size: int | None = 32,
    epochs: int | None = None,
    validation_data: tuple[Any, ...] | None = None,
    sample_weight: ArrayLike | None = None,
    regularizer: Regularizer | None = None,
    shuffle: bool = True,
    seed: int = 0,
    metrics: Iterable[Any] | str = (),
    constraint: Constraint | None = None,
    clip_value: float | None = None,
    clip_norm: float | None = None,
) -> Diagnosis:
    """What is wrong with a run before it starts: measured on copies, the likeliest cause first.

    The arguments are those of `fit`, and mean the same. Nothing that is given is changed, a network that is not built stays
    so, and the same arguments give the same diagnosis. It takes less than a second for MNIST: rows are sampled, and trials
    are as short as the network is large.

    Parameters
    ----------
    network, x, y, loss, batch_size, validation_data, sample_weight, regularizer, shuffle, seed, metrics
        As for `fit`; so are constraint, clip_value and clip_norm.
    optimizer : Optimizer, LBFGS or name, optional
        None examines everything but the learning rate.
    epochs : int, optional
        How long the run is going to be: what is too slow for ten epochs may be right for a thousand. None takes 10.

    Returns
    -------
    Diagnosis
        With `ok`, `findings`, `codes`, `to_json()`; `print(diagnosis)` is a report. `docs/doctor.md` lists all codes.

    Raises
    ------
    ConfigurationError, ShapeError, DataError
        For arguments that make no run, such as a setting out of its range. What a diagnosis is for (text in place of
        numbers, NaN, labels out of range) is a finding and no error.

    Examples
    --------
    >>> from scratchwork import Adam, Dense, ReLU, Sequential, data
    >>> rows = data.digits()
    >>> network = Sequential([Dense(32), ReLU(), Dense(10)])
    >>> diagnose(network, rows.x / 16, rows.y, loss="softmax_cross_entropy", optimizer=Adam(1e-2)).ok
    True
    >>> print(diagnose(network, rows.x * 1000, rows.y, loss="softmax_cross_entropy", optimizer=Adam(1e-2)).codes[0])
    SW101
    """
    loss = resolve_loss(loss)
    rule = None if optimizer is None else resolve_optimizer(optimizer)
    if not isinstance(network, Sequential):
        raise ConfigurationError(f"diagnose examines a Sequential([...]); received {network!r}")
    check_counts(EPOCHS if epochs is None else epochs, batch_size, None, seed)
    check_rules(regularizer, constraint)
    try:
        copied, rows = prepared(network, loss, x, y, sample_weight, seed)
    except Refused as refused:
        return Diagnosis(refused.findings)
    settings = Settings(
        optimizer=rule,
        batch_size=min(batch_size or len(rows), len(rows)),
        epochs=EPOCHS if epochs is None else int(epochs),
        regularizer=regularizer,
        constraint=constraint,
        clip_value=clip_value,
        clip_norm=clip_norm,
        shuffle=bool(shuffle),
        seed=seed,
        metrics=tuple(_names(metrics)),
        epochs_given=epochs is not None,
    )
    patient = Patient(copied, loss, rows, settings, x, y, checked_validation(validation_data))
    copied.flat()
    return Diagnosis([*validation_findings(validation_data), *_examined(patient)])


def _names(metrics: Iterable[Any] | str) -> Iterator[str]:
    given = [metrics] if isinstance(metrics, str) or callable(metrics) else metrics or ()
    for metric in given:
        yield metric if isinstance(metric, str) else str(getattr(metric, "__name__", type(metric).__name__))


def _examined(patient: Patient) -> list[Finding]:
    """All probes, those that need nothing but the rows and the code first."""
    findings = [*rows_given.probe(patient)]
    code = [*rows_apart.probe(patient), *gradients_right.probe(patient)]
    findings += code
    if any(finding.code == "SW401" and "promised" in finding.cause for finding in code):
        return findings  # shapes are wrong: nothing can be computed
    bad = _first_output(patient)
    if bad is not None:
        return [*findings, *wrapping.wrapped(patient), *scales.beyond_all_measure(patient), bad]
    bad = _first_loss(patient) if not any(finding.code in ("SW401", "SW601") for finding in code) else None
    if bad is not None:
        return [*findings, *scales.beyond_all_measure(patient), bad]
    attempts = Attempts(patient)
    findings += fitting_together.probe(patient, attempts)
    if not any(finding.severity == ERROR and finding.code in ("SW601", "SW401", "SW402", "SW1403") for finding in findings):
        findings += scales.probe(patient, attempts)
        findings += start.probe(patient, attempts)
        alarms = {finding.code for finding in findings if finding.alarm}
        explained = bool(alarms - {"SW1004", "SW1302", "SW1303", "SW1101", "SW1102", "SW1401", "SW1402", "SW1001"})
        findings += learning.probe(patient, attempts, explained)
    else:
        findings += wrapping.wrapped(patient)
    return findings


def _first_loss(patient: Patient) -> Finding | None:
    """SW201 where the very first loss is not finite; a loss that is none raises what it raises in `fit`."""
    rows = patient.sample.take(np.arange(min(len(patient.sample), 64)))
    with np.errstate(all="ignore"):
        prediction, _ = patient.copy().forward(rows.x, training=True, step=1)
        try:
            given: Any = patient.loss.value_and_grad(prediction, rows.target, rows.weight)
        except DataError:  # no probabilities: SW905 says so
            return None
    pair = isinstance(given, tuple) and len(given) == 2 and np.ndim(given[0]) == 0 and np.shape(given[1]) == prediction.shape
    if not pair:
        raise ConfigurationError(
            f"value_and_grad of {patient.loss!r} gives a number and a gradient of the shape of the prediction, "
            f"{prediction.shape}"
        )
    if math.isfinite(float(given[0])) and np.isfinite(given[1]).all():
        return None
    largest = float(np.abs(prediction).max())
    cause = f"the first loss is {float(given[0])} before any step, and the outputs are finite ({largest:.3g} at most)"
    fix = "look for log(0), exp of large numbers and division by 0; take the loss on logits"
    return found("SW201", cause, fix, where="the loss", largest_output=largest)


def _first_output(patient: Patient) -> Finding | None:
    """SW201 where the very first outputs are not finite."""
    x: Any = patient.sample.x
    with np.errstate(all="ignore"):
        output, _ = patient.copy().forward(x, training=True, step=1)
    if np.isfinite(output).all():
        return None
    for name, parameter in patient.network.parameters():
        if not np.isfinite(parameter.value).all():
            return found("SW201", f"{name} of the network is not finite before the first step", "build it anew", where=name)
    largest = float(np.abs(x).max()) if isinstance(x, np.ndarray) else math.nan
    cause = f"the first outputs are not finite; the largest input is {largest:.3g}"
    return found("SW201", cause, "scale the inputs", where="the network's output", largest_input=largest)
