"""What people hand to the estimators: frames, dicts, sparse matrices; and what is refused, in one sentence."""

import datetime
import math
import time
import tracemalloc

import numpy as np
import pytest
from scipy import sparse

import scratchwork as sw
from scratchwork.data.table import as_table
from scratchwork.errors import ConfigurationError, DataError
from scratchwork.preprocessing import Chain, MinMax, RobustScale, SmoothClip, Standardize, TableEncoder

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 80
RNG = np.random.default_rng(3)
X = RNG.normal(size=(N, 3))
Y = (X[:, 0] > 0).astype(int)
QUICK = {"hidden_layer_sizes": (8,), "learning_rate_init": 0.03, "max_iter": 5, "random_state": 0}
PEOPLE = {
    "age": [None if i % 9 == 0 else float(20 + i % 50) for i in range(N)],
    "town": [["Rome", "Oslo", None, "Lima"][i % 4] for i in range(N)],
    "member": [i % 3 == 0 for i in range(N)],
    "since": [datetime.datetime(2020, 1, 1) + datetime.timedelta(days=7 * i) for i in range(N)],
}
ANSWER = np.array(["no", "yes"])[[int(i % 4 == 1 or i % 3 == 0) for i in range(N)]]


def classifier(**settings):
    return sw.Classifier(**{**QUICK, **settings})


def made(container, columns):
    return columns if container == "dict" else pytest.importorskip(container).DataFrame(columns)


# -- frames ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("container", ["pandas", "polars", "dict"])
def test_columns_of_every_kind(container, tmp_path):
    frame = made(container, PEOPLE)
    model = classifier(max_iter=40).fit(frame, ANSWER)
    assert model.feature_names_in_.tolist() == list(PEOPLE)
    assert model.n_features_in_ == 4
    assert model.score(frame, ANSWER) > 0.9
    assert "town" in str(model.preprocessing.steps[0])
    p = model.predict_proba(frame)
    turned = {name: PEOPLE[name] for name in reversed(PEOPLE)} | {"more": [1] * N}
    np.testing.assert_array_equal(model.predict_proba(made(container, turned)), p)  # columns are looked up by name
    unknown = {**PEOPLE, "town": ["Paris"] * N}
    assert np.isfinite(model.predict_proba(made(container, unknown))).all()
    with pytest.raises(DataError, match="lacks the column 'age'"):
        model.predict(made(container, {name: PEOPLE[name] for name in ("town", "member", "since")}))
    sw.save(model, tmp_path / "people.safetensors")
    loaded = sw.load(tmp_path / "people.safetensors")
    np.testing.assert_allclose(loaded.predict_proba(frame), p, rtol=1e-6)
    assert loaded.predict(frame).tolist() == model.predict(frame).tolist()
    assert loaded.feature_names == list(PEOPLE)
    again = classifier(warm_start=True).fit(frame, ANSWER)
    assert again.fit(made(container, turned), ANSWER).n_features_in_ == 4
    held = classifier(early_stopping=True).fit(frame, ANSWER, validation_data=(made(container, unknown), ANSWER))
    assert held.best_validation_score_ == held.score(made(container, unknown), ANSWER)


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_a_frame_of_complete_numbers_is_its_array(container):
    columns = {"a": X[:, 0], "b": X[:, 1]}
    frame = made(container, columns)
    model = classifier().fit(frame, Y)
    assert model.feature_names_in_.tolist() == ["a", "b"]
    np.testing.assert_array_equal(model.coefs_[0], classifier().fit(X[:, :2], Y).coefs_[0])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X[:, :2])
    with pytest.raises(ValueError, match="same order as they were in fit"):
        model.predict(frame[["b", "a"]])
    with pytest.raises(ValueError, match="now missing"):
        model.predict(frame[["a"]])
    with pytest.raises(ValueError, match="unseen at fit time"):
        model.predict(made(container, {**columns, "c": X[:, 2]}))
    with pytest.warns(UserWarning, match="fitted without feature names"):
        classifier().fit(X[:, :2], Y).predict(frame)


def test_dicts_tables_and_structured_arrays_of_numbers():
    columns = {"a": X[:, 0], "b": X[:, 1]}
    plain = classifier().fit(X[:, :2], Y)
    rows = np.zeros(N, [("a", float), ("b", float)])
    rows["a"], rows["b"] = X[:, 0], X[:, 1]
    records = [{"a": a, "b": b} for a, b in X[:, :2].tolist()]
    for given in (columns, as_table(columns), rows, records):
        model = classifier().fit(given, Y)
        assert model.feature_names_in_.tolist() == ["a", "b"]
        np.testing.assert_array_equal(model.coefs_[0], plain.coefs_[0])
        for other in ({"b": X[:, 1], "x": X[:, 2], "a": X[:, 0]}, as_table(columns), rows, records):
            np.testing.assert_array_equal(model.predict_proba(other), plain.predict_proba(X[:, :2]))
        assert model.predict({"a": [0.5], "b": [1.0]}).shape == (1,)
        with pytest.raises(ValueError, match="'b'"):
            model.predict({"a": [0.5]})


def test_rows_with_text_and_with_gaps():
    mixed = [[town, age] for town, age in zip(PEOPLE["town"], X[:, 0].tolist(), strict=True)]
    for rows in (mixed, np.array(mixed, object)):
        model = classifier(max_iter=40).fit(rows, Y)
        assert not hasattr(model, "feature_names_in_")
        assert model.n_features_in_ == 2
        assert model.score(rows, Y) > 0.9
        with pytest.raises(ValueError, match="features"):
            model.predict([["Rome", 1.0, 2.0]])
    gaps = X.copy()
    gaps[::7, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        classifier().fit(gaps, Y)
    assert classifier(preprocess="table", max_iter=40).fit(gaps, Y).score(gaps, Y) > 0.9


@pytest.mark.parametrize(
    ("preprocess", "plain", "table"),
    [
        ("auto", [], ["TableEncoder"]),
        ("none", [], ["TableEncoder"]),
        (None, [], ["TableEncoder"]),
        ("standardize", ["Standardize"], ["TableEncoder"]),
        ("minmax", ["MinMax"], ["TableEncoder", "MinMax"]),
        ("table", ["TableEncoder"], ["TableEncoder"]),
        (Standardize(), ["Standardize"], ["TableEncoder", "Standardize"]),
        ([RobustScale(), SmoothClip()], ["RobustScale", "SmoothClip"], ["TableEncoder", "RobustScale", "SmoothClip"]),
        (Chain([TableEncoder(), MinMax()]), ["TableEncoder", "MinMax"], ["TableEncoder", "MinMax"]),
    ],
    ids=repr,
)
def test_every_form_of_preprocess(preprocess, plain, table):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(PEOPLE)
    for rows, wanted in ((X * [1.0, 50.0, 0.01] + 7.0, plain), (frame, table)):
        model = classifier(preprocess=preprocess).fit(rows, Y)
        assert [type(step).__name__ for step in model.preprocessing.steps] == wanted
        assert model.predict_proba(rows).shape == (N, 2)
        one = np.concatenate([model.predict_proba(rows[i : i + 1]) for i in range(4)])
        np.testing.assert_allclose(one, model.predict_proba(rows)[:4], rtol=1e-5)
    given = [preprocess] if isinstance(preprocess, Standardize) else preprocess if isinstance(preprocess, list) else []
    assert not any(step.fitted for step in given if step.learned)  # copies have learned


SAVED = {
    "two classes": (classifier(), Y > 0),
    "names": (classifier(preprocess="standardize"), np.array(["c", "a", "b"])[np.arange(N) % 3]),
    "numbers as classes": (classifier(n_networks=2), 5 + np.arange(N) % 3),
    "labels": (classifier(), np.c_[Y, 1 - Y, Y]),
    "hinge": (classifier(loss="hinge"), Y),
    "numbers": (sw.Regressor(**QUICK, preprocess="minmax"), X[:, 0]),
    "several numbers": (sw.Regressor(**QUICK), X[:, :2]),
    "counts": (sw.Regressor(**QUICK, loss="poisson"), np.arange(N) % 4),
}


@pytest.mark.parametrize("name", SAVED)
def test_a_saved_estimator_is_a_model(name, tmp_path):
    estimator, y = SAVED[name]
    estimator.fit(X, y)
    sw.save(estimator, tmp_path / "model.safetensors")
    model = sw.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(model.predict(X), estimator.predict(X))
    if hasattr(estimator, "predict_proba"):
        np.testing.assert_allclose(model.predict_proba(X), estimator.predict_proba(X), rtol=1e-12)
    with pytest.raises(ValueError, match=r"fit|learned|built"):
        sw.save(type(estimator)(), tmp_path / "empty.safetensors")


# -- sparse rows -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"])
def test_sparse_rows_are_their_array(form):
    dense = np.where(RNG.random((N, 12)) < 0.3, RNG.normal(size=(N, 12)), 0.0)
    rows = sparse.csr_matrix(dense).asformat(form)
    for settings in ({"batch_size": 16, "early_stopping": True, "validation_fraction": 0.3}, {"solver": "lbfgs"}):
        ours = classifier(**settings).fit(rows, Y, sample_weight=1.0 + Y)
        theirs = classifier(**settings).fit(dense, Y, sample_weight=1.0 + Y)
        np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(ours.predict_proba(rows), ours.predict_proba(dense), rtol=1e-9)
    chunks = classifier().partial_fit(rows, Y, classes=[0, 1])
    assert chunks.predict(rows.tocsr()[:3]).shape == (3,)
    assert sw.Regressor(**QUICK).fit(rows, dense[:, 0]).predict(rows).shape == (N,)


def test_sparse_rows_are_not_filled():
    wide = sparse.random(2000, 20_000, density=1e-4, format="csr", random_state=0, dtype=np.float32)
    labels = np.arange(2000) % 2
    tracemalloc.start()
    model = classifier(hidden_layer_sizes=(4,), max_iter=1, early_stopping=True).fit(wide, labels, sample_weight=labels + 1.0)
    assert model.predict(wide).shape == (2000,)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 30e6  # with all its zeros it has 160 MB
    assert model.network_.dtype == np.float32
    for preprocess in ("standardize", Standardize()):
        with pytest.raises(DataError, match="preprocess='none'"):
            classifier(preprocess=preprocess).fit(wide, labels)
    bad = sparse.csr_matrix(X)
    bad.data[5] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        classifier().fit(bad, Y)


# -- what is refused ---------------------------------------------------------------------------------------------------

NAN, INF = math.nan, math.inf
WRONG = {
    "hidden_layer_sizes": [0, -1, (3, 0), None, "abc", (2.5,), True, [[3]]],
    "activation": ["rulu", 3, ("relu", "relu"), None, (3,), ()],
    "solver": ["adma", None, 3],
    "alpha": [-1, NAN, INF, "a", None, True],
    "dropout": [-0.1, 1.0, NAN, "a", None, (0.1, 0.2), True],
    "batch_norm": [3, "yes", None],
    "batch_size": [0, -5, 1.5, "all", True],
    "learning_rate": ["fast", None],
    "learning_rate_init": [0, -1, NAN, INF, "x", None],
    "power_t": [-1, NAN, "x"],
    "optimizer": ["adma", 3, sw.Adam],
    "schedule": [3, "cosine"],
    "max_iter": [0, -1, 1.5, None, True],
    "shuffle": [3, None],
    "tol": [-1, NAN, "x", None],
    "verbose": ["loud", None, -3, NAN],
    "warm_start": [3],
    "momentum": [-0.1, 1.0, NAN],
    "nesterovs_momentum": [3],
    "early_stopping": [3, None],
    "monitor": ["loss", "val_acc", None],
    "validation_fraction": [-0.1, 1.0, NAN, "x", None],
    "validation_data": [3, (X,), (X, Y, Y, Y), "abc"],
    "beta_1": [-0.1, 1.0, NAN],
    "beta_2": [1.0],
    "epsilon": [0, -1, NAN],
    "n_iter_no_change": [0, -1, 1.5, None],
    "max_fun": [0, 1.5],
    "class_weight": ["balance", 3, {0: -1.0}, {0: NAN}, {0: "x"}],
    "callbacks": [3, ["x"], [sw.EarlyStopping], "abc"],
    "network": ["mlp", 3, [sw.Dense(3)]],
    "preprocess": ["standard", 3, [3], ["standardize"], object()],
    "n_networks": [0, 1.5, None],
    "bootstrap": [3],
    "calibrate": ["conformall", True],
    "dtype": ["float16", "int", 3, None],
    "engine": ["gpu", None],
    "threads": [0, 1.5, "x"],
    "loss": ["mse", None, 3, sw.losses.Huber],
    "quantile": [0, 1, 1.5, NAN, "x", None, (), (0.5, 2), ("a",), [[0.5]]],
}
ALSO = {
    "quantile": {"loss": "quantile"},
    "dropout": {"hidden_layer_sizes": (4,)},
    "validation_fraction": {"early_stopping": True},
}


@pytest.mark.parametrize("kind", [sw.Classifier, sw.Regressor])
@pytest.mark.parametrize("name", WRONG)
def test_every_setting_out_of_its_range_is_one_sentence(kind, name):
    if name not in kind().get_params():
        assert name in ("quantile", "class_weight")
        return
    for value in WRONG[name]:
        model = kind(**{"max_iter": 2, **ALSO.get(name, {}), name: value})
        with pytest.raises(ConfigurationError) as caught:
            model.fit(X, Y)
        assert isinstance(caught.value, ValueError)
        assert "\n" not in str(caught.value)
        assert set(vars(model)) == set(model.get_params())  # nothing was learned


def test_every_setting_has_a_range():
    settings = set(sw.Classifier().get_params()) | set(sw.Regressor().get_params())
    assert settings - set(WRONG) == {"random_state"}


@pytest.mark.parametrize(
    ("rows", "target", "words"),
    [
        (X[:, 0], Y, "2D array"),
        (X, Y[:-1], "inconsistent numbers of samples"),
        (np.where(X > 2, np.nan, X), Y, "NaN"),
        (np.where(X > 2, np.inf, X), Y, "infinity"),
        (np.zeros((0, 3)), [], "0 sample"),
        (np.zeros((N, 0)), Y, "0 feature"),
        (np.zeros((N, 2, 2)), Y, "dim 3"),
        (X + 1j, Y, "Complex"),
        (X, np.zeros(N), "one class only"),
        (X, X[:, 0], "continuous"),
        (X, np.where(Y > 0, np.nan, 1.0), "NaN"),
        (X, None, "y"),
        (X, np.arange(2 * N).reshape(N, 2) % 3, "several columns of classes"),
        ({"a": [], "b": []}, [], "0 sample"),
    ],
)
def test_rows_and_targets_that_are_refused(rows, target, words):
    model = classifier()
    with pytest.raises(ValueError, match=words):
        model.fit(rows, target)
    assert set(vars(model)) == set(model.get_params())


def test_what_is_refused_in_use():
    model = classifier().fit(X, Y)
    for rows, words in ((X[:, :2], "2 features"), (X[0], "2D array"), (X[:0], "0 sample"), (np.full((2, 3), NAN), "NaN")):
        with pytest.raises(ValueError, match=words):
            model.predict(rows)
    wrong = [(X[:5], Y[:4]), (X[:5], np.full(5, 9)), (X[:5, :2], Y[:5]), (X[:5], Y[:5], -np.ones(5))]
    for given in wrong:
        with pytest.raises(ValueError, match=r"5 rows and 4|class 9|2 features|at least 0"):
            classifier(early_stopping=True).fit(X, Y, validation_data=given)
    for weight in (np.ones(3), -np.ones(N), np.full(N, NAN), np.zeros(N), np.ones((N, 2))):
        with pytest.raises(ValueError, match=r"sample_weight|Sample weight|weight"):
            classifier().fit(X, Y, sample_weight=weight)
    for seed in ("a", -3, 1.5):
        with pytest.raises(ValueError, match=r"seed|Seed"):
            classifier(random_state=seed).fit(X, Y)
    with pytest.raises(AttributeError, match="nothing yet"):
        _ = classifier().coefs_
    with pytest.raises(ValueError, match="shapes"):
        model.coefs_ = [np.zeros((2, 2))]
    model.coefs_ = [np.zeros_like(weight) for weight in model.coefs_]
    assert len(set(model.predict(X))) == 1


def test_verbose_prints_as_scikit_learn_does(capsys):
    classifier(verbose=True, early_stopping=True, max_iter=2).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines if line.startswith("Iteration")] == ["Iteration 1", "Iteration 2"]
    assert sum(line.startswith("Validation score: ") for line in lines) == 2
    classifier().fit(X, Y)
    assert not capsys.readouterr().out


def test_one_row_is_quick():
    model = classifier(hidden_layer_sizes=(64, 64)).fit(X, Y)
    narrow, scaled = X[:1].astype(np.float32), classifier(preprocess="standardize").fit(X, Y)
    for call in (lambda: model.predict(X[:1]), lambda: model.predict_proba(narrow), lambda: scaled.predict(X[:1])):
        times = []
        for _ in range(200):
            started = time.perf_counter()
            call()
            times.append(time.perf_counter() - started)
        assert np.quantile(times, 0.1) < 300e-6  # 15 to 25 µs are usual; a busy machine may be slow, a detour is slower
