"""A page about one thing of the library: its equations, an example worked out with numbers, and its gradient check, run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import UnknownNameError, nearest_name
from ..gradcheck import GradientReport, check_gradients
from ..initializers import INITIALIZERS, Initializer
from ..layers import LAYERS, Layer, Linear
from ..layers.base import hyperparameters
from ..losses import LOSSES, Loss
from ..optimizers import OPTIMIZERS
from ..regularizers import MaxNorm
from ..second_order import LBFGS
from ..sequential import Sequential
from .document import Block, Document, Equation, Prose, Section, Table
from .examples import LAYER_EXAMPLES, LOSS_EXAMPLES, NETWORK_EXAMPLE, OPTIMIZER_EXAMPLES, cotangent
from .formula import Number
from .loss_pages import loss_section
from .moves import equations_of
from .notation import put_in, read
from .pages import backward_section, forward_section
from .parts import Context, first_sentence
from .rounding import rounded
from .rules import PENALTIES, SCHEDULES, constraint_sections, lbfgs_sections, penalty_sections, schedule_sections
from .starts import initializer_sections
from .steps import optimizer_sections
from .trace import trace
from .update_pages import rule_of


@dataclass(frozen=True)
class Subject:
    """Something that has a page: what it is called, what it is, and how its page is made."""

    name: str
    kind: str
    make: Callable[[], list[Section]]


def subjects() -> dict[str, Subject]:
    """Everything that there is a page about, by name."""
    found: dict[str, Subject] = {}
    for name in LAYERS:
        found[name] = Subject(name, "layer", lambda name=name: _layer_sections(name))  # type: ignore[misc]
    for name in LOSSES:
        found[name] = Subject(name, "loss", lambda name=name: _loss_sections(name))  # type: ignore[misc]
    for kind in OPTIMIZERS.values():
        example = OPTIMIZER_EXAMPLES[kind.__name__]
        found[kind.__name__] = Subject(kind.__name__, "optimizer", lambda example=example: _optimizer_page(example()))  # type: ignore[misc]
    for name, initializer in INITIALIZERS.items():
        found[name] = Subject(name, "initializer", lambda rule=initializer, name=name: _initializer_page(rule, name))  # type: ignore[misc]
    return {**found, **_more()}


def _more() -> dict[str, Subject]:
    """What is no layer, loss, optimizer or initializer of the tables, and has a page all the same."""
    found = {"Sequential": Subject("Sequential", "layer", lambda: _layer_sections("Sequential"))}
    found["LBFGS"] = Subject("LBFGS", "optimizer", lambda: [_about(LBFGS(), []), *lbfgs_sections(LBFGS())])
    for name, rule in PENALTIES.items():
        found[name] = Subject(name, "penalty", lambda rule=rule: [_about(rule, []), *penalty_sections(rule)])  # type: ignore[misc]
    limit = MaxNorm(1.0)
    found["MaxNorm"] = Subject("MaxNorm", "constraint", lambda: [_about(limit, []), *constraint_sections(limit)])
    for name, schedule in SCHEDULES.items():
        if name != "Constant":  # an initializer has this name, and this schedule is a number
            found[name] = Subject(name, "schedule", lambda rule=schedule: [_about(rule, []), *schedule_sections(rule)])  # type: ignore[misc]
    return found


ALIASES = {"momentum": "SGD", "nesterov": "SGD", "VarianceScaling": "he_normal", "cross_entropy": "SoftmaxCrossEntropy",
           "mse": "MeanSquaredError", "mae": "MeanAbsoluteError", "swish": "SiLU", "he": "he_normal",
           "glorot": "glorot_normal", "xavier": "glorot_normal", "lecun": "lecun_normal", "log_sum_exp": "SoftmaxCrossEntropy",
           "backpropagation": "Dense", "pinball": "Quantile"}  # fmt: skip
"""Other names for what has a page."""


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def find_subject(name: str) -> Subject:
    """The subject of this name, in any case; UnknownNameError proposes the nearest."""
    known = subjects()
    table = {_plain(key): subject for key, subject in known.items()}
    table = {**{_plain(alias): known[target] for alias, target in ALIASES.items()}, **table}
    found = table.get(_plain(str(name)))
    if found is None:
        raise UnknownNameError(f"there is no page about {name!r}: {nearest_name(str(name), known)}")
    return found


def is_subject(name: str) -> bool:
    """Whether there is a page of this name.

    >>> is_subject("dense"), is_subject("digits.csv")
    (True, False)
    """
    try:
        find_subject(name)
    except UnknownNameError:
        return False
    return True


def document_about(name: str) -> Document:
    """The page about a layer, a loss, an optimizer, an initializer, a penalty or a schedule.

    Raises UnknownNameError, with the nearest name, for anything else.
    """
    subject = find_subject(name)
    return Document(f"{subject.name}, {_article(subject.kind)} {subject.kind}", tuple(subject.make()))


def _article(kind: str) -> str:
    return "an" if kind[0] in "aeiou" else "a"


# -- layers and losses -----------------------------------------------------------------------------------------------


def _layer_sections(name: str) -> list[Section]:
    make, x = LAYER_EXAMPLES.get(name, NETWORK_EXAMPLE)
    layer = make()
    network = Sequential([layer])
    network.build(x.shape[1:], rng=0, dtype=np.float64)
    _rounded_start(layer)
    pull = cotangent(network.forward(x, training=True, step=1)[0])
    done = trace(network, x, x, 0, loss=pull)
    context = Context(alone=done.alone, rows=len(x))
    step = done.steps[-1]
    forward = forward_section(step, context, last=True)
    backward = backward_section(step, context)
    inner = [forward_section(part, context, last=False) for part in done.steps[:-1]]
    words = f"The example: {layer!r}, with simple numbers" + (f", for the first of {len(x)} rows." if len(x) > 1 else ".")
    example = replace(forward, title="Forward", anchor="forward", kind="example", blocks=(Prose(words), *forward.blocks))
    handed = Prose("Backward is handed dy = ∂L/∂y; here it is a vector of simple numbers.")
    back = replace(backward, title="Backward", anchor="backward", kind="example", blocks=(handed, *backward.blocks))
    report = check_gradients(layer, x=x)
    difference = [] if name == "Step" else _by_hand(network, x, pull, done.steps[-1].flow[1])
    about = _about(layer, [*forward.blocks, *backward.blocks])
    return [about, *(replace(part, kind="example") for part in inner), example, back, _check_section(report, difference)]


def _rounded_start(layer: Layer) -> None:
    """Weights that are easy to calculate with: tenths, in a fixed pattern."""
    pattern = np.array([0.2, -0.5, 0.4, 0.1, -0.3, 0.6, 0.5, -0.2])
    for name, parameter in layer.parameters():
        numbers = np.resize(pattern, parameter.value.shape)
        last = name.rpartition(".")[2]
        parameter.value[...] = 1.0 + numbers if last == "gamma" else 0.5 * numbers if last in ("bias", "beta") else numbers


def _loss_sections(name: str) -> list[Section]:
    make, prediction, target = LOSS_EXAMPLES[name]
    loss = make()
    network = Sequential([Linear()])
    network.build(prediction.shape[1:], dtype=np.float64)
    prepared = loss.prepare(target, prediction.shape[1])
    done = trace(network, prediction, prepared, 0, loss=loss)
    section = loss_section(done, Context())
    example = replace(section, title="One row", anchor="example", kind="example")
    report = check_gradients(loss, x=prediction, y=target)
    return [_about(loss, section.blocks), example, _check_section(report, _loss_by_hand(loss, prediction, prepared))]


def _about(thing: Any, blocks: Sequence[Block]) -> Section:
    """What it is, its equations in general, its settings, and what its docstring says beside them."""
    made: list[Block] = [Prose(first_sentence(thing))]
    seen: list[str] = []
    for block in blocks:
        if isinstance(block, Equation) and block.general is not None and (text := block.general.text()) not in seen:
            seen.append(text)
            made.append(Equation(block.general, note=block.note if block.with_numbers is None else ""))
    if len(made) == 1:
        made += equations_of(type(thing), "In equations: ")
    made += docstring_blocks(type(thing))
    settings = _settings(thing)
    if settings is not None:
        made.append(settings)
    return Section("What it is", "equations", "subject", tuple(made))


def _settings(thing: Any) -> Table | None:
    rows = []
    for argument in hyperparameters(thing):
        default = "needed" if argument.default is inspect.Parameter.empty else repr(argument.default)
        rows.append((argument.name, default))
    return Table("settings", ("setting", "default"), tuple(rows), "what one may set") if rows else None


TITLES = ("Numerics", "Notes", "References")


def docstring_blocks(kind: type) -> list[Block]:
    """Shapes, numerics and references, as the docstring has them."""
    text = inspect.cleandoc(kind.__doc__ or "")
    made: list[Block] = []
    shapes = next((line.split(None, 1)[1].strip() for line in text.splitlines() if line.strip().startswith("Shapes ")), "")
    if shapes:
        made.append(Prose(f"Shapes: {' '.join(shapes.split())}"))
    lines = text.splitlines()
    for i, line in enumerate(lines[:-1]):
        if line in TITLES and set(lines[i + 1]) == {"-"}:
            body: list[str] = []
            for following in lines[i + 2 :]:
                if set(following) == {"-"} or following.startswith(">>>"):
                    break
                body.append(following)
            if len(body) < len(lines) - i - 2 and body and body[-1] and not body[-1].endswith((".", ")")):
                body.pop()  # the next heading
            paragraph = " ".join(" ".join(body).split())
            made.append(Prose(f"{line}: {paragraph}"))
    return made


def _check_section(report: GradientReport, by_hand: list[Block]) -> Section:
    """The gradient check that was run just now."""
    head = ("array", "shape", "checks", "kinks met", "relative error")
    rows: list[tuple[str | float, ...]] = [
        (row.name, " × ".join(map(str, row.shape)), float(row.checks), float(row.kinks), row.error) for row in report.rows
    ]
    verdict = "right" if report.ok else "WRONG"
    blocks: list[Block] = [
        Prose(
            "Is the derivative right? Backward is compared with differences of forward alone, (f(p + h v) − f(p − h v)) / 2h, "
            "along random directions v, along the gradient, and along single entries. This check ran when the page was made."
        ),
        *by_hand,
        Table("check", head, tuple(rows), f"gradient check: {verdict}, tolerance {rounded(report.tolerance)}", hidden=(4,)),
        Prose(f"The largest relative error is {rounded(report.max_relative_error)}: {verdict}.", "result"),
    ]
    blocks += [Prose(f"Problem: {problem}.") for problem in report.problems]
    return Section("Checked by differences", "check", "check", tuple(blocks))


STEP = 1e-5


def _by_hand(network: Sequential, x: Array, pull: Loss, dx: Array) -> list[Block]:
    """One difference quotient worked out: the first entry of x moved up and down."""
    place = (0,) * x.ndim

    def value(moved: float) -> float:
        rows = x.copy()
        rows[place] += moved
        return pull.value_and_grad(network.forward(rows, training=True, step=1)[0], rows)[0]

    return _quotient(value(STEP), value(-STEP), float(dx[place]), "x")


def _loss_by_hand(loss: Loss, prediction: Array, target: Array) -> list[Block]:
    grad = loss.value_and_grad(prediction.copy(), target)[1]

    def value(moved: float) -> float:
        rows = prediction.copy()
        rows[0, 0] += moved
        return loss.value_and_grad(rows, target)[0]

    return _quotient(value(STEP), value(-STEP), float(grad[0, 0]), "the first number of the prediction")


def _quotient(above: float, below: float, analytic: float, what: str) -> list[Block]:
    letters = {"a": above, "b": below}
    note = f"f with the first entry of x moved by ±h, h = {rounded(STEP)}" if what == "x" else f"{what} moved by ±h"
    return [
        Equation(
            read("(f(x + h) − f(x − h)) / (2 h)"),
            put_in(
                "(a − b) / (2 · 0.00001)",
                {name: Number(number, f"{number:.12g}".replace("-", "−")) for name, number in letters.items()},
            ),
            Number((above - below) / (2 * STEP)),
            note,
        ),
        Prose(f"Backward gives {analytic:.9g} for this entry.", "result"),
    ]


# -- optimizers and initializers -------------------------------------------------------------------------------------


def _optimizer_page(rule: Any) -> list[Section]:
    return [_rule_section(rule), *optimizer_sections(rule)]


def _rule_section(rule: Any) -> Section:
    """What an optimizer is, with its equations from the table that walkthroughs use."""

    known = rule_of(rule)
    equations = [Equation(read(text)) for text in known.equations(rule)] if known is not None else []
    return _about(rule, equations)


def _initializer_page(rule: Initializer, name: str) -> list[Section]:
    return [_about(rule, []), *initializer_sections(rule, name)]
