"""Every public name says what it is, and what is mathematics says it in equations."""

import ast
import importlib
import inspect
import re

import pytest

from scratchwork.layers.base import Layer
from scratchwork.losses.base import Loss
from scratchwork.optimizers import Optimizer
from source_code import SOURCE, files, final_classes, tree

# What a docstring of each family has to hold beside its first line.
EQUATIONS = {
    Layer: [r"\by\b.* = ", r"\bdx\b.* = "],
    Loss: [r" = "],
    Optimizer: [r" = | ← "],
}


def first_line_problem(docstring: str | None) -> str:
    """What is wrong with the first line; "" where nothing is."""
    if not docstring or not docstring.strip():
        return "has no docstring"
    first = docstring.strip().splitlines()[0]
    return "" if first.endswith((".", ".)", "?")) else f"has a first line that is no sentence: {first!r}"


def equation_problem(docstring: str, patterns: list[str]) -> str:
    if "::\n" not in docstring:
        return "has no block of equations (after `::`)"
    return "".join(f" has no equation like {pattern!r};" for pattern in patterns if not re.search(pattern, docstring))


def public_definitions() -> list[tuple[str, ast.ClassDef | ast.FunctionDef]]:
    return [
        (module, node)
        for module, path in files().items()
        for node in tree(path).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
    ]


def test_every_module_says_what_it_is_for():
    silent = [path.relative_to(SOURCE).as_posix() for path in files().values() if not ast.get_docstring(tree(path))]
    assert not silent, f"no docstring: {silent}"


def test_every_public_class_and_function_says_what_it_does_in_one_line():
    problems = [
        f"{module}, line {node.lineno}: {node.name} {problem}"
        for module, node in public_definitions()
        if (problem := first_line_problem(ast.get_docstring(node)))
    ]
    assert not problems, "\n".join(problems)


PROGRAMS = {"cli", "recipes"}  # are run, not imported from
PACKAGES = [name for name, path in files().items() if path.name == "__init__.py" and name not in PROGRAMS]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_exported_name_is_there_and_explained(package):
    module = importlib.import_module(f"scratchwork.{package}".rstrip("."))
    assert len(set(module.__all__)) == len(module.__all__)
    problems = []
    for name in module.__all__:
        thing = getattr(module, name)  # a name in __all__ that is not there fails here
        if (inspect.isclass(thing) or inspect.isfunction(thing)) and (problem := first_line_problem(thing.__doc__)):
            problems.append(f"{package}.{name} {problem}")
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("base", EQUATIONS, ids=lambda base: base.__name__)
def test_what_is_mathematics_shows_its_equations(base):
    problems = [
        f"{cls.__module__}.{cls.__name__} {problem}"
        for cls in final_classes(base)
        if (problem := equation_problem(cls.__doc__ or "", EQUATIONS[base]))
    ]
    assert not problems, "\n".join(problems)


def test_the_checks_can_fail():
    assert first_line_problem(None)
    assert first_line_problem("  ")
    assert first_line_problem("A sentence that goes on\nin the next line.")
    assert not first_line_problem("A sentence.\n\nMore of it")
    assert equation_problem("y = x", [])
    assert equation_problem("::\n\n    y = x", [r"\bdx\b.* = "])
    assert not equation_problem("::\n\n    y = x    dx = dy", EQUATIONS[Layer])
    assert len(final_classes(Layer)) > 3
