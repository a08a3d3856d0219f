"""What a case of the corpus is, how faults are multiplied over data sets and architectures, and the two halves.

The halves are a function of the names and of a seed that was chosen before anything was tuned, and a test holds them by the
digest below. About a quarter of the faults of each condition, chosen by the same seed, is in the report half alone: nobody
tuned on any run with them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .problems import names
from .situation import HIDDEN, Situation

SEED = "scratchwork doctor 6"
Make = Callable[[str, str, int], Situation]
"""(name of the data set, name of the architecture, which of the fault's cases it is) -> a run with the fault in it."""


@dataclass(frozen=True)
class Case:
    """A run by name, and what is wrong with it.

    condition   1..16; 0 of a healthy run
    codes       what the right cause is called: any of them as the first finding is right
    fault       the kind of fault, or the kind of healthy run
    """

    condition: int
    codes: tuple[str, ...]
    fault: str
    problem: str
    net: str
    turn: int
    make: Make

    @property
    def name(self) -> str:
        """Condition, fault, data set, architecture."""
        return f"{self.condition:02d} {self.fault}, {self.problem}, {self.net} #{self.turn}"

    def situation(self) -> Situation:
        """The run, built anew."""
        return self.make(self.problem, self.net, self.turn)


CASES: list[Case] = []


def number(*words: object) -> int:
    """A number that these words alone determine."""
    return int.from_bytes(hashlib.sha256("|".join(map(str, (SEED, *words))).encode()).digest()[:6])


def _sets(on: str) -> list[str]:
    """Names of data sets; @numbers stands for all of a task, @pictures for all of a kind."""
    found: list[str] = []
    for word in (part.strip() for part in on.split(",")):
        if word.startswith("@"):
            found += [name for name in names() if name in (*names(task=word[1:]), *names(kind=word[1:]))]
        else:
            assert word in names(), word
            found.append(word)
    return found


def enter(condition: int, codes: tuple[str, ...], on: str, nets: str, count: int) -> Callable[[Make], Make]:
    """Enters a fault (or a kind of healthy run) with `count` cases, walking through data sets and architectures."""
    sets, layers = _sets(on), [part.strip() for part in nets.split(",")]
    assert set(layers) <= {*HIDDEN, "own"}, nets

    def add(make: Make) -> Make:
        fault = make.__name__.replace("_", " ")
        first, second = number(fault, "sets") % len(sets), number(fault, "nets") % len(layers)
        for turn in range(count):
            place = sets[(first + turn) % len(sets)]
            net = layers[(second + turn + turn // len(layers)) % len(layers)]
            CASES.append(Case(condition, codes, fault, place, net, turn, make))
        return make

    return add


def fault(condition: int, *codes: str, on: str, nets: str = "relu, two tanh, two relu, sigmoid, leaky", count: int = 4):  # type: ignore[no-untyped-def]
    """Enters a fault of a condition."""
    return enter(condition, codes, on, nets, count)


def well(on: str, nets: str = "relu, two tanh, two relu", count: int = 3):  # type: ignore[no-untyped-def]
    """Enters a kind of healthy run."""
    return enter(0, (), on, nets, count)


def all_cases() -> list[Case]:
    """Every case, in the order of the conditions."""
    from . import faults_data, faults_handed, faults_network, faults_start, faults_training, healthy, healthy_data

    assert all((faults_data, faults_handed, faults_network, faults_start, faults_training, healthy, healthy_data))
    return sorted(CASES, key=lambda case: (case.condition, case.name))


def halves() -> dict[str, list[Case]]:
    """{"tuning": [...], "report": [...]}, as frozen."""
    found: dict[str, list[Case]] = {"tuning": [], "report": []}
    for cases in _by_condition().values():
        faults = sorted({case.fault for case in cases}, key=lambda fault: number(fault, "held back"))
        held = set(faults[: round(len(faults) / 4)])
        drawn = sorted((case for case in cases if case.fault not in held), key=lambda case: number(case.name, "half"))
        half = min(len(drawn), round(len(cases) / 2))
        found["tuning"] += sorted(drawn[:half], key=lambda case: case.name)
        rest = [*drawn[half:], *(case for case in cases if case.fault in held)]
        found["report"] += sorted(rest, key=lambda case: case.name)
    return found


def _by_condition() -> dict[int, list[Case]]:
    found: dict[int, list[Case]] = {}
    for case in all_cases():
        found.setdefault(case.condition, []).append(case)
    return found


def digest() -> str:
    """A fingerprint of the halves: who is in which."""
    text = "\n".join(f"{half}: {case.name}" for half, cases in halves().items() for case in cases)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def of_half(half: str) -> Iterator[Case]:
    """The cases of a half, or of both for "all"."""
    found = halves()
    for name in found if half == "all" else [half]:
        yield from found[name]
