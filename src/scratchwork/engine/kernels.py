"""The operations of layers, each a plain loop over a region of a matrix, or one product.

Every kernel is handed the arena `a` that holds all activations one after the other, an offset into it for each matrix
(its rows lie `width` apart), and the region it is to work on: rows r0..r1, columns c0..c1. The layer classes say what each
operation means; a kernel gives the equation in a line.
"""

# mypy: ignore-errors

import numpy as np

from .compiling import apart, compiled, inlined
from .intrinsics import address, call_product, prefetch, stretch

AHEAD = 3  # rows that are asked for before they are copied: they lie anywhere in the memory

SAME, UINT8, INT8, FLOAT16 = range(4)  # what the rows of the source hold

GAMMA = np.uint64(0x9E3779B97F4A7C15)
MIX1, MIX2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
S30, S27, S31, S32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
LOW = np.uint64(0xFFFFFFFF)


@compiled
def part(a, start, width, r, c0, c1):
    """Columns c0..c1 of row r as an array of its own: loops that count from 0 are vectorized, others are not."""
    return stretch(a, start + r * width + c0, c1 - c0)


@compiled
def half(bits):
    """The number that 16 bits of half precision stand for."""
    sign = -1.0 if bits & 0x8000 else 1.0
    exponent, fraction = (bits >> 10) & 31, bits & 1023
    if exponent == 0:
        return sign * fraction * 2.0**-24
    if exponent == 31:
        return sign * np.inf if fraction == 0 else np.nan
    return sign * (1.0 + fraction / 1024.0) * 2.0 ** (exponent - 15)


@compiled
def gather(a, x, source, form, width, order, first, r0, r1):
    """x[r] = source[order[first + r]]; rows are bytes, of numbers like the arena's, uint8, int8 or float16."""
    length = source.shape[1]
    for r in range(r0, r1):
        at = order[first + min(r + AHEAD, r1 - 1)] * length
        for c in range(0, length, 64):
            prefetch(source, at + c)
        row = source[order[first + r]]
        out = part(a, x, width, r, 0, width)
        if form == SAME:
            numbers = row.view(a.dtype)
            for c in range(out.size):
                out[c] = numbers[c]
        elif form == UINT8:
            for c in range(out.size):
                out[c] = row[c]
        elif form == INT8:
            signed = row.view(np.int8)
            for c in range(out.size):
                out[c] = signed[c]
        else:
            for c in range(out.size):
                out[c] = half(np.int64(row[2 * c]) | (np.int64(row[2 * c + 1]) << 8))


@compiled
def move(a, factor, x, x_width, x_at, y, y_width, y_at, adds, width, r0, r1):
    """y[:, y_at : y_at + width] = factor · x[:, x_at : x_at + width], or that added to it."""
    f = a.dtype.type(factor)
    for r in range(r0, r1):
        u, v = part(a, x, x_width, r, x_at, x_at + width), part(a, y, y_width, r, y_at, y_at + width)
        if adds:
            for c in range(v.size):
                v[c] += f * u[c]
        else:
            for c in range(v.size):
                v[c] = f * u[c]


@inlined
def dense(a, p, product, room, x, n_in, w, b, y, n_out, r0, r1, c0, c1):
    """y = x W + b on a region: some rows of all columns, of which there is one panel, or all rows of one panel."""
    bias = address(p, b + c0) if b >= 0 else 0
    x, w, y = address(a, x + r0 * n_in), address(p, w + c0 * n_in), address(a, y + r0 * n_out + c0)
    call_product(product, address(room, 0), x, n_in, 1, w, c1 - c0, 0, bias, y, n_out, r1 - r0, c1 - c0, n_in)


@inlined
def dense_dx(a, p, product, room, dy, n_out, w, dx, n_in, r0, r1, c0, c1):
    """dx = dy Wᵀ on a region of dx."""
    dy, w, dx = address(a, dy + r0 * n_out), address(p, w), address(a, dx + r0 * n_in + c0)
    call_product(product, address(room, 0), dy, n_out, 1, w, c0, n_in, 0, dx, n_in, r1 - r0, c1 - c0, n_out)


@inlined
def dense_dw(a, g, product, room, x, n_in, dy, n_out, w, rows, r0, r1, c0, c1):
    """dW = xᵀ dy on a region of W (r0..r1 of its inputs, one panel c0..c1 of its outputs)."""
    width = c1 - c0
    x, dy, w = address(a, x + r0), address(a, dy + c0), address(g, w + c0 * n_in + r0 * width)
    call_product(product, address(room, 0), x, 1, n_in, dy, n_out, 0, 0, w, width, r1 - r0, width, rows)


@compiled
def column_sums(a, g, dy, width, b, rows, c0, c1):
    """db = Σₙ dyₙ."""
    sums = g[b + c0 : b + c1]
    sums[:] = 0
    for r in range(rows):
        row = part(a, dy, width, r, c0, c1)
        for c in range(sums.size):
            sums[c] += row[c]


@compiled
def mix(word):
    """The finalizer of SplitMix64 (scratchwork/randomness.py)."""
    word = (word ^ (word >> S30)) * MIX1
    word = (word ^ (word >> S27)) * MIX2
    return word ^ (word >> S31)


@compiled
def dropout(a, seed, step, threshold, scale, x, y, m, width, r0, r1, c0, c1):
    """m = (kept) · scale and y = x m, with the same random bits for an element as `randomness.keep_mask`."""
    key = mix(mix(np.uint64(seed)) + np.uint64(step))
    for r in range(r0, r1):
        base = r * width
        for c in range(c0, c1):
            i = base + c
            word = mix(key + GAMMA * np.uint64(1 + (i >> 1)))
            bits = word >> S32 if i & 1 else word & LOW
            factor = scale if np.int64(bits) >= threshold else 0.0
            a[m + i] = factor
            a[y + i] = a[x + i] * a[m + i]


@compiled
def multiply(a, x, y, width, r0, r1, c0, c1):
    """y ← x y."""
    for r in range(r0, r1):
        u, v = part(a, x, width, r, c0, c1), part(a, y, width, r, c0, c1)
        for c in range(u.size):
            v[c] *= u[c]


@compiled
def scale(a, p, x, y, s, width, r0, r1, c0, c1):
    """y = x s, with a factor for each column."""
    factors = stretch(p, s + c0, c1 - c0)
    for r in range(r0, r1):
        u, v = part(a, x, width, r, c0, c1), part(a, y, width, r, c0, c1)
        for c in range(u.size):
            v[c] = u[c] * factors[c]


@compiled
def rescale(a, factor, offset, x, y, width, r0, r1, c0, c1):
    """y = factor · x + offset."""
    f, o = a.dtype.type(factor), a.dtype.type(offset)
    for r in range(r0, r1):
        u, v = part(a, x, width, r, c0, c1), part(a, y, width, r, c0, c1)
        for c in range(u.size):
            v[c] = f * u[c] + o


@apart
def add_rows(out, a, b, c, d, x, y, z, w):
    """out ← out + x a + y b + z c + w d: four rows at once, so that `out` is fetched and stored once for them."""
    for i in range(out.size):
        out[i] += (x * a[i] + y * b[i]) + (z * c[i] + w * d[i])


@compiled
def dense_row(a, p, x, n_in, w, b, y, n_out):
    """y = x W + b for a single row: the rows of W are added up, and none is read for an input that is zero."""
    out = stretch(a, y, n_out)
    for c in range(n_out):
        out[c] = p[b + c] if b >= 0 else 0
    lit, count = np.empty(n_in + 3, np.int64), 0
    for i in range(n_in):
        lit[count] = i
        count += 1 if a[x + i] != 0 else 0
    zero = a.dtype.type(0)
    for k in range(0, count, 4):
        i = lit[k]
        j = lit[k + 1] if k + 1 < count else i
        m = lit[k + 2] if k + 2 < count else i
        n = lit[k + 3] if k + 3 < count else i
        add_rows(
            out, stretch(p, w + i * n_out, n_out), stretch(p, w + j * n_out, n_out), stretch(p, w + m * n_out, n_out),
            stretch(p, w + n * n_out, n_out), a[x + i], a[x + j] if j != i else zero, a[x + m] if m != i else zero,
            a[x + n] if n != i else zero,
        )  # fmt: skip


@compiled
def scale_gain(a, g, x, dy, s, width, rows, c0, c1):
    """ds = Σₙ dyₙ xₙ."""
    sums = g[s + c0 : s + c1]
    sums[:] = 0
    for r in range(rows):
        u, v = part(a, x, width, r, c0, c1), part(a, dy, width, r, c0, c1)
        for c in range(sums.size):
            sums[c] += u[c] * v[c]
