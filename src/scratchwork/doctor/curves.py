"""What the numbers of a run's epochs say by themselves: overfitting, and an end that came too early."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .findings import NOTE, Finding, found

Curves = Mapping[str, Sequence[float]]

LEAST_EPOCHS = 5
RISE = 1.25  # times its best that a validation loss has to be at the end
MODEST = 0.6  # of the loss at chance taken away: who has learned more has learned something
STEEP = 0.02  # share of the loss that an epoch still took away at the end


def overfitting(history: Curves, *, restored: bool = False) -> list[Finding]:
    """SW1301: the validation loss has turned, while the training loss went on falling."""
    if "val_loss" not in history or "loss" not in history or restored:
        return []
    loss, held = (np.asarray(history[name], np.float64) for name in ("loss", "val_loss"))
    if len(held) < LEAST_EPOCHS or not (np.isfinite(loss).all() and np.isfinite(held).all()):
        return []
    best = int(held.argmin())
    end = float(np.median(held[-max(1, len(held) // 10) :]))
    if best >= len(held) - 2 or held[best] <= 0:
        return []
    falls = loss[-1] < 0.8 * loss[best]
    gap = end / max(float(loss[-1]), 1e-12)
    if not falls or end < RISE * held[best] or gap < 1.5:
        return []
    numbers: dict[str, Any] = {
        "best_epoch": best + 1,
        "epochs": len(held),
        "best_val_loss": float(held[best]),
        "val_loss": end,
        "loss_then": float(loss[best]),
        "loss": float(loss[-1]),
    }
    cause = (
        f"the validation loss was least in epoch {best + 1} ({held[best]:.4g}) and is {end:.4g} after {len(held)}, while the "
        f"training loss went on from {loss[best]:.4g} to {loss[-1]:.4g}"
    )
    fix = "stop at the best epoch: callbacks=[EarlyStopping(patience=5)]; or more rows, a smaller network, Dropout or L2"
    return [found("SW1301", cause, fix, **numbers)]


def stopped_early(history: Curves, stopped: str, skill: float) -> list[Finding]:
    """SW1603: at the last epoch the loss still fell steeply, and the end came because the epochs were used up."""
    if stopped != "epochs" or "loss" not in history:
        return []
    name = "val_loss" if "val_loss" in history else "loss"
    curve = np.asarray(history[name], np.float64)
    if len(curve) < 2 or not np.isfinite(curve).all() or curve[-1] <= 0:
        return []
    span = max(1, len(curve) // 5)
    rate = 1.0 - (curve[-1] / curve[-1 - span]) ** (1.0 / span) if curve[-1 - span] > 0 else 0.0
    share = math.log(curve[-1 - span] / curve[-1]) if curve[-1 - span] > 0 else 0.0
    if rate < STEEP or share < 0.05 or curve[-1] > curve.min():
        return []
    cause = (
        f"the {'validation' if name == 'val_loss' else 'training'} loss still fell by {100 * rate:.1f} % an epoch when the "
        f"{len(curve)} epochs were over ({curve[-1 - span]:.4g} to {curve[-1]:.4g} in the last {span})"
    )
    fix = f"train on: epochs={2 * len(curve)} or more, with EarlyStopping to end it"
    severity = None if skill < MODEST else NOTE
    return [
        found(
            "SW1603", cause, fix, severity=severity, skill=skill, fall_per_epoch=rate, epochs=len(curve), loss=float(curve[-1])
        )
    ]
