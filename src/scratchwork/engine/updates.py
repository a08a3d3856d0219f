"""Lowering what comes after the gradients: penalties, clipping, the optimizer, projections."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import optimizers as O
from ..arrays import Array
from ..parameter import Parameter
from ..regularizers import L1, L2, REGULARIZERS, ElasticNet, MaxNorm, Regularizer
from ..updates import Updater
from . import interpreter as I
from . import kernels_update as KU
from .program import Cut, NotLowered, Program

STRETCH = 8192  # numbers of the flat vector in a piece, where all gradients are walked at once


class Updates:
    """Emits penalties, clipping, the optimizer and projections of each parameter.

    That is right after its gradient and in the same cut, so by the thread that has it in its cache; only where the norm of
    all gradients is asked for, at the end of the step.
    """

    def __init__(self, program: Program, updater: Updater) -> None:
        self.program, self.updater = program, updater
        flat = updater.flat
        self.starts = {id(p): place.start for p, place in zip(flat.parameters, flat.slices, strict=True)}
        self.rules = {
            place.start: rule for rule, value, _ in updater.penalties for place in flat.slices if self._inside(value, place)
        }
        self.limits = {self._start(value): (constraint, value) for constraint, value in updater.projections}
        self.later: list[Callable[[], None]] = []
        if not isinstance(updater.optimizer, O.Optimizer):
            raise NotLowered(f"the optimizer {updater.optimizer!r}")
        self.with_decay = optimizer_numbers(updater.optimizer, flat.value.dtype)
        self.without = optimizer_numbers(updater.optimizer.without_decay(), flat.value.dtype)

    def _start(self, value: Array) -> int:
        flat = self.updater.flat.value
        return int(value.__array_interface__["data"][0] - flat.__array_interface__["data"][0]) // flat.itemsize

    def _inside(self, value: Array, place: slice) -> bool:
        return bool(place.start <= self._start(value) < place.stop)

    def matrix(self, parameter: Parameter | None, start: int, rows: int, width: int, by_columns: bool) -> None:
        """A weight matrix whose gradient was cut into panels of columns, or of rows."""
        cut: Cut = ("columns", width, 1) if by_columns else ("columns", rows, 1)
        self._emit(parameter, start, cut, width if by_columns else rows, [start, rows, width, 0 if by_columns else 1])

    def vector(self, parameter: Parameter | None, start: int, cut: Cut) -> None:
        """A bias or a gain, cut like the columns it belongs to."""
        self._emit(parameter, start, cut, cut[1], [start, 1, cut[1], 0])

    def limited(self, parameter: Parameter | None) -> bool:
        """Whether a constraint holds for it."""
        return parameter is not None and self.starts[id(parameter)] in self.limits

    def right_after(
        self, parameter: Parameter | None, start: int, *, penalized: bool = False
    ) -> tuple[int, tuple[float, ...]] | None:
        """The rule and numbers of an update that needs nothing but the gradient of this place; None where more comes between.

        With `penalized` a penalty is no obstacle, and its two strengths stand behind the numbers.
        """
        updater, rule = self.updater, self.rules.get(start)
        assert parameter is not None
        if start in self.limits or updater.clip_value is not None or updater.clip_norm is not None:
            return None
        code, numbers = self._rule(parameter)
        if penalized:
            return code, (*numbers, *(strengths(rule) if rule else (0.0, 0.0)))
        return None if rule else (code, numbers)

    def _rule(self, parameter: Parameter) -> tuple[int, tuple[float, ...]]:
        """The rule of a parameter and its numbers, the factor of the learning rate among them."""
        code, numbers = self.with_decay if parameter.decay else self.without
        return code, (*numbers, parameter.learning_rate_factor)

    def _emit(self, parameter: Parameter | None, start: int, cut: Cut, width: int, region: list[int]) -> None:
        assert parameter is not None
        program, updater, grad, value = self.program, self.updater, ("g", start), ("p", start)
        rule = self.rules.get(start)
        if rule is not None:
            reals = strengths(rule)
            program.emit(I.PENALTY, cut, width, region, reals=reals, reads=(value,), writes=(grad, ("penalty", start)))
        if updater.clip_value is not None:
            program.emit(I.CLIP, cut, width, region, reals=(updater.clip_value,), writes=(grad,))
        code, numbers = self._rule(parameter)

        def finish() -> None:
            program.emit(I.UPDATE, cut, width, [*region, code], reals=numbers, reads=(grad,), writes=(value,))
            if start in self.limits:
                self._project(start, cut)

        if updater.clip_norm is None:
            finish()
        else:
            self.later.append(finish)

    def _project(self, start: int, cut: Cut) -> None:
        constraint, value = self.limits[start]
        if type(constraint) is not MaxNorm or value.ndim != 2:
            raise NotLowered(f"the constraint {constraint!r} on an array of {value.ndim} axes")
        rows, width = value.shape
        along = constraint.axis % 2
        self.program.emit(
            I.PROJECT, ("columns", width, 1) if along == 0 else ("fixed rows", rows), width, [start, rows, width, along],
            reals=(constraint.limit,), writes=(("p", start),),
        )  # fmt: skip

    def finish(self) -> None:
        """What needs all gradients: their norm, and then the updates."""
        updater, program = self.updater, self.program
        if updater.clip_norm is None:
            return
        flat = updater.flat
        stretches = -(-flat.value.size // STRETCH)
        vector: Cut = ("vector", stretches)
        grads = tuple((("g", place.start), None) for place in flat.slices)
        op = program.emit(I.SQUARE_SUM, vector, STRETCH, [0, flat.value.size], reads=grads, writes=("norm",))
        program.emit(
            I.SHRINK, vector, STRETCH, [0, flat.value.size, op, stretches], reals=(updater.clip_norm,),
            reads=(("norm", None),), writes=grads,
        )  # fmt: skip
        for emit in self.later:
            emit()


def strengths(rule: Regularizer) -> tuple[float, float]:
    """(λ₁, λ₂) of a penalty."""
    if type(rule) not in REGULARIZERS.values():  # what inherits from one may be another
        raise NotLowered(f"the penalty {rule!r}")
    match rule:
        case L1():
            return float(rule.strength), 0.0
        case L2():
            return 0.0, float(rule.strength)
        case ElasticNet():
            return float(rule.l1), float(rule.l2)
    raise NotLowered(f"the penalty {rule!r}")


def optimizer_numbers(rule: O.Optimizer, dtype: np.dtype[Any]) -> tuple[int, tuple[float, ...]]:
    """(which rule, (decay, β₁ or momentum, β₂ or ρ, ε, what is nearly denormal))."""
    floor = 1e4 * float(np.finfo(dtype).smallest_normal)
    if type(rule) not in O.OPTIMIZERS.values():
        raise NotLowered(f"the optimizer {rule!r}")
    match rule:
        case O.Adam():
            return KU.ADAM, (0.0, float(rule.beta1), float(rule.beta2), float(rule.eps), floor)
        case O.AdamW():
            return KU.ADAM, (float(rule.weight_decay), float(rule.beta1), float(rule.beta2), float(rule.eps), floor)
        case O.SGD() if rule.momentum:
            return KU.NESTEROV if rule.nesterov else KU.MOMENTUM, (0.0, float(rule.momentum), 0.0, 0.0, floor)
        case O.SGD() | O.GradientDescent():
            return KU.DESCENT, (0.0,) * 5
        case O.AdaGrad():
            return KU.ADAGRAD, (0.0, 0.0, 0.0, float(rule.eps), floor)
        case O.RMSProp():
            return KU.RMSPROP, (0.0, 0.0, float(rule.rho), float(rule.eps), floor)
    raise NotLowered(f"the optimizer {rule!r}")
