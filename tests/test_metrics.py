"""Metrics against loops, against scikit-learn where it is installed, and bound to the losses whose predictions they judge."""

import functools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loss_checks import CASES
from scratchwork.errors import ConfigurationError, DataError, ShapeError, UnknownNameError
from scratchwork.losses import (
    LOSSES,
    BinaryHinge,
    CategoricalCrossEntropy,
    Loss,
    MeanSquaredError,
    MulticlassHinge,
    Poisson,
    Quantile,
    SigmoidBinaryCrossEntropy,
    SoftmaxCrossEntropy,
    apply_link,
)
from scratchwork.metrics import (
    LARGER_IS_BETTER,
    METRICS,
    BoundMetric,
    accuracy,
    balanced_accuracy,
    confusion_matrix,
    f1,
    log_loss,
    mae,
    mse,
    precision,
    r2,
    recall,
    resolve_metric,
    rmse,
    roc_auc,
    top_5,
    top_k_accuracy,
)

DECISIONS = {"accuracy", "balanced_accuracy", "precision", "recall", "f1"}
NUMBERS = {"mse", "rmse", "mae", "r2"}

RNG = np.random.default_rng(11)
SCORES, LABELS = RNG.normal(size=(60, 4)), RNG.choice(4, 60, p=[0.5, 0.3, 0.15, 0.05])
COLUMN, BITS = RNG.normal(size=(60, 1)), RNG.integers(0, 2, 60)
TABLE, YES = RNG.normal(size=(60, 3)), RNG.integers(0, 2, (60, 3))
VALUES, TRUTH = RNG.normal(size=(60, 2)), RNG.normal(size=(60, 2))
WEIGHT = RNG.integers(0, 4, 60)


# Oracles in loops -----------------------------------------------------------------------------------------------------


def counted(said, true, c, weight):
    """Weights of hits, false alarms and misses of class c."""
    pairs = list(zip(said, true, weight, strict=True))
    hits = sum(w for s, t, w in pairs if s == c and t == c)
    return hits, sum(w for s, t, w in pairs if s == c != t), sum(w for s, t, w in pairs if s != c == t)


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_decisions_by_counting(weight):
    said, w = SCORES.argmax(axis=1).tolist(), [1] * 60 if weight is None else weight.tolist()
    counts = [counted(said, LABELS.tolist(), c, w) for c in range(4)]
    right = sum(weight for s, t, weight in zip(said, LABELS, w, strict=True) if s == t)
    assert math.isclose(accuracy(SCORES, LABELS, weight), right / sum(w))
    recalls = [h / (h + m) for h, _, m in counts]
    assert math.isclose(balanced_accuracy(SCORES, LABELS, weight), sum(recalls) / 4)
    assert math.isclose(recall(SCORES, LABELS, weight), sum(recalls) / 4)
    assert math.isclose(precision(SCORES, LABELS, weight), sum(h / (h + a) for h, a, _ in counts) / 4)
    assert math.isclose(f1(SCORES, LABELS, weight), sum(2 * h / (2 * h + a + m) for h, a, m in counts) / 4)


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_area_under_the_curve_by_comparing_all_pairs(weight):
    scores = COLUMN.round(1)  # with ties
    w = np.ones(60) if weight is None else weight
    total, won = 0.0, 0.0
    for i in np.flatnonzero(BITS == 1):
        for j in np.flatnonzero(BITS == 0):
            total += w[i] * w[j]
            won += w[i] * w[j] * (1.0 if scores[i] > scores[j] else 0.5 if scores[i] == scores[j] else 0.0)
    assert math.isclose(roc_auc(scores, BITS, weight), won / total)


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_errors_by_adding_up(weight):
    w = np.ones(60) if weight is None else weight
    squares = sum(w[n] * (VALUES[n, k] - TRUTH[n, k]) ** 2 for n in range(60) for k in range(2)) / 2 / w.sum()
    assert math.isclose(mse(VALUES, TRUTH, weight), squares)
    assert math.isclose(rmse(VALUES, TRUTH, weight), math.sqrt(squares))
    absolute = sum(w[n] * abs(VALUES[n, k] - TRUTH[n, k]) for n in range(60) for k in range(2)) / 2 / w.sum()
    assert math.isclose(mae(VALUES, TRUTH, weight), absolute)
    parts = []
    for k in range(2):
        centre = sum(w[n] * TRUTH[n, k] for n in range(60)) / w.sum()
        left = sum(w[n] * (VALUES[n, k] - TRUTH[n, k]) ** 2 for n in range(60))
        parts.append(1 - left / sum(w[n] * (TRUTH[n, k] - centre) ** 2 for n in range(60)))
    assert math.isclose(r2(VALUES, TRUTH, weight), sum(parts) / 2)


def test_log_loss_by_adding_up():
    p = apply_link(SCORES, "softmax")
    assert math.isclose(log_loss(p, LABELS), -sum(math.log(p[n, y]) for n, y in enumerate(LABELS)) / 60)
    assert math.isclose(log_loss(p, np.eye(4)[LABELS]), log_loss(p, LABELS))
    soft = np.full((60, 4), 0.25)
    assert math.isclose(log_loss(p, soft), -np.log(p).mean())


# scikit-learn ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def sk():
    return pytest.importorskip("sklearn.metrics")


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_classes_as_in_scikit_learn(sk, weight):
    said, p = SCORES.argmax(axis=1), apply_link(SCORES, "softmax")
    settings = {"sample_weight": weight}
    pairs = [
        (accuracy(SCORES, LABELS, weight), sk.accuracy_score(LABELS, said, **settings)),
        (balanced_accuracy(SCORES, LABELS, weight), sk.balanced_accuracy_score(LABELS, said, **settings)),
        (precision(SCORES, LABELS, weight), sk.precision_score(LABELS, said, average="macro", **settings)),
        (recall(SCORES, LABELS, weight), sk.recall_score(LABELS, said, average="macro", **settings)),
        (f1(SCORES, LABELS, weight), sk.f1_score(LABELS, said, average="macro", **settings)),
        (top_k_accuracy(SCORES, LABELS, weight, k=2), sk.top_k_accuracy_score(LABELS, SCORES, k=2, **settings)),
        (log_loss(p, LABELS, weight), sk.log_loss(LABELS, p, **settings)),
    ]
    for ours, theirs in pairs:
        assert math.isclose(ours, theirs, rel_tol=1e-12)
    if weight is None:  # theirs takes no weights with several classes
        assert math.isclose(roc_auc(p, LABELS), sk.roc_auc_score(LABELS, p, multi_class="ovr", average="macro"), rel_tol=1e-12)
    np.testing.assert_allclose(confusion_matrix(SCORES, LABELS, weight), sk.confusion_matrix(LABELS, said, **settings))


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_one_column_as_in_scikit_learn(sk, weight):
    said, settings = (COLUMN[:, 0] > 0).astype(int), {"sample_weight": weight}
    pairs = [
        (accuracy(COLUMN, BITS, weight), sk.accuracy_score(BITS, said, **settings)),
        (balanced_accuracy(COLUMN, BITS, weight), sk.balanced_accuracy_score(BITS, said, **settings)),
        (precision(COLUMN, BITS, weight), sk.precision_score(BITS, said, **settings)),
        (recall(COLUMN, BITS, weight), sk.recall_score(BITS, said, **settings)),
        (f1(COLUMN, BITS, weight), sk.f1_score(BITS, said, **settings)),
        (roc_auc(COLUMN.round(1), BITS, weight), sk.roc_auc_score(BITS, COLUMN[:, 0].round(1), **settings)),
        (
            log_loss(apply_link(COLUMN, "sigmoid"), BITS, weight),
            sk.log_loss(BITS, apply_link(COLUMN, "sigmoid")[:, 0], **settings),
        ),
    ]
    for ours, theirs in pairs:
        assert math.isclose(ours, theirs, rel_tol=1e-12)
    np.testing.assert_allclose(confusion_matrix(COLUMN, BITS, weight), sk.confusion_matrix(BITS, said, **settings))


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_attributes_as_in_scikit_learn(sk, weight):
    said, settings = (TABLE > 0).astype(int), {"sample_weight": weight}
    for ours, theirs in [
        (precision, functools.partial(sk.precision_score, average="macro")),
        (recall, functools.partial(sk.recall_score, average="macro")),
        (f1, functools.partial(sk.f1_score, average="macro")),
    ]:
        assert math.isclose(ours(TABLE, YES, weight, attributes=True), theirs(YES, said, **settings), rel_tol=1e-12)
    areas = sk.roc_auc_score(YES, TABLE, average="macro", **settings)
    assert math.isclose(roc_auc(TABLE, YES, weight, attributes=True), areas, rel_tol=1e-12)
    columns = [sk.accuracy_score(YES[:, k], said[:, k], **settings) for k in range(3)]
    assert math.isclose(accuracy(TABLE, YES, weight, attributes=True), np.mean(columns), rel_tol=1e-12)
    balanced = [sk.balanced_accuracy_score(YES[:, k], said[:, k], **settings) for k in range(3)]
    assert math.isclose(balanced_accuracy(TABLE, YES, weight, attributes=True), np.mean(balanced), rel_tol=1e-12)


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_numbers_as_in_scikit_learn(sk, weight):
    settings = {"sample_weight": weight}
    assert math.isclose(mse(VALUES, TRUTH, weight), sk.mean_squared_error(TRUTH, VALUES, **settings), rel_tol=1e-12)
    assert math.isclose(mae(VALUES, TRUTH, weight), sk.mean_absolute_error(TRUTH, VALUES, **settings), rel_tol=1e-12)
    assert math.isclose(r2(VALUES, TRUTH, weight), sk.r2_score(TRUTH, VALUES, **settings), rel_tol=1e-12)
    single = sk.root_mean_squared_error(TRUTH[:, 0], VALUES[:, 0], **settings)
    assert math.isclose(rmse(VALUES[:, :1], TRUTH[:, 0], weight), single, rel_tol=1e-12)


def test_a_class_that_is_never_seen_or_never_called_as_in_scikit_learn(sk):
    scores = np.eye(5)[[0, 0, 1, 3]]  # class 2 is only true, 3 only called, 4 neither
    true, said = [0, 1, 2, 0], [0, 0, 1, 3]
    assert math.isclose(precision(scores, true), sk.precision_score(true, said, average="macro", zero_division=0))
    assert math.isclose(recall(scores, true), sk.recall_score(true, said, average="macro", zero_division=0))
    assert math.isclose(f1(scores, true), sk.f1_score(true, said, average="macro", zero_division=0))
    assert math.isclose(balanced_accuracy(scores, true), (1 / 2 + 0 + 0) / 3)


# Weights, forms, corners ----------------------------------------------------------------------------------------------

FITTING = [
    *((METRICS[name], SCORES, LABELS, {}) for name in sorted(DECISIONS | {"top_k_accuracy", "top_5", "roc_auc"})),
    *((METRICS[name], COLUMN, BITS, {}) for name in sorted(DECISIONS | {"roc_auc"})),
    *((METRICS[name], TABLE, YES, {"attributes": True}) for name in sorted(DECISIONS | {"roc_auc"})),
    (log_loss, apply_link(SCORES, "softmax"), LABELS, {}),
    (log_loss, apply_link(TABLE, "sigmoid"), YES, {"attributes": True}),
    *((METRICS[name], VALUES, TRUTH, {}) for name in sorted(NUMBERS)),
]


@pytest.mark.parametrize(("metric", "prediction", "target", "options"), FITTING)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_weight_of_two_is_the_row_twice(metric, prediction, target, options, seed):
    counts = np.random.default_rng(seed).integers(0, 3, 60)
    rows = np.repeat(np.arange(60), counts)
    weighted, repeated = metric(prediction, target, counts, **options), metric(prediction[rows], target[rows], **options)
    assert type(weighted) is float
    assert math.isclose(weighted, repeated, rel_tol=1e-12, abs_tol=1e-14)


@pytest.mark.parametrize(("metric", "prediction", "target", "options"), FITTING)
def test_targets_as_the_losses_prepare_them(metric, prediction, target, options):
    expected = metric(prediction, target, **options)
    if target is LABELS:
        forms = [np.eye(4)[LABELS], LABELS[:, None], LABELS.astype(float), LABELS.tolist()]
    elif target is YES or target is BITS:
        forms = [2 * target - 1, target.astype(bool), np.reshape(target, (60, -1)).astype(np.float32)]
    else:
        forms = [target.tolist(), np.asfortranarray(target)]
    for form in forms:
        assert math.isclose(metric(prediction, form, **options), expected, rel_tol=1e-12)
    for wrong in (target[:-1], target[None], target[:0]):
        with pytest.raises((ShapeError, DataError)):
            metric(prediction, wrong, **options)
    with pytest.raises(ShapeError, match="weight needs one number per row"):
        metric(prediction, target, np.ones(59), **options)


def test_soft_labels_count_as_their_largest_class():
    assert accuracy([[1.0, 0.0], [1.0, 0.0]], [[0.6, 0.4], [0.3, 0.7]]) == 0.5
    assert accuracy([[1.0], [1.0]], [0.6, 0.3]) == 0.5


def test_yes_is_above_zero_for_logits_and_above_half_for_probabilities():
    assert accuracy([[0.3], [-0.1]], [1, 0]) == 1.0
    assert accuracy([[0.3], [0.6]], [0, 1], threshold=0.5) == 1.0
    assert accuracy([0.3, 0.6], [0, 1], threshold=0.5) == 1.0


def test_several_columns_are_classes_unless_they_are_said_to_be_attributes():
    with pytest.raises(DataError, match=r"row \d+ of target sums to"):
        accuracy(TABLE, np.ones((60, 3)))


def test_top_k():
    scores = np.array([[5.0, 4.0, 3.0, 2.0, 1.0, 0.0]] * 3)
    assert [top_k_accuracy(scores, [0, 2, 5], k=k) for k in (1, 2, 3, 6)] == [1 / 3, 1 / 3, 2 / 3, 1.0]
    assert top_5(scores, [0, 4, 5]) == top_k_accuracy(scores, [0, 4, 5]) == 2 / 3
    ties = np.zeros((1, 3))
    assert [top_k_accuracy(ties, [c], k=1) for c in range(3)] == [accuracy(ties, [c]) for c in range(3)] == [1.0, 0.0, 0.0]
    assert top_k_accuracy(np.full((1, 3), np.nan), [0], k=2) == 0.0
    for k in (0, -1, 1.5, True, "5"):
        with pytest.raises(ConfigurationError, match="k of at least 1"):
            top_k_accuracy(scores, [0, 1, 2], k=k)
    with pytest.raises(ConfigurationError, match="one output per class"):
        top_k_accuracy(COLUMN, BITS)


def test_area_where_nothing_can_be_compared():
    assert math.isnan(roc_auc([[0.1], [0.2]], [1, 1]))
    assert math.isnan(roc_auc([[0.1], [math.nan]], [1, 0]))
    two_of_three = roc_auc(apply_link(SCORES[:, :3], "softmax"), np.where(LABELS == 0, 0, 1))
    assert 0 <= two_of_three <= 1


def test_log_loss_wants_probabilities_and_forgives_certainty():
    with pytest.raises(DataError, match="takes probabilities"):
        log_loss(SCORES, LABELS)
    assert math.isclose(log_loss([[0.0, 1.0]], [0]), -math.log(np.finfo(float).eps))
    assert log_loss([[0.0, 1.0]], [1]) < 1e-15


def test_r2_of_a_constant_target():
    assert r2([[1.0], [1.0]], [1.0, 1.0]) == 1.0
    assert r2([[1.0], [2.0]], [1.0, 1.0]) == 0.0
    assert r2(np.full((10, 1), 0.2), np.full(10, 0.1)) == 0.0  # the mean of ten 0.1 is not exactly 0.1
    assert math.isnan(mse([[math.nan]], [1.0]))


def test_float32_predictions_are_judged_in_float64():
    p, t = np.full((3, 1), 1e8, np.float32), np.array([1e8 + 1, 1e8 + 2, 1e8 + 3])
    assert mae(p, t) == 2.0


def test_probabilities_of_float32_logits_are_taken_in_float64():
    metric, logits = resolve_metric("log_loss", SoftmaxCrossEntropy()), SCORES.astype(np.float32)
    assert metric(logits, LABELS) == metric(logits.astype(np.float64), LABELS)


def test_confusion_of_labels():
    assert confusion_matrix(np.array([0, 2, 2]), [0, 1, 2]).tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1]]
    assert confusion_matrix(SCORES, LABELS).sum() == 60
    assert confusion_matrix(SCORES, LABELS).dtype.kind == "i"
    assert math.isclose(np.trace(confusion_matrix(SCORES, LABELS)) / 60, accuracy(SCORES, LABELS))
    for wrong in ([0, 1], []):
        with pytest.raises((ShapeError, DataError)):
            confusion_matrix(np.array([0, 2, 2]), wrong)


@pytest.mark.parametrize("prediction", [np.zeros((0, 2)), np.zeros((2, 2, 2)), 1.0])
def test_predictions_are_rows(prediction):
    with pytest.raises((ShapeError, DataError)):
        accuracy(prediction, [0, 1])


def test_labels_that_have_no_output():
    with pytest.raises(DataError, match="label 7"):
        accuracy(SCORES, np.full(60, 7))
    with pytest.raises(DataError, match="yes-or-no"):
        accuracy(COLUMN, np.full(60, 7))


# Names ----------------------------------------------------------------------------------------------------------------


def test_names_and_directions():
    assert all(name == metric.__name__ for name, metric in METRICS.items())
    assert set(METRICS) - LARGER_IS_BETTER == {"log_loss", "mse", "rmse", "mae"}
    assert resolve_metric("accuracy").larger_is_better
    assert not resolve_metric("mse").larger_is_better
    assert resolve_metric("Balanced-Accuracy").name == "balanced_accuracy"
    with pytest.raises(UnknownNameError, match="did you mean 'accuracy'"):
        resolve_metric("acuracy", SoftmaxCrossEntropy())


@pytest.mark.parametrize("loss", [make() for make in LOSSES.values()], ids=repr)
@pytest.mark.parametrize("name", METRICS)
def test_every_metric_fits_a_loss_or_says_so(loss, name):
    fits = (name in NUMBERS) == (loss.task == "regression")
    fits = fits and not (name.startswith("top") and loss.task == "attributes")
    fits = fits and not (name == "log_loss" and loss.link is None)
    if not fits:
        with pytest.raises(ConfigurationError, match=name):
            resolve_metric(name, loss)
        return
    case = next(case for case in CASES if type(case.loss) is type(loss))
    rng, width = np.random.default_rng(0), case.widths()[-1]
    prediction, target = case.prediction(rng, 30, width), case.target(rng, 30, width)
    metric = resolve_metric(name, loss)
    value = metric(prediction, loss.prepare(target, width), np.ones(30))
    assert type(value) is float
    assert math.isfinite(value)
    assert math.isclose(value, metric(prediction, loss.prepare(target, width)), rel_tol=1e-12)
    assert resolve_metric(METRICS[name], loss) == metric


def test_bound_metrics_know_what_outputs_mean():
    bce, soft = SigmoidBinaryCrossEntropy(), SoftmaxCrossEntropy()
    p = apply_link(SCORES, "softmax")
    assert resolve_metric("accuracy", bce)(TABLE, YES) == accuracy(TABLE, YES, attributes=True)
    assert math.isclose(resolve_metric("log_loss", soft)(SCORES, LABELS), soft.value_and_grad(SCORES, LABELS)[0])
    assert math.isclose(resolve_metric("log_loss", bce)(TABLE, YES), bce.value_and_grad(TABLE, YES)[0] / 3)
    assert math.isclose(resolve_metric("roc_auc", soft)(SCORES, LABELS), roc_auc(p, LABELS))
    assert resolve_metric("log_loss", CategoricalCrossEntropy())(p, LABELS) == log_loss(p, LABELS)
    assert resolve_metric("accuracy", MulticlassHinge())(SCORES, LABELS) == accuracy(SCORES, LABELS)
    assert resolve_metric("accuracy", BinaryHinge())(TABLE, 2 * YES - 1) == accuracy(TABLE, YES, attributes=True)
    counts = RNG.poisson(2.0, (60, 2))
    assert math.isclose(resolve_metric("mse", Poisson())(VALUES, counts), mse(np.exp(VALUES), counts))
    assert resolve_metric("mse", Poisson(log_input=False))(VALUES, counts) == mse(VALUES, counts)
    quantiles = Quantile((0.1, 0.9))
    assert math.isfinite(resolve_metric("mae", quantiles)(VALUES, quantiles.prepare(TRUTH[:, 0], 2)))


def test_saturated_logits_still_have_ranks():
    """Even in float64 σ(40) = σ(50) = 1, and ranks of probabilities would be ties."""
    logits = np.array([[40.0], [50.0]], np.float32)
    assert resolve_metric("roc_auc", SigmoidBinaryCrossEntropy())(logits, [0, 1]) == 1.0


def test_probabilities_of_a_loss_of_ones_own_are_cut_at_half():
    class Own(Loss):
        task, link = "attributes", "identity"

        def value_and_grad(self, prediction, target, weight=None):
            return 0.0, np.zeros_like(prediction)

    assert resolve_metric("accuracy", Own())([[0.3], [0.6]], [0, 1]) == 1.0

    class Vague(Own):
        task, link = None, None

    assert resolve_metric("mse", Vague())([[0.3]], [0.3]) == resolve_metric("accuracy", Vague())([[0.3]], [1]) - 1 == 0.0

    class Odd(Own):
        task = "clustering"

    with pytest.raises(ConfigurationError, match="clustering"):
        resolve_metric("accuracy", Odd())


def test_functions_of_ones_own():
    def worst(prediction, target):
        return np.abs(prediction - target).max()

    metric = resolve_metric(worst, MeanSquaredError())
    assert isinstance(metric, BoundMetric)
    assert metric.name == "worst"
    assert type(metric(VALUES, TRUTH)) is float
    assert not metric.larger_is_better
    assert resolve_metric(metric) is metric
    halves = resolve_metric(functools.partial(accuracy, threshold=0.5), MeanSquaredError())
    assert halves.name == "accuracy"
    assert halves([[0.3], [0.6]], [0, 1]) == 1.0
    with pytest.raises(UnknownNameError):
        resolve_metric(3)


def test_a_function_of_ones_own_gets_weights_where_it_takes_them():
    weights = np.ones(len(TRUTH))
    assert resolve_metric(lambda prediction, target, weight=None: float(weight is weights))(VALUES, TRUTH, weights) == 1.0
    assert resolve_metric(lambda prediction, target: 3.0)(VALUES, TRUTH, weights) == 3.0
    assert resolve_metric(lambda *arguments: len(arguments))(VALUES, TRUTH, weights) == 3.0
    for function in (lambda prediction: 0.0, lambda a, b, c, d: 0.0, lambda: 0.0):
        with pytest.raises(ConfigurationError, match="is no function of"):
            resolve_metric(function)
