"""The 8×8 handwritten digits that travel in the package."""

from pathlib import Path

import numpy as np

from .dataset import Dataset

SOURCE = (
    "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak (1998), UCI Machine Learning Repository, "
    "https://doi.org/10.24432/C50P49, licence CC BY 4.0; the copy that scikit-learn distributes (the original test part)"
)


def digits() -> Dataset:
    """1,797 images of handwritten digits, 8×8 pixels with values 0 to 16: the real UCI optical digits, about 180 of each.

    Each pixel counts the inked points of a 4×4 block of a 32×32 bitmap, so 16 is all ink and 0 is paper.

    >>> digits()
    Dataset 'digits': 1,797 rows × 64 features (float32), images 8×8, 10 classes
    """
    with np.load(Path(__file__).parent / "files" / "digits.npz", allow_pickle=False) as arrays:
        images, classes = arrays["images"], arrays["labels"]
    return Dataset(
        x=images.reshape(len(images), 64).astype(np.float32),
        y=classes.astype(np.int64),
        name="digits",
        target_name="digit",
        labels=tuple("0123456789"),
        image_shape=(8, 8),
        source=SOURCE,
    )
