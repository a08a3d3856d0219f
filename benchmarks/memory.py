"""Peak memory of one epoch of MNIST 784-128-10 from the files, ours beside PyTorch's, each as a person would write it.

    python benchmarks/memory.py [--data-dir FOLDER] [--runs 3]

Ours keeps the images as the bytes of the files and converts them batch by batch. PyTorch's tensors are float32 in 0..1,
once as most people write it (`.float() / 255`, two copies for a moment), once with care (`.div_(255)`). Peak resident
memory of the whole process, libraries included, and how much of it came after the imports.
"""

import argparse
import gzip
import json
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

GOAL = 0.5  # of PyTorch's
BATCH = 128


def peak_megabytes() -> float:
    """The largest resident memory of this process so far; macOS counts bytes, others kilobytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def scratchwork(folder: str | None) -> dict[str, float]:
    """uint8 rows, scaled by the first layer."""
    import scratchwork as sw

    pixels, labels = (
        sw.data.read_idx(idx_folder(folder) / f"train-{name}-ubyte.gz") for name in ("images-idx3", "labels-idx1")
    )
    network = sw.Sequential([sw.Rescaling(1 / 255), sw.Dense(128), sw.ReLU(), sw.Dense(10)])
    before = peak_megabytes()
    history = sw.fit(
        network, pixels.reshape(-1, 784), labels, loss=sw.SoftmaxCrossEntropy(), optimizer=sw.Adam(1e-3), epochs=1,
        batch_size=BATCH, engine="compiled", threads=2, progress=False,
    )  # fmt: skip
    return {"before_training": before, "loss": history["loss"][0]}


def torch(folder: str | None, careful: bool = False) -> dict[str, float]:
    """float32 tensors, indexed directly."""
    import numpy as np
    import torch

    torch.set_num_threads(2)
    pixels, labels = (
        np.frombuffer(gzip.decompress((idx_folder(folder) / f"train-{name}-ubyte.gz").read_bytes()), np.uint8, offset=offset)
        for name, offset in (("images-idx3", 16), ("labels-idx1", 8))
    )
    x = torch.from_numpy(pixels.reshape(-1, 784).copy())
    x = x.float().div_(255) if careful else x.float() / 255
    y = torch.from_numpy(labels.astype(np.int64))
    del pixels
    network = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    optimizer, loss_of = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True), torch.nn.CrossEntropyLoss()
    before, total = peak_megabytes(), 0.0
    for chosen in torch.randperm(len(x)).split(BATCH):
        optimizer.zero_grad()
        loss = loss_of(network(x[chosen]), y[chosen])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(chosen)
    return {"before_training": before, "loss": total / len(x)}


def torch_careful(folder: str | None) -> dict[str, float]:
    """The same without the second copy."""
    return torch(folder, careful=True)


IMPORTS = {"scratchwork": "scratchwork", "PyTorch": "torch", "PyTorch, careful": "torch"}
SIDES: dict[str, Callable[[str | None], dict[str, float]]] = {
    "scratchwork": scratchwork,
    "PyTorch": torch,
    "PyTorch, careful": torch_careful,
}


def idx_folder(folder: str | None) -> Path:
    """Where the four files of MNIST lie: neither side loads the test images."""
    root = Path(folder or os.environ.get("SCRATCHWORK_DATA", "."))
    return next(place for place in (root, root / "mnist") if (place / "train-images-idx3-ubyte.gz").exists())


def child(name: str, folder: str | None) -> None:
    """One run; the peak after the imports alone tells what the libraries take."""
    __import__(IMPORTS[name])
    imported = peak_megabytes()
    found = SIDES[name](folder)
    print(json.dumps({"imported": imported, **found, "peak": peak_megabytes()}))


def measure(runs: int, folder: str | None) -> dict[str, dict[str, float]]:
    """Medians of every side, in megabytes (and the epoch's loss, to see that it trained)."""
    results: dict[str, list[dict[str, float]]] = {name: [] for name in SIDES}
    for _ in range(runs):
        for name, found in results.items():
            command = [sys.executable, __file__, "--side", name, *(["--data-dir", folder] if folder else [])]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"{name}: {done.stderr.strip().splitlines()[-1]}")
            found.append(json.loads(done.stdout))
    return {name: {key: statistics.median(one[key] for one in found) for key in found[0]} for name, found in results.items()}


def main() -> int:
    """Measure, print and write; 1 where the goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", help="folder with the files of MNIST")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.side:
        child(a.side, a.data_dir)
        return 0
    from machine import describe_machine, one_line, write_result  # not above: the children start without scratchwork

    machine: dict[str, Any] = describe_machine(["torch", "numba", "scipy"])
    sides = measure(a.runs, a.data_dir)
    print(f"{'megabytes':<18} {'imports':>8} {'data':>8} {'peak':>8} {'loss':>8}")
    for name, found in sides.items():
        values = " ".join(f"{found[key]:8.0f}" for key in ("imported", "before_training", "peak"))
        print(f"{name:<18} {values} {found['loss']:8.4f}")
    ratios = {name: sides["scratchwork"]["peak"] / found["peak"] for name, found in sides.items() if name != "scratchwork"}
    print(", ".join(f"{ratio:.2f} of {name}" for name, ratio in ratios.items()), f"(goal: at most {GOAL})")
    print(one_line(machine))
    result = {"machine": machine, "megabytes": sides, "ratios": ratios, "goal": GOAL, "runs": a.runs}
    print(f"written to {os.path.relpath(write_result('memory', result))}")
    return 0 if ratios["PyTorch"] <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
