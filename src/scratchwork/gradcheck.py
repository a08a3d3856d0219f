"""Is this derivative right? A check against differences of the function itself, which a wrong backward cannot pass.

Everything is reduced to one number f: the loss, or Σ u ⊙ y with a random cotangent u where there is no loss. (With
u = 1 the check would be blind: the outputs of a softmax sum to 1, so a backward that returns zeros would pass.)
Then, in float64, for x and for every parameter p, along directions v:

    analytic   ⟨∂f/∂p, v⟩                        from backward
    numeric    (f(p + h v) − f(p − h v)) / 2h    from forward alone
    error      |analytic − numeric| / max(Σᵢ |gᵢ vᵢ|, |numeric|, rounding noise / tolerance)

The scale is a sum of absolute values, so terms that cancel cannot hide an error or invent one. Three kinds of v are
used: random; aligned with the gradient (vᵢ has the sign of gᵢ: a factor of 1.001 shows at its full size); and single entries.

Where f has a kink (ReLU at 0) both one-sided slopes are right in their way: an analytic value between them is accepted
and counted in the report. Where several meet (a row of zeros under biases of zero puts every unit on its kink), a right one
need not lie between the slopes across them all: then the check is made beside that point, at numbers moved by a thousandth.

References: central differences and the choice h ≈ ∛ε: Press et al. (2007), Numerical Recipes, section 5.7.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array, numeric_array, require_finite
from .errors import ConfigurationError, DataError, ShapeError, look_up
from .layers import Layer
from .losses import LOSSES, Loss
from .sequential import Sequential

STEP = 6e-6  # ∛ε of float64: balances the truncation h² against the rounding ε/h
EPSILON = 2.0**-52
THROUGH = 3  # directions through all of an array, before those of single entries


@dataclass(frozen=True)
class GradientRow:
    """The worst finding for one array: x or a parameter."""

    name: str
    shape: tuple[int, ...]
    checks: int
    kinks: int
    error: float
    where: str
    analytic: float
    numeric: float


@dataclass(frozen=True)
class GradientReport:
    """What `check_gradients` found. `ok` says whether every error is within `tolerance`; printing it shows a table."""

    subject: str
    tolerance: float
    rows: list[GradientRow]
    problems: list[str] = field(default_factory=list)

    @property
    def max_relative_error(self) -> float:
        """The largest error of all rows (see the module's text for its scale); infinite where there are problems."""
        return max([row.error for row in self.rows] + [float("inf")] * bool(self.problems), default=0.0)

    @property
    def ok(self) -> bool:
        """True where every analytic derivative agrees with the numeric one."""
        return not self.problems and self.max_relative_error <= self.tolerance

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        width = max([len(row.name) for row in self.rows] + [9])
        lines = [f"gradient check of {self.subject}: {'ok' if self.ok else 'WRONG'}"]
        lines.append(f"  {'array':<{width}}  {'shape':<14} {'checks':>6} {'kinks':>5}  {'relative error':>14}")
        for row in self.rows:
            lines.append(f"  {row.name:<{width}}  {row.shape!s:<14} {row.checks:>6} {row.kinks:>5}  {row.error:>14.1e}")
            if not row.error <= self.tolerance:
                lines.append(f"    at {row.where}: backward gives {row.analytic:.9g}, differences give {row.numeric:.9g}")
        return "\n".join(lines + [f"  problem: {problem}" for problem in self.problems])


def check_gradients(
    subject: Layer | Loss,
    loss: Loss | str | ArrayLike | None = None,
    x: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    weight: ArrayLike | None = None,
    training: bool = True,
    step: int = 1,
    tolerance: float = 1e-6,
    entries: int = 20,
    max_rows: int = 64,
    seed: int = 0,
) -> GradientReport:
    """Check the hand-written derivative of a layer, a loss, a whole network, or a layer of one's own.

    ::

        check_gradients(network, loss, x, y)      a network under its loss
        check_gradients(layer, x=x)               a layer alone, with a random cotangent
        check_gradients(loss, x=prediction, y=y)  a loss alone

    The subject is copied and computed in float64; the original is not touched.

    Parameters
    ----------
    subject : Layer, Sequential or Loss
        Built or not: an unbuilt one is built with `seed` for the shape of `x`.
    loss, x, y, weight
        The loss or its name, the batch, its targets and row weights. Of a long batch the first `max_rows` rows are taken.
    training, step
        Handed to forward: dropout draws the mask of this `step`, batch normalization uses the batch.
    tolerance : float
        The largest relative error that passes. Right derivatives stay below 1e-7; a factor of 1.001 shows as 1e-3.
    entries : int
        How many single entries of each array are checked, beside the directions through all of it.

    Returns
    -------
    GradientReport
        With `ok`, `max_relative_error`, `rows`; `print(report)` is a table.

    Examples
    --------
    >>> import numpy as np
    >>> from scratchwork import Dense, Sequential, SoftmaxCrossEntropy, Tanh
    >>> x = np.random.default_rng(0).normal(size=(5, 3))
    >>> report = check_gradients(Sequential([Dense(4), Tanh(), Dense(2)]), SoftmaxCrossEntropy(), x, [0, 1, 1, 0, 1])
    >>> report.ok
    True
    """
    loss = look_up(loss, LOSSES, "loss")() if isinstance(loss, str) else loss
    if loss is not None and not isinstance(loss, Loss):  # check_gradients(layer, x) and check_gradients(loss, p, y)
        if isinstance(loss, type):
            raise ConfigurationError(f"loss is the class {loss.__name__}: write {loss.__name__}() to make one")
        loss, x, y = None, loss, (x if y is None else y)
    if x is None:
        raise ConfigurationError("check_gradients needs x, the batch at which derivatives are checked")
    batch = np.atleast_1d(numeric_array(x, "x", np.float64))[:max_rows].copy()
    if not batch.size:
        raise DataError(f"x is empty, of shape {batch.shape}: there is nothing to check derivatives at")
    require_finite(batch, "x")
    targets = None if y is None else np.asarray(y)[:max_rows]
    row_weight = None if weight is None else numeric_array(weight, "weight", np.float64)[:max_rows]
    rng = np.random.default_rng(seed)
    if isinstance(subject, Loss):
        return _check_loss(subject, batch, targets, row_weight, tolerance, entries, rng)
    if not isinstance(subject, Layer):
        raise ConfigurationError(f"check_gradients takes a Layer, a Sequential or a Loss; received {subject!r}")
    layer = in_float64(subject, batch, seed)
    problem = _Problem(layer, loss, batch, targets, row_weight, training, step, rng)
    report = GradientReport(type(subject).__name__, tolerance, problem.rows(tolerance, entries), problem.complaints)
    if report.ok or problem.complaints or not all(row.kinks for row in report.rows if not row.error <= tolerance):
        return report
    alone = not isinstance(subject, Sequential)  # an entry of one layer's x meets one kink: no excuse there
    if alone and not all(row.error <= tolerance for row in problem.rows(tolerance, entries, THROUGH)):
        return report
    problem.move_beside()
    beside = zip(problem.rows(tolerance, entries), report.rows, strict=True)
    moved = replace(report, rows=[replace(row, kinks=was.kinks) for row, was in beside])
    return moved if moved.ok else report


@dataclass(eq=False)
class _Problem:
    """A layer on one batch as a number f that depends on x and the parameters, with the derivatives that backward gives."""

    layer: Layer
    loss: Loss | None
    x: Array
    y: Any
    weight: Any
    training: bool
    step: int
    rng: np.random.Generator
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Find the derivatives at the present x and parameters."""
        layer, loss, x, rng, training, step = self.layer, self.loss, self.x, self.rng, self.training, self.step
        handed = x.copy()
        output, cache = layer.forward(handed, training=training, step=step)
        if not np.array_equal(handed, x):
            self.complaints.append("forward writes to x")
        again, _ = layer.forward(x.copy(), training=training, step=step)
        if not np.array_equal(output, again, equal_nan=True):
            self.complaints.append("forward gives two results for the same x and step: take random numbers from (seed, step)")
        self.cotangent = rng.uniform(0.5, 1.5, output.shape) * rng.choice([-1.0, 1.0], output.shape)
        self.target: Array | None = None
        self.magnitude: float
        dy: Array
        if loss is not None:
            if self.y is None:
                raise ConfigurationError("check_gradients needs y, the targets, where a loss is given")
            self.target = loss.prepare(self.y, output.shape[-1])
            self.magnitude, dy = loss.value_and_grad(output, self.target, self.weight)
        else:
            self.magnitude, dy = float(np.abs(output * self.cotangent).sum()), self.cotangent.copy()
        before = dy.copy()
        dx = layer.backward(dy, cache, need_dx=True)
        if not np.array_equal(before, dy, equal_nan=True):
            self.complaints.append("backward writes to dy")
        self.arrays: list[tuple[str, Array, Array]] = []
        if dx is None or dx.shape != x.shape:
            found = "None" if dx is None else f"shape {dx.shape}"
            self.complaints.append(f"backward gives dx of {found}, expected shape {x.shape}")
        else:
            self.arrays.append(("x", x, np.array(dx)))
        self.arrays += [(name, parameter.value, parameter.grad.copy()) for name, parameter in layer.parameters()]

    def move_beside(self) -> None:
        """Move x and the parameters by a thousandth of their size, off the kinks that meet where they are."""
        for array in (self.x, *(parameter.value for _, parameter in self.layer.parameters())):
            array += 1e-3 * max(float(np.sqrt(np.mean(np.square(array)))), 1e-2) * self.rng.normal(size=array.shape)
        self.__post_init__()

    def rows(self, tolerance: float, entries: int, first: int = 0) -> list[GradientRow]:
        """The worst finding for each array, along its directions from the `first` on."""
        found = []
        for name, array, grad in self.arrays:
            directions = islice(_directions(grad, entries, self.rng), first, None)
            found.append(_compare(name, array, grad, directions, self.value, self.magnitude, tolerance))
        return found

    def value(self) -> float:
        """f at the present x and parameters."""
        output, _ = self.layer.forward(self.x.copy(), training=self.training, step=self.step)
        if self.loss is None:
            return float((output * self.cotangent).sum())
        assert self.target is not None
        return self.loss.value_and_grad(output, self.target, self.weight)[0]


def _check_loss(
    loss: Loss, prediction: Array, y: Any, weight: Any, tolerance: float, entries: int, rng: np.random.Generator
) -> GradientReport:
    if y is None:
        raise ConfigurationError("check_gradients needs y, the targets, for a loss")
    target = loss.prepare(y, prediction.shape[-1])
    value, grad = loss.value_and_grad(prediction, target, weight)
    report = GradientReport(type(loss).__name__, tolerance, [])
    if grad.shape != prediction.shape:
        report.problems.append(f"the gradient has shape {grad.shape}, the prediction {prediction.shape}")
        return report

    directions = _directions(grad, entries, rng)
    again = partial(loss.value_and_grad, prediction, target, weight)
    report.rows.append(_compare("prediction", prediction, grad, directions, lambda: again()[0], abs(value), tolerance))
    return report


def _compare(
    name: str, array: Array, grad: Array, directions: Any, value: Callable[[], float], magnitude: float, tolerance: float
) -> GradientRow:
    """The worst disagreement over these directions through `array`.

    `value` is f at the numbers in `array`, which are moved and put back; `magnitude` the size of the terms that f adds up.
    """
    worst = GradientRow(name, array.shape, 0, 0, 0.0, "", 0.0, 0.0)
    checks = kinks = 0
    for where, direction in directions:
        analytic, numeric, error, kink = _difference(array, grad, direction, value, magnitude, tolerance)
        checks, kinks = checks + 1, kinks + kink
        if checks == 1 or not error <= worst.error:
            worst = GradientRow(name, array.shape, 0, 0, error, where, analytic, numeric)
    return GradientRow(name, array.shape, checks, kinks, worst.error, worst.where, worst.analytic, worst.numeric)


def _directions(grad: Array, entries: int, rng: np.random.Generator) -> Any:
    """(name, direction) pairs: three through all of the array, of length √size but at most 4, then single entries."""
    length, entries = min(np.sqrt(grad.size), 4.0), min(entries, grad.size)
    direction: Array
    for kind in ("a random direction", "a random direction", "the gradient's direction"):
        direction = np.asarray(rng.normal(size=grad.shape))
        if kind.startswith("the"):
            direction = np.abs(direction) * np.where(grad < 0, -1.0, 1.0)
        yield kind, direction * (length / max(float(np.linalg.norm(direction)), 1e-30))
    largest = np.argsort(-np.abs(grad), axis=None, kind="stable")[: entries // 2]
    chosen = np.union1d(largest, rng.permutation(grad.size)[: entries - len(largest)])
    for flat_index in chosen:
        index = np.unravel_index(int(flat_index), grad.shape)
        direction = np.zeros_like(grad)
        direction[index] = 1.0
        yield f"entry {[int(i) for i in index]}", direction


def _difference(
    array: Array, grad: Array, direction: Array, value: Callable[[], float], magnitude: float, tolerance: float
) -> tuple[float, float, float, bool]:
    """(both slopes, relative error, whether a kink was met); a step that crosses a kink is shortened twice."""
    analytic, spread = float((grad * direction).sum()), float(np.abs(grad * direction).sum())
    rms = float(np.sqrt(np.mean(np.square(array)))) if array.size else 0.0
    scale = max(rms, 1e-2) if rms > 0 else 1.0
    start = array.copy()
    middle = value()
    for shrink in (1.0, 0.1, 0.01):
        h = STEP * scale * shrink
        np.add(start, h * direction, out=array)
        above = value()
        np.subtract(start, h * direction, out=array)
        below = value()
        array[...] = start
        numeric = (above - below) / (2 * h)
        noise = 16 * EPSILON * max(magnitude, abs(middle)) / h  # the slope that rounding in f alone may feign
        error = abs(analytic - numeric) / max(spread, abs(numeric), noise / tolerance, 1e-300)
        if error <= tolerance:
            return analytic, numeric, error, False
    left, right = (middle - below) / h, (above - middle) / h
    bend = abs(right - left)  # without a kink h·f″, which is tiny at this h: a hundred times the slack is no curvature
    slack = tolerance * max(spread, abs(left), abs(right)) + 2 * noise
    kink = bool(bend > 100 * slack)
    if kink and min(left, right) - slack <= analytic <= max(left, right) + slack:
        return analytic, numeric, 0.0, True
    return analytic, numeric, error if np.isfinite(error) else float("inf"), kink


def in_float64(layer: Layer, x: Array, seed: int) -> Layer:
    """A copy of `layer` whose parameters and buffers are the same numbers in float64."""
    double = copy.deepcopy(layer)
    if isinstance(layer, Sequential) and layer.built and x.shape[1:] != layer.in_shape:
        raise ShapeError(f"the network was built for rows of shape {layer.in_shape}, x has rows of shape {x.shape[1:]}")
    double.build(x.shape[1:], np.random.default_rng(seed), np.float64)
    for (name, old), (_, new) in zip(_made(layer.parameters), double.parameters(), strict=False):
        if old.value.shape != new.value.shape:
            raise ShapeError(f"{name} has shape {old.value.shape}, and rows like those of x need {new.value.shape}")
        new.value[...] = old.value
    for (_, was), (_, now) in zip(_made(layer.buffers), double.buffers(), strict=False):
        now[...] = was
    for _, parameter in double.parameters():
        value = parameter.value.astype(np.float64, copy=False)
        parameter.move_to(value, np.full_like(value, np.nan))  # a backward that forgets one is found out
    return double


def _made(arrays: Callable[[], Iterable[Any]]) -> list[Any]:
    """What a layer lists of its arrays; a layer of one's own may list what only `build` makes."""
    try:
        return list(arrays())
    except AttributeError:
        return []
