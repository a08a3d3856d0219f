"""`scratchwork check`: every hand-written derivative of the library against differences, as a table."""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import layers, losses
from ..arrays import Array
from ..errors import UnknownNameError, nearest_name
from ..gradcheck import GradientReport, check_gradients
from ..layers import BatchNorm, Dense, Dropout, Layer, LayerNorm, Reshape, Scale
from ..sequential import Sequential
from .arguments import checked
from .settings import whole

DESCRIPTION = """Check the derivative of every layer, every loss and a few networks: what
backward gives against central differences of forward in float64, along random
directions, along the gradient itself, and for single entries. The worst
relative error of each is printed; a right derivative stays below 1e-7 or so,
and one that is wrong by a factor of 1.001 shows as 1e-3. Exit status 1 when
one is wrong.

For a layer of your own: scratchwork.check_gradients(layer, x=rows)."""

EPILOG = """examples:
  scratchwork check
  scratchwork check gelu softmax --verbose"""

FEATURES = 6
LAYER_MADE: dict[str, Callable[[], Layer]] = {
    "Average": lambda: layers.Average(2),
    "Dense": lambda: Dense(4),
    "Dropout": lambda: Dropout(0.4),
    "Parallel": lambda: layers.Parallel([Dense(2), Sequential([Dense(3), layers.Tanh(), Dense(2)])]),
    "Rescaling": lambda: layers.Rescaling(1 / 255, 0.5),
    "Reshape": lambda: Reshape((3, 2)),
}
"""How layers are made that need to be told something; all others are made as they come."""

NETWORKS: dict[str, Callable[[], Sequential]] = {
    "linear classifier": lambda: Sequential([Dense(3)]),
    "two layers, ReLU": lambda: Sequential([Dense(8), layers.ReLU(), Dense(3)]),
    "three layers, dropout": lambda: Sequential(
        [Dense(8), layers.Tanh(), Dropout(0.3), Dense(8), layers.GELU(), Dropout(0.3), Dense(3)]
    ),
    "batch and layer norm": lambda: Sequential(
        [Dense(8), BatchNorm(), layers.SiLU(), Dense(6), LayerNorm(), layers.ELU(), Scale(), Dense(3)]
    ),
    "three networks, averaged": lambda: Sequential(
        [layers.Parallel([Sequential([Dense(4), layers.Tanh(), Dropout(0.3), Dense(3)]) for _ in range(3)]), layers.Average(3)]
    ),
    "Sequential inside": lambda: Sequential([Sequential([Dense(5), layers.Softplus()]), Sequential([Dense(3)])]),
}


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    kind: str
    name: str
    check: Callable[[], GradientReport]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which, and how much is said."""
    parser.add_argument("names", metavar="NAME", nargs="*", help="layers, losses or networks (default: all)")
    parser.add_argument("--verbose", action="store_true", help="every array of every check")
    parser.add_argument("--seed", type=checked(whole(0)), default=0, metavar="N", help="of the inputs (default 0)")


def run(options: argparse.Namespace) -> int:
    """Print the table; 1 when a derivative is wrong."""
    chosen = select(list(cases(options.seed)), options.names)
    wide = max(len(case.name) for case in chosen)
    print(f"{'':8} {'':<{wide}}  arrays  checks  kinks  worst relative error")
    wrong = 0
    for case in chosen:
        report = case.check()
        wrong += not report.ok
        checks, kinks = sum(row.checks for row in report.rows), sum(row.kinks for row in report.rows)
        verdict = "ok" if report.ok else "WRONG"
        numbers = f"{len(report.rows):>6}  {checks:>6}  {kinks:>5}  {report.max_relative_error:>12.1e}"
        print(f"{case.kind:8} {case.name:<{wide}}  {numbers}  {verdict}", flush=True)
        if options.verbose or not report.ok:
            print("\n".join(f"         {line}" for line in str(report).split("\n")[1:]))
    print(f"\n{len(chosen) - wrong} of {len(chosen)} right" + (f", {wrong} WRONG" if wrong else ""))
    return 1 if wrong else 0


def select(known: list[Case], names: list[str]) -> list[Case]:
    """The cases with these names; all for none."""
    if not names:
        return known
    chosen = []
    for name in names:
        found = [case for case in known if _plain(case.name) == _plain(name)]
        if not found:
            raise UnknownNameError(f"nothing is called {name!r}: {nearest_name(name, [case.name for case in known])}")
        chosen += found
    return chosen


def cases(seed: int) -> Iterator[Case]:
    """Every layer, every loss, and a few networks under a loss."""
    for number, (name, kind) in enumerate(layers.LAYERS.items()):
        make = LAYER_MADE.get(name, kind)
        yield Case("layer", name, lambda make=make, number=number: _check_layer(make(), seed + number))  # type: ignore[misc]
    for number, (name, loss) in enumerate(losses.LOSSES.items()):
        yield Case("loss", name, lambda loss=loss, number=number: _check_loss(loss(), seed + number))  # type: ignore[misc]
    for number, (name, network) in enumerate(NETWORKS.items()):
        yield Case("network", name, lambda make=network, number=number: _check_network(make(), seed + number))  # type: ignore[misc]


def _check_layer(layer: Layer, seed: int) -> GradientReport:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(7, FEATURES))
    layer.build((FEATURES,), rng, np.float64)
    for _, parameter in layer.parameters():  # away from the round numbers that biases and gains begin with
        parameter.value += 0.3 * rng.normal(size=parameter.value.shape)
    return check_gradients(layer, x=x, seed=seed)


def _check_loss(loss: losses.Loss, seed: int) -> GradientReport:
    rng = np.random.default_rng(seed)
    prediction: Array = rng.normal(size=(6, 3))
    target: Any
    if loss.task == "multiclass":
        target = rng.integers(0, 3, 6)
        if loss.link == "identity":  # probabilities
            prediction = np.exp(prediction) / np.exp(prediction).sum(axis=1, keepdims=True)
    elif loss.task == "attributes":
        target = rng.integers(0, 2, (6, 3))
    else:
        target = rng.poisson(2.0, (6, 3)).astype(np.float64) if type(loss).__name__ == "Poisson" else rng.normal(size=(6, 3))
    return check_gradients(loss, x=prediction, y=target, weight=rng.uniform(0.5, 2.0, 6), seed=seed)


def _check_network(network: Sequential, seed: int) -> GradientReport:
    rng = np.random.default_rng(seed)
    loss = losses.SoftmaxCrossEntropy(label_smoothing=0.1)
    return check_gradients(network, loss, rng.normal(size=(9, FEATURES)), rng.integers(0, 3, 9), seed=seed)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
