"""Lines over epochs, and the statistics of activations over layers."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..errors import DataError
from .base import BLUE, COLOURS, GREY, MARKERS, VERMILION, message_only, new_figure, open_frame, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HIGHER_IS_BETTER = ("accuracy", "precision", "recall", "f1", "r2", "auc", "top_")  # parts of names: of the library's, and alike


def learning_curves(history: Mapping[str, Sequence[float | None]], *, title: str | None = None) -> "Figure":
    """One panel for the loss, one per metric, and one for the learning rate where it changes; training and validation together.

    The best epoch of each panel is marked: that of the lowest loss, or of the highest accuracy (precision, recall, f1, r2,
    auc, top_k), on the validation rows where there are any. A loss that falls to less than a twentieth gets a logarithmic axis.
    Values that are missing or not finite leave a gap.

    Parameters
    ----------
    history : mapping of lists
        What `fit` returns: "loss", "val_loss", "accuracy", "val_accuracy", "learning_rate", ...
    """
    series = {str(name): _numbers(history[name]) for name in history}
    metrics = [name for name in series if name not in ("loss", "learning_rate", "seconds", "epoch", "step")]
    metrics = [name for name in metrics if not (name.startswith("val_") and name[4:] in series)]
    panels = [name for name in ("loss", *metrics) if name in series and len(series[name])]
    rate = series.get("learning_rate", np.zeros(0))
    if len(rate) and np.isfinite(rate).any() and np.nanmin(rate) != np.nanmax(rate):
        panels.append("learning_rate")
    if not panels:
        return message_only("No epochs to draw yet")

    columns = min(len(panels), 3)
    rows = math.ceil(len(panels) / columns)
    figure = new_figure(max(5.4, 4.6 * columns), 3.5 * rows + (0.3 if title else 0), title)
    grid = figure.subplots(rows, columns, squeeze=False).flat
    for axes, name in zip(grid, panels, strict=False):
        lines = {"training": series[name]}
        if f"val_{name}" in series:
            lines["validation"] = series[f"val_{name}"]
        elif name.startswith("val_"):
            lines = {"validation": series[name]}
        _curve_panel(axes, name, lines)
    for axes in list(grid)[len(panels) :]:
        axes.set_axis_off()
    return figure


def _numbers(values: Sequence[float | None]) -> Array:
    array = np.array([math.nan if value is None else value for value in values], np.float64)
    array[~np.isfinite(array)] = np.nan
    return array


def _curve_panel(axes: Any, name: str, lines: Mapping[str, Array]) -> None:
    everything = np.concatenate(list(lines.values()))
    finite = everything[np.isfinite(everything)]
    logarithmic = len(finite) > 0 and finite.min() > 0 and finite.max() > 20 * finite.min() and not _rises(name)
    if logarithmic:
        axes.set_yscale("log")
    open_frame(axes)
    axes.set_title(plain(name.removeprefix("val_").replace("_", " ")) + (" (logarithmic)" if logarithmic else ""), fontsize=11)
    axes.set_xlabel("epoch")
    epochs = max(len(values) for values in lines.values())
    space = 0.5 if epochs <= 12 else 0.02 * epochs
    axes.set_xlim(1 - space, epochs + space)
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    for (label, values), colour in zip(lines.items(), (BLUE, VERMILION), strict=False):
        marker = "o" if epochs <= 12 else None
        axes.plot(np.arange(1, len(values) + 1), values, color=colour, linewidth=1.8, marker=marker, markersize=4, label=label)
    if len(finite) == 0:
        axes.text(0.5, 0.5, "no finite values", ha="center", va="center", transform=axes.transAxes, color=GREY)
        return
    if name == "learning_rate":
        return
    if len(lines) > 1 or name.startswith("val_"):
        _direct_labels(axes, lines)
    _mark_best(axes, name, list(lines.values())[-1])


def _rises(name: str) -> bool:
    return any(word in name.lower() for word in HIGHER_IS_BETTER)


def _direct_labels(axes: Any, lines: Mapping[str, Array]) -> None:
    """The name of each line at its right end, pushed apart where the ends are close."""
    axes.set_ylim(axes.get_ylim())  # settles the limits, on which the heights below depend
    ends: list[tuple[float, str, str]] = []
    for (label, values), colour in zip(lines.items(), (BLUE, VERMILION), strict=False):
        last = np.flatnonzero(np.isfinite(values))
        if len(last):
            height = axes.transAxes.inverted().transform(axes.transData.transform((1, values[last[-1]])))[1]
            ends.append((float(height), label, colour))
    ends.sort()
    heights = [end[0] for end in ends]
    if len(ends) == 2 and heights[1] - heights[0] < 0.08:
        middle = sum(heights) / 2
        heights = [middle - 0.04, middle + 0.04]
    for height, (_, label, colour) in zip(heights, ends, strict=True):
        axes.annotate(
            label, (1.01, height), xycoords="axes fraction", color=colour, fontsize=9, va="center", annotation_clip=False
        )


def _mark_best(axes: Any, name: str, values: Array) -> None:
    if len(values) < 2 or not np.isfinite(values).any():
        return
    best = int(np.nanargmax(values) if _rises(name) else np.nanargmin(values))
    value = float(values[best])
    axes.axvline(best + 1, color=GREY, linewidth=0.9, linestyle=":")
    axes.plot([best + 1], [value], marker="o", markersize=8, markerfacecolor="none", markeredgecolor="black", linestyle="none")
    early = best + 1 <= len(values) / 2
    text = f" epoch {best + 1}: {value:.4g} " if abs(value) < 1000 else f" epoch {best + 1}: {value:.3e} "
    height = 0.04 if _rises(name) else 0.96  # where the curve of a metric that ends up here has left room
    axes.annotate(
        "best" + text,
        (best + 1, height),
        xycoords=("data", "axes fraction"),
        ha="left" if early else "right",
        va="bottom" if _rises(name) else "top",
        fontsize=9,
        bbox={"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
    )


def activation_statistics(stats: Mapping[str, Sequence[Any]], *, title: str | None = None) -> "Figure":
    """How activations are spread in each layer, for several initializers: do they die out, explode, or stay alive?

    Parameters
    ----------
    stats : mapping from a name to one entry per layer
        An entry is the layer's activations (an array of any shape), or the pair (mean, standard deviation). With arrays,
        each name has a row of histograms; in any case the standard deviation is drawn over the layers, for all names.

    Raises
    ------
    DataError
        When there is nothing to draw, or names differ in whether they give arrays or pairs.
    """
    if not stats or not all(len(layers) for layers in stats.values()):
        raise DataError("activation_statistics needs at least one name, with one entry per layer each")
    pairs = [isinstance(entry, tuple) and len(entry) == 2 for layers in stats.values() for entry in layers]
    if any(pairs) and not all(pairs):
        raise DataError(
            "activation_statistics needs either an array per layer or (mean, standard deviation) per layer, not both"
        )
    if all(pairs):
        means = {name: np.array([float(mean) for mean, _ in layers]) for name, layers in stats.items()}
        spreads = {name: np.array([float(spread) for _, spread in layers]) for name, layers in stats.items()}
        figure = new_figure(10.0, 3.8, title or "Activations per layer")
        left, right = figure.subplots(1, 2)
        _layer_lines(left, means, "mean")
        left.get_legend().remove()
        _layer_lines(right, spreads, "standard deviation")
        return figure

    arrays = {name: [np.asarray(entry, np.float64).reshape(-1) for entry in layers] for name, layers in stats.items()}
    depth = max(len(layers) for layers in arrays.values())
    width, height = max(7.0, 1.75 * depth + 1.8), 1.25 * len(arrays) + 3.6
    figure = new_figure(width, height, title or "Activations per layer")
    upper, lower = figure.subfigures(2, 1, squeeze=False, height_ratios=(1.25 * len(arrays) + 0.4, 2.9)).flat
    upper.set_facecolor("white")
    grid = upper.subplots(len(arrays), depth, squeeze=False)
    for row, ((name, layers), colour) in enumerate(zip(arrays.items(), _cycle(len(arrays)), strict=True)):
        for column in range(depth):
            axes = grid[row, column]
            if column >= len(layers):
                axes.set_axis_off()
                continue
            _histogram(axes, layers[column], colour)
            if row == 0:
                axes.set_title(f"layer {column + 1}", fontsize=9)
        grid[row, 0].set_ylabel(plain(name, 18), fontsize=9, rotation=0, ha="right", va="center")
    spreads = {
        name: np.array([_finite(layer).std() if _finite(layer).size else np.nan for layer in layers])
        for name, layers in arrays.items()
    }
    _layer_lines(lower.subplots(), spreads, "standard deviation")
    return figure


def _finite(values: Array) -> Array:
    return values[np.isfinite(values)]


def _cycle(count: int) -> list[str]:
    return [COLOURS[index % len(COLOURS)] for index in range(count)]


def _histogram(axes: Any, values: Array, colour: str) -> None:
    finite = _finite(values)
    axes.set_yticks([])
    axes.tick_params(labelsize=7)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.locator_params(axis="x", nbins=3)
    axes.xaxis.set_major_formatter("{x:.2g}")
    if finite.size == 0:
        axes.text(0.5, 0.5, "no finite values", ha="center", va="center", fontsize=7, transform=axes.transAxes)
        return
    zeros = float(np.mean(finite == 0))
    drawn = finite[finite != 0] if 0 < zeros < 1 else finite  # a column of exact zeros would flatten all others
    low, high = float(drawn.min()), float(drawn.max())
    if high - low <= 1e-12 * max(abs(low), abs(high), 1e-300):
        axes.axvline(low, color=colour, linewidth=3)
        axes.set_xlim(low - max(1.0, abs(low)), low + max(1.0, abs(low)))
    else:
        axes.hist(drawn, bins=30, color=colour)
    text = f"σ {finite.std():.2g}" + (f"\n{100 * zeros:.0f} % zero" if zeros > 0 else "")
    axes.text(
        0.99, 0.98, text, ha="right", va="top", fontsize=7, transform=axes.transAxes,
        bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75},
    )  # fmt: skip


def _layer_lines(axes: Any, lines: Mapping[str, Array], what: str) -> None:
    values = np.concatenate([_finite(line) for line in lines.values()])
    positive = values[values > 0]
    logarithmic = len(positive) > 0 and values.min() >= 0 and positive.max() > 20 * positive.min()
    if logarithmic:
        axes.set_yscale("log")
    open_frame(axes)
    for index, ((name, line), colour) in enumerate(zip(lines.items(), _cycle(len(lines)), strict=True)):
        marker = MARKERS[index % len(MARKERS)]
        label = plain(name, 24) + (" (all 0)" if not line.any() else "")
        drawn = np.where(line > 0, line, np.nan) if logarithmic else line
        axes.plot(np.arange(1, len(line) + 1), drawn, color=colour, marker=marker, markersize=5, label=label)
    axes.set_xlabel("layer")
    axes.set_ylabel(what)
    axes.set_xticks(range(1, max(len(line) for line in lines.values()) + 1))
    axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
