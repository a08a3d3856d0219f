"""The operations of a first layer on sparse rows: what most inputs are, 0, is neither read nor multiplied.

Row n has the numbers values[indptr[n]:indptr[n + 1]] in the columns `indices`, ascending. W lies in rows here, not in panels:
each number asks for one row of it, anywhere in the memory.
"""

# mypy: ignore-errors

import numpy as np

from .compiling import apart, compiled
from .intrinsics import prefetch, stretch
from .kernels import add_rows, part
from .kernels_update import penalty, update

AHEAD = 8  # numbers whose rows of W are asked for before they are needed
NEVER = 2**62  # a column that no piece reaches


@compiled
def scatter(a, x, sparse, width, order, first, r0, r1):
    """x[r] = the row order[first + r] with all its zeros."""
    indptr, indices, values = sparse
    for r in range(r0, r1):
        out, n = part(a, x, width, r, 0, width), order[first + r]
        for c in range(width):
            out[c] = 0
        for k in range(indptr[n], indptr[n + 1]):
            out[indices[k]] = values[k]


@compiled
def ask_for_row(p, start, size, line):
    """Ask for a row of W."""
    for k in range(start, start + size, line):
        prefetch(p, k)


@compiled
def sparse_dense(a, p, sparse, w, b, y, n_out, order, first, r0, r1):
    """y = x W + b for some rows: the rows of W where x is not 0, added up four at a time."""
    indptr, indices, values = sparse
    zero, line = a.dtype.type(0), 64 // a.itemsize
    for r in range(r0, r1):
        out, n = part(a, y, n_out, r, 0, n_out), order[first + r]
        for c in range(n_out):
            out[c] = p[b + c] if b >= 0 else 0
        begin, end = indptr[n], indptr[n + 1]
        for k in range(begin, min(begin + AHEAD, end)):
            ask_for_row(p, w + indices[k] * n_out, n_out, line)
        for k in range(begin, end, 4):
            for j in range(k + AHEAD, min(k + AHEAD + 4, end)):
                ask_for_row(p, w + indices[j] * n_out, n_out, line)
            left = end - k
            i1, i2, i3 = k + 1 if left > 1 else k, k + 2 if left > 2 else k, k + 3 if left > 3 else k
            add_rows(
                out, stretch(p, w + indices[k] * n_out, n_out), stretch(p, w + indices[i1] * n_out, n_out),
                stretch(p, w + indices[i2] * n_out, n_out), stretch(p, w + indices[i3] * n_out, n_out), values[k],
                values[i1] if left > 1 else zero, values[i2] if left > 2 else zero, values[i3] if left > 3 else zero,
            )  # fmt: skip


@apart
def add_row(out, row, factor):
    """out ← out + factor · row."""
    for i in range(out.size):
        out[i] += factor * row[i]


@compiled
def enter(sparse, order, first, rows, low):
    """For each row of the batch (where its columns from `low` on begin, where it ends, the first of these columns)."""
    indptr, indices, _ = sparse
    at = np.empty(3 * rows, np.int64)
    for r in range(rows):
        n = order[first + r]
        k, end = indptr[n], indptr[n + 1]
        high = end
        while k < high:
            middle = (k + high) >> 1
            if indices[middle] < low:
                k = middle + 1
            else:
                high = middle
        at[r], at[rows + r], at[2 * rows + r] = k, end, indices[k] if k < end else NEVER
    return at


@compiled
def sparse_gradient(a, sparse, at, d, dy, n_out, rows, low, high):
    """d = Σₙ x[n, low:high]ᵀ dyₙ, rows of dW; each row of the batch goes on from where it was left."""
    _, indices, values = sparse
    for i in range(d.size):
        d[i] = 0
    for r in range(rows):
        column = at[2 * rows + r]
        if column < high:
            row, k, end = part(a, dy, n_out, r, 0, n_out), at[r], at[rows + r]
            while column < high:
                add_row(stretch(d, (column - low) * n_out, n_out), row, values[k])
                k += 1
                column = np.int64(indices[k]) if k < end else NEVER
            at[r], at[2 * rows + r] = k, column


@compiled
def sparse_dw(a, g, sparse, dy, n_out, w, some, order, first, rows, low, high):
    """dW = xᵀ dy for the inputs low..high, some at a time."""
    at = enter(sparse, order, first, rows, low)
    for i in range(low, high, some):
        top = min(i + some, high)
        sparse_gradient(a, sparse, at, stretch(g, w + i * n_out, (top - i) * n_out), dy, n_out, rows, i, top)


@compiled
def sparse_step(a, p, s1, s2, sparse, room, op, f, step, rate, order, first, rows, low, high):
    """dW = xᵀ dy for the inputs low..high, its penalty (which is returned) and W's update, some rows of W at a time.

    All of W is walked through, since moments decay and penalties pull everywhere; value and moments are read and written
    once, and the gradient never leaves the cache.
    """
    dy, n_out, w, some, rule = op[0], op[1], op[2], op[3], op[4]
    total, at = 0.0, enter(sparse, order, first, rows, low)
    for i in range(low, high, some):
        top = min(i + some, high)
        begin, size = w + i * n_out, (top - i) * n_out
        d = stretch(room, 0, size)
        sparse_gradient(a, sparse, at, d, dy, n_out, rows, i, top)
        if f[6] != 0 or f[7] != 0:
            total += penalty(stretch(p, begin, size), d, f[6], f[7])
        update(p, s1, s2, d, rule, step, rate, f, begin)
    return total
