"""The equations in the docstrings of transformers and made data sets, letter by letter in float64."""

import math

import numpy as np
import pytest

from equation_rows import Elsewhere, Row, transcribed
from scratchwork.data import blobs
from scratchwork.preprocessing import (
    PCA,
    Chain,
    MeanSubtraction,
    MinMax,
    OneHot,
    Rescale,
    RobustScale,
    SmoothClip,
    Standardize,
    TableEncoder,
    Whiten,
)
from scratchwork.preprocessing.base import moments

RNG = np.random.default_rng(10)
X = RNG.normal(size=(30, 4)) @ RNG.normal(size=(4, 4)) + [5.0, -3.0, 0.0, 100.0]
Y = RNG.normal(size=(6, 4))
MU = [sum(X[n, d] for n in range(30)) / 30 for d in range(4)]
VAR = [sum((X[n, d] - MU[d]) ** 2 for n in range(30)) / 30 for d in range(4)]


def close(actual: object, expected: object) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-11)


def mean_put_back() -> None:
    close(MeanSubtraction().fit(X).inverse_transform(Y), Y + MU)
    close(MeanSubtraction("scalar").fit(X).inverse_transform(Y), Y + sum(X[n, d] for n, d in np.ndindex(30, 4)) / (30 * 4))


def scale_put_back() -> None:
    x = np.column_stack([X, np.full(30, 0.1)])  # σ² = 0: s = 1
    s = [math.sqrt(var + 0.25) for var in VAR] + [1.0]
    scaler, y = Standardize(eps=0.25).fit(x), np.column_stack([Y, Y[:, 0]])
    close(scaler.inverse_transform(y), y * s + [*MU, 0.1])
    close(scaler.transform(x), (x - [*MU, 0.1]) / s)


def range_put_back() -> None:
    x = np.column_stack([X, np.full(30, 7.0)])  # max = min: r = 1
    low, high = x.min(axis=0), x.max(axis=0)
    r = np.array([*(high - low)[:4], 1.0])
    scaler, y = MinMax(-2, 3).fit(x), np.column_stack([Y, Y[:, 0]])
    close(scaler.transform(x), (x - low) / r * (3 - -2) + -2)
    close(scaler.inverse_transform(y), (y - -2) / (3 - -2) * r + low)


def robust_scale_put_back() -> None:
    x = np.column_stack([X, np.full(30, 7.0), np.arange(30) == 4])  # s = 0, and s = ½ (max − min)
    m, s = np.median(x, axis=0), [*(sorted_quantile(X, 0.75) - sorted_quantile(X, 0.25)), 0.0, 0.5]
    scaler, y = RobustScale().fit(x), np.column_stack([Y, Y[:, :2]])
    close(scaler.inverse_transform(y), y * s + m)


def sorted_quantile(x: np.ndarray, p: float) -> np.ndarray:
    t, ordered = (len(x) - 1) * p, np.sort(x, axis=0)
    return ordered[math.floor(t)] + (t - math.floor(t)) * (ordered[math.floor(t) + 1] - ordered[math.floor(t)])


def clipped_back() -> None:
    y = Y / (np.abs(Y).max() + 0.1)
    close(SmoothClip(1.25).inverse_transform(y), y / np.sqrt(1 - (y / 1.25) ** 2))


def rescaled_back() -> None:
    close(Rescale(0.3, 2.0).transform(X), X * 0.3 + 2.0)
    close(Rescale(0.3, 2.0).inverse_transform(Y), (Y - 2.0) / 0.3)


def whitened_and_back() -> None:
    """With the axes of the fitted object: that they are the eigenvectors of Σ is the other row's business."""
    for k in (2, 4):
        for method in ("pca", "zca"):
            whiten = Whiten(method, eps=0.1, components=k).fit(X)
            U, lam = whiten.components_.T, whiten.explained_variance_
            y = Y[:, :k] if method == "pca" else Y
            rotated, back = (X - MU) @ U @ np.diag((lam + 0.1) ** -0.5), y if method == "pca" else y @ U
            close(whiten.transform(X), rotated if method == "pca" else rotated @ U.T)
            close(whiten.inverse_transform(y), back @ np.diag((lam + 0.1) ** 0.5) @ U.T + MU)


def principal_axes() -> None:
    """Σ = (X − μ)ᵀ(X − μ) / N = U diag(λ) Uᵀ."""
    pca = PCA().fit(X)
    sigma = [[sum((X[n, i] - MU[i]) * (X[n, j] - MU[j]) for n in range(30)) / 30 for j in range(4)] for i in range(4)]
    U, lam = pca.components_.T, pca.explained_variance_
    close(sigma, U @ np.diag(lam) @ U.T)
    close(U.T @ U, np.eye(4))
    assert lam.tolist() == sorted(lam, reverse=True)


def one_hot() -> None:
    x, c = ["b", "a", "c", "b"], ["a", "b", "c"]
    encoder = OneHot().fit(x)
    assert encoder.transform(x).tolist() == [[1 if x[n] == c[k] else 0 for k in range(3)] for n in range(4)]
    shares = RNG.dirichlet(np.ones(3), 5)
    assert encoder.inverse_transform(shares).tolist() == [c[max(range(3), key=lambda k, n=n: shares[n, k])] for n in range(5)]


def columns_of_a_table() -> None:
    x, known = [3.0, 8.0, None, 1.0, 4.0], np.array([3.0, 8.0, 1.0, 4.0])
    filled = np.array([3.5 if value is None else value for value in x])
    gaps = [0, 0, 1, 0, 0]
    mu = sum(known) / 4
    sigma = math.sqrt(sum((value - mu) ** 2 for value in known) / 4)
    z = (filled - np.quantile(known, 1 / 2)) / (np.quantile(known, 3 / 4) - np.quantile(known, 1 / 4))
    numbers = {"standardize": (filled - mu) / sigma, "robust": z / np.sqrt(1 + (z / 3) ** 2), "none": filled}
    yes, c, two = [True, None, False, True, True], ["b", None, "a", "c", "b"], ["p", "q", None, "q", "p"]
    day = ["2024-01-31T06:00", "2024-05-03", "NaT", "2023-12-24T18:00", "2024-02-29"]
    t = np.array(day, "datetime64[us]")
    for how, y in numbers.items():
        table = {"x": x, "yes": yes, "c": c, "two": two, "t": t}
        rows = TableEncoder(how).fit(table).transform(table)
        close(rows[:, 0], y)
        close(rows[:, 1], gaps)
        close(rows[:, 2], [0 if value is None else 1 if value else -1 for value in yes])
        close(rows[:, 3:6], [[1 if value == category else 0 for category in "abc"] for value in c])
        close(rows[:, 6], [0 if value is None else {"p": -1, "q": 1}[value] for value in two])
        seconds = (t - np.datetime64(0, "s")) / np.timedelta64(1, "s")
        close(rows[:, 7], np.nan_to_num((seconds - np.nanmean(seconds)) / np.nanstd(seconds)))
        for column, phi in (
            (8, [0 / 12, 4 / 12, None, 11 / 12, 1 / 12]),
            (10, [2 / 7, 4 / 7, None, 6 / 7, 3 / 7]),
            (12, [6 / 24, 0, None, 18 / 24, 0]),
        ):
            close(rows[:, column], [0 if turn is None else math.sin(2 * math.pi * turn) for turn in phi])
            close(rows[:, column + 1], [0 if turn is None else math.cos(2 * math.pi * turn) for turn in phi])
        close(rows[:, 14], gaps)


def one_after_the_other() -> None:
    f1, f2, f3 = Rescale(0.5, 1.0), Standardize(), MinMax(-1, 1)
    chain = Chain([Rescale(0.5, 1.0), Standardize(), MinMax(-1, 1)]).fit(X)
    f3.fit(f2.fit(f1.fit(X).transform(X)).transform(f1.transform(X)))
    assert np.array_equal(chain.transform(X), f3.transform(f2.transform(f1.transform(X))))
    assert np.array_equal(chain.inverse_transform(Y), f1.inverse_transform(f2.inverse_transform(f3.inverse_transform(Y))))


def shifted_moments() -> None:
    """μ = x₀ + Σₙ (xₙ − x₀) / N, and σ² around it."""
    mean, variance = moments(X)
    mu = [X[0, d] + sum(X[n, d] - X[0, d] for n in range(30)) / 30 for d in range(4)]
    close(mean, mu)
    close(variance, [sum((X[n, d] - mu[d]) ** 2 for n in range(30)) / 30 for d in range(4)])


def clouds() -> None:
    """centre of class k ~ U(−5, 5)ᴰ, x = centre + noise · ε."""
    data = blobs(per_class=3, classes=500, noise=0.0, features=2)
    assert np.array_equal(data.x[::3], data.x[2::3])
    centres = data.x[::3]
    assert -5 <= centres.min() < -4.9
    assert 4.9 < centres.max() <= 5
    assert centres.var() == pytest.approx(10**2 / 12, rel=0.1)
    assert (blobs(noise=2.0).x - blobs(noise=0.0).x).std() == pytest.approx(2.0, rel=0.1)


SPIRALS = Elsewhere("data_synthetic", "spirals_without_noise_are_their_equation")
MADE = Elsewhere("data_synthetic", "stripes_moons_circles_and_the_sine_without_noise")

WRITTEN: dict[str, tuple[Row, ...]] = {
    "MeanSubtraction": (Elsewhere("preprocessing_scaling", "mean_subtraction_is_its_equation"), mean_put_back),
    "Standardize": (Elsewhere("preprocessing_scaling", "standardize_is_its_equation"), scale_put_back),
    "MinMax": (range_put_back,),
    "Rescale": (rescaled_back,),
    "RobustScale": (Elsewhere("preprocessing_robust", "robust_scale_is_its_equation"), robust_scale_put_back),
    "SmoothClip": (Elsewhere("preprocessing_robust", "smooth_clip_is_its_equation"), clipped_back),
    "PCA": (Elsewhere("preprocessing_decorrelation", "pca_is_its_equation"), principal_axes),
    "Whiten": (Elsewhere("preprocessing_decorrelation", "whitening_is_its_equation"), whitened_and_back),
    "OneHot": (one_hot,),
    "TableEncoder": (columns_of_a_table,),
    "Chain": (one_after_the_other,),
    "moments": (shifted_moments,),
    "spirals": (SPIRALS, Elsewhere("data_synthetic", "the_noise_of_spirals_turns_them")),
    "vertical_stripes": (MADE,),
    "sine": (MADE,),
    "moons": (MADE,),
    "circles": (MADE,),
    "blobs": (clouds,),
}


@pytest.mark.parametrize(("name", "check"), transcribed(WRITTEN), ids=lambda part: part if isinstance(part, str) else "")
def test_the_equation(name, check):
    check()
