"""Calling functions whose arguments have the names that their author liked: W1, weights_1, X_train, y_true, alpha.

An `Environment` knows values by the names under which they were returned (`return Z1, A1, Z2, A2` names four), and by
roles: the rows, the targets, the learning rate. A function's parameters are looked up in it, exactly first, then loosely.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..arrays import Array
from .loading import MODULE, Program, ProgramError
from .names import ROLES, canonical, plain, roles_of

ROLES["units"] += ("hidden1", "hiddensize1", "nh1", "h1", "hidden1size", "nhidden1", "hiddendim1")


class Environment:
    """Values by name and by role."""

    def __init__(self, roles: Mapping[str, Any]) -> None:
        self.names: dict[str, Any] = {}
        self.origin: dict[str, str] = {}
        self.roles: dict[str, Any] = dict(roles)

    def copy(self) -> Environment:
        """Another one with the same values."""
        other = Environment(self.roles)
        other.names = dict(self.names)
        other.origin = dict(self.origin)
        return other

    def put(self, name: str, value: Any, origin: str = "") -> None:
        """A value under its name; of a dict also its entries."""
        self.names[name] = value
        self.origin[name] = origin
        if isinstance(value, dict):
            for key, entry in value.items():
                if isinstance(key, str):
                    self.names[key] = entry
                    self.origin[key] = origin

    def forget(self, *origins: str) -> None:
        """Drop the names that came from these calls: a forward is not handed its own results."""
        for name in [name for name, origin in self.origin.items() if origin in origins]:
            self.names.pop(name, None)
            del self.origin[name]

    def put_result(self, names: list[str] | None, result: Any, role: str) -> None:
        """What a function returned, under the names that its return statement has."""
        self.roles[role] = result
        if isinstance(result, tuple) and names is not None and len(names) == len(result):
            for name, value in zip(names, result, strict=True):
                self.put(name, value, role)
        elif names is not None and len(names) == 1:
            self.put(names[0], result, role)
        elif isinstance(result, dict):
            self.put("", result, role)

    def find(self, name: str, skip: tuple[str, ...] = ()) -> tuple[bool, Any]:
        """(found, value) for a parameter of this name."""
        if name in self.names:
            return True, self.names[name]
        spelled: tuple[Callable[[str], str], ...] = (plain, canonical)
        for spelling in spelled:
            matches = [value for known, value in self.names.items() if known and spelling(known) == spelling(name)]
            if matches:
                return True, matches[-1]
        for role in roles_of(name):
            if role in self.roles and role not in skip:
                return True, self.roles[role]
        return False, None

    def arguments(self, function: Callable[..., Any], spare: tuple[str, ...] = ()) -> tuple[list[Any], dict[str, Any]]:
        """Values for all parameters that need one; those of unknown names get the roles in `spare`, in turn.

        Raises ProgramError where one cannot be guessed.
        """
        positional: list[Any] = []
        named: dict[str, Any] = {}
        parameters = list(inspect.signature(function).parameters.values())
        known = {p.name: self.find(p.name) for p in parameters}
        waiting = [
            role for role in spare if role in self.roles and not any(ok and v is self.roles[role] for ok, v in known.values())
        ]
        for parameter in parameters:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            found, value = known[parameter.name]
            if parameter.default is not parameter.empty:
                wanted = {"y", "x", "yhot", "reg", "params", "lr"} & set(roles_of(parameter.name))
                explicit = parameter.name in self.names or any(role in self.roles for role in wanted)
                if explicit and found and value is not None:
                    named[parameter.name] = value
                continue
            if not found:
                if not waiting:
                    raise ProgramError("not understood", f"the argument {parameter.name} has no known meaning")
                value = self.roles[waiting.pop(0)]
            if parameter.kind is parameter.KEYWORD_ONLY:
                named[parameter.name] = value
            else:
                positional.append(value)
        return positional, named


def required(function: Callable[..., Any]) -> list[str]:
    """The parameters of a function that have no default."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p.name for p in parameters if p.kind in kinds and p.default is p.empty]


def returned_names(program: Program, function: object) -> list[str] | None:
    """The names in a function's last return statement; None where they are no names."""
    node = program.node(function)
    if node is None or isinstance(node, ast.Lambda):
        return None
    returns = [inner for inner in _own(node) if isinstance(inner, ast.Return) and inner.value is not None]
    if not returns:
        return None
    value = max(returns, key=lambda inner: inner.lineno).value
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    names = [_name(part) for part in parts]
    return names if any(names) else None


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    for inner in ast.iter_child_nodes(node):
        if not isinstance(inner, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            yield inner
            yield from _own(inner)


def _name(part: ast.expr | None) -> str:
    if isinstance(part, ast.Name):
        return part.id
    if isinstance(part, ast.Attribute):
        return part.attr
    return ""


def arrays_in(thing: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Array]]:
    """(path, array) for the arrays of numbers inside dicts, lists, tuples and the program's own objects."""
    if isinstance(thing, np.ndarray):
        if thing.dtype.kind in "fiub" and thing.size and thing.ndim <= 3:
            yield path, thing
        elif thing.dtype == object:
            yield from arrays_in(list(thing), path, depth + 1)
        return
    if isinstance(thing, np.floating | float) and path:
        yield path, np.asarray(thing)
        return
    if depth > 4:
        return
    entries: list[tuple[str, Any]] = []
    if isinstance(thing, Mapping):
        entries = [(str(key), value) for key, value in thing.items()]
    elif isinstance(thing, list | tuple):
        fields = getattr(thing, "_fields", None)
        entries = list(zip(fields or (str(number + 1) for number in range(len(thing))), thing, strict=True))
    elif type(thing).__module__ == MODULE and hasattr(thing, "__dict__"):
        entries = list(vars(thing).items())
    for key, value in entries:
        yield from arrays_in(value, f"{path}.{key}" if path else key, depth + 1)


def in_float64(thing: Any, depth: int = 0) -> Any:
    """The same structure with its arrays as float64 copies; objects are changed in place."""
    if isinstance(thing, np.ndarray):
        if thing.dtype == object:
            return np.array([in_float64(entry, depth + 1) for entry in thing] + [None], dtype=object)[:-1]
        return np.array(thing, np.float64) if thing.dtype.kind == "f" else thing
    if depth > 4:
        return thing
    if isinstance(thing, dict):
        return {key: in_float64(value, depth + 1) for key, value in thing.items()}
    if isinstance(thing, list):
        return [in_float64(value, depth + 1) for value in thing]
    if isinstance(thing, tuple):
        values = [in_float64(value, depth + 1) for value in thing]
        return type(thing)(*values) if hasattr(thing, "_fields") else tuple(values)
    if type(thing).__module__ == MODULE and hasattr(thing, "__dict__"):
        for key, value in list(vars(thing).items()):
            changed = in_float64(value, depth + 1)
            if changed is not value:
                try:
                    setattr(thing, key, changed)
                except Exception:
                    continue
    return thing
