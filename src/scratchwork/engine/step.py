"""A whole training step, or a prediction of some rows or a single one, as a program."""

import numpy as np

from ..losses import Loss
from ..parameter import FlatParameters
from ..sequential import Sequential
from ..updates import Updater
from . import interpreter as I
from .losses import lower_loss
from .lowering import Lowering
from .program import ROWS, Matrix, Program
from .updates import Updates


def lower(network: Sequential, loss: Loss, updater: Updater, batch: int, *, form: int, weighted: bool, keep: bool) -> Program:
    """The whole step as a program; NotLowered for what the engine does not know. `keep` stores predictions for metrics."""
    program = Program(batch, network.dtype)
    updates = Updates(program, updater)
    x = program.matrix(int(np.prod(network.in_shape)))
    program.emit(I.GATHER, ROWS, x.width, [x.offset, form], writes=(x,))
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


def lower_rows(network: Sequential, flat: FlatParameters, batch: int, form: int) -> Program:
    """The forward of prediction for a batch, from the rows that are given to the outputs that are kept."""
    program = Program(batch, network.dtype)
    x = program.matrix(int(np.prod(network.in_shape)))
    program.emit(I.GATHER, ROWS, x.width, [x.offset, form], writes=(x,))
    y, _ = Lowering(program, starts(flat), None).chain(network, x)
    program.emit(I.KEEP, ROWS, y.width * y.times, [y.offset], reads=(y,))
    return program


def starts(flat: FlatParameters) -> dict[int, int]:
    """Where each parameter begins in the flat vector."""
    return {id(p): place.start for p, place in zip(flat.parameters, flat.slices, strict=True)}
