"""`sw.diagnose`: nothing is changed, it is quick, and each family of probes finds its fault and lets be what is well."""

import copy
import json
import time

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.doctor import CODES, diagnose
from scratchwork.errors import ConfigurationError, ShapeError

CE, BCE, MSE = sw.SoftmaxCrossEntropy(), sw.SigmoidBinaryCrossEntropy(), sw.MeanSquaredError()
DIGITS = sw.data.digits()
X, Y = (DIGITS.x / 16).astype(np.float32), DIGITS.y
RNG = np.random.default_rng(0)
XR = RNG.normal(size=(400, 5)).astype(np.float32)
YR = (np.sin(2 * XR[:, :1]) + XR[:, 1:2]).astype(np.float32)
XB, YB = XR, (XR[:, 0] * XR[:, 1] > 0).astype(int)


def chain(*hidden, outputs=10, act=sw.ReLU, last=(), **settings):
    layers = [layer for units in hidden for layer in (sw.Dense(units, **settings), act())]
    return sw.Sequential([*layers, sw.Dense(outputs), *last])


def codes(network, x, y, **settings):
    given = {"optimizer": sw.Adam(5e-3), "epochs": 20, "loss": CE, **settings}
    return [finding.code for finding in diagnose(network, x, y, **given).alarms]


def digits(network=None, x=X, y=Y, **settings):
    return codes(chain(32) if network is None else network, x, y, **settings)


def regression(network=None, x=XR, y=YR, **settings):
    return codes(chain(24, outputs=1) if network is None else network, x, y, loss=settings.pop("loss", MSE), **settings)


class TestTheFunction:
    def test_nothing_is_changed_and_the_same_comes_twice(self):
        network = chain(16)
        network.layers.insert(1, sw.BatchNorm())
        network.build(64, rng=3)
        x, y, before = X.copy(), Y.copy(), copy.deepcopy(network)
        first = diagnose(network, x, y, loss=CE, optimizer=sw.Adam(1.0), epochs=5)
        second = diagnose(network, x, y, loss=CE, optimizer=sw.Adam(1.0), epochs=5)
        assert first.findings == second.findings
        assert "SW301" in first.codes
        assert np.array_equal(x, X)
        assert np.array_equal(y, Y)
        pairs = [*zip(network.parameters(), before.parameters(), strict=True)]
        assert all(np.array_equal(a.value, b.value) and np.array_equal(a.grad, b.grad) for (_, a), (_, b) in pairs)
        assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(network.buffers(), before.buffers(), strict=True))
        assert (network.steps_seen, network.epochs_seen) == (0, 0)
        fresh = chain(16)
        diagnose(fresh, X, Y, loss=CE, optimizer="adam")
        assert not fresh.built

    def test_names_and_no_optimizer_are_taken(self):
        assert sw.diagnose(chain(16), X, Y, loss="softmax_cross_entropy").ok
        assert sw.diagnose(chain(16), X, Y, loss="softmax_cross_entropy", optimizer="adam", batch_size=None).ok

    @pytest.mark.parametrize(
        "wrong",
        [
            {"network": 3},
            {"loss": "nonsense"},
            {"optimizer": "nonsense"},
            {"batch_size": 0},
            {"epochs": -1},
            {"seed": "s"},
            {"regularizer": 3},
        ],
    )
    def test_misuse_is_an_error(self, wrong):
        settings = {"network": chain(4), "x": X, "y": Y, "loss": CE, "optimizer": "adam", **wrong}
        with pytest.raises(ConfigurationError):
            diagnose(settings.pop("network"), settings.pop("x"), settings.pop("y"), **settings)

    def test_other_lengths_and_shapes_are_errors(self):
        with pytest.raises(ShapeError, match="every row needs exactly one target"):
            diagnose(chain(4), X, Y[:-1], loss=CE)
        network = chain(4)
        network.build(63)
        with pytest.raises(ShapeError, match="was built for"):
            diagnose(network, X, Y, loss=CE)

    def test_evidence_is_json(self):
        diagnosis = diagnose(chain(32), X * 255, Y, loss=CE, optimizer=sw.SGD(0.1))
        told = json.loads(diagnosis.to_json())
        assert told["findings"][0]["code"] == "SW101"
        assert told["findings"][0]["evidence"]["highest"] == 255.0
        assert all(finding.code in CODES for finding in diagnosis)

    def test_sixty_thousand_pictures_take_less_than_a_second(self):
        x = np.random.default_rng(1).integers(0, 256, (60_000, 784), dtype=np.uint8)
        y = np.random.default_rng(2).integers(0, 10, 60_000)
        started = time.perf_counter()
        diagnosis = diagnose(chain(128), x, y, loss=CE, optimizer=sw.Adam(1e-3), validation_data=(x[:9000], y[:9000]))
        assert time.perf_counter() - started < 2.5  # 0.2 to 0.4 s where nothing else runs
        assert {"SW101", "SW1303"} <= set(diagnosis.codes)


class TestWhatIsWell:
    @pytest.mark.parametrize(
        ("name", "network", "settings"),
        [
            ("adam", chain(32), {}),
            ("a slow but long run", chain(32), {"optimizer": sw.SGD(0.01), "epochs": 40}),
            ("a large rate that works", chain(32), {"optimizer": sw.SGD(0.5)}),
            ("deep tanh", chain(*[24] * 6, act=sw.Tanh), {}),
            ("selu", chain(24, 24, 24, act=sw.SELU), {}),
            ("one sigmoid", chain(32, act=sw.Sigmoid), {}),
            ("counts up to 16", chain(32), {"x": X * 16}),
            (
                "bytes and a rescaling",
                sw.Sequential([sw.Rescaling(1 / 255), *chain(32).layers]),
                {"x": (X * 255).astype(np.uint8)},
            ),
            ("batch norm of raw pixels", sw.Sequential([sw.BatchNorm(), *chain(32).layers]), {"x": X * 255}),
            ("dropout", sw.Sequential([sw.Dense(48), sw.ReLU(), sw.Dropout(0.5), sw.Dense(10)]), {}),
            ("l2", chain(32), {"regularizer": sw.L2(1e-3)}),
            ("huge batch", chain(32), {"batch_size": None, "epochs": 200}),
            ("random order, not shuffled", chain(32), {"shuffle": False}),
            ("zeros at the end", sw.Sequential([sw.Dense(32), sw.Tanh(), sw.Dense(10, weight_initializer="zeros")]), {}),
            ("linear", chain(), {"optimizer": sw.Adam(1e-2)}),
            ("one cycle", chain(32), {"optimizer": sw.Adam(sw.OneCycle(1e-2, 1000))}),
            ("probabilities", chain(32, last=[sw.Softmax()]), {"loss": sw.CategoricalCrossEntropy()}),
            ("one-hot squares", chain(32), {"loss": MSE, "y": np.eye(10)[Y]}),
            ("an autoencoder", chain(16, outputs=64), {"loss": MSE, "y": X}),
            ("an autoencoder of shares", chain(16, outputs=64, last=[sw.Sigmoid()]), {"loss": MSE, "y": X}),
        ],
    )
    def test_unusual_and_healthy(self, name, network, settings):
        assert digits(network, **settings) == [], name

    def test_tables(self):
        assert regression() == []
        assert codes(chain(24, outputs=1), XB, YB, loss=BCE) == []
        assert codes(chain(8, outputs=1, act=sw.Tanh), np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), [0, 1, 1, 0], loss=BCE) == []
        rare = (XR[:, 0] > 1.6).astype(int)
        assert codes(chain(16, outputs=1), XR, rare, loss=BCE, metrics=["accuracy", "roc_auc"]) == []

    def test_lbfgs(self):
        pytest.importorskip("scipy")
        assert digits(optimizer=sw.LBFGS(), batch_size=None) == []


class TestScales:
    def test_pixels(self):
        assert digits(x=X * 255)[0] == "SW101"
        assert digits(x=(X * 255).astype(np.uint8), optimizer=sw.SGD(0.1))[0] == "SW101"

    def test_one_column_of_another_unit(self):
        x = XR.copy()
        x[:, 2] *= 1e4
        assert regression(x=x)[0] == "SW103"

    def test_targets(self):
        assert regression(y=YR * 300 + 2000)[0] == "SW102"
        assert regression(y=YR * 1e4)[0] == "SW102"

    def test_wrapped(self):
        centred = (X * 255).astype(np.uint8) - np.uint8(128)
        assert "SW104" in digits(x=centred)


class TestLabels:
    @pytest.mark.parametrize(
        ("y", "code"),
        [
            (Y + 1, "SW1001"),
            (Y - 1, "SW1001"),
            ((Y - 4.5) / 2.9, "SW1001"),
            (Y * 0 + 3, "SW1002"),
            (np.array([f"digit {label}" for label in Y]), "SW1003"),
            (np.where(np.arange(len(Y)) == 7, np.nan, Y), "SW201"),
        ],
    )
    def test_what_fit_refuses_is_a_finding(self, y, code):
        assert digits(y=y) == [code]

    def test_rows_that_are_no_numbers(self):
        assert digits(x=X.astype(str)) == ["SW1003"]
        x = X.copy()
        x[3, 5] = np.inf
        assert digits(x=x) == ["SW201"]
        assert "SW201" in digits(validation_data=(x, Y))

    def test_imbalance_behind_accuracy(self):
        rare = (XR[:, 0] > 1.6).astype(int)
        assert codes(chain(16, outputs=1), XR, rare, loss=BCE, metrics=["accuracy"]) == ["SW1004"]

    def test_signs_for_a_sigmoid(self):
        assert codes(chain(8, outputs=1), XB, 2 * YB - 1, loss=BCE) == ["SW1001"]


class TestFittingTogether:
    def test_twice(self):
        assert digits(chain(32, last=[sw.Softmax()]))[0] == "SW901"
        assert codes(chain(8, outputs=1, last=[sw.Sigmoid()]), XB, YB, loss=BCE)[0] == "SW901"

    def test_one_output(self):
        assert digits(chain(8, outputs=1)) == ["SW902"]
        assert codes(chain(8, outputs=1, last=[sw.Softmax()]), XB, YB, loss=BCE)[0] == "SW902"

    def test_bounds(self):
        assert regression(chain(8, outputs=1, last=[sw.ReLU()]))[0] == "SW903"
        assert regression(chain(8, outputs=1, last=[sw.Sigmoid()]))[0] == "SW903"
        assert regression(chain(8, outputs=1, last=[sw.Sigmoid()]), y=(YR > 0).astype(float)) == []

    def test_class_numbers(self):
        assert digits(chain(8, outputs=1), loss=MSE)[0] == "SW904"
        assert digits(chain(8), loss=MSE)[0] == "SW904"

    def test_scores_for_probabilities(self):
        assert digits(loss=sw.CategoricalCrossEntropy())[0] == "SW905"


class TestStart:
    def test_equal_columns(self):
        assert digits(chain(32, weight_initializer="zeros"))[0] == "SW701"
        assert digits(chain(32, act=sw.Tanh, weight_initializer=sw.initializers.Constant(0.1)))[0] == "SW701"

    def test_spread(self):
        small, large = sw.initializers.Normal(std=0.003), sw.initializers.Normal(std=4.0)
        assert digits(chain(32, 32, 32, 32, act=sw.Tanh, weight_initializer=small))[0] == "SW702"
        assert digits(chain(32, 32, 32, weight_initializer=large))[0] == "SW703"

    def test_dead_and_saturated(self):
        assert digits(chain(32, bias_initializer=sw.initializers.Constant(-20.0)))[0] == "SW801"
        assert digits(chain(32, act=sw.Sigmoid, bias_initializer=sw.initializers.Constant(20.0)))[0] == "SW802"

    def test_many_sigmoids(self):
        assert digits(chain(*[16] * 10, act=sw.Sigmoid, weight_initializer="glorot_uniform"))[0] == "SW1501"


class TestLearning:
    @pytest.mark.parametrize("rule", [sw.Adam(1.0), sw.SGD(50.0)])
    def test_too_high(self, rule):
        finding = diagnose(chain(32), X, Y, loss=CE, optimizer=rule, epochs=20).first
        assert finding.code == "SW301"
        proposed = finding.evidence["proposed"]
        assert proposed < rule.learning_rate / 5
        assert digits(optimizer=type(rule)(proposed)) == []

    @pytest.mark.parametrize("rule", [sw.Adam(1e-7), sw.SGD(1e-6)])
    def test_too_low(self, rule):
        finding = diagnose(chain(32), X, Y, loss=CE, optimizer=rule, epochs=20).first
        assert finding.code == "SW302"
        assert digits(optimizer=type(rule)(finding.evidence["proposed"])) == []

    def test_a_schedule_that_stops(self):
        assert digits(optimizer=sw.Adam(sw.Exponential(1e-3, 0.5)))[0] == "SW302"

    def test_penalties(self):
        assert digits(regularizer=sw.L2(3.0))[0] == "SW1601"
        assert digits(optimizer=sw.AdamW(5e-3, weight_decay=50.0))[0] == "SW1601"

    def test_what_cannot_be_fitted(self):
        dropped = sw.Sequential([sw.Dense(32), sw.ReLU(), sw.Dropout(0.99), sw.Dense(10)])
        assert digits(dropped) == ["SW1602"]
        assert digits(chain(1)) == ["SW1602"]

    def test_targets_that_nothing_tells(self):
        mixed = np.random.default_rng(3).permutation(Y)
        finding = diagnose(chain(32), X, mixed, loss=CE, optimizer=sw.Adam(5e-3)).first
        assert finding.code == "SW501"
        assert len(finding.path) >= 2

    def test_numbers_read_along_the_wrong_axis(self):
        assert digits(x=X.reshape(64, -1).T.copy())[0] == "SW401"
        assert digits(x=X.T.copy()) == ["SW401"]

    def test_no_slope_at_all(self):
        assert digits(chain(32, last=[sw.Step()]))[0] == "SW501"


class TestRowsGiven:
    def test_order(self):
        order = np.argsort(Y, kind="stable")
        assert digits(x=X[order], y=Y[order], shuffle=False) == ["SW1101"]
        assert digits(x=X[order], y=Y[order]) == []

    def test_repetition(self):
        assert digits(x=np.tile(X[:64], (10, 1)), y=np.tile(Y[:64], 10)) == ["SW1102"]
        table = np.tile(np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), (50, 1))
        assert codes(chain(8, outputs=1, act=sw.Tanh), table, np.tile([0, 1, 1, 0], 50), loss=BCE) == []

    def test_split(self):
        assert digits(x=X[:1500], y=Y[:1500], validation_data=(X[:1500], Y[:1500])) == ["SW1303"]
        assert digits(x=X[:1500], y=Y[:1500], validation_data=(X[1450:], Y[1450:])) == ["SW1302"]
        assert digits(x=X[:1500], y=Y[:1500], validation_data=(X[1500:], Y[1500:])) == []
