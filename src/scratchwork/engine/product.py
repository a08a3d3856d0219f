"""The product of matrices, written out: C = A B + bias in tiles whose sums never leave the registers of the processor.

A tile is a few rows of C by a few vectors of its columns. For each k it loads the vectors of row k of B once, takes one number
of A for each of its rows, and adds their products to the tile (a fused multiply-add for each pair); C is written once, at the
end. With 6 rows of 4 vectors a step has 24 multiply-adds for 10 loads, which the processor can do at its full rate.

Each number of C is one sum in the order of k, whatever the tile or the vector: bits depend neither on the cut nor on the
thread. B is copied into a panel first only where it is read transposed, or often enough to be worth it.
"""

# mypy: ignore-errors
import functools
import platform

import numpy as np
from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .compiling import called_by_address, exact
from .intrinsics import address, array_at, stretch

FEATURES = get_host_cpu_features()
VECTOR = 64 if FEATURES.get("avx512f") else 32 if FEATURES.get("avx2") else 16  # bytes
REGISTERS = 32 if FEATURES.get("avx512f") or platform.machine().lower() in ("aarch64", "arm64") else 16
WIDE = 4 if REGISTERS == 32 else 2  # vectors in the widest tile, of 6 rows
TALL = 12  # rows in the tallest one, of a single vector
PANEL = 64  # columns that are copied together
OFTEN = 192  # rows of C from which on a panel of B is copied

I32, I64 = ir.IntType(32), ir.IntType(64)


class Vectors:
    """Instructions on vectors of `real`; with a `width`, only that many numbers of memory are touched."""

    def __init__(self, builder, real, width=None):
        self.builder, self.size = builder, 4 if isinstance(real, ir.FloatType) else 8
        self.lanes = VECTOR // self.size
        self.kind = ir.VectorType(real, self.lanes)
        self.zero = ir.Constant(self.kind, [0.0] * self.lanes)
        self.name = f"v{self.lanes}f{self.size * 8}"
        self.mask = None
        if width is not None:
            places = ir.Constant(ir.VectorType(I32, self.lanes), list(range(self.lanes)))
            self.mask = builder.icmp_signed("<", places, self.spread(builder.trunc(width, I32)))

    def spread(self, number):
        """The number in every lane."""
        kind = ir.VectorType(number.type, self.lanes)
        nothing = ir.Constant(kind, ir.Undefined)
        one = self.builder.insert_element(nothing, number, ir.Constant(I32, 0))
        return self.builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(I32, self.lanes), [0] * self.lanes))

    def load(self, start, v=0):
        """Vector v of the row that begins at `start`."""
        place = self._vector(start, v)
        if self.mask is not None:
            values = [place, ir.Constant(I32, self.size), self.mask, self.zero]
            return self._call(f"llvm.masked.load.{self.name}.p0", self.kind, values)
        value = self.builder.load(place)
        value.align = self.size
        return value

    def store(self, value, start, v=0):
        """Write vector v of the row that begins at `start`."""
        place = self._vector(start, v)
        if self.mask is not None:
            values = [value, place, ir.Constant(I32, self.size), self.mask]
            self._call(f"llvm.masked.store.{self.name}.p0", ir.VoidType(), values)
        else:
            self.builder.store(value, place).align = self.size

    def multiply_add(self, x, y, z):
        """x y + z, rounded once where the processor can."""
        return self._call(f"llvm.fmuladd.{self.name}", self.kind, [x, y, z])

    def _vector(self, start, v):
        return self.builder.bitcast(self.builder.gep(start, [ir.Constant(I64, v * self.lanes)]), self.kind.as_pointer())

    def _call(self, name, result, values):
        kind = ir.FunctionType(result, [value.type for value in values])
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), values)


def tile(rows, vectors):
    """A function for compiled code (room, a, rs, cs, b, ldb, bias, c, ldc, k, width): one tile of C.

    Matrices are given by their addresses; their numbers are like those of the array `room`. A's number (i, k) lies i·rs + k·cs numbers behind
    a, so that A can be read transposed; row k of B lies k·ldb behind b and row i of C i·ldc behind c. The sums begin with the
    bias, or with 0 where its address is 0. Of a tile of one vector only the first `width` columns are touched.
    """

    def generate(context, builder, signature, args):
        kind = context.get_value_type(signature.args[0].dtype)
        a, b, bias, c = (builder.inttoptr(args[i], kind.as_pointer()) for i in (1, 4, 6, 7))
        rs, cs, ldb, ldc, k = args[2], args[3], args[5], args[8], args[9]
        vector = Vectors(builder, kind, args[10] if vectors == 1 else None)
        heads = [a]  # where each row of A begins
        for _ in range(rows - 1):
            heads.append(builder.gep(heads[-1], [rs]))
        has_bias = builder.icmp_signed("!=", args[6], ir.Constant(I64, 0))
        before = builder.select(has_bias, bias, b)
        begin = [builder.select(has_bias, vector.load(before, v), vector.zero) for v in range(vectors)]
        entry, loop, end = builder.block, builder.append_basic_block("k"), builder.append_basic_block("end")
        builder.branch(loop)

        builder.position_at_end(loop)
        at = builder.phi(I64)
        sums = [[builder.phi(vector.kind) for _ in range(vectors)] for _ in range(rows)]
        row, column = builder.gep(b, [builder.mul(at, ldb)]), builder.mul(at, cs)
        loaded = [vector.load(row, v) for v in range(vectors)]
        following = builder.add(at, ir.Constant(I64, 1))
        at.add_incoming(ir.Constant(I64, 0), entry)
        at.add_incoming(following, loop)
        for head, line in zip(heads, sums, strict=True):
            number = vector.spread(builder.load(builder.gep(head, [column])))
            for v, total in enumerate(line):
                total.add_incoming(begin[v], entry)
                total.add_incoming(vector.multiply_add(number, loaded[v], total), loop)
        builder.cbranch(builder.icmp_signed("<", following, k), loop, end)

        builder.position_at_end(end)
        for i, line in enumerate(sums):
            for v, total in enumerate(line):
                vector.store(total.incomings[1][0], builder.gep(c, [builder.mul(ir.Constant(I64, i), ldc)]), v)
        return context.get_dummy_value()

    @intrinsic
    def instructions(ctx, room, a, rs, cs, b, ldb, bias, c, ldc, k, width):
        return types.void(room, *[types.int64] * 10), generate

    return instructions


def strip(vectors):
    """A compiled function with the arguments of a tile and, last, m: all rows of C, in tiles of few and fewer rows."""
    tall = 6 if vectors == WIDE else TALL
    most, four, two, one = (tile(rows, vectors) for rows in (tall, 4, 2, 1))

    @exact
    def rows(room, a, rs, cs, b, ldb, bias, c, ldc, k, width, m):
        i, down, along = 0, rs * room.itemsize, ldc * room.itemsize  # bytes from row to row
        while m - i >= tall:
            most(room, a + i * down, rs, cs, b, ldb, bias, c + i * along, ldc, k, width)
            i += tall
        while m - i >= 4:
            four(room, a + i * down, rs, cs, b, ldb, bias, c + i * along, ldc, k, width)
            i += 4
        if m - i >= 2:
            two(room, a + i * down, rs, cs, b, ldb, bias, c + i * along, ldc, k, width)
            i += 2
        if m - i == 1:
            one(room, a + i * down, rs, cs, b, ldb, bias, c + i * along, ldc, k, width)

    return rows


@exact
def copy_panel(b, ldb, k, width, room):
    """Row i of the panel, at room[i·PANEL], is the beginning of row i of B."""
    for i in range(k):
        row, copy = stretch(b, i * ldb, width), stretch(room, i * PANEL, width)
        for j in range(width):
            copy[j] = row[j]


@exact
def turn_panel(w, first, rows, k, width, room):
    """Column j of the panel is row first + j of W, a matrix of `rows` rows and k columns in panels."""
    for low in range(0, k, PANEL):
        panel = min(PANEL, k - low)
        for i0 in range(0, panel, 16):
            depth = min(16, panel - i0)
            for j in range(width):
                row = stretch(w, low * rows + (first + j) * panel + i0, depth)
                for i in range(depth):
                    room[(low + i0 + i) * PANEL + j] = row[i]


wide, thin = strip(WIDE), strip(1)
middle = strip(2) if WIDE > 2 else wide


@exact
def product(room, a, rs, cs, b, ldb, turned, bias, c, ldc, m, n, k):
    """C (m, n) = A (m, k) B (k, n) + bias, everything by its address as in `tile`.

    room : an array of at least k · PANEL numbers for copies of panels, this thread's own
    turned : 0, or how many rows the matrix W has whose transpose is meant: it lies in panels at b, and its row ldb is the
        first of the n that are wanted
    """
    size, lanes = room.itemsize, VECTOR // room.itemsize
    for panel in range(0, n, PANEL):
        columns = min(PANEL, n - panel)
        source, lds = b + panel * size, ldb
        if turned:
            turn_panel(array_at(b, room), ldb + panel, turned, k, columns, room)
        elif m >= OFTEN and ldb != PANEL:
            copy_panel(array_at(source, room), ldb, k, columns, room)
        if turned or (m >= OFTEN and ldb != PANEL):
            source, lds = address(room, 0), PANEL
        j = 0
        while j < columns:
            left, place = columns - j, (panel + j) * size
            before = bias + place if bias else 0
            if left >= WIDE * lanes:
                wide(room, a, rs, cs, source + j * size, lds, before, c + place, ldc, k, 0, m)
                j += WIDE * lanes
            elif left >= 2 * lanes:
                middle(room, a, rs, cs, source + j * size, lds, before, c + place, ldc, k, 0, m)
                j += 2 * lanes
            else:
                thin(room, a, rs, cs, source + j * size, lds, before, c + place, ldc, k, min(lanes, left), m)
                j += lanes


def product_of_singles(room, a, rs, cs, b, ldb, turned, bias, c, ldc, m, n, k):
    """`product` in float32, with the address of its room."""
    product(array_at(room, SINGLES), a, rs, cs, b, ldb, turned, bias, c, ldc, m, n, k)


def product_of_doubles(room, a, rs, cs, b, ldb, turned, bias, c, ldc, m, n, k):
    """`product` in float64."""
    product(array_at(room, DOUBLES), a, rs, cs, b, ldb, turned, bias, c, ldc, m, n, k)


SINGLES, DOUBLES = np.zeros(1, np.float32), np.zeros(1, np.float64)
SIGNATURE = types.void(*[types.int64] * 13)


@functools.cache
def product_address(dtype):
    """Where the product of such numbers lies. Others call it by this address, so that it is compiled once and not into each."""
    return called_by_address(product_of_singles if dtype == np.float32 else product_of_doubles, SIGNATURE).address
