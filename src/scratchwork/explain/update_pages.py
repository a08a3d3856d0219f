"""Pages of the optimizers: what the first step does to the first parameters, and what the optimizer remembers of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..arrays import Array
from ..layers.base import described
from ..optimizers import Optimizer
from ..regularizers import L1, L2, ElasticNet, MaxNorm
from .document import Block, Equation, Prose, Section, Table
from .notation import Value, put_in, read, row
from .parts import Context, first_sentence, shown, worked
from .rounding import rounded
from .trace import Change, Trace

Place: TypeAlias = tuple[int, ...]
MOST = 3
"""How many entries of a parameter are worked out."""


class Rule(NamedTuple):
    """An optimizer's equations, the letters of its settings, and its steps for one entry.

    steps    (name of what is made, right-hand side, key of the state it is kept as, or "")
    """

    equations: Callable[[Any], list[str]]
    letters: Callable[[Any], dict[str, float]]
    steps: Callable[[Any], list[tuple[str, str, str]]]


def _sgd_equations(rule: Any) -> list[str]:
    if not rule.momentum:
        return ["w ← w − η g"]
    return ["u ← μ u + g", "w ← w − η (g + μ u)" if rule.nesterov else "w ← w − η u"]


def _sgd_steps(rule: Any) -> list[tuple[str, str, str]]:
    if not rule.momentum:
        return [("w", "w − η · g", "")]
    return [("u", "μ · u + g", "velocity"), ("w", "w − η · (g + μ · u)" if rule.nesterov else "w − η · u", "")]


ADAM = ["m ← β₁ m + (1 − β₁) g", "v ← β₂ v + (1 − β₂) g^2", "m̂ = m / (1 − β₁^t)", "v̂ = v / (1 − β₂^t)"]
ADAM_STEPS = [
    ("m", "β₁ · m + (1 − β₁) · g", "m"),
    ("v", "β₂ · v + (1 − β₂) · g^2", "v"),
    ("m̂", "m / (1 − β₁^1)", ""),
    ("v̂", "v / (1 − β₂^1)", ""),
]


def _adam_letters(rule: Any) -> dict[str, float]:
    return {"β₁": rule.beta1, "β₂": rule.beta2, "ε": rule.eps}


RULES: dict[str, Rule] = {
    "GradientDescent": Rule(lambda rule: ["w ← w − η g"], lambda rule: {}, lambda rule: [("w", "w − η · g", "")]),
    "SGD": Rule(_sgd_equations, lambda rule: {"μ": rule.momentum} if rule.momentum else {}, _sgd_steps),
    "AdaGrad": Rule(
        lambda rule: ["s ← s + g^2", "w ← w − η g / (√s + ε)"],
        lambda rule: {"ε": rule.eps},
        lambda rule: [("s", "s + g^2", "squares"), ("w", "w − η · g / (√s + ε)", "")],
    ),
    "RMSProp": Rule(
        lambda rule: ["s ← ρ s + (1 − ρ) g^2", "w ← w − η g / (√s + ε)"],
        lambda rule: {"ρ": rule.rho, "ε": rule.eps},
        lambda rule: [("s", "ρ · s + (1 − ρ) · g^2", "squares"), ("w", "w − η · g / (√s + ε)", "")],
    ),
    "Adam": Rule(
        lambda rule: [*ADAM, "w ← w − η m̂ / (√v̂ + ε)"],
        _adam_letters,
        lambda rule: [*ADAM_STEPS, ("w", "w − η · m̂ / (√v̂ + ε)", "")],
    ),
    "AdamW": Rule(
        lambda rule: [*ADAM, "w ← (1 − η λ) w − η m̂ / (√v̂ + ε)"],
        lambda rule: {**_adam_letters(rule), "λ": rule.weight_decay},
        lambda rule: [*ADAM_STEPS, ("w", "(1 − η · λ) · w − η · m̂ / (√v̂ + ε)", "")],
    ),
}
"""Every optimizer of the library by the name of its class."""


def rule_of(optimizer: Optimizer) -> Rule | None:
    """The equations of a rule of the library; None for one of somebody's own."""
    kind = type(optimizer)
    return RULES.get(kind.__name__) if kind.__module__.startswith("scratchwork.") else None


def update_sections(done: Trace, context: Context, optimizer: Optimizer) -> list[Section]:
    """The rule, the first parameters (and those that the reader asked for) number by number, and how far all of them went."""
    if not done.changes:
        return []
    layers = list(dict.fromkeys(change.name.rpartition(".")[0] for change in done.changes))
    wanted = [layers[0]]
    if context.neuron is not None and context.neuron[0] in layers[1:]:
        wanted.append(context.neuron[0])
    sections = [rule_section(done, optimizer)]
    for path in wanted:
        blocks: list[Block] = []
        for change in (change for change in done.changes if change.name.rpartition(".")[0] == path):
            blocks += _parameter(change, context, path, len(done.x))
        sections.append(Section(f"The parameters of layer {path}", f"update-{path.replace('.', '-')}", "update", tuple(blocks)))
    sections.append(Section("How far each parameter went", "update-all", "update", tuple(_summary(done))))
    return sections


def rule_section(done: Trace, optimizer: Optimizer) -> Section:
    """The optimizer's equations with its settings, the penalty and the constraint."""
    rule = rule_of(optimizer)
    blocks: list[Block] = [Prose(words)] if (words := first_sentence(optimizer)) else []
    if rule is None:
        blocks.append(
            Prose(
                f"{type(optimizer).__name__} is a rule of its own, not one of the library's: what it calculates is quoted "
                "below; the numbers before and after follow."
            )
        )
    else:
        blocks += [Equation(read(text)) for text in rule.equations(optimizer)]
    rate = optimizer.learning_rate_at(0)
    schedule = optimizer.learning_rate
    settings: list[tuple[str | float, ...]] = [("η", "learning rate of the first step", rate)]
    if rule is not None:
        settings += [(letter, MEANING[letter], value) for letter, value in rule.letters(optimizer).items()]
    settings.append(("t", "number of the step", 1.0))
    blocks.append(
        Table("update/settings", ("letter", "what it is", "value"), tuple(settings), "w is a parameter, g its gradient")
    )
    if callable(schedule):
        blocks.append(Prose(f"The learning rate follows {schedule!r}; after 0 steps it is {rounded(rate)}."))
    blocks.append(Prose("The optimizer starts afresh: what it remembers is 0 before this step."))
    penalties = list(dict.fromkeys(repr(change.penalty) for change in done.changes if change.penalty is not None))
    if penalties:
        blocks += _penalties(done)
    if rule is not None and type(optimizer).__name__.startswith("Adam"):
        blocks.append(
            Prose(
                "The lines below the rule write the last line as w − (η r / (1 − β₁ᵗ)) · m / (√v + ε r) with r = √(1 − β₂ᵗ): "
                "the same, but the corrections are two numbers instead of two passes over all parameters."
            )
        )
    return Section(f"The rule: {described(optimizer)}", "update", "update", (*blocks, *done.update_source))


MEANING = {
    "μ": "momentum, the share of the velocity that is kept",
    "ρ": "share of the running mean that is kept",
    "ε": "eps, against a division by 0",
    "β₁": "share of the mean of gradients that is kept",
    "β₂": "share of the mean of squares that is kept",
    "λ": "weight decay (not on biases and gains)",
}


def _penalties(done: Trace) -> list[Block]:
    equations = {L1: "g ← g + λ sign(w)", L2: "g ← g + λ w", ElasticNet: "g ← g + λ₁ sign(w) + λ₂ w"}
    kinds = {type(change.penalty): change.penalty for change in done.changes if change.penalty is not None}
    blocks: list[Block] = []
    for kind, penalty in kinds.items():
        text = equations.get(kind)
        if text is not None:
            blocks.append(Equation(read(text), note=f"the gradient of the penalty {described(penalty)} is added first"))
        else:
            blocks.append(Prose(f"The gradient of the penalty {penalty!r} is added to g first."))
    on = ", ".join(change.name for change in done.changes if change.penalty is not None)
    blocks.append(Prose(f"It is on {on}, and adds {rounded(done.penalty)} to the loss.", "result"))
    return blocks


def _parameter(change: Change, context: Context, path: str, rows: int) -> list[Block]:
    """One parameter: some entries worked out, then its arrays."""
    name = change.name.rpartition(".")[2]
    base = f"update/{path}/{name}"
    note = "" if rows == 1 else "of the whole batch"
    grad = [shown(base, "grad", change.grad, "g", note=note)]
    if change.penalty is not None:
        grad = [shown(base, "loss_grad", change.loss_grad, "g", note="of the loss alone")]
        grad.append(shown(base, "grad", change.grad, "g", result=True, note="with the penalty's part"))
    blocks: list[Block] = [
        Prose(f"{change.name}, shape {' × '.join(map(str, change.before.shape))}"),
        shown(base, "before", change.before, name),
        *grad,
    ]
    if change.parameter.learning_rate_factor != 1.0:
        factor = rounded(change.parameter.learning_rate_factor)
        blocks.append(Prose(f"Its learning rate is the optimizer's times {factor}, η = {rounded(change.rate)}."))
    for place in _lively(change, _wanted(change, context, path)):
        blocks += _entry(change, place)
    for key, array in change.state.items():
        blocks.append(shown(base, key, array, STATE.get(key, key), result=True, note=f"what the optimizer remembers: {key}"))
    blocks.append(shown(base, "after", change.after, f"{name} after the step", result=True))
    return blocks


STATE = {"velocity": "u", "squares": "s"}
"""What equations call the arrays that an optimizer keeps."""


def _wanted(change: Change, context: Context, path: str) -> int | None:
    return context.neuron[1] if context.neuron is not None and context.neuron[0] == path else None


def _lively(change: Change, neuron: int | None) -> list[Place]:
    """The first entries that have a gradient (of the neuron's column, where one was asked for), or the first ones."""
    alive = change.grad != 0
    if neuron is not None and neuron < change.grad.shape[-1] and alive[..., neuron].any():
        only = np.zeros_like(alive)
        only[..., neuron] = True
        alive = alive & only
    flat = np.flatnonzero(alive)[:MOST] if alive.any() else np.arange(min(MOST, change.grad.size))
    return [tuple(int(k) for k in np.unravel_index(int(i), change.grad.shape)) for i in flat]


def _entry(change: Change, place: Place) -> list[Block]:
    """Every line of the rule for one entry, the numbers put in."""
    w, g = float(change.before[place]), float(change.loss_grad[place])
    blocks: list[Block] = []
    if change.penalty is not None:
        blocks += _penalized(change, place, w, g)
        g = float(change.grad[place])
    rule = rule_of(change.rule)
    stepped = _before_projection(change)
    if rule is None:
        left = put_in("w − (d)", {"w": w, "d": w - float(stepped[place])})
        blocks.append(worked("w", place, left, {}, float(stepped[place]), "d is the step that the rule took"))
        return blocks + _projected(change, place, stepped)
    letters: dict[str, Value] = {**rule.letters(change.rule), "η": change.rate, "g": g, "w": w}
    letters |= dict.fromkeys(("m", "v", "u", "s"), 0.0)
    for name, right, key in rule.steps(change.rule):
        result = _result(name, key, change, place, letters, stepped)
        blocks.append(worked(name, place, right, letters, result))
        letters[name] = result
    return blocks + _projected(change, place, stepped)


def _result(name: str, key: str, change: Change, place: Place, letters: dict[str, Value], stepped: Array) -> float:
    if key:
        return float(change.state[key][place])
    rule: Any = change.rule
    if name == "m̂":
        return float(change.state["m"][place] / (1.0 - rule.beta1))
    if name == "v̂":
        return float(change.state["v"][place] / (1.0 - rule.beta2))
    return float(stepped[place])


def _before_projection(change: Change) -> Array:
    """The parameter after the rule and before its constraint."""
    if change.constraint is None:
        return change.after
    value = change.before.copy()
    change.rule.update(value, change.grad, change.rule.init(value), step=1, learning_rate=change.rate)
    return value


def _penalized(change: Change, place: Place, w: float, g: float) -> list[Block]:
    penalty: Any = change.penalty
    result = float(change.grad[place])
    if isinstance(penalty, L2):
        return [worked("g", place, "g + λ · w", {"g": g, "λ": penalty.strength, "w": w}, result)]
    if isinstance(penalty, L1):
        return [worked("g", place, "g + λ · sign(w)", {"g": g, "λ": penalty.strength, "w": w}, result)]
    if isinstance(penalty, ElasticNet):
        letters = {"g": g, "λ₁": penalty.l1, "λ₂": penalty.l2, "w": w}
        return [worked("g", place, "g + λ₁ · sign(w) + λ₂ · w", letters, result)]
    return [worked("g", place, "g + r", {"g": g, "r": result - g}, result, "r: the penalty's gradient")]


def _projected(change: Change, place: Place, stepped: Array) -> list[Block]:
    rule = change.constraint
    if rule is None:
        return []
    if isinstance(rule, MaxNorm) and stepped.ndim == 2 and rule.axis in (0, -2):
        column = stepped[:, place[1]]
        length = float(np.sqrt(np.sum(column * column)))
        letters = {"w": float(stepped[place]), "c": float(rule.limit), "n": length}
        note = (
            f"the incoming weights of neuron {place[1]} have the length {rounded(length)}; the limit is {rounded(rule.limit)}"
        )
        return [worked("w", place, "w · min(1, c / n)", letters, float(change.after[place]), note)]
    return [Equation(None, row("w", "=", float(change.after[place])), None, f"after the projection {rule!r}")]


def _summary(done: Trace) -> list[Block]:
    rows: list[tuple[str | float, ...]] = []
    for change in done.changes:
        moved = float(np.linalg.norm(change.after - change.before))
        size = float(np.linalg.norm(change.before))
        grad = float(np.linalg.norm(change.grad))
        rows.append((change.name, " × ".join(map(str, change.before.shape)), size, grad, moved, moved / size if size else "—"))
    head = ("parameter", "shape", "length ‖w‖", "gradient ‖g‖", "step ‖Δw‖", "‖Δw‖ / ‖w‖")
    blocks: list[Block] = [
        Prose(
            "All parameters in one table: how long each is as a vector, how long its gradient, and how far the step went. In "
            "healthy training the last column is about a thousandth; a bias that starts at 0 has no such ratio yet."
        ),
        Table("update/all", head, tuple(rows), hidden=(3, 4, 5)),
    ]
    return blocks
