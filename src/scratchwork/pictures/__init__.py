"""Looking: what a network learned, where it errs, and how training went; as matplotlib figures, or as text for a terminal.

Every function here takes arrays and callables and returns a `matplotlib.figure.Figure`, drawn without a display and
without pyplot (so nothing has to be closed, and threads are no trouble); `save_picture` writes it as PNG. The two
`text_` functions need no matplotlib.
"""

from .base import save_picture
from .boundary import decision_boundary, fit_curve
from .confusion import confusion_picture
from .curves import activation_statistics, learning_curves
from .images import digit_picture, weight_images, worst_mistakes
from .text import text_confusion, text_image

__all__ = [
    "activation_statistics",
    "confusion_picture",
    "decision_boundary",
    "digit_picture",
    "fit_curve",
    "learning_curves",
    "save_picture",
    "text_confusion",
    "text_image",
    "weight_images",
    "worst_mistakes",
]
