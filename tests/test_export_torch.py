"""`from_torch` where modules and layers mean different things: on PyTorch itself where it is installed, else on a stand-in."""

import types

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.errors import ConfigurationError, ScratchworkError
from scratchwork.export import others


class Tensor:
    """As much of a tensor as an import looks at."""

    def __init__(self, array):
        self.array, self.dtype = np.array(array, np.float32), "float32"

    def detach(self):
        return self

    cpu = detach

    def to(self, dtype):
        return self

    def numpy(self):
        return self.array.astype(np.float64)


def stand_in():
    """A `torch` with a few modules, which hold what those of PyTorch hold under the same names."""

    class Module:
        def __init__(self, **settings):
            vars(self).update(settings)

        def __repr__(self):
            return f"{type(self).__name__}()"

        def parameters(self):
            return [value for value in vars(self).values() if isinstance(value, Tensor)]

    class Sequential(Module):
        def __init__(self, *modules):
            self._modules = {str(place): module for place, module in enumerate(modules)}

        def named_children(self):
            return {id(module): (name, module) for name, module in reversed(self._modules.items())}.values()

    def made(name, initial):
        return type(
            name, (Module,), {"__init__": lambda self, *given, **more: Module.__init__(self, **initial(*given, **more))}
        )

    rng = np.random.default_rng(0)
    kinds = {
        "Linear": lambda i, o: {
            "in_features": i, "out_features": o, "weight": Tensor(rng.normal(size=(o, i))), "bias": Tensor(rng.normal(size=o))
        },
        "BatchNorm1d": lambda n, eps=1e-5, momentum=0.1: {
            "num_features": n, "eps": eps, "momentum": momentum, "track_running_stats": True, "weight": Tensor(np.ones(n)),
            "bias": Tensor(np.zeros(n)), "running_mean": Tensor(np.ones(n)), "running_var": Tensor(np.ones(n)),
        },
        "LayerNorm": lambda n: {
            "normalized_shape": (n,), "eps": 1e-5, "weight": Tensor(np.ones(n)), "bias": Tensor(np.zeros(n))
        },
        "ReLU": dict,
        "Softmax": dict,
        "Softplus": lambda beta=1, threshold=20: {"beta": beta, "threshold": threshold},
        "Unflatten": lambda dim, sizes: {"dim": dim, "unflattened_size": sizes},
    }  # fmt: skip
    nn = types.SimpleNamespace(Module=Module, Sequential=Sequential, **{name: made(name, what) for name, what in kinds.items()})
    return types.SimpleNamespace(nn=nn, float64="float64", __name__="torch")


@pytest.fixture(autouse=True)
def nn(monkeypatch):
    try:
        import torch
    except ImportError:
        torch = stand_in()
        monkeypatch.setattr(others, "_torch", lambda: torch)
    return torch.nn


def kinds_of(network):
    return [type(layer).__name__ for layer in network.layers]


def test_a_module_in_several_places_is_a_layer_in_each(nn):
    relu, linear = nn.ReLU(), nn.Linear(4, 4)
    network = sw.from_torch(nn.Sequential(linear, relu, nn.Sequential(linear, relu), nn.Linear(4, 2)))
    assert kinds_of(network) == ["Dense", "ReLU", "Dense", "ReLU", "Dense"]
    np.testing.assert_array_equal(network.layers[0].weight.value, network.layers[2].weight.value)


def test_what_works_along_another_axis_is_refused(nn):
    def with_axes(last):
        return nn.Sequential(nn.Unflatten(1, (3, 3)), last)

    for last in (nn.Softmax(dim=1), nn.Softmax(dim=0), nn.Softmax(dim=None), nn.BatchNorm1d(3)):
        with pytest.raises(ConfigurationError, match=r"module 1.*another axis than the last"):
            sw.from_torch(with_axes(last), in_shape=(9,))
    for last in (nn.Softmax(dim=-1), nn.Softmax(dim=2), nn.LayerNorm(3)):
        assert sw.from_torch(with_axes(last), in_shape=9).out_shape == (3, 3)
    for dim in (1, -1):
        assert kinds_of(sw.from_torch(nn.Sequential(nn.Linear(4, 2), nn.Softmax(dim=dim)))) == ["Dense", "Softmax"]


def test_settings_that_no_layer_has_are_said(nn):
    for part, why in (
        (nn.Softplus(beta=2), "beta"),
        (nn.Softplus(threshold=0.5), "threshold"),
        (nn.BatchNorm1d(4, momentum=None), "means of all batches"),
    ):
        with pytest.raises(ConfigurationError, match=why):
            sw.from_torch(nn.Sequential(part), in_shape=(4,))


def test_a_width_behind_another_shape_is_not_that_of_the_rows(nn):
    with pytest.raises(ConfigurationError, match="give in_shape"):
        sw.from_torch(nn.Sequential(nn.Unflatten(1, (2, 3)), nn.LayerNorm(3)))


def test_weights_that_are_no_numbers_are_refused(nn):
    linear = nn.Linear(3, 2)
    linear.bias.detach().numpy()
    broken = np.array([0.0, np.nan])
    if isinstance(linear.bias, Tensor):
        linear.bias = Tensor(broken)
    else:
        linear.bias.data[1] = float("nan")
    with pytest.raises(ScratchworkError, match="bias with NaN"):
        sw.from_torch(nn.Sequential(linear))
