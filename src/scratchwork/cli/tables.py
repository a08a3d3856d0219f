"""What names on the command line stand for, and the settings that suit each kind of data."""

import math
from collections.abc import Callable
from typing import Any

from ..optimizers import SGD, AdaGrad, Adam, AdamW, GradientDescent, RMSProp
from ..preprocessing import MeanSubtraction, MinMax, RobustScale, Standardize, Transformer, Whiten
from ..schedules import Cosine, Exponential, InverseTime, OneCycle, StepDecay, WarmUp

PREPROCESSING: dict[str, Callable[[], Transformer] | None] = {
    "auto": None,
    "none": None,
    "scale": None,
    "center": MeanSubtraction,
    "standardize": Standardize,
    "robust": RobustScale,
    "minmax": MinMax,
    "whiten": Whiten,
    "zca": lambda: Whiten("zca"),
}
"""`auto` is scale for images and standardize for everything else; `scale` divides by the largest absolute value; `robust`
is by medians and quartiles, and clips smoothly."""

OPTIMIZER_NAMES: dict[str, Callable[[Any], Any] | None] = {
    "gradient_descent": GradientDescent,
    "sgd": SGD,
    "momentum": lambda rate: SGD(rate, momentum=0.9),
    "nesterov": lambda rate: SGD(rate, momentum=0.9, nesterov=True),
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adam": Adam,
    "adamw": AdamW,
    "lbfgs": None,
}

LEARNING_RATES = {
    "gradient_descent": 0.1,
    "sgd": 0.05,
    "momentum": 0.02,
    "nesterov": 0.02,
    "adagrad": 0.02,
    "rmsprop": 1e-3,
    "adam": 2e-3,
    "adamw": 2e-3,
}
"""What `--learning-rate auto` takes."""

SCHEDULE_NAMES: dict[str, Callable[[float, int], Any]] = {
    "constant": lambda rate, steps: rate,
    "inverse_time": lambda rate, steps: InverseTime(rate, decay=9 / steps),  # a tenth at the end
    "exponential": lambda rate, steps: Exponential(rate, decay=math.log(100) / steps),  # a hundredth at the end
    "step": lambda rate, steps: StepDecay(rate, every=max(1, math.ceil(steps / 3)), factor=0.1),
    "cosine": lambda rate, steps: Cosine(rate, steps=steps),
    "warm_up": lambda rate, steps: WarmUp(max(1, steps // 20), then=Cosine(rate, steps=max(1, steps - steps // 20))),
    "one_cycle": lambda rate, steps: OneCycle(rate, steps=steps),
}
"""From the greatest rate and the number of all steps."""

SHORT_LOSSES = {"mse": "MeanSquaredError", "mae": "MeanAbsoluteError", "hinge": "MulticlassHinge"}

TASK_NAMES = {"auto": None, "classification": None, "regression": None}

_ALL_ROWS = {"test_fraction": 0.0, "validation_fraction": 0.0}

DATA_DEFAULTS: dict[str, dict[str, Any]] = {
    "digits": {
        "hidden": (256, 128),
        "dropout": 0.3,
        "label_smoothing": 0.1,
        "learning_rate": 5e-3,
        "schedule": "one_cycle",
        "epochs": 60,
    },
    "mnist": {
        "hidden": (128,),
        "input_dropout": 0.1,
        "dropout": 0.2,
        "learning_rate": 3e-3,
        "schedule": "one_cycle",
        "epochs": 20,
        "batch_size": 128,
        "validation_fraction": 1 / 12,
    },
    "cifar10": {
        "hidden": (512, 256),
        "dropout": 0.3,
        "label_smoothing": 0.1,
        "learning_rate": 2e-3,
        "schedule": "one_cycle",
        "epochs": 30,
        "batch_size": 128,
    },
    "images": {
        "hidden": (128,),
        "dropout": 0.2,
        "label_smoothing": 0.1,
        "learning_rate": 5e-3,
        "schedule": "one_cycle",
        "epochs": 30,
        "batch_size": 64,
    },
    "table": {"patience": 20, "epochs": 300},
    "spirals": {"hidden": (64, 64), "learning_rate": 1e-2, "schedule": "one_cycle", "epochs": 150},
    "moons": {"hidden": (32, 32), "learning_rate": 1e-2, "schedule": "one_cycle", "epochs": 100},
    "circles": {"hidden": (32,), "learning_rate": 1e-2, "schedule": "one_cycle", "epochs": 100},
    "blobs": {"hidden": (16,), "learning_rate": 1e-2, "schedule": "one_cycle", "epochs": 50},
    "vertical_stripes": {"hidden": (16,), "learning_rate": 1e-2, "schedule": "one_cycle", "epochs": 50},
    "sine": {"hidden": (64, 64), "activation": "tanh", "learning_rate": 5e-3, "schedule": "one_cycle", "epochs": 150},
    "xor": {"hidden": (8,), "activation": "tanh", "learning_rate": 0.05, "epochs": 200, **_ALL_ROWS},
    "article_rows": {"hidden": (8,), "activation": "tanh", "learning_rate": 0.05, "epochs": 200, **_ALL_ROWS},
}
"""What differs from the defaults of the settings: for built-in sets by name, for others as `images` or `table`."""

SET_LINES = {
    "article_rows": "the four rows of the training-notes article",
    "blobs": "round clouds around centres drawn at random, one per class",
    "cifar10": "60,000 photographs 32×32, 10 classes, where its files are",
    "circles": "a circle inside another",
    "digits": "1,797 real handwritten digits 8×8, in the package",
    "mnist": "70,000 handwritten digits 28×28, found or downloaded",
    "moons": "two half circles that reach into each other",
    "sine": "one period of the sine, for a regression",
    "spirals": "three spiral arms around the origin",
    "vertical_stripes": "three stripes side by side: a linear problem",
    "xor": "exclusive or: the smallest problem that is not linear",
}
"""A line about each built-in set."""

FIVE_SEED_MEAN: dict[str, tuple[float, str]] = {"digits": (0.9900, "benchmarks/digits_accuracy.py")}
"""Mean test accuracy of seeds 0 to 4 with the defaults, and the measurement that it comes from."""

ENGINE_NAMES = {"auto": None, "numpy": None, "compiled": None}
