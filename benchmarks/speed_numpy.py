"""Seconds per epoch of MNIST on the NumPy path, beside PyTorch eager, in one run.

    python benchmarks/speed_numpy.py [--data-dir FOLDER] [--epochs 9] [--threads 2] [--batch 128]

Needs PyTorch beside scratchwork (pip install torch==2.13.0). Each side is a process of its own, so that their thread
pools do not fight, and they take turns: an epoch here, an epoch there. Both start from the same weights and meet the same
batches in the same order, in float32 with Adam(1e-3), so their loss curves must agree; the largest difference is printed.
PyTorch is at its best for such nets: tensors indexed directly (no DataLoader), Adam(fused=True).
"""

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import scratchwork as sw
from scratchwork.data import epoch_order

RESULTS = Path(__file__).parent / "results" / "speed_numpy.json"
NETS = {"784-10-10": [10], "784-128-10": [128]}
GOALS = {"784-10-10": 2.0, "784-128-10": 1.0}
SEED = 0
REST = 0.4  # seconds between two turns: idle BLAS and OpenMP threads spin for a while before they sleep


def images(data_dir: str | None) -> tuple[np.ndarray, np.ndarray]:
    """The 60,000 training images as float32 in 0..1, and their labels."""
    data = sw.data.load("mnist", data_dir=data_dir)
    return (data.x.reshape(len(data.x), -1) / np.float32(255)).astype(np.float32), data.y


def layers(hidden: list[int]) -> list[sw.Layer]:
    """Dense and ReLU, and ten outputs."""
    return [layer for units in hidden for layer in (sw.Dense(units), sw.ReLU())] + [sw.Dense(10)]


class Turns(sw.Callback):
    """Reports each epoch's loss and seconds on stdout and waits for a line on stdin before the next."""

    def on_epoch_end(self, run: sw.Run) -> None:
        """Hand over."""
        print(json.dumps({"loss": run.history["loss"][-1], "seconds": run.history["seconds"][-1]}), flush=True)
        sys.stdin.readline()


def side_scratchwork(hidden: list[int], batch: int, epochs: int, threads: int, data_dir: str | None, weights: str) -> None:
    """Train with scratchwork, epoch by epoch."""
    x, y = images(data_dir)
    network = sw.Sequential(layers(hidden))
    network.build(x.shape[1:], SEED)
    np.savez(weights, *[parameter.value for _, parameter in network.parameters()])
    print("ready", flush=True)
    sys.stdin.readline()
    sw.fit(
        network, x, y, loss=sw.SoftmaxCrossEntropy(), optimizer=sw.Adam(1e-3), epochs=epochs, batch_size=batch,
        callbacks=[Turns()], seed=SEED, progress=False, engine="numpy", threads=threads,
    )  # fmt: skip


def side_torch(hidden: list[int], batch: int, epochs: int, threads: int, data_dir: str | None, weights: str) -> None:
    """Train with PyTorch, epoch by epoch, from the same weights in the same order."""
    import torch

    torch.set_num_threads(threads)
    x, y = (torch.from_numpy(part) for part in images(data_dir))
    sizes = [784, *hidden, 10]
    modules: list[torch.nn.Module] = []
    for n_in, n_out in itertools.pairwise(sizes):
        modules += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU()]
    network = torch.nn.Sequential(*modules[:-1])
    with np.load(weights) as saved, torch.no_grad():
        for parameter, name in zip(network.parameters(), saved.files, strict=True):
            parameter.copy_(torch.from_numpy(saved[name].T if saved[name].ndim == 2 else saved[name]))
    optimizer, loss_of = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True), torch.nn.CrossEntropyLoss()
    print("ready", flush=True)
    sys.stdin.readline()
    for epoch in range(epochs):
        started = time.perf_counter()
        order = torch.from_numpy(epoch_order(len(x), SEED, epoch))
        losses = []
        for start in range(0, len(x), batch):
            chosen = order[start : start + batch]
            optimizer.zero_grad()
            loss = loss_of(network(x[chosen]), y[chosen])
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        seconds = time.perf_counter() - started
        sizes = torch.full((len(losses),), float(batch))
        sizes[-1] = len(chosen)
        print(json.dumps({"loss": float(torch.stack(losses) @ sizes) / len(x), "seconds": seconds}), flush=True)
        sys.stdin.readline()


def measure(name: str, batch: int, epochs: int, threads: int, data_dir: str | None) -> dict[str, object]:
    """Both sides in turns; the first epoch of each is warm-up."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--batch", str(batch), "--epochs", str(epochs), "--threads", str(threads)]
        command += ["--data-dir", data_dir] if data_dir else []
        command += ["--net", name, "--weights", str(Path(folder) / "start.npz"), "--side"]
        sides = {}
        for side in ("scratchwork", "torch"):
            child = subprocess.Popen([*command, side], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            assert child.stdin
            assert child.stdout
            assert child.stdout.readline().strip() == "ready", f"{side} did not start"
            sides[side] = child
        found: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
        for _ in range(epochs):
            for side, child in sides.items():
                time.sleep(REST)
                assert child.stdin
                assert child.stdout
                child.stdin.write("\n")
                child.stdin.flush()
                found[side].append(json.loads(child.stdout.readline()))
        for child in sides.values():
            child.communicate("\n")
    ours, theirs = ([one["seconds"] for one in found[side][1:]] for side in ("scratchwork", "torch"))
    losses = [abs(a["loss"] - b["loss"]) for a, b in zip(found["scratchwork"], found["torch"], strict=True)]
    ratios = sorted(b / a for a, b in zip(ours, theirs, strict=True))
    return {
        "net": name,
        "batch": batch,
        "threads": threads,
        "scratchwork_seconds": statistics.median(ours),
        "torch_seconds": statistics.median(theirs),
        "ratio": statistics.median(ratios),
        "ratio_range": [ratios[0], ratios[-1]],
        "ratio_of_best_epochs": min(theirs) / min(ours),
        "goal": GOALS[name],
        "epochs_timed": epochs - 1,
        "largest_loss_difference": max(losses),
    }


def main() -> None:
    """Measure every net, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", help="folder with the four MNIST files")
    parser.add_argument("--epochs", type=int, default=9, help="per side; the first is warm-up")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=128)
    for hidden in ("--side", "--net", "--weights"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.side:
        side = side_torch if a.side == "torch" else side_scratchwork
        side(NETS[a.net], a.batch, a.epochs, a.threads, a.data_dir, a.weights)
        return
    from machine import describe_machine

    rows = []
    print("net           batch  scratchwork    PyTorch   ratio        (range)  goal  losses differ by")
    for name in NETS:
        row = measure(name, a.batch, a.epochs, a.threads, a.data_dir)
        rows.append(row)
        low, high = row["ratio_range"]  # type: ignore[misc]
        print(
            f"{name:<12} {a.batch:>6} {row['scratchwork_seconds']:>10.4f} s {row['torch_seconds']:>8.4f} s "
            f"{row['ratio']:>7.2f} {f'({low:.2f} to {high:.2f})':>14} {row['goal']:>5} {row['largest_loss_difference']:>17.1e}",
            flush=True,
        )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": describe_machine(["torch"]), "rows": rows}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
