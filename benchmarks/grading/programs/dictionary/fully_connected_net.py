"""Any number of hidden layers: {affine - tanh - [dropout]} x (L - 1) - affine - softmax"""
import numpy as np


class FullyConnectedNet:

    def __init__(self, hidden_dims, input_dim=10, num_classes=4, dropout=0.0, reg=0.0, weight_scale=None, seed=None):
        self.reg = reg
        self.dropout = dropout  # share of units that are switched off
        self.num_layers = 1 + len(hidden_dims)
        self.rng = np.random.default_rng(seed)
        self.params = {}
        dims = [input_dim] + list(hidden_dims) + [num_classes]
        for i in range(self.num_layers):
            scale = weight_scale or 1 / np.sqrt(dims[i])
            self.params["W%d" % (i + 1)] = scale * self.rng.standard_normal((dims[i], dims[i + 1]))
            self.params["b%d" % (i + 1)] = np.zeros(dims[i + 1])

    def loss(self, X, y=None):
        mode = "test" if y is None else "train"
        out = X
        caches = []
        for i in range(1, self.num_layers):
            inp = out
            a = inp @ self.params["W%d" % i] + self.params["b%d" % i]
            h = np.tanh(a)
            mask = None
            if self.dropout > 0 and mode == "train":
                mask = (self.rng.random(h.shape) >= self.dropout) / (1 - self.dropout)
            out = h if mask is None else h * mask
            caches.append((inp, h, mask))
        L = self.num_layers
        scores = out @ self.params["W%d" % L] + self.params["b%d" % L]
        if mode == "test":
            return scores

        n = X.shape[0]
        scores = scores - scores.max(axis=1, keepdims=True)
        exp_scores = np.exp(scores)
        probs = exp_scores / exp_scores.sum(axis=1, keepdims=True)
        loss = np.mean(np.log(exp_scores.sum(axis=1)) - scores[np.arange(n), y])
        for i in range(1, L + 1):
            loss += 0.5 * self.reg * np.sum(self.params["W%d" % i] ** 2)

        grads = {}
        dout = probs
        dout[np.arange(n), y] -= 1
        dout /= n
        grads["W%d" % L] = out.T @ dout + self.reg * self.params["W%d" % L]
        grads["b%d" % L] = dout.sum(axis=0)
        dout = dout @ self.params["W%d" % L].T
        for i in range(L - 1, 0, -1):
            inp, h, mask = caches[i - 1]
            if mask is not None:
                dout = dout * mask
            da = dout * (1 - h ** 2)
            grads["W%d" % i] = inp.T @ da + self.reg * self.params["W%d" % i]
            grads["b%d" % i] = da.sum(axis=0)
            dout = da @ self.params["W%d" % i].T
        return loss, grads

    def step(self, X, y, learning_rate=0.1):
        loss, grads = self.loss(X, y)
        for p in self.params:
            self.params[p] -= learning_rate * grads[p]
        return loss


if __name__ == "__main__":
    data_rng = np.random.default_rng(0)
    X = data_rng.standard_normal((80, 10))
    y = np.argmax(X[:, :4], axis=1)
    net = FullyConnectedNet([32, 16], dropout=0.1, reg=1e-3, seed=0)
    for i in range(200):
        value = net.step(X, y, 0.2)
    print(value)
