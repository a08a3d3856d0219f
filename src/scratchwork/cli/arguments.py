"""What all commands share: a parser whose mistakes are one sentence, and the flags that every command has."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from ..errors import nearest_name
from .settings import SettingsError

STATUS = """exit status:
  0    done
  1    it ran and failed: one sentence on stderr says why
  2    bad usage: a flag, a name or a configuration file that cannot be meant
  130  interrupted with Ctrl-C (train saves what was learned first)"""


class UsageError(Exception):
    """Bad usage: (the command, the sentence)."""


class Parser(argparse.ArgumentParser):
    """An argparse parser that says a mistake in one sentence, without the whole usage before it."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        settings.setdefault("formatter_class", Formatter)
        settings.setdefault("allow_abbrev", False)
        super().__init__(*arguments, **settings)

    def error(self, message: str) -> NoReturn:
        raise UsageError(self.prog, message)

    def flags(self) -> list[str]:
        """All flags of this command."""
        return [flag for action in self._actions for flag in action.option_strings if flag.startswith("--")]


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Help as it was written, at most 80 columns wide."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26, width=min(shutil.get_terminal_size().columns, 80))


def checked(check: Callable[[Any], Any]) -> Callable[[str], Any]:
    """A check of settings as the type of an argparse flag."""

    def convert(text: str) -> Any:
        try:
            return check(text)
        except SettingsError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def common(parser: argparse.ArgumentParser) -> None:
    """Flags of every command."""
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def unknown_arguments(extras: Sequence[str], known: Iterable[str]) -> str:
    """The sentence about arguments that no flag takes."""
    first = extras[0]
    if first.startswith("-") and len(first) > 1:
        flag = first.partition("=")[0]
        hint = nearest_name(flag, known)
        return f"unknown flag {flag}" + (f": {hint.partition('?')[0]}?" if hint.startswith("did") else "")
    return f"unexpected argument {first!r}"


def program() -> str:
    """How this program is called, for commands that people may copy: by its name where the shell would find it."""
    if shutil.which("scratchwork"):
        return "scratchwork"
    called = Path(sys.argv[0] if sys.argv else "")
    if called.name in ("scratchwork", "scratchwork.exe") and called.exists():
        return shorter(called)
    return f"{shorter(Path(sys.executable))} -m scratchwork"


def shorter(path: str | os.PathLike[str]) -> str:
    """A path relative to here where that is shorter."""
    full = os.path.abspath(path)
    try:
        relative = os.path.relpath(full)
    except ValueError:  # another drive
        return full
    return relative if len(relative) < len(full) else full
