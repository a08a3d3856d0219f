"""Models for programs without scratchwork: ONNX, one Python file, one C file, JSON; and networks that others trained.

>>> import tempfile
>>> import scratchwork as sw
>>> rows = sw.data.blobs(60, classes=3, seed=0)
>>> model = sw.Model(sw.Sequential([sw.Dense(8), sw.ReLU(), sw.Dense(3)]), preprocessing=[sw.preprocessing.Standardize()])
>>> history = model.fit(rows.x, rows.y, loss="SoftmaxCrossEntropy", optimizer=sw.Adam(0.03), epochs=5)
>>> report = sw.export.to_python(model, tempfile.mkdtemp() + "/blobs.py")
>>> report.verified_by, report.largest_difference < 1e-5
('python -I', True)

Each call writes beside the target, runs what it wrote on rows whose answers `predict` has given, and renames it into
place when they agree to 1e-5; otherwise nothing is written. What cannot be exported is named before anything is.
"""

from .base import TARGETS, to_c, to_json, to_onnx, to_python
from .others import from_sklearn, from_torch, to_torch
from .read_onnx import from_onnx
from .verification import Report

__all__ = [
    "TARGETS",
    "Report",
    "from_onnx",
    "from_sklearn",
    "from_torch",
    "to_c",
    "to_json",
    "to_onnx",
    "to_python",
    "to_torch",
]
