"""Condition 6: a hand-written gradient that is wrong, and by which mistake.

Every layer, loss and penalty that is not the library's own is computed in float64 on a few rows; what its backward gives is
compared with differences of its forward, entry by entry, and the pattern of what is apart names the mistake.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import ScratchworkError, ShapeError
from ..gradient_patterns import Pattern, find_pattern
from ..layers import Layer
from ..losses import LOSSES
from ..parameter import Parameter
from ..regularizers import Regularizer
from ..sequential import Sequential
from .attempts import BROKEN
from .findings import Finding, found
from .patient import Patient, is_foreign, leaves, place
from .rows_apart import Reached

ROWS = 6
STEP = 6e-6
MOST = 1500  # entries of one array that are compared
LARGE = 1100  # entries of the largest array of a layer that is checked as it is, square or not
TOLERANCE = 1e-5
LIBRARY = ("L1", "L2", "ElasticNet")


def probe(patient: Patient) -> Iterator[Finding]:
    """Wrong gradients of layers, of the loss and of penalties, each of somebody's own."""
    wrong = [(name, finding) for name, layer, x in _subjects(patient) for finding in _layer(name, layer, x)]
    yield from (finding for _, finding in wrong)
    yield from _composites(patient, [name for name, _ in wrong])
    if type(patient.loss) not in LOSSES.values():
        yield from _loss(patient)
    yield from _penalties(patient)


def _subjects(patient: Patient) -> Iterator[tuple[str, Layer, Array]]:
    """(place, layer in float64, rows that reach it) of every layer that is not the library's own."""
    if not any(is_foreign(layer) for _, layer in leaves(patient.network)):
        return
    x: Any = patient.sample.x
    rows = x[:ROWS] if isinstance(x, np.ndarray) else x[np.arange(min(ROWS, len(x)))].dense()
    reached = Reached(patient.copy(), rows)
    for name, layer in leaves(patient.network):
        if is_foreign(layer) and name in reached.given:
            given = reached.given[name].astype(np.float64)
            double = _in_float64(layer, given.shape[1:])
            if double is not None:
                small, rows_of_it = _small(double, given)
                yield name, small, rows_of_it


def _composites(patient: Patient, wrong: list[str]) -> Iterator[Finding]:
    """Layers of somebody's own that are made of others, as a whole, where nothing inside them is wrong by itself."""
    made = [
        (name, layer) for name, layer in _holding(patient.network) if is_foreign(layer) and not isinstance(layer, Sequential)
    ]
    x: Any = patient.sample.x
    if not made or not isinstance(x, np.ndarray):
        return
    network = patient.copy()
    reached = Reached(network, x[:ROWS], [one for one in _holding(network) if one[0] in dict(made)])
    for name, layer in made:
        if name in reached.given and not any(inner.startswith(f"{name}.") for inner in wrong):
            given = reached.given[name].astype(np.float64)
            double = _in_float64(layer, given.shape[1:])
            if double is not None:
                yield from _layer(name, double, _beside(given))


def _holding(layer: Layer, prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """(place, layer) of all layers that hold others, the outer ones after those inside them."""
    for index, inner in enumerate(layer.sublayers()):
        if inner.sublayers():
            yield from _holding(inner, f"{prefix}{index}.")
            yield f"{prefix}{index}", inner


def _in_float64(layer: Layer, in_shape: tuple[int, ...]) -> Layer | None:
    double = copy.deepcopy(layer)
    try:
        double.build(in_shape, np.random.default_rng(0), np.float64)
    except BROKEN:
        return None
    for (_, old), (_, new) in zip(layer.parameters(), double.parameters(), strict=False):
        if old.value.shape == new.value.shape:
            new.value[...] = old.value
    for (_, was), (_, now) in zip(layer.buffers(), double.buffers(), strict=False):
        now[...] = was
    for _, parameter in double.parameters():
        value = parameter.value.astype(np.float64)
        parameter.move_to(value, np.full_like(value, np.nan))
    return double


def _small(layer: Layer, x: Array) -> tuple[Layer, Array]:
    """The same kind of layer for 5 features, where it can be built for them and the given one has very many."""
    sizes = [parameter.value.size for _, parameter in layer.parameters()]
    rng = np.random.default_rng(17)
    if x.ndim == 2 and max([x.shape[1], *sizes]) > LARGE and x.shape[1] > 5:
        small = copy.deepcopy(layer)
        rows = rng.normal(size=(len(x), 5))
        try:
            small.build((5,), rng, np.float64)
            for _, parameter in small.parameters():
                value = parameter.value.astype(np.float64)
                parameter.move_to(value, np.full_like(value, np.nan))
            small.forward(rows, training=True, step=1)
        except BROKEN:
            pass
        else:
            return small, rows
    return layer, _beside(x)


def _beside(x: Array) -> Array:
    """Rows next to these, so that none stands at a kink; others where they are of an extreme size."""
    spread, noise = float(np.std(x)), np.array(np.random.default_rng(17).normal(size=x.shape))
    beside: Array = x + 1e-3 * spread * noise if 1e-3 <= spread <= 1e2 else noise
    return beside


def _layer(name: str, layer: Layer, x: Array) -> Iterator[Finding]:
    rng = np.random.default_rng(23)
    where = place(name, layer)
    for parameter in (entry for _, entry in layer.parameters()):  # zeros hide what they are multiplied with
        if not parameter.value.any():
            parameter.value[...] = 0.1 * rng.normal(size=parameter.value.shape)
    try:
        with np.errstate(all="ignore"):
            y, cache = layer.forward(x.copy(), training=True, step=1)
            twice, _ = layer.forward(x.copy(), training=True, step=1)
    except BROKEN:
        return
    if np.shape(y) != np.shape(twice) or not np.array_equal(y, twice):
        return  # random: SW1401 is about that
    u: Array = np.array(rng.normal(size=np.shape(y)), np.float64)
    try:
        with np.errstate(all="ignore"):
            dx = layer.backward(u.copy(), cache, need_dx=True)
    except (ScratchworkError, *BROKEN) as error:
        kind = "transposed" if isinstance(error, ShapeError | ValueError) else "unknown"
        cause = f"backward fails with {type(error).__name__}: {error}"
        fix = "give every gradient the shape of its parameter: dW = xᵀ dy"
        yield found("SW601", cause, fix, where=where, pattern=kind, parameter="backward")
        return

    def value() -> float:
        return float((layer.forward(x.copy(), training=True, step=1)[0] * u).sum())

    arrays = [(name, entry.value, np.array(entry.grad)) for name, entry in layer.parameters()]
    yield from _compared([*arrays, ("x", x, dx)], value, _terms(layer, x, u), len(x), where)


def _terms(layer: Layer, x: Array, u: Array) -> dict[str, dict[str, Array]]:
    """What well-known mistakes would give, for each array: {"weight": {"missing activation derivative": ...}}."""
    missing = "missing activation derivative"
    terms: dict[str, dict[str, Array]] = {"x": {missing: u} if u.shape == x.shape else {}}
    for name, parameter in layer.parameters():
        value = parameter.value
        if x.ndim == u.ndim == 2 and value.shape == (x.shape[1], u.shape[1]):
            terms[name] = {missing: x.T @ u}
            terms["x"] = {missing: u @ value.T}
        elif u.ndim == 2 and value.size == u.shape[1]:
            terms[name] = {missing: u.sum(axis=0).reshape(value.shape)}
    return terms


def _compared(
    arrays: list[tuple[str, Array, Any]],
    value: Callable[[], float],
    terms: dict[str, dict[str, Array]],
    batch: int,
    where: str,
) -> Iterator[Finding]:
    """A finding for the arrays whose gradient is wrong; of several, for the first, with the names of the others."""
    wrong: list[tuple[str, Pattern]] = []
    for name, array, given in arrays:
        if given is not None and np.shape(given) == array.shape and array.size > MOST:
            chosen = np.sort(np.random.default_rng(1).permutation(array.size)[: MOST // 3])
        else:
            chosen = np.arange(array.size)
        if array.size > 4 * MOST and len(chosen) == array.size:
            continue
        try:
            right = _numeric(array, value, chosen)
        except BROKEN:
            right = None
        if right is None:
            continue
        if len(chosen) < array.size:
            pattern = find_pattern(np.asarray(given).reshape(-1)[chosen], right, name=name, batch=batch, tolerance=TOLERANCE)
        else:
            right, own = right.reshape(array.shape), terms.get(name, {})
            if not right.any() and given is not None and np.shape(given) == array.shape and name == "x":
                continue  # a step whose slope is 0, with a slope for training that is meant so
            pattern = find_pattern(given, right, name=name, batch=batch, terms=own, value=None, tolerance=TOLERANCE)
        if pattern is None or _kinks(array, value, given, right, chosen) or _blurred(array, value, given, right, chosen):
            continue
        wrong.append((name, pattern))
    if wrong:
        name, pattern = wrong[0]
        if pattern.name == "not finite":
            yield found("SW201", pattern.sentence, pattern.fix, where=where, array=name)
            return
        others = [f"{other} ({kind.name})" for other, kind in wrong[1:]]
        cause = pattern.sentence + (f"; also wrong: {', '.join(others)}" if others else "")
        evidence: dict[str, Any] = {
            "pattern": pattern.name,
            "parameter": name,
            "factor": pattern.factor,
            "distance": pattern.distance,
        }
        patterns = {entry: kind.name for entry, kind in wrong}
        yield found("SW601", f"{pattern.name}: {cause}", pattern.fix, where=where, patterns=patterns, **evidence)


def _blurred(array: Array, value: Callable[[], float], given: Any, right: Array, chosen: Array) -> bool:
    """Whether little is apart, or 0 is given, and differences of another width are as far from these: they are no measure."""
    if given is None or np.shape(given) != array.shape:
        return False
    own, size = np.asarray(given, np.float64).reshape(-1)[chosen], float(np.abs(right).max())
    apart = float(np.abs(own - right.reshape(-1)).max())
    if not apart < 1e-2 * size and not float(np.abs(own).max()) < 1e-3 * size:
        return False
    other = _numeric(array, value, chosen, width=4.0)
    return other is None or float(np.abs(other - right.reshape(-1)).max()) > 0.2 * apart


def _numeric(array: Array, value: Callable[[], float], chosen: Array, width: float = 1.0) -> Array | None:
    """∂f/∂ of the chosen entries, by differences; None where f is not finite."""
    flat = array.reshape(-1)
    if not np.shares_memory(flat, array):
        return None
    h = width * STEP * max(float(np.sqrt(np.mean(np.square(array)))), 1e-2)
    slopes = np.empty(len(chosen))
    with np.errstate(all="ignore"):
        for place_in, index in enumerate(chosen):
            was = flat[index]
            flat[index] = was + h
            above = value()
            flat[index] = was - h
            below = value()
            flat[index] = was
            slopes[place_in] = (above - below) / (2 * h)
    slopes[np.abs(slopes) < 1e-10] = 0.0
    return slopes if np.isfinite(slopes).all() else None


def _kinks(array: Array, value: Callable[[], float], given: Any, right: Array, chosen: Array) -> bool:
    """Whether the few entries that are apart stand at kinks: there, differences of another width give another slope."""
    if given is None or np.shape(given) != array.shape:
        return False
    apart = np.abs(np.asarray(given, np.float64).reshape(-1)[chosen] - right.reshape(-1))
    wrong = np.flatnonzero(~(apart <= 1e-4 * max(float(np.abs(right).max()), 1e-12)))
    if not 0 < len(wrong) <= max(len(chosen) // 20, 1):
        return False
    flat, middle = array.reshape(-1), value()
    h = STEP * max(float(np.sqrt(np.mean(np.square(array)))), 1e-2)
    for index in chosen[wrong]:
        was = flat[index]
        flat[index] = was + h
        above = (value() - middle) / h
        flat[index] = was - h
        below = (middle - value()) / h
        flat[index] = was
        if abs(above - below) <= 1e-2 * max(abs(above), abs(below), 1e-12):
            return False
    return True


def _loss(patient: Patient) -> Iterator[Finding]:
    x: Any = patient.sample.x
    count = min(ROWS, len(patient.sample))
    rows = x[:count] if isinstance(x, np.ndarray) else x[np.arange(count)].dense()
    target = patient.sample.target[:count]
    rng = np.random.default_rng(29)
    try:
        with np.errstate(all="ignore"):
            output = patient.copy().forward(rows)[0].astype(np.float64)
            noise = 0.05 * max(float(output.std()), 0.1) * rng.random(size=output.shape)
            prediction = output + noise if patient.loss.link != "identity" or patient.loss.task == "regression" else output
            _, grad = patient.loss.value_and_grad(prediction, target)
            given = np.array(grad, np.float64)
    except BROKEN:
        return
    if given.shape != prediction.shape or not np.isfinite(prediction).all():
        return

    def value() -> float:
        return float(patient.loss.value_and_grad(prediction, target)[0])

    yield from _compared([("prediction", prediction, given)], value, {}, count, f"the loss {patient.loss!r}")


def _penalties(patient: Patient) -> Iterator[Finding]:
    rules: dict[int, Regularizer] = {}
    if patient.settings.regularizer is not None:
        rules[id(patient.settings.regularizer)] = patient.settings.regularizer
    for parameter in _parameters(patient):
        if parameter.regularizer is not None:
            rules[id(parameter.regularizer)] = parameter.regularizer
    rng = np.random.default_rng(31)
    for rule in rules.values():
        if type(rule).__module__.startswith("scratchwork.") and type(rule).__name__ in LIBRARY:
            continue
        weights = rng.normal(size=12)
        grad = np.zeros(12)

        def value(rule: Regularizer = rule, weights: Array = weights) -> float:
            return float(rule.penalty(weights))

        try:
            rule.inplace_add_gradient(weights.copy(), grad)
            right = _numeric(weights, value, np.arange(12))
        except BROKEN:
            continue
        if right is None:
            continue
        pattern = find_pattern(grad, right, name="the penalty's gradient", value=weights)
        if pattern is not None:
            missing = not grad.any() or pattern.name == "missing regularizer"
            kind = "missing regularizer" if missing else pattern.name
            cause = f"{kind}: {pattern.sentence}, as differences of the penalty show"
            yield found("SW601", cause, pattern.fix, where=f"the penalty {rule!r}", pattern=kind, parameter="penalty")


def _parameters(patient: Patient) -> Iterator[Parameter]:
    return (parameter for _, parameter in patient.network.parameters())
