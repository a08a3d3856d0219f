"""The checks of activation layers: values, large numbers, and what they hand back."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from .helpers import is_leaky, near, softmax_of_another_axis
from .hints import Book, departure
from .known import HIDDEN, act, activation_word, kinds_of, pull, slope, wrong_slopes
from .layer_checks import RNG, ROWS, back_to_rows, gradient_sentence, laid, laid_rows, mixes
from .loading import ProgramError
from .units import Unit


def check_activation_unit(unit: Unit, book: Book, layout: str) -> tuple[str, Array | None] | None:
    """An activation class; (kind, what its backward gave instead) where that is to be judged together with the loss.

    That is so of a softmax, and of a sigmoid that hands back what it gets.
    """
    word = activation_word(unit.name)
    z = RNG.normal(size=(ROWS, 4)) * 1.5
    layout = layout if layout != "vector" else "row"
    z = laid_rows(z, layout)
    try:
        handed = laid(z, layout)
        a = back_to_rows(unit.forward(handed), layout)
    except ProgramError as error:
        book.error(f"{unit.name}: forward", unit.subject(), error, 2.0)
        return None
    kind = recognize(word, z, a)
    smooth = word in ("gelu", "elu", "swish", "softplus") and a is not None and a.shape == z.shape
    if kind is None and smooth and np.abs(a - act(str(word), z)).max() < 2e-3:  # an approximation has its own derivative
        own_slope(unit, book, z, layout)
        return None
    if kind is None:
        if word is None:
            return None
        right = act(kinds_of(word)[0], z)
        kind_of_mistake = "wrong activation"
        if word == "softmax" and softmax_of_another_axis(z, a):
            kind_of_mistake = "softmax axis"
        if word == "softmax" and a is not None and (near(a, act("softmax", z.T).T) or near(a, np.exp(z) / np.exp(z).sum())):
            kind_of_mistake = "softmax axis"
        if word != "softmax" and mixes(unit, z, layout):
            kind_of_mistake = "batch dependence"
        at = departure(unit.subject(), "output", a, right)
        book.failed(f"{unit.name}: forward", unit.subject(), kind_of_mistake, f"it is not the {word} of its input", 3.0, at)
        kind = kinds_of(word)[0]
        if word == "softmax":
            return None
    else:
        book.passed(f"{unit.name}: forward", unit.subject(), 2.0)
    if not np.array_equal(handed, laid(z, layout)):
        book.failed(f"{unit.name}: x is left alone", unit.subject(), "inputs changed", "forward writes to its input")
    if kind == "softmax":
        large(unit, book, z, layout)
    if unit.behind is None:
        return None
    return activation_backward(unit, book, kind, z, layout)


def own_slope(unit: Unit, book: Book, z: Array, layout: str) -> None:
    """The derivative of an element-wise function, by differences of its own forward."""
    book.passed(f"{unit.name}: forward", unit.subject(), 2.0)
    dy = np.asarray(np.random.default_rng(24).normal(size=z.shape))
    try:
        sides = [back_to_rows(unit.forward(laid(z + step, layout)), layout) for step in (1e-5, -1e-5)]
        unit.forward(laid(z, layout))
        dx = back_to_rows(unit.backward(laid(dy, layout)).dx, layout)
    except ProgramError as error:
        book.error(f"{unit.name}: backward", unit.subject(True), error, 2.0)
        return
    if sides[0] is not None and sides[1] is not None:
        right = dy * (sides[0] - sides[1]) / 2e-5
        terms = {"missing activation derivative": dy}
        gradient_sentence(
            book, unit, "the inputs", dx, right, batch=len(z), terms=terms, otherwise="wrong activation derivative"
        )


def large(unit: Unit, book: Book, z: Array, layout: str) -> None:
    """Softmax at logits of 5000."""
    try:
        p = back_to_rows(unit.forward(laid(z + 5000.0, layout)), layout)
    except ProgramError as error:
        book.error(f"{unit.name}: large logits", unit.subject(), error, 2.0)
        return
    bad = p is None or not np.isfinite(p).all()
    book.verdict(
        f"{unit.name}: large logits", unit.subject(), ("softmax overflow", "logits of 5000 give nan") if bad else None, 2.0
    )


def recognize(word: str | None, z: Array, a: Array | None) -> str | None:
    """Which known activation it is: of that name, or any where the name says nothing."""
    if a is None or a.shape != z.shape:
        return None
    if word == "leaky relu" and is_leaky(z, a):
        ratio = float((a[z < 0] / z[z < 0]).flat[0])
        return next((kind for kind in kinds_of(word) if near(a, act(kind, z))), f"leaky relu {ratio:.12g}")
    kinds = [*HIDDEN, "softmax"] if word is None else kinds_of(word)
    return next((kind for kind in kinds if near(a, act(kind, z))), None)


def activation_backward(unit: Unit, book: Book, kind: str, z: Array, layout: str) -> tuple[str, Array | None] | None:
    """Jacobian(z)ᵀ dy, and what comes out in its place."""
    dy = np.asarray(np.random.default_rng(24).normal(size=z.shape))
    try:
        unit.forward(laid(z, layout))
        back = unit.backward(laid(dy, layout))
    except ProgramError as error:
        if kind == "softmax":
            return kind, None
        book.error(f"{unit.name}: backward", unit.subject(True), error, 2.0)
        return None
    dx = None if back.dx is None else back_to_rows(back.dx, layout)
    given = dx if dx is not None else back.dx
    right = pull(kind, z, dy)
    if (kind == "softmax" and not near(given, right)) or (kind == "sigmoid" and near(given, dy)):
        return kind, given
    terms = {"missing activation derivative": dy}
    a, s = act(kind, z), slope(kind, z)
    terms |= {"activation derivative of the output": dy * slope(kind, a), "activation derivative twice": dy * s * s}
    terms |= {"diagonal softmax": dy * s} if kind == "softmax" else {}
    terms |= {"wrong activation derivative": s, **{f"derivative {n}": dy * w for n, w in wrong_slopes(kind, z)}}
    gradient_sentence(
        book, unit, "the inputs", given, right, batch=len(z), terms=terms, otherwise="wrong activation derivative"
    )
    if back.wrote:
        book.failed(
            f"{unit.name}: dy is left alone", unit.subject(True), "inputs changed", "backward writes to what it is handed"
        )
    return None
