"""Pages of what goes in: the row as it was given, what the preprocessing makes of it, and the network it goes through."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..data.table import Table as Columns
from ..model import Model
from ..preprocessing import Transformer
from ..sequential import Sequential
from .document import Block, Equation, Prose, Section, Table
from .moves import equations_of
from .notation import Value, read
from .pages import short
from .parts import chosen, first_sentence, shape_text, shown, worked

EQUATIONS: dict[str, str] = {
    "MeanSubtraction": "y = x − μ",
    "Standardize": "y = (x − μ) / s",
    "MinMax": "y = (x − a) / r · (h − l) + l",
    "Rescale": "y = x · f + o",
    "RobustScale": "y = (x − m) / s",
    "SmoothClip": "y = x / √(1 + (x / c)^2)",
}
"""Transformers that treat each number alone, by the name of the class; the others are shown by what they give."""
MEANING = {
    "MeanSubtraction": "μ: the mean of the training rows",
    "Standardize": "μ and s: mean and standard deviation of the training rows",
    "MinMax": "a and r: the least training value and the range; l and h: the new limits",
    "Rescale": "f and o: a fixed factor and offset",
    "RobustScale": "m and s: median and interquartile range of the training rows",
    "SmoothClip": "c: the limit that no number passes",
}


def _letters(step: Any, place: tuple[int, ...]) -> dict[str, Value]:
    """What the letters of a transformer's equation stand for at one entry."""

    def at(name: str) -> float:
        array = np.asarray(getattr(step, name))
        return float(array[place] if array.ndim else array)

    kind = type(step).__name__
    if kind == "MeanSubtraction":
        return {"μ": at("mean_")}
    if kind == "Standardize":
        return {"μ": at("mean_"), "s": at("scale_")}
    if kind == "MinMax":
        return {"a": at("min_"), "r": at("range_"), "h": step.high, "l": step.low}
    if kind == "Rescale":
        return {"f": step.factor, "o": step.offset}
    if kind == "RobustScale":
        return {"m": at("median_"), "s": at("scale_")}
    return {"c": step.limit}


def raw_blocks(rows: Any, row: int, columns: tuple[str, ...]) -> list[Block]:
    """The row as it was handed in."""
    if isinstance(rows, Columns):
        cells = tuple((name, _cell(rows[name][row])) for name in rows.names)
        return [Table("input/raw", ("column", "value"), cells, "the row as it stands in the table")]
    raw = np.asarray(rows)[row]
    if raw.dtype.kind not in "buif":
        return [Table("input/raw", ("column", "value"), tuple((str(i), str(v)) for i, v in enumerate(np.atleast_1d(raw))))]
    return [shown("input", "raw", raw, "the row as given", columns=columns if len(columns) == raw.size else ())]


def _cell(value: Any) -> str | float:
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return "missing"
    if isinstance(value, float | int | np.floating | np.integer) and not isinstance(value, bool):
        return float(value)
    return str(value)


def preprocessing_sections(model: Model, rows: Any, row: int) -> list[Section]:
    """Each transformer: what it computes, a few entries worked out, what comes of the row."""
    sections: list[Section] = []
    steps = model.preprocessing.steps
    for index, step in enumerate(steps):
        before, rows = rows, step.transform(rows)
        blocks: list[Block] = [Prose(words)] if (words := first_sentence(step)) else []
        kind = type(step).__name__
        if kind not in EQUATIONS:
            blocks += equations_of(type(step), "In equations: ")
        y = np.asarray(rows, np.float64)[row]
        x = np.asarray(before, np.float64)[row] if not isinstance(before, Columns) and _numeric(before) else None
        if kind in EQUATIONS and x is not None and x.shape == y.shape:
            blocks.append(Equation(read(EQUATIONS[kind]), note=MEANING[kind]))
            right = EQUATIONS[kind].partition(" = ")[2]
            for place in _lively(x):
                letters = {"x": float(x[place]), **_letters(step, place)}
                if letters.get("s") != 0:  # a constant column, which becomes 0
                    blocks.append(worked("y", place, right, letters, y[place]))
        names = _names(step, y)
        blocks.append(shown(f"input/{index}", "y", y, "y", result=True, columns=names))
        sections.append(Section(f"Preprocessing {index}: {_short(step)}", f"input-{index}", "input", tuple(blocks)))
    return sections


def _lively(x: Array) -> list[tuple[int, ...]]:
    found = np.flatnonzero(x)[:3]
    if not found.size:
        return chosen(x.shape, most=3)
    return [tuple(int(k) for k in np.unravel_index(int(i), x.shape)) for i in found]


def _numeric(rows: Any) -> bool:
    return np.asarray(rows).dtype.kind in "buif"


def _names(step: Transformer, y: Array) -> tuple[str, ...]:
    made = getattr(step, "get_feature_names_out", None)
    names = tuple(str(name) for name in made()) if made is not None else ()
    return names if len(names) == y.size else ()


def _short(step: Transformer) -> str:
    text = repr(step)
    return text if len(text) <= 60 else f"{type(step).__name__}(…)"


def network_table(network: Sequential) -> Table:
    """The layers with their output shapes and numbers of parameters."""
    rows: list[tuple[str | float, ...]] = []
    for index, layer in enumerate(network.layers):
        count = sum(parameter.value.size for _, parameter in layer.parameters())
        rows.append((str(index), short(layer), shape_text(network.shapes[index + 1]), float(count)))
    rows.append(("", "all together", "", float(sum(parameter.value.size for _, parameter in network.parameters()))))
    return Table("network", ("layer", "what", "gives", "parameters"), tuple(rows), "the network")
