"""Penalties, clipping, optimizers and projections on a region of the flat parameter vector."""

# mypy: ignore-errors
import math

import numpy as np

from .compiling import apart, compiled
from .intrinsics import address, call_product, prefetch, stretch
from .kernels import part
from .product import OFTEN, PANEL, copy_panel

STEP = 48  # rows of W whose gradient is made and used at once

DESCENT, MOMENTUM, NESTEROV, ADAGRAD, RMSPROP, ADAM = range(6)


@compiled
def penalty(p, g, start, width, l1, l2, r0, r1, c0, c1):
    """R = λ₁ Σ|w| + ½ λ₂ Σ w²; its gradient is added to g."""
    value, zero = 0.0, p.dtype.type(0)
    one, second = p.dtype.type(l1), p.dtype.type(l2)
    for r in range(r0, r1):
        w, d = part(p, start, width, r, c0, c1), part(g, start, width, r, c0, c1)
        for i in range(w.size):
            sign = one if w[i] > 0 else -one if w[i] < 0 else zero
            d[i] += sign + second * w[i]
            value += one * abs(w[i]) + 0.5 * second * w[i] * w[i]
    return value


@compiled
def clip(g, start, width, limit, r0, r1, c0, c1):
    """g ← min(max(g, −limit), limit)."""
    high = g.dtype.type(limit)
    for r in range(r0, r1):
        d = part(g, start, width, r, c0, c1)
        for i in range(d.size):
            d[i] = min(max(d[i], -high), high)


@compiled
def square_sum(g, start, width, r0, r1, c0, c1):
    """Σ g² in float64."""
    total = 0.0
    for r in range(r0, r1):
        d = part(g, start, width, r, c0, c1)
        for i in range(d.size):
            total += np.float64(d[i]) * np.float64(d[i])
    return total


@compiled
def shrink(g, start, width, factor, r0, r1, c0, c1):
    """g ← factor · g."""
    small = g.dtype.type(factor)
    for r in range(r0, r1):
        d = part(g, start, width, r, c0, c1)
        for i in range(d.size):
            d[i] *= small


@apart
def adam(w, d, u, v, b1, n1, b2, n2, eta, tiny, keep):
    """m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², w ← w − η m/(√v + ε): a row, the corrections inside η and ε."""
    for i in range(w.size):
        first, second = b1 * u[i] + n1 * d[i], b2 * v[i] + n2 * (d[i] * d[i])
        u[i], v[i] = first, second
        w[i] = w[i] * keep - eta * (first / (np.sqrt(second) + tiny))


@apart
def momentum(w, d, u, beta, eta, share, weight):
    """u ← β u + g, w ← w − η (share · g + weight · u): a row; share 0 for plain momentum, 1 for Nesterov's."""
    for i in range(w.size):
        u[i] = beta * u[i] + d[i]
        w[i] -= eta * (share * d[i] + weight * u[i])


@apart
def scaled(w, d, u, old, new, eta, tiny):
    """u ← old · u + new · g², w ← w − η g/(√u + ε): a row of AdaGrad's or RMSProp's."""
    for i in range(w.size):
        u[i] = old * u[i] + new * (d[i] * d[i])
        w[i] -= eta * (d[i] / (np.sqrt(u[i]) + tiny))


@apart
def descent(w, d, eta):
    """w ← w − η g."""
    for i in range(w.size):
        w[i] -= eta * d[i]


@compiled
def flush(u, least, signed):
    """What is nearly denormal becomes 0, or `least` where there is no sign: see optimizers/optimizer.py."""
    zero = least * 0
    for i in range(u.size):
        value = u[i]
        if signed:
            u[i] = zero if abs(value) < least else value
        else:
            u[i] = max(value, least)


@compiled
def update(p, g, s1, s2, rule, step, rate, decay, beta1, beta2, eps, floor, start, g0, width, g_width, r0, r1, c0, c1):
    """One step of an optimizer on a region of a matrix; see optimizers/descent.py and adaptive.py for the equations.

    The matrix of parameters and states begins at `start`, that of gradients at g[g0].
    """
    real = p.dtype.type  # float32 arithmetic stays float32
    least, keep = real(floor), real(1.0 - rate * decay)
    b1, b2, n1, n2 = real(beta1), real(beta2), real(1.0 - beta1), real(1.0 - beta2)
    eta, tiny = real(rate), real(eps)
    if rule == ADAM:
        root = math.sqrt(1.0 - beta2**step)
        eta, tiny = real(rate * root / (1.0 - beta1**step)), real(eps * root)
    elif rule == ADAGRAD:
        b2, n2 = real(1), real(1)
    flushed = step % 64 == 0
    for r in range(r0, r1):
        w, d = part(p, start, width, r, c0, c1), part(g, g0, g_width, r, c0, c1)
        if rule == DESCENT:
            descent(w, d, eta)
            continue
        u = part(s1, start, width, r, c0, c1)
        if rule == ADAM:
            v = part(s2, start, width, r, c0, c1)
            adam(w, d, u, v, b1, n1, b2, n2, eta, tiny, keep)
            if flushed:
                flush(u, least, True)
                flush(v, least, False)
        elif rule == MOMENTUM:
            momentum(w, d, u, b1, eta, real(0), real(1))
            if flushed:
                flush(u, least, True)
        elif rule == NESTEROV:
            momentum(w, d, u, b1, eta, real(1), b1)
            if flushed:
                flush(u, least, True)
        else:
            scaled(w, d, u, b2, n2, eta, tiny)
            if flushed and rule == RMSPROP:
                flush(u, least, False)


@compiled
def dense_step(a, p, s1, s2, product, room, op, f, step, rate, rows, r0, r1, c0, c1):
    """dW = xᵀ dy and W's update, some rows at a time, while the gradient is in the nearest cache; it is written nowhere else.

    A region of W: r0..r1 of its inputs and c0..c1, no more than a panel, of its outputs.
    """
    x, n_in, dy, n_out, w, rule = op[0], op[1], op[2], op[3], op[4], op[6]
    width, line, source, ld = c1 - c0, 64 // p.itemsize, address(a, dy + c0), n_out
    if r1 - r0 >= OFTEN:
        copy_panel(stretch(a, dy + c0, rows * n_out), n_out, False, rows, width, room)
        source, ld = address(room, 0), PANEL
    grad = stretch(room, room.size - STEP * PANEL, STEP * PANEL)
    for i in range(r0, r1, STEP):
        count = min(STEP, r1 - i)
        for r in range(i, i + count):
            for c in range(w + r * n_out + c0, w + r * n_out + c1, line):
                prefetch(p, c)
                prefetch(s1, c)
                prefetch(s2, c)
        at, to = address(a, x + i), address(grad, 0)
        call_product(product, address(room, 0), at, 1, n_in, source, ld, 0, 0, to, width, count, width, rows)
        begin, r_end, c_end, along = w + i * n_out + c0, count, width, n_out
        if width == n_out:  # whole rows lie side by side: one long row
            r_end, c_end, along = 1, count * width, count * width
        update(p, grad, s1, s2, rule, step, rate, f[0], f[1], f[2], f[3], f[4], begin, 0, along, width, 0, r_end, 0, c_end)


@compiled
def project(p, start, width, limit, along, r0, r1, c0, c1):
    """w ← w min(1, limit/‖w‖): columns of the region for along = 0, rows for along = 1."""
    outer0, outer1 = (c0, c1) if along == 0 else (r0, r1)
    inner0, inner1 = (r0, r1) if along == 0 else (c0, c1)
    for o in range(outer0, outer1):
        square = 0.0
        for i in range(inner0, inner1):
            value = 1.0 * (p[start + i * width + o] if along == 0 else p[start + o * width + i])
            square += value * value
        length = math.sqrt(square)
        if length > limit:
            factor = limit / length
            for i in range(inner0, inner1):
                if along == 0:
                    p[start + i * width + o] *= factor
                else:
                    p[start + o * width + i] *= factor
