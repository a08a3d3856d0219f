"""Lowering networks side by side, and their average."""

from collections.abc import Callable
from typing import TypeAlias

from ..layers import Average, Layer, Parallel
from . import interpreter as I
from .program import ROWS, Backward, Matrix, Program

Emit: TypeAlias = Callable[[Layer, Matrix, tuple[int, ...]], tuple[Matrix, Backward]]


def flat(x: Matrix) -> Matrix:
    """The same memory as one line for each row of the batch."""
    return Matrix(x.offset, x.width * x.times, 1, x.cut)


def move(program: Program, x: Matrix, at: int, y: Matrix, to: int, width: int, factor: float = 1.0, adds: bool = False) -> None:
    """y[:, to : to + width] = factor · x[:, at : at + width], or added to it."""
    numbers = [x.offset, x.width, at, y.offset, y.width, to, int(adds)]
    reads = (x, y) if adds else (x,)
    program.emit(I.MOVE, ROWS, width, numbers, reals=(factor,), reads=reads, writes=(y,))


def parallel(program: Program, layer: Parallel, x: Matrix, shape: tuple[int, ...], emit: Emit) -> tuple[Matrix, Backward]:
    """y = [f₁(x), ..., f_K(x)]; dx = Σ dxₖ in the place of the first. Each network gets a copy of its columns of dy."""
    width = layer.width
    y = program.matrix(len(layer.networks) * width)
    backs: list[Backward] = []
    for k, network in enumerate(layer.networks):
        part, back = emit(network, x, shape)
        move(program, flat(part), 0, y, k * width, width)
        backs.append(back)

    def backward(dy: Matrix, need_dx: bool) -> Matrix | None:
        total: Matrix | None = None
        for k, back in enumerate(backs):
            part = program.matrix(width)
            move(program, flat(dy), k * width, part, 0, width)
            dx = back(part, need_dx)
            if dx is None:
                continue
            if total is None:
                total = flat(dx)
            else:
                move(program, flat(dx), 0, total, 0, total.width, adds=True)
        return None if total is None else Matrix(total.offset, x.width, x.times, ROWS if len(backs) > 1 else total.cut)

    return y, backward


def average(program: Program, layer: Average, x: Matrix) -> tuple[Matrix, Backward]:
    """y = Σ xₖ / K; each part of dx is dy / K."""
    x, factor = flat(x), 1.0 / layer.parts
    width = x.width // layer.parts
    y = program.matrix(width)
    for k in range(layer.parts):
        move(program, x, k * width, y, 0, width, factor, adds=k > 0)

    def backward(dy: Matrix, need_dx: bool) -> Matrix | None:
        if not need_dx:
            return None
        dx = program.matrix(x.width)
        for k in range(layer.parts):
            move(program, flat(dy), 0, dx, k * width, width, factor)
        return dx

    return y, backward
