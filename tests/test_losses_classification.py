"""Cross-entropies: their equations in Python floats, the sources' printed numbers, and where naive formulas fail."""

import math

import numpy as np
import pytest

from loss_checks import slopes
from scratchwork.errors import ConfigurationError, DataError, ShapeError
from scratchwork.layers import Softmax
from scratchwork.losses import CategoricalCrossEntropy, MulticlassHinge, SigmoidBinaryCrossEntropy, SoftmaxCrossEntropy


def softmax(z):
    total = sum(math.exp(value) for value in z)
    return [math.exp(value) / total for value in z]


def sigma(f):
    return 1 / (1 + math.exp(-f))


Z = [[0.3, -1.2, 2.0], [1.5, 0.0, -0.5], [-2.0, 0.7, 0.1], [0.0, 0.0, 1.0]]
LABELS = [2, 0, 1, 1]
SOFT = [[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.25, 0.5, 0.25], [0.0, 0.4, 0.6]]
WEIGHT = [1.0, 0.5, 2.0, 0.0]
KAPPA = [1.0, 2.0, 0.5]


# Softmax --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("epsilon", [0.0, 0.1])
@pytest.mark.parametrize("kappa", [None, KAPPA])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("target", [LABELS, SOFT], ids=["labels", "soft"])
def test_softmax_cross_entropy_as_written(epsilon, kappa, weight, target):
    loss = SoftmaxCrossEntropy(label_smoothing=epsilon, class_weight=kappa)
    value, grad = loss.value_and_grad(np.array(Z), np.array(target), weight)
    truth = [[float(c == y) for c in range(3)] for y in target] if target is LABELS else target
    w, parts = [], []
    for n in range(4):
        w.append((weight or [1.0] * 4)[n] * sum(truth[n][c] * (kappa or [1.0] * 3)[c] for c in range(3)))
        t = [(1 - epsilon) * share + epsilon / 3 for share in truth[n]]
        p = softmax(Z[n])
        parts.append((-sum(t[c] * math.log(p[c]) for c in range(3)), [p[c] - t[c] for c in range(3)]))
    assert math.isclose(value, sum(w[n] * parts[n][0] for n in range(4)) / sum(w), rel_tol=1e-14)
    expected = [[w[n] * slope / sum(w) for slope in parts[n][1]] for n in range(4)]
    np.testing.assert_allclose(grad, expected, rtol=1e-13, atol=1e-16)


def test_a_class_weight_of_two_is_each_row_of_the_class_twice():
    z, labels = np.array(Z), np.array(LABELS)
    twice = [0, 1, 2, 2, 3, 3]
    for loss in (SoftmaxCrossEntropy, CategoricalCrossEntropy):
        prediction = z if loss is SoftmaxCrossEntropy else np.array([softmax(row) for row in Z])
        value, _ = loss(class_weight={1: 2.0}, label_smoothing=0.1).value_and_grad(prediction, labels)
        expected, _ = loss(label_smoothing=0.1).value_and_grad(prediction[twice], labels[twice])
        assert math.isclose(value, expected, rel_tol=1e-14)


def test_the_worked_softmax_of_the_walkthrough():
    """1.3, 5.1, 2.2, 0.7, 1.1 gives 0.02, 0.90, 0.05, 0.01, 0.02, and dz = A − Y."""
    z = np.array([[1.3, 5.1, 2.2, 0.7, 1.1]])
    printed = np.array([0.02, 0.90, 0.05, 0.01, 0.02])
    for label in range(5):
        value, grad = SoftmaxCrossEntropy().value_and_grad(z, np.array([label]))
        assert (grad[0] + np.eye(5)[label]).round(2).tolist() == printed.tolist()
        assert abs(math.exp(-value) - printed[label]) < 0.005
    exact, _ = SoftmaxCrossEntropy().value_and_grad(z, np.array([1]))
    assert abs(exact - -math.log(164.022 / 181.734)) < 1e-5  # the quotient that it prints


def test_softmax_is_never_satisfied_where_the_hinge_is():
    """[10, −100, −100] and [10, 9, 9] are alike to a hinge with margin 1, and not to softmax."""
    far, near = np.array([[10.0, -100.0, -100.0]]), np.array([[10.0, 9.0, 9.0]])
    label = np.array([0])
    assert MulticlassHinge().value_and_grad(far, label)[0] == MulticlassHinge().value_and_grad(near, label)[0] == 0.0
    losses = [SoftmaxCrossEntropy().value_and_grad(scores, label)[0] for scores in (far, near)]
    assert losses[0] < 1e-40
    assert math.isclose(losses[1], math.log(1 + 2 * math.exp(-1)), rel_tol=1e-12)
    assert SoftmaxCrossEntropy().value_and_grad(near, label)[1].any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_of_ten_thousand_are_exact(dtype):
    z = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4]], dtype)
    value, grad = SoftmaxCrossEntropy().value_and_grad(z, np.array([1, 2]))
    assert math.isclose(value, (2e4 + math.log(2)) / 2, rel_tol=1e-6)
    np.testing.assert_allclose(grad, [[0.5, -0.5, 0.0], [0.0, 0.25, -0.25]], atol=1e-7)
    value, grad = SoftmaxCrossEntropy().value_and_grad(z, np.array([0, 1]))
    assert math.isclose(value, math.log(2) / 2, rel_tol=1e-6)


def test_infinite_logits_say_nothing_else_than_nan():
    for wild in (np.inf, -np.inf):
        value, _ = SoftmaxCrossEntropy().value_and_grad(np.array([[wild, wild, 0.0]]), np.array([2]))
        assert math.isnan(value) or value == 0.0


def test_one_logit_is_no_softmax():
    with pytest.raises(ConfigurationError, match="softmax over one output is always 1: use SigmoidBinaryCrossEntropy"):
        SoftmaxCrossEntropy().value_and_grad(np.zeros((3, 1)), np.array([0, 1, 0]))
    with pytest.raises(ConfigurationError, match="SigmoidBinaryCrossEntropy"):
        SoftmaxCrossEntropy().prepare([0, 1, 0], 1)
    with pytest.raises(ConfigurationError, match="one column of probabilities"):
        CategoricalCrossEntropy().value_and_grad(np.ones((3, 1)), np.array([0, 1, 0]))
    with pytest.raises(ShapeError, match="one column per class"):
        SoftmaxCrossEntropy().value_and_grad(np.zeros(3), np.array([0, 1, 0]))


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.int64, np.uint64, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_labels_of_any_kind(kind, shape):
    target = np.array(LABELS, kind).reshape(shape)
    for loss in (SoftmaxCrossEntropy(), SoftmaxCrossEntropy(label_smoothing=0.1), MulticlassHinge()):
        value, grad = loss.value_and_grad(np.array(Z), target)
        for form in (np.array(LABELS), np.eye(3)[LABELS], np.eye(3, dtype=bool)[LABELS], np.eye(3, dtype=int)[LABELS]):
            again, same = loss.value_and_grad(np.array(Z), form)
            assert again == value
            np.testing.assert_array_equal(same, grad)


# Probabilities --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("epsilon", [0.0, 0.1])
@pytest.mark.parametrize("target", [LABELS, SOFT], ids=["labels", "soft"])
def test_categorical_cross_entropy_as_written(epsilon, target):
    p = [softmax(row) for row in Z]
    truth = [[float(c == y) for c in range(3)] for y in target] if target is LABELS else target
    t = [[(1 - epsilon) * share + epsilon / 3 for share in row] for row in truth]
    value, grad = CategoricalCrossEntropy(label_smoothing=epsilon).value_and_grad(np.array(p), np.array(target))
    assert math.isclose(value, -sum(t[n][c] * math.log(p[n][c]) for n in range(4) for c in range(3)) / 4, rel_tol=1e-14)
    np.testing.assert_allclose(grad, [[-t[n][c] / p[n][c] / 4 for c in range(3)] for n in range(4)], rtol=1e-13)


def test_the_slides_loss_is_minus_the_log_of_the_true_probability():
    p = np.array([[0.7, 0.1, 0.2], [0.5, 0.1, 0.4], [0.02, 0.9, 0.08]])
    value, _ = CategoricalCrossEntropy().value_and_grad(p, np.array([0, 1, 1]))
    assert math.isclose(value, np.mean(-np.log([0.7, 0.1, 0.9])), rel_tol=1e-14)


@pytest.mark.parametrize("target", [LABELS, SOFT], ids=["labels", "soft"])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_softmax_and_probabilities_are_the_loss_on_logits(target, weight):
    """Through the full Jacobian of the Softmax layer: dz = p − t, though nobody tells the layer about the loss."""
    layer = Softmax()
    p, cache = layer.forward(np.array(Z))
    value, dp = CategoricalCrossEntropy().value_and_grad(p, np.array(target), weight)
    fused, dz = SoftmaxCrossEntropy().value_and_grad(np.array(Z), np.array(target), weight)
    assert math.isclose(value, fused, rel_tol=1e-14)
    np.testing.assert_allclose(layer.backward(dp, cache), dz, rtol=1e-12, atol=1e-15)


def test_in_float32_the_two_agree_as_long_as_the_probability_is_a_number():
    layer, target = Softmax(), np.array([1, 1])
    z = np.array([[60.0, 0.0, 0.0], [0.0, 1.0, 2.0]], np.float32)
    p, cache = layer.forward(z)
    dz = layer.backward(CategoricalCrossEntropy().value_and_grad(p, target)[1], cache)
    np.testing.assert_allclose(dz, SoftmaxCrossEntropy().value_and_grad(z, target)[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_impossible_truth_costs_a_finite_loss(dtype):
    p = np.array([[1.0, 0.0]], dtype)
    value, grad = CategoricalCrossEntropy().value_and_grad(p, np.array([1]))
    assert math.isclose(value, 1 - math.log(1e-30), rel_tol=1e-6)
    np.testing.assert_allclose(grad, [[0.0, -1e30]], rtol=1e-6)


def test_below_eps_the_tangent_goes_on():
    loss, eps = CategoricalCrossEntropy(eps=0.1), 0.1
    for p, expected in [(0.2, -math.log(0.2)), (0.1, -math.log(0.1)), (0.05, -math.log(0.1) + 0.5), (0.0, -math.log(0.1) + 1)]:
        value, grad = loss.value_and_grad(np.array([[p, 1 - p]]), np.array([0]))
        assert math.isclose(value, expected, rel_tol=1e-14)
        assert math.isclose(grad[0, 0], -1 / max(p, eps), rel_tol=1e-14)


@pytest.mark.parametrize("prediction", [[[2.0, -1.0]], [[0.5, 1.5]], [[-0.1, 1.1]]])
def test_logits_are_no_probabilities(prediction):
    with pytest.raises(DataError, match="use SoftmaxCrossEntropy on its logits"):
        CategoricalCrossEntropy().value_and_grad(np.array(prediction), np.array([0]))


# Sigmoid --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pi", [None, 2.5, (2.0, 0.5, 1.0)])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_sigmoid_binary_cross_entropy_as_written(pi, weight):
    y = [[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.25]]
    value, grad = SigmoidBinaryCrossEntropy(positive_weight=pi).value_and_grad(np.array(Z), np.array(y), weight)
    factor = pi if isinstance(pi, tuple) else (pi or 1.0,) * 3
    w = weight or [1.0] * 4
    total, expected = 0.0, []
    for n in range(4):
        terms = [
            -factor[k] * y[n][k] * math.log(sigma(Z[n][k])) - (1 - y[n][k]) * math.log(1 - sigma(Z[n][k])) for k in range(3)
        ]
        slopes = [(1 - y[n][k] + factor[k] * y[n][k]) * sigma(Z[n][k]) - factor[k] * y[n][k] for k in range(3)]
        total += w[n] * sum(terms)  # the sum over attributes
        expected.append([w[n] * slope / sum(w) for slope in slopes])
    assert math.isclose(value, total / sum(w), rel_tol=1e-13)
    np.testing.assert_allclose(grad, expected, rtol=1e-12, atol=1e-16)


def test_the_gradient_of_the_logistic_loss_is_sigma_minus_y():
    """The article prints y − σ(f), the gradient of the log-likelihood; the loss is minus that."""
    for f in (-3.0, -0.5, 0.0, 0.5, 3.0):
        for y in (0, 1):
            _, grad = SigmoidBinaryCrossEntropy().value_and_grad(np.array([[f]]), np.array([y]))
            assert math.isclose(grad[0, 0], sigma(f) - y, rel_tol=1e-14)


def test_two_softmax_outputs_are_one_sigmoid_output():
    f, y = np.array([[0.3], [-1.2], [4.0]]), np.array([1, 0, 0])
    one, grad = SigmoidBinaryCrossEntropy().value_and_grad(f, y)
    two, pair = SoftmaxCrossEntropy().value_and_grad(np.concatenate([np.zeros_like(f), f], axis=1), y)
    assert math.isclose(one, two, rel_tol=1e-14)
    np.testing.assert_allclose(grad[:, 0], pair[:, 1], rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_logits_of_ten_thousand_and_of_twenty(dtype):
    f = np.array([[1e4, -1e4, 1e4, -1e4]], dtype)
    value, grad = SigmoidBinaryCrossEntropy().value_and_grad(f, np.array([[1, 0, 0, 1]]))
    assert value == 2e4
    assert grad.tolist() == [[0.0, 0.0, 1.0, -1.0]]
    value, _ = SigmoidBinaryCrossEntropy().value_and_grad(np.array([[20.0]], dtype), np.array([1]))
    assert math.isclose(value, math.log1p(math.exp(-20)), rel_tol=1e-5)  # log σ(20) = 0 in float32


@pytest.mark.parametrize("target", [[[2.0]], [[-1.0]], [[-0.1]]])
def test_yes_or_no_only(target):
    with pytest.raises(DataError, match="where 0, 1 or a share"):
        SigmoidBinaryCrossEntropy().value_and_grad(np.zeros((1, 1)), np.array(target))


# Settings -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy, CategoricalCrossEntropy])
@pytest.mark.parametrize("smoothing", [-0.1, 1.0, math.nan, "0.1", True, None])
def test_smoothing_is_a_share(loss, smoothing):
    with pytest.raises(ConfigurationError, match="0 <= label_smoothing < 1"):
        loss(label_smoothing=smoothing)


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy, CategoricalCrossEntropy])
@pytest.mark.parametrize(
    "weights",
    [{}, {-1: 1.0}, {"cat": 1.0}, {0: -1.0}, {0: math.inf}, [], [0.0, 0.0], [1.0, -1.0], 3.0, "balanced", [[1.0, 2.0]]],
)
def test_class_weights_are_numbers(loss, weights):
    with pytest.raises(ConfigurationError, match="class_weight"):
        loss(class_weight=weights)


@pytest.mark.parametrize("weights", [{3: 1.0}, [1.0, 2.0], [1.0, 2.0, 3.0, 4.0]])
def test_class_weights_fit_the_number_of_classes(weights):
    loss = SoftmaxCrossEntropy(class_weight=weights)
    with pytest.raises(ConfigurationError, match="class_weight"):
        loss.prepare(LABELS, 3)
    with pytest.raises(ConfigurationError, match="class_weight"):
        loss.value_and_grad(np.array(Z), np.array(LABELS))


def test_class_weights_survive_json():
    assert SoftmaxCrossEntropy(class_weight={"1": 2}).class_weight == {1: 2.0}
    assert SoftmaxCrossEntropy(class_weight=np.array([1, 2])).class_weight == (1.0, 2.0)


@pytest.mark.parametrize("pi", [0.0, -1.0, math.nan, "2", [], [1.0, 0.0], [[1.0]]])
def test_positive_weights_are_positive(pi):
    with pytest.raises(ConfigurationError, match="positive_weight"):
        SigmoidBinaryCrossEntropy(positive_weight=pi)


def test_positive_weights_are_one_per_output():
    loss = SigmoidBinaryCrossEntropy(positive_weight=[1.0, 2.0])
    with pytest.raises(ConfigurationError, match="one per output"):
        loss.prepare(np.zeros((4, 3)), 3)
    with pytest.raises(ConfigurationError, match="one per output"):
        loss.value_and_grad(np.zeros((4, 3)), np.zeros((4, 3)))


@pytest.mark.parametrize("eps", [0.0, -1.0, 1.0, 1e-40, math.nan, "1e-7"])
def test_eps_is_small_and_a_number_in_float32(eps):
    with pytest.raises(ConfigurationError, match="eps"):
        CategoricalCrossEntropy(eps=eps)


def test_rows_that_sum_to_one_only_in_print_still_get_the_slope_of_their_value():
    z, printed = np.array([[0.3, -1.2, 2.0]]), np.array([[0.333, 0.333, 0.333]])
    _, grad = SoftmaxCrossEntropy().value_and_grad(z, printed)
    np.testing.assert_allclose(grad, slopes(SoftmaxCrossEntropy(), z, printed), rtol=1e-7)
    assert abs(grad.sum()) < 1e-15
