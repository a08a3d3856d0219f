"""The doctor after training: from the history, the rows and the network that was left."""

import math

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.doctor import diagnose_after, diagnose_history
from scratchwork.errors import ConfigurationError


def trained(layers=None, **changes):
    rows = sw.data.digits()
    x, y = (rows.x / 16).astype(np.float32), rows.y
    network = sw.Sequential(layers or [sw.Dense(24), sw.ReLU(), sw.Dense(10)])
    told = {"loss": sw.SoftmaxCrossEntropy(), "optimizer": sw.Adam(3e-3), "epochs": 12, **changes}
    history = sw.fit(network, x, y, progress=False, **told)
    return network, x, y, history, told


def test_a_healthy_run_has_nothing_and_its_network_is_not_changed():
    network, x, y, history, told = trained()
    before = network.flat().value.tobytes()
    assert diagnose_after(network, x, y, history, **told).findings == ()
    assert network.flat().value.tobytes() == before


CASES = {
    "too fast": ("SW301", {"optimizer": sw.SGD(30.0)}),
    "too slow": ("SW302", {"optimizer": sw.SGD(1e-6)}),
    "strong": ("SW1601", {"regularizer": sw.L2(3.0)}),
    "short": ("SW1603", {"epochs": 2, "optimizer": sw.Adam(1e-3)}),
}


@pytest.mark.parametrize("case", CASES)
def test_what_was_wrong_with_the_training(case):
    code, changes = CASES[case]
    network, x, y, history, told = trained(**changes)
    assert diagnose_after(network, x, y, history, **told).first.code == code


def test_what_was_wrong_with_the_network():
    dead = [sw.Dense(16, bias_initializer=sw.initializers.Constant(-30.0)), sw.ReLU(), sw.Dense(10)]
    network, x, y, history, told = trained(dead)
    assert diagnose_after(network, x, y, history, **told).first.code == "SW801"
    deep = [*(part for _ in range(7) for part in (sw.Dense(16), sw.Sigmoid())), sw.Dense(10)]
    network, x, y, history, told = trained(deep, epochs=4)
    assert "SW1501" in diagnose_after(network, x, y, history, **told).codes


def test_the_order_of_rows_and_imbalance():
    network, x, y, history, told = trained(epochs=12)
    order = np.argsort(y, kind="stable")
    assert diagnose_after(network, x[order], y[order], history, shuffle=False, **told).codes == ("SW1101",)


def test_overfitting_from_the_curves_alone():
    loss = np.exp(-np.arange(30) / 6.0)
    held = 0.3 + 0.7 * np.exp(-np.arange(30) / 4.0) + 0.02 * np.maximum(np.arange(30) - 8, 0)
    found = diagnose_history({"loss": loss, "val_loss": held})
    assert found.codes == ("SW1301",)
    assert found.first.evidence["best_epoch"] in range(8, 14)
    assert diagnose_history({"loss": loss, "val_loss": 0.3 + loss}).ok
    assert diagnose_history({"loss": loss, "val_loss": 0.3 + loss + 1e-3 * np.arange(30)}).ok  # a little is no alarm


def test_a_curve_that_still_falls_and_one_that_is_not_finite():
    assert diagnose_history({"loss": [2.0, 1.5, 1.0]}).codes == ("SW1603",)
    assert diagnose_history({"loss": [2.0, 0.5, 0.4, 0.35, 0.33, 0.32]}).ok
    assert diagnose_history({"loss": [2.0, None, math.nan]}).codes[0] == "SW201"
    assert diagnose_history({"loss": []}).codes == ("SW1603",)


def test_a_patience_that_was_too_short():
    short = sw.History()
    for value in (1.0, 0.7, 0.72):
        short.append({"loss": value, "val_loss": value})
    short.stopped, short.best_epoch = "early stopping", 2
    assert diagnose_history(short, epochs=50).codes == ("SW1603",)
    for value in (0.71, 0.73, 0.74):
        short.append({"loss": value, "val_loss": value})
    assert diagnose_history(short, epochs=50).ok  # it waited


def test_no_trained_network_is_an_error():
    _, x, y, history, told = trained(epochs=1)
    with pytest.raises(ConfigurationError, match="a trained network"):
        diagnose_after(sw.Sequential([sw.Dense(10)]), x, y, history, **told)
