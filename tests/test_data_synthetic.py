"""The made sets: their equations, written out once more in plain float64."""

import math

import numpy as np
import pytest

from scratchwork.data import BUILT_IN, article_rows, blobs, circles, moons, sine, spirals, vertical_stripes, xor
from scratchwork.errors import ConfigurationError

RANDOM = [spirals, vertical_stripes, moons, circles, blobs]


def test_xor_is_the_exclusive_or():
    data = xor()
    assert data.x.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert data.y.tolist() == [int(a) ^ int(b) for a, b in data.x]


def test_the_rows_of_the_article():
    data = article_rows()
    assert data.x.tolist() == [[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]]
    assert data.y.tolist() == [0, 1, 1, 0]


def test_spirals_without_noise_are_their_equation():
    data = spirals(per_class=7, classes=4, noise=0.0)
    rows = []
    for k in range(4):
        for i in range(7):
            t = i / 6
            theta = 2 * math.pi * k / 4 + 10 * t
            rows.append([t * math.sin(theta), t * math.cos(theta)])
    np.testing.assert_allclose(data.x, rows, atol=1e-6)
    assert data.y.tolist() == [k for k in range(4) for _ in range(7)]


def test_stripes_moons_circles_and_the_sine_without_noise():
    stripes = vertical_stripes(per_class=2, classes=4, noise=0.0)
    np.testing.assert_allclose(stripes.x, [[k / 4, 0.5] for k in range(4) for _ in range(2)])
    angles = [0.0, math.pi / 2, math.pi]
    upper = [[math.cos(a), math.sin(a)] for a in angles]
    lower = [[1 - math.cos(a), 0.5 - math.sin(a)] for a in angles]
    np.testing.assert_allclose(moons(per_class=3, noise=0.0).x, upper + lower, atol=1e-6)
    ring = [[math.cos(i * math.pi / 2), math.sin(i * math.pi / 2)] for i in range(4)]
    np.testing.assert_allclose(
        circles(per_class=4, noise=0.0, ratio=0.3).x, ring + [[0.3 * a, 0.3 * b] for a, b in ring], atol=1e-6
    )
    wave = sine(rows=8)
    np.testing.assert_allclose(wave.x[:, 0], [i / 8 for i in range(8)])
    np.testing.assert_allclose(wave.y, [math.sin(2 * math.pi * i / 8) for i in range(8)], atol=1e-6)
    assert wave.labels is None


def test_the_noise_has_the_size_that_is_asked_for():
    assert np.std(sine(rows=20_000, noise=0.3).y - sine(rows=20_000).y) == pytest.approx(0.3, rel=0.03)
    clouds = blobs(per_class=5000, classes=2, noise=2.0, features=3)
    for k in range(2):
        np.testing.assert_allclose(clouds.x[clouds.y == k].std(axis=0), 2.0, rtol=0.05)
    moon = moons(per_class=5000, noise=0.2).x - moons(per_class=5000, noise=0.0).x
    np.testing.assert_allclose(moon.std(axis=0), 0.2, rtol=0.05)
    stripes = vertical_stripes(per_class=5000, noise=0.05).x - vertical_stripes(per_class=5000, noise=0.0).x
    np.testing.assert_allclose(stripes.std(axis=0), 0.05, rtol=0.05)


def test_the_noise_of_spirals_turns_them():
    data, clean = spirals(per_class=3000, noise=0.1), spirals(per_class=3000, noise=0.0)
    away = np.hypot(*clean.x.T) > 0.1
    turned = np.angle((data.x @ [1, 1j]) / (clean.x @ [1, 1j] + 1e-12))[away]
    assert turned.std() == pytest.approx(2.5 * 0.1, rel=0.03)
    np.testing.assert_allclose(np.hypot(*data.x.T), np.hypot(*clean.x.T), atol=1e-6)


def test_spirals_are_too_wound_up_for_a_line():
    data = spirals(per_class=200, noise=0.0)
    design = np.column_stack([data.x, np.ones(len(data))])
    scores = design @ np.linalg.lstsq(design, np.eye(3)[data.y], rcond=None)[0]
    assert (scores.argmax(axis=1) == data.y).mean() < 0.6


@pytest.mark.parametrize("make", RANDOM)
def test_the_seed_decides(make):
    assert np.array_equal(make(seed=5).x, make(seed=5).x)
    assert not np.array_equal(make(seed=5).x, make(seed=6).x)


@pytest.mark.parametrize("name", sorted(set(BUILT_IN) - {"mnist", "cifar10"}))
def test_what_all_built_in_sets_have_in_common(name):
    data = BUILT_IN[name]()
    assert data.name == name
    assert data.x.dtype == np.float32
    assert data.x.flags.c_contiguous
    assert np.isfinite(data.x).all()
    assert len(data.x) == len(data.y)
    if data.labels is None:
        assert data.y.dtype == np.float32
    else:
        assert data.y.dtype == np.int64
        assert sorted(set(data.y.tolist())) == list(range(len(data.labels)))


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (spirals, {"per_class": 0}),
        (spirals, {"classes": 1}),
        (moons, {"noise": -1.0}),
        (moons, {"noise": math.nan}),
        (circles, {"ratio": 1.0}),
        (blobs, {"features": 0}),
        (sine, {"rows": 2.5}),
        (blobs, {"seed": -1}),
    ],
)
def test_settings_outside_their_range_are_refused(make, arguments):
    with pytest.raises(ConfigurationError, match=next(iter(arguments))):
        make(**arguments)
