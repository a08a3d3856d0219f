"""`scratchwork export MODEL --to FORMAT`: a model for programs without this library."""

import argparse
from pathlib import Path

from .arguments import checked, shorter
from .models import load_any
from .settings import SettingsError, name_in, real

FORMATS = {"onnx": None, "python": None, "c": None, "json": None}

DESCRIPTION = """Write a saved model for programs that do not have scratchwork, with its
preprocessing and labels inside:

  onnx    for ONNX Runtime and everything that reads ONNX
  python  one file that needs NumPy alone
  c       one C99 file without a dependency or an allocation
  json    operations and numbers, for a reader of your own

The file carries rows with their answers. It is run before it gets its name,
and must agree with predict; a layer that cannot be written is named first."""

EPILOG = """examples:
  scratchwork export runs/digits-1 --to onnx
  scratchwork export runs/flowers-1 --to c --out firmware/flowers.c
  scratchwork export model.safetensors --to json --readable"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL, what to write and where."""
    parser.add_argument("model", metavar="MODEL", help="a model file, or the folder of a run")
    parser.add_argument(
        "--to", type=checked(name_in(FORMATS, "format")), required=True, metavar="FORMAT", help="onnx, python, c or json"
    )
    parser.add_argument("--out", metavar="FILE", help="where to (default: beside the model, under its name)")
    parser.add_argument(
        "--tolerance", type=checked(real(0.0, above=True)), default=None, metavar="T",
        help="how far it may be from predict, relative to max(1, |value|) (default 1e-5)",
    )  # fmt: skip
    parser.add_argument("--readable", action="store_true", help="JSON with plain numbers in place of base64")


def run(options: argparse.Namespace) -> int:
    """Write, and say how it was checked."""
    from .. import export

    if options.readable and options.to != "json":
        raise SettingsError("--readable is for --to json")
    thing, path = load_any(options.model)
    out = Path(options.out) if options.out else path.with_suffix(export.TARGETS[options.to].suffix)
    write = {"onnx": export.to_onnx, "python": export.to_python, "c": export.to_c, "json": export.to_json}[options.to]
    settings = {} if options.tolerance is None else {"tolerance": options.tolerance}
    if options.readable:
        settings["readable"] = True
    report = write(thing, out, **settings)
    print(str(report).replace(str(report.path), shorter(report.path), 1))
    return 0
