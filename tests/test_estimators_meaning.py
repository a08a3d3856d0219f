"""What the words of the estimators mean, exactly: weights, going on, chunks, the best epoch, seeds, forgetting."""

import io
import itertools
import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.class_weight import compute_sample_weight

import scratchwork as sw
from scratchwork.errors import ConfigurationError, DataError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(7)
X = RNG.normal(size=(90, 4))
Y = (X[:, 0] + 0.5 * RNG.normal(size=90) > 0.3).astype(int) + (X[:, 1] > 0.8)
NUMBERS = X @ [1.0, -2.0, 0.5, 0.0] + 0.1 * RNG.normal(size=90)
NEVER = {"tol": 0.0, "n_iter_no_change": 10_000}  # what is compared must not end early
ENGINES = ["numpy", "compiled"]


def classifier(**settings):
    return sw.Classifier(**{"hidden_layer_sizes": (8,), "max_iter": 6, "random_state": 3, **NEVER, **settings})


def regressor(**settings):
    return sw.Regressor(**{"hidden_layer_sizes": (8,), "max_iter": 6, "random_state": 3, **NEVER, **settings})


def everything(model):
    """All that was learned, as bytes."""
    return [a.tobytes() for a in (*model.coefs_, *model.intercepts_, *(b for _, b in model.network_.buffers()))]


def differs(first, second):
    return everything(first) != everything(second)


# -- weights -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("engine", ENGINES)
def test_weight_2_is_the_row_twice(solver, engine):
    if solver == "lbfgs" and engine == "compiled":
        engine = "auto"  # it runs on NumPy's path
    twice = np.arange(90) % 3 == 0
    rows, weight = np.concatenate([np.arange(90), np.flatnonzero(twice)]), 1.0 + twice
    settings = {"solver": solver, "batch_size": None, "alpha": 0.1, "engine": engine}
    for kind, target in ((classifier, Y), (regressor, NUMBERS)):
        weighed = kind(**settings).fit(X, target, sample_weight=weight)
        repeated = kind(**settings).fit(X[rows], target[rows])
        for a, b in zip([*weighed.coefs_, *weighed.intercepts_], [*repeated.coefs_, *repeated.intercepts_], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
        plain = kind(**settings).fit(X, target)
        assert abs(weighed.coefs_[0] - plain.coefs_[0]).max() > 1e-6
        np.testing.assert_allclose(weighed.loss_, repeated.loss_, rtol=1e-9)


@pytest.mark.parametrize(
    "settings", [{}, {"batch_size": 16}, {"batch_size": 16, "preprocess": "standardize"}, {"solver": "lbfgs"}]
)
def test_weight_0_is_a_row_that_is_not_there(settings):
    weight = np.where(np.arange(90) % 4 == 1, 0.0, 1.5)
    here = weight > 0
    spoiled = X.copy()
    spoiled[~here] = 1e6  # whatever it holds
    for kind, target in ((classifier, Y), (regressor, NUMBERS)):
        assert not differs(
            kind(**settings).fit(spoiled, target, sample_weight=weight),
            kind(**settings).fit(X[here], target[here], sample_weight=weight[here]),
        )
    early = {"early_stopping": True, "validation_fraction": 0.3, **settings}
    assert not differs(
        classifier(**early).fit(spoiled, Y, sample_weight=here.astype(float)),
        classifier(**early).fit(X[here], Y[here], sample_weight=np.ones(here.sum())),
    )


def test_a_class_of_weight_0_is_a_class_that_is_not_there():
    model = classifier().fit(X, Y, sample_weight=Y != 2)
    assert model.classes_.tolist() == [0, 1]
    with pytest.raises(DataError, match="one class only"):
        classifier().fit(X, Y, sample_weight=Y == 2)
    with pytest.raises(DataError, match="every weight is zero"):
        classifier().fit(X, Y, sample_weight=np.zeros(90))
    kept = classifier(class_weight={2: 0}).fit(X, Y)  # here the class is known, and none of its rows is looked at
    assert kept.classes_.tolist() == [0, 1, 2]


def test_class_weight_is_a_sample_weight():
    factors = {0: 1.0, 1: 2.5, 2: 0.5}
    by_row = np.array([factors[label] for label in Y])
    own = np.random.default_rng(0).uniform(0.5, 2.0, 90)
    assert not differs(classifier(class_weight=factors).fit(X, Y), classifier().fit(X, Y, sample_weight=by_row))
    assert not differs(
        classifier(class_weight=factors).fit(X, Y, sample_weight=own), classifier().fit(X, Y, sample_weight=by_row * own)
    )
    assert not differs(classifier(class_weight={1: 2.0}).fit(X, Y), classifier().fit(X, Y, sample_weight=1.0 + (Y == 1)))
    names = np.array(["no", "perhaps", "yes"])[Y]
    assert not differs(
        classifier(class_weight={"yes": 3}).fit(X, names), classifier().fit(X, names, sample_weight=1.0 + 2.0 * (Y == 2))
    )


def test_balanced_is_the_formula_of_scikit_learn():
    balanced = compute_sample_weight("balanced", Y)
    assert not differs(classifier(class_weight="balanced").fit(X, Y), classifier().fit(X, Y, sample_weight=balanced))
    weight = 1.0 + (np.arange(90) % 2)  # with weights, rows count as often as they say
    rows = np.repeat(np.arange(90), weight.astype(int))
    repeated = classifier(class_weight="balanced", batch_size=None).fit(X[rows], Y[rows])
    weighed = classifier(class_weight="balanced", batch_size=None).fit(X, Y, sample_weight=weight)
    np.testing.assert_allclose(weighed.coefs_[0], repeated.coefs_[0], rtol=1e-9, atol=1e-12)


# -- going on ----------------------------------------------------------------------------------------------------------

GOING_ON = {
    "adam": {},
    "adam with a short last batch": {"batch_size": 32},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05, "batch_size": 32},
    "sgd without momentum": {"solver": "sgd", "momentum": 0.0, "batch_size": 32},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1, "batch_size": 20},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.5, "n_iter_no_change": 1, "tol": 0.5},
    "schedule": {"schedule": sw.schedules.Cosine(0.01, 40), "batch_size": 32},
    "optimizer": {"optimizer": sw.AdamW(sw.schedules.Exponential(0.01, decay=0.05), weight_decay=0.01), "batch_size": 32},
    "dropout": {"dropout": 0.3, "batch_size": 32},
    "batch_norm": {"batch_norm": True, "batch_size": 32},
    "float32": {"dtype": "float32", "batch_size": 32},
    "an ensemble": {"n_networks": 3, "bootstrap": True, "batch_size": 32},
}


@pytest.mark.parametrize("name", GOING_ON)
@pytest.mark.parametrize("engine", ENGINES)
def test_n_epochs_and_m_more_are_n_plus_m_bit_for_bit(name, engine):
    settings = {**GOING_ON[name], "engine": engine}
    for kind, target in ((classifier, Y), (regressor, NUMBERS / 4)):
        whole = kind(**{**settings, "max_iter": 7}).fit(X, target)
        parts = kind(**{**settings, "max_iter": 3, "warm_start": True}).fit(X, target)
        before = everything(parts)
        parts = pickle.loads(pickle.dumps(parts))  # also in another process, another day
        parts.set_params(max_iter=4).fit(X, target)
        assert everything(parts) == everything(whole) != before
        assert parts.loss_curve_ == whole.loss_curve_
        assert parts.t_ == whole.t_ == 7 * 90
        if name == "adaptive":
            assert whole.history_["learning_rate"][-1] < 0.5
        anew = kind(**{**settings, "max_iter": 4}).fit(X, target)
        assert differs(anew, whole)


def test_warm_start_wants_the_same_classes_and_targets():
    model = classifier(warm_start=True).fit(X, Y)
    learned = everything(model)
    with pytest.raises(DataError, match="same classes as in the previous call"):
        model.fit(X, np.minimum(Y, 1))
    with pytest.raises(ValueError, match="features"):
        model.fit(X[:, :3], Y)
    assert everything(model) == learned
    numbers = regressor(warm_start=True).fit(X, NUMBERS)
    with pytest.raises(DataError, match="targets"):
        numbers.fit(X, np.c_[NUMBERS, NUMBERS])


def test_going_on_keeps_the_best_epoch_of_all_calls():
    far = {"early_stopping": True, "warm_start": True, "validation_data": (X[:40], Y[:40]), "max_iter": 15}
    model = classifier(learning_rate_init=0.01, **far).fit(X, Y)
    best = model.best_validation_score_
    wild = model.set_params(solver="adam", schedule=sw.schedules.Constant(5.0), max_iter=3).fit(X, Y)
    assert wild.validation_scores_[-3:] < [best] * 3
    assert wild.best_validation_score_ == wild.score(X[:40], Y[:40]) == best


# -- chunks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("settings", [{}, {"solver": "sgd"}, {"dropout": 0.2}, {"batch_norm": True}, {"alpha": 1.0}], ids=repr)
def test_chunks_are_the_batches_of_one_pass(engine, settings):
    order = np.argsort(Y, kind="stable")  # so that a chunk holds one class only
    rows, labels, numbers = X[order], Y[order], NUMBERS[order] / 4
    settings = {**settings, "engine": engine, "batch_size": 16}
    whole = classifier(**settings, max_iter=1, shuffle=False).fit(rows, labels)
    chunked = classifier(**settings)
    edges = [0, 16, 48, 80, 90]  # one batch, two, two, and one that is not full
    for start, end in itertools.pairwise(edges):
        chunked.partial_fit(rows[start:end], labels[start:end], classes=[0, 1, 2])
    assert len(set(labels[:16])) == 1
    assert not differs(whole, chunked)
    whole = regressor(**settings, max_iter=1, shuffle=False).fit(rows, numbers)
    chunked = regressor(**settings)
    for start, end in itertools.pairwise(edges):
        chunked.partial_fit(rows[start:end], numbers[start:end])
    assert not differs(whole, chunked)


def test_one_chunk_is_one_pass_whatever_its_size():
    for batch_size in ("auto", None, 16, 500):
        whole = classifier(max_iter=1, shuffle=False, alpha=1.0, batch_size=batch_size).fit(X, Y)
        assert not differs(whole, classifier(alpha=1.0, batch_size=batch_size).partial_fit(X, Y, classes=[0, 1, 2]))


def test_chunks_after_fit_and_what_they_refuse():
    model = classifier(max_iter=2).fit(X, Y)
    steps, learned = model.t_, everything(model)
    model.partial_fit(X[:10], np.zeros(10, int))
    assert (model.t_, model.n_iter_) == (steps + 10, 1)
    assert everything(model) != learned
    learned = everything(model)
    with pytest.raises(DataError, match="classes"):
        model.partial_fit(X[:10], np.full(10, 9))
    with pytest.raises(DataError, match="not the same as on the first call"):
        model.partial_fit(X[:10], Y[:10], classes=[0, 1])
    assert everything(model) == learned
    with pytest.raises(ConfigurationError, match="classes must be passed"):
        classifier().partial_fit(X, Y)
    with pytest.raises(ConfigurationError, match="early_stopping"):
        classifier(early_stopping=True).partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ConfigurationError, match="balanced"):
        classifier(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ConfigurationError, match="holds no rows out"):
        classifier(calibrate="temperature").partial_fit(X, Y, classes=[0, 1, 2])
    assert not hasattr(classifier(solver="lbfgs"), "partial_fit")
    with pytest.raises(ConfigurationError, match="lbfgs"):
        classifier(optimizer=sw.LBFGS()).partial_fit(X, Y, classes=[0, 1, 2])


def test_a_chunk_may_leave_classes_out_under_warm_start():
    model = classifier(warm_start=True).partial_fit(X, Y, classes=[0, 1, 2])
    assert model.partial_fit(X[Y == 1], Y[Y == 1]).classes_.tolist() == [0, 1, 2]


# -- the best epoch ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_early_stopping_puts_the_best_epoch_back(engine):
    far = {"learning_rate_init": 0.2, "max_iter": 25, "early_stopping": True, "engine": engine, "batch_size": 16}
    held = (X[:30], Y[:30])
    model = classifier(**far).fit(X[30:], Y[30:], validation_data=held)
    assert model.score(*held) == model.best_validation_score_ == max(model.validation_scores_)
    assert model.validation_scores_[-1] < model.best_validation_score_  # it was not simply the last one
    assert model.history_.best_epoch == int(np.argmax(model.validation_scores_)) + 1
    stopped = classifier(**{**far, "max_iter": model.history_.best_epoch, "early_stopping": False}).fit(X[30:], Y[30:])
    assert not differs(stopped, model)
    by_loss = classifier(**far, monitor="val_loss", alpha=0.0).fit(X[30:], Y[30:], validation_data=held)
    assert by_loss.history_.best_epoch == int(np.argmin(by_loss.history_["val_loss"])) + 1
    p = by_loss.predict_proba(held[0])[np.arange(30), held[1]]
    np.testing.assert_allclose(-np.log(p).mean(), min(by_loss.history_["val_loss"]), rtol=1e-12)
    numbers = regressor(**far, validation_data=(X[:30], NUMBERS[:30])).fit(X[30:], NUMBERS[30:])
    np.testing.assert_allclose(numbers.score(X[:30], NUMBERS[:30]), numbers.best_validation_score_, rtol=1e-12)


def test_patience_is_counted_as_scikit_learn_counts():
    model = classifier(tol=10.0, n_iter_no_change=3, max_iter=50)
    assert model.fit(X, Y).n_iter_ == 5  # the first epoch, and more than three without improvement
    assert model.history_.stopped == "converged"
    waiting = classifier(tol=10.0, n_iter_no_change=np.inf, max_iter=8)
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(8\)"):
        waiting.fit(X, Y)
    assert waiting.n_iter_ == 8


def test_validation_is_stratified_and_weighted():
    model = classifier(early_stopping=True, validation_fraction=0.2, class_weight={0: 0.0, 1: 1.0, 2: 1.0}).fit(X, Y)
    assert model.best_validation_score_ <= 1.0
    weight = np.r_[np.ones(15), np.zeros(14), 1.0]
    scored = classifier(early_stopping=True, max_iter=2).fit(X, Y, validation_data=(X[:30], Y[:30], weight))
    assert scored.best_validation_score_ == pytest.approx(scored.score(X[:30], Y[:30], sample_weight=weight))
    with pytest.raises(DataError, match="the class 7 has only one row"):
        classifier(early_stopping=True).fit(X, np.where(np.arange(90) == 5, 7, Y))


# -- seeds, forgetting, copies -----------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_model():
    settings = {"dropout": 0.2, "batch_size": 16, "early_stopping": True}
    assert not differs(classifier(**settings).fit(X, Y), classifier(**settings).fit(X, Y))
    assert differs(classifier(**settings).fit(X, Y), classifier(**settings, random_state=4).fit(X, Y))
    states = [np.random.RandomState(5) for _ in range(2)]
    first, second = (classifier(**settings, random_state=state) for state in states)
    assert not differs(first.fit(X, Y), second.fit(X, Y))
    again = clone(first).set_params(random_state=states[0]).fit(X, Y)  # the state has gone on meanwhile
    assert differs(again, second)
    assert differs(classifier(random_state=None).fit(X, Y), classifier(random_state=None).fit(X, Y))
    narrow, wide = classifier(dtype="float32").fit(X, Y), classifier().fit(X, Y)
    np.testing.assert_allclose(narrow.coefs_[0], wide.coefs_[0], rtol=1e-3, atol=1e-4)  # the same start, but for rounding


def test_a_refit_forgets_everything():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": X[:, 0], "b": ["x", "y", None] * 30})
    first = classifier(calibrate="temperature", early_stopping=True).fit(frame, np.array(["u", "v", "w"])[Y])
    assert first.feature_names_in_.tolist() == ["a", "b"]
    first.set_params(calibrate=None, early_stopping=False)
    for rows, target in ((X.astype(np.float32), Y % 2), (X[:, :2], Y), (X[:, :3], np.eye(3, dtype=int)[Y])):
        fresh = classifier().fit(rows, target)
        assert not differs(first.fit(rows, target), fresh)
        assert first.classes_.tolist() == fresh.classes_.tolist()
        assert set(vars(first)) == set(vars(fresh))
        assert (first.n_features_in_, first.loss_curve_, first.t_) == (rows.shape[1], fresh.loss_curve_, fresh.t_)
        np.testing.assert_array_equal(first.predict_proba(rows), fresh.predict_proba(rows))


def test_what_is_refused_leaves_things_as_they_were():
    model = classifier().fit(X, Y)
    before, n = everything(model), model.n_features_in_
    broken = X[:, :2].copy()
    broken[3, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        model.fit(broken, Y)
    with pytest.raises(ConfigurationError):
        model.set_params(alpha=-1).fit(X[:, :2], Y)
    assert (everything(model), model.n_features_in_) == (before, n)
    assert model.predict(X).shape == (90,)
    fresh = classifier(calibrate="wrong")
    with pytest.raises(ConfigurationError, match="calibrate"):
        fresh.fit(X, Y)
    with pytest.raises(NotFittedError):
        fresh.predict(X)


def test_copies():
    model = classifier(early_stopping=True, callbacks=[sw.EarlyStopping("loss", patience=50)]).fit(X, Y)
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    for copied in (pickle.loads(pickle.dumps(model)), joblib.load(file)):
        np.testing.assert_array_equal(copied.predict_proba(X), model.predict_proba(X))
        assert copied.get_params(deep=False).keys() == model.get_params(deep=False).keys()
    bare = clone(model)
    assert not hasattr(bare, "network_")
    assert bare.get_params()["early_stopping"] is True
    assert not differs(bare.fit(X, Y), model)
    with pytest.raises(ValueError, match="Invalid parameter"):
        model.set_params(hidden=3)
    own = sw.Sequential([sw.Dense(5), sw.ReLU(), sw.Dense(3)])
    given = classifier(network=own)
    given.fit(X, Y)
    assert given.network is own
    assert not own.built  # a copy was trained
