"""The command line: `scratchwork train digits` and the rest, one file per command."""

import importlib
import keyword
import os
import sys
from collections.abc import Sequence

from .._version import __version__
from ..errors import ScratchworkError, nearest_name
from .arguments import STATUS, Parser, UsageError, common, unknown_arguments
from .settings import SettingsError

COMMANDS = {
    "train": "train a network on data, and leave a run folder",
    "evaluate": "measure a saved model on data",
    "predict": "predict with a saved model, as CSV or one row in detail",
    "show": "what a saved model is made of",
    "explain": "every step of one row through a model, with its numbers; or what Dense means",
    "data": "the built-in sets, or what is in a file",
    "export": "write a saved model as ONNX, Python, C or JSON",
    "import": "read a dense network from an ONNX file",
    "rerun": "repeat a training run, and say whether the bits agree",
    "doctor": "what is wrong with a training run, from what it has left",
    "grade": "marks and hints for a network that somebody wrote from scratch",
    "run": "reproduce one of the sources: its setting, then the same net trained well",
    "check": "check every derivative of the library against differences",
}

DESCRIPTION = """Neural networks from scratch, with the work shown.

examples:
  scratchwork train digits                   on real digits; ends with a report
  scratchwork train people.csv --target income     on a table of any columns
  scratchwork predict runs/people-1 new.csv --out predictions.csv
  scratchwork predict runs/digits-1 digits --row 3
  scratchwork explain runs/digits-1 digits --row 3     every step, in numbers
  scratchwork check                          are all derivatives right?

DATA is a built-in set (scratchwork data lists them), a table in a CSV, Parquet
or Arrow file, an npz file, a folder with the MNIST or CIFAR-10 files, or a
folder of images, in one folder per class. MODEL is a model file, or the run
folder that train left."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; nothing is raised but what `--debug` asks to see."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):  # a terminal without Unicode shows ? instead of failing
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        status = _run(argv)
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except UsageError as error:
        command, sentence = error.args
        return _fail(f"{sentence} (see {command} --help)", 2)
    except BrokenPipeError:  # whoever read the output has seen enough
        _silence_stdout()
        return 1
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except Exception as error:
        if "--debug" in argv:
            raise
        return _fail(_sentence(error), 2 if isinstance(error, SettingsError) else 1)


def _run(argv: list[str]) -> int:
    parser = Parser(prog="scratchwork", description=DESCRIPTION, epilog=STATUS, usage="scratchwork COMMAND ...")
    parser.add_argument("--version", action="version", version=f"scratchwork {__version__}")
    common(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", prog="scratchwork")
    wanted = next((word for word in argv if not word.startswith("-")), None)
    if wanted is not None and wanted not in COMMANDS:
        raise UsageError("scratchwork", f"unknown command {wanted!r}: {nearest_name(wanted, COMMANDS)}")
    own: Parser = parser
    for name, summary in COMMANDS.items():
        if name == wanted:  # only the command that is run is imported
            module = importlib.import_module(f".{name}_" if keyword.iskeyword(name) else f".{name}", __name__)
            own = commands.add_parser(name, help=summary, description=module.DESCRIPTION, epilog=module.EPILOG)
            module.add_arguments(own)
            common(own)
            own.set_defaults(run=module.run, arguments=argv)
        else:
            commands.add_parser(name, help=summary)
    try:
        options, extras = parser.parse_known_args(argv)
    except SystemExit as end:  # after --help and --version
        return int(end.code or 0)
    if extras:
        raise UsageError(own.prog, unknown_arguments(extras, own.flags()))
    if wanted is None:
        parser.print_help()
        return 2
    return int(options.run(options))


def _sentence(error: Exception) -> str:
    if isinstance(error, ScratchworkError):
        return " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return "there is not enough memory for this"
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}"  # for example a full disk under stdout
    return f"unexpected {type(error).__name__}: {error}; please report it, with the traceback that --debug shows"


def _fail(sentence: str, status: int) -> int:
    if sys.stdout is not None:
        try:
            sys.stdout.flush()  # what was printed before the error comes before it
        except OSError:
            _silence_stdout()
    if sys.stderr is not None:
        print(f"scratchwork: error: {sentence}", file=sys.stderr)
    return status


def _silence_stdout() -> None:
    """Point stdout at nothing, so that Python does not complain about it when it ends."""
    try:
        number = sys.stdout.fileno()
    except (OSError, ValueError, AttributeError):
        return
    empty = os.open(os.devnull, os.O_WRONLY)
    os.dup2(empty, number)
    os.close(empty)


__all__ = ["COMMANDS", "main"]
