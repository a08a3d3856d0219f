"""What all pictures share: a figure without a display, colours that everybody can tell apart, and safe labels."""

import importlib
import math
import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array, numeric_array
from ..errors import ConfigurationError, DataError, MissingDependencyError, ShapeError
from ..storage.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours: distinct also for the colour-blind, and in grey. The first two are for right and wrong.
BLUE, VERMILION = "#0072B2", "#D55E00"
COLOURS = (BLUE, VERMILION, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F6000", "#000000", "#8A8A8A", "#B8AD00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
GREY = "#5A5A5A"
DPI = 100


def new_figure(width: float, height: float, title: str | None = None) -> "Figure":
    """An empty figure of this size in inches; MissingDependencyError without matplotlib."""
    layout = _matplotlib("layout_engine").ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08)
    figure: Figure = _matplotlib("figure").Figure(figsize=(width, height), dpi=DPI, layout=layout, facecolor="white")
    if title:
        figure.suptitle(plain(title), fontsize=12)
    return figure


def _matplotlib(module: str) -> Any:
    try:
        return importlib.import_module(f"matplotlib.{module}")
    except ImportError as error:
        raise MissingDependencyError("pictures need matplotlib: pip install 'scratchwork[plot]'") from error


def save_picture(figure: "Figure", path: str | os.PathLike[str]) -> None:
    """Write a figure as PNG: whole or not at all, and the same bytes for the same figure (no dates, no versions).

    Raises
    ------
    ConfigurationError
        When the name does not end in .png.
    MissingFileError, StorageError
        When the folder is not there or cannot be written to.
    """
    if not os.fspath(path).lower().endswith(".png"):
        raise ConfigurationError(f"pictures are written as PNG: give a name that ends in .png, not {os.fspath(path)!r}")
    with atomic_write(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a label in a script that the font lacks
        figure.savefig(temporary, format="png", dpi=DPI, metadata={"Software": None})


def plain(text: object, limit: int | None = None) -> str:
    """A label as it is: `$` begins no formula, line ends become spaces, and it is shortened to `limit` characters."""
    words = " ".join(str(text).split())
    return shortened(words, limit or len(words)).replace("$", r"\$")


def shortened(name: str, limit: int) -> str:
    """At most `limit` characters, with … for what is left out; the end stays, because names often differ there only."""
    tail = limit // 3
    return name if len(name) <= limit else f"{name[: limit - 1 - tail]}…{name[len(name) - tail :]}"


def class_names(labels: Sequence[object] | None, count: int) -> list[str]:
    """One name per class: the labels, or the numbers 0, 1, 2, ..."""
    if labels is None:
        return [str(number) for number in range(count)]
    if len(labels) != count:
        raise ShapeError(f"expected {count} labels, one per class, received {len(labels)}")
    return [" ".join(str(label).split()) for label in labels]


def class_numbers(values: ArrayLike, labels: Sequence[object] | None, name: str) -> Array:
    """Labels as class numbers: class numbers stay, one-hot rows give their column, anything else is looked up in `labels`."""
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] > 1 and array.dtype.kind in "buif":
        chosen: Array = array.argmax(axis=1)
        return chosen
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ShapeError(f"expected {name} of shape (N,), one label per row, received {array.shape}")
    if array.dtype.kind in "bui" or (array.dtype.kind == "f" and bool((array == np.floor(array)).all())):
        array = array.astype(np.intp)
        least, most = (int(array.min()), int(array.max())) if array.size else (0, 0)
        if least >= 0 and (labels is None or most < len(labels)):
            return array
    places = {str(label): number for number, label in enumerate(labels or ())}
    try:
        return np.array([places[str(value)] for value in array], np.intp)
    except KeyError as error:
        raise DataError(
            f"{name} holds {error.args[0]!r}, which is no class number and not among the labels {list(places)[:10]}"
        ) from None


def as_images(images: ArrayLike, image_shape: Sequence[int] | None) -> Array:
    """(N, H, W) or (N, H, W, 3) from flat rows or from images; without `image_shape`, flat rows are taken to be square."""
    array = numeric_array(images, "images")
    if array.ndim < 2:
        raise ShapeError(f"expected images of shape (N, ...), received {array.shape}")
    if image_shape is None:
        side = math.isqrt(array.shape[1])
        if array.ndim == 2 and side * side != array.shape[1]:
            raise ShapeError(f"rows of {array.shape[1]} numbers are no square image: give image_shape=(height, width)")
        image_shape = (side, side) if array.ndim == 2 else array.shape[1:]
    shape = tuple(image_shape)
    if shape[2:] == (1,):
        shape = shape[:2]
    if len(shape) not in (2, 3) or shape[2:] not in ((), (3,)):
        raise ShapeError(f"an image has the shape (H, W) or (H, W, 3), not {tuple(image_shape)}")
    if math.prod(array.shape[1:]) != math.prod(shape):
        raise ShapeError(f"images of shape {shape} have {math.prod(shape)} numbers, and the rows have {array[:1].size}")
    return array.reshape(len(array), *shape)


def show_image(axes: Any, image: Array) -> None:
    """Draw one image on axes without ticks: dark to light from its smallest to its largest number; NaN stays white."""
    finite = image[np.isfinite(image)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    shown = (image - low) / ((high - low) or 1.0)
    axes.imshow(shown, cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest")
    without_ticks(axes)


def without_ticks(axes: Any) -> None:
    """Take ticks and frame away, as befits an image."""
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)


def open_frame(axes: Any) -> None:
    """Keep the left and the lower line of the frame only, and a light grid behind the data."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(True, color="#E4E4E4", linewidth=0.8)
    axes.set_axisbelow(True)


def message_only(text: str, width: float = 6.0, height: float = 2.5) -> "Figure":
    """A figure that says one sentence, where there is nothing to draw."""
    figure = new_figure(width, height)
    axes = figure.add_subplot()
    without_ticks(axes)
    axes.text(0.5, 0.5, plain(text), ha="center", va="center", fontsize=14, color=GREY, transform=axes.transAxes)
    return figure


def grid_of(count: int) -> tuple[int, int]:
    """(rows, columns) for this many tiles: square or wider, with as few empty places as can be."""
    choices = range(math.ceil(math.sqrt(count)), math.ceil(math.sqrt(2 * count)) + 1)
    columns = min(choices, key=lambda columns: -count % columns)
    return math.ceil(count / columns), columns


def tile_height(images: Array, width: float) -> float:
    """How high, in inches, images (N, H, W, ...) of this width are drawn; very long ones are drawn narrower."""
    ratio: float = images.shape[1] / images.shape[2]
    return width * min(max(ratio, 0.3), 3.0)


def counted(number: int, what: str) -> str:
    """`1 image`, `2 images`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """Two digits; what is not quite all is not called 100, and what is not quite nothing is not called 0."""
    if share < 0.0005:
        return "< 0.1 %"
    if share < 0.0995 or 0.995 <= share < 1:
        return f"{min(100 * share, 99.9):.1f} %"
    return f"{100 * share:.0f} %"
