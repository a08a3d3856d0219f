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
from scratchwork.engine.interpreter import CHECK, CODE, KEEP, MEET, PIECES, run_steps
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
        crowd = np.full_like(counters, CROWD)
        self.meetings = [int(i) for i in np.flatnonzero(ops[:, MEET])]
        cuts = [0, *(i for i in self.meetings if i != self.without), len(ops)]
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
        "clipped": ([sw.Dense(130), sw.ReLU(), sw.Dense(130), sw.Dense(3)], {**regularized, "clip_norm": 0.1, "clip_value": 0.05}),
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
    print(name, spy.meetings, idle)
    assert len(idle) <= 1
