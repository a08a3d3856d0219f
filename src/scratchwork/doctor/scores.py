"""What a good-looking number hides: a class that is never predicted."""

from __future__ import annotations

from typing import Any

import numpy as np

from .chance import classes_of, predicted_classes
from .findings import Finding, found
from .looks import some_rows
from .record import Record

MANY = 0.7  # the share of the largest class from which on an accuracy hides the others
ROWS = 8192
WELL, NEARLY_ALL = 0.9, 0.97  # of the way from the largest class to all right


def hidden_imbalance(record: Record) -> list[Finding]:
    """SW1004: the accuracy is that of always saying the largest class."""
    rows, run = record.data.training, record.run
    labels = classes_of(rows, run.loss)
    if labels is None or record.chance.majority < MANY:
        return []
    judged = some_rows(rows, ROWS)
    truth = classes_of(judged, run.loss)
    assert truth is not None
    said = predicted_classes(run.network.predict(judged.x), run.loss)
    largest = int(np.bincount(labels).argmax())
    return imbalance(truth, said, largest)


def decides_well(record: Record, share: float = WELL) -> bool:
    """Whether the classes of the validation rows are right all the same: a loss may rise, or fall, by confidence alone.

    share   of the way from the largest class to all right
    """
    rows, run = record.data.validation, record.run
    if rows is None:
        return False
    some = some_rows(rows, ROWS)
    labels = classes_of(some, run.loss)
    if labels is None:
        return False
    right = float((predicted_classes(run.network.predict(some.x), run.loss) == labels).mean())
    largest = float(np.bincount(labels).max() / len(labels))
    return right - largest > share * (1.0 - largest)


def imbalance(truth: np.ndarray, said: np.ndarray, largest: int) -> list[Finding]:
    """SW1004 from true and predicted classes."""
    others = truth != largest
    if others.sum() < 3:
        return []
    hit = float((said[others] == truth[others]).mean())
    accuracy, share = float((said == truth).mean()), float((truth == largest).mean())
    if hit > 0.1 or share < MANY:
        return []
    cause = (
        f"an accuracy of {accuracy:.3f} is what the largest class has ({100 * share:.1f} % of the rows): of the "
        f"{int(others.sum())} rows of other classes {100 * hit:.0f} % are found"
    )
    fix = "class_weight (or sample_weight) so that rare classes count, and judge by balanced_accuracy or a confusion matrix"
    numbers: dict[str, Any] = {"accuracy": accuracy, "largest_share": share, "others_found": hit, "largest_class": largest}
    return [found("SW1004", cause, fix, **numbers)]
