"""MNIST: 60,000 + 10,000 handwritten digits, from a folder, the user's cache, or the first mirror that answers."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..arrays import Array
from ..errors import FileFormatError, MissingFileError
from .dataset import Dataset, as_features, encode_target, flat_images
from .download import Progress, cache_folder, content_sha256, data_places, fetch
from .idx import read_idx
from .reading import as_path, existing_file, existing_folder

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
"""Where the four files are fetched from, in this order."""

SOURCE = "MNIST, Y. LeCun, C. Cortes, C. J. C. Burges (1998), The MNIST database of handwritten digits"


class MnistFile(NamedTuple):
    """One of the four files: its name without .gz, and its unpacked content."""

    name: str
    sha256: str
    size: int


FILES = {
    "x": MnistFile("train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", 47040016),
    "y": MnistFile("train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", 60008),
    "x_test": MnistFile("t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", 7840016),
    "y_test": MnistFile("t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", 10008),
}


def load_mnist(
    data_dir: str | os.PathLike[str] | None = None, download: bool = True, progress: bool | Progress = True
) -> Dataset:
    """The MNIST digits: 60,000 images in x and y, 10,000 in x_test and y_test, 28×28 pixels with values 0 to 255.

    Each of the four files, packed with gzip or not, is taken from the first of these folders that has it: `data_dir`, the
    folder that the environment variable SCRATCHWORK_DATA names, and the user's cache folder; in each also from a folder
    `mnist` inside. Where none has it, it is downloaded into `data_dir`, or else into the cache folder.

    Every file is known by the SHA-256 of its content. One that is there and is something else is an error, and is neither
    used nor replaced; your own images in the same format are read by `scratchwork.data.load(folder)`.

    Raises
    ------
    FileFormatError
        When a file that was found is damaged, or is not the MNIST file of that name.
    MissingFileError
        When a file is nowhere and `download` is False.
    DownloadError, MissingDependencyError
        When no mirror has the right file; when pooch is not installed.
    """
    places = data_places(data_dir, "mnist")
    keep_in = as_path(data_dir) if data_dir is not None else cache_folder() / "mnist"
    found: dict[str, Path | None] = {key: _find(file.name, places) for key, file in FILES.items()}
    missing = [FILES[key].name for key, path in found.items() if path is None]
    if missing and not download:
        looked = ", ".join(str(place) for place in places)
        raise MissingFileError(
            f"MNIST is not here: no {' and no '.join(missing)} (.gz or not) in {looked}, and no download was wanted"
        )
    arrays = {}
    for key, file in FILES.items():
        path = found[key]
        if path is None:
            path = fetch(f"{file.name}.gz", MIRRORS, keep_in, sha256=file.sha256, size=file.size, progress=progress)
        elif content_sha256(path, file.size) != file.sha256:
            raise _wrong_content(path, file)
        arrays[key] = read_idx(path)
    return _dataset(arrays, "mnist", SOURCE)


def read_idx_folder(folder: str | os.PathLike[str]) -> Dataset:
    """Images and labels in the four IDX files that MNIST is published in, whatever is in them and however many there are.

    The files are called as those of MNIST (`train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-…`), with .gz or not;
    the two of the test part may be missing. Fashion-MNIST, KMNIST and sets of your own come like this.
    """
    folder = existing_folder(folder)
    found = {key: _find(file.name, [folder, folder / "mnist"]) for key, file in FILES.items()}
    for key in ("x", "y"):
        if found[key] is None:
            raise MissingFileError(f"{folder} has no {FILES[key].name} (.gz or not)")
    for one, other in (("x_test", "y_test"), ("y_test", "x_test")):
        if found[one] is None and found[other] is not None:
            raise MissingFileError(f"{folder} has {found[other]} and no {FILES[one].name}")
    return _dataset({key: read_idx(path) for key, path in found.items() if path is not None}, folder.name, str(folder))


def read_idx_pair(images: str | os.PathLike[str]) -> Dataset:
    """The images in an IDX file, and their labels from the file beside it called …labels-idx1… for …images-idx3…."""
    path = existing_file(images)
    name = path.name.replace("labels", "images").replace("idx1", "idx3")
    partner = name.replace("images", "labels").replace("idx3", "idx1")
    if name == partner:
        raise MissingFileError(f"{path} holds numbers without labels: name the pair …images-idx3… and …labels-idx1…")
    return _dataset(
        {"x": read_idx(path.with_name(name)), "y": read_idx(path.with_name(partner))}, name.split("-")[0], str(path.parent)
    )


def holds_idx(folder: Path) -> bool:
    """Whether the folder holds images in a file that is called as that of MNIST."""
    return _find(FILES["x"].name, [folder, folder / "mnist"]) is not None


def _find(name: str, places: list[Path]) -> Path | None:
    """The first file of this name, also with .gz, also with a point before `idx` as some unpackers write it."""
    names = [f"{name}.gz", name, f"{name.replace('-idx', '.idx')}.gz", name.replace("-idx", ".idx")]
    return next((place / one for place in places for one in names if (place / one).is_file()), None)


def _wrong_content(path: Path, file: MnistFile) -> FileFormatError:
    """The error for a file that is there and is another one: first what is wrong with its format, if anything is."""
    try:
        shape = read_idx(path).shape
    except FileFormatError as error:
        return error
    what = f"it holds {'×'.join(map(str, shape))} numbers" if len(shape) else "it is empty"
    return FileFormatError(
        f"{path} is not the file of MNIST that it is called ({what}, and its checksum is another): delete it to have it "
        "downloaded; images of your own in this format are loaded by the path of their folder"
    )


def _dataset(arrays: dict[str, Array], name: str, source: str) -> Dataset:
    x, shape = flat_images(as_features(arrays["x"]))
    x_test = None
    targets = [arrays["y"]]
    if "x_test" in arrays:
        x_test, test_shape = flat_images(as_features(arrays["x_test"]))
        if test_shape != shape:
            raise FileFormatError(f"{source}: training images have the shape {shape} and test images {test_shape}")
        targets.append(arrays["y_test"])
    for images, labels, part in zip((x, x_test), targets, ("training", "test"), strict=False):
        if images is not None and (labels.ndim != 1 or len(labels) != len(images)):
            raise FileFormatError(
                f"{source}: {len(images):,} {part} images and labels of shape {labels.shape} do not belong together"
            )
        if labels.dtype.kind == "f":
            raise FileFormatError(f"{source}: the {part} labels are fractions ({labels.dtype}) where class numbers belong")
    y, names = encode_target(np.concatenate(targets), task="classification")
    return Dataset(
        x,
        y[: len(x)],
        name,
        target_name="label",
        labels=names,
        image_shape=shape,
        source=source,
        x_test=x_test,
        y_test=None if x_test is None else y[len(x) :],
    )
