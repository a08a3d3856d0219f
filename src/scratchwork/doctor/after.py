"""The examination after training: what the curves say, and what the trained network does to its rows."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array
from ..errors import ConfigurationError
from ..history import History, Run
from ..losses import Loss
from ..optimizers import Optimizer
from ..preparation import Data, prepare_data, resolve_loss, resolve_optimizer
from ..regularizers import Regularizer
from ..second_order import LBFGS
from ..sequential import Sequential
from ..sparse_rows import SciPySparse
from ..updates import Updater
from .chance import chance_of
from .curves import Curves, overfitting, stopped_early
from .during import conclude
from .findings import Diagnosis, Finding, found
from .looks import WATCHED, Shadow, some_rows
from .record import Record
from .trials import Pair, one_step


def diagnose_after(
    network: Sequential,
    x: ArrayLike | SciPySparse,
    y: ArrayLike,
    history: History | Mapping[str, Sequence[float]],
    *,
    loss: Loss | str,
    optimizer: Optimizer | LBFGS | str | None = None,
    epochs: int | None = None,
    batch_size: int | None = 32,
    validation_data: tuple[Any, ...] | None = None,
    regularizer: Regularizer | None = None,
    shuffle: bool = True,
    seed: int = 0,
    start: Sequential | None = None,
) -> Diagnosis:
    """What is wrong with a run that is over: from its history, its rows, and the network that it has left.

    What `fit(..., doctor=True)` sees on the way (which step, since when) can no longer be seen; the beginning is built anew
    from `seed`, as `fit` builds a network that is not built.

    Parameters
    ----------
    network : Sequential
        After training; it is not changed.
    x, y, loss, optimizer, batch_size, validation_data, regularizer, shuffle, seed
        As `fit` had them. Without an optimizer, nothing is said of the learning rate.
    history : History, or a mapping of names to one number for each epoch
    epochs : int, optional
        How many were asked for, where early stopping may have ended the run.
    start : Sequential, optional
        The network before training, where `seed` would not build it.

    Examples
    --------
    >>> import scratchwork as sw
    >>> rows = sw.data.digits()
    >>> network = sw.Sequential([sw.Dense(32), sw.ReLU(), sw.Dense(10)])
    >>> settings = dict(loss=sw.SoftmaxCrossEntropy(), optimizer=sw.SGD(1e-7), epochs=3)
    >>> history = sw.fit(network, rows.x / 16, rows.y, **settings)
    >>> diagnose_after(network, rows.x / 16, rows.y, history, **settings).codes
    ('SW302',)
    """
    if not isinstance(network, Sequential) or not network.built:
        raise ConfigurationError(f"diagnose_after takes a trained network; received {network!r}")
    lines = _history(history)
    if not lines.epochs:
        return Diagnosis(_no_epoch(lines))
    loss, rule = resolve_loss(loss), resolve_optimizer("sgd" if optimizer is None else optimizer)
    trained = copy.deepcopy(network)
    data = prepare_data(trained, loss, x, y, None, validation_data, 0.0, seed, part=True)
    began = copy.deepcopy(network if start is None else start)
    if start is None:
        began.build(network.in_shape, rng=seed, dtype=network.dtype)
    with np.errstate(all="ignore"):
        record = _record(trained, began, data, loss, rule, lines, epochs, batch_size, regularizer, seed if shuffle else None)
        if optimizer is not None and isinstance(rule, Optimizer):
            record.pairs = _pairs(record)
        return Diagnosis(conclude(record))


def diagnose_history(history: History | Mapping[str, Sequence[float]], epochs: int | None = None) -> Diagnosis:
    """What the curves say by themselves, where neither rows nor network are there: the loss of the first epoch is chance."""
    lines = _history(history)
    if not lines.epochs:
        return Diagnosis(_no_epoch(lines))
    chance = float(lines["loss"][0])
    wanted = epochs or lines.epochs
    findings = overfitting(lines, chance, restored=lines.best_epoch is not None)
    return Diagnosis([*findings, *_not_finite(lines), *stopped_early(lines, lines.stopped, chance, wanted)])


def _history(given: History | Mapping[str, Sequence[float]]) -> History:
    if isinstance(given, History):
        return given
    history = History()
    history.columns = {str(name): [math.nan if v is None else float(v) for v in column] for name, column in given.items()}
    return history


def _no_epoch(history: Curves) -> list[Finding]:
    cause = "the run has no epoch that came to its end"
    return [found("SW1603", cause, "train again, or go on with train --resume", epochs=0)]


def _not_finite(history: Curves) -> list[Finding]:
    for name, column in history.items():
        bad = [epoch for epoch, value in enumerate(column, 1) if not math.isfinite(value)]
        if bad:
            cause = f"{name} was not finite in epoch {bad[0]}, and in {len(bad)} of {len(column)} epochs"
            return [found("SW201", cause, "a smaller learning rate, scaled inputs, or clip_norm=1.0", epoch=bad[0])]
    return []


def _record(
    trained: Sequential,
    began: Sequential,
    data: Data,
    loss: Loss,
    rule: Optimizer | LBFGS,
    history: History,
    epochs: int | None,
    batch_size: int | None,
    regularizer: Regularizer | None,
    seed: int | None,
) -> Record:
    rows = len(data.training)
    size = rows if batch_size is None or isinstance(rule, LBFGS) else min(int(batch_size), rows)
    per_epoch = math.ceil(rows / size)
    updater = Updater(trained, rule, regularizer)
    run = Run(trained, loss, rule, epochs or history.epochs, per_epoch, rows, history=history, state=updater.state)
    run.epoch, run.step = history.epochs, history.epochs * per_epoch
    run.learning_rate = float(history.columns.get("learning_rate", [math.nan])[-1])
    judged, shadow = some_rows(data.training, WATCHED), Shadow(trained, loss)
    chance = chance_of(data.training, loss, trained.out_shape[0])
    first = Shadow(began, loss)
    beginning = _snapshot(began)
    record = Record(run, updater, data, size, seed, None, judged, shadow, chance, beginning)
    record.looks = [first.look(judged, 0, 0), shadow.look(judged, run.step, run.epoch)]
    return record


def _snapshot(network: Sequential) -> list[Array]:
    return [network.flat().value.copy(), *(buffer.copy() for _, buffer in network.buffers())]


def _pairs(record: Record) -> list[Pair]:
    """The first step of the run made once more, and one at its end, with an optimizer that begins there."""
    ends = (0, record.start), (record.run.steps, _snapshot(record.run.network))
    return [one_step(record.trials, snapshot, step) for step, snapshot in ends]
