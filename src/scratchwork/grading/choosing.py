"""Which of the styles a program is written in, and the checks that go with it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .components import ComponentChecks
from .discover import class_subjects, function_subjects
from .dropout_checks import check_dropout_functions
from .edges import check_parts
from .gradients import check_gradients
from .helpers import check_helpers
from .hints import Book
from .loading import Program, ProgramError
from .loss_functions import check_scored
from .networks import NetworkChecks
from .practice import check_practice
from .report import Check
from .subject import Subject


def grade_program(program: Program, book: Book, style: str) -> tuple[str, tuple[int, int]]:
    """Make all checks; (the style, which of the book's checks count): attempts at other readings do not."""
    first = len(book.checks)
    if style in ("auto", "classes", "layers"):
        components = ComponentChecks(program, book)
        if components.found:
            found = components.run()
            if style != "auto" or any(check.passed is not None for check in book.checks[first:]):
                return found if style == "auto" else style, (first, len(book.checks))
            first = len(book.checks)
    if style in ("classes", "layers"):
        return style, (first, len(book.checks))
    best: tuple[int, float, str, tuple[int, int]] | None = None
    for classes, deep in ((3, False), (1, False), (3, True)):
        for subject in subjects(program, classes, deep):
            if style not in ("auto", subject.style):
                continue
            start = len(book.checks)
            asked = grade_network(program, subject, book)
            piece = (start, len(book.checks))
            key = (misfit(book, piece), -asked, subject.style, piece)
            if best is None or key[0] < best[0]:
                best = key
        if best is not None and best[0] == 0:
            break
    return ("unknown", (first, len(book.checks))) if best is None else (best[2], best[3])


THRICE = re.compile(r" (3|1\.5|0\.333333) times")  # the number of outputs: made for one output, where such means agree
MISFITS = {"does not run": 3, "hangs": 3, "out of memory": 3, "wrong output": 2, "wrong loss": 1}


def misfit(book: Book, piece: tuple[int, int]) -> int:
    """How much of what failed may be the fault of the reading; any other mistake is the program's own."""
    failed = [check for check in book.checks[slice(*piece)] if check.passed is False]
    if any(check.passed is None and check.name in ("forward runs", "gradients") for check in book.checks[slice(*piece)]):
        return 3
    return max((MISFITS.get(check.diagnosis or "", bool(THRICE.search(check.sentence))) for check in failed), default=0)


def subjects(program: Program, classes: int, deep: bool) -> Iterator[Subject]:
    """The networks of a program, each as its author may have meant it."""
    yield from function_subjects(program, classes, deep)
    yield from class_subjects(program, classes, deep)


def grade_network(program: Program, subject: Subject, book: Book) -> float:
    """All checks of one network; the weight of those that could be made."""
    start = len(book.checks)
    try:
        check_helpers(program, book)
        checks = NetworkChecks(subject, book)
        if checks.run() is not None:
            if check_parts(checks):  # else every gradient departs, and the rest follows from that
                checks.report_loss()
                check_gradients(checks)
            check_practice(checks)
        check_scored(program, book)
        check_dropout_functions(program, book)
    except ProgramError as error:
        book.error("the network can be checked", subject.style, error, 2.0)
    made: list[Check] = book.checks[start:]
    return sum(check.weight for check in made if check.passed is not None)
