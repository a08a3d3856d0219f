"""Two- and three-layer nets with what the article adds to them: dropout, max-norm, batch normalization.

The article states where each belongs: batch normalization after the dense layer and before the non-linearity; dropout,
inverted so that prediction is untouched, on the hidden layers; max-norm as a projection after every step.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

import scratchwork as sw

from .base import SOURCE, WELL, Result, Row, Setup, accuracy, finished, measured, parts, rows_of_mnist

TITLE = "The article's two- and three-layer nets on MNIST: 784 → 128 → 10 and 784 → 128 → 64 → 10"

NOTES = (
    """The article states the techniques and where they belong, no sizes, rates or results. Taken here: He's start, zero
    biases, batches of 128, 10 epochs of gradient descent with momentum 0.9 at 0.05; dropout 0.2; max-norm
    2, since the hidden neurons stay below the customary 3 by themselves.""",
    """Trained well: batch normalization and dropout 0.2 together, 30 epochs of one-cycle Adam up to 0.003.""",
)

WIDTHS = {"two layers": (128,), "three layers": (128, 64)}


def network(widths: tuple[int, ...], *, batch_norm: bool = False, dropout: float = 0.0, inverted: bool = True) -> sw.Sequential:
    """Dense, batch normalization, ReLU, dropout for every hidden layer, and ten scores."""
    layers: list[sw.Layer] = []
    for units in widths:
        layers.append(sw.Dense(units, use_bias=not batch_norm))  # β takes the place of a bias
        if batch_norm:
            layers.append(sw.BatchNorm())
        layers.append(sw.ReLU())
        if dropout:
            layers.append(sw.Dropout(dropout, inverted=inverted))
    return sw.Sequential([*layers, sw.Dense(10)])


def recipe(setup: Setup) -> Result:
    """Each technique by itself, then the two that go together, trained longer."""
    x, y, x_test, y_test = parts(rows_of_mnist(setup))
    x, x_test = x / np.float32(255), x_test / np.float32(255)
    epochs, longer = setup.few(10, 1), setup.few(30, 2)
    momentum = sw.SGD(0.05, momentum=0.9)
    one_cycle = sw.Adam(sw.OneCycle(0.003, steps=longer * -(-len(x) // 128)))

    def trained(
        seed: int, make: Callable[[], sw.Sequential], optimizer: sw.Optimizer, epochs: int, constraint: sw.MaxNorm | None = None
    ) -> tuple[float, float]:
        net = make()
        setup.fit(
            net, x, y, loss=sw.SoftmaxCrossEntropy(), optimizer=optimizer, constraint=constraint,
            epochs=epochs, batch_size=128, seed=seed,
        )  # fmt: skip
        return accuracy(net, x, y), accuracy(net, x_test, y_test)

    compare = partial(measured, setup, measures=("training accuracy", "test accuracy"), seeds=3, digits=4)
    rows: list[Row] = []
    for name, widths in WIDTHS.items():
        plain = partial(trained, optimizer=momentum, epochs=epochs)
        rows += compare(SOURCE, f"{name}: plain", partial(plain, make=partial(network, widths)))
        rows += compare(
            SOURCE, f"{name}: max-norm 2", partial(plain, make=partial(network, widths), constraint=sw.MaxNorm(2.0))
        )
        for inverted in (True, False):
            dropped = partial(network, widths, dropout=0.2, inverted=inverted)
            words = "inverted" if inverted else "vanilla"
            rows += compare(SOURCE, f"{name}: {words} dropout 0.2", partial(plain, make=dropped))
        normed = partial(network, widths, batch_norm=True)
        rows += compare(SOURCE, f"{name}: batch normalization", partial(plain, make=normed))
    for name, widths in WIDTHS.items():
        both = partial(network, widths, batch_norm=True, dropout=0.2)
        rows += compare(WELL, f"{name}, trained well: both", partial(trained, make=both, optimizer=one_cycle, epochs=longer))
    return finished(setup, TITLE, rows, NOTES)
