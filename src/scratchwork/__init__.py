"""Neural networks from scratch, with the work shown.

>>> import scratchwork as sw
>>> rows = sw.data.digits()
>>> network = sw.Sequential([sw.Dense(32), sw.ReLU(), sw.Dense(10)])
>>> history = sw.fit(network, rows.x / 16, rows.y, loss=sw.SoftmaxCrossEntropy(), optimizer=sw.Adam(1e-2), epochs=5)
>>> history["loss"][-1] < 0.2
True

The files, in the order in which they may be read (each imports only from those before it): errors, arrays, sparse_rows,
regularizers, parameter, randomness, initializers, layers, losses, schedules, optimizers, second_order, metrics,
sequential, perceptron, gradcheck, gradient_patterns, data, preprocessing, history, callbacks, realmlp, progress,
preparation, updates, diagnosis, guards, epochs, engine, training, averaging, members, ensemble,
labels, row_profile, model, storage, estimators, export, pictures, explain, doctor, grading, recipes, cli, __main__.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import data, initializers, layers, losses, metrics, optimizers, preprocessing, regularizers, schedules
from ._version import __version__
from .averaging import average, averaged_link
from .callbacks import Callback, EarlyStopping, HistoryFile, Monitor, ReduceOnPlateau
from .ensemble import fit_many
from .errors import ScratchworkError
from .gradcheck import GradientReport, check_gradients
from .history import History, Run, TrainingState
from .layers import (
    ELU,
    GELU,
    SELU,
    Average,
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LayerNorm,
    LeakyReLU,
    Linear,
    Mish,
    Parallel,
    ReLU,
    Rescaling,
    Reshape,
    Scale,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Step,
    Tanh,
)
from .losses import (
    BinaryHinge,
    CategoricalCrossEntropy,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    MulticlassHinge,
    Poisson,
    Quantile,
    SigmoidBinaryCrossEntropy,
    SoftmaxCrossEntropy,
    SquaredHinge,
    SumSquaredError,
)
from .model import Model
from .optimizers import SGD, AdaGrad, Adam, AdamW, GradientDescent, Optimizer, RMSProp
from .parameter import Parameter
from .regularizers import L1, L2, ElasticNet, MaxNorm
from .schedules import Cosine, CosLog, Exponential, InverseTime, OneCycle, StepDecay, WarmUp
from .second_order import LBFGS
from .sequential import Sequential
from .storage import Checkpoints, load, save
from .training import fit

if TYPE_CHECKING:
    from . import doctor, export, grading, pictures
    from .doctor import check_prediction, diagnose
    from .estimators import Classifier, Regressor, TabularClassifier, TabularRegressor
    from .explain import Walkthrough, walkthrough
    from .export import from_onnx, from_sklearn, from_torch, to_torch
    from .grading import Grade, grade

__all__ = [
    "ELU",
    "GELU",
    "L1",
    "L2",
    "LBFGS",
    "SELU",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Average",
    "BatchNorm",
    "BinaryHinge",
    "Callback",
    "CategoricalCrossEntropy",
    "Checkpoints",
    "Classifier",
    "CosLog",
    "Cosine",
    "Dense",
    "Dropout",
    "EarlyStopping",
    "ElasticNet",
    "Exponential",
    "Flatten",
    "Grade",
    "GradientDescent",
    "GradientReport",
    "History",
    "HistoryFile",
    "Huber",
    "InverseTime",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "Loss",
    "MaxNorm",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Mish",
    "Model",
    "Monitor",
    "MulticlassHinge",
    "OneCycle",
    "Optimizer",
    "Parallel",
    "Parameter",
    "Poisson",
    "Quantile",
    "RMSProp",
    "ReLU",
    "ReduceOnPlateau",
    "Regressor",
    "Rescaling",
    "Reshape",
    "Run",
    "Scale",
    "ScratchworkError",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SigmoidBinaryCrossEntropy",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Softplus",
    "SquaredHinge",
    "Step",
    "StepDecay",
    "SumSquaredError",
    "TabularClassifier",
    "TabularRegressor",
    "Tanh",
    "TrainingState",
    "Walkthrough",
    "WarmUp",
    "__version__",
    "average",
    "averaged_link",
    "check_gradients",
    "check_prediction",
    "data",
    "diagnose",
    "doctor",
    "export",
    "fit",
    "fit_many",
    "from_onnx",
    "from_sklearn",
    "from_torch",
    "grade",
    "grading",
    "initializers",
    "layers",
    "load",
    "losses",
    "metrics",
    "optimizers",
    "pictures",
    "preprocessing",
    "regularizers",
    "save",
    "schedules",
    "to_torch",
    "walkthrough",
]


_LATER = {
    **dict.fromkeys(("check_prediction", "diagnose"), ".doctor"),
    "doctor": ".doctor",
    "export": ".export",
    **dict.fromkeys(("Grade", "grade", "grading"), ".grading"),
    "pictures": ".pictures",
    **dict.fromkeys(("Walkthrough", "walkthrough"), ".explain"),
    **dict.fromkeys(("from_onnx", "from_sklearn", "from_torch", "to_torch"), ".export"),
    **dict.fromkeys(("Classifier", "Regressor", "TabularClassifier", "TabularRegressor"), ".estimators"),
}
"""What is imported when first asked for: training needs neither matplotlib nor scikit-learn."""


def __getattr__(name: str) -> Any:
    if name in _LATER:
        module = import_module(_LATER[name], __name__)
        return module if name in ("doctor", "export", "pictures", "grading") else getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
