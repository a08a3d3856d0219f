"""The cases of sizes.py: small files that ask for much, bombs, and ways out of a folder, each written when it is wanted."""

import gzip
import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import scratchwork as sw
from scratchwork.cli.settings import read_config
from scratchwork.data import read_cifar, read_csv, read_idx, read_image_folder, read_npz, read_table

from . import craft, seeds

CLAIM = 100 * 10**9
"""What a file of some hundred bytes asks for, where its format can say so: 100 GB."""

Case = tuple[Callable[[Any], Any], Callable[[Path], Path]]
"""(the reader, what writes the file into a folder and gives its path)."""


def file(name: str, content: bytes | Callable[[], bytes]) -> Callable[[Path], Path]:
    """A file of this content."""

    def write(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content() if callable(content) else content)
        return path

    return write


# Models


def header_of(length: int, text: bytes = b'{"a":1}') -> bytes:
    """A safetensors file that declares so long a header."""
    return struct.pack("<Q", length) + text


def model(change: Callable[[dict[str, Any], list[Any]], Any], number: int = 0) -> Callable[[], bytes]:
    """A model file of which the description is changed."""

    def make() -> bytes:
        entries, text, data = seeds.parts(seeds.models()[number])
        document = json.loads(text)
        change(document, document["network"]["config"]["layers"])
        return craft.safetensors(entries, json.dumps(document), data)

    return make


def arrays(shape: list[int], offsets: list[int], kind: str = "F32") -> Callable[[], bytes]:
    """A model file whose first array declares this."""

    def make() -> bytes:
        entries, text, data = seeds.parts(seeds.models()[2])
        entries[next(iter(entries))] = {"dtype": kind, "shape": shape, "data_offsets": offsets}
        return craft.safetensors(entries, text, data)

    return make


def checkpoint(make: Callable[[], bytes]) -> Callable[[Path], Path]:
    """The folder of a run whose only checkpoint holds this."""
    return lambda folder: file("step-000000000001.checkpoint", make)(folder).parent


def checkpoint_arrays() -> bytes:
    """A checkpoint that declares an array of 100 GB."""
    entries, text, data = seeds.parts(seeds.checkpoint())
    entries["value"] = {"dtype": "F32", "shape": [CLAIM // 4], "data_offsets": [0, CLAIM]}
    return craft.safetensors(entries, text, data)


# Packed files


def bomb(line: bytes, size: int) -> Callable[[], bytes]:
    """A gzip file of one line over and over; of many members, so that it is quickly made."""
    member = gzip.compress(line * (2**20 // len(line)), 9, mtime=0)
    return lambda: member * (size >> 20)


def idx_bomb() -> bytes:
    """A gzip file that unfolds to 4 GB, and a header that declares as much."""
    packed = gzip.compress(bytes(2**20), 9, mtime=0)
    return gzip.compress(b"\0\0\x08\x02" + struct.pack(">2I", 4096, 2**20), 9, mtime=0) + packed * 4096


def zip_of(members: list[tuple[str, bytes]], sizes: tuple[int, int] | None = None) -> bytes:
    """A zip archive; `sizes` is what its directory says of the packed and unpacked length of each member."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    held = bytearray(buffer.getvalue())
    if sizes is not None:
        at = held.index(b"PK\1\2")
        held[at + 20 : at + 28] = struct.pack("<II", *sizes)
    return bytes(held)


def npy(shape: str, kind: str = "<f8", data: bytes = b"") -> bytes:
    """An array file that declares this shape."""
    return craft.npy(f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode() + data)


def zip_bomb() -> bytes:
    """An archive whose one array is 1 GB of zeros in 1 MB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = npy(f"({2**27}, 1)")
    packed = packer.compress(head)
    crc, block = zlib.crc32(head), bytes(2**24)
    for _ in range(64):
        packed += packer.compress(block)
        crc = zlib.crc32(block, crc)
    packed += packer.flush()
    fields = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, crc, len(packed), len(head) + 2**30, 5, 0)
    held = b"PK\3\4" + fields + b"x.npy" + packed
    directory = b"PK\1\2" + struct.pack("<H", 20) + fields + struct.pack("<HHHII", 0, 0, 0, 0, 0) + b"x.npy"
    return held + directory + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(directory), len(held), 0)


def overlapping() -> bytes:
    """An archive of 60,000 entries that all show the same megabyte."""
    one = zip_of([("x.npy", npy(f"({2**17},)", data=bytes(2**20)))])
    at, end = one.index(b"PK\1\2"), one.index(b"PK\5\6")
    directory = b"".join(one[at : at + 46] + f"{i:05}".encode()[1:] + b"x"[:1] for i in range(60_000))
    tail = struct.pack("<HHHHIIH", 0, 0, 60_000, 60_000, len(directory), at, 0)
    return one[:at] + directory + b"PK\5\6" + tail if end else b""


# Images, tables, pickles


def picture(content: bytes | Callable[[], bytes], name: str = "a/i.png") -> Callable[[Path], Path]:
    """A folder of one class with one image of this content."""
    return lambda folder: file(name, content)(folder / "pictures").parent.parent


def png(width: int, height: int, kind: int = 2) -> bytes:
    """A PNG file that declares this size."""
    return craft.png(struct.pack(">2I5B", width, height, 8, kind, 0, 0, 0) + b"\0\4abcd")


def bmp(width: int, height: int) -> bytes:
    """A BMP file that declares this size."""
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def tiff(width: int, height: int) -> bytes:
    """A TIFF file that declares this size."""
    tags = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, height), (279, 10)]
    return (
        b"II*\0\x08\0\0\0"
        + struct.pack("<H", len(tags))
        + b"".join(struct.pack("<HHII", t, 4, 1, v) for t, v in tags)
        + bytes(4)
    )


def linked(target: str, place: str, *, folder_link: bool = False) -> Callable[[Path], Path]:
    """A folder of images in which a link leads elsewhere."""

    def write(folder: Path) -> Path:
        picture(seeds.pictures()[0])(folder)
        outside = folder / "outside"
        outside.mkdir()
        (outside / "secret.png").write_bytes(seeds.pictures()[0])
        (folder / "pictures" / place).symlink_to(target if folder_link else Path(target))
        return folder / "pictures"

    return write


def pipe(folder: Path) -> Path:
    """A folder of images in which one is a pipe that nobody writes to."""
    picture(seeds.pictures()[0])(folder)
    os.mkfifo(folder / "pictures" / "a" / "j.png")
    return folder / "pictures"


def parquet(rows: int) -> Callable[[], bytes]:
    """A Parquet file of some hundred bytes: that many rows of one value, which runs of equal values pack into nothing."""

    def make() -> bytes:
        import pyarrow as pa
        from pyarrow import parquet

        sink = io.BytesIO()
        column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(1 << 16, np.int8)), pa.array(["a"]))
        with parquet.ParquetWriter(sink, pa.schema([("a", column.type)]), compression="zstd") as writer:
            table = pa.table({"a": column})
            for _ in range(4):
                writer.write_table(table)
        content = sink.getvalue()
        wanted = _zigzag(4 << 16)
        assert wanted in content
        return content.replace(wanted, _zigzag(rows)[: len(wanted)])

    return make


def _zigzag(number: int) -> bytes:
    """A number as Thrift's compact protocol writes it."""
    left, held = number << 1, bytearray()
    while left >= 128:
        held.append(left & 127 | 128)
        left >>= 7
    held.append(left)
    return bytes(held)


def nulls(rows: int) -> Callable[[], bytes]:
    """An Arrow stream with a column of nothing: rows that take no byte."""

    def make() -> bytes:
        import pyarrow as pa

        sink = io.BytesIO()
        batch = pa.record_batch([pa.nulls(2 * 10**9)], ["a"])  # no batch may have more than 2**31
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            for _ in range(0, rows, batch.num_rows):
                writer.write_batch(batch)
        return sink.getvalue()

    return make


def squeezed(size: int) -> Callable[[], bytes]:
    """An Arrow file whose one column of zeros zstd has packed into almost nothing."""

    def make() -> bytes:
        import pyarrow as pa

        sink = io.BytesIO()
        batch = pa.record_batch([pa.array(np.zeros(size // 8))], ["a"])
        with pa.ipc.new_file(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
            writer.write_batch(batch)
        return sink.getvalue()

    return make


def onnx_of(dims: list[int], **fields: Any) -> Callable[[], bytes]:
    """An ONNX file whose one tensor declares this shape."""

    def make() -> bytes:
        import onnx

        proto = onnx.ModelProto.FromString(seeds.onnx_files()[1])
        tensor = proto.graph.initializer[0]
        del tensor.dims[:]
        tensor.dims.extend(dims)
        for name, value in fields.items():
            setattr(tensor, name, value)
        return proto.SerializeToString()

    return make


CODE = b"cos\nsystem\n(S'echo ran > ran'\ntR."
BIG_ARRAY = (
    b"\x80\x02}(X\x04\0\0\0datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85C\x01b\x87R(K\x01"
    b"\x8a\x08\0\0\0\0\x20\0\0\0\x85cnumpy\ndtype\nX\x02\0\0\0u1K\0K\x01\x87R\x89C\x01xtbu."
)
DOUBLING = b"\x80\x02X\x04\0\0\0aaaaq\0" + b"h\0h\0\x86q\0" * 60 + b"."

TOML, JSON = "s.toml", "s.json"


def cases() -> dict[str, Case]:
    """Every case by its name."""
    return models_and_settings() | numbers() | pictures() | tables()


def models_and_settings() -> dict[str, Case]:
    """Model files, checkpoints, ONNX and settings."""

    def units(count: int) -> Callable[[], bytes]:
        return model(lambda document, layers: layers[0]["config"].update(units=count))

    name = "m.safetensors"
    newest = lambda path: sw.storage.Checkpoints(path).newest()  # noqa: E731
    deep = b'{"a":' * 10**5 + b"1" + b"}" * 10**5
    return {
        "model: a header of 100 GB": (sw.load, file(name, header_of(CLAIM, b"{" * 90))),
        "model: a header of 2**63 bytes": (sw.load, file(name, header_of(2**63, b"{"))),
        "model: an array of 100 GB": (sw.load, file(name, arrays([CLAIM // 4], [0, CLAIM]))),
        "model: an array of 2**124 numbers": (sw.load, file(name, arrays([2**62, 2**62], [0, 8]))),
        "model: arrays that overlap": (sw.load, file(name, arrays([2], [4, 12]))),
        "model: a layer of 10**11 units": (sw.load, file(name, units(10**11))),
        "model: rows of 10**12 features": (sw.load, file(name, model(lambda d, layers: d.update(in_shape=[10**12])))),
        "model: a header nested 10**5 deep": (sw.load, file(name, header_of(len(deep), deep))),
        "model: code in place of a layer": (sw.load, file(name, model(lambda d, layers: layers[0].update(type="os.system")))),
        "model: a pickle": (sw.load, file(name, CODE)),
        "checkpoint: an array of 100 GB": (newest, checkpoint(checkpoint_arrays)),
        "checkpoint: a header of 100 GB": (newest, checkpoint(lambda: header_of(CLAIM))),
        "onnx: a tensor of 100 GB": (sw.from_onnx, file("m.onnx", onnx_of([CLAIM // 4]))),
        "onnx: a tensor of 0 × 2**62": (sw.from_onnx, file("m.onnx", onnx_of([0, 2**62, 2**62], raw_data=b"")),),
        "onnx: a tensor in another file": (sw.from_onnx, file("m.onnx", onnx_of([3], data_location=1))),
        "settings: JSON nested 10**5 deep": (lambda path: read_config(str(path)), file(JSON, deep)),
        "settings: TOML nested 10**5 deep": (lambda path: read_config(str(path)), file(TOML, b"a = " + b"[" * 10**5)),
        "settings: a file of 100 MB": (lambda path: read_config(str(path)), file(TOML, lambda: b"a" * 10**8)),
        "settings: a device without end": (lambda path: read_config("/dev/zero"), file(TOML, b"")),
    }  # fmt: skip


def numbers() -> dict[str, Case]:
    """IDX, npz and CIFAR-10."""
    return {
        "idx: 100 GB of numbers": (read_idx, file("f", b"\0\0\x08\x03" + struct.pack(">3I", 10**5, 10**3, 10**3))),
        "idx: 2**256 numbers": (read_idx, file("f", b"\0\0\x0e\x08" + b"\xff" * 32)),
        "idx: 0 × 2**96 numbers": (read_idx, file("f", b"\0\0\x08\x04" + bytes(4) + b"\xff" * 12)),
        "idx: packed, 100 GB declared": (
            read_idx,
            file("f.gz", gzip.compress(b"\0\0\x08\x03" + struct.pack(">3I", 10**5, 10**3, 10**3))),
        ),
        "idx: a gzip bomb of 4 GB": (read_idx, file("f.gz", idx_bomb)),
        "npz: an array of 100 GB": (read_npz, file("f.npz", zip_of([("x.npy", npy(f"({CLAIM // 8},)"))]))),
        "npz: a directory that says 4 GB": (
            read_npz,
            file("f.npz", zip_of([("x.npy", npy(f"({2**29 - 32},)"))], (100, 2**32 - 2))),
        ),
        "npz: a zip bomb of 1 GB": (read_npz, file("f.npz", zip_bomb)),
        "npz: 60,000 entries for one megabyte": (read_npz, file("f.npz", overlapping)),
        "npz: ../ in a name": (read_npz, file("f.npz", zip_of([("../x.npy", npy("(1,)", data=bytes(8)))]))),
        "npz: an absolute name": (read_npz, file("f.npz", zip_of([("/tmp/x.npy", npy("(1,)", data=bytes(8)))]))),
        "npz: objects, which are pickles": (read_npz, file("f.npz", zip_of([("x.npy", npy("(1,)", "|O", CODE))]))),
        "npz: a header that is code": (
            read_npz,
            file("f.npz", zip_of([("x.npy", craft.npy(b"__import__('os').system('echo ran > ran')\n"))])),
        ),
        "cifar: a pickle with code": (read_cifar, file("data_batch_1", CODE)),
        "cifar: an array of 137 GB": (read_cifar, file("data_batch_1", BIG_ARRAY)),
        "cifar: 2**60 copies of a text": (read_cifar, file("data_batch_1", DOUBLING)),
        "cifar: a gzip bomb of 1 GB": (read_cifar, file("data_batch_1", bomb(bytes(2**20), 2**30))),
    }


def pictures() -> dict[str, Case]:
    """Folders of images."""
    return {
        "images: PNG of 100,000 × 100,000": (read_image_folder, picture(png(100_000, 100_000))),
        "images: PNG of 7,000 × 7,000": (read_image_folder, picture(png(7_000, 7_000))),
        "images: PNG of 2**31 − 1 each way": (read_image_folder, picture(png(2**31 - 1, 2**31 - 1))),
        "images: BMP of 100,000 × 100,000": (read_image_folder, picture(bmp(100_000, 100_000), "a/i.bmp")),
        "images: TIFF of 100,000 × 100,000": (read_image_folder, picture(tiff(100_000, 100_000), "a/i.tif")),
        "images: GIF of 65,535 × 65,535": (
            read_image_folder,
            picture(b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\0\0;", "a/i.gif"),
        ),
        "images: PPM of 10**6 × 10**6": (read_image_folder, picture(b"P6 1000000 1000000 255 abc", "a/i.ppm")),
        "images: PostScript, which is a program": (read_image_folder, picture(b"%!PS-Adobe-3.0 EPSF-3.0\n")),
        "images: a link to a file outside": (read_image_folder, linked("../../outside/secret.png", "a/j.png")),
        "images: a link to a folder outside": (read_image_folder, linked("../outside", "b", folder_link=True)),
        "images: a link to a device": (read_image_folder, linked("/dev/zero", "a/j.png")),
        "images: a pipe": (read_image_folder, pipe),
    }  # fmt: skip


def tables() -> dict[str, Case]:
    """CSV, Parquet and Arrow."""
    return {
        "csv: one line without end": (read_csv, file("f.csv", lambda: b"1" * (2**24 + 2**20))),
        "csv: 16 million columns": (read_csv, file("f.csv", lambda: b"," * (2**24 - 2) + b"\n")),
        "csv: a quote that is never closed": (read_csv, file("f.csv", lambda: b'a,b\n1,"' + b"x\n" * 2**20)),
        "csv: a gzip bomb of one line": (read_csv, file("f.csv.gz", bomb(b"1", 2**30))),
        "csv: a gzip bomb of rows": (read_csv, file("f.csv.gz", bomb(b"1,2\n", 2**30))),
        "table: one line without end": (read_table, file("f.csv", lambda: b"1" * (2**24 + 2**20))),
        "table: a gzip bomb of rows": (read_table, file("f.csv.gz", bomb(b"a,2\n", 2**30))),
        "table: a number of 10**6 digits": (read_table, file("f.csv", lambda: b"a,b\n1," + b"9" * 10**6 + b'"\n')),
        "parquet: a row group of 10**11 rows": (read_table, file("f.parquet", parquet(10**11))),
        "parquet: cut after its magic number": (read_table, file("f.parquet", b"PAR1" + b"\xff" * 90 + b"PAR1")),
        "parquet: a footer of 4 GB": (read_table, file("f.parquet", b"PAR1" + bytes(8) + b"\xff\xff\xff\xffPAR1")),
        "arrow: 10**11 rows that take no byte": (read_table, file("f.arrow", nulls(10**11))),
        "arrow: 1 GB of zeros in zstd": (read_table, file("f.arrow", squeezed(2**30))),
    }
