"""Writes losses.json: values and gradients of PyTorch's losses in float64, for test_losses_golden.py.

Needs PyTorch (`pip install torch==2.13.0`), which the tests do not: python tests/golden/make_losses.py
PyTorch averages over all elements; where this library adds up a row's outputs instead, the mean is taken times K here.
"""

import json
from pathlib import Path

import torch
from torch.nn import functional as F  # noqa: N812

torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(7)

N, C = 4, 3
KAPPA = torch.tensor([1.0, 2.0, 0.5])
PI = torch.tensor([2.0, 0.5, 3.0])


def random(*shape):
    """Random numbers of few digits, so that the file stays short and the input is exact."""
    return (torch.randn(*shape, generator=generator) * 2).round(decimals=2)


scores = random(N, C)
labels = torch.tensor([2, 0, 1, 1])
soft = torch.tensor([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.25, 0.5, 0.25], [0.0, 0.4, 0.6]])
yes = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.25]])
numbers = random(N, C)
counts = torch.tensor([[0.0, 3.0, 1.0], [2.0, 5.0, 0.0], [1.0, 1.0, 4.0], [7.0, 0.0, 2.0]])
rates = random(N, C).abs() + 0.1
shares = torch.softmax(random(N, C), dim=1)


def onehot_squared_hinge(s):
    return F.multi_margin_loss(s, labels, p=2) * C  # PyTorch divides a row's sum by C


CASES = {
    "SoftmaxCrossEntropy()": (scores, labels, lambda s: F.cross_entropy(s, labels)),
    "SoftmaxCrossEntropy(), soft": (scores, soft, lambda s: F.cross_entropy(s, soft)),
    "SoftmaxCrossEntropy(label_smoothing=0.1)": (scores, labels, lambda s: F.cross_entropy(s, labels, label_smoothing=0.1)),
    "SoftmaxCrossEntropy(label_smoothing=0.2), soft": (scores, soft, lambda s: F.cross_entropy(s, soft, label_smoothing=0.2)),
    "SoftmaxCrossEntropy(class_weight=(1.0, 2.0, 0.5))": (scores, labels, lambda s: F.cross_entropy(s, labels, weight=KAPPA)),
    "CategoricalCrossEntropy()": (shares, labels, lambda p: F.nll_loss(p.log(), labels)),
    "CategoricalCrossEntropy(class_weight=(1.0, 2.0, 0.5))": (
        shares,
        labels,
        lambda p: F.nll_loss(p.log(), labels, weight=KAPPA),
    ),
    "SigmoidBinaryCrossEntropy()": (scores, yes, lambda s: F.binary_cross_entropy_with_logits(s, yes) * C),
    "SigmoidBinaryCrossEntropy(positive_weight=(2.0, 0.5, 3.0))": (
        scores,
        yes,
        lambda s: F.binary_cross_entropy_with_logits(s, yes, pos_weight=PI) * C,
    ),
    "MulticlassHinge()": (scores, labels, lambda s: F.multi_margin_loss(s, labels) * C),
    "MulticlassHinge(margin=2.5)": (scores, labels, lambda s: F.multi_margin_loss(s, labels, margin=2.5) * C),
    "SquaredHinge()": (scores, labels, onehot_squared_hinge),
    "BinaryHinge()": (
        scores,
        torch.sign(yes - 0.3),
        lambda s: F.relu(1 - torch.sign(yes - 0.3) * s).sum(dim=1).mean(),
    ),
    "MeanSquaredError()": (scores, numbers, lambda s: F.mse_loss(s, numbers)),
    "SumSquaredError()": (scores, numbers, lambda s: F.mse_loss(s, numbers) * C),
    "SumSquaredError(reduction='sum')": (scores, numbers, lambda s: F.mse_loss(s, numbers, reduction="sum")),
    "MeanAbsoluteError()": (scores, numbers, lambda s: F.l1_loss(s, numbers)),
    "Huber()": (scores, numbers, lambda s: F.huber_loss(s, numbers)),
    "Huber(delta=0.4)": (scores, numbers, lambda s: F.huber_loss(s, numbers, delta=0.4)),
    "Poisson()": (scores, counts, lambda s: F.poisson_nll_loss(s, counts)),
    "Poisson(log_input=False)": (rates, counts, lambda r: F.poisson_nll_loss(r, counts, log_input=False)),
}


def case(prediction, target, function):
    prediction = prediction.clone().requires_grad_()
    value = function(prediction)
    value.backward()
    return {
        "prediction": prediction.tolist(),
        "target": target.tolist(),
        "value": value.item(),
        "gradient": prediction.grad.tolist(),
    }


if __name__ == "__main__":
    golden = {name: case(*parts) for name, parts in CASES.items()}
    path = Path(__file__).with_name("losses.json")
    lines = [f"{json.dumps(name)}: {json.dumps(values)}" for name, values in golden.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{len(golden)} cases by PyTorch {torch.__version__} in {path.name}")
