"""My notes on "neural network from scratch, every layer is an object"; one sample at a time, as a column."""
import numpy as np


class Layer:
    def forward(self, input):
        raise RuntimeError("every layer writes its own forward")

    def backward(self, output_gradient, learning_rate):
        raise RuntimeError("every layer writes its own backward")


class Dense(Layer):
    def __init__(self, input_size, output_size):
        self.weights = np.random.randn(output_size, input_size) * np.sqrt(1.0 / input_size)
        self.bias = np.zeros((output_size, 1))

    def forward(self, input):
        self.input = input
        return self.weights @ input + self.bias

    def backward(self, output_gradient, learning_rate):
        weights_gradient = output_gradient @ self.input.T
        input_gradient = self.weights.T @ output_gradient
        self.weights = self.weights - learning_rate * weights_gradient
        self.bias = self.bias - learning_rate * output_gradient
        return input_gradient


class Sigmoid(Layer):
    def forward(self, input):
        self.output = 1 / (1 + np.exp(-input))
        return self.output

    def backward(self, output_gradient, learning_rate):
        return output_gradient * self.output * (1 - self.output)


class Softmax(Layer):
    def forward(self, input):
        tmp = np.exp(input - np.max(input))
        self.output = tmp / np.sum(tmp)
        return self.output

    def backward(self, output_gradient, learning_rate):
        n = np.size(self.output)
        # dL/dx = (A * (I - A^T)) dL/dy where every column of A is y
        A = np.tile(self.output, n)
        return np.dot(A * (np.identity(n) - np.transpose(A)), output_gradient)


def cross_entropy(y_true, y_pred):
    return -np.sum(y_true * np.log(y_pred + 1e-10))


def cross_entropy_prime(y_true, y_pred):
    return -y_true / (y_pred + 1e-10)


def predict(network, input):
    output = input
    for layer in network:
        output = layer.forward(output)
    return output


def train(network, loss, loss_prime, x_train, y_train, epochs=100, learning_rate=0.01, verbose=True):
    for e in range(epochs):
        error = 0
        for x, y in zip(x_train, y_train):
            output = predict(network, x)
            error += loss(y, output)
            grad = loss_prime(y, output)
            for layer in reversed(network):
                grad = layer.backward(grad, learning_rate)
        error /= len(x_train)
        if verbose and e % 10 == 0:
            print(f"{e + 1}/{epochs}, error={error}")


if __name__ == "__main__":
    np.random.seed(3)
    x = np.random.randn(60, 4, 1)
    labels = np.argmax(x[:, :3, 0], axis=1)
    y = np.eye(3)[labels].reshape(-1, 3, 1)
    net = [Dense(4, 10), Sigmoid(), Dense(10, 3), Softmax()]
    train(net, cross_entropy, cross_entropy_prime, x, y, epochs=40, learning_rate=0.1)
