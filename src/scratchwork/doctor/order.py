"""The order in which a run met its rows: sorted and not shuffled, or the same batch again and again."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from ..preparation import Rows
from ..sparse_rows import SparseRows
from .chance import classes_of
from .findings import Finding, found
from .record import Record

SORTED = 0.4  # share of the targets' variance that lies between batches, beyond what chance puts there
LOOKED = 4096  # rows
COLUMNS = 64  # of these


def order_of_rows(record: Record) -> list[Finding]:
    """SW1101 and SW1102."""
    rows, size = record.data.training, record.size
    findings = repeated(_first(rows), size, len(rows))
    if record.seed is not None or size >= len(rows) or findings:
        return findings
    share = between_batches(_columns(record, rows), size)
    if share < SORTED:
        return []
    cause = (
        f"the rows come in the order of their targets and are not shuffled: {100 * share:.0f} % of the targets' variance lies "
        f"between batches of {size}, so that each batch shows one kind of target only"
    )
    return [found("SW1101", cause, "shuffle=True, or shuffle x and y together once", between_batches=share, batch_size=size)]


def _first(rows: Rows) -> Rows:
    """The first rows, without a copy."""
    some = slice(0, min(len(rows), LOOKED))
    return Rows(rows.x[some], rows.target[some])


def _columns(record: Record, rows: Rows) -> Array:
    labels = classes_of(rows, record.run.loss)
    if labels is None:
        return np.asarray(rows.target.reshape(len(rows), -1), np.float64)
    return np.asarray(labels[:, None] == np.unique(labels)[None, :], np.float64)


def between_batches(target: Array, size: int) -> float:
    """The share of variance between batches, corrected for what it is when rows come at random."""
    count = len(target) // size
    total = float(target.var(axis=0).sum())
    if count < 3 or size < 2 or total <= 0:
        return 0.0
    means = target[: count * size].reshape(count, size, -1).mean(axis=1)
    share = float(means.var(axis=0).sum()) / total
    chance = 1.0 / size
    return (share - chance) / (1.0 - chance)


def repeated(rows: Rows, size: int, count: int) -> list[Finding]:
    """SW1102: row i + P is row i again, for most rows and some P: the whole over again, or each batch some times."""
    n = len(rows)
    if n < 16:
        return []
    marks = _marks(rows)
    _, counts = np.unique(marks, return_counts=True)
    accident = float(((counts / n) ** 2).sum())  # that two rows are equal
    again = np.flatnonzero(marks[1:] == marks[0]) + 1
    for period in dict.fromkeys([size, *again[again >= 8][:8].tolist()]):
        if not 4 <= period <= n // 2 or len(np.unique(marks[:period])) < max(4, period // 2):
            continue
        share = float((marks[period:] == marks[:-period]).mean())
        if share > 0.3 and share > 10 * accident:
            cause = (
                f"the same rows come again and again: row i + {period} is row i in {100 * share:.0f} % of the first {n:,}, and "
                f"{len(counts):,} of these are different"
            )
            fix = "look at the loop that cuts the batches: it takes the same slice more than once"
            return [found("SW1102", cause, fix, period=int(period), share=share, different=len(counts), rows=count)]
    return []


def _marks(rows: Rows) -> Array:
    """A number for each row, equal where rows and targets are equal."""
    x = rows.x.dense() if isinstance(rows.x, SparseRows) else rows.x
    flat = x.reshape(len(x), -1)
    vary = np.flatnonzero(flat[:64].max(axis=0) > flat[:64].min(axis=0))
    some = flat[:, vary[np.unique(np.linspace(0, len(vary) - 1, COLUMNS).astype(np.int64))]] if len(vary) > COLUMNS else flat
    table = np.concatenate([some.astype(np.float64), rows.target.reshape(len(x), -1)], axis=1)
    marks: Array = table @ np.random.default_rng(0).normal(size=table.shape[1])
    return marks
