"""Optimizers: rules that turn a gradient into a step, and the clipping of a gradient before it."""

from .adaptive import AdaGrad, Adam, AdamW, RMSProp
from .base import LearningRate, Optimizer
from .base import State as State
from .clipping import inplace_clip_by_global_norm, inplace_clip_by_value
from .descent import SGD, GradientDescent

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "gradient_descent": GradientDescent,
    "sgd": SGD,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adam": Adam,
    "adamw": AdamW,
}

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "GradientDescent",
    "LearningRate",
    "Optimizer",
    "RMSProp",
    "inplace_clip_by_global_norm",
    "inplace_clip_by_value",
]
