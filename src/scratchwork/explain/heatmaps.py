"""Arrays as pictures for a page: a PNG of a few lines of our own, so that no other library is needed for it."""

import base64
import struct
import zlib

import numpy as np

from ..arrays import Array, Shape
from .document import laid_out

POSITIVE, NEGATIVE = (196, 84, 32), (38, 104, 180)
"""Vermilion and blue: told apart by those who do not tell red from green, and seen on white paper and on a dark screen."""

MOST_PIXELS = 192
"""On a side: what is larger is drawn as means over blocks, which no eye would tell apart anyway."""


def png(pixels: Array, palette: Array | None = None) -> bytes:
    """(H, W), (H, W, 3) or (H, W, 4) bytes as a PNG file: grey, colours, or colours with an opacity.

    With a `palette`, (n, 4) bytes of colour and opacity, (H, W) bytes are places in it: a quarter of the size.

    Examples
    --------
    >>> png(np.zeros((2, 3), np.uint8))[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    height, width = pixels.shape[:2]
    kind = 3 if palette is not None else {1: 0, 3: 2, 4: 6}[1 if pixels.ndim == 2 else pixels.shape[2]]
    rows = np.ascontiguousarray(pixels, np.uint8).reshape(height, -1)
    filtered = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)  # each line begins with its filter: none
    parts = [(b"IHDR", struct.pack(">2I5B", width, height, 8, kind, 0, 0, 0))]
    if palette is not None:
        parts += [(b"PLTE", palette[:, :3].tobytes()), (b"tRNS", palette[:, 3].tobytes())]
    parts += [(b"IDAT", zlib.compress(filtered.tobytes(), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )


def data_uri(pixels: Array, palette: Array | None = None) -> str:
    """The PNG as an address that holds the picture itself."""
    return "data:image/png;base64," + base64.b64encode(png(pixels, palette)).decode("ascii")


def block_means(values: Array, rows: int = MOST_PIXELS, columns: int = MOST_PIXELS) -> Array:
    """A matrix of at most so many rows and columns; each number the mean of its block where the matrix is larger.

    Examples
    --------
    >>> block_means(np.arange(8.0).reshape(2, 4), columns=2)
    array([[0.5, 2.5],
           [4.5, 6.5]])
    """
    values = np.asarray(values, np.float64)
    for axis, most in ((0, rows), (1, columns)):
        length = values.shape[axis]
        if length > most:
            starts = np.linspace(0, length, most, endpoint=False).astype(np.int64)
            sizes = np.diff([*starts, length])
            sums = np.add.reduceat(values, starts, axis=axis)
            values = sums / (sizes[:, None] if axis == 0 else sizes)
    return values


def extent_of(values: Array) -> float:
    """The largest finite absolute value, 1 where all are 0: what is drawn in full colour."""
    if not values.size:
        return 1.0
    extent = max(float(values.max()), -float(values.min()))
    if not np.isfinite(extent):
        finite = values[np.isfinite(values)]
        extent = float(np.abs(finite).max()) if finite.size else 0.0
    return extent or 1.0


LEVELS = 40
"""Shades of each sign: more than an eye tells apart."""


def _palette() -> Array:
    """Blue from full to clear, vermilion from clear to full, and black for what is no number."""
    share = np.abs(np.arange(-LEVELS, LEVELS + 1)) / LEVELS
    colours = np.empty((2 * LEVELS + 2, 4), np.uint8)
    colours[:LEVELS, :3], colours[LEVELS:, :3] = NEGATIVE, POSITIVE
    colours[:-1, 3] = np.round(255 * share**0.7)  # small numbers are seen too
    colours[-1] = (0, 0, 0, 255)
    return colours


PALETTE = _palette()


def signed_levels(values: Array, extent: float | None = None) -> Array:
    """A matrix as places in `PALETTE`: vermilion above 0, blue below, the stronger the larger; 0 is clear, NaN black.

    The paper shines through, so that the same picture serves a light page and a dark one.
    """
    values = np.asarray(values, np.float64)
    extent = extent_of(values) if extent is None else extent
    share = np.clip(values / extent, -1.0, 1.0)
    return np.where(np.isnan(values), 2 * LEVELS + 1, np.round(LEVELS * np.nan_to_num(share)) + LEVELS).astype(np.uint8)


def brightness(image: Array) -> Array:
    """An image (H, W) or (H, W, 3) as grey or coloured bytes, the smallest number black and the largest white."""
    values = np.asarray(image, np.float64)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    scaled = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) / ((high - low) or 1.0)
    return np.round(255 * scaled).astype(np.uint8)


def heat_map(array: Array, extent: float | None = None) -> str:
    """Any array as the address of a picture with a pixel per number, of large ones per block of numbers."""
    return signed_picture(block_means(laid_out(array)), extent)


def signed_picture(values: Array, extent: float | None = None) -> str:
    """The address of a picture of a matrix, with a pixel per number."""
    return data_uri(signed_levels(values, extent), PALETTE)


def drawn_size(shape: Shape, *, widest: int = 480, tallest: int = 220, most: int = 22) -> tuple[int, int]:
    """Width and height on the page for a matrix: squares where they fit, else as far as there is room, never a hair.

    Examples
    --------
    >>> drawn_size((10, 10)), drawn_size((784, 10)), drawn_size((1, 784))
    ((220, 220), (60, 220), (480, 22))
    """
    rows, columns = max(shape[0], 1), max(shape[1], 1)
    side = min(most, widest / columns, tallest / rows)
    width, height = round(side * columns), round(side * rows)
    return max(width, min(60, most * columns), 24), max(height, min(60, most * rows, 24), 16)
