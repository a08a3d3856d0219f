"""Where threads must meet: no result depends on which thread is quick, and pieces cover everything once.

A race shows on a real machine once in a million steps. Here the threads of a step are run one after the other in the
worst orders: between two meetings, one thread does all its pieces before the next one begins. What then differs from one
thread's bits was read before it was written.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import cases
import scratchwork as sw
from scratchwork.engine import interpreter
from scratchwork.engine.interpreter import ARGS, CHECK, CODE, KEEP, MEET, PANEL, PIECES, run_steps
from scratchwork.engine.program import ROWS, WHOLE, Program, columns
from two_paths import require_same_bits, trained

N = 40
CROWD = 10**12  # a counter that says everybody has arrived


class Orders:
    """Stands in for `run_steps`: a step is cut at its meetings, and `order(threads)` says who goes first between two."""

    def __init__(self, threads: int, order: Callable[[int], Iterator[int] | list[int]], without: int | None = None) -> None:
        self.threads, self.order, self.without = threads, order, without
        self.meetings: list[int] = []

    signatures = run_steps.signatures

    def __call__(self, q: int, threads: int, counters: Any, ops: Any, *arguments: Any) -> None:
        reals, order, stretch, rates, results, *places = arguments
        begin, steps, batch, chunk, number, draw = stretch
        *memory, rooms, addresses = places
        places = [*memory, np.repeat(rooms, self.threads, axis=0), addresses]
        crowd = np.full_like(counters, CROWD)
        meetings = np.flatnonzero(ops[:, MEET])
        self.meetings = [int(i) for i in meetings if ops[i, CODE] != CHECK]
        cuts = [0, *(int(i) for i in meetings if i != self.without), len(ops)]
        for s in range(steps):
            one = (begin + s, 1, batch, chunk, number + s, draw + s)
            for start, stop in itertools.pairwise(cuts):
                part = ops.copy()
                part[:, MEET] = 0
                for outside in (part[:start], part[stop:], part[part[:, CODE] == CHECK]):
                    outside[:, PIECES] = 0
                part[(part[:, CODE] == CHECK) | (part[:, PIECES] == 0), CODE] = KEEP
                for turn in self.order(self.threads):
                    rate, result = rates[s : s + 1], results[s : s + 1]
                    run_steps(turn, self.threads, crowd, part, reals, order, one, rate, result, *places)
            results[s] = 1.0, 1.0


def forward(threads: int) -> list[int]:
    return list(range(threads))


def backward(threads: int) -> list[int]:
    return list(reversed(range(threads)))


def built(layers: list[Any], in_shape: Any) -> sw.Sequential:
    network = sw.Sequential(layers)
    network.build(in_shape, rng=5, dtype=np.float64)
    return network


def outcome(network: sw.Sequential, x: Any, y: Any, runner: Any, **settings: Any) -> Any:
    usual = {"loss": sw.SoftmaxCrossEntropy(), "optimizer": sw.Adam(0.01), "epochs": 1, "batch_size": 32}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interpreter, "run_steps", runner)
        return trained(network, x, y, engine="compiled", threads=1, **(usual | settings))


def same(found: Any, wanted: Any) -> bool:
    found.history.columns = wanted.history.columns  # losses are not added up here
    try:
        require_same_bits(found, wanted)
    except AssertionError:
        return False
    return True


def surrounded(case: cases.LayerCase, width: int) -> list[Any]:
    shape = [sw.Reshape(case.in_shape)] if len(case.in_shape) > 1 else []
    before = [sw.Flatten(), sw.Dense(width), sw.Tanh(), sw.Dense(int(np.prod(case.in_shape))), *shape]
    return [*before, case.make(), sw.Flatten(), sw.Dense(width), sw.Sigmoid(), sw.Dense(3)]


def networks() -> dict[str, tuple[list[Any], dict[str, Any]]]:
    """Layers that are cut in other ways than their neighbours, square matrices, and every kind of update."""
    regularized = {"regularizer": sw.ElasticNet(0.01, 0.01), "constraint": sw.MaxNorm(0.5)}
    found: dict[str, tuple[list[Any], dict[str, Any]]] = {
        "one layer": ([sw.Dense(3)], {}),
        "square": ([sw.Dense(130), sw.Dense(130), sw.Dense(130), sw.Dense(3)], {}),
        "square, narrow between": ([sw.Dense(40), sw.Dense(40), sw.ReLU(), sw.Dense(130), sw.Dense(40), sw.Dense(3)], {}),
        "rules": ([sw.Dense(130), sw.ReLU(), sw.Dense(130), sw.Dense(40), sw.Dense(3)], regularized),
        "rules by rows": ([sw.Dense(130), sw.Dense(130), sw.Dense(3)], {"constraint": sw.MaxNorm(0.5, axis=1)}),
        "clipped": ([sw.Dense(130), sw.Dense(130), sw.Dense(3)], {**regularized, "clip_norm": 0.1, "clip_value": 0.05}),
        "weighted": ([sw.Dense(130), sw.Dense(3)], {"sample_weight": np.linspace(0.5, 2.0, N), "metrics": ["accuracy"]}),
        "classes": ([sw.Dense(3)], {"loss": sw.SoftmaxCrossEntropy(class_weight=[1.0, 2.0, 0.5])}),
        "momentum": ([sw.Dense(130), sw.Dense(3)], {"optimizer": sw.SGD(0.1, momentum=0.9, nesterov=True)}),
        "decay": ([sw.Dense(130), sw.LayerNorm(), sw.Dense(3)], {"optimizer": sw.AdamW(0.1, weight_decay=0.3)}),
        "all kinds": ([
            sw.BatchNorm(), sw.Dense(130), sw.LayerNorm(), sw.Dropout(0.2), sw.GELU(), sw.Scale(), sw.Softmax(), sw.Dense(70),
            sw.BatchNorm(), sw.Dropout(0.5), sw.Scale(), sw.Tanh(), sw.LayerNorm(), sw.Reshape((7, 10)), sw.BatchNorm(),
            sw.LayerNorm(), sw.Dropout(0.1), sw.Softmax(), sw.Flatten(), sw.Dense(3),
        ], {}),
    }  # fmt: skip
    return found


def check_orders(network: sw.Sequential, x: Any, y: Any, **settings: Any) -> None:
    wanted = outcome(network, x, y, run_steps, **settings)
    for threads, order in itertools.product((2, 3, 5), (forward, backward)):
        assert same(outcome(network, x, y, Orders(threads, order), **settings), wanted), (threads, order.__name__)


@pytest.mark.parametrize("name", networks())
def test_no_order_of_threads_changes_a_bit(name):
    layers, settings = networks()[name]
    x, y = np.random.default_rng(0).normal(size=(N, 20)), np.arange(N) % 3
    check_orders(built(layers, (20,)), x, y, **settings)


@pytest.mark.parametrize("width", [5, 130])
@pytest.mark.parametrize("case", cases.LAYER_CASES, ids=lambda case: case.name)
def test_no_order_of_threads_changes_a_bit_of_a_layer(case, width):
    check_orders(built(surrounded(case, width), case.in_shape), case.rows(N), np.arange(N) % 3)


@pytest.mark.parametrize("case", cases.LOSS_CASES, ids=lambda case: case.name)
def test_no_order_of_threads_changes_a_bit_of_a_loss(case):
    outputs = case.outputs[-1]
    _, target = case.draw(N, outputs)
    tail = [sw.Softmax()] if case.kind == "probabilities" else []
    network = built([sw.Dense(70), sw.Tanh(), sw.Dense(outputs), *tail], (6,))
    x = np.random.default_rng(0).normal(size=(N, 6))
    for weight in (None, np.linspace(0.5, 2.0, N)):
        check_orders(network, x, target, loss=case.make(), sample_weight=weight)


@pytest.mark.parametrize("name", networks())
def test_every_meeting_is_needed(name):
    """Without any one of them (but that before the loss is looked at) some order of threads gives other bits."""
    layers, settings = networks()[name]
    network = built(layers, (20,))
    x, y = np.random.default_rng(0).normal(size=(N, 20)), np.arange(N) % 3
    wanted = outcome(network, x, y, run_steps, **settings)
    spy = Orders(2, forward)
    outcome(network, x, y, spy, **settings)
    idle = []
    for meeting in spy.meetings:
        runners = [Orders(threads, order, without=meeting) for threads in (2, 3) for order in (forward, backward)]
        if all(same(outcome(network, x, y, runner, **settings), wanted) for runner in runners):
            idle.append(meeting)
    assert len(idle) <= (name == "rules"), idle  # there, a matrix of one panel is cut in two ways that are one


# -- made programs ---------------------------------------------------------------------------------------------------


def meetings(program: Program) -> list[bool]:
    table, _ = program.finish()
    return [bool(row[MEET]) for row in table]


def test_what_is_read_as_it_was_written_needs_no_meeting():
    program = Program(100, np.dtype(np.float64))
    x, y = program.matrix(200), program.matrix(200)
    program.emit(interpreter.GATHER, ROWS, 200, [], writes=(x,))
    program.emit(interpreter.ACTIVATION, ROWS, 200, [], reads=(x,), writes=(y,))
    program.emit(interpreter.KEEP, ROWS, 200, [], reads=(x, y))
    assert meetings(program) == [False, False, False]


@pytest.mark.parametrize(
    ("first", "second", "meets"),
    [
        ("write rows", "read rows", False),
        ("write rows", "read columns", True),
        ("write columns", "read rows", True),
        ("write columns", "read columns", False),
        ("write rows", "read all", True),
        ("write all", "read all", True),
        ("write all", "read rows", True),
        ("read all", "read columns", False),
        ("read rows", "read columns", False),
        ("read rows", "write columns", True),
        ("read all", "write rows", True),
        ("read columns", "write columns", False),
        ("write rows", "write columns", True),
        ("write columns", "write columns", False),
        ("write columns", "read other columns", True),
        ("write rows", "read whole", True),
        ("write whole", "read whole", False),
    ],
)
def test_where_threads_meet(first, second, meets):
    program = Program(100, np.dtype(np.float64))
    x = program.matrix(200)
    other = type(x)(x.offset, 100, 2, x.cut)  # the same memory, as rows of half the width
    cuts = {"rows": ROWS, "columns": columns(x), "all": ROWS, "other columns": columns(other), "whole": WHOLE}
    for step in (first, second):
        verb, _, cut = step.partition(" ")
        entry = (x, None) if cut == "all" else x
        places = {"reads": (entry,)} if verb == "read" else {"writes": (entry,)}
        program.emit(interpreter.ACTIVATION, cuts[cut], 200, [], **places)
    assert meetings(program) == [False, meets]


def test_one_meeting_serves_all_that_came_before_it():
    program = Program(100, np.dtype(np.float64))
    x, y, z = (program.matrix(200) for _ in range(3))
    program.emit(interpreter.GATHER, ROWS, 200, [], writes=(x, y))
    program.emit(interpreter.ACTIVATION, columns(x), 200, [], reads=(x,), writes=(z,))
    program.emit(interpreter.ACTIVATION, columns(x), 200, [], reads=(y, z))
    program.emit(interpreter.ACTIVATION, ROWS, 200, [], reads=(z,))
    assert meetings(program) == [False, True, False, True]


def test_the_loss_is_looked_at_by_all_together():
    """Each thread decides by itself whether to stop, and all have to decide the same."""
    program = Program(100, np.dtype(np.float64))
    y, dy, z = (program.matrix(200) for _ in range(3))
    program.emit(interpreter.CLASS_LOSS, ROWS, 200, [], reads=(y,), writes=(dy, "loss"))
    program.emit(interpreter.ACTIVATION_BACK, ROWS, 200, [], writes=(dy,))
    program.emit(interpreter.ACTIVATION, columns(z), 200, [], reads=(dy,), writes=(z,))
    program.emit(interpreter.UPDATE, columns(z), 200, [], reads=(z,), writes=(("p", 0),))
    assert meetings(program) == [False, False, True, False, False]  # where they meet anyway
    assert [op.code for op in program.operations].index(CHECK) == 2


def test_the_loss_is_looked_at_before_a_parameter_changes():
    program = Program(100, np.dtype(np.float64))
    dy = program.matrix(200)
    program.emit(interpreter.CLASS_LOSS, ROWS, 200, [], writes=(dy, "loss"))
    program.emit(interpreter.UPDATE, ROWS, 200, [], reads=(dy,), writes=(("p", 0),))
    assert meetings(program) == [False, True, False]
    assert program.operations[1].code == CHECK


@pytest.mark.parametrize("batch", [1, 15, 16, 17, 63, 64, 65, 100, 128, 1000])
@pytest.mark.parametrize("rows", ["all", "one", "half"])
def test_pieces_of_rows_cover_each_row_once(batch, rows):
    program = Program(batch, np.dtype(np.float64))
    program.emit(interpreter.GATHER, ROWS, 3, [])
    here = {"all": batch, "one": 1, "half": -(-batch // 2)}[rows]
    covered = np.zeros(here, int)
    for piece in range(program.operations[0].pieces):
        covered[min(piece * program.chunk, here) : min((piece + 1) * program.chunk, here)] += 1
    assert (covered == 1).all()
    assert program.operations[0].pieces <= 4


@pytest.mark.parametrize("width", [1, 63, 64, 65, 128, 1000])
def test_pieces_of_columns_cover_each_column_once(width):
    program = Program(10, np.dtype(np.float64))
    program.emit(interpreter.ACTIVATION, ("columns", width, 1), width, [])
    covered = np.zeros(width, int)
    for piece in range(program.operations[0].pieces):
        assert piece * PANEL < width
        covered[piece * PANEL : (piece + 1) * PANEL] += 1
    assert (covered == 1).all()


def test_matrices_lie_side_by_side_on_cache_lines():
    program = Program(7, np.dtype(np.float32))
    found = [program.matrix(width, times) for width, times in ((3, 1), (1, 1), (65, 2), (16, 1))]
    ends = [matrix.offset + 7 * matrix.times * matrix.width for matrix in found]
    assert all(matrix.offset % 16 == 0 for matrix in found)
    assert all(end <= later.offset for end, later in zip(ends, found[1:], strict=False))
    assert ends[-1] <= program.arena


def test_the_table_says_what_was_emitted():
    program = Program(10, np.dtype(np.float64))
    program.emit(interpreter.DROPOUT, ("columns", 130, 2), 130, [7, -(2**63), 2**32 - 1], reals=(0.25, 1e308), times=2)
    table, reals = program.finish()
    assert table[0, :ARGS].tolist() == [interpreter.DROPOUT, 0, 3, interpreter.COLUMNS, 130, 2]
    assert table[0, ARGS : ARGS + 3].tolist() == [7, -(2**63), 2**32 - 1]
    assert reals[0, :2].tolist() == [0.25, 1e308]
