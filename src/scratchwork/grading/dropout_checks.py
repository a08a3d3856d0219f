"""Dropout as a layer of its own: its share, its scale, its mask going back."""

from __future__ import annotations

import inspect
import re

import numpy as np

from .hints import Book
from .layer_checks import RNG
from .loading import Program, ProgramError
from .units import Unit, make


def check_dropout(unit: Unit, book: Book) -> None:
    """Some entries are 0, the mean stays, backward uses the same mask, and nothing is dropped when predicting."""
    names = type(unit.thing).__init__.__code__.co_varnames[1:2]
    keeps = bool(names and re.search("keep", names[0]))
    thing = make(unit.program, type(unit.thing), dict.fromkeys(names, 0.75 if keeps else 0.25))
    if thing is None:
        return
    unit = Unit(unit.program, thing)
    x = np.ones((400, 60))
    try:
        y = np.asarray(unit.forward(x.copy()), np.float64)
        dropped = float((y == 0).mean())
        if not 0.2 < dropped < 0.3:
            text = f"{100 * dropped:.0f} % of the entries are dropped where 25 % were to be"
            book.failed(f"{unit.name}: forward", unit.subject(), "dropout", text, 2.0)
        elif abs(float(y.mean()) - 1) > 0.05:
            text = f"the mean of the outputs is {y.mean():.3g} times that of the inputs"
            book.failed(f"{unit.name}: forward", unit.subject(), "dropout not scaled", text, 2.0)
        else:
            book.passed(f"{unit.name}: forward", unit.subject(), 2.0)
        if unit.behind is not None:
            dy = RNG.normal(size=x.shape)
            dx = unit.backward(dy.copy()).dx
            wrong = dx is None or dx.shape != x.shape or not np.allclose(dx, dy * y)
            text = "backward does not multiply by the mask of the forward"
            book.verdict(f"{unit.name}: backward", unit.subject(True), ("dropout", text) if wrong else None, 2.0)
        if predicting(unit):
            still = np.asarray(unit.forward(x.copy(), training=False), np.float64)
            text = "entries are dropped when training is False"
            found = ("dropout", text) if (still == 0).any() and not np.array_equal(still, x) else None
            book.verdict(f"{unit.name}: predicting", unit.subject(), found)
    except ProgramError as error:
        book.error(f"{unit.name}: forward", unit.subject(), error, 2.0)


def predicting(unit: Unit) -> bool:
    """Whether it can be told that it predicts: by an argument of its forward, or by a switch that this turns."""
    words = r"(is_?)?(train|training)(_mode)?"
    if any(re.fullmatch(words, name.lower()) for name in inspect.signature(getattr(unit.thing, str(unit.ahead))).parameters):
        return True
    for name, value in vars(unit.thing).items():
        if isinstance(value, bool) and re.fullmatch(words, name.lower().strip("_")):
            setattr(unit.thing, name, False)
            return True
    return False


def check_dropout_functions(program: Program, book: Book) -> None:
    """dropout_forward(x, {"mode": "train", "p": 0.5}) and dropout_backward(dout, cache)."""
    ahead = next((n for n in program.functions if re.fullmatch(r"dropout_?(forward|fwd)", n.lower())), None)
    behind = next((n for n in program.functions if re.fullmatch(r"dropout_?(backward|bwd)", n.lower())), None)
    forward, x = program.functions.get(ahead or ""), np.ones((200, 60))
    if ahead is None or forward is None or not re.search(r"\[['\"]mode['\"]\]", program.source(forward)):
        return
    try:
        out, cache = program.call(forward, x.copy(), {"mode": "train", "p": 0.5, "seed": 5})
        still = np.asarray(program.call(forward, x.copy(), {"mode": "test", "p": 0.5})[0], np.float64)
        y = np.asarray(out, np.float64)
        dropped, kept, tested = float((y == 0).mean()), float(y.mean()), float(still.mean())
    except (ProgramError, TypeError, ValueError):
        return  # a form that is not known here is no mistake
    found = None
    if y.shape != x.shape or not 0.45 < dropped < 0.55 or (still == 0).any():
        found = (
            "dropout",
            f"with p = 0.5 a share of {dropped:.2g} is dropped in training, {(still == 0).mean():.2g} in testing",
        )
    elif abs(kept - tested) > 0.05:
        text = f"the mean is {kept:.2g} in training and {tested:.2g} in testing"
        found = ("dropout not scaled" if tested == 1 else "dropout", text)
    book.verdict(f"{ahead}: mean", ahead, found, 2.0)
    if behind is None:
        return
    dy = RNG.normal(size=x.shape)
    try:
        dx = np.asarray(program.call(program.functions[behind], dy.copy(), cache), np.float64)
    except ProgramError as error:
        book.error(f"{behind}: mask", behind, error)
        return
    except (TypeError, ValueError):
        return
    wrong = dx.shape != x.shape or not np.allclose(dx, dy * y)
    text = "it does not multiply by the mask of the forward"
    book.verdict(f"{behind}: mask", behind, ("dropout", text) if wrong else None, 2.0)
