"""One network trained on both paths, for the tests that compare them."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

import scratchwork as sw

Array = Any
ROWS, BATCH, EPOCHS = 70, 16, 4  # four full batches and one of six rows: 20 steps
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}


@dataclass(frozen=True)
class Outcome:
    """What training leaves: the history, all parameters, the running statistics, the optimizer's moments."""

    history: sw.History
    value: Array
    buffers: list[Array]
    state: dict[str, Array]


class Watch(sw.Callback):
    """Keeps the run, so that a test can ask which path it took."""

    def on_fit_begin(self, run: Any) -> None:
        self.run = run


def trained(network: sw.Sequential, x: Array, y: Array, *, engine: str, **settings: Any) -> Outcome:
    """A copy of a built network after fit; 20 steps where nothing else is said."""
    network, watch = copy.deepcopy(network), Watch()
    usual: dict[str, Any] = {"epochs": EPOCHS, "batch_size": BATCH, "progress": False, "seed": 3}
    callbacks = [watch, *settings.pop("callbacks", [])]
    history = sw.fit(network, x, y, engine=engine, callbacks=callbacks, **(usual | settings))
    assert watch.run.engine == engine
    buffers = [buffer.copy() for _, buffer in network.buffers()]
    return Outcome(history, network.flat().value.copy(), buffers, dict(watch.run.state))


def distance(found: Array, wanted: Array) -> float:
    """The largest difference, relative to the largest number wanted; infinite where only one of the two is not finite."""
    found, wanted = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    assert found.shape == wanted.shape
    if not np.array_equal(np.isfinite(found), np.isfinite(wanted)):
        return float("inf")
    if not wanted.size:
        return 0.0
    return float(np.abs(found - wanted).max() / max(np.abs(wanted).max(), 1e-30))


def require_same_numbers(found: Outcome, wanted: Outcome, tolerance: float) -> None:
    """Agreement of two outcomes to rounding: losses each for itself, arrays relative to their largest entry."""
    assert list(found.history) == list(wanted.history)
    for name in set(wanted.history) - {"seconds"}:
        np.testing.assert_allclose(found.history[name], wanted.history[name], rtol=tolerance, atol=1e-30, err_msg=name)
    assert distance(found.value, wanted.value) < tolerance
    for ours, theirs in zip(found.buffers, wanted.buffers, strict=True):
        assert distance(ours, theirs) < tolerance


def require_same_bits(found: Outcome, wanted: Outcome) -> None:
    """The same bytes in parameters, statistics and moments, and the same losses."""
    assert found.history["loss"] == wanted.history["loss"]
    assert found.value.tobytes() == wanted.value.tobytes()
    assert [one.tobytes() for one in found.buffers] == [one.tobytes() for one in wanted.buffers]
    assert {name: one.tobytes() for name, one in found.state.items()} == {
        name: one.tobytes() for name, one in wanted.state.items()
    }


def require_agreement(
    network: sw.Sequential, x: Array, y: Array, *, tolerance: float | None = None, **settings: Any
) -> Outcome:
    """Both paths give the same numbers, and the compiled one the same bits with 1 to 4 threads and once again."""
    x = x.astype(network.dtype) if x.dtype.kind == "f" and x.dtype.itemsize > 2 else x
    wanted = trained(network, x, y, engine="numpy", **settings)
    alone = trained(network, x, y, engine="compiled", threads=1, **settings)
    require_same_numbers(alone, wanted, tolerance or TOLERANCE[network.dtype.type])
    for threads in (2, 3, 4, 1):
        require_same_bits(trained(network, x, y, engine="compiled", threads=threads, **settings), alone)
    return alone
