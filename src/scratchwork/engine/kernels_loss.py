"""Losses, row by row: the sum of some rows' losses, and the gradient of the mean in place of the predictions' cotangent."""

# mypy: ignore-errors
import math

import numpy as np

from .compiling import compiled
from .exponential import exp
from .intrinsics import stretch

SOFTMAX_CE, CATEGORICAL, SIGMOID_CE, HINGE, SQUARED_HINGE, BINARY_HINGE = range(6)
SQUARED, ABSOLUTE, HUBER, QUANTILE, POISSON, POISSON_RATE = range(6, 12)


@compiled
def row_weights(a, rw, labels, soft, weights, factors, order, first, rows, mode, normalize):
    """rw[r] = wₙ κₙ / Σ wκ (or wₙ κₙ where the loss is a total): κ from class weights; mode 1 rows, 2 classes, 3 both."""
    total = 0.0
    for r in range(rows):
        n = order[first + r]
        w = weights[n] if mode & 1 else 1.0
        if mode & 2:
            if soft.shape[1]:
                kappa = 0.0
                for c in range(soft.shape[1]):
                    kappa += soft[n, c] * factors[c]
            else:
                kappa = factors[labels[n]]
            w *= kappa
        a[rw + r] = w
        total += w
    if normalize:
        for r in range(rows):
            a[rw + r] = a[rw + r] / total if total > 0 else 0.0


@compiled
def softmax_loss(a, p, dp, rw, width, smoothing, labels, soft, order, first, r0, r1, uniform):
    """−Σ t log softmax(z) from logits z; softmax and the gradient wₙ (Σt softmax − t) are made in dp.

    First z − max z of all rows, then all exponentials in one loop, which is vectorized however short a row is.
    """
    value, spread, by_label = 0.0, smoothing / width, soft.shape[1] == 0
    for r in range(r0, r1):
        z, out = stretch(a, p + r * width, width), stretch(a, dp + r * width, width)
        largest = z[0]
        for c in range(width):
            largest = max(largest, z[c])
        for c in range(width):
            out[c] = z[c] - largest
    shifted = stretch(a, dp + r0 * width, (r1 - r0) * width)
    picked = np.zeros(r1 - r0)
    for r in range(r0, r1):
        n, out = order[first + r], stretch(a, dp + r * width, width)
        if by_label:
            picked[r - r0] = (1.0 - smoothing) * out[labels[n]]
        if not by_label or spread != 0.0:
            for c in range(width):
                t = spread if by_label else (1.0 - smoothing) * soft[n, c] + spread
                if t != 0.0:
                    picked[r - r0] += t * out[c]
    for i in range(shifted.size):
        shifted[i] = exp(shifted[i])
    for r in range(r0, r1):
        n, out = order[first + r], stretch(a, dp + r * width, width)
        w = uniform if rw < 0 else np.float64(a[rw + r])
        total, mass = 0.0, 1.0
        for c in range(width):
            total += out[c]
        if not by_label:
            mass = 0.0
            for c in range(width):
                mass += (1.0 - smoothing) * soft[n, c] + spread
        value += w * (mass * math.log(total) - picked[r - r0])
        factor = w * mass / total
        for c in range(width):
            t = spread if by_label else (1.0 - smoothing) * soft[n, c] + spread
            out[c] = out[c] * factor - w * t
        if by_label:
            out[labels[n]] -= w * (1.0 - smoothing)
    return value


@compiled
def class_loss(a, kind, p, dp, rw, width, smoothing, setting, labels, soft, order, first, r0, r1, uniform):
    """Losses on classes; returns Σ wₙ ℓₙ over these rows and writes dp = wₙ ∂ℓₙ/∂p."""
    if kind == SOFTMAX_CE:
        return softmax_loss(a, p, dp, rw, width, smoothing, labels, soft, order, first, r0, r1, uniform)
    value = 0.0
    spread = smoothing / width
    for r in range(r0, r1):
        n = order[first + r]
        w = uniform if rw < 0 else np.float64(a[rw + r])
        base, out = p + r * width, dp + r * width
        by_label = soft.shape[1] == 0
        label = labels[n] if by_label else 0
        if kind == CATEGORICAL:
            for c in range(width):
                t = (1.0 - smoothing) * ((1.0 if c == label else 0.0) if by_label else soft[n, c]) + spread
                prob = np.float64(a[base + c])
                clipped = max(prob, setting)
                value -= w * t * (math.log(clipped) + (prob - clipped) / clipped)
                a[out + c] = -w * t / clipped
        else:  # hinges: every class must stay `setting` below the true one
            true = a[base + label]
            pull = 0.0
            for c in range(width):
                a[out + c] = 0.0
                if c != label:
                    missing = np.float64(a[base + c]) - true + setting
                    if missing > 0 or missing != missing:
                        if kind == HINGE:
                            value += w * missing
                            slope = 1.0
                        else:
                            value += w * missing * missing
                            slope = 2.0 * missing
                        a[out + c] = w * slope
                        pull += slope
            a[out + label] = -w * pull
    return value


@compiled
def number_loss(a, kind, p, dp, rw, width, share, setting, factors, target, order, first, r0, r1, uniform):
    """Losses on each number by itself; `share` is 1 for sums over a row's outputs and 1/K for means."""
    value = 0.0
    one_for_all = target.shape[1] == 1
    for r in range(r0, r1):
        n = order[first + r]
        w = share * (uniform if rw < 0 else np.float64(a[rw + r]))
        for c in range(width):
            f = np.float64(a[p + r * width + c])
            t = np.float64(target[n, 0 if one_for_all else c])
            e = f - t
            if kind == SQUARED:
                term, slope = e * e, 2.0 * e
            elif kind == ABSOLUTE:
                term, slope = abs(e), (1.0 if e > 0 else -1.0 if e < 0 else 0.0)
            elif kind == HUBER:
                slope = min(max(e, -setting), setting)
                term = slope * (e - 0.5 * slope)
            elif kind == QUANTILE:
                q = factors[c]
                term = max(-q * e, (1.0 - q) * e)
                slope = (1.0 if e > 0 else 0.0) - (q if e != 0 else 0.0)
            elif kind == POISSON:
                rate = exp(f)
                term, slope = rate - t * f, rate - t
            elif kind == SIGMOID_CE:
                small = exp(-abs(f))
                yes = t * factors[c]
                both = 1.0 - t + yes
                term = (1.0 - t) * max(f, 0.0) + yes * max(-f, 0.0) + both * math.log1p(small)
                slope = both * (1.0 / (1.0 + small) if f >= 0 else small / (1.0 + small)) - yes
            else:  # BINARY_HINGE
                missing = max(setting - t * f, 0.0)
                term, slope = missing, (-t if missing > 0 else 0.0)
            value += w * term
            a[dp + r * width + c] = w * slope
    return value
