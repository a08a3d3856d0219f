"""The equations in the docstrings of losses and metrics, letter by letter in float64."""

import math

import numpy as np
import pytest

from equation_rows import Elsewhere, Row, transcribed
from loss_checks import CASES
from scratchwork.losses import Poisson, apply_link
from scratchwork.metrics import top_5, top_k_accuracy

RNG = np.random.default_rng(9)


def mean_over_the_batch() -> None:
    """L = Σₙ wₙ ℓ(pₙ, tₙ) / Σₙ wₙ, with ℓ from the loss of one row alone."""
    w = [1.0, 0.5, 2.0, 0.0]
    for case in CASES:
        if getattr(case.loss, "class_weight", None) or getattr(case.loss, "reduction", "mean") == "sum":
            continue  # these say in equations of their own how they weight
        p, t = case.prediction(RNG, 4, 3), case.target(RNG, 4, 3)
        rows = [case.loss.value_and_grad(p[n : n + 1], t[n : n + 1])[0] for n in range(4)]
        value, _ = case.loss.value_and_grad(p, t, np.array(w))
        assert math.isclose(value, sum(w[n] * rows[n] for n in range(4)) / sum(w), rel_tol=1e-13), case


def links() -> None:
    z = RNG.normal(size=(4, 3))
    sums = [sum(math.exp(z[n, c]) for c in range(3)) for n in range(4)]
    written = {
        "softmax": [[math.exp(z[n, c]) / sums[n] for c in range(3)] for n in range(4)],
        "sigmoid": [[1 / (1 + math.exp(-z[n, c])) for c in range(3)] for n in range(4)],
        "exp": [[math.exp(z[n, c]) for c in range(3)] for n in range(4)],
        "identity": z,
    }
    for link, expected in written.items():
        np.testing.assert_allclose(apply_link(z, link), expected, rtol=1e-14)


def poisson_rates_below_zero() -> None:
    """Below p = 0 the tangent at 0 goes on: ℓ(p) = ℓ(0) + p ℓ′(0)."""
    value, grad = Poisson(log_input=False).value_and_grad(np.array([[-3e-9]]), np.array([[2.0]]))
    at_zero, slope = 0 - 2 * math.log(0 + 1e-8), 1 - 2 / (0 + 1e-8)
    assert math.isclose(value, at_zero + -3e-9 * slope, rel_tol=1e-14)
    assert math.isclose(grad[0, 0], slope, rel_tol=1e-14)


def among_the_best() -> None:
    scores, labels = RNG.normal(size=(40, 7)), RNG.integers(0, 7, 40)
    for k in (1, 2, 5):
        hits = sum(labels[n] in sorted(range(7), key=lambda c: -scores[n, c])[:k] for n in range(40))
        assert math.isclose(top_k_accuracy(scores, labels, k=k), hits / 40)
    assert top_5(scores, labels) == hits / 40


ONE_NUMBER = Elsewhere("losses_regression", "equations_as_written")
MULTICLASS_HINGE = Elsewhere("losses_margin", "multiclass_hinges_as_written")
DECISIONS, ERRORS = Elsewhere("metrics", "decisions_by_counting"), Elsewhere("metrics", "errors_by_adding_up")

WRITTEN: dict[str, tuple[Row, ...]] = {
    "Loss": (mean_over_the_batch,),
    "apply_link": (links,),
    "SoftmaxCrossEntropy": (Elsewhere("losses_classification", "softmax_cross_entropy_as_written"),),
    "CategoricalCrossEntropy": (
        Elsewhere("losses_classification", "categorical_cross_entropy_as_written"),
        Elsewhere("losses_classification", "a_class_weight_of_two_is_each_row_of_the_class_twice"),
    ),
    "SigmoidBinaryCrossEntropy": (Elsewhere("losses_classification", "sigmoid_binary_cross_entropy_as_written"),),
    "MulticlassHinge": (MULTICLASS_HINGE,),
    "SquaredHinge": (MULTICLASS_HINGE,),
    "BinaryHinge": (Elsewhere("losses_margin", "binary_hinge_as_written"),),
    "MeanSquaredError": (ONE_NUMBER,),
    "SumSquaredError": (ONE_NUMBER, Elsewhere("losses_regression", "the_articles_sum_of_squares")),
    "MeanAbsoluteError": (ONE_NUMBER,),
    "Huber": (ONE_NUMBER,),
    "Quantile": (ONE_NUMBER,),
    "Poisson": (ONE_NUMBER, poisson_rates_below_zero),
    "accuracy": (DECISIONS,),
    "balanced_accuracy": (DECISIONS,),
    "precision": (DECISIONS,),
    "recall": (DECISIONS,),
    "f1": (DECISIONS,),
    "top_k_accuracy": (among_the_best,),
    "top_5": (among_the_best,),
    "roc_auc": (Elsewhere("metrics", "area_under_the_curve_by_comparing_all_pairs"),),
    "log_loss": (Elsewhere("metrics", "log_loss_by_adding_up"),),
    "mse": (ERRORS,),
    "rmse": (ERRORS,),
    "mae": (ERRORS,),
    "r2": (ERRORS,),
}


@pytest.mark.parametrize(("name", "check"), transcribed(WRITTEN), ids=lambda part: part if isinstance(part, str) else "")
def test_the_equation(name, check):
    check()
