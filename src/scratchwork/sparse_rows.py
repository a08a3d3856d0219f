"""Rows of which most numbers are 0: only the others are kept, and the products a first layer needs of them."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from .arrays import Array, Shape, converted, numeric_array
from .errors import DataError, ShapeError

MOST_COLUMNS = 2**31 - 1  # what a column number can count


class SciPySparse(Protocol):
    """A sparse matrix or array of SciPy's, in any of its formats."""

    def tocsr(self) -> Any:
        """The same in compressed rows."""


class SparseRows:
    """N rows of D numbers in compressed form, which SciPy calls CSR.

    Row n has the numbers `data[indptr[n]:indptr[n + 1]]` in the columns `indices[indptr[n]:indptr[n + 1]]`, ascending and each
    once; all others are 0. It answers `len`, `shape`, `dtype` and `astype` as an array does, and `rows[chosen]` gives other
    SparseRows.

    Parameters
    ----------
    indptr : int64 (N + 1,)
        Where each row begins.
    indices : int32 (nnz,)
    data : array (nnz,)
    columns : int
        D.

    Examples
    --------
    >>> rows = SparseRows(np.array([0, 1, 3]), np.array([1, 0, 2], np.int32), np.array([5.0, 6.0, 7.0]), columns=3)
    >>> rows.dense()
    array([[0., 5., 0.],
           [6., 0., 7.]])
    >>> rows[np.array([1])].dense()
    array([[6., 0., 7.]])
    """

    ndim = 2

    def __init__(self, indptr: Array, indices: Array, data: Array, columns: int) -> None:
        self.indptr, self.indices, self.data = indptr, indices, data
        self.shape: Shape = (len(indptr) - 1, columns)

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the numbers."""
        return self.data.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | Array) -> SparseRows:
        """Some of the rows, in this order: a stretch of them without a copy, or those of these numbers."""
        if isinstance(rows, slice) and rows.step in (None, 1):
            begin, end, _ = rows.indices(len(self))
            indptr = self.indptr[begin : max(begin, end) + 1]
            place = slice(int(indptr[0]), int(indptr[-1]))
            return SparseRows(indptr - indptr[0], self.indices[place], self.data[place], self.shape[1])
        chosen = np.arange(len(self))[rows]
        begins, counts = self.indptr[chosen], self.indptr[chosen + 1] - self.indptr[chosen]
        indptr = np.zeros(len(chosen) + 1, np.int64)
        np.cumsum(counts, out=indptr[1:])
        taken = np.arange(indptr[-1]) + np.repeat(begins - indptr[:-1], counts)
        return SparseRows(indptr, self.indices[taken], self.data[taken], self.shape[1])

    def astype(self, dtype: DTypeLike, copy: bool = True) -> SparseRows:
        """The same with numbers of another type."""
        return SparseRows(self.indptr, self.indices, self.data.astype(dtype, copy=copy), self.shape[1])

    def dense(self) -> Array:
        """An array with all its zeros, (N, D)."""
        full = np.zeros(self.shape, self.dtype)
        full[np.repeat(np.arange(len(self)), np.diff(self.indptr)), self.indices] = self.data
        return full

    def times(self, weight: Array) -> Array:
        """x W, a sum of as many rows of W as a row of x has numbers; the product is SciPy's."""
        product: Array = self.tocsr() @ weight
        return product

    def turned_times(self, dy: Array) -> Array:
        """xᵀ dy: each number of x adds a multiple of a row of dy to one row."""
        product: Array = self.tocsr().T @ dy
        return product

    def tocsr(self) -> Any:
        """The same memory as an array of SciPy's."""
        from scipy.sparse import csr_array  # whoever gives sparse rows has it

        return csr_array((self.data, self.indices, self.indptr), shape=self.shape)


RowsOf: TypeAlias = Array | SparseRows


def is_sparse(values: Any) -> bool:
    """Whether these are sparse rows: our own, or a matrix of SciPy's in any of its formats."""
    return isinstance(values, SparseRows) or hasattr(values, "tocsr")


def sparse_rows(values: Any, name: str) -> SparseRows:
    """A SciPy sparse matrix or array as checked rows; what `values` holds is not written to.

    Numbers for the same place are added up, as `toarray` does; zeros that were stored stay stored.

    Raises
    ------
    ShapeError
        When it does not have two axes, or too many columns to count.
    DataError
        When its parts do not fit each other, it holds no real numbers, or not only finite ones.
    """
    if isinstance(values, SparseRows):
        return values
    if len(values.shape) != 2:
        raise ShapeError(f"{name} is a sparse array of shape {values.shape}, and rows of features have two axes, (N, D)")
    if values.shape[1] > MOST_COLUMNS:
        raise ShapeError(f"{name} has {values.shape[1]:,} columns, and a sparse matrix may have at most {MOST_COLUMNS:,} here")
    from scipy.sparse import csr_array

    try:
        given = values.tocsr()
        rows = csr_array((given.data, given.indices, given.indptr), shape=values.shape)  # believes no flag of the given one
        rows.check_format(full_check=True)
        if not rows.has_canonical_format:
            rows = rows.copy()
            rows.sum_duplicates()
    except (ValueError, TypeError) as error:
        raise DataError(f"{name} is no valid sparse matrix of numbers: {error}") from error
    data = numeric_array(rows.data, name)
    indptr, indices = rows.indptr.astype(np.int64, copy=False), rows.indices.astype(np.int32, copy=False)
    found = SparseRows(indptr, indices, data, int(values.shape[1]))
    _require_finite(found, name)
    return found


def rows_of(values: Any, name: str) -> RowsOf:
    """`values` as an array of numbers, or as sparse rows where that is what they are; those are checked to be finite here."""
    return sparse_rows(values, name) if is_sparse(values) else numeric_array(values, name)


def in_dtype(x: RowsOf, dtype: DTypeLike, name: str) -> RowsOf:
    """`x` in a float dtype, as `arrays.converted`."""
    if not isinstance(x, SparseRows):
        return converted(x, dtype, name)
    return SparseRows(x.indptr, x.indices, converted(x.data, dtype, name), x.shape[1])


def numbers_of(x: RowsOf) -> Array:
    """All numbers of `x`, but for the zeros that are not stored."""
    return x.data if isinstance(x, SparseRows) else x


def fed(x: RowsOf, takes_sparse: bool) -> Any:
    """`x` as a layer is handed it: with all its zeros where it takes no sparse rows."""
    return x.dense() if isinstance(x, SparseRows) and not takes_sparse else x


def _require_finite(rows: SparseRows, name: str) -> None:
    if rows.data.dtype.kind != "f" or np.isfinite(rows.data).all():
        return
    finite = np.isfinite(rows.data)
    first = int(np.argmin(finite))
    kind = "NaN" if np.isnan(rows.data[first]) else "an infinity"
    row, column = int(np.searchsorted(rows.indptr, first, side="right")) - 1, int(rows.indices[first])
    count = int(finite.size - np.count_nonzero(finite))
    raise DataError(
        f"{name} holds {kind} at row {row}, column {column} ({count} such value{'s' * (count > 1)} in all): "
        "remove or fill them first"
    )
