"""Opening files that others made: one error each for what is not there, is a folder, or ends too early.

Every reader goes by what a file holds, not by what it is called, and believes a declared size only after comparing it
with the real one: a header of twenty bytes must not be able to claim the machine's memory.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from ..errors import DataError, FileFormatError, MissingFileError

MAX_BYTES = 8 * 2**30
"""The most that one file may unfold to. What is larger needs another library than one that keeps it in memory."""

GZIP_MAGIC = b"\x1f\x8b"
DEFLATE_RATIO = 1032
"""Deflate never packs more than this many bytes into one (a run of 258 bytes costs at least two bits)."""

CHUNK = 1 << 20
PADDING = 1 << 16
"""Zeros that may follow a gzip stream: tapes were filled up with some."""

SMALL, USUAL_RATIO = 1 << 26, 200
"""A packed file may always unfold to so many bytes, and to more than that as long as it is not to so many times its size."""


def existing_file(path: str | os.PathLike[str]) -> Path:
    """`path` as a Path to a regular file, or one clear error."""
    found = as_path(path)
    try:
        if found.is_file():
            return found
        there = found.exists()
    except (OSError, ValueError) as error:  # a name that the system cannot even look for: too long, a zero character
        raise MissingFileError(f"{str(path)!r} is not a path that can be read: {error}") from None
    if found.is_dir():
        raise FileFormatError(f"{found} is a folder, and a file belongs here")
    if there:
        raise FileFormatError(f"{found} is neither a file nor a folder")
    raise MissingFileError(f"there is no file {found}")


def existing_folder(path: str | os.PathLike[str]) -> Path:
    """`path` as a Path to a folder, or one clear error."""
    found = as_path(path)
    try:
        if found.is_dir():
            return found
        there = found.exists()
    except (OSError, ValueError) as error:
        raise MissingFileError(f"{str(path)!r} is not a path that can be read: {error}") from None
    if there:
        raise FileFormatError(f"{found} is a file, and a folder belongs here")
    raise MissingFileError(f"there is no folder {found}")


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, in sorted order, without hidden things."""
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise FileFormatError(f"{folder} cannot be listed: {error.strerror or error}") from None


def as_path(path: str | os.PathLike[str]) -> Path:
    """`path` as a Path, with ~ for the home folder."""
    if not isinstance(path, str | os.PathLike):
        raise DataError(f"a path is text or a pathlib.Path; received {type(path).__name__}")
    try:
        return Path(path).expanduser()
    except RuntimeError:  # ~ of a user that does not exist: then it is a name like any other
        return Path(path)


def is_gzip(path: Path) -> bool:
    """Whether the file starts like a gzip file, whatever it is called."""
    with open_binary(path) as file:
        return file.read(2) == GZIP_MAGIC


def most_unfolded(packed: int, ratio: int = USUAL_RATIO) -> int:
    """How many bytes a packed file of this size may unfold to: an archive made to fill the memory is far above that."""
    return min(MAX_BYTES, max(SMALL, ratio * packed))


def require_modest(path: Path) -> None:
    """FileFormatError where a gzip file unfolds to far more than data do: it is unpacked once, and nothing is kept."""
    if not is_gzip(path):
        return
    left = most = most_unfolded(path.stat().st_size)
    with open_binary(path, unzip=True) as file:
        while left >= 0 and (chunk := file.read(CHUNK)):
            left -= len(chunk)
    if left < 0:
        raise FileFormatError(f"{path} unfolds to more than {most:,} bytes, {USUAL_RATIO} times its size: unpack it first")


class _FewZeros:
    """A file in which gzip finds no more than `PADDING` zeros behind a stream: it reads them one by one, for hours."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.zeros = file, 0

    def read(self, size: int) -> bytes:
        """As the file reads; an OSError where one zero follows another for too long."""
        given = self.file.read(size)
        self.zeros = self.zeros + 1 if given == b"\0" else 0
        if self.zeros > PADDING:
            raise OSError(f"more than {PADDING:,} zeros follow its gzip stream")
        return given

    def seek(self, offset: int, whence: int = 0) -> int:
        """As the file does."""
        return self.file.seek(offset, whence)


@contextmanager
def open_binary(path: Path, *, unzip: bool = False) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked where it is a gzip file and `unzip` is asked for; every read error names the file."""
    import zlib

    try:
        with open(path, "rb") as raw:
            if not unzip or raw.peek(2)[:2] != GZIP_MAGIC:
                yield raw
                return
            import gzip

            with gzip.GzipFile(fileobj=cast(Any, _FewZeros(raw))) as unpacked:
                yield cast(BinaryIO, unpacked)
    except FileNotFoundError:
        raise MissingFileError(f"there is no file {path}") from None
    except EOFError:
        raise FileFormatError(f"{path} is cut off: its gzip stream ends before its end; copy or download it again") from None
    except zlib.error as error:
        raise FileFormatError(f"{path} is damaged: its gzip stream cannot be unpacked ({error})") from None
    except OSError as error:  # gzip.BadGzipFile is one too: a wrong checksum, or something else behind the magic number
        reason = error.strerror or str(error)
        raise FileFormatError(f"{path} cannot be read: {reason}") from None


def read_bounded(file: BinaryIO, most: int) -> bytearray:
    """What is left of `file`, but no more than `most` + 1 bytes: enough to see that there is too much."""
    held = bytearray()
    while len(held) <= most:
        chunk = file.read(min(CHUNK, most + 1 - len(held)))
        if not chunk:
            break
        held += chunk
    return held


def read_all(path: Path, most: int = MAX_BYTES) -> bytearray:
    """The whole file, unpacked where it is a gzip file; FileFormatError where it is more than `most` bytes."""
    if is_gzip(path):
        most = min(most, most_unfolded(path.stat().st_size, ratio=20))  # of what is read whole, and is no text
    with open_binary(path, unzip=True) as file:
        held = read_bounded(file, most)
    if len(held) > most:
        raise FileFormatError(f"{path} holds more than {most:,} bytes, more than belongs in such a file")
    return held
