"""The documents that the project began with, run again: each recipe has its source's own setting, then the same net
trained well.

    scratchwork run --list
    scratchwork run xor

Every recipe is a file that can be read on its own; `run` gives a `Result`, which prints as a table.
"""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..errors import ConfigurationError, StorageError, look_up
from .article import recipe as run_article
from .base import Result, Row, Setup
from .initializers import recipe as run_initializers
from .linear import recipe as run_linear
from .math_notes import recipe as run_math_notes
from .regularized import recipe as run_regularized
from .sine import recipe as run_sine
from .spirals import recipe as run_spirals
from .walkthrough import recipe as run_walkthrough
from .xor import recipe as run_xor

__all__ = ["RECIPES", "Result", "Row", "run"]

_FILES: dict[str, Callable[[Setup], Result]] = {
    "spirals": run_spirals,
    "sine": run_sine,
    "xor": run_xor,
    "math-notes": run_math_notes,
    "walkthrough": run_walkthrough,
    "article": run_article,
    "linear": run_linear,
    "regularized": run_regularized,
    "initializers": run_initializers,
}

RECIPES: dict[str, str] = {
    "spirals": "the slides' dense net on three spiral arms: Adam with decay, dropout, L2",
    "sine": "the slides' regression: a sine with linear output, squared and absolute error",
    "xor": "the lecture notes' layer-by-layer net, squared error, row by row",
    "math-notes": "784-10-10 with leaky ReLU on MNIST, by gradient descent and by Adam",
    "walkthrough": "784-10-10 with ReLU on MNIST: why 0.696, and what its 7,960 parameters can do",
    "article": "the two-layer sigmoid net on four rows, sum of squares",
    "linear": "softmax, SVM and squared-hinge SVM on MNIST, with their templates drawn",
    "regularized": "two and three layers with batch normalization, dropout and max-norm on MNIST",
    "initializers": "every initializer's activations, layer by layer, and how far it trains",
}
"""What there is, with a line about each."""


def run(
    name: str,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    quick: bool = False,
    seed: int = 0,
) -> Result:
    """Run one recipe and return what it found; `print` shows it as a table of at most 80 columns.

    Parameters
    ----------
    name : str
        One of RECIPES.
    data_dir : folder, optional
        Where MNIST is looked for first (then $SCRATCHWORK_DATA and the user's cache); "walkthrough" also takes the path of
        Kaggle's train.csv, and "linear" adds CIFAR-10 where its batches are found.
    out : folder, optional
        Where pictures are written; made where it is not there. Without it none are drawn.
    quick : bool
        A few rows and epochs of everything, on data that travels in the package: to see that it works.
    seed : int ≥ 0

    Raises
    ------
    UnknownNameError
        With the nearest name, where there is no such recipe.
    DataError, MissingFileError, DownloadError
        Where MNIST is needed and cannot be had.

    >>> result = run("article", quick=True)
    >>> result.name, len(result.rows) > 1
    ('article', True)
    """
    recipe = look_up(name, _FILES, "recipe")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ConfigurationError(f"seed is a whole number of at least 0; received {seed!r}")
    folder = None if out is None else _made(Path(out))
    plain_name = next(known for known, file in _FILES.items() if file is recipe)
    started = time.perf_counter()
    result = recipe(Setup(plain_name, None if data_dir is None else Path(data_dir), folder, quick, seed))
    return replace(result, seconds=time.perf_counter() - started)


def _made(folder: Path) -> Path:
    """The folder for pictures, made before any work so that a bad path costs nothing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"the folder {folder} cannot be made: {error.strerror}") from None
    return folder
