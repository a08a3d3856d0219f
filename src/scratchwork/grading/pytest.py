"""For test files: `from scratchwork.grading.pytest import assert_correct`.

::

    def test_my_network():
        assert_correct("my_net.py")

The file runs in a process of its own; what fails is the report, check by check.
"""

from __future__ import annotations

import os
import types

from .report import Grade
from .sandbox import grade


def assert_correct(
    path_or_module: str | os.PathLike[str] | types.ModuleType,
    style: str = "auto",
    *,
    seconds: float = 30.0,
    memory: int = 2048,
    marks: int = 100,
) -> Grade:
    """Fail with the report where a program has fewer than `marks`; the Grade otherwise."""
    __tracebackhide__ = True  # pytest then points at the test, not in here
    found = grade(path_or_module, style, seconds=seconds, memory=memory)
    if found.marks < marks:
        raise AssertionError(f"\n{found}")
    return found


__all__ = ["assert_correct"]
