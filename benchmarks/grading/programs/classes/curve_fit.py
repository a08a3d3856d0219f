# Fits a sine curve. Every part returns its result and remembers what backward needs.
import numpy as np


class DenseLayer:
    def __init__(self, in_features, out_features, rng=None):
        rng = rng or np.random.default_rng()
        limit = np.sqrt(6 / (in_features + out_features))
        self.W = rng.uniform(-limit, limit, size=(in_features, out_features))
        self.b = np.zeros(out_features)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = grad.sum(axis=0)
        return grad @ self.W.T


class Tanh:
    def forward(self, x):
        self.out = np.tanh(x)
        return self.out

    def backward(self, grad):
        return grad * (1 - self.out ** 2)


class MeanSquaredError:
    def forward(self, y_pred, y_true):
        self.y_pred, self.y_true = y_pred, y_true
        return np.mean((y_pred - y_true) ** 2)

    def backward(self):
        return 2 * (self.y_pred - self.y_true) / self.y_pred.size


class RMSProp:
    def __init__(self, lr=0.01, rho=0.9, eps=1e-8):
        self.lr, self.rho, self.eps = lr, rho, eps
        self.cache = {}

    def update(self, layer):
        for name in ("W", "b"):
            g = getattr(layer, "d" + name)
            key = (id(layer), name)
            s = self.rho * self.cache.get(key, np.zeros_like(g)) + (1 - self.rho) * g * g
            self.cache[key] = s
            p = getattr(layer, name)
            p -= self.lr * g / (np.sqrt(s) + self.eps)


class Network:
    def __init__(self, sizes, seed=0):
        rng = np.random.default_rng(seed)
        self.layers = []
        for i in range(len(sizes) - 1):
            self.layers.append(DenseLayer(sizes[i], sizes[i + 1], rng))
            if i < len(sizes) - 2:
                self.layers.append(Tanh())

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad


def main():
    x = np.linspace(-1, 1, 80).reshape(-1, 1)
    y = np.sin(3 * x)
    net = Network([1, 24, 24, 1])
    loss_fn = MeanSquaredError()
    opt = RMSProp(lr=0.003)
    for epoch in range(400):
        loss = loss_fn.forward(net.forward(x), y)
        net.backward(loss_fn.backward())
        for layer in net.layers:
            if isinstance(layer, DenseLayer):
                opt.update(layer)
        if epoch % 100 == 0:
            print(f"epoch {epoch}: mse {loss:.5f}")


if __name__ == "__main__":
    main()
