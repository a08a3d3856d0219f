"""How long one row takes in each export: C (through ctypes), ONNX Runtime, Python; beside predict and the prepared call.

    python benchmarks/export_latency.py [--calls 20000] [--blocks 40]

Needs onnx, onnxruntime, Numba and gcc. A model that standardizes its rows and gives probabilities is exported to each format.
Every way is a process of its own with one thread; they take turns in blocks of calls with a rest in between, on 64 rows in
turn, each call timed alone by perf_counter_ns (whose own cost, some 40 ns, is in every figure). Median and 99th
percentile over all calls. The prepared call is of the network alone, without preprocessing and softmax; all others give
the same probabilities, which is checked.
"""

import argparse
import ctypes
import gc
import importlib.util
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import scratchwork as sw
from latency import NETS, ROWS, WARM_UP, summary
from machine import describe_machine, one_line, write_result
from rivals.task import Task
from rivals.turns import Clock, Side

Call = Callable[[Any], Any]


def model_of(net: str) -> sw.Model:
    """A network with preprocessing before it and labels behind it."""
    network = Task("", net, 1, 1).network()
    x = np.random.default_rng(2).random((200, *network.in_shape), np.float32)
    steps = [sw.preprocessing.Standardize().fit(x)]
    labels = [f"class {index}" for index in range(network.out_shape[0])]
    return sw.Model(network, preprocessing=steps, labels=labels, task="multiclass", link="softmax")


def predict(model: sw.Model, folder: Path) -> Call:
    """`model.predict_proba` of a batch of one."""
    return model.predict_proba


def prepared(model: sw.Model, folder: Path) -> Call:
    """The prepared call of the network."""
    call = model.network.prepared()
    return lambda row: call(row[0])


def onnx_export(model: sw.Model, folder: Path) -> Call:
    """ONNX Runtime with one thread."""
    import onnxruntime

    sw.export.to_onnx(model, folder / "model.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
    run, names = session.run, ["probabilities"]
    return lambda row: run(names, {"x": row})[0]


def python_export(model: sw.Model, folder: Path) -> Call:
    """The exported module's own `predict_proba`."""
    sw.export.to_python(model, folder / "model.py")
    spec = importlib.util.spec_from_file_location("exported", folder / "model.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.predict_proba


def c_export(*flags: str) -> Callable[[sw.Model, Path], Call]:
    """`model_predict` of a shared library, called through ctypes with the addresses of two arrays."""

    def make(model: sw.Model, folder: Path) -> Call:
        sw.export.to_c(model, folder / "model.c")
        library = folder / "model.so"
        command = ["gcc", "-std=c99", *flags, "-shared", "-fPIC", str(folder / "model.c"), "-o", str(library), "-lm"]
        subprocess.run(command, check=True)
        function = ctypes.CDLL(str(library)).model_predict
        function.argtypes, function.restype = [ctypes.c_void_p, ctypes.c_void_p], None
        values = np.zeros(model.network.out_shape, np.float32)
        address = values.ctypes.data

        def call(row: Any) -> Any:
            function(row.__array_interface__["data"][0], address)
            return values

        return call

    return make


WAYS: dict[str, Callable[[sw.Model, Path], Call]] = {
    "C export, -O3": c_export("-O3"),
    "C export, -O3 -march=native": c_export("-O3", "-march=native"),
    "ONNX Runtime export": onnx_export,
    "Python export": python_export,
    "model.predict_proba": predict,
    "prepared call, network alone": prepared,
}


def child(name: str, net: str, calls: int) -> None:
    """Blocks of calls for ever; a block reports its nanoseconds through the clock."""
    from time import perf_counter_ns as now

    model = model_of(net)
    with tempfile.TemporaryDirectory() as folder:
        call = WAYS[name](model, Path(folder))
        rows = list(np.random.default_rng(1).random((ROWS, 1, *model.network.in_shape), np.float32))
        outputs = np.ravel(call(rows[0])).astype(np.float64).tolist()
        clock = Clock()
        clock.begin()
        gc.disable()
        while True:
            for i in range(WARM_UP):
                call(rows[i % ROWS])
            times = [0] * calls
            for i in range(calls):
                row = rows[i % ROWS]
                started = now()
                call(row)
                times[i] = now() - started
            clock.report({"nanoseconds": times, "outputs": outputs})


def measure(net: str, calls: int, blocks: int) -> dict[str, Any]:
    """All ways on one net, in turns."""
    here = [sys.executable, __file__, "--net", net, "--calls", str(math.ceil(calls / blocks)), "--side"]
    sides = {name: Side(name, [*here, name], one_thread=True) for name in WAYS}
    for _ in range(blocks):
        for side in sides.values():
            side.turn()
    for side in sides.values():
        side.end()
    ran = {name: side for name, side in sides.items() if not side.failure}
    expected = ran["model.predict_proba"].turns[0]["outputs"]
    for name, side in ran.items():
        if "alone" not in name:
            np.testing.assert_allclose(side.turns[0]["outputs"], expected, rtol=1e-4, atol=1e-5, err_msg=name)
    return {
        "net": net,
        "microseconds": {name: summary(side) for name, side in ran.items()},
        "failed": {name: side.failure for name, side in sides.items() if side.failure},
    }


def main() -> int:
    """Measure both nets, print the tables, write them; 1 where a way failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20_000, help="of each way on each net")
    parser.add_argument("--blocks", type=int, default=40)
    for hidden in ("--side", "--net"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.side:
        child(a.side, a.net, a.calls)
        return 0
    machine = describe_machine(["onnx", "onnxruntime", "numba"])
    machine["compiler"] = subprocess.run(["gcc", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    results = []
    for net in NETS:
        result = measure(net, a.calls, a.blocks)
        results.append(result)
        print(f"{net:<30} {'median':>9} {'p99':>9} {'p99.9':>9}  microseconds")
        for name, found in result["microseconds"].items():
            print(f"{name:<30} {found['median']:9.2f} {found['p99']:9.2f} {found['p99.9']:9.2f}")
        for name, reason in result["failed"].items():
            print(f"{name:<30} failed: {reason}")
    print(one_line(machine))
    if a.calls >= 20_000:
        path = write_result("export_latency", {"machine": machine, "nets": results, "script": "benchmarks/export_latency.py"})
        print(f"written to {os.path.relpath(path)}")
    return int(any(result["failed"] for result in results))


if __name__ == "__main__":
    sys.exit(main())
