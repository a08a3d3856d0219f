"""What every reader and every built-in set returns: the arrays, and what one needs to know to show them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..arrays import Array, numeric_array, require_finite
from ..errors import ConfigurationError, DataError

Task = Literal["auto", "classification", "regression"]

MOST_GUESSED_CLASSES = 20
"""Whole numbers with more distinct values than this are taken for amounts, unless the column or the caller says classes."""


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Rows and their targets, with names.

    x              (N, D) floats; images lie flat, row by row, as D = H·W or H·W·C numbers
    y              (N,) class numbers (int64) where `labels` is given, otherwise (N,) floats, or (N, K) for K targets;
                   None where rows were read without a target
    name           what the set is called
    feature_names  D names; x0, x1, … (pixel0, … for images) where none are given
    target_name    what y is
    labels         the class names in order: class k is `labels[k]`; None for regression
    image_shape    (H, W) or (H, W, C), where a row is an image
    source         where it comes from, and under which terms
    x_test, y_test the held-out part of sets that come split (MNIST, CIFAR-10)
    rows           which rows of the file these are, where some were left out because they have no target
    without_target how many those are

    Every reader gives floats with the values of the file, unscaled: a model is meant to take raw rows and to carry its own
    preprocessing. Not the bytes of an image file, though they are a quarter of the size: arithmetic on bytes wraps
    around (200 + 100 = 44), and the network would turn them to floats anyway.

    >>> Dataset(np.zeros((4, 2), np.float32), np.array([0, 1, 1, 0]), name="xor", labels=("0", "1"))
    Dataset 'xor': 4 rows × 2 features (float32), 2 classes
    """

    x: Array
    y: Array | None
    name: str = "data"
    feature_names: tuple[str, ...] = ()
    target_name: str = "y"
    labels: tuple[str, ...] | None = None
    image_shape: tuple[int, ...] | None = None
    source: str = ""
    x_test: Array | None = None
    y_test: Array | None = None
    rows: Array | None = None
    without_target: int = 0

    def __post_init__(self) -> None:
        columns = self.x.shape[1] if self.x.ndim == 2 else 0
        if self.x.ndim != 2 or (self.y is not None and len(self.y) != len(self.x)):
            targets = "no y" if self.y is None else f"y of shape {self.y.shape}"
            raise DataError(f"{self.name}: x of shape {self.x.shape} and {targets} are not rows and their targets")
        if not self.feature_names:
            stem = "x" if self.image_shape is None else "pixel"
            object.__setattr__(self, "feature_names", tuple(f"{stem}{i}" for i in range(columns)))
        if len(self.feature_names) != columns:
            raise DataError(f"{self.name}: {len(self.feature_names)} feature names for {columns} features")

    def __len__(self) -> int:
        return len(self.x)

    @property
    def task(self) -> str:
        """`"multiclass"` where y holds class numbers, otherwise `"regression"`."""
        return "multiclass" if self.labels is not None else "regression"

    def __repr__(self) -> str:
        parts = [f"{len(self.x):,} rows × {self.x.shape[1]} features ({self.x.dtype})"]
        if self.image_shape is not None:
            parts.append("images " + "×".join(map(str, self.image_shape)))
        if self.labels is not None:
            parts.append(f"{len(self.labels)} classes")
        elif self.y is not None:
            parts.append(f"target {self.target_name!r}")
        if self.x_test is not None:
            parts.append(f"{len(self.x_test):,} test rows")
        return f"Dataset {self.name!r}: " + ", ".join(parts)


def as_features(values: Array, name: str = "x") -> Array:
    """Numbers as float32 where that holds every one of them exactly, as all pixels and small counts, otherwise as float64.

    A time stamp of 1.7e9 seconds would be rounded to 128 s by float32, before any preprocessing could subtract the mean.
    """
    values = numeric_array(values, name)
    if values.dtype == np.float32:
        return values
    with np.errstate(over="ignore", invalid="ignore"):  # a signalling NaN is invalid to look at
        small: Array = values.astype(np.float32)
    if values.dtype.kind == "b" or values.dtype.itemsize == 1 or values.dtype == np.float16:
        return small
    exact = np.array_equal(small, values, equal_nan=values.dtype.kind == "f")
    return small if exact else values.astype(np.float64, copy=False)


def flat_images(values: Array, name: str = "x") -> tuple[Array, tuple[int, ...] | None]:
    """(rows, image shape): (N, H, W) and (N, H, W, C) become (N, D) and the shape of one image; (N, D) stays as it is."""
    if values.ndim == 1:
        return values[:, None], None
    if values.ndim == 2:
        return values, None
    if values.ndim == 3 or (values.ndim == 4 and values.shape[3] <= 4):
        return values.reshape(len(values), math.prod(values.shape[1:])), values.shape[1:]
    raise DataError(f"{name} of shape {values.shape} is neither rows (N, D) nor images (N, H, W) or (N, H, W, C)")


def encode_target(
    values: Array, name: str = "y", task: Task = "auto", *, named_label: bool = False
) -> tuple[Array, tuple[str, ...] | None]:
    """(y, labels): class numbers 0 … C−1 and the class names in order, or floats and None.

    Text is always classes, in sorted order. Numbers are classes where all are whole and, for `task="auto"`, at most 20
    distinct ones occur (any number where `named_label`: a column called "label" is not an amount). One-hot rows become
    class numbers. Class names of numbers are their digits: 3 and 3.0 are both "3".

    >>> encode_target(np.array(["dog", "cat", "dog"]))
    (array([1, 0, 1]), ('cat', 'dog'))
    >>> encode_target(np.array([2.0, 4.0, 2.0]))
    (array([0, 1, 0]), ('2', '4'))
    >>> encode_target(np.array([0.5, 1.0]))
    (array([0.5, 1. ], dtype=float32), None)
    """
    if task not in ("auto", "classification", "regression"):
        raise ConfigurationError(f"task is 'auto', 'classification' or 'regression'; received {task!r}")
    values = np.asarray(values)
    if values.dtype.kind in "US":
        if task == "regression":
            raise DataError(f"{name} holds text (first {str(values.flat[0])!r}) where a regression needs numbers")
        names, y = np.unique(values, return_inverse=True)
        return y.reshape(values.shape).astype(np.int64), class_names(names)
    values = numeric_array(values, name)
    require_finite(values, name)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if task == "regression":
        return as_features(values, name), None
    if values.ndim == 2 and values.shape[1] > 1 and _one_hot(values):
        return values.argmax(axis=1).astype(np.int64), tuple(str(k) for k in range(values.shape[1]))
    whole = values.ndim == 1 and (values.dtype.kind != "f" or bool((values == np.trunc(values)).all()))
    if not whole:
        if task == "classification":
            raise DataError(f"{name} holds fractions or several columns where a classification needs one class number per row")
        return as_features(values, name), None
    names, y = np.unique(values, return_inverse=True)
    few = len(names) <= MOST_GUESSED_CLASSES and len(names) <= max(2, len(values) // 2)
    if task == "auto" and not (named_label or few or values.dtype.kind == "b"):
        return as_features(values, name), None
    return y.astype(np.int64), class_names(names)


def class_names(values: Iterable[object]) -> tuple[str, ...]:
    """Class names as text: whole numbers without a decimal point, bytes decoded."""
    names = []
    for value in values:
        if isinstance(value, bytes):
            names.append(value.decode("utf-8", "replace"))
        elif isinstance(value, np.floating):
            names.append(str(int(value)))
        else:
            names.append(str(value))
    return tuple(names)


def _one_hot(values: Array) -> bool:
    return bool(((values == 0) | (values == 1)).all() and (values.sum(axis=1) == 1).all())
