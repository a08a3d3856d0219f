"""Functions that update with a memory, taken for a few steps: update_params(params, grads, velocity, lr), adam(w, dw, config).

Known gradients go in, the parameters that come out are the path that `memories.wrong_rule` judges. What such a function
remembers is handed back to it at the next step, wherever it keeps it: in what it returns, in a dictionary that it is handed,
or in what the program's own init_adam makes.
"""

from __future__ import annotations

import ast
import copy
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..arrays import Array
from .binding import required, returned_names
from .discover import is_optimizer_state
from .hints import Book
from .known import activation_word
from .loading import Program, ProgramError
from .memories import Path, wrong_rule
from .names import is_gradient_name, plain, roles_of
from .subject import UPDATE, Subject

STEPS = 4
NUMBERS = {"beta2": 0.999, "b2": 0.999, "eps": 1e-8, "epsilon": 1e-8}  # any other is 0.9
RATES = (0.05, 0.1)
MEMORY = re.compile(r"momentum|veloc|adam|rms_?prop|ada_?grad|beta|\bv\b|\bs\b|cache|moment|config")
MAKES_STATE = re.compile(
    r"init\w*(veloc|adam|moment|state|optim|cache|rms|opt)|(veloc|adam|moment|state|optim)\w*init|zeros_like"
)
STEP_WORDS = ("t", "step", "iteration", "iter", "epoch", "timestep", "i", "it", "count", "k", "n")
ONE = ("w", "param", "p", "theta", "x", "weights", "value", "var", "weight")


def check_walks(subject: Subject, book: Book) -> None:
    """Every such function of the program, once."""
    program = subject.program
    for name, function in program.functions.items():
        source = program.source(function).lower()
        likely = UPDATE.search(name.lower()) or re.search("momentum|rms|ada|nesterov", name.lower())
        if not likely or activation_word(name) or not MEMORY.search(source) or re.search("init|train|fit|model", name.lower()):
            continue
        given = _template(subject, function)
        if given is None:
            continue
        try:
            told = judged(program, function, given, source)
        except (ProgramError, TypeError, ValueError, KeyError, AttributeError, IndexError):
            continue  # a form that is not known here is no mistake
        book.verdict("steps that remember", name, told, 2.0)


def judged(program: Program, function: Callable[..., Any], given: tuple[Any, Any], source: str) -> tuple[str, str] | None:
    """What is wrong with the steps of one function; the number of the first step may be 1 or 0, as its caller likes."""
    walk = Walk(program, function, *given)
    kinds = [walk.kind(name) for name in walk.names]
    if not {"lr", "config"} & set(kinds):
        raise ProgramError("does not run", "its learning rate is none of its arguments")
    told: list[tuple[str, str]] = []
    for first in (1, 0) if "step" in kinds else (1,):
        paths, others = (Walk(program, function, *given).run(rate, first) for rate in RATES)
        if not paths or len(paths) != len(others):
            raise ProgramError("does not run", "it gives parameters in a form that is not known here")
        if not all(np.isfinite(value).all() for path in paths for value in path.values):
            continue
        own = numbers_of(program, function)
        found = wrong_rule(paths, others, numbers=own, speaks_of_momentum=_speaks_of_momentum(function, source))
        if found is None:
            return None
        told.append(found)
    if told:
        return told[0]
    kind = "bias correction" if re.search(r"beta_?1", source) else "denominator" if "sqrt" in source else "does not learn"
    return kind, "its steps are not finite: a division by 0 (1 − βᵗ where t is 0?), or the root of a negative number"


def numbers_of(program: Program, function: Callable[..., Any]) -> list[float]:
    """The numbers in a function: its defaults and constants."""
    node = program.node(function)
    found = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)] if node is not None else []
    found += [p.default for p in inspect.signature(function).parameters.values()]
    return [float(n) for n in found if isinstance(n, int | float) and not isinstance(n, bool)]


def _speaks_of_momentum(function: Callable[..., Any], source: str) -> bool:
    """Whether it has a momentum that is not 0 and no root of a mean square."""
    if "sqrt" in source or "** 0.5" in source:
        return False
    return bool(re.search(r"momentum|veloc|\bmu\b", f"{getattr(function, '__name__', '')} {source}".lower()))


def _template(subject: Subject, function: Callable[..., Any]) -> tuple[Any, Any] | None:
    """(parameters, gradients) in the form in which this function takes them; None where that is not known."""
    words = required(function)
    rng = np.random.default_rng(31)
    if len(words) >= 2 and plain(words[0]) in ONE and is_gradient_name(words[1]) and "params" not in words[0]:
        return rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    params, grads = subject.env.roles.get("params"), subject.env.roles.get("grads")
    if not isinstance(params, dict) or not isinstance(grads, dict):
        return None
    return copy.deepcopy(params), copy.deepcopy(grads)


def arrays_of(thing: Any) -> dict[str, Array]:
    """The arrays of a dictionary, or the one array."""
    if isinstance(thing, np.ndarray):
        return {"": thing}
    return (
        {str(key): value for key, value in thing.items() if isinstance(value, np.ndarray)} if isinstance(thing, Mapping) else {}
    )


class Walk:
    """One function, its memory, and what it did so far."""

    def __init__(self, program: Program, function: Callable[..., Any], params: Any, grads: Any) -> None:
        self.program, self.function, self.params, self.grads = program, function, params, grads
        self.names = list(inspect.signature(function).parameters)

    def run(self, rate: float, first: int = 1) -> list[Path]:
        """The path of each parameter."""
        rng = np.random.default_rng(32)
        params, state = copy.deepcopy(self.params), self.made_state()
        values: dict[str, list[Array]] = {key: [a.copy()] for key, a in arrays_of(params).items()}
        steps: dict[str, list[Array]] = {key: [] for key in values}
        for step in range(first, first + STEPS):
            grads = self.fresh_gradients(rng)
            for key, gradient in self.matched(grads, values).items():
                steps[key].append(gradient)
            params = self.step(params, grads, state, rate, step)
            for key, a in arrays_of(params).items():
                values[key].append(np.array(a, np.float64))
        return [Path(values[key], steps[key], rate) for key in values if len(steps[key]) == STEPS == len(values[key]) - 1]

    def fresh_gradients(self, rng: np.random.Generator) -> Any:
        """Known gradients in the program's own form, none of them near 0."""

        def drawn(a: Array) -> Array:
            return np.asarray(rng.uniform(0.5, 1.5, a.shape) * rng.choice([-1.0, 1.0], a.shape))

        if isinstance(self.grads, np.ndarray):
            return drawn(self.grads)
        return {key: drawn(a) if isinstance(a, np.ndarray) else a for key, a in self.grads.items()}

    def matched(self, grads: Any, values: Mapping[str, Any]) -> dict[str, Array]:
        """The gradient of each parameter, as its name has it: W1, dW1, grad_W1."""
        if isinstance(grads, np.ndarray):
            return {"": grads.copy()}
        found = {}
        for key in values:
            names = [
                k for k in grads if plain(str(k)) in (plain(key), "d" + plain(key), "grad" + plain(key), plain(key) + "grad")
            ]
            if names:
                found[key] = grads[names[0]].copy()
        return found

    def made_state(self) -> dict[str, Any]:
        """What the program's own functions make for the arguments that are neither parameters, gradients nor numbers."""
        state: dict[str, Any] = {}
        needed = [name for name in required(self.function) if self.kind(name) == "state"]
        for name, maker in self.program.functions.items():
            if not MAKES_STATE.search(name.lower()) or maker is self.function or len(required(maker)) > 1:
                continue
            result = self.program.call(maker, *([copy.deepcopy(self.params)] if required(maker) else []))
            names = returned_names(self.program, maker) or []
            parts = result if isinstance(result, tuple) else (result,)
            for place, part in enumerate(parts):
                own = names[place] if len(names) == len(parts) else ""
                target = own if own in needed else needed[place] if len(parts) == len(needed) else None
                if target and target not in state:
                    state[target] = part
        for name in needed:
            if name not in state:
                if isinstance(self.params, np.ndarray):
                    state[name] = np.zeros_like(self.params)
                else:
                    raise ProgramError("does not run", f"what {name} begins as is not known here")
        return state

    def kind(self, name: str) -> str:
        """What an argument is for."""
        text = plain(name)
        roles = roles_of(name)
        if "lr" in roles and text != "gamma":
            return "lr"
        if text in STEP_WORDS:
            return "step"
        if text in ("config", "cfg", "settings", "hyperparams", "optimconfig"):
            return "config"
        if re.match(r"^(beta1|beta2|beta|momentum|mu|rho|gamma|decayrate|eps|epsilon|b1|b2)$", text):
            return "number"
        if name == self.names[0] or (("params" in roles) and not is_optimizer_state(name)):
            return "params"
        if is_gradient_name(name) or "grads" in roles:
            return "grads"
        return "state"

    def step(self, params: Any, grads: Any, state: dict[str, Any], rate: float, step: int) -> Any:
        """One call; what it returns becomes the parameters and the memory of the next."""
        named: dict[str, Any] = {}
        must = required(self.function)
        for name in self.names:
            kind, default = self.kind(name), inspect.signature(self.function).parameters[name].default
            if kind == "config":
                named[name] = state.setdefault(name, self.first_config(rate))
            elif kind == "number" and (name in must or (default == 0 and plain(name) in ("momentum", "mu", "beta"))):
                named[name] = NUMBERS.get(plain(name), 0.9)
            elif kind in ("params", "grads", "lr", "step"):
                named[name] = {"params": params, "grads": grads, "lr": rate, "step": step}[kind]
            elif kind == "state" and (name in must or name in state):
                named[name] = state[name]
        result = self.program.call(self.function, **named)
        parts = result if isinstance(result, tuple) else (result,)
        names = returned_names(self.program, self.function) or []
        wanted = {key: a.shape for key, a in arrays_of(params).items()}
        fresh = next((part for part in parts if {k: a.shape for k, a in arrays_of(part).items()} == wanted), None)
        configs = [name for name in self.names if self.kind(name) == "config"]
        for place, part in enumerate(parts):
            own = names[place] if len(names) == len(parts) else ""
            if own in state and part is not fresh:
                state[own] = part
            elif isinstance(part, dict) and configs and part is not fresh:
                state[configs[0]] = part
        return params if fresh is None else fresh

    def first_config(self, rate: float) -> dict[str, Any]:
        """The learning rate under the name that the function asks its dictionary for."""
        keys = re.findall(r"['\"](lr|learning_rate|alpha|eta|step_size)['\"]", self.program.source(self.function))
        if not keys:
            raise ProgramError("does not run", "its dictionary has no learning rate")
        return {keys[0]: rate}
