"""Faults of the start: conditions 7 (initial weights), 8 (dead and saturated units) and 15 (gradients by layer)."""

from __future__ import annotations

import numpy as np

import scratchwork as sw
from scratchwork.initializers import Constant, Normal

from .cases import fault
from .losses import MyWeights
from .situation import Situation, healthy

ANY = "digits, blobs, moons, wine, houses, friedman, signals, customers, arm, shapes, cells, sine"
DEEP = "digits, blobs, wine, houses, friedman, signals, cells, shapes, concrete, moons"
POSITIVE = "digits, large digits, shapes, textures, words"  # no feature is ever negative


def dense(units: int, weights: object = "he_normal", bias: float = 0.0) -> sw.Dense:
    """A Dense layer that starts as told."""
    return sw.Dense(units, weight_initializer=weights, bias_initializer=Constant(bias))  # type: ignore[arg-type]


def stack(depth: int, units: int, activation: type[sw.Layer], weights: object = "he_normal") -> list[sw.Layer]:
    """`depth` layers of one kind."""
    return [part for _ in range(depth) for part in (dense(units, weights), activation())]


def spread(run: Situation) -> list[float]:
    """The standard deviation of what each activation gives on the first rows, before training."""
    run.network.build(run.x.shape[1:], rng=run.seed)
    x, found = run.x[:200].astype(np.float32), []
    for layer in run.network.layers:
        x, _ = layer.forward(x)
        if not isinstance(layer, sw.Dense):
            found.append(float(x.std()))
    run.network.shapes = []
    return found


def firing(run: Situation, which: int) -> float:
    """The share of units of an activation that ever fire on the training rows, before training."""
    run.network.build(run.x.shape[1:], rng=run.seed)
    x = run.x.astype(np.float32)
    for layer in run.network.layers[: which + 1]:
        x, _ = layer.forward(x)
    run.network.shapes = []
    return float((x > 0).any(axis=0).mean())


# -- 7: initial weights ------------------------------------------------------------------------------------------------


@fault(7, "SW701", on=ANY, nets="own", count=5)
def all_weights_alike(name: str, net: str, turn: int) -> Situation:
    """Zeros, or one constant."""
    weights = ["zeros", Constant(0.1), Constant(0.5), Constant(0.01), "ones"][turn % 5]
    activation = [sw.Tanh, sw.ReLU, sw.Sigmoid][turn % 3]
    run = healthy(name, net, turn, hidden=[dense(24, weights), activation(), dense(12, weights), activation()])
    run.network.layers[-1] = dense(run.problem.outputs, weights)
    return run


@fault(7, "SW701", on=ANY, nets="own", count=4)
def one_column_many_times(name: str, net: str, turn: int) -> Situation:
    """np.tile, or a loop that draws from the same seed for each neuron."""
    kind = MyWeights("few columns" if turn == 2 else "one column", 0.3)
    return healthy(name, net, turn, hidden=[dense(32, kind), sw.ReLU() if turn % 2 else sw.Tanh()])


@fault(7, "SW702", "SW1501", on=DEEP, nets="own", count=6)
def tiny_weights_through_many_layers(name: str, net: str, turn: int) -> Situation:
    """N(0, 0.01²), as for a net of one layer."""
    std = [0.01, 0.001, 0.02][turn % 3]
    run = healthy(name, net, turn, hidden=stack(6 + turn % 3, 32, sw.Tanh if turn % 2 else sw.ReLU, Normal(std)))
    sizes = spread(run)
    assert sizes[-1] < 0.01 * sizes[0]
    return run


@fault(7, "SW703", "SW802", "SW1502", on=DEEP, nets="own", count=6)
def huge_weights_through_many_layers(name: str, net: str, turn: int) -> Situation:
    """N(0, 1), whatever the width."""
    scale = [1.0, 2.0, 0.8][turn % 3]
    run = healthy(name, net, turn, hidden=stack(5 + turn % 2, 48, sw.ReLU if turn % 2 else sw.LeakyReLU, Normal(scale)))
    sizes = spread(run)
    assert sizes[-1] > 20 * sizes[0]
    return run


@fault(7, "SW703", "SW802", "SW1502", on=POSITIVE, nets="own", count=4)
def weights_between_0_and_1(name: str, net: str, turn: int) -> Situation:
    """np.random.rand without − 0.5."""
    run = healthy(name, net, turn, hidden=stack(4, 32, sw.ReLU, MyWeights("uniform")))
    run.network.layers[-1] = dense(run.problem.outputs, MyWeights("uniform"))
    sizes = spread(run)
    assert sizes[-1] > 20 * sizes[0]
    return run


# -- 8: dead and saturated units ---------------------------------------------------------------------------------------


@fault(8, "SW801", on=ANY, nets="own", count=5)
def a_bias_far_below_zero(name: str, net: str, turn: int) -> Situation:
    """−10 before the first ReLU."""
    size = {"digits": 20, "shapes": 20}.get(name, 12)
    run = healthy(name, net, turn, hidden=[dense(32, bias=-size if turn % 2 else -15.0), sw.ReLU(), sw.Dense(16), sw.ReLU()])
    assert firing(run, 1) < 0.2
    return run


@fault(8, "SW801", on=ANY, nets="own", count=4)
def a_bias_far_below_zero_in_the_middle(name: str, net: str, turn: int) -> Situation:
    """Only the second of three layers is dead; that is enough."""
    hidden = [sw.Dense(32), sw.ReLU(), dense(16, bias=-15.0), sw.ReLU(), sw.Dense(16), sw.ReLU()]
    run = healthy(name, net, turn, hidden=hidden)
    assert firing(run, 3) < 0.3
    return run


@fault(8, "SW801", on=POSITIVE, nets="own", count=4)
def negative_weights_and_positive_inputs(name: str, net: str, turn: int) -> Situation:
    """Everything before the ReLU is negative, for all rows."""
    hidden = [dense(32, MyWeights("negative", 0.1)), sw.ReLU(), sw.Dense(16), sw.ReLU()]
    run = healthy(name, net, turn, hidden=hidden)
    assert firing(run, 1) == 0
    return run


@fault(8, "SW802", "SW703", on=ANY, nets="own", count=5)
def sigmoids_at_their_ends(name: str, net: str, turn: int) -> Situation:
    """Weights of standard deviation 15 before a sigmoid, or a tanh."""
    weights = Normal(40.0 if name in ("moons", "sine", "arm", "friedman") else 15.0)
    hidden = [dense(32, weights), sw.Tanh() if turn % 2 else sw.Sigmoid()]
    return healthy(name, net, turn, hidden=hidden)


@fault(8, "SW802", on=ANY, nets="own", count=4)
def sigmoids_held_by_their_biases(name: str, net: str, turn: int) -> Situation:
    """+15, or −15: always on, or always off."""
    hidden = [dense(32, "glorot_uniform", bias=15.0 if turn % 2 else -15.0), sw.Sigmoid() if turn % 4 < 2 else sw.Tanh()]
    return healthy(name, net, turn, hidden=hidden)


class Spike(sw.schedules.Schedule):
    """A rate that is a thousand times too high for five steps: a typing error in a table of rates."""

    def __init__(self, rate: float, at: int, times: float) -> None:
        self.rate, self.at, self.times = rate, at, times

    def __call__(self, step: int) -> float:
        return self.rate * (self.times if self.at <= step < self.at + 5 else 1)


@fault(8, "SW801", "SW301", on="digits, blobs, friedman, houses, shapes", nets="own", count=3)
def killed_on_the_way(name: str, net: str, turn: int) -> Situation:
    """Units that lived, until a few huge steps moved their biases far below zero."""
    run = healthy(name, net, turn, hidden=[sw.Dense(32), sw.ReLU(), sw.Dense(32), sw.ReLU()])
    run.optimizer = sw.Adam(Spike(0.005, at=60, times=2000.0))
    return run


# -- 15: gradients by layer --------------------------------------------------------------------------------------------


@fault(15, "SW1501", "SW702", on=DEEP, nets="own", count=6)
def many_sigmoids(name: str, net: str, turn: int) -> Situation:
    """Each takes three quarters of the gradient, or more: nothing arrives at the first layers."""
    depth = [8, 10, 12][turn % 3]
    return healthy(name, net, turn, hidden=stack(depth, 20, sw.Sigmoid, "glorot_uniform" if turn % 2 else "he_normal"))


@fault(15, "SW1501", "SW702", on=DEEP, nets="own", count=4)
def many_small_tanhs(name: str, net: str, turn: int) -> Situation:
    """Weights a third of what tanh needs, ten layers of them."""
    units = 24
    return healthy(name, net, turn, hidden=stack(10, units, sw.Tanh, Normal(0.33 / units**0.5)))


@fault(15, "SW1501", "SW702", on=DEEP, nets="own", count=3)
def a_tenth_at_each_layer(name: str, net: str, turn: int) -> Situation:
    """A scale that somebody put behind every layer."""
    parts = [part for _ in range(5) for part in (sw.Dense(24), sw.ReLU(), sw.Rescaling(0.1))]
    return healthy(name, net, turn, hidden=parts)


@fault(15, "SW1502", "SW703", on=DEEP, nets="own", count=5)
def growing_rectifiers(name: str, net: str, turn: int) -> Situation:
    """Weights two and a half times what a rectifier needs, ten layers of them."""
    units = 24
    kind = [sw.ReLU, sw.LeakyReLU, sw.ELU][turn % 3]
    return healthy(name, net, turn, hidden=stack(10, units, kind, Normal(2.5 * (2 / units) ** 0.5)))


@fault(15, "SW1502", "SW703", on=DEEP, nets="own", count=3)
def three_times_at_each_layer(name: str, net: str, turn: int) -> Situation:
    """A gain that somebody put behind every layer."""
    parts = [part for _ in range(7) for part in (sw.Dense(24), sw.ReLU(), sw.Rescaling(4.0))]
    return healthy(name, net, turn, hidden=parts)


@fault(15, "SW1502", "SW703", on=DEEP, nets="own", count=2)
def growing_without_activations(name: str, net: str, turn: int) -> Situation:
    """Twelve affine layers in a row, as an exercise has them, with weights twice too wide."""
    parts: list[sw.Layer] = [dense(24, Normal(2.2 / 24**0.5)) for _ in range(12)]
    return healthy(name, net, turn, hidden=parts)
