"""The thing one ships: preprocessing, network and the meaning of its outputs, in one object."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array, Shape, numeric_array, require_finite
from .data.checks import check_x
from .data.splits import split_indices
from .errors import ConfigurationError, DataError, NotBuiltError, ShapeError
from .history import History
from .layers import Sigmoid, Softmax
from .losses import Loss
from .metrics import accuracy, balanced_accuracy, confusion_matrix, log_loss, mae, r2, rmse
from .preparation import as_classes, resolve_loss
from .preprocessing import Chain, Transformer
from .sequential import Sequential
from .training import fit

TASKS = ("multiclass", "attributes", "regression")
LINKS = ("softmax", "sigmoid", "identity", "exp", None)


class Model:
    """Raw rows in, labels or numbers out: the preprocessing and the label names travel with the network.

    Parameters
    ----------
    network : Sequential
        Built by `fit`, or already trained.
    preprocessing : sequence of Transformer
        Fitted on the training part only, applied in order.
    labels : sequence of str, int or float, optional
        The class of each output (multiclass), the two classes of one output, or the names of the attributes. `fit` finds
        them in `y` where they are not given.
    task : "multiclass", "attributes" or "regression", optional
        Taken from the loss by `fit` where it is not given.
    link : "softmax", "sigmoid", "identity", "exp" or None
        What turns the network's outputs into probabilities or means; taken from the loss by `fit`.
    feature_names, target_name, image_shape
        What columns and pictures are called; kept with the model.

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
            raise ConfigurationError(f"a Model holds a Sequential; received {network!r}")
        if task is not None and task not in TASKS:
            raise ConfigurationError(f"task is one of {', '.join(TASKS)}; received {task!r}")
        if link not in LINKS:
            raise ConfigurationError(f"link is one of softmax, sigmoid, identity, exp or None; received {link!r}")
        self.network = network
        self.preprocessing = preprocessing if isinstance(preprocessing, Chain) else Chain(list(preprocessing))
        self.labels = None if labels is None else [_plain(label) for label in labels]
        self.task, self.link = task, link
        self.feature_names = None if feature_names is None else [str(name) for name in feature_names]
        self.target_name = target_name
        self.image_shape = None if image_shape is None else tuple(int(size) for size in image_shape)
        self.record: dict[str, Any] = {}

    # -- learning ------------------------------------------------------------------------------------------------

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        *,
        loss: Loss | str,
        validation_data: tuple[Any, ...] | None = None,
        validation_split: float = 0.0,
        sample_weight: ArrayLike | None = None,
        seed: int = 0,
        **settings: Any,
    ) -> History:
        """Split, fit the preprocessing on the training part, encode the labels and train; `settings` go to `fit`."""
        loss = resolve_loss(loss)
        inputs = self._rows(check_x(x))
        targets = np.asarray(y)
        if targets.ndim == 0 or len(inputs) != len(targets):
            raise ShapeError(
                f"x has {len(inputs)} rows and y has {targets.shape or 'none'}: every row needs exactly one target"
            )
        self.task, self.link = loss.task or "regression", loss.link
        if self.labels is None and self.task != "regression":
            self.labels = _found_labels(targets, loss.task)
        encoded = self._encoded(targets, "y")
        weight = None if sample_weight is None else np.asarray(sample_weight)
        if validation_data is not None:
            x_val, y_val, *rest = validation_data
            validation = (self._rows(x_val), self._encoded(np.asarray(y_val), "validation y"), *rest)
        elif validation_split:
            kept, held = split_indices(as_classes(encoded, loss.task), validation_split, seed=seed)
            validation = (inputs[held], encoded[held], *(() if weight is None else (weight[held],)))
            inputs, encoded, weight = inputs[kept], encoded[kept], None if weight is None else weight[kept]
        else:
            validation = None
        rows = self.preprocessing.fit_transform(inputs)
        if validation is not None:
            validation = (self.preprocessing.transform(validation[0]), *validation[1:])
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

    def scores(self, x: ArrayLike) -> Array:
        """What the last layer gives for raw rows, (N, outputs)."""
        if not self.network.built or not self.preprocessing.fitted:
            raise NotBuiltError("the model has learned nothing yet: call fit first")
        rows = self._rows(x)
        require_finite(rows, "x")
        return self.network.predict(self.preprocessing.transform(rows))

    def predict(self, x: ArrayLike) -> Array:
        """Labels (N,) for classes, labels or a boolean matrix for attributes, numbers (N,) or (N, outputs) for regression."""
        scores = self.scores(x)
        if self.task == "multiclass":
            return self._labelled(scores.argmax(axis=1))
        if self.task == "attributes":
            positive = scores > 0
            return self._labelled(positive[:, 0].astype(np.int64)) if scores.shape[1] == 1 else positive
        values = np.exp(scores) if self.link == "exp" else scores
        return values[:, 0] if values.shape[1] == 1 else values

    def predict_proba(self, x: ArrayLike) -> Array:
        """Probabilities: (N, classes), with two columns for one sigmoid output; (N, attributes) for attributes.

        Raises ConfigurationError for regression and for hinge losses, whose scores are no probabilities.
        """
        return self.probabilities(self.scores(x))

    def probabilities(self, scores: Array) -> Array:
        """The probabilities that belong to the network's outputs."""
        if self.task == "regression" or self.link is None:
            kind = "a regression" if self.task == "regression" else "a network trained with a hinge loss"
            raise ConfigurationError(f"{kind} gives no probabilities: use predict or scores, or train with a cross-entropy")
        if self.link == "softmax":
            return Softmax().forward(scores)[0]
        if self.link == "sigmoid":
            p = Sigmoid().forward(scores)[0]
            return np.concatenate([1 - p, p], axis=1) if p.shape[1] == 1 and self.task == "attributes" else p
        return scores

    def evaluate(self, x: ArrayLike, y: ArrayLike) -> dict[str, Any]:
        """The measures that suit the task, against true labels or numbers; for classes with the confusion matrix."""
        scores = self.scores(x)
        truth = np.asarray(y)
        if len(truth) != len(scores) or not len(truth):
            raise DataError(f"x has {len(scores)} rows and y has {len(truth)}")
        if self.task == "regression":
            numbers = numeric_array(truth, "y", np.float64)
            require_finite(numbers, "y")
            values = np.exp(scores) if self.link == "exp" else scores
            values = values.astype(np.float64)
            numbers = numbers.reshape(len(numbers), -1)
            if numbers.shape != values.shape:
                raise ShapeError(f"y has rows of {numbers.shape[1]} numbers, the model predicts {values.shape[1]}")
            return {"rmse": rmse(values, numbers), "mae": mae(values, numbers), "r2": r2(values, numbers)}
        target = self._encoded(truth, "y")
        if self.task == "attributes" and scores.shape[1] > 1:
            return {"accuracy": float(((scores > 0) == (target > 0)).mean())}
        two = np.concatenate([np.zeros_like(scores), scores], axis=1) if scores.shape[1] == 1 else scores
        classes = target.reshape(-1) if target.ndim == 1 or target.shape[1] == 1 else target.argmax(axis=1)
        result: dict[str, Any] = {
            "accuracy": accuracy(two, classes.astype(np.int64)),
            "balanced_accuracy": balanced_accuracy(two, classes.astype(np.int64)),
        }
        if self.link is not None:
            result["log_loss"] = log_loss(self.probabilities(scores), classes.astype(np.int64))
        result["confusion"] = confusion_matrix(two, classes.astype(np.int64))
        return result

    def __repr__(self) -> str:
        return f"Model({self.network!r}, task={self.task!r}, labels={self.labels!r})"

    # -- labels --------------------------------------------------------------------------------------------------

    def _rows(self, x: ArrayLike) -> Array:
        rows = numeric_array(x, "x")
        if rows.ndim < 2:
            raise ShapeError(f"x needs a batch of rows, (N, ...); received shape {rows.shape}: one row is x[None]")
        if self.image_shape is not None and rows.shape[1:] == self.image_shape and self._takes_flat_rows():
            rows = rows.reshape(len(rows), -1)
        return rows

    def _takes_flat_rows(self) -> bool:
        return not self.network.built or len(self.network.in_shape) == 1

    def _labelled(self, indices: Array) -> Array:
        return indices if self.labels is None else np.asarray(self.labels)[indices]

    def _encoded(self, y: Array, name: str) -> Array:
        """Labels as 0..C-1; one-hot rows, soft rows and numbers of a regression pass through."""
        if self.task == "regression" or self.labels is None or (y.ndim == 2 and y.shape[1] > 1):
            return y
        known = {label: index for index, label in enumerate(self.labels)}
        flat = [_plain(label) for label in y.reshape(-1)]
        unknown = next((label for label in flat if label not in known), None)
        if unknown is not None:
            row = flat.index(unknown)
            shown = ", ".join(map(repr, self.labels[:12])) + (", ..." if len(self.labels) > 12 else "")
            raise DataError(f"{name} holds the label {unknown!r} (row {row}), which the model does not know; it knows {shown}")
        encoded = np.array([known[label] for label in flat], dtype=np.int64)
        return encoded[:, None].astype(np.float64) if self.task == "attributes" else encoded


def _found_labels(y: Array, task: str | None) -> list[Any] | None:
    if y.ndim == 2 and y.shape[1] > 1:
        return None
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        require_finite(y, "y")
    if y.dtype == object and len({type(label) for label in y.reshape(-1)}) > 1:
        raise DataError("y mixes labels of different types: use text or whole numbers for all of them")
    labels = [_plain(label) for label in np.unique(y)]
    if any(isinstance(label, float) and not label.is_integer() for label in labels):
        raise DataError("y holds numbers with fractions where class labels belong: use a regression loss, or whole labels")
    if task == "attributes" and len(labels) > 2:
        raise DataError(f"y holds {len(labels)} labels where one output tells two apart: use SoftmaxCrossEntropy")
    if len(labels) < 2:
        only = labels[0] if labels else "nothing"
        raise DataError(f"y holds one class only ({only!r}): there is nothing to tell apart, at least two are needed")
    return labels


def _plain(label: Any) -> Any:
    """A label as JSON can write it: Python's own int, float, str or bool."""
    value = label.item() if isinstance(label, np.generic) else label
    return int(value) if isinstance(value, float) and value.is_integer() else value
