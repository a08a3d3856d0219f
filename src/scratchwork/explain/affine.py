"""Pages of the layers that multiply: Dense, Scale, Rescaling, and Dropout, whose factors are 0 or 1/(1 − rate)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from .document import Block, Equation, Product, Prose
from .formula import Formula
from .notation import matrix, read, row
from .parts import Context, chosen, flat_row, plain_sum, shown, summed, worked
from .trace import Step

SMALL = 4
"""Matrices of at most this many rows and columns stand in an equation whole."""


def _small(*arrays: Array) -> bool:
    return all(max(array.shape, default=1) <= SMALL for array in arrays)


def dense_forward(step: Step, context: Context) -> list[Block]:
    """y = x W + b: as matrices where they are small, and neuron by neuron."""
    x, y, values = step.x[step.row], step.y[step.row], step.values
    w, b = values["weight"], values.get("bias")
    path = f"forward/{step.path}"
    text = "y = x W + b" if b is not None else "y = x W"
    numbers: Formula | None = None
    if _small(x, w):
        product = row("y", "=", matrix(x), "·", matrix(w))
        numbers = product if b is None else row(product, "+", matrix(b))
    blocks: list[Block] = [
        Equation(read(text), numbers, matrix(y) if numbers is not None else None),
        Product((("x", (1, x.size)), ("W", w.shape)), ("y", (1, y.size))),
        shown(path, "x", x, "x", columns=context.columns if step.path == "0" else ()),
        shown(path, "weight", w, "W", note=f"column j holds the {x.size:,} incoming weights of neuron j"),
    ]
    if b is not None:
        blocks.append(shown(path, "bias", b, "b"))
    blocks.append(Equation(read("y_j = Σ_i x_i W_{i,j} + b_j" if b is not None else "y_j = Σ_i x_i W_{i,j}")))
    for (j,) in chosen(y.shape, context.wanted(step)):
        right = summed(zip(x, w[:, j], strict=True), None if b is None else float(b[j]))
        blocks.append(worked("y", (j,), right, {}, y[j], f"neuron {j}"))
    return blocks


def dense_backward(step: Step, context: Context) -> list[Block]:
    """dW = xᵀ dy, db = dy, dx = dy Wᵀ, entry by entry."""
    all_dy, all_dx = step.flow
    x, dy, dx, w = step.x, all_dy, all_dx, step.values["weight"]
    n, width = len(x), w.shape[1]
    grads = step.grads
    small = _small(x, w, dy) and n == 1
    blocks: list[Block] = [
        Equation(
            read("dW = x^T dy"),
            row("dW", "=", matrix(x.T), "·", matrix(dy)) if small else None,
            matrix(grads["weight"]) if small else None,
            "each weight is as much to blame as its input was large and its output mattered",
        ),
        Product((("xᵀ", (x.shape[1], n)), ("dy", (n, width))), ("dW", w.shape)),
    ]
    j = context.wanted(step)
    column = j if j is not None and j < width else int(np.argmax(np.abs(dy[step.row])))
    lines = _lively(x[step.row])
    for i in lines:
        right = summed(_this_row_first(x[:, i], dy[:, column], step.row))
        blocks.append(worked("dW", (i, column), right, {}, grads["weight"][i, column], _rows_note(n)))
    if "bias" in grads:
        blocks.append(Equation(read("db = dy" if n == 1 else "db = Σ_n dy_n")))
        right = read("dy") if n == 1 else _all_rows(dy[:, column], step.row)
        blocks.append(worked("db", (column,), right, {}, grads["bias"][column], _rows_note(n)))
    blocks += [Equation(read("dx = dy W^T")), Product((("dy", (1, width)), ("Wᵀ", w.shape[::-1])), ("dx", (1, x.shape[1])))]
    for i in lines:
        right = summed(zip(dy[step.row], w[i], strict=True))
        blocks.append(worked("dx", (i,), right, {}, dx[step.row, i]))
    if step.path == "0":
        blocks.append(Prose("Training leaves this last product out: nothing below the first layer needs dx."))
    return blocks


def _lively(x: Array, most: int = 3) -> list[int]:
    """The first inputs that are not 0 (a weight whose input is 0 has no gradient), or the first ones."""
    found = np.flatnonzero(x)[:most]
    return [int(i) for i in found] or list(range(min(most, x.size)))


def _this_row_first(left: Array, right: Array, at: int) -> list[tuple[float, float]]:
    order = [at, *(n for n in range(len(left)) if n != at)]
    return [(float(left[n]), float(right[n])) for n in order]


def _all_rows(terms: Array, at: int) -> Formula:
    return plain_sum(float(terms[n]) for n in [at, *(n for n in range(len(terms)) if n != at)])


def _rows_note(n: int) -> str:
    return "" if n == 1 else f"this row's part, and those of the other {n - 1:,} rows of the batch"


def scale_forward(step: Step, context: Context) -> list[Block]:
    """y = x ⊙ γ."""
    x, y, gamma = step.x[step.row], step.y[step.row], step.values["gamma"]
    path = f"forward/{step.path}"
    blocks: list[Block] = [Equation(read("y = x ⊙ γ")), shown(path, "x", x, "x"), shown(path, "gamma", gamma, "γ")]
    return [
        *blocks,
        *(
            worked("y", place, "x · γ", {"x": x[place], "γ": gamma[place[-1]]}, y[place])
            for place in chosen(y.shape, context.wanted(step))
        ),
    ]


def scale_backward(step: Step, context: Context) -> list[Block]:
    """dγ = Σ dy ⊙ x, dx = dy ⊙ γ."""
    all_dy, all_dx = step.flow
    x, dy, dx, gamma = step.x, all_dy, all_dx[step.row], step.values["gamma"]
    blocks: list[Block] = [Equation(read("dγ = Σ_n dy_n ⊙ x_n"))]
    d = gamma.size
    for (j,) in chosen(gamma.shape, context.wanted(step)):
        pairs = zip(dy.reshape(-1, d)[:, j], x.reshape(-1, d)[:, j], strict=True)
        blocks.append(worked("dγ", (j,), summed(pairs), {}, step.grads["gamma"][j]))
    blocks.append(Equation(read("dx = dy ⊙ γ")))
    for place in chosen(dx.shape, context.wanted(step)):
        letters = {"dy": dy[step.row][place], "γ": gamma[place[-1]]}
        blocks.append(worked("dx", place, "dy · γ", letters, dx[place]))
    return blocks


def rescaling_forward(step: Step, context: Context) -> list[Block]:
    """y = f x + o."""
    layer: Any = step.layer
    x, y = step.x[step.row], step.y[step.row]
    letters = {"f": layer.factor, "o": layer.offset}
    blocks: list[Block] = [
        Equation(read("y = f x + o"), flat_row(row("f", "=", layer.factor), ",", row("o", "=", layer.offset))),
        shown(f"forward/{step.path}", "x", x, "x"),
    ]
    return [
        *blocks,
        *(
            worked("y", place, "f · x + o", {**letters, "x": x[place]}, y[place])
            for place in _first_lively(x, context.wanted(step))
        ),
    ]


def rescaling_backward(step: Step, context: Context) -> list[Block]:
    """dx = f dy."""
    all_dy, all_dx = step.flow
    layer: Any = step.layer
    dy, dx = all_dy[step.row], all_dx[step.row]
    blocks: list[Block] = [Equation(read("dx = f dy"))]
    return [
        *blocks,
        *(
            worked("dx", place, "f · dy", {"f": layer.factor, "dy": dy[place]}, dx[place])
            for place in chosen(dx.shape, context.wanted(step))
        ),
    ]


def _first_lively(x: Array, wanted: int | None) -> list[tuple[int, ...]]:
    """Places of entries that are not 0, for what multiplies them; the first ones where all are."""
    if wanted is not None or x.size <= SMALL or not x.any():
        return chosen(x.shape, wanted)
    return [tuple(int(k) for k in np.unravel_index(i, x.shape)) for i in _lively(x.reshape(-1))]


def dropout_forward(step: Step, context: Context) -> list[Block]:
    """y = x ⊙ m / (1 − rate), with the mask that was drawn."""
    layer: Any = step.layer
    x, y = step.x[step.row], step.y[step.row]
    mask = step.cache[0]
    text = "y = (x ⊙ m) / (1 − r)" if layer.inverted else "y = x ⊙ m"
    path = f"forward/{step.path}"
    blocks: list[Block] = [
        Equation(read(text), row("r", "=", layer.rate), note="m is 0 with probability r, else 1"),
        Prose(
            f"In training each number is dropped with probability {layer.rate:g}. The mask is a function of the layer's seed, "
            "the step and the place: this is the one of step 1. "
            + (
                "What stays is divided by 1 − r, so that the mean stays as it was and prediction need do nothing."
                if layer.inverted
                else "Nothing is scaled now; at prediction, where nothing is dropped, y = (1 − r) x."
            )
        ),
        shown(path, "x", x, "x"),
    ]
    kept = np.ones(x.shape) if mask is None else mask[step.row].astype(np.float64)
    blocks.append(shown(path, "mask", kept, "m", note=f"{int(kept.sum()):,} of {kept.size:,} numbers stay"))
    right = "x · m / (1 − r)" if layer.inverted else "x · m"
    return [
        *blocks,
        *(
            worked("y", place, right, {"x": x[place], "m": kept[place], "r": layer.rate}, y[place])
            for place in chosen(y.shape, context.wanted(step))
        ),
    ]


def dropout_backward(step: Step, context: Context) -> list[Block]:
    """dx = dy ⊙ m / (1 − rate), with the mask of the forward."""
    all_dy, all_dx = step.flow
    layer: Any = step.layer
    dy, dx = all_dy[step.row], all_dx[step.row]
    mask = step.cache[0]
    kept = np.ones(dy.shape) if mask is None else mask[step.row].astype(np.float64)
    text, right = ("dx = (dy ⊙ m) / (1 − r)", "dy · m / (1 − r)") if layer.inverted else ("dx = dy ⊙ m", "dy · m")
    blocks: list[Block] = [Equation(read(text), note="the mask of the forward: what was dropped gets no gradient")]
    return [
        *blocks,
        *(
            worked("dx", place, right, {"dy": dy[place], "m": kept[place], "r": layer.rate}, dx[place])
            for place in chosen(dx.shape, context.wanted(step))
        ),
    ]
