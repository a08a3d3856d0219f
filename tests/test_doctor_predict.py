"""Rows for prediction held against those of training, and predictions held against each other."""

import json
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_matrix

import scratchwork as sw
from scratchwork.doctor.comparing import compare
from scratchwork.errors import ConfigurationError, FileFormatError, ShapeError
from scratchwork.preprocessing import Chain
from scratchwork.row_profile import RowProfile, picked, profile_of
from scratchwork.sparse_rows import sparse_rows


def pictures(scale=1.0):
    rows = sw.data.digits()
    order = np.random.default_rng(0).permutation(len(rows.x))
    x = rows.x[order].astype(np.float64) / 16 * scale
    return x[:1200], x[1200:]


def model(x, **settings):
    network = sw.Sequential([sw.Dense(2)])
    network.build(x.shape[1:])
    made = sw.Model(network, **settings)
    made.remember(x)
    return made


def moved(x, down, right):
    images = x.reshape(-1, 8, 8)
    put = np.zeros_like(images)
    put[:, max(down, 0) : 8 + min(down, 0), max(right, 0) : 8 + min(right, 0)] = images[
        :, max(-down, 0) : 8 + min(-down, 0), max(-right, 0) : 8 + min(-right, 0)
    ]
    return put.reshape(len(x), -1)


CHANGES = {
    "inverted": ("SW1201", lambda x: 1 - x),
    "the other sign": ("SW1201", lambda x: -x),
    "times 255": ("SW1203", lambda x: 255 * x),
    "divided twice": ("SW1203", lambda x: x / 255),
    "-1 to 1": ("SW1203", lambda x: 2 * x - 1),
    "a number more": ("SW1202", lambda x: x + 0.5),
    "two pixels to the right": ("SW1202", lambda x: moved(x, 0, 2)),
    "two pixels to the left": ("SW1202", lambda x: moved(x, 0, -2)),
    "transposed": ("SW1203", lambda x: x.reshape(-1, 8, 8).swapaxes(1, 2).reshape(len(x), -1)),
    "mirrored": ("SW1203", lambda x: x.reshape(-1, 8, 8)[:, :, ::-1].reshape(len(x), -1)),
    "not numbers": ("SW1203", lambda x: np.where(x > 0.99, np.nan, x)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_pictures_that_were_prepared_otherwise(change):
    train, later = pictures()
    code, make = CHANGES[change]
    found = model(train, image_shape=(8, 8)).check(make(later))
    assert found.codes == (code,), str(found)


@pytest.mark.parametrize("count", [1, 3, 30])
def test_few_pictures_are_enough_for_what_is_plain(count):
    train, later = pictures()
    shipped = model(train)
    assert shipped.check(1 - later[:count]).codes == ("SW1201",)
    assert shipped.check(255 * later[:count]).codes == ("SW1203",)


@pytest.mark.parametrize("count", [1, 2, 7, 40, 300])
def test_rows_like_those_of_training_are_no_finding(count):
    train, later = pictures()
    shipped, rng = model(train, image_shape=(8, 8)), np.random.default_rng(count)
    for _ in range(40):
        assert shipped.check(later[rng.permutation(len(later))[:count]]).ok
    assert shipped.check(later[:0]).ok


def test_rows_of_one_class_only_are_no_finding():
    rows = sw.data.digits()
    shipped = model(rows.x / 16, image_shape=(8, 8))
    for label in range(10):
        assert shipped.check(rows.x[rows.y == label] / 16).ok, label


def test_columns_of_a_table():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 5)) * [1, 10, 100, 1, 3] + [5, 50, 900, 0, -20]
    shipped = model(x[:300])
    later = x[300:]
    assert shipped.check(later).ok
    assert shipped.check(later[:, [1, 0, 2, 3, 4]]).codes == ("SW1203",)
    assert "columns 0 and 1" in shipped.check(later[:, [1, 0, 2, 3, 4]]).first.cause
    wrong = later.copy()
    wrong[:, 2] /= 1000
    assert shipped.check(wrong).codes == ("SW1203",)
    standardized = (later - x.mean(axis=0)) / x.std(axis=0)
    assert shipped.check(standardized).codes == ("SW1203",)


def test_the_name_of_the_column_is_said():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3)) + 4
    shipped = model(x, feature_names=["age", "height", "weight"])
    x[:, 1] += 60
    assert shipped.check(x).first.where == "height"


def test_fit_remembers_the_training_rows_and_a_file_keeps_them(tmp_path):
    train, later = pictures()
    y = (train.mean(axis=1) > np.median(train.mean(axis=1))).astype(int)
    trained = sw.Model(sw.Sequential([sw.Dense(2)]), preprocessing=[sw.preprocessing.Standardize()])
    trained.fit(train, y, loss=sw.SoftmaxCrossEntropy(), optimizer=sw.Adam(1e-2), epochs=1, progress=False)
    assert trained.profile.rows == len(train)
    sw.save(trained, tmp_path / "model.safetensors")
    opened = sw.load(tmp_path / "model.safetensors")
    assert opened.profile.to_json() == trained.profile.to_json()
    assert opened.check(1 - later).codes == ("SW1201",)
    again = tmp_path / "again.safetensors"
    sw.save(opened, again)
    assert again.read_bytes() == (tmp_path / "model.safetensors").read_bytes()


def test_a_model_without_a_profile_says_so_and_its_file_opens(tmp_path):
    train, _ = pictures()
    shipped = model(train)
    shipped.profile = None
    sw.save(shipped, tmp_path / "old.safetensors")
    opened = sw.load(tmp_path / "old.safetensors")
    assert opened.profile is None
    with pytest.raises(ConfigurationError, match="remember"):
        opened.check(train)


def test_rows_of_another_shape_are_an_error():
    train, later = pictures()
    with pytest.raises(ShapeError, match="rows of shape"):
        model(train).check(later[:, :60])


@pytest.mark.parametrize("wrong", [{}, {"shape": [8]}, {"mean": [1.0]}, {"low": ["a"] * 64}, {"distances": [1, 2]}])
def test_a_profile_from_a_damaged_file_is_refused(wrong):
    train, _ = pictures()
    document = RowProfile.of(train).to_json()
    document = json.loads(json.dumps({**document, **wrong}))
    if not wrong:
        del document["spread"]
    with pytest.raises((ValueError, KeyError, TypeError)):
        RowProfile.from_json(document)


def test_a_damaged_profile_is_an_error_of_the_file(tmp_path, monkeypatch):
    train, _ = pictures()
    shipped = model(train)
    monkeypatch.setattr(RowProfile, "to_json", lambda self: {"shape": "what"})
    sw.save(shipped, tmp_path / "bad.safetensors")
    with pytest.raises(FileFormatError, match="cannot be used"):
        sw.load(tmp_path / "bad.safetensors")


def test_wide_rows_text_and_sparse_rows():
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(50, 9000))
    profile = RowProfile.of(wide)
    assert len(profile.features) == 4096
    assert len(json.dumps(profile.to_json())) < 300_000
    assert compare(profile, wide).ok
    assert compare(profile, 100 * wide).codes == ("SW1203",)
    assert profile_of(np.array([["a"], ["b"]]), Chain([])) is None
    sparse = pytest.importorskip("scipy.sparse")
    from scratchwork.sparse_rows import sparse_rows

    counts = sparse.random(300, 40, 0.1, format="csr", random_state=0)
    rows = sparse_rows(counts, "x")
    assert compare(RowProfile.of(rows), rows).ok
    assert compare(RowProfile.of(rows), sparse_rows(counts * 1000, "x")).codes == ("SW1203",)


def test_tables_and_estimators_remember():
    rng = np.random.default_rng(0)
    table = {"size": rng.normal(50, 10, 200), "kind": np.array(["a", "b"] * 100, dtype=object)}
    target = table["size"] + rng.normal(size=200)
    trained = sw.Model(sw.Sequential([sw.Dense(1)]), preprocessing=[sw.preprocessing.TableEncoder()])
    trained.fit(table, target, loss=sw.MeanSquaredError(), optimizer=sw.Adam(1e-2), epochs=1, progress=False)
    assert trained.check(table).ok
    assert trained.check({**table, "size": 1000 * table["size"]}).codes == ("SW1203",)
    x, y = rng.normal(size=(120, 4)), rng.integers(0, 2, 120)
    for estimator in (sw.Classifier(max_iter=2), sw.TabularClassifier(max_iter=2)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shipped = estimator.fit(x, y).to_model()
        assert shipped.check(x).ok
        assert shipped.check(x * 1000).codes == ("SW1203",)


# repeatability


def network(*layers):
    made = sw.Sequential([sw.Dense(16), *layers, sw.Dense(3)])
    made.build(6)
    rng = np.random.default_rng(1)
    for _ in range(30):
        made.forward(rng.normal(size=(20, 6)).astype(np.float32) * 3, training=True)
    return made


ROWS = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)


def test_networks_models_and_their_methods_are_repeatable():
    made = network(sw.BatchNorm(), sw.ReLU(), sw.Dropout(0.5))
    for predictor in (made, sw.Model(made, task="regression", link="identity"), made.predict, lambda x: made.forward(x)[0]):
        assert sw.check_prediction(predictor, ROWS).codes == ()
        assert sw.check_prediction(predictor, ROWS[:1]).codes == ()


def test_dropout_that_is_active():
    made, steps = network(sw.ReLU(), sw.Dropout(0.3)), iter(range(1, 1000))
    found = sw.check_prediction(lambda x: made.forward(x, training=True, step=next(steps))[0], ROWS)
    assert found.codes == ("SW1401",)
    assert found.first.evidence["rows_that_change"] > 0.5


def test_batch_statistics_that_are_active():
    made = network(sw.BatchNorm(), sw.ReLU())
    plain = sw.Sequential([sw.Dense(4), sw.ReLU(), sw.Dense(3)])
    plain.build(6)

    def centred(x):  # batch statistics of a user's own: of the outputs
        y = plain.predict(x)
        return y if len(x) == 1 else y - 0.3 * y.mean(axis=0)

    assert sw.check_prediction(centred, ROWS).codes == ("SW1402",)
    found = sw.check_prediction(lambda x: made.forward(x, training=True)[0], ROWS)
    assert {finding.condition for finding in found} == {14}
    assert found.codes == ("SW1402",)


def test_a_batch_of_one_row():
    made = network(sw.BatchNorm(), sw.ReLU())
    found = sw.check_prediction(lambda x: made.forward(x, training=True)[0], ROWS[:1])
    assert found.codes == ("SW1403",)


def test_rounding_is_no_influence_of_other_rows():
    made = sw.Sequential([sw.Dense(64), sw.ReLU(), sw.Dense(1)])
    made.build(6)
    assert sw.check_prediction(made, ROWS * 1e9).ok
    assert sw.check_prediction(made, np.concatenate([ROWS[:20] * 1e6, ROWS[20:]])).ok


def test_labels_as_predictions_and_functions_that_lose_rows():
    assert sw.check_prediction(lambda x: np.where(x[:, 0] > 0, "yes", "no"), ROWS).ok
    assert sw.check_prediction(lambda x: x.mean(axis=0), ROWS).codes == ("SW1402",)
    with pytest.raises(ConfigurationError, match="a network, a Model or a function"):
        sw.check_prediction(3, ROWS)
    with pytest.raises(ConfigurationError, match="at least one row"):
        sw.check_prediction(lambda x: x, ROWS[:0])


def test_sparse_rows_are_described_as_the_dense_ones():
    rng = np.random.default_rng(0)
    dense = np.where(rng.random((60, 50)) < 0.1, rng.normal(size=(60, 50)), 0.0)
    features = np.arange(0, 50, 3)
    np.testing.assert_array_equal(picked(sparse_rows(csr_matrix(dense), "x"), features), dense[:, features])
