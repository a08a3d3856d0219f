"""One target per reader: what is done with the fuzzer's bytes, and the one outcome that is allowed.

A reader returns, or raises a `ScratchworkError` of one sentence in printable text. Anything else is a finding: another
exception, a warning, a second of time, two hundred megabytes of memory.
"""

import contextlib
import functools
import io
import json
import os
import resource
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import scratchwork as sw
from scratchwork.cli.manifest import changed, find_run
from scratchwork.cli.rerun import different, read_history
from scratchwork.cli.settings import read_config, resolve
from scratchwork.data import load_data, load_table, read_cifar, read_csv, read_idx, read_image_folder, read_npz, read_table
from scratchwork.errors import ScratchworkError

from . import craft, seeds

MOST_SECONDS = 2.0
MOST_MEGABYTES = 200
MOST_CHARACTERS = 1000


class WrongOutcomeError(Exception):
    """What a reader must not do."""


@dataclass(frozen=True)
class Way:
    """One way from the fuzzer's bytes to a file: its name, how it is made, who reads it, and what one starts from."""

    file: str
    make: Callable[[bytes], bytes]
    read: Callable[[Path], Any]
    seeds: Callable[[], Iterable[bytes]]


def itself(content: bytes) -> bytes:
    """The bytes as they come."""
    return content


SCRIPTS = (b"", bytes(range(1, 21)), b"\1\0\5\x16\2\0\x09\x10", b"\5\0\x0b\7\4\0\3\x80")
"""Some changes to begin with."""


# Models and checkpoints


def changed_document(whole: Callable[[], bytes]) -> Callable[[bytes], bytes]:
    """A file whose description is changed and whose checksum is right."""
    parts = functools.cache(lambda: seeds.parts(whole()))

    def make(script: bytes) -> bytes:
        entries, text, data = parts()
        return craft.safetensors(entries, json.dumps(craft.edited(json.loads(text), script)), data)

    return make


def changed_header(whole: Callable[[], bytes]) -> Callable[[bytes], bytes]:
    """A file whose list of arrays is changed and whose checksum is right."""
    parts = functools.cache(lambda: seeds.parts(whole()))

    def make(script: bytes) -> bytes:
        entries, text, data = parts()
        return craft.safetensors(craft.edited(json.loads(json.dumps(entries)), script), text, data)

    return make


def any_document(text: bytes) -> bytes:
    """A file whose description is any text, and its checksum right."""
    return craft.safetensors({}, text.decode("utf-8", "replace"), b"")


def load_model(path: Path) -> None:
    """Load it, and describe it, as `scratchwork show` does."""
    thing = sw.load(path)
    network = thing.network if isinstance(thing, sw.Model) else thing
    network.summary()


def newest_checkpoint(path: Path) -> None:
    """What a run that goes on reads first."""
    with contextlib.redirect_stderr(io.StringIO()):
        sw.storage.Checkpoints(path.parent).newest()


def go_on(path: Path) -> None:
    """A run that goes on from the file."""
    content = path.read_bytes()
    with contextlib.redirect_stderr(io.StringIO()):
        seeds.resumable(path.parent, resume=True)
    for left in path.parent.iterdir():
        if left != path:
            left.unlink()
    path.write_bytes(content)


def model_ways() -> tuple[Way, ...]:
    """Bytes, then for each seed its description and its list of arrays."""
    ways = [
        Way("m.safetensors", itself, load_model, seeds.models),
        Way("m.safetensors", any_document, load_model, lambda: [seeds.parts(whole)[1].encode() for whole in seeds.models()]),
    ]
    for number in range(3):
        whole = functools.partial(lambda index: seeds.models()[index], number)
        ways += [
            Way("m.safetensors", change(whole), load_model, lambda: SCRIPTS) for change in (changed_document, changed_header)
        ]
    return tuple(ways)


def checkpoint_ways() -> tuple[Way, ...]:
    """Read alone, and gone on with."""
    name = "step-000000000001.checkpoint"
    return (
        Way(name, itself, newest_checkpoint, lambda: [seeds.checkpoint()]),
        Way(name, any_document, newest_checkpoint, lambda: [seeds.parts(seeds.checkpoint())[1].encode()]),
        Way(name, changed_document(seeds.checkpoint), go_on, lambda: SCRIPTS),
        Way(name, changed_header(seeds.checkpoint), go_on, lambda: SCRIPTS),
    )


# Data


def idx_ways() -> tuple[Way, ...]:
    """As it is, packed, and as long as it says."""
    return (
        Way("file", itself, read_idx, lambda: [*seeds.idx_files(), *map(craft.gzipped, seeds.idx_files())]),
        Way("file", craft.idx, read_idx, lambda: [b"\0\3\2\2\2abc", b"\4\1\5", b"\2\4\0\xff\xff\xff"]),
        Way("file.gz", lambda script: craft.gzipped(craft.idx(script)), read_idx, lambda: [b"\0\3\2\2\2abc"]),
    )


def table_ways(read: Callable[..., Any]) -> tuple[Way, ...]:
    """As it is, packed, and made of likely cells."""
    some = [bytes(range(start, start + 40)) for start in (0, 8, 20)]
    return (
        Way("file", itself, read, lambda: [*seeds.tables(), *map(craft.gzipped, seeds.tables())]),
        Way("file", craft.table, read, lambda: some),
        Way("file", itself, lambda path: read(path, header=True, delimiter=","), seeds.tables),
        Way("file", craft.table, lambda path: read(path, header=False), lambda: some),
    )


def load_ways() -> tuple[Way, ...]:
    """Whatever file there is, by what it holds."""
    names = {"file": [seeds.tables, seeds.idx_files], "data_batch_1": [seeds.cifar_files], "a.npz": [seeds.npz_files]}
    ways = [
        Way(name, itself, load_data, lambda sources=sources: [one for source in sources for one in source()])
        for name, sources in names.items()
    ]
    ways.append(Way("t", craft.table, lambda path: load_table(path, task="classification"), lambda: [bytes(range(40))]))
    ways.append(Way("t", craft.table, lambda path: load_data(path, kinds={"a": "category"}), lambda: [bytes(range(8, 60))]))
    return tuple(ways)


def npz_ways() -> tuple[Way, ...]:
    """As it is; one array of any header in a proper archive; a directory that says something else."""
    return (
        Way("f.npz", itself, read_npz, seeds.npz_files),
        Way("f.npz", lambda script: craft.zipped([("x.npy", craft.npy(script))]), read_npz, lambda: [seeds.NPY]),
        Way(
            "f.npz",
            lambda script: craft.zipped([("x.npy", craft.npy(seeds.NPY)), ("../y.npy", craft.npy(seeds.NPY))], script),
            read_npz,
            lambda: [b"\0\6\0\1", b"\1\7\0\1", b"\0\2\0\1"],
        ),
    )


def cifar_ways() -> tuple[Way, ...]:
    """A pickle as it is, one of whole instructions, records, and the end of a dict that has begun."""
    begun = b"\x80\x02}(X\x04\0\0\0data"
    return (
        Way("data_batch_1", itself, read_cifar, seeds.cifar_files),
        Way("data_batch_1", craft.pickled, read_cifar, lambda: [bytes(range(70)), bytes([2, 22, 33, 38, 39, 5, 12])]),
        Way("b.bin", lambda some: some + bytes(-len(some) % 3073), read_cifar, lambda: [b"\5\1\1", b"\x0b"]),
        Way("data_batch_1", lambda some: begun + some, read_cifar, lambda: [one[-60:] for one in seeds.cifar_files()]),
    )  # fmt: skip


def image_ways() -> tuple[Way, ...]:
    """Any format as it is, and PNG with checksums that are right."""

    def read(path: Path, **settings: Any) -> None:
        read_image_folder(path.parent.parent, **settings)

    shown = b"\0\0\0\4\0\0\0\4\x08\2\0\0\0" + b"\0\x1aabcdefghijklmnopqrstuvwxyz\3\4abcd"
    return (
        Way("c/i.png", itself, read, seeds.pictures),
        Way("c/i.png", craft.png, read, lambda: [shown]),
        Way("c/i.tif", itself, functools.partial(read, resize=(3, 5), grayscale=True), seeds.pictures),
        Way("c/i.png", craft.png, functools.partial(read, resize=(3, 5), grayscale=False), lambda: [shown]),
    )


def arrow_ways() -> tuple[Way, ...]:
    """Parquet, Arrow and streams as they are."""
    return (Way("file", itself, read_table, seeds.arrow_files),)


# The rest


def settings_ways() -> tuple[Way, ...]:
    """TOML and JSON as text, and the right settings with something else in them."""

    def read(path: Path) -> None:
        resolve("digits", read_config(str(path)))

    tree = json.loads(seeds.settings_files()[1])
    text = json.dumps(tree)
    return (
        Way("s.toml", itself, read, lambda: [seeds.settings_files()[0]]),
        Way("s.json", itself, read, lambda: [seeds.settings_files()[1]]),
        Way("s.json", lambda script: json.dumps(craft.edited(json.loads(text), script)).encode(), read, lambda: SCRIPTS),
    )


def run_ways() -> tuple[Way, ...]:
    """The files of a run folder, as `rerun` and `train --resume` read them."""
    files = seeds.run_files()

    def run(path: Path) -> None:
        for name in ("config.json", "manifest.json"):
            if not (path.parent / name).exists():
                (path.parent / name).write_bytes(files[name])
        changed(find_run(str(path.parent)).manifest, json.loads(files["manifest.json"]))

    def history(path: Path) -> None:
        lines = read_history(path)
        different(({}, {}), ({}, {}), lines, lines[::-1])

    def edited(name: str) -> Callable[[bytes], bytes]:
        return lambda script: json.dumps(craft.edited(json.loads(files[name]), script)).encode()

    ways = [Way("history.jsonl", itself, history, lambda: [files["history.jsonl"]])]
    for name in ("config.json", "manifest.json"):
        ways += [Way(name, itself, run, lambda name=name: [files[name]]), Way(name, edited(name), run, lambda: SCRIPTS)]
    return tuple(ways)


def onnx_ways() -> tuple[Way, ...]:
    """The file as it is, and a good graph with something else in it."""
    return (
        Way("m.onnx", itself, sw.from_onnx, seeds.onnx_files),
        *(Way("m.onnx", changed_graph(number), sw.from_onnx, lambda: SCRIPTS) for number in range(2)),
    )


def changed_graph(number: int) -> Callable[[bytes], bytes]:
    """A graph of which the script changes single fields, four bytes each: (what, where, where, with what)."""

    def make(script: bytes) -> bytes:
        import onnx

        model = onnx.ModelProto.FromString(seeds.onnx_files()[number])
        for at in range(0, min(len(script) - 3, 24), 4):
            what, high, low, which = script[at : at + 4]
            ways = list(_fields(model))
            if ways:
                message, field = ways[(high * 256 + low) % len(ways)]
                _change(message, field, what, which)
        return model.SerializeToString()

    return make


def _fields(message: Any) -> Iterable[tuple[Any, Any]]:
    for field, value in message.ListFields():
        yield message, field
        if field.message_type is not None:
            for inner in value if field.is_repeated else [value]:
                yield from _fields(inner)


def _change(message: Any, field: Any, what: int, which: int) -> None:
    held = getattr(message, field.name)
    if what % 4 == 0 or (field.message_type is not None and not field.is_repeated):
        message.ClearField(field.name)
    elif field.is_repeated:
        index = which % len(held)
        if what % 4 == 1:
            del held[index]
        elif field.message_type is not None:
            held.add().CopyFrom(held[index])
        else:
            held.append(held[index])
            if isinstance(held[index], int):
                held[index] = (0, -1, 1, 2, 3, 2**40, 2**62, which)[what // 4 % 8]
    else:
        options: dict[type, tuple[Any, ...]] = {
            int: (0, 1, 2, 7, 2**31 - 1, which), float: (0.0, float("nan"), float("inf"), 1e30, which),
            str: ("", "Gemm", "MatMul", "Relu", "Reshape", "x", "ai.onnx.ml"), bytes: (b"", b"\0" * which, b"\xff", b"x" * 8),
        }  # fmt: skip
        some = options[type(held)]
        with contextlib.suppress(ValueError):  # a number that the field cannot hold
            setattr(message, field.name, some[which % len(some)])


TARGETS: dict[str, Callable[[], tuple[Way, ...]]] = {
    "arrow": arrow_ways,
    "checkpoint": checkpoint_ways,
    "cifar": cifar_ways,
    "csv": lambda: table_ways(read_csv),
    "idx": idx_ways,
    "images": image_ways,
    "load": load_ways,
    "model": model_ways,
    "npz": npz_ways,
    "onnx": onnx_ways,
    "run": run_ways,
    "settings": settings_ways,
    "table": lambda: table_ways(read_table),
}
"""Every reader by its name in the record."""


class Harness:
    """Runs one target: `harness(data)` raises a WrongOutcomeError, or returns whether the file was read."""

    def __init__(self, name: str, folder: Path) -> None:
        warnings.simplefilter("error")
        self.ways = TARGETS[name]()
        self.paths = [folder / f"{number}" / way.file for number, way in enumerate(self.ways)]
        self.open: list[int] = []
        self.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for path in self.paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.open.append(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))

    def close(self) -> None:
        """Close the files."""
        for file in self.open:
            os.close(file)

    def seeds(self) -> list[bytes]:
        """What the fuzzer begins with: the number of the way, then the bytes for it."""
        return [bytes([number]) + seed for number, way in enumerate(self.ways) for seed in way.seeds()]

    def __call__(self, data: bytes) -> bool:
        number = data[0] % len(self.ways) if data else 0
        way, path, file = self.ways[number], self.paths[number], self.open[number]
        content = way.make(data[1:])
        os.ftruncate(file, 0)
        os.pwrite(file, content, 0)
        before = self.peak
        begun = time.thread_time()
        try:
            way.read(path)
            read = True
        except ScratchworkError as error:
            read = False
            check_sentence(str(error))
        took = time.thread_time() - begun
        self.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        grown = (self.peak - before) / 1024
        if took > MOST_SECONDS:
            raise WrongOutcomeError("it took more than two seconds")
        if grown > MOST_MEGABYTES:
            raise WrongOutcomeError("it took more than two hundred megabytes")
        return read


def check_sentence(text: str) -> None:
    """One sentence that a terminal can show: no line ends, no control characters."""
    if not text or len(text) > MOST_CHARACTERS:
        raise WrongOutcomeError(f"an error of {'no' if not text else 'more than a thousand'} characters")
    if not text.isprintable():
        raise WrongOutcomeError("an error that no terminal can show as it is")
