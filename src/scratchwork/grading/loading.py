"""Loading a program that somebody wrote: statement by statement, each with a time limit, none able to stop the others.

Students' files train when they are imported, read a CSV that is not there, ask for input and call `exit()`. What matters
are their functions and classes. So every statement of the file runs for itself: where one fails or takes too long that is
noted, and the next one runs. All of this happens in the process of `grading.worker`, never in the user's own.
"""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import signal
import sys
import time
import traceback
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy import random as numbers_of_numpy  # programs draw from the global generators; here they are put to a known state

MODULE = "submission"
LEGACY = numbers_of_numpy.RandomState
"""The generators of old that programs keep as well."""


def seed_program(seed: int) -> None:
    """The numbers that the program draws from now on are the same ones each time."""
    numbers_of_numpy.seed(seed)  # noqa: NPY002 - no numbers of ours are drawn from it
    library = sys.modules.get("random")
    if library is not None:
        library.seed(seed)


class TooLongError(BaseException):
    """The time of a call is over. No Exception, so that `except Exception` in a program does not swallow it."""


class ProgramError(Exception):
    """A call into the program failed: `kind` is a diagnosis, the text a sentence."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TooLongError inside the block once the time is over (where the system has such a signal)."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def over(number: int, frame: object) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3), 0.2)  # again and again: a bare except may swallow one
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass
class Program:
    """A loaded file: its module, its source as a tree, and what went wrong on the way."""

    path: Path
    text: str
    tree: ast.Module
    module: types.ModuleType
    notes: list[str] = field(default_factory=list)
    seconds: float = 5.0
    hurry: Callable[[], float] = lambda: 60.0

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """The functions that the file defines, by name."""
        found = vars(self.module).items()
        return {
            name: thing for name, thing in found if isinstance(thing, types.FunctionType) and thing.__module__ == MODULE
        } | {name: thing for name, thing in found if isinstance(thing, np.vectorize)}

    @property
    def classes(self) -> dict[str, type]:
        """The classes that the file defines, by name."""
        return {
            name: thing for name, thing in vars(self.module).items() if isinstance(thing, type) and thing.__module__ == MODULE
        }

    def node(self, function: object) -> ast.FunctionDef | ast.Lambda | None:
        """The piece of the tree that a function or method was made from."""
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        if code is None:
            return None
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                if first == code.co_firstlineno:
                    return node
        return None

    def source(self, function: object) -> str:
        """The text of a function, without comments; "" where it is not known."""
        node = self.node(function)
        return "" if node is None else ast.unparse(node)

    def call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Call into the program; whatever goes wrong there is a ProgramError."""
        name = getattr(function, "__qualname__", getattr(function, "__name__", type(function).__name__))
        try:
            with time_limit(min(self.seconds, self.hurry())), np.errstate(all="ignore"):
                return function(*arguments, **named)
        except TooLongError:
            raise ProgramError("hangs", f"{name} did not end within {min(self.seconds, self.hurry()):.0f} s") from None
        except MemoryError:
            raise ProgramError("out of memory", f"{name} takes more memory than it may") from None
        except SystemExit:
            raise ProgramError("exits", f"{name} ends the program (exit or sys.exit)") from None
        except RecursionError:
            raise ProgramError("does not run", f"{name} calls itself without end (RecursionError)") from None
        except BaseException as error:
            raise ProgramError("does not run", f"{name} fails{self._line(error)}: {described(error)}") from None

    def _line(self, error: BaseException) -> str:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(self.path)]
        return f" in line {lines[-1]}" if lines else ""


def described(error: BaseException) -> str:
    """An error of somebody's program in a few words, also where its own text fails."""
    try:
        text = " ".join(str(error).split())[:200]
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class _Loader(importlib.machinery.SourceFileLoader):
    """Python's own loader, handed a tree in which every statement stands in a try of its own."""

    def __init__(self, tree: ast.Module, path: str) -> None:
        super().__init__(MODULE, path)
        self.tree = tree

    def get_code(self, fullname: str) -> types.CodeType:
        return self.source_to_code(self.tree, self.path)


def load(path: Path, *, definitions_only: bool, statement_seconds: float = 2.0, seconds: float = 6.0) -> Program:
    """Load a file. With `definitions_only` nothing runs but imports, definitions and constants.

    Raises ProgramError where the file is no Python or does not end.
    """
    text = _text(path)
    try:
        tree = ast.parse(text, filename=str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f" in line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise ProgramError("syntax error", f"this is no valid Python{line}: {described(error)}") from None
    module = types.ModuleType(MODULE)
    module.__file__ = str(path)
    sys.modules[MODULE] = module
    program = Program(path, text, tree, module)
    budget = _Budget(program, statement_seconds, seconds)
    vars(module).update(_sw_begin_=budget.begin, _sw_end_=budget.end, _sw_note_=budget.note)
    loader = _Loader(_apart(tree, definitions_only), str(path))
    module.__spec__ = importlib.util.spec_from_loader(MODULE, loader)
    with np.errstate(all="ignore"):
        try:
            loader.exec_module(module)
        except TooLongError:  # between two statements
            program.notes.append("loading it took too long")
        except (SyntaxError, ValueError) as error:  # what only the compiler sees: a return outside of a function
            raise ProgramError("syntax error", f"this is no valid Python: {described(error)}") from None
        finally:
            budget.end()
    np.seterr(all="ignore")
    return program


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        if path.suffix == ".ipynb":
            import json

            cells = [cell.get("source", []) for cell in json.loads(raw)["cells"] if cell.get("cell_type") == "code"]
            lines = "\n".join("".join(cell) for cell in cells).split("\n")
            return "\n".join("" if line.lstrip()[:1] in ("%", "!") else line for line in lines)
        return importlib.util.decode_source(raw)
    except (OSError, ValueError, SyntaxError, KeyError, TypeError, AttributeError) as error:
        raise ProgramError("syntax error", f"this cannot be read as Python: {described(error)}") from None


@dataclass
class _Budget:
    """The time that statements may take, each and all together."""

    program: Program
    each: float
    total: float
    started: float = 0.0
    spent: float = 0.0

    def begin(self, line: int, cheap: bool) -> None:
        self.started = time.monotonic()
        left = self.total - self.spent
        if left <= 0 and not cheap:
            raise TooLongError
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, self.over)
            signal.setitimer(signal.ITIMER_REAL, max(min(self.each, left), 10.0 * cheap, 1e-3), 0.2)

    def over(self, number: int, frame: object) -> None:
        raise TooLongError

    def end(self) -> None:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        if self.started:
            self.spent += time.monotonic() - self.started

    def note(self, line: int) -> None:
        self.end()
        error = sys.exc_info()[1]
        if isinstance(error, MemoryError):
            what = "takes more memory than it may"
        elif isinstance(error, TooLongError):
            what = "takes too long and was stopped" if self.spent < self.total else "was left out, since the time was over"
        elif isinstance(error, SystemExit):
            what = "ends the program, which was not done"
        else:
            what = f"fails: {described(error)}" if error is not None else "fails"
        if len(self.program.notes) < 20:
            self.program.notes.append(f"line {line} {what}")


def _apart(tree: ast.Module, definitions_only: bool) -> ast.Module:
    """The same module with every statement in a try of its own."""
    body: list[ast.stmt] = []
    for number, statement in enumerate(tree.body):
        docstring = number == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        if docstring or future:
            body.append(statement)
            continue
        cheap = isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)
        if definitions_only and not cheap and not _constant(statement):
            continue
        line = statement.lineno
        begin = _call("_sw_begin_", line, cheap)
        handler = ast.ExceptHandler(type=None, name=None, body=[_call("_sw_note_", line)])
        guarded = ast.Try(body=[begin, statement, _call("_sw_end_")], handlers=[handler], orelse=[], finalbody=[])
        body.append(ast.copy_location(guarded, statement))
    return ast.fix_missing_locations(ast.Module(body=body, type_ignores=[]))


def _call(name: str, *arguments: int) -> ast.Expr:
    call = ast.Call(func=ast.Name(name, ast.Load()), args=[ast.Constant(argument) for argument in arguments], keywords=[])
    return ast.Expr(call)


def _constant(statement: ast.stmt) -> bool:
    """Whether it is `name = 0.1` or the like: a value without calls, or a lambda."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
        return False
    if isinstance(statement.value, ast.Lambda):
        return True
    return not any(isinstance(node, ast.Call | ast.Await | ast.comprehension) for node in ast.walk(statement.value))
