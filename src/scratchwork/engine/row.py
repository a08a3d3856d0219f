"""A prepared call: one row through the network in a few microseconds."""

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array, numeric_array
from ..errors import ShapeError
from ..sequential import Sequential
from . import interpreter as I
from .step import lower_row


class PreparedRow:
    """Calls a network on single rows without the work that `predict` does for every call.

    The parameters are read where they lie: training the network on changes what the call gives. Running means are those
    of the moment when it was made.

    Parameters
    ----------
    network : Sequential
        Built, and made of layers that the compiled path knows.
    """

    def __init__(self, network: Sequential) -> None:
        program, y = lower_row(network)
        self.shape, self.dtype, self.out_shape = network.in_shape, network.dtype, network.out_shape
        table, reals = program.finish()
        statistics = np.zeros(max(program.statistics_size, 1), self.dtype)
        for array, start in program.statistics:
            statistics[start : start + array.size] = array
        self._network, self._size = network, int(np.prod(self.shape))
        end = y.offset + y.width * y.times
        arena = np.zeros(program.arena + 16, self.dtype)
        arrays = (table, reals, arena, network.flat().value, statistics)
        self._owners = arrays  # which the compiled code knows by their addresses alone
        places = [array.__array_interface__["data"][0] for array in arrays]
        self._desk = np.array([len(table), table.shape[1], reals.shape[1], y.offset, end, *places])
        self(np.zeros(self.shape, self.dtype))  # loads what is compiled

    def __reduce__(self) -> tuple[type["PreparedRow"], tuple[Sequential]]:
        """A copy, or what another process unpickles, is made anew: addresses are those of this process."""
        return PreparedRow, (self._network,)

    def __call__(self, x: ArrayLike) -> Array:
        """The outputs for one row, of the shape of a row or of a batch of one."""
        row = x if type(x) is np.ndarray and x.dtype == self.dtype else numeric_array(x, "x", self.dtype)
        if not row.flags.carray:  # read-only or with gaps: Numba would compile for it anew
            row = row.copy()
        if row.shape != self.shape and (row.size != self._size or row.shape[-len(self.shape) :] != self.shape):
            raise ShapeError(f"a prepared call takes one row of shape {self.shape}, received {row.shape}")
        y: Array = I.run_row(row if row.ndim == 1 else row.reshape(-1), self._desk)
        if row.ndim == 1 and y.shape == self.out_shape:
            return y
        return y.reshape(row.shape[: row.ndim - len(self.shape)] + self.out_shape)
