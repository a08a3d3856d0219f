"""Whole networks at their edges: optimizers with a memory, dropout, extreme logits, rows that mix, a loss and nothing else."""

import textwrap
from pathlib import Path

import pytest

import scratchwork as sw

FUNCTIONS = """
import numpy as np

def init_params(n_x, n_h, n_y):
    W1, W2 = np.random.randn(n_h, n_x) * 0.5, np.random.randn(n_y, n_h)
    return {"W1": W1, "b1": np.zeros((n_h, 1)), "W2": W2, "b2": np.zeros((n_y, 1))}

def softmax(Z):
    T = np.exp(Z - np.max(Z, axis=0, keepdims=True))
    return T / T.sum(axis=0, keepdims=True)

def forward_prop(X, params, keep_prob=1.0):
    Z1 = params["W1"] @ X + params["b1"]
    A1 = np.tanh(Z1)
    D1 = (np.random.rand(*A1.shape) < keep_prob) / keep_prob
    A1d = A1 * D1
    A2 = softmax(params["W2"] @ A1d + params["b2"])
    return A2, (A1, A1d, D1, A2)

def compute_loss(A2, Y):
    return -np.mean(np.sum(Y * np.log(A2 + 1e-12), axis=0))

def backward_prop(X, Y, params, cache):
    A1, A1d, D1, A2 = cache
    m = X.shape[1]
    dZ2 = (A2 - Y) / m
    dZ1 = (params["W2"].T @ dZ2) * D1 * (1 - A1 ** 2)
    return {"W1": dZ1 @ X.T, "b1": dZ1.sum(axis=1, keepdims=True), "W2": dZ2 @ A1d.T, "b2": dZ2.sum(axis=1, keepdims=True)}

def init_velocity(params):
    return {k: np.zeros_like(v) for k, v in params.items()}

def update_params(params, grads, velocity, lr, momentum=0.9):
    for k in params:
        velocity[k] = momentum * velocity[k] - lr * grads[k]
        params[k] = params[k] + velocity[k]
    return params, velocity
"""

DICTIONARY = """
import numpy as np

class Net:
    def __init__(self, D, H, C, reg=0.1):
        self.reg = reg
        self.params = {"W1": np.random.randn(D, H) * 0.5, "b1": np.zeros(H)}
        self.params.update(W2=np.random.randn(H, C) * 0.5, b2=np.zeros(C))

    def loss(self, X, y):
        n = len(X)
        h = np.tanh(X @ self.params["W1"] + self.params["b1"])
        s = h @ self.params["W2"] + self.params["b2"]
        s = s - s.max(axis=1, keepdims=True)
        p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
        loss = -np.mean(np.log(p[np.arange(n), y] + 1e-12))
        loss += 0.5 * self.reg * (np.sum(self.params["W1"] ** 2) + np.sum(self.params["W2"] ** 2))
        d = p.copy()
        d[np.arange(n), y] -= 1
        d /= n
        grads = {"W2": h.T @ d + self.reg * self.params["W2"], "b2": d.sum(axis=0)}
        dz = (d @ self.params["W2"].T) * (1 - h ** 2)
        grads["W1"] = X.T @ dz + self.reg * self.params["W1"]
        grads["b1"] = dz.sum(axis=0)
        return loss, grads
"""

MISTAKES = [
    (FUNCTIONS, "/ keep_prob\n", "\n", "dropout not scaled"),
    (FUNCTIONS, "@ dZ2) * D1 *", "@ dZ2) *", "dropout"),
    (FUNCTIONS, "velocity[k] - lr *", "velocity[k] + lr *", "update sign"),
    (FUNCTIONS, "velocity[k] = momentum * velocity[k] - lr * grads[k]", "velocity[k] = -lr * grads[k]", "momentum"),
    (FUNCTIONS, "- lr * grads[k]", "- 0.1 * grads[k]", "learning rate ignored"),
    (FUNCTIONS, "Z - np.max(Z, axis=0, keepdims=True)", "Z", "softmax overflow"),
    (DICTIONARY, "        s = s - s.max(axis=1, keepdims=True)\n", "", "softmax overflow"),
    (DICTIONARY, "np.exp(s).sum(axis=1, keepdims=True)", "np.exp(s).sum(axis=0, keepdims=True)", "softmax axis"),
    (DICTIONARY, "h.T @ d + self.reg * self.params", "h.T @ d + 0 * self.params", "missing regularizer"),
    (DICTIONARY, "        loss += 0.5 *", "        loss += 0 *", "loss without regularizer"),
    (DICTIONARY, "        loss += 0.5 *", "        loss += 1.0 *", "wrong regularizer"),
    (DICTIONARY, "d[np.arange(n), y] -= 1", "d[:, y] -= 1", "one-hot"),
    (DICTIONARY, "(1 - h ** 2)", "(1 - h)", "wrong activation derivative"),
]


def graded(folder: Path, text: str) -> sw.grading.Grade:
    path = folder / "my_net.py"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return sw.grade(path)


@pytest.mark.parametrize("text", [FUNCTIONS, DICTIONARY], ids=["functions", "dictionary"])
def test_a_right_network_has_all_marks(tmp_path, text):
    grade = graded(tmp_path, text)
    assert grade.marks == 100, str(grade)
    assert not grade.remarks


def rows() -> list[object]:
    """Every fourth in each run, all of them in the slow one: each starts a process."""
    marks = [() if number % 4 == 0 else (pytest.mark.slow,) for number in range(len(MISTAKES))]
    return [
        pytest.param(*row, marks=mark, id=f"{n} {row[-1]}") for n, (row, mark) in enumerate(zip(MISTAKES, marks, strict=True))
    ]


@pytest.mark.parametrize(("text", "old", "new", "diagnosis"), rows())
def test_a_mistake_has_its_name(tmp_path, text, old, new, diagnosis):
    assert text.count(old) == 1
    grade = graded(tmp_path, text.replace(old, new))
    assert grade.diagnoses[:1] == (diagnosis,), str(grade)
    assert grade.marks < 100


def test_a_log_of_zero_is_a_remark_and_costs_nothing(tmp_path):
    grade = graded(tmp_path, DICTIONARY.replace(" + 1e-12", ""))
    assert grade.marks == 100
    assert [check.diagnosis for check in grade.remarks] == ["log of zero"]
    assert "probability 0" in str(grade)


def test_what_is_not_understood_is_no_mistake(tmp_path):
    grade = graded(tmp_path, "def shopping_list(milk, eggs):\n    return milk + eggs\n")
    assert not grade.failed
    assert not grade.passed
    assert grade.marks == 0
