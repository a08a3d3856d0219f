"""The product of matrices, written out: C = A B + bias in tiles whose sums never leave the registers of the processor.

A tile is a few rows of C by a few vectors of its columns. For each k it loads the vectors of row k of B once, takes one number
of A for each of its rows, and adds their products to the tile (a fused multiply-add for each pair); C is written once, at the
end. With 6 rows of 4 vectors a step has 24 multiply-adds for 10 loads, which the processor can do at its full rate.

Each number of C is one sum in the order of k, whatever the tile or the vector: bits depend neither on the cut nor on the
thread. B is copied into a panel first only where it is read transposed, or often enough to be worth it.
"""

# mypy: ignore-errors
import platform

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

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
    """A compiled function (a, a0, rs, cs, b, b0, ldb, bias, b_at, c, c0, ldc, k, width): one tile of C.

    A's number (i, k) lies at a[a0 + i·rs + k·cs], so that A can be read transposed; row k of B at b[b0 + k·ldb], row i of C at
    c[c0 + i·ldc], and what the sums begin with at bias[b_at] (0 for b_at < 0). Of a tile of one vector only the first `width`
    columns are touched.
    """

    def generate(context, builder, signature, args):
        def address(array, offset):
            return builder.gep(context.make_array(signature.args[array])(context, builder, args[array]).data, [args[offset]])

        a, b, c = address(0, 1), address(4, 5), address(9, 10)
        rs, cs, ldb, ldc, k = args[2], args[3], args[6], args[11], args[12]
        vector = Vectors(builder, a.type.pointee, args[13] if vectors == 1 else None)
        heads = [a]  # where each row of A begins
        for _ in range(rows - 1):
            heads.append(builder.gep(heads[-1], [rs]))
        has_bias = builder.icmp_signed(">=", args[8], ir.Constant(I64, 0))
        before = builder.select(has_bias, address(7, 8), b)
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
    def instructions(ctx, a, a0, rs, cs, b, b0, ldb, bias, b_at, c, c0, ldc, k, width):
        n = types.int64
        return types.void(a, n, n, n, b, n, n, bias, n, c, n, n, n, n), generate

    @njit(nogil=True, error_model="numpy")
    def one_tile(a, a0, rs, cs, b, b0, ldb, bias, b_at, c, c0, ldc, k, width):
        instructions(a, a0, rs, cs, b, b0, ldb, bias, b_at, c, c0, ldc, k, width)

    return one_tile


def strip(vectors):
    """A compiled function with the arguments of a tile and, last, m: all rows of C, in tiles of few and fewer rows."""
    tall = 6 if vectors == WIDE else TALL
    most, four, two, one = tile(tall, vectors), tile(4, vectors), tile(2, vectors), tile(1, vectors)

    @njit(nogil=True, error_model="numpy")
    def rows(a, a0, rs, cs, b, b0, ldb, bias, b_at, c, c0, ldc, k, width, m):
        i = 0
        while m - i >= tall:
            most(a, a0 + i * rs, rs, cs, b, b0, ldb, bias, b_at, c, c0 + i * ldc, ldc, k, width)
            i += tall
        while m - i >= 4:
            four(a, a0 + i * rs, rs, cs, b, b0, ldb, bias, b_at, c, c0 + i * ldc, ldc, k, width)
            i += 4
        if m - i >= 2:
            two(a, a0 + i * rs, rs, cs, b, b0, ldb, bias, b_at, c, c0 + i * ldc, ldc, k, width)
            i += 2
        if m - i == 1:
            one(a, a0 + i * rs, rs, cs, b, b0, ldb, bias, b_at, c, c0 + i * ldc, ldc, k, width)

    return rows


wide_strip, middle_strip, thin_strip = strip(WIDE), strip(2) if WIDE > 2 else None, strip(1)
HAS_MIDDLE = WIDE > 2


@njit(nogil=True, error_model="numpy")
def copy_panel(b, b0, ldb, turned, k, width, room):
    """Row i of the panel, at room[i·PANEL], is row i of B, or column i with `turned`; `width` numbers of it."""
    if turned:
        for i0 in range(0, k, 16):
            depth = min(16, k - i0)
            for j in range(width):
                row = b[b0 + j * ldb + i0 : b0 + j * ldb + i0 + depth]
                for i in range(depth):
                    room[(i0 + i) * PANEL + j] = row[i]
    else:
        for i in range(k):
            row, copy = b[b0 + i * ldb : b0 + i * ldb + width], room[i * PANEL : i * PANEL + width]
            for j in range(copy.size):
                copy[j] = row[j]


@njit(nogil=True, error_model="numpy")
def product(a, a0, rs, cs, b, b0, ldb, turned, bias, b_at, c, c0, ldc, m, n, k, room):
    """C (m, n) = A (m, k) B (k, n) + bias, rows of B and C ldb and ldc apart; `turned`: B is given as its transpose.

    room : at least k · PANEL numbers for the panels, this thread's own
    """
    lanes = VECTOR // a.itemsize
    for panel in range(0, n, PANEL):
        columns = min(PANEL, n - panel)
        source, s0, lds = b, b0 + panel, ldb
        if turned or m >= OFTEN:
            copy_panel(b, b0 + (panel * ldb if turned else panel), ldb, turned, k, columns, room)
            source, s0, lds = room, 0, PANEL
        j = 0
        while j < columns:
            left, begin = columns - j, b_at + panel + j if b_at >= 0 else -1
            if left >= WIDE * lanes:
                wide_strip(a, a0, rs, cs, source, s0 + j, lds, bias, begin, c, c0 + panel + j, ldc, k, 0, m)
                j += WIDE * lanes
            elif HAS_MIDDLE and left >= 2 * lanes:
                middle_strip(a, a0, rs, cs, source, s0 + j, lds, bias, begin, c, c0 + panel + j, ldc, k, 0, m)
                j += 2 * lanes
            else:
                thin_strip(a, a0, rs, cs, source, s0 + j, lds, bias, begin, c, c0 + panel + j, ldc, k, min(lanes, left), m)
                j += lanes
