"""Healthy runs I: networks, losses, optimizers and settings that are unusual, and work."""

from __future__ import annotations

from typing import Any

import numpy as np

import scratchwork as sw
from scratchwork.arrays import Array

from .cases import well
from .losses import MyCrossEntropy, MyPenalty, MySquaredError
from .mistakes import Elementwise, MyActivation, MyDense, MyNormalization, MyScaling, MySoftmax
from .situation import Situation, fit, healthy

SETS = "@classes, @binary, @numbers"
EASY = "digits, shapes, signals, blobs, moons, customers, houses, concrete, arm, textures, words"
SMOOTH = "digits, shapes, signals, blobs, moons, cells, textures"


@well(SETS, "relu, two tanh, two relu, gelu, elu, batch norm, layer norm, silu", count=14)
def as_the_book_has_it(name: str, net: str, turn: int) -> Situation:
    """Nothing unusual."""
    return healthy(name, net, turn)


@well(EASY, "relu, two tanh, layer norm", count=3)
def all_rows_at_once(name: str, net: str, turn: int) -> Situation:
    """Full batches, sorted or not: their order is of no meaning; more epochs instead."""
    run = healthy(name, net, turn)
    if turn % 2 and run.problem.task != "numbers":
        order = np.argsort(run.y, kind="stable")
        run.x, run.y = run.x[order], run.y[order]
    run.batch_size, run.shuffle, run.epochs, run.optimizer = None, False, 250, sw.Adam(0.01)
    return run


@well(SMOOTH, count=2)
def sorted_but_shuffled(name: str, net: str, turn: int) -> Situation:
    """Rows in the order of their classes, and fit shuffles them."""
    run = healthy(name, net, turn)
    order = np.argsort(run.y, kind="stable")
    run.x, run.y = run.x[order], run.y[order]
    return run


@well(EASY, "relu, two tanh, batch norm, two relu", count=4)
def unshuffled_rows_in_no_order(name: str, net: str, turn: int) -> Situation:
    """shuffle=False on rows that were drawn at random."""
    run = healthy(name, net, turn)
    run.shuffle = False
    return run


@well(EASY, count=4)
def batches_of_four_or_of_hundreds(name: str, net: str, turn: int) -> Situation:
    """The rate goes with the size."""
    run = healthy(name, net, turn)
    run.batch_size = 4 if turn % 2 else 200
    run.optimizer = sw.Adam(0.001 if turn % 2 else 0.015)
    run.epochs = run.epochs if turn % 2 else 3 * run.epochs
    return run


@well("moons, circles, blobs, signals, wine", "tanh, sigmoid", count=4)
def plain_descent_with_long_steps(name: str, net: str, turn: int) -> Situation:
    """SGD at 0.5 to 1 on a small smooth net."""
    run = healthy(name, net, turn)
    run.optimizer = sw.SGD(0.5 if turn % 2 else 1.0)
    run.epochs = {"circles": 200, "moons": 150}.get(name, 40)
    return run


@well(SMOOTH, "relu, two relu, tanh", count=4)
def momentum(name: str, net: str, turn: int) -> Situation:
    """SGD with 0.9, Nesterov's too."""
    run = healthy(name, net, turn)
    run.optimizer = sw.SGD(0.05, momentum=0.9, nesterov=bool(turn % 2))
    run.epochs = max(run.epochs, 30)
    return run


@well(EASY, count=4)
def other_rules(name: str, net: str, turn: int) -> Situation:
    """RMSProp, AdaGrad, AdamW, Adam with other betas."""
    run = healthy(name, net, turn)
    run.optimizer = [sw.RMSProp(0.003), sw.AdaGrad(0.05), sw.AdamW(0.005), sw.Adam(0.005, beta1=0.8, beta2=0.99)][turn % 4]
    return run


@well("moons, wine, blobs, arm, sine, customers", "tanh, elu", count=3)
def second_order(name: str, net: str, turn: int) -> Situation:
    """L-BFGS on all rows."""
    run = healthy(name, net, turn)
    run.optimizer, run.epochs, run.regularizer = sw.LBFGS(), 60, sw.L2(3e-3)
    run.epochs = 150
    return run


@well(EASY, count=4)
def schedules(name: str, net: str, turn: int) -> Situation:
    """Cosine, one cycle, warm-up, steps down."""
    run = healthy(name, net, turn)
    steps, rate = run.epochs * -(-len(run.x) // 32), run.optimizer.learning_rate
    kinds = [
        sw.Cosine(2 * rate, steps=steps),
        sw.OneCycle(3 * rate, steps=steps),
        sw.WarmUp(30, then=1.5 * rate),
        sw.StepDecay(2 * rate, every=max(1, steps // 3), factor=0.3),
    ]
    run.optimizer = sw.Adam(kinds[turn % 4])
    return run


@well("digits, shapes, signals, moons, textures, houses", "dropout", count=5)
def half_dropped(name: str, net: str, turn: int) -> Situation:
    """Dropout of 0.5: the training loss stays above that of validation."""
    layers = [sw.Dense(128), sw.ReLU(), sw.Dropout(0.5)]
    run = healthy(name, net, turn, hidden=layers)
    run.epochs = 2 * run.epochs
    return run


@well("digits, signals, shapes, houses, cells, blobs", "own", count=6)
def deep_and_well_started(name: str, net: str, turn: int) -> Situation:
    """Six to ten layers: He and ReLU, LeCun and SELU, Glorot and tanh, batch normalization."""
    he = [part for _ in range(6) for part in (sw.Dense(32), sw.ReLU())]
    lecun = [part for _ in range(10) for part in (sw.Dense(24, weight_initializer="lecun_normal"), sw.SELU())]
    glorot = [part for _ in range(6) for part in (sw.Dense(32, weight_initializer="glorot_normal"), sw.Tanh())]
    norm = [part for _ in range(6) for part in (sw.Dense(24, use_bias=False), sw.BatchNorm(), sw.ReLU())]
    run = healthy(name, net, turn, hidden=[he, lecun, glorot, norm][turn % 4])
    run.optimizer = sw.Adam(0.002)
    run.regularizer = sw.L2(1e-3)
    return run


@well("digits, large digits, shapes, textures", "own", count=3)
def an_autoencoder(name: str, net: str, turn: int) -> Situation:
    """Pictures are their own targets; a sigmoid at the end is right where pixels are between 0 and 1."""
    run = healthy(name, net, turn)
    size = run.x.shape[1]
    end: list[sw.Layer] = [sw.Sigmoid()] if turn % 2 else []
    run.network = sw.Sequential([sw.Dense(64), sw.ReLU(), sw.Dense(size, weight_initializer="glorot_uniform"), *end])
    run.y, run.validation_data = run.x.copy(), (run.validation_data[0], run.validation_data[0].copy())
    run.loss, run.metrics, run.epochs, run.optimizer = sw.MeanSquaredError(), [], 40, sw.Adam(0.003)
    run.measure, run.reached = _explained, 0.4
    return run


def _explained(run: Situation) -> float:
    x, y = run.validation_data
    return 1 - float(((run.network.predict(x) - y) ** 2).mean() / ((y - y.mean(axis=0)) ** 2).mean())


@well("moons, cells, circles, customers", "relu, two tanh", count=3)
def probabilities_by_squares(name: str, net: str, turn: int) -> Situation:
    """Sigmoid and squared error on 0 and 1, as the first networks had it."""
    run = healthy(name, net, turn)
    run.network = sw.Sequential([*run.network.layers, sw.Sigmoid()])
    run.y = run.y.astype(np.float32)
    run.validation_data = (run.validation_data[0], run.validation_data[1].astype(np.float32))
    run.loss, run.metrics, run.epochs = sw.MeanSquaredError(), [], 2 * run.epochs
    run.measure, run.reached = _explained_column, 0.4
    return run


def _explained_column(run: Situation) -> float:
    x, y = run.validation_data
    return sw.metrics.r2(run.network.predict(x), y.reshape(len(y), -1))


@well("sine, houses, concrete, friedman, arm", "two tanh, relu", count=4)
def bounded_outputs_for_bounded_targets(name: str, net: str, turn: int) -> Situation:
    """Tanh for targets between −0.9 and 0.9, Softplus or ReLU for what is never negative, sigmoid for shares."""
    run = healthy(name, net, turn)
    low, high = run.y.min(), run.y.max()
    wanted = [(-0.9, 0.9), (0.2, 3.0), (0.05, 0.95), (0.5, 3.0)][turn % 4]

    def moved(y: Array) -> Array:
        share = np.clip((y - low) / (high - low), 0, 1)
        return (wanted[0] + share * (wanted[1] - wanted[0])).astype(np.float32)

    run.y, run.validation_data = moved(run.y), (run.validation_data[0], moved(run.validation_data[1]))
    end = [sw.Tanh(), sw.Softplus(), sw.Sigmoid(), sw.ReLU()][turn % 4]
    run.network = sw.Sequential([*run.network.layers, end])
    if isinstance(end, sw.ReLU):
        run.network.layers[-2] = sw.Dense(run.problem.outputs, bias_initializer="ones")
    run.epochs = 2 * run.epochs
    run.measure, run.reached = _explained_column, min(0.8, run.problem.reached)
    return run


@well(SMOOTH.replace("moons, cells, ", ""), "relu, two tanh", count=3)
def softmax_once(name: str, net: str, turn: int) -> Situation:
    """A Softmax layer and the loss for probabilities."""
    run = healthy(name, net, turn)
    run.network = sw.Sequential([*run.network.layers, sw.Softmax()])
    run.loss = sw.CategoricalCrossEntropy()
    return run


@well("digits, shapes, signals, blobs, wine", "relu, two tanh", count=3)
def margins(name: str, net: str, turn: int) -> Situation:
    """Hinges for several classes."""
    run = healthy(name, net, turn)
    run.loss, run.regularizer = sw.SquaredHinge() if turn % 2 else sw.MulticlassHinge(), sw.L2(1e-3)
    return run


@well("moons, cells, customers", "relu, tanh", count=2)
def signs_for_a_hinge(name: str, net: str, turn: int) -> Situation:
    """−1 and 1, for the loss that takes them."""
    run = healthy(name, net, turn)
    run.loss = sw.BinaryHinge()
    run.y, run.validation_data = run.y * 2 - 1, (run.validation_data[0], run.validation_data[1] * 2 - 1)
    return run


@well("houses, concrete, friedman, sine, arm", "relu, two tanh, elu", count=4)
def other_errors(name: str, net: str, turn: int) -> Situation:
    """Absolute error, Huber's, the median by quantiles, a sum of squares."""
    run = healthy(name, net, turn)
    run.loss = [sw.MeanAbsoluteError(), sw.Huber(), sw.Quantile(0.5), sw.SumSquaredError()][turn % 4]
    if turn % 4 == 2 and run.problem.outputs > 1:
        run.loss = sw.Huber(0.5)
    return run


@well("houses, concrete, friedman, diabetes", "relu, tanh", count=3)
def counts_of_things(name: str, net: str, turn: int) -> Situation:
    """Whole numbers of at least 0 as targets, with Poisson's loss; or divided by 10, with the squared error."""
    run = healthy(name, net, turn)
    rng = np.random.default_rng(turn)
    change = lambda y: rng.poisson(np.exp(1.5 + 0.8 * y.clip(-3, 2))).astype(np.float32)  # noqa: E731
    run.y, run.validation_data = change(run.y), (run.validation_data[0], change(run.validation_data[1]))
    run.loss, run.metrics = sw.Poisson(), []
    if turn % 2:
        run.loss = sw.MeanSquaredError()
        run.y, run.validation_data = run.y / 10, (run.validation_data[0], run.validation_data[1] / 10)
    run.measure, run.reached = (_explained_column, 0.2) if turn % 2 else (_poisson, 0.2)
    run.epochs = 3 * run.epochs
    return run


def _poisson(run: Situation) -> float:
    x, y = run.validation_data
    return sw.metrics.r2(np.exp(run.network.predict(x)), y.reshape(len(y), -1))


@well(EASY, count=4)
def gentle_strength(name: str, net: str, turn: int) -> Situation:
    """L2 of 1e-4 and 1e-3, L1, a bound on the norms, decay: nothing that kills."""
    run = healthy(name, net, turn)
    run.regularizer = [sw.L2(1e-3), sw.L1(1e-4), None, sw.ElasticNet(1e-4, 1e-4)][turn % 4]
    if turn % 4 == 2:
        run.optimizer = sw.AdamW(0.005, weight_decay=0.05)
        run.settings["constraint"] = sw.MaxNorm(4.0)
    return run


@well("digits, customers, cells, diabetes, friedman", "wide relu, two tanh", count=4)
def stopped_when_it_was_enough(name: str, net: str, turn: int) -> Situation:
    """EarlyStopping with patience, which takes the best epoch back."""
    run = healthy(name, net, turn)
    run.epochs = 150
    run.settings["callbacks"] = [sw.EarlyStopping(patience=8)]
    return run


@well("digits, shapes, signals, blobs, wine", "relu, two tanh", count=4)
def soft_targets(name: str, net: str, turn: int) -> Situation:
    """One-hot rows, soft rows, smoothed labels, labels as small integers."""
    run = healthy(name, net, turn)
    eye = np.eye(run.problem.outputs, dtype=np.float32)
    if turn % 4 == 0:
        run.y, run.validation_data = eye[run.y], (run.validation_data[0], eye[run.validation_data[1]])
    elif turn % 4 == 1:
        run.y = 0.9 * eye[run.y] + 0.1 / run.problem.outputs
    elif turn % 4 == 2:
        run.loss = sw.SoftmaxCrossEntropy(label_smoothing=0.1)
    else:
        run.y = run.y.astype(np.uint8)
    return run


@well("digits, wine, cells, words, customers, textures", "linear", count=4)
def a_linear_model_from_zeros(name: str, net: str, turn: int) -> Situation:
    """All weights zero: right where there is one layer."""
    run = healthy(name, net, turn)
    run.network = sw.Sequential([sw.Dense(run.problem.outputs, weight_initializer="zeros")])
    run.optimizer, run.epochs = sw.Adam(0.02), 30
    return run


@well(EASY, "own", count=3)
def only_the_last_layer_from_zeros(name: str, net: str, turn: int) -> Situation:
    """The hidden ones are random, the outputs begin at 0: the loss starts at that of chance, and falls."""
    run = healthy(name, "two relu" if turn % 2 else "two tanh", turn)
    run.network.layers[-1] = sw.Dense(run.problem.outputs, weight_initializer="zeros")
    return run


@well(EASY, "own", count=4)
def layers_of_ones_own_that_are_right(name: str, net: str, turn: int) -> Situation:
    """A user's dense layer, activation, normalization of rows, norm of rows, a gate by softmax over features."""
    kinds: list[list[sw.Layer]] = [
        [MyDense(24, "tanh"), MyDense(16, "relu")],
        [sw.Dense(32), MyActivation("swish"), sw.Dense(16), MyActivation("leaky")],
        [sw.Dense(32), MyNormalization(axis=1), sw.ReLU()],
        [sw.Dense(32), sw.Tanh(), MyScaling(axis=1), sw.Dense(16), sw.ReLU()],
    ]
    run = healthy(name, net, turn, hidden=kinds[turn % 4])
    if turn % 4 == 0:
        run.regularizer = MyPenalty(1e-3)
    return run


@well("digits, blobs, shapes, houses, sine, friedman", "relu, two tanh", count=3)
def losses_of_ones_own_that_are_right(name: str, net: str, turn: int) -> Situation:
    """A user's cross-entropy and squared error."""
    run = healthy(name, net, turn)
    run.loss = MySquaredError() if run.problem.task == "numbers" else MyCrossEntropy()
    return run


class Careful(Elementwise):
    """Dropout of one's own that asks whether it is training."""

    def __init__(self, rate: float = 0.3) -> None:
        self.rate = rate

    def forward(self, x: Array, *, training: bool = False, step: int = 0) -> tuple[Array, Any]:
        if not training:
            return x, None
        mask = (np.random.default_rng(step).random(x.shape) > self.rate).astype(x.dtype) / x.dtype.type(1 - self.rate)
        return x * mask, mask

    def backward(self, dy: Array, cache: Any, *, need_dx: bool = True) -> Array | None:
        return dy if cache is None else dy * cache


@well(EASY, "own", count=2)
def dropout_of_ones_own_that_is_right(name: str, net: str, turn: int) -> Situation:
    """It acts in training, and in training only."""
    return healthy(name, net, turn, hidden=[sw.Dense(64), sw.ReLU(), Careful(), sw.Dense(32), sw.ReLU()])


@well(EASY, "own", count=3)
def a_gate_of_ones_own(name: str, net: str, turn: int) -> Situation:
    """Softmax over the features of each row inside the network, with room behind it."""
    parts = [sw.Dense(24), MySoftmax(axis=1), sw.Rescaling(24.0), sw.Dense(24), sw.ReLU()]
    run = healthy(name, net, turn, hidden=parts)
    run.epochs = 2 * run.epochs
    return run


@well("digits, signals, blobs, moons, words, textures", "own", count=3)
def random_features(name: str, net: str, turn: int) -> Situation:
    """A first layer that is kept as it started, with 200 units; only the rest learns."""
    frozen = sw.Dense(200, weight_learning_rate_factor=0.0, bias_learning_rate_factor=0.0)
    return healthy(name, net, turn, hidden=[frozen, sw.ReLU()])


@well(EASY, "relu, two tanh, batch norm", count=5)
def trained_on_from_where_it_is(name: str, net: str, turn: int) -> Situation:
    """A network that knows its task already, at a tenth of the rate: hardly anything changes, and that is well."""
    run = healthy(name, net, turn)
    run.regularizer = sw.L2(1e-3)
    fit(run)
    run.optimizer, run.epochs = sw.Adam(run.optimizer.learning_rate / 10), 8
    return run


@well(EASY, "relu, two tanh, wide relu", count=4)
def on_the_compiled_path(name: str, net: str, turn: int) -> Situation:
    """engine="auto", one thread or two."""
    run = healthy(name, net, turn)
    run.settings = {"engine": "auto", "threads": 1 + turn % 2}
    return run


@well("digits, moons, houses, signals", "own", count=2)
def several_networks_side_by_side(name: str, net: str, turn: int) -> Situation:
    """Parallel and Average."""
    run = healthy(name, net, turn)
    members = [sw.Sequential([sw.Dense(16), sw.ReLU(), sw.Dense(run.problem.outputs)]) for _ in range(3)]
    run.network = sw.Sequential([sw.Parallel(members), sw.Average(3)])
    return run
