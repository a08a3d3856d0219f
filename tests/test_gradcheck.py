"""The checker is checked: it must accept what is right and reject every wrong backward that people write."""

import numpy as np
import pytest

import scratchwork as sw
from cases import LAYER_CASES
from scratchwork.errors import DataError, ShapeError, UnknownNameError
from scratchwork.losses import SoftmaxCrossEntropy


def rows(n=5, d=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


class WrongDense(sw.Dense):
    """A Dense whose backward is then spoiled in one place."""

    def __init__(self, mistake):
        super().__init__(3)
        self.mistake = mistake

    def config(self):
        return {"mistake": self.mistake}

    def backward(self, dy, cache, *, need_dx=True):
        if self.mistake == "writes to dy":
            dy *= 1.0 + 1e-3
        dx = super().backward(dy, cache, need_dx=need_dx)
        weight, bias = self.weight.grad, self.bias.grad
        match self.mistake:
            case "dW zero":
                weight[...] = 0
            case "dW sign":
                weight *= -1
            case "dW x 1.001":
                weight *= 1.001
            case "dW / N":
                weight /= len(dy)
            case "one entry of dW":
                weight[1, 2] *= 1.01
            case "db missing":
                bias[...] = 0
            case "db mean":
                bias /= len(dy)
            case "dx zero":
                dx[...] = 0
            case "dx sign":
                dx = -dx
            case "dx x 1.001":
                dx *= 1.001
            case "dx permuted":
                dx = dx[::-1]
            case "dx None":
                dx = None
            case "dx shape":
                dx = dx[:, :1]
            case "dW not written":
                weight[...] = np.nan
            case "dW added up":
                weight += 1e-3
        return dx


MISTAKES = [
    "dW zero", "dW sign", "dW x 1.001", "dW / N", "one entry of dW", "db missing", "db mean", "dx zero", "dx sign",
    "dx x 1.001", "dx permuted", "dx None", "dx shape", "dW not written", "dW added up", "writes to dy",
]  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_dense_is_rejected_alone(mistake):
    report = sw.check_gradients(WrongDense(mistake), x=rows())
    assert not report.ok, str(report)
    assert report.max_relative_error > report.tolerance


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("seed", range(3))
def test_a_wrong_dense_is_rejected_inside_a_network(mistake, seed):
    network = sw.Sequential([sw.Dense(5), sw.Tanh(), WrongDense(mistake), sw.Tanh(), sw.Dense(2)])
    if mistake in ("dx None", "dx shape"):
        with pytest.raises(sw.ScratchworkError, match=r"layer 2, WrongDense.*backward gives dx"):
            sw.check_gradients(network, SoftmaxCrossEntropy(), rows(), [0, 1, 1, 0, 1], seed=seed)
        return
    report = sw.check_gradients(network, SoftmaxCrossEntropy(), rows(), [0, 1, 1, 0, 1], seed=seed)
    if mistake == "writes to dy":  # inside a network nobody else needs that dy: the products are off instead
        assert report.max_relative_error > 1e-7
        return
    assert not report.ok, str(report)


def test_a_transposed_product_is_rejected():
    class Transposed(sw.Dense):
        def backward(self, dy, cache, *, need_dx=True):
            dx = super().backward(dy, cache)
            self.weight.grad[...] = self.weight.grad.T.copy()
            return dx

    assert not sw.check_gradients(Transposed(4), x=rows()).ok


def wrong(base, change):
    class Wrong(base):
        def backward(self, dy, cache, *, need_dx=True):
            return change(self, dy, cache, super().backward(dy, cache))

    return Wrong


def test_a_softmax_is_seen_through():
    """With a cotangent of ones each of these passes: the outputs of a softmax sum to 1."""
    x = rows()
    zero = wrong(sw.Softmax, lambda self, dy, y, dx: np.zeros_like(dx))
    diagonal = wrong(sw.Softmax, lambda self, dy, y, dx: dy * y * (1 - y))
    off_by_a_factor = wrong(sw.Softmax, lambda self, dy, y, dx: -3.7 * dx)
    for layer in (zero(), diagonal(), off_by_a_factor()):
        assert not sw.check_gradients(layer, x=x).ok
    assert sw.check_gradients(sw.Softmax(), x=x).ok


def test_a_batch_norm_without_the_terms_of_mean_and_variance_is_rejected():
    zero = wrong(sw.BatchNorm, lambda self, dy, cache, dx: np.zeros_like(dx))
    constant_statistics = wrong(sw.BatchNorm, lambda self, dy, cache, dx: dy * self.gamma.value)
    for layer in (zero(), constant_statistics()):
        assert not sw.check_gradients(layer, x=rows()).ok


@pytest.mark.parametrize("case", LAYER_CASES, ids=lambda case: case.name)
def test_every_layer_with_a_spoiled_dx_is_rejected(case):
    layer = case.built()
    right = layer.backward

    def spoiled(dy, cache, *, need_dx=True):
        return right(dy, cache) * 1.001

    y, cache = layer.forward(case.rows(5), training=True, step=1)
    if not np.any(layer.backward(np.ones_like(y), cache)) and repr(layer).startswith("Step"):
        return  # zero times 1.001 is zero
    layer.backward = spoiled
    assert not sw.check_gradients(layer, x=case.rows(5)).ok


def test_a_wrong_loss_is_rejected():
    class Forgot(SoftmaxCrossEntropy):
        def value_and_grad(self, prediction, target, weight=None):
            value, grad = super().value_and_grad(prediction, target, weight)
            return value, grad * len(prediction)

    prediction, labels = rows(), [0, 1, 2, 3, 0]
    assert sw.check_gradients(SoftmaxCrossEntropy(), x=prediction, y=labels).ok
    assert sw.check_gradients(SoftmaxCrossEntropy(), prediction, labels).ok
    assert not sw.check_gradients(Forgot(), x=prediction, y=labels).ok


def test_a_layer_of_ones_own():
    class Square(sw.Layer):
        def build(self, in_shape, rng, dtype):
            return in_shape

        def forward(self, x, *, training=False, step=0):
            return x * x, x

        def backward(self, dy, cache, *, need_dx=True):
            return 2 * cache * dy

    class Cube(Square):
        def forward(self, x, *, training=False, step=0):
            return x**3, x

    assert sw.check_gradients(Square(), rows()).ok
    assert not sw.check_gradients(Cube(), rows()).ok


@pytest.mark.parametrize("rows", [sw.data.xor(), sw.data.spirals(20)], ids=["xor", "spirals"])
@pytest.mark.parametrize("activation", [sw.ReLU, sw.LeakyReLU])
def test_a_row_of_zeros_puts_all_units_on_their_kinks(rows, activation):
    """Biases start at zero: at [0, 0] the slopes to both sides differ in every unit, and the network is right all the same."""
    for seed in range(5):
        layers = [sw.Dense(8), activation(), sw.Dense(8), activation(), sw.Dense(3)]
        report = sw.check_gradients(sw.Sequential(layers), SoftmaxCrossEntropy(), rows.x, rows.y, seed=seed)
        assert report.ok, report
        layers[2] = WrongDense("dW x 1.001")
        layers[2].units = 8
        assert not sw.check_gradients(sw.Sequential(layers), SoftmaxCrossEntropy(), rows.x, rows.y, seed=seed).ok


class SteepAtZero(sw.ReLU):
    """A ReLU whose slope at 0 is 2, which lies outside those at both sides."""

    def forward(self, x, *, training=False, step=0):
        return np.maximum(x, 0), x

    def backward(self, dy, cache, *, need_dx=True):
        return dy * np.where(cache == 0, 2.0, cache > 0)


def test_many_zeros_in_a_layer_s_own_x():
    x = np.random.default_rng(0).integers(-1, 2, (6, 5))
    for seed in range(5):
        report = sw.check_gradients(sw.ReLU(), x=x, entries=30, seed=seed)
        assert report.ok
        assert report.rows[0].kinks > 3
        assert not sw.check_gradients(SteepAtZero(), x=x, entries=30, seed=seed).ok


def test_a_layer_that_was_built_for_other_rows():
    layer = sw.Dense(3)
    layer.build((1,), np.random.default_rng(0), np.float32)
    with pytest.raises(ShapeError, match=r"weight has shape \(1, 3\), and rows like those of x need \(4, 3\)"):
        sw.check_gradients(layer, x=rows())


def test_a_loss_by_its_name_and_a_batch_that_is_none():
    network = sw.Sequential([sw.Dense(2)])
    assert sw.check_gradients(network, "softmax_cross_entropy", rows(), [0, 1, 1, 0, 1]).ok
    with pytest.raises(UnknownNameError, match="did you mean 'MeanSquaredError'"):
        sw.check_gradients(network, "MeanSquareError", rows(), rows())
    with pytest.raises(DataError, match="x is empty"):
        sw.check_gradients(network, x=rows()[:0])
    assert sw.check_gradients(sw.Tanh(), x=0.5).ok


class Gain(sw.Layer):
    """A layer as people write it: parameters and buffers that only `build` makes, in lists; gradients that are assigned."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def build(self, in_shape, rng, dtype):
        self.gain = sw.Parameter(np.full(in_shape, 1.5, dtype))
        self.mean = np.zeros(in_shape, dtype)
        return in_shape

    def parameters(self):
        return [("gain", self.gain)]

    def buffers(self):
        return [("mean", self.mean)]

    def forward(self, x, *, training=False, step=0):
        return x * self.gain.value, x

    def backward(self, dy, cache, *, need_dx=True):
        self.gain.grad = self.factor * (dy * cache).sum(axis=0)
        return dy * self.gain.value


def test_a_layer_of_ones_own_whose_parameters_come_with_build():
    assert sw.check_gradients(Gain(), rows()).ok
    assert not sw.check_gradients(Gain(1.001), rows()).ok
    network = sw.Sequential([Gain(), sw.Dense(2)])
    assert "not built" in network.summary()
    assert sw.check_gradients(network, SoftmaxCrossEntropy(), rows(), [0, 1, 1, 0, 1]).ok


def test_a_layer_of_ones_own_that_assigns_its_gradients_is_trained():
    network = sw.Sequential([Gain()])
    network.build(4, dtype=np.float64)
    x = rows()
    sw.fit(network, x, 3.0 * x, loss=sw.MeanSquaredError(), optimizer=sw.Adam(0.1), epochs=500, progress=False)
    np.testing.assert_allclose(network[0].gain.value, 3.0, rtol=1e-6)


def test_a_random_forward_is_named():
    class Noise(sw.Linear):
        def forward(self, x, *, training=False, step=0):
            return x + np.random.default_rng().normal(size=x.shape), None

    report = sw.check_gradients(Noise(), x=rows())
    assert not report.ok
    assert "two results" in str(report)


def test_a_forward_that_writes_to_x_is_named():
    class InPlace(sw.Linear):
        def forward(self, x, *, training=False, step=0):
            x *= 1.0 + 1e-9
            return x, None

    assert "writes to x" in str(sw.check_gradients(InPlace(), x=rows()))


def test_kinks_are_accepted_and_counted():
    x = np.array([[0.0, 1.0, -1.0], [0.0, 0.0, 2.0]])
    report = sw.check_gradients(sw.ReLU(), x=x)
    assert report.ok, str(report)
    assert report.rows[0].kinks > 0
    double = wrong(sw.ReLU, lambda self, dy, cache, dx: 2 * dx)
    assert not sw.check_gradients(double(), x=x).ok
    target = np.array([[1.0, 2.0]])
    at_the_corner = sw.check_gradients(sw.MeanAbsoluteError(), x=target, y=target)
    assert at_the_corner.ok
    assert at_the_corner.rows[0].kinks > 0


def test_the_original_is_not_touched():
    network = sw.Sequential([sw.Dense(4), sw.BatchNorm(), sw.ReLU(), sw.Dropout(0.5), sw.Dense(2)])
    network.build((4,))
    before = [p.value.copy() for _, p in network.parameters()] + [b.copy() for _, b in network.buffers()]
    x = rows().astype(np.float32)
    kept = x.copy()
    assert sw.check_gradients(network, SoftmaxCrossEntropy(), x, [0, 1, 1, 0, 1]).ok
    after = [p.value for _, p in network.parameters()] + [b for _, b in network.buffers()]
    assert all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(before, after, strict=True))
    assert np.array_equal(x, kept)


def test_right_networks_leave_room_below_the_tolerance():
    for seed in range(5):
        network = sw.Sequential([sw.Dense(20), sw.GELU(), sw.LayerNorm(), sw.Dense(10), sw.SiLU(), sw.Dense(3)])
        labels = np.random.default_rng(seed).integers(0, 3, 30)
        report = sw.check_gradients(network, SoftmaxCrossEntropy(), rows(30, 8, seed), labels, seed=seed)
        assert report.max_relative_error < 1e-7, str(report)


def test_large_inputs_and_a_relu_network_of_real_size():
    x = np.random.default_rng(0).integers(0, 256, (64, 784))
    network = sw.Sequential([sw.Dense(32), sw.ReLU(), sw.Dense(10)])
    report = sw.check_gradients(network, SoftmaxCrossEntropy(), x, np.arange(64) % 10)
    assert report.ok, str(report)


def test_the_report_reads_well():
    report = sw.check_gradients(WrongDense("dW x 1.001"), x=rows())
    text = str(report)
    assert "WRONG" in text
    assert "backward gives" in text
    assert "weight" in text
    assert not bool(report)
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((sw.Dense(2),), "needs x"),
        ((SoftmaxCrossEntropy(), None, [[1.0, 2.0]]), "needs y"),
        ((sw.Dense(2), SoftmaxCrossEntropy(), [[1.0, 2.0]]), "needs y"),
        (("Dense", None, [[1.0]]), "takes a Layer"),
        ((sw.Dense(2), SoftmaxCrossEntropy, [[1.0, 2.0]], [0]), "is the class"),
        ((sw.Dense(2), None, [[1.0, float("nan")]]), "NaN"),
    ],
)
def test_wrong_calls_get_one_sentence(arguments, words):
    with pytest.raises(sw.ScratchworkError, match=words):
        sw.check_gradients(*arguments)
