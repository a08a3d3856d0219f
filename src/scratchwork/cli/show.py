"""`scratchwork show MODEL`: what a saved model is made of."""

import argparse
import textwrap
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..model import Model
from ..preprocessing import TableEncoder
from ..sequential import Sequential
from .arguments import shorter
from .models import load_any
from .report import draw_weights, measures_line

DESCRIPTION = """Show what is in a model file: layers and sizes, what is done to rows first
(for a model of tables: what each column becomes), the labels, and how it was
trained. Nothing in the file is executed.
--pictures draws the weights of the first layer, for models of images."""

EPILOG = """examples:
  scratchwork show runs/digits-1
  scratchwork show runs/digits-1/model.safetensors --pictures weights.png"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL, and whether to draw."""
    parser.add_argument("model", metavar="MODEL", help="a model file, or the folder of a run")
    parser.add_argument(
        "--pictures", nargs="?", const="", metavar="FILE.png",
        help="draw the first layer's weights (default: weights.png beside the model)",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Print what is known."""
    thing, path = load_any(options.model)
    kind = "model" if isinstance(thing, Model) else "network, without preprocessing and labels"
    print(f"{shorter(path)}: a {kind}, {path.stat().st_size:,} bytes\n")
    network = thing.network if isinstance(thing, Model) else thing
    print(layer_table(network))
    if isinstance(thing, Model):
        print()
        for name, value in facts(thing):
            print(textwrap.fill(value, 80, initial_indent=f"{name:<15} ", subsequent_indent=" " * 16))
        for step in thing.preprocessing.steps:
            if isinstance(step, TableEncoder):
                print(f"\n{step}")
    if options.pictures is not None:
        if not isinstance(thing, Model) or thing.image_shape is None:
            raise ConfigurationError(f"{path} is no model of images: its weights make no pictures")
        picture = Path(options.pictures) if options.pictures else path.with_name("weights.png")
        draw_weights(picture, thing)
        print(f"\nfirst-layer weights in {picture}")
    return 0


def layer_table(network: Sequential, width: int = 80) -> str:
    """The layers with the shapes of their rows and their numbers of parameters, in lines of at most `width`."""
    rows = [("layer", "rows of shape", "parameters"), (f"input, {network.dtype.name}", str(network.in_shape), "")]
    total = 0
    for index, (layer, shape) in enumerate(zip(network.layers, network.shapes[1:], strict=True)):
        count = sum(parameter.value.size for _, parameter in layer.parameters())
        total += count
        rows.append((f"{index}  {layer!r}", str(shape), f"{count:,}"))
    rows.append(("total", "", f"{total:,}"))
    ends = [max(len(row[column]) for row in rows) for column in (1, 2)]
    room = min(max(len(row[0]) for row in rows), width - sum(ends) - 4)
    cut = [(name if len(name) <= room else name[: room - 3] + "...", shape, count) for name, shape, count in rows]
    return "\n".join(f"{name:<{room}}  {shape:<{ends[0]}}  {count:>{ends[1]}}".rstrip() for name, shape, count in cut)


def facts(model: Model) -> list[tuple[str, str]]:
    """Names and values, one line each."""
    found: list[tuple[str, Any]] = [("task", f"{model.task}, outputs through {model.link or 'no link'}")]
    if model.labels is not None:
        found.append((f"labels ({len(model.labels)})", _list([str(label) for label in model.labels])))
    if model.feature_names is not None:
        found.append((f"features ({len(model.feature_names)})", _list(model.feature_names)))
    if model.target_name is not None:
        found.append(("target", model.target_name))
    if model.image_shape is not None:
        found.append(("image", "×".join(map(str, model.image_shape))))
    found.append(("preprocessing", ", ".join(map(repr, model.preprocessing.steps)) or "none"))
    record = dict(model.record)
    for name in ("last", "result"):
        numbers = record.pop(name, None)
        if isinstance(numbers, dict):
            title = "last epoch" if name == "last" else f"on {record.pop('measured_on', 'test')}"
            shown = {key: value for key, value in numbers.items() if key not in ("seconds", "learning_rate")}
            record[title] = measures_line(shown)
    for name, value in record.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {entry}" for key, entry in value.items())
        if value is not None:
            found.append((name.replace("_", " "), value))
    return [(name, str(value)) for name, value in found]


def _list(names: list[str], width: int = 62) -> str:
    """a, b, c, ... as far as fits."""
    text = ", ".join(names)
    if len(text) <= width:
        return text
    while names and len(", ".join(names)) > width - 5:
        names = names[:-1]
    return ", ".join([*names, "..."])
