"""What computes: versions, processor, threads. The same seed gives the same bits where all of it is the same."""

import functools
import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

import numpy as np

from .._version import __version__

DECIDES_BITS = ("scratchwork", "numpy", "blas", "numba", "processor", "blas threads")
"""What rounding may depend on; the rest is told for whoever looks for a reason."""


def environment() -> dict[str, Any]:
    """Versions, machine and threads of this process, as JSON can hold them.

    >>> sorted(set(DECIDES_BITS) - set(environment()))
    []
    """
    return {
        "scratchwork": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "numpy": np.__version__,
        "blas": _blas(),
        "numba": version("numba"),
        "safetensors": version("safetensors"),
        "processor": processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "blas threads": _blas_threads(),
    }


def differences(before: Any, now: dict[str, Any], names: tuple[str, ...] = DECIDES_BITS) -> list[str]:
    """What is not as it was, one sentence part for each: `numpy 2.3.0 before, 2.4.0 now`."""
    if not isinstance(before, dict):
        return []
    return [f"{name} {before.get(name)} before, {now.get(name)} now" for name in names if before.get(name) != now.get(name)]


def version(package: str) -> str | None:
    """The version of a package that is installed; None where it is not."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


@functools.cache
def processor() -> str:
    """The model of the processor: /proc/cpuinfo knows it on Linux, `platform` roughly elsewhere."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _blas() -> str:
    found: Any = np.show_config(mode="dicts")
    blas = found.get("Build Dependencies", {}).get("blas", {}) if isinstance(found, dict) else {}
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def _blas_threads() -> int | None:
    """Threads that BLAS uses now; None where nobody knows."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        text = os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS") or ""
        return int(text) if text.isdecimal() and len(text) < 9 else None
    pools = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return max(pools, default=None)


__all__ = ["DECIDES_BITS", "differences", "environment", "processor", "version"]
