"""The doctor during training: a callback that looks at a copy of the network now and then, and says each thing once."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ..arrays import Array
from ..callbacks import Callback
from ..errors import DivergedError
from ..history import Run
from ..preparation import Data, Rows
from ..updates import Updater
from .causes import causes
from .chance import chance_of
from .during import conclude
from .findings import Diagnosis, Finding
from .looks import WATCHED, Shadow, some_rows
from .record import Record
from .replay import post_mortem
from .trials import Pair, moved_by

EARLY = (10, 100, 1000, 10000)  # steps of the first epoch after which a look is taken; then after 1, 2, 4, 8, ... epochs


class Watch(Callback):
    """Looks after a few early steps and after 1, 2, 4, 8, ... epochs, and at the end; nothing it does reaches the run.

    A look copies the weights, and walks forward and backward through the copy with the same rows every time. Two looks one
    step apart tell what that step did. What it finds in the end, and what it has found until an error, is in
    `run.history.findings`; an error of training carries it as `findings`.
    """

    strict = False  # True lets his own mistakes end the run
    every_batch = False  # it says in `run.looks` after which steps it wants to see the parameters

    def __init__(
        self, run: Run, updater: Updater, data: Data, size: int, seed: int | None, threads: int | None, *, tell: bool = False
    ) -> None:
        self.tell, self.said = tell, set[tuple[str, str | None]]()
        self.record: Record | None = None
        self.problem: Exception | None = None  # what kept the doctor from looking: training goes on without him
        self._made = (updater, data, size, seed, threads)
        self._wanted = frozenset[int]()
        self._begun: tuple[int, list[Array], Rows] | None = None  # the first half of a pair

    def on_fit_begin(self, run: Run) -> None:
        self._attempt(self._begin, run)

    def on_batch_end(self, run: Run) -> None:
        if run.step in self._wanted:
            self._attempt(self._look, run)

    def on_fit_end(self, run: Run) -> None:
        error = sys.exception()
        run.looks = ()
        if self.record is None or self.problem is not None:
            return
        if error is None:
            self._attempt(self._conclude, run)
        elif isinstance(error, DivergedError):
            self._attempt(self._post_mortem, run)
            error.findings = run.history.findings

    def _attempt(self, act: Any, run: Run) -> None:
        """What the doctor cannot look at, such as a layer that cannot be copied, is no reason for a run to end."""
        if self.problem is not None:
            return
        try:
            with np.errstate(all="ignore"):
                act(run)
        except Exception as problem:
            if self.strict:
                raise
            self.problem, self._wanted, run.looks = problem, frozenset(), ()

    def _begin(self, run: Run) -> None:
        updater, data, size, seed, threads = self._made
        rows = some_rows(data.training, WATCHED)
        shadow = Shadow(run.network, run.loss)
        chance = chance_of(rows if run.loss.task != "multiclass" else data.training, run.loss, run.network.out_shape[0])
        record = Record(run, updater, data, size, seed, threads, rows, shadow, chance, run.snapshot())
        self.record = record
        first = run.first_step
        begins = {0, *(k for k in EARLY if k < run.steps_per_epoch), *(run.steps_per_epoch * 2**k for k in range(24))}
        ends = run.epochs * run.steps_per_epoch
        self._pairs = frozenset(first + k for k in begins if k < ends)
        self._wanted = frozenset(k for start in self._pairs for k in (start, start + 1))
        run.looks = tuple(sorted(self._wanted))
        self._look(run)

    def _look(self, run: Run) -> None:
        record = self.record
        assert record is not None
        snapshot = record.shadow.follow(run)
        if self._begun is not None and self._begun[0] + 1 == run.step:
            self._measure_step(run, record, snapshot, *self._begun[1:])
            record.shadow.become(snapshot)
        self._begun = None
        if run.step in self._pairs:
            self._begun = run.step, snapshot, record.batch(run.step)
            record.looks.append(record.shadow.look(record.rows, run.step, run.epoch))
            record.last = run.step, snapshot, {name: array.copy() for name, array in run.state.items()}

    def _measure_step(self, run: Run, record: Record, now: list[Array], before: list[Array], batch: Rows) -> None:
        draw, shadow = run.network.steps_seen, record.shadow
        ratio = moved_by(record.updater.flat, before[0], now[0])
        shadow.become(before)
        first = shadow.value(batch, draw)
        shadow.become(before)
        shadow.network.flat().value[...] = now[0]
        record.pairs.append(Pair(run.step, ratio, first, shadow.value(batch, draw), run.learning_rate))

    def _conclude(self, run: Run) -> None:
        record = self.record
        assert record is not None
        if not run.steps:
            return
        record.shadow.follow(run)
        record.looks.append(record.shadow.look(record.rows, run.step, run.epoch))
        self._say(run, conclude(record))

    def _post_mortem(self, run: Run) -> None:
        assert self.record is not None
        findings = post_mortem(self.record)
        self._say(run, [*findings, *causes(self.record, findings)])

    def _say(self, run: Run, findings: list[Finding]) -> None:
        run.history.findings = list(Diagnosis(findings).findings)
        if self.tell and sys.stderr is not None:
            for finding in run.history.findings:
                print(f"doctor: {finding.line()}", file=sys.stderr, flush=True)
