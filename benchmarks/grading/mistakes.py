"""Mistakes that students make, each as one small change of a correct program; see `corpus.Mistake`.

The names of diagnoses that several words describe equally well are listed together, the best first: in a layer whose backward also
updates, for instance, nobody can tell the sign of the gradient from the sign of the update.
"""

from .corpus import Mistake

AXIS = ("bias axis", "wrong shape")
LOG = ("log of zero",)
OVERFLOW = ("softmax overflow",)
NO_DERIVATIVE = ("missing activation derivative",)
OF_OUTPUT = ("activation derivative of the output", "wrong activation derivative")
WRONG_DERIVATIVE = ("wrong activation derivative",)
TWICE = ("activation derivative twice", "wrong activation derivative")
PENALTY_FACTOR = ("wrong regularizer", "missing regularizer", "loss without regularizer")
SIGN_OR_UPDATE = ("update sign", "sign")
CRASH = ("wrong shape", "does not run")
SOFTMAX_AXIS = ("softmax axis", "batch dependence")
NO_RATE = ("learning rate ignored",)
CHANGED = ("inputs changed", "batch dependence")
LOSS_GRADIENT = ("wrong loss gradient", "unknown")

# fmt: off
TABLE: dict[str, list[tuple[str, tuple[str, ...], str, str]]] = {
    "classes/spiral_network": [
        ("sign of the loss gradient", ("sign",), "self.dinputs = self.dinputs / samples", "self.dinputs = -self.dinputs / samples"),
        ("not divided by the rows", ("factor N",), "        self.dinputs = self.dinputs / samples\n", ""),
        ("bias summed over the units", AXIS, "np.sum(dvalues, axis=0, keepdims=True)", "np.sum(dvalues, axis=1, keepdims=True)"),
        ("softmax without shift", OVERFLOW, "np.exp(inputs - np.max(inputs, axis=1, keepdims=True))", "np.exp(inputs)"),
        ("momentum forgets", ("momentum",), "            layer.weight_momentums = weight_updates\n", ""),
        ("mask of the wrong array", WRONG_DERIVATIVE, "self.dinputs[self.inputs <= 0] = 0", "self.dinputs[dvalues <= 0] = 0"),
        ("loss is a sum", ("loss scale",), "data_loss = np.mean(sample_losses)", "data_loss = np.sum(sample_losses)"),
        ("no clip before the log", LOG, "np.clip(y_pred, 1e-7, 1 - 1e-7)", "y_pred"),
    ],
    "classes/dropout_adam": [
        ("dropout not scaled", ("dropout not scaled",), "size=inputs.shape) / self.rate", "size=inputs.shape)"),
        ("no gradient of L2", ("missing regularizer",), "self.dweights += 2 * self.weight_regularizer_l2 * self.weights", "pass"),
        (
            "no bias correction of the mean", ("bias correction",),
            "layer.weight_momentums / (1 - self.beta_1 ** (self.iterations + 1))", "layer.weight_momentums",
        ),
        ("softmax Jacobian with plus", WRONG_DERIVATIVE, "np.diagflat(single_output) - np", "np.diagflat(single_output) + np"),
        ("sign of the loss gradient", ("sign",), "self.dinputs = -y_true / np.clip", "self.dinputs = y_true / np.clip"),
        ("no ReLU derivative", NO_DERIVATIVE, "dvalues * (self.inputs > 0)", "dvalues.copy()"),
        ("weights go up", ("update sign",), "layer.weights -= self.current", "layer.weights += self.current"),
    ],
    "classes/curve_fit": [
        ("tanh derivative without square", WRONG_DERIVATIVE, "(1 - self.out ** 2)", "(1 - self.out)"),
        ("derivative at the output", OF_OUTPUT, "(1 - self.out ** 2)", "(1 - np.tanh(self.out) ** 2)"),
        ("the 2 of the square is missing", ("constant factor",), "return 2 * (self.y_pred", "return (self.y_pred"),
        ("not divided by the rows", ("factor N",), "(self.y_pred - self.y_true) / self.y_pred.size", "(self.y_pred - self.y_true)"),
        ("loss is a sum", ("loss scale", "factor 1/N"), "np.mean((y_pred - y_true) ** 2)", "np.sum((y_pred - y_true) ** 2)"),
        ("bias gradient is a mean", ("factor 1/N",), "self.db = grad.sum(axis=0)", "self.db = grad.mean(axis=0)"),
        ("parameters go up", ("update sign",), "p -= self.lr * g", "p += self.lr * g"),
        ("no learning rate", NO_RATE, "p -= self.lr * g / (", "p -= g / ("),
    ],
    "classes/binary_moons": [
        (
            "no clip before the log", LOG,
            "        y_pred = np.clip(y_pred, 1e-9, 1 - 1e-9)\n        sample_losses", "        sample_losses",
        ),
        ("no sigmoid derivative", NO_DERIVATIVE, "dvalues * self.output * (1 - self.output)", "dvalues.copy()"),
        (
            "derivative at the output", OF_OUTPUT, "self.dinputs = dvalues * self.output * (1 - self.output)",
            "s = 1 / (1 + np.exp(-self.output))\n        self.dinputs = dvalues * s * (1 - s)",
        ),
        ("sign of the loss gradient", ("sign",), "(-y_true / y_pred + (1 - y_true)", "(y_true / y_pred - (1 - y_true)"),
        ("weights go up", ("update sign",), "layer.weights - self.learning_rate", "layer.weights + self.learning_rate"),
        (
            "biases are never updated", ("update missing",),
            "        layer.biases = layer.biases - self.learning_rate * layer.dbiases\n", "",
        ),
        ("weights start at zero", ("zero initialization",), "np.random.randn(n_in, n_out) / np.sqrt(n_in)", "np.zeros((n_in, n_out))"),
    ],
    "classes/homework_mlp": [
        ("weight gradient turned round", ("transposed", *CRASH), "np.dot(dout.T, self.x)", "np.dot(self.x.T, dout)"),
        ("softmax over the batch", SOFTMAX_AXIS, "np.sum(np.exp(z), axis=1, keepdims=True)", "np.sum(np.exp(z), axis=0, keepdims=True)"),
        ("bias is never added", ("missing bias forward",), "np.dot(x, self.w.T) + self.b", "np.dot(x, self.w.T)"),
        ("leak is lost going back", WRONG_DERIVATIVE, "np.where(self.x > 0, 1.0, self.alpha)", "np.where(self.x > 0, 1.0, 0.0)"),
        ("momentum forgets", ("momentum",), "            self.v[i] = (vw, vb)\n", ""),
        ("velocity with plus", ("update sign",), "self.mu * vw - self.lr * l.grad_w", "self.mu * vw + self.lr * l.grad_w"),
        ("divided by the rows twice", ("factor 1/N",), "return dlogits / n", "return dlogits / n / n"),
        (
            "one taken from every row", ("one-hot", "wrong loss gradient", "batch dependence", "unknown"),
            "dlogits[np.arange(n), self.labels] -= 1.0", "dlogits[:, self.labels] -= 1.0",
        ),
    ],
    "classes/adagrad_onehot": [
        ("loss without its penalty", ("loss without regularizer",), " + self.fc1.penalty() + self.fc2.penalty()", ""),
        ("gradient without the penalty", ("missing regularizer",), " + self.l2 * self.weights\n", "\n"),
        ("softmax over everything", SOFTMAX_AXIS, "exps / np.sum(exps, axis=-1, keepdims=True)", "exps / np.sum(exps)"),
        ("one-hot in every row", ("one-hot",), "out[np.arange(labels.size), labels] = 1", "out[:, labels] = 1"),
        ("no bias gradient", ("missing bias",), "self.dbias = np.sum(dvalues, axis=0, keepdims=True)", "self.dbias = np.zeros_like(self.bias)"),
        ("bias summed over everything", AXIS, "self.dbias = np.sum(dvalues, axis=0, keepdims=True)", "self.dbias = np.sum(dvalues)"),
        ("sigmoid derivative twice", TWICE, "dvalues * self.output * (1 - self.output)", "dvalues * (self.output * (1 - self.output)) ** 2"),
        ("nothing added before the log", LOG, "np.log(self.output + 1e-12)", "np.log(self.output)"),
    ],
    "layers/xor": [
        ("sign of the weight gradient", SIGN_OR_UPDATE, "= np.dot(output_gradient, self.input.T)", "= -np.dot(output_gradient, self.input.T)"),
        ("weights go up", SIGN_OR_UPDATE, "self.weights -= learning_rate", "self.weights += learning_rate"),
        ("derivative of the wrong number", WRONG_DERIVATIVE, "1 - np.tanh(x) ** 2", "1 - x ** 2"),
        (
            "goes back through new weights", ("updated weights", "wrong input gradient", "unknown"),
            "        input_gradient = np.dot(self.weights.T, output_gradient)\n        self.weights -= learning_rate * weights_gradient\n",
            "        self.weights -= learning_rate * weights_gradient\n        input_gradient = np.dot(self.weights.T, output_gradient)\n",
        ),
        ("bias without learning rate", NO_RATE, "self.bias -= learning_rate * output_gradient", "self.bias -= output_gradient"),
        ("sign of the loss gradient", ("sign",), "2 * (y_pred - y_true)", "2 * (y_true - y_pred)"),
        ("gives back the wrong gradient", CRASH, "        return input_gradient\n", "        return output_gradient\n"),
    ],
    "layers/softmax_columns": [
        ("softmax without shift", OVERFLOW, "np.exp(input - np.max(input))", "np.exp(input)"),
        ("softmax Jacobian not turned", WRONG_DERIVATIVE, "np.identity(n) - np.transpose(A)", "np.identity(n) - A"),
        ("nothing added before the log", LOG, "np.log(y_pred + 1e-10)", "np.log(y_pred)"),
        ("sign of the loss gradient", ("sign",), "return -y_true / (y_pred + 1e-10)", "return y_true / (y_pred + 1e-10)"),
        ("half a sigmoid derivative", WRONG_DERIVATIVE, "output_gradient * self.output * (1 - self.output)", "output_gradient * self.output"),
        ("bias is never updated", ("update missing", "missing bias"), "        self.bias = self.bias - learning_rate * output_gradient\n", ""),
        ("weights start at zero", ("zero initialization",), "np.random.randn(output_size, input_size) * np.sqrt(1.0 / input_size)", "np.zeros((output_size, input_size))"),
    ],
    "layers/network_class": [
        ("ReLU derivative of the other side", WRONG_DERIVATIVE, "return (x > 0).astype", "return (x < 0).astype"),
        ("no activation derivative", NO_DERIVATIVE, "return self.activation_prime(self.input) * output_error", "return output_error"),
        ("bias summed over the units", AXIS, "np.sum(output_error, axis=0, keepdims=True)", "np.sum(output_error, axis=1, keepdims=True)"),
        ("loss gradient not divided", ("factor N", "constant factor"), "2 * (y_pred - y_true) / y_true.size", "2 * (y_pred - y_true)"),
        ("weights go up", SIGN_OR_UPDATE, "self.weights -= learning_rate", "self.weights += learning_rate"),
        (
            "all layers share one bias", ("shared weights",),
            "    def __init__(self, input_size, output_size):\n        self.weights = np.random.rand(input_size, output_size) - 0.5\n"
            "        self.bias = np.random.rand(1, output_size) - 0.5\n",
            "    def __init__(self, input_size, output_size, bias=np.zeros((1, 1024))):\n"
            "        self.weights = np.random.rand(input_size, output_size) - 0.5\n        self.bias = bias[:, :output_size]\n",
        ),
    ],
    "layers/batch_columns": [
        ("not divided by the samples", ("factor N",), "(self.probabilities(logits) - targets) / m", "self.probabilities(logits) - targets"),
        ("softmax over the batch", SOFTMAX_AXIS, "e / e.sum(axis=0, keepdims=True)", "e / e.sum(axis=1, keepdims=True)"),
        ("bias summed over the units", (*AXIS, "does not run"), "output_gradient.sum(axis=1, keepdims=True)", "output_gradient.sum(axis=0, keepdims=True)"),
        (
            "goes back through new weights", ("updated weights", "wrong input gradient", "unknown"),
            "        dx = self.w.T @ output_gradient\n        self.w -= learning_rate * dw\n",
            "        self.w -= learning_rate * dw\n        dx = self.w.T @ output_gradient\n",
        ),
        ("mask of the wrong array", WRONG_DERIVATIVE, "return output_gradient * self.mask", "return output_gradient * (output_gradient > 0)"),
        ("weights start at zero", ("zero initialization",), "rng.normal(0, np.sqrt(2 / n_in), (n_out, n_in))", "np.zeros((n_out, n_in))"),
        ("loss is a sum", ("loss scale", "factor 1/N"), "return -(targets * log_p).sum() / m", "return -(targets * log_p).sum()"),
    ],
    "layers/decay_rows": [
        ("gradient without the penalty", ("missing regularizer",), "        grad_weights += self.weight_decay * self.weights\n", ""),
        ("penalty twice as large", PENALTY_FACTOR, "return 0.5 * self.weight_decay", "return self.weight_decay"),
        ("mask of the wrong array", WRONG_DERIVATIVE, "np.where(self.inputs > 0, grad_output,", "np.where(grad_output > 0, grad_output,"),
        ("softmax without shift", OVERFLOW, "    z = z - z.max(axis=1, keepdims=True)\n", ""),
        ("tanh derivative twice", TWICE, "(1.0 - self.outputs * self.outputs)", "(1.0 - self.outputs * self.outputs) ** 2"),
        ("not divided by the rows", ("factor N",), "(softmax(logits) - ones) / logits.shape[0]", "softmax(logits) - ones"),
        (
            "rows mix", ("batch dependence",), "    def forward(self, inputs):\n        self.inputs = inputs\n        return inputs.dot",
            "    def forward(self, inputs):\n        inputs = inputs - inputs.mean(axis=0)\n        self.inputs = inputs\n        return inputs.dot",
        ),
    ],
    "layers/yes_or_no": [
        ("dropout not scaled", ("dropout not scaled",), "(np.random.rand(*x.shape) >= self.p) / (1 - self.p)", "(np.random.rand(*x.shape) >= self.p)"),
        ("dropout forgotten going back", ("dropout backward", "dropout", *NO_DERIVATIVE, *WRONG_DERIVATIVE), "return output_gradient * self.mask", "return output_gradient"),
        ("bias not divided by the samples", ("factor N",), "keepdims=True) / samples", "keepdims=True)"),
        ("half a loss gradient", (*LOSS_GRADIENT, "activation derivative twice"), "return (p - y) / (p * (1 - p))", "return p - y"),
        ("no clip before the log", LOG, "    p = np.clip(p, 1e-12, 1 - 1e-12)\n    return np.mean", "    return np.mean"),
        ("no ReLU derivative", NO_DERIVATIVE, "return output_gradient * (self.x > 0)", "return output_gradient"),
        ("weights go up", SIGN_OR_UPDATE, "self.W -= learning_rate", "self.W += learning_rate"),
    ],
    "functions/digits_784": [
        ("sign of the error", ("sign",), "dZ2 = A2 - one_hot_Y", "dZ2 = one_hot_Y - A2"),
        ("bias summed over everything", AXIS, "np.sum(dZ2, axis=1, keepdims=True)", "np.sum(dZ2)"),
        ("no ReLU derivative", NO_DERIVATIVE, "W2.T.dot(dZ2) * ReLU_deriv(Z1)", "W2.T.dot(dZ2)"),
        ("one-hot off by one", ("one-hot",), "one_hot_Y[np.arange(Y.size), Y] = 1", "one_hot_Y[np.arange(Y.size), Y - 1] = 1"),
        ("not divided by the samples", ("factor N",), "dW1 = 1 / m * dZ1", "dW1 = dZ1"),
        ("softmax over everything", SOFTMAX_AXIS, "/ sum(np.exp(Z))", "/ np.sum(np.exp(Z))"),
        ("no learning rate", NO_RATE, "W2 = W2 - alpha * dW2", "W2 = W2 - dW2"),
        ("softmax without shift", OVERFLOW, "    Z = Z - np.max(Z, axis=0)\n", ""),
    ],
    "functions/planar_classifier": [
        ("derivative at the output", OF_OUTPUT, "(1 - np.power(A1, 2))", "(1 - np.power(np.tanh(A1), 2))"),
        ("not divided by the samples", ("factor N",), "dW1 = np.dot(dZ1, X.T) / m", "dW1 = np.dot(dZ1, X.T)"),
        ("a learning rate of its own", NO_RATE, 'parameters["W2"] - learning_rate * grads', 'parameters["W2"] - 1.2 * grads'),
        ("weights start at zero", ("zero initialization",), "np.random.randn(n_h, n_x) * 0.01", "np.zeros((n_h, n_x))"),
        ("no clip before the log", LOG, "    A2 = np.clip(A2, 1e-10, 1 - 1e-10)\n", ""),
        ("sign of the loss", ("wrong loss", "sign", "loss scale"), "cost = -np.sum(logprobs)", "cost = np.sum(logprobs)"),
        ("a bias is never updated", ("update missing",), 'b2 = parameters["b2"] - learning_rate * grads["db2"]', 'b2 = parameters["b2"]'),
    ],
    "functions/deep_l2": [
        ("gradient without the penalty", ("missing regularizer",), ' / m + lambd / m * params[f"W{l}"]', " / m"),
        ("penalty twice as large", PENALTY_FACTOR, "lambd / (2 * m) * squares", "lambd / m * squares"),
        ("mask of another layer", (*WRONG_DERIVATIVE, *CRASH), "(caches[l - 1][0] > 0)", "(caches[l][0] > 0)"),
        ("softmax over the batch", SOFTMAX_AXIS, "e / e.sum(axis=0, keepdims=True)", "e / e.sum(axis=1, keepdims=True)"),
        ("bias not divided by the samples", ("factor N",), "dZ.sum(axis=1, keepdims=True) / m", "dZ.sum(axis=1, keepdims=True)"),
        ("no activation going forward", ("missing activation", "wrong activation", "wrong activation derivative"), "if l == L else relu(Z)", "if l == L else Z"),
        ("parameters go up", ("update sign",), "params[key] - learning_rate", "params[key] + learning_rate"),
        ("centres the caller's array", CHANGED, "    A = X\n", "    X -= X.mean(axis=1, keepdims=True)\n    A = X\n"),
    ],
    "functions/three_layer_sigmoid": [
        ("derivative at the output", OF_OUTPUT, "(w3.T @ delta3) * sigmoid_prime(z2)", "(w3.T @ delta3) * sigmoid_prime(a2)"),
        ("no sigmoid derivative", NO_DERIVATIVE, "(w2.T @ delta2) * sigmoid_prime(z1)", "w2.T @ delta2"),
        ("one-hot off by one", ("one-hot",), "Y[y, np.arange(y.shape[0])] = 1", "Y[y - 1, np.arange(y.shape[0])] = 1"),
        ("nothing under the log", LOG, "np.log(np.maximum(picked, 1e-15))", "np.log(picked)"),
        ("bias meaned over everything", AXIS, "np.mean(delta2, axis=1, keepdims=True)", "np.mean(delta2)"),
        ("not divided by the samples", ("factor N",), "delta3 @ a2.T / m", "delta3 @ a2.T"),
        ("parameters go up", ("update sign",), "p - lr * g", "p + lr * g"),
        ("loss is a sum", ("loss scale", "factor 1/N"), "-np.mean(np.log(", "-np.sum(np.log("),
        ("no bias gradient", ("missing bias",), "db1 = np.mean(delta1, axis=1, keepdims=True)", "db1 = np.zeros((delta1.shape[0], 1))"),
    ],
    "functions/house_prices": [
        ("not divided by the examples", ("factor N",), "dy = (cache['y_hat'] - y) / m", "dy = cache['y_hat'] - y"),
        ("the half of the loss is missing", ("constant factor", "loss scale"), "/ (2 * y.shape[1])", "/ y.shape[1]"),
        ("derivative at the output", OF_OUTPUT, "np.tanh(cache['Z1']) ** 2", "np.tanh(cache['A1']) ** 2"),
        ("momentum forgets", ("momentum",), "beta * velocity[key] + grads[key]", "grads[key]"),
        ("velocity with minus", ("update sign",), "beta * velocity[key] + grads[key]", "beta * velocity[key] - grads[key]"),
        ("velocity starts as the weights", ("momentum", "shared weights"), "return {k: np.zeros_like(v) for k, v in params.items()}", "return dict(params)"),
        ("no learning rate", NO_RATE, "params[key] - lr * velocity[key]", "params[key] - velocity[key]"),
        ("bias summed over the units", AXIS, "np.sum(dZ1, axis=1, keepdims=True)", "np.sum(dZ1, axis=0, keepdims=True)"),
        ("bias is never added", ("missing bias forward",), "params['W2'] @ A1 + params['b2']", "params['W2'] @ A1"),
    ],
    "functions/adam_dropout": [
        ("dropout not scaled", ("dropout not scaled",), "< keep_prob) / keep_prob", "< keep_prob)"),
        ("dropout forgotten going back", ("dropout backward", "dropout", *NO_DERIVATIVE, *WRONG_DERIVATIVE), "dZ2) * D1", "dZ2)"),
        ("no bias correction of the mean", ("bias correction",), "m_hat = m[k] / (1 - beta1 ** t)", "m_hat = m[k]"),
        ("bias correction with the other beta", ("bias correction",), "v[k] / (1 - beta2 ** t)", "v[k] / (1 - beta1 ** t)"),
        ("leak is lost going back", WRONG_DERIVATIVE, "np.where(Z > 0, 1.0, LEAK)", "np.where(Z > 0, 1.0, 0.0)"),
        ("one-hot off by one", ("one-hot",), "np.eye(classes)[Y].T", "np.eye(classes)[Y - 1].T"),
        ("no learning rate", NO_RATE, "learning_rate * m_hat", "m_hat"),
        ("bias not divided by the samples", ("factor N",), "db1 = np.sum(dZ1, axis=1, keepdims=True) / m", "db1 = np.sum(dZ1, axis=1, keepdims=True)"),
    ],
    "dictionary/two_layer_net": [
        ("sign going back", ("sign",), "dhidden = dscores.dot(W2.T)", "dhidden = -dscores.dot(W2.T)"),
        ("not divided by the rows", ("factor N",), "        dscores /= N\n", ""),
        ("half the penalty's gradient", PENALTY_FACTOR, "X.T.dot(dhidden) + 2 * reg * W1", "X.T.dot(dhidden) + reg * W1"),
        ("no ReLU derivative", NO_DERIVATIVE, "        dhidden[hidden <= 0] = 0\n", ""),
        ("softmax without shift", OVERFLOW, "shifted = scores - np.max(scores, axis=1, keepdims=True)", "shifted = scores"),
        ("loss is a sum", ("loss scale", "factor 1/N"), "loss = -np.sum(log_probs[np.arange(N), y]) / N", "loss = -np.sum(log_probs[np.arange(N), y])"),
        ("bias summed over everything", AXIS, "np.sum(dhidden, axis=0)", "np.sum(dhidden)"),
        ("weights start at zero", ("zero initialization",), "std * np.random.randn(input_size, hidden_size)", "np.zeros((input_size, hidden_size))"),
    ],
    "dictionary/layer_utils": [
        ("weights not turned round", ("transposed", *CRASH), "dout.dot(w.T).reshape(x.shape)", "dout.dot(w).reshape(x.shape)"),
        ("bias summed over the units", AXIS, "db = np.sum(dout, axis=0)", "db = np.sum(dout, axis=1)"),
        ("mask of the wrong array", WRONG_DERIVATIVE, "dx = dout * (cache > 0)", "dx = dout * (dout > 0)"),
        ("softmax over the batch", SOFTMAX_AXIS, "probs /= np.sum(probs, axis=1, keepdims=True)", "probs /= np.sum(probs, axis=0, keepdims=True)"),
        ("gradient without the penalty", ("missing regularizer",), "grads[k] += self.reg * self.params[k]", "grads[k] += 0"),
        ("loss without its penalty", ("loss without regularizer",), "loss += 0.5 * self.reg * np.sum(self.params[k] ** 2)", "loss += 0"),
        ("bias is never added", ("missing bias forward",), ".dot(w) + b", ".dot(w)"),
        ("not divided by the rows", ("factor N",), "    dx /= N\n", ""),
        ("parameters go up", ("update sign",), "w - config['learning_rate'] * dw", "w + config['learning_rate'] * dw"),
    ],
    "dictionary/fully_connected_net": [
        (
            "biases share one buffer", ("shared weights",), "np.zeros(dims[i + 1])",
            'self.params.get("b1", np.zeros(1024)[: dims[1]]).base[: dims[i + 1]]',
        ),
        ("derivative at the output", OF_OUTPUT, "dout * (1 - h ** 2)", "dout * (1 - np.tanh(h) ** 2)"),
        ("dropout not scaled", ("dropout not scaled",), " / (1 - self.dropout)\n", "\n"),
        ("dropout when it predicts", ("dropout at test", "dropout", "dropout not scaled", "batch dependence"), 'self.dropout > 0 and mode == "train"', "self.dropout > 0"),
        ("loss is a sum", ("loss scale", "factor 1/N"), "np.mean(np.log(", "np.sum(np.log("),
        ("softmax without shift", OVERFLOW, "        scores = scores - scores.max(axis=1, keepdims=True)\n", ""),
        ("divided by the rows twice", ("factor 1/N",), "dout /= n\n", "dout /= n * n\n"),
        ("parameters go up", ("update sign",), "self.params[p] -= learning_rate", "self.params[p] += learning_rate"),
        ("gradient without the penalty", ("missing regularizer",), 'inp.T @ da + self.reg * self.params["W%d" % i]', "inp.T @ da"),
        ("softmax over everything", SOFTMAX_AXIS, "probs = exp_scores / exp_scores.sum(axis=1, keepdims=True)", "probs = exp_scores / exp_scores.sum()"),
    ],
    "dictionary/svm_net": [
        ("the right class loses one", LOSS_GRADIENT, "= -dscores.sum(axis=1)", "= -1"),
        ("the right class has a margin", ("wrong loss", *LOSS_GRADIENT), "        margins[np.arange(N), y] = 0\n", ""),
        ("no sigmoid derivative", NO_DERIVATIVE, "da = dh * h * (1 - h)", "da = dh"),
        ("penalty twice as large", PENALTY_FACTOR, "reg_loss = 0.5 * self.reg", "reg_loss = self.reg"),
        ("not divided by the rows", ("factor N",), "        dscores /= N\n", ""),
        ("bias gradient is a mean", ("factor 1/N",), "da.sum(axis=0, keepdims=True)", "da.mean(axis=0, keepdims=True)"),
        ("no learning rate", NO_RATE, "self.params[k] - lr * g", "self.params[k] - g"),
    ],
    "dictionary/free_loss": [
        ("no ReLU derivative", NO_DERIVATIVE, '(d @ params["w2"].T) * (z1 > 0)', 'd @ params["w2"].T'),
        ("centres the caller's array", CHANGED, "    n = X.shape[0]\n", "    X -= X.mean(axis=0)\n    n = X.shape[0]\n"),
        ("gradient without the penalty", ("missing regularizer",), 'X.T @ d1 + weight_decay * params["w1"]', "X.T @ d1"),
        ("parameters go up", ("update sign",), "params[k] -= lr", "params[k] += lr"),
        ("loss is a sum", ("loss scale", "factor 1/N"), "1e-300).mean()", "1e-300).sum()"),
        ("nothing added before the log", LOG, "p[np.arange(n), y] + 1e-300", "p[np.arange(n), y]"),
        ("softmax over the batch", SOFTMAX_AXIS, "p /= p.sum(axis=1, keepdims=True)", "p /= p.sum(axis=0, keepdims=True)"),
        ("no bias gradient", ("missing bias",), 'grads["b1"] = d1.sum(axis=0)', 'grads["b1"] = np.zeros_like(params["b1"])'),
    ],
    "dictionary/regression_dict": [
        ("the 2 of the square is missing", ("constant factor",), "dout = 2.0 * diff", "dout = diff"),
        ("not divided by the rows", ("factor N",), "2.0 * diff / diff.size", "2.0 * diff"),
        ("tanh derivative without square", WRONG_DERIVATIVE, "dz = dh * (1 - h * h)", "dz = dh * (1 - h)"),
        ("sign of the error", ("sign",), "diff = out - y", "diff = y - out"),
        (
            "targets broadcast to a square", ("silent broadcast", "wrong loss", "batch dependence", "wrong shape"),
            "y = np.asarray(y).reshape(out.shape)", "y = np.asarray(y).ravel()",
        ),
        ("momentum forgets", ("momentum",), "    config['velocity'] = v\n", ""),
        ("velocity with plus", ("update sign",), "v - config['learning_rate'] * dw", "v + config['learning_rate'] * dw"),
        ("bias without the derivative", NO_DERIVATIVE, "'b1': dz.sum(axis=0)", "'b1': dh.sum(axis=0)"),
        ("bias is never added", ("missing bias forward",), "np.tanh(X.dot(W1) + b1)", "np.tanh(X.dot(W1))"),
    ],
}
# fmt: on

MISTAKES = tuple(Mistake(program, *row) for program, rows in TABLE.items() for row in rows)
