"""Writes realmlp.json: what pytabkit's RealMLP_TD_S learns in a few epochs, and from which weights, for test_realmlp.py.

Needs pytabkit (`pip install torch==2.13.0` first, then `pip install pytabkit`), which the tests do not:
python tests/golden/make_realmlp.py. All rows are one batch, so that no shuffling enters.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from pytabkit import RealMLP_TD_S_Classifier, RealMLP_TD_S_Regressor
from pytabkit.models.training.lightning_modules import TabNNModule

ROWS, TRAINING, EPOCHS, HIDDEN = 60, 48, 12, 6


def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs of few digits, with a far outlier, a rare category and a constant; three classes and a number."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(ROWS, 5)).round(2)
    x[3, 0], x[:, 3], x[:, 4] = 50.0, rng.random(ROWS) < 0.15, 7.0
    score = np.sin(2 * x[:, 1]) + 0.3 * x[:, 2] + x[:, 3]
    return x, np.digitize(score, [-0.4, 0.5]), (5 * score + 3).round(2)


def learned(kind: Any, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """The parameters before the first step, and the outputs of the best epoch."""
    start: list[list[float]] = []
    begin = TabNNModule.on_fit_start

    def watched(module: TabNNModule) -> None:
        start.extend(np.asarray(p.detach())[0].round(6).tolist() for p in module.model.parameters())
        begin(module)

    TabNNModule.on_fit_start = watched
    try:
        model = kind(random_state=0, device="cpu", n_threads=1, n_epochs=EPOCHS, hidden_sizes=[HIDDEN] * 3)
        model.fit(x.astype(np.float32), y, val_idxs=np.arange(TRAINING, ROWS))
    finally:
        TabNNModule.on_fit_start = begin
    raw = model.predict_proba(x.astype(np.float32)) if hasattr(model, "predict_proba") else model.predict(x.astype(np.float32))
    (best,) = model.fit_params_["stop_epoch"].values()
    return {"start": start, "outputs": np.asarray(raw, np.float64).round(6).tolist(), "best_epoch": best}


if __name__ == "__main__":
    x, classes, numbers = rows()
    golden = {
        "x": x.tolist(),
        "training": TRAINING,
        "epochs": EPOCHS,
        "hidden": [HIDDEN] * 3,
        "classification": {"y": classes.tolist(), **learned(RealMLP_TD_S_Classifier, x, classes)},
        "regression": {"y": numbers.tolist(), **learned(RealMLP_TD_S_Regressor, x, numbers.astype(np.float32))},
    }
    path = Path(__file__).with_name("realmlp.json")
    path.write_text(json.dumps(golden) + "\n")
    print(f"{path.name}: {path.stat().st_size:,} bytes")
