"""Label smoothing and class weights: the settings that all losses on classes share."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from ..arrays import Array, numeric_array
from ..errors import ConfigurationError, ShapeError
from .base import Loss, is_number, require_setting

ClassWeight: TypeAlias = Mapping[int, float] | Sequence[float]


def checked_smoothing(owner: Loss, value: float) -> float:
    """The share of a target that is spread over all classes, or a ConfigurationError."""
    require_setting(owner, "label_smoothing", value, "with 0 <= label_smoothing < 1", is_number(value) and 0 <= value < 1)
    return float(value)


def smoothed(t: Array, smoothing: float, dtype: np.dtype[Any]) -> Array:
    """(1 − ε) t + ε / C in the wanted dtype."""
    t = t.astype(dtype, copy=False)
    return (1.0 - smoothing) * t + smoothing / t.shape[1] if smoothing else t


def checked_numbers(owner: Loss, name: str, values: Any) -> tuple[float, ...]:
    """A sequence of finite numbers as a tuple of floats."""
    try:
        numbers = () if isinstance(values, str) else tuple(float(value) for value in values)
    except (TypeError, ValueError):
        numbers = ()
    require_setting(owner, name, values, "as a sequence of numbers", bool(numbers) and all(map(math.isfinite, numbers)))
    return numbers


def checked_class_weight(owner: Loss, value: ClassWeight | None) -> dict[int, float] | tuple[float, ...] | None:
    """As plain numbers; keys may be text, which is what JSON makes of them."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        factors = checked_numbers(owner, "class_weight", value)
        require_setting(owner, "class_weight", value, "as numbers of at least 0, not all 0", min(factors) >= 0 < max(factors))
        return factors
    try:
        labels = [int(label) for label in value]
    except (TypeError, ValueError):
        labels = [-1]
    require_setting(owner, "class_weight", value, "with the labels 0, 1, 2, ... as keys", bool(labels) and min(labels) >= 0)
    factors = checked_numbers(owner, "class_weight", value.values())
    require_setting(owner, "class_weight", value, "as numbers of at least 0", min(factors) >= 0)
    return dict(zip(labels, factors, strict=True))


def class_factors(class_weight: ClassWeight | None, classes: int) -> Array:
    """κ as a vector; ConfigurationError where it does not fit the number of classes."""
    factors = np.ones(classes)
    if isinstance(class_weight, Mapping):
        if max(class_weight) >= classes:
            raise ConfigurationError(
                f"class_weight names label {max(class_weight)}, and the outputs stand for labels 0 to {classes - 1}"
            )
        for label, factor in class_weight.items():
            factors[label] = factor
    elif class_weight is not None:
        if len(class_weight) != classes:
            raise ConfigurationError(
                f"class_weight has {len(class_weight)} numbers and the network {classes} outputs: give one per class"
            )
        factors[:] = class_weight
    return factors


def times_class_weight(weight: Array | None, t: Array, class_weight: ClassWeight, classes: int) -> Array:
    """wₙ Σ_c t_c κ_c: the row weights with which a class weight of 2 is each row of the class twice."""
    factors = class_factors(class_weight, classes)
    per_row: Array = factors[t] if t.ndim == 1 else t @ factors
    if weight is None:
        return per_row
    weight = numeric_array(weight, "weight")
    if weight.shape != per_row.shape:
        raise ShapeError(f"weight needs one number per row, shape {per_row.shape}; received {weight.shape}")
    combined: Array = per_row * weight
    return combined
