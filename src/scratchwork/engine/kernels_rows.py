"""Operations that look at whole columns or whole rows: batch and layer normalization, softmax."""

# mypy: ignore-errors
import math

import numpy as np

from .compiling import compiled
from .exponential import exp
from .kernels import column_sums, part, scale_gain


@compiled
def batch_norm(a, p, statistics, x, y, xh, inv, gamma, beta, mean, momentum, eps, width, rows, c0, c1):
    """x̂ = (x − μ)/√(σ² + ε), y = γ x̂ + β with the statistics of the batch; running ones follow (mean, then variance)."""
    n = c1 - c0
    total, square = np.zeros(n), np.zeros(n, a.dtype)
    for r in range(rows):
        u = part(a, x, width, r, c0, c1)
        for c in range(n):
            total[c] += u[c]
    mu = (total / rows).astype(a.dtype)
    for r in range(rows):
        u, v = part(a, x, width, r, c0, c1), part(a, xh, width, r, c0, c1)
        for c in range(n):
            v[c] = u[c] - mu[c]
            square[c] += v[c] * v[c]
    inverse = a[inv + c0 : inv + c1]
    means, variances = statistics[mean + c0 : mean + c1], statistics[mean + width + c0 : mean + width + c1]
    for c in range(n):
        variance = square[c] / a.dtype.type(rows)
        means[c] = momentum * means[c] + (1.0 - momentum) * mu[c]
        if rows > 1:
            variances[c] = momentum * variances[c] + (1.0 - momentum) * (variance * (rows / (rows - 1.0)))
        inverse[c] = 1.0 / np.sqrt(variance + eps)
    gains, offsets = p[gamma + c0 : gamma + c1], p[beta + c0 : beta + c1]
    for r in range(rows):
        u, v = part(a, xh, width, r, c0, c1), part(a, y, width, r, c0, c1)
        for c in range(n):
            u[c] *= inverse[c]
            v[c] = u[c] * gains[c] + offsets[c]


@compiled
def batch_norm_row(a, p, statistics, x, y, gamma, beta, mean, eps, width, r0, r1, c0, c1):
    """y = γ (x − running mean)/√(running variance + ε) + β: the batch statistics of prediction."""
    factors = np.empty(c1 - c0, a.dtype)
    for c in range(factors.size):
        factors[c] = p[gamma + c0 + c] / np.sqrt(statistics[mean + width + c0 + c] + eps)
    means, offsets = part(statistics, mean, width, 0, c0, c1), part(p, beta, width, 0, c0, c1)
    for r in range(r0, r1):
        u, v = part(a, x, width, r, c0, c1), part(a, y, width, r, c0, c1)
        for c in range(factors.size):
            v[c] = (u[c] - means[c]) * factors[c] + offsets[c]


@compiled
def batch_norm_back(a, p, g, dy, xh, inv, gamma, beta, width, rows, c0, c1):
    """dβ = Σ dy, dγ = Σ dy x̂, dy ← γ/√(σ² + ε) (dy − dβ/N − x̂ dγ/N)."""
    column_sums(a, g, dy, width, beta, rows, c0, c1)
    scale_gain(a, g, xh, dy, gamma, width, rows, c0, c1)
    count = a.dtype.type(rows)
    d_beta, d_gamma = g[beta + c0 : beta + c1] / count, g[gamma + c0 : gamma + c1] / count
    factor = p[gamma + c0 : gamma + c1] * a[inv + c0 : inv + c1]
    for r in range(rows):
        u, v = part(a, xh, width, r, c0, c1), part(a, dy, width, r, c0, c1)
        for c in range(factor.size):
            v[c] = (v[c] - d_beta[c] - u[c] * d_gamma[c]) * factor[c]


@compiled
def layer_norm(a, p, x, y, xh, inv, gamma, beta, eps, width, r0, r1):
    """x̂ = (x − μ)/√(σ² + ε) along each row, y = γ x̂ + β."""
    for r in range(r0, r1):
        base = r * width
        total = a.dtype.type(0)
        for c in range(width):
            total += a[x + base + c]
        mu = total / width
        square = a.dtype.type(0)
        for c in range(width):
            centred = a[x + base + c] - mu
            a[xh + base + c] = centred
            square += centred * centred
        a[inv + r] = 1.0 / math.sqrt(square / width + eps)
        for c in range(width):
            a[xh + base + c] *= a[inv + r]
            a[y + base + c] = a[xh + base + c] * p[gamma + c] + p[beta + c]


@compiled
def layer_norm_gain(a, g, dy, xh, gamma, beta, width, rows, c0, c1):
    """dβ = Σ dy, dγ = Σ dy x̂."""
    column_sums(a, g, dy, width, beta, rows, c0, c1)
    scale_gain(a, g, xh, dy, gamma, width, rows, c0, c1)


@compiled
def layer_norm_back(a, p, dy, xh, inv, gamma, width, r0, r1):
    """dy ← (g − mean g − x̂ mean(g x̂)) / √(σ² + ε) with g = γ dy."""
    for r in range(r0, r1):
        base = r * width
        total = a.dtype.type(0)
        product = a.dtype.type(0)
        for c in range(width):
            value = a[dy + base + c] * p[gamma + c]
            a[dy + base + c] = value
            total += value
            product += value * a[xh + base + c]
        total, product = total / width, product / width
        for c in range(width):
            a[dy + base + c] = (a[dy + base + c] - total - a[xh + base + c] * product) * a[inv + r]


@compiled
def softmax(a, x, y, width, r0, r1):
    """y = exp(x − max x) / Σ exp(x − max x) along each row."""
    for r in range(r0, r1):
        base = r * width
        largest = a[x + base]
        for c in range(width):
            largest = max(largest, a[x + base + c])
        total = a.dtype.type(0)
        u, v = part(a, x, width, r, 0, width), part(a, y, width, r, 0, width)
        for c in range(width):
            v[c] = exp(u[c] - largest)
        for c in range(width):
            total += v[c]
        for c in range(width):
            v[c] /= total


@compiled
def softmax_back(a, y, dy, width, r0, r1):
    """dy ← y (dy − Σ dy y)."""
    for r in range(r0, r1):
        base = r * width
        inner = a.dtype.type(0)
        for c in range(width):
            inner += a[dy + base + c] * a[y + base + c]
        for c in range(width):
            a[dy + base + c] = a[y + base + c] * (a[dy + base + c] - inner)
