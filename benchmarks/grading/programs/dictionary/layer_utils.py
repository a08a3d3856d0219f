import numpy as np


def affine_forward(x, w, b):
    out = x.reshape(x.shape[0], -1).dot(w) + b
    cache = (x, w, b)
    return out, cache


def affine_backward(dout, cache):
    x, w, b = cache
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


def relu_forward(x):
    out = np.maximum(0, x)
    cache = x
    return out, cache


def relu_backward(dout, cache):
    dx = dout * (cache > 0)
    return dx


def softmax_loss(x, y):
    probs = np.exp(x - np.max(x, axis=1, keepdims=True))
    probs /= np.sum(probs, axis=1, keepdims=True)
    N = x.shape[0]
    loss = -np.sum(np.log(probs[np.arange(N), y] + 1e-12)) / N
    dx = probs.copy()
    dx[np.arange(N), y] -= 1
    dx /= N
    return loss, dx


def sgd(w, dw, config=None):
    if config is None:
        config = {}
    config.setdefault('learning_rate', 1e-2)
    w = w - config['learning_rate'] * dw
    return w, config


class ThreeLayerNet:
    def __init__(self, input_dim=3 * 4, hidden_dim=16, num_classes=5, weight_scale=0.3, reg=0.0):
        self.params = {}
        self.reg = reg
        self.params['W1'] = np.random.randn(input_dim, hidden_dim) * weight_scale
        self.params['b1'] = np.zeros(hidden_dim)
        self.params['W2'] = np.random.randn(hidden_dim, hidden_dim) * weight_scale
        self.params['b2'] = np.zeros(hidden_dim)
        self.params['W3'] = np.random.randn(hidden_dim, num_classes) * weight_scale
        self.params['b3'] = np.zeros(num_classes)

    def loss(self, X, y=None):
        a1, fc1_cache = affine_forward(X, self.params['W1'], self.params['b1'])
        h1, relu1_cache = relu_forward(a1)
        a2, fc2_cache = affine_forward(h1, self.params['W2'], self.params['b2'])
        h2, relu2_cache = relu_forward(a2)
        scores, fc3_cache = affine_forward(h2, self.params['W3'], self.params['b3'])

        # test time
        if y is None:
            return scores

        loss, dscores = softmax_loss(scores, y)
        for k in ('W1', 'W2', 'W3'):
            loss += 0.5 * self.reg * np.sum(self.params[k] ** 2)

        grads = {}
        dh2, grads['W3'], grads['b3'] = affine_backward(dscores, fc3_cache)
        da2 = relu_backward(dh2, relu2_cache)
        dh1, grads['W2'], grads['b2'] = affine_backward(da2, fc2_cache)
        da1 = relu_backward(dh1, relu1_cache)
        dx, grads['W1'], grads['b1'] = affine_backward(da1, fc1_cache)
        for k in ('W1', 'W2', 'W3'):
            grads[k] += self.reg * self.params[k]
        return loss, grads


def train(model, X, y, epochs=50, learning_rate=0.1):
    config = {'learning_rate': learning_rate}
    for epoch in range(epochs):
        loss, grads = model.loss(X, y)
        for k in model.params:
            model.params[k], config = sgd(model.params[k], grads[k], config)
        if epoch % 10 == 0:
            print('(Epoch %d / %d) loss: %f' % (epoch, epochs, loss))


if __name__ == '__main__':
    np.random.seed(231)
    X = np.random.randn(50, 12)
    y = np.random.randint(5, size=50)
    train(ThreeLayerNet(reg=1e-3), X, y)
