"""Pictures made of characters, for a terminal."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array, numeric_array
from ..errors import ConfigurationError
from .base import as_images, class_names, shortened
from .confusion import checked_counts

SHADES = " ░▒▓█"


def text_image(image: ArrayLike, *, image_shape: Sequence[int] | None = None, width: int = 80) -> str:
    """An image as lines of shades, two characters per pixel: dark is blank, light is full.

    Images of more than width/2 columns are shrunk by averaging; colours become their brightness. NaN shows as `?`.

    Parameters
    ----------
    image : (H, W), (H, W, 3), or flat
        Flat images are square unless `image_shape` says otherwise.
    width : int ≥ 2
        The longest line allowed.

    Examples
    --------
    >>> print(text_image([[0, 5, 10], [10, 5, 0]]))
      ▒▒██
    ██▒▒
    """
    if width < 2:
        raise ConfigurationError(f"text_image needs width >= 2; received {width!r}")
    array = numeric_array(image, "the image", np.float64)
    shape = image_shape or (None if array.ndim == 1 else array.shape)
    pixels = as_images(array.reshape(1, -1), shape)[0]
    if pixels.ndim == 3:
        pixels = pixels @ [0.299, 0.587, 0.114]  # how bright red, green and blue look
    pixels = _shrunk(pixels, math.ceil(pixels.shape[1] / (width // 2)))
    finite = pixels[np.isfinite(pixels)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    lines = []
    for row in pixels:
        level = [
            round((len(SHADES) - 1) * (value - low) / ((high - low) or 1.0)) if np.isfinite(value) else -1 for value in row
        ]
        lines.append("".join("??" if step < 0 else 2 * SHADES[step] for step in level).rstrip())
    return "\n".join(lines)


def _shrunk(pixels: Array, factor: int) -> Array:
    """Means over squares of factor × factor pixels; at the right and lower edge over what is left."""
    if factor <= 1:
        return pixels
    starts = [np.arange(0, length, factor) for length in pixels.shape]
    sums = np.add.reduceat(np.add.reduceat(pixels, starts[0], axis=0), starts[1], axis=1)
    sizes = [np.diff([*start, length]) for start, length in zip(starts, pixels.shape, strict=True)]
    means: Array = sums / np.outer(*sizes)
    return means


def text_confusion(matrix: ArrayLike, labels: Sequence[object] | None = None, *, width: int = 80) -> str:
    """A confusion matrix as a table: rows are the true classes, columns the predicted ones, `·` is 0.

    Where the table would be wider than `width`, each class gets a line with what it is mistaken for most.

    Examples
    --------
    >>> print(text_confusion([[8, 2], [0, 5]], ["cat", "dog"]))
          predicted
    true  cat  dog   right
     cat    8    2  80.0 %
     dog    ·    5 100.0 %
    """
    counts = checked_counts(matrix)
    names = class_names(labels, len(counts))
    full = [shortened(name, 12) for name in names]
    short = [shortened(name, 5) for name in names]
    for tried, gap in ((full, 2), (full, 1), (short, 2), (short, 1)):
        table = _table(counts, tried, gap)
        if max(map(len, table)) <= width and len(set(tried)) >= len(set(names)):
            return "\n".join(table)
    return "\n".join(_summary(counts, names, width))


def _share(counts: Array, row: int) -> str:
    total = counts[row].sum()
    return f"{100 * counts[row, row] / total:5.1f} %" if total else "no rows"


def _table(counts: Array, names: list[str], gap: int) -> list[str]:
    cells = [[f"{count:.0f}" if count else "·" for count in row] for row in counts]
    widths = [gap + max(len(name), *(len(row[i]) for row in cells)) for i, name in enumerate(names)]
    left = max(4, *map(len, names))
    lines = [" " * (left + gap) + "predicted", "true".rjust(left) + _row(names, widths) + "   right"]
    return lines + [f"{name.rjust(left)}{_row(cells[i], widths)} {_share(counts, i)}" for i, name in enumerate(names)]


def _row(cells: list[str], widths: list[int]) -> str:
    return "".join(cell.rjust(size) for cell, size in zip(cells, widths, strict=True))


def _summary(counts: Array, names: list[str], width: int) -> list[str]:
    left = min(24, max(5, *map(len, names)))
    rows = max(4, len(f"{counts.sum(axis=1).max():.0f}"))
    lines = [f"{'class'.ljust(left)} {'rows'.rjust(rows)}   right  mistaken for"]
    for i, name in enumerate(names):
        wrong = [j for j in np.argsort(-counts[i], kind="stable").tolist() if j != i and counts[i, j] > 0]
        line = f"{shortened(name, left).ljust(left)} {f'{counts[i].sum():.0f}'.rjust(rows)} {_share(counts, i)}  "
        others = [f"{shortened(names[j], 16)} ({counts[i, j]:.0f})" for j in wrong]
        for kept in range(len(others), -1, -1):
            shown = ", ".join(others[:kept] + ["…"] * (kept < len(others)))
            if len(line + shown) <= width:
                break
        lines.append((line + shown).rstrip())
    return lines
