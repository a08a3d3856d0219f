"""scikit-learn's own checks of what an estimator is: all of them, none expected to fail, none left out."""

import warnings
from unittest import SkipTest

import numpy as np
import pytest
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

import scratchwork as sw

ESTIMATORS = [
    sw.Classifier(),
    sw.Regressor(),
    sw.Classifier(loss="hinge"),
    sw.Classifier(solver="sgd", learning_rate="adaptive", learning_rate_init=0.1),
    sw.Classifier(hidden_layer_sizes=(8, 8), activation=("mish", "tanh"), engine="numpy"),
    sw.Regressor(solver="lbfgs", hidden_layer_sizes=5, max_iter=30),
    sw.Regressor(loss="quantile", quantile=(0.1, 0.5, 0.9)),
    sw.Regressor(loss="huber", engine="numpy"),
]


@pytest.fixture(autouse=True)
def array_api(monkeypatch):
    """The checks of array API input want this; SciPy, which was imported long ago, does not notice any more."""
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")


@parametrize_with_checks(ESTIMATORS)
def test_every_check_of_scikit_learn_passes(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the checks set max_iter to a few epochs
        try:
            check(estimator)
        except SkipTest as skipped:  # a check of probabilities has nothing to look at where there are none
            if hasattr(estimator, "predict_proba") or "does not have a predict_proba method" not in str(skipped):
                pytest.fail(f"a check was left out: {skipped}")


def test_the_checks_do_find_mistakes(monkeypatch):
    """Those above would notice an estimator that forgets its number of features, or that changes with the order of rows."""
    from sklearn.utils.estimator_checks import check_estimator

    whole = sw.Regressor.predict
    monkeypatch.setattr(sw.Regressor, "predict", lambda self, X: whole(self, X) + np.arange(len(np.asarray(X))))
    results = check_estimator(sw.Regressor(max_iter=5), on_fail=None)
    failed = {result["check_name"] for result in results if result["status"] == "failed"}
    assert "check_methods_sample_order_invariance" in failed
    assert not any(result["expected_to_fail"] for result in results)


def test_what_they_are():
    assert is_classifier(sw.Classifier())
    assert is_regressor(sw.Regressor())
    assert isinstance(sw.Classifier(), BaseEstimator)
    tags = sw.Classifier().__sklearn_tags__()
    assert tags.classifier_tags.multi_class
    assert tags.classifier_tags.multi_label
    assert tags.input_tags.sparse
    assert not tags.input_tags.allow_nan
    assert sw.Regressor().__sklearn_tags__().target_tags.multi_output
    assert sw.Classifier(preprocess="table").__sklearn_tags__().input_tags.allow_nan
    assert not sw.Classifier(preprocess="standardize").__sklearn_tags__().input_tags.sparse
