"""One face for whole networks, whether they are free functions, a dictionary with a loss, or a class of their own."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import numpy as np

from ..arrays import Array
from ..gradient_patterns import is_bias
from .binding import Environment, arrays_in, canonical, is_gradient_name, plain, returned_names, roles_of
from .known import one_hot
from .loading import Program, ProgramError

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
class Task:
    """A small batch, in every form in which programs take one."""

    x: Array
    labels: Array
    classes: int

    @property
    def hot(self) -> Array:
        """The targets as rows: one-hot, or one column of 0 and 1."""
        if self.classes == 1:
            return self.labels[:, None].astype(float)
        return one_hot(self.labels, self.classes)

    def rows(self, layout: str) -> Array:
        """x as the program wants it."""
        return {"columns": self.x.T, "vector": self.x[0]}.get(layout, self.x).copy()

    def targets(self, form: str, layout: str) -> Array:
        """y as the program wants it."""
        hot = self.hot
        forms = {
            "hot": {"columns": hot.T, "vector": hot[0]}.get(layout, hot),
            "labels": self.labels,
            "label row": self.labels[None],
            "label column": self.labels[:, None],
            "label": self.labels[0],
        }
        return np.array(forms[form])

    def part(self, rows: slice) -> Task:
        """Some of its rows."""
        return Task(self.x[rows], self.labels[rows], self.classes)


def rows_for(*sizes: int) -> int:
    """A number of rows that is no other size of the network, and enough for every class."""
    return next(
        rows for rows in (7, 11, 13, 17, 19, 23, 29, 31, 37, 41, *range(43, 9999, 2)) if rows > sizes[-1] and rows not in sizes
    )


def make_task(rows: int, features: int, classes: int, seed: int = 3) -> Task:
    """Rows that can be told apart, with every class among them."""
    rng = np.random.default_rng(seed)
    labels = np.arange(rows) % max(classes, 2)
    rng.shuffle(labels)
    return Task(rng.normal(size=(rows, features)), labels, classes)


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
            found += [(path, a) for path, a in arrays_in(self.holder) if is_gradient_name(path) or "grad" in path.lower()]
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
            return value, lambda new, root=root, key=key: _set(root, key, new)  # type: ignore[misc]
        root = value
    return None, lambda new: None


def _set(root: Any, key: Any, value: Any) -> None:
    if isinstance(root, dict | list):
        root[key] = value
    elif not isinstance(root, tuple):
        setattr(root, key, value)


def number_in(result: Any) -> float | None:
    """The loss in what a loss function returned: a number, the mean of one number per row, or the first of several."""
    if isinstance(result, tuple) and result:
        result = result[0]
    try:
        array = np.asarray(result, np.float64)
    except (TypeError, ValueError):
        return None
    return float(array.mean()) if array.size and array.ndim <= 2 else None


def pair(parameters: list[tuple[str, Array]], candidates: list[tuple[str, Array]]) -> dict[str, Array | None]:
    """The gradient of each parameter: by its name, else by the order of those whose shapes fit."""
    found: dict[str, Array | None] = {}
    taken: set[int] = set()
    for name, _ in parameters:
        own = canonical(name)
        owner = name.rpartition(".")[0]
        tests: list[Callable[[str], bool]] = [
            lambda path, own=own: canonical(path) in ("d" + own, own + "d"),  # type: ignore[misc]
            lambda path, own=own, owner=owner: (
                bool(owner)
                and path.rpartition(".")[0] == owner  # type: ignore[misc]
                and is_gradient_name(path)
                and canonical(path).lstrip("d")[:1] == own[:1]
            ),
            lambda path, own=own: canonical(path) == own and path not in dict(parameters),  # type: ignore[misc]
            lambda path, own=own: plain(path.split(".")[-1]) == "grad" + own,  # type: ignore[misc]
        ]
        for test in tests:
            hits = [number for number, (path, _) in enumerate(candidates) if number not in taken and test(path)]
            if hits:
                found[name] = candidates[hits[0]][1]
                taken.add(hits[0])
                break
    if found or not candidates:
        for name, array in parameters:
            if name not in found:
                rest = [n for n, (_, a) in enumerate(candidates) if n not in taken and a.shape == array.shape and a.ndim]
                found[name] = candidates[rest[0]][1] if len(rest) == 1 else None
                taken |= set(rest[:1])
        return found
    arrays = [array for _, array in candidates]
    for order in _orders(parameters):
        for start in range(len(arrays) - len(order) + 1):
            piece = arrays[start : start + len(order)]
            if sum(a.shape == p.shape for a, (_, p) in zip(piece, order, strict=True)) >= max(len(order) - 1, 1):
                return {name: a for (name, _), a in zip(order, piece, strict=True)}
    return {name: next((a for a in arrays if a.shape == array.shape), None) for name, array in parameters}


def _orders(parameters: list[tuple[str, Array]]) -> list[list[tuple[str, Array]]]:
    """The orders in which gradients are returned: as the parameters, backwards, weights first."""
    biases = [entry for entry in parameters if looks_like_bias(*entry)]
    weights = [entry for entry in parameters if not looks_like_bias(*entry)]
    pairs = [entry for both in zip(weights, biases, strict=False) for entry in both]
    backwards = [entry for both in zip(weights[::-1], biases[::-1], strict=False) for entry in both]
    return [parameters, parameters[::-1], weights + biases, biases + weights, pairs, backwards, weights[::-1] + biases[::-1]]


def looks_like_bias(name: str, array: Array) -> bool:
    """Whether a parameter is a bias, by its name or else by its shape."""
    text = canonical(name)
    if is_bias(name) or is_bias(text) or (text[:1] == "b" and (array.ndim == 1 or 1 in array.shape)):
        return True
    return array.ndim == 1 or (1 in array.shape and text[:1] != "w" and array.shape[0] == 1)


def chain(parameters: list[tuple[str, Array]]) -> tuple[list[str], list[str | None], str] | None:
    """The names of weights and biases in the order of the layers, and "in, out" or "out, in" for how weights lie."""
    weights = [(n, a) for n, a in parameters if a.ndim == 2 and not looks_like_bias(n, a)]
    biases = [(n, a) for n, a in parameters if looks_like_bias(n, a)]
    if not weights or len(weights) > 6 or len(weights) + len(biases) != len(parameters):
        return None
    numbers = [re.findall(r"\d+", canonical(n)) for n, _ in weights]
    if all(numbers):
        weights = [entry for _, entry in sorted(zip([int(n[-1]) for n in numbers], weights, strict=True), key=lambda e: e[0])]
    orders = [weights, *(list(p) for p in permutations(weights))] if len(weights) <= 3 else [weights]
    for order in orders:
        shapes = [a.shape for _, a in order]
        links = {
            "in, out": all(a[1] == b[0] for a, b in zip(shapes, shapes[1:], strict=False)),
            "out, in": all(a[0] == b[1] for a, b in zip(shapes, shapes[1:], strict=False)),
        }
        fits = [way for way, ok in links.items() if ok]
        for way in sorted(fits, key=lambda way: way != _way_of_biases(biases)):
            outs = [a[1] if way == "in, out" else a[0] for a in shapes]
            chosen = _biases(outs, [n for n, _ in order], biases)
            if chosen is not None:
                return [n for n, _ in order], chosen, way
    return None


def _way_of_biases(biases: list[tuple[str, Array]]) -> str:
    columns = [a for _, a in biases if a.ndim == 2 and a.shape[1] == 1 and a.shape[0] > 1]
    return "out, in" if columns else "in, out"


def _biases(outs: list[int], names: list[str], biases: list[tuple[str, Array]]) -> list[str | None] | None:
    if not biases:
        return [None] * len(outs)
    if len(biases) == len(outs):
        digits = [re.findall(r"\d+", canonical(n)) for n, _ in biases]
        if all(digits):
            biases = [e for _, e in sorted(zip([int(d[-1]) for d in digits], biases, strict=True), key=lambda e: e[0])]
        for order in (biases, biases[::-1]):
            if [a.size for _, a in order] == outs:
                return [n for n, _ in order]
    return None
