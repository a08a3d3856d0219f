"""Each usual mistake in a gradient is known by its pattern, at any size, and a right gradient has none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchwork.gradient_patterns import find_pattern, is_bias, proportion

RNG = np.random.default_rng(5)
RIGHT = RNG.normal(size=(4, 3))
SQUARE = RNG.normal(size=(3, 3))
BIAS = RNG.normal(size=3)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_a_right_gradient_has_no_pattern(scale):
    assert find_pattern(scale * RIGHT, scale * RIGHT) is None
    assert find_pattern(scale * RIGHT * (1 + 1e-8), scale * RIGHT) is None
    assert find_pattern(BIAS[None], BIAS, name="bias") is None
    assert find_pattern(np.zeros((2, 2)), np.zeros((2, 2))) is None


@pytest.mark.parametrize(
    ("name", "wrong", "settings_"),
    [
        ("sign", -RIGHT, {}),
        ("factor N", 32 * RIGHT, {"batch": 32}),
        ("factor 1/N", RIGHT / 32, {"batch": 32}),
        ("constant factor", 2 * RIGHT, {"batch": 32}),
        ("constant factor", 32 * RIGHT, {}),
        ("constant factor", 1.001 * RIGHT, {"batch": 32}),
        ("zero", 0 * RIGHT, {}),
        ("zero", None, {}),
        ("transposed", RIGHT.T, {}),
        ("not finite", np.where(RIGHT > 0, np.nan, RIGHT), {}),
        ("missing activation derivative", RIGHT + 1, {"terms": {"missing activation derivative": RIGHT + 1}}),
        ("missing activation derivative", 4 * RIGHT + 4, {"terms": {"missing activation derivative": RIGHT + 1}}),
        ("missing regularizer", RIGHT - 0.01 * np.arange(12).reshape(4, 3), {"value": np.arange(12.0).reshape(4, 3)}),
        ("missing regularizer", RIGHT - 0.01 * np.sign(RIGHT + 0.2), {"value": RIGHT + 0.2}),
        ("wrong regularizer", RIGHT + 0.01 * np.arange(12).reshape(4, 3), {"value": np.arange(12.0).reshape(4, 3)}),
        ("unknown", RIGHT + 1, {}),
        ("some entries", RIGHT + np.eye(4, 3), {}),
    ],
)
def test_each_mistake_has_its_name(name, wrong, settings_):
    found = find_pattern(wrong, RIGHT, **settings_)
    assert found is not None
    assert found.name == name
    assert found.sentence
    assert found.fix


def test_a_square_transpose_is_seen_in_the_numbers():
    assert find_pattern(SQUARE.T, SQUARE).name == "transposed"
    assert find_pattern(SQUARE.T / 8, SQUARE, batch=8).name == "transposed"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("missing bias", None),
        ("missing bias", np.zeros(3)),
        ("not summed over rows", np.stack([BIAS / 2, BIAS / 2])),
        ("summed over everything", BIAS.sum()),
        ("wrong shape", BIAS[:, None]),
        ("sign", -BIAS),
    ],
)
def test_biases_have_mistakes_of_their_own(name, wrong):
    assert find_pattern(wrong, BIAS, name="b1").name == name


@pytest.mark.parametrize("name", ["bias", "b", "b1", "db2", "3.bias", "hidden/bias", "beta", "dbiases", "b_2", "grad_b1"])
def test_names_of_biases(name):
    assert is_bias(name)


@pytest.mark.parametrize("name", ["weight", "W1", "dW", "batch", "0.weight", "gamma", "base", "d", ""])
def test_names_of_others(name):
    assert not is_bias(name)


def test_the_sentence_says_the_numbers():
    assert "at [0, 0] it is" in find_pattern(RIGHT + 1, RIGHT).sentence
    assert "3 times" in find_pattern(3 * RIGHT, RIGHT).sentence
    assert find_pattern(3 * RIGHT, RIGHT).factor == pytest.approx(3)
    assert "32 times" in str(find_pattern(32 * RIGHT, RIGHT, batch=32))


def test_a_term_that_makes_no_difference_is_not_named():
    assert find_pattern(RIGHT + 1, RIGHT, terms={"missing activation derivative": RIGHT}).name == "unknown"


@settings(max_examples=50, deadline=None)
@given(st.floats(0.01, 100).filter(lambda c: abs(c - 1) > 0.01), st.integers(0, 1000), st.sampled_from([1e-6, 1.0, 1e6]))
def test_any_factor_is_found(c, seed, scale):
    right = scale * np.random.default_rng(seed).normal(size=(5, 4))
    found = find_pattern(c * right, right, batch=7)
    assert found is not None
    assert found.factor == pytest.approx(c)
    assert proportion(c * right, right) == pytest.approx(c)
    assert proportion(c * right + scale, right) is None
