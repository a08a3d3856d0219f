"""What a trained model does on rows whose answer is known: in numbers, as text for a terminal, and as pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Array
from ..data import AnyData, Table, TableData
from ..data.kinds import missing_in
from ..errors import ConfigurationError, DataError, MissingDependencyError, ShapeError
from ..metrics import roc_auc
from ..model import Model
from .building import Part, plain_labels

MISTAKES_SHOWN = 8


@dataclass(frozen=True)
class Answers:
    """What a classifier said about each row: class numbers of the model, and how sure it was."""

    truth: Array
    said: Array
    confidence: Array  # (N, C): probabilities, or scores where the loss gives none
    confusion: Array

    @property
    def right(self) -> int:
        """How many rows were said right."""
        return int((self.truth == self.said).sum())

    def worst(self) -> Array:
        """The rows that were said wrong, the surest mistakes first."""
        wrong = np.flatnonzero(self.truth != self.said)
        sure = self.confidence[wrong, self.said[wrong]]
        found: Array = wrong[np.argsort(-sure, kind="stable")]
        return found

    def __len__(self) -> int:
        return len(self.truth)


@dataclass(frozen=True)
class Result:
    """The measures of a model on some rows, and for classes the answers."""

    measures: dict[str, float]
    answers: Answers | None = None

    def finite(self) -> dict[str, Any]:
        """The measures that are numbers; JSON has no others."""
        return {name: float(value) for name, value in self.measures.items() if np.isfinite(value)}

    def to_dict(self) -> dict[str, Any]:
        """All of it for test.json."""
        found: dict[str, Any] = self.finite()
        if self.answers is not None:
            found |= {"rows": len(self.answers), "right": self.answers.right, "confusion": self.answers.confusion.tolist()}
        return found


def measure(model: Model, dataset: AnyData, part: Part) -> Result:
    """Evaluate the model on rows of a data set, whose classes may be other ones in another order."""
    check_columns(model, dataset)
    if not len(part):
        raise DataError(f"{dataset.name} has no rows to measure on")
    return measured(model, dataset, part)


def measured(model: Model, dataset: AnyData, part: Part) -> Result:
    """The measures of a model on a part whose rows are as the model takes them."""
    if model.task == "regression":
        return Result(model.evaluate(part.x, amounts(dataset, part.y)))
    if dataset.labels is None:
        raise DataError(
            f"the model tells classes apart, and the target {dataset.target_name!r} of {dataset.name} is numbers: "
            "name the right column with --target"
        )
    names = np.array(as_known(dataset.labels, model.labels))[part.y]
    found = model.evaluate(part.x, names)
    confusion = found.pop("confusion")
    scores = model.scores(part.x)
    confidence = class_confidence(model, scores)
    labels = model.labels or list(range(confidence.shape[1]))
    place = {label: number for number, label in enumerate(labels)}
    truth = np.array([place[name] for name in names.tolist()], np.intp)
    area = ranking(model, scores, truth)
    if area is not None:
        found["roc_auc"] = area
    return Result(found, Answers(truth, confidence.argmax(axis=1), confidence, confusion))


def as_known(labels: Sequence[str], known: Sequence[Any] | None) -> list[Any]:
    """The class names of a file as those of a model: text where they are text, and true for True."""
    if known is None or not all(isinstance(label, str) for label in known):
        return plain_labels(tuple(labels))
    lower = {label.lower(): label for label in known}
    if len(lower) < len(known):
        return list(labels)
    return [label if label in known else lower.get(label.lower(), label) for label in labels]


def ranking(model: Model, scores: Array, truth: Array) -> float | None:
    """The area under the ROC curve: for two classes by the scores, for more the mean of each against the rest.

    None where it is not defined: for several classes whose scores are no probabilities, and where only one class occurs.
    """
    if scores.shape[1] <= 2:
        area = roc_auc(scores[:, -1] - (scores[:, 0] if scores.shape[1] == 2 else 0), truth)
    elif model.link is not None:
        area = roc_auc(model.probabilities(scores), truth)
    else:
        return None
    return area if np.isfinite(area) else None


def amounts(dataset: AnyData, y: Array) -> Array:
    """Targets as numbers, also where few whole numbers were taken for classes."""
    if dataset.labels is None:
        return y
    try:
        return np.array([float(label) for label in dataset.labels], np.float32)[y]
    except ValueError:
        raise DataError(f"the model predicts numbers, and the target {dataset.target_name!r} is text") from None


def class_confidence(model: Model, scores: Array) -> Array:
    """(N, C): probabilities where the model has any, otherwise its scores (two columns for one score)."""
    try:
        return model.probabilities(scores)
    except ConfigurationError:
        return np.concatenate([-scores, scores], axis=1) if scores.shape[1] == 1 else scores


def check_columns(model: Model, dataset: AnyData) -> None:
    """ShapeError where the rows are not as wide as those the model was trained on; those of a table are found by name."""
    if isinstance(dataset, TableData):
        return
    expected = int(np.prod(model.network.in_shape)) if not model.preprocessing.steps else None
    names = model.feature_names
    expected = len(names) if names is not None else expected
    if expected is not None and dataset.x.shape[1] != expected:
        raise ShapeError(
            f"the model was trained on rows of {expected} numbers, those of {dataset.name} have {dataset.x.shape[1]}"
        )


# As text


def cell_text(table: Table, name: str, row: int) -> str:
    """A cell as a reader would write it; - where it is missing."""
    column, kind = table[name], table.kind(name)
    value = column[row]
    if missing_in(column[row : row + 1])[0]:
        return "-"
    if kind == "boolean":
        return "yes" if value else "no"
    if kind == "number":
        return f"{value:g}" if abs(value) < 1e5 or not float(value).is_integer() else f"{int(value)}"
    return str(value).removesuffix("T00:00:00.000000").removesuffix(".000000") if kind == "date" else str(value)


def measures_line(measures: dict[str, float]) -> str:
    """accuracy 0.9833   balanced accuracy 0.983 ..."""
    return "   ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in measures.items())


def mistakes_text(model: Model, dataset: AnyData, part: Part, answers: Answers, width: int = 80) -> str:
    """The most confident mistakes: images side by side, or a line for each row."""
    worst = answers.worst()[:MISTAKES_SHOWN]
    labels = model.labels or list(range(answers.confidence.shape[1]))
    fractions = model.link is not None
    captions = []
    for row in worst:
        value = answers.confidence[row, answers.said[row]]
        size = f"{100 * value:.0f} %" if fractions else f"{value:.2g}"
        said, true = (_short(str(labels[numbers[row]])) for numbers in (answers.said, answers.truth))
        captions.append((f"said {said}, {size}", f"is {true}, row {part.rows[row]}"))
    if dataset.image_shape is None or dataset.image_shape[1] > 64:
        return "\n".join(f"  {said}; {true}" for said, true in captions)
    return _beside([part.x[row] for row in worst], captions, dataset.image_shape, width)


def _short(label: str) -> str:
    return label if len(label) <= 24 else label[:23] + "…"


def _beside(images: list[Array], captions: list[tuple[str, str]], shape: tuple[int, ...], width: int) -> str:
    """Text images in rows, each with two lines above it."""
    from ..pictures import text_image

    drawn = [text_image(image, image_shape=shape, width=24).split("\n") for image in images]
    cell = max([2 * min(shape[1], 12), *(len(line) for pair in captions for line in pair)]) + 2
    columns = max(1, (width - 2) // cell)
    shown = len(drawn) if shape[0] <= 12 else columns  # one line of larger images
    lines: list[str] = []
    for start in range(0, min(len(drawn), shown), columns):
        group = range(start, min(start + columns, len(drawn)))
        blocks = [[*captions[index], *drawn[index]] for index in group]
        for height in range(max(len(block) for block in blocks)):
            cells = [block[height] if height < len(block) else "" for block in blocks]
            lines.append(("  " + "".join(text.ljust(cell) for text in cells)).rstrip())
        lines.append("")
    return "\n".join(lines[:-1])


# As pictures


def draw_pictures(folder: Path, model: Model, dataset: AnyData, part: Part, result: Result, history: Any) -> None:
    """Every picture that suits the model and the data, as PNG files in the folder; needs matplotlib."""
    from .. import pictures

    answers, shape = result.answers, dataset.image_shape
    drawn = {"learning-curve": pictures.learning_curves(history)}
    if answers is not None:
        drawn["confusion-matrix"] = pictures.confusion_picture(answers.confusion, model.labels)
    if answers is not None and shape is not None:
        drawn["worst-mistakes"] = pictures.worst_mistakes(
            part.x, answers.truth, answers.said, answers.confidence, model.labels, shape
        )
    columns = len(dataset.feature_names) if not isinstance(dataset, TableData) else 0  # of numbers that can be drawn
    if answers is not None and shape is None and columns == 2:
        drawn["decision-boundary"] = pictures.decision_boundary(
            lambda points: class_confidence(model, model.scores(points)), part.x, answers.truth, labels=model.labels
        )
    if answers is None and columns == 1 and part.y.ndim == 1:
        drawn["fit"] = pictures.fit_curve(model, part.x, part.y)
    for name, figure in drawn.items():
        pictures.save_picture(figure, folder / f"{name}.png")
    if shape is not None:
        draw_weights(folder / "weights.png", model)


def draw_weights(path: Path, model: Model) -> None:
    """The first layer's weights as pictures, with the class names where the first layer is the last."""
    from .. import pictures

    assert model.image_shape is not None
    dense = [layer for layer in model.network.layers if next(layer.parameters(), None) is not None]
    labels = model.labels if len(dense) == 1 and model.task == "multiclass" else None
    pictures.save_picture(pictures.weight_images(model, model.image_shape, labels), path)


def can_draw() -> str:
    """ "" where matplotlib is there, else the sentence that says what is missing."""
    import importlib.util

    if importlib.util.find_spec("matplotlib") is not None:
        return ""
    return str(MissingDependencyError("no pictures: they need matplotlib (pip install 'scratchwork[plot]')"))
