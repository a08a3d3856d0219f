"""How the functions of the compiled path are compiled, and how what was compiled is kept on disk."""

# mypy: ignore-errors
import contextlib
from pathlib import Path

from numba import njit
from numba.core.ccallback import CFunc
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


def source_stamp():
    """What tells this version of the compiled path from another: Numba by itself looks at one of its files alone."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files)


def stamped(compiled_function):
    """The same, with the cache that it has on disk bound to all files of the compiled path."""
    file = getattr(getattr(compiled_function, "_cache", None), "_cache_file", None)
    if hasattr(file, "_source_stamp"):
        file._source_stamp = source_stamp()
    return compiled_function


def kept_on_disk(function, nogil=True):
    """Compiles what Python calls, with a cache on disk, or without where no folder for it can be written."""
    try:
        return stamped(njit(nogil=nogil, error_model="numpy", cache=True)(function))
    except RuntimeError:
        return njit(nogil=nogil, error_model="numpy")(function)


def called_by_address(function, signature):
    """Compiles what other compiled code calls by its address, kept on disk in the same way."""
    made = CFunc(
        function, (signature.args, signature.return_type), locals={}, options={"error_model": "numpy", "boundscheck": False}
    )
    with contextlib.suppress(RuntimeError):  # no folder can be written
        made.enable_caching()
    stamped(made).compile()
    return made
