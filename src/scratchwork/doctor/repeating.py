"""Whether a prediction is repeatable: twice the same, and for a row the same whatever rows stand beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import ConfigurationError
from ..layers import BatchNorm, Dropout
from ..model import Model
from ..sequential import Sequential
from .findings import Diagnosis, Finding, found

ROWS = 64
TOLERANCE = 1e-3  # of the outputs' size: products of other shapes round otherwise, by some 10⁻⁶
SINGLE = 12  # rows that are predicted alone
ROUNDINGS = 100.0  # times what rounding does


def check_prediction(predictor: Any, x: Any) -> Diagnosis:
    """Hold a network's, a model's or a function's predictions against each other: SW1401 to SW1403.

    Parameters
    ----------
    predictor : Sequential, Model, or function
        A function takes a batch of rows, as `x` is, and gives one output for each: for example
        ``lambda rows: network.forward(rows, training=True)[0]``, whose dropout acts and whose batch statistics are those of
        the batch. A function is called some twenty times, always with copies.
    x : array (N, ...)
        Some rows; no more than 64 of them are used.

    Returns
    -------
    Diagnosis
        SW1401 where the same rows give other outputs the second time, SW1402 where the output of a row depends on the other
        rows, SW1403 where a row that comes alone gets an output that does not depend on it, as after batch normalization of
        a batch of one.

    Examples
    --------
    >>> import scratchwork as sw
    >>> network = sw.Sequential([sw.Dense(8), sw.Dropout(0.5), sw.Dense(2)])
    >>> _ = network.build(4)
    >>> rows = np.random.default_rng(0).normal(size=(10, 4)).astype(np.float32)
    >>> check_prediction(network, rows).codes
    ()
    >>> steps = iter(range(100))
    >>> check_prediction(lambda rows: network.forward(rows, training=True, step=next(steps))[0], rows).codes
    ('SW1401',)
    """
    predict, network = _function(predictor)
    rows = x if hasattr(x, "take") and not isinstance(x, np.ndarray) else np.asarray(x)
    if not len(rows):
        raise ConfigurationError("check_prediction needs at least one row")
    rows = _some(rows, np.arange(min(len(rows), ROWS)))
    before = _state(network)
    findings = _checked(predict, rows, len(rows), network)
    if network is not None and before != _state(network):
        cause = "a prediction changes the running statistics of the network, so that the next one is another"
        findings = [*findings, found("SW1401", cause, "predict with training=False: network.predict(x)")]
    return Diagnosis(findings)


def _function(predictor: Any) -> tuple[Callable[[Any], Array], Sequential | None]:
    if isinstance(predictor, Sequential):
        return lambda rows: _numbers(predictor.predict(rows)), predictor
    if isinstance(predictor, Model):
        return lambda rows: _numbers(predictor.scores(rows)), predictor.network
    owner = getattr(predictor, "__self__", None)
    network = owner.network if isinstance(owner, Model) else owner if isinstance(owner, Sequential) else None
    if hasattr(predictor, "predict") and not callable(predictor):
        return lambda rows: _numbers(predictor.predict(rows)), None
    if not callable(predictor):
        raise ConfigurationError(f"check_prediction takes a network, a Model or a function; received {predictor!r}")
    return lambda rows: _numbers(predictor(rows)), network


def _numbers(outputs: Any) -> Array:
    """Outputs as a matrix of float64; labels as the numbers of their kinds."""
    array = np.asarray(outputs[0] if isinstance(outputs, tuple) else outputs)
    if array.dtype.kind not in "buif":
        array = np.array([hash(value) % 65521 for value in array.reshape(-1).tolist()]).reshape(array.shape)
    return array.reshape(len(array), -1).astype(np.float64) if array.ndim else array.reshape(1, 1).astype(np.float64)


def _checked(predict: Callable[[Any], Array], rows: Any, count: int, network: Sequential | None) -> list[Finding]:
    first, *again = (predict(_copy(rows)) for _ in range(4))
    if len(first) != count:
        cause = f"{count} rows give {len(first)} outputs, where each row has one"
        return [found("SW1402", cause, "give one output for each row")]
    size = _size(first)
    apart = max(_apart(first, other) for other in again)
    if apart > TOLERANCE * size:
        share = float(np.mean([(np.abs(first - other) > TOLERANCE * size).any(axis=1).mean() for other in again]))
        cause = (
            f"the same {count} rows give other outputs when they are predicted again: {100 * share:.0f} % of the rows change, "
            f"by up to {apart:.3g} where outputs are about {size:.3g}, as with dropout that is active"
        )
        fix = "predict with training=False: network.predict(x), and not forward(x, training=True)"
        return [found("SW1401", cause, fix, where=_named(network, Dropout), largest_change=apart, rows_that_change=share)]
    return _alone(predict, rows, first, size, network)


def _alone(
    predict: Callable[[Any], Array], rows: Any, together: Array, size: float, network: Sequential | None
) -> list[Finding]:
    count = len(together)
    fix = "predict with training=False: network.predict(x), which uses the running statistics"
    where = _named(network, BatchNorm)
    if count == 1:
        return _one_row(predict, rows, together, size, where)
    some = np.unique(np.linspace(0, count - 1, min(count, SINGLE)).astype(np.int64))
    alone = np.concatenate([predict(_some(rows, np.array([row])))[:1] for row in some])
    gap = _apart(alone, together[some])
    if gap > TOLERANCE * size or not np.isfinite(alone).all():
        same = _apart(alone, alone[:1]) <= TOLERANCE * size < _apart(together[some], together[some][:1])
        if same or not np.isfinite(alone).all():
            cause = (
                f"the statistics of the batch are active: each of {len(some)} rows gets the same output when it is predicted "
                f"alone, whatever it is, and another among the rest (by up to {gap:.3g})"
            )
            return [found("SW1402", cause, fix, where=where, largest_change=gap, rows=len(some))]
    other = predict(_some(rows, np.arange(count // 2 + 1)))
    gap = max(gap, _apart(other, together[: len(other)]))
    if gap <= TOLERANCE * size or gap <= ROUNDINGS * _rounding(predict, rows, together):
        return [] if network is not None else _all_the_same(rows, together, size)
    cause = (
        f"the output of a row changes with the rows that are predicted beside it, by up to {gap:.3g} where outputs are about "
        f"{size:.3g}, as with batch statistics that are active"
    )
    return [found("SW1402", cause, fix, where=where, largest_change=gap)]


def _all_the_same(rows: Any, outputs: Array, size: float) -> list[Finding]:
    """A function that goes through the rows one by one leaves no row to compare with; labels may well be all the same."""
    different = len(np.unique(rows.reshape(len(rows), -1), axis=0)) if isinstance(rows, np.ndarray) else 0
    whole = bool((outputs == np.rint(outputs)).all())
    if different < SINGLE // 2 or whole or _apart(outputs, outputs[:1]) > 1e-6 * size:
        return []
    cause = f"{different} different rows all get the same output, as after batch normalization of a batch of one row each"
    fix = "predict with training=False: network.predict(x), all rows at once"
    return [found("SW1403", cause, fix, rows=different)]


def _rounding(predict: Callable[[Any], Array], rows: Any, outputs: Array) -> float:
    """How far the outputs move when every number of the rows is rounded otherwise: products of other shapes do the same."""
    if not isinstance(rows, np.ndarray) or rows.dtype.kind != "f":
        return 0.0
    nudged = (rows.astype(np.float64) * (1.0 + np.random.default_rng(0).normal(size=rows.shape) * 1e-7)).astype(rows.dtype)
    return _apart(predict(nudged), outputs)


def _one_row(predict: Callable[[Any], Array], rows: Any, given: Array, size: float, where: str | None) -> list[Finding]:
    """A single row: whether the output depends on it at all, where it would beside a second one."""
    if not isinstance(rows, np.ndarray) or rows.dtype.kind not in "buif":
        return []
    rng = np.random.default_rng(0)
    step = np.maximum(np.abs(rows.astype(np.float64)), 1.0) * rng.normal(size=rows.shape)
    other = (rows + step).astype(rows.dtype) if rows.dtype.kind == "f" else rows[..., ::-1].copy()
    if np.array_equal(other, rows):
        return []
    moved = _apart(predict(other), given)
    pair = predict(np.concatenate([rows, other]))
    beside = _apart(pair[:1], pair[1:2])
    if moved > 1e-6 * size or beside <= 1e-6 * max(size, _size(pair)):
        gap = _apart(pair[:1], given)
        if gap <= TOLERANCE * size:
            return []
        cause = f"the output of the row changes by {gap:.3g} when another row is predicted beside it"
        return [found("SW1402", cause, "predict with training=False: network.predict(x)", where=where, largest_change=gap)]
    cause = (
        f"the output does not depend on the row: another row alone gives the same, and side by side they are {beside:.3g} "
        "apart, for batch normalization of a batch of one row is 0 for every input"
    )
    fix = "predict with training=False: network.predict(x), which uses the running statistics"
    return [found("SW1403", cause, fix, where=where, apart_side_by_side=beside)]


def _named(network: Sequential | None, kind: type) -> str | None:
    """The first layer of a kind, as findings say it."""
    if network is None:
        return None
    return next((f"layer {i}, {layer!r}" for i, layer in enumerate(network.leaves()) if isinstance(layer, kind)), None)


def _state(network: Sequential | None) -> list[bytes]:
    return [] if network is None or not network.built else [buffer.tobytes() for _, buffer in network.buffers()]


def _copy(rows: Any) -> Any:
    return rows.copy() if isinstance(rows, np.ndarray) else rows


def _some(rows: Any, chosen: Array) -> Any:
    return rows[chosen] if isinstance(rows, np.ndarray) else rows.take(chosen)


def _size(outputs: Array) -> float:
    finite = np.abs(outputs[np.isfinite(outputs)])
    return max(float(finite.mean()) if finite.size else 1.0, 1e-12)


def _apart(a: Array, b: Array) -> float:
    gap = np.abs(a - b)
    return float(
        np.nan_to_num(gap, nan=0.0 if np.array_equal(np.isnan(a), np.isnan(b) & np.ones_like(np.isnan(a))) else np.inf).max(
            initial=0.0
        )
    )
