"""Programs in the four styles: a right one passes whole, each mistake in it fails under its own name."""

import sys

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.grading import Grade, grade
from scratchwork.grading.choosing import grade_program
from scratchwork.grading.hints import Book
from scratchwork.grading.loading import load

CLASSES = """
import numpy as np

class Layer_Dense:
    def __init__(self, n_inputs, n_neurons, weight_regularizer_l2=0):
        self.weights = 0.1 * np.random.randn(n_inputs, n_neurons)
        self.biases = np.zeros((1, n_neurons))
        self.weight_regularizer_l2 = weight_regularizer_l2
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights) + self.biases
    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        if self.weight_regularizer_l2 > 0:
            self.dweights += 2 * self.weight_regularizer_l2 * self.weights
        self.dinputs = np.dot(dvalues, self.weights.T)

class Activation_ReLU:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(0, inputs)
    def backward(self, dvalues):
        self.dinputs = dvalues.copy()
        self.dinputs[self.inputs <= 0] = 0

class Activation_Softmax:
    def forward(self, inputs):
        shifted = inputs - np.max(inputs, axis=1, keepdims=True)
        self.output = np.exp(shifted) / np.sum(np.exp(shifted), axis=1, keepdims=True)
    def backward(self, dvalues):
        self.dinputs = np.empty_like(dvalues)
        for i, (p, d) in enumerate(zip(self.output, dvalues)):
            p = p.reshape(-1, 1)
            self.dinputs[i] = np.dot(np.diagflat(p) - np.dot(p, p.T), d)

class Loss_CategoricalCrossentropy:
    def forward(self, y_pred, y_true):
        p = np.clip(y_pred, 1e-7, 1 - 1e-7)
        if len(y_true.shape) == 1:
            return -np.log(p[range(len(p)), y_true])
        return -np.log(np.sum(p * y_true, axis=1))
    def calculate(self, output, y):
        return np.mean(self.forward(output, y))
    def backward(self, dvalues, y_true):
        if len(y_true.shape) == 1:
            y_true = np.eye(len(dvalues[0]))[y_true]
        self.dinputs = -y_true / dvalues / len(dvalues)

class Optimizer_Adam:
    def __init__(self, learning_rate=0.001, decay=0., epsilon=1e-7, beta_1=0.9, beta_2=0.999):
        self.learning_rate = self.current_learning_rate = learning_rate
        self.decay, self.epsilon, self.beta_1, self.beta_2 = decay, epsilon, beta_1, beta_2
        self.iterations = 0
    def pre_update_params(self):
        if self.decay:
            self.current_learning_rate = self.learning_rate / (1. + self.decay * self.iterations)
    def update_params(self, layer):
        if not hasattr(layer, 'm'):
            layer.m = [np.zeros_like(layer.weights), np.zeros_like(layer.biases)]
            layer.c = [np.zeros_like(layer.weights), np.zeros_like(layer.biases)]
        for i, (w, g) in enumerate([(layer.weights, layer.dweights), (layer.biases, layer.dbiases)]):
            layer.m[i] = self.beta_1 * layer.m[i] + (1 - self.beta_1) * g
            layer.c[i] = self.beta_2 * layer.c[i] + (1 - self.beta_2) * g ** 2
            m = layer.m[i] / (1 - self.beta_1 ** (self.iterations + 1))
            c = layer.c[i] / (1 - self.beta_2 ** (self.iterations + 1))
            w -= self.current_learning_rate * m / (np.sqrt(c) + self.epsilon)
    def post_update_params(self):
        self.iterations += 1

from spirals import make_spirals
X, y = make_spirals(100)
for epoch in range(10001):
    Layer_Dense(2, 64).forward(X)
"""

LAYERS = """
import numpy as np

class Dense:
    def __init__(self, input_size, output_size):
        self.weights = np.random.randn(output_size, input_size)
        self.bias = np.random.randn(output_size, 1)
    def forward(self, input):
        self.input = input
        return np.dot(self.weights, self.input) + self.bias
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights.T, output_gradient)
        self.weights -= learning_rate * weights_gradient
        self.bias -= learning_rate * output_gradient
        return input_gradient

class Activation:
    def __init__(self, activation, activation_prime):
        self.activation, self.activation_prime = activation, activation_prime
    def forward(self, input):
        self.input = input
        return self.activation(self.input)
    def backward(self, output_gradient, learning_rate):
        return np.multiply(output_gradient, self.activation_prime(self.input))

class Tanh(Activation):
    def __init__(self):
        super().__init__(np.tanh, lambda x: 1 - np.tanh(x) ** 2)

def mse(y_true, y_pred):
    return np.mean(np.power(y_true - y_pred, 2))

def mse_prime(y_true, y_pred):
    return 2 * (y_pred - y_true) / np.size(y_true)

X = np.reshape([[0, 0], [0, 1], [1, 0], [1, 1]], (4, 2, 1))
Y = np.reshape([[0], [1], [1], [0]], (4, 1, 1))
network = [Dense(2, 3), Tanh(), Dense(3, 1), Tanh()]
for epoch in range(20):
    for x, y in zip(X, Y):
        output = x
        for layer in network:
            output = layer.forward(output)
        grad = mse_prime(y, output)
        for layer in reversed(network):
            grad = layer.backward(grad, 0.1)
"""

FUNCTIONS = """
import numpy as np
data = np.loadtxt('no_such_file.csv')
m, n = data.shape

def init_params():
    return np.random.rand(10, 36) - 0.5, np.zeros((10, 1)), np.random.rand(10, 10) - 0.5, np.zeros((10, 1))

def relu(Z):
    return np.maximum(Z, 0)

def softmax(Z):
    e = np.exp(Z - Z.max(axis=0))
    return e / sum(e)

def forward_prop(W1, b1, W2, b2, X):
    Z1 = W1.dot(X) + b1
    A1 = relu(Z1)
    Z2 = W2.dot(A1) + b2
    A2 = softmax(Z2)
    return Z1, A1, Z2, A2

def one_hot(Y):
    hot = np.zeros((Y.size, 10))
    hot[np.arange(Y.size), Y] = 1
    return hot.T

def backward_prop(Z1, A1, Z2, A2, W1, W2, X, Y):
    dZ2 = A2 - one_hot(Y)
    dW2 = 1 / m * dZ2.dot(A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = W2.T.dot(dZ2) * (Z1 > 0)
    dW1 = 1 / m * dZ1.dot(X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return dW1, db1, dW2, db2

def update_params(W1, b1, W2, b2, dW1, db1, dW2, db2, alpha):
    return W1 - alpha * dW1, b1 - alpha * db1, W2 - alpha * dW2, b2 - alpha * db2

def get_predictions(A2):
    return np.argmax(A2, 0)

W1, b1, W2, b2 = init_params()
while True:
    print("training")
"""

DICTIONARY = """
import numpy as np

class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, std=0.1):
        self.params = {'W1': std * np.random.randn(input_size, hidden_size), 'b1': np.zeros(hidden_size),
                       'W2': std * np.random.randn(hidden_size, output_size), 'b2': np.zeros(output_size)}

    def loss(self, X, y=None, reg=0.0):
        W1, b1, W2, b2 = (self.params[k] for k in ('W1', 'b1', 'W2', 'b2'))
        N = X.shape[0]
        h = np.maximum(0, X.dot(W1) + b1)
        scores = h.dot(W2) + b2
        if y is None:
            return scores
        s = scores - scores.max(axis=1, keepdims=True)
        p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(N), y]).mean() + reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        d = p.copy()
        d[np.arange(N), y] -= 1
        d /= N
        grads = {'W2': h.T.dot(d) + 2 * reg * W2, 'b2': d.sum(axis=0)}
        dh = d.dot(W2.T)
        dh[h <= 0] = 0
        grads['W1'] = X.T.dot(dh) + 2 * reg * W1
        grads['b1'] = dh.sum(axis=0)
        return loss, grads

    def predict(self, X):
        return self.loss(X).argmax(axis=1)
"""

PROGRAMS = {"classes": CLASSES, "layers": LAYERS, "functions": FUNCTIONS, "dictionary": DICTIONARY}


def graded(tmp_path, text: str) -> Grade:
    path = tmp_path / "my_net.py"
    path.write_text(text, encoding="utf-8")
    return grade(path, seconds=20)


def graded_here(tmp_path, text: str) -> Grade:
    """The same without a process of its own, which costs most of the time: for texts that stand in this file."""
    path = tmp_path / "my_net.py"
    path.write_text(text, encoding="utf-8")
    before = np.geterr()
    try:
        book = Book(lambda check: None)
        style, take = grade_program(load(path, definitions_only=True), book, "auto")
        return Grade(str(path), style, tuple(book.checks[slice(*take)]))
    finally:
        np.seterr(**before)
        sys.modules.pop("submission", None)


@pytest.mark.parametrize("style", PROGRAMS)
def test_a_right_program_passes_whole(tmp_path, style):
    found = graded(tmp_path, PROGRAMS[style])
    assert found.style == style
    assert found.marks == 100, str(found)
    assert found.passed
    assert found.departure is None
    assert len(found.asked) >= 7


@pytest.mark.parametrize(
    ("style", "old", "new", "diagnosis"),
    [
        ("classes", "+ self.biases", "", "missing bias forward"),
        ("classes", "np.dot(self.inputs.T, dvalues)", "np.dot(self.inputs.T, dvalues) / len(dvalues)", "factor 1/N"),
        ("classes", "self.dinputs[self.inputs <= 0] = 0", "pass", "missing activation derivative"),
        ("classes", "self.dweights += 2 * self.weight_regularizer_l2 * self.weights", "pass", "missing regularizer"),
        ("classes", "/ (1 - self.beta_1 ** (self.iterations + 1))", "", "bias correction"),
        ("classes", "np.max(inputs, axis=1, keepdims=True)", "0", "softmax overflow"),
        ("classes", "-y_true / dvalues / len(dvalues)", "y_true / dvalues / len(dvalues)", "sign"),
        ("layers", "self.bias -= learning_rate * output_gradient", "pass", "missing bias"),
        ("layers", "1 - np.tanh(x) ** 2", "1 - np.tanh(x)", "wrong activation derivative"),
        ("layers", "2 * (y_pred - y_true)", "(y_pred - y_true)", "constant factor"),
        (
            "layers",
            "self.weights -= learning_rate * weights_gradient",
            "self.weights += learning_rate * weights_gradient",
            "sign",
        ),
        ("functions", "dZ2 = A2 - one_hot(Y)", "dZ2 = one_hot(Y) - A2", "sign"),
        ("functions", "db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)", "db2 = 1 / m * np.sum(dZ2)", "bias axis"),
        ("functions", " * (Z1 > 0)", "", "missing activation derivative"),
        ("functions", "dW2 = 1 / m *", "dW2 =", "factor N"),
        ("functions", "W1 - alpha * dW1", "W1 + alpha * dW1", "update sign"),
        ("functions", "np.argmax(A2, 0)", "np.argmax(A2, 1)", "wrong labels"),
        ("dictionary", "d.sum(axis=0)}", "np.zeros_like(b2)}", "missing bias"),
        ("dictionary", "dh[h <= 0] = 0", "dh[h > 0] = 0", "wrong activation derivative"),
        ("dictionary", "X.T.dot(dh) + 2 * reg * W1", "X.T.dot(dh)", "missing regularizer"),
        ("dictionary", "        d /= N\n", "", "factor N"),
        ("dictionary", "s = scores - scores.max(axis=1, keepdims=True)", "s = scores", "softmax overflow"),
    ],
)
def test_each_mistake_has_its_diagnosis(tmp_path, style, old, new, diagnosis):
    assert PROGRAMS[style].count(old) == 1
    found = graded_here(tmp_path, PROGRAMS[style].replace(old, new))
    assert not found.passed
    assert found.marks < 100
    synonyms = {diagnosis, "update sign"} if diagnosis == "sign" else {diagnosis}
    assert found.diagnoses[0] in synonyms, str(found)
    assert found.failed[0].hint


def test_the_first_departure_names_function_array_element_and_both_numbers(tmp_path):
    found = graded_here(tmp_path, DICTIONARY.replace("        d /= N\n", ""))
    departure = found.departure
    assert departure is not None
    assert departure.function == "TwoLayerNet.loss"
    assert "W2" in departure.array
    assert departure.element == (0, 0)
    rows = departure.given / departure.right
    assert rows == pytest.approx(round(rows))
    assert round(rows) > 1
    assert f"{departure.right:.6g}" in str(found)


def test_a_program_that_is_told_its_style(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(LAYERS, encoding="utf-8")
    assert sw.grade(path, style="layers", seconds=20).marks == 100
    assert not sw.grade(path, style="dictionary", seconds=20).asked


def test_the_sum_instead_of_the_mean_is_a_convention(tmp_path):
    summed = FUNCTIONS.replace("1 / m * ", "")
    assert graded_here(tmp_path, summed).marks == 100
    halved = DICTIONARY.replace("reg * (np.sum", "0.5 * reg * (np.sum").replace("2 * reg * W", "reg * W")
    assert graded_here(tmp_path, halved).marks == 100


def test_a_notebook_is_graded_too(tmp_path):
    import json

    cells = [
        {"cell_type": "markdown", "source": ["# my net"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", LAYERS]},
    ]
    path = tmp_path / "net.ipynb"
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    assert grade(path, seconds=20).marks == 100
