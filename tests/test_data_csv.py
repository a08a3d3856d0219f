"""Tables as people write them, and what is wrong with them, by line and column."""

import codecs
import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchwork.data.csv import read_csv
from scratchwork.errors import ConfigurationError, DataError, FileFormatError, MissingFileError, UnknownNameError


@pytest.fixture
def table(tmp_path):
    def write(text: str | bytes, name: str = "table.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


PLAIN = "height,width,kind\n1.5,2,cat\n3,4.25,dog\n5,6,cat\n"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.rstrip("\n"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace("\n", "\n\n") + "\n\n",
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", " , "),
        codecs.BOM_UTF8 + PLAIN.encode(),
        gzip.compress(PLAIN.encode(), mtime=0),
        '"height","width","kind"\n"1.5","2","cat"\n3,"4.25",dog\n5,6,"cat"\n',
    ],
)
def test_the_same_table_in_every_dress(table, text):
    data = read_csv(table(text))
    assert data.x.tolist() == [[1.5, 2.0], [3.0, 4.25], [5.0, 6.0]]
    assert data.x.dtype == np.float32
    assert data.y.tolist() == [0, 1, 0]
    assert data.labels == ("cat", "dog")
    assert data.feature_names == ("height", "width")
    assert data.target_name == "kind"
    assert data.name == "table"


def test_kaggles_digits(table):
    header = "label," + ",".join(f"pixel{i}" for i in range(784))
    rows = "\n".join(f"{k}," + ",".join(str((k + i) % 256) for i in range(784)) for k in (3, 1, 3))
    data = read_csv(table(f"{header}\n{rows}\n"))
    assert data.x.shape == (3, 784)
    assert data.x[0, :3].tolist() == [3, 4, 5]
    assert data.labels == ("1", "3")
    assert data.y.tolist() == [1, 0, 1]
    assert data.image_shape == (28, 28)
    assert data.target_name == "label"
    rows_alone = read_csv(
        table(f"{header.removeprefix('label,')}\n{rows.replace('3,', '', 1).splitlines()[0]}\n"), target=False
    )
    assert rows_alone.y is None
    assert rows_alone.image_shape == (28, 28)


def test_mnist_without_header_has_its_label_first(table):
    data = read_csv(table("\n".join(f"{k}," + ",".join("0" * 784) for k in (5, 0, 5))))
    assert data.y.tolist() == [1, 0, 1]
    assert data.labels == ("0", "5")
    assert data.image_shape == (28, 28)


def test_without_header_the_last_column_is_the_target(table):
    data = read_csv(table("1,2,0.5\n3,4,0.25\n"))
    assert data.x.tolist() == [[1, 2], [3, 4]]
    assert data.y.tolist() == [0.5, 0.25]
    assert data.labels is None
    assert data.feature_names == ("column 1", "column 2")


def test_class_names_without_header(table):
    data = read_csv(table("5.1,3.5,setosa\n4.9,3.0,other\n"))
    assert data.labels == ("other", "setosa")
    assert len(data) == 2


@pytest.mark.parametrize(
    ("target", "y"),
    [("b", [2, 5]), (1, [2, 5]), (-2, [2, 5]), ("1", [2, 5]), ("B", [2, 5]), (None, [3, 6]), ("y", [3, 6])],
)
def test_the_target_by_name_or_number(table, target, y):
    data = read_csv(table("a,b,y\n1,2,3\n4,5,6\n"), target=target, task="regression")
    assert data.y.tolist() == y


@pytest.mark.parametrize("name", ["label", "target", "class", "y", "Label"])
def test_a_column_that_is_called_like_a_target_is_the_target(table, name):
    assert read_csv(table(f"{name},a,b\n0,1,2\n1,3,4\n")).target_name == name


def test_a_named_target_makes_the_first_row_a_header(table):
    path = table("1980,1990,kind\n5,6,x\n7,8,y\n")
    assert len(read_csv(path)) == 3
    data = read_csv(path, target="kind")
    assert data.feature_names == ("1980", "1990")
    assert data.x.tolist() == [[5, 6], [7, 8]]


def test_features_are_picked_in_their_order(table):
    path = table("a,b,c,kind\n1,2,word,x\n4,5,word,y\n")
    data = read_csv(path, target=False, features=["b", "a"])
    assert data.x.tolist() == [[2, 1], [5, 4]]
    assert data.y is None
    assert read_csv(path, target="kind", features=["b"]).y.tolist() == [0, 1]
    with pytest.raises(UnknownNameError, match="no feature column 'bb'"):
        read_csv(path, features=["bb"])
    with pytest.raises(ConfigurationError, match="twice"):
        read_csv(path, features=["a", "a"])
    with pytest.raises(ConfigurationError, match="or the target"):
        read_csv(path, target="a", features=["a"])


def test_columns_without_names_are_found_again_by_the_names_they_were_given(table):
    path = table("1,2,0.5\n3,4,1.5\n")
    names = read_csv(path).feature_names
    assert read_csv(path, target=False, features=names).x.tolist() == [[1, 2], [3, 4]]
    assert read_csv(path, target="column 1").y.tolist() == [0, 1]


@pytest.mark.parametrize("delimiter", [", ", "; ", "\t", ",  "])
def test_spaces_may_stand_before_quotes(table, delimiter):
    rows = [["a", '"b, c; d"', "y"], ["1", '"2"', '"red, or so"'], [" -3e1", '"4"', '"blue"']]
    data = read_csv(table("\n".join(map(delimiter.join, rows))))
    assert data.feature_names == ("a", "b, c; d")
    assert data.x.tolist() == [[1, 2], [-30, 4]]
    assert data.labels == ("blue", "red, or so")


def test_names_with_delimiters_and_line_ends_inside_quotes(table):
    data = read_csv(table('"a,b","c\nd",y\n1,2,0.5\n3,4,1.5\n'))
    assert data.feature_names == ("a,b", "c\nd")
    with pytest.raises(FileFormatError, match="line 4: 2 cells"):
        read_csv(table('"a,b","c\nd",y\n1,2,0.5\n3,4\n'))


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("a,b\n1,2\n3\n4,5\n", FileFormatError, "line 3: 1 cell where 2 belong"),
        ("a,b\n1,2\n\n3,4,5\n", FileFormatError, "line 4: 3 cells where 2 belong"),
        ("1,2,3\n4,5,6\n7,8\n", FileFormatError, "line 3: 2 cells where 3 belong"),
        ("a,b,y\n1,2,3\n1,x,3\n", DataError, r"line 3, column 2 \('b'\): 'x' is text where a number belongs"),
        ("1,2,3\n4,five,6\n", DataError, "line 2, column 2: 'five' is text"),
        ("a,b,y\n1,2,3\n1,,3\n", DataError, r"line 3, column 2 \('b'\): a value is missing"),
        ("a,b,y\n1,2,3\n1,NA,3\n", DataError, "a value is missing"),
        ("a,b,y\n1,nan,3\n", DataError, r"line 2, column 2 \('b'\): a value is missing"),
        ("a,b,y\n1,inf,3\n", DataError, "'inf' is not a finite number"),
        ("a,b,y\n1,1e999,3\n", DataError, "'1e999' is not a finite number"),
        ("a,b,y\n1,2_000,3\n", DataError, "'2_000' is text where a number belongs"),
        ("a;b;y\n1,5;2;3\n", DataError, "write decimals with a point"),
        ("a,b,y\n1,2,3\n1,2,\n", DataError, r"line 3, column 3 \('y'\): the target is missing"),
        ("a,b,y\n1,2,3\n1,2,4\n1,2,oops\n", DataError, r"line 4, column 3 \('y'\): the target 'oops' is not a number"),
        ("a,b,a\n1,2,3\n", FileFormatError, "line 1: two columns are called 'a'"),
        ("", DataError, "is empty"),
        ("\n\n  \n", DataError, "is empty"),
        ("a,b,c\n", DataError, "a header, and no row after it"),
        ("a\n1\n2\n", DataError, "single column, 'a'"),
        ("1|2|3\n4|5|6\n", DataError, "delimiter"),
        ('a,b\n1,"2\n3,4\n', FileFormatError, "line 2: the quotes do not match"),
        ('a,b\n1,"2"x\n', FileFormatError, "line 2: the quotes do not match"),
        (b"a,b\n1,2\xff\n", FileFormatError, "no UTF-8 text"),
        ("a,b\n1,2\n".encode("utf-16"), FileFormatError, "UTF-16"),
        (b"a,b\n1,2\n\0\0\0", FileFormatError, "zero bytes"),
        (gzip.compress(PLAIN.encode(), mtime=0)[:-10], FileFormatError, "cut off"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(table, text, error, message):
    path = table(text)
    with pytest.raises(error, match=message) as caught:
        read_csv(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_bad_cell_far_down_is_found(table):
    rows = "".join(f"{i},{i}.5,{i % 3}\n" for i in range(3000))
    with pytest.raises(DataError, match="line 2503, column 1"):
        read_csv(table("a,b,label\n" + rows.replace("\n2501,", "\nbad,")))
    with pytest.raises(FileFormatError, match="line 2503: 2 cells"):
        read_csv(table("a,b,label\n" + rows.replace("\n2501,", "\n")))
    assert len(read_csv(table("a,b,label\n" + rows))) == 3000


def test_a_missing_target_column_gets_the_nearest_name(table):
    path = table("label,pixel0,pixel1\n1,2,3\n")
    with pytest.raises(
        UnknownNameError, match="no target column 'lable': did you mean 'label'\\? It has 3 columns: label, pixel0"
    ):
        read_csv(path, target="lable")
    with pytest.raises(UnknownNameError, match="no target column 7"):
        read_csv(path, target=7)


def test_many_columns_are_not_listed_all(table):
    path = table(",".join(f"feature{i}" for i in range(500)) + "\n" + ",".join("1" * 500) + "\n")
    with pytest.raises(UnknownNameError) as caught:
        read_csv(path, target="nothing like it")
    assert len(str(caught.value)) < 400


def test_whole_numbers_are_classes_where_there_are_few(table):
    few = "a,n\n" + "".join(f"0.5,{i % 4}\n" for i in range(40))
    many = "a,n\n" + "".join(f"0.5,{i}\n" for i in range(40))
    assert read_csv(table(few)).labels == ("0", "1", "2", "3")
    assert read_csv(table(few), task="regression").labels is None
    assert read_csv(table(many)).labels is None
    assert len(read_csv(table(many), task="classification").labels) == 40
    assert len(read_csv(table(many.replace("n", "label", 1))).labels) == 40


def test_numbers_mixed_with_text_can_be_asked_for_as_classes(table):
    path = table("a,kind\n1,3\n2,3a\n3,3\n")
    with pytest.raises(DataError, match="task='classification'"):
        read_csv(path)
    assert read_csv(path, task="classification").labels == ("3", "3a")


def test_header_and_delimiter_can_be_given(table):
    assert read_csv(table("1,2\n3,4\n"), header=True).feature_names == ("1",)
    assert len(read_csv(table("1|2\n3|4\n"), delimiter="|")) == 2
    with pytest.raises(ConfigurationError, match="delimiter is one character"):
        read_csv(table(PLAIN), delimiter=",,")


def test_precision_is_kept_where_float32_would_lose_it(table):
    data = read_csv(table("time,y\n1700000001,0.5\n1700000002,0.25\n"))
    assert data.x.dtype == np.float64
    assert data.x[:, 0].tolist() == [1700000001, 1700000002]


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(MissingFileError, match="there is no file"):
        read_csv(tmp_path / "none.csv")


@settings(deadline=None, max_examples=40)
@given(
    values=st.lists(
        st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3), min_size=1, max_size=20
    ),
    delimiter=st.sampled_from(",;\t"),
)
def test_what_is_written_is_read_back(tmp_path_factory, values, delimiter):
    path = tmp_path_factory.getbasetemp() / "round_trip.csv"
    path.write_text("\n".join(delimiter.join(map(repr, row)) for row in values))
    data = read_csv(path, target=False)
    assert np.array_equal(data.x, np.array(values))
