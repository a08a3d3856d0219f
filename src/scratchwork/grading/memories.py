"""Optimizers with a memory: which rule a path of parameters follows, and which mistake of one.

A program's update is called a few times with gradients that are known; `wrong_rule` replays the textbook's rules from the
same start, with the numbers that the program itself has (0.9, 0.999, 1e-8 …), until one gives the same path. Where only a
rule with a mistake in it does, that is the diagnosis. Where none does, nothing is said: there are more optimizers than
these, and a rule that is not known is no mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Array

USUAL = (0.9, 0.999, 0.99, 0.95, 0.5)
"""Decays to try beside the program's own."""

TOLERANCE = 1e-4
"""Relative to the largest movement: lets the ε under a root be any small number, and no mistake."""

Rule = Callable[["Path"], Iterator[Array]]


@dataclass(frozen=True)
class Path:
    """What one parameter went through: its values before and after each update, and the gradients that it was handed."""

    values: Sequence[Array]  # one more than gradients
    gradients: Sequence[Array]
    rate: float

    @property
    def moves(self) -> list[Array]:
        """The movement of each update."""
        return [b - a for a, b in zip(self.values, self.values[1:], strict=False)]

    def follows(self, moves: Iterator[Array]) -> bool:
        """Whether these are its movements."""
        own = self.moves
        size = max(float(np.abs(move).max()) for move in own)
        for given, right in zip(own, moves, strict=False):
            if not np.isfinite(right).all() or float(np.abs(given - right).max()) > TOLERANCE * size:
                return False
        return True


@dataclass(frozen=True)
class Verdict:
    """The rule that a path follows; `diagnosis` is None where it is a right one."""

    rule: str
    diagnosis: str | None = None
    sentence: str = ""


def plain_steps(path: Path, sign: float = -1.0) -> Iterator[Array]:
    """−rate · g."""
    return (sign * path.rate * g for g in path.gradients)


def momentum(
    path: Path, keep: float, *, share: float = 1.0, corrected: bool = False, from_weights: bool = False
) -> Iterator[Array]:
    """v ← keep · v + share · g; −rate · v."""
    v = path.values[0].copy() if from_weights else np.zeros_like(path.values[0])
    for step, g in enumerate(path.gradients, start=1):
        v = keep * v + share * g
        yield -path.rate * (v / (1 - keep**step) if corrected else v)


def nesterov(path: Path, keep: float) -> Iterator[Array]:
    """The look ahead in the parameters that are kept: keep · v + g after v ← keep · v + g."""
    v = np.zeros_like(path.values[0])
    for g in path.gradients:
        v = keep * v + g
        yield -path.rate * (keep * v + g)


def root_mean_square(path: Path, keep: float, epsilon: float, power: float = 0.5) -> Iterator[Array]:
    """s ← keep · s + (1 − keep) · g²; −rate · g / √s."""
    s = np.zeros_like(path.values[0])
    for g in path.gradients:
        s = keep * s + (1 - keep) * g * g
        yield -path.rate * g / (s**power + epsilon)


def adaptive(path: Path, epsilon: float, power: float = 0.5) -> Iterator[Array]:
    """s ← s + g²; −rate · g / √s."""
    s = np.zeros_like(path.values[0])
    for g in path.gradients:
        s = s + g * g
        yield -path.rate * g / (s**power + epsilon)


Correction = Callable[[float, int], float]


def adam(
    path: Path, first: float, second: float, epsilon: float, m_by: Correction, v_by: Correction, power: float = 0.5
) -> Iterator[Array]:
    """m and v as they are defined, each divided by what corrects its start from 0."""
    m, v = np.zeros_like(path.values[0]), np.zeros_like(path.values[0])
    with np.errstate(all="ignore"):
        for step, g in enumerate(path.gradients, start=1):
            m = first * m + (1 - first) * g
            v = second * v + (1 - second) * g * g
            yield -path.rate * (m / m_by(first, step)) / ((v / v_by(second, step)) ** power + epsilon)


def right(keep: float, step: int) -> float:
    """1 − βᵗ."""
    return 1 - keep**step


def none(keep: float, step: int) -> float:
    """No correction."""
    return 1.0


def rules(path: Path, numbers: Sequence[float], speaks_of_momentum: bool) -> Iterator[tuple[Verdict, Iterator[Array]]]:
    """Every rule with its movements, right ones first."""
    keeps = list(dict.fromkeys([*(n for n in numbers if 0 < n < 1), *USUAL]))[:9]
    epsilons = list(dict.fromkeys([1e-8, *(n for n in numbers if 1e-7 <= n < 1e-2)]))[:4]
    second = [keep for keep in keeps if keep >= 0.9]
    for keep in keeps:
        yield Verdict("momentum"), momentum(path, keep)
        yield Verdict("momentum"), momentum(path, keep, share=1 - keep)
        yield Verdict("momentum"), momentum(path, keep, share=1 - keep, corrected=True)
        yield Verdict("Nesterov"), nesterov(path, keep)
        for epsilon in epsilons:
            yield Verdict("RMSProp"), root_mean_square(path, keep, epsilon)
    for epsilon in epsilons:
        yield Verdict("AdaGrad"), adaptive(path, epsilon)
        for one in keeps:
            for two in second:
                yield Verdict("Adam"), adam(path, one, two, epsilon, right, right)
    lost = "nothing is kept from one update to the next, so that momentum never builds up"
    yield (Verdict("SGD", "momentum", lost) if speaks_of_momentum else Verdict("SGD")), plain_steps(path)
    yield from mistaken(path, keeps, second, epsilons)


def mistaken(
    path: Path, keeps: list[float], second: list[float], epsilons: list[float]
) -> Iterator[tuple[Verdict, Iterator[Array]]]:
    """The rules with a mistake in them."""
    yield Verdict("momentum", "momentum", "the velocity never decays: it is multiplied by 1"), momentum(path, 1.0)
    for keep in keeps:
        text = "the velocity begins as the weights where it should begin at 0"
        yield Verdict("momentum", "momentum", text), momentum(path, keep, from_weights=True)
    for epsilon in epsilons:
        for one in keeps:
            for two in second:
                for text, m_by, v_by in corrections(one, two):
                    yield Verdict("Adam", "bias correction", text), adam(path, one, two, epsilon, m_by, v_by)
                text = "it divides by the mean of the squares, not by the root of it"
                yield Verdict("Adam", "denominator", text), adam(path, one, two, epsilon, right, right, power=1.0)
        for keep in keeps:
            text = "it divides by the mean of the squares, not by the root of it"
            yield Verdict("RMSProp", "denominator", text), root_mean_square(path, keep, epsilon, power=1.0)
        text = "it divides by the sum of the squares, not by the root of it"
        yield Verdict("AdaGrad", "denominator", text), adaptive(path, epsilon, power=1.0)


def corrections(one: float, two: float) -> list[tuple[str, Correction, Correction]]:
    """What people write in place of m / (1 − β₁ᵗ) and v / (1 − β₂ᵗ)."""
    return [
        ("neither m nor v is divided by 1 − βᵗ", none, none),
        ("m is not divided by 1 − β₁ᵗ", none, right),
        ("v is not divided by 1 − β₂ᵗ", right, none),
        ("v is divided by 1 − β₁ᵗ where β₂ belongs", right, lambda keep, step: 1 - one**step),
        ("m is divided by 1 − β₂ᵗ where β₁ belongs", lambda keep, step: 1 - two**step, right),
        ("1 − β stands where 1 − βᵗ belongs", lambda keep, step: 1 - keep, lambda keep, step: 1 - keep),
        ("m and v are corrected with t + 1 where t belongs", lambda k, t: 1 - k ** (t + 1), lambda k, t: 1 - k ** (t + 1)),
    ]


def wrong_rule(
    paths: Sequence[Path], others: Sequence[Path] = (), *, numbers: Sequence[float] = (), speaks_of_momentum: bool = False
) -> tuple[str, str] | None:
    """(diagnosis, sentence) of an update; None where it is right or unlike anything that is known.

    Parameters
    ----------
    paths : sequence of Path
        One of each parameter.
    others : sequence of Path
        The same from the same start at another learning rate, if that could be made.
    numbers : sequence of float
        The program's own numbers: the values of its defaults and attributes.
    speaks_of_momentum : bool
        Whether it says that it has a momentum, so that plain steps are a mistake.

    Examples
    --------
    >>> g = [np.array([1.0, -2.0]), np.array([0.5, 1.0])]
    >>> up = Path([np.zeros(2), 0.1 * g[0], 0.1 * (g[0] + 0.9 * g[0] + g[1])], g, rate=0.1)
    >>> wrong_rule([up])
    ('update sign', 'it adds where it should subtract: the step goes uphill')
    """
    for path, other in zip(paths, others, strict=False):
        if any(move.any() for move in path.moves) and _same(path, other):
            return "learning rate ignored", "it takes the same step for another learning rate"
    for path in paths:
        if len(path.gradients) < 2 or not any(move.any() for move in path.moves):
            continue
        verdict = follow(path, numbers, speaks_of_momentum)
        if verdict is not None and verdict.diagnosis is not None:
            return verdict.diagnosis, verdict.sentence
        if verdict is None:
            turned = Path([2 * path.values[0] - value for value in path.values], path.gradients, path.rate)
            mirror = follow(turned, numbers, False)
            if mirror is not None:
                return "update sign", "it adds where it should subtract: the step goes uphill"
    return None


def follow(path: Path, numbers: Sequence[float], speaks_of_momentum: bool) -> Verdict | None:
    """The first of the rules that gives this path."""
    return next((verdict for verdict, moves in rules(path, numbers, speaks_of_momentum) if path.follows(moves)), None)


def _same(path: Path, other: Path) -> bool:
    return path.rate != other.rate and np.allclose(path.moves[0], other.moves[0], rtol=1e-6, atol=0)
