"""The confusion matrix: which classes are taken for which others."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array, numeric_array
from ..errors import DataError, ShapeError
from .base import BLUE, GREY, VERMILION, class_names, new_figure, percent, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def confusion_picture(matrix: ArrayLike, labels: Sequence[object] | None = None, *, title: str | None = None) -> "Figure":
    """Rows are the true classes, columns the predicted ones; each cell has its count and its share of the row.

    Right answers, on the diagonal, are blue, mistakes orange; the depth of the colour is the share of the row, for mistakes
    its square root, so that one mistake in a hundred can be seen. The shares are written out for up to 12 classes, and the
    counts for up to 40: ten thousand numbers can neither be read nor be drawn in a second.

    Parameters
    ----------
    matrix : (C, C) array of counts
        matrix[t, p] rows of true class t were predicted as p.
    labels : optional
        One name per class.

    Raises
    ------
    ShapeError, DataError
        When the matrix is not square, or holds negative numbers or NaN.
    """
    counts = checked_counts(matrix)
    size = len(counts)
    names = class_names(labels, size)
    rows = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, rows, out=np.zeros_like(counts), where=rows > 0)
    cell = 0.72 if size <= 12 else max(0.3, 0.52 - 0.008 * size)
    margin = 0.085 * min(26, max(len(name) for name in names))
    side = max(2.4, cell * size) + margin
    right, total = float(np.trace(counts)), float(counts.sum())
    accuracy = f": {100 * right / total:.1f} % right ({right:.0f} of {total:.0f})" if total else ": no rows"
    figure = new_figure(max(4.6, side + 1.0), side + 1.0, title or f"Confusion matrix{accuracy}")
    axes = figure.add_subplot()
    axes.imshow(_colours(share), interpolation="nearest")
    for true in range(size):
        for said in range(size):
            if counts[true, said] == 0 or size > 40:
                continue
            text = f"{counts[true, said]:.0f}"
            if size <= 12:
                text += f"\n{percent(share[true, said])}"
            dark = share[true, said] > 0.7  # of the colour that is the square root of the share, white is legible later
            small = (9 if len(text) < 12 else 8) if size <= 12 else (7 if size <= 20 else 6)
            axes.text(
                said,
                true,
                text,
                ha="center",
                va="center",
                fontsize=small,
                color="white" if dark else "black",
                linespacing=1.1,
            )
    shown = [plain(name, 26) for name in names]
    font = 9 if size <= 20 else 8
    turn = 0.085 * min(26, max(len(name) for name in names)) > 0.9 * max(2.4 / size, cell)  # inches: the label, the cell
    axes.set_xticks(range(size), shown, rotation=90 if turn else 0, fontsize=font)
    missing = [f"{name} (no rows)" if rows[index, 0] == 0 else name for index, name in enumerate(shown)]
    axes.set_yticks(range(size), missing, fontsize=font)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_xticks(np.arange(size + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(size + 1) - 0.5, minor=True)
    axes.grid(True, which="minor", color="#DDDDDD", linewidth=0.6)
    axes.tick_params(which="minor", length=0)
    for line in axes.spines.values():
        line.set(color=GREY, linewidth=0.8)
    return figure


def checked_counts(matrix: ArrayLike) -> Array:
    """The matrix as float64, square and without negative numbers."""
    counts = numeric_array(matrix, "the confusion matrix", np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.size == 0:
        raise ShapeError(f"a confusion matrix has one row and one column per class, received {counts.shape}")
    if not (counts >= 0).all() or np.isinf(counts).any():
        raise DataError("a confusion matrix holds counts: negative numbers, NaN and infinities are none")
    return counts


def _colours(share: Array) -> Array:
    """(C, C, 3): from white to blue on the diagonal, from white to vermilion beside it."""
    from matplotlib.colors import to_rgb

    right = np.eye(len(share), dtype=bool)[:, :, None]
    full = np.where(right, to_rgb(BLUE), to_rgb(VERMILION))
    depth = np.where(right[:, :, 0], share, np.sqrt(share))[:, :, None]
    return 1.0 - depth * (1.0 - full)
