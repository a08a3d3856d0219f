"""What the five documents print and derive, as tests with their own numbers and equations."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import scratchwork as sw

RNG = np.random.default_rng(5)


def built(layer, in_shape, seed=0):
    layer.build(in_shape, np.random.default_rng(seed), np.float64)
    return layer


# -- the walkthrough: softmax by hand, and what its printed weights tell -----------------------------------------------

Z = np.array([1.3, 5.1, 2.2, 0.7, 1.1])


def test_the_walkthroughs_softmax():
    probabilities, _ = sw.Softmax().forward(Z[None])
    assert_array_equal(probabilities.round(2), [[0.02, 0.90, 0.05, 0.01, 0.02]])


def test_the_walkthroughs_exponentials_and_their_sum():
    printed = [3.669, 164.022, 9.025, 2.014, 3.004]
    assert_allclose(np.exp(Z), printed, rtol=0, atol=1.1e-3)  # its last digits are cut here and rounded there
    assert round(sum(printed), 3) == 181.734
    assert_allclose(np.exp(Z).sum(), 181.734, rtol=0, atol=2.5e-3)
    assert_allclose(sw.Softmax().forward(Z[None])[0][0], np.array(printed) / 181.734, rtol=2e-5, atol=1e-5)


def test_the_walkthroughs_softmax_inside_the_cross_entropy():
    value, gradient = sw.SoftmaxCrossEntropy().value_and_grad(Z[None], np.array([1]))
    assert value == pytest.approx(-math.log(np.exp(Z)[1] / np.exp(Z).sum()), rel=1e-12)
    assert_array_equal(gradient.round(2), [[0.02, -0.10, 0.05, 0.01, 0.02]])  # dZ = A − Y


# The first three and last three numbers of five rows of its final W₁: weights of the corner pixels.
PRINTED_CORNERS = [
    0.98411848, -1.29751216, 0.28987067, 0.24964724, 0.79800207, 0.80334867,
    -0.4841924, 1.10207873, 0.65232149, -0.13034877, 0.7621568, -1.46672642,
    -1.63936524, -1.11220145, -1.0146169, -0.43665716, 0.22525685, -0.39218341,
    -1.14261946, 2.81762964, 0.70675579, 0.91739395, 0.98839215, -0.89004227,
    1.9930897, -0.54271756, 0.08513634, 0.58301527, -0.81838441, -0.73108455,
]  # fmt: skip


def walkthrough_net(start):
    return sw.Sequential([sw.Dense(4, weight_initializer=start), sw.ReLU(), sw.Dense(3, weight_initializer=start)])


def trained_with_a_black_pixel():
    """(before, after) of both weight matrices, on data whose first two inputs are always 0."""
    x = RNG.random((60, 6))
    x[:, :2] = 0.0
    network = walkthrough_net(sw.initializers.Normal(1.0))
    network.build(6, rng=0, dtype=np.float64)
    weights = [p.value for name, p in network.parameters() if name.endswith("weight")]
    before = [w.copy() for w in weights]
    rule = sw.optimizers.GradientDescent(0.1)
    sw.fit(network, x, RNG.integers(0, 3, 60), loss=sw.SoftmaxCrossEntropy(), optimizer=rule, epochs=50, batch_size=None)
    weights = [p.value for name, p in network.parameters() if name.endswith("weight")]
    return before, weights


def test_weights_of_pixels_that_are_never_lit_keep_their_start():
    before, after = trained_with_a_black_pixel()
    assert_array_equal(after[0][:2], before[0][:2])
    assert np.all(np.abs(after[0][2:] - before[0][2:]).max(axis=1) > 1e-4)


def test_so_the_walkthroughs_printed_corners_are_its_start_and_that_was_randn():
    corners = np.array(PRINTED_CORNERS)
    assert np.abs(corners).max() > 2.8  # uniform in ±½ is out of the question
    # 30 draws of N(0, 1): a standard deviation from 0.75 to 1.25, and a mean within ±0.37, 19 times of 20
    assert 0.75 < corners.std(ddof=1) < 1.25
    assert abs(corners.mean()) < 0.37


def test_a_hidden_units_outgoing_weights_keep_their_sum_under_softmax():
    """Σₖ (pₖ − yₖ) = 0, so the rows of dW₂ (in, out) sum to zero: printed W₂ still shows the means it started with."""
    before, after = trained_with_a_black_pixel()
    assert_allclose(after[1].sum(axis=1), before[1].sum(axis=1), atol=1e-12)
    assert np.abs(after[1] - before[1]).max() > 1e-2


def test_the_nets_of_the_notes_and_the_walkthrough_have_7960_parameters():
    for activation in (sw.ReLU(), sw.LeakyReLU()):
        network = sw.Sequential([sw.Dense(10), activation, sw.Dense(10)])
        network.build(784)
        assert network.flat().value.size == 7960


# -- the math notes: their equations, which hold images in columns ------------------------------------------------------


@pytest.mark.parametrize("activation", [sw.ReLU(), sw.LeakyReLU(0.01)], ids=repr)
def test_the_math_notes_equations_transposed_to_our_layout(activation):
    m, pixels = 7, 5
    X = RNG.normal(size=(pixels, m))  # one image per column
    labels = RNG.integers(0, 10, m)
    Y = np.eye(10)[:, labels]
    network = sw.Sequential([sw.Dense(10), activation, sw.Dense(10)])
    network.build(pixels, rng=1, dtype=np.float64)
    for _, parameter in network.parameters():
        parameter.value[...] = RNG.normal(size=parameter.value.shape)
    W1, b1, W2, b2 = (dict(network.parameters())[name].value for name in ("0.weight", "0.bias", "2.weight", "2.bias"))
    W1, b1, W2, b2 = W1.T, b1[:, None], W2.T, b2[:, None]  # theirs are (out, in) and (out, 1)
    slope = 0.01 if isinstance(activation, sw.LeakyReLU) else 0.0

    Z1 = W1 @ X + b1
    A1 = np.where(Z1 > 0, Z1, slope * Z1)
    Z2 = W2 @ A1 + b2
    A2 = np.exp(Z2) / np.exp(Z2).sum(axis=0)
    dZ2 = A2 - Y
    dW2, db2 = 1 / m * dZ2 @ A1.T, 1 / m * dZ2.sum(axis=1)
    dZ1 = W2.T @ dZ2 * np.where(Z1 > 0, 1.0, slope)
    dW1, db1 = 1 / m * dZ1 @ X.T, 1 / m * dZ1.sum(axis=1)

    logits, caches = network.forward(X.T)
    assert_allclose(sw.Softmax().forward(logits)[0].T, A2, rtol=1e-12)
    _, dlogits = sw.SoftmaxCrossEntropy().value_and_grad(logits, labels)
    network.backward(dlogits, caches, need_dx=False)
    ours = {name: parameter.grad for name, parameter in network.parameters()}
    assert_allclose(ours["2.weight"].T, dW2, atol=1e-12)
    assert_allclose(ours["2.bias"], db2, atol=1e-12)
    assert_allclose(ours["0.weight"].T, dW1, atol=1e-12)
    assert_allclose(ours["0.bias"], db1, atol=1e-12)


def test_their_update_is_ours():
    value, gradient = np.array([1.0, -2.0]), np.array([0.5, 0.25])
    rule = sw.optimizers.GradientDescent(0.1)
    rule.update(value, gradient, rule.init(value), step=1, learning_rate=0.1)
    assert_allclose(value, [1.0 - 0.1 * 0.5, -2.0 - 0.1 * 0.25])


# -- the lecture notes: every layer's derivative ------------------------------------------------------------------------


def test_the_lecture_notes_dense_layer_component_by_component():
    """y_j = w_j1 x_1 + … + b_j, ∂E/∂w_12 = ∂E/∂y_1 · x_2, ∂E/∂b = ∂E/∂y, ∂E/∂x_1 = Σ_j ∂E/∂y_j w_j1."""
    layer = built(sw.Dense(3), (2,))
    w = layer.weight.value.T  # theirs are (out, in)
    x, dy = RNG.normal(size=2), RNG.normal(size=3)
    y, cache = layer.forward(x[None])
    assert_allclose(y[0], [sum(w[j, i] * x[i] for i in range(2)) + layer.bias.value[j] for j in range(3)])
    dx = layer.backward(dy[None], cache)
    assert layer.weight.grad.T[0, 1] == pytest.approx(dy[0] * x[1])
    assert_allclose(layer.weight.grad.T, np.outer(dy, x))
    assert_allclose(layer.bias.grad, dy)
    assert_allclose(dx[0], [sum(dy[j] * w[j, i] for j in range(3)) for i in range(2)])


def test_the_lecture_notes_activation_is_a_hadamard_product():
    x, dy = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3))
    for layer, slope in ((sw.Tanh(), 1 - np.tanh(x) ** 2), (sw.ReLU(), (x > 0).astype(float))):
        _, cache = layer.forward(x)
        assert_allclose(layer.backward(dy, cache), dy * slope, rtol=1e-12)


def test_the_lecture_notes_relu_has_slope_zero_at_zero():
    y, cache = sw.ReLU().forward(np.zeros((1, 1)))
    assert y[0, 0] == 0
    assert sw.ReLU().backward(np.ones((1, 1)), cache)[0, 0] == 0


def test_the_lecture_notes_softmax_jacobian():
    """∂y_k/∂x_k = y_k (1 − y_k), ∂y_k/∂x_j = −y_k y_j; together A ⊙ (I − Aᵀ) for A with the column y repeated."""
    x, dy = RNG.normal(size=5), RNG.normal(size=5)
    y, cache = sw.Softmax().forward(x[None])
    by_cases = np.array([[y[0, k] * ((k == j) - y[0, j]) for j in range(5)] for k in range(5)])
    A = np.repeat(y.T, 5, axis=1)
    assert_allclose(by_cases, A * (np.eye(5) - A.T), atol=1e-15)
    assert_allclose(sw.Softmax().backward(dy[None], cache)[0], by_cases.T @ dy, atol=1e-14)
    seen = np.stack([sw.Softmax().backward(row[None], cache)[0] for row in np.eye(5)])
    assert_allclose(seen, by_cases, atol=1e-14)


def test_the_lecture_notes_mean_squared_error():
    """E = 1/n Σ (y_i − y*_i)², ∂E/∂Y = 2/n (Y − Y*)."""
    n = 6
    Y, wanted = RNG.normal(size=n), RNG.normal(size=n)
    value, gradient = sw.MeanSquaredError().value_and_grad(Y[None], wanted[None])
    assert value == pytest.approx(sum((wanted[i] - Y[i]) ** 2 for i in range(n)) / n)
    assert_allclose(gradient[0], 2 / n * (Y - wanted), rtol=1e-12)


# -- the slides ----------------------------------------------------------------------------------------------------------


def test_the_slides_stable_softmax_and_their_loss():
    inputs = RNG.normal(size=(4, 3)) * 5
    exp_values = np.exp(inputs - np.max(inputs, axis=1, keepdims=True))
    probabilities = exp_values / np.sum(exp_values, axis=1, keepdims=True)
    assert_allclose(sw.Softmax().forward(inputs)[0], probabilities, rtol=1e-13)
    k = np.array([0, 2, 1, 2])
    expected = np.mean(-np.log(probabilities[np.arange(4), k]))
    assert sw.SoftmaxCrossEntropy().value_and_grad(inputs, k)[0] == pytest.approx(expected)
    assert sw.CategoricalCrossEntropy().value_and_grad(probabilities, k)[0] == pytest.approx(expected)


def test_the_slides_dense_layer_starts_small_with_zero_biases():
    layer = built(sw.Dense(64, weight_initializer=sw.initializers.Normal(0.01)), (400,))
    assert layer.weight.value.std() == pytest.approx(0.01, rel=0.02)
    assert not layer.bias.value.any()
    x = RNG.normal(size=(3, 400))
    assert_allclose(layer.forward(x)[0], np.dot(x, layer.weight.value) + layer.bias.value)


# -- the article ---------------------------------------------------------------------------------------------------------

ONES = np.array([[1.0, 1.0, 1.0, 1.0]])
W_ONE, W_QUARTERS = np.array([[1.0], [0.0], [0.0], [0.0]]), np.full((4, 1), 0.25)


def test_the_articles_two_weight_vectors_score_alike_and_cost_1_and_a_quarter():
    assert (ONES @ W_ONE).item() == (ONES @ W_QUARTERS).item() == 1.0
    # Σ w² as the article counts; the library's L2 has the ½ that makes its gradient λw
    assert 2 * sw.L2(1.0).penalty(W_ONE) == 1.0
    assert 2 * sw.L2(1.0).penalty(W_QUARTERS) == 0.25
    gradient = np.zeros((4, 1))
    assert sw.L2(1.0).inplace_add_gradient(W_QUARTERS, gradient) == 0.125
    assert_array_equal(gradient, W_QUARTERS)


def test_the_articles_hinge_term_is_cut_to_zero():
    scores = np.array([[13.0, -7.0, 11.0]])  # the right class is the first
    assert -7 - 13 + 10 < 0
    value, gradient = sw.MulticlassHinge(margin=10.0).value_and_grad(scores, np.array([0]))
    assert value == max(0, -7 - 13 + 10) + max(0, 11 - 13 + 10) == 8
    assert_array_equal(gradient, [[-1, 0, 1]])  # and the term that was cut has no gradient
    assert sw.SquaredHinge(margin=10.0).value_and_grad(scores, np.array([0]))[0] == 8**2


def test_the_articles_scores_are_alike_to_a_hinge_and_not_to_softmax():
    first, far, near = np.array([0]), np.array([[10.0, -100.0, -100.0]]), np.array([[10.0, 9.0, 9.0]])
    hinge = sw.MulticlassHinge(margin=1.0)
    assert hinge.value_and_grad(far, first)[0] == hinge.value_and_grad(near, first)[0] == 0
    softmax = sw.SoftmaxCrossEntropy()
    assert softmax.value_and_grad(far, first)[0] == pytest.approx(0.0, abs=1e-12)
    assert softmax.value_and_grad(near, first)[0] == pytest.approx(math.log(1 + 2 / math.e))  # 0.55


def test_the_articles_logistic_gradient():
    """∂L/∂f = y − σ(f) for the log-likelihood L, so σ(f) − y for the loss, which is its negative."""
    f, y = RNG.normal(size=(1, 4)) * 3, np.array([[1.0, 0.0, 0.0, 1.0]])
    sigma = 1 / (1 + np.exp(-f))
    value, gradient = sw.SigmoidBinaryCrossEntropy().value_and_grad(f, y)
    log_likelihood = np.sum(y * np.log(sigma) + (1 - y) * np.log(1 - sigma))
    scale = value / -log_likelihood  # whether attributes are summed or averaged
    assert scale in (pytest.approx(1.0), pytest.approx(0.25))
    assert_allclose(gradient, scale * (sigma - y), rtol=1e-12)


def test_the_articles_bias_trick():
    layer = built(sw.Dense(3), (4,))
    layer.bias.value[...] = [0.5, -1.0, 2.0]
    extended = np.concatenate([layer.weight.value, layer.bias.value[None]])
    x = RNG.normal(size=(6, 4))
    assert_allclose(np.concatenate([x, np.ones((6, 1))], axis=1) @ extended, layer.forward(x)[0])


def test_the_articles_initializations_have_their_variances():
    n_in, n_out = 300, 500
    for name, variance in {
        "lecun_normal": 1 / n_in,
        "glorot_normal": 2 / (n_in + n_out),
        "he_normal": 2 / n_in,
        "normal": 0.01**2,
    }.items():
        weights = sw.initializers.resolve_initializer(name)((n_in, n_out), np.random.default_rng(0), np.float64)
        assert weights.var() == pytest.approx(variance, rel=0.02), name


@pytest.mark.parametrize("inverted", [True, False])
def test_dropout_has_in_training_the_mean_it_has_in_prediction(inverted):
    layer = built(sw.Dropout(0.3, inverted=inverted), (2000,))
    x = RNG.random((1, 2000)) + 1
    masked = np.mean([layer.forward(x, training=True, step=step)[0] for step in range(400)])
    assert masked == pytest.approx(layer.forward(x)[0].mean(), rel=0.005)
    assert layer.forward(x)[0].mean() == pytest.approx(x.mean() * (1.0 if inverted else 0.7))


def test_inverted_dropout_leaves_prediction_untouched():
    x = RNG.normal(size=(3, 4))
    assert_array_equal(built(sw.Dropout(0.5), (4,)).forward(x)[0], x)


def test_max_norm_is_the_projection_onto_the_ball():
    weights = RNG.normal(size=(5, 8)) * np.linspace(0.1, 3, 8)
    projected = weights.copy()
    sw.MaxNorm(2.0).inplace_project(projected)
    for before, after in zip(weights.T, projected.T, strict=True):
        assert np.linalg.norm(after) <= 2.0 * (1 + 1e-12)
        if np.linalg.norm(before) <= 2.0:
            assert_array_equal(after, before)
        else:  # the nearest point of the ball: no other one on it is closer
            others = RNG.normal(size=(200, 5))
            others *= 2.0 / np.linalg.norm(others, axis=1, keepdims=True)
            assert np.linalg.norm(after - before) <= np.linalg.norm(others - before, axis=1).min()


def test_gradient_descent_with_the_articles_l2_decays_weights_linearly():
    weights = np.array([[2.0, -4.0]])
    gradient = np.zeros_like(weights)
    sw.L2(0.1).inplace_add_gradient(weights, gradient)
    rule = sw.optimizers.GradientDescent(0.5)
    rule.update(weights, gradient, rule.init(weights), step=1, learning_rate=0.5)
    assert_allclose(weights, [[2.0 * (1 - 0.05), -4.0 * (1 - 0.05)]])


def test_the_articles_preprocessing():
    x = RNG.normal(size=(500, 3)) @ RNG.normal(size=(3, 3)) + 5
    centred = sw.preprocessing.MeanSubtraction().fit_transform(x)
    assert_allclose(centred.mean(axis=0), 0, atol=1e-12)
    white = sw.preprocessing.Whiten(eps=1e-12).fit_transform(x)
    assert_allclose(white.T @ white / len(x), np.eye(3), atol=1e-6)
    rotated = sw.preprocessing.PCA(2).fit_transform(x)
    covariance = rotated.T @ rotated / len(x)
    assert abs(covariance[0, 1]) < 1e-9
    assert covariance[0, 0] >= covariance[1, 1]


def test_the_articles_four_rows_are_learned_by_its_net():
    from scratchwork.recipes import run

    result = run("article", seed=3)
    errors = next(row for row in result.rows if row.kind == "source" and row.measure == "largest error")
    assert len(errors.values) == 10
    assert max(errors.values) < 0.1
