"""Every equation that a docstring displays is transcribed by a test: a name without a row fails here."""

import ast
from collections.abc import Iterator

import pytest

import test_equations_estimators
import test_equations_layers
import test_equations_losses
import test_equations_optimizers
import test_equations_preprocessing
from equation_rows import Elsewhere, Row
from scratchwork.initializers import INITIALIZERS
from scratchwork.layers import LAYERS
from scratchwork.losses import LOSSES
from scratchwork.metrics import METRICS
from scratchwork.optimizers import OPTIMIZERS
from scratchwork.preprocessing import TRANSFORMERS
from scratchwork.regularizers import CONSTRAINTS, REGULARIZERS
from scratchwork.schedules import SCHEDULES
from source_code import files, tree

FILES = (
    test_equations_layers,
    test_equations_losses,
    test_equations_optimizers,
    test_equations_preprocessing,
    test_equations_estimators,
)
ROWS: dict[str, tuple[Row, ...]] = {name: rows for file in FILES for name, rows in file.WRITTEN.items()}

# Modules that calculate; the rest has tables and calls after its `::`.
PROGRAMS = ("cli", "recipes", "progress", "pictures", "storage")
NO_EQUATION = {
    "check_gradients": "shows how it is called",
    "TrainingState": "shows how it is called",
    "fit_many": "says which call of fit it is the same as, which test_ensemble.py holds it to",
    "perceptron": "draws the order of the layers",
    "Head": "is a table of what outputs mean, which test_export_*.py hold exports to",
}


def public_names() -> list[str]:
    tables = (LAYERS, LOSSES, OPTIMIZERS, SCHEDULES, REGULARIZERS, CONSTRAINTS, TRANSFORMERS)
    return [kind.__name__ for table in tables for kind in table.values()] + [*METRICS, *INITIALIZERS]


def displayed() -> Iterator[str]:
    """The public classes and functions whose docstring has a block after `::`."""
    for module, path in files().items():
        for node in tree(path).body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef) or module.split(".")[0] in PROGRAMS:
                continue
            if "::\n" in (ast.get_docstring(node) or "") and node.name not in NO_EQUATION:
                yield node.name


def missing(names: list[str], rows: dict[str, tuple[Row, ...]]) -> list[str]:
    return [name for name in names if not rows.get(name)]


def test_every_public_name_has_its_row():
    assert missing(public_names(), ROWS) == []


def test_every_displayed_equation_has_its_row():
    names = list(displayed())
    assert len(names) > 50
    assert missing(names, ROWS) == []


def test_no_row_is_about_nothing():
    assert sorted(set(ROWS) - set(public_names()) - set(displayed())) == []
    assert sum(len(file.WRITTEN) for file in FILES) == len(ROWS), "a name stands in two files"


@pytest.mark.parametrize("name", ROWS)
def test_a_test_of_another_file_is_about_the_name(name):
    for row in ROWS[name]:
        if isinstance(row, Elsewhere):
            assert name in row.words(), f"test_{row.test} of test_{row.file}.py does not speak of {name}"


def test_the_checks_can_fail():
    assert missing(["Dense", "Maxout"], ROWS) == ["Maxout"]
    assert "Mish" not in Elsewhere("activations", "the_equations_as_written").words()
    assert Elsewhere("activations", "no_such_test").words() == set()
    assert "ELU" in Elsewhere("activations", "the_equations_as_written").words()
