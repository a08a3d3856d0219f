import numpy as np


def init_params(n_input, n_hidden1, n_hidden2, n_output):
    w1 = np.random.randn(n_hidden1, n_input) / np.sqrt(n_input)
    b1 = np.zeros((n_hidden1, 1))
    w2 = np.random.randn(n_hidden2, n_hidden1) / np.sqrt(n_hidden1)
    b2 = np.zeros((n_hidden2, 1))
    w3 = np.random.randn(n_output, n_hidden2) / np.sqrt(n_hidden2)
    b3 = np.zeros((n_output, 1))
    return w1, b1, w2, b2, w3, b3


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-np.clip(z, -200, 200)))


def sigmoid_prime(z):
    s = sigmoid(z)
    return s * (1 - s)


def softmax(z):
    z = z - np.max(z, axis=0, keepdims=True)
    expz = np.exp(z)
    return expz / np.sum(expz, axis=0, keepdims=True)


def one_hot(y, num_classes):
    Y = np.zeros((num_classes, y.shape[0]))
    Y[y, np.arange(y.shape[0])] = 1
    return Y


def forward_prop(x, w1, b1, w2, b2, w3, b3):
    z1 = w1 @ x + b1
    a1 = sigmoid(z1)
    z2 = w2 @ a1 + b2
    a2 = sigmoid(z2)
    z3 = w3 @ a2 + b3
    a3 = softmax(z3)
    return z1, a1, z2, a2, z3, a3


def cross_entropy(a3, y):
    picked = a3[y, np.arange(y.shape[0])]
    return -np.mean(np.log(np.maximum(picked, 1e-15)))


def backward_prop(x, y, z1, a1, z2, a2, a3, w2, w3):
    m = x.shape[1]
    delta3 = a3 - one_hot(y, a3.shape[0])
    dw3 = delta3 @ a2.T / m
    db3 = np.mean(delta3, axis=1, keepdims=True)
    delta2 = (w3.T @ delta3) * sigmoid_prime(z2)
    dw2 = delta2 @ a1.T / m
    db2 = np.mean(delta2, axis=1, keepdims=True)
    delta1 = (w2.T @ delta2) * sigmoid_prime(z1)
    dw1 = delta1 @ x.T / m
    db1 = np.mean(delta1, axis=1, keepdims=True)
    return dw1, db1, dw2, db2, dw3, db3


def update_params(params, grads, lr):
    return tuple(p - lr * g for p, g in zip(params, grads))


def train(x, y, hidden=(12, 8), lr=0.5, epochs=300):
    params = init_params(x.shape[0], hidden[0], hidden[1], y.max() + 1)
    for epoch in range(epochs):
        z1, a1, z2, a2, z3, a3 = forward_prop(x, *params)
        grads = backward_prop(x, y, z1, a1, z2, a2, a3, params[2], params[4])
        params = update_params(params, grads, lr)
        if epoch % 100 == 0:
            print("loss:", cross_entropy(a3, y))
    return params


if __name__ == "__main__":
    np.random.seed(9)
    x = np.random.randn(4, 90)
    y = np.argmax(x[:3], axis=0)
    train(x, y)
