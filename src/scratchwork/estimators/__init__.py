"""The scikit-learn face: estimators that take arrays, sparse matrices and frames (needs scikit-learn)."""

from .classifier import Classifier
from .regressor import Regressor
from .tabular import TabularClassifier, TabularRegressor

__all__ = ["Classifier", "Regressor", "TabularClassifier", "TabularRegressor"]
