"""Confidence that can be believed: temperature for probabilities, conformal widths for intervals."""

import math

import numpy as np

from ..arrays import Array
from ..averaging import combined

COLDEST, HOTTEST = 1e-3, 1e3


def best_temperature(logits: Array, target: Array, link: str, weight: Array | None = None) -> float:
    """The temperature T at which the mean log-loss of logits z / T is least, a row of no particular class among them.

    ::

        L(T) = (Σₙ wₙ ℓ(yₙ, zₙ / T) + 1/N Σₙ 1/C Σ_c ℓ(c, zₙ / T)) / (Σₙ wₙ + 1)        ℓ(y, z) = −log p(y | z)

    The second sum is one row more, whose class may be any: where every row is right the first alone would fall for ever as
    T does, to certainty. For one network L is convex in 1 / T, so the smallest value on a bracket is the smallest of all:
    golden-section search on log T. With the sigmoid each output has two classes, and their losses are added.

    Parameters
    ----------
    logits : array (N, C) or (N, K), or of several networks that are averaged, (networks, N, C)
    target : class numbers (N,) for "softmax", and for "sigmoid" with K = 1; 0 and 1 (N, K) otherwise
    link : "softmax" or "sigmoid"
    weight : array (N,), optional

    References
    ----------
    Guo, Pleiss, Sun, Weinberger (2017), "On calibration of modern neural networks", ICML, section 4.2.

    >>> sure = np.repeat([[5.0], [-5.0]], [3000, 1000], axis=0)
    >>> answers = np.array([1] * 2000 + [0] * 2000)                      # right for 3,000 of 4,000 rows
    >>> round(best_temperature(sure, answers, "sigmoid"), 2)             # 5 / log 3
    4.55
    """
    members = logits.astype(np.float64).reshape(-1, *logits.shape[-2:])
    weights = np.ones(members.shape[1]) if weight is None else weight

    def log_loss(log_temperature: float) -> float:
        z = combined(members / math.exp(log_temperature), link)
        if link == "softmax":
            top = z.max(axis=1)
            whole = np.log(np.exp(z - top[:, None]).sum(axis=1)) + top
            each, any_class = whole - z[np.arange(len(z)), target.astype(np.intp)], whole - z.mean(axis=1)
        else:
            whole = np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))
            each, any_class = (whole - target.reshape(z.shape) * z).sum(axis=1), (whole - 0.5 * z).sum(axis=1)
        return float((weights @ each + any_class.mean()) / (weights.sum() + 1.0))

    low, high = math.log(COLDEST), math.log(HOTTEST)
    ratio = (math.sqrt(5.0) - 1.0) / 2.0
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = log_loss(left), log_loss(right)
    while high - low > 1e-6:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = log_loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = log_loss(right)
    return math.exp((low + high) / 2.0)


def conformal_margin(low: Array, high: Array, target: Array, coverage: float) -> float:
    """How much an interval must be widened (or may be narrowed) on both sides to hold a share `coverage` of new rows.

    ::

        Eₙ = max(lowₙ − tₙ, tₙ − highₙ)          margin = the ⌈(N + 1) · coverage⌉-th smallest of E₁ … E_N

    For rows that come from where the calibration rows did, [low − margin, high + margin] holds the target with a
    probability of at least `coverage`, whatever the network; infinite where there are too few rows for that.

    References
    ----------
    Romano, Patterson, Candès (2019), "Conformalized quantile regression", NeurIPS, equations 6 to 8.

    >>> round(conformal_margin(np.zeros(9), np.ones(9), np.linspace(0.0, 1.6, 9), coverage=0.8), 3)
    0.4
    """
    errors = np.sort(np.maximum(low - target, target - high))
    rank = math.ceil((len(errors) + 1) * coverage)
    return float(errors[rank - 1]) if rank <= len(errors) else math.inf
