"""One training run without its surroundings: the data and its parts, the model, the training, the measures."""

from typing import Any

import numpy as np

from .. import data
from .._version import __version__
from ..callbacks import Callback, EarlyStopping
from ..data import Dataset
from ..history import History
from ..model import Model
from .building import (
    Part,
    Parts,
    TargetScale,
    as_amounts,
    build_model,
    build_optimizer,
    choose_loss,
    choose_threads,
    count_outputs,
    divide,
    fingerprint,
    fit_settings,
    scales_targets,
)
from .report import Result, measure
from .settings import Settings

PARTS = ("train", "validation", "test")


class Job:
    """One training run: the data and its parts, the model, and what is said about them."""

    def __init__(self, name: str, dataset: Dataset, settings: Settings) -> None:
        self.name, self.settings = name, settings
        self.loss = choose_loss(dataset, settings)
        self.dataset = as_amounts(dataset) if self.loss.task == "regression" else dataset
        data.check_pair(self.dataset.x, self.dataset.y)
        self.parts: Parts = divide(self.dataset, settings)
        self.model: Model = build_model(self.dataset, settings, self.loss, self.parts.train)
        self.outputs = count_outputs(self.dataset, self.loss)
        self.threads = choose_threads(settings, self.dataset.x.shape[1], self.outputs, len(self.parts.train))
        self.optimizer = build_optimizer(settings, len(self.parts.train))

    def train(self, callbacks: list[Callback]) -> History:
        """Fit the model on the training part."""
        training, parts, labels = self.settings.training, self.parts, self.model.labels
        scale = TargetScale.of(parts.train.y) if scales_targets(self.loss) else None

        def targets(part: Part) -> Any:
            if scale is not None:
                return scale.apply(part.y)
            return part.y if labels is None else np.array(labels)[part.y]

        stopping: list[Callback] = [EarlyStopping(patience=training.patience)] if training.patience else []
        history = self.model.fit(
            parts.train.x,
            targets(parts.train),
            loss=self.loss,
            optimizer=self.optimizer,
            validation_data=None if parts.validation is None else (parts.validation.x, targets(parts.validation)),
            callbacks=[*callbacks[:1], *stopping, *callbacks[1:]],
            progress=False,
            **fit_settings(self.settings, self.loss, self.threads),
        )
        if scale is not None:
            scale.fold_into(self.model.network)
        return history

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
            "rows": fingerprint(self.dataset.x),
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
