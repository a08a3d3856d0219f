"""Tables in files: what each column is taken for, and what is damaged or no table."""

import datetime as dt
import gzip
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchwork.data.table_files as table_files
from scratchwork.data import Table, as_table, read_table
from scratchwork.data.kinds import missing_in
from scratchwork.errors import (
    DataError,
    FileFormatError,
    MissingDependencyError,
    MissingFileError,
    ScratchworkError,
    UnknownNameError,
)
from test_data_table import same

PEOPLE = """name,age,zip,member,vote,seen,when,count
Ann,31,00123,true,yes,2024-05-31,2024/5/1 12:30,1
"Bob, jr",45.5,10115,False,NO,NA,2024-05-31T12:30:59.5+02:00,-2
 ?,,90210,TRUE,Yes,2023-01-01,2020-01-01T00:00Z,+3
"""


@pytest.fixture
def file(tmp_path):
    def written(content: str | bytes, name: str = "table.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


def values(table: Table, name: str) -> list:
    column = table[name]
    return [None if gone else value for gone, value in zip(missing_in(column), column.tolist(), strict=True)]


def test_every_column_gets_its_kind(file):
    table = read_table(file(PEOPLE))
    assert dict(zip(table.names, table.kinds, strict=True)) == {
        "name": "category", "age": "number", "zip": "category", "member": "boolean", "vote": "boolean",
        "seen": "date", "when": "date", "count": "number",
    }  # fmt: skip
    assert values(table, "name") == ["Ann", "Bob, jr", None]
    assert values(table, "age") == [31.0, 45.5, None]
    assert values(table, "zip") == ["00123", "10115", "90210"]
    assert values(table, "member") == [True, False, True]
    assert values(table, "vote") == [True, False, True]
    assert values(table, "seen") == [dt.datetime(2024, 5, 31), None, dt.datetime(2023, 1, 1)]
    assert values(table, "when") == [
        dt.datetime(2024, 5, 1, 12, 30), dt.datetime(2024, 5, 31, 10, 30, 59, 500000), dt.datetime(2020, 1, 1)
    ]  # fmt: skip
    assert table["count"].dtype == np.int64
    assert values(table, "count") == [1, -2, 3]


@pytest.mark.parametrize(
    ("cells", "kind", "expected"),
    [
        (["0", "1"], "number", [0, 1]),
        (["1", "NaN", "N/A", "null", "None", "-", "", "#N/A"], "number", [1.0, *[None] * 7]),
        (["1e308", "-inf", ".5", "1."], "number", [1e308, -np.inf, 0.5, 1.0]),
        (["9" * 15, "1"], "number", [10**15 - 1, 1]),
        (["9" * 16, "1"], "number", [1e16, 1.0]),
        (["0.5", "0"], "number", [0.5, 0.0]),
        (["007", "8"], "category", ["007", "8"]),
        (["00", "0"], "category", ["00", "0"]),
        (["2024_11", "1"], "category", ["2024_11", "1"]),
        (["１２", "3"], "category", ["１２", "3"]),
        (["1,5", "2"], "category", ["1,5", "2"]),
        (["0x10", "2"], "category", ["0x10", "2"]),
        (["1", "two"], "category", ["1", "two"]),
        (["true", "FALSE", ""], "boolean", [1.0, 0.0, None]),
        (["yes", "No"], "boolean", [True, False]),
        (["yes", "true"], "category", ["yes", "true"]),
        (["true", "1"], "category", ["true", "1"]),
        (["yes", "no", "maybe"], "category", ["yes", "no", "maybe"]),
        (["2024-02-29"], "date", [dt.datetime(2024, 2, 29)]),
        (["2023-02-29", "2024-01-01"], "category", ["2023-02-29", "2024-01-01"]),
        (["31/05/2024", "01/02/2024"], "category", ["31/05/2024", "01/02/2024"]),
        (["2024-05-31 23:59", "NA"], "date", [dt.datetime(2024, 5, 31, 23, 59), None]),
        (["2024-05-31T10:00:00.123456789Z"], "date", [dt.datetime(2024, 5, 31, 10, 0, 0, 123456)]),
        (["2024-05-31 10:00 -0530"], "date", [dt.datetime(2024, 5, 31, 15, 30)]),
        (["2024-05/31"], "category", ["2024-05/31"]),
        (["0001-01-01T00:00+10:00"], "category", ["0001-01-01T00:00+10:00"]),
        (["0001-01-01", "9999-12-31"], "date", [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)]),
        (["20240531", "20240601"], "number", [20240531, 20240601]),
        (["NA", "?"], "number", [None, None]),
        (["a b ", "ü漢"], "category", ["a b", "ü漢"]),
        (["two\nlines", "1"], "category", ["two\nlines", "1"]),
    ],
    ids=str,
)
def test_what_a_column_is_taken_for(file, cells, kind, expected):
    table = read_table(file("a,b\n" + "\n".join(f'"{cell}",1' for cell in cells)))
    assert table.kind("a") == kind
    assert values(table, "a") == expected


def test_a_column_that_changes_its_kind_late_is_text_from_the_start(file, monkeypatch):
    monkeypatch.setattr(table_files, "ROWS_AT_A_TIME", 2)
    rows = ["1,,yes,2024-01-01,,1,5", "02,,no,NA,,2,6", "x,1,maybe,2024-01-02,,3,7", "3,2,yes,unknown,,4.5,", "4,3,1,?,,5,9"]
    table = read_table(file("a,b,c,d,e,f,g\n" + "\n".join(rows)))
    assert table.kinds == ("category", "number", "category", "category", "number", "number", "number")
    assert values(table, "a") == ["1", "02", "x", "3", "4"]
    assert values(table, "b") == [None, None, 1.0, 2.0, 3.0]
    assert values(table, "c") == ["yes", "no", "maybe", "yes", "1"]
    assert values(table, "d") == ["2024-01-01", None, "2024-01-02", "unknown", None]
    assert values(table, "e") == [None] * 5
    assert values(table, "f") == [1, 2, 3, 4.5, 5]
    assert values(table, "g") == [5, 6, 7, None, 9]


def test_how_many_rows_are_read_at_once_makes_no_difference(file, monkeypatch):
    path = file(PEOPLE)
    table = read_table(path)
    for rows in (1, 2, 3):
        monkeypatch.setattr(table_files, "ROWS_AT_A_TIME", rows)
        same(read_table(path), table)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n\ufeff", exclude_categories=["Cs"]), max_size=6)
CELLS = st.one_of(
    st.integers().map(str), st.floats().map(str), st.booleans().map(str), st.dates().map(str), st.datetimes().map(str), TEXT,
    st.sampled_from(["", "NA", "yes", "no", "007", "1_0", "inf", "2024-13-01"]),
)  # fmt: skip


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
def test_any_cells_make_a_table_that_says_what_they_said(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("any") / "t.csv"
    quoted = ["{},{}".format(*('"' + cell.replace('"', '""') + '"' for cell in row)) for row in rows]
    path.write_text("first,second\n" + "\n".join(quoted), encoding="utf-8")
    table = read_table(path, header=True, delimiter=",")
    assert len(table) == len(rows)
    for i, name in enumerate(table):
        for row, found in zip(rows, values(table, name), strict=True):
            cell = row[i].strip()
            if found is None:
                assert cell.lower() in ("", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-")
            elif table.kind(name) == "number":
                assert float(cell) == found
            elif table.kind(name) == "boolean":
                assert bool(found) == (cell.lower() in ("yes", "true"))
            elif table.kind(name) == "category":
                assert found == cell


def test_the_kinds_of_another_table_are_kept(file):
    path = file("zip,member,grade,seen,number\n123,yes,1,2024-01-01,007\n4,no,2,,8\n")
    kinds = {"zip": "category", "member": "category", "grade": "boolean", "number": "number", "other": "date"}
    with pytest.raises(DataError, match=r"line 3, column 3 \('grade'\): '2' is not a boolean"):
        read_table(path, kinds=kinds)
    table = read_table(path, kinds=kinds | {"grade": "category"})
    assert values(table, "zip") == ["123", "4"]
    assert values(table, "member") == ["yes", "no"]
    assert values(table, "number") == [7, 8]
    with pytest.raises(DataError, match=r"line 2, column 2 \('member'\): 'yes' is not a number, which the column is to hold"):
        read_table(path, kinds={"member": "number"})
    with pytest.raises(DataError, match="'yes' is not a date such as 2024-05-31"):
        read_table(path, kinds={"member": "date"})
    with pytest.raises(UnknownNameError, match="unknown kind 'text' for column 'zip'"):
        read_table(path, kinds={"zip": "text"})
    assert values(read_table(file("a\n1\n0\nNA\ntrue\n"), kinds={"a": "boolean"}), "a") == [1.0, 0.0, None, 1.0]


def test_headers(file):
    assert read_table(file("name,city\nann,rome\n")).names == ("name", "city")
    assert read_table(file("5.1,setosa\n4,x\n")).names == ("column 1", "column 2")
    assert read_table(file("name,id,2020\nann,1,2\n")).names == ("name", "id", "2020")
    assert read_table(file("name,2020\nann,2\n"), header=True).names == ("name", "2020")
    assert read_table(file("a,b\n1,2\n"), header=False).kinds == ("category", "category")
    assert read_table(file("5.1,setosa\n4,x\n"), ["size", "kind"]).names == ("size", "kind")
    assert read_table(file("size,kind\n4,x\n"), ["kind", "size"]).names == ("kind", "size")
    assert read_table(file("size,kind\n4,x\n"), ["kind"]).names == ("kind",)
    with pytest.raises(DataError, match="has 2 columns and 3 names were given"):
        read_table(file("size,kind\n4,x\n"), ["a", "b", "c"])
    assert read_table(file(",a\n0,1\n")).names == ("column 1", "a")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_any_delimiter_line_end_and_packing(file, delimiter, ends):
    content = "\ufeff" + PEOPLE.replace('"Bob, jr"', "Bob").replace(",", delimiter).replace("\n", ends)
    table = read_table(file(content))
    assert table.kinds[:4] == ("category", "number", "category", "boolean")
    same(read_table(file(gzip.compress(content.encode()), "table.gz")), table)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("", DataError, "is empty: there is no row in it"),
        ("a,b\n", DataError, "is empty: a header, and no row after it"),
        ("a,b\n1,2\n3\n", FileFormatError, "line 3: 1 cell where 2 belong"),
        ("a,a\n1,2\n", FileFormatError, "two columns are called 'a'"),
        ('a,b\n"1,2\n', FileFormatError, "the quotes do not match"),
        (b"a,b\n\xff,1\n", FileFormatError, "no UTF-8 text"),
        ("a,b\nx,1\n".encode("utf-16"), FileFormatError, "UTF-16"),
        (b"a,b\n\0,1\n", FileFormatError, "zero bytes"),
        (gzip.compress(b"a,b\n1,2\n" * 100, mtime=0)[:-9], FileFormatError, "cut off"),
    ],
)
def test_damaged_text_is_one_sentence(file, content, error, message):
    with pytest.raises(error, match=message):
        read_table(file(content))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(MissingFileError):
        read_table(tmp_path / "no.csv")
    with pytest.raises(FileFormatError, match="is a folder"):
        read_table(tmp_path)


# Parquet and Arrow

FRAME = pd.DataFrame(
    {
        "age": [31.5, None, 2.0], "count": [1, 2, 3], "member": [True, False, True], "city": ["Rome", None, "Oslo"],
        "kind": pd.Categorical(["a", "b", None]), "seen": pd.to_datetime(["2024-05-31 12:00", None, "2024-06-01 00:00"]),
    },
    index=[5, 7, 9],
)  # fmt: skip


def arrow_files(folder) -> dict[str, object]:
    """The same frame in every form of file, each called by a name that says nothing."""
    table = pa.Table.from_pandas(FRAME)
    found = {name: folder / name for name in ("parquet", "feather", "stream", "polars")}
    FRAME.to_parquet(found["parquet"])
    FRAME.reset_index(drop=True).to_feather(found["feather"])
    with pa.ipc.new_stream(found["stream"], table.schema) as stream:
        stream.write_table(table)
    pl.from_pandas(FRAME).write_parquet(found["polars"])
    return found


@pytest.mark.parametrize("form", ["parquet", "feather", "stream", "polars"])
def test_arrow_files_hold_the_frame_that_was_written(tmp_path, form):
    path = arrow_files(tmp_path)[form]
    table = read_table(path)
    same(table, as_table(FRAME))
    same(read_table(path, ["city", "age"]), table.select(["city", "age"]))
    assert read_table(path, kinds={"count": "category", "other": "date"})["count"].tolist() == ["1", "2", "3"]


def test_csv_and_parquet_of_one_frame_are_one_table(tmp_path):
    frame = FRAME.reset_index(drop=True)
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    same(read_table(tmp_path / "t.csv"), read_table(tmp_path / "t.parquet"))


@pytest.mark.parametrize("form", ["parquet", "feather", "stream"])
def test_damaged_arrow_files_are_one_sentence(tmp_path, form):
    path = arrow_files(tmp_path)[form]
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    cut = [whole[:n] for n in (4, 6, 8, 20, len(whole) // 2, len(whole) - 1)]
    turned = []
    for _ in range(60):
        damaged = bytearray(whole)
        for place in rng.integers(8, len(whole), 3):
            damaged[place] ^= int(rng.integers(1, 256))
        turned.append(bytes(damaged))
    said = []
    for content in cut + turned:
        path.write_bytes(content)
        try:
            read_table(path)
        except ScratchworkError as error:
            said.append(str(error))
    assert len(said) > len(cut)
    assert all(str(path) in text and "\n" not in text for text in said)


def test_arrow_files_that_cannot_be_tables(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": [[1], [2]]}).to_parquet(path)
    with pytest.raises(DataError, match=r"t\.parquet: column 'a' holds"):
        read_table(path)
    pd.DataFrame({"a": []}).to_parquet(path)
    with pytest.raises(DataError, match="it is empty, with 1 columns and 0 rows"):
        read_table(path)
    pd.DataFrame({"a": np.zeros(10_000)}).to_parquet(path)
    monkeypatch.setattr("scratchwork.data.arrow_files.MAX_BYTES", 10_000)
    with pytest.raises(FileFormatError, match="unfolds to more than 10,000 bytes"):
        read_table(path)


def test_parquet_without_pyarrow_names_what_to_install(tmp_path, monkeypatch):
    path = tmp_path / "t"
    FRAME.to_parquet(path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"needs pyarrow: pip install 'scratchwork\[data\]'"):
        read_table(path)
