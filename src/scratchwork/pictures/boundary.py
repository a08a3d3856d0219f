"""Problems that can be drawn whole: two features and a class, or one feature and a number."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array, numeric_array, require_finite
from ..errors import ConfigurationError, ShapeError
from .base import COLOURS, GREY, MARKERS, VERMILION, class_names, class_numbers, new_figure, open_frame, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def decision_boundary(
    predict: Callable[[Array], ArrayLike] | Any,
    x: ArrayLike,
    y: ArrayLike,
    *,
    labels: Sequence[object] | None = None,
    resolution: int = 250,
    title: str | None = None,
) -> "Figure":
    """Which class is predicted where in the plane, with the points themselves; misread points are ringed.

    The tint of a region is the deeper the more certain its class is there, where `predict` gives probabilities.

    Parameters
    ----------
    predict : callable, or an object with a `predict` method
        From points (M, 2) to scores or probabilities (M, C); one column is a probability or score of class 1, cut at 1/2
        where all values lie in 0..1, and at 0 otherwise. Whole numbers (M,), or names from `labels`, are the classes.
    x : (N, 2)
    y : (N,) class numbers, names from `labels`, or one-hot rows (N, C)
    labels : optional
        The names of the classes; those of a model that has names need not be given again.
    resolution : int ≥ 2
        Points along each side of the drawn grid.

    Raises
    ------
    ShapeError
        When x has not two columns, or `predict` gives another number of rows than it was given.
    """
    known = getattr(predict, "labels", None)
    if labels is None and known and all(isinstance(label, str) for label in known):
        labels = known
    points, truth = _checked_points(x, y, labels)
    if resolution < 2:
        raise ConfigurationError(f"decision_boundary needs resolution >= 2; received {resolution!r}")
    low, high = points.min(axis=0).astype(float), points.max(axis=0).astype(float)
    margin = 0.08 * np.where(high > low, high - low, 1.0)
    low, high = low - margin, high + margin
    across, up = (np.linspace(low[i], high[i], resolution) for i in range(2))
    mesh = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    dtype = points.dtype if points.dtype.kind == "f" else np.dtype(np.float32)

    both = np.concatenate([mesh.astype(dtype), points.astype(dtype)])
    classes, certainty = _classes(_called(predict, both, labels))
    said = classes[len(mesh) :]
    classes, certainty = (part[: len(mesh)].reshape(resolution, resolution) for part in (classes, certainty))

    figure = new_figure(
        6.4, 5.0, title or f"Decision boundary: {100 * np.mean(said == truth):.1f} % of {len(points)} points right"
    )
    axes = figure.add_subplot()
    axes.imshow(_tints(classes, certainty), origin="lower", extent=(low[0], high[0], low[1], high[1]), aspect="auto")
    for number in np.unique(classes):
        if (classes != number).any():
            axes.contour(across, up, classes == number, levels=[0.5], colors="black", linewidths=0.9)
    _scatter(axes, points, truth, said, labels)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    axes.set_xlabel("x₁")
    axes.set_ylabel("x₂")
    axes.legend(fontsize=9, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _checked_points(x: ArrayLike, y: ArrayLike, labels: Sequence[object] | None) -> tuple[Array, Array]:
    """The points (N, 2), and their classes as numbers."""
    points = numeric_array(x, "x")
    if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
        raise ShapeError(f"decision_boundary draws rows of two features, shape (N, 2); received x of shape {points.shape}")
    require_finite(points, "x")
    truth = class_numbers(y, labels, "y")
    if len(truth) != len(points):
        raise ShapeError(f"x has {len(points)} rows and y has {len(truth)}: they need to be as many")
    return points, truth


def _scatter(axes: Any, points: Array, truth: Array, said: Array, labels: Sequence[object] | None) -> None:
    """The points, with a colour and a sign per class, and rings around those that are misread."""
    names = class_names(labels, int(truth.max()) + 1 if labels is None else len(labels))
    size = 26 if len(points) <= 400 else 12
    for number in np.unique(truth):
        across, up = points[truth == number].T
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        look = {"s": size, "c": colour, "marker": marker, "edgecolors": "white", "linewidths": 0.5}
        axes.scatter(across, up, **look, label=plain(names[number], 18))
    wrong = said != truth
    if wrong.any():
        ring = {"s": 3.2 * size, "facecolors": "none", "edgecolors": "black", "linewidths": 1.0}
        axes.scatter(points[wrong, 0], points[wrong, 1], **ring, label=f"misread ({wrong.sum()})")


def _called(predict: Any, rows: Array, labels: Sequence[object] | None = None) -> Array:
    """What `predict` (a function, or an object that has one) gives for the rows, as an array with as many."""
    values = np.asarray(getattr(predict, "predict", predict)(rows))
    if values.ndim not in (1, 2) or len(values) != len(rows):
        raise ShapeError(f"predict was given {len(rows)} rows and gave back an array of shape {values.shape}")
    named = values.dtype.kind in "US" or (labels is not None and values.ndim == 1 and values.dtype.kind in "iu")
    return class_numbers(values, labels, "the prediction") if named else numeric_array(values, "the prediction")


def _classes(prediction: Array) -> tuple[Array, Array]:
    """(class number, certainty 0..1) for scores, probabilities or class numbers."""
    if prediction.ndim == 1 and prediction.dtype.kind in "bui":
        return prediction.astype(np.intp), np.full(len(prediction), 0.5)
    require_finite(prediction, "the prediction")
    scores = prediction.reshape(len(prediction), -1).astype(np.float64)
    fractions = bool(scores.min() >= 0 and scores.max() <= 1)
    if scores.shape[1] == 1:
        score = scores[:, 0]
        classes = (score > (0.5 if fractions else 0.0)).astype(np.intp)
        return classes, np.abs(2 * score - 1) if fractions else np.full(len(score), 0.5)
    classes = scores.argmax(axis=1)
    if not fractions or not np.allclose(scores.sum(axis=1), 1.0, atol=1e-3):
        return classes, np.full(len(scores), 0.5)
    least = 1.0 / scores.shape[1]
    return classes, (scores.max(axis=1) - least) / (1.0 - least)


def _tints(classes: Array, certainty: Array) -> Array:
    """(H, W, 3): the class's colour mixed with white, light where its class is uncertain."""
    from matplotlib.colors import to_rgb

    colours = np.array([to_rgb(colour) for colour in COLOURS])[classes % len(COLOURS)]
    depth = (0.08 + 0.32 * certainty)[:, :, None]
    tints: Array = 1.0 - depth * (1.0 - colours)
    return tints


def fit_curve(
    predict: Callable[[Array], ArrayLike] | Any,
    x: ArrayLike,
    y: ArrayLike,
    *,
    resolution: int = 500,
    title: str | None = None,
) -> "Figure":
    """The points of a regression on one feature, and the curve that was fitted, drawn a little beyond them.

    Parameters
    ----------
    predict : callable, or an object with a `predict` method
        From rows (M, 1) to one number each, (M,) or (M, 1).
    x, y : (N,) or (N, 1)
    resolution : int ≥ 2
        Points along the curve.

    Raises
    ------
    ShapeError, DataError
        When x or y is not one column, or they differ in length.
    """
    feature, target = _column(x, "x"), _column(y, "y")
    if len(feature) != len(target) or len(feature) == 0:
        raise ShapeError(f"x has {len(feature)} rows and y has {len(target)}: they need to be as many, and at least one")
    if resolution < 2:
        raise ConfigurationError(f"fit_curve needs resolution >= 2; received {resolution!r}")
    low, high = float(feature.min()), float(feature.max())
    margin = 0.05 * ((high - low) or 1.0)
    across = np.linspace(low - margin, high + margin, resolution)
    dtype = feature.dtype if feature.dtype.kind == "f" else np.dtype(np.float32)
    curve = _called(predict, across.astype(dtype)[:, None]).reshape(resolution, -1)
    fitted = _called(predict, feature.astype(dtype)[:, None]).reshape(len(feature), -1)
    if curve.shape[1] != 1:
        raise ShapeError(f"fit_curve draws one number per row, and predict gave {curve.shape[1]}")
    error = float(np.sqrt(np.mean(np.square(fitted[:, 0].astype(np.float64) - target))))

    figure = new_figure(7.0, 4.2, title or f"Fit: root mean squared error {error:.3g}")
    axes = figure.add_subplot()
    open_frame(axes)
    size = 14 if len(feature) <= 300 else 5
    axes.scatter(feature, target, s=size, color=GREY, alpha=0.6, linewidths=0, label="data")
    axes.axvspan(low - margin, low, color="#F1F1F1", linewidth=0)
    axes.axvspan(high, high + margin, color="#F1F1F1", linewidth=0, label="beyond the data")
    axes.plot(across, curve[:, 0], color=VERMILION, linewidth=2.0, label="prediction")
    axes.set_xlim(low - margin, high + margin)
    axes.set_xlabel("x")
    axes.set_ylabel("y")
    axes.legend(fontsize=9, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _column(values: ArrayLike, name: str) -> Array:
    array = numeric_array(values, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ShapeError(f"fit_curve draws one column, and {name} has the shape {array.shape}")
    require_finite(array, name)
    return array
