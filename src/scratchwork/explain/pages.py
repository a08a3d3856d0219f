"""Which page belongs to which layer, and a layer's whole section: words, equations, arrays, source."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from ..layers import Layer
from . import across, affine, curves, moves
from .document import Block, Prose, Section
from .parts import Context, first_sentence, shown
from .rewriting import layer_rewritten
from .trace import Step

Writer: TypeAlias = Callable[[Step, Context], list[Block]]


class Page(NamedTuple):
    """What is written about a layer's forward and its backward."""

    forward: Writer
    backward: Writer


CURVE = Page(curves.forward, curves.backward)
MOVE = Page(moves.reshape_forward, moves.reshape_backward)
OWN = Page(moves.own_forward, moves.own_backward)

LAYER_PAGES: dict[str, Page] = {
    "Dense": Page(affine.dense_forward, affine.dense_backward),
    **dict.fromkeys(curves.CURVES, CURVE),
    "Softmax": Page(across.softmax_forward, across.softmax_backward),
    "Dropout": Page(affine.dropout_forward, affine.dropout_backward),
    "BatchNorm": Page(across.batch_forward, across.batch_backward),
    "LayerNorm": Page(across.layer_forward, across.layer_backward),
    "Flatten": MOVE,
    "Reshape": MOVE,
    "Scale": Page(affine.scale_forward, affine.scale_backward),
    "Rescaling": Page(affine.rescaling_forward, affine.rescaling_backward),
    "Parallel": Page(moves.parallel_forward, moves.parallel_backward),
    "Average": Page(moves.average_forward, moves.average_backward),
    "Sequential": Page(moves.inner_forward, moves.inner_backward),
}
"""Every layer of the library by the name of its class; for all others there is `OWN`."""


def page_of(layer: Layer) -> Page:
    """The page of a layer's class, or of one that it inherits both forward and backward from."""
    kind = type(layer)
    for above in kind.__mro__:
        known = above.__module__.startswith("scratchwork.") and above.__name__ in LAYER_PAGES
        if known and kind.forward is above.forward and kind.backward is above.backward:  # type: ignore[attr-defined]
            return LAYER_PAGES[above.__name__]
    return OWN


def short(layer: Layer) -> str:
    """A layer's name with its settings, or with the first of them where there are many."""
    text = repr(layer)
    if len(text) <= 60:
        return text
    first = text.split(",")[0]
    return f"{first}, …)" if len(first) <= 40 and first.count("(") == 1 else f"{type(layer).__name__}(…)"


def forward_section(step: Step, context: Context, last: bool) -> Section:
    """What a layer made of the row."""
    blocks: list[Block] = []
    if page_of(step.layer) is not OWN and (words := first_sentence(step.layer)):
        blocks.append(Prose(words))
    blocks += page_of(step.layer).forward(step, context)
    names = context.outputs if last else ()
    blocks.append(shown(f"forward/{step.path}", "y", step.y[step.row], "y", result=True, columns=names))
    blocks += layer_rewritten(step, context)
    blocks += step.forward_source
    return Section(
        f"Layer {step.path}: {short(step.layer)}", f"forward-{step.path.replace('.', '-')}", "forward", tuple(blocks)
    )


def backward_section(step: Step, context: Context) -> Section:
    """What the loss has to say about a layer's parameters and about what it was handed."""
    assert step.dy is not None
    path = f"backward/{step.path}"
    blocks: list[Block] = [shown(path, "dy", step.dy[step.row], "dy", note="∂L/∂y, from the layer above")]
    blocks += page_of(step.layer).backward(step, context)
    if not step.parts:
        for name, grad in step.grads.items():
            note = "" if context.alone else "of the whole batch"
            blocks.append(shown(path, f"{name}.grad", grad, f"d{SYMBOLS.get(name, name)}", result=True, note=note))
    if not step.dy[step.row].any():
        blocks.append(Prose("Every number of dy is 0: the loss has nothing to say to this layer about this row.", "result"))
    elif step.dx is not None and not step.dx[step.row].any():
        blocks.append(
            Prose("Every number of dx is 0: nothing of what the loss says about this row gets below this layer.", "result")
        )
    if step.dx is not None:
        blocks.append(shown(path, "dx", step.dx[step.row], "dx", result=True, note="∂L/∂x, for the layer below"))
    blocks += step.backward_source
    title = f"Back through layer {step.path}: {short(step.layer)}"
    return Section(title, f"backward-{step.path.replace('.', '-')}", "backward", tuple(blocks))


SYMBOLS = {"weight": "W", "bias": "b", "gamma": "γ", "beta": "β"}
"""What equations call parameters."""
