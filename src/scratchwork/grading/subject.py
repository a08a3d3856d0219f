"""One face for whole networks, whether they are free functions, a dictionary with a loss, or a class of their own."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..arrays import Array
from .binding import Environment, arrays_in, returned_names
from .loading import Program, ProgramError
from .names import is_gradient_name, roles_of
from .pairing import pair
from .tasks import Task

INIT = re.compile(
    r"init|create_?(param|net|model|weight)|make_?(param|net|model)|setup|build_?(net|model|param)|random_?param|(get|new)_?param"
)
FORWARD = re.compile(r"forward|feed|fprop|fwd|propagate|predict_?prob|^net(work)?$|^infer|^compute_output|^run_net")
BACKWARD = re.compile(r"back|bprop|bwd|grad|deriv")
UPDATE = re.compile(r"update|optimi[sz]e|apply|sgd|step|descen|adam|momentum")
LOSS = re.compile(r"loss|cost|entropy|^mse|^bce|^cce|error|nll|criterion|objective")
TRAIN = re.compile(r"train|fit|gradient_descent|learn|^run|optimi[sz]e|^sgd$|^model$|^nn_model$")
PREDICT = re.compile(r"predict|classify|^test$")
RATE = 0.0625  # a power of 2: differences divided by it are exact


@dataclass
class Found:
    """The gradients of one backward call: parameter's name to array, and what is wrong with how they came."""

    arrays: dict[str, Array | None]
    moved: bool = False
    changed_inputs: str = ""


@dataclass
class Subject:
    """A network: how to call its forward, its loss, its backward and its update, whatever they are called."""

    program: Program
    style: str
    holder: Any
    calls: dict[str, Callable[..., Any]]
    env: Environment
    layout: str = "rows"
    form: str = "hot"
    parameters: list[tuple[str, Array]] = field(default_factory=list)
    output_name: str = ""
    climbs: bool = False
    trace: list[tuple[str, Array]] = field(default_factory=list)
    raw: list[tuple[str, Array]] = field(default_factory=list)

    def name(self, kind: str) -> str:
        """What the program calls its forward, backward, update or loss."""
        function = self.calls.get(kind)
        return "" if function is None else getattr(function, "__qualname__", kind).split("<locals>.")[-1]

    def source(self, kind: str) -> str:
        """The text of one of its functions."""
        return self.program.source(self.calls[kind]) if kind in self.calls else ""

    def values(self) -> dict[str, Array]:
        """The parameters as they are now, copied."""
        return {name: array.copy() for name, array in self.parameters}

    def put(self, values: dict[str, Array]) -> None:
        """Write parameters, in place."""
        for name, array in self.parameters:
            array[...] = values[name]

    @property
    def root(self) -> Any:
        """What the names of parameters are paths in."""
        if self.holder is not None:
            return self.holder
        params = self.env.roles.get("params")
        return self.env.names if isinstance(params, tuple | np.ndarray) else params

    def sync(self) -> None:
        """After a call that made new arrays (W = W − dW): their numbers in ours, and ours in their place again."""
        for name, array in self.parameters:
            current, put_back = _at(self.root, name)
            if isinstance(current, np.ndarray) and current is not array and current.shape == array.shape:
                array[...] = current
                put_back(array)

    def use(self, task: Task) -> None:
        """Hand over a batch: it becomes what x, y and the number of rows mean."""
        rows = 1 if self.layout == "vector" else len(task.x)
        self.env.roles.update(x=task.rows(self.layout), y=task.targets(self.form, self.layout), rows=rows)
        self.env.roles["yhot"] = task.targets("hot", self.layout)
        if self.layout in (
            "columns",
            "vector",
        ):  # one sample twice, as some hand their batches over: a list of pairs of columns
            hot = task.targets("hot", "columns")
            self.env.names["mini_batch"] = [(task.x[:1].T.copy(), hot[:, :1].copy()) for _ in range(2)]
        module = vars(self.program.module)
        for name in ("m", "n_samples", "num_samples", "batch_size", "num_examples", "m_train", "N"):
            if name in self.program_globals and name not in self.program.functions and not callable(module.get(name)):
                module[name] = rows
        self._into_attributes(task)

    @property
    def program_globals(self) -> set[str]:
        """The global names that its functions read."""
        found: set[str] = set()
        for function in self.calls.values():
            code = getattr(getattr(function, "__func__", function), "__code__", None)
            found |= set(code.co_names) if code is not None else set()
        return found

    def _into_attributes(self, task: Task) -> None:
        """A class that was made with (x, y) keeps them: hand it these."""
        if self.holder is None:
            return
        for name in vars(self.holder):
            if name in ("x", "X", "input", "inputs", "data"):
                setattr(self.holder, name, task.rows(self.layout))
            elif name in ("y", "Y", "labels", "target", "targets"):
                setattr(self.holder, name, task.targets(self.form, self.layout))

    def invoke(self, kind: str, spare: tuple[str, ...], role: str) -> Any:
        """Call one of the functions with what its parameters mean, and remember what it returns."""
        function = self.calls[kind]
        positional, named = self.env.arguments(function, spare)
        result = self.program.call(function, *positional, **named)
        self.env.put_result(returned_names(self.program, function), result, role)
        return result

    def forward(self, task: Task) -> list[tuple[str, Array]]:
        """The arrays that forward gives for a batch, by their names; what is returned first."""
        self.use(task)
        known = {id(array) for _, array in self.parameters}
        kind = "forward" if "forward" in self.calls else "loss"
        self.env.forget("cache", "grads", "value")
        self.env.roles.pop("out", None)
        self.env.roles.pop("cache", None)
        saved = dict(self.env.roles)
        if kind == "loss":
            self.env.roles.pop("y", None)
            self.env.roles.pop("yhot", None)
        try:
            result = self.invoke(kind, ("x", "params"), "cache")
        finally:
            self.env.roles.update({role: value for role, value in saved.items() if role not in ("cache", "out")})
        names = returned_names(self.program, self.calls[kind])
        parts = result if isinstance(result, tuple) else (result,)
        names = names if names is not None and len(names) == len(parts) else [f"result {n + 1}" for n in range(len(parts))]
        trace = [(path, a) for name, part in zip(names, parts, strict=True) for path, a in arrays_in(part, name or "result")]
        containers = [part for part in parts if isinstance(part, dict | list | tuple) or hasattr(part, "__dict__")]
        if isinstance(result, tuple) and containers:
            self.env.roles["cache"] = containers[-1]
        if self.holder is not None:
            trace += [(path, a) for path, a in arrays_in(self.holder) if not is_gradient_name(path)]
        self.trace = [(path, np.asarray(a)) for path, a in trace if id(a) not in known]
        chosen = next((a for path, a in self.trace if path == self.output_name), None)
        if kind == "forward" and self.trace:
            self.env.roles["out"] = self.trace[0][1] if chosen is None else chosen
        return self.trace

    def loss(self, task: Task, out: Array) -> float | None:
        """The value of its own loss for outputs that it gave; None where it has none."""
        if "loss" not in self.calls:
            return None
        self.use(task)
        self.env.roles["out"] = out
        result = self.invoke("loss", ("out", "y"), "value")
        return number_in(result)

    def gradients(self, task: Task) -> Found:
        """What backward gives for each parameter, after a forward; the parameters are put back."""
        before = self.values()
        try:
            self.forward(task)
        except ProgramError:
            if self.style != "dictionary" or "forward" in self.calls:
                raise
            self.use(task)  # its loss cannot be called without targets, and that is all that it has
        return self._backward(task, before)

    def _backward(self, task: Task, before: dict[str, Array]) -> Found:
        self.use_again(task)
        x, y = self.env.roles["x"], self.env.roles["y"]
        kept = x.copy(), np.array(y)
        kind = "backward" if "backward" in self.calls else "loss"
        self.env.roles.setdefault("lr", RATE)
        result = self.invoke(kind, ("cache", "x", "y", "params", "lr"), "grads")
        if kind == "loss" and isinstance(result, tuple) and len(result) >= 2:
            self.env.roles["grads"] = result[1] if len(result) == 2 else result[1:]
        candidates = self._candidates(kind, result)
        self.sync()
        after = self.values()
        self.put(before)
        moved = any(not np.array_equal(before[name], after[name]) for name in before)
        changed = "x" if not np.array_equal(kept[0], x) else "y" if not np.array_equal(kept[1], y) else ""
        arrays = pair(list(before.items()), candidates)
        if moved and sum(array is not None for array in arrays.values()) < len(arrays):
            rate = self.rate_of(kind)
            arrays = {name: (before[name] - after[name]) / rate for name in before}
        return Found(arrays, moved, changed)

    def rate_of(self, kind: str) -> float:
        """The learning rate that a call which updates by itself uses: the one handed over, its own, or none."""
        names = inspect.signature(self.calls[kind]).parameters
        if any("lr" in roles_of(name) for name in names):
            return float(self.env.roles["lr"])
        own = [value for name, value in vars(self.holder).items() if "lr" in roles_of(name)] if self.holder is not None else []
        return float(own[0]) if own and isinstance(own[0], int | float) and own[0] else 1.0

    def use_again(self, task: Task) -> None:
        """The same batch after its forward: the roles only, the caches stay."""
        rows = 1 if self.layout == "vector" else len(task.x)
        self.env.roles.update(y=task.targets(self.form, self.layout), rows=rows)
        self._into_attributes(task)

    def _candidates(self, kind: str, result: Any) -> list[tuple[str, Array]]:
        """Arrays that may be gradients: what was returned, then attributes with such a name."""
        names = returned_names(self.program, self.calls[kind])
        parts = list(result) if isinstance(result, tuple) else [result]
        if kind == "loss" and len(parts) >= 2:
            parts, names = parts[1:], names[1:] if names is not None and len(names) == len(parts) else None
        if names is None or len(names) != len(parts):
            names = [""] * len(parts) if len(parts) == 1 else [f"result {number + 1}" for number in range(len(parts))]
        found = [(path, a) for name, part in zip(names, parts, strict=True) for path, a in arrays_in(part, name)]
        if self.holder is not None:
            found += [
                (path, a)
                for path, a in arrays_in(self.holder)
                if any(map(is_gradient_name, path.split("."))) or "grad" in path.lower()
            ]
        return [(path, np.array(a, np.float64)) for path, a in found]

    def update(self, rate: float) -> None:
        """Its own update with the gradients of the last backward; what it returns are the parameters from now on."""
        self.env.roles["lr"] = rate
        params = self.env.roles.get("params")
        result = self.invoke("update", ("params", "grads", "lr"), "updated")
        self.env.roles["params"] = params
        arrays = [np.asarray(a, np.float64) for _, a in arrays_in(result)]
        shapes = [array.shape for _, array in self.parameters]
        for start in range(len(arrays) - len(shapes) + 1):
            if [array.shape for array in arrays[start : start + len(shapes)]] == shapes:
                for (_, array), new in zip(self.parameters, arrays[start:], strict=False):
                    array[...] = new
                break
        else:
            if arrays and len(arrays) >= len(shapes):
                raise ProgramError("wrong shape", f"{self.name('update')} returns parameters of other shapes than it was given")
        if isinstance(self.env.roles.get("params"), tuple | np.ndarray):
            self.env.names.update(self._top_level())
        else:
            self.sync()

    def _top_level(self) -> dict[str, Any]:
        """The parameters that are names of their own: the arrays that we hold, whatever was returned last."""
        return {name: array for name, array in self.parameters if "." not in name}


def _at(root: Any, path: str) -> tuple[Any, Callable[[Any], None]]:
    """(what stands at a path of `arrays_in`, a function that puts something else there)."""
    parts = path.split(".")
    for depth, part in enumerate(parts):
        key: Any = part
        if isinstance(root, dict):
            key = next((own for own in root if str(own) == part), part)
            value = root.get(key)
        elif isinstance(root, list | tuple) and part.isdigit() and int(part) <= len(root):
            key = int(part) - 1
            value = root[key]
        else:
            value = getattr(root, part, None)
        if depth == len(parts) - 1:
            return value, partial(_set, root, key)
        root = value
    return None, lambda new: None


def _set(root: Any, key: Any, value: Any) -> None:
    if isinstance(root, dict | list):
        root[key] = value
    elif not isinstance(root, tuple):
        setattr(root, key, value)


def first_array(result: Any) -> Array | None:
    """The array that a function returns, or the first of several results."""
    if isinstance(result, tuple) and result:
        result = result[0]
    try:
        array = np.asarray(result, np.float64)
    except (TypeError, ValueError):
        return None
    return array if array.size else None


def number_in(result: Any) -> float | None:
    """The loss in what a loss function returned: a number, the mean of one number per row, or the first of several."""
    array = first_array(result)
    return float(array.mean()) if array is not None and array.ndim <= 2 else None
