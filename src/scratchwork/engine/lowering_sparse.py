"""Lowering the first layer of sparse rows: Dense takes them as they are, any other gets a batch with all its zeros."""

from .. import layers as L
from ..layers import Layer
from ..sequential import Sequential
from . import interpreter as I
from .program import ROWS, Backward, Cut, Matrix, NotLowered, Program
from .updates import Updates

NOWHERE = -1  # the place of a matrix that lies in no arena: the rows as they are given
SOME = 16384  # numbers of W whose gradient is made at once and used while it is in the cache
PIECES = 16  # of W: enough for a few threads, few enough to look for the place in each row


def rows_as_given(program: Program, network: Sequential, width: int, form: int, updates: Updates | None) -> Matrix:
    """The input of a network: rows that are gathered, or sparse ones where every layer that meets them takes them."""
    if program.filled is None:
        x = program.matrix(width)
        program.emit(I.GATHER, ROWS, width, [x.offset, form], writes=(x,))
        return x
    if all(_takes_sparse(layer, updates) for layer in entrances(network)):
        return Matrix(NOWHERE, width, 1, ROWS)
    x = program.matrix(width)
    program.emit(I.SCATTER, ROWS, width, [x.offset], writes=(x,))
    return x


def entrances(layer: Layer) -> list[Layer]:
    """The layers that the rows meet first."""
    if isinstance(layer, Sequential):
        return entrances(layer.layers[0])
    if isinstance(layer, L.Parallel):
        return [entrance for network in layer.networks for entrance in entrances(network)]
    return [layer]


def _takes_sparse(layer: Layer, updates: Updates | None) -> bool:
    """Whether it is a Dense whose weights may lie in rows: projections expect them in panels."""
    return type(layer) is L.Dense and (updates is None or not updates.limited(layer.weight))


def sparse_dense(
    program: Program, updates: Updates | None, layer: L.Dense, n_in: int, w: int, b: int
) -> tuple[Matrix, Backward]:
    """y = x W + b by rows of the batch; dW and the update of W by ranges of inputs."""
    n_out, filled = layer.units, program.filled or 0
    y = program.matrix(n_out)
    program.emit(I.SPARSE_DENSE, ROWS, n_out, [w, b, y.offset], reads=((("p", w), None),), writes=(y,))
    program.flops += (6 if updates else 2) * program.batch * filled * n_out
    some = max(1, SOME // n_out)
    program.room = max(program.room, some * n_out)

    def backward(dy: Matrix, need_dx: bool) -> Matrix | None:
        if need_dx or updates is None:
            raise NotLowered("a gradient of sparse rows")
        chunks = -(-n_in // some)
        each = -(-chunks // PIECES) * some  # inputs in a piece
        cut: Cut = ("vector", -(-n_in // each))
        numbers, reads = [dy.offset, n_out, w, some], ((dy, None),)
        together = updates.right_after(layer.weight, w, penalized=True)
        if together:
            code, reals = together
            program.flops += 16 * n_in * n_out
            writes = (("p", w), ("penalty", w))
            program.emit(I.SPARSE_STEP, cut, each, [*numbers, code, n_in], reals=reals, reads=reads, writes=writes)
        else:
            program.emit(I.SPARSE_DW, cut, each, [*numbers, 0, n_in], reads=reads, writes=(("g", w),))
            updates.matrix(layer.weight, w, n_in, n_out, False)
        if b >= 0:
            cut = ("columns", n_out, 1)
            program.emit(I.COLUMN_SUMS, cut, n_out, [dy.offset, b], reads=(dy,), writes=(("g", b),))
            updates.vector(layer.bias, b, cut)
        return None

    return y, backward
