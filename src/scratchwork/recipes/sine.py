"""The slides' regression: one period of a sine, linear output, mean squared or mean absolute error.

The slides state the linear output and the two losses, and the dense layer with 0.01·randn; no sizes, rates or results.
"""

from functools import partial

import scratchwork as sw
from scratchwork.initializers import Initializer, Normal
from scratchwork.metrics import mae, mse

from .. import pictures
from .base import SOURCE, WELL, Result, Row, Setup, finished, labelled, measured

TITLE = "The slides' sine: 1 → 64 → 64 → 1 with ReLU and linear output, 1,000 points of one period"

NOTES = (
    """The slides state the linear output, the squared and the absolute error, and weights of 0.01·randn. Customary and
    taken here: two hidden layers of 64, Adam at 0.005 with inverse-time decay 1e-3, 10,000 steps over all rows. Trained
    well: He's start, 600 epochs in batches of 50, Adam from 0.005 down along a cosine.""",
    """From some seeds the slides' start leaves a stretch of the curve flat (see the picture): the few units that could bend it
    there are silent for all points, and a ReLU that is silent learns nothing more.""",
)


def recipe(setup: Setup) -> Result:
    """Both losses with the slides' start, then with care: He's start, mini-batches, a rate that falls to nothing."""
    x, y = labelled(sw.data.sine(rows=setup.few(1000, 100)))
    slides_epochs, well_epochs = setup.few(10_000, 100), setup.few(600, 40)
    networks: list[sw.Sequential] = []

    def trained(
        seed: int, loss: sw.Loss, start: Initializer | str, optimizer: sw.Adam, epochs: int, batch: int | None
    ) -> tuple[float, float]:
        network = sw.Sequential(
            [
                sw.Dense(64, weight_initializer=start),
                sw.ReLU(),
                sw.Dense(64, weight_initializer=start),
                sw.ReLU(),
                sw.Dense(1, weight_initializer=start),
                sw.Linear(),
            ]
        )
        setup.fit(
            network, x, y, loss=loss, optimizer=optimizer,
            epochs=epochs, batch_size=batch, seed=seed,
        )  # fmt: skip
        networks.append(network)
        prediction = network.predict(x)
        return mse(prediction, y[:, None]), mae(prediction, y[:, None])

    decaying = sw.Adam(sw.InverseTime(0.005, decay=1e-3))
    falling = sw.Adam(sw.Cosine(0.005, steps=well_epochs * -(-len(x) // 50)))
    slides = partial(trained, start=Normal(0.01), optimizer=decaying, epochs=slides_epochs, batch=None)
    well = partial(trained, start="he_normal", optimizer=falling, epochs=well_epochs, batch=50)

    rows: list[Row] = []
    for kind, words, run in ((SOURCE, "as on the slides", slides), (WELL, "trained well", well)):
        for loss in (sw.MeanSquaredError(), sw.MeanAbsoluteError()):
            rows += measured(
                setup, kind, f"{words}, {type(loss).__name__}", partial(run, loss=loss),
                ("mean squared error", "mean absolute error"), seeds=3, digits=6,
            )  # fmt: skip
            name = f"{words.split()[-1]}-{type(loss).__name__}".lower()
            setup.picture(name, partial(pictures.fit_curve, networks[-1], x, y, title=f"The sine, {rows[-1].setting}"))
    return finished(setup, TITLE, rows, NOTES)
