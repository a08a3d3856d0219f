"""The article's linear classifiers: one score per class, s = x W + b, under softmax, the hinge, and the squared hinge.

Every column of W is a template: an image is compared with it by an inner product. The article subtracts the mean image,
starts at 0.01·randn, penalizes ½λw² and descends; it speaks of CIFAR-10, and its copy states no rate and no result.
"""

from functools import partial

import numpy as np

import scratchwork as sw
from scratchwork.arrays import Array
from scratchwork.errors import MissingFileError
from scratchwork.initializers import Normal
from scratchwork.preprocessing import MeanSubtraction

from .. import pictures
from .base import SOURCE, WELL, Result, Row, Setup, accuracy, finished, measured, parts, rows_of_mnist

TITLE = "The article's linear classifiers: softmax, hinge and squared hinge on images, with their templates"

NOTES = (
    """The article states the scores, the three losses, mean subtraction, 0.01·randn and L2; its copy states no rate, number of
    steps or result. Taken here: pixels / 255, gradient descent in batches of 128 at 0.05 (0.01 for the hinges, whose gradients
    are larger), 5 epochs, L2(1e-4). Trained well: 30 epochs of one-cycle Adam up to 0.003, other things equal.""",
    """A linear classifier has one template per class, and a four with an open top and one with a closed top share it: about
    0.93 is the end of it on MNIST, whatever the loss.""",
)

WITHOUT_CIFAR10 = "CIFAR-10 is left out: its files were not found (its archive is unpacked into the data folder by hand)."

LOSSES: dict[str, tuple[sw.Loss, float]] = {
    "softmax": (sw.SoftmaxCrossEntropy(), 0.05),
    "hinge": (sw.MulticlassHinge(), 0.01),
    "squared hinge": (sw.SquaredHinge(), 0.01),
}


def recipe(setup: Setup) -> Result:
    """The three classifiers on MNIST, and on CIFAR-10 where its files are."""
    rows: list[Row] = _classifiers(setup, rows_of_mnist(setup), "MNIST")
    notes = [*NOTES]
    try:
        if setup.quick:
            raise MissingFileError("not looked for in a quick run")
        colours = sw.data.load_cifar10(setup.data_dir)
        if colours.x_test is not None:
            rows += _classifiers(setup, colours, "CIFAR-10")
    except MissingFileError:
        notes.append(WITHOUT_CIFAR10)
    return finished(setup, TITLE, rows, notes)


def _classifiers(setup: Setup, data: sw.data.Dataset, name: str) -> list[Row]:
    x, y, x_test, y_test = parts(data)
    mean_image = MeanSubtraction().fit(x)
    x, x_test = (mean_image.transform(rows) / np.float32(255) for rows in (x, x_test))
    epochs, longer = setup.few(5, 2), setup.few(30, 4)
    one_cycle = sw.Adam(sw.OneCycle(0.003, steps=longer * -(-len(x) // 128)))
    templates: list[Array] = []

    def trained(seed: int, loss: sw.Loss, optimizer: sw.Optimizer, epochs: int) -> tuple[float, float]:
        network = sw.Sequential([sw.Dense(10, weight_initializer=Normal(0.01))])
        setup.fit(
            network, x, y, loss=loss, optimizer=optimizer, regularizer=sw.L2(1e-4),
            epochs=epochs, batch_size=128, seed=seed,
        )  # fmt: skip
        templates.append(dict(network.parameters())["0.weight"].value)
        return accuracy(network, x, y), accuracy(network, x_test, y_test)

    compare = partial(measured, setup, measures=("training accuracy", "test accuracy"))
    rows: list[Row] = []
    for words, (loss, rate) in LOSSES.items():
        descent = partial(trained, loss=loss, optimizer=sw.SGD(rate), epochs=epochs)
        rows += compare(SOURCE, f"{name}, {words}: gradient descent", descent)
    for words, (loss, _) in LOSSES.items():
        well = partial(trained, loss=loss, optimizer=one_cycle, epochs=longer)
        rows += compare(WELL, f"{name}, {words}: trained well", well, seeds=3, digits=4)
        title = f"{name}: the templates of a linear classifier, {words}"
        draw = partial(pictures.weight_images, templates[-1], data.image_shape or (28, 28), data.labels, title=title)
        setup.picture(f"{name}-{words}".lower().replace(" ", "-"), draw)
    return rows
