#!/usr/bin/env python3
"""
CS course, homework 3: multi layer perceptron
weights are stored as (out, in) like in the lecture
"""
import sys

import numpy as np


class Linear(object):
    def __init__(self, in_dim, out_dim):
        self.w = np.random.normal(0.0, np.sqrt(2.0 / in_dim), (out_dim, in_dim))
        self.b = np.zeros((out_dim,))
        self.grad_w = np.zeros_like(self.w)
        self.grad_b = np.zeros_like(self.b)

    def forward(self, x):
        self.x = x
        return np.dot(x, self.w.T) + self.b

    def backward(self, dout):
        self.grad_w = np.dot(dout.T, self.x)
        self.grad_b = np.sum(dout, axis=0)
        return np.dot(dout, self.w)


class LeakyReLU(object):
    def __init__(self, alpha=0.1):
        self.alpha = alpha

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.alpha * x)

    def backward(self, dout):
        return dout * np.where(self.x > 0, 1.0, self.alpha)


class SoftmaxCrossEntropy(object):
    """forward(logits, labels) gives the mean loss, backward() the gradient of the logits"""

    def forward(self, logits, labels):
        z = logits - np.max(logits, axis=1, keepdims=True)
        log_probs = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
        self.probs = np.exp(log_probs)
        self.labels = labels
        return -np.mean(log_probs[np.arange(labels.shape[0]), labels])

    def backward(self):
        n = self.labels.shape[0]
        dlogits = self.probs.copy()
        dlogits[np.arange(n), self.labels] -= 1.0
        return dlogits / n


class MLP(object):
    def __init__(self, in_dim, hidden, out_dim):
        self.layers = [Linear(in_dim, hidden), LeakyReLU(), Linear(hidden, out_dim)]

    def forward(self, x):
        for l in self.layers:
            x = l.forward(x)
        return x

    def backward(self, dout):
        for l in self.layers[::-1]:
            dout = l.backward(dout)
        return dout


class MomentumSGD(object):
    def __init__(self, model, lr=0.05, mu=0.9):
        self.linears = [l for l in model.layers if isinstance(l, Linear)]
        self.lr = lr
        self.mu = mu
        self.v = [(np.zeros_like(l.w), np.zeros_like(l.b)) for l in self.linears]

    def step(self):
        for i, l in enumerate(self.linears):
            vw, vb = self.v[i]
            vw = self.mu * vw - self.lr * l.grad_w
            vb = self.mu * vb - self.lr * l.grad_b
            self.v[i] = (vw, vb)
            l.w += vw
            l.b += vb


def run(epochs):
    np.random.seed(7)
    x = np.random.randn(120, 5)
    labels = np.argmax(x[:, :3] + 0.3 * np.random.randn(120, 3), axis=1)
    model = MLP(5, 20, 3)
    loss_fn = SoftmaxCrossEntropy()
    opt = MomentumSGD(model)
    for epoch in range(epochs):
        order = np.random.permutation(len(x))
        for start in range(0, len(x), 30):
            idx = order[start:start + 30]
            loss = loss_fn.forward(model.forward(x[idx]), labels[idx])
            model.backward(loss_fn.backward())
            opt.step()
        sys.stdout.write("epoch %d loss %.4f\n" % (epoch, loss))


if __name__ == "__main__":
    run(20)
