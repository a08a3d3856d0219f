"""Every equation on a page, with its numbers put in, comes to the result that stands behind it: worked out from the text."""

import numpy as np
import pytest

import scratchwork as sw
from cases import CONSTRAINT_CASES, LAYER_CASES, LOSS_CASES, OPTIMIZER_CASES, REGULARIZER_CASES
from formula_values import check_equations, evaluated
from scratchwork.explain.content import document_of
from scratchwork.explain.document import Numbers
from scratchwork.explain.notation import put_in, read


@pytest.mark.parametrize("case", LAYER_CASES, ids=lambda case: case.name[:60])
@pytest.mark.parametrize("rows", [1, 5])
def test_layers(case, rows):
    network = sw.Sequential([case.make(), sw.Flatten()])
    network.build(case.in_shape, rng=1, dtype=np.float64)
    rng = np.random.default_rng(2)
    for _, parameter in network.parameters():
        parameter.value += 0.3 * rng.normal(size=parameter.value.shape)
    x = case.rows(rows)
    y = rng.normal(size=(rows, *network.out_shape))
    document = document_of(network, x, y, loss=sw.MeanSquaredError(), optimizer=sw.Adam(0.1), row=rows - 1)
    texts = check_equations(document)
    kind = type(network.layers[0]).__name__
    if kind not in ("Flatten", "Reshape", "Parallel"):
        assert any(text.startswith(("y", "x̂")) for text in texts)
        assert any(text.startswith("dx") for text in texts)


@pytest.mark.parametrize("case", LOSS_CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("rows", [1, 4])
def test_losses(case, rows):
    for outputs in case.outputs:
        prediction, target = case.draw(max(rows, 2), outputs)
        layer = sw.BatchNorm() if rows > 1 else sw.Linear()  # with the first the rows stay together
        tail = [sw.Softmax()] if case.kind == "probabilities" else []
        network = sw.Sequential([layer, *tail])
        network.build((outputs,), dtype=np.float64)
        document = document_of(network, np.log(np.abs(prediction)) if tail else prediction, target, loss=case.make(), row=1)
        texts = check_equations(document)
        assert any(text.startswith("ℓ") for text in texts)
        assert any(text.startswith("∂") for text in texts)
        if rows > 1 and "class_weight" not in case.name and "sum" not in case.name:
            assert any(text.startswith("L = ") for text in texts)


@pytest.mark.parametrize("name", OPTIMIZER_CASES)
@pytest.mark.parametrize("penalty", [None, *REGULARIZER_CASES], ids=repr)
def test_optimizers(name, penalty):
    network = sw.Sequential([sw.Dense(3), sw.Tanh(), sw.Dense(2, bias_learning_rate_factor=2.0)])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 5)), np.array([0, 1, 1, 0])
    for constraint in (None, *CONSTRAINT_CASES):
        document = document_of(
            network,
            x,
            y,
            loss="softmax cross entropy",
            optimizer=OPTIMIZER_CASES[name](),
            regularizer=penalty,
            constraint=constraint,
            neuron="2:1",
        )
        texts = check_equations(document)
        steps = [text for text in texts if text.startswith("w")]
        assert len(steps) >= 8, "weights and biases of the first layer and of the one that was asked for"


@pytest.mark.parametrize("width", [3, 40, 784])
def test_long_sums_are_cut_without_losing_a_digit(width):
    network = sw.Sequential([sw.Dense(12), sw.Sigmoid(), sw.Dense(9)])
    rng = np.random.default_rng(1)
    x, y = rng.random((3, width)), np.array([1, 8, 3])
    document = document_of(network, x, y, loss=sw.SoftmaxCrossEntropy(), optimizer=sw.SGD(0.1, momentum=0.9), row=1)
    texts = check_equations(document)
    assert any("more: " in text for text in texts)


def test_the_preprocessing_of_a_model():
    rng = np.random.default_rng(3)
    x, y = rng.normal(3.0, 2.0, (40, 4)), rng.integers(0, 2, 40)
    for step in (
        sw.preprocessing.Standardize(),
        sw.preprocessing.MeanSubtraction(),
        sw.preprocessing.MeanSubtraction("scalar"),
        sw.preprocessing.MinMax(-1.0, 1.0),
        sw.preprocessing.Rescale(0.5, 1.0),
        sw.preprocessing.RobustScale(),
        sw.preprocessing.SmoothClip(3.0),
    ):
        model = sw.Model(sw.Sequential([sw.Dense(2)]), preprocessing=[step])
        model.fit(x, y, loss=sw.SoftmaxCrossEntropy(), optimizer="adam", epochs=1, progress=False)
        texts = check_equations(document_of(model, x, y, loss=sw.SoftmaxCrossEntropy(), row=7))
        assert sum(text.startswith("y") for text in texts) >= 5, step


def test_this_test_can_fail():
    from scratchwork.explain.document import Document, Equation, Section
    from scratchwork.explain.formula import Number
    from scratchwork.explain.notation import row

    right = put_in("x · y + 1", {"x": -0.1, "y": 1 / 3})
    for result, fine in ((-0.1 / 3 + 1, True), (-0.1 / 3 + 1.0001, False)):
        equation = Equation(None, row("z", "=", right), Number(result))
        document = Document("", (Section("", "", "forward", (equation,)),))
        if fine:
            assert check_equations(document)
        else:
            with pytest.raises(AssertionError):
                check_equations(document)


@pytest.mark.parametrize(
    ("text", "letters", "value"),
    [
        ("1 / (1 + exp(−x))", {"x": -0.5}, 1 / (1 + np.exp(0.5))),
        ("x^2 − 3 x", {"x": -2.0}, 10.0),
        ("−x^2", {"x": -2.0}, -4.0),
        ("√(x + 1) / 2", {"x": 8.0}, 1.5),
        ("|x − y|", {"x": 1e-7, "y": 2.0}, 2 - 1e-7),
        ("x · ½ (1 + y)", {"x": 3.0, "y": -4.0}, -4.5),
        ("x / y^2", {"x": 1e-9, "y": -1e-5}, 10.0),
    ],
)
def test_texts_mean_what_they_say(text, letters, value):
    assert np.isclose(evaluated(put_in(read(text), letters)), value, rtol=1e-12)


def test_every_layer_and_loss_shows_its_arrays():
    """Numbers that a reader may look for, by name."""
    network = sw.Sequential([sw.Dense(3), sw.BatchNorm(), sw.ReLU(), sw.Dropout(0.5), sw.Dense(2)])
    rng = np.random.default_rng(0)
    document = document_of(
        network, rng.normal(size=(6, 4)), [0, 1, 1, 0, 1, 0], loss=sw.SoftmaxCrossEntropy(), optimizer="adam"
    )
    names = [block.name for section in document.sections for block in section.blocks if isinstance(block, Numbers)]
    assert len(set(names)) == len(names)
    wanted = {
        "input/x",
        "loss/p",
        "loss/row",
        "loss/value",
        "loss/gradient",
        "forward/3/mask",
        "forward/1/mean",
        "prediction/y",
    }
    wanted |= {f"forward/{i}/y" for i in range(5)} | {f"backward/{i}/dx" for i in range(5)}
    wanted |= {f"backward/{i}/{name}.grad" for i in (0, 4) for name in ("weight", "bias")}
    wanted |= {f"update/0/{name}/{key}" for name in ("weight", "bias") for key in ("before", "grad", "m", "v", "after")}
    assert wanted <= set(names)
