"""Networks side by side and their average: what stands in a file of the contract tests is not repeated here."""

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.errors import ConfigurationError, NotBuiltError, ShapeError
from two_paths import require_agreement


def branch(width: int = 3) -> sw.Sequential:
    return sw.Sequential([sw.Dense(width), sw.Tanh(), sw.Dropout(0.2), sw.Dense(2)])


def ensemble(count: int = 3) -> sw.Sequential:
    return sw.Sequential([sw.Parallel([branch(k + 1) for k in range(count)]), sw.Average(count)])


@pytest.mark.parametrize("networks", [[], "abc", sw.Dense(2), [sw.Dense(2), 3], [sw.Dense], None])
def test_what_is_no_list_of_networks_is_refused(networks):
    with pytest.raises(ConfigurationError, match="Parallel"):
        sw.Parallel(networks)


def test_a_layer_that_stands_in_two_networks_is_refused():
    shared = sw.Dense(2)
    with pytest.raises(ConfigurationError, match="twice"):
        sw.Parallel([sw.Sequential([shared]), sw.Sequential([sw.Tanh(), shared])])
    with pytest.raises(ConfigurationError, match="twice"):
        sw.Sequential([sw.Parallel([shared]), sw.Sequential([shared])])


@pytest.mark.parametrize("networks", [[sw.Dense(2), sw.Dense(3)], [sw.Reshape((2, 2)), sw.Reshape((2, 2))]])
def test_outputs_need_one_width(networks):
    with pytest.raises(ShapeError, match="one width"):
        sw.Sequential([sw.Parallel(networks)]).build((4,))


def test_it_says_so_when_it_is_not_built():
    with pytest.raises(NotBuiltError, match="Parallel"):
        sw.Parallel([sw.Tanh()]).forward(np.zeros((1, 2)))


def test_a_wrong_cotangent_is_refused():
    network = ensemble()
    network.build((4,))
    together = network.layers[0]
    _, cache = together.forward(np.zeros((5, 4), np.float32))
    with pytest.raises(ShapeError, match="dy"):
        together.backward(np.zeros((5, 5), np.float32), cache)


def test_networks_that_are_alike_are_written_once():
    assert repr(sw.Parallel([sw.Tanh(), sw.Tanh(), sw.Tanh()])) == "Parallel([Tanh(), ...], 3 alike)"
    assert repr(sw.Parallel([sw.Tanh(), sw.ReLU()])) == "Parallel([Tanh(), ReLU()])"
    assert repr(sw.Parallel([sw.Tanh()])) == "Parallel([Tanh()])"


@pytest.mark.parametrize("parts", [0, -1, 1.5, True, "2", None])
def test_average_needs_a_number_of_parts(parts):
    with pytest.raises(ConfigurationError, match="Average"):
        sw.Average(parts)


def test_average_needs_equal_parts():
    with pytest.raises(ShapeError, match="parts"):
        sw.Sequential([sw.Average(2)]).build((3,))
    with pytest.raises(ShapeError, match=r"2·C"):
        sw.Average(2).forward(np.zeros((1, 3)))


def test_leaves_and_names_reach_into_the_networks():
    network = ensemble(2)
    network.build((4,))
    assert [type(leaf).__name__ for leaf in network.leaves()] == [*["Dense", "Tanh", "Dropout", "Dense"] * 2, "Average"]
    assert [name for name, _ in network.parameters()][:5] == [
        f"0.0.{n}" for n in ("0.weight", "0.bias", "3.weight", "3.bias")
    ] + ["0.1.0.weight"]
    assert [name for name, _ in network.buffers()] == ["0.0.2.seed", "0.1.2.seed"]
    assert network.flat().value.size == sum(p.value.size for _, p in network.parameters())
    assert "Average(2)" in network.summary()


def test_the_gradient_of_a_whole_ensemble_is_that_of_its_loss():
    network = ensemble()
    network.build((4,), dtype=np.float64)
    rng = np.random.default_rng(0)
    report = sw.check_gradients(network, sw.SoftmaxCrossEntropy(), rng.normal(size=(6, 4)), rng.integers(0, 2, 6))
    assert report.ok, report


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_both_paths_train_it_to_the_same_numbers(dtype):
    network = sw.Sequential([sw.Dense(70), sw.ReLU(), ensemble(), sw.Tanh(), sw.Dense(3)])
    network.build((5,), rng=3, dtype=dtype)
    rng = np.random.default_rng(0)
    require_agreement(
        network, rng.normal(size=(70, 5)), rng.integers(0, 3, 70), loss=sw.SoftmaxCrossEntropy(), optimizer="Adam"
    )


@pytest.mark.parametrize("shape", [(6,), (2, 3)])
def test_prediction_and_prepared_calls_on_the_compiled_path(shape):
    branches = [sw.Sequential([sw.Flatten(), sw.Dense(70), sw.BatchNorm(), sw.Dense(2), sw.Softmax()]) for _ in range(3)]
    network = sw.Sequential([sw.Parallel(branches), sw.Average(3)])
    network.build(shape, rng=3)
    x = np.random.default_rng(0).normal(size=(50, *shape)).astype(np.float32)
    wanted = network.predict(x)
    np.testing.assert_allclose(network.predict(x, engine="compiled"), wanted, rtol=2e-5)
    np.testing.assert_allclose(network.prepared()(x[7]), wanted[7], rtol=2e-5)


def test_a_file_keeps_it(tmp_path):
    network = ensemble()
    network.build((4,), rng=2)
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    sw.save(network, tmp_path / "ensemble.safetensors")
    again = sw.load(tmp_path / "ensemble.safetensors")
    assert np.array_equal(again.predict(x), network.predict(x))
    assert repr(again) == repr(network)
    masks = [branch.layers[2].seed for branch in again.layers[0].networks]
    assert masks == [branch.layers[2].seed for branch in network.layers[0].networks]
    assert len({int(mask[0]) for mask in masks}) == 3
