"""predict on the compiled path gives what NumPy's gives: every layer, kind of rows, batch and number of threads."""

import itertools
from typing import Any

import numpy as np
import pytest

import cases
import scratchwork as sw
from scratchwork.engine import choice, interpreter, prediction
from scratchwork.engine.interpreter import run_steps
from scratchwork.errors import ConfigurationError, DataError, MissingDependencyError, ScratchworkError, ShapeError
from two_paths import distance, trained

TOLERANCE = [(np.float64, 1e-12), (np.float32, 1e-5)]
TEXT, RAGGED, NANS = [["1"] * 6], [[1, 2], [3]], np.full((3, 6), np.nan)
BAD = ["text", None, 3.0, TEXT, RAGGED, NANS, np.zeros(6), np.zeros((6, 2)), np.zeros((2, 2, 3))]


def built(layers: list[Any], in_shape: Any, dtype: Any = np.float64) -> sw.Sequential:
    """A network whose parameters and running statistics are off their round starting values."""
    network = sw.Sequential(layers)
    network.build(in_shape, rng=5, dtype=dtype)
    rng = np.random.default_rng(1)
    for _, array in [*((name, parameter.value) for name, parameter in network.parameters()), *network.buffers()]:
        if array.ndim == 1:
            array[...] = rng.uniform(0.2, 1.0, array.shape)
    return network


def mixed(dtype: Any = np.float64) -> sw.Sequential:
    """Wide and narrow, cut along rows and along columns, with everything that prediction does otherwise than training."""
    return built([
        sw.BatchNorm(), sw.Dense(130), sw.BatchNorm(), sw.ReLU(), sw.Dropout(0.3), sw.Dense(70),
        sw.Dropout(0.2, inverted=False), sw.LayerNorm(), sw.GELU(), sw.Reshape((7, 10)), sw.BatchNorm(),
        sw.Scale(), sw.Flatten(), sw.Dense(3), sw.Softmax(),
    ], 6, dtype)  # fmt: skip


def rows(count: int, dtype: Any = np.float64) -> Any:
    return np.random.default_rng(0).normal(size=(count, 6)).astype(dtype)


def with_threads(threads: int, network: sw.Sequential, x: Any, **settings: Any) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prediction, "how_many", lambda flops: threads)
        return network.predict(x, engine="compiled", **settings)


def outcome(network: sw.Sequential, x: Any, **settings: Any) -> Any:
    """What predict gives, or the error that it raises."""
    try:
        return network.predict(x, **settings)
    except (ScratchworkError, ValueError) as error:  # NumPy's own, where an array is not what it should be
        return type(error), str(error)


# -- the same numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCE)
@pytest.mark.parametrize("width", [5, 130])
@pytest.mark.parametrize("case", cases.LAYER_CASES, ids=lambda case: case.name)
def test_every_layer(case, width, dtype, tolerance):
    size = int(np.prod(case.in_shape))
    before = [sw.Flatten(), sw.Dense(width), sw.Dense(size), sw.Reshape(case.in_shape)]
    network = built([*before, case.make(), sw.Flatten(), sw.Dense(width)], case.in_shape, dtype)
    x = case.rows(70, dtype)
    wanted, found = network.predict(x), network.predict(x, engine="compiled", batch_size=32)
    assert found.dtype == dtype
    assert distance(found, wanted) <= tolerance


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCE)
@pytest.mark.parametrize("case", cases.LAYER_CASES, ids=lambda case: case.name)
def test_every_layer_alone(case, dtype, tolerance):
    """Its output is the network's: of any shape, and of rows that nothing came before."""
    network = built([case.make()], case.in_shape, dtype)
    x = case.rows(70, dtype)
    assert distance(network.predict(x, engine="compiled"), network.predict(x)) <= tolerance


@pytest.mark.parametrize("count", [0, 1, 2, 15, 16, 17, 100, 1025])
def test_any_number_of_rows(count):
    network = mixed()
    found, wanted = network.predict(rows(count), engine="compiled"), network.predict(rows(count))
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    assert distance(found, wanted) <= 1e-12


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_same_bits_for_any_threads_and_batch(dtype):
    network, x = mixed(dtype), rows(301, dtype)
    wanted = with_threads(1, network, x).tobytes()
    for threads, size in itertools.product((1, 2, 3, 4), (7, 64, 300, 1024)):
        assert with_threads(threads, network, x, batch_size=size).tobytes() == wanted
    assert with_threads(1, network, x, batch_size=1).tobytes() == wanted
    assert b"".join(with_threads(2, network, x[i : i + 1]).tobytes() for i in range(len(x))) == wanted


def test_a_work_for_threads_in_several_stretches(monkeypatch):
    monkeypatch.setattr(prediction, "HAND_BACK", 1e-3)
    network = built([sw.Dense(500), sw.ReLU(), sw.Dense(200), sw.Tanh(), sw.Dense(3)], 100, np.float32)
    x = np.random.default_rng(0).normal(size=(5000, 100)).astype(np.float32)
    found = network.predict(x, engine="compiled", batch_size=np.int64(128))
    assert distance(found, network.predict(x)) <= 1e-5


def test_no_order_of_threads_changes_a_bit(monkeypatch):
    """As in test_engine_program: between two meetings one thread does all its pieces before the next one begins."""
    network, x = mixed(), rows(100)
    wanted = network.predict(x, engine="compiled").tobytes()

    for order in (range(3), reversed(range(3))):
        turns = list(order)

        def in_turns(q, threads, counters, ops, *arguments, turns=turns):
            meetings = np.flatnonzero(ops[:, interpreter.MEET])
            for start, stop in itertools.pairwise([0, *meetings, len(ops)]):
                part = ops[start:stop].copy()
                part[:, interpreter.MEET] = 0
                reals, *others = arguments
                *memory, rooms, addresses = others
                for turn in turns:
                    crowd, room = np.full_like(counters, 10**12), np.repeat(rooms, 3, axis=0)
                    run_steps(turn, 3, crowd, part, reals[start:stop].copy(), *memory, room, addresses)

        monkeypatch.setattr(interpreter, "run_steps", in_turns)
        assert with_threads(1, network, x).tobytes() == wanted


# -- rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "tolerance"), TOLERANCE)
@pytest.mark.parametrize("kind", ["u1", "i1", "f2", ">f2", "f4", ">f4", "f8", ">f8", "i8", "u2", "?"])
def test_rows_of_every_kind(kind, dtype, tolerance):
    network = built([sw.Rescaling(1 / 255), sw.Dense(70), sw.Tanh(), sw.Dense(3)], 6, dtype)
    x = np.random.default_rng(0).integers(0, 256, size=(50, 6)).astype(np.uint8).astype(kind)
    assert distance(network.predict(x, engine="compiled"), network.predict(x)) <= tolerance


def test_small_rows_are_not_converted_before_they_are_gathered(monkeypatch):
    monkeypatch.setattr(prediction, "converted", lambda *arguments: pytest.fail("converted"))
    for kind in (np.uint8, np.int8, np.float16, np.float64):
        mixed().predict(np.ones((5, 6), kind), engine="compiled")


def test_rows_that_lie_in_memory_in_any_way_compile_nothing_anew():
    network, x = mixed(np.float32), rows(50, np.float32)
    wanted, count = network.predict(x, engine="compiled"), len(run_steps.signatures)
    trained(network, x, np.arange(50) % 3, loss="CategoricalCrossEntropy", optimizer="Adam", engine="compiled")
    frozen, odd = x.copy(), np.frombuffer(b"." + x.tobytes(), np.float32, offset=1).reshape(x.shape)
    frozen.flags.writeable = False
    wide, turned = np.repeat(x, 2, axis=1), x[::-1].copy()
    for same in (frozen, np.asfortranarray(x), wide[:, ::2], turned[::-1], odd, x.tolist(), x.astype(float)):
        assert np.array_equal(network.predict(same, engine="compiled"), wanted)
    assert len(run_steps.signatures) == count


@pytest.mark.parametrize("engine", ["compiled", "auto"])
@pytest.mark.parametrize("x", BAD, ids=range(len(BAD)))
def test_rows_that_are_refused(x, engine):
    network = mixed(np.float32)
    wanted = outcome(network, x)
    assert issubclass(wanted[0], DataError | ShapeError)
    assert outcome(network, x, engine=engine) == wanted


def test_rows_that_are_too_large_for_the_network():
    network, x = mixed(np.float32), np.ones((100, 6))
    x[70, 2], x[90, 1] = 1e39, 1e300
    wanted = outcome(network, x, batch_size=16)
    assert wanted[0] is DataError
    assert outcome(network, x, batch_size=16, engine="compiled") == wanted


def test_what_overflows_is_infinite_without_a_warning():
    network = built([sw.Dense(70, use_bias=False), sw.Dense(3)], 6)
    network.flat().value[:] = 1e200
    found = network.predict(np.full((5, 6), 1e100), engine="compiled")
    assert np.array_equal(found, network.predict(np.full((5, 6), 1e100)))
    assert np.isinf(found).all()


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "8", None])
def test_batch_sizes_that_are_none(size):
    wanted = outcome(mixed(), rows(3), batch_size=size)
    assert outcome(mixed(), rows(3), batch_size=size, engine="compiled") == wanted


# -- the network -----------------------------------------------------------------------------------------------------


def test_nothing_changes_in_the_network_and_training_on_changes_what_it_gives():
    network, x = mixed(), rows(90)
    before = [array.copy() for _, array in network.buffers()] + [network.flat().value.copy(), network.flat().grad.copy()]
    first = network.predict(x, engine="compiled")
    kept = first.copy()
    after = [*(array for _, array in network.buffers()), network.flat().value, network.flat().grad]
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    sw.fit(network, x, np.arange(90) % 3, loss="CategoricalCrossEntropy", optimizer="Adam", epochs=2, progress=False)
    again = network.predict(x, engine="compiled")
    assert np.array_equal(first, kept)
    assert distance(again, first) > 1e-3
    assert distance(again, network.predict(x)) <= 1e-12


def test_an_output_is_never_the_input():
    network = built([sw.Flatten()], (2, 3))
    x = np.ones((4, 2, 3))
    found = network.predict(x, engine="compiled")
    found[...] = 0
    assert x.all()


class Own(sw.Tanh):
    """A layer of somebody's own."""


def test_a_layer_that_the_compiled_path_does_not_know():
    network = built([sw.Dense(2), Own()], 6)
    with pytest.raises(ConfigurationError, match=r"^the compiled path does not know the layer Own\(\): use engine='auto' or"):
        network.predict(rows(0), engine="compiled")
    assert np.array_equal(network.predict(rows(5), engine="auto"), network.predict(rows(5)))


@pytest.mark.parametrize("shape", [(6, 3), (5, 6), (7, 5), (60, 5)])
def test_a_parameter_of_another_shape_is_refused_and_not_read_beyond_its_end(shape):
    network = built([sw.Dense(5), sw.Tanh(), sw.Dense(5)], 6)
    network.layers[0].weight.value = np.ones(shape)
    wanted = outcome(network, rows(3))
    assert outcome(network, rows(3), engine="auto") == wanted
    with pytest.raises(ConfigurationError, match="the compiled path does not know a parameter of shape"):
        network.predict(rows(3), engine="compiled")


def test_networks_that_are_not_built():
    wanted = outcome(sw.Sequential([sw.Dense(2)]), rows(3))
    assert outcome(sw.Sequential([sw.Dense(2)]), rows(3), engine="compiled") == wanted


# -- the choice ------------------------------------------------------------------------------------------------------


def test_which_path_is_taken(monkeypatch):
    taken, real = [], prediction.predicted
    monkeypatch.setattr(prediction, "predicted", lambda *arguments: taken.append(1) or real(*arguments))
    for engine, times in (("numpy", 0), ("compiled", 1), ("auto", 2)):
        mixed().predict(rows(3), engine=engine)
        assert len(taken) == times
    mixed().predict(rows(3))
    mixed()(rows(3))
    assert len(taken) == 2


@pytest.mark.parametrize("engine", ["Compiled", "numba", "", None, 3])
def test_another_name_is_an_error(engine):
    with pytest.raises(ConfigurationError, match="engine is one of 'auto', 'numpy', 'compiled'; received"):
        mixed().predict(rows(3), engine=engine)


@pytest.mark.parametrize("name", choice.NEEDED)
def test_each_library_that_is_missing_is_named(name, monkeypatch):
    monkeypatch.setattr(choice, "_installed", lambda one: one != name)
    with pytest.raises(MissingDependencyError, match=rf"^engine='compiled' needs {name}: pip install 'scratchwork\[fast\]'$"):
        mixed().predict(rows(3), engine="compiled")
    assert np.array_equal(mixed().predict(rows(3), engine="auto"), mixed().predict(rows(3)))
