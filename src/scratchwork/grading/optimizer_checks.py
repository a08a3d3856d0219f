"""The checks of optimizer classes: three steps against the rule that their name promises."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..arrays import Array
from .binding import required
from .hints import Book, departure
from .loading import Program, ProgramError
from .memories import Path, wrong_rule
from .names import plain, roles_of
from .update_rules import decays, rules, setting

STEP_NAMES = re.compile(r"^(update\w*|step|apply\w*|optimi[sz]e)$")
STEPS = 3


def step_method(thing: object) -> str | None:
    """The method that takes a step."""
    names = [n for n in dir(type(thing)) if STEP_NAMES.match(n) and callable(getattr(thing, n, None))]
    return min(names, key=lambda n: (n != "update_params", len(n)), default=None)


def rule_of(name: str, thing: object) -> str:
    """Which rule a class promises."""
    text = name.lower()
    for word, rule in (
        ("adam", "adam"),
        ("rms", "rmsprop"),
        ("adagrad", "adagrad"),
        ("ada_grad", "adagrad"),
        ("nesterov", "momentum"),
        ("moment", "momentum"),
    ):
        if word in text:
            return rule
    return "momentum" if setting(thing, "momentum", 0.0) else "sgd"


OWNER = re.compile(r"model|net|layers|modules|linears|denses|param")


def make_optimizer(program: Program, cls: type, owner: Any = None, **wanted: float) -> Any:
    """An optimizer with these settings, as far as it has them; `owner` is a model or a list of layers that it wants."""
    named: dict[str, Any] = {}
    for parameter in inspect.signature(cls).parameters.values():
        text = plain(parameter.name)
        value = None
        if "lr" in roles_of(parameter.name) and text != "gamma":
            value = wanted.get("lr")
        elif decays(parameter):
            value = wanted.get("decay")
        elif text in ("momentum", "mu", "mom"):
            value = wanted.get("momentum")
        if value is not None:
            named[parameter.name] = value
        elif parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            if owner is None or not OWNER.search(text):
                return None
            if "param" in text:
                held = [one for one in vars(owner[1]).values() if hasattr(one, "__dict__")] if owner[1] is not None else []
                if not held:
                    return None
                named[parameter.name] = held
            else:
                named[parameter.name] = [owner[1]] if re.search("layers|modules|linears|denses", text) else owner[0]
    try:
        return program.call(cls, **named)
    except ProgramError:
        return None


def at(thing: Any, path: str) -> Any:
    """What stands at a path of attributes: W, or W.value."""
    for part in path.split("."):
        thing = getattr(thing, part, None)
    return thing


class Stepper:
    """Calls an optimizer's step on one weight and one bias, whatever form it takes them in."""

    def __init__(self, program: Program, thing: Any, names: dict[str, str], like: Any) -> None:
        self.program, self.thing, self.names, self.like = program, thing, names, like
        self.method = step_method(thing) or "update"

    def run(self, start: dict[str, Array], gradients: list[dict[str, Array]]) -> list[dict[str, Array]]:
        """The parameters after each of several steps."""
        layer: Any = self.like if self.like is not None else SimpleNamespace()
        for key in ("weight", "bias"):
            self._put(layer, key, start[key])
        current = {key: start[key].copy() for key in start}
        found = []
        for gradient in gradients:
            for key in ("weight", "bias"):
                self._put(layer, "d" + key, gradient[key])
            self._hook("pre")
            result = self._step(layer, current, gradient)
            self._hook("post")
            current = self._after(layer, current, result)
            found.append({key: np.array(value, np.float64) for key, value in current.items()})
        return found

    def _put(self, layer: Any, key: str, value: Array) -> None:
        """Write in place where the layer has such an array: others may hold it too."""
        own = at(layer, self.names[key])
        if isinstance(own, np.ndarray) and own.shape == value.shape:
            own[...] = value
        else:
            way, _, last = self.names[key].rpartition(".")
            setattr(at(layer, way) if way else layer, last, value.copy())

    def _hook(self, word: str) -> None:
        for name in dir(type(self.thing)):
            if name.startswith(word) and callable(getattr(self.thing, name)) and not required(getattr(self.thing, name)):
                self.program.call(getattr(self.thing, name))

    def _step(self, layer: Any, current: dict[str, Array], gradient: dict[str, Array]) -> Any:
        function = getattr(self.thing, self.method)
        arguments: list[Any] = []
        self.kind = "layer"
        for name in required(function):
            text = plain(name)
            if re.search("layers|network|model|net$", text):
                arguments.append([layer])
            elif re.search("layer|obj|dense", text):
                arguments.append(layer)
            elif re.search("^d|grad", text):
                arguments.append(
                    {k: v.copy() for k, v in gradient.items()}
                    if self.kind == "dict"
                    else [gradient["weight"].copy(), gradient["bias"].copy()]
                )
            elif re.search("param|weights|theta", text):
                self.kind = "dict"
                arguments.append(current)
            elif "lr" in roles_of(name):
                arguments.append(0.1)
            elif text in ("t", "step", "iteration", "epoch"):
                arguments.append(1)
            else:
                arguments.append(layer)
        if self.kind == "dict" and not re.search(
            r"\.items\(\)|\.keys\(\)|in (self\.)?params\b|\[key\]|\[k\]|\[name\]", self.program.source(function)
        ):
            raise ProgramError("does not run", "its parameters come in a form that is not known here")
        return self.program.call(function, *arguments)

    def _after(self, layer: Any, current: dict[str, Array], result: Any) -> dict[str, Array]:
        if self.kind == "layer":
            return {key: np.asarray(at(layer, self.names[key])) for key in ("weight", "bias")}
        return dict(result) if isinstance(result, dict) and set(result) >= {"weight", "bias"} else current


def check_optimizer(
    program: Program, book: Book, cls: type, names: dict[str, str], like: Callable[[], tuple[Any, Any]]
) -> None:
    """A few steps with random gradients, with and without what its settings add; `like` makes (model, layer in it)."""
    name, lr = cls.__name__, 0.05
    thing = make_optimizer(program, cls, like(), lr=lr, decay=0.0)
    if thing is None or step_method(thing) is None or any(own.startswith("param") for own in names.values()):
        book.unasked(f"{name}: three steps", name, "it could not be made here")
        return
    variants: list[tuple[str, dict[str, float]]] = [("", {"decay": 0.0})]
    signature = inspect.signature(cls).parameters
    if "momentum" in map(plain, signature) and rule_of(name, thing) in ("sgd", "momentum"):
        variants = [(" without momentum", {"decay": 0.0, "momentum": 0.0}), (" with momentum", {"decay": 0.0, "momentum": 0.9})]
    if any(decays(p) for p in signature.values()):
        variants.append((" with decay", {"decay": 0.25, "momentum": 0.0}))
    for label, wanted in variants:
        try:
            paths = [walked(program, cls, names, like, {**wanted, "lr": rate}) for rate in (lr, 2 * lr)]
        except ProgramError as error:
            if "not known here" in str(error):
                book.unasked(f"{name}: three steps{label}", name, str(error))
            else:
                book.error(f"{name}: three steps{label}", name, error, 3.0)
            return
        except (AttributeError, TypeError, ValueError) as error:
            book.unasked(f"{name}: three steps{label}", name, f"it could not be called here: {error}")
            return
        rule = "sgd" if label == " without momentum" else rule_of(name, paths[0].thing)
        told = mistake_of(paths[0], paths[1], rule, "decay" in label)
        subject = f"{name}.{paths[0].method}"
        if told is not None and told[0] == "":
            book.unasked(f"{name}: three steps{label}", subject, told[1])
        else:
            book.verdict(f"{name}: three steps{label}", subject, told[:2] if told else None, 3.0, told[2] if told else None)


@dataclass
class Walked:
    """What an optimizer did to a weight and a bias."""

    thing: Any
    method: str
    rate: float
    start: dict[str, Array]
    gradients: list[dict[str, Array]]
    given: list[dict[str, Array]]

    def path(self, key: str) -> Path:
        """The way of one parameter."""
        return Path([self.start[key], *(one[key] for one in self.given)], [g[key] for g in self.gradients], self.rate)


def walked(
    program: Program, cls: type, names: dict[str, str], like: Callable[[], tuple[Any, Any]], wanted: dict[str, float]
) -> Walked:
    """Three steps from the same start with the same gradients."""
    owner = like()
    thing = make_optimizer(program, cls, owner, **wanted)
    rng = np.random.default_rng(41)
    shapes = {"weight": (5, 4), "bias": (1, 4)}
    if owner[1] is not None:
        shapes = {key: at(owner[1], names[key]).shape for key in shapes}
    start = {key: rng.normal(size=shape) for key, shape in shapes.items()}
    gradients = [{key: rng.normal(size=value.shape) for key, value in start.items()} for _ in range(STEPS)]
    stepper = Stepper(program, thing, names, owner[1])
    rate = setting(thing, "lr", wanted["lr"])
    return Walked(thing, stepper.method, rate, start, gradients, stepper.run(start, gradients))


def mistake_of(one: Walked, other: Walked, rule: str, decaying: bool) -> tuple[str, str, Any] | None:
    """(diagnosis, sentence, departure) of three steps; None where they are right, "" where the rule is not known."""
    start, given, lr = one.start, one.given, one.rate
    for key in ("weight", "bias"):
        if given[0][key].shape != start[key].shape:
            return "wrong shape", f"the {key} has shape {given[0][key].shape} after a step, {start[key].shape} before", None
        moved = given[0][key] - start[key]
        if not moved.any():
            return "update missing", f"the {key} does not move", None
        if not np.isfinite(moved).all():
            kind = "bias correction" if rule == "adam" else "denominator"
            return kind, f"the {key} is not finite after the first step", None
    for key in start:
        if ((given[0][key] - start[key]) * one.gradients[0][key]).sum() > 0:
            return "update sign", f"the {key} moves with its gradient, uphill", None
    wrong, right_first = "", None
    for schedule in schedules(lr, decaying):
        same = len(set(schedule)) == 1
        for diagnosis, begin in rules(rule, one.thing, schedule[0] if same else 1.0):
            result = {
                key: _walk(begin, start[key], [g[key] for g in one.gradients], [1.0] * STEPS if same else schedule)
                for key in start
            }
            right_first = result["weight"] if right_first is None else right_first
            if all(np.allclose(given[n][key], result[key][n], rtol=1e-5, atol=1e-9) for key in start for n in range(STEPS)):
                if not diagnosis:
                    return None
                wrong = wrong or diagnosis
    assert right_first is not None
    at = next((n for n in range(STEPS) if not np.allclose(given[n]["weight"], right_first[n], rtol=1e-5, atol=1e-9)), 0)
    place = departure(type(one.thing).__name__, f"weight after step {at + 1}", given[at]["weight"], right_first[at])
    numbers = [float(v) for v in vars(one.thing).values() if isinstance(v, int | float) and not isinstance(v, bool)]
    told = wrong_rule(
        [one.path(k) for k in start], [other.path(k) for k in start], numbers=numbers, speaks_of_momentum=rule == "momentum"
    )
    if told is not None and not decaying:
        return *told, place
    if re.search(r"nadam|adamw|amsgrad|adamax|delta|lion|lamb|lars|clip|weight_?decay", type(one.thing).__name__.lower()):
        return "", "its rule is not known here", None
    last = (
        "decay"
        if decaying
        else {"adam": "bias correction", "momentum": "momentum", "sgd": "wrong update"}.get(rule, "denominator")
    )
    return wrong or last, f"step {at + 1} is not that of {rule}" + (", whose learning rate decays" if decaying else ""), place


def schedules(lr: float, decaying: bool) -> list[list[float]]:
    """The learning rates of three steps, in the forms that a decay of 0.25 may take."""
    if not decaying:
        return [[lr] * STEPS]
    steps = [[t + s for t in range(STEPS)] for s in (0, 1)]
    found = [[lr / (1 + 0.25 * t) for t in numbers] for numbers in steps]
    return found + [[lr * share**t for t in numbers] for share in (0.25, 0.75, float(np.exp(-0.25))) for numbers in steps]


def _walk(make: Any, w: Array, gradients: list[Array], schedule: list[float]) -> list[Array]:
    """The parameter after each step of a rule, whose steps are multiplied by a schedule."""
    found = []
    step = make()
    for t, g in enumerate(gradients, start=1):
        w = w + schedule[t - 1] * (step(w, g, t) - w)
        found.append(w)
    return found


__all__ = ["check_optimizer", "rule_of", "step_method"]
