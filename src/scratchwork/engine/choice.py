"""Which path a training run or a prediction takes: the compiled one where Numba is there and knows every part, else NumPy's."""

import importlib.util
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ..arrays import Array
from ..errors import ConfigurationError, MissingDependencyError
from ..history import Run
from ..preparation import Rows
from ..sequential import Sequential
from ..sparse_rows import RowsOf
from ..updates import Updater

if TYPE_CHECKING:
    from .row import PreparedRow
    from .runner import Machine

Made = TypeVar("Made")
NEEDED = ("numba", "threadpoolctl")
SMALL_STEP = 50e6
"""Multiplications per step below which a second BLAS thread costs more than it brings, most of all on a busy machine."""
_told: set[str] = set()


def machine_for(
    run: Run, updater: Updater, rows: Rows, size: int, threads: int | None, *, required: bool, tell: bool
) -> "Machine | None":
    """A compiled machine for this run, or None for NumPy's path; with `required`, an error that says why there is none."""

    def made() -> "Machine":
        from .runner import prepared

        return prepared(run, updater, rows, size, threads, tell=tell)

    machine = _compiled(made, required=required, tell=tell)
    if machine is not None:
        run.engine = "compiled"
    return machine


def prediction(network: Sequential, x: RowsOf, batch: int, *, required: bool) -> Array | None:
    """The outputs for rows that `Sequential.predict` has looked at, or None for NumPy's path; with `required`, an error."""

    def made() -> Array:
        from .prediction import predicted

        return predicted(network, x, batch)

    return _compiled(made, required=required, tell=False)


def _compiled(make: Callable[[], Made], *, required: bool, tell: bool) -> Made | None:
    """What `make` makes, or None where the compiled path is not there or does not know everything."""
    if absent := missing():
        if required:
            raise MissingDependencyError(f"engine='compiled' needs {absent}: pip install 'scratchwork[fast]'")
        return None
    try:
        from . import runner  # noqa: F401
        from .program import NotLowered
    except (ImportError, OSError) as error:  # Numba refuses a NumPy that is newer than itself
        if required:
            raise MissingDependencyError(
                f"engine='compiled' cannot load what it needs ({error}): pip install --upgrade 'scratchwork[fast]'"
            ) from error
        if tell:
            _tell(f"the compiled path cannot be loaded ({error}), so NumPy's is taken")
        return None
    try:
        return make()
    except NotLowered as unknown:
        if required:
            raise ConfigurationError(f"the compiled path does not know {unknown}: use engine='auto' or 'numpy'") from None
        if tell:
            _tell(f"the compiled path does not know {unknown}, so NumPy's is taken")
        return None


def prepared_row(network: Sequential) -> "PreparedRow":
    """The prepared call of `Sequential.prepared`."""
    if absent := missing():
        raise MissingDependencyError(f"a prepared call needs {absent}: pip install 'scratchwork[fast]'")
    from .program import NotLowered
    from .row import PreparedRow

    try:
        return PreparedRow(network)
    except NotLowered as unknown:
        raise ConfigurationError(f"the compiled path does not know {unknown}: use predict") from None


def blas_threads(engine: str, wanted: int | None, multiplications: float) -> int | None:
    """`threads` for fit: what is wanted; else one for steps so small that a second BLAS thread costs more than it brings.

    Else as it is: the compiled path chooses for itself, and BLAS cannot be told without threadpoolctl. `multiplications` are
    those of a step's forward pass.
    """
    compiled = engine == "compiled" or (engine == "auto" and not missing())
    if wanted is not None or compiled or 2 * multiplications > SMALL_STEP or not _installed("threadpoolctl"):
        return wanted
    return 1


def missing() -> str:
    """What the compiled path needs and does not find, in words; empty where nothing is missing."""
    return " and ".join(name for name in NEEDED if not _installed(name))


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False


def _tell(text: str) -> None:
    """Says something on stderr, once in a process."""
    if text not in _told:
        _told.add(text)
        print(f"scratchwork: {text}", file=sys.stderr, flush=True)
