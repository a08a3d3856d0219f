"""Conditions 4 and 14: does every row stand alone, and does predicting twice give the same twice?

Row i is exchanged, and only output i may move. The layer in which the others begin to move is found by handing each layer the
same input twice; what kind of mistake it is, by handing it the rows and columns exchanged, or other units.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..arrays import Array
from ..layers import BatchNorm, Layer
from ..losses import LOSSES
from .attempts import BROKEN
from .findings import NOTE, WARNING, Finding, found
from .patient import Patient, is_foreign, leaves, place

ROWS = 12
MOVED = 1e-4  # relative to the largest output: far above rounding, far below any influence that matters


def probe(patient: Patient) -> Iterator[Finding]:
    """Shapes, independence of rows, and repeatability; then the loss, where it is somebody's own."""
    x = _some(patient)
    findings = list(_layers(patient, x))
    if not findings:
        findings = list(_network(patient, x))
    yield from findings
    if type(patient.loss) not in LOSSES.values() and not findings:
        yield from _loss(patient, x)
    yield from _batch_of_one(patient)


def _some(patient: Patient) -> Array:
    """A few different rows."""
    x: Any = patient.sample.x
    rows: Array = x[: 4 * ROWS] if isinstance(x, np.ndarray) else x[np.arange(min(len(x), 4 * ROWS))].dense()
    _, first = np.unique(rows.reshape(len(rows), -1), axis=0, return_index=True)
    chosen: Array = rows[np.sort(first)[:ROWS]].copy()
    return chosen


def _layers(patient: Patient, x: Array) -> Iterator[Finding]:
    """Each layer of somebody's own, on the rows that reach it."""
    network = patient.copy()
    foreign = {id(layer) for _, layer in leaves(network) if is_foreign(layer)}
    if not foreign:
        return
    reached = Reached(network, x)
    for name, layer in leaves(network):
        if id(layer) not in foreign or name not in reached.gave:
            continue
        given, y = reached.given[name], reached.gave[name]
        expected = (len(given), *_out_shape(layer, given.shape[1:], network.dtype))
        if np.shape(y) != expected:
            cause = (
                f"forward gives shape {np.shape(y)} for {len(given)} rows, and build promised {expected}: a silent broadcast?"
            )
            evidence: dict[str, Any] = {"received": np.shape(y), "expected": expected}
            yield found(
                "SW401",
                cause,
                "keep the row axis first: (N, 1) with (N, 1), never with (N,)",
                where=place(name, layer),
                **evidence,
            )
            return
        finding = _repeated(name, layer, given) or _independent(name, layer, given)
        if finding:
            yield from finding
            return


class Reached:
    """What each leaf of a network (or each of the layers named) is given and gives, at predict, wherever it stands."""

    def __init__(self, network: Layer, x: Array, watched: Sequence[tuple[str, Layer]] | None = None) -> None:
        self.given: dict[str, Array] = {}
        self.gave: dict[str, Array] = {}
        for name, layer in leaves(network) if watched is None else watched:
            self._watch(name, layer)
        try:
            with np.errstate(all="ignore"):
                network.forward(x, training=False)
        except BROKEN:
            return  # what was reached until then is looked at
        finally:
            for layer, before in self._watched:
                layer.__dict__.pop("forward", None)
                if before is not None:
                    layer.__dict__["forward"] = before

    _watched: list[tuple[Layer, Any]]

    def _watch(self, name: str, layer: Layer) -> None:
        if not hasattr(self, "_watched"):
            self._watched = []
        before = vars(layer).get("forward")
        self._watched.append((layer, before))
        forward = layer.forward

        def watched(x: Array, **settings: Any) -> Any:
            self.given[name] = np.array(x)
            result = forward(x, **settings)
            self.gave[name] = np.array(result[0]) if isinstance(result, tuple) else np.array(result)
            return result

        layer.__dict__["forward"] = watched


def _out_shape(layer: Layer, in_shape: tuple[int, ...], dtype: Any) -> tuple[int, ...]:
    try:
        return tuple(copy.deepcopy(layer).build(in_shape, np.random.default_rng(0), dtype))
    except BROKEN:
        return in_shape


def _repeated(name: str, layer: Layer, x: Array) -> list[Finding]:
    """SW1401 where predicting the same rows again gives something else."""
    first, again = (_output(layer, x, step) for step in (0, 1))
    third = _output(layer, x, 0)
    if first is None or again is None or third is None or first.shape != again.shape:
        return []
    apart = max(_apart(first, again), _apart(first, third))
    if apart <= MOVED:
        return []
    cause = f"predicting the same {len(x)} rows twice gives numbers that are {apart:.2g} of the largest output apart"
    fix = "let forward draw random numbers only where training is True"
    return [found("SW1401", cause, fix, where=place(name, layer), apart=apart)]


def _independent(name: str, layer: Layer, x: Array) -> list[Finding]:
    moved = _influence(layer, x)
    if moved is None or moved <= MOVED:
        return []
    where = place(name, layer)
    evidence: dict[str, Any] = {"moved": moved, "rows": len(x)}
    said = f"another row 0 moves the outputs of other rows by {moved:.2g} of the largest"
    running = any(True for _ in layer.buffers()) or isinstance(layer, BatchNorm) or "batch" in type(layer).__name__.lower()
    fix = "use running statistics where training is False"
    if running:
        cause = f"prediction uses the statistics of its batch: {said}"
        follows: dict[str, Any] = {**evidence, "consequence_of": "SW1402"}
        mixed = found("SW402", said, fix, where=where, severity=NOTE, **follows)
        return [found("SW1402", cause, fix, where=where, **evidence), mixed]
    if _turned(layer, x):
        cause = f"the layer works along the rows of the batch in place of the features: {said}"
        findings = [found("SW401", cause, "axis=1 (axis=-1) in place of axis=0", where=where, **evidence)]
    else:
        findings = [
            found("SW402", said, "compute every row from that row alone (axis=-1, keepdims=True)", where=where, **evidence)
        ]
    if _statistics(layer, x):
        findings.append(found("SW1402", f"at predict, too: {said}", fix, where=where, severity=NOTE, **evidence))
    return findings


def _output(layer: Layer, x: Array, step: int = 0) -> Array | None:
    try:
        with np.errstate(all="ignore"):
            return np.array(layer.forward(x.copy(), training=False, step=step)[0], np.float64)
    except BROKEN:
        return None


def _apart(a: Array, b: Array) -> float:
    if a.shape != b.shape or not a.size:
        return 0.0
    scale = max(float(np.abs(a).max()), 1e-12)
    apart = float(np.abs(a - b).max()) / scale
    return apart if np.isfinite(apart) else 0.0


def _influence(layer: Layer, x: Array) -> float | None:
    """How far other outputs move, relative to the largest, when one row is another one."""
    if len(x) < 3:
        return None
    first = _output(layer, x)
    if first is None or len(first) != len(x):
        return None
    moved = 0.0
    for row in (0, len(x) // 2):
        other = x.copy()
        other[row] = 1.7 * x[row] + x[(row + 1) % len(x)] - 0.3 * float(np.abs(x).max())
        second = _output(layer, other)
        if second is None or second.shape != first.shape:
            return None
        rest = np.arange(len(x)) != row
        moved = max(moved, _apart(first[rest], second[rest]))
    return moved


def _turned(layer: Layer, x: Array) -> bool:
    """Whether rows stand alone once rows and columns are exchanged: for layers that keep the shape."""
    if x.ndim != 2:
        return False
    size = min(x.shape)
    rng = np.random.default_rng(3)
    square = x[:size] if x.shape[1] == size else None
    if square is None or size < 3:
        size = x.shape[1]
        if size > 512:
            return False
        square = (float(x.std()) or 1.0) * rng.normal(size=(size, size)).astype(x.dtype)
    first = _output(layer, square.T)
    if first is None or first.shape != (size, size):
        return False
    other = square.copy()
    other[0] = 1.7 * square[0] + square[1]
    second = _output(layer, other.T)
    return second is not None and _apart(first.T[1:], second.T[1:]) <= MOVED


def _statistics(layer: Layer, x: Array) -> bool:
    """Whether other units change nothing: the sign of a mean and a variance taken over the batch."""
    first, second = _output(layer, x), _output(layer, (3.0 * x + 2.0).astype(x.dtype))
    return first is not None and second is not None and _apart(first, second) < 1e-2


def _network(patient: Patient, x: Array) -> Iterator[Finding]:
    """The network as a whole: for layers that hold others, and for whatever the layers alone did not show."""
    network = patient.copy()
    for finding in _repeated("", network, x) or _independent("", network, x):
        yield found(finding.code, finding.cause, finding.fix, where="the network", **finding.evidence)


def _loss(patient: Patient, x: Array) -> Iterator[Finding]:
    """A loss of somebody's own: a gradient of the right shape, and rows that stand alone."""
    prediction, target = _outputs(patient, x), patient.sample.target[: len(x)]
    if prediction is None or len(target) < 3:
        return
    prediction = prediction[: len(target)]
    where = f"the loss {patient.loss!r}"
    fix = "give prediction and target the same shape: target.reshape(prediction.shape)"
    try:
        value, grad = patient.loss.value_and_grad(prediction, target)
        if np.ndim(value) == 0 and not np.isfinite(float(value)):
            return  # SW201 is about that
        if np.shape(grad) != prediction.shape or np.ndim(value):
            cause = f"the gradient has shape {np.shape(grad)} for a prediction of {prediction.shape}: (N, 1) - (N,) is (N, N)"
            yield found("SW401", cause, fix, where=where, shape=np.shape(grad), expected=prediction.shape)
            return
        alone = [patient.loss.value_and_grad(prediction[i : i + 1], target[i : i + 1])[0] for i in range(len(target))]
        together, total = float(value), float(np.sum(alone))
    except BROKEN:
        return
    moved = max(_gradient_influence(patient, guess, target) for guess in (prediction, *_among(prediction, target)))
    sums = any(abs(together - right) <= 1e-3 * max(abs(right), 1e-9) for right in (total, total / len(target)))
    alike = bool(np.ptp(grad, axis=0).max() <= 1e-6 * max(float(np.abs(grad).max()), 1e-300)) and len(np.unique(target)) > 1
    if (moved > 1e-3 or alike) and not sums:
        cause = f"the loss of {len(target)} rows is {together:.4g} and the mean of their losses one by one "
        cause += f"{total / len(target):.4g}; "
        cause += (
            "all rows get the same gradient" if alike else f"another row 0 moves the gradients of other rows by {moved:.2g}"
        )
        broadcast = target.ndim == 1 and prediction.ndim == 2
        evidence: dict[str, Any] = {"together": together, "alone": total / len(target), "moved": moved}
        yield found("SW401" if broadcast else "SW402", cause, fix, where=where, **evidence)


def _outputs(patient: Patient, x: Array) -> Array | None:
    output = _output(patient.copy(), x)
    if output is None:
        return None
    rng = np.random.default_rng(5)  # at the start all outputs may be alike: moved apart, a mixture of rows shows
    return output + 0.1 * (1.0 + float(output.std())) * rng.random(size=output.shape)


def _among(prediction: Array, target: Array) -> list[Array]:
    """Predictions that lie among the targets, where those are numbers: far from them an absolute error is a straight line."""
    if target.dtype.kind != "f" or target.size != prediction.size:
        return []
    numbers = target.reshape(prediction.shape).astype(prediction.dtype)
    return [0.5 * (np.roll(numbers, 1, axis=0) + np.roll(numbers, 2, axis=0))]


def _gradient_influence(patient: Patient, prediction: Array, target: Array) -> float:
    """How far the gradients of other rows move when the first row is another one, but for a factor that all have in common.

    (The gradient of a root mean square is that of the mean square, over a number that depends on all rows.)
    """
    others, apart = np.arange(len(target)) > 0, 0.0
    moved, exchanged = prediction.copy(), target.copy()
    moved[0] += 0.5
    away = np.abs(np.subtract(target, target[0], dtype=np.float64)).reshape(len(target), -1).sum(axis=1)
    exchanged[0] = target[int(away.argmax())]  # the farthest: an absolute error asks for the side alone
    try:
        first = np.array(patient.loss.value_and_grad(prediction, target)[1], np.float64)[others]
        for p, t in ((moved, target), (prediction, exchanged)):
            second = np.array(patient.loss.value_and_grad(p, t)[1], np.float64)[others]
            factor = float((first * second).sum()) / max(float((first * first).sum()), 1e-300)
            apart = max(apart, float(np.linalg.norm(second - factor * first)) / max(float(np.linalg.norm(second)), 1e-300))
    except BROKEN:
        return 0.0
    return apart if np.isfinite(apart) else 0.0


def _batch_of_one(patient: Patient) -> Iterator[Finding]:
    """SW1403: the variance of one row is 0, so batch normalization gives its bias whatever the row is."""
    size = patient.settings.batch_size
    last = len(patient.rows) % size
    for name, layer in leaves(patient.network):
        if isinstance(layer, BatchNorm) and min(size, len(patient.rows)) == 1:
            cause = "in a batch of one row the normalized number is always 0, so nothing of the row gets through"
            yield found("SW1403", cause, "batch_size of 16 or more, or LayerNorm()", where=place(name, layer), batch_size=size)
        elif isinstance(layer, BatchNorm) and last == 1:
            cause = f"{len(patient.rows):,} rows in batches of {size} leave a last batch of one row, which is normalized to 0"
            fix = "fit(..., drop_last=True), or another batch_size"
            yield found("SW1403", cause, fix, where=place(name, layer), severity=WARNING, batch_size=size, last=last)
