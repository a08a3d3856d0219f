"""What each diagnosis means, as a hint to the author of a program; and the collecting of checks."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..arrays import Array
from ..gradient_patterns import FIXES
from .loading import ProgramError
from .report import Check, Departure

HINTS = {
    **FIXES,
    "bias axis": "sum dz over the rows (the samples) and keep the axis of the units: one number for each bias",
    "activation derivative of the output": "the derivative is taken at z, before the activation; a formula of the output a is "
    "another one: sigmoid a(1 − a), tanh 1 − a²",
    "activation derivative twice": "multiply by act'(z) once for each layer",
    "wrong activation derivative": "sigmoid: a(1 − a); tanh: 1 − a²; ReLU: 1 where z > 0, else 0",
    "wrong input": "dW of a layer is made with that layer's input: the activation of the layer before it",
    "diagonal softmax": "each output of softmax depends on all inputs: dz = p ⊙ (dp − Σ p dp), or p − y with cross-entropy",
    "updated weights": "compute the gradient for the layer before with the weights as they were: update them afterwards",
    "accumulates": "set the gradient in each backward (=), do not add to that of the step before (+=)",
    "missing bias forward": "y = x W + b: add the bias in the forward",
    "missing activation": "without an activation two layers are one: apply it to z in the forward",
    "wrong activation": "compare it with its definition: sigmoid 1/(1 + e^−z), tanh, ReLU max(0, z), softmax e^z/Σe^z",
    "wrong output": "compare the forward with z = x W + b, a = act(z), step by step",
    "softmax axis": "sum over the outputs of each sample (keepdims=True), so that the outputs of one sample add up to 1",
    "softmax overflow": "subtract the largest entry of each sample before exp: the result is the same and cannot overflow",
    "log of zero": "keep the logarithm away from 0: np.log(np.clip(p, 1e-12, 1)), or compute it from the logits",
    "batch dependence": "one sample may not depend on the others: look for a mean, a max or a sum over the wrong axis",
    "silent broadcast": "(N, 1) minus (N,) is (N, N): give predictions and targets the same shape before you subtract",
    "inputs changed": "work on a copy (x.copy()): the caller's array is overwritten",
    "wrong shape": "compare the shapes on paper: print them after each product",
    "dropout not scaled": "inverted dropout: divide the mask by the probability of keeping, so that the mean stays as it was",
    "dropout": "multiply by the same mask forward and backward, and drop nothing when predicting",
    "loss scale": "the value is to be the function whose gradient backward gives: take the mean over the rows in both",
    "loss without regularizer": "add the penalty to the loss whose gradient backward already has",
    "wrong loss": "compare it with the definition: cross-entropy −Σ t log p, squared error Σ (p − t)²",
    "wrong loss gradient": "softmax or sigmoid with cross-entropy: p − y for each sample, and nothing else",
    "one-hot": "row i is to have its 1 in the column of label i",
    "wrong labels": "a prediction is the argmax over the outputs of one sample",
    "update sign": "go downhill: W −= learning_rate · dW (plus only where the error is target − prediction)",
    "learning rate ignored": "multiply the gradient with the learning rate that is handed over",
    "update missing": "every weight and every bias is to be updated, and the result to be kept",
    "wrong update": "plain gradient descent is W − learning_rate · dW",
    "momentum": "v = momentum · v − learning_rate · dW, then W += v",
    "bias correction": "Adam: m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ), and t counts the steps from 1",
    "denominator": "divide by √cache + ε: the root, and of the running mean of squares",
    "decay": "learning_rate / (1 + decay · iterations)",
    "shared weights": "every layer needs arrays of its own: make them one by one, or copy",
    "zero initialization": "units that begin equal stay equal: draw the weights at random",
    "does not learn": "check the loop: forward, backward, update, with the results used in the next round",
    "does not run": "run it on three rows by hand, and read the error from its last line upwards",
    "hangs": "look for a loop whose condition never turns false, or training that starts when the file is imported",
    "out of memory": "look for a list or an array that grows with every step",
    "exits": "a function should return or raise, and not end the whole program",
    "nothing to grade": "known are layer classes, functions like forward_prop and backward_prop, loss(X, y) with gradients",
    "syntax error": "python -m py_compile FILE says where",
}

SQUARE = re.compile(r"\((7|11|13|17|19|23), ?\1\)")
"""A shape of rows by rows in an error: (N, 1) minus (N,) has become (N, N)."""


@dataclass
class Book:
    """Checks as they are made."""

    write: Callable[[Check], None]
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def _add(self, check: Check) -> None:
        self.checks.append(check)
        self.write(check)

    def passed(self, name: str, subject: str, weight: float = 1.0) -> None:
        """One check that went well."""
        self._add(Check(name, subject, True, weight=weight))

    def failed(
        self, name: str, subject: str, diagnosis: str, sentence: str, weight: float = 1.0, departure: Departure | None = None
    ) -> None:
        """One that did not."""
        self._add(Check(name, subject, False, diagnosis, sentence, HINTS.get(diagnosis, FIXES["unknown"]), weight, departure))

    def verdict(
        self, name: str, subject: str, found: tuple[str, str] | None, weight: float = 1.0, departure: Departure | None = None
    ) -> bool:
        """Passed where nothing was `found`, a pair of diagnosis and sentence."""
        if found is None:
            self.passed(name, subject, weight)
        else:
            self.failed(name, subject, *found, weight=weight, departure=departure)
        return found is None

    def error(self, name: str, subject: str, error: ProgramError, weight: float = 1.0) -> None:
        """A call into the program that failed."""
        if error.kind == "not understood":  # the fault of the grader
            self.unasked(name, subject, str(error))
            return
        square = error.kind == "does not run" and SQUARE.search(str(error))
        self.failed(name, subject, "silent broadcast" if square else error.kind, str(error), weight)

    def remark(self, name: str, subject: str, found: tuple[str, str] | None, weight: float = 1.0) -> None:
        """Passed in any case; what was `found` is a weakness that many right programs have, and costs no marks."""
        if found is None:
            self.passed(name, subject, weight)
        else:
            hint = HINTS.get(found[0], FIXES["unknown"])
            self._add(Check(name, subject, True, found[0], found[1], hint, weight))

    def unasked(self, name: str, subject: str, why: str) -> None:
        """One that could not be made."""
        self._add(Check(name, subject, None, None, why))

    @property
    def failures(self) -> int:
        """How many checks failed."""
        return sum(check.passed is False for check in self.checks)


def departure(function: str, array: str, given: Array | float | None, right: Array | float | None) -> Departure | None:
    """The first element at which two arrays differ."""
    if right is None:
        return None
    r = np.asarray(right, np.float64)
    if given is None:
        first = tuple(int(i) for i in np.unravel_index(int(np.argmax(np.abs(r))), r.shape)) if r.size else ()
        return Departure(function, array, first, None, float(r[first]))
    g = np.asarray(given, np.float64)
    if g.shape != r.shape:
        if g.size != r.size:
            return Departure(function, f"{array} of shape {g.shape} instead of {r.shape}", (), None, None)
        g = g.reshape(r.shape)
    wrong = np.argwhere(~(np.abs(g - r) <= 1e-6 * max(float(np.abs(r).max()), 1e-12)))
    first = tuple(int(i) for i in wrong[0]) if len(wrong) else (0,) * r.ndim
    return Departure(function, array, first, float(g[first]), float(r[first]))
