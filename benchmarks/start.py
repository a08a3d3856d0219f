"""How long it takes from `import scratchwork` being done to the end of a tiny network's first epoch, in fresh processes.

    python benchmarks/start.py [--warm 5]

cold               Numba's cache is empty: everything is compiled
warm               the same again, with what the cold start left in the cache
warm, another net  a network, loss and optimizer that this cache has never seen: must cost no compilation
numpy              the NumPy path of the same run, which compiles nothing
cache blocked      NUMBA_CACHE_DIR cannot be made: must still work, from wherever Numba looks next or compiled again
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

COLD_GOAL, WARM_GOAL = 15.0, 0.5  # seconds


def child(net: str, engine: str) -> None:
    """One epoch; prints the seconds of the import and of everything after it, and what was said on stderr stays there."""
    begun = time.perf_counter()
    import scratchwork as sw

    imported = time.perf_counter()
    data = sw.data.spirals(per_class=100, classes=2)
    if net == "plain":
        network = sw.Sequential([sw.Dense(16), sw.ReLU(), sw.Dense(2)])
        loss, optimizer = sw.SoftmaxCrossEntropy(), sw.Adam(1e-3)
    else:
        network = sw.Sequential(
            [sw.Dense(24), sw.BatchNorm(), sw.Tanh(), sw.Dropout(0.2), sw.Dense(12), sw.Tanh(), sw.Dense(2)]
        )
        loss, optimizer = sw.SoftmaxCrossEntropy(), sw.RMSProp(1e-3)
    sw.fit(network, data.x, data.y, loss=loss, optimizer=optimizer, epochs=1, batch_size=32, engine=engine, threads=2)
    print(json.dumps({"import": imported - begun, "first_epoch": time.perf_counter() - imported}))


def start(cache: str, net: str = "plain", engine: str = "compiled") -> dict[str, Any]:
    """A fresh process with that cache folder."""
    command = [sys.executable, __file__, "--child", net, engine]
    done = subprocess.run(command, env={**os.environ, "NUMBA_CACHE_DIR": cache}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{net}, {engine}: {done.stderr.strip().splitlines()[-1]}")
    return {**json.loads(done.stdout), "said": done.stderr.strip()}


def measure(warm: int) -> dict[str, Any]:
    """Every kind of start, in the order of the list above."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        cache.mkdir()
        start(str(cache), engine="numpy")  # bytecode and disk cache, for a fair cold start
        cold = start(str(cache))
        size = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
        files = len(list(cache.rglob("*")))
        kinds: dict[str, list[dict[str, Any]]] = {"cold": [cold], "warm": [], "warm, another net": [], "numpy": []}
        for _ in range(warm):
            kinds["warm"].append(start(str(cache)))
            kinds["warm, another net"].append(start(str(cache), "other"))
            kinds["numpy"].append(start(str(cache), engine="numpy"))
        blocked = Path(folder) / "file"
        blocked.touch()
        kinds["cache blocked"] = [start(str(blocked / "cache"))]
        return {
            "seconds": {name: statistics.median(run["first_epoch"] for run in runs) for name, runs in kinds.items()},
            "seconds_all": {name: [run["first_epoch"] for run in runs] for name, runs in kinds.items()},
            "import_seconds": statistics.median(run["import"] for run in kinds["warm"]),
            "said_when_cold": cold["said"],
            "cache_megabytes": size / 1e6,
            "files_compiled_by_another_net": len(list(cache.rglob("*"))) - files,
        }


def main() -> int:
    """Measure, print and write; 1 where a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warm", type=int, default=5, help="warm starts of each kind")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.child:
        child(*a.child)
        return 0
    from machine import describe_machine, one_line, write_result  # not above: the children start without scratchwork

    machine = describe_machine(["numba", "llvmlite", "scipy"])
    result = measure(a.warm)
    goals = {"cold": COLD_GOAL, "warm": WARM_GOAL, "warm, another net": WARM_GOAL}
    for name, seconds in result["seconds"].items():
        print(f"{name:<18} {seconds:8.2f} s" + (f"   goal at most {goals[name]:g}" if name in goals else ""))
    print(f"import alone       {result['import_seconds']:8.2f} s; cache {result['cache_megabytes']:.1f} MB")
    print(f"said when cold: {result['said_when_cold'] or 'nothing'}")
    print(one_line(machine))
    announced = "compil" in result["said_when_cold"].lower()
    print(f"the compilation was {'' if announced else 'not '}announced")
    path = write_result("start", {"machine": machine, **result, "announced": announced, "goals": goals})
    print(f"written to {os.path.relpath(path)}")
    return 0 if announced and all(result["seconds"][name] <= goal for name, goal in goals.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
