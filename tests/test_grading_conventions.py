"""Programs that are right in their own way: the grader has no complaint, and still sees what is wrong beside it."""

import pytest

import scratchwork as sw

SINGLE = """import numpy as np


class Linear:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_out, n_in) * np.sqrt(2 / n_in)
        self.b = np.zeros((n_out, 1))

    def forward(self, x):
        self.x = x
        return self.W @ x + self.b

    def backward(self, grad, learning_rate):
        m = self.x.shape[1]
        dx = self.W.T @ grad
        self.W -= learning_rate * (grad @ self.x.T) / m
        self.b -= learning_rate * grad.sum(axis=1, keepdims=True) / m
        return dx


class Sigmoid:
    def forward(self, x):
        self.s = 1 / (1 + np.exp(-x))
        return self.s

    def backward(self, grad, learning_rate):
        return grad * self.s * (1 - self.s)


class Dropout:
    def __init__(self, p=0.2):
        self.p = p
        self.training = True

    def forward(self, x):
        self.mask = (np.random.rand(*x.shape) >= self.p) / (1 - self.p) if self.training else np.ones_like(x)
        return x * self.mask

    def backward(self, grad, learning_rate):
        return grad * self.mask


def loss(y, p):
    return np.mean(-y * np.log(p + 1e-12) - (1 - y) * np.log(1 - p + 1e-12))


def loss_prime(y, p):
    return (p - y) / (p * (1 - p))


model = [Linear(3, 8), Dropout(), Linear(8, 1), Sigmoid()]
"""

FUSED = """import numpy as np


class Dense:
    def __init__(self, n_in, n_out, l2=0.0):
        self.w = np.random.randn(n_in, n_out) * 0.1
        self.b = np.zeros((1, n_out))
        self.l2 = l2

    def forward(self, x):
        self.x = x
        return x @ self.w + self.b

    def backward(self, dy):
        self.dw = self.x.T @ dy + self.l2 * self.w
        self.db = dy.sum(axis=0, keepdims=True)
        return dy @ self.w.T

    def penalty(self):
        return 0.5 * self.l2 * np.sum(self.w**2)


class SoftmaxWithLoss:
    def probabilities(self, logits):
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def forward(self, logits, targets):
        return -np.sum(targets * np.log(self.probabilities(logits) + 1e-12)) / len(logits)

    def backward(self, logits, targets):
        return (self.probabilities(logits) - targets) / len(logits)


def train(x, y, layer=Dense(3, 4, l2=1e-3), head=SoftmaxWithLoss()):
    scores = layer.forward(x)
    cost = head.forward(scores, y) + layer.penalty()
    layer.backward(head.backward(scores, y))
    return cost
"""

ROBUST = ("np.mean(-y * np.log(p + 1e-12) - (1 - y) * np.log(1 - p + 1e-12))", "np.mean(np.sqrt(1 + (p - y) ** 2))")
SHORT = ("(p - y) / (p * (1 - p))", "p - y")


def said(tmp_path, text, *changes):
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = tmp_path / "my_net.py"
    path.write_text(text, encoding="utf-8")
    return [check.diagnosis for check in sw.grade(path).checks if check.passed is False]


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        (SINGLE, []),
        (SINGLE, [ROBUST, ("(p - y) / (p * (1 - p))", "(p - y) / np.sqrt(1 + (p - y) ** 2)")]),
        (SINGLE, [SHORT, ("grad * self.s * (1 - self.s)", "grad")]),
        (SINGLE, [SHORT, (", Sigmoid()]", "]")]),
        (FUSED, []),
        (FUSED, [(", l2=1e-3", ""), (" + layer.penalty()", "")]),
    ],
)
def test_a_convention_that_is_kept_is_no_mistake(tmp_path, text, changes):
    assert said(tmp_path, text, *changes) == []


@pytest.mark.parametrize(
    ("text", "changes", "first"),
    [
        (SINGLE, [SHORT], "wrong loss gradient"),
        (SINGLE, [("self.W -= learning_rate", "self.W += learning_rate")], "sign"),
        (SINGLE, [("if self.training else np.ones_like(x)", "if self.training else self.training + x - x")], "dropout"),
        (FUSED, [(" + layer.penalty()", "")], "loss without regularizer"),
        (FUSED, [("e.sum(axis=1, keepdims=True)", "e.sum(axis=0, keepdims=True)")], "softmax axis"),
        (FUSED, [("logits - logits.max(axis=1, keepdims=True)", "logits")], "softmax overflow"),
    ],
)
def test_a_mistake_beside_it_is_seen(tmp_path, text, changes, first):
    found = said(tmp_path, text, *changes)
    assert found[:1] == [first]
