"""Lowering: a network, its loss and its update as a table of operations over flat arrays.

Whoever adds a layer adds one function to LOWERINGS, a row in `interpreter.run_piece` and a kernel. Leaving that out is
allowed: a network with a layer that is not here runs on the NumPy path.

Each operation says which matrices it reads and writes, and how it is cut. Where one is read in another cut than it was
written in, all threads must meet first; `Program.finish` finds these places.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from .. import layers as L
from .. import losses as losses_
from .. import optimizers as O
from ..arrays import Array
from ..losses import Loss
from ..losses.weighting import class_factors
from ..parameter import Parameter
from ..regularizers import L1, L2, ElasticNet, MaxNorm
from ..sequential import Sequential
from ..updates import Updater
from . import interpreter as I
from . import kernels as K
from . import kernels_loss as KL
from . import kernels_update as KU

NARROW = 48  # columns: a product with fewer is cut along the rows of the batch
STRETCH = 8192  # numbers of the flat vector in a piece
Cut: TypeAlias = tuple[Any, ...]
ROWS: Cut = ("rows",)
WHOLE: Cut = ("whole",)


class NotLowered(Exception):
    """The engine does not know this; the text says what."""


@dataclass(frozen=True)
class Matrix:
    """Rows of a batch in the arena: `width` columns, `times` rows for each row of the batch (the axes in between)."""

    offset: int
    width: int
    times: int
    cut: Cut  # how it was written

    @property
    def name(self) -> tuple[str, int]:
        return ("arena", self.offset)


@dataclass
class Operation:
    """A row of the table before it is one."""

    code: int
    cut: Cut
    width: int
    times: int
    numbers: list[int]
    reals: list[float]
    reads: list[tuple[Any, Cut | None]]
    writes: list[tuple[Any, Cut | None]]
    pieces: int = 1
    meet: bool = False


@dataclass
class Program:
    """The table, and where everything lies."""

    batch: int
    dtype: np.dtype[Any]
    operations: list[Operation] = field(default_factory=list)
    arena: int = 0
    factors: Array = field(default_factory=lambda: np.ones(1))
    statistics: list[tuple[Array, int]] = field(default_factory=list)
    statistics_size: int = 0
    threads_help: bool = True
    flops: int = 0

    @property
    def chunk(self) -> int:
        """Rows of the batch in a piece: a quarter, but no fewer than 16."""
        return max(16, -(-self.batch // 4))

    def matrix(self, width: int, times: int = 1, cut: Cut = ROWS) -> Matrix:
        """Room for a matrix of a batch; each begins at a multiple of 64 bytes."""
        offset = self.arena
        self.arena += -(-self.batch * times * width // 16) * 16
        return Matrix(offset, width, times, cut)

    def emit(
        self,
        code: int,
        cut: Cut,
        width: int,
        numbers: list[int],
        *,
        reals: tuple[float, ...] = (),
        reads: tuple[Any, ...] = (),
        writes: tuple[Any, ...] = (),
        times: int = 1,
    ) -> int:
        """Add an operation; `reads` and `writes` are names or Matrices (met in this cut), or (name, None): met everywhere."""

        def named(entry: Any) -> tuple[Any, Cut | None]:
            if isinstance(entry, tuple) and len(entry) == 2 and entry[1] is None:
                return (entry[0].name if isinstance(entry[0], Matrix) else entry[0]), None
            return (entry.name if isinstance(entry, Matrix) else entry), cut

        pieces = self._pieces(cut, width)
        made = Operation(code, cut, width, times, numbers, list(reals), [named(r) for r in reads], [named(w) for w in writes], pieces)
        self.operations.append(made)
        return len(self.operations) - 1

    def _pieces(self, cut: Cut, width: int) -> int:
        if cut == ROWS:
            return -(-self.batch // self.chunk)
        if cut[0] == "columns":
            return -(-width // I.PANEL)
        return int(cut[1]) if cut[0] in ("vector", "fixed rows") else 1

    def finish(self) -> tuple[Array, Array]:
        """Find where threads must meet, and write the table."""
        since: dict[Any, list[tuple[bool, Cut | None]]] = {}
        for op in self.operations:
            accesses = [(name, False, cut) for name, cut in op.reads] + [(name, True, cut) for name, cut in op.writes]
            op.meet = op.code == I.CHECK or any(
                (wrote or writing) and (before is None or cut is None or before != cut)
                for name, writing, cut in accesses
                for wrote, before in since.get(name, [])
            )
            if op.meet:
                since = {}
            for name, writing, cut in accesses:
                since.setdefault(name, []).append((writing, cut))
        table = np.zeros((len(self.operations), I.ARGS + 8), np.int64)
        reals = np.zeros((len(self.operations), 8))
        kinds = {"rows": I.ROWS, "columns": I.COLUMNS, "vector": I.VECTOR, "fixed rows": I.FIXED_ROWS, "whole": I.WHOLE}
        for row, real, op in zip(table, reals, self.operations, strict=True):
            row[: I.ARGS] = op.code, op.meet, op.pieces, kinds[op.cut[0]], op.width, op.times
            row[I.ARGS : I.ARGS + len(op.numbers)] = op.numbers
            real[: len(op.reals)] = op.reals
        return table, reals


def columns(matrix: Matrix) -> Cut:
    """Cut into panels of columns."""
    return ("columns", matrix.width, matrix.times)


# -- layers --------------------------------------------------------------------------------------------------------

Backward: TypeAlias = Callable[[Matrix, bool], "Matrix | None"]
ACTIVATIONS: dict[type, int] = {
    L.Step: K.STEP, L.Sigmoid: K.SIGMOID, L.Tanh: K.TANH, L.ReLU: K.RELU, L.LeakyReLU: K.LEAKY, L.ELU: K.ELU, L.SELU: K.SELU,
    L.Softplus: K.SOFTPLUS, L.SiLU: K.SILU, L.Mish: K.MISH,
}  # fmt: skip


def unused(dy: Matrix, need_dx: bool) -> Matrix | None:
    """The backward of a program that only predicts."""
    raise NotLowered("a backward for prediction")


class Lowering:
    """Carries the program along the layers; each method emits a layer's forward and returns what emits its backward."""

    def __init__(self, program: Program, places: dict[int, int], updates: "Updates | None") -> None:
        self.program, self.places, self.updates = program, places, updates

    def at(self, parameter: Parameter | None) -> int:
        """Where a parameter begins in the flat vector; −1 for none."""
        return -1 if parameter is None else self.places[id(parameter)]

    def layer(self, layer: L.Layer, x: Matrix, shape: tuple[int, ...]) -> tuple[Matrix, Backward]:
        """Emit one layer; `shape` is that of its input rows."""
        if isinstance(layer, Sequential):
            return self.chain(layer, x)
        kind = type(layer)
        if kind in (L.Linear, L.Flatten, L.Reshape):
            return self.view(x, shape if kind is L.Linear else None, layer)
        lowering = LOWERINGS.get(kind)
        if lowering is None:
            raise NotLowered(f"the layer {layer!r}")
        return lowering(self, layer, self.seen_as(x, shape))

    def chain(self, network: Sequential, x: Matrix) -> tuple[Matrix, Backward]:
        """A Sequential inside another, or the whole."""
        backs: list[Backward] = []
        owned: list[bool] = []
        for layer, shape in zip(network.layers, network.shapes, strict=False):
            x, back = self.layer(layer, x, shape)
            backs.append(back)
            owned.append(next(layer.parameters(), None) is not None)

        def backward(dy: Matrix, need_dx: bool) -> Matrix | None:
            first = 0 if need_dx else (owned.index(True) if True in owned else len(owned))
            dx: Matrix | None = dy
            for index in range(len(backs) - 1, first - 1, -1):
                assert dx is not None
                dx = backs[index](dx, need_dx or index > first)
            return dx

        return x, backward

    @staticmethod
    def seen_as(x: Matrix, shape: tuple[int, ...]) -> Matrix:
        """The same numbers as rows of the last axis."""
        width = shape[-1]
        times = int(np.prod(shape)) // width
        return Matrix(x.offset, width, times, x.cut) if (width, times) != (x.width, x.times) else x

    def view(self, x: Matrix, shape: tuple[int, ...] | None, layer: L.Layer) -> tuple[Matrix, Backward]:
        """No work: the same memory under another shape."""
        return x, lambda dy, need_dx: dy

    def dense(self, layer: L.Dense, x: Matrix) -> tuple[Matrix, Backward]:
        """y = x W + b. A wide y is cut into panels of columns, a narrow one along the rows of the batch."""
        program, n_in, n_out = self.program, x.width, layer.units
        w, b = self.at(layer.weight), self.at(layer.bias)
        wide = n_out >= NARROW
        y = program.matrix(n_out, cut=("columns", n_out, 1) if wide else ROWS)
        read_x = (x, None) if wide else x
        if self.updates is None:
            program.emit(I.DENSE_ROW, WHOLE, n_out, [x.offset, n_in, w, b, y.offset])
            return y, unused
        program.emit(I.DENSE, y.cut, n_out, [x.offset, n_in, w, b, y.offset], reads=(read_x, ("p", w) if wide else (("p", w), None)), writes=(y,))
        program.flops += 6 * program.batch * n_in * n_out

        def backward(dy: Matrix, need_dx: bool) -> Matrix | None:
            dx = None
            if need_dx:
                dx = program.matrix(n_in, cut=x.cut if x.cut[0] == "columns" and x.cut[1:] == (n_in, 1) else ROWS)
                read_dy = dy if dx.cut == ROWS else (dy, None)
                read_w = ("p", w) if dx.cut != ROWS and not wide else (("p", w), None)
                program.emit(I.DENSE_DX, dx.cut, n_in, [dy.offset, n_out, w, dx.offset], reads=(read_dy, read_w), writes=(dx,))
            if wide:
                cut: Cut = ("columns", n_out, 1)
                program.emit(
                    I.DENSE_DW, cut, n_out, [x.offset, n_in, dy.offset, n_out, w, 0], reads=((x, None), dy), writes=(("g", w),)
                )
            else:
                cut = ("columns", n_in, 1)
                program.emit(
                    I.DENSE_DW, cut, n_in, [x.offset, n_in, dy.offset, n_out, w, 1], reads=(x, (dy, None)), writes=(("g", w),)
                )
            assert self.updates is not None
            self.updates.matrix(layer.weight, w, n_in, n_out, wide)
            if b >= 0:
                cut = ("columns", n_out, 1)
                program.emit(I.COLUMN_SUMS, cut, n_out, [dy.offset, b], reads=(dy,), writes=(("g", b),))
                self.updates.vector(layer.bias, b, cut)
            return dx

        return y, backward

    def elementwise(self, layer: L.Layer, x: Matrix) -> tuple[Matrix, Backward]:
        """An activation: y = f(x), dx = dy ⊙ f′(x) in dy's place."""
        program = self.program
        kind = ACTIVATIONS.get(type(layer), K.GELU if getattr(layer, "approximate", "") == "none" else K.GELU_TANH)
        alpha = float(getattr(layer, "negative_slope", getattr(layer, "alpha", 0.0)))
        cut = x.cut if x.cut in (ROWS, columns(x)) else ROWS
        y = program.matrix(x.width, x.times, cut)
        reals = (alpha,)
        program.emit(I.ACTIVATION, cut, x.width, [x.offset, y.offset, kind], reals=reals, reads=(x,), writes=(y,), times=x.times)

        def backward(dy: Matrix, need_dx: bool) -> Matrix | None:
            if not need_dx:
                return None
            numbers = [x.offset, y.offset, kind, dy.offset]
            cut = dy.cut if dy.cut in (ROWS, columns(x)) else ROWS
            program.emit(I.ACTIVATION_BACK, cut, x.width, numbers, reals=reals, reads=(x, y, dy), writes=(dy,), times=x.times)
            return Matrix(dy.offset, x.width, x.times, cut)

        return y, backward

    def dropout(self, layer: L.Dropout, x: Matrix) -> tuple[Matrix, Backward]:
        """y = x m with the mask and its scale in m, dx = dy m."""
        program = self.program
        if layer.rate == 0.0 or (self.updates is None and layer.inverted):
            return x, lambda dy, need_dx: dy
        if self.updates is None:
            return self.affine(1.0 - layer.rate, 0.0, x)
        assert layer.seed is not None
        cut = x.cut if x.cut in (ROWS, columns(x)) else ROWS
        y, m = program.matrix(x.width, x.times, cut), program.matrix(x.width, x.times, cut)
        seed = int(layer.seed.view(np.int64)[0])
        threshold = min(round(layer.rate * 2**32), 2**32 - 1)
        scale = 1.0 / (1.0 - layer.rate) if layer.inverted else 1.0
        numbers = [x.offset, y.offset, m.offset, seed, threshold]
        program.emit(I.DROPOUT, cut, x.width, numbers, reals=(scale,), reads=(x,), writes=(y, m), times=x.times)

        def backward(dy: Matrix, need_dx: bool) -> Matrix | None:
            if not need_dx:
                return None
            cut = dy.cut if dy.cut in (ROWS, columns(x)) else ROWS
            program.emit(I.MULTIPLY, cut, x.width, [m.offset, dy.offset], reads=(m, dy), writes=(dy,), times=x.times)
            return Matrix(dy.offset, x.width, x.times, cut)

        return y, backward

    def batch_norm(self, layer: L.BatchNorm, x: Matrix) -> tuple[Matrix, Backward]:
        """Statistics over the batch: cut into columns, whatever came before."""
        program, width = self.program, x.width
        assert layer.running_mean is not None
        assert layer.running_var is not None
        cut = columns(x)
        y, xh = program.matrix(width, x.times, cut), program.matrix(width, x.times, cut)
        inv = program.matrix(width)
        mean = program.statistics_size
        program.statistics += [(layer.running_mean, mean), (layer.running_var, mean + width)]
        program.statistics_size += 2 * width
        gamma, beta = self.at(layer.gamma), self.at(layer.beta)
        if self.updates is None:
            program.emit(I.BATCH_NORM_ROW, WHOLE, width, [x.offset, y.offset, gamma, beta, mean], reals=(layer.eps,), times=x.times)
            return y, unused
        numbers = [x.offset, y.offset, xh.offset, inv.offset, gamma, beta, mean]
        reals = (layer.momentum, layer.eps)
        program.emit(
            I.BATCH_NORM, cut, width, numbers, reals=reals, reads=(x, ("p", gamma), ("p", beta)), writes=(y, xh, inv), times=x.times
        )

        def backward(dy: Matrix, need_dx: bool) -> Matrix | None:
            program.emit(
                I.BATCH_NORM_BACK, cut, width, [dy.offset, xh.offset, inv.offset, gamma, beta],
                reads=(dy, xh, inv, ("p", gamma)), writes=(dy, ("g", gamma), ("g", beta)), times=x.times,
            )  # fmt: skip
            self.updates.vector(layer.gamma, gamma, cut)
            self.updates.vector(layer.beta, beta, cut)
            return Matrix(dy.offset, width, x.times, cut)

        return y, backward

    def layer_norm(self, layer: L.LayerNorm, x: Matrix) -> tuple[Matrix, Backward]:
        """Statistics along rows."""
        program, width = self.program, x.width
        y, xh, inv = program.matrix(width, x.times), program.matrix(width, x.times), program.matrix(1, x.times)
        gamma, beta = self.at(layer.gamma), self.at(layer.beta)
        numbers = [x.offset, y.offset, xh.offset, inv.offset, gamma, beta]
        program.emit(
            I.LAYER_NORM, ROWS, width, numbers, reals=(layer.eps,), reads=(x, (("p", gamma), None), (("p", beta), None)),
            writes=(y, xh, inv), times=x.times,
        )

        def backward(dy: Matrix, need_dx: bool) -> Matrix | None:
            program.emit(
                I.LAYER_NORM_GAIN, columns(x), width, [dy.offset, xh.offset, gamma, beta],
                reads=(dy, xh), writes=(("g", gamma), ("g", beta)), times=x.times,
            )  # fmt: skip
            if need_dx:
                program.emit(
                    I.LAYER_NORM_BACK, ROWS, width, [dy.offset, xh.offset, inv.offset, gamma],
                    reads=(dy, xh, inv, (("p", gamma), None)), writes=(dy,), times=x.times,
                )  # fmt: skip
            self.updates.vector(layer.gamma, gamma, columns(x))
            self.updates.vector(layer.beta, beta, columns(x))
            return Matrix(dy.offset, width, x.times, ROWS) if need_dx else None

        return y, backward

    def rescaling(self, layer: L.Rescaling, x: Matrix) -> tuple[Matrix, Backward]:
        """y = factor x + offset, fixed."""
        return self.affine(layer.factor, layer.offset, x)

    def affine(self, factor: float, offset: float, x: Matrix) -> tuple[Matrix, Backward]:
        """The same with numbers."""
        program = self.program
        cut = x.cut if x.cut in (ROWS, columns(x)) else ROWS
        y = program.matrix(x.width, x.times, cut)
        numbers = [x.offset, y.offset]
        program.emit(I.RESCALE, cut, x.width, numbers, reals=(factor, offset), reads=(x,), writes=(y,), times=x.times)

        def backward(dy: Matrix, need_dx: bool) -> Matrix | None:
            if not need_dx:
                return None
            cut = dy.cut if dy.cut in (ROWS, columns(x)) else ROWS
            numbers = [dy.offset, dy.offset]
            program.emit(I.RESCALE, cut, x.width, numbers, reals=(factor, 0.0), reads=(dy,), writes=(dy,), times=x.times)
            return Matrix(dy.offset, x.width, x.times, cut)

        return y, backward

    def softmax(self, layer: L.Softmax, x: Matrix) -> tuple[Matrix, Backward]:
        """Along rows, with the full Jacobian product."""
        program = self.program
        y = program.matrix(x.width, x.times)
        program.emit(I.SOFTMAX, ROWS, x.width, [x.offset, y.offset], reads=(x,), writes=(y,), times=x.times)

        def backward(dy: Matrix, need_dx: bool) -> Matrix | None:
            if not need_dx:
                return None
            program.emit(I.SOFTMAX_BACK, ROWS, x.width, [y.offset, dy.offset], reads=(y, dy), writes=(dy,), times=x.times)
            return Matrix(dy.offset, x.width, x.times, ROWS)

        return y, backward

    def scale(self, layer: L.Scale, x: Matrix) -> tuple[Matrix, Backward]:
        """y = x s."""
        program, s = self.program, self.at(layer.gamma)
        cut = x.cut if x.cut in (ROWS, columns(x)) else ROWS
        y = program.matrix(x.width, x.times, cut)
        program.emit(
            I.SCALE, cut, x.width, [x.offset, y.offset, s], reads=(x, (("p", s), None)), writes=(y,), times=x.times
        )

        def backward(dy: Matrix, need_dx: bool) -> Matrix | None:
            program.emit(
                I.SCALE_GAIN, columns(x), x.width, [x.offset, dy.offset, s], reads=(x, dy), writes=(("g", s),), times=x.times
            )
            cut = dy.cut if dy.cut in (ROWS, columns(x)) else ROWS
            if need_dx:
                reads = (dy, (("p", s), None))
                program.emit(I.SCALE_BACK, cut, x.width, [dy.offset, 0, s], reads=reads, writes=(dy,), times=x.times)
            self.updates.vector(layer.gamma, s, columns(x))
            return Matrix(dy.offset, x.width, x.times, cut) if need_dx else None

        return y, backward


LOWERINGS: dict[type, Callable[..., tuple[Matrix, Backward]]] = {
    L.Dense: Lowering.dense,
    L.Dropout: Lowering.dropout,
    L.BatchNorm: Lowering.batch_norm,
    L.LayerNorm: Lowering.layer_norm,
    L.Softmax: Lowering.softmax,
    L.Scale: Lowering.scale,
    L.Rescaling: Lowering.rescaling,
    L.GELU: Lowering.elementwise,
    **{kind: Lowering.elementwise for kind in ACTIVATIONS},
}

# -- losses --------------------------------------------------------------------------------------------------------

CLASS_LOSSES: dict[type, int] = {
    losses_.SoftmaxCrossEntropy: KL.SOFTMAX_CE,
    losses_.CategoricalCrossEntropy: KL.CATEGORICAL,
    losses_.MulticlassHinge: KL.HINGE,
    losses_.SquaredHinge: KL.SQUARED_HINGE,
}
NUMBER_LOSSES: dict[type, int] = {
    losses_.SigmoidBinaryCrossEntropy: KL.SIGMOID_CE,
    losses_.BinaryHinge: KL.BINARY_HINGE,
    losses_.MeanSquaredError: KL.SQUARED,
    losses_.SumSquaredError: KL.SQUARED,
    losses_.MeanAbsoluteError: KL.ABSOLUTE,
    losses_.Huber: KL.HUBER,
    losses_.Quantile: KL.QUANTILE,
    losses_.Poisson: KL.POISSON,
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
        op = program.emit(I.CLASS_LOSS, ROWS, width, numbers, reals=reals, reads=reads, writes=(dp, "loss"))
    elif kind in NUMBER_LOSSES:
        number = NUMBER_LOSSES[kind]
        if isinstance(loss, losses_.Poisson) and not loss.log_input:
            raise NotLowered("Poisson(log_input=False)")
        share = 1.0 / width if getattr(loss, "over_outputs", "mean") == "mean" else 1.0
        setting = float(getattr(loss, "margin", getattr(loss, "delta", 0.0)))
        if isinstance(loss, losses_.Quantile):
            program.factors = np.broadcast_to(np.asarray(loss.q, np.float64), (width,)).copy()
        if isinstance(loss, losses_.SigmoidBinaryCrossEntropy):
            weight = 1.0 if loss.positive_weight is None else loss.positive_weight
            program.factors = np.broadcast_to(np.asarray(weight, np.float64), (width,)).copy()
        numbers = [y.offset, dp.offset, number, rw, int(total)]
        op = program.emit(I.NUMBER_LOSS, ROWS, width, numbers, reals=(share, setting), reads=reads, writes=(dp, "loss"))
    else:
        raise NotLowered(f"the loss {loss!r}")
    program.emit(I.CHECK, WHOLE, 0, [op, program.operations[op].pieces], reads=(("loss", None),))
    return dp


# -- update --------------------------------------------------------------------------------------------------------


class Updates:
    """Emits penalties, clipping, the optimizer and projections: for each parameter right after its gradient, in the same cut
    and so by the thread that has it in its cache; at the end of the step where the norm of all gradients is asked for.
    """

    def __init__(self, program: Program, updater: Updater) -> None:
        self.program, self.updater = program, updater
        flat = updater.flat
        self.starts = {id(p): place.start for p, place in zip(flat.parameters, flat.slices, strict=True)}
        self.rules = {place.start: rule for rule, value, _ in updater.penalties for place in flat.slices if self._inside(value, place)}
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
        return place.start <= self._start(value) < place.stop

    def matrix(self, parameter: Parameter | None, start: int, rows: int, width: int, by_columns: bool) -> None:
        """A weight matrix whose gradient was cut into panels of columns, or of rows."""
        cut: Cut = ("columns", width, 1) if by_columns else ("columns", rows, 1)
        self._emit(parameter, start, cut, width if by_columns else rows, [start, rows, width, 0 if by_columns else 1])

    def vector(self, parameter: Parameter | None, start: int, cut: Cut) -> None:
        """A bias or a gain, cut like the columns it belongs to."""
        self._emit(parameter, start, cut, cut[1], [start, 1, cut[1], 0])

    def _emit(self, parameter: Parameter | None, start: int, cut: Cut, width: int, region: list[int]) -> None:
        assert parameter is not None
        program, updater, grad, value = self.program, self.updater, ("g", start), ("p", start)
        strengths = {L1: lambda r: (r.strength, 0.0), L2: lambda r: (0.0, r.strength), ElasticNet: lambda r: (r.l1, r.l2)}
        rule = self.rules.get(start)
        if rule is not None:
            if type(rule) not in strengths:
                raise NotLowered(f"the penalty {rule!r}")
            reals = strengths[type(rule)](rule)
            program.emit(I.PENALTY, cut, width, region, reals=reals, reads=(value,), writes=(grad, ("penalty", start)))
        if updater.clip_value is not None:
            program.emit(I.CLIP, cut, width, region, reals=(updater.clip_value,), writes=(grad,))
        code, numbers = self.with_decay if parameter.decay else self.without

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
    flat = network.flat()
    places = {id(p): place.start for p, place in zip(flat.parameters, flat.slices, strict=True)}
    x = program.matrix(int(np.prod(network.in_shape)))
    y, _ = Lowering(program, places, None).chain(network, x)
    return program, y
