"""Tables that come inside scikit-learn and statsmodels, and made ones: all with a known target, none downloaded.

Frames whose categories have the dtype "category", so that every method may treat them in its own way.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

Rows = tuple[pd.DataFrame, np.ndarray]


@dataclass(frozen=True)
class TableSet:
    """A table, what is asked of it, how often it is split, and with how many seeds each method is fitted on each split."""

    name: str
    task: str  # "classification" or "regression"
    source: str
    load: Callable[[], Rows]
    splits: int = 5
    seeds: int = 2


@dataclass(frozen=True)
class Split:
    """Row numbers: to fit on (of which some choose the epoch), and to be scored on."""

    training: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split(rows: int, seed: int) -> Split:
    """A fifth for the test, a fifth of the rest for validation, at random; the same for every method."""
    order = np.random.default_rng([seed, rows]).permutation(rows)
    test, rest = order[: rows // 5], order[rows // 5 :]
    validation = rest[: len(rest) // 5]
    return Split(rest[len(rest) // 5 :], validation, test)


def of_scikit_learn(name: str) -> Callable[[], Rows]:
    """A set of sklearn.datasets by the name of its loader."""

    def load() -> Rows:
        from sklearn import datasets

        found = getattr(datasets, f"load_{name}")(as_frame=True)
        return found.data.astype(float), found.target.to_numpy()

    return load


def of_statsmodels(name: str) -> pd.DataFrame:
    """A set of statsmodels.datasets as one frame."""
    from importlib import import_module

    frame: pd.DataFrame = import_module(f"statsmodels.datasets.{name}").load_pandas().data
    return frame


def anes96() -> Rows:
    """American National Election Study 1996: whom somebody voted for."""
    frame = of_statsmodels("anes96")
    return frame.drop(columns=["vote", "logpopul"]).astype(float), frame["vote"].to_numpy().astype(int)


def fair() -> Rows:
    """Fair's survey of 1974: whether there was an affair."""
    frame = of_statsmodels("fair")
    x = frame.drop(columns="affairs").astype(float)
    for name in ("occupation", "occupation_husb"):
        x[name] = pd.Categorical(frame[name].astype(int).astype(str))
    return x, (frame["affairs"] > 0).to_numpy().astype(int)


def modechoice() -> Rows:
    """Travellers between Sydney, Canberra and Melbourne: whether one of four ways to go was taken."""
    frame = of_statsmodels("modechoice")
    x = frame.drop(columns=["individual", "choice"]).astype(float)
    x["mode"] = pd.Categorical(frame["mode"].astype(int).astype(str))
    return x, frame["choice"].to_numpy().astype(int)


def randhie() -> Rows:
    """RAND health insurance experiment: whether somebody saw a doctor in a year."""
    frame = of_statsmodels("randhie")
    return frame.drop(columns="mdvis").astype(float), (frame["mdvis"] > 0).to_numpy().astype(int)


def star98() -> Rows:
    """Californian districts 1998: the share of pupils above the national median in mathematics."""
    frame = of_statsmodels("star98").astype(float)
    share = frame["NABOVE"] / (frame["NABOVE"] + frame["NBELOW"])
    return frame.drop(columns=["NABOVE", "NBELOW"]), share.to_numpy()


def grunfeld() -> Rows:
    """Gross investment of eleven firms, 1935 to 1954."""
    frame = of_statsmodels("grunfeld")
    x = frame[["value", "capital", "year"]].astype(float)
    x["firm"] = pd.Categorical(frame["firm"].astype(str))
    return x, frame["invest"].to_numpy().astype(float)


def macrodata() -> Rows:
    """The economy of the United States by quarters, 1959 to 2009: unemployment from all else."""
    frame = of_statsmodels("macrodata").astype(float)
    return frame.drop(columns="unemp"), frame["unemp"].to_numpy()


def made(kind: str, rows: int, **settings: float) -> Callable[[], Rows]:
    """One of scikit-learn's generators."""

    def load() -> Rows:
        from sklearn import datasets

        x, y = getattr(datasets, f"make_{kind}")(n_samples=rows, random_state=0, **settings)
        y = (y > 0).astype(int) if kind == "hastie_10_2" else y
        return pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])]), y

    return load


C, R, SKLEARN, STATS, MADE = "classification", "regression", "scikit-learn", "statsmodels", "generated"
SETS = (
    TableSet("iris", C, SKLEARN, of_scikit_learn("iris")),
    TableSet("wine", C, SKLEARN, of_scikit_learn("wine")),
    TableSet("breast_cancer", C, SKLEARN, of_scikit_learn("breast_cancer")),
    TableSet("digits", C, SKLEARN, of_scikit_learn("digits")),
    TableSet("anes96", C, STATS, anes96),
    TableSet("modechoice", C, STATS, modechoice),
    TableSet("fair", C, STATS, fair, splits=4, seeds=1),
    TableSet("randhie", C, STATS, randhie, splits=3, seeds=1),
    TableSet("diabetes", R, SKLEARN, of_scikit_learn("diabetes")),
    TableSet("star98", R, STATS, star98),
    TableSet("grunfeld", R, STATS, grunfeld),
    TableSet("macrodata", R, STATS, macrodata),
    TableSet("moons 1,000", C, MADE, made("moons", 1_000, noise=0.3)),
    TableSet("classification 5,000", C, MADE, made("classification", 5_000, n_informative=8, n_classes=4), splits=4, seeds=1),
    TableSet("hastie 50,000", C, MADE, made("hastie_10_2", 50_000), splits=3, seeds=1),
    TableSet("friedman1 2,000", R, MADE, made("friedman1", 2_000, noise=1.0)),
    TableSet("friedman2 5,000", R, MADE, made("friedman2", 5_000, noise=100.0), splits=4, seeds=1),
)
