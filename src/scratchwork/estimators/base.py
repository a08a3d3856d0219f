"""What `Classifier` and `Regressor` share: from settings and rows to a trained network, and back to predictions."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..arrays import Array
from ..averaging import average, combined
from ..callbacks import EarlyStopping, checked_callbacks
from ..engine.choice import blas_threads
from ..ensemble import fit_many
from ..errors import ConfigurationError, DataError
from ..history import History, TrainingState
from ..layers import Dense
from ..losses import Loss
from ..members import member_seeds
from ..model import Model
from ..preparation import check_weights, held_out
from ..preprocessing import TableEncoder
from ..regularizers import L2
from ..row_profile import profile_of
from ..second_order import LBFGS
from ..sequential import Sequential
from ..sparse_rows import SparseRows
from ..training import fit
from .intake import Rows, chosen, needs_encoding, number_type, present, read_pair, read_rows, weights_of
from .settings import check_settings, make_network, make_optimizer, make_preprocessing
from .stopping import Convergence, Lines
from .weights import Weights

AUTO_BATCH = 200
PLAIN = (np.dtype(np.float64), np.dtype(np.float32))  # numbers that nothing has to be made of
MANY_ROWS = 4096  # from here on the compiled path predicts faster than NumPy's, where it is there


class NetworkEstimator(Weights, BaseEstimator, ABC):
    """The part of an estimator that does not depend on what its outputs mean; see `Classifier` and `Regressor`."""

    _score_name: ClassVar[str]
    _numeric_y: ClassVar[bool]

    # What a class of its own says: how targets become numbers, which loss and how many outputs, what outputs mean.

    @abstractmethod
    def _learn_target(self, y: Array, *, goes_on: bool, incremental: bool, classes: Any) -> Array:
        """Targets as numbers."""

    @abstractmethod
    def _encode(self, y: Any, name: str) -> Array:
        """Targets as numbers."""

    @abstractmethod
    def _choose_loss(self, network: Sequential | None) -> tuple[Loss, int]:
        """The loss, and how many outputs it needs."""

    def _score_metric(self) -> str | Callable[..., float]:
        return self._score_name

    # -- learning ------------------------------------------------------------------------------------------------

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, validation_data: Any, *, incremental: bool = False, classes: Any = None
    ) -> Self:
        before = dict(vars(self))
        try:
            return self._learn(X, y, sample_weight, validation_data, incremental=incremental, classes=classes)
        except Exception:  # what was learned before is still there, and an estimator that was not fitted still is not
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _learn(self, X: Any, y: Any, sample_weight: Any, validation_data: Any, *, incremental: bool, classes: Any) -> Self:
        check_settings(self)
        self._check_calibration(incremental)
        goes_on = hasattr(self, "network_") and (incremental or self.warm_start)
        table = self._takes_tables() if goes_on else needs_encoding(X, self.preprocess)
        rows, target = read_pair(self, X, y, table=table, reset=not goes_on, numeric=self._numeric_y)
        weight = check_weights(weights_of(sample_weight, len(rows)), len(rows))
        rows, target, weight = present(rows, target, weight)
        encoded = self._learn_target(target, goes_on=goes_on, incremental=incremental, classes=classes)
        rows, encoded, weight = present(rows, encoded, self._weighted_by_class(weight, encoded))
        if not goes_on:
            self._begin(rows, encoded, table=table)
        rows, encoded, weight, validation = self._divided(rows, encoded, weight, validation_data, incremental=incremental)
        self._train(rows, encoded, weight, validation, fresh=not goes_on, incremental=incremental)
        self._after_training(validation)
        return self

    def _begin(self, rows: Rows, encoded: Array, *, table: bool) -> None:
        """Forget what was learned before, and lay out what is going to be."""
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.__dict__.pop("network_", None)
        self.preprocessing_ = make_preprocessing(self.preprocess, table=table)
        self._dtype = number_type(rows, self.dtype)
        self._stopping: Convergence | None = None
        self.loss_curve_: list[float] = []
        self.validation_scores_: list[float] | None = None
        self.best_loss_: float | None = None
        self.best_validation_score_: float | None = None
        self.t_ = self._chunk = 0  # rows met, and the largest batch so far

    def _divided(
        self, rows: Rows, encoded: Array, weight: Array | None, given: Any, *, incremental: bool
    ) -> tuple[Rows, Array, Array | None, tuple[Any, ...] | None]:
        """The training rows, and the validation part where there is one: given, or held out by the seed."""
        given = self.validation_data if given is None else given
        if given is not None:
            return rows, encoded, weight, self._read_validation(given)
        if not self._holds_out() or incremental:
            return rows, encoded, weight, None
        if not self.validation_fraction:
            raise ConfigurationError("early stopping and calibration need validation_fraction > 0, or validation_data=(X, y)")
        loss, _ = self._choose_loss(None)
        self._require_divisible(encoded)
        kept, held = held_out(encoded, loss, float(self.validation_fraction), self._seed)
        if len(held) < 2:
            raise DataError(
                f"The validation set is too small, {len(held)} row: raise validation_fraction, or give validation_data=(X, y)"
            )
        part = chosen(rows, held), encoded[held], None if weight is None else weight[held]
        return chosen(rows, kept), encoded[kept], None if weight is None else weight[kept], part

    def _read_validation(self, given: Any) -> tuple[Any, ...]:
        if not isinstance(given, tuple | list) or len(given) not in (2, 3):
            raise ConfigurationError("validation_data is a tuple (X, y) or (X, y, sample_weight)")
        rows = self._read_rows(given[0])
        encoded = self._encode(given[1], "the y of validation_data")
        if len(encoded) != len(rows):
            raise DataError(f"validation_data has {len(rows)} rows and {len(encoded)} targets: every row needs one")
        weight = weights_of(given[2] if len(given) == 3 else None, len(rows))
        return rows, encoded, weight

    def _holds_out(self) -> bool:
        return bool(self.early_stopping or getattr(self, "calibrate", None))

    def _train(self, rows: Rows, y: Array, weight: Array | None, validation: Any, *, fresh: bool, incremental: bool) -> None:
        x = self._prepared(rows, fit=fresh)
        if fresh:
            self._profile = profile_of(rows, self.preprocessing_)
        if validation is not None:
            validation = tuple(part for part in (self._prepared(validation[0]), *validation[1:]) if part is not None)
        n, size = x.shape[0], self._batch(x.shape[0])
        if fresh:
            self._build(x)
        nominal = self._chunk = max(size, self._chunk) if incremental else size
        optimizer = make_optimizer(self, nominal)
        if incremental and isinstance(optimizer, LBFGS):
            raise ConfigurationError("lbfgs looks at all rows at once: partial_fit needs solver='adam' or 'sgd'")
        watched = validation is not None and self.early_stopping and not incremental
        callbacks = [] if incremental else self._callbacks(watched, by_itself=isinstance(optimizer, LBFGS))
        earlier = (self._stopping.best, [array.copy() for array in self._arrays()]) if watched and self._stopping else None
        strength = self._penalty() / (nominal if weight is None else nominal * float(weight.mean()))
        history = self._run(
            x,
            y,
            loss=self._loss,
            optimizer=optimizer,
            epochs=1 if incremental else int(self.max_iter),
            batch_size=size,
            sample_weight=weight,
            validation_data=validation,
            metrics={"score": self._score_metric()} if validation is not None else {},
            regularizer=L2(strength) if strength > 0 else None,
            callbacks=[*callbacks, *checked_callbacks(self.callbacks), *([Lines()] if self.verbose else [])],
            engine=self.engine,
            threads=blas_threads(self.engine, self.threads, size * self.network_.flat().value.size),
            shuffle=bool(self.shuffle) and not incremental,
            seed=self._seed,
            progress=False,
        )
        if earlier is not None and self._stopping is not None and self._stopping.best == earlier[0]:
            for array, value in zip(self._arrays(), earlier[1], strict=True):
                array[...] = value
        self._remember(history, n, validation is not None, watched)
        ended = history.stopped in ("converged", "early stopping") or incremental
        if not ended and history.stopped in ("epochs", "evaluations"):
            warnings.warn(
                f"Maximum iterations ({self.max_iter}) reached and the optimization hasn't converged yet: raise max_iter, or "
                "scale the features (preprocess='standardize')",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _run(self, x: Any, y: Array, **settings: Any) -> History:
        """One network, or all of an ensemble at once."""
        if len(self.networks_) == 1:
            return fit(self.network_, x, y, state=self._states[0], **settings)
        own: dict[str, Any] = {"seeds": member_seeds(self._seed, len(self.networks_)), "bootstrap": bool(self.bootstrap)}
        return fit_many(self.networks_, x, y, states=self._states, **own, **settings)

    def _build(self, x: Any) -> None:
        """The network for these rows, and the loss that belongs to it."""
        wanted = None
        if self.network is not None:
            wanted = make_network(self, 1)
            self._build_fresh(wanted, x, self._seed)
            wanted.check_rows(x[:1], "X")
        self._loss, outputs = self._choose_loss(wanted)
        network = make_network(self, outputs) if wanted is None else wanted
        self._build_fresh(network, x, self._seed if self.n_networks == 1 else member_seeds(self._seed, 1)[0])
        if network.out_shape != (outputs,):
            raise ConfigurationError(
                f"the network gives {network.out_shape} numbers a row and {self._loss!r} needs ({outputs},): its last layer "
                f"is Dense({outputs})"
            )
        count = int(self.n_networks)
        self.networks_ = [network, *(make_network(self, outputs) for _ in range(count - 1))]
        for each, seed in zip(self.networks_[1:], member_seeds(self._seed, count)[1:], strict=True):
            self._build_fresh(each, x, seed)
        self.network_ = network if count == 1 else average(self.networks_, self._loss.link)
        self._states, self._dtype = [TrainingState() for _ in self.networks_], network.dtype

    def _build_fresh(self, network: Sequential, x: Any, seed: int) -> None:
        """Give a network that has none its parameters: the same ones in float32 as in float64, but for rounding."""
        if network.built:
            return
        network.build(x.shape[1:], rng=seed, dtype=np.float64)
        if self._dtype != np.float64:
            drawn = [parameter.value for _, parameter in network.parameters()]
            network.build(x.shape[1:], rng=seed, dtype=self._dtype)
            for (_, parameter), value in zip(network.parameters(), drawn, strict=True):
                parameter.value[...] = value

    def _batch(self, rows: int) -> int:
        if self.batch_size is None:
            return rows
        return min(AUTO_BATCH if isinstance(self.batch_size, str) else int(self.batch_size), rows)

    def _penalty(self) -> float:
        """How much ½ ‖W‖² counts, summed over a batch."""
        return float(self.alpha)

    def _callbacks(self, watched: bool, *, by_itself: bool) -> list[Any]:
        """What ends the training where it does not end by itself, and what puts the best epoch back."""
        monitor = ("val_score" if self.monitor == "auto" else self.monitor) if watched else "loss"
        larger = monitor.endswith("score")
        if self._stopping is None or self._stopping.monitor != monitor:
            adaptive = self.solver == "sgd" and self.learning_rate == "adaptive" and self.optimizer is None
            self._stopping = Convergence(
                monitor, self.tol, self.n_iter_no_change, larger=larger, adaptive=adaptive and not watched
            )
        self._stopping.go_on(self.tol, self.n_iter_no_change)
        keep = [EarlyStopping(monitor, patience=None, mode="max" if larger else "min")] if watched else []
        return keep if by_itself else [self._stopping, *keep]

    def _arrays(self) -> list[Array]:
        """All that the network learned, to be copied or written to."""
        network = self.network_
        return [*(parameter.value for _, parameter in network.parameters()), *(buffer for _, buffer in network.buffers())]

    def _remember(self, history: History, rows: int, validated: bool, watched: bool) -> None:
        self.history_ = history
        self.n_iter_ = max(history.epochs, 1)
        self.t_ += rows * history.epochs
        self.loss_curve_ = [*self.loss_curve_, *history["loss"]]
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else float("nan")
        if validated:
            self.validation_scores_ = [*(self.validation_scores_ or []), *history["val_score"]]
            self.best_validation_score_ = max(self.validation_scores_, default=None)
        self.best_loss_ = None if watched or not self.loss_curve_ else min(self.loss_curve_)
        self.n_layers_ = 1 + sum(isinstance(layer, Dense) for layer in self.networks_[0].leaves())
        self.n_outputs_ = int(self.network_.out_shape[0])

    def _after_training(self, validation: Any) -> None:
        """What comes after the last epoch, on the validation part: calibration."""

    def _check_calibration(self, incremental: bool) -> None:
        """Refuse a calibration that the loss has no use for, before any work."""
        if self.calibrate is not None and incremental and self.validation_data is None:
            raise ConfigurationError("partial_fit holds no rows out: to calibrate, give the estimator validation_data=(X, y)")

    def _weighted_by_class(self, weight: Array | None, encoded: Array) -> Array | None:
        return weight

    def _require_divisible(self, encoded: Array) -> None:
        """Refuse targets of which no part can be held out."""

    # -- use -----------------------------------------------------------------------------------------------------

    def _takes_tables(self) -> bool:
        return isinstance(next(iter(self.preprocessing_.steps), None), TableEncoder)

    def _read_rows(self, X: Any) -> Rows:
        return read_rows(self, X, table=self._takes_tables())

    def _prepared(self, rows: Rows, *, fit: bool = False) -> Any:
        """Rows as the network takes them."""
        prepared: Any = rows
        if self.preprocessing_.steps:
            if isinstance(rows, SparseRows):
                raise DataError("sparse rows are taken as they are, for preprocessing would fill them: say preprocess='none'")
            act = self.preprocessing_.fit_transform if fit else self.preprocessing_.transform
            prepared = act(rows)  # type: ignore[arg-type]
        return prepared.astype(self._dtype, copy=False)

    def _outputs(self, X: Any, temperature: float = 1.0) -> Array:
        """What the network gives, or the average of all; one plain row or many need not be looked at twice."""
        known = vars(self)
        network: Sequential | None = known.get("network_")
        if network is None:
            check_is_fitted(self, "network_")
            raise NotFittedError
        plain = (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype in PLAIN
            and X.shape[1] == known["n_features_in_"]
            and len(X)
            and "feature_names_in_" not in known
        )
        if not plain or self._takes_tables():
            X = self._read_rows(X)
        rows = X if plain and not self.preprocessing_.steps else self._prepared(X)
        engine = self.engine if rows.shape[0] >= MANY_ROWS else "numpy"
        if len(known["networks_"]) == 1:
            outputs = network.predict(rows, engine=engine)
            return outputs if temperature == 1.0 else outputs / temperature
        return combined([one.predict(rows, engine=engine) / temperature for one in self.networks_], self._loss.link)

    @property
    def preprocessing(self) -> Any:
        """What is done to rows before the network sees them: print it to see which column becomes what."""
        check_is_fitted(self, "preprocessing_")
        return self.preprocessing_

    def to_model(self) -> Model:
        """The trained network with its preprocessing and labels as a `Model`, which `scratchwork.save` writes."""
        model = self._to_model()
        model.profile = vars(self).get("_profile")
        return model

    @abstractmethod
    def _to_model(self) -> Model:
        """The same without what it knows of its training rows."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.preprocess in (None, "auto", "none")
        tags.input_tags.allow_nan = self.preprocess == "table"
        return tags
