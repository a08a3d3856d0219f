"""The rows of an ONNX graph on their way: the layers that they have gone through, and a node with its inputs."""

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from .. import layers as kinds
from ..arrays import Array, Shape
from ..errors import FileFormatError
from ..layers import Layer
from .onnx_file import Room, attributes


@dataclass(frozen=True, eq=False)
class Affine:
    """y = x · factor + offset per feature, or (x − center) / scale: what is not yet known to be a layer or preprocessing."""

    center: Array
    scale: Array


@dataclass(frozen=True, eq=False)
class Marked:
    """A node that means something only together with the one that follows: Erf, Exp, Greater."""

    operator: str
    number: float = 0.0


Link: TypeAlias = Layer | Affine | Marked


@dataclass(frozen=True, eq=False)
class Chain:
    """What has happened to the rows so far, layer by layer, with the numbers of each; and the shape of one row."""

    shape: Shape
    links: tuple[Link, ...] = ()
    columns: int = 1
    """2 for the probabilities [1 − p, p] of one output."""

    start: Shape = ()
    """The shape of rows of the graph's input."""

    wide: bool = False
    """Whether that holds float64."""

    def then(self, link: Link, shape: Shape | None = None) -> "Chain":
        """One link more."""
        return replace(self, links=(*self.links, link), shape=self.shape if shape is None else shape)

    def without_last(self, count: int = 1) -> "Chain":
        """Without the last links."""
        return replace(self, links=self.links[:-count])

    def begins(self, other: "Chain", more: int) -> bool:
        """Whether `other` is this chain and so many links more."""
        same = len(other.links) == len(self.links) + more
        return same and all(a is b for a, b in zip(self.links, other.links, strict=False))


@dataclass(frozen=True, eq=False)
class Label:
    """A decision about rows: which output is largest, or which are above a threshold."""

    chain: Chain
    labels: list[Any] | None = None
    threshold: float | None = None


Numbers: TypeAlias = dict[int, tuple[Layer, dict[str, Array]]]
"""The numbers of each layer, by its id; the layer beside them, so that it lives and no other gets the id."""


@dataclass(frozen=True, eq=False)
class Node:
    """A node with its inputs looked up: chains, labels, constants, or None for what is left out."""

    operator: str
    name: str
    inputs: list[Any]
    settings: dict[str, Any]
    opset: int
    arrays: Numbers
    room: Room

    def refused(self, why: str) -> FileFormatError:
        """The error for this node."""
        return FileFormatError(f"the node {self.name!r} of type {self.operator} cannot be imported: {why}")

    def data(self) -> tuple[Chain, list[Any]]:
        """The chain among the inputs, and the others, which must be constants."""
        if not self.inputs or not isinstance(self.inputs[0], Chain) or self.inputs[0].columns != 1:
            raise self.refused("its first input is not what comes from the layers before it")
        rest = self.inputs[1:]
        if any(isinstance(entry, Chain | Label) for entry in rest):
            raise self.refused("an import reads networks in which each layer takes what the one before it gives")
        return self.inputs[0], rest

    def array(self, index: int) -> Array:
        """A constant input."""
        if index >= len(self.inputs) or not isinstance(self.inputs[index], np.ndarray):
            raise self.refused(f"its input {index} is no constant")
        found: Array = self.inputs[index]
        return found

    def keep(self, layer: Layer, found: dict[str, Array]) -> None:
        """Remember the numbers of a layer, which will be made of the file's."""
        self.room.take(sum(array.size for array in found.values()))
        self.arrays[id(layer)] = layer, found


def node_of(proto: Any, index: int, values: dict[str, Any], opset: int, arrays: Numbers, room: Room) -> Node:
    """A node of a graph with its inputs looked up; FileFormatError for an input that nothing has given."""
    name = proto.name or f"{proto.op_type} number {index}"
    operator = f"{proto.domain}.{proto.op_type}" if proto.domain not in ("", "ai.onnx") else proto.op_type
    for entry in proto.input:
        if entry and entry not in values:
            raise FileFormatError(f"the node {name!r} of type {operator} takes {entry!r}, which no node before it gives")
    if any(entry in values for entry in proto.output):
        raise FileFormatError(f"the node {name!r} of type {operator} gives what is there already")
    inputs = [values[entry] if entry else None for entry in proto.input]
    return Node(operator, name, inputs, attributes(proto), opset, arrays, room)


def dense(node: Node, chain: Chain, weight: Array, bias: Array | None) -> Chain:
    """A Dense layer with these numbers."""
    if weight.ndim != 2 or len(chain.shape) != 1 or weight.shape[0] != chain.shape[0] or not weight.size:
        raise node.refused(f"rows of shape {chain.shape} do not go through a weight of shape {weight.shape}")
    units = weight.shape[1]
    if bias is not None and bias.size not in (1, units):
        raise node.refused(f"its bias of shape {bias.shape} is not one number per output, of which there are {units}")
    layer = kinds.Dense(units, use_bias=bias is not None)
    found = {"weight": weight} | ({} if bias is None else {"bias": np.broadcast_to(bias.reshape(-1), (units,))})
    node.keep(layer, found)
    return chain.then(layer, (units,))


def merged(node: Node, chain: Chain, after: Affine) -> Chain:
    """The chain with a shift and a scale more: two in a row are one, and what changes nothing is none."""
    last = chain.links[-1] if chain.links else None
    before = [last.center.size, last.scale.size] if isinstance(last, Affine) else []
    node.room.take(2 * max(after.center.size, after.scale.size, *before, 0))
    if not isinstance(last, Affine):
        return chain.then(after)
    # ((x − c)/s − d)/t = (x − (c + d s)) / (s t)
    center, scale = last.center + after.center * last.scale, last.scale * after.scale
    if np.all(center == 0) and np.all(np.abs(scale - 1.0) < 1e-7):
        return chain.without_last()
    return chain.without_last().then(Affine(center, scale))
