"""Limits for a gradient before the step is taken."""

import math

import numpy as np

from ..arrays import Array


def inplace_clip_by_value(grad: Array, limit: float) -> None:
    """Cut every component of `grad` to [−limit, limit]; its direction may change.

    >>> grad = np.array([0.5, -3.0])
    >>> inplace_clip_by_value(grad, 1.0)
    >>> grad
    array([ 0.5, -1. ])
    """
    np.clip(grad, -float(limit), float(limit), out=grad)


def inplace_clip_by_global_norm(grad: Array, limit: float) -> float:
    """Shorten `grad` to the length `limit` where it is longer, keeping its direction; returns the length it had.

    A gradient with a NaN or an infinity stays as it is, to be found out; the length returned is then not finite either.

    Reference: Pascanu, Mikolov, Bengio (2013), "On the difficulty of training recurrent neural networks", ICML.

    >>> grad = np.array([3.0, -4.0])
    >>> inplace_clip_by_global_norm(grad, 1.0), grad
    (5.0, array([ 0.6, -0.8]))
    """
    norm = _length(grad)
    if limit < norm < math.inf:
        grad *= float(limit) / norm
    return norm


def _length(vector: Array) -> float:
    """‖vector‖₂, also where the squares overflow or vanish; pieces, because BLAS would share a long sum among threads."""
    flat = vector.reshape(-1)
    with np.errstate(over="ignore", invalid="ignore"):
        pieces = (flat[start : start + 16384] for start in range(0, flat.size, 16384))
        squares = sum(float(np.dot(piece, piece)) for piece in pieces)
    if 1e-30 < squares < math.inf:
        return math.sqrt(squares)
    largest = float(np.max(np.abs(flat), initial=0.0))
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    return largest * float(np.linalg.norm(flat.astype(np.float64) / largest))
