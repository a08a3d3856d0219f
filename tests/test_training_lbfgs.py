"""L-BFGS inside fit: an epoch is an iteration on all rows, and everything else is as with the other optimizers."""

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.errors import ConfigurationError, MissingDependencyError

pytest.importorskip("scipy")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = (X[:, 0] * X[:, 1] + 0.3 * X[:, 2] > 0).astype(int)


def fit(*, layers=None, dtype=np.float64, **settings):
    network = sw.Sequential(layers or [sw.Dense(6), sw.Tanh(), sw.Dense(2)])
    network.build(4, 0, dtype)
    usual = {"loss": "SoftmaxCrossEntropy", "optimizer": sw.LBFGS(), "epochs": 40, "progress": False}
    return network, sw.fit(network, X, Y, **(usual | settings))


def gradient_length(network, regularizer):
    """The gradient at the end, by differences of the whole reported function."""
    flat = network.flat().value

    def value():
        data, _ = sw.SoftmaxCrossEntropy().value_and_grad(network.predict(X), Y)
        return data + sum(regularizer.penalty(p.value) for _, p in network.parameters() if p.decay)

    slopes = []
    for i in range(flat.size):
        kept = flat[i]
        flat[i] = kept + 1e-6
        up = value()
        flat[i] = kept - 1e-6
        slopes.append((up - value()) / 2e-6)
        flat[i] = kept
    return np.abs(slopes).max()


def test_it_gets_further_than_adam_in_as_many_epochs():
    _, second = fit(regularizer=sw.L2(1e-3))
    _, first = fit(regularizer=sw.L2(1e-3), optimizer=sw.Adam(0.05), batch_size=None)
    assert second["loss"][-1] < first["loss"][-1]
    assert all(later <= earlier for earlier, later in zip(second["loss"], second["loss"][1:], strict=False))


def test_it_converges_to_a_minimum_of_the_penalized_loss_and_says_so():
    penalty = sw.L2(0.05)
    network, history = fit(epochs=2000, regularizer=penalty)
    assert history.stopped == "converged"
    assert history.epochs < 2000
    assert gradient_length(network, penalty) < 1e-3
    data, _ = sw.SoftmaxCrossEntropy().value_and_grad(network.predict(X), Y)
    weights = [p.value for _, p in network.parameters() if p.decay]
    assert history["loss"][-1] == pytest.approx(data + 0.025 * sum((w**2).sum() for w in weights), rel=1e-10)


def test_going_on_at_the_minimum_is_one_entry():
    network, _ = fit(epochs=3000, regularizer=sw.L2(0.05), optimizer=sw.LBFGS(tolerance=1e-5))
    history = sw.fit(network, X, Y, loss="SoftmaxCrossEntropy", optimizer=sw.LBFGS(tolerance=1e-2), epochs=5, progress=False,
                     regularizer=sw.L2(0.05))  # fmt: skip
    assert (history.epochs, history.stopped) == (1, "converged")


def test_epochs_are_iterations():
    run = []
    _, history = fit(epochs=7, callbacks=[sw.Monitor(lambda r: run.append((r.epoch, r.step, r.steps_per_epoch)))])
    assert run == [(i, i, 1) for i in range(1, 8)]
    assert (history.epochs, history.stopped) == (7, "epochs")


def test_max_iterations_is_an_end_too():
    assert fit(optimizer=sw.LBFGS(max_iterations=3))[1].epochs == 3


def test_the_state_that_is_left_is_the_one_that_was_reported():
    network, history = fit(epochs=9, metrics=["accuracy"], validation_data=(X, Y))
    value, _ = sw.SoftmaxCrossEntropy().value_and_grad(network.predict(X), Y)
    assert value == pytest.approx(history["loss"][-1], rel=1e-12)
    assert history["val_loss"] == pytest.approx(history["loss"], rel=1e-12)
    assert history["accuracy"] == history["val_accuracy"]
    assert history["accuracy"][-1] == (network.predict(X).argmax(axis=1) == Y).mean()


def test_early_stopping_restores_the_best_epoch():
    states, scores = [], iter([5, 4, 3, 4, 4, 4, 4])
    keep = sw.Monitor(lambda run: states.append(run.snapshot()[0]))
    stopping = sw.EarlyStopping("score", mode="min", patience=2)
    network, history = fit(callbacks=[keep, stopping], metrics={"score": lambda prediction, target: next(scores)})
    assert (history.stopped, history.epochs, history.best_epoch) == ("early stopping", 5, 3)
    assert np.array_equal(network.flat().value, states[2])


def test_weights_count_as_repetitions():
    weight = np.arange(60) % 3
    network, _ = fit(epochs=5, sample_weight=weight)
    repeated = np.repeat(np.arange(60), weight)
    other = sw.Sequential([sw.Dense(6), sw.Tanh(), sw.Dense(2)])
    other.build(4, 0, np.float64)
    sw.fit(other, X[repeated], Y[repeated], loss="SoftmaxCrossEntropy", optimizer="lbfgs", epochs=5, progress=False)
    np.testing.assert_allclose(network.flat().value, other.flat().value, rtol=1e-6)


@pytest.mark.parametrize("x", [X.astype(np.float32), X.astype(np.float16)])
def test_a_float32_network(x):
    network = sw.Sequential([sw.Dense(6), sw.Tanh(), sw.BatchNorm(), sw.Dense(2)])
    history = sw.fit(network, x, Y, loss="SoftmaxCrossEntropy", optimizer=sw.LBFGS(), epochs=60, progress=False)
    assert network.flat().value.dtype == np.float32
    assert history["loss"][-1] < 0.2 < history["loss"][0]
    assert np.isfinite(network.predict(x)).all()


def test_what_it_cannot_honour_is_refused():
    with pytest.raises(ConfigurationError, match="leave Dropout out"):
        fit(layers=[sw.Dense(3), sw.Dropout(0.5), sw.Dense(2)])
    fit(layers=[sw.Dense(3), sw.Dropout(0.0), sw.Dense(2)], epochs=1)
    for settings in ({"clip_norm": 1.0}, {"clip_value": 1.0}, {"constraint": sw.MaxNorm(1.0)}):
        with pytest.raises(ConfigurationError, match="no clip_value, clip_norm or constraint"):
            fit(**settings)
    with pytest.raises(ConfigurationError, match="no clip_value, clip_norm or constraint"):
        fit(layers=[sw.Dense(2, weight_constraint=sw.MaxNorm(1.0))])


def test_without_scipy(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    network = sw.Sequential([sw.Dense(2)])
    with pytest.raises(MissingDependencyError, match="LBFGS needs SciPy"):
        sw.fit(network, X, Y, loss="SoftmaxCrossEntropy", optimizer="lbfgs", progress=False)
    assert not network.built
