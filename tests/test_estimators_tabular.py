"""TabularClassifier and TabularRegressor: scikit-learn's own checks, tables of every kind, and that nothing is forgotten."""

import pickle

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("sklearn")

from sklearn.base import clone  # noqa: E402
from sklearn.datasets import load_breast_cancer, load_diabetes, make_classification, make_friedman1  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

import scratchwork as sw  # noqa: E402
from scratchwork.errors import ConfigurationError, DataError  # noqa: E402
from scratchwork.estimators import TabularClassifier, TabularRegressor  # noqa: E402
from scratchwork.realmlp import CLASSIFICATION, REGRESSION  # noqa: E402

SMALL = {"hidden_layer_sizes": (32, 32), "max_iter": 48, "random_state": 0}


@parametrize_with_checks([TabularClassifier(**SMALL), TabularRegressor(**SMALL)])
def test_what_scikit_learn_expects_of_an_estimator(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else a check is left out
    check(estimator)


def people(rows=300, seed=0):
    """A table of every kind of column, in which the answer is known: the city and the age decide, with gaps."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, rows).astype(float),
            "city": pd.Categorical(rng.choice(["Oslo", "Rome", "Lima"], rows)),
            "member": rng.random(rows) < 0.5,
            "income": rng.lognormal(8, 2, rows),
            "since": pd.to_datetime("2020-01-01") + pd.to_timedelta(rng.integers(0, 2000, rows), unit="D"),
        }
    )
    yes = (frame["age"] > 45) ^ (frame["city"] == "Rome").to_numpy()
    frame.loc[::9, "age"] = np.nan
    return frame, np.where(yes, "yes", "no"), frame["age"].fillna(0) / 10 + 3.0 * yes


def test_tables_of_every_kind_go_in_and_labels_come_out():
    frame, labels, numbers = people()
    model = TabularClassifier(hidden_layer_sizes=(64, 64), max_iter=96, random_state=0).fit(frame[:200], labels[:200])
    assert model.feature_names_in_.tolist() == list(frame.columns)
    assert set(model.predict(frame[200:])) == {"yes", "no"}
    assert model.score(frame[200:], labels[200:]) > 0.75
    strange = frame[200:].assign(city="Paris")  # a category that was never seen, and columns in another order
    assert model.predict(strange[frame.columns[::-1]]).shape == (100,)
    with pytest.raises(DataError, match="age"):
        model.predict(frame.drop(columns="age"))
    regressor = TabularRegressor(hidden_layer_sizes=(64, 64), max_iter=96, random_state=0).fit(frame[:200], numbers[:200])
    assert regressor.score(frame[200:], numbers[200:]) > 0.5
    assert "city" in str(model.preprocessing.steps[0])


def test_the_recipe_is_the_default():
    classifier, regressor = TabularClassifier(), TabularRegressor()
    assert classifier._settings() == CLASSIFICATION
    assert regressor._settings() == REGRESSION
    assert (classifier.validation_fraction, classifier.label_smoothing) == (0.2, 0.1)


def test_statistics_come_from_the_training_part_alone():
    X, y = make_friedman1(100, random_state=1)
    held = (np.full((20, 10), 1e6), np.zeros(20))
    model = TabularRegressor(**SMALL).fit(X, y, validation_data=held)
    robust = model.preprocessing_.steps[1]
    np.testing.assert_allclose(robust.median_, np.median(X, axis=0), rtol=1e-6)
    assert len(model.history_["val_loss"]) == 48


def test_the_best_epoch_on_the_given_validation_part_is_kept():
    X, y = load_breast_cancer(return_X_y=True)
    model = TabularClassifier(**SMALL).fit(X[:300], y[:300], validation_data=(X[300:400], y[300:400]))
    scores = model.history_["val_accuracy"]
    assert model.best_epoch_ == len(scores) - scores[::-1].index(max(scores))  # the last of equals
    assert model.score(X[300:400], y[300:400]) == pytest.approx(max(scores))
    assert model.score(X[400:], y[400:]) > 0.9


def test_outputs_are_in_the_units_of_the_target():
    X, y = load_diabetes(return_X_y=True)
    small = TabularRegressor(**SMALL).fit(X, y).predict(X)
    large = TabularRegressor(**SMALL).fit(X, 1000.0 * y + 1e6).predict(X)
    assert np.corrcoef(small, y)[0, 1] > 0.6
    np.testing.assert_allclose(large, 1000.0 * small + 1e6, rtol=1e-4)
    both = TabularRegressor(**SMALL).fit(X, np.column_stack([y, -y])).predict(X)
    assert both.shape == (442, 2)
    assert np.corrcoef(both[:, 0], both[:, 1])[0, 1] < -0.9
    assert np.ptp(TabularRegressor(**SMALL).fit(X, np.full(442, 7.5)).predict(X) - 7.5) < 0.1  # a constant is learned, too


def test_the_same_seed_gives_the_same_model_and_refitting_forgets():
    X, y = load_breast_cancer(return_X_y=True)
    first = TabularClassifier(**SMALL).fit(X, y)
    again = TabularClassifier(**SMALL).fit(X[:100], 1 - y[:100]).fit(X, y)
    other = TabularClassifier(**(SMALL | {"random_state": 1})).fit(X, y)
    np.testing.assert_array_equal(first.predict_proba(X), again.predict_proba(X))
    assert np.abs(first.predict_proba(X) - other.predict_proba(X)).max() > 1e-3
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(first)).predict_proba(X), first.predict_proba(X))


def test_temperature_sharpens_what_label_smoothing_made_cautious():
    X, y = make_classification(800, 8, class_sep=2.0, flip_y=0.02, random_state=0)
    plain = TabularClassifier(**SMALL).fit(X[::2], y[::2])
    sharp = TabularClassifier(**SMALL, calibrate="temperature").fit(X[::2], y[::2])
    assert sharp.temperature_ < 1
    np.testing.assert_array_equal(sharp.predict(X), plain.predict(X))

    def log_loss(model):
        return -np.log(model.predict_proba(X[1::2])[np.arange(len(y[1::2])), y[1::2]]).mean()

    assert log_loss(sharp) < log_loss(plain)


@pytest.mark.parametrize("kind", [TabularClassifier, TabularRegressor])
def test_saved_as_a_model_it_answers_the_same(kind, tmp_path):
    frame, labels, numbers = people(150)
    model = kind(**SMALL).fit(frame, labels if kind is TabularClassifier else numbers)
    sw.save(model.to_model(), tmp_path / "model.safetensors")
    opened = sw.load(tmp_path / "model.safetensors")
    found, wanted = np.asarray(opened.predict(frame)).reshape(-1), model.predict(frame)
    if kind is TabularClassifier:
        assert found.tolist() == wanted.tolist()
    else:
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_few_rows_and_rare_classes_are_no_crash():
    X = np.random.default_rng(0).normal(size=(12, 3))
    y = np.array([0] * 6 + [1] * 5 + [2])
    assert TabularClassifier(**SMALL).fit(X, y).predict_proba(X).shape == (12, 3)
    assert TabularClassifier(**SMALL).fit(X[4:7], y[4:7]).predict(X).shape == (12,)
    assert TabularRegressor(**SMALL).fit(X[:2], y[:2]).predict(X).shape == (12,)
    whole = TabularClassifier(**SMALL, validation_fraction=0).fit(X, y)
    assert whole.best_epoch_ == 48
    assert not [name for name in whole.history_ if name.startswith("val_")]


def test_it_stands_in_pipelines_searches_and_cross_validation():
    X, y = load_breast_cancer(return_X_y=True)
    assert cross_val_score(TabularClassifier(**SMALL), X, y, cv=3).min() > 0.9
    search = GridSearchCV(TabularClassifier(**SMALL), {"label_smoothing": [0.0, 0.1]}, cv=2).fit(X[:200], y[:200])
    assert search.best_score_ > 0.85
    assert repr(clone(search.best_estimator_)) == repr(search.best_estimator_)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_iter": 0}, "max_iter"),
        ({"batch_size": None}, "batch_size"),
        ({"learning_rate_init": 0.0}, "learning_rate_init"),
        ({"label_smoothing": 1.0}, "smoothing"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes"),
        ({"max_categories": 1}, "max_categories"),
        ({"calibrate": "platt"}, "calibrate is 'temperature' or None"),
        ({"calibrate": "temperature", "validation_fraction": 0}, "needs a validation part"),
    ],
)
def test_settings_outside_their_range(settings, message):
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    with pytest.raises(ConfigurationError, match=message):
        TabularClassifier(**(SMALL | settings)).fit(X, y)


def test_data_that_cannot_be_learned_from_say_so():
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    with pytest.raises(DataError, match="several labels per row"):
        TabularClassifier(**SMALL).fit(X, np.column_stack([y, 1 - y]))
    with pytest.raises(DataError, match="every row needs one"):
        TabularClassifier(**SMALL).fit(X, y, validation_data=(X, y[:3]))
    with pytest.raises(ConfigurationError, match=r"validation_data is a tuple \(X, y\)"):
        TabularClassifier(**SMALL).fit(X, y, validation_data=X)
    with pytest.raises(DataError, match="2 targets where 1 belong"):
        TabularRegressor(**SMALL).fit(X, y, validation_data=(X, np.column_stack([y, y])))
