"""Which lines of source ran, and the text of those lines: no branch that was not taken, no docstring.

`watched` runs a function under Python's own tracing, which reports every line; what was being traced before (a debugger,
a measurement of coverage) goes on afterwards.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, TypeAlias

from .document import Quoted

Ran: TypeAlias = dict[CodeType, set[int]]

PACKAGE = Path(__file__).resolve().parent.parent
SHOWN = ("layers", "losses", "optimizers", "regularizers.py", "randomness.py", "preprocessing", "initializers.py")
"""Where in the package the mathematics stands: helpers from elsewhere (checks, conversions) are not quoted."""
UNSEEN = {
    *("floats", "float_array", "paired", "row_weights", "real_number"),
    *("matched_classes", "class_scores", "require_classes", "_require_counts", "_check_outputs", "_positive_weight"),
    *("_gain", "_ones", "mix", "random_bits", "_polynomial", "inplace_flush", "inplace_floor"),
}
"""Helpers that check or convert, and those whose lines would drown what matters."""
MOST_LINES = 40


def watched(function: Callable[..., Any], *arguments: Any, **settings: Any) -> tuple[Any, Ran]:
    """What the function returns, and the lines that ran meanwhile in the library's mathematics and in code of one's own."""
    ran: Ran = {}
    main = _code(function)
    home = main.co_filename if main is not None else ""

    def on_line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            ran[frame.f_code].add(frame.f_lineno)
        return on_line

    def on_call(frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if code is not main and not (code.co_filename == home and not _in_package(home)) and not _is_shown(code.co_filename):
            return None
        ran.setdefault(code, set())
        return on_line

    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        result = function(*arguments, **settings)
    finally:
        sys.settrace(before)
    return result, ran


def quotations(function: Callable[..., Any], ran: Ran) -> list[Quoted]:
    """The lines that ran of the function itself, then those of the helpers it called, as long as they are few."""
    main = _code(function)
    found: list[Quoted] = []
    total = 0
    for code in sorted(ran, key=lambda code: code is not main):  # sorting is stable: helpers in the order of their calls
        if code is not main and (code.co_name in UNSEEN or code.co_name.startswith("<")):
            continue
        quoted = quotation(code, ran[code])
        if quoted is None or (found and total + len(quoted.lines) > MOST_LINES):
            continue
        found.append(quoted)
        total += len(quoted.lines)
    return found


def quotation(code: CodeType, lines: set[int]) -> Quoted | None:
    """The statements of one function of which a line ran; None where its source is not to be had."""
    try:
        text, first = inspect.getsourcelines(code)
        tree = ast.parse("".join(_unindented(text)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    node = tree.body[0] if tree.body else None
    if not isinstance(node, ast.FunctionDef):
        return None
    begin = node.lineno  # after decorators
    wanted = {*range(begin, node.body[0].lineno)}
    for statement in node.body:
        wanted |= _kept(statement, {line - first + 1 for line in lines})
    text = _unindented(text)
    numbers = sorted(number for number in wanted if number <= len(text) and not _is_docstring(node, number))
    numbers = [number for number in numbers if text[number - 1].strip()]
    shown = tuple(text[number - 1].rstrip() for number in numbers)
    return Quoted(_short(code.co_filename), code.co_qualname, first + begin - 1, shown, tuple(first + n - 1 for n in numbers))


def _kept(statement: ast.stmt, ran: set[int]) -> set[int]:
    """The lines of a statement that are worth reading: all of a simple one that ran, of others those that lead to one."""
    end = statement.end_lineno or statement.lineno
    whole = set(range(statement.lineno, end + 1))
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return whole if whole & ran else set()
    blocks = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
    blocks += [handler.body for handler in getattr(statement, "handlers", [])]
    if not any(blocks):
        return whole if whole & ran else set()
    inside: set[int] = set()
    previous: list[ast.stmt] = []
    for block in (block for block in blocks if block):
        lines: set[int] = set()
        for child in block:
            lines |= _kept(child, ran)
        if lines and previous:
            lines |= set(range(_end(previous) + 1, block[0].lineno))  # `else:`
        inside |= lines
        previous = block
    header = set(range(statement.lineno, blocks[0][0].lineno))
    return inside | header if inside else set()


def _end(block: list[ast.stmt]) -> int:
    return block[-1].end_lineno or block[-1].lineno


def _is_docstring(node: ast.FunctionDef, number: int) -> bool:
    first = node.body[0]
    if not (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)):
        return False
    return first.lineno <= number <= (first.end_lineno or first.lineno)


def _unindented(lines: list[str]) -> list[str]:
    margin = len(lines[0]) - len(lines[0].lstrip())
    return [line[margin:] if line[:margin].isspace() else line for line in lines]


def _code(function: Any) -> CodeType | None:
    function = inspect.unwrap(getattr(function, "__func__", function))
    return getattr(function, "__code__", None)


def _in_package(file: str) -> bool:
    return Path(file).is_relative_to(PACKAGE)


def _is_shown(file: str) -> bool:
    path = Path(file)
    return path.is_relative_to(PACKAGE) and path.relative_to(PACKAGE).parts[0] in SHOWN


def _short(file: str) -> str:
    path = Path(file)
    return path.relative_to(PACKAGE.parent).as_posix() if path.is_relative_to(PACKAGE) else path.name


def source_of(thing: Any) -> Iterator[Quoted]:
    """The whole text of a function that did not run here, without its docstring."""
    code = _code(thing)
    if code is None:
        return
    linecache.checkcache(code.co_filename)
    quoted = quotation(code, {line for _, _, line in code.co_lines() if line is not None})
    if quoted is not None:
        yield quoted
