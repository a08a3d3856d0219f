"""`scratchwork grade`: marks and hints for a network that somebody wrote, or for a folder of them."""

import argparse
import sys
from pathlib import Path

from ..errors import MissingFileError, StorageError
from ..grading import STYLES, Grade, grade, grade_folder, write_csv
from .arguments import checked
from .settings import whole

DESCRIPTION = """Grade a network that was written from scratch: it finds its layers, functions,
loss and update, checks each against this library's own computation, and says
where it first departs, with a hint. A folder is graded file by file, as CSV.

The given files ARE RUN, each in a process of its own that is limited in time
and memory: grade only programs that you would run yourself."""

EPILOG = """examples:
  scratchwork grade my_net.py
  scratchwork grade my_net.py --style functions --json
  scratchwork grade submissions/ --out marks.csv

exit status: 0 every check passed, 1 some did not, 2 bad usage"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which file, in which style, with which limits."""
    parser.add_argument("path", metavar="PATH", help="a Python file or notebook, or a folder of them")
    parser.add_argument("--style", choices=STYLES, default="auto", help="how it is written (default: find out)")
    parser.add_argument("--seconds", type=checked(whole(1)), default=30, metavar="N", help="time for each file (default 30)")
    parser.add_argument("--memory", type=checked(whole(16)), default=2048, metavar="MIB", help="memory for each (default 2048)")
    parser.add_argument("--json", action="store_true", help="everything as JSON on standard output")
    parser.add_argument("--out", metavar="FILE", help="where the CSV of a folder goes (default: standard output)")


def run(options: argparse.Namespace) -> int:
    """Print the report; 1 where a check failed."""
    path = Path(options.path)
    if not path.exists():
        raise MissingFileError(f"there is no file or folder {path}")
    limits = f"at most {options.seconds} s and {options.memory} MiB each"
    if path.is_dir():
        print(f"running the programs in {path}, {limits}", file=sys.stderr)
        return _folder(path, options)
    print(f"running {path}, in a process of its own, {limits}", file=sys.stderr)
    found = grade(path, options.style, seconds=options.seconds, memory=options.memory)
    print(found.to_json() if options.json else found)
    return 0 if found.passed else 1


def _folder(path: Path, options: argparse.Namespace) -> int:
    def tell(found: Grade) -> None:
        print(f"{found.marks:>4}  {Path(found.path).name}", file=sys.stderr, flush=True)

    grades = grade_folder(path, options.style, seconds=options.seconds, memory=options.memory, each=tell)
    if options.json:
        import json

        text = json.dumps([found.to_dict() for found in grades], indent=2) + "\n"
    else:
        text = write_csv(grades, path)
    if options.out:
        try:
            Path(options.out).write_text(text, encoding="utf-8")
        except OSError as error:
            raise StorageError(f"{options.out} could not be written: {error.strerror or error}") from None
        print(f"{len(grades)} programs: {options.out}", file=sys.stderr)
    else:
        print(text, end="")
    return 0 if all(found.passed for found in grades) else 1
