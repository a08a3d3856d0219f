"""RealMLP-TD-S: settings for a perceptron on tables that were tuned once, on many tables, so that they need no tuning.

From Holzmüller, Grinsztajn, Steinwart (2024), "Better by default: strong pre-tuned MLPs and boosted trees on tabular data",
NeurIPS: its simplified variant ("TD-S"). The numbers are the paper's; where the paper leaves something open, they are what
its authors' package pytabkit 1.7 does, with which `benchmarks/tabular.py` compares this file.
"""

import dataclasses
import math
from typing import Any, Literal

from .callbacks import EarlyStopping
from .errors import ConfigurationError
from .initializers import Normal
from .layers import SELU, Dense, Layer, Mish, Scale
from .losses import MeanSquaredError, SoftmaxCrossEntropy
from .optimizers import Adam
from .preprocessing import Chain, RobustScale, SmoothClip
from .schedules import CosLog
from .sequential import Sequential

ACTIVATIONS: dict[str, type[Layer]] = {"selu": SELU, "mish": Mish}


@dataclasses.dataclass(frozen=True)
class RealMLP:
    """The published settings for one kind of task, and what is made from them.

    ::

        rows       one-hot columns (binary ±1, missing 0) → (x − median) / (q(¾) − q(¼)) → x / √(1 + (x/3)²)
        network    x ⊙ γ → 3 × (x W/√D + b → activation) → x W/√D + b      W, b ~ N(0, 1), but 0 in the last layer; γ = 1
        rates      η for every W, 6 η for γ, η/10 for every b
        η          CosLog: four waves up to `learning_rate` over all steps
        training   Adam with β₁ = 0.9, β₂ = 0.95; 256 epochs in batches of 256, a smaller last one left out
        loss       softmax cross-entropy with label smoothing 0.1, or the mean squared error of the standardized target
        at last    the epoch of the best accuracy, or RMSE, on a fifth that was held out: the last one of equals

    The factor 1/√D of a layer with D inputs (the "neural tangent kernel" parametrization) stands here in two other
    places: in the start, W ~ N(0, 1/D), and in the rate, η/√D for W. Adam's steps have a size that does not depend on
    the gradient's, so that x W/√D changes by the same in both, up to the ε that keeps Adam from dividing by zero; and the
    network is made of `Dense` layers like any other.

    ==============  ==============  ==========
    setting         classification  regression
    ==============  ==============  ==========
    activation      selu            mish
    learning_rate   0.04            0.07
    smoothing       0.1             (none)
    ==============  ==============  ==========

    Parameters
    ----------
    task : "classification" or "regression"
    activation : "selu" or "mish"
    learning_rate : float > 0
        The peak of every wave.
    smoothing : float, 0 ≤ smoothing < 1
        Of labels; not used for regression.
    hidden : tuple of int ≥ 1
    scale_factor, bias_factor : float ≥ 0
        The rates of γ and of biases, as multiples of that of weights.
    beta2 : float, 0 ≤ β₂ < 1
    epochs, batch_size, cycles : int ≥ 1
    limit : float > 0
        Of the smooth clipping.
    held_out : float, 0 < held_out < 1
        The fraction on which the epoch is chosen.

    Raises
    ------
    ConfigurationError
        For another task or activation.

    Examples
    --------
    >>> RealMLP(hidden=(20,)).network(inputs=10, outputs=3)
    Sequential([Scale(learning_rate_factor=6.0), Dense(20, ...), SELU(), Dense(3, ...)])
    >>> CLASSIFICATION.preprocessing()
    Chain([RobustScale(), SmoothClip()])
    >>> REGRESSION.training(rows=1000)["optimizer"]
    Adam(learning_rate=CosLog(peak=0.07, steps=768, cycles=4), beta1=0.9, beta2=0.95, eps=1e-08)
    """

    task: Literal["classification", "regression"] = "classification"
    activation: str = "selu"
    learning_rate: float = 0.04
    smoothing: float = 0.1
    hidden: tuple[int, ...] = (256, 256, 256)
    scale_factor: float = 6.0
    bias_factor: float = 0.1
    beta2: float = 0.95
    epochs: int = 256
    batch_size: int = 256
    cycles: int = 4
    limit: float = 3.0
    held_out: float = 0.2

    def __post_init__(self) -> None:
        if self.task not in ("classification", "regression"):
            raise ConfigurationError(f"RealMLP has task='classification' or task='regression'; received {self.task!r}")
        if self.activation not in ACTIVATIONS:
            raise ConfigurationError(f"RealMLP has activation='selu' or activation='mish'; received {self.activation!r}")

    def preprocessing(self) -> Chain:
        """What is done to rows of numbers, categories already one-hot; to be fitted on the training part."""
        return Chain([RobustScale(), SmoothClip(self.limit)])

    def network(self, inputs: int, outputs: int) -> Sequential:
        """The network for rows of so many numbers, not yet built."""
        layers: list[Layer] = [Scale(learning_rate_factor=self.scale_factor)]
        for size, width in zip(self.hidden, (inputs, *self.hidden), strict=False):
            layers += [self._dense(size, width, "lecun_normal", Normal(1.0)), ACTIVATIONS[self.activation]()]
        return Sequential([*layers, self._dense(outputs, (inputs, *self.hidden)[-1], "zeros", "zeros")])

    def _dense(self, units: int, inputs: int, weights: str, biases: str | Normal) -> Dense:
        return Dense(
            units,
            weight_initializer=weights,
            bias_initializer=biases,
            weight_learning_rate_factor=1 / math.sqrt(inputs),
            bias_learning_rate_factor=self.bias_factor,
        )

    def training(self, rows: int, *, validated: bool = True) -> dict[str, Any]:
        """The settings of `fit` for so many training rows; `validated`: there is a part on which the epoch is chosen.

        With fewer rows than `batch_size` every epoch is one step on all of them.
        """
        classes = self.task == "classification"
        steps = self.epochs * max(1, rows // self.batch_size)
        best = EarlyStopping("val_accuracy" if classes else "val_loss", patience=None, ties="last")
        return {
            "loss": SoftmaxCrossEntropy(label_smoothing=self.smoothing) if classes else MeanSquaredError(),
            "optimizer": Adam(CosLog(self.learning_rate, steps, self.cycles), beta2=self.beta2),
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "drop_last": True,
            "metrics": ("accuracy",) if classes else (),
            "callbacks": [best] if validated else [],
        }


CLASSIFICATION = RealMLP()
REGRESSION = RealMLP("regression", activation="mish", learning_rate=0.07, smoothing=0.0)
