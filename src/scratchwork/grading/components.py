"""Programs made of layer classes: which class is what, and the checks of each in the order of the file."""

from __future__ import annotations

import copy
import inspect
import re
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..arrays import Array
from ..gradient_patterns import find_pattern
from .activation_checks import check_activation_unit
from .binding import arrays_in, in_float64, required
from .dropout_checks import check_dropout
from .gradients import diagnosis_of
from .helpers import check_helpers, near
from .hints import Book, departure
from .known import activation_word, slope
from .layer_checks import DenseChecks, back_to_rows, gradient_sentence, laid, laid_rows
from .loading import Program, ProgramError, seed_program
from .loss_checks import LossUnit, check_fused_backward
from .loss_functions import check_loss_functions
from .loss_samples import loss_word
from .names import canonical, is_gradient_name
from .optimizer_checks import check_optimizer
from .pairing import looks_like_bias
from .penalties import PenaltyChecks
from .units import BACKWARD_NAMES, FORWARD_NAMES, Unit, attempts, is_rate, layout_guess, make, objects_in


@dataclass
class Part:
    """One class of the program and what it is."""

    kind: str
    cls: type
    unit: Unit | None


class ComponentChecks:
    """A program of layer classes."""

    def __init__(self, program: Program, book: Book) -> None:
        self.program, self.book = program, book
        self.parts = [part for cls in program.classes.values() if (part := self._part(cls)) is not None]
        kinds = [part.kind for part in self.parts]
        self.found = "dense" in kinds or kinds.count("activation") + kinds.count("loss") >= 2

    def _part(self, cls: type) -> Part | None:
        """What a class is, by its methods, its name and what it holds."""
        if issubclass(cls, BaseException) or inspect.isabstract(cls):
            return None
        methods = [n for n in dir(cls) if not n.startswith("__") and callable(getattr(cls, n, None))]
        ahead, behind = [any(p.match(n) for n in methods) for p in (FORWARD_NAMES, BACKWARD_NAMES)]
        text = cls.__name__.lower()
        whole = (
            any(re.match(r"(train|fit|predict$|predict_\w|add|use$|set$|compile|train_step|accuracy)", n) for n in methods)
            and "loss" not in text
        )
        update = [n for n in methods if re.match(r"^(update|step|apply|optimi[sz]e)", n)]
        if (update and not ahead) or re.match(r"optimi[sz]er", text):
            return Part("optimizer", cls, None) if update else None
        if re.search("accuracy|metric|dataset|loader|scaler", text):
            return None
        trains = any(re.match(r"(train|fit)$", n) for n in methods)  # also where it is called Softmax, or LinearClassifier
        if whole and (trains or activation_word(text) is None) and not re.search("layer|dense|linear$|affine", text):
            return Part("model", cls, None)
        if not ahead and not (behind and re.search("softmax", text) and re.search("loss|entropy", text)):
            return None
        thing = self._made(cls)
        if thing is None:
            return None
        unit = Unit(self.program, thing)
        if unit.ahead is None:
            return Part("fused", cls, unit) if unit.behind is not None else None
        if unit.weight is not None and "norm" not in text:
            matrices = [path for path, a in unit.parameters if a.ndim == 2 and not looks_like_bias(path, a)]
            return Part("dense" if len(matrices) == 1 else "model", cls, unit)
        if "drop" in text:
            return Part("dropout", cls, unit)
        if "norm" in text or re.search(r"input$|flatten|reshape|^layer$|^base|^module$|^loss$|^activation$|^optimizer$", text):
            return None if not (text == "activation" and not self._empty(unit)) else Part("activation", cls, unit)
        arguments = required(getattr(thing, unit.ahead))
        if loss_word(cls.__name__) and (len([a for a in arguments if not is_rate(a)]) >= 2 or hasattr(thing, "calculate")):
            return Part("loss", cls, unit)
        return Part("activation", cls, unit) if not self._empty(unit) else None

    def _empty(self, unit: Unit) -> bool:
        """Whether its forward is that of an abstract base: it gives nothing."""
        try:
            return unit.forward(np.ones((2, 4))) is None
        except ProgramError as error:
            return "NotImplementedError" in str(error)

    def _made(self, cls: type) -> Any:
        """An object of the class; one that is made from functions gets those of the file."""
        extra: dict[str, Any] = {}
        functions = self.program.functions
        pairs = [(n, d) for n in functions for d in functions if n != d and activation_word(n) and d.lower() != n.lower()
                 and activation_word(n) == activation_word(d) and len(d) > len(n) and "softmax" not in n.lower()]  # fmt: skip
        names = required(cls)
        if pairs and len(names) == 2 and all(re.search("act|func|prime|deriv|^f$|^df$|^d_", n.lower()) for n in names):
            first, second = names
            extra = {first: functions[pairs[0][0]], second: functions[pairs[0][1]]}
        return make(self.program, cls, extra)

    # ---- the checks

    def run(self) -> str:
        """All checks; the style."""
        book, layout = self.book, "rows"
        dense = [part for part in self.parts if part.kind == "dense" and part.unit is not None]
        rated = any(self._rated(part.unit) for part in dense if part.unit is not None)
        check_helpers(self.program, book)
        averaged = False
        for part in dense:
            assert part.unit is not None
            fresh = Unit(self.program, part.unit.thing, part.unit.rate)
            checks = DenseChecks(fresh, book, self._single(), self._mean_of_loss(layout_guess(fresh)))
            layout = checks.run()
            averaged |= checks.averages
            self._start(part.cls)
            PenaltyChecks(self.program, book, [one.unit.thing for one in self.parts if one.unit is not None]).run(part.cls)
        softmaxes = []
        for part in self.parts:
            if part.kind == "activation" and part.unit is not None:
                left = check_activation_unit(part.unit, book, layout)
                if left is not None:
                    softmaxes.append((part, left[1]))
            elif part.kind == "dropout" and part.unit is not None:
                check_dropout(part.unit, book)
        losses = [
            LossUnit(part.unit, book, layout, averaged) for part in self.parts if part.kind == "loss" and part.unit is not None
        ]
        for loss in losses:
            loss.run()
        for part in self.parts:
            if part.kind == "fused" and part.unit is not None:
                check_fused_backward(part.unit, book, layout)
        known = check_loss_functions(self.program, book, layout, averaged)
        shortcut = any(loss.shortcut for loss in losses) or any(short for _, short in known.values())
        if any(short for _, short in known.values()):
            self._twice(layout)
        for part, given in softmaxes:
            self._softmax(part, given, layout, shortcut)
        for part in self.parts:
            if part.kind == "optimizer":
                self._optimizer(part.cls, dense)
        return "layers" if rated else "classes"

    @staticmethod
    def _rated(unit: Unit) -> bool:
        """Whether its backward takes a learning rate."""
        return unit.behind is not None and any(
            is_rate(name) for name in inspect.signature(getattr(unit.thing, unit.behind)).parameters
        )

    def _single(self) -> bool:
        """Whether the program trains one sample at a time."""
        text = self.program.text
        return bool(
            re.search(
                r"for\s+\(?\w+\s*,\s*\w+\)?\s+in\s+zip\(|reshape\([^()]*,\s*\d+\s*,\s*1\s*\)|reshape\(\(?\s*\w+\s*,\s*\d+\s*,\s*1",
                text,
            )
            or re.search(
                r"for\s+(\w+)\s+in\s+range\((samples|len\(|n_samples|num_samples|x_train|X)[^\n]*\n(?:.*\n){0,4}?.*\[\1\]", text
            )
        ) or not re.search(
            r"\bsum\(|\.sum\(|mean\(",
            " ".join(
                self.program.source(f)
                for c in self.program.classes.values()
                for f in vars(c).values()
                if inspect.isfunction(f) and BACKWARD_NAMES.match(f.__name__)
            ),
        )

    def _mean_of_loss(self, layout: str) -> bool | None:
        """Whether the program's losses divide their gradient by the number of rows; None where there is none to ask."""
        quiet = Book(lambda check: None)
        try:
            found = [scale for scale, _ in check_loss_functions(self.program, quiet, layout, True).values()]
            for part in self.parts:
                if part.kind == "loss" and part.unit is not None:
                    loss = LossUnit(Unit(self.program, part.unit.thing), quiet, layout, True)
                    loss.run()
                    found += [loss.scale] if loss.scale is not None else []
        except ProgramError:
            return None
        return None if not found else any(scale < 1 for scale in found)

    def _start(self, cls: type) -> None:
        """Does a new layer begin with units that differ?"""
        for positional, named in attempts(self.program, cls):
            try:
                seed_program(4)
                thing = self.program.call(cls, *positional, **named)
            except ProgramError:
                continue
            weight = Unit(self.program, in_float64(thing)).weight
            if weight is not None:
                if self._shared(cls, positional, named):
                    return
                still = weight[1].size > 1 and np.ptp(weight[1]) == 0
                found = ("zero initialization", "its weights begin with one number everywhere") if still else None
                self.book.verdict(f"{cls.__name__}: start of the weights", cls.__name__, found)
                return

    def _shared(self, cls: type, positional: list[Any], named: dict[str, Any]) -> bool:
        """Whether two layers of a class have one array in common."""
        try:
            pair = [Unit(self.program, self.program.call(cls, *positional, **named)) for _ in range(2)]
        except ProgramError:
            return False
        for path, a in pair[0].parameters:
            for other, b in [*pair[1].parameters, *((p, c) for p, c in pair[0].parameters if p < path)]:
                if np.shares_memory(a, b):
                    text = f"the {path} of one layer is the {other} of another: a step of one moves both"
                    self.book.failed(f"{cls.__name__}: start of the weights", cls.__name__, "shared weights", text, 2.0)
                    return True
        return False

    def _softmax(self, part: Part, given: Array | None, layout: str, shortcut: bool) -> None:
        """A softmax whose backward is not its Jacobian: fine where the loss's gradient is p − y already."""
        unit = part.unit
        assert unit is not None
        name = f"{unit.name}: gradient of the inputs"
        z = laid_rows(np.random.default_rng(21).normal(size=(7, 4)), layout)
        dy = np.asarray(np.random.default_rng(24).normal(size=z.shape))
        passes = given is not None and near(given, dy)
        once = activation_word(unit.name) == "softmax" or len(re.findall(rf"\b{unit.name}\(", self.program.text)) <= 1
        if given is None or (passes and shortcut and once):  # a sigmoid between layers may not leave it to the loss
            self.book.passed(name, unit.subject(True), 1.0)
            return
        if passes and activation_word(unit.name) == "sigmoid":
            right = dy * slope("sigmoid", z)
            gradient_sentence(self.book, unit, "the inputs", given, right, terms={"missing activation derivative": dy})
            return
        fused = any(p.kind == "loss" and re.search("softmax", p.cls.__name__.lower()) for p in self.parts)
        if passes and fused:
            self.book.passed(name, unit.subject(True), 1.0)
            return
        try:
            z = laid_rows(np.random.default_rng(25).normal(size=(7, 4)), layout)
            p = back_to_rows(unit.forward(laid(z, layout)), layout)
            assert p is not None
            back = back_to_rows(unit.backward(laid(dy, layout)).dx, layout)
        except ProgramError as error:
            self.book.error(name, unit.subject(True), error)
            return
        right = p * (dy - (p * dy).sum(axis=1, keepdims=True))
        terms = {
            "diagonal softmax": p * (1 - p) * dy,
            "missing activation derivative": dy,
            "wrong activation derivative": p * (dy + (p * dy).sum(axis=1, keepdims=True)),
        }
        pattern = find_pattern(back, right, name="the inputs", terms=terms, batch=len(z), tolerance=2e-5)
        if pattern is None:
            self.book.passed(name, unit.subject(True), 2.0)
            return
        at = departure(unit.subject(True), "gradient of the inputs", back, right)
        kind = diagnosis_of(pattern)
        kind = "wrong activation derivative" if kind in ("unknown", "some entries") else kind
        self.book.failed(name, unit.subject(True), kind, pattern.sentence, 2.0, at)

    def _twice(self, layout: str) -> None:
        """A loss whose gradient is p − y, where the backward of the last layer multiplies by its derivative once more."""
        text = "\n".join(line.partition("#")[0] for line in self.program.text.splitlines())
        if re.search(
            r"\[ *:? *-\d *:?|\[ *1 *: *\]|\) *- *[12] *,|isinstance|\bcontinue\b|\.pop\(|\bis not\b", text
        ):  # it may leave out the last layer going back
            return
        quiet = Book(lambda check: None)
        for part in self.parts:
            name = part.cls.__name__
            if part.kind != "activation" or part.unit is None or activation_word(name) not in ("sigmoid", "softmax"):
                continue
            if not re.search(rf"\b{name}\(\),?\s*\]", text):
                continue
            left = check_activation_unit(part.unit, quiet, layout)
            if left is not None:
                self_book, self.book = self.book, quiet
                self._softmax(part, left[1], layout, False)
                self.book = self_book
            if part.unit.behind is not None and all(check.passed is not False for check in quiet.checks):
                text = f"the gradient of the loss is p − y already, and {name} multiplies it by its derivative"
                self.book.failed("loss and last layer agree", part.unit.subject(True), "wrong loss gradient", text, 2.0)
                return

    def _optimizer(self, cls: type, dense: list[Part]) -> None:
        """Three steps on the weights of one of the program's own layers."""
        if not any(n in vars(c) for c in cls.__mro__[:-1] for n in dir(cls) if re.match("^(update|step|apply|optimi)", n)):
            return
        names = {"weight": "weights", "bias": "biases", "dweight": "dweights", "dbias": "dbiases"}
        unit = dense[0].unit if dense else None
        known = gradient_names(unit) if unit is not None else None
        if unit is not None and known is None and re.search("layers|model|net", " ".join(required(cls)).lower()):
            self.book.unasked(
                f"{cls.__name__}: three steps", cls.__name__, "its layers keep gradients in a form not known here"
            )
            return
        if unit is None or known is None:
            check_optimizer(self.program, self.book, cls, names, lambda: (None, None))
            return
        models = [part.cls for part in self.parts if part.kind == "model"]

        def like() -> tuple[Any, Any]:
            for model in models:
                made = make(self.program, model)
                inside = [one for one in objects_in(made) if isinstance(one, type(unit.thing))]
                if inside:
                    return made, inside[0]
            layer = copy.deepcopy(unit.thing)
            return SimpleNamespace(layers=[layer], trainable_layers=[layer]), layer

        check_optimizer(self.program, self.book, cls, known, like)


def gradient_names(unit: Unit) -> dict[str, str] | None:
    """The attributes of a dense layer that hold its parameters and their gradients."""
    weight, bias = unit.weight, unit.bias
    if weight is None or bias is None:
        return None
    if "." in weight[0] + bias[0]:
        paths = [path for path, _ in arrays_in(unit.thing) if is_gradient_name(path)]
        owners = {key: next((p for p in paths if p.rpartition(".")[0] == path.rpartition(".")[0]), None) for key, path in
                  (("dweight", weight[0]), ("dbias", bias[0]))}  # fmt: skip
        if None in owners.values():
            return None
        return {"weight": weight[0], "bias": bias[0], **{key: str(path) for key, path in owners.items()}}
    kept = [name for name in vars(unit.thing) if is_gradient_name(name)]
    found = {"weight": weight[0], "bias": bias[0]}
    for key, path in (("dweight", weight[0]), ("dbias", bias[0])):
        own = canonical(path)
        name = next((n for n in kept if canonical(n) in ("d" + own, own + "d")), None)
        if name is None:
            return None
        found[key] = name
    return found
