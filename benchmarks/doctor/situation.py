"""A run as a user would start it: network, data, settings, and what is handed to predict afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import scratchwork as sw
from scratchwork.arrays import Array

from .problems import Problem, problem


@dataclass
class Situation:
    """Everything that the harness hands to the library's public entry points.

    preprocessing   of a `Model` that is trained and asked with `rows_for_predict`; the bare network is trained otherwise
    rows_for_predict   rows for `Model.check` after training
    predict         the user's own function for predictions, for `check_prediction`; None: the network itself
    """

    problem: Problem
    network: sw.Sequential
    x: Any
    y: Any
    loss: Any
    optimizer: Any
    epochs: int
    batch_size: int | None = 32
    validation_data: tuple[Any, ...] | None = None
    sample_weight: Any = None
    regularizer: Any = None
    shuffle: bool = True
    seed: int = 0
    metrics: Sequence[Any] = ()
    settings: dict[str, Any] = field(default_factory=dict)  # further arguments of fit
    preprocessing: list[Any] | None = None
    image_shape: tuple[int, int] | None = None
    rows_for_predict: Any = None
    predict: Callable[[sw.Sequential], Callable[[Array], Array]] | None = None
    measure: Callable[[Situation], float] | None = None  # how good a healthy run became, where `score` does not say it
    reached: float | None = None  # and what it has to reach

    @property
    def classes(self) -> bool:
        """Whether each row has one of several classes."""
        return self.problem.task == "classes"


HIDDEN: dict[str, Callable[[], list[sw.Layer]]] = {
    "linear": list,
    "relu": lambda: [sw.Dense(32), sw.ReLU()],
    "wide relu": lambda: [sw.Dense(128), sw.ReLU()],
    "two relu": lambda: [sw.Dense(48), sw.ReLU(), sw.Dense(24), sw.ReLU()],
    "four relu": lambda: [part for _ in range(4) for part in (sw.Dense(24), sw.ReLU())],
    "tanh": lambda: [sw.Dense(32, weight_initializer="glorot_uniform"), sw.Tanh()],
    "two tanh": lambda: [part for n in (32, 16) for part in (sw.Dense(n, weight_initializer="glorot_normal"), sw.Tanh())],
    "sigmoid": lambda: [sw.Dense(32, weight_initializer="glorot_uniform"), sw.Sigmoid()],
    "leaky": lambda: [sw.Dense(32), sw.LeakyReLU(), sw.Dense(32), sw.LeakyReLU()],
    "elu": lambda: [sw.Dense(32), sw.ELU()],
    "selu": lambda: [part for _ in range(3) for part in (sw.Dense(32, weight_initializer="lecun_normal"), sw.SELU())],
    "gelu": lambda: [sw.Dense(32), sw.GELU(), sw.Dense(16), sw.GELU()],
    "batch norm": lambda: [sw.Dense(32, use_bias=False), sw.BatchNorm(), sw.ReLU(), sw.Dense(16), sw.ReLU()],
    "layer norm": lambda: [sw.Dense(32), sw.LayerNorm(), sw.ReLU()],
    "dropout": lambda: [sw.Dense(96), sw.ReLU(), sw.Dropout(0.3)],
    "silu": lambda: [sw.Dense(32), sw.SiLU()],
    "own": lambda: [sw.Dense(32), sw.ReLU()],  # where the fault brings layers of its own
}
"""The architectures: what stands before the last layer."""

RATES = {"spirals": 0.02, "moons": 0.01, "sine": 0.02, "circles": 0.02, "wine": 0.01, "large digits": 0.003, "diabetes": 0.003}


def loss_for(found: Problem) -> sw.Loss:
    """The loss that suits the targets."""
    return {"classes": sw.SoftmaxCrossEntropy, "binary": sw.SigmoidBinaryCrossEntropy, "numbers": sw.MeanSquaredError}[
        found.task
    ]()


def last(found: Problem) -> sw.Dense:
    """The last layer: affine, with one output for each class or number."""
    return sw.Dense(found.outputs, weight_initializer="lecun_normal")


def healthy(name: str, net: str, seed: int = 0, *, part: str = "scaled", hidden: list[sw.Layer] | None = None) -> Situation:
    """The run that every fault is put into: rows scaled, shuffled, a rate that works, as many epochs as it takes."""
    found = problem(name)
    train, val, later = getattr(found, part)
    layers = (HIDDEN[net]() if hidden is None else hidden) + [last(found)]
    return Situation(
        problem=found,
        network=sw.Sequential(layers),
        x=train.x.copy(),
        y=train.y.copy(),
        loss=loss_for(found),
        optimizer=sw.Adam(RATES.get(name, 0.005)),
        epochs=found.epochs,
        validation_data=(val.x.copy(), val.y.copy()),
        metrics=["r2"] if found.task == "numbers" else ["accuracy"],
        rows_for_predict=later.x.copy(),
        seed=seed,
        settings={"engine": "numpy"},
    )


def score(run: Situation) -> float:
    """What a trained network reaches on the later rows of its problem: accuracy, or the share of the variance explained."""
    found = run.problem
    x, y = run.validation_data[:2] if run.validation_data is not None else (found.scaled[1].x, found.scaled[1].y)
    output = _through(run, x)
    if found.task == "numbers":
        return sw.metrics.r2(output, y.reshape(output.shape))
    if found.task == "binary":
        return float(((output[:, 0] > 0) == (y.reshape(-1) > 0.5)).mean())
    return float((output.argmax(axis=1) == (y.argmax(axis=1) if y.ndim == 2 else y)).mean())


def _through(run: Situation, x: Any) -> Array:
    """The outputs for raw rows, through a preprocessing that was fitted on the raw rows of training."""
    rows = run.x
    for step in run.preprocessing or []:
        x, rows = step.fit(rows).transform(x), step.transform(rows)
    return run.network.predict(x)


def arguments(run: Situation) -> dict[str, Any]:
    """What `diagnose` and `fit` are both told."""
    return {
        "loss": run.loss,
        "optimizer": run.optimizer,
        "epochs": run.epochs,
        "batch_size": run.batch_size,
        "validation_data": run.validation_data,
        "sample_weight": run.sample_weight,
        "regularizer": run.regularizer,
        "shuffle": run.shuffle,
        "seed": run.seed,
        "metrics": run.metrics,
    }


def fit(run: Situation, **changes: Any) -> sw.History:
    """Train the network as the situation says; `changes` are arguments of `fit`."""
    return sw.fit(run.network, run.x, run.y, **arguments(run), **{"progress": False, **run.settings, **changes})


def model(run: Situation) -> sw.Model:
    """The model that is to be shipped: with its preprocessing, where the situation has some."""
    task = {"classes": "multiclass", "binary": "attributes", "numbers": "regression"}[run.problem.task]
    return sw.Model(run.network, preprocessing=run.preprocessing or [], task=task, image_shape=run.image_shape)


def train(run: Situation, **changes: Any) -> tuple[sw.History, sw.Model]:
    """Train the bare network, or the model where preprocessing is part of the situation."""
    shipped = model(run)
    if run.preprocessing is None:
        history = fit(run, **changes)
        shipped.remember(run.x)
        return history, shipped
    settings = {"progress": False, **run.settings, **changes}
    return shipped.fit(run.x, run.y, **arguments(run), **settings), shipped
