"""What is done to rows before a network sees them: learned from the training part, undone by an inverse, saved with the model.

=====================  ================================================================
`MeanSubtraction`      subtracts the mean of every feature (the mean image), or one mean
`Standardize`          mean 0 and variance 1 for every feature
`MinMax`               every feature from `low` to `high`
`RobustScale`          median 0 and distance of the quartiles 1 for every feature
`SmoothClip`           far values drawn in to ±limit, those near 0 left alone
`Rescale`              a fixed factor and offset, such as 1/255
`PCA`                  the k directions of largest variance
`Whiten`               uncorrelated features of variance 1, along the axes (PCA) or nearest to the data (ZCA)
`OneHot`               a column of categories as columns of zeros and ones
`TableEncoder`         every column of a table by its kind: numbers, booleans, categories, dates
`Chain`                one after the other
=====================  ================================================================

The common pitfall: a mean, a scale or an axis is a *statistic of the training part*. Fit on the training rows, then
transform training, validation and test rows with what was learned there.
"""

from .base import Transformer
from .categories import OneHot
from .chain import TRANSFORMERS, Chain
from .decorrelation import PCA, Whiten
from .robust import RobustScale, SmoothClip
from .scaling import MeanSubtraction, MinMax, Rescale, Standardize
from .tables import TableEncoder

__all__ = [
    "PCA",
    "TRANSFORMERS",
    "Chain",
    "MeanSubtraction",
    "MinMax",
    "OneHot",
    "Rescale",
    "RobustScale",
    "SmoothClip",
    "Standardize",
    "TableEncoder",
    "Transformer",
    "Whiten",
]
