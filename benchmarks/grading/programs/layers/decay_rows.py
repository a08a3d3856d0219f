import numpy as np


class Base:
    trainable = False

    def penalty(self):
        return 0.0


class Dense(Base):
    trainable = True

    def __init__(self, fan_in, fan_out, weight_decay=0.01, seed=0):
        generator = np.random.RandomState(seed)
        self.weight_decay = weight_decay
        self.weights = generator.randn(fan_in, fan_out) / np.sqrt(fan_in)
        self.bias = np.zeros(fan_out)

    def forward(self, inputs):
        self.inputs = inputs
        return inputs.dot(self.weights) + self.bias

    def backward(self, grad_output, lr):
        grad_input = grad_output.dot(self.weights.T)
        grad_weights = self.inputs.T.dot(grad_output)
        grad_weights += self.weight_decay * self.weights
        grad_bias = grad_output.sum(axis=0)
        self.weights = self.weights - lr * grad_weights
        self.bias = self.bias - lr * grad_bias
        return grad_input

    def penalty(self):
        return 0.5 * self.weight_decay * np.sum(self.weights ** 2)


class Tanh(Base):
    def forward(self, inputs):
        self.outputs = np.tanh(inputs)
        return self.outputs

    def backward(self, grad_output, lr):
        return grad_output * (1.0 - self.outputs * self.outputs)


class LeakyReLU(Base):
    def __init__(self, slope=0.2):
        self.slope = slope

    def forward(self, inputs):
        self.inputs = inputs
        return np.where(inputs > 0, inputs, self.slope * inputs)

    def backward(self, grad_output, lr):
        return np.where(self.inputs > 0, grad_output, self.slope * grad_output)


def softmax(z):
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)


def softmax_crossentropy_with_logits(logits, labels):
    """mean loss over the rows, labels are class numbers"""
    p = softmax(logits)
    return -np.mean(np.log(p[np.arange(len(logits)), labels] + 1e-12))


def grad_softmax_crossentropy_with_logits(logits, labels):
    ones = np.zeros_like(logits)
    ones[np.arange(len(logits)), labels] = 1
    return (softmax(logits) - ones) / logits.shape[0]


def forward(network, X):
    activations = []
    for layer in network:
        X = layer.forward(X)
        activations.append(X)
    return activations


def predict(network, X):
    return forward(network, X)[-1].argmax(axis=-1)


def train(network, X, y, lr=0.1):
    logits = forward(network, X)[-1]
    loss = softmax_crossentropy_with_logits(logits, y) + sum(layer.penalty() for layer in network)
    grad = grad_softmax_crossentropy_with_logits(logits, y)
    for layer in reversed(network):
        grad = layer.backward(grad, lr)
    return loss


if __name__ == "__main__":
    r = np.random.RandomState(1)
    X = r.randn(100, 5)
    y = (X[:, 0] > 0) * 1 + (X[:, 1] > 0) * 2
    network = [Dense(5, 30, seed=1), Tanh(), Dense(30, 20, seed=2), LeakyReLU(), Dense(20, 4, seed=3)]
    for epoch in range(200):
        loss = train(network, X, y, lr=0.3)
    print("loss", loss, "accuracy", np.mean(predict(network, X) == y))
