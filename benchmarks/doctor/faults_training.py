"""Faults of training: conditions 2 (not finite), 3 (learning rates), 5 (stuck at chance) and 16 (strength, size, time)."""

from __future__ import annotations

import numpy as np

import scratchwork as sw
from scratchwork.schedules import Exponential, OneCycle, StepDecay, WarmUp

from .cases import fault, number
from .losses import MyCrossEntropy, MyWeights
from .mistakes import MyBlock, MyFormula
from .situation import Situation, healthy

NETS = "relu, two tanh, two relu, sigmoid, leaky"
ANY = "digits, blobs, moons, wine, houses, friedman, signals, customers, arm, shapes, cells, concrete"

# -- 2: numbers that are not finite ------------------------------------------------------------------------------------


@fault(2, "SW201", on=ANY, nets=NETS, count=4)
def a_missing_value(name: str, net: str, turn: int) -> Situation:
    """NaN, as a table has it where nobody knew; or an infinity, from a division in the table."""
    run = healthy(name, net, turn)
    rng = np.random.default_rng(number(name, turn))
    for _ in range(1 if turn % 2 else 20):
        run.x[rng.integers(len(run.x)), rng.integers(run.x.shape[1])] = np.inf if turn == 3 else np.nan
    return run


@fault(2, "SW201", on="@numbers", nets=NETS, count=2)
def a_missing_target(name: str, net: str, turn: int) -> Situation:
    """NaN among the numbers to be learned."""
    run = healthy(name, net, turn)
    run.y[5 + turn] = np.nan
    return run


@fault(2, "SW201", on=ANY, nets=NETS, count=2)
def a_missing_value_in_validation(name: str, net: str, turn: int) -> Situation:
    """The training rows were cleaned, the others were not."""
    run = healthy(name, net, turn)
    run.validation_data[0][3, 0] = np.nan
    return run


@fault(2, "SW201", on="digits, words, shapes, large digits, textures", nets="own", count=3)
def the_logarithm_of_nothing(name: str, net: str, turn: int) -> Situation:
    """np.log of pixels, or of what a ReLU gives."""
    parts = [sw.Dense(32), sw.ReLU(), MyFormula("log"), sw.Dense(16), sw.ReLU()]
    return healthy(name, net, turn, hidden=parts if turn % 2 or name == "textures" else [MyFormula("log"), *parts[:2]])


@fault(2, "SW201", on="digits, words, shapes, blobs, signals, large digits", nets="own", count=3)
def divided_by_nothing(name: str, net: str, turn: int) -> Situation:
    """Each row over its largest number, and one row is empty."""
    run = healthy(name, net, turn, hidden=[MyFormula("divide"), sw.Dense(32), sw.ReLU()])
    run.x[17] = 0
    return run


@fault(2, "SW201", on="wine, cells, customers, houses, friedman, concrete", nets="own", count=3)
def an_exponential_too_far(name: str, net: str, turn: int) -> Situation:
    """exp(40 x) is infinite in float32 from x = 2.3 on."""
    run = healthy(name, net, turn, hidden=[MyFormula("exp"), sw.Dense(32), sw.Tanh()])
    run.x[40, 0] = max(run.x[40, 0], 2.6)
    return run


@fault(2, "SW201", on=ANY, nets="own", count=3)
def the_slope_of_a_root_at_zero(name: str, net: str, turn: int) -> Situation:
    """√x is finite at 0, and its derivative is not."""
    return healthy(name, net, turn, hidden=[sw.Dense(32), sw.ReLU(), MyFormula("sqrt"), sw.Dense(16), sw.Tanh()])


@fault(2, "SW201", on="wine, blobs, moons, houses, signals", nets="own", count=2)
def a_fractional_power_of_negative_numbers(name: str, net: str, turn: int) -> Situation:
    """(−1)^1.5 is no number."""
    return healthy(name, net, turn, hidden=[MyFormula("power"), sw.Dense(32), sw.ReLU()])


@fault(2, "SW201", on="@classes", nets=NETS, count=3)
def a_naive_softmax(name: str, net: str, turn: int) -> Situation:
    """exp(z) without its maximum, on logits that were divided by a temperature."""
    run = healthy(name, net, turn)
    run.network = sw.Sequential([*run.network.layers, sw.Rescaling(150.0)])
    run.loss, run.optimizer = MyCrossEntropy("naive"), sw.Adam(0.002)
    return run


@fault(2, "SW201", on="@classes", nets=NETS, count=3)
def the_logarithm_of_a_rounded_probability(name: str, net: str, turn: int) -> Situation:
    """log 0, as soon as the network is sure, or wrong."""
    run = healthy(name, net, turn)
    run.loss = MyCrossEntropy("log")
    return run


@fault(2, "SW201", on=ANY, nets="own", count=2)
def a_weight_that_is_no_number(name: str, net: str, turn: int) -> Situation:
    """Weights from a file that a run that had failed left behind."""
    first = sw.Dense(32, weight_initializer=MyWeights("nan"))
    return healthy(name, net, turn, hidden=[first, sw.ReLU(), sw.Dense(16), sw.ReLU()])


# -- 3: learning rates -------------------------------------------------------------------------------------------------


@fault(3, "SW301", on=ANY, nets=NETS, count=5)
def adam_a_hundred_times_too_fast(name: str, net: str, turn: int) -> Situation:
    """1 and more."""
    run = healthy(name, net, turn)
    run.optimizer = sw.Adam(run.optimizer.learning_rate * (200 if turn % 2 else 400))
    return run


@fault(3, "SW301", on=ANY, nets=NETS, count=5)
def descent_a_hundred_times_too_fast(name: str, net: str, turn: int) -> Situation:
    """SGD at 10 where 0.1 works."""
    run = healthy(name, net, turn)
    run.optimizer = sw.SGD(10.0) if turn % 2 else sw.GradientDescent(20.0)
    return run


@fault(3, "SW301", on=ANY, nets=NETS, count=3)
def momentum_forgotten_in_the_rate(name: str, net: str, turn: int) -> Situation:
    """0.99 of momentum makes each step a hundred times as long."""
    run = healthy(name, net, turn)
    run.optimizer = sw.SGD(3.0, momentum=0.99 if turn % 2 else 0.95)
    return run


@fault(3, "SW301", on=ANY, nets=NETS, count=2)
def rmsprop_too_fast(name: str, net: str, turn: int) -> Situation:
    """1."""
    run = healthy(name, net, turn)
    run.optimizer = sw.RMSProp(1.0)
    return run


@fault(3, "SW301", on=ANY, nets=NETS, count=2)
def a_cycle_with_too_high_a_peak(name: str, net: str, turn: int) -> Situation:
    """It begins well; the peak is a hundred times what works."""
    run = healthy(name, net, turn)
    steps = run.epochs * (len(run.x) // 32)
    rate = run.optimizer.learning_rate
    run.optimizer = sw.Adam(WarmUp(40, then=rate * 200)) if turn % 2 else sw.Adam(OneCycle(rate * 200, steps=steps))
    return run


@fault(3, "SW302", on=ANY, nets=NETS, count=5)
def adam_a_thousand_times_too_slow(name: str, net: str, turn: int) -> Situation:
    """1e-6."""
    run = healthy(name, net, turn)
    run.optimizer = sw.Adam(run.optimizer.learning_rate / (2000 if turn % 2 else 1000))
    return run


@fault(3, "SW302", on=ANY, nets=NETS, count=5)
def descent_a_thousand_times_too_slow(name: str, net: str, turn: int) -> Situation:
    """SGD at 5e-5 and less."""
    run = healthy(name, net, turn)
    run.optimizer = sw.SGD(5e-5) if turn % 2 else sw.SGD(3e-6, momentum=0.9)
    return run


@fault(3, "SW302", on=ANY, nets=NETS, count=3)
def a_schedule_that_stops_at_once(name: str, net: str, turn: int) -> Situation:
    """The decay was meant by the epoch, and is taken by the step."""
    run = healthy(name, net, turn)
    rate = run.optimizer.learning_rate / 5
    run.optimizer = sw.Adam(StepDecay(rate, every=2, factor=0.5) if turn % 2 else Exponential(rate, decay=0.7))
    return run


# -- 5: stuck at chance ------------------------------------------------------------------------------------------------


def small(name: str, net: str, turn: int) -> Situation:
    """Eight units, and no more epochs than it takes: nothing is learned by heart."""
    activation = {"relu": sw.ReLU, "tanh": sw.Tanh, "sigmoid": sw.Sigmoid, "elu": sw.ELU}[net]
    run = healthy(name, net, turn, hidden=[sw.Dense(8), activation()])
    run.epochs = min(run.epochs, 25)
    return run


LOW = "moons, blobs, customers, circles, houses, friedman, sine, arm, concrete, spirals"


@fault(5, "SW501", on=LOW, nets="relu, tanh, sigmoid, elu", count=6)
def rows_shuffled_without_their_targets(name: str, net: str, turn: int) -> Situation:
    """rng.shuffle(x), and y stays where it is; in the validation rows, too."""
    run = small(name, net, turn)
    rng = np.random.default_rng(number(name, turn))
    rng.shuffle(run.x)
    rng.shuffle(run.validation_data[0])
    return run


@fault(5, "SW501", "SW401", on=LOW, nets="relu, tanh, sigmoid, elu", count=3)
def targets_of_the_next_row(name: str, net: str, turn: int) -> Situation:
    """A header line was counted as a row in one of two files."""
    run = small(name, net, turn)
    run.y, run.validation_data = np.roll(run.y, 1, axis=0), (run.validation_data[0], np.roll(run.validation_data[1], 1, axis=0))
    return run


@fault(5, "SW501", on="@pictures", nets="relu, two tanh, sigmoid, elu", count=4)
def pixels_divided_without_a_remainder(name: str, net: str, turn: int) -> Situation:
    """x // 255, or astype(int) after the division: every picture is black."""
    run = healthy(name, net, turn)
    change = (lambda x: (x * 0.99).astype(np.int64)) if turn % 2 else (lambda x: (x * 254).astype(np.uint8) // 255)
    run.x, run.validation_data = change(run.x), (change(run.validation_data[0]), run.validation_data[1])
    assert not run.x.any()
    return run


@fault(5, "SW501", on=LOW, nets="relu, tanh, sigmoid, elu", count=3)
def features_of_another_table(name: str, net: str, turn: int) -> Situation:
    """Joined by the wrong key: the features have nothing to do with the targets."""
    run = small(name, net, turn)
    rng = np.random.default_rng(number(name, turn))
    run.x = rng.standard_normal(run.x.shape).astype(np.float32)
    run.validation_data = (rng.standard_normal(run.validation_data[0].shape).astype(np.float32), run.validation_data[1])
    return run


@fault(5, "SW501", "SW302", on=ANY, nets=NETS, count=3)
def gradients_cut_to_nothing(name: str, net: str, turn: int) -> Situation:
    """clip_norm=1e-6 with plain descent: a bound was taken for a rate."""
    run = healthy(name, net, turn)
    run.optimizer, run.settings = sw.SGD(0.1), {**run.settings, "clip_norm": 1e-6}
    return run


@fault(5, "SW501", "SW601", on=ANY, nets="own", count=3)
def a_step_as_the_last_layer(name: str, net: str, turn: int) -> Situation:
    """Its derivative is zero, so nothing before it ever learns."""
    run = healthy(name, "relu", turn)
    block = sw.Step() if turn % 2 else MyBlock("sign")
    run.network = sw.Sequential([*run.network.layers, block])
    return run


# -- 16: strength, size, time ------------------------------------------------------------------------------------------


@fault(16, "SW1601", on=ANY, nets=NETS, count=5)
def a_penalty_that_kills_all_weights(name: str, net: str, turn: int) -> Situation:
    """L2(2), L1(0.5)."""
    run = healthy(name, net, turn)
    run.regularizer = sw.L1(0.5) if turn % 2 else sw.L2(2.0)
    return run


@fault(16, "SW1601", on=ANY, nets=NETS, count=3)
def a_decay_that_kills_all_weights(name: str, net: str, turn: int) -> Situation:
    """AdamW with 20 where 0.01 was meant."""
    run = healthy(name, net, turn)
    run.optimizer = sw.AdamW(run.optimizer.learning_rate, weight_decay=20.0)
    return run


@fault(16, "SW1602", on="spirals, circles, digits, shapes, signals, large digits", nets="own", count=5)
def a_net_that_is_too_small(name: str, net: str, turn: int) -> Situation:
    """No hidden layer for rings and spirals, a single unit for ten classes."""
    hidden = [] if name in ("spirals", "circles") else [sw.Dense(1), sw.Tanh()]
    return healthy(name, net, turn, hidden=hidden)


@fault(16, "SW1602", on="digits, blobs, signals, wine, shapes, houses", nets="own", count=3)
def dropout_of_nearly_all(name: str, net: str, turn: int) -> Situation:
    """The rate was taken for what is kept: 0.98 are dropped, twice."""
    return healthy(
        name, net, turn, hidden=[sw.Dense(48), sw.ReLU(), sw.Dropout(0.98), sw.Dense(32), sw.ReLU(), sw.Dropout(0.98)]
    )


@fault(16, "SW1602", on="moons, blobs, customers, spirals", nets=NETS, count=3)
def the_same_row_with_several_labels(name: str, net: str, turn: int) -> Situation:
    """Features were rounded until nothing was left of what tells the classes apart."""
    run = healthy(name, net, turn)
    change = lambda x: np.clip(np.rint(x / 8), -1, 1).astype(np.float32)  # noqa: E731
    run.x, run.validation_data = change(run.x), (change(run.validation_data[0]), run.validation_data[1])
    run.x[:, 0] = np.arange(len(run.x)) % 2
    return run


@fault(
    16,
    "SW1603",
    on="digits, large digits, friedman, wine, circles, sine, arm, concrete",
    nets="relu, two relu, two tanh",
    count=6,
)
def two_epochs(name: str, net: str, turn: int) -> Situation:
    """Two or three epochs of fifteen or more: the loss was still falling."""
    run = healthy(name, net, turn)
    run.epochs = 2 + turn % 2
    run.optimizer = sw.Adam(run.optimizer.learning_rate / 4)
    return run


@fault(16, "SW1603", on=ANY, nets="relu, two relu, two tanh", count=3)
def stopped_at_the_first_hesitation(name: str, net: str, turn: int) -> Situation:
    """EarlyStopping that asks for large steps forward from the beginning."""
    run = healthy(name, net, turn)
    run.optimizer = sw.Adam(run.optimizer.learning_rate / 5)
    run.settings = {**run.settings, "callbacks": [sw.EarlyStopping(patience=1, min_delta=0.15)]}
    return run


@fault(16, "SW1604", on="wine, moons, blobs, sine, houses", nets=NETS, count=4)
def more_threads_than_cores(name: str, net: str, turn: int) -> Situation:
    """threads=64 for a network of a few hundred weights."""
    run = healthy(name, net, turn)
    run.settings = {"engine": "numpy", "threads": 64 if turn % 2 else 16}
    return run
