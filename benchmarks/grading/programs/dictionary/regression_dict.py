"""Regression: loss(X, y) returns the mean squared error and a dict of gradients; momentum in the solver."""
import numpy as np


class RegressionNet:
    def __init__(self, input_dim, hidden_dim, output_dim=1, seed=None):
        rng = np.random.RandomState(seed)
        self.params = {
            'W1': rng.randn(input_dim, hidden_dim) * np.sqrt(1.0 / input_dim),
            'b1': np.zeros(hidden_dim),
            'W2': rng.randn(hidden_dim, output_dim) * np.sqrt(1.0 / hidden_dim),
            'b2': np.zeros(output_dim),
        }

    def loss(self, X, y=None):
        W1, b1, W2, b2 = (self.params[k] for k in ('W1', 'b1', 'W2', 'b2'))
        h = np.tanh(X.dot(W1) + b1)
        out = h.dot(W2) + b2
        if y is None:
            return out
        y = np.asarray(y).reshape(out.shape)
        diff = out - y
        loss = np.mean(diff ** 2)

        dout = 2.0 * diff / diff.size
        dh = dout.dot(W2.T)
        dz = dh * (1 - h * h)
        grads = {
            'W1': X.T.dot(dz),
            'b1': dz.sum(axis=0),
            'W2': h.T.dot(dout),
            'b2': dout.sum(axis=0),
        }
        return loss, grads


def sgd_momentum(w, dw, config=None):
    if config is None:
        config = {}
    config.setdefault('learning_rate', 1e-2)
    config.setdefault('momentum', 0.9)
    v = config.get('velocity', np.zeros_like(w))
    v = config['momentum'] * v - config['learning_rate'] * dw
    next_w = w + v
    config['velocity'] = v
    return next_w, config


class Solver:
    def __init__(self, model, learning_rate=0.05, momentum=0.9):
        self.model = model
        self.configs = {p: {'learning_rate': learning_rate, 'momentum': momentum} for p in model.params}

    def step(self, X, y):
        loss, grads = self.model.loss(X, y)
        for p, w in self.model.params.items():
            next_w, next_config = sgd_momentum(w, grads[p], self.configs[p])
            self.model.params[p] = next_w
            self.configs[p] = next_config
        return loss


if __name__ == '__main__':
    X = np.random.RandomState(0).randn(100, 4)
    y = X[:, :1] * X[:, 1:2] + 0.5 * X[:, 2:3]
    solver = Solver(RegressionNet(4, 24, seed=1))
    for i in range(300):
        loss = solver.step(X, y)
    print(loss)
