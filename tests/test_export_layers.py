"""Every layer and transformer has its row, and says in each format what it says here; extreme numbers too."""

import ast

import numpy as np
import pytest

import cases
import scratchwork as sw
from scratchwork.errors import ConfigurationError, NotBuiltError
from scratchwork.export import base, c_parts, lowering, onnx_parts, operations, python_parts, read_json
from scratchwork.layers import LAYERS
from scratchwork.preprocessing import TRANSFORMERS
from source_code import files, tree

TARGETS = {"onnx": sw.export.to_onnx, "python": sw.export.to_python, "c": sw.export.to_c, "json": sw.export.to_json}


def extreme_rows(shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(0)
    kinds = [[1e4], [-1e4], [0.0], [1e-40], [-1e-40], [1e4, -1e4, 0.0, 1e-40], [-100.0, 88.8, -88.8, 0.5]]
    rows = [rng.choice(kind, shape) for kind in kinds]
    return np.array([*rows, *rng.normal(size=(9, *shape))])


def built(case: cases.LayerCase, dtype: str) -> sw.Sequential:
    network = sw.Sequential([case.make()])
    network.build(case.in_shape, 0, dtype)
    rng = np.random.default_rng(1)
    for _, parameter in network.parameters():
        parameter.value += (0.3 * rng.normal(size=parameter.value.shape)).astype(dtype)
    network.forward(case.rows(20).astype(dtype), training=True, step=1)  # so that running statistics are no round numbers
    return network


FLAT = [case for case in cases.LAYER_CASES if case.in_shape == (4,) and case.out_shape in (None, (4,))]
"""Cases whose rows are of one shape, which one file can hold side by side."""


def name_of(case: cases.LayerCase) -> str:
    return case.name[:60]


@pytest.mark.parametrize("target", ["onnx", "json"])
@pytest.mark.parametrize("case", cases.LAYER_CASES, ids=name_of)
def test_every_layer_says_the_same_in(target, case, tmp_path):
    report = TARGETS[target](built(case, "float32"), tmp_path / "model", x=extreme_rows(case.in_shape))
    assert report.verified_by
    assert report.rows == 16
    assert report.largest_difference <= 1e-5


@pytest.mark.parametrize("target", ["c", "python"])
@pytest.mark.parametrize("case", [case for case in cases.LAYER_CASES if case not in FLAT], ids=name_of)
def test_layers_of_other_shapes_in_programs(target, case, tmp_path):
    report = TARGETS[target](built(case, "float32"), tmp_path / "model", x=extreme_rows(case.in_shape))
    assert report.verified_by
    assert report.largest_difference <= 1e-5


@pytest.mark.parametrize(("target", "dtype", "exact"), [
    ("c", "float32", 1e-5), ("python", "float32", 1e-5), ("c", "float64", 1e-7), ("python", "float64", 1e-12),
])  # fmt: skip
def test_all_flat_layers_at_once_in_programs(target, dtype, exact, tmp_path):
    assert len(FLAT) > 18
    network = sw.Sequential([sw.Parallel([built(case, dtype) for case in FLAT])])
    network.layers[0].joined([(4,)] * len(FLAT))
    network.shapes, network.dtype = [(4,), (4 * len(FLAT),)], np.dtype(dtype)
    report = TARGETS[target](network, tmp_path / "model", x=extreme_rows((4,)))
    assert report.verified_by
    assert report.largest_difference <= exact


@pytest.mark.parametrize("case", cases.LAYER_CASES, ids=name_of)
def test_every_layer_in_float64(case, tmp_path):
    network = built(case, "float64")
    for target in ("onnx", "json"):
        report = TARGETS[target](network, tmp_path / "model", x=extreme_rows(case.in_shape))
        exact = 1e-6 if target == "onnx" and "GELU" in case.name else 1e-12  # whose erf the runtime has in float32 alone
        assert report.largest_difference <= exact


def test_every_layer_and_transformer_has_a_row():
    assert set(lowering.LAYER_ROWS) == set(LAYERS.values())
    assert set(lowering.TRANSFORMER_ROWS) == set(TRANSFORMERS.values())


def test_every_operation_and_function_has_a_writer():
    names = {kind.__name__ for kind in operations.Operation.__args__}
    assert set(read_json.OPERATIONS) == names
    for module in ("write_python", "c_steps", "write_onnx"):
        matched = {
            ast.unparse(node.cls).removeprefix("ops.")
            for node in ast.walk(tree(files()[f"export.{module}"]))
            if isinstance(node, ast.MatchClass)
        }
        assert names - matched - {"Reshaped"} == set(), module
    functions = set(operations.FUNCTIONS)
    assert functions == set(read_json.ELEMENTWISE) == set(c_parts.ELEMENTWISE)
    assert functions <= set(python_parts.HELPERS)
    assert set(onnx_parts.NATIVE) | set(onnx_parts.NATIVE_FLOAT) <= functions


class Doubled(sw.Layer):
    """y = 2 x."""

    def build(self, in_shape, rng, dtype):
        return in_shape

    def forward(self, x, *, training=False, step=0):
        return 2 * x, None

    def backward(self, dy, cache, *, need_dx=True):
        return 2 * dy


class Wider(sw.Dense):
    """A layer that inherits from one that has a row may compute something else."""


@pytest.mark.parametrize("target", TARGETS)
def test_what_cannot_be_exported_is_named_with_its_place(target, tmp_path):
    inside = sw.Sequential([sw.ReLU(), Doubled()])
    network = sw.Sequential([sw.Dense(3), sw.Parallel([sw.Tanh(), inside])])
    network.build((2,))
    path = tmp_path / "model"
    path.write_text("before")
    with pytest.raises(ConfigurationError, match=r"layer 1\.1\.1, Doubled\(\) cannot be exported.*nothing was written"):
        TARGETS[target](network, path)
    other = sw.Sequential([Wider(2)])
    other.build((2,))
    with pytest.raises(ConfigurationError, match=r"layer 0, Wider\(2\) cannot be exported"):
        TARGETS[target](other, path)
    assert path.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1


def test_transformers_of_ones_own_are_refused(tmp_path):
    class Mine(sw.preprocessing.Rescale):
        pass

    network = sw.Sequential([sw.Dense(1)])
    network.build((2,))
    model = sw.Model(network, preprocessing=[Mine(2.0)], task="regression", link="identity")
    with pytest.raises(ConfigurationError, match="preprocessing 0, Mine"):
        sw.export.to_json(model, tmp_path / "model.json")


def test_what_has_learned_nothing_or_diverged_is_refused(tmp_path):
    with pytest.raises(NotBuiltError):
        sw.export.to_json(sw.Sequential([sw.Dense(1)]), tmp_path / "model.json")
    network = sw.Sequential([sw.Dense(1)])
    network.build((2,))
    network.layers[0].weight.value[0] = np.nan
    with pytest.raises(ConfigurationError, match=r"0\.weight holds NaN"):
        sw.export.to_json(network, tmp_path / "model.json")
    with pytest.raises(ConfigurationError, match="an export takes"):
        sw.export.to_json("model", tmp_path / "model.json")
    assert base.TARGETS.keys() == TARGETS.keys()
    assert not list(tmp_path.iterdir())
