"""Faults of networks, layers and losses that users write: conditions 4 (axes), 6 (gradients) and 9 (ends that do not fit)."""

from __future__ import annotations

import numpy as np

import scratchwork as sw

from .cases import fault
from .losses import MyCrossEntropy, MyPenalty, MySquaredError
from .mistakes import (
    MyActivation,
    MyAttention,
    MyCentring,
    MyCumulative,
    MyDense,
    MyNormalization,
    MyScaling,
    MySoftmax,
    MyTurn,
)
from .situation import Situation, healthy

ANY = "digits, blobs, moons, wine, houses, friedman, signals, customers, arm, shapes, textures, sine"
SINGLE = "houses, concrete, diabetes, sine, friedman"  # one number per row


def between(name: str, turn: int, layer: sw.Layer) -> Situation:
    """A network with a layer of the user's own in it: first of the hidden ones, between them, or last before the outputs."""
    parts: list[sw.Layer] = [sw.Dense(32), sw.ReLU() if turn % 2 else sw.Tanh(), sw.Dense(16), sw.ReLU()]
    parts.insert([1, 2, 4][turn % 3], layer)
    return healthy(name, "own", turn, hidden=parts)


# -- 4: wrong axes, silent broadcasts, rows that influence each other --------------------------------------------------


@fault(4, "SW402", "SW401", on=ANY, nets="own", count=5)
def normalized_over_the_batch(name: str, net: str, turn: int) -> Situation:
    """A layer normalization with axis=0, or with no axis at all."""
    return between(name, turn, MyNormalization(axis=0 if turn % 2 else None))


@fault(4, "SW402", "SW401", on=ANY, nets="own", count=3)
def centred_by_the_mean_of_everything(name: str, net: str, turn: int) -> Situation:
    """x − x.mean()."""
    return between(name, turn, MyCentring(None if turn % 2 else 0))


@fault(4, "SW402", "SW401", on=ANY, nets="own", count=4)
def softmax_down_the_columns(name: str, net: str, turn: int) -> Situation:
    """exp(x) / exp(x).sum(axis=0) inside the network, or over everything."""
    return between(name, turn, MySoftmax(0 if turn % 2 else None))


@fault(4, "SW402", "SW401", on=ANY, nets="own", count=3)
def a_running_sum_down_the_batch(name: str, net: str, turn: int) -> Situation:
    """np.cumsum(x, axis=0) where the parts of a row were meant."""
    return between(name, turn, MyCumulative(axis=0))


@fault(4, "SW402", "SW401", on=ANY, nets="own", count=3)
def attention_to_the_other_rows(name: str, net: str, turn: int) -> Situation:
    """Each row gets some of the mean of its batch."""
    return between(name, turn, MyAttention([0.5, 0.1, 1.0][turn % 3]))


@fault(4, "SW402", "SW401", on=ANY, nets="own", count=4)
def rows_in_other_places(name: str, net: str, turn: int) -> Situation:
    """A reshape that reads columns as rows, or a roll along the wrong axis."""
    return between(name, turn, MyTurn("rows" if turn % 2 else "reshape"))


@fault(4, "SW402", "SW401", on=ANY, nets="own", count=3)
def divided_by_the_norm_of_the_batch(name: str, net: str, turn: int) -> Situation:
    """x / np.linalg.norm(x) without an axis."""
    return between(name, turn, MyScaling(None))


@fault(4, "SW401", "SW402", on="@classes", count=4)
def a_loss_with_softmax_over_the_batch(name: str, net: str, turn: int) -> Situation:
    """The softmax inside a loss of one's own sums along axis 0."""
    run = healthy(name, net, turn)
    run.loss = MyCrossEntropy("axis")
    return run


@fault(4, "SW401", on=SINGLE, count=5)
def a_table_of_all_differences(name: str, net: str, turn: int) -> Situation:
    """(N, 1) − (N,) is (N, N): the network learns the mean and nothing else."""
    run = healthy(name, net, turn)
    run.loss = MySquaredError("broadcast")
    return run


@fault(4, "SW401", on="@numbers", count=3)
def a_mean_before_the_square(name: str, net: str, turn: int) -> Situation:
    """The errors of a batch cancel each other before they are squared."""
    run = healthy(name, net, turn)
    run.loss = MySquaredError("axis")
    return run


# -- 6: wrong gradients ------------------------------------------------------------------------------------------------


def mine(
    name: str, turn: int, mistake: str, *, activation: str = "relu", factor: float = 1.0, square: bool = False
) -> Situation:
    """A network with the user's `MyDense` first, in the middle, or twice."""
    wrong = MyDense(24, activation, mistake, factor)
    if square or turn % 3 == 1:
        parts: list[sw.Layer] = [sw.Dense(24), sw.ReLU(), wrong]
    elif turn % 3 == 2:
        parts = [MyDense(24, "tanh"), wrong]
    else:
        parts = [wrong, sw.Dense(16), sw.Tanh()]
    return healthy(name, "own", turn, hidden=parts)


@fault(6, "SW601", on=ANY, nets="own", count=3)
def a_sign(name: str, net: str, turn: int) -> Situation:
    """dW = −xᵀ dz."""
    return mine(name, turn, "sign of all" if turn == 1 else "sign")


@fault(6, "SW601", on=ANY, nets="own", count=4)
def times_or_over_the_batch(name: str, net: str, turn: int) -> Situation:
    """The mean over the batch is taken twice, or undone."""
    return mine(name, turn, "1/N" if turn % 2 else "factor N")


@fault(6, "SW601", on=ANY, nets="own", count=3)
def a_constant_factor(name: str, net: str, turn: int) -> Situation:
    """A 2 too many, or a ½."""
    return mine(name, turn, "factor", factor=[2.0, 0.5, 3.0][turn % 3], activation="tanh")


@fault(6, "SW601", on=ANY, nets="own", count=4)
def transposed(name: str, net: str, turn: int) -> Situation:
    """A square matrix lets Wᵀ and W, or dW and dWᵀ, be mistaken for each other."""
    return mine(name, turn, "transposed dx" if turn % 2 else "transposed weight", square=True)


@fault(6, "SW601", on=ANY, nets="own", count=4)
def the_bias(name: str, net: str, turn: int) -> Situation:
    """Zero, or the gradient of a single row, or the mean for the sum."""
    return mine(name, turn, ["bias zero", "bias one row", "bias mean"][turn % 3])


@fault(6, "SW601", on=ANY, nets="own", count=2)
def a_gradient_of_zero(name: str, net: str, turn: int) -> Situation:
    """dW, or dx, is never filled."""
    return mine(name, turn, "weight zero" if turn else "dx zero", square=True)


@fault(6, "SW601", on=ANY, nets="own", count=5)
def without_the_derivative_of_the_activation(name: str, net: str, turn: int) -> Situation:
    """dz = dy."""
    kind = ["no derivative", "no derivative", "dx without derivative", "no derivative", "derivative of the output"][turn % 5]
    return mine(name, turn, kind, activation=["tanh", "sigmoid", "tanh", "relu", "sigmoid"][turn % 5], square=turn % 5 == 2)


@fault(6, "SW601", on=ANY, nets="own", count=6)
def an_activation_of_ones_own(name: str, net: str, turn: int) -> Situation:
    """Its backward forgets the derivative, turns it round, or takes half of a product rule."""
    kinds = [
        ("tanh", "none"),
        ("tanh", "plus"),
        ("relu", "swapped"),
        ("sigmoid", "sign"),
        ("swish", "half"),
        ("leaky", "swapped"),
    ]
    layer = MyActivation(*kinds[turn % 6])
    return healthy(name, "own", turn, hidden=[sw.Dense(24), layer, sw.Dense(16), sw.ReLU()])


@fault(6, "SW601", on=ANY, count=3)
def a_penalty_that_is_not_in_the_gradient(name: str, net: str, turn: int) -> Situation:
    """½ λ Σ w² is added to the loss, and λ w nowhere."""
    run = healthy(name, net, turn)
    run.regularizer = MyPenalty(0.02, "sign" if turn == 2 else "no gradient")
    return run


@fault(6, "SW601", on="@numbers, @classes", count=4)
def a_loss_of_ones_own(name: str, net: str, turn: int) -> Situation:
    """The value is a mean, the gradient a sum; or its sign, or its 2, is wrong."""
    run = healthy(name, net, turn)
    if run.problem.task == "numbers":
        run.loss = MySquaredError(["sum", "half", "sign"][turn % 3])
    else:
        run.loss = MyCrossEntropy(["sum", "classes", "sign"][turn % 3])
    return run


# -- 9: last layer, loss and targets -----------------------------------------------------------------------------------


@fault(9, "SW901", on="@classes", count=5)
def softmax_twice(name: str, net: str, turn: int) -> Situation:
    """A Softmax layer, and a loss that takes the softmax."""
    run = healthy(name, net, turn)
    run.network = sw.Sequential([*run.network.layers, sw.Softmax()])
    return run


@fault(9, "SW901", on="@binary", count=3)
def sigmoid_twice(name: str, net: str, turn: int) -> Situation:
    """A Sigmoid layer, and a loss that takes the sigmoid."""
    run = healthy(name, net, turn)
    run.network = sw.Sequential([*run.network.layers, sw.Sigmoid()])
    return run


@fault(9, "SW902", on="@binary, sine, houses", count=5)
def softmax_of_one_output(name: str, net: str, turn: int) -> Situation:
    """It is always 1."""
    run = healthy(name, net, turn)
    run.network = sw.Sequential([*run.network.layers, sw.Softmax()])
    run.loss = sw.MeanSquaredError()
    run.metrics = []
    return run


@fault(9, "SW902", on="@binary", count=2)
def softmax_cross_entropy_of_one_output(name: str, net: str, turn: int) -> Situation:
    """Refused by training, explained before it."""
    run = healthy(name, net, turn)
    run.loss = sw.SoftmaxCrossEntropy()
    return run


@fault(9, "SW903", on="@numbers", count=5)
def a_rectifier_before_the_numbers(name: str, net: str, turn: int) -> Situation:
    """Half of the targets are negative, and no output ever is."""
    run = healthy(name, net, turn)
    run.network = sw.Sequential([*run.network.layers, sw.Softplus() if turn % 3 == 2 else sw.ReLU()])
    return run


@fault(9, "SW903", on="@numbers", count=4)
def a_squashed_output(name: str, net: str, turn: int) -> Situation:
    """A sigmoid or tanh, and targets that go further."""
    run = healthy(name, net, turn)
    run.network = sw.Sequential([*run.network.layers, sw.Tanh() if turn % 2 else sw.Sigmoid()])
    assert np.mean(abs(run.y) > 1) > 0.1 or name == "arm"
    return run


@fault(9, "SW904", on="digits, shapes, wine, signals, words, blobs, textures", count=6)
def squared_error_on_class_numbers(name: str, net: str, turn: int) -> Situation:
    """Class 7 is not more than class 3."""
    run = healthy(name, net, turn)
    run.network.layers[-1] = sw.Dense(1)
    run.loss = [sw.MeanSquaredError(), sw.MeanAbsoluteError(), sw.Huber()][turn % 3]
    run.metrics = []
    return run
