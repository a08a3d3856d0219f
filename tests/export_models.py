"""Small trained models of every task, link and kind of preprocessing, for the tests of exports."""

from typing import Any

import numpy as np

import scratchwork as sw

P = sw.preprocessing
HOSTILE = ['q"uote \\', "new\nline */ /* %d ??/", "é\u2028\U0001f600 \x00\x07"]
"""Labels that are hard to write into a program."""

RNG = np.random.default_rng(7)
X = RNG.normal(size=(120, 5)) * [1, 10, 100, 0.01, 1] + [0, 1e3, 0, 5, 0]
CLASSES = np.array(HOSTILE)[RNG.integers(0, 3, 120)]
YES = RNG.integers(0, 2, 120)

TABLE = {
    "n*/": RNG.normal(size=120) * 3 + 9,
    "gaps": [None if i % 7 == 0 else float(i % 5) for i in range(120)],
    "only gaps": [None if i % 6 == 0 else 1.0 for i in range(120)],
    "flag": [None if i % 9 == 0 else bool(i % 2) for i in range(120)],
    'c"': [["x", "y*/", 'z"', None][i % 4] for i in range(120)],
    "two": [["u", "v", None][i % 3] for i in range(120)],
    "same": [7] * 120,
    "many": [f"w{int(abs(v) * 5)}" for v in RNG.normal(size=120)],
}
DATES = {**TABLE, "when": np.datetime64("2024-01-01") + RNG.integers(0, 900, 120).astype("timedelta64[D]")}


def network(outputs: int) -> sw.Sequential:
    """Batch normalization and dropout in it, since these differ between training and prediction."""
    return sw.Sequential(
        [sw.Dense(12), sw.BatchNorm(), sw.ReLU(), sw.Dropout(0.2), sw.Dropout(0.1, inverted=False), sw.Dense(outputs)]
    )


def trained(x: Any, y: Any, loss: str, outputs: int, steps: Any = (), net: Any = None) -> sw.Model:
    model = sw.Model(net or network(outputs), preprocessing=list(steps))
    model.fit(x, y, loss=loss, optimizer=sw.Adam(0.01), epochs=2, progress=False)
    return model


def ensemble() -> sw.Model:
    """Three networks and the mean of their probabilities."""
    networks = []
    for seed in range(3):
        member = sw.Sequential([sw.Dense(6), sw.Tanh(), sw.Dense(3)])
        member.build((5,), seed)
        networks.append(member)
    together = sw.average(networks, "softmax")
    return sw.Model(together, preprocessing=[P.Standardize().fit(X)], labels=HOSTILE, task="multiclass", link="identity")


MODELS = {
    "classes": lambda: trained(X, CLASSES, "SoftmaxCrossEntropy", 3, [P.Standardize()]),
    "numbers as classes": lambda: trained(X, YES * 5 - 2, "SoftmaxCrossEntropy", 2, [P.MinMax(-1, 2)]),
    "probabilities": lambda: trained(
        X, CLASSES, "CategoricalCrossEntropy", 3, [P.RobustScale()], sw.Sequential([sw.Dense(3), sw.Softmax()])
    ),
    "hinge": lambda: trained(X, CLASSES, "MulticlassHinge", 3, [P.Standardize(), P.SmoothClip()]),
    "two": lambda: trained(X, np.array(HOSTILE[:2])[YES], "SigmoidBinaryCrossEntropy", 1, [P.Whiten("zca")]),
    "two, hinge": lambda: trained(X, YES > 0, "BinaryHinge", 1, [P.Whiten("pca", components=3)]),
    "attributes": lambda: trained(X, RNG.integers(0, 2, (120, 4)), "SigmoidBinaryCrossEntropy", 4, [P.PCA(2)]),
    "regression": lambda: trained(X, X[:, 0], "MeanSquaredError", 1, [P.MeanSubtraction("scalar"), P.Rescale(0.01, 1)]),
    "two numbers": lambda: trained(X, X[:, :2], "MeanSquaredError", 2, [P.MeanSubtraction(), P.Rescale(0.01)]),
    "counts": lambda: trained(X, RNG.poisson(3.0, 120), "Poisson", 1, [P.Chain([P.Standardize(), P.SmoothClip(2.0)])]),
    "codes": lambda: trained(YES[:, None] + 3, CLASSES, "SoftmaxCrossEntropy", 3, [P.OneHot()]),
    "texts": lambda: trained(np.array(["a", "b", "ü"])[YES], CLASSES, "SoftmaxCrossEntropy", 3, [P.OneHot()]),
    "table": lambda: trained(TABLE, CLASSES, "SoftmaxCrossEntropy", 3, [P.TableEncoder(max_categories=5)]),
    "robust table": lambda: trained(TABLE, X[:, 0], "MeanSquaredError", 1, [P.TableEncoder("robust")]),
    "dates": lambda: trained(DATES, CLASSES, "SoftmaxCrossEntropy", 3, [P.TableEncoder()]),
    "ensemble": ensemble,
    "images": lambda: trained(
        RNG.integers(0, 256, (120, 4, 3)).astype(np.uint8), CLASSES, "SoftmaxCrossEntropy", 3, [P.Standardize(eps=1.0)],
        sw.Sequential([sw.Rescaling(1 / 2), sw.Reshape((3, 4)), sw.LayerNorm(), sw.BatchNorm(), sw.Flatten(), sw.Dense(3)]),
    ),
    "float64": lambda: float64_model(),
}  # fmt: skip


def float64_model() -> sw.Model:
    net = sw.Sequential([sw.Dense(8), sw.GELU(), sw.Dense(8), sw.Mish(), sw.Dense(2), sw.ELU(0.5)])
    net.build((5,), 1, np.float64)
    return sw.Model(net, preprocessing=[P.Standardize().fit(X)], task="regression", link="identity")


REFUSED = {("texts", "c"): "preprocessing 0, OneHot", ("dates", "c"): "'when'", ("dates", "onnx"): "'when'"}
"""(model, target) -> what the refusal names."""

_made: dict[str, sw.Model] = {}


def model_of(name: str) -> sw.Model:
    """The model of this name, trained once."""
    if name not in _made:
        _made[name] = MODELS[name]()
    return _made[name]
