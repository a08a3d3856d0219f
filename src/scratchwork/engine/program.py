"""A program: operations over flat arrays, in the order in which they run, with the places where all threads must meet.

Each operation says which matrices it reads and writes, and how it is cut into pieces. Where one is read in another cut than
it was written in, a thread may need what another has not finished: `Program.finish` finds these places.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from ..arrays import Array
from . import interpreter as I

Cut: TypeAlias = tuple[Any, ...]
ROWS: Cut = ("rows",)
WHOLE: Cut = ("whole",)


class NotLowered(Exception):
    """The engine does not know this; the text says what."""


@dataclass(frozen=True)
class Matrix:
    """Rows of a batch in the arena: `width` columns, `times` rows for each row of the batch (the axes in between)."""

    offset: int
    width: int
    times: int
    cut: Cut  # how it was written

    @property
    def name(self) -> tuple[str, int]:
        return ("arena", self.offset)


Backward: TypeAlias = Callable[[Matrix, bool], "Matrix | None"]  # emits a layer's backward: (dy, need_dx) -> dx


@dataclass
class Operation:
    """A row of the table before it is one."""

    code: int
    cut: Cut
    width: int
    times: int
    numbers: list[Any]  # whole numbers, or an operation in place of its row in the table
    reals: list[float]
    reads: list[tuple[Any, Cut | None]]
    writes: list[tuple[Any, Cut | None]]
    pieces: int = 1
    meet: bool = False


@dataclass
class Program:
    """The table, and where everything lies."""

    batch: int
    dtype: np.dtype[Any]
    operations: list[Operation] = field(default_factory=list)
    arena: int = 0
    factors: Array = field(default_factory=lambda: np.ones(1))
    statistics: list[tuple[Array, int]] = field(default_factory=list)
    statistics_size: int = 0
    flops: int = 0
    panelled: list[tuple[int, int, int]] = field(default_factory=list)  # (start, rows, columns) of matrices of some panels
    checked: bool = False  # whether the loss has been looked at
    filled: int | None = None  # where rows are sparse, how many numbers of a row are not 0, more or less
    room: int = 0  # numbers that a product needs to copy panels

    @property
    def chunk(self) -> int:
        """Rows of the batch in a piece: a quarter, but no fewer than 16."""
        return max(16, -(-self.batch // 4))

    def matrix(self, width: int, times: int = 1, cut: Cut = ROWS) -> Matrix:
        """Room for a matrix of a batch; each begins at a multiple of 64 bytes."""
        offset = self.arena
        self.arena += -(-self.batch * times * width // 16) * 16
        return Matrix(offset, width, times, cut)

    def emit(
        self,
        code: int,
        cut: Cut,
        width: int,
        numbers: list[Any],
        *,
        reals: tuple[float, ...] = (),
        reads: tuple[Any, ...] = (),
        writes: tuple[Any, ...] = (),
        times: int = 1,
    ) -> Operation:
        """Add an operation; `reads` and `writes` are names or Matrices (met in this cut), or (name, None): met everywhere."""

        def named(entry: Any) -> tuple[Any, Cut | None]:
            if isinstance(entry, tuple) and len(entry) == 2 and entry[1] is None:
                return (entry[0].name if isinstance(entry[0], Matrix) else entry[0]), None
            return (entry.name if isinstance(entry, Matrix) else entry), cut

        pieces = self._pieces(cut, width)
        made = Operation(
            code, cut, width, times, numbers, list(reals), [named(r) for r in reads], [named(w) for w in writes], pieces
        )
        self.operations.append(made)
        return made

    def _pieces(self, cut: Cut, width: int) -> int:
        if cut == ROWS:
            return -(-self.batch // self.chunk)
        if cut[0] == "columns":
            return -(-width // I.PANEL)
        return int(cut[1]) if cut[0] in ("vector", "fixed rows") else 1

    def finish(self) -> tuple[Array, Array]:
        """Find where threads must meet, and write the table."""
        self._meet()
        table = np.zeros((len(self.operations), I.ARGS + 8), np.int64)
        reals = np.zeros((len(self.operations), 8))
        places = {id(op): i for i, op in enumerate(self.operations)}
        kinds = {"rows": I.ROWS, "columns": I.COLUMNS, "vector": I.VECTOR, "fixed rows": I.FIXED_ROWS, "whole": I.WHOLE}
        for row, real, op in zip(table, reals, self.operations, strict=True):
            row[: I.ARGS] = op.code, op.meet, op.pieces, kinds[op.cut[0]], op.width, op.times
            numbers = [places[id(n)] if isinstance(n, Operation) else n for n in op.numbers]
            row[I.ARGS : I.ARGS + len(numbers)] = numbers
            real[: len(op.reals)] = op.reals
        return table, reals

    def _meet(self) -> None:
        """Mark the operations before which all threads must have finished what came since they met last.

        A loss that is not finite ends the step: it is looked at where threads meet anyway, at the latest before the first
        parameter changes.
        """
        since: dict[Any, list[tuple[bool, Cut | None]]] = {}
        operations, self.operations = self.operations, []
        for op in operations:
            accesses = [(name, False, cut) for name, cut in op.reads] + [(name, True, cut) for name, cut in op.writes]
            op.meet = any(
                (wrote or writing) and (before is None or cut is None or before != cut)
                for name, writing, cut in accesses
                for wrote, before in since.get(name, [])
            )
            if "loss" in since and not self.checked and (op.meet or any(name[0] == "p" for name, _ in op.writes)):
                self._check(self.operations)
                op.meet, since = False, {}
            if op.meet:
                since = {}
            for name, writing, cut in accesses:
                since.setdefault(name, []).append((writing, cut))
            self.operations.append(op)

    def _check(self, before: list[Operation]) -> None:
        """Look at the loss here."""
        loss = next(op for op in before if ("loss", ROWS) in op.writes)
        limit = (float(np.finfo(self.dtype).max),)
        self.emit(I.CHECK, WHOLE, 0, [loss, loss.pieces], reals=limit).meet = True
        self.checked = True


def columns(matrix: Matrix) -> Cut:
    """Cut into panels of columns."""
    return ("columns", matrix.width, matrix.times)
