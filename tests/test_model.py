"""Raw rows in, labels or numbers out: what fit finds, what stays with the model, and what is refused."""

import numpy as np
import pytest

import scratchwork as sw
from scratchwork import preprocessing as prep
from scratchwork.errors import ConfigurationError, DataError, NotBuiltError, ScratchworkError, ShapeError

RNG = np.random.default_rng(0)
CENTRES = np.array([[4.0, 0, 0], [0, 4, 0], [0, 0, 4]])
K = np.arange(90) % 3
X = CENTRES[K] + RNG.normal(size=(90, 3))
SIGN = (X[:, 0] > X[:, 1]).astype(int)


def model(outputs=3, *more, **settings):
    return sw.Model(sw.Sequential([sw.Dense(8), sw.Tanh(), sw.Dense(outputs), *more]), **settings)


def fit(thing, x=X, y=K, **settings):
    usual = {"loss": "SoftmaxCrossEntropy", "optimizer": sw.Adam(0.03), "epochs": 15, "progress": False}
    return thing.fit(x, y, **(usual | settings))


NAMES = ["ape", "bee", "cat"]
LABELS = {
    "text": np.array(NAMES)[K],
    "list of text": [NAMES[k] for k in K],
    "objects": np.array([NAMES[k] for k in K], object),
    "variable-width text": np.array([NAMES[k] for k in K], np.dtypes.StringDType()),
    "column": np.array(NAMES)[K][:, None],
    "numbers from 5": K * 2 + 5,
    "negative": K - 1,
    "whole floats": K.astype(float) + 1,
    "uint8": K.astype(np.uint8),
}


@pytest.mark.parametrize("y", LABELS.values(), ids=LABELS.keys())
def test_labels_of_any_kind(y):
    trained = model()
    fit(trained, y=y)
    flat = np.asarray(y).reshape(-1)
    assert trained.labels == sorted({value.item() if hasattr(value, "item") else value for value in flat})
    predicted = trained.predict(X)
    assert predicted.shape == (90,)
    assert (predicted == flat).mean() > 0.9
    p = trained.predict_proba(X)
    assert p.shape == (90, 3)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    assert np.array_equal(np.asarray(trained.labels)[p.argmax(axis=1)], predicted)
    result = trained.evaluate(X, y)
    assert set(result) == {"accuracy", "balanced_accuracy", "log_loss", "confusion"}
    assert result["accuracy"] == (predicted == flat).mean()
    assert result["confusion"].sum() == 90
    assert result["log_loss"] == pytest.approx(-np.log(p[np.arange(90), K]).mean(), rel=1e-5)


@pytest.mark.parametrize("y", [SIGN.astype(bool), SIGN * 2 - 1, np.array(["no", "yes"])[SIGN], SIGN[:, None]], ids=str)
@pytest.mark.parametrize("loss", ["SigmoidBinaryCrossEntropy", "BinaryHinge"])
def test_two_classes_on_one_output(y, loss):
    trained = model(1)
    fit(trained, y=y, loss=loss)
    predicted = trained.predict(X)
    assert predicted.dtype == np.asarray(trained.labels).dtype
    assert (predicted == y.reshape(-1)).mean() > 0.9
    result = trained.evaluate(X, y)
    assert result["accuracy"] == (predicted == y.reshape(-1)).mean()
    assert result["confusion"].shape == (2, 2)
    if loss == "BinaryHinge":
        assert "log_loss" not in result
        with pytest.raises(ConfigurationError, match="gives no probabilities"):
            trained.predict_proba(X)
    else:
        p = trained.predict_proba(X)
        assert p.shape == (90, 2)
        assert np.array_equal(p[:, 1] > 0.5, predicted == trained.labels[1])
        assert result["log_loss"] == pytest.approx(-np.log(p[np.arange(90), SIGN]).mean(), rel=1e-4)


def test_several_attributes():
    y = np.stack([SIGN, K == 2], axis=1)
    trained = model(2, labels=["wide", "tall"])
    fit(trained, y=y, loss="SigmoidBinaryCrossEntropy", epochs=40)
    predicted = trained.predict(X)
    assert predicted.dtype == bool
    assert (predicted == y).mean() > 0.9
    assert trained.labels == ["wide", "tall"]
    assert trained.predict_proba(X).shape == (90, 2)
    assert trained.evaluate(X, y)["accuracy"] == pytest.approx((predicted == y).mean())
    with pytest.raises(ShapeError):
        trained.evaluate(X, SIGN)


@pytest.mark.parametrize("loss", ["MulticlassHinge", "SquaredHinge"])
def test_a_hinge_has_labels_and_no_probabilities(loss):
    trained = model()
    fit(trained, y=LABELS["text"], loss=loss)
    assert (trained.predict(X) == LABELS["text"]).mean() > 0.9
    assert set(trained.evaluate(X, LABELS["text"])) == {"accuracy", "balanced_accuracy", "confusion"}
    with pytest.raises(ConfigurationError, match="no probabilities"):
        trained.predict_proba(X)


def test_a_softmax_layer_gives_the_probabilities_itself():
    trained = model(3, sw.Softmax())
    fit(trained, y=LABELS["text"], loss="CategoricalCrossEntropy")
    assert np.array_equal(trained.predict_proba(X), trained.scores(X))
    assert (trained.predict(X) == LABELS["text"]).mean() > 0.9


@pytest.mark.parametrize("shape", [(90,), (90, 1), (90, 2)])
def test_regression(shape):
    y = (X[:, : shape[1] if len(shape) > 1 else 1] * 2 + 1).reshape(shape)
    trained = model(1 if len(shape) == 1 else shape[1], preprocessing=[prep.Standardize()])
    fit(trained, y=y, loss="MeanSquaredError", epochs=60)
    predicted = trained.predict(X)
    assert predicted.shape == ((90,) if shape[-1] != 2 else (90, 2))
    result = trained.evaluate(X, y)
    error = predicted.reshape(90, -1) - y.reshape(90, -1)
    assert result["rmse"] == pytest.approx(np.sqrt((error.astype(float) ** 2).mean()), rel=1e-5)
    assert result["r2"] > 0.8
    assert trained.labels is None
    with pytest.raises(ConfigurationError, match="a regression gives no probabilities"):
        trained.predict_proba(X)


def test_counts_are_predicted_as_means():
    y = RNG.poisson(np.exp(X[:, 0] / 4))
    trained = model(1, preprocessing=[prep.Standardize()])
    fit(trained, y=y, loss="Poisson")
    np.testing.assert_allclose(trained.predict(X), np.exp(trained.scores(X)[:, 0]), rtol=1e-6)
    error = trained.predict(X) - y
    assert trained.evaluate(X, y)["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-5)
    trained.network[2].bias.value += 1e4  # beyond float32: infinite, without a warning
    assert np.isinf(trained.predict(X)).all()


def test_one_hot_rows_name_no_classes():
    trained = model()
    fit(trained, y=np.eye(3)[K])
    assert trained.labels is None
    assert (trained.predict(X) == K).mean() > 0.9
    assert trained.evaluate(X, K)["accuracy"] == trained.evaluate(X, np.eye(3)[K])["accuracy"]
    with pytest.raises(DataError, match="text where numbers belong"):
        trained.evaluate(X, LABELS["text"])


def test_class_numbers_stand_for_names():
    trained = model(labels=NAMES)
    fit(trained, y=K)
    assert (trained.predict(X) == LABELS["text"]).mean() > 0.9
    assert trained.evaluate(X, K)["accuracy"] == trained.evaluate(X, LABELS["text"])["accuracy"]
    with pytest.raises(DataError, match=r"y holds the label 3 \(row 0\).*it knows 'ape', 'bee', 'cat'"):
        trained.evaluate(X, K + 3)


def test_class_numbers_may_leave_classes_out():
    trained = model(5)
    fit(trained, y=K + 1)
    assert trained.labels == [0, 1, 2, 3, 4]
    assert (trained.predict(X) == K + 1).mean() > 0.9


# -- the training part ---------------------------------------------------------------------------------------------


def test_preprocessing_is_fitted_on_the_training_part_only():
    x = X.copy()
    trained = model(preprocessing=[prep.Standardize()])
    history = fit(trained, x=x, validation_split=0.3, seed=4, epochs=1)
    kept, held = sw.data.split_indices(K, 0.3, seed=4)
    np.testing.assert_allclose(trained.preprocessing.steps[0].mean_, X[kept].mean(axis=0), rtol=1e-12)
    x[held] += 1e3  # what is held out changes nothing that was learned
    other = model(preprocessing=[prep.Standardize()])
    assert fit(other, x=x, validation_split=0.3, seed=4, epochs=1)["loss"] == history["loss"]
    assert np.array_equal(other.network.flat().value, trained.network.flat().value)
    data = sw.SoftmaxCrossEntropy().value_and_grad(trained.scores(X[held]), K[held])[0]
    assert history["val_loss"][0] == pytest.approx(data, rel=1e-5)


def test_weights_go_with_their_rows_through_the_split():
    kept, held = sw.data.split_indices(K, 0.3, seed=4)
    weight = RNG.uniform(0.5, 2, 90)
    one, two = model(), model()
    split = fit(one, sample_weight=weight, validation_split=0.3, seed=4, epochs=2)
    given = fit(
        two,
        x=X[kept],
        y=K[kept],
        sample_weight=weight[kept],
        validation_data=(X[held], K[held], weight[held]),
        seed=4,
        epochs=2,
    )
    assert split["loss"] == given["loss"]
    assert split["val_loss"] == given["val_loss"]


def test_validation_data_has_labels_and_raw_rows():
    trained = model(preprocessing=[prep.Standardize()])
    history = fit(trained, y=LABELS["text"], validation_data=(X, LABELS["text"]), metrics=["accuracy"])
    assert history["val_accuracy"][-1] == trained.evaluate(X, LABELS["text"])["accuracy"]


def test_the_record_says_how_it_was_trained():
    trained = model()
    history = fit(trained, epochs=2, seed=3)
    assert trained.record["loss"] == "SoftmaxCrossEntropy()"
    assert trained.record["optimizer"].startswith("Adam(")
    assert (trained.record["epochs"], trained.record["seed"], trained.record["stopped"]) == (2, 3, "epochs")
    assert trained.record["last"]["loss"] == history["loss"][-1]


def test_training_on_keeps_labels_and_preprocessing():
    trained = model(preprocessing=[prep.Standardize()])
    fit(trained, y=LABELS["text"], epochs=3)
    mean = trained.preprocessing.steps[0].mean_.copy()
    fit(trained, x=X + 100, y=LABELS["text"], epochs=1)
    assert np.array_equal(trained.preprocessing.steps[0].mean_, mean)
    assert trained.network.epochs_seen == 4
    with pytest.raises(DataError, match=r"y holds the label 'dog' \(row 1\), which the model does not know"):
        fit(trained, y=["cat", "dog", *LABELS["text"][2:]])


# -- what is refused -----------------------------------------------------------------------------------------------

HALF = np.where(np.arange(90) == 7, 0.5, K)
REFUSED = {
    "mixed": ({"y": ["ape", 1] * 45}, DataError, "y mixes text and other values"),
    "missing text": ({"y": np.array(["ape", None, "cat"] * 30, object)}, DataError, "y mixes text"),
    "NaN": ({"y": np.where(K == 1, np.nan, K)}, DataError, "y holds NaN at row 1"),
    "fractions": ({"y": HALF}, DataError, "use a regression loss"),
    "dates": ({"y": np.full(90, "2024-01-01", "datetime64[D]")}, DataError, "y holds dates"),
    "one class": ({"y": ["ape"] * 90}, DataError, r"y holds one class only \('ape'\)"),
    "too many": ({"y": np.array(["a", "b", "c", "d"])[np.arange(90) % 4]}, ConfigurationError, "the last layer needs 4"),
    "too few": ({"y": np.array(["a", "b"])[SIGN]}, ConfigurationError, "the last layer needs 2"),
    "three for a yes or no": ({"y": K, "loss": "SigmoidBinaryCrossEntropy"}, DataError, "one output tells two apart"),
    "text for a regression": ({"y": LABELS["text"], "loss": "MeanSquaredError"}, DataError, "text where numbers belong"),
    "ragged": ({"y": [[1], [1, 2]] * 45}, DataError, "different lengths"),
    "length": ({"y": K[:-1]}, ShapeError, "x has 90 rows and y has 89"),
    "NaN in x": ({"x": np.where(X > 5, np.nan, X)}, DataError, "x holds NaN"),
    "split": ({"validation_split": 2}, ConfigurationError, "validation_split"),
    "both": ({"validation_split": 0.1, "validation_data": (X, K)}, ConfigurationError, "not both"),
    "validation labels": ({"validation_data": (X, K + 5)}, DataError, "validation y holds the label 5"),
    "validation NaN": ({"validation_data": (X * np.nan, K)}, DataError, "validation x holds NaN"),
    "weights": ({"sample_weight": np.ones(91), "validation_split": 0.1}, ShapeError, "sample_weight needs one number per row"),
    "seed": ({"seed": "x", "validation_split": 0.1}, ConfigurationError, "seed"),
    "epochs": ({"epochs": 0}, ConfigurationError, "epochs"),
    "setting": ({"epoch": 5}, TypeError, "epoch"),
}


@pytest.mark.parametrize(("wrong", "error", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_leaves_no_trace(wrong, error, words):
    trained = model(preprocessing=[prep.Standardize()])
    with pytest.raises(error, match=words):
        fit(trained, **wrong)
    assert not trained.network.built
    assert trained.labels is None
    fit(trained, y=LABELS["text"], epochs=1)
    assert trained.labels == NAMES
    np.testing.assert_allclose(trained.preprocessing.steps[0].mean_, X.mean(axis=0), rtol=1e-9)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"labels": ["a", "a"]}, "each once"),
        ({"labels": ["a", 1]}, "all text or all whole numbers"),
        ({"labels": "abc"}, "labels is a list"),
        ({"labels": [0.5, 1]}, "whole numbers"),
        ({"labels": ["a"]}, "two different labels"),
        ({"task": "classes"}, "task is one of"),
        ({"link": "log"}, "link is one of"),
        ({"image_shape": 28}, "image_shape is"),
        ({"image_shape": (28, 0)}, "image_shape is"),
        ({"preprocessing": prep.Standardize()}, "list of transformers"),
        ({"preprocessing": [prep.Standardize]}, "is a transformer, such as"),
    ],
)
def test_settings_that_make_no_sense(settings, words):
    with pytest.raises(ConfigurationError, match=words):
        model(**settings)


def test_a_model_holds_a_network():
    with pytest.raises(ConfigurationError, match=r"Sequential\(\[...\]\)"):
        sw.Model([sw.Dense(2)])


def test_rows_that_preprocessing_makes_infinite():
    trained = model(preprocessing=[prep.Rescale(1e60)])
    with pytest.raises(DataError, match=r"^x after preprocessing holds an infinity at row 0"):
        fit(trained, x=X.astype(np.float32))
    trained = model(preprocessing=[prep.Rescale(1e10)])
    fit(trained, epochs=1)
    with pytest.raises(DataError, match=r"^x after preprocessing holds an infinity"):
        trained.predict((X * 1e30).astype(np.float32))


def test_use():
    trained = model(image_shape=(1, 3))
    for call in (trained.predict, trained.predict_proba, trained.scores):
        with pytest.raises(NotBuiltError, match="call fit first"):
            call(X)
    fit(trained, x=X.reshape(90, 1, 3), y=LABELS["text"])
    assert np.array_equal(trained.predict(X.reshape(90, 1, 3)), trained.predict(X.tolist()))
    assert trained.predict(X[:0]).shape == (0,)
    assert trained.predict_proba(X[:0]).shape == (0, 3)
    for wrong, words in (
        (X[0], r"one row is x\[None\]"),
        (X * np.nan, "x holds NaN at row 0"),
        (X[:, :2], r"received \(90, 2\)"),
        (["a"], "text"),
    ):
        with pytest.raises(ScratchworkError, match=words):
            trained.predict(wrong)
    with pytest.raises(
        DataError, match=r"the label 'dog' \(row 1\), which the model does not know; it knows 'ape', 'bee', 'cat'"
    ):
        trained.evaluate(X[:2], ["ape", "dog"])
    for x, y in ((X, K[:-1]), (X[:0], []), (X, "ape")):
        with pytest.raises(ScratchworkError):
            trained.evaluate(x, y)


def test_a_model_around_a_network_that_fit_has_trained():
    network = sw.Sequential([sw.Dense(3)])
    sw.fit(network, X, K, loss="SoftmaxCrossEntropy", optimizer="adam", epochs=1, progress=False)
    plain = sw.Model(network)
    assert np.array_equal(plain.predict(X), network.predict(X))
    with pytest.raises(ConfigurationError, match="does not know what its outputs mean"):
        plain.predict_proba(X)
    named = sw.Model(network, labels=NAMES, task="multiclass", link="softmax")
    assert set(named.predict(X)) <= set(NAMES)


@pytest.mark.parametrize("column", [True, False], ids=["column", "flat"])
def test_a_column_of_text_goes_to_one_hot(column, tmp_path):
    x = np.array(["red", "green", "blue"], dtype=object)[K]
    x = x[:, None] if column else x
    colours = sw.Model(sw.Sequential([sw.Dense(3)]), preprocessing=[prep.OneHot()])
    history = fit(colours, x, optimizer=sw.Adam(0.1), epochs=20, validation_split=0.2, metrics="accuracy")
    assert history["val_accuracy"][-1] == 1.0
    sw.save(colours, tmp_path / "a.safetensors")
    again = sw.load(tmp_path / "a.safetensors")
    assert again.predict(x).tolist() == K.tolist()
    assert again.predict(["blue"]).tolist() == [2]
    assert again.evaluate(x, K)["accuracy"] == 1.0
    with pytest.raises(DataError, match="'violet'"):
        again.predict(["violet"])
    with pytest.raises(DataError, match="different lengths"):
        again.predict([["red"], ["red", "blue"]])
