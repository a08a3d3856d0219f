"""Runs a program: arrays, threads, and control handed back many times a second."""

import bisect
import contextlib
import math
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from ..arrays import Array
from ..callbacks import Callback, hooked
from ..diagnosis import diverged, penalty_diverged
from ..epochs import Seen, count_epoch, end_epoch, finish_epoch, row_order
from ..history import Run
from ..optimizers import Optimizer
from ..preparation import Data, Rows
from ..sequential import Sequential
from ..sparse_rows import RowsOf, SparseRows
from ..updates import Updater
from . import interpreter as I
from . import kernels as K
from .product import PANEL, product_address
from .program import Program
from .step import lower
from .threads import Crew, how_many, together, worth_waking, yield_address

HAND_BACK = 0.05  # seconds between two returns to Python


def learning_rates(rule: Optimizer, step: int, count: int) -> Array:
    """The learning rates of that many steps after `step` updates."""
    if callable(rule.learning_rate) or type(rule).learning_rate_at is not Optimizer.learning_rate_at:
        return np.array([rule.learning_rate_at(step + k) for k in range(count)])
    return np.full(count, rule.learning_rate_at(step))


def read_only(array: Array) -> Array:
    """The same memory, not to be written to, as a plain array: Numba compiles anew for any other kind of array."""
    view = array.view(np.ndarray)
    view.flags.writeable = False
    return view


def filled(x: RowsOf) -> int | None:
    """How many numbers of a sparse row are not 0, on the mean; None for other rows."""
    return -(-x.data.size // max(len(x), 1)) if isinstance(x, SparseRows) else None


def sources(x: RowsOf, dtype: np.dtype[Any]) -> tuple[Array, tuple[Array, Array, Array]]:
    """(rows as bytes, the parts of sparse rows): what compiled code reads of its input; the one that is not given is empty."""
    if not isinstance(x, SparseRows):
        nothing = (np.zeros(1, np.int64), np.zeros(1, np.int32), np.zeros(1, dtype))
        parts, source = nothing, np.require(x.reshape(len(x), -1), None, ["C", "A"]).view(np.uint8)
    else:
        source, parts = np.zeros((1, 0), np.uint8), (x.indptr, x.indices, x.data)
    indptr, indices, data = (read_only(np.require(part, None, ["C", "A"])) for part in parts)
    return read_only(source), (indptr, indices, data)


class Panels:
    """Parameters and optimizer states as the kernels want them: each wide matrix in panels of columns, one after the other."""

    def __init__(self, matrices: list[tuple[int, int, int]], theirs: list[Array]) -> None:
        self.arrays = [array.copy() for array in theirs]
        wholes: list[tuple[Array, Array]] = []  # (ours, theirs): the same numbers, in views of the same shape
        panels: list[tuple[Array, Array]] = []
        for ours, others in zip(self.arrays, theirs, strict=True):
            ends = [0]
            for start, rows, width in sorted(matrices):
                wholes.append((ours[ends[-1] : start], others[ends[-1] : start]))
                ends.append(start + rows * width)
                matrix = others[start : ends[-1]].reshape(rows, width)
                for low in range(0, width, PANEL):
                    high = min(low + PANEL, width)
                    panels.append((ours[start + low * rows : start + high * rows].reshape(rows, -1), matrix[:, low:high]))
            wholes.append((ours[ends[-1] :], others[ends[-1] :]))
        self.pairs = [pair for pair in (*wholes, *panels) if pair[0].size]

    def fetch(self) -> None:
        """From the network's arrays to ours."""
        for ours, theirs in self.pairs:
            ours[...] = theirs

    def publish(self) -> None:
        """From ours to the network's."""
        for ours, theirs in self.pairs:
            theirs[...] = ours


@dataclass
class Steps:
    """What a stretch of steps gave: their losses, and whether the next one, which is not among them, was not finite."""

    losses: Array
    bad: bool


class Machine:
    """A program with its memory, on the rows that are trained on. Parameters and states are the updater's own arrays."""

    def __init__(
        self,
        program: Program,
        network: Sequential,
        updater: Updater,
        rows: Rows,
        threads: int | None,
        keep: bool,
        tell: bool = False,
    ) -> None:
        self.program, self.network, self.updater, self.rows = program, network, updater, rows
        self.table, self.reals = program.finish()
        dtype = network.dtype
        self.threads = how_many(program.flops, threads)
        self.crew = Crew(self.threads)
        self.arena = np.zeros(program.arena + 16, dtype)
        self.theirs = [updater.flat.value, *updater.state.values()]
        self.panels = Panels(program.panelled, self.theirs) if program.panelled else None
        ours = self.panels.arrays if self.panels else self.theirs
        self.memory = [*ours, *[np.zeros(1, dtype)] * (3 - len(ours))]
        self.statistics = np.zeros(max(program.statistics_size, 1), dtype)
        labels, target = rows.target, np.zeros((1, 0), dtype)
        if rows.target.ndim == 2 or rows.target.dtype.kind == "f":
            labels, target = np.zeros(1, np.int64), np.ascontiguousarray(rows.target.reshape(len(rows), -1), dtype)
        self.labels, self.target = read_only(labels), read_only(target)
        self.source, self.sparse = sources(rows.x, dtype)
        self.weights = read_only(np.ones(1) if rows.weight is None else rows.weight)
        width = int(np.prod(network.out_shape))
        self.kept = np.zeros((len(rows), width) if keep else (0, width), dtype)
        most = max(op.pieces for op in program.operations)
        self.sums = np.zeros((2, len(program.operations), most))
        self.rooms = np.zeros((self.threads, program.room), dtype)
        self.addresses = (product_address(dtype), yield_address())
        self.seconds_per_step = 0.0
        self.single_steps = False
        self.tell, self.loaded = tell, False

    def epoch(self, run: Run, order: Array) -> Generator[Steps, None, None]:
        """Walk through the rows in this order; hands back after every twentieth of a second, or after every step.

        Then the network's arrays hold what was learned; between the stretches of an epoch only if somebody looks at each step.
        """
        if self.panels is None:
            yield from self._epoch(run, order)
            return
        self.panels.fetch()
        published = False  # then the network's arrays are the ones that count, and a callback may have written into them
        try:
            for steps in self._epoch(run, order):
                looked_at = self.single_steps or len(steps.losses) == steps_to_pause(run)
                if looked_at or steps.bad or not np.isfinite(steps.losses.astype(self.network.dtype)).all():
                    self.panels.publish()
                    published = True
                yield steps
                if published:
                    self.panels.fetch()
                    published = False
        finally:
            if not published:
                self.panels.publish()

    def _epoch(self, run: Run, order: Array) -> Iterator[Steps]:
        count = math.ceil(len(order) / self.program.batch)
        rule = self.updater.optimizer
        assert isinstance(rule, Optimizer)
        begin = run.part.steps
        while begin < count:
            steps = 1  # the first tells how long one takes
            if self.seconds_per_step and not self.single_steps:
                steps = min(count - begin, max(1, int(HAND_BACK / self.seconds_per_step)), steps_to_pause(run))
            results = np.zeros((steps, 2))
            started = time.perf_counter()
            rates = learning_rates(rule, run.step, steps) * run.learning_rate_factor
            run.learning_rate = float(rates[-1])
            threads = self._run(order, begin, steps, run.step + 1, run.network.steps_seen + 1, rates, results)
            self.seconds_per_step = (time.perf_counter() - started) / steps
            self.crew.note(threads, self.seconds_per_step)
            bad = bool((results[:, 1] == I.STATUS).any())
            yield Steps(results[results[:, 1] == 1.0, 0], bad)
            if bad:
                return
            begin += steps

    def train(self, run: Run, updater: Updater, data: Data, size: int, seed: int | None, hooks: list[Callback]) -> None:
        """The training loop of the compiled path: what `training._epochs` does, in stretches of steps."""
        after_batch = hooked(hooks, "on_batch_end")
        self.single_steps = any(getattr(getattr(hook, "__self__", None), "every_batch", True) for hook in after_batch)
        with blas_alone():
            while not run.over:
                started = time.perf_counter()
                epoch = run.network.epochs_seen - (run.part.steps > 0)  # one that was begun is counted already
                order = row_order(len(self.rows), size, seed, epoch, run.steps_per_epoch)
                loss, seen = self.one_epoch(run, order, after_batch)
                finish_epoch(run, updater, data, loss, seen, started, hooks)

    def one_epoch(self, run: Run, order: Array, after_batch: Sequence[Callable[[Run], None]] = ()) -> tuple[float, list[Seen]]:
        """What `training.one_epoch` does: all steps of the next epoch, the mean of their losses, what metrics need."""
        network, rows, size, part = run.network, self.rows, self.program.batch, count_epoch(run)
        weights, done = batch_weights(rows, order, size), part.steps
        if part.predictions:
            met = np.concatenate(part.predictions)
            self.kept[: len(met)] = met
        with contextlib.closing(self.epoch(run, order)) as stretches:
            for steps in stretches:
                overflown = np.flatnonzero(~np.isfinite(steps.losses.astype(network.dtype)))
                if overflown.size:  # without its penalties the loss was finite, else the step had not been finished
                    step = run.step + int(overflown[0]) + 1
                    raise penalty_diverged(network, epoch=run.epoch, step=step, loss=float("inf"))
                run.step += len(steps.losses)
                network.steps_seen += len(steps.losses)
                if steps.bad:
                    self._diverged(run, order[(done + len(steps.losses)) * size :][:size])
                # one by one: the sum must not depend on how long a stretch was
                for value, weight in zip(steps.losses, weights[done:], strict=False):
                    part.total += float(value * weight)
                    part.weight += float(weight)
                part.steps = done = done + len(steps.losses)
                if run.metrics:
                    part.predictions = [self.kept[: min(done * size, len(order))]]
                run.batch_loss = float(steps.losses[-1])
                for hook in after_batch:
                    hook(run)
                if run.stop:
                    break
        met = order[: done * size]
        seen: list[Seen] = []
        if run.metrics:
            seen.append((self.kept[: len(met)], rows.target[met], None if rows.weight is None else rows.weight[met]))
        return end_epoch(run), seen

    def _diverged(self, run: Run, chosen: Array) -> None:
        """The step that went wrong is walked again on NumPy's path, which names the array."""
        network, rows = run.network, self.rows
        network.steps_seen += 1
        x = rows.x[chosen].astype(network.dtype, copy=False)
        with np.errstate(all="ignore"):
            prediction, _ = network.forward(x, training=True, step=network.steps_seen)
            weight = None if rows.weight is None else rows.weight[chosen]
            loss, _ = run.loss.value_and_grad(prediction, rows.target[chosen], weight)
        raise diverged(network, x, epoch=run.epoch, step=run.step + 1, loss=loss)

    def _run(self, order: Array, begin: int, steps: int, first_step: int, draws: int, rates: Array, results: Array) -> int:
        """Some steps; returns by how many threads."""
        threads = self.crew.size() if worth_waking(steps * self.program.flops) else 1
        for array, start in self.program.statistics:
            self.statistics[start : start + array.size] = array
        counters = np.zeros(16, np.int64)
        program, (value, *states) = self.program, self.memory
        stretch = (begin, steps, program.batch, program.chunk, first_step, draws)
        memory = (self.arena, value, self.updater.flat.grad, *states, self.statistics)
        data = (self.source, self.labels, self.target, self.weights, program.factors, self.kept, self.sparse)

        def work(q: int, stretch: tuple[int, ...] = stretch) -> None:
            I.run_steps(
                q, threads, counters, self.table, self.reals, order, stretch, rates, results, memory, data, self.sums,
                self.rooms, self.addresses,
            )  # fmt: skip

        if not self.loaded:  # by one thread: should it fail, nobody waits for it
            announcement = threading.Timer(1.5, announce_compilation)
            if self.tell:
                announcement.start()
            try:
                work(0, (begin, 0, *stretch[2:]))
            finally:
                announcement.cancel()
            self.loaded = True
        together(work, threads)
        for array, start in self.program.statistics:
            array[...] = self.statistics[start : start + array.size]
        return threads


FORMS = {np.dtype(np.uint8): K.UINT8, np.dtype(np.int8): K.INT8, np.dtype(np.float16): K.FLOAT16}


def prepared(run: Run, updater: Updater, rows: Rows, batch: int, threads: int | None, *, tell: bool) -> "Machine":
    """A machine for a run; NotLowered for what the engine does not know."""
    network, keep = run.network, bool(run.metrics)
    form, weighted = FORMS.get(rows.x.dtype, K.SAME), rows.weight is not None
    program = lower(network, run.loss, updater, batch, form=form, filled=filled(rows.x), weighted=weighted, keep=keep)
    return Machine(program, network, updater, rows, threads, keep, tell)


def announce_compilation() -> None:
    """Said when the first step takes so long that it can only be a compilation."""
    print("scratchwork: compiling the fast path, once for this machine (some ten seconds) ...", file=sys.stderr, flush=True)


def steps_to_pause(run: Run) -> int:
    """How many steps there are before somebody wants to see the parameters."""
    regular = sys.maxsize if run.pause_every is None else run.pause_every - run.step % run.pause_every
    nearest = bisect.bisect(run.looks, run.step)
    return min(regular, run.looks[nearest] - run.step) if nearest < len(run.looks) else regular


def batch_weights(rows: Rows, order: Array, size: int) -> Array:
    """How much each batch counts in the mean of an epoch: its rows, or the sum of their weights."""
    begins = np.arange(0, len(order), size)
    if rows.weight is None:
        return np.minimum(len(order) - begins, size).astype(np.float64)
    return np.asarray(np.add.reduceat(rows.weight[order], begins))


_known: tuple[int, ThreadpoolController | None] = 0, None


def blas_alone() -> Any:
    """Every BLAS in the process with one thread: the pieces are the parallel part.

    Looking for libraries takes some milliseconds, so it is done again only when modules were imported since.
    """
    global _known
    modules, controller = _known
    if controller is None or modules != len(sys.modules):
        controller = ThreadpoolController()
        _known = len(sys.modules), controller
    return controller.limit(limits=1, user_api="blas")
