import numpy as np

np.random.seed(2)


class Linear:
    def __init__(self, inputs, outputs):
        self.W = np.random.randn(outputs, inputs) * np.sqrt(2.0 / inputs)
        self.B = np.zeros((outputs, 1))

    def forward(self, x):
        self.x = x
        self.z = self.W.dot(x) + self.B
        return self.z

    def backward(self, output_gradient, learning_rate):
        samples = self.x.shape[1]
        dW = output_gradient.dot(self.x.T) / samples
        dB = np.sum(output_gradient, axis=1, keepdims=True) / samples
        dx = self.W.T.dot(output_gradient)
        self.W -= learning_rate * dW
        self.B -= learning_rate * dB
        return dx


class Relu:
    def forward(self, x):
        self.x = x
        return np.maximum(0, x)

    def backward(self, output_gradient, learning_rate):
        return output_gradient * (self.x > 0)


class Dropout:
    def __init__(self, p=0.2):
        self.p = p
        self.training = True

    def forward(self, x):
        if not self.training:
            self.mask = np.ones_like(x)
        else:
            self.mask = (np.random.rand(*x.shape) >= self.p) / (1 - self.p)
        return x * self.mask

    def backward(self, output_gradient, learning_rate):
        return output_gradient * self.mask


class Sigmoid:
    def forward(self, x):
        self.s = 1 / (1 + np.exp(-np.clip(x, -60, 60)))
        return self.s

    def backward(self, output_gradient, learning_rate):
        return output_gradient * self.s * (1 - self.s)


def binary_cross_entropy(y, p):
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return np.mean(-y * np.log(p) - (1 - y) * np.log(1 - p))


def binary_cross_entropy_prime(y, p):
    # per sample; the layers take the mean over the samples
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return (p - y) / (p * (1 - p))


def main():
    X = np.random.randn(3, 150)
    Y = (X[0:1] * X[1:2] > 0).astype(float)
    model = [Linear(3, 24), Relu(), Dropout(0.1), Linear(24, 1), Sigmoid()]
    for epoch in range(600):
        out = X
        for layer in model:
            out = layer.forward(out)
        gradient = binary_cross_entropy_prime(Y, out)
        for layer in reversed(model):
            gradient = layer.backward(gradient, 0.5)
        if epoch % 150 == 0:
            print("epoch", epoch, "loss", binary_cross_entropy(Y, out))


if __name__ == "__main__":
    main()
