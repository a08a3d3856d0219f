"""Imports of graphs made by hand: weights that come through other nodes, GELU in every order, small files that ask for much."""

import numpy as np
import pytest
from onnx import TensorProto, helper, save

import scratchwork as sw
from scratchwork.errors import FileFormatError
from test_export_import import arrays, made, n, same_as_the_runtime

ROWS = np.random.default_rng(1).normal(size=(9, 4)).astype(np.float32)
MANY = 10**9


def kinds(network):
    return [type(layer).__name__ for layer in network.layers]


@pytest.mark.parametrize(
    "nodes",
    [
        [n("Transpose", "t", "v")],
        [n("Transpose", "t", "v", perm=[1, 0])],
        [n("Cast", "half", "v", to=TensorProto.FLOAT)],
        [n("Cast", "wide", "v", to=TensorProto.FLOAT)],
        [n("Reshape", "flat sizes", "v")],
        [n("Identity", "w", "u"), n("Cast", "u", "v", to=TensorProto.FLOAT)],
    ],
)
def test_weights_may_come_through_other_nodes(nodes, tmp_path):
    w = arrays(w=(4, 3))["w"].astype(np.float16).astype(np.float32)
    constants = {
        "w": w, "t": np.ascontiguousarray(w.T), "half": w.astype(np.float16), "wide": w.astype(np.float64),
        "flat": w.reshape(-1), "sizes": np.array([4, 3]),
    }  # fmt: skip
    assert kinds(same_as_the_runtime(made(tmp_path, [*nodes, n("MatMul", "x v", "y")], constants), ROWS)) == ["Dense"]


def test_rows_keep_their_order(tmp_path):
    with pytest.raises(FileFormatError, match="changes the order"):
        sw.from_onnx(made(tmp_path, [n("Transpose", "x", "y", perm=[1, 0])], {}))


def test_the_last_axis_of_flat_rows_is_the_first(tmp_path):
    nodes = [n("Flatten", "x", "f", axis=-1), n("MatMul", "f w", "y")]
    assert kinds(same_as_the_runtime(made(tmp_path, nodes, arrays(w=(4, 3))), ROWS)) == ["Dense"]
    with pytest.raises(FileFormatError, match="several rows"):
        sw.from_onnx(made(tmp_path, nodes, arrays(w=(4, 3)), shape=("n", 2, 4)))


GELUS = {
    "x (1 + erf) / 2": [n("Add", "e one", "f"), n("Mul", "a f", "m"), n("Mul", "m half", "y")],
    "(x / 2) (1 + erf)": [n("Mul", "a half", "h"), n("Add", "one e", "f"), n("Mul", "f h", "y")],
    "x ((1 + erf) / 2)": [n("Add", "e one", "f"), n("Mul", "half f", "g"), n("Mul", "a g", "y")],
    "2 · GELU": [n("Add", "e one", "f"), n("Mul", "f a", "y")],
}


@pytest.mark.parametrize("order", GELUS)
def test_gelu_in_every_order(order, tmp_path):
    nodes = [n("MatMul", "x w", "a"), n("Div", "a root", "q"), n("Erf", "q", "e"), *GELUS[order]]
    numbers = {"root": 2**0.5, "one": 1.0, "half": 0.5}
    constants = arrays(w=(4, 3)) | {name: np.array(value, np.float32) for name, value in numbers.items()}
    network = same_as_the_runtime(made(tmp_path, nodes, constants), ROWS)
    assert kinds(network) == ["Dense", "GELU", *["Rescaling"] * (order == "2 · GELU")]


def test_what_only_looks_like_gelu_is_none(tmp_path):
    constants = arrays(w=(4, 3)) | {"root": np.array(1.5, np.float32), "one": np.array(1.0, np.float32)}
    nodes = [n("MatMul", "x w", "a"), n("Div", "a root", "q"), n("Erf", "q", "e"), n("Add", "e one", "f"), n("Mul", "a f", "y")]
    with pytest.raises(FileFormatError, match="each layer takes what the one before"):
        sw.from_onnx(made(tmp_path, nodes, constants))


def test_a_name_that_is_given_twice(tmp_path):
    with pytest.raises(FileFormatError, match="gives what is there already"):
        sw.from_onnx(made(tmp_path, [n("Relu", "x", "y"), n("Tanh", "x", "y")], {}))


def in_a_row(count, node):
    """This node again and again, each on the result of the one before."""
    return [node("x" if i == 0 else f"y{i - 1}", f"y{i}" if i < count - 1 else "y") for i in range(count)]


def scaled(path):
    """A small file whose rows are said to be very wide, behind a scaler of scikit-learn."""
    node = helper.make_node("Scaler", ["x"], ["y"], domain="ai.onnx.ml", offset=[1.0], scale=[2.0])
    rows = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", MANY]) for name in "xy"]
    graph = helper.make_graph([node], "made", rows[:1], rows[1:])
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    save(helper.make_model(graph, opset_imports=sets, ir_version=8), path)
    return path


WIDE = np.ones(10**5, np.float32) * 2
SQUARE = np.ones((500, 500), np.float32)
ASKING = {
    "one weight of many layers": (in_a_row(4000, lambda x, y: n("MatMul", f"{x} w", y)), {"w": SQUARE}, 500),
    "one weight, copied": (in_a_row(4000, lambda x, y: n("Gemm", f"{x} w", y, alpha=0.5)), {"w": SQUARE}, 500),
    "one gain of many normalizations": (
        in_a_row(4000, lambda x, y: n("LayerNormalization", f"{x} w", y)), {"w": WIDE}, len(WIDE)
    ),
    "one factor, again and again": (
        [
            node
            for i in range(2000)
            for node in (n("Mul", f"{f'r{i - 1}' if i else 'x'} w", f"m{i}"), n("Relu", f"m{i}", f"r{i}" if i < 1999 else "y"))
        ],
        {"w": WIDE},
        len(WIDE),
    ),
    "a constant, cast to and fro": (
        [
            *[n("Cast", f"c{i - 1}" if i else "w", f"c{i}", to=TensorProto.DOUBLE if i % 2 else TensorProto.FLOAT)
              for i in range(4000)],
            n("Relu", "x", "y"),
        ],
        {"w": WIDE},
        4,
    ),
    "a constant, copied": (
        [n("Transpose", "w", "t"), *[n("Reshape", "t one", f"c{i}") for i in range(4000)], n("Relu", "x", "y")],
        {"w": WIDE.reshape(100, -1), "one": np.array([-1])},
        4,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKING)
def test_small_files_that_ask_for_much(name, tmp_path, monkeypatch):
    nodes, constants, width = ASKING[name]
    built = []
    monkeypatch.setattr(sw.Sequential, "build", lambda self, *given: built.append(given))
    with pytest.raises(FileFormatError, match="many more numbers than the file holds"):
        sw.from_onnx(made(tmp_path, nodes, constants, shape=("n", width)))
    assert not built


def test_rows_that_are_said_to_be_very_wide(tmp_path):
    two = {"two": np.array([1.0, 2.0], np.float32)}
    for path in (made(tmp_path, [n("Sub", "x two", "y")], two, shape=("n", MANY, 2)), scaled(tmp_path / "scaled.onnx")):
        with pytest.raises(FileFormatError, match="many more numbers"):
            sw.from_onnx(path)


def test_weights_that_are_shared_in_a_small_file_are_no_matter(tmp_path):
    nodes = in_a_row(20, lambda x, y: n("Gemm", f"{x} w b", y))
    network = same_as_the_runtime(made(tmp_path, nodes, arrays(w=(4, 4), b=(4,))), ROWS[:2] * 1e-3)
    assert kinds(network) == ["Dense"] * 20


def test_what_does_not_fit_into_memory_is_one_sentence(tmp_path, monkeypatch):
    def full(*given):
        raise MemoryError

    monkeypatch.setattr(sw.Sequential, "build", full)
    with pytest.raises(FileFormatError, match="does not fit into memory"):
        sw.from_onnx(made(tmp_path, [n("Relu", "x", "y")], {}))
