"""A regressor with scikit-learn's face: one target or several, means, medians, counts and quantiles."""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from ..arrays import Array, numeric_array, require_finite
from ..errors import ConfigurationError, DataError
from ..losses import Loss, apply_link
from ..model import Model
from ..sequential import Sequential
from .base import NetworkEstimator
from .calibration import conformal_margin
from .classifier import learns_by_steps
from .heads import regression_loss


def _has_intervals(estimator: Any) -> bool:
    return estimator.loss == "quantile" and np.ndim(estimator.quantile) == 1 and len(estimator.quantile) > 1


class Regressor(RegressorMixin, NetworkEstimator):
    """A neural network that predicts numbers, with the parameters of scikit-learn's MLPRegressor and what it lacks.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int ≥ 1
        Units of each hidden layer; an empty sequence is a linear model.
    activation : name, or one name per hidden layer
        relu, tanh, logistic (or sigmoid), identity (or linear), gelu, silu, mish, selu, elu, leaky_relu, softplus.
    loss : "squared_error", "absolute_error", "huber", "poisson", "quantile" or a Loss
        What is predicted with it: the mean, the median, a mean that outliers pull less, the mean of counts (the network
        gives its logarithm), or the quantiles that `quantile` names.
    quantile : float, 0 < q < 1, or a sequence of them
        For loss="quantile". Of several, `predict` gives the one nearest to the median, `predict_quantiles` gives all, and
        `predict_interval` what lies between the outermost.
    solver : "adam", "sgd" or "lbfgs"
    alpha : float ≥ 0
        ½ α ‖W‖² is added to the loss of a batch, divided by its rows; biases are left alone.
    dropout : float, 0 ≤ rate < 1, or one per hidden layer
    batch_norm : bool
    batch_size : int ≥ 1, "auto" or None
        "auto" is min(200, rows); None takes all rows at once.
    learning_rate : "constant", "invscaling" or "adaptive"
        For "sgd": the rate falls with the `power_t`-th power of the rows seen, or by 5 when there is no improvement.
    learning_rate_init : float > 0
    power_t, momentum, nesterovs_momentum, beta_1, beta_2, epsilon
        Of the solvers, as in scikit-learn.
    optimizer : Optimizer, optional
        In place of the solver and its settings.
    schedule : function of the step, optional
        Such as `Cosine(1e-3, steps)`: in place of `learning_rate_init`.
    max_iter : int ≥ 1
        Epochs; for "lbfgs" iterations, in at most `max_fun` evaluations.
    shuffle : bool
        The rows anew in every epoch; `partial_fit` takes them as they come.
    random_state : int, RandomState or None
    tol, n_iter_no_change : float ≥ 0, int ≥ 1
        Training ends when more than so many epochs in a row do not improve by more than `tol`.
    early_stopping : bool
        Compare epochs on a validation part, and put the best one back.
    monitor : "auto", "val_score" or "val_loss"
        What is compared; "auto" is the score.
    validation_fraction : float, 0 ≤ fraction < 1
        Held out for early stopping and calibration where there is no validation_data.
    validation_data : (X, y) or (X, y, sample_weight), optional
        May also be given to `fit`.
    callbacks : sequence of Callback, optional
    network : Sequential, optional
        In place of sizes and activation; a copy of it is trained, from where it is if it is built.
    preprocess : "auto", "none", "standardize", "minmax", "table", a Transformer or a sequence of them
        "auto" leaves arrays and frames of complete numbers as they are, and encodes frames with text, categories, dates or
        missing values with a `TableEncoder`.
    n_networks : int ≥ 1
        So many networks, trained in one pass with seeds of their own, whose outputs are averaged.
    bootstrap : bool
        Each of them on rows drawn with replacement.
    calibrate : "conformal" or None
        For several quantiles: widen intervals so that they hold new rows as often as they say (measured on the validation
        part).
    dtype : "auto", "float32" or "float64"
        "auto" computes in what the rows come in; float32 is about twice as quick.
    engine, threads
        As in `scratchwork.fit`.
    warm_start : bool
        `fit` goes on from where the last one ended, with the optimizer's state: n and m epochs are n + m, bit for bit.
    verbose : bool
        Print a line per epoch.

    Attributes
    ----------
    network_, preprocessing_ : what was trained, and what rows go through before
    history_ : `History` of the last call of fit
    loss_curve_, loss_, best_loss_, validation_scores_, best_validation_score_, n_iter_, t_
    coefs_, intercepts_, n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
    margin_ : what the calibration adds on both sides of an interval; one number per target

    Raises
    ------
    ConfigurationError, DataError
        Both are ValueErrors: before any work, in one sentence.
    DivergedError
        When the loss is no longer finite (it is a ValueError too): targets of 100,000 are better divided first.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> X, y = make_regression(200, 5, noise=1.0, random_state=0)
    >>> model = Regressor(learning_rate_init=0.01, early_stopping=True, random_state=0).fit(X, y / 100)
    >>> bool(model.score(X, y / 100) > 0.9)
    True
    """

    n_targets_: int
    _score_name: ClassVar[str] = "r2"
    _numeric_y: ClassVar[bool] = True

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        loss: Any = "squared_error",
        quantile: Any = 0.5,
        solver: str = "adam",
        alpha: float = 0.0001,
        dropout: Any = 0.0,
        batch_norm: bool = False,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        optimizer: Any = None,
        schedule: Any = None,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        monitor: str = "auto",
        validation_fraction: float = 0.1,
        validation_data: Any = None,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: int = 15000,
        callbacks: Any = None,
        network: Any = None,
        preprocess: Any = "auto",
        n_networks: int = 1,
        bootstrap: bool = False,
        calibrate: Any = None,
        dtype: Any = "auto",
        engine: str = "auto",
        threads: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.quantile = quantile
        self.solver = solver
        self.alpha = alpha
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.optimizer = optimizer
        self.schedule = schedule
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.monitor = monitor
        self.validation_fraction = validation_fraction
        self.validation_data = validation_data
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.callbacks = callbacks
        self.network = network
        self.preprocess = preprocess
        self.n_networks = n_networks
        self.bootstrap = bootstrap
        self.calibrate = calibrate
        self.dtype = dtype
        self.engine = engine
        self.threads = threads

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None, validation_data: Any = None) -> Self:
        """Train on rows `X` (array, sparse matrix or frame) and targets `y`, (N,) or (N, targets)."""
        return self._fit(X, y, sample_weight, validation_data)

    @available_if(learns_by_steps)
    def partial_fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """One pass over these rows, in their order, in batches of `batch_size`.

        Chunks one after the other are the mini-batches of one pass over all of them with `shuffle=False`.
        """
        if self.early_stopping:
            raise ConfigurationError("partial_fit does not support early_stopping=True: a chunk has no validation part")
        return self._fit(X, y, sample_weight, None, incremental=True)

    # -- what the outputs mean -----------------------------------------------------------------------------------

    def _learn_target(self, y: Array, *, goes_on: bool, incremental: bool, classes: Any) -> Array:
        columns = 1 if y.ndim == 1 else y.shape[1]
        if goes_on and columns != self.n_targets_:
            raise DataError(f"y has {columns} targets, and the {self.n_targets_} of the call before are trained on")
        self.n_targets_, self._flat = columns, y.ndim == 1
        return self._encode(y, "y")

    def _encode(self, y: Any, name: str) -> Array:
        y = numeric_array(y, name, np.float64)
        require_finite(y, name)
        y = y.reshape(len(y), -1)
        if y.shape[1] != self.n_targets_:
            raise DataError(f"{name} has {y.shape[1]} targets where {self.n_targets_} belong")
        return np.repeat(y, len(self._quantiles()), axis=1)

    def _quantiles(self) -> tuple[float, ...]:
        """The quantiles, where several are predicted; one number that says nothing otherwise."""
        return tuple(float(q) for q in self.quantile) if self.loss == "quantile" and np.ndim(self.quantile) else (0.5,)

    def _choose_loss(self, network: Sequential | None) -> tuple[Loss, int]:
        return regression_loss(self.loss, self.quantile, self.n_targets_)

    def _penalty(self) -> float:
        """scikit-learn's squared error is half of the mean square: α counts twice, for the same minimum."""
        return float(self.alpha) * (2.0 if self.loss == "squared_error" else 1.0)

    def _check_calibration(self, incremental: bool) -> None:
        super()._check_calibration(incremental)
        if self.calibrate is not None and (self.calibrate != "conformal" or not _has_intervals(self)):
            raise ConfigurationError(
                "calibrate='conformal' widens intervals: it needs loss='quantile' and several quantiles; "
                f"received calibrate={self.calibrate!r}, loss={self.loss!r}, quantile={self.quantile!r}"
            )

    @property
    def out_activation_(self) -> str:
        """What turns outputs into predictions, in scikit-learn's words."""
        return "exp" if self._loss.link == "exp" else "identity"

    def _after_training(self, validation: Any) -> None:
        self.__dict__.pop("margin_", None)
        if self.calibrate is None or validation is None:
            return
        found = np.sort(self._by_target(self.network_.predict(self._prepared(validation[0]))), axis=2)
        truth = validation[1].reshape(found.shape)[:, :, 0]
        coverage = max(self._quantiles()) - min(self._quantiles())
        ends = [(found[:, k, 0], found[:, k, -1], truth[:, k]) for k in range(self.n_targets_)]
        self.margin_ = np.array([conformal_margin(*end, coverage) for end in ends])

    def _by_target(self, outputs: Array) -> Array:
        """(N, targets, quantiles)"""
        return outputs.reshape(len(outputs), self.n_targets_, -1)

    # -- use -----------------------------------------------------------------------------------------------------

    def predict(self, X: Any) -> Array:
        """Numbers (N,), or (N, targets); of several quantiles the one nearest to the median."""
        outputs = self._outputs(X)
        if self._loss.link == "exp":
            outputs = apply_link(outputs, "exp")
        if outputs.shape[1] != self.n_targets_:
            outputs = self._by_target(outputs)[:, :, int(np.argmin(np.abs(np.array(self._quantiles()) - 0.5)))]
        return outputs[:, 0] if self._flat else outputs

    @available_if(_has_intervals)
    def predict_quantiles(self, X: Any) -> Array:
        """Every quantile, sorted within a row: (N, quantiles), or (N, targets, quantiles)."""
        found = np.sort(self._by_target(self._outputs(X)), axis=2)[:, :, np.argsort(np.argsort(self._quantiles()))]
        return found[:, 0] if self._flat else found

    @available_if(_has_intervals)
    def predict_interval(self, X: Any) -> Array:
        """(low, high) from the outermost quantiles, widened by the calibration: (N, 2), or (N, targets, 2)."""
        found = np.sort(self._by_target(self._outputs(X)), axis=2)[:, :, [0, -1]]
        if "margin_" in vars(self):
            found = found + self.margin_[:, None] * np.array([-1.0, 1.0])
            found = np.sort(found, axis=2)
        return found[:, 0] if self._flat else found

    def _to_model(self) -> Model:
        """The trained network as a `Model` with preprocessing and names, for `scratchwork.save`."""
        self._dense()
        names = getattr(self, "feature_names_in_", None)
        return Model(
            self.network_, preprocessing=self.preprocessing_, task="regression", link=self._loss.link, feature_names=names
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
