"""Pages of the layers that only move numbers, of those made of others, and of a layer of somebody's own."""

from __future__ import annotations

import inspect
import re
from typing import Any

from ..errors import ScratchworkError
from ..gradcheck import check_gradients
from ..layers import Layer
from .document import Block, Equation, Prose
from .formula import Number
from .notation import Value, entry, read, row
from .parts import Context, chosen, plain_sum, shape_text, shown, worked
from .trace import Step

MOST_NETWORKS = 3
"""Of more networks than these side by side only the first two are shown, and the one with a neuron that was asked for."""
CHECKED = 400
"""A layer of somebody's own is checked where it handles no more numbers than this."""


def reshape_forward(step: Step, context: Context) -> list[Block]:
    """The same numbers in another shape."""
    x, y = step.x[step.row], step.y[step.row]
    return [
        Equation(read('y = x "in another shape"')),
        Prose(
            f"{shape_text(x.shape)} becomes {shape_text(y.shape)}: the same {x.size:,} numbers in the same order, the last "
            "axis running fastest. Nothing is calculated."
        ),
        shown(f"forward/{step.path}", "x", x, "x"),
    ]


def reshape_backward(step: Step, context: Context) -> list[Block]:
    """The same numbers back in the first shape."""
    all_dy, all_dx = step.flow
    return [
        Equation(read('dx = dy "in the shape of x"')),
        Prose(f"{shape_text(all_dy.shape[1:])} goes back to {shape_text(all_dx.shape[1:])}."),
    ]


def average_forward(step: Step, context: Context) -> list[Block]:
    """The mean of K parts."""
    layer: Any = step.layer
    x, y = step.x[step.row], step.y[step.row]
    parts = x.reshape(layer.parts, -1)
    blocks: list[Block] = [
        Equation(read("y_j = {1 / K} Σ_k x_{k,j}"), row("K", "=", float(layer.parts))),
        shown(f"forward/{step.path}", "x", parts, "x", note="one row for each part"),
    ]
    for (j,) in chosen(y.shape, context.wanted(step)):
        terms: dict[str, Value] = {"s": plain_sum(parts[:, j]), "K": float(layer.parts)}
        blocks.append(worked("y", (j,), "(s) / K", terms, y[j]))
    return blocks


def average_backward(step: Step, context: Context) -> list[Block]:
    """Every part gets the same share."""
    all_dy, all_dx = step.flow
    layer: Any = step.layer
    dy, dx = all_dy[step.row], all_dx[step.row]
    blocks: list[Block] = [Equation(read("dx_{k,j} = dy_j / K"), note="the same for every part k")]
    for (j,) in chosen(dy.shape, context.wanted(step)):
        blocks.append(worked("dx", (0, j), "dy / K", {"dy": dy[j], "K": float(layer.parts)}, dx[j]))
    return blocks


def parallel_forward(step: Step, context: Context) -> list[Block]:
    """Several networks' outputs side by side."""
    layer: Any = step.layer
    count = len(layer.networks)
    left_out = (
        [] if count <= MOST_NETWORKS else [Prose("Two of them are shown; the others do the same with weights of their own.")]
    )
    return [
        Equation(read("y = [f_0(x), f_1(x), …]")),
        Prose(
            f"The outputs of the {count} networks inside, each {layer.width} wide, stand side by side in one row: columns 0 to "
            f"{layer.width - 1} are those of network 0."
        ),
        *left_out,
    ]


def parallel_backward(step: Step, context: Context) -> list[Block]:
    """Each network has its own columns of dy, and what they give for x adds up."""
    layer: Any = step.layer
    return [
        Equation(read("dx = Σ_k dx_k")),
        Prose(
            f"Network k was handed columns k·{layer.width} to (k+1)·{layer.width} of dy. All of them looked at the same x, "
            "so that their answers about it add up."
        ),
    ]


def inner_forward(step: Step, context: Context) -> list[Block]:
    """A network inside the network has been shown layer by layer."""
    count = len(step.layer.sublayers())
    return [Prose(f"This is what the {count} layer{'s' * (count != 1)} inside it, shown above one by one, give together.")]


def inner_backward(step: Step, context: Context) -> list[Block]:
    """The same, backward."""
    return [Prose("The layers inside it follow, from the last to the first; what the first of them gives is dx.")]


def own_forward(step: Step, context: Context) -> list[Block]:
    """A layer that the library does not know: what it was handed, what it has, what it gave."""
    layer, path = step.layer, f"forward/{step.path}"
    x, y = step.x[step.row], step.y[step.row]
    where = "quoted below" if step.forward_source else "whose source is not to be had here"
    blocks: list[Block] = [
        Equation(read("y = f(x)")),
        Prose(
            f"{type(layer).__name__} is a layer of its own, not one of the library's: what it calculates stands in its "
            f"forward, {where}; here are the numbers that went in and came out."
        ),
        *equations_of(type(layer)),
        shown(path, "x", x, "x"),
    ]
    for name, value in step.values.items():
        blocks.append(shown(path, name, value, name))
    for name, (_, now) in step.buffers.items():
        if now.dtype.kind == "f":
            blocks.append(shown(path, name, now, name, note="a buffer, after this forward"))
    for place in chosen(y.shape, context.wanted(step)):
        left = entry("y", place)
        given = entry("f(x)", place) if y.shape != x.shape else read("f(x)")
        blocks.append(Equation(None, row(left, "=", given), Number(float(y[place]))))
    return blocks


def own_backward(step: Step, context: Context) -> list[Block]:
    """Its backward, and whether finite differences agree with it."""
    assert step.dy is not None
    blocks: list[Block] = [Equation(read("dx = (∂f / ∂x)^T dy"))]
    if step.x[:1].size + step.y[:1].size <= CHECKED:
        blocks.append(Prose(_checked(step.layer, step), "result"))
    return blocks


def _checked(layer: Layer, step: Step) -> str:
    try:
        report = check_gradients(layer, x=step.x[: max(2, step.row + 1)][-2:])
    except (ScratchworkError, ArithmeticError, TypeError, ValueError, AttributeError) as error:
        return f"A gradient check of this layer could not be run: {error}"
    if report.ok:
        return (
            f"A gradient check of this layer at these numbers: right, within {report.max_relative_error:.0e} of differences "
            "of its own forward."
        )
    wrong = [row for row in report.rows if not row.error <= report.tolerance]
    where = f" for {wrong[0].name}: backward gives {wrong[0].analytic:.6g}, differences {wrong[0].numeric:.6g}" if wrong else ""
    problems = f" ({'; '.join(report.problems)})" if report.problems else ""
    return f"A gradient check of this layer at these numbers FAILS{where}{problems}. Its backward is not the derivative."


def equations_of(thing: Any, begin: str = "Its author writes: ") -> list[Block]:
    """The block of equations in a docstring, line by line, as its author wrote them."""
    text = inspect.cleandoc(getattr(thing, "__doc__", None) or "")
    if "::\n" not in text:
        return []
    after = text.split("::\n", 1)[1].lstrip("\n")
    lines: list[str] = []
    for line in after.splitlines():
        if line.strip() and not line.startswith(" "):
            break
        lines.append(line.strip())
    wanted = ["; ".join(part.strip() for part in re.split(r"\s{3,}", line)) for line in lines if line]
    return [Prose(begin + "; ".join(wanted) + ".")] if wanted else []
