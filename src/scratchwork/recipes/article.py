"""The article's two-layer net: 3 → 4 → 1 with sigmoids and without biases, on four rows, by the sum of squares.

    ŷ = σ(W₂ σ(W₁ x))        L = Σₙ (yₙ − ŷₙ)²        W ← W − ∂L/∂W        1,500 times over all four rows

The third column of x is always 1 and serves as a bias. The copy of the article that the project began with has lost its
code and its table: rows, start, rate and rounds are those that the net is known by, and no result is left to compare with.
"""

from functools import partial

import numpy as np

import scratchwork as sw

from .base import SOURCE, VARIED, WELL, Result, Row, Setup, finished, labelled, measured

TITLE = "The article's two-layer sigmoid net: 3 → 4 → 1 without biases, four rows, sum of squares"

NOTES = (
    """The copy of the article that the project began with states neither table nor result. Taken here: y = x₀ ⊕ x₁ with a
    column of ones, weights uniform in 0..1, the gradient of the sum of squares subtracted as it is (rate 1), 1,500 rounds.""",
    """From positive weights plain descent arrives from every seed, while Adam sometimes ends where rows stay undecided at ½: a
    faster optimizer is no better one on four rows. Under a cross-entropy on the logit the gradient of a row is σ(z) − y: it
    lacks the factor σ′(z), which vanishes as the net grows certain, so the same rounds reach a smaller error.""",
)


def recipe(setup: Setup) -> Result:
    """The article's descent, Adam in its place, and descent on the cross-entropy of the same sixteen weights."""
    x, y = labelled(sw.data.article_rows())
    target = y.astype(np.float64)
    epochs = setup.few(1500, 200)

    def trained(seed: int, loss: sw.Loss, optimizer: sw.Optimizer) -> tuple[float, float, float]:
        sigmoid_in_loss = isinstance(loss, sw.SigmoidBinaryCrossEntropy)
        hidden, output = sw.Dense(4, use_bias=False), sw.Dense(1, use_bias=False)
        network = sw.Sequential([hidden, sw.Sigmoid(), output, *([] if sigmoid_in_loss else [sw.Sigmoid()])])
        network.build(3, rng=seed)
        rng = np.random.default_rng(seed)
        for layer in (hidden, output):
            assert layer.weight is not None
            layer.weight.value[...] = rng.random(layer.weight.value.shape)  # uniform in 0..1
        setup.fit(
            network, x, target, loss=loss, optimizer=optimizer,
            epochs=epochs, batch_size=None, seed=seed,
        )  # fmt: skip
        said = network.predict(x).astype(np.float64)[:, 0]
        if sigmoid_in_loss:
            said = 1 / (1 + np.exp(-said))
        error = np.abs(said - target)
        return float(np.sum(error**2)), float(error.max()), float(np.mean(error < 0.5))

    compare = partial(measured, setup, measures=("sum of squares", "largest error", "accuracy"), seeds=10, digits=6)
    squares, logits = sw.SumSquaredError(reduction="sum"), sw.SigmoidBinaryCrossEntropy()
    descent = sw.optimizers.GradientDescent
    rows: list[Row] = compare(
        SOURCE, "as in the article: rate 1, 1,500 rounds", partial(trained, loss=squares, optimizer=descent(1.0))
    )
    rows += compare(VARIED, "the same with Adam at 0.05", partial(trained, loss=squares, optimizer=sw.Adam(0.05)))
    rows += compare(WELL, "trained well: cross-entropy, rate 4", partial(trained, loss=logits, optimizer=descent(4.0)))
    return finished(setup, TITLE, rows, NOTES)
