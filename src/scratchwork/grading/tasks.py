"""The rows and targets that programs are asked with, in every form in which they take them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Array
from .known import one_hot


@dataclass
class Task:
    """A small batch, in every form in which programs take one."""

    x: Array
    labels: Array
    classes: int

    @property
    def hot(self) -> Array:
        """The targets as rows: one-hot, or one column of 0 and 1."""
        if self.classes == 1:
            return self.labels[:, None].astype(float)
        return one_hot(self.labels, self.classes)

    def rows(self, layout: str) -> Array:
        """x as the program wants it."""
        return np.array({"columns": self.x.T, "vector": self.x[0]}.get(layout, self.x))

    def targets(self, form: str, layout: str) -> Array:
        """y as the program wants it."""
        hot = self.hot
        forms = {
            "hot": {"columns": hot.T, "vector": hot[0]}.get(layout, hot),
            "labels": self.labels,
            "label row": self.labels[None],
            "label column": self.labels[:, None],
            "label": self.labels[0],
        }
        return np.array(forms[form])

    def part(self, rows: slice) -> Task:
        """Some of its rows."""
        return Task(self.x[rows], self.labels[rows], self.classes)


def rows_for(*sizes: int) -> int:
    """A number of rows that is no other size of the network, and enough for every class."""
    candidates = (7, 11, 13, 17, 19, 23, 29, 31, 37, 41, *range(43, 9999, 2))
    return next(int(rows) for rows in candidates if rows > sizes[-1] and rows not in sizes)


def make_task(rows: int, features: int, classes: int, seed: int = 3) -> Task:
    """Rows that can be told apart, with every class among them."""
    rng = np.random.default_rng(seed)
    labels = np.arange(rows) % max(classes, 2)
    rng.shuffle(labels)
    return Task(rng.normal(size=(rows, features)), labels, classes)
