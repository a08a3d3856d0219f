"""Files that claim more than they hold, or lead elsewhere: what each costs. `python -m benchmarks.fuzz.sizes` prints it.

Each case runs in a process of its own with a limit on its memory. The one good outcome is an error of one sentence within a
second and 200 MB; the table goes to benchmarks/results/sizes.json.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import scratchwork as sw

from . import seeds
from .claims import cases

RESULT = Path(__file__).parent.parent / "results" / "sizes.json"
MOST_SECONDS, MOST_MEGABYTES = 1.0, 200
STATUS = Path("/proc/self/status")  # Linux says there what a process has had at most


def attempt(name: str, read: Callable[[Any], Any], write: Callable[[Path], Path], folder: Path) -> dict[str, Any]:
    """One case in a child of this process: what it said, in how long, and by how much the process grew."""
    folder.mkdir()
    path = Path(_in_a_child(lambda: str(write(folder)), folder))  # what writing takes is not what reading takes
    size = path.stat().st_size if path.is_file() else sum(one.stat().st_size for one in path.rglob("*.*") if one.is_file())
    found = _in_a_child(lambda: _measured(read, path), folder)
    found = found or {"outcome": "the process died", "said": "", "seconds": 0.0, "megabytes": 0.0}
    found["ran"] = (folder / "ran").exists()
    good = found["outcome"] == "refused" and found["seconds"] < MOST_SECONDS and found["megabytes"] < MOST_MEGABYTES
    return {"case": name, "bytes": size, **found, "good": good and not found["ran"]}


def _in_a_child(work: Callable[[], Any], folder: Path) -> Any:
    """What the work gives, done in a process of its own; None where that died."""
    out, into = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            os.chdir(folder)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            os.write(into, json.dumps(work()).encode())
        finally:
            os._exit(0)
    os.close(into)
    with os.fdopen(out, "rb") as said:
        text = said.read()
    os.waitpid(pid, 0)
    return json.loads(text) if text else None


def _measured(read: Callable[[Any], Any], path: Path) -> dict[str, Any]:
    if STATUS.exists():
        room = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize() + 4 * 2**30
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    before, begun = _peak(), time.thread_time()
    try:
        read(path)
        outcome, text = "read", ""
    except sw.ScratchworkError as error:
        outcome, text = "refused", str(error)
    except BaseException as error:
        outcome, text = type(error).__name__, str(error)
    took = time.thread_time() - begun
    plain = text.replace(str(path), path.name)
    return {"outcome": outcome, "said": plain[:300], "seconds": round(took, 3), "megabytes": round(_peak() - before, 1)}


def _peak() -> float:
    """The largest resident size so far, in megabytes."""
    if not STATUS.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)
    lines = STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def run_all(folder: Path) -> list[dict[str, Any]]:
    """Every case, each in a folder of its own."""
    import onnx  # noqa: F401  # what readers import is no growth
    import PIL.Image
    import pyarrow.parquet  # noqa: F401

    PIL.Image.init()
    seeds.models(), seeds.checkpoint(), seeds.onnx_files(), seeds.pictures()
    return [attempt(name, *case, folder / f"{number}") for number, (name, case) in enumerate(cases().items())]


def main() -> None:
    import tempfile

    from scratchwork.storage.files import write_json

    from ..machine import describe_machine

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--result", type=Path, default=RESULT)
    parser.add_argument("--into", type=Path, help="write the rows here and no more (the tests do)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = run_all(Path(folder))
    if options.into:
        options.into.write_text(json.dumps(rows), encoding="utf-8")
        return
    for row in rows:
        mark = "" if row["good"] else "  <-- not as promised"
        print(
            f"{row['case']:40} {row['bytes']:11,} B {row['seconds']:7.3f} s {row['megabytes']:8.1f} MB  {row['outcome']}{mark}"
        )
        if not row["good"]:
            print("      ", row["said"])
    good = sum(row["good"] for row in rows)
    write_json(options.result, {"cases": len(rows), "refused": good, "rows": rows, "machine": describe_machine()})
    print(f"{good} of {len(rows)} refused in one sentence, under {MOST_SECONDS:g} s and {MOST_MEGABYTES} MB")
    sys.exit(good < len(rows))


if __name__ == "__main__":
    main()
