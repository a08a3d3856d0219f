"""The loop is what it says: a literal transcription gives the same numbers, and no order or mask comes twice."""

import math

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.epochs import row_order
from scratchwork.layers import Layer


def problem(n=50, d=4, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    y = rng.permutation(np.arange(n) % classes)
    return x, y


def net(d=4, classes=3, dtype=np.float64, *between):
    network = sw.Sequential([sw.Dense(5), sw.Tanh(), *between, sw.Dense(classes)])
    network.build(d, 0, dtype)
    return network


def run(network, x, y, **settings):
    usual = {"loss": sw.SoftmaxCrossEntropy(), "optimizer": sw.SGD(0.1), "epochs": 3, "batch_size": 16, "progress": False}
    return sw.fit(network, x, y, **(usual | settings))


# -- the literal loop --------------------------------------------------------------------------------------------


def sgd(w, g, s, t, eta, decays):
    return w - 0.1 * g


def sgd_decay(w, g, s, t, eta, decays):
    return w - 0.1 / (1 + 0.05 * (t - 1)) * g


def momentum(w, g, s, t, eta, decays):
    s["u"] = 0.9 * s.get("u", 0) + g
    return w - 0.05 * s["u"]


def nesterov(w, g, s, t, eta, decays):
    s["u"] = 0.9 * s.get("u", 0) + g
    return w - 0.05 * (g + 0.9 * s["u"])


def adagrad(w, g, s, t, eta, decays):
    s["s"] = s.get("s", 0) + g**2
    return w - 0.1 * g / (np.sqrt(s["s"]) + 1e-10)


def rmsprop(w, g, s, t, eta, decays):
    s["s"] = 0.99 * s.get("s", 0) + 0.01 * g**2
    return w - 0.01 * g / (np.sqrt(s["s"]) + 1e-8)


def adam(w, g, s, t, eta, decays):
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0) + 0.001 * g**2
    return w - 0.02 * (s["m"] / (1 - 0.9**t)) / (np.sqrt(s["v"] / (1 - 0.999**t)) + 1e-8)


def adamw(w, g, s, t, eta, decays):
    return adam((1 - 0.02 * 0.3) * w if decays else w, g, s, t, eta, decays)


RULES = {
    "gradient descent": (sw.GradientDescent(0.1), sgd),
    "sgd": (sw.SGD(0.1), sgd),
    "sgd, decay": (sw.SGD(0.1, decay=0.05), sgd_decay),
    "momentum": (sw.SGD(0.05, momentum=0.9), momentum),
    "nesterov": (sw.SGD(0.05, momentum=0.9, nesterov=True), nesterov),
    "adagrad": (sw.AdaGrad(0.1), adagrad),
    "rmsprop": (sw.RMSProp(0.01), rmsprop),
    "adam": (sw.Adam(0.02), adam),
    "adamw": (sw.AdamW(0.02, weight_decay=0.3), adamw),
}


def literal(parameters, x, y, rule, *, epochs, size, seed, weight, l2=0.0, limit=math.inf):
    """w₁, b₁, w₂, b₂ and the loss of each epoch, written down from the equations."""
    w = list(parameters)
    states = [{} for _ in w]
    n, t, losses = len(x), 0, []
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(n)
        total = total_weight = 0.0
        for start in range(0, n, size):
            rows = order[start : start + size]
            xb, yb, wb, t = x[rows], y[rows], weight[rows], t + 1
            h = np.tanh(xb @ w[0] + w[1])
            z = h @ w[2] + w[3]
            p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
            penalty = 0.5 * l2 * ((w[0] ** 2).sum() + (w[2] ** 2).sum())
            loss = -(wb * np.log(p[np.arange(len(rows)), yb])).sum() / wb.sum() + penalty
            total, total_weight = total + wb.sum() * loss, total_weight + wb.sum()
            dz = (p - np.eye(3)[yb]) * (wb / wb.sum())[:, None]
            da = (dz @ w[2].T) * (1 - h**2)
            grads = [xb.T @ da + l2 * w[0], da.sum(axis=0), h.T @ dz + l2 * w[2], dz.sum(axis=0)]
            norm = math.sqrt(sum((g**2).sum() for g in grads))
            grads = [g * min(1.0, limit / norm) for g in grads]
            w = [rule(v, g, s, t, None, v.ndim == 2) for v, g, s in zip(w, grads, states, strict=True)]
        losses.append(total / total_weight)
    return w, losses


@pytest.mark.parametrize(("optimizer", "rule"), RULES.values(), ids=RULES.keys())
@pytest.mark.parametrize("extras", [False, True], ids=["plain", "weights, penalty, clipping"])
def test_fit_is_the_literal_loop(optimizer, rule, extras):
    x, y = problem()
    network = net()
    start = [parameter.value.copy() for _, parameter in network.parameters()]
    weight = np.random.default_rng(1).uniform(0, 2, len(x)) if extras else np.ones(len(x))
    l2, limit = (0.02, 0.3) if extras else (0.0, math.inf)
    expected, losses = literal(start, x, y, rule, epochs=4, size=16, seed=5, weight=weight, l2=l2, limit=limit)
    settings = {"sample_weight": weight, "regularizer": sw.L2(l2), "clip_norm": limit} if extras else {}
    history = run(network, x, y, optimizer=optimizer, epochs=4, seed=5, **settings)
    for (name, parameter), value in zip(network.parameters(), expected, strict=True):
        np.testing.assert_allclose(parameter.value, value, rtol=1e-11, atol=1e-12, err_msg=name)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-12)
    assert history["learning_rate"][-1] == pytest.approx(optimizer.learning_rate_at(15), rel=1e-15)


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    x, y = problem()
    results = []
    for seed in (3, 3, 4):
        network = sw.Sequential([sw.Dense(5), sw.BatchNorm(), sw.ReLU(), sw.Dropout(0.3), sw.Dense(3)])
        history = run(network, x, y, optimizer=sw.Adam(0.01), seed=seed, validation_split=0.2, metrics=["accuracy"])
        results.append((network.flat().value.copy(), [history[k] for k in history if k != "seconds"]))
    assert np.array_equal(results[0][0], results[1][0])
    assert results[0][1] == results[1][1]
    assert not np.array_equal(results[0][0], results[2][0])


# -- orders and masks ----------------------------------------------------------------------------------------------


class Spy(Layer):
    """Lets everything through and keeps what it saw while training."""

    def __init__(self):
        self.seen = []

    def build(self, in_shape, rng, dtype):
        return in_shape

    def forward(self, x, *, training=False, step=0):
        if training:
            self.seen.append((x.copy(), step))
        return x, None

    def backward(self, dy, cache, *, need_dx=True):
        return dy


def spied(n, *after):
    """A network that remembers the rows of each batch; row i holds the number i."""
    spy = Spy()
    return sw.Sequential([spy, *after, sw.Dense(2)]), spy, np.arange(n, dtype=float)[:, None], np.arange(n) % 2


@pytest.mark.parametrize(("n", "size"), [(20, 6), (20, 5), (7, 1), (7, 3)])
def test_every_epoch_is_a_permutation_and_batches_mix(n, size):
    network, spy, x, y = spied(n)
    run(network, x, y, batch_size=size, epochs=4, optimizer=sw.SGD(1e-9))
    steps = math.ceil(n / size)
    assert [len(seen) for seen, _ in spy.seen[:steps]] == [min(size, n - start) for start in range(0, n, size)]
    orders = [np.concatenate([seen[:, 0] for seen, _ in spy.seen[e * steps : (e + 1) * steps]]) for e in range(4)]
    assert all(sorted(order) == list(range(n)) for order in orders)
    assert len({tuple(order) for order in orders}) == 4
    if 1 < size < n:  # who shares a batch changes, and not only the order of the batches
        companions = {frozenset(order[:size]) for order in orders}
        assert len(companions) > 1


def test_targets_and_weights_follow_their_rows():
    class Pairs(sw.Loss):
        task = "regression"

        def value_and_grad(self, prediction, target, weight=None):
            pairs.append((target.reshape(-1).copy(), weight.copy()))
            return 0.0, np.zeros_like(prediction)

        def prepare(self, target, outputs, name="y"):
            return np.asarray(target, float)[:, None]

    pairs = []
    network, spy, x, _ = spied(20)
    run(network, x, x[:, 0] * 10, batch_size=6, loss=Pairs(), sample_weight=x[:, 0] + 1)
    for (seen, _), (target, weight) in zip(spy.seen, pairs, strict=True):
        assert np.array_equal(seen[:, 0] * 10, target)
        assert np.array_equal(seen[:, 0] + 1, weight)


def test_one_epoch_at_a_time_never_repeats_an_order_or_a_mask():
    first, second = Spy(), Spy()
    x, y = np.ones((12, 64)), np.arange(12) % 2
    x[:, 0] = np.arange(12)
    network = sw.Sequential([first, sw.Dropout(0.5), second, sw.Dense(2)])
    for _ in range(6):
        run(network, x, y, batch_size=4, epochs=1, optimizer=sw.SGD(1e-9))
    orders = {tuple(np.concatenate([seen[:, 0] for seen, _ in first.seen[3 * e : 3 * e + 3]])) for e in range(6)}
    assert len(orders) == 6
    masks = {(seen[:, 1:] > 0).tobytes() for seen, _ in second.seen}
    assert len(masks) == 18
    assert [step for _, step in first.seen] == list(range(1, 19))


def test_an_epoch_that_was_cut_short_does_not_lend_its_order_to_the_next():
    class Enough(sw.Callback):
        def on_batch_end(self, run):
            run.stop = "interrupted"

    network, spy, x, y = spied(30)
    assert run(network, x, y, batch_size=15, callbacks=[Enough()]).epochs == 0
    run(network, x, y, batch_size=15, epochs=1)
    assert not np.array_equal(spy.seen[0][0], spy.seen[1][0])


def test_six_calls_of_one_epoch_are_one_call_of_six():
    x, y = problem()
    at_once, in_steps = net(), net()
    run(at_once, x, y, epochs=6)
    for _ in range(6):
        run(in_steps, x, y, epochs=1)
    assert np.array_equal(at_once.flat().value, in_steps.flat().value)


def test_without_shuffling_rows_come_as_they_are():
    network, spy, x, y = spied(10)
    run(network, x, y, batch_size=4, shuffle=False, epochs=2)
    assert np.concatenate([seen[:, 0] for seen, _ in spy.seen]).tolist() == [*range(10), *range(10)]


@pytest.mark.parametrize("size", [None, 50, 1000])
def test_all_rows_at_once(size):
    x, y = problem()
    network = net()
    expected, losses = literal(
        [p.value.copy() for _, p in network.parameters()], x, y, sgd, epochs=3, size=50, seed=0, weight=np.ones(50)
    )
    history = run(network, x, y, batch_size=size)
    np.testing.assert_allclose(network[0].weight.value, expected[0], rtol=1e-10)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-12)


def test_batches_of_one_with_batch_normalization():
    x, y = problem(9)
    network = net(4, 3, np.float32, sw.BatchNorm())
    history = run(network, x, y, batch_size=4, epochs=3)  # 4, 4, 1
    assert np.isfinite(history["loss"]).all()
    run(network, x, y, batch_size=1, epochs=1)
    assert np.isfinite(network.predict(x)).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.float16, np.int64, bool, np.float64, ">f8"])
@pytest.mark.parametrize("size", [8, None])
def test_every_kind_of_number_trains_alike(dtype, size):
    x = np.random.default_rng(0).integers(0, 2, (30, 4))
    y = np.arange(30) % 3
    expected, narrow = net(dtype=np.float32), net(dtype=np.float32)
    run(expected, x.astype(np.float32), y, batch_size=size)
    run(narrow, x.astype(dtype), y, batch_size=size)
    assert np.array_equal(narrow.flat().value, expected.flat().value)
    assert narrow.predict(x).dtype == np.float32


class Table:
    """What a data frame of another library offers to NumPy."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


def test_x_may_lie_in_memory_in_any_way_and_be_read_only():
    x, y = problem()
    expected = net()
    run(expected, x, y)
    frozen = x.copy()
    frozen.flags.writeable = False
    for same in (
        x.tolist(),
        np.asfortranarray(x),
        frozen,
        np.repeat(x, 2, axis=0)[::2],
        x[::-1][::-1],
        x.astype(object),
        Table(x),
    ):
        network = net()
        run(network, same, y)
        assert np.array_equal(network.flat().value, expected.flat().value)


@pytest.mark.parametrize("size", [None, 16])
def test_x_and_y_are_not_written_to_and_not_needed_afterwards(size):
    x, y = problem()
    x = x.astype(np.float32)
    kept = x.copy(), y.copy()
    network = net(dtype=np.float32)
    run(network, x, y, batch_size=size, validation_split=0.2, metrics=["accuracy"])
    assert np.array_equal(x, kept[0])
    assert np.array_equal(y, kept[1])
    expected = network.predict(kept[0])
    x[...], y[...] = np.nan, 0
    assert np.array_equal(network.predict(kept[0]), expected)


# -- the last batch --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize(("n", "size", "steps"), [(50, 16, 3), (48, 16, 3), (50, None, 1), (50, 64, 1), (50, 50, 1)])
def test_an_incomplete_last_batch_may_be_left_out(engine, n, size, steps):
    x, y = problem(n)
    taken, seen = [], {}
    watch = sw.Monitor(lambda run: taken.append((run.step, run.steps_per_epoch, run.rows)))

    def rows(prediction, target):
        seen["rows"] = len(target)
        return 0.0

    run(net(), x, y, batch_size=size, drop_last=True, callbacks=[watch], metrics={"rows": rows}, engine=engine)
    assert taken == [(steps, steps, n), (2 * steps, steps, n), (3 * steps, steps, n)]
    assert seen["rows"] == steps * min(size or n, n)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_leaving_out_is_what_training_on_the_other_rows_does(engine):
    x, y = problem(50)
    shorter, longer = net(), net()
    wanted = run(shorter, x[:48], y[:48], shuffle=False, engine=engine)
    found = run(longer, x, y, shuffle=False, drop_last=True, engine=engine)
    assert found["loss"] == wanted["loss"]
    np.testing.assert_array_equal(longer.flat().value, shorter.flat().value)


def test_other_rows_are_left_out_in_every_epoch():
    orders = [row_order(50, 16, 3, epoch, 3) for epoch in range(20)]
    assert all(len(set(order.tolist())) == 48 for order in orders)
    assert len(set(np.concatenate([np.setdiff1d(np.arange(50), order) for order in orders]).tolist())) > 15
