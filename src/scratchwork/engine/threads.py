"""Threads that walk through one program together, and how many: all that may be, or one where others have a processor busy."""

import ctypes
import itertools
import math
import os
import queue
import threading
import time
from collections.abc import Callable

TOO_SLOW = 1.25  # times what one thread would take
SHORTEST, LONGEST = 0.25, 4.0  # seconds for which one thread goes on alone
SMALL = 2_000_000  # flop per step below which a second thread costs more than it brings
SHORT = 20_000_000  # flop in a stretch of steps below which waking a second thread does


def how_many(flops: int, wanted: int | None = None) -> int:
    """How many threads walk through a program with that many flop in a step."""
    return 1 if flops < SMALL else wanted or min(processors(), 4)


def worth_waking(flops: int) -> bool:
    """Whether that many flop, in all steps before the next return to Python, are worth a second thread."""
    return flops >= SHORT


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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


class Helper:
    """A thread that waits for work, asleep: waking it takes a third of the time of starting one."""

    def __init__(self) -> None:
        self.work: queue.SimpleQueue[tuple[Callable[[int], None], int, int]] = queue.SimpleQueue()
        self.done: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        threading.Thread(target=self._wait, name="scratchwork helper", daemon=True).start()

    def _wait(self) -> None:
        while True:
            work, q, here = self.work.get()
            if current_processor() == here:
                leave_processor(here)
            error: BaseException | None = None
            try:
                work(q)
            except BaseException as problem:  # handed to whoever asked for help
                error = problem
            del work  # and the arrays that it knows
            self.done.put(error)


_idle: list[Helper] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)  # threads do not follow into a child


def together(work: Callable[[int], None], threads: int) -> None:
    """work(0) in this thread, and work(q) for q < threads in helpers; back when all are done."""
    here, helpers = current_processor() if threads > 1 else -1, list[Helper]()
    for q in range(1, threads):
        try:
            helper = _idle.pop()  # a list's own operations are safe among threads
        except IndexError:
            helper = Helper()
        helpers.append(helper)
        helper.work.put((work, q, here))
    try:
        work(0)
    finally:
        errors = [helper.done.get() for helper in helpers]
        _idle.extend(helpers)
    for error in errors:
        if error is not None:
            raise error


def share(work: Callable[[int], None], count: int, threads: int) -> None:
    """work(k) for every k < count, which do not need each other: each by the thread that is free next.

    All threads are done when it returns. After an error no further k is begun; the error of the smallest k is raised.
    """
    waiting = itertools.count()
    errors: dict[int, BaseException] = {}

    def take(q: int) -> None:
        while not errors and (k := next(waiting)) < count:
            try:
                work(k)
            except BaseException as error:  # a helper has nobody who would catch it
                errors[k] = error

    together(take, min(threads, count))
    if errors:
        raise errors[min(errors)]


class Crew:
    """Watches how long steps take.

    With another program on one of the processors the threads of a step wait for the one that shares it, some milliseconds
    each time. What `most` threads do in t seconds one thread does in no more than `most` · t: where steps take longer than
    that, one goes on alone, and after a while, longer each time, all try again. The bits do not depend on it.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._best, self._until, self._pause = math.inf, 0.0, SHORTEST

    def size(self) -> int:
        """The number of threads of the next stretch."""
        return 1 if self.most == 1 or time.monotonic() < self._until else self.most

    def note(self, threads: int, seconds_per_step: float) -> None:
        """A stretch with so many threads took so long per step."""
        if threads == 1:
            return
        if seconds_per_step > TOO_SLOW * self.most * self._best:
            self._until = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, LONGEST)
        else:
            self._pause = max(SHORTEST, self._pause / 2)
        self._best = min(self._best, seconds_per_step)
