"""Lowering: a network as a program.

Whoever adds a layer adds one method to `Lowering` and its row to LOWERINGS, a row in `interpreter.run_piece` and a kernel.
Leaving that out is allowed: a network with a layer that is not here runs on the NumPy path.
"""

from collections.abc import Callable

import numpy as np

from .. import layers as L
from ..parameter import Parameter
from ..sequential import Sequential
from . import interpreter as I
from . import kernels_activation as KA
from . import kernels_update as KU
from .lowering_sparse import NOWHERE, sparse_dense
from .parallel import average, parallel
from .product import PANEL
from .program import ROWS, WHOLE, Backward, Cut, Matrix, NotLowered, Program, columns
from .updates import Updates

GRADIENT = KU.STEP * PANEL  # numbers of room for the gradient of some rows
NARROW = 48  # columns: a product with fewer is cut along the rows of the batch

ACTIVATIONS: dict[type, int] = {
    L.Step: KA.STEP, L.Sigmoid: KA.SIGMOID, L.Tanh: KA.TANH, L.ReLU: KA.RELU, L.LeakyReLU: KA.LEAKY, L.ELU: KA.ELU, L.SELU: KA.SELU,
    L.Softplus: KA.SOFTPLUS, L.SiLU: KA.SILU, L.Mish: KA.MISH,
}  # fmt: skip


def unused(dy: Matrix, need_dx: bool) -> Matrix | None:
    """The backward of a program that only predicts."""
    raise NotLowered("a backward for prediction")


class Lowering:
    """Carries the program along the layers; each method emits a layer's forward and returns what emits its backward.

    Without `updates` the forward is that of prediction; `alone` is said for a single row, whose matrices lie in no panels.
    """

    def __init__(self, program: Program, places: dict[int, int], updates: Updates | None, *, alone: bool = False) -> None:
        self.program, self.places, self.updates, self.alone = program, places, updates, alone

    @property
    def updated(self) -> Updates:
        """What emits updates; a program that only predicts has none, and no backward."""
        assert self.updates is not None
        return self.updates

    def at(self, parameter: Parameter | None, *shape: int) -> int:
        """Where a parameter begins in the flat vector; −1 for none. Somebody may have put another of its own in its place."""
        if parameter is None:
            return -1
        if parameter.value.shape != shape:
            raise NotLowered(f"a parameter of shape {parameter.value.shape} where {shape} belongs")
        return self.places[id(parameter)]

    def layer(self, layer: L.Layer, x: Matrix, shape: tuple[int, ...]) -> tuple[Matrix, Backward]:
        """Emit one layer; `shape` is that of its input rows."""
        if isinstance(layer, Sequential):
            return self.chain(layer, x)
        kind = type(layer)
        if kind in (L.Linear, L.Flatten, L.Reshape):
            return self.view(x, shape if kind is L.Linear else None, layer)
        if kind is L.Parallel and isinstance(layer, L.Parallel):
            return parallel(self.program, layer, x, shape, self.layer)
        if kind is L.Average and isinstance(layer, L.Average):
            return average(self.program, layer, x)
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
        w, b = self.at(layer.weight, n_in, n_out), self.at(layer.bias, n_out)
        if x.offset == NOWHERE:
            return sparse_dense(program, self.updates, layer, n_in, w, b)
        wide = n_out >= NARROW
        y = program.matrix(n_out, cut=("columns", n_out, 1) if wide else ROWS)
        read_x = (x, None) if wide else x
        if self.alone:
            program.emit(I.DENSE_ROW, WHOLE, n_out, [x.offset, n_in, w, b, y.offset])
            return y, unused
        program.emit(
            I.DENSE,
            y.cut,
            n_out,
            [x.offset, n_in, w, b, y.offset],
            reads=(read_x, ("p", w) if wide else (("p", w), None)),
            writes=(y,),
        )
        program.flops += (6 if self.updates else 2) * program.batch * n_in * n_out
        if n_out > PANEL:
            program.panelled.append((w, n_in, n_out))
        program.room = max(program.room, PANEL * max(n_in, n_out, program.batch) + GRADIENT)

        def backward(dy: Matrix, need_dx: bool) -> Matrix | None:
            dx = None
            if need_dx:
                dx = program.matrix(n_in, cut=x.cut if x.cut[0] == "columns" and x.cut[1:] == (n_in, 1) else ROWS)
                read_dy = dy if dx.cut == ROWS else (dy, None)
                read_w = ("p", w) if dx.cut != ROWS and not wide else (("p", w), None)
                program.emit(I.DENSE_DX, dx.cut, n_in, [dy.offset, n_out, w, dx.offset], reads=(read_dy, read_w), writes=(dx,))
            cut: Cut = ("columns", n_out, 1) if wide else ("columns", n_in, 1)
            width, by_rows = (n_out, 0) if wide else (n_in, 1)
            reads = ((x, None), dy) if wide else (x, (dy, None))
            numbers = [x.offset, n_in, dy.offset, n_out, w, by_rows]
            together = self.updated.right_after(layer.weight, w)
            if together:
                code, reals = together
                program.emit(I.DENSE_STEP, cut, width, [*numbers, code], reals=reals, reads=reads, writes=(("p", w),))
            else:
                program.emit(I.DENSE_DW, cut, width, numbers, reads=reads, writes=(("g", w),))
                self.updated.matrix(layer.weight, w, n_in, n_out, wide)
            if b >= 0:
                cut = ("columns", n_out, 1)
                program.emit(I.COLUMN_SUMS, cut, n_out, [dy.offset, b], reads=(dy,), writes=(("g", b),))
                self.updated.vector(layer.bias, b, cut)
            return dx

        return y, backward

    def elementwise(self, layer: L.Layer, x: Matrix) -> tuple[Matrix, Backward]:
        """An activation: y = f(x), dx = dy ⊙ f′(x) in dy's place."""
        program = self.program
        kind = ACTIVATIONS.get(type(layer), KA.GELU if getattr(layer, "approximate", "") == "none" else KA.GELU_TANH)
        alpha = float(getattr(layer, "negative_slope", getattr(layer, "alpha", 0.0)))
        cut = x.cut if x.cut in (ROWS, columns(x)) else ROWS
        y = program.matrix(x.width, x.times, cut)
        reals = (alpha,)
        program.emit(
            I.ACTIVATION, cut, x.width, [x.offset, y.offset, kind], reals=reals, reads=(x,), writes=(y,), times=x.times
        )

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
        mean = program.statistics_size
        program.statistics += [(layer.running_mean, mean), (layer.running_var, mean + width)]
        program.statistics_size += 2 * width
        gamma, beta = self.at(layer.gamma, width), self.at(layer.beta, width)
        if self.updates is None:
            cut = x.cut if x.cut in (ROWS, columns(x)) else ROWS
            y = program.matrix(width, x.times, cut)
            numbers = [x.offset, y.offset, gamma, beta, mean]
            program.emit(I.BATCH_NORM_ROW, cut, width, numbers, reals=(layer.eps,), reads=(x,), writes=(y,), times=x.times)
            return y, unused
        cut = columns(x)
        y, xh = program.matrix(width, x.times, cut), program.matrix(width, x.times, cut)
        inv = program.matrix(width)
        numbers = [x.offset, y.offset, xh.offset, inv.offset, gamma, beta, mean]
        reals = (layer.momentum, layer.eps)
        program.emit(
            I.BATCH_NORM,
            cut,
            width,
            numbers,
            reals=reals,
            reads=(x, ("p", gamma), ("p", beta)),
            writes=(y, xh, inv),
            times=x.times,
        )

        def backward(dy: Matrix, need_dx: bool) -> Matrix | None:
            program.emit(
                I.BATCH_NORM_BACK, cut, width, [dy.offset, xh.offset, inv.offset, gamma, beta],
                reads=(dy, xh, inv, ("p", gamma)), writes=(dy, ("g", gamma), ("g", beta)), times=x.times,
            )  # fmt: skip
            self.updated.vector(layer.gamma, gamma, cut)
            self.updated.vector(layer.beta, beta, cut)
            return Matrix(dy.offset, width, x.times, cut)

        return y, backward

    def layer_norm(self, layer: L.LayerNorm, x: Matrix) -> tuple[Matrix, Backward]:
        """Statistics along rows."""
        program, width = self.program, x.width
        y, xh, inv = program.matrix(width, x.times), program.matrix(width, x.times), program.matrix(1, x.times)
        gamma, beta = self.at(layer.gamma, width), self.at(layer.beta, width)
        numbers = [x.offset, y.offset, xh.offset, inv.offset, gamma, beta]
        program.emit(
            I.LAYER_NORM,
            ROWS,
            width,
            numbers,
            reals=(layer.eps,),
            reads=(x, (("p", gamma), None), (("p", beta), None)),
            writes=(y, xh, inv),
            times=x.times,
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
            self.updated.vector(layer.gamma, gamma, columns(x))
            self.updated.vector(layer.beta, beta, columns(x))
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
        program, s = self.program, self.at(layer.gamma, x.width)
        cut = x.cut if x.cut in (ROWS, columns(x)) else ROWS
        y = program.matrix(x.width, x.times, cut)
        program.emit(I.SCALE, cut, x.width, [x.offset, y.offset, s], reads=(x, (("p", s), None)), writes=(y,), times=x.times)

        def backward(dy: Matrix, need_dx: bool) -> Matrix | None:
            program.emit(
                I.SCALE_GAIN, columns(x), x.width, [x.offset, dy.offset, s], reads=(x, dy), writes=(("g", s),), times=x.times
            )
            cut = dy.cut if dy.cut in (ROWS, columns(x)) else ROWS
            if need_dx:
                reads = (dy, (("p", s), None))
                program.emit(I.SCALE_BACK, cut, x.width, [dy.offset, 0, s], reads=reads, writes=(dy,), times=x.times)
            self.updated.vector(layer.gamma, s, columns(x))
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
    **dict.fromkeys(ACTIVATIONS, Lowering.elementwise),
}
