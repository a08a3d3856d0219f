import numpy as np


def init_params(n_in, n_hidden, n_out, seed=0):
    rs = np.random.RandomState(seed)
    return {
        "w1": rs.randn(n_in, n_hidden) * np.sqrt(2.0 / n_in),
        "b1": np.zeros(n_hidden),
        "w2": rs.randn(n_hidden, n_out) * np.sqrt(2.0 / n_hidden),
        "b2": np.zeros(n_out),
    }


def scores_of(params, X):
    z1 = X @ params["w1"] + params["b1"]
    a1 = np.maximum(z1, 0.0)
    return z1, a1, a1 @ params["w2"] + params["b2"]


def loss(params, X, y, weight_decay=0.0):
    """Mean cross-entropy and its gradients as a dict with the keys of params. y: class numbers."""
    n = X.shape[0]
    z1, a1, s = scores_of(params, X)
    s = s - s.max(axis=1, keepdims=True)
    p = np.exp(s)
    p /= p.sum(axis=1, keepdims=True)
    value = -np.log(p[np.arange(n), y] + 1e-300).mean()
    value += weight_decay * (np.sum(params["w1"] ** 2) + np.sum(params["w2"] ** 2)) / 2

    d = p.copy()
    d[np.arange(n), y] -= 1
    d /= n
    grads = {"w2": a1.T @ d + weight_decay * params["w2"], "b2": d.sum(axis=0)}
    d1 = (d @ params["w2"].T) * (z1 > 0)
    grads["w1"] = X.T @ d1 + weight_decay * params["w1"]
    grads["b1"] = d1.sum(axis=0)
    return value, grads


def sgd_step(params, grads, lr=0.1):
    for k in params:
        params[k] -= lr * grads[k]


def accuracy(params, X, y):
    return np.mean(scores_of(params, X)[2].argmax(axis=1) == y)


if __name__ == "__main__":
    rs = np.random.RandomState(3)
    X = rs.randn(90, 4)
    y = np.argmax(X[:, :3], axis=1)
    params = init_params(4, 20, 3)
    for i in range(150):
        value, grads = loss(params, X, y, 1e-3)
        sgd_step(params, grads, 0.3)
    print("loss %.4f accuracy %.3f" % (value, accuracy(params, X, y)))
