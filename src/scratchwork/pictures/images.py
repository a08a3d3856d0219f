"""Pictures of images: first-layer weights, one image with its prediction, and the worst mistakes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array, numeric_array, require_finite
from ..errors import ConfigurationError, DataError, NotBuiltError, ShapeError
from .base import (
    BLUE,
    GREY,
    VERMILION,
    as_images,
    class_names,
    class_numbers,
    counted,
    grid_of,
    message_only,
    new_figure,
    open_frame,
    percent,
    plain,
    show_image,
    tile_height,
    without_ticks,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def weight_images(
    network: Any,
    image_shape: Sequence[int] | None = None,
    labels: Sequence[object] | None = None,
    *,
    limit: int = 64,
    title: str | None = None,
) -> "Figure":
    """The first layer's weights as pictures, one per neuron: of a linear classifier, the template of each class.

    A neuron's score is x·w, so it is high for images that are bright where its picture is red and dark where it is
    blue; white does not matter. All pictures share one scale, symmetric about 0 (its end is the 99.5th percentile of
    |w|: a single large weight would otherwise turn everything else white). Weights of colour images are drawn in colour,
    with grey for 0.

    Parameters
    ----------
    network : network, model, or array (D, units)
        A built network, whose first weight matrix is taken, or the matrix itself.
    image_shape : (H, W) or (H, W, 3), optional
        With H·W·channels = D. By default that of the model, or of the network's rows where they are images, and otherwise
        a square.
    labels : optional
        One name per neuron: the class names, where the first layer is the last.
    limit : int ≥ 1
        At most this many neurons are drawn, the first ones; the title says so.

    Raises
    ------
    NotBuiltError, ShapeError
        When the network has no weights yet, or they are not D numbers per neuron.
    """
    if limit < 1:
        raise ConfigurationError(f"weight_images needs limit >= 1; received {limit!r}")
    weight = _first_weight(network)
    require_finite(weight, "the weights")
    units = weight.shape[1]
    tiles = as_images(weight.T, _row_shape(network) if image_shape is None else image_shape)[:limit]
    names = [f"neuron {number}" for number in range(units)] if labels is None else class_names(labels, units)
    extent = float(np.percentile(np.abs(weight), 99.5)) or float(np.abs(weight).max()) or 1.0
    rows, columns = grid_of(len(tiles))
    shown = f"first {len(tiles)} of {units} neurons" if len(tiles) < units else counted(units, "neuron")
    size = 1.25 if len(tiles) <= 12 else 1.0
    width, height = columns * size + 1.3, rows * (tile_height(tiles, size) + 0.25) + 0.5
    figure = new_figure(max(4.2, width), max(2.4, height), title or f"First-layer weights, {shown}")
    grid = figure.subplots(rows, columns, squeeze=False)
    picture = None
    for index, axes in enumerate(grid.flat):
        without_ticks(axes)
        if index >= len(tiles):
            axes.set_axis_off()
            continue
        if tiles.ndim == 4:
            axes.imshow(np.clip(0.5 + 0.5 * tiles[index] / extent, 0.0, 1.0), interpolation="nearest")
        else:
            picture = axes.imshow(tiles[index], cmap="RdBu_r", vmin=-extent, vmax=extent, interpolation="nearest")
            for side in axes.spines.values():
                side.set(visible=True, color="#C8C8C8", linewidth=0.6)
        axes.set_title(plain(names[index], 14), fontsize=9, pad=3)
    if picture is not None:
        bar = figure.colorbar(
            picture,
            ax=grid,
            shrink=min(1.0, 2.5 / rows),
            aspect=18,
            extend="both" if np.abs(weight).max() > extent else "neither",
        )
        bar.set_label("weight", fontsize=9)
        bar.ax.tick_params(labelsize=8)
    return figure


def _first_weight(network: Any) -> Array:
    """The first matrix of a network's parameters, or the matrix that was given."""
    network = getattr(network, "network", network)
    if not hasattr(network, "parameters"):
        weight = numeric_array(network, "weights", np.float64)
        if weight.ndim != 2 or weight.size == 0:
            raise ShapeError(f"expected weights of shape (D, units), received {weight.shape}")
        return weight
    for _, parameter in network.parameters():
        if parameter.value.ndim == 2:
            return np.asarray(parameter.value, np.float64)
    raise NotBuiltError("the network has no weight matrix: train it, or build it, before drawing its weights")


def _row_shape(network: Any) -> Sequence[int] | None:
    """The shape of the images that a model, or a network that begins with Flatten, takes; None for flat rows."""
    known: Sequence[int] | None = getattr(network, "image_shape", None)
    rows: Sequence[int] = getattr(getattr(network, "network", network), "in_shape", ())
    return known if known is not None else (rows if len(rows) > 1 else None)


def digit_picture(
    image: ArrayLike,
    probabilities: ArrayLike,
    labels: Sequence[object] | None = None,
    truth: object = None,
    *,
    image_shape: Sequence[int] | None = None,
    title: str | None = None,
) -> "Figure":
    """One image beside what the network makes of it: a bar per class, the likeliest ten where there are more.

    Parameters
    ----------
    image : array
        (H, W), (H, W, 3), or flat; flat images are square unless `image_shape` says otherwise.
    probabilities : array (C,)
        The network's probabilities, or its scores.
    labels : optional
        One name per class.
    truth : optional
        The right class, as a number or as one of `labels`; its bar is marked.

    Raises
    ------
    ShapeError, DataError
        For arrays of other shapes, and for NaN in `probabilities`.
    """
    values = numeric_array(probabilities, "probabilities", np.float64).reshape(-1)
    if len(values) == 0 or not np.isfinite(values).all():
        raise DataError("digit_picture needs one finite number per class in probabilities")
    names = class_names(labels, len(values))
    pixels = np.asarray(image)
    shape = image_shape or (None if pixels.ndim == 1 else pixels.shape)
    picture = as_images(pixels.reshape(1, -1), shape)[0]
    right = None if truth is None else int(class_numbers(np.array([truth]), labels, "truth")[0])
    said = int(values.argmax())
    chosen = sorted(np.argsort(-values, kind="stable")[:10].tolist())
    if right is not None and right not in chosen and right < len(values):
        chosen = sorted([*sorted(chosen, key=lambda number: -values[number])[:9], right])

    verdict = f"Prediction: {names[said][:40]}"
    if right is not None:
        verdict += " (right)" if right == said else f" (wrong, it is {names[right][:40] if right < len(names) else right})"
    figure = new_figure(7.0, max(3.0, 0.28 * len(chosen) + 0.9), title or verdict)
    left, bars = figure.subplots(1, 2, width_ratios=(1.0, 1.25))
    show_image(left, picture)
    places = np.arange(len(chosen))
    colours = [(BLUE if right in (None, said) else VERMILION) if number == said else "#B9B9B9" for number in chosen]
    bars.barh(places, values[chosen], color=colours, height=0.72)
    bars.set_yticks(
        places, [plain(names[number], 22) + (" (true)" if number == right else "") for number in chosen], fontsize=9
    )
    bars.invert_yaxis()
    open_frame(bars)
    bars.grid(False, axis="y")
    fractions = bool(values.min() >= 0 and values.max() <= 1)
    bars.set_xlabel("probability" if fractions else "score")
    if fractions:
        bars.set_xlim(0, 1.18)
        bars.set_xticks([0, 0.25, 0.5, 0.75, 1])
    else:
        bars.margins(x=0.2)
        bars.axvline(0, color=GREY, linewidth=0.8)
    for place, number in zip(places, chosen, strict=True):
        value = float(values[number])
        text = f"{value:.3f}" if fractions else f"{value:.3g}"
        bars.annotate(text, (max(value, 0.0), place), (4, 0), textcoords="offset points", va="center", fontsize=8)
    return figure


def worst_mistakes(
    images: ArrayLike,
    truth: ArrayLike,
    predicted: ArrayLike,
    probabilities: ArrayLike,
    labels: Sequence[object] | None = None,
    image_shape: Sequence[int] | None = None,
    *,
    limit: int = 16,
    title: str | None = None,
) -> "Figure":
    """The images that were misread with the most confidence, the worst first.

    Parameters
    ----------
    images : array (N, ...)
        Images, or flat rows (square unless `image_shape` says otherwise).
    truth, predicted : (N,)
        Class numbers, or names that are in `labels`.
    probabilities : (N, C) or (N,)
        Of all classes, or of the predicted one; mistakes are ordered by that of the predicted class.
    limit : int ≥ 1
        How many are drawn at most.
    """
    if limit < 1:
        raise ConfigurationError(f"worst_mistakes needs limit >= 1; received {limit!r}")
    right, said = class_numbers(truth, labels, "truth"), class_numbers(predicted, labels, "predicted")
    chances = numeric_array(probabilities, "probabilities", np.float64)
    lengths = {len(np.asarray(images)), len(right), len(said), len(chances)}
    if len(lengths) > 1:
        raise ShapeError(f"images, truth, predicted and probabilities need as many rows each, received {sorted(lengths)}")
    confidence = chances[np.arange(len(said)), said] if chances.ndim == 2 else chances
    wrong = np.flatnonzero(right != said)
    if len(wrong) == 0:
        return message_only(f"No mistakes in {counted(len(right), 'image')}")
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:limit]
    pictures = as_images(np.asarray(images)[worst], image_shape)
    names = class_names(labels, int(max(right.max(), said.max())) + 1 if labels is None else len(labels))
    fractions = bool(chances.min() >= 0 and chances.max() <= 1)

    rows, columns = grid_of(len(worst))
    count = f"{counted(len(wrong), 'mistake')} in {counted(len(right), 'image')}"
    if len(worst) < len(wrong):
        count += f", the {len(worst)} most confident ones"
    long = max(len(names[number]) for number in (*right[worst], *said[worst])) > 6
    width = 1.75 if long else 1.35
    height = tile_height(pictures, width) + (0.7 if long else 0.5)
    figure = new_figure(max(5.0, columns * width), rows * height + 0.5, title or count)
    for index, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        if index >= len(worst):
            axes.set_axis_off()
            continue
        show_image(axes, pictures[index])
        row = worst[index]
        size = percent(confidence[row]) if fractions else f"{confidence[row]:.3g}"
        said_name, true_name = plain(names[said[row]], 16), plain(names[right[row]], 16)
        first = f"said {said_name}" + ("\n" if long else ", ") + f"{size}"
        axes.set_title(first, fontsize=9, pad=3, color=VERMILION)
        axes.set_xlabel(f"is {true_name}", fontsize=9, labelpad=2, color=BLUE)
    return figure
