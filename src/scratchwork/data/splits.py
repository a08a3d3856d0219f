"""Taking rows apart into training and test parts: which rows, decided by a seed."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from ..errors import ConfigurationError, DataError, ShapeError
from ..sequential import is_seed


def train_test_split(
    x: Array, y: Array, test_fraction: float = 0.2, stratify: bool = True, seed: int = 0
) -> tuple[Array, Array, Array, Array]:
    """(x_train, x_test, y_train, y_test): see `split_indices`.

    >>> x, y = np.arange(10)[:, None], np.array([0, 1] * 5)
    >>> x_train, x_test, y_train, y_test = train_test_split(x, y, test_fraction=0.4)
    >>> len(x_train), sorted(y_test.tolist())
    (6, [0, 0, 1, 1])
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
        raise ShapeError(f"x of shape {x.shape} and y of shape {y.shape} do not have the same number of rows")
    train, test = split_indices(y, test_fraction, stratify, seed)
    return x[train], x[test], y[train], y[test]


def split_indices(y: Array, test_fraction: float = 0.2, stratify: bool = True, seed: int = 0) -> tuple[Array, Array]:
    """(train, test): the row numbers of each part, both ascending.

    The test part has round(N · test_fraction) rows, at least one and not all. With `stratify` each class gives its share of
    it, exactly: N_test · N_c / N rows, rounded so that the sum is right (the largest remainders are rounded up), and every
    class keeps at least one row for training. Targets that are no classes (floats, several columns) are split at random.

    Raises
    ------
    ConfigurationError
        When `test_fraction` is not between 0 and 1.
    DataError
        When there are fewer than two rows, or, with `stratify`, a class has only one.
    """
    y = np.asarray(y)
    _check_fraction(test_fraction)
    n = _at_least_two(y)
    n_test = min(max(round(n * test_fraction), 1), n - 1)
    rng = _generator(seed)
    if not stratify or not _is_classes(y):
        test = np.sort(rng.permutation(n)[:n_test])
    else:
        members = _members(y, least=2, so_that="each part can have one")
        counts = _shares(np.array([len(rows) for rows in members]), n_test)
        test = np.sort(np.concatenate([rng.permutation(rows)[:count] for rows, count in zip(members, counts, strict=True)]))
    mask = np.ones(n, bool)
    mask[test] = False
    return np.flatnonzero(mask), test


def k_fold_indices(y: Array, folds: int = 5, stratify: bool = True, seed: int = 0) -> list[tuple[Array, Array]]:
    """(train, test) row numbers for each of `folds` rounds; every row is in exactly one test part.

    The sizes of the test parts differ by at most one row, and with `stratify` so do the rows of each class in them.

    >>> [test.tolist() for _, test in k_fold_indices(np.array([0, 0, 0, 1, 1, 1]), folds=3)]
    [[...], [...], [...]]
    """
    y = np.asarray(y)
    n = _at_least_two(y)
    if isinstance(folds, bool) or not isinstance(folds, int | np.integer) or not 2 <= folds <= n:
        raise ConfigurationError(f"folds is a whole number from 2 to the number of rows, {n}; received {folds!r}")
    rng = _generator(seed)
    groups = [np.arange(n)]
    if stratify and _is_classes(y):
        groups = _members(y, least=int(folds), so_that=f"each of the {folds} folds can have one")
    # Dealing the shuffled classes one after another like cards keeps both balances: the fold sizes and each class in them.
    dealt = np.concatenate([rng.permutation(rows) for rows in groups])
    fold = np.empty(n, np.int64)
    fold[dealt] = np.arange(n) % folds
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(folds)]


def _generator(seed: int) -> np.random.Generator:
    if not is_seed(seed):
        raise ConfigurationError(f"seed is a whole number of at least 0; received {seed!r}")
    return np.random.default_rng(seed)


def _check_fraction(fraction: float) -> None:
    if isinstance(fraction, bool) or not isinstance(fraction, int | float | np.number) or not 0 < fraction < 1:
        raise ConfigurationError(f"the fraction held out lies between 0 and 1, both excluded; received {fraction!r}")


def _at_least_two(y: Array) -> int:
    if y.ndim == 0 or len(y) < 2:
        rows = 0 if y.ndim == 0 else len(y)
        raise DataError(f"a split needs at least two rows, and there {'is' if rows == 1 else 'are'} {rows}")
    return len(y)


def _is_classes(y: Array) -> bool:
    return y.ndim == 1 and y.dtype.kind in "buiUSO"


def _members(y: Array, least: int, so_that: str) -> list[Array]:
    """The row numbers of each class, ascending; every class must have at least `least`."""
    names, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    if counts.min() < least:
        rare = int(counts.argmin())
        has = "only one row" if counts[rare] == 1 else f"only {counts[rare]} rows"
        raise DataError(
            f"class {names[rare]!s} has {has}, and a stratified split needs at least {least} so that {so_that}: "
            "remove the class, or pass stratify=False"
        )
    return list(np.split(np.argsort(codes, kind="stable"), np.cumsum(counts)[:-1]))


def _shares(counts: Array, total: int) -> Array:
    """How many of `total` test rows each class gives: proportional, whole, and never all of a class."""
    share, remainder = np.divmod(counts * total, counts.sum())
    by_remainder = np.argsort(-remainder, kind="stable")
    while (missing := total - int(share.sum())) > 0:
        free = [c for c in by_remainder if share[c] < counts[c] - 1][:missing]
        if not free:
            raise DataError(
                f"{total} test rows would leave no training row in some of the {len(counts)} classes: "
                "hold out less, or pass stratify=False"
            )
        share[free] += 1
    result: Array = share
    return result
