"""Networks from ONNX files: those of PyTorch and scikit-learn in tests/golden, Keras-like ones, our own, damaged ones.

The golden files and what their makers predict were written by `python tests/golden/make_imports.py`, which needs PyTorch
and skl2onnx: MLPClassifier and MLPRegressor through `to_onnx(estimator, rows)`, nn.Sequential through `torch.onnx.export`.
"""

import contextlib
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper, save

import cases
import scratchwork as sw
from export_models import X, model_of, trained
from scratchwork.errors import FileFormatError, MissingDependencyError, MissingFileError, ScratchworkError
from scratchwork.export import onnx_file

GOLDEN = Path(__file__).parent / "golden"
DOCUMENT = json.loads((GOLDEN / "imports.json").read_text(encoding="utf-8"))
ROWS = np.array(DOCUMENT["rows"], np.float32)
FILES = sorted(path.stem for path in GOLDEN.glob("*.onnx"))


def answers(name: str) -> dict:
    return DOCUMENT["known"][name.removesuffix("_dynamo")]


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("torch")])
def test_networks_of_pytorch_predict_the_same(name):
    network = sw.from_onnx(GOLDEN / f"{name}.onnx")
    assert isinstance(network, sw.Sequential)
    np.testing.assert_allclose(network.predict(ROWS), answers(name)["values"], atol=1e-6)


def test_all_files_of_pytorch_are_there_with_their_layers():
    assert {"torch_every", "torch_every_dynamo", "torch_more", "torch_more_dynamo"} <= set(FILES)
    network = sw.from_onnx(GOLDEN / "torch_every.onnx")
    kinds = [type(layer).__name__ for layer in network.layers if not isinstance(layer, sw.Dense)]
    activations = ["GELU", "SiLU", "ELU", "LeakyReLU", "Softplus", "SELU", "Tanh", "Sigmoid", "Softmax"]
    assert kinds == ["BatchNorm", "ReLU", *activations]
    assert network.layers[1].momentum == 0.9
    assert next(layer for layer in network.layers if isinstance(layer, sw.LeakyReLU)).negative_slope == 0.2
    more = sw.from_onnx(GOLDEN / "torch_more.onnx")
    assert [type(layer).__name__ for layer in more.layers] == ["Dense", "LayerNorm", "Mish", "Dense"]


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("sklearn")])
def test_networks_of_scikit_learn_predict_the_same(name):
    model = sw.from_onnx(GOLDEN / f"{name}.onnx")
    known = answers(name)
    assert isinstance(model, sw.Model)
    said = model.predict(ROWS)
    if model.task == "regression":
        np.testing.assert_allclose(said, known["predict"], rtol=1e-5, atol=1e-6)
        return
    assert said.tolist() == known["predict"]
    np.testing.assert_allclose(model.predict_proba(ROWS), known["values"], atol=1e-5)


def test_what_scikit_learn_wrote_is_understood():
    model = sw.from_onnx(GOLDEN / "sklearn_three_zipped.onnx")
    assert (model.labels, model.task, model.link) == (["a", "b", "ü"], "multiclass", "softmax")
    assert not any(isinstance(layer, sw.Softmax) for layer in model.network.layers)
    pipeline = sw.from_onnx(GOLDEN / "sklearn_pipeline.onnx")
    assert isinstance(pipeline.preprocessing.steps[0], sw.preprocessing.Standardize)
    two = sw.from_onnx(GOLDEN / "sklearn_two.onnx")
    assert (two.labels, two.task, two.link) == (["no", "yes"], "attributes", "sigmoid")


@pytest.mark.parametrize(
    ("name", "loss"), [("sklearn_pipeline", "SoftmaxCrossEntropy"), ("sklearn_two", "SigmoidBinaryCrossEntropy")]
)
def test_an_imported_model_is_trained_on(name, loss):
    model = sw.from_onnx(GOLDEN / f"{name}.onnx")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4))
    y = np.array(model.labels)[(x[:, 0] > 0).astype(int)]
    before = model.evaluate(x, y)["log_loss"]
    model.fit(x, y, loss=loss, optimizer=sw.Adam(0.02), epochs=30, progress=False)
    assert model.evaluate(x, y)["log_loss"] < 0.7 * before


def test_an_imported_network_is_saved_and_trained_on(tmp_path):
    network = sw.from_onnx(GOLDEN / "torch_more.onnx")
    sw.save(network, tmp_path / "network.safetensors")
    again = sw.load(tmp_path / "network.safetensors")
    np.testing.assert_array_equal(again.predict(ROWS), network.predict(ROWS))
    history = sw.fit(again, ROWS, ROWS[:, :2], loss="MeanSquaredError", optimizer=sw.Adam(0.01), epochs=20, progress=False)
    assert history["loss"][-1] < history["loss"][0]


# Our own


COME_BACK = ["classes", "numbers as classes", "probabilities", "two", "two, hinge", "attributes", "regression", "two numbers"]


@pytest.mark.parametrize("name", COME_BACK)
def test_our_own_models_come_back(name, tmp_path):
    model = model_of(name)
    sw.export.to_onnx(model, tmp_path / "model.onnx")
    again = sw.from_onnx(tmp_path / "model.onnx")
    assert (again.task, again.labels, again.feature_names) == (model.task, model.labels, model.feature_names)
    x = X.astype(np.float32)
    if model.task == "regression":
        np.testing.assert_allclose(again.predict(x), model.predict(x), rtol=1e-5, atol=1e-5)
    else:
        assert again.predict(x).tolist() == model.predict(x).tolist()
    assert again.scores(x).shape == model.scores(x).shape
    if model.link is not None and model.task != "regression":
        np.testing.assert_allclose(again.predict_proba(x), model.predict_proba(x), atol=1e-5)


def test_counts_come_back(tmp_path):
    model = trained(X, np.arange(120) % 5, "Poisson", 1, [sw.preprocessing.Standardize()])
    sw.export.to_onnx(model, tmp_path / "model.onnx")
    again = sw.from_onnx(tmp_path / "model.onnx")
    assert (again.task, again.link) == ("regression", "exp")
    np.testing.assert_allclose(again.predict(X), model.predict(X), rtol=1e-5)


PLAIN = [case for case in cases.LAYER_CASES if "Parallel" not in case.name and "Average" not in case.name]


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: case.name[:60])
def test_our_own_layers_come_back(case, tmp_path):
    first = int(np.prod(case.in_shape))
    network = sw.Sequential([sw.Dense(first), sw.Reshape(case.in_shape), case.make()])
    network.build((3,), 1)
    sw.export.to_onnx(network, tmp_path / "network.onnx")
    again = sw.from_onnx(tmp_path / "network.onnx")
    x = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    assert again.out_shape == network.out_shape
    np.testing.assert_allclose(again.predict(x), network.predict(x), rtol=1e-5, atol=1e-5)


# Made by hand


def made(tmp_path: Path, nodes: list, constants: dict, *, shape=("n", 4), outputs=("y",), opset: int = 17, **more) -> Path:
    inputs = [helper.make_tensor_value_info("x", more.get("kind", TensorProto.FLOAT), list(shape))]
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    tensors = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "made", inputs, results, tensors)
    path = tmp_path / "made.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)
    return path


def arrays(seed: int = 0, **shapes) -> dict:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def same_as_the_runtime(path: Path, x: np.ndarray) -> sw.Sequential:
    expected = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    network = sw.from_onnx(path)
    np.testing.assert_allclose(network.predict(x), expected, rtol=1e-5, atol=1e-5)
    return network


def n(operator: str, inputs: str, output: str, **settings):
    """A node, its inputs by their names with spaces between."""
    return helper.make_node(operator, inputs.split(), [output], **settings)


def test_a_network_as_keras_writes_it(tmp_path):
    nodes = [
        n("Reshape", "x flat", "r"), n("MatMul", "r w", "a"), n("Add", "a b", "c"), n("Relu", "c", "d"),
        n("MatMul", "d v", "e"), n("Add", "b2 e", "f"), n("Softmax", "f", "g", axis=-1), n("Identity", "g", "y"),
    ]  # fmt: skip
    constants = arrays(w=(6, 5), b=(5,), v=(5, 3), b2=(3,)) | {"flat": np.array([-1, 6])}
    path = made(tmp_path, nodes, constants, shape=("n", 2, 3))
    network = same_as_the_runtime(path, np.random.default_rng(1).normal(size=(7, 2, 3)).astype(np.float32))
    assert [type(layer).__name__ for layer in network.layers] == ["Flatten", "Dense", "ReLU", "Dense", "Softmax"]
    assert all(layer.use_bias for layer in network.layers if isinstance(layer, sw.Dense))


def test_gemm_with_all_its_settings(tmp_path):
    nodes = [
        n("Gemm", "x w b", "a", alpha=0.5, beta=2.0, transB=1),
        n("Dropout", "a ratio off", "d"),
        n("Gemm", "d v", "e"),
        n("Cast", "e", "y", to=TensorProto.FLOAT),
    ]
    constants = arrays(w=(5, 4), b=(1, 5), v=(5, 2)) | {"ratio": np.array(0.3, np.float32), "off": np.array(False)}
    network = same_as_the_runtime(made(tmp_path, nodes, constants), ROWS)
    assert network.layers[1].rate == pytest.approx(0.3)


def test_scaling_before_and_inside(tmp_path):
    nodes = [
        n("Mul", "x f", "a"), n("Gemm", "a w", "c"), n("Mul", "c g", "d"), n("Tanh", "d", "t"),
        n("Sub", "t h", "i"), n("Div", "i g", "y"),
    ]  # fmt: skip
    constants = arrays(w=(4, 3), g=(3,), h=(3,)) | {"f": np.array(1 / 255, np.float32)}
    constants["g"] = np.abs(constants["g"]) + 0.5
    network = same_as_the_runtime(made(tmp_path, nodes, constants), ROWS)
    assert [type(layer).__name__ for layer in network.layers] == ["Rescaling", "Dense", "Scale", "Tanh", "BatchNorm"]


REFUSED = {
    "Conv": ([n("Conv", "x w", "y", name="conv1")], arrays(w=(1, 1, 3)), "the node 'conv1' of type Conv cannot be imported"),
    "two branches": (
        [n("Tanh", "x", "a"), n("Add", "a x", "y", name="skip")], {}, "the node 'skip' of type Add cannot be imported",
    ),
    "other width": ([n("MatMul", "x w", "y", name="m")], arrays(w=(5, 3)), "the node 'm' of type MatMul"),
    "turned": ([n("Gemm", "x w", "y", name="g", transA=1)], arrays(w=(4, 3)), "transA"),
    "softmax over rows": ([n("Softmax", "x", "y", name="s", axis=0)], {}, "along axis 0"),
    "training": ([n("Dropout", "x r on", "y", name="d")],
                 {"r": np.array(0.5, np.float32), "on": np.array(True)}, "training_mode"),
    "nothing gives it": ([n("Relu", "z", "y", name="r")], {}, "takes 'z', which no node before it gives"),
    "no such output": ([n("Relu", "x", "z", name="r")], {}, "no node gives the output 'y'"),
    "an exponential": ([n("Exp", "x", "z"), n("Tanh", "z", "y")], {}, "type Exp"),
    "a negative variance": ([n("BatchNormalization", "x a a a v", "y", name="bn")],
                            arrays(a=(4,)) | {"v": -np.ones(4, np.float32)}, "negative variance"),
    "not finite": ([n("Add", "x w", "y")], {"w": np.array([np.nan], np.float32)}, "holds NaN"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_named(name, tmp_path):
    nodes, constants, said = REFUSED[name]
    with pytest.raises(FileFormatError, match=said) as caught:
        sw.from_onnx(made(tmp_path, nodes, constants))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_labels_must_be_of_the_numbers_beside_them(tmp_path):
    constants = arrays(w=(4, 3), v=(4, 3)) | {"one": np.array(1, np.float32)}
    nodes = [n("MatMul", "x w", "a"), n("MatMul", "x v", "y"), n("ArgMax", "a", "label", axis=1, keepdims=0)]
    with pytest.raises(FileFormatError, match="different places"):
        sw.from_onnx(made(tmp_path, nodes, constants, outputs=("label", "y")))
    constants["w"] = constants["w"][:, :1]
    nodes = [
        n("MatMul", "x w", "a"), n("Sub", "one a", "b"), n("Concat", "b a", "y", axis=1),
        n("ArgMax", "y", "label", axis=1, keepdims=0),
    ]  # fmt: skip
    with pytest.raises(FileFormatError, match="no sigmoid stands before them"):
        sw.from_onnx(made(tmp_path, nodes, constants, outputs=("label", "y")))
    nodes = [n("MatMul", "x w", "y"), n("Binarizer", "y", "label", domain="ai.onnx.ml", threshold=0.3)]
    with pytest.raises(FileFormatError, match=r"labels begin at 0\.3"):
        sw.from_onnx(made(tmp_path, nodes, constants, outputs=("label", "y")))


def test_inputs_that_are_no_rows_of_floats(tmp_path):
    for more in ({"kind": TensorProto.STRING}, {"shape": ("n", "wide")}, {"shape": (4,)}):
        with pytest.raises(FileFormatError, match="no batch of rows of floats"):
            sw.from_onnx(made(tmp_path, [n("Relu", "x", "y")], {}, **more))
    sw.export.to_onnx(model_of("table"), tmp_path / "table.onnx")
    with pytest.raises(FileFormatError, match="has 7 inputs"):
        sw.from_onnx(tmp_path / "table.onnx")


def test_sizes_are_checked_before_anything_is_allocated(tmp_path, monkeypatch):
    path = made(tmp_path, [n("MatMul", "x w", "y")], arrays(w=(4, 3)))
    proto = onnx_file.read_model(path)
    tensor = proto.graph.initializer[0]
    tensor.dims[:] = [4, 25_000_000_000]
    save(proto, path)
    with pytest.raises(FileFormatError, match=r"shape \(4, 25000000000\) holds 48 bytes"):
        sw.from_onnx(path)
    tensor.dims[:] = [-4, -3]
    save(proto, path)
    with pytest.raises(FileFormatError, match="has the shape"):
        sw.from_onnx(path)
    monkeypatch.setattr(onnx_file, "MAX_BYTES", 100)
    with pytest.raises(FileFormatError, match="at most 100"):
        sw.from_onnx(path)


def test_external_data_is_refused(tmp_path):
    path = made(tmp_path, [n("MatMul", "x w", "y")], arrays(w=(4, 3)))
    proto = onnx_file.read_model(path)
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../secret"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(FileFormatError, match="external data is not read"):
        sw.from_onnx(path)


def test_what_is_no_onnx_file(tmp_path, monkeypatch):
    with pytest.raises(MissingFileError):
        sw.from_onnx(tmp_path / "nothing.onnx")
    for content in (b"", b"hello", b"\x08\x08", bytes(range(256))):
        (tmp_path / "odd.onnx").write_bytes(content)
        with pytest.raises(FileFormatError):
            sw.from_onnx(tmp_path / "odd.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependencyError, match=r"scratchwork\[onnx\]"):
        sw.from_onnx(GOLDEN / "torch_more.onnx")


CHANGES = st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FILES), st.lists(CHANGES, min_size=1, max_size=8), st.floats(0.5, 1))
def test_damaged_files_are_one_sentence(tmp_path_factory, name, changes, kept):
    content = bytearray((GOLDEN / f"{name}.onnx").read_bytes())
    for place, value in changes:
        content[int(place * len(content))] = value
    path = tmp_path_factory.getbasetemp() / "damaged.onnx"
    path.write_bytes(content if kept > 0.9 else content[: int(kept * len(content))])
    with contextlib.suppress(ScratchworkError):
        sw.from_onnx(path)
