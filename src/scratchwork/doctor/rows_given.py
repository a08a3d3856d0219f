"""Conditions 10, 11 and 13 as far as the rows alone tell: imbalance, order, repetition, rows on both sides of a split."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..arrays import Array
from ..second_order import LBFGS
from ..sparse_rows import SparseRows
from .findings import NOTE, Finding, found
from .patient import Patient

MAJORITY = 0.85
EXPLAINED = 0.25  # share of the targets' variance that the place in the file explains
FAIR = ("auc", "f1", "balanced", "recall", "precision", "matthews", "mcc", "kappa", "average_precision", "brier", "roc")
KEYS = 24  # columns that a row is known by at first


def probe(patient: Patient) -> Iterator[Finding]:
    """Rows that are all the same; labels, order, repetition, split."""
    yield from _alike(patient)
    yield from _labels(patient)
    yield from _order(patient)
    yield from _repeated(patient)
    yield from _split(patient)
    yield from _contradictory(patient)


def alike(x: Any) -> bool:
    """Whether all rows are the same: nothing can be learned of them, whatever the network does with them."""
    if isinstance(x, SparseRows) or len(x) < 2:
        return False
    return bool((x[1:] == x[:1]).all())


def _alike(patient: Patient) -> Iterator[Finding]:
    """SW501 of inputs that say nothing."""
    if len(patient.sample) < 4 or not alike(patient.sample.x):
        return
    first = np.asarray(patient.sample.x)[0].reshape(-1)
    value = f"{float(first[0]):g} everywhere" if (first == first[0]).all() else "of several numbers, but always the same"
    cause = f"all rows of x are the same ({value}): the outputs can say nothing but how often each target comes"
    fix = "look at how x came about: an integer division (x // 255), astype(int) after scaling, or a buffer never filled"
    yield found("SW501", cause, fix, where="x", path=["do the rows differ? no"], rows=len(patient.rows))


def _labels(patient: Patient) -> Iterator[Finding]:
    classes, outputs = patient.classes, patient.network.out_shape[0]
    if classes is None:
        return
    counts = np.bincount(classes, minlength=max(outputs, 2))
    if outputs > 2 and counts[0] == 0 and (counts[1:] > 0).all() and len(classes) >= 10 * outputs:
        cause = f"no row has class 0, and every class 1..{outputs - 1} has some: do labels start at 1?"
        fix = f"y - 1, with Dense({outputs - 1}) at the end"
        yield found("SW1001", cause, fix, where="y", lowest=1, highest=outputs - 1, outputs=outputs)
    shares = counts / counts.sum()
    largest = float(shares.max())
    if (
        len(classes) < 20
        or largest < MAJORITY
        or patient.rows.weight is not None
        or any(getattr(patient.loss, name, None) is not None for name in ("class_weight", "positive_weight"))
    ):
        return
    names = [name.lower() for name in patient.settings.metrics]
    fair = any(word in name for name in names for word in FAIR)
    if fair or any("accuracy" not in name for name in names):
        return
    cause = f"{largest:.1%} of the rows are of class {int(shares.argmax())}: always saying so is right as often, and accuracy "
    cause += "hides it"
    fix = 'metrics=["balanced_accuracy"] or "auc", and class_weight in the loss or sample_weight'
    severity = None if names else NOTE
    yield found("SW1004", cause, fix, where="y", severity=severity, majority=largest, classes=int((counts > 0).sum()))


def _order(patient: Patient) -> Iterator[Finding]:
    """SW1101: batches in the order of the file, whose targets depend on the place in it."""
    settings, count = patient.settings, len(patient.rows)
    if settings.shuffle or settings.batch_size >= count or isinstance(settings.optimizer, LBFGS):
        return
    share, random = _explained(patient, settings.batch_size)
    if share < EXPLAINED or share < 4 * random:
        return
    cause = f"shuffle is False, and the place in the file explains {share:.0%} of the targets' variance (rows in random order: "
    cause += f"{random:.1%}): batches of {settings.batch_size} hold a part of the classes or range each"
    fix = "shuffle=True, or put the rows in random order once"
    yield found("SW1101", cause, fix, where="y", explained=share, expected=random, batch_size=settings.batch_size)


def _explained(patient: Patient, size: int) -> tuple[float, float]:
    """(share of the variance of targets between batches, what random order would give)."""
    classes = patient.classes
    if classes is not None:
        target = np.eye(int(classes.max()) + 1, dtype=np.float32)[classes]
    else:
        target = patient.rows.target.reshape(len(patient.rows), -1).astype(np.float32)
    size = max(size, math.ceil(len(target) / 2000), 8)
    batches = len(target) // size
    if batches < 2:
        return 0.0, 1.0
    parts = target[: batches * size].reshape(batches, size, -1)
    total = float(target.var(axis=0).sum())
    between = float(parts.mean(axis=1).var(axis=0).sum())
    return between / max(total, 1e-30), 1.0 / size


def _repeated(patient: Patient) -> Iterator[Finding]:
    """SW1102: the same stretch of rows again and again."""
    count = len(patient.rows)
    if count < 24:
        return
    keys = row_keys(patient.rows.x)
    values, times = np.unique(keys, return_counts=True)
    distinct = len(values)
    if distinct > 0.55 * count or distinct < 4:
        return
    period = _period(keys, distinct, patient.rows.x)
    if period is None or few_values(patient.rows.x, distinct):
        return
    if period == 1 and patient.settings.shuffle:
        return  # each row several times in a row: weights by repetition, where the order is drawn anew
    cause = f"of {count:,} rows only {distinct:,} are different: after every {period:,} rows the same ones come again"
    fix = "look at how batches are read: a loader that does not move on hands out the same rows several times"
    yield found("SW1102", cause, fix, where="x", rows=count, distinct=distinct, period=period, most=int(times.max()))


def _contradictory(patient: Patient) -> Iterator[Finding]:
    """SW1602 of rows that are the same and have different classes, so that no network can tell them apart."""
    classes = patient.classes
    if classes is None or len(classes) < 40 or alike(patient.sample.x):
        return
    keys = row_keys(patient.rows.x)
    same, counts = np.unique(keys, return_inverse=True, return_counts=True)[1:]
    met = counts[same] > 1
    if met.mean() < 0.5 or not _really(keys, patient.rows.x):
        return
    table = np.zeros((len(counts), int(classes.max()) + 1))
    np.add.at(table, (same[met], classes[met]), 1.0)
    best, usual = float(table.max(axis=1).sum() / met.sum()), float(table.sum(axis=0).max() / met.sum())
    by_chance = _best_by_chance(table)
    if usual > MAJORITY or best > usual + 0.5 * (1.0 - usual) or best > by_chance + 0.02:
        return
    cause = f"{met.mean():.0%} of the rows have a twin, and twins have different classes as often as any two rows: the best "
    cause += f"that any network can reach on these rows is {best:.0%}"
    fix = "look at how rows and labels were joined: a column that tells the rows apart is missing, or labels went astray"
    yield found("SW1602", cause, fix, where="x", contradicted=float(met.mean()), best=best, majority=usual)


def _really(keys: Array, x: Any) -> bool:
    """Whether rows of the same key are the same, number by number."""
    order = np.argsort(keys, kind="stable")
    pairs = np.flatnonzero(keys[order[1:]] == keys[order[:-1]])
    pairs = pairs[:: max(len(pairs) // 300, 1)]
    return bool(same_rows(x, order[pairs], x, order[pairs + 1]).mean() > 0.98)


def _best_by_chance(table: Array) -> float:
    """The share that the best answer for each row gets where classes are drawn anew for every row, three times."""
    rng = np.random.default_rng(47)
    rows, shares = table.sum(axis=1).astype(np.int64), table.sum(axis=0) / table.sum()
    drawn = [rng.multinomial(rows, shares).max(axis=1).sum() for _ in range(3)]
    return float(np.mean(drawn) / rows.sum())


def _period(keys: Array, distinct: int, x: Any) -> int | None:
    """After how many rows most rows come again; None where there is no such number."""
    order = np.argsort(keys, kind="stable")
    same = np.flatnonzero(keys[order[1:]] == keys[order[:-1]])
    again, before = order[same + 1], order[same]
    steps, times = np.unique(again - before, return_counts=True)
    period = int(steps[times.argmax()])
    if times.max() < 0.9 * max(len(keys) - distinct, 1):
        return None
    places = before[(again - before) == period][:: max(len(same) // 200, 1)]
    return period if same_rows(x, places, x, places + period).mean() > 0.98 else None


def same_rows(x: Any, places: Array, other: Any, others: Array) -> Array:
    """Whether rows of `x` are those of `other`, number by number."""
    if isinstance(x, SparseRows) or isinstance(other, SparseRows):
        return np.ones(len(places), bool)  # the keys of sparse rows see all their numbers
    one, two = np.asarray(x)[places], np.asarray(other)[others]
    equal: Array = (one == two).reshape(len(places), -1).all(axis=1)
    return equal


def row_keys(x: Any) -> Array:
    """A number for each row, the same for the same rows; different rows get different ones but for a rare accident."""
    if isinstance(x, SparseRows):
        scaled = x.data.astype(np.float64) * (np.sin(1.0 + x.indices.astype(np.float64)) + 1.7)
        sums: Array = np.zeros(len(x))
        np.add.at(sums, np.repeat(np.arange(len(x)), np.diff(x.indptr)), scaled)
        return np.rint(sums * 1e6).astype(np.int64)
    rows = np.asarray(x).reshape(len(x), -1)
    if rows.shape[1] > KEYS:
        spread = rows[:: max(len(rows) // 256, 1)].astype(np.float64).std(axis=0)
        rows = rows[:, np.sort(np.argsort(-spread, kind="stable")[:KEYS])]
    multipliers = np.random.default_rng(99).integers(1, 2**62, rows.shape[1], dtype=np.int64) | 1
    bits = np.ascontiguousarray(rows.astype(np.float32) + np.float32(0)).view(np.int32).astype(np.int64)
    bits ^= bits >> 15
    with np.errstate(over="ignore"):
        keys: Array = (bits * multipliers).sum(axis=1)
        keys ^= keys >> 29
    return keys


def few_values(x: Any, rows: int) -> bool:
    """Whether rows are made of so few values that the same ones must come again by chance: truth tables, categories."""
    if isinstance(x, SparseRows):
        return False
    matrix = np.asarray(x).reshape(len(x), -1)
    part = matrix[:: max(len(matrix) // 512, 1)][:600]
    room = 0.0
    spread = part.astype(np.float64).std(axis=0)
    for column in part.T[np.argsort(-spread, kind="stable")[: 2 * KEYS]]:
        shares = np.unique(column, return_counts=True)[1] / len(column)
        room += float(-(shares * np.log(shares)).sum())
        if room > math.log(max(rows, 1) * 50.0):
            return False
    return True


def _yes_and_no(x: Any) -> bool:
    """Whether rows hold two numbers alone: such columns go together, and rows come twice more often than shares let expect."""
    return not isinstance(x, SparseRows) and bool(((x == x.min()) | (x == x.max())).all())


def _split(patient: Patient) -> Iterator[Finding]:
    """SW1302 and SW1303: rows of the validation part that are rows of the training part as well."""
    if patient.validation is None:
        return
    x, other = patient.rows.x, patient.validation[0]
    if x.shape[1:] != other.shape[1:] or len(other) < 2:
        return
    if not isinstance(x, SparseRows) and not isinstance(other, SparseRows):
        x, other = _of_one_type(x, other)
    both = row_keys_of_both(x, other)
    if both is None:
        return
    keys, others = both
    inside = _inside(keys, others, x, other)
    share, count = float(inside.mean()), int(inside.sum())
    again = 1.0 - len(np.unique(keys)) / len(keys)
    discrete = few_values(x, len(keys)) or _yes_and_no(x)
    if 0 < count < 0.5 * len(others) and not discrete:
        inside = inside & ~_by_chance(x, other, inside)
        share, count = float(inside.mean()), int(inside.sum())
    evidence: dict[str, Any] = {"share": share, "rows": count, "validation_rows": len(others), "repeated_in_training": again}
    if share >= 0.95 and len(others) >= 8 and not (discrete and again > 0.3):
        cause = (
            f"{count:,} of {len(others):,} validation rows are rows of the training part: the score says nothing about new rows"
        )
        yield found("SW1303", cause, "hold rows out: validation_split=0.2", where="validation_data", **evidence)
        return
    least = 3 * again + 0.02 if discrete else 0.02
    if count >= 3 and share >= least:
        cause = f"{count:,} of {len(others):,} validation rows ({share:.1%}) stand in the training part as well"
        yield found(
            "SW1302", cause, "remove duplicates before splitting: np.unique(x, axis=0)", where="validation_data", **evidence
        )


def _inside(keys: Array, others: Array, x: Any, other: Any) -> Array:
    """Which of the other rows stand in `x`: those with the key of one of its rows, held against it number by number."""
    order = np.argsort(keys, kind="stable")
    first = np.minimum(np.searchsorted(keys[order], others), len(keys) - 1)
    inside: Array = np.zeros(len(others), bool)
    for further in range(4):  # rows that have the same key and are different are few
        place = order[np.minimum(first + further, len(keys) - 1)]
        open_ = np.flatnonzero(~inside & (keys[place] == others))
        if not len(open_):
            break
        inside[open_] = same_rows(x, place[open_], other, open_)
    return inside


def _by_chance(x: Any, other: Any, inside: Array) -> Array:
    """Which of the repeated rows are so simple that they come twice by themselves: few words, all zeros.

    A row's probability is taken to be the product of the shares of its values, column by column.
    """
    places = np.flatnonzero(inside)[:300]
    simple: Array = np.zeros(len(inside), bool)
    some = x[np.linspace(0, len(x) - 1, min(len(x), 1000)).astype(int)]
    rows, twins = (part.dense() if isinstance(part, SparseRows) else np.asarray(part) for part in (some, other[places]))
    rows, twins = rows.reshape(len(rows), -1)[:, :1000], twins.reshape(len(twins), -1)[:, :1000]
    surprise = np.zeros(len(twins))
    for column, values in zip(rows.T, twins.T, strict=True):
        known, counts = np.unique(column, return_counts=True)
        if len(known) > 0.5 * len(rows):
            surprise += 20.0  # a number that hardly ever comes twice
            continue
        found_at = np.minimum(np.searchsorted(known, values), len(known) - 1)
        share = np.where(known[found_at] == values, counts[found_at], 0.5) / len(rows)
        surprise -= np.log(share)
    simple[places] = surprise < math.log(len(x)) + 12.0
    return simple


def _of_one_type(x: Array, other: Array) -> tuple[Array, Array]:
    return (x, other) if x.dtype == other.dtype else (x.astype(np.float32, copy=False), other.astype(np.float32))


def row_keys_of_both(x: Any, other: Any) -> tuple[Array, Array] | None:
    """Keys of two sets of rows, by the same columns."""
    if isinstance(x, SparseRows) != isinstance(other, SparseRows):
        return None
    if isinstance(x, SparseRows):
        return row_keys(x), row_keys(other)
    flat, flat_other = np.asarray(x).reshape(len(x), -1), np.asarray(other).reshape(len(other), -1)
    if flat.shape[1] > KEYS:
        spread = flat[:: max(len(flat) // 256, 1)].astype(np.float64).std(axis=0)
        columns = np.sort(np.argsort(-spread, kind="stable")[:KEYS])
        flat, flat_other = flat[:, columns], flat_other[:, columns]
    return row_keys(flat), row_keys(flat_other)
