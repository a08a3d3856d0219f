"""What people hand to `fit` and `predict`: arrays, sparse matrices and frames, checked as scikit-learn does."""

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import (
    _check_y,
    _get_feature_names,
    check_array,
    check_consistent_length,
    column_or_1d,
    validate_data,
)

from ..arrays import Array
from ..data.table import Table, as_table, is_table
from ..errors import ConfigurationError, DataError
from ..preprocessing import Chain, TableEncoder
from ..sparse_rows import SparseRows, is_sparse, sparse_rows

Rows: TypeAlias = Array | SparseRows | Table

KINDS = [np.float64, np.float32]


def needs_encoding(X: Any, preprocess: Any) -> bool:
    """Whether `X` is a frame of which something has to be made: text, categories, dates, or missing values.

    A frame of complete numbers is the same as its array, as everywhere in scikit-learn.
    """
    if preprocess is not None and not isinstance(preprocess, str):
        first = preprocess.steps[:1] if isinstance(preprocess, Chain) else preprocess
        first = first[:1] if isinstance(first, Sequence) else [first]
        if first and isinstance(first[0], TableEncoder):
            return True
    if preprocess == "table":
        return True
    if not _has_names(X):
        return not is_sparse(X) and is_table(X)
    table = as_table(X)
    return any(kind in ("category", "date") for kind in table.kinds) or any(
        column.dtype.kind == "f" and bool(np.isnan(column).any()) for column in table.columns
    )


def read_pair(estimator: Any, X: Any, y: Any, *, table: bool, reset: bool, numeric: bool) -> tuple[Rows, Array]:
    """(rows, y), checked against each other; with `reset` the estimator learns the number and the names of the features."""
    if not table:
        names = None
        if _has_columns_of_ours(X):
            X, names = _matrix(estimator, X, reset=reset)
        rows, target = validate_data(
            estimator, X, y, accept_sparse="csr", dtype=KINDS, multi_output=True, y_numeric=numeric, reset=reset or bool(names)
        )
        if names:
            estimator.feature_names_in_ = np.array(names, dtype=object)
        return _kept_sparse(rows), one_column(target)
    if y is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None")
    rows = read_table(estimator, X, reset=reset)
    target = _check_y(y, multi_output=True, y_numeric=numeric, estimator=estimator)
    check_consistent_length(rows, target)
    return rows, one_column(target)


def read_rows(estimator: Any, X: Any, *, table: bool) -> Rows:
    """Rows for a fitted estimator."""
    if table:
        return read_table(estimator, X, reset=False)
    if _has_columns_of_ours(X):
        return np.asarray(check_array(_matrix(estimator, X, reset=False)[0], estimator=estimator))
    return _kept_sparse(validate_data(estimator, X, accept_sparse="csr", dtype=KINDS, reset=False))


def _has_names(X: Any) -> bool:
    """Whether this is a table whose columns have names: not rows of text without any."""
    if is_sparse(X) or not is_table(X):  # SciPy's dok is a dict, too
        return False
    if isinstance(X, np.ndarray):
        return X.dtype.names is not None
    return not isinstance(X, list | tuple) or isinstance(X[0], Mapping)


def _has_columns_of_ours(X: Any) -> bool:
    """Whether this has named columns, and is no frame that scikit-learn reads: a dict, a Table, a structured array."""
    return _has_names(X) and not hasattr(X, "iloc") and _get_feature_names(X) is None


def _matrix(estimator: Any, X: Any, *, reset: bool) -> tuple[Array, list[str]]:
    """Columns of numbers side by side, those that the estimator knows in its order, and their names."""
    table = as_table(X)
    names = list(table.names if reset else getattr(estimator, "feature_names_in_", table.names))
    return np.stack([np.asarray(table[name], np.float64) for name in names], axis=1), names


def _kept_sparse(rows: Any) -> Array | SparseRows:
    return sparse_rows(rows, "X") if is_sparse(rows) else rows


def read_table(estimator: Any, X: Any, *, reset: bool) -> Table:
    """A frame as a Table; rows without names get those of the features that are known, or x0, x1 and so on."""
    named = _has_names(X)
    names = None
    if not named:
        X = check_array(X, dtype=None, ensure_all_finite=False, estimator=estimator)
        known = getattr(estimator, "n_features_in_", None)
        if not reset and known is not None and X.shape[1] != known:
            raise DataError(
                f"X has {X.shape[1]} features, but {type(estimator).__name__} is expecting {known} features as input"
            )
        taken = None if reset else getattr(estimator, "preprocessing_", None)
        names = list(taken.steps[0].feature_names_in_) if taken is not None else [f"x{i}" for i in range(X.shape[1])]
    table = as_table(X, names) if names is not None else as_table(X)
    if not len(table):
        raise DataError("Found array with 0 sample(s): a minimum of 1 is required")
    if reset:
        estimator.n_features_in_ = len(table.names)
        if named:
            estimator.feature_names_in_ = np.array(table.names, dtype=object)
        else:
            vars(estimator).pop("feature_names_in_", None)
    return table


def one_column(y: Array) -> Array:
    """(N, 1) as (N,), with scikit-learn's warning."""
    return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


def chosen(rows: Rows, which: Array) -> Rows:
    """Some of the rows."""
    return rows.take(which) if isinstance(rows, Table) else rows[which]


def present(rows: Rows, target: Array, weight: Array | None) -> tuple[Rows, Array, Array | None]:
    """The rows that count: a weight of 0 is a row that is not there."""
    if weight is None or weight.all():
        return rows, target, weight
    if not weight.any():
        raise DataError("sample_weight and class_weight: every weight is zero, so that no row is left")
    kept = np.flatnonzero(weight)
    return chosen(rows, kept), target[kept], weight[kept]


def number_type(rows: Rows, wanted: Any) -> np.dtype[Any]:
    """What to compute in: what is asked for; else what numbers come in, and float32 for encoded tables."""
    if isinstance(wanted, str) and wanted == "auto":
        return np.dtype(np.float32) if isinstance(rows, Table) else np.dtype(rows.dtype)
    found: np.dtype[Any] = np.dtype(wanted)
    return found


def class_weights(class_weight: Any, classes: Array, encoded: Array, weight: Array | None = None) -> Array | None:
    """What each row counts by its class.

    "balanced" is N / (C · N_c), where N and N_c are sums of row weights; a dict names classes by their labels, and those that
    it leaves out count 1.
    """
    if class_weight is None:
        return None
    factors = np.ones(len(classes))
    if isinstance(class_weight, str) and class_weight == "balanced":
        counts = np.bincount(encoded, weight, len(classes))
        present = counts > 0
        factors[present] = counts.sum() / (present.sum() * counts[present])
    elif isinstance(class_weight, Mapping):
        places = {label: place for place, label in enumerate(classes.tolist())}
        for label, factor in class_weight.items():
            if label not in places:
                raise DataError(f"class_weight names the class {label!r}, which y does not hold")
            if not isinstance(factor, Real) or not 0 <= float(factor) < np.inf:
                raise ConfigurationError(f"class_weight needs finite numbers of at least 0; received {class_weight!r}")
            factors[places[label]] = factor
    else:
        raise ConfigurationError(f"class_weight is a dict, 'balanced' or None; received {class_weight!r}")
    return factors[encoded]


def weights_of(sample_weight: ArrayLike | None, rows: int) -> Array | None:
    """Row weights as float64, one per row; the core checks their range."""
    if sample_weight is None:
        return None
    weights = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weights.shape != (rows,):
        raise DataError(f"sample_weight needs one number per row, shape ({rows},); received {weights.shape}")
    if not weights.any():
        raise DataError("sample_weight: every weight is zero, so that no row is left")
    return np.asarray(weights)
