"""The digits that travel in the package are the real ones."""

import hashlib
from pathlib import Path

import numpy as np

import scratchwork.data
from scratchwork.data import digits

CHECKSUM = "68aea062d35a127749050fa0e52dca09d6569ac08092c925610e0954e172dde2"  # of the rows of scikit-learn's copy, as bytes


def test_they_are_the_uci_digits():
    data = digits()
    assert data.x.shape == (1797, 64)
    assert data.x.dtype == np.float32
    assert data.y.dtype == np.int64
    assert (data.x.min(), data.x.max()) == (0, 16)
    assert np.bincount(data.y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert data.labels == tuple("0123456789")
    assert data.image_shape == (8, 8)
    rows = np.column_stack([data.x, data.y]).astype(np.uint8)
    assert hashlib.sha256(rows.tobytes()).hexdigest() == CHECKSUM


def test_the_attribution_travels_with_them():
    folder = Path(scratchwork.data.__file__).parent / "files"
    assert (folder / "digits.npz").stat().st_size < 100_000
    text = (folder / "ATTRIBUTION.md").read_text(encoding="utf-8")
    for word in ("Alpaydin", "Kaynak", "CC BY 4.0", "10.24432/C50P49"):
        assert word in text
        assert word in digits().source


def test_each_call_gives_arrays_of_its_own():
    digits().x[:] = 0
    assert digits().x.max() == 16
