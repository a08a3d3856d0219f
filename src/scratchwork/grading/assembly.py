"""Layers put together as their program would: does the whole learn a handful of rows?"""

from __future__ import annotations

from typing import Any


def check_assembly(checks: Any, layout: str) -> None:
    return
