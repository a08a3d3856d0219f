"""The proof that the page tells the truth: its numbers, parsed back out, beside a forward, backward and update written here.

Nothing below asks a layer, a loss or an optimizer to calculate: matrices and literal equations in float64 do (the mask of
dropout alone is asked for, since it is drawn and not calculated).
"""

import re

import numpy as np
import pytest

import scratchwork as sw

TIGHT = {"rtol": 1e-10, "atol": 1e-13}


def parsed(page: str) -> dict[str, tuple[tuple[int, ...], dict[tuple[int, ...], float]]]:
    """Name -> (shape, index -> number), for every array that the page shows."""
    found = {}
    for name, shape, body in re.findall(r'data-name="([^"]+)" data-shape="([^"]*)">(.*?)</table>', page, re.DOTALL):
        sizes = tuple(int(size) for size in shape.split(",") if size)
        numbers = re.findall(r'data-i="([^"]*)" data-value="([^"]+)"', body)
        found[name] = (sizes, {tuple(int(i) for i in place.split(",") if i): float(number) for place, number in numbers})
    return found


def assert_shown(shown: dict, expected: dict[str, np.ndarray]) -> None:
    """Every expected array stands on the page, whole or with its corners, with all its digits."""
    for name, array in expected.items():
        assert name in shown, f"{name} is not on the page, which shows {sorted(shown)}"
        sizes, numbers = shown[name]
        array = np.asarray(array, np.float64)
        assert sizes == array.shape, name
        assert len(numbers) >= min(array.size, 6), name
        given = np.array([array[place] for place in numbers])
        np.testing.assert_allclose(list(numbers.values()), given, **TIGHT, err_msg=name)


def float64(parameter: sw.Parameter) -> np.ndarray:
    return parameter.value.astype(np.float64)


def softmax_loss(z: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(probabilities, losses of the rows, gradient of their mean)."""
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    dz = (p - np.eye(z.shape[1])[labels]) / len(z)
    return p, -np.log(p[np.arange(len(z)), labels]), dz


def adam(w: np.ndarray, g: np.ndarray, rate: float, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> tuple:
    """(m, v, w) after the first step."""
    m, v = (1 - beta1) * g, (1 - beta2) * g**2
    return m, v, w - rate * (m / (1 - beta1)) / (np.sqrt(v / (1 - beta2)) + eps)


def test_a_2_3_2_network_with_momentum_and_a_penalty():
    network = sw.Sequential([sw.Dense(3, bias_initializer=sw.initializers.Constant(0.25)), sw.Tanh(), sw.Dense(2)])
    network.build((2,), rng=3)
    x, y = np.array([[0.3, -0.7], [1.5, 0.2]]), np.array([0, 1])
    told = sw.walkthrough(
        network, x, y, loss=sw.SoftmaxCrossEntropy(), optimizer=sw.SGD(0.1, momentum=0.9), row=1, regularizer=sw.L2(0.01)
    )
    w0, b0, w2, b2 = (float64(parameter) for _, parameter in network.parameters())
    row = x[1:]
    z0 = row @ w0 + b0
    a0 = np.tanh(z0)
    z2 = a0 @ w2 + b2
    p, losses, dz2 = softmax_loss(z2, y[1:])
    dw2, db2, da0 = a0.T @ dz2, dz2.sum(axis=0), dz2 @ w2.T
    dz0 = da0 * (1 - a0**2)
    dw0, db0, dx = row.T @ dz0, dz0.sum(axis=0), dz0 @ w0.T
    g0 = dw0 + 0.01 * w0
    expected = {
        "forward/0/x": row[0],
        "forward/0/weight": w0,
        "forward/0/bias": b0,
        "forward/0/y": z0[0],
        "forward/1/y": a0[0],
        "forward/2/weight": w2,
        "forward/2/y": z2[0],
        "loss/p": p[0],
        "loss/row": losses[0],
        "loss/value": losses.mean(),
        "loss/gradient": dz2[0],
        "backward/2/weight.grad": dw2,
        "backward/2/bias.grad": db2,
        "backward/2/dx": da0[0],
        "backward/1/dy": da0[0],
        "backward/1/dx": dz0[0],
        "backward/0/weight.grad": dw0,
        "backward/0/bias.grad": db0,
        "backward/0/dx": dx[0],
        "update/0/weight/before": w0,
        "update/0/weight/grad": g0,
        "update/0/weight/velocity": g0,
        "update/0/weight/after": w0 - 0.1 * g0,
        "update/0/bias/after": b0 - 0.1 * db0,
    }
    assert_shown(parsed(told.html()), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_images_through_784_10_10(dtype):
    rng = np.random.default_rng(11)
    network = sw.Sequential([sw.Dense(10), sw.ReLU(), sw.Dense(10)])
    network.build((784,), rng=1, dtype=dtype)
    x, y = rng.random((5, 784)).round(2), rng.integers(0, 10, 5)
    rule = sw.Adam(1e-3)
    told = sw.walkthrough(network, x, y, loss=sw.SoftmaxCrossEntropy(), optimizer=rule, row=2, neuron=(0, 7))
    w0, b0, w2, b2 = (float64(parameter) for _, parameter in network.parameters())
    row = x[2:3]
    z0 = row @ w0 + b0
    a0 = np.maximum(z0, 0)
    z2 = a0 @ w2 + b2
    p, losses, dz2 = softmax_loss(z2, y[2:3])
    dw2, dz0 = a0.T @ dz2, (dz2 @ w2.T) * (z0 > 0)
    dw0 = row.T @ dz0
    m, v, after = adam(w0, dw0, 1e-3)
    page = told.html()
    expected = {
        "forward/0/weight": w0,
        "forward/0/y": z0[0],
        "forward/1/y": a0[0],
        "forward/2/y": z2[0],
        "loss/p": p[0],
        "loss/value": losses[0],
        "loss/gradient": dz2[0],
        "backward/2/weight.grad": dw2,
        "backward/0/weight.grad": dw0,
        "backward/0/bias.grad": dz0[0],
        "backward/0/dx": (dz0 @ w0.T)[0],
        "update/0/weight/m": m,
        "update/0/weight/v": v,
        "update/0/weight/after": after,
    }
    assert_shown(parsed(page), expected)
    total = re.search(r'data-name="forward/0/image/total" data-value="([^"]+)"', page)
    assert total is not None
    np.testing.assert_allclose(float(total[1]), row[0] @ w0[:, 7], **TIGHT)
    assert "neuron 7 of layer 0" in page


def test_batch_normalization_dropout_and_adam():
    rng = np.random.default_rng(4)
    dropout = sw.Dropout(0.25)
    network = sw.Sequential([sw.Dense(6), sw.BatchNorm(), sw.ReLU(), dropout, sw.Dense(3)])
    network.build((4,), rng=7, dtype=np.float64)
    x, y = rng.normal(size=(9, 4)), rng.integers(0, 3, 9)
    shown = 5
    told = sw.walkthrough(network, x, y, loss=sw.SoftmaxCrossEntropy(), optimizer=sw.Adam(0.01), row=shown)
    w0, b0, gamma, beta, w4, b4 = (float64(parameter) for _, parameter in network.parameters())
    h = x @ w0 + b0
    mean, var = h.mean(axis=0), h.var(axis=0)
    root = np.sqrt(var + 1e-5)
    x_hat = (h - mean) / root
    n = gamma * x_hat + beta
    a = np.maximum(n, 0)
    mask = (dropout.forward(np.ones_like(a), training=True, step=1)[0] > 0) / 0.75
    d = a * mask
    z = d @ w4 + b4
    p, losses, dz = softmax_loss(z, y)
    dw4, dd = d.T @ dz, dz @ w4.T
    dn = dd * mask * (n > 0)
    dgamma, dbeta = (dn * x_hat).sum(axis=0), dn.sum(axis=0)
    dx_hat = dn * gamma
    dh = (dx_hat - dx_hat.mean(axis=0) - x_hat * (dx_hat * x_hat).mean(axis=0)) / root
    dw0, db0 = x.T @ dh, dh.sum(axis=0)
    m, v, after = adam(w0, dw0, 0.01)
    expected = {
        "forward/0/y": h[shown],
        "forward/1/mean": mean,
        "forward/1/var": var,
        "forward/1/x_hat": x_hat[shown],
        "forward/1/y": n[shown],
        "forward/1/running_mean": 0.1 * mean,
        "forward/1/running_var": 0.9 + 0.1 * var * 9 / 8,
        "forward/2/y": a[shown],
        "forward/3/y": d[shown],
        "forward/4/y": z[shown],
        "loss/p": p[shown],
        "loss/row": losses[shown],
        "loss/value": losses.mean(),
        "loss/gradient": dz[shown],
        "backward/4/weight.grad": dw4,
        "backward/3/dx": (dd * mask)[shown],
        "backward/2/dx": dn[shown],
        "backward/1/gamma.grad": dgamma,
        "backward/1/beta.grad": dbeta,
        "backward/1/dx": dh[shown],
        "backward/0/weight.grad": dw0,
        "backward/0/bias.grad": db0,
        "update/0/weight/m": m,
        "update/0/weight/v": v,
        "update/0/weight/after": after,
    }
    page = parsed(told.html())
    assert_shown(page, expected)
    prediction = np.maximum(gamma * h / np.sqrt(1 + 1e-5) + beta, 0) @ w4 + b4  # running statistics, nothing dropped
    assert_shown(page, {"prediction/y": prediction[shown]})


def test_the_numbers_put_into_equations_are_those_of_the_arrays():
    network = sw.Sequential([sw.Dense(3)])
    network.build((2,), rng=0)
    x = np.array([[0.25, -1.5]])
    page = sw.walkthrough(network, x, [[1.0, 2.0, 3.0]], loss="MeanSquaredError", optimizer="sgd").html()
    (_, weights), w = parsed(page)["forward/0/weight"], float64(network.layers[0].weight)
    assert weights == {place: w[place] for place in np.ndindex(2, 3)}
    equations = re.findall(r"<math.*?</math>", page)
    put_in = {float(number) for formula in equations for number in re.findall(r'data-value="([^"]+)"', formula)}
    assert set(w.ravel().tolist()) <= put_in
    assert set((x @ w)[0].round(12).tolist()) <= {round(number, 12) for number in put_in}


def test_the_worked_softmax_of_the_sources():
    """The five logits of the sources, as the biases of a layer whose weights are 0."""
    network = sw.Sequential([sw.Dense(5, weight_initializer="zeros")])
    network.build((1,), rng=0)
    network.layers[0].bias.value[...] = [1.3, 5.1, 2.2, 0.7, 1.1]
    told = sw.walkthrough(network, [[1.0]], [1], loss=sw.SoftmaxCrossEntropy())
    assert "0.02, 0.90, 0.05, 0.01, 0.02" in told.html()
    assert "0.02, 0.90, 0.05, 0.01, 0.02" in " ".join(told.text().split())
    _, shown = parsed(told.html())["loss/p"]
    assert [round(number, 2) for number in shown.values()] == [0.02, 0.90, 0.05, 0.01, 0.02]


def test_the_check_can_fail():
    page = (
        '<table data-name="a" data-shape="2"><td data-i="0" data-value="0.5"></td><td data-i="1" data-value="1.5"></td></table>'
    )
    assert_shown(parsed(page), {"a": np.array([0.5, 1.5])})
    with pytest.raises(AssertionError):
        assert_shown(parsed(page), {"a": np.array([0.5, 1.5000001])})
    with pytest.raises(AssertionError, match="not on the page"):
        assert_shown(parsed(page), {"b": np.zeros(2)})
    with pytest.raises(AssertionError):
        assert_shown(parsed(page), {"a": np.zeros((1, 2))})
