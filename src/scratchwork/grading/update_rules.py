"""The rules that optimizer classes promise, right and with a usual mistake in them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from ..arrays import Array
from .names import plain


def setting(thing: object, name: str, default: float) -> float:
    """A hyper-parameter of an optimizer, by any spelling."""
    words = {
        "lr": r"^_?(current_?)?(lr|learning_?rate|alpha|eta|step_?size)$",
        "momentum": r"^_?(momentum|mu|gamma|beta|mom)$",
        "beta1": r"^_?(beta_?1|b1|b_1)$",
        "beta2": r"^_?(beta_?2|b2|b_2)$",
        "rho": r"^_?(rho|decay_?rate|beta|gamma|alpha2|rms_?decay|smoothing)$",
        "eps": r"^_?(eps|epsilon)$",
        "decay": r"^_?(decay|lr_?decay|learning_?rate_?decay)$",
    }
    for key, value in vars(thing).items():
        mean = name == "rho" and key.lower() == "decay" and isinstance(value, float) and value >= 0.5  # RMSProp(decay=0.9)
        if (mean or re.match(words[name], key.lower())) and isinstance(value, int | float) and not isinstance(value, bool):
            if name == "lr" and "current" in key.lower():
                continue
            return float(value)
    return default


def decays(parameter: inspect.Parameter) -> bool:
    """Whether a parameter is the decay of a learning rate, and not that of a running mean."""
    mean = isinstance(parameter.default, float) and parameter.default >= 0.5
    return plain(parameter.name) in ("decay", "lrdecay", "learningratedecay") and not mean


Step: TypeAlias = Callable[[Array, Array, int], Array]
"""(parameter, gradient, number of the step from 1) -> the parameter after it."""


@dataclass(frozen=True)
class Numbers:
    """The hyper-parameters of a rule."""

    lr: float
    mu: float
    rho: float
    b1: float
    b2: float
    eps: float


def momentum(n: Numbers, form: str) -> Step:
    """A velocity, in one of the forms in which it is written."""
    state = {"v": np.zeros(())}
    ways: dict[str, Callable[[Array, Array, Array], Array]] = {
        "torch": lambda w, g, v: w - n.lr * v,
        "mean": lambda w, g, v: w - n.lr * v,
        "nesterov": lambda w, g, v: w + n.mu * v - n.lr * g,
        "nesterov 2": lambda w, g, v: w - n.mu * state["v"] + (1 + n.mu) * v,
        "lost": lambda w, g, v: w - v,
        "flipped": lambda w, g, v: w - v,
    }

    def step(w: Array, g: Array, t: int) -> Array:
        grown = {"torch": g, "mean": (1 - n.mu) * g, "plus": n.lr * g}.get(form, -n.lr * g) + n.mu * state["v"]
        grown = n.lr * g if form == "lost" else grown
        moved = ways[form](w, g, np.asarray(grown)) if form in ways else w + grown
        state["v"] = np.asarray(grown)
        return np.asarray(moved)

    return step


def adaptive(n: Numbers, mean: str, *, root: bool = True, inside: bool = False, first: str = "none", shift: int = 0) -> Step:
    """AdaGrad, RMSProp and Adam: `first` says what of Adam's two moments is divided by 1 − βᵗ."""
    state = {"m": np.zeros(()), "c": np.zeros(())}

    def step(w: Array, g: Array, t: int) -> Array:
        keep = n.b2 if first != "none" else n.rho
        state["c"] = np.asarray(state["c"] + g * g if mean == "sum" else keep * state["c"] + (1 - keep) * g * g)
        state["m"] = np.asarray(n.b1 * state["m"] + (1 - n.b1) * g)
        above, below = (g if first == "none" else state["m"]), state["c"]
        with np.errstate(all="ignore"):
            if first in ("both", "m only"):
                above = above / (1 - n.b1 ** (t + shift))
            if first in ("both", "c only"):
                below = below / (1 - n.b2 ** (t + shift))
            if not root:
                return np.asarray(w - n.lr * above / (below + n.eps))
            return np.asarray(w - n.lr * above / (np.sqrt(below + n.eps) if inside else np.sqrt(below) + n.eps))

    return step


def rules(rule: str, thing: Any, lr: float) -> Iterator[tuple[str, Callable[[], Step]]]:
    """("", a right rule) in all its usual forms, then (diagnosis, a wrong one); each makes a Step with an empty memory."""
    n = Numbers(
        lr, setting(thing, "momentum", 0.9), setting(thing, "rho", 0.9), setting(thing, "beta1", 0.9),
        setting(thing, "beta2", 0.999), setting(thing, "eps", 1e-7),
    )  # fmt: skip

    def plain_step() -> Step:
        return lambda w, g, t: w - lr * g

    if rule == "sgd":
        yield "", plain_step
        yield "learning rate ignored", lambda: lambda w, g, t: w - g
    elif rule == "momentum":
        for form in ("book", "torch", "mean", "nesterov", "nesterov 2"):
            yield "", partial(momentum, n, form)
        for form in ("lost", "plus", "flipped"):
            yield "momentum", partial(momentum, n, form)
        yield "momentum", plain_step
    elif rule in ("adagrad", "rmsprop"):
        mean = "sum" if rule == "adagrad" else "mean"
        for inside in (False, True):
            yield "", partial(adaptive, n, mean, inside=inside)
        yield "denominator", partial(adaptive, n, mean, root=False)
        yield "denominator", partial(adaptive, n, "mean" if mean == "sum" else "sum")
        yield "denominator", plain_step
    else:
        for inside in (False, True):
            yield "", partial(adaptive, n, "mean", inside=inside, first="both")
        for first in ("no", "m only", "c only"):
            yield "bias correction", partial(adaptive, n, "mean", first=first)
        for shift in (1, -1):
            yield "bias correction", partial(adaptive, n, "mean", first="both", shift=shift)
        yield "denominator", partial(adaptive, n, "mean", first="both", root=False)
