"""Faults of the data: conditions 1 (scales), 10 (labels), 11 (order) and 13 (splits)."""

from __future__ import annotations

import numpy as np

import scratchwork as sw

from .cases import fault, number
from .situation import Situation, healthy

PICTURES = "@pictures"
NETS = "relu, two tanh, two relu, sigmoid, dropout"

# -- 1: inputs and targets that are not scaled -------------------------------------------------------------------------


@fault(1, "SW101", on=PICTURES, nets=NETS, count=5)
def pixels_from_0_to_255(name: str, net: str, turn: int) -> Situation:
    """Nobody divided by 255."""
    run = healthy(name, net, turn, part="raw")
    run.x = run.x.astype(np.float32)
    assert run.x.max() > 200
    return run


@fault(1, "SW101", on=PICTURES, nets=NETS, count=4)
def pixels_as_bytes(name: str, net: str, turn: int) -> Situation:
    """The array of the picture file as it is."""
    run = healthy(name, net, turn, part="raw")
    assert run.x.dtype == np.uint8
    return run


@fault(1, "SW103", "SW101", on="wine, cells, customers, houses, concrete", nets=NETS, count=6)
def a_table_in_its_units(name: str, net: str, turn: int) -> Situation:
    """Dollars beside shares, metres beside years."""
    run = healthy(name, net, turn)
    train, val, later = run.problem.raw
    run.x, run.validation_data = train.x.astype(np.float32), (val.x.astype(np.float32), run.validation_data[1])
    run.rows_for_predict = later.x.astype(np.float32)
    assert run.x.std(axis=0).max() > 15 * run.x.std(axis=0).min()
    return run


@fault(1, "SW103", "SW101", on="moons, blobs, friedman, circles, signals, sine", nets=NETS, count=5)
def a_number_of_the_row_among_the_features(name: str, net: str, turn: int) -> Situation:
    """A customer's number, or the seconds of a clock, stands beside features of size one."""
    run = healthy(name, net, turn)
    rng = np.random.default_rng(number(name, turn))

    def with_number(x: np.ndarray) -> np.ndarray:
        column = rng.integers(100_000, 999_999, len(x)) if turn % 2 else 1.7e9 + rng.uniform(0, 3e7, len(x))
        return np.column_stack([x, column]).astype(np.float32)

    run.x, run.rows_for_predict = with_number(run.x), with_number(run.rows_for_predict)
    run.validation_data = (with_number(run.validation_data[0]), run.validation_data[1])
    return run


@fault(1, "SW101", "SW103", on="@points, wine, concrete", nets=NETS, count=4)
def millimetres_for_metres(name: str, net: str, turn: int) -> Situation:
    """All features a thousand times too large."""
    run = healthy(name, net, turn)
    run.x, run.validation_data = run.x * 1000, (run.validation_data[0] * 1000, run.validation_data[1])
    run.rows_for_predict = run.rows_for_predict * 1000
    return run


@fault(1, "SW102", on="@numbers", nets=NETS, count=5)
def targets_in_dollars(name: str, net: str, turn: int) -> Situation:
    """Prices of hundreds of thousands, as they stand in the table."""
    run = healthy(name, net, turn)
    change = (lambda y: y * 80_000 + 250_000) if turn % 2 else (lambda y: y * 4000 + 18_000)
    run.y, run.validation_data = change(run.y), (run.validation_data[0], change(run.validation_data[1]))
    assert abs(run.y).max() > 10_000
    return run


@fault(1, "SW102", on="@numbers", nets=NETS, count=3)
def targets_that_are_years(name: str, net: str, turn: int) -> Situation:
    """A moderate width, far away from zero."""
    run = healthy(name, net, turn)
    run.y, run.validation_data = run.y * 12 + 1985, (run.validation_data[0], run.validation_data[1] * 12 + 1985)
    return run


def _wrapped(name: str, net: str, turn: int, change) -> Situation:  # type: ignore[no-untyped-def]
    run = healthy(name, net, turn, part="raw")
    run.x, run.rows_for_predict = change(run.x), change(run.rows_for_predict)
    run.validation_data = (change(run.validation_data[0]), run.validation_data[1])
    return run


@fault(1, "SW104", on=PICTURES, nets=NETS, count=3)
def centred_in_bytes(name: str, net: str, turn: int) -> Situation:
    """x − 128 was calculated in uint8, where 0 − 128 is 128."""
    return _wrapped(name, net, turn, lambda x: (x - np.uint8(128)).astype(np.float32) / 128)


@fault(1, "SW104", "SW101", on=PICTURES, nets=NETS, count=3)
def bytes_read_as_signed(name: str, net: str, turn: int) -> Situation:
    """int8 has no 128: bright pixels became negative."""
    return _wrapped(name, net, turn, lambda x: x.astype(np.int8).astype(np.float32) / (127 if turn % 2 else 1))


@fault(1, "SW104", "SW101", on=PICTURES, nets=NETS, count=3)
def brightened_in_bytes(name: str, net: str, turn: int) -> Situation:
    """More light, calculated in uint8: what was bright is dark now."""
    factor = np.uint8(2)
    change = (lambda x: x * factor) if turn % 2 else (lambda x: x + np.uint8(90))
    return _wrapped(name, net, turn, lambda x: change(x).astype(np.float32) / 255)


# -- 10: labels ----------------------------------------------------------------------------------------------------------


@fault(10, "SW1001", on="@classes", count=5)
def classes_counted_from_one(name: str, net: str, turn: int) -> Situation:
    """1..C for C outputs: refused by training, explained before it."""
    run = healthy(name, net, turn)
    run.y, run.validation_data = run.y + 1, (run.validation_data[0], run.validation_data[1] + 1)
    return run


@fault(10, "SW1001", on="@classes", count=4)
def an_output_too_many_for_classes_from_one(name: str, net: str, turn: int) -> Situation:
    """1..C with C + 1 outputs, because the error went away so."""
    run = healthy(name, net, turn)
    run.y, run.validation_data = run.y + 1, (run.validation_data[0], run.validation_data[1] + 1)
    run.network.layers[-1] = sw.Dense(run.problem.outputs + 1)
    return run


@fault(10, "SW1001", on="@classes", count=2)
def an_output_too_few(name: str, net: str, turn: int) -> Situation:
    """The number of the last class was taken for their count."""
    run = healthy(name, net, turn)
    run.network.layers[-1] = sw.Dense(run.problem.outputs - 1)
    return run


@fault(10, "SW1001", on="@binary", count=3)
def signs_for_a_yes_or_no(name: str, net: str, turn: int) -> Situation:
    """−1 and 1, or 0 and 255, for a loss that takes 0 and 1."""
    run = healthy(name, net, turn)
    change = (lambda y: y * 255) if turn == 1 else (lambda y: y * 2 - 1)
    run.y, run.validation_data = change(run.y), (run.validation_data[0], change(run.validation_data[1]))
    return run


@fault(10, "SW1002", on="blobs, digits, moons, wine, houses, sine, signals", count=5)
def constant_labels(name: str, net: str, turn: int) -> Situation:
    """The wrong column was read: all rows say the same."""
    run = healthy(name, net, turn)
    run.y = np.full_like(run.y, run.y[0])
    if turn % 2 and run.classes:
        run.y = np.eye(run.problem.outputs, dtype=np.float32)[run.y]
        run.validation_data = (run.validation_data[0], np.eye(run.problem.outputs, dtype=np.float32)[run.validation_data[1]])
    return run


@fault(10, "SW1003", on="wine, digits, blobs, shapes, customers, moons", count=6)
def labels_as_text(name: str, net: str, turn: int) -> Situation:
    """Names, or figures in quotes, as they came out of a file."""
    run = healthy(name, net, turn)
    words = [str, lambda k: f"class {k}", lambda k: f" {k}.0", lambda k: None if k == 0 else str(k)][turn % 4]
    run.y = np.array([words(label) for label in run.y.tolist()], dtype=object if turn % 2 else None)
    run.validation_data = (run.validation_data[0], np.array([words(label) for label in run.validation_data[1].tolist()]))
    return run


@fault(10, "SW1003", on="wine, houses, customers", count=2)
def rows_as_text(name: str, net: str, turn: int) -> Situation:
    """A CSV file read with all cells as text."""
    run = healthy(name, net, turn)
    run.x = run.x.round(3).astype(str)
    run.validation_data = None
    return run


@fault(10, "SW1004", on="moons, circles, customers, cells, signals, digits, textures", count=7)
def a_rare_class_and_accuracy(name: str, net: str, turn: int) -> Situation:
    """Three rows in a hundred are of the class that matters, and accuracy is all that is looked at."""
    run = healthy(name, net, turn)
    rng = np.random.default_rng(number(name, turn))

    def thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        often = np.flatnonzero(y == 0 if not run.classes else y != 1)
        rare = np.flatnonzero(y == 1)
        few = rare[: max(2, round(0.03 * len(often)))]
        keep = rng.permutation(np.concatenate([often, few]))
        return x[keep], (y[keep] == 1).astype(np.int64)

    run.x, run.y = thinned(run.x, run.y)
    run.validation_data = thinned(*run.validation_data)
    run.x = run.x + 0.8 * rng.standard_normal(run.x.shape).astype(np.float32) * run.x.std()
    if run.classes:
        run.network.layers[-1] = sw.Dense(2)
    run.metrics = ["accuracy"]
    assert 0.01 < run.y.mean() < 0.05
    return run


# -- 11: order -----------------------------------------------------------------------------------------------------------


@fault(11, "SW1101", on="@classes", count=7)
def sorted_by_class_and_not_shuffled(name: str, net: str, turn: int) -> Situation:
    """As the folders were read, one class after the other."""
    run = healthy(name, net, turn)
    order = np.argsort(run.y, kind="stable")
    run.x, run.y, run.shuffle = run.x[order], run.y[order], False
    return run


@fault(11, "SW1101", on="moons, circles, cells, customers", count=3)
def all_of_one_kind_first(name: str, net: str, turn: int) -> Situation:
    """First all that stayed, then all that left."""
    run = healthy(name, net, turn)
    order = np.argsort(-run.y, kind="stable")
    run.x, run.y, run.shuffle = run.x[order], run.y[order], False
    return run


@fault(11, "SW1101", on="@numbers", count=5)
def sorted_by_target_and_not_shuffled(name: str, net: str, turn: int) -> Situation:
    """The dearest house last."""
    run = healthy(name, net, turn)
    order = np.argsort(run.y if run.y.ndim == 1 else run.y[:, 0])
    run.x, run.y, run.shuffle = run.x[order], run.y[order], False
    return run


@fault(11, "SW1102", on="blobs, digits, moons, customers, friedman, signals", count=5)
def one_batch_over_and_over(name: str, net: str, turn: int) -> Situation:
    """The generator's counter never moved on: the same rows fill every batch."""
    run = healthy(name, net, turn)
    times = len(run.x) // run.batch_size
    run.x, run.y = np.tile(run.x[: run.batch_size], (times, 1)), np.tile(run.y[: run.batch_size], times)
    run.shuffle = bool(turn % 2)
    return run


@fault(11, "SW1102", on="blobs, shapes, circles, wine, concrete, words", count=5)
def every_batch_several_times(name: str, net: str, turn: int) -> Situation:
    """Each batch is handed out four times before the next one comes."""
    run = healthy(name, net, turn)
    size, times = run.batch_size, 3 + turn % 3
    places = np.concatenate([np.tile(np.arange(s, s + size), times) for s in range(0, len(run.x) - size + 1, size)])
    run.x, run.y, run.shuffle = run.x[places], run.y[places], False
    return run


# -- 13: splits ----------------------------------------------------------------------------------------------------------


@fault(13, "SW1301", on="digits, diabetes, customers, friedman, wine, cells, moons, spirals", nets="wide relu", count=8)
def few_noisy_rows_and_a_large_net(name: str, net: str, turn: int) -> Situation:
    """Sixty rows, a quarter of their labels wrong, learned by heart."""
    hidden = [sw.Dense(256), sw.ReLU(), sw.Dense(128), sw.ReLU()]
    run = healthy(name, net, turn, hidden=hidden)
    rng = np.random.default_rng(number(name, turn))
    run.x, run.y = run.x[:60].copy(), run.y[:60].copy()
    wrong = rng.permutation(len(run.x))[:15]
    if run.problem.task == "numbers":
        run.y = run.y + 0.7 * rng.standard_normal(len(run.y)).astype(np.float32)
    elif run.classes:
        run.y[wrong] = (run.y[wrong] + rng.integers(1, run.problem.outputs, len(wrong))) % run.problem.outputs
    else:
        run.y[wrong] = 1 - run.y[wrong]
    run.optimizer, run.epochs, run.batch_size = sw.Adam(0.003), 120, 16
    return run


@fault(13, "SW1302", "SW1303", on="digits, wine, houses, moons, signals, friedman, textures", count=6)
def duplicated_before_the_split(name: str, net: str, turn: int) -> Situation:
    """The table held many rows twice when it was divided."""
    run = healthy(name, net, turn)
    x, y = run.validation_data
    share = [0.3, 0.5, 0.8][turn % 3]
    count = int(share * len(x))
    x, y = x.copy(), y.copy()
    x[:count], y[:count] = run.x[:count], run.y[:count]
    order = np.random.default_rng(turn).permutation(len(x))
    run.validation_data = (x[order], y[order])
    return run


@fault(13, "SW1302", "SW1303", on="moons, customers, cells, circles", count=3)
def a_rare_class_multiplied_before_the_split(name: str, net: str, turn: int) -> Situation:
    """Oversampling first, splitting afterwards."""
    run = healthy(name, net, turn)
    x, y = np.concatenate([run.x, run.validation_data[0]]), np.concatenate([run.y, run.validation_data[1]])
    often, rare = np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:60]
    places = np.random.default_rng(turn).permutation(np.concatenate([often, np.resize(rare, len(often))]))
    cut = int(0.75 * len(places))
    run.x, run.y = x[places[:cut]], y[places[:cut]]
    run.validation_data = (x[places[cut:]], y[places[cut:]])
    return run


@fault(13, "SW1303", on="@classes, @numbers, moons", count=5)
def validated_on_the_rows_of_training(name: str, net: str, turn: int) -> Situation:
    """validation_data=(x, y)."""
    run = healthy(name, net, turn)
    run.validation_data = (run.x.copy(), run.y.copy()) if turn % 2 else (run.x, run.y)
    return run


@fault(13, "SW1303", "SW1302", on="@table, blobs, signals", count=4)
def validated_on_a_part_of_the_rows_of_training(name: str, net: str, turn: int) -> Situation:
    """The part was copied, and not taken out."""
    run = healthy(name, net, turn)
    places = np.random.default_rng(turn).permutation(len(run.x))[: len(run.x) // 4]
    run.validation_data = (run.x[places], run.y[places])
    return run
