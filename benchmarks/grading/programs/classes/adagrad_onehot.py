import numpy as np

# Sigmoid hidden layer, softmax on top, targets one-hot, AdaGrad with weight decay in the loss


class FullyConnected:
    def __init__(self, n_inputs, n_neurons, l2=0.0):
        self.weights = np.random.randn(n_inputs, n_neurons) * np.sqrt(1 / n_inputs)
        self.bias = np.zeros((1, n_neurons))
        self.l2 = l2

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.bias
        return self.output

    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues + self.l2 * self.weights
        self.dbias = np.sum(dvalues, axis=0, keepdims=True)
        self.dinputs = dvalues @ self.weights.T
        return self.dinputs

    def penalty(self):
        return 0.5 * self.l2 * np.sum(self.weights ** 2)


class SigmoidActivation:
    def forward(self, inputs):
        self.output = 1 / (1 + np.exp(-np.clip(inputs, -500, 500)))
        return self.output

    def backward(self, dvalues):
        self.dinputs = dvalues * self.output * (1 - self.output)
        return self.dinputs


class SoftmaxWithLoss:
    def forward(self, inputs, y_onehot):
        inputs = inputs - np.max(inputs, axis=-1, keepdims=True)
        exps = np.exp(inputs)
        self.output = exps / np.sum(exps, axis=-1, keepdims=True)
        return -np.sum(y_onehot * np.log(self.output + 1e-12)) / len(inputs)

    def backward(self, y_onehot):
        self.dinputs = (self.output - y_onehot) / len(y_onehot)
        return self.dinputs


class AdaGrad:
    def __init__(self, learning_rate=0.1, epsilon=1e-7):
        self.learning_rate = learning_rate
        self.epsilon = epsilon

    def update_params(self, layer):
        if not hasattr(layer, "weight_cache"):
            layer.weight_cache = np.zeros_like(layer.weights)
            layer.bias_cache = np.zeros_like(layer.bias)
        layer.weight_cache += layer.dweights ** 2
        layer.bias_cache += layer.dbias ** 2
        layer.weights += -self.learning_rate * layer.dweights / (np.sqrt(layer.weight_cache) + self.epsilon)
        layer.bias += -self.learning_rate * layer.dbias / (np.sqrt(layer.bias_cache) + self.epsilon)


class Model:
    def __init__(self, n_features, n_hidden, n_classes):
        self.fc1 = FullyConnected(n_features, n_hidden, l2=1e-3)
        self.act = SigmoidActivation()
        self.fc2 = FullyConnected(n_hidden, n_classes, l2=1e-3)
        self.head = SoftmaxWithLoss()

    def forward(self, X, y):
        scores = self.fc2.forward(self.act.forward(self.fc1.forward(X)))
        return self.head.forward(scores, y) + self.fc1.penalty() + self.fc2.penalty()

    def backward(self, y):
        self.head.backward(y)
        self.fc2.backward(self.head.dinputs)
        self.act.backward(self.fc2.dinputs)
        self.fc1.backward(self.act.dinputs)


def to_one_hot(labels, n_classes):
    out = np.zeros((labels.size, n_classes))
    out[np.arange(labels.size), labels] = 1
    return out


if __name__ == "__main__":
    X = np.random.randn(90, 3)
    labels = np.argmax(X, axis=1)
    Y = to_one_hot(labels, 3)
    model, optimizer = Model(3, 12, 3), AdaGrad(0.2)
    for step in range(200):
        loss = model.forward(X, Y)
        model.backward(Y)
        optimizer.update_params(model.fc1)
        optimizer.update_params(model.fc2)
    print("final loss", loss)
