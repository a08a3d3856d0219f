"""Prediction of many rows on the compiled path."""

import time
from typing import Any

import numpy as np

from ..arrays import Array, converted
from ..sequential import Sequential
from ..sparse_rows import RowsOf, SparseRows, in_dtype
from . import interpreter as I
from . import kernels as K
from .product import product_address
from .runner import FORMS, HAND_BACK, Panels, filled, read_only, sources
from .step import lower_rows
from .threads import how_many, together, yield_address

STARTED = 100  # small steps that one thread makes in the time that others take to start and to wait for each other

loaded: set[np.dtype[Any]] = set()  # the kinds of numbers for which the compiled code is there


def predicted(network: Sequential, x: RowsOf, batch: int) -> Array:
    """What `Sequential.predict` gives for rows that it has looked at; NotLowered for layers that the engine does not know.

    Python is asked in between whether somebody interrupts: after a batch, and then after every twentieth of a second.
    """
    batch = min(batch, max(len(x), 1))
    outputs = np.empty((len(x), int(np.prod(network.out_shape))), network.dtype)
    forward = Forward(network, len(x), batch, x.dtype, filled(x))
    begin, steps = 0, 1
    while begin < len(x):
        end, started = begin + steps * batch, time.perf_counter()
        forward(x[begin:end], outputs[begin:end])
        begin, seconds = end, time.perf_counter() - started
        steps = max(1, int(HAND_BACK / seconds * steps))
    return outputs.reshape(len(x), *network.out_shape)


class Forward:
    """The program of a network's prediction, with its memory.

    Parameters
    ----------
    network : Sequential
        Built; its parameters and running statistics are those of the moment when this is made.
    count : int
        Rows in all; they tell whether more threads than one are worth it.
    batch : int
        Rows that are in the arena together.
    kind : numpy.dtype
        That of the rows; small whole numbers and half precision stay what they are until they are gathered.
    of_sparse : int, optional
        How many numbers of a row are not 0, where rows are sparse.
    """

    def __init__(self, network: Sequential, count: int, batch: int, kind: np.dtype[Any], of_sparse: int | None) -> None:
        dtype, flat = network.dtype, network.flat()
        self.program = program = lower_rows(network, flat, batch, FORMS.get(kind, K.SAME), of_sparse)
        self.kind = kind if kind in FORMS else dtype
        self.table, self.reals = program.finish()
        self.threads = how_many(min(program.flops, program.flops * count // batch // STARTED))
        value = flat.value
        if program.panelled:
            panels = Panels(program.panelled, [value])
            panels.fetch()
            value = panels.arrays[0]
        statistics, nothing = np.zeros(max(program.statistics_size, 1), dtype), np.zeros(1, dtype)
        for array, start in program.statistics:
            statistics[start : start + array.size] = array
        self.memory = (np.zeros(program.arena + 16, dtype), value, nothing, nothing, nothing, statistics)
        self.sums = np.zeros((2, len(program.operations), max(op.pieces for op in program.operations)))
        self.rooms = np.zeros((self.threads, program.room), dtype)
        self.addresses = (product_address(dtype), yield_address())

    def __call__(self, x: RowsOf, outputs: Array) -> None:
        """Write the outputs for these rows."""
        batch, dtype = self.program.batch, outputs.dtype
        rows: RowsOf
        if isinstance(x, SparseRows):
            rows = in_dtype(x, dtype, "x")
        elif x.dtype == self.kind:
            rows = x
        else:
            rows = np.empty(x.shape, dtype)
            for start in range(0, len(x), batch):
                rows[start : start + batch] = converted(x[start : start + batch], dtype, "x")
        source, sparse = sources(rows, dtype)
        labels, target = read_only(np.zeros(1, np.int64)), read_only(np.zeros((1, 0), dtype))
        data = (source, labels, target, read_only(np.ones(1)), self.program.factors, outputs, sparse)
        order, counters = np.arange(len(x)), np.zeros(16, np.int64)
        steps = -(-len(x) // batch)
        rates, results = np.zeros(steps), np.zeros((steps, 2))

        def work(q: int, steps: int = steps) -> None:
            I.run_steps(
                q, self.threads, counters, self.table, self.reals, order, (0, steps, batch, self.program.chunk, 1, 1), rates,
                results, self.memory, data, self.sums, self.rooms, self.addresses,
            )  # fmt: skip

        if dtype not in loaded:  # by one thread: should it fail, nobody waits for it
            work(0, 0)
            loaded.add(dtype)
        together(work, self.threads)
