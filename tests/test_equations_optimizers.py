"""The equations in the docstrings of optimizers, schedules, penalties and initializers, letter by letter in float64."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from equation_rows import Elsewhere, Row, transcribed
from scratchwork.initializers import INITIALIZERS, Initializer, Sparse, VarianceScaling
from scratchwork.optimizers import SGD, Adam
from scratchwork.regularizers import L1, L2, ElasticNet, MaxNorm, Regularizer
from scratchwork.schedules import Constant, Cosine, CosLog, Exponential, InverseTime, OneCycle, Schedule, StepDecay, WarmUp

W = np.array([0.5, -2.0, 0.0, 1.5, -0.25])
GRADIENTS = [0.5, -0.3, 2.0, 1e-3]


# Optimizers: the further forms that docstrings claim to be the same ---------------------------------------------------


def momentum_of_steps() -> None:
    """Some write u ← μ u − η g, w ← w + u, which is the same as long as η stays."""
    rule, value = SGD(0.1, momentum=0.9), np.array([1.0])
    state, w, u = rule.init(value), 1.0, 0.0
    for t, g in enumerate(GRADIENTS, start=1):
        rule.update(value, np.array([g]), state, step=t, learning_rate=0.1)
        u = 0.9 * u - 0.1 * g
        w = w + u
        assert math.isclose(value[0], w, rel_tol=1e-14)


def nesterov_at_the_point_looked_ahead_to() -> None:
    """Nesterov's own form: v ← μ v − η ∇f(θ + μ v), θ ← θ + v. The w of the library is θ + μ v."""
    rule, value = SGD(0.1, momentum=0.9, nesterov=True), np.array([1.0])
    state, theta, v = rule.init(value), 1.0, 0.0
    for t in range(1, 6):
        rule.update(value, 4 * value**3, state, step=t, learning_rate=0.1)  # f(w) = w⁴
        v = 0.9 * v - 0.1 * 4 * (theta + 0.9 * v) ** 3
        theta = theta + v
        assert math.isclose(value[0], theta + 0.9 * v, rel_tol=1e-12)


def adam_in_the_order_of_the_code() -> None:
    """w ← w − (η r / (1 − β₁ᵗ)) · m / (√v + ε r), r = √(1 − β₂ᵗ)."""
    rule, value = Adam(0.1, beta1=0.8, beta2=0.95, eps=1e-3), np.array([1.0])
    state, w, m, v = rule.init(value), 1.0, 0.0, 0.0
    for t, g in enumerate(GRADIENTS, start=1):
        rule.update(value, np.array([g]), state, step=t, learning_rate=0.1)
        m, v = 0.8 * m + (1 - 0.8) * g, 0.95 * v + (1 - 0.95) * g**2
        r = math.sqrt(1 - 0.95**t)
        w = w - (0.1 * r / (1 - 0.8**t)) * m / (math.sqrt(v) + 1e-3 * r)
        assert math.isclose(value[0], w, rel_tol=1e-13)


# Schedules -----------------------------------------------------------------------------------------------------------


def rates(schedule: Schedule, eta: Callable[[int], float]) -> Callable[[], None]:
    def check() -> None:
        for t in (0, 1, 2, 7, 19, 20, 21, 39, 40, 41, 100):
            assert math.isclose(schedule(t), eta(t), rel_tol=1e-12, abs_tol=1e-18), t

    return check


def cosine(initial: float, final: float, t: float, steps: float) -> float:
    c = 0.5 * (1 + math.cos(math.pi * t / steps)) if t < steps else 0
    return c * initial + (1 - c) * final


def cos_log(t: int) -> float:
    return 0.5 * 0.3 * (1 - math.cos(2 * math.pi * math.log2(1 + (2**3 - 1) * t / 40))) if t < 40 else 0.0


def one_cycle(t: int) -> float:
    initial, final, top = 0.5 / 10, 0.5 / 10 / 100, 0.25 * 80
    return cosine(initial, 0.5, t, top) if t <= top else cosine(0.5, final, t - top, 80 - top)


# Penalties and the constraint ----------------------------------------------------------------------------------------


def penalty(rule: Regularizer, value: float, slope: Callable[[float], float]) -> Callable[[], None]:
    """R(w), and ∂R/∂wᵢ added to a gradient that is there."""

    def check() -> None:
        grad = np.full(5, 7.0)
        assert math.isclose(rule.inplace_add_gradient(W, grad), value, rel_tol=1e-14)
        np.testing.assert_allclose(grad, [7 + slope(w) for w in W], rtol=1e-14)

    return check


def sign(w: float) -> float:
    return 1.0 if w > 0 else -1.0 if w < 0 else 0.0


def projection() -> None:
    weights = np.random.default_rng(0).normal(size=(3, 20))
    projected = weights.copy()
    MaxNorm(1.5).inplace_project(projected)
    for j in range(20):
        length = math.sqrt(sum(weights[i, j] ** 2 for i in range(3)))
        np.testing.assert_allclose(projected[:, j], [weights[i, j] * min(1, 1.5 / length) for i in range(3)], rtol=1e-14)


# Initializers --------------------------------------------------------------------------------------------------------


def drawn(initializer: Initializer, shape: tuple[int, int] = (300, 200)) -> np.ndarray:
    return initializer(shape, np.random.default_rng(1), np.float64)


def all_alike(name: str, number: float) -> Callable[[], None]:
    def check() -> None:
        assert drawn(INITIALIZERS[name]).tolist() == [[number] * 200] * 300

    return check


def scaled_variance() -> None:
    """Var(w) = scale / n with n = n_in, n_out or their mean; the uniform one reaches to √(3·scale/n) and not beyond."""
    for mode, n in (("fan_in", 300), ("fan_out", 200), ("fan_avg", (300 + 200) / 2)):
        for distribution in ("normal", "uniform"):
            w = drawn(VarianceScaling(1.7, mode, distribution))
            assert w.var() == pytest.approx(1.7 / n, rel=4 * math.sqrt(2 / w.size))
            if distribution == "uniform":
                assert 0.999 * math.sqrt(3 * 1.7 / n) < np.abs(w).max() <= math.sqrt(3 * 1.7 / n)


def few_inputs() -> None:
    w = drawn(Sparse(inputs=15, std=0.3))
    assert [sum(w[i, j] != 0 for i in range(300)) for j in range(200)] == [15] * 200
    assert w[w != 0].var() == pytest.approx(0.3**2, rel=4 * math.sqrt(2 / (15 * 200)))


STEPS = Elsewhere("optimizers", "steps_follow_the_equations")
MOMENTS = Elsewhere("initializers", "mean_and_variance")
INTERVAL = Elsewhere("initializers", "uniform_draws_fill_their_interval")

OPTIMIZERS: dict[str, tuple[Row, ...]] = {
    "GradientDescent": (STEPS,),
    "SGD": (STEPS, momentum_of_steps, nesterov_at_the_point_looked_ahead_to),
    "AdaGrad": (STEPS,),
    "RMSProp": (STEPS,),
    "Adam": (STEPS, adam_in_the_order_of_the_code),
    "AdamW": (STEPS,),
}
SCHEDULES: dict[str, tuple[Row, ...]] = {
    "Constant": (rates(Constant(0.3), lambda t: 0.3),),
    "InverseTime": (rates(InverseTime(0.3, decay=0.2), lambda t: 0.3 / (1 + 0.2 * t)),),
    "StepDecay": (rates(StepDecay(0.3, every=20, factor=0.4), lambda t: 0.3 * 0.4 ** math.floor(t / 20)),),
    "Exponential": (rates(Exponential(0.3, decay=0.2), lambda t: 0.3 * math.exp(-0.2 * t)),),
    "Cosine": (rates(Cosine(0.3, steps=40, final=0.01), lambda t: cosine(0.3, 0.01, t, 40)),),
    "WarmUp": (
        rates(
            WarmUp(20, then=Exponential(0.3, 0.1)), lambda t: 0.3 * (t + 1) / 21 if t < 20 else 0.3 * math.exp(-0.1 * (t - 20))
        ),
    ),
    "CosLog": (rates(CosLog(0.3, steps=40, cycles=3), cos_log),),
    "OneCycle": (rates(OneCycle(0.5, steps=80, warm_up=0.25, divisor=10, final_divisor=100), one_cycle),),
}
PENALTIES: dict[str, tuple[Row, ...]] = {
    "L1": (penalty(L1(0.3), 0.3 * sum(abs(w) for w in W), lambda w: 0.3 * sign(w)),),
    "L2": (
        penalty(L2(0.3), 0.5 * 0.3 * sum(w**2 for w in W), lambda w: 0.3 * w),
        Elsewhere("regularizers", "gradient_descent_with_l2_is_weight_decay"),
    ),
    "ElasticNet": (
        penalty(
            ElasticNet(0.3, 0.7),
            0.3 * sum(abs(w) for w in W) + 0.5 * 0.7 * sum(w**2 for w in W),
            lambda w: 0.3 * sign(w) + 0.7 * w,
        ),
    ),
    "MaxNorm": (projection,),
}
STARTS: dict[str, tuple[Row, ...]] = {  # by their names in INITIALIZERS, and the classes that show equations
    "zeros": (all_alike("zeros", 0.0),),
    "ones": (all_alike("ones", 1.0),),
    "constant": (all_alike("constant", 0.01),),
    "normal": (MOMENTS,),
    "uniform": (MOMENTS, INTERVAL),
    **{f"{author}_normal": (MOMENTS,) for author in ("lecun", "glorot", "he")},
    **{f"{author}_uniform": (MOMENTS, INTERVAL) for author in ("lecun", "glorot", "he")},
    "sparse": (few_inputs,),
    "orthogonal": (MOMENTS,),
    "VarianceScaling": (scaled_variance,),
    "Orthogonal": (Elsewhere("initializers", "orthogonal"),),
}
WRITTEN: dict[str, tuple[Row, ...]] = OPTIMIZERS | SCHEDULES | PENALTIES | STARTS


@pytest.mark.parametrize(("name", "check"), transcribed(WRITTEN), ids=lambda part: part if isinstance(part, str) else "")
def test_the_equation(name, check):
    check()
