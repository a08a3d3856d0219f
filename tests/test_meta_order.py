"""The house order: a file imports only from files above it, so that this list is the table of contents of the library."""

import ast
import graphlib
import re
from pathlib import Path

import pytest

from source_code import SOURCE, Import, files, imports, tree

# Top to bottom. A package with a list is ordered inside too, and its __init__ stands below its files.
ORDER: dict[str, tuple[str, ...]] = {
    "_version": (),
    "errors": (),
    "arrays": (),
    "sparse_rows": (),
    "regularizers": (),
    "parameter": (),
    "randomness": (),
    "initializers": (),
    "layers": (
        "base",
        "dense",
        "special",
        "activations",
        "rectifiers",
        "gates",
        "softmax",
        "dropout",
        "normalization",
        "reshape",
        "parallel",
    ),
    "losses": ("base", "targets", "weighting", "classification", "margin", "regression"),
    "schedules": (),
    "optimizers": ("base", "descent", "adaptive", "clipping"),
    "second_order": (),
    "metrics": ("base", "decisions", "ranking", "regression", "binding"),
    "sequential": (),
    "perceptron": (),
    "gradcheck": (),
    "gradient_patterns": (),
    "data": (),
    "preprocessing": ("base", "scaling", "robust", "decorrelation", "categories", "encodings", "tables", "chain"),
    "history": (),
    "callbacks": (),
    "realmlp": (),
    "progress": (),
    "preparation": (),
    "updates": (),
    "diagnosis": (),
    "guards": (),
    "epochs": (),
    "engine": (
        "compiling",
        "intrinsics",
        "exponential",
        "product",
        "kernels",
        "kernels_activation",
        "kernels_rows",
        "kernels_loss",
        "kernels_update",
        "kernels_sparse",
        "interpreter",
        "program",
        "updates",
        "losses",
        "parallel",
        "lowering_sparse",
        "lowering",
        "step",
        "row",
        "threads",
        "runner",
        "prediction",
        "choice",
    ),
    "training": (),
    "averaging": (),
    "members": (),
    "ensemble": (),
    "labels": (),
    "row_profile": (),
    "model": (),
    "storage": (),
    "estimators": (
        "settings",
        "stopping",
        "weights",
        "calibration",
        "heads",
        "intake",
        "base",
        "classifier",
        "regressor",
        "tabular_base",
        "tabular",
    ),
    "export": (
        "operations",
        "lowering",
        "subject",
        "python_parts",
        "write_python",
        "c_parts",
        "c_text",
        "c_steps",
        "write_c",
        "write_json",
        "read_json",
        "onnx_parts",
        "write_onnx",
        "verification",
        "base",
        "onnx_file",
        "onnx_chain",
        "onnx_nodes",
        "read_onnx",
        "others",
    ),
    "pictures": (),
    "explain": (),
    "doctor": (),
    "grading": (
        "report",
        "loading",
        "known",
        "names",
        "binding",
        "tasks",
        "pairing",
        "subject",
        "discover",
        "reading",
        "hints",
        "by_loss",
        "networks",
        "starts",
        "gradients",
        "helpers",
        "memories",
        "walks",
        "noise",
        "edges",
        "practice",
        "units",
        "layer_checks",
        "activation_checks",
        "dropout_checks",
        "loss_samples",
        "loss_checks",
        "loss_functions",
        "update_rules",
        "optimizer_checks",
        "penalties",
        "components",
        "choosing",
        "worker",
        "sandbox",
        "folder",
        "pytest",
    ),
    "": (),  # the root: the public names, for recipes and commands as for everybody else
    "recipes": (),
    "cli": (),
    "__main__": (),
}

# (module, imported): imports against the order, each inside a function and each with its reason.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("training", "storage.resuming"): "a run writes its checkpoints, and files are made below it",
    ("training", "doctor.watch"): "the doctor looks at a run while it goes on, with nearly everything that is made below it",
    ("model", "doctor.comparing"): "a model offers to hold rows against those of its training",
    ("model", "doctor.findings"): "the type of what it then gives",
    ("sequential", "engine.choice"): "a network offers its prepared call and the compiled path, which are made far below",
}


def place(module: str, order: dict[str, tuple[str, ...]]) -> tuple[int, int]:
    """Where a module stands: the unit, and the place inside it (the __init__ of a package last)."""
    unit, _, inner = module.partition(".")
    if unit not in order:
        raise AssertionError(f"{module or '__init__'} has no place in the house order: add it to ORDER where it belongs")
    names = order[unit]
    if inner and names and inner not in names:
        raise AssertionError(f"{module} has no place inside {unit}: add it to ORDER where it belongs")
    return list(order).index(unit), names.index(inner) if inner and names else len(names)


def against_the_order(source: Path, order: dict[str, tuple[str, ...]]) -> list[str]:
    wrong = []
    for found in imports(source):
        above, here = place(found.imported, order), place(found.module, order)
        same_free_package = above[0] == here[0] and not order[found.module.partition(".")[0]] and found.module != found.imported
        if not (above < here or same_free_package) and (found.module, found.imported) not in EXCEPTIONS:
            wrong.append(f"{found.module}, line {found.line}, imports {found.imported or 'the root'}, which stands below it")
    return wrong


def cycle(edges: list[Import]) -> list[str]:
    graph: dict[str, set[str]] = {}
    for found in edges:
        graph.setdefault(found.module, set()).add(found.imported)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as problem:
        return list(problem.args[1])
    return []


def test_every_module_has_its_place():
    problems = []
    for module in files():
        try:
            place(module, ORDER)
        except AssertionError as problem:
            problems.append(str(problem))
    assert not problems, "\n".join(problems)


def test_each_file_imports_only_from_files_above_it():
    wrong = against_the_order(SOURCE, ORDER)
    assert not wrong, "\n".join(wrong)


def test_the_package_tells_its_readers_the_same_order():
    text = " ".join((ast.get_docstring(tree(files()[""])) or "").split())
    told = re.search(r"each imports only from those before it\): ([a-z_, ]+)\.", text)
    assert told is not None
    assert told.group(1).split(", ") == [unit for unit in ORDER if unit not in {"", "_version"}]


def test_no_module_imports_itself_through_others():
    assert cycle([found for found in imports() if (found.module, found.imported) not in EXCEPTIONS]) == []


def test_the_exceptions_are_still_needed():
    assert set(EXCEPTIONS) <= {(found.module, found.imported) for found in imports()}


def test_the_list_holds_nothing_that_is_gone():
    known = set(files())
    listed = set(ORDER) | {f"{unit}.{inner}" for unit, names in ORDER.items() for inner in names}
    assert listed <= known, f"in ORDER but not in the source: {sorted(listed - known)}"


@pytest.mark.parametrize(
    ("text", "imported"),
    [
        ("from .low import a", "pack.low"),
        ("from . import low", "pack.low"),
        ("from .. import top", "top"),
        ("from ..top import a", "top"),
        ("import house.top", "top"),
        ("from house import top", "top"),
        ("from house.pack import low", "pack.low"),
        ("def f():\n    from ..top import a", "top"),
        ("from .. import a", ""),
        ("import housekeeping", None),
        ("from os import path", None),
    ],
)
def test_the_reader_of_imports_sees_every_form(tmp_path, text, imported):
    house = tmp_path / "house"
    (house / "pack").mkdir(parents=True)
    for name in ["__init__.py", "top.py", "pack/__init__.py", "pack/low.py"]:
        (house / name).write_text("")
    (house / "pack" / "high.py").write_text(text)
    assert [found.imported for found in imports(house)] == ([] if imported is None else [imported])


@pytest.mark.parametrize(
    ("module", "text", "fine"),
    [
        ("top.py", "from .pack import high", False),
        ("pack/low.py", "from ..top import a", True),
        ("pack/low.py", "from .high import a", False),
        ("pack/high.py", "from .low import a", True),
        ("pack/high.py", "from . import a", False),
        ("pack/__init__.py", "from .high import a", True),
        ("pack/low.py", "from house import a", False),
        ("__init__.py", "from .pack import a", True),
    ],
)
def test_the_order_can_fail(tmp_path, module, text, fine):
    house = tmp_path / "house"
    (house / "pack").mkdir(parents=True)
    for name in ["__init__.py", "top.py", "pack/__init__.py", "pack/low.py", "pack/high.py"]:
        (house / name).write_text("")
    (house / module).write_text(text)
    assert (against_the_order(house, {"top": (), "pack": ("low", "high"), "": ()}) == []) == fine


def test_a_cycle_and_a_stranger_are_found():
    assert cycle([Import("a", "b", 1), Import("b", "c", 1), Import("c", "a", 1)])
    assert not cycle([Import("a", "b", 1), Import("b", "c", 1), Import("a", "c", 1)])
    with pytest.raises(AssertionError, match="no place"):
        place("stranger", ORDER)
