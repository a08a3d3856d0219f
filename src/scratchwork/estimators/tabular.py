"""RealMLP with scikit-learn's face: tables in, strong results out, no settings to tune."""

import dataclasses
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from ..arrays import Array, numeric_array, require_finite
from ..errors import ConfigurationError, DataError
from ..losses import apply_link
from ..model import Model
from ..realmlp import CLASSIFICATION, REGRESSION, RealMLP
from .calibration import best_temperature
from .heads import encoded_classes, learn_classes
from .tabular_base import TabularEstimator


class TabularClassifier(ClassifierMixin, TabularEstimator):
    """Classes from a table by RealMLP-TD-S: a network whose settings were tuned once, on many tables.

    Columns may be numbers, booleans, categories, text or dates, with missing values; see `TableEncoder` for what becomes of
    them, and `RealMLP` for the network and its training.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int ≥ 1
    learning_rate_init : float > 0
        The peak of each of the four waves of the rate.
    label_smoothing : float, 0 ≤ smoothing < 1
    batch_size : int ≥ 1
        Fewer rows than that are one batch; a smaller last batch is left out.
    max_iter : int ≥ 1
        Epochs; all are trained, and the one that is best on the validation part is kept, the last of equals.
    validation_fraction : float, 0 ≤ fraction < 1
        Held out, stratified, where `fit` gets no validation_data; with 0 the last epoch is kept.
    max_categories : int ≥ 2
        The most columns that one column of categories becomes.
    calibrate : "temperature" or None
        Divide the logits by the temperature at which the log-loss of the validation part is least: label smoothing makes
        probabilities too cautious.
    random_state : int, RandomState or None
    dtype : "auto", "float32" or "float64"
        "auto" trains in float32 and answers in float64.
    engine, threads
        As in `scratchwork.fit`.
    verbose : bool
        Show progress on stderr.

    Attributes
    ----------
    classes_ : the labels in the order of the columns of `predict_proba`
    network_, preprocessing_ : what was trained, and what rows go through before
    history_ : `History` of the training
    best_epoch_, n_iter_, n_features_in_, feature_names_in_
    temperature_ : of the calibration

    References
    ----------
    Holzmüller, Grinsztajn, Steinwart (2024), "Better by default: strong pre-tuned MLPs and boosted trees on tabular data".

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = TabularClassifier(max_iter=32, random_state=0).fit(X[::2], y[::2])
    >>> bool(model.score(X[1::2], y[1::2]) > 0.9), model.predict_proba(X[:1]).shape
    (True, (1, 3))
    """

    _recipe: ClassVar[RealMLP] = CLASSIFICATION
    _numeric_y: ClassVar[bool] = False

    def __init__(
        self,
        hidden_layer_sizes: Any = CLASSIFICATION.hidden,
        *,
        learning_rate_init: float = CLASSIFICATION.learning_rate,
        label_smoothing: float = CLASSIFICATION.smoothing,
        batch_size: int = CLASSIFICATION.batch_size,
        max_iter: int = CLASSIFICATION.epochs,
        validation_fraction: float = CLASSIFICATION.held_out,
        max_categories: int = 100,
        calibrate: Any = None,
        random_state: Any = None,
        dtype: Any = "auto",
        engine: str = "auto",
        threads: Any = None,
        verbose: Any = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.learning_rate_init = learning_rate_init
        self.label_smoothing = label_smoothing
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.validation_fraction = validation_fraction
        self.max_categories = max_categories
        self.calibrate = calibrate
        self.random_state = random_state
        self.dtype = dtype
        self.engine = engine
        self.threads = threads
        self.verbose = verbose

    def fit(self, X: Any, y: Any, validation_data: Any = None) -> Self:
        """Train on rows `X` (array or frame) and labels `y`; epochs are compared on `validation_data`, (X, y), if given."""
        if self.calibrate not in (None, "temperature"):
            raise ConfigurationError(f"calibrate is 'temperature' or None; received {self.calibrate!r}")
        return self._fit(X, y, validation_data)

    def _settings(self) -> RealMLP:
        return dataclasses.replace(super()._settings(), smoothing=self.label_smoothing)

    def _learn_target(self, y: Array) -> Array:
        encoded = learn_classes(self, y, goes_on=False, incremental=False, classes=None)
        if self.multilabel_:
            raise DataError(
                "y holds several labels per row: TabularClassifier tells classes apart, Classifier takes multilabel"
            )
        return encoded

    def _encode(self, y: Any, name: str) -> Array:
        return encoded_classes(y, self.classes_, name, multilabel=False)

    def _train(self, recipe: RealMLP, x: Array, y: Array, x_held: Array | None, held: Array, seed: int) -> None:
        self.__dict__.pop("temperature_", None)
        self._run(recipe, x, y, x_held, held, seed, len(self.classes_))
        if self.calibrate is None:
            return
        if x_held is None:
            raise ConfigurationError("calibrate='temperature' needs a validation part: validation_fraction > 0 and enough rows")
        logits = self.network_.predict(x_held.astype(self.network_.dtype))
        self.temperature_ = best_temperature(logits, held, "softmax")
        self._rescale_outputs(1.0 / self.temperature_, 0.0)

    def predict_proba(self, X: Any) -> Array:
        """Probabilities (N, classes), in the order of `classes_`."""
        return apply_link(self._outputs(X), "softmax")

    def predict(self, X: Any) -> Array:
        """The most probable label of every row."""
        found: Array = self.classes_[self._outputs(X).argmax(axis=1)] if hasattr(self, "network_") else self._outputs(X)
        return found

    def _to_model(self) -> Model:
        """The trained network as a `Model` with preprocessing, labels and names, for `scratchwork.save`."""
        check_is_fitted(self, "network_")
        labels = [str(c) if isinstance(c, str) else c for c in self.classes_.tolist()]
        names = getattr(self, "feature_names_in_", None)
        return Model(
            self.network_,
            preprocessing=self.preprocessing_,
            labels=labels,
            task="multiclass",
            link="softmax",
            feature_names=names,
        )


class TabularRegressor(RegressorMixin, TabularEstimator):
    """Numbers from a table by RealMLP-TD-S: a network whose settings were tuned once, on many tables.

    Columns may be numbers, booleans, categories, text or dates, with missing values; see `TableEncoder` for what becomes of
    them, and `RealMLP` for the network and its training.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int ≥ 1
    learning_rate_init : float > 0
        The peak of each of the four waves of the rate.
    batch_size : int ≥ 1
        Fewer rows than that are one batch; a smaller last batch is left out.
    max_iter : int ≥ 1
        Epochs; all are trained, and the one that is best on the validation part is kept, the last of equals.
    validation_fraction : float, 0 ≤ fraction < 1
        Held out where `fit` gets no validation_data; with 0 the last epoch is kept.
    max_categories : int ≥ 2
        The most columns that one column of categories becomes.
    random_state : int, RandomState or None
    dtype : "auto", "float32" or "float64"
        "auto" trains in float32 and answers in float64.
    engine, threads
        As in `scratchwork.fit`.
    verbose : bool
        Show progress on stderr.

    Attributes
    ----------
    network_, preprocessing_ : what was trained, and what rows go through before
    history_ : `History` of the training, of standardized targets
    best_epoch_, n_iter_, n_features_in_, feature_names_in_

    References
    ----------
    Holzmüller, Grinsztajn, Steinwart (2024), "Better by default: strong pre-tuned MLPs and boosted trees on tabular data".

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> X, y = make_friedman1(400, random_state=0)
    >>> model = TabularRegressor(max_iter=64, random_state=0).fit(X[:300], y[:300])
    >>> bool(model.score(X[300:], y[300:]) > 0.8)
    True
    """

    _recipe: ClassVar[RealMLP] = REGRESSION
    _numeric_y: ClassVar[bool] = True

    def __init__(
        self,
        hidden_layer_sizes: Any = REGRESSION.hidden,
        *,
        learning_rate_init: float = REGRESSION.learning_rate,
        batch_size: int = REGRESSION.batch_size,
        max_iter: int = REGRESSION.epochs,
        validation_fraction: float = REGRESSION.held_out,
        max_categories: int = 100,
        random_state: Any = None,
        dtype: Any = "auto",
        engine: str = "auto",
        threads: Any = None,
        verbose: Any = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.validation_fraction = validation_fraction
        self.max_categories = max_categories
        self.random_state = random_state
        self.dtype = dtype
        self.engine = engine
        self.threads = threads
        self.verbose = verbose

    def fit(self, X: Any, y: Any, validation_data: Any = None) -> Self:
        """Train on rows `X` (array or frame) and targets `y`, (N,) or (N, targets); `validation_data` is (X, y)."""
        return self._fit(X, y, validation_data)

    def _learn_target(self, y: Array) -> Array:
        self.n_targets_, self._flat = 1 if y.ndim == 1 else y.shape[1], y.ndim == 1
        return self._encode(y, "y")

    def _encode(self, y: Any, name: str) -> Array:
        y = numeric_array(y, name, np.float64)
        require_finite(y, name)
        y = y.reshape(len(y), -1)
        if y.shape[1] != self.n_targets_:
            raise DataError(f"{name} has {y.shape[1]} targets where {self.n_targets_} belong")
        return y

    def _train(self, recipe: RealMLP, x: Array, y: Array, x_held: Array | None, held: Array, seed: int) -> None:
        mean, spread = y.mean(axis=0), y.std(axis=0)
        spread[spread == 0] = 1.0
        self._run(recipe, x, (y - mean) / spread, x_held, (held - mean) / spread, seed, self.n_targets_)
        self._rescale_outputs(spread, mean)

    def predict(self, X: Any) -> Array:
        """Numbers (N,), or (N, targets)."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._flat else outputs

    def _to_model(self) -> Model:
        """The trained network as a `Model` with preprocessing and names, for `scratchwork.save`."""
        check_is_fitted(self, "network_")
        names = getattr(self, "feature_names_in_", None)
        return Model(self.network_, preprocessing=self.preprocessing_, task="regression", link="identity", feature_names=names)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
