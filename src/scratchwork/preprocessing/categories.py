"""Categories as columns of zeros and ones."""

import json
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array, numeric_array, require_finite
from ..errors import DataError, FileFormatError, ShapeError
from .base import Axes, Transformer, checked_names, rows_like


class OneHot(Transformer):
    """One column per category, with a 1 where the row has it.

    ::

        Forward   y_nc = 1 if x_n = category c, else 0
        Inverse   x_n = category argmax_c y_nc      (so a row of probabilities gives the likeliest category)
        Shapes    x (N,) or (N, 1)   y (N, C) float32

    The categories are those of the training rows, sorted: numbers, booleans or text.

    Raises
    ------
    DataError
        In `fit` for NaN, empty or mixed columns; in `transform` for a category that the training rows did not have.

    Attributes
    ----------
    categories_ : (C,)

    Examples
    --------
    >>> colour = OneHot().fit(["red", "green", "red", "blue"])
    >>> colour.categories_.tolist()
    ['blue', 'green', 'red']
    >>> colour.transform(["green"])
    array([[0., 1., 0.]], dtype=float32)
    >>> colour.inverse_transform([[0.1, 0.2, 0.7]]).tolist()
    ['red']
    """

    learned: ClassVar[Axes] = {"categories_": ("C",)}
    categories_: Array

    def fit(self, x: ArrayLike) -> "OneHot":
        column = category_column(x)
        if len(column) == 0:
            raise DataError("x is empty: there are no categories to learn")
        require_finite(column, "x")
        self.categories_ = np.unique(column)
        return self

    def transform(self, x: ArrayLike) -> Array:
        self.require_fitted()
        column = category_column(x)
        known = self.categories_
        if len(column) and (column.dtype.kind == "U") != (known.dtype.kind == "U"):
            kinds = ("text", "numbers") if column.dtype.kind == "U" else ("numbers", "text")
            raise DataError(f"x holds {kinds[0]}, and the categories that were learned are {kinds[1]}")
        index = np.minimum(np.searchsorted(known, column), len(known) - 1) if len(column) else np.zeros(0, np.intp)
        unknown = np.flatnonzero(known[index] != column) if len(column) else index
        if len(unknown):
            row = int(unknown[0])
            shown = ", ".join(repr(value) for value in known[:10].tolist()) + (", ..." if len(known) > 10 else "")
            raise DataError(
                f"row {row} of x has the category {column[row].item()!r}, which no training row had "
                f"({len(unknown)} such row{'s' * (len(unknown) > 1)} in all): the categories are {shown}"
            )
        y = np.zeros((len(column), len(known)), np.float32)
        y[np.arange(len(column)), index] = 1.0
        return y

    def inverse_transform(self, y: ArrayLike) -> Array:
        self.require_fitted()
        rows = rows_like(y, (len(self.categories_),), "y")
        require_finite(rows, "y")
        chosen: Array = self.categories_[rows.argmax(axis=1)]
        return chosen

    def state(self) -> dict[str, Array]:
        """What `fit` learned. Text is stored as the bytes of a JSON list: array files know numbers only."""
        self.require_fitted()
        if self.categories_.dtype.kind == "U":
            text = json.dumps(self.categories_.tolist(), ensure_ascii=False)
            return {"categories_json_": np.frombuffer(text.encode("utf-8"), np.uint8)}
        return {"categories_": self.categories_}

    def load_state(self, state: Mapping[str, Array]) -> None:
        if "categories_json_" in state:
            checked_names(self, state, {"categories_json_": ()})
            categories = self._parsed(np.asarray(state["categories_json_"]))
        else:
            checked_names(self, state, self.learned)
            categories = np.array(state["categories_"])
        numbers = categories.dtype.kind in "biuf" and bool(np.isfinite(categories).all())
        valid = categories.ndim == 1 and len(categories) > 0 and (numbers or categories.dtype.kind == "U")
        if not valid or not (categories[1:] > categories[:-1]).all():
            raise FileFormatError(f"the state of {self!r} is damaged: its categories are no sorted list of numbers or texts")
        self.categories_ = categories

    def _parsed(self, data: Array) -> Array:
        try:
            values = json.loads(data.astype(np.uint8).tobytes().decode("utf-8"))
        except (UnicodeDecodeError, ValueError):
            values = None
        if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
            raise FileFormatError(f"the state of {self!r} is damaged: its categories are no list of texts")
        return np.array(values, dtype=np.str_)


def category_column(x: ArrayLike) -> Array:
    """`x` as one flat column of numbers or of text, never of both."""
    try:
        column = np.asarray(x)
    except ValueError:
        raise DataError("x has rows of different lengths: a column has one value in each") from None
    if column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if column.ndim != 1:
        raise ShapeError(f"expected one column of shape (N,) or (N, 1), received {column.shape}")
    if column.dtype == object and len(column) and all(isinstance(value, str) for value in column):
        column = column.astype(np.str_)
    if column.dtype.kind == "S":
        column = np.char.decode(column, "utf-8")
    return column if column.dtype.kind == "U" else numeric_array(column, "x")
