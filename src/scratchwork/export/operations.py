"""What every export is written from: a dozen operations with their numbers, into which layers and transformers are lowered.

============  =========================================================================================
`Product`     y = x W + b
`Features`    y = (x − a) / b · c + d, each of the four a number, an array along the last axes, or absent
`Elementwise` y = f(x), number by number; the names and formulas are those of `FUNCTIONS`
`Softmax`     yᵢ = exp(xᵢ − max x) / Σⱼ exp(xⱼ − max x) along the last axis
`Normalize`   y = (x − μ) / √(σ² + eps) · γ + β with the mean and variance of the last axis
`Reshaped`    the same numbers in another shape
`Together`    y = [f₁(x), f₂(x), ...]: chains of operations side by side on the same x
`Mean`        the mean of K equal parts of each row
`Categories`  y_c = 1 where x is category c, else 0
`Columns`     the columns of a table, each by its own rule, as one row of numbers
`Convert`     the same numbers as float32 or float64
============  =========================================================================================

Whoever reads an exported JSON file needs no more than these.
"""

from dataclasses import dataclass
from typing import TypeAlias

from ..arrays import Array, Shape
from ..preprocessing.encodings import Encoding


@dataclass(frozen=True, eq=False)
class Product:
    """y = x W + b."""

    weight: Array
    bias: Array | None = None


@dataclass(frozen=True, eq=False)
class Features:
    """y = (x − subtract) / divide · multiply + add; what is None is left out.

    `norm` says for a batch normalization what `multiply` is made of, (γ, variance, eps), for formats with an operator for it.
    """

    subtract: Array | float | None = None
    divide: Array | float | None = None
    multiply: Array | float | None = None
    add: Array | float | None = None
    norm: tuple[Array, Array, float] | None = None


@dataclass(frozen=True)
class Elementwise:
    """y = f(x) for each number; `parameter` is the slope, α or limit of the functions that have one."""

    function: str
    parameter: float = 0.0


@dataclass(frozen=True)
class Softmax:
    """Probabilities along the last axis."""


@dataclass(frozen=True, eq=False)
class Normalize:
    """Mean 0 and variance 1 along the last axis, then a gain and an offset."""

    gamma: Array
    beta: Array
    eps: float


@dataclass(frozen=True)
class Reshaped:
    """The same numbers, in rows of this shape."""

    shape: Shape


@dataclass(frozen=True)
class Together:
    """Chains of steps on the same rows, their outputs side by side."""

    members: tuple[tuple["Step", ...], ...]


@dataclass(frozen=True)
class Mean:
    """The mean of this many equal parts of each row."""

    parts: int


@dataclass(frozen=True)
class Categories:
    """A column of categories, all text or all numbers, as columns of 0 and 1; one that is not there is all 0."""

    values: tuple[str, ...] | tuple[float, ...]


@dataclass(frozen=True)
class Columns:
    """The columns of a table: what `TableEncoder` does with each that it uses, in its order."""

    encodings: tuple[Encoding, ...]


@dataclass(frozen=True)
class Convert:
    """The same numbers in another type, "float32" or "float64"."""

    dtype: str


Operation: TypeAlias = (
    Product | Features | Elementwise | Softmax | Normalize | Reshaped | Together | Mean | Categories | Columns | Convert
)

FUNCTIONS = {
    "step": "1 where x > 0, else 0",
    "sigmoid": "1 / (1 + exp(−x))",
    "tanh": "tanh(x)",
    "relu": "max(x, 0)",
    "leaky_relu": "x where x > 0, else p x",
    "elu": "x where x > 0, else p (exp(x) − 1)",
    "selu": "λ x where x > 0, else λ α (exp(x) − 1), with λ = 1.0507009873554805 and α = 1.6732632423543772",
    "softplus": "max(x, 0) + log(1 + exp(−|x|))",
    "gelu": "x (1 + erf(x / √2)) / 2",
    "gelu_tanh": "x (1 + tanh(√(2/π) (z + 0.044715 z³))) / 2 with z = x cut to −20..20",
    "silu": "x / (1 + exp(−x))",
    "mish": "x n / (n + 2) with n = e (e + 2) and e = exp(min(x, 40))",
    "smooth_clip": "x / √(1 + (x/p)²)",
    "exp": "exp(x)",
}
"""The functions of `Elementwise`; p is its parameter."""


@dataclass(frozen=True)
class Step:
    """An operation, where in the model it comes from, and what it does to the shape and the type of rows."""

    place: str
    operation: Operation
    in_shape: Shape
    out_shape: Shape
    dtype: str
