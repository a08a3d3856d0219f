"""Initializers: moments and limits against the formulas of the papers, structure, seeds, settings out of range."""

import inspect
import math

import numpy as np
import pytest

from scratchwork import initializers
from scratchwork.errors import ConfigurationError, ShapeError, UnknownNameError
from scratchwork.initializers import (
    INITIALIZERS,
    Constant,
    Initializer,
    Normal,
    Ones,
    Orthogonal,
    Sparse,
    Uniform,
    VarianceScaling,
    Zeros,
    fans,
    resolve_initializer,
)

N_IN, N_OUT = 400, 250
DRAWS = N_IN * N_OUT
VARIANCE = {  # of weights (N_IN, N_OUT), each written out
    "normal": 0.01**2,
    "uniform": 0.05**2 / 3,
    "lecun_normal": 1 / 400,
    "lecun_uniform": 1 / 400,
    "glorot_normal": 2 / (400 + 250),
    "glorot_uniform": 2 / (400 + 250),
    "he_normal": 2 / 400,
    "he_uniform": 2 / 400,
    "orthogonal": 1 / 400,
}


def draw(initializer, shape=(N_IN, N_OUT), dtype=np.float64, seed=0):
    return resolve_initializer(initializer)(shape, np.random.default_rng(seed), dtype)


@pytest.mark.parametrize("name", VARIANCE)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mean_and_variance(name, dtype):
    w = draw(name, dtype=dtype).astype(np.float64)
    std = math.sqrt(VARIANCE[name])
    assert abs(w.mean()) < 4 * std / math.sqrt(DRAWS)
    assert w.var() == pytest.approx(VARIANCE[name], rel=4 * math.sqrt(2 / DRAWS))


@pytest.mark.parametrize("name", ["normal", "lecun_normal", "glorot_normal", "he_normal"])
def test_normal_draws_are_normal(name):
    z = draw(name).ravel() / math.sqrt(VARIANCE[name])
    for bound, share in ((1.0, 0.6827), (2.0, 0.9545), (3.0, 0.9973)):
        assert np.mean(np.abs(z) < bound) == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / DRAWS))
    assert np.abs(z).max() > 3.5  # not truncated


@pytest.mark.parametrize("name", ["uniform", "lecun_uniform", "glorot_uniform", "he_uniform"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_uniform_draws_fill_their_interval(name, dtype):
    limit = math.sqrt(3 * VARIANCE[name])
    w = draw(name, dtype=dtype)
    assert np.abs(w).max() <= limit * (1 + np.finfo(dtype).eps)
    assert w.max() > 0.999 * limit
    assert w.min() < -0.999 * limit
    assert np.mean(np.abs(w) < limit / 2) == pytest.approx(0.5, abs=0.01)


def test_limits_of_the_papers():
    glorot = draw(VarianceScaling(1.0, "fan_avg", "uniform"))
    assert np.abs(glorot).max() <= math.sqrt(6) / math.sqrt(N_IN + N_OUT)
    assert draw(VarianceScaling(1.0, "fan_out")).var() == pytest.approx(1 / N_OUT, rel=0.02)


def test_variance_survives_a_deep_net():
    """What the scaling is for: ten layers of ReLU with He's, ten linear ones with LeCun's."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 300))
    relu = linear = small = x
    for _ in range(10):
        relu = np.maximum(relu @ INITIALIZERS["he_normal"]((300, 300), rng, np.float64), 0.0)
        linear = linear @ INITIALIZERS["lecun_normal"]((300, 300), rng, np.float64)
        small = small @ INITIALIZERS["normal"]((300, 300), rng, np.float64)
    assert 0.5 < np.mean(relu**2) < 2.0
    assert 0.5 < np.mean(linear**2) < 2.0
    assert np.mean(small**2) < 1e-12


def test_constants():
    assert draw("zeros", (3,)).tolist() == [0.0, 0.0, 0.0]
    assert draw("ones", (3,)).tolist() == [1.0, 1.0, 1.0]
    assert draw("constant", (2, 2)).tolist() == [[0.01, 0.01], [0.01, 0.01]]
    assert draw(Constant(-2.5), (2,)).tolist() == [-2.5, -2.5]


@pytest.mark.parametrize(("n_in", "n_out", "k"), [(784, 30, 15), (10, 30, 10), (15, 1, 15), (1, 5, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_has_exactly_k_inputs_per_neuron(n_in, n_out, k, dtype):
    w = draw(Sparse(15), (n_in, n_out), dtype)
    assert np.count_nonzero(w, axis=0).tolist() == [k] * n_out


def test_sparse_draws_a_gaussian_and_every_input():
    w = draw(Sparse(inputs=15, std=2.0), (50, 4000))
    values = w[w != 0]
    assert values.size == 15 * 4000
    assert abs(values.mean()) < 4 * 2.0 / math.sqrt(values.size)
    assert values.std() == pytest.approx(2.0, rel=0.02)
    chosen = np.count_nonzero(w, axis=1)  # each input by about 15/50 of the neurons
    np.testing.assert_allclose(chosen / 4000, 0.3, atol=5 * math.sqrt(0.3 * 0.7 / 4000))
    assert np.unique((w != 0).astype(np.uint8), axis=1).shape[1] > 3990  # and not the same ones for all


@pytest.mark.parametrize("shape", [(5, 5), (8, 3), (3, 8), (1, 4), (4, 1), (120, 60)])
@pytest.mark.parametrize("gain", [1.0, math.sqrt(2.0)])
def test_orthogonal(shape, gain):
    w = draw(Orthogonal(gain), shape)
    gram = w.T @ w if shape[0] >= shape[1] else w @ w.T
    np.testing.assert_allclose(gram, gain**2 * np.eye(min(shape)), atol=1e-12)
    assert w.flags.c_contiguous
    single = draw(Orthogonal(gain), shape, np.float32)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, w.astype(np.float32))


def test_orthogonal_is_uniform():
    """Without the sign correction LAPACK's convention shows: the diagonal of Q leans to one side."""
    rng = np.random.default_rng(0)
    corners = [Orthogonal()((3, 3), rng, np.float64)[0, 0] for _ in range(2000)]
    assert abs(np.mean(corners)) < 4 / math.sqrt(3 * 2000)
    assert np.var(corners) == pytest.approx(1 / 3, rel=0.1)


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, "float32"])
def test_shape_dtype_and_seed(name, dtype):
    w = draw(name, (20, 30), dtype)
    assert w.shape == (20, 30)
    assert w.dtype == np.dtype(dtype)
    assert w.flags.c_contiguous
    assert w.flags.writeable
    np.testing.assert_array_equal(w, draw(name, (20, 30), dtype))
    assert w.tobytes() != draw(name, (20, 30), dtype, seed=1).tobytes() or name in ("zeros", "ones", "constant")


@pytest.mark.parametrize("name", [name for name in INITIALIZERS if name not in ("sparse", "orthogonal")])
def test_vectors(name):
    assert draw(name, (7,), np.float32).shape == (7,)


@pytest.mark.parametrize("initializer", [Sparse(), Orthogonal()])
@pytest.mark.parametrize("shape", [(7,), (2, 3, 4)])
def test_matrices_only(initializer, shape):
    with pytest.raises(ShapeError, match=rf"{type(initializer).__name__} fills weights of shape \(in, out\)"):
        draw(initializer, shape)


def test_fans():
    assert fans((784, 10)) == (784, 10)
    assert fans((10,)) == (10, 10)
    assert fans((3, 3, 16, 32)) == (144, 32)


def test_names():
    assert resolve_initializer("He-Normal") is INITIALIZERS["he_normal"]
    mine = Normal(0.5)
    assert resolve_initializer(mine) is mine
    with pytest.raises(UnknownNameError, match="did you mean 'glorot_uniform'"):
        resolve_initializer("glorot_unifrom")
    for wrong in (3, None, Zeros):
        with pytest.raises(ConfigurationError, match="unknown initializer"):
            resolve_initializer(wrong)


def test_table_covers_every_class():
    classes = {c for _, c in inspect.getmembers(initializers, inspect.isclass) if issubclass(c, Initializer)} - {Initializer}
    assert {type(entry) for entry in INITIALIZERS.values()} == classes
    assert Ones in classes


@pytest.mark.parametrize("name", INITIALIZERS)
def test_config_makes_the_same_initializer(name):
    entry = INITIALIZERS[name]
    assert type(entry)(**entry.config()) == entry
    assert all(f"{key}={value!r}" in repr(entry) for key, value in entry.config().items())


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Constant(math.nan), "Constant needs a number value"),
        (lambda: Constant("0.01"), "received '0.01'"),
        (lambda: Normal(0.0), "std > 0"),
        (lambda: Normal(-1.0), "std > 0"),
        (lambda: Uniform(math.inf), "limit > 0"),
        (lambda: VarianceScaling(0.0), "scale > 0"),
        (lambda: VarianceScaling(True), "scale > 0"),
        (lambda: VarianceScaling(mode="fan_inn"), "did you mean 'fan_in'"),
        (lambda: VarianceScaling(distribution="gaussian"), "Known: normal, uniform"),
        (lambda: Sparse(0), "whole number of inputs, at least 1"),
        (lambda: Sparse(1.5), "whole number of inputs"),
        (lambda: Sparse(std=0.0), "std > 0"),
        (lambda: Orthogonal(gain=-1.0), "gain > 0"),
    ],
)
def test_settings_out_of_range(make, told):
    with pytest.raises(ConfigurationError, match=told):
        make()


def test_the_settings_of_one_of_ones_own_are_its_arguments():
    class Mine(Initializer):
        def __init__(self, high):
            self.high = high

        def __call__(self, shape, rng, dtype):
            return np.full(shape, self.high, dtype)

    assert resolve_initializer(Mine(3.0)).config() == {"high": 3.0}
