"""L-layer network with L2 regularization; every array has one column for one example."""
import numpy as np


def init_params(layer_dims, seed=1):
    rng = np.random.default_rng(seed)
    params = {}
    for l in range(1, len(layer_dims)):
        params[f"W{l}"] = rng.standard_normal((layer_dims[l], layer_dims[l - 1])) * np.sqrt(2 / layer_dims[l - 1])
        params[f"b{l}"] = np.zeros((layer_dims[l], 1))
    return params


def relu(z):
    return np.maximum(0, z)


def softmax(z):
    e = np.exp(z - z.max(axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


def forward_prop(X, params):
    L = len(params) // 2
    caches = [(None, X)]
    A = X
    for l in range(1, L + 1):
        Z = params[f"W{l}"] @ A + params[f"b{l}"]
        A = softmax(Z) if l == L else relu(Z)
        caches.append((Z, A))
    return A, caches


def compute_cost(AL, Y, params, lambd):
    m = Y.shape[1]
    cross_entropy = -np.sum(Y * np.log(AL + 1e-12)) / m
    squares = sum(np.sum(np.square(params[f"W{l}"])) for l in range(1, len(params) // 2 + 1))
    return cross_entropy + lambd / (2 * m) * squares


def backward_prop(Y, params, caches, lambd):
    L = len(params) // 2
    m = Y.shape[1]
    grads = {}
    dZ = caches[L][1] - Y
    for l in range(L, 0, -1):
        A_prev = caches[l - 1][1]
        grads[f"dW{l}"] = dZ @ A_prev.T / m + lambd / m * params[f"W{l}"]
        grads[f"db{l}"] = dZ.sum(axis=1, keepdims=True) / m
        if l > 1:
            dA = params[f"W{l}"].T @ dZ
            dZ = dA * (caches[l - 1][0] > 0)
    return grads


def update_params(params, grads, learning_rate):
    new = {}
    for key in params:
        new[key] = params[key] - learning_rate * grads["d" + key]
    return new


def model(X, Y, layer_dims, learning_rate=0.1, num_iterations=500, lambd=0.1):
    params = init_params(layer_dims)
    costs = []
    for i in range(num_iterations):
        AL, caches = forward_prop(X, params)
        costs.append(compute_cost(AL, Y, params, lambd))
        grads = backward_prop(Y, params, caches, lambd)
        params = update_params(params, grads, learning_rate)
    return params, costs


if __name__ == "__main__":
    r = np.random.default_rng(0)
    X = r.standard_normal((5, 120))
    Y = np.eye(3)[np.argmax(X[:3], axis=0)].T
    params, costs = model(X, Y, [5, 16, 8, 3])
    print(costs[0], costs[-1])
