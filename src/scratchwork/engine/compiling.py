"""How the functions of the compiled path are compiled, and how what was compiled is kept on disk."""

# mypy: ignore-errors
from numba import cfunc, njit
from numba.core.compiler import Compiler

# For functions that only compiled code calls: without the doors for Python they compile in two thirds of the time.
INSIDE = {"nogil": True, "error_model": "numpy", "boundscheck": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
# Sums may be taken in another order so that they can be vectorized; NaN and infinities keep their meaning.
LOOSE = {"reassoc", "contract", "nsz"}


class Apart(Compiler):
    """Compiles a function whose arrays do not overlap, so that its loops need not check for it."""

    def define_pipelines(self):
        """Numba's own, with its flag for that."""
        self.state.flags.noalias = True
        return super().define_pipelines()


exact = njit(**INSIDE)
inlined = njit(**INSIDE, inline="always")  # becomes part of its only caller and is not compiled by itself
compiled = njit(**INSIDE, fastmath=LOOSE)
apart = njit(**INSIDE, fastmath=LOOSE, pipeline_class=Apart)


def kept_on_disk(function, nogil=True):
    """Compiles what Python calls, with a cache on disk, or without where no folder for it can be written."""
    try:
        return njit(nogil=nogil, error_model="numpy", cache=True)(function)
    except RuntimeError:
        return njit(nogil=nogil, error_model="numpy")(function)


def called_by_address(function, signature):
    """Compiles what other compiled code calls by its address, kept on disk in the same way."""
    try:
        return cfunc(signature, cache=True, error_model="numpy", boundscheck=False)(function)
    except RuntimeError:
        return cfunc(signature, error_model="numpy", boundscheck=False)(function)
