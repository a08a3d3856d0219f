"""Metrics: numbers for people, where a loss is a number for the optimizer.

Each is a function ``(prediction, target, weight=None) -> float``; the prediction is what the network gives, one row per
example, and the target anything that the loss takes: labels, one-hot or soft rows, yes-or-no matrices, numbers.
Weights are averaged with, as in the losses: a weight of 2 is the row twice (and where all are 0, a mean is 0).

=================  ====================================================  ========================  ============
name               what                                                  for                       better
=================  ====================================================  ========================  ============
accuracy           share of right decisions                              classes, attributes       larger
balanced_accuracy  mean recall of the classes                            classes, attributes       larger
precision          how much of what was called c is c, mean over c       classes, attributes       larger
recall             how much of what is c was called c, mean over c       classes, attributes       larger
f1                 harmonic mean of the two per class, mean over c       classes, attributes       larger
top_k_accuracy     share of rows whose class is among the k = 5 best     classes                   larger
top_5              the same                                              classes                   larger
roc_auc            chance that a yes outranks a no                       classes, attributes       larger
log_loss           mean of −log probability of the truth                 classes, attributes       smaller
mse, rmse, mae     squared, root of squared, absolute error              numbers                   smaller
r2                 share of the variance that is explained               numbers                   larger
=================  ====================================================  ========================  ============

What a number of the prediction means depends on the loss it was trained with: `resolve_metric` binds a metric to a loss
(logits are turned into probabilities where a metric wants them), and refuses one that does not fit its task.

Decisions. With two or more columns, one per class, the class is the largest (the first of equals). With one column, or
with ``attributes=True`` for several independent ones, each column is a yes where it is above `threshold`: 0 for logits and
hinge scores, 0.5 for probabilities. Accuracy and its kin are then means over attributes, not the share of rows in which
all are right.
"""

from .binding import LARGER_IS_BETTER, METRICS, BoundMetric, resolve_metric
from .decisions import accuracy, balanced_accuracy, confusion_matrix, f1, precision, recall
from .ranking import log_loss, roc_auc, top_5, top_k_accuracy
from .regression import mae, mse, r2, rmse

__all__ = [
    "LARGER_IS_BETTER",
    "METRICS",
    "BoundMetric",
    "accuracy",
    "balanced_accuracy",
    "confusion_matrix",
    "f1",
    "log_loss",
    "mae",
    "mse",
    "precision",
    "r2",
    "recall",
    "resolve_metric",
    "rmse",
    "roc_auc",
    "top_5",
    "top_k_accuracy",
]
