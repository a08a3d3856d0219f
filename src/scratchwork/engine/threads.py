"""Threads that walk through one program together."""

import ctypes
import os
import threading
from collections.abc import Callable

SMALL = 2_000_000  # flop per step below which a second thread costs more than it brings


def how_many(flops: int, wanted: int | None = None) -> int:
    """How many threads walk through a program with that many flop in a step."""
    return 1 if flops < SMALL else wanted or min(os.cpu_count() or 1, 4)


def yield_address() -> int:
    """Where sched_yield lies."""
    library = ctypes.CDLL(None)
    waiting = getattr(library, "sched_yield", None) or library.getpid
    return int(ctypes.cast(waiting, ctypes.c_void_p).value or 0)


def current_processor() -> int:
    """The number of the processor that this thread runs on; −1 where the system does not tell."""
    tell = getattr(ctypes.CDLL(None), "sched_getcpu", None)
    return int(tell()) if tell else -1


def leave_processor(number: int) -> None:
    """Moves this thread to another processor, if there is one. It may come back later.

    Systems like to start a thread where its parent runs. There the two would wait for each other by turns, for some
    milliseconds, until the system sees that a processor is idle.
    """
    if number < 0 or not hasattr(os, "sched_setaffinity"):
        return
    allowed = os.sched_getaffinity(0)
    if allowed - {number}:
        os.sched_setaffinity(0, allowed - {number})
        os.sched_setaffinity(0, allowed)


def together(work: Callable[[int], None], threads: int) -> None:
    """work(0) in this thread, and work(q) for q < threads in helpers; back when all are done."""
    here = current_processor()

    def help_out(q: int) -> None:
        leave_processor(here)
        work(q)

    helpers = [threading.Thread(target=help_out, args=(q,), daemon=True) for q in range(1, threads)]
    for helper in helpers:
        helper.start()
    work(0)
    for helper in helpers:
        helper.join()
