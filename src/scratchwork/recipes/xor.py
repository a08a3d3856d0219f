"""The lecture notes' net, written layer by layer: dense, tanh, dense, tanh, mean squared error, on exclusive or.

The notes state the layers with their derivatives (∂E/∂W, ∂E/∂b, ∂E/∂x = Wᵀ ∂E/∂y, ∂E/∂x = ∂E/∂y ⊙ f′(x)), the squared
error and gradient descent; the copy that the project began with states no example and no numbers.
"""

from functools import partial

import numpy as np

import scratchwork as sw
from scratchwork.initializers import Initializer, Normal

from .. import pictures
from .base import SOURCE, VARIED, WELL, Result, Row, Setup, finished, labelled, measured

TITLE = "The lecture notes' net on XOR: 2 → 3 → 1 with tanh, mean squared error"

NOTES = (
    """The notes state the layers, the error and gradient descent. Customary for this net and taken here: three hidden units,
    weights and biases from randn, one row after the other in a fixed order, rate 0.1, 10,000 rounds.""",
    """Thirteen numbers are few: from some starts the net ends where a row stays undecided (error 0.125 or 0.167), and a
    better optimizer ends there too. A smaller start mends it.""",
)


def recipe(setup: Setup) -> Result:
    """The notes' net by single rows; by batch and Adam from the same start; and from a better start."""
    x, y = labelled(sw.data.xor())
    target = y.astype(np.float64)
    networks: list[sw.Sequential] = []

    def trained(
        seed: int, start: Initializer | str, optimizer: sw.Optimizer, epochs: int, batch: int | None
    ) -> tuple[float, float]:
        network = sw.Sequential(
            [
                sw.Dense(3, weight_initializer=start, bias_initializer=Normal(1.0)),
                sw.Tanh(),
                sw.Dense(1, weight_initializer=start, bias_initializer=Normal(1.0)),
                sw.Tanh(),
            ]
        )
        setup.fit(
            network, x, target, loss=sw.MeanSquaredError(), optimizer=optimizer,
            epochs=epochs, batch_size=batch, shuffle=False, seed=seed,
        )  # fmt: skip
        networks.append(network)
        output = network.predict(x)[:, 0]
        return float(np.mean((output - target) ** 2)), float(np.mean((output > 0.5) == (target > 0.5)))

    epochs = setup.few(2000, 300)
    compare = partial(measured, setup, measures=("mean squared error", "accuracy"), seeds=10, digits=5)
    by_rows = partial(trained, optimizer=sw.optimizers.GradientDescent(0.1), epochs=setup.few(10_000, 300), batch=1)
    by_adam = partial(trained, optimizer=sw.Adam(sw.Cosine(0.05, steps=epochs)), epochs=epochs, batch=None)
    rows: list[Row] = compare(SOURCE, "as in the notes: randn, row by row, rate 0.1", partial(by_rows, start=Normal(1.0)))
    rows += compare(VARIED, "the same start, Adam with a cosine from 0.05", partial(by_adam, start=Normal(1.0)))
    rows += compare(WELL, "trained well: Glorot's weights, Adam as above", partial(by_adam, start="glorot_uniform"))
    setup.picture("trained-well", partial(pictures.decision_boundary, networks[-1], x, y, title="XOR, trained well"))
    return finished(setup, TITLE, rows, NOTES)
