"""Faults of what is handed to predict: conditions 12 (other preprocessing) and 14 (predictions that do not repeat)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import scratchwork as sw
from scratchwork.arrays import Array

from .cases import fault
from .mistakes import MyDropout, MyNormalization
from .situation import Situation, healthy

NETS = "relu, two tanh, dropout, batch norm"


def shipped(name: str, net: str, turn: int, *, standardize: bool = False) -> Situation:
    """A `Model` on scaled rows, or on raw rows with `Standardize` inside; `rows_for_predict` are like its training rows."""
    run = healthy(name, net, turn)
    run.preprocessing = []
    run.image_shape = run.problem.image if turn % 2 else None  # some users say that rows are pictures
    if standardize:
        train, val, later = run.problem.raw
        run.preprocessing = [sw.preprocessing.Standardize()]
        run.x, run.rows_for_predict = train.x.astype(np.float64), later.x.astype(np.float64)
        run.validation_data = (val.x.astype(np.float64), run.validation_data[1])
    return run


def _pictures(run: Situation, rows: Array) -> Array:
    return rows.reshape(-1, *run.problem.image)


# -- 12 ------------------------------------------------------------------------------------------------------------------


@fault(12, "SW1201", on="digits, large digits, shapes", nets=NETS, count=6)
def black_on_white(name: str, net: str, turn: int) -> Situation:
    """Ink on paper, for a network that was trained on light on black."""
    run = shipped(name, net, turn)
    rows = 1 - run.rows_for_predict
    run.rows_for_predict = rows[:12] if turn % 3 == 2 else rows
    return run


@fault(12, "SW1201", on="digits, large digits, shapes", nets=NETS, count=3)
def black_on_white_in_bytes(name: str, net: str, turn: int) -> Situation:
    """The same for a network with the division by 255 inside."""
    run = shipped(name, net, turn)
    train, val, later = run.problem.raw
    run.network.layers.insert(0, sw.Rescaling(1 / 255))
    run.x, run.validation_data = train.x, (val.x, val.y)
    run.rows_for_predict = 255 - later.x
    return run


@fault(12, "SW1202", on="digits, large digits, shapes", nets=NETS, count=6)
def not_in_the_middle(name: str, net: str, turn: int) -> Situation:
    """Pictures cut out otherwise: everything lies a fifth of the width to a side."""
    run = shipped(name, net, turn)
    far = round(run.problem.image[0] * 0.22)
    move = [(far, 0), (0, far), (-far, 0), (0, -far), (far, far), (-far, far)][turn % 6]
    moved = np.roll(_pictures(run, run.rows_for_predict), move, axis=(1, 2))
    run.rows_for_predict = moved.reshape(len(moved), -1)
    return run


@fault(12, "SW1203", on="@pictures", nets=NETS, count=4)
def pixels_that_nobody_divided(name: str, net: str, turn: int) -> Situation:
    """Trained on 0..1, asked with 0..255."""
    run = shipped(name, net, turn)
    rows = run.problem.raw[2].x
    run.rows_for_predict = rows.astype(np.float32) if turn % 2 else rows
    return run


@fault(12, "SW1203", on="@pictures", nets=NETS, count=3)
def pixels_divided_twice(name: str, net: str, turn: int) -> Situation:
    """Divided by 255 by the reader of the files, and again by its user."""
    run = shipped(name, net, turn)
    run.rows_for_predict = run.rows_for_predict / 255
    return run


@fault(12, "SW1203", on="wine, cells, customers, houses, concrete", nets=NETS, count=5)
def a_raw_row_for_standardized_ones(name: str, net: str, turn: int) -> Situation:
    """Standardized by hand before training, and not at predict."""
    run = shipped(name, net, turn)
    rows = run.problem.raw[2].x.astype(np.float32)
    run.rows_for_predict = rows[:5] if turn % 3 == 1 else rows
    return run


@fault(12, "SW1203", on="wine, cells, customers, houses, concrete", nets=NETS, count=4)
def standardized_twice(name: str, net: str, turn: int) -> Situation:
    """The model standardizes, and so did who asks it."""
    run = shipped(name, net, turn, standardize=True)
    run.rows_for_predict = run.problem.scaled[2].x.astype(np.float64)
    return run


@fault(12, "SW1203", "SW1202", "SW1201", on="wine, cells, customers, houses, concrete", nets=NETS, count=4)
def columns_in_another_order(name: str, net: str, turn: int) -> Situation:
    """The export of the new year has its columns in another order."""
    run = shipped(name, net, turn, standardize=True)
    rows = run.rows_for_predict
    run.rows_for_predict = rows[:, ::-1].copy() if turn % 2 else np.roll(rows, 1, axis=1)
    return run


@fault(12, "SW1203", "SW1202", on="customers, houses, concrete, wine", nets=NETS, count=3)
def a_column_in_another_unit(name: str, net: str, turn: int) -> Situation:
    """Income in thousands, area in square feet, kilograms in pounds."""
    run = shipped(name, net, turn, standardize=True)
    column = int(run.x.std(axis=0).argmax())
    run.rows_for_predict[:, column] *= 0.001 if turn % 2 else 10.76
    return run


# -- 14 ------------------------------------------------------------------------------------------------------------------


def _own(name: str, turn: int, layer: sw.Layer) -> Situation:
    return healthy(name, "own", turn, hidden=[sw.Dense(48), sw.ReLU(), layer, sw.Dense(24), sw.ReLU()])


@fault(14, "SW1401", on="digits, moons, houses, wine, signals, shapes, arm", nets="own", count=6)
def dropout_that_never_stops(name: str, net: str, turn: int) -> Situation:
    """A layer of one's own that does not ask whether it is training."""
    return _own(name, turn, MyDropout([0.2, 0.5, 0.1][turn % 3], "row" if turn == 3 else "dropout"))


@fault(14, "SW1401", on="sine, cells, blobs, textures, friedman", nets="own", count=3)
def noise_that_never_stops(name: str, net: str, turn: int) -> Situation:
    """Gaussian noise against overfitting, also when it counts."""
    return _own(name, turn, MyDropout([0.05, 0.3, 0.01][turn % 3], "noise"))


def _training_mode(steps: bool) -> Callable[[sw.Sequential], Callable[[Array], Array]]:
    def of(network: sw.Sequential) -> Callable[[Array], Array]:
        asked = [0]

        def predict(x: Array) -> Array:
            asked[0] += steps
            return network.forward(np.asarray(x, network.dtype), training=True, step=asked[0])[0]

        return predict

    return of


@fault(14, "SW1401", on="digits, customers, large digits, concrete, circles", nets="dropout", count=5)
def predicting_in_training_mode(name: str, net: str, turn: int) -> Situation:
    """network.forward(x, training=True), with dropout in the network."""
    run = healthy(name, net, turn)
    run.predict = _training_mode(steps=True)
    return run


@fault(14, "SW1402", on="digits, moons, houses, signals, friedman, shapes", nets="batch norm", count=5)
def predicting_with_the_statistics_of_the_batch(name: str, net: str, turn: int) -> Situation:
    """network.forward(x, training=True), with batch normalization in the network."""
    run = healthy(name, net, turn)
    run.predict = _training_mode(steps=bool(turn % 2))
    return run


@fault(14, "SW1402", "SW402", "SW401", on="blobs, textures, customers, sine, cells", nets="own", count=3)
def a_batch_normalization_without_a_memory(name: str, net: str, turn: int) -> Situation:
    """A layer of one's own that takes mean and width of whatever batch it is given."""
    return _own(name, turn, MyNormalization(axis=0))


@fault(14, "SW1403", on="wine, moons, blobs, sine, concrete", nets="batch norm", count=5)
def one_row_at_a_time_through_batch_normalization(name: str, net: str, turn: int) -> Situation:
    """batch_size=1."""
    run = healthy(name, net, turn)
    run.x, run.y = run.x[:250], run.y[:250]
    run.batch_size, run.epochs = 1, 8
    return run


@fault(14, "SW1403", on="digits, houses, circles, signals, textures", nets="batch norm", count=4)
def one_row_left_over_for_batch_normalization(name: str, net: str, turn: int) -> Situation:
    """The last batch of each epoch has a single row."""
    run = healthy(name, net, turn)
    rows = len(run.x) // 32 * 32 - 31
    run.x, run.y = run.x[:rows], run.y[:rows]
    assert rows % 32 == 1
    return run
