"""Healthy runs II: data and splits that look strange, and are right; and rows for predict that differ within reason."""

from __future__ import annotations

import numpy as np

import scratchwork as sw
from scratchwork.arrays import Array

from .cases import number, well
from .faults_handed import shipped
from .situation import Situation, healthy

EASY = "digits, shapes, signals, blobs, moons, customers, houses, concrete, arm, textures, words"


def changed(run: Situation, change) -> Situation:  # type: ignore[no-untyped-def]
    """The same change to all rows: of training, of validation, of predict."""
    run.x, run.rows_for_predict = change(run.x), change(run.rows_for_predict)
    run.validation_data = (change(run.validation_data[0]), run.validation_data[1])
    return run


@well("digits, large digits, shapes, textures", "relu, two tanh, two relu", count=5)
def pixels_on_other_scales(name: str, net: str, turn: int) -> Situation:
    """−1..1, −½..½, standardized by one mean and one width, small integers 0..16."""
    run = healthy(name, net, turn)
    mean, std = float(run.x.mean()), float(run.x.std())
    ways = [lambda x: 2 * x - 1, lambda x: x - 0.5, lambda x: (x - mean) / std, lambda x: np.rint(8 * x), lambda x: 1 - x]
    run = changed(run, ways[turn % 5])
    run.optimizer = sw.Adam(0.002)
    return run


@well("digits, shapes, large digits", "relu, two tanh", count=2)
def every_pixel_standardized(name: str, net: str, turn: int) -> Situation:
    """Column by column, constant columns left at 0: rare pixels become large."""
    run = healthy(name, net, turn)
    mean, std = run.x.mean(axis=0), run.x.std(axis=0)
    run = changed(run, lambda x: np.where(std > 0, (x - mean) / np.where(std > 0, std, 1), 0).astype(np.float32))
    run.optimizer = sw.Adam(0.002)
    run.regularizer = sw.L2(2e-3)
    return run


@well("digits, shapes, textures, large digits", "relu, two relu", count=4)
def bytes_and_a_rescaling_layer(name: str, net: str, turn: int) -> Situation:
    """uint8 in memory, divided inside the network."""
    run = healthy(name, net, turn, part="raw")
    run.network = sw.Sequential([sw.Rescaling(1 / 255), *run.network.layers])
    return run


@well("wine, cells, customers, houses, concrete", "own", count=4)
def batch_normalization_first(name: str, net: str, turn: int) -> Situation:
    """Raw columns in mixed units, which a BatchNorm as the first layer puts on one scale."""
    run = healthy(name, net, turn, hidden=[sw.BatchNorm(), sw.Dense(32), sw.ReLU()])
    train, val, later = run.problem.raw
    run.x, run.rows_for_predict = train.x.astype(np.float32), later.x.astype(np.float32)
    run.validation_data = (val.x.astype(np.float32), run.validation_data[1])
    run.regularizer = sw.L2(1e-3)
    return run


@well("wine, cells, customers, houses, concrete", "relu, two tanh", count=5)
def a_model_that_standardizes(name: str, net: str, turn: int) -> Situation:
    """Raw rows for a Model with Standardize inside, in training and at predict."""
    run = shipped(name, net, turn, standardize=True)
    if turn % 2:
        run.rows_for_predict = run.rows_for_predict[:7]
    return run


@well("digits, large digits, shapes, textures", "relu, two tanh, batch norm", count=6)
def pictures_that_differ_within_reason(name: str, net: str, turn: int) -> Situation:
    """Rows for predict: a little darker, a little noisy, of one class only, moved by a pixel, a single one, many."""
    run = shipped(name, net, turn)
    rows, y = run.rows_for_predict, run.problem.raw[2].y
    rng = np.random.default_rng(turn)
    if turn % 6 == 0:
        rows = rows * np.float32(0.9)
    elif turn % 6 == 1:
        rows = np.clip(rows + 0.03 * rng.standard_normal(rows.shape), 0, 1).astype(np.float32)
    elif turn % 6 == 2:
        rows = rows[y == 1]
    elif turn % 6 == 3:
        rows = rows[:1]
    elif turn % 6 == 4:
        rows = rows[:20]
    else:
        rows = run.validation_data[0]
    run.rows_for_predict = rows
    return run


@well("wine, cells, customers, houses, concrete, friedman, signals, words", "relu, two tanh", count=6)
def rows_that_differ_within_reason(name: str, net: str, turn: int) -> Situation:
    """Rows for predict: of one class or one half of the targets, one alone, three, sorted, all."""
    run = shipped(name, net, turn)
    rows, y = run.rows_for_predict, run.problem.raw[2].y
    y = y if y.ndim == 1 else y[:, 0]
    pick = [y >= np.median(y), slice(0, 1), slice(0, 3), np.argsort(y), slice(None), y <= np.median(y)][turn % 6]
    run.rows_for_predict = rows[pick]
    return run


def _categories(rng: np.random.Generator, rows: int, columns: int) -> tuple[Array, Array]:
    codes = rng.integers(0, 4, (rows, columns))
    effect = rng.normal(0, 1.5, (columns, 4))
    score = effect[np.arange(columns), codes].sum(axis=1)
    y = (score + rng.logistic(0, 0.5, rows) > np.median(score)).astype(np.int64)
    return np.eye(4, dtype=np.float32)[codes].reshape(rows, -1), y


@well("moons, customers, circles", "relu, two tanh", count=3)
def categories_with_natural_duplicates(name: str, net: str, turn: int) -> Situation:
    """One-hot columns of three answers with four choices: most rows of validation stand in training, too, by themselves."""
    run = healthy(name, net, turn)
    x, y = _categories(np.random.default_rng(number("categories", turn)), 900, 3)
    run.x, run.y, run.validation_data, run.rows_for_predict = x[:600], y[:600], (x[600:800], y[600:800]), x[800:]
    run.epochs, run.reached = 15, 0.75
    return run


@well("moons, customers, cells", "relu, two tanh", count=3)
def one_hot_columns(name: str, net: str, turn: int) -> Situation:
    """Twelve questions: sparse columns of 0 and 1, some of them rare."""
    run = healthy(name, net, turn)
    x, y = _categories(np.random.default_rng(number("many categories", turn)), 1500, 12)
    run.x, run.y, run.validation_data, run.rows_for_predict = x[:1000], y[:1000], (x[1000:1300], y[1000:1300]), x[1300:]
    run.epochs, run.regularizer, run.reached = 10, sw.L2(3e-3), 0.85
    return run


@well("moons, circles, cells, customers, signals, shapes", "relu, two tanh", count=5)
def a_rare_class_and_scores_that_show_it(name: str, net: str, turn: int) -> Situation:
    """One in twenty; balanced accuracy or the area under the curve is looked at, with weights for the classes or without."""
    run = healthy(name, net, turn)
    rng = np.random.default_rng(number(name, turn))

    def thinned(x: Array, y: Array) -> tuple[Array, Array]:
        rare = np.flatnonzero(y == 1)
        often = np.flatnonzero(y != 1)
        keep = rng.permutation(np.concatenate([often, rare[: max(8, round(0.055 * len(often)))]]))
        return x[keep], (y[keep] == 1).astype(np.int64)

    run.x, run.y = thinned(run.x, run.y)
    run.validation_data = thinned(*run.validation_data)
    if run.classes:
        run.network.layers[-1] = sw.Dense(2)
        run.metrics = ["balanced_accuracy"]
        run.loss = sw.SoftmaxCrossEntropy(class_weight={1: 5.0}) if turn % 2 else run.loss
    else:
        run.metrics = ["roc_auc"]
        run.loss = sw.SigmoidBinaryCrossEntropy(positive_weight=5.0) if turn % 2 else run.loss
    return run


@well("moons, blobs, houses, customers, friedman", "relu, tanh", count=4)
def few_rows(name: str, net: str, turn: int) -> Situation:
    """A hundred rows, a small net, a penalty that fits."""
    run = healthy(name, net, turn, hidden=[sw.Dense(8), sw.Tanh()])
    run.x, run.y = run.x[:100], run.y[:100]
    run.batch_size, run.epochs, run.regularizer, run.optimizer = 10, 60, sw.L2(0.01), sw.Adam(0.01)
    run.reached = 0.7
    return run


@well("moons, circles", "own", count=2)
def exclusive_or(name: str, net: str, turn: int) -> Situation:
    """Four rows, no validation, learned to the end."""
    run = healthy(name, net, turn, hidden=[sw.Dense(8), sw.Tanh()])
    rows = sw.data.xor() if turn % 2 else sw.data.article_rows()
    run.x, run.y, run.validation_data, run.rows_for_predict = rows.x, rows.y, None, rows.x
    run.epochs, run.batch_size, run.optimizer = 300, 4, sw.Adam(0.05)
    run.measure, run.reached = lambda run: float(((run.network.predict(run.x)[:, 0] > 0) == run.y).mean()), 1.0
    return run


@well("moons, customers, blobs, diabetes", "relu, tanh", count=4)
def much_that_nobody_can_know(name: str, net: str, turn: int) -> Situation:
    """Labels that are wrong in three of ten rows, or numbers with as much noise as signal: far from perfect, and learned."""
    run = healthy(name, net, turn, hidden=[sw.Dense(8), sw.Tanh()])
    rng = np.random.default_rng(number(name, turn))

    def noisy(y: Array) -> Array:
        if run.problem.task == "numbers":
            return (0.7 * y + 0.5 * rng.standard_normal(y.shape)).astype(np.float32)
        other = rng.integers(0, max(2, run.problem.outputs), len(y))
        return np.where(rng.random(len(y)) < 0.4, other, y)

    run.y, run.validation_data = noisy(run.y), (run.validation_data[0], noisy(run.validation_data[1]))
    run.epochs, run.regularizer, run.optimizer = 30, sw.L2(3e-3), sw.Adam(0.005)
    run.reached = {"diabetes": 0.1, "blobs": 0.5}.get(name, 0.62)
    return run


@well("friedman, customers, houses, cells", "relu, two tanh", count=3)
def heavy_tails(name: str, net: str, turn: int) -> Situation:
    """Standardized columns of which some have a value twenty widths away."""
    run = healthy(name, net, turn)
    rng = np.random.default_rng(number(name, turn))

    def tailed(x: Array) -> Array:
        further = np.exp(1.2 * rng.standard_normal((len(x), 2)))
        return np.column_stack([x, (further - 2.05) / 3.6]).astype(np.float32)

    run = changed(run, tailed)
    run.regularizer = sw.L2(3e-3)
    return run


@well("moons, blobs, houses, signals, customers", "relu, two tanh", count=4)
def columns_of_moderately_different_widths(name: str, net: str, turn: int) -> Situation:
    """0.1 beside 1 beside 4: not what a book would do, and nothing suffers."""
    run = healthy(name, net, turn)
    factor = np.resize(np.array([1.0, 0.3, 2.5, 1.0, 0.5], np.float32), run.x.shape[1])
    run.regularizer = sw.L2(1e-3)
    return changed(run, lambda x: x * factor)


@well("houses, concrete, sine, friedman, arm", "relu, two tanh", count=4)
def targets_on_scales_of_their_own(name: str, net: str, turn: int) -> Situation:
    """Shares between 0 and 1, or numbers from 1 to 5: not standardized, and of a size that works."""
    run = healthy(name, net, turn)
    change = (lambda y: 0.5 + 0.15 * y) if turn % 2 else (lambda y: 3 + 0.9 * y)
    run.y, run.validation_data = change(run.y), (run.validation_data[0], change(run.validation_data[1]))
    run.epochs = run.epochs * 3 // 2
    return run


@well("digits, shapes, large digits", "own", count=3)
def pictures_as_pictures(name: str, net: str, turn: int) -> Situation:
    """(N, H, W) and Flatten."""
    run = healthy(name, net, turn, hidden=[sw.Flatten(), sw.Dense(48), sw.ReLU()])
    return changed(run, lambda x: x.reshape(-1, *run.problem.image))


@well("moons, cells, customers", "relu, two tanh", count=2)
def multiplied_after_the_split(name: str, net: str, turn: int) -> Situation:
    """Rows of the rare class stand several times in training, and nowhere else."""
    run = healthy(name, net, turn)
    rare, often = np.flatnonzero(run.y == 1)[:60], np.flatnonzero(run.y == 0)
    places = np.random.default_rng(turn).permutation(np.concatenate([often, np.resize(rare, len(often))]))
    run.x, run.y = run.x[places], run.y[places]
    run.regularizer = sw.L2(3e-3)
    return run


@well(EASY, "relu, two tanh", count=3)
def rows_with_weights(name: str, net: str, turn: int) -> Situation:
    """Some count three times as much."""
    run = healthy(name, net, turn)
    run.sample_weight = np.random.default_rng(turn).choice([0.5, 1.0, 3.0], len(run.x))
    return run


@well("digits, signals, customers, cells", "own", count=3)
def attributes(name: str, net: str, turn: int) -> Situation:
    """Several questions of yes or no for each row."""
    run = healthy(name, net, turn, hidden=[sw.Dense(32), sw.ReLU()])
    x = run.validation_data[0]
    rng = np.random.default_rng(number(name, turn))
    direction = rng.standard_normal((x.shape[1], 4)) / np.sqrt(x.shape[1])
    ask = lambda rows: ((rows - run.x.mean(axis=0)) @ direction > 0).astype(np.float32)  # noqa: E731
    run.y, run.validation_data = ask(run.x), (x, ask(x))
    run.network.layers[-1] = sw.Dense(4)
    run.loss, run.metrics = sw.SigmoidBinaryCrossEntropy(), ["accuracy"]
    run.epochs, run.regularizer = 25, sw.L2(1e-3)
    run.measure = lambda run: float(((run.network.predict(run.validation_data[0]) > 0) == run.validation_data[1]).mean())
    run.reached = 0.8
    return run


@well("sine, houses, customers, moons, wine", "relu, tanh", count=3)
def without_validation(name: str, net: str, turn: int) -> Situation:
    """Nothing is held out."""
    run = healthy(name, net, turn)
    run.validation_data = None
    return run


@well("moons, blobs, houses, signals, digits", "relu, two tanh", count=3)
def a_split_made_by_fit(name: str, net: str, turn: int) -> Situation:
    """validation_split=0.2, gradients clipped."""
    run = healthy(name, net, turn)
    run.validation_data = None
    run.settings = {**run.settings, "validation_split": 0.2, "clip_norm": 2.0}
    return run
