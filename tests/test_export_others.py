"""Networks of scikit-learn as models; PyTorch's are held to it by tests/golden/make_imports.py, where PyTorch is."""

import sys

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import scratchwork as sw
from scratchwork.errors import ConfigurationError, MissingDependencyError
from scratchwork.export import others
from scratchwork.layers import LAYERS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4)) * [1, 10, 1, 0.1] + [0, 5, 0, 0]
TARGETS = {
    "three": np.array(["a", "b", "ü"])[np.arange(90) % 3],
    "two": np.where(X[:, 0] > 0, "yes", "no"),
    "booleans": X[:, 0] > 0,
    "codes": (np.arange(90) % 3) * 2.0,
    "attributes": (X[:, :3] > 0).astype(int),
}


def fitted(estimator, y, dtype):
    estimator.set_params(**{name: 15 for name in estimator.get_params() if name.endswith("max_iter")})
    with pytest.warns(UserWarning, match="Maximum iterations"):
        return estimator.fit(X.astype(dtype), y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("name", TARGETS)
def test_a_classifier_of_scikit_learn(name, scaled, dtype):
    network = MLPClassifier((6, 5), activation="tanh", random_state=0)
    estimator = fitted(make_pipeline(StandardScaler(), network) if scaled else network, TARGETS[name], dtype)
    model = sw.from_sklearn(estimator)
    x = X.astype(dtype)
    assert model.network.dtype == dtype
    assert model.predict(x).tolist() == estimator.predict(x).tolist()
    exact = 1e-6 if dtype == "float32" else 1e-14
    np.testing.assert_allclose(model.predict_proba(x), estimator.predict_proba(x), rtol=0, atol=exact)
    for layer, weight in zip(model.network.layers[::2], network.coefs_, strict=True):
        np.testing.assert_array_equal(layer.weight.value, weight)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_a_regressor_with_every_activation(activation):
    estimator = fitted(MLPRegressor(hidden_layer_sizes=(6,), activation=activation, random_state=0), X[:, :2], "float64")
    model = sw.from_sklearn(estimator)
    np.testing.assert_allclose(model.predict(X), estimator.predict(X), rtol=1e-13, atol=1e-13)
    assert model.task == "regression"


def test_counts_of_a_poisson_regressor():
    estimator = fitted(MLPRegressor(hidden_layer_sizes=(3,), random_state=0, loss="poisson"), np.arange(90) % 4, "float64")
    model = sw.from_sklearn(estimator)
    assert model.link == "exp"
    np.testing.assert_allclose(model.predict(X), estimator.predict(X), rtol=1e-12)


def test_it_is_trained_on_and_saved(tmp_path):
    model = sw.from_sklearn(fitted(MLPClassifier((6,), random_state=0), TARGETS["three"], "float64"))
    before = model.evaluate(X, TARGETS["three"])["log_loss"]
    model.fit(X, TARGETS["three"], loss="SoftmaxCrossEntropy", optimizer=sw.Adam(0.01), epochs=20, progress=False)
    assert model.evaluate(X, TARGETS["three"])["log_loss"] < before
    sw.save(model, tmp_path / "model.safetensors")
    assert (sw.load(tmp_path / "model.safetensors").predict(X) == model.predict(X)).all()


def test_what_is_no_network_of_scikit_learn_is_refused():
    for wrong in (StandardScaler(), "model", sw.Sequential([sw.Dense(1)]), make_pipeline(StandardScaler())):
        with pytest.raises(ConfigurationError, match=r"from_sklearn takes|StandardScaler"):
            sw.from_sklearn(wrong)
    with pytest.raises(ConfigurationError, match="not fitted"):
        sw.from_sklearn(MLPClassifier())
    scaler = make_pipeline(MinMaxScaler(), MLPClassifier((3,)))
    with pytest.raises(ConfigurationError, match="MinMaxScaler"):
        sw.from_sklearn(fitted(scaler, TARGETS["two"], "float64"))


def test_a_network_that_has_diverged_is_refused():
    for name in ("coefs_", "intercepts_"):
        estimator = fitted(MLPClassifier((3,), random_state=0), TARGETS["two"], "float64")
        getattr(estimator, name)[0].flat[0] = np.inf
        with pytest.raises(ConfigurationError, match="NaN or an infinity"):
            sw.from_sklearn(estimator)


def test_pytorch_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    network = sw.Sequential([sw.Dense(1)])
    network.build((2,))
    for call in (lambda: sw.from_torch(None), lambda: sw.to_torch(network)):
        with pytest.raises(MissingDependencyError, match="pip install torch"):
            call()


def test_the_table_of_modules_makes_layers_of_the_library():
    assert len(others.FROM_TORCH) >= 18
    assert set(others.ACTIVATIONS.values()) <= set(LAYERS.values())
