"""What `TabularClassifier` and `TabularRegressor` share: from a table to a trained RealMLP, and back to its outputs."""

import dataclasses
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..arrays import Array
from ..data.splits import split_indices
from ..errors import ConfigurationError, DataError
from ..layers import Dense
from ..model import Model
from ..preprocessing import Chain, TableEncoder
from ..realmlp import RealMLP
from ..row_profile import profile_of
from ..sequential import Sequential
from ..training import fit
from .base import MANY_ROWS
from .intake import chosen, number_type, read_pair, read_table
from .settings import check_settings, hidden_sizes


class TabularEstimator(BaseEstimator, ABC):
    """The part that does not depend on what is predicted; see `TabularClassifier` and `TabularRegressor`."""

    _recipe: ClassVar[RealMLP]
    _numeric_y: ClassVar[bool]

    @abstractmethod
    def _learn_target(self, y: Array) -> Array:
        """What `y` holds, and its rows as numbers."""

    @abstractmethod
    def _encode(self, y: Any, name: str) -> Array:
        """Further targets as numbers of the same kind."""

    def _fit(self, X: Any, y: Any, validation_data: Any) -> Self:
        check_settings(self)
        _refuse_sparse(self, X)
        table: Any
        table, target = read_pair(self, X, y, table=True, reset=True, numeric=self._numeric_y)
        if len(target) < 2:
            raise DataError("a split into training and validation part needs at least 2 rows; received 1 sample")
        encoded = self._learn_target(target)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        if validation_data is not None:
            held_rows, held = self._validation(validation_data)
        else:
            kept, others = self._divided(encoded, seed)
            held_rows, held = chosen(table, others), encoded[others]
            table, encoded = chosen(table, kept), encoded[kept]
        recipe = self._settings()
        encoder = TableEncoder(numbers="none", max_categories=self.max_categories)
        self.preprocessing_ = Chain([encoder, *recipe.preprocessing().steps])
        self._dtype = number_type(table, self.dtype)
        x = self.preprocessing_.fit_transform(table).astype(self._dtype, copy=False)
        self._profile = profile_of(table, self.preprocessing_)
        x_held = self._prepared(held_rows).astype(self._dtype, copy=False) if len(held) else None
        self._train(recipe, x, encoded, x_held, held, seed)
        return self

    def _settings(self) -> RealMLP:
        """The recipe with what was asked for in its place."""
        if self.batch_size is None or isinstance(self.batch_size, str):
            raise ConfigurationError(f"batch_size is a whole number of at least 1; received {self.batch_size!r}")
        return dataclasses.replace(
            self._recipe,
            learning_rate=float(self.learning_rate_init),
            hidden=tuple(hidden_sizes(self.hidden_layer_sizes)),
            epochs=int(self.max_iter),
            batch_size=int(self.batch_size),
        )

    def _validation(self, given: Any) -> tuple[Any, Array]:
        if not isinstance(given, tuple | list) or len(given) != 2:
            raise ConfigurationError("validation_data is a tuple (X, y)")
        rows, held = read_table(self, given[0], reset=False), self._encode(given[1], "the y of validation_data")
        if len(rows) != len(held):
            raise DataError(f"validation_data has {len(rows)} rows and {len(held)} targets: every row needs one")
        return rows, held

    def _divided(self, encoded: Array, seed: int) -> tuple[Array, Array]:
        """(training rows, held out): stratified where every class has two rows; none is held out where one would be missed."""
        everything, nothing = np.arange(len(encoded)), np.arange(0)
        if round(len(encoded) * float(self.validation_fraction)) < 1:
            return everything, nothing
        smallest = np.bincount(encoded)[np.unique(encoded)].min() if self._recipe.task == "classification" else 2
        kept, held = split_indices(encoded, float(self.validation_fraction), stratify=smallest > 1, seed=seed)
        if self._recipe.task == "classification" and len(np.unique(encoded[kept])) < 2:
            return everything, nothing
        return kept, held

    def _run(self, recipe: RealMLP, x: Array, y: Array, x_held: Array | None, held: Array, seed: int, outputs: int) -> None:
        network = recipe.network(x.shape[1], outputs)
        network.build(x.shape[1:], rng=seed, dtype=self._dtype)
        self.history_ = fit(
            network,
            x,
            y,
            validation_data=None if x_held is None else (x_held, held),
            engine=self.engine,
            threads=self.threads,
            seed=seed,
            progress=bool(self.verbose),
            **recipe.training(len(x), validated=x_held is not None),
        )
        self.network_, self.n_iter_ = self._answering(network, recipe, x.shape[1], outputs), max(self.history_.epochs, 1)
        self.best_epoch_ = self.history_.best_epoch or self.n_iter_

    def _answering(self, network: Sequential, recipe: RealMLP, inputs: int, outputs: int) -> Sequential:
        """The trained network; with dtype="auto" the same in float64, where other rows beside one do not move its answer."""
        if self.dtype != "auto":
            return network
        exact = recipe.network(inputs, outputs)
        exact.build((inputs,), dtype=np.float64)
        for (_, ours), (_, trained) in zip(exact.parameters(), network.parameters(), strict=True):
            ours.value[...] = trained.value
        exact.epochs_seen, exact.steps_seen = network.epochs_seen, network.steps_seen
        return exact

    @abstractmethod
    def _train(self, recipe: RealMLP, x: Array, y: Array, x_held: Array | None, held: Array, seed: int) -> None:
        """Train on these rows; what was held out chooses the epoch."""

    def _rescale_outputs(self, factor: Any, offset: Any) -> None:
        """Make every output `factor` times as large, plus `offset`: in the last layer, so that nothing has to be done later."""
        last = self.network_.layers[-1]
        assert isinstance(last, Dense)
        assert last.weight is not None
        assert last.bias is not None
        last.weight.value[...] = last.weight.value.astype(np.float64) * factor
        last.bias.value[...] = last.bias.value.astype(np.float64) * factor + offset

    def _prepared(self, rows: Any) -> Array:
        found: Array = self.preprocessing_.transform(rows)
        return found

    def _outputs(self, X: Any) -> Array:
        check_is_fitted(self, "network_")
        _refuse_sparse(self, X)
        rows = self._prepared(read_table(self, X, reset=False)).astype(self.network_.dtype, copy=False)
        if len(rows) >= MANY_ROWS and self.engine != "numpy":
            return self.network_.predict(rows, engine=self.engine)
        return self.network_.predict(rows)

    def to_model(self) -> Model:
        """The trained network with its preprocessing, labels and names as a `Model`, which `scratchwork.save` writes."""
        model = self._to_model()
        model.profile = vars(self).get("_profile")
        return model

    @abstractmethod
    def _to_model(self) -> Model:
        """The same without what it knows of its training rows."""

    @property
    def preprocessing(self) -> Chain:
        """What is done to rows before the network sees them: print it to see which column becomes what."""
        check_is_fitted(self, "preprocessing_")
        return self.preprocessing_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags


def _refuse_sparse(estimator: Any, X: Any) -> None:
    if hasattr(X, "tocsr"):
        name = type(estimator).__name__
        raise DataError(f"{name} does not take sparse rows: Classifier and Regressor do, and X.toarray() fills them")
