"""A page for every name of the library, whose equations come out and whose check was really run."""

import numpy as np
import pytest

import scratchwork as sw
from formula_values import check_equations
from scratchwork import schedules
from scratchwork.explain.document import Equation, Numbers, Prose, Quoted, Table
from scratchwork.explain.examples import LAYER_EXAMPLES, LOSS_EXAMPLES, OPTIMIZER_EXAMPLES
from scratchwork.explain.rules import PENALTIES, SCHEDULES
from scratchwork.explain.subjects import document_about, is_subject, subjects
from scratchwork.initializers import INITIALIZERS
from scratchwork.layers import LAYERS
from scratchwork.losses import LOSSES
from scratchwork.optimizers import OPTIMIZERS
from scratchwork.regularizers import REGULARIZERS

OTHERS = ["Sequential", "LBFGS", *PENALTIES, "MaxNorm", *(name for name in SCHEDULES if name != "Constant")]
CLASSES = [kind.__name__ for kind in OPTIMIZERS.values()]


def test_nothing_is_forgotten():
    assert set(LAYER_EXAMPLES) == set(LAYERS)
    assert set(LOSS_EXAMPLES) == set(LOSSES)
    assert set(OPTIMIZER_EXAMPLES) == set(CLASSES)
    assert set(PENALTIES) == {kind.__name__ for kind in REGULARIZERS.values()}
    assert {type(rule) for rule in SCHEDULES.values()} == set(schedules.SCHEDULES.values())
    assert {*LAYERS, *LOSSES, *CLASSES, *INITIALIZERS, *OTHERS} == set(subjects())


@pytest.mark.parametrize("name", [*LAYERS, *LOSSES, *CLASSES, *INITIALIZERS])
def test_a_page(name):
    document = document_about(name)
    assert document.title.startswith(name)
    assert [document.sections[0].kind, document.sections[-1].kind] == ["subject", "check"]
    check_equations(document)
    blocks = [block for section in document.sections for block in section.blocks]
    assert any(isinstance(block, Equation) for block in blocks)
    assert any(isinstance(block, Quoted) for block in blocks)
    assert any(isinstance(block, Numbers) for block in blocks) or name in CLASSES
    table = next(block for block in blocks if isinstance(block, Table) and block.name == "check")
    assert table.rows
    if name in LAYERS or name in LOSSES:
        assert "gradient check: right" in table.caption
        assert all(row[-1] < 1e-6 for row in table.rows)
    if name in CLASSES:
        assert all(row[-1] < 1e-12 for row in table.rows)


@pytest.mark.parametrize("name", OTHERS)
def test_a_page_about_something_else(name):
    document = document_about(name)
    check_equations(document)
    blocks = [block for section in document.sections for block in section.blocks]
    assert any(isinstance(block, Table) and block.rows for block in blocks)
    for table in (block for block in blocks if isinstance(block, Table) and block.name == "check"):
        if name in PENALTIES:
            assert all(row[-1] < 1e-9 for row in table.rows)
    if name == "Sequential":
        assert any(isinstance(block, Table) and "gradient check: right" in block.caption for block in blocks)


@pytest.mark.parametrize(
    "name", ["dense", "DENSE", "Leaky_ReLU", "leaky relu", "softmax-cross-entropy", "Adam", "adam", "he", "mse"]
)
def test_names_in_any_case(name):
    assert is_subject(name)


def test_a_wrong_name_gets_the_nearest():
    with pytest.raises(sw.errors.UnknownNameError, match="did you mean 'Dense'"):
        document_about("dens")
    assert not is_subject("digits.csv")


def test_a_wrong_backward_is_found_out(monkeypatch):
    """The check of a page is run when the page is made: it is no text."""
    monkeypatch.setattr(sw.Tanh, "backward", lambda self, dy, cache, *, need_dx=True: 1.01 * dy * (1 - cache * cache))
    text = " ".join(b.text for section in document_about("Tanh").sections for b in section.blocks if isinstance(b, Prose))
    assert "WRONG" in text


def test_a_wrong_optimizer_is_found_out(monkeypatch):
    right = sw.SGD.update

    def wrong(self, value, grad, state, *, step, learning_rate):
        right(self, value, 1.01 * grad, state, step=step, learning_rate=learning_rate)

    monkeypatch.setattr(sw.SGD, "update", wrong)
    document = document_about("SGD")
    table = next(b for section in document.sections for b in section.blocks if isinstance(b, Table) and b.name == "check")
    assert max(row[-1] for row in table.rows) > 1e-4


def test_what_is_measured_of_initializers():
    for name in INITIALIZERS:
        document = document_about(name)
        table = next(b for section in document.sections for b in section.blocks if isinstance(b, Table) and b.name == "check")
        spread = table.rows[1]
        assert np.isclose(spread[1], spread[2], rtol=0.02, atol=1e-6), name
