"""Dropout as a layer of its own: its share, its scale, its mask going back."""

from __future__ import annotations

import re

import numpy as np

from .hints import Book
from .layer_checks import RNG
from .loading import ProgramError
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
        still = np.asarray(unit.forward(x.copy(), training=False), np.float64)
        if "training" in unit.program.source(getattr(unit.thing, str(unit.ahead))):
            text = "entries are dropped when training is False"
            found = ("dropout", text) if (still == 0).any() and not np.array_equal(still, x) else None
            book.verdict(f"{unit.name}: predicting", unit.subject(), found)
    except ProgramError as error:
        book.error(f"{unit.name}: forward", unit.subject(), error, 2.0)
