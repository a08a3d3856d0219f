"""From gradients to new parameters: penalties, clipping, the optimizer in pieces that fit the cache, projections."""

from typing import Any

from .arrays import Array
from .errors import ConfigurationError
from .history import Run
from .layers import Dropout
from .layers.base import real_number
from .optimizers import Optimizer, State, inplace_clip_by_global_norm, inplace_clip_by_value
from .regularizers import Constraint, Regularizer, check_rules
from .second_order import LBFGS
from .sequential import Sequential

PIECE = 16384  # numbers: value, gradient, two moments and two temporaries of a piece stay within a 1 MB cache


class Updater:
    """Everything that happens between a gradient and the next forward, laid out once so that a step only walks lists."""

    def __init__(
        self,
        network: Sequential,
        optimizer: Optimizer | LBFGS,
        regularizer: Regularizer | None = None,
        constraint: Constraint | None = None,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> None:
        for name, limit in (("clip_value", clip_value), ("clip_norm", clip_norm)):
            if limit is not None:
                real_number(limit, lambda limit: limit > 0, f"{name} is a positive number or None")
        check_rules(regularizer, constraint)
        self.asked = regularizer, constraint, clip_value, clip_norm
        self.settings: dict[str, Any] = {"regularizer": repr(regularizer), "constraint": repr(constraint)}
        self.settings |= {"clip_value": clip_value, "clip_norm": clip_norm}
        self.flat = network.flat()
        if not self.flat.value.size:
            raise ConfigurationError("the network has no parameters to train: add a layer that has some, such as Dense")
        self.clip_value, self.clip_norm = clip_value, clip_norm
        self.state: State = {}
        self.pieces: list[tuple[Optimizer, float, Array, Array, State]] = []
        self.optimizer = optimizer
        if isinstance(optimizer, Optimizer):
            self.state = optimizer.init(self.flat.value)
            self.pieces = self._pieces(optimizer)
        self.penalties = self._penalties(regularizer)
        self.projections = [
            (rule, p.value)
            for p in self.flat.parameters
            if (rule := p.constraint or (constraint if p.decay and p.value.ndim > 1 else None)) is not None
        ]
        if isinstance(optimizer, LBFGS):
            if clip_value is not None or clip_norm is not None or self.projections:
                raise ConfigurationError(
                    "LBFGS takes whole steps of its own line search: no clip_value, clip_norm or constraint"
                )
            if any(isinstance(layer, Dropout) and layer.rate > 0 for layer in network.leaves()):
                raise ConfigurationError("LBFGS needs a loss that is the same at every call: leave Dropout out, or use Adam")

    def step(self, run: Run) -> float:
        """One update of all parameters; returns the penalty that belongs to the loss of this step."""
        assert isinstance(self.optimizer, Optimizer)
        penalty = self.add_penalties() if self.penalties else 0.0
        if self.clip_value is not None:
            inplace_clip_by_value(self.flat.grad, self.clip_value)
        if self.clip_norm is not None:
            inplace_clip_by_global_norm(self.flat.grad, self.clip_norm)
        rate = self.optimizer.learning_rate_at(run.step - 1) * run.learning_rate_factor
        run.learning_rate = rate
        for rule, factor, value, grad, state in self.pieces:
            rule.update(value, grad, state, step=run.step, learning_rate=rate * factor)
        for constraint, value in self.projections:
            constraint.inplace_project(value)
        return penalty

    def add_penalties(self) -> float:
        """Add the gradient of every penalty, and return their sum."""
        return sum(rule.inplace_add_gradient(value, grad) for rule, value, grad in self.penalties)

    def penalty(self) -> float:
        """The sum of all penalties at the present parameters."""
        return sum(rule.penalty(value) for rule, value, _ in self.penalties)

    def _pieces(self, optimizer: Optimizer) -> list[tuple[Optimizer, float, Array, Array, State]]:
        """(rule, factor of its learning rate, value, gradient, state) of every stretch that is treated alike."""
        flat, without_decay = self.flat, optimizer.without_decay()
        alike: list[tuple[Optimizer, float, int, int]] = []
        for parameter, place in zip(flat.parameters, flat.slices, strict=True):
            kind = optimizer if parameter.decay else without_decay, parameter.learning_rate_factor
            begin = place.start
            if alike and alike[-1][:2] == kind:
                begin = alike.pop()[2]
            alike.append((*kind, begin, place.stop))
        pieces: list[tuple[Optimizer, float, Array, Array, State]] = []
        for rule, factor, begin, end in alike:
            for start in range(begin, end, PIECE):
                part = slice(start, min(start + PIECE, end))
                state = {name: array[part] for name, array in self.state.items()}
                pieces.append((rule, factor, flat.value[part], flat.grad[part], state))
        return pieces

    def _penalties(self, regularizer: Regularizer | None) -> list[tuple[Regularizer, Array, Array]]:
        found: list[tuple[Regularizer, Array, Array]] = []
        for parameter, place in zip(self.flat.parameters, self.flat.slices, strict=True):
            general = regularizer if regularizer is not None and (parameter.decay or regularizer.biases) else None
            rule = parameter.regularizer or general
            if rule is None:
                continue
            for start in range(place.start, place.stop, PIECE):
                part = slice(start, min(start + PIECE, place.stop))
                found.append((rule, self.flat.value[part], self.flat.grad[part]))
        return found
