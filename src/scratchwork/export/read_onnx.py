"""Dense networks from ONNX files: parameters and labels become a Sequential or a Model that can be trained on."""

import json
import math
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np

from .. import layers as kinds
from ..errors import FileFormatError, ScratchworkError
from ..layers import Layer
from ..model import Model
from ..preprocessing import Rescale, Standardize, Transformer
from ..sequential import Sequential
from .onnx_chain import Affine, Chain, Label, Marked, Numbers, node_of
from .onnx_file import Room, array_of, attributes, read_model, rows_shape
from .onnx_nodes import OPERATORS


def from_onnx(path: str | PathLike[str]) -> Sequential | Model:
    """The network in an ONNX file: a Sequential, or a Model where the file has labels or preprocessing.

    Dense networks of one chain are read, as scratchwork, PyTorch (`torch.onnx.export`), Keras (tf2onnx) and scikit-learn
    (skl2onnx, also behind a StandardScaler) write them. A softmax or sigmoid before a label becomes the model's link, so
    that training goes on with `SoftmaxCrossEntropy` or `SigmoidBinaryCrossEntropy`. Nothing in the file is run.

    Raises
    ------
    FileFormatError
        The file is damaged, or holds a node that the library has no layer for; the message names it.
    MissingFileError, MissingDependencyError
        There is no such file; `onnx` is not installed.
    """
    proto = read_model(path)
    try:
        with np.errstate(all="ignore"):  # what overflows is refused in the end
            return _imported(proto)
    except ScratchworkError as error:
        raise FileFormatError(f"{path}: {error}") from error
    except MemoryError as error:
        raise FileFormatError(f"{path} does not fit into memory") from error
    except (ValueError, TypeError, IndexError, KeyError, OverflowError) as error:  # whatever a damaged file leads to
        raise FileFormatError(f"{path} is damaged: {' '.join(str(error).split())[:200]}") from error


def _imported(proto: Any) -> Sequential | Model:
    graph = proto.graph
    opset = max((entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    values: dict[str, Any] = {tensor.name: array_of(tensor, tensor.name) for tensor in graph.initializer}
    inputs = [entry for entry in graph.input if entry.name not in values]
    if len(inputs) != 1:
        raise FileFormatError(f"the graph has {len(inputs)} inputs, and an import reads networks of one")
    shape, dtype = rows_shape(inputs[0])
    values[inputs[0].name] = Chain(shape, start=shape, wide=dtype is np.float64)
    arrays: Numbers = {}
    room = Room(proto.ByteSize())
    for index, entry in enumerate(graph.node):
        if entry.op_type == "Constant" and not entry.domain:
            values[entry.output[0]] = _constant(entry)
            continue
        node = node_of(entry, index, values, opset, arrays, room)
        read = OPERATORS.get(node.operator)
        if read is None:
            raise node.refused("an import reads dense layers, activations and normalization, and labels at the end")
        found = read(node)
        if not entry.output:
            raise node.refused("it gives nothing")
        values[entry.output[0]] = found
    outputs = []
    for entry in graph.output:
        if entry.name not in values:
            raise FileFormatError(f"no node gives the output {entry.name!r}")
        outputs.append((entry.name, values[entry.name]))
    metadata = _metadata(proto) if proto.producer_name == "scratchwork" else {}
    return _assembled(outputs, arrays, metadata, room)


def _constant(entry: Any) -> Any:
    settings = attributes(entry)
    name, value = next(iter(settings.items()), ("", None))
    if name == "value":
        return array_of(value, entry.output[0])
    if name in ("value_float", "value_floats"):
        return np.array(value, np.float32)
    if name in ("value_int", "value_ints"):
        return np.array(value, np.int64)
    raise FileFormatError(f"the constant {entry.output[0]!r} is neither of numbers nor of texts")


def _metadata(proto: Any) -> dict[str, Any]:
    """What our own exports say beside the graph."""
    found = {}
    for entry in proto.metadata_props:
        try:
            found[entry.key] = json.loads(entry.value)
        except (ValueError, RecursionError):
            continue
    return found


def _assembled(outputs: list[tuple[str, Any]], arrays: Numbers, metadata: dict[str, Any], room: Room) -> Sequential | Model:
    """The network of the outputs, with labels and preprocessing where there are some."""
    chains = [value for _, value in outputs if isinstance(value, Chain)]
    labels = [value for _, value in outputs if isinstance(value, Label)]
    if len(chains) != 1 or len(labels) > 1 or len(chains) + len(labels) < len(outputs):
        raise FileFormatError(f"the graph has the outputs {', '.join(name for name, _ in outputs)}: one of numbers is read")
    chain, label = chains[0], labels[0] if labels else None
    first = chain.links[0] if chain.links else None
    if isinstance(first, Affine):  # which may become one number per feature
        room.take(2 * math.prod(chain.start) if first.center.ndim or first.scale.ndim else 2)
    names = {name: metadata.get(name) for name in ("feature_names", "target_name")}
    if label is None:
        return _numbers(chain, arrays, names, bare=outputs[0][0] == "outputs" and bool(metadata), ours=bool(metadata))
    return _decided(chain, label, arrays, metadata, names)


def _decided(
    chain: Chain, label: Label, arrays: Numbers, metadata: dict[str, Any], names: dict[str, Any]
) -> Sequential | Model:
    """Outputs with labels: the softmax or sigmoid at the end becomes the model's link."""
    base = label.chain
    end: type[Layer] = kinds.Softmax if label.threshold is None and base.columns == 1 else kinds.Sigmoid
    inside = bool(base.links) and isinstance(base.links[-1], end)
    behind = base.begins(chain, 1) and isinstance(chain.links[-1], end)
    if not (behind and not inside) and not base.begins(chain, 0):
        raise FileFormatError("its labels and its numbers come from different places in the network")
    if base.columns == 2 and not inside:
        raise FileFormatError("its two columns are no probabilities: no sigmoid stands before them")
    if label.threshold is not None and label.threshold != (0.5 if inside else 0.0):
        raise FileFormatError(f"its labels begin at {label.threshold:g}, where the library takes the middle")
    link = ("softmax" if end is kinds.Softmax else "sigmoid") if inside or behind else None
    network, before = _network(replace(base.without_last() if inside else base, columns=1), arrays)
    known = label.labels if label.labels is not None else metadata.get("labels")
    task = "multiclass" if end is kinds.Softmax else "attributes"
    return _model(network, before, task=task, link=link, labels=known, **names)


def _numbers(chain: Chain, arrays: Numbers, names: dict[str, Any], *, bare: bool, ours: bool) -> Sequential | Model:
    """Outputs without labels: a network; a regression where something is done before it, or to its outputs."""
    last = chain.links[-1] if chain.links else None
    exponent = isinstance(last, Marked) and last.operator == "Exp"
    first = chain.links[0] if chain.links else None
    scalar = isinstance(first, Affine) and first.center.ndim == first.scale.ndim == 0
    inside = bare or (scalar and not ours)
    network, before = _network(chain.without_last() if exponent else chain, arrays, inside=inside)
    if not (exponent or before or (ours and not bare)):
        return network
    return _model(network, before, task="regression", link="exp" if exponent else "identity", **names)


def _model(network: Sequential, before: list[Transformer], **settings: Any) -> Model:
    model = Model(network, preprocessing=before, **settings)
    model.check_labels()
    return model


def _network(chain: Chain, arrays: Numbers, *, inside: bool = False) -> tuple[Sequential, list[Transformer]]:
    """A built network with the numbers of the file, and what is done before it; `inside` makes layers of that too."""
    links = list(chain.links)
    before: list[Transformer] = []
    if links and isinstance(links[0], Affine) and not inside:
        before = [_transformer(links[0], chain.start)]
        del links[0]
    layers: list[Layer] = []
    for link in links:
        if isinstance(link, Marked):
            raise FileFormatError(f"a node of type {link.operator} stands where no layer of the library has it")
        layers.append(_affine_layer(link, arrays) if isinstance(link, Affine) else link)
    known = [arrays[id(layer)] for layer in layers if id(layer) in arrays]
    wide = [array.dtype for _, found in known for array in found.values()]
    network = Sequential(layers or [kinds.Linear()])
    double = wide[-1] == np.float64 if wide else chain.wide
    network.build(chain.start, 0, np.float64 if double else np.float32)
    for layer, found in known:
        targets = {name: parameter.value for name, parameter in layer.parameters()} | dict(layer.buffers())
        for name, array in found.items():
            targets[name][...] = array
            if not np.isfinite(targets[name]).all():
                raise FileFormatError(f"the {name} of {layer!r} is too large for {targets[name].dtype}")
    return network, before


def _transformer(affine: Affine, shape: tuple[int, ...]) -> Transformer:
    if affine.center.ndim == 0 and affine.scale.ndim == 0:
        return Rescale(float(1.0 / affine.scale), float(-affine.center / affine.scale))
    step = Standardize()
    arrays = {"mean_": affine.center, "scale_": affine.scale}
    step.load_state({name: np.array(np.broadcast_to(array, shape)) for name, array in arrays.items()})
    return step


def _affine_layer(affine: Affine, arrays: Numbers) -> Layer:
    """A shift and a scale inside the network: one number as `Rescaling`, factors as `Scale`, both as `BatchNorm`."""
    if affine.center.ndim == 0 and affine.scale.ndim == 0:
        return kinds.Rescaling(float(1.0 / affine.scale), float(-affine.center / affine.scale))
    if not affine.center.any():
        scale = kinds.Scale()
        arrays[id(scale)] = scale, {"gamma": (1.0 / affine.scale).astype(np.float32)}
        return scale
    norm = kinds.BatchNorm()
    variance = affine.scale * affine.scale
    gain = np.sqrt(variance + norm.eps) / affine.scale
    found = {"gamma": gain, "beta": np.zeros_like(gain), "running_mean": affine.center, "running_var": variance}
    arrays[id(norm)] = norm, {name: np.asarray(array, np.float32) for name, array in found.items()}
    return norm
