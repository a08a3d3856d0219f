"""How parameters start: small, random, and scaled so that signals neither die out nor blow up on their way through.

Each initializer is a record of its settings and is called with a shape, a Generator and a dtype. Weights have the shape
(in, out); n_in, the number of inputs of a neuron, is the *fan-in*, n_out the *fan-out*. All weights alike (zeros, say)
would give all neurons of a layer the same gradient for ever: something random must break the symmetry.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import numbers
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .arrays import Array, Shape
from .errors import ConfigurationError, ShapeError, look_up


@dataclasses.dataclass(frozen=True)
class Initializer(ABC):
    """A rule for the starting values of a parameter. One of your own is a class with this `__call__`."""

    @abstractmethod
    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Array:
        """A new contiguous array of this shape and dtype; all randomness comes from `rng`."""

    def config(self) -> dict[str, Any]:
        """The settings by the names of `__init__`: with them the same initializer can be made again."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}


def fans(shape: Shape) -> tuple[int, int]:
    """(fan-in, fan-out) of a parameter of this shape.

    >>> fans((784, 10)), fans((10,)), fans((3, 3, 16, 32))
    ((784, 10), (10, 10), (144, 32))
    """
    if len(shape) == 1:
        return shape[0], shape[0]
    return math.prod(shape[:-1]), shape[-1] if shape else 1


def _normal(shape: Shape, std: float, rng: np.random.Generator, dtype: DTypeLike) -> Array:
    values = rng.standard_normal(shape, dtype=_drawn_as(dtype))
    values *= std
    return values.astype(dtype, copy=False)


def _uniform(shape: Shape, limit: float, rng: np.random.Generator, dtype: DTypeLike) -> Array:
    values = rng.random(shape, dtype=_drawn_as(dtype))
    values -= 0.5
    values *= 2.0 * limit
    return values.astype(dtype, copy=False)


def _uniform_of_std(shape: Shape, std: float, rng: np.random.Generator, dtype: DTypeLike) -> Array:
    return _uniform(shape, math.sqrt(3.0) * std, rng, dtype)


def _drawn_as(dtype: DTypeLike) -> Any:
    """Generators draw float32 and float64 only: other dtypes are drawn in float64 and converted."""
    return np.float32 if np.dtype(dtype) == np.float32 else np.float64


def _matrix(shape: Shape, initializer: Initializer) -> tuple[int, int]:
    if len(shape) != 2:
        raise ShapeError(f"{type(initializer).__name__} fills weights of shape (in, out); received the shape {shape}")
    return shape[0], shape[1]


def _require_number(initializer: Initializer, name: str, *, above: float = 0.0) -> None:
    value: Any = getattr(initializer, name)
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not above < float(value) < math.inf:
        wanted = f"{name} > {above:g}" if above > -math.inf else f"{name}, not infinite or NaN"
        raise ConfigurationError(f"{type(initializer).__name__} needs a number {wanted}; received {value!r}")


_FANS: dict[str, Callable[[int, int], float]] = {
    "fan_in": lambda n_in, n_out: n_in,
    "fan_out": lambda n_in, n_out: n_out,
    "fan_avg": lambda n_in, n_out: (n_in + n_out) / 2,
}
_DISTRIBUTIONS = {"normal": _normal, "uniform": _uniform_of_std}


@dataclasses.dataclass(frozen=True)
class Zeros(Initializer):
    """All zero: right for biases, never for two layers of weights (see the head of this file)."""

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Array:
        return np.zeros(shape, dtype)


@dataclasses.dataclass(frozen=True)
class Ones(Initializer):
    """All one: the neutral start of a gain."""

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Array:
        return np.ones(shape, dtype)


@dataclasses.dataclass(frozen=True)
class Constant(Initializer):
    """Every number the same.

    The default is the small positive bias that some give to ReLU layers so that every unit fires, and so learns, at the
    start; it is not known to help consistently, and zero is the common choice.

    Parameters
    ----------
    value : float

    >>> Constant(0.01)((3,), np.random.default_rng(0), np.float64)
    array([0.01, 0.01, 0.01])
    """

    value: float = 0.01

    def __post_init__(self) -> None:
        _require_number(self, "value", above=-math.inf)

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Array:
        return np.full(shape, self.value, dtype)


@dataclasses.dataclass(frozen=True)
class Normal(Initializer):
    """Small random numbers: w ~ N(0, std²), whatever the size of the layer.

    Parameters
    ----------
    std : float > 0
        The standard deviation. 0.01 works for small nets; in deep ones the signal shrinks from layer to layer, because a
        neuron of n inputs has variance n·std² times that of its inputs: see `VarianceScaling`.
    """

    std: float = 0.01

    def __post_init__(self) -> None:
        _require_number(self, "std")

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Array:
        return _normal(shape, self.std, rng, dtype)


@dataclasses.dataclass(frozen=True)
class Uniform(Initializer):
    """w ~ U[−limit, limit], whose standard deviation is limit/√3.

    Parameters
    ----------
    limit : float > 0
    """

    limit: float = 0.05

    def __post_init__(self) -> None:
        _require_number(self, "limit")

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Array:
        return _uniform(shape, self.limit, rng, dtype)


@dataclasses.dataclass(frozen=True)
class VarianceScaling(Initializer):
    """Random numbers whose variance is scale / n, so that a layer hands on signals of the size it received.

    ::

        Var(w) = scale / n      n = n_in, n_out or (n_in + n_out) / 2
        normal                  w ~ N(0, scale/n)
        uniform                 w ~ U[−√(3·scale/n), √(3·scale/n)]

    Why: s = Σᵢ wᵢ xᵢ over n independent terms of mean zero has Var(s) = n Var(w) Var(x), which is Var(x) for
    Var(w) = 1/n. ReLU cuts half of the second moment away, hence the factor 2 of He. The same sum run backward has
    n_out terms; Glorot's average is the compromise between the two.

    ================  =====  =======  ===================================
    name              scale  mode     source
    ================  =====  =======  ===================================
    lecun_normal      1      fan_in   w = randn(n) / √n; LeCun et al. 1998
    glorot_normal     1      fan_avg  2/(n_in + n_out); Glorot, Bengio 2010
    he_normal         2      fan_in   2/n for ReLU; He et al. 2015
    ================  =====  =======  ===================================

    and the same with `_uniform`.

    Parameters
    ----------
    scale : float > 0
    mode : "fan_in", "fan_out" or "fan_avg"
    distribution : "normal" or "uniform"
        The normal one is not truncated.

    Notes
    -----
    For a vector (n,) both fans are n. With more than two axes the last one counts the outputs and all before it inputs.

    References
    ----------
    LeCun, Bottou, Orr, Müller (1998), "Efficient BackProp", in: Neural Networks: Tricks of the Trade.
    Glorot, Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", AISTATS.
    He, Zhang, Ren, Sun (2015), "Delving deep into rectifiers: surpassing human-level performance on ImageNet
    classification", ICCV.

    Examples
    --------
    >>> weights = VarianceScaling(scale=2.0, mode="fan_in")((784, 100), np.random.default_rng(0), np.float32)
    >>> weights.dtype, round(float(weights.var()) * 784, 1)
    (dtype('float32'), 2.0)
    """

    scale: float = 1.0
    mode: str = "fan_in"
    distribution: str = "normal"

    def __post_init__(self) -> None:
        _require_number(self, "scale")
        look_up(self.mode, _FANS, "mode of VarianceScaling")
        look_up(self.distribution, _DISTRIBUTIONS, "distribution of VarianceScaling")

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Array:
        n = look_up(self.mode, _FANS, "mode of VarianceScaling")(*fans(shape))
        draw = look_up(self.distribution, _DISTRIBUTIONS, "distribution of VarianceScaling")
        return draw(shape, math.sqrt(self.scale / max(1, n)), rng, dtype)


@dataclasses.dataclass(frozen=True)
class Sparse(Initializer):
    """Each neuron is connected to a few random inputs, and all its other weights are zero.

    The number of inputs that a neuron listens to, and so the size of its sum, does not grow with the layer below; the
    symmetry is broken by who listens to whom.

    Parameters
    ----------
    inputs : int ≥ 1
        k, the nonzero weights of each neuron: exactly k in every column of (in, out), or all where there are fewer inputs.
    std : float > 0
        Those k are drawn from N(0, std²): a small gaussian by default. Martens's experiments have k = 15; Sutskever et
        al. (2013), who follow him, draw from the unit gaussian, `Sparse(15, std=1.0)`.

    References
    ----------
    Martens (2010), "Deep learning via Hessian-free optimization", ICML.
    Sutskever, Martens, Dahl, Hinton (2013), "On the importance of initialization and momentum in deep learning", ICML.

    Examples
    --------
    >>> weights = Sparse(inputs=2)((6, 4), np.random.default_rng(0), np.float64)
    >>> np.count_nonzero(weights, axis=0)
    array([2, 2, 2, 2])
    """

    inputs: int = 15
    std: float = 0.01

    def __post_init__(self) -> None:
        if isinstance(self.inputs, bool) or not isinstance(self.inputs, int | np.integer) or self.inputs < 1:
            raise ConfigurationError(f"Sparse needs a whole number of inputs, at least 1; received {self.inputs!r}")
        _require_number(self, "std")

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Array:
        n_in, n_out = _matrix(shape, self)
        k = min(int(self.inputs), n_in)
        lottery = rng.random((n_out, n_in))  # the k lowest tickets of each neuron win
        chosen = np.argsort(lottery, axis=1)[:, :k].T
        weights = np.zeros(shape, dtype)
        weights[chosen, np.arange(n_out)] = _normal((k, n_out), self.std, rng, dtype)
        return weights


@dataclasses.dataclass(frozen=True)
class Orthogonal(Initializer):
    """A random rotation or reflection: columns (or rows, where there are fewer) that are orthonormal, times `gain`.

    ::

        WᵀW = gain² I  where n_in ≥ n_out      W Wᵀ = gain² I  where n_in ≤ n_out

    A product of rotations is a rotation: through linear layers of one width and gain 1 signals and gradients keep their
    length exactly, at any depth.

    Parameters
    ----------
    gain : float > 0
        1 for linear layers and tanh near zero; √2 makes up for what ReLU cuts away.

    Numerics
    --------
    Q of a QR decomposition, computed in float64, is uniformly distributed only after each column has been given the sign
    of R's diagonal; LAPACK's own signs are a convention.

    References
    ----------
    Saxe, McClelland, Ganguli (2014), "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks", ICLR.
    Mezzadri (2007), "How to generate random matrices from the classical compact groups", Notices of the AMS 54 (the sign).

    Examples
    --------
    >>> w = Orthogonal()((3, 3), np.random.default_rng(0), np.float64)
    >>> np.allclose(w.T @ w, np.eye(3))
    True
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        _require_number(self, "gain")

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Array:
        n_in, n_out = _matrix(shape, self)
        q, r = np.linalg.qr(rng.standard_normal((max(n_in, n_out), min(n_in, n_out))))
        q *= np.copysign(self.gain, np.diagonal(r))
        return np.ascontiguousarray(q if n_in >= n_out else q.T, dtype=dtype)


INITIALIZERS: dict[str, Initializer] = {
    "zeros": Zeros(),
    "ones": Ones(),
    "constant": Constant(0.01),
    "normal": Normal(0.01),
    "uniform": Uniform(0.05),
    "lecun_normal": VarianceScaling(1.0, "fan_in", "normal"),
    "lecun_uniform": VarianceScaling(1.0, "fan_in", "uniform"),
    "glorot_normal": VarianceScaling(1.0, "fan_avg", "normal"),
    "glorot_uniform": VarianceScaling(1.0, "fan_avg", "uniform"),
    "he_normal": VarianceScaling(2.0, "fan_in", "normal"),
    "he_uniform": VarianceScaling(2.0, "fan_in", "uniform"),
    "sparse": Sparse(15),
    "orthogonal": Orthogonal(),
}


def resolve_initializer(initializer: Initializer | str) -> Initializer:
    """The initializer itself, or the one that a name stands for in INITIALIZERS.

    >>> resolve_initializer("he_normal")
    VarianceScaling(scale=2.0, mode='fan_in', distribution='normal')
    """
    if isinstance(initializer, Initializer):
        return initializer
    return look_up(initializer, INITIALIZERS, "initializer")
