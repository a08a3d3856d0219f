import numpy as np

# Regression with one hidden layer. X is (features, examples), y is (1, examples).


def init_params(n_features, n_hidden=16):
    np.random.seed(0)
    params = {
        'W1': np.random.randn(n_hidden, n_features) * np.sqrt(1 / n_features),
        'b1': np.zeros((n_hidden, 1)),
        'W2': np.random.randn(1, n_hidden) * np.sqrt(1 / n_hidden),
        'b2': np.zeros((1, 1)),
    }
    return params


def init_velocity(params):
    return {k: np.zeros_like(v) for k, v in params.items()}


def forward_prop(params, X):
    Z1 = params['W1'] @ X + params['b1']
    A1 = np.tanh(Z1)
    y_hat = params['W2'] @ A1 + params['b2']
    return {'Z1': Z1, 'A1': A1, 'y_hat': y_hat}


def mse_loss(y_hat, y):
    return np.sum((y_hat - y) ** 2) / (2 * y.shape[1])


def backward_prop(params, cache, X, y):
    m = X.shape[1]
    dy = (cache['y_hat'] - y) / m
    dW2 = dy @ cache['A1'].T
    db2 = np.sum(dy, axis=1, keepdims=True)
    dA1 = params['W2'].T @ dy
    dZ1 = dA1 * (1 - np.tanh(cache['Z1']) ** 2)
    dW1 = dZ1 @ X.T
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return {'W1': dW1, 'b1': db1, 'W2': dW2, 'b2': db2}


def update_params(params, grads, velocity, lr=0.05, beta=0.9):
    for key in params:
        velocity[key] = beta * velocity[key] + grads[key]
        params[key] = params[key] - lr * velocity[key]
    return params, velocity


def fit(X, y, epochs=200, lr=0.05):
    params = init_params(X.shape[0])
    velocity = init_velocity(params)
    for epoch in range(epochs):
        cache = forward_prop(params, X)
        loss = mse_loss(cache['y_hat'], y)
        grads = backward_prop(params, cache, X, y)
        params, velocity = update_params(params, grads, velocity, lr)
        if epoch % 50 == 0:
            print(epoch, loss)
    return params


if __name__ == '__main__':
    X = np.random.RandomState(4).randn(3, 80)
    y = 0.5 * X[0:1] - X[1:2] * X[2:3]
    fit(X, y)
