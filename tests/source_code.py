"""The package as text: its modules, and who imports whom, for the tests that read the source instead of running it."""

import ast
import functools
import importlib
import inspect
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "scratchwork"


@dataclass(frozen=True)
class Import:
    """One module of the package that another one imports; names without the leading `scratchwork.`, "" is the root."""

    module: str
    imported: str
    line: int


def files(source: Path = SOURCE) -> dict[str, Path]:
    """The file of each module: "layers.dense" -> .../layers/dense.py; a package is its __init__, the root is ""."""
    found = {}
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(source: Path = SOURCE) -> Iterator[Import]:
    """Every import of the package by the package: relative or absolute, at the top of a file or inside a function."""
    modules = files(source)
    for module, path in modules.items():
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        for node in ast.walk(tree(path)):
            for target in _targets(node, package, source.name, modules):
                yield Import(module, target, node.lineno)


def _targets(node: ast.AST, package: str, name: str, modules: dict[str, Path]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name == name or alias.name.startswith(name + "."):
                yield alias.name[len(name) + 1 :]
    elif isinstance(node, ast.ImportFrom):
        if node.level:
            above = package.split(".") if package else []
            parts = above[: len(above) - (node.level - 1)]
            start = ".".join([*parts, *(node.module.split(".") if node.module else [])])
        elif node.module is not None and (node.module == name or node.module.startswith(name + ".")):
            start = node.module[len(name) + 1 :]
        else:
            return
        for alias in node.names:  # `from . import base` imports the module base, `from .base import Layer` also base
            inner = f"{start}.{alias.name}" if start else alias.name
            yield inner if inner in modules else start


def tracked_files() -> list[Path]:
    """What is in the repository; every file beside the environment and caches where git is not there (a source archive)."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return [path for path in ROOT.rglob("*") if path.is_file() and not {".venv", "runs"} & set(path.parts)]
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def definitions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Every function, method and class of a file, nested ones too."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node


def public_things(package: str = "") -> Iterator[tuple[str, Any]]:
    """Every public class, function and constant with the module that it stands in, of the package or one part of it.

    Every module is imported for it, so that nothing hides in a file that nobody imports.
    """
    for module in files():
        if module.endswith("__main__") or not f"{module}.".startswith(f"{package}." if package else ""):
            continue  # importing __main__ would run it
        name = f"scratchwork.{module}".rstrip(".")
        for label, thing in vars(importlib.import_module(name)).items():
            if not label.startswith("_"):
                yield name, thing


def final_classes(base: type) -> list[type]:
    """The public classes of the package under `base` that can be used: those that are not abstract."""
    classes = [thing for name, thing in public_things() if inspect.isclass(thing) and thing.__module__ == name]
    return [cls for cls in classes if issubclass(cls, base) and cls is not base and not inspect.isabstract(cls)]


def public_functions(package: str) -> list[Callable[..., Any]]:
    """The public functions that one module, or any module of one package, defines."""
    return [thing for name, thing in public_things(package) if inspect.isfunction(thing) and thing.__module__ == name]
