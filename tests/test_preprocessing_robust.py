"""Robust scaling and smooth clipping: literal equations in float64, what outliers and constants do, and the way back."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scratchwork.errors import ConfigurationError, DataError, NotBuiltError, ShapeError
from scratchwork.preprocessing import Chain, RobustScale, SmoothClip, base, robust

RNG = np.random.default_rng(7)


def literal_quantile(column, p):
    ordered = sorted(column.tolist())
    t = (len(ordered) - 1) * p
    i = min(math.floor(t), len(ordered) - 2) if len(ordered) > 1 else 0
    return ordered[i] + (t - i) * (ordered[min(i + 1, len(ordered) - 1)] - ordered[i])


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 50, 51])
def test_robust_scale_is_its_equation(rows):
    x = RNG.standard_t(2, size=(rows, 3)) * [1.0, 100.0, 0.01] + [0.0, 5.0, -3.0]
    scale = RobustScale().fit(x)
    for d in range(3):
        m = literal_quantile(x[:, d], 0.5)
        s = literal_quantile(x[:, d], 0.75) - literal_quantile(x[:, d], 0.25)
        expected = (x[:, d] - m) / s if s else 0 * x[:, d]
        np.testing.assert_allclose(scale.transform(x)[:, d], expected, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose([scale.median_[d], scale.scale_[d]], [m, s], rtol=1e-12)


def test_robust_scale_beside_scikit_learn():
    x = RNG.normal(size=(40, 5))
    outside = pytest.importorskip("sklearn.preprocessing").RobustScaler().fit(x)
    np.testing.assert_allclose(RobustScale().fit(x).transform(2 * x), outside.transform(2 * x), rtol=1e-12, atol=1e-13)


def test_equal_quartiles_take_half_of_the_range():
    x = np.zeros((10, 2))
    x[3, 0], x[5, 1] = 1.0, -4.0
    scale = RobustScale().fit(x)
    assert scale.scale_.tolist() == [0.5, 2.0]
    assert scale.transform([[1.0, -4.0]]).tolist() == [[2.0, -2.0]]


def test_a_constant_feature_becomes_zero_for_all_rows():
    scale = RobustScale().fit(np.full((9, 2), 0.1))
    np.testing.assert_array_equal(scale.transform([[0.1, 5.0], [-1e300, 0.0]]), 0.0)
    np.testing.assert_array_equal(scale.inverse_transform([[0.0, 3.0]]), 0.1)
    assert np.isnan(scale.transform([[np.nan, np.inf]])).all()  # whoever checks the result sees it


def test_outliers_do_not_move_the_scale():
    x = RNG.normal(size=(101, 1))
    wild = x.copy()
    wild[np.argsort(x[:, 0])[-20:]] = 1e30
    assert RobustScale().fit(wild).state() == RobustScale().fit(x).state()


def test_images_keep_their_shape_and_pieces_change_nothing(monkeypatch):
    images = RNG.integers(0, 256, (20, 5, 6), dtype=np.uint8)
    whole = RobustScale().fit(images)
    assert whole.median_.shape == whole.scale_.shape == (5, 6)
    assert whole.transform(images).dtype == np.float32
    monkeypatch.setattr(robust, "PIECE", 60)
    monkeypatch.setattr(base.pieces, "__defaults__", (60,))
    np.testing.assert_array_equal(RobustScale().fit(images).transform(images), whole.transform(images))


@settings(max_examples=60, deadline=None)
@given(
    x=hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6),
        elements=st.integers(-(10**6), 10**6).map(lambda number: number / 64),
    )
)
def test_the_inverse_gives_the_training_rows_back(x):
    chain = Chain([RobustScale(), SmoothClip(3.0)])
    y = chain.fit(x).transform(x)
    assert np.abs(y).max() <= 3.0
    scaled = chain.steps[0].transform(x)
    np.testing.assert_allclose(chain.steps[0].inverse_transform(scaled), x, rtol=1e-12, atol=1e-9)
    near = np.abs(scaled) < 1e4  # farther out y keeps too few digits of x
    np.testing.assert_allclose(chain.steps[1].inverse_transform(y)[near], scaled[near], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("limit", [0.5, 3.0, 1e6])
def test_smooth_clip_is_its_equation(limit):
    x = np.concatenate([np.linspace(-20, 20, 81), [0.0, 1e3, -1e5]])
    y = SmoothClip(limit).transform(x)
    np.testing.assert_allclose(y, [value / math.sqrt(1 + (value / limit) ** 2) for value in x], rtol=1e-14)
    far = np.abs(y) < 0.999 * limit
    np.testing.assert_allclose(SmoothClip(limit).inverse_transform(y)[far], x[far], rtol=1e-12)


def test_smooth_clip_at_its_ends():
    clip = SmoothClip(3.0)
    x = np.array([1e154, 1e155, 1e300, -1.7e308])
    np.testing.assert_array_equal(clip.transform(x), [3.0, 3.0, 3.0, -3.0])
    back = clip.inverse_transform(np.array([3.0, -3.0, 3.5, 0.0]))
    assert back[:2].tolist() == [np.inf, -np.inf]
    assert np.isnan(back[2])
    assert back[3] == 0.0
    assert np.isnan(clip.transform(np.array([np.nan, np.inf]))).all()
    assert clip.transform(np.array([[1, 2]], np.uint8)).dtype == np.float32


def test_the_naive_root_fails_as_the_docstring_says():
    with np.errstate(over="ignore"):
        assert np.float64(1e200) / np.sqrt(1 + np.square(np.float64(1e200) / 3)) == 0.0


def test_errors_of_use():
    with pytest.raises(NotBuiltError, match="has learned nothing yet"):
        RobustScale().transform([[1.0]])
    with pytest.raises(DataError, match="x holds NaN at row 0, column 1"):
        RobustScale().fit([[1.0, np.nan]])
    with pytest.raises(DataError, match="rescale it first"):
        RobustScale().fit([[1.7e308], [-1.7e308], [1.7e308], [-1.7e308]])
    with pytest.raises(ShapeError, match=r"expected x of shape \(N, 2\), received \(1, 3\)"):
        RobustScale().fit([[1.0, 2.0]]).transform([[1.0, 2.0, 3.0]])
    for limit in (0, -1.0, math.inf, "3"):
        with pytest.raises(ConfigurationError, match="finite limit > 0"):
            SmoothClip(limit)
