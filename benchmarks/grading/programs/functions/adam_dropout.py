"""Two layer classifier in functions: leaky ReLU, inverted dropout, Adam."""
import numpy as np

LEAK = 0.01


def init_params(n_x, n_h, n_y):
    W1 = np.random.randn(n_h, n_x) * np.sqrt(2 / n_x)
    b1 = np.zeros((n_h, 1))
    W2 = np.random.randn(n_y, n_h) * np.sqrt(2 / n_h)
    b2 = np.zeros((n_y, 1))
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


def leaky_relu(Z):
    return np.where(Z > 0, Z, LEAK * Z)


def leaky_relu_derivative(Z):
    return np.where(Z > 0, 1.0, LEAK)


def softmax(Z):
    T = np.exp(Z - np.max(Z, axis=0, keepdims=True))
    return T / T.sum(axis=0, keepdims=True)


def one_hot(Y, classes):
    return np.eye(classes)[Y].T


def forward_prop(X, params, keep_prob=1.0):
    Z1 = np.dot(params["W1"], X) + params["b1"]
    A1 = leaky_relu(Z1)
    D1 = (np.random.rand(*A1.shape) < keep_prob) / keep_prob
    A1 = A1 * D1
    Z2 = np.dot(params["W2"], A1) + params["b2"]
    A2 = softmax(Z2)
    cache = (Z1, A1, D1, Z2, A2)
    return A2, cache


def compute_loss(A2, Y):
    m = Y.size
    log_likelihood = np.log(A2[Y, range(m)] + 1e-10)
    return -np.sum(log_likelihood) / m


def backward_prop(X, Y, params, cache):
    m = X.shape[1]
    Z1, A1, D1, Z2, A2 = cache
    dZ2 = A2 - one_hot(Y, A2.shape[0])
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dA1 = np.dot(params["W2"].T, dZ2) * D1
    dZ1 = dA1 * leaky_relu_derivative(Z1)
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def init_adam(params):
    m = {k: np.zeros_like(v) for k, v in params.items()}
    v = {k: np.zeros_like(v) for k, v in params.items()}
    return m, v


def update_params(params, grads, m, v, t, learning_rate=0.01, beta1=0.9, beta2=0.999, eps=1e-8):
    """t counts from 1"""
    for k in params:
        m[k] = beta1 * m[k] + (1 - beta1) * grads[k]
        v[k] = beta2 * v[k] + (1 - beta2) * grads[k] ** 2
        m_hat = m[k] / (1 - beta1 ** t)
        v_hat = v[k] / (1 - beta2 ** t)
        params[k] = params[k] - learning_rate * m_hat / (np.sqrt(v_hat) + eps)
    return params, m, v


def train(X, Y, n_h=16, epochs=150, keep_prob=0.9, learning_rate=0.02):
    params = init_params(X.shape[0], n_h, Y.max() + 1)
    m, v = init_adam(params)
    for t in range(1, epochs + 1):
        A2, cache = forward_prop(X, params, keep_prob)
        grads = backward_prop(X, Y, params, cache)
        params, m, v = update_params(params, grads, m, v, t, learning_rate)
        if t % 50 == 0:
            print(f"{t}: {compute_loss(A2, Y):.4f}")
    return params


if __name__ == "__main__":
    np.random.seed(6)
    X = np.random.randn(5, 100)
    Y = np.argmax(X[:4], axis=0)
    train(X, Y)
