"""CIFAR-10, as its authors publish it: the binary batches and the Python batches."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import FileFormatError, MissingFileError
from .dataset import Dataset
from .download import data_places
from .pickles import read_pickled_arrays
from .reading import as_path, existing_file, existing_folder, read_all

CIFAR10_LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SOURCE = "CIFAR-10, A. Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images, University of Toronto"
PIXELS = 3 * 32 * 32
RECORD = 1 + PIXELS
MOST = 100_000 * RECORD
"""More bytes than this are no CIFAR-10 batch: the real ones have 10,000 images each."""


def read_cifar(path: str | os.PathLike[str]) -> Dataset:
    """CIFAR-10 from a folder of batches, or one batch file: 32×32 colour images of ten classes.

    A folder holds `data_batch_1` … `data_batch_5` and `test_batch` (Python), or the same with `.bin` (binary), itself or in
    `cifar-10-batches-py` or `cifar-10-batches-bin`; batches that are missing are left out, as long as there is one.

    The files store an image as a red, a green and a blue plane; the rows of x have the colours of a pixel side by side, so
    that `row.reshape(32, 32, 3)` is a picture. x is float32 with values 0 to 255: 614 MB for all 50,000 images.

    The Python batches are pickles. They are not unpickled, see `scratchwork.data.pickles`: a file that asks for anything but
    arrays, text, lists and dicts is refused.

    Raises
    ------
    MissingFileError
        When there is no such file or folder, or no batch in it.
    FileFormatError
        When a batch has the wrong length, labels outside 0 to 9, or is no pickle of plain arrays.
    """
    found = as_path(path)
    if not found.is_dir():
        x, y = _joined([existing_file(found)])
        return _dataset(x, y, None, None)
    folder, ending = _batch_folder(existing_folder(found))
    names = [folder / f"data_batch_{i}{ending}" for i in range(1, 6)]
    train = [name for name in names if name.is_file()]
    test = folder / f"test_batch{ending}"
    if not train:
        raise MissingFileError(f"{folder} holds test_batch{ending} and no data_batch_1{ending} … to train on")
    x, y = _joined(train)
    return _dataset(x, y, *(_joined([test]) if test.is_file() else (None, None)))


def load_cifar10(data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """CIFAR-10 from the first of these folders that has its batches: `data_dir`, $SCRATCHWORK_DATA, the user's cache folder.

    It is looked for in each folder, and in a folder `cifar10` inside. It is not downloaded: the archive at
    https://www.cs.toronto.edu/~kriz/cifar.html is unpacked by hand.
    """
    places = data_places(data_dir, "cifar10")
    found = next((place for place in places if holds_cifar(place)), None)
    if found is None:
        looked = ", ".join(str(place) for place in places)
        raise MissingFileError(
            f"CIFAR-10 is not here: no data_batch_1 or data_batch_1.bin in {looked}; unpack the archive of "
            "https://www.cs.toronto.edu/~kriz/cifar.html there"
        )
    return read_cifar(found)


def holds_cifar(folder: Path) -> bool:
    """Whether there are CIFAR-10 batches in the folder."""
    return _find_batches(folder) is not None


def _batch_folder(folder: Path) -> tuple[Path, str]:
    found = _find_batches(folder)
    if found is None:
        raise MissingFileError(f"{folder} holds no CIFAR-10 batches: neither data_batch_1 … nor data_batch_1.bin …")
    return found


def _find_batches(folder: Path) -> tuple[Path, str] | None:
    """The folder in which the batches lie, and how their names end."""
    for place in (folder, folder / "cifar-10-batches-py", folder / "cifar-10-batches-bin"):
        for ending in ("", ".bin"):
            names = [f"data_batch_{i}{ending}" for i in range(1, 6)] + [f"test_batch{ending}"]
            if any((place / name).is_file() for name in names):
                return place, ending
    return None


def _joined(batches: list[Path]) -> tuple[Array, Array]:
    parts = [_read_batch(batch) for batch in batches]
    x = np.empty((sum(len(pixels) for pixels, _ in parts), PIXELS), np.float32)
    row = 0
    for pixels, _ in parts:
        x[row : row + len(pixels)] = pixels.reshape(-1, 3, 32 * 32).transpose(0, 2, 1).reshape(len(pixels), PIXELS)
        row += len(pixels)
    return x, np.concatenate([labels for _, labels in parts])


def _read_batch(path: Path) -> tuple[Array, Array]:
    """(pixels uint8 (N, 3072) as planes, labels int64 (N,)) of one batch."""
    held = read_all(path, MOST)
    if path.suffix == ".bin":
        if not held or len(held) % RECORD:
            raise FileFormatError(
                f"{path} has the wrong length: a CIFAR-10 batch is a whole number of records of {RECORD:,} bytes, "
                f"and {len(held):,} bytes are {len(held) // RECORD:,} records and {len(held) % RECORD:,} bytes"
            )
        records = np.frombuffer(held, np.uint8).reshape(-1, RECORD)
        pixels, labels = records[:, 1:], records[:, 0].astype(np.int64)
    else:
        pixels, labels = _from_pickle(read_pickled_arrays(bytes(held), path), path)
    if labels.min() < 0 or labels.max() > 9:
        wrong = int(np.argmax((labels < 0) | (labels > 9)))
        raise FileFormatError(f"{path} holds the label {labels[wrong]} at image {wrong:,}; CIFAR-10 has the classes 0 to 9")
    return pixels, labels


def _from_pickle(batch: Any, path: Path) -> tuple[Array, Array]:
    if not isinstance(batch, dict):
        raise FileFormatError(f"{path} is no CIFAR-10 batch: a dict with data and labels belongs in it")
    pixels = batch.get("data", batch.get(b"data"))
    labels = batch.get("labels", batch.get(b"labels"))
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape[1] != PIXELS:
        raise FileFormatError(f"{path} is no CIFAR-10 batch: its data are no uint8 array of shape (N, {PIXELS:,})")
    if isinstance(labels, np.ndarray):
        labels = labels.ravel().tolist()
    if not isinstance(labels, list) or not all(type(label) is int and abs(label) < 2**31 for label in labels):
        raise FileFormatError(f"{path} is no CIFAR-10 batch: its labels are no list of whole numbers")
    if len(labels) != len(pixels) or not labels:
        raise FileFormatError(f"{path} is no CIFAR-10 batch: it holds {len(pixels):,} images and {len(labels):,} labels")
    return pixels, np.array(labels, np.int64)


def _dataset(x: Array, y: Array, x_test: Array | None, y_test: Array | None) -> Dataset:
    return Dataset(
        x,
        y,
        "cifar10",
        target_name="object",
        labels=CIFAR10_LABELS,
        image_shape=(32, 32, 3),
        source=SOURCE,
        x_test=x_test,
        y_test=y_test,
    )
