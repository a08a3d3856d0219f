"""Losses: how wrong a batch of predictions is, and the direction in which that grows.

Every loss is a mean over the batch, L = Σₙ wₙ ℓₙ / Σₙ wₙ; how a row's ℓ comes from its outputs differs:

==========================  =====================  =============================  ====================
loss                        prediction             target                         over a row's outputs
==========================  =====================  =============================  ====================
SoftmaxCrossEntropy         logits (N, C)          labels, one-hot, soft rows     one term per row
CategoricalCrossEntropy     probabilities (N, C)   labels, one-hot, soft rows     one term per row
SigmoidBinaryCrossEntropy   logits (N, K)          0, 1 or shares (N, K)          sum
MulticlassHinge             scores (N, C)          labels, one-hot                sum over wrong classes
SquaredHinge                scores (N, C)          labels, one-hot                sum over wrong classes
BinaryHinge                 scores (N, K)          ±1, or 0 and 1 (N, K)          sum
MeanSquaredError            numbers (N, K)         numbers (N, K)                 mean
MeanAbsoluteError           numbers (N, K)         numbers (N, K)                 mean
Huber                       numbers (N, K)         numbers (N, K)                 mean
Quantile                    numbers (N, K)         numbers (N, K); one for all    mean
Poisson                     log rates (N, K)       counts (N, K)                  mean
SumSquaredError             numbers (N, K)         numbers (N, K)                 sum; ``reduction="sum"``
                                                                                  totals the batch too
==========================  =====================  =============================  ====================

Labels are whole numbers of shape (N,) or (N, 1); where K = 1, a target (N,) is taken for (N, 1).
"""

from .base import ElementwiseLoss, Loss, apply_link
from .classification import CategoricalCrossEntropy, SigmoidBinaryCrossEntropy, SoftmaxCrossEntropy
from .margin import BinaryHinge, MulticlassHinge, SquaredHinge
from .regression import Huber, MeanAbsoluteError, MeanSquaredError, Poisson, Quantile, SumSquaredError

__all__ = [
    "LOSSES",
    "BinaryHinge",
    "CategoricalCrossEntropy",
    "ElementwiseLoss",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "MulticlassHinge",
    "Poisson",
    "Quantile",
    "SigmoidBinaryCrossEntropy",
    "SoftmaxCrossEntropy",
    "SquaredHinge",
    "SumSquaredError",
    "apply_link",
]

LOSSES: dict[str, type[Loss]] = {
    loss.__name__: loss
    for loss in (
        SoftmaxCrossEntropy,
        CategoricalCrossEntropy,
        SigmoidBinaryCrossEntropy,
        MulticlassHinge,
        SquaredHinge,
        BinaryHinge,
        MeanSquaredError,
        SumSquaredError,
        MeanAbsoluteError,
        Huber,
        Quantile,
        Poisson,
    )
}
