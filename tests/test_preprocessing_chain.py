"""Categories, chains, and what is saved: configuration as JSON, learned arrays by name."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchwork import preprocessing
from scratchwork.errors import ConfigurationError, DataError, FileFormatError, NotBuiltError, ShapeError, UnknownNameError
from scratchwork.preprocessing import (
    PCA,
    TRANSFORMERS,
    Chain,
    MeanSubtraction,
    MinMax,
    OneHot,
    Rescale,
    RobustScale,
    SmoothClip,
    Standardize,
    TableEncoder,
    Transformer,
    Whiten,
)

ROWS = np.random.default_rng(0).normal(size=(30, 4)) * [1, 2, 3, 4]
EXAMPLES = [
    MeanSubtraction("scalar"),
    Standardize(eps=0.01),
    MinMax(-1, 1),
    Rescale(1 / 255),
    RobustScale(),
    SmoothClip(2.0),
    PCA(3),
    PCA(0.9),
    Whiten("zca", eps=0.1, components=3),
    Chain([Rescale(2.0), MeanSubtraction(), Chain([PCA(2), Standardize()])]),
    Chain([]),
]


@pytest.mark.parametrize("transformer", EXAMPLES, ids=repr)
def test_config_and_state_make_an_equal_transformer(transformer):
    y = transformer.fit(ROWS).transform(ROWS)
    config = json.loads(json.dumps(transformer.config()))
    copy = TRANSFORMERS[type(transformer).__name__](**config)
    assert repr(copy) == repr(transformer)
    copy.load_state({name: array.copy() for name, array in transformer.state().items()})
    assert copy.fitted
    np.testing.assert_array_equal(copy.transform(ROWS), y)
    np.testing.assert_array_equal(copy.inverse_transform(y), transformer.inverse_transform(y))


@pytest.mark.parametrize("labels", [[3, 1, 2, 1], [True, False], [0.5, 2.5], ["b", "a", "ü漢"]], ids=str)
def test_one_hot_state_is_numbers_whatever_the_categories(labels):
    one_hot = OneHot().fit(labels)
    state = one_hot.state()
    assert all(array.dtype.kind in "biuf" for array in state.values())
    copy = OneHot(**one_hot.config())
    copy.load_state(state)
    np.testing.assert_array_equal(copy.categories_, one_hot.categories_)
    assert copy.categories_.dtype == one_hot.categories_.dtype
    np.testing.assert_array_equal(copy.transform(labels), one_hot.transform(labels))


@pytest.mark.parametrize(
    "transformer",
    [t for t in EXAMPLES if t.config() not in ({"factor": 1 / 255, "offset": 0.0}, {"limit": 2.0}, {"steps": []})],
)
def test_foreign_and_damaged_states_are_refused(transformer):
    state = transformer.fit(ROWS).state()
    name = min(state)
    without = {key: array for key, array in state.items() if key != name}
    cases = [
        without,
        {**state, "other_": np.zeros(3)},
        {**state, name: np.full_like(state[name], np.nan)},
        {**state, name: state[name].astype(np.int64)},
    ]
    if not isinstance(transformer, MeanSubtraction | Chain):  # whose first array may have any shape
        cases.append({**state, name: np.zeros((2, 3, 4))})
    for case in cases:
        with pytest.raises(FileFormatError):
            type(transformer)(**transformer.config()).load_state(case)
    if len(state) > 1 and "mean_" in state:
        with pytest.raises(FileFormatError, match="damaged"):
            transformer.load_state({**state, "mean_": np.zeros(len(state["mean_"]) + 1)})


@pytest.mark.parametrize(
    "state",
    [
        {"categories_": np.array([2.0, 1.0])},
        {"categories_": np.array([1.0, np.nan])},
        {"categories_": np.zeros((2, 2))},
        {"categories_": np.zeros(0)},
        {"categories_json_": np.frombuffer(b'["a", 1]', np.uint8)},
        {"categories_json_": np.frombuffer(b'["b", "a"]', np.uint8)},
        {"categories_json_": np.frombuffer(b"\xff[", np.uint8)},
        {"categories_json_": np.frombuffer(b'{"a": 1}', np.uint8)},
        {"other_": np.zeros(1)},
    ],
)
def test_damaged_categories_are_refused(state):
    with pytest.raises(FileFormatError):
        OneHot().load_state(state)


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_one_hot_is_its_equation(shape):
    labels = np.array([7, 3, 7, 5]).reshape(shape)
    one_hot = OneHot().fit(labels)
    y = one_hot.transform(labels)
    literal = [[1.0 if value == category else 0.0 for category in (3, 5, 7)] for value in (7, 3, 7, 5)]
    np.testing.assert_array_equal(y, literal)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(one_hot.inverse_transform(y), [7, 3, 7, 5])
    np.testing.assert_array_equal(one_hot.inverse_transform([[0.2, 0.5, 0.3]]), [5])
    assert one_hot.transform(np.zeros(0, int)).shape == (0, 3)


@given(st.lists(st.one_of(st.text(max_size=4).filter(lambda t: "\x00" not in t)), min_size=1, max_size=8))
def test_one_hot_round_trip_of_text(labels):
    one_hot = OneHot().fit(labels)
    assert one_hot.inverse_transform(one_hot.transform(labels)).tolist() == labels


def test_one_hot_of_objects_and_bytes():
    words = np.array(["no", "yes", "no"], dtype=object)
    assert OneHot().fit(words).categories_.tolist() == ["no", "yes"]
    assert OneHot().fit(np.array([b"no", b"yes"])).categories_.tolist() == ["no", "yes"]
    with pytest.raises(DataError):
        OneHot().fit(np.array(["no", 1], dtype=object))


def test_one_hot_errors():
    one_hot = OneHot().fit([1, 2, 2])
    with pytest.raises(DataError, match=r"row 1 of x has the category 9, .* \(2 such rows in all\): the categories are 1, 2"):
        one_hot.transform([1, 9, 0])
    with pytest.raises(DataError, match="category nan"):
        one_hot.transform([1.0, np.nan])
    with pytest.raises(DataError, match="x holds text, and the categories that were learned are numbers"):
        one_hot.transform(["a"])
    with pytest.raises(DataError, match="x holds numbers"):
        OneHot().fit(["a"]).transform([1])
    with pytest.raises(DataError, match="NaN"):
        OneHot().fit([1.0, np.nan])
    with pytest.raises(DataError, match="empty"):
        OneHot().fit([])
    with pytest.raises(ShapeError, match="one column"):
        OneHot().fit(np.zeros((2, 2)))
    with pytest.raises(ShapeError, match=r"expected y of shape \(N, 2\)"):
        one_hot.inverse_transform(np.zeros((3, 4)))
    with pytest.raises(NotBuiltError):
        OneHot().transform([1])


def test_chain_is_its_equation():
    chain = Chain([Rescale(3.0), MeanSubtraction(), PCA(2), Standardize()])
    y = chain.fit(ROWS).transform(ROWS)
    expected = ROWS * 3.0
    expected = expected - expected.mean(axis=0)
    expected = PCA(2).fit(expected).transform(expected)
    expected = (expected - expected.mean(axis=0)) / expected.std(axis=0)
    np.testing.assert_allclose(y, expected, atol=1e-10)
    np.testing.assert_array_equal(chain.fit_transform(ROWS), y)
    back = y
    for step in (chain.steps[3], chain.steps[2], chain.steps[1], chain.steps[0]):
        back = step.inverse_transform(back)
    np.testing.assert_array_equal(chain.inverse_transform(y), back)


def test_chain_fits_on_what_came_before_and_only_there():
    chain = Chain([Rescale(1 / 255), MeanSubtraction()]).fit(np.full((4, 2), 255, np.uint8))
    np.testing.assert_allclose(chain.state()["1.mean_"], 1.0, rtol=1e-6)
    np.testing.assert_allclose(chain.transform(np.zeros((1, 2), np.uint8)), -1.0, rtol=1e-6)
    assert set(Chain([chain, PCA(1)]).fit(ROWS).state()) >= {"0.1.mean_", "1.components_"}


def test_chain_errors():
    with pytest.raises(NotBuiltError, match="PCA"):
        Chain([Rescale(2.0), PCA(1)]).transform(ROWS)
    for steps in (Standardize(), "Standardize", 3):
        with pytest.raises(ConfigurationError, match="list of transformers"):
            Chain(steps)
    for step in (3, Standardize, {"name": "PCA"}, {"name": "PCA", "config": 3}, {"name": "PCA", "config": {"k": 3}}):
        with pytest.raises(ConfigurationError):
            Chain([step])
    with pytest.raises(UnknownNameError, match="did you mean 'Whiten'"):
        Chain([{"name": "White", "config": {}}])
    for name in ("mean_", "2.mean_", "-1.mean_", "1.", "x.mean_"):
        with pytest.raises(FileFormatError):
            Chain([MeanSubtraction(), PCA(1)]).load_state({name: np.zeros(3)})


def test_the_table_holds_every_transformer():
    public = {getattr(preprocessing, name) for name in preprocessing.__all__ if name != "TRANSFORMERS"}
    assert {*TRANSFORMERS.values(), Transformer} == public
    assert all(name == kind.__name__ for name, kind in TRANSFORMERS.items())


def test_a_chain_shows_what_its_steps_show():
    table = {"age": [31.0, None, 52.0], "city": ["Rome", "Oslo", "Rome"]}
    chain = Chain([TableEncoder(numbers="none"), MinMax()]).fit(table)
    assert "age" in str(chain)
    assert "city" in str(chain)
    assert str(chain).endswith("MinMax()")
    assert str(Chain([])) == "rows are taken as they are"
