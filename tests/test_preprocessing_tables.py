"""Tables as rows of numbers: every kind of column, what is missing, what changed since, what is stored."""

import datetime as dt
import json
import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import scratchwork as sw
from scratchwork.data import Table, as_table
from scratchwork.data.kinds import missing_in
from scratchwork.errors import ConfigurationError, DataError, FileFormatError, NotBuiltError, ShapeError, UnknownNameError
from scratchwork.preprocessing import Chain, RobustScale, SmoothClip, Standardize, TableEncoder
from scratchwork.preprocessing import tables as tables_module
from scratchwork.preprocessing.encodings import center_and_scale

DAY = dt.datetime(2024, 2, 28, 6)
PEOPLE = {
    "age": [20.0, 40.0, None, 60.0, 30.0],
    "city": ["Rome", "Oslo", None, "Rome", "Wien"],
    "member": [True, False, None, True, True],
    "plan": ["basic", "gold", "gold", None, "basic"],
    "seen": [DAY, DAY + dt.timedelta(days=40), None, DAY + dt.timedelta(hours=3), DAY],
    "same": [1, 1, 1, 1, 1],
}


def encoded(column, kind_of_numbers="standardize", **settings):
    return (
        TableEncoder(kind_of_numbers, **settings)
        .fit({"a": column, "b": range(len(column))})
        .transform({"a": column, "b": [0] * len(column)})[:, :-1]
    )


# Each kind


def test_numbers_are_standardized_over_the_known_values():
    y = encoded([1.0, None, 3.0, 8.0])
    mean, deviation = 4.0, math.sqrt(((1 - 4) ** 2 + (3 - 4) ** 2 + (8 - 4) ** 2) / 3)
    np.testing.assert_allclose(y[:, 0], [(v - mean) / deviation for v in (1, 3, 3, 8)], rtol=1e-14)  # missing: the median 3
    assert y[:, 1].tolist() == [0, 1, 0, 0]


def test_robust_numbers_are_those_of_the_robust_transformers():
    x = np.random.default_rng(0).standard_cauchy(101)
    expected = SmoothClip(3.0).transform(RobustScale().fit_transform(x[:, None]))
    np.testing.assert_allclose(encoded(x, "robust"), expected, rtol=1e-14)
    rare = np.array([0.0] * 9 + [5.0])  # both quartiles are 0: half of the range takes their place
    np.testing.assert_allclose(encoded(rare, "robust")[-1, 0], 2 / math.sqrt(1 + (2 / 3) ** 2))


def test_numbers_stay_where_nothing_is_asked_for():
    assert encoded([5.0, None, 7.0, 9.0], "none").tolist() == [[5, 0], [7, 1], [7, 0], [9, 0]]


@pytest.mark.parametrize("how", ["standardize", "robust"])
@pytest.mark.parametrize("unit", [8e307, 1e200, 1e-200, 1e-300, 1.0])
def test_numbers_of_any_size_are_scaled(how, unit):
    x = np.array([-1.0, 0.0, 1.0, 1.0]) * unit
    y = encoded(x, how)
    assert np.isfinite(y).all()
    np.testing.assert_allclose(y, encoded(np.sign(x), how), rtol=1e-12)


def test_numbers_as_far_apart_as_there_are():
    x = np.array([-1.7e308, 0.0, 1.7e308, 1.7e308])
    np.testing.assert_allclose(encoded(x), encoded(np.sign(x)), rtol=1e-12)
    with pytest.raises(DataError, match="column 'a' spans more than float64 holds"):
        encoded(x, "robust")


def test_large_whole_numbers_and_dates_keep_their_differences():
    y = encoded(np.array([2**60, 2**60 + 4096, 2**60 + 8192]))
    np.testing.assert_allclose(y[:, 0], [-math.sqrt(1.5), 0, math.sqrt(1.5)], rtol=1e-6)


def test_an_infinity_and_numbers_too_far_away_name_their_column():
    for column in ([1.0, math.inf, 2.0], [1.0, -math.inf]):
        with pytest.raises(DataError, match="column 'a' holds an infinity"):
            TableEncoder().fit({"a": column})
    encoder = TableEncoder().fit({"a": np.array([0.0, 1e-300])})
    with pytest.raises(DataError, match="column 'a' holds an infinity at row 9000"):
        encoder.transform({"a": np.r_[np.zeros(9000), np.inf]})
    with pytest.raises(DataError, match=r"column 'a', row 9001: 1e\+300 is too far from the training rows"):
        encoder.transform({"a": np.r_[np.zeros(9001), 1e300]})
    assert TableEncoder("robust").fit({"a": [0.0, 1e-300]}).transform({"a": [1e300]}) == 3.0


def test_booleans_are_plus_and_minus_one():
    assert encoded([True, False, None]).tolist() == [[1], [-1], [0]]
    assert encoded(np.array([True, False])).tolist() == [[1], [-1]]


def test_categories_are_columns_of_zeros_and_ones():
    assert encoded(["b", "a", "c", None, "b"]).tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert encoded(["b", "a", None, "b"]).tolist() == [[1], [-1], [0], [1]]
    assert encoded(["a", None]).tolist() == [[1], [0]]


def test_an_unknown_category_is_as_a_missing_one():
    for training, width in ((["a", "b", "c"], 3), (["a", "b"], 1), (["a", None], 1)):
        encoder = TableEncoder().fit({"a": training})
        assert encoder.transform({"a": ["new", None, ""]}).tolist() == [[0.0] * width] * 3


def test_rare_categories_share_a_column():
    training = ["a"] * 4 + ["b"] * 3 + ["d"] * 2 + ["c"] * 2 + ["e", None]
    encoder = TableEncoder(max_categories=4).fit({"x": training})
    assert encoder.get_feature_names_out().tolist() == ["x=a", "x=b", "x=c", "x (other)"]
    assert encoder.transform({"x": ["a", "c", "d", "e", "new", None]}).argmax(axis=1).tolist() == [0, 2, 3, 3, 3, 0]
    assert encoder.transform({"x": [None]}).tolist() == [[0, 0, 0, 0]]
    assert TableEncoder(max_categories=2).fit({"x": training}).transform({"x": ["a", "b", None]}).tolist() == [
        [1, 0],
        [0, 1],
        [0, 0],
    ]


def test_names_and_ids_are_left_out_and_said_so():
    n = 40
    table = {"id": [f"p{i}" for i in range(n)], "group": ["a", "b"] * (n // 2), "few": [str(i % 10) for i in range(n)]}
    encoder = TableEncoder().fit(table)
    assert encoder.dropped_ == {"id": "names or ids, nearly every row has its own"}
    assert encoder.transform({name: table[name] for name in ("few", "group")}).shape == (n, 11)
    assert "left out: names or ids" in str(encoder)
    kept = TableEncoder(kinds={"id": "category"}).fit(table)
    assert kept.dropped_ == {}
    assert kept.transform(table).shape == (n, 51)
    small = TableEncoder().fit({"a": [f"v{i}" for i in range(10)]})  # so few could be anything
    assert small.dropped_ == {}


def test_dates_are_a_number_and_angles():
    dates = [dt.datetime(2024, 1, 1), dt.datetime(2024, 4, 3, 6), None, dt.datetime(2025, 1, 2, 12)]
    encoder = TableEncoder().fit({"d": dates})
    assert encoder.get_feature_names_out().tolist() == [
        "d", "d month sin", "d month cos", "d weekday sin", "d weekday cos", "d hour sin", "d hour cos", "d missing"
    ]  # fmt: skip
    y = encoder.transform({"d": dates})
    seconds = np.array([d.replace(tzinfo=dt.UTC).timestamp() for d in dates if d])
    np.testing.assert_allclose(y[[0, 1, 3], 0], (seconds - seconds.mean()) / seconds.std(), rtol=1e-6)
    for row, date in enumerate(dates):
        if date is None:
            assert y[row].tolist() == [0] * 7 + [1]
            continue
        turns = [(date.month - 1) / 12, date.weekday() / 7, date.hour / 24]
        angles = [wave(2 * math.pi * turn) for turn in turns for wave in (math.sin, math.cos)]
        np.testing.assert_allclose(y[row, 1:], [*angles, 0], atol=1e-6)


def test_only_what_varies_of_a_date_is_kept():
    def names(dates):
        return TableEncoder().fit({"d": dates, "n": range(len(dates))}).get_feature_names_out().tolist()[:-1]

    monday = dt.datetime(2024, 7, 1)
    assert names([monday, monday + dt.timedelta(days=7)]) == ["d"]
    assert names([monday, monday + dt.timedelta(days=1)]) == ["d", "d weekday sin", "d weekday cos"]
    assert names([monday, monday + dt.timedelta(hours=1)]) == ["d", "d hour sin", "d hour cos"]
    assert names([monday, None]) == ["d missing"]
    assert names([monday, monday]) == []


def test_dates_before_1970_and_far_away():
    dates = np.array(["1901-03-05T18:00", "1969-12-31T23:59", "0001-01-01", "9999-12-31"], "datetime64[us]")
    encoder = TableEncoder().fit({"d": dates})
    y = encoder.transform({"d": dates})
    assert np.isfinite(y).all()
    for row, date in enumerate(dates.tolist()):
        np.testing.assert_allclose(y[row, 3], math.sin(2 * math.pi * date.weekday() / 7), atol=1e-6)
        np.testing.assert_allclose(y[row, 1], math.sin(2 * math.pi * (date.month - 1) / 12), atol=1e-6)
    extreme = np.array([-(2**63) + 1, 2**63 - 1]).astype("datetime64[us]")
    assert np.isfinite(encoder.transform({"d": extreme})).all()


# Columns without a lesson, rows without a value


def test_columns_of_one_value_or_none_are_left_out():
    table = {
        "n": [1.0, 2.0], "one": [7, 7], "word": ["a", "a"], "yes": [True, True], "none": [None, None],
        "nan": [math.nan, math.nan], "day": [DAY, DAY],
    }  # fmt: skip
    encoder = TableEncoder().fit(table)
    assert encoder.get_feature_names_out().tolist() == ["n"]
    same, nothing = "every row has the same value", "no row has a value"
    assert encoder.dropped_ == {"one": same, "word": same, "yes": same, "none": nothing, "nan": nothing, "day": same}
    assert encoder.transform({"n": [1.0]}).shape == (1, 1)
    with pytest.raises(
        DataError, match=r"no column can be learned from: 'one' \(of 2 columns\) was left out because every row"
    ):
        TableEncoder().fit({"one": [7, 7], "none": [None, None]})


def test_a_constant_that_is_sometimes_missing_says_where():
    assert encoded([7.0, None, 7.0]).tolist() == [[0], [1], [0]]
    assert encoded([True, None, True]).tolist() == [[1], [0], [1]]
    assert encoded([DAY, None, DAY]).tolist() == [[0], [1], [0]]


def test_what_is_missing_at_predict_only():
    full = {name: [value for value in column if value is not None] for name, column in PEOPLE.items()}
    full = {name: column[:4] for name, column in full.items()}
    encoder = TableEncoder().fit(full)
    assert not any("missing" in name for name in encoder.get_feature_names_out())
    y = encoder.transform({name: [None] for name in PEOPLE})
    median = (35 - np.mean(full["age"])) / np.std(full["age"])
    assert y[0, 0] == pytest.approx(median)
    assert not y[0, 1:].any()


def test_one_row_and_no_row():
    encoder = TableEncoder().fit(PEOPLE)
    y = encoder.transform(PEOPLE)
    for row in range(5):
        np.testing.assert_array_equal(encoder.transform(as_table(PEOPLE).take([row])), y[[row]])
    none = encoder.transform(as_table(PEOPLE).take([]))
    assert none.shape == (0, y.shape[1])
    with pytest.raises(DataError, match="the table is empty: there is no row to learn from"):
        TableEncoder().fit(as_table(PEOPLE).take([]))
    with pytest.raises(DataError, match="no column can be learned from"):
        TableEncoder().fit({"a": [1.0]})


# Finding columns


def test_columns_are_found_by_name():
    encoder = TableEncoder().fit(PEOPLE)
    y = encoder.transform(PEOPLE)
    turned = dict(reversed([*PEOPLE.items(), ("more", [object()] * 0 or list(range(5)))]))
    np.testing.assert_array_equal(encoder.transform(turned), y)
    cells = np.array(list(zip(*PEOPLE.values(), strict=True)), dtype=object)  # rows without names: by their place
    np.testing.assert_array_equal(encoder.transform(cells), y)
    np.testing.assert_array_equal(encoder.transform(cells.tolist()), y)
    assert encoder.feature_names_in_.tolist() == list(PEOPLE)
    assert encoder.kinds_["same"] == "number"


def test_pandas_polars_and_pyarrow_are_one():
    y = TableEncoder().fit_transform(PEOPLE)
    frame = pl.DataFrame(PEOPLE)
    for source in (pd.DataFrame(PEOPLE), frame, frame.to_arrow(), as_table(PEOPLE)):
        encoder = TableEncoder().fit(source)
        np.testing.assert_array_equal(encoder.transform(source), y)
        np.testing.assert_array_equal(encoder.transform(PEOPLE), y)


def test_absent_columns_are_all_named():
    encoder = TableEncoder().fit(PEOPLE)
    without = {name: column for name, column in PEOPLE.items() if name not in ("age", "seen")} | {"Age": [1] * 5}
    with pytest.raises(DataError, match=r"lacks the columns 'age' \(is it 'Age'\?\), 'seen', which the training rows had"):
        encoder.transform(without)
    with pytest.raises(DataError, match="lacks the column 'member', which"):
        encoder.transform({name: column for name, column in PEOPLE.items() if name != "member"})
    wide = TableEncoder().fit(np.random.default_rng(0).normal(size=(3, 40)))
    with pytest.raises(DataError, match="'x7' and 32 more, which"):
        wide.transform({"other": [1.0]})
    for rows in (np.zeros((2, 3)), [[1, 2, 3]], [["a", "b"]]):
        with pytest.raises(DataError, match="columns, and 6 names were given"):
            encoder.transform(rows)
    for rows in (np.zeros(6), 3, None):
        with pytest.raises(DataError, match="a table is a frame"):
            encoder.transform(rows)


def test_a_column_of_another_kind_is_one_sentence():
    encoder = TableEncoder().fit(PEOPLE)
    for name, column, message in [
        ("age", ["x"] * 5, r"column 'age' holds text where the training rows had numbers \('x' in row 0\)"),
        ("age", [None, DAY, None, None, None], "column 'age' holds dates where the training rows had numbers .* in row 1"),
        ("city", [None, 3, 3, 3, 3], "column 'city' holds numbers where the training rows had text"),
        ("seen", ["2024-01-01"] * 5, "column 'seen' holds text where the training rows had dates"),
        ("member", [2.0] * 5, "column 'member' holds numbers where booleans belong"),
        ("member", ["yes"] * 5, "column 'member' holds text where the training rows had booleans"),
    ]:
        with pytest.raises(DataError, match=message):
            encoder.transform(PEOPLE | {name: column})
    ones = encoder.transform(PEOPLE | {"member": [1, 0, None, 1, 1]})
    np.testing.assert_array_equal(ones, encoder.transform(PEOPLE))
    assert TableEncoder().fit({"a": [0, 1, 1]}).transform({"a": [True]}) == pytest.approx(1 / math.sqrt(2))


def test_kinds_may_be_given():
    codes = {"zip": [10115, 80331, None, 10115], "flag": [1, 0, 1, None]}
    encoder = TableEncoder(kinds={"zip": "category", "flag": "boolean"}).fit(codes)
    assert encoder.get_feature_names_out().tolist() == ["zip=80331", "flag"]
    assert encoder.transform(codes).tolist() == [[-1, 1], [1, -1], [0, 1], [-1, 0]]
    assert encoder.transform({"zip": [80331], "flag": [True]}).tolist() == [[1, 1]]
    assert encoder.transform({"zip": ["80331"], "flag": [True]}).tolist() == [[1, 1]]
    seen = {"seen": ["2024-05-31", "2024-06-30 12:00", None]}
    dates = TableEncoder(kinds={"seen": "date"}).fit(seen)
    assert dates.kinds_ == {"seen": "date"}
    assert dates.transform(seen).shape == (3, 8)
    with pytest.raises(DataError, match=r"column 'seen' holds text where dates belong \('soon' in row 1\)"):
        dates.transform({"seen": [None, "soon"]})
    with pytest.raises(UnknownNameError, match="no column 'zap'"):
        TableEncoder(kinds={"zap": "category"}).fit(codes)


def test_settings_are_checked():
    with pytest.raises(UnknownNameError, match="did you mean 'robust'"):
        TableEncoder("robus")
    for most in (1, 2.5, True, "3"):
        with pytest.raises(ConfigurationError, match="max_categories is a whole number of at least 2"):
            TableEncoder(max_categories=most)
    with pytest.raises(ConfigurationError, match="kinds is a dict"):
        TableEncoder(kinds=["zip"])
    with pytest.raises(UnknownNameError, match="unknown kind of column 'text'"):
        TableEncoder(kinds={"zip": "text"})
    with pytest.raises(NotBuiltError):
        TableEncoder().transform(PEOPLE)
    assert repr(TableEncoder("robust", max_categories=9)) == "TableEncoder(numbers='robust', max_categories=9)"


# The result


def test_the_result_is_as_wide_as_the_numbers():
    words = {"a": ["x", "y", "z"]}
    narrow, whole = {"n": np.array([1, 2, 4], np.float32)}, {"n": [1, 2, 4]}
    assert TableEncoder().fit_transform(words).dtype == np.float32
    assert TableEncoder().fit_transform(words | narrow).dtype == np.float32
    assert TableEncoder().fit_transform(words | whole).dtype == np.float32
    assert TableEncoder().fit_transform(words | {"n": [1.0, 2, 4]}).dtype == np.float64
    assert TableEncoder().fit_transform({"n": range(3), "m": [True, None, False]}).dtype == np.float32


def test_the_table_is_left_as_it_is_and_pieces_change_nothing(monkeypatch):
    table = as_table(PEOPLE)
    before = [column.copy() for column in table.columns]
    encoder = TableEncoder().fit(table)
    y = encoder.transform(table)
    for column, copy in zip(table.columns, before, strict=True):
        np.testing.assert_array_equal(column, copy)
    for rows in (1, 2, 4):
        monkeypatch.setattr(tables_module, "ROWS_AT_A_TIME", rows)
        np.testing.assert_array_equal(encoder.transform(table), y)


def test_fitting_again_forgets():
    encoder = TableEncoder().fit(PEOPLE)
    again = encoder.fit({"a": [1.0, 2.0]})
    assert again is encoder
    assert encoder.feature_names_in_.tolist() == ["a"]


def test_the_inverse_gives_the_table_back():
    for how in ("standardize", "robust", "none"):
        encoder = TableEncoder(how).fit(PEOPLE)
        y = encoder.transform(PEOPLE)
        back = encoder.inverse_transform(y)
        assert isinstance(back, Table)
        assert back.names == ("age", "city", "member", "plan", "seen")
        np.testing.assert_allclose(back["age"], as_table(PEOPLE)["age"], rtol=1e-12)
        for name in ("city", "plan"):
            assert back[name].tolist() == PEOPLE[name]
        np.testing.assert_array_equal(back["member"], as_table(PEOPLE)["member"])
        apart = (back["seen"] - as_table(PEOPLE)["seen"])[[0, 1, 3, 4]] / np.timedelta64(1, "s")
        assert np.isnat(back["seen"][2])
        assert np.abs(apart).max() < 1e-3
    with pytest.raises(ShapeError, match=r"expected y of shape \(N, 15\)"):
        encoder.inverse_transform(np.zeros((2, 3)))
    other = TableEncoder(max_categories=2).fit({"x": ["a", "a", "b", "c"]})
    assert other.inverse_transform(other.transform({"x": ["a", "c", None]}))["x"].tolist() == ["a", None, None]
    assert Chain([encoder, Standardize()]).fit(PEOPLE).inverse_transform(np.zeros((1, 15))).names == back.names


def test_it_is_shown_as_a_table():
    encoder = TableEncoder("robust").fit(PEOPLE | {"a very long name of a column, " * 3: list("abcab"), "two\nlines": range(5)})
    lines = str(encoder).splitlines()
    assert lines[0] == "8 columns of 5 rows as 19 numbers"
    assert lines[1].split() == ["column", "kind", "becomes", "missing"]
    assert len(lines) == 2 + 8
    assert max(map(len, lines)) <= 80
    assert "1 → 35, and 0/1" in lines[2]
    assert "(x − 35) / 17.5, clipped" in lines[2]
    assert "−1 basic, +1 gold" in lines[5]
    assert "left out: every row has the same value" in lines[7]
    assert str(TableEncoder()) == "TableEncoder()"


# What is stored


def copy_of(encoder: TableEncoder) -> TableEncoder:
    copy = TableEncoder(**json.loads(json.dumps(encoder.config())))
    copy.load_state({name: array.copy() for name, array in encoder.state().items()})
    return copy


WORDS = st.sampled_from(["a", "b", "c", "\ud800", "ü漢", "", "'\"\\\n"]) | st.none()
NUMBERS = st.floats(allow_nan=True, allow_infinity=False) | st.integers() | st.none()
DATES = st.datetimes() | st.none()
ROWS = st.lists(st.tuples(NUMBERS, WORDS, DATES, st.booleans() | st.none()), min_size=2, max_size=8)


LARGEST = 1.7976931348623157e308


@example(rows=[(0.0, None, None, None), (LARGEST, None, None, None)], how="standardize", most=2)
@example(rows=[(0.0, None, None, None)] * 6 + [(LARGEST, None, None, None)], how="standardize", most=2)
@example(rows=[(0.0, None, None, None)] * 6 + [(LARGEST, None, None, None)], how="robust", most=2)
@given(rows=ROWS, how=st.sampled_from(["standardize", "robust", "none"]), most=st.integers(2, 4))
def test_any_table_is_encoded_and_comes_back_from_its_state(rows, how, most):
    table = as_table([{"n": n, "w": w, "d": d, "b": b} for n, w, d, b in rows])
    if any(np.isinf(table["n"])):  # a whole number beyond float64
        with pytest.raises(DataError, match="infinity"):
            TableEncoder(how).fit(table)
        return
    encoder = TableEncoder(how, max_categories=most)
    try:
        encoder.fit(table)
    except DataError as error:
        assert "no column can be learned from" in str(error)  # noqa: PT017
        return
    y = encoder.transform(table)
    assert np.isfinite(y).all()
    assert y.shape == (len(rows), len(encoder.get_feature_names_out()))
    np.testing.assert_array_equal(encoder.transform(table.select(table.names[::-1]).take([-1, 0])), y[[-1, 0]])
    copy = copy_of(encoder)
    np.testing.assert_array_equal(copy.transform(table), y)
    assert str(copy) == str(encoder)
    back = encoder.inverse_transform(y)
    for name in back:
        if name in ("b", "d"):
            np.testing.assert_array_equal(missing_in(back[name]), missing_in(table[name]))


def test_the_state_is_bytes():
    encoder = TableEncoder().fit(PEOPLE)
    state = encoder.state()
    assert list(state) == ["encodings_json_"]
    assert state["encodings_json_"].dtype == np.uint8
    assert encoder.fitted
    assert not TableEncoder().fitted
    np.testing.assert_array_equal(copy_of(encoder).transform(PEOPLE), encoder.transform(PEOPLE))


def stored(change=None, **top) -> dict:
    """The state of a fitted encoder after something in it was changed."""
    document = json.loads(TableEncoder().fit(PEOPLE).state()["encodings_json_"].tobytes())
    document |= top
    if change is not None:
        change(document["columns"])
    return {"encodings_json_": np.frombuffer(json.dumps(document).encode(), np.uint8)}


def setting(column: int, **values):
    return lambda columns: columns[column].update(values)


@pytest.mark.parametrize(
    "state",
    [
        {}, {"other_": np.zeros(1)}, {"encodings_json_": np.zeros(3)}, {"encodings_json_": np.zeros((2, 2), np.uint8)},
        *({"encodings_json_": np.frombuffer(text, np.uint8)} for text in (
            b"{", b"[]", b"3", b"\xff", b'{"rows": 3}', b"[" * 100_000, b'{"rows": 1, "columns": []}',
            b'{"rows": 1, "columns": 3}', b'{"rows": 1, "columns": [3]}', b'{"rows": 1, "columns": [[]]}',
            b'{"rows": 1, "columns": [{"kind": []}]}',
        )),
        stored(rows=0), stored(rows=2.0), stored(rows=True), stored(columns=None), stored(extra=1),
        *(stored(setting(0, **{name: value})) for name, value in [
            ("kind", "colour"), ("fill", math.nan), ("fill", 1), ("center", math.inf), ("scale", 0.0), ("scale", -1.0),
            ("scale", "1"), ("missing", -1), ("missing", 6), ("missing", True), ("name", 3), ("name", "city"), ("other", 1),
            ("constant", 1),
        ]),
        stored(setting(0, constant=True, missing=0)),
        *(stored(setting(1, **{name: value})) for name, value in [
            ("categories", []), ("categories", ["a", "a"]), ("categories", ["a", 1]), ("categories", "ab"),
            ("categories", {"a": 1}), ("other", 0),
        ]),
        stored(setting(4, parts=["year"])), stored(setting(4, parts=["month", "month"])), stored(setting(4, scale=math.inf)),
        stored(setting(4, parts=[], constant=True, missing=0)), stored(setting(5, was="colour")),
        stored(lambda columns: columns[0].pop("fill")), stored(lambda columns: columns.clear()),
        stored(lambda columns: columns.__delitem__(slice(0, 5))),
    ],
    ids=lambda state: str(next(iter(state.values()), b"").tobytes()[:60]) if state else "",
)  # fmt: skip
def test_a_damaged_state_is_one_sentence(state):
    encoder = TableEncoder()
    with pytest.raises(FileFormatError, match="the state of TableEncoder"):
        encoder.load_state(state)
    assert not encoder.fitted


# In a model


def people(n: int = 400, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n).astype(float), "city": rng.choice(["Rome", "Oslo", "Wien"], n),
            "member": rng.random(n) < 0.5, "seen": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
            "name": [f"person {i}" for i in range(n)],
        }
    )  # fmt: skip
    y = np.where((frame.age > 45) ^ (frame.city == "Rome"), "yes", "no")
    frame.loc[::17, "age"] = np.nan
    frame.loc[::19, "city"] = None
    return frame, y


def trained(frame, y, **settings):
    layers = [sw.Dense(16), sw.ReLU(), sw.Dense(2)]
    model = sw.Model(sw.Sequential(layers), preprocessing=[TableEncoder()])
    history = model.fit(
        frame, y, loss="SoftmaxCrossEntropy", optimizer=sw.Adam(1e-2), epochs=25, engine="numpy", progress=False, **settings
    )
    return model, history


def test_a_model_learns_from_a_frame_and_comes_back_from_its_file(tmp_path):
    frame, y = people()
    model, history = trained(frame, y, validation_split=0.25, metrics=["accuracy"])
    assert history["val_accuracy"][-1] > 0.85
    assert model.feature_names == list(frame.columns)
    assert model.preprocessing.steps[0].rows_ == 300
    sw.save(model, tmp_path / "m.safetensors")
    loaded = sw.load(tmp_path / "m.safetensors")
    p = model.predict_proba(frame)
    polar = pl.from_pandas(frame)
    for source in (frame.iloc[:, ::-1], polar, polar.to_arrow(), {name: frame[name].tolist() for name in frame}):
        np.testing.assert_array_equal(loaded.predict_proba(source), p)
    assert loaded.evaluate(polar, y)["accuracy"] > 0.85
    assert loaded.predict(frame.iloc[:1]).shape == (1,)
    assert loaded.predict(frame.iloc[:0]).shape == (0,)
    row = {"age": None, "city": "Atlantis", "member": True, "seen": dt.datetime(2030, 1, 1)}
    assert loaded.predict([row])[0] in ("yes", "no")
    assert loaded.feature_names == model.feature_names
    with pytest.raises(DataError, match=r"lacks the column 'age' \(is it 'Age'\?\)"):
        loaded.predict(frame.rename(columns={"age": "Age"}))


def test_a_model_trained_on_keeps_its_encoding_and_takes_validation_frames():
    frame, y = people()
    rest, rest_y = people(100, seed=1)
    model, history = trained(frame, y, validation_data=(pl.from_pandas(rest), rest_y), metrics=["accuracy"])
    assert history["val_accuracy"][-1] > 0.8
    before = str(model.preprocessing.steps[0])
    model.fit(rest, rest_y, loss="SoftmaxCrossEntropy", optimizer=sw.Adam(1e-3), epochs=1, engine="numpy", progress=False)
    assert str(model.preprocessing.steps[0]) == before


def test_a_model_says_what_is_wrong_with_a_table():
    frame, y = people(40)
    layers = [sw.Dense(2)]
    model = sw.Model(sw.Sequential(layers), preprocessing=[TableEncoder()])
    settings = {"loss": "SoftmaxCrossEntropy", "optimizer": sw.SGD(0.1), "epochs": 1, "engine": "numpy", "progress": False}
    for bad, labels, message in [
        (frame.iloc[:0], y[:0], "empty"),
        (frame.assign(age=np.inf), y, "column 'age' holds an infinity"),
        (frame, y[:3], "x has 40 rows and y has 3"),
        ({"a": [1, 2], "b": [1]}, y[:2], "column 'a' has 2 rows"),
    ]:
        with pytest.raises(sw.ScratchworkError, match=message):
            model.fit(bad, labels, **settings)
        assert model.feature_names is None
    model.fit(frame, y, **settings)
    with pytest.raises(ShapeError, match="x has 40 rows and y has 3"):
        model.evaluate(frame, y[:3])


def test_units_of_mean_and_deviation():
    x = np.array([1.0, 2.0, 6.0])
    assert center_and_scale(x) == pytest.approx((3.0, math.sqrt(14 / 3)))
    assert center_and_scale(x, robust=True) == pytest.approx((2.0, 2.5))
