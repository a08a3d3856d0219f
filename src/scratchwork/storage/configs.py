"""Objects as JSON and back: a class is looked up in the library's tables, never imported by a name from a file."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import FileFormatError, ScratchworkError, nearest_name
from ..initializers import INITIALIZERS, Initializer
from ..layers import LAYERS, Layer
from ..regularizers import CONSTRAINTS, REGULARIZERS, Constraint, Regularizer
from ..sequential import Sequential

KINDS = (Layer, Initializer, Regularizer, Constraint)


def known_classes(custom: Iterable[type] = ()) -> dict[str, type]:
    """Name -> class of everything that a model file may speak of, with layers of one's own added."""
    own = [*LAYERS.values(), *REGULARIZERS.values(), *CONSTRAINTS.values(), *map(type, INITIALIZERS.values()), Sequential]
    return {kind.__name__: kind for kind in (*own, *custom)}


def encode(value: Any) -> Any:
    """`value` as JSON can write it; layers, initializers and penalties become {"type": name, "config": {...}}."""
    if isinstance(value, KINDS):
        config = {"layers": value.layers} if isinstance(value, Sequential) else _config(value)
        return {"type": type(value).__name__, "config": {name: encode(entry) for name, entry in config.items()}}
    if isinstance(value, list | tuple):
        return [encode(entry) for entry in value]
    return value.item() if hasattr(value, "item") else value


def decode(value: Any, classes: Mapping[str, type]) -> Any:
    """The inverse of `encode`; anything unexpected is a FileFormatError."""
    if isinstance(value, list):
        return [decode(entry, classes) for entry in value]
    if not isinstance(value, dict):
        return value
    if set(value) != {"type", "config"} or not isinstance(value["type"], str) or not isinstance(value["config"], dict):
        raise FileFormatError("the description of the network is damaged: an entry is not of the form {type, config}")
    kind = classes.get(value["type"])
    if kind is None:
        hint = nearest_name(value["type"], classes)
        raise FileFormatError(
            f"the file speaks of {value['type']!r}, which this version does not have: give a class of your own as "
            f"load(path, layers=[...]), or update scratchwork ({hint})"
        )
    config = {name: decode(entry, classes) for name, entry in value["config"].items()}
    unknown = set(config) - set(inspect.signature(kind).parameters)
    if unknown:
        raise FileFormatError(f"the file gives {value['type']} the unknown setting {sorted(unknown)[0]!r}: update scratchwork")
    try:
        return kind(**config)
    except ScratchworkError as error:
        raise FileFormatError(f"the file's settings of {value['type']} do not go together: {error}") from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise FileFormatError(f"the file's settings of {value['type']} have the wrong form: {error}") from error


def _config(value: Any) -> dict[str, Any]:
    if hasattr(value, "config"):
        found: dict[str, Any] = value.config()
        return found
    return {name: getattr(value, name) for name in inspect.signature(type(value)).parameters}
