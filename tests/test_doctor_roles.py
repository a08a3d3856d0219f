"""Layers of somebody's own are known by what they do, and examined as the library's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.doctor.roles import Role, fan_in, matrix_of, role_of


class Curve(sw.Layer):
    """An activation, by name."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def build(self, in_shape: Any, rng: Any, dtype: Any) -> Any:
        return in_shape

    def forward(self, x: Any, *, training: bool = False, step: int = 0) -> Any:
        curves = {
            "sigmoid": lambda: 1 / (1 + np.exp(-x)),
            "tanh": lambda: np.tanh(x),
            "relu": lambda: np.maximum(x, 0),
            "relu6": lambda: np.clip(x, 0, 6),
            "leaky": lambda: np.where(x > 0, x, 0.1 * x),
            "softmax": lambda: np.exp(x - x.max(1, keepdims=True)) / np.exp(x - x.max(1, keepdims=True)).sum(1, keepdims=True),
            "centre": lambda: x - x.mean(axis=1, keepdims=True),
        }
        y = curves[self.kind]().astype(x.dtype)
        return y, (x, y)

    def backward(self, dy: Any, cache: Any, *, need_dx: bool = True) -> Any:
        x, y = cache
        if self.kind == "softmax":
            return y * (dy - (dy * y).sum(axis=1, keepdims=True))
        slopes = {"sigmoid": y * (1 - y), "tanh": 1 - y * y, "relu": x > 0}
        return (dy * slopes[self.kind]).astype(dy.dtype)


class Turned(sw.Layer):
    """A product whose weights are laid out (units, features)."""

    def __init__(self, units: int, equal: bool = False, size: float = 1.0) -> None:
        self.units, self.equal, self.size = units, equal, size

    def build(self, in_shape: Any, rng: Any, dtype: Any) -> Any:
        weight = rng.normal(size=(self.units, in_shape[0])) * self.size / np.sqrt(in_shape[0])
        if self.equal:
            weight[:] = weight[:1]
        self.weight, self.bias = sw.Parameter(weight.astype(dtype)), sw.Parameter(np.zeros(self.units, dtype))
        return (self.units,)

    def parameters(self) -> Any:
        yield "weight", self.weight
        yield "bias", self.bias

    def forward(self, x: Any, *, training: bool = False, step: int = 0) -> Any:
        return x @ self.weight.value.T + self.bias.value, x

    def backward(self, dy: Any, cache: Any, *, need_dx: bool = True) -> Any:
        self.weight.grad[...], self.bias.grad[...] = dy.T @ cache, dy.sum(axis=0)
        return dy @ self.weight.value


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        ("sigmoid", "bounded"),
        ("tanh", "bounded"),
        ("relu", "relu"),
        ("relu6", "other"),
        ("leaky", "other"),
        ("softmax", "shares"),
        ("centre", "other"),
    ],
)
def test_an_activation_is_known_by_what_it_gives(kind: str, role: str) -> None:
    assert role_of(Curve(kind)).kind == role


def test_the_library_s_layers_are_known_by_their_class() -> None:
    assert role_of(sw.Tanh()) == Role("bounded", -1.0, 1.0, each=True)
    assert role_of(sw.Dense(3)).kind == "product"
    assert role_of(sw.BatchNorm()) == Role()


def test_weights_are_read_off_however_they_are_laid_out() -> None:
    layer = Turned(5)
    layer.build((3,), np.random.default_rng(0), np.float64)
    matrix = matrix_of(layer, 3)
    assert matrix is not None
    np.testing.assert_allclose(matrix, layer.weight.value.T)
    kernel = fan_in(layer)
    assert kernel is not None
    assert kernel[1] == 3


@pytest.mark.parametrize(
    ("layers", "code"),
    [
        ([Turned(16, equal=True), Curve("tanh"), Turned(10)], "SW701"),
        ([Turned(16, size=60.0), Curve("sigmoid"), Turned(10)], "SW802"),
        ([layer for _ in range(9) for layer in (Turned(16), Curve("sigmoid"))] + [Turned(10)], "SW1501"),
        ([sw.Dense(32), sw.ReLU(), Turned(32, size=0.01), Curve("relu"), Turned(32, size=0.01), Turned(10)], "SW702"),
        ([Turned(16), sw.Dense(16, bias_initializer=sw.initializers.Constant(-80.0)), Curve("relu"), Turned(10)], "SW801"),
    ],
)
def test_networks_of_one_s_own_layers_get_the_diagnoses_of_the_library_s(layers: list[sw.Layer], code: str) -> None:
    rows = sw.data.digits()
    diagnosis = sw.diagnose(sw.Sequential(layers), rows.x / 16, rows.y, loss="softmax_cross_entropy", optimizer=sw.SGD(0.1))
    assert diagnosis.first is not None
    assert diagnosis.first.code == code


def test_what_an_own_last_layer_can_never_give_is_said() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4))
    y = x[:, :1] - x[:, 1:2]
    ends = sw.Sequential([sw.Dense(16), sw.ReLU(), sw.Dense(1), Curve("relu")])
    assert sw.diagnose(ends, x, y, loss=sw.MeanSquaredError(), optimizer="adam").codes[0] == "SW903"
    alone = sw.Sequential([sw.Dense(16), sw.ReLU(), sw.Dense(1), Curve("softmax")])
    assert sw.diagnose(alone, x, (y > 0).astype(int), loss=sw.SigmoidBinaryCrossEntropy(), optimizer="adam").codes[0] == "SW902"


class Beside(sw.Layer):
    """y = x + inner(x), whose backward forgets the x."""

    def __init__(self, inner: sw.Layer) -> None:
        self.inner = inner

    def build(self, in_shape: Any, rng: Any, dtype: Any) -> Any:
        return self.inner.build(in_shape, rng, dtype)

    def sublayers(self) -> Any:
        return (self.inner,)

    def parameters(self) -> Any:
        yield from ((f"0.{name}", entry) for name, entry in self.inner.parameters())

    def forward(self, x: Any, *, training: bool = False, step: int = 0) -> Any:
        y, cache = self.inner.forward(x, training=training, step=step)
        return x + y, cache

    def backward(self, dy: Any, cache: Any, *, need_dx: bool = True) -> Any:
        return self.inner.backward(dy, cache)


def test_a_layer_made_of_others_is_checked_as_a_whole() -> None:
    rows = sw.data.digits()
    network = sw.Sequential([sw.Dense(16), Beside(Turned(16)), sw.ReLU(), sw.Dense(10)])
    diagnosis = sw.diagnose(network, rows.x / 16, rows.y, loss="softmax_cross_entropy", optimizer="adam")
    assert diagnosis.first is not None
    assert diagnosis.first.code == "SW601"
    assert diagnosis.first.where is not None
    assert diagnosis.first.where.startswith("layer 1, Beside")


def test_training_alone_names_the_cause_and_not_what_followed() -> None:
    rows = sw.data.digits()
    network = sw.Sequential([sw.Dense(16), sw.ReLU(), sw.Dense(10)])
    settings: dict[str, Any] = {"epochs": 8, "doctor": True, "progress": False}
    history = sw.fit(network, rows.x * 16, rows.y, loss="softmax_cross_entropy", optimizer=sw.SGD(0.1), **settings)
    assert history.findings[0].code == "SW101"
    assert [finding.alarm for finding in history.findings].count(True) == 1
    zeros = sw.Sequential([sw.Dense(16, weight_initializer="zeros"), sw.ReLU(), sw.Dense(10, weight_initializer="zeros")])
    history = sw.fit(zeros, rows.x / 16, rows.y, loss="softmax_cross_entropy", optimizer="adam", **settings)
    assert history.findings[0].code == "SW701"
