"""Fuzz every reader with atheris, chunk by chunk, and keep the count: benchmarks/results/fuzz.json grows after each.

    python -m benchmarks.fuzz.run --until 10000000 --hours 2
    python -m benchmarks.fuzz.run --readers idx,npz --hours 0.1

atheris (`pip install atheris`, CPython on Linux) finds new ways through the readers by coverage; what it keeps lies in
--state, so that the next run goes on from there. A finding does not end the run: the input is kept in --state, and counted
as open as long as it still does what it did.
"""

import argparse
import json
import mmap
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

RESULT = Path(__file__).parent.parent / "results" / "fuzz.json"
READERS = ("arrow", "checkpoint", "cifar", "csv", "idx", "images", "load", "model", "npz", "onnx", "run", "settings", "table")
PACKAGES = ("atheris", "numpy", "safetensors", "pillow", "pyarrow", "narwhals", "onnx")
INSTRUMENTED = ["scratchwork", "zipfile", "gzip", "pickletools", "tomllib", "PIL", "numpy.lib"]
ROOM = 2**30
"""What a reader may take beside what the process has when it begins."""


def child(reader: str, state: Path, seconds: int) -> None:
    """One chunk in this process; libFuzzer ends it. The counts stand in a file that survives."""
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        from .targets import Harness
    with (state / "counts").open("r+b") as file:
        counts = mmap.mmap(file.fileno(), 16)
    # a folder of this process alone, in memory where there is a disk of it
    folder = tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None, prefix="fuzz-")
    (state / "folder").write_text(folder, encoding="utf-8")
    harness = Harness(reader, Path(folder))
    corpus = state / "corpus"
    corpus.mkdir(exist_ok=True)
    for number, seed in enumerate(harness.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
        attempt(harness, seed)  # what is imported and made once does not count as growth
    with open("/proc/self/statm", encoding="ascii") as file_of_sizes:
        size = int(file_of_sizes.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + ROOM, size + ROOM))
    held = [0, 0]

    def too_long(*_: Any) -> None:
        raise TimeoutError("it took ten seconds of the processor")

    signal.signal(signal.SIGPROF, too_long)

    def one(data: bytes) -> None:
        held[0] += 1
        signal.setitimer(signal.ITIMER_PROF, 10)
        try:
            held[1] += harness(data)
        except Exception as error:
            keep(state, error, data)
        struct.pack_into("<QQ", counts, 0, *held)

    # libFuzzer's own limit is one of the clock, and a busy machine may stop a process of low priority for long
    options = [f"-max_total_time={seconds}", "-max_len=2048", "-timeout=600", "-rss_limit_mb=0", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={state}/killed-", str(corpus)], one)
    atheris.Fuzz()


def attempt(harness: Any, data: bytes) -> Exception | None:
    """What went wrong, if anything."""
    try:
        harness(data)
    except Exception as error:
        return error
    return None


def signature(error: Exception) -> str:
    """What makes two findings the same one: the error and where it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "scratchwork" in frame.filename or "fuzz" in frame.filename]
    where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"
    return f"{type(error).__name__} in {where}"


def keep(state: Path, error: Exception, data: bytes) -> None:
    """Keep the input of a finding that is new, and what it did."""
    name = "".join(c if c.isalnum() else "-" for c in signature(error))
    path = state / "findings" / name
    if not path.exists():
        path.write_bytes(data)
        path.with_name(f"{name}.txt").write_text(f"{signature(error)}: {str(error)[:300]!r}", encoding="utf-8")


def recheck(reader: str, state: Path) -> list[str]:
    """What kept inputs still do with the code as it is now; those that do no harm any more are forgotten."""
    command = [sys.executable, "-m", __spec__.name, "--recheck", reader, "--state", str(state.parent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode:
        return [f"the process ends with status {done.returncode}"]
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def recheck_here(reader: str, state: Path) -> None:
    """The same, in this process."""
    from .targets import Harness

    found = []
    with tempfile.TemporaryDirectory() as folder:
        harness = Harness(reader, Path(folder))
        for seed in harness.seeds():
            attempt(harness, seed)
        for path in sorted((state / "findings").iterdir()) + sorted(state.glob("killed-*")):
            if path.suffix == ".txt":
                continue
            error = attempt(harness, path.read_bytes())
            if error is None:
                path.with_name(f"{path.name}.txt").unlink(missing_ok=True)
                path.unlink()
            else:
                found.append(f"{signature(error)}: {str(error)[:100]!r}")
    print(json.dumps(found))


def chunk(reader: str, state: Path, seconds: int) -> dict[str, Any]:
    """Fuzz one reader for so long: how often it ran, how often a file was read, and what was found."""
    (state / "findings").mkdir(parents=True, exist_ok=True)
    (state / "counts").write_bytes(bytes(16))
    begun = time.perf_counter()
    command = [sys.executable, "-m", __spec__.name, "--child", reader, "--state", str(state.parent), "--chunk", str(seconds)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=20 * seconds + 600)
    runs, read = struct.unpack("<QQ", (state / "counts").read_bytes())
    if (state / "folder").exists():
        shutil.rmtree((state / "folder").read_text(encoding="utf-8"), ignore_errors=True)
    if done.returncode:
        print(done.stderr.decode(errors="replace")[-2000:], file=sys.stderr)
    return {
        "executions": runs,
        "files_read": read,
        "seconds": round(time.perf_counter() - begun, 1),
        "inputs_kept": sum(1 for _ in (state / "corpus").iterdir()) if (state / "corpus").is_dir() else 0,
        "open": recheck(reader, state),
    }


def record(reader: str, found: dict[str, Any], result: Path) -> int:
    """Add a chunk to the record; the number of executions in all."""
    from scratchwork.storage.files import write_json

    from ..machine import describe_machine
    from .found import FOUND

    whole = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {"readers": {}}
    before = whole["readers"].get(reader, {})
    for name in ("executions", "files_read", "seconds"):
        found[name] = round(found[name] + before.get(name, 0), 1)
    found["executions_per_second"] = round(found["executions"] / max(found["seconds"], 1e-9))
    found["chunks"] = before.get("chunks", 0) + 1
    readers = {**whole["readers"], reader: found}
    total = sum(entry["executions"] for entry in readers.values())
    write_json(
        result,
        {
            "executions": total,
            "files_read": sum(entry["files_read"] for entry in readers.values()),
            "seconds": round(sum(entry["seconds"] for entry in readers.values()), 1),
            "open": sum(len(entry["open"]) for entry in readers.values()),
            "found_and_repaired": [{"reader": one.reader, "input": one.input, "was": one.was, "now": one.now} for one in FOUND],
            "readers": dict(sorted(readers.items())),
            "machine": describe_machine(PACKAGES),
        },
    )
    return total


def next_reader(names: list[str], result: Path, turn: int) -> str:
    """Every fourth time each reader in turn, else one of the quicker ones: executions are cheaper there."""
    entries = json.loads(result.read_text(encoding="utf-8"))["readers"] if result.exists() else {}
    unknown = [name for name in names if name not in entries]
    if unknown:
        return unknown[0]
    quick = sorted(names, key=lambda name: -entries[name]["executions_per_second"])[: max(len(names) // 3, 1)]
    return min(names if turn % 4 == 3 else quick, key=lambda name: entries[name]["seconds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", default=",".join(READERS), help="which of them, with commas (all)")
    parser.add_argument("--until", type=int, default=10_000_000, help="executions in all, with those on record")
    parser.add_argument("--hours", type=float, default=1.0, help="and no longer than this")
    parser.add_argument("--chunk", type=int, default=60, help="seconds per process")
    parser.add_argument("--state", type=Path, default=Path("runs/fuzz"), help="where inputs are kept")
    parser.add_argument("--result", type=Path, default=RESULT)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--recheck", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.state / options.child, options.chunk)
    if options.recheck:
        recheck_here(options.recheck, options.state / options.recheck)
        return
    os.environ.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1"))
    end = time.monotonic() + 3600 * options.hours
    names, turn, total = options.readers.split(","), 0, 0
    while total < options.until and time.monotonic() < end:
        reader, turn = next_reader(names, options.result, turn), turn + 1
        found = chunk(reader, options.state / reader, max(5, min(options.chunk, int(end - time.monotonic()))))
        total = record(reader, dict(found), options.result)
        print(f"{reader:12} {found['executions']:9,} runs, {found['files_read']:9,} read, {total:11,} in all; "
              f"open: {'; '.join(found['open']) or 'none'}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
