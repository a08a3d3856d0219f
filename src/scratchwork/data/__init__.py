"""Data: the sets that are built in, readers for files of others, splits, batches, and the checks before training.

What training needs (checks, splits, batches) is imported at once; sets and readers when they are first asked for, so that
`import scratchwork` stays quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .batches import batch_slices, epoch_order
from .checks import check_classes, check_pair, check_x, check_y
from .splits import k_fold_indices, split_indices, train_test_split

if TYPE_CHECKING:
    from .cifar import CIFAR10_LABELS, load_cifar10, read_cifar
    from .csv import read_csv
    from .dataset import Dataset, encode_target
    from .download import cache_folder
    from .handwritten import digits
    from .idx import read_idx
    from .images import read_image_folder
    from .mnist import load_mnist, read_idx_folder, read_idx_pair
    from .npz import read_npz
    from .sources import BUILT_IN, READERS, load, load_data
    from .synthetic import article_rows, blobs, circles, moons, sine, spirals, vertical_stripes, xor
    from .table import Table, as_table, is_table
    from .table_data import AnyData, TableData, column_names, load_table, raw_columns
    from .table_files import read_table

__all__ = [
    "BUILT_IN",
    "CIFAR10_LABELS",
    "READERS",
    "AnyData",
    "Dataset",
    "Table",
    "TableData",
    "article_rows",
    "as_table",
    "batch_slices",
    "blobs",
    "cache_folder",
    "check_classes",
    "check_pair",
    "check_x",
    "check_y",
    "circles",
    "column_names",
    "digits",
    "encode_target",
    "epoch_order",
    "is_table",
    "k_fold_indices",
    "load",
    "load_cifar10",
    "load_data",
    "load_mnist",
    "load_table",
    "moons",
    "raw_columns",
    "read_cifar",
    "read_csv",
    "read_idx",
    "read_idx_folder",
    "read_idx_pair",
    "read_image_folder",
    "read_npz",
    "read_table",
    "sine",
    "spirals",
    "split_indices",
    "train_test_split",
    "vertical_stripes",
    "xor",
]

_LATER = {
    "cifar": ("CIFAR10_LABELS", "load_cifar10", "read_cifar"),
    "csv": ("read_csv",),
    "dataset": ("Dataset", "encode_target"),
    "download": ("cache_folder",),
    "handwritten": ("digits",),
    "idx": ("read_idx",),
    "images": ("read_image_folder",),
    "mnist": ("load_mnist", "read_idx_folder", "read_idx_pair"),
    "npz": ("read_npz",),
    "sources": ("BUILT_IN", "READERS", "load", "load_data"),
    "synthetic": ("article_rows", "blobs", "circles", "moons", "sine", "spirals", "vertical_stripes", "xor"),
    "table_data": ("AnyData", "TableData", "column_names", "load_table", "raw_columns"),
    "table_files": ("read_table",),
    "table": ("Table", "as_table", "is_table"),
}
_HOME = {name: module for module, names in _LATER.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
