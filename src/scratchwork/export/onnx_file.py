"""Opening an ONNX file of anybody: sizes are checked before arrays are made, and nothing in it is run."""

import math
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Array, Shape
from ..errors import FileFormatError, MissingDependencyError, MissingFileError

MAX_BYTES = 512 * 2**20
MAX_NODES = 5_000

FEW = 16_000_000
"""Numbers that an import may make of any file, however small: layers may share what stands in it once."""

KINDS: dict[int, type[np.generic]] = {1: np.float32, 11: np.float64, 10: np.float16, 7: np.int64, 6: np.int32, 9: np.bool_}
"""Types of tensors that are read, by the numbers that the format gives them."""

STRINGS = 8
FLOATS = (1, 11, 10)


class Room:
    """How many numbers may still be made of a file: those that it can hold twice, and some where it is small."""

    def __init__(self, size: int) -> None:
        self.left = max(FEW, size // 2)

    def take(self, count: int) -> None:
        """Refuse what a file of this size has no reason to ask for, before it is made."""
        self.left -= count
        if self.left < 0:
            raise FileFormatError("its layers ask for many more numbers than the file holds")


def read_model(path: str | PathLike[str]) -> Any:
    """The ModelProto in a file, or MissingFileError, FileFormatError."""
    path = Path(path)
    try:
        import onnx
    except ImportError:
        raise MissingDependencyError("reading ONNX files needs onnx: pip install 'scratchwork[onnx]'") from None
    if not path.is_file():
        raise MissingFileError(f"{path} is not there: an ONNX file was expected")
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise FileFormatError(f"{path} has {size:,} bytes, and an import reads at most {MAX_BYTES:,}")
        content = path.read_bytes()
    except OSError as error:
        raise MissingFileError(f"{path} cannot be read: {error.strerror or error}") from error
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception as error:  # the library's errors are of classes that it does not export
        raise FileFormatError(f"{path} is no ONNX file, or a damaged one") from error
    graph = model.graph
    if not graph.node or not graph.output or not model.opset_import:
        raise FileFormatError(f"{path} is no ONNX file: it holds no graph")
    if len(graph.node) > MAX_NODES:
        raise FileFormatError(f"{path} has {len(graph.node):,} nodes, and an import reads at most {MAX_NODES:,}")
    if graph.sparse_initializer or model.functions:
        raise FileFormatError(f"{path} holds sparse tensors or functions of its own, which an import does not read")
    return model


def array_of(tensor: Any, name: str) -> Array | list[str]:
    """The numbers or texts of a TensorProto; FileFormatError where its sizes do not go together."""
    if tensor.data_location == 1 or tensor.external_data:
        raise FileFormatError(f"the tensor {name!r} lies in another file, and external data is not read: save it in one file")
    shape = tuple(tensor.dims)
    count = math.prod(shape)
    if any(size < 0 for size in shape):
        raise FileFormatError(f"the tensor {name!r} has the shape {shape}")
    if tensor.data_type == STRINGS:
        if len(tensor.string_data) != count:
            raise FileFormatError(f"the tensor {name!r} of shape {shape} holds {len(tensor.string_data)} texts")
        return [text_of(data, name) for data in tensor.string_data]
    dtype = KINDS.get(tensor.data_type)
    if dtype is None:
        raise FileFormatError(f"the tensor {name!r} is of type {tensor.data_type}, not of floats or whole numbers")
    array: Array
    if tensor.raw_data:
        if len(tensor.raw_data) != count * np.dtype(dtype).itemsize:
            raise FileFormatError(f"the tensor {name!r} of shape {shape} holds {len(tensor.raw_data):,} bytes")
        array = np.frombuffer(tensor.raw_data, np.dtype(dtype).newbyteorder("<")).astype(dtype)
    else:
        data = getattr(tensor, {1: "float_data", 11: "double_data", 7: "int64_data"}.get(tensor.data_type, "int32_data"))
        if len(data) != count:
            raise FileFormatError(f"the tensor {name!r} of shape {shape} holds {len(data):,} numbers")
        array = np.array(data, np.uint16).view(np.float16) if dtype is np.float16 else np.array(data, dtype)
    if dtype in (np.float32, np.float64, np.float16) and not np.isfinite(array).all():
        raise FileFormatError(f"the tensor {name!r} holds NaN or an infinity")
    result: Array = array.reshape(shape)
    return result.astype(np.float32) if dtype is np.float16 else result


def text_of(data: bytes, name: str) -> str:
    """Bytes as text."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise FileFormatError(f"the texts of {name!r} are not in UTF-8") from None


def rows_shape(value: Any) -> tuple[Shape, type[np.generic]]:
    """The shape of one row of a graph's input, whose first axis is the batch, and the type of its numbers."""
    tensor = value.type.tensor_type
    sizes = [dim.dim_value if dim.WhichOneof("value") == "dim_value" else 0 for dim in tensor.shape.dim]
    if tensor.elem_type not in FLOATS or len(sizes) < 2 or any(size < 1 for size in sizes[1:]):
        raise FileFormatError(
            f"the input {value.name!r} is no batch of rows of floats whose shape is known: an import reads dense networks"
        )
    return tuple(sizes[1:]), KINDS[tensor.elem_type]


def attributes(node: Any) -> dict[str, Any]:
    """The plain settings of a node: numbers, texts, and lists of them; a tensor as it is."""
    found: dict[str, Any] = {}
    for entry in node.attribute:
        readers = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats", 7: "ints", 8: "strings"}
        if entry.type in readers:
            value = getattr(entry, readers[entry.type])
            if entry.type == 1:
                value = float(str(np.float32(value)))  # 0.9 is stored as 0.8999999762
            found[entry.name] = list(value) if entry.type in (6, 7, 8) else value
    return found
