"""One table of everything the library offers: every contract test runs over it, and a test fails for what has no row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import scratchwork as sw
from scratchwork import initializers as init
from scratchwork import schedules

Array = Any


@dataclass(frozen=True)
class LayerCase:
    """A layer and the shape of its rows; `kind` says whether finite differences can see its derivative."""

    make: Callable[[], sw.Layer]
    in_shape: tuple[int, ...] = (4,)
    out_shape: tuple[int, ...] | None = None
    rows_alone: bool = True  # row i of the output depends on row i of the input only

    @property
    def name(self) -> str:
        return repr(self.make())

    def rows(self, n: int, dtype: Any = np.float64, seed: int = 0) -> Array:
        """Rows that keep away from kinks: 0.05 < |x| < 2."""
        rng = np.random.default_rng(seed)
        shape = (n, *self.in_shape)
        return (rng.uniform(0.05, 2.0, shape) * rng.choice([-1.0, 1.0], shape)).astype(dtype)

    def built(self, dtype: Any = np.float64, seed: int = 3) -> sw.Layer:
        layer = self.make()
        layer.build(self.in_shape, np.random.default_rng(seed), dtype)
        rng = np.random.default_rng(seed + 1)
        for _, parameter in layer.parameters():  # biases and gains off their round starting values
            parameter.value += (0.3 * rng.normal(size=parameter.value.shape)).astype(dtype)
        return layer


LAYER_CASES = [
    LayerCase(lambda: sw.Dense(3), (4,), (3,)),
    LayerCase(lambda: sw.Dense(1, use_bias=False), (4,), (1,)),
    LayerCase(lambda: sw.Dense(5, weight_initializer="glorot_uniform", weight_regularizer=sw.L2(1e-3)), (2,), (5,)),
    LayerCase(sw.Linear),
    LayerCase(sw.Step),
    LayerCase(sw.Sigmoid),
    LayerCase(sw.Tanh),
    LayerCase(sw.ReLU),
    LayerCase(sw.LeakyReLU),
    LayerCase(lambda: sw.LeakyReLU(0.3), (2, 3)),
    LayerCase(sw.ELU),
    LayerCase(sw.SELU),
    LayerCase(sw.GELU),
    LayerCase(lambda: sw.GELU(approximate="tanh")),
    LayerCase(sw.SiLU),
    LayerCase(sw.Mish),
    LayerCase(sw.Softplus),
    LayerCase(sw.Softmax),
    LayerCase(sw.Softmax, (2, 3)),
    LayerCase(lambda: sw.Dropout(0.4)),
    LayerCase(lambda: sw.Dropout(0.4, inverted=False)),
    LayerCase(lambda: sw.Dropout(0.0)),
    LayerCase(sw.BatchNorm, rows_alone=False),
    LayerCase(lambda: sw.BatchNorm(momentum=0.5, eps=1e-3), (3, 2), rows_alone=False),
    LayerCase(sw.LayerNorm),
    LayerCase(sw.LayerNorm, (2, 3)),
    LayerCase(sw.Flatten, (2, 3), (6,)),
    LayerCase(lambda: sw.Reshape((3, -1)), (6,), (3, 2)),
    LayerCase(sw.Scale),
    LayerCase(lambda: sw.Rescaling(1 / 255, 0.5)),
    LayerCase(
        lambda: sw.Parallel([sw.Dense(2), sw.Sequential([sw.Dense(3), sw.Tanh(), sw.Dropout(0.3), sw.Dense(2)])]), (4,), (4,)
    ),
    LayerCase(lambda: sw.Parallel([sw.Sequential([sw.Softmax()]), sw.Tanh()]), (4,), (8,)),
    LayerCase(lambda: sw.Average(2), (6,), (3,)),
    LayerCase(
        lambda: sw.Sequential(
            [sw.Parallel([sw.Sequential([sw.Dense(50), sw.BatchNorm(), sw.Dense(3)]) for _ in range(3)]), sw.Average(3)]
        ),
        (4,),
        (3,),
        rows_alone=False,
    ),
    LayerCase(lambda: sw.Sequential([sw.Dense(3), sw.Tanh(), sw.Sequential([sw.Dense(2), sw.Dropout(0.3)])]), (4,), (2,)),
]


@dataclass(frozen=True)
class LossCase:
    """A loss, and how its predictions and targets are drawn for N rows and K outputs."""

    make: Callable[[], sw.Loss]
    kind: str  # labels, soft, probabilities, shares, signs, numbers, counts
    outputs: tuple[int, ...] = (1, 3)

    @property
    def name(self) -> str:
        return f"{self.make()!r} on {self.kind}"

    def draw(self, n: int, outputs: int, dtype: Any = np.float64, seed: int = 0) -> tuple[Array, Array]:
        rng = np.random.default_rng(seed + 17 * n + outputs)
        prediction = rng.normal(size=(n, outputs)) * 2
        if self.kind == "probabilities":
            prediction = rng.dirichlet(np.ones(outputs) * 2, size=n)
        draws = {
            "labels": lambda: rng.integers(0, outputs, size=n),
            "probabilities": lambda: rng.integers(0, outputs, size=n),
            "soft": lambda: rng.dirichlet(np.ones(outputs), size=n),
            "shares": lambda: rng.integers(0, 2, size=(n, outputs)).astype(float),
            "signs": lambda: rng.choice([-1.0, 1.0], size=(n, outputs)),
            "numbers": lambda: rng.normal(size=(n, outputs)),
            "counts": lambda: rng.poisson(3.0, size=(n, outputs)).astype(float),
        }
        return prediction.astype(dtype), draws[self.kind]()


LOSS_CASES = [
    LossCase(sw.SoftmaxCrossEntropy, "labels", (2, 3)),
    LossCase(sw.SoftmaxCrossEntropy, "soft", (2, 3)),
    LossCase(lambda: sw.SoftmaxCrossEntropy(label_smoothing=0.1), "labels", (3,)),
    LossCase(lambda: sw.SoftmaxCrossEntropy(class_weight=[1.0, 2.0, 0.5]), "labels", (3,)),
    LossCase(sw.CategoricalCrossEntropy, "probabilities", (2, 3)),
    LossCase(sw.SigmoidBinaryCrossEntropy, "shares"),
    LossCase(lambda: sw.SigmoidBinaryCrossEntropy(positive_weight=3.0), "shares"),
    LossCase(sw.MulticlassHinge, "labels", (2, 3)),
    LossCase(lambda: sw.MulticlassHinge(margin=0.3), "labels", (3,)),
    LossCase(sw.SquaredHinge, "labels", (2, 3)),
    LossCase(sw.BinaryHinge, "signs"),
    LossCase(sw.MeanSquaredError, "numbers"),
    LossCase(sw.SumSquaredError, "numbers"),
    LossCase(lambda: sw.SumSquaredError(reduction="sum"), "numbers"),
    LossCase(sw.MeanAbsoluteError, "numbers"),
    LossCase(sw.Huber, "numbers"),
    LossCase(lambda: sw.Huber(delta=0.4), "numbers"),
    LossCase(lambda: sw.Quantile(0.9), "numbers"),
    LossCase(sw.Poisson, "counts"),
]

OPTIMIZER_CASES: dict[str, Callable[[], Any]] = {
    "gradient descent": lambda: sw.GradientDescent(0.05),
    "sgd": lambda: sw.SGD(0.05),
    "sgd, decay": lambda: sw.SGD(0.05, decay=1e-2),
    "momentum": lambda: sw.SGD(0.02, momentum=0.9),
    "nesterov": lambda: sw.SGD(0.02, momentum=0.9, nesterov=True),
    "adagrad": lambda: sw.AdaGrad(0.1),
    "rmsprop": lambda: sw.RMSProp(0.01),
    "adam": lambda: sw.Adam(0.02),
    "adamw": lambda: sw.AdamW(0.02, weight_decay=0.1),
    "adam, cosine": lambda: sw.Adam(sw.Cosine(0.03, 1000)),
}

INITIALIZER_CASES: list[init.Initializer] = [
    init.Zeros(),
    init.Ones(),
    init.Constant(0.01),
    init.Normal(0.01),
    init.Uniform(0.2),
    init.VarianceScaling(2.0, "fan_in", "normal"),
    init.VarianceScaling(1.0, "fan_avg", "uniform"),
    init.Sparse(3),
    init.Orthogonal(),
]

REGULARIZER_CASES = [sw.L1(0.1), sw.L2(0.1), sw.ElasticNet(0.1, 0.2), sw.L2(0.1, biases=True)]
CONSTRAINT_CASES = [sw.MaxNorm(0.5), sw.MaxNorm(0.5, axis=1)]


@dataclass(frozen=True)
class ScheduleCase:
    """A schedule, its value before the first step and after very many."""

    schedule: Any
    first: float
    last: float


SCHEDULE_CASES = [
    ScheduleCase(schedules.Constant(0.1), 0.1, 0.1),
    ScheduleCase(schedules.InverseTime(0.1, 0.01), 0.1, 0.0),
    ScheduleCase(schedules.StepDecay(0.1, 10, 0.5), 0.1, 0.0),
    ScheduleCase(schedules.Exponential(0.1, 0.01), 0.1, 0.0),
    ScheduleCase(schedules.Cosine(0.1, 100), 0.1, 0.0),
    ScheduleCase(schedules.WarmUp(9, schedules.Constant(0.1)), 0.01, 0.1),
    ScheduleCase(schedules.OneCycle(0.1, 100), 0.1 / 25, 0.1 / 25 / 1e4),
    ScheduleCase(schedules.CosLog(0.1, 100), 0.0, 0.0),
]
