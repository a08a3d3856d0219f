"""Finding the network in a program: which functions, or which class, are its start, forward, loss, backward and update."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..arrays import Array
from .binding import Environment, arrays_in, in_float64, required, returned_names
from .known import activation_word, is_derivative
from .loading import Program, ProgramError, seed_program
from .names import is_gradient_name, plain
from .subject import BACKWARD, FORWARD, INIT, LOSS, PREDICT, TRAIN, UPDATE, Subject

FEATURES, UNITS, UNITS2, CLASSES, ROWS = 5, 4, 6, 3, 7
NUMERIC = re.compile("numeric|check|approx")
BLOCK = re.compile(
    r"^(linear|affine|dense|layer|single|fc|relu|conv|dropout|batchnorm)_|_layer|layer_|_unit|activation|single|numeric|check|one_?hot|clip"
)


def environment(program: Program, classes: int, deep: bool) -> Environment:
    """What arguments mean before there is a network."""
    rng = np.random.default_rng(1)
    sizes = [FEATURES, UNITS, UNITS2, classes] if deep else [FEATURES, UNITS, classes]
    many = max(classes, 2)
    targets = np.eye(many)[np.arange(ROWS) % many][:, :classes]
    roles: dict[str, Any] = {
        "features": FEATURES,
        "units": UNITS,
        "units2": UNITS2,
        "classes": classes,
        "sizes": sizes,
        "hiddens": sizes[1:-1],
    }
    roles |= {"seed": 0, "rng": rng, "x": rng.normal(size=(ROWS, FEATURES)), "y": targets}
    roles |= {"keep": 1.0, "reg": 0.0, "off": False, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "iterations": 10}
    env = Environment(roles)
    for name in ("rng", "generator", "random_state"):
        env.names[name] = rng
    return env


def called_names(program: Program, function: object) -> set[str]:
    """The names of all that a function calls."""
    node = program.node(function)
    if node is None:
        return set()
    calls = [inner.func for inner in ast.walk(node) if isinstance(inner, ast.Call)]
    return {
        call.id if isinstance(call, ast.Name) else call.attr for call in calls if isinstance(call, ast.Name | ast.Attribute)
    }


def top(program: Program, candidates: dict[str, Callable[..., Any]]) -> list[Callable[..., Any]]:
    """Candidates, those that call the others first: the forward of the network before that of a layer."""
    below = {name: called_names(program, function) & set(candidates) - {name} for name, function in candidates.items()}
    used = set().union(*below.values()) if below else set()
    order = sorted(
        candidates, key=lambda name: (name in used and not below[name], bool(BLOCK.search(name.lower())), -len(below[name]))
    )
    return [candidates[name] for name in order]


def of_kind(program: Program, callables: dict[str, Callable[..., Any]], kind: str) -> list[Callable[..., Any]]:
    """The functions that by their names may be this, the likeliest first."""
    found = {}
    for name, function in callables.items():
        text = name.lower()
        helper = activation_word(text) is not None and len(required(function)) <= 2 and kind != "loss"
        derivative = (
            (is_derivative(text) or text.startswith("d_")) and kind == "loss" and not gives_gradients(program, function)
        )
        training = TRAIN.search(text) and bool(
            {"iterations"} & {r for p in inspect.signature(function).parameters for r in _roles(p)}
        )
        fits = {
            "init": INIT.search(text) and not helper,
            "forward": FORWARD.search(text) and not BACKWARD.search(text) and not helper,
            "backward": (
                BACKWARD.search(text)
                and not NUMERIC.search(text)
                and not helper
                and not UPDATE.search(text)
                and not LOSS.search(text)
            )
            or (BACKWARD.search(text) and FORWARD.search(text) and "back" in text),
            "update": UPDATE.search(text) and not training and not INIT.search(text),
            "loss": LOSS.search(text) and not derivative and not INIT.search(text),
            "train": TRAIN.search(text) and not helper,
            "predict": PREDICT.search(text),
        }[kind]
        if fits and not (kind not in ("train", "predict") and training):
            found[name] = function
    return top(program, found)


def _roles(name: str) -> list[str]:
    from .names import roles_of

    return roles_of(name)


def guess(
    program: Program, function: Callable[..., Any], env: Environment, sizes: list[int]
) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """Arguments for a function or class that makes a network, by meaning and then by their number."""
    here = env.copy()
    for name in required(function):
        value = vars(program.module).get(name)
        if name not in here.names and not here.find(name)[0] and value is not None:
            here.names[name] = value
    named: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        text = plain(parameter.name)
        if "activation" in text and parameter.default is parameter.empty and parameter.name not in env.names:
            here.names[parameter.name] = "softmax" if "out" in text else "relu"
    try:
        positional, named = here.arguments(function)
        optional = {
            p.name: here.find(p.name)[1]
            for p in inspect.signature(function).parameters.values()
            if p.default is not p.empty
            and set(_roles(p.name)) & {"features", "units", "classes", "sizes", "units2", "hiddens"}
            and isinstance(p.default, int | list | tuple)
            and plain(p.name) not in ("layers",)
        }
        optional = {name: value for name, value in optional.items() if value is not None}
        if optional:
            yield positional, {**named, **optional}
        yield positional, named
    except ProgramError:
        pass
    parameters = inspect.signature(function).parameters.values()
    still = {p.name: 0.0 for p in parameters if "reg" in _roles(p.name) and isinstance(p.default, float)}
    ways: list[list[Any]] = [[]]
    if required(function):
        ways = [[sizes], list(sizes), [sizes[0], sizes[-1]], [sizes[0], sizes[1:-1], sizes[-1]]]
    for way in [*ways, [here.roles["x"], here.roles["y"]], [sizes[0]]]:
        yield way, still


def usable(arrays: list[tuple[str, Array]]) -> bool:
    """Whether there is at least one matrix of weights among them."""
    return any(a.ndim == 2 and a.dtype.kind == "f" for _, a in arrays)


def function_subjects(program: Program, classes: int, deep: bool) -> Iterator[Subject]:
    """Networks made of free functions."""
    functions = program.functions
    sizes = [FEATURES, UNITS, UNITS2, classes] if deep else [FEATURES, UNITS, classes]
    calls: dict[str, Callable[..., Any]] = {}
    for kind in ("forward", "backward", "loss", "update", "train", "predict"):
        found = of_kind(program, functions, kind)
        if found:
            calls[kind] = found[0]
    combined = next((f for f in of_kind(program, functions, "loss") if gives_gradients(program, f)), None)
    style = "functions"
    if combined is not None and ("backward" not in calls or called_names(program, combined) & {calls["backward"].__name__}):
        calls["loss"] = combined
        calls.pop("backward", None)
        style = "dictionary"
    if not ("forward" in calls or style == "dictionary"):
        return
    for maker in [*of_kind(program, functions, "init"), None]:
        env = environment(program, classes, deep)
        result, names = _made(program, maker, env, sizes) if maker else _from_globals(program)
        if result is None:
            continue
        raw = [(path, a) for path, a in arrays_in(result, "p") if a.ndim in (1, 2)]
        result = in_float64(result)
        if isinstance(result, tuple) and not any(names or ()) and "forward" in calls:
            names = _asked_for(calls["forward"], result)
        env.put_result(names, result, "params")
        parameters = _named(result, names)
        if not usable(parameters):
            continue
        yield Subject(
            program, style, None, {**calls, **({"init": maker} if maker else {})}, env, parameters=parameters, raw=raw
        )
        return
    if style == "dictionary":  # loss(W, X, y): a linear classifier without a start
        for shape in ((FEATURES, classes), (classes, FEATURES)):
            env = environment(program, classes, deep)
            weights = np.zeros(shape)
            env.put_result(["W"], weights, "params")
            yield Subject(program, style, None, calls, env, parameters=[("W", weights)])


def _asked_for(forward: Callable[..., Any], parameters: tuple[Any, ...]) -> list[str] | None:
    """Names for parameters that are returned without one: those that forward asks for, in its order, beside the rows."""
    wanted = [name for name in required(forward) if not {"x", "y"} & set(_roles(name))]
    return wanted if len(wanted) == len(parameters) else None


def _named(result: Any, names: list[str] | None) -> list[tuple[str, Array]]:
    parts = result if isinstance(result, tuple) else (result,)
    if names is None or len(names) != len(parts):
        names = [""] * len(parts) if len(parts) == 1 else [f"result{number + 1}" for number in range(len(parts))]
    if len(parts) == 1 and not isinstance(parts[0], list | np.ndarray):
        names = [""]
    found = [(path, a) for name, part in zip(names, parts, strict=True) for path, a in arrays_in(part, name)]
    return [(path, a) for path, a in found if a.dtype.kind == "f" and a.ndim in (1, 2) and not is_optimizer_state(path)]


def _made(program: Program, maker: Callable[..., Any], env: Environment, sizes: list[int]) -> tuple[Any, list[str] | None]:
    for positional, named in guess(program, maker, env, sizes):
        try:
            seed_program(0)
            result = program.call(maker, *positional, **named)
        except ProgramError:
            continue
        if usable([(path, a) for path, a in arrays_in(result, "p") if a.ndim == 2]):
            return result, returned_names(program, maker)
    return None, None


def _from_globals(program: Program) -> tuple[Any, list[str] | None]:
    """Parameters that the file makes at its top level: W1 = np.random.randn(...)."""
    found = {}
    for name, value in vars(program.module).items():
        short = re.fullmatch(r"(w|b|weights?|bias(es)?|theta)_?\w{0,8}", name.lower())
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim in (1, 2) and short:
            found[name] = value
        elif (
            isinstance(value, dict)
            and plain(name) in ("params", "parameters", "model")
            and usable(list(arrays_in(value, name)))
        ):
            return value, [name]
    return (tuple(found.values()), list(found)) if len(found) >= 1 else (None, None)


def gives_gradients(program: Program, function: Callable[..., Any]) -> bool:
    """Whether a loss function also returns gradients: its return statement names them."""
    names = [name for name in returned_names(program, function) or [] if name]
    gradients = [name for name in names if is_gradient_name(name) or "grads" in _roles(name)]
    wants = required(function)
    return (
        bool(gradients)
        and len(names) >= 2
        and len(wants) >= 2
        and not (set(wants) <= {"x", "y", "scores", "probs"} and "dx" in names)
    )


def is_optimizer_state(path: str) -> bool:
    """Whether an array is a velocity, a moment or a gradient rather than a parameter."""
    last = path.split(".")
    words = ("moment", "cache", "veloc", "mask", "running", "state")
    return any(
        re.fullmatch(r"[vms]_?(d?[wb])?\d*", p.lower()) or any(w in p.lower() for w in words) for p in last
    ) or is_gradient_name(path)


def class_subjects(program: Program, classes: int, deep: bool) -> Iterator[Subject]:
    """Networks that are a class with their own parameters."""
    sizes = [FEATURES, UNITS, UNITS2, classes] if deep else [FEATURES, UNITS, classes]
    for cls in program.classes.values():
        methods = {n: f for n, f in inspect.getmembers(cls, inspect.isfunction) if not n.startswith("__")}
        if not methods or not (network_like(methods) or "net" in cls.__name__.lower() or "mlp" in cls.__name__.lower()):
            continue
        env = environment(program, classes, deep)
        holder = None
        for positional, named in guess(program, cls, env, sizes):
            try:
                seed_program(0)
                holder = program.call(cls, *positional, **named)
            except ProgramError:
                continue
            if usable(_own_parameters(holder)):
                break
        if holder is None or not usable(_own_parameters(holder)):
            continue
        raw = [(path, a) for path, a in arrays_in(holder) if a.ndim in (1, 2) and not is_optimizer_state(path)]
        in_float64(holder)
        calls = _methods(program, holder, methods)
        parameters = _own_parameters(holder)
        env.roles["params"] = getattr(holder, "params", getattr(holder, "parameters", None))
        style = "dictionary" if "backward" not in calls and "loss" in calls else "functions"
        if "forward" in calls or style == "dictionary":
            yield Subject(program, style, holder, calls, env, parameters=parameters, raw=raw)


def network_like(methods: dict[str, Any]) -> bool:
    """Whether these are the methods of a whole network rather than of a layer."""
    names = [name.lower() for name in methods]
    whole = any(
        re.search(r"^(train|fit|loss|compute_loss|cost|predict|backprop|feedforward|sgd|compute_cost|get_loss)", name)
        for name in names
    )
    return whole and any(FORWARD.search(n) or LOSS.search(n) for n in names)


def _own_parameters(holder: Any) -> list[tuple[str, Array]]:
    found = []
    seen: set[int] = set()
    for path, a in arrays_in(holder):
        last = path.split(".")[-1].lower()
        if a.dtype.kind != "f" or a.ndim not in (1, 2) or id(a) in seen or is_optimizer_state(path):
            continue
        if last in ("x", "y", "input", "inputs", "output", "target", "labels") or (
            a.ndim == 1 and re.search("loss|hist|size", path.lower())
        ):
            continue
        seen.add(id(a))
        found.append((path, a))
    return found


def _methods(program: Program, holder: Any, methods: dict[str, Any]) -> dict[str, Callable[..., Any]]:
    bound = {name: getattr(holder, name) for name in methods}
    calls = {}
    for kind in ("forward", "backward", "loss", "update", "train", "predict"):
        found = of_kind(program, bound, kind)
        if found:
            calls[kind] = found[0]
    combined = next((f for f in of_kind(program, bound, "loss") if gives_gradients(program, f)), None)
    if combined is not None and ("backward" not in calls or calls["backward"].__name__ in called_names(program, combined)):
        calls["loss"] = combined
        calls.pop("backward", None)
        if "forward" in calls and not (set(required(calls["forward"])) & {"X", "x", "inputs"}):
            calls.pop("forward")
    return calls
