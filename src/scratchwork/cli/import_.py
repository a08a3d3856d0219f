"""`scratchwork import FILE.onnx`: a dense network that others trained, as a model file."""

import argparse
from pathlib import Path

from ..errors import ConfigurationError
from ..model import Model
from ..sequential import Sequential
from .arguments import shorter
from .show import facts, layer_table

DESCRIPTION = """Read a dense network from an ONNX file, as scratchwork, PyTorch, Keras and
scikit-learn write them, and save it as a model that can be used and trained
on. A layer that the library does not have is named. Nothing in the file is
run."""

EPILOG = """examples:
  scratchwork import model.onnx
  scratchwork import mlp.onnx --out models/mlp.safetensors"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE, and where to."""
    parser.add_argument("file", metavar="FILE.onnx", help="an ONNX file")
    parser.add_argument("--out", metavar="FILE", help="the model file (default: FILE.safetensors)")
    parser.add_argument("--force", action="store_true", help="replace a model file that is there")


def run(options: argparse.Namespace) -> int:
    """Read, save, and show what it is."""
    from .. import export
    from ..storage import save

    out = Path(options.out) if options.out else Path(options.file).with_suffix(".safetensors")
    if out.exists() and not options.force:
        raise ConfigurationError(f"{out} is there already: give another --out, or --force to replace it")
    thing = export.from_onnx(options.file)
    save(thing, out)
    network: Sequential = thing.network if isinstance(thing, Model) else thing
    print(layer_table(network))
    if isinstance(thing, Model):
        print()
        for name, value in facts(thing):
            print(f"{name:<15} {value}")
    print(f"\nsaved as {shorter(out)}")
    return 0
