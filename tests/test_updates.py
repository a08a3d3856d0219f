"""What is reported is what is differentiated; penalties, clipping and projections act on what they should and nothing else."""

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.errors import ConfigurationError
from scratchwork.history import Run
from scratchwork.updates import PIECE, Updater


def network(*, first=None, dtype=np.float64, width=5):
    built = sw.Sequential([first or sw.Dense(width), sw.BatchNorm(), sw.Tanh(), sw.Dense(2)])
    built.build(4, 0, dtype)
    for _, parameter in built.parameters():
        parameter.value += 0.1  # gains and biases off their round starts
    return built


def rows(n=12):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 4)), np.arange(n) % 2


def updated(network, gradient, *, optimizer=None, **settings):
    """One step of `Updater` with this gradient for every parameter; the change of each, and the penalty."""
    updater = Updater(network, optimizer or sw.SGD(1.0), **settings)
    run = Run(network, sw.SoftmaxCrossEntropy(), updater.optimizer, 1, 1, 1, step=1)
    before = {name: parameter.value.copy() for name, parameter in network.parameters()}
    updater.flat.grad[...] = gradient
    penalty = updater.step(run)
    return {name: parameter.value - before[name] for name, parameter in network.parameters()}, before, penalty


PENALTIES = {
    "none": ({}, {}),
    "L2": ({}, {"regularizer": sw.L2(0.3)}),
    "L1, biases too": ({}, {"regularizer": sw.L1(0.3, biases=True)}),
    "a layer's own": (
        {"weight_regularizer": sw.L1(0.2), "bias_regularizer": sw.L2(0.7)},
        {"regularizer": sw.ElasticNet(0.1, 0.2)},
    ),
}


@pytest.mark.parametrize(("own", "general"), PENALTIES.values(), ids=PENALTIES.keys())
def test_the_reported_loss_is_the_function_whose_gradient_is_taken(own, general):
    net = network(first=sw.Dense(5, **own))
    x, y = rows()
    loss = sw.SoftmaxCrossEntropy()
    updater = Updater(net, sw.SGD(0.1), **general)

    def value():
        prediction, caches = net.forward(x, training=True)
        data, dprediction = loss.value_and_grad(prediction, y)
        net.backward(dprediction, caches, need_dx=False)
        total = data + updater.add_penalties()
        assert total == pytest.approx(data + updater.penalty(), rel=1e-12)
        return total

    value()
    flat = net.flat()
    analytic = flat.grad.copy()
    for i in range(flat.value.size):
        kept, h = flat.value[i], 1e-6
        flat.value[i] = kept + h
        up = value()
        flat.value[i] = kept - h
        down = value()
        flat.value[i] = kept
        assert analytic[i] == pytest.approx((up - down) / (2 * h), rel=1e-5, abs=1e-7)

    before = net.predict(x)  # and the history shows that number: all rows in one batch, one epoch
    expected = value()
    history = sw.fit(net, x, y, loss=loss, optimizer=sw.SGD(1e-12), epochs=1, batch_size=None, progress=False, **general)
    assert history["loss"][0] == pytest.approx(expected, rel=1e-9)
    assert before.shape == (12, 2)


def test_the_validation_loss_has_the_penalty_too():
    net, (x, y) = network(), rows()
    history = sw.fit(
        net, x, y, loss="SoftmaxCrossEntropy", optimizer=sw.SGD(0.01), epochs=1, progress=False, validation_data=(x, y),
        regularizer=sw.L2(0.3),
    )  # fmt: skip
    data, _ = sw.SoftmaxCrossEntropy().value_and_grad(net.predict(x), y)
    weights = (net[0].weight.value, net[3].weight.value)
    assert history["val_loss"][0] == pytest.approx(data + 0.15 * sum((w**2).sum() for w in weights), rel=1e-9)


@pytest.mark.parametrize(
    ("rule", "touched"),
    [
        (sw.L2(0.5), {"0.weight", "3.weight"}),
        (sw.L2(0.5, biases=True), {"0.weight", "0.bias", "1.gamma", "1.beta", "3.weight", "3.bias"}),
    ],
)
def test_weights_are_penalized_and_biases_when_asked(rule, touched):
    change, before, penalty = updated(network(), 0.0, regularizer=rule)
    for name, moved in change.items():
        np.testing.assert_allclose(moved, -0.5 * before[name] if name in touched else 0.0, rtol=1e-12)
    assert penalty == pytest.approx(sum(0.25 * (before[name] ** 2).sum() for name in touched), rel=1e-12)


def test_a_layer_s_own_penalty_replaces_the_general_one():
    net = network(first=sw.Dense(5, weight_regularizer=sw.L2(2.0), bias_regularizer=sw.L2(3.0)))
    change, before, _ = updated(net, 0.0, regularizer=sw.L2(0.5))
    for name, strength in (("0.weight", 2.0), ("0.bias", 3.0), ("3.weight", 0.5), ("3.bias", 0.0), ("1.gamma", 0.0)):
        np.testing.assert_allclose(change[name], -strength * before[name], rtol=1e-12)


def test_adamw_leaves_biases_and_gains_alone():
    change, before, _ = updated(network(), 0.0, optimizer=sw.AdamW(0.1, weight_decay=0.5))
    for name, moved in change.items():
        np.testing.assert_allclose(moved, -0.05 * before[name] if "weight" in name else 0.0, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("optimizer", [sw.AdamW(0.01, weight_decay=0.1), sw.Adam(0.01), sw.SGD(0.01, momentum=0.9)])
def test_cutting_the_vector_into_pieces_changes_no_bit(optimizer):
    net = sw.Sequential([sw.Dense(300), sw.Dense(150, use_bias=False), sw.LayerNorm(), sw.Dense(2)])
    net.build(100)
    updater = Updater(net, optimizer)
    flat = updater.flat
    assert flat.value.size > 3 * PIECE
    value, grads = flat.value.copy(), np.random.default_rng(0).normal(size=(4, flat.value.size)).astype(np.float32)
    run = Run(net, sw.SoftmaxCrossEntropy(), optimizer, 1, 1, 1)
    state, n = optimizer.init(value), flat.n_decay
    for step, grad in enumerate(grads, start=1):
        run.step = step
        flat.grad[...] = grad
        updater.step(run)
        for rule, part in ((optimizer, slice(0, n)), (optimizer.without_decay(), slice(n, None))):
            parts = {name: array[part] for name, array in state.items()}
            rule.update(value[part], grad[part], parts, step=step, learning_rate=0.01)
    assert np.array_equal(flat.value, value)
    assert sum(piece[2].size for piece in updater.pieces) == value.size


def test_clipping_by_value_and_by_the_norm_over_all_parameters():
    size = network().flat().value.size
    change, _, _ = updated(network(), np.linspace(-3, 3, size), clip_value=0.5)
    assert max(np.abs(moved).max() for moved in change.values()) == pytest.approx(0.5, rel=1e-12)
    change, _, _ = updated(network(), np.linspace(-3, 3, size), clip_norm=2.0)
    assert np.sqrt(sum((moved**2).sum() for moved in change.values())) == pytest.approx(2.0, rel=1e-12)
    change, _, _ = updated(network(), 1e-3, clip_norm=2.0, clip_value=0.5)  # short ones pass untouched
    assert all(moved == pytest.approx(-1e-3) for array in change.values() for moved in array.reshape(-1))
    change, _, _ = updated(network(), 0.0, regularizer=sw.L2(100.0), clip_value=0.5)  # the penalty's pull is clipped too
    assert np.abs(change["0.weight"]).max() == pytest.approx(0.5, rel=1e-12)


def test_max_norm_holds_after_every_step():
    longest = []

    class Watch(sw.Callback):
        def on_batch_end(self, run):
            longest.append([np.linalg.norm(run.network[i].weight.value, axis=0).max() for i in (0, 3)])

    net, (x, y) = network(first=sw.Dense(5, weight_constraint=sw.MaxNorm(0.25))), rows()
    biases = net[0].bias.value.copy()
    settings = {"loss": "SoftmaxCrossEntropy", "optimizer": sw.SGD(5.0), "epochs": 5, "batch_size": 4, "progress": False}
    sw.fit(net, x, y, constraint=sw.MaxNorm(0.5), callbacks=[Watch()], **settings)
    longest = np.array(longest)
    assert len(longest) == 15
    assert (longest.max(axis=0) <= np.array([0.25, 0.5]) * (1 + 1e-12)).all()
    assert longest[:, 1].max() == pytest.approx(0.5)
    assert not np.array_equal(net[0].bias.value, biases)


def test_the_callback_s_factor_multiplies_the_schedule():
    class Halve(sw.Callback):
        def on_epoch_end(self, run):
            run.learning_rate_factor *= 0.5

    net, (x, y) = network(), rows()
    settings = {"loss": "SoftmaxCrossEntropy", "epochs": 3, "batch_size": 6, "progress": False, "callbacks": [Halve()]}
    history = sw.fit(net, x, y, optimizer=sw.SGD(sw.StepDecay(0.8, 2, 0.1)), **settings)
    np.testing.assert_allclose(history["learning_rate"], [0.8, 0.8 * 0.1 * 0.5, 0.8 * 0.01 * 0.25], rtol=1e-12)


@pytest.mark.parametrize(
    "settings",
    [
        {"clip_value": 0},
        {"clip_value": "1"},
        {"clip_norm": -1.0},
        {"clip_norm": True},
        {"clip_norm": float("nan")},
        {"regularizer": 0.01},
        {"regularizer": "l2"},
        {"regularizer": sw.L2},
        {"constraint": 3.0},
        {"constraint": sw.MaxNorm},
        {"optimizer": sw.LBFGS(), "clip_norm": 1.0},
        {"optimizer": sw.LBFGS(), "constraint": sw.MaxNorm(1.0)},
    ],
)
def test_what_makes_no_sense_is_refused(settings):
    with pytest.raises(ConfigurationError):
        Updater(network(), **({"optimizer": sw.SGD(0.1)} | settings))


def test_a_layer_s_rule_that_is_none_is_refused_when_it_is_built():
    for wrong in ({"weight_regularizer": "l2"}, {"bias_regularizer": sw.L2}, {"weight_constraint": 3.0}):
        net = sw.Sequential([sw.Dense(2, **wrong)])
        with pytest.raises(ConfigurationError, match=r"layer 0, Dense.*which is no (Regularizer|Constraint)"):
            net.build(3)


def test_a_network_without_parameters_is_refused():
    net = sw.Sequential([sw.ReLU()])
    net.build(3)
    with pytest.raises(ConfigurationError, match="no parameters to train"):
        Updater(net, sw.SGD(0.1))
