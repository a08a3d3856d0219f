"""How each program of the corpus is called: one small adapter per program, written by hand, for verifying the corpus itself.

A probe is what `verify.py` works with. The grader never sees these: it has to find its way into a program alone.
"""

import ast
import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from .reference import Params, Spec

PLAIN = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign


@dataclass
class Probe:
    """A program, ready to be asked: arrays are rows here, whatever the program itself prefers."""

    spec: Spec
    x: np.ndarray
    y: np.ndarray
    params: Callable[[], Params]  # the live arrays
    outputs: Callable[[np.ndarray], np.ndarray]
    gradients: Callable[[np.ndarray, np.ndarray], Params]
    step: Callable[[np.ndarray, np.ndarray, float], Any]
    loss: Callable[[np.ndarray, np.ndarray], float] | None = None
    extras: Callable[[], list[Any]] = list  # further numbers that mistakes may change
    rate: float = 0.1


def namespace(source: str, name: str = "program") -> SimpleNamespace:
    """What a program defines, without its training: imports, functions, classes, and the assignments that succeed."""
    found: dict[str, Any] = {"__name__": name}
    for node in ast.parse(source).body:
        if isinstance(node, PLAIN):
            # A file of data that is not there, or what follows from it, is no obstacle to the functions.
            with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
                exec(compile(ast.Module([node], []), name, "exec"), found)
    return SimpleNamespace(**found)


def rows(seed: int = 0, features: int = 4, classes: int = 3, count: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % classes)
    return rng.standard_normal((count, features)), labels


def squares(*names: str, factor: float) -> Callable[[Params, int], float]:
    return lambda params, rows: factor * sum(float(np.sum(params[name] ** 2)) for name in names)


def hot(labels: np.ndarray, classes: int) -> np.ndarray:
    return np.array([[1.0 if k == label else 0.0 for k in range(classes)] for label in labels])


def attributes(layers: list[Any], *names: str) -> Callable[[], Params]:
    """Live arrays of layer objects: {"0.weights": ...}."""
    return lambda: {f"{i}.{name}": getattr(layer, name) for i, layer in enumerate(layers) for name in names}


def pairs(count: int, weight: str = "weights", bias: str = "biases") -> list[tuple[str, str]]:
    return [(f"{i}.{weight}", f"{i}.{bias}") for i in range(count)]


def by_update(params: Callable[[], Params], step: Callable[[np.ndarray, np.ndarray, float], Any]) -> Callable[..., Params]:
    """Gradients of a program that shows only its update: what it moves by at learning rate 1, put back afterwards."""

    def gradients(x: np.ndarray, y: np.ndarray) -> Params:
        before = {name: value.copy() for name, value in params().items()}
        step(x, y, 1.0)
        after = params()
        moved = {name: before[name] - after[name] for name in before}
        for name, value in before.items():
            after[name][...] = value
        return moved

    return gradients


# --- classes with forward(inputs) and backward(dvalues) ---------------------------------------------------------------


def spiral_network(p: SimpleNamespace) -> Probe:
    x, y = rows()
    one, relu, two = p.Layer_Dense(4, 5), p.Activation_ReLU(), p.Layer_Dense(5, 3)
    head = p.Activation_Softmax_Loss_CategoricalCrossentropy()
    initial = [one.weights.copy(), two.weights.copy()]
    one.weights, two.weights = initial[0] * 100, initial[1] * 100
    sgd: dict[float, Any] = {}

    def loss(x, y):
        one.forward(x)
        relu.forward(one.output)
        two.forward(relu.output)
        return head.forward(two.output, y)

    def outputs(x):
        loss(x, np.zeros(len(x), int))
        return head.output

    def gradients(x, y):
        loss(x, y)
        head.backward(head.output, y)
        two.backward(head.dinputs)
        relu.backward(two.dinputs)
        one.backward(relu.dinputs)
        return {"0.weights": one.dweights, "0.biases": one.dbiases, "1.weights": two.dweights, "1.biases": two.dbiases}

    def step(x, y, rate):
        gradients(x, y)
        optimizer = sgd.setdefault(rate, p.Optimizer_SGD(learning_rate=rate, momentum=0.9))
        optimizer.pre_update_params()
        optimizer.update_params(one)
        optimizer.update_params(two)
        optimizer.post_update_params()

    def extras():
        seen = [*initial, head.loss.calculate(np.eye(3), np.array([1, 2, 0]))]
        layer = p.Layer_Dense(2, 2)
        layer.weights = np.ones((2, 2))
        layer.dweights, layer.dbiases = np.ones((2, 2)), np.ones((1, 2))
        plain = p.Optimizer_SGD(learning_rate=0.5, decay=0.1)
        for _ in range(2):
            plain.pre_update_params()
            plain.update_params(layer)
            plain.post_update_params()
        return [*seen, layer.weights, layer.biases]

    spec = Spec(pairs(2), ["relu", "softmax"], "cross-entropy", rule="momentum", settings={"momentum": 0.9})
    return Probe(spec, x, y, attributes([one, two], "weights", "biases"), outputs, gradients, step, loss, extras)


def dropout_adam_classes(p: SimpleNamespace) -> Probe:
    x, y = rows()
    one = p.Layer_Dense(4, 5, weight_regularizer_l1=0.01, weight_regularizer_l2=0.02, bias_regularizer_l2=0.03)
    two, relu, softmax, criterion = (
        p.Layer_Dense(5, 3),
        p.Activation_ReLU(),
        p.Activation_Softmax(),
        p.Loss_CategoricalCrossentropy(),
    )
    one.biases = np.full((1, 5), 0.1)
    adam: dict[float, Any] = {}

    def outputs(x):
        one.forward(x)
        relu.forward(one.output)
        two.forward(relu.output)
        softmax.forward(two.output)
        return softmax.output

    def loss(x, y):
        return criterion.calculate(outputs(x), y) + criterion.regularization_loss(one)

    def gradients(x, y):
        criterion.backward(outputs(x), y)
        softmax.backward(criterion.dinputs)
        two.backward(softmax.dinputs)
        relu.backward(two.dinputs)
        one.backward(relu.dinputs)
        return {"0.weights": one.dweights, "0.biases": one.dbiases, "1.weights": two.dweights, "1.biases": two.dbiases}

    def step(x, y, rate):
        gradients(x, y)
        optimizer = adam.setdefault(rate, p.Optimizer_Adam(learning_rate=rate))
        optimizer.pre_update_params()
        optimizer.update_params(one)
        optimizer.update_params(two)
        optimizer.post_update_params()

    def extras():
        np.random.seed(1)
        drop = p.Layer_Dropout(0.25)
        drop.forward(np.ones((50, 40)))
        seen = [drop.output.mean().round(1), drop.output]
        drop.backward(np.ones((50, 40)))
        seen += [drop.dinputs]
        drop.forward(np.ones((3, 4)), training=False)
        return [*seen, drop.output, criterion.calculate(np.eye(3), np.array([1, 2, 0]))]

    def penalty(params, rows):
        w, b = params["0.weights"], params["0.biases"]
        return float(0.01 * abs(w).sum() + 0.02 * (w**2).sum() + 0.03 * (b**2).sum())

    spec = Spec(pairs(2), ["relu", "softmax"], "cross-entropy", penalty=penalty, rule="adam", settings={"epsilon": 1e-7})
    return Probe(spec, x, y, attributes([one, two], "weights", "biases"), outputs, gradients, step, loss, extras, rate=0.02)


def curve_fit(p: SimpleNamespace) -> Probe:
    x = np.random.default_rng(0).standard_normal((6, 2))
    y = np.sin(x[:, :1]) + x[:, 1:]
    net, criterion = p.Network([2, 5, 4, 1]), p.MeanSquaredError()
    dense = net.layers[::2]
    rms: dict[float, Any] = {}

    def gradients(x, y):
        criterion.forward(net.forward(x), y)
        net.backward(criterion.backward())
        return {f"{i}.{n}": getattr(layer, "d" + n) for i, layer in enumerate(dense) for n in "Wb"}

    def step(x, y, rate):
        gradients(x, y)
        for layer in dense:
            rms.setdefault(rate, p.RMSProp(lr=rate)).update(layer)

    spec = Spec(
        pairs(3, "W", "b"), ["tanh", "tanh", "none"], "mean square", rule="rmsprop", settings={"rho": 0.9, "epsilon": 1e-8}
    )
    loss = lambda x, y: criterion.forward(net.forward(x), y)  # noqa: E731
    initial = [layer.W.copy() for layer in dense]
    return Probe(spec, x, y, attributes(dense, "W", "b"), net.forward, gradients, step, loss, lambda: initial, rate=0.01)


def binary_moons(p: SimpleNamespace) -> Probe:
    x, y = rows(classes=2)
    y = y.reshape(-1, 1)
    one, first, two, second = p.Dense(4, 5), p.Sigmoid(), p.Dense(5, 1), p.Sigmoid()
    criterion = p.BinaryCrossEntropy()

    def outputs(x):
        return second.forward(two.forward(first.forward(one.forward(x))))

    def gradients(x, y):
        back = criterion.backward(outputs(x), y)
        one.backward(first.backward(two.backward(second.backward(back))))
        return {"0.weights": one.dweights, "0.biases": one.dbiases, "1.weights": two.dweights, "1.biases": two.dbiases}

    def step(x, y, rate):
        gradients(x, y)
        optimizer = p.SGD(learning_rate=rate)
        optimizer.update_params(one)
        optimizer.update_params(two)

    def extras():
        at_the_ends = np.array([[0.0], [1.0]])
        return [criterion.forward(at_the_ends, 1 - at_the_ends), first.forward(np.array([-900.0, 900.0]))]

    spec = Spec(pairs(2), ["sigmoid", "sigmoid"], "binary")
    loss = lambda x, y: criterion.forward(outputs(x), y)  # noqa: E731
    return Probe(spec, x, y, attributes([one, two], "weights", "biases"), outputs, gradients, step, loss, extras, rate=1.0)


def homework_mlp(p: SimpleNamespace) -> Probe:
    x, y = rows()
    model, criterion = p.MLP(4, 5, 3), p.SoftmaxCrossEntropy()
    dense = [model.layers[0], model.layers[2]]
    sgd: dict[float, Any] = {}

    def outputs(x):
        criterion.forward(model.forward(x), np.zeros(len(x), int))
        return criterion.probs

    def gradients(x, y):
        criterion.forward(model.forward(x), y)
        model.backward(criterion.backward())
        return {f"{i}.{n}": getattr(layer, "grad_" + n) for i, layer in enumerate(dense) for n in "wb"}

    def step(x, y, rate):
        gradients(x, y)
        sgd.setdefault(rate, p.MomentumSGD(model, lr=rate)).step()

    layers = pairs(2, "w", "b")
    spec = Spec(layers, ["leaky 0.1", "softmax"], "cross-entropy", columns=True, rule="momentum", settings={"momentum": 0.9})
    loss = lambda x, y: criterion.forward(model.forward(x), y)  # noqa: E731
    initial = [layer.w.copy() for layer in dense]
    return Probe(spec, x, y, attributes(dense, "w", "b"), outputs, gradients, step, loss, lambda: initial, rate=0.05)


def adagrad_onehot(p: SimpleNamespace) -> Probe:
    x, labels = rows()
    model = p.Model(4, 5, 3)
    dense = [model.fc1, model.fc2]
    grads: dict[float, Any] = {}

    def outputs(x):
        model.forward(x, hot(np.zeros(len(x), int), 3))
        return model.head.output

    def gradients(x, y):
        model.forward(x, hot(y, 3))
        model.backward(hot(y, 3))
        return {f"{i}.{n}": getattr(layer, "d" + n) for i, layer in enumerate(dense) for n in ("weights", "bias")}

    def step(x, y, rate):
        gradients(x, y)
        optimizer = grads.setdefault(rate, p.AdaGrad(learning_rate=rate))
        for layer in dense:
            optimizer.update_params(layer)

    def extras():
        return [p.to_one_hot(np.array([2, 0, 1, 1]), 3), model.act.forward(np.array([-1e4, 1e4]))]

    spec = Spec(
        pairs(2, "weights", "bias"), ["sigmoid", "softmax"], "cross-entropy",
        penalty=squares("0.weights", "1.weights", factor=0.5e-3), rule="adagrad", settings={"epsilon": 1e-7},
    )  # fmt: skip
    loss = lambda x, y: model.forward(x, hot(y, 3))  # noqa: E731
    return Probe(spec, x, labels, attributes(dense, "weights", "bias"), outputs, gradients, step, loss, extras)


# --- layers with forward(input) and backward(output_gradient, learning_rate) ------------------------------------------


def through(layers: list[Any], x: np.ndarray) -> np.ndarray:
    for layer in layers:
        x = layer.forward(x)
    return x


def back(layers: list[Any], grad: np.ndarray, rate: float) -> None:
    for layer in reversed(layers):
        grad = layer.backward(grad, rate)


def xor(p: SimpleNamespace) -> Probe:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((1, 3)), rng.uniform(-0.5, 0.5, (1, 2))
    net = [p.Dense(3, 4), p.Tanh(), p.Dense(4, 2), p.Tanh()]
    dense = net[::2]
    params = attributes(dense, "weights", "bias")

    def outputs(x):
        return np.array([through(net, row.reshape(-1, 1)).ravel() for row in x])

    def step(x, y, rate):
        for row, target in zip(x, y, strict=True):
            target = target.reshape(-1, 1)
            back(net, p.mse_prime(target, through(net, row.reshape(-1, 1))), rate)

    def loss(x, y):
        return float(np.mean([p.mse(t.reshape(-1, 1), through(net, r.reshape(-1, 1))) for r, t in zip(x, y, strict=True)]))

    spec = Spec(pairs(2, "weights", "bias"), ["tanh", "tanh"], "mean square", columns=True)
    return Probe(spec, x, y, params, outputs, by_update(params, step), step, loss)


def softmax_columns(p: SimpleNamespace) -> Probe:
    x, y = rows(count=1)
    net = [p.Dense(4, 5), p.Sigmoid(), p.Dense(5, 3), p.Softmax()]
    dense = net[::2]
    params = attributes(dense, "weights", "bias")

    def outputs(x):
        return np.array([p.predict(net, row.reshape(-1, 1)).ravel() for row in x])

    def step(x, y, rate):
        columns = x.reshape(len(x), -1, 1), hot(y, 3).reshape(len(y), 3, 1)
        p.train(net, p.cross_entropy, p.cross_entropy_prime, *columns, epochs=1, learning_rate=rate, verbose=False)

    def loss(x, y):
        given = zip(hot(y, 3), x, strict=True)
        return float(np.mean([p.cross_entropy(t.reshape(-1, 1), p.predict(net, r.reshape(-1, 1))) for t, r in given]))

    def extras():
        return [p.cross_entropy(np.array([[1.0], [0.0]]), np.array([[0.0], [1.0]]))]

    spec = Spec(pairs(2, "weights", "bias"), ["sigmoid", "softmax"], "cross-entropy", columns=True)
    return Probe(spec, x, y, params, outputs, by_update(params, step), step, loss, extras)


def network_class(p: SimpleNamespace) -> Probe:
    x, _ = rows()
    y = x[:, :2] - x[:, 2:]
    dense = [p.FCLayer(4, 5), p.FCLayer(5, 2)]
    net = p.Network()
    for layer in (dense[0], p.ActivationLayer(p.relu, p.relu_prime), dense[1], p.ActivationLayer(p.linear, p.linear_prime)):
        net.add(layer)
    net.use(p.mse, p.mse_prime)
    params = attributes(dense, "weights", "bias")

    def outputs(x):
        return np.array([row.ravel() for row in net.predict(x.reshape(len(x), 1, -1))])

    def step(x, y, rate):
        with contextlib.redirect_stdout(io.StringIO()):
            net.fit(x[None], y[None], 1, rate)

    def loss(x, y):
        return p.mse(y, outputs(x))

    spec = Spec(pairs(2, "weights", "bias"), ["relu", "none"], "mean square")
    return Probe(spec, x, y, params, outputs, by_update(params, step), step, loss)


def batch_columns(p: SimpleNamespace) -> Probe:
    x, y = rows()
    net, criterion = [p.Dense(4, 5), p.ReLU(), p.Dense(5, 3)], p.SoftmaxCrossEntropy()
    initial = [layer.w.copy() for layer in net[::2]]
    params = attributes(net[::2], "w", "b")
    loss = lambda x, y: criterion.loss(p.forward_all(net, x.T), hot(y, 3).T)  # noqa: E731
    outputs = lambda x: criterion.probabilities(p.forward_all(net, x.T)).T  # noqa: E731
    step = lambda x, y, rate: p.train_step(net, criterion, x.T, hot(y, 3).T, rate)  # noqa: E731
    spec = Spec(pairs(2, "w", "b"), ["relu", "softmax"], "cross-entropy", columns=True)
    extras = lambda: [*initial, criterion.loss(np.array([[900.0, -900], [0, 0]]), np.eye(2))]  # noqa: E731
    return Probe(spec, x, y, params, outputs, by_update(params, step), step, loss, extras)


def decay_rows(p: SimpleNamespace) -> Probe:
    x, y = rows()
    net = [p.Dense(4, 5, seed=1), p.Tanh(), p.Dense(5, 4, seed=2), p.LeakyReLU(), p.Dense(4, 3, seed=3)]
    params = attributes(net[::2], "weights", "bias")

    def loss(x, y):
        return p.softmax_crossentropy_with_logits(p.forward(net, x)[-1], y) + sum(layer.penalty() for layer in net)

    def outputs(x):
        return p.softmax(p.forward(net, x)[-1])

    def step(x, y, rate):
        p.train(net, x, y, lr=rate)

    spec = Spec(
        pairs(3, "weights", "bias"), ["tanh", "leaky 0.2", "softmax"], "cross-entropy",
        penalty=squares("0.weights", "1.weights", "2.weights", factor=0.005),
    )  # fmt: skip
    return Probe(spec, x, y, params, outputs, by_update(params, step), step, loss)


def yes_or_no(p: SimpleNamespace) -> Probe:
    x, y = rows(classes=2)
    y = y.reshape(-1, 1)
    net = [p.Linear(4, 5), p.Relu(), p.Dropout(0.0), p.Linear(5, 1), p.Sigmoid()]
    params = attributes([net[0], net[3]], "W", "B")
    loss = lambda x, y: p.binary_cross_entropy(y.T, through(net, x.T))  # noqa: E731
    outputs = lambda x: through(net, x.T).T  # noqa: E731

    def step(x, y, rate):
        back(net, p.binary_cross_entropy_prime(y.T, through(net, x.T)), rate)

    def extras():
        np.random.seed(1)
        drop = p.Dropout(0.25)
        seen = [drop.forward(np.ones((50, 40))), drop.backward(np.ones((50, 40)), 0.1)]
        drop.training = False
        ends = np.array([[0.0, 1.0]])
        return [*seen, drop.forward(np.ones((3, 4))), p.binary_cross_entropy(1 - ends, ends)]

    spec = Spec(pairs(2, "W", "B"), ["relu", "sigmoid"], "binary", columns=True)
    return Probe(spec, x, y, params, outputs, by_update(params, step), step, loss, extras, rate=0.5)


# --- functions on (features, samples) arrays --------------------------------------------------------------------------


def live(params: Params) -> Callable[[], Params]:
    return lambda: params


def digits_784(p: SimpleNamespace) -> Probe:
    rng = np.random.default_rng(0)
    x, y = rng.random((6, 784)), np.array([3, 0, 9, 1, 5, 3])
    params = dict(zip(("W1", "b1", "W2", "b2"), p.init_params(), strict=True))

    def gradients(x, y):
        z1, a1, z2, a2 = p.forward_prop(*params.values(), x.T)
        found = p.backward_prop(z1, a1, z2, a2, params["W1"], params["W2"], x.T, y)
        return dict(zip(("W1", "b1", "W2", "b2"), found, strict=True))

    def step(x, y, rate):
        grads = gradients(x, y)
        params.update(zip(params, p.update_params(*params.values(), *(grads[name] for name in params), rate), strict=True))

    outputs = lambda x: p.forward_prop(*params.values(), x.T)[-1].T  # noqa: E731
    extras = lambda: [p.one_hot(np.array([2, 0, 9])), p.get_predictions(np.eye(10)[:, [4, 2]])]  # noqa: E731
    spec = Spec([("W1", "b1"), ("W2", "b2")], ["relu", "softmax"], "cross-entropy", columns=True)
    return Probe(spec, x, y, live(params), outputs, gradients, step, None, extras)


TWO = [("W1", "b1"), ("W2", "b2")]


def planar_classifier(p: SimpleNamespace) -> Probe:
    x, y = rows(classes=2)
    y = y.reshape(-1, 1)
    params = p.initialize_parameters(4, 5, 1)
    initial = [params["W1"].copy(), params["W2"].copy()]
    for name in ("W1", "W2"):
        params[name] = params[name] * 50

    def gradients(x, y):
        _, cache = p.forward_propagation(x.T, params)
        return {name[1:]: g for name, g in p.backward_propagation(params, cache, x.T, y.T).items()}

    def step(x, y, rate):
        grads = {"d" + name: g for name, g in gradients(x, y).items()}
        params.update(p.update_parameters(params, grads, rate))

    outputs = lambda x: p.forward_propagation(x.T, params)[0].T  # noqa: E731
    loss = lambda x, y: p.compute_cost(p.forward_propagation(x.T, params)[0], y.T)  # noqa: E731
    ends = np.array([[0.0, 1.0]])
    extras = lambda: [*initial, p.compute_cost(ends, 1 - ends), p.sigmoid(np.array([-900.0, 900]))]  # noqa: E731
    spec = Spec(TWO, ["tanh", "sigmoid"], "binary", columns=True)
    return Probe(spec, x, y, live(params), outputs, gradients, step, loss, extras, rate=1.0)


def deep_l2(p: SimpleNamespace) -> Probe:
    x, y = rows()
    params = p.init_params([4, 5, 4, 3])

    def gradients(x, y):
        _, caches = p.forward_prop(x.T, params)
        return {name[1:]: g for name, g in p.backward_prop(hot(y, 3).T, params, caches, 0.6).items()}

    def step(x, y, rate):
        params.update(p.update_params(params, {"d" + name: g for name, g in gradients(x, y).items()}, rate))

    outputs = lambda x: p.forward_prop(x.T, params)[0].T  # noqa: E731
    loss = lambda x, y: p.compute_cost(p.forward_prop(x.T, params)[0], hot(y, 3).T, params, 0.6)  # noqa: E731
    extras = lambda: [p.compute_cost(np.eye(3), np.eye(3)[[1, 2, 0]], params, 0.0)]  # noqa: E731
    penalty = lambda params, rows: squares("W1", "W2", "W3", factor=0.3 / rows)(params, rows)  # noqa: E731
    layers = [*TWO, ("W3", "b3")]
    spec = Spec(layers, ["relu", "relu", "softmax"], "cross-entropy", columns=True, penalty=penalty)
    return Probe(spec, x, y, live(params), outputs, gradients, step, loss, extras)


def three_layer_sigmoid(p: SimpleNamespace) -> Probe:
    x, y = rows()
    names = ("w1", "b1", "w2", "b2", "w3", "b3")
    params = dict(zip(names, p.init_params(4, 5, 4, 3), strict=True))

    def gradients(x, y):
        z1, a1, z2, a2, _, a3 = p.forward_prop(x.T, *params.values())
        found = p.backward_prop(x.T, y, z1, a1, z2, a2, a3, params["w2"], params["w3"])
        return dict(zip(names, found, strict=True))

    def step(x, y, rate):
        grads = gradients(x, y)
        params.update(zip(names, p.update_params(tuple(params.values()), tuple(grads.values()), rate), strict=True))

    outputs = lambda x: p.forward_prop(x.T, *params.values())[-1].T  # noqa: E731
    loss = lambda x, y: p.cross_entropy(outputs(x).T, y)  # noqa: E731
    extras = lambda: [p.one_hot(np.array([2, 0, 1, 1]), 3), p.cross_entropy(np.eye(3), np.array([1, 2, 0]))]  # noqa: E731
    layers = [("w1", "b1"), ("w2", "b2"), ("w3", "b3")]
    spec = Spec(layers, ["sigmoid", "sigmoid", "softmax"], "cross-entropy", columns=True)
    return Probe(spec, x, y, live(params), outputs, gradients, step, loss, extras, rate=0.5)


def house_prices(p: SimpleNamespace) -> Probe:
    x, _ = rows()
    y = x[:, :1] - x[:, 1:2] * x[:, 2:3]
    params = p.init_params(4, 5)
    velocity: dict[float, Any] = {}

    def gradients(x, y):
        found = p.backward_prop(params, p.forward_prop(params, x.T), x.T, y.T)
        return {name: found[name] for name in params}

    def step(x, y, rate):
        grads = gradients(x, y)
        current, velocity[rate] = p.update_params(params, grads, velocity.get(rate, p.init_velocity(params)), rate)
        params.update(current)

    outputs = lambda x: p.forward_prop(params, x.T)["y_hat"].T  # noqa: E731
    loss = lambda x, y: p.mse_loss(outputs(x).T, y.T)  # noqa: E731
    spec = Spec(TWO, ["tanh", "none"], "half square", columns=True, rule="momentum", settings={"momentum": 0.9})
    return Probe(spec, x, y, live(params), outputs, gradients, step, loss, rate=0.05)


def adam_dropout_functions(p: SimpleNamespace) -> Probe:
    x, y = rows()
    params = p.init_params(4, 5, 3)
    state: dict[float, Any] = {}

    def gradients(x, y, keep=1.0):
        _, cache = p.forward_prop(x.T, params, keep)
        found = p.backward_prop(x.T, y, params, cache)
        return {name: found[name] for name in params}

    def step(x, y, rate):
        m, v, t = state.get(rate, (*p.init_adam(params), 0))
        current, m, v = p.update_params(params, gradients(x, y), m, v, t + 1, rate)
        state[rate] = m, v, t + 1
        params.update(current)

    outputs = lambda x: p.forward_prop(x.T, params)[0].T  # noqa: E731
    loss = lambda x, y: p.compute_loss(outputs(x).T, y)  # noqa: E731

    def extras():
        np.random.seed(4)
        dropped = p.forward_prop(np.ones((4, 50)), params, 0.5)[0]
        np.random.seed(4)
        return [
            dropped,
            *gradients(x, y, 0.5).values(),
            p.one_hot(np.array([2, 0, 1]), 3),
            p.compute_loss(np.eye(3), np.array([1, 2, 0])),
        ]

    spec = Spec(TWO, ["leaky 0.01", "softmax"], "cross-entropy", columns=True, rule="adam", settings={"epsilon": 1e-8})
    return Probe(spec, x, y, live(params), outputs, gradients, step, loss, extras, rate=0.02)


# --- a dictionary of parameters and loss(X, y) -> (loss, gradients) ---------------------------------------------------


def two_layer_net(p: SimpleNamespace) -> Probe:
    x, y = rows()
    net = p.TwoLayerNet(4, 5, 3, std=0.5)
    fit = lambda x, y, rate: net.train(  # noqa: E731
        x, y, x, y, learning_rate=rate, learning_rate_decay=1.0, reg=0.02, num_iters=1, batch_size=len(x)
    )
    spec = Spec(TWO, ["relu", "softmax"], "cross-entropy", penalty=squares("W1", "W2", factor=0.02))
    loss = lambda x, y: net.loss(x, y, reg=0.02)[0]  # noqa: E731
    gradients = lambda x, y: net.loss(x, y, reg=0.02)[1]  # noqa: E731

    def step(x, y, rate):
        # `train` draws its batch with replacement; a batch of one row is the same row whatever is drawn.
        for row, label in zip(x, y, strict=True):
            fit(row[None], np.array([label]), rate)

    def extras():
        before = p.TwoLayerNet(4, 5, 3)
        return [net.loss(1e4 * x, y)[0], before.params["W1"], before.params["W2"], net.predict(x)]

    softmax = lambda x: scores_to_probabilities(net.loss(x))  # noqa: E731
    return Probe(spec, x, y, lambda: net.params, softmax, gradients, step, loss, extras)


def scores_to_probabilities(scores: np.ndarray) -> np.ndarray:
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def layer_utils(p: SimpleNamespace) -> Probe:
    x, y = rows()
    net = p.ThreeLayerNet(4, 5, 3, weight_scale=0.6, reg=0.02)
    loss = lambda x, y: net.loss(x, y)[0]  # noqa: E731
    gradients = lambda x, y: net.loss(x, y)[1]  # noqa: E731

    def step(x, y, rate):
        with contextlib.redirect_stdout(io.StringIO()):
            p.train(net, x, y, epochs=1, learning_rate=rate)

    layers = [*TWO, ("W3", "b3")]
    spec = Spec(layers, ["relu", "relu", "softmax"], "cross-entropy", penalty=squares("W1", "W2", "W3", factor=0.01))
    extras = lambda: [p.softmax_loss(np.array([[900.0, 0], [0, 900]]), np.array([1, 1]))[0], net.loss(x * 1e4, y)[0]]  # noqa: E731
    softmax = lambda x: scores_to_probabilities(net.loss(x))  # noqa: E731
    return Probe(spec, x, y, lambda: net.params, softmax, gradients, step, loss, extras)


def fully_connected_net(p: SimpleNamespace) -> Probe:
    x, y = rows()
    net = p.FullyConnectedNet([5, 4], input_dim=4, num_classes=3, reg=0.02, seed=0)
    layers = [*TWO, ("W3", "b3")]
    spec = Spec(layers, ["tanh", "tanh", "softmax"], "cross-entropy", penalty=squares("W1", "W2", "W3", factor=0.01))

    def extras():
        dropping = p.FullyConnectedNet([50, 40], input_dim=4, num_classes=3, dropout=0.5, seed=3)
        seen = [*dropping.params.values(), dropping.loss(x)]
        value, grads = dropping.loss(x, y)
        return [*seen, value, *grads.values(), net.loss(x * 1e4, y)[0]]

    softmax = lambda x: scores_to_probabilities(net.loss(x))  # noqa: E731
    loss = lambda x, y: net.loss(x, y)[0]  # noqa: E731
    return Probe(spec, x, y, lambda: net.params, softmax, lambda x, y: net.loss(x, y)[1], net.step, loss, extras)


def svm_net(p: SimpleNamespace) -> Probe:
    x, y = rows()
    net = p.SVMNet(4, 5, 3, reg=0.02)
    spec = Spec(TWO, ["sigmoid", "none"], "hinge", penalty=squares("W1", "W2", factor=0.01))
    step = lambda x, y, rate: net.update(net.loss(x, y)[1], rate)  # noqa: E731
    loss = lambda x, y: net.loss(x, y)[0]  # noqa: E731
    return Probe(spec, x, y, lambda: net.params, lambda x: net.forward(x)[1], lambda x, y: net.loss(x, y)[1], step, loss)


def free_loss(p: SimpleNamespace) -> Probe:
    x, y = rows()
    params = p.init_params(4, 5, 3)
    spec = Spec([("w1", "b1"), ("w2", "b2")], ["relu", "softmax"], "cross-entropy", penalty=squares("w1", "w2", factor=0.01))
    loss = lambda x, y: p.loss(params, x, y, 0.02)[0]  # noqa: E731
    gradients = lambda x, y: p.loss(params, x, y, 0.02)[1]  # noqa: E731
    step = lambda x, y, rate: p.sgd_step(params, gradients(x, y), rate)  # noqa: E731
    softmax = lambda x: scores_to_probabilities(p.scores_of(params, x)[2])  # noqa: E731
    return Probe(spec, x, y, live(params), softmax, gradients, step, loss, lambda: [p.loss(params, x * 1e4, y)[0]])


def regression_dict(p: SimpleNamespace) -> Probe:
    x, _ = rows()
    y = x[:, :1] * x[:, 1:2]
    net = p.RegressionNet(4, 5, seed=1)
    solvers: dict[float, Any] = {}
    step = lambda x, y, rate: solvers.setdefault(rate, p.Solver(net, learning_rate=rate)).step(x, y)  # noqa: E731
    spec = Spec(TWO, ["tanh", "none"], "mean square", rule="momentum", settings={"momentum": 0.9})
    loss = lambda x, y: net.loss(x, y)[0]  # noqa: E731
    return Probe(spec, x, y, lambda: net.params, net.loss, lambda x, y: net.loss(x, y)[1], step, loss, rate=0.05)


PROBES: dict[str, Callable[[SimpleNamespace], Probe]] = {
    "classes/spiral_network": spiral_network,
    "classes/dropout_adam": dropout_adam_classes,
    "classes/curve_fit": curve_fit,
    "classes/binary_moons": binary_moons,
    "classes/homework_mlp": homework_mlp,
    "classes/adagrad_onehot": adagrad_onehot,
    "layers/xor": xor,
    "layers/softmax_columns": softmax_columns,
    "layers/network_class": network_class,
    "layers/batch_columns": batch_columns,
    "layers/decay_rows": decay_rows,
    "layers/yes_or_no": yes_or_no,
    "functions/digits_784": digits_784,
    "functions/planar_classifier": planar_classifier,
    "functions/deep_l2": deep_l2,
    "functions/three_layer_sigmoid": three_layer_sigmoid,
    "functions/house_prices": house_prices,
    "functions/adam_dropout": adam_dropout_functions,
    "dictionary/two_layer_net": two_layer_net,
    "dictionary/layer_utils": layer_utils,
    "dictionary/fully_connected_net": fully_connected_net,
    "dictionary/svm_net": svm_net,
    "dictionary/free_loss": free_loss,
    "dictionary/regression_dict": regression_dict,
}
