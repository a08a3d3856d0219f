"""A walkthrough with one block of every kind, for the tests of how it looks."""

import numpy as np

from scratchwork.explain.document import (
    Document,
    Equation,
    ImageProduct,
    Numbers,
    Product,
    Prose,
    Quoted,
    Rewritten,
    Section,
    Table,
)
from scratchwork.explain.formula import Matrix, Number, Operator, Row, Symbol


def vector(*values: float) -> Matrix:
    return Matrix((tuple(Number(value) for value in values),))


RNG = np.random.default_rng(5)
LARGE = RNG.normal(size=(40, 12))
BLOCKS = (
    Prose("Weights & <biases> of `a < b`."),
    Equation(Row((Symbol("y"), Operator("="), Symbol("x", True))), vector(0.125, -3.0), vector(1e-9), "a note"),
    Product((("x", (1, 40)), ("W", (40, 12))), ("y", (1, 12))),
    Numbers("forward/0/weight", LARGE, symbol="W"),
    Numbers("forward/0/y", np.array([[0.5, -1.25e-9, np.inf]]), "result", "so it is", "y", columns=("a", "b<", "c")),
    Quoted("scratchwork/layers/dense.py", "Dense.forward", 7, ("    if x < y:", "        return x"), (7, 9)),
    Rewritten(Symbol("a"), Symbol("b"), "At 800 it is infinite."),
    ImageProduct("forward/0/picture", RNG.random((9, 7)), RNG.normal(size=(9, 7)), RNG.normal(size=(9, 7)), "neuron 3", 0.75),
    Table("update/0/t", ("entry", "old", "new"), (("(0, 0)", 0.5, -0.25), ("(0, 1)", 1.0, 2.0)), "entries", (2,)),
)
SECTIONS = (
    Section("The row", "input", "input", (Prose("what goes in"),)),
    Section("Layer 0: Dense(12)", "forward-0", "forward", BLOCKS),
    Section("Layer 1: <Mine>", "forward-1", "forward", BLOCKS),
    Section("Loss", "loss", "loss", BLOCKS[:2]),
    Section("Layer 1: <Mine>", "backward-1", "backward", BLOCKS[:2]),
    Section("Layer 0: Dense(12)", "backward-0", "backward", BLOCKS[:2]),
    Section("Layer 0: weight", "update-0", "update", (BLOCKS[-1],)),
)
DOCUMENT = Document("A <title> & more", SECTIONS, (Prose("two sentences"),))
