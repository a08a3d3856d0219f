"""The compiled path gives NumPy's numbers, for everything that stands in cases.py, and the same bits for any threads.

float64 is where a wrong equation shows: 1e-12 leaves room for the order of sums and for nothing else. float32 runs
through the same code with other types; one half of it is marked slow.
"""

from typing import Any

import numpy as np
import pytest

import cases
import scratchwork as sw
from scratchwork import schedules
from scratchwork.engine import threads as crews
from scratchwork.engine import updates
from scratchwork.engine.interpreter import run_steps
from scratchwork.layers import LAYERS
from scratchwork.losses import LOSSES
from scratchwork.optimizers import OPTIMIZERS
from two_paths import BATCH, EPOCHS, ROWS, Watch, require_agreement, trained

# What the compiled path does not know, and why. A network with one of these trains on NumPy's path.
NOT_LOWERED: dict[str, str] = {}

DTYPES = [
    pytest.param(np.float64, id="float64"),
    pytest.param(np.float32, id="float32", marks=pytest.mark.slow),
]
BOTH = [pytest.param(np.float64, id="float64"), pytest.param(np.float32, id="float32")]
WIDE = 100  # more columns than a panel of 64, and no multiple of it
SGD = sw.SGD(0.02, momentum=0.5)  # small steps: LayerNorm of three numbers blows the rounding of float32 up


@pytest.fixture(autouse=True)
def as_many_threads_as_asked_for(monkeypatch):
    """Networks as small as those of these tests would take one."""
    monkeypatch.setattr(crews, "SMALL", 0)
    monkeypatch.setattr(crews, "SHORT", 0)


def built(layers: list[Any], in_shape: Any, dtype: Any) -> sw.Sequential:
    network = sw.Sequential(layers)
    network.build(in_shape, rng=5, dtype=dtype)
    return network


def rows(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(ROWS, *shape))


def labels(classes: int = 3, seed: int = 1) -> Any:
    return np.random.default_rng(seed).permutation(np.arange(ROWS) % classes)


def small(dtype: Any, hidden: int = 60) -> sw.Sequential:
    return built([sw.Dense(hidden), sw.Tanh(), sw.Dense(3)], (6,), dtype)


def around(case: cases.LayerCase, wide: bool) -> list[Any]:
    """A case's layer inside a network, so that its gradient and what lies before and after it count."""
    before: list[Any] = [sw.Flatten()]
    if wide:
        before += [sw.Dense(70), sw.Tanh()]
    before += [sw.Dense(int(np.prod(case.in_shape))), *([sw.Reshape(case.in_shape)] if len(case.in_shape) > 1 else [])]
    return [*before, case.make(), sw.Flatten(), sw.Dense(WIDE if wide else 5), sw.Tanh(), sw.Dense(3)]


# -- layers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("wide", [False, True], ids=["narrow", "wide"])
@pytest.mark.parametrize("case", cases.LAYER_CASES, ids=lambda case: case.name)
def test_layers(case, wide, dtype):
    """With SGD: a bias before BatchNorm has a gradient of rounding noise alone, which Adam would blow up to whole steps."""
    network = built(around(case, wide), case.in_shape, dtype)
    require_agreement(network, case.rows(ROWS), labels(), loss=sw.SoftmaxCrossEntropy(), optimizer=SGD)


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize(
    "make",
    [sw.ReLU, sw.Tanh, sw.GELU, sw.BatchNorm, sw.LayerNorm, sw.Scale, sw.Softmax, lambda: sw.Dropout(0.3)],
    ids=["ReLU", "Tanh", "GELU", "BatchNorm", "LayerNorm", "Scale", "Softmax", "Dropout"],
)
def test_layers_as_wide_as_several_panels(make, dtype):
    network = built([sw.Dense(WIDE), make(), sw.Tanh(), sw.Dense(130), make(), sw.Dense(3)], (20,), dtype)
    require_agreement(network, rows(20), labels(), loss=sw.SoftmaxCrossEntropy(), optimizer=SGD)


@pytest.mark.parametrize("dtype", BOTH)
def test_what_people_build(dtype):
    """Everything at once: normalization, dropout, a decay that spares the biases, clipping, weights, smoothed labels."""
    layers = [sw.Dense(WIDE, use_bias=False), sw.BatchNorm(), sw.ReLU(), sw.Dropout(0.2)]
    layers += [sw.Sequential([sw.Dense(70, weight_constraint=sw.MaxNorm(2.0)), sw.LayerNorm(), sw.GELU()]), sw.Dropout(0.5)]
    network = built([*layers, sw.Dense(4)], (30,), dtype)
    require_agreement(
        network, rows(30), labels(4), loss=sw.SoftmaxCrossEntropy(label_smoothing=0.1, class_weight=[1.0, 2.0, 0.5, 1.0]),
        optimizer=sw.AdamW(sw.Cosine(0.01, 20), weight_decay=0.05), regularizer=sw.L2(1e-3), clip_norm=0.5,
        sample_weight=np.random.default_rng(2).uniform(0.5, 2.0, ROWS),
    )  # fmt: skip


@pytest.mark.parametrize(
    "layers", [[sw.Dense(3)], [sw.Flatten(), sw.Scale(), sw.Dense(3)], [sw.Sigmoid(), sw.Dense(1), sw.Dense(3)]]
)
def test_networks_that_end_soon(layers):
    """A first layer with parameters needs no input gradient, and what lies before it no backward at all."""
    network = built(layers, (4,), np.float64)
    require_agreement(network, rows(4), labels(), loss=sw.SoftmaxCrossEntropy(), optimizer=SGD)


@pytest.mark.parametrize("width", [1, 47, 48, 63, 64, 65, 128, 129])
def test_widths_around_a_panel(width):
    network = built([sw.Dense(width), sw.Tanh(), sw.Dense(width), sw.Dense(2)], (width,), np.float64)
    require_agreement(network, rows(width), labels(2), loss=sw.SoftmaxCrossEntropy(), optimizer=SGD)


@pytest.mark.parametrize("batch", [1, 7, 15, 17, 33, 64, 69, 70, None])
def test_batches_of_any_size(batch):
    network = built([sw.Dense(WIDE), sw.BatchNorm(), sw.ReLU(), sw.Dense(3)], (6,), np.float64)
    settings = {"loss": sw.SoftmaxCrossEntropy(), "optimizer": sw.SGD(0.02), "batch_size": batch, "epochs": 2}
    if batch in (1, 69):  # a last batch of one row has no variance: another normalization
        network = built([sw.Dense(WIDE), sw.LayerNorm(), sw.ReLU(), sw.Dense(3)], (6,), np.float64)
    require_agreement(network, rows(6), labels(), **settings)


def test_masks_are_those_of_the_numpy_path():
    """A network that is one dropout: the kept inputs alone get a gradient, so that a mask of its own would show at once."""
    network = built([sw.Dropout(0.5), sw.Dense(1, use_bias=False)], (WIDE,), np.float64)
    y = np.random.default_rng(0).normal(size=(ROWS, 1))
    settings = {"loss": sw.MeanSquaredError(), "optimizer": sw.SGD(0.5), "epochs": 1, "batch_size": 1}
    found, wanted = (trained(network, np.ones((ROWS, WIDE)), y, engine=engine, **settings) for engine in ("compiled", "numpy"))
    assert len(set(wanted.history["loss"])) == 1
    np.testing.assert_allclose(found.value, wanted.value, rtol=1e-12)


# -- losses ----------------------------------------------------------------------------------------------------------

LOSSES_OUTPUTS = [pytest.param(case, k, id=f"{case.name}-{k}") for case in cases.LOSS_CASES for k in case.outputs]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize(("case", "outputs"), LOSSES_OUTPUTS)
def test_losses(case, outputs, weighted, dtype):
    _, target = case.draw(ROWS, outputs)
    tail = [sw.Softmax()] if case.kind == "probabilities" else []
    network = built([sw.Dense(8), sw.Tanh(), sw.Dense(outputs, weight_initializer="normal"), *tail], (6,), dtype)
    weight = np.random.default_rng(4).uniform(0.5, 2.0, ROWS) if weighted else None
    require_agreement(network, rows(6), target, loss=case.make(), optimizer=sw.SGD(1e-2), sample_weight=weight)


@pytest.mark.parametrize("loss", [sw.SoftmaxCrossEntropy(), sw.MulticlassHinge(), sw.SquaredHinge()])
def test_logits_that_are_huge(loss):
    """±1e4 before the loss: exp of them is infinite or 0, and the loss is a plain number all the same."""
    network = built([sw.Dense(3)], (6,), np.float64)
    require_agreement(network, 1e4 * rows(6), labels(), loss=loss, optimizer=sw.SGD(1e-9))


def test_binary_logits_that_are_huge():
    network = built([sw.Dense(2)], (6,), np.float64)
    target = np.random.default_rng(0).integers(0, 2, (ROWS, 2))
    require_agreement(network, 1e4 * rows(6), target, loss=sw.SigmoidBinaryCrossEntropy(), optimizer=sw.SGD(1e-9))


@pytest.mark.parametrize("loss", [sw.SoftmaxCrossEntropy(), sw.MeanSquaredError()])
def test_rows_of_weight_zero(loss):
    weight = np.zeros(ROWS)
    weight[::7] = 1.0
    y = labels() if loss.task == "multiclass" else rows(3, seed=5)
    require_agreement(small(np.float64), rows(6), y, loss=loss, optimizer=SGD, sample_weight=weight, batch_size=5)


# -- updates ---------------------------------------------------------------------------------------------------------


def optimizers() -> dict[str, Any]:
    more = {
        "adam, betas": lambda: sw.Adam(0.01, beta1=0.5, beta2=0.9, eps=1e-4),
        "adamw, cosine": lambda: sw.AdamW(sw.Cosine(0.02, 20), weight_decay=0.2),
        "rmsprop, rho": lambda: sw.RMSProp(0.01, rho=0.5, eps=1e-4),
        "momentum, decay": lambda: sw.SGD(0.05, momentum=0.9, decay=0.1),
    }
    return {**cases.OPTIMIZER_CASES, **more}


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize("name", optimizers())
def test_optimizers(name, dtype):
    require_agreement(small(dtype), rows(6), labels(), loss=sw.SoftmaxCrossEntropy(), optimizer=optimizers()[name]())


@pytest.mark.parametrize("name", optimizers())
def test_optimizers_over_hundreds_of_steps(name):
    """Also beyond step 64, where moments that are nearly denormal are set to a floor."""
    settings = {"loss": sw.SoftmaxCrossEntropy(), "optimizer": optimizers()[name](), "epochs": 40}
    require_agreement(small(np.float64), rows(6), labels(), tolerance=1e-9, **settings)


def test_optimizers_over_more_than_one_stretch_of_the_vector():
    network = built([sw.Dense(300), sw.Tanh(), sw.Dense(3)], (40,), np.float64)
    assert network.flat().value.size > updates.STRETCH
    for optimizer in (sw.Adam(0.01), sw.AdamW(0.01, weight_decay=0.1)):
        settings = {"optimizer": optimizer, "regularizer": sw.ElasticNet(1e-3, 1e-3), "clip_norm": 0.1, "clip_value": 0.05}
        require_agreement(network, rows(40), labels(), loss=sw.SoftmaxCrossEntropy(), **settings)


@pytest.mark.parametrize("case", cases.SCHEDULE_CASES, ids=lambda case: type(case.schedule).__name__)
def test_schedules(case):
    require_agreement(small(np.float64), rows(6), labels(), loss=sw.SoftmaxCrossEntropy(), optimizer=sw.SGD(case.schedule))


def test_the_table_of_schedules_is_whole():
    assert {type(case.schedule) for case in cases.SCHEDULE_CASES} >= set(schedules.SCHEDULES.values())


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize("rule", cases.REGULARIZER_CASES, ids=repr)
def test_regularizers(rule, dtype):
    require_agreement(small(dtype), rows(6), labels(), loss=sw.SoftmaxCrossEntropy(), optimizer=SGD, regularizer=rule)


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize("rule", cases.CONSTRAINT_CASES, ids=repr)
def test_constraints(rule, dtype):
    require_agreement(small(dtype), rows(6), labels(), loss=sw.SoftmaxCrossEntropy(), optimizer=SGD, constraint=rule)


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize(
    "settings",
    [
        {"clip_value": 0.01},
        {"clip_norm": 0.05},
        {"clip_norm": 1e3},
        {"clip_value": 0.02, "clip_norm": 0.05, "regularizer": sw.L2(0.1)},
    ],
    ids=["value", "norm", "never", "both"],
)
def test_clipping(settings, dtype):
    require_agreement(small(dtype), rows(6), labels(), loss=sw.SoftmaxCrossEntropy(), optimizer=SGD, **settings)


def test_layers_with_rules_of_their_own():
    layers = [sw.Dense(60, weight_regularizer=sw.L1(0.01)), sw.Tanh(), sw.Dense(3, weight_constraint=sw.MaxNorm(0.3, axis=1))]
    network = built(layers, (6,), np.float64)
    settings = {"regularizer": sw.L2(0.1, biases=True), "constraint": sw.MaxNorm(0.5)}
    require_agreement(network, rows(6), labels(), loss=sw.SoftmaxCrossEntropy(), optimizer=SGD, **settings)


# -- everything has its place ----------------------------------------------------------------------------------------


def refused(layers: list[Any] | None = None, loss: Any = None, optimizer: Any = None) -> bool:
    """Whether the compiled path says that it does not know this, and "auto" then takes NumPy's."""
    network = built(layers or [sw.Dense(3)], (6,), np.float64)
    loss, watch = loss or sw.SoftmaxCrossEntropy(), Watch()
    y = labels() if loss.task == "multiclass" else np.ones((ROWS, 3)) * (np.arange(ROWS)[:, None] % 2)
    sw.fit(
        network, rows(6), y, loss=loss, optimizer=optimizer or SGD, epochs=1, engine="auto", callbacks=[watch], progress=False
    )
    return bool(watch.run.engine == "numpy")


def of_kind(table: Any, kind: type) -> list[Any]:
    return [made for make in table if type(made := make()) is kind]


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_is_lowered_or_excused(name):
    found = of_kind([case.make for case in cases.LAYER_CASES if case.in_shape in ((4,), (6,), (2, 3))], LAYERS[name])
    assert found
    shape = {"Reshape": [], "Flatten": []}.get(name, [])
    assert refused([*shape, found[0], sw.Flatten(), sw.Dense(3)]) == (name in NOT_LOWERED)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_lowered_or_excused(name):
    found = of_kind([case.make for case in cases.LOSS_CASES], LOSSES[name])
    assert found
    layers = [sw.Dense(3), sw.Softmax()] if name == "CategoricalCrossEntropy" else None
    assert refused(layers, loss=found[0]) == (name in NOT_LOWERED)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_is_lowered_or_excused(name):
    kind = OPTIMIZERS[name]
    found = of_kind(cases.OPTIMIZER_CASES.values(), kind)
    assert found
    assert refused(optimizer=found[0]) == (kind.__name__ in NOT_LOWERED)


def test_excuses_are_about_something():
    names = {*LAYERS, *LOSSES, *(kind.__name__ for kind in OPTIMIZERS.values())}
    assert set(NOT_LOWERED) <= names


def test_a_network_of_another_shape_costs_no_compilation():
    """One compiled function for each precision, whatever networks there were: labels, numbers, weights, sources alike."""
    network = built([sw.Dense(7), sw.SiLU(), sw.Dense(3)], (6,), np.float64)
    before = len(run_steps.signatures)
    trained(network, rows(6), labels(), engine="compiled", loss=sw.SoftmaxCrossEntropy(), optimizer=SGD)
    trained(network, rows(6), rows(3), engine="compiled", loss=sw.MeanSquaredError(), optimizer=sw.Adam(0.01))
    for x in (rows(6), np.ones((ROWS, 6), np.uint8), rows(6).astype(np.float16), np.asfortranarray(rows(6)), rows(12)[:, ::2]):
        for y in (labels(), labels().astype(np.uint8), labels().astype(np.int32), labels().tolist()):
            for weight in (None, np.ones(ROWS), np.ones(ROWS, np.float32), np.ones(ROWS, int)):
                x.flags.writeable = False
                if isinstance(weight, np.ndarray):
                    weight.flags.writeable = False
                if isinstance(y, np.ndarray):
                    y.flags.writeable = False
                settings = {"loss": sw.SoftmaxCrossEntropy(), "optimizer": SGD, "sample_weight": weight, "epochs": 1}
                trained(network, x, y, engine="compiled", **settings)
    assert len(run_steps.signatures) <= before + 1
    assert len(run_steps.signatures) <= 2


def test_the_comparison_can_fail():
    network = small(np.float64)
    settings = {"loss": sw.SoftmaxCrossEntropy(), "optimizer": SGD}
    with pytest.raises(AssertionError):
        require_agreement(network, rows(6), labels(), tolerance=1e-18, **settings)
    other = trained(network, rows(6), labels(), engine="numpy", **(settings | {"epochs": EPOCHS + 1}))
    assert other.history.epochs * -(-ROWS // BATCH) == 25
