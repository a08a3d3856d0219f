"""Which rule an optimizer follows, told by the path of its parameters."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from scratchwork.grading.memories import Path, follow, wrong_rule

RATE = 0.1


def gradients(count: int = 4) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.normal(size=(3, 2)) for _ in range(count)]


def walked(step: Callable[[np.ndarray, np.ndarray, int], np.ndarray], rate: float = RATE) -> Path:
    """The path of an optimizer that is written here: step(w, g, t) gives the next w."""
    values = [np.random.default_rng(4).normal(size=(3, 2))]
    for t, g in enumerate(gradients(), start=1):
        values.append(step(values[-1], g, t))
    return Path(values, gradients(), rate)


def sgd() -> Callable[[np.ndarray, np.ndarray, int], np.ndarray]:
    return lambda w, g, t: w - RATE * g


def momentum(keep: float = 0.9, sign: float = -1.0, start: float = 0.0) -> Callable[[np.ndarray, np.ndarray, int], np.ndarray]:
    state = {"v": start}

    def step(w, g, t):
        state["v"] = keep * state["v"] + sign * RATE * g
        return w + state["v"]

    return step


def adam(m_power: Callable[[int], float], v_power: Callable[[int], float], root: float = 0.5):
    state = {"m": 0.0, "v": 0.0}

    def step(w, g, t):
        state["m"] = 0.9 * state["m"] + 0.1 * g
        state["v"] = 0.999 * state["v"] + 0.001 * g**2
        return w - RATE * (state["m"] / m_power(t)) / ((state["v"] / v_power(t)) ** root + 1e-8)

    return step


def rms(w_root: float = 1e-8):
    state = {"s": 0.0}

    def step(w, g, t):
        state["s"] = 0.95 * state["s"] + 0.05 * g**2
        return w - RATE * g / (np.sqrt(state["s"]) + w_root)

    return step


def right_m(t: int) -> float:
    return 1 - 0.9**t


def right_v(t: int) -> float:
    return 1 - 0.999**t


def no(t: int) -> float:
    return 1.0


@pytest.mark.parametrize(
    "make",
    [sgd, momentum, lambda: momentum(0.5), lambda: adam(right_m, right_v), rms],
    ids=["sgd", "momentum", "momentum 0.5", "adam", "rmsprop"],
)
def test_a_right_rule_is_left_alone(make):
    assert wrong_rule([walked(make())]) is None


@pytest.mark.parametrize(
    ("make", "diagnosis"),
    [
        (lambda: momentum(sign=1.0), "update sign"),
        (lambda: momentum(1.0), "momentum"),
        (lambda: adam(no, no), "bias correction"),
        (lambda: adam(no, right_v), "bias correction"),
        (lambda: adam(right_m, no), "bias correction"),
        (lambda: adam(right_m, right_m), "bias correction"),
    ],
    ids=["uphill", "never decays", "neither", "m is not", "v is not", "the other beta"],
)
def test_a_mistake_has_its_name(make, diagnosis):
    found = wrong_rule([walked(make())])
    assert found is not None
    assert found[0] == diagnosis


def test_plain_steps_are_a_mistake_only_of_who_promises_momentum():
    path = walked(sgd())
    assert wrong_rule([path], speaks_of_momentum=False) is None
    assert wrong_rule([path], speaks_of_momentum=True)[0] == "momentum"


def test_a_velocity_that_begins_as_the_weights():
    values, g = [np.ones((3, 2))], gradients()
    v = np.ones((3, 2))
    for one in g:
        v = 0.9 * v + one
        values.append(values[-1] - RATE * v)
    found = wrong_rule([Path(values, g, RATE)])
    assert found == ("momentum", "the velocity begins as the weights where it should begin at 0")


def test_the_same_step_at_another_rate():
    path = walked(sgd())
    assert wrong_rule([path], [Path(path.values, path.gradients, 2 * RATE)])[0] == "learning rate ignored"


def test_an_optimizer_that_nobody_knows_is_no_mistake():
    assert wrong_rule([walked(lambda w, g, t: w - RATE * np.sign(g))]) is None
    assert wrong_rule([walked(lambda w, g, t: w - RATE * g / (1 + t))]) is None


def test_what_does_not_move_is_left_to_others():
    still: Iterator[np.ndarray] = (np.zeros((3, 2)) for _ in range(5))
    assert wrong_rule([Path(list(still), gradients(), RATE)]) is None


def test_the_numbers_of_a_program_are_tried():
    path = walked(momentum(0.37))
    assert follow(path, [], False) is None
    assert follow(path, [0.37], False).rule == "momentum"
