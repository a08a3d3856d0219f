"""What each ONNX operator does to a chain of layers: the table of what an import reads."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .. import layers as kinds
from ..arrays import Array
from ..errors import FileFormatError, ScratchworkError
from ..layers import Layer
from .onnx_chain import Affine, Chain, Label, Marked, Node, dense, merged
from .onnx_file import KINDS

# Products


def _gemm(node: Node) -> Chain:
    chain, rest = node.data()
    if node.settings.get("transA", 0):
        raise node.refused("it turns its rows into columns (transA)")
    weight = node.array(1).astype(np.result_type(node.array(1), np.float32)) * node.settings.get("alpha", 1.0)
    bias = node.array(2) * node.settings.get("beta", 1.0) if len(rest) > 1 and rest[1] is not None else None
    return dense(node, chain, weight.T if node.settings.get("transB", 0) else weight, bias)


# Numbers added to features, and factors


def _arithmetic(node: Node) -> Chain:
    first, second = node.inputs[0], node.inputs[1]
    if isinstance(first, Chain) and isinstance(second, Chain):
        return _joined(node, first, second)
    if isinstance(second, Chain) and isinstance(first, np.ndarray):
        if node.operator == "Sub" and first.size == 1 and first.reshape(-1)[0] == 1:
            return second.then(Marked("1 - p"))
        if node.operator not in ("Add", "Mul"):
            raise node.refused("it takes a constant minus, or divided by, what comes from the layers before it")
        first, second = second, first
    if not isinstance(first, Chain) or not isinstance(second, np.ndarray) or second.dtype.kind != "f":
        raise node.refused("an import reads arithmetic of one chain of layers and constants")
    value = _per_feature(node, first, second)
    last = first.links[-1] if first.links else None
    if node.operator == "Add" and isinstance(last, kinds.Dense) and not last.use_bias and value.size in (1, last.units):
        _, kept = node.arrays[id(last)]
        return dense(node, replace(first.without_last(), shape=(kept["weight"].shape[0],)), kept["weight"], value)
    affine = {
        "Add": lambda: Affine(-value, np.ones_like(value)),
        "Sub": lambda: Affine(value, np.ones_like(value)),
        "Mul": lambda: Affine(np.zeros_like(value), 1.0 / value),
        "Div": lambda: Affine(np.zeros_like(value), value),
    }
    if node.operator in ("Mul", "Div") and not (np.isfinite(1.0 / value) & (value != 0)).all():
        raise node.refused("a factor of 0 takes a feature away")
    return merged(node, first, affine[node.operator]())


def _per_feature(node: Node, chain: Chain, value: Array) -> Array:
    """A constant as numbers for one row: a single one, or as many as the row has, in float64."""
    if value.size == 1:  # 0.8 is stored as 0.8000000119
        return np.array(float(str(value.reshape(-1)[0])))
    value = value.astype(np.float64)
    shape = value.shape[1:] if value.ndim == len(chain.shape) + 1 and value.shape[0] == 1 else value.shape
    if len(shape) > len(chain.shape) or shape != chain.shape[len(chain.shape) - len(shape) :]:
        raise node.refused(f"its constant of shape {value.shape} does not fit rows of shape {chain.shape}")
    return value.reshape(shape)


def _joined(node: Node, a: Chain, b: Chain) -> Chain:
    """Two branches of one chain multiplied: the activations that are written so."""
    if len(a.links) > len(b.links):
        a, b = b, a
    same = next((i for i, (one, two) in enumerate(zip(a.links, b.links, strict=False)) if one is not two), len(a.links))
    start, left, right = replace(a, links=a.links[:same]), a.links[same:], b.links[same:]
    if node.operator == "Mul" and a.columns == b.columns == 1:
        more = [type(link) for link in right]
        if not left and more == [kinds.Sigmoid]:
            return start.then(kinds.SiLU())
        if not left and more == [kinds.Softplus, kinds.Tanh]:
            return start.then(kinds.Mish())
        if more == [Affine, Marked, Affine] and (scale := _gelu_scale(left, right)) is not None:
            gelu = start.then(kinds.GELU())
            return gelu if abs(scale - 1.0) < 1e-6 else merged(node, gelu, Affine(np.zeros(()), np.array(scale)))
    raise node.refused("an import reads networks in which each layer takes what the one before it gives")


def _gelu_scale(left: tuple[Any, ...], right: tuple[Any, ...]) -> float | None:
    """What GELU is divided by where x/s, or x itself, is multiplied by (1 + erf(x/√2))/t; None where it is none."""
    inside, erf, outside = right
    shifts, scales = [(inside.center, 0.0), (outside.center, -1.0)], [outside.scale]
    if len(left) == 1 and isinstance(left[0], Affine):
        shifts.append((left[0].center, 0.0))
        scales.append(left[0].scale)
    elif left:
        return None
    near = [(inside.scale, math.sqrt(2.0)), *shifts]
    known = erf.operator == "Erf" and all(np.size(value) == 1 and abs(float(value) - wanted) < 1e-6 for value, wanted in near)
    return math.prod(map(float, scales)) / 2.0 if known and all(scale.ndim == 0 for scale in scales) else None


# Shapes


def _flatten(node: Node) -> Chain:
    chain, _ = node.data()
    if node.settings.get("axis", 1) not in (1, -len(chain.shape)):
        raise node.refused("it makes rows of several rows")
    return chain if len(chain.shape) == 1 else chain.then(kinds.Flatten(), (math.prod(chain.shape),))


def _reshape(node: Node) -> Chain | Label | Array:
    if isinstance(node.inputs[0], Label):
        return node.inputs[0]
    if isinstance(node.inputs[0], np.ndarray):
        node.room.take(node.inputs[0].size)
        return node.inputs[0].reshape([int(size) for size in node.array(1).reshape(-1)])
    chain, _ = node.data()
    if len(chain.shape) == 1 and node.array(1).reshape(-1).tolist() == [-1, 1]:
        return chain  # what skl2onnx writes at the end of a regression, also where it has several outputs
    sizes = [int(size) for size in node.array(1).reshape(-1).tolist()]
    if not node.settings.get("allowzero", 0):
        sizes = [(0, *chain.shape)[i] if size == 0 and i <= len(chain.shape) else size for i, size in enumerate(sizes)]
    rest, size = sizes[1:], math.prod(chain.shape)
    known = math.prod(number for number in rest if number != -1)
    if rest.count(-1) == 1 and known > 0 and size % known == 0:
        rest = [size // known if number == -1 else number for number in rest]
    if not rest or any(number < 1 for number in rest) or math.prod(rest) != size:
        raise node.refused(f"it does not keep rows of shape {chain.shape} apart (shape {sizes})")
    shape = tuple(rest)
    if shape == chain.shape:
        return chain
    return chain.then(kinds.Flatten() if len(shape) == 1 else kinds.Reshape(shape), shape)


def _transpose(node: Node) -> Array:
    if not isinstance(node.inputs[0], np.ndarray):
        raise node.refused("it changes the order of what comes from the layers before it")
    return node.array(0).transpose(node.settings.get("perm"))


# Activations, normalization


def _last_axis(node: Node, chain: Chain, default: int) -> None:
    axis, rank = node.settings.get("axis", default), len(chain.shape) + 1
    if axis not in (-1, rank - 1):
        raise node.refused(f"it works along axis {axis}, and the library along the last one")


def _activation(make: Callable[[dict[str, Any]], Layer]) -> Callable[[Node], Chain]:
    def read(node: Node) -> Chain:
        chain, _ = node.data()
        try:
            return chain.then(make(node.settings))
        except ScratchworkError as error:
            raise node.refused(str(error)) from error

    return read


def _softmax(node: Node) -> Chain:
    chain, _ = node.data()
    _last_axis(node, chain, -1 if node.opset >= 13 else 1)
    return chain.then(kinds.Softmax())


def _selu(settings: dict[str, Any]) -> Layer:
    alpha, scale = settings.get("alpha", kinds.SELU.alpha), settings.get("gamma", kinds.SELU.scale)
    if abs(alpha - kinds.SELU.alpha) > 1e-5 or abs(scale - kinds.SELU.scale) > 1e-5:
        raise FileFormatError(f"its alpha and gamma are {alpha:g} and {scale:g}, not those of the paper")
    return kinds.SELU()


def _gelu(settings: dict[str, Any]) -> Layer:
    return kinds.GELU(approximate=settings.get("approximate", b"none").decode("ascii", "replace"))


def _dropout(node: Node) -> Chain:
    chain, rest = node.data()
    if len(rest) > 1 and rest[1] is not None and node.array(2).any():
        raise node.refused("it drops numbers while predicting (training_mode)")
    rate = node.settings.get("ratio", float(node.array(1).reshape(-1)[0]) if rest and rest[0] is not None else 0.5)
    if not 0.0 <= rate < 1.0:
        raise node.refused(f"its ratio is {rate}")
    return chain.then(kinds.Dropout(rate))


def _batch_norm(node: Node) -> Chain:
    chain, _ = node.data()
    if node.settings.get("training_mode", 0):
        raise node.refused("it takes its statistics from the batch (training_mode)")
    arrays = [node.array(index) for index in range(1, 5)]
    if len(chain.shape) != 1 or any(array.shape != chain.shape for array in arrays):
        raise node.refused(f"rows of shape {chain.shape} do not go through numbers of shape {arrays[0].shape}")
    momentum = node.settings.get("momentum", 0.9)
    layer = kinds.BatchNorm(
        momentum=momentum if 0.0 <= momentum < 1.0 else 0.9, eps=node.settings.get("epsilon", 1e-5) or 1e-12
    )
    node.keep(layer, dict(zip(("gamma", "beta", "running_mean", "running_var"), arrays, strict=True)))
    if (arrays[3] < 0).any():
        raise node.refused("it has a negative variance")
    return chain.then(layer)


def _layer_norm(node: Node) -> Chain:
    chain, rest = node.data()
    _last_axis(node, chain, -1)
    layer = kinds.LayerNorm(eps=node.settings.get("epsilon", 1e-5))
    gamma = node.array(1)
    beta = node.array(2) if len(rest) > 1 and rest[1] is not None else np.zeros_like(gamma)
    if gamma.shape != chain.shape[-1:] or beta.shape != gamma.shape:
        raise node.refused(f"rows of shape {chain.shape} do not go through numbers of shape {gamma.shape}")
    node.keep(layer, {"gamma": gamma, "beta": beta})
    return chain.then(layer)


def _scaler(node: Node) -> Chain:
    chain, _ = node.data()
    offset, scale = (np.array(node.settings.get(*pair), np.float64) for pair in (("offset", [0.0]), ("scale", [1.0])))
    if any(value.size not in (1, chain.shape[0]) for value in (offset, scale)) or len(chain.shape) != 1 or (scale == 0).any():
        raise node.refused(f"rows of shape {chain.shape} do not go through {offset.size} offsets and {scale.size} factors")
    return merged(node, chain, Affine(np.broadcast_to(offset, chain.shape), np.broadcast_to(1.0 / scale, chain.shape)))


# Decisions


def _arg_max(node: Node) -> Label:
    chain = node.inputs[0]
    if not isinstance(chain, Chain) or len(chain.shape) != 1 or node.settings.get("select_last_index", 0):
        raise node.refused("an import reads it as the choice of a class")
    if node.settings.get("axis", 0) not in (1, -1):
        raise node.refused("it does not choose along the outputs")
    return Label(chain)


def _greater(node: Node) -> Label:
    chain, _ = node.data()
    value = node.array(1)
    if value.size != 1:
        raise node.refused("its thresholds are more than one")
    return Label(chain, None, float(value.reshape(-1)[0]))


def _where(node: Node) -> Chain:
    mask, above, below = (*node.inputs, None, None, None)[:3]
    known = isinstance(mask, Label) and isinstance(above, Chain) and isinstance(below, Chain) and above.begins(below, 1)
    if known and mask.chain.begins(above, 0) and mask.threshold == 20.0 and isinstance(below.links[-1], kinds.Softplus):
        softplus: Chain = below
        return softplus  # PyTorch takes x itself where softplus is x to the last bit
    raise node.refused("an import reads no choices but that of a softplus")


def _cast(node: Node) -> Chain | Label | Array:
    value = node.inputs[0]
    if isinstance(value, np.ndarray) and node.settings.get("to") in KINDS:
        node.room.take(value.size)
        return value.astype(KINDS[node.settings["to"]])
    if isinstance(value, Label) and value.threshold == 0.0 and value.labels is None and node.settings.get("to") in (1, 11):
        return value.chain.then(kinds.Step())
    if isinstance(value, Chain | Label) and (isinstance(value, Label) or node.settings.get("to") in (1, 11)):
        return value
    raise node.refused("it turns the rows into something that is no float")


def _identity(node: Node) -> Any:
    return node.inputs[0] if node.inputs else None


def _taken(node: Node) -> Label:
    """Gather and ArrayFeatureExtractor: the names of classes by their numbers."""
    names, label = node.inputs[0], node.inputs[1]
    if not isinstance(label, Label) or not isinstance(names, list | np.ndarray):
        raise node.refused("an import reads it as the names of classes")
    return replace(label, labels=names if isinstance(names, list) else names.reshape(-1).tolist())


def _concat(node: Node) -> Chain:
    if len(node.inputs) == 2 and all(isinstance(entry, Chain) for entry in node.inputs):
        no, yes = node.inputs
        last = no.links[-1] if no.links else None
        if yes.shape == (1,) and isinstance(last, Marked) and last.operator == "1 - p" and yes.begins(no, 1):
            both: Chain = replace(yes, columns=2, shape=(2,))
            return both
    raise node.refused("an import reads one chain of layers, and no networks side by side")


def _binarizer(node: Node) -> Label:
    chain, _ = node.data()
    return Label(chain, None, float(node.settings.get("threshold", 0.0)))


def _zip_map(node: Node) -> Chain:
    if not isinstance(node.inputs[0], Chain):
        raise node.refused("an import reads it as the probabilities of classes")
    probabilities: Chain = node.inputs[0]
    return probabilities


OPERATORS: dict[str, Callable[[Node], Any]] = {
    "Gemm": _gemm,
    "MatMul": lambda node: dense(node, node.data()[0], node.array(1), None),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), _arithmetic),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Relu": _activation(lambda settings: kinds.ReLU()),
    "Sigmoid": _activation(lambda settings: kinds.Sigmoid()),
    "Tanh": _activation(lambda settings: kinds.Tanh()),
    "Softplus": _activation(lambda settings: kinds.Softplus()),
    "Mish": _activation(lambda settings: kinds.Mish()),
    "LeakyRelu": _activation(lambda settings: kinds.LeakyReLU(settings.get("alpha", 0.01))),
    "Elu": _activation(lambda settings: kinds.ELU(settings.get("alpha", 1.0))),
    "Selu": _activation(_selu),
    "Gelu": _activation(_gelu),
    "Softmax": _softmax,
    "Erf": lambda node: node.data()[0].then(Marked("Erf")),
    "Exp": lambda node: node.data()[0].then(Marked("Exp")),
    "Identity": _identity,
    "Cast": _cast,
    "Dropout": _dropout,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "ai.onnx.ml.Scaler": _scaler,
    "ArgMax": _arg_max,
    "Greater": _greater,
    "Where": _where,
    "Gather": _taken,
    "ai.onnx.ml.ArrayFeatureExtractor": _taken,
    "Concat": _concat,
    "ai.onnx.ml.Binarizer": _binarizer,
    "ai.onnx.ml.ZipMap": _zip_map,
}
"""Operator -> what it makes of its inputs."""
