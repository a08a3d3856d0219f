"""What the two paths of the training loop share: batches, and what is measured when an epoch is over."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from .arrays import Array
from .callbacks import Callback, hooked
from .data.batches import epoch_order
from .diagnosis import bad_parameters
from .errors import ConfigurationError
from .history import Part, Run
from .preparation import Data, Metric, Rows
from .sparse_rows import RowsOf, SparseRows
from .updates import Updater

Seen: TypeAlias = tuple[Array, Array, Array | None]  # predictions, targets and weights of a batch


def row_order(count: int, size: int, seed: int | None, epoch: int, steps: int) -> Array:
    """The order in which the rows are met in an epoch of so many steps; those that they leave out are not in it.

    All at once, their order changes nothing but rounding.
    """
    order = np.arange(count) if seed is None or size >= count else epoch_order(count, seed, epoch)
    return order[: steps * size]


class Batches:
    """Walks through rows in batches of a given size; each epoch's order is a function of the seed and the epoch.

    Rows are gathered into one buffer that is used again for every batch: while a batch is at work it stays in the cache.
    """

    def __init__(self, rows: Rows, size: int, dtype: np.dtype[Any]) -> None:
        self.rows, self.size, self.dtype = rows, size, dtype
        shape = (size, *rows.x.shape[1:])
        self.whole = size >= len(rows)
        buffered = not self.whole and not isinstance(rows.x, SparseRows)
        self.gathered = np.empty(shape if buffered else 0, rows.x.dtype)
        narrow = rows.x.dtype != dtype
        self.converted = np.empty(shape if narrow and buffered else 0, dtype) if narrow else self.gathered

    def epoch(self, seed: int | None, epoch: int, steps: int, first: int = 0) -> Iterator[tuple[RowsOf, Array, Array | None]]:
        """(x, target, weight) of each batch from the `first` on; x is overwritten by the next one."""
        rows, count = self.rows, len(self.rows)
        if self.whole:  # all rows at once: their order changes nothing but rounding
            for _ in range(first, 1):
                yield rows.x.astype(self.dtype, copy=False), rows.target, rows.weight
            return
        order = row_order(count, self.size, seed, epoch, steps)
        for start in range(first * self.size, len(order), self.size):
            chosen = order[start : start + self.size]
            yield self._inputs(chosen), rows.target[chosen], None if rows.weight is None else rows.weight[chosen]

    def _inputs(self, chosen: Array) -> RowsOf:
        rows = self.rows.x
        if isinstance(rows, SparseRows):
            return rows[chosen]
        x = self.gathered[: len(chosen)]
        np.take(rows, chosen, axis=0, out=x, mode="clip")  # "clip": the default checks through a second buffer
        if self.converted is not self.gathered:
            self.converted[: len(chosen)] = x
            x = self.converted[: len(chosen)]
        return x


def count_epoch(run: Run) -> Part:
    """How far the epoch is: a new one, which is counted, or the one that a checkpoint was written in."""
    if run.part.steps == 0:
        run.epoch += 1
        run.network.epochs_seen += 1
        run.part = Part()
    return run.part


def begin_epoch(run: Run, batches: Batches, seed: int | None) -> tuple[Part, list[Seen]]:
    """The epoch that is to be walked through, and what metrics need of the steps that it has behind it."""
    count_epoch(run)
    rows, seen = batches.rows, list[Seen]()
    if run.part.predictions:
        prediction = np.concatenate(run.part.predictions)
        order = row_order(len(rows), batches.size, seed, run.network.epochs_seen - 1, run.steps_per_epoch)[: len(prediction)]
        seen.append((prediction, rows.target[order], None if rows.weight is None else rows.weight[order]))
    return run.part, seen


def end_epoch(run: Run) -> float:
    """The mean of an epoch's losses."""
    return run.part.loss if run.part.weight else run.batch_loss


def finish_epoch(
    run: Run,
    updater: Updater,
    data: Data,
    loss: float,
    seen: list[Seen],
    started: float,
    hooks: list[Callback],
) -> None:
    """Check the parameters, validate, write the epoch's entry and call its hooks; `seen` are predictions and targets."""
    if run.network.flat() is not updater.flat:  # the updates would go on changing arrays that nobody uses
        raise ConfigurationError("a callback moved the parameters elsewhere: write into them, parameter.value[...] = numbers")
    if error := bad_parameters(run.network, epoch=run.epoch, step=run.step):
        raise error
    if run.stop == "interrupted" and run.steps < run.epoch * run.steps_per_epoch:
        return  # an epoch that was not finished is no entry of the history
    row = {"loss": loss, **measured(run.metrics, seen)} | validated(run, updater, data.validation, run.metrics)
    run.history.append({**row, "learning_rate": run.learning_rate, "seconds": time.perf_counter() - started})
    run.part = Part()  # it is no longer under way
    for hook in hooked(hooks, "on_epoch_end"):
        hook(run)


def measured(measures: Mapping[str, Metric], seen: list[Seen]) -> dict[str, float]:
    """Every metric over all predictions of an epoch at once, which is exact also where means of batches are not (AUC, R²)."""
    if not measures or not seen:
        return {}
    prediction = np.concatenate([one[0] for one in seen])
    target = np.concatenate([one[1] for one in seen])
    weights = [one[2] for one in seen if one[2] is not None]
    weight = np.concatenate(weights) if weights else None
    return {name: measure(prediction, target, weight) for name, measure in measures.items()}


def validated(run: Run, updater: Updater, rows: Rows | None, measures: Mapping[str, Metric]) -> dict[str, float]:
    """The loss, penalties included, and every metric on the validation rows."""
    if rows is None:
        return {}
    prediction = run.network.predict(rows.x)
    value, _ = run.loss.value_and_grad(prediction, rows.target, rows.weight)
    values = {f"val_{name}": measure(prediction, rows.target, rows.weight) for name, measure in measures.items()}
    return {"val_loss": value + updater.penalty(), **values}
