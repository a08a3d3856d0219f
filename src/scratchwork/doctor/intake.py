"""What `fit` would refuse: said as findings, with the cause, in place of an error.

Conditions 10 (labels), 2 (numbers that are not finite before anything is computed), 4 (rows and columns exchanged) and 9
(losses that cannot take what the network gives).
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from ..arrays import Array, numeric_array
from ..data.checks import check_features, check_x
from ..errors import DataError, ScratchworkError, ShapeError
from ..losses import Loss
from ..preparation import Rows, check_weights
from ..sequential import Sequential
from ..sparse_rows import RowsOf, SparseRows, is_sparse
from .findings import NOTE, Finding, found


class Refused(Exception):  # noqa: N818  (not an error: the diagnosis ends here)
    """Nothing can be computed from what was given; the finding says why."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__(findings[0].code)
        self.findings = findings


def prepared(network: Sequential, loss: Loss, x: Any, y: Any, weight: Any, seed: int) -> tuple[Sequential, Rows]:
    """A built copy of the network, and all rows as `fit` would take them, or Refused with what is wrong with them."""
    inputs, targets = _inputs(x), _targets(y)
    _lengths(inputs, targets, network)
    network = copy.deepcopy(network)
    if not network.built:
        network.build(inputs.shape[1:], rng=seed)
    network.check_rows(inputs)
    if len(network.out_shape) != 1:
        raise ShapeError(f"the network gives rows of shape {network.out_shape}, a loss needs flat rows: end with Flatten()")
    target = _prepared_target(loss, targets, network.out_shape[0])
    _constant(target)
    if not isinstance(inputs, SparseRows) and inputs.dtype.kind == "f" and inputs.dtype.itemsize > network.dtype.itemsize:
        _too_large(inputs, network)
    return network, Rows(inputs, target, check_weights(weight, len(inputs)))


def _inputs(x: Any) -> RowsOf:
    if not is_sparse(x):
        text = _not_numbers(x, "x")
        if text:
            raise Refused(found("SW1003", text, "encode text as numbers (one-hot, TableEncoder) before training", where="x"))
    try:
        return check_features(x)
    except DataError as error:
        bad = None if is_sparse(x) else _not_finite(numeric_array(x, "x"), "x")
        if bad is None:
            raise error
        raise Refused(bad) from error


def _targets(y: Any) -> Array:
    text = _not_numbers(y, "y")
    if text:
        fix = "turn labels into numbers 0..C-1: names, y = np.unique(labels, return_inverse=True)"
        raise Refused(found("SW1003", text, fix, where="y"))
    target = numeric_array(y, "y")
    if target.ndim == 0:
        raise ShapeError("y is a single number: there must be one target per row of x")
    bad = _not_finite(target, "y")
    if bad is not None:
        raise Refused(bad)
    return target


def _not_numbers(values: Any, name: str) -> str | None:
    """What is no number there, in words, or None."""
    try:
        numeric_array(values, name)
    except DataError as error:
        array = np.asarray(values, dtype=object) if not isinstance(values, np.ndarray) else values
        first = next((value for value in array.ravel()[:1000] if isinstance(value, str | bytes)), None)
        example = "" if first is None else f", for example {str(first)[:30]!r}"
        return f"{str(error).split(':')[0]}{example}"
    return None


def _not_finite(array: Array, name: str) -> Finding | None:
    if array.dtype.kind != "f" or array.size == 0:
        return None
    wrong = ~np.isfinite(array)
    count = int(np.count_nonzero(wrong))
    if not count:
        return None
    first = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), array.shape))
    kind = "NaN" if np.isnan(array[first]) else "an infinity"
    cause = f"{name} holds {kind} at {list(first)}, {count} such numbers in {array.shape[0]:,} rows"
    fix = f"fill or leave out such rows, which np.isfinite({name.split()[-1]}) finds"
    return found(
        "SW201", cause, fix, where=name, count=count, first=first, rows=int(wrong.reshape(len(array), -1).any(1).sum())
    )


def _lengths(inputs: RowsOf, targets: Array, network: Sequential) -> None:
    """Rows and columns exchanged are found out; other differences in length are the caller's mistake."""
    shape = inputs.shape
    turned = len(shape) == 2 and shape[0] != shape[1]
    if len(inputs) != len(targets):
        if turned and shape[1] == len(targets):
            cause = f"x has shape {shape} and y has {len(targets)} targets: features stand where rows belong"
            raise Refused(found("SW401", cause, "hand x.T over: one row for each target", where="x", shape=shape))
        raise ShapeError(f"x has {len(inputs):,} rows and y has {len(targets):,}: every row needs exactly one target")
    if network.built and turned and shape[1:] != network.in_shape and shape[:1] == network.in_shape:
        cause = f"x has shape {shape} and the network takes rows of {network.in_shape[0]}: features stand where rows belong"
        raise Refused(found("SW401", cause, "hand x.T over", where="x", shape=shape))


def _prepared_target(loss: Loss, target: Array, outputs: int) -> Array:
    try:
        return loss.prepare(target, outputs)
    except ScratchworkError as error:
        raise Refused(_misfit(loss, target, outputs, error), *_wrapped_labels(target, outputs)) from error


def _misfit(loss: Loss, target: Array, outputs: int, error: Exception) -> Finding:
    """Why a loss refuses the targets of this network."""
    name, flat = type(loss).__name__, target.ndim == 1 or target.shape[1:] == (1,)
    low, high = float(target.min()), float(target.max())
    evidence: dict[str, Any] = {"lowest": low, "highest": high, "outputs": outputs, "shape": target.shape}
    whole = bool((target == np.floor(target)).all())
    said = str(error)
    if loss.task == "multiclass" and outputs == 1:
        cause = f"{name} needs one output for each class, and the network has 1: a softmax over one number is always 1"
        fix = f"Dense({int(high) + 1}) at the end" if high > 1 else "SigmoidBinaryCrossEntropy(), or Dense(2) at the end"
        return found("SW902", cause, fix, where="the last layer", **evidence)
    if loss.task == "multiclass" and flat:
        if not whole:
            cause = f"the labels are no class numbers ({said}): were they scaled?"
            return found("SW1001", cause, "leave labels as whole numbers 0..C-1", where="y", **evidence)
        fix = "y - 1, so that labels start at 0" if low >= 1 and high >= outputs else f"labels within 0..{outputs - 1}"
        if low == -1:
            fix = "y + 1, so that labels start at 0"
        if low == 0:
            fix = f"Dense({int(high) + 1}) at the end, one output for each class"
        cause = f"labels run from {low:g} to {high:g} and {outputs} outputs stand for 0..{outputs - 1}"
        return found("SW1001", cause, fix, where="y", **evidence)
    if loss.task == "attributes" and (flat or target.shape[1:] == (outputs,)) and (outputs == 1 or not flat):
        cause = f"{name} takes 0 and 1, and the targets run from {low:g} to {high:g}"
        fix = "y - 1" if (low, high) == (1, 2) else "y == 1, as 0 and 1" if low == -1 else "SoftmaxCrossEntropy() for classes"
        return found("SW1001", cause, fix, where="y", **evidence)
    if loss.task == "regression" and flat and outputs > 1 and whole and len(np.unique(target)) <= max(2 * outputs, 10):
        cause = f"{name} of {outputs} outputs is given class numbers {low:g}..{high:g}, one for each row"
        return found("SW904", cause, "SoftmaxCrossEntropy(), or one-hot rows", where="y", severity="error", **evidence)
    if isinstance(error, ShapeError):
        if loss.task in ("multiclass", "attributes"):
            cause = f"{name} cannot take these targets for {outputs} outputs: {said}"
            return found("SW905", cause, "one output for each class or attribute", where="the last layer", **evidence)
        cause = f"the outputs and y have different shapes, which NumPy would broadcast: {said}"
        return found("SW401", cause, "give y one column for each output, or the network one output", where="y", **evidence)
    return found("SW1001", said, "give targets as the loss takes them", where="y", **evidence)


def _wrapped_labels(target: Array, outputs: int) -> list[Finding]:
    """SW104 beside labels that are off, where the subtraction of 1 made 255 of 0."""
    if target.dtype.kind != "u" or target.max() != np.iinfo(target.dtype).max or target.max() < 2 * outputs:
        return []
    cause = f"labels reach {target.max()} with {outputs} outputs: 0 - 1 is that in {target.dtype} (follows from SW1001)"
    fix = "y.astype(np.int64) before calculating with labels"
    return [found("SW104", cause, fix, where="y", severity=NOTE, consequence_of="SW1001", highest=target.max())]


def _constant(target: Array) -> None:
    """Refused where every row has the same target: there is nothing to learn."""
    flat = target.reshape(len(target), -1)
    if len(flat) < 2 or not bool((flat == flat[0]).all()):
        return
    value = flat[0].tolist() if flat.shape[1] <= 3 else "the same"
    cause = f"all {len(flat):,} targets are {value[0] if isinstance(value, list) and len(value) == 1 else value}"
    raise Refused(found("SW1002", cause, "look at how y is made: was the wrong column read?", where="y", rows=len(flat)))


def _too_large(inputs: Array, network: Sequential) -> None:
    largest = max(abs(float(inputs.max())), abs(float(inputs.min())))
    if largest > float(np.finfo(network.dtype).max):
        cause = f"x holds {largest:.3g}, which is infinite in the network's {network.dtype}"
        raise Refused(found("SW201", cause, "scale x first: x / np.abs(x).max(axis=0)", where="x", largest=largest))


def validation_findings(validation: Any) -> list[Finding]:
    """SW201 and SW1003 for validation rows: training would refuse them as it does its own."""
    findings: list[Finding] = []
    if isinstance(validation, tuple | list) and len(validation) >= 2:
        for given, name in zip(validation[:2], ("validation x", "validation y"), strict=True):
            if is_sparse(given):
                continue
            text = _not_numbers(given, name)
            if text:
                findings.append(found("SW1003", text, "encode text as numbers, as for the rows of training", where=name))
                continue
            bad = _not_finite(numeric_array(given, name), name)
            findings += [] if bad is None else [bad]
    return findings


def checked_validation(validation: Any) -> tuple[Any, ...] | None:
    """(x, y, ...) of the validation data where they are usable rows, else None: `fit` says what is wrong with them."""
    if not isinstance(validation, tuple | list) or len(validation) < 2:
        return None
    try:
        rows = check_features(validation[0]) if is_sparse(validation[0]) else check_x(validation[0])
        return rows, numeric_array(validation[1], "y")
    except (DataError, ShapeError):
        return None
