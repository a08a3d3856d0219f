"""Tables to learn from: which column is the target, what it asks for, and which rows have one."""

import numpy as np
import pytest

from scratchwork import data
from scratchwork.data import Dataset, TableData, column_names, load_data, load_table, raw_columns
from scratchwork.errors import DataError, FileFormatError, UnknownNameError

TEXT = "city,age,when,Kind\nRome,31,2024-01-05,b\nOslo,,2024-02-05,a\n,45,,\nRome,27,2024-03-05,b\n"


@pytest.fixture
def people(tmp_path):
    (tmp_path / "people.csv").write_text(TEXT)
    return tmp_path / "people.csv"


def test_rows_without_a_target_are_left_out_and_counted(people):
    found = load_data(people)
    assert isinstance(found, TableData)
    assert repr(found) == "TableData 'people': 3 rows × 3 columns, 2 classes"
    assert found.x.kinds == ("category", "number", "date")
    assert found.y.tolist() == [1, 0, 1]
    assert found.labels == ("a", "b")
    assert (found.target_name, found.without_target, found.rows.tolist()) == ("Kind", 1, [0, 1, 3])
    assert found.task == "multiclass"
    bare = load_table(people, False)
    assert (len(bare), bare.y, bare.rows, bare.without_target) == (4, None, None, 0)
    assert bare.feature_names == ("city", "age", "when", "Kind")


def test_the_target_by_name_by_number_and_by_habit(people):
    assert load_data(people, target="kind").target_name == "Kind"
    assert load_data(people, target="1").target_name == "age"
    assert load_data(people, target=0).labels == ("Oslo", "Rome")
    people.write_text("a,Class,b\nx,1,2\ny,0,3\nx,1,4\n")
    assert load_data(people).target_name == "Class"


def test_features_and_kinds(people):
    found = load_data(people, target="Kind", features=["age"], kinds={"age": "category"})
    assert found.x.names == ("age",)
    assert found.x["age"].tolist() == ["31", None, "27"]
    with pytest.raises(UnknownNameError, match="did you mean 'age'"):
        load_data(people, features=["agee"])


def test_complete_numbers_are_a_plain_data_set_also_where_a_target_is_missing(people):
    people.write_text("a,b,kind\n1,2,x\n3,4,\n5,6,y\n7,8,x\n")
    found = load_data(people)
    assert isinstance(found, Dataset)
    assert found.x.tolist() == [[1, 2], [5, 6], [7, 8]]
    assert found.x.dtype == np.float32
    assert (found.rows.tolist(), found.without_target, found.labels) == ([0, 2, 3], 1, ("x", "y"))
    assert isinstance(load_data(people, kinds={"a": "category"}), TableData)


@pytest.mark.parametrize(
    ("cells", "task", "labels"),
    [
        (["1", "2", "1", "2"], "auto", ("1", "2")),
        (["1.5", "2", "1", "2"], "auto", None),
        (["1", "2", "1", "2"], "regression", None),
        (["007", "008", "007", "008"], "auto", ("007", "008")),
        (["True", "False", "True", "False"], "auto", ("False", "True")),
        (["YES", "no", "YES", "no"], "auto", ("YES", "no")),
        (["1", "2", "3+", "3+"], "auto", ("1", "2", "3+")),
        (["a, b", "ü", "ü", "ü"], "classification", ("a, b", "ü")),
        (["2024-01-01", "2024-01-02", "2024-01-01", "2024-01-02"], "classification", ("2024-01-01", "2024-01-02")),
    ],
)
def test_what_a_target_asks_for(tmp_path, cells, task, labels):
    rows = "\n".join(f'x{i % 2},"{cell}"' for i, cell in enumerate(cells))
    (tmp_path / "t.csv").write_text(f"a,goal\n{rows}\n", encoding="utf-8")
    found = load_data(tmp_path / "t.csv", target="goal", task=task)
    assert found.labels == labels
    said = [labels[k] for k in found.y] if labels else found.y.tolist()
    assert said == (cells if labels else [float(cell) for cell in cells])


@pytest.mark.parametrize(
    ("cells", "task", "told"),
    [
        (["", "NA"], "auto", "the target 'goal' of .*t.csv is missing in every row"),
        (["2024-01-01", "2024-01-02"], "auto", "holds dates"),
        (["1", "many"], "regression", "'many', which is no number, as others are"),
        (["few", "many"], "regression", "'few', which is no number, and a regression needs numbers"),
        ([*map(str, range(40)), "many"], "auto", "'many', which is no number, as others are"),
        (["1", "inf"], "auto", "holds an infinity"),
    ],
)
def test_targets_that_are_refused(tmp_path, cells, task, told):
    (tmp_path / "t.csv").write_text("a,goal\n" + "\n".join(f"x,{cell}" for cell in cells) + "\n")
    with pytest.raises(DataError, match=told):
        load_data(tmp_path / "t.csv", target="goal", task=task)


def test_names_of_columns(people, tmp_path):
    assert column_names(people) == (("city", "age", "when", "Kind"), True)
    (tmp_path / "years.csv").write_text("2019,2020\n1,2\n")
    assert column_names(tmp_path / "years.csv") == (("column 1", "column 2"), False)
    assert column_names(tmp_path / "years.csv", ["2020"]) == (("2019", "2020"), True)
    assert load_table(tmp_path / "years.csv", False, names=["a", "b"]).x["b"].tolist() == [2020, 2]


def test_cells_as_they_stand(people):
    assert raw_columns(people, ["AGE", "city"]) == {"age": ["31", "", "45", "27"], "city": ["Rome", "Oslo", "", "Rome"]}
    people.write_text("a,b\n 007,NA\n1\n")
    with pytest.raises(FileFormatError, match="line 3"):
        raw_columns(people, ["a"])


def test_load_says_what_takes_other_tables(people):
    people.write_text("a,b\nx,1\ny,2\n")
    with pytest.raises(DataError, match=r"text where a number belongs; .* load_data"):
        data.load(people)
    with pytest.raises(DataError, match="not rows and their targets"):
        TableData(data.as_table({"a": [1, 2]}), np.zeros(3))


def test_columns_that_only_number_the_rows_are_no_features(tmp_path):
    lines = [f"{i},{i + 1},{i % 3},{'xy'[i % 2]},{i % 5}" for i in range(12)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join([",id,a,b,y", *lines]))
    found = load_data(path)
    assert found.x.names == ("a", "b")
    assert found.counting == ("column 1", "id")
    assert load_data(path, features=["id", "b"]).x.names == ("id", "b")
    path.write_text("\n".join([",id,a,b,y", *lines[:10]]))
    assert load_data(path).counting == ()  # so few may do so by chance
    path.write_text("\n".join([",id,a,b,y", *lines[:6], *lines[7:]]))
    assert load_data(path).counting == ()


def test_numbers_with_a_comma_are_an_error_and_not_a_category(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;b;y\nx;1,5;u\ny;2;v\n")
    with pytest.raises(DataError, match=r"column 'b' writes numbers with a comma \('1,5'\): write decimals with a point"):
        load_data(path)
    assert load_data(path, kinds={"b": "category"}).x["b"].tolist() == ["1,5", "2"]
    path.write_text("a;b;y\nx;1,5;u\ny;Paris, TX;v\n")
    assert load_data(path).x["b"].tolist() == ["1,5", "Paris, TX"]
