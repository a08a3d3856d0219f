"""Tables in Parquet, Arrow and Feather files, whose memory is checked before it is read."""

import re
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
