"""Small real files of every kind, written by the library's own writers, by NumPy, Pillow and pyarrow: no corpus is kept."""

import contextlib
import functools
import io
import json
import pickle
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import scratchwork as sw
from scratchwork import preprocessing as prep
from scratchwork.cli import main
from scratchwork.cli.settings import resolve

X = np.random.default_rng(0).normal(size=(12, 3)).round(2)
Y = np.arange(12) % 2


@functools.cache
def models() -> tuple[bytes, ...]:
    """A model with a bit of everything, a model of a table, and a bare network."""
    layers = [
        sw.Dense(4, weight_regularizer=sw.L2(1e-3), weight_constraint=sw.MaxNorm(3.0)),
        sw.BatchNorm(),
        sw.Dropout(0.2),
        sw.Sequential([sw.LayerNorm(), sw.Scale(), sw.Reshape((2, 2)), sw.Flatten()]),
        sw.Dense(2),
    ]
    steps = [prep.Standardize(), prep.PCA(3)]
    full = sw.Model(sw.Sequential(layers), preprocessing=steps, feature_names=list("abc"), labels=["ä", "b"])
    settings: dict[str, Any] = {"loss": "SoftmaxCrossEntropy", "optimizer": "adam", "epochs": 1, "progress": False}
    full.fit(X, np.array(["ä", "b"])[Y], engine="numpy", **settings)
    table = {"size": X[:, 0], "kind": np.array(["a", "b", "c"] * 4, object), "old": Y == 1}
    of_table = sw.Model(sw.Sequential([sw.Dense(2)]), preprocessing=[prep.TableEncoder()])
    of_table.fit(table, np.array(["p", "q"])[Y], engine="numpy", **settings)
    bare = sw.Sequential([sw.Dense(2), sw.LeakyReLU(0.2), sw.Dense(1)])
    bare.build(3)
    return tuple(_saved(thing) for thing in (full, of_table, bare))


def _saved(thing: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        sw.save(thing, path)
        return path.read_bytes()


def parts(content: bytes) -> tuple[dict[str, Any], str, bytes]:
    """(entries of the header, the document's text, the arrays) of a model file or checkpoint."""
    end = 8 + struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:end])
    return header, header.pop("__metadata__")["document"], content[end:]


def resumable(folder: Path, *, resume: bool) -> None:
    """A tiny run that writes a checkpoint into the folder, or goes on from it."""
    network = sw.Sequential([sw.Dense(2), sw.BatchNorm(), sw.Dropout(0.5), sw.Dense(2)])
    sw.fit(
        network, X[:4], Y[:4], loss=sw.SoftmaxCrossEntropy(), optimizer=sw.Adam(1e-3), epochs=1, batch_size=4, engine="numpy",
        progress=False, seed=0, callbacks=[sw.EarlyStopping("loss", patience=2)], checkpoint=folder, resume=resume,
    )  # fmt: skip


@functools.cache
def checkpoint() -> bytes:
    """A checkpoint of that run."""
    with tempfile.TemporaryDirectory() as folder:
        resumable(Path(folder), resume=False)
        (path,) = Path(folder).iterdir()
        return path.read_bytes()


def idx_files() -> list[bytes]:
    """Images, labels and floats."""
    return [
        b"\0\0\x08\x03" + struct.pack(">3I", 3, 2, 2) + bytes(range(12)),
        b"\0\0\x08\x01" + struct.pack(">I", 4) + b"\1\2\3\4",
        b"\0\0\x0d\x02" + struct.pack(">2I2f", 1, 2, 1.5, -2),
    ]


def tables() -> list[bytes]:
    """Text tables of several kinds."""
    return [
        '\ufeffa,b,"c c",label\r\n'.encode() + b"".join(b'%d,%.2f,%d,"k%d"\r\n' % (i, i / 3, i * i, i % 3) for i in range(5)),
        b"1;2;3\n4;5;6\n7;8;9\n",
        b"name,old,born,size\nAnn,yes,2001-05-31,1.5\nBob,no,,NA\n",
        b"x\ty\n1e3\t2024-01-01 12:30:59.5\n-7\tNaN\n",
    ]


def npz_files() -> list[bytes]:
    """Archives, packed and not."""
    found = []
    for save in (np.savez, np.savez_compressed):
        for arrays in (
            {"x": X.astype(np.float32), "y": np.array(["a", "b"])[Y]},
            {"data": np.zeros((2, 3, 3)), "z": np.eye(2)},
        ):
            buffer = io.BytesIO()
            save(buffer, **arrays)
            found.append(buffer.getvalue())
    return found


NPY = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1), }\n" + np.ones(2).tobytes()
"""An array as `craft.npy` takes it."""


def cifar_files() -> list[bytes]:
    """A tiny batch as Python writes it, in three protocols."""
    batch = {"data": np.ones((1, 3072), np.uint8), "labels": [1], "filenames": ["a"]}
    return [pickle.dumps(batch, protocol) for protocol in (0, 2, 5)]


@functools.cache
def pictures() -> tuple[bytes, ...]:
    """An image in each format that is read."""
    from PIL import Image

    found = []
    image = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP", "PPM"):
        for mode in ("RGB", "L", "P"):
            if (kind, mode) in (("JPEG", "P"), ("PPM", "P"), ("WEBP", "P"), ("WEBP", "L")):
                continue
            buffer = io.BytesIO()
            image.convert(mode).save(buffer, kind, **({"exif": exif} if kind in ("PNG", "JPEG", "WEBP") else {}))
            found.append(buffer.getvalue())
    return tuple(found)


@functools.cache
def arrow_files() -> tuple[bytes, ...]:
    """Parquet, Arrow and a stream of batches, with text, dates, categories and gaps."""
    import pyarrow as pa
    from pyarrow import ipc, parquet

    columns = {"a": pa.array([1, 2, None]), "b": pa.array(["x", None, "y"]), "c": pa.array([True, False, None])}
    plain = pa.table(columns)
    more = {"d": pa.array([0, 10**15, None], pa.timestamp("us")), "e": pa.array(["p", "q", "p"]).dictionary_encode()}
    found = []
    for held, compression in ((plain, "none"), (plain, "snappy"), (pa.table(columns | more), "gzip")):
        sink = io.BytesIO()
        parquet.write_table(held, sink, compression=compression)
        found.append(sink.getvalue())
        for writer in (ipc.new_file, ipc.new_stream):
            sink = io.BytesIO()
            with writer(sink, held.schema) as out:
                out.write_table(held)
            found.append(sink.getvalue())
    return tuple(found)


@functools.cache
def onnx_files() -> tuple[bytes, ...]:
    """Our own exports of a model and of a network."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(models()[::2]):
            path, out = Path(folder) / f"{number}.safetensors", Path(folder) / f"{number}.onnx"
            path.write_bytes(content)
            sw.export.to_onnx(sw.load(path), out)
            found.append(out.read_bytes())
    return tuple(found)


@functools.cache
def run_files() -> dict[str, bytes]:
    """The files of text in the folder of a run, as `scratchwork train` leaves them."""
    names = ("config.json", "manifest.json", "history.jsonl")
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["train", "xor", "--hidden", "2", "--epochs", "2", "--engine", "numpy", "--quiet", "--out", f"{folder}/run"]
        with contextlib.redirect_stdout(io.StringIO()):
            assert main(arguments) == 0
        return {name: (Path(folder) / "run" / name).read_bytes() for name in names}


def settings_files() -> tuple[bytes, bytes]:
    """All settings of a run as TOML and as JSON."""
    tree = resolve("digits", {"hidden": (64, 32), "categories": ("a", "b"), "max_norm": 3.0}).to_dict()
    lines = []
    for section, entries in tree.items():
        lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in entries.items())]
    return "\n".join(lines).encode(), json.dumps({"settings": tree}).encode()
