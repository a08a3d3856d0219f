"""One safetensors file for a network or a model: arrays as they are, everything else as JSON in the metadata.

Opening such a file executes nothing: the header is checked against the size of the file before anything is allocated,
the JSON names classes from the library's own tables, and arrays are copied into a network that was built from it.
"""

import json
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from .._version import __version__
from ..arrays import Array
from ..errors import ConfigurationError, FileFormatError, MissingFileError, ScratchworkError
from ..initializers import Initializer, Zeros
from ..layers import Layer
from ..model import LINKS, TASKS, Model
from ..preprocessing import Chain
from ..sequential import Sequential
from .configs import decode, encode, known_classes
from .files import atomic_write_bytes, to_json

FORMAT_VERSION = 1
MAX_HEADER = 16 * 2**20  # bytes; the header of a network of a thousand layers has about one megabyte


def save(thing: Sequential | Model, path: str | PathLike[str]) -> None:
    """Write a network or a model to one safetensors file, beside and renamed.

    The file holds the architecture, the parameters and running statistics, and for a model its preprocessing, labels and
    training record. `load` opens it without executing anything.

    Raises ConfigurationError for a network that is not built, and StorageError where the file cannot be written.
    """
    from safetensors.numpy import save as to_bytes

    network = thing.network if isinstance(thing, Model) else thing
    if not isinstance(network, Sequential):
        raise ConfigurationError(f"save takes a Sequential or a Model; received {thing!r}")
    if not network.built:
        raise ConfigurationError("the network has no parameters yet: call fit, or build(in_shape), before save")
    document: dict[str, Any] = {
        "kind": "model" if isinstance(thing, Model) else "network",
        "version": __version__,
        "in_shape": list(network.in_shape),
        "dtype": network.dtype.name,
        "network": encode(network),
        "epochs_seen": network.epochs_seen,
        "steps_seen": network.steps_seen,
    }
    arrays = {f"network.{name}": parameter.value for name, parameter in network.parameters()}
    arrays |= {f"buffers.{name}": buffer for name, buffer in network.buffers()}
    if isinstance(thing, Model):
        document["preprocessing"] = thing.preprocessing.config()
        document |= {name: getattr(thing, name) for name in HEAD}
        arrays |= {f"preprocessing.{name}": array for name, array in thing.preprocessing.state().items()}
    metadata = {"format": "scratchwork", "format_version": str(FORMAT_VERSION), "document": to_json(document)}
    # safetensors writes the memory of an array whatever its strides: hand it contiguous copies
    content = to_bytes({name: np.array(array, order="C") for name, array in arrays.items()}, metadata)
    atomic_write_bytes(path, content)


HEAD = ("labels", "task", "link", "feature_names", "target_name", "image_shape", "record")


def load(path: str | PathLike[str], *, layers: Iterable[type[Layer]] = ()) -> Any:
    """The network or model that `save` wrote; a Sequential or a Model.

    Parameters
    ----------
    path : str or path
    layers : iterable of Layer classes
        Classes of your own that the file may name.

    Raises
    ------
    MissingFileError
        There is no such file.
    FileFormatError
        It is damaged, truncated, foreign, or written by a newer version. Nothing in it is ever executed.
    """
    path = Path(path)
    document, arrays = _read(path)
    try:
        classes = known_classes(layers)
        with _named(path):
            network = _network(document, arrays, classes)
            return network if document.get("kind") == "network" else _model(document, arrays, network)
    except FileFormatError:
        raise
    except ScratchworkError as error:
        raise FileFormatError(f"{path}: the description does not make a network: {error}") from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """The JSON document and the arrays, after every size in the header was checked against the file."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        raise MissingFileError(f"{path} {what}: a model file was expected, such as runs/digits/model.safetensors")
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if length < 2 or file.read(1) != b"{":
            raise FileFormatError(f"{path} is no safetensors file: it does not begin with a header")
        if length > size - 8:
            raise FileFormatError(f"{path} is truncated: its header of {length} bytes does not fit in {size}")
        if length > MAX_HEADER:
            raise FileFormatError(f"{path} has a header of {length} bytes; more than {MAX_HEADER} are refused")
        file.seek(0)
        content = file.read()
    try:
        header = json.loads(content[8 : 8 + length])
        metadata = header.get("__metadata__", {})
        if metadata.get("format") != "scratchwork":
            raise FileFormatError(f"{path} is a safetensors file of another program: it holds no scratchwork model")
        if int(metadata["format_version"]) > FORMAT_VERSION:
            raise FileFormatError(
                f"{path} was written in format {metadata['format_version']}, newer than this version reads "
                f"({FORMAT_VERSION}): update scratchwork"
            )
        document = json.loads(metadata["document"])
        if not isinstance(document, dict):
            raise ValueError("the document is no object")
        return document, from_bytes(content)
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError, SafetensorError) as error:
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(f"{path} is damaged or truncated: {error}") from error


def _network(document: dict[str, Any], arrays: dict[str, Array], classes: dict[str, type]) -> Sequential:
    network = decode(document.get("network"), classes)
    in_shape, dtype = document.get("in_shape"), document.get("dtype")
    if not isinstance(network, Sequential) or dtype not in ("float32", "float64"):
        raise FileFormatError("it describes no network")
    if not _whole_numbers(in_shape, document.get("epochs_seen"), document.get("steps_seen")):
        raise FileFormatError("its input shape or counters are no whole numbers")
    with _zero_start(network):  # what is loaded need not be drawn first, and a huge size written in a file costs nothing
        try:
            network.build(tuple(document["in_shape"]), 0, dtype)
        except (MemoryError, ValueError, OverflowError) as error:
            raise FileFormatError(f"its sizes make no network: {error}") from error
    targets = {f"network.{name}": parameter.value for name, parameter in network.parameters()}
    targets |= {f"buffers.{name}": buffer for name, buffer in network.buffers()}
    found = {name for name in arrays if not name.startswith("preprocessing.")}
    if found != set(targets):
        odd = sorted(found ^ set(targets))[0]
        raise FileFormatError(f"the array {odd!r} is {'missing' if odd in targets else 'not part of the network'}")
    for name, target in targets.items():
        array = arrays[name]
        if array.shape != target.shape or array.dtype != target.dtype:
            raise FileFormatError(
                f"the array {name!r} is {array.dtype} of {array.shape}, the network needs {target.dtype} of {target.shape}"
            )
        target[...] = array
    network.epochs_seen, network.steps_seen = document["epochs_seen"], document["steps_seen"]
    return network


def _model(document: dict[str, Any], arrays: dict[str, Array], network: Sequential) -> Model:
    config = document.get("preprocessing")
    if document.get("kind") != "model" or not isinstance(config, dict) or set(config) != {"steps"}:
        raise FileFormatError("it describes no model")
    head = {name: document.get(name) for name in HEAD}
    lists = [head["labels"], head["feature_names"], head["image_shape"]]
    if any(entry is not None and not isinstance(entry, list) for entry in lists) or not isinstance(head["record"], dict):
        raise FileFormatError("its labels, names or record have the wrong form")
    if any(isinstance(label, list | dict) for label in head["labels"] or []) or not _whole_numbers(head["image_shape"] or []):
        raise FileFormatError("its labels or its image shape have the wrong form")
    if head["task"] not in (*TASKS, None) or head["link"] not in LINKS:
        raise FileFormatError("it names a task or link that this version does not know")
    record: dict[str, Any] = head.pop("record") or {}
    try:
        chain = Chain(config["steps"])
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise FileFormatError(f"its preprocessing is damaged: {error}") from error
    model = Model(network, preprocessing=chain, **head)
    prefix = "preprocessing."
    model.preprocessing.load_state({k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)})
    model.record = record
    return model


def _whole_numbers(*entries: Any) -> bool:
    flat = [number for entry in entries for number in (entry if isinstance(entry, list) else [entry])]
    return all(isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**62 for number in flat)


@contextmanager
def _zero_start(network: Sequential) -> Iterator[None]:
    """While a network is built for loading, its initializers are Zeros; afterwards they are its own again."""
    own: list[tuple[Layer, str, Initializer]] = []

    def walk(layer: Layer) -> None:
        for child in layer.layers if isinstance(layer, Sequential) else []:
            walk(child)
        own.extend((layer, name, value) for name, value in vars(layer).items() if isinstance(value, Initializer))

    walk(network)
    for layer, name, _ in own:
        setattr(layer, name, Zeros())
    try:
        yield
    finally:
        for layer, name, value in own:
            setattr(layer, name, value)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except FileFormatError as error:
        raise FileFormatError(f"{path} cannot be used: {error}") from error
