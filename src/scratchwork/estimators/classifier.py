"""A classifier with scikit-learn's face: binary, multiclass and multilabel."""

from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from ..arrays import Array
from ..averaging import average, averaged_link
from ..errors import ConfigurationError, DataError
from ..labels import plain_label
from ..layers import Rescaling
from ..losses import Loss, apply_link
from ..model import Model
from ..sequential import Sequential
from .base import NetworkEstimator
from .calibration import best_temperature
from .heads import classification_loss, encoded_classes, learn_classes
from .intake import class_weights


def _has_probabilities(estimator: Any) -> bool:
    """Whether the loss has a link: hinges give scores."""
    loss = vars(estimator).get("_loss", estimator.loss)
    if isinstance(loss, Loss):
        return loss.link is not None
    return loss not in ("hinge", "squared_hinge")


def learns_by_steps(estimator: Any) -> bool:
    """Whether `partial_fit` means something: lbfgs needs all rows at once."""
    return bool(estimator.optimizer is not None or estimator.solver != "lbfgs")


class Classifier(ClassifierMixin, NetworkEstimator):
    """A neural network that tells classes apart, with the parameters of scikit-learn's MLPClassifier and what it lacks.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int ≥ 1
        Units of each hidden layer; an empty sequence is a linear model.
    activation : name, or one name per hidden layer
        relu, tanh, logistic (or sigmoid), identity (or linear), gelu, silu, mish, selu, elu, leaky_relu, softplus.
    loss : "auto", "log_loss", "hinge", "squared_hinge" or a Loss
        "auto" is the cross-entropy: of a softmax for more than two classes, of a sigmoid for two classes and for multilabel.
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
        Held out, stratified, for early stopping and calibration where there is no validation_data.
    validation_data : (X, y) or (X, y, sample_weight), optional
        May also be given to `fit`.
    class_weight : dict, "balanced" or None
        A weight of 2 means each row of the class twice.
    callbacks : sequence of Callback, optional
    network : Sequential, optional
        In place of sizes and activation; a copy of it is trained, from where it is if it is built.
    preprocess : "auto", "none", "standardize", "minmax", "table", a Transformer or a sequence of them
        "auto" leaves arrays and frames of complete numbers as they are, and encodes frames with text, categories, dates or
        missing values with a `TableEncoder`.
    n_networks : int ≥ 1
        So many networks, trained in one pass with seeds of their own, whose probabilities are averaged.
    bootstrap : bool
        Each of them on rows drawn with replacement.
    calibrate : "temperature" or None
        Divide the logits by the temperature at which the log-loss of the validation part is least.
    dtype : "auto", "float32" or "float64"
        "auto" computes in what the rows come in; float32 is about twice as quick.
    engine, threads : as in `scratchwork.fit`
    warm_start : bool
        `fit` goes on from where the last one ended, with the optimizer's state: n and m epochs are n + m, bit for bit.
    verbose : bool
        Print a line per epoch.

    Attributes
    ----------
    classes_ : the labels in the order of the columns of `predict_proba`
    network_, preprocessing_ : what was trained, and what rows go through before
    history_ : `History` of the last call of fit
    loss_curve_, loss_, best_loss_, validation_scores_, best_validation_score_, n_iter_, t_
    coefs_, intercepts_, n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
    temperature_ : of the calibration

    Raises
    ------
    ConfigurationError, DataError
        Before any work, in one sentence; both are ValueErrors.
    DivergedError
        A loss that is not finite; a ValueError, too.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = Classifier(learning_rate_init=0.02, preprocess="standardize", tol=1e-3, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9), model.predict_proba(X[:1]).shape
    (True, (1, 3))
    """

    _score_name: ClassVar[str] = "accuracy"
    _numeric_y: ClassVar[bool] = False

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        loss: Any = "auto",
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
        class_weight: Any = None,
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
        self.class_weight = class_weight
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
        """Train on rows `X` (array, sparse matrix or frame) and labels `y`; a matrix of 0 and 1 is multilabel."""
        return self._fit(X, y, sample_weight, validation_data)

    @available_if(learns_by_steps)
    def partial_fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None, classes: Any = None) -> Self:
        """One pass over these rows, in their order, in batches of `batch_size`; the first call needs all `classes`.

        Chunks one after the other are the mini-batches of one pass over all of them with `shuffle=False`.
        """
        if self.early_stopping:
            raise ConfigurationError("partial_fit does not support early_stopping=True: a chunk has no validation part")
        if isinstance(self.class_weight, str):
            raise ConfigurationError("class_weight='balanced' needs all rows at once: give partial_fit a dict of weights")
        if classes is None and "classes_" not in vars(self):
            raise ConfigurationError("classes must be passed on the first call to partial_fit: a chunk may lack some")
        return self._fit(X, y, sample_weight, None, incremental=True, classes=classes)

    # -- what the outputs mean -----------------------------------------------------------------------------------

    def _learn_target(self, y: Array, *, goes_on: bool, incremental: bool, classes: Any) -> Array:
        return learn_classes(self, y, goes_on=goes_on, incremental=incremental, classes=classes)

    def _encode(self, y: Any, name: str) -> Array:
        return encoded_classes(y, self.classes_, name, multilabel=self.multilabel_)

    def _weighted_by_class(self, weight: Array | None, encoded: Array) -> Array | None:
        if self.class_weight is None:
            return weight
        if self.multilabel_:
            raise ConfigurationError("class_weight is for one class per row; weigh multilabel rows with sample_weight")
        factors = class_weights(self.class_weight, self.classes_, encoded, weight)
        return factors if weight is None or factors is None else factors * weight

    def _require_divisible(self, encoded: Array) -> None:
        if not self.multilabel_ and (single := np.flatnonzero(np.bincount(encoded) == 1)).size:
            raise DataError(
                f"the class {plain_label(self.classes_[single[0]])!r} has only one row, which cannot be both learned from and "
                "held out: remove the class, or give validation_data=(X, y)"
            )

    def _choose_loss(self, network: Sequential | None) -> tuple[Loss, int]:
        loss, outputs = classification_loss(self.loss, len(self.classes_), network, multilabel=self.multilabel_)
        if self.calibrate is not None and loss.link not in ("softmax", "sigmoid"):
            raise ConfigurationError(f"calibrate='temperature' divides logits; {loss!r} has none: use loss='log_loss'")
        return loss, outputs

    def _score_metric(self) -> str | Callable[..., float]:
        return _subset_accuracy if self.multilabel_ else "accuracy"

    def _check_calibration(self, incremental: bool) -> None:
        super()._check_calibration(incremental)
        if self.calibrate not in (None, "temperature"):
            raise ConfigurationError(f"calibrate is 'temperature' or None; received {self.calibrate!r}")

    @property
    def out_activation_(self) -> str:
        """What turns outputs into probabilities, in scikit-learn's words."""
        return {"sigmoid": "logistic", "softmax": "softmax"}.get(self._loss.link or "", "identity")

    def _after_training(self, validation: Any) -> None:
        self.__dict__.pop("temperature_", None)
        if self.calibrate is None or validation is None:
            return
        x = self._prepared(validation[0])
        logits = np.stack([network.predict(x) for network in self.networks_])
        self.temperature_ = best_temperature(logits, validation[1], str(self._loss.link), *validation[2:])

    # -- use -----------------------------------------------------------------------------------------------------

    def _logits(self, X: Any) -> Array:
        return self._outputs(X, vars(self).get("temperature_", 1.0))

    def predict(self, X: Any) -> Array:
        """The likeliest class of each row; for multilabel a matrix of 0 and 1."""
        outputs = self._logits(X)
        threshold = 0.5 if self._loss.link == "identity" else 0.0
        if self.multilabel_:
            return (outputs > threshold).astype(np.int64)
        if outputs.shape[1] == 1:
            return self.classes_[(outputs[:, 0] > threshold).view(np.int8)]
        return self.classes_[outputs.argmax(axis=1)]

    def decision_function(self, X: Any) -> Array:
        """Logits or scores: (N,) for two classes, where positive is the second; else one column per class."""
        outputs = self._logits(X)
        if self.multilabel_ or outputs.shape[1] > 2:
            return outputs
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs[:, 1] - outputs[:, 0]

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> Array:
        """Probabilities (N, classes); for multilabel those of each label."""
        p = apply_link(self._logits(X), self._loss.link)
        return np.concatenate([1 - p, p], axis=1) if p.shape[1] == 1 and not self.multilabel_ else p

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: Any) -> Array:
        """Their logarithms."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _to_model(self) -> Model:
        """The trained network as a `Model` with preprocessing, labels and names, for `scratchwork.save`."""
        self._dense()
        networks, link = self.networks_, self._loss.link
        if "temperature_" in vars(self):
            networks = [_divided(network, self.temperature_) for network in networks]
        network = networks[0] if len(networks) == 1 else average(networks, link)
        labels = None if self.multilabel_ else [str(c) if isinstance(c, str) else c for c in self.classes_.tolist()]
        return Model(
            network,
            preprocessing=self.preprocessing_,
            labels=labels,
            task="attributes" if self.multilabel_ or network.out_shape[0] == 1 else "multiclass",
            link=link if len(networks) == 1 else averaged_link(link),
            feature_names=getattr(self, "feature_names_in_", None),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _divided(network: Sequential, temperature: float) -> Sequential:
    """The same layers with a division of their outputs behind them."""
    divided = Sequential([*network.layers, Rescaling(1.0 / temperature)])
    divided.shapes, divided.dtype = [*network.shapes, network.out_shape], network.dtype
    divided.epochs_seen, divided.steps_seen = network.epochs_seen, network.steps_seen
    return divided


def _subset_accuracy(prediction: Array, target: Array, weight: Array | None = None) -> float:
    """The share of rows of which every label is right, as scikit-learn's score counts."""
    return float(np.average(((prediction > 0) == (target > 0.5)).all(axis=1), weights=weight))
