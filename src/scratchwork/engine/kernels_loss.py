"""Losses, row by row: the sum of some rows' losses, and the gradient of the mean in place of the predictions' cotangent."""

# mypy: ignore-errors
import math

import numpy as np

from .compiling import compiled

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
def class_loss(a, kind, p, dp, rw, width, smoothing, setting, labels, soft, order, first, r0, r1, uniform):
    """Losses on classes; returns Σ wₙ ℓₙ over these rows and writes dp = wₙ ∂ℓₙ/∂p."""
    value = 0.0
    spread = smoothing / width
    for r in range(r0, r1):
        n = order[first + r]
        w = uniform if rw < 0 else np.float64(a[rw + r])
        base, out = p + r * width, dp + r * width
        by_label = soft.shape[1] == 0
        label = labels[n] if by_label else 0
        if kind == SOFTMAX_CE:
            largest = a[base]
            for c in range(width):
                largest = max(largest, a[base + c])
            total = 0.0
            picked = 0.0
            mass = 0.0
            for c in range(width):
                z = a[base + c] - largest
                e = math.exp(z)
                a[out + c] = e
                total += e
                t = (1.0 - smoothing) * ((1.0 if c == label else 0.0) if by_label else soft[n, c]) + spread
                if t != 0.0:
                    picked += t * z
                mass += t
            value += w * (mass * math.log(total) - picked)
            inverse = mass / total
            for c in range(width):
                t = (1.0 - smoothing) * ((1.0 if c == label else 0.0) if by_label else soft[n, c]) + spread
                a[out + c] = w * (a[out + c] * inverse - t)
        elif kind == CATEGORICAL:
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
                rate = math.exp(f)
                term, slope = rate - t * f, rate - t
            elif kind == SIGMOID_CE:
                small = math.exp(-abs(f))
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
