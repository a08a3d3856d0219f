"""The thing one ships: preprocessing, network and the meaning of its outputs, in one object."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array, Shape, numeric_array, require_finite
from .data.checks import check_x
from .data.table import Table
from .errors import ConfigurationError, DataError, NotBuiltError, ShapeError
from .history import History
from .labels import checked_labels, found_labels, plain_label, targets_of
from .losses import Loss, apply_link
from .losses.targets import regression_targets
from .metrics import accuracy, balanced_accuracy, confusion_matrix, log_loss, mae, r2, rmse
from .preparation import check_seed, check_weights, held_out, resolve_loss, unbuilt_on_error, validation_parts
from .preprocessing import Chain, OneHot, TableEncoder, Transformer
from .preprocessing.categories import category_column
from .row_profile import RowProfile, encoded, profile_of
from .sequential import Sequential
from .training import fit

if TYPE_CHECKING:
    from .doctor.findings import Diagnosis

TASKS = ("multiclass", "attributes", "regression")
Rows: TypeAlias = ArrayLike | Table | Mapping[str, Any]
LINKS = ("softmax", "sigmoid", "identity", "exp", None)


class Model:
    """Raw rows in, labels or numbers out: the preprocessing and the label names travel with the network.

    Parameters
    ----------
    network : Sequential
        Built by `fit`, or already trained.
    preprocessing : sequence of Transformer
        Fitted on the training part only, applied in order. Where `TableEncoder` stands first, rows may be a frame, a dict
        of columns or any other table, and where `OneHot` does, a column of text.
    labels : sequence of str, int or bool, optional
        The class of each output (multiclass), the two classes of one output, or the names of the attributes. `fit` finds
        them in `y` where they are not given. Where they are text, `y` may also hold class numbers, 0 for the first.
    task : "multiclass", "attributes" or "regression", optional
        Taken from the loss by `fit` where it is not given.
    link : "softmax", "sigmoid", "identity", "exp" or None
        What turns the network's outputs into probabilities or means; taken from the loss by `fit`.
    feature_names, target_name, image_shape
        What columns and pictures are called; kept with the model. `fit` finds the names of the columns in a table.

    Examples
    --------
    >>> import scratchwork as sw
    >>> rows = sw.data.blobs(30, classes=2, seed=1)
    >>> model = sw.Model(sw.Sequential([sw.Dense(2)]), preprocessing=[sw.preprocessing.Standardize()])
    >>> names = [["left", "right"][label] for label in rows.y]
    >>> history = model.fit(rows.x, names, loss=sw.SoftmaxCrossEntropy(), optimizer=sw.Adam(0.1), epochs=20)
    >>> model.labels
    ['left', 'right']
    >>> bool((model.predict(rows.x) == names).mean() > 0.9)
    True
    """

    def __init__(
        self,
        network: Sequential,
        *,
        preprocessing: Sequence[Transformer] | Chain = (),
        labels: Sequence[Any] | None = None,
        task: str | None = None,
        link: str | None = None,
        feature_names: Sequence[str] | None = None,
        target_name: str | None = None,
        image_shape: Shape | None = None,
    ) -> None:
        if not isinstance(network, Sequential):
            raise ConfigurationError(f"a Model holds a Sequential([...]); received {network!r}")
        if task is not None and task not in TASKS:
            raise ConfigurationError(f"task is one of {', '.join(TASKS)}; received {task!r}")
        if link not in LINKS:
            raise ConfigurationError(f"link is one of softmax, sigmoid, identity, exp or None; received {link!r}")
        self.network = network
        self.preprocessing = preprocessing if isinstance(preprocessing, Chain) else Chain(preprocessing)
        self.labels = None if labels is None else checked_labels(labels)
        self.task, self.link = task, link
        self.feature_names = None if feature_names is None else [str(name) for name in feature_names]
        self.target_name = target_name
        sizes = () if image_shape is None else image_shape
        if not isinstance(sizes, tuple | list) or not all(isinstance(size, int | np.integer) and size > 0 for size in sizes):
            raise ConfigurationError(f"image_shape is (height, width) or (height, width, channels); received {image_shape!r}")
        self.image_shape = None if image_shape is None else tuple(int(size) for size in sizes)
        self.record: dict[str, Any] = {}
        self.profile: RowProfile | None = None

    # -- learning ------------------------------------------------------------------------------------------------

    def fit(
        self,
        x: Rows,
        y: ArrayLike,
        *,
        loss: Loss | str,
        validation_data: tuple[Any, ...] | None = None,
        validation_split: float = 0.0,
        sample_weight: ArrayLike | None = None,
        seed: int = 0,
        **settings: Any,
    ) -> History:
        """Split, fit the preprocessing on the training part, encode the labels and train; `settings` go to `fit`.

        A model that was trained before is trained on: its labels and its preprocessing stay as they are.
        """
        loss = resolve_loss(loss)
        given = validation_parts(validation_data, validation_split)
        check_seed(seed)
        inputs = self.checked_rows(x, "x")
        weight = check_weights(sample_weight, len(inputs))
        with self._as_before_on_error(), unbuilt_on_error(self.network):
            self.task, self.link = loss.task or "regression", loss.link
            targets = targets_of(y, self.task, len(inputs))
            found = self.labels is None and self.task != "regression"
            if found:
                self.labels = found_labels(targets, self.task)
            encoded = self.encoded(targets, "y")
            validation: tuple[Any, ...] | None = None
            if given is not None:
                x_val = self.checked_rows(given[0], "validation x")
                y_val = targets_of(given[1], self.task, len(x_val), "validation ")
                validation = (x_val, self.encoded(y_val, "validation y"), given[2])
            elif validation_split:
                kept, held = held_out(encoded, loss, validation_split, seed)
                validation = (_some(inputs, held), encoded[held], None if weight is None else weight[held])
                inputs, encoded, weight = _some(inputs, kept), encoded[kept], None if weight is None else weight[kept]
            trained = self.network.built and self.network.epochs_seen and self.preprocessing.fitted
            rows = self._preprocessed(inputs, "x", fit=not trained)
            if validation is not None:
                validation = (self._preprocessed(validation[0], "validation x"), *validation[1:])
            if not self.network.built:
                self.network.build(rows.shape[1:], rng=seed)
            self.remember(inputs, anew=not trained)
            labels = self.labels
            self.check_labels(found)
            if labels is not self.labels:  # they are class numbers, and the network has more classes than y showed
                encoded = np.asarray(labels)[encoded]
                validation = validation and (validation[0], np.asarray(labels)[validation[1]], validation[2])
            history = fit(
                self.network, rows, encoded, loss=loss, validation_data=validation, sample_weight=weight, seed=seed, **settings
            )
        last = {name: values[-1] for name, values in history.items() if values}
        self.record = {
            "loss": repr(loss),
            "optimizer": repr(settings.get("optimizer")),
            "seed": seed,
            "epochs": history.epochs,
            "stopped": history.stopped,
            "best_epoch": history.best_epoch,
            "training_rows": len(rows),
            "last": {name: value for name, value in last.items() if np.isfinite(value) and name != "seconds"},
        }
        return history

    # -- use -----------------------------------------------------------------------------------------------------

    def scores(self, x: Rows) -> Array:
        """What the last layer gives for raw rows, (N, outputs)."""
        if not self.network.built or not self.preprocessing.fitted:
            raise NotBuiltError("the model has learned nothing yet: call fit first")
        rows = self._rows(x)
        if not isinstance(rows, Table):
            require_finite(rows, "x")
        return self.network.predict(self._preprocessed(rows, "x"))

    def predict(self, x: Rows) -> Array:
        """Labels (N,) for classes, labels or a boolean matrix for attributes, numbers (N,) or (N, outputs) for regression."""
        scores = self.scores(x)
        if self.task == "multiclass":
            return self._labelled(scores.argmax(axis=1))
        if self.task == "attributes":
            positive = scores > self._threshold
            return self._labelled(positive[:, 0].astype(np.int64)) if scores.shape[1] == 1 else positive
        values = self._means(scores)
        return values[:, 0] if values.shape[1] == 1 else values

    def predict_proba(self, x: Rows) -> Array:
        """Probabilities: (N, classes), with two columns for one sigmoid output; (N, attributes) for attributes.

        Raises ConfigurationError for regression and for hinge losses, whose scores are no probabilities.
        """
        return self.probabilities(self.scores(x))

    def probabilities(self, scores: Array) -> Array:
        """The probabilities that belong to the network's outputs."""
        if self.task is None:
            raise ConfigurationError("the model does not know what its outputs mean: call fit, or give it a task and a link")
        if self.task == "regression" or self.link is None:
            kind = (
                "a regression" if self.task == "regression" else "a network whose scores have no link, as after a hinge loss,"
            )
            raise ConfigurationError(f"{kind} gives no probabilities: use predict or scores, or train with a cross-entropy")
        p = apply_link(scores, self.link)
        return np.concatenate([1 - p, p], axis=1) if p.shape[1] == 1 and self.task == "attributes" else p

    def evaluate(self, x: Rows, y: ArrayLike) -> dict[str, Any]:
        """The measures that suit the task, against true labels or numbers; for classes with the confusion matrix."""
        scores = self.scores(x)
        if not len(scores):
            raise DataError("x is empty: there is no row to evaluate")
        truth = targets_of(y, self.task, len(scores))
        if self.task in ("regression", None):
            values = self._means(scores).astype(np.float64)
            numbers = regression_targets(truth, scores.shape[1], "y")
            return {"rmse": rmse(values, numbers), "mae": mae(values, numbers), "r2": r2(values, numbers)}
        target = self.encoded(truth, "y")
        if self.task == "attributes" and scores.shape[1] > 1:
            return {"accuracy": accuracy(scores, target, threshold=self._threshold, attributes=True)}
        two = scores
        if scores.shape[1] == 1:  # the other class has the rest, so that the largest of the two is the decision
            two = np.concatenate([np.full_like(scores, self._threshold), scores], axis=1)
            target = (numeric_array(target, "y") > 0.5).reshape(-1).astype(np.int64)
        result: dict[str, Any] = {"accuracy": accuracy(two, target), "balanced_accuracy": balanced_accuracy(two, target)}
        if self.link is not None:
            result["log_loss"] = log_loss(self.probabilities(scores), target)
        result["confusion"] = confusion_matrix(two, target)
        return result

    def remember(self, x: Rows, *, anew: bool = True) -> None:
        """Keep what rows like these look like, for `check`; `fit` does it with its training rows."""
        if anew or self.profile is None:
            self.profile = profile_of(self._rows(x), self.preprocessing)

    def check(self, x: Rows) -> "Diagnosis":
        """Hold rows against those of training: inverted, shifted, not scaled as they were; see `doctor.comparing`."""
        if self.profile is None:
            raise ConfigurationError("the model knows nothing of its training rows: call remember(x) with them, or fit")
        from .doctor.comparing import compare  # the doctor stands far below

        rows = encoded(self._rows(x), self.preprocessing)
        return compare(self.profile, rows, names=self.feature_names, image_shape=self.image_shape)

    @property
    def _threshold(self) -> float:
        """Where a yes begins: ½ for probabilities, 0 for logits and for scores of a hinge."""
        return 0.5 if self.link == "identity" else 0.0

    def _means(self, scores: Array) -> Array:
        return apply_link(scores, "exp") if self.link == "exp" else scores

    def __repr__(self) -> str:
        return f"Model({self.network!r}, task={self.task!r}, labels={self.labels!r})"

    # -- labels --------------------------------------------------------------------------------------------------

    def checked_rows(self, x: Rows, name: str) -> Any:
        """Raw rows as the first step of the preprocessing takes them: a table, a column of text, or an array."""
        raw = self._raw(x)
        if isinstance(raw, Table) and not len(raw):
            raise DataError(f"{name} is empty: there is no row to work on")
        return self._rows(check_x(x, name)) if raw is None else raw

    def _raw(self, x: Rows) -> Array | Table | None:
        """`x` as a table or a column of text, (N, 1), where the first step takes one; None for numbers."""
        first = self.preprocessing.steps[0] if self.preprocessing.steps else None
        if isinstance(first, TableEncoder):
            return first.table(x)
        if not isinstance(first, OneHot):
            return None
        column = category_column(x)  # type: ignore[arg-type]
        return column[:, None] if column.dtype.kind == "U" else None

    def _rows(self, x: Rows) -> Any:
        raw = self._raw(x)
        if raw is not None:
            return raw
        rows = numeric_array(x, "x")  # type: ignore[arg-type]
        if rows.ndim < 2:
            raise ShapeError(f"x needs a batch of rows, (N, ...); received shape {rows.shape}: one row is x[None]")
        if self.image_shape is not None and rows.shape[1:] == self.image_shape and self._takes_flat_rows():
            rows = rows.reshape(len(rows), -1)
        return rows

    def _preprocessed(self, rows: Any, name: str, *, fit: bool = False) -> Array:
        if isinstance(rows, Table) and self.feature_names is None:
            self.feature_names = list(rows.names)
        prepared = self.preprocessing.fit_transform(rows) if fit else self.preprocessing.transform(rows)
        require_finite(prepared, f"{name} after preprocessing")
        return prepared

    def _takes_flat_rows(self) -> bool:
        return not self.network.built or len(self.network.in_shape) == 1

    def _labelled(self, indices: Array) -> Array:
        return indices if self.labels is None else np.asarray(self.labels)[indices]

    def encoded(self, y: Array, name: str) -> Array:
        """Labels as 0..C-1; one-hot rows, soft rows and numbers of a regression pass through."""
        if self.task == "regression" or self.labels is None or (y.ndim == 2 and y.shape[1] > 1):
            return y
        known = {label: index for index, label in enumerate(self.labels)}
        if y.dtype.kind in "iu" and all(isinstance(label, str) for label in self.labels):
            known = {index: index for index in range(len(self.labels))}  # class numbers, where the names are text
        flat = [plain_label(label) for label in y.reshape(-1)]
        unknown = next((label for label in flat if label not in known), None)
        if unknown is not None:
            row = flat.index(unknown)
            shown = ", ".join(map(repr, self.labels[:12])) + (", ..." if len(self.labels) > 12 else "")
            raise DataError(f"{name} holds the label {unknown!r} (row {row}), which the model does not know; it knows {shown}")
        encoded = np.array([known[label] for label in flat], dtype=np.int64)
        return encoded[:, None].astype(np.float64) if self.task == "attributes" else encoded

    def check_labels(self, found: bool = False) -> None:
        """One label per output (two for a single one), or a ConfigurationError; class numbers may leave classes out."""
        outputs = self.network.out_shape[0]
        wanted = 2 if self.task == "attributes" and outputs == 1 else outputs
        if self.labels is None or self.task in ("regression", None) or len(self.labels) == wanted:
            return
        numbers = all(type(label) is int and 0 <= label < outputs for label in self.labels)
        if found and numbers and self.task == "multiclass":
            self.labels = list(range(outputs))
            return
        where = "y holds" if found else "the model has"
        raise ConfigurationError(
            f"{where} {len(self.labels)} labels and the network {outputs} output{'s' * (outputs > 1)}: "
            + (f"the last layer needs {len(self.labels)}" if self.task == "multiclass" else f"give {wanted} labels")
            + (", or name every class with Model(labels=[...])" if found and self.task == "multiclass" else "")
        )

    @contextmanager
    def _as_before_on_error(self) -> Iterator[None]:
        """What was found in data that is then refused is forgotten, unless something was learned from it."""
        before = self.labels, self.task, self.link, self.feature_names
        try:
            yield
        except BaseException:
            if not self.network.epochs_seen:
                self.labels, self.task, self.link, self.feature_names = before
            raise


def _some(rows: Any, which: Array) -> Any:
    """Some rows of an array or of a table."""
    return rows.take(which) if isinstance(rows, Table) else rows[which]
