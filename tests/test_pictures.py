"""Pictures: what is drawn is what was given, files are whole PNGs, and nothing needs a display or pyplot."""

import re
import subprocess
import sys

import numpy as np
import pytest

import scratchwork as sw
from scratchwork import pictures
from scratchwork.errors import (
    ConfigurationError,
    DataError,
    MissingDependencyError,
    MissingFileError,
    NotBuiltError,
    ShapeError,
)
from scratchwork.metrics import LARGER_IS_BETTER, METRICS
from scratchwork.parameter import Parameter
from scratchwork.pictures import base

pytest.importorskip("matplotlib")

RNG = np.random.default_rng(0)
HISTORY = {
    "loss": [2.0, 1.0, 0.5, 0.4],
    "accuracy": [0.2, 0.5, 0.7, 0.8],
    "val_loss": [2.1, 1.2, 0.9, 1.1],
    "val_accuracy": [0.1, 0.4, 0.65, 0.6],
    "learning_rate": [0.1, 0.1, 0.05, 0.025],
    "seconds": [1.0, 1.0, 1.0, 1.0],
}


def texts(figure):
    """Every word in the figure, titles and tick labels included."""
    from matplotlib.text import Text

    return [item.get_text() for item in figure.findobj(Text) if item.get_text()]


def tiles(figure):
    """The images drawn, one list of arrays; axes without one do not count."""
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images]


X = RNG.normal(size=(30, 2))
CHANCES = np.eye(3)[RNG.integers(0, 3, 20)]
EVERY_PICTURE = {
    "weights": lambda: pictures.weight_images(X.reshape(12, 5), (3, 4)),
    "digit": lambda: pictures.digit_picture(X[:8], [0.2, 0.8], truth=0),
    "mistakes": lambda: pictures.worst_mistakes(
        X.reshape(20, 3), [0, 1] * 10, CHANCES.argmax(axis=1), CHANCES, image_shape=(1, 3)
    ),
    "curves": lambda: pictures.learning_curves(HISTORY),
    "confusion": lambda: pictures.confusion_picture([[3, 1], [0, 4]]),
    "boundary": lambda: pictures.decision_boundary(lambda rows: rows[:, :1], X, X[:, 0] > 0, resolution=20),
    "fit": lambda: pictures.fit_curve(np.sin, X[:, 0], np.sin(X[:, 0])),
    "activations": lambda: pictures.activation_statistics({"he": [X, X], "zeros": [0 * X, 0 * X]}),
}


@pytest.mark.parametrize("name", EVERY_PICTURE)
def test_files_are_whole_pngs_with_the_same_bytes_each_time(tmp_path, name):
    from PIL import Image

    first, second = tmp_path / "a.png", tmp_path / "b.png"
    pictures.save_picture(EVERY_PICTURE[name](), first)
    pictures.save_picture(EVERY_PICTURE[name](), second)
    assert first.read_bytes() == second.read_bytes()
    assert sorted(tmp_path.iterdir()) == [first, second]
    with Image.open(first) as image:
        image.load()
        assert image.format == "PNG"
        assert min(image.size) > 150
        assert not image.info.keys() & {"Software", "Creation Time", "date"}
        assert len(np.unique(np.asarray(image.convert("L")))) > 5


def test_no_display_and_no_pyplot():
    code = (
        "import sys; from scratchwork import pictures; assert 'matplotlib' not in sys.modules;"
        "pictures.text_image([[1, 2]]); assert 'matplotlib' not in sys.modules;"
        "pictures.confusion_picture([[1, 0], [0, 1]]); pictures.learning_curves({'loss': [1.0]});"
        "pictures.decision_boundary(lambda r: r, [[0, 1], [1, 0]], [0, 1]); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PATH": "", "MPLBACKEND": "agg", "HOME": "/nonexistent"})


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.layout_engine", None)
    with pytest.raises(MissingDependencyError, match=re.escape("pip install 'scratchwork[plot]'")):
        pictures.confusion_picture([[1]])


def test_saving_refuses_what_it_cannot_write(tmp_path):
    figure = pictures.confusion_picture([[1, 0], [0, 1]])
    with pytest.raises(ConfigurationError, match=r"\.png"):
        pictures.save_picture(figure, tmp_path / "a.jpg")
    with pytest.raises(MissingFileError):
        pictures.save_picture(figure, tmp_path / "nowhere" / "a.png")
    (tmp_path / "a.png").write_bytes(b"old")
    figure.savefig = lambda *_, **__: (_ for _ in ()).throw(RuntimeError("stopped half-way"))
    with pytest.raises(RuntimeError, match="half-way"):
        pictures.save_picture(figure, tmp_path / "a.png")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.png", b"old")]


def test_labels_in_other_scripts_and_with_dollar_signs(tmp_path):
    figure = pictures.confusion_picture([[1, 0], [0, 1]], ["漢字", r"$\frac{$ 5"])
    pictures.save_picture(figure, tmp_path / "a.png")
    assert "漢字" in texts(figure)


# Weights


class Net:
    def __init__(self, *values):
        self.values = values

    def parameters(self):
        for number, value in enumerate(self.values):
            yield f"{number}.weight", Parameter(value)


def test_weight_images_are_the_columns_of_the_first_matrix():
    weight = RNG.normal(size=(6, 3))
    for source in (weight, Net(np.zeros(6), weight, np.zeros((3, 2))), type("Model", (), {"network": Net(weight)})()):
        figure = pictures.weight_images(source, (2, 3), ["cat", "dog", "$cow"])
        drawn = [axes for axes in figure.axes if axes.images]
        for column, axes in enumerate(drawn[:3]):
            np.testing.assert_array_equal(axes.images[0].get_array(), weight[:, column].reshape(2, 3))
            low, high = axes.images[0].get_clim()
            assert low == -high
        assert [axes.get_title() for axes in drawn[:3]] == ["cat", "dog", r"\$cow"]


def test_weight_images_of_colour_show_zero_as_grey():
    weight = np.zeros((2 * 2 * 3, 2))
    weight[0, 1] = 5.0
    figure = pictures.weight_images(weight, (2, 2, 3))
    first, second = tiles(figure)
    assert (first == 0.5).all()
    assert second[0, 0, 0] == 1.0


def test_weight_images_stop_at_the_limit_and_say_so():
    figure = pictures.weight_images(RNG.normal(size=(4, 20)), (2, 2), limit=6)
    assert len([axes for axes in figure.axes if axes.get_title().startswith("neuron")]) == 6
    assert "First-layer weights, first 6 of 20 neurons" in texts(figure)
    pictures.weight_images(np.zeros((4, 1)), (2, 2))  # no scale to divide by


def test_weight_images_find_the_shape():
    network = sw.Sequential([sw.Flatten(), sw.Dense(2)])
    network.build((3, 5))
    flat = sw.Sequential([sw.Dense(2)])
    flat.build(9)
    assert [tile.shape for tile in tiles(pictures.weight_images(network))[:2]] == [(3, 5)] * 2
    assert [tile.shape for tile in tiles(pictures.weight_images(sw.Model(network)))[:2]] == [(3, 5)] * 2
    assert [tile.shape for tile in tiles(pictures.weight_images(flat))[:2]] == [(3, 3)] * 2
    flat.build(6)
    assert [tile.shape for tile in tiles(pictures.weight_images(sw.Model(flat, image_shape=(2, 3))))[:2]] == [(2, 3)] * 2
    with pytest.raises(ShapeError, match="no square image"):
        pictures.weight_images(flat)


def test_weight_images_errors():
    with pytest.raises(NotBuiltError, match="train it"):
        pictures.weight_images(Net(), (2, 2))
    with pytest.raises(ShapeError, match="have 9 numbers, and the rows have 4"):
        pictures.weight_images(np.zeros((4, 2)), (3, 3))
    with pytest.raises(ShapeError, match="expected 2 labels"):
        pictures.weight_images(np.zeros((4, 2)), (2, 2), ["a"])
    with pytest.raises(ShapeError, match="an image has the shape"):
        pictures.weight_images(np.zeros((8, 2)), (2, 2, 2))
    with pytest.raises(ConfigurationError, match="limit"):
        pictures.weight_images(np.zeros((4, 2)), (2, 2), limit=0)
    with pytest.raises(DataError, match="NaN"):
        pictures.weight_images(np.full((4, 2), np.nan), (2, 2))


# One image


def bars(figure):
    return [round(float(patch.get_width()), 6) for patch in figure.axes[1].patches]


@pytest.mark.parametrize(
    ("truth", "title"),
    [(None, "Prediction: dog"), ("dog", "Prediction: dog (right)"), (0, "Prediction: dog (wrong, it is cat)")],
)
def test_digit_picture_shows_every_class(truth, title):
    image = RNG.random((4, 6))
    figure = pictures.digit_picture(image, [0.25, 0.75], ["cat", "dog"], truth)
    assert bars(figure) == [0.25, 0.75]
    assert title in texts(figure)
    assert {"0.250", "0.750", "probability"} <= set(texts(figure))
    shown = tiles(figure)[0]
    np.testing.assert_allclose(shown, (image - image.min()) / (image.max() - image.min()))


def test_digit_picture_of_many_classes_keeps_the_likeliest_and_the_true_one():
    scores = np.linspace(-5, 5, 40)
    figure = pictures.digit_picture(np.zeros(16), scores, truth=3)
    words = texts(figure)
    assert len(bars(figure)) == 10
    assert {"3 (true)", "39", "score"} <= set(words)
    assert "30" not in words


@pytest.mark.parametrize("image", [[[np.nan, np.nan]], [[np.nan, 1.0]], [[np.inf, 1.0]], [[7.0, 7.0]]])
def test_digit_picture_of_odd_images(image, tmp_path):
    pictures.save_picture(pictures.digit_picture(image, [0.2, 0.8]), tmp_path / "a.png")


def test_digit_picture_errors():
    with pytest.raises(DataError, match="finite"):
        pictures.digit_picture(np.zeros(16), [0.5, np.nan])
    with pytest.raises(ShapeError, match="no square image"):
        pictures.digit_picture(np.zeros(15), [0.5, 0.5])
    with pytest.raises(DataError, match="'cow', which is no class number"):
        pictures.digit_picture(np.zeros(16), [0.5, 0.5], ["cat", "dog"], "cow")


# Mistakes


def test_worst_mistakes_come_worst_first():
    images = np.arange(6)[:, None] + np.eye(4)[[0, 1, 2, 3, 0, 1]] * 10
    truth = np.array([0, 1, 2, 0, 1, 2])
    chances = np.array([[0.9, 0.1, 0], [0.6, 0.4, 0], [0, 0.3, 0.7], [0.1, 0.8, 0.1], [0, 0.5, 0.5], [0.95, 0.05, 0]])
    said = np.array([0, 0, 2, 1, 1, 0])
    figure = pictures.worst_mistakes(images, truth, said, chances, ["a", "b", "c"], limit=2)
    assert [axes.get_title() for axes in figure.axes] == ["said a, 95 %", "said b, 80 %"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["is c", "is a"]
    np.testing.assert_array_equal([tile.argmax() for tile in tiles(figure)], [1, 3])
    assert "3 mistakes in 6 images, the 2 most confident ones" in texts(figure)
    by_name = pictures.worst_mistakes(
        images, np.array(list("abcabc"))[truth], np.array(list("abc"))[said], chances.max(axis=1), list("abc")
    )
    assert [axes.get_title() for axes in by_name.axes if axes.images] == ["said a, 95 %", "said b, 80 %", "said a, 60 %"]


def test_no_mistakes_is_a_picture_too():
    figure = pictures.worst_mistakes(np.zeros((3, 4)), [0, 1, 1], [0, 1, 1], np.eye(3))
    assert texts(figure) == ["No mistakes in 3 images"]
    assert texts(pictures.worst_mistakes(np.zeros((0, 4)), [], [], np.zeros((0, 2)))) == ["No mistakes in 0 images"]


def test_one_mistake_of_long_names_and_scores():
    names = ["a rather long name of a class", "another name"]
    figure = pictures.worst_mistakes(np.zeros((1, 2, 4, 3)), [1], [0], [[7.5, -3.0]], names)
    assert figure.axes[0].get_title() == "said a rather l…class\n7.5"
    assert "1 mistake in 1 image" in texts(figure)


def test_worst_mistakes_errors():
    with pytest.raises(ShapeError, match="as many rows each"):
        pictures.worst_mistakes(np.zeros((3, 4)), [0, 1], [0, 1, 1], np.eye(3))
    with pytest.raises(ConfigurationError, match="limit"):
        pictures.worst_mistakes(np.zeros((1, 4)), [0], [1], [[0, 1]], limit=0)


# Curves


@pytest.mark.parametrize("name", METRICS)
def test_the_best_epoch_of_every_metric_is_in_its_own_direction(name):
    found = texts(pictures.learning_curves({name: [0.2, 0.3, 0.1]}))
    assert f"best epoch {2 if name in LARGER_IS_BETTER else 3}: {0.3 if name in LARGER_IS_BETTER else 0.1} " in found


def test_learning_curves_draw_every_series_and_mark_the_best_epochs():
    figure = pictures.learning_curves(HISTORY)
    loss, accuracy, rate = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["loss", "accuracy", "learning rate"]
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), HISTORY["loss"])
    np.testing.assert_array_equal(loss.lines[1].get_ydata(), HISTORY["val_loss"])
    np.testing.assert_array_equal(rate.lines[0].get_ydata(), HISTORY["learning_rate"])
    words = " ".join(texts(figure))
    assert "best epoch 3: 0.9" in words  # of the validation loss
    assert "best epoch 3: 0.65" in words
    assert {"training", "validation"} <= {text.get_text() for text in accuracy.texts}
    heights = [text.get_position()[1] for text in accuracy.texts if text.get_text() in ("training", "validation")]
    assert abs(heights[0] - heights[1]) > 0.07


def test_learning_curves_use_a_logarithmic_axis_where_the_loss_falls_far():
    far = pictures.learning_curves({"loss": [1.0, 0.1, 0.001]}).axes[0]
    near = pictures.learning_curves({"loss": [1.0, 0.5]}).axes[0]
    negative = pictures.learning_curves({"loss": [1.0, -0.5]}).axes[0]
    accuracy = pictures.learning_curves({"accuracy": [0.01, 0.9]}).axes[0]
    assert [axes.get_yscale() for axes in (far, near, negative, accuracy)] == ["log", "linear", "linear", "linear"]
    assert far.get_title() == "loss (logarithmic)"


@pytest.mark.parametrize(
    "history",
    [
        {"loss": [1.0]},
        {"loss": [1.0, float("nan"), float("inf")]},
        {"loss": [float("nan")] * 3, "mae": [1.0, 2.0, 3.0]},
        {"loss": [1.0, 0.5], "val_loss": [None, 0.7]},
        {"val_loss": [1.0, 0.7]},
        {"loss": [0.0, 0.0], "learning_rate": [0.1, 0.1]},
        {name: [1.0, 2.0] for name in "abcdefg"},
    ],
    ids=str,
)
def test_learning_curves_of_odd_histories(history, tmp_path):
    figure = pictures.learning_curves(history)
    pictures.save_picture(figure, tmp_path / "a.png")
    assert "learning rate" not in texts(figure)


def test_learning_curves_before_the_first_epoch():
    assert texts(pictures.learning_curves({})) == ["No epochs to draw yet"]
    assert texts(pictures.learning_curves({"loss": []})) == ["No epochs to draw yet"]


def test_activation_statistics():
    layers = [RNG.normal(size=(50, 4)), np.maximum(RNG.normal(size=(50, 4)), 0)]
    figure = pictures.activation_statistics({"he": layers, "zeros": [np.zeros((50, 4))]})
    lines = figure.axes[-1]
    np.testing.assert_allclose(lines.lines[0].get_ydata(), [layer.std() for layer in layers])
    words = texts(figure)
    assert {"he", "zeros", "layer 1", "layer 2"} <= set(words)
    assert any(word.endswith("100 % zero") for word in words)
    counts = [patch.get_height() for patch in figure.axes[0].patches]
    assert sum(counts) == layers[0].size
    pairs = pictures.activation_statistics({"he": [(0.0, 1.0), (0.1, 1e-3)], "zeros": [(0.0, 0.0), (0.0, 0.0)]})
    assert [axes.get_ylabel() for axes in pairs.axes] == ["mean", "standard deviation"]
    assert pairs.axes[1].get_yscale() == "log"
    assert "zeros (all 0)" in texts(pairs)
    for wrong in ({}, {"he": []}, {"he": [(0.0, 1.0), np.zeros(3)]}):
        with pytest.raises(DataError, match="activation_statistics needs"):
            pictures.activation_statistics(wrong)


def test_activations_that_are_not_finite(tmp_path):
    figure = pictures.activation_statistics({"large": [np.full(4, np.nan), np.array([1.0, np.inf, 2.0])]})
    pictures.save_picture(figure, tmp_path / "a.png")
    assert "no finite values" in texts(figure)


# Confusion


def test_confusion_picture_writes_counts_and_shares():
    figure = pictures.confusion_picture([[8, 2, 0], [0, 999, 1], [0, 0, 0]], ["cat", "dog", "cow"])
    cells = {tuple(int(i) for i in text.get_position()): text.get_text() for text in figure.axes[0].texts}
    assert cells == {(0, 0): "8\n80 %", (1, 0): "2\n20 %", (1, 1): "999\n99.9 %", (2, 1): "1\n0.1 %"}
    words = texts(figure)
    assert {"Confusion matrix: 99.7 % right (1007 of 1010)", "predicted", "true", "cow (no rows)"} <= set(words)
    colours = tiles(figure)[0]
    np.testing.assert_array_equal(colours[0, 2], 1.0)  # nothing there: white
    assert colours[0, 0, 2] > colours[0, 0, 0]  # right is blue
    assert colours[0, 1, 0] > colours[0, 1, 2]  # wrong is orange
    np.testing.assert_allclose((1 - colours[0, 1]) / (1 - colours[1, 2]), np.sqrt(0.2 / 0.001))


@pytest.mark.parametrize("size", [1, 2, 12, 13, 30])
def test_confusion_picture_of_any_size_with_long_labels(size, tmp_path):
    matrix = RNG.integers(0, 3, (size, size)) + 900 * np.eye(size, dtype=int)
    figure = pictures.confusion_picture(matrix, [f"a class with a long name {i}" for i in range(size)])
    pictures.save_picture(figure, tmp_path / "a.png")
    assert max(figure.get_size_inches()) < 14
    assert len(figure.axes[0].texts) == np.count_nonzero(matrix)
    assert any("%" in text.get_text() for text in figure.axes[0].texts) == (size <= 12)


def test_confusion_picture_of_a_hundred_classes_has_colours_only():
    figure = pictures.confusion_picture(RNG.integers(1, 9, (100, 100)))
    assert not figure.axes[0].texts
    assert tiles(figure)[0].shape[:2] == (100, 100)


@pytest.mark.parametrize("draw", [pictures.confusion_picture, pictures.text_confusion])
def test_confusion_errors(draw):
    for matrix in (np.zeros((2, 3)), np.zeros(3), np.zeros((0, 0))):
        with pytest.raises(ShapeError, match="one row and one column per class"):
            draw(matrix)
    for value in (-1, np.nan, np.inf):
        with pytest.raises(DataError, match="counts"):
            draw([[1, value], [0, 1]])
    with pytest.raises(ShapeError, match="expected 2 labels"):
        draw([[1, 0], [0, 1]], ["a"])
    assert draw([[0, 0], [0, 0]])


# Boundaries and curves of a fit


XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


def regions(figure):
    """The class drawn at each corner: which of the palette's colours its tint is nearest to."""
    from matplotlib.colors import to_rgb

    tint = 1.0 - np.asarray(figure.axes[0].images[0].get_array())
    palette = 1.0 - np.array([to_rgb(colour) for colour in base.COLOURS])
    directions = palette / np.linalg.norm(palette, axis=1, keepdims=True)
    return [int(np.argmax(directions @ tint[row, column])) for row in (0, -1) for column in (0, -1)]


def exactly_one(rows):
    return (rows[:, 0] > 0.5) != (rows[:, 1] > 0.5)


@pytest.mark.parametrize(
    "predict",
    [
        lambda rows: exactly_one(rows).astype(int),
        lambda rows: np.where(exactly_one(rows), 0.9, 0.2)[:, None],
        lambda rows: np.where(exactly_one(rows), 0.3, -3.0),
        lambda rows: np.stack([1.0 - exactly_one(rows), 1.0 * exactly_one(rows)], axis=1),
        lambda rows: np.stack([-5.0 * exactly_one(rows), 5.0 * exactly_one(rows)], axis=1),
        lambda rows: np.where(exactly_one(rows), "yes", "no"),
        type("Model", (), {"predict": lambda self, rows: exactly_one(rows).astype(int)})(),
    ],
)
def test_decision_boundary_understands_scores_probabilities_and_classes(predict):
    figure = pictures.decision_boundary(predict, XOR, [0, 1, 1, 1], labels=["no", "yes"], resolution=30)
    assert regions(figure) == [0, 1, 1, 0]
    words = texts(figure)
    assert {"Decision boundary: 75.0 % of 4 points right", "misread (1)", "no", "yes", "x₁", "x₂"} <= set(words)
    same = pictures.decision_boundary(predict, XOR, np.eye(2)[[0, 1, 1, 0]], labels=["no", "yes"], resolution=30)
    assert not any(word.startswith("misread") for word in texts(same))


def test_decision_boundary_takes_names_and_one_class():
    figure = pictures.decision_boundary(exactly_one, XOR[:2], ["yes", "yes"], labels=["no", "yes"], resolution=5)
    assert "Decision boundary: 50.0 % of 2 points right" in texts(figure)
    pictures.decision_boundary(lambda rows: np.zeros((len(rows), 12)), XOR, [0, 11, 3, 4], resolution=5)


def test_decision_boundary_knows_the_names_that_a_model_has():
    class Model:
        labels = ("no", "yes")

        def predict(self, rows):
            return np.where(exactly_one(rows), "yes", "no")

    figure = pictures.decision_boundary(Model(), XOR, ["no", "yes", "yes", "no"], resolution=5)
    assert {"Decision boundary: 100.0 % of 4 points right", "no", "yes"} <= set(texts(figure))


def test_decision_boundary_of_a_model_whose_labels_are_numbers():
    for labels in ([1, 2], None):
        figure = pictures.decision_boundary(lambda rows: 1 + exactly_one(rows), XOR, [1, 2, 2, 1], labels=labels, resolution=5)
        assert "Decision boundary: 100.0 % of 4 points right" in texts(figure)


def test_decision_boundary_errors():
    for x in (np.zeros((4, 3)), np.zeros(4), np.zeros((0, 2))):
        with pytest.raises(ShapeError, match="rows of two features"):
            pictures.decision_boundary(exactly_one, x, [0] * len(x))
    with pytest.raises(ShapeError, match="4 rows and y has 3"):
        pictures.decision_boundary(exactly_one, XOR, [0, 1, 1])
    with pytest.raises(ShapeError, match="predict was given"):
        pictures.decision_boundary(lambda rows: rows[:3], XOR, [0, 1, 1, 0])
    with pytest.raises(DataError, match="the prediction holds NaN"):
        pictures.decision_boundary(lambda rows: np.full(len(rows), np.nan), XOR, [0, 1, 1, 0])
    with pytest.raises(DataError, match="x holds NaN"):
        pictures.decision_boundary(exactly_one, XOR * np.nan, [0, 1, 1, 0])
    with pytest.raises(ConfigurationError, match="resolution"):
        pictures.decision_boundary(exactly_one, XOR, [0, 1, 1, 0], resolution=1)


def test_fit_curve_draws_the_prediction():
    x = np.linspace(0, 1, 20, dtype=np.float32)[:, None]
    figure = pictures.fit_curve(lambda rows: 2 * rows, x, 2 * x + 0.5)
    line = figure.axes[0].lines[0]
    np.testing.assert_allclose(line.get_ydata(), 2 * line.get_xdata(), atol=1e-6)
    assert line.get_xdata()[0] == pytest.approx(-0.05)
    assert "Fit: root mean squared error 0.5" in texts(figure)
    np.testing.assert_allclose(figure.axes[0].collections[0].get_offsets(), np.hstack([x, 2 * x + 0.5]), atol=1e-6)
    for wrong in ((x, x[:3]), (np.zeros((3, 2)), x[:3]), (x[:0], x[:0])):
        with pytest.raises(ShapeError):
            pictures.fit_curve(lambda rows: rows, *wrong)
    with pytest.raises(ShapeError, match="one number per row"):
        pictures.fit_curve(lambda rows: np.hstack([rows, rows]), x, x)
