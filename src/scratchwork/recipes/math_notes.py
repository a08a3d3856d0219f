"""The math notes' net: 784 → 10 → 10 with leaky ReLU and softmax on MNIST, by gradient descent and by Adam.

    Z₁ = X W₁ + b₁    A₁ = LeakyReLU(Z₁)    Z₂ = A₁ W₂ + b₂    A₂ = softmax(Z₂)    dZ₂ = A₂ − Y    dW₂ = A₁ᵀ dZ₂ / m

in this library's layout, rows are images (the notes write the transpose). The notes state layers, equations and "use
Adam"; they state no leak, no rate, no number of steps and no result.
"""

from functools import partial

import numpy as np

import scratchwork as sw

from .base import SOURCE, WELL, Result, Row, Setup, accuracy, finished, measured, parts, rows_of_mnist

TITLE = "The math notes' net: 784 → 10 → 10 with leaky ReLU and softmax, MNIST's 60,000 and 10,000 images"

NOTES = (
    """The notes state layers, gradients and both ways to train, but no leak, rate, start, number of steps or result. Taken
    here: a leak of 0.01, pixels / 255, He's start, 500 steps over all 60,000 images at once, at 0.1 by gradient descent and
    at 0.01 by Adam.""",
    """Trained well means small steps in plenty: batches of 128, 30 epochs of one-cycle Adam up to 0.01, L2(1e-4).""",
)


def recipe(setup: Setup) -> Result:
    """Gradient descent and Adam over all images at once, then mini-batches."""
    x, y, x_test, y_test = parts(rows_of_mnist(setup))
    x, x_test = x / np.float32(255), x_test / np.float32(255)
    steps, epochs = setup.few(500, 20), setup.few(30, 3)

    def trained(seed: int, optimizer: sw.Optimizer, epochs: int, batch: int | None, l2: float = 0.0) -> tuple[float, float]:
        network = sw.Sequential([sw.Dense(10), sw.LeakyReLU(0.01), sw.Dense(10)])
        setup.fit(
            network, x, y, loss=sw.SoftmaxCrossEntropy(), optimizer=optimizer, regularizer=sw.L2(l2) if l2 else None,
            epochs=epochs, batch_size=batch, seed=seed,
        )  # fmt: skip
        return accuracy(network, x, y), accuracy(network, x_test, y_test)

    compare = partial(measured, setup, measures=("training accuracy", "test accuracy"))
    descent, adam = sw.optimizers.GradientDescent(0.1), sw.Adam(0.01)
    one_cycle = sw.Adam(sw.OneCycle(0.01, steps=epochs * -(-len(x) // 128)))
    well = partial(trained, optimizer=one_cycle, epochs=epochs, batch=128, l2=1e-4)
    rows: list[Row] = compare(
        SOURCE, "gradient descent, 500 steps", partial(trained, optimizer=descent, epochs=steps, batch=None)
    )
    rows += compare(SOURCE, "Adam, 500 steps", partial(trained, optimizer=adam, epochs=steps, batch=None))
    rows += compare(WELL, "trained well: one-cycle Adam in batches", well, seeds=5, digits=4)
    return finished(setup, TITLE, rows, NOTES)
