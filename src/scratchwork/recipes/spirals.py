"""The slides' dense net on three spiral arms: 2 → 64 → 3 with ReLU and softmax, Adam with decay, dropout and L2.

The slides state the dense layer (weights 0.01·randn, biases zero), ReLU, softmax with cross-entropy, Adam, a decaying
learning rate, L1 and L2, dropout. They state no sizes, rates, data or results: the rest is customary for such nets.
"""

from functools import partial

import scratchwork as sw
from scratchwork.initializers import Initializer, Normal

from .. import pictures
from .base import SOURCE, VARIED, WELL, Result, Row, Setup, accuracy, finished, labelled, measured

TITLE = "The slides' dense net on spirals: 2 → 64 → 3 with ReLU and softmax, 300 points in three arms"

NOTES = (
    """The slides state the layers, 0.01·randn with zero biases, Adam with decay, dropout and L2, but no numbers and no
    result. Customary and taken here: 100 points per arm, 64 units, Adam at 0.05 with inverse-time decay 5e-5, dropout 0.1,
    λ = 5e-4 on the first layer (without the ½, so L2(1e-3) here), 10,000 steps over all rows. Test: 3,000 fresh points.""",
    """Noise blurs the angle by half a radian and neighbouring arms are 2.1 radians apart, so about 0.96 is the most that any
    classifier can reach.""",
)


def recipe(setup: Setup) -> Result:
    """The slides' net, the same without its regularization, and the same trained with care."""
    x, y = labelled(sw.data.spirals(per_class=100, classes=3, seed=setup.seed))
    x_test, y_test = labelled(sw.data.spirals(per_class=1000, classes=3, seed=setup.seed + 1000))
    epochs = setup.few(10_000, 200)
    networks: list[sw.Sequential] = []

    def trained(seed: int, start: Initializer | str, optimizer: sw.Adam, l2: float, dropout: float) -> tuple[float, float]:
        network = sw.Sequential(
            [
                sw.Dense(64, weight_initializer=start, weight_regularizer=sw.L2(l2) if l2 else None),
                sw.ReLU(),
                sw.Dropout(dropout),
                sw.Dense(3, weight_initializer=start),
            ]
        )
        setup.fit(
            network, x, y, loss=sw.SoftmaxCrossEntropy(), optimizer=optimizer,
            epochs=epochs, batch_size=None, seed=seed,
        )  # fmt: skip
        networks.append(network)
        return accuracy(network, x, y), accuracy(network, x_test, y_test)

    compare = partial(measured, setup, measures=("training accuracy", "test accuracy"), seeds=3)
    slides = partial(trained, start=Normal(0.01), optimizer=sw.Adam(sw.InverseTime(0.05, decay=5e-5)))
    well = partial(trained, start="he_normal", optimizer=sw.Adam(sw.OneCycle(0.1, steps=epochs)), l2=1e-3, dropout=0.0)

    rows: list[Row] = compare(SOURCE, "as on the slides: decay, dropout 0.1, L2", partial(slides, l2=1e-3, dropout=0.1))
    draw = partial(pictures.decision_boundary, x=x_test[::4], y=y_test[::4])
    setup.picture("slides", partial(draw, networks[-1], title="The slides' net on spirals"))
    rows += compare(VARIED, "the same without dropout", partial(slides, l2=1e-3, dropout=0.0))
    rows += compare(VARIED, "the same without dropout and L2", partial(slides, l2=0.0, dropout=0.0))
    rows += compare(WELL, "trained well: He's start, one-cycle Adam, L2", well)
    setup.picture("trained-well", partial(draw, networks[-1], title="The same net, trained well"))
    return finished(setup, TITLE, rows, NOTES)
