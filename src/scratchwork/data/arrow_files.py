"""Tables in Parquet, Arrow and Feather files, whose memory is checked before it is read."""

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import DataError, FileFormatError, MissingDependencyError
from .reading import MAX_BYTES, open_binary
from .table import Table, as_table

PARQUET, ARROW, STREAM = b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"
"""What the files begin with; Feather files are Arrow files."""

SMALL, USUAL_RATIO = 1 << 27, 1000
"""What a file may unfold to: always so many bytes, and otherwise so many times its size; sorted columns pack well."""

PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def holds_arrow(path: Path) -> bool:
    """Whether a file is one of Parquet, Arrow or Feather, whatever it is called."""
    return _magic(path).startswith((PARQUET, ARROW, STREAM))


def read_arrow(path: Path) -> Table:
    """The table in a Parquet, Arrow or Feather file; see `read_table`."""
    pyarrow = need_pyarrow(f"{path} is a Parquet or Arrow file, which")
    magic = _magic(path)
    with open_binary(path) as file:
        try:
            return as_table(_whole(pyarrow, path, file, magic))
        except FileFormatError:
            raise
        except DataError as error:
            raise DataError(f"{path}: {error}") from None
        except (pyarrow.ArrowException, OSError, ValueError, LookupError, TypeError, ArithmeticError, MemoryError) as error:
            reason = " ".join(str(error).split())[:200]
            raise FileFormatError(f"{path} is damaged or cannot be read: {reason}") from None


def need_pyarrow(what: str) -> Any:
    """pyarrow, or the MissingDependencyError that says what needs it."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingDependencyError(f"{what} needs pyarrow: pip install 'scratchwork[data]'") from None
    return pyarrow


def _magic(path: Path) -> bytes:
    with open_binary(path) as file:
        return file.read(6)


def _whole(pyarrow: Any, path: Path, file: Any, magic: bytes) -> Any:
    """All parts of a file as one table, each checked before it is used, and the sum of them bounded."""
    held, size = [], 0
    on_disk = path.stat().st_size
    most = min(MAX_BYTES, max(SMALL, USUAL_RATIO * on_disk))
    if not magic.startswith(PARQUET) and unpacked_bytes(file, magic) > most:
        raise FileFormatError(f"{path} unfolds to more than {most:,} bytes; at most so many are read from its {on_disk:,}")
    schema, batches = _opened(pyarrow, file, magic, path, most)
    for batch in batches:
        batch.validate(full=True)  # else a damaged offset is only met where memory is read by it
        size += batch.nbytes + batch.num_rows
        if size > most:
            raise FileFormatError(f"{path} unfolds to more than {most:,} bytes; at most so many are read from its {on_disk:,}")
        held.append(batch)
    table = pyarrow.Table.from_batches(held, schema)
    keep = [name for name in table.column_names if not PANDAS_INDEX.fullmatch(name)]
    if not keep or not table.num_rows:
        raise DataError(f"it is empty, with {len(keep)} columns and {table.num_rows} rows")
    return table.select(keep) if len(keep) < len(table.column_names) else table


def _opened(pyarrow: Any, file: Any, magic: bytes, path: Path, most: int) -> tuple[Any, Iterator[Any]]:
    """The schema and the parts of a file, one after the other."""
    if magic.startswith(PARQUET):
        parquet = pyarrow.parquet.ParquetFile(file)
        rows, columns = parquet.metadata.num_rows, parquet.metadata.num_columns
        declared = max(rows * max(columns, 1) // 8, rows)  # a cell takes a bit at least
        if declared > most:
            raise FileFormatError(f"{path} declares {rows:,} rows of {columns:,} columns, more than belong in its size")
        return parquet.schema_arrow, parquet.iter_batches(1 << 16)
    if magic != ARROW:
        stream = pyarrow.ipc.open_stream(file)
        return stream.schema, iter(stream)
    reader = pyarrow.ipc.open_file(file)
    return reader.schema, (reader.get_batch(i) for i in range(reader.num_record_batches))


# What packed parts of an Arrow file declare, which pyarrow allocates before it unpacks them


class _Flat:
    """A table of a FlatBuffer, the format in which Arrow describes its messages: fields are found by their number."""

    def __init__(self, data: Any, at: int) -> None:
        self.data, self.at = data, at

    def number(self, kind: str, at: int) -> int:
        """A number of this kind at a place."""
        found: int = struct.unpack_from("<" + kind, self.data, at)[0]
        return found

    def field(self, index: int) -> int:
        """Where a field lies, or 0."""
        table = self.at - self.number("i", self.at)
        entry = 4 + 2 * index
        offset = self.number("H", table + entry) if entry < self.number("H", table) else 0
        return self.at + offset if offset else 0

    def inner(self, index: int) -> "_Flat":
        """The table that a field holds."""
        at = self.field(index)
        return _Flat(self.data, at + self.number("I", at))

    def entries(self, index: int, kind: str) -> Iterator[tuple[int, ...]]:
        """The structures in the vector that a field holds."""
        if at := self.field(index):
            start = at + self.number("I", at)
            for i in range(self.number("I", start)):
                yield struct.unpack_from("<" + kind, self.data, start + 4 + i * struct.calcsize("<" + kind))


def unpacked_bytes(file: Any, magic: bytes) -> int:
    """How many bytes the packed buffers of an Arrow file or stream declare to unfold to."""
    import mmap

    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return sum(_unpacked(_Flat(data, at), body) for at, body in _messages(data, magic))
        except (struct.error, OverflowError):
            raise ValueError("the description of its parts leads out of the file") from None


def _messages(data: Any, magic: bytes) -> Iterator[tuple[int, int]]:
    """Where each message lies, and what belongs to it."""
    size = len(data)
    if magic == ARROW:
        end = _Flat(data, size - 10 - struct.unpack_from("<i", data, size - 10)[0])
        footer = _Flat(data, end.at + end.number("I", end.at))
        for index in (2, 3):  # dictionaries, batches
            for at, length, body in footer.entries(index, "qi4xq"):
                if at < 0 or length < 0 or body < 0 or at + length + body > size:
                    raise ValueError("its footer points out of the file")
                yield _start(data, at)[0], at + length
        return
    at = 0
    while at + 4 <= size:
        start, length = _start(data, at)
        if length <= 0:
            return
        message = _root(data, start)
        place = message.field(3)
        body = message.number("q", place) if place else 0
        if body < 0:
            raise ValueError("a part has less than no bytes")
        yield start, start + length
        at = start + length + body


def _start(data: Any, at: int) -> tuple[int, int]:
    """(where a message begins, how long its description is): after a length, or after a mark and a length."""
    first, second = struct.unpack_from("<I", data, at)[0], at + 4
    return (second + 4, struct.unpack_from("<i", data, second)[0]) if first == 0xFFFFFFFF else (second, first)


def _root(data: Any, at: int) -> _Flat:
    return _Flat(data, at + struct.unpack_from("<I", data, at)[0])


def _unpacked(at: _Flat, body: int) -> int:
    """What the buffers of one message unfold to, where they are packed: each begins with that number."""
    message = _root(at.data, at.at)
    kind_at = message.field(1)
    kind = message.number("B", kind_at) if kind_at else 0
    if kind not in (2, 3) or not message.field(2):
        return 0
    batch = message.inner(2).inner(1) if kind == 2 else message.inner(2)  # a dictionary has its batch inside
    if not batch.field(3):
        return 0
    return sum(max(batch.number("q", body + start), 0) for start, length in batch.entries(2, "qq") if length >= 8)
