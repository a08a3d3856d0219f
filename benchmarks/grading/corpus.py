"""The table of the corpus: correct programs, mistakes as small changes of them, and which half each belongs to."""

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "programs"
STYLES = ("classes", "layers", "functions", "dictionary")
PROGRAMS = {f"{style}/{path.stem}": path for style in STYLES for path in sorted((FOLDER / style).glob("*.py"))}

HALVES = ("tuning", "report")
SEED = 20261121


def halves(seed: int = SEED) -> dict[str, str]:
    """Program -> half: three programs of each style tune the grader, the other three (with their mistakes) report on it."""
    chosen = {}
    for style in STYLES:
        names = [name for name in PROGRAMS if name.startswith(style + "/")]
        random.Random(f"{seed} {style}").shuffle(names)
        chosen |= {name: HALVES[2 * i >= len(names)] for i, name in enumerate(names)}
    return chosen


HALF = halves()  # as manifest.json has it since before the first grading; a test compares them


@dataclass(frozen=True)
class Mistake:
    """`old` of `program`, which stands there once, becomes `new`; `expected`: the diagnoses that are right, the best first."""

    program: str
    name: str
    expected: tuple[str, ...]
    old: str
    new: str

    @property
    def style(self) -> str:
        return self.program.partition("/")[0]

    @property
    def half(self) -> str:
        return HALF[self.program]

    def source(self) -> str:
        text = PROGRAMS[self.program].read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.program}, {self.name}: {self.old!r} stands there {text.count(self.old)} times")
        return text.replace(self.old, self.new)

    def stem(self) -> str:
        """A file name that gives nothing away."""
        return "submission_" + hashlib.sha256(f"{self.program} {self.name}".encode()).hexdigest()[:8]
