"""A prepared call gives for one row what predict gives, for every layer, from any thread, and compiles once."""

import threading
from typing import Any

import numpy as np
import pytest

import cases
import scratchwork as sw
from scratchwork.engine.interpreter import run_row
from scratchwork.errors import ConfigurationError, DataError, ScratchworkError, ShapeError


def built(layers: list[Any], in_shape: Any, dtype: Any = np.float64) -> sw.Sequential:
    network = sw.Sequential(layers)
    network.build(in_shape, rng=5, dtype=dtype)
    return network


def example(dtype: Any = np.float32) -> tuple[sw.Sequential, Any]:
    network = built([sw.Dense(70), sw.BatchNorm(), sw.Tanh(), sw.Dropout(0.3), sw.Dense(3), sw.Softmax()], (6,), dtype)
    return network, np.random.default_rng(0).normal(size=(9, 6)).astype(dtype)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("case", cases.LAYER_CASES, ids=lambda case: case.name)
def test_every_layer(case, dtype, tolerance):
    size = int(np.prod(case.in_shape))
    layers = [sw.Flatten(), sw.Dense(70), sw.Dense(size), sw.Reshape(case.in_shape), case.make(), sw.Flatten(), sw.Dense(65)]
    network = built(layers, case.in_shape, dtype)
    rng = np.random.default_rng(1)
    for _, array in [*((name, parameter.value) for name, parameter in network.parameters()), *network.buffers()]:
        array[...] = rng.uniform(0.2, 1.0, array.shape) * (rng.choice([-1.0, 1.0], array.shape) if array.ndim == 2 else 1.0)
    rows = case.rows(8, dtype)
    wanted, call = network.predict(rows), network.prepared()
    found = np.stack([call(row) for row in rows])
    assert found.dtype == dtype
    assert np.abs(found - wanted).max() <= tolerance * np.abs(wanted).max()


def test_a_row_alone_or_as_a_batch_of_one():
    network, rows = example()
    call = network.prepared()
    assert call(rows[0]).shape == (3,)
    assert call(rows[:1]).shape == (1, 3)
    assert np.array_equal(call(rows[:1])[0], call(rows[0]))
    deep = built([sw.Flatten(), sw.Dense(4), sw.Reshape((2, 2))], (3, 5))
    assert deep.prepared()(np.ones((3, 5))).shape == (2, 2)
    assert deep.prepared()(np.ones((1, 3, 5))).shape == (1, 2, 2)


def test_rows_of_any_kind_compile_nothing_anew():
    network, rows = example()
    call = network.prepared()
    wanted, count = call(rows[0]), len(run_row.signatures)
    frozen, wide = rows[0].copy(), np.repeat(rows, 2, axis=1)
    frozen.flags.writeable = False
    for same in (
        frozen,
        wide[0, ::2],
        wide[:1, ::2][0],
        rows[0, ::-1][::-1],
        rows[0].tolist(),
        rows[0].astype(float),
        rows[0].astype(">f4"),
    ):
        assert np.array_equal(call(same), wanted)
    assert np.array_equal(call(np.ones(6, np.uint8)), call(np.ones(6, np.float32)))
    assert len(run_row.signatures) == count


def test_what_a_call_gave_is_not_overwritten_by_the_next():
    network, rows = example()
    call = network.prepared()
    first = call(rows[0])
    kept = first.copy()
    call(rows[1])
    assert np.array_equal(first, kept)


def test_training_on_changes_what_it_gives():
    network = built([sw.Dense(5), sw.Tanh(), sw.Dense(3)], (6,))
    _, rows = example(np.float64)
    call = network.prepared()
    before = call(rows[0])
    sw.fit(network, rows, np.arange(9) % 3, loss="SoftmaxCrossEntropy", optimizer="Adam", epochs=2, progress=False)
    assert not np.array_equal(call(rows[0]), before)
    np.testing.assert_allclose(call(rows[0]), network.predict(rows)[0], rtol=1e-12)


def test_threads_that_share_a_call_do_not_disturb_each_other():
    network = built([sw.Dense(300), sw.Tanh(), sw.Dense(300), sw.Tanh(), sw.Dense(3)], (100,), np.float32)
    rows = np.random.default_rng(0).normal(size=(4, 100)).astype(np.float32)
    call = network.prepared()
    wanted, wrong = [call(row) for row in rows], []

    def work(i: int) -> None:
        wrong.extend(i for _ in range(1500) if not np.array_equal(call(rows[i]), wanted[i]))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("x", [np.zeros(5), np.zeros((2, 6)), np.zeros((6, 1)), np.zeros((1, 1, 7)), 3.0, []])
def test_rows_of_another_shape(x):
    network, _ = example()
    with pytest.raises(ShapeError, match=r"a prepared call takes one row of shape \(6,\)"):
        network.prepared()(x)


@pytest.mark.parametrize("x", ["text", [1j] * 6, None, [[1, 2], [3]], ["1"] * 6])
def test_rows_that_are_no_numbers(x):
    network, _ = example()
    with pytest.raises(DataError):
        network.prepared()(x)


class Own(sw.Tanh):
    """A layer of somebody's own."""


def test_networks_that_cannot_be_prepared():
    with pytest.raises(ConfigurationError, match=r"the compiled path does not know the layer Own\(\): use predict"):
        built([sw.Dense(2), Own()], (3,)).prepared()
    with pytest.raises(ScratchworkError):
        sw.Sequential([sw.Dense(2)]).prepared()
