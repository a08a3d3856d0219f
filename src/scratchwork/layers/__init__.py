"""Layers: a function of a batch, and its derivative beside it."""

from .activations import Activation, Linear, Sigmoid, Softplus, Step, Tanh
from .base import Layer
from .dense import Dense
from .dropout import Dropout
from .gates import GELU, Mish, SiLU
from .normalization import BatchNorm, LayerNorm
from .parallel import Average, Parallel
from .rectifiers import ELU, SELU, LeakyReLU, ReLU
from .reshape import Flatten, Rescaling, Reshape, Scale
from .softmax import Softmax

__all__ = [
    "ELU",
    "GELU",
    "LAYERS",
    "SELU",
    "Activation",
    "Average",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Flatten",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "Mish",
    "Parallel",
    "ReLU",
    "Rescaling",
    "Reshape",
    "Scale",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Step",
    "Tanh",
]

LAYERS: dict[str, type[Layer]] = {
    "Dense": Dense,
    "Linear": Linear,
    "Step": Step,
    "Sigmoid": Sigmoid,
    "Tanh": Tanh,
    "ReLU": ReLU,
    "LeakyReLU": LeakyReLU,
    "ELU": ELU,
    "SELU": SELU,
    "Softplus": Softplus,
    "GELU": GELU,
    "SiLU": SiLU,
    "Mish": Mish,
    "Softmax": Softmax,
    "Dropout": Dropout,
    "BatchNorm": BatchNorm,
    "LayerNorm": LayerNorm,
    "Flatten": Flatten,
    "Reshape": Reshape,
    "Scale": Scale,
    "Rescaling": Rescaling,
    "Parallel": Parallel,
    "Average": Average,
}
"""Every layer by its name: what a model file and the command line look names up in."""
