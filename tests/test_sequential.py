"""A chain of layers: the chain rule, copies that are independent, and errors that name the layer and the likely cause."""

import copy
import pickle

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.errors import ConfigurationError, DataError, NotBuiltError, ShapeError
from scratchwork.layers import Layer
from scratchwork.parameter import Parameter


def small(dtype=np.float64, rng=0):
    network = sw.Sequential([sw.Dense(3), sw.Tanh(), sw.Sequential([sw.Dense(4), sw.BatchNorm()]), sw.Dense(2)])
    network.build(5, rng, dtype)
    return network


def rows(n=6, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 5))


def training(network, epochs=2, **settings):
    x = rows(40)
    y = (x[:, 0] > 0).astype(int)
    settings = {"loss": "SoftmaxCrossEntropy", "optimizer": sw.Adam(0.01), "batch_size": 16, "progress": False} | settings
    return sw.fit(network, x, y, epochs=epochs, **settings)


def test_forward_and_backward_are_the_equations():
    network = sw.Sequential([sw.Dense(3), sw.Tanh(), sw.Dense(2)])
    network.build(5, 0, np.float64)
    for _, parameter in network.parameters():
        parameter.value += 0.1
    w1, b1, w2, b2 = (parameter.value for _, parameter in network.parameters())
    x = rows()
    y, caches = network.forward(x)
    h = np.tanh(x @ w1 + b1)
    np.testing.assert_allclose(y, h @ w2 + b2, rtol=1e-13)
    dy = np.random.default_rng(1).normal(size=y.shape)
    dx = network.backward(dy, caches)
    dh = dy @ w2.T * (1 - h**2)
    np.testing.assert_allclose(dx, dh @ w1.T, rtol=1e-12)
    for parameter, expected in zip(network.parameters(), (x.T @ dh, dh.sum(0), h.T @ dy, dy.sum(0)), strict=True):
        np.testing.assert_allclose(parameter[1].grad, expected, rtol=1e-12)


def test_no_gradient_is_computed_below_the_first_parameters():
    class Refusing(sw.ReLU):
        def backward(self, dy, cache, *, need_dx=True):
            raise AssertionError("nobody needs this")

    network = sw.Sequential([sw.Flatten(), Refusing(), sw.Sequential([Refusing(), sw.Dense(2)])])
    network.build((2, 2))
    y, caches = network.forward(np.ones((3, 2, 2), np.float32))
    assert network.backward(np.ones_like(y), caches, need_dx=False) is None


def test_a_network_inside_another_computes_the_same():
    layers = [sw.Dense(3), sw.Tanh(), sw.Dense(2)]
    flat, nested = sw.Sequential(layers), sw.Sequential([sw.Sequential(copy.deepcopy(layers[:2])), copy.deepcopy(layers[2])])
    flat.build(5, 0, np.float64)
    nested.build(5, 1, np.float64)
    for (_, p), (_, q) in zip(flat.parameters(), nested.parameters(), strict=True):
        q.value[...] = p.value
    assert [name for name, _ in nested.parameters()] == ["0.0.weight", "0.0.bias", "1.weight", "1.bias"]
    assert np.array_equal(flat.predict(rows()), nested.predict(rows()))


def test_each_layer_starts_from_a_generator_of_its_own():
    one, two = (
        sw.Sequential([first, sw.Dense(4), sw.Dense(2)]) for first in (sw.Dense(3), sw.Dense(3, weight_initializer="zeros"))
    )
    one.build(5, 7)
    two.build(5, 7)
    assert np.array_equal(one[1].weight.value, two[1].weight.value)
    assert not np.array_equal(one[1].weight.value[:2, :2], one[2].weight.value[:2, :2])
    again = sw.Sequential([sw.Dense(3), sw.Dense(4), sw.Dense(2)])
    again.build(5, np.random.default_rng(7))
    assert np.array_equal(one.flat().value, again.flat().value)


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))], ids=["copy", "pickle"])
@pytest.mark.parametrize("trained", [True, False])
def test_a_copy_has_a_life_of_its_own(clone, trained):
    network = small(np.float32)
    if trained:
        training(network)
    other = clone(network)
    before, running = network.flat().value.copy(), network[2][1].running_mean.copy()
    assert np.array_equal(other.predict(rows()), network.predict(rows()))
    assert (other.epochs_seen, other.steps_seen) == (network.epochs_seen, network.steps_seen)
    training(other)
    assert not np.array_equal(other.flat().value, before)
    assert np.array_equal(network.flat().value, before)
    assert np.array_equal(network[2][1].running_mean, running)
    training(network)
    assert np.array_equal(network.flat().value, other.flat().value)  # both went the same way


@pytest.mark.parametrize("disturb", ["nothing", "copy", "inner", "replaced", "rebuilt"])
def test_the_flat_vector_is_the_parameters_whatever_happened_before(disturb):
    network = small(np.float32)
    network.flat()
    if disturb == "copy":
        network = copy.copy(network)
    elif disturb == "inner":
        network[2].flat()
    elif disturb == "replaced":
        network[0].weight.value = np.ones((5, 3))  # another type
    elif disturb == "rebuilt":
        network.build(5, 3)
    flat = network.flat()
    assert network.flat() is flat
    assert flat.value.dtype == np.float32
    assert flat.value.size == sum(parameter.value.size for _, parameter in network.parameters())
    for _, parameter in network.parameters():
        assert np.shares_memory(parameter.value, flat.value)
        assert np.shares_memory(parameter.grad, flat.grad)
    flat.value[...] = 0.5
    assert (network[3].weight.value == 0.5).all()


def test_predict_takes_lists_narrow_and_foreign_arrays():
    network = small()
    x = rows(5).round(2)
    expected = network.predict(x)
    frozen = x.copy()
    frozen.flags.writeable = False
    for same in (x.tolist(), tuple(map(tuple, x)), np.asfortranarray(x), frozen, x.astype(object), np.repeat(x, 2, 0)[::2]):
        np.testing.assert_allclose(network.predict(same), expected, rtol=1e-12)
    for dtype in (np.uint8, np.int64, bool, np.float16):
        assert np.isfinite(network.predict(np.ones((3, 5), dtype))).all()
    np.testing.assert_allclose(network.predict(x, batch_size=2), expected, rtol=1e-12)
    np.testing.assert_allclose(network(x), expected, rtol=1e-12)
    assert network.predict(np.zeros((0, 5))).shape == (0, 2)


def test_predict_gives_memory_of_its_own():
    network = sw.Sequential([sw.Flatten(), sw.Linear()])
    network.build((2, 2))
    x = np.ones((3, 2, 2), np.float32)
    network.predict(x)[...] = 7
    assert (x == 1).all()


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (
            np.ones(5),
            ShapeError,
            r"built for x of shape \(N, 5\), received \(5,\): one row needs a batch axis, write x\[None\]",
        ),
        (np.ones((5, 9)), ShapeError, "is x transposed"),
        (np.ones((3, 1, 5)), ShapeError, r"another shape, reshape x or begin the network with Flatten\(\)"),
        (np.ones((3, 4)), ShapeError, r"received \(3, 4\)$"),
        (3.0, ShapeError, r"received \(\)$"),
        ([["a"] * 5], DataError, "text where numbers belong"),
        ([[1, 2, 3, 4, np.nan]], DataError, "NaN at row 0, column 4"),
        (np.full((2, 5), 1e300), DataError, "too large for float32"),
    ],
)
def test_predict_says_what_is_wrong_with_x(x, error, words):
    with pytest.raises(error, match=words):
        small(np.float32).predict(x)


@pytest.mark.parametrize("size", [0, -1, 2.5, "8", True])
def test_predict_wants_a_sensible_batch(size):
    with pytest.raises(ConfigurationError, match="batch_size"):
        small().predict(rows(), batch_size=size)


DENSE = sw.Dense(2)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([], "at least one layer"),
        (None, r"a list of layers, Sequential\(\[...\]\); received None"),
        (sw.Dense(2), r"a list of layers, Sequential\(\[...\]\); received Dense\(2\)"),
        (sw.Sequential([sw.ReLU()]), "a list of layers"),
        ("relu", "a list of layers"),
        ([sw.Dense(2), sw.ReLU], r"layer 1 is the class ReLU: write ReLU\(\)"),
        ([sw.Dense(2), "relu"], "layer 1 is 'relu', which is no Layer"),
        ([DENSE, sw.ReLU(), DENSE], r"Dense\(2\) stands in the network twice"),
        ([DENSE, sw.Sequential([sw.ReLU(), DENSE])], "twice"),
    ],
)
def test_what_is_no_chain_of_layers_is_refused(layers, words):
    with pytest.raises(ConfigurationError, match=words):
        sw.Sequential(layers)


@pytest.mark.parametrize(
    "wrong",
    [
        {"in_shape": 0},
        {"in_shape": (4, -1)},
        {"in_shape": ()},
        {"in_shape": "4"},
        {"in_shape": 4.0},
        {"in_shape": None},
        {"in_shape": 4, "dtype": np.float16},
        {"in_shape": 4, "dtype": "int32"},
        {"in_shape": 4, "dtype": None},
        {"in_shape": 4, "rng": -1},
        {"in_shape": 4, "rng": "seed"},
        {"in_shape": 4, "rng": None},
    ],
)
def test_build_refuses_and_leaves_it_unbuilt(wrong):
    network = sw.Sequential([sw.Dense(2)])
    with pytest.raises(ConfigurationError):
        network.build(**wrong)
    assert not network.built


def test_an_error_names_the_layer():
    network = sw.Sequential([sw.Reshape((2, 2)), sw.Sequential([sw.ReLU(), sw.Dense(3)])])
    with pytest.raises(ShapeError, match=r"^layer 1, Sequential.*: layer 1, Dense\(3\): .*put Flatten\(\) before it"):
        network.build(4)
    assert not network.built
    network = sw.Sequential([sw.Dense(3), sw.Dense(2)])
    network.build(4)
    network[1].weight.value = np.ones((7, 2))
    with pytest.raises(ShapeError, match=r"^layer 1, Dense\(2\): expected x of shape \(N, 7\), received \(1, 3\)"):
        network.predict(np.ones((1, 4)))


def test_a_rebuild_that_fails_leaves_nothing_half_built():
    network = sw.Sequential([sw.Dense(3), sw.Dense(2)])
    network.build(4)
    with pytest.raises(ShapeError):
        network.build((4, 4))
    assert not network.built
    network.build(6)
    assert network.predict(np.ones((1, 6))).shape == (1, 2)


UNBUILT = {
    "predict": lambda network: network.predict(np.ones((1, 2))),
    "forward": lambda network: network.forward(np.ones((1, 2))),
    "flat": lambda network: network.flat(),
    "in_shape": lambda network: network.in_shape,
    "out_shape": lambda network: network.out_shape,
}


@pytest.mark.parametrize("use", UNBUILT.values(), ids=UNBUILT.keys())
def test_before_it_is_built_every_use_says_so(use):
    with pytest.raises(NotBuiltError, match=r"call fit\(\), or build"):
        use(sw.Sequential([sw.Dense(2)]))


def test_summary_before_and_after():
    network = sw.Sequential([sw.Flatten(), sw.Dense(1000), sw.Sequential([sw.ReLU(), sw.Dense(10)])])
    assert network.summary().splitlines()[1].split() == ["0", "Flatten()", "not", "built", "?"]
    network.build((28, 28))
    lines = network.summary().splitlines()
    assert lines[1].split()[2:] == ["(N,", "784)", "0"]
    assert lines[2].split()[2:] == ["(N,", "1000)", "785,000"]
    assert lines[-1].split() == ["total", "795,010"]
    assert len({len(line) for line in lines}) == 1
    assert repr(network) == "Sequential([Flatten(), Dense(1000), Sequential([ReLU(), Dense(10)])])"
    assert len(network) == 3
    assert network[-1] is network.layers[2]


def test_a_parameter_that_two_layers_share_is_refused():
    network = sw.Sequential([sw.Dense(2), sw.Dense(2)])
    network.build(2)
    network[1].weight = network[0].weight
    assert isinstance(network[0].weight, Parameter)
    with pytest.raises(ConfigurationError, match="a parameter stands in the network twice"):
        network.flat()


def mine(**methods):
    """A layer of somebody's own, with these methods."""
    usual = {
        "build": lambda self, in_shape, rng, dtype: in_shape,
        "forward": lambda self, x, *, training=False, step=0: (x, None),
        "backward": lambda self, dy, cache, *, need_dx=True: dy,
    }
    return type("Mine", (Layer,), usual | methods)()


def test_what_is_often_forgotten_in_a_layer_of_one_s_own_is_said():
    network = sw.Sequential([sw.Dense(2), mine(build=lambda self, in_shape, rng, dtype: None)])
    with pytest.raises(ConfigurationError, match=r"layer 1, Mine\(\): build gave None instead of the shape"):
        network.build(3)
    for forgot in (lambda self, x, *, training=False, step=0: x, lambda self, x, *, training=False, step=0: None):
        network = sw.Sequential([sw.Dense(2), mine(forward=forgot)])
        network.build(3)
        for rows in (1, 2, 3):  # two rows would come apart as if they were a pair
            with pytest.raises(ConfigurationError, match=r"layer 1, Mine\(\): forward gave no pair \(y, cache\)"):
                network.predict(np.ones((rows, 3)))
    network = sw.Sequential([sw.Dense(2), mine(backward=lambda self, dy, cache, *, need_dx=True: None)])
    network.build(3)
    y, caches = network.forward(np.ones((2, 3), np.float32))
    with pytest.raises(ShapeError, match=r"layer 1, Mine\(\): backward gives dx of None"):
        network.backward(y, caches)


@pytest.mark.parametrize("last", [sw.Dense(1), sw.ReLU()])
def test_a_dy_of_another_shape_is_no_broadcast(last):
    network = sw.Sequential([sw.Dense(1), last])
    network.build(5, 0, np.float64)
    _, caches = network.forward(rows())
    for dy in (np.ones(6), np.ones((6, 2)), np.ones((6, 1, 1)), np.ones(())):
        with pytest.raises(ShapeError, match=r"the shape that the network gives, \(N, 1\); received"):
            network.backward(dy, caches)
    with pytest.raises(ShapeError, match=r"layer 1, .*: (expected dy|backward gives dx) of shape \(6, 1\)"):
        network.backward(np.ones((1, 1)), caches)
    dense = sw.Dense(1)
    dense.build((5,), np.random.default_rng(0), np.float64)
    _, cache = dense.forward(rows())
    for dy in (np.ones((1, 1)), np.ones(6), np.ones((6, 2))):
        with pytest.raises(ShapeError, match=r"expected dy of shape \(6, 1\), received"):
            dense.backward(dy, cache)


def test_a_list_of_layers_that_was_changed_is_noticed():
    network = sw.Sequential([sw.Dense(2)])
    network.build(3)
    network.layers.append(sw.Dense(2))
    for use in (network.flat, network.summary, lambda: network.predict(np.ones((1, 3))), lambda: training(network)):
        with pytest.raises(ConfigurationError, match="build it again"):
            use()
    network.build(5)
    training(network)
