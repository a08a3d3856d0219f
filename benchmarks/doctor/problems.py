"""The data sets of the corpus: pictures, tables in the units people write down, points, counts, curves; nothing is downloaded.

Each is a `Problem` with raw rows, as a user finds them, and `scaled`, as they belong before a network: pictures divided by
255, columns standardized by the training rows. Of every problem three parts exist: training, validation, and later rows that
are handed to predict. Where scikit-learn is installed three of its tables take the place of made ones of the same size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

import scratchwork as sw
from scratchwork.arrays import Array


@dataclass(frozen=True)
class Part:
    """Rows and targets."""

    x: Array
    y: Array

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Problem:
    """A data set in three parts, raw and scaled.

    task       "classes", "binary" or "numbers"
    kind       "pictures", "table" (columns in units), "points" (already of size 1) or "counts"
    reached    what a network that works reaches on the validation part: accuracy, or the share of the variance explained
    """

    name: str
    task: str
    kind: str
    raw: tuple[Part, Part, Part]
    scaled: tuple[Part, Part, Part]
    outputs: int
    reached: float
    epochs: int = 20
    image: tuple[int, int] | None = None

    @property
    def features(self) -> int:
        """How many numbers a row has."""
        return self.scaled[0].x.shape[1]


MADE: dict[str, Callable[[], Problem]] = {}


def problem(name: str) -> Problem:
    """A data set of the corpus by its name."""
    return _made(name)


@cache
def _made(name: str) -> Problem:
    return MADE[name]()


def names(task: str | None = None, kind: str | None = None) -> list[str]:
    """The names of the sets of one task, or of one kind."""
    return [name for name in MADE if (task in (None, TASKS[name])) and (kind in (None, KINDS[name]))]


TASKS: dict[str, str] = {}
KINDS: dict[str, str] = {}


def made(task: str, kind: str, reached: float, epochs: int = 20) -> Callable[[Callable[..., tuple[Array, Array]]], object]:
    """Enters a function that gives (raw rows, targets) as a problem."""

    def enter(function: Callable[..., tuple[Array, Array]]) -> object:
        name = function.__name__.replace("_", " ")
        TASKS[name], KINDS[name] = task, kind

        def make() -> Problem:
            x, y = function(np.random.default_rng([20, len(name), sum(map(ord, name))]))
            return divided(name, x, y, task, kind, reached, epochs)

        MADE[name] = make
        return function

    return enter


def divided(name: str, x: Array, y: Array, task: str, kind: str, reached: float, epochs: int) -> Problem:
    """The three parts, 60 : 25 : 15, in an order drawn once."""
    rng = np.random.default_rng([7, len(name)])
    order = rng.permutation(len(x))
    first, second = int(0.6 * len(x)), int(0.85 * len(x))
    places = np.split(order, [first, second])
    raw = tuple(Part(x[place], y[place]) for place in places)
    mean, std = raw[0].x.mean(axis=0, dtype=np.float64), raw[0].x.std(axis=0, dtype=np.float64)
    centre, width = raw[0].y.mean(axis=0, dtype=np.float64), raw[0].y.std(axis=0, dtype=np.float64)

    def scale(part: Part) -> Part:
        if kind == "pictures":
            rows = part.x.astype(np.float32) / np.float32(255)
        elif kind == "table":
            rows = ((part.x - mean) / np.maximum(std, 1e-12)).astype(np.float32)
        else:
            rows = part.x.astype(np.float32)
        target = ((part.y - centre) / width).astype(np.float32) if task == "numbers" else part.y
        return Part(rows, target)

    scaled = tuple(scale(part) for part in raw)
    outputs = 1 if task == "binary" else int(y.max()) + 1 if task == "classes" else 1 if y.ndim == 1 else y.shape[1]
    side = round(x.shape[1] ** 0.5)
    image = (side, side) if kind == "pictures" else None
    return Problem(name, task, kind, raw, scaled, outputs, reached, epochs, image)  # type: ignore[arg-type]


# -- pictures --------------------------------------------------------------------------------------------------------


@made("classes", "pictures", 0.9, 15)
def digits(rng: np.random.Generator) -> tuple[Array, Array]:
    """Handwritten digits of 8 × 8 pixels, 0..255."""
    rows = sw.data.digits()
    return np.minimum(rows.x * 16, 255).astype(np.uint8), rows.y


@made("classes", "pictures", 0.88, 12)
def large_digits(rng: np.random.Generator) -> tuple[Array, Array]:
    """The digits drawn into 28 × 28 pixels with a rim of zeros, as in MNIST."""
    rows = sw.data.digits()
    keep = rng.permutation(len(rows.x))[:1000]
    small = rows.x[keep].reshape(-1, 8, 8) * 16
    large = np.kron(small, np.ones((3, 3)))
    soft = (large + np.roll(large, 1, 1) + np.roll(large, 1, 2) + np.roll(large, (1, 1), (1, 2))) / 4
    pictures = np.zeros((len(keep), 28, 28))
    pictures[:, 2:26, 2:26] = soft
    return np.minimum(pictures, 255).astype(np.uint8).reshape(len(keep), -1), rows.y[keep]


@made("classes", "pictures", 0.9, 20)
def shapes(rng: np.random.Generator) -> tuple[Array, Array]:
    """Bars, crosses, rings, squares and diagonals of 16 × 16 pixels, a little moved, bright on dark, with noise."""
    down, across = np.mgrid[0:16, 0:16] - 7.5
    y = rng.integers(0, 6, 900)
    pictures = np.zeros((len(y), 16, 16))
    for row, kind in enumerate(y):
        a, b = down - rng.uniform(-1.5, 1.5), across - rng.uniform(-1.5, 1.5)
        far, r = np.hypot(a, b), rng.uniform(4, 6)
        inside = [
            (abs(a) < 1.2) & (abs(b) < r),
            (abs(b) < 1.2) & (abs(a) < r),
            ((abs(a) < 1.2) | (abs(b) < 1.2)) & (far < r),
            abs(far - r + 1) < 1.0,
            np.maximum(abs(a), abs(b)) < r - 1.5,
            (abs(a - b) < 1.5) & (far < r + 1),
        ][kind]
        pictures[row] = inside * rng.uniform(150, 240)
    pictures += rng.normal(0, 12, pictures.shape)
    return np.clip(pictures, 0, 255).astype(np.uint8).reshape(len(y), -1), y


@made("classes", "pictures", 0.85, 20)
def textures(rng: np.random.Generator) -> tuple[Array, Array]:
    """Grey 12 × 12 patches of waves in four directions, of medium brightness all over, as photographs have them."""
    down, across = np.mgrid[0:12, 0:12]
    y = rng.integers(0, 4, 800)
    angle = np.pi * y / 4 + rng.normal(0, 0.1, len(y))
    along = np.cos(angle)[:, None, None] * down + np.sin(angle)[:, None, None] * across
    wave = np.sin(0.9 * along + rng.uniform(-0.7, 0.7, (len(y), 1, 1)))
    pictures = 125 + 50 * wave + rng.normal(0, 15, wave.shape)
    return np.clip(pictures, 0, 255).astype(np.uint8).reshape(len(y), -1), y


# -- points and counts -----------------------------------------------------------------------------------------------


@made("classes", "points", 0.9, 120)
def spirals(rng: np.random.Generator) -> tuple[Array, Array]:
    """Three arms."""
    rows = sw.data.spirals(300, classes=3, noise=0.1, seed=4)
    return rows.x, rows.y


@made("binary", "points", 0.9, 25)
def moons(rng: np.random.Generator) -> tuple[Array, Array]:
    """Two half circles."""
    rows = sw.data.moons(500, noise=0.15, seed=5)
    return rows.x, rows.y


@made("binary", "points", 0.92, 60)
def circles(rng: np.random.Generator) -> tuple[Array, Array]:
    """A circle in a circle."""
    rows = sw.data.circles(300, noise=0.08, seed=3)
    return rows.x, rows.y


@made("classes", "points", 0.9, 15)
def blobs(rng: np.random.Generator) -> tuple[Array, Array]:
    """Five clouds in eight dimensions, of which two overlap."""
    y = rng.integers(0, 5, 800)
    centres = rng.uniform(-1, 1, (5, 8))
    return (centres[y] + 0.45 * rng.standard_normal((len(y), 8))).astype(np.float32), y


@made("classes", "points", 0.9, 15)
def signals(rng: np.random.Generator) -> tuple[Array, Array]:
    """Windows of 48 measurements of four rhythms with noise."""
    y = rng.integers(0, 4, 800)
    t = np.arange(48) / 48
    x = np.sin(2 * np.pi * ((y + 1)[:, None] * t + rng.uniform(0, 0.25, (len(y), 1)))) + 0.4 * rng.standard_normal((len(y), 48))
    return x.astype(np.float32), y


@made("classes", "counts", 0.85, 12)
def words(rng: np.random.Generator) -> tuple[Array, Array]:
    """How often each of 150 words stands in a short text on one of four subjects: sparse small counts."""
    y = rng.integers(0, 4, 900)
    share = rng.gamma(0.6, 1.0, (4, 150))
    share /= share.sum(axis=1, keepdims=True)
    return rng.poisson(14 * share[y]).astype(np.float32), y


# -- tables in units -------------------------------------------------------------------------------------------------


def _table(name: str) -> tuple[Array, Array] | None:
    try:
        from sklearn import datasets
    except ImportError:
        return None
    rows = getattr(datasets, f"load_{name}")()
    return np.asarray(rows.data, np.float64), np.asarray(rows.target)


@made("classes", "table", 0.9, 40)
def wine(rng: np.random.Generator) -> tuple[Array, Array]:
    """Thirteen measurements of three wines, from 0.1 to 1,700."""
    found = _table("wine")
    if found is not None:
        return found
    size = np.array([13, 2.3, 2.4, 19, 100, 2.3, 2, 0.36, 1.6, 5, 0.96, 2.6, 747])
    y = rng.integers(0, 3, 178)
    return size * (1 + 0.25 * rng.standard_normal((3, 13))[y] + 0.15 * rng.standard_normal((178, 13))), y


@made("binary", "table", 0.92, 20)
def cells(rng: np.random.Generator) -> tuple[Array, Array]:
    """Thirty measurements of cells, of two kinds, from 0.001 to 4,000."""
    found = _table("breast_cancer")
    if found is not None:
        return found
    size = np.geomspace(0.002, 1000, 30)
    y = (rng.random(569) < 0.63).astype(np.int64)
    level = y[:, None] * rng.uniform(-0.6, 0.6, 30)
    return size * np.abs(1 + level + 0.3 * rng.standard_normal((569, 30))), y


@made("binary", "table", 0.78, 15)
def customers(rng: np.random.Generator) -> tuple[Array, Array]:
    """Age, income in dollars, months, calls, a share, and whether they left: 1,200 rows."""
    n = 1200
    age, months = rng.uniform(18, 80, n), rng.integers(1, 72, n)
    income, calls, share = rng.lognormal(10.7, 0.5, n), rng.poisson(2, n), rng.beta(2, 5, n)
    score = 1.6 * calls - 0.05 * months + 4 * share - 0.02 * (age - 45) - 0.9 * (np.log(income) - 10.7)
    x = np.column_stack([age, income, months, calls, share])
    return x, (score + rng.logistic(0, 0.8, n) > np.median(score)).astype(np.int64)


@made("numbers", "table", 0.8, 30)
def houses(rng: np.random.Generator) -> tuple[Array, Array]:
    """Square metres, rooms, year, distance in metres, a rating; the price in dollars."""
    n = 900
    area, year = rng.lognormal(4.5, 0.35, n), rng.integers(1920, 2021, n)
    rooms, away, rating = np.maximum(1, (area / 25 + rng.normal(0, 0.8, n)).round()), rng.uniform(100, 20_000, n), rng.random(n)
    price = 2500 * area * (1 + 0.4 * rating) * np.exp(-away / 30_000) + 900 * (year - 1920) + rng.normal(0, 15_000, n)
    return np.column_stack([area, rooms, year, away, rating]), price


@made("numbers", "table", 0.75, 30)
def concrete(rng: np.random.Generator) -> tuple[Array, Array]:
    """Kilograms of five ingredients and days; the strength in megapascals."""
    n = 800
    cement, water, slag = rng.uniform(150, 500, n), rng.uniform(130, 230, n), rng.exponential(60, n)
    sand, plastic, days = rng.uniform(600, 950, n), rng.exponential(5, n), rng.choice([3, 7, 14, 28, 56, 90], n)
    strength = 22 * cement / water * np.log1p(days) / 3 + 0.05 * slag + 0.5 * plastic - 5 + rng.normal(0, 2.5, n)
    return np.column_stack([cement, water, slag, sand, plastic, days]), strength


@made("numbers", "table", 0.25, 15)
def diabetes(rng: np.random.Generator) -> tuple[Array, Array]:
    """Ten measurements of patients and the progress of a disease a year later: most of it stays unexplained."""
    found = _table("diabetes")
    if found is not None:
        return found
    x = 0.05 * rng.standard_normal((442, 10))
    return x, 150 + x @ rng.uniform(-900, 900, 10) + 55 * rng.standard_normal(442)


# -- curves ----------------------------------------------------------------------------------------------------------


@made("numbers", "points", 0.9, 80)
def sine(rng: np.random.Generator) -> tuple[Array, Array]:
    """A period of the sine with some noise, centred on zero."""
    x = rng.uniform(-1, 1, 600)
    return x[:, None].astype(np.float32), (np.sin(np.pi * x) + 0.1 * rng.standard_normal(600)).astype(np.float32)


@made("numbers", "points", 0.85, 80)
def friedman(rng: np.random.Generator) -> tuple[Array, Array]:
    """Friedman's first function of ten uniform numbers, five of which matter."""
    x = rng.random((900, 10))
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    return (2 * x - 1).astype(np.float32), (y + rng.standard_normal(900)).astype(np.float32)


@made("numbers", "points", 0.9, 40)
def arm(rng: np.random.Generator) -> tuple[Array, Array]:
    """Where the hand of an arm with two joints is: two outputs."""
    angle = rng.uniform(-1.2, 1.2, (700, 2))
    total = angle.sum(axis=1)
    hand = np.column_stack([np.cos(angle[:, 0]) + np.cos(total), np.sin(angle[:, 0]) + np.sin(total)])
    return angle.astype(np.float32), (hand + 0.03 * rng.standard_normal(hand.shape)).astype(np.float32)
