"""A run with everything that has a memory, for the tests and the benchmark that interrupt it at every moment."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import scratchwork as sw
from scratchwork.storage.files import write_json

ROWS, EPOCHS, BATCH = 120, 6, 17


def rows(seed: int = 2) -> Any:
    return sw.data.blobs(ROWS // 3, classes=3, seed=seed)


def network() -> sw.Sequential:
    """Random masks, running statistics, and a matrix wide enough for the compiled path to keep it in panels."""
    return sw.Sequential(
        [sw.Dense(70), sw.BatchNorm(), sw.ReLU(), sw.Dropout(0.3), sw.Dense(24), sw.LayerNorm(), sw.Tanh(), sw.Dense(3)]
    )


def trained(folder: Any, engine: str = "numpy", *, callbacks: tuple[Any, ...] = (), **settings: Any) -> Any:
    """(network, history) of a run of some forty steps that goes on from what the folder holds; None: without checkpoints."""
    found = rows(settings.pop("data", 2))
    if folder is not None:
        settings = {"checkpoint": folder, "resume": True, **settings}
    usual = {"epochs": EPOCHS, "optimizer": sw.Adam(sw.Cosine(0.02, 60)), "loss": sw.SoftmaxCrossEntropy(label_smoothing=0.1)}
    learned = settings.pop("network", None) or network()
    history = sw.fit(
        learned, found.x, found.y, batch_size=BATCH, engine=engine, validation_split=0.2, metrics=["accuracy", "log_loss"],
        sample_weight=np.linspace(0.5, 2.0, ROWS), regularizer=sw.L2(1e-4), clip_norm=1.0, progress=False, seed=3,
        callbacks=[sw.EarlyStopping(patience=2, min_delta=0.005), sw.ReduceOnPlateau(patience=1), *callbacks],
        **(usual | settings),
    )  # fmt: skip
    return learned, history


def numbers(history: Any) -> str:
    """What must be the same: everything but the clock."""
    columns = {name: column for name, column in history.items() if name != "seconds"}
    return json.dumps([columns, history.stopped, history.best_epoch])


def outcome(folder: Any, engine: str = "numpy", **settings: Any) -> tuple[bytes, str]:
    """All that was learned as bytes, and the numbers of the history."""
    learned, history = trained(folder, engine, **settings)
    arrays = [learned.flat().value, *(buffer for _, buffer in learned.buffers())]
    return b"".join(array.tobytes() for array in arrays), numbers(history)


def main(place: Path, engine: str, every: int) -> None:
    """The whole of a training script: a run that may be killed at any moment, and the files that it leaves in the end.

    With 0 for `every` it is one without any checkpoints.
    """
    learned, history = trained(place / "checkpoints", engine, every=every) if every else trained(None, engine)
    sw.save(learned, place / "model.safetensors")
    write_json(place / "history.json", json.loads(numbers(history)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
