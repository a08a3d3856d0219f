"""The rules that optimizer classes promise, right and with a usual mistake in them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

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


def rules(rule: str, thing: Any, lr: float) -> Iterator[tuple[str, Callable[[], Callable[[Array, Array, int], Array]]]]:
    """("", right rule) in all its usual forms, then (diagnosis, wrong rule)."""
    mu, rho = setting(thing, "momentum", 0.9), setting(thing, "rho", 0.9)
    b1, b2, eps = setting(thing, "beta1", 0.9), setting(thing, "beta2", 0.999), setting(thing, "eps", 1e-7)

    def momentum(form: str) -> Callable[[], Callable[[Array, Array, int], Array]]:
        def start() -> Callable[[Array, Array, int], Array]:
            state = {"v": np.zeros(())}

            def step(w: Array, g: Array, t: int) -> Array:
                v = state["v"]
                grown = {"torch": mu * v + g, "mean": mu * v + (1 - mu) * g, "plus": mu * v + lr * g, "lost": lr * g}.get(
                    form, mu * v - lr * g
                )
                state["v"] = np.asarray(grown)
                return {
                    "torch": lambda: w - lr * grown,
                    "mean": lambda: w - lr * grown,
                    "nesterov": lambda: w + mu * grown - lr * g,
                    "nesterov 2": lambda: w - mu * v + (1 + mu) * grown,
                    "plus": lambda: w + grown,
                    "lost": lambda: w - grown,
                    "flipped": lambda: w - grown,
                }.get(form, lambda: w + grown)()

            return step

        return start

    def adaptive(
        mean: str, root: bool = True, inside: bool = False, first: str = "none", shift: int = 0
    ) -> Callable[[], Callable[[Array, Array, int], Array]]:
        def start() -> Callable[[Array, Array, int], Array]:
            state = {"m": np.zeros(()), "c": np.zeros(())}

            def step(w: Array, g: Array, t: int) -> Array:
                decay = b2 if first != "none" else rho
                state["c"] = np.asarray(state["c"] + g * g if mean == "sum" else decay * state["c"] + (1 - decay) * g * g)
                state["m"] = np.asarray(b1 * state["m"] + (1 - b1) * g)
                top, below = (g if first == "none" else state["m"]), state["c"]
                number = t + shift
                with np.errstate(all="ignore"):
                    if first in ("both", "m only"):
                        top = top / (1 - b1**number)
                    if first in ("both", "c only"):
                        below = below / (1 - b2**number)
                    if not root:
                        return w - lr * top / (below + eps)
                    return w - lr * top / (np.sqrt(below + eps) if inside else np.sqrt(below) + eps)

            return step

        return start

    plain_step = lambda: lambda w, g, t: w - lr * g  # noqa: E731 - three words for three words
    if rule == "sgd":
        yield "", plain_step
        yield "learning rate ignored", lambda: lambda w, g, t: w - g
    elif rule == "momentum":
        for form in ("book", "torch", "mean", "nesterov", "nesterov 2"):
            yield "", momentum(form)
        for form in ("lost", "plus", "flipped"):
            yield "momentum", momentum(form)
        yield "momentum", plain_step
    elif rule in ("adagrad", "rmsprop"):
        mean = "sum" if rule == "adagrad" else "mean"
        for inside in (False, True):
            yield "", adaptive(mean, inside=inside)
        yield "denominator", adaptive(mean, root=False)
        yield "denominator", adaptive("mean" if mean == "sum" else "sum")
        yield "denominator", plain_step
    else:
        for inside in (False, True):
            yield "", adaptive("mean", inside=inside, first="both")
        for first in ("no", "m only", "c only"):
            yield "bias correction", adaptive("mean", first=first)
        for shift in (1, -1):
            yield "bias correction", adaptive("mean", first="both", shift=shift)
        yield "denominator", adaptive("mean", first="both", root=False)
