"""The compiled path: whole epochs without returning to Python. Needs Numba, SciPy and threadpoolctl.

`fit(engine="auto")` takes it where it can; `choice` says when. A network becomes a table of operations (`lowering`,
`program`), which one compiled function walks (`interpreter`) with kernels that are plain loops, in several threads
(`runner`). The NumPy layers define what every operation means, and tests hold both paths to the same numbers.
"""

from .choice import machine_for, prepared_row

__all__ = ["machine_for", "prepared_row"]
