"""Folders of pictures: one folder per class, the folder's name being the name of the class."""

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..errors import ConfigurationError, DataError, FileFormatError, MissingDependencyError, MissingFileError
from .dataset import Dataset
from .reading import MAX_BYTES, existing_folder

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""What Pillow may try. Not all it can: its PostScript reader starts another program."""

MOST_PIXELS = 50_000_000
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
        The size that all images are brought to, by averaging; without it all must be of one size.
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
    if resize is not None and (len(resize) != 2 or not all(isinstance(side, int) and 1 <= side <= 10_000 for side in resize)):
        raise ConfigurationError(f"resize is the height and width in pixels, each from 1 to 10,000; received {resize!r}")
    classes = _class_folders(folder)
    files = [(file, k) for k, files in enumerate(classes.values()) for file in files]
    sizes_and_modes = [_load(file, decode=False) for file, _ in files]
    if grayscale is None:
        grayscale = all(mode in GREY_MODES for _, mode, _ in sizes_and_modes)
    height, width = resize or _common_size([size for size, _, _ in sizes_and_modes], [file for file, _ in files])
    shape = (height, width) if grayscale else (height, width, 3)
    columns = int(np.prod(shape))
    if 4 * columns * len(files) > MAX_BYTES:
        raise DataError(f"{folder}: {len(files):,} images of {height}×{width} take more than {MAX_BYTES:,} bytes; resize them")
    x = np.empty((len(files), columns), np.float32)
    for row, (file, _) in zip(x, files, strict=True):
        row[:] = _load(file, decode=True, size=(height, width), mode="L" if grayscale else "RGB")[2]
    y = np.array([k for _, k in files], np.int64)
    return Dataset(x, y, folder.name, target_name="class", labels=tuple(classes), image_shape=shape, source=str(folder))


def class_folders_in(folder: Path) -> bool:
    """Whether a folder in this folder holds an image."""
    return any(file.suffix.lower() in SUFFIXES for inner in folder.iterdir() if inner.is_dir() for file in inner.iterdir())


def _class_folders(folder: Path) -> dict[str, list[Path]]:
    """The images of each class, both in sorted order."""
    classes = {}
    for inner in sorted(folder.iterdir()):
        if inner.is_dir() and not inner.name.startswith("."):
            files = [f for f in sorted(inner.iterdir()) if f.suffix.lower() in SUFFIXES and not f.name.startswith(".")]
            if not files:
                raise DataError(f"{inner} holds no image ({', '.join(SUFFIXES)}): every folder in {folder} is a class")
            classes[inner.name] = files
    if not classes:
        raise MissingFileError(f"{folder} holds no folder with images: one folder per class belongs in it")
    return classes


def _common_size(sizes: list[tuple[int, int]], files: list[Path]) -> tuple[int, int]:
    for size, file in zip(sizes, files, strict=True):
        if size != sizes[0]:
            raise DataError(
                f"{file} has {size[0]}×{size[1]} pixels and {files[0].name} {sizes[0][0]}×{sizes[0][1]}: "
                "give resize=(height, width) to bring all to one size"
            )
    return sizes[0]


def _load(
    file: Path, *, decode: bool, size: tuple[int, int] | None = None, mode: str = "L"
) -> tuple[tuple[int, int], str, Array | None]:
    """((height, width), mode as stored, flat pixels) of an image; the pixels only where they are to be decoded."""
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError:
        raise MissingDependencyError("reading images needs Pillow: pip install 'scratchwork[data]'") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of what is refused below, or of odd metadata
            with Image.open(file, formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise FileFormatError(
                        f"{file} has {image.width:,}×{image.height:,} pixels; at most {MOST_PIXELS:,} are read"
                    )
                if image.mode not in GREY_MODES + COLOUR_MODES:
                    raise FileFormatError(
                        f"{file} has values of more than 8 bits (mode {image.mode}): save it with 8 bits a value"
                    )
                upright = ImageOps.exif_transpose(image) if decode else image
                shape = (upright.height, upright.width)
                if not decode:
                    return _turned(image, shape), image.mode, None
                return shape, image.mode, _pixels(upright, size or shape, mode)
    except FileFormatError:
        raise
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        MemoryError,
    ) as error:
        raise FileFormatError(f"{file} is no image that can be read: {error}") from None
    except (
        Exception
    ) as error:  # a damaged image can make Pillow's readers fail in any way: KeyError, struct.error, zlib.error …
        raise FileFormatError(f"{file} is a damaged image: {type(error).__name__} while reading it") from None


def _turned(image: Any, shape: tuple[int, int]) -> tuple[int, int]:
    """The size once a camera's note on how it was held is obeyed: orientations 5 to 8 lie on their side."""
    return shape[::-1] if image.getexif().get(0x0112, 1) in (5, 6, 7, 8) else shape


def _pixels(image: "Image", size: tuple[int, int], mode: str) -> Array:
    if image.mode != mode:
        image = image.convert(mode)
    if (image.height, image.width) != size:
        from PIL.Image import Resampling

        image = image.resize(
            size[::-1], Resampling.BOX if size[0] <= image.height and size[1] <= image.width else Resampling.BILINEAR
        )
    return np.asarray(image, np.uint8).ravel()
