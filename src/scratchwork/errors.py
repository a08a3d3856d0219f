"""Every error the library raises on purpose: one sentence that says what, where and what to do.

All of them are a `ScratchworkError`, so that one `except` is enough; each is also the built-in error that a caller
would have expected (a wrong shape is a `ValueError` too), so that code written for NumPy or scikit-learn catches it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

Entry = TypeVar("Entry")


MOST_CHARACTERS = 1000


class ScratchworkError(Exception):
    """Base of all errors of the library.

    Its text can be shown by any terminal as it is: one line, of which the names and cells that a file put into it are only
    the printable characters, and no more than a thousand of them.
    """

    def __str__(self) -> str:
        return printable(super().__str__())


class ShapeError(ScratchworkError, ValueError):
    """An array does not have the shape that a layer, a loss or a built network expects."""


class DataError(ScratchworkError, ValueError):
    """Data that cannot be trained on or predicted from: NaN, labels out of range, strings, different lengths."""


class CellError(DataError):
    """A cell of a table that is missing or no number, where a table of numbers was to be read."""


class ConfigurationError(ScratchworkError, ValueError):
    """A setting outside its range, or settings that do not go together."""


class UnknownNameError(ConfigurationError, KeyError):
    """A name that is in no table of the library; the message proposes the nearest one."""

    def __str__(self) -> str:  # KeyError would show the repr of the message, quotes and all
        return printable(str(self.args[0])) if self.args else ""


class NotBuiltError(ScratchworkError, RuntimeError):
    """A layer is used before `build` has given it its parameters."""


class FileFormatError(ScratchworkError, ValueError):
    """A file is damaged, truncated, foreign, or written by a newer version."""


class MissingFileError(ScratchworkError, FileNotFoundError):
    """A file or folder that should be read is not there."""


class StorageError(ScratchworkError, OSError):
    """A file could not be written: full disk, no permission, a folder in its place; what was there before is untouched."""


class DownloadError(ScratchworkError, OSError):
    """A file could not be downloaded, or what came does not carry the right checksum."""


class MissingDependencyError(ScratchworkError, ImportError):
    """An optional library is needed for what was asked; the message names it and how to install it."""


class DivergedError(ScratchworkError, ArithmeticError):
    """Training met a number that is not finite; the message names the step, the layer and the first such array.

    Under `fit(..., doctor=True)`, `findings` is what the doctor saw, the likeliest cause first.
    """

    findings: Sequence[Any] = ()


def printable(text: str) -> str:
    """The text on one line, with escapes for what would move a terminal's cursor, change its colours or hide.

    >>> printable("two\\nlines, and \\x1b[31mred")
    'two lines, and \\\\x1b[31mred'
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in " ".join(text.split()))
    half = MOST_CHARACTERS // 2 - 3
    return text if len(text) <= MOST_CHARACTERS else f"{text[:half]} ... {text[-half:]}"


def nearest_name(name: str, known: Iterable[str]) -> str:
    """The end of a sentence: which known name was probably meant, and which names there are."""
    import difflib  # slow to import, and only a mistake needs it

    names = sorted(known)
    close = difflib.get_close_matches(name.lower(), [entry.lower() for entry in names], n=1, cutoff=0.5)
    meant = next((entry for entry in names if close and entry.lower() == close[0]), None)
    proposal = f"did you mean {meant!r}? " if meant else ""
    return f"{proposal}Known: {', '.join(names)}"


def look_up(name: str, table: Mapping[str, Entry], what: str) -> Entry:
    """The entry of `table` with this name; case, hyphens, spaces and underscores do not matter.

    Raises UnknownNameError with the nearest name:

    >>> look_up("rellu", {"relu": 1, "tanh": 2}, "activation")
    Traceback (most recent call last):
    scratchwork.errors.UnknownNameError: unknown activation 'rellu': did you mean 'relu'? Known: relu, tanh
    """
    if isinstance(name, str):
        wanted = _plain(name)
        for entry, value in table.items():
            if _plain(entry) == wanted:
                return value
    raise UnknownNameError(f"unknown {what} {name!r}: {nearest_name(str(name), table)}")


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")
