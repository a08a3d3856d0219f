"""What the tests of the equations share: rows that say where an equation is transcribed, and a look into other test files.

A row is a function without arguments, which transcribes the equation and compares, or an `Elsewhere`: a test of another
file that does so already. What a test is about is read from its text, so that a row cannot name a test at random.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from source_code import tree


@dataclass(frozen=True)
class Elsewhere:
    """A test that transcribes the equation literally: the file without test_ and .py, and the function without test_."""

    file: str
    test: str

    def words(self) -> set[str]:
        """The names and texts in the test, its decorators, and the tables of its file that it names; empty without it."""
        body = tree(Path(__file__).parent / f"test_{self.file}.py").body
        tables = {node.targets[0].id: node for node in body if isinstance(node, ast.Assign) and _is_name(node.targets[0])}
        tests = [node for node in body if isinstance(node, ast.FunctionDef) and node.name == f"test_{self.test}"]
        found = set().union(*map(_words, tests))
        return found.union(*(_words(tables[name]) for name in found & set(tables)))


Row: TypeAlias = Callable[[], None] | Elsewhere


def transcribed(table: dict[str, tuple[Row, ...]]) -> list[tuple[str, Callable[[], None]]]:
    """(name, function) of the rows that are written out in the table's own file, for `parametrize`."""
    return [(name, row) for name, rows in table.items() for row in rows if not isinstance(row, Elsewhere)]


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name)


def _words(node: ast.AST) -> set[str]:
    found = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    found |= {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
    return found | {part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)}
