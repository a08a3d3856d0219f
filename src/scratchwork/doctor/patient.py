"""What is examined before training: a copy of the network, a sample of the rows, and the settings of the run."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Array
from ..layers import LAYERS, BatchNorm, Dense, Dropout, Layer, LayerNorm
from ..losses import Loss
from ..optimizers import Optimizer
from ..preparation import Rows
from ..regularizers import Constraint, Regularizer
from ..second_order import LBFGS
from ..sequential import Sequential
from ..sparse_rows import RowsOf, SparseRows, numbers_of
from .chance import Chance, chance_of, classes_of

SAMPLE = 1024  # rows that are looked at closely
NUMBERS = 2_000_000  # of the sample, at most
DENSE_COLUMNS = 20_000  # up to here sparse rows of the sample are written out


@dataclass(frozen=True)
class Settings:
    """How the run is going to be made."""

    optimizer: Optimizer | LBFGS | None
    batch_size: int
    epochs: int
    regularizer: Regularizer | None = None
    constraint: Constraint | None = None
    clip_value: float | None = None
    clip_norm: float | None = None
    shuffle: bool = True
    seed: int = 0
    metrics: tuple[str, ...] = ()
    epochs_given: bool = False


@dataclass
class Patient:
    """A built copy of the network, all rows as they are handed to `fit`, and what is worked out from them once.

    `given` are the raw x and y, before any conversion; `sample` a few of the rows in random order, as numbers of the network's
    dtype.
    """

    network: Sequential
    loss: Loss
    rows: Rows
    settings: Settings
    given_x: Any = None
    given_y: Any = None
    validation: tuple[Any, ...] | None = None
    blocked: set[str] = field(default_factory=set)  # probes that make no sense after what was found

    @cached_property
    def sample(self) -> Rows:
        """Up to 1,024 rows, fewer of wide ones, drawn with a fixed seed; in random order."""
        width = max(int(np.prod(self.rows.x.shape[1:])), 1)
        sparse = isinstance(self.rows.x, SparseRows)
        most = SAMPLE if sparse and width > DENSE_COLUMNS else min(SAMPLE, max(NUMBERS // width, 64))
        chosen = np.random.default_rng(20261).permutation(len(self.rows))[:most]
        part = self.rows.take(chosen)
        x = part.x
        if isinstance(x, SparseRows):
            x = x.astype(self.network.dtype) if width > DENSE_COLUMNS else x.astype(self.network.dtype).dense()
        else:
            x = x.astype(self.network.dtype)
        weight = part.weight if part.weight is None or part.weight.any() else None
        return Rows(x, part.target, weight)

    @cached_property
    def chance(self) -> Chance:
        """What a network would get that learned the shares of the classes or the mean, on the sample."""
        try:
            return chance_of(self.sample, self.loss, self.network.out_shape[0])
        except (ValueError, TypeError, IndexError, AssertionError):  # a loss of somebody's own with targets of its own
            return Chance(math.nan, None)

    @cached_property
    def classes(self) -> Array | None:
        """Class numbers of all rows, where each has one class."""
        return classes_of(self.rows, self.loss)

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.settings.epochs * max(math.ceil(len(self.rows) / self.settings.batch_size), 1)

    def copy(self) -> Sequential:
        """The network once more, to be changed."""
        return copy.deepcopy(self.network)

    def foreign(self) -> Iterator[tuple[str, Layer]]:
        """Layers that are not the library's own, with their places."""
        return ((name, layer) for name, layer in leaves(self.network) if is_foreign(layer))

    @cached_property
    def first_product(self) -> int:
        """The number of the first layer with a matrix of weights; layers above it only prepare the rows."""
        for index, layer in enumerate(self.network.layers):
            if any(parameter.value.ndim > 1 for _, parameter in layer.parameters()):
                return index
        return len(self.network.layers)

    @cached_property
    def entering(self) -> Array | None:
        """What the first product is fed with, (n, D), of the sample; None where that is too wide to write out."""
        x: Any = self.sample.x
        if isinstance(x, SparseRows):
            return None
        network = self.copy()
        for layer in network.layers[: self.first_product]:
            if not isinstance(layer, Dropout):
                x, _ = layer.forward(x, training=isinstance(layer, BatchNorm), step=1)
        flat: Array = x.reshape(len(x), -1)
        return flat

    @cached_property
    def normalized_after(self) -> bool:
        """Whether what the first product gives is normalized before anything else happens to it."""
        after = self.network.layers[self.first_product + 1 : self.first_product + 2]
        return bool(after) and isinstance(after[0], BatchNorm | LayerNorm)


def is_foreign(layer: Layer) -> bool:
    """Whether it is a layer of somebody's own: another class, or one of ours with another forward or backward."""
    return type(layer) not in LAYERS.values() or any(name in vars(layer) for name in ("forward", "backward"))


def leaves(network: Layer, prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """(place, layer) of all layers that hold no others: "2", or "2.0" inside layer 2."""
    for index, layer in enumerate(network.sublayers()):
        name = f"{prefix}{index}"
        if layer.sublayers():
            yield from leaves(layer, f"{name}.")
        else:
            yield name, layer


def place(name: str, layer: Layer) -> str:
    """How findings say where: "layer 2, ReLU()"."""
    return f"layer {name}, {layer!r}"


def hidden_products(network: Sequential) -> list[tuple[str, Dense]]:
    """Dense layers in their order, those at the top level and inside chains."""
    return [(name, layer) for name, layer in leaves(network) if isinstance(layer, Dense)]


def as_rows(x: RowsOf) -> Array:
    """Rows as a matrix (N, D)."""
    numbers = x.dense() if isinstance(x, SparseRows) else numbers_of(x)
    return numbers.reshape(len(numbers), -1)
