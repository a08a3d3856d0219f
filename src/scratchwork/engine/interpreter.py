"""Walks through the table of operations, step after step, in one or several threads.

A row of the table is one operation: its code, whether all threads must have met before it, how it is cut into pieces,
and its numbers. Pieces depend on the network and the batch alone; a thread takes every T-th one. So whoever computes a
piece, it is the same product of the same shape, and the bits do not depend on how many threads there are.
"""

# mypy: ignore-errors
import math
from functools import partial

import numpy as np

from .compiling import inlined, kept_on_disk
from .intrinsics import (
    array_at,
    atomic_add,
    atomic_read,
    borrowed,
    flush_to_zero,
    pause,
    restore_denormals,
    stretch,
    yield_processor,
)
from .kernels import (
    column_sums,
    dense,
    dense_dw,
    dense_dx,
    dense_row,
    dropout,
    gather,
    move,
    multiply,
    rescale,
    scale,
    scale_gain,
)
from .kernels_activation import activation, activation_back
from .kernels_loss import class_loss, number_loss, row_weights
from .kernels_rows import (
    batch_norm,
    batch_norm_back,
    batch_norm_row,
    layer_norm,
    layer_norm_back,
    layer_norm_gain,
    softmax,
    softmax_back,
)
from .kernels_sparse import scatter, sparse_dense, sparse_dw, sparse_step
from .kernels_update import clip, dense_step, penalty, project_columns, project_row, shrink, square_sum, update

# columns of the table
CODE, MEET, PIECES, CUT, WIDTH, REPEAT, ARGS = range(7)
# how an operation is cut: rows of the batch, columns of a matrix, numbers of a vector, rows of a fixed matrix, not at all
ROWS, COLUMNS, VECTOR, FIXED_ROWS, WHOLE = range(5)
(
    GATHER, SCATTER, SPARSE_DENSE, SPARSE_DW, DENSE, DENSE_DX, DENSE_DW, COLUMN_SUMS, ACTIVATION, ACTIVATION_BACK, DROPOUT, MULTIPLY, SCALE, SCALE_GAIN,
    SCALE_BACK, BATCH_NORM, BATCH_NORM_BACK, BATCH_NORM_ROW, LAYER_NORM, LAYER_NORM_GAIN, LAYER_NORM_BACK, SOFTMAX,
    SOFTMAX_BACK, MOVE, ROW_WEIGHTS, CLASS_LOSS, NUMBER_LOSS, CHECK, KEEP, RESCALE, DENSE_ROW, PENALTY, CLIP, SQUARE_SUM,
    SHRINK, UPDATE, PROJECT, DENSE_STEP, SPARSE_STEP,
) = range(39)  # fmt: skip
PANEL = 64  # columns in a piece
SPINS = 2000  # how often a waiting thread looks before it lets others have the processor
# entries of `sums` for the whole step, behind those of the pieces
STATUS = 3


@inlined
def meet(counters, threads, arrivals, yield_address):
    """Waits until all threads are here; spins briefly and then yields, because the processor may have other work."""
    atomic_add(counters, 0, 1)
    spins = 0
    while atomic_read(counters, 0) < arrivals:
        spins += 1
        if spins > SPINS:
            yield_processor(yield_address)
        else:
            pause()


@inlined
def run_piece(op, f, i, piece, rows, chunk, first, step, rate, memory, data, order, sums, product, room):
    """One piece of one operation."""
    a, p, g, s1, s2, statistics = memory
    source, labels, target, weights, factors, kept, sparse = data
    code, cut, width, times = op[CODE], op[CUT], op[WIDTH], op[REPEAT]
    n, r0, r1, c0, c1 = rows * times, 0, rows * times, 0, width
    if cut == ROWS:
        r0, r1 = min(piece * chunk, rows) * times, min((piece + 1) * chunk, rows) * times
        if r0 >= r1:
            sums[i, piece] = 0.0
            return
    elif cut == COLUMNS:
        c0, c1 = piece * PANEL, min((piece + 1) * PANEL, width)
    x0, x1, x2, x3, x4, x5 = op[ARGS], op[ARGS + 1], op[ARGS + 2], op[ARGS + 3], op[ARGS + 4], op[ARGS + 5]
    if code == GATHER:
        gather(a, x0, source, x1, width, order, first, r0, r1)
    elif SCATTER <= code <= SPARSE_DW or code == SPARSE_STEP:
        sums[i, piece] = on_sparse_rows(code, op, f, piece, step, rate, order, first, n, r0, r1, a, p, g, s1, s2, sparse, room)
    elif code == DENSE:
        dense(a, p, product, room, x0, x1, x2, x3, x4, width, r0, r1, c0, c1)
    elif code == DENSE_DX:
        dense_dx(a, p, product, room, x0, x1, x2, x3, width, r0, r1, c0, c1)
    elif code == DENSE_DW or code == DENSE_STEP:
        i0, i1, o0, o1 = (c0, c1, 0, x3) if x5 else (0, x1, c0, c1)  # cut along the inputs, or the outputs
        if code == DENSE_DW:
            dense_dw(a, g, product, room, x0, x1, x2, x3, x4, n, i0, i1, o0, o1)
        else:
            dense_step(a, p, s1, s2, product, room, op[ARGS:], f, step, rate * f[5], n, i0, i1, o0, o1)
    elif code == COLUMN_SUMS:
        column_sums(a, g, x0, width, x1, n, c0, c1)
    elif code == ACTIVATION:
        activation(a, x2, f[0], x0, x1, width, r0, r1, c0, c1)
    elif code == ACTIVATION_BACK:
        activation_back(a, x2, f[0], x0, x1, x3, width, r0, r1, c0, c1)
    elif code == DROPOUT:
        dropout(a, x3, step, x4, f[0], x0, x1, x2, width, r0, r1, c0, c1)
    elif code == MULTIPLY:
        multiply(a, x0, x1, width, r0, r1, c0, c1)
    elif code == SCALE:
        scale(a, p, x0, x1, x2, width, r0, r1, c0, c1)
    elif code == SCALE_GAIN:
        scale_gain(a, g, x0, x1, x2, width, n, c0, c1)
    elif code == SCALE_BACK:
        scale(a, p, x0, x0, x2, width, r0, r1, c0, c1)
    elif BATCH_NORM <= code <= MOVE:
        on_whole_rows(code, op, f, width, n, r0, r1, c0, c1, a, p, g, statistics)
    elif code == ROW_WEIGHTS:
        row_weights(a, x0, labels, target, weights, factors, order, first, rows, x1, x2)
    elif code == CLASS_LOSS:
        sums[i, piece] = class_loss(a, x2, x0, x1, x3, width, f[0], f[1], labels, target, order, first, r0, r1, 1.0 / rows)
    elif code == NUMBER_LOSS:
        each = 1.0 if x4 else 1.0 / rows
        sums[i, piece] = number_loss(a, x2, x0, x1, x3, width, f[0], f[1], factors, target, order, first, r0, r1, each)
    elif code == KEEP:
        for r in range(r0, r1):
            for c in range(width):
                kept[first + r, c] = a[x0 + r * width + c]
    elif code == RESCALE:
        rescale(a, f[0], f[1], x0, x1, width, r0, r1, c0, c1)
    elif code >= PENALTY:
        on_parameters(code, op, f, i, piece, step, rate, p, g, s1, s2, sums)


@inlined
def on_sparse_rows(code, op, f, piece, step, rate, order, first, n, r0, r1, a, p, g, s1, s2, sparse, room):
    """Operations that read rows of which only what is not zero is there; a penalty where one is taken, else 0."""
    width, x0, x1, x2, x3 = op[WIDTH], op[ARGS], op[ARGS + 1], op[ARGS + 2], op[ARGS + 3]
    low, high = piece * width, min((piece + 1) * width, op[ARGS + 5])  # inputs, for what changes W
    if code == SCATTER:
        scatter(a, x0, sparse, width, order, first, r0, r1)
    elif code == SPARSE_DENSE:
        sparse_dense(a, p, sparse, x0, x1, x2, width, order, first, r0, r1)
    elif code == SPARSE_DW:
        sparse_dw(a, g, sparse, x0, x1, x2, x3, order, first, n, low, high)
    else:
        return sparse_step(a, p, s1, s2, sparse, room, op[ARGS:], f, step, rate * f[5], order, first, n, low, high)
    return 0.0


@inlined
def on_whole_rows(code, op, f, width, n, r0, r1, c0, c1, a, p, g, statistics):
    """Operations that need whole columns or whole rows."""
    x0, x1, x2, x3, x4, x5, x6 = op[ARGS], op[ARGS + 1], op[ARGS + 2], op[ARGS + 3], op[ARGS + 4], op[ARGS + 5], op[ARGS + 6]
    if code == BATCH_NORM:
        batch_norm(a, p, statistics, x0, x1, x2, x3, x4, x5, x6, f[0], f[1], width, n, c0, c1)
    elif code == BATCH_NORM_BACK:
        batch_norm_back(a, p, g, x0, x1, x2, x3, x4, width, n, c0, c1)
    elif code == BATCH_NORM_ROW:
        batch_norm_row(a, p, statistics, x0, x1, x2, x3, x4, f[0], width, r0, r1, c0, c1)
    elif code == LAYER_NORM:
        layer_norm(a, p, x0, x1, x2, x3, x4, x5, f[0], width, r0, r1)
    elif code == LAYER_NORM_GAIN:
        layer_norm_gain(a, g, x0, x1, x2, x3, width, n, c0, c1)
    elif code == LAYER_NORM_BACK:
        layer_norm_back(a, p, x0, x1, x2, x3, width, r0, r1)
    elif code == SOFTMAX:
        softmax(a, x0, x1, width, r0, r1)
    elif code == SOFTMAX_BACK:
        softmax_back(a, x0, x1, width, r0, r1)
    elif code == MOVE:
        move(a, f[0], x0, x1, x2, x3, x4, x5, x6, width, r0, r1)


@inlined
def on_parameters(code, op, f, i, piece, step, rate, p, g, s1, s2, sums):
    """Operations on the flat vector: a stretch of it, or for PROJECT some columns or rows of one matrix."""
    start, a1, a2, a3 = op[ARGS], op[ARGS + 1], op[ARGS + 2], op[ARGS + 3]
    low, high = piece * op[WIDTH], min((piece + 1) * op[WIDTH], a1)
    if code == SQUARE_SUM:
        sums[i, piece] = square_sum(stretch(g, start + low, high - low))
        return
    if code == SHRINK:
        total = 0.0
        for k in range(a3):
            total += sums[a2, k]
        norm = math.sqrt(total)
        if norm > f[0]:
            shrink(stretch(g, start + low, high - low), f[0] / norm)
        return
    rows, width = a1, a2  # of the matrix; the piece is some of its columns, or some of its rows
    if code == PROJECT and a3:
        project_row(p, start, rows, width, f[0], piece)
        return
    low, high = piece * PANEL, min((piece + 1) * PANEL, op[WIDTH])
    size = (high - low) * (width if a3 else rows)
    start += low * (width if a3 else rows)
    if code == PENALTY:
        sums[i, piece] = penalty(stretch(p, start, size), stretch(g, start, size), f[0], f[1])
    elif code == CLIP:
        clip(stretch(g, start, size), f[0])
    elif code == UPDATE:
        update(p, s1, s2, stretch(g, start, size), op[ARGS + 4], step, rate * f[5], f, start)
    elif code == PROJECT:
        project_columns(p, start, rows, high - low, f[0])


@kept_on_disk
def run_steps(q, threads, counters, ops, reals, order, stretch, rates, results, memory, data, sums, rooms, addresses):
    """Some steps of an epoch as thread `q` of `threads`; thread 0 writes each step's loss to `results`.

    stretch    (first step of the epoch, how many, batch size, rows in a piece, number of the update, of the random draw)
    memory     (arena, parameters, gradients, two optimizer states, running statistics)
    data       (rows as bytes, labels, targets, row weights, factors per class or output, room for predictions, sparse rows)
    rooms      for each thread, where products copy panels
    addresses  (of the product of matrices, of sched_yield)
    """
    product, yield_address = addresses
    begin, steps, batch, chunk, first_step, draws = stretch
    word, room = flush_to_zero(), borrowed(rooms)[q]
    a, p, g, s1, s2, statistics = memory
    memory = (borrowed(a), borrowed(p), borrowed(g), borrowed(s1), borrowed(s2), borrowed(statistics))
    source, labels, target, weights, factors, kept, (indptr, indices, values) = data
    sparse = (borrowed(indptr), borrowed(indices), borrowed(values))
    data = (borrowed(source), borrowed(labels), borrowed(target), borrowed(weights), borrowed(factors), borrowed(kept), sparse)
    ops, reals, sums, counters = borrowed(ops), borrowed(reals), borrowed(sums), borrowed(counters)
    arrivals = 0
    total_rows = order.size
    for s in range(steps):
        first = (begin + s) * batch
        rows = min(batch, total_rows - first)
        part = sums[s & 1]  # two sets: while thread 0 adds up one step, the others may be in the next
        stop = False
        for i in range(ops.shape[0]):
            op, f = ops[i], reals[i]
            if op[MEET] and threads > 1:
                arrivals += threads
                meet(counters, threads, arrivals, yield_address)
            if op[CODE] == CHECK:
                total = 0.0
                for k in range(op[ARGS + 1]):
                    total += part[op[ARGS], k]
                if not abs(total) <= f[0]:  # infinite or NaN, or would be in the network's precision
                    stop = True
                    break
                continue
            for piece in range(q, op[PIECES], threads):
                number = first_step + s if op[CODE] >= PENALTY else draws + s
                run_piece(op, f, i, piece, rows, chunk, first, number, rates[s], memory, data, order, part, product, room)
        if stop:
            if q == 0:
                results[s, 0], results[s, 1] = np.nan, STATUS
            break
        if threads > 1:
            arrivals += threads
            meet(counters, threads, arrivals, yield_address)
        if q == 0:
            loss = 0.0
            for i in range(ops.shape[0]):
                code = ops[i, CODE]
                if code == CLASS_LOSS or code == NUMBER_LOSS or code == PENALTY or code == SPARSE_STEP:
                    for k in range(ops[i, PIECES]):
                        loss += part[i, k]
            results[s, 0] = loss
            results[s, 1] = 1.0
    restore_denormals(word)


REALS = np.zeros(1)  # what kind of numbers the settings of operations are


@partial(kept_on_disk, nogil=False)  # two Python threads that share a prepared call take turns in its arena
def run_row(x, desk):
    """One row forward, in prediction.

    desk : how many operations, how many numbers and settings each has, where the outputs begin in the arena and end, and the
        addresses of the table, its settings, arena, parameters and statistics; one array costs less to hand over than seven
    """
    count, length, settings, begin, end = desk[0], desk[1], desk[2], desk[3], desk[4]
    desk = borrowed(desk)
    table, reals = array_at(desk[5], desk), array_at(desk[6], REALS)
    a, p, statistics = array_at(desk[7], x), array_at(desk[8], x), array_at(desk[9], x)
    for i in range(x.size):
        a[i] = x[i]
    for i in range(count):
        op, f = stretch(table, i * length, length), stretch(reals, i * settings, settings)
        code, width, n = op[CODE], op[WIDTH], op[REPEAT]
        x0, x1, x2, x3, x4, x5 = op[ARGS], op[ARGS + 1], op[ARGS + 2], op[ARGS + 3], op[ARGS + 4], op[ARGS + 5]
        if code == DENSE_ROW:
            dense_row(a, p, x0, x1, x2, x3, x4, width)
        elif code == ACTIVATION:
            activation(a, x2, f[0], x0, x1, width, 0, n, 0, width)
        elif code == RESCALE:
            rescale(a, f[0], f[1], x0, x1, width, 0, n, 0, width)
        elif code == SCALE:
            scale(a, p, x0, x1, x2, width, 0, n, 0, width)
        elif code == BATCH_NORM_ROW:
            batch_norm_row(a, p, statistics, x0, x1, x2, x3, x4, f[0], width, 0, n, 0, width)
        elif code == LAYER_NORM:
            layer_norm(a, p, x0, x1, x2, x3, x4, x5, f[0], width, 0, n)
        elif code == SOFTMAX:
            softmax(a, x0, x1, width, 0, n)
        elif code == MOVE:
            move(a, f[0], x0, x1, x2, x3, x4, x5, op[ARGS + 6], width, 0, n)
    outputs = np.empty(end - begin, x.dtype)
    for i in range(outputs.size):
        outputs[i] = a[begin + i]
    return outputs
