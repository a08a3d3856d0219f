"""Every way to start that the article names, in one deep net: what happens to signals on their way up, and to training.

Six hidden layers of 100 ReLU units on the built-in 8×8 digits. A neuron of n inputs with weights of variance v has n·v times
the mean square of its inputs: less than 2 and signals die out layer by layer, more and they blow up; ReLU halves, hence 2/n.
"""

import math
from functools import partial

import numpy as np

import scratchwork as sw
from scratchwork.arrays import Array
from scratchwork.errors import DivergedError
from scratchwork.initializers import Constant, Initializer, Normal, Orthogonal, Sparse, Zeros, resolve_initializer

from .. import pictures
from .base import SOURCE, WELL, Result, Row, Setup, accuracy, finished, grid, labelled, measured

TITLE = "The article's initializers: 64 → six hidden layers of 100 with ReLU → 10, on 8×8 digits"
DEPTH, WIDTH = 6, 100

NOTES = (
    """Columns 1 to 6: standard deviation of the activations after each hidden layer, before training. Then the test accuracy
    after 20 epochs of gradient descent (batches of 32 at 0.05), without and with batch normalization before each ReLU.
    "Sparse" units listen to 15 inputs each, with weights of standard deviation 0.01, or √(2/15) as He would have it. The
    article states the formulas and no experiment.""",
    """Zeros never learn, whatever follows: all units of a layer stay alike. 0.01·randn is fine for one layer and silence for
    six. Batch normalization brings almost every start with some randomness to about the same place.""",
)

STARTS: dict[str, tuple[Initializer | str, Initializer | str]] = {
    "zeros": (Zeros(), "zeros"),
    "0.01·randn": (Normal(0.01), "zeros"),
    "randn": (Normal(1.0), "zeros"),
    "randn / √n": ("lecun_normal", "zeros"),
    "Glorot, normal": ("glorot_normal", "zeros"),
    "Glorot, uniform": ("glorot_uniform", "zeros"),
    "He, normal": ("he_normal", "zeros"),
    "He, uniform": ("he_uniform", "zeros"),
    "He, biases 0.01": ("he_normal", Constant(0.01)),
    "sparse, 0.01": (Sparse(15), "zeros"),
    "sparse, scaled": (Sparse(15, std=math.sqrt(2 / 15)), "zeros"),
    "orthogonal · √2": (Orthogonal(math.sqrt(2)), "zeros"),
}

IN_THE_TABLE = ("0.01·randn", "randn / √n", "He, normal", "sparse, scaled", "orthogonal · √2")


def deep_net(weights: Initializer | str, biases: Initializer | str, batch_norm: bool = False) -> sw.Sequential:
    """Six hidden layers that all start alike, and ten scores that start as He's."""
    layers: list[sw.Layer] = []
    for _ in range(DEPTH):
        layers.append(sw.Dense(WIDTH, weight_initializer=resolve_initializer(weights), bias_initializer=biases))
        layers += [sw.BatchNorm()] if batch_norm else []
        layers.append(sw.ReLU())
    return sw.Sequential([*layers, sw.Dense(10)])


def activations(network: sw.Sequential, x: Array) -> list[Array]:
    """What each ReLU gives for `x`, from the first hidden layer to the last."""
    found = []
    for layer in network.layers:
        x = layer.forward(x)[0]
        if isinstance(layer, sw.ReLU):
            found.append(x)
    return found


def recipe(setup: Setup) -> Result:
    """The statistics and the training of every start, then the deep net trained well."""
    x, x_test, y, y_test = sw.data.train_test_split(*labelled(sw.data.digits()), test_fraction=0.2, seed=setup.seed)
    scale = sw.preprocessing.Standardize().fit(x)
    x, x_test = scale.transform(x), scale.transform(x_test)
    epochs, longer = setup.few(20, 1), setup.few(60, 2)

    def trained(seed: int, network: sw.Sequential, optimizer: sw.Optimizer, epochs: int) -> tuple[float]:
        try:
            setup.fit(
                network, x, y, loss=sw.SoftmaxCrossEntropy(), optimizer=optimizer,
                epochs=epochs, batch_size=32, seed=seed,
            )  # fmt: skip
        except DivergedError:
            return (math.nan,)
        return (accuracy(network, x_test, y_test),)

    compare = partial(measured, setup, measures=["test accuracy"])
    descent = partial(trained, optimizer=sw.SGD(0.05), epochs=epochs)
    rows: list[Row] = []
    lines: list[list[str]] = []
    seen: dict[str, list[Array]] = {}
    for name, start in STARTS.items():
        network = deep_net(*start)
        network.build(64, rng=setup.seed)
        seen[name] = activations(network, x)
        [plain] = compare(SOURCE, name, partial(descent, network=network))
        [normed] = compare(SOURCE, f"{name}, batch normalization", partial(descent, network=deep_net(*start, True)))
        spreads = [f"{float(np.std(layer)):.1g}" for layer in seen[name]]
        lines.append([name, *spreads, *("diverges" if math.isnan(row.values[0]) else row.here for row in (plain, normed))])
        rows += [plain] if name in IN_THE_TABLE else []
    one_cycle = sw.Adam(sw.OneCycle(0.003, steps=longer * -(-len(x) // 32)))
    best = deep_net(*STARTS["He, normal"], True)
    well = partial(trained, network=best, optimizer=one_cycle, epochs=longer)
    rows += compare(WELL, "trained well: He, normed, one-cycle Adam", well)
    drawn = {name: seen[name] for name in IN_THE_TABLE}
    setup.picture("activations", partial(pictures.activation_statistics, drawn))
    head = ["start", *(str(layer + 1) for layer in range(DEPTH)), "plain", "normed"]
    return finished(setup, TITLE, rows, NOTES, [grid(head, lines)])
