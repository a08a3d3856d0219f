"""Marks for one's own network: checks of a program that somebody wrote from scratch, and where it first departs.

>>> from scratchwork.grading import STYLES
>>> STYLES
('auto', 'classes', 'layers', 'functions', 'dictionary')

Grading runs the given file, in a process of its own with limits of time and memory.
"""

from __future__ import annotations

from .folder import grade_folder, write_csv
from .report import Check, Departure, Grade
from .sandbox import STYLES, grade

__all__ = ["STYLES", "Check", "Departure", "Grade", "grade", "grade_folder", "write_csv"]
