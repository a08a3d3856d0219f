"""NumPy archives: x and y (and x_test, y_test) in one .npz file."""

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Array
from ..errors import DataError, FileFormatError, ScratchworkError
from .dataset import Dataset, Task, as_features, encode_target, flat_images
from .reading import CHUNK, DEFLATE_RATIO, MAX_BYTES, existing_file, most_unfolded, open_binary

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

X_NAMES = ("x", "x_train", "data", "images", "features", "train_images")
Y_NAMES = ("y", "y_train", "target", "targets", "label", "labels", "train_labels")
STORED, DEFLATED = 0, 8
"""The two ways in which NumPy packs an archive, by their numbers in a zip file."""
X_TEST_NAMES = ("x_test", "test_images")
Y_TEST_NAMES = ("y_test", "test_labels")


def read_npz(path: str | os.PathLike[str], task: Task = "auto") -> Dataset:
    """The data in a NumPy archive: arrays called x and y, also x_test and y_test; or else the only two arrays in it.

    x holds rows (N, D) or images (N, H, W) or (N, H, W, C); y class numbers, class names, one-hot rows, or numbers to be
    predicted. Case does not matter, and x_train, data, images, labels, target do too. Without y the rows are read alone.

    Object arrays are pickles, and are refused. What an array declares to hold is compared with what the archive holds
    before it is allocated.

    Raises
    ------
    MissingFileError, FileFormatError
        When the file is not there, is no archive, is damaged, or holds objects.
    DataError
        When x and y cannot be told apart, or do not belong together.
    """
    path = existing_file(path)
    arrays = _read_arrays(path)
    x_name, y_name = _pair(arrays, path)
    x, shape = flat_images(as_features(arrays[x_name], x_name), x_name)
    if y_name is None:
        return Dataset(x, None, path.name.split(".")[0], image_shape=shape, source=str(path))
    x_test, targets = None, [_targets(arrays, y_name, len(x), path)]
    x_test_name, y_test_name = _first(arrays, X_TEST_NAMES), _first(arrays, Y_TEST_NAMES)
    if x_test_name is not None and y_test_name is not None:
        x_test, _ = flat_images(as_features(arrays[x_test_name], x_test_name), x_test_name)
        targets.append(_targets(arrays, y_test_name, len(x_test), path))
        same_kind = (targets[0].dtype.kind in "US") == (targets[1].dtype.kind in "US")
        if x_test.shape[1] != x.shape[1] or targets[0].shape[1:] != targets[1].shape[1:] or not same_kind:
            raise DataError(f"{path}: {x_test_name} and {y_test_name} are not of the kind of {x_name} and {y_name}")
    elif x_test_name or y_test_name:
        raise DataError(f"{path} holds {x_test_name or y_test_name} alone: a test part has both rows and targets")
    # Encoded together, so that a class has the same number in both parts.
    y, labels = encode_target(np.concatenate(targets), y_name, task, named_label="label" in y_name.lower())
    return Dataset(
        x,
        y[: len(x)],
        path.name.split(".")[0],
        target_name=y_name,
        labels=labels,
        image_shape=shape,
        source=str(path),
        x_test=x_test,
        y_test=None if x_test is None else y[len(x) :],
    )


def _first(arrays: dict[str, Array], names: tuple[str, ...]) -> str | None:
    """The array that is called by the first of `names` that any is called by."""
    by_lower = {name.lower(): name for name in arrays}
    return next((by_lower[name] for name in names if name in by_lower), None)


def _targets(arrays: dict[str, Array], name: str, rows: int, path: Path) -> Array:
    values = arrays[name]
    if values.ndim == 0 or len(values) != rows:
        raise DataError(f"{path}: {name} has the shape {values.shape}, and its rows are {rows:,}")
    return values


def _pair(arrays: dict[str, Array], path: Path) -> tuple[str, str | None]:
    """Which arrays are x and y."""
    x, y = _first(arrays, X_NAMES), _first(arrays, Y_NAMES)
    if x is not None and (y is not None or len(arrays) == 1):
        return x, y
    if len(arrays) == 1:
        return next(iter(arrays)), None
    if len(arrays) == 2:
        first, second = arrays
        if x == second or y == first or (x is None and y is None and arrays[second].ndim > arrays[first].ndim):
            first, second = second, first
        return first, second
    raise DataError(f"{path} holds {', '.join(sorted(arrays)[:20]) or 'no arrays'}: call the rows x and their targets y")


def _read_arrays(path: Path) -> dict[str, Array]:
    import zipfile
    import zlib

    arrays: dict[str, Array] = {}
    with open_binary(path) as raw:
        try:
            with zipfile.ZipFile(raw) as archive:
                members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
                most = min(MAX_BYTES, most_unfolded(path.stat().st_size))
                if sum(info.file_size for info in members) > most:
                    raise FileFormatError(f"{path} unfolds to more than {most:,} bytes; at most so many are read from its size")
                for info in members:
                    arrays[info.filename.removesuffix(".npy")] = _read_member(archive, info, path)
        except ScratchworkError:
            raise
        except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise FileFormatError(f"{path} is no NumPy archive (.npz), or is damaged: {error or 'it ends too early'}") from None
        except Exception as error:  # NumPy reads a header as Python text, which goes wrong in many ways where it is damaged
            raise FileFormatError(f"{path} is damaged: {type(error).__name__}: {error}") from None
    return arrays


def _read_member(archive: "ZipFile", info: "ZipInfo", path: Path) -> Array:
    """One array, allocated only when its declared size is what the archive really holds."""
    name = info.filename
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
        raise FileFormatError(f"{path} holds {name!r}, the path of a file elsewhere; an archive of arrays has plain names")
    if info.compress_type not in (STORED, DEFLATED):
        raise FileFormatError(f"{path}: {name} is packed in a way that NumPy does not write")
    if info.file_size > info.compress_size * DEFLATE_RATIO + CHUNK:
        raise FileFormatError(f"{path}: {name} declares {info.file_size:,} bytes, which {info.compress_size:,} cannot hold")
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise FileFormatError(f"{path}: {name} has array format {version}, which holds no plain numbers")
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = header(file)
        if dtype.kind not in "buifSU" or dtype.itemsize == 0:
            raise FileFormatError(f"{path}: {name} holds {dtype} where numbers or text belong; objects are never unpickled")
        if any(size < 0 for size in shape) or math.prod(shape) * dtype.itemsize != info.file_size - file.tell():
            raise FileFormatError(f"{path}: {name} is damaged: it declares the shape {shape}, which its length is not")
        held = bytearray()
        while chunk := file.read(CHUNK):
            held += chunk
    array = np.frombuffer(held, dtype)
    array = array.reshape(shape[::-1]).T if fortran else array.reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)
