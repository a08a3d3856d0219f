"""Pages of the layers in which numbers depend on those beside them: Softmax, BatchNorm, LayerNorm."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import Array
from .document import Block, Equation, Prose
from .formula import Bracketed, Formula, Fraction, Number
from .notation import put_in, read, row
from .parts import Context, between, chosen, plain_sum, shown, squares_of, summed, worked
from .trace import Step


def softmax_forward(step: Step, context: Context) -> list[Block]:
    """The row of scores as probabilities, with the maximum taken out first."""
    x, y = step.x[step.row], step.y[step.row]
    blocks: list[Block] = [Equation(read("y_i = exp(x_i) / Σ_j exp(x_j)")), shown(f"forward/{step.path}", "x", x, "x")]
    place = (0,) * (x.ndim - 1)
    scores, shares = x[place], y[place]
    blocks += softmax_sum(scores)
    for (i,) in chosen(shares.shape, context.wanted(step), most=8):
        total = float(np.exp(scores - scores.max()).sum())
        letters = {"x": scores[i], "m": scores.max(), "S": total}
        blocks.append(worked("y", (*place, i), "exp(x − m) / S", letters, shares[i]))
    blocks.append(two_decimals(shares))
    return blocks


def softmax_sum(scores: Array, letter: str = "x") -> list[Block]:
    """The maximum of the scores, and the sum of the exponentials below it."""
    top = float(scores.max())
    terms = [put_in("exp(x − m)", {"x": float(value), "m": top}) for value in scores]
    total = float(np.exp(scores - top).sum())
    shown_terms = row(*between(terms)) if len(terms) <= 8 else plain_sum(np.exp(scores - top))
    return [
        Equation(read(f"m = max_j {letter}_j"), None, Number(top), "the largest score, taken out of every exponent"),
        Equation(read(f"S = Σ_j exp({letter}_j − m)"), row("S", "=", shown_terms), Number(total)),
    ]


def two_decimals(shares: Array) -> Prose:
    """Probabilities as one reads them out."""
    shown_shares = shares if shares.size <= 12 else np.sort(shares)[::-1][:5]
    text = ", ".join(f"{float(share):.2f}" for share in shown_shares)
    which = "To two decimals" if shares.size <= 12 else "The five largest, to two decimals"
    return Prose(f"{which}: {text}. All together they are {float(shares.sum()):.2f}.", "result")


def softmax_backward(step: Step, context: Context) -> list[Block]:
    """dx = y ⊙ (dy − Σ dy y): every output depends on every input."""
    all_dy, all_dx = step.flow
    place = (0,) * (step.y.ndim - 2)
    y, dy, dx = step.y[step.row][place], all_dy[step.row][place], all_dx[step.row][place]
    total = float(np.dot(dy, y))
    blocks: list[Block] = [
        Equation(read("∂y_i / ∂x_j = y_i (δ_{i,j} − y_j)"), note="every output depends on every input of its row"),
        Equation(read("s = Σ_j dy_j y_j"), row("s", "=", summed(zip(dy, y, strict=True))), Number(total)),
        Equation(read("dx_i = y_i (dy_i − s)")),
    ]
    for (i,) in chosen(dx.shape, context.wanted(step)):
        blocks.append(worked("dx", (*place, i), "y · (dy − s)", {"y": y[i], "dy": dy[i], "s": total}, dx[i]))
    return blocks


def batch_forward(step: Step, context: Context) -> list[Block]:
    """Mean and variance of every feature over the batch, then gain and offset."""
    layer: Any = step.layer
    x_hat = step.cache[0]
    rows = step.x.reshape(-1, step.x.shape[-1])
    mean, var = rows.mean(axis=0), rows.var(axis=0)
    values, path, m = step.values, f"forward/{step.path}", len(rows)
    x, y = step.x[step.row], step.y[step.row]
    per_row = x.size // x.shape[-1]
    blocks: list[Block] = [
        Prose(
            f"In training the mean and the variance are those of the batch, here of {m:,} "
            + ("rows" if per_row == 1 else "numbers per feature")
            + ", so that what comes out for this row depends on the rows beside it."
        ),
        Equation(read("μ = {1 / M} Σ_m x_m")),
        Equation(read("σ^2 = {1 / M} Σ_m (x_m − μ)^2")),
        Equation(read("x̂ = (x − μ) / √(σ^2 + ε)")),
        Equation(read("y = γ x̂ + β"), row("ε", "=", layer.eps), note="ε keeps a constant feature from being divided by 0"),
        shown(path, "x", x, "x"),
    ]
    if m > 1:
        blocks.append(shown(path, "batch", step.x, "x of the whole batch", note=f"row {step.row} is the one that is shown"))
    blocks += [shown(path, "gamma", values["gamma"], "γ"), shown(path, "beta", values["beta"], "β")]
    for place in chosen(y.shape, context.wanted(step), most=2):
        j, at = place[-1], step.row * per_row + (int(np.ravel_multi_index(place[:-1], x.shape[:-1])) if place[:-1] else 0)
        column = rows[:, j]
        letters = {"x": x[place], "μ": mean[j], "σ^2": var[j], "ε": layer.eps, "γ": values["gamma"][j], "β": values["beta"][j]}
        hat = x_hat[at, j]
        blocks += [
            worked("μ", (j,), _mean_of(plain_sum(column), m), {}, mean[j]),
            worked("σ^2", (j,), _mean_of(squares_of(column - mean[j]), m), {}, var[j]),
            worked("x̂", place, "(x − μ) / √(σ^2 + ε)", letters, hat),
            worked("y", place, "γ · h + β", {**letters, "h": hat}, y[place]),
        ]
    blocks += [
        shown(path, "mean", mean, "μ", result=True),
        shown(path, "var", var, "σ²", result=True),
        shown(path, "x_hat", x_hat.reshape(step.x.shape)[step.row], "x̂", result=True),
    ]
    return blocks + _running(step, mean, var, m)


def _mean_of(total: Formula, count: int) -> Formula:
    return row(Fraction(Number(1.0), Number(float(count))), "·", Bracketed(total))


def _running(step: Step, mean: Array, var: Array, m: int) -> list[Block]:
    """What the forward of training leaves for prediction: running mean and variance."""
    layer: Any = step.layer
    if "running_mean" not in step.buffers:
        return []
    (mean_was, mean_now), (var_was, var_now) = step.buffers["running_mean"], step.buffers["running_var"]
    path, keep = f"forward/{step.path}", layer.momentum
    blocks: list[Block] = [
        Equation(
            read("running ← k · running + (1 − k) · batch"),
            row("k", "=", keep),
            note="for prediction, which has no batch; the running variance takes the unbiased one, σ² M / (M − 1)",
        ),
        worked(
            "running", (0,), "k · r + (1 − k) · μ", {"k": keep, "r": mean_was[0], "μ": mean[0]}, mean_now[0], "mean, feature 0"
        ),
    ]
    if m > 1:
        letters = {"k": keep, "r": var_was[0], "σ^2": var[0], "M": float(m)}
        right = "k · r + (1 − k) · σ^2 · M / (M − 1)"
        blocks.append(worked("running", (0,), right, letters, var_now[0], "variance, feature 0"))
    blocks += [
        shown(path, "running_mean", mean_now, "running mean", result=True),
        shown(path, "running_var", var_now, "running variance", result=True),
    ]
    return blocks


def batch_backward(step: Step, context: Context) -> list[Block]:
    """dx through the mean and the variance, in which every row has a part."""
    all_dy, all_dx = step.flow
    x_hat, inverse, _ = step.cache
    d = step.x.shape[-1]
    dy, grads, gamma, m = all_dy.reshape(-1, d), step.grads, step.values["gamma"], len(x_hat)
    row_dy, row_dx = all_dy[step.row], all_dx[step.row]
    per_row = row_dy.size // d
    blocks: list[Block] = [Equation(read("dβ = Σ_m dy_m")), Equation(read("dγ = Σ_m dy_m x̂_m"))]
    for (j,) in chosen((d,), context.wanted(step), most=2):
        blocks.append(worked("dβ", (j,), plain_sum(dy[:, j]), {}, grads["beta"][j]))
        blocks.append(worked("dγ", (j,), summed(zip(dy[:, j], x_hat[:, j], strict=True)), {}, grads["gamma"][j]))
    blocks.append(
        Equation(
            read("dx = γ / √(σ^2 + ε) · (dy − dβ / M − x̂ dγ / M)"),
            note="the two subtracted terms come through μ and σ², in which every row of the batch has a part",
        )
    )
    for place in chosen(row_dx.shape, context.wanted(step), most=2):
        j, at = place[-1], step.row * per_row + (int(np.ravel_multi_index(place[:-1], row_dx.shape[:-1])) if place[:-1] else 0)
        letters = {"γ": gamma[j], "q": float(inverse[j]), "dy": row_dy[place], "dβ": grads["beta"][j], "M": float(m)}
        letters |= {"h": x_hat[at, j], "dγ": grads["gamma"][j]}
        note = "the second factor is 1 / √(σ² + ε)"
        blocks.append(worked("dx", place, "γ · q · (dy − dβ / M − h · dγ / M)", letters, row_dx[place], note))
    return blocks


def layer_forward(step: Step, context: Context) -> list[Block]:
    """Mean and variance of the row's own features."""
    layer: Any = step.layer
    x, y, values, path = step.x[step.row], step.y[step.row], step.values, f"forward/{step.path}"
    x_hat = step.cache[0][step.row]
    place = (0,) * (x.ndim - 1)
    line = x[place]
    d, mean, var = line.size, float(line.mean()), float(line.var())
    blocks: list[Block] = [
        Equation(read("μ = {1 / D} Σ_i x_i")),
        Equation(read("σ^2 = {1 / D} Σ_i (x_i − μ)^2")),
        Equation(read("x̂ = (x − μ) / √(σ^2 + ε)")),
        Equation(read("y = γ x̂ + β"), row("ε", "=", layer.eps)),
        shown(path, "x", x, "x"),
        shown(path, "gamma", values["gamma"], "γ"),
        shown(path, "beta", values["beta"], "β"),
        worked("μ", (), _mean_of(plain_sum(line), d), {}, mean, "" if x.ndim == 1 else "of the first line of the row"),
        worked("σ^2", (), _mean_of(squares_of(line - mean), d), {}, var),
    ]
    for (j,) in chosen(line.shape, context.wanted(step)):
        letters = {"x": line[j], "μ": mean, "σ^2": var, "ε": layer.eps}
        blocks.append(worked("x̂", (*place, j), "(x − μ) / √(σ^2 + ε)", letters, x_hat[place][j]))
        gain = {"γ": values["gamma"][j], "h": x_hat[place][j], "β": values["beta"][j]}
        blocks.append(worked("y", (*place, j), "γ · h + β", gain, y[place][j]))
    blocks.append(shown(path, "x_hat", x_hat, "x̂", result=True))
    return blocks


def layer_backward(step: Step, context: Context) -> list[Block]:
    """dx through the row's own mean and variance."""
    all_dy, all_dx = step.flow
    x_hat, inverse = step.cache
    d = step.x.shape[-1]
    gamma, grads = step.values["gamma"], step.grads
    flat_dy, flat_hat = all_dy.reshape(-1, d), x_hat.reshape(-1, d)
    blocks: list[Block] = [Equation(read("dβ = Σ_n dy_n")), Equation(read("dγ = Σ_n dy_n x̂_n"))]
    for (j,) in chosen((d,), context.wanted(step), most=2):
        blocks.append(worked("dβ", (j,), plain_sum(flat_dy[:, j]), {}, grads["beta"][j]))
        blocks.append(worked("dγ", (j,), summed(zip(flat_dy[:, j], flat_hat[:, j], strict=True)), {}, grads["gamma"][j]))
    place = (0,) * (step.x.ndim - 2)
    dy, hat, dx = all_dy[step.row][place], x_hat[step.row][place], all_dx[step.row][place]
    g = dy * gamma
    a, b = float(g.mean()), float((g * hat).mean())
    blocks += [
        Equation(read("g = γ dy")),
        Equation(read("a = {1 / D} Σ_i g_i"), row("a", "=", _mean_of(plain_sum(g), d)), Number(a)),
        Equation(read("c = {1 / D} Σ_i g_i x̂_i"), row("c", "=", _mean_of(summed(zip(g, hat, strict=True)), d)), Number(b)),
        Equation(read("dx = (g − a − x̂ c) / √(σ^2 + ε)")),
    ]
    root = 1.0 / float(np.asarray(inverse[step.row][place]).reshape(-1)[0])
    for (j,) in chosen(dx.shape, context.wanted(step)):
        letters = {"g": g[j], "a": a, "h": hat[j], "c": b, "q": root}
        note = f"below the bar √(σ² + ε) = {math.sqrt(root**2):.4g}"
        blocks.append(worked("dx", (*place, j), "(g − a − h · c) / q", letters, dx[j], note))
    return blocks
