"""A table: named columns of numbers, booleans, categories and dates, whatever library it comes from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..arrays import Array
from ..errors import DataError, MissingDependencyError, UnknownNameError, nearest_name
from .columns import category_of, column_of, short
from .kinds import as_kind, may_be, natural_kind

FRAMES = frozenset({"pandas", "polars", "pyarrow", "modin", "cudf", "dask", "duckdb", "ibis", "narwhals", "pyspark"})
"""The libraries (by the first part of a module's name) whose frames are handed to narwhals."""


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of one length: what a frame of any library becomes here.

    Parameters
    ----------
    names : tuple of str
        Each once.
    columns : tuple of arrays, each of shape (N,)
        float64, float32 or int64 (NaN is missing), bool, object arrays of str (None is missing), or datetime64[us]
        (NaT is missing). `as_table` makes such columns of whatever there is.
    kinds : tuple of "number", "boolean", "category" or "date", optional
        What each column is; by default what its array says. A boolean column with missing values is float64.

    Raises
    ------
    DataError
        Names that are no text or stand twice, columns of different lengths, or arrays of another type.

    Examples
    --------
    >>> people = as_table({"age": [31, 45, None], "city": ["Rome", None, "Oslo"]})
    >>> people
    Table(3 rows: age (number), city (category))
    >>> people.take([0, 2])["city"].tolist()
    ['Rome', 'Oslo']
    """

    names: tuple[str, ...]
    columns: tuple[Array, ...]
    kinds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names, columns = tuple(self.names), tuple(self.columns)
        if not names or len(names) != len(columns):
            raise DataError(f"a table has at least one column, and a name for each; received {len(columns)} columns")
        for name, column in zip(names, columns, strict=True):
            if not isinstance(name, str):
                raise DataError(f"a column is called by text; received the name {name!r}")
            if not isinstance(column, np.ndarray) or column.ndim != 1:
                raise DataError(f"column {short(name)} is no array of shape (N,): as_table makes columns of what there is")
            if len(column) != len(columns[0]):
                raise DataError(
                    f"column {short(names[0])} has {len(columns[0]):,} rows and column {short(name)} has {len(column):,}: "
                    "every column needs as many"
                )
        if len(set(names)) < len(names):
            twice = next(name for i, name in enumerate(names) if name in names[:i])
            raise DataError(f"two columns are called {short(twice)}: give each a name of its own")
        kinds = self.kinds or tuple(natural_kind(*pair) for pair in zip(names, columns, strict=True))
        if len(kinds) != len(names):
            raise DataError(f"a table of {len(names)} columns has as many kinds; received {len(kinds)}")
        for name, column, kind in zip(names, columns, kinds, strict=True):
            if not may_be(column, kind):
                raise DataError(f"column {short(name)} of {column.dtype} is no column of kind {kind!r}")
        for name, value in (("names", names), ("columns", columns), ("kinds", kinds)):
            object.__setattr__(self, name, value)

    @classmethod
    def _made(cls, names: tuple[str, ...], columns: tuple[Array, ...], kinds: tuple[str, ...]) -> Self:
        """A table of parts of a table: what was checked is not checked again."""
        table = object.__new__(cls)
        for name, value in (("names", names), ("columns", columns), ("kinds", kinds)):
            object.__setattr__(table, name, value)
        return table

    def __len__(self) -> int:
        return len(self.columns[0])

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Array:
        return self.columns[self._index(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def kind(self, name: str) -> str:
        """What the column of this name is."""
        return self.kinds[self._index(name)]

    def take(self, rows: Any) -> Self:
        """Some of the rows: by number, by a mask of booleans, or as a slice."""
        rows = rows if isinstance(rows, slice) else np.asarray(rows, np.intp if not np.size(rows) else None)
        return self._made(self.names, tuple(column[rows] for column in self.columns), self.kinds)

    def select(self, names: Sequence[str]) -> Self:
        """Some of the columns, in this order."""
        chosen = [self._index(name) for name in names]
        return type(self)(tuple(names), tuple(self.columns[i] for i in chosen), tuple(self.kinds[i] for i in chosen))

    def without(self, *names: str) -> Self:
        """All columns but these."""
        for name in names:
            self._index(name)
        return self.select([name for name in self.names if name not in names])

    def with_kinds(self, kinds: Mapping[str, str]) -> Self:
        """The same table where some columns are of another kind: numbers that are codes of categories, text that holds dates.

        >>> as_table({"zip": [10115, 80331]}).with_kinds({"zip": "category"})["zip"].tolist()
        ['10115', '80331']
        """
        columns, found = list(self.columns), list(self.kinds)
        for name, kind in kinds.items():
            i = self._index(name)
            columns[i], found[i] = as_kind(columns[i], found[i], kind, name), kind
        return self._made(self.names, tuple(columns), tuple(found))

    def _index(self, name: str) -> int:
        try:
            return self.names.index(name)
        except ValueError:
            raise UnknownNameError(f"the table has no column {name!r}: {nearest_name(str(name), self.names)}") from None

    def __repr__(self) -> str:
        shown = ", ".join(f"{name} ({kind})" for name, kind in zip(self.names[:8], self.kinds[:8], strict=True))
        more = f", … {len(self.names)} columns" if len(self.names) > 8 else ""
        return f"Table({len(self):,} row{'s' * (len(self) != 1)}: {shown}{more})"


# From what others call a table


def is_table(x: Any) -> bool:
    """Whether `x` is a frame, a dict of columns, rows as dicts, a Table, or rows that hold text; cheap, and it never fails.

    Rows of numbers alone are an array, and no table.
    """
    if isinstance(x, Table | Mapping) or _is_frame(x):
        return True
    if isinstance(x, np.ndarray):
        if x.dtype.names is not None:
            return True
        if x.ndim != 2 or x.dtype.kind not in "OUT":
            return False
        return x.dtype.kind != "O" or any(isinstance(value, str) for value in x.flat)
    if isinstance(x, list | tuple) and len(x):
        rows = all(isinstance(row, list | tuple) for row in x)
        return isinstance(x[0], Mapping) or (rows and any(isinstance(value, str) for row in x for value in row))
    return False


def as_table(x: Any, names: Sequence[str] | None = None) -> Table:
    """`x` as a Table: a frame (pandas, polars, pyarrow, …), a dict of columns, a list of dicts, rows, or a Table itself.

    Parameters
    ----------
    x : frame, dict, array or list
        Frames are read through narwhals, which is imported only then. Rows are a structured array, a 2-D array (numbers,
        text, or objects), or lists. What the columns become is told in `column_of`.
    names : sequence of str, optional
        What the columns of plain rows are called; by default x0, x1, … For everything else the names that it has must be
        these, in any order, and the table has them in this order.

    Raises
    ------
    DataError
        A column that is neither numbers, booleans, text nor dates; rows of different lengths; names that stand twice.
    MissingDependencyError
        A frame, and no narwhals.

    Examples
    --------
    >>> as_table([["red", 1.5], ["blue", None]], names=["colour", "size"])
    Table(2 rows: colour (category), size (number))
    >>> as_table([{"colour": "red", "size": 1.5}, {"size": 2}])["colour"].tolist()
    ['red', None]
    """
    if isinstance(x, Table):
        table = x
    elif _is_frame(x):
        table = _of_pairs(_frame_columns(x))
    elif isinstance(x, Mapping):
        table = _of_pairs((str(name), *_any_column(column, str(name))) for name, column in x.items())
    elif isinstance(x, np.ndarray) and x.dtype.names is not None:
        table = _of_pairs((name, *column_of(x[name], name)) for name in x.dtype.names)
    elif isinstance(x, list | tuple) and x and all(isinstance(row, Mapping) for row in x):
        keys = dict.fromkeys(key for row in x for key in row)
        table = _of_pairs((str(key), *column_of([row.get(key) for row in x], str(key))) for key in keys)
    else:
        return _of_rows(x, names)
    return table if names is None else table.select([str(name) for name in names])


def _of_pairs(columns: Any) -> Table:
    found = list(columns)
    if not found:
        raise DataError("a table has at least one column; received none")
    names, arrays, kinds = zip(*found, strict=True)
    return Table(names, arrays, kinds)


def _of_rows(x: Any, names: Sequence[str] | None) -> Table:
    try:
        if not isinstance(x, np.ndarray):
            x = np.asarray(x) if hasattr(x, "__array__") else np.array(x, dtype=object)
    except (TypeError, ValueError):
        x = None
    if x is None or x.ndim != 2:
        ragged = x is None or (x.ndim == 1 and any(isinstance(row, list | tuple | np.ndarray) for row in x))
        shape = "rows of different lengths" if ragged else f"an array of shape {x.shape}"
        raise DataError(f"a table is a frame, a dict of columns, or rows of equal length, (N, D); received {shape}")
    if names is not None and len(names) != x.shape[1]:
        raise DataError(f"the rows have {x.shape[1]} columns, and {len(names)} names were given")
    called = [f"x{i}" for i in range(x.shape[1])] if names is None else [str(name) for name in names]
    return _of_pairs((name, *column_of(x[:, i], name)) for i, name in enumerate(called))


def _is_frame(x: Any) -> bool:
    """Whether `x` is a frame of a library that narwhals may know; nothing is imported to find out."""
    return hasattr(type(x), "columns") and any(kind.__module__.partition(".")[0] in FRAMES for kind in type(x).__mro__)


def _any_column(values: Any, name: str) -> tuple[Array, str]:
    """A column of a dict: an array or a list, or a series of a library that narwhals knows."""
    if isinstance(values, np.ndarray | list | tuple):
        return column_of(values, name)
    if any(kind.__module__.partition(".")[0] in FRAMES for kind in type(values).__mro__):
        series = _narwhals().from_native(values, series_only=True, pass_through=True)
        if hasattr(series, "to_list") and hasattr(series, "dtype"):
            return _series(series, name)
    return column_of(values, name)


def _frame_columns(x: Any) -> Iterator[tuple[str, Array, str]]:
    narwhals = _narwhals()
    if type(x).__name__ == "RecordBatch":  # a part of a pyarrow table, which narwhals leaves to others
        import pyarrow

        x = pyarrow.Table.from_batches([x])
    try:
        frame = narwhals.from_native(x, pass_through=True, eager_only=True)
    except narwhals.exceptions.NarwhalsError as error:
        raise DataError(f"the frame cannot be used: {' '.join(str(error).split())}") from None
    if not isinstance(frame, narwhals.DataFrame):
        raise DataError(f"a frame of type {type(x).__name__} has no rows in memory yet: collect it first")
    for name, series in zip(frame.columns, frame.iter_columns(), strict=True):
        yield (str(name), *_series(series, str(name)))


def _series(series: Any, name: str) -> tuple[Array, str]:
    """A series of narwhals as a column; what NumPy has no type for comes as a list."""
    narwhals = _narwhals()
    dtype = series.dtype
    if isinstance(dtype, narwhals.Categorical | narwhals.Enum | narwhals.String):
        return category_of(series.to_list())
    if isinstance(dtype, narwhals.List | narwhals.Array | narwhals.Struct):
        raise DataError(f"column {short(name)} holds {dtype}: a column is numbers, booleans, text or dates; leave it out")
    plain = dtype.is_numeric() and not isinstance(dtype, narwhals.Decimal)
    if plain or isinstance(dtype, narwhals.Date | narwhals.Datetime | narwhals.Duration):
        return column_of(series.to_numpy(), name)  # datetimes with a zone come in UTC
    return column_of(series.to_list(), name)


def _narwhals() -> Any:
    try:
        import narwhals
    except ImportError:
        raise MissingDependencyError(
            "reading frames of pandas, polars and others needs narwhals: pip install 'scratchwork[sklearn]'"
        ) from None
    return narwhals
