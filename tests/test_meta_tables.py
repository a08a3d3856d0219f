"""Whoever adds a class adds its rows: in the table that names are looked up in, and in the cases of the contract tests."""

import inspect
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

import pytest

import cases
import scratchwork as sw
from source_code import final_classes, public_functions

# What the design promises by name: other people's scripts call these.
CONTRACT = [
    "Adam", "AdaGrad", "BatchNorm", "CategoricalCrossEntropy", "Dense", "Dropout", "ElasticNet", "L1", "L2", "LeakyReLU",
    "Linear", "MaxNorm", "MeanAbsoluteError", "MeanSquaredError", "Model", "MulticlassHinge", "RMSProp", "ReLU", "SGD",
    "Sequential", "Sigmoid", "SigmoidBinaryCrossEntropy", "Softmax", "SoftmaxCrossEntropy", "SquaredHinge", "Step", "Tanh",
    "check_gradients", "fit", "load", "save",
]  # fmt: skip

# Where the base of a family lives, and where the table of its members.
FAMILIES = {
    "LAYERS": ("layers", "Layer", "layers"),
    "LOSSES": ("losses", "Loss", "losses"),
    "OPTIMIZERS": ("optimizers", "Optimizer", "optimizers"),
    "INITIALIZERS": ("initializers", "Initializer", "initializers"),
    "REGULARIZERS": ("regularizers", "Regularizer", "regularizers"),
    "CONSTRAINTS": ("regularizers", "Constraint", "regularizers"),
    "SCHEDULES": ("schedules", "Schedule", "schedules"),
    "TRANSFORMERS": ("preprocessing", "Transformer", "preprocessing"),
}

# The table in tests/cases.py that the contract tests of a family run over.
CASES = {
    "LAYERS": "LAYER_CASES",
    "LOSSES": "LOSS_CASES",
    "OPTIMIZERS": "OPTIMIZER_CASES",
    "INITIALIZERS": "INITIALIZER_CASES",
    "REGULARIZERS": "REGULARIZER_CASES",
    "CONSTRAINTS": "CONSTRAINT_CASES",
    "SCHEDULES": "SCHEDULE_CASES",
}

# Members of a family that need no row in its table, and why.
WITHOUT_A_ROW = {
    "Sequential": "a network: it is made of what stands in the table, and stored as such",
    "read_idx_pair": "two files that `read_idx` reads, images and labels",
    "read_idx_folder": "four files that `read_idx` reads",
    "read_table": "gives a Table of named columns, not a Dataset of numbers",
    "top_k_accuracy": "needs its k: top_3 and top_5 stand in the table",
}


def kinds(entries: Iterable[Any]) -> set[type]:
    """The classes of what a table holds: classes, or instances with their settings."""
    return {entry if inspect.isclass(entry) else type(entry) for entry in entries}


def table(name: str) -> Mapping[str, Any]:
    return getattr(import_module(f"scratchwork.{FAMILIES[name][2]}"), name)


def family(name: str) -> list[type]:
    module, base, _ = FAMILIES[name]
    return final_classes(getattr(import_module(f"scratchwork.{module}"), base))


def without_a_row(members: Iterable[Any], rows: set[Any]) -> list[str]:
    return sorted(member.__name__ for member in set(members) - rows if member.__name__ not in WITHOUT_A_ROW)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_member_of_a_family_stands_in_its_table(name):
    members = family(name)
    assert members
    assert without_a_row(members, kinds(table(name).values())) == []


def case_kind(case: Any, base: type) -> type:
    """The class that a case is about: an instance, a maker of one, or a record that holds either."""
    for attribute in ("make", "schedule"):
        case = getattr(case, attribute, case)
    return type(case if isinstance(case, base) else case())


@pytest.mark.parametrize("name", CASES)
def test_every_member_of_a_family_has_a_case(name):
    """Cases may be many for one class; a class with none would pass every contract test by not being there."""
    table_of_cases = getattr(cases, CASES[name])
    each = table_of_cases.values() if isinstance(table_of_cases, Mapping) else table_of_cases
    module, base, _ = FAMILIES[name]
    covered = {case_kind(case, getattr(import_module(f"scratchwork.{module}"), base)) for case in each}
    assert sorted(member.__name__ for member in set(family(name)) - covered) == []


@pytest.mark.parametrize("name", FAMILIES)
def test_a_table_holds_its_family_only(name):
    strangers = kinds(table(name).values()) - set(family(name))
    assert sorted(stranger.__name__ for stranger in strangers) == []


def test_every_metric_stands_in_its_table():
    """A metric is a public function of metrics.py that makes one number of prediction, target and weight."""
    from scratchwork.metrics import METRICS

    metrics = set()
    for function in public_functions("metrics"):
        signature = inspect.signature(function)
        if list(signature.parameters)[:3] == ["prediction", "target", "weight"] and signature.return_annotation is float:
            metrics.add(function)
    assert len(metrics) >= 3
    assert without_a_row(metrics, set(METRICS.values())) == []


def test_every_reader_and_every_built_in_set_stands_in_its_table():
    """A reader is an exported function `read_...`; a set is any other function of the package that returns a Dataset."""
    from scratchwork import data

    exported = [thing for name in data.__all__ if inspect.isfunction(thing := getattr(data, name))]
    readers = {function for function in exported if function.__name__.startswith("read_")}
    assert len(readers) >= 5
    assert without_a_row(readers, set(data.READERS.values())) == []
    makers = [
        function for function in public_functions("data") if inspect.signature(function).return_annotation is data.Dataset
    ]
    sets = {function for function in makers if function is not data.load} - readers
    assert without_a_row(sets, set(data.BUILT_IN.values())) == []
    assert not set(makers) - set(exported), "a reader or set that scratchwork.data does not export"


@pytest.mark.parametrize("name", CONTRACT)
def test_the_names_of_the_contract(name):
    assert callable(getattr(sw, name))
    assert name in sw.__all__


def test_the_check_can_fail():
    members = family("LAYERS")
    rows = kinds(table("LAYERS").values())
    assert without_a_row(members, rows - {sw.Dense}) == ["Dense"]
    assert without_a_row([*members, type("Forgotten", (), {})], rows) == ["Forgotten"]


def test_a_missing_case_is_found(monkeypatch):
    rest = [case for case in cases.LAYER_CASES if case_kind(case, sw.Layer) is not sw.Tanh]
    assert len(rest) < len(cases.LAYER_CASES)
    monkeypatch.setattr(cases, "LAYER_CASES", rest)
    with pytest.raises(AssertionError, match="Tanh"):
        test_every_member_of_a_family_has_a_case("LAYERS")
