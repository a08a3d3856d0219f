# two layer net with the multiclass SVM (hinge) loss, sigmoid hidden units
import numpy as np


class SVMNet:

    def __init__(self, D, H, C, reg=1e-3, delta=1.0):
        self.params = dict(
            W1=np.random.randn(D, H) / np.sqrt(D),
            b1=np.zeros((1, H)),
            W2=np.random.randn(H, C) / np.sqrt(H),
            b2=np.zeros((1, C)),
        )
        self.reg = reg
        self.delta = delta

    def forward(self, X):
        p = self.params
        h = 1.0 / (1.0 + np.exp(-(X @ p['W1'] + p['b1'])))
        scores = h @ p['W2'] + p['b2']
        return h, scores

    def loss(self, X, y):
        p = self.params
        N = len(X)
        h, scores = self.forward(X)
        correct = scores[np.arange(N), y].reshape(-1, 1)
        margins = np.maximum(0, scores - correct + self.delta)
        margins[np.arange(N), y] = 0
        data_loss = margins.sum() / N
        reg_loss = 0.5 * self.reg * ((p['W1'] ** 2).sum() + (p['W2'] ** 2).sum())
        loss = data_loss + reg_loss

        dscores = (margins > 0).astype(float)
        dscores[np.arange(N), y] = -dscores.sum(axis=1)
        dscores /= N
        grads = {}
        grads['W2'] = h.T @ dscores + self.reg * p['W2']
        grads['b2'] = dscores.sum(axis=0, keepdims=True)
        dh = dscores @ p['W2'].T
        da = dh * h * (1 - h)
        grads['W1'] = X.T @ da + self.reg * p['W1']
        grads['b1'] = da.sum(axis=0, keepdims=True)
        return loss, grads

    def update(self, grads, lr):
        for k, g in grads.items():
            self.params[k] = self.params[k] - lr * g

    def predict(self, X):
        return self.forward(X)[1].argmax(axis=1)


def main():
    np.random.seed(8)
    X = np.random.randn(100, 6)
    y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0).astype(int)
    net = SVMNet(6, 20, 3)
    for t in range(300):
        loss, grads = net.loss(X, y)
        net.update(grads, 0.5)
        if t % 100 == 0:
            print('t = %d, loss = %.4f' % (t, loss))
    print('accuracy', (net.predict(X) == y).mean())


if __name__ == '__main__':
    main()
