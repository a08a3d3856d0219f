"""Data by a name or a path: the table of what is built in, the table of readers, and `load`, which finds the right one."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import CellError, DataError, FileFormatError, MissingFileError, nearest_name
from .arrow_files import holds_arrow
from .cifar import holds_cifar, load_cifar10, read_cifar
from .csv import read_csv
from .dataset import Dataset, Task
from .handwritten import digits
from .idx import looks_like_idx, read_idx
from .images import class_folders_in, read_image_folder
from .mnist import holds_idx, load_mnist, read_idx_folder, read_idx_pair
from .npz import read_npz
from .reading import GZIP_MAGIC, as_path, existing_file, open_binary
from .synthetic import article_rows, blobs, circles, moons, sine, spirals, vertical_stripes, xor
from .table_data import AnyData, TableData, as_numbers, load_table, why_no_numbers

BUILT_IN: Mapping[str, Callable[..., Dataset]] = MappingProxyType(
    {
        "article_rows": article_rows,
        "blobs": blobs,
        "cifar10": load_cifar10,
        "circles": circles,
        "digits": digits,
        "mnist": load_mnist,
        "moons": moons,
        "sine": sine,
        "spirals": spirals,
        "vertical_stripes": vertical_stripes,
        "xor": xor,
    }
)
"""The sets that `load` knows by name."""

READERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "cifar": read_cifar,
        "csv": read_csv,
        "idx": read_idx,
        "images": read_image_folder,
        "npz": read_npz,
    }
)
"""What reads files of others. Whatever is in a file, they return arrays or raise a ScratchworkError."""


def load(
    name_or_path: str | os.PathLike[str],
    *,
    target: str | int | bool | None = None,
    features: Sequence[str] | None = None,
    task: Task = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    download: bool = True,
    seed: int = 0,
) -> Dataset:
    """A built-in set by its name, or the data at a path, read by what is there.

    =============================  ==============================================================================
    a folder with IDX files        MNIST, Fashion-MNIST and what is published like them (`read_idx_folder`)
    a folder with CIFAR batches    CIFAR-10, Python or binary (`read_cifar`)
    a folder of folders            images, one folder per class (`read_image_folder`)
    a .npz file                    arrays x and y (`read_npz`)
    an IDX file of images          with its labels beside it (`read_idx_pair`)
    a CIFAR batch                  data_batch_1 or data_batch_1.bin (`read_cifar`)
    a Parquet or Arrow file        a table of numbers (`load_table`)
    any other file                 a table of numbers as text (`read_csv`, to which `target` and `features` go)
    =============================  ==============================================================================

    Parameters
    ----------
    name_or_path : str or path
        A name of `BUILT_IN`, or a path; write ./digits for a folder that is called like a built-in set.
    target, features
        Columns of a CSV file: see `read_csv`.
    task : "auto", "classification" or "regression"
        What numeric targets of CSV and npz files are.
    data_dir, download
        Where MNIST and CIFAR-10 are looked for first, and whether MNIST may be downloaded: see `load_mnist`.
    seed : int
        For the built-in sets that are drawn at random.

    Raises
    ------
    MissingFileError
        When the name is neither built in nor a path; the nearest name is proposed.
    ScratchworkError
        As the readers do; for a table that is not complete numbers a DataError: `load_data` takes it.

    >>> load("moons", seed=1)
    Dataset 'moons': 200 rows × 2 features (float32), 2 classes
    """
    name = _built_in_name(name_or_path)
    if name == "mnist":
        return load_mnist(data_dir, download)
    if name == "cifar10":
        return load_cifar10(data_dir)
    if name is not None:
        return BUILT_IN[name]() if name == "digits" else BUILT_IN[name](seed=seed)
    path = as_path(name_or_path)
    try:
        is_folder, is_there = path.is_dir(), path.exists()
    except (OSError, ValueError):
        is_folder = is_there = False
    if is_folder:
        return _load_folder(path)
    if not is_there:
        raise _nothing_there(name_or_path, path)
    return _load_file(existing_file(path), target, features, task)


def load_data(
    name_or_path: str | os.PathLike[str],
    *,
    target: str | int | bool | None = None,
    features: Sequence[str] | None = None,
    task: Task = "auto",
    kinds: Mapping[str, str] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    download: bool = True,
    seed: int = 0,
) -> AnyData:
    """What `load` gives, and a `TableData` for a table with text, booleans, dates or missing values.

    `kinds` says what columns of a table are, where they do not look like it: `{"zip": "category"}` for codes that are
    numbers.
    """
    if _table_file(name_or_path, kinds):
        return as_numbers(load_table(name_or_path, target, features=features, task=task, kinds=kinds))
    try:
        return load(name_or_path, target=target, features=features, task=task, data_dir=data_dir, download=download, seed=seed)
    except CellError:  # not a table of numbers: here is the place where that is decided
        return as_numbers(load_table(name_or_path, target, features=features, task=task, kinds=kinds))


def _table_file(name: str | os.PathLike[str], kinds: Mapping[str, str] | None) -> bool:
    """Whether this is a file that only `load_table` reads, or some kinds of its columns are given."""
    path = as_path(name)
    try:
        return _built_in_name(name) is None and path.is_file() and (bool(kinds) or holds_arrow(path))
    except (OSError, ValueError):
        return False


def _built_in_name(name: str | os.PathLike[str]) -> str | None:
    plain = name.lower().replace("-", "_").replace(" ", "_") if isinstance(name, str) else None
    return plain if plain in BUILT_IN else None


def _nothing_there(name: str | os.PathLike[str], path: Path) -> Exception:
    """A bare word was probably meant as a name, anything with a slash or an ending as a path."""
    text = os.fspath(name)
    if path.suffix or os.sep in text or "/" in text:
        return MissingFileError(f"there is no file or folder {text}")
    return MissingFileError(f"{text!r} is neither a built-in set nor a path that exists: {nearest_name(text, BUILT_IN)}")


def _load_folder(folder: Path) -> Dataset:
    if holds_idx(folder):
        return read_idx_folder(folder)
    if holds_cifar(folder):
        return read_cifar(folder)
    if class_folders_in(folder):
        return read_image_folder(folder)
    raise FileFormatError(
        f"{folder} holds nothing that is known: no MNIST files (train-images-idx3-ubyte …), no CIFAR-10 batches "
        "(data_batch_1 …), and no folders with images; give the path of a file for CSV and npz"
    )


def _load_file(path: Path, target: str | int | bool | None, features: Sequence[str] | None, task: Task) -> Dataset:
    with open_binary(path) as file:
        start = file.read(4)
    if holds_arrow(path):
        found = as_numbers(load_table(path, target, features=features, task=task))
        if isinstance(found, TableData):
            why = why_no_numbers(found.x) or f"column {found.counting[0]!r} only numbers the rows"
            raise DataError(f"{path}: {why}, and this is for tables of numbers: load_data takes others")
        return found
    if start[:2] == GZIP_MAGIC:
        with open_binary(path, unzip=True) as file:
            start = file.read(4)
    if start == b"PK\3\4" or path.suffix == ".npz":
        return read_npz(path, task)
    if looks_like_idx(start) or "-ubyte" in path.name:
        return read_idx_pair(path)
    if path.name.startswith(("data_batch", "test_batch")):
        return read_cifar(path)
    return read_csv(path, target, features=features, task=task)
