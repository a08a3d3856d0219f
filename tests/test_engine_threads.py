"""Threads that wait for work: woken and not started anew, errors come out, and a forked child makes its own."""

import os
import threading

import pytest

from scratchwork.engine import threads as crews
from scratchwork.engine.threads import share, together, worth_waking


def test_every_thread_works_once_and_is_kept():
    for _ in range(3):
        seen: list[tuple[int, int]] = []
        together(lambda q, seen=seen: seen.append((q, threading.get_ident())), 3)
        assert sorted(q for q, _ in seen) == [0, 1, 2]
        assert len({thread for _, thread in seen}) == 3
    before = threading.active_count()
    together(lambda q: None, 3)
    assert threading.active_count() == before


def test_an_error_of_a_helper_comes_out_after_all_are_done():
    done = []

    def work(q: int) -> None:
        if q == 1:
            raise ValueError("of the helper")
        done.append(q)

    with pytest.raises(ValueError, match="of the helper"):
        together(work, 3)
    assert sorted(done) == [0, 2]

    def fails_first(q: int) -> None:
        if q == 0:
            raise KeyError("mine")
        done.append(q + 10)

    with pytest.raises(KeyError, match="mine"):
        together(fails_first, 2)
    assert 11 in done
    together(lambda q: done.append(q + 20), 2)  # and the helpers go on working
    assert {20, 21} <= set(done)


def test_two_callers_at_once_have_helpers_of_their_own():
    meeting = threading.Barrier(4, timeout=20)  # passes only where all four work at the same time
    callers = [threading.Thread(target=together, args=(lambda q: meeting.wait(), 2)) for _ in range(2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(30)
    assert not meeting.broken


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_threads_that_did_not_follow():
    if not hasattr(os, "fork"):  # then there is nothing to be wrong
        return
    together(lambda q: None, 2)
    child = os.fork()
    if child == 0:
        seen: list[int] = []
        try:
            together(seen.append, 2)
        finally:
            os._exit(0 if sorted(seen) == [0, 1] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_sharing_hands_out_each_number_once():
    seen: list[int] = []
    share(seen.append, 7, 3)
    assert sorted(seen) == list(range(7))


def test_short_work_is_not_worth_a_second_thread(monkeypatch):
    monkeypatch.setattr(crews, "SHORT", 100)
    assert [worth_waking(flops) for flops in (99, 100)] == [False, True]
