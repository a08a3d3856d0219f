"""What the recipes share: where they may look and write, what they hand back, and MNIST for those that need it."""

import math
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import scratchwork as sw

from ..arrays import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 80
SOURCE, VARIED, WELL = "source", "varied", "well"


@dataclass(frozen=True)
class Setup:
    """How a recipe is run: where data is looked for, where pictures go, whether only to see that it works."""

    name: str
    data_dir: str | Path | None = None
    out: Path | None = None
    quick: bool = False
    seed: int = 0
    pictures: list[Path] = field(default_factory=list)

    def fit(self, network: sw.Sequential, x: Array, y: Array, **settings: Any) -> sw.History:
        """`sw.fit` with its progress; Ctrl-C ends the recipe, whose numbers would be those of a half-trained net.

        On NumPy's path, so that the figures of docs/recipes.md come out wherever Numba is or is not.
        """
        history = sw.fit(network, x, y, progress=not self.quick, engine="numpy", **settings)
        if history.stopped == "interrupted":
            raise KeyboardInterrupt
        return history

    def say(self, what: str) -> None:
        """Name the training that begins now on stderr, above its progress."""
        if not self.quick:
            print(f"{self.name}: {what}", file=sys.stderr, flush=True)

    def picture(self, name: str, draw: Callable[[], "Figure"]) -> None:
        """Draw a picture and write it to the output folder, where there is one."""
        if self.out is not None:
            from ..pictures import save_picture

            path = self.out / f"{self.name}-{name}.png"
            save_picture(draw(), path)
            self.pictures.append(path)

    def seeds(self, count: int) -> list[int]:
        """The seeds of a mean: `count` of them, one where it is quick."""
        return [self.seed + k for k in range(1 if self.quick else count)]

    def few(self, full: int, quick: int) -> int:
        """A number of epochs or rows: `full`, or `quick` where it is quick."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Row:
    """One measured number: of the source's own setting, of a variation of it, or of the same net trained well.

    values   what was measured, once per seed
    stated   what the source prints for it; "" where it prints nothing
    """

    kind: str
    setting: str
    measure: str
    values: tuple[float, ...]
    stated: str = ""
    digits: int = 3

    @property
    def here(self) -> str:
        """The mean of the values, with the spread over seeds (standard deviation) where there are several."""
        mean = f"{float(np.mean(self.values)):.{self.digits}f}"
        return f"{mean} ± {float(np.std(self.values, ddof=1)):.{self.digits}f}" if len(self.values) > 1 else mean


@dataclass(frozen=True)
class Result:
    """What a recipe found: a table of what the source got and what we get, and the remarks that belong to it.

    details   further tables, ready to print
    """

    name: str
    title: str
    rows: tuple[Row, ...]
    details: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    pictures: tuple[Path, ...] = ()
    seconds: float = math.nan

    def table(self) -> str:
        """The rows as text of at most 80 columns; the measures of one setting stand below each other."""
        head = ("setting", "measure", "source", "here")
        numbers = [(row.measure, row.stated or "-", row.here) for row in self.rows]
        widths = [max(len(cells[column]) for cells in (head[1:], *numbers)) for column in range(3)]
        room = min(WIDTH - sum(widths) - 6, max(len(text) for text in ("setting", *(row.setting for row in self.rows))))
        lines, kind = [_line(room, head[0], widths, head[1:])], self.rows[0].kind
        for (this, setting), group in groupby(
            zip(self.rows, numbers, strict=True), lambda pair: (pair[0].kind, pair[0].setting)
        ):
            lines += [""] if this != kind else []
            kind = this
            words = textwrap.wrap(setting, room, subsequent_indent="  ")
            cells = [row for _, row in group]
            lines += [_line(room, text, widths, row or ("", "", "")) for text, row in zip_longest(words, cells, fillvalue="")]
        return "\n".join(lines)

    def __str__(self) -> str:
        parts = ["\n".join(textwrap.wrap(self.title, WIDTH)), self.table(), *self.details]
        parts += ["\n".join(textwrap.wrap(note, WIDTH)) for note in self.notes]
        if self.pictures:
            parts.append("\n".join(f"picture: {path}" for path in self.pictures))
        return "\n\n".join(parts)

    def to_json(self) -> dict[str, Any]:
        """The numbers and the words, without paths."""
        rows = [
            {
                "kind": row.kind,
                "setting": row.setting,
                "measure": row.measure,
                "source": row.stated,
                "here": row.here,
                "values": [round(float(value), 6) for value in row.values],
            }
            for row in self.rows
        ]
        return {
            "title": self.title,
            "rows": rows,
            "details": [block.splitlines() for block in self.details],
            "notes": list(self.notes),
            "seconds": round(self.seconds, 1),
        }


def _line(room: int, text: str, widths: Sequence[int], cells: Sequence[str]) -> str:
    numbers = [cells[0].ljust(widths[0]), cells[1].rjust(widths[1]), cells[2].rjust(widths[2])]
    return "  ".join([text.ljust(room), *numbers]).rstrip()


def measured(
    setup: Setup,
    kind: str,
    setting: str,
    once: Callable[[int], Sequence[float]],
    measures: Sequence[str],
    *,
    seeds: int = 1,
    stated: Sequence[str] = (),
    digits: int = 3,
) -> list[Row]:
    """Train with each of `seeds` seeds: `once(seed)` gives a number per measure, and every measure becomes a row."""
    runs = []
    for seed in setup.seeds(seeds):
        setup.say(setting if seeds == 1 else f"{setting} (seed {seed})")
        runs.append(once(seed))
    printed = [*stated, *[""] * len(measures)]
    return [
        Row(kind, setting, measure, tuple(float(run[index]) for run in runs), printed[index], digits)
        for index, measure in enumerate(measures)
    ]


def grid(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table of text: the first column to the left, the others to the right.

    >>> print(grid(["net", "right"], [["one layer", "7"], ["two", "10"]]))
    net        right
    one layer      7
    two           10
    """
    widths = [max(len(line[column]) for line in (head, *lines)) for column in range(len(head))]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))])
        for line in (head, *lines)
    )


def accuracy(network: sw.Sequential, x: Array, y: Array) -> float:
    """The share of rows whose largest output is that of their class."""
    return sw.metrics.accuracy(network.predict(x), y)


def rows_of_mnist(setup: Setup) -> sw.data.Dataset:
    """MNIST with pixels 0 to 255; where it is quick, the built-in digits enlarged to 28×28, which need no file."""
    if not setup.quick:
        return sw.data.load("mnist", data_dir=setup.data_dir)
    small = sw.data.digits()
    _, y = labelled(small)
    images = np.kron(small.x.reshape(-1, 8, 8), np.ones((3, 3), np.float32))  # 8×8 digits, every pixel nine times
    x = np.pad(images, ((0, 0), (2, 2), (2, 2))).reshape(len(images), 784) * np.float32(255 / 16)
    train_rows, test_rows = sw.data.split_indices(y, 0.2, seed=setup.seed)
    return sw.data.Dataset(
        x[train_rows], y[train_rows], "digits", labels=small.labels, image_shape=(28, 28),
        x_test=x[test_rows], y_test=y[test_rows],
    )  # fmt: skip


def labelled(data: sw.data.Dataset) -> tuple[Array, Array]:
    """(x, y) of a set that has targets."""
    assert data.y is not None
    return data.x, data.y


def parts(data: sw.data.Dataset) -> tuple[Array, Array, Array, Array]:
    """(x, y, x_test, y_test) of a set that comes with a test part."""
    assert data.x_test is not None
    assert data.y_test is not None
    return *labelled(data), data.x_test, data.y_test


QUICK_NOTE = "Quick: few epochs, and the built-in digits where the recipe reads MNIST; the numbers only show that it runs."


def finished(setup: Setup, title: str, rows: Sequence[Row], notes: Sequence[str], details: Sequence[str] = ()) -> Result:
    """The result of a recipe, with a remark where it was only a quick run."""
    words = [" ".join(note.split()) for note in notes]
    if setup.quick:
        words.append(QUICK_NOTE)
    return Result(setup.name, title, tuple(rows), tuple(details), tuple(words), tuple(setup.pictures))
