"""Tables from every library: one table, whatever it comes from; and one clear sentence for what is none."""

import datetime as dt
import decimal
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from scratchwork.data import Table, as_table, is_table
from scratchwork.data.kinds import as_kind, missing_in
from scratchwork.errors import DataError, MissingDependencyError, UnknownNameError

DAY = dt.datetime(2024, 5, 31, 12, 30)
COLUMNS = {
    "age": [31.5, None, 45.0],
    "count": [1, 2, 3],
    "member": [True, False, True],
    "maybe": [True, None, False],
    "città": ["Rome", None, "Oslo 漢"],
    "seen": [DAY, None, DAY + dt.timedelta(days=1)],
}
KINDS = ("number", "number", "boolean", "boolean", "category", "date")


def same(a: Table, b: Table) -> None:
    assert a.names == b.names
    assert a.kinds == b.kinds
    for name in a:
        assert a[name].dtype == b[name].dtype
        np.testing.assert_array_equal(a[name], b[name])


def test_every_library_gives_the_same_table():
    table = as_table(COLUMNS)
    assert table.kinds == KINDS
    assert [column.dtype.kind for column in table.columns] == ["f", "i", "b", "f", "O", "M"]
    assert table["città"].tolist() == ["Rome", None, "Oslo 漢"]
    assert table["seen"].tolist() == COLUMNS["seen"]
    frame = pl.DataFrame(COLUMNS)
    nullable = pd.DataFrame(COLUMNS).assign(maybe=pd.array(COLUMNS["maybe"], dtype="boolean"))
    arrow = frame.to_arrow()
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]
    cells = np.array(list(zip(*COLUMNS.values(), strict=True)), dtype=object)
    for source in (frame, nullable, pd.DataFrame(COLUMNS), arrow, arrow.to_batches()[0], rows, table):
        assert is_table(source)
        same(as_table(source), table)
    for source in (cells, cells.tolist()):
        assert is_table(source)
        same(as_table(source, list(COLUMNS)), table)
    series = {name: pd.Series(column, index=[7, 8, 9]) for name, column in COLUMNS.items()}
    same(as_table(series), table)
    same(as_table({name: pl.Series(column) for name, column in COLUMNS.items()}), table)


@pytest.mark.parametrize(
    ("series", "kind", "values"),
    [
        (pd.Series(pd.array([1, None, 3], dtype="Int64")), "number", [1, None, 3]),
        (pd.Series(pd.array([1.5, None, 3], dtype="Float64")), "number", [1.5, None, 3]),
        (pd.Series(pd.array([1.5, None], dtype="float[pyarrow]")), "number", [1.5, None]),
        (pd.Series([2**64 - 1, 1], dtype="uint64"), "number", [2.0**64, 1.0]),
        (pd.Series([True, None, False], dtype="boolean"), "boolean", [1.0, None, 0.0]),
        (pd.Series([True, None, False], dtype=object), "boolean", [1.0, None, 0.0]),
        (pd.Series(["a", None, np.nan, pd.NA, 3, 2.5, True], dtype=object), "category", ["a", *3 * [None], "3", "2.5", "True"]),
        (pd.Series(["a", None], dtype="string"), "category", ["a", None]),
        (pd.Series(["a", None], dtype="str"), "category", ["a", None]),
        (pd.Series(["a", None], dtype="string[pyarrow]"), "category", ["a", None]),
        (pd.Series(["b", None, "a"], dtype="category"), "category", ["b", None, "a"]),
        (pd.Series([3, None, 1]).astype("Int64").astype("category"), "category", ["3", None, "1"]),
        (pd.Series([decimal.Decimal("1.25"), None]), "number", [1.25, None]),
        (pd.Series([dt.date(2024, 1, 2), None]), "date", [dt.datetime(2024, 1, 2), None]),
        (pd.Series(pd.to_datetime(["2024-01-02 12:00", None])), "date", [dt.datetime(2024, 1, 2, 12), None]),
        (
            pd.Series(pd.to_datetime(["2024-01-02 12:00", None])).dt.tz_localize("Europe/Berlin"),
            "date",
            [dt.datetime(2024, 1, 2, 11), None],
        ),
        (pd.Series(pd.to_timedelta(["90min", None])), "number", [5400.0, None]),
        (pd.Series([None, None], dtype=object), "number", [None, None]),
        (pd.Series(pd.arrays.SparseArray([0.0, 1.0])), "number", [0.0, 1.0]),
        (pl.Series([1, None], dtype=pl.UInt8), "number", [1.0, None]),
        (pl.Series([0.5, None], dtype=pl.Float32), "number", [0.5, None]),
        (pl.Series(["a", None], dtype=pl.Enum(["b", "a"])), "category", ["a", None]),
        (pl.Series(["a", None], dtype=pl.Categorical), "category", ["a", None]),
        (pl.Series([decimal.Decimal("1.25"), None]), "number", [1.25, None]),
        (pl.Series([dt.date(2024, 1, 2), None]), "date", [dt.datetime(2024, 1, 2), None]),
        (pl.Series([DAY, None], dtype=pl.Datetime("ns", "Europe/Berlin")), "date", [DAY, None]),
        (pl.Series([dt.timedelta(seconds=1.5), None]), "number", [1.5, None]),
        (pl.Series([dt.time(1, 0, 30), None]), "number", [3630.0, None]),
        (pl.Series([None, None], dtype=pl.Null), "number", [None, None]),
    ],
    ids=lambda value: f"{type(value).__module__[:6]} {value.dtype}" if hasattr(value, "dtype") else "",
)
def test_types_of_pandas_and_polars(series, kind, values):
    frames = [series.to_frame("a")] + ([pl.DataFrame({"a": series}).to_arrow()] if isinstance(series, pl.Series) else [])
    for frame in frames:
        table = as_table(frame)
        assert table.kind("a") == kind
        column = table["a"]
        assert [None if gone else value for gone, value in zip(missing_in(column), column.tolist(), strict=True)] == values


def test_a_categorical_of_pyarrow_keeps_its_missing_values():
    column = pa.array(["a", None, "b", "b"]).dictionary_encode()
    assert as_table(pa.table({"a": column}))["a"].tolist() == ["a", None, "b", "b"]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (np.array(["a", "b"]), "category", ["a", "b"]),
        (np.array([b"a", "ü".encode()]), "category", ["a", "ü"]),
        (np.array(["2024-01-02", "NaT"], "datetime64[D]"), "date", [dt.datetime(2024, 1, 2), None]),
        (np.array([1500, -1], "timedelta64[ms]"), "number", [1.5, -0.001]),
        (np.array([1.5, np.nan], np.float16), "number", [1.5, None]),
        (np.ma.masked_array([1, 2], [False, True]), "number", [1, None]),
        ((1, 2.5, decimal.Decimal(3), np.float32(4)), "number", [1, 2.5, 3, 4]),
        (range(3), "number", [0, 1, 2]),
        ([10**400, -(10**400), None], "number", [np.inf, -np.inf, None]),
        ([2**63, 1], "number", [2.0**63, 1.0]),
        ([True, 2], "number", [1, 2]),
        ([dt.date(2024, 1, 2), np.datetime64("2024-01-03"), DAY, None], "date", None),
        ([DAY.replace(tzinfo=dt.timezone(dt.timedelta(hours=2)))], "date", [DAY - dt.timedelta(hours=2)]),
        ([np.timedelta64(1, "s"), dt.timedelta(minutes=1), None], "number", [1.0, 60.0, None]),
        ([], "number", []),
    ],
    ids=str,
)
def test_columns_of_arrays_and_lists(values, kind, expected):
    table = as_table({"a": values})
    assert table.kind("a") == kind
    if expected is not None:
        found = [None if gone else value for gone, value in zip(missing_in(table["a"]), table["a"].tolist(), strict=True)]
        assert found == expected


def test_numbers_keep_their_precision():
    table = as_table({"a": np.ones(2, np.float32), "b": np.ones(2), "c": np.array([2**62 + 1, 1]), "d": np.ones(2, np.uint8)})
    assert [column.dtype for column in table.columns] == [np.float32, np.float64, np.int64, np.int64]
    assert table["c"][0] == 2**62 + 1


def test_a_structured_array_and_names_that_are_no_text():
    array = np.array([(1, "a"), (2, "b")], dtype=[("n", "i4"), ("t", "U3")])
    assert is_table(array)
    assert as_table(array).kinds == ("number", "category")
    assert as_table(pd.DataFrame([[1, "a"]])).names == ("0", "1")
    assert as_table([["a", 1]]).names == ("x0", "x1")
    assert as_table(np.zeros((2, 2))).kinds == ("number", "number")


@pytest.mark.parametrize("x", [np.zeros((2, 2)), np.zeros((2, 2), object), [[1, 2]], [1, 2], "text", None, 3, pd.Series(["a"]),
    pl.Series(["a"]), np.array(["a"]), [], np.float64(1)], ids=repr)  # fmt: skip
def test_numbers_and_single_columns_are_no_tables(x):
    assert not is_table(x)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ({}, "at least one column"),
        ({"a": 3}, "column 'a' is a number"),
        ({"a": "text"}, "column 'a' is a text"),
        ({"a": None}, "column 'a' is NoneType"),
        ({"a": [1], "b": [1, 2]}, "column 'a' has 1 rows and column 'b' has 2"),
        ({"a": np.zeros((2, 2))}, r"column 'a' has the shape \(2, 2\)"),
        ({"a": [[1], [2]]}, "column 'a' holds a list"),
        ({"a": [1, {"b": 2}]}, "column 'a' holds a dict"),
        ({"a": [1j]}, "column 'a' holds a complex number"),
        ({"a": np.array([1j])}, "column 'a' holds complex128"),
        ({"a": [b"x"]}, "column 'a' holds bytes"),
        ({"a": [object()]}, "column 'a' holds an object"),
        ({"a": [1, dt.date(2024, 1, 1)]}, "column 'a' holds dates beside numbers"),
        ({"a": ["x", DAY]}, "column 'a' holds dates beside texts"),
        ({"a": np.array([10**15], "datetime64[D]")}, "column 'a' holds a date outside the years"),
        ({"a": [np.datetime64(10**15, "D")]}, "column 'a' holds a date"),
        ({1: [1], "1": [2]}, "two columns are called '1'"),
        ([[1, "a"], [2]], "rows of different lengths"),
        (["a", "b"], r"an array of shape \(2,\)"),
        (None, r"an array of shape \(\)"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "'a' 2 times"),
        (pd.DataFrame({"p": pd.period_range("2024", periods=2)}), "column 'p' holds a Period"),
        (pl.DataFrame({"l": [[1]]}), r"column 'l' holds List\(Int64\)"),
        (pl.DataFrame({"s": [{"a": 1}]}), r"column 's' holds Struct"),
        (pl.DataFrame({"b": [b"x"]}), "column 'b' holds bytes"),
        (pl.LazyFrame({"a": [1]}), "LazyFrame has no rows in memory yet: collect it first"),
        (pl.DataFrame(), "at least one column"),
    ],
    ids=lambda value: re.sub(r" at 0x[0-9A-Fa-f]+", "", repr(value)),  # an address is another one in every process
)
def test_what_is_no_table_is_one_sentence(x, message):
    with pytest.raises(DataError, match=message) as caught:
        as_table(x)
    assert "\n" not in str(caught.value)


def test_a_frame_without_narwhals_names_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "narwhals", None)
    with pytest.raises(MissingDependencyError, match=r"narwhals: pip install 'scratchwork\[sklearn\]'"):
        as_table(pd.DataFrame({"a": [1]}))
    assert as_table({"a": [1]})["a"].tolist() == [1]


def test_nothing_is_imported_for_dicts_and_arrays():
    program = (
        "import sys, numpy as np; from scratchwork.data import as_table, is_table; import scratchwork.preprocessing as p;"
        "p.TableEncoder().fit_transform({'a': [1.0, 2.0], 'b': ['x', 'y']}); is_table(np.zeros((2, 2)));"
        "print([name for name in ('narwhals', 'pandas', 'polars', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


# The table itself


def test_rows_and_columns_are_chosen():
    table = as_table(COLUMNS)
    assert len(table) == 3
    assert list(table) == list(COLUMNS)
    assert "age" in table
    assert "Age" not in table
    assert table.take([2, 0])["count"].tolist() == [3, 1]
    assert table.take(slice(1, None))["count"].tolist() == [2, 3]
    assert table.take(np.array([True, False, True]))["count"].tolist() == [1, 3]
    assert len(table.take([])) == 0
    assert table.take([0]).kinds == KINDS
    assert table.select(["seen", "age"]).names == ("seen", "age")
    assert table.without("age", "seen").names == ("count", "member", "maybe", "città")
    assert as_table(table, ["seen", "age"]).kinds == ("date", "number")
    with pytest.raises(UnknownNameError, match="did you mean 'age'"):
        table["aeg"]
    with pytest.raises(UnknownNameError):
        table.without("no")
    assert repr(table).startswith("Table(3 rows: age (number), count (number)")
    assert "10 columns" in repr(as_table(np.zeros((1, 10))))


@pytest.mark.parametrize(
    ("names", "columns", "kinds", "message"),
    [
        ((), (), (), "at least one column"),
        (("a",), (), (), "received 0 columns"),
        ((1,), (np.zeros(1),), (), "called by text"),
        (("a",), ([1.0],), (), "no array"),
        (("a",), (np.zeros((1, 1)),), (), "no array"),
        (("a", "b"), (np.zeros(1), np.zeros(2)), (), "has 1 rows"),
        (("a", "a"), (np.zeros(1), np.zeros(1)), (), "two columns are called 'a'"),
        (("a",), (np.zeros(1, complex),), (), "complex128"),
        (("a",), (np.zeros(1, np.float16),), (), "no column of kind 'number'"),
        (("a",), (np.array([1, "a"], object),), (), "no column of kind 'category'"),
        (("a",), (np.zeros(1, "datetime64[s]"),), (), "no column of kind 'date'"),
        (("a",), (np.zeros(1),), ("number", "number"), "as many kinds"),
        (("a",), (np.full(1, 2.0),), ("boolean",), "no column of kind 'boolean'"),
        (("a",), (np.zeros(1),), ("colour",), "no column of kind 'colour'"),
    ],
)
def test_a_table_checks_its_parts(names, columns, kinds, message):
    with pytest.raises(DataError, match=message):
        Table(names, columns, kinds)


def test_a_column_may_be_taken_for_another_kind():
    table = as_table({"zip": [10115, None, 80331.5], "yes": [1, 0, 1], "member": [True, None, False], "no": [None] * 3})
    changed = table.with_kinds({"zip": "category", "yes": "boolean", "member": "category"})
    assert changed["zip"].tolist() == ["10115", None, "80331.5"]
    assert changed["member"].tolist() == ["true", None, "false"]
    assert changed["yes"].tolist() == [1.0, 0.0, 1.0]
    assert changed.kinds == ("category", "boolean", "category", "number")
    assert as_table({"a": [True, False]}).with_kinds({"a": "number"})["a"].tolist() == [1.0, 0.0]
    for kind in ("category", "date", "boolean", "number"):
        assert missing_in(table.with_kinds({"no": kind})["no"]).all()
    for name, kind, message in (("zip", "boolean", "numbers where booleans"), ("zip", "date", "numbers where dates")):
        with pytest.raises(DataError, match=f"column '{name}' holds {message} belong"):
            table.with_kinds({name: kind})
    written = as_table({"d": ["2024-05-31", None, " 2024/6/1 12:30Z"], "b": ["yes", None, "False"], "n": ["1e3", None, "-2"]})
    read = written.with_kinds({"d": "date", "b": "boolean", "n": "number"})
    assert read["d"].tolist() == [dt.datetime(2024, 5, 31), None, dt.datetime(2024, 6, 1, 12, 30)]
    np.testing.assert_array_equal(read["b"], [1, np.nan, 0])
    np.testing.assert_array_equal(read["n"], [1000, np.nan, -2])
    for name, kind, message in (("d", "number", "numbers"), ("n", "date", "dates"), ("d", "boolean", "booleans")):
        with pytest.raises(DataError, match=f"column '{name}' holds text where {message} belong \\('.*' in row 0\\)"):
            written.with_kinds({name: kind})
    with pytest.raises(UnknownNameError, match="unknown kind of column 'text'"):
        as_kind(table["zip"], "number", "text", "zip")
