"""One training run without its surroundings: the data and its parts, the model, the training, the measures."""

import functools
from dataclasses import replace
from typing import Any

import numpy as np

from .. import data
from .._version import __version__
from ..callbacks import Callback, EarlyStopping
from ..data import AnyData, TableData
from ..history import History
from ..losses import Loss
from ..model import Model
from .building import (
    Part,
    Parts,
    TargetScale,
    as_amounts,
    build_model,
    build_network,
    build_optimizer,
    choose_loss,
    choose_threads,
    count_outputs,
    divide,
    fingerprint,
    fit_settings,
    require_variety,
    scales_targets,
)
from .report import Result, measure
from .settings import NetworkSettings, Settings
from .tables import LEARNING_RATES

PARTS = ("train", "validation", "test")

LINEAR_FACTOR = 5.0
"""How many times as large the learning rate of the linear model is."""


class Job:
    """One training run: the data and its parts, the model, and what is said about them."""

    def __init__(self, name: str, dataset: AnyData, settings: Settings) -> None:
        self.name, self.settings = name, settings
        self.loss = choose_loss(dataset, settings)
        self.dataset = as_amounts(dataset) if self.loss.task == "regression" else dataset
        if not isinstance(dataset, TableData):
            data.check_pair(self.dataset.x, self.dataset.y)
        require_variety(self.dataset)
        self.parts: Parts = divide(self.dataset, settings)
        self.model: Model = build_model(self.dataset, settings, self.loss, self.parts.train)
        self.outputs = count_outputs(self.dataset, self.loss)
        self.inputs = len(self.dataset.feature_names)
        if isinstance(dataset, TableData):  # what becomes of the columns is said before the training
            self.model.preprocessing.fit(self.parts.train.x)
            self.inputs = self.encoded(self.parts.train.take(np.arange(1))).x.shape[1]
        self.threads = choose_threads(settings, self.inputs, self.outputs, len(self.parts.train))
        self.optimizer = build_optimizer(settings, len(self.parts.train))

    def train(self, callbacks: list[Callback], **checkpointing: Any) -> History:
        """Fit the model on the training part; `checkpointing` goes to `fit`."""
        return train_model(
            self.model, self.parts, self.loss, self.optimizer, self.settings, self.threads, callbacks, **checkpointing
        )

    @functools.cached_property
    def rows_fingerprint(self) -> str:
        """A short hash of the inputs."""
        return fingerprint(self.dataset.x)

    def data_fingerprint(self) -> str:
        """Short hashes of the inputs and the targets, and of a test part of its own."""
        further = [fingerprint(part) for part in (self.dataset.y, self.dataset.x_test, self.dataset.y_test) if part is not None]
        return " ".join([self.rows_fingerprint, *further])

    def encoded(self, part: Part) -> Part:
        """A part as the network sees it: rows of numbers."""
        return replace(part, x=self.model.preprocessing.transform(part.x))

    def linear(self) -> tuple[Model, History]:
        """A model without hidden layers, trained on the same encoded rows in the same way.

        Where no learning rate is asked for, it has a larger one: its loss is convex, and at the rate of a network it would
        not come to its end in as many epochs.
        """
        settings = self.settings
        training = settings.training
        if training.learning_rate is None and training.optimizer in LEARNING_RATES:
            training = replace(training, learning_rate=LINEAR_FACTOR * LEARNING_RATES[training.optimizer])
        settings = replace(settings, network=NetworkSettings(hidden=()), training=training)
        parts = Parts(
            self.encoded(self.parts.train),
            None if self.parts.validation is None else self.encoded(self.parts.validation),
            None,
        )
        model = Model(build_network(settings, self.outputs, self.loss), labels=self.model.labels)
        optimizer = build_optimizer(settings, len(parts.train))
        return model, train_model(model, parts, self.loss, optimizer, settings, self.threads, [])

    def measured(self) -> tuple[Result, Part, str]:
        """The measures on the test part; where none was held out on the validation part, or else on the training part."""
        for part, on in ((self.parts.test, "test"), (self.parts.validation, "validation"), (self.parts.train, "training")):
            if part is not None:
                return measure(self.model, self.dataset, part), part, on
        raise AssertionError("there is always a training part")

    def origin(self) -> dict[str, Any]:
        """Where the rows came from and how they were divided: `evaluate` finds the held-out ones again by it."""
        own = self.dataset.x_test is not None
        return {
            "name": self.dataset.name,
            "rows": self.rows_fingerprint,
            "test_fraction": 0.0 if own else self.settings.data.test_fraction,
            "seed": self.settings.training.seed,
        }

    def config(self) -> dict[str, Any]:
        """What config.json holds."""
        sizes = {name: 0 if (part := getattr(self.parts, name)) is None else len(part) for name in PARTS}
        return {
            "scratchwork": __version__,
            "data": self.name,
            "source": self.dataset.source,
            "rows": sizes,
            "loss": repr(self.loss),
            "optimizer": repr(self.optimizer),
            "network": [repr(layer) for layer in self.model.network.layers],
            "preprocessing": [repr(step) for step in self.model.preprocessing.steps],
            "settings": self.settings.to_dict(),
        }


def train_model(
    model: Model,
    parts: Parts,
    loss: Loss,
    optimizer: Any,
    settings: Settings,
    threads: int | None,
    callbacks: list[Callback],
    **checkpointing: Any,
) -> History:
    """Fit a model on the training part, its targets scaled and its epochs compared as the settings say."""
    training, labels = settings.training, model.labels
    scale = TargetScale.of(parts.train.y) if scales_targets(loss) else None

    def targets(part: Part) -> Any:
        if scale is not None:
            return scale.apply(part.y)
        return part.y if labels is None else np.array(labels)[part.y]

    stopping: list[Callback] = [EarlyStopping(patience=training.patience)] if training.patience else []
    history = model.fit(
        parts.train.x,
        targets(parts.train),
        loss=loss,
        optimizer=optimizer,
        validation_data=None if parts.validation is None else (parts.validation.x, targets(parts.validation)),
        callbacks=[*callbacks[:1], *stopping, *callbacks[1:]],
        progress=False,
        **checkpointing,
        **fit_settings(settings, loss, threads),
    )
    if scale is not None:
        scale.fold_into(model.network)
    return history
