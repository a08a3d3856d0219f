"""Networks that PyTorch and scikit-learn trained, as networks of this library, and back: weights and predictions are equal."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import layers as kinds
from ..arrays import Array, Shape
from ..errors import ConfigurationError, MissingDependencyError, ScratchworkError, ShapeError
from ..layers import Layer
from ..model import Model
from ..preprocessing import Standardize, Transformer
from ..sequential import Sequential

FROM_TORCH: dict[str, Callable[[Any], Layer]] = {
    "Linear": lambda m: kinds.Dense(m.out_features, use_bias=m.bias is not None),
    "Identity": lambda m: kinds.Linear(),
    "ReLU": lambda m: kinds.ReLU(),
    "LeakyReLU": lambda m: kinds.LeakyReLU(m.negative_slope),
    "ELU": lambda m: kinds.ELU(m.alpha),
    "SELU": lambda m: kinds.SELU(),
    "GELU": lambda m: kinds.GELU(approximate=m.approximate),
    "SiLU": lambda m: kinds.SiLU(),
    "Mish": lambda m: kinds.Mish(),
    "Softplus": lambda m: _when(
        m, m.beta == 1 and m.threshold >= 20, "another beta than 1 or threshold than 20", kinds.Softplus()
    ),
    "Sigmoid": lambda m: kinds.Sigmoid(),
    "Tanh": lambda m: kinds.Tanh(),
    "Softmax": lambda m: kinds.Softmax(),
    "Dropout": lambda m: kinds.Dropout(m.p),
    "BatchNorm1d": lambda m: _batch_norm(m),
    "LayerNorm": lambda m: _when(m, len(m.normalized_shape) == 1, "several axes", kinds.LayerNorm(eps=m.eps)),
    "Flatten": lambda m: _when(m, (m.start_dim, m.end_dim) == (1, -1), "other axes than all of a row", kinds.Flatten()),
    "Unflatten": lambda m: _when(m, m.dim == 1, "another axis than 1", kinds.Reshape(tuple(m.unflattened_size))),
}
"""Module of torch.nn -> the layer that it is."""


def _when(module: Any, fits: bool, why: str, layer: Layer | None = None) -> Any:
    if not fits:
        raise ConfigurationError(f"{module!r} has {why}, which no layer of the library has")
    return layer


def _batch_norm(module: Any) -> Layer:
    _when(module, module.track_running_stats, "no running statistics")
    _when(module, module.momentum is not None, "running statistics that are means of all batches")
    return kinds.BatchNorm(momentum=1.0 - module.momentum, eps=module.eps)


def from_torch(module: Any, *, in_shape: Sequence[int] | None = None) -> Sequential:
    """An `nn.Sequential` of PyTorch, also of others, as a Sequential with the same weights.

    A module that stands in several places becomes a layer in each, whose weights are no longer shared.

    Parameters
    ----------
    module : torch.nn.Sequential, or one module of it
    in_shape : shape of one input row, optional
        Where it is not what the first `Linear` or normalization takes, as before an `nn.Flatten`.

    Raises
    ------
    ConfigurationError
        A module that the library has no layer for, or weights that are not finite; the message names the module's place.
    ShapeError
        Rows of `in_shape` do not go through.
    MissingDependencyError
        PyTorch is not installed.
    """
    torch = _torch()
    if not isinstance(module, torch.nn.Module):
        raise ConfigurationError(f"from_torch takes an nn.Sequential; received {module!r}")
    found = list(_modules(module, torch))
    layers: list[Layer] = []
    for place, part in found:
        make = FROM_TORCH.get(type(part).__name__) if type(part) is getattr(torch.nn, type(part).__name__, None) else None
        if make is None:
            raise ConfigurationError(f"module {place or 'itself'}, {part!r}, is none that the library has a layer for")
        try:
            layers.append(make(part))
        except ScratchworkError as error:
            raise ConfigurationError(f"module {place or 'itself'}: {error}") from error
    if not layers:
        raise ConfigurationError("the nn.Sequential is empty")
    wide = any(parameter.dtype == torch.float64 for parameter in module.parameters())
    network = Sequential(layers)
    shape: Any = _first_shape([part for _, part in found]) if in_shape is None else in_shape
    network.build(shape, 0, "float64" if wide else "float32")
    for layer, rows, (place, part) in zip(layers, network.shapes, found, strict=False):
        _require_last_axis(part, rows, place)
        _copy(layer, part, place)
    return network


def _require_last_axis(part: Any, rows: Shape, place: str) -> None:
    """The library works along the last axis of its rows; PyTorch along `dim`, and in a BatchNorm1d along the first."""
    kind = type(part).__name__
    if (kind == "Softmax" and part.dim not in (-1, len(rows))) or (kind == "BatchNorm1d" and len(rows) != 1):
        raise ConfigurationError(f"module {place or 'itself'}, {part!r}, works along another axis than the last of rows {rows}")


def _modules(module: Any, torch: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """The modules in the order in which rows go through them, with their places."""
    if type(module) is not torch.nn.Sequential:
        yield place, module
        return
    for name, part in module._modules.items():  # `named_children` leaves out a module that was there before
        yield from _modules(part, torch, f"{place}.{name}" if place else name)


def _first_shape(modules: list[Any]) -> Shape:
    for part in modules:
        if type(part).__name__ == "Unflatten":  # what stands behind it takes other rows
            break
        size = getattr(part, "in_features", None) or getattr(part, "num_features", None)
        if size is None and type(part).__name__ == "LayerNorm":
            size = part.normalized_shape[-1]
        if size is not None:
            return (int(size),)
    raise ConfigurationError("no module says how wide a row is: give in_shape")


def _copy(layer: Layer, part: Any, place: str) -> None:
    """The numbers of a module into the layer made for it."""
    names = {"weight": "gamma", "bias": "beta"} if not isinstance(layer, kinds.Dense) else {"weight": "weight", "bias": "bias"}
    targets = {name: parameter.value for name, parameter in layer.parameters()} | dict(layer.buffers())
    for theirs, ours in (*names.items(), ("running_mean", "running_mean"), ("running_var", "running_var")):
        tensor = getattr(part, theirs, None)
        if tensor is None or ours not in targets:
            continue
        array: Array = tensor.detach().cpu().to(dtype=_torch().float64).numpy()
        array = array.T if isinstance(layer, kinds.Dense) and theirs == "weight" else array
        if array.shape != targets[ours].shape:
            raise ShapeError(f"module {place}, {part!r}, has a {theirs} of shape {array.shape}, not {targets[ours].shape}")
        if not np.isfinite(array).all():
            raise ConfigurationError(f"module {place}, {part!r}, has a {theirs} with NaN or an infinity")
        targets[ours][...] = array


def to_torch(network: Sequential | Model) -> Any:
    """The layers of a network as an `nn.Sequential` with the same weights, in evaluation mode; of a Model its network.

    Raises
    ------
    ConfigurationError
        A layer that torch.nn has no module for (Step, Scale, Rescaling, Parallel, Average, vanilla dropout).
    NotBuiltError, MissingDependencyError
        The network has no parameters yet; PyTorch is not installed.
    """
    torch = _torch()
    network = network.network if isinstance(network, Model) else network
    if not isinstance(network, Sequential):
        raise ConfigurationError(f"to_torch takes a Sequential; received {network!r}")
    return _chain(network, torch, "layer ").eval()


def _chain(network: Sequential, torch: Any, prefix: str) -> Any:
    shape, modules = network.in_shape, []
    for index, layer in enumerate(network.layers):
        place = f"{prefix}{index}"
        if type(layer) is Sequential:
            modules.append(_chain(layer, torch, f"{place}."))
        else:
            modules += _as_modules(layer, shape, torch, place)
        shape = network.shapes[index + 1]
    return torch.nn.Sequential(*modules).to(torch.float64 if network.dtype == np.float64 else torch.float32)


def _as_modules(layer: Any, in_shape: Shape, torch: Any, place: str) -> list[Any]:
    nn = torch.nn
    flat = len(in_shape) == 1
    makers: dict[type[Layer], Callable[[], Any]] = {
        kinds.Dense: lambda: nn.Linear(in_shape[0], layer.units, bias=layer.use_bias),
        kinds.Linear: nn.Identity,
        kinds.Sigmoid: nn.Sigmoid,
        kinds.Tanh: nn.Tanh,
        kinds.ReLU: nn.ReLU,
        kinds.LeakyReLU: lambda: nn.LeakyReLU(layer.negative_slope),
        kinds.ELU: lambda: nn.ELU(layer.alpha),
        kinds.SELU: nn.SELU,
        kinds.Softplus: nn.Softplus,
        kinds.GELU: lambda: nn.GELU(approximate=layer.approximate),
        kinds.SiLU: nn.SiLU,
        kinds.Mish: nn.Mish,
        kinds.Softmax: lambda: nn.Softmax(dim=-1),
        kinds.Dropout: lambda: nn.Dropout(layer.rate) if layer.inverted else None,
        kinds.BatchNorm: lambda: nn.BatchNorm1d(in_shape[0], eps=layer.eps, momentum=1.0 - layer.momentum) if flat else None,
        kinds.LayerNorm: lambda: nn.LayerNorm(in_shape[-1], eps=layer.eps),
        kinds.Flatten: nn.Flatten,
        kinds.Reshape: lambda: nn.Unflatten(1, layer._out_shape(in_shape)),
    }
    make = makers.get(type(layer))
    module = None if make is None else make()
    if module is None:
        raise ConfigurationError(f"{place}, {layer!r}, has no module in torch.nn that does the same")
    names = {"gamma": "weight", "beta": "bias"}
    arrays = {name: parameter.value for name, parameter in layer.parameters()} | dict(layer.buffers())
    with torch.no_grad():
        for name, array in arrays.items():
            if name != "seed":
                turned = array.T if name == "weight" else array
                target = getattr(module, names.get(name, name))
                target.data = torch.from_numpy(np.array(turned, order="C"))
    return [nn.Flatten(), module] if type(layer) is kinds.Reshape and not flat else [module]


def _torch() -> Any:
    try:
        import torch  # type: ignore[import-not-found]
    except ImportError:
        raise MissingDependencyError("networks of PyTorch need torch: pip install torch") from None
    return torch


ACTIVATIONS: dict[str, type[Layer]] = {
    "identity": kinds.Linear,
    "logistic": kinds.Sigmoid,
    "tanh": kinds.Tanh,
    "relu": kinds.ReLU,
}
"""Activations by the names that scikit-learn gives them."""


def from_sklearn(estimator: Any) -> Model:
    """A fitted MLPClassifier or MLPRegressor of scikit-learn, also behind StandardScalers in a Pipeline, as a Model.

    It predicts the same labels, probabilities and numbers, and can be trained on: with "SoftmaxCrossEntropy",
    "SigmoidBinaryCrossEntropy" (two classes, or several labels at once), "MeanSquaredError" or "Poisson".

    Raises
    ------
    ConfigurationError
        Another kind of estimator, or one that is not fitted or has diverged.
    """
    before, last = _pipeline(estimator)
    if type(last).__name__ not in ("MLPClassifier", "MLPRegressor") or not hasattr(last, "activation"):
        raise ConfigurationError(f"from_sklearn takes an MLPClassifier or MLPRegressor; received {estimator!r}")
    if not hasattr(last, "coefs_"):
        raise ConfigurationError(f"{last!r} is not fitted yet: call its fit first")
    if not all(np.isfinite(array).all() for array in (*last.coefs_, *last.intercepts_)):
        raise ConfigurationError(f"{last!r} has weights with NaN or an infinity: a network that diverged is not taken over")
    layers: list[Layer] = []
    for index, weight in enumerate(last.coefs_):
        layers.append(kinds.Dense(weight.shape[1]))
        if index < len(last.coefs_) - 1 and last.activation != "identity":
            layers.append(ACTIVATIONS[last.activation]())
    network = Sequential(layers)
    network.build((last.coefs_[0].shape[0],), 0, "float32" if last.coefs_[0].dtype == np.float32 else "float64")
    dense = [layer for layer in layers if isinstance(layer, kinds.Dense)]
    for layer, weight, bias in zip(dense, last.coefs_, last.intercepts_, strict=True):
        for (_, parameter), array in zip(layer.parameters(), (weight, bias), strict=True):
            parameter.value[...] = array
    steps = [_standardize(scaler, network.in_shape) for scaler in before]
    names = getattr(estimator, "feature_names_in_", None)
    links = {"softmax": "softmax", "logistic": "sigmoid", "identity": "identity", "exp": "exp"}
    link = links.get(last.out_activation_)
    if link is None:
        raise ConfigurationError(f"{last!r} ends in {last.out_activation_!r}, which the library does not have")
    regression = type(last).__name__ == "MLPRegressor"
    task = "regression" if regression else "multiclass" if link == "softmax" else "attributes"
    labels = None
    if not regression and (link == "softmax" or network.out_shape == (1,)):
        labels = last.classes_.tolist()
    return Model(network, preprocessing=steps, task=task, link=link, labels=labels, feature_names=names)


def _pipeline(estimator: Any) -> tuple[list[Any], Any]:
    """The scalers and the network of a Pipeline; of an estimator alone none and itself."""
    if type(estimator).__name__ != "Pipeline" or not hasattr(estimator, "steps"):
        return [], estimator
    parts = [part for _, part in estimator.steps if part not in (None, "passthrough")]
    for part in parts[:-1]:
        if type(part).__name__ != "StandardScaler" or not hasattr(part, "scale_"):
            raise ConfigurationError(f"the step {part!r} is no fitted StandardScaler, and no other is taken over")
    return parts[:-1], parts[-1] if parts else None


def _standardize(scaler: Any, shape: Shape) -> Transformer:
    step = Standardize()
    mean = np.zeros(shape) if scaler.mean_ is None or not scaler.with_mean else scaler.mean_
    scale = np.ones(shape) if scaler.scale_ is None else scaler.scale_
    step.load_state({"mean_": np.asarray(mean, np.float64), "scale_": np.asarray(scale, np.float64)})
    return step
