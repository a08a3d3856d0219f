"""Sparse rows: the same numbers as the same rows with their zeros, and never all zeros at once."""

import copy
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import scratchwork as sw
from scratchwork.data.checks import check_features
from scratchwork.engine import lowering_sparse
from scratchwork.engine import threads as crews
from scratchwork.engine.interpreter import run_steps
from scratchwork.errors import ConfigurationError, DataError, DivergedError, ShapeError
from scratchwork.sparse_rows import SparseRows, in_dtype, is_sparse, sparse_rows
from test_engine_program import Orders, backward, forward, outcome, same
from two_paths import ROWS, Watch, distance, require_same_bits, require_same_numbers, trained

FORMATS = ["csr", "csc", "coo", "lil", "dok", "bsr"]
ENGINES = ["numpy", "compiled"]
COLUMNS = 300
BOTH = [pytest.param(np.float64, id="float64"), pytest.param(np.float32, id="float32")]


@pytest.fixture(autouse=True)
def small_things_in_pieces(monkeypatch):
    """Networks as small as those of these tests would take one thread and one piece."""
    monkeypatch.setattr(crews, "SMALL", 0)
    monkeypatch.setattr(crews, "SHORT", 0)
    monkeypatch.setattr(lowering_sparse, "SOME", 500)


def rows(count: int = ROWS, columns: int = COLUMNS, density: float = 0.05, seed: int = 0) -> Any:
    """Rows of which some are empty."""
    drawn = sparse.random(count, columns, density, format="lil", rng=np.random.default_rng(seed))
    drawn[3] = 0
    drawn[count - 1] = 0
    return sparse.csr_array(drawn)


def labels(count: int = ROWS, classes: int = 3) -> Any:
    return np.random.default_rng(1).permutation(np.arange(count) % classes)


def built(layers: list[Any], columns: int = COLUMNS, dtype: Any = np.float64) -> sw.Sequential:
    network = sw.Sequential(layers)
    network.build(columns, rng=5, dtype=dtype)
    return network


def usual(dtype: Any = np.float64) -> sw.Sequential:
    return built([sw.Dense(20), sw.Tanh(), sw.Dense(3)], dtype=dtype)


def settings(**more: Any) -> dict[str, Any]:
    return {"loss": sw.SoftmaxCrossEntropy(), "optimizer": sw.Adam(0.01), "metrics": ["accuracy"], **more}


# -- the rows themselves ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csr_matrix], ids=["array", "matrix"])
@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same_rows(form, kind):
    given = kind(rows()).asformat(form)
    found = sparse_rows(given, "x")
    assert is_sparse(given)
    assert found.shape == (ROWS, COLUMNS)
    assert (found.indptr.dtype, found.indices.dtype) == (np.int64, np.int32)
    np.testing.assert_array_equal(found.dense(), given.toarray())


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int32, np.int64, np.float32, np.float64, np.longdouble])
def test_numbers_of_every_type(dtype):
    given = sparse.csr_array((10 * rows()).astype(dtype))
    found = sparse_rows(given, "x")
    assert found.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(found.dense(), given.toarray())


def test_diagonals():
    given = sparse.dia_array((np.array([[1.0, 2.0, 3.0, 4.0], [0.0, 5.0, 6.0, 7.0]]), [0, 1]), shape=(3, 4))
    np.testing.assert_array_equal(sparse_rows(given, "x").dense(), given.toarray())


def test_unsorted_and_double_columns_are_put_in_order_and_the_given_matrix_is_left_alone():
    data, indices, indptr = np.array([1.0, 2.0, 3.0, 4.0, 0.0]), np.array([2, 0, 2, 1, 0]), np.array([0, 3, 3, 5])
    given = sparse.csr_matrix((data, indices, indptr), shape=(3, 4))
    found = sparse_rows(given, "x")
    assert found.indices.tolist() == [0, 2, 0, 1]
    assert found.data.tolist() == [2.0, 4.0, 0.0, 4.0]  # a zero that was stored is a number like the others
    assert given.indices.tolist() == [2, 0, 2, 1, 0]
    assert given.data.tolist() == [1.0, 2.0, 3.0, 4.0, 0.0]


def test_a_flag_that_lies_is_not_believed():
    given = sparse.csr_array((np.array([1.0, 2.0]), np.array([0, 1]), np.array([0, 2])), shape=(1, 3))
    assert given.has_canonical_format
    given.indices[:] = [2, 0]
    assert sparse_rows(given, "x").indices.tolist() == [0, 2]


def test_wide_column_numbers():
    given = rows()
    wide = sparse.csr_array(given)
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    np.testing.assert_array_equal(sparse_rows(wide, "x").dense(), given.toarray())


def test_chosen_rows():
    found, full = sparse_rows(rows(), "x"), rows().toarray()
    backwards = np.arange(ROWS)[::-1]
    for chosen in (np.array([3, 0, 3, ROWS - 1, 5]), np.array([], np.int64), np.arange(ROWS) % 3 == 0, backwards, slice(7, 20)):
        np.testing.assert_array_equal(found[chosen].dense(), full[chosen])
    for stretch in (slice(None), slice(5, 5), slice(60, 1000), slice(9, 3), slice(None, None, 3), slice(-4, None)):
        part = found[stretch]
        assert len(part) == len(full[stretch])
        assert part.indptr[0] == 0
        np.testing.assert_array_equal(part.dense(), full[stretch])


@pytest.mark.parametrize("dtype", BOTH)
def test_products(dtype):
    found, rng = in_dtype(sparse_rows(rows(), "x"), dtype, "x"), np.random.default_rng(2)
    assert isinstance(found, SparseRows)
    full, weight, dy = found.dense(), rng.normal(size=(COLUMNS, 7)).astype(dtype), rng.normal(size=(ROWS, 7)).astype(dtype)
    for product, wanted in ((found.times(weight), full @ weight), (found.turned_times(dy), full.T @ dy)):
        assert product.dtype == dtype
        assert distance(product, wanted) < (1e-14 if dtype == np.float64 else 1e-6)


def broken(part: str, number: int) -> Any:
    given = sparse.csr_array(rows())
    getattr(given, part)[5] = number
    return given


def with_number(number: float) -> Any:
    given = rows(seed=3)
    given.data[10] = number
    return given


REFUSED = {
    "NaN": (with_number(np.nan), DataError, r"^x holds NaN at row \d+, column \d+ \(1 such value in all\)"),
    "infinite": (with_number(-np.inf), DataError, r"^x holds an infinity at row \d+, column \d+"),
    "column out of range": (broken("indices", COLUMNS), DataError, "^x is no valid sparse matrix"),
    "negative column": (broken("indices", -1), DataError, "^x is no valid sparse matrix"),
    "rows that go back": (broken("indptr", 10**6), DataError, "^x is no valid sparse matrix"),
    "complex": (sparse.csr_array(np.array([[1j]])), DataError, "^x holds complex numbers"),
    "one axis": (sparse.coo_array(np.array([0.0, 1.0])), ShapeError, r"^x is a sparse array of shape \(2,\)"),
    "no rows": (sparse.csr_array((0, 3)), DataError, r"^x of shape \(0, 3\) is empty"),
    "too wide": (sparse.coo_array((2, 2**31)), ShapeError, "^x has 2,147,483,648 columns"),
}


@pytest.mark.parametrize(("values", "error", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_wrong_is_one_sentence(values, error, text):
    with pytest.raises(error, match=text):
        check_features(values)


def test_the_place_of_the_first_bad_number():
    given = with_number(np.nan)
    row, column = (int(i[0]) for i in np.nonzero(np.isnan(given.toarray())))
    with pytest.raises(DataError, match=f"row {row}, column {column} "):
        sw.fit(usual(), given, labels(), **settings())


def test_numbers_too_large_for_the_network():
    with pytest.raises(DataError, match=r"x holds 1e\+300, which is too large for float32"):
        sw.fit(usual(np.float32), with_number(1e300), labels(), **settings(), progress=False)


ELSEWHERE = {
    "check_gradients": lambda network, x: sw.check_gradients(network, sw.SoftmaxCrossEntropy(), x, labels()),
    "prepared": lambda network, x: network.prepared()(x[[0]]),
    "y": lambda network, x: sw.fit(network, x, sparse.csr_array(labels()[:, None]), **settings()),
    "sample_weight": lambda network, x: sw.fit(network, x, labels(), sample_weight=x[:, [0]], **settings()),
    "check_x": lambda network, x: sw.data.check_x(x),
}


@pytest.mark.parametrize("call", ELSEWHERE)
def test_where_sparse_rows_are_not_taken_the_way_out_is_named(call):
    network, x = usual(), rows()
    with pytest.raises(DataError, match=r"is a sparse matrix.*toarray\(\)"):
        ELSEWHERE[call](network, x)


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_of_another_width(engine):
    with pytest.raises(ShapeError, match="the network was built for x of shape"):
        usual().predict(rows(columns=299), engine=engine)
    with pytest.raises(ShapeError, match="the network was built for validation x of shape"):
        sw.fit(usual(), rows(), labels(), validation_data=(rows(columns=4), labels()), engine=engine, **settings())
    with pytest.raises(ShapeError, match="x has 70 rows and y has 69"):
        sw.fit(usual(), rows(), labels()[1:], engine=engine, **settings())


# -- both paths ------------------------------------------------------------------------------------------------------


def agree(network: sw.Sequential, x: Any, y: Any, tolerance: float = 1e-12, **more: Any) -> None:
    """Both paths give what NumPy's gives for the dense rows; the compiled one the same bits for any threads."""
    more = settings(**more)
    wanted = trained(network, x.toarray(), y, engine="numpy", **more)
    require_same_numbers(trained(network, x, y, engine="numpy", **more), wanted, tolerance)
    alone = trained(network, x, y, engine="compiled", threads=1, **more)
    require_same_numbers(alone, wanted, tolerance)
    for name, moment in wanted.state.items():
        assert distance(alone.state[name], moment) < tolerance, name
    for threads in (2, 3, 4):
        require_same_bits(trained(network, x, y, engine="compiled", threads=threads, **more), alone)


NETWORKS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "one layer": ([sw.Dense(3)], {}),
    "wider than a panel": ([sw.Dense(130), sw.Tanh(), sw.Dense(70), sw.Tanh(), sw.Dense(3)], {}),
    "wider than a piece": ([sw.Dense(501), sw.Tanh(), sw.Dense(3)], {}),
    "without a bias": ([sw.Dense(9, use_bias=False), sw.BatchNorm(), sw.ReLU(), sw.Dense(3)], {"optimizer": sw.SGD(0.1)}),
    "L2": ([sw.Dense(20), sw.Tanh(), sw.Dense(3)], {"regularizer": sw.L2(1e-2)}),
    "L1": ([sw.Dense(20), sw.Tanh(), sw.Dense(3)], {"regularizer": sw.L1(1e-3), "optimizer": sw.SGD(0.1)}),
    "both": ([sw.Dense(20), sw.Tanh(), sw.Dense(3)], {"regularizer": sw.ElasticNet(1e-3, 1e-2, biases=True)}),
    "its own penalty": ([sw.Dense(20, weight_regularizer=sw.L2(0.1)), sw.Tanh(), sw.Dense(3)], {}),
    "decay": ([sw.Dense(20), sw.Tanh(), sw.Dense(3)], {"optimizer": sw.AdamW(0.01, weight_decay=0.3)}),
    "momentum": ([sw.Dense(20), sw.Tanh(), sw.Dense(3)], {"optimizer": sw.SGD(0.1, momentum=0.9, nesterov=True)}),
    "descent": ([sw.Dense(20), sw.Tanh(), sw.Dense(3)], {"optimizer": sw.SGD(sw.Exponential(0.1, 0.9))}),
    "AdaGrad": ([sw.Dense(20), sw.Tanh(), sw.Dense(3)], {"optimizer": sw.AdaGrad(0.01, eps=1e-3)}),
    "RMSProp": ([sw.Dense(20), sw.Tanh(), sw.Dense(3)], {"optimizer": sw.RMSProp(0.01)}),
    "its own rate": ([sw.Dense(20, weight_learning_rate_factor=0.3), sw.Tanh(), sw.Dense(3)], {}),
    "clipped": ([sw.Dense(130), sw.Tanh(), sw.Dense(3)], {"clip_norm": 0.1, "clip_value": 0.05, "regularizer": sw.L2(1e-2)}),
    "projected": ([sw.Dense(130), sw.Tanh(), sw.Dense(3)], {"constraint": sw.MaxNorm(0.5), "regularizer": sw.L2(1e-2)}),
    "dropout first": ([sw.Dropout(0.3), sw.Dense(20), sw.Tanh(), sw.Dense(3)], {}),
    "normalization first": ([sw.LayerNorm(), sw.Dense(20), sw.Tanh(), sw.Dense(3)], {"optimizer": sw.SGD(0.1)}),
    "an activation first": ([sw.Tanh(), sw.Dense(3)], {}),
    "a network inside": ([sw.Sequential([sw.Sequential([sw.Dense(20), sw.Tanh()]), sw.Dense(5)]), sw.Dense(3)], {}),
    "side by side": ([sw.Parallel([sw.Dense(70), sw.Sequential([sw.Dense(5), sw.Tanh(), sw.Dense(70)])]), sw.Dense(3)], {}),
    "of two kinds": ([sw.Parallel([sw.Dense(3), sw.Sequential([sw.Scale(), sw.Dense(3)])]), sw.Average(2)], {}),
    "weighted": ([sw.Dense(20), sw.Tanh(), sw.Dense(3)], {"sample_weight": np.linspace(0.5, 2.0, ROWS)}),
    "held out": ([sw.Dense(20), sw.Tanh(), sw.Dense(3)], {"validation_split": 0.3}),
    "all at once": ([sw.Dense(20), sw.Tanh(), sw.Dense(3)], {"batch_size": None}),
    "one by one": ([sw.Dense(20), sw.Tanh(), sw.Dense(3)], {"batch_size": 1, "epochs": 1}),
    "in order": ([sw.Dense(20), sw.Tanh(), sw.Dense(3)], {"batch_size": 69, "shuffle": False}),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_sparse_rows_train_as_dense_ones_do(name):
    layers, more = NETWORKS[name]
    agree(built(copy.deepcopy(layers)), rows(), labels(), **more)


@pytest.mark.parametrize("name", ["wider than a panel", "L2", "clipped"])
def test_in_single_precision(name):
    """With SGD: Adam turns the rounding of a gradient that is nearly 0 into a step."""
    layers, more = NETWORKS[name]
    more = {**more, "optimizer": sw.SGD(0.1, momentum=0.9)}
    agree(built(copy.deepcopy(layers), dtype=np.float32), rows().astype(np.float32), labels(), 1e-5, **more)


def test_more_than_64_steps_and_nearly_denormal_moments():
    """Every 64th step moments that are nearly denormal are flushed: those of columns that no row has, too."""
    agree(usual(), rows(density=0.01), labels(), epochs=30, regularizer=sw.L2(1e-3))


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64])
def test_whole_numbers(dtype):
    agree(usual(), sparse.csc_matrix((rows() > 0.3).astype(dtype)), labels(), epochs=2)


def test_columns_without_a_number_and_one_with_all():
    x = rows(density=0.005).tolil()
    x[:, 17] = 1.0
    agree(usual(), sparse.csr_array(x), labels(), epochs=2)


def test_validation_rows_of_both_kinds():
    x, y = rows(), labels()
    for x_val in (rows(30, seed=5), rows(30, seed=5).toarray()):
        agree(usual(), x, y, validation_data=(x_val, labels(30)), epochs=2)


def test_lbfgs():
    wanted, found = usual(), usual()
    more = {"loss": sw.SoftmaxCrossEntropy(), "optimizer": sw.LBFGS(), "epochs": 5, "progress": False, "metrics": ["accuracy"]}
    history = sw.fit(wanted, rows().toarray(), labels(), **more)
    assert sw.fit(found, rows(), labels(), **more)["loss"] == pytest.approx(history["loss"], rel=1e-9)
    assert distance(found.flat().value, wanted.flat().value) < 1e-7


def test_many_networks_at_once():
    from scratchwork.ensemble import fit_many

    more = {"loss": sw.SoftmaxCrossEntropy(), "optimizer": sw.Adam(0.01), "epochs": 2, "progress": False}
    chosen = [np.arange(0, 60), np.arange(10, 70)]
    for engine in ENGINES:
        wanted, found = [usual(), usual()], [usual(), usual()]
        fit_many(wanted, rows().toarray(), labels(), rows=chosen, seeds=[1, 2], engine=engine, **more)
        fit_many(found, rows(), labels(), rows=chosen, seeds=[1, 2], engine=engine, **more)
        for one, other in zip(found, wanted, strict=True):
            assert distance(one.flat().value, other.flat().value) < 1e-12


def test_a_network_that_is_not_built_is_built_for_the_columns():
    network = sw.Sequential([sw.Dense(4), sw.ReLU(), sw.Dense(3)])
    sw.fit(network, rows().tocoo(), labels(), **settings(), epochs=1, progress=False)
    assert (network.in_shape, network.dtype) == ((COLUMNS,), np.float32)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_loss_that_becomes_infinite_names_the_layer(engine):
    network = built([sw.Dense(5), sw.Dense(1)])
    with pytest.raises(DivergedError, match=r"the first array that is not finite is the output of layer 1, Dense\(1\)"):
        sw.fit(network, rows(), labels() * 1.0, loss=sw.MeanSquaredError(), optimizer=sw.SGD(1e200), engine=engine)


def test_a_layer_of_ones_own_gets_arrays():
    class Looking(sw.Dense):
        def forward(self, x: Any, *, training: bool = False, step: int = 0) -> Any:
            assert isinstance(x, np.ndarray)
            return super().forward(x, training=training, step=step)

    x, network = rows(), built([Looking(4), sw.Dense(3)])
    history = sw.fit(network, x, labels(), **settings(), progress=False, epochs=2)
    assert history["loss"] == sw.fit(
        built([Looking(4), sw.Dense(3)]), x.toarray(), labels(), **settings(), progress=False, epochs=2
    )["loss"]  # fmt: skip


def test_the_usual_way_is_the_compiled_one():
    watch = Watch()
    sw.fit(usual(), rows(), labels(), **settings(), epochs=1, callbacks=[watch], progress=False)
    assert watch.run.engine == "compiled"


# -- prediction ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["wider than a panel", "dropout first", "side by side", "of two kinds", "projected"])
def test_predictions(name, engine):
    network, x = built(copy.deepcopy(NETWORKS[name][0])), rows()
    wanted = network.predict(x.toarray())
    for form in FORMATS[:4]:
        for batch in (1, 16, 1000):
            assert distance(network.predict(x.asformat(form), batch_size=batch, engine=engine), wanted) < 1e-13
    assert network.predict(x[:0], engine=engine).shape == (0, 3)
    assert distance(network.predict((x > 0).astype(np.uint8), engine=engine), network.predict((x > 0).toarray())) < 1e-13


def test_a_compiled_prediction_of_a_row_does_not_depend_on_its_batch():
    network, x = built([sw.Dense(130), sw.Tanh(), sw.Dense(3)], dtype=np.float32), rows().astype(np.float32)
    whole = network.predict(x, engine="compiled")
    assert network.predict(x, engine="compiled", batch_size=7).tobytes() == whole.tobytes()
    assert network.predict(x[[11]], engine="compiled").tobytes() == whole[11:12].tobytes()


# -- where threads meet ----------------------------------------------------------------------------------------------

CUT = ["one layer", "wider than a panel", "L2", "clipped", "projected", "dropout first", "side by side", "weighted"]


@pytest.mark.parametrize("name", CUT)
def test_no_order_of_threads_changes_a_bit(name):
    layers, more = NETWORKS[name]
    network, x, y = built(copy.deepcopy(layers)), rows(), labels()
    wanted = outcome(network, x, y, run_steps, **more)
    for threads in (2, 3, 5):
        for order in (forward, backward):
            assert same(outcome(network, x, y, Orders(threads, order), **more), wanted), (threads, order.__name__)


@pytest.mark.parametrize("name", CUT)
def test_every_meeting_is_needed(name):
    layers, more = NETWORKS[name]
    network, x, y = built(copy.deepcopy(layers)), rows(), labels()
    wanted, spy = outcome(network, x, y, run_steps, **more), Orders(2, forward)
    outcome(network, x, y, spy, **more)
    for meeting in spy.meetings:
        runners = [Orders(threads, order, without=meeting) for threads in (2, 3) for order in (forward, backward)]
        assert not all(same(outcome(network, x, y, runner, **more), wanted) for runner in runners), meeting


# -- memory ----------------------------------------------------------------------------------------------------------

PROGRAM = """
import pathlib, resource, sys
import numpy as np
from scipy import sparse
import scratchwork as sw
engine = sys.argv[1]
rng, N, D, K = np.random.default_rng(0), 20_000, 100_000, 50
x = sparse.csr_array((rng.random(N * K), rng.integers(0, D, N * K), np.arange(0, N * K + 1, K)), shape=(N, D))
y = rng.integers(0, 2, N)
network = sw.Sequential([sw.Dense(100), sw.ReLU(), sw.Dense(2)])
sw.fit(network, x, y, loss="softmax_cross_entropy", optimizer="adam", epochs=1, batch_size=500, engine=engine, progress=False,
       validation_split=0.1, metrics=["accuracy"])
assert network.predict(x, engine=engine, batch_size=256).shape == (N, 2)
status = pathlib.Path("/proc/self/status")  # on Linux ru_maxrss knows what the process was forked from, too
if status.exists():
    peak = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "darwin" else 1)
print(peak / 2**20)
"""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_hundred_thousand_columns_fit_in_a_gigabyte(engine):
    """With all its zeros the matrix would take 8 GB."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, engine], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1.0


def test_an_unknown_part_of_a_network_is_named_on_the_compiled_path():
    class Own(sw.ReLU):
        pass

    with pytest.raises(ConfigurationError, match="the compiled path does not know the layer"):
        sw.fit(built([sw.Dense(4), Own(), sw.Dense(3)]), rows(), labels(), **settings(), engine="compiled", progress=False)
