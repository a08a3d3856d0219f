"""The table of what can be exported: for every layer and every transformer, the operations that it becomes.

A class stands in `LAYER_ROWS` or `TRANSFORMER_ROWS` by itself, not by what it inherits from: a layer that inherits from
`Dense` may compute something else. What stands in neither table is refused by name before anything is written; what a
target cannot write is refused by that target (`refusal` in its writer).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from .. import layers as kinds
from ..arrays import Array, Shape
from ..errors import ConfigurationError, NotBuiltError
from ..layers import Layer
from ..preprocessing import (
    PCA,
    Chain,
    MeanSubtraction,
    MinMax,
    OneHot,
    Rescale,
    RobustScale,
    SmoothClip,
    Standardize,
    TableEncoder,
    Transformer,
    Whiten,
)
from ..sequential import Sequential
from . import operations as ops

Lowered: TypeAlias = list[ops.Operation]


def _value(array: Array | None) -> Array:
    if array is None:
        raise NotBuiltError("the network has no parameters yet: call fit, or build(in_shape), before exporting it")
    return array


def _batch_norm(layer: Any) -> Lowered:
    mean, variance, gamma = _value(layer.running_mean), _value(layer.running_var), layer.gamma.value
    factor = gamma * (1.0 / np.sqrt(variance + layer.eps))
    return [ops.Features(subtract=mean, multiply=factor, add=layer.beta.value, norm=(gamma, variance, layer.eps))]


def _dropout(layer: Any) -> Lowered:
    return [] if layer.inverted or layer.rate == 0.0 else [ops.Features(multiply=1.0 - layer.rate)]


def _rescaling(layer: Any) -> Lowered:
    return [ops.Features(multiply=layer.factor, add=layer.offset or None)]


def _elementwise(function: str, parameter: str = "") -> Callable[[Any], Lowered]:
    return lambda layer: [ops.Elementwise(function, float(getattr(layer, parameter)) if parameter else 0.0)]


LAYER_ROWS: dict[type[Layer], Callable[[Any], Lowered]] = {
    kinds.Dense: lambda layer: [ops.Product(layer.weight.value, None if layer.bias is None else layer.bias.value)],
    kinds.Linear: lambda layer: [],
    kinds.Step: _elementwise("step"),
    kinds.Sigmoid: _elementwise("sigmoid"),
    kinds.Tanh: _elementwise("tanh"),
    kinds.ReLU: _elementwise("relu"),
    kinds.LeakyReLU: _elementwise("leaky_relu", "negative_slope"),
    kinds.ELU: _elementwise("elu", "alpha"),
    kinds.SELU: _elementwise("selu"),
    kinds.Softplus: _elementwise("softplus"),
    kinds.GELU: lambda layer: [ops.Elementwise("gelu_tanh" if layer.approximate == "tanh" else "gelu")],
    kinds.SiLU: _elementwise("silu"),
    kinds.Mish: _elementwise("mish"),
    kinds.Softmax: lambda layer: [ops.Softmax()],
    kinds.Dropout: _dropout,
    kinds.BatchNorm: _batch_norm,
    kinds.LayerNorm: lambda layer: [ops.Normalize(layer.gamma.value, layer.beta.value, layer.eps)],
    kinds.Flatten: lambda layer: [ops.Reshaped((-1,))],
    kinds.Reshape: lambda layer: [ops.Reshaped(layer.shape)],
    kinds.Scale: lambda layer: [ops.Features(multiply=layer.gamma.value)],
    kinds.Rescaling: _rescaling,
    kinds.Parallel: lambda layer: [],  # its networks are walked through by `network_steps`
    kinds.Average: lambda layer: [ops.Mean(layer.parts)],
}
"""Layer -> its operations at prediction. `Parallel` and `Sequential` hold layers: they become `Together`, and a chain."""


def _robust(step: Any) -> Lowered:
    constant = step.scale_ == 0
    zero = np.where(constant, 0.0, 1.0) if constant.any() else None
    return [ops.Features(subtract=step.median_, divide=np.where(constant, 1.0, step.scale_), multiply=zero)]


def _min_max(step: Any) -> Lowered:
    return [ops.Features(subtract=step.min_, divide=step.range_, multiply=step.high - step.low, add=step.low)]


def _whiten(step: Any) -> Lowered:
    scale = np.sqrt(step.explained_variance_ + step.eps)
    back: Lowered = [ops.Product(step.components_)] if step.method == "zca" else []
    return [ops.Features(subtract=step.mean_), ops.Product(step.components_.T), ops.Features(divide=scale), *back]


TRANSFORMER_ROWS: dict[type[Transformer], Callable[[Any], Lowered]] = {
    MeanSubtraction: lambda step: [ops.Features(subtract=step.mean_ if step.mean_.ndim else float(step.mean_))],
    Standardize: lambda step: [ops.Features(subtract=step.mean_, divide=step.scale_)],
    MinMax: _min_max,
    Rescale: lambda step: [ops.Features(multiply=step.factor, add=step.offset)],
    RobustScale: _robust,
    SmoothClip: _elementwise("smooth_clip", "limit"),
    PCA: lambda step: [ops.Features(subtract=step.mean_), ops.Product(step.components_.T)],
    Whiten: _whiten,
    OneHot: lambda step: [ops.Categories(tuple(step.categories_.tolist()))],
    TableEncoder: lambda step: [ops.Columns(tuple(encoding for encoding in step.encodings_ if encoding.outputs()))],
    Chain: lambda step: [operation for part in step.steps for operation in _row(part, TRANSFORMER_ROWS, "")(part)],
}
"""Transformer -> its operations, in float64."""


def _row(thing: Any, table: Any, place: str) -> Callable[[Any], Lowered]:
    row: Callable[[Any], Lowered] | None = table.get(type(thing))
    if row is None:
        raise ConfigurationError(
            f"{place or repr(thing)} cannot be exported: {type(thing).__name__} is no class of the library; nothing was written"
        )
    return row


def network_steps(network: Sequential, prefix: str = "layer ") -> tuple[ops.Step, ...]:
    """The steps of a network; each is placed as "layer 2, ReLU()", inside others as "layer 2.0.1, ReLU()"."""
    if type(network) is not Sequential:
        raise ConfigurationError(f"{network!r} cannot be exported: it is no Sequential; nothing was written")
    steps: list[ops.Step] = []
    shape, dtype = network.in_shape, network.dtype.name
    for index, layer in enumerate(network.layers):
        steps += _layer_steps(layer, f"{prefix}{index}", shape, dtype)
        shape = network.shapes[index + 1]
    return tuple(steps)


def _layer_steps(layer: Layer, number: str, in_shape: Shape, dtype: str) -> tuple[ops.Step, ...]:
    if type(layer) is Sequential:
        return network_steps(layer, f"{number}.")
    place = f"{number}, {layer!r}"
    if type(layer) is kinds.Parallel:
        members = tuple(_layer_steps(member, f"{number}.{i}", in_shape, dtype) for i, member in enumerate(layer.networks))
        return (ops.Step(f"{number}, Parallel", ops.Together(members), in_shape, (len(members) * layer.width,), dtype),)
    return placed(_row(layer, LAYER_ROWS, place)(layer), place, in_shape, dtype)


def preprocessing_steps(chain: Chain, in_shape: Shape, dtype: str) -> tuple[ops.Step, ...]:
    """The steps of a model's preprocessing for rows of `in_shape`, and the conversion to the type of its network."""
    steps: list[ops.Step] = []
    for index, step in enumerate(chain.steps):
        place = f"preprocessing {index}, {step!r}"
        new = placed(_row(step, TRANSFORMER_ROWS, place)(step), place, in_shape, "float64")
        steps += new
        in_shape = new[-1].out_shape if new else in_shape
    if steps:
        steps += placed([ops.Convert(dtype)], f"conversion to {dtype}", in_shape, dtype)
    return tuple(steps)


def placed(operations: Sequence[ops.Operation], place: str, in_shape: Shape, dtype: str) -> tuple[ops.Step, ...]:
    """Operations in a row as steps with their shapes."""
    steps = []
    for operation in operations:
        out_shape = _out_shape(operation, in_shape)
        if isinstance(operation, ops.Reshaped):
            operation = ops.Reshaped(out_shape)
        steps.append(ops.Step(place, operation, in_shape, out_shape, dtype))
        in_shape = out_shape
    return tuple(steps)


def _out_shape(operation: ops.Operation, in_shape: Shape) -> Shape:
    size = math.prod(in_shape)
    if isinstance(operation, ops.Product):
        return (operation.weight.shape[1],)
    if isinstance(operation, ops.Reshaped):
        known = math.prod(number for number in operation.shape if number != -1)
        return tuple(size // known if number == -1 else number for number in operation.shape)
    if isinstance(operation, ops.Mean):
        return (size // operation.parts,)
    if isinstance(operation, ops.Categories):
        return (len(operation.values),)
    if isinstance(operation, ops.Columns):
        return (sum(len(encoding.outputs()) for encoding in operation.encodings),)
    return in_shape


def rows_shape(chain: Chain, shape: Shape) -> Shape:
    """The shape of one raw row of which `chain` makes rows of `shape`; for a table (its number of columns,)."""
    for step in reversed(chain.steps):
        if isinstance(step, Chain):
            shape = rows_shape(step, shape)
        elif isinstance(step, TableEncoder):
            shape = (sum(bool(encoding.outputs()) for encoding in step.encodings_),)
        elif isinstance(step, OneHot):
            shape = (1,)
        elif isinstance(step, PCA | Whiten):
            shape = step.mean_.shape
    return shape
