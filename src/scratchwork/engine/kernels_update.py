"""Penalties, clipping, optimizers and projections on a region of the flat parameter vector."""

# mypy: ignore-errors
import math

import numpy as np

from .kernels import compiled, part

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


@compiled
def update(p, g, s1, s2, rule, step, rate, decay, beta1, beta2, eps, floor, start, width, r0, r1, c0, c1):
    """One step of an optimizer; see optimizers/descent.py and adaptive.py for the equations."""
    real = p.dtype.type  # float32 arithmetic stays float32
    zero, least, keep = real(0), real(floor), real(1.0 - rate * decay)
    b1, b2, n1, n2 = real(beta1), real(beta2), real(1.0 - beta1), real(1.0 - beta2)
    eta, tiny = real(rate), real(eps)
    if rule == ADAM:
        root = math.sqrt(1.0 - beta2**step)
        eta, tiny = real(rate * root / (1.0 - beta1**step)), real(eps * root)
    flushed = step % 64 == 0
    for r in range(r0, r1):
        w, d = part(p, start, width, r, c0, c1), part(g, start, width, r, c0, c1)
        if rule == DESCENT:
            for i in range(w.size):
                w[i] -= eta * d[i]
            continue
        u = part(s1, start, width, r, c0, c1)
        if rule == ADAM:
            v = part(s2, start, width, r, c0, c1)
            if decay != 0.0:
                for i in range(w.size):
                    w[i] *= keep
            for i in range(w.size):
                first, second = b1 * u[i] + n1 * d[i], b2 * v[i] + n2 * (d[i] * d[i])
                u[i], v[i] = first, second
                w[i] -= eta * (first / (np.sqrt(second) + tiny))
            if flushed:
                for i in range(w.size):
                    u[i] = zero if abs(u[i]) < least else u[i]
                    v[i] = max(v[i], least)
        elif rule == MOMENTUM or rule == NESTEROV:
            ahead = b1 if rule == NESTEROV else zero
            share = real(1) if rule == NESTEROV else zero
            straight = zero if rule == NESTEROV else real(1)
            for i in range(w.size):
                u[i] = b1 * u[i] + d[i]
                w[i] -= eta * (share * d[i] + (ahead + straight) * u[i])
            if flushed:
                for i in range(w.size):
                    u[i] = zero if abs(u[i]) < least else u[i]
        else:
            old, new = (real(1), real(1)) if rule == ADAGRAD else (b2, n2)
            for i in range(w.size):
                u[i] = old * u[i] + new * (d[i] * d[i])
                w[i] -= eta * (d[i] / (np.sqrt(u[i]) + tiny))
            if flushed and rule == RMSPROP:
                for i in range(w.size):
                    u[i] = max(u[i], least)


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
