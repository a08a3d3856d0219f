"""What the library itself computes: activations, losses and whole networks of dense layers, as plain functions in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from .. import layers
from ..arrays import Array
from ..layers import Layer

HIDDEN: dict[str, Callable[[], Layer]] = {
    "relu": layers.ReLU,
    "sigmoid": layers.Sigmoid,
    "tanh": layers.Tanh,
    "leaky relu 0.01": lambda: layers.LeakyReLU(0.01),
    "leaky relu 0.1": lambda: layers.LeakyReLU(0.1),
    "leaky relu 0.2": lambda: layers.LeakyReLU(0.2),
    "leaky relu 0.05": lambda: layers.LeakyReLU(0.05),
    "leaky relu 0.3": lambda: layers.LeakyReLU(0.3),
    "leaky relu 0.001": lambda: layers.LeakyReLU(0.001),
    "elu": layers.ELU,
    "selu": layers.SELU,
    "softplus": layers.Softplus,
    "swish": layers.SiLU,
    "gelu": layers.GELU,
    "linear": layers.Linear,
}
OUTPUT = {
    "softmax": layers.Softmax,
    **{name: HIDDEN[name] for name in ("sigmoid", "tanh", "relu", "leaky relu 0.01", "softplus", "linear")},
}
WORDS = (
    ("softmax", "softmax"),
    ("leaky", "leaky relu"),
    ("lrelu", "leaky relu"),
    ("selu", "selu"),
    ("gelu", "gelu"),
    ("swish", "swish"),
    ("silu", "swish"),
    ("relu", "relu"),
    ("rectif", "relu"),
    ("elu", "elu"),
    ("sigmoid", "sigmoid"),
    ("sigm", "sigmoid"),
    ("logistic", "sigmoid"),
    ("tanh", "tanh"),
    ("softplus", "softplus"),
    ("identity", "linear"),
    ("linear", "linear"),
)
DERIVATIVE = ("prime", "deriv", "grad", "backward", "_back", "dash", "diff", "bwd")


def activation_word(name: str) -> str | None:
    """Which activation a name speaks of: "relu" of `Activation_ReLU`; None of none."""
    plain = name.lower()
    return next((kind for word, kind in WORDS if word in plain), None)


def is_derivative(name: str) -> bool:
    """Whether a name is that of a derivative: relu_prime, dRelu, d_sigmoid, sigmoid_derivative."""
    plain = name.lower()
    if any(word in plain for word in DERIVATIVE):
        return True
    kind = activation_word(name)
    return (
        kind is not None
        and (
            plain.startswith(("d_", "der"))
            or (
                plain.startswith("d")
                and activation_word(plain[1:]) == kind
                and plain[1:].startswith(tuple(word for word, k in WORDS if k == kind))
            )
        )
    ) or plain.endswith("_d")


def make(kind: str) -> Layer:
    """A layer of this kind, from either table."""
    if kind.startswith("leaky relu "):
        return layers.LeakyReLU(float(kind.split()[-1]))
    return (HIDDEN | OUTPUT)[kind]()


def kinds_of(word: str) -> list[str]:
    """The entries of the tables that an activation word may mean (leaky ones have several slopes)."""
    return [kind for kind in HIDDEN | OUTPUT if kind == word or (word == "leaky relu" and kind.startswith(word))]


def act(kind: str, z: Array) -> Array:
    """act(z), row by row."""
    layer = make(kind)
    layer.build(z.shape[1:], np.random.default_rng(0), np.float64)
    result: Array = layer.forward(np.array(z, np.float64))[0]
    return result


def pull(kind: str, z: Array, dy: Array) -> Array:
    """What an activation hands back: Jacobian(z)ᵀ dy."""
    layer = make(kind)
    layer.build(z.shape[1:], np.random.default_rng(0), np.float64)
    _, cache = layer.forward(np.array(z, np.float64))
    dx = layer.backward(np.array(dy, np.float64), cache)
    assert dx is not None
    return dx


def slope(kind: str, z: Array) -> Array:
    """act'(z), entry by entry (of softmax the diagonal of its Jacobian)."""
    if kind == "softmax":
        p = act(kind, z)
        return np.asarray(p * (1 - p))
    return pull(kind, z, np.ones_like(z))


def odd_softmaxes(z: Array) -> Iterator[Array]:
    """What comes out where a softmax of rows subtracts or sums over something else than the outputs of a row."""
    for shift in (0.0, z.max(axis=1, keepdims=True), z.max(axis=0, keepdims=True), z.max()):
        e = np.exp(z - shift)
        yield e / e.sum(axis=0, keepdims=True)
        yield e / e.sum()


def one_hot(labels: Array, classes: int) -> Array:
    """Rows of 0 and 1."""
    return np.eye(classes)[labels]


@dataclass(frozen=True)
class LossForm:
    """A loss of rows of outputs as a sum over everything, with its gradient; `scale` takes the sum to its usual value."""

    name: str
    outputs: tuple[str, ...]
    value: Callable[[Array, Array], float]
    gradient: Callable[[Array, Array], Array]


def _safe_log(p: Array) -> Array:
    return np.asarray(np.log(np.clip(p, 1e-300, None)))


def _margins(s: Array, t: Array) -> Array:
    margin: Array = np.maximum(0.0, s - (s * t).sum(axis=1, keepdims=True) + 1.0) * (1 - t)
    return margin


def _hinge(s: Array, t: Array) -> Array:
    active = (_margins(s, t) > 0).astype(float)
    return np.asarray(active - t * active.sum(axis=1, keepdims=True))


def _squared_hinge(s: Array, t: Array) -> Array:
    twice = 2 * _margins(s, t)
    return np.asarray(twice - t * twice.sum(axis=1, keepdims=True))


def _log_softmax(s: Array) -> Array:
    shifted = s - s.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


LOSSES = {
    form.name: form
    for form in (
        LossForm("cross-entropy", ("softmax", "sigmoid"), lambda p, t: float(-(t * _safe_log(p)).sum()), lambda p, t: -t / p),
        LossForm(
            "binary cross-entropy",
            ("sigmoid", "softmax"),
            lambda p, t: float(-(t * _safe_log(p) + (1 - t) * _safe_log(1 - p)).sum()),
            lambda p, t: -t / p + (1 - t) / (1 - p),
        ),
        LossForm("squared error", tuple(OUTPUT), lambda p, t: float(((p - t) ** 2).sum()), lambda p, t: 2 * (p - t)),
        LossForm("absolute error", ("linear",), lambda p, t: float(np.abs(p - t).sum()), lambda p, t: np.sign(p - t)),
        LossForm(
            "softmax cross-entropy",
            ("linear", "relu"),
            lambda s, t: float(-(t * _log_softmax(s)).sum()),
            lambda s, t: t.sum(axis=1, keepdims=True) * np.exp(_log_softmax(s)) - t,
        ),
        LossForm("hinge", ("linear", "relu"), lambda s, t: float(_margins(s, t).sum()), _hinge),
        LossForm("squared hinge", ("linear", "relu"), lambda s, t: float((_margins(s, t) ** 2).sum()), _squared_hinge),
        LossForm(
            "sigmoid cross-entropy",
            ("linear",),
            lambda s, t: float((np.logaddexp(0, s) - t * s).sum()),
            lambda s, t: 1 / (1 + np.exp(-s)) - t,
        ),
    )
}
"""Each as a sum: programs divide it as they please, and `scales` knows by what."""


def scales(rows: int, outputs: int, *, half: bool = True) -> dict[float, str]:
    """The factors that a convention may put before a sum over everything."""
    found: dict[float, str] = {}
    for number, word in (
        (1.0, "sum"),
        (1 / rows, "mean over rows"),
        (1 / outputs, "mean over outputs"),
        (1 / (rows * outputs), "mean over everything"),
    ):
        found.setdefault(number, word)
        if half:
            found.setdefault(number / 2, f"half the {word}")
    return found


def softmax_axis(z: Array, t: Array, value: float) -> tuple[str, str] | None:
    """Whether a cross-entropy of logits is one with a softmax over the wrong axis."""
    for p in odd_softmaxes(z):
        total = float(-(t * np.log(p)).sum())
        if any(abs(value - s * total) <= 1e-5 * abs(s * total) for s in scales(*z.shape)):
            return "softmax axis", "its softmax does not sum over the outputs of each sample"
    return None


@dataclass
class Net:
    """A chain of dense layers with known activations, in float64, rows in and rows out."""

    weights: list[Array]
    biases: list[Array | None]
    hidden: tuple[str, ...]
    output: str
    z: list[Array] = field(default_factory=list)
    a: list[Array] = field(default_factory=list)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The activation after each layer."""
        return (*self.hidden, self.output)

    def forward(self, x: Array) -> Array:
        """The outputs; z and a keep every step."""
        self.z, self.a = [], [x]
        for weight, bias, kind in zip(self.weights, self.biases, self.kinds, strict=True):
            dense = layers.Dense(weight.shape[1], use_bias=bias is not None)
            dense.build((weight.shape[0],), np.random.default_rng(0), np.float64)
            for _, parameter in dense.parameters():
                parameter.value[...] = weight if parameter.value.ndim == 2 else bias
            self.z.append(dense.forward(self.a[-1])[0])
            self.a.append(act(kind, self.z[-1]))
        return self.a[-1]

    def backward(self, dy: Array, *, wrong: str = "", only: int | None = None) -> list[tuple[Array, Array]]:
        """(dW, db) of each layer, after `forward`; with `wrong` as they come out with one usual mistake in it."""
        found: list[tuple[Array, Array]] = []
        for number in reversed(range(len(self.weights))):
            kind, z, last = self.kinds[number], self.z[number], number == len(self.weights) - 1
            dz = pull(kind, z, dy) if last else _hidden_dz(kind, z, dy, wrong if only in (None, number) else "")
            if last and wrong == "missing activation derivative of the output":
                dz = dy
            if last and wrong == "diagonal softmax":
                dz = slope(kind, z) * dy
            if last and wrong == "activation derivative twice of the output":
                dz = dz * slope(kind, z)
            before = self.a[number]
            if wrong == "wrong input" and number:
                before = self.z[number - 1]
            db = dz.sum(axis=0)
            found.insert(0, (before.T @ dz, db))
            dy = dz @ self.weights[number].T
            if wrong == "transposed weights" and self.weights[number].shape[0] == self.weights[number].shape[1]:
                dy = dz @ self.weights[number]
        return found


def _hidden_dz(kind: str, z: Array, dy: Array, wrong: str) -> Array:
    a = act(kind, z)
    if wrong == "missing activation derivative":
        return dy
    if wrong == "activation derivative of the output":
        return dy * slope(kind, a)
    if wrong == "activation derivative twice":
        return np.asarray(dy * slope(kind, z) ** 2)
    if wrong.startswith("derivative "):
        return dy * dict(wrong_slopes(kind, z))[wrong.removeprefix("derivative ")]
    return pull(kind, z, dy)


def wrong_slopes(kind: str, z: Array) -> Iterator[tuple[str, Array]]:
    """What stands for act'(z) in programs and is not it, each by a name."""
    a = act(kind, z)
    yield "with the mask inverted", (z <= 0).astype(float)
    yield "1 − a", 1 - a
    yield "a", a
    yield "1 + a²", 1 + a * a
    yield "a (1 + a)", a * (1 + a)
    yield "1 − a²", 1 - a * a
    yield "a (1 − a)", a * (1 - a)
    yield "1 − z²", 1 - z * z
    yield "z (1 − z)", z * (1 - z)
    yield "1 where z > 0", (z > 0).astype(float)
    yield "z where z > 0", np.maximum(z, 0)
    yield "a (a − 1)", a * (a - 1)
    yield "1 where z > 1", (z > 1).astype(float)


WRONG = (
    "missing activation derivative",
    "missing activation derivative of the output",
    "activation derivative of the output",
    "activation derivative twice",
    "activation derivative twice of the output",
    "diagonal softmax",
    "wrong input",
    "transposed weights",
)
"""The mistakes that `Net.backward` can make on purpose."""
