import numpy as np


class Dense:
    def __init__(self, n_in, n_out):
        self.weights = np.random.randn(n_in, n_out) / np.sqrt(n_in)
        self.biases = np.zeros((1, n_out))

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs.dot(self.weights) + self.biases
        return self.output

    def backward(self, dvalues):
        self.dweights = self.inputs.T.dot(dvalues)
        self.dbiases = dvalues.sum(axis=0, keepdims=True)
        self.dinputs = dvalues.dot(self.weights.T)
        return self.dinputs


class Sigmoid:
    def forward(self, inputs):
        # never exp of something positive
        e = np.exp(-np.abs(inputs))
        self.output = np.where(inputs >= 0, 1 / (1 + e), e / (1 + e))
        return self.output

    def backward(self, dvalues):
        self.dinputs = dvalues * self.output * (1 - self.output)
        return self.dinputs


class BinaryCrossEntropy:
    def forward(self, y_pred, y_true):
        y_pred = np.clip(y_pred, 1e-9, 1 - 1e-9)
        sample_losses = -(y_true * np.log(y_pred) + (1 - y_true) * np.log(1 - y_pred))
        return np.mean(sample_losses)

    def backward(self, y_pred, y_true):
        y_pred = np.clip(y_pred, 1e-9, 1 - 1e-9)
        self.dinputs = (-y_true / y_pred + (1 - y_true) / (1 - y_pred)) / y_pred.size
        return self.dinputs


class SGD:
    def __init__(self, learning_rate=0.1):
        self.learning_rate = learning_rate

    def update_params(self, layer):
        layer.weights = layer.weights - self.learning_rate * layer.dweights
        layer.biases = layer.biases - self.learning_rate * layer.dbiases


def make_moons(n):
    t = np.random.rand(n) * np.pi
    upper = np.c_[np.cos(t), np.sin(t)]
    lower = np.c_[1 - np.cos(t), 0.5 - np.sin(t)]
    X = np.vstack([upper, lower]) + np.random.randn(2 * n, 2) * 0.1
    y = np.r_[np.zeros(n), np.ones(n)].reshape(-1, 1)
    return X, y


if __name__ == "__main__":
    np.random.seed(42)
    X, y = make_moons(100)
    layer1, act1 = Dense(2, 16), Sigmoid()
    layer2, act2 = Dense(16, 1), Sigmoid()
    criterion, optimizer = BinaryCrossEntropy(), SGD(learning_rate=1.0)
    for i in range(1000):
        out = act2.forward(layer2.forward(act1.forward(layer1.forward(X))))
        loss = criterion.forward(out, y)
        criterion.backward(out, y)
        act2.backward(criterion.dinputs)
        layer2.backward(act2.dinputs)
        act1.backward(layer2.dinputs)
        layer1.backward(act1.dinputs)
        optimizer.update_params(layer1)
        optimizer.update_params(layer2)
        if i % 200 == 0:
            print(i, loss, np.mean((out > 0.5) == y))
