"""In which order an epoch meets the rows, and in which portions."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from ..errors import ConfigurationError


def epoch_order(n: int, seed: int, epoch: int) -> Array:
    """A random order of n rows: a function of `seed` and `epoch` alone.

    Every epoch has an order of its own, and a run that is taken up again at epoch 7 meets the rows as the run that was not
    interrupted; a generator that is carried along from epoch to epoch would have to be stored for that.

    >>> epoch_order(5, seed=0, epoch=0), epoch_order(5, seed=0, epoch=1)
    (array([...]), array([...]))
    """
    if seed < 0 or epoch < 0:
        raise ConfigurationError(f"seed and epoch are at least 0; received {seed} and {epoch}")
    return np.random.default_rng([seed, epoch]).permutation(n)


def batch_slices(n: int, batch_size: int | None) -> list[slice]:
    """n rows in portions of `batch_size`, the last one being what is left; None takes all rows at once.

    >>> batch_slices(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    if batch_size is None:
        return [slice(0, n)]
    if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise ConfigurationError(f"batch_size is a whole number of at least 1, or None for all rows; received {batch_size!r}")
    return [slice(start, min(start + batch_size, n)) for start in range(0, n, int(batch_size))]
