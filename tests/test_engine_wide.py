"""Layers wider than a panel: their matrices lie in panels while they are trained, and nobody outside sees that."""

import copy
from typing import Any

import numpy as np
import pytest

import cases
import scratchwork as sw
from scratchwork.engine.runner import Panels
from scratchwork.errors import DivergedError
from two_paths import ROWS, TOLERANCE, distance, require_agreement, trained

BOTH = [pytest.param(np.float64, id="float64"), pytest.param(np.float32, id="float32")]
PATHS = ("numpy", "compiled")
CROSS_ENTROPY, SQUARES = sw.SoftmaxCrossEntropy(), sw.MeanSquaredError()
SGD = sw.SGD(0.05, momentum=0.5)


def wide(dtype: Any = np.float64, outputs: int = 3, widths: tuple[int, ...] = (100, 300)) -> sw.Sequential:
    layers: list[sw.Layer] = []
    for width in widths:
        layers += [sw.Dense(width), sw.Tanh()]
    network = sw.Sequential([*layers, sw.Dense(outputs)])
    network.build(20, rng=5, dtype=dtype)
    return network


RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(ROWS, 20)), RNG.integers(0, 3, ROWS)
T = np.sin(X[:, :3]) + 0.1 * RNG.normal(size=(ROWS, 3))


# -- panels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("widths", [[65], [128], [130], [200], [65, 200, 128, 130]])
def test_panels_there_and_back(widths):
    """Parameters and two states; biases and narrow matrices between the wide ones stay as they are."""
    rng, rows, gap = np.random.default_rng(0), 7, 5
    matrices, start = [], gap
    for width in widths:
        matrices.append((start, rows, width))
        start += rows * width + gap
    theirs = [rng.normal(size=start) for _ in range(3)]
    before = [array.copy() for array in theirs]
    panels = Panels(matrices, theirs)
    panels.fetch()
    for array, ours in zip(theirs, panels.arrays, strict=True):
        assert not np.shares_memory(array, ours)
        wanted = [array[:gap]]
        for begin, _, width in matrices:
            matrix = array[begin : begin + rows * width].reshape(rows, width)
            wanted += [matrix[:, low : low + 64].ravel() for low in range(0, width, 64)]
            wanted.append(array[begin + rows * width :][:gap])
        assert np.array_equal(ours, np.concatenate(wanted))
        array[...] = np.nan
    panels.publish()
    for array, old in zip(theirs, before, strict=True):
        assert np.array_equal(array, old)


class Look(sw.Callback):
    """Copies what it sees after every step."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_batch_end(self, run: Any) -> None:
        states = [run.state[name].copy() for name in sorted(run.state)]
        self.seen.append((run.step, run.batch_loss, run.network.flat().value.copy(), states))


@pytest.mark.parametrize("optimizer", [sw.Adam(0.01), SGD, sw.SGD(0.1)], ids=["adam", "momentum", "sgd"])
def test_a_callback_sees_rows_after_every_step(optimizer):
    seen = []
    for engine in PATHS:
        look = Look()
        trained(wide(), X, Y, engine=engine, callbacks=[look], loss=CROSS_ENTROPY, optimizer=optimizer)
        seen.append(look.seen)
    assert len(seen[0]) == len(seen[1]) == 20
    for (step, loss, value, states), (other_step, other_loss, found, others) in zip(*seen, strict=True):
        assert step == other_step
        assert abs(loss - other_loss) < 1e-12
        assert distance(found, value) < 1e-12
        assert all(distance(other, state) < 1e-11 for other, state in zip(others, states, strict=True))


def both(network: sw.Sequential, tolerance: float = 1e-12, **settings: Any) -> tuple[Any, Any]:
    usual = {"loss": CROSS_ENTROPY, "optimizer": SGD}
    wanted, found = (trained(network, X, Y, engine=engine, **(usual | settings)) for engine in PATHS)
    assert distance(found.value, wanted.value) < tolerance
    for name, state in wanted.state.items():
        assert distance(found.state[name], state) < 10 * tolerance
    return wanted, found


@pytest.mark.parametrize("hook", ["on_fit_begin", "on_batch_end", "on_epoch_end"])
def test_a_callback_writes_into_a_wide_matrix(hook):
    def write(run):
        run.network[2].weight.value[:, 60:70] *= 0.9
        run.network[2].weight.value[3] = 0.01

    callback = sw.Callback()
    setattr(callback, hook, write)
    both(wide(), callbacks=[callback])


class Last(sw.Callback):
    """At a step: says so, writes into the parameters where it is told to, and ends the run."""

    def __init__(self, at: int, how: str, write: bool) -> None:
        self.at, self.how, self.write = at, how, write

    def on_batch_end(self, run: Any) -> None:
        if run.step == self.at:
            if self.write:
                run.network[0].weight.value[...] = np.arange(2000.0).reshape(20, 100)
            if self.how == "raise":
                raise RuntimeError("mine")
            run.stop = self.how


@pytest.mark.parametrize("write", [False, True], ids=["looks", "writes"])
@pytest.mark.parametrize("how", ["enough", "interrupted", "raise"])
@pytest.mark.parametrize("at", [1, 7, 10])
def test_a_run_that_ends_within_an_epoch(at, how, write):
    """The parameters of that step, row by row; what the callback wrote into them last stays."""
    values = []
    for engine in PATHS:
        network = wide()
        settings = {"engine": engine, "callbacks": [Last(at, how, write)], "loss": CROSS_ENTROPY, "optimizer": SGD}
        try:
            sw.fit(network, X, Y, epochs=4, batch_size=16, seed=3, progress=False, **settings)
            assert how != "raise"
        except RuntimeError:
            assert how == "raise"
        values.append(network.flat().value.copy())
    assert distance(values[1], values[0]) < 1e-12
    if write:
        assert np.array_equal(values[1][:2000], np.arange(2000.0))


@pytest.mark.parametrize("method", ["fetch", "publish"])
@pytest.mark.parametrize("call", [1, 2, 3, 4])
def test_ctrl_c_while_matrices_are_copied(method, call, monkeypatch):
    """Half a matrix was copied: the network's numbers are those of before or after the step, in rows, all the same."""
    network, look, calls = wide(), Look(), []

    def interrupted(pairs):
        for index, pair in enumerate(pairs):
            if calls.count(method) == call and calls[-1] == method and index == 2:
                calls.append("pressed")
                raise KeyboardInterrupt
            yield pair

    def counted(self, name, plain):
        calls.append(name)
        pairs, self.pairs = self.pairs, interrupted(self.pairs)
        try:
            plain(self)
        finally:
            self.pairs = pairs

    for name in ("fetch", "publish"):
        plain = getattr(Panels, name)
        monkeypatch.setattr(Panels, name, lambda self, name=name, plain=plain: counted(self, name, plain))
    start = network.flat().value.copy()
    settings = {"loss": CROSS_ENTROPY, "optimizer": SGD, "epochs": 1, "batch_size": 16, "progress": False}
    with pytest.raises(KeyboardInterrupt):
        sw.fit(network, X, Y, engine="compiled", callbacks=[look], **settings)
    monkeypatch.undo()
    wanted, whole = wide(), Look()
    sw.fit(wanted, X, Y, engine="numpy", callbacks=[whole], **settings)
    values = [start, *[value for _, _, value, _ in whole.seen]]
    done = len(look.seen) + (method == "publish")
    assert distance(network.flat().value, values[done]) < 1e-12


# -- runs that diverge -----------------------------------------------------------------------------------------------


def jump(step: int) -> float:
    return 0.05 if step < 7 else 1e300


@pytest.mark.parametrize("looked_at", [False, True])
@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": sw.SGD(jump)},
        {"optimizer": sw.SGD(jump), "clip_norm": 1.0},
        {"optimizer": sw.SGD(jump), "regularizer": sw.L2(0.01)},
        {"optimizer": sw.SGD(lambda step: 0.05 if step < 7 else 1e12), "regularizer": sw.L2(1.0)},
    ],
    ids=["plain", "clip_norm", "L2", "L2 that explodes"],
)
def test_a_run_that_diverges_leaves_the_last_finished_step(settings, dtype, looked_at):
    values, texts = [], []
    for engine in PATHS:
        network = wide(dtype)
        callbacks = [Look()] if looked_at else []
        with pytest.raises(DivergedError) as caught:
            sw.fit(
                network, X.astype(dtype), T.astype(dtype), loss=SQUARES, engine=engine, epochs=40, batch_size=16,
                callbacks=callbacks, progress=False, **settings,
            )  # fmt: skip
        texts.append(str(caught.value))
        values.append(network.flat().value.copy())
    assert texts[0] == texts[1]
    assert distance(values[1][np.isfinite(values[1])], values[0][np.isfinite(values[0])]) < 100 * TOLERANCE[dtype]


def test_a_loss_that_is_not_finite_within_an_epoch():
    """From step 9 on the squares overflow, and nobody had asked for the arrays at the steps before."""
    x = X.copy()
    x[40:] = 1e308
    values = []
    for engine in PATHS:
        network = sw.Sequential([sw.Dense(100), sw.ReLU(), sw.Dense(300), sw.ReLU(), sw.Dense(3)])
        network.build(20, 0, np.float64)
        settings = {"loss": SQUARES, "optimizer": sw.SGD(1e-3), "engine": engine, "shuffle": False, "batch_size": 5}
        with pytest.raises(DivergedError, match="at epoch 1, step 9"):
            sw.fit(network, x, T, epochs=2, progress=False, **settings)
        values.append(network.flat().value.copy())
    assert distance(values[1], values[0]) < 1e-12


# -- what people build -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize("name", cases.OPTIMIZER_CASES)
def test_optimizers(name, dtype):
    """The first steps of RMSProp divide by the root of one gradient, whose rounding is then that of a whole step."""
    tolerance = TOLERANCE[dtype] * (20 if name == "rmsprop" else 1)
    optimizer = cases.OPTIMIZER_CASES[name]()
    require_agreement(wide(dtype, 2), X, T[:, :2], loss=SQUARES, optimizer=optimizer, tolerance=tolerance)


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize(
    "settings",
    [
        {"regularizer": sw.L2(0.1)},
        {"regularizer": sw.ElasticNet(0.01, 0.1), "clip_value": 0.01},
        {"constraint": sw.MaxNorm(0.5)},
        {"constraint": sw.MaxNorm(0.5, axis=1)},
        {"constraint": sw.MaxNorm(0.4, axis=1), "clip_norm": 0.3, "regularizer": sw.L2(0.1, biases=True)},
        {"clip_norm": 0.05},
        {"clip_norm": 0.05, "optimizer": sw.AdamW(0.01, weight_decay=0.1)},
    ],
    ids=["L2", "elastic and clip", "columns", "rows", "rows and more", "norm", "norm, AdamW"],
)
def test_rules(settings, dtype):
    network = wide(dtype)
    tolerance = TOLERANCE[dtype] * (10 if "optimizer" in settings else 1)  # where a gradient is nearly 0, Adam's step is not
    found = require_agreement(network, X, T, loss=SQUARES, tolerance=tolerance, **({"optimizer": SGD} | settings))
    plain = trained(network, X.astype(dtype), T, engine="compiled", loss=SQUARES, optimizer=settings.get("optimizer", SGD))
    assert distance(found.value, plain.value) > 1e-3  # the rule has something to do


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize("size", [1, 7, ROWS - 1, None, 1000])
def test_batches(size, dtype):
    settings = {"batch_size": size, "epochs": 1 if size == 1 else 10 if size in (7, ROWS - 1) else 20}
    require_agreement(wide(dtype), X, T, loss=SQUARES, optimizer=sw.SGD(0.01), **settings)


@pytest.mark.parametrize("widths", [(300,), (64, 65), (65, 64), (130, 47), (48, 200), (200, 192, 193)])
def test_wide_beside_narrow(widths):
    """A matrix is in panels or not, and has OFTEN rows or not, whatever its neighbours are."""
    for outputs in (1, 70):
        y = np.resize(T, (ROWS, outputs))
        require_agreement(wide(outputs=outputs, widths=widths), X, y, loss=SQUARES, optimizer=sw.Adam(1e-3))


def test_batches_of_more_rows_than_are_copied():
    """From 192 rows of C on panels are copied; here that many rows of the batch and of W."""
    x = np.random.default_rng(1).normal(size=(450, 200))
    network = sw.Sequential([sw.Dense(210), sw.Tanh(), sw.Dense(196), sw.ReLU(), sw.Dense(10)])
    network.build(200, 0, np.float64)
    y = np.arange(450) % 10
    require_agreement(network, x, y, loss=CROSS_ENTROPY, optimizer=sw.Adam(1e-3), batch_size=200, epochs=3)


def test_the_network_trains_on_after_all_that():
    """Three fits one after the other on either path, and predictions between them."""
    networks = [copy.deepcopy(wide()) for _ in PATHS]
    for _ in range(3):
        for network, engine in zip(networks, PATHS, strict=True):
            sw.fit(
                network, X, Y, loss=CROSS_ENTROPY, optimizer=SGD, engine=engine, epochs=2, batch_size=16, progress=False,
                validation_split=0.2,
            )  # fmt: skip
        assert distance(networks[1].predict(X), networks[0].predict(X)) < 1e-12
