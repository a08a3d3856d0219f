"""What stands around the training loop: Ctrl-C, the last hook, and how many threads there are."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from .callbacks import Callback, hooked
from .errors import MissingDependencyError
from .history import Run


@contextlib.contextmanager
def interruptible(run: Run) -> Iterator[None]:
    """The first Ctrl-C lets the present step end and then stops the run; a second one interrupts at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    pressed = False

    def on_interrupt(number: int, frame: Any) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed, run.stop = True, run.stop or "interrupted"  # a run that ends by itself ends as it would have without

    if before is not signal.default_int_handler:  # somebody else handles it (a notebook kernel, a server): leave it to them
        yield
        return
    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def ending(run: Run, hooks: list[Callback]) -> Iterator[None]:
    """Says in the history why the run ended and calls every on_fit_end, in order, whatever happened before or in one."""
    with contextlib.ExitStack() as ends:
        for hook in reversed(hooked(hooks, "on_fit_end")):
            ends.callback(hook, run)
        try:
            yield
        except BaseException:
            run.history.stopped = "error"
            raise
        run.history.stopped = run.stop or "epochs"


def thread_limit(threads: int | None) -> Callable[[], contextlib.AbstractContextManager[Any]]:
    """What limits the threads of BLAS while it is entered; None limits nothing."""
    if threads is None:
        return contextlib.nullcontext
    try:
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise MissingDependencyError("threads= needs threadpoolctl: pip install 'scratchwork[threads]'") from error
    return partial(threadpool_limits, int(threads), user_api="blas")
