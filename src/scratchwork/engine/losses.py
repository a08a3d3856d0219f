"""Lowering losses."""

from typing import Any

import numpy as np

from .. import losses
from ..losses import Loss
from ..losses.weighting import class_factors
from . import interpreter as I
from . import kernels_loss as KL
from .program import ROWS, WHOLE, Matrix, NotLowered, Program

CLASS_LOSSES: dict[type, int] = {
    losses.SoftmaxCrossEntropy: KL.SOFTMAX_CE,
    losses.CategoricalCrossEntropy: KL.CATEGORICAL,
    losses.MulticlassHinge: KL.HINGE,
    losses.SquaredHinge: KL.SQUARED_HINGE,
}
NUMBER_LOSSES: dict[type, int] = {
    losses.SigmoidBinaryCrossEntropy: KL.SIGMOID_CE,
    losses.BinaryHinge: KL.BINARY_HINGE,
    losses.MeanSquaredError: KL.SQUARED,
    losses.SumSquaredError: KL.SQUARED,
    losses.MeanAbsoluteError: KL.ABSOLUTE,
    losses.Huber: KL.HUBER,
    losses.Quantile: KL.QUANTILE,
    losses.Poisson: KL.POISSON,
}


def lower_loss(program: Program, loss: Loss, y: Matrix, weighted: bool) -> Matrix:
    """Emit the loss and its gradient; returns where the gradient lies."""
    kind = type(loss)
    width = y.width * y.times
    class_weight = getattr(loss, "class_weight", None)
    mode = (1 if weighted else 0) + (2 if class_weight is not None else 0)
    total = getattr(loss, "reduction", "mean") == "sum"
    rw = -1
    dp = program.matrix(width)
    if class_weight is not None:
        program.factors = class_factors(class_weight, width)
    reads: tuple[Any, ...] = (y,)
    if mode:
        room = program.matrix(1)
        rw = room.offset
        program.emit(I.ROW_WEIGHTS, WHOLE, 1, [rw, mode, 0 if total else 1], writes=(room,))
        reads = (y, (room, None))
    if kind in CLASS_LOSSES:
        smoothing = float(getattr(loss, "label_smoothing", 0.0))
        setting = float(getattr(loss, "margin", getattr(loss, "eps", 0.0)))
        numbers, reals = [y.offset, dp.offset, CLASS_LOSSES[kind], rw], (smoothing, setting)
        program.emit(I.CLASS_LOSS, ROWS, width, numbers, reals=reals, reads=reads, writes=(dp, "loss"))
    elif kind in NUMBER_LOSSES:
        number = NUMBER_LOSSES[kind]
        if isinstance(loss, losses.Poisson) and not loss.log_input:
            raise NotLowered("Poisson(log_input=False)")
        share = 1.0 / width if getattr(loss, "over_outputs", "mean") == "mean" else 1.0
        setting = float(getattr(loss, "margin", getattr(loss, "delta", 0.0)))
        if isinstance(loss, losses.Quantile):
            program.factors = np.broadcast_to(np.asarray(loss.q, np.float64), (width,)).copy()
        if isinstance(loss, losses.SigmoidBinaryCrossEntropy):
            weight = 1.0 if loss.positive_weight is None else loss.positive_weight
            program.factors = np.broadcast_to(np.asarray(weight, np.float64), (width,)).copy()
        numbers = [y.offset, dp.offset, number, rw, int(total)]
        program.emit(I.NUMBER_LOSS, ROWS, width, numbers, reals=(share, setting), reads=reads, writes=(dp, "loss"))
    else:
        raise NotLowered(f"the loss {loss!r}")
    return dp
