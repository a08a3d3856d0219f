"""The settings that `Classifier` and `Regressor` share: what each may be, and what is made of it."""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from ..errors import ConfigurationError, look_up
from ..optimizers import SGD, Adam
from ..perceptron import ACTIVATIONS, perceptron
from ..preparation import resolve_optimizer
from ..preprocessing import Chain, MinMax, Standardize, TableEncoder, Transformer
from ..second_order import LBFGS
from ..sequential import ENGINES, Sequential

NAMES_OF_THEIRS = {"identity": "linear", "logistic": "sigmoid"}
"""What scikit-learn calls two of the activations."""

THEIRS = frozenset({"identity", "logistic", "tanh", "relu"})
"""The activations that scikit-learn has too: with them weights start as its do, uniform by Glorot and Bengio."""

SOLVERS = ("adam", "sgd", "lbfgs")
RATES = ("constant", "invscaling", "adaptive")
FACTR = 2.2e-9  # the relative decrease at which SciPy's L-BFGS ends by default, and scikit-learn's with it

Check = tuple[Callable[[Any], bool], str]


def _number(least: float, most: float = math.inf, *, above: bool = False, below: bool = True) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
            return False
        number = float(value)
        return (number > least if above else number >= least) and (number < most if below else number <= most)

    return fits


def _whole(least: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= least


def _flag(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def _one_of(*names: Any) -> Callable[[Any], bool]:
    return lambda value: any(value is name or (isinstance(value, str) and value == name) for name in names)


def _float_type(value: Any) -> bool:
    return value is not None and value in ("auto", "float32", "float64", np.dtype(np.float32), np.dtype(np.float64))


CHECKS: dict[str, Check] = {
    "alpha": (_number(0), "a finite number >= 0"),
    "batch_norm": (_flag, "True or False"),
    "batch_size": (lambda value: value is None or value == "auto" or _whole(1)(value), "'auto', None or a whole number >= 1"),
    "beta_1": (_number(0, 1), "a number with 0 <= beta_1 < 1"),
    "beta_2": (_number(0, 1), "a number with 0 <= beta_2 < 1"),
    "bootstrap": (_flag, "True or False"),
    "dtype": (_float_type, "'auto', 'float32' or 'float64'"),
    "early_stopping": (_flag, "True or False"),
    "engine": (_one_of(*ENGINES), f"one of {', '.join(ENGINES)}"),
    "epsilon": (_number(0, above=True), "a number > 0"),
    "learning_rate": (_one_of(*RATES), f"one of {', '.join(RATES)}; a schedule is given as schedule="),
    "learning_rate_init": (_number(0, above=True), "a finite number > 0"),
    "max_fun": (_whole(1), "a whole number >= 1"),
    "max_iter": (_whole(1), "a whole number >= 1"),
    "monitor": (_one_of("auto", "val_score", "val_loss"), "'auto', 'val_score' or 'val_loss'"),
    "momentum": (_number(0, 1), "a number with 0 <= momentum < 1"),
    "n_iter_no_change": (lambda value: _whole(1)(value) or value == math.inf, "a whole number >= 1, or infinity"),
    "n_networks": (_whole(1), "a whole number >= 1"),
    "nesterovs_momentum": (_flag, "True or False"),
    "quantile": (
        lambda value: (
            all(map(_number(0, 1, above=True), value))
            if np.ndim(value) == 1 and len(value)
            else _number(0, 1, above=True)(value)
        ),
        "a number with 0 < quantile < 1, or several",
    ),
    "power_t": (_number(0), "a number >= 0"),
    "shuffle": (_flag, "True or False"),
    "solver": (_one_of(*SOLVERS), f"one of {', '.join(SOLVERS)}; an optimizer of another kind is given as optimizer="),
    "threads": (lambda value: value is None or _whole(1)(value), "None or a whole number >= 1"),
    "tol": (_number(0), "a number >= 0"),
    "validation_fraction": (_number(0, 1), "a number with 0 <= validation_fraction < 1"),
    "verbose": (lambda value: _flag(value) or _whole(0)(value), "True, False or a whole number >= 0"),
    "warm_start": (_flag, "True or False"),
}


def check_settings(estimator: Any) -> None:
    """ConfigurationError, which is a ValueError, for the first setting that is outside its range."""
    for name, (fits, words) in CHECKS.items():
        if hasattr(estimator, name) and not fits(getattr(estimator, name)):
            raise ConfigurationError(
                f"{type(estimator).__name__} takes as {name} {words}; received {getattr(estimator, name)!r}"
            )
    hidden_sizes(estimator.hidden_layer_sizes)
    network, schedule = (getattr(estimator, name, None) for name in ("network", "schedule"))
    if network is not None and not isinstance(network, Sequential):
        raise ConfigurationError(f"network is a Sequential([...]) or None; received {network!r}")
    if schedule is not None and not callable(schedule):
        raise ConfigurationError(f"schedule is a function of the step, as Cosine(1e-3, 900) is; received {schedule!r}")


def hidden_sizes(sizes: Any) -> list[int]:
    """`hidden_layer_sizes` as a list: one number, or any sequence of whole numbers of at least 1."""
    try:
        listed = [sizes] if isinstance(sizes, Integral) else list(sizes)
    except TypeError:
        listed = [None]
    if not all(_whole(1)(size) for size in listed):
        raise ConfigurationError(f"hidden_layer_sizes are whole numbers of units, each at least 1; received {sizes!r}")
    return [int(size) for size in listed]


def make_network(estimator: Any, outputs: int) -> Sequential:
    """A network that nobody else has: a copy of `network=`, or layers by sizes and activation."""
    if estimator.network is not None:
        own: Sequential = copy.deepcopy(estimator.network)
        return own
    sizes, activation = hidden_sizes(estimator.hidden_layer_sizes), estimator.activation
    names = [activation] * len(sizes) if isinstance(activation, str) else activation
    if not isinstance(names, Sequence | np.ndarray) or not all(isinstance(name, str) for name in names):
        raise ConfigurationError(f"activation is a name or one name per hidden layer; received {activation!r}")
    table = {**ACTIVATIONS, **dict.fromkeys(NAMES_OF_THEIRS)}
    for name in names:
        look_up(name, table, "activation")
    dropout = estimator.dropout
    if not isinstance(dropout, Real | Sequence | np.ndarray) or isinstance(dropout, str):
        raise ConfigurationError(f"dropout is a rate with 0 <= rate < 1, or one per hidden layer; received {dropout!r}")
    return perceptron(
        sizes,
        outputs,
        activation=[NAMES_OF_THEIRS.get(name, name) for name in names],
        dropout=float(dropout) if isinstance(dropout, Real) else list(dropout),
        batch_norm=estimator.batch_norm,
        initializer="glorot_uniform" if THEIRS.issuperset(names) else None,
    )


@dataclass(frozen=True)
class InverseScaling:
    """A rate that falls with a power of the rows seen, which is what scikit-learn calls "invscaling".

    ::

        η(t) = initial / (1 + t · rows)^power

    Parameters
    ----------
    initial : float > 0
    power : float ≥ 0
    rows : int ≥ 1
        In a step.

    >>> InverseScaling(1.0, 0.5, rows=3)(1)
    0.5
    """

    initial: float
    power: float
    rows: int

    def __call__(self, step: int) -> float:
        return float(self.initial / (1.0 + step * self.rows) ** self.power)


def make_optimizer(estimator: Any, batch: int) -> Any:
    """`optimizer=` where there is one; else the solver with its settings."""
    if estimator.optimizer is not None:
        return resolve_optimizer(estimator.optimizer)
    rate: Any = float(estimator.learning_rate_init)
    if estimator.schedule is not None:
        rate = estimator.schedule
    elif estimator.solver == "sgd" and estimator.learning_rate == "invscaling":
        rate = InverseScaling(rate, float(estimator.power_t), batch)
    if estimator.solver == "lbfgs":
        return LBFGS(tolerance=FACTR, gradient_tolerance=float(estimator.tol), max_evaluations=int(estimator.max_fun))
    if estimator.solver == "sgd":
        momentum = float(estimator.momentum)
        return SGD(rate, momentum=momentum, nesterov=bool(estimator.nesterovs_momentum and momentum > 0))
    return Adam(rate, beta1=float(estimator.beta_1), beta2=float(estimator.beta_2), eps=float(estimator.epsilon))


PREPROCESSING: dict[str, tuple[list[Transformer], list[Transformer]]] = {
    "auto": ([], [TableEncoder()]),
    "none": ([], [TableEncoder(numbers="none")]),
    "standardize": ([Standardize()], [TableEncoder()]),
    "minmax": ([MinMax()], [TableEncoder(numbers="none"), MinMax()]),
    "table": ([TableEncoder()], [TableEncoder()]),
}
"""Names for `preprocess`: what they mean for numbers alone, and for columns of several kinds."""


def make_preprocessing(wanted: Any, *, table: bool) -> Chain:
    """What is done to rows first, as a chain that has learned nothing; `table` says that columns are of several kinds."""
    if wanted is None or isinstance(wanted, str):
        return Chain(copy.deepcopy(look_up(wanted or "none", PREPROCESSING, "preprocess")[int(table)]))
    chain = wanted if isinstance(wanted, Chain) else Chain([wanted] if isinstance(wanted, Transformer) else wanted)
    steps = copy.deepcopy(chain.steps)
    if table and not (steps and isinstance(steps[0], TableEncoder)):
        steps.insert(0, TableEncoder(numbers="none"))
    return Chain(steps)
