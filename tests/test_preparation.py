"""Bad input is one clear error before any work, and leaves a network that was not built so."""

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.errors import ConfigurationError, DataError, ScratchworkError, ShapeError, UnknownNameError

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 4)), np.arange(20) % 2
NAN, INF = X.copy(), X.copy()
NAN[3, 2], INF[5, 1] = np.nan, -np.inf


def fit(network=None, x=X, y=Y, **settings):
    network = network or sw.Sequential([sw.Dense(3), sw.ReLU(), sw.Dense(2)])
    usual = {"loss": "SoftmaxCrossEntropy", "optimizer": "Adam", "epochs": 1, "progress": False}
    return sw.fit(network, x, y, **(usual | settings))


def one_output():
    return sw.Sequential([sw.Dense(1)])


BAD = {
    "NaN in x": ({"x": NAN}, DataError, r"x holds NaN at row 3, column 2"),
    "Inf in x": ({"x": INF}, DataError, r"x holds an infinity at row 5, column 1"),
    "text in x": ({"x": [["a", "b"]] * 20}, DataError, "x holds text where numbers belong"),
    "objects in x": ({"x": np.array([["1", 2.0]] * 20, object)}, DataError, "x holds objects that are not numbers"),
    "None in x": ({"x": np.array([[None, 2.0]] * 20, object)}, DataError, "x holds NaN at row 0"),
    "ragged x": ({"x": [[1, 2], [3]] * 10}, DataError, "x has rows of different lengths"),
    "x too large": ({"x": X * 1e300}, DataError, "too large for float32"),
    "flat x": ({"x": X[:, 0]}, ShapeError, r"x.reshape\(-1, 1\)"),
    "a number": ({"x": 3.0}, ShapeError, "x is a single number"),
    "no rows": ({"x": np.zeros((0, 4)), "y": []}, DataError, "x is empty"),
    "no columns": ({"x": np.zeros((20, 0))}, DataError, "no features"),
    "NaN in y": ({"y": np.where(Y, np.nan, 0)}, DataError, "y holds NaN at row 1"),
    "text in y": ({"y": ["a", "b"] * 10}, DataError, "y holds text where numbers belong"),
    "label too large": ({"y": Y + 1}, DataError, r"y holds label 2 at row 1 .*subtract 1 from all"),
    "label negative": ({"y": Y - 1}, DataError, r"y holds label -1 at row 0"),
    "huge label": ({"y": [10**30, 0] * 10}, DataError, "y holds label"),
    "fractional label": ({"y": Y + 0.5}, DataError, "a whole number, belongs"),
    "y shorter": ({"y": Y[:-1]}, ShapeError, "x has 20 rows and y has 19"),
    "y transposed": ({"y": Y[None]}, ShapeError, "x has 20 rows and y has 1"),
    "y of three axes": ({"y": np.zeros((20, 2, 2))}, ShapeError, "y has shape"),
    "one class": ({"y": Y * 0}, DataError, "y holds one class only"),
    "one class, one-hot": ({"y": np.eye(2)[Y * 0]}, DataError, "y holds one class only"),
    "one class, one output": (
        {"network": one_output(), "y": Y * 0, "loss": "SigmoidBinaryCrossEntropy"},
        DataError,
        "one class",
    ),
    "no row sums to 1": ({"y": np.full((20, 2), 0.3)}, DataError, "sums to 0.6"),
    "wrong number of columns": ({"y": np.eye(3)[Y]}, ShapeError, "2 outputs"),
    "one output for a softmax": ({"network": one_output()}, ConfigurationError, "use SigmoidBinaryCrossEntropy"),
    "targets too large": ({"network": one_output(), "y": Y * 1e300, "loss": "MeanSquaredError"}, DataError, "y holds 1e\\+300"),
    "images into Dense": ({"x": np.zeros((20, 2, 2)) + RNG.normal(size=(20, 2, 2))}, ShapeError, r"layer 0.*put Flatten\(\)"),
    "images out": ({"network": sw.Sequential([sw.Dense(4), sw.Reshape((2, 2))])}, ShapeError, r"end with Flatten\(\)"),
    "unknown loss": ({"loss": "SoftmaxCrossEntropi"}, UnknownNameError, "did you mean 'SoftmaxCrossEntropy'"),
    "loss class": ({"loss": sw.SoftmaxCrossEntropy}, ConfigurationError, r"write SoftmaxCrossEntropy\(\)"),
    "no loss": ({"loss": None}, ConfigurationError, "no Loss"),
    "unknown optimizer": ({"optimizer": "adaam"}, UnknownNameError, "did you mean 'adam'"),
    "optimizer class": ({"optimizer": sw.Adam}, ConfigurationError, r"write Adam\(\)"),
    "optimizer number": ({"optimizer": 0.1}, ConfigurationError, "no Optimizer"),
    "unknown metric": ({"metrics": ["acuracy"]}, UnknownNameError, "did you mean 'accuracy'"),
    "metric number": ({"metrics": [3]}, UnknownNameError, "unknown metric 3"),
    "metric of another task": ({"metrics": "r2"}, ConfigurationError, "r2 does not fit"),
    "metric twice": ({"metrics": ["accuracy", "accuracy"]}, ConfigurationError, "'accuracy' is there twice"),
    "two lambdas": ({"metrics": [lambda p, t: 0.0, lambda p, t: 1.0]}, ConfigurationError, "<lambda>' is there twice"),
    "metric called loss": ({"metrics": {"loss": "accuracy"}}, ConfigurationError, "another entry of the history"),
    "unknown engine": ({"engine": "numba"}, ConfigurationError, "engine is one of 'auto', 'numpy'"),
    "epochs 0": ({"epochs": 0}, ConfigurationError, "epochs is a whole number of at least 1; received 0"),
    "epochs 1.5": ({"epochs": 1.5}, ConfigurationError, "epochs"),
    "epochs True": ({"epochs": True}, ConfigurationError, "epochs"),
    "epochs None": ({"epochs": None}, ConfigurationError, "epochs"),
    "batch of 0": ({"batch_size": 0}, ConfigurationError, "batch_size is a whole number of at least 1, or None"),
    "batch of 2.5": ({"batch_size": 2.5}, ConfigurationError, "batch_size"),
    "batch of text": ({"batch_size": "32"}, ConfigurationError, "batch_size"),
    "seed -1": ({"seed": -1}, ConfigurationError, "seed"),
    "seed None": ({"seed": None}, ConfigurationError, "seed"),
    "seed text": ({"seed": "a"}, ConfigurationError, "seed"),
    "threads 0": ({"threads": 0}, ConfigurationError, "threads"),
    "threads 1.5": ({"threads": 1.5}, ConfigurationError, "threads"),
    "clip_norm 0": ({"clip_norm": 0}, ConfigurationError, "clip_norm"),
    "regularizer number": ({"regularizer": 0.01}, ConfigurationError, r"write for example L2\(1e-4\)"),
    "no parameters": ({"network": sw.Sequential([sw.ReLU()]), "x": X[:, :2]}, ConfigurationError, "no parameters to train"),
    "weights negative": ({"sample_weight": Y - 0.5}, DataError, "at least 0"),
    "weights too large": ({"sample_weight": np.full(20, 1e308)}, DataError, "their sum is infinite"),
    "weights all 0": ({"sample_weight": Y * 0}, DataError, "not all 0"),
    "weights NaN": ({"sample_weight": NAN[:, 2]}, DataError, "sample_weight holds NaN at row 3"),
    "weights too few": ({"sample_weight": Y[:-1]}, ShapeError, r"sample_weight needs one number per row, shape \(20,\)"),
    "weights in a column": ({"sample_weight": np.ones((20, 1))}, ShapeError, "sample_weight"),
    "split 1": ({"validation_split": 1.0}, ConfigurationError, "validation_split"),
    "split negative": ({"validation_split": -0.1}, ConfigurationError, "validation_split"),
    "split text": ({"validation_split": "a"}, ConfigurationError, "validation_split"),
    "split and data": ({"validation_split": 0.2, "validation_data": (X, Y)}, ConfigurationError, "not both"),
    "split of a lone class": ({"y": np.eye(20)[0].astype(int), "validation_split": 0.2}, DataError, "give validation_data$"),
    "validation no pair": ({"validation_data": X}, ConfigurationError, "validation_data is a tuple"),
    "validation of other rows": ({"validation_data": (X[:, :3], Y)}, ShapeError, r"built for validation x of shape \(N, 4\)"),
    "validation NaN": ({"validation_data": (NAN, Y)}, DataError, "validation x holds NaN"),
    "validation labels": ({"validation_data": (X, Y + 5)}, DataError, "validation y holds label 6"),
    "validation weights": ({"validation_data": (X, Y, -Y)}, DataError, "validation sample_weight"),
    "a callback class": ({"callbacks": [sw.EarlyStopping]}, ConfigurationError, r"write EarlyStopping\(\)"),
    "a function": ({"callbacks": [print]}, ConfigurationError, r"Monitor\(function\)"),
    "no list": ({"callbacks": sw.EarlyStopping()}, ConfigurationError, "callbacks is a list"),
    "dropout with LBFGS": (
        {"network": sw.Sequential([sw.Sequential([sw.Dropout(0.1)]), sw.Dense(2)]), "optimizer": "lbfgs"},
        ConfigurationError,
        "leave Dropout out",
    ),
}


@pytest.mark.parametrize(("wrong", "error", "words"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_error_and_an_unbuilt_network_stays_so(wrong, error, words):
    wrong = dict(wrong)
    network = wrong.pop("network", None) or sw.Sequential([sw.Dense(3), sw.ReLU(), sw.Dense(2)])
    with pytest.raises(error, match=words) as caught:
        fit(network, **wrong)
    assert isinstance(caught.value, ScratchworkError)
    assert "\n" not in str(caught.value)
    assert not network.built


@pytest.mark.parametrize(("wrong", "error", "words"), BAD.values(), ids=BAD.keys())
def test_and_a_built_one_keeps_every_number(wrong, error, words):
    network = sw.Sequential([sw.Dense(3), sw.ReLU(), sw.Dense(2)])
    fit(network)
    before = network.flat().value.copy()
    settings = {"epochs": 0} if "network" in wrong else wrong
    with pytest.raises(ScratchworkError):
        fit(network, **settings)
    assert network.built
    assert np.array_equal(network.flat().value, before)
    assert network.epochs_seen == 1


@pytest.mark.parametrize(
    ("loss", "last", "instead"),
    [
        (sw.SoftmaxCrossEntropy(), sw.Softmax(), "CategoricalCrossEntropy"),
        (sw.SigmoidBinaryCrossEntropy(), sw.Sigmoid(), "Mean"),
    ],
)
def test_a_link_that_would_be_taken_twice_is_warned_of(loss, last, instead):
    network = sw.Sequential([sw.Dense(1 if loss.link == "sigmoid" else 2), sw.Sequential([last])])
    with pytest.warns(
        UserWarning, match=f"takes logits and the network ends in .*leave that layer out, or use {instead}"
    ) as caught:
        assert sw.fit(network, X, Y, loss=loss, optimizer="adam", epochs=1, progress=False).epochs == 1
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize("thing", [[sw.Dense(2)], sw.Dense(2), sw.Sequential, None, sw.Model(one_output())], ids=repr)
def test_only_a_network_is_trained(thing):
    with pytest.raises(ConfigurationError, match=r"fit trains a Sequential\(\[...\]\); received"):
        sw.fit(thing, X, Y, loss="SoftmaxCrossEntropy", optimizer="adam")


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((20, 2, 2)) + RNG.normal(size=(20, 2, 2)), "as many numbers in another shape"),
        (X[:, :3], r"built for x of shape \(N, 4\), received \(20, 3\)"),
    ],
)
def test_rows_of_another_shape_than_the_network_was_built_for(x, words):
    network = sw.Sequential([sw.Dense(2)])
    network.build(4)
    with pytest.raises(ShapeError, match=words):
        fit(network, x=x)


def test_transposed_rows():
    network = sw.Sequential([sw.Dense(2)])
    network.build(20)
    with pytest.raises(ShapeError, match="is x transposed"):
        fit(network, x=np.arange(20 * 7.0).reshape(20, 7), y=Y)


@pytest.mark.parametrize(
    "y",
    [Y.tolist(), Y[:, None], Y.astype(bool), Y.astype(float), Y.astype(np.uint8), Y.astype(object), np.eye(2)[Y], tuple(Y)],
    ids=["list", "column", "bool", "float", "uint8", "object", "one-hot", "tuple"],
)
def test_every_form_of_labels_trains_alike(y):
    networks = [sw.Sequential([sw.Dense(2)]) for _ in range(2)]
    fit(networks[0])
    fit(networks[1], y=y)
    assert np.array_equal(networks[0].flat().value, networks[1].flat().value)


def test_soft_rows_with_one_largest_class_are_no_single_class():
    soft = np.stack([0.6 + 0.03 * np.arange(10).repeat(2), 0.4 - 0.03 * np.arange(10).repeat(2)], axis=1)
    assert np.isfinite(fit(y=soft)["loss"][0])


@pytest.mark.parametrize(
    "names", [("softmax_cross_entropy", "adam"), ("SoftmaxCrossEntropy", "ADAM"), ("softmax-cross-entropy", "lbfgs")]
)
def test_names_in_any_spelling(names):
    assert fit(loss=names[0], optimizer=names[1]).epochs == 1


def test_none_and_a_single_name_are_taken_where_a_list_is_meant():
    assert list(fit(metrics=None, callbacks=None)) == ["loss", "learning_rate", "seconds"]
    assert list(fit(metrics="accuracy")) == ["loss", "accuracy", "learning_rate", "seconds"]
    assert "mine" in fit(metrics={"mine": lambda prediction, target: 1.0})


def test_initializers_by_unknown_names():
    with pytest.raises(UnknownNameError, match="did you mean 'he_normal'"):
        sw.Dense(3, weight_initializer="he_norml")
