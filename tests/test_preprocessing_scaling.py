"""Shifts and scales: literal equations in float64, round trips, dtypes, and the data that break naive sums."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scratchwork.errors import ConfigurationError, DataError, NotBuiltError, ShapeError, UnknownNameError
from scratchwork.preprocessing import MeanSubtraction, MinMax, Rescale, Standardize, base

SCALERS = [
    MeanSubtraction(),
    MeanSubtraction("scalar"),
    Standardize(),
    Standardize(eps=0.1),
    MinMax(),
    MinMax(-1, 3),
    Rescale(1 / 255, -0.5),
]
LEARNING = [scaler for scaler in SCALERS if not isinstance(scaler, Rescale)]


@pytest.fixture
def x():
    rng = np.random.default_rng(0)
    return rng.normal(size=(50, 4)) * [1.0, 10.0, 0.01, 3.0] + [5.0, -3.0, 0.0, 100.0]


def literal_moments(x):
    mean = sum(x[n] for n in range(len(x))) / len(x)
    variance = sum((x[n] - mean) ** 2 for n in range(len(x))) / len(x)
    return mean, variance


def test_mean_subtraction_is_its_equation(x):
    mean, _ = literal_moments(x)
    np.testing.assert_allclose(MeanSubtraction().fit_transform(x), x - mean, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(MeanSubtraction("scalar").fit_transform(x), x - x.sum() / x.size, rtol=1e-12, atol=1e-12)


def test_mean_image_keeps_the_shape_of_images():
    images = np.random.default_rng(1).integers(0, 256, (20, 5, 6), dtype=np.uint8)
    center = MeanSubtraction("image").fit(images)
    assert center.mean_.shape == (5, 6)
    np.testing.assert_allclose(center.transform(images), images - images.mean(axis=0), atol=1e-4)
    flat = MeanSubtraction().fit(images.reshape(20, 30))
    np.testing.assert_array_equal(flat.mean_.reshape(5, 6), center.mean_)


@pytest.mark.parametrize("eps", [0.0, 0.5])
def test_standardize_is_its_equation(x, eps):
    mean, variance = literal_moments(x)
    y = Standardize(eps=eps).fit_transform(x)
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(variance + eps), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=0), variance / (variance + eps))


def test_standardize_beside_scikit_learn(x):
    outside = pytest.importorskip("sklearn.preprocessing").StandardScaler().fit(x)
    np.testing.assert_allclose(Standardize().fit(x).transform(2 * x), outside.transform(2 * x), rtol=1e-10, atol=1e-12)


def test_min_max_is_its_equation(x):
    low, high = x.min(axis=0), x.max(axis=0)
    y = MinMax(-1, 3).fit(x).transform(x)
    np.testing.assert_allclose(y, (x - low) / (high - low) * (3 - (-1)) + (-1), rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal([y.min(axis=0), y.max(axis=0)], [[-1] * 4, [3] * 4])
    assert MinMax().fit([[0.0], [10.0]]).transform([[20.0]]) == 2.0  # not cut off


def test_rescale_is_its_equation_and_needs_no_fit():
    x = np.arange(256, dtype=np.uint8).reshape(2, 128)
    y = Rescale(1 / 255, -0.5).transform(x)
    np.testing.assert_allclose(y, x / 255 - 0.5, atol=1e-7)
    assert (y.dtype, y[0, 0], y[-1, -1]) == (np.float32, -0.5, 0.5)


@pytest.mark.parametrize("scaler", SCALERS, ids=repr)
@pytest.mark.parametrize(
    ("dtype", "result"),
    [("float32", "float32"), ("float64", "float64"), ("uint8", "float32"), ("int64", "float32"), (bool, "float32")],
)
def test_dtypes_and_untouched_input(scaler, dtype, result):
    x = np.random.default_rng(0).integers(0, 2, (9, 3)).astype(dtype)
    before = x.copy()
    y = scaler.fit(x).transform(x)
    back = scaler.inverse_transform(y)
    assert y.dtype == back.dtype == np.dtype(result)
    np.testing.assert_array_equal(x, before)
    assert not np.shares_memory(x, y)
    np.testing.assert_allclose(back, before, atol=1e-6)


@pytest.mark.parametrize("scaler", SCALERS, ids=repr)
@settings(max_examples=40, deadline=None)
@given(
    x=hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6),
        elements=st.floats(-1e6, 1e6, allow_subnormal=False),
    )
)
def test_inverse_gives_the_rows_back(scaler, x):
    y = scaler.fit(x).transform(x)
    assert np.isfinite(y).all()
    size = max(1.0, float(np.abs(x).max()))
    np.testing.assert_allclose(scaler.inverse_transform(y), x, atol=1e-12 * size)


@pytest.mark.parametrize("scaler", [Standardize(), MinMax()], ids=repr)
@pytest.mark.parametrize("value", [0.1, 1e8 + 0.1, -1e-300, 255.0])
def test_constant_features_are_divided_by_one(scaler, value):
    x = np.full((1000, 2), value)
    np.testing.assert_array_equal(scaler.fit_transform(x), 0.0)
    np.testing.assert_array_equal(scaler.transform(x + 1.0), (x + 1.0) - x)


@settings(max_examples=200, deadline=None)
@given(value=st.floats(-1e9, 1e9), rows=st.integers(1, 3000))
def test_a_constant_feature_has_exactly_its_mean_and_no_variance(value, rows):
    mean, variance = base.moments(np.full((rows, 1), value))
    assert (mean[0], variance[0]) == (value, 0.0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_huge_offset_does_not_cost_the_variance(dtype):
    steps = np.array([-16.0, 0.0, 16.0, 32.0])  # exact in float32 at 1e8
    x = (1e8 + steps).astype(dtype)[:, None]
    y = Standardize().fit_transform(x)
    np.testing.assert_allclose(y[:, 0], (steps - 8) / steps.std(), rtol=1e-6)


def test_the_naive_variance_fails_as_the_docstring_says():
    x = np.array([1e8 - 1, 1e8 + 1])
    assert np.mean(x * x) - np.mean(x) ** 2 <= 0
    np.testing.assert_array_equal(base.moments(x[:, None]), [[1e8], [1.0]])


def test_an_outlier_in_the_first_row_does_not_cost_the_variance():
    x = np.concatenate([[1e12], np.random.default_rng(0).normal(size=999)])[:, None]
    mean, variance = base.moments(x)
    np.testing.assert_allclose([mean[0], variance[0]], [x.mean(), x.var()], rtol=1e-12)


def test_pieces_give_the_same_statistics_as_the_whole(monkeypatch, x):
    whole = base.moments(x)
    monkeypatch.setattr(base.pieces, "__defaults__", (12,))
    np.testing.assert_allclose(base.moments(x), whole, rtol=1e-12)
    np.testing.assert_allclose(Standardize().fit_transform(x), (x - whole[0]) / np.sqrt(whole[1]), rtol=1e-12, atol=1e-13)


def test_large_data_are_not_copied():
    import tracemalloc

    x = np.zeros((20_000, 784), np.uint8)
    x[::7] = 200
    tracemalloc.start()
    Standardize().fit(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < x.nbytes / 2  # a float64 copy would be 8 times x


@pytest.mark.parametrize("scaler", SCALERS, ids=repr)
def test_nan_is_passed_on_and_not_learned(scaler):
    fitted = scaler.fit(np.array([[1.0, 2.0], [3.0, 5.0]]))
    y = fitted.transform([[np.nan, 2.0], [1.0, np.inf]])
    assert np.isnan(y[0, 0])
    assert np.isinf(y[1, 1])
    if scaler in LEARNING:
        with pytest.raises(DataError, match="x holds NaN at row 0, column 1"):
            scaler.fit([[1.0, np.nan]])


@pytest.mark.parametrize("scaler", LEARNING, ids=repr)
def test_errors_of_use(scaler):
    fresh = type(scaler)(**scaler.config())
    assert not fresh.fitted
    for use in (fresh.transform, fresh.inverse_transform):
        with pytest.raises(NotBuiltError, match=r"has learned nothing yet: call fit\(x\)"):
            use([[1.0]])
    with pytest.raises(NotBuiltError):
        fresh.state()
    with pytest.raises(DataError, match="empty"):
        fresh.fit(np.zeros((0, 3)))
    with pytest.raises(DataError, match="text"):
        fresh.fit([["a"]])
    with pytest.raises(ShapeError, match="one row per example"):
        fresh.fit([1.0, 2.0])
    fresh.fit(np.arange(6.0).reshape(2, 3))
    assert fresh.transform(np.zeros((0, 3))).shape == (0, 3)
    if scaler.config() != {"per": "scalar"}:
        for use, name in ((fresh.transform, "x"), (fresh.inverse_transform, "y")):
            with pytest.raises(ShapeError, match=rf"expected {name} of shape \(N, 3\), received \(2, 4\)"):
                use(np.zeros((2, 4)))
            with pytest.raises(ShapeError, match=r"received \(3,\)"):
                use(np.zeros(3))


def test_numbers_too_large_to_square_are_one_clear_error():
    with pytest.raises(DataError, match="rescale"):
        Standardize().fit([[1e200], [-1e200]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Standardize(eps=-1), "eps >= 0"),
        (lambda: Standardize(eps=float("nan")), "eps >= 0"),
        (lambda: MinMax(1, 1), "low < high"),
        (lambda: MinMax(0, float("inf")), "low < high"),
        (lambda: Rescale(0), "other than 0"),
        (lambda: Rescale(1, float("nan")), "finite offset"),
        (lambda: Standardize(eps="small"), "eps >= 0.*received 'small'"),
        (lambda: MinMax("0", 1), "low < high; received '0'"),
        (lambda: Rescale("1/255"), "other than 0; received '1/255'"),
        (lambda: Rescale(1, None), "finite offset; received None"),
    ],
)
def test_settings_outside_their_range(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_unknown_choice_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'feature'"):
        MeanSubtraction("features")
