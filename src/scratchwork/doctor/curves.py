"""What the numbers of a run's epochs say by themselves: overfitting, and an end that came too early."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .findings import Finding, found

Curves = Mapping[str, Sequence[float]]

LEAST_EPOCHS = 5
RISE = 1.25  # times its best that a validation loss has to be at the end,
LOST = 0.12  # and how much of the loss at chance it has lost again
BY_HEART, FOREIGN = 0.1, 0.5  # or training and validation loss, as shares of the loss at chance, and
AGAIN = 1.05  # times its best that the validation loss then has to be
PATIENT = 3  # epochs that early stopping has to wait for another best one
STEEP = 0.05  # share of the loss that an epoch still took away at the end,
MUCH = 0.04  # and how much of the loss at chance that was


def overfitting(history: Curves, chance: float, *, restored: bool = False) -> list[Finding]:
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
    falls, gap = loss[-1] < 0.8 * loss[best], end / max(float(loss[-1]), 1e-12)
    turned = end >= RISE * held[best] and end - held[best] >= LOST * chance
    by_heart = loss[-1] < BY_HEART * chance and end > FOREIGN * chance and end > AGAIN * held[best]
    if not falls or gap < 1.5 or not (turned or by_heart):
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


def stopped_early(history: Curves, stopped: str, chance: float, epochs: int) -> list[Finding]:
    """SW1603: the loss still fell steeply when the epochs were over, or when a short patience ended them."""
    if stopped not in ("epochs", "early stopping") or "loss" not in history or (stopped != "epochs" and epochs <= 0):
        return []
    name = "val_loss" if "val_loss" in history else "loss"
    curve = np.asarray(history[name], np.float64)
    best = int(curve.argmin()) if len(curve) and np.isfinite(curve).all() else 0
    if stopped == "epochs" and best < len(curve) - 1:
        return []  # the last epoch was not the best
    if stopped != "epochs" and (len(curve) - best > PATIENT or len(curve) > epochs // 4):
        return []  # it waited long enough
    span = max(1, len(curve) // 5)
    if best < span or curve[best] <= 0:
        return []
    before = float(curve[best - span])
    rate, fall = 1.0 - (curve[best] / before) ** (1.0 / span), (before - curve[best]) / span
    if rate < STEEP or not fall > MUCH * chance:
        return []
    what = "validation" if name == "val_loss" else "training"
    end = (
        f"the {len(curve)} epochs were over"
        if stopped == "epochs"
        else f"early stopping ended it after {len(curve)} of {epochs}"
    )
    cause = (
        f"the {what} loss still fell by {100 * rate:.1f} % an epoch when {end}: from {before:.4g} to {curve[best]:.4g} in the "
        f"last {span} that made it better"
    )
    fix = f"train on: epochs={2 * len(curve)} or more" if stopped == "epochs" else "EarlyStopping with a patience of 5 or more"
    return [found("SW1603", cause, fix, fall_per_epoch=rate, epochs=len(curve), loss=float(curve[best]))]
