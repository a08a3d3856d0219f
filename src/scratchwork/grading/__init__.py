"""Marks for one's own network: checks of a program that somebody wrote from scratch, and where it first departs.

>>> from scratchwork.grading import STYLES
>>> STYLES
('auto', 'classes', 'layers', 'functions', 'dictionary')

Grading runs the given file, in a process of its own with limits of time and memory.
"""

from __future__ import annotations

import os
import types

from ..errors import ConfigurationError
from .folder import grade_folder, write_csv
from .report import Check, Departure, Grade
from .sandbox import STYLES, run_apart


def grade(
    path_or_module: str | os.PathLike[str] | types.ModuleType, style: str = "auto", *, seconds: float = 30.0, memory: int = 2048
) -> Grade:
    """Marks for the network in a Python file (or notebook): 0 to 100, every check, and hints.

    The file is run, in a process of its own that is ended after `seconds` and may take `memory` MiB; nothing of it runs here.

    Parameters
    ----------
    path_or_module : path or module
        The file; of a module its file.
    style : str
        "auto", or which of the styles it is written in: "classes" (forward(inputs), backward(dvalues) and an optimizer),
        "layers" (forward(input), backward(output_gradient, learning_rate)), "functions" (init_params, forward_prop,
        backward_prop, update_params), "dictionary" (loss(X, y) that returns the gradients of a dictionary of parameters).
    seconds : float > 0
        The time that all of it may take.
    memory : int > 0
        MiB that it may take beyond those of Python itself.

    Raises
    ------
    MissingFileError
        Where there is no such file. What is wrong with the program itself is never raised: it is in the Grade.
    """
    if isinstance(path_or_module, types.ModuleType):
        file = getattr(path_or_module, "__file__", None)
        if not file:
            raise ConfigurationError(f"the module {path_or_module.__name__} comes from no file: give the path of one")
        path_or_module = file
    return run_apart(path_or_module, style=style, seconds=seconds, memory=memory)


__all__ = ["STYLES", "Check", "Departure", "Grade", "grade", "grade_folder", "write_csv"]
