"""One object of a layer or loss class, called without knowing how its author named methods, arguments and attributes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays import Array
from .binding import arrays_in, in_float64
from .discover import environment, guess
from .loading import Program, ProgramError, seed_program
from .names import canonical, is_gradient_name, plain, roles_of
from .pairing import looks_like_bias
from .subject import RATE

FORWARD_NAMES = re.compile(r"^(forward\w*|fwd|feed_?forward|__call__|calculate|compute_loss|get_loss|loss|activate)$")
BACKWARD_NAMES = re.compile(r"^(backward\w*|back_?prop\w*|bwd|back|gradient|grad|derivative|backward_pass|prime)$")
PREDICTED = re.compile(r"pred|out|hat|prob|^p$|^a\d?$|^al$|logit|score|activ|final|guess|dvalues|^dout$|^z$|input|^x$")
TRUE = re.compile(r"true|target|label|actual|expect|desired|real|^y$|^t$|correct|truth|onehot|one_hot|^ys$|^yt$")
DIMS = {"features": 5, "units": 4, "units2": 6, "classes": 3}


def is_rate(name: str) -> bool:
    """Whether an argument of a backward is a learning rate."""
    return "lr" in roles_of(name)


def method(thing: object, pattern: re.Pattern[str]) -> str | None:
    """The name of the method of this kind; plain names win over longer ones."""
    names = [name for name in dir(type(thing)) if pattern.match(name) and callable(getattr(thing, name, None))]
    names = [name for name in names if name != "__call__" or "__call__" in vars(type(thing))]
    return min(
        names,
        key=lambda name: (name not in ("forward", "backward"), not re.match("for|back|feed", name), len(name)),
        default=None,
    )


def attempts(program: Program, cls: type, extra: dict[str, Any] | None = None) -> list[tuple[list[Any], dict[str, Any]]]:
    """Arguments with which a class might be made."""
    env = environment(program, DIMS["classes"], deep=False)
    env.names.update(extra or {})
    for name in ("activation", "activation_function", "act", "func", "function", "f"):
        env.names.setdefault(name, np.tanh)
    for name in (
        "activation_prime",
        "activation_derivative",
        "derivative",
        "prime",
        "func_prime",
        "act_prime",
        "d_activation",
        "df",
        "dfunc",
    ):
        env.names.setdefault(name, lambda z: 1 - np.tanh(z) ** 2)
    try:
        return list(guess(program, cls, env, [DIMS["features"], DIMS["units"]]))[:6]
    except (TypeError, ValueError):
        return [([], {})]


def make(program: Program, cls: type, extra: dict[str, Any] | None = None) -> Any:
    """An object of this class with float64 arrays, or None."""
    for positional, named in attempts(program, cls, extra):
        try:
            seed_program(0)
            thing = program.call(cls, *positional, **named)
        except ProgramError:
            continue
        return in_float64(thing)
    return None


@dataclass
class Back:
    """What a backward gave: the gradient for the layer before, those of parameters, and whether it updated by itself."""

    dx: Array | None
    grads: dict[str, Array | None]
    moved: bool
    after: dict[str, Array] = field(default_factory=dict)
    wrote: bool = False


@dataclass
class Unit:
    """A layer or loss of the program."""

    program: Program
    thing: Any
    rate: float = RATE

    def __post_init__(self) -> None:
        self.name = type(self.thing).__name__
        self.ahead, self.behind = method(self.thing, FORWARD_NAMES), method(self.thing, BACKWARD_NAMES)
        self.parameters = [(p, a) for p, a in arrays_in(self.thing) if self._is_parameter(p, a)]

    @staticmethod
    def _is_parameter(path: str, a: Array) -> bool:
        last = path.split(".")[-1].lower()
        words = r"moment|cache|mask|veloc|output|input|running|^m_|^v_|^[mv]_?d?[wb]\w*$"
        return a.dtype.kind == "f" and a.ndim in (1, 2) and not is_gradient_name(path) and not re.search(words, last)

    @property
    def weight(self) -> tuple[str, Array] | None:
        """Its matrix of weights."""
        return next(((p, a) for p, a in self.parameters if a.ndim == 2 and not looks_like_bias(p, a)), None)

    @property
    def bias(self) -> tuple[str, Array] | None:
        """Its bias."""
        return next(((p, a) for p, a in self.parameters if looks_like_bias(p, a)), None)

    def subject(self, behind: bool = False) -> str:
        """What a report calls its forward or backward."""
        return f"{self.name}.{self.behind if behind else self.ahead}"

    def _call(self, name: str, values: dict[str, Any], order: tuple[str, ...]) -> Any:
        """Call a method with arguments by their roles: `values` by role, `order` for names that say nothing."""
        function: Callable[..., Any] = getattr(self.thing, name)
        positional, named = [], {}
        left = [role for role in order if role in values]
        # (y, t): some books call the outputs y and the targets t
        beside = any(re.match(r"t$|target|label", plain(one)) for one in inspect.signature(function).parameters)
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                continue
            text = plain(parameter.name)
            role = (
                "lr" if is_rate(parameter.name) else "training" if text in ("training", "train", "istraining", "mode") else ""
            )
            if not role and "true" in left and TRUE.search(text) and not (text == "y" and beside):
                role = "true"
            if parameter.default is not parameter.empty and role not in ("lr", "true"):
                if role == "training" and "training" in values and isinstance(parameter.default, bool):
                    named[parameter.name] = values["training"]
                continue
            if role not in values:
                role = next(iter(left), "")
            if role not in values:
                raise ProgramError(
                    "not understood", f"{self.name}.{name} wants {parameter.name}, whose meaning is not known here"
                )
            left = [one for one in left if one != role]
            (
                named.__setitem__(parameter.name, values[role])
                if parameter.kind is parameter.KEYWORD_ONLY
                else positional.append(values[role])
            )
        return self.program.call(function, *positional, **named)

    def forward(self, x: Array, true: Any = None, training: bool = True) -> Any:
        """What its forward returns, or the output that it keeps."""
        assert self.ahead is not None
        values = {"x": x, "lr": self.rate, "training": training, **({} if true is None else {"true": true})}
        before = dict(arrays_in(self.thing))
        result = self._call(self.ahead, values, ("x", "true"))
        if isinstance(result, tuple) and result and isinstance(result[0], np.ndarray):
            result = result[0]
        if result is not None:
            return result
        return self._kept(
            before, ("output", "outputs", "out", "a", "y", "activation", "activations", "result", "z", "probs", "loss")
        )

    def _kept(self, before: dict[str, Array], names: tuple[str, ...]) -> Any:
        now = dict(arrays_in(self.thing))
        for name in names:
            if name in now:
                return now[name]
        fresh = [a for path, a in now.items() if before.get(path) is not a and "input" not in path.lower()]
        return fresh[-1] if fresh else None

    def backward(self, dy: Array, true: Any = None, shape: tuple[int, ...] | None = None, again: bool = False) -> Back:
        """What its backward gives; parameters that it updated are put back."""
        assert self.behind is not None
        before = {path: a.copy() for path, a in self.parameters}
        if not again:
            self._zero()
        handed = dy.copy()
        values = {"dy": handed, "lr": self.rate, "training": True, **({} if true is None else {"true": true})}
        result = self._call(self.behind, values, ("dy", "true"))
        now = dict(arrays_in(self.thing))
        after = {path: np.array(now.get(path, a), np.float64) for path, a in before.items()}
        moved = any(after[path].shape != a.shape or not np.array_equal(after[path], a) for path, a in before.items())
        back = Back(None, {}, moved, after, not np.array_equal(handed, dy, equal_nan=True))
        self._collect(back, result, now, before, shape or dy.shape)
        for path, array in self.parameters:
            array[...] = before[path]
            self._restore(path, array)
        return back

    def _zero(self) -> None:
        """Gradients that were there before: some programs add to them, and set them to 0 elsewhere."""
        for path, a in arrays_in(self.thing):
            if is_gradient_name(path) and a.flags.writeable and a.dtype.kind == "f":
                a[...] = 0.0

    def _restore(self, path: str, array: Array) -> None:
        owner = self.thing
        *way, last = path.split(".")
        for part in way:
            owner = (
                owner[part]
                if isinstance(owner, dict)
                else owner[int(part) - 1]
                if isinstance(owner, list)
                else getattr(owner, part)
            )
        if isinstance(owner, dict):
            owner[last] = array
        elif isinstance(owner, list):
            owner[int(last) - 1] = array
        else:
            setattr(owner, last, array)

    def _collect(
        self, back: Back, result: Any, now: dict[str, Array], before: dict[str, Array], shape: tuple[int, ...]
    ) -> None:
        """Sort what came into the gradient for the layer before and those of the parameters."""
        returned = [np.asarray(a, np.float64) for _, a in arrays_in(result, "r") if np.ndim(a)]
        kept = {
            path: np.array(a, np.float64)
            for path, a in now.items()
            if any(map(is_gradient_name, path.split("."))) and path not in before
        }
        inward = [path for path in kept if re.search(r"input|dx$|^dx|d_x|_x$|prev|d_?a$|_a$", path.lower())]
        if isinstance(result, np.ndarray):
            back.dx = np.asarray(result, np.float64)
        elif returned:
            back.dx = next((a for a in returned if a.shape == shape), returned[0])
        elif inward:
            back.dx = kept[inward[0]]
        else:
            back.dx = next((a for a in kept.values() if a.shape == shape), None)
        for path, value in before.items():
            own, bias = canonical(path), looks_like_bias(path, value)
            exact = [p for p in kept if canonical(p) in ("d" + own, own + "d") or canonical(p).removeprefix("d") == own]
            owner = path.rpartition(".")[0]
            exact = [p for p in kept if owner and p.rpartition(".")[0] == owner] or exact
            letter = [p for p in kept if p not in inward and canonical(p).lstrip("d")[:1] == ("b" if bias else "w")]
            if back.moved and not exact:
                same = back.after[path].shape == value.shape
                back.grads[path] = (value - back.after[path]) / self.rate if same else back.after[path]
            elif exact or letter:
                back.grads[path] = kept[(exact or letter)[0]]
            else:
                fits = [a for a in returned if a.shape == value.shape and a is not back.dx]
                back.grads[path] = fits[0] if fits else None


def layout_guess(unit: Unit) -> str:
    """Rows, or columns where the bias is a column."""
    bias = unit.bias
    return "columns" if bias is not None and bias[1].ndim == 2 and bias[1].shape[1] == 1 and bias[1].shape[0] > 1 else "rows"


def objects_in(thing: Any, depth: int = 0) -> list[Any]:
    """The objects that a model holds, in lists and attributes."""
    if depth > 3 or thing is None or isinstance(thing, str | int | float | np.ndarray):
        return []
    inside = list(thing.values()) if isinstance(thing, dict) else list(thing) if isinstance(thing, list | tuple) else []
    if hasattr(thing, "__dict__") and not inside:
        inside = list(vars(thing).values())
    return inside + [one for entry in inside for one in objects_in(entry, depth + 1)]
