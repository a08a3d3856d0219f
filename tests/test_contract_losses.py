"""What every loss promises: value and gradient that belong together, weights that mean rows, arguments left alone."""

import numpy as np
import pytest

import scratchwork as sw
from cases import LOSS_CASES
from scratchwork.losses import LOSSES

SETTINGS = [(case, n, outputs) for case in LOSS_CASES for outputs in case.outputs for n in (1, 5)]
settings = pytest.mark.parametrize(
    ("case", "n", "outputs"), SETTINGS, ids=[f"{case.name}, {n} rows, {outputs} outputs" for case, n, outputs in SETTINGS]
)


@settings
@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_is_that_of_the_value(case, n, outputs, weighted):
    prediction, target = case.draw(n, outputs)
    weight = np.random.default_rng(1).uniform(0.5, 2, n) if weighted else None
    report = sw.check_gradients(case.make(), x=prediction, y=target, weight=weight)
    assert report.ok, str(report)


@settings
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_shape_and_arguments(case, n, outputs, dtype):
    prediction, target = case.draw(n, outputs, dtype)
    kept = prediction.copy(), target.copy()
    value, grad = case.make().value_and_grad(prediction, target)
    assert type(value) is float
    assert grad.dtype == dtype
    assert grad.shape == prediction.shape
    assert np.array_equal(prediction, kept[0])
    assert np.array_equal(target, kept[1])


@settings
def test_a_prepared_target_gives_the_same(case, n, outputs):
    prediction, target = case.draw(n, outputs)
    loss = case.make()
    prepared = loss.prepare(target, outputs)
    assert loss.value_and_grad(prediction, prepared)[0] == pytest.approx(loss.value_and_grad(prediction, target)[0], rel=1e-12)


@settings
def test_weight_two_is_the_row_twice(case, n, outputs):
    loss = case.make()
    prediction, target = case.draw(n, outputs)
    weight = np.arange(1, n + 1)
    value, grad = loss.value_and_grad(prediction, target, weight.astype(float))
    repeated, _ = loss.value_and_grad(np.repeat(prediction, weight, axis=0), np.repeat(target, weight, axis=0))
    assert value == pytest.approx(repeated, rel=1e-12)
    assert grad.shape == prediction.shape


@settings
def test_the_batch_twice_is_the_same_loss(case, n, outputs):
    loss = case.make()
    prediction, target = case.draw(n, outputs)
    once, _ = loss.value_and_grad(prediction, target)
    twice, _ = loss.value_and_grad(np.concatenate([prediction] * 2), np.concatenate([target] * 2))
    assert twice == pytest.approx(once * (2 if getattr(loss, "reduction", "mean") == "sum" else 1), rel=1e-12)


@settings
def test_no_weight_at_all_is_no_loss(case, n, outputs):
    prediction, target = case.draw(n, outputs)
    value, grad = case.make().value_and_grad(prediction, target, np.zeros(n))
    assert value == 0.0
    assert not grad.any()


@settings
def test_it_falls_along_its_gradient(case, n, outputs):
    loss = case.make()
    prediction, target = case.draw(n, outputs)
    before, grad = loss.value_and_grad(prediction, target)
    after, _ = loss.value_and_grad(prediction - 1e-4 * grad, target)
    assert after < before or not grad.any()


@pytest.mark.parametrize("case", LOSS_CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_far_out_it_is_finite_and_silent(case, dtype):
    """Logits of ±1e4; a Poisson rate of exp(1e4) is honestly infinite."""
    outputs = case.outputs[-1]
    prediction, target = case.draw(4, outputs, dtype)
    if case.kind == "probabilities":
        prediction = np.eye(outputs, dtype=dtype)[np.arange(4) % outputs]
    else:
        prediction = (np.sign(prediction) * 1e4).astype(dtype)
    value, grad = case.make().value_and_grad(prediction, target)
    if case.kind != "counts":
        assert np.isfinite(value)
        assert np.isfinite(grad).all()
    else:
        assert not np.isnan(value)


@settings
def test_shapes_are_never_broadcast(case, n, outputs):
    prediction, target = case.draw(n, outputs)
    with pytest.raises(sw.ScratchworkError):
        case.make().value_and_grad(prediction, np.concatenate([target, target]))
    with pytest.raises(sw.ScratchworkError):
        case.make().value_and_grad(prediction, target, np.ones(n + 1))


def test_every_loss_has_a_case():
    assert not set(LOSSES.values()) - {type(case.make()) for case in LOSS_CASES}
