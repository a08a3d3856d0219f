"""Penalties, clipping, optimizers and projections on a stretch of the flat parameter vector.

A matrix lies there in panels: its first 64 columns as a matrix of their own, then the next 64. What one thread works on so
lies side by side, and not in pieces of 256 bytes between those of another.
"""

# mypy: ignore-errors
import math

import numpy as np

from .compiling import apart, compiled
from .intrinsics import address, call_product, prefetch, stretch
from .product import OFTEN, PANEL, copy_panel

STEP = 48  # rows of W whose gradient is made and used at once

DESCENT, MOMENTUM, NESTEROV, ADAGRAD, RMSPROP, ADAM = range(6)


@compiled
def penalty(w, d, l1, l2):
    """R = λ₁ Σ|w| + ½ λ₂ Σ w²; its gradient is added to d."""
    value, zero = 0.0, w.dtype.type(0)
    one, second = w.dtype.type(l1), w.dtype.type(l2)
    if l1 == 0:  # the usual one, in half the time
        for i in range(w.size):
            d[i] += second * w[i]
            value += np.float64(w[i]) * np.float64(w[i])
        return 0.5 * l2 * value
    for i in range(w.size):
        sign = one if w[i] > 0 else -one if w[i] < 0 else zero
        d[i] += sign + second * w[i]
        value += one * abs(w[i]) + 0.5 * second * w[i] * w[i]
    return value


@compiled
def clip(d, limit):
    """g ← min(max(g, −limit), limit)."""
    high = d.dtype.type(limit)
    for i in range(d.size):
        d[i] = min(max(d[i], -high), high)


@compiled
def square_sum(d):
    """Σ g² in float64."""
    total = 0.0
    for i in range(d.size):
        total += np.float64(d[i]) * np.float64(d[i])
    return total


@compiled
def shrink(d, factor):
    """g ← factor · g."""
    small = d.dtype.type(factor)
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
def update(p, s1, s2, d, rule, step, rate, f, start):
    """One step of an optimizer on the numbers from `start` on, as many as `d` has gradients.

    rate : the learning rate, the parameter's own factor (f[5]) included
    f    : (weight decay, β₁ or momentum, β₂ or ρ, ε, what is nearly denormal, factor); see optimizers/descent.py, adaptive.py
    """
    real, size = p.dtype.type, d.size  # float32 arithmetic stays float32
    least, keep = real(f[4]), real(1.0 - rate * f[0])
    b1, b2, n1, n2 = real(f[1]), real(f[2]), real(1.0 - f[1]), real(1.0 - f[2])
    eta, tiny = real(rate), real(f[3])
    w = stretch(p, start, size)
    if rule == DESCENT:
        descent(w, d, eta)
        return
    u = stretch(s1, start, size)
    flushed = step % 64 == 0
    if rule == ADAM:
        root, v = math.sqrt(1.0 - f[2] ** step), stretch(s2, start, size)
        eta, tiny = real(rate * root / (1.0 - f[1] ** step)), real(f[3] * root)
        adam(w, d, u, v, b1, n1, b2, n2, eta, tiny, keep)
        if flushed:
            flush(v, least, False)
    elif rule == MOMENTUM or rule == NESTEROV:
        ahead = rule == NESTEROV
        momentum(w, d, u, b1, eta, real(1) if ahead else real(0), b1 if ahead else real(1))
    else:
        old, new = (real(1), real(1)) if rule == ADAGRAD else (b2, n2)
        scaled(w, d, u, old, new, eta, tiny)
    if flushed and rule != ADAGRAD:
        flush(u, least, rule != RMSPROP)


@compiled
def dense_step(a, p, s1, s2, product, room, op, f, step, rate, rows, r0, r1, c0, c1):
    """dW = xᵀ dy and W's update, some rows at a time, while the gradient is in the nearest cache; it is written nowhere else.

    A region of W: r0..r1 of its inputs and one panel c0..c1 of its outputs.
    """
    x, n_in, dy, n_out, w, rule = op[0], op[1], op[2], op[3], op[4], op[6]
    width, line, source, ld = c1 - c0, 64 // p.itemsize, address(a, dy + c0), n_out
    if r1 - r0 >= OFTEN:
        copy_panel(stretch(a, dy + c0, rows * n_out), n_out, rows, width, room)
        source, ld = address(room, 0), PANEL
    grad = room.size - STEP * PANEL
    for i in range(r0, r1, STEP):
        count = min(STEP, r1 - i)
        begin, size = w + c0 * n_in + i * width, count * width
        for k in range(begin, begin + size, line):
            prefetch(p, k)
            prefetch(s1, k)
            prefetch(s2, k)
        at, to = address(a, x + i), address(room, grad)
        call_product(product, address(room, 0), at, 1, n_in, source, ld, 0, 0, to, width, count, width, rows)
        update(p, s1, s2, stretch(room, grad, size), rule, step, rate, f, begin)


@compiled
def project_row(p, start, rows, width, limit, row):
    """w ← w min(1, limit/‖w‖) for a row of a matrix that lies in panels."""
    square = 0.0
    for low in range(0, width, PANEL):
        panel = min(PANEL, width - low)
        part = stretch(p, start + low * rows + row * panel, panel)
        for c in range(panel):
            square += 1.0 * part[c] * part[c]
    length = math.sqrt(square)
    if length > limit:
        for low in range(0, width, PANEL):
            panel = min(PANEL, width - low)
            shrink(stretch(p, start + low * rows + row * panel, panel), limit / length)


@compiled
def project_columns(p, start, rows, width, limit):
    """The same for each column of a panel."""
    for c in range(width):
        square = 0.0
        for r in range(rows):
            value = 1.0 * p[start + r * width + c]
            square += value * value
        length = math.sqrt(square)
        if length > limit:
            factor = limit / length
            for r in range(rows):
                p[start + r * width + c] *= factor
