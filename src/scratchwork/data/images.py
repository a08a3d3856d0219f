"""Folders of pictures: one folder per class, the folder's name being the name of the class."""

import logging
import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Array
from ..errors import ConfigurationError, DataError, FileFormatError, MissingDependencyError, MissingFileError
from .dataset import Dataset
from .reading import MAX_BYTES, entries, existing_folder

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""What Pillow may try. Not all it can: its PostScript reader starts another program."""

MOST_PIXELS = 50_000_000
SMALL_IMAGE, PIXELS_PER_BYTE = 1 << 22, 10_000
"""A file may always declare so many pixels, and more as long as it has a byte for every so many: PNG packs 8,256 into one."""
GREY_MODES = ("1", "L", "LA")
COLOUR_MODES = ("P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB")


def read_image_folder(
    path: str | os.PathLike[str], *, resize: tuple[int, int] | None = None, grayscale: bool | None = None
) -> Dataset:
    """The images in the folders of a folder: `cats/1.png`, `dogs/2.png` are two classes, cats and dogs.

    Parameters
    ----------
    path : path
        The folder; every folder in it is a class, in sorted order. Files beside them and hidden files are not looked at.
    resize : (H, W), optional
        The size that all images are brought to, bilinearly and averaging where it shrinks; without it all must be of one size.
    grayscale : bool, optional
        True takes the brightness of coloured images, False gives grey ones three equal colours; by default images are grey
        where all of them are, otherwise coloured. Transparency is left out.

    Rows hold values 0 to 255, row by row, the colours of a pixel side by side.

    Raises
    ------
    MissingDependencyError
        When Pillow is not installed.
    MissingFileError, DataError
        When the folder is not there, or has no class folders with images; when images differ in size.
    FileFormatError
        When an image is broken (it is named), unfolds to more than 50 million pixels, or has more than 8 bits a value.
    """
    folder = existing_folder(path)
    pair = resize if isinstance(resize, tuple | list) else ()
    if resize is not None and (len(pair) != 2 or not all(isinstance(side, int) and 1 <= side <= 10_000 for side in pair)):
        raise ConfigurationError(f"resize is the height and width in pixels, each from 1 to 10,000; received {resize!r}")
    classes = _class_folders(folder)
    files = [(file, k) for k, found in enumerate(classes.values()) for file in found]
    sizes_and_modes = [_size_and_mode(file) for file, _ in files]
    if grayscale is None:
        grayscale = all(mode in GREY_MODES for _, mode in sizes_and_modes)
    height, width = resize or _common_size([size for size, _ in sizes_and_modes], [file for file, _ in files])
    shape = (height, width) if grayscale else (height, width, 3)
    columns = math.prod(shape)
    if 4 * columns * len(files) > MAX_BYTES:
        raise DataError(f"{folder}: {len(files):,} images of {height}×{width} take more than {MAX_BYTES:,} bytes; resize them")
    x = np.empty((len(files), columns), np.float32)
    for row, (file, _) in zip(x, files, strict=True):
        row[:] = _pixels(file, height, width, "L" if grayscale else "RGB")
    y = np.array([k for _, k in files], np.int64)
    return Dataset(x, y, folder.name, target_name="class", labels=tuple(classes), image_shape=shape, source=str(folder))


def class_folders_in(folder: Path) -> bool:
    """Whether a folder in this folder holds an image."""
    return any(_images_in(inner) for inner in entries(folder) if inner.is_dir())


def _images_in(folder: Path) -> list[Path]:
    return [file for file in entries(folder) if file.suffix.lower() in SUFFIXES]


def _class_folders(folder: Path) -> dict[str, list[Path]]:
    """The images of each class, both in sorted order."""
    classes = {inner.name: _images_in(inner) for inner in entries(folder) if inner.is_dir()}
    root = os.path.realpath(folder)
    for place in [folder / name for name in classes] + [file for files in classes.values() for file in files]:
        if place.is_symlink() and os.path.commonpath([root, os.path.realpath(place)]) != root:
            raise FileFormatError(f"{place} is a link that leads out of {folder}: copy what it shows into the folder")
    if not any(classes.values()):
        raise MissingFileError(f"{folder} holds no folder with images: one folder per class belongs in it")
    for name, files in classes.items():
        if not files:
            raise DataError(f"{folder / name} holds no image ({', '.join(SUFFIXES)}), and every folder in {folder} is a class")
    return classes


def _common_size(sizes: list[tuple[int, int]], files: list[Path]) -> tuple[int, int]:
    for size, file in zip(sizes, files, strict=True):
        if size != sizes[0]:
            raise DataError(
                f"{file} has {size[0]}×{size[1]} pixels and {files[0].name} {sizes[0][0]}×{sizes[0][1]}: "
                "give resize=(height, width) to bring all to one size"
            )
    return sizes[0]


@contextmanager
def _opened(file: Path) -> Iterator["Image"]:
    """The image, of which only the header has been read; whatever goes wrong with it names the file."""
    if not file.is_file():  # a pipe would be waited for, for ever
        raise FileFormatError(f"{file} is no file")
    try:
        from PIL import Image
    except ImportError:
        raise MissingDependencyError("reading images needs Pillow: pip install 'scratchwork[data]'") from None
    log = logging.getLogger("PIL")
    if not log.handlers:  # else what it says of a damaged file lands on stderr
        log.addHandler(logging.NullHandler())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of sizes that are refused below, and of odd metadata
            with Image.open(file, formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise FileFormatError(
                        f"{file} has {image.width:,}×{image.height:,} pixels; at most {MOST_PIXELS:,} are read"
                    )
                size = file.stat().st_size
                if image.width * image.height > max(SMALL_IMAGE, PIXELS_PER_BYTE * size):
                    raise FileFormatError(
                        f"{file} declares {image.width:,}×{image.height:,} pixels, which {size:,} bytes cannot hold"
                    )
                if image.mode not in GREY_MODES + COLOUR_MODES:
                    raise FileFormatError(f"{file} has more than 8 bits a value (mode {image.mode}): save it with 8 bits")
                yield image
    except FileFormatError:
        raise
    except Exception as error:  # what is damaged makes Pillow's readers fail in any way: KeyError, struct.error, zlib.error …
        raise FileFormatError(f"{file} is a broken image, or none ({type(error).__name__}: {error})") from None


def _size_and_mode(file: Path) -> tuple[tuple[int, int], str]:
    """((height, width), how its values are stored), from the header alone."""
    with _opened(file) as image:
        # A camera notes how it was held: orientations 5 to 8 lie on their side.
        on_its_side = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        size = (image.width, image.height) if on_its_side else (image.height, image.width)
        return size, image.mode


def _pixels(file: Path, height: int, width: int, mode: str) -> Array:
    """The values of an image, flat, upright, and of this size."""
    with _opened(file) as image:
        from PIL import ImageOps
        from PIL.Image import Resampling

        upright = ImageOps.exif_transpose(image).convert(mode)
        if upright.size != (width, height):
            upright = upright.resize((width, height), Resampling.BILINEAR)  # which averages where it makes smaller
        return np.asarray(upright, np.uint8).ravel()
