"""Where the numbers went bad: the step, the layer and the first array, without a warning."""

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.errors import DivergedError, ScratchworkError
from scratchwork.layers import Layer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3))
Y = (X[:, 0] > 0).astype(int)


def fit(network, x=X, y=Y, **settings):
    usual = {"loss": "SoftmaxCrossEntropy", "optimizer": sw.SGD(0.1), "epochs": 3, "batch_size": 8, "progress": False}
    return sw.fit(network, x, y, **(usual | settings))


def built(*layers, dtype=np.float32):
    network = sw.Sequential(list(layers))
    network.build(3, 0, dtype)
    return network


def message(network, **settings):
    with pytest.raises(DivergedError) as caught:
        fit(network, **settings)
    assert isinstance(caught.value, ScratchworkError)
    assert isinstance(caught.value, ArithmeticError)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith("try a smaller learning rate, scaled inputs, or clip_norm=1.0")
    return text


def test_a_learning_rate_that_is_too_high():
    network = sw.Sequential([sw.Dense(8), sw.ReLU(), sw.Dense(1)])
    text = message(network, y=X[:, 0], loss="MeanSquaredError", optimizer=sw.SGD(1e3), epochs=100)
    assert text.startswith("the loss became ")
    assert "epoch " in text
    assert "the first array that is not finite is " in text


def test_weights_that_the_update_spoiled_are_named_with_their_step():
    optimizer = sw.SGD(lambda step: 0.1 if step < 4 else 1e300)
    text = message(built(sw.Dense(4), sw.Tanh(), sw.Dense(2)), optimizer=optimizer)
    assert "at epoch 2, step 6: " in text
    assert "weight of layer 0, Dense(4), after the update of step 5" in text


def test_an_overflow_on_the_way_forward_is_named_with_its_layer():
    network = built(sw.Dense(3), sw.Linear(), sw.Sequential([sw.Dense(2)]))
    for _, parameter in network.parameters():
        parameter.value[...] = 3e38 if parameter.value.shape == (3, 2) else 1.0
    text = message(network)
    assert "at epoch 1, step 1: the first array that is not finite is the output of layer 2, Sequential([Dense(2)])" in text
    assert "whose largest input is " in text


def test_the_last_update_of_all_is_looked_at_too():
    network = built(sw.Sequential([sw.Dense(4)]), sw.Dense(2))
    text = message(network, optimizer=sw.SGD(lambda step: 0.1 if step < 8 else 1e300))
    assert text.startswith(
        "parameters stopped being finite at epoch 3, step 9: the first such array is weight of layer 0.0, Dense(4)"
    )


def test_also_when_the_run_is_interrupted_there():
    class Enough(sw.Callback):
        def on_batch_end(self, run):
            run.stop = "interrupted"

    with pytest.raises(DivergedError, match="parameters stopped being finite at epoch 1, step 1"):
        fit(built(sw.Dense(2)), optimizer=sw.SGD(lambda step: 1e300), callbacks=[Enough()])


def test_running_statistics_that_overflow_are_found_though_the_loss_is_finite():
    network = built(sw.BatchNorm(), sw.Dense(2))
    text = message(network, x=X * 1e25)
    assert "the first such array is running_var of layer 0, BatchNorm()" in text


def test_a_start_that_is_not_finite():
    network = built(sw.Dense(2))
    network[0].bias.value[1] = np.nan
    assert "bias of layer 0, Dense(2), before the first update" in message(network)


def test_a_loss_of_one_s_own_that_gives_nan():
    class Broken(sw.Loss):
        task = "multiclass"

        def value_and_grad(self, prediction, target, weight=None):
            return float("nan"), np.zeros_like(prediction)

    text = message(built(sw.Dense(2)), loss=Broken())
    assert "at epoch 1, step 1: the first array that is not finite is the loss itself, whose inputs are finite" in text
    assert "the largest prediction is " in text


def test_a_layer_of_one_s_own_with_names_of_its_own():
    class Pair(Layer):
        """Two dense layers side by side, added."""

        def __init__(self):
            self.left, self.right = sw.Dense(2), sw.Dense(2)

        def build(self, in_shape, rng, dtype):
            self.left.build(in_shape, rng, dtype)
            return self.right.build(in_shape, rng, dtype)

        def parameters(self):
            yield from ((f"left.{name}", parameter) for name, parameter in self.left.parameters())
            yield from ((f"right.{name}", parameter) for name, parameter in self.right.parameters())

        def forward(self, x, *, training=False, step=0):
            (a, left), (b, right) = self.left.forward(x), self.right.forward(x)
            return a + b, (left, right)

        def backward(self, dy, cache, *, need_dx=True):
            a = self.left.backward(dy, cache[0], need_dx=need_dx)
            b = self.right.backward(dy, cache[1], need_dx=need_dx)
            return a + b if need_dx else None

    network = built(Pair())
    network[0].right.bias.value[...] = np.inf
    assert "right.bias of layer 0, Pair(), before the first update" in message(network)


def test_the_walk_meets_the_dropout_masks_that_the_step_had():
    """In a second call of fit, steps of the run and draws of the network are different numbers."""
    x = np.arange(1.0, 65)[None].repeat(4, axis=0)
    network = sw.Sequential([sw.Dropout(0.95), sw.Dense(2, use_bias=False)])
    fit(network, x=x, y=[0, 1, 0, 1], epochs=1, batch_size=1)
    network[1].weight.value[...] = 3e38

    def largest(step):
        return f"{network[0].forward(x[:1], training=True, step=step)[0].max():.3g}"

    assert network.steps_seen == 4
    assert largest(5) != largest(1)
    assert f"the output of layer 1, Dense(2, use_bias=False), whose largest input is {largest(5)};" in message(
        network, x=x, y=[0, 1, 0, 1], batch_size=1
    )


def test_lbfgs_says_so_too():
    network = built(sw.Dense(2))
    network[0].weight.value[...] = np.nan
    assert "weight of layer 0, Dense(2), before the first update" in message(network, optimizer="lbfgs")


def test_nothing_is_wrong_with_large_numbers_that_are_finite():
    network = built(sw.Dense(4), sw.LayerNorm(), sw.Dense(2))
    history = fit(network, x=X * 1e15)
    assert np.isfinite(history["loss"]).all()


def test_a_penalty_that_overflows():
    network = built(sw.Dense(2))
    network[0].weight.value[...] = 1e25
    text = message(network, x=X * 1e-20, regularizer=sw.L2(1.0))
    assert text.startswith(
        "the loss became inf at epoch 1, step 1: the first array that is not finite is the penalty of the regularizer"
    )
