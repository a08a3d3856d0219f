"""The IDX format, in which MNIST is published: a magic number, the size of each axis, and the numbers.

::

    byte 0, 1   zero
    byte 2      type: 08 uint8, 09 int8, 0B int16, 0C int32, 0D float32, 0E float64 (big-endian)
    byte 3      number of axes
    then        one 32-bit size per axis, and the numbers in row order
"""

import math
import os
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..arrays import Array, Shape
from ..errors import FileFormatError
from .reading import CHUNK, DEFLATE_RATIO, MAX_BYTES, existing_file, is_gzip, most_unfolded, open_binary, read_bounded

IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_AXES = 8


def read_idx(path: str | os.PathLike[str]) -> Array:
    """The array in an IDX file, packed with gzip or not (told by its first bytes, not by its name).

    Nothing is allocated before the declared size has been compared with the real one; of a packed file no more is unpacked
    than the header declares, and one byte.

    Raises
    ------
    MissingFileError
        When there is no such file.
    FileFormatError
        When the magic number, the type, the number of axes or the length is wrong, or the gzip stream is damaged.
    """
    path = existing_file(path)
    packed = is_gzip(path)
    on_disk = path.stat().st_size
    with open_binary(path, unzip=True) as file:
        dtype, shape = _read_header(file, path)
        declared = math.prod(shape) * dtype.itemsize
        whole = 4 + 4 * len(shape) + declared
        claim = f"{path} has the wrong length: its header declares {'×'.join(map(str, shape))} numbers of type {dtype.name}"
        if not packed and on_disk != whole:
            raise FileFormatError(f"{claim}, {whole:,} bytes with the header, and the file has {on_disk:,}")
        if packed and declared > on_disk * DEFLATE_RATIO + CHUNK:
            raise FileFormatError(f"{claim}, {whole:,} bytes with the header, which {on_disk:,} packed bytes cannot hold")
        most = most_unfolded(on_disk) if packed else MAX_BYTES
        if declared > most:
            raise FileFormatError(f"{path} declares {declared:,} bytes of numbers; at most {most:,} are read from such a file")
        held = read_bounded(file, declared)
    if len(held) != declared:
        found = "more than that" if len(held) > declared else f"{len(held):,}"
        raise FileFormatError(f"{claim}, {declared:,} bytes after the header, and there are {found}")
    try:
        numbers = np.frombuffer(held, dtype).reshape(shape)
    except ValueError:  # no numbers at all, and other axes so long that NumPy cannot count them
        raise FileFormatError(f"{claim}, which is no array") from None
    return numbers.astype(dtype.newbyteorder("="), copy=False)


def looks_like_idx(start: bytes) -> bool:
    """Whether a file that starts with these bytes is an IDX file."""
    return len(start) >= 4 and start[:2] == b"\0\0" and start[2] in IDX_TYPES and 1 <= start[3] <= MOST_AXES


def _read_header(file: BinaryIO, path: Path) -> tuple[np.dtype[Any], Shape]:
    magic = file.read(4)
    if len(magic) < 4:
        raise FileFormatError(
            f"{path} is cut off: an IDX file starts with 4 bytes of magic number, this one has {len(magic)} in all"
        )
    if not looks_like_idx(magic):
        raise FileFormatError(
            f"{path} is no IDX file: its magic number is 0x{magic.hex().upper()}, and 0000 belongs first, then a type "
            f"(08, 09, 0B, 0C, 0D, 0E), then 01 to {MOST_AXES:02d} axes; images have 0x00000803, labels 0x00000801"
        )
    axes = magic[3]
    sizes = file.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise FileFormatError(f"{path} is cut off in its header: {axes} axes declared, and {len(sizes)} bytes follow")
    return np.dtype(IDX_TYPES[magic[2]]), struct.unpack(f">{axes}I", sizes)
