"""Objects as JSON and back: a class is looked up in the library's tables, never imported by a name from a file."""

import functools
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..errors import ConfigurationError, FileFormatError, ScratchworkError, nearest_name
from ..initializers import INITIALIZERS, Initializer
from ..layers import LAYERS, Layer
from ..regularizers import CONSTRAINTS, REGULARIZERS, Constraint, Regularizer
from ..sequential import Sequential

DICT = "dict"  # a plain dict among the settings, told apart from a class
KINDS = (Layer, Initializer, Regularizer, Constraint)


def known_classes(custom: Iterable[type] = ()) -> dict[str, type]:
    """Name -> class of everything that a model file may speak of, with layers of one's own added."""
    custom = [custom] if isinstance(custom, type) else list(custom)
    for kind in custom:
        if not isinstance(kind, type):
            raise ConfigurationError(f"load(path, layers=[...]) takes classes of your own; received {kind!r}")
    own = [*LAYERS.values(), *REGULARIZERS.values(), *CONSTRAINTS.values(), *map(type, INITIALIZERS.values()), Sequential]
    return {kind.__name__: kind for kind in (*own, *custom)}


def encode(value: Any) -> Any:
    """`value` as JSON can write it; layers, initializers and penalties become {"type": name, "config": {...}}."""
    if isinstance(value, KINDS):
        config = {"layers": value.layers} if isinstance(value, Sequential) else _config(value)
        return {"type": type(value).__name__, "config": {name: encode(entry) for name, entry in config.items()}}
    if isinstance(value, list | tuple):
        return [encode(entry) for entry in value]
    if isinstance(value, dict):
        return {"type": DICT, "config": {name: encode(entry) for name, entry in value.items()}}
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


def decode(value: Any, classes: Mapping[str, type]) -> Any:
    """The inverse of `encode`; anything unexpected is a FileFormatError."""
    if isinstance(value, list):
        return [decode(entry, classes) for entry in value]
    if not isinstance(value, dict):
        return value
    if set(value) != {"type", "config"} or not isinstance(value["type"], str) or not isinstance(value["config"], dict):
        raise FileFormatError("the description of the network is damaged: an entry is not of the form {type, config}")
    config = {name: decode(entry, classes) for name, entry in value["config"].items()}
    if value["type"] == DICT:
        return config
    kind = classes.get(value["type"])
    if kind is None:
        hint = nearest_name(value["type"], classes)
        raise FileFormatError(
            f"the file speaks of {value['type']!r}, which this version does not have: give a class of your own as "
            f"load(path, layers=[...]), or update scratchwork ({hint})"
        )
    unknown = set(config) - _settings(kind)
    if unknown:
        raise FileFormatError(f"the file gives {value['type']} the unknown setting {sorted(unknown)[0]!r}: update scratchwork")
    try:
        return kind(**config)
    except ScratchworkError as error:
        raise FileFormatError(f"the file's settings of {value['type']} do not go together: {error}") from error
    except Exception as error:  # whatever a constructor says to settings that no program wrote
        raise FileFormatError(f"the file's settings of {value['type']} have the wrong form: {error}") from error


def _config(value: Any) -> dict[str, Any]:
    if hasattr(value, "config"):
        found: dict[str, Any] = value.config()
        return found
    return {name: getattr(value, name) for name in inspect.signature(type(value)).parameters}


@functools.cache  # a file of many layers names few classes
def _settings(kind: type) -> frozenset[str]:
    return frozenset(inspect.signature(kind).parameters)
