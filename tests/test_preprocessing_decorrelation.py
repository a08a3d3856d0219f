"""PCA and whitening: literal equations, what whitening promises, scikit-learn, and data without full rank."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchwork.errors import ConfigurationError, DataError, NotBuiltError, ShapeError, UnknownNameError
from scratchwork.preprocessing import PCA, Whiten


def cloud(rows=200, width=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, width)) @ rng.normal(size=(width, width)) + 10 * rng.normal(size=width)


def covariance(y):
    centred = y - y.mean(axis=0)
    return centred.T @ centred / len(y)


def literal_axes(x):
    """μ, λ and U of the docstring: Σ = U diag(λ) Uᵀ, largest first."""
    centred = x - x.mean(axis=0)
    u, values, _ = np.linalg.svd(centred.T @ centred / len(x))
    return x.mean(axis=0), values, u


def up_to_signs(y):
    return y * np.sign(y[0])


@pytest.mark.parametrize("rows", [200, 4])  # more rows than columns, and fewer
def test_pca_is_its_equation(rows):
    x = cloud(rows)
    k = 3
    mean, values, u = literal_axes(x)
    pca = PCA(k).fit(x)
    y = pca.transform(x)
    np.testing.assert_allclose(up_to_signs(y), up_to_signs((x - mean) @ u[:, :k]), atol=1e-10)
    np.testing.assert_allclose(pca.inverse_transform(y), (x - mean) @ u[:, :k] @ u[:, :k].T + mean, atol=1e-10)
    np.testing.assert_allclose(pca.explained_variance_, values[:k], rtol=1e-9)
    np.testing.assert_allclose(pca.explained_variance_ratio_, values[:k] / values.sum(), rtol=1e-9)
    lost = np.square(pca.inverse_transform(y) - x).sum(axis=1).mean()
    np.testing.assert_allclose(lost, values[k:].sum(), atol=1e-10)


def test_pca_beside_scikit_learn():
    x = cloud()
    outside = pytest.importorskip("sklearn.decomposition").PCA(3).fit(x)
    pca = PCA(3).fit(x)
    signs = np.sign((pca.components_ * outside.components_).sum(axis=1))
    np.testing.assert_allclose(pca.transform(x) * signs, outside.transform(x), atol=1e-10)
    np.testing.assert_allclose(pca.explained_variance_ratio_, outside.explained_variance_ratio_, rtol=1e-9)
    np.testing.assert_allclose(pca.explained_variance_ * 200 / 199, outside.explained_variance_, rtol=1e-9)  # theirs: N − 1


def test_all_components_give_the_rows_back():
    for rows in (200, 5, 3):
        x = cloud(rows)
        pca = PCA().fit(x)
        assert pca.components_.shape == (min(rows, 5), 5)
        np.testing.assert_allclose(pca.inverse_transform(pca.transform(x)), x, atol=1e-10)


def test_a_fraction_keeps_as_few_directions_as_it_takes():
    x = np.zeros((8, 3))
    x[:4, 0], x[4:6, 1], x[6:, 2] = [9, -9, 9, -9], [5, -5], [1, -1]
    ratio = PCA().fit(x).explained_variance_ratio_
    for fraction, k in ((0.1, 1), (float(ratio[0]), 1), (float(ratio[0]) + 1e-6, 2), (float(ratio[:2].sum()), 2), (1.0, 3)):
        assert len(PCA(fraction).fit(x).components_) == k
    assert len(PCA(1).fit(x).components_) == 1
    assert len(PCA(1.0).fit(x[:6]).components_) == 2  # the rank is enough
    with pytest.raises(DataError, match="all rows of x are the same"):
        PCA(0.5).fit(np.ones((4, 2)))


def test_axes_are_orthonormal_and_their_signs_settled():
    x = cloud()
    pca = PCA().fit(x)
    np.testing.assert_allclose(pca.components_ @ pca.components_.T, np.eye(5), atol=1e-12)
    largest = pca.components_[np.arange(5), np.abs(pca.components_).argmax(axis=1)]
    assert (largest > 0).all()
    np.testing.assert_allclose(PCA().fit(x[::-1]).components_, pca.components_, atol=1e-8)
    np.testing.assert_allclose(PCA().fit(-x).components_, pca.components_, atol=1e-8)
    for seed in range(30):  # of entries that are equal up to rounding the first decides
        x = np.random.default_rng(seed).normal(size=(2 + seed % 4, 1)) * [1.0, -1.0, 1.0]
        np.testing.assert_allclose(PCA(1).fit(x).components_[0] * np.sqrt(3), [1, -1, 1], atol=1e-7)


@pytest.mark.parametrize("method", ["pca", "zca"])
def test_whitened_rows_have_identity_covariance(method):
    x = cloud()
    np.testing.assert_allclose(covariance(Whiten(method, eps=0).fit_transform(x)), np.eye(5), atol=1e-10)


@pytest.mark.parametrize("eps", [1e-5, 0.5])
def test_whitening_is_its_equation(eps):
    x = cloud()
    mean, values, u = literal_axes(x)
    rotated = (x - mean) @ u / np.sqrt(values + eps)
    np.testing.assert_allclose(up_to_signs(Whiten(eps=eps).fit_transform(x)), up_to_signs(rotated), atol=1e-9)
    np.testing.assert_allclose(Whiten("zca", eps=eps).fit_transform(x), rotated @ u.T, atol=1e-9)


def test_zca_is_symmetric_and_of_all_whitenings_nearest_to_the_rows():
    x = cloud()
    zca = Whiten("zca", eps=0).fit(x)
    matrix = zca.transform(np.eye(5) + zca.mean_)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-12)
    white, centred = zca.transform(x), x - x.mean(axis=0)
    distance = np.square(white - centred).sum()
    rng = np.random.default_rng(0)
    for size in (1e-3, 1.0):
        for _ in range(20):
            rotation, _ = np.linalg.qr(np.eye(5) + size * rng.normal(size=(5, 5)))
            rotation *= np.sign(np.diag(rotation))
            np.testing.assert_allclose(covariance(white @ rotation), np.eye(5), atol=1e-9)
            assert np.square(white @ rotation - centred).sum() > distance


@pytest.mark.parametrize("method", ["pca", "zca"])
@settings(max_examples=25, deadline=None)
@given(rows=st.integers(2, 12), width=st.integers(1, 8), seed=st.integers(0, 99))
def test_inverse_of_whitening(method, rows, width, seed):
    x = cloud(rows, width, seed)
    whiten = Whiten(method, eps=1e-3).fit(x)
    y = whiten.transform(x)
    assert y.shape == (rows, width if method == "zca" else min(rows, width))
    np.testing.assert_allclose(whiten.inverse_transform(y), x, atol=1e-8)


def test_fewer_components_project():
    x = cloud()
    projection = PCA(2).fit(x)
    expected = projection.inverse_transform(projection.transform(x))
    for method, width in (("pca", 2), ("zca", 5)):
        whiten = Whiten(method, components=2).fit(x)
        y = whiten.transform(x)
        assert y.shape == (200, width)
        np.testing.assert_allclose(whiten.inverse_transform(y), expected, atol=1e-9)


def test_a_direction_without_variance_needs_the_fudge_term():
    x = cloud(width=3)[:, [0, 1, 2, 2]]
    with pytest.raises(DataError, match=r"variance in 3 directions only, and 4 .* eps > 0"):
        Whiten(eps=0).fit(x)
    np.testing.assert_allclose(covariance(Whiten(eps=0, components=3).fit_transform(x)), np.eye(3), atol=1e-8)
    whiten = Whiten(eps=1e-5).fit(x)
    y = whiten.transform(x)
    assert np.abs(y[:, 3]).max() < 1e-3  # noise stays small
    np.testing.assert_allclose(whiten.inverse_transform(y), x, atol=1e-9)
    assert np.isfinite(Whiten().fit_transform(np.ones((5, 3)))).all()


@pytest.mark.parametrize("transformer", [PCA(2), Whiten("pca"), Whiten("zca")], ids=repr)
def test_dtypes(transformer):
    x = np.random.default_rng(0).integers(0, 256, (40, 4))
    for dtype, result in ((np.uint8, np.float32), (np.float32, np.float32), (np.float64, np.float64)):
        y = transformer.fit(x.astype(dtype)).transform(x.astype(dtype))
        assert y.dtype == transformer.inverse_transform(y).dtype == result
    wide = np.asfortranarray(x.astype(np.float32))
    np.testing.assert_array_equal(transformer.fit(wide).transform(wide), transformer.fit(wide.copy("C")).transform(wide))


def test_a_large_mean_does_not_drown_the_directions():
    x = cloud()
    moved = PCA().fit(x + 1e8)
    np.testing.assert_allclose(moved.explained_variance_, PCA().fit(x).explained_variance_, rtol=1e-5)


def test_nan_is_passed_on():
    x = cloud()
    for transformer in (PCA(2), Whiten("zca")):
        y = transformer.fit(x).transform(np.where(np.arange(5) == 1, np.nan, x[:2]))
        assert np.isnan(y).all()
        with pytest.raises(DataError, match="NaN"):
            transformer.fit([[np.nan, 1.0]])


def test_errors():
    x = cloud()
    for components in (0, -1, 1.5, 0.0, True, "3"):
        with pytest.raises(ConfigurationError, match="PCA needs components"):
            PCA(components)
    with pytest.raises(ConfigurationError, match="6 components were asked for"):
        PCA(6).fit(x)
    for eps in ("small", None):
        with pytest.raises(ConfigurationError, match=f"eps >= 0.*received {eps!r}"):
            Whiten(eps=eps)
    with pytest.raises(ConfigurationError, match="eps >= 0"):
        Whiten(eps=-1e-9)
    with pytest.raises(UnknownNameError, match="did you mean 'zca'"):
        Whiten("zcaa")
    with pytest.raises(ShapeError, match="makes rows flat"):
        PCA().fit(np.zeros((3, 4, 4)))
    with pytest.raises(NotBuiltError):
        PCA().transform(x)
    pca, zca = PCA(2).fit(x), Whiten("zca", components=2).fit(x)
    with pytest.raises(ShapeError, match=r"expected x of shape \(N, 5\), received \(3, 4\)"):
        pca.transform(np.zeros((3, 4)))
    with pytest.raises(ShapeError, match=r"expected y of shape \(N, 2\), received \(3, 5\)"):
        pca.inverse_transform(np.zeros((3, 5)))
    with pytest.raises(ShapeError, match=r"expected y of shape \(N, 5\)"):
        zca.inverse_transform(np.zeros((3, 2)))
