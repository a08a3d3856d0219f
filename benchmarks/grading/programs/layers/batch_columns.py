# Layers for whole batches. x is (features, batch): one column is one sample.
import numpy as np

rng = np.random.default_rng(11)


class Dense:
    def __init__(self, n_in, n_out):
        self.w = rng.normal(0, np.sqrt(2 / n_in), (n_out, n_in))
        self.b = np.zeros((n_out, 1))

    def forward(self, x):
        self.x = x
        return self.w @ x + self.b

    def backward(self, output_gradient, learning_rate):
        dw = output_gradient @ self.x.T
        db = output_gradient.sum(axis=1, keepdims=True)
        dx = self.w.T @ output_gradient
        self.w -= learning_rate * dw
        self.b -= learning_rate * db
        return dx


class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, output_gradient, learning_rate):
        return output_gradient * self.mask


class SoftmaxCrossEntropy:
    """The last two steps in one, because the gradient is so simple then: (p - y) / m."""

    def probabilities(self, logits):
        e = np.exp(logits - logits.max(axis=0, keepdims=True))
        return e / e.sum(axis=0, keepdims=True)

    def loss(self, logits, targets):
        m = logits.shape[1]
        shifted = logits - logits.max(axis=0, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=0, keepdims=True))
        return -(targets * log_p).sum() / m

    def gradient(self, logits, targets):
        m = logits.shape[1]
        return (self.probabilities(logits) - targets) / m


def forward_all(layers, x):
    for layer in layers:
        x = layer.forward(x)
    return x


def train_step(layers, criterion, x, targets, learning_rate):
    logits = forward_all(layers, x)
    grad = criterion.gradient(logits, targets)
    for layer in layers[::-1]:
        grad = layer.backward(grad, learning_rate)
    return criterion.loss(logits, targets)


if __name__ == "__main__":
    x = rng.normal(size=(6, 200))
    labels = (x[0] > 0).astype(int) + (x[1] > 0)
    targets = np.eye(3)[labels].T
    layers = [Dense(6, 16), ReLU(), Dense(16, 16), ReLU(), Dense(16, 3)]
    criterion = SoftmaxCrossEntropy()
    for epoch in range(300):
        cost = train_step(layers, criterion, x, targets, 0.2)
        if epoch % 100 == 0:
            print(epoch, cost)
