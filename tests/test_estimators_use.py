"""The estimators among scikit-learn's tools, and every kind of target, loss, network and calibration."""

import warnings
from functools import partial

import numpy as np
import pytest
import sklearn
from scipy import sparse
from scipy.stats import binom
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.inspection import permutation_importance
from sklearn.metrics import (
    accuracy_score,
    log_loss,
    make_scorer,
    mean_absolute_error,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
)
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import scratchwork as sw
from scratchwork.errors import ConfigurationError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(11)
X = RNG.normal(size=(240, 3))
Y = (X[:, 0] > 0).astype(int) + (X[:, 0] + X[:, 1] > 1.0)
NAMES = np.array(["low", "middle", "top"])[Y]
NUMBERS = 3.0 * X[:, 0] - X[:, 1]
QUICK = {"hidden_layer_sizes": (8,), "learning_rate_init": 0.03, "max_iter": 25, "random_state": 0}


def classifier(**settings):
    return sw.Classifier(**{**QUICK, **settings})


def regressor(**settings):
    return sw.Regressor(**{**QUICK, **settings})


# -- among scikit-learn's tools ----------------------------------------------------------------------------------------


def test_pipelines_and_cross_validation():
    pipe = make_pipeline(StandardScaler(), classifier())
    assert cross_val_score(pipe, X * 1e3, NAMES, cv=3).min() > 0.8
    assert cross_val_predict(pipe, X, NAMES, cv=3, method="predict_proba").shape == (240, 3)
    assert cross_val_score(make_pipeline(StandardScaler(), regressor()), X, NUMBERS, cv=3).min() > 0.9
    texts = ["good fine great", "bad awful poor", "fine great", "poor awful"] * 10
    words = make_pipeline(TfidfVectorizer(), classifier(max_iter=60)).fit(texts, [1, 0] * 20)
    assert words.predict(["a great, fine day", "an awful one"]).tolist() == [1, 0]
    scaled = TransformedTargetRegressor(regressor(), transformer=StandardScaler()).fit(X, 1e5 * NUMBERS)
    assert scaled.score(X, 1e5 * NUMBERS) > 0.9


def test_a_grid_is_searched_in_processes():
    grid = {"classifier__hidden_layer_sizes": [(), (8,)], "classifier__alpha": [1e-4, 100.0]}
    search = GridSearchCV(make_pipeline(StandardScaler(), classifier()), grid, cv=2, n_jobs=2, error_score="raise")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # loky's workers have filters of their own
        search.fit(X, NAMES)
    assert search.best_params_["classifier__alpha"] == 1e-4
    assert search.best_score_ > 0.8
    assert len(search.cv_results_["mean_test_score"]) == 4
    here = clone(search.best_estimator_).fit(X, NAMES)  # a process gives what this one gives
    np.testing.assert_array_equal(here.predict_proba(X), search.best_estimator_.predict_proba(X))


def test_calibrated_voting_and_several_outputs():
    calibrated = CalibratedClassifierCV(classifier(), cv=2).fit(X, NAMES)
    assert calibrated.score(X, NAMES) > 0.8
    hinge = CalibratedClassifierCV(classifier(loss="hinge"), cv=2).fit(X, NAMES)  # gives scores probabilities
    np.testing.assert_allclose(hinge.predict_proba(X).sum(axis=1), 1.0)
    votes = VotingClassifier([("one", classifier()), ("two", classifier(activation="tanh"))], voting="soft")
    assert votes.fit(X, NAMES).score(X, NAMES) > 0.8
    several = MultiOutputClassifier(classifier()).fit(X, np.c_[Y, Y > 0])
    assert several.predict(X).shape == (240, 2)
    importance = permutation_importance(classifier().fit(X, Y), X, Y, n_repeats=3, random_state=0).importances_mean
    assert importance.argmax() == 0
    assert importance[2] < importance[1]


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_columns_are_transformed_into_frames(container):
    library = pytest.importorskip(container)
    frame = library.DataFrame({"size": X[:, 0], "other": X[:, 1], "town": ["a", "b", "c"] * 80})
    columns = ColumnTransformer(
        [("scale", StandardScaler(), ["size", "other"]), ("town", OneHotEncoder(sparse_output=False), ["town"])],
        verbose_feature_names_out=False,
    ).set_output(transform=container)
    pipe = make_pipeline(columns, classifier()).fit(frame, NAMES)
    assert pipe.score(frame, NAMES) > 0.8
    assert pipe[-1].feature_names_in_.tolist() == ["size", "other", "town_a", "town_b", "town_c"]


def test_weights_are_routed():
    weight = np.where(Y == 1, 5.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = classifier().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        pipe = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
        pipe.fit(X, Y, sample_weight=weight)
        alone = classifier().fit(StandardScaler().fit_transform(X), Y, sample_weight=weight)
        np.testing.assert_array_equal(pipe[-1].coefs_[0], alone.coefs_[0])
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        search = GridSearchCV(pipe, {"classifier__alpha": [1e-4]}, cv=2, scoring=scorer).fit(X, Y, sample_weight=weight)
        np.testing.assert_array_equal(search.best_estimator_[-1].coefs_[0], alone.coefs_[0])
        chunk = classifier().set_partial_fit_request(classes=True, sample_weight=True)
        assert chunk.get_metadata_routing().partial_fit.requests == {"classes": True, "sample_weight": True}
        held = make_pipeline(classifier(early_stopping=True, max_iter=3).set_fit_request(validation_data=True))
        held.fit(X, Y, validation_data=(X[:9], Y[:9]))
        assert len(held[-1].validation_scores_) == 3


# -- targets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [[False, True], ["no", "yes"], np.array(["no", "yes"], object), [-1.0, 1.0], [3, 8]],
    ids=lambda labels: str(np.asarray(labels).dtype),
)
def test_two_classes_of_every_kind(labels):
    labels = np.asarray(labels)
    y = labels[(X[:, 0] > 0).astype(int)]
    model = classifier().fit(X, y)
    assert model.classes_.tolist() == labels.tolist()
    assert model.predict(X).dtype == model.classes_.dtype
    assert model.score(X, y) > 0.95
    p, scores = model.predict_proba(X), model.decision_function(X)
    assert (p.shape, scores.shape, model.out_activation_, model.n_outputs_) == ((240, 2), (240,), "logistic", 1)
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    np.testing.assert_array_equal(model.predict(X) == labels[1], scores > 0)
    np.testing.assert_allclose(p[:, 1], 1.0 / (1.0 + np.exp(-scores)), rtol=1e-9)
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(p))


def test_several_classes_and_labels():
    model = classifier().fit(X, NAMES)
    np.testing.assert_array_equal(model.classes_[model.predict_proba(X).argmax(axis=1)], model.predict(X))
    np.testing.assert_array_equal(model.classes_[model.decision_function(X).argmax(axis=1)], model.predict(X))
    assert (model.out_activation_, model.n_outputs_, model.n_layers_) == ("softmax", 3, 3)
    marks = np.c_[X[:, 0] > 0, X[:, 1] > 0, X[:, 0] + X[:, 1] > 0].astype(int)
    for y in (marks, sparse.csr_matrix(marks), sparse.csr_array(marks), marks.astype(bool)):
        several = classifier(max_iter=60).fit(X, y)
        assert several.predict(X).shape == several.predict_proba(X).shape == (240, 3)
        assert several.score(X, marks) > 0.8
        np.testing.assert_array_equal(several.predict(X) == 1, several.predict_proba(X) > 0.5)
    hinge = classifier(loss="hinge", max_iter=60).fit(X, marks)
    assert hinge.score(X, marks) > 0.8
    stopped = classifier(early_stopping=True).fit(X, marks, validation_data=(X[:50], marks[:50]))
    assert stopped.best_validation_score_ == stopped.score(X[:50], marks[:50])


def test_one_number_or_several():
    assert regressor().fit(X, NUMBERS).predict(X).shape == (240,)
    both = regressor(max_iter=60).fit(X, np.c_[NUMBERS, X[:, 2]])
    assert both.predict(X).shape == (240, 2)
    assert both.score(X, np.c_[NUMBERS, X[:, 2]]) > 0.9
    assert regressor().fit(X, NUMBERS.astype(int)).predict(X).dtype == np.float64
    with pytest.warns(sklearn.exceptions.DataConversionWarning):
        assert regressor().fit(X, NUMBERS[:, None]).predict(X).ndim == 1


# -- losses, optimizers, networks --------------------------------------------------------------------------------------


MEASURES = {
    "squared_error": mean_squared_error,
    "absolute_error": mean_absolute_error,
    "huber": mean_absolute_error,
    "poisson": mean_poisson_deviance,
    "quantile": partial(mean_pinball_loss, alpha=0.9),
}
BEST_CONSTANT = {"squared_error": np.mean, "poisson": np.mean, "quantile": partial(np.quantile, q=0.9)}


@pytest.mark.parametrize("loss", MEASURES)
def test_every_loss_on_numbers_beats_a_constant(loss):
    rng = np.random.default_rng(2)
    y = NUMBERS + rng.standard_t(2, 240) * 0.2
    if loss == "poisson":
        y = rng.poisson(np.exp(1.0 + 0.7 * X[:, 0])).astype(float)
    model = regressor(loss=loss, quantile=0.9, max_iter=60, tol=0.0, n_iter_no_change=99).fit(X, y)
    guess = np.full(240, BEST_CONSTANT.get(loss, np.median)(y))
    assert MEASURES[loss](y, model.predict(X)) < 0.5 * MEASURES[loss](y, guess)
    if loss == "poisson":
        assert model.predict(X).min() > 0
        assert model.out_activation_ == "exp"
    if loss == "quantile":
        assert 0.85 < (y <= model.predict(X)).mean() < 0.95


def test_losses_of_ones_own_and_hinges():
    for loss in ("hinge", "squared_hinge", sw.losses.MulticlassHinge(), sw.losses.SoftmaxCrossEntropy(label_smoothing=0.1)):
        model = classifier(loss=loss).fit(X, NAMES)
        assert model.score(X, NAMES) > 0.8
        assert hasattr(model, "predict_proba") == (getattr(loss, "link", None) == "softmax")
        assert model.decision_function(X).shape == (240, 3)
    for loss in ("hinge", "squared_hinge", sw.losses.SigmoidBinaryCrossEntropy(), sw.losses.SoftmaxCrossEntropy()):
        model = classifier(loss=loss).fit(X, X[:, 0] > 0)
        assert model.score(X, X[:, 0] > 0) > 0.9
        assert model.decision_function(X).shape == (240,)
        np.testing.assert_array_equal(model.decision_function(X) > 0, model.predict(X))
    assert regressor(loss=sw.losses.Huber(delta=0.5), max_iter=60).fit(X, NUMBERS).score(X, NUMBERS) > 0.9
    for wrong in (sw.losses.MeanSquaredError(), "squared_error", sw.losses.SigmoidBinaryCrossEntropy(), None):
        with pytest.raises(ConfigurationError, match=r"loss|fit"):
            classifier(loss=wrong).fit(X, NAMES)
    for wrong in (sw.losses.SoftmaxCrossEntropy(), "log_loss", 3):
        with pytest.raises(ConfigurationError):
            regressor(loss=wrong).fit(X, NUMBERS)


def test_optimizers_schedules_and_callbacks_of_ones_own():
    steps = []

    class Counter(sw.Callback):
        def on_batch_end(self, run):
            steps.append(run.learning_rate)

    schedule = sw.schedules.Cosine(0.05, steps=6)
    model = classifier(schedule=schedule, callbacks=[Counter()], max_iter=3).fit(X, Y)
    np.testing.assert_allclose(steps, [schedule(step) for step in range(6)])
    assert model.callbacks[0] is not None
    assert classifier(optimizer=sw.AdamW(0.03, weight_decay=0.01)).fit(X, Y).score(X, Y) > 0.8
    assert classifier(optimizer="rmsprop").fit(X, Y).score(X, Y) > 0.8
    stop = sw.Monitor(lambda run: setattr(run, "stop", "enough"))
    assert classifier(callbacks=[stop]).fit(X, Y).n_iter_ == 1


def test_a_layer_may_have_an_activation_and_a_rate_of_its_own():
    model = classifier(hidden_layer_sizes=(6, 4), activation=("tanh", "mish"), dropout=(0.0, 0.5), batch_norm=True).fit(X, Y)
    assert [type(layer).__name__ for layer in model.network_.layers] == (
        ["Dense", "BatchNorm", "Tanh", "Dense", "BatchNorm", "Mish", "Dropout", "Dense"]
    )
    for theirs, ours in (("identity", "Linear"), ("logistic", "Sigmoid")):
        assert type(classifier(activation=theirs, max_iter=1).fit(X, Y).network_.layers[1]).__name__ == ours
    linear = classifier(hidden_layer_sizes=(), max_iter=40).fit(X, X[:, 0] > 0)
    assert [c.shape for c in linear.coefs_] == [(3, 1)]
    assert linear.score(X, X[:, 0] > 0) > 0.95


def test_a_network_of_ones_own():
    hidden = [sw.Dense(6), sw.ReLU()]
    for last, y in (([sw.Dense(3)], Y), ([sw.Dense(3), sw.Softmax()], Y), ([sw.Dense(2)], Y > 0), ([sw.Dense(1)], Y > 0)):
        own = sw.Sequential([*(sw.Dense(6), sw.ReLU()), *last])
        model = classifier(network=own, max_iter=40).fit(X, y)
        assert not own.built
        assert model.score(X, y) > 0.8
        np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)
        np.testing.assert_array_equal(model.classes_[model.predict_proba(X).argmax(axis=1)], model.predict(X))
    ready = sw.Sequential([*hidden, sw.Dense(3)])
    ready.build(3, rng=5, dtype=np.float64)
    start = ready.layers[0].weight.value.copy()
    model = classifier(network=ready, max_iter=1, learning_rate_init=1e-9).fit(X, Y)
    np.testing.assert_allclose(model.coefs_[0], start, atol=1e-6)
    np.testing.assert_array_equal(ready.layers[0].weight.value, start)
    for wrong, y in (
        (sw.Sequential([sw.Dense(5)]), Y),
        (sw.Sequential([sw.Dense(3)]), Y > 0),
        (sw.Sequential([sw.Dense(2)]), Y),
    ):
        with pytest.raises(ConfigurationError, match=r"its last layer is Dense\([123]\)"):
            classifier(network=wrong).fit(X, y)
    with pytest.raises(ValueError, match=r"features|shape"):
        classifier(network=ready).fit(X[:, :2], Y)
    with pytest.raises(ConfigurationError, match="network is a Sequential"):
        classifier(network="mlp").fit(X, Y)


# -- calibration -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("two", [False, True])
def test_a_temperature_makes_probabilities_believable(two, tmp_path):
    rng = np.random.default_rng(4)
    noisy = np.where(rng.random(240) < 0.25, rng.integers(0, 3, 240), Y)
    noisy = noisy > 0 if two else noisy
    fit_rows, held, fresh = slice(0, 80), slice(80, 160), slice(160, 240)
    over = {"hidden_layer_sizes": (32,), "max_iter": 150, "tol": 0.0, "n_iter_no_change": 200}
    plain = classifier(**over).fit(X[fit_rows], noisy[fit_rows])
    cooled = classifier(**over, calibrate="temperature").fit(
        X[fit_rows], noisy[fit_rows], validation_data=(X[held], noisy[held])
    )
    np.testing.assert_array_equal(cooled.predict(X), plain.predict(X))
    assert cooled.temperature_ > 1.5
    assert log_loss(noisy[held], cooled.predict_proba(X[held])) < log_loss(noisy[held], plain.predict_proba(X[held])) - 0.1
    assert log_loss(noisy[fresh], cooled.predict_proba(X[fresh])) < log_loss(noisy[fresh], plain.predict_proba(X[fresh]))
    np.testing.assert_allclose(cooled.decision_function(X) * cooled.temperature_, plain.decision_function(X), rtol=1e-9)
    sw.save(cooled, tmp_path / "cooled.safetensors")
    model = sw.load(tmp_path / "cooled.safetensors")
    np.testing.assert_allclose(model.predict_proba(X), cooled.predict_proba(X), rtol=1e-12)
    with pytest.raises(ConfigurationError, match="divides logits"):
        classifier(loss="hinge", calibrate="temperature").fit(X, Y)


@pytest.mark.parametrize("targets", [1, 2])
def test_intervals_hold_what_they_promise(targets):
    promised, inside, rows = 0.8, np.zeros(targets), 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        x = rng.uniform(-2, 2, (1400, 1))
        y = x + (0.2 + abs(x)) * rng.normal(size=(1400, targets))
        y = y[:, 0] if targets == 1 else y
        settings = {"loss": "quantile", "quantile": (0.5, 0.1, 0.9), "calibrate": "conformal", "validation_fraction": 0.4}
        model = regressor(**{**settings, "random_state": seed, "max_iter": 10, "preprocess": "standardize"}).fit(
            x[:500], y[:500]
        )
        low, high = np.moveaxis(model.predict_interval(x[500:]), -1, 0)
        assert (low <= high).all()
        inside += ((low <= y[500:]) & (y[500:] <= high)).sum(axis=0)
        rows += 900
        quantiles = model.predict_quantiles(x[500:])
        assert quantiles.shape == ((900, 3) if targets == 1 else (900, targets, 3))
        assert (quantiles[..., 1] <= quantiles[..., 0]).all()  # in the order they were asked for, never crossed
        assert (quantiles[..., 0] <= quantiles[..., 2]).all()
        assert model.predict(x).shape == y.shape
        assert model.margin_.shape == (targets,)
    # what 200 calibration rows leave open beside chance on the fresh ones: a Beta distribution, 0.028 wide
    spread = 3.0 * 0.028 / 2.0
    low_count, high_count = binom.ppf([1e-3, 1 - 1e-3], rows, promised)
    assert (inside > low_count - spread * rows).all()
    assert (inside < high_count + spread * rows).all()


def test_intervals_need_several_quantiles():
    assert not hasattr(regressor(), "predict_interval")
    assert not hasattr(regressor(loss="quantile", quantile=0.9), "predict_quantiles")
    for wrong in ({}, {"loss": "quantile"}, {"loss": "huber", "quantile": (0.1, 0.9)}):
        with pytest.raises(ConfigurationError, match="conformal"):
            regressor(calibrate="conformal", **wrong).fit(X, NUMBERS)
    few = regressor(loss="quantile", quantile=(0.01, 0.99), calibrate="conformal", max_iter=2)
    assert np.isinf(few.fit(X, NUMBERS, validation_data=(X[:5], NUMBERS[:5])).predict_interval(X)).all()
