"""What a measurement was taken on: every benchmark writes this beside its numbers, and prints it as one line."""

import datetime
import importlib.metadata
import json
import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from scratchwork.storage.files import write_json

RESULTS = Path(__file__).parent / "results"
THREAD_SETTINGS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def describe_machine(packages: Iterable[str] = ()) -> dict[str, Any]:
    """Processor, cores, Python, NumPy and its BLAS, thread settings, date; and the versions of further `packages`."""
    return {
        "processor": processor(),
        "cores": usable_cores(),
        "cores_of_machine": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "numpy": np.__version__,
        "blas": blas(),
        "blas_threads": blas_threads(),
        "thread_settings": {name: os.environ[name] for name in THREAD_SETTINGS if name in os.environ},
        "versions": {name: importlib.metadata.version(name) for name in ("scratchwork", *packages)},
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def one_line(machine: dict[str, Any]) -> str:
    """The machine as a line for the foot of a table."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    threads = machine["blas_threads"] or "?"
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['python']}, NumPy {machine['numpy']} "
        f"({machine['blas']}, {threads} threads), {versions}, {machine['date']}"
    )


def processor() -> str:
    """The model of the processor: /proc/cpuinfo knows it on Linux, `platform` roughly elsewhere."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    except OSError:
        pass
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Cores that this process may run on: fewer than the machine has where a container or taskset says so."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def blas() -> str:
    """Name and version of the library that multiplies matrices for NumPy."""
    found = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{found.get('name', 'unknown')} {found.get('version', '')}".strip()


def blas_threads() -> int | None:
    """Threads that BLAS uses now, None where threadpoolctl is not installed."""
    try:
        import threadpoolctl
    except ImportError:
        return None
    return max((pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"), default=None)


def write_result(name: str, result: dict[str, Any]) -> Path:
    """Write `result` as benchmarks/results/NAME.json and return where."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    write_json(path, result)
    return path


if __name__ == "__main__":
    print(json.dumps(describe_machine(), indent=2))
