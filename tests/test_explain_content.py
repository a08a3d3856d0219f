"""What a walkthrough consists of: nothing is changed, every name has its page, code of one's own is shown."""

import copy
import inspect

import numpy as np
import pytest

import scratchwork as sw
from formula_values import check_equations
from scratchwork.explain import loss_pages, pages, update_pages
from scratchwork.explain.content import document_of
from scratchwork.explain.document import ImageProduct, Numbers, Prose, Quoted, Rewritten, Table, shown_entries
from scratchwork.layers import LAYERS
from scratchwork.losses import LOSSES
from scratchwork.optimizers import OPTIMIZERS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4))
LABELS = np.array([0, 1, 2, 1, 0, 2])


def blocks(document, kind):
    return [block for section in document.sections for block in section.blocks if isinstance(block, kind)]


def arrays(document):
    return {block.name: block.array for block in blocks(document, Numbers)}


def words(document):
    return " ".join(block.text for block in blocks(document, Prose))


# -- every name has its page ------------------------------------------------------------------------------------------


def test_every_layer_loss_and_optimizer_is_described():
    assert {name for name in LAYERS if name not in pages.LAYER_PAGES} == set()
    assert {name for name in LOSSES if name not in loss_pages.LOSS_PAGES} == set()
    assert {kind.__name__ for kind in OPTIMIZERS.values() if kind.__name__ not in update_pages.RULES} == set()
    for name, kind in LAYERS.items():
        assert name == kind.__name__, "pages are found by the name of the class"


# -- nothing is changed ------------------------------------------------------------------------------------------------


def test_the_network_stays_as_it_was():
    network = sw.Sequential([sw.Dense(5), sw.BatchNorm(), sw.ReLU(), sw.Dropout(0.3), sw.Dense(3)])
    sw.fit(network, X, LABELS, loss="softmax_cross_entropy", optimizer="adam", epochs=2, progress=False)
    before = copy.deepcopy(network)
    flat = network.flat()
    x = X.copy()
    optimizer = sw.Adam(0.1)
    document_of(network, x, LABELS, loss=sw.SoftmaxCrossEntropy(), optimizer=optimizer, regularizer=sw.L2(0.1), row=2)
    assert (network.steps_seen, network.epochs_seen) == (before.steps_seen, before.epochs_seen)
    assert network.flat() is flat
    for now, was in zip([*network.parameters()], [*before.parameters()], strict=True):
        np.testing.assert_array_equal(now[1].value, was[1].value)
        np.testing.assert_array_equal(now[1].grad, was[1].grad)
        assert now[1].value.dtype == np.float32
    for now, was in zip(network.buffers(), before.buffers(), strict=True):
        np.testing.assert_array_equal(now[1], was[1])
    np.testing.assert_array_equal(x, X)
    assert all("forward" not in vars(layer) for layer in network.leaves())


def test_an_unbuilt_network_stays_unbuilt_and_is_shown_as_fit_would_start_it():
    network = sw.Sequential([sw.Dense(3)])
    shown = arrays(document_of(network, X, LABELS, loss=sw.SoftmaxCrossEntropy(), optimizer="sgd"))
    assert not network.built
    network.build((4,), rng=0)
    np.testing.assert_array_equal(shown["forward/0/weight"], network.layers[0].weight.value)


def test_a_step_is_the_first_one_of_fit():
    """The update that is shown is that of a training of one step, up to float32."""
    layers = lambda: [sw.Dense(5), sw.BatchNorm(), sw.Tanh(), sw.Dropout(0.4), sw.Dense(3, weight_constraint=sw.MaxNorm(1.0))]  # noqa: E731
    network = sw.Sequential(layers())
    network.build((4,), rng=0)
    settings = {
        "loss": sw.SoftmaxCrossEntropy(),
        "optimizer": sw.SGD(0.1, momentum=0.9),
        "regularizer": sw.ElasticNet(0.01, 0.02),
    }
    document = document_of(network, X, LABELS, neuron="4:0", **settings)
    sw.fit(network, X, LABELS, epochs=1, batch_size=None, shuffle=False, engine="numpy", progress=False, **settings)
    shown = arrays(document)
    for path in ("0", "4"):
        for name, parameter in network.layers[int(path)].parameters():
            np.testing.assert_allclose(shown[f"update/{path}/{name}/after"], parameter.value, atol=2e-6)


def test_settings_of_a_parameter_go_along():
    network = sw.Sequential([sw.Dense(3)])
    network.build((4,))
    weight = network.layers[0].weight
    weight.learning_rate_factor, weight.regularizer = 0.0, sw.L1(0.5)
    document = document_of(network, X, LABELS, loss=sw.SoftmaxCrossEntropy(), optimizer="adam")
    shown = arrays(document)
    np.testing.assert_array_equal(shown["update/0/weight/after"], weight.value)
    np.testing.assert_allclose(
        shown["update/0/weight/grad"] - shown["update/0/weight/loss_grad"], 0.5 * np.sign(weight.value), rtol=1e-12
    )
    check_equations(document)


# -- rows -----------------------------------------------------------------------------------------------------------------


def test_one_row_goes_alone_where_rows_do_not_meet():
    network = sw.Sequential([sw.Dense(3)])
    document = document_of(network, X, LABELS, loss=sw.SoftmaxCrossEntropy(), optimizer="sgd", row=4)
    alone = document_of(network, X[4:5], LABELS[4:5], loss=sw.SoftmaxCrossEntropy(), optimizer="sgd")
    for name, array in arrays(alone).items():
        np.testing.assert_array_equal(arrays(document)[name], array)
    assert arrays(document)["loss/row"] == arrays(document)["loss/value"]


class Centred(sw.Layer):
    """Subtracts the mean of the batch: rows meet in it, and the library cannot know."""

    def build(self, in_shape, rng, dtype):
        return in_shape

    def forward(self, x, *, training=False, step=0):
        return x - x.mean(axis=0), None

    def backward(self, dy, cache, *, need_dx=True):
        return dy - dy.mean(axis=0)


def test_rows_that_meet_in_a_layer_of_ones_own_stay_together():
    document = document_of(sw.Sequential([Centred(), sw.Dense(3)]), X, LABELS, loss=sw.SoftmaxCrossEntropy(), row=5)
    shown = arrays(document)
    np.testing.assert_allclose(shown["forward/0/y"], X[5] - X.mean(axis=0))
    assert shown["loss/row"] != shown["loss/value"]
    assert "batch of 6 rows" in words(document)


def test_of_a_large_batch_the_rows_around_are_taken():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(3000, 2)), rng.integers(0, 2, 3000)
    network = sw.Sequential([sw.BatchNorm(), sw.Dense(2)])
    for row in (0, 1500, 2999):
        shown = arrays(document_of(network, x, y, loss=sw.SoftmaxCrossEntropy(), row=row))
        np.testing.assert_array_equal(shown["forward/0/x"], x[row])


def test_a_single_row_without_its_batch_axis():
    network = sw.Sequential([sw.Dense(3)])
    network.build((4,))
    document = document_of(network, X[0], 2, loss=sw.SoftmaxCrossEntropy())
    np.testing.assert_array_equal(arrays(document)["input/x"], X[0])
    np.testing.assert_array_equal(arrays(document)["loss/target"], [2])


def test_without_a_loss_there_is_the_forward_alone():
    for document in (
        document_of(sw.Sequential([sw.Dense(3)]), X),
        document_of(sw.Sequential([sw.Dense(3)]), X, None, loss=sw.SoftmaxCrossEntropy(), optimizer="adam"),
    ):
        assert {section.kind for section in document.sections} == {"input", "forward"}
    kinds = {
        section.kind for section in document_of(sw.Sequential([sw.Dense(3)]), X, LABELS, loss=sw.SoftmaxCrossEntropy()).sections
    }
    assert kinds == {"input", "forward", "loss", "backward"}


# -- code of one's own -----------------------------------------------------------------------------------------------------


class Squash(sw.Layer):
    """A layer of one's own.

    ::

        Forward    y = k x / (1 + |x|)
        Backward   dx = k dy / (1 + |x|)²
    """

    wrong = 1.0

    def build(self, in_shape, rng, dtype):
        self.k = sw.Parameter(np.full(in_shape, 2.0, dtype))
        return in_shape

    def parameters(self):
        yield "k", self.k

    def forward(self, x, *, training=False, step=0):
        if not np.isfinite(x).all():
            raise ArithmeticError("this line did not run")
        return self.k.value * x / (1 + np.abs(x)), x

    def backward(self, dy, cache, *, need_dx=True):
        self.k.grad[...] = (dy * cache / (1 + np.abs(cache))).sum(axis=0)
        return self.wrong * dy * self.k.value / (1 + np.abs(cache)) ** 2


class Wrong(Squash):
    """The same with a wrong derivative."""

    wrong = 1.5


class Quartic(sw.Loss):
    """The fourth power of the error."""

    def value_and_grad(self, prediction, target, weight=None):
        error = prediction - target
        return float((error**4).mean()), 4 * error**3 / error.size


class SignDescent(sw.Optimizer):
    """A step of the same length for every number."""

    def init(self, value):
        return {"steps": np.zeros_like(value)}

    def update(self, value, grad, state, *, step, learning_rate):
        state["steps"] += 1
        value -= learning_rate * np.sign(grad)


def test_a_layer_a_loss_and_an_optimizer_of_ones_own():
    network = sw.Sequential([sw.Dense(3), Squash(), sw.Dense(2)])
    y = RNG.normal(size=(6, 2))
    document = document_of(network, X, y, loss=Quartic(), optimizer=SignDescent(0.5), row=3, neuron="1:2")
    shown = arrays(document)
    squashed = 2 * shown["forward/0/y"] / (1 + np.abs(shown["forward/0/y"]))
    np.testing.assert_allclose(shown["forward/1/y"], squashed)
    error = shown["loss/prediction"] - y[3]
    np.testing.assert_allclose(shown["loss/gradient"], 4 * error**3 / 2)
    np.testing.assert_allclose(shown["loss/value"], (error**4).mean())
    np.testing.assert_allclose(
        shown["update/0/weight/after"], shown["update/0/weight/before"] - 0.5 * np.sign(shown["update/0/weight/grad"])
    )
    np.testing.assert_array_equal(shown["update/0/weight/steps"], 1)
    np.testing.assert_array_equal(shown["update/1/k/steps"], 1)
    assert "right" in words(document)
    assert "y = k x / (1 + |x|)" in words(document)
    quoted = [line for block in blocks(document, Quoted) for line in block.lines]
    assert any("self.k.value * x" in line for line in quoted)
    assert not any("did not run" in line for line in quoted)
    assert any("error**4" in line for line in quoted)
    assert any("np.sign(grad)" in line for line in quoted)
    check_equations(document)


def test_a_wrong_derivative_is_said():
    network = sw.Sequential([sw.Dense(3), Wrong(), sw.Dense(2)])
    document = document_of(network, X, RNG.normal(size=(6, 2)), loss=sw.MeanSquaredError())
    assert "FAILS for x: backward gives" in words(document)


def test_what_inherits_and_overrides_is_no_layer_of_the_library():
    class Doubled(sw.Dense):
        def forward(self, x, *, training=False, step=0):
            y, cache = super().forward(x)
            return 2 * y, cache

        def backward(self, dy, cache, *, need_dx=True):
            return super().backward(2 * dy, cache, need_dx=need_dx)

    class Named(sw.Dense):
        """Only another name."""

    assert pages.page_of(Doubled(2)) is pages.OWN
    assert pages.page_of(Named(2)) is pages.LAYER_PAGES["Dense"]
    check_equations(document_of(sw.Sequential([Doubled(3), Named(3)]), X, LABELS, loss=sw.SoftmaxCrossEntropy()))


# -- source ---------------------------------------------------------------------------------------------------------------


def test_quoted_lines_are_those_of_the_files():
    network = sw.Sequential([sw.Dense(3), sw.BatchNorm(), sw.ELU(), sw.Softmax()])
    document = document_of(network, X, LABELS, loss=sw.CategoricalCrossEntropy(), optimizer="adam")
    folder = inspect.getsourcefile(sw).rsplit("scratchwork", 1)[0]
    seen = blocks(document, Quoted)
    assert {block.function for block in seen} >= {"Dense.forward", "Dense.backward", "Adam.update", "_exponential_linear"}
    for block in seen:
        with open(folder + block.file, encoding="utf-8") as file:
            text = file.read().splitlines()
        assert block.numbers[0] == block.first_line
        assert list(block.numbers) == sorted(set(block.numbers))
        for number, line in zip(block.numbers, block.lines, strict=True):
            assert text[number - 1].strip() == line.strip()


def test_branches_that_were_not_taken_are_not_quoted():
    network = sw.Sequential([sw.Dense(3, use_bias=False)])
    lines = [line for block in blocks(document_of(network, X), Quoted) for line in block.lines]
    assert not any("bias" in line or "raise" in line for line in lines)


# -- naive and stable ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "number", "came"),
    [
        (sw.Sigmoid, 100.0, "NaN"),
        (sw.Tanh, 100.0, "NaN"),
        (sw.Softplus, 100.0, "∞"),
        (sw.Mish, -30.0, "gives 0"),
        (sw.ELU, -1e-9, "gives 0"),
    ],
)
def test_a_row_at_which_the_naive_formula_fails(layer, number, came):
    for x, said in ((number, "of this very row"), (-0.5, "harmless")):
        (block,) = blocks(document_of(sw.Sequential([layer()]), [[x, x / 2]]), Rewritten)
        assert said in block.fails
        assert came in block.fails


def test_softmax_and_cross_entropy_at_large_logits():
    for logits, said in (([[900.0, 0.0]], "of this very row"), ([[1.0, 0.0]], "harmless")):
        (block,) = blocks(document_of(sw.Sequential([sw.Softmax()]), logits), Rewritten)
        assert said in block.fails
        assert "NaN" in block.fails
    for logits, said in (([[900.0, 0.0]], "On this very row"), ([[1.0, 0.0]], "harmless")):
        (block,) = blocks(document_of(sw.Sequential([sw.Linear()]), logits, [1], loss=sw.SoftmaxCrossEntropy()), Rewritten)
        assert said in block.fails
        assert "∞" in block.fails
        assert f"the loss is {900 if logits[0][0] > 1 else 110}" in block.fails.replace("where ", "")


def test_a_float64_network_fails_later():
    network = sw.Sequential([sw.Softplus()])
    network.build((2,), dtype=np.float64)
    (block,) = blocks(document_of(network, [[100.0, 1.0]]), Rewritten)
    assert "harmless" in block.fails
    assert "At x = 710 the naive formula gives ∞ in float64" in block.fails


# -- models, pictures, names ------------------------------------------------------------------------------------------------


def digits_model():
    rows = sw.data.digits()
    model = sw.Model(
        sw.Sequential([sw.Dense(8), sw.ReLU(), sw.Dense(10)]),
        preprocessing=[sw.preprocessing.Rescale(1 / 16), sw.preprocessing.MeanSubtraction()],
        image_shape=(8, 8),
    )
    x = rows.x.reshape(len(rows.x), -1)[:300]
    names = np.array([f"digit {label}" for label in rows.y[:300]])
    model.fit(x, names, loss=sw.SoftmaxCrossEntropy(), optimizer="adam", epochs=2, progress=False)
    return model, x, names


def test_a_model_takes_raw_rows_and_names():
    model, x, names = digits_model()
    document = document_of(model, x, names, loss=sw.SoftmaxCrossEntropy(), optimizer="adam", row=7, neuron=(0, 5))
    shown = arrays(document)
    np.testing.assert_array_equal(shown["input/raw"], x[7])
    np.testing.assert_allclose(shown["input/0/y"], x[7] / 16)
    np.testing.assert_allclose(shown["input/1/y"], x[7] / 16 - model.preprocessing.steps[1].mean_, atol=1e-7)
    np.testing.assert_allclose(shown["prediction/p"], model.predict_proba(x[7:8])[0], atol=1e-6)
    assert f"{model.predict(x[7:8])[0]}: that is the prediction" in words(document)
    names_of = {block.name: block.columns for block in blocks(document, Numbers)}
    assert names_of["prediction/p"][3] == "digit 3"
    assert names_of["forward/2/y"][9] == "digit 9"
    (picture,) = blocks(document, ImageProduct)
    assert picture.image.shape == picture.weights.shape == picture.product.shape == (8, 8)
    np.testing.assert_allclose(picture.weights.reshape(-1), shown["forward/0/weight"][:, 5])
    np.testing.assert_allclose(picture.total + shown["forward/0/bias"][5], shown["forward/0/y"][5])
    check_equations(document)


def test_a_model_of_a_table():
    table = {"size": [1.0, 2.0, None, 4.0, 5.0, 6.0], "kind": ["a", "b", "a", "c", "b", "a"]}
    model = sw.Model(sw.Sequential([sw.Dense(1)]), preprocessing=[sw.preprocessing.TableEncoder()])
    model.fit(table, np.arange(6.0), loss=sw.MeanSquaredError(), optimizer="adam", epochs=1, progress=False)
    document = document_of(model, table, np.arange(6.0), loss=sw.MeanSquaredError(), optimizer="sgd", row=2)
    raw = next(block for block in blocks(document, Table) if block.name == "input/raw")
    assert raw.rows == (("size", "missing"), ("kind", "a"))
    encoded = next(block for block in blocks(document, Numbers) if block.name == "input/0/y")
    assert len(encoded.columns) == encoded.array.size
    check_equations(document)


def test_pictures():
    rng = np.random.default_rng(2)
    flat, square = rng.random((3, 784)), rng.random((3, 28, 28))
    colour = rng.random((3, 6, 5, 3))
    for network, x, shape in (
        (sw.Sequential([sw.Dense(4)]), flat, (28, 28)),
        (sw.Sequential([sw.Flatten(), sw.Dense(4)]), square, (28, 28)),
        (sw.Sequential([sw.Flatten(), sw.Dense(4)]), colour, (6, 5, 3)),
        (sw.Sequential([sw.Rescaling(0.5), sw.Dropout(0.1), sw.Dense(4), sw.Dense(784), sw.Dense(4)]), flat, (28, 28)),
    ):
        (picture,) = blocks(document_of(network, x), ImageProduct)
        assert picture.product.shape == shape
        np.testing.assert_allclose(picture.product, picture.image * picture.weights)
        np.testing.assert_allclose(picture.total, picture.product.sum())
    (picture,) = blocks(document_of(sw.Sequential([sw.Dense(4)]), X, image_shape=(2, 2)), ImageProduct)
    assert picture.image.shape == (2, 2)
    assert not blocks(document_of(sw.Sequential([sw.Dense(4)]), X), ImageProduct)


def test_sparse_rows():
    from scipy.sparse import csr_matrix

    dense = np.where(X > 0, X, 0.0)
    network = sw.Sequential([sw.Dense(3)])
    one = document_of(network, csr_matrix(dense), LABELS, loss=sw.SoftmaxCrossEntropy(), optimizer="adam", row=1)
    two = document_of(network, dense, LABELS, loss=sw.SoftmaxCrossEntropy(), optimizer="adam", row=1)
    for name, array in arrays(two).items():
        np.testing.assert_array_equal(arrays(one)[name], array)


def test_the_softmax_of_the_sources():
    logits = np.array([[1.3, 5.1, 2.2, 0.7, 1.1]])
    for network, loss in ((sw.Softmax(), sw.CategoricalCrossEntropy()), (sw.Linear(), sw.SoftmaxCrossEntropy())):
        document = document_of(sw.Sequential([network]), logits, [1], loss=loss)
        assert "To two decimals: 0.02, 0.90, 0.05, 0.01, 0.02. All together they are 1.00." in words(document)


# -- errors ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"row": 6}, sw.errors.DataError, "no row 6: x has 6 rows, numbered 0 to 5"),
        ({"row": -1}, sw.errors.DataError, "no row -1"),
        ({"row": 1.5}, sw.errors.ConfigurationError, "number of a row"),
        ({"optimizer": sw.LBFGS()}, sw.errors.ConfigurationError, "first-order"),
        ({"optimizer": "adm"}, sw.errors.UnknownNameError, "adam"),
        ({"loss": sw.SoftmaxCrossEntropy}, sw.errors.ConfigurationError, "write SoftmaxCrossEntropy"),
        ({"neuron": "0:3"}, sw.errors.ConfigurationError, "has no neuron 3: it has 3, from 0"),
        ({"neuron": "5:0"}, sw.errors.ConfigurationError, "no layer 5"),
        ({"neuron": "x"}, sw.errors.ConfigurationError, "layer:index"),
        ({"neuron": 3}, sw.errors.ConfigurationError, "layer:index"),
        ({"regularizer": 0.1}, sw.errors.ConfigurationError, "regularizer"),
        ({"image_shape": (3, 3)}, sw.errors.ShapeError, "image_shape"),
        ({"x": X[:, :0]}, sw.errors.DataError, "empty"),
        ({"y": LABELS + 1}, sw.errors.DataError, "start at 1"),
        ({"y": LABELS[:3]}, sw.errors.ShapeError, "6 rows"),
        ({"x": np.full((6, 4), np.nan)}, sw.errors.DataError, "NaN"),
        ({"network": "dense"}, sw.errors.ConfigurationError, "walkthrough takes a Sequential"),
    ],
)
def test_errors_are_one_sentence(settings, error, text):
    given = {"network": sw.Sequential([sw.Dense(3)]), "x": X, "y": LABELS, "loss": sw.SoftmaxCrossEntropy(), **settings}
    with pytest.raises(error, match=text):
        document_of(**given)


def test_which_entries_are_shown():
    array = np.arange(200.0).reshape(20, 10)
    entries = dict(shown_entries(array))
    assert len(entries) == 36
    assert entries[(0, 0)] == 0.0
    assert entries[(19, 9)] == 199.0
    assert len(shown_entries(np.ones((8, 8)))) == 64
    assert shown_entries(np.asarray(3.0)) == [((), 3.0)]
    assert dict(shown_entries(np.arange(8.0).reshape(2, 2, 2)))[(1, 0, 1)] == 5.0


def test_of_many_networks_side_by_side_two_are_shown():
    def trained(seed):
        network = sw.Sequential([sw.Dense(3), sw.Softmax()])
        network.build((4,), rng=seed)
        return network

    network = sw.average([trained(seed) for seed in range(6)])
    for neuron, more in ((None, set()), ("0.4.0:1", {"forward/0.4/y", "forward/0.4.0/y", "forward/0.4.1/y"})):
        document = document_of(network, X, LABELS, loss=sw.CategoricalCrossEntropy(), optimizer="adam", neuron=neuron)
        names = {name for name in arrays(document) if name.startswith("forward") and name.endswith("y")}
        parts = {f"forward/0.{k}{part}/y" for k in (0, 1) for part in ("", ".0", ".1")}
        assert names == {"forward/0/y", "forward/1/y"} | parts | more
        assert "Two of them are shown" in words(document)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38, -1e30])
def test_numbers_that_are_not_finite_are_shown(value):
    for layer in (sw.ReLU(), sw.SELU(), sw.Softmax(), sw.BatchNorm(), sw.Mish(), sw.GELU(approximate="tanh")):
        network = sw.Sequential([sw.Dense(3), layer, sw.Dense(3)])
        network.build((4,))
        network.layers[0].weight.value[0, 0] = value
        told = sw.walkthrough(network, X, LABELS, loss=sw.SoftmaxCrossEntropy(), optimizer=sw.Adam(), row=1)
        assert told.html()
        assert told.text()
