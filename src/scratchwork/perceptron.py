"""The multi-layer perceptron from a few words: sizes, one activation or one per layer, and what goes with them."""

from collections.abc import Sequence
from typing import Any

from .errors import ConfigurationError, look_up
from .initializers import Initializer
from .layers import (
    ELU,
    GELU,
    SELU,
    BatchNorm,
    Dense,
    Dropout,
    Layer,
    LeakyReLU,
    Linear,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Step,
    Tanh,
)
from .sequential import Sequential

ACTIVATIONS: dict[str, type[Layer]] = {
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "selu": SELU,
    "gelu": GELU,
    "silu": SiLU,
    "mish": Mish,
    "softplus": Softplus,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "linear": Linear,
    "step": Step,
}

INITIALIZER_OF = {"selu": "lecun_normal", "tanh": "glorot_uniform", "sigmoid": "glorot_uniform", "linear": "lecun_normal"}
"""How the weights before an activation start where nothing else is said; he_normal for all others."""


def perceptron(
    hidden: Sequence[int],
    outputs: int,
    *,
    activation: str | Sequence[str] = "relu",
    dropout: float | Sequence[float] = 0.0,
    input_dropout: float = 0.0,
    batch_norm: bool = False,
    initializer: Initializer | str | None = None,
) -> Sequential:
    """Dense, activation and what goes with them for each hidden size, and one more Dense; not built yet.

    ::

        x → [Dropout] → (Dense → [BatchNorm] → activation → [Dropout]) for each hidden size → Dense(outputs)

    Parameters
    ----------
    hidden : sequence of int ≥ 1
        None at all makes a linear model.
    outputs : int ≥ 1
    activation, dropout : one for all hidden layers, or a sequence with one for each
        Names as in `ACTIVATIONS`; rates of dropping, 0 ≤ rate < 1.
    input_dropout : float, 0 ≤ rate < 1
    batch_norm : bool
        Between each hidden Dense and its activation.
    initializer : Initializer or name, optional
        Of every Dense; by default the one that suits the activation behind it.

    Raises
    ------
    ConfigurationError
        For a sequence of another length than `hidden`, and for what the layers refuse.

    Examples
    --------
    >>> perceptron((20, 10), 3, activation=("relu", "mish"), dropout=0.1)
    Sequential([Dense(20), ReLU(), Dropout(0.1), Dense(10), Mish(), Dropout(0.1), Dense(3)])
    """
    sizes = list(hidden)
    names = _one_each(activation, len(sizes), "activation")
    rates = _one_each(dropout, len(sizes), "dropout")
    layers: list[Layer] = [Dropout(input_dropout)] if input_dropout else []
    for size, name, rate in zip(sizes, names, rates, strict=True):
        kind = look_up(name, ACTIVATIONS, "activation")
        plain = next(known for known, layer in ACTIVATIONS.items() if layer is kind)
        layers.append(Dense(size, weight_initializer=initializer or INITIALIZER_OF.get(plain, "he_normal")))
        if batch_norm:
            layers.append(BatchNorm())
        layers.append(kind())
        if rate:
            layers.append(Dropout(rate))
    layers.append(Dense(outputs, weight_initializer=initializer) if initializer else Dense(outputs))
    return Sequential(layers)


def _one_each(value: Any, count: int, what: str) -> list[Any]:
    """`value` for each of so many layers, or its entries where it is a sequence of that length."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return [value] * count
    if len(value) != count:
        raise ConfigurationError(f"{what} is one for all hidden layers or one for each of the {count}; received {value!r}")
    return list(value)
