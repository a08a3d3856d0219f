"""A whole training step, or a prediction of some rows or a single one, as a program."""

import numpy as np

from ..losses import Loss
from ..parameter import FlatParameters
from ..sequential import Sequential
from ..updates import Updater
from . import interpreter as I
from .losses import lower_loss
from .lowering import Lowering
from .lowering_sparse import rows_as_given
from .program import ROWS, Matrix, Program
from .updates import Updates


def lower(
    network: Sequential,
    loss: Loss,
    updater: Updater,
    batch: int,
    *,
    form: int,
    filled: int | None,
    weighted: bool,
    keep: bool,
) -> Program:
    """The whole step as a program; NotLowered for what the engine does not know.

    `form` is that of the rows, `filled` how many numbers of sparse ones are not 0; `keep` stores predictions for metrics.
    """
    program = Program(batch, network.dtype, filled=filled)
    updates = Updates(program, updater)
    x = rows_as_given(program, network, int(np.prod(network.in_shape)), form, updates)
    y, backward = Lowering(program, updates.starts, updates).chain(network, x)
    if keep:
        program.emit(I.KEEP, ROWS, y.width * y.times, [y.offset], reads=(y,))
    dp = lower_loss(program, loss, y, weighted)
    backward(dp, False)
    updates.finish()
    return program


def lower_row(network: Sequential) -> tuple[Program, Matrix]:
    """The forward of prediction for a single row."""
    program = Program(1, network.dtype)
    x = program.matrix(int(np.prod(network.in_shape)))
    y, _ = Lowering(program, starts(network.flat()), None, alone=True).chain(network, x)
    return program, y


def lower_rows(network: Sequential, flat: FlatParameters, batch: int, form: int, filled: int | None) -> Program:
    """The forward of prediction for a batch, from the rows that are given to the outputs that are kept."""
    program = Program(batch, network.dtype, filled=filled)
    x = rows_as_given(program, network, int(np.prod(network.in_shape)), form, None)
    y, _ = Lowering(program, starts(flat), None).chain(network, x)
    program.emit(I.KEEP, ROWS, y.width * y.times, [y.offset], reads=(y,))
    return program


def starts(flat: FlatParameters) -> dict[int, int]:
    """Where each parameter begins in the flat vector."""
    return {id(p): place.start for p, place in zip(flat.parameters, flat.slices, strict=True)}
