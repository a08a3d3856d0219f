"""One safetensors file for a network or a model: arrays as they are, everything else as JSON in the metadata.

Opening such a file executes nothing: the header is checked against the size of the file before anything is allocated,
the JSON names classes from the library's own tables, and arrays are copied into a network that was built from it.
"""

import json
import struct
import zlib
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .._version import __version__
from ..arrays import Array
from ..errors import ConfigurationError, FileFormatError, MissingFileError, ScratchworkError
from ..layers import Layer
from ..model import LINKS, TASKS, Model
from ..preprocessing import Chain
from ..preprocessing.chain import TRANSFORMERS
from ..row_profile import RowProfile
from ..sequential import Sequential
from .configs import decode, encode, known_classes
from .files import atomic_write_bytes, to_json
from .room import room_of_the_file

FORMAT_VERSION = 1
MAX_HEADER = 16 * 2**20  # bytes; the header of a network of a thousand layers has about one megabyte


def save(thing: Any, path: str | PathLike[str]) -> None:
    """Write a network, a model or a trained estimator to one safetensors file, beside and renamed.

    The file holds the architecture, the parameters and running statistics, and for a model its preprocessing, labels and
    training record. `load` opens it without executing anything.

    Equal models are equal bytes.

    Raises
    ------
    ConfigurationError
        The network is not built, its numbers are not finite, or it holds something that no file can describe.
    StorageError, MissingFileError
        The file cannot be written; what was there before is untouched.
    """
    thing = thing.to_model() if hasattr(thing, "to_model") else thing
    network = thing.network if isinstance(thing, Model) else thing
    if not isinstance(network, Sequential):
        raise ConfigurationError(f"save takes a Sequential or a Model; received {thing!r}")
    if not network.built:
        raise ConfigurationError("the network has no parameters yet: call fit, or build(in_shape), before save")
    network.flat()  # brings what somebody put in a parameter's place into the network's type
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
        for step in thing.preprocessing.steps:
            if type(step).__name__ not in TRANSFORMERS:
                raise ConfigurationError(f"{step!r} is a transformer of your own, which load could not make again")
        document["preprocessing"] = thing.preprocessing.config()
        document |= {name: getattr(thing, name) for name in HEAD}
        if thing.profile is not None:
            document["profile"] = thing.profile.to_json()
        arrays |= {f"preprocessing.{name}": array for name, array in thing.preprocessing.state().items()}
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ConfigurationError(f"{name} holds NaN or an infinity: a model that diverged is not worth a file")
    atomic_write_bytes(path, to_bytes(arrays, to_json(document)))


def to_bytes(arrays: dict[str, Array], document: str) -> bytes:
    """The content of a safetensors file; the library alone would write the metadata in an order that changes every time."""
    from safetensors.numpy import save as to_bytes

    # it writes the memory of an array whatever its strides: hand it contiguous copies
    content = to_bytes({name: np.array(array, order="C") for name, array in arrays.items()})
    end = 8 + struct.unpack("<Q", content[:8])[0]
    entries = json.loads(content[8:end])
    metadata = {"format": "scratchwork", "format_version": str(FORMAT_VERSION), "document": document}
    try:
        metadata["checksum"] = checksum(entries, document, content[end:])
        header = json.dumps({"__metadata__": metadata, **entries}, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError("a label or a name holds half of a character, which no file can hold") from error
    header += b" " * (-len(header) % 8)  # the arrays begin at a multiple of eight
    return struct.pack("<Q", len(header)) + header + content[end:]


def checksum(entries: dict[str, Any], document: str, data: bytes | memoryview) -> str:
    """CRC-32 of all that a file says: safetensors itself would not see a bit that turned over in an array."""
    text = json.dumps(entries, sort_keys=True) + document
    return f"{zlib.crc32(data, zlib.crc32(text.encode())):08x}"


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
    classes = known_classes(layers)
    document, arrays = read_arrays(path)
    try:
        network = _network(document, arrays, classes)
        return network if document.get("kind") == "network" else _model(document, arrays, network)
    except Exception as error:  # the file is somebody else's: whatever its settings lead to, the file is what is wrong
        raise FileFormatError(f"{path} cannot be used: {_short(error)}") from error


def read_arrays(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """The JSON document and the arrays, after every size in the header was checked against the file."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    try:
        if not path.is_file():
            raise _missing(path)
        with path.open("rb") as file:
            header = _header(path, file, path.stat().st_size)
            start = file.tell()
            _require_length(path, header, path.stat().st_size - start)
            file.seek(0)
            content = file.read()
    except ScratchworkError:
        raise
    except OSError as error:
        raise MissingFileError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        metadata = header.pop("__metadata__")
        if checksum(header, metadata["document"], memoryview(content)[start:]) != metadata["checksum"]:
            raise ValueError("its checksum is not that of its content")
        document = json.loads(metadata["document"])
        if not isinstance(document, dict):
            raise ValueError("its description has the wrong form")
        return document, from_bytes(content)
    except (SafetensorError, ValueError, KeyError, AttributeError, TypeError, OverflowError, RecursionError) as error:
        raise FileFormatError(f"{path} is damaged or truncated: {_short(error)}") from error


def _header(path: Path, file: BinaryIO, size: int) -> dict[str, Any]:
    """The header of an open file, which is one of ours; of a foreign one no more than that is read."""
    start = file.read(8)
    length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
    if length < 2 or file.read(1) != b"{":
        raise FileFormatError(f"{path} is no safetensors file: it does not begin with a header")
    if length > size - 8:
        raise FileFormatError(f"{path} is truncated: its header of {length} bytes does not fit in {size}")
    if length > MAX_HEADER:
        raise FileFormatError(f"{path} has a header of {length} bytes; more than {MAX_HEADER} are refused")
    try:
        header: dict[str, Any] = json.loads(b"{" + file.read(length - 1))
        metadata = header.get("__metadata__", {})
        if metadata.get("format") != "scratchwork":
            raise FileFormatError(f"{path} is a safetensors file of another program: it holds no scratchwork model")
        version = int(metadata["format_version"])
        if version > FORMAT_VERSION:
            raise FileFormatError(
                f"{path} was written in format {version}, newer than this version reads ({FORMAT_VERSION}): update scratchwork"
            )
        if version < 1:
            raise ValueError(f"there is no format {version}")
        return header
    except FileFormatError:
        raise
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise FileFormatError(f"{path} is damaged or truncated: {_short(error)}") from error


def _require_length(path: Path, header: dict[str, Any], length: int) -> None:
    """The arrays end where the file ends: one that is longer is not read to find that out."""
    try:
        end = max((entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"), default=0)
    except (KeyError, IndexError, TypeError) as error:
        raise FileFormatError(f"{path} is damaged or truncated: {_short(error)}") from error
    if end != length:
        raise FileFormatError(f"{path} is damaged or truncated: its arrays need {end} bytes, and it has {length} for them")


def _missing(path: Path) -> MissingFileError:
    """The error for a path without a file, with the file that was probably meant."""
    if path.is_dir():
        inside = path / "model.safetensors"
        hint = f"did you mean {inside}?" if inside.is_file() else "give the file inside it"
        return MissingFileError(f"{path} is a folder: {hint}")
    if path.exists():
        return MissingFileError(f"{path} is no regular file: a model file was expected")
    import difflib  # slow to import, and only a mistake needs it

    names = [file.name for file in path.parent.glob("*.safetensors")] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, names, n=1)
    hint = (
        f"did you mean {path.parent / close[0]}?"
        if close
        else "a model file was expected, such as runs/digits/model.safetensors"
    )
    return MissingFileError(f"{path} is not there: {hint}")


def _short(error: Exception) -> str:
    """What an error says, on one line that can be read."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]} ..."


def _network(document: dict[str, Any], arrays: dict[str, Array], classes: dict[str, type]) -> Sequential:
    network = decode(document.get("network"), classes)
    in_shape, dtype = document.get("in_shape"), document.get("dtype")
    if not isinstance(network, Sequential) or dtype not in ("float32", "float64"):
        raise FileFormatError("it describes no network")
    if not _whole_numbers(in_shape, document.get("epochs_seen"), document.get("steps_seen")):
        raise FileFormatError("its input shape or counters are no whole numbers")
    with room_of_the_file(network, arrays):
        network.build(tuple(document["in_shape"]), 0, dtype)
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
        if not np.isfinite(array).all():
            raise FileFormatError(f"the array {name!r} holds NaN or an infinity")
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
    if not _whole_numbers(head["image_shape"] or []):
        raise FileFormatError("its image shape has the wrong form")
    if head["task"] not in (*TASKS, None) or head["link"] not in LINKS:
        raise FileFormatError("it names a task or link that this version does not know")
    if not isinstance(head["target_name"], str | None):
        raise FileFormatError("its target name is no text")
    record: dict[str, Any] = head.pop("record") or {}
    model = Model(network, preprocessing=Chain(config["steps"]), **head)
    model.check_labels()
    prefix = "preprocessing."
    model.preprocessing.load_state({k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)})
    model.record = record
    profile = document.get("profile")  # older files have none
    model.profile = None if profile is None else RowProfile.from_json(profile)
    return model


def _whole_numbers(*entries: Any) -> bool:
    flat = [number for entry in entries for number in (entry if isinstance(entry, list) else [entry])]
    return all(isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**62 for number in flat)
