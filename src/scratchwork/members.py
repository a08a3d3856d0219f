"""A member of an ensemble: one network with all that its own training needs, its seed and its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .arrays import Array, numeric_array
from .diagnosis import bad_parameters
from .epochs import Batches, Seen, measured, row_order
from .errors import ConfigurationError
from .history import Part, Run
from .preparation import Data, check_seed
from .training import one_epoch
from .updates import Updater

if TYPE_CHECKING:
    from .engine.runner import Machine


Desk: TypeAlias = tuple[Array, Array] | None  # arena and rooms of a thread of the compiled path


@dataclass
class Member:
    """One of the networks, with all that its own run needs."""

    run: Run
    updater: Updater
    data: Data
    size: int
    seed: int | None
    picked: Array | None
    machine: Machine | None = None
    outputs: Array | None = None  # for the validation rows, after the last epoch
    measured: dict[str, float] = field(default_factory=dict)

    @property
    def moved(self) -> bool:
        """Whether somebody took the parameters out of the vector that is updated."""
        return self.run.network.flat() is not self.updater.flat

    def epoch(self, whole: Run, desk: Desk) -> None:
        """All steps of the next epoch, at that desk, and what is measured after it."""
        run, network, training = self.run, self.run.network, self.data.training

        def follow(run: Run) -> None:
            run.stop = whole.stop

        run.learning_rate_factor = whole.learning_rate_factor
        if self.machine is not None:
            self.machine.arena, self.machine.rooms = desk or (self.machine.arena, self.machine.rooms)
            order = row_order(run.rows, self.size, self.seed, network.epochs_seen, run.steps_per_epoch)
            loss, seen = self.machine.one_epoch(run, order if self.picked is None else self.picked[order], [follow])
        else:
            mine = training if self.picked is None else training.take(self.picked)
            loss, seen = one_epoch(run, self.updater, Batches(mine, self.size, network.dtype), self.seed, [follow])
        self._look(loss, seen)

    def _look(self, loss: float, seen: list[Seen]) -> None:
        """Check the parameters and measure."""
        run, network = self.run, self.run.network
        if error := bad_parameters(network, epoch=run.epoch, step=run.step):
            raise error
        self.measured = {"loss": loss, **measured(run.metrics, seen)}
        run.part = Part()  # the next epoch is another one
        if self.data.validation is not None:
            self.outputs = network.predict(self.data.validation.x)


def member_seeds(seed: int, count: int) -> list[int]:
    """A seed for each network, drawn from one.

    >>> member_seeds(0, 2) == member_seeds(0, 3)[:2], member_seeds(0, 2) == member_seeds(1, 2)
    (True, False)
    """
    check_seed(seed)
    return [int(word) for word in np.random.SeedSequence(seed).generate_state(count)]


def bootstrap_rows(count: int, seed: int) -> Array:
    """`count` row numbers drawn with replacement: a function of the seed, in a stream of its own."""
    return np.random.default_rng([seed, 0, 0, 1]).integers(0, count, count)


def checked_seeds(seeds: Any, seed: int, count: int) -> list[int]:
    """The given ones, or those drawn from `seed`."""
    if seeds is None:
        return member_seeds(seed, count)
    listed = list(seeds)
    for one in listed:
        check_seed(one)
    if len(listed) != count:
        raise ConfigurationError(f"seeds needs one for each of the {count} networks; received {len(listed)}")
    return listed


def chosen_rows(rows: Any, bootstrap: bool, seeds: list[int], count: int, *, split: bool) -> list[Array | None]:
    """Row numbers for each network, None for all rows; or a ConfigurationError."""
    if rows is None:
        return [bootstrap_rows(count, seed) if bootstrap else None for seed in seeds]
    if bootstrap or split:
        other = "bootstrap=True" if bootstrap else "validation_split"
        raise ConfigurationError(f"rows says which rows each network sees, and so does {other}: give one of them")
    listed = [numeric_array(one, "rows") for one in rows]
    if len(listed) != len(seeds):
        raise ConfigurationError(f"rows needs an array for each of the {len(seeds)} networks; received {len(listed)}")
    for one in listed:
        fits = one.ndim == 1 and 0 < len(one) <= count and one.dtype.kind in "iu"
        if not fits or one.min() < 0 or one.max() >= count:
            raise ConfigurationError(f"rows holds for each network 1 to {count} row numbers, whole numbers below {count}")
    return [one.astype(np.int64) for one in listed]
