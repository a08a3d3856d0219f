"""Pages of the losses: what they make of this row's prediction and target, and the gradient they send back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..arrays import Array
from ..errors import ScratchworkError
from ..gradcheck import check_gradients
from ..losses import Loss
from ..losses.base import row_weights
from ..losses.targets import one_hot
from ..losses.weighting import smoothed, times_class_weight
from .across import softmax_sum, two_decimals
from .document import Block, Equation, Prose, Section
from .formula import Number
from .loss_terms import TERMS, elementwise, elementwise_gradient, elementwise_rewritten
from .moves import equations_of
from .notation import cases, put_in, read, row
from .parts import Context, chosen, first_sentence, plain_sum, shown, summed, worked
from .rewriting import log_rewritten, log_softmax_rewritten
from .trace import Trace

Writer: TypeAlias = Callable[[Trace, Context], list[Block]]


class LossPage(NamedTuple):
    """What is written about a loss's value, its gradient, and its stable form."""

    value: Writer
    gradient: Writer
    rewritten: Writer


def _parts(done: Trace) -> tuple[Any, Array, Array, int | None, float]:
    """(loss, this row's outputs, its target as shares, its label where it has one, its share in the mean over the batch)."""
    loss: Any = done.loss
    assert done.target is not None
    z = done.prediction[done.row]
    target = done.target
    label = int(target[done.row]) if target.ndim == 1 else None
    shares = one_hot(target, z.size, z.dtype) if target.ndim == 1 else target
    weight = None
    if getattr(loss, "class_weight", None) is not None:
        weight = times_class_weight(None, target, loss.class_weight, z.size)
    scale = row_weights(weight, len(done.x), np.dtype(np.float64))
    share = scale if isinstance(scale, float) else float(scale[done.row, 0])
    t = smoothed(shares, getattr(loss, "label_smoothing", 0.0), np.dtype(np.float64))[done.row]
    return loss, z, t, label if not getattr(loss, "label_smoothing", 0.0) else None, share


def _share_note(done: Trace, share: float) -> str:
    return "" if share == 1.0 else f"w = {share:.4g} is this row's share in the mean over the batch of {len(done.x):,}"


def _softmax_value(done: Trace, context: Context) -> list[Block]:
    loss, z, t, label, _ = _parts(done)
    m = float(z.max())
    total = float(np.exp(z - m).sum())
    p = np.exp(z - m) / total
    blocks: list[Block] = [
        Equation(read("p_k = exp(z_k) / Σ_j exp(z_j)"), note="softmax: scores become probabilities"),
        *softmax_sum(z, "z"),
    ]
    wanted = context.wanted(done.steps[-1])
    for (c,) in chosen(p.shape, label if wanted is None else wanted, most=8):
        blocks.append(worked("p", (c,), "exp(z − m) / S", {"z": z[c], "m": m, "S": total}, p[c]))
    blocks += [shown("loss", "p", p, "p", result=True, columns=context.outputs), two_decimals(p)]
    if loss.label_smoothing:
        note = f"label smoothing with ε = {loss.label_smoothing:g}: a share of the target goes to every class"
        blocks += [Equation(read("t ← (1 − ε) t + ε / C"), note=note), shown("loss", "t", t, "t")]
    if label is not None:
        blocks.append(Equation(read("ℓ = −log(p_y) = m + log(S) − z_y"), note=f"y = {label}, the true class"))
        letters = {"m": m, "S": total, "z": z[label]}
        blocks.append(worked("ℓ", (), "m + log(S) − z", letters, done.row_value))
        if len(z) == 2:
            blocks.append(Prose("With two classes a network that knows nothing gives each ½, which costs log 2 = 0.6931."))
        else:
            costs = f"1/{len(z)}, which costs log {len(z)} = {np.log(len(z)):.4f}"
            blocks.append(Prose(f"A network that knows nothing gives each of the {len(z)} classes {costs}."))
    else:
        blocks.append(Equation(read("ℓ = −Σ_k t_k log(p_k) = Σ_k t_k (m + log(S) − z_k)")))
        right = summed(zip(t, m + np.log(total) - z, strict=True))
        blocks.append(worked("ℓ", (), right, {}, done.row_value))
    return blocks


def _softmax_gradient(done: Trace, context: Context) -> list[Block]:
    assert done.gradient is not None
    _, z, t, _, share = _parts(done)
    p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    mass = float(t.sum())
    text, right = ("∂L / ∂z_k = p_k − t_k", "p − t") if share == 1.0 else ("∂L / ∂z_k = w (p_k − t_k)", "w · (p − t)")
    if abs(mass - 1.0) > 1e-12:
        right = right.replace("p −", "p · M −")
    note = "t is 1 for the true class and 0 for the others" if t.max() == 1.0 else "t: the target's shares"
    blocks: list[Block] = [Equation(read(text), note=_share_note(done, share) or note)]
    for (c,) in chosen(p.shape, int(np.argmax(t)), most=8):
        letters = {"p": p[c], "t": t[c], "w": share, "M": mass}
        blocks.append(worked("∂z", (c,), right, letters, done.gradient[done.row, c], "the true class" if t[c] == 1.0 else ""))
    return blocks


def _softmax_rewritten(done: Trace, context: Context) -> list[Block]:
    _, z, t, _, _ = _parts(done)
    return [log_softmax_rewritten(z, int(np.argmax(t)), context.dtype)]


def _categorical_value(done: Trace, context: Context) -> list[Block]:
    loss, p, t, label, _ = _parts(done)
    blocks: list[Block] = [Equation(read("ℓ = −Σ_k t_k log(p_k)"), note="minus the logarithm of what the truth was given")]
    if loss.label_smoothing:
        blocks += [Equation(read("t ← (1 − ε) t + ε / C")), shown("loss", "t", t, "t")]
    blocks.append(two_decimals(p))
    if label is not None and p[label] >= loss.eps:
        blocks.append(worked("ℓ", (), "−log(p)", {"p": p[label]}, done.row_value, f"the true class is {label}"))
    elif label is not None:
        letters = {"p": p[label], "ε": loss.eps}
        blocks.append(worked("ℓ", (), "−(log(ε) + p / ε − 1)", letters, done.row_value, "the tangent at ε, for p < ε"))
    else:
        clipped = np.maximum(p, loss.eps)
        logs = np.log(clipped) + (p - clipped) / clipped
        blocks.append(worked("ℓ", (), summed(zip(t, -logs, strict=True)), {}, done.row_value))
    return blocks


def _categorical_gradient(done: Trace, context: Context) -> list[Block]:
    assert done.gradient is not None
    loss, p, t, _, share = _parts(done)
    text = "∂L / ∂p_k = −t_k / max(p_k, ε)" if share == 1.0 else "∂L / ∂p_k = −w t_k / max(p_k, ε)"
    right = "−t / max(p, ε)" if share == 1.0 else "−w · t / max(p, ε)"
    blocks: list[Block] = [Equation(read(text), row("ε", "=", loss.eps), note=_share_note(done, share))]
    for (c,) in chosen(p.shape, int(np.argmax(t)), most=8):
        letters = {"p": p[c], "t": t[c], "w": share, "ε": loss.eps}
        blocks.append(worked("∂p", (c,), right, letters, done.gradient[done.row, c]))
    return blocks


def _categorical_rewritten(done: Trace, context: Context) -> list[Block]:
    loss, p, t, _, _ = _parts(done)
    return [log_rewritten(float(p[int(np.argmax(t))]), loss.eps, context.dtype)]


def _missing(done: Trace) -> tuple[Any, Array, int, Array, float]:
    """(loss, scores, label, missing margins, share) of a hinge over classes."""
    loss, s, t, _, share = _parts(done)
    label = int(np.argmax(t))
    missing = np.maximum(s - s[label] + loss.margin, 0.0)
    missing[label] = 0.0
    return loss, s, label, missing, share


def _hinge_value(done: Trace, context: Context) -> list[Block]:
    loss, s, label, missing, _ = _missing(done)
    squared = type(loss).__name__ == "SquaredHinge"
    blocks: list[Block] = [
        Equation(
            read("m_j = max(0, s_j − s_y + Δ)"), row("Δ", "=", loss.margin), note=f"for each j but y = {label}, the true class"
        )
    ]
    for (j,) in chosen(s.shape, most=8):
        if j != label:
            letters = {"s": s[j], "a": s[label], "Δ": loss.margin}
            blocks.append(worked("m", (j,), "max(0, s − a + Δ)", letters, missing[j]))
    others = [float(m) for j, m in enumerate(missing) if j != label]
    right = summed([(m, m) for m in others]) if squared else plain_sum(others)
    blocks.append(shown("loss", "missing", missing, "m", result=True, note="0 for the true class"))
    blocks.append(Equation(read("ℓ = Σ_j m_j^2" if squared else "ℓ = Σ_j m_j"), row("ℓ", "=", right), Number(done.row_value)))
    return blocks


def _hinge_gradient(done: Trace, context: Context) -> list[Block]:
    assert done.gradient is not None
    loss, s, label, missing, share = _missing(done)
    squared = type(loss).__name__ == "SquaredHinge"
    pull = 2.0 * missing if squared else (missing > 0).astype(np.float64)
    w = "" if share == 1.0 else "w · "
    blocks: list[Block] = [
        Equation(read("g_j = 2 m_j") if squared else cases("g_j", ("1", "m_j > 0"), ("0", "")), note="the slope of each term"),
        Equation(read("∂L / ∂s_j = g_j" if share == 1.0 else "∂L / ∂s_j = w g_j"), note=_share_note(done, share)),
        Equation(
            read("∂L / ∂s_y = −Σ_j g_j" if share == 1.0 else "∂L / ∂s_y = −w Σ_j g_j"), note="the true class pays for all"
        ),
    ]
    for (j,) in chosen(s.shape, label, most=8):
        if j == label:
            total = plain_sum([v for i, v in enumerate(pull) if i != label])
            right = put_in(f"−{w}(S)", {"S": total, "w": share})
        else:
            right = put_in(f"{w}2 · m" if squared else f"{w}g", {"m": missing[j], "g": pull[j], "w": share})
        blocks.append(worked("∂s", (j,), right, {}, done.gradient[done.row, j], "the true class" if j == label else ""))
    return blocks


def _nothing(done: Trace, context: Context) -> list[Block]:
    return []


def _own_value(done: Trace, context: Context) -> list[Block]:
    name = type(done.loss).__name__
    return [
        Equation(read("ℓ = ℓ(p, t)"), row("ℓ", "=", done.row_value)),
        Prose(f"{name} is a loss of its own, not one of the library's: what it calculates is quoted below."),
        *equations_of(type(done.loss)),
    ]


def _own_gradient(done: Trace, context: Context) -> list[Block]:
    loss, target, _ = done.judged
    try:
        report = check_gradients(loss, x=done.prediction[:4].copy(), y=target[:4])
        verdict = "right" if report.ok else "WRONG"
        text = f"A gradient check of this loss at these numbers: {verdict}, relative error {report.max_relative_error:.0e}."
    except (ScratchworkError, ArithmeticError, TypeError, ValueError, AttributeError) as error:
        text = f"A gradient check of this loss could not be run: {error}"
    return [Equation(read("∂L / ∂p"), note="what value_and_grad gave beside the value"), Prose(text, "result")]


ELEMENT = LossPage(elementwise, elementwise_gradient, elementwise_rewritten)
HINGE = LossPage(_hinge_value, _hinge_gradient, _nothing)
OWN = LossPage(_own_value, _own_gradient, _nothing)
LOSS_PAGES: dict[str, LossPage] = {
    "SoftmaxCrossEntropy": LossPage(_softmax_value, _softmax_gradient, _softmax_rewritten),
    "CategoricalCrossEntropy": LossPage(_categorical_value, _categorical_gradient, _categorical_rewritten),
    "MulticlassHinge": HINGE,
    "SquaredHinge": HINGE,
    **dict.fromkeys(TERMS, ELEMENT),
}
"""Every loss of the library by the name of its class; for all others there is `OWN`."""


def page_of(loss: Loss) -> LossPage:
    """The page of a loss's own class; one that inherits from the library's may calculate anything."""
    kind = type(loss)
    known = kind.__module__.startswith("scratchwork.") and kind.__name__ in LOSS_PAGES
    return LOSS_PAGES[kind.__name__] if known else OWN


def loss_section(done: Trace, context: Context) -> Section:
    """How wrong the prediction is, and in which direction it would become more so."""
    loss, target, gradient = done.judged
    page, n = page_of(loss), len(done.x)
    blocks: list[Block] = []
    if page is not OWN and (words := first_sentence(loss)):
        blocks.append(Prose(words))
    blocks.append(shown("loss", "prediction", done.prediction[done.row], "prediction", columns=context.outputs))
    said = context.outputs[int(target[done.row])] if context.outputs and target.ndim == 1 else ""
    blocks.append(shown("loss", "target", np.atleast_1d(np.asarray(target[done.row], np.float64)), "target", note=said))
    blocks += page.value(done, context)
    blocks.append(shown("loss", "row", np.asarray(done.row_value), "ℓ", result=True, note="the loss of this row"))
    if n > 1:
        per_row = [loss.value_and_grad(done.prediction[i : i + 1].copy(), target[i : i + 1])[0] for i in range(n)]
        mean = getattr(loss, "over_batch", "mean") == "mean" and getattr(loss, "class_weight", None) is None
        total = row(put_in("1 / {N}", {"N": float(n)}), "·", put_in("(s)", {"s": plain_sum(per_row)}))
        text = "L = {1 / N} Σ_n ℓ_n"
        if mean and page is not OWN:
            blocks.append(Equation(read(text), row("L", "=", total), Number(done.value), f"over the {n:,} rows of the batch"))
    blocks.append(shown("loss", "value", np.asarray(done.value), "L", result=True, note=_value_note(n)))
    blocks += page.gradient(done, context)
    blocks.append(shown("loss", "gradient", gradient[done.row], "∂L/∂prediction", result=True, columns=context.outputs))
    blocks += page.rewritten(done, context)
    blocks += done.loss_source
    return Section(f"The loss: {loss!r}", "loss", "loss", tuple(blocks))


def _value_note(rows: int) -> str:
    if rows == 1:
        return "L, the loss that is trained on; of this row alone it is ℓ"
    return f"L, the loss that is trained on, over all {rows:,} rows of the batch"
