"""Pieces of text with a height: what a formula becomes in a terminal, set side by side on one line of writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """Lines of text of equal width, with the line that stands level with what is beside it."""

    lines: tuple[str, ...]
    level: int = 0

    @property
    def width(self) -> int:
        """Characters in a line."""
        return len(self.lines[0])


def beside(boxes: Sequence[Box]) -> Box:
    """Boxes side by side, their levels in one line."""
    boxes = [box for box in boxes if box.lines[0] or len(box.lines) > 1] or [Box(("",))]
    above = max(box.level for box in boxes)
    height = above + max(len(box.lines) - box.level for box in boxes)
    lines = [""] * height
    for box in boxes:
        blank = " " * box.width
        for i in range(height):
            j = i - above + box.level
            lines[i] += box.lines[j] if 0 <= j < len(box.lines) else blank
    return Box(tuple(lines), above)


def joined(boxes: Sequence[Box], between: str) -> list[Box]:
    """The boxes with words between them."""
    return [piece for i, box in enumerate(boxes) for piece in ([Box((between,))] if i else []) + [box]]


def fenced(inside: Box, left: str, right: str) -> Box:
    """In brackets, as tall as what they hold."""
    height = len(inside.lines)
    if height == 1:
        return Box((f"{left}{inside.lines[0]}{right}",))
    tall = {"(": "⎛⎜⎝", ")": "⎞⎟⎠", "[": "⎡⎢⎣", "]": "⎤⎥⎦"}
    lines = []
    for i, line in enumerate(inside.lines):
        which = 0 if i == 0 else 2 if i == height - 1 else 1
        lines.append(tall.get(left, left * 3)[which] + line + tall.get(right, right * 3)[which])
    return Box(tuple(lines), inside.level)


def translated(box: Box, table: Mapping[int, int | str]) -> Box | None:
    """In raised or lowered letters; None where one of them has no such form."""
    text = box.lines[0]
    known = len(box.lines) == 1 and all(ord(letter) in table for letter in text)
    return Box((text.translate(table),)) if known else None
