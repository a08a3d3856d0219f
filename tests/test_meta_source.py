"""What the source must not hold: files and functions that fit no screen, loose ends, and calls that run what they read."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from source_code import ROOT, SOURCE, definitions, files, tree

FILE_LINES = 350
FUNCTION_LINES = 60

# Written in pieces, so that this file does not find itself.
LOOSE_ENDS = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", r"(raise|return) NotImplemented" + "Error"]))
SKIPS = re.compile(r"pytest\.mark\." + "(skip|skipif|xfail)")

RUNS_WHAT_IT_READS = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}


def python_files() -> list[Path]:
    folders = [SOURCE, *(ROOT / name for name in ("tests", "benchmarks", "examples", "docs"))]
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function from `def` to its end, without its docstring: that may explain as long as it needs to."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def only_keeps_arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it is an `__init__` of nothing but self.x = x, which scikit-learn demands: a list, and no function to read."""
    kept = [f"self.{argument.arg} = {argument.arg}" for argument in (*node.args.args[1:], *node.args.kwonlyargs)]
    return node.name == "__init__" and [ast.unparse(line) for line in node.body] == kept


def dangers(module: ast.Module) -> Iterator[str]:
    """Calls and imports in a file that could run what a file holds."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            if name in {"eval", "exec", "compile", "__import__"}:
                yield f"line {node.lineno}: {name}()"
            if any(word.arg == "allow_pickle" and not is_false(word.value) for word in node.keywords):
                yield f"line {node.lineno}: allow_pickle"
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        yield from (f"line {node.lineno}: imports {name}" for name in names if name.split(".")[0] in RUNS_WHAT_IT_READS)


def is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def repeated_names(body: list[ast.stmt]) -> list[str]:
    """Functions defined twice in one scope: of two tests with one name, the first never runs."""
    names = [node.name for node in body if isinstance(node, ast.FunctionDef) and not defined_again_on_purpose(node)]
    again = [name for name in set(names) if names.count(name) > 1]
    for node in body:
        if isinstance(node, ast.ClassDef):
            again += [f"{node.name}.{name}" for name in repeated_names(node.body)]
    return again


def defined_again_on_purpose(node: ast.FunctionDef) -> bool:
    return any(ast.unparse(decorator).endswith(("overload", ".setter")) for decorator in node.decorator_list)


def test_files_are_no_longer_than_a_reader_likes():
    long = {name: lines for name, path in files().items() if (lines := len(path.read_text().splitlines())) > FILE_LINES}
    assert not long, f"more than {FILE_LINES} lines, would two files serve better? {long}"


def test_functions_fit_a_screen():
    long = [
        f"{path.relative_to(SOURCE)}, line {node.lineno}: {node.name} has {code_lines(node)} lines"
        for path in files().values()
        for node in definitions(path)
        if not isinstance(node, ast.ClassDef) and code_lines(node) > FUNCTION_LINES and not only_keeps_arguments(node)
    ]
    assert not long, f"more than {FUNCTION_LINES} lines:\n" + "\n".join(long)


def test_nothing_is_left_open():
    found = [
        f"{path.relative_to(ROOT)}, line {number}: {line.strip()}"
        for path in python_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if LOOSE_ENDS.search(line) or SKIPS.search(line)
    ]
    assert not found, "\n".join(found)


def test_nothing_runs_what_it_reads():
    found = [f"{path.relative_to(SOURCE)}, {danger}" for path in files().values() for danger in dangers(tree(path))]
    assert not found, "\n".join(found)


def test_no_two_functions_of_a_file_share_a_name():
    found = [f"{path.relative_to(ROOT)}: {name}" for path in python_files() for name in repeated_names(tree(path).body)]
    assert not found, "\n".join(found)


def test_no_global_random_state():
    """`np.random.normal(...)` draws from a hidden global generator; only making a Generator is allowed."""
    fine = {"default_rng", "Generator", "SeedSequence", "Philox", "PCG64", "PCG64DXSM", "BitGenerator"}
    found = [
        f"{path.relative_to(SOURCE)}, line {node.lineno}: np.random.{node.attr}"
        for path in files().values()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and ast.unparse(node.value) in {"np.random", "numpy.random"}
        and node.attr not in fine
    ]
    found += [
        f"{path.relative_to(SOURCE)}, line {node.lineno}: import random"
        for path in files().values()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Import) and any(alias.name == "random" for alias in node.names)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("eval('1')", 1),
        ("exec('x = 1')", 1),
        ("import pickle", 1),
        ("from pickle import Unpickler", 1),
        ("def f():\n    import pickle.x", 1),
        ("import pickletools", 0),
        ("np.load(path, allow_pickle=True)", 1),
        ("np.load(path, allow_pickle=flag)", 1),
        ("np.load(path, allow_pickle=False)", 0),
        ("network.eval()", 0),
        ("from .pickle import x", 0),
        ("re.compile('a')", 0),
    ],
)
def test_the_reader_of_dangers(text, count):
    assert len(list(dangers(ast.parse(text)))) == count


def test_the_counts_can_fail():
    function = ast.parse('def f():\n    """Two\n    lines."""\n    a = 1\n    return a\n').body[0]
    assert isinstance(function, ast.FunctionDef)
    assert code_lines(function) == 3
    assert repeated_names(ast.parse("def test_a(): pass\ndef test_a(): pass").body) == ["test_a"]
    assert repeated_names(ast.parse("class A:\n    def b(self): pass\n    def b(self): pass").body) == ["A.b"]
    assert LOOSE_ENDS.search("# TO" + "DO later")
    assert SKIPS.search("@pytest.mark." + "skipif(True)")
