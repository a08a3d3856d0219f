"""A whole walkthrough as a document: one row of data through preprocessing, forward, loss, backward and update."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays import Array, Shape
from ..data.checks import check_features, check_y
from ..errors import ConfigurationError, DataError, ShapeError
from ..labels import targets_of
from ..layers import Dense, Flatten, Parallel
from ..losses import Loss, apply_link
from ..model import Model
from ..optimizers import Optimizer
from ..preparation import resolve_loss, resolve_optimizer
from ..regularizers import Constraint, Regularizer, check_rules
from ..sequential import Sequential
from ..sparse_rows import SparseRows
from .document import Block, Document, ImageProduct, Prose, Quoted, Section
from .inputs import network_table, preprocessing_sections, raw_blocks
from .loss_pages import loss_section
from .moves import MOST_NETWORKS
from .pages import backward_section, forward_section, short
from .parts import Context, shape_text, shown
from .rounding import rounded
from .trace import Step, Trace, numbered, require_first_order, trace
from .update_pages import update_sections


@np.errstate(all="ignore")  # what overflows is infinite on the page, for all to see
def document_of(
    network: Sequential | Model,
    x: Any,
    y: Any = None,
    *,
    loss: Loss | str | None = None,
    optimizer: Optimizer | str | None = None,
    row: int = 0,
    neuron: Any = None,
    regularizer: Regularizer | None = None,
    constraint: Constraint | None = None,
    image_shape: Shape | None = None,
    called: str | None = None,
) -> Document:
    """Row number `row` of the batch `x`, `y` through a copy of the network, as a document.

    network      a Sequential (an unbuilt one is built with seed 0, as `fit` does) or a Model, which takes raw rows
    loss         None, or no `y`: forward only
    optimizer    None: without the update
    neuron       (layer, index) or "layer:index": a neuron to work out, wherever it stands
    image_shape  (height, width[, channels]) of a flat row that is a picture; a Model knows, 28·28 numbers are guessed
    called       what the row is called on the page, where `x` is a part of something larger: "Row 3 of digits"

    Raises ConfigurationError, DataError or ShapeError for what cannot be shown.
    """
    check_rules(regularizer, constraint)
    network = network.to_model() if hasattr(network, "to_model") else network
    loss = resolve_loss(loss) if loss is not None else None
    rule = resolve_optimizer(optimizer) if optimizer is not None else None
    if rule is not None:
        require_first_order(rule)
    if not isinstance(network, Sequential | Model):
        raise ConfigurationError(f"a walkthrough takes a Sequential([...]) or a Model; received {network!r}")
    model = network if isinstance(network, Model) else None
    net = network.network if isinstance(network, Model) else network
    rows, raw, before = _rows(network, net, x, row)
    net = _built(net, rows)
    net.check_rows(rows)
    if not np.isfinite(rows[row]).all():
        raise DataError(f"row {row} holds a NaN or an infinity: there is nothing to calculate with it")
    target = None if y is None or loss is None else _target(network, net, loss, y, len(rows))
    picked = _neuron(net, neuron)
    done = trace(net, rows, target, row, loss=loss, optimizer=rule, regularizer=regularizer, constraint=constraint)  # type: ignore[arg-type]
    columns = tuple(model.feature_names or ()) if model is not None and not before else ()
    columns = columns if len(columns) == rows[0].size else ()
    names = _output_names(model, done.prediction.shape[-1])
    context = Context(net.dtype, picked, columns, names, done.alone, len(done.x))
    picture = _picture_shape(model, net, image_shape)
    called = called or f"Row {row}"
    sections = [_input_section(net, done, raw, called, columns, bool(before)), *before]
    sections += _forward_sections(done, context, net, picture)
    sections.append(_prediction_section(network, done, names, loss))
    if done.gradient is not None:
        sections.append(loss_section(done, context))
        sections += [backward_section(step, context) for step in reversed(_told(done, context)) if step.dy is not None]
    if rule is not None:
        sections += update_sections(done, context, rule)  # type: ignore[arg-type]
    summary = _summary(net, done, called if called != f"Row {row}" else f"Row {row} of {len(rows):,}")
    return Document(f"{called} through {_name(net)}", tuple(sections), tuple(summary))


def _rows(network: Any, net: Sequential, x: Any, row: int) -> tuple[Array, list[Block], list[Section]]:
    """(what the network is handed, the raw row's blocks, the sections of the preprocessing)."""
    if isinstance(row, bool) or not isinstance(row, int | np.integer):
        raise ConfigurationError(f"row is the number of a row, from 0; received {row!r}")
    if not isinstance(network, Model):
        if net.built and np.shape(x) == net.in_shape:
            x = np.asarray(x)[None]
        found = check_features(x)
        rows = found.dense() if isinstance(found, SparseRows) else found
        _require_row(row, len(rows))
        return rows.astype(np.float64), [], []
    raw = network.checked_rows(x, "x")
    if isinstance(raw, np.ndarray) and raw.dtype.kind in "buif":
        raw = raw.astype(np.float64)
    _require_row(row, len(raw))
    columns = tuple(network.feature_names or ())
    prepared = np.asarray(network.preprocessing.transform(raw), np.float64)
    before = preprocessing_sections(network, raw, row)
    return prepared, raw_blocks(raw, row, columns) if before else [], before


def _require_row(row: int, count: int) -> None:
    if not 0 <= row < count:
        raise DataError(f"there is no row {row}: x has {count:,} row{'s' * (count != 1)}, numbered 0 to {count - 1:,}")


def _built(net: Sequential, rows: Array) -> Sequential:
    if net.built:
        return net
    made = copy.deepcopy(net)
    made.build(rows.shape[1:], rng=0)
    return made


def _target(network: Any, net: Sequential, loss: Loss, y: Any, count: int) -> Array:
    if len(net.out_shape) != 1:
        raise ShapeError(f"the network gives rows of shape {net.out_shape}, a loss needs flat rows: end with Flatten()")
    if np.ndim(y) == 0 and count == 1:
        y = [y]
    if isinstance(network, Model):
        y = network.encoded(targets_of(y, network.task or loss.task or "regression", count), "y")
    else:
        y = check_y(y, count)
    return loss.prepare(y, net.out_shape[0])


def _neuron(net: Sequential, neuron: Any) -> tuple[str, int] | None:
    """(path, index) of the neuron that was asked for, checked."""
    if neuron is None:
        return None
    wanted = 'neuron is (layer, index) or "layer:index", such as (0, 5) or "0:5"'
    parts = neuron.rsplit(":", 1) if isinstance(neuron, str) else list(neuron) if isinstance(neuron, Iterable) else []
    if len(parts) != 2:
        raise ConfigurationError(f"{wanted}; received {neuron!r}")
    path, layers = str(parts[0]).strip(), dict(numbered(net))
    try:
        index = int(parts[1])
    except (TypeError, ValueError):
        raise ConfigurationError(f"{wanted}; received {neuron!r}") from None
    if path not in layers:
        raise ConfigurationError(f"there is no layer {path}: the network's are {', '.join(list(layers)[:20])}")
    width = int(np.prod(net.shapes[int(path) + 1])) if path.isdigit() else None
    if index < 0 or (width is not None and index >= width):
        raise ConfigurationError(f"layer {path}, {short(layers[path])}, has no neuron {index}: it has {width}, from 0")
    return path, index


def _output_names(model: Model | None, outputs: int) -> tuple[str, ...]:
    labels = [] if model is None or model.labels is None else [str(label) for label in model.labels]
    numbers = [str(i) for i in range(outputs)]  # as names they would say nothing
    return tuple(labels) if len(labels) == outputs and labels != numbers else ()


def _picture_shape(model: Model | None, net: Sequential, given: Shape | None) -> Shape | None:
    """The shape of a row that is a picture: as given, as the model or the network knows it, or guessed for 28·28 numbers."""
    if given is not None:
        if int(np.prod(given)) != int(np.prod(net.in_shape)) or len(given) not in (2, 3):
            raise ShapeError(f"image_shape {tuple(given)} does not hold the {int(np.prod(net.in_shape))} numbers of a row")
        return tuple(given)
    if model is not None and model.image_shape is not None and int(np.prod(model.image_shape)) == int(np.prod(net.in_shape)):
        return model.image_shape
    if len(net.in_shape) == 2 or (len(net.in_shape) == 3 and net.in_shape[-1] in (1, 3)):
        return net.in_shape
    return {784: (28, 28), 3072: (32, 32, 3)}.get(net.in_shape[0]) if len(net.in_shape) == 1 else None


def _input_section(
    net: Sequential, done: Trace, raw: list[Block], called: str, columns: tuple[str, ...], model: bool
) -> Section:
    blocks: list[Block] = [*raw]
    if not model:
        blocks.append(shown("input", "x", done.x[done.row], "x", columns=columns))
    if not done.alone and len(done.x) == 1:
        blocks.append(
            Prose(
                "Batch normalization needs a batch, and here is one row: its mean is the row itself, so that nothing of it "
                "is left after it. Hand in a batch of rows, of which this one is shown."
            )
        )
    elif not done.alone:
        blocks.append(
            Prose(
                "Rows meet in this network (a batch normalization, or a layer that looks at several rows), so the batch of "
                f"{len(done.x):,} rows goes through it together, and this row, number {done.row} of them, is the one shown."
            )
        )
    blocks.append(network_table(net))
    return Section(called, "input", "input", tuple(blocks))


def _forward_sections(done: Trace, context: Context, net: Sequential, picture: Shape | None) -> list[Section]:
    sections = []
    last = done.steps[-1]
    seen = picture is None
    for step in _told(done, context):
        section = forward_section(step, context, step is last)
        if not seen and picture is not None and isinstance(step.layer, Dense) and step.x[0].size == int(np.prod(picture)):
            at = next((i for i, block in enumerate(section.blocks) if isinstance(block, Quoted)), len(section.blocks))
            blocks = (*section.blocks[:at], _image(step, context, picture), *section.blocks[at:])
            section = replace(section, blocks=blocks)
            seen = True
        elif isinstance(step.layer, Dense):
            seen = True  # what comes after is no picture any more
        sections.append(section)
    return sections


def _image(step: Step, context: Context, picture: Shape) -> ImageProduct:
    """The input, the weights of one neuron and their product as pictures: the neuron asked for, or the one that fires most."""
    weights, x, y = step.values["weight"], step.x[step.row], step.y[step.row]
    wanted = context.wanted(step)
    index = int(np.argmax(y)) if wanted is None else wanted
    column = weights[:, index]
    shape = picture[:2] if picture[2:] == (1,) else picture
    bias = step.values.get("bias")
    text = f"neuron {index} of layer {step.path}"
    if bias is not None:
        text += (
            f": the sum of the product, {rounded(float(x @ column))}, and its bias, {rounded(float(bias[index]))}, are its y"
        )
    return ImageProduct(
        f"forward/{step.path}/image",
        x.reshape(shape),
        column.reshape(shape),
        (x * column).reshape(shape),
        text,
        float(x @ column),
    )


def _prediction_section(network: Any, done: Trace, names: tuple[str, ...], loss: Loss | None) -> Section:
    """What the network says about the row when it is not being trained."""
    y = done.inference
    blocks: list[Block] = []
    same = np.allclose(y, done.prediction[done.row], rtol=1e-12, atol=0)
    blocks.append(
        Prose(
            "Prediction gives the same numbers as the forward above: no layer here behaves otherwise in training."
            if same
            else "Prediction drops nothing and takes the running mean and variance, so its numbers are others than those above."
        )
    )
    blocks.append(shown("prediction", "y", y, "y at prediction", result=True, columns=names))
    link = network.link if isinstance(network, Model) else loss.link if loss is not None else "identity"
    task = network.task if isinstance(network, Model) else loss.task if loss is not None else None
    if link not in (None, "identity") and y.ndim == 1:
        share = apply_link(y[None], link)[0]
        blocks.append(shown("prediction", "p", share, LINKED.get(link, "p"), result=True, columns=names))
    if task == "multiclass" and y.ndim == 1:
        best = int(np.argmax(y))
        label = f", {names[best]}" if names else ""
        blocks.append(Prose(f"The largest output is number {best}{label}: that is the prediction.", "result"))
    return Section("What it predicts", "prediction", "forward", tuple(blocks))


LINKED = {"softmax": "softmax(y)", "sigmoid": "σ(y)", "exp": "exp(y)"}


def _told(done: Trace, context: Context) -> list[Step]:
    """The steps that have sections: of many networks side by side the first two, and the one that was asked for."""
    left_out = []
    for step in done.steps:
        if isinstance(step.layer, Parallel) and len(step.layer.networks) > MOST_NETWORKS:
            left_out += [f"{step.path}.{k}" for k in range(2, len(step.layer.networks))]
    asked = context.neuron[0] if context.neuron is not None else ""
    kept = [path for path in left_out if f"{asked}.".startswith(f"{path}.")]
    return [
        step
        for step in done.steps
        if not any(f"{step.path}.".startswith(f"{path}.") for path in left_out)
        or any(f"{step.path}.".startswith(f"{path}.") for path in kept)
    ]


def _name(net: Sequential) -> str:
    sizes = [net.in_shape[0] if len(net.in_shape) == 1 else shape_text(net.in_shape).replace(" ", "")]
    sizes += [layer.units for layer in net.leaves() if isinstance(layer, Dense)]
    inner = any(not isinstance(layer, Dense | Flatten) and layer.sublayers() for layer in net.layers)
    return "the network" if inner else f"a {'-'.join(map(str, sizes))} network" if len(sizes) > 1 else "the network"


def _summary(net: Sequential, done: Trace, called: str) -> list[Prose]:
    dtype = net.dtype.name
    agree = ""
    if dtype != "float64":
        agree = f" The network itself computes in {dtype}, which agrees to about seven digits."
    alone = "alone, as a batch of one" if len(done.x) == 1 else f"in its batch of {len(done.x):,} rows"
    return [
        Prose(f"{called} goes through the network {alone}: every step as training takes it, on a copy."),
        Prose(
            f"All numbers here are calculated in float64, with fifteen digits, and shown with four.{agree} Indices count from "
            "0, as in the code. Below each step stand the lines of source that ran."
        ),
        Prose("dx is short for ∂L/∂x: by how much the loss L grows, per unit, when x does; so are dW, db and the others.")
        if done.gradient is not None
        else Prose("Without a loss and an answer there is nothing to go back from: this is the forward alone."),
    ]
