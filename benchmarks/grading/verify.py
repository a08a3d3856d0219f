"""Is the corpus what it says? Correct programs against an independent reference, mistakes against the program they come from.

python -m benchmarks.grading.verify    verify everything (the grader is not called)
"""

import copy
import sys
from typing import Any

import numpy as np

from .corpus import PROGRAMS, Mistake
from .mistakes import MISTAKES
from .probes import PROBES, Probe, namespace
from .reference import Rule


def probe(name: str, source: str) -> Probe:
    np.random.seed(0)
    return PROBES[name](namespace(source, name.replace("/", ".")))


def copies(params: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.array(value, np.float64) for name, value in params.items()}


def apart(given: Any, right: Any) -> float:
    """The largest difference relative to the largest number, broadcast nothing but leading ones."""
    given, right = np.asarray(given, np.float64), np.asarray(right, np.float64)
    if given.size != right.size:
        return float("inf")
    given = given.reshape(right.shape)
    return float(np.max(np.abs(given - right)) / max(1e-8, float(np.max(np.abs(right)))))


def verify_correct(name: str, source: str) -> list[str]:
    """What is wrong with a program that should be right: forward, loss, gradients, updates, large logits, rows, inputs."""
    this = probe(name, source)
    spec, x, y = this.spec, this.x, this.y
    for _, bias in spec.layers:  # from zero on, the biases of a small network leave rows exactly on a kink
        this.params()[bias][...] += np.random.default_rng(1).uniform(0.05, 0.1, this.params()[bias].shape)
    kept_x, kept_y, params = x.copy(), y.copy(), copies(this.params())
    wrong = []

    def same(what: str, given: Any, right: Any, tolerance: float = 1e-5) -> None:
        if not (distance := apart(given, right)) < tolerance:
            wrong.append(f"{what} is {distance:.2g} apart")

    same("output", this.outputs(x), spec.forward(params, x))
    if this.loss is not None:
        same("loss", this.loss(x, y), spec.value(params, x, y))
    few = {name: value for name, value in params.items() if value.size < 500}  # 7,840 differences would take minutes
    right = spec.gradients(params, x, y) if len(few) == len(params) else large_gradients(spec, params, x, y)
    for key, gradient in this.gradients(x, y).items():
        same(f"gradient of {key}", gradient[..., :: gradient.shape[-1] // 30 or 1], right[key], 2e-4)
    same("a row alone", this.outputs(x[:1]), this.outputs(x)[:1])
    with np.errstate(over="ignore"):
        if not np.isfinite(this.outputs(1e4 * x)).all():
            wrong.append("large inputs give numbers that are not finite")
    if name != "dictionary/two_layer_net":  # its train draws rows
        rule, expected = Rule(spec.rule, **spec.settings), copies(this.params())
        for step in range(3):
            expected = rule(expected, copies(this.gradients(x, y)), this.rate)
            this.step(x, y, this.rate)
            for key, value in this.params().items():
                same(f"{key} after step {step + 1}", value, expected[key])
    if wrong:  # training what is wrong may end anywhere
        return wrong
    first = spec.value(copies(this.params()), x, y)
    for _ in range(400):
        this.step(x, y, this.rate)
    if not spec.value(copies(this.params()), x, y) < 0.7 * first:
        wrong.append(f"loss went from {first:.3g} to {spec.value(copies(this.params()), x, y):.3g} only")
    if apart(x, kept_x) or apart(y, kept_y):
        wrong.append("the given arrays changed")
    return wrong


def large_gradients(spec, params, x, y):
    """Differences for every 26th column of a 10x784 weight, all of the others."""
    found = {}
    for name, array in params.items():
        stride = array.shape[-1] // 30 or 1
        found[name] = np.zeros_like(array[..., ::stride])
        for index in np.ndindex(found[name].shape):
            moved = copy.deepcopy(params)
            values = []
            for sign in (1, -1):
                moved[name][(*index[:-1], index[-1] * stride)] = array[(*index[:-1], index[-1] * stride)] + sign * 1e-6
                values.append(spec.value(moved, x, y))
            found[name][index] = (values[0] - values[1]) / 2e-6
    return found


def fingerprint(name: str, source: str) -> list[Any]:
    """All that a program computes on its small problem, as a list of arrays; an exception is the last entry."""
    seen: list[Any] = []
    with np.errstate(all="ignore"):
        try:
            this = probe(name, source)
            x, y = this.x.copy(), this.y.copy()
            seen += copies(this.params()).values()
            for scale in (1.0, 1e4):
                given = scale * x
                seen += [this.outputs(given), given]
                if this.loss is not None:
                    seen.append(this.loss(given, y))
            seen += [this.outputs(x[:1]), this.outputs(x[:, ::-1].copy())]
            seen += copies(this.gradients(x, y)).values()
            for rate in (this.rate, 3 * this.rate):
                for _ in range(3):
                    this.step(x, y, rate)
                    seen += copies(this.params()).values()
            seen += [x, y, *this.extras()]
            for weight, _ in this.spec.layers:  # hidden units that saturate leave the logits small whatever the inputs are
                this.params()[weight][...] *= 1e4
            seen += [this.outputs(x)] + ([this.loss(x, y)] if this.loss else [])
        except Exception as error:  # a mistake that ends in an exception is one, too
            seen.append(f"{type(error).__name__}: {error}")
    return [np.array(value) for value in seen]


def verify_mistake(mistake: Mistake) -> str:
    """ "" where the mistake changes what is computed, else what is wrong with it."""
    right = fingerprint(mistake.program, PROGRAMS[mistake.program].read_text(encoding="utf-8"))
    given = fingerprint(mistake.program, mistake.source())
    if right[-1].dtype.kind == "U":
        return f"the correct program fails: {right[-1]}"
    if len(given) != len(right):
        return ""
    for one, other in zip(given, right, strict=True):
        if one.shape != other.shape or not np.allclose(one, other, rtol=1e-4, atol=1e-9, equal_nan=True):
            return ""
    return "changes nothing"


def main() -> int:
    problems = 0
    for name, path in PROGRAMS.items():
        for problem in verify_correct(name, path.read_text(encoding="utf-8")):
            print(f"{name}: {problem}")
            problems += 1
    for mistake in MISTAKES:
        if problem := verify_mistake(mistake):
            print(f"{mistake.program}, {mistake.name}: {problem}")
            problems += 1
    print(f"{len(PROGRAMS)} programs, {len(MISTAKES)} mistakes, {problems} problems")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
